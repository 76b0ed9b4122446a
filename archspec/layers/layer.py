"""Define an entry of the table of layers, and the facts that it gives of a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from typing import Annotated as A

from msgspec import Struct
from msgspec.structs import replace

from archspec.arguments import BOOLEAN, DTYPE, Argument, Contract
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.shapes import Rule, find_axis
from archspec.layers.traits import Traits

if TYPE_CHECKING:
    from archspec.layers.docstrings import Formulas

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
    """State the arguments that every Keras layer has besides its own."""


def dtype_only(*, dtype: Dtype = None) -> None:
    """State the argument that a few layers have instead, such as SpatialDropout2D."""


COMMON = Contract(common)
DTYPE_ONLY = Contract(dtype_only)
TRAINING = {
    "training": "Whether the layer works as in training or as at inference; without it, as the "
    "model does. A BatchNormalization is frozen by `trainable: false`, not by this."
}


class Example(Struct, frozen=True):
    """A call of a layer, as a spec writes it.

    arguments: as YAML, "{filters: 6, kernel_size: 5}"; "" where there are none.
    inputs: a shape without the batch axis, a list of them, or call arguments to shapes.
    """

    arguments: str
    inputs: Any

    @property
    def named(self) -> dict[str, Shape]:
        """Return the shapes of the inputs by name: "input", or a, b, c ... for several."""
        if isinstance(self.inputs, tuple):
            return {"input": self.inputs}
        several = self.inputs.values() if isinstance(self.inputs, dict) else self.inputs
        return dict(zip("abcdefgh", several, strict=False))


class LayerFile(Struct, frozen=True):
    """The file that a layer of one's own was read from. sha256: of its content, in hexadecimal."""

    path: Path
    sha256: str


class Layer(Struct, frozen=True, eq=False, dict=True):
    """An entry of the table of layers.

    rule: gives the facts of a call. doc: what the layer does, in a sentence.
    call: the constant call arguments that a spec may give, each with a sentence.
    common: the arguments that it shares with other layers.
    keras_class: of a layer of one's own, the function that makes its Keras class; a stock layer is
        the class of its name in `keras.layers`.
    file: where a layer of one's own was read; None for a stock layer.
    """

    name: str
    rule: Rule
    traits: Traits
    doc: str
    example: Example
    call: Mapping[str, str]
    common: Mapping[str, Argument]
    keras_class: Callable[[], Any] | None = None
    file: LayerFile | None = None

    # A rule's signature and docstring are read when they are first asked for: a spec has a dozen of
    # the hundred layers.

    @cached_property
    def arguments(self) -> Mapping[str, Argument]:
        """Return the layer's own arguments, and then those that it shares, in Keras's order."""
        return {**Contract(self.rule), **self.common}

    @cached_property
    def inputs(self) -> list[inspect.Parameter]:
        """Return the rule's parameters for a call: the tensors, and then constants."""
        parameters = inspect.signature(self.rule).parameters.values()
        return [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]

    @cached_property
    def takes(self) -> str | tuple[str, ...]:
        """Return "one" for a layer of one tensor, "list", or the names of its inputs."""
        names = tuple(each.name for each in self.inputs if each.name not in self.call)
        return {"x": "one", "xs": "list"}.get(names[0], names)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """Return the names of the inputs that a call may leave out."""
        return tuple(each.name for each in self.inputs if each.default is None)

    @cached_property
    def shaping(self) -> tuple[str, ...]:
        """Return the names of the constant call arguments that the output's shape depends on."""
        return tuple(each.name for each in self.inputs if each.name in self.call)

    @cached_property
    def formulas(self) -> Formulas:
        """Return the parts of the rule's docstring: how the layer works, and its formulas."""
        from archspec.layers.docstrings import read_docstring  # for pages and editors only

        return read_docstring(self.rule.__doc__)

    @property
    def step(self) -> str:
        """Return the example as a step of a spec."""
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
        """Return what an editor shows where the layer is named, in Markdown."""
        from archspec.layers.docstrings import write_formula

        lines = [self.doc, f"Shape: {self.formulas.shape}"]
        lines += [f"{what}: {write_formula(formula)}" for what, formula in self.formulas.costs]
        return "\n\n".join([*lines, f"```yaml\n{self.step}\n```"])

    def facts(
        self,
        inputs: list[Shape] | dict[str, Shape],
        arguments: Mapping[str, Any],
        call: Mapping[str, bool] | None = None,
    ) -> Facts:
        """Return the facts of one call. Raises `Refused` for what Keras refuses.

        inputs: shapes with the batch axis, as None; by name where the layer takes them by name.
        arguments: every argument of the layer, in normal form.
        """
        own = {name: value for name, value in arguments.items() if name not in COMMON}
        constants = {name: value for name, value in (call or {}).items() if name in self.shaping}
        if isinstance(inputs, dict):
            facts = self.rule(**inputs, **constants, **own)
        else:
            given = inputs if self.takes == "list" else inputs[0]
            facts = self.rule(given, **constants, **own)
        _check_matrices(facts, own)
        _check_constraints(facts, own)
        _check_softmax(facts, own.get("activation"))
        if arguments.get("trainable", True):
            return facts
        return replace(facts, fixed=(*facts.weights,))


def _check_matrices(facts: Facts, arguments: Mapping[str, Any]) -> None:
    """Refuse an initializer or regularizer of matrices for a weight that is no matrix."""
    for argument, value in arguments.items():
        name = next(iter(value)) if isinstance(value, dict) else value
        if name not in MATRIX_ONLY:
            continue
        stem = argument.rpartition("_")[0]
        if stem == "activity" and len(facts.shape) != 2:
            raise Refused(
                f"cannot use {name} for its output, which has shape {facts.shape}: "
                f"{name} expects 2 axes",
                AtArgument(argument),
            )
        exact = MATRIX_ONLY[name]
        for weight, shape in _find_weights(argument, facts):
            if len(shape) < 2 or (exact and len(shape) > 2):
                wants = "2 axes" if exact else "at least 2 axes"
                raise Refused(
                    f"cannot use {name} for its {weight}, which has shape {shape}: "
                    f"{name} expects {wants}",
                    AtArgument(argument),
                )


def _check_constraints(facts: Facts, arguments: Mapping[str, Any]) -> None:
    """Refuse a constraint along an axis that its weight lacks."""
    for argument, value in arguments.items():
        if not argument.endswith("_constraint") or not isinstance(value, Mapping):
            continue
        ((name, given),) = value.items()
        axis = given.get("axis", 0)
        for weight, shape in _find_weights(argument, facts):
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


def _find_weights(argument: str, facts: Facts) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of the weights that an argument such as `kernel_regularizer` is for."""
    stem = argument.rpartition("_")[0]
    for weight, shape in facts.weights.items():
        last = weight.rpartition("/")[2]
        if last in (stem, f"{stem}_kernel") or (stem == "depthwise" and last == "kernel"):
            yield weight, shape


def _check_softmax(facts: Facts, activation: Any) -> None:
    """Refuse a softmax along an axis that the output lacks."""
    if isinstance(activation, Mapping) and "softmax" in activation:
        find_axis(facts.shape, activation["softmax"].get("axis", -1), "activation")


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
    keras_class: Callable[[], Any] | None = None,
) -> Layer:
    """Make an entry of the table.

    doc: what the layer does, in a sentence. arguments, applied_to: of its example: its arguments as
    YAML, and the shapes of its inputs without the batch axis. keras_class: for a layer of one's
    own, the function that makes its Keras class.
    """
    example = Example(arguments, applied_to)
    return Layer(name, rule, traits, doc, example, call, common, keras_class)
