"""Make a column the target that an output's loss takes.

A column that is no such target is refused with the place and the remedy, before the first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from archspec.data.columns import Cells, ClassLabels, Column
from archspec.data.examples import Stored
from archspec.data.fitting import Fitting, fit_masks
from archspec.data.images import Array, Photos
from archspec.data.masks import Masks, find_values
from archspec.data.tables import (
    NUMBER,
    describe_cell,
    find_separator,
    is_numeric,
    split_labels,
    to_numbers,
)
from archspec.data.values import check_finite, exceeds, is_one_hot, read_class_numbers
from archspec.errors import UserError
from archspec.graph import Graph, Shape
from archspec.objects import TABLES, named
from archspec.reading import readable
from archspec.recipe import Recipe, is_sparse, suggest_units
from archspec.recipe.tasks import CLASSES, IMAGE, LABELS, MASK, NUMBERS, OF_OVERLAP

WITH_MINUS_1 = ("Hinge", "SquaredHinge")
MOST = 1000  # classes that are accepted even if there are fewer samples
NO_CLASS = {"", "nan", "<na>", "null"}  # how a missing value is written
MAYBE_MISSING = {"na", "n/a", "#n/a", "nil", "-", "?"}
Parts = Mapping[str, Column]


class Target(Struct, frozen=True, eq=False):
    """The target of an output, and how stored values become it.

    column: the one that it comes from, in words; `input` for the input itself. classes: the names
    of classes or labels. shape: that of the output, without the batch axis. sparse: whether the
    loss takes the numbers of classes. fit: how images of the target become values of the output.
    low, high: of numbers. white: whether 255 is class 1 in masks. aspect: how masks that are
    resized keep their proportions. note: what is to be said of it.
    """

    task: str
    column: str
    shape: Shape
    sparse: bool
    classes: tuple[str, ...] = ()
    fit: Fitting | None = None
    low: float = 0.0
    high: float = 0.0
    white: bool = False
    aspect: str = ""
    note: str = ""

    def name_numbers(self) -> list[str]:
        """Return a name for each number of a sample: its column, where each has one of its own."""
        count = prod(n or 1 for n in self.shape)
        return [self.column] if count == 1 else _name_columns(self.column, count)

    def __call__(self, stored: Stored) -> Array:
        """Return a batch of stored values as the loss takes them."""
        units = self.shape[-1] or 1
        if self.task == MASK:
            assert not isinstance(stored, Photos)
            stored = fit_masks(stored, self.shape[:-1], binary=self.white, aspect=self.aspect)
        assert not isinstance(stored, Masks)
        if self.fit is not None:
            return self.fit(stored)
        assert isinstance(stored, np.ndarray)
        if self.task not in (CLASSES, MASK):
            return stored.astype(np.float32)
        if self.sparse:
            return stored
        if units == 1:
            return stored[..., None]  # of the output's rank: some metrics do not reshape
        rows: Array = np.eye(units, dtype=np.float32)[stored]
        return rows


def make_target(
    graph: Graph,
    recipe: Recipe,
    output: str,
    task: str,
    parts: Parts,
    column: str,
    where: Mapping[str, str],
) -> tuple[Target, dict[str, Stored]]:
    """Return the target of an output, and the values that are stored for each part.

    parts: the column in each part, "train" first. column: its name. where: what messages call it in
    each part.
    Raises `UserError` for a column that is no such target.
    """
    loss = named(recipe.loss[output])[0]
    shape, sparse = graph.shape(output)[1:], is_sparse(loss)
    if task == LABELS and not _holds_several_labels(parts["train"]):
        task = CLASSES  # one class of each sample, as a row of 0 and 1
    if task == CLASSES and not sparse and _holds_shares(parts["train"]):
        task = NUMBERS  # a distribution over the classes, as another network gives it
    if task == CLASSES and loss in WITH_MINUS_1:
        parts = {part: _count_from_0(each) for part, each in parts.items()}
    target = Target(task, column, shape, sparse)
    if task == CLASSES:
        return _make_classes(graph, recipe, output, target, parts, where)
    if task == LABELS:
        return _make_labels(graph, recipe, output, target, parts, where)
    if task == MASK:
        return _make_masks(recipe, output, target, parts, where)
    return _make_numbers(recipe, output, target, parts, where)


def _holds_several_labels(column: Column) -> bool:
    numbers = isinstance(column, np.ndarray) and column.dtype.kind in "buif"
    return isinstance(column, Cells) or (numbers and column.ndim == 2 and column.shape[1] > 1)  # type: ignore[union-attr]


def _holds_shares(column: Column) -> bool:
    """Return whether a column holds shares of classes, which add up to 1, and no classes."""
    if not isinstance(column, np.ndarray) or column.ndim != 2 or column.dtype.kind != "f":
        return False
    shares = column.shape[1] > 1 and (column >= 0).all() and not is_one_hot(column)
    return bool(shares and np.allclose(column.sum(axis=1), 1, atol=1e-3))


def _count_from_0(column: Column) -> Column:
    """Return labels of -1 and 1 as 0 and 1, which Keras's hinge losses take for the same."""
    numbers = isinstance(column, np.ndarray) and column.dtype.kind in "if" and column.size > 0
    if numbers and np.isin(column, (-1, 1)).all():  # type: ignore[arg-type]
        return (np.asarray(column) > 0).astype(np.int64)
    return column


