"""Steps as typed records: what each is read into, and back to YAML without a change of meaning."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields
from mutants import SPECS as MUTATED
from random_drawing import draw
from random_graphs import Network, write
from shipped import SPECS, most_slow
from shrinking import few_or_many, try_out
from texts import files, table, text

from archspec.errors import SpecError
from archspec.expand import expand
from archspec.graph import Graph
from archspec.loading.files import Block, Home, Spec, open_spec
from archspec.syntax.source import Document, Value, read_file, read_text, to_plain
from archspec.syntax.steps import Body, Branches, Broken, read_body
from archspec.syntax.writer import write_body, write_yaml


def content(record: Any) -> Any:
    """A record, or what is in it, without the places of what it says."""
    if isinstance(record, Value):
        return to_plain(record)
    if isinstance(record, tuple):
        return [content(each) for each in record]
    if isinstance(record, dict):
        return {key: content(each) for key, each in record.items()}
    if isinstance(record, Struct):
        places = ("span", "key_span", "words", "keys", "alias")
        kept = [each.name for each in fields(record) if each.name not in places]
        return type(record).__name__, {name: content(getattr(record, name)) for name in kept}
    return record


def steps(written: str) -> Body:
    """The steps of a text, which need make no sound network."""
    spec = open_spec(read_text(text(written), "net.yaml"))
    assert spec.body is not None
    return spec.body


def kinds(body: Body) -> list[str]:
    return [type(step).__name__ for step in body.steps]


def rewritten(document: Document) -> str:
    """A document's text with the steps of the network and of its blocks written by the writer."""
    data = to_plain(document.root)
    if document.root.get("layers") is not None:
        data["layers"] = write_body(read_body(document.root.get("layers")))
    for name, _, block in document.root.entries_of("blocks"):
        if block.get("layers") is not None:
            data["blocks"][name]["layers"] = write_body(read_body(block.get("layers")))
    return write_yaml(data)


def bodies(spec: Spec) -> list[Any]:
    return [content(spec.body), *(content(each.body) for each in spec.home.blocks.values())]


# --- expanding is no change --------------------------------------------------------------------

LIBRARY = """
params: {width: 4}
defaults: {Dense: {activation: relu}}
blocks:
  tower: {params: {units: =width}, layers: [Dense: =units, {Dense: =channels, name: last}]}
"""
USER = """
import: [library.yaml]
params: {depth: 2, width: 4}
input: [8]
defaults: {Dropout: {rate: =1 / width}}
blocks: {own: {layers: [{tower: , repeat: =depth, name: t}, Dropout]}}
layers: [own, {own: , when: =depth > 2}, tower: 3]
"""


def parts(graph: Graph) -> dict[str, Any]:
    return {each.name: getattr(graph, each.name) for each in fields(graph)}


def test_a_spec_is_expanded_twice_to_equal_graphs(tmp_path: Path) -> None:
    main = files(tmp_path, library=LIBRARY, main=USER)
    spec = open_spec(read_file(main))
    first, second = expand(spec), expand(spec)
    assert parts(first) == parts(second)
    assert parts(first) != parts(expand(open_spec(read_file(main), {"depth": 3})))


def test_a_broken_spec_is_expanded_twice_to_equal_errors(tmp_path: Path) -> None:
    main = files(tmp_path, library=LIBRARY.replace("=width", "=widht"), main=USER)
    spec = open_spec(read_file(main))
    found = []
    for _ in range(2):
        with pytest.raises(SpecError) as caught:
            expand(spec)
        found.append((caught.value.diagnostics, parts(caught.value.graph)))
    assert found[0] == found[1]


@pytest.mark.parametrize("record", [Home, Block, Spec])
def test_what_is_expanded_is_frozen(record: type) -> None:
    assert record.__struct_config__.frozen


# --- reading -------------------------------------------------------------------------------------


@table(
    "step, kind",
    {
        "a layer": ("- Conv2D: {filters: 8, kernel_size: 3}", "LayerCall"),
        "a layer without arguments": ("- Flatten", "LayerCall"),
        "a block": ("- residual: 8", "BlockCall"),
        "a block without arguments": ("- residual", "BlockCall"),
        "a group": ("- layers: [Flatten]", "Group"),
        "a group of nothing": ("- layers:", "Group"),
        "branches": ("- branches: [[Flatten], []]\n  merge: Add", "Branches"),
        "a layer again": ("- reuse: stem", "Reuse"),
        "a value": ("- from: stem", "From"),
        "a name for a value": ("- {name: here, from: stem}", "From"),
        "a word that is none": ("- Flaten", "Broken"),
        "two layers": ("- {Flatten: , Dense: 3}", "Broken"),
        "an argument that is none": ("- Dense: {unit: 3}", "Broken"),
    },
)
def test_each_step_is_of_one_kind(step: str, kind: str) -> None:
    assert kinds(steps(step)) == [kind]


