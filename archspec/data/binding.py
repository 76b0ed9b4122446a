"""Read the chosen columns as the inputs and targets of a network."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.data.arrays import UNNAMED
from archspec.data.choosing import Choice, Chosen, choose_columns, flatten, resolve
from archspec.data.columns import Cells, ClassLabels, Column, DataSource
from archspec.data.examples import Examples, Stored
from archspec.data.images import Array, Images, Photos, match_photos, read_photos
from archspec.data.masks import Masks, check_sizes
from archspec.data.tables import (
    describe_files,
    describe_rows,
    holds_rows,
    is_numeric,
    names_images,
    to_files,
    to_numbers,
    to_rows,
)
from archspec.data.targets import Target, make_target
from archspec.data.values import check_finite, check_numbers, exceeds, find_range
from archspec.errors import UserError, did_you_mean
from archspec.graph import Graph, Shape
from archspec.layers import traits_of
from archspec.objects import named
from archspec.reading import readable
from archspec.recipe import Recipe
from archspec.recipe.tasks import CLASSES, IMAGE, INPUT, MASK, NUMBERS, OF_OVERLAP, find_task

DARK = 16  # the highest value of bytes that are hardly pixels from 0 to 255
MUCH = 50  # how much larger a range is that is of another scale: 255 and 1, 65535 and 255


class Taken(Struct, frozen=True):
    """The column that an input takes.

    column: its name. range: of its stored values. grey: whether images have no colours. scaled:
    whether `train.data.scale` maps the range; numbers of a table stay as they are.
    """

    column: str
    range: tuple[float, float]
    grey: bool
    scaled: bool


class Dataset(Struct, frozen=True, eq=False):
    """Data that a network can be trained on: the samples of its parts.

    inputs, targets: what each input takes and each output learns. skipped: image files that are
    broken. notes: lines about what is not used, and what is assumed.
    """

    source: DataSource
    parts: Mapping[str, Examples]
    inputs: Mapping[str, Taken]
    targets: Mapping[str, Target]
    skipped: tuple[Any, ...]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the first output that learns such; () if none does."""
        found = (each.classes for each in self.targets.values() if each.task == CLASSES)
        return next(found, ())

    def list_labels(self, examples: Examples) -> Array:
        """Return the class of each sample, int64 (n,), by the first output that learns such.

        Where none does, all samples are of class 0.
        """
        for output, target in self.targets.items():
            if target.task == CLASSES:
                return np.asarray(examples.targets[output])
        return np.zeros(len(examples), np.int64)


def take_columns(
    graph: Graph, recipe: Recipe, source: DataSource, only_classes: bool = False
) -> Dataset:
    """Return the samples of a source as a network takes them.

    only_classes: every output learns classes, whatever its loss is, as runs of older versions did.
    Raises `UserError` for columns that an input or output cannot take.
    """
    tasks = {
        output: CLASSES
        if only_classes
        else find_task(graph, output, loss, recipe.data.targets.get(output))
        for output, loss in recipe.loss.items()
    }
    choice = choose_columns(graph, recipe, source, tasks)
    source, unused = _leave_out_parts(source, choice)
    notes = list(source.notes)
    if unused := (*choice.unused, *unused):
        notes.append(f"not used: {', '.join(unused)}")
    notes += _note_given_targets(choice, tasks)
    _check_counts(source, choice, recipe)
    reader = _ColumnReader(source, recipe)
    inputs = {name: reader.read_input(graph, name, each) for name, each in choice.inputs.items()}
    learnt = {
        output: reader.read_target(graph, output, tasks[output], each)
        for output, each in choice.targets.items()
    }
    parts = {}
    for part in source.parts:
        examples = Examples(
            {name: inputs[name][1][part] for name in graph.inputs},
            {output: learnt[output][1][part] for output in graph.outputs if learnt[output][1]},
            reader.read_weights(part),
        )
        parts[part] = examples.take(reader.kept[part]) if part in reader.kept else examples
        _check_masks(parts[part])
    if any(isinstance(each, Cells) for each in source.parts["train"].values()):
        reader.note_files(parts)
    dataset = Dataset(
        source,
        parts,
        {name: inputs[name][0] for name in graph.inputs},
        {out: learnt[out][0] for out in graph.outputs},
        (*source.skipped, *reader.skipped),
        tuple(dict.fromkeys((*notes, *reader.notes))),
    )
    return _note_absent_classes(dataset)


