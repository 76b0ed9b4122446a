"""Check the contracts that a spec states under `require`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from archspec.analysis.measures import CONTRACTS
from archspec.errors import Diagnostic
from archspec.graph import Graph
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Value, to_plain

COMPARISONS: dict[str, Callable[[int, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "=": operator.eq,
    "": operator.eq,
}
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
BOUND = (  # as the schema states it: a comparison, a number, a unit
    r"(<=|>=|<|>|==|=)?\s*([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][0-9]+)?)\s*(K|M|G|KiB|MiB|GiB)?\s*"
)


def find_broken_contracts(graph: Graph, require: Value | None) -> Iterator[Diagnostic]:
    """Yield a warning for each contract that the graph breaks; `archspec check` takes it for an
    error."""
    for name, value in require.items() if require else ():
        if value.data is None or is_formula(name):  # a formula is checked before the layers
            continue
        check = _check_output(graph, value) if name == "output" else _check(graph, name, value)
        if check is not None:
            message, hint = check
            yield Diagnostic("contract", message, value.span, hint, (), "warning")


def _check(graph: Graph, name: str, value: Value) -> tuple[str, str | None] | None:
    """Return message and hint for a measure that breaks its contract; None if it keeps it.

    name: of the contract: `macs`, or `memory@32` with a batch size.
    """
    contract, _, batch_size = name.partition("@")
    measure = CONTRACTS[contract]
    found = measure.compute(graph, {"batch_size": int(batch_size)} if batch_size else {})
    if found is None:
        reason = f"the contract {name} {value.data} cannot be checked: {measure.unit.reason}"
        return reason, measure.unit.remedy
    if isinstance(found, tuple):  # a receptive field, by axis
        found = min(found)
    comparison, limit = _read_bound(value.data)
    if COMPARISONS[comparison](found, limit):
        return None
    what = f"{found:,} {measure.unit.name}".rstrip()
    return f"the contract {name} {value.data} is broken: it is {what}", None


def _read_bound(text: str | float) -> tuple[str, float | Fraction]:
    """Return comparison and limit: ("<=", 12000000) for `<= 12M`; the limit is exact."""
    if not isinstance(text, str):
        return "", text
    bound = re.fullmatch(BOUND, text)
    assert bound is not None, "the schema lets nothing else through"
    return bound[1] or "", Fraction(bound[2].replace("_", "")) * UNITS[bound[3] or ""]


def _check_output(graph: Graph, value: Value) -> tuple[str, None] | None:
    """Return the message for outputs of other shapes than those required; None if they agree."""
    found = [list(graph.shape(name)[1:]) for name in graph.outputs]
    wanted = to_plain(value)
    nested = any(isinstance(each, list) for each in wanted)
    if (wanted if nested else [wanted]) == found:
        return None
    shapes = ", ".join(map(str, found))
    return f"the contract output {wanted} is broken: it is {shapes}", None
