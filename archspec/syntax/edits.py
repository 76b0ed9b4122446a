"""Read the edits of a list under `edit`, each into a record.

- {at: head, set: {units: 10}}
- {at: "stage3.**", of: {Conv2D: {kernel_size: 3}}, set: {dilation_rate: 2}}
- {of: {Activation: relu}, replace: {Activation: gelu}}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from msgspec import Struct

from archspec.errors import Span
from archspec.syntax.source import Value
from archspec.syntax.steps import BlockCall, Body, LayerCall, read_body, read_step
from archspec.syntax.words import MODIFIERS, WORDS

VERBS = ("set", "replace", "remove", "insert_before", "insert_after", "rename", "freeze")
EXAMPLES = "{at: stage3, remove: true}; {of: {Activation: relu}, set: {activation: gelu}}"
NO_CALL = {*WORDS, *MODIFIERS}  # the words of a step that is neither a layer nor a block call
PART = r"(\*\*|\*|\*?[A-Za-z0-9_-]+(\*[A-Za-z0-9_-]+)*\*?)"
PATTERN = rf"^{PART}(\.{PART})*$"  # as it may be written
TAKES_AWAY = ("replace", "remove")  # after these nothing of the old step is left to edit


class Pattern(Struct, frozen=True, eq=False):
    """A pattern for the dotted names of steps: `head`, `stage*.unit0`, `**.main`.

    value: as it is written. `*` stands for any letters of one part of a name, `**` for any number
    of parts.
    """

    value: Value
    regex: re.Pattern[str]

    @property
    def text(self) -> str:
        """The pattern as it is written."""
        return str(self.value.data)

    @property
    def is_name(self) -> bool:
        """Whether it is a whole name, and fits no other."""
        return "*" not in self.text

    def says(self, name: str, depth: int) -> bool:
        """Return whether it fits a name, and has a part of that name letter for letter."""
        parts = name.split(".")
        said, parts[depth] = parts[depth], "?"  # which is in no name: only a `*` can fit it
        is_there = said in self.text.split(".") and self.fits(name)
        return is_there and not self.fits(".".join(parts))

    def fits(self, name: str) -> bool:
        """Return whether the pattern fits a name."""
        return self.regex.fullmatch(name) is not None


class Edit(Struct, frozen=True, eq=False):
    """One edit: which steps it is for, and what it does to them.

    written: the edit as it is written.
    patterns: under `at`; () for steps of any name. of: the layer or block that a step must be, with
    the arguments that it must have. verb: one of VERBS, and what stands under it: `value`, and the
    steps in it, `body`, where these are steps. is_list: whether `replace` has a list of steps.
    is_setting: whether it is given as a setting, `head.units=10`.
    """

    written: Value
    verb: str
    value: Value
    verb_span: Span
    patterns: tuple[Pattern, ...] = ()
    of: LayerCall | BlockCall | None = None
    body: Body | None = None
    is_list: bool = False
    is_setting: bool = False

    @property
    def span(self) -> Span:
        """The place where the edit is written."""
        return self.written.span

    @property
    def is_of_one(self) -> bool:
        """Whether it names each of its steps whole."""
        return bool(self.patterns) and all(each.is_name for each in self.patterns)

    @property
    def takes_away(self) -> bool:
        """Whether nothing of the old step is left after it."""
        return self.verb in TAKES_AWAY

    @property
    def is_of_step(self) -> bool:
        """Whether it is about the step itself, and not about what is put beside it."""
        return self.verb not in ("insert_before", "insert_after")

    @property
    def changes_values(self) -> bool:
        """Whether the steps after it may take other values than before it."""
        return self.verb not in ("rename", "freeze")

    @property
    def makes_group(self) -> bool:
        """Whether its steps are a group in place of the old one: a list, a loop or under `when`."""
        steps = self.body.steps if self.body is not None else ()
        conditional = any(each.loop is not None or each.condition is not None for each in steps)
        return self.is_list or conditional


def read_edits(value: Value | None, broken: Collection[Span] = ()) -> tuple[Edit, ...]:
    """Return the edits of a list, without those that the schema refused."""
    if value is None or value.data is None:
        return ()
    return tuple(_read_edit(each, broken) for each in value.data if each.span not in broken)


def _read_edit(value: Value, broken: Collection[Span]) -> Edit:
    verb = next(key for key in value.data if key in VERBS)
    under = value.data[verb]
    is_list = isinstance(under.data, tuple)
    body = None
    if verb in ("replace", "insert_before", "insert_after"):
        body = read_body(under, broken) if is_list else Body((read_step(under, broken),))
    of = value.get("of")
    wanted = None if of is None else read_step(of, broken)
    assert wanted is None or isinstance(wanted, LayerCall | BlockCall)
    return Edit(
        value,
        verb,
        under,
        value.key_span(verb),
        _read_patterns(value.get("at")),
        wanted,
        body,
        is_list,
    )


def _read_patterns(value: Value | None) -> tuple[Pattern, ...]:
    if value is None:
        return ()
    written = value.data if isinstance(value.data, tuple) else (value,)
    return tuple(Pattern(each, translate(str(each.data))) for each in written)


def translate(pattern: str) -> re.Pattern[str]:
    r"""Return the regular expression of a pattern.

    What a `*` or `**` ends with is taken where it comes first, and not tried again, so that no name
    takes long.

    >>> translate("stage*.conv2d").pattern
    'stage[^.]*\\.conv2d'
    >>> [bool(translate("stage3.**").fullmatch(name)) for name in ("stage3", "stage3.unit0.main")]
    [False, True]
    """
    segments: list[list[str]] = [[]]
    for part in pattern.split("."):
        if part != "**":
            segments[-1].append(_translate_part(part))
        elif segments[-1] or len(segments) == 1:
            segments.append([])
    first, *others = segments
    if not others:
        return re.compile(r"\.".join(first))
    *middle, last = others
    regex = "".join(rf"{part}\." for part in first)
    for segment in middle:
        inside = "".join(rf"{part}\." for part in segment)
        regex += rf"(?>(?:[^.]+\.)*?{inside})"
    end = r"\.".join(last)
    return re.compile(regex + (rf"(?:[^.]+\.)*{end}" if last else r"[^.]+(?:\.[^.]+)*"))


def _translate_part(part: str) -> str:
    first, *others = map(re.escape, re.sub(r"\*+", "*", part).split("*"))
    if not others:
        return first
    *middle, last = others
    return first + "".join(rf"(?>[^.]*?{each})" for each in middle) + rf"[^.]*{last}"


def find_fault(edit: Value) -> tuple[str, str] | None:
    """Return what is wrong with an edit that the schema takes, and a hint."""
    verbs = [key for key in edit.data if key in VERBS]
    if len(verbs) > 1:
        message = f"an edit does one thing, and this has `{verbs[0]}` and `{verbs[1]}`"
        return message, _hint_for_two(verbs)
    if not verbs:
        return f"an edit does something: {', '.join(VERBS)}", EXAMPLES
    if "at" not in edit.data and "of" not in edit.data:
        return "an edit says which steps it is for, by `at`, `of` or both", EXAMPLES
    if verbs[0].startswith("insert") and edit.data[verbs[0]].data == ():
        return f"`{verbs[0]}` has no steps", f"write {verbs[0]}: ReLU, or a list of steps"
    of = edit.get("of")
    if (
        of is not None
        and isinstance(of.data, dict)
        and (len(of.data) != 1 or set(of.data) & NO_CALL)
    ):
        message = "`of` names one layer or block, alone or with arguments that it must have"
        return message, EXAMPLES
    return None


def _hint_for_two(verbs: Sequence[str]) -> str:
    """Return the hint for an edit with several verbs."""
    if not any(each in TAKES_AWAY for each in verbs):
        return "write an edit for each"
    if any(each.startswith("insert") for each in verbs):
        return "write them in place of the step: `replace` with a list"
    return "write it into the new step" if "replace" in verbs else "leave one of them out"