def _name(output: str, recipe: Recipe) -> str:
    return f"output '{output}' has the loss {named(recipe.loss[output])[0]}"


# --- classes -------------------------------------------------------------------------------------


def _make_classes(
    graph: Graph,
    recipe: Recipe,
    output: str,
    target: Target,
    parts: Parts,
    where: Mapping[str, str],
) -> tuple[Target, dict[str, Stored]]:
    units = target.shape[-1]
    values, classes = read_classes(parts, where)
    if len(several := target.column.split(", ")) == len(classes) > 1:
        classes = tuple(several)  # one-hot rows in columns of a table
    if units is not None and units < len(classes) and not (
        units == 1 and len(classes) == 2 and not target.sparse
    ):  # fmt: skip
        has = "1 unit" if units == 1 else f"{units} units"
        hint = suggest_units(graph, recipe, output, len(classes))
        are_numbers = all(map(NUMBER.fullmatch, classes))
        if are_numbers and (len(classes) > 10 or any(float(name) % 1 for name in classes)):
            hint += "; if these are numbers to be learnt, write `loss: MeanSquaredError`"
        most = max(values, key=lambda part: int(np.asarray(values[part]).max()))
        raise UserError(
            f"{where[most]} has {len(classes)} classes, but output '{output}' has {has}", hint
        )
    return replace(target, classes=classes, note=_note_names(target.column, classes)), values


def _note_names(column: str, classes: tuple[str, ...]) -> str:
    """Return what is to be said of the names of classes: those that may be the same, or missing."""
    alike: dict[object, list[str]] = {}
    for name in classes:
        number = float(name) if NUMBER.fullmatch(name) else None
        alike.setdefault(name.casefold() if number is None else number, []).append(name)
    for one, *others in alike.values():
        if others:
            return f"{column}: '{one}' and '{others[0]}' are two classes: write them alike if not"
    if missing := [name for name in classes if name.casefold() in MAYBE_MISSING]:
        return f"{column}: '{missing[0]}' is a class: remove these rows if it is a missing value"
    return ""


def read_classes(
    parts: Parts, where: Mapping[str, str]
) -> tuple[dict[str, Stored], tuple[str, ...]]:
    """Return the number of each sample's class, int64 (n,), by part, and the names of the classes.

    where: what messages call the column in each part.

    Raises `UserError` for a column that holds no classes.
    """
    train = parts["train"]
    if isinstance(train, ClassLabels):
        return {part: each.values for part, each in parts.items()}, train.names  # type: ignore[union-attr]
    texts = {part: _list_texts(each) for part, each in parts.items()}
    if all(each is not None for each in texts.values()):
        return _number_names(texts, parts, where)  # type: ignore[arg-type]
    arrays: dict[str, Array] = {}
    for part, each in parts.items():
        if not isinstance(each, np.ndarray):
            raise UserError(f"{where[part]} holds images, and no classes")
        if each.dtype.kind == "c" or each.dtype.kind not in "buif":
            raise UserError(
                f"{where[part]}: labels must be one integer for each sample, got {each.dtype} of "
                f"shape {each.shape}",
                "number the classes from 0",
            )
        arrays[part] = each
    if all(is_one_hot(each) for each in arrays.values()):
        found: dict[str, Stored] = {part: each.argmax(axis=1) for part, each in arrays.items()}
        return found, tuple(map(str, range(arrays["train"].shape[1])))
    numbers = {part: read_class_numbers(each, where[part]) for part, each in arrays.items()}
    return {**numbers}, _name_numbers(numbers, where["train"])


