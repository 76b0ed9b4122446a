"""Find the steps that the edits of a file are for.

The network is expanded without them, their patterns are matched with the final names of its steps,
and the place of each step that fits is kept for the next expansion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archspec.errors import Note, Refused, did_you_mean
from archspec.expand.context import Call
from archspec.expand.drafts import Draft
from archspec.expand.edit_faults import (
    Candidates,
    check_edit,
    check_not_numbered,
    report_nothing,
)
from archspec.expand.expansion import Expansion, Failed, Matched
from archspec.expand.scopes import Entry
from archspec.expand.values import evaluate, find_params
from archspec.graph import EditCount, count_axis_from_last
from archspec.infer import bind_arguments
from archspec.layers import LAYERS
from archspec.loading.files import EditLevel
from archspec.syntax.edits import Edit, Pattern
from archspec.syntax.source import Value
from archspec.syntax.steps import Reuse, Step


def match_edits(level: EditLevel, number: int, out: Expansion) -> dict[int, list[Matched]]:
    """Return the edits of a file by the places of the steps that they are for.

    number: which level it is, from 1. out: the expansion of the network without them. Raises
    `Failed` after reporting every edit that is for no step, or cannot be made.
    """
    candidates = Candidates(level, out)
    finder, keys = _Finder(candidates), candidates.keys
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
            around = {place: set(_iter_around(place, keys)) for place in met}
            met = {place: each for place, each in met.items() if not around[place] & met.keys()}
        if not edit.is_of_one:
            met = _leave_calls_again(edit, met, keys)
        try:
            for name, entry in met.values():
                check_edit(edit, name, entry, candidates)
        except Failed as failed:  # at the other steps it is the same mistake
            errors += failed.errors
            continue
        for place, (name, _) in met.items():
            numbered = tuple(candidates.iter_numbered(name)) if edit.patterns else ()
            found[place].append(Matched(edit, number, name, index, numbered))
    left = _leave_what_is_taken_away(found, keys)
    errors += _report_conflicts(left, out)
    if errors:
        raise Failed(*errors)
    return left


def _leave_calls_again(
    edit: Edit, met: Mapping[int, tuple[str, Entry]], keys: Mapping[int, tuple[int, Step, int]]
) -> dict[int, tuple[str, Entry]]:
    """Return the steps that an edit is for without those that call one of them again, by `reuse`:
    what it makes of the first call is made of these."""
    if edit.verb not in ("set", "replace", "freeze"):
        return dict(met)
    values = {entry.value for _, entry in met.values()}

    def follows(place: int, entry: Entry) -> bool:
        value = entry.value
        return (
            isinstance(keys[place][1], Reuse) and isinstance(value, Draft) and value.owner in values
        )

    return {place: each for place, each in met.items() if not follows(place, each[1])}


class _Finder:
    """Finds the steps of an expanded network that a pattern fits."""

    def __init__(self, candidates: Candidates) -> None:
        self.candidates, self.out = candidates, candidates.out
        self.wanted: dict[tuple[Edit, str], Mapping[str, Any]] = {}

    def find(self, edit: Edit, pattern: Pattern | None) -> dict[int, tuple[str, Entry]]:
        """Return the names and entries of the steps that an edit is for, by their places.

        Raises `Failed` if there are none.
        """
        named, fitting = self.list_fitting(edit, pattern)
        found: dict[int, tuple[str, Entry]] = {}
        for name, entry in fitting:
            if not entry.reused:
                found.setdefault(entry.place, (name, entry))
        if not found:
            raise Failed(report_nothing(edit, pattern, named, fitting, self.candidates))
        if pattern is not None and pattern.is_name:
            check_not_numbered(pattern, self.candidates)
        return found

    def list_fitting(
        self, edit: Edit, pattern: Pattern | None
    ) -> tuple[list[tuple[str, Entry]], list[tuple[str, Entry]]]:
        """Return the steps that a pattern fits, and those of them that are what `of` names."""
        entries = self.candidates.entries
        named = [each for each in entries if pattern is None or pattern.fits(each[0])]
        return named, [each for each in named if edit.of is None or self._is(each[1], edit)]

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
        wanted, arguments = self._normalize(edit, draft), draft.arguments
        if draft.inputs and draft.inputs[0].facts is not None:
            rank = len(draft.inputs[0].shape)
            wanted, arguments = (count_axis_from_last(each, rank) for each in (wanted, arguments))
        return all(arguments.get(name) == value for name, value in wanted.items())

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


def _as_written(value: Any) -> Any:
    """Return arguments in normal form as a spec would have them, with lists for tuples."""
    if isinstance(value, Mapping):
        return {key: _as_written(each) for key, each in value.items()}
    return [_as_written(each) for each in value] if isinstance(value, tuple | list) else value


def _find_taken_away(found: Mapping[int, Sequence[Matched]]) -> dict[int, Matched]:
    """Return the edits that take steps away, by the places of these: of several at one place that
    which names the step whole, else one that removes it."""
    taking = {
        place: [each for each in edits if each.edit.takes_away] for place, edits in found.items()
    }
    return {
        place: max(edits, key=lambda each: (each.edit.is_of_one, each.edit.verb == "remove"))
        for place, edits in taking.items()
        if edits
    }


def _leave_what_is_taken_away(
    found: Mapping[int, Sequence[Matched]], keys: Mapping[int, tuple[int, Step, int]]
) -> dict[int, list[Matched]]:
    """Return edits without what another takes away, for those by `of` or by a pattern that meet
    other steps too: `all ReLUs` are all that are left."""
    gone = _find_taken_away(found)
    inside = {
        place for place in found if any(around in gone for around in _iter_around(place, keys))
    }
    meet_others = {
        each.edit
        for place, edits in found.items()
        if place not in inside
        for each in edits
        if gone.get(place, each).edit is each.edit
    }

    def is_left(place: int, each: Matched) -> bool:
        if each.edit.is_of_one or each.edit not in meet_others:
            return True
        if place in inside or place not in gone:
            return place not in inside
        first = gone[place].edit
        if first.verb == "remove" or (first.is_of_one and each.edit.takes_away):
            return first is each.edit
        return each.edit.verb not in ("set", "freeze")  # what is beside it is meant still

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
            beside = first.edit.verb == "replace" and not others[0].edit.is_of_step
            remedy = "write all steps under `replace`, as a list" if beside else hint
            errors.append(out.error("edit-conflict", message, each.edit.verb_span, remedy, (note,)))
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


def count_met(out: Expansion) -> tuple[EditCount, ...]:
    """Return the edits of the last file, each with the number of steps that it changed: of those
    that were there after the other edits.
    """
    counts: Counter[Edit] = Counter()
    for place, each in _iter_last(out):
        counts[each.edit] += place in out.met
    return tuple(EditCount(edit.span, count) for edit, count in counts.items())


def check_all_met(out: Expansion) -> None:
    """Report every edit of the last file whose steps are not there any more, by another edit.

    Those by `of` or by a pattern may have lost some of them: `all ReLUs` are all that are left.
    """
    if out.has_failed():
        return
    met = {each.edit for place, each in _iter_last(out) if place in out.met}
    keys = {place: key for key, place in out.places.items()}
    reported: set[Edit] = set()
    for place, each in _iter_last(out):
        lost = place not in out.met and (each.edit.is_of_one or each.edit not in met)
        if lost and each.edit not in reported:
            reported.add(each.edit)
            message = f"'{each.name}' is not there any more after the other edits"
            hint = "edit what is there then, or leave this edit out"
            around = (m for outer in _iter_around(place, keys) for m in out.edits.get(outer, ()))
            notes = tuple(Note(f"this edits '{m.name}'", m.edit.span) for m in around)
            out.error("edit-conflict", message, each.edit.verb_span, hint, notes[::-1])


def warn_of_unmet(level: EditLevel, number: int, out: Expansion) -> None:
    """Warn of each edit of a file that does not change a step which it matches, because the step is
    there only by another edit of the file, as by a param that makes a `when` true.

    number: which level it is, from 1. out: the expansion with its edits.
    """
    candidates = Candidates(level, out)
    candidates.entries = [
        (name, entry)
        for name, entry in candidates.entries
        if entry.place not in out.known and entry.level < number and not entry.reused
    ]
    finder, keys = _Finder(candidates), candidates.keys
    for edit in level.edits if candidates.entries else ():
        unmet: dict[int, str] = {}
        for pattern in edit.patterns or (None,):
            if pattern is None or not pattern.is_name:
                fitting = finder.list_fitting(edit, pattern)[1]
                unmet |= {entry.place: name for name, entry in fitting}
        for place, name in unmet.items():
            around = [m for outer in _iter_around(place, keys) for m in out.edits.get(outer, ())]
            around = [each for each in around if each.level == number]
            if edit.verb != "freeze" or edit not in [each.edit for each in around]:
                _warn_of_unmet(edit, name, len(unmet) - 1, around, out)
                break


def _warn_of_unmet(
    edit: Edit, name: str, others: int, around: Sequence[Matched], out: Expansion
) -> None:
    """Warn of an edit that does not change some steps.

    name: of the first. others: how many more there are. around: the edits of what it is in.
    """
    more = f" and {others} more are" if others else " is"
    message = f"'{name}'{more} there only after the edits beside this one, which does not change it"
    message = message[:-2] + "them" if others else message
    hint = "write this edit into a second file, which extends this one"
    if edit.span.source not in out.spec.files:
        hint = "write the others into a file first, by `archspec edit`, and edit that one"
    notes = tuple(Note(f"this edits '{each.name}'", each.edit.span) for each in around[:1])
    out.warn("edit-unmet", message, edit.verb_span, hint, notes)


def _iter_last(out: Expansion) -> Iterator[tuple[int, Matched]]:
    """Yield the edits of the last file in their order, with the place of each step."""
    found = [(place, each) for place, edits in out.edits.items() for each in edits]
    last = max((each.level for _, each in found), default=0)
    yield from sorted(
        (pair for pair in found if pair[1].level == last), key=lambda pair: pair[1].index
    )
