"""What is left of a broken spec, to be drawn: each step that was reached, and what is wrong."""

import random
from itertools import takewhile

import pytest
from random_drawing import draw
from random_faults import spoil
from random_graphs import Network, write
from shrinking import few_or_many, try_out

import archspec
from archspec.errors import SpecError
from archspec.graph import Graph, Node
from archspec.pictures.dot import to_dot

HEAD = "archspec: 1\ninput: [8, 8, 3]\nlayers:\n"
STEM = "  - Conv2D: {filters: 4, kernel_size: 3}\n    name: stem\n"
HEAD_OF_DENSE = "  - Flatten\n  - Dense: 10\n"


def broken(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text, "x.yaml")
    return caught.value


def remains(text: str) -> Graph:
    graph = broken(text).graph
    assert isinstance(graph, Graph)
    return graph


def said(node: Node) -> list[str]:
    return [each.code for each in node.errors]


@pytest.mark.parametrize(
    ("step", "op", "inputs", "codes"),
    [
        ("MaxPooling2D: {pool_size: 9}", "MaxPooling2D", ("stem",), ["shape"]),
        ("MaxPooling2D: {pool_sise: 2}", "MaxPooling2D", ("stem",), ["unknown-argument"]),
        ("MaxPoolin2D: {pool_size: 2}", "MaxPoolin2D", ("stem",), ["unknown-layer"]),
        ("residual: 3", "residual", ("stem",), ["unknown-layer"]),
        ("Dense", "Dense", ("stem",), ["missing-argument"]),
        ("Dense: =1 / 0", "Dense", ("stem",), ["formula"]),
        ("{Dense: 3, from: nowhere}", "Dense", (), ["unknown-name"]),
        ("{Add: {}, from: [stem, nowhere, input]}", "Add", ("stem", "input"), ["unknown-name"]),
        ("{Add: {}, from: [stem, input]}", "Add", ("stem", "input"), ["shape"]),
        ("{Dense: 3, repeat: =0 - 1}", "Dense", ("stem",), ["loop"]),
        ("{Dense: 3, when: =1 / 0, from: input}", "Dense", ("input",), ["formula"]),
        ("{Dense: 3, name: 's{x}'}", "Dense", ("stem",), ["unknown-name"]),
        ("{reuse: stem}", "Conv2D", ("stem",), ["reuse"]),
        ("{reuse: nowhere}", "reuse", ("stem",), ["unknown-name"]),
        ("{branches: {a: [Dense: 3], b: [Dense: 2]}, merge: Add}", "Add", ("a", "b"), ["shape"]),
        (
            "Dense: {units: 3, bias: =10 ** 100000}",
            "Dense",
            ("stem",),
            ["unknown-argument", "formula"],
        ),
    ],
)
def test_the_step_that_failed_is_there_and_what_follows_too(
    step: str, op: str, inputs: tuple[str, ...], codes: list[str]
) -> None:
    graph = remains(f"{HEAD}{STEM}  - {step}\n{HEAD_OF_DENSE}")
    (failed,) = (node for node in graph if node.state == "failed")
    ends = {"a": "a.dense", "b": "b.dense"}
    assert (failed.op, failed.inputs) == (op, tuple(ends.get(name, name) for name in inputs))
    assert said(failed) == codes
    assert failed.facts is None
    follow = [node for node in graph if node.state == "following"]
    assert [node.op for node in follow] == ["Flatten", "Dense"]
    assert follow[0].inputs == (failed.name,)
    assert follow[1].arguments["units"] == 10
    assert graph.outputs == (follow[1].name,)
    assert all(node.facts for node in graph if node.state == "sound")
    assert [node.name for node in graph][:2] == ["input", "stem"]


def test_each_turn_that_fails_is_marked_though_it_is_said_once() -> None:
    text = f"{HEAD}  - Conv2D: {{filters: 4, kernel_size: =n}}\n    for: {{n: [3, 0, 0]}}\n"
    error = broken(text)
    assert len(error.diagnostics) == 1
    states = [node.state for node in error.graph]
    assert states == ["sound", "sound", "failed", "following"]
    text = (
        "archspec: 1\ninput: [8, 8, 3]\nblocks: {unit: {layers: [{Dense: {unit: 3}}]}}\n"
        "layers: [unit, Flatten, unit]\n"
    )
    assert [node.state for node in remains(text)] == ["sound", "failed", "following", "failed"]


