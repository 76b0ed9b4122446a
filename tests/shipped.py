"""The networks that come with archspec, and the few of them that stand for all in a quick run."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import archspec
from archspec.graph import Graph

ROOT = Path(__file__).parent.parent
SPECS, EXAMPLES = (
    {path.stem: path for folder in folders for path in sorted((ROOT / folder).glob("*.yaml"))}
    for folders in (("specs", "specs/families"), ("examples/identity_mappings",))
)
FILES = SPECS | EXAMPLES
# Those that are no other one with another block, or with other numbers.
ORIGINALS = [name for name, path in FILES.items() if "\nextends:" not in path.read_text("utf-8")]
# A chain, loops, branches, several outputs, skips, skips that are activated first.
FEW = {"lenet5", "vgg16", "inception10", "googlenet", "resnet18", "resnet50v2", "resnet110"}


@cache
def network(name: str) -> Graph:
    return archspec.load(FILES[name])


def most_slow(names: Iterable[str], bad: Mapping[str, str] = MappingProxyType({})) -> list[Any]:
    """Return the values of a parameter: each network, all but the few under the marker `slow`.

    bad: the reason why the test fails, by the networks of which that is known.
    """
    return [_mark((name,), bad.get(name)) for name in names]


def most_slow_ways(
    names: Iterable[str], ways: Iterable[str], bad: Mapping[tuple[str, str], str]
) -> list[Any]:
    """Return the values of two parameters as `most_slow` does: each network, drawn each way."""
    ways = list(ways)
    return [_mark((name, way), bad.get((name, way))) for name in names for way in ways]


def _mark(values: tuple[str, ...], reason: str | None) -> Any:
    marks = [] if values[0] in FEW else [pytest.mark.slow]
    if reason is not None:  # strict: who mends it takes it out of the table
        marks.append(pytest.mark.xfail(reason=reason, strict=True))
    return pytest.param(*values, marks=marks)
