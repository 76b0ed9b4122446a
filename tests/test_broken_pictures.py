"""The picture of a broken spec: what is sound as ever, what failed in red, what follows in grey."""

from pathlib import Path

import pygraphviz
import pytest
from click.testing import Result
from conftest import ROOT, runner
from shrinking import slow_but_first

import archspec
from archspec import notation
from archspec.cli import main
from archspec.errors import Diagnostic, Source, Span, SpecError
from archspec.graph import Graph
from archspec.pictures.boxes import View, build_scene
from archspec.pictures.dot import Style, to_dot
from archspec.pictures.render import to_svg
from archspec.pictures.style import THEMES

LIGHT = THEMES["light"]
FIXTURES = sorted((ROOT / "tests" / "errors").glob("*.yaml"))
RESNET18 = (ROOT / "specs" / "resnet18.yaml").read_text(encoding="utf-8")
TOO_WIDE = RESNET18.replace(
    "kernel_size: 3, strides: ==", "kernel_size: 30, padding: valid, strides: =="
)
SPEC = """
archspec: 1
input: [28, 28, 1]
layers:
  - Conv2D: {filters: 8, kernel_size: 3, activation: relu}
  - branches:
      wide: [Conv2D: {filters: 8, kernel_size: 5, padding: same}]
      narrow: [Conv2D: {filters: 16, kernel_size: 1}]
    merge: Add
  - Conv2D: {filters: 8, kernel_size: 3}
  - BatchNormalization
  - Flatten
"""


def left(text: str) -> Graph:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text, "x.yaml")
    graph = caught.value.graph
    assert isinstance(graph, Graph)
    return graph


def boxes(graph: Graph, view: View | None = None, style: Style | None = None) -> dict[str, str]:
    """What each box says, as markup."""
    drawn = pygraphviz.AGraph(string=to_dot(graph, view, style))
    return {str(node): str(node.attr["label"]) for node in drawn.nodes()}


def test_what_is_sound_is_drawn_as_ever() -> None:
    broken = boxes(left(SPEC))
    sound = boxes(archspec.loads(SPEC.replace("filters: 16", "filters: 8")))
    assert {"input", "conv2d", "wide.conv2d"} < broken.keys()
    for name in ("input", "conv2d", "wide.conv2d"):
        assert broken[name] == sound[name]


def test_what_failed_is_red_and_says_what_was_expected_and_found() -> None:
    said = boxes(left(SPEC))["add"]
    assert LIGHT.wrong in said
    assert LIGHT.failed in said
    for text in ("Add", "cannot merge", "26×26×8", "26×26×16", "8 is not 16"):
        assert text in said
    assert "None" not in said


def test_the_shapes_that_it_got_are_said_where_the_message_does_not() -> None:
    said = boxes(left(SPEC.replace("merge: Add", "merge: Ad")))["ad"]
    assert "no layer is called" in said
    assert "got 26×26×8, 26×26×16" in said


def test_what_follows_is_grey_and_says_no_shape() -> None:
    said = boxes(left(SPEC))
    for name in ("conv2d_1", "flatten", "flatten output"):
        assert ("×" in said[name].replace("3×3", "")) is False
    for name in ("conv2d_1", "flatten"):
        assert LIGHT.idle in said[name]
        assert LIGHT.fills["convolution"] not in said[name]
    assert "conv 3×3, 8" in said["conv2d_1"]
    assert "BN" in said["conv2d_1"]  # dressed as ever


def test_the_heading_tells_the_errors_and_the_colours() -> None:
    drawn = pygraphviz.AGraph(string=to_dot(left(SPEC)))
    heading = drawn.graph_attr["label"]
    assert "1 error<" in heading
    assert LIGHT.failed in heading
    assert LIGHT.idle in heading
    assert "parameters" not in heading


@pytest.mark.parametrize("depth", [1, 2, None])
def test_no_fold_hides_what_failed(depth: int | None) -> None:
    graph = left(TOO_WIDE)
    (failed,) = (node for node in graph if node.state == "failed")
    said = boxes(graph, View(depth=depth))
    assert "a window of 30 on" in said[failed.name]
    shown = [
        node.name for box in build_scene(graph, View(depth=depth)).boxes for node in box.represented
    ]
    assert sorted(shown) == sorted(node.name for node in graph)
    if depth:
        assert LIGHT.idle in said["stage3" if depth == 1 else "stage3.unit1"]


def test_turns_that_failed_stand_once_and_apart_from_those_that_did_not() -> None:
    turn = "  - Conv2D: {filters: 1, kernel_size: =k, padding: =p}\n"
    loop = "    for: {k: [3, 3, 3, 40, 3], p: [same, same, same, valid, same]}\n"
    graph = left(f"archspec: 1\ninput: [28, 28, 1]\nlayers:\n{turn}{loop}")
    states = [(box.state, len(box.represented)) for box in build_scene(graph, View()).boxes]
    assert states == [("sound", 1), ("sound", 3), ("failed", 1), ("following", 1)]
    graph = left("archspec: 1\ninput: [8]\nlayers: [{Dense: =1 / 0, repeat: 5}]\n")
    (failed,) = (box for box in build_scene(graph, View()).boxes if box.state == "failed")
    assert len(failed.represented) == 5
    assert "×5" in boxes(graph)["dense"]


