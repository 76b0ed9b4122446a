"""Turn the name or the text of a spec into its graph: read, check and expand it.

    find("resnet18") -> the path of its file
    load("resnet18", {"classes": 7}) -> Graph
    loads("archspec: 1 ...") -> Graph

What each needs is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from archspec.errors import SpecError, UserError, did_you_mean
from archspec.foreign import APPLICATION, suggest_import
from archspec.reading import from_here, kind_of

if TYPE_CHECKING:
    from archspec.graph import Graph
    from archspec.loading.files import Read
    from archspec.own_layers.files import Files
    from archspec.syntax.source import Document


def load(
    spec: str | Path,
    /,
    *,
    layers: Files | None = None,
    edits: Sequence[str] = (),
    **params: Any,
) -> Graph:
    """Return the graph of a spec, whole and checked.

    spec: a file, or the bare name of a spec that comes with archspec.
    layers: a file with layers of one's own (docs/own_layers.md), or several. The file is run, and
        its layers are known to the whole process from then on, as those of Keras's
        `register_keras_serializable` are. A file of the same name with other content is refused.
    edits: changes of single steps, after those of the spec: each is the text between the braces
        of an item under `edit` (docs/language.md).
    params: new values for its params, as `--set` gives them on the command line. A place with dots
        is given as `**{"train.batch_size": 64}`, an argument of a step as `**{"head.units": 7}`.

    Raises `SpecError` with every error in the spec, or in the file of layers, and `UserError` if
    there is no such file.

        >>> import archspec
        >>> archspec.load("resnet18", classes=100)
        <Graph resnet18: 67 layers, 11,228,580 parameters>
        >>> archspec.load("resnet18", edits=["at: stage3, remove: true"])
        <Graph resnet18: 51 layers, 2,781,002 parameters>
    """
    register_layers(layers)
    return graph_of(read(spec), params, edits)


def loads(
    text: str,
    /,
    name: str = "<text>",
    *,
    layers: Files | None = None,
    edits: Sequence[str] = (),
    **params: Any,
) -> Graph:
    """Return the graph of a spec that is given as text.

    name: what messages call the text. layers, edits, params: as `load` takes them.

    Raises `SpecError` with every error in the text.

        >>> import archspec
        >>> archspec.loads("archspec: 1\\ninput: [4]\\nlayers: [Dense: 3]\\n").total_params
        15
    """
    from archspec.syntax.source import read_text

    if not isinstance(text, str):
        raise TypeError(f"loads() takes the text of a spec, not {type(text).__name__}")
    register_layers(layers)
    return graph_of(read_text(text, name), params, edits)


def register_layers(layers: Files | None) -> None:
    """Make the layers in files known to this process. Raises as `load` does."""
    if layers is not None:
        from archspec.own_layers.files import register

        register(layers)


def graph_of(
    document: Document,
    params: Mapping[str, Any],
    edits: Sequence[str] = (),
    read: Read | None = None,
) -> Graph:
    """Return the graph of a document. Raises `SpecError` with every error in it.

    read: gives the documents of the files that it names; by default it reads them.
    """
    from archspec.expand import expand
    from archspec.loading.files import open_spec
    from archspec.silencing import find_slips, heard
    from archspec.syntax.source import read_file

    text = "\n".join(document.source.lines)
    if isinstance(edits, str):
        raise TypeError("edits must be a list of texts such as 'at: head, remove: true', not text")
    try:
        graph = expand(open_spec(document, params, edits, read or read_file))
    except SpecError as error:
        found = (*error.diagnostics, *find_slips(document.source))
        raise SpecError(heard(found), error.graph) from None
    slips = find_slips(document.source)
    if not params and not edits:  # else the comments are for another network
        graph = _check_silencers(graph, document)
    misfit = graph.misfit if graph.misfit and heard([graph.misfit]) else None
    return replace(graph, text=text, warnings=(*heard(graph.warnings), *slips), misfit=misfit)


def _check_silencers(graph: Graph, document: Document) -> Graph:
    """Return a graph with what must silence something, and a warning for each that does not.

    Whether it silences advice is known when that is asked for.
    """
    from archspec.silencing import find_idle, find_silencers

    keys = document.root.keys.items()
    silencers = find_silencers(document.source, keys, graph)
    if not silencers:
        return graph
    from archspec.advice import RULES
    from archspec.error_formats import CODES

    found = (*graph.warnings, *([graph.misfit] if graph.misfit else ()))
    # What a dataset is depends on the machine; advice is looked for on demand alone.
    asked = CODES.keys() - RULES.keys() - {"data", "unknown-data"}
    idle = find_idle(silencers, asked, found, "warning")
    return replace(graph, warnings=(*graph.warnings, *idle), silencers=silencers)


def read(spec: str | Path) -> Document:
    """Return the document of a spec. Raises `UserError` as `find` does."""
    from archspec.syntax.source import read_file

    path = find(spec)
    return read_file(path, display_name(spec, path))


def find(spec: str | Path, /) -> Path:
    """Return the path of a spec's file.

    spec: a file, or the bare name of a spec that comes with archspec.

    Raises `UserError` if there is none, with the closest name.

        >>> import archspec
        >>> archspec.find("resnet18").name
        'resnet18.yaml'
    """
    from archspec.loading.shipped import list_networks, list_shipped, suggest_shipped

    if not isinstance(spec, str | Path):
        raise TypeError(f"a spec is a file or a name, not {type(spec).__name__}")
    if not str(spec).strip():
        raise UserError("the name of a spec is empty", "name a file, or a shipped spec as resnet18")
    path = Path(spec)
    kind = kind_of(path)
    if kind == "folder" and kind_of(path / "resolved.yaml") == "file":
        hint = f"its spec is {path / 'spec.yaml'}, and as it was trained {path / 'resolved.yaml'}"
        raise UserError(f"{path}: this is the folder of a run, not a spec", hint)
    bare = path.suffix == "" and path.parent == Path(".")
    if bare and kind in (None, "folder"):
        names = list_shipped()
        if str(spec) in names:
            return names[str(spec)]
        if kind == "folder":
            raise UserError(f"{path}: this is a folder, not a spec", "name a file in it")
        beside = path.with_suffix(".yaml")
        here = f"write {beside}" if kind_of(beside) == "file" else None
        known = f"shipped: {', '.join(list_networks())}"
        hint = here or suggest_shipped(str(spec), names) or known
        raise UserError(f"no shipped spec is called '{spec}', and there is no such file", hint)
    if kind == "folder":
        raise UserError(f"{path}: this is a folder, not a spec", "name a file in it")
    if kind is None and str(spec).startswith(APPLICATION):
        raise UserError(f"{spec}: this is a Keras model, not a spec", suggest_import(str(spec)))
    if kind is None:
        in_folder = kind_of(path.parent) == "folder"
        near = [each.name for each in path.parent.glob("*.yaml")] if in_folder else []
        similar = did_you_mean(path.name, near)
        if similar is None and path.name.removesuffix(".yaml") in list_shipped():
            similar = f"the one that comes with archspec is called {path.stem}"
        raise UserError(f"{path}: there is no such file", similar)
    if kind == "special":
        hint = "check, show, draw and diff take `-`, which is standard input"
        raise UserError(f"{path}: this is a pipe or device, not a file", hint)
    return path


def display_name(spec: str | Path, path: Path) -> str:
    """Return what messages call the file of a spec: the path as it was given, or the path of a
    shipped spec from the working folder."""
    return str(path if str(spec) == str(path) else from_here(path))
