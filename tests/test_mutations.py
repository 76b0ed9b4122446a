"""Shipped specs, each broken in one place: always a report in words, never anything else.

What is broken here is the data: keys, values and their types. test_random_graphs breaks the text,
and has Keras judge what is accepted.
"""

from __future__ import annotations

import copy
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

import archspec
from archspec.backends.dot import to_dot
from archspec.errors import MAX_MESSAGE, SpecError, UserError
from archspec.graph import Graph
from archspec.reports import as_data
from archspec.source import plain, read_file

SEED = 20240229
LOTS, EACH = 6, 45
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    3,
    2.5,
    1e30,
    10**30,
    "",
    "x",
    "=",
    "=oops",
    "=range(3)",
    "={}",
    "{i}",
    "*",
    "a.b",
    "input",
    "previous",
    "größe",
    "x" * 300,
    "a\nb",
    [],
    [None],
    [[]],
    [1, "a", {}],
    {},
    {"a": 1},
    {"a": {"b": [None]}},
    {"Dense": 3},
    {"layers": []},
    {"name": "x", "from": "y"},
]
# What Python would say of its own, and a reader of specs has never heard of.
FOREIGN = re.compile(
    r"\b(NoneType|dict|tuple|KeyError|TypeError|AttributeError|Traceback)\b|<class|object at 0x"
    r"|\b(None|True|False)\b(?!, )"
)


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a spec."""
    if path:
        yield path
    if isinstance(data, dict | list):
        for key in list(data) if isinstance(data, dict) else range(len(data)):
            yield from places(data[key], (*path, key))


def broken(random_: random.Random, data: Any, words: list[str]) -> str:
    """Break one place of `data`; returns what was done."""
    *above, key = random_.choice(list(places(data)))
    inside = data
    for part in above:
        inside = inside[part]
    ways: list[Callable[[], Any]] = [
        lambda: inside.__delitem__(key),
        lambda: inside.__setitem__(key, random_.choice(ODD)),
        lambda: inside.__setitem__(key, random_.choice(words)),
        lambda: inside.__setitem__(key, [inside[key]]),
        lambda: inside.__setitem__(key, {random_.choice(words): inside[key]}),
    ]
    if isinstance(inside, dict):
        ways += [
            lambda: inside.__setitem__(misspelt(random_, str(key)), inside.pop(key)),
            lambda: inside.__setitem__(random_.choice(words), inside.pop(key)),
            lambda: inside.__setitem__(random_.choice(words), random_.choice(ODD)),
        ]
    else:
        other = random_.randrange(len(inside))
        ways += [
            lambda: inside.insert(key, inside[key]),
            lambda: inside.__setitem__(slice(None), inside[:key]),
            lambda: inside.insert(other, inside.pop(key)),
        ]
    way = random_.randrange(len(ways))
    ways[way]()
    return f"way {way} at {'.'.join(map(str, [*above, key]))}"


def misspelt(random_: random.Random, word: str) -> str:
    place = random_.randrange(len(word))
    return word[:place] + random_.choice(["", "x", word[place] * 2]) + word[place + 1 :]


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
    originals = [(path.name, plain(read_file(path).root)) for path in small(specs)]
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
