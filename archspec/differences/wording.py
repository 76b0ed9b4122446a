"""Write what a layer was and is, in the words of pictures."""

from __future__ import annotations

import textwrap

from archspec import notation
from archspec.differences.changes import Change
from archspec.differences.edits import GraphEdit
from archspec.differences.values import find_effective, write_pair
from archspec.graph import Node
from archspec.notation import Symbol

ARROW = " → "
LONG = 36  # letters of a line about an argument
# Where a writer leaves nothing out, its text is that of the argument alone.
ALONE = {
    name: write
    for name, write in notation.WRITERS
    if name in ("kernel_size", "pool_size", "padding", "cropping")
}


def describe_change(before: Node, node: Node, edit: GraphEdit) -> Change:
    """Return how an edit changes a layer.

    >>> import archspec
    >>> from archspec.differences.difference import compare_graphs
    >>> lenet = archspec.load("lenet5")
    >>> edits = ["at: conv2d, set: {filters: 8, use_bias: false}"]
    >>> difference = compare_graphs(lenet, archspec.load("lenet5", edits=edits))
    >>> node = difference.b["conv2d"]
    >>> change = describe_change(lenet["conv2d"], node, difference.edits[0])
    >>> change.words, change.notes
    ('conv 5×5, 6 → 8', ('use_bias true → false',))
    """
    if before.op != node.op:
        words = f"{_write_layer(before)}{ARROW}{_write_layer(node)}"
        return Change("changed", words, says_activation=True)
    if not node.inputs:
        shapes = [notation.write_shape(each.facts.shape) for each in (before, node) if each.facts]
        said = ARROW.join(dict.fromkeys(shapes))
        if "dtype" in edit.arguments:
            said += f", {ARROW.join(write_pair(*edit.arguments['dtype']))}"
        return Change("changed", said)
    written = {name for name, _ in notation.WRITERS}
    symbols: dict[str, Symbol] = {}
    notes = []
    for name, (old, new) in edit.arguments.items():
        if name == "activation":
            symbols[name] = Symbol(ARROW.join(map(_write_activation, (before, node))))
        elif name in written and not isinstance(new, str):
            symbols[name] = _write_both(name, before, node)
        else:
            line = f"{name} {ARROW.join(write_pair(old, new, name))}"
            notes.append(textwrap.shorten(line, LONG, placeholder=" ..."))
    activation = [symbols["activation"]] if "activation" in symbols else []
    if activation and notation.write_title(node) == _write_activation(node):
        words = str(activation[0])  # of a layer that is called by its function
    else:
        details = [*notation.write_details(node, symbols, titled=True), *activation]
        words = f"{notation.write_title(node)} {', '.join(details)}".strip()
    return Change("changed", words, tuple(notes), says_activation=bool(activation))


def _write_layer(node: Node) -> str:
    """Return a layer as a picture has it: `conv 3×3, 64, ReLU`."""
    title = notation.write_title(node)
    details = notation.write_details(node, titled=True)
    if (activation := notation.write_activation(node)) and activation != title:
        details.append(activation)
    return f"{title} {', '.join(details)}".strip()


def _write_activation(node: Node) -> str:
    return notation.write_activation(node) or "linear"


def _write_both(name: str, before: Node, node: Node) -> Symbol:
    """Return the values of an argument, one for the other, as a picture has them."""
    values = [find_effective(name, each.arguments.get(name), each) for each in (before, node)]
    if name in ALONE:
        pair = [
            ALONE[name](value, each) for value, each in zip(values, (before, node), strict=True)
        ]
        if all(pair):
            return Symbol(ARROW.join(pair))
    return Symbol(ARROW.join(write_pair(values[0], values[1], name)))
