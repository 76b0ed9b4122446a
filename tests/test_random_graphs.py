"""Random networks and broken specs: archspec's word against Keras's.

A thousand networks are drawn, written as specs, and built straight with Keras by code that knows
nothing of specs: the verdict, every shape, every weight and the counts must agree, and a fault must
be reported once, at its step. Then the shipped specs are broken: at random, which must never end in
anything but a report, and on purpose, which must be reported at the broken line.
"""

import random
import re
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from random_graphs import Network, Record, build, draw, write

import archspec
from archspec.errors import SpecError, UserError
from archspec.graph import Graph
from archspec.layers import LAYERS

pytestmark = pytest.mark.keras

SEED = 1
DRAWN, LOTS = 1000, 10
SPECS = Path(__file__).parent.parent / "specs"


def symbolic() -> Any:
    """Build without making any weight, which is ten times faster."""
    import keras

    return keras.StatelessScope(initialize_variables=False)


# --- drawn networks ------------------------------------------------------------------------------


def networks(lot: int) -> list[Network]:
    size = DRAWN // LOTS
    return [draw(random.Random(f"{SEED}/{place}")) for place in range(lot * size, (lot + 1) * size)]


def read(text: str) -> Graph | SpecError:
    try:
        return archspec.loads(text, "drawn.yaml")
    except SpecError as error:
        return error


def differences(graph: Graph, records: list[Record], total: int) -> list[str]:
    """What archspec says of each call, and of the whole, that Keras does not."""
    nodes = [node for node in graph if node.op != "InputLayer"]
    if [node.op for node in nodes] != [record.op for record in records]:
        return ["the layers differ"]
    found = []
    for node, record in zip(nodes, records, strict=True):
        assert node.facts is not None
        pairs = {
            "shape": (node.facts.shape, record.shape),
            "weights": (list(node.facts.weights.items()), record.weights),
            "fixed weights": (set(node.facts.fixed), record.fixed),
        }
        found += [
            f"{node.name}: {what} {ours} and {theirs}"
            for what, (ours, theirs) in pairs.items()
            if ours != theirs
        ]
    if graph.total_params != total:
        found.append(f"parameters {graph.total_params} and {total}")
    return found


@pytest.mark.parametrize("lot", range(LOTS))
def test_drawn_networks_are_what_keras_makes_of_them(lot: int) -> None:
    for place, network in enumerate(networks(lot)):
        text, lines = write(network)
        graph = read(text)
        if network.fault is None:
            assert isinstance(graph, Graph), f"{graph}\n{text}"
            with symbolic():
                records, model = build(network)
                assert differences(graph, records, model.count_params()) == [], text
                if place % 10 == 0:
                    archspec.to_keras(graph)
            continue
        with symbolic(), pytest.raises(Exception):  # noqa: B017, PT011
            build(network)
        assert isinstance(graph, SpecError), text
        errors = [each for each in graph.diagnostics if each.severity == "error"]
        assert [each.span.line in lines for each in errors] == [True], f"{graph}\n{text}"


def test_the_draw_is_varied() -> None:
    drawn = [network for lot in range(LOTS) for network in networks(lot)]
    faults = Counter(network.kind for network in drawn if network.fault is not None)
    assert 0.25 < sum(faults.values()) / len(drawn) < 0.35
    assert set(faults) == {"shape", "spelling", "value", "layer", "missing", "wiring", "count"}
    graphs = [read(write(network)[0]) for network in drawn[:300] if network.fault is None]
    ops = {node.op for graph in graphs if isinstance(graph, Graph) for node in graph}
    assert len(ops) > 60


def test_a_difference_is_caught() -> None:
    network = next(each for each in networks(0) if each.fault is None)
    graph = read(write(network)[0])
    assert isinstance(graph, Graph)
    with symbolic():
        records, model = build(network)
    records[0].shape = (None, 99)
    assert len(differences(graph, records, model.count_params() + 1)) == 2
    assert differences(graph, records[1:], 0) == ["the layers differ"]


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


@pytest.mark.parametrize("lot", range(8))
def test_a_spec_broken_at_random_gets_a_report(specs: Path, lot: int) -> None:
    random_ = random.Random(f"{SEED}/broken/{lot}")
    paths = shipped(specs)
    built = 0
    for _ in range(150):
        path = random_.choice(paths)
        text = break_at_random(random_, path.read_text(encoding="utf-8"))
        begun = time.monotonic()
        result = load(path, text)
        assert time.monotonic() - begun < 5, text
        if isinstance(result, SpecError):
            assert all(each.code and each.message for each in result.diagnostics), str(result)
        elif isinstance(result, Graph) and built < 12 and len(result.nodes) < 100:
            built += 1
            with symbolic():  # what archspec accepts, Keras builds, and says the same of it
                archspec.to_keras(result)


WRONG_VALUES = {
    "filters": ["0", "-3", "many", "[3, 3]"],
    "units": ["0", "2.5", "many"],
    "kernel_size": ["0", "[3, 3, 3, 3]", "wide"],
    "pool_size": ["0", "-2"],
    "strides": ["0", "[]"],
    "padding": ["sam", "1"],
    "rate": ["1.5", "-0.1"],
    "activation": ["rellu", "3"],
    "use_bias": ["3", "maybe"],
    "epsilon": ["small", "-1"],
    "momentum": ["2"],
}


def break_on_purpose(random_: random.Random, text: str) -> tuple[str, int] | None:
    """A spec with a fault that Keras refuses too, and its line.

    Not in `defaults`: what is not said there may be missing from a step.
    """
    lines = text.splitlines()
    defaults: set[int] = set()
    for place, line in enumerate(lines):
        if line.strip() == "defaults:" or (place - 1 in defaults and line.startswith("  ")):
            defaults.add(place)
    candidates = [
        (place, match)
        for place, line in enumerate(lines)
        if place not in defaults
        for match in LINE.finditer(line.split(" #")[0])
        if match[1] in LAYERS and match[2]
    ]
    if not candidates:
        return None
    place, match = random_.choice(candidates)
    line = lines[place]
    keys = list(re.finditer(r"(\w+): (=[^,]*|\[[^\]]*\]|[\w.]+)", match[2]))
    if not keys:
        return None
    key = random_.choice(keys)
    start = match.start(2) + key.start()
    how = random_.randrange(3)
    if how == 0:
        lines[place] = f"{line[:start]}{key[1]}x{line[start + len(key[1]) :]}"
    elif how == 1:
        end = match.end(1)
        lines[place] = f"{line[:end]}q{line[end:]}"
    elif key[1] in WRONG_VALUES:
        wrong = random_.choice(WRONG_VALUES[key[1]])
        end = match.start(2) + key.end()
        lines[place] = f"{line[:start]}{key[1]}: {wrong}{line[end:]}"
    else:
        return None
    return "\n".join(lines) + "\n", place + 1


def test_a_planted_fault_is_reported_at_its_line_alone(specs: Path) -> None:
    random_ = random.Random(f"{SEED}/planted")
    planted = 0
    for _ in range(400):
        path = random_.choice(shipped(specs))
        broken = break_on_purpose(random_, path.read_text(encoding="utf-8"))
        if broken is None:
            continue
        planted += 1
        text, line = broken
        result = load(path, text)
        said = f"line {line} is {text.splitlines()[line - 1]}\n{result}"
        assert isinstance(result, SpecError), said
        errors = [each for each in result.diagnostics if each.severity == "error"]
        assert {each.span.line for each in errors} == {line}, said
        assert len(errors) == 1, said
    assert planted > 200
