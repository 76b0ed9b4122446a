"""What an entry of the table is, and how one is made of a rule."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated as A
from typing import Any

from archspec.arguments import BOOLEAN, DTYPE, Argument, contract
from archspec.errors import Refused
from archspec.graph import Facts, Shape
from archspec.layers.shapes import Rule


def trainable(*, trainable: A[bool, BOOLEAN] = True, dtype: A[Any, DTYPE] = None) -> None:
    """What every Keras layer takes besides its own arguments."""


COMMON = contract(trainable)

# An argument that, left out, is what another one is: said or not, the layer is the same.
FOLLOWS = {"strides": "pool_size", "value_dim": "key_dim"}


@dataclass(frozen=True, eq=False)
class Layer:
    """An entry of the table.

    takes: "one" tensor, a "list" of them, or the names of its call arguments ("query", "value").
    optional: those of the named call arguments that may be left out.
    arguments: its own and those common to every layer, in Keras's order.
    call: the constant call arguments that a spec may give.
    """

    name: str
    rule: Rule
    doc: str
    takes: str | tuple[str, ...]
    optional: tuple[str, ...]
    arguments: Mapping[str, Argument]
    call: tuple[str, ...]

    def facts(self, inputs: list[Shape] | dict[str, Shape], arguments: Mapping[str, Any]) -> Facts:
        """The facts of one call; `inputs` is a dict where the layer takes named arguments."""
        own = {name: value for name, value in arguments.items() if name not in COMMON}
        if isinstance(inputs, dict):
            facts = self.rule(**inputs, **own)
        else:
            facts = self.rule(inputs if self.takes == "list" else inputs[0], **own)
        _check_matrices(facts, own)
        return (
            facts if arguments.get("trainable", True) else replace(facts, fixed=(*facts.weights,))
        )


def _check_matrices(facts: Facts, arguments: Mapping[str, Any]) -> None:
    """Refuse an initializer or a regularizer of matrices for a weight that is none."""
    for argument, value in arguments.items():
        name = next(iter(value)) if isinstance(value, dict) else value
        if name not in MATRIX_ONLY:
            continue
        stem = argument.rpartition("_")[0]
        if stem == "activity" and len(facts.shape) != 2:
            raise Refused(
                f"cannot use {name} for its output, which has shape {facts.shape}: "
                f"{name} wants 2 axes",
                argument,
            )
        exact = MATRIX_ONLY[name]
        for weight, shape in facts.weights.items():
            last = weight.rpartition("/")[2]
            mine = last in (stem, f"{stem}_kernel") or (stem == "depthwise" and last == "kernel")
            if mine and (len(shape) < 2 or (exact and len(shape) > 2)):
                wants = "2 axes" if exact else "at least 2 axes"
                raise Refused(
                    f"cannot use {name} for its {weight}, which has shape {shape}: "
                    f"{name} wants {wants}",
                    argument,
                )


# Objects that work on matrices -> whether on those of exactly 2 axes.
MATRIX_ONLY = {"Identity": True, "Orthogonal": False, "OrthogonalRegularizer": True}


def entry(
    name: str,
    rule: Rule,
    doc: str,
    call: tuple[str, ...] = (),
    common: Mapping[str, Argument] = COMMON,
) -> Layer:
    inputs = [
        parameter
        for parameter in inspect.signature(rule).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    takes: str | tuple[str, ...] = {"x": "one", "xs": "list"}.get(inputs[0].name, "")
    takes = takes or tuple(each.name for each in inputs)
    spare = tuple(each.name for each in inputs if each.default is None)
    return Layer(name, rule, doc, takes, spare, {**contract(rule), **common}, call)
