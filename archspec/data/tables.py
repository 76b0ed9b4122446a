"""Read CSV tables, and their columns as numbers, files, labels or parts.

A table is text in UTF-8 or UTF-16 whose first line names the columns. Its delimiter is a comma, a
semicolon or a tab.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from archspec.data.columns import Cells, DataSource, PartColumns
from archspec.data.folders import PARTS, find_part, holds_images, is_image, list_visible
from archspec.data.images import Array
from archspec.errors import UserError, did_you_mean
from archspec.reading import kind_of, read_bytes, readable, reading

SUFFIXES = {".csv", ".tsv", ".txt"}
LARGEST = 2**28  # bytes: a table of numbers takes some ten times as much memory
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DELIMITERS = ",;\t"
LOOK = 100  # rows that tell the delimiter, cells that tell whether and where a column names files
LONG = 2**20  # characters that have these rows
NAME_COLUMNS = "write the names of the columns in the first line, such as path,label"

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Numbers as they are written with a comma: 3,5 and 1.234,5 and 1,234.5.
WITH_COMMA = re.compile(r"[+-]?((\d+|\d{1,3}(\.\d{3})+),\d+|\d{1,3}(,\d{3})+(\.\d+)?)", re.ASCII)
BOOLEANS = {"false": 0.0, "true": 1.0}
MISSING = {"", "nan", "na", "n/a", "<na>", "null", "none", "nil", "-", "?"}
# How pandas calls the column of an index that it has written and read again.
INDEX = re.compile(r"(Unnamed: 0(\.\d+)*)?")


# --- reading -------------------------------------------------------------------------------------


def read_table(path: Path) -> tuple[dict[str, Cells], list[str]]:
    """Return the columns of a table by name, and notes on what is left out or assumed.

    Rows without any text are passed over. Raises `UserError` for a file that is no table, for a row
    with more or fewer cells than the first line has, and where that line does not name the columns.
    """
    where = readable(path)
    with reading(path):
        text = _decode(read_bytes(path, LARGEST), where)
        told = re.match(r"sep=([,;\t])\r?\n", text)  # Excel's word for the delimiter
        delimiter = told[1] if told else _find_delimiter(text, path)
        records = _read_records(text[told.end() :] if told else text, delimiter, where, bool(told))
        line, header = next(records, (1, []))
        if not header:
            raise UserError(f"{where} is empty", NAME_COLUMNS)
        rows, lines = [], []
        for number, row in records:
            if len(row) != len(header):
                raise UserError(
                    f"{where}, line {number} has {_count(len(row), 'cell')}, the first line "
                    f"{len(header)}",
                    f"the delimiter is {_name_delimiter(delimiter)}: put a cell that holds one in "
                    'double quotes: "a, b"',
                )
            if row == header:
                raise UserError(
                    f"{where}, line {number} repeats the names of the columns", "remove the line"
                )
            rows.append(row)
            lines.append(number)
        cells = np.array(rows, dtype=object).reshape(len(rows), len(header)).T.copy()
        notes = _check_names(header, cells, f"{where}, line {line}")
        if not rows:
            raise UserError(
                f"{where} has the names of columns, and no rows", "add a row for each sample"
            )
        numbers = np.array(lines, np.int64)
        return _name_columns(path, header, cells, numbers, notes), notes


def find_table(folder: Path) -> Path | None:
    """Return the only table in a folder, where no folders of images say the classes."""
    folders, files = list_visible(folder)
    tables = [path for path in files if path.suffix.lower() in SUFFIXES - {".txt"}]
    if len(tables) != 1 or sum(map(holds_images, folders)) > 1:
        return None
    return tables[0]


def load_table(path: Path, part: str | None) -> DataSource:
    """Return the parts of a table as a source. part: the column that says which sample is where."""
    columns, notes = read_table(path)
    where, images = readable(path), find_path_columns(columns)
    places = {"train": np.arange(len(next(iter(columns.values()))))}
    if part is not None:
        if part not in columns:
            hint = did_you_mean(part, columns) or f"it has {', '.join(map(readable, columns))}"
            raise UserError(f"train.data.part: {where} has no column '{readable(part)}'", hint)
        places = split_parts(columns[part])
    elif seeming := [name for name, cells in columns.items() if _says_parts(cells)]:
        notes.append(
            f"{readable(seeming[0])} seems to say which part a sample is of: `part: "
            f"{readable(seeming[0])}` under train.data goes by it"
        )
    parts = {
        each: PartColumns({name: cells[at] for name, cells in columns.items()}, where)
        for each, at in places.items()
    }
    image = images[0] if len(images) == 1 else None
    return DataSource(path.stem, parts, image, None, notes=tuple(notes))


def _says_parts(cells: Cells) -> bool:
    """Return whether a column holds the names of parts, of training and of another one."""
    found = {PARTS.get(each.casefold()) for each in {*cells.values}}
    return None not in found and "train" in found and len(found) > 1


def _decode(content: bytes, where: str) -> str:
    """Return the text of a file. Raises `UserError` for what is no text in a known encoding."""
    encoding = next((each for mark, each in ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\0" in content and encoding == "utf-8":
            raise UserError(f"{where} is no text", "save it as CSV in UTF-8") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{where}, line {line}: the text is not in {encoding.upper().removesuffix('-SIG')}",
            "save it as UTF-8, in Excel as `CSV UTF-8`",
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(f"{where}, line {line} holds a NUL byte", "save it as CSV in UTF-8")
    return text


def _read_records(
    text: str, delimiter: str, where: str, above: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold any text, each after the line of the file that it begins in.

    above: how many lines are above the text. Raises `UserError` for quotes that are not closed, or
    not doubled.
    """
    same: dict[str, str] = {}  # equal texts are one object: most cells of a table are such
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    start = above + 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            fault = "a cell in quotes does not end with them"
            if "field limit" in str(error):
                fault = f"a cell has more than {csv.field_size_limit():,} characters"
            raise UserError(
                f"{where}, line {start}: {fault}",
                'write a quote within quotes twice: "a ""b"" c"',
            ) from None
        if row is None:
            return
        cells = [*map(str.strip, row)]
        cells = [*map(same.setdefault, cells, cells)]
        if any(cells):
            yield start, cells
        start = above + reader.line_num + 1


