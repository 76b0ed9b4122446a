"""The JSON Schema: shipped as generated, sound, and agreeing with the checks of arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from conftest import ROOT

from archspec.arguments import REQUIRED, bind
from archspec.conforms import WORDS
from archspec.errors import Refused
from archspec.layers import LAYERS
from archspec.objects import TABLES
from archspec.schema import make_schema, make_text, read_shipped
from archspec.schema.define_values import FORMULA, ROLE
from archspec.schema.validation import HANDLERS
from archspec.syntax.source import read_file, to_plain

VALIDATOR = jsonschema.Draft202012Validator(make_schema())
SPECS = sorted([*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("examples/**/*.yaml")])
SPECS = [path for path in SPECS if path.parent.name != "own_layers"]  # test_own_layers.py has it


def step(value):
    return {"archspec": 1, "input": [8], "layers": [value]}


def at(reference):
    """What a reference in the schema refers to."""
    found = make_schema()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_the_shipped_file_is_what_the_tables_generate():
    assert read_shipped() == make_text(), "the tables changed: run python -m archspec.schema"


@pytest.mark.slow
def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(make_schema())


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
@pytest.mark.thorough
def test_every_shipped_file_is_valid(path):
    assert not list(VALIDATOR.iter_errors(to_plain(read_file(path).root)))


@pytest.mark.parametrize(
    "broken",
    [
        {"layers": ["Flatten"]},
        {"archspec": 2, "layers": ["Flatten"]},
        {"archspec": 1},
        {"archspec": 1, "layers": "Flatten"},
        {"archspec": 1, "layer": []},
        step("Flaten"),
        step({"Dens": 3}),
        step({"Dense": {"unit": 3}}),
        step({"Dense": {"units": True}}),
        step({"Dense": {"units": 4.5}}),
        step({"Dense": {"units": 3, "kernel_regularizer": "L3"}}),
        step({"Dense": {"units": 3, "kernel_regularizer": {"L2": {"l3": 1}}}}),
        step({"branches": {"a": [{"Dens": 3}]}, "merge": "Add"}),
        step({"layers": ["Flatten"], "when": "yes"}),
        {**step("Flatten"), "train": {"epoch": 3}},
        {**step("Flatten"), "train": {"optimizer": {"Adam": {"lr": 0.1}}}},
        {**step("Flatten"), "require": {"parameters": 3}},
        {**step("Flatten"), "blocks": {"Block": {"layers": []}}},
    ],
)
def test_what_is_wrong_is_refused(broken):
    assert list(VALIDATOR.iter_errors(broken))


def test_formulas_stand_wherever_a_value_does():
    values = {"kernel_size": ["=k", 3], "filters": "=width", "kernel_regularizer": {"L2": "=decay"}}
    assert not list(VALIDATOR.iter_errors(step({"Conv2D": values})))


def test_it_covers_every_layer_and_argument_with_words_and_defaults():
    definitions = make_schema()["$defs"]
    for name, layer in LAYERS.items():
        properties = definitions[f"{name}.arguments"]["properties"]
        assert list(properties) == list(layer.arguments)
        for argument in layer.arguments.values():
            stated = properties[argument.name]
            if argument.default is not REQUIRED and "$ref" in stated and len(stated) == 1:
                stated = at(stated["$ref"])
            assert stated["description"], f"{name}.{argument.name} has no sentence"
            assert argument.type.words in stated["description"]
            assert ("; by default" in stated["description"]) == (argument.default is not REQUIRED)
    steps = definitions["step"]["then"]["properties"]
    words = {
        "branches",
        "merge",
        "layers",
        "else",
        "reuse",
        "name",
        "from",
        "when",
        "for",
        "repeat",
        "call",
    }
    assert set(steps) == {*LAYERS, *words}


ODD = [None, True, 0, 1, -1, 3, 2.0, 2.5, "same", "x", [], [2, 3], [1, "a"], {}, {"a": 1}, 1e9]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.thorough
def test_schema_and_argument_checks_give_one_verdict(name):
    """A literal that the schema lets pass is one that `bind` takes, and the reverse."""
    its_own = jsonschema.Draft202012Validator(
        {"$ref": f"#/$defs/{name}.arguments", "$defs": make_schema()["$defs"]}
    )
    layer = LAYERS[name]
    for argument in layer.arguments.values():
        optional = {argument.name: argument}
        for value in ODD:
            try:
                bind(name, optional, {argument.name: value})
                taken = True
            except Refused:
                taken = False
            given = {argument.name: value}
            assert its_own.is_valid(given) == taken, f"{name}.{argument.name}: {json.dumps(value)}"


@pytest.mark.parametrize(("given", "valid"), [({"units": 3}, True), ({"units": -3}, False)])
def test_the_arguments_of_a_step_are_those_of_its_layer(given, valid):
    assert VALIDATOR.is_valid(step({"Dense": given})) == valid


# --- what messages read in the schema ------------------------------------------------------------


def parts(part: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a schema that an error can be about, by its path.

    An error in an alternative is about the part that holds the alternatives.
    """
    if isinstance(part, bool):
        return
    yield path, part
    for word in {"items", "additionalProperties", "then", "else"} & part.keys():
        yield from parts(part[word], f"{path}/{word}")
    for word in ("properties", "patternProperties", "$defs"):
        for name, each in part.get(word, {}).items():
            if each != make_schema()["$defs"]["formula"]:
                yield from parts(each, f"{path}/{word}/{name}")
    for number, each in enumerate(part.get("allOf", [])):
        yield from parts(each, f"{path}/allOf/{number}")


REFUSING = WORDS.keys() - {"$ref", "if", "allOf", "items", "properties"}  # by themselves


def without_words(root: dict[str, Any]) -> list[str]:
    """The parts of a schema that refuse some value and do not say what they want."""
    found = []
    for path, part in parts(root, ""):
        refuses = REFUSING & {word for word in part if part[word] != [True]}
        closed = part.get("additionalProperties") is False
        if part == FORMULA or ((refuses or closed) and "$comment" not in part):
            found.append(path)
    return found


def test_every_part_says_what_it_wants() -> None:
    assert without_words(make_schema()) == []


@pytest.mark.parametrize("part", [{"type": "string"}, {"items": {"minimum": 1}}, FORMULA])
def test_the_check_of_words_can_fail(part: dict[str, Any]) -> None:
    assert len(without_words({"properties": {"a": part}})) == 1


def test_every_role_has_a_handler_and_an_owner_that_is_in_the_tables() -> None:
    roles = [part[ROLE] for _, part in parts(make_schema(), "") if ROLE in part]
    assert {"", *(role["is"] for role in roles)} == set(HANDLERS)
    owners = {"train", "data", *LAYERS, *(name for table in TABLES.values() for name in table)}
    assert {role["of"] for role in roles if role["is"] == "arguments"} == owners
    assert {role["of"] for role in roles if role["is"] == "object"} == set(TABLES)
    assert {role["is"] for role in roles if "of" in role} == {"arguments", "object"}
