"""`require`: contracts that a spec makes about itself, and whether its graph keeps them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from archspec.analysis.measures import peak_memory, receptive_field
from archspec.errors import Diagnostic
from archspec.graph import Graph
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


def broken_contracts(graph: Graph, require: Value | None) -> Iterator[Diagnostic]:
    """A warning for each contract that the graph breaks, which `check` takes for an error."""
    for name, value in require.items() if require else ():
        if value.data is None:
            continue
        if name == "output":
            yield from _output(graph, value)
            continue
        bound = re.fullmatch(BOUND, value.data) if isinstance(value.data, str) else None
        comparison, limit = "", value.data
        if bound is not None:
            comparison = bound[1] or ""
            limit = Fraction(bound[2].replace("_", "")) * UNITS[bound[3] or ""]
        found = _measure(graph, name)
        if found is None:
            message = f"the contract {name} {value.data} cannot be checked: {_why(name)}"
            hint = "leave it out" if name == "receptive_field" else "give the input known sizes"
            yield Diagnostic("contract", message, value.span, hint, (), "warning")
        elif not COMPARISONS[comparison](found, limit):
            what = f"{found:,}" + (" bytes" if name.startswith("memory") else "")
            message = f"the contract {name} {value.data} is broken: it is {what}"
            yield Diagnostic("contract", message, value.span, None, (), "warning")


def _why(name: str) -> str:
    """Why a measure has no number."""
    if name == "receptive_field":
        return "every layer sees the whole input"
    return "it is unknown, as an axis is unknown (null)"


def _measure(graph: Graph, name: str) -> int | None:
    if name == "params":
        return graph.total_params
    if name == "trainable_params":
        return graph.trainable_params
    if name == "macs":
        return graph.macs
    if name.startswith("memory@"):
        return peak_memory(graph, int(name.removeprefix("memory@"))).total
    field = receptive_field(graph)
    return min(field) if field else None


def _output(graph: Graph, value: Value) -> Iterator[Diagnostic]:
    found = [list(graph.shape(name)[1:]) for name in graph.outputs]
    wanted = to_plain(value)
    nested = any(isinstance(each, list) for each in wanted)
    if (wanted if nested else [wanted]) != found:
        shapes = ", ".join(map(str, found))
        message = f"the contract output {wanted} is broken: it is {shapes}"
        yield Diagnostic("contract", message, value.span, None, (), "warning")
