"""Put values, or other formulas, into the formulas of steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from archspec.errors import Refused
from archspec.folding.items import BranchesItem, Formula, LoopItem, PathItem, Sequence
from archspec.folding.values import quote
from archspec.syntax.formulas import FUNCTIONS, evaluate
from archspec.syntax.formulas import WORDS as TRUTHS

WORD = re.compile(r"'[^']*'|[A-Za-z_][A-Za-z0-9_]*")
WORDS = frozenset(("and", "or", "not", "if", "else", "in", *TRUTHS, *FUNCTIONS))  # no names


def write_value(value: Any) -> str:
    """Return a value, or a formula in its brackets, as another formula has it."""
    if isinstance(value, Formula):
        return value[1:] if re.fullmatch(r"=[\w.]+", value) else f"({value[1:]})"
    if isinstance(value, list):
        return f"[{', '.join(map(write_value, value))}]"
    return quote(value)


def put_values(items: Sequence, values: Mapping[str, Any]) -> Sequence:
    """Return steps with values, or formulas, in the place of names in their formulas."""
    return tuple(_put_item(item, values) for item in items) if values else items


def _put_item(item: Any, values: Mapping[str, Any]) -> Any:
    when = put_value(item.when, values)
    when = None if when is True else when
    if isinstance(item, PathItem):
        return replace(item, items=put_values(item.items, values), when=when)
    if isinstance(item, BranchesItem):
        paths = tuple(_put_item(path, values) for path in item.paths)
        return replace(item, paths=paths, merge=_put_item(item.merge, values), when=when)
    if isinstance(item, LoopItem):
        return replace(
            item,
            items=put_values(item.items, values),
            count=put_value(item.count, values),
            variables={name: put_value(each, values) for name, each in item.variables.items()},
            when=when,
        )
    arguments = {name: put_value(each, values) for name, each in item.arguments.items()}
    return replace(item, arguments=arguments, when=when)


def put_value(value: Any, values: Mapping[str, Any]) -> Any:
    """Return a value with others in the place of names in its formulas."""
    if isinstance(value, list):
        return [put_value(each, values) for each in value]
    if isinstance(value, dict):
        return {name: put_value(each, values) for name, each in value.items()}
    if not isinstance(value, Formula):
        return value
    text = value[1:]
    if text in values:
        return values[text]
    changed = WORD.sub(
        lambda found: write_value(values[found[0]]) if found[0] in values else found[0], text
    )
    if changed == text:
        return value
    changed = simplify(changed)
    names = {found[0] for found in WORD.finditer(changed)} - WORDS
    if not any(name[0] != "'" for name in names):
        try:
            return evaluate(changed, {})
        except Refused:
            pass
    return Formula(f"={changed}")


CHOICE = re.compile(r"\(([\w'.]+) if (\w+) else ([\w'.]+)\) (==|!=|>) ([\w'.]+)")


FIRST = re.compile(r"([\w'.]+) if (\w+) else \(([\w'.]+) if (\w+) else ([\w'.]+)\)")
LAST = re.compile(
    r"\(([\w'.]+) if (\w+ == \d+) else ([\w'.]+)\) if (\w+ == [\w -]+) else ([\w'.]+)"
)


def simplify(text: str) -> str:
    """Return a formula over the numbers of steps without a choice that is compared at once.

    >>> simplify("(2 if stage else 1) > 1"), simplify("not (unit > 0)")
    ('stage > 0', 'unit == 0')
    >>> simplify("true if unit else (stage > 0)")
    'unit > 0 or stage > 0'
    >>> simplify("1 if unit else (2 if stage else 1)")
    '2 if stage and not unit else 1'
    >>> simplify("(1 if stage == 3 else 2) if unit == depth - 1 else 1")
    '2 if unit == depth - 1 and stage != 3 else 1'
    """

    def choose(found: re.Match[str]) -> str:
        yes, variable, no, sign, other = found.groups()
        try:
            both = [bool(evaluate(f"{each} {sign} {other}", {})) for each in (yes, no)]
        except (Refused, KeyError):
            return found[0]
        if both[0] == both[1]:
            return "true" if both[0] else "false"
        return f"{variable} > 0" if both[0] else f"{variable} == 0"

    text = CHOICE.sub(choose, text)
    text = re.sub(r"^not \((\w+) > 0\)$", r"\1 == 0", text)
    text = re.sub(r"^not \((\w+) == 0\)$", r"\1 > 0", text)
    text = re.sub(r"^true if (\w+) else \((\w+ (?:>|==) \w+)\)$", r"\1 > 0 or \2", text)
    if found := FIRST.fullmatch(text):
        rest, variable, value, test, other = found.groups()
        if rest == other:
            return f"{value} if {test} and not {variable} else {rest}"
    if found := LAST.fullmatch(text):
        value, test, other, outer, rest = found.groups()
        if value == rest:
            return f"{other} if {outer} and {test.replace('==', '!=')} else {rest}"
    return text
