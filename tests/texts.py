"""Small specs as text, and graphs and errors in few words, so that a test reads as one sentence."""

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

import archspec
from archspec.errors import Diagnostic, SpecError
from archspec.graph import Graph

INPUT = "input: [8, 8, 4]"
PAIR = "inputs: {a: [6], b: [6]}"


def text(layers: str, top: str = INPUT) -> str:
    """A spec: what stands above `layers`, and its steps."""
    return f"archspec: 1\n{dedent(top).strip()}\nlayers:\n{indent(dedent(layers).strip(), '  ')}\n"


def net(layers: str, top: str = INPUT, **params: Any) -> Graph:
    return archspec.loads(text(layers, top), **params)


def wires(graph: Graph) -> str:
    """What takes what, and the outputs: `conv2d(input) add(conv2d input) -> add`.

    A layer that is called again is followed by `=` and the node whose weights it has.
    """
    calls = [
        node.name + (f"={node.reuses}" if node.reuses else "") + f"({' '.join(node.inputs)})"
        for node in graph
        if node.op != "InputLayer"
    ]
    return " ".join([*calls, "->", *graph.outputs])


def names(graph: Graph) -> str:
    return " ".join(node.name for node in graph if node.op != "InputLayer")


def argument(graph: Graph, name: str) -> list[Any]:
    """An argument's value in each layer that has it."""
    return [node.arguments[name] for node in graph if name in node.arguments]


def refused(layers: str, top: str = INPUT, **params: Any) -> Diagnostic:
    """The one error of a spec."""
    return only_error(lambda: net(layers, top, **params))


def only_error(load: Any) -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        load()
    found = [each for each in caught.value.diagnostics if each.severity == "error"]
    assert len(found) == 1, f"one mistake, one error, but here are several:\n{caught.value}"
    return found[0]


def said(diagnostic: Diagnostic) -> str:
    """Everything a diagnostic says, for a search in it."""
    return " | ".join(
        filter(None, (diagnostic.message, diagnostic.hint, *(n.text for n in diagnostic.notes)))
    )


def here(diagnostic: Diagnostic) -> str:
    """The text that the carets of a diagnostic stand under."""
    span = diagnostic.span
    end = span.end_column - 1 if span.end_line == span.line else None
    return span.source.lines[span.line - 1][span.column - 1 : end]


def files(folder: Path, **texts: str) -> Path:
    """Spec files named by keyword, `archspec: 1` put first; returns the path of `main`.

    Two underscores stand for a slash: `lib__blocks` is lib/blocks.yaml.
    """
    for name, body in texts.items():
        path = folder / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("archspec: 1\n" + dedent(body), encoding="utf-8")
    return folder / "main.yaml"


def table(arguments: str, cases: dict[str, Any]) -> pytest.MarkDecorator:
    """Cases by the sentence that each one holds to."""
    return pytest.mark.parametrize(arguments, list(cases.values()), ids=list(cases))
