"""How the params of numbered steps are written: one formula for all of them, where there is one."""

from __future__ import annotations

from typing import Any

import pytest

from archspec.folding.numbered import describe, find_kind, write_columns


@pytest.mark.parametrize(
    ("column", "kind", "written", "variables"),
    [
        ([8, 8, 8], "same", 8, {}),
        ([2, 1, 1], "first", "=1 if unit else 2", {}),
        ([1, 1, 2], "last", "=2 if unit == 2 else 1", {}),
        ([8, 16, 32], "list", "=8 * 2**unit", {}),
        ([0.0, 0.05, 0.1, 0.15], "list", "=0.25 * unit / 5", {}),
        ([8, 24, 16], "list", "=size__0", {"size__0": [8, 24, 16]}),
    ],
)
def test_a_column_is_written_over_the_number_of_the_step(
    column: list[Any], kind: str, written: Any, variables: dict[str, Any]
) -> None:
    assert find_kind([column]) == kind
    arguments = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in describe("size", kind, column).items()
    }
    found = write_columns({"size": kind}, arguments, (), "unit", 0, 0, len(column))
    assert (found.values, found.variables) == ({"size": written}, variables)
