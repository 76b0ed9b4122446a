"""A graph remembers how each node was written: explicit names, what is around it, its loops."""

from shipped import network
from texts import net

from archspec.graph import Graph, Node

TABLE = """
- for:
    filters, kernel_size:
      - [4, 1]
      - [8, 3]
  name: stage{index}
  layers:
    - Conv2D: {filters: ==, kernel_size: ==}
      repeat: 2
- branches:
    wide{rate}:
      for: {rate: [2, 4]}
      layers: [Conv2D: {filters: 4, kernel_size: 1}]
  merge: Add
- tail
"""
TAIL = """
input: [32, 32, 4]
blocks:
  tail:
    layers:
      - layers: [ReLU]
        repeat: 2
        name: turn
"""


def values(node: Node) -> list[dict[str, object]]:
    return [dict(each.values) for each in node.iterations]


def around(graph: Graph, name: str) -> list[tuple[str, str, bool]]:
    """What a node is inside: the last part of the name, its kind, and whether it is written."""
    regions = graph[name].regions
    return [(each.path.rpartition(".")[2], each.kind, each.named) for each in regions]


def test_a_name_is_explicit_or_given_as_keras_would() -> None:
    graph = network("resnet18")
    assert [node.name for node in graph if node.named] == ["stem", "head"]
    assert [node.name for node in network("siamese") if node.op == "InputLayer" and node.named]


def test_a_unit_of_resnet18_is_a_block_in_an_iteration_and_has_branches() -> None:
    assert around(network("resnet18"), "stage1.unit0.shortcut.conv2d") == [
        ("stage1", "iteration", True),
        ("unit0", "block", True),
        ("shortcut", "branch", True),
    ]


def test_the_iterations_of_resnet18_are_those_of_both_loops_outermost_first() -> None:
    graph = network("resnet18")
    node = graph["stage2.unit1.main.conv2d"]
    assert values(node) == [{"stage": 2, "depth": 2}, {"unit": 1}]
    outer, inner = (each.loop for each in node.iterations)
    assert outer.line < inner.line
    assert {each.iterations[0].loop for each in graph if "stage" in each.name} == {outer}
    assert graph["stem"].iterations == ()


def test_a_merge_of_googlenet_is_placed_where_merge_is_written() -> None:
    graph = network("googlenet")
    module = graph["inception3a.concatenate"]
    branch = graph["inception3a.pool.conv2d"]
    assert module.span.line == branch.span.line + 1
    assert around(graph, "inception3a.pool.conv2d") == [
        ("inception3a", "block", True),
        ("pool", "branch", True),
    ]


def test_a_row_of_a_table_gives_its_variables_and_a_repeat_its_index() -> None:
    graph = net(TABLE, TAIL)
    node = graph["stage1.conv2d_1"]
    assert values(node) == [{"filters": 8, "kernel_size": 3}, {"index": 1}]
    assert around(graph, node.name) == [("stage1", "iteration", True)]
    assert values(graph["wide4.conv2d"]) == [{"rate": 4}]
    assert around(graph, "wide4.conv2d") == [("wide4", "branch", True)]


def test_a_block_without_a_name_is_known_by_that() -> None:
    graph = net(TABLE, TAIL)
    assert around(graph, "tail.turn1.re_lu") == [
        ("tail", "block", False),
        ("turn1", "iteration", True),
    ]


def test_a_block_in_a_loop_has_the_iterations_of_its_caller() -> None:
    graph = net("- tail:\n  for: {i: [5, 7]}\n  name: part{i}", TAIL)
    assert values(graph["part7.turn1.re_lu"]) == [{"i": 7}, {"index": 1}]


def test_none_of_it_is_part_of_the_meaning() -> None:
    flat = net("- ReLU\n- ReLU", "input: [3]")
    loop = net("- ReLU:\n  repeat: 2\n  name: a", "input: [3]")
    assert flat.fingerprint == loop.fingerprint