def _note_given_targets(choice: Choice, tasks: Mapping[str, str]) -> list[str]:
    """Return notes on columns that a network is to learn and is given, besides an autoencoder."""
    given = {*flatten(choice.inputs)}
    notes = []
    for output, columns in choice.targets.items():
        both = [name for name in flatten({output: columns}) if name in given]
        is_itself = columns in choice.inputs.values() and tasks[output] in (IMAGE, NUMBERS)
        if both and not is_itself:
            notes.append(f"output '{output}' learns {both[0]}, which the network is also given")
    return notes


def _check_masks(examples: Examples) -> None:
    """Refuse masks of another size than the images beside them, if one input takes images."""
    photos = [each for each in examples.inputs.values() if isinstance(each, Photos)]
    for masks in examples.targets.values():
        if isinstance(masks, Masks) and len(photos) == 1:
            check_sizes(photos[0].paths, masks)


def read_inputs(
    graph: Graph, recipe: Recipe, source: DataSource, columns: Mapping[str, str]
) -> dict[str, Images]:
    """Return the inputs of samples of which nothing else need be known.

    columns: what each input took in training, in words; the only array of a file is the only input
    if it has no name. Raises `UserError` for one that is missing.
    """
    reader = _ColumnReader(source, recipe)
    found = {}
    held = source.parts["train"]
    is_unnamed = [*held] == [UNNAMED]
    if is_unnamed and len(graph.inputs) > 1:
        raise UserError(
            f"{graph.name} has {len(graph.inputs)} inputs, and {source.name} names no array",
            "give an .npz or a folder of .npy files in which the arrays are called as in training",
        )
    for name in graph.inputs:
        given: Chosen = columns[name]
        if is_unnamed:
            given = UNNAMED
        elif name in recipe.data.inputs:
            given = recipe.data.inputs[name]
        elif columns[name] not in held and ", " in columns[name]:
            given = tuple(columns[name].split(", "))
        elif columns[name] not in held and source.image is not None:
            given = source.image
        chosen = resolve(given, source, "inputs")
        if not all(_count(held[each]) for each in flatten({name: chosen})):
            raise UserError(f"{source.name} holds no samples")
        found[name] = reader.read_input(graph, name, chosen)[1]["train"]
    return found


def _note_absent_classes(dataset: Dataset) -> Dataset:
    """Return the dataset with a note on classes that no training sample has."""
    labels = dataset.list_labels(dataset.parts["train"])
    counts = np.bincount(labels, minlength=len(dataset.classes))
    lacking = [name for name, n in zip(dataset.classes, counts, strict=False) if not n]
    if not lacking:
        return dataset
    more = ", ..." if len(lacking) > 10 else ""
    note = f"no training image is of class {', '.join(lacking[:10])}{more}"
    return replace(dataset, notes=(*dataset.notes, note))


def _list_used(choice: Choice) -> list[str]:
    several = [*flatten(choice.inputs), *flatten(choice.targets)]
    return [name for name in dict.fromkeys(several) if name != INPUT]


def _leave_out_parts(source: DataSource, choice: Choice) -> tuple[DataSource, tuple[str, ...]]:
    """Return the source without the parts that lack a column which is used, and what these hold."""
    used = _list_used(choice)
    lacking = {
        part: next(name for name in used if name not in columns)
        for part, columns in source.parts.items()
        if part != "train" and not columns.keys() >= {*used}
    }
    if not lacking:
        return source, ()
    unused = []
    for part, name in lacking.items():
        held = [source.parts[part].name_of(each) for each in used if each in source.parts[part]]
        what = ", ".join(held) or part
        unused.append(f"{what} (there is no {readable(name)} of {part})")
    kept = {part: each for part, each in source.parts.items() if part not in lacking}
    return replace(source, parts=kept), tuple(unused)


