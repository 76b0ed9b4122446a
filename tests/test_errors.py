"""Every error that a spec can have, at its place and in its reader's words.

tests/errors holds spec files with what must be said of them in comments:

    - Conv2D: {filters: 64, kernal_size: 3}  # error@27: unknown-argument: has no argument
    # hint: did you mean 'kernel_size'?

`error`, `warning` or `advice`, which files called so ask for, the column if it matters, the code, a
part of the message; `note` stands on the line that is noted, also in another file, and `hint` on
the line of its error. A comment alone on its line speaks of the line above. Whatever is said and
not expected fails, and the reverse.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT

import archspec
from archspec.advice import RULES as ADVICE
from archspec.cli import main
from archspec.error_formats import CODES
from archspec.errors import MAX_ERRORS, MAX_MESSAGE, SpecError, UserError, did_you_mean
from archspec.schema import remedies
from archspec.schema.remedies import REMEDIES
from archspec.schema.validation import check as validate
from archspec.syntax import yaml_errors
from archspec.syntax.source import read_file
from archspec.syntax.yaml_errors import RULES

FOLDER = ROOT / "tests" / "errors"
FIXTURES = sorted(FOLDER.glob("*.yaml"))
KINDS = "error|warning|advice|note|hint"
WORD = re.compile(rf"#\s*({KINDS})(?:@(\d+))?:\s*(.*?)\s*(?=#\s*(?:{KINDS})(?:@\d+)?:|$)")
NAMED = re.compile(r"[\w./-]+\.yaml")


@dataclass(frozen=True)
class Expected:
    """One comment: what kind, where, and what must be said there."""

    kind: str
    file: str
    line: int
    column: int | None
    text: str

    def __str__(self) -> str:
        column = f":{self.column}" if self.column else ""
        return f"{self.file}:{self.line}{column}: {self.kind}: {self.text}"

    def is_at(self, place: dict[str, Any]) -> bool:
        here = place["file"] == self.file and place["line"] == self.line
        return here and self.column in (None, place["column"])


def expectations(path: Path) -> Iterator[Expected]:
    """What the comments of a file expect."""
    line = 0
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not text.lstrip().startswith("#"):
            line = number
        for kind, column, said in WORD.findall(text):
            yield Expected(kind, shown(path), line, int(column) if column else None, said)


def shown(path: Path) -> str:
    """What messages call a file."""
    resolved = path.resolve()
    return str(resolved.relative_to(ROOT) if resolved.is_relative_to(ROOT) else resolved)


def named_by(path: Path) -> Iterator[Path]:
    """A fixture, and the files that it extends or imports."""
    seen, queue = set(), [path]
    while queue:
        each = queue.pop().resolve()
        if each not in seen and each.is_file():
            seen.add(each)
            yield each
            text = re.sub("#.*", "", each.read_text(encoding="utf-8"))
            queue += [each.parent / name for name in NAMED.findall(text) if len(name) < 100]


def check(path: Path, *options: str) -> list[dict[str, Any]]:
    """What `archspec check` says of a file, as data."""
    result = CliRunner().invoke(main, ["check", "--format", "json", shown(path), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_file_is_said_to_have_these_errors_and_no_others(path: Path) -> None:
    expected = [each for file in named_by(path) for each in expectations(file)]
    found = check(path, *["--advice"] * path.stem.startswith("advice"))
    notes = [note for each in found for note in each["notes"]]
    notes += [{**each, "message": f"{each['code']}: {each['message']}"} for each in found]
    failures = []
    left = [each for each in expected if each.kind in ("error", "warning", "advice")]
    for each in found:
        said = f"{each['code']}: {each['message']}"
        if each["severity"] == "note" and any(
            e.kind == "note" and e.is_at(each) and _in(e.text, said) for e in expected
        ):
            continue
        match = next(
            (e for e in left if e.kind == each["severity"] and e.is_at(each) and _in(e.text, said)),
            None,
        )
        if match is None:
            failures.append(f"not expected: {each['file']}:{each['line']}:{each['column']}: {said}")
        else:
            left.remove(match)
    failures += [f"not said: {each}" for each in left]
    for each in expected:
        if each.kind == "note" and not any(
            each.is_at(n) and (each.text in n["message"] or _in(each.text, n["message"]))
            for n in notes
        ):
            failures.append(f"not noted: {each}")
        if each.kind == "hint" and not any(
            each.is_at(d) and each.text in str(d["hint"]) for d in found
        ):
            failures.append(f"no such hint: {each}")
    assert not failures, "\n".join(failures)


def _in(expected: str, said: str) -> bool:
    """Whether `code: part of the message` is what was said."""
    code, _, part = expected.partition(": ")
    return said.startswith(f"{code}: ") and part in said


Rule = Callable[[Any], Any]


@pytest.fixture(scope="module")
def held() -> set[Rule]:
    """The rules whose hint, or whose error, a fixture expects."""
    given: list[tuple[Rule, str, str]] = []

    def noted(rule: Rule, kind: str) -> Rule:
        def with_note(case: Any) -> Any:
            found = rule(case)
            given.extend([(rule, kind, getattr(found, "message", found))] if found else [])
            return found

        return with_note

    rules = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remedies, "REMEDIES", [noted(rule, "hint") for rule in REMEDIES])
        patch.setattr(yaml_errors, "RULES", [noted(rule, "error") for rule in RULES])
        for path in FIXTURES:
            given.clear()
            with suppress(SpecError, UserError):
                validate(read_file(path))
            words = {(each.kind, each.text.partition("yaml: ")[2]) for each in expectations(path)}
            words |= {(each.kind, each.text) for each in expectations(path)}
            rules |= {
                rule
                for rule, given_kind, said in given
                if any(kind == given_kind and text and text in said for kind, text in words)
            }
    return rules


@pytest.mark.parametrize("rule", [*REMEDIES, *RULES], ids=lambda rule: rule.__name__)
@pytest.mark.thorough
def test_every_rule_is_held_by_a_fixture(rule: Rule, held: set[Rule]) -> None:
    assert rule in held


# --- files that cannot hold comments -------------------------------------------------------------

HEAD = "archspec: 1\ninput: [28, 28, 1]\n"


def steps(text: str) -> str:
    return f"{HEAD}layers:\n{text}\n"


NO_COMMENTS: dict[str, tuple[bytes | str, str, str]] = {
    "nothing": ("", "empty", "the file holds nothing"),
    "nothing but a comment": ("# archspec: 1\n", "empty", "the file holds nothing"),
    "nothing but a document's mark": ("---\n", "empty", "the file holds nothing"),
    "a list": ("- Dense: 3\n", "schema", "a spec must be a mapping, got a list"),
    "a text": ("hello\n", "schema", "a spec must be a mapping, got 'hello'"),
    "UTF-16": ("archspec: 1\n".encode("utf-16"), "file", "byte 0xff is not UTF-8"),
    "UTF-16 without its mark": ("archspec: 1\n".encode("utf-16-le"), "yaml", "U+0000"),
    "Latin-1": (steps("  - größe").encode("latin-1"), "file", "byte 0xf6 is not UTF-8"),
    "a NUL": (HEAD.encode() + b"\0", "yaml", "character U+0000 cannot stand in YAML"),
    "a bell": (steps("  - Dense: \a"), "yaml", "character U+0007 cannot stand in YAML"),
    "random bytes": (bytes(range(128, 256)) * 3, "file", "is not UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "file", "this is a picture (PNG), not a spec"),
    "a tab that indents": (steps("\t- Dense: 3"), "yaml", "a tab stands where YAML expects spaces"),
    "a tab after a dash": (
        steps("  -\tDense: 3"),
        "yaml",
        "a tab stands where YAML expects spaces",
    ),
    "two documents": (steps("  - Dense: 3") + "---\na: 1\n", "yaml", "a second one begins here"),
    "a block of text as a step": (steps("  - |\n    Dense: 3"), "unknown-layer", "'Dense: 3"),
    "a name of many letters": (
        steps(f"  - Dense: 3\n    name: {'x' * 201}"),
        "name",
        "must be a name",
    ),
}


@pytest.mark.parametrize(("raw", "code", "words"), NO_COMMENTS.values(), ids=NO_COMMENTS)
def test_what_cannot_hold_comments(raw: bytes | str, code: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    (found,) = check(path)
    assert (found["code"], found["file"]) == (code, str(path))
    assert words in found["message"]
    assert "\n" not in found["message"]


SLIPS: dict[str, tuple[str, int, str, str]] = {  # with the line to blame, words and hint
    "a first line without a space": ("archspec:1\ninput: [3]", 1, "a space", "`archspec: 1`"),
    "a list without a space": ("archspec: 1\ninput:[3]\nlayers: []", 2, "a space", "`input: [3]`"),
    "an equals sign": ("archspec = 1\ninput: [3]", 1, "not '='", "write `archspec: 1`"),
    "a dash without a space": (
        steps("  -Flatten\n  - Dense: 3"),
        4,
        "the '-'",
        "`- Flatten`",
    ),
    "the same behind": (
        steps("  - Flatten\n  -Dense: 3"),
        5,
        "the '-'",
        "write `- Dense: 3`",
    ),
    "no dashes at all": (steps("  Flatten\n  Dense: 3"), 4, "'- ' is missing", "write `- Flatten`"),
    "a lone layer without a dash": (steps("  Dense: 3\n  ReLU"), 5, "'- ' is missing", "`- ReLU`"),
    "a step that is indented": (steps("  - Flatten\n    Dense: 3"), 5, "'- '", "`- Dense: 3`"),
    "a list in the line of its word": (f"{HEAD}layers: Dense: 3", 3, "'Dense:'", "[Dense: 3]"),
    "a branch in the line of its name": (
        steps("  - branches:\n      main: Dense: 3\n    merge: Add"),
        5,
        "'Dense:' cannot follow 'main:'",
        "write main: [Dense: 3]",
    ),
    "arguments in the line of a layer": (
        steps("  - Dense: units: 3"),
        4,
        "'units:' cannot follow 'Dense:'",
        "write Dense: {units: 3}",
    ),
    "a name below a value": (
        steps("  - Dense: 3\n      name: a"),
        5,
        "'name'",
        "of 'Dense'",
    ),
    "an argument below a value": (
        steps("  - Dense: 3\n      use_bias: false"),
        5,
        "'use_bias' cannot stand under 'Dense: 3'",
        "{NAME: 3, use_bias: false}",
    ),
    "a name beside the dash": (steps("  - Flatten\n  name: a"), 5, "'name'", "write `- Flatten:`"),
}


@pytest.mark.parametrize(("text", "line", "words", "hint"), SLIPS.values(), ids=SLIPS)
def test_a_slip_of_yaml_is_named_where_it_is(text: str, line: int, words: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text)
    found = caught.value.diagnostics[0]
    assert found.span.line == line
    assert words in found.message
    assert hint in str(found.hint)


SOUND: dict[str, bytes] = {
    "Windows line ends": steps("  - Dense: 3\n    name: head").replace("\n", "\r\n").encode(),
    "old line ends": steps("  - Dense: 3\n    name: head").replace("\n", "\r").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + steps("  - Dense: 3").encode(),
    "a document's mark and end": f"---\n{steps('  - Dense: 3')}...\n".encode(),
    "tabs at line ends": steps("  - Dense: 3\t").encode(),
    "JSON": b'{"archspec": 1, "input": [3], "layers": [{"Dense": {"units":3}}]}',
    "whole numbers with a point": steps("  - Dense: 4.0").encode(),
    "letters of any script in texts": steps("  - Dense: 3").encode()
    + "name: größe 日本\n".encode(),
}


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND)
def test_what_is_sound_all_the_same(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(raw)
    assert check(path) == []


def test_places_are_right_with_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(steps("  - Dense: 3\n  - Dens: 3").replace("\n", "\r\n").encode())
    (found,) = check(path)
    assert (found["line"], found["column"], found["end_column"]) == (5, 5, 9)


# --- bounds --------------------------------------------------------------------------------------


def doubling(kind: str, last: int, first: str, each: str) -> str:
    """Lines that each double the one above: `x1: [=x0, =x0]`."""
    lines = [f"{kind}0: {first}"]
    lines += [f"{kind}{n}: {each.format(kind + str(n - 1))}" for n in range(1, last)]
    return "".join(f"  {line}\n" for line in lines)


def nested(levels: int) -> str:
    lines = ["  " * n + "- layers:" for n in range(1, levels)]
    return "\n".join([*lines, "  " * levels + "- Dense: 3"])


def laughs(first: str, many: str) -> str:
    lines = [f"a0: &a0 {first}"] + [
        f"a{n}: &a{n} {many}".replace("*", f"*a{n - 1}") for n in range(1, 40)
    ]
    return "\n".join(lines)


LOOPS = """
  - for: {i: =range(1000)}
    layers:
      - for: {j: =range(1000)}
        layers:
          - STEP
            for: {k: =range(1000)}
