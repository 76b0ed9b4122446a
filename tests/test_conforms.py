"""The quick check of a schema gives jsonschema's answer, whatever the value."""

from __future__ import annotations

import copy
import random
from typing import Any

import jsonschema
import pytest
from conftest import ROOT
from mutants import broken
from shrinking import few_or_many, try_out

from archspec.conforms import make_check
from archspec.layers import LAYERS
from archspec.objects import TABLES
from archspec.recipe import DATA, RECIPE
from archspec.schema import make_schema
from archspec.schema.validator import validator
from archspec.syntax.source import read_file, to_plain

SPECS = sorted([*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("examples/**/*.yaml")])
ODD = [None, True, False, -1, 0, 1, 1.0, 1.5, "", "x", "same", "=a", [], [1], [None], {}, {"a": 1}]


@pytest.mark.parametrize("count", few_or_many(60, 3000))
@pytest.mark.thorough
def test_it_agrees_with_jsonschema_on_mutated_specs(count: int) -> None:
    documents = [to_plain(read_file(path).root) for path in SPECS]
    quick, slow = make_check(make_schema()), validator()
    answers = []

    def mutant(source: random.Random) -> Any:
        """A copy with one to three changes of any kind at any place."""
        changed = copy.deepcopy(source.choice(documents))
        for _ in range(source.randint(1, 3)):
            if changed:
                broken(source, changed, ["zz", "name", "units", "from"], ODD)
        return changed

    def check(document: Any) -> None:
        answers.append(slow.is_valid(document))
        assert quick(document) == answers[-1]

    try_out(check, mutant, count)
    assert {True, False} == set(answers)


@pytest.mark.thorough
def test_it_agrees_with_jsonschema_on_every_argument() -> None:
    owners = [*(layer.arguments for layer in LAYERS.values()), DATA, RECIPE]
    owners += [contract for table in TABLES.values() for contract in table.values()]
    for contract in owners:
        for argument in contract.values():
            quick = make_check(argument.type.schema)
            slow = jsonschema.Draft202012Validator(argument.type.schema)
            for value in [*ODD, argument.default, 2**70, -0.0, [1, 2], [[1, 2], [0, 0]], "valid"]:
                assert quick(value) == slow.is_valid(value), (argument.name, value)


@pytest.mark.parametrize(
    "wanted",
    [
        {"uniqueItems": True},
        {"x-other": {"is": "step"}},
        {"properties": {"a": {"oneOf": [{"type": "null"}]}}},
        {"enum": [[1]]},
    ],
)
def test_a_word_that_it_does_not_know_is_an_error(wanted: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        make_check(wanted)({"a": None})


@pytest.mark.parametrize("wrong", [{"minimum": 2}, {"type": "integer", "maximum": 2}])
def test_the_comparison_can_fail(wrong: dict[str, Any]) -> None:
    slow = jsonschema.Draft202012Validator({"type": "integer", "minimum": 2})
    assert any(make_check(wrong)(value) != slow.is_valid(value) for value in [*ODD, 3])
