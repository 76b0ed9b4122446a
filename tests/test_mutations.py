"""Shipped specs, each broken in one place: always a report in words, never anything else.

What is broken here is the data: keys, values and their types. test_random_graphs breaks the text,
and has Keras judge what is accepted.
"""

from __future__ import annotations

import copy
import random
import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from mutants import broken, dumped, places
from shrinking import few_or_many, try_out

import archspec
from archspec.error_formats import as_data
from archspec.errors import MAX_MESSAGE, SpecError, UserError
from archspec.graph import Graph
from archspec.pictures.dot import to_dot
from archspec.syntax.source import read_file, to_plain

# What Python would say of its own, and a reader of specs has never heard of.
FOREIGN = re.compile(
    r"\b(NoneType|dict|tuple|KeyError|TypeError|AttributeError|Traceback)\b|<class|object at 0x"
    r"|\b(None|True|False)\b(?!, )"
)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutations") / "specs"
    shutil.copytree(ROOT / "specs", folder)
    return folder


def small(folder: Path) -> list[Path]:
    """The specs that load quickly, those with blocks, loops and bases among them."""
    names = "lenet5 lenet5_mnist cnn_mnist alexnet vgg11 resnet18 resnet18_cifar100 inception10"
    return [folder / f"{name}.yaml" for name in names.split()]


@pytest.mark.parametrize("count", few_or_many(20, 1000))
def test_a_spec_broken_in_one_place_gets_a_report(specs: Path, count: int) -> None:
    mutant = specs / "mutant.yaml"
    originals = [to_plain(read_file(path).root) for path in small(specs)]
    words = sorted({str(p[-1]) for data in originals for p in places(data)} - {"0", "1"})

    def mutated(source: random.Random) -> str:
        data = copy.deepcopy(source.choice(originals))
        did = broken(source, data, words)
        return f"# {did}\n{dumped(data)}"

    def check(text: str) -> None:
        mutant.write_text(text, encoding="utf-8")
        try:
            archspec.load(mutant)
        except SpecError as error:
            assert_in_words(error)
            assert_drawable(error)
        except UserError:
            pass

    try_out(check, mutated, count)


def assert_drawable(error: SpecError) -> None:
    """What is left is a graph, with no error that was not said; its marks are of errors."""
    graph = error.graph
    if graph is None:
        return
    assert isinstance(graph, Graph)
    assert {each for node in graph for each in node.errors} <= set(graph.errors)
    assert set(graph.errors) <= set(error.diagnostics)
    assert to_dot(graph)
    unknown = {node.name for node in graph if node.facts is None}
    assert all(node.name in unknown for node in graph if unknown & set(node.inputs))


def assert_in_words(error: SpecError) -> None:
    assert any(each.severity == "error" for each in error.diagnostics)
    for each in error.diagnostics:
        said = f"{each.message} {each.hint or ''}"
        quoted = re.sub(r"'[^']*'|\([^()]*\)|\[.*\]", "", said)  # shapes, and what was written
        assert not FOREIGN.search(quoted), said
        assert each.message
        assert len(as_data(each)["message"]) <= MAX_MESSAGE
        assert 1 <= each.span.line <= len(each.span.source.lines)


def test_the_words_that_a_reader_has_never_heard_of_are_found() -> None:
    """The check above can fail."""
    assert FOREIGN.search("expected dict, got NoneType")
    assert FOREIGN.search("it must be a number, got None")
    assert not FOREIGN.search("it must be a number or null, got true")