"""
LONG = "max(range(9999)) < 3 or " * 8

HOSTILE: dict[str, tuple[str, str]] = {
    "an alias bomb": (laughs("[x]", "[*, *, *, *, *, *, *, *]"), "too-large"),
    "an alias bomb of mappings": (laughs("{x: 1}", "{a: *, b: *, c: *, d: *}"), "too-large"),
    "an alias bomb of merges": (laughs("{x: 1}", "{<<: [*, *, *]}"), "too-large"),
    "three megabytes": (HEAD + "#" * (3 * 2**20), "file"),
    "too many values": (steps("  - Dense: 3\n" * 40_000), "too-large"),
    "too many steps": (steps("  - Flatten\n" * 30_000), "too-large"),
    "brackets without end": (f"{HEAD}layers: {'[' * 100_000}", "too-deep"),
    "braces without end": (f"{HEAD}layers: {'{a: ' * 50_000}", "too-deep"),
    "dashes without end": (f"{HEAD}layers:\n  {'- ' * 50_000}", "too-deep"),
    "a hundred groups": (steps(nested(100)), "too-deep"),
    "a line without end": (f"{HEAD}layers: [{'Flatten, ' * 30_000}Flaten]", "too-large"),
    "a word without end": (steps(f"  - {'x' * 1_000_000}"), "unknown-layer"),
    "a formula without end": (steps(f"  - Dense: ={'1+' * 500_000}1"), "formula"),
    "a formula of brackets": (steps(f"  - Dense: ={'(' * 400}1{')' * 400}"), "formula"),
    "a formula of minuses": (steps(f"  - Dense: ={'-' * 900}1"), "formula"),
    "a tower of powers": (steps("  - Dense: =9**9**9"), "formula"),
    "a tower of negative powers": (steps("  - Dense: =(-7)**99999999"), "formula"),
    "a text of 10^10 letters": (steps("  - Dense: \"=len('a' * 10**10)\""), "formula"),
    "a list of 10^10 items": (steps("  - Dense: =len([0] * 10**10)"), "formula"),
    "a text that doubles": (
        f"{HEAD}params:\n{doubling('x', 40, 'aaaa', '={0} + {0}')}layers: [Dense: =x39]",
        "formula",
    ),
    "a list that doubles": (
        f"{HEAD}params:\n{doubling('x', 40, '[1]', '[={0}, ={0}]')}layers: [Dense: =x39]",
        "formula",
    ),
    "a mapping that doubles": (
        f"{HEAD}params:\n{doubling('x', 40, '[1]', '{{a: ={0}, b: ={0}}}')}layers: [Dense: =x39]",
        "formula",
    ),
    "a list of lists by a formula": (
        f"{HEAD}params:\n{doubling('x', 40, '[1]', chr(39) + '=[{0}, {0}]' + chr(39))}"
        "layers: [Dense: =x39]",
        "formula",
    ),
    "a loop of 10^9 turns": (steps("  - Dense: 3\n    for: {i: =range(10**9)}"), "formula"),
    "10^9 repetitions": (steps("  - Dense: 3\n    repeat: 1000000000"), "too-large"),
    "loops in loops": (steps(LOOPS.replace("STEP", "Dense: 3")), "too-large"),
    "loops in loops around nothing": (steps(LOOPS.replace("STEP", "layers: []")), "too-large"),
    "loops in loops that a condition skips": (
        steps(LOOPS.replace("STEP", "Dense: 3\n            when: false")),
        "too-large",
    ),
    "a condition that takes long, in a loop": (
        steps(f"  - Dense: 3\n    for: {{i: =range(9999)}}\n    when: ={LONG}false"),
        "too-large",
    ),
    "blocks that call others twice": (
        f"{HEAD}blocks:\n{doubling('b', 38, '{layers: [Flatten]}', '{{layers: [{0}, {0}]}}')}"
        "layers: [b37]",
        "too-large",
    ),
    "blocks that call others twice and do nothing": (
        f"{HEAD}blocks:\n{doubling('b', 38, '{layers: []}', '{{layers: [{0}, {0}]}}')}"
        "layers: [b37]",
        "too-large",
    ),
    "blocks that call each other too deep": (
        f"{HEAD}blocks:\n{doubling('b', 160, '{layers: [Flatten]}', '{{layers: [{0}]}}')}"
        "layers: [b159]",
        "too-deep",
    ),
    "blocks that all call each other": (
        f"{HEAD}blocks:\n"
        + "".join(
            f"  b{n}: {{layers: [{', '.join(f'b{m}' for m in range(30))}]}}\n" for n in range(30)
        )
        + "layers: [b1]",
        "recursive-block",
    ),
    "more errors than anyone reads": (steps("  - Dens: 3\n" * 500), "too-many-errors"),
    "more values refused than anyone reads": (steps("  - Dense: -3\n" * 500), "too-many-errors"),
    "more unknown names than anyone reads": (
        steps("".join(f"  - Dense: 3\n    from: zz{n}\n" for n in range(500))),
        "too-many-errors",
    ),
    "more names taken than anyone reads": (
        steps("  - Dense: 3\n    name: a\n" * 500),
        "too-many-errors",
    ),
    "a layer that no machine holds": (steps("  - Flatten\n  - Dense: 2147483647"), "shape"),
    "a number of many digits": (steps(f"  - Dense: {'9' * 5000}"), "yaml"),
    "a list of many digits without brackets": (
        steps(f"  - MaxPooling2D: '{'9' * 5000}, 3'"),
        "argument-value",
    ),
    "a formula's number of many digits": (steps(f"  - Dense: ={'9' * 900}"), "formula"),
}


# One process checks them all, with bounds a tenth of the real ones, and tells when each is done.
CHECK_ALL = """
import json, sys
from click.testing import CliRunner
from archspec.cli import main
from archspec.expand import walk
from archspec.syntax import formulas, source
source.MAX_VALUES, walk.MAX_STEPS, formulas.MAX_WORK = 5_000, 1_000, 50_000
for path in sys.argv[1:]:
    result = CliRunner().invoke(main, ["check", "--format", "json", path])
    said = json.loads(result.stdout) if result.stdout else repr(result.exception)
    print(json.dumps([path, result.exit_code, said]), flush=True)
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, Any]]:
    """What is said of each hostile spec, as far as a process gets in good time."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {name: folder / f"{number}.yaml" for number, name in enumerate(HOSTILE)}
    for name, path in paths.items():
        path.write_text(HOSTILE[name][0], encoding="utf-8")
    command = [sys.executable, "-c", CHECK_ALL, *map(str, paths.values())]
    try:
        lines = subprocess.run(command, capture_output=True, timeout=60, cwd=ROOT).stdout
    except subprocess.TimeoutExpired as late:
        lines = late.stdout or b""
    done = {path: (status, said) for path, status, said in map(json.loads, lines.splitlines())}
    return {name: done[str(path)] for name, path in paths.items() if str(path) in done}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.thorough
def test_what_has_no_end_ends_in_an_error(name: str, ends: dict[str, tuple[int, Any]]) -> None:
    assert name in ends, "it, or one before it, did not end"
    status, found = ends[name]
    assert status == 1, found
    assert HOSTILE[name][1] in [each["code"] for each in found]
    assert len(found) <= MAX_ERRORS + 1
    assert all(len(each["message"]) <= MAX_MESSAGE for each in found)


@pytest.mark.thorough
def test_every_code_has_its_sentence() -> None:
    given = codes() - {"silent"}  # which nobody ever sees
    assert given - set(CODES) == set(), "say in archspec/error_formats.py what is wrong then"
    assert set(CODES) - given == set(), "no error has these codes"
    assert all(re.fullmatch(r"[A-Z].*\.", sentence) for sentence in CODES.values())
    assert len(set(CODES.values())) == len(CODES)


@pytest.mark.parametrize(
    "step",
    ["Dense: [16, 10]", "AveragePooling2D: [2, 2, 2]", "Dropout: 1.5", "Dropout: 2"],
)
def test_no_hint_proposes_what_would_be_wrong_too(step: str) -> None:
    with pytest.raises(SpecError) as caught:
        archspec.loads(steps(f"  - {step}"))
    assert [each.hint for each in caught.value.diagnostics] == [None]


@pytest.mark.thorough
def test_every_code_is_expected_somewhere() -> None:
    """The codes that the sources name, except those of what is no file's fault."""
    expected = {
        each.text.partition(":")[0]
        for path in FOLDER.rglob("*.yaml")
        for each in expectations(path)
        if each.kind in ("error", "warning", "advice") or each.text.startswith("changed-meaning:")
    }
    cases = {code for _, code, _ in NO_COMMENTS.values()} | {code for _, code in HOSTILE.values()}
    of_models = {code for code in CODES if code.startswith("import-")}  # see test_import.py
    missing = codes() - expected - cases - of_models - {"library", "own-layers"}
    assert not missing
    assert expected <= codes()


