"""archspec: networks as YAML layer graphs, checked, shown, drawn, built and trained.

    text --source--> Document --files--> Spec --expand--> Graph --> to_keras, to_dot, summary, ...
                    (the schema checks each file)

`load` is these calls in a row. What each needs is imported when it is called: `archspec --help`
needs none of it, and nothing imports Keras until `to_keras` is called.

    >>> graph = archspec.load("specs/lenet5.yaml", classes=7)
    >>> graph.total_params
    >>> model = archspec.to_keras(graph)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.display import register
from archspec.errors import Diagnostic, SpecError, UserError, did_you_mean
from archspec.reading import from_here, kind_of

if TYPE_CHECKING:
    import keras

    from archspec.graph import Facts, Graph, Node

__all__ = [
    "Diagnostic",
    "Facts",
    "Graph",
    "Node",
    "SpecError",
    "UserError",
    "find",
    "load",
    "loads",
    "to_keras",
]


def __getattr__(name: str) -> Any:
    """Import a class of graphs when it is first asked for."""
    if name in ("Facts", "Graph", "Node"):
        from archspec import graph

        return getattr(graph, name)
    raise AttributeError(f"module 'archspec' has no attribute '{name}'")


def load(spec: str | Path, **params: Any) -> Graph:
    """The graph of a spec: a file, or the bare name of a shipped one. params: as `--set` does.

    Raises `SpecError` with every error of the spec, `UserError` if there is no such file.
    """
    from archspec.expand import expand
    from archspec.loading.files import open_spec
    from archspec.syntax.source import read_file

    path = find(spec)
    return expand(open_spec(read_file(path, displayed(spec, path)), params))


def loads(text: str, name: str = "<text>", **params: Any) -> Graph:
    """The graph of a spec given as text. name: what messages call it."""
    from archspec.expand import expand
    from archspec.loading.files import open_spec
    from archspec.syntax.source import read_text

    return expand(open_spec(read_text(text, name), params))


def to_keras(graph: Graph, seed: int = 0) -> keras.Model:
    """The Keras functional model of a graph; the same graph and seed give the same weights.

    Raises `UserError` if Keras or its backend is not installed, with the line that installs it,
    and `SpecError` if it is what is left of a broken spec.
    """
    if graph.errors:
        raise SpecError(graph.errors, graph)
    from archspec.backends import framework

    framework.start(whole=True)  # the process is not ours: others may want all of Keras
    from archspec.backends.keras import to_keras as build

    return build(graph, seed)


@register("picture")
def _draw(graph: Graph) -> str:
    """Draw a graph as an SVG element, for a notebook."""
    from archspec.pictures.render import to_svg

    return to_svg(graph)


@register("table")
def _tabulate(graph: Graph, depth: int | None) -> str:
    """Return the table that `archspec show` prints."""
    from archspec.backends.tables import to_text

    return to_text([graph], depth)


def shipped() -> Path:
    """The folder of the specs that come with archspec."""
    installed = Path(__file__).parent / "specs"
    return installed if kind_of(installed) == "folder" else Path(__file__).parent.parent / "specs"


def find(spec: str | Path) -> Path:
    """The file of a spec: a path, or the bare name of a shipped one (`resnet18`).

    Raises `UserError` if there is none, with the closest name.
    """
    if not str(spec).strip():
        raise UserError("the name of a spec is empty", "name a file, or a shipped spec as resnet18")
    path = Path(spec)
    kind = kind_of(path)
    if kind == "folder" and kind_of(path / "resolved.yaml") == "file":
        hint = f"its spec is {path / 'spec.yaml'}, and as it was trained {path / 'resolved.yaml'}"
        raise UserError(f"{path}: this is the folder of a run, not a spec", hint)
    bare = path.suffix == "" and path.parent == Path(".")
    if bare and kind in (None, "folder"):
        names = {each.stem: each for each in sorted(shipped().rglob("*.yaml"))}
        if str(spec) in names:
            return names[str(spec)]
        if kind == "folder":
            raise UserError(f"{path}: this is a folder, not a spec", "name a file in it")
        hint = did_you_mean(str(spec), names) or "shipped: " + ", ".join(names)
        raise UserError(f"no shipped spec is called '{spec}', and there is no such file", hint)
    if kind == "folder":
        raise UserError(f"{path}: this is a folder, not a spec", "name a file in it")
    if kind is None:
        beside = kind_of(path.parent) == "folder"
        near = [each.name for each in path.parent.glob("*.yaml")] if beside else []
        raise UserError(f"{path}: there is no such file", did_you_mean(path.name, near))
    if kind == "special":
        hint = "check, show and draw take `-`, which is standard input"
        raise UserError(f"{path}: this is a pipe or device, not a file", hint)
    return path


def displayed(spec: str | Path, path: Path) -> str:
    """What messages call a file: as it was named, or a shipped one by its path from here."""
    return str(path if str(spec) == str(path) else from_here(path))
