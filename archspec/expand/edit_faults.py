"""Report edits that are for no step, or that cannot be made at one, with what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from archspec.arguments import show
from archspec.errors import Note, Span, closest, did_you_mean, one_of
from archspec.expand.context import Call
from archspec.expand.drafts import Draft
from archspec.expand.expansion import Expansion, Failed, Numbered
from archspec.expand.references import is_pattern
from archspec.expand.scopes import Entry, Scope, snake_case
from archspec.infer import suggest_kind
from archspec.layers import LAYERS, traits_of
from archspec.loading.files import EditLevel
from archspec.syntax.edits import VERBS, Edit, Pattern, translate
from archspec.syntax.source import Value, to_plain
from archspec.syntax.steps import BlockCall, Branches, LayerCall, Reuse, Step
from archspec.syntax.words import MODIFIERS, WORDS
from archspec.syntax.writer import write_value

CHANGES = "which changes when steps are added"
NAME_IT = "give that step a `name`, or say by `of` which layer is meant"


class Candidates:
    """The steps of an expanded network, which the edits of a file may be for.

    entries: the steps by their final names. keys: the place around each place, its step and the
    iteration.
    """

    def __init__(self, level: EditLevel, out: Expansion) -> None:
        self.level, self.out = level, out
        self.keys = {place: key for key, place in out.places.items()}
        self.entries = [(name, entry) for name, entry in out.names if entry.place]
        self.unnamed = {name: entry for name, entry in self.entries if not entry.named}

    def iter_numbered(self, name: str) -> Iterator[Numbered]:
        """Yield the parts of a name that unnamed steps have by a number."""
        parts = name.split(".")
        for depth in range(len(parts)):
            around = ".".join(parts[: depth + 1])
            entry = self.unnamed.get(around)
            if entry is not None:
                is_first = f"{around}_1" in self.unnamed
                if is_first or is_numbered(around, entry):
                    yield Numbered(around, depth, entry.span, is_first)


def report_nothing(
    edit: Edit,
    pattern: Pattern | None,
    named: Sequence[tuple[str, Entry]],
    fitting: Sequence[tuple[str, Entry]],
    candidates: Candidates,
) -> int:
    """Report an edit that is for no step, with the reason as far as it is known.

    named: the steps that the pattern fits. fitting: those of them that are what `of` names.
    """
    span = pattern.value.span if pattern is not None else edit.of.span if edit.of else edit.span
    if fitting:
        message = f"'{fitting[0][0]}' is called again by `reuse`, and has no steps of its own"
        hint = "edit the step that it reuses"
        return candidates.out.error("edit-reused", message, span, hint)
    if pattern is not None and not named:
        return _report_name(edit, pattern, candidates)
    return _report_kind(edit, pattern, span, named, candidates)


def _report_name(edit: Edit, pattern: Pattern, candidates: Candidates) -> int:
    """Report a pattern that fits the name of no step."""
    out, files, span = candidates.out, candidates.level.name, pattern.value.span
    message = f"the edit matches no step: none of {files} is called '{pattern.text}'"
    written = _find_written(edit, pattern, candidates.level)
    if written is not None:
        return _report_written(written, message, span, out)
    changes = _note_changes(span, out)
    for around, rest in _iter_around(pattern.text):
        fits = translate(around).fullmatch
        if rest and any(fits(name) for name, _ in candidates.entries):
            break  # something is there, without what is looked for in it
        for name, entry in _iter_skipped(out.top):
            if fits(name):
                note = Note(f"'{name}' is not there: this is false", entry.span)
                if entry.edited is not None:
                    note = Note(f"'{name}' is not there: this removes it", entry.edited)
                return out.error("edit-no-match", message, span, None, (note, *changes))
        for now, edit in _iter_renamed(around, candidates):
            note = Note("renamed here", edit.verb_span)
            return out.error("edit-no-match", message, span, one_of([now + rest]), (note,))
    trail = _explain_absence(pattern, candidates)
    hint = None if trail else _suggest(pattern, candidates)
    if edit.is_setting:
        message = f"'{pattern.text}' is neither a step of {files} nor a place in it"
        places = list(dict.fromkeys(["params", "train", *out.spec.root.data]))
        near = did_you_mean(pattern.text.split(".")[0], places)
        listed = f"{hint or ''}; places: {', '.join(places)}".removeprefix("; ")
        hint = None if trail else _suggest_whole(pattern, candidates) or near or listed
    return out.error("edit-no-match", message, span, hint, (*trail, *changes))


def _iter_around(text: str) -> Iterator[tuple[str, str]]:
    """Yield a pattern, and then those for what is around, each with what follows it.

    >>> list(_iter_around("**.se.conv2d"))
    [('**.se.conv2d', ''), ('**.se', '.conv2d')]
    """
    around = text
    while around.strip("*."):
        yield around, text[len(around) :]
        around = around.rpartition(".")[0]


def _iter_renamed(text: str, candidates: Candidates) -> Iterator[tuple[str, Edit]]:
    """Yield the names that steps have, which a pattern fits as they were called before an edit of
    a file below, each with that edit."""
    fits, out = translate(text).fullmatch, candidates.out
    for scope in out.top.walk():
        for old, renamed in scope.renamed.items():
            if fits(scope.join(old)):
                edits = [each.edit for each in out.edits.get(renamed.entry.place, ())]
                now = [name for name, entry in candidates.entries if entry is renamed.entry]
                yield from zip(now, (each for each in edits if each.verb == "rename"), strict=False)


def _suggest_whole(pattern: Pattern, candidates: Candidates) -> str | None:
    """Return the hint for a setting of a part of an argument: `head.kernel_regularizer.L2`."""
    name, _, argument = pattern.text.rpartition(".")
    entry = dict(candidates.entries).get(name)
    if entry is None or not isinstance(entry.value, Draft) or entry.scope is not None:
        return None
    if argument not in LAYERS[entry.value.op].arguments:
        return None
    return f"an argument is set whole: {name}.{argument}='{{...}}'"


def _report_kind(
    edit: Edit,
    pattern: Pattern | None,
    span: Span,
    named: Sequence[tuple[str, Entry]],
    candidates: Candidates,
) -> int:
    """Report an edit whose `of` none of the steps is that it looks at."""
    of, out = edit.of, candidates.out
    assert of is not None
    where = candidates.level.name if pattern is None else f"the steps that '{pattern.text}' fits"
    message = f"the edit matches no step: none of {where} is {_words(of)}"
    known = _kinds(named)
    hint = f"there are {', '.join(known[:12])}" if known else None
    if of.label not in known:
        written = _find_written(edit, None, candidates.level)
        if written is not None:
            return _report_written(written, message, span, out)
        meant = suggest_kind(of.label, known)
        hint = f"did you mean `of: {meant}`?" if meant else did_you_mean(of.label, known) or hint
        within = translate(f"{pattern.text}.**") if pattern is not None else None
        inside = [each for each in candidates.entries if within and within.fullmatch(each[0])]
        if pattern is not None and of.label in _kinds(inside):
            hint = f"write `at: {pattern.text}.**` for what is in '{pattern.text}'"
    elif of.arguments is not None and of.label in LAYERS:
        given = of.arguments.by_name(next(iter(LAYERS[of.label].arguments)))
        drafts = [entry.value for _, entry in named if isinstance(entry.value, Draft)]
        values = (
            ", ".join(f"{name}: {show(each.arguments.get(name))}" for name in given)
            for each in drafts
            if each.op == of.label
        )
        hint = f"there are {'; '.join(list(dict.fromkeys(values))[:6])}"
    return out.error("edit-no-match", message, span, hint, _note_changes(span, out))


def _note_changes(span: Span, out: Expansion) -> tuple[Note, ...]:
    """Return a note on each param that is given above the file with an edit: it may have lost
    its steps by that."""
    files, params = out.spec.files, out.spec.root.get("params")
    if span.source not in files or params is None:
        return ()
    below = files[files.index(span.source) :]
    given = [(name, each) for name, each in params.items() if each.span.source not in below]
    return tuple(Note(f"'{name}' is given here", each.span) for name, each in given[:3])


def _find_written(edit: Edit, pattern: Pattern | None, level: EditLevel) -> Edit | None:
    """Return the edit of the same file that writes or names what another looks for, if any."""
    last = pattern.text.rpartition(".")[2] if pattern is not None else ""
    wanted = translate(last) if last.strip("*") else None
    for other in level.edits:
        steps = list(other.body.walk()) if other.body is not None and other is not edit else []
        names = [each.name.data if each.name else snake_case(each.label) for each in steps]
        if other.verb == "rename":
            names.append(other.value.data)
        if wanted is not None and any(wanted.fullmatch(str(name)) for name in names):
            return other
        if wanted is None and edit.of and edit.of.label in [each.label for each in steps]:
            return other
    return None


def _report_written(written: Edit, message: str, span: Span, out: Expansion) -> int:
    """Report an edit of what another edit of the same file writes or renames."""
    remedy = "write the change into the edit that writes them"
    if written.verb == "rename":
        remedy = "use the name before it"
    hint = f"an edit sees the steps as they are before the edits of its file: {remedy}"
    note = Note(f"{written.verb} is written here", written.verb_span)
    return out.error("edit-no-match", message, span, hint, (note,))


def _explain_absence(pattern: Pattern, candidates: Candidates) -> tuple[Note, ...]:
    """Return a note on the nearest step around a name, if a `when` decides what is in it."""
    by_name = dict(candidates.entries)
    around = pattern.text
    while "." in around:
        around = around.rpartition(".")[0]
        if around not in by_name:
            continue
        place = by_name[around].place
        inside = (key[1] for key in candidates.out.places if key[0] == place)
        conditions = (each.condition for each in (candidates.keys[place][1], *inside))
        condition = next((each for each in conditions if each is not None), None)
        if condition is None:
            return ()
        return (Note(f"what '{around}' holds is decided here", condition.span),)
    return ()


def _suggest(pattern: Pattern, candidates: Candidates) -> str | None:
    """Return the hint for a pattern that no name fits: the nearest one."""
    if pattern.text in {draft.name for draft in candidates.out.drafts if draft.op == "InputLayer"}:
        return f"'{pattern.text}' is an input, and no step: edit the steps that take it"
    around, _, last = pattern.text.rpartition(".")
    kinds = _kinds(candidates.entries)
    meant = suggest_kind(last, kinds)
    at = f"at: {around}.**, " if around.strip("*.") else ""
    of = f"did you mean `{at}of: {meant}`?" if meant else None
    if of and last[:1].isupper():  # which no step is called
        return of
    names = [name for name, _ in candidates.entries]
    if pattern.is_name and (wider := _suggest_numbers(pattern.text, names)) is not None:
        return one_of([wider])
    if around in names:
        names = [name for name in names if name.startswith(f"{around}.")]
    near = did_you_mean(pattern.text, names) if pattern.is_name else None
    if near is not None or of is not None:
        return near or of
    if (inside := _suggest_inside(pattern, candidates)) is not None:
        return inside
    head, *rest = pattern.text.split(".")
    firsts = list(dict.fromkeys(name.split(".")[0] for name in names))
    near = did_you_mean(head, firsts) if "*" not in head else None
    if near is not None and rest:
        return near.replace("'?", f".{'.'.join(rest)}'?")
    if near is not None or not firsts:
        return near
    return f"its steps: {', '.join(firsts[:12])}{', ...' if len(firsts) > 12 else ''}"


def _suggest_inside(pattern: Pattern, candidates: Candidates) -> str | None:
    """Return the hint for a pattern whose first parts fit steps: what is in these."""
    names = [name for name, _ in candidates.entries]
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


def is_numbered(name: str, entry: Entry) -> bool:
    """Return whether a name is only the number of a step among others of its kind."""
    last, draft = name.rpartition(".")[2], entry.value
    if entry.named or not isinstance(draft, Draft):
        return False
    return last != (snake_case(draft.op) if entry.scope is None else entry.block.block.name)


def check_not_numbered(pattern: Pattern, candidates: Candidates) -> None:
    """Raise `Failed` for a whole name of which a part is only the number of a step."""
    out = candidates.out
    for each in candidates.iter_numbered(pattern.text):
        if not each.is_first:
            message = f"'{each.name}' is the number of an unnamed step, {CHANGES}"
            notes = (Note("the step is written here", each.span),)
            shipped = each.span.source in out.spec.shipped  # where nobody gives it a name
            hint = "say by `of` which layer is meant" if shipped else NAME_IT
            raise out.fail("edit-numbered", message, pattern.value.span, hint, notes)


def warn_of_numbers(out: Expansion) -> None:
    """Warn of names that stand for the number of a step of one's own files, who could name it.

    Silent of what comes with archspec, and of edits from outside, which are made at once.
    """
    spec, matched = out.spec, [each for edits in out.edits.values() for each in edits]
    numbered = [(each, number) for each in matched for number in each.numbered]
    for each, number in numbered:
        if number.span.source in spec.shipped:
            continue
        for pattern in each.edit.patterns:
            if pattern.value.span.source in spec.files and pattern.says(each.name, number.depth):
                last = number.name.rpartition(".")[2]
                kind = "first of several" if number.is_first else "number of an unnamed step"
                notes = (Note("the step is written here", number.span),)
                message = f"'{last}' is the {kind}, {CHANGES}"
                out.warn("edit-numbered", message, pattern.value.span, NAME_IT, notes)


def check_edit(edit: Edit, name: str, entry: Entry, candidates: Candidates) -> None:
    """Raise `Failed` for an edit that cannot be made at a step."""
    out, keys = candidates.out, candidates.keys
    parent, step, _ = keys[entry.place]
    is_merge = (
        isinstance(above := keys[parent][1] if parent else None, Branches) and above.merge is step
    )
    written = (Note("the step is written here", entry.span),)
    if edit.verb == "set":
        _check_set(edit, name, step, entry, candidates)
    elif edit.verb == "replace" and edit.makes_group and (is_merge or _takes_several(step)):
        message = f"'{name}' takes several values, so that one step alone can replace it"
        hint = (
            "write one step without a list, a loop and `when`; what follows it is `insert_before` "
            "at the step that takes it, or `insert_after` in a second file"
        )
        raise out.fail("edit-inputs", message, edit.verb_span, hint, written)
    elif edit.verb in ("remove", "insert_before") and (is_merge or _takes_several(step)):
        what = "has nothing before it" if edit.verb == "insert_before" else "cannot be removed"
        message = f"'{name}' takes several values, so it {what}"
        hint = "name the step that gives one of them"
        if edit.verb == "remove" and isinstance(above, Branches):
            hint = _hint_for_merge(above, name)
        elif edit.verb == "remove":
            hint = "`replace: {from: previous}` passes on the step before it alone"
        raise out.fail("edit-inputs", message, edit.verb_span, hint, written)
    elif edit.verb == "freeze" and not edit.value.data and edit.is_of_one and _says_itself(entry):
        message = f"'{name}' says `trainable: false` itself, which `freeze` does not change"
        hint = "write `set: {trainable: true}`"
        raise out.fail("edit-set", message, edit.verb_span, hint, written)
    elif edit.verb == "freeze" and isinstance(step, Reuse):
        message = f"'{name}' has the weights of another step"
        raise out.fail(
            "edit-reused", message, edit.verb_span, "freeze the step that it reuses", written
        )


def _says_itself(entry: Entry) -> bool:
    """Return whether a step is a layer that says `trainable: false` itself, by no `freeze`."""
    draft = entry.value
    if not isinstance(draft, Draft) or entry.scope is not None or draft.owner is not None:
        return False
    by_edit = draft.account is not None and draft.account.frozen is not None
    return draft.arguments.get("trainable") is False and not by_edit


def warn_of_kept_frozen(out: Expansion) -> None:
    """Warn of each edit that is to train layers which their own arguments keep as they are."""
    for edit, drafts in out.kept_frozen.items():
        first, *others = drafts
        more = f" and {len(others)} more say" if others else " says"
        them = "them" if others else "it"
        message = (
            f"'{first.name}'{more} `trainable: false` themselves, which `freeze` does not change"
        )
        hint = (
            f"to train {them}: {{at: {first.name}, set: {{trainable: true}}}}; "
            f"to leave {them} so, {{at: {first.name}, freeze: true}} after this edit"
        )
        if not others:
            message = message.replace("themselves", "itself")
        notes = (Note("the step is written here", first.span),)
        out.warn("edit-set", message, edit.verb_span, hint, notes)


def _check_set(edit: Edit, name: str, step: Step, entry: Entry, candidates: Candidates) -> None:
    """Raise `Failed` for arguments that a step does not have."""
    out, root = candidates.out, candidates.out.spec.root
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
        taking = (_find_taking(key, name, candidates) for key in edit.value.data)
        layer = next(filter(None, taking), "LAYER")
        hint = f"name a layer in it, or all of one kind: at: {name}.**, of: {layer}"
        if not edit.is_of_one:
            hint = f"say by `of` which layer is meant: of: {layer}"
        if (verb := next((key for key in edit.value.data if key in VERBS), None)) is not None:
            hint = _hint_for_verb(edit, verb, edit.value.data[verb])
        elif "trainable" in edit.value.data:
            hint = _hint_for_freeze(edit)
        raise out.fail("edit-set", message, edit.verb_span, hint, written)
    errors = []
    for key in edit.value.data:
        if key not in known:
            message = f"{what} has no {kind} '{key}', at '{name}'"
            hint = f"its {kind}s: {', '.join(known[:12]) or 'none'}"
            if key in VERBS or key == "name":
                message = f"`{key}` is no {kind}, and `set` gives {kind}s alone"
                verb = "rename" if key == "name" else key
                hint = _hint_for_verb(edit, verb, edit.value.data[key])
            elif key == "trainable":
                hint = _hint_for_freeze(edit)
            elif key in (*MODIFIERS, *WORDS):
                message = f"`{key}` is no {kind}, and `set` gives {kind}s alone"
                hint = "write the step under `replace`"
            elif near := did_you_mean(key, known):
                hint = near
            elif kind == "param" and (inner := _find_taking(key, name, candidates)):
                hint += f"; or set that of a layer in it: at: {name}.**, of: {inner}"
            elif kind == "param" and key in [each for each, _, _ in root.entries_of("params")]:
                given = f"blocks: {{{block.name}: {{params: {{{key}: ==}}}}}}"
                hint = f"`{given}` makes the param of the file one of the block"
            elif (
                kind == "argument"
                and edit.of is None
                and any(not each.is_name for each in edit.patterns)
            ):
                layer = _find_taking(key, "", candidates) or "LAYER"
                hint = f"say by `of` which layer is meant: of: {layer}"
            span = edit.value.key_span(key)
            errors.append(out.error("edit-set", message, span, hint, written))
    if errors:
        raise Failed(*errors)


def _hint_for_verb(edit: Edit, verb: str, value: Value) -> str:
    """Return the hint for a verb that stands under `set`."""
    written = f"{verb}: {write_value(to_plain(value))}"
    if edit.is_setting:
        return f"give it as an edit: --edit 'at: {edit.patterns[0].text}, {written}'"
    return f"write `{written}` in place of `set`"


def _hint_for_freeze(edit: Edit) -> str:
    """Return the hint for `trainable` where it is no argument: of a block or a group."""
    value = edit.value.data["trainable"]
    frozen = replace(value, data=value.data is not True)
    return _hint_for_verb(edit, "freeze", frozen)


def _find_taking(argument: str, around: str, candidates: Candidates) -> str | None:
    """Return the first layer within a step that has an argument of a name.

    around: the name of the step, "" for the whole network.
    """
    within = f"{around}." if around else ""
    inside = _kinds([each for each in candidates.entries if each[0].startswith(within)])
    return next((op for op in inside if op in LAYERS and argument in LAYERS[op].arguments), None)


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