@cache
def codes() -> set[str]:
    """Every code that the sources give to an error, and those of advice."""
    found = set(ADVICE)
    position = {"error": 0, "fail": 0, "warn": 0, "Diagnostic": 0, "Refused": 2, "_refused": 3}
    for path in sorted((ROOT / "archspec").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            values: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                named = [each.value for each in node.keywords if each.arg == "code"]
                at = position.get(name)
                values = named or ([] if at is None else node.args[at : at + 1])
            elif isinstance(node, ast.arguments):
                defaults = zip(reversed(node.args), reversed(node.defaults), strict=False)
                values = [value for each, value in defaults if each.arg == "code"]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if getattr(targets[0], "id", "") == "code" and node.value is not None:
                    values = [node.value]
            for value in values:
                if isinstance(value, ast.Constant) and re.fullmatch("[a-z-]+", str(value.value)):
                    found.add(str(value.value))
    return found


def test_a_library_is_sound_for_check_and_none_for_load(tmp_path: Path) -> None:
    path = tmp_path / "library.yaml"
    path.write_text("archspec: 1\nblocks:\n  a: {layers: [Flatten]}\n", encoding="utf-8")
    assert check(path) == []
    with pytest.raises(SpecError) as caught:
        archspec.load(path)
    assert [each.code for each in caught.value.diagnostics] == ["library"]
    path.write_text("archspec: 1\nblocks:\n  a: {layers: [Flaten]}\n", encoding="utf-8")
    assert [each["code"] for each in check(path)] == ["unknown-layer"]


# --- how an error is laid out --------------------------------------------------------------------


def laid_out(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        archspec.loads(text, "net.yaml")
    return str(caught.value)


def test_an_error_is_laid_out_with_its_line_carets_notes_and_hint() -> None:
    text = "archspec: 1\ninput: [3]\nblocks:\n  u: {params: {units: 3}, layers: [Dense: =unit]}\n"
    assert laid_out(f"{text}layers: [u]\n") == (
        "net.yaml:4:44: error: no param or loop variable is called 'unit' [unknown-name]\n"
        "    4 |   u: {params: {units: 3}, layers: [Dense: =unit]}\n"
        "      |                                            ^^^^\n"
        "net.yaml:5:10: note: in block 'u', as u\n"
        "hint: did you mean 'units'?"
    )


def test_carets_stand_under_wide_letters() -> None:
    said = laid_out(steps("  - Dense: {units: 3, 大小: 4}"))
    excerpt, carets = said.splitlines()[1:3]
    assert excerpt.index("大") == carets.index("^")
    assert carets.count("^") == 4


def test_a_long_line_is_cut_around_the_place() -> None:
    said = laid_out(f"{HEAD}layers: [{'Flatten, ' * 100}Flaten]")
    excerpt, carets = said.splitlines()[1:3]
    assert len(excerpt) < 180
    start = carets.index("^")
    assert excerpt[start : start + carets.count("^")] == "Flaten"


# --- did you mean --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("kernal_size", ["kernel_size", "strides"], "kernel_size"),
        ("form", ["for", "from"], "from"),
        ("lr", ["learning_rate", "beta_1"], "learning_rate"),
        ("std", ["mean", "stddev"], "stddev"),
        ("slope", ["negative_slope", "max_value"], "negative_slope"),
        ("he-normal", ["HeNormal", "GlorotNormal"], "HeNormal"),
        ("kernel", ["kernel_size", "kernel_initializer"], "kernel_size"),
        ("norm", ["batch_norm", "layer_norm"], None),
        ("base", ["false", "floor"], None),
        ("x", [], None),
    ],
)
def test_did_you_mean(word: str, known: list[str], meant: str | None) -> None:
    assert did_you_mean(word, known) == (meant and f"did you mean '{meant}'?")
