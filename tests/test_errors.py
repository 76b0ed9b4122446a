"""Every error that a spec can have, at its place and in its reader's words.

tests/errors holds spec files with what must be said of them in comments:

    - Conv2D: {filters: 64, kernal_size: 3}  # error@27: unknown-argument: has no argument
    # hint: did you mean 'kernel_size'?

`error` or `warning`, the column if it matters, the code, a part of the message; `note` stands on
the line that is noted, also in another file, and `hint` on the line of its error. A line of comments
alone speaks of the line above it. Whatever is said and not expected fails, and the reverse.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT

from archspec.cli import main

FOLDER = ROOT / "tests" / "errors"
FIXTURES = sorted(FOLDER.glob("*.yaml"))
WORD = re.compile(
    r"#\s*(error|warning|note|hint)(?:@(\d+))?:\s*(.*?)\s*(?=#\s*(?:error|warning|note|hint)(?:@\d+)?:|$)"
)
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
            queue += [
                each.parent / name for name in NAMED.findall(each.read_text(encoding="utf-8"))
            ]


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
    found = check(path)
    notes = [note for each in found for note in each["notes"]]
    failures = []
    left = [each for each in expected if each.kind in ("error", "warning")]
    for each in found:
        said = f"{each['code']}: {each['message']}"
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
            each.is_at(n) and each.text in n["message"] for n in notes
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
