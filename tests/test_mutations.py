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
import yaml
from conftest import ROOT
from mutants import DUMPER, broken, places

import archspec
from archspec.error_formats import as_data
from archspec.errors import MAX_MESSAGE, SpecError, UserError
from archspec.graph import Graph
from archspec.pictures.dot import to_dot
from archspec.syntax.source import read_file, to_plain

SEED = 20240229
LOTS, EACH = 6, 45
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


@pytest.mark.parametrize("lot", range(LOTS))
def test_a_spec_broken_in_one_place_gets_a_report(specs: Path, lot: int) -> None:
    random_ = random.Random(f"{SEED}/{lot}")
    mutant = specs / f"mutant{lot}.yaml"
    originals = [(path.name, to_plain(read_file(path).root)) for path in small(specs)]
    words = sorted({str(p[-1]) for _, data in originals for p in places(data)} - {"0", "1"})
    for _ in range(EACH):
        name, original = random_.choice(originals)
        data = copy.deepcopy(original)
        did = broken(random_, data, words)
        mutant.write_text(yaml.dump(data, Dumper=DUMPER, sort_keys=False), encoding="utf-8")
        try:
            result: Graph | SpecError | UserError = archspec.load(mutant)
        except (SpecError, UserError) as error:
            result = error
        except Exception as error:
            raise AssertionError(f"{name}, {did}\n{mutant.read_text()}") from error
        if isinstance(result, SpecError):
            assert_in_words(result, f"{name}, {did}")
            assert_drawable(result, f"{name}, {did}")


def assert_drawable(error: SpecError, did: str) -> None:
    """What is left is a graph, with no error that was not said; its marks are of errors."""
    graph = error.graph
    if graph is None:
        return
    assert isinstance(graph, Graph), did
    assert {each for node in graph for each in node.errors} <= set(graph.errors), did
    assert set(graph.errors) <= set(error.diagnostics), did
    assert to_dot(graph), did
    unknown = {node.name for node in graph if node.facts is None}
    assert all(node.name in unknown for node in graph if unknown & set(node.inputs)), did


def assert_in_words(error: SpecError, did: str) -> None:
    assert any(each.severity == "error" for each in error.diagnostics), did
    for each in error.diagnostics:
        said = f"{each.message} {each.hint or ''}"
        quoted = re.sub(r"'[^']*'|\([^()]*\)|\[.*\]", "", said)  # shapes, and what was written
        assert not FOREIGN.search(quoted), f"{did}: {said}"
        assert each.message
        assert len(as_data(each)["message"]) <= MAX_MESSAGE
        assert 1 <= each.span.line <= len(each.span.source.lines), f"{did}: {each}"


def test_the_words_that_a_reader_has_never_heard_of_are_found() -> None:
    """The check above can fail."""
    assert FOREIGN.search("expected dict, got NoneType")
    assert FOREIGN.search("it must be a number, got None")
    assert not FOREIGN.search("it must be a number or null, got true")