def _check_counts(source: DataSource, choice: Choice, recipe: Recipe) -> None:
    """Refuse columns that have another number of samples than the first of their part."""
    used = _list_used(choice)
    if recipe.data.sample_weight is not None:
        used.append(str(resolve(recipe.data.sample_weight, source, "sample_weight")))
    for columns in source.parts.values():
        counts = {name: _count(columns[name]) for name in used if name in columns}
        (first, count), *others = counts.items()
        for name, other in others:
            if other != count:
                raise UserError(
                    f"{columns.describe(first)} has {count:,} samples, {columns.name_of(name)} "
                    f"{other:,}",
                    "both must have a value for each sample, in the same order",
                )
        if not count:
            raise UserError(f"{columns.describe(first)} has no samples")


def _count(column: Column) -> int:
    return 0 if isinstance(column, np.ndarray) and not column.ndim else len(column)


class _ColumnReader:
    """Reads the columns of a source, and gathers what is to be said of them.

    kept: the places of the samples whose images are sound, where some are broken.
    """

    def __init__(self, source: DataSource, recipe: Recipe) -> None:
        self.source, self.recipe = source, recipe
        self.kept: dict[str, Array] = {}
        self.skipped: list[Any] = []
        self.notes: list[str] = []

    def read_input(
        self, graph: Graph, name: str, columns: Chosen
    ) -> tuple[Taken, Mapping[str, Images]]:
        words = _write(columns)
        whole = {part: self._take(part, columns) for part in self.source.parts}
        is_flat = isinstance(whole["train"], Cells) and len(graph.shape(name)) < 3
        photos = None if is_flat else self._read_photos(whole)
        if photos is not None:
            return Taken(words, photos["train"].range, photos["train"].grey, True), photos
        of_table = isinstance(whole["train"], Cells) or not isinstance(columns, str)
        found: dict[str, Images] = {}
        lengths = graph.shape(name)[1:]
        for part, each in whole.items():
            if isinstance(each, Cells) and holds_rows(each):
                each = to_rows(each)
            is_text = isinstance(each, Cells) and not is_numeric(each)
            if isinstance(each, ClassLabels | Masks) or is_text:
                what = "masks" if isinstance(each, Masks) else "classes"
                if isinstance(each, Cells):
                    what = f"'{readable(str(each.values[0]))}'"
                raise UserError(
                    f"input '{name}' cannot take {words}, which holds {what}",
                    "give it a column of images or numbers with `inputs:` under train.data",
                )
            values = to_numbers(each)[:, None] if isinstance(each, Cells) else each
            assert isinstance(values, np.ndarray)
            if values.ndim == 1:
                values = values[:, None]
            found[part] = check_numbers(values, self._where(part, columns))
            if of_table and prod(n or 0 for n in lengths) == prod(values.shape[1:]):
                found[part] = values.reshape(len(values), *(n or 0 for n in lengths))
        flat = of_table and len(lengths) < 2
        train = found["train"]
        assert isinstance(train, np.ndarray)
        grey = train.ndim == 3 or train.shape[-1] == 1
        if not flat:
            prefix = f"{name}: " if len(graph.inputs) > 1 else ""
            self._note_ranges(found, prefix)
            if not _holds_words(graph, name):
                self._note_dark(train, prefix)
        return Taken(words, find_range(train), grey, not flat), found

    def _where(self, part: str, columns: Chosen) -> str:
        return self.source.parts[part].describe(_write(columns))

    def _note_ranges(self, found: Mapping[str, Images], prefix: str) -> None:
        train = found["train"]
        assert isinstance(train, np.ndarray)
        what = "pixels" if train.ndim in (3, 4) else "values"
        low, high = find_range(train)
        for part, each in found.items():
            assert isinstance(each, np.ndarray)
            if (each.dtype == np.uint8) != (train.dtype == np.uint8):
                raise UserError(
                    f"{self.source.name}: the {what} of {part} are {each.dtype.name}, those of "
                    f"train {train.dtype.name}",
                    "save them alike",
                )
            least, most = find_range(each)
            if least < low or most > high or MUCH * (most - least) < high - low:
                self.notes.append(
                    f"{prefix}{what} of {part} go from {least:g} to {most:g}, those of train, by "
                    f"which both are scaled, from {low:g} to {high:g}"
                )
        if train.dtype != np.uint8 and self.source.name != "digits":
            self.notes.append(f"{prefix}{what} are {train.dtype.name} from {low:g} to {high:g}")

    def _note_dark(self, train: Array, prefix: str) -> None:
        """Note bytes that are hardly pixels from 0 to 255, and yet scaled as such."""
        if train.dtype == np.uint8 and self.recipe.data.scale and not exceeds(train, DARK):
            self.notes.append(
                f"{prefix}bytes from {train.min()} to {train.max()} are scaled as if 255 were "
                "white: save them as float32 if that is wrong"
            )

    def read_target(
        self, graph: Graph, output: str, task: str, columns: Chosen
    ) -> tuple[Target, dict[str, Stored]]:
        if columns == INPUT:
            return Target(task, INPUT, graph.shape(output)[1:], False), {}
        whole: dict[str, Any] = {part: self._take(part, columns) for part in self.source.parts}
        loss = named(self.recipe.loss[output])[0]
        if loss in OF_OVERLAP and _holds_masks(whole["train"], graph.shape(output)):
            task = MASK
        if task in (IMAGE, MASK) and isinstance(whole["train"], Cells):
            whole = self._read_files(whole, task)
        where = {part: self._where(part, columns) for part in whole}
        target, found = make_target(graph, self.recipe, output, task, whole, _write(columns), where)
        self.notes += [target.note] if target.note else []
        return target, found

    def _read_files(self, whole: Mapping[str, Cells], task: str) -> dict[str, Any]:
        """Return the images or masks whose files a column of a table names."""
        if task == MASK:
            return {part: Masks(_paths(self._find_files(each))) for part, each in whole.items()}
        photos = self._read_photos(whole)
        return dict(whole) if photos is None else dict(photos)

    def _find_files(self, cells: Cells) -> list[Path]:
        files = to_files(cells)
        if (note := describe_files(cells, files)) is not None:
            self.notes.append(note)
        return files

    def _take(self, part: str, columns: Chosen) -> Column:
        """Return a column, or several as one array (n, k)."""
        held = self.source.parts[part]
        if isinstance(columns, str):
            return held[columns]
        several = []
        for name in columns:
            column = held[name]
            if isinstance(column, Cells):
                column = to_numbers(column)
            if not isinstance(column, np.ndarray) or column.ndim != 1:
                raise UserError(
                    f"{self._where(part, name)} is no column of numbers, and cannot be one of "
                    "several",
                    "give it to an input or output of its own",
                )
            several.append(column)
        return np.stack(several, axis=1)

    def _read_photos(self, whole: Mapping[str, Column]) -> dict[str, Photos] | None:
        """Return the images of a column by part; None for a column of something else."""
        train = whole["train"]
        fast = self.recipe.data.decode == "fast"
        if isinstance(train, Photos):
            return {
                part: replace(each, fast=fast)
                for part, each in whole.items()
                if isinstance(each, Photos)
            }
        if not isinstance(train, Cells) or not names_images(train):
            return None
        photos = {}
        for part, each in whole.items():
            assert isinstance(each, Cells)
            found = read_photos(self._find_files(each), self.recipe.data.skip_broken)
            self.notes += [f"{part}: {note}" if len(whole) > 1 else note for note in found.notes]
            if found.broken:
                self.skipped += found.broken
                every = np.arange(len(each))
                self.kept[part] = np.intersect1d(self.kept.get(part, every), found.kept)
            whole_paths = np.array([None] * len(each), dtype=object)
            whole_paths[found.kept] = found.photos.paths
            photos[part] = Photos(whole_paths, found.photos.grey, found.photos.deep, fast)
        return match_photos(photos)

    def note_files(self, parts: Mapping[str, Examples]) -> None:
        """Note image files that rows of a table name more than once, and those that none names."""
        files: dict[str, list[Array]] = {
            part: [each.paths for each in examples.inputs.values() if isinstance(each, Photos)]
            for part, examples in parts.items()
        }
        masks = [
            each.paths
            for examples in parts.values()
            for each in examples.targets.values()
            if isinstance(each, Photos | Masks)
        ]
        several = [*chain(*files.values(), masks)]
        used = {part: [*each[0]] if len(each) == 1 else [] for part, each in files.items()}
        self.notes += describe_rows(used, {*chain(*several), *self.skipped})

    def read_weights(self, part: str) -> Array | None:
        """Return the weight of each sample of a part, float32 (n,); None where all count alike."""
        given = self.recipe.data.sample_weight
        if given is None:
            return None
        name = str(resolve(given, self.source, "sample_weight"))
        if name not in self.source.parts[part]:
            self.notes.append(f"all samples of {part} count alike: there is no {name} of {part}")
            return None
        column, where = self._take(part, name), self._where(part, name)
        values = to_numbers(column) if isinstance(column, Cells) else column
        if not isinstance(values, np.ndarray) or values.size != len(column):
            raise UserError(f"{where} is no number for each sample")
        check_finite(values, where)
        values = values.reshape(-1).astype(np.float32)
        if (values < 0).any():
            row = int(np.flatnonzero(values < 0)[0])
            raise UserError(f"{where}: row {row} has the weight {values[row]:g}, below 0")
        if part == "train" and not values.any():
            raise UserError(f"{where}: all weights are 0", "nothing would be learnt")
        return values


