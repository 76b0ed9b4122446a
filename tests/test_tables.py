"""CSV tables as people have them: read whole, or refused with the line and the remedy."""

import os
from pathlib import Path

import pytest
from PIL import Image

import archspec
from archspec.data.columns import Cells
from archspec.data.preparation import prepare
from archspec.data.tables import (
    describe_cell,
    describe_files,
    find_path_columns,
    find_separator,
    is_numeric,
    names_images,
    read_table,
    split_labels,
    split_parts,
    to_files,
    to_numbers,
)
from archspec.errors import UserError
from archspec.recipe import recipe_of


def write(folder: Path, text: str | bytes, name: str = "t.csv", files: str = "") -> Path:
    """A table, with empty files beside it."""
    for each in files.split():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).touch()
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def columns(folder: Path, text: str | bytes, name: str = "t.csv") -> dict[str, list[str]]:
    """The columns of a table, which has no notes."""
    found, notes = read_table(write(folder, text, name))
    assert notes == []
    return {name: list(cells.values) for name, cells in found.items()}


def column(folder: Path, *values: str, name: str = "age", files: str = "") -> Cells:
    """A column, read from a table."""
    lines = [f'{at},"{value}"' for at, value in enumerate(values)]
    table = write(folder, "\n".join([f"id,{name}", *lines]), files=files)
    return read_table(table)[0][name]


def message(call, *arguments) -> str:
    """The error of a call, and its hint."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return f"{caught.value.args[0]} | {caught.value.hint}"


# --- reading -------------------------------------------------------------------------------------

SOUND = {"a": ["1", "3"], "b": ["x y", ""]}


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x y\n3,\n",
        "a;b\r\n1;x y\r\n3;\r\n",
        "a\tb\n1\tx y\n3\t",
        "a,b\r1,x y\r3,\r",
        ' a , b \n 1, "x y"\n\n3, \n,\n\n',
        "\ufeffa,b\n1,x y\n3,",
        "sep=;\na;b\n1;x y\n3;\n",
        '"a";"b"\n"1";"x y"\n"3";""\n',
        "a,b,\n1,x y,\n3,,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_is_read_however_it_was_saved(text: str, encoding: str, tmp_path: Path) -> None:
    if encoding == "utf-16":
        text = text.removeprefix("\ufeff")  # which the encoding writes
    assert columns(tmp_path, text.encode(encoding)) == SOUND


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a,b\n"1\n2","say ""hi"""\n', {"a": ["1\n2"], "b": ['say "hi"']}),
        ("path,tags\nx,cat;dog\ny,cat;eel\n", {"path": ["x", "y"], "tags": ["cat;dog", "cat;eel"]}),
        ("age;size\n3;5,5\n4;6,5\n", {"age": ["3", "4"], "size": ["5,5", "6,5"]}),
        ("a;b, or c\n1;2\n", {"a": ["1"], "b, or c": ["2"]}),
        ("a,b;c\n1;2,3;4\n5;6,7;8\n", {"a": ["1;2", "5;6"], "b;c": ["3;4", "7;8"]}),
        ("path\nx y\n", {"path": ["x y"]}),
        ("ä\né\u2028\u0085b\n", {"ä": ["é\u2028\u0085b"]}),
    ],
)
def test_cells_are_what_stands_in_them(text: str, found: dict, tmp_path: Path) -> None:
    assert columns(tmp_path, text) == found


def test_the_delimiter_of_a_tsv_is_a_tab_if_either_will_do(tmp_path: Path) -> None:
    assert columns(tmp_path, "a,b\tc\n1,2\t3\n", "t.tsv") == {"a,b": ["1,2"], "c": ["3"]}
    assert columns(tmp_path, "a,b\tc\n1,2\t3\n") == {"a": ["1"], "b\tc": ["2\t3"]}