def _list_texts(column: Column) -> Array | None:
    """Return the values of a column of text; None for another."""
    if isinstance(column, Cells):
        return column.values
    if isinstance(column, np.ndarray) and column.dtype.kind in "US" and column.size:
        flat = column.reshape(len(column), -1)
        if flat.shape[1] == 1:
            return np.char.strip(flat[:, 0].astype(str))
    return None


def _number_names(
    texts: Mapping[str, Array], parts: Parts, where: Mapping[str, str]
) -> tuple[dict[str, Stored], tuple[str, ...]]:
    names = sorted(set(texts["train"]), key=_order)
    if len(names) < 2:
        raise UserError(f"{where['train']} has one class only", "a classifier needs two or more")
    places = {name: at for at, name in enumerate(names)}
    found: dict[str, Stored] = {}
    for part, several in texts.items():
        for row, name in enumerate(several):
            if name.casefold() in NO_CLASS:
                is_ = f"'{name}'" if name else "empty"
                raise UserError(
                    f"{_where(parts[part], where[part], row)} is {is_}",
                    "give each sample its class, or remove the row",
                )
            if name not in places:
                shown = ", ".join(map(readable, names[:10])) + (", ..." if len(names) > 10 else "")
                raise UserError(
                    f"{_where(parts[part], where[part], row)} is '{readable(name)}', which is no "
                    "class of the training set",
                    f"the classes are {shown}",
                )
        found[part] = np.array([places[name] for name in several], np.int64)
    return found, tuple(map(readable, names))


def _order(name: str) -> tuple[float, str]:
    """Names that are numbers come in their order, before the others."""
    try:
        return float(name), name
    except ValueError:
        return np.inf, name


def _where(column: Column, where: str, row: int) -> str:
    """Return what messages call a value of a column."""
    return describe_cell(column, row) if isinstance(column, Cells) else f"{where}, row {row}:"


def _name_numbers(numbers: Mapping[str, Array], where: str) -> tuple[str, ...]:
    """Return the names of the classes that labels number.

    Raises `UserError` for labels that number none.
    """
    everyone = np.concatenate(list(numbers.values()))
    last = int(everyone.max())
    if last == int(everyone.min()):
        raise UserError(f"{where} has one class only", "a classifier needs two or more")
    if everyone.min() > 0:
        raise UserError(
            f"{where}: the labels go from {everyone.min()} to {last}, and nothing is of class 0",
            f"number the classes from 0: y - {everyone.min()}; for a network that learns numbers "
            "write `loss: MeanSquaredError`",
        )
    if last >= max(MOST, len(everyone)):
        raise UserError(
            f"{where}: a label is {last:,}, but there are {len(everyone):,} samples only",
            "number the classes from 0, without gaps; for a network that learns numbers write "
            "`loss: MeanSquaredError`",
        )
    return tuple(map(str, range(last + 1)))


# --- several labels ------------------------------------------------------------------------------


def _make_labels(
    graph: Graph,
    recipe: Recipe,
    output: str,
    target: Target,
    parts: Parts,
    where: Mapping[str, str],
) -> tuple[Target, dict[str, Stored]]:
    units = target.shape[-1] or 1
    train = parts["train"]
    rows: dict[str, Array] = {}
    names: tuple[str, ...]
    if isinstance(train, Cells):
        separator = find_separator(each for each in parts.values() if isinstance(each, Cells))
        names, _ = split_labels(train, separator)
        for part, each in parts.items():
            assert isinstance(each, Cells)
            found, marks = split_labels(each, separator)
            if stray := [name for name in found if name not in names]:
                raise UserError(
                    f"{where[part]}: '{readable(stray[0])}' is no label of the training set",
                    f"the labels are {', '.join(map(readable, names[:10]))}",
                )
            rows[part] = np.zeros((len(each), len(names)), np.float32)
            for at, name in enumerate(found):
                rows[part][:, names.index(name)] = marks[:, at]
    else:
        assert isinstance(train, np.ndarray)
        names = tuple(_name_columns(target.column, train.shape[1]))
        for part, each in parts.items():
            array = np.asarray(each)
            good = (array == 0) | (array == 1)
            if not good.all():
                row, place = np.argwhere(~good)[0]
                raise UserError(
                    f"{where[part]}: row {row} holds {array[row, place]}, and "
                    f"{_name(output, recipe)}, whose labels are 0 or 1",
                    "write a loss of numbers, such as `loss: MeanSquaredError`, if they are that",
                )
            rows[part] = array.astype(np.float32)
    if len(names) != units:
        raise UserError(
            f"{where['train']} has {len(names)} labels, but output '{output}' has {units} units",
            suggest_units(graph, recipe, output, len(names)),
        )
    return Target(LABELS, target.column, target.shape, False, names), {**rows}


