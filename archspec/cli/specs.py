"""Read the SPEC of a command line, a file, a shipped name or standard input, and write specs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from archspec import pipeline
from archspec.cli.messages import say
from archspec.cli.options import STDIN
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.loading.settings import parse_setting
from archspec.reading import kind_of, path_of, suggest_path
from archspec.syntax.source import Document, read_input
from archspec.writing import writing

STDIN_NAME = "stdin"
YAML = (".yaml", ".yml")
PYTHON = ".py"
BUILD = Path("build")  # where pictures and models are written, unless -o says otherwise


def load(spec: str, settings: Sequence[str], edits: Sequence[str] = ()) -> Graph:
    """Return the graph of a spec. settings, edits: as `--set` and `--edit` take them.

    Raises `SpecError`.
    """
    return pipeline.graph_of(_document(spec), dict(map(parse_setting, settings)), edits)


def load_and_warn(spec: str, settings: Sequence[str], edits: Sequence[str] = ()) -> Graph:
    """Return the graph of a spec, and print its warnings."""
    graph = load(spec, settings, edits)
    warn(graph)
    return graph


def warn(graph: Graph) -> None:
    """Print the warnings of a graph."""
    for each in graph.warnings:
        say(each)


def display_name(spec: str) -> str:
    """Return what messages call a spec."""
    return STDIN_NAME if spec == STDIN else pipeline.display_name(spec, pipeline.find(spec))


def _document(spec: str) -> Document:
    return read_input(sys.stdin.buffer, STDIN_NAME) if spec == STDIN else pipeline.read(spec)


def check_new_files(
    spec: Path | None, names: Path | None = None, suffixes: Sequence[str] = YAML
) -> None:
    """Raise `UserError` if a spec, or a file with names, cannot be written as a new file.

    suffixes: those that the spec may have.
    """
    if spec is not None and names is not None and path_of(spec) == path_of(names):
        raise click.UsageError(f"-o and --names name the same file: {spec}")
    if names is not None and str(names) == STDIN:
        raise click.UsageError("--names names a file: the spec alone goes to standard output")
    for path in filter(None, (spec, names)):
        if kind_of(path) is not None:
            raise UserError(f"{path}: the file exists", "choose another name")
    if spec is not None and spec.suffix not in suffixes:
        raise UserError(f"{spec}: a spec ends in .yaml", f"write {suggest_path(spec, '.yaml')}")


def write_spec(path: Path, text: str, graph: Graph) -> None:
    """Write a spec, and say how long it is and which network. graph: what it means."""
    _write(path, text, graph, f"fingerprint {graph.fingerprint}")


def write_source(path: Path, text: str, graph: Graph) -> None:
    """Write source code, and say how long it is and what it has. graph: what it makes."""
    function = next(line for line in reversed(text.split("\n")) if line.startswith("def "))
    _write(path, text, graph, f"{function[4:-1]} returns the model")


def _write(path: Path, text: str, graph: Graph, end: str) -> None:
    with writing(path) as temporary:
        temporary.write_text(text, "utf-8")
    layers, lines = sum(node.op != "InputLayer" for node in graph), text.count("\n")
    click.echo(
        f"wrote {path}: {layers:,} layers in {lines:,} lines, {graph.total_params:,} parameters, "
        f"{end}"
    )


def describe_renamed(renamed: Mapping[str, str]) -> str:
    """Return a line on the names of layers that have changed, and how to see them."""
    count = f"{len(renamed)} name{'' if len(renamed) == 1 else 's'}"
    return f"{count} of layers changed; --names FILE writes old -> new as JSON"


def write_names(path: Path, names: Mapping[str, str]) -> None:
    """Write the names of layers, old to new, as JSON."""
    with writing(path) as temporary:
        temporary.write_text(json.dumps(dict(names), indent=2) + "\n", "utf-8")
