"""Read tables (`.csv`, `.tsv`): columns of text that know their lines, and what their cells mean.

The first line names the columns. A cell is made a number, a file, a class or a list of labels only
when a network takes its column, so that a column that nothing takes may hold anything.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

import numpy as np

from archspec.data.columns import Cells, DataSource, PartColumns
from archspec.data.folders import PARTS, holds_images, is_image, list_visible
from archspec.data.images import Array
from archspec.errors import UserError, did_you_mean
from archspec.reading import kind_of, read_bytes, readable, reading

SUFFIXES = {".csv", ".tsv"}
LARGEST = 2**30  # bytes of a table
DELIMITERS = (",", ";", "\t")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}
IMAGE_ENDS = (".jpg", ".jpeg", ".png")  # looked for where a cell has a name without its suffix
PLACES = ("", "images", "image", "imgs", "img", "photos", "train", "data")
ENOUGH = 20  # cells that tell what a column holds


# --- reading -------------------------------------------------------------------------------------


def read_table(path: Path) -> tuple[dict[str, Cells], list[str]]:
    """Return the columns of a table, in their order, and notes on what is left out.

    Raises `UserError` for a file that is no table, with the line that is wrong.
    """
    with reading(path):
        content = read_bytes(path, LARGEST)
    text = _decode(content, path)
    shown = readable(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _find_delimiter(text)
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        hint = "write it with a program for tables"
        raise UserError(f"{shown}, line {line}: {error}", hint) from None
    if len(rows) < 2:
        what = "nothing" if not rows else "one line only"
        raise UserError(f"{shown} holds {what}: a table has a line of names, then the samples")
    names, *rows = rows
    if len(names) == 1 and not rows[0][0]:
        raise UserError(f"{shown} has one column only")
    for row, at in zip(rows, lines[1:], strict=True):
        if len(row) != len(names):
            raise UserError(
                f"{shown}, line {at}: it has {len(row)} cells, and the first line names "
                f"{len(names)} columns",
                "put quotes around a cell that holds the separator",
            )
    columns, notes = _name_columns(names, rows, shown)
    places = np.array(lines[1:])
    found = {name: Cells(name, np.array(cells), places, path) for name, cells in columns.items()}
    return found, notes


def _decode(content: bytes, path: Path) -> str:
    encoding = next((each for mark, each in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeError:
        raise UserError(
            f"{readable(path)} is no text in UTF-8", "save it as CSV in UTF-8"
        ) from None
    if "\0" in text:
        raise UserError(f"{readable(path)} is no text: it holds a NUL byte", "save it as CSV")
    return text


def _find_delimiter(text: str) -> str:
    """Return the separator of a table: the one that stands most often in its first line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = re.sub(r'"[^"]*"', "", first)
    counts = {each: outside.count(each) for each in DELIMITERS}
    return max(counts, key=lambda each: counts[each])