def _find_delimiter(text: str, path: Path) -> str:
    """Return the delimiter that splits the first line, and the next ones into as many cells.

    If several do, it is the one that makes the most of the first line.
    """
    order = DELIMITERS[::-1] if path.suffix.lower() == ".tsv" else DELIMITERS
    found: list[tuple[bool, int, int, str]] = []
    for delimiter in order:
        counts = []
        with suppress(UserError):  # it is another delimiter, or a fault that is found again
            for _, row in islice(_read_records(text[:LONG], delimiter, ""), LOOK):
                counts.append(len(row))
        if counts and counts[0] > 1:
            found.append((len({*counts}) > 1, -counts[0], len(found), delimiter))
    return min(found)[-1] if found else order[0]


def _name_delimiter(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"'{delimiter}'"


def _check_names(header: list[str], cells: Array, where: str) -> list[str]:
    """Return notes on the names of columns. Raises `UserError` if they look like values."""
    numbers = [name for name in header if NUMBER.fullmatch(name)]
    counting = numbers == [str(at) for at in range(len(numbers))]
    values = [] if counting else numbers
    words = [(name, column) for name, column in zip(header, cells, strict=True)
             if name and name not in numbers]  # fmt: skip
    values += [name for name, column in words if is_image(Path(name)) or name in column]
    if values:
        raise UserError(
            f"{where} names no columns: it holds '{_shorten(values[0])}', which looks like a value",
            f"{NAME_COLUMNS}; a name is no number, no file, and no value of its column",
        )
    if numbers:
        shown = ", ".join(map(_shorten, header[:4])) + (", ..." if len(header) > 4 else "")
        return [f"the first line, {shown}, is taken for the names of the columns"]
    return []


def _name_columns(
    path: Path, header: list[str], cells: Array, lines: Array, notes: list[str]
) -> dict[str, Cells]:
    """Return the columns by name; a note is added for an index that is left out.

    Raises `UserError` for a name that occurs twice, and for a column of text without a name.
    """
    columns: dict[str, Cells] = {}
    for place, (name, values) in enumerate(zip(header, cells, strict=True), 1):
        if place == 1 and INDEX.fullmatch(name) and _is_index(values):
            called = name or "the first column, which has no name"
            notes.append(f"not used: {called}: it numbers the rows")
        elif name == "":
            if any(values):
                raise UserError(
                    f"{readable(path)}: column {place} has no name", "name it in the first line"
                )
        elif name in columns:
            raise UserError(
                f"{readable(path)} has two columns '{_shorten(name)}'", "rename one of them"
            )
        else:
            columns[name] = Cells(name, values, lines, path)
    if not columns:
        raise UserError(f"{readable(path)} has no columns besides the numbers of its rows")
    return columns


def _is_index(values: Array) -> bool:
    """Return whether cells are whole numbers, no two of them the same."""
    return all(map(str.isdecimal, values)) and len({*values}) == len(values)


def _shorten(text: str) -> str:
    text = readable(text)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def describe_cell(cells: Cells, row: int) -> str:
    """Return where a cell stands: "faces.csv, line 7, column 'age'"."""
    return f"{readable(cells.table)}, line {cells.lines[row]}, column '{_shorten(cells.name)}'"


def _refuse(cells: Cells, wrong: Sequence[int], what: Callable[[str], str], hint: str) -> UserError:
    """Return the error for some cells, which names the first of them.

    what: what is wrong, from the cell's text.
    """
    more = f"; {len(wrong) - 1:,} more cells like it" if len(wrong) > 1 else ""
    text = _shorten(str(cells.values[wrong[0]]))
    return UserError(f"{describe_cell(cells, wrong[0])} {what(text)}{more}", hint)


# --- numbers -------------------------------------------------------------------------------------


def is_numeric(cells: Cells) -> bool:
    """Return whether a column is one of numbers: more than half of its cells that are not missing.

    A cell among numbers that is none is a mistake, of which `to_numbers` tells.
    """
    counts = Counter(cells.values.tolist())
    held = {each: count for each, count in counts.items() if each.casefold() not in MISSING}
    return 2 * sum(count for each, count in held.items() if _is_number(each)) > sum(held.values())


def _is_number(text: str) -> bool:
    whole = NUMBER.fullmatch(text) or WITH_COMMA.fullmatch(text)
    return whole is not None or text.casefold() in BOOLEANS


def to_numbers(cells: Cells) -> Array:
    """Return a column of numbers as float64 (n,); true is 1, and false 0.

    Raises `UserError` for a cell that holds no finite number.
    """
    found = {each: _to_number(each) for each in {*cells.values}}
    values = np.fromiter(map(found.__getitem__, cells.values), np.float64, len(cells))
    wrong = np.flatnonzero(~np.isfinite(values)).tolist()
    if not wrong:
        return values
    first = str(cells.values[wrong[0]])
    if first.casefold() in MISSING:
        wrong = [row for row in wrong if cells.values[row].casefold() in MISSING]
        raise _refuse(
            cells,
            wrong,
            lambda text: f"is {repr(text) if text else 'empty'}",
            "give the cell a number, or remove the row",
        )
    wrong = [row for row in wrong if cells.values[row].casefold() not in MISSING]
    hint = "write numbers, as 3.5 or 1e-3, or leave the column out"
    if WITH_COMMA.fullmatch(first):
        hint = "write numbers with a point, and nothing between thousands: 1234.5"
    elif NUMBER.fullmatch(first):
        raise _refuse(cells, wrong[:1], lambda text: f"is {text}, which is too large", hint)
    raise _refuse(cells, wrong, lambda text: f"is '{text}', which is no finite number", hint)


def holds_rows(cells: Cells) -> bool:
    """Return whether cells hold several numbers each, such as the pixels of an image."""
    first = _split_numbers(str(cells.values[0]))
    return len(first) > 1 and all(map(NUMBER.fullmatch, first))


def to_rows(cells: Cells) -> Array:
    """Return a column of several numbers in each cell as float64 (n, k).

    Raises `UserError` for a cell with more or fewer than the first has, or with something else.
    """
    count = len(_split_numbers(str(cells.values[0])))
    values = np.full((len(cells), count), np.nan)
    for row, text in enumerate(cells.values):
        found = _split_numbers(text)
        with suppress(ValueError):
            values[row] = found if len(found) == count else np.nan
    if wrong := np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist():
        raise _refuse(
            cells,
            wrong,
            lambda text: f"is '{text}', and not {count:,} numbers as the first row",
            "give each row as many numbers, with spaces between",
        )
    return values


def _split_numbers(text: str) -> list[str]:
    """Return the numbers of a cell: 1 2 3, or [1, 2, 3]."""
    return (text[1:-1].replace(",", " ") if _is_list(text) else text).split()


def _to_number(text: str) -> float:
    """Return the number that a text is; NaN if it is none, since float() reads '1_000', too."""
    if NUMBER.fullmatch(text):
        return float(text)
    return BOOLEANS.get(text.casefold(), np.nan)


# --- files ---------------------------------------------------------------------------------------


class _FileFinder:
    """Finds the files that cells name, from the folder of their table. Each folder is listed once.

    deeper: whether names start from the folders in it.
    """

    def __init__(self, folder: Path, deeper: bool = False) -> None:
        self.folder = folder
        self.starts = list_visible(folder)[0] if deeper else [folder]
        self.listed: dict[str, dict[str, list[Path]]] = {}

    def find(self, text: str) -> list[Path]:
        """Return the files of that name, or else the images that have it before their suffix."""
        for written in dict.fromkeys((text, _turn_slashes(text))):
            place, slash, name = written.rpartition("/")
            if (place := place + slash) not in self.listed:
                self.listed[place] = self._list(place)
            if found := self.listed[place].get(name):
                return found
            path = self.folder / written
            if name and self.starts == [self.folder] and kind_of(path) in ("file", "special"):
                return [path]  # hidden, or in another case than its name has
        return []

    def find_alike(self, text: str) -> Path | None:
        """Return a file whose name differs in case alone."""
        place, slash, name = _turn_slashes(text).rpartition("/")
        found = self.listed.get(place + slash, {})
        return next((found[each][0] for each in found if each.casefold() == name.casefold()), None)

    def _list(self, place: str) -> dict[str, list[Path]]:
        names: dict[str, list[Path]] = {}
        stems: dict[str, list[Path]] = {}
        folders = [start / place for start in self.starts]
        for folder in (each for each in folders if kind_of(each) == "folder"):
            for path in list_visible(folder)[1]:
                names.setdefault(path.name, []).append(path)
                if is_image(path):
                    stems.setdefault(path.stem, []).append(path)
        return stems | names


def _turn_slashes(text: str) -> str:
    return text.replace("\\", "/")


class _FileFinders:
    """The files in a table's folder, and in the folders in it, listed only if they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.finder = _FileFinder(folder)

    @cached_property
    def deeper(self) -> _FileFinder:
        return _FileFinder(self.folder, deeper=True)

    def find_all(self, cells: Cells) -> list[list[Path]]:
        """Return what each cell names, from the folders in the table's if none does from there."""
        found = [*map(self.finder.find, cells.values)]
        return found if any(found) else [*map(self.deeper.find, cells.values)]

    def find_alike(self, text: str) -> Path | None:
        return self.finder.find_alike(text) or self.deeper.find_alike(text)


def to_files(cells: Cells) -> list[Path]:
    """Return the files that the cells name.

    Names start from the table's folder; if no cell names a file from there, from the folders in it.
    A name may lack the suffix of an image. Raises `UserError` for names of no file, or of several.
    """
    base = cells.table.parent
    finders = _FileFinders(base)
    found = finders.find_all(cells)
    if double := [row for row, each in enumerate(found) if len(each) > 1]:
        names = " or ".join(_write_from(base, each) for each in found[double[0]][:2])
        raise _refuse(
            cells,
            double,
            lambda text: f"is '{text}', which may be {names}",
            f"write whole names, with folder and suffix, from {readable(base)}",
        )
    if lacking := [row for row, each in enumerate(found) if not each]:
        hint = f"names of files start from {readable(base)}, or all of them from the folders in it"
        if alike := finders.find_alike(cells.values[lacking[0]]):
            hint = f"its name is {_write_from(base, alike)}"
        raise _refuse(
            cells,
            lacking,
            lambda text: f"is '{text}', and there is no such file" if text else "names no file",
            hint,
        )
    return [each for (each,) in found]


def _write_from(base: Path, path: Path) -> str:
    return readable(path.relative_to(base) if path.is_relative_to(base) else path)


def describe_files(cells: Cells, files: Sequence[Path]) -> str | None:
    """Return a note on how files were found whose names are not written whole; None if all are."""
    base = cells.table.parent
    for text, path in zip(cells.values, files, strict=True):
        if path not in (base / text, base / _turn_slashes(text)):
            name, found = _shorten(cells.name), _write_from(base, path)
            return f"{name}: '{_shorten(text)}' is the file {found}, and so on"
    return None


def describe_rows(used: Mapping[str, Sequence[Path]], images: Collection[Path]) -> list[str]:
    """Return notes on images that rows name more than once, and on those that none names.

    used: the images of each part, in the order of its rows; none where a row has several. images:
    all that are used, and those that are left out because they are broken.
    """
    notes = []

    def note(why: str, paths: Sequence[Path]) -> None:
        if paths:
            notes.append(f"{why}: {_count(len(paths), 'image')}, such as {readable(paths[0])}")

    for part, paths in used.items():
        twice = [path for path, count in Counter(paths).items() if count > 1]
        note(f"several rows of {part} name the same image", twice)
        if part != "train":
            note(f"rows of {part} name images of train", sorted({*paths} & {*used["train"]}))
    folders = dict.fromkeys(path.parent for path in images)
    beside = [each for folder in folders for each in list_visible(folder)[1] if is_image(each)]
    note("not used, because no row names them", [each for each in beside if each not in images])
    return notes


def names_images(cells: Cells) -> bool:
    """Return whether a column names image files: by their suffixes, in half of a sample of cells.

    Names without a suffix are those of images if no two cells are the same, and the sample can be
    found.
    """
    return _have_suffixes(cells) or _are_found(cells, _FileFinders(cells.table.parent))


def _have_suffixes(cells: Cells) -> bool:
    held = [each for each in _sample(cells).values if each]
    return bool(held) and 2 * sum(is_image(Path(each)) for each in held) >= len(held)


def _are_found(cells: Cells, finders: _FileFinders) -> bool:
    sample = _sample(cells)
    # Most columns have equal cells among a few, which are looked at first.
    if any("" in each.values or len({*each.values}) < len(each) for each in (sample, cells)):
        return False
    found = finders.find_all(sample)
    return all(len(each) == 1 and is_image(each[0]) for each in found)


def _sample(cells: Cells) -> Cells:
    """Return some cells of a column, from its beginning to its end."""
    return cells[np.linspace(0, len(cells) - 1, min(LOOK, len(cells))).astype(int)]


def find_path_columns(columns: Mapping[str, Cells]) -> list[str]:
    """Return the columns that name image files; those without suffixes only if no others do."""
    if found := [name for name, cells in columns.items() if _have_suffixes(cells)]:
        return found
    finders = {cells.table.parent: _FileFinders(cells.table.parent) for cells in columns.values()}
    return [
        name for name, cells in columns.items() if _are_found(cells, finders[cells.table.parent])
    ]


# --- labels and parts ----------------------------------------------------------------------------


def find_separator(parts: Iterable[Cells]) -> str:
    """Return what separates the labels in cells: `;`, `|` or `,`, and a space if none of them is
    there.

    parts: all parts of a column, since a part may have cells of one label only. Raises `UserError`
    where two of them occur.
    """
    found: dict[str, tuple[Cells, int]] = {}
    for cells in parts:
        for row, text in enumerate(cells.values):
            if _is_list(text):
                return ","
            for each in ";|,":
                if each in text:
                    found.setdefault(each, (cells, row))
    if len(found) > 1:
        (one, first), (two, second) = list(found.items())[:2]
        raise UserError(
            f"{describe_cell(*first)} has its labels between '{one}', line "
            f"{second[0].lines[second[1]]} between '{two}'",
            "write one of them throughout",
        )
    return next(iter(found), " ")


def split_labels(cells: Cells, separator: str) -> tuple[tuple[str, ...], Array]:
    """Return the names of labels, sorted, and which of them each cell has: bool (n, names).

    An empty cell has none. Lists that Python has printed, as ['a', 'b'], are read as a, b.
    """
    texts = [each[1:-1] if _is_list(each) else each for each in cells.values]
    rows = [{name.strip(" \t\n'\"") for name in text.split(separator)} - {""} for text in texts]
    names = tuple(sorted({name for row in rows for name in row}))
    places = {name: at for at, name in enumerate(names)}
    marks = np.zeros((len(rows), len(names)), bool)
    for at, row in enumerate(rows):
        marks[at, [places[name] for name in row]] = True
    return names, marks


def _is_list(text: str) -> bool:
    return text[:1] == "[" and text[-1:] == "]"


def split_parts(cells: Cells) -> dict[str, Array]:
    """Return the places of the samples of each part, by a column that says train, validation, test.

    A column called is_valid or is_test has 0 or 1. Raises `UserError` for another word, and if no
    sample is of the training set.
    """
    words: dict[str, str] = dict(PARTS)
    other = find_part(cells.name)
    flags = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
    if other in ("validation", "test"):
        words |= {word: other if is_so else "train" for word, is_so in flags.items()}
    by_text = {text: words.get(text.casefold()) or find_part(text) for text in {*cells.values}}
    said = [by_text[text] for text in cells.values]
    if wrong := [row for row, part in enumerate(said) if part is None]:
        raise _refuse(
            cells,
            wrong,
            lambda text: f"is '{text}', which is no part of a dataset" if text else "is empty",
            "write train, validation or test, or 0 and 1 in a column called is_valid or is_test",
        )
    parts = np.array(said)
    found = {part: np.flatnonzero(parts == part) for part in ("train", "validation", "test")}
    if not len(found["train"]):
        raise UserError(f"{readable(cells.table)}: {_shorten(cells.name)} says train in no row",
                        "the training set is what a network learns from")  # fmt: skip
    return {part: places for part, places in found.items() if len(places)}
