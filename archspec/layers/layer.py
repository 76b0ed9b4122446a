"""What an entry of the table is, and how one is made of a rule."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated as A
from typing import Any

from archspec.arguments import BOOLEAN, DTYPE, Argument, Contract
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.shapes import Rule, on_axis
from archspec.layers.traits import Traits

Trainable = A[
    bool,
    BOOLEAN,
    "Whether training changes the weights; false freezes them, as of a pretrained part.",
]
DTYPE_DOC = (
    "Type that the layer computes in; null for the model's; mixed_float16 computes in float16 and "
    "keeps weights in float32."
)
Dtype = A[Any, DTYPE, DTYPE_DOC]


def common(*, trainable: Trainable = True, dtype: Dtype = None) -> None:
    """What every Keras layer takes besides its own arguments."""


def dtype_only(*, dtype: Dtype = None) -> None:
    """What a few of them take, such as SpatialDropout2D."""


COMMON = Contract(common)
DTYPE_ONLY = Contract(dtype_only)
TRAINING = {
    "training": "Whether the layer works as in training or as at inference; without it, as the "
    "model does. A BatchNormalization is frozen by `trainable: false`, not by this."
}


@dataclass(frozen=True, slots=True)
class Example:
    """A call of a layer as a spec would have it.

    arguments: their YAML, "{filters: 6, kernel_size: 5}"; "" where there are none.
    inputs: a shape without the batch axis, a list of them, or call arguments to shapes.
    """

    arguments: str
    inputs: Any

    @property
    def named(self) -> dict[str, Shape]:
        """The inputs, called a, b, c ... where there are several."""
        if isinstance(self.inputs, tuple):
            return {"input": self.inputs}
        several = self.inputs.values() if isinstance(self.inputs, dict) else self.inputs
        return dict(zip("abcdefgh", several, strict=False))


@dataclass(frozen=True, slots=True)
class Formulas:
    """What the docstring of a rule says to the reader of a spec.

    about: what stands before the formulas: how the layer works, and what it is for.
    shape: how the output's follows from the input's, in words.
    params, macs: Python expressions, "0" if left out. They name the layer's arguments; `input` and
        `output`, shapes without the batch, `inputs`, a list of them, and the call arguments of a
        layer that has several; `channels` of the input; `length`, the product of the input's
        lengths along `axis`; `prod`. A part may have a name: `...; where size = ...; out = ...`.
    """

    about: str
    shape: str
    params: str
    macs: str

    @property
    def costs(self) -> list[tuple[str, str]]:
        """Its formulas but those that give 0, each with what it counts."""
        said = [("Parameters", self.params), ("MACs", self.macs)]
        return [(what, formula) for what, formula in said if formula != "0"]


def in_words(formula: str) -> bool:
    """Whether a sentence says what no short expression does."""
    return formula.endswith(".")


def coded(formula: str) -> str:
    """A formula in Markdown: as code, its named parts too."""
    if in_words(formula):
        return formula
    expression, _, parts = formula.partition("; where ")
    where = ", ".join(f"`{part}`" for part in parts.split("; ") if part)
    return f"`{expression}`" + (f", where {where}" if where else "")


def formulas(docstring: str | None) -> Formulas:
    """What a docstring says: a paragraph, and then a field a line, `Shape: ...`."""
    text = inspect.cleandoc(docstring or "")
    about, *fields = re.split("^(Shape|Params|MACs): ", text, flags=re.M)
    said = dict(zip(fields[::2], fields[1::2], strict=True))
    parts = about, said.get("Shape", ""), said.get("Params", "0"), said.get("MACs", "0")
    return Formulas(*(" ".join(part.split()) for part in parts))


@dataclass(frozen=True, eq=False)
class Layer:
    """An entry of the table.

    doc: what it does, in a sentence.
    call: the constant call arguments that a spec may give, each with a sentence.
    common: the arguments that other layers have, too.
    """

    name: str
    rule: Rule
    traits: Traits
    doc: str
    example: Example
    call: Mapping[str, str]
    common: Mapping[str, Argument]

    # What the rule's signature says is read when it is first asked for: a spec has a dozen of the
    # hundred layers.

    @cached_property
    def arguments(self) -> Mapping[str, Argument]:
        """Its own arguments and those common to every layer, in Keras's order."""
        return {**Contract(self.rule), **self.common}

    @cached_property
    def inputs(self) -> list[inspect.Parameter]:
        """What the rule takes of a call, as parameters: the tensors, and then constants."""
        parameters = inspect.signature(self.rule).parameters.values()
        return [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]

    @cached_property
    def takes(self) -> str | tuple[str, ...]:
        """What it is called with: "one" tensor, a "list" of them, or the names of arguments."""
        names = tuple(each.name for each in self.inputs if each.name not in self.call)
        return {"x": "one", "xs": "list"}.get(names[0], names)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """Those of the named call arguments that may be left out."""
        return tuple(each.name for each in self.inputs if each.default is None)

    @cached_property
    def shaping(self) -> tuple[str, ...]:
        """Those of the constant call arguments that the rule wants to know."""
        return tuple(each.name for each in self.inputs if each.name in self.call)

    @cached_property
    def formulas(self) -> Formulas:
        """How its rule works, as the rule's docstring says."""
        return formulas(self.rule.__doc__)

    @property
    def step(self) -> str:
        """The example as a step of a spec."""
        arguments, names = self.example.arguments, list(self.example.named)
        if self.takes == "one":
            return f"- {self.name}: {arguments}" if arguments else f"- {self.name}"
        feeds = f"[{', '.join(names)}]"
        if isinstance(self.takes, tuple):
            pairs = zip(self.example.inputs, names, strict=True)
            feeds = "{" + ", ".join(f"{slot}: {name}" for slot, name in pairs) + "}"
        return f"- {self.name}: {arguments}".rstrip() + f"\n  from: {feeds}"

    @property
    def hover(self) -> str:
        """What an editor shows of the layer, in Markdown."""
        said = [("Shape", self.formulas.shape)]
        said += [(what, coded(formula)) for what, formula in self.formulas.costs]
        lines = [self.doc, *(f"{what}: {text}" for what, text in said)]
        return "\n\n".join([*lines, f"```yaml\n{self.step}\n```"])

    def facts(
        self,
        inputs: list[Shape] | dict[str, Shape],
        arguments: Mapping[str, Any],
        call: Mapping[str, bool] | None = None,
    ) -> Facts:
        """The facts of one call; `inputs` is a dict where the layer takes named arguments."""
        own = {name: value for name, value in arguments.items() if name not in COMMON}
        said = {name: value for name, value in (call or {}).items() if name in self.shaping}
        if isinstance(inputs, dict):
            facts = self.rule(**inputs, **said, **own)
        else:
            facts = self.rule(inputs if self.takes == "list" else inputs[0], **said, **own)
        _check_matrices(facts, own)
        _check_constraints(facts, own)
        _check_softmax(facts, own.get("activation"))
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
                AtArgument(argument),
            )
        exact = MATRIX_ONLY[name]
        for weight, shape in _weights_of(argument, facts):
            if len(shape) < 2 or (exact and len(shape) > 2):
                wants = "2 axes" if exact else "at least 2 axes"
                raise Refused(
                    f"cannot use {name} for its {weight}, which has shape {shape}: "
                    f"{name} wants {wants}",
                    AtArgument(argument),
                )


