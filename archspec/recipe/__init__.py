"""Read the `train` mapping of a spec: its keys, and the recipe that it gives for a graph.

`record` states every key once: the JSON Schema, the defaults, the options of the command line and
the mapping of a run's resolved.yaml come from there. `recipe_of` replaces keys of the spec
by those of the command line, fills in defaults, and ties losses, weights and metrics to the graph's
outputs. Nothing here imports Keras, so that a recipe that cannot work is refused before anything
slow begins.
"""

from archspec.recipe.augmentation import split_augment
from archspec.recipe.callbacks import ended_early, find_restoring
from archspec.recipe.freezing import count_trained
from archspec.recipe.misfits import find_misfit, suggest_units
from archspec.recipe.of_graph import Recipe, find_followed, recipe_of
from archspec.recipe.outputs import (
    find_rectified,
    gives_probabilities,
    is_one_unit,
    is_sparse,
    last_activation,
)
from archspec.recipe.record import DATA, RECIPE, given_in, suggest_key
from archspec.recipe.scaling import SCALED_TWICE, find_scaled_twice
from archspec.recipe.schedules import settle_schedule

__all__ = [
    "DATA",
    "RECIPE",
    "SCALED_TWICE",
    "Recipe",
    "count_trained",
    "ended_early",
    "find_followed",
    "find_misfit",
    "find_rectified",
    "find_restoring",
    "find_scaled_twice",
    "given_in",
    "gives_probabilities",
    "is_one_unit",
    "is_sparse",
    "last_activation",
    "recipe_of",
    "settle_schedule",
    "split_augment",
    "suggest_key",
    "suggest_units",
]
