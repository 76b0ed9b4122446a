"""Random networks and broken specs: archspec's word against Keras's.

Three thousand networks are drawn, a tenth of them in a quick run, written as specs, and built
straight with Keras by code that knows nothing of specs: the verdict, every shape, every weight and
the counts must agree, and a fault must be reported once, at its step. `python
benchmarks/random_graphs.py` draws any number more. Then the shipped specs are broken: at random,
which must never end in anything but a report, and on purpose, which must be reported at the broken
line.
"""

import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from random_checks import build, differences, drawn, judged, read, symbolic
from random_drawing import draw
from random_faults import LANGUAGE, SHARED
from random_graphs import Network, write
from shrinking import few_or_many, try_out

import archspec
from archspec.errors import SpecError, UserError
from archspec.graph import Graph
from archspec.layers import LAYERS

# Keras says when a layer drops a mask, or when a softmax has one axis to share out.
pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning")]

SPECS = Path(__file__).parent.parent / "specs"

# --- drawn networks ------------------------------------------------------------------------------


def to_be_judged(source: random.Random) -> tuple[Network, bool]:
    """A network, and whether its model is to be run: one in ten is."""
    return drawn(source), source.random() < 0.1


@pytest.mark.parametrize("count", few_or_many(60, 800))
def test_drawn_networks_are_what_keras_makes_of_them(count: int) -> None:
    ran = 0

    def check(each: tuple[Network, bool]) -> None:
        nonlocal ran
        verdict = judged(*each)
        ran += verdict.ran
        assert verdict.found == []

    try_out(check, to_be_judged, count)
    assert ran


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    return [drawn(random.Random(number)) for number in range(1000)]


@pytest.fixture(scope="module")
def graphs(networks: list[Network]) -> list[Graph]:
    found = [read(write(network)[0]) for network in networks if not network.kind]
    return [each for each in found if isinstance(each, Graph)]


def share(these: Iterator[Any], those: list[Any]) -> float:
    return sum(1 for _ in these) / len(those)


def test_three_in_ten_have_a_fault_of_every_kind(networks: list[Network]) -> None:
    kinds = Counter(network.kind for network in networks)
    assert 0.25 < share((each for each in networks if each.kind), networks) < 0.35
    assert set(kinds) - {""} == {*SHARED, *LANGUAGE}


def test_every_layer_is_drawn(graphs: list[Graph]) -> None:
    drawn_ = {node.op for graph in graphs for node in graph}
    assert set(LAYERS) - drawn_ == set(UNDRAWN)


# Layers of the table that are never drawn -> why: those that a network cannot have.
UNDRAWN: dict[str, str] = {
    name: layer.traits.augments_only for name, layer in LAYERS.items() if layer.traits.augments_only
}


def test_the_wiring_is_varied(graphs: list[Graph]) -> None:
    nodes = [node for graph in graphs for node in graph if node.op != "InputLayer"]
    assert share((node for node in nodes if len(node.inputs) > 1), nodes) > 0.2
    assert share((node for node in nodes if node.reuses), nodes) > 0.03
    assert share((graph for graph in graphs if len(graph.inputs) > 1), graphs) > 0.25
    assert share((graph for graph in graphs if len(graph.outputs) > 1), graphs) > 0.25
    assert share((graph for graph in graphs if any(_unknown(graph))), graphs) > 0.15


def _unknown(graph: Graph) -> Iterator[bool]:
    """Of each input: is one of its axes unknown?"""
    return (None in graph.shape(name)[1:] for name in graph.inputs)


def test_a_difference_is_caught() -> None:
    network = draw(random.Random(1))
    graph = read(write(network)[0])
    assert isinstance(graph, Graph)
    with symbolic():
        records, model = build(network)
    assert differences(graph, records, model) == []
    records[0].shape = (None, 99)
    records[-1].fixed = {"kernel"}
    assert len(differences(graph, records, model)) == 2
    assert differences(graph, records[1:], model) == ["the layers differ"]


def test_a_fault_that_is_none_is_caught() -> None:
    network = draw(random.Random(1))
    network.kind, network.fault = "shape", network.items[0]
    assert "archspec takes a fault" in judged(network).found[0]


# --- broken specs --------------------------------------------------------------------------------

LINE = re.compile(r"\b([A-Z]\w+): \{([^{}]*)\}")
SCALARS = ["0", "-1", "7", "1e9", "3.5", ".inf", ".nan", "null", "true", "~", "[]", "{}", "''",
           "same", "=1/0", "=channels", "=9**9**9", "='a' * 10**10", "=range(10**9)", "=[1, 2][5]",
           "&a", "*a", "!!python/name:os.system", "|", "'", '"', "1_000", "0x1F", "3:30",
           "100000000000000000000000"]  # fmt: skip


def break_at_random(random_: random.Random, text: str) -> str:
    """A spec with one thing changed, as a slip of the hand or of a merge would."""
    lines = text.splitlines()
    place = random_.randrange(len(lines))
    line = lines[place]
    words = re.findall(r"[\w.]+", text)
    tokens = list(re.finditer(r"[\w.=]+", line)) or [re.match("", line)]
    token = random_.choice(tokens)
    assert token is not None
    start, end = token.span()
    match random_.randrange(10):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, line)
        case 2:
            other = random_.randrange(len(lines))
            lines[place], lines[other] = lines[other], line
        case 3:
            lines[place] = " " * random_.randint(1, 3) + line
        case 4:
            lines[place] = line[random_.randint(1, 2) :]
        case 5:
            lines[place] = line[:start] + random_.choice(words) + line[end:]
        case 6 | 7:
            lines[place] = line[:start] + random_.choice(SCALARS) + line[end:]
        case 8:
            at = random_.randint(0, len(line))
            lines[place] = line[:at] + random_.choice("{}[]:,-=#&*!|>%@`'\"\\ \té\0") + line[at:]
        case _:
            at = random_.randint(0, max(len(line) - 1, 0))
            lines[place] = line[:at] + line[at + 1 :]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken") / "specs"
    shutil.copytree(SPECS, folder)
    return folder


def shipped(folder: Path) -> list[Path]:
    """The networks that come with archspec, the largest left out."""
    return [
        path
        for path in sorted(folder.rglob("*.yaml"))
        if path.parent.name != "blocks" and "152" not in path.name and path.name != "mutant.yaml"
    ]


def load(path: Path, text: str) -> Graph | SpecError | UserError:
    """The graph or the report of a text, read as a file next to `path`."""
    mutant = path.with_name("mutant.yaml")
    mutant.write_text(text, encoding="utf-8")
    try:
        return archspec.load(mutant)
    except (SpecError, UserError) as error:
        return error


@pytest.mark.parametrize("count", few_or_many(60, 800))
def test_a_spec_broken_at_random_gets_a_report(specs: Path, count: int) -> None:
    paths = shipped(specs)
    built = 0

    def broken(source: random.Random) -> tuple[Path, str]:
        path = source.choice(paths)
        return path, break_at_random(source, path.read_text(encoding="utf-8"))

    def check(file: tuple[Path, str]) -> None:
        nonlocal built
        result = load(*file)
        if isinstance(result, SpecError):
            assert all(each.code and each.message for each in result.diagnostics), str(result)
        elif isinstance(result, Graph) and built < count / 12 and len(result.nodes) < 100:
            built += 1
            with symbolic():  # what archspec accepts, Keras builds, and says the same of it
                archspec.to_keras(result)

    try_out(check, broken, count)
