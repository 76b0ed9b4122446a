"""Fold a flat network into a spec that a person would write: blocks, stages and loops.

    graph --tree--> branches --discovery--> blocks --loops--> stages --document--> YAML

Each spec that is folded is loaded again and compared with the graph. What is not the same network
is folded less, and in the end not at all: a folded spec is at worst long, never wrong.

    >>> import archspec
    >>> folded = fold_graph(archspec.load("vgg16_imagenet"))
    >>> archspec.loads(folded.text).fingerprint == archspec.load("vgg16_imagenet").fingerprint
    True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from archspec.backends.spec_yaml import to_spec
from archspec.errors import ArchspecError
from archspec.folding.discovery import find_blocks, polish
from archspec.folding.document import write_document
from archspec.folding.items import name_of
from archspec.folding.loops import Looped, find_loops
from archspec.folding.shipped import mark_shipped
from archspec.folding.solving import Solved, Solver
from archspec.folding.tree import to_sequence
from archspec.graph import Graph, canonical_order
from archspec.pipeline import loads
from archspec.syntax.writer import write_yaml


class Folded(Struct, frozen=True):
    """A spec that was folded.

    text: as YAML. graph: what it means. renamed: the names of the nodes that have another one now,
    by their old ones.
    """

    text: str
    graph: Graph
    renamed: Mapping[str, str]


def fold_graph(graph: Graph) -> Folded:
    """Return a short spec of a network, with the same fingerprint."""
    text, folded = next(_list_sound(graph))
    pairs = zip(canonical_order(graph), canonical_order(folded), strict=True)
    return Folded(text, folded, {old: new for old, new in pairs if old != new})


def _list_sound(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """Yield specs of the same network, the shortest first."""
    for text in _list_texts(graph):
        try:
            folded = loads(text, graph.name)
        except ArchspecError:
            continue
        if folded.fingerprint == graph.fingerprint:
            yield text, folded
    raise AssertionError("the flat spec of a network is another network")


def _list_texts(graph: Graph) -> Iterator[str]:
    """Yield specs of a network, from the shortest to the flat one."""
    flat, names = to_sequence(graph)
    solver = Solver()
    main = mark_shipped(flat, graph, solver)
    spec = to_spec(graph)
    head = {key: value for key, value in spec.items() if key not in ("layers", "outputs")}
    outputs = [names[name] for name in graph.outputs if name in names]
    is_last = len(graph.outputs) == 1 and outputs in ([], [name_of(flat[-1])])

    def write(solved: Solved, with_loops: bool = True, with_periods: bool = True) -> str:
        plain = Looped(solved.main, solved.blocks)
        looped = find_loops(solved, solver, with_periods) if with_loops else plain
        return write_document(head, looped, None if is_last else outputs)

    marked = polish(
        find_blocks(main, solver, outputs), solver, lambda each: write(each).count("\n")
    )
    solved = solver.solve(marked)
    assert solved is not None
    folded, plain = write(solved), write(Solved(flat, {}, {}), with_loops=False)
    if plain.count("\n") < folded.count("\n"):
        yield plain
    yield folded
    yield write(solved, with_periods=False)
    yield write(solved, with_loops=False)
    yield plain
    yield write_yaml(spec)
