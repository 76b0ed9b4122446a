"""Fix the errors of specs whose remedy is certain, if fewer errors are left then."""

from __future__ import annotations

import os
import re
import shutil
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec import pipeline
from archspec.api.check import Examination, examine
from archspec.errors import MAX_ERRORS, Diagnostic, Suggestion, UserError
from archspec.reading import read_bytes, reason
from archspec.syntax.fixes import apply_fixes
from archspec.syntax.source import MAX_BYTES, decode, read_text
from archspec.syntax.yaml_errors import LINE_END
from archspec.writing import writing

MAX_ROUNDS = MAX_ERRORS  # in which fixes bring up others
_Key = tuple[str, str, str, int]  # file, code, message and line of an error
NONE: Mapping[str, Any] = {}


class Fixed(Struct, frozen=True):
    """The result of fixing a spec: what was fixed, and what is left.

    text: of the spec, fixed. fixed: the errors that are mended. checked: the spec as it is now.
    """

    text: str
    fixed: tuple[Diagnostic, ...]
    checked: Examination

    @property
    def left(self) -> list[Diagnostic]:
        """The errors that are left, as `archspec.check` returns them."""
        return list(self.checked.found)


def fix(spec: str | Path, /, **params: Any) -> Fixed:
    """Fix the errors of a file whose remedy is certain, and return what was fixed and what is left.

    spec: a file. params: new values for its params, as `archspec.load` takes them.

    A remedy is certain if one word alone can be meant, and if the file has fewer errors with it and
    none that it did not have. No other file is changed, such as a base or an imported one, and in
    this one nothing else: comments, layout, line ends and permissions stay. It is written whole, or
    not at all.

    Raises `UserError` if the file cannot be read or written, or was changed meanwhile.

        >>> import archspec
        >>> fixed = archspec.fix("mine.yaml")  # doctest: +SKIP
        >>> [(each.code, each.fix.text) for each in fixed.fixed], fixed.left  # doctest: +SKIP
        ([('unknown-argument', 'kernel_size')], [])
    """
    return fix_file(spec, params)


def fix_file(spec: str | Path, params: Mapping[str, Any], edits: Sequence[str] = ()) -> Fixed:
    """Fix a file. params, edits: as `archspec.load` takes them. Raises as `fix` does."""
    path = pipeline.find(spec)
    name = pipeline.display_name(spec, path)
    raw = _read(path)
    found = fix_text(decode(raw, str(path)), name, path, params, edits)
    if found.fixed:
        _write(path, raw, BOM_UTF8 * raw.startswith(BOM_UTF8) + found.text.encode())
    return found


def fix_text(
    text: str,
    name: str,
    path: Path | None = None,
    params: Mapping[str, Any] = NONE,
    edits: Sequence[str] = (),
) -> Fixed:
    """Fix the text of a spec. name: what messages call it. path: where the paths in it start."""

    def look(text: str) -> Examination:
        document = partial(read_text, text, name, path)
        return examine(name, lambda: pipeline.graph_of(document(), params, edits))

    return _Fixing(name, text, look).run()