def _check_constraints(facts: Facts, arguments: Mapping[str, Any]) -> None:
    """Refuse a constraint along an axis that its weight lacks."""
    for argument, value in arguments.items():
        if not argument.endswith("_constraint") or not isinstance(value, Mapping):
            continue
        ((name, given),) = value.items()
        axis = given.get("axis", 0)
        for weight, shape in _weights_of(argument, facts):
            wrong = [
                each
                for each in (axis if isinstance(axis, tuple) else (axis,))
                if not -len(shape) <= each < len(shape)
            ]
            if wrong:
                raise Refused(
                    f"cannot use {name} along axis {wrong[0]} of its {weight}, which has shape "
                    f"{shape}",
                    AtArgument(argument, ("axis",)),
                )


def _weights_of(argument: str, facts: Facts) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The weights, with their shapes, that an argument such as `kernel_regularizer` is for."""
    stem = argument.rpartition("_")[0]
    for weight, shape in facts.weights.items():
        last = weight.rpartition("/")[2]
        if last in (stem, f"{stem}_kernel") or (stem == "depthwise" and last == "kernel"):
            yield weight, shape


def _check_softmax(facts: Facts, activation: Any) -> None:
    """Refuse a softmax along an axis that the output lacks."""
    if isinstance(activation, Mapping) and "softmax" in activation:
        on_axis(facts.shape, activation["softmax"].get("axis", -1), "activation")


# Objects that work on matrices -> whether on those of exactly 2 axes.
MATRIX_ONLY = {"Identity": True, "Orthogonal": False, "OrthogonalRegularizer": True}


NO_CALL: Mapping[str, str] = {}


def entry(
    name: str,
    rule: Rule,
    traits: Traits,
    doc: str,
    arguments: str,
    applied_to: Shape | list[Shape] | dict[str, Shape],
    call: Mapping[str, str] = NO_CALL,
    common: Mapping[str, Argument] = COMMON,
) -> Layer:
    """Make an entry of the table.

    doc: what the layer does, in a sentence.
    arguments, applied_to: those of its example, and the input, without the batch axis.
    """
    return Layer(name, rule, traits, doc, Example(arguments, applied_to), call, common)