def test_a_cell_knows_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, 'sep=,\n\na,b\n"1\n2",x\n\n3,y\n')
    cells = read_table(path)[0]["b"]
    assert list(cells.lines) == [4, 7]
    assert describe_cell(cells, 1) == f"{path}, line 7, column 'b'"
    assert describe_cell(cells[[1]], 0) == f"{path}, line 7, column 'b'"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.csv is empty"),
        ("\n , \n", "t.csv is empty"),
        ("a,b\n", "has the names of columns, and no rows"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cell, the first line 2 | the delimiter is ','"),
        ("a\tb\n1\t2\n3\t4\t5\n", "line 3 has 3 cells, the first line 2 | the delimiter is a tab"),
        ("a,b\n1,2\na,b\n3,4\n", "line 3 repeats the names"),
        ("a,a\n1,2\n", "two columns 'a' | rename one"),
        ("a,,b\n1,2,3\n", "column 2 has no name"),
        (",a\nx,1\n", "column 1 has no name"),
        (",\n1,\n2,\n", "line 2 names no columns: it holds '1'"),
        ('a,b\n1,"2\n3,4\n', "line 2: a cell in quotes does not end with them"),
        ('a\tb\n"3" x\t4\n', "line 2: a cell in quotes does not end with them | write a quote"),
        ('a,b\n1,2\n"3" x,4\n', "line 3: a cell in quotes does not end with them"),
        ("1.png,cat\n2.png,dog\n", "line 1 names no columns: it holds '1.png'"),
        ("a,cat\nb,dog\nc,cat\n", "it holds 'cat', which looks like a value"),
        ("5,0,3\n1,2,3\n", "it holds '5', which looks like a value"),
        ("a,0.5\nb,0.5\n", "it holds '0.5'"),
        (b"a,b\n1,\xe9\n", "line 2: the text is not in UTF-8 | save it as UTF-8, in Excel"),
        ("a,b\n1,\xe9\n".encode("utf-16-le"), "t.csv is no text | save it as CSV in UTF-8"),
        (b"\xff\xfea\0,", "line 1: the text is not in UTF-16"),
        (b"PK\3\4\0\0\xff", "t.csv is no text"),
        (b"a,b\n1,\0\n", "line 2 holds a NUL byte"),
        (f"a,b\n1,{'x' * 200_000}\n", "line 2: a cell has more than 131,072 characters"),
    ],
)
def test_what_is_no_table_is_refused(text: str | bytes, said: str, tmp_path: Path) -> None:
    found = message(read_table, write(tmp_path, text))
    assert said in found
    assert found.isprintable()
    assert len(found) < 400 + len(str(tmp_path))


def test_only_a_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    assert "a pipe or device" in message(read_table, tmp_path / "t.csv")
    assert "no such file" in message(read_table, tmp_path / "u.csv")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (",a\n0,x\n1,y\n", "not used: the first column, which has no name: it numbers the rows"),
        ("Unnamed: 0,a\n7,x\n3,y\n", "not used: Unnamed: 0: it numbers the rows"),
    ],
)
def test_the_index_that_pandas_writes_is_left_out(text: str, note: str, tmp_path: Path) -> None:
    found, notes = read_table(write(tmp_path, text))
    assert (found.keys(), notes) == ({"a"}, [note])


def test_columns_may_be_numbered(tmp_path: Path) -> None:
    found, notes = read_table(write(tmp_path, "path,0,1\nx,0,1\ny,1,0\n"))
    assert list(found) == ["path", "0", "1"]
    assert notes == ["the first line, path, 0, 1, is taken for the names of the columns"]


# --- numbers -------------------------------------------------------------------------------------


def test_numbers_are_read_as_written(tmp_path: Path) -> None:
    cells = column(tmp_path, "1", "-2.50", "+.5", "1e-3", "7.")
    assert is_numeric(cells)
    assert to_numbers(cells).tolist() == [1, -2.5, 0.5, 0.001, 7]
    assert to_numbers(column(tmp_path, "True", "false", "1")).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "column 'age' is empty | give the cell a number, or remove the row"),
        ("NaN", "column 'age' is 'NaN' | give"),
        ("3,5", "column 'age' is '3,5', which is no finite number | write numbers with a point"),
        ("1.234,5", "write numbers with a point"),
        ("1,234.5", "column 'age' is '1,234.5', which is no finite number"),
        ("12 kg", "column 'age' is '12 kg'"),
        ("1_000", "column 'age' is '1_000'"),
        ("inf", "column 'age' is 'inf', which is no finite number"),
        ("1e400", "column 'age' is 1e400, which is too large"),
        ("٣", "which is no finite number"),
        ("0x1f", "which is no finite number"),
    ],
)
def test_what_is_no_number_is_named_with_its_line(value: str, said: str, tmp_path: Path) -> None:
    cells = column(tmp_path, "1", "2", value, "4")
    assert is_numeric(cells)
    found = message(to_numbers, cells)
    assert "t.csv, line 4, column 'age' is" in found
    assert said in found


