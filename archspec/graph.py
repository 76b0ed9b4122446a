"""Define the graph that a spec means: flat, named, typed, frozen.

A `Graph` is a list of `Node`s in an order in which each node comes after its inputs. `fold` is the
one walk over it: what goes over a graph, such as building a Keras model, is a step function.

    >>> import archspec
    >>> graph = archspec.load("lenet5")
    >>> graph
    <Graph lenet5: 8 layers, 44,426 parameters>
    >>> node = graph["conv2d"]
    >>> node.op, node.inputs, node.facts.shape
    ('Conv2D', ('input',), (None, 24, 24, 6))
    >>> [node.name for node in graph if node.facts.macs > 50_000]
    ['conv2d', 'conv2d_1']
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from msgspec import Struct, field

from archspec.display import show_as
from archspec.errors import Diagnostic, Note, Span, SpecError

Shape = tuple[int | None, ...]
State = Literal["sound", "failed", "following"]
Kind = Literal["group", "block", "branch", "iteration"]
T = TypeVar("T")


class Facts(Struct, frozen=True):
    """The facts of a node, its shape and its costs, which are known without building it.

    shape: of the output, the batch axis first as None, as Keras prints it.
    weights: Keras's variable names (`kernel`, `bias`, `query/kernel`) to their shapes.
    fixed: the names of those weights that training does not change (`moving_mean`).
    macs: multiply-accumulates for one sample; None if unknown.
    window: what one output sees of its input, for the receptive field: a (size, stride) for each
        spatial axis; () for itself alone; None for everything.
    axes: of a layer that only moves axes, the index among the input's axes that each axis of the
        output is, both without the batch; None for one that is made of several. () for any other.
    """

    shape: Shape
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    macs: int | None = 0
    window: tuple[tuple[int, Any], ...] | None = ()
    axes: tuple[int | None, ...] = ()

    @property
    def num_params(self) -> int:
        """Return the number of values in all weights."""
        return sum(prod(shape) for shape in self.weights.values())


class Region(Struct, frozen=True):
    """A named group or block around nodes.

    path: its dotted name. title: the name of the block, "" for a group. params: the values of the
    block's own params by their names. kind: what it is; `iteration` for a group that a loop
    repeats. named: whether the last part of its path is written in the spec, not given as Keras
    would give it.
    """

    path: str
    title: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "group"
    named: bool = True


class RegionValue(Struct, frozen=True):
    """The output of a named group, a branch or a block call.

    path: its dotted name. span: where that name is written; of a call without one, the block's.
    kind: what it is. node: the name of the node whose output it is.
    """

    path: str
    span: Span
    kind: Kind
    node: str


class Iteration(Struct, frozen=True):
    """One iteration of a loop around nodes.

    loop: where its `for` or `repeat` is written. values: those of the loop's variables, or of
    `index` for a `repeat`.
    """

    loop: Span
    values: Mapping[str, Any]


class EditCount(Struct, frozen=True):
    """An edit and how many steps it changed."""

    span: Span
    count: int


class Node(Struct, frozen=True):
    """One call of a layer, or one input of the model.

    name: dotted path, `stage1.unit0.main.conv2d`; the Keras layer has `-` for each `.`.
    op: the Keras class, `Conv2D`; `InputLayer` for an input.
    arguments: every argument of the layer in normal form, defaults included; {} where a broken
        spec gives none that can be read.
    inputs: names of the nodes it takes, in order.
    slots: the call arguments those inputs are for (`("query", "value")`); () for one tensor or,
        when the layer `takes` a list, for a list.
    call: constant call arguments, such as `{"training": False}`.
    reuses: name of the node whose layer, with its weights, this node calls again; else None, as in
        a node that failed or follows.
    facts: None when they could not be found, which only a broken graph has.
    errors: what is wrong with this very node, in a broken graph.
    regions: the named groups and blocks around it, outermost first: `stage1`, then
        `stage1.unit0`, a `residual`.
    span: where its step is written; of a `merge`, the place of the merge.
    named: whether the last part of its name is written in the spec.
    iterations: those of the loops around it, outermost first, in the calls around it too.
    account: the origin of its arguments' values, which `expand.provenance` reads.
    """

    name: str
    op: str
    arguments: Mapping[str, Any]
    inputs: tuple[str, ...]
    slots: tuple[str, ...]
    call: Mapping[str, Any]
    reuses: str | None
    facts: Facts | None
    regions: tuple[Region, ...]
    span: Span
    trail: tuple[Note, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    named: bool = False
    iterations: tuple[Iteration, ...] = ()
    account: Any = None

    @property
    def state(self) -> State:
        """Return "failed" for a node with errors and "sound" for one without.

        "following" is a node without errors of its own, whose facts an error elsewhere hides.
        """
        return "failed" if self.errors else "following" if self.facts is None else "sound"


class Silencer(Struct, frozen=True):
    """A code in a comment that silences it, `# archspec: ignore CODE`, and its place."""

    code: str
    span: Span


class Graph(Struct, frozen=True, eq=False, dict=True):
    """A whole network, in which names are unique and each node comes after its inputs.

    A broken spec has a graph too, for pictures alone, and only a `SpecError` carries it. It holds
    each step that was reached, with the op as written: those that failed, and those after them.

    name: of the spec. params: the values its formulas saw. nodes: in an order in which each comes
    after its inputs. inputs, outputs: names of nodes, in the model's order. train: the recipe as
    the spec states it, formulas evaluated. warnings: what `check` says without refusing.
    misfit: why the dataset that the recipe names cannot train it, if so. `check` alone says it,
    because `--data` gives another.
    unchecked: steps under a false `when` and blocks nobody calls, which only the schema has seen.
    errors: all that is wrong with a broken spec. text: of the spec, which a run keeps. base: the
    graph before the edits of the file, without its recipe; None if it has none. edits: these and
    those of the files below, the lowest file first, each with the number of steps that it changed.
    extends: where the file names its base, if it does. silencers: the codes in comments that must
    silence something in this network. origin: the loaded spec that it was expanded from. values:
    the outputs of named groups, branches and block calls.
    """

    name: str
    description: str
    params: Mapping[str, Any]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    train: Mapping[str, Any]
    warnings: tuple[Diagnostic, ...] = ()
    misfit: Diagnostic | None = None
    unchecked: tuple[Span, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    text: str | None = None
    base: Graph | None = None
    edits: tuple[EditCount, ...] = ()
    extends: Span | None = None
    silencers: tuple[Silencer, ...] = ()
    origin: Any = None
    values: tuple[RegionValue, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for node in self.nodes:
            missing = [name for name in node.inputs if name not in seen]
            assert not missing, f"{node.name} comes before its input {missing[0]}"
            assert node.name not in seen, f"two nodes are called {node.name}"
            seen.add(node.name)
        assert all(name in seen for name in (*self.inputs, *self.outputs))

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by their names."""
        return MappingProxyType({node.name: node for node in self.nodes})

    def __getitem__(self, name: str) -> Node:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        layers = sum(node.op != "InputLayer" for node in self)
        what = "error" if self.errors else "parameter"
        count = len(self.errors) or self.total_params
        return f"<Graph {self.name}: {_some(layers, 'layer')}, {_some(count, what)}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return what a notebook shows: the picture, or a line of text where it can show none."""
        return {"image/svg+xml": show_as("picture", self), "text/plain": repr(self)}

    def summary(self, depth: int | None = None) -> None:
        """Print the table that `archspec show` prints. depth: blocks nested deeper are folded.

        Raises `SpecError` for what is left of a broken spec.
        """
        if self.errors:
            raise SpecError(self.errors, self)
        print(show_as("table", self, depth).rstrip("\n"))

    def shape(self, name: str) -> Shape:
        """Return the output shape of a node, the batch axis first as None."""
        facts = self[name].facts
        assert facts is not None
        return facts.shape

    @property
    def total_params(self) -> int:
        """Return the number of weights in all layers, each shared layer once."""
        return sum(count_params(node) for node in self.nodes)

    @property
    def trainable_params(self) -> int:
        """Return the number of weights that training changes."""
        return sum(count_trainable_params(node) for node in self.nodes)

    @property
    def macs(self) -> int | None:
        """Return the multiply-accumulates of one sample, a shared layer at each call.

        None if one of them is unknown.
        """
        return sum_or_none(node.facts.macs if node.facts else None for node in self.nodes)

    @property
    def fingerprint(self) -> str:
        """Return a hash of layers, arguments and wiring, without names, as 16 hex digits.

        Comments, key order (that of `inputs` too), spelled-out defaults, blocks or a flat list
        change nothing, nor whether an axis is counted from the first or from the last; the recipe
        and contracts are not part of it.
        """
        return self._hash_meaning(self.normal_arguments)

    @property
    def older_fingerprint(self) -> str:
        """Return the fingerprint as it was when an axis counted from the first was another one than
        the same counted from the last. Older runs have it."""
        return self._hash_meaning(lambda node: node.arguments)

    def normal_arguments(self, node: Node) -> Mapping[str, Any]:
        """Return the arguments of a node with its `axis` counted from the last, as -1 is."""
        facts = self[node.inputs[0]].facts if node.inputs else None
        if facts is None:
            return node.arguments
        return count_axis_from_last(node.arguments, len(facts.shape))

    def _hash_meaning(self, arguments: Callable[[Node], Mapping[str, Any]]) -> str:
        order = {name: place for place, name in enumerate(canonical_order(self))}
        first: dict[str, int] = {}  # of the calls of one layer, whichever was written first
        rows = []
        for node in sorted(self.nodes, key=lambda node: order[node.name]):
            place = order[node.name]
            called = first.setdefault(node.reuses or node.name, place)
            rows.append(
                [
                    node.op,
                    dict(arguments(node)),
                    [order[each] for each in node.inputs],
                    node.slots,
                    dict(node.call),
                    None if called == place else called,
                ]
            )
        meaning = [rows, [order[each] for each in self.outputs]]
        text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def count_axis_from_last(arguments: Mapping[str, Any], rank: int) -> Mapping[str, Any]:
    """Return the arguments of a layer with its `axis` counted from the last, as -1 is, and a list
    of one axis as that axis.

    rank: how many axes its first input has, the batch axis included.

    >>> count_axis_from_last({"axis": 3}, 4), count_axis_from_last({"axis": (1, -1)}, 4)
    ({'axis': -1}, {'axis': (-3, -1)})
    >>> count_axis_from_last({"axis": (3,)}, 4)
    {'axis': -1}
    """
    axis = arguments.get("axis")
    if axis is None:
        return arguments
    several = isinstance(axis, tuple | list)
    counted = tuple(
        each - rank if 0 <= each < rank else each for each in (axis if several else [axis])
    )
    return {**arguments, "axis": counted if len(counted) != 1 else counted[0]}


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def sum_or_none(values: Iterable[int | None]) -> int | None:
    """Return the sum of counts; None, for unknown, if one of them is None."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def count_params(node: Node) -> int:
    """Return the number of weights that a node brings; 0 where it reuses those of another."""
    if node.reuses is not None or node.facts is None:
        return 0
    return node.facts.num_params


def count_trainable_params(node: Node) -> int:
    """Return the number of weights that a node brings and training changes."""
    if node.reuses is not None or node.facts is None or not node.arguments.get("trainable", True):
        return 0
    weights = node.facts.weights.items()
    return sum(prod(shape) for name, shape in weights if name not in node.facts.fixed)


def canonical_order(
    graph: Graph, list_inputs: Callable[[Node], Sequence[str]] = lambda node: node.inputs
) -> list[str]:
    """Return the names of the nodes in the order that the wiring alone gives.

    It goes depth first from the outputs, with each node after its inputs, and is the same however
    the spec was written. list_inputs: returns the inputs of a node in the order to go in.
    """
    done: dict[str, None] = {}
    stack = [(name, False) for name in reversed(graph.outputs)]
    while stack:
        name, ready = stack.pop()
        if name in done:
            continue
        if ready:
            done[name] = None
            continue
        stack.append((name, True))
        stack += [(each, False) for each in reversed(list_inputs(graph[name]))]
    return list(done)


def fold(graph: Graph, step: Callable[[Node, list[T]], T]) -> dict[str, T]:
    """Walk the graph once and return each node's value by name.

    step: called with each node and the values of its inputs; returns the node's value.

    >>> import archspec
    >>> graph = archspec.load("lenet5")
    >>> distances = fold(graph, lambda node, inputs: 1 + max(inputs, default=-1))
    >>> distances["input"], distances["head"]
    (0, 8)
    """
    values: dict[str, T] = {}
    for node in graph.nodes:
        values[node.name] = step(node, [values[name] for name in node.inputs])
    return values
