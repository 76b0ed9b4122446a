"""Define the columns of data: what each sample has, under a name.

A source of data (a folder, a table, an `.npz`) is read as columns for each of its parts, before it
is known which input or output of a network takes which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from archspec.data.images import Array, Photos
from archspec.data.masks import Masks


class ClassLabels(Struct, frozen=True, eq=False):
    """One class for each sample: int64 (n,), the place of its name in `names`."""

    values: Array
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, indices: Any) -> ClassLabels:
        return ClassLabels(self.values[indices], self.names)


class Cells(Struct, frozen=True, eq=False):
    """A column of a table as text (n,), without white space around it; "" where a cell is empty.

    name: that of the column. lines: of the file (n,), for messages. table: the file.
    """

    name: str
    values: Array
    lines: Array
    table: Path

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, indices: Any) -> Cells:
        return Cells(self.name, self.values[indices], self.lines[indices], self.table)


# An array holds numbers (n, ...) or text (n,), as a file has stored them.
Column = Array | Photos | Masks | ClassLabels | Cells


class PartColumns(Mapping[str, Column]):
    """The columns of a part, which say where the values of one of them stand."""

    def __init__(self, columns: Mapping[str, Column], where: str) -> None:
        self.columns, self.where = columns, where

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def describe(self, name: str) -> str:
        """Return what messages call a column."""
        return f"{self.where}: {name}"

    def name_of(self, name: str) -> str:
        """Return what a note on columns that are not used calls one."""
        return name


class DataSource(Struct, frozen=True, eq=False):
    """Data as read: the columns of "train", and of "validation" and "test" where there are such.

    image, target: the columns that the only input and the outputs take where nobody says otherwise;
    None for none. skipped: image files that are left out because they are broken. notes: lines
    about what is not used, and what is assumed. folder: where a known dataset was found.
    """

    name: str
    parts: Mapping[str, PartColumns]
    image: str | None
    target: str | None
    skipped: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    folder: Path | None = None
