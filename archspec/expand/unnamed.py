"""Warn of params of blocks and of loop variables that no formula names."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.errors import Note, Span, listed
from archspec.expand.expansion import Expansion
from archspec.expand.origins import names_of_formulas
from archspec.loading.files import Block
from archspec.syntax.formulas import words_in
from archspec.syntax.source import Value
from archspec.syntax.steps import locate_variables


def _find_names_in_edits(out: Expansion) -> set[str]:
    """Return the names in the formulas of edits, which see what the steps that they change see."""
    edits = (edit for level in out.spec.levels for edit in level.edits)
    return {name for edit in edits for name in names_of_formulas(edit.written)}


def warn_of_unnamed_params(out: Expansion) -> None:
    """Warn of the params of a called block, or of one that replaces its base's, that no formula
    of the block names.

    A param that a block has from the one that it replaces is not written in it: it is reported at
    the block.
    """
    in_edits = _find_names_in_edits(out)
    for block in out.spec.home.blocks.values():
        if block.overrides is None and block.span not in out.called:
            continue
        inherited = []
        for name, span in _find_unnamed_params(block):
            if name in in_edits:
                continue
            if span.source is not block.span.source:
                inherited.append(name)
                continue
            message = f"no formula of the block '{block.name}' names its param '{name}'"
            hint = f"give it to a step, such as `{name}: ==`, or remove it"
            out.warn("unused-param", message, span, hint)
        if inherited and block.overrides is not None:
            what = listed("param", inherited)
            message = f"no formula of the block '{block.name}' names the {what}"
            hint = "the params of the block that it replaces are laid under its own"
            notes = (Note("it replaces this block", block.overrides),)
            out.warn("unused-param", message, block.span, hint, notes)


def _find_unnamed_params(block: Block) -> Iterator[tuple[str, Span]]:
    """Yield the params of a block that no formula names, and where they are declared.

    The default of a param may name those above it, but `==` in it is the file's param.
    """
    named: set[str] = set()
    for word, value in block.value.items():
        if word != "params":
            named |= set(names_of_formulas(value))
    for name, _, default in block.value.entries_of("params"):
        named |= set(names_of_formulas(default)) - {name}
    for name, span, _ in block.value.entries_of("params"):
        if name not in named:
            yield name, span


def warn_of_unnamed_variables(out: Expansion) -> None:
    """Warn of the variables of each loop that nothing in the loop names.

    Silent in a block that nobody calls, and for a loop whose variables a formula gives.
    """
    spec, in_edits = out.spec, _find_names_in_edits(out)
    layers = spec.root.get("layers")
    bodies = [block.value for block in spec.home.blocks.values() if block.span in out.called]
    for body in [*bodies, *([layers] if layers is not None else [])]:
        for key, step in _list_loops(body):
            named = words_in(key) | in_edits
            for word, value in step.items():
                if word != "for":
                    named |= set(names_of_formulas(value))
            _warn_of_loop(step.data["for"], named, out)


def _list_loops(value: Value, key: str = "") -> Iterator[tuple[str, Value]]:
    """Yield every mapping with a `for` in a value, and the key that it stands at, "" in a list.

    The key of a branch may name the variables of its loop.
    """
    if isinstance(value.data, tuple):
        for each in value.data:
            yield from _list_loops(each)
    elif isinstance(value.data, dict):
        if "for" in value.data:
            yield key, value
        for word, each in value.items():
            yield from _list_loops(each, word)


def _warn_of_loop(loop: Value, named: set[str], out: Expansion) -> None:
    """Warn of the variables of one loop that are not among the names in it, key by key."""
    variables = locate_variables(loop)
    unnamed: dict[Span, list[str]] = {}
    for name, span in variables.items():
        if name not in named:
            unnamed.setdefault(span, []).append(name)
    for span, names in unnamed.items():
        message = f"nothing in this loop names its {listed('variable', names)}"
        hint = "give each to a step, or remove its values"
        if len(variables) == 1:
            hint = "name it in the step, or write `repeat` for the same step several times"
        out.warn("unused-variable", message, span, hint)
