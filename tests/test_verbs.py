"""Every verb ends in its result or in words, whatever file it is given, and agrees with `check`."""

import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path

import mutants
import pytest
import yaml
from click.testing import CliRunner
from shrinking import few_or_many, slow_but_first

import archspec
from archspec.backends.tables import to_text
from archspec.cli import main
from archspec.pictures.boxes import View
from archspec.pictures.dot import side_by_side, to_blocks, to_dot
from archspec.pictures.render import render
from archspec.pictures.style import COSTS, THEMES, Style

SEED = "20240229"


@pytest.mark.parametrize("count", few_or_many(12, 500))
@pytest.mark.thorough
def test_specs_that_are_broken_through_show_and_draw(count: int) -> None:
    assert len(mutants.walk(mutants.mutant, count)) > 3


@pytest.mark.parametrize("count", few_or_many(10, 300))
@pytest.mark.thorough
def test_yaml_of_other_tools_through_every_verb(count: int) -> None:
    assert "foreign" in mutants.walk(mutants.other, count)


@pytest.mark.keras
@pytest.mark.parametrize("count", few_or_many(15, 300))
def test_specs_that_are_broken_through_build(count: int) -> None:
    assert len(mutants.walk(mutants.mutant, count, build=True)) > 3


@pytest.mark.keras
@pytest.mark.parametrize("text", mutants.SPECS)
def test_what_is_broken_there_is_sound_before(text: str, tmp_path: Path) -> None:
    assert mutants.through(text, tmp_path / "net.yaml", build=True) == "sound"


def test_a_verb_that_says_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks above can fail."""

    def wrong(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("archspec.cli.show.make_report", wrong)
    with pytest.raises(mutants.Odd, match="show"):
        mutants.walk(lambda draw: draw.choice(mutants.SPECS), 1)


def test_the_words_that_a_reader_has_never_heard_of_are_found() -> None:
    """The check above can fail."""
    assert mutants.FOREIGN.search("expected dict, got NoneType")
    assert mutants.FOREIGN.search("it must be a number, got None")
    assert not mutants.FOREIGN.search("it must be a number or null, got true")


# --- odd graphs ----------------------------------------------------------------------------------

ASCII = mutants.MARKUP.encode("ascii", "ignore").decode()  # no font here may have the rest
MARKUP = """
name: NAME
description: TEXT
params: {word: TEXT}
input: [8, 8, 3]
blocks:
  unit:
    description: TEXT
    params: {word: null, filters: 2}
    layers: [Conv2D: {filters: =filters, kernel_size: 3}]
layers:
  - unit: {word: TEXT}
  - unit: {word: =word, filters: 3}
  - Flatten
  - Dense: 2
"""
NETWORKS = {
    "markup in every text": MARKUP.replace("TEXT", json.dumps(ASCII)).replace(
        "NAME", json.dumps(ASCII.replace("/", "").replace("\\", ""))
    ),
    "a name like HTML": "name: <a & b>\ninput: [4]\nlayers:\n  - Dense: 1\n",
    "unknown axes": """
input: [null, null, null, 2]
layers:
  - Conv3D: {filters: 2, kernel_size: 3, padding: same}
  - branches: {a: [MaxPooling3D: 2], b: [AveragePooling3D: 2]}
    merge: Add
  - GlobalAveragePooling3D
""",
    "huge numbers": """
input: [100000, 1000, 3]
layers:
  - Conv2D: {filters: 1000000, kernel_size: 3, padding: same}
  - GlobalAveragePooling2D
  - Dense: 900000
""",
    "a single value": "input: [1]\nlayers:\n  - Dense: 1\n",
    "no weights at all": "input: [4]\nlayers:\n  - ReLU\n",
    "an input that is the output": "input: [4]\nlayers:\n  - layers: []\n    name: nothing\n",
    "names of words": """
input: [4]
layers:
  - Dense: 3
    name: digraph
  - Dense: 3
    name: "0"
  - Dense: 3
    name: a-b
  - Dense: 3
    name: _
  - Dense: 3
    name: node
  - Dense: 3
    name: __proto__
""",
    "a long name": f"input: [4]\nlayers:\n  - Dense: 3\n    name: {'x' * 200}\n",
    "many params": "input: [4]\nblocks:\n  b:\n    params: {"
    + ", ".join(f"p{n}: {n}" for n in range(60))
    + "}\n    layers: [Dense: =p3]\nlayers:\n  - b\n  - b: {p4: 9}\n",
}


@pytest.mark.parametrize("looks", slow_but_first([1, 1 + len(COSTS)]))
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.thorough
def test_odd_graphs_have_tables_and_pictures(text: str, looks: int, tmp_path: Path) -> None:
    graph = archspec.loads(f"archspec: 1\n{text}", "odd.yaml")
    for form in ("text", "json", "markdown"):
        for depth in (None, 1, 9):
            assert to_text([graph], depth, form, batch_size=2**31 - 1)
            assert to_text([graph, graph], depth, form, precision="mixed_float16")
    rows = [line for line in to_text([graph], None, "markdown").splitlines() if line[:1] == "|"]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    random_ = random.Random(f"{SEED}{graph.name}{len(text)}")
    for heat in random_.sample([None, *COSTS], looks):
        style = Style(random_.choice(list(THEMES)), random_.choice(["TB", "LR"]), heat)
        view = View(random_.choice([None, 1]), random_.choice([True, False]))
        pictures = [to_dot(graph, view, style), side_by_side([graph, graph], view, style)]
        for dot in (*pictures, to_blocks(graph, True, style)):
            render(dot, tmp_path / "odd.svg")
            drawn = (tmp_path / "odd.svg").read_text(encoding="utf-8")
            ET.fromstring(drawn)
            assert "<b>" not in drawn


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", ".x", "", "x" * 81, "a\nb", 3, None])
def test_a_network_is_not_called_what_no_file_may_be(name: object, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = yaml.safe_dump({"archspec": 1, "name": name, "input": [4], "layers": [{"Dense": 3}]})
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 1, done.output
    assert "`name` must be" in done.output
