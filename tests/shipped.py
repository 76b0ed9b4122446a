"""The networks that come with archspec, and the few of them that stand for all in a quick run."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
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
# A chain, loops, branches, several outputs, skips, skips that are activated first.
FEW = {"lenet5", "vgg16", "inception10", "googlenet", "resnet18", "resnet50v2", "resnet110"}


@cache
def network(name: str) -> Graph:
    return archspec.load(FILES[name])


def most_slow(names: Iterable[str]) -> list[Any]:
    """Return the values of a parameter: each network, all but the few under the marker `slow`."""
    return [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in names]