def _name_columns(column: str, count: int) -> list[str]:
    """Return the names of the labels in an array: its columns, where they are those of a table."""
    several = column.split(", ")
    return several if len(several) == count else [str(at) for at in range(count)]


# --- numbers and images --------------------------------------------------------------------------


def _make_numbers(
    recipe: Recipe, output: str, target: Target, parts: Parts, where: Mapping[str, str]
) -> tuple[Target, dict[str, Stored]]:
    found: dict[str, Stored] = {}
    train = parts["train"]
    # Bytes are pixels from 0 to 255, unless all of them are 0 or 1.
    are_pixels = target.task == IMAGE and isinstance(train, np.ndarray) and exceeds(train, 1)
    for part, each in parts.items():
        if isinstance(each, Photos) and target.task == IMAGE:
            found[part] = each
            continue
        if isinstance(each, Cells) and is_numeric(each):
            each = to_numbers(each)[:, None]
        if isinstance(each, ClassLabels | Cells | Photos | Masks) or each.dtype.kind not in "buif":
            raise _explain_no_numbers(recipe, output, each, where[part])
        check_finite(each, where[part])
        if are_pixels and each.dtype == np.uint8:
            found[part] = each
            continue
        found[part] = numbers = _shape_numbers(each, target.shape, output, where[part])
        if named(recipe.loss[output])[0] in OF_OVERLAP:
            _check_shares(numbers, f"{where[part]}, and {_name(output, recipe)}")
    stored = found["train"]
    if isinstance(stored, np.ndarray) and stored.dtype != np.uint8:
        low, high = float(stored.min()), float(stored.max())
        return Target(target.task, target.column, target.shape, False, (), None, low, high), found
    return target, found


def _explain_no_numbers(recipe: Recipe, output: str, column: Column, where: str) -> UserError:
    """Return the error for a column of classes or images under a loss of numbers."""
    holds, hint = (
        "classes",
        (
            "leave the loss out for a network of classes, or say with `targets:` under train.data "
            "which column holds the numbers"
        ),
    )
    if isinstance(column, Cells):
        holds = f"'{readable(str(column.values[0]))}'"
    elif isinstance(column, Masks):
        holds = "masks, whose values are classes"
        hint = (
            "leave the loss out to learn a class for each place, or name the images in a table "
            "(.csv) with a column for each"
        )
    elif isinstance(column, Photos):
        holds = "images"
    message = f"{_name(output, recipe)}, which takes numbers, but {where} holds {holds}"
    return UserError(message, hint)


def _check_shares(values: Array, where: str) -> None:
    """Raise `UserError` for values that are no shares of a class."""
    if values.min() < 0 or values.max() > 1:
        raise UserError(
            f"{where.replace(', and', f' go from {values.min():g} to {values.max():g}, and', 1)}, "
            "which compares shares from 0 to 1",
            "save 0 and 1",
        )


def _shape_numbers(values: Array, shape: Shape, output: str, where: str) -> Array:
    """Return numbers (n, ...) in the shape of the output."""
    lengths = values.shape[1:]
    if None not in shape and prod(lengths) == prod(shape) and (  # type: ignore[arg-type]
        [n for n in lengths if n != 1] == [n for n in shape if n != 1]
    ):  # fmt: skip
        return values.reshape(len(values), *shape).astype(np.float32)
    if len(lengths) == len(shape) and all(
        a in (b, None) for a, b in zip(shape, lengths, strict=True)
    ):
        return values.astype(np.float32)
    gives = "x".join(map(str, lengths)) or "1"
    takes = "x".join("any" if n is None else str(n) for n in shape)
    raise UserError(
        f"{where} gives {gives} for each sample, but output '{output}' is {takes}",
        "give the output as many units, or name other columns with `targets:` under train.data",
    )


# --- masks ---------------------------------------------------------------------------------------


