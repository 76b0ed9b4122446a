"""Choose which columns of the data the inputs and outputs of a network take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod

from msgspec import Struct

from archspec.data.arrays import split_name
from archspec.data.columns import Cells, Column, DataSource
from archspec.data.tables import find_path_columns, is_numeric
from archspec.errors import UserError, did_you_mean
from archspec.graph import Graph
from archspec.objects import named
from archspec.reading import readable
from archspec.recipe import Recipe
from archspec.recipe.tasks import IMAGE, INPUT, NUMBERS

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
            targets[output] = given if given == INPUT else resolve(given, source, "targets")
        elif (called := _find_called(output, columns)) is not None:
            targets[output] = called
    inputs: dict[str, Chosen] = {}
    for name in graph.inputs:
        if (given := data.inputs.get(name)) is not None:
            inputs[name] = resolve(given, source, "inputs")
        elif (called := _find_called(name, columns)) is not None and called not in targets.values():
            inputs[name] = called
    others = [] if data.part is None else [data.part]
    if data.sample_weight is not None:
        others.append(str(resolve(data.sample_weight, source, "sample_weight")))
    if open_inputs := [name for name in graph.inputs if name not in inputs]:
        is_free = source.image is not None and source.image not in flatten(inputs)
        # A table may have numbers that are names of files, too: a flat input takes no images.
        of_table = all(isinstance(each, Cells) for each in columns.values())
        is_flat = of_table and len(graph.shape(open_inputs[0])) < 3
        if len(open_inputs) == 1 and is_free and not is_flat:
            inputs[open_inputs[0]] = str(source.image)
        elif len(open_inputs) == 1 and of_table:
            taken = {*flatten(inputs), *flatten(targets), *others}
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
    _choose_the_default(graph, recipe, source, tasks, targets, [*flatten(inputs), *others])
    taken = {*flatten(inputs), *flatten(targets), *others}
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


def flatten(chosen: Mapping[str, Chosen]) -> list[str]:
    """Return the single columns of a choice."""
    return [
        name for each in chosen.values() for name in ((each,) if isinstance(each, str) else each)
    ]


def _list(columns: Mapping[str, Column]) -> str:
    names = [readable(name) for name in columns]
    several = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"the columns {several}" if len(names) > 1 else f"the column {several}"


def resolve(given: Chosen, source: DataSource, key: str) -> Chosen:
    """Return the columns that a recipe names, an array's by its whole name, too.

    Raises `UserError` for a column that is not there.
    """
    if not isinstance(given, str):
        several = tuple(str(resolve(each, source, key)) for each in given)
        if twice := [name for name in several if several.count(name) > 1]:
            raise UserError(f"train.data.{key} names '{readable(twice[0])}' twice", "name it once")
        return several
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
    taken = {*flatten(inputs), *flatten(targets), *others}
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
        listed = _list({each: columns[each] for each in rest} if rest else columns)
        hint = "write `inputs: [COLUMN, COLUMN]` under train.data"
        if len(columns) == 1:
            hint = "put a comma, a semicolon or a tab between the columns"
        raise UserError(
            f"input '{name}' takes {takes} numbers, and {source.name} has {len(rest):,} for it: "
            f"{'' if rest else 'it has '}{listed}",
            hint,
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
    default = source.target or _find_target(source, [*taken, *flatten(targets)])
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
