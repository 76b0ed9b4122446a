"""What an editor shows of a spec while it is written."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, command
from editing import CURSOR, NET, apply, read_marked, write
from shipped import SPECS

from archspec.editing.completion import list_completions
from archspec.editing.diagnostics import list_actions, list_findings
from archspec.editing.facts import find_facts
from archspec.editing.hints import list_hints
from archspec.editing.hover import find_hover
from archspec.editing.lookups import find_definitions, find_in_file, find_references
from archspec.editing.outline import OutlineItem, list_folds, list_symbols
from archspec.editing.text import Position, Range
from archspec.editing.tokens import list_tokens
from archspec.editing.vocabulary import list_words
from archspec.editing.workspace import SpecView, Workspace

STACK = f"""{NET}params: {{width: 8}}
blocks:
  unit:
    params: {{filters: null}}
    layers:
      - Conv2D: {{filters: ==, kernel_size: 3}}  # a comment
      - ReLU
layers:
  - unit: =width * i
    for: {{i: [1, 2]}}
    name: part{{i}}
  - Flatten
  - Dense: 10
    name: head
"""


def open_spec(folder: Path, *texts: str) -> SpecView:
    """Open a text as it is written, one state after another."""
    workspace, view, _ = write(folder, texts[0])
    for text in texts[1:]:
        workspace.write(view.path, text)
        view = workspace.look(view.path)
    return view


def hints(view: SpecView) -> dict[str, str]:
    lines = view.text.text.split("\n")
    return {lines[each.position.line].strip(): each.label for each in list_hints(view)}


# --- facts ---------------------------------------------------------------------------------------


def test_lines_end_with_the_shapes_of_their_steps(tmp_path: Path) -> None:
    assert hints(open_spec(tmp_path, STACK)) == {
        "input: [16, 16, 4]": "→ 16×16×4",
        "- Conv2D: {filters: ==, kernel_size: 3}  # a comment": "→ 14×14×8 … 12×12×16  ×2",
        "- ReLU": "→ 14×14×8 … 12×12×16  ×2",
        "- unit: =width * i": "→ 14×14×8 … 12×12×16  ×2",
        "- Flatten": "→ 2304",
        "- Dense: 10": "→ 10",
    }
    first = next(list_hints(open_spec(tmp_path, STACK), Range(Position(7, 0), Position(7, 9))))
    assert first.position == Position(7, len("      - Conv2D: {filters: ==, kernel_size: 3}"))


def test_a_group_and_a_branch_have_the_shape_that_they_hand_on(tmp_path: Path) -> None:
    """Not that of their last layer, where a `from` goes back behind it."""
    text = f"""{NET}blocks:
  back:
    layers:
      - Flatten:
        name: flat
      - from: input
layers:
  - for: {{i: [4, 8]}}
    name: stage{{i}}
    layers:
      - branches:
          main: [Conv2D: {{filters: =i, kernel_size: 1}}]
          side:
            - Conv2D: {{filters: =i, kernel_size: 1}}
        merge: Add
  - branches:
      same: []
      more: [ReLU]
    merge: Add
  - back
  - GlobalAveragePooling2D:
    name: head
