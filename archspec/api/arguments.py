"""Check the arguments of the API's functions, with errors that name the argument."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from archspec import pipeline
from archspec.arguments import bind
from archspec.errors import Refused, SpecError, UserError, name_missing
from archspec.graph import Graph
from archspec.recipe import RECIPE

if TYPE_CHECKING:
    from archspec.runs.outcome import Run
    from archspec.weights.initial import Initial

Spec: TypeAlias = Graph | str | Path
TrainedRun: TypeAlias = "Run | str | Path"
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def needs_run_extra(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return a function that raises `UserError` where a package of the extra `run` is missing."""

    @wraps(function)
    def call(*args: Parameters.args, **options: Parameters.kwargs) -> Result:
        try:
            return function(*args, **options)
        except ModuleNotFoundError as error:
            raise name_missing(error) or error from None

    return call


def graph_of(spec: Spec, caller: str, broken: bool = False) -> Graph:
    """Return a graph as it is, or load that of a file or a name, with its warnings as Python's.

    broken: whether what is left of a broken spec will do. Raises `SpecError` where it will not, and
    `TypeError` for anything else.
    """
    if isinstance(spec, Graph):
        if spec.errors and not broken:
            raise SpecError(spec.errors, spec)
        return spec
    if not isinstance(spec, str | Path):
        several = " (give several one by one: f(*specs))" if isinstance(spec, list | tuple) else ""
        raise TypeError(
            f"{caller}() takes specs: files, names or graphs, not {type(spec).__name__}{several}"
        )
    graph = pipeline.load(spec)
    for each in graph.warnings:
        warnings.warn(str(each), stacklevel=3)
    return graph


def graphs_of(specs: Sequence[Spec], caller: str, broken: bool = False) -> tuple[Graph, ...]:
    """Return the graph of each spec. Raises as `graph_of` does, and `TypeError` for no spec."""
    if not specs:
        raise TypeError(f"{caller}() takes at least one spec")
    return tuple(graph_of(each, caller, broken) for each in specs)


def folder_of(run: TrainedRun, caller: str) -> Path:
    """Return the folder of a run. Raises `TypeError` for what is neither a run nor a path."""
    from archspec.runs.outcome import Run

    if isinstance(run, Run):
        return run.folder
    if not isinstance(run, str | Path):
        raise TypeError(f"{caller}() takes a Run or its folder, not {type(run).__name__}")
    return Path(run)


def initial_of(
    graph: Graph,
    init_from: TrainedRun | None,
    init_spec: Spec | None,
    init_partial: Sequence[str],
    caller: str,
) -> Initial | None:
    """Return the weights that a graph begins with; None where it begins anew.

    Raises `UserError` for options without weights, and as `open_initial` does.
    """
    from archspec.weights import PARTIAL

    if isinstance(init_partial, str):
        raise TypeError(f"init_partial must be a list of words such as {PARTIAL[0]!r}, not a text")
    for each in init_partial:
        check_choice("init_partial", each, PARTIAL)
    if init_from is None:
        if init_spec is not None or init_partial:
            word = "init_spec" if init_spec is not None else "init_partial"
            raise UserError(f"{word} is for the weights of init_from", "name these, too")
        return None
    from archspec.runs.outcome import Run
    from archspec.weights.initial import open_initial

    given = init_from.folder if isinstance(init_from, Run) else init_from
    if not isinstance(given, str | Path):
        raise TypeError(f"init_from must be a Run or a path, not {type(given).__name__}")
    spec = None if init_spec is None else graph_of(init_spec, caller)
    return open_initial(graph, given, spec, init_partial)


def path_or_none(name: str, value: str | Path | None) -> Path | None:
    """Return an optional path. Raises `TypeError` that names the argument for anything else."""
    if value is None:
        return None
    if not isinstance(value, str | Path):
        raise TypeError(f"{name} must be a path, not {type(value).__name__}")
    return Path(value).expanduser()


def check_count(name: str, value: int | None, least: int = 1) -> None:
    """Raise `UserError` if an argument is given and is no whole number from `least` on."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"{name} must be a whole number of {least} or more, not {value!r}")


def check_choice(name: str, value: str | None, choices: Collection[str]) -> None:
    """Raise `UserError` if an argument is given and is none of its choices."""
    if value is not None and value not in choices:
        *others, last = choices
        listed = f"{', '.join(others)} or {last}" if others else last
        raise UserError(f"{name} must be {listed}, not {value!r}")


def check_recipe(**given: Any) -> None:
    """Raise `UserError` if a key of a recipe has a value that it cannot have; None is not given."""
    values: Mapping[str, Any] = {name: each for name, each in given.items() if each is not None}
    try:
        bind("train", {name: RECIPE[name] for name in values}, values)
    except Refused as refused:
        raise UserError(refused.message.removeprefix("train."), refused.hint) from None