@pytest.mark.parametrize("path", slow_but_first(FIXTURES, 40), ids=lambda path: path.stem)
@pytest.mark.thorough
def test_every_broken_file_that_has_a_graph_has_a_picture(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    try:
        archspec.load(path)
    except SpecError as error:
        if error.graph is None:
            return
        picture = to_svg(error.graph)
        failed = any(node.state == "failed" for node in error.graph)
        assert (LIGHT.failed.lower() in picture) is failed


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("heat", [None, "params", "memory"])
def test_every_style_tells_the_states(theme: str, direction: str, heat: str | None) -> None:
    said = boxes(left(SPEC), style=Style(theme, direction, heat))
    assert THEMES[theme].wrong in said["add"]
    assert "8 is not 16" in said["add"]
    assert THEMES[theme].idle in said["flatten"]


def test_a_message_says_shapes_as_pictures_do() -> None:
    span = Span(Source("x", ()), 1, 1, 1, 1)
    text = "got (None, 3, 4) and (None, None, 2) and (None,), (2, 3)"
    said = notation.write_message(Diagnostic("shape", text, span))
    assert said == "got 3×4 and ?×2 and 1, (2, 3)"


def test_what_is_wrong_with_a_group_is_told_at_its_first_layer() -> None:
    two = "layers: [{Dense: 3, name: a}, {layers: [Flatten, ReLU], name: a}, {Dense: 2}]"
    graph = left(f"archspec: 1\ninput: [3]\n{two}\n")
    assert "is taken" in boxes(graph)["a_1.flatten"]
    block = (
        "blocks: {b: {layers: [Flatten, ReLU]}}\nlayers: [{Dense: 3, name: a}, {b: {}, name: a}]"
    )
    states = [node.state for node in left(f"archspec: 1\ninput: [3]\n{block}\n")]
    assert states == ["sound", "sound", "failed", "sound"]
    branch = "layers: [{branches: {e.f: [Flatten, ReLU], g: []}, merge: Add}]"
    states = [node.state for node in left(f"archspec: 1\ninput: [3]\n{branch}\n")]
    assert states == ["sound", "failed", "sound", "sound"]


def test_an_output_that_is_listed_twice_is_told_there() -> None:
    graph = left("archspec: 1\ninput: [3]\noutputs: [a, a]\nlayers: [{Dense: 3, name: a}]\n")
    assert "is listed twice" in boxes(graph)["a"]


def test_branches_that_end_a_network_unmerged_say_that_it_has_no_output() -> None:
    graph = left("archspec: 1\ninput: [3]\nlayers: [Flatten, {branches: [[ReLU], [ELU]]}]\n")
    said = boxes(graph)
    assert [name for name in said if "has no output" in said[name]] == ["re_lu", "elu"]


def test_what_somebody_wrote_cannot_break_the_picture() -> None:
    odd = "<b>\\n&\\\"'{" + "x" * 300
    quoted = odd.replace("'", "''")
    graph = left(f"archspec: 1\ninput: [3]\nlayers:\n  - '{quoted}': {{units: 3}}\n")
    assert "&lt;b&gt;" in to_svg(graph)


# --- the command ---------------------------------------------------------------------------------


def draw(*arguments: str) -> Result:
    return runner().invoke(main, ["draw", *arguments])


def test_the_command_draws_says_what_is_wrong_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    result = draw("net.yaml")
    assert result.exit_code == 1
    checked = runner().invoke(main, ["check", "net.yaml"]).stdout.splitlines()
    assert result.stderr.splitlines() == checked[:-1]  # the last one counts
    assert result.stdout.startswith("drew build/net.svg: what failed is red, what follows")
    assert LIGHT.failed.lower() in Path("build/net.svg").read_text(encoding="utf-8")


def test_the_command_draws_nothing_of_what_is_no_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("archspec: 1\nlayers: [", encoding="utf-8")
    result = draw("net.yaml")
    assert result.exit_code == 1
    *said, last = result.stderr.splitlines()
    assert said[0].startswith("net.yaml:2:9: error: ")
    assert last == "nothing is drawn: no layer could be reached"
    assert result.stdout == ""
    assert not Path("build").exists()


def test_what_failed_is_not_called_as_the_block_beside_it(tmp_path: Path) -> None:
    """Both would be one box: a call of a block that failed, and the next one, which did not."""
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "archspec: 1\ninput: [8, 8, 3]\nblocks:\n  unit:\n    params: {filters: 4}\n    layers:\n"
        "      - branches:\n          main:\n"
        "            - Conv2D: {filters: =filters, kernel_size: 3}\n"
        "            - Conv2D: {filters: =filters, kernel_size: 1}\n"
        "layers:\n  - unit: 4\n    repeat: 2\n    name: first\n    units: 3\n"
        "  - unit:\n  - Dense: 2\n",
        encoding="utf-8",
    )
    for options in ([], ["--depth", "1"], ["--no-fold"]):
        words = ["draw", str(spec), "-o", str(tmp_path / "x.dot"), *options]
        done = runner().invoke(main, words)
        assert done.exit_code == 1
        assert not isinstance(done.exception, ValueError), done.exception
        assert (tmp_path / "x.dot").exists()