class _Fixing:
    """The fixing of a text, which is looked at again after each change.

    words: how often each is in the text as it was, since a fix is nobody's use of a word.
    uncovered: what else would be wrong with each error fixed that was tried alone and is left.
    """

    def __init__(self, name: str, text: str, look: Callable[[str], Examination]) -> None:
        self.name = name
        self.text = text
        self.words = Counter(re.findall(r"[\w-]+", text))
        self.uncovered: dict[_Key, str] = {}
        self.look = look

    def run(self) -> Fixed:
        now = Fixed(self.text, (), self.look(self.text))
        for _ in range(MAX_ROUNDS):
            wanted = self.list_fixable(now)
            # An unknown name may come of another mistake, as of a misspelt `name`, and of nothing
            # else: so names come last, and one by one.
            firm = [each for each in wanted if not _is_of_declared(each)]
            names = [each for each in wanted if _is_of_declared(each)]
            better = self.attempt(now, firm) or self.attempt_each(now, firm)
            better = better or self.attempt_first(now, names)
            if better is None:
                break
            now = better
        return self.explain(now)

    def explain(self, now: Fixed) -> Fixed:
        """Return what is fixed, with the reason in the hint of each error that is left for one."""
        found = tuple(
            replace(each, hint=each.hint.followed_by(f" (not fixed: {self.uncovered[_key(each)]})"))
            if isinstance(each.hint, Suggestion) and _key(each) in self.uncovered
            else each
            for each in now.checked.found
        )
        return Fixed(now.text, now.fixed, now.checked._replace(found=found))

    def list_fixable(self, now: Fixed) -> list[Diagnostic]:
        """Return the errors in this text whose remedy is sure."""
        lines = tuple(LINE_END.split(now.text))
        errors = [each for each in now.checked.found if each.severity == "error"]
        wrong = {text for each in errors for _, text in each.span.lines()}  # names to mend as well
        doubtful = self.find_outvoted(errors)
        return [
            each
            for each in errors
            if each.fix is not None and each.fix.text not in wrong | doubtful
            if (each.span.source.name, each.span.source.lines) == (self.name, lines)
        ]

    def find_outvoted(self, errors: Sequence[Diagnostic]) -> set[str]:
        """Return the declared names near which a name that is declared nowhere is written more
        often: then the declaration may be what is misspelt."""
        hints = [each.hint for each in errors if _is_of_declared(each)]
        return {
            hint.meant
            for hint in hints
            if isinstance(hint, Suggestion) and 0 < self.words[hint.meant] < self.words[hint.given]
        }

    def attempt(self, now: Fixed, wanted: Sequence[Diagnostic]) -> Fixed | None:
        """Return the text with all these errors fixed, and those that only come to light then; None
        if that is not certainly better."""
        before, then = _count_errors(now), self.change(now, wanted)
        known = before.keys() - {_key(each) for each in wanted}  # of one mistake twice in a line
        for _ in range(MAX_ROUNDS):
            hidden = [each for each in self.list_fixable(then) if _key(each) not in known]
            if not hidden:
                break
            then = self.change(then, hidden)
        after = _count_errors(then)
        new = after - before
        if len(wanted) == 1 and new:
            messages = list(dict.fromkeys(message for _, _, message, _ in new))
            more = f", and {len(messages) - 1} more" if len(messages) > 1 else ""
            self.uncovered[_key(wanted[0])] = f"it would uncover: {messages[0]}{more}"
        return None if new or after.total() >= before.total() else then

    def change(self, now: Fixed, wanted: Sequence[Diagnostic]) -> Fixed:
        """Return the text with these errors fixed, whatever comes of it."""
        text = apply_fixes(now.text, [each.fix for each in wanted if each.fix is not None])
        checked = now.checked if text == now.text else self.look(text)
        once = {each.fix: each for each in reversed(wanted)}  # an alias repeats an error
        return Fixed(text, (*now.fixed, *reversed(once.values())), checked)

    def attempt_first(self, now: Fixed, wanted: Sequence[Diagnostic]) -> Fixed | None:
        """Return the text with the first of these errors fixed that can be; None if none can."""
        return next(filter(None, (self.attempt(now, [each]) for each in wanted)), None)

    def attempt_each(self, now: Fixed, wanted: Sequence[Diagnostic]) -> Fixed | None:
        """Return the text with those of these errors fixed that can be fixed by themselves."""
        first = now
        for each in reversed(wanted):  # so that the places of those before it stay right
            now = self.attempt(now, [each]) or now
        return None if now is first else now


def _is_of_declared(error: Diagnostic) -> bool:
    return isinstance(error.hint, Suggestion) and error.hint.declared


def _count_errors(now: Fixed) -> Counter[_Key]:
    return Counter(_key(each) for each in now.checked.found if each.severity == "error")


def _key(error: Diagnostic) -> _Key:
    """Return what tells an error from others; a fix before it moves it within its line alone."""
    return error.span.source.name, error.code, error.message, error.span.line


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot read the file: {reason(error)}") from error


def _write(path: Path, before: bytes, raw: bytes) -> None:
    """Write a file anew, with the permissions that it has. before: its content when it was read."""
    target = path.resolve()  # a link stays one
    if not os.access(target, os.W_OK):
        raise UserError(f"cannot write {path}: it is read-only", "allow it: chmod u+w")
    with writing(target, hint="fix it in a folder that can be written") as temporary:
        temporary.touch(0o600)
        shutil.copymode(target, temporary)
        temporary.write_bytes(raw)
        if _read(target) != before:
            raise UserError(f"{path} has changed since it was read", "check it again")
