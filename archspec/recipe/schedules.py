"""Compute the steps of a schedule, which a formula may count in epochs, once the data is known."""

from __future__ import annotations

from math import ceil
from typing import Any, TypeVar

from msgspec.structs import replace

from archspec.errors import Refused, UserError
from archspec.objects import named
from archspec.objects.optimizers import count_steps
from archspec.recipe.record import Train

T = TypeVar("T", bound=Train)


def settle_schedule(recipe: T, per_epoch: int) -> T:
    """Return a recipe whose schedule has numbers of steps in place of formulas.

    per_epoch: steps in an epoch. A run keeps these numbers: resumed for more epochs, it has the
    schedule that it began with. Raises `UserError` for a schedule that cannot be so.
    """
    optimizer, arguments = named(recipe.optimizer)
    rate = arguments.get("learning_rate")
    if not isinstance(rate, str | dict):
        return recipe
    name, given = named(rate)
    epochs = recipe.epochs or ceil((recipe.steps or 1) / per_epoch)

    def settle(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(settle, value))
        formula = isinstance(value, str) and value.startswith("=")
        return count_steps(value, epochs, per_epoch) if formula else value

    try:
        settled = {key: settle(value) for key, value in given.items()}
    except Refused as refused:
        raise UserError(f"train.optimizer: {name} {refused.message}", refused.hint) from None
    for key in ("decay_steps", "first_decay_steps"):
        if settled.get(key) == 0:
            raise UserError(f"train.optimizer: {name} has {key} 0, by {given[key]}")
    steps = settled.get("boundaries", ())
    if list(steps) != sorted(set(steps)):
        shown = ", ".join(map(str, steps))
        raise UserError(f"train.optimizer: {name} expects ascending boundaries, and has {shown}")
    return replace(recipe, optimizer={optimizer: {**arguments, "learning_rate": {name: settled}}})
