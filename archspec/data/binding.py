"""Decide which columns of the data the inputs and outputs of a network take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.data.arrays import split_name
from archspec.data.columns import Cells, ClassLabels, Column, DataSource
from archspec.data.examples import Examples, Stored
from archspec.data.images import Array, Images, Photos, match_photos, read_photos
from archspec.data.masks import Masks, check_sizes
from archspec.data.tables import (
    describe_files,
    find_path_columns,
    is_numeric,
    names_images,
    to_files,
    to_numbers,
)
from archspec.data.targets import Target, make_target
from archspec.data.values import check_finite, check_numbers, find_range
from archspec.errors import UserError, did_you_mean
from archspec.graph import Graph
from archspec.objects import named
from archspec.reading import readable
from archspec.recipe import Recipe
from archspec.recipe.tasks import CLASSES, IMAGE, INPUT, MASK, NUMBERS, find_task

# Names that people give the column of a table that is to be learnt.
LEARNT = {"label", "labels", "class", "classes", "target", "targets", "category", "y", "kind"}
Chosen = str | tuple[str, ...]


class Choice(Struct, frozen=True):
    """The columns of each input and each output, and those that nothing takes.

    An output that learns the input itself has the word `input`.
    """

    inputs: Mapping[str, Chosen]
    targets: Mapping[str, Chosen]
    unused: tuple[str, ...]


# --- choosing ------------------------------------------------------------------------------------


def choose_columns(
    graph: Graph, recipe: Recipe, source: DataSource, tasks: Mapping[str, str]
) -> Choice:
    """Return which columns the inputs and outputs take.

    What the recipe says comes first, then a column of the input's or output's name, then what the
    kind of data has for an image and a target. Raises `UserError` where that leaves a choice.
    """
    columns = source.parts["train"]
    data = recipe.data
    targets: dict[str, Chosen] = {}
    for output in graph.outputs:
        if (given := data.targets.get(output)) is not None:
            targets[output] = given if given == INPUT else _resolve(given, source, "targets")
        elif (called := _find_called(output, columns)) is not None:
            targets[output] = called
    inputs: dict[str, Chosen] = {}
    for name in graph.inputs:
        if (given := data.inputs.get(name)) is not None:
            inputs[name] = _resolve(given, source, "inputs")
        elif (called := _find_called(name, columns)) is not None and called not in targets.values():
            inputs[name] = called
    others = [] if data.part is None else [data.part]
    if data.sample_weight is not None:
        others.append(str(_resolve(data.sample_weight, source, "sample_weight")))
    if open_inputs := [name for name in graph.inputs if name not in inputs]:
        is_free = source.image is not None and source.image not in _flatten(inputs)
        # A table may have numbers that are names of files, too: a flat input takes no images.
        of_table = all(isinstance(each, Cells) for each in columns.values())
        is_flat = of_table and len(graph.shape(open_inputs[0])) < 3
        if len(open_inputs) == 1 and is_free and not is_flat:
            inputs[open_inputs[0]] = str(source.image)
        elif len(open_inputs) == 1 and of_table:
            taken = {*_flatten(inputs), *_flatten(targets), *others}
            rest = {key: each for key, each in columns.items()
                    if isinstance(each, Cells) and key not in taken}  # fmt: skip
            if not is_flat and len(images := find_path_columns(rest)) == 1:
                inputs[open_inputs[0]] = images[0]
            else:
                _take_the_rest(graph, open_inputs[0], source, inputs, targets, others)
        else:
            raise UserError(
                f"nothing says what the input '{open_inputs[0]}' takes: {source.name} has "
                f"{_list(columns)}",
                f"write `inputs: {{{open_inputs[0]}: COLUMN}}` under train.data",
            )
    _choose_the_default(graph, recipe, source, tasks, targets, [*_flatten(inputs), *others])
    taken = {*_flatten(inputs), *_flatten(targets), *others}
    return Choice(inputs, targets, _list_unused(source, taken))


def _list_unused(source: DataSource, taken: Collection[str]) -> tuple[str, ...]:
    """Return what a note calls the columns that nothing takes."""
    unused = dict.fromkeys(
        columns.name_of(name)
        for columns in source.parts.values()
        for name in columns
        if name not in taken
    )
    return tuple(unused)


def _flatten(chosen: Mapping[str, Chosen]) -> list[str]:
    """Return the single columns of a choice."""
    return [
        name for each in chosen.values() for name in ((each,) if isinstance(each, str) else each)
    ]


def _list(columns: Mapping[str, Column]) -> str:
    names = [readable(name) for name in columns]
    several = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"the columns {several}" if len(names) > 1 else f"the column {several}"


def _resolve(given: Chosen, source: DataSource, key: str) -> Chosen:
    """Return the columns that a recipe names, an array's by its whole name, too.

    Raises `UserError` for a column that is not there.
    """
    if not isinstance(given, str):
        return tuple(str(_resolve(each, source, key)) for each in given)
    columns = source.parts["train"]
    stem = split_name(given)[0]
    for name in (given, stem):
        if name in columns:
            return name
    hint = did_you_mean(given, columns) or f"it has {_list(columns)}"
    message = f"train.data.{key}: {source.name} has no column '{readable(given)}'"
    raise UserError(message, hint)


def _find_called(name: str, columns: Mapping[str, Column]) -> str | None:
    """Return the column that is called as an input or output is: `age` for `age` or `age.dense`."""
    words = name.replace("-", ".").split(".")
    wanted = [name, ".".join(words[:-1]), words[0], words[-1]]
    for each in filter(None, wanted):
        for column in columns:
            if column.casefold() == each.casefold():
                return column
    return None


def _take_the_rest(
    graph: Graph,
    name: str,
    source: DataSource,
    inputs: dict[str, Chosen],
    targets: dict[str, Chosen],
    others: list[str],
) -> None:
    """Give an input all columns of a table that nothing else takes, if there are as many as it has
    numbers; and the only open output the column that is called as labels are."""
    columns = source.parts["train"]
    taken = {*_flatten(inputs), *_flatten(targets), *others}
    rest = [each for each in columns if each not in taken]
    if open_outputs := [each for each in graph.outputs if each not in targets]:
        called = [each for each in rest if each.casefold() in LEARNT]
        texts = [each for each in rest if not _holds_numbers(columns[each])]
        called = called if len(called) == 1 else texts
        if len(called) != 1:
            raise UserError(
                f"nothing says which column of {source.name} output '{open_outputs[0]}' learns: it "
                f"has {_list(columns)}",
                "write `targets: COLUMN` under train.data",
            )
        targets |= dict.fromkeys(open_outputs, called[0])
        rest.remove(called[0])
    lengths = graph.shape(name)[1:]
    count = None if None in lengths else prod(n for n in lengths if n is not None)
    if len(rest) != count:
        takes = "any count" if count is None else f"{count:,}"
        raise UserError(
            f"input '{name}' takes {takes} numbers, and {source.name} has {len(rest):,} for it: "
            f"{_list({each: columns[each] for each in rest})}",
            "write `inputs: [COLUMN, COLUMN]` under train.data",
        )
    inputs[name] = tuple(rest)


def _holds_numbers(column: Column) -> bool:
    return isinstance(column, Cells) and is_numeric(column)


def _choose_the_default(
    graph: Graph,
    recipe: Recipe,
    source: DataSource,
    tasks: Mapping[str, str],
    targets: dict[str, Chosen],
    taken: list[str],
) -> None:
    """Give the outputs that have no column yet the one that the data has for a target."""
    left = [output for output in graph.outputs if output not in targets]
    if not left:
        return
    first = left[0]
    columns = source.parts["train"]
    default = source.target or _find_target(source, [*taken, *_flatten(targets)])
    if default is None:
        about = f"output '{first}' has the loss {named(recipe.loss[first])[0]}"
        hint = f"write `targets: {'COLUMN' if len(graph.outputs) == 1 else f'{{{first}: COLUMN}}'}`"
        if tasks[first] in (IMAGE, NUMBERS):
            hint += ", or `targets: input` for an autoencoder,"
        raise UserError(
            f"{about}, and nothing says what it learns: {source.name} has {_list(columns)}",
            f"{hint} under train.data",
        )
    for output in left:
        if tasks[output] != tasks[first]:
            raise UserError(
                f"outputs '{first}' and '{output}' cannot both learn {default}: their losses are "
                f"{named(recipe.loss[first])[0]} and {named(recipe.loss[output])[0]}",
                f"write `targets: {{{output}: COLUMN}}` under train.data; {source.name} has "
                f"{_list(columns)}",
            )
        targets[output] = default


def _find_target(source: DataSource, taken: list[str]) -> str | None:
    """Return the only column that nothing takes, or the only one that is called as labels are."""
    rest = [name for name in source.parts["train"] if name not in taken]
    called = [name for name in rest if name.casefold() in LEARNT]
    for several in (rest, called):
        if len(several) == 1:
            return several[0]
    return None


# --- reading what was chosen ---------------------------------------------------------------------


class Taken(Struct, frozen=True):
    """What an input takes. column: in words. range: of its stored values; grey: has no colours.

    scaled: whether `train.data.scale` maps the range; numbers of a table stay as they are.
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
    source, unused = _leave_out_parts(source, choice, recipe)
    notes = list(source.notes)
    if unused := (*choice.unused, *unused):
        notes.append(f"not used: {', '.join(unused)}")
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
    dataset = Dataset(
        source,
        parts,
        {name: inputs[name][0] for name in graph.inputs},
        {out: learnt[out][0] for out in graph.outputs},
        (*source.skipped, *reader.skipped),
        (*notes, *reader.notes),
    )
    return _note_absent_classes(dataset)


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

    columns: what each input took in training, in words. Raises `UserError` for one that is missing.
    """
    reader = _ColumnReader(source, recipe)
    found = {}
    for name in graph.inputs:
        given: Chosen = columns[name]
        if name in recipe.data.inputs:
            given = recipe.data.inputs[name]
        elif columns[name] not in source.parts["train"] and ", " in columns[name]:
            given = tuple(columns[name].split(", "))
        elif columns[name] not in source.parts["train"] and source.image is not None:
            given = source.image
        chosen = _resolve(given, source, "inputs")
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


def _list_used(source: DataSource, choice: Choice, recipe: Recipe) -> list[str]:
    several = [*_flatten(choice.inputs), *_flatten(choice.targets)]
    if (weight := recipe.data.sample_weight) is not None:
        several.append(str(_resolve(weight, source, "sample_weight")))
    return [name for name in dict.fromkeys(several) if name != INPUT]


def _leave_out_parts(
    source: DataSource, choice: Choice, recipe: Recipe
) -> tuple[DataSource, tuple[str, ...]]:
    """Return the source without the parts that lack a column which is used, and what these hold."""
    used = _list_used(source, choice, recipe)
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
    for columns in source.parts.values():
        counts = {name: _count(columns[name]) for name in _list_used(source, choice, recipe)}
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
            self._note_ranges(found, f"{name}: " if len(graph.inputs) > 1 else "")
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
            if least < low or most > high:
                self.notes.append(
                    f"{prefix}{what} of {part} go from {least:g} to {most:g}, those of train, by "
                    f"which both are scaled, from {low:g} to {high:g}"
                )
        if train.dtype != np.uint8 and self.source.name != "digits":
            self.notes.append(f"{prefix}{what} are {train.dtype.name} from {low:g} to {high:g}")

    def read_target(
        self, graph: Graph, output: str, task: str, columns: Chosen
    ) -> tuple[Target, dict[str, Stored]]:
        if columns == INPUT:
            return Target(task, INPUT, graph.shape(output)[1:], False), {}
        whole: dict[str, Any] = {part: self._take(part, columns) for part in self.source.parts}
        if task in (IMAGE, MASK) and isinstance(whole["train"], Cells):
            whole = self._read_files(whole, task)
        where = {part: self._where(part, columns) for part in whole}
        return make_target(graph, self.recipe, output, task, whole, _write(columns), where)

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

    def read_weights(self, part: str) -> Array | None:
        """Return the weight of each sample of a part, float32 (n,); None where all count alike."""
        given = self.recipe.data.sample_weight
        if given is None:
            return None
        name = str(_resolve(given, self.source, "sample_weight"))
        column, where = self._take(part, name), self._where(part, name)
        values = to_numbers(column) if isinstance(column, Cells) else column
        if not isinstance(values, np.ndarray) or values.size != len(column):
            raise UserError(f"{where} is no number for each sample")
        check_finite(values, where)
        values = values.reshape(-1).astype(np.float32)
        if (values < 0).any():
            row = int(np.flatnonzero(values < 0)[0])
            raise UserError(f"{where}: row {row} has the weight {values[row]:g}, below 0")
        return values


def weigh_classes(output: str, target: Target, labels: Array, given: Any) -> Array:
    """Return the weight of each class in training, float32 (classes,).

    labels: of the training samples.

    given: `balanced`, by which all classes count as much together, or a number for some classes by
    name; the others have 1.
    """
    if target.task != CLASSES:
        raise UserError(f"train.data.class_weight: output '{output}' learns no classes")
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
    return weights


def _paths(files: list[Any]) -> Array:
    array = np.empty(len(files), dtype=object)
    array[:] = files
    return array


def _write(columns: Chosen) -> str:
    return columns if isinstance(columns, str) else ", ".join(columns)
