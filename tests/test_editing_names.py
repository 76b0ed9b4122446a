"""NameTable in an editor: where each is defined and used, and what renaming it writes."""

import re
from pathlib import Path

import pytest
from conftest import ROOT
from editing import NET, read_marked, renamed, write
from shipped import SPECS

import archspec
from archspec.editing.index import Index
from archspec.editing.lookups import find_definitions, find_references
from archspec.editing.names import Occurrence
from archspec.editing.reader import SpecReader
from archspec.editing.rename import find_renamable
from archspec.editing.text import EditorText
from archspec.editing.workspace import Workspace
from archspec.errors import UserError
from archspec.expand import blocks, edit_targets, expand, references
from archspec.expand.scopes import Entry, Scope
from archspec.loading.files import open_spec
from archspec.pipeline import graph_of
from archspec.syntax.source import read_text

SHORT = {"lenet5", "resnet18", "unet", "squeeze_excite"}  # of the others a second for each name
ALL = {**SPECS, **{path.stem: path for path in (ROOT / "specs/blocks").glob("*.yaml")}}


# --- what a name is ------------------------------------------------------------------------------

UNIT = "blocks:\n  unit:\n    params: {filters: null}\n    layers: [Dense: =filters]\n"


@pytest.mark.parametrize(
    "text",
    [
        "params: {«w‸idth»: 8}\nlayers:\n  - Dense: =2 * «width» + len([«width»])\n",
        'params: {«w‸idth»: 8}\nlayers:\n  - Dense: "=max(«width», 8)"\n',
        "params: {«units»: 8}\nlayers:\n  - Dense: {units: «=‸=»}\n",
        "params: {«a»: 2, b: =«a‸» + 1}\nlayers:\n  - Dense: =b\n    name: x{«a»}\n",
        # a block's own param, its name in a call, and the caller's variable of the same name
        "blocks:\n  unit:\n    params: {«k‸»: 1}\n    layers: [Dense: =«k», Dense: {units: =«k»}]\n"
        "layers:\n  - unit: {«k»: ==}\n    for: {k: [1, 2]}\n",
        "blocks:\n  unit:\n    params: {k: 1}\n    layers: [Dense: =k]\n"
        "layers:\n  - unit: {k: «==»}\n    for: {«k‸»: [1, 2]}\n",
        "params: {«k»: 3}\nblocks:\n  unit:\n    params: {k: «=‸=»}\n    layers: [Dense: =k]\n"
        "layers: [unit]\n",
        "blocks:\n  «un‸it»:\n    layers: [Flatten]\n  other:\n    layers: [«unit»]\n"
        "layers: [«unit», other]\n",
        # a step that is called by its block's name
        "blocks:\n  «unit»:\n    layers: [Dense: 4]\nlayers:\n  - «unit»\n  - Flatten\n"
        "  - from: «un‸it»\n",
        "layers:\n  - for:\n      a, «b‸»:\n        - [1, 2]\n    name: x{a}y{«b»}\n"
        "    layers: [Dense: =«b», Dense: =a]\n",
        "layers:\n  - for: {'a, «b»': [[1, 2]]}\n    layers: [Dense: =«b‸» + a]\n",
        "layers:\n  - for: [{«a‸»: 1}, {«a»: 2}]\n    layers: [Dense: =«a»]\n",
        "layers:\n  - Dense: 3\n    name: «st‸em»\n  - Dense: 2\ntrain: {freeze: «stem»}\n",
        "layers:\n  - {name: «body», layers: [{Dense: 3, name: x}]}\n  - Dense: 2\n"
        "train: {freeze: [«bo‸dy».x]}\n",
        "params: {rows: [{«a»: 1}, {«a»: 2}]}\nlayers:\n  - for: =rows\n"
        "    layers: [Dense: =«a‸»]\n",
        "layers:\n  - Dense: 3\n    name: «stem»\n  - Dense: =«stem».channels\n  - Add:\n"
        "    from: [«st‸em», «stem»]\n  - reuse: «stem»\n",
        "layers:\n  - Conv2D: {filters: 4, kernel_size: 1}\n    repeat: 3\n    name: «lev‸el»\n"
        "  - Add:\n    from: [«level0», «level2»]\n",
        "layers:\n  - for: {i: =range(3)}\n    name: «st‸age{i}»\n    layers:\n"
        "      - Dense: 4\n        name: unit\n  - Add:\n    from: [«stage0».unit, «stage1»]\n"
        "outputs: [«stage2».unit]\n",
        "layers:\n  - branches:\n      «ma‸in»: [Dense: 4]\n      side: []\n    merge: Add\n"
        "  - Dense: =«main».dense.channels\n",
        "params: {on: false}\nlayers:\n  - when: =on\n    layers:\n      - Dense: 3\n"
        "        name: «a‸»\n    else:\n      - Dense: 4\n        name: «a»\n  - Add:\n"
        "    from: [«a», «a»]\n",
        "inputs: {«left‸»: [4], right: [4]}\nlayers:\n  - Add:\n    from: [«left», right]\n",
        "blocks:\n  fuse:\n    inputs: [«a», b]\n    layers:\n      - Add:\n"
        "        from: [«a», b]\n"
        "inputs: {x: [4], y: [4]}\nlayers:\n  - fuse:\n    from: {«a‸»: x, b: y}\n",
        "layers:\n  - Flatten\n  - Dense: 3\n    name: «he‸ad»\n  - Dense: 4\n    from: «head»\n"
        "    name: other\noutputs: [«head», other]\n"
        "train: {loss: {«head»: mse, other: mse}, loss_weights: {«head»: 1},\n"
        "  callbacks: [EarlyStopping: {monitor: val_«head»_loss}], best: «head»_loss}\n",
        "layers:\n  - Dense: 3\n    name: «he‸ad»\nedit:\n  - {at: «head», set: {units: 4}}\n"
        '  - {at: ["**.dense", «head»], freeze: true}\n',
        "params: {«n‸»: 3}\nrequire:\n  =«n» > 2: it is large\nlayers:\n  - Dense: =«n»\n",
        # what is seen from an edit: the variables of the step, then the params of the file
        "params: {rate: 0.1}\nlayers:\n  - Dense: 4\n    for: {«i‸»: [1, 2]}\n    name: x{«i»}\n"
        "edit: [{at: x1, insert_after: {Dense: =«i»}}, {at: x2, set: {units: =«i» + 4}}]\n",
        "params: {«a‸é»: 8, b: 1}\nlayers:\n  - Dense: =b + «aé» + «aé»\n",
    ],
)
def test_a_name_is_found_wherever_it_is_written(tmp_path: Path, text: str) -> None:
    head = "archspec: 1\n" if "inputs: {" in text else NET
    marked, ranges = read_marked(head + text)
    workspace, view, at = write(tmp_path, marked)
    found = find_references(workspace, view, at)
    assert [each.range for each in found] == ranges
    first = find_definitions(workspace, view, at)
    assert {each.range for each in first} <= set(ranges)
    assert first