def _make_masks(
    recipe: Recipe, output: str, target: Target, parts: Parts, where: Mapping[str, str]
) -> tuple[Target, dict[str, Stored]]:
    units = target.shape[-1] or 1
    loss, arguments = named(recipe.loss[output])
    ignored = arguments.get("ignore_class")
    white = units == 1 or (units == 2 and ignored in (None, 0, 1))
    present: set[int] = set()
    found: dict[str, Stored] = {}
    for part, each in parts.items():
        if isinstance(each, Masks):
            found[part] = each
            values = find_values(each)
        else:
            found[part], values = _read_mask_array(each, target, units, where[part], output, recipe)
        allowed = {0, 1, 255} if white else {*range(units), ignored}
        if white and {1, 255} <= {*values}:
            allowed = {0, 1}
        if wrong := sorted(set(values) - allowed):
            place = values[wrong[0]]
            classes = "0 and 1, or 0 and 255" if white else f"0 to {units - 1}"
            hint = "number the classes from 0"
            if len({*values} & {0, *wrong}) == len(values) == 2 or (white and wrong == [255]):
                hint = "save 0 and 1, or 0 and 255, in all masks"
            elif max(values) < 2 * len(values):
                hint += f", or give the output {max(values) + 1} units"
            if wrong == [255] and not white and "ignore_class" in TABLES["loss"][loss]:
                hint = "write `ignore_class: 255` in the loss if that is no class"
            raise UserError(
                f"{place} holds the value {wrong[0]}, but the classes of output '{output}' are "
                f"{classes}",
                hint,
            )
        if part == "train":
            present = {min(value, 1) if white else value for value in values}
    names = ("0", "1") if units == 1 else tuple(map(str, range(units)))
    absent = [name for at, name in enumerate(names) if at not in present | {ignored}]
    note = ""
    if absent and len(target.shape) > 2:  # of sequences, words are classes, and many are rare
        more = ", ..." if len(absent) > 10 else ""
        note = f"{target.column}: no place in training is of class {', '.join(absent[:10])}{more}"
    return replace(target, classes=names, white=white, note=note), found


def _read_mask_array(
    column: Column, target: Target, units: int, where: str, output: str, recipe: Recipe
) -> tuple[Array, dict[int, str]]:
    """Return a mask array as int32 (n, *places), and a place for each value that occurs."""
    places = target.shape[:-1]
    if not isinstance(column, np.ndarray) or column.dtype.kind not in "buif":
        what = "images" if isinstance(column, Photos) else "one class for each sample"
        takes = "x".join("any" if n is None else str(n) for n in places)
        raise UserError(
            f"{_name(output, recipe)} and the shape {_write_shape(target.shape)}: it takes a mask "
            f"of {takes}, a class for each place, but {where} holds {what}",
            "give masks: a folder masks/ beside images/, or an array; an autoencoder has `targets: "
            "input` under train.data; to classify, flatten or pool before the last Dense",
        )
    array = column
    if array.ndim == len(places) + 2 and array.shape[-1] == units and units > 1:
        if not ((array == 0) | (array == 1)).all() or not (array.sum(axis=-1) == 1).all():
            raise UserError(f"{where}: each place must have one class", "save one-hot masks")
        array = array.argmax(axis=-1)
    if array.ndim == len(places) + 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if len(array.shape[1:]) != len(places) or not all(
        a in (b, None) for a, b in zip(places, array.shape[1:], strict=True)
    ):
        found = "x".join(map(str, array.shape[1:])) or "one number"
        wanted = "x".join("any" if n is None else str(n) for n in places)
        raise UserError(f"{where} gives {found} for each sample, but output '{output}' takes a "
                        f"class for each of {wanted} places",
                        "give masks of that size")  # fmt: skip
    check_finite(array, where)
    if array.dtype.kind == "f" and not (array == np.floor(array)).all():
        raise UserError(
            f"{where} holds numbers that are not whole, and {_name(output, recipe)}: a class for "
            "each place",
            "write a loss of numbers, such as `loss: MeanSquaredError`, if they are that",
        )
    flat = array.reshape(len(array), -1)
    first = {int(value): f"{where}, row {int(np.argwhere(flat == value)[0][0])},"
             for value in np.unique(flat)}  # fmt: skip
    return array.astype(np.int32), first


def _write_shape(shape: Shape) -> str:
    return f"({', '.join(map(str, (None, *shape)))})"