outputs: [head, back.flat]
"""
    view = open_spec(tmp_path, text)
    assert [str(each) for each in view.found] == []
    shown = hints(view)
    assert shown["name: stage{i}"] == "→ 16×16×4 … 16×16×8  ×2"
    assert shown["side:"] == "→ 16×16×4 … 16×16×8  ×2"
    assert shown["same: []"] == "→ 16×16×8"
    assert shown["- back"] == "→ 16×16×8"


def test_a_broken_text_keeps_what_was_known_last(tmp_path: Path) -> None:
    misspelt = STACK.replace("kernel_size", "kernal_size").replace("blocks:", "# more\nblocks:")
    view = open_spec(tmp_path, STACK, misspelt)
    shown = hints(view)
    assert shown["- Flatten"] == "(→ 2304)"
    assert shown["input: [16, 16, 4]"] == "→ 16×16×4"
    no_yaml = STACK.replace("- Flatten", "- Flatten: [")
    assert hints(open_spec(tmp_path, STACK, misspelt, no_yaml))["- Dense: 10"] == "(→ 10)"
    assert hints(open_spec(tmp_path, no_yaml)) == {}
    mended = open_spec(tmp_path, STACK, misspelt, STACK.replace("width: 8", "width: 16"))
    assert hints(mended)["- Flatten"] == "→ 4608"


def test_hovering_shows_a_step_turn_by_turn(tmp_path: Path) -> None:
    def shown(at: str) -> str:
        _, view, position = write(tmp_path, STACK.replace(at.replace(CURSOR, ""), at, 1))
        found = find_hover(view, position)
        return re.sub(" +", " ", found.markdown) if found is not None else ""

    table = shown("- Con‸v2D")
    assert "| `part1.conv2d` | 14×14×8 | 296 | 56.4 K | 3 |" in table
    assert "| `part2.conv2d` | 12×12×16 | 1.17 K | 166 K | 5 |" in table
    assert "| 2 in all | | 1.46 K | 222 K | |" in table
    assert "| `part2` | 12×12×16 | 1.17 K | 166 K | 5 |" in shown("- un‸it: =width")
    assert shown("=wid‸th") == "param `width`: 8"
    assert shown("filters: =‸=") == "param `filters`: 8, 16"
    assert shown("* ‸i\n") == "loop variable `i`: 1, 2"
    assert "| params | 24.5 K |" in shown("lay‸ers:\n  - unit")
    assert "part1" in shown("name: pa‸rt{i}")
    assert shown("archspec: ‸1") == ""


def test_the_table_of_many_turns_is_short(tmp_path: Path) -> None:
    text = f"{NET}layers:\n  - Den‸se: 4\n    repeat: 40\n"
    _, view, at = write(tmp_path, text)
    found = find_hover(view, at)
    assert found is not None
    lines = found.markdown.split("\n")
    assert len(lines) == 16
    assert len({len(line) for line in lines}) == 1
    assert "28 more" in found.markdown
    assert lines[-2].startswith("| `dense_39`")


# --- diagnostics and their remedies --------------------------------------------------------------


def test_what_is_wrong_is_at_its_place_with_its_remedy(tmp_path: Path) -> None:
    marked = STACK.replace("kernel_size", "«kernal_size»").replace("ReLU", "RELU")
    text, ranges = read_marked(marked)
    view = open_spec(tmp_path, text)
    (found, other) = list_findings(view)
    assert (found.range, found.severity, found.code) == (ranges[0], "error", "unknown-argument")
    assert found.message == "Conv2D has no argument 'kernal_size'"
    assert found.hint == "did you mean 'kernel_size'?"
    assert other.code == "unknown-layer"
    (action,) = list_actions(view, Range(ranges[0].start, ranges[0].start))
    assert action.title == "Change 'kernal_size' to 'kernel_size'"
    assert apply(text, [(action.range, action.text)]) == text.replace("kernal", "kernel")
    assert list(list_actions(view, Range(Position(0, 0), Position(0, 3)))) == []


def test_a_contract_is_an_error_and_what_is_unused_is_marked(tmp_path: Path) -> None:
    view = open_spec(
        tmp_path, f"{NET}params: {{a: 1}}\nrequire: {{params: 3}}\nlayers: [Flatten]\n"
    )
    found = {each.code: (each.severity, each.is_unused) for each in list_findings(view)}
    assert found == {"unused-param": ("warning", True), "contract": ("error", False)}


def test_a_mistake_in_another_file_is_shown_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(f"{NET}layers: [Flaten]\n")
    view = open_spec(tmp_path, "archspec: 1\nextends: base.yaml\n")
    (found,) = list_findings(view)
    assert found.range == Range(Position(1, 9), Position(1, 18))
    assert found.message.endswith("base.yaml:3:10: no layer is called 'Flaten'")
    assert found.related[0].path.name == "base.yaml"
    assert found.replaced is None  # nobody asked to change that file


def test_what_is_no_spec_is_said_in_a_sentence(tmp_path: Path) -> None:
    (found,) = list_findings(open_spec(tmp_path, '{"config": {"layers": []}, "class_name": 1}'))
    assert found.code in ("foreign", "file")
    (found,) = list_findings(open_spec(tmp_path, ""))
    assert found.code == "empty"


def test_other_open_texts_are_read_before_they_are_saved(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text(f"{NET}layers: [Flatten]\n")
    workspace, view, _ = write(tmp_path, "archspec: 1\nextends: base.yaml\n")
    assert list(list_findings(view)) == []
    workspace.write(base, f"{NET}layers: [Flaten]\n")
    assert not view.is_fresh()
    assert len(list(list_findings(workspace.look(view.path)))) == 1
    workspace.close(base)
    assert workspace.look(view.path).is_sound
    assert workspace.look(view.path) is workspace.look(view.path)


# --- outline, folding, colours -------------------------------------------------------------------


def flat(symbols: list[OutlineItem], depth: int = 0) -> Iterator[str]:
    for each in symbols:
        yield f"{'  ' * depth}{each.name} {each.detail}".rstrip()
        assert each.range.start <= each.place.start
        assert each.place.end <= each.range.end
        yield from flat(list(each.inside), depth + 1)


def test_the_outline_has_params_blocks_and_steps(tmp_path: Path) -> None:
    assert list(flat(list_symbols(open_spec(tmp_path, STACK)))) == [
        "archspec",
        "input",
        "params",
        "  width",
        "blocks",
        "  unit",
        "    Conv2D 14×14×8 … 12×12×16  ×2",
        "    ReLU 14×14×8 … 12×12×16  ×2",
        "layers",
        "  part{i} unit 14×14×8 … 12×12×16  ×2",
        "  Flatten 2304",
        "  head Dense 10",
    ]


def test_what_can_be_folded_ends_with_its_last_word(tmp_path: Path) -> None:
    text = f"# one\n# two\n{STACK}\n# the end\n"
    folds = [(each.first, each.last) for each in list_folds(open_spec(tmp_path, text))]
    assert folds == [(0, 1), (5, 10), (6, 10), (8, 10), (11, 17), (12, 14), (16, 17)]


def test_names_are_coloured_by_what_they_are(tmp_path: Path) -> None:
    view = open_spec(tmp_path, STACK)
    tokens = list_tokens(view)
    starts = [each.position for each in tokens]
    assert starts == sorted(set(starts))
    lines = view.text.text.split("\n")
    words = {
        (lines[each.position.line][each.position.character :][: each.length], each.kind)
        for each in tokens
    }
    assert words == {
        ("width", "param"),
        ("unit", "block"),
        ("filters", "param"),
        ("==", "param"),
        ("Conv2D", "layer"),
        ("ReLU", "layer"),
        ("Flatten", "layer"),
        ("Dense", "layer"),
        ("i", "variable"),
        ("part", "step"),
        ("head", "step"),
    }


# --- completion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        ("layers:\n  - Dense: =‸\n", {"width", "max", "previous", "stem"}, {"channels", "index"}),
        ("layers:\n  - Dense: {units: =2 * wi‸\n", {"width"}, set()),
        ('layers:\n  - Dense: {units: "=max(3, wi‸\n', {"width"}, set()),
        (
            "layers:\n  - for: {i: [1]}\n    layers:\n      - Dense: =‸\n",
            {"i", "index", "width"},
            {"filters"},
        ),
        ("layers:\n  - Dense: 3\n    for: {k: [1]}\n    name: x{‸\n", {"k", "width"}, {"x"}),
        ("layers:\n  - Dense: =stem.‸\n", {"channels", "shape"}, {"max"}),
        ("layers:\n  - Dense: 3\n    from: ‸\n", {"stem", "previous", "input"}, {"later"}),
        ("layers:\n  - Add:\n    from: [stem, ‸\n", {"stem", "previous"}, {"later"}),
        ("layers:\n  - Add:\n    from:\n      - ‸\n", {"stem", "previous"}, {"later"}),
        ("layers:\n  - reuse: ‸\n", {"stem"}, set()),
        ("layers:\n  - ‸\n", {"unit"}, {"width"}),
        ("layers:\n  - un‸\n", {"unit"}, {"width"}),
        ("layers:\n  - unit: {‸\n", {"filters"}, {"width"}),
        ("layers:\n  - unit:\n      ‸\n", {"filters"}, {"width"}),
        ("layers:\n  - unit: {filters: =‸\n", {"width"}, {"filters"}),
        ("layers:\n  - branches: {a: [Flatten]}\n    merge: ‸\n", {"unit"}, set()),
        ("outputs: [‸\nlayers: []\n", {"stem", "later"}, {"previous"}),
        ("edit:\n  - {at: ‸\nlayers: []\n", {"stem", "later", "unit.dense"}, set()),
        ("train: {loss: {‸\nlayers: []\n", {"later"}, set()),
        ("train: {freeze: [‸\nlayers: []\n", {"stem", "unit.dense"}, {"width"}),
        ("extends: ‸\n", {"resnet18", "beside.yaml"}, {"squeeze_excite"}),
        ("import: [sq‸\n", {"squeeze_excite", "beside.yaml"}, {"resnet18"}),
    ],
)
def test_names_that_are_seen_are_offered(
    tmp_path: Path, text: str, there: set[str], not_there: set[str]
) -> None:
    """The rest of the file stands below the line that is being written."""
    (tmp_path / "beside.yaml").touch()
    head = f"{NET}params: {{width: 8}}\nblocks:\n  unit:\n    params: {{filters: 4}}\n"
    head += "    layers: [Dense: =filters]\n"
    stem = "  - Dense: 3\n    name: stem\n  - unit\n"
    later = "  - Dense: 4\n    name: later\n"
    sound = f"{head}layers:\n{stem}{later}"
    inside = text.startswith("layers:\n")
    written = head + (text.replace("layers:\n", f"layers:\n{stem}", 1) + later if inside else "")
    if not inside:
        written = head + text.replace("layers: []\n", f"layers:\n{stem}{later}")
    workspace, view, _ = write(tmp_path, sound)
    before, _, after = written.partition(CURSOR)
    workspace.write(view.path, before + after)
    rows = before.split("\n")
    found = list_completions(workspace.look(view.path), Position(len(rows) - 1, len(rows[-1])))
    labels = [each.label for each in found]
    assert there <= set(labels)
    assert not not_there & set(labels)
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("text", "offered", "other"),
    [
        ("lay", "layers: ", "Dense: "),
        ("layers:\n  - Drop", "Dropout: ", "epochs: "),
        ("layers:\n  - Fl", "Flatten", "epochs: "),
        ("layers:\n  - Dense: 2\n    na", "name: ", "params: "),
        ("layers:\n  - Conv2D: {ker", "kernel_size: ", "units: "),
        ("layers:\n  - Conv2D:\n      ker", "kernel_size: ", "units: "),
        ("layers:\n  - Conv2D: {padding: sa", "same", "causal"),
        ("layers:\n  - Dense: {use_bias: f", "false", "same"),
        ("blocks:\n  b:\n    layers:\n      - Conv2D: {padding: sa", "same", "causal"),
        ("blocks:\n  b:\n    pa", "params: ", "epochs: "),
        ("train:\n  optimizer: {Adam: {lea", "learning_rate: ", "momentum: "),
        ("train:\n  optimizer: Ad", "AdamW", "relu"),
        ("layers:\n  - Dense: =un", None, "units: "),
    ],
)
def test_the_words_of_the_schema_are_offered(
    text: str, offered: str | None, other: str, tmp_path: Path
) -> None:
    view = open_spec(tmp_path, f"archspec: 1\ninput: [8]\n{text}")
    rows = view.text.lines
    found = list_words(view, Position(len(rows) - 1, len(rows[-1])))
    written = [each.written for each in found]
    assert (offered in written) if offered else not written
    assert other not in written
    assert len(written) == len(set(written))
    start = re.search(r"\w*$", rows[-1])
    assert start is not None
    assert {each.range.start.character for each in found} <= {start.start()}


def test_what_is_offered_takes_the_place_of_the_word(tmp_path: Path) -> None:
    text = f"{NET}params: {{width: 8}}\nlayers:\n  - Dense: {{units: =2 * wi‸}}\n"
    _, view, at = write(tmp_path, text)
    completion = next(each for each in list_completions(view, at) if each.label == "width")
    written = apply(text.replace(CURSOR, ""), [(completion.range, completion.written)])
    assert "units: =2 * width}" in written
    assert completion.detail == "8"


def test_without_pygls_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lsprotocol", None)
    monkeypatch.delitem(sys.modules, "archspec.language_server", raising=False)
    done = command(tmp_path, "lsp")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("hint: pip install 'archspec-keras[lsp]'\n")


# --- whatever is written -------------------------------------------------------------------------


def ask_everything(workspace: Workspace, view: SpecView, at: Position) -> None:
    list(list_hints(view))
    list(list_actions(view, Range(Position(0, 0), at)))
    list(list_findings(view, by_schema=False))
    list_symbols(view), list_folds(view), list_tokens(view), find_facts(view)
    list_completions(view, at)
    list_words(view, at)
    find_hover(view, at)
    find_definitions(workspace, view, at)
    find_references(workspace, view, at)
    list(find_in_file(view, at))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("lenet5", 9),
        ("unet", 97),
        ("googlenet", 199),
        *(pytest.param(name, 41, marks=pytest.mark.slow) for name in SPECS),
    ],
)
def test_every_beginning_of_a_spec_can_be_asked_about(name: str, step: int, tmp_path: Path) -> None:
    whole = SPECS[name].read_text(encoding="utf-8")
    workspace = Workspace()
    path = tmp_path / f"{name}.yaml"
    for end in range(0, len(whole) + 1, step):
        workspace.write(path, whole[:end])
        view = workspace.look(path)
        ask_everything(workspace, view, view.text.position(end))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.slow if number % 8 else ())
        for number, path in enumerate(sorted((ROOT / "tests" / "errors").glob("*.yaml")))
    ],
    ids=lambda path: path.stem,
)
def test_every_broken_spec_can_be_asked_about(path: Path) -> None:
    workspace = Workspace()
    workspace.write(path, path.read_text(encoding="utf-8"))
    view = workspace.look(path)
    rows = len(view.text.lines)
    for row in range(0, rows, max(1, rows // 4)):
        ask_everything(workspace, view, Position(row, 12))