@pytest.mark.parametrize(
    "text",
    [
        "layers:\n  - Dense: =wid‸th\n",  # nobody defines it
        "layers:\n  - Dense: 3\n    from: previ‸ous\n",
        "blocks:\n  unit:\n    layers: [Dense: =chan‸nels]\nlayers: [unit]\n",
        "layers:\n  - De‸nse: 3\n    na‸me: a\n",
    ],
)
def test_what_is_no_name_has_no_uses_elsewhere(tmp_path: Path, text: str) -> None:
    workspace, view, at = write(tmp_path, NET + text)
    assert len(find_references(workspace, view, at)) <= 1


def test_a_pattern_leads_to_the_steps_that_it_fits(tmp_path: Path) -> None:
    text = f"""{NET}layers:
  - Conv2D: {{filters: 4, kernel_size: 1}}
    repeat: 3
    name: level
  - Conv2D: {{filters: 4, kernel_size: 1}}
    name: levels
  - Concatenate:
    from: "lev‸el*"
"""
    workspace, view, at = write(tmp_path, text)
    found = find_definitions(workspace, view, at)
    assert [each.range.start.line for each in found] == [5, 7]
    stem = write(tmp_path, text.replace("‸", "").replace("name: levels", "name: le‸vels"))
    assert len(find_references(*stem)) == 2  # the pattern as well


