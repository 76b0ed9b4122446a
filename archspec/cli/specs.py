"""The SPEC of a command line: a file, the bare name of a shipped one, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from archspec import pipeline
from archspec.cli.messages import say
from archspec.cli.options import STDIN
from archspec.graph import Graph
from archspec.loading.settings import parse_setting
from archspec.syntax.source import Document, read_input

STDIN_NAME = "stdin"
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