def _name_columns(
    names: list[str], rows: list[list[str]], shown: str
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the cells of each column by its name, and notes on columns that are left out."""
    found: dict[str, list[str]] = {}
    notes = []
    for place, name in enumerate(names):
        cells = [row[place] for row in rows]
        if name == "" or re.fullmatch(r"Unnamed: \d+", name):
            numbered = [str(n) for n in range(len(cells))]
            if cells == numbered or cells == [str(n + 1) for n in range(len(cells))]:
                notes.append("not used: a column without a name, which numbers the lines")
                continue
            if not any(cells):
                continue
            raise UserError(
                f"{shown}: column {place + 1} has no name", "write a name in the first line"
            )
        if name in found:
            raise UserError(f"{shown}: two columns are called '{readable(name)}'", "rename one")
        found[name] = cells
    if found and all(_is_number(name) for name in found):
        raise UserError(
            f"{shown}: the first line holds numbers ({', '.join([*found][:4])}, ...), not the "
            "names of the columns",
            "write a first line with names",
        )
    return found, notes


def find_table(folder: Path) -> Path | None:
    """Return the only table in a folder, where no folders of images say the classes."""
    folders, files = list_visible(folder)
    tables = [path for path in files if path.suffix.lower() in SUFFIXES]
    if len(tables) != 1 or sum(map(holds_images, folders)) > 1:
        return None
    return tables[0]


def load_table(path: Path, part: str | None) -> DataSource:
    """Return the parts of a table as a source. part: the column that says which sample is where."""
    columns, notes = read_table(path)
    name, where = path.stem, readable(path)
    images = [each for each, cells in columns.items() if names_images(cells)]
    image = images[0] if len(images) == 1 else None
    if part is None:
        return DataSource(
            name, {"train": PartColumns(columns, where)}, image, None, notes=tuple(notes)
        )
    if part not in columns:
        hint = did_you_mean(part, columns) or f"it has {', '.join(map(readable, columns))}"
        raise UserError(f"train.data.part: {where} has no column '{readable(part)}'", hint)
    places = split_parts(columns[part])
    parts = {
        each: PartColumns({key: cells[at] for key, cells in columns.items()}, where)
        for each, at in places.items()
    }
    return DataSource(name, parts, image, None, notes=tuple(notes))


# --- what cells mean -----------------------------------------------------------------------------


def describe_cell(cells: Cells, row: int) -> str:
    """Return where a cell stands: "faces.csv, line 7, column 'age'"."""
    return f"{readable(cells.table)}, line {cells.lines[row]}, column '{readable(cells.name)}'"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().casefold() not in MISSING


def is_numeric(cells: Cells) -> bool:
    """Return whether a column holds numbers: its first cells that are not empty are such."""
    some = [each for each in cells.values if each.casefold() not in MISSING][:ENOUGH]
    return bool(some) and all(map(_is_number, some))


def to_numbers(cells: Cells) -> Array:
    """Return the numbers of a column, float64 (n,). Raises `UserError` for a cell that is none."""
    found = np.empty(len(cells))
    for row, text in enumerate(cells.values):
        hint = "give each sample a number, or leave its line out"
        if text.casefold() in MISSING:
            shown = f"is '{text}'" if text else "is empty"
            raise UserError(f"{describe_cell(cells, row)} {shown}", hint)
        if not _is_number(text):
            if re.fullmatch(r"[+-]?\d+,\d+", text):
                hint = f"write {text.replace(',', '.')}"
            shown = readable(str(text)[:40])
            raise UserError(f"{describe_cell(cells, row)} is '{shown}', not a number", hint)
        found[row] = float(text)
        if not abs(found[row]) <= 3.4e38:
            raise UserError(f"{describe_cell(cells, row)} is {text}, which is not finite", hint)
    return found


def names_images(cells: Cells) -> bool:
    """Return whether a column holds the names of image files, which may lack their suffix."""
    some = [each for each in cells.values if each][:ENOUGH]
    if not some or all(map(_is_number, some)):
        return False
    if all(is_image(_to_path(each)) for each in some):
        return True
    return all(_find_file(cells.table.parent, each) is not None for each in some)


def _to_path(text: str) -> Path:
    """Return a path as it stands in a table, whichever slashes it has."""
    return Path(PureWindowsPath(text).as_posix()) if "\\" in text else Path(text)


def _find_file(folder: Path, text: str) -> Path | None:
    """Return the file that a cell names, beside its table or in a folder for images there."""
    named = _to_path(text)
    for place in PLACES:
        start = folder / place / named
        for end in ("", *IMAGE_ENDS):
            if kind_of(path := start.with_name(start.name + end)) == "file" and is_image(path):
                return path
    return None


def to_files(cells: Cells) -> list[Path]:
    """Return the image files that a column names. Raises `UserError` where one is missing."""
    folder = cells.table.parent
    found = [_find_file(folder, text) if text else None for text in cells.values]
    missing = [row for row, path in enumerate(found) if path is None]
    if missing:
        row = missing[0]
        more = f", and {len(missing) - 1:,} more are missing" if len(missing) > 1 else ""
        text = cells.values[row]
        what = f"there is no image '{readable(str(text))}'" if text else "the cell is empty"
        raise UserError(
            f"{describe_cell(cells, row)}: {what}{more}", f"paths start from {readable(folder)}"
        )
    return [path for path in found if path is not None]


def split_labels(cells: Cells) -> tuple[tuple[str, ...], Array]:
    """Return the names of labels, and which a sample has, bool (n, k).

    A cell lists labels as `a;b`, `a|b` or `a,b`; where no cell has one of these, as `a b`.
    """
    separators = [each for each in ";|," if any(each in text for text in cells.values)]
    separator = separators[0] if separators else None
    rows = [[each.strip() for each in text.split(separator)] for text in cells.values]
    names = tuple(sorted({each for row in rows for each in row if each}))
    places = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(cells), len(names)), bool)
    for row, several in enumerate(rows):
        counts = Counter(filter(None, several))
        if twice := [name for name, count in counts.items() if count > 1]:
            raise UserError(f"{describe_cell(cells, row)} has '{readable(twice[0])}' twice")
        found[row, [places[name] for name in counts]] = True
    return names, found


def split_parts(cells: Cells) -> Mapping[str, Array]:
    """Return the places of the samples of each part, by a column that says it.

    It has words such as train, val and test, or 0 and 1 under the name `is_valid` or `is_test`.
    """
    other = {"is_valid": "validation", "is_validation": "validation", "is_test": "test"}
    words: Mapping[str, str] = PARTS
    if (second := other.get(cells.name.casefold())) is not None:
        words = {**dict.fromkeys(("0", "false", "no"), "train"),
                 **dict.fromkeys(("1", "true", "yes"), second)}  # fmt: skip
    places: dict[str, list[int]] = {}
    for row, text in enumerate(cells.values):
        part = words.get(text.casefold())
        if part is None:
            shown = f"'{readable(str(text))}', which is no part" if text else "empty"
            raise UserError(
                f"{describe_cell(cells, row)} is {shown} of a dataset",
                f"it takes {', '.join(dict.fromkeys(words.values()))}"
                if words is PARTS
                else "it takes 0 and 1",
            )
        places.setdefault(part, []).append(row)
    if "train" not in places:
        raise UserError(
            f"{readable(cells.table)}: column '{readable(cells.name)}' leaves no training set",
            "mark the samples to learn from as train",
        )
    order = ("train", "validation", "test")
    return {part: np.array(places[part]) for part in order if part in places}
