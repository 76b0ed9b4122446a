"""What the reference page of a layer says is so: its formulas, its example, its words."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import pytest
from layer_cases import CASES, Case

import archspec
from archspec.arguments import AXES, bind
from archspec.graph import Facts, Shape
from archspec.layers import LAYERS, Layer
from archspec.layers.layer import formulas
from archspec.layers.shapes import on_axes

# --- the formulas --------------------------------------------------------------------------------

# Layers whose numbers no short expression gives: their docstrings say them in words.
IN_WORDS = {"EinsumDense", "PReLU"}
ACCEPTED = [case for case in CASES if not case.refusal and case.layer not in IN_WORDS]


UNKNOWN = float("nan")


def names(case: Case, layer: Layer) -> dict[str, Any]:
    """What a formula may name."""
    bound = bind(layer.name, layer.arguments, case.arguments)
    for name, argument in layer.arguments.items():
        if argument.type.words.startswith(AXES.words) and isinstance(bound[name], int):
            bound[name] = (bound[name],)

    def lengths(shape: Shape) -> list[float]:
        return [UNKNOWN if length is None else length for length in shape]

    several = case.inputs.values() if isinstance(case.inputs, dict) else case.inputs
    inputs = [lengths(x) for x in ([case.inputs] if isinstance(case.inputs, tuple) else several)]
    first = inputs[0]
    named = {"inputs": inputs, "input": first, "output": lengths(case.shape), "prod": prod}
    if first:
        named["channels"] = first[0 if bound.get("data_format") == "channels_first" else -1]
    if "axis" in layer.arguments and layer.takes == "one":
        places = on_axes((None, *case.inputs), bound["axis"] or ()) if case.inputs else []
        named["length"] = prod(first[place - 1] for place in places)
    if isinstance(layer.takes, tuple):
        named |= {**dict.fromkeys(layer.takes), **dict(zip(case.inputs, inputs, strict=True))}
    return {**named, **bound}


def value(formula: str, named: dict[str, Any]) -> float | None:
    """The number that a formula gives; None where it needs a length that is unknown."""
    expression, _, parts = formula.partition("; where ")
    named = {"range": range, "len": len, **named}
    for part in filter(None, parts.split("; ")):
        name, _, meaning = part.partition(" = ")
        named[name] = eval(meaning, named)
    number: float = eval(expression, named)
    return None if number != number else number


def mistakes(case: Case, layer: Layer) -> list[str]:
    named = names(case, layer)
    found = []
    for what, formula, want in (
        ("Params", layer.formulas.params, case.params),
        ("MACs", layer.formulas.macs, case.macs),
    ):
        got = value(formula, named)
        if got != want:
            found.append(f"{what}: {formula}\n  gives {got} for {case}, not {want}")
    return found


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_the_formulas_of_a_rule_give_the_numbers_of_the_cases(case: Case) -> None:
    found = mistakes(case, LAYERS[case.layer])
    assert not found, "mend the lines `Params:` and `MACs:` in the docstring of the rule"


@pytest.mark.parametrize("name", LAYERS)
def test_every_rule_says_how_its_layer_works(name: str) -> None:
    said = LAYERS[name].formulas
    where = f"the docstring of {name}'s rule in archspec/layers needs"
    assert said.about.endswith((".", ")")), f"{where} a paragraph on how the layer works"
    assert said.shape.endswith("."), f"{where} a line 'Shape: ...', how the shape follows"


def test_words_stand_for_formulas_only_where_they_must() -> None:
    assert set(LAYERS) >= IN_WORDS
    for name in IN_WORDS:
        assert LAYERS[name].formulas.params.endswith("."), "an expression: take it off the list"


def test_a_wrong_formula_is_caught() -> None:
    case = next(case for case in ACCEPTED if case.layer == "Conv2D")

    def rule(x: Shape, **arguments: Any) -> Facts:
        """Shape: wrong.

        Params: filters
        MACs: prod(output)
        """
        return LAYERS["Conv2D"].rule(x, **arguments)

    said = mistakes(case, replace(LAYERS["Conv2D"], rule=rule))
    assert [line.partition(":")[0] for line in said] == ["Params", "MACs"]


def test_a_docstring_is_read_by_its_fields() -> None:
    said = formulas("About\n    it.\n\n    Shape: as\n        before.\n    Params: 2 * n\n    ")
    assert (said.about, said.shape, said.params, said.macs) == (
        "About it.",
        "as before.",
        "2 * n",
        "0",
    )
    assert formulas(None).shape == ""


# --- the examples --------------------------------------------------------------------------------


def spec(layer: Layer) -> str:
    """A network that is the example of a layer."""
    named = layer.example.named
    shapes = "".join(f"  {name}: {list(shape)}\n" for name, shape in named.items())
    inputs = f"input: {list(layer.example.inputs)}\n" if len(named) == 1 else f"inputs:\n{shapes}"
    return f"archspec: 1\n{inputs}layers:\n{layer.step}\n"


@pytest.mark.parametrize("name", LAYERS)
def test_every_example_is_a_sound_spec(name: str) -> None:
    graph = archspec.loads(spec(LAYERS[name]))
    assert [node.op for node in graph][-1] == name
    assert not graph.warnings


def test_an_example_shows_what_must_be_given() -> None:
    assert LAYERS["Conv2D"].step.startswith("- Conv2D: {filters: ")
    assert LAYERS["Flatten"].step == "- Flatten"
    assert LAYERS["Add"].step == "- Add:\n  from: [a, b]"
    assert "\n  from: {query: a, value: b}" in LAYERS["MultiHeadAttention"].step
