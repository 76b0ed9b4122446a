"""What the reference page of a layer says is so: its formulas, its example, its words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from layer_cases import CASES, Case
from msgspec.structs import replace

import archspec
from archspec.arguments import AXES, bind
from archspec.backends.reference import KINDS, write_example, write_reference
from archspec.cli import main, run
from archspec.errors import SpecError
from archspec.graph import Facts, Shape, count_params
from archspec.layers import (
    ALIASES,
    FAMILIES,
    LACKING,
    LAYERS,
    REFUSED,
    Layer,
)
from archspec.layers.docstrings import read_docstring
from archspec.layers.shapes import find_axes
from archspec.objects import TABLES
from archspec.schema import make_schema
from archspec.syntax.source import read_text, to_plain

pytestmark = pytest.mark.thorough

Golden = Callable[[str, str], None]

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
        places = find_axes((None, *case.inputs), bound["axis"] or ()) if case.inputs else []
        named["length"] = prod(first[place - 1] for place in places)
    if isinstance(layer.takes, tuple):
        named |= {**dict.fromkeys(layer.takes), **dict(zip(case.inputs, inputs, strict=True))}
    return {**named, **dict.fromkeys(layer.call, False), **case.call, **bound}


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


@pytest.mark.parametrize("name", sorted(LAYERS.keys() - IN_WORDS))
def test_the_formulas_of_a_rule_give_the_numbers_of_the_cases(name: str) -> None:
    cases = [case for case in ACCEPTED if case.layer == name]
    found = [line for case in cases for line in mistakes(case, LAYERS[name])]
    assert not found, "mend the lines `Params:` and `MACs:` in the docstring of the rule"


def test_every_rule_says_how_its_layer_works() -> None:
    for name, layer in LAYERS.items():
        where = f"the docstring of {name}'s rule in archspec/layers needs"
        about, shape = layer.formulas.about, layer.formulas.shape
        assert about.endswith((".", ")")), f"{where} a paragraph on how the layer works"
        assert shape.endswith("."), f"{where} a line 'Shape: ...', how the shape follows"


def test_words_stand_for_formulas_only_where_they_must() -> None:
    assert set(LAYERS) >= IN_WORDS
    for name in IN_WORDS:
        assert LAYERS[name].formulas.params.endswith("."), "an expression: take it off the list"


def test_a_wrong_formula_is_caught() -> None:
    case = next(case for case in ACCEPTED if case.layer == "Conv2D")

    @wraps(LAYERS["Conv2D"].rule, assigned=["__annotations__"])
    def rule(x: Shape, **arguments: Any) -> Facts:
        """Shape: wrong.

        Params: filters
        MACs: prod(output)
        """
        return LAYERS["Conv2D"].rule(x, **arguments)

    said = mistakes(case, replace(LAYERS["Conv2D"], rule=rule))
    assert [line.partition(":")[0] for line in said] == ["Params", "MACs"]


def test_a_docstring_is_read_by_its_fields() -> None:
    said = read_docstring(
        "About\n    it.\n\n    Shape: as\n        before.\n    Params: 2 * n\n    "
    )
    assert (said.about, said.shape, said.params, said.macs) == (
        "About it.",
        "as before.",
        "2 * n",
        "0",
    )
    assert read_docstring(None).shape == ""


# --- the examples --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_every_example_is_a_sound_spec_that_costs_what_the_formulas_say(name: str) -> None:
    layer = LAYERS[name]
    if LAYERS[name].traits.augments_only:
        with pytest.raises(SpecError, match=f"{name} works under `train.augment` alone"):
            archspec.loads(write_example(layer))
        return
    graph = archspec.loads(write_example(layer))
    assert not graph.warnings
    node = graph.nodes[-1]
    assert node.op == name
    assert node.facts is not None
    if name not in IN_WORDS:
        given = to_plain(read_text(f"archspec: 1\nlayers:\n{layer.step}", "").root)["layers"][0]
        written = given.get(name) if isinstance(given, dict) else None
        if not isinstance(written, dict):  # the value of the first argument, or nothing
            written = {} if written is None else {next(iter(layer.arguments)): written}
        written = json.loads(json.dumps({key: node.arguments[key] for key in written}))
        case = Case(
            name,
            written,
            layer.example.inputs,
            node.facts.shape[1:],
            count_params(node),
            node.facts.macs,
        )
        assert not mistakes(case, layer)


def test_an_example_shows_what_must_be_given() -> None:
    assert LAYERS["Conv2D"].step.startswith("- Conv2D: {filters: ")
    assert LAYERS["Flatten"].step == "- Flatten"
    assert LAYERS["Add"].step == "- Add:\n  from: [a, b]"
    assert "\n  from: {query: a, value: b}" in LAYERS["MultiHeadAttention"].step


# --- the pages -----------------------------------------------------------------------------------


def layers(*words: str) -> Result:
    return CliRunner().invoke(main, ["layers", *words], env={"COLUMNS": "80"})


def test_the_list_has_every_layer_with_its_sentence() -> None:
    text = " ".join(layers().output.split())
    listed = json.loads(layers("--format", "json").output)
    assert list(listed) == list(FAMILIES)
    for layer in LAYERS.values():
        assert f" {layer.name} {layer.doc}" in text
    assert {name: doc for family in listed.values() for name, doc in family.items()} == {
        name: layer.doc for name, layer in LAYERS.items()
    }


@pytest.mark.parametrize("name", LAYERS)
def test_a_page_says_all_of_a_layer_within_the_width(name: str) -> None:
    layer, text = LAYERS[name], layers(name).output
    assert all(len(line) <= 80 or "{" in line for line in text.splitlines())
    words = " ".join(text.split())
    assert words.startswith(f"{name}: {layer.doc} {layer.formulas.about}")
    assert " ".join(layer.step.split()) in words
    for each in layer.arguments.values():
        assert f" {each.name}: {each.type.words}; " in words
    for call, doc in layer.call.items():
        assert f" {call} {doc}" in words
    for kind in filter(None, {each.type.kind for each in layer.arguments.values()}):
        section = words.partition(f" {KINDS[kind]} ")[2]
        for object_ in TABLES[kind]:
            assert re.search(rf"\b{object_}\b", section)


@pytest.mark.parametrize(
    ("form", "suffix"), [("text", "txt"), ("markdown", "md"), ("json", "json")]
)
def test_the_pages_are_the_golden_ones(form: str, suffix: str, golden: Golden) -> None:
    pages = layers("Conv2D", "Add", "Activation", "Flatten", "--format", form).output
    golden(f"layers/pages.{suffix}", pages)


def test_the_whole_reference_is_what_the_tables_generate() -> None:
    text = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")
    assert text == write_reference(), (
        "the tables changed: run python -m archspec.backends.reference"
    )


def test_every_link_of_the_reference_leads_to_one_heading() -> None:
    text = write_reference()
    headings = [line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("#")]
    anchors = [heading.replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors), "GitHub numbers the second of two equal headings"
    links = re.findall(r"\]\(#([^)]*)\)", text)
    assert set(links) <= set(anchors)
    assert {name.lower() for name in LAYERS} <= set(links)


@pytest.mark.parametrize(("columns", "width"), [("20", 60), ("72", 72), ("500", 100)])
def test_text_is_as_wide_as_the_terminal_within_bounds(columns: str, width: int) -> None:
    result = CliRunner().invoke(main, ["layers", "LayerNormalization"], env={"COLUMNS": columns})
    longest = max(map(len, result.output.splitlines()))
    assert width - 12 < longest <= width


def test_another_name_that_keras_has_leads_to_the_layer() -> None:
    assert layers("MaxPool2D").output == layers("MaxPooling2D").output
    assert not set(ALIASES) & set(LAYERS)


@pytest.mark.keras
def test_those_names_are_all_that_keras_has() -> None:
    import keras

    def own_name(name: str) -> str | None:
        return next((each for each in LAYERS if vars(keras.layers)[each] is found), None)

    theirs = {}
    for name, found in vars(keras.layers).items():
        if isinstance(found, type) and name not in LAYERS and own_name(name):
            theirs[name] = own_name(name)
    assert theirs == ALIASES


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Convv2D", "no layer is called 'Convv2D'\nhint: did you mean 'Conv2D'?"),
        ("Lambda", f"the layer Lambda is refused: {REFUSED['Lambda']}"),
        (next(iter(LACKING)), f"the table of layers has no {next(iter(LACKING))}"),
    ],
)
def test_a_name_that_has_no_page(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["archspec", "layers", "Conv2D", name])
    for of_the_process in ("sys.stdout", "sys.stderr", "warnings.showwarning"):
        module, attribute = of_the_process.split(".")
        monkeypatch.setattr(of_the_process, getattr(sys.modules[module], attribute))
    assert run() == 1
    out, err = capfd.readouterr()
    assert (out, err[: len(said) + 7]) == ("", f"error: {said}")


def test_an_editor_shows_the_same() -> None:
    definitions = make_schema()["$defs"]
    for name, layer in LAYERS.items():
        for shown in (definitions[name], definitions["call"]["properties"][name]):
            assert shown["description"] == layer.doc
            assert shown["markdownDescription"] == layer.hover
        assert layer.hover.startswith(f"{layer.doc}\n\nShape: {layer.formulas.shape}\n")
        assert layer.hover.endswith(f"\n\n```yaml\n{layer.step}\n```")
    expression = "channels * units + (units if use_bias else 0)"
    assert f"\nParameters: `{expression}`\n" in LAYERS["Dense"].hover
    assert "Parameters" not in LAYERS["Flatten"].hover