def test_equal_faults_are_counted(tmp_path: Path) -> None:
    said = message(to_numbers, column(tmp_path, "1", "", "x", "NA", "-"))
    assert "line 3, column 'age' is empty; 2 more cells like it" in said


def test_a_column_of_words_is_none_of_numbers(tmp_path: Path) -> None:
    assert not is_numeric(column(tmp_path, "a", "b", "3"))
    assert not is_numeric(column(tmp_path, "", "NaN"))
    assert is_numeric(column(tmp_path, "3,5", "4,5"))


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "files", "found", "note"),
    [
        ("a.png .b.png", "a.png .b.png", "a.png .b.png", None),
        ("x/a.png ../{}/b.png", "x/a.png b.png", "x/a.png ../{}/b.png", None),
        (r"x\a.png .\b.png", "x/a.png b.png", "x/a.png b.png", None),
        ("a.png b.png", "images/a.png images/b.png", "images/a.png images/b.png", "a.png"),
        ("1 2", "train/1.jpg train/2.png test/3.jpg", "train/1.jpg train/2.png", "1"),
        ("1 2", "1.jpg 2.jpg", "1.jpg 2.jpg", "1"),
        ("c/1.5 c/2", "c/1.5.jpg c/2.jpg c/2.txt", "c/1.5.jpg c/2.jpg", "c/1.5"),
        ("1.jpg 2.jpg", "cat/1.jpg dog/2.jpg", "cat/1.jpg dog/2.jpg", "1.jpg"),
        ("x/1 y/2", "img/x/1.jpg img/y/2.jpg", "img/x/1.jpg img/y/2.jpg", "x/1"),
    ],
)
def test_files_are_found(
    values: str, files: str, found: str, note: str | None, tmp_path: Path
) -> None:
    here, wanted = tmp_path.name, found.split()
    cells = column(tmp_path, *values.replace("{}", here).split(), name="path", files=files)
    paths = to_files(cells)
    assert paths == [tmp_path / each.replace("{}", here) for each in wanted]
    said = describe_files(cells, paths)
    assert said == (note and f"path: '{note}' is the file {wanted[0]}, and so on")


def test_paths_may_be_whole(tmp_path: Path) -> None:
    write(tmp_path, "", "a.png")
    place = tmp_path / "x"
    place.mkdir()
    cells = column(place, str(tmp_path / "a"))
    assert to_files(cells) == [tmp_path / "a.png"]
    note = describe_files(cells, to_files(cells))
    assert note is not None
    assert note.endswith(f"is the file {tmp_path}/a.png, and so on")
    write(tmp_path, "", "a.jpg")
    assert f"which may be {tmp_path}/a." in message(to_files, cells)


@pytest.mark.parametrize(
    ("values", "files", "said"),
    [
        (["a.png", "b.png", "c.png"], "a.png", "line 3, column 'path' is 'b.png', and there is no"
         " such file; 1 more cells like it | names of files start from {}"),
        (["a.png", ""], "a.png", "line 3, column 'path' names no file"),
        (["1", "2"], "1.png 1.jpg 2.png", "column 'path' is '1', which may be 1.jpg or 1.png"),
        (["2.png", "1.png"], "x/1.png y/1.png x/2.png", "line 3, column 'path' is '1.png', which"
         " may be x/1.png or y/1.png | write whole names"),
        (["a.png", "b.png"], "a.png x/b.png", "'b.png', and there is no such file"),
        (["x", ".."], "x/a.png", "line 2, column 'path' is 'x', and there is no such file; 1 more"),
        (["https://x.org/a.png"], "", "is 'https://x.org/a.png', and there is no such file"),
    ],
)  # fmt: skip
def test_files_are_not_guessed(values: list[str], files: str, said: str, tmp_path: Path) -> None:
    cells = column(tmp_path, *values, name="path", files=files)
    assert said.format(tmp_path) in message(to_files, cells)