def test_a_step_that_is_sound_but_unused_is_marked_and_keeps_its_facts() -> None:
    graph = remains(f"{HEAD}{STEM}  - {{Dense: 3, name: side}}\n  - from: stem\n")
    assert said(graph["side"]) == ["unused-step"]
    assert graph["side"].state == "failed"
    assert graph.shape("side") == (None, 6, 6, 3)


def test_a_call_that_cannot_be_is_no_other_call_of_its_layer() -> None:
    steps = "  - Flatten\n  - {reuse: stem, name: again}\n  - {reuse: stem, name: third}\n"
    graph = remains(f"{HEAD}{STEM}{steps}")
    assert [graph[name].state for name in ("again", "third")] == ["failed", "following"]
    assert graph["again"].reuses is graph["third"].reuses is None


def test_a_broken_input_is_marked_and_all_that_follows_is_grey() -> None:
    graph = remains(f"{HEAD}{STEM}".replace("[8, 8, 3]", "[0, 8, 3]"))
    assert [node.state for node in graph] == ["failed", "following"]


def test_an_error_elsewhere_marks_no_step() -> None:
    text = f"{HEAD}{STEM}".replace("input", "params: {n: =1 / 0}\ninput")
    assert [node.state for node in remains(text)] == ["sound", "sound"]
    graph = remains(text.replace("filters: 4", "filters: =n"))
    assert [node.state for node in graph] == ["sound", "following"]
    graph = remains(f"{HEAD}{STEM}outputs: [stem, stam]\n")
    assert [node.state for node in graph] == ["sound", "sound"]
    assert graph.outputs == ("stem",)
    assert [each.code for each in graph.errors] == ["unknown-name"]


@pytest.mark.parametrize(
    "text",
    [
        "archspec: [",
        "archspec: 1\nlayers: [Flatten]\n",
        "archspec: 1\ninput: [3]\nlayers: []\n",
        "archspec: 1\ninput: [3]\nlaers: [Flatten]\n",
        "archspec: 1\nextends: nowhere.yaml\n",
    ],
)
def test_where_no_step_was_reached_there_is_no_graph(text: str) -> None:
    assert broken(text).graph is None


def test_a_broken_graph_is_no_model() -> None:
    graph = remains(f"{HEAD}{STEM}  - Dense\n")
    with pytest.raises(SpecError, match="missing-argument"):
        archspec.to_keras(graph)


# --- any network, any fault ----------------------------------------------------------------------

# Faults that are in no step.
NOWHERE = ("outputs", "params", "defaults")
# Those that change a step before the one that fails, or one that is sound in its first call.
EARLIER = ("ripple", "reuse", "merge")


def spoilt(source: random.Random) -> tuple[str, Network]:
    """The text of a sound network, and the network with one fault."""
    network = draw(source)
    sound = write(network)[0]
    spoil(source, network)
    return sound, network


@pytest.mark.parametrize("count", few_or_many(12, 500))
@pytest.mark.thorough
def test_one_fault_marks_one_step_and_leaves_what_is_before_it_alone(count: int) -> None:
    kinds = set()

    def check(pair: tuple[str, Network]) -> None:
        sound, network = archspec.loads(pair[0], "x.yaml"), pair[1]
        kinds.add(network.kind)
        error = broken(write(network)[0])
        graph = error.graph
        assert isinstance(graph, Graph)
        assert to_dot(graph)
        failed = [node for node in graph if node.state == "failed"]
        blamed = {each for node in failed for each in node.errors}
        assert blamed <= set(error.diagnostics)
        if network.kind not in NOWHERE:
            assert blamed == {e for e in error.diagnostics if e.severity == "error"}
            assert len({node.span for node in failed}) == len(blamed)
        if network.kind not in EARLIER:
            wrong = {node.span for node in failed}  # a step of a block may be sound at first
            before = list(
                takewhile(lambda node: node.state == "sound" and node.span not in wrong, graph)
            )
            as_was = list(map(meaning, sound.nodes[: len(before)]))
            assert list(map(meaning, before)) == as_was

    try_out(check, spoilt, count)
    assert len(kinds) > min(count / 2, 10)


def meaning(node: Node) -> tuple[object, ...]:
    return node.name, node.op, dict(node.arguments), node.inputs, node.facts
