"""Define the measures of a network, each once: how it is computed and how it is written.

    >>> import archspec
    >>> graph = archspec.load("resnet18")
    >>> for measure in MEASURES[:4]:
    ...     print(measure.name, measure.unit.write(measure.compute(graph)))
    params 11.2 M
    trainable_params 11.2 M
    non_trainable_params 9.60 K
    macs 456 M

`archspec show`, the contracts under `require`, `draw --heat` and the comparison of trained networks
take their measures from `MEASURES`. To add a measure, add an entry there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from archspec import notation
from archspec.analysis.fields import find_gates, find_largest_field
from archspec.analysis.memory import count_elements, estimate_peak_memory
from archspec.graph import (
    Graph,
    Node,
    count_params,
    count_trainable_params,
    fold,
    sum_or_none,
)

FLOAT = 4  # bytes of a float32

# The arguments of `estimate_peak_memory` that are given: batch_size, precision, optimizer.
Training = Mapping[str, Any]
DEFAULT: Training = MappingProxyType({})


class Unit(Struct, frozen=True):
    """A way to write the values of a measure.

    write: value -> text of a cell, in three digits. write_in_full: value -> text of a sentence.
    name: of the unit, in messages. if_none: the word for a value that is None. reason, remedy: why
    a value is None, and what to do about it.
    """

    write: Callable[[Any], str]
    write_in_full: Callable[[Any], str]
    name: str = ""
    if_none: str = "unknown"
    reason: str = "it is unknown, as an axis is unknown (null)"
    remedy: str = "give the input known sizes"


def _write_field(size: Sequence[int] | None) -> str:
    """Return the size of a receptive field as `16` or `3×1`; `all` for the whole input."""
    return "all" if size is None else notation.write_axes(size)


COUNT = Unit(notation.write_count, "{:,}".format)
BYTES = Unit(notation.write_size, notation.write_size, "bytes")
LAYERS = Unit(str, str)
ROWS = Unit(
    _write_field,
    _write_field,
    if_none="all",
    reason="every layer sees the whole input",
    remedy="leave it out",
)


class Measure(Struct, frozen=True, kw_only=True):
    """A number that says what a network, or a layer of it, costs or can do.

    name: its key in `show --format json`.
    sentence: what it is, for the schema and for readers of this table.
    unit: how its values are written.
    of_layer: node -> its value; None for a measure of whole networks alone.
    of_graph: graph, training -> its value; by default the sum over the layers.
    heading: of its column in tables; "" for none. share: whether a column of percents follows.
    beside: its heading in tables of several networks, if another one; "" for none, as papers give
        the trained parameters.
    fact: its line below the table of one network, (title, text with {} for the value).
    legend: what the heading means, below the table of several networks.
    contract: its name under `require`. per_batch: whether `@` and a batch size follow that name.
    heat: its name for `draw --heat`, if it has `of_layer`.
    compared: its heading in the comparison of trained networks.
    """

    name: str
    sentence: str
    unit: Unit
    of_layer: Callable[[Node], int | None] | None = None
    of_graph: Callable[[Graph, Training], Any] | None = None
    heading: str = ""
    share: bool = False
    beside: str | None = None
    fact: tuple[str, str] | None = None
    legend: str = ""
    contract: str = ""
    per_batch: bool = False
    heat: str = ""
    compared: str = ""

    @property
    def heading_beside(self) -> str:
        """Return the heading in tables of several networks."""
        return self.heading if self.beside is None else self.beside

    def compute(self, graph: Graph, training: Training = DEFAULT) -> Any:
        """Return the value for a whole network; None if it is unknown.

        training: the arguments of `estimate_peak_memory`, on which memory depends.
        """
        if self.of_graph is not None:
            return self.of_graph(graph, training)
        assert self.of_layer is not None
        return sum_or_none(map(self.of_layer, graph.nodes))


def count_fixed_params(node: Node) -> int:
    """Return the number of weights of a node that training does not change."""
    return count_params(node) - count_trainable_params(node)


def count_macs(node: Node) -> int | None:
    """Return the multiply-accumulates of a node for one sample; None if unknown."""
    return node.facts.macs if node.facts else None


def count_activation_bytes(node: Node) -> int | None:
    """Return the bytes of a node's output as float32, for one sample; None if unknown."""
    elements = count_elements(node)
    return None if elements is None else elements * FLOAT


def measure_depth(graph: Graph) -> int:
    """Return the number of layers with kernels (convolution, dense, attention) on the longest path.

    It is the 18 of ResNet-18 and the 22 of GoogLeNet: as in papers, normalization and embeddings
    are not counted, nor is a gate beside the path, such as squeeze-and-excitation.
    """
    gates = find_gates(graph)

    def step(node: Node, inputs: list[int]) -> int:
        # With an unknown axis the MACs of a kernel are unknown, which is not none.
        kernel = node.facts and node.facts.macs != 0 and node.facts.weights
        left_out = gates.get(node.name, ())
        pairs = zip(node.inputs, inputs, strict=True)
        longest = max((depth for name, depth in pairs if name not in left_out), default=0)
        return longest + bool(kernel)

    depths = fold(graph, step)
    return max((depths[name] for name in graph.outputs), default=0)


MEASURES: tuple[Measure, ...] = (
    Measure(
        name="params",
        sentence="Numbers in all weights.",
        unit=COUNT,
        of_layer=count_params,
        heading="params",
        share=True,
        beside="",
        contract="params",
        heat="params",
    ),
    Measure(
        name="trainable_params",
        sentence="Numbers in the weights that training changes.",
        unit=COUNT,
        of_layer=count_trainable_params,
        beside="trained",
        legend="parameters that training changes",
        contract="trainable_params",
        compared="parameters",
    ),
    Measure(
        name="non_trainable_params",
        sentence="Numbers in moving statistics and in the weights of frozen layers.",
        unit=COUNT,
        of_layer=count_fixed_params,
        heading="fixed",
        compared="fixed",
    ),
    Measure(
        name="macs",
        sentence="Multiply-accumulates of one sample.",
        unit=COUNT,
        of_layer=count_macs,
        heading="MACs",
        share=True,
        fact=("MACs", "{} for one sample"),
        contract="macs",
        heat="macs",
        compared="MACs",
    ),
    Measure(
        name="activation_bytes",
        sentence="Bytes of the outputs of all layers as float32, for one sample.",
        unit=BYTES,
        of_layer=count_activation_bytes,
        heading="activation",
        heat="memory",
    ),
    Measure(
        name="training_bytes",
        sentence="Bytes that a training step holds at its peak.",
        unit=BYTES,
        of_graph=lambda graph, training: estimate_peak_memory(graph, **training).total,
        heading="memory",
        legend="of training at batch {batch_size}, {precision}, {optimizer}",
        contract="memory",
        per_batch=True,
    ),
    Measure(
        name="depth",
        sentence="Layers with kernels on the longest path.",
        unit=LAYERS,
        of_graph=lambda graph, training: measure_depth(graph),
        heading="depth",
        fact=("depth", "{} layers with kernels on the longest path"),
        legend="layers with kernels on the longest path",
    ),
    Measure(
        name="receptive_field",
        sentence="Input rows that one value of the output depends on.",
        unit=ROWS,
        of_graph=lambda graph, training: find_largest_field(graph),
        heading="field",
        fact=("receptive field", "{}, before a layer sees everything"),
        legend="receptive field, before a layer sees everything",
        contract="receptive_field",
    ),
)
LAYER_MEASURES = tuple(measure for measure in MEASURES if measure.of_layer)
CONTRACTS = {measure.contract: measure for measure in MEASURES if measure.contract}