def test_the_name_of_a_file_in_another_case_is_told(tmp_path: Path) -> None:
    cells = column(tmp_path, "x/A.PNG", "x/b.png", name="path", files="x/a.png x/b.png")
    assert "its name is x/a.png" in message(to_files, cells)


def test_the_columns_of_paths_are_found(tmp_path: Path) -> None:
    text = "id,left,right,kind,age\n1,a.PNG,b.jpg,cat,1\n2,c.png,,dog,2\n"
    found = read_table(write(tmp_path, text, files="i/1.png i/2.png"))[0]
    assert find_path_columns(found) == ["left", "right"]
    del found["left"], found["right"]
    assert find_path_columns(found) == ["id", "age"]  # whoever asks has to choose
    assert find_path_columns({}) == []
    assert not names_images(found["kind"])
    assert not names_images(column(tmp_path, "1", "2", "1"))
    assert not names_images(column(tmp_path, "1", "2", "3"))


# --- labels and parts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["a; b", "b", "", "c;a;a;"], ";"),
        (["a|b", "b", "", "a|c"], "|"),
        (["a, b", "b", "", "a,c"], ","),
        (["a b", "b", "", "c  a"], " "),
        (["['a', 'b']", "['b']", "[]", "['c', 'a']"], ","),
    ],
)
def test_labels_are_split(values: list[str], separator: str, tmp_path: Path) -> None:
    cells = column(tmp_path, *values)
    assert find_separator([cells]) == separator
    found, marks = split_labels(cells, separator)
    assert found == ("a", "b", "c")
    assert marks.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_the_separator_is_that_of_all_parts(tmp_path: Path) -> None:
    cells = column(tmp_path, "big cat;dog", "big cat")
    assert find_separator([cells[[1]], cells[[0]]]) == ";"
    assert find_separator([column(tmp_path, "['big cat']", "[]")]) == ","
    said = message(find_separator, [column(tmp_path, "a", "a;b", "a,b")])
    assert "line 3, column 'age' has its labels between ';', line 4 between ','" in said


def parts(folder: Path, name: str, *values: str) -> dict[str, list[int]]:
    found = split_parts(column(folder, *values, name=name))
    return {part: places.tolist() for part, places in found.items()}


def test_a_column_says_the_parts(tmp_path: Path) -> None:
    found = parts(tmp_path, "split", "Train", "valid", "TEST", "training")
    assert found == {"train": [0, 3], "validation": [1], "test": [2]}
    assert parts(tmp_path, "is_valid", "0", "1", "0") == {"train": [0, 2], "validation": [1]}
    assert parts(tmp_path, "is_test", "False", "True") == {"train": [0], "test": [1]}


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        (
            "part",
            ["train", "trian"],
            "line 3, column 'part' is 'trian', which is no part of a dataset | write train",
        ),
        ("part", ["train", ""], "line 3, column 'part' is empty"),
        ("part", ["0", "1"], "line 2, column 'part' is '0', which is no part of a dataset; 1 more"),
        ("is_train", ["0", "1"], "line 2, column 'is_train' is '0', which is no part of a dataset"),
        ("part", ["test", "val"], "part says train in no row"),
    ],
)
def test_another_word_is_no_part(name: str, values: list[str], said: str, tmp_path: Path) -> None:
    assert said in message(split_parts, column(tmp_path, *values, name=name))


# --- as a network takes them ---------------------------------------------------------------------

LABELS = """
archspec: 1
input: [4, 4, 3]
layers: [Flatten, Dense: {units: 2, activation: sigmoid}]
train: {loss: BinaryCrossentropy, data: {targets: tags, part: part}}
"""


def test_a_network_takes_what_its_table_means(tmp_path: Path) -> None:
    rows = ["id,tags,part", "1,big cat;dog,train", "2,big cat,val", "3,dog,train"]
    table = write(tmp_path, "\n".join(rows), files="pictures/none.txt")
    for name in "123":
        Image.new("RGB", (4, 4)).save(tmp_path / f"pictures/{name}.png")
    graph = archspec.loads(LABELS)
    dataset, parts = prepare(graph, recipe_of(graph, data=str(table)))
    (target,) = dataset.targets.values()
    assert target.classes == ("big cat", "dog")
    (marks,) = parts["validation"].examples.targets.values()
    assert marks.tolist() == [[1, 0]]
    assert "id: '1' is the file pictures/1.png, and so on" in dataset.notes