def test_what_a_step_says_is_in_its_fields() -> None:
    (step,) = steps(
        """
        - Dense: {units: =width}
          for: {width: [1, 2]}
          when: =width > 1
          name: dense{width}
          from: [a, b]
          call: {training: true}
        """
    ).steps
    kind, said = content(step)
    assert kind == "LayerCall"
    assert said == {
        "label": "Dense",
        "arguments": ("Arguments", {"first": None, "named": {"units": "=width"}}),
        "loop": ("For", {"value": {"width": [1, 2]}}),
        "condition": "=width > 1",
        "name": "dense{width}",
        "sources": ("Sources", {"names": ["a", "b"], "slots": [], "single": False}),
        "call": {"training": True},
    }


@table(
    "feed, names, slots, single",
    {
        "one step": ("a", ["a"], [], True),
        "several": ("[a, b]", ["a", "b"], [], False),
        "one as a list": ("[a]", ["a"], [], False),
        "by call argument": ("{query: a, value: b}", ["a", "b"], ["query", "value"], False),
    },
)
def test_from_names_steps_in_three_ways(
    feed: str, names: list[str], slots: list[str], single: bool
) -> None:
    (step,) = steps(f"- {{Add: , from: {feed}}}").steps
    assert content(step.sources) == (
        "Sources",
        {"names": names, "slots": slots, "single": single},
    )


def test_a_broken_step_leaves_those_beside_it_whole() -> None:
    body = steps("- Dense: 3\n- Dense: {unit: 3}\n- layers: [Flatten, Flaten]\n- Flatten")
    assert kinds(body) == ["LayerCall", "Broken", "Group", "LayerCall"]
    group = body.steps[2]
    assert kinds(group.body) == ["LayerCall", "Broken"]  # type: ignore[attr-defined]


def test_a_broken_branch_leaves_those_beside_it_whole() -> None:
    (step,) = steps("- branches: {a: [Flatten], b: Flatten}\n  merge: {Dense: {unit: 3}}").steps
    assert isinstance(step, Branches)
    assert [each.refused is not None for each in step.branches] == [False, True]
    assert isinstance(step.merge, Broken)


def test_a_step_knows_where_its_words_are() -> None:
    (step,) = steps("- Dense: 3\n  name: here\n  call: {}").steps
    line = step.span.line
    assert [step.word_span(word).line - line for word in ("Dense", "name", "call")] == [0, 1, 2]
    assert step.word_span("when") == step.span


def test_an_alias_is_read_where_it_stands() -> None:
    body = steps("- &one {Dense: 3}\n- *one\n- layers: [*one]")
    assert [bool(each.notes()) for each in body.steps] == [False, True, False]


# --- writing -------------------------------------------------------------------------------------


@table(
    "written, said",
    {
        "a name alone": ("- Flatten: {}", ["Flatten"]),
        "a block's name alone": ("- unit:", ["unit"]),
        "the first argument": ("- Dense: 3", [{"Dense": 3}]),
        "null as an argument": (
            "- Dense: {units: 3, activation: null}",
            [{"Dense": {"units": 3, "activation": None}}],
        ),
        "a layer before what is beside it": (
            "- {name: x, from: a, Dense: 3}",
            [{"Dense": 3, "from": "a", "name": "x"}],
        ),
        "a loop before its steps": (
            "- {layers: [Flatten], name: 'g{i}', for: {i: [1]}}",
            [{"for": {"i": [1]}, "name": "g{i}", "layers": ["Flatten"]}],
        ),
        "the identity": (
            "- {branches: {a: [Flatten], b: }, merge: Add}",
            [{"branches": {"a": ["Flatten"], "b": None}, "merge": "Add"}],
        ),
        "a step that is broken": ("- Dense: {unit: 3}", [{"Dense": {"unit": 3}}]),
    },
)
def test_a_step_is_written_in_its_shortest_form(written: str, said: list[Any]) -> None:
    assert str(write_body(steps(written))) == str(said)  # the order of the words too


def check_round_trip(document: Document) -> None:
    again = read_text(rewritten(document), "again.yaml", document.path)
    before, after = open_spec(document), open_spec(again)
    assert bodies(after) == bodies(before)
    first, second = expand(before), expand(after)
    assert second.fingerprint == first.fingerprint
    assert [node.name for node in second] == [node.name for node in first]


@pytest.mark.parametrize("name", most_slow(SPECS))
@pytest.mark.thorough
def test_a_spec_that_is_written_again_means_the_same(name: str) -> None:
    check_round_trip(read_file(SPECS[name]))


@pytest.mark.parametrize("count", few_or_many(8, 500))
@pytest.mark.thorough
def test_networks_drawn_at_random_do_so_too(count: int) -> None:
    def check(network: Network) -> None:
        check_round_trip(read_text(write(network)[0], "net.yaml"))

    try_out(check, draw, count)


@pytest.mark.parametrize("number", range(len(MUTATED)))
def test_the_sound_specs_that_tests_break_do_so_too(number: int) -> None:
    check_round_trip(read_text(MUTATED[number], "net.yaml"))


def test_the_comparison_of_records_can_fail() -> None:
    one, other = steps("- Dense: 3"), steps("- Dense: {units: 3}")
    assert content(one) == content(steps("- Dense: 3 # as above"))
    assert content(one) != content(other)
