"""Find the steps that edits are for, and say what becomes of a step that has some.

Edits of a file act while the network is expanded, at places that were found before: the network is
expanded without them, their patterns are matched with the final names of its steps, and the place
of each step that fits is kept. A place is a number for the way that leads to a step: the written
steps around it, each with its iteration. It is the same in the next expansion, in which a step at
such a place is changed before it is expanded, so that shapes and conditions follow.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archspec.arguments import show
from archspec.errors import Note, Refused, Span, closest, did_you_mean, one_of
from archspec.expand.context import Call, Context
from archspec.expand.defaults import file_defaults
from archspec.expand.drafts import Draft, Previous
from archspec.expand.expansion import Expansion, Failed, Matched
from archspec.expand.names import make_entry
from archspec.expand.references import is_pattern
from archspec.expand.scopes import Entry, Renamed, Scope, snake_case
from archspec.expand.values import evaluate, fill, find_params
from archspec.graph import EditCount
from archspec.infer import bind_arguments
from archspec.layers import LAYERS, traits_of
from archspec.loading.files import EditLevel
from archspec.syntax.edits import Edit, Pattern, translate
from archspec.syntax.source import Value
from archspec.syntax.steps import (
    Arguments,
    BlockCall,
    Body,
    Branch,
    Branches,
    Group,
    LayerCall,
    Reuse,
    Step,
)
from archspec.syntax.words import MODIFIERS, WORDS

Places = dict[tuple[int, Step, int], int]


def find_place(context: Context, step: Step, index: int, out: Expansion) -> int:
    """Return the place of a step in an iteration, by which the next expansion finds it again."""
    return out.places.setdefault((context.place, step, index), len(out.places) + 1)


# --- matching ------------------------------------------------------------------------------------


def match_edits(
    level: EditLevel, number: int, out: Expansion
) -> tuple[dict[int, list[Matched]], tuple[EditCount, ...]]:
    """Return the edits of a file by the places of the steps that they are for, and the number of
    steps that each met.

    number: which level it is, from 1. out: the expansion of the network without them. Raises
    `Failed` after reporting every edit that is for no step, or cannot be made.
    """
    finder = _Finder(level, out)
    found: dict[int, list[Matched]] = defaultdict(list)
    errors: list[int] = []
    for index, edit in enumerate(level.edits):
        met: dict[int, tuple[str, Entry]] = {}
        for pattern in edit.patterns or (None,):
            try:
                met.update(finder.find(edit, pattern))
            except Failed as failed:
                errors += failed.errors
        if edit.takes_away:  # what is around a step takes it away as well
            around = {place: set(_iter_around(place, finder.keys)) for place in met}
            met = {place: each for place, each in met.items() if not around[place] & met.keys()}
        try:
            for name, entry in met.values():
                finder.check(edit, name, entry)
        except Failed as failed:  # at the other steps it is the same mistake
            errors += failed.errors
            continue
        for place, (name, _) in met.items():
            found[place].append(Matched(edit, number, name, index))
    left = _leave_what_is_taken_away(found, finder.keys)
    errors += _report_conflicts(left, out)
    if errors:
        raise Failed(*errors)
    met_by = Counter(each.edit for edits in left.values() for each in edits)
    return left, tuple(EditCount(each.span, met_by[each]) for each in level.edits)


class _Finder:
    """Finds the steps of an expanded network that a pattern fits."""

    def __init__(self, level: EditLevel, out: Expansion) -> None:
        self.level, self.out = level, out
        self.keys = {place: key for key, place in out.places.items()}
        self.entries = [(name, entry) for name, entry in out.names if entry.place]
        self.wanted: dict[tuple[Edit, str], Mapping[str, Any]] = {}

    def find(self, edit: Edit, pattern: Pattern | None) -> dict[int, tuple[str, Entry]]:
        """Return the names and entries of the steps that an edit is for, by their places.

        Raises `Failed` if there are none.
        """
        named = [
            (name, entry) for name, entry in self.entries if pattern is None or pattern.fits(name)
        ]
        fitting = [
            (name, entry) for name, entry in named if edit.of is None or self._is(entry, edit)
        ]
        found: dict[int, tuple[str, Entry]] = {}
        for name, entry in fitting:
            if not entry.reused:
                found.setdefault(entry.place, (name, entry))
        if not found:
            raise Failed(self._report_nothing(edit, pattern, named, fitting))
        if pattern is not None and pattern.is_name:
            self._check_not_numbered(edit, pattern, *next(iter(found.values())))
        return found

    def _is(self, entry: Entry, edit: Edit) -> bool:
        """Return whether a step is the layer or block that an edit names under `of`."""
        of = edit.of
        assert of is not None
        if isinstance(entry.block, Call):
            block, scope = entry.block.block, entry.scope
            if block.name != of.label or scope is None:
                return False
            if of.arguments is None:
                return True
            known = [name for name, _, _ in block.value.entries_of("params")]
            given = of.arguments.by_name(next(iter(known), ""))
            for name in given.keys() - known:
                message = f"the block '{block.name}' has no param '{name}'"
                hint = did_you_mean(name, known) or f"its params: {', '.join(known) or 'none'}"
                span = of.arguments.keys.get(name, of.span)
                raise Failed(self.out.error("unknown-argument", message, span, hint))
            return all(scope.params[name] == self._evaluate(each) for name, each in given.items())
        draft = entry.value
        if not isinstance(draft, Draft) or entry.scope is not None or draft.op != of.label:
            return False
        if of.arguments is None or draft.op not in LAYERS:
            return True
        wanted = self._normalize(edit, draft)
        return all(draft.arguments.get(name) == value for name, value in wanted.items())

    def _evaluate(self, value: Value) -> Any:
        env, _ = find_params(self.out.spec.home, self.out)
        return evaluate(value, env, (), self.out)

    def _normalize(self, edit: Edit, draft: Draft) -> Mapping[str, Any]:
        """Return the arguments under `of` in normal form, as those of a layer are."""
        of = edit.of
        assert of is not None
        assert of.arguments is not None
        key = (edit, draft.op)
        if key not in self.wanted:
            first = next(iter(LAYERS[draft.op].arguments))
            given = of.arguments.by_name(first)
            values = {name: self._evaluate(value) for name, value in given.items()}
            try:
                bound = bind_arguments(draft.op, {**_as_written(draft.arguments), **values})
            except Refused as refused:
                raise Failed(self.out.refuse(refused, of.span, ())) from None
            self.wanted[key] = {name: bound[name] for name in values}
        return self.wanted[key]

    def _report_nothing(
        self,
        edit: Edit,
        pattern: Pattern | None,
        named: Sequence[tuple[str, Entry]],
        fitting: Sequence[tuple[str, Entry]],
    ) -> int:
        """Report an edit that is for no step, with the reason as far as it is known."""
        out = self.out
        span = pattern.value.span if pattern is not None else edit.of.span if edit.of else edit.span
        if fitting:
            message = f"'{fitting[0][0]}' is called again by `reuse`, and has no steps of its own"
            return out.error("edit-reused", message, span, "edit the step that it reuses")
        if pattern is not None and not named:
            message = (
                f"the edit meets no step: none of {self.level.name} is called '{pattern.text}'"
            )
            if (written := self._find_written(edit, pattern)) is not None:
                return self._report_written(written, message, span)
            skipped = [
                (name, entry) for name, entry in _iter_skipped(out.top) if pattern.fits(name)
            ]
            if skipped:
                name, entry = skipped[0]
                note = Note(f"'{name}' is not there: this is false", entry.span)
                if entry.edited is not None:
                    note = Note(f"'{name}' is not there: this removes it", entry.edited)
                notes = (note, *self._changes(span))
                return out.error("edit-no-match", message, span, None, notes)
            hint, trail = self._suggest(pattern), self._explain_absence(pattern)
            if edit.is_setting:
                message = (
                    f"'{pattern.text}' is neither a step of {self.level.name} nor a place in it"
                )
                places = list(dict.fromkeys(["params", "train", *out.spec.root.data]))
                near = did_you_mean(pattern.text.split(".")[0], places)
                hint = near or f"{hint or ''}; places: {', '.join(places)}".removeprefix("; ")
            hint = None if trail else hint
            return out.error("edit-no-match", message, span, hint, (*trail, *self._changes(span)))
        assert edit.of is not None
        where = self.level.name if pattern is None else f"the steps that '{pattern.text}' fits"
        message = f"the edit meets no step: none of {where} is {_words(edit.of)}"
        known = _kinds(named)
        if edit.of.label not in known and (written := self._find_written(edit, None)) is not None:
            return self._report_written(written, message, span)
        near = did_you_mean(edit.of.label, known) if edit.of.label not in known else None
        if pattern is not None and edit.of.label not in known:
            within = translate(f"{pattern.text}.**")
            inside = _kinds([each for each in self.entries if within.fullmatch(each[0])])
            if edit.of.label in inside:
                near = f"write `at: {pattern.text}.**` for what is in '{pattern.text}'"
        hint = near or (f"there are {', '.join(known[:12])}" if known else None)
        there = [entry.value for _, entry in named if isinstance(entry.value, Draft)]
        drafts = [each for each in there if each.op == edit.of.label]
        if drafts and edit.of.arguments is not None:
            first = next(iter(LAYERS[edit.of.label].arguments))
            given = edit.of.arguments.by_name(first)
            values = (
                ", ".join(f"{name}: {show(each.arguments.get(name))}" for name in given)
                for each in drafts
            )
            hint = f"there are {'; '.join(list(dict.fromkeys(values))[:6])}"
        return out.error("edit-no-match", message, span, hint, self._changes(span))

    def _changes(self, span: Span) -> tuple[Note, ...]:
        """Return a note on each param that is given above the file with an edit: it may have lost
        its steps by that."""
        files, params = self.out.spec.files, self.out.spec.root.get("params")
        if span.source not in files or params is None:
            return ()
        below = files[files.index(span.source) :]
        given = [(name, each) for name, each in params.items() if each.span.source not in below]
        return tuple(Note(f"'{name}' is given here", each.span) for name, each in given[:3])

    def _find_written(self, edit: Edit, pattern: Pattern | None) -> Edit | None:
        """Return the edit of the same file that writes or names what another looks for, if any."""
        last = pattern.text.rpartition(".")[2] if pattern is not None else ""
        wanted = translate(last) if last.strip("*") else None
        for other in self.level.edits:
            steps = list(other.body.walk()) if other.body is not None and other is not edit else []
            names = [each.name.data if each.name else snake_case(each.label) for each in steps]
            if other.verb == "rename":
                names.append(other.value.data)
            if wanted is not None and any(wanted.fullmatch(str(name)) for name in names):
                return other
            if wanted is None and edit.of and edit.of.label in [each.label for each in steps]:
                return other
        return None

    def _report_written(self, written: Edit, message: str, span: Span) -> int:
        """Report an edit of what another edit of the same file writes or renames."""
        remedy = "write the change into the edit that writes them"
        if written.verb == "rename":
            remedy = "use the name before it"
        hint = f"an edit sees the steps as they are before the edits of its file: {remedy}"
        note = Note(f"{written.verb} is written here", written.verb_span)
        return self.out.error("edit-no-match", message, span, hint, (note,))

    def _explain_absence(self, pattern: Pattern) -> tuple[Note, ...]:
        """Return a note on the nearest step around a name, if a `when` decides what is in it."""
        by_name = dict(self.entries)
        around = pattern.text
        while "." in around:
            around = around.rpartition(".")[0]
            if around not in by_name:
                continue
            place = by_name[around].place
            inside = (key[1] for key in self.out.places if key[0] == place)
            conditions = (each.condition for each in (self.keys[place][1], *inside))
            condition = next((each for each in conditions if each is not None), None)
            if condition is None:
                return ()
            return (Note(f"what '{around}' holds is decided here", condition.span),)
        return ()

    def _suggest(self, pattern: Pattern) -> str | None:
        """Return the hint for a pattern that no name fits: the nearest one."""
        if pattern.text in {draft.name for draft in self.out.drafts if draft.op == "InputLayer"}:
            return f"'{pattern.text}' is an input, and no step: edit the steps that take it"
        around, _, last = pattern.text.rpartition(".")
        if last in _kinds(self.entries):
            return f"did you mean `{f'at: {around}.**, ' if around else ''}of: {last}`?"
        names = [name for name, _ in self.entries]
        if pattern.is_name and (wider := _suggest_numbers(pattern.text, names)) is not None:
            return one_of([wider])
        if around in names:
            names = [name for name in names if name.startswith(f"{around}.")]
        near = did_you_mean(pattern.text, names) if pattern.is_name else None
        if near is not None:
            return near
        if (inside := self._suggest_inside(pattern)) is not None:
            return inside
        head, *rest = pattern.text.split(".")
        firsts = list(dict.fromkeys(name.split(".")[0] for name in names))
        near = did_you_mean(head, firsts) if "*" not in head else None
        if near is not None and rest:
            return near.replace("'?", f".{'.'.join(rest)}'?")
        return near or f"its steps: {', '.join(firsts[:12])}{', ...' if len(firsts) > 12 else ''}"

    def _suggest_inside(self, pattern: Pattern) -> str | None:
        """Return the hint for a pattern whose first parts fit steps: what is in these."""
        names = [name for name, _ in self.entries]
        parts = pattern.text.split(".")
        for depth in range(len(parts) - 1, 0, -1):
            around = ".".join(parts[:depth])
            wanted = translate(around)
            found = dict.fromkeys(name for name in names if wanted.fullmatch(name))
            if not found:
                continue
            inside = [name for name in names if name.rpartition(".")[0] in found]
            if parts[depth - 1] == "**":  # which stands for no part as well
                inside += found
            ends = list(dict.fromkeys(name.rpartition(".")[2] for name in inside))
            if not ends:
                return f"'{around}' has no steps inside"
            near = closest(parts[depth], ends) if "*" not in parts[depth] else None
            meant = ".".join([around, near or "", *parts[depth + 1 :]])
            if near is not None and any(map(translate(meant).fullmatch, names)):
                return one_of([meant])
            where = f"in '{around}' there are" if around.strip("*.") else "names end in"
            return f"{where} {', '.join(ends[:12])}{', ...' if len(ends) > 12 else ''}"
        return None

    def _check_not_numbered(self, edit: Edit, pattern: Pattern, name: str, entry: Entry) -> None:
        """Raise `Failed` for a name that is only the number of a step among others of its kind."""
        last, draft = name.rpartition(".")[2], entry.value
        if entry.named or not isinstance(draft, Draft):
            return
        base = snake_case(draft.op) if entry.scope is None else entry.block.block.name
        if last == base:
            return
        message = f"'{name}' is the number of an unnamed step, which changes when steps are added"
        hint = "give that step a `name`, or say by `of` which layer is meant"
        span = pattern.value.span
        notes = (Note("the step is written here", entry.span),)
        raise self.out.fail("edit-numbered", message, span, hint, notes)

    def check(self, edit: Edit, name: str, entry: Entry) -> None:
        """Raise `Failed` for an edit that cannot be made at a step."""
        parent, step, _ = self.keys[entry.place]
        is_merge = isinstance(above := self._step_at(parent), Branches) and above.merge is step
        written = (Note("the step is written here", entry.span),)
        if edit.verb == "set":
            self._check_set(edit, name, step, entry)
        elif edit.verb == "replace" and edit.makes_group and (is_merge or _takes_several(step)):
            message = f"'{name}' takes several values, so that one step alone can replace it"
            hint = "write it without a list, a loop and `when`; insert_after puts others after it"
            raise self.out.fail("edit-inputs", message, edit.verb_span, hint, written)
        elif edit.verb in ("remove", "insert_before") and (is_merge or _takes_several(step)):
            what = "has nothing before it" if edit.verb == "insert_before" else "cannot be removed"
            message = f"'{name}' takes several values, so it {what}"
            hint = "name the step that gives one of them"
            if edit.verb == "remove" and isinstance(above, Branches):
                hint = _hint_for_merge(above, name)
            elif edit.verb == "remove":
                hint = "`replace: {from: previous}` passes on the step before it alone"
            raise self.out.fail("edit-inputs", message, edit.verb_span, hint, written)
        elif edit.verb == "freeze" and isinstance(step, Reuse):
            message = f"'{name}' has the weights of another step"
            raise self.out.fail(
                "edit-reused", message, edit.verb_span, "freeze the step that it reuses", written
            )

    def _step_at(self, place: int) -> Step | None:
        return self.keys[place][1] if place else None

    def _check_set(self, edit: Edit, name: str, step: Step, entry: Entry) -> None:
        """Raise `Failed` for arguments that a step does not have."""
        out = self.out
        written = (Note("the step is written here", entry.span),)
        if isinstance(step, Reuse):
            message = f"'{name}' has the arguments of the step that it reuses"
            raise out.fail("edit-reused", message, edit.verb_span, "edit that one", written)
        if isinstance(entry.block, Call):
            block = entry.block.block
            known = [param for param, _, _ in block.value.entries_of("params")]
            what, kind = f"the block '{block.name}'", "param"
        elif isinstance(entry.value, Draft) and entry.scope is None:
            what, kind = entry.value.op, "argument"
            known = list(LAYERS[what].arguments)
        else:
            message = f"'{name}' is a group of steps, and has no arguments"
            hint = f"name a layer in it, or all of one kind: at: {name}.**, of: LAYER"
            if "trainable" in edit.value.data:
                hint = "write `freeze: true` to keep the weights in it as they are"
            raise out.fail("edit-set", message, edit.verb_span, hint, written)
        errors = []
        for key in edit.value.data:
            if key not in known:
                message = f"{what} has no {kind} '{key}', at '{name}'"
                hint = f"its {kind}s: {', '.join(known[:12]) or 'none'}"
                if key in (*MODIFIERS, *WORDS):
                    message = f"`{key}` is no {kind}, and `set` gives {kind}s alone"
                    hint = "write `rename`" if key == "name" else "write the step under `replace`"
                elif near := did_you_mean(key, known):
                    hint = near
                elif kind == "param" and (inner := self._find_taking(key, name)):
                    hint += f"; or set that of a layer in it: at: {name}.**, of: {inner}"
                elif edit.of is None and any(not each.is_name for each in edit.patterns):
                    hint = "say by `of` which layer is meant: of: LAYER"
                span = edit.value.key_span(key)
                errors.append(out.error("edit-set", message, span, hint, written))
        if errors:
            raise Failed(*errors)

    def _find_taking(self, argument: str, around: str) -> str | None:
        """Return the first layer within a step that has an argument of a name."""
        inside = _kinds([each for each in self.entries if each[0].startswith(f"{around}.")])
        return next(
            (op for op in inside if op in LAYERS and argument in LAYERS[op].arguments), None
        )


def _as_written(value: Any) -> Any:
    """Return arguments in normal form as a spec would have them, with lists for tuples."""
    if isinstance(value, Mapping):
        return {key: _as_written(each) for key, each in value.items()}
    return [_as_written(each) for each in value] if isinstance(value, tuple | list) else value


def _hint_for_merge(step: Branches, name: str) -> str:
    """Return the hint for a merge that an edit removes."""
    named = [each.key for each in step.branches if each.key and "{" not in each.key]
    if (
        not named
        or not isinstance(step.merge, LayerCall)
        or not traits_of(step.merge.label).joins_any
    ):
        return "replace it"
    around = name.rpartition(".")[0]
    branch = f"{around}.{named[-1]}" if around else named[-1]
    return f"remove branches, until one is left: at: {branch}"


def _suggest_numbers(name: str, names: Sequence[str]) -> str | None:
    """Return the pattern for steps that have numbers where a name has none; None if none fits.

    >>> _suggest_numbers("stage.main", ["stage0.main", "stage1.main"])
    'stage*.main'
    """
    parts = name.split(".")
    numbered = re.compile(r"\.".join(rf"{re.escape(each)}(\d*)" for each in parts))
    found = [match.groups() for each in names if (match := numbered.fullmatch(each))]
    if not found:
        return None
    numbers = zip(*found, strict=True)
    return ".".join(
        f"{part}*" if any(each) else part for part, each in zip(parts, numbers, strict=True)
    )


def _kinds(named: Sequence[tuple[str, Entry]]) -> list[str]:
    """Return the layers that some steps are, each once, and then the blocks that they call."""
    kinds: dict[bool, dict[str, None]] = {False: {}, True: {}}
    for _, entry in named:
        if isinstance(entry.block, Call):
            kinds[True][entry.block.block.name] = None
        elif isinstance(entry.value, Draft) and entry.scope is None:
            kinds[False][entry.value.op] = None
    return [*kinds[False], *kinds[True]]


def _words(of: Step) -> str:
    """Return what `of` asks for in words: `Conv2D with kernel_size: 3`."""
    arguments = of.arguments if isinstance(of, LayerCall | BlockCall) else None
    if arguments is None:
        return of.label
    if arguments.first is not None:
        return f"{of.label} with {show(arguments.first.data)}"
    return f"{of.label} with {', '.join(arguments.named)} as given"


def _iter_skipped(scope: Scope) -> Iterator[tuple[str, Entry]]:
    """Yield the steps that a `when` or an edit leaves out, with their names, in all scopes."""
    for each in scope.walk():
        for name, entry in each.named.items():
            if entry.skipped or entry.removed:
                yield each.join(name), entry


def _takes_several(step: Step) -> bool:
    """Return whether a step names several steps by its `from`."""
    sources = step.sources
    if sources is None:
        return False
    return not sources.single or is_pattern(sources.names[0])


def _find_taken_away(found: Mapping[int, Sequence[Matched]]) -> dict[int, Matched]:
    """Return the edits that take steps away, by the places of these."""
    return {
        place: next(each for each in edits if each.edit.takes_away)
        for place, edits in found.items()
        if any(each.edit.takes_away for each in edits)
    }


def _leave_what_is_taken_away(
    found: Mapping[int, Sequence[Matched]], keys: Mapping[int, tuple[int, Step, int]]
) -> dict[int, list[Matched]]:
    """Return edits without what lies in a step that another takes away, for those by `of` or by a
    pattern that meet other steps too: `all ReLUs` are all that are left."""
    gone = _find_taken_away(found)
    inside = {
        place for place in found if any(around in gone for around in _iter_around(place, keys))
    }
    meet_others = {
        each.edit
        for place, edits in found.items()
        if place not in inside and place not in gone
        for each in edits
    }
    removed = {place: each.edit for place, each in gone.items() if each.edit.verb == "remove"}

    def is_left(place: int, each: Matched) -> bool:
        taken = place in inside or removed.get(place, each.edit) is not each.edit
        return not taken or each.edit.is_of_one or each.edit not in meet_others

    left = {
        place: [each for each in edits if is_left(place, each)] for place, edits in found.items()
    }
    return {place: edits for place, edits in left.items() if edits}


def _report_conflicts(found: Mapping[int, Sequence[Matched]], out: Expansion) -> list[int]:
    """Report every edit of a step that another edit takes away."""
    keys = {place: key for key, place in out.places.items()}
    gone = _find_taken_away(found)
    errors: list[int] = []
    hint = "leave one of them out"
    for place, edits in found.items():
        first = gone.get(place)
        others = [each for each in edits if first is not None and each is not first]
        if first is not None and others:
            each = max(first, others[0], key=lambda each: each.edit.span.line)
            other = first if each is not first else others[0]
            message = f"'{each.name}' has another edit, and one of them takes it away"
            note = Note(f"{other.edit.verb} is written here", other.edit.verb_span)
            errors.append(out.error("edit-conflict", message, each.edit.verb_span, hint, (note,)))
            continue
        for around in _iter_around(place, keys):
            if around in gone:
                message = f"'{edits[0].name}' lies in '{gone[around].name}', "
                message += "which another edit takes away"
                edit = gone[around].edit
                note = Note(f"{edit.verb} is written here", edit.verb_span)
                span = edits[0].edit.verb_span
                errors.append(out.error("edit-conflict", message, span, hint, (note,)))
                break
    return errors


def _iter_around(place: int, keys: Mapping[int, tuple[int, Step, int]]) -> Iterator[int]:
    """Yield the places around a place, the nearest first."""
    while place:
        place = keys[place][0]
        yield place


# --- making --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Insertion:
    """Steps that an edit puts before or after another, and the context that they are in."""

    body: Body
    context: Context

    @property
    def is_side_line(self) -> bool:
        """Whether the steps take another value than that of the step before them."""
        sources = self.body.steps[0].sources if self.body.steps else None
        return sources is not None and all(each.data != "previous" for each in sources.names)

    def within(self, context: Context) -> Insertion:
        """Return the same steps in the scope of a branch that they are put into."""
        inside = replace(self.context, scope=context.scope, fed=context.fed, depth=context.depth)
        return replace(self, context=inside)


@dataclass(frozen=True, slots=True, eq=False)
class OldName:
    """A name that a step had before an edit of a level. named: whether it was explicit."""

    name: str
    level: int
    named: bool


@dataclass(frozen=True, slots=True, eq=False)
class EditedStep:
    """A step with its edits: what is expanded in its place.

    step: None if it is removed. context: that of the step. old_name: of the step before the edits.
    old_names: those that edits changed, under which the files below know it. replaced: whether
    another step is in its place, with the context `inside` of the file that has the edit.
    """

    step: Step | None
    context: Context
    inside: Context
    edits: tuple[Matched, ...]
    old_name: str
    name: str | None
    before: tuple[Insertion, ...] = ()
    after: tuple[Insertion, ...] = ()
    replaced: Matched | None = None
    removed: Matched | None = None
    renamed: Matched | None = None
    old_names: tuple[OldName, ...] = ()

    def inside_of(self, context: Context) -> Context:
        """Return the context of the steps that replace those of a branch, in its scope."""
        return replace(self.inside, scope=context.scope, fed=context.fed, depth=context.depth)


def edit_step(step: Step, context: Context, name: str | None, out: Expansion) -> EditedStep:
    """Return a step with the edits at its place. Raises `Failed`.

    name: its explicit name, if it has one.
    """
    edits = out.edits[context.place]
    out.met.add(context.place)
    in_blocks = step.label in context.home.blocks
    old_name = name or (step.label if in_blocks else snake_case(step.label))
    context = _with_edits(context, edits, out)
    inside = context
    before: list[Insertion] = []
    after: list[Insertion] = []
    replaced = removed = renamed = None
    old_names: list[OldName] = []
    changed: Step | None = step
    for each in edits:
        edit = each.edit
        within = _context_of_edit(context, each, out)
        if edit.verb == "set":
            assert isinstance(changed, LayerCall | BlockCall)
            changed = _set_arguments(changed, edit.value, context)
            if "trainable" in edit.value.data:
                context = _with_freeze(context, each.order, None)
        elif edit.verb == "freeze":
            context = _with_freeze(context, each.order, bool(edit.value.data))
        elif edit.verb == "rename":
            old_names.append(OldName(name or old_name, each.level, name is not None))
            renamed, name = each, fill(edit.value, context, out)
            assert changed is not None
            changed = replace(changed, name=edit.value)  # where errors in the name are
        elif edit.verb == "remove":
            removed, changed = each, None
        elif edit.verb == "replace":
            assert edit.body is not None
            old_names.append(OldName(name or old_name, each.level, name is not None))
            replaced, inside = each, within
            label = each.name.rpartition(".")[2]
            if edit.makes_group or isinstance(step, Branch):
                changed = Group(span=edit.span, body=edit.body)
                name = name or label
            else:
                (changed,) = edit.body.steps
        elif edit.body is not None:
            where = before if edit.verb == "insert_before" else after
            where.append(Insertion(edit.body, within))
    return EditedStep(
        changed,
        context,
        inside,
        tuple(edits),
        old_name,
        name,
        tuple(before),
        tuple(after),
        replaced,
        removed,
        renamed,
        tuple(old_names),
    )


def _with_edits(context: Context, edits: Sequence[Matched], out: Expansion) -> Context:
    """Return the context of an edited step: errors in it name the edits, and its formulas see the
    params of the file with them too."""
    notes = [Note("edited here", span) for span in dict.fromkeys(each.edit.span for each in edits)]
    env, _ = find_params(out.spec.home, out)
    inside = replace(context, env=env.extended(context.env, context.env.origins), edited=notes[-1])
    return inside.with_notes(*notes)


def _with_freeze(context: Context, order: tuple[int, int], frozen: bool | None) -> Context:
    """Return the context in which weights are frozen or not, unless a later edit says otherwise."""
    if context.freeze is not None and context.freeze[0] > order:
        return context
    return replace(context, freeze=(order, frozen))


def _context_of_edit(context: Context, matched: Matched, out: Expansion) -> Context:
    """Return the context of steps that an edit writes: that of the step which it edits, with the
    blocks and defaults of the file that has the edit."""
    home = out.spec.home
    env, _ = find_params(home, out)
    place = out.places.setdefault((context.place, _mark(matched.edit, out), 0), len(out.places) + 1)
    return replace(
        context, home=home, defaults=file_defaults(home, env), place=place, level=matched.level
    )


def _mark(edit: Edit, out: Expansion) -> Step:
    """Return what stands for an edit in the places of the steps that it writes."""
    return out.marks.setdefault(edit, Step(label=edit.verb, span=edit.span))


def _set_arguments(step: LayerCall | BlockCall, value: Value, context: Context) -> Step:
    """Return a call with other values for some of its arguments."""
    block = context.home.blocks.get(step.label)
    if block is not None:
        first = next((name for name, _, _ in block.value.entries_of("params")), "")
    else:
        first = next(iter(LAYERS[step.label].arguments), "")
    own = step.arguments
    named = {**(own.by_name(first) if own is not None else {}), **value.data}
    keys = {**(own.keys if own is not None else {}), **value.keys}
    return replace(step, arguments=Arguments(value.span, None, named, keys))


def enter_removed(edited: EditedStep, value: Previous, out: Expansion) -> None:
    """Enter the name of a step that an edit removes, for the errors of steps that refer to it."""
    assert edited.removed is not None
    entry = make_entry(edited.removed.edit.span, edited.context)
    entry.removed, entry.edited, entry.value = True, edited.removed.edit.span, value
    scope = edited.context.scope
    if edited.name is None:
        scope.unnamed.setdefault(edited.old_name, []).append(entry)  # so that others keep numbers
    else:
        scope.named.setdefault(edited.name, entry)


def notes_on_removed(steps: Collection[Step], context: Context, out: Expansion) -> list[Note]:
    """Return a note on each edit that removes one of the steps in a context."""
    here = (
        place
        for (around, step, _), place in out.places.items()
        if around == context.place and step in steps
    )
    edits = (each.edit for place in here for each in out.edits.get(place, ()))
    spans = dict.fromkeys(each.span for each in edits if each.verb == "remove")
    return [Note("removed here", span) for span in spans]


def enter_old_names(edited: EditedStep, out: Expansion) -> None:
    """Let the files below refer to an edited step by the names that it had before the edits."""
    entry = out.last_at.get(edited.context.place)
    if entry is None or not edited.old_names:
        return
    scope = edited.context.scope
    if edited.replaced is not None:
        entry.edited = edited.replaced.edit.span
    for each in edited.old_names:
        if scope.named.get(each.name) is not entry:
            scope.renamed[each.name] = Renamed(entry, each.level, each.named)
    first = edited.old_names[0]
    if first.named:
        return
    unnamed = scope.unnamed.setdefault(first.name, [])
    if entry in unnamed:
        entry.level = edited.context.level  # it keeps the number of the step that it replaces
    else:
        unnamed.append(Entry(entry.span, removed=True, edited=edited.edits[-1].edit.span))


def check_all_met(out: Expansion) -> None:
    """Report every edit of the last file whose step is not there any more, by another edit."""
    last = max((each.level for edits in out.edits.values() for each in edits), default=0)
    if out.has_failed():
        return
    for place, edits in out.edits.items():
        for each in edits:
            if each.level == last and place not in out.met:
                message = f"'{each.name}' is not there any more after the other edits"
                hint = "edit what is there then, or leave this edit out"
                out.error("edit-conflict", message, each.edit.verb_span, hint)