def test_a_definition_may_be_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(f"{NET}params: {{width: 4}}\nlayers: [Dense: =width]\n")
    workspace, view, at = write(
        tmp_path, "archspec: 1\nextends: base.yaml\nparams: {wi‸dth: 8}\nedit: []\n"
    )
    found = find_definitions(workspace, view, at)
    assert [each.path.name for each in found] == ["base.yaml", "net.yaml"]
    workspace, view, at = write(tmp_path, "archspec: 1\nextends: ba‸se.yaml\n")
    assert [each.path.name for each in find_definitions(workspace, view, at)] == ["base.yaml"]
    workspace, view, at = write(
        tmp_path, f"{NET}import: [squeeze_excite]\nlayers:\n  - squeeze_‸excite: {{filters: 4}}\n"
    )
    assert find_definitions(workspace, view, at)[0].path.name == "squeeze_excite.yaml"


# --- all that expansion resolves is found --------------------------------------------------------


class Resolved(list[tuple[object, Entry]]):
    """Every reference and pattern that an expansion resolves, with the step that it means."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.value: object = None
        fill, find, find_all = references.fill, Scope.find, Scope.find_all
        fit = edit_targets._Finder.find

        def filled(value, *rest):
            self.value = value
            return fill(value, *rest)

        def found(scope, reference, level=0):
            entry = find(scope, reference, level)
            self.append((self.value, entry))
            self.value = None  # the next may be of a formula, or of the recipe
            return entry

        def fitted(finder, edit, pattern):
            met = fit(finder, edit, pattern)
            if pattern is not None:
                self.extend((pattern.value, entry) for _, entry in met.values())
            return met

        def found_all(scope, pattern, level=0):
            entries = find_all(scope, pattern, level)
            self.extend((self.value, entry) for entry in entries)
            return entries

        for module in (references, blocks):
            patch.setattr(module, "fill", filled)
        patch.setattr(Scope, "find", found)
        patch.setattr(Scope, "find_all", found_all)
        patch.setattr(edit_targets._Finder, "find", fitted)


EDITED = sorted((ROOT / "examples").glob("*/*.yaml"))


@pytest.mark.thorough
@pytest.mark.parametrize("path", [*SPECS.values(), *EDITED], ids=lambda path: path.stem)
def test_every_reference_that_expansion_resolves_is_tied(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SpecReader()
    document = reader.read(path)
    names = Index(document, reader.follow).names
    resolved = Resolved(monkeypatch)
    try:
        expand(open_spec(document, read=reader.read))
    except archspec.SpecError:
        pytest.skip("a library, or a spec with layers of its own")
    for value, entry in resolved:
        if (
            value is None
            or str(value.data) in ("input", "previous")
            or "**" in str(value.data)[-2:]
        ):
            continue
        at = value.span
        parts = [
            mark
            for mark in names.in_line(at.source, at.line)
            if at.column <= mark.span.column and mark.span.end_column <= at.end_column
        ]
        there = [*names.in_line(entry.span.source, entry.span.line)]
        step = next(mark for mark in there if mark.span == entry.span)
        assert any(_means(names, part, step) for part in parts), f"{value.data} at {at}"


def _means(names, part: Occurrence, step: Occurrence) -> bool:
    same = names.find_root(part.key) == names.find_root(step.key)
    return same or step in names.targets_of(part)


# --- renaming ------------------------------------------------------------------------------------


def network_of(path: Path, text: str) -> object:
    """What a text in the place of a spec means, without names; what is wrong with a library."""
    try:
        graph = graph_of(read_text(text, path.name, path), {})
    except archspec.SpecError as error:
        return [each.code for each in error.diagnostics if each.code != "library"]
    return graph.fingerprint, graph.total_params, len(graph.warnings)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in SHORT else pytest.mark.slow) for each in ALL]
)
def test_each_name_of_a_shipped_spec_can_be_another(name: str) -> None:
    path = ALL[name].resolve()
    text = path.read_text(encoding="utf-8")
    workspace = Workspace()
    workspace.write(path, text)
    view = workspace.look(path)
    was, names = network_of(path, text), view.index.names
    refused: list[str] = []
    for mark in names.ordered():
        if mark.span.source is not view.source or not mark.defines or mark.form == "hidden":
            continue
        start = view.text.range(mark.span).start
        try:
            texts = renamed(workspace, view, start, f"zz{mark.text}")
        except UserError as error:
            refused.append(str(error))
            continue
        assert network_of(path, texts[path.name]) == was, mark.text
    assert all("comes with archspec" in each for each in refused)  # the base has the name too


@pytest.mark.parametrize(
    ("text", "new", "result"),
    [
        ("params: {wi‸dth: 8}\nlayers: [Dense: =width]\n", "w", "{w: 8}\nlayers: [Dense: =w]\n"),
        (
            "params: {units: 8}\nlayers: [Dense: {units: =‸=}]\n",
            "n",
            "{n: 8}\nlayers: [Dense: {units: =n}]\n",
        ),
        (
            "blocks:\n  unit:\n    params: {k‸: 1}\n    layers: [Dense: =k]\n"
            "layers:\n  - unit: {k: ==}\n    for: {k: [1, 2]}\n",
            "size",
            "{size: 1}\n    layers: [Dense: =size]\nlayers:\n  - unit: {size: =k}\n"
            "    for: {k: [1, 2]}\n",
        ),
        (
            "layers:\n  - for: {i: =range(3)}\n    name: st‸age{i}\n    layers: [Dense: 4]\n"
            '  - Add:\n    from: "stage*"\n  - Add:\n    from: [previous, stage1]\n',
            "part{i}",
            'part{i}\n    layers: [Dense: 4]\n  - Add:\n    from: "part*"\n  - Add:\n'
            "    from: [previous, part1]\n",
        ),
        (
            "layers:\n  - Dense: 4\n    repeat: 3\n    name: unit\n  - Add:\n"
            "    from: [un‸it0, unit2]\n",
            "part",
            "part\n  - Add:\n    from: [part0, part2]\n",
        ),
        (
            "layers:\n  - for: {i: =range(3)}\n    name: x{i}\n    layers:\n      - Dense: 4\n"
            "        name: a\n      - Add:\n        from: ['previous', \"x{i}.a\"]\n"
            "        when: false\n  - Dense: =x‸2.a.channels\n",
            "y{i}",
            "y{i}\n    layers:\n      - Dense: 4\n        name: a\n      - Add:\n"
            "        from: ['previous', \"y{i}.a\"]\n        when: false\n"
            "  - Dense: =y2.a.channels\n",
        ),
    ],
)
def test_a_new_name_is_written_everywhere(tmp_path: Path, text: str, new: str, result: str) -> None:
    texts = renamed(*write(tmp_path, NET + text), new)
    assert texts["net.yaml"].endswith(result)


@pytest.mark.parametrize(
    ("text", "new", "message"),
    [
        ("layers: [De‸nse: 3, Dense: 4]\n", "x", "what Keras calls the step"),
        ("layers: [Dense: 3]\nna‸me: x\n", "y", "no name that can be changed"),
        ("params: {a: 3, b: 4}\nlayers: [Dense: =a‸, Dense: =b]\n", "b", "with this name"),
        ("params: {a: 3}\nlayers: [Dense: =a‸]\n", "min", "already means something"),
        ("params: {a: 3}\nlayers: [Dense: =a‸]\n", "x-y", "cannot be a name"),
        ("params: {a: 3}\nlayers: [Dense: =a‸]\n", " ", "is empty"),
        ("layers:\n  - Dense: 3\n    for: {i: [1]}\n    name: a‸{i}\n", "b", "keep {i}"),
        ("layers:\n  - Dense: 3\n    name: a‸\n  - Dense: 4\n    name: b\n", "b", "is taken"),
        ("layers:\n  - Dense: 3\n    name: a‸\n", "1e1", "with this name"),
        ("layers: [Dense: 3, Dese: 4]\nparams: {a‸: 3}\n", "b", "the spec has errors"),
        (
            "layers:\n  - Dense: 3\n    name: ab‸1\n  - Dense: 3\n    name: ab2\n"
            '  - Add:\n    from: "ab*"\n',
            "x1",
            "the pattern 'ab*' would not fit",
        ),
        # a step that is never there, which another name would hide
        (
            "params: {on: false}\nlayers:\n  - Dense: 3\n    name: a‸\n  - when: =on\n"
            "    name: b\n    layers:\n      - Dense: 3\n        from: a\n        name: c\n",
            "b",
            "something else would be meant",
        ),
        (
            "params: {on: false}\nlayers:\n  - Dense: 3\n    name: a‸\n  - when: =on\n"
            "    layers:\n      - name: b\n        layers:\n          - Dense: 4\n"
            "            name: c\n          - Dense: 3\n            from: a\n",
            "c",
            "something else would be meant",
        ),
        (
            'params: {a: 3}\nlayers:\n  - Dense: 3\n    name: "h\\x61{a‸}"\n',
            "b",
            "cannot be changed",
        ),
        ("extends: lenet5\nparams: {clas‸ses: 7}\n", "n", "comes with archspec"),
    ],
)
def test_a_name_that_cannot_be_changed_is_refused(
    tmp_path: Path, text: str, new: str, message: str
) -> None:
    head = "archspec: 1\n" if "extends" in text else NET
    workspace, view, at = write(tmp_path, head + text)
    with pytest.raises(UserError, match=re.escape(message)):
        renamed(workspace, view, at, new)


def test_the_name_of_a_step_is_shown_as_it_is_written(tmp_path: Path) -> None:
    text = f"{NET}layers:\n  - Dense: 3\n    repeat: 2\n    name: unit\n  - from: un‸it1\n"
    _, view, at = write(tmp_path, text)
    found = find_renamable(view, at)
    assert (found.text, found.range.end.character) == ("unit", 15)


def test_files_that_stand_on_a_file_follow(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    derived = "archspec: 1\nextends: ../net.yaml\nparams: {width: 3}\nedit:\n"
    derived += "  - {at: head, set: {units: =width}}\n"
    (tmp_path / "sub" / "more.yaml").write_text(derived)
    (tmp_path / "other.yaml").write_text(f"{NET}params: {{width: 3}}\nlayers: [Dense: =width]\n")
    text = f"{NET}params: {{wi‸dth: 8}}\nlayers:\n  - Dense: =width\n    name: head\n"
    workspace, view, at = write(tmp_path, text)
    assert len(find_references(workspace, view, at)) == 4
    texts = renamed(workspace, view, at, "w")
    assert texts["more.yaml"] == derived.replace("width", "w")
    assert set(texts) == {"net.yaml", "more.yaml"}
    workspace.write(
        tmp_path / "sub" / "more.yaml", "archspec: 1\nextends: ../net.yaml\n"
    )  # unsaved
    assert set(renamed(workspace, view, at, "w")) == {"net.yaml"}


def test_a_block_is_renamed_in_the_files_that_import_it(tmp_path: Path) -> None:
    user = f"{NET}import: [blocks.yaml]\nlayers:\n  - unit: 4\n  - Dense: =unit.dense.channels\n"
    (tmp_path / "user.yaml").write_text(user)
    text = "archspec: 1\nblocks:\n  un‸it:\n    params: {n: 1}\n    layers: [Dense: =n]\n"
    texts = renamed(*write(tmp_path, text, "blocks.yaml"), "cell")
    assert texts["user.yaml"] == user.replace("unit", "cell")


def test_a_name_that_a_file_above_uses_is_not_taken(tmp_path: Path) -> None:
    """The network of this file would be the same, that of the other not."""
    (tmp_path / "more.yaml").write_text(
        "archspec: 1\nextends: net.yaml\nparams: {w: 3}\nedit: [{at: head, set: {units: =w}}]\n"
    )
    text = f"{NET}params: {{wi‸dth: 8}}\nlayers:\n  - Dense: =width\n    name: head\n"
    workspace, view, at = write(tmp_path, text)
    with pytest.raises(UserError, match="with this name"):
        renamed(workspace, view, at, "w")


# --- places --------------------------------------------------------------------------------------


def test_positions_count_units_of_utf_16() -> None:
    text = EditorText("a: 𝄞b\r\nc\u2028d: 1\rlast")
    for offset in (0, 3, 4, 5, 7, 9, 13, 17):
        assert text.offset(text.position(offset)) == offset
    assert text.position(4).character == 5
    assert text.position(9).line == 1  # U+2028 ends no line of an editor
    assert text.find(3, 1) == 9


def test_renaming_behind_wide_characters(tmp_path: Path) -> None:
    text = f"{NET}description: 𝄞\nparams: {{k: '𝄞𝄞', wi‸dth: 8}}\nlayers: [Dense: =width]\n"
    texts = renamed(*write(tmp_path, text), "w")
    assert texts["net.yaml"] == text.replace("wi‸dth", "w").replace("width", "w")
