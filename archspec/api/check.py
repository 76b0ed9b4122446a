"""Check specs, and list everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from archspec import pipeline
from archspec.api.arguments import Spec, graphs_of, needs_run_extra, path_or_none
from archspec.errors import Diagnostic, Refused, Source, Span, SpecError, UserError, in_order
from archspec.graph import Graph


def check(
    *specs: str | Path,
    data: str | None = None,
    data_dir: str | Path | None = None,
    resize: bool = False,
    **params: Any,
) -> list[Diagnostic]:
    """Check specs, and return everything that is wrong with them; nothing is raised for it.

    specs: files, or bare names of specs that come with archspec.
    data, data_dir, resize: the data to train on, as `archspec.train` takes it: data that does not
        fit is found without training.
    params: new values for their params, as `archspec.load` takes them.

    The list is empty where nothing is wrong. A `Diagnostic` with the severity "warning" or "note"
    does not break a spec. `str(diagnostic)` is the message with its place, line, carets and
    remedy.

    Raises `TypeError` for a spec that is neither text nor a path.

        >>> import archspec
        >>> archspec.check("lenet5", "resnet18")
        []
        >>> [each.message for each in archspec.check("lenet5", width=3)]
        ["the spec has no param 'width'"]
    """
    for each in specs:
        if not isinstance(each, str | Path):
            raise TypeError(f"check() takes files or names of specs, not {type(each).__name__}")
    if not specs:
        raise TypeError("check() takes at least one spec")
    checked = [examine(str(each), partial(pipeline.load, each, **params)) for each in specs]
    if data is not None:
        place = path_or_none("data_dir", data_dir)
        checked = [try_data(each, data, place, resize).examination for each in checked]
    return merge(checked)


def advise(*specs: Spec) -> list[Diagnostic]:
    """Return advice on sound specs: what could be better.

    specs: files, bare names of specs that come with archspec, or graphs.

    Each is a `Diagnostic` with the severity "advice"; docs/advice.md has the list of what is
    advised. A comment silences it: `# archspec: ignore CODE` at the end of its line.

    Raises `SpecError` for a broken spec, and `UserError` for a file that is not there.

        >>> import archspec
        >>> for each in archspec.advise("vgg16_imagenet"):
        ...     print(each.code, each.span.line, each.message)
        heavy-dense 26 this Dense has 102,764,544 of the network's 134,301,514 parameters (77%)
    """
    from archspec.advice import advise as advise_on

    graphs = graphs_of(specs, "advise")
    return merge(Examination(graph.name, advise_on(graph), graph) for graph in graphs)


class Examination(NamedTuple):
    """The diagnostics of one spec, and its graph; None for a broken spec and for a library."""

    name: str
    found: tuple[Diagnostic, ...]
    graph: Graph | None

    @property
    def is_sound(self) -> bool:
        return not any(each.severity == "error" for each in self.found)


def examine(name: str, load: Callable[[], Graph]) -> Examination:
    """Load a spec and return what is wrong with it. name: what messages call it."""
    try:
        graph = load()
    except SpecError as error:
        errors = [each for each in error.diagnostics if each.code != "library"]
        return Examination(name, _fail_contracts(errors), None)
    except UserError as error:  # the other specs are checked all the same
        nowhere = Span(Source(name, ()), 1, 1, 1, 1)
        message = str(error.args[0]).removeprefix(f"{name}: ")
        return Examination(name, (Diagnostic("file", message, nowhere, error.hint),), None)
    found = _fail_contracts((*graph.warnings, *([graph.misfit] if graph.misfit else ())))
    broken = any(each.severity == "error" for each in found)
    return Examination(name, in_order(found) if broken else found, graph)


class Tried(NamedTuple):
    """An examination with what is wrong with its data, and lines about data that fit."""

    examination: Examination
    lines: str = ""


@needs_run_extra
def try_data(
    checked: Examination, data: str, data_dir: Path | None = None, resize: bool = False
) -> Tried:
    """Check, without training, whether a sound spec can be trained on data.

    data, data_dir, resize: as `archspec.train` takes them.
    """
    if checked.graph is None or not checked.is_sound:
        return Tried(checked)
    from archspec.data.preparation import describe_data, prepare, warn_of_outputs
    from archspec.recipe import recipe_of

    graph = checked.graph
    others = tuple(each for each in checked.found if each is not graph.misfit)
    try:
        recipe = recipe_of(graph, data=data, resize=resize)
        dataset, parts = prepare(graph, recipe, data_dir)
        found = (*others, *warn_of_outputs(graph, recipe, dataset, parts))
        return Tried(checked._replace(found=found), describe_data(dataset, parts))
    except (UserError, Refused) as error:
        hint = error.hint
        place = Span(Source(checked.name, ()), 1, 1, 1, 1)
        wrong = Diagnostic("data", str(error.args[0]), place, hint)
        return Tried(checked._replace(found=(*others, wrong)))


def add_advice(checked: Examination) -> Examination:
    """Return an examination with the advice on its graph, if it has one."""
    from archspec.advice import advise as advise_on

    if checked.graph is None:
        return checked
    return checked._replace(found=(*checked.found, *advise_on(checked.graph)))


def _fail_contracts(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics with each broken contract as an error."""
    return tuple(
        replace(each, severity="error") if each.code == "contract" else each for each in found
    )


def merge(examinations: Iterable[Examination]) -> list[Diagnostic]:
    """Return what is wrong with several specs, each fault once: what is wrong with a library is
    found with each spec that imports it."""
    once: dict[object, Diagnostic] = {}
    for examination in examinations:
        for each in examination.found:
            once.setdefault((str(each.span), each.code, each.message), each)
    return list(once.values())
