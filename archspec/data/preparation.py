"""Find the data of a run and check that it fits the network, before Keras is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.data.binding import Dataset, take_columns, weigh_classes
from archspec.data.datasets import ALONE, OF_CLASSES, WITH_MASKS, load_source
from archspec.data.examples import Examples
from archspec.data.fitting import Fitting, find_aspect, make_fitting
from archspec.data.images import Array, Images, Photos
from archspec.data.masks import Masks
from archspec.data.splits import order_evenly, take_share
from archspec.data.targets import Target
from archspec.errors import Diagnostic, UserError
from archspec.graph import Graph, Node, Shape
from archspec.layers import traits_of
from archspec.reading import readable
from archspec.recipe import Recipe, find_misfit, suggest_units
from archspec.recipe.datasets import CLASSES as KNOWN
from archspec.recipe.tasks import CLASSES, IMAGE, INPUT, LABELS, MASK, NUMBERS, find_task

NAMED = 10  # classes whose names are shown


class Part(Struct, frozen=True, eq=False):
    """The samples of one part of a dataset, and how they become what the network takes and learns.

    fits: by input. targets: by output. class_weights: by output, how much each class counts.
    """

    examples: Examples
    fits: Mapping[str, Fitting]
    targets: Mapping[str, Target]
    class_weights: Mapping[str, Array] = MappingProxyType({})

    def __len__(self) -> int:
        return len(self.examples)

    def count_bytes(self) -> int:
        """Return how many bytes a sample has as the network takes and learns it."""
        shapes = [fit.shape for fit in self.fits.values()]
        shapes += [
            tuple(n or 1 for n in target.shape)
            for target in self.targets.values()
            if target.column != INPUT and len(target.shape) > 1
        ]
        return 4 * sum(map(prod, shapes))

    def fit_inputs(self, examples: Examples) -> dict[str, Array]:
        """Return samples as a batch for each input."""
        return {name: fit(examples.inputs[name]) for name, fit in self.fits.items()}

    def make_inputs(self, examples: Examples) -> Any:
        """Return samples as the network takes them: an array, or a dict for several inputs."""
        return _unwrap(self.fit_inputs(examples))

    def make_target(self, output: str, examples: Examples, x: Any) -> Array:
        """Return what an output learns of samples. x: these, as `make_inputs` returns them."""
        target = self.targets[output]
        if target.column == INPUT:
            learnt: Array = x
            return learnt
        return target(examples.targets[output])

    def make_batch(self, examples: Examples) -> tuple[Any, ...]:
        """Return samples as Keras takes them: x, y, and weights where samples have such.

        Each is an array where the network has one input or output, and else a dict by name.
        """
        x = self.make_inputs(examples)
        y = {output: self.make_target(output, examples, x) for output in self.targets}
        batch = (x, _unwrap(y))
        if examples.weights is None and not self.class_weights:
            return batch
        alike = np.ones(len(examples), np.float32) if examples.weights is None else examples.weights
        weights = {output: alike for output in y}
        for output, by_class in self.class_weights.items():
            weights[output] = alike * by_class[np.asarray(examples.targets[output])]
        return (*batch, _unwrap(weights))


def _unwrap(by_name: dict[str, Array]) -> Any:
    return by_name if len(by_name) > 1 else next(iter(by_name.values()))


def prepare(
    graph: Graph,
    recipe: Recipe,
    data_dir: Path | None = None,
    limit: int | None = None,
    found: Path | None = None,
    only_classes: bool = False,
) -> tuple[Dataset, dict[str, Part]]:
    """Return the recipe's dataset, and its parts among "train", "validation" and "test".

    found: where a run found the dataset before, to be looked in after `data_dir`. only_classes:
    every output learns classes, whatever its loss is. Raises `UserError` if the data is missing, or
    does not fit the graph.
    """
    options = recipe.data
    if options.name is None:
        known = ", ".join(KNOWN)
        raise UserError(
            "nothing to train on",
            f"give --data: {known}, a folder of images, a table (.csv) or arrays (.npz)",
        )
    if not only_classes:
        refuse_misfit(graph, recipe)
    source = load_source(
        options.name,
        data_dir,
        options.split_seed,
        options.skip_broken,
        found,
        OF_CLASSES if only_classes else _find_kind(graph, recipe),
        options.part,
    )
    if options.part is not None and options.part not in source.parts["train"]:
        raise UserError(
            f"train.data.part: {source.name} is no table with a column '{readable(options.part)}'",
            "leave it out",
        )
    dataset = take_columns(graph, recipe, source, only_classes)
    whole = split_dataset(dataset, options.validation, options.split_seed, limit)
    parts: dict[str, Part] = {}
    for name, examples in whole.items():
        fits = {
            each: _make_fitting(graph, recipe, dataset, each, examples) for each in graph.inputs
        }
        targets = {
            output: _fit_target(graph, recipe, output, target, fits, examples)
            for output, target in dataset.targets.items()
        }
        parts[name] = Part(examples, fits, targets)
    parts["train"] = replace(parts["train"], class_weights=_weigh(recipe, parts["train"]))
    return dataset, parts


def _weigh(recipe: Recipe, train: Part) -> dict[str, Array]:
    """Return how much each class counts in training, by output."""
    found = {}
    for output, given in recipe.data.class_weight.items():
        target = train.targets[output]
        labels = np.asarray(train.examples.targets.get(output, ()))
        found[output] = weigh_classes(output, target, labels, given)
    return found


def refuse_misfit(graph: Graph, recipe: Recipe) -> None:
    """Raise `UserError` for a dataset with a known name that cannot train the graph."""
    if (misfit := find_misfit(graph, recipe)) is not None:
        raise UserError(misfit.message, misfit.hint)


def warn_of_units(graph: Graph, recipe: Recipe, dataset: Dataset) -> tuple[Diagnostic, ...]:
    """Return a warning for each output that has more units than the whole dataset has classes.

    Labels that are numbers do not tell how many classes there are: the last ones of many, such as
    words, may be absent, and fewer than one in twenty are not warned of.
    """
    found = []
    for output, target in dataset.targets.items():
        units, count = graph.shape(output)[-1], len(target.classes)
        if target.task != CLASSES or units is None or units <= count:
            continue
        numbered = target.classes == tuple(map(str, range(count)))
        if numbered and dataset.name not in KNOWN and 20 * (units - count) < units:
            continue
        called = dataset.name
        if target.column != dataset.source.target:
            called = f"{readable(target.column)} of {called}"
        message = f"output '{output}' has {units} units, but {called} has {count} classes"
        hint, span = suggest_units(graph, recipe, output, count), graph[output].span
        found.append(Diagnostic("data", message, span, hint, severity="warning"))
    return tuple(found)


def _find_kind(graph: Graph, recipe: Recipe) -> str:
    """Return what a folder of images must hold for a network to be trained on it."""
    tasks = {
        find_task(graph, output, loss, recipe.data.targets.get(output))
        for output, loss in recipe.loss.items()
        if recipe.data.targets.get(output) != INPUT
    }
    if not tasks:
        return ALONE
    return WITH_MASKS if tasks <= {MASK, IMAGE} else OF_CLASSES


def _make_fitting(
    graph: Graph, recipe: Recipe, dataset: Dataset, name: str, examples: Examples
) -> Fitting:
    """Return the conversion from stored samples to values of an input.

    Integers, such as words of an Embedding, stay as they are.
    """
    taken, options = dataset.inputs[name], recipe.data
    scaled = taken.scaled and "float" in graph[name].arguments["dtype"]
    for node in graph:
        if traits_of(node.op).looks_up and name in node.inputs:
            scaled = False
            _check_words(taken.column, examples.inputs[name], node)
    return make_fitting(
        examples.inputs[name],
        graph.shape(name)[1:],
        taken.range,
        options.scale if scaled else None,
        options.resize,
        options.channels,
    )


def _check_words(column: str, words: Images, embedding: Node) -> None:
    """Raise `UserError` for numbers of words that an Embedding has no row for."""
    if not isinstance(words, np.ndarray):
        return
    low, high, argument = words.min(), words.max(), traits_of(embedding.op).looks_up
    rows = embedding.arguments[argument]
    if low < 0 or high >= rows or not float(high).is_integer():
        raise UserError(
            f"{column} holds numbers from {low:g} to {high:g}, and '{embedding.name}' has rows for "
            f"0 to {rows - 1}",
            f"give it `{argument}: {int(high) + 1}`, or number the words from 0",
        )


def _fit_target(
    graph: Graph,
    recipe: Recipe,
    output: str,
    target: Target,
    fits: Mapping[str, Fitting],
    examples: Examples,
) -> Target:
    """Return a target with the conversion of its images, which are scaled as those of the input."""
    if target.column == INPUT:
        if len(fits) > 1:
            raise UserError(
                f"train.data.targets: {graph.name} has {len(fits)} inputs, and `input` says not "
                "which of them is learnt",
                "name a column instead",
            )
        (fit,) = fits.values()
        if not _fits(fit.shape, target.shape):
            raise UserError(
                f"output '{output}' is {_write(target.shape)}, and learns the input, which is "
                f"{_write(fit.shape)}",
                "end the network in the shape of its input",
            )
        return target
    stored = examples.targets[output]
    if isinstance(stored, Masks):
        return replace(target, aspect=find_aspect(recipe.data.resize))
    if target.task != IMAGE:
        return target
    if isinstance(stored, np.ndarray) and stored.dtype != np.uint8:
        return target
    range_ = stored.range if isinstance(stored, Photos) else (0.0, 255.0)
    options = recipe.data
    fit = make_fitting(
        stored, target.shape, range_, options.scale, options.resize, options.channels
    )
    return replace(target, fit=fit)


def _fits(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        b in (a, None) for a, b in zip(shape, wanted, strict=True)
    )


def _write(shape: Shape) -> str:
    return "x".join("any" if n is None else str(n) for n in shape)


def rename(
    dataset: Dataset, parts: Mapping[str, Part], call: Callable[[str], str]
) -> tuple[Dataset, dict[str, Part]]:
    """Return data whose inputs and outputs have other names: those of the network's flat spec."""

    def by_name(several: Mapping[str, Any]) -> dict[str, Any]:
        return {call(name): each for name, each in several.items()}

    def renamed(examples: Examples) -> Examples:
        inputs, targets = by_name(examples.inputs), by_name(examples.targets)
        return replace(examples, inputs=inputs, targets=targets)

    called = {
        name: Part(
            renamed(part.examples),
            by_name(part.fits),
            by_name(part.targets),
            by_name(part.class_weights),
        )
        for name, part in parts.items()
    }
    inputs, targets = by_name(dataset.inputs), by_name(dataset.targets)
    whole = {name: renamed(each) for name, each in dataset.parts.items()}
    return replace(dataset, parts=whole, inputs=inputs, targets=targets), called