def weigh_classes(output: str, target: Target, labels: Array, given: Any) -> Array:
    """Return the weight of each class in training, float32 (classes,).

    labels: of the training samples.

    given: `balanced`, by which all classes count as much together, or a number for some classes by
    name; the others have 1.
    """
    if target.task != CLASSES:
        raise UserError(
            f"train.data.class_weight: output '{output}' learns no classes", "leave it out"
        )
    counts = np.bincount(labels, minlength=len(target.classes))
    if given == "balanced":
        present = max(1, int((counts > 0).sum()))
        return (len(labels) / (present * np.maximum(counts, 1))).astype(np.float32)
    weights = np.ones(len(target.classes), np.float32)
    for name, weight in given.items():
        if str(name) not in target.classes:
            hint = did_you_mean(str(name), target.classes) or (
                f"the classes are {', '.join(target.classes[:10])}"
            )
            raise UserError(f"train.data.class_weight names '{name}', which is no class", hint)
        weights[target.classes.index(str(name))] = weight
    if not weights[labels].any():
        raise UserError(
            "train.data.class_weight: all classes of the training set have the weight 0",
            "nothing would be learnt",
        )
    return weights


def _holds_words(graph: Graph, name: str) -> bool:
    """Return whether an input takes integers, or numbers of words, which are not scaled."""
    looked_up = any(traits_of(node.op).looks_up and name in node.inputs for node in graph)
    return looked_up or "float" not in graph[name].arguments["dtype"]


def _holds_masks(column: Column, shape: Shape) -> bool:
    """Return whether a column may hold a class for each place of an output of a shape, and no share
    of each class."""
    if not isinstance(column, np.ndarray):
        return len(shape) > 2
    return len(shape) > 2 and column.ndim == len(shape) - 1 and shape[-1] != 1


def _paths(files: list[Any]) -> Array:
    array = np.empty(len(files), dtype=object)
    array[:] = files
    return array


def _write(columns: Chosen) -> str:
    return columns if isinstance(columns, str) else ", ".join(columns)