def split_dataset(
    dataset: Dataset, share: float, seed: int, limit: int | None = None
) -> dict[str, Examples]:
    """Return the parts that a run uses: "train", and "validation" and "test" if there are such.

    share: that of the training set which becomes the validation set, unless the dataset has one.
    limit: the number of training samples to keep after the split; a fifth as many of the others.
    """
    held, labels = dataset.parts, dataset.list_labels
    train = held["train"]
    if "validation" in held:
        parts = {
            "train": train.take(order_evenly(labels(train), seed)),
            "validation": held["validation"],
        }
    else:
        validation, rest = take_share(labels(train), share, seed)
        parts = {"train": train.take(rest), "validation": train.take(validation)}
    if "test" in held:
        parts["test"] = held["test"].take(order_evenly(labels(held["test"]), seed))
    if limit is not None:
        for part, each in parts.items():
            count = limit if part == "train" else max(1, limit // 5)
            parts[part] = each.take(np.arange(min(count, len(each))))
    if not len(parts["train"]):
        raise UserError(f"{dataset.name} is too small to split", "lower train.data.validation")
    return {part: each for part, each in parts.items() if len(each)}


# --- what is said of it --------------------------------------------------------------------------


def describe_data(dataset: Dataset, parts: Mapping[str, Part]) -> str:
    """Return lines about a dataset: what is taken and learnt, how many samples, and notes."""
    counts = ", ".join(f"{len(each):,} {name}" for name, each in parts.items())
    notes = list(dataset.notes)
    if dataset.skipped:
        names = ", ".join(map(readable, dataset.skipped[:3]))
        more = f" and {len(dataset.skipped) - 3} more" if len(dataset.skipped) > 3 else ""
        notes.append(f"skipped, because they are broken: {names}{more}")
    fits = parts["train"].fits
    source = dataset.source
    simple = [name for name, taken in dataset.inputs.items() if taken.column == source.image]
    learnt = {target.column for target in dataset.targets.values()}
    if len(fits) == len(simple) == 1 and learnt == {source.target} and dataset.classes:
        (fit,) = fits.values()
        lines = [f"{dataset.name}, {_write_classes(dataset.classes)}"]
        what = "images" if len(fit.shape) in (2, 3) else "samples"
        return "\n".join([*lines, f"{what} of {_write(fit.shape)}: {counts}", *notes])
    lines = [f"{dataset.name}: {counts}"]
    for name, fit in fits.items():
        lines.append(f"input {name}: {_write(fit.shape)} from {dataset.inputs[name].column}")
    for output, target in parts["train"].targets.items():
        lines.append(f"output {output}: {_write_target(target)}")
    return "\n".join([*lines, *notes])


def _write_classes(classes: tuple[str, ...]) -> str:
    names = ", ".join(classes[:NAMED]) + (", ..." if len(classes) > NAMED else "")
    return f"{len(classes)} classes: {names}"


def _write_target(target: Target) -> str:
    if target.column == INPUT:
        return "the input itself"
    if target.task == CLASSES:
        return f"{target.column}, {_write_classes(target.classes)}"
    if target.task == LABELS:
        return f"{target.column}, {_write_classes(target.classes).replace('classes', 'labels', 1)}"
    if target.task == NUMBERS or target.fit is None:
        what = "a class for each place" if target.task == MASK else (
            f"numbers from {target.low:g} to {target.high:g}"
        )  # fmt: skip
        return f"{target.column}, {what}"
    return f"{target.column}, images of {_write(target.fit.shape)}"
