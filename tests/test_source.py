"""YAML itself: what a scalar is, where everything was written, and what a spec's file cannot be."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from texts import here, only_error, table

from archspec.errors import Diagnostic, SpecError, UserError
from archspec.syntax import source, yaml_errors
from archspec.syntax.source import Value, read_file, read_text, to_plain


def read(text: str) -> Any:
    return to_plain(read_text(text, "text").root)


def wrong(text: str) -> Diagnostic:
    return only_error(lambda: read_text(text, "text").root)


# --- scalars -------------------------------------------------------------------------------------


@table(
    "written, data",
    {
        "1e-4 is a number": ("1e-4", 1e-4),
        "1E+3 is a number": ("1E+3", 1000.0),
        ".5 is a number": (".5", 0.5),
        "1. is a number": ("1.", 1.0),
        "-.5e1 is a number": ("-.5e1", -5.0),
        "012 is decimal": ("012", 12),
        "-012 is decimal": ("-012", -12),
        "+7 is a number": ("+7", 7),
        "0x1F is hexadecimal": ("0x1F", 31),
        "0o17 is octal": ("0o17", 15),
        "0b1 is text": ("0b1", "0b1"),
        "1_000 is text": ("1_000", "1_000"),
        "3:30 is text": ("3:30", "3:30"),
        "190:20:30 is text": ("190:20:30", "190:20:30"),
        "2001-12-14 is text": ("2001-12-14", "2001-12-14"),
        "no is text": ("no", "no"),
        "on is text": ("on", "on"),
        "off is text": ("off", "off"),
        "yes is text": ("yes", "yes"),
        "y is text": ("y", "y"),
        "true is a boolean": ("true", True),
        "False is a boolean": ("False", False),
        "TRUE is a boolean": ("TRUE", True),
        "tRue is text": ("tRue", "tRue"),
        "null is null": ("null", None),
        "~ is null": ("~", None),
        "NULL is null": ("NULL", None),
        "nothing is null": ("", None),
        "None is text": ("None", "None"),
        "a quoted number is text": ("'1'", "1"),
        "quoted nothing is text": ('""', ""),
        "a quoted null is text": ("'null'", "null"),
        "a literal block is text": ("|\n  12\n", "12\n"),
        "a formula is text": ("=width * 2", "=width * 2"),
        "another script's digits are text": ("١٢", "١٢"),
        "an empty list": ("[]", []),
        "an empty mapping": ("{}", {}),
        "!!str makes text": ("!!str 12", "12"),
        "!!float makes a number": ("!!float 3", 3.0),
        "!!int says what is so": ("!!int 3", 3),
    },
)
def test_scalars_are_those_of_yaml_1_2(written: str, data: Any) -> None:
    found = read(f"x: {written}")["x"]
    assert found == data
    assert type(found) is type(data)


def test_a_yaml_1_1_reader_would_say_otherwise() -> None:
    """The table above can fail: these are the words that PyYAML's own reader takes for others."""
    for word, other in {"012": 10, "no": False, "3:30": 210, "1e-4": "1e-4", "1_000": 1000}.items():
        assert yaml.safe_load(word) == other
        assert read(f"x: {word}")["x"] != other


@table(
    "written, data",
    {
        "a number": ("1: x", {"1": "x"}),
        "a word that 1.1 takes for false": ("no: x", {"no": "x"}),
        "a word that is true": ("true: x", {"true": "x"}),
        "null": ("null: x", {"null": "x"}),
        "quoted text": ("'a b': x", {"a b": "x"}),
        "digits and letters": ("1x1: x", {"1x1": "x"}),
    },
)
def test_a_key_is_text(written: str, data: Any) -> None:
    assert read(written) == data


# --- places --------------------------------------------------------------------------------------

PLACES = """\
name: resnet   # a comment
params: {width: 64, depths: [2, =a + b]}
layers:
  - Conv2D: {filters: =width}
    name: 'stem'
  -
    Dense:
      units: 10
"""


def everything(value: Value, path: str = "") -> dict[str, str]:
    """The text under every value's span, and under every key's, by path."""
    spot = Diagnostic("", "", value.span)
    found = {path: here(spot)} if not isinstance(value.data, dict | tuple) else {}
    for key, each in value.items():
        found[f"{path}/{key}:"] = here(Diagnostic("", "", value.key_span(key)))
        found |= everything(each, f"{path}/{key}")
    for number, each in enumerate(value.data if isinstance(value.data, tuple) else ()):
        found |= everything(each, f"{path}/{number}")
    return found


@pytest.mark.parametrize("loader", [yaml_errors.Loader, yaml.SafeLoader])
def test_every_key_and_value_knows_where_it_was_written(
    loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (source, yaml_errors):
        monkeypatch.setattr(module, "Loader", loader)
    assert everything(read_text(PLACES, "text").root) == {
        "/name:": "name",
        "/name": "resnet",
        "/params:": "params",
        "/params/width:": "width",
        "/params/width": "64",
        "/params/depths:": "depths",
        "/params/depths/0": "2",
        "/params/depths/1": "=a + b",
        "/layers:": "layers",
        "/layers/0/Conv2D:": "Conv2D",
        "/layers/0/Conv2D/filters:": "filters",
        "/layers/0/Conv2D/filters": "=width",
        "/layers/0/name:": "name",
        "/layers/0/name": "'stem'",
        "/layers/1/Dense:": "Dense",
        "/layers/1/Dense/units:": "units",
        "/layers/1/Dense/units": "10",
    }


def test_a_collection_reaches_from_its_first_to_its_last_sign() -> None:
    root = read_text("a: [1,\n    2]\nb: {c: 1}\n", "text").root
    spans = {key: value.span for key, value in root.items()}
    assert (spans["a"].line, spans["a"].column) == (1, 4)
    assert (spans["a"].end_line, spans["a"].end_column) == (2, 7)
    assert here(Diagnostic("", "", spans["b"])) == "{c: 1}"


@table(
    "before",
    {
        "text of other scripts": "note: 層層 é\n",
        "signs beyond 16 bits": "note: 🙂🙂\n",
        "lines that end as in Windows": "a: 1\r\nb: 2\r\n",
        "lines that end as on old Macs": "a: 1\rb: 2\r",
        "a mark for the order of bytes": "\ufeffa: 1\n",
        "signs that other programs take for line ends": "a: 'x\u2028y'  # \u2028\nb: 'x\x85y'\n",
        "a block of text": "a: |\n  one\n\n  two\n",
    },
)
def test_places_hold_after(before: str) -> None:
    root = read_text(before + "long: {key: [1, needle]}\n", "text").root
    value = root.data["long"].data["key"].data[1]
    assert here(Diagnostic("", "", value.span)) == "needle"
    assert here(Diagnostic("", "", root.key_span("long"))) == "long"


def test_a_value_that_an_alias_brings_knows_both_places() -> None:
    root = read_text("a: &anchor {x: 1}\nb: *anchor\n", "text").root
    value = root.data["b"]
    assert here(Diagnostic("", "", value.span)).endswith("{x: 1}")
    assert value.alias is not None
    assert here(Diagnostic("", "", value.alias)) == "*anchor"


# --- keys, aliases, merge keys -------------------------------------------------------------------


@table(
    "text, first",
    {
        "at the top": ("a: 1\nb: 2\na: 3\n", (1, 1)),
        "in a flow mapping": ("x: {a: 1, a: 2}\n", (1, 5)),
        "with another in quotes": ("a: 1\n'a': 2\n", (1, 1)),
        "deep inside": ("x:\n  - y:\n      a: 1\n      a: 1\n", (3, 7)),
    },
)
def test_a_duplicate_key_is_an_error_with_both_places(text: str, first: tuple[int, int]) -> None:
    error = wrong(text)
    assert error.code == "duplicate-key"
    assert here(error) in ("a", "'a'")
    (note,) = error.notes
    assert (note.span.line, note.span.column) == first
    assert (error.span.line, error.span.column) > first


@table(
    "text, data",
    {
        "a value twice": ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
        "a scalar": ("a: &x 3\nb: [*x, *x]\n", {"a": 3, "b": [3, 3]}),
        "the latest anchor of a name": ("- &x 1\n- &x 2\n- *x\n", [1, 2, 2]),
        "within one that is an alias": ("- &x [1]\n- &y [*x]\n- *y\n", [[1], [[1]], [[1]]]),
        "merged keys": ("a: &x {p: 1, q: 2}\nb: {<<: *x, r: 3}\n", None),
        "the mapping's own key wins over a merged one": ("a: &x {p: 1}\nb: {<<: *x, p: 2}\n", None),
        "own keys win wherever they stand": ("a: &x {p: 1}\nb: {p: 2, <<: *x}\n", None),
        "the first of several merged wins": (
            "a: &x {p: 1}\nb: &y {p: 2, q: 3}\nc: {<<: [*x, *y]}\n",
            None,
        ),
        "a merged mapping of merged ones": ("a: &x {p: 1}\nb: &y {<<: *x}\nc: {<<: *y}\n", None),
    },
)
def test_aliases_and_merge_keys_work(text: str, data: Any) -> None:
    assert read(text) == (yaml.safe_load(text) if data is None else data)


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read("'<<': {a: 1}") == {"<<": {"a": 1}}


def test_a_merged_key_keeps_its_place_and_its_alias() -> None:
    root = read_text("a: &x {deep: 1}\nb: {<<: *x}\n", "text").root
    merged = root.data["b"]
    assert (merged.key_span("deep").line, merged.data["deep"].span.line) == (1, 1)
    assert here(Diagnostic("", "", merged.data["deep"].alias)) == "*x"  # type: ignore[arg-type]


# --- what is no spec -----------------------------------------------------------------------------


def laughs(levels: int, width: int = 10) -> str:
    """Anchors that explode: each level holds the one below several times."""
    lines = ["l0: &l0 [x]"]
    for n in range(1, levels):
        lines.append(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]")
    return "\n".join(lines) + "\n"


@table(
    "text, code, place",
    {
        "anchors that explode": (laughs(9), "too-large", None),
        "a merge that explodes": (laughs(9).replace("[x]", "{x: 1}"), "too-large", None),
        "brackets too deep": ("a: " + "[" * 80 + "]" * 80 + "\n", "too-deep", None),
        "mappings too deep": ("".join(f"{' ' * n}k:\n" for n in range(80)), "too-deep", None),
        "an alias without an anchor": ("a: *x\n", "alias", "*x"),
        "an alias in its own anchor": ("a: &x [1, *x]\n", "alias", "*x"),
        "a Python object": ("a: !!python/object/apply:os.system [ls]\n", "tag", None),
        "an unknown tag on a scalar": ("a: !color red\n", "tag", None),
        "an unknown tag on a list": ("a: !many [1]\n", "tag", None),
        "an unknown tag on a key": ("!color a: 1\n", "tag", None),
        "a set": ("a: !!set {x}\n", "tag", None),
        "binary data": ("a: !!binary aGk=\n", "tag", None),
        "a tag that says what is not so": ("a: !!int x\n", "yaml", None),
        "a list as a key": ("? [1, 2]\n: x\n", "yaml", None),
        "two documents": ("a: 1\n---\nb: 2\n", "yaml", None),
        "nothing": ("", "empty", None),
        "nothing but a comment": ("# a comment\n", "empty", None),
        "a merge key with a number": ("a: {<<: 1}\n", "yaml", None),
        "infinity": ("a: .inf\n", "yaml", ".inf"),
        "minus infinity": ("a: -.Inf\n", "yaml", "-.Inf"),
        "no number": ("a: .NaN\n", "yaml", ".NaN"),
        "a number beyond all bounds": ("a: 1e999\n", "yaml", "1e999"),
        "a number of too many digits": ("a: " + "9" * 41 + "\n", "yaml", "9" * 41),
        "a sign that YAML forbids": ("a: x\ab\n", "yaml", None),
        "a tab that indents": ("a:\n\tb: 1\n", "yaml", None),
        "a bracket that stays open": ("a: [1, 2\n", "yaml", None),
    },
)
def test_a_clear_error_for(text: str, code: str, place: str | None) -> None:
    error = wrong(text)
    assert error.code == code
    assert error.span.line <= text.count("\n") + 1
    assert place is None or here(error) == place


def test_too_many_values_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read("[1, 2, 3]")
    monkeypatch.setattr(source, "MAX_VALUES", 3)
    assert wrong("[1, 2, 3]").code == "too-large"


@pytest.mark.parametrize("loader", [yaml_errors.Loader, yaml.SafeLoader])
@table(
    "text, code, words",
    {
        "brackets": ("a: " + "[" * 5000, "too-deep", "nested deeper than 60 levels"),
        "brackets that close": ("a: " + "[" * 2000 + "]" * 2000, "too-deep", "nested deeper than"),
        "braces": ("a: " + "{b: " * 5000, "too-deep", "nested deeper than 60 levels"),
        "dashes": ("a:\n  " + "- " * 5000, "too-deep", "nested deeper than 60 levels"),
        "a colon forgotten": ("- Flatten\n- Add\n\n  name: a", "yaml", "cannot follow '- Add'"),
    },
)
@pytest.mark.thorough
def test_every_parser_of_pyyaml_ends_in_our_words(
    text: str, code: str, words: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libyaml has a limit of its own on nesting since 0.2.6; without libyaml there is none."""
    for module in (source, yaml_errors):
        monkeypatch.setattr(module, "Loader", loader)
    error = wrong(text)
    assert error.code == code
    assert words in error.message


def test_bounds_allow_what_lies_within_them() -> None:
    assert len(read(laughs(5))["l4"]) == 10
    read("a: " + "[" * 50 + "]" * 50)
    assert read("a: " + "9" * 40)["a"] == int("9" * 40)


@table(
    "raw",
    {
        "UTF-16 with its mark": "archspec: 1\n".encode("utf-16"),
        "UTF-16 without one": "archspec: 1\nname: é\n".encode("utf-16-le"),
        "Latin-1": "archspec: 1\nname: é\n".encode("latin-1"),
    },
)
def test_a_file_is_utf_8_only(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(raw)
    with pytest.raises((UserError, SpecError)) as caught:
        _ = read_file(path).root
    assert "Traceback" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_line_of_a_byte_that_is_not_utf_8_is_said(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes("archspec: 1\nname: é\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"net\.yaml:2: byte 0xe9 is not UTF-8"):
        read_file(path)


def test_a_file_over_the_stated_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("archspec: 1\n" + "#" * 100, encoding="utf-8")
    assert to_plain(read_file(path).root) == {"archspec": 1}
    monkeypatch.setattr(source, "MAX_BYTES", 100)
    with pytest.raises(UserError, match="over the limit of 100"):
        read_file(path)


def test_a_file_that_cannot_be_read_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the file: no such file"):
        read_file(tmp_path / "none.yaml")


# --- brackets that are open at the end of a file -------------------------------------------------


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml_errors.Loader])
@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a: [", "1:4", "this '[' is never closed", "a ']' is missing"),
        ("a: [ # b\n\n", "1:4", "this '[' is never closed", "a ']' is missing"),
        ("a: [b,", "1:4", "this '[' is never closed", "a ']' is missing"),
        ("a: [b: ", "1:4", "this '[' is never closed", "a ']' is missing"),
        ("a: {", "1:4", "this '{' is never closed", "a '}' is missing"),
        ("a: {b:", "1:4", "this '{' is never closed", "a '}' is missing"),
        ("a:\n  - b: {c: [", "2:12", "this '[' is never closed", "']}' is missing at the end"),
        ("a: [b: {c: 3", "1:8", "this '{' is never closed", "'}]' is missing at the end"),
        ("a: [[b], [c", "1:10", "this '[' is never closed", "']]' is missing at the end"),
        ("a: 'b", "1:4", "this quote is never closed", "close it, or leave it out"),
        ('a: [1, "b]', "1:8", "this quote is never closed", "close it, or leave it out"),
    ],
)
def test_what_is_never_closed_is_named_and_found(
    text: str, place: str, message: str, hint: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (source, yaml_errors):
        monkeypatch.setattr(module, "Loader", loader)
    with pytest.raises(SpecError) as caught:
        _ = read_text(text, "net.yaml").root
    (found,) = caught.value.diagnostics
    assert str(found.span) == f"net.yaml:{place}"
    assert (found.message, found.hint) == (message, hint)


# --- what is read after a mistake ----------------------------------------------------------------

LIST = "archspec: 1\nlayers:\n"


def places(text: str) -> list[str]:
    """The lines and columns of the mistakes of YAML in a text."""
    return [str(each.span).removeprefix("text:") for each in read_text(text, "text").errors]


def rest(text: str) -> Any:
    """What is read of a text with a mistake."""
    document = read_text(text, "text")
    assert document.errors
    return None if document.rest is None else to_plain(document.rest)


@table(
    "lines, left",
    {
        "a tab": ("  - a\n\t- b\n  - c", ["c"]),
        "a colon forgotten": ("  - a\n    b: 1\n  - c", ["c"]),
        "a bracket": ("  - a: [1, 2\n    b: 3\n  - c", ["c"]),
        "a bracket in a list within": ("  - a:\n      - b: [1\n  - c", [{"a": None}, "c"]),
        "a quote that another closes": ("  - a: 'b\n  - c: 'd'\n  - e", [{"c": "d"}, "e"]),
        "a quote to the end": ("  - a\n  - b: 'c\n  - d", ["a", "d"]),
        "an indentation": ("  - a: 1\n   b: 2\n  - c", ["c"]),
        "a key twice": ("  - {a: 1, a: 2}\n  - c", ["c"]),
        "an alias whose anchor is lost": ("  - a: &b @\n  - *b\n  - c", ["c"]),
        "no indentation": ("- a: @\n- c", ["c"]),
        "the end of a list": ("  - a: @\n    b:\n      - c\n", None),
    },
)  # fmt: skip
def test_reading_goes_on_at_the_next_item(lines: str, left: Any) -> None:
    text = f"{LIST}{lines}\nname: n\n"
    assert rest(text) == {"archspec": 1, "layers": left, "name": "n"}
    assert rest(text.replace("\n", "\r\n")) == rest(text)
    assert len(read_text(text, "text").errors) == 1


def test_reading_goes_on_at_the_next_key_of_the_file() -> None:
    assert rest("archspec: 1\ninput [3]\nlayers: [a\ntrain: {b: 1}\n") == {
        "archspec": 1,
        "train": {"b": 1},
    }


def test_each_mistake_is_found_up_to_a_bound() -> None:
    assert places(f"{LIST}  - a: @\n  - b\n  - c: `\n") == ["3:8", "5:8"]
    assert places(LIST + "  - a: @\n" * 9) == [f"{line}:8" for line in range(3, 8)]


@table(
    "text",
    {
        "no spec": "Dear all: this\nis: a: letter\n: it\nhas no: end: at\nall: [\n",
        "a text and a key": "hello\narchspec: 1\nlayers: [\ntrain: {{\n",
        "a second document": "archspec: 1\n---\nlayers: [\n",
        "a letter that YAML lacks, after a mistake": f"{LIST}  - a: @\n  - b: \a\n",
    },
)
def test_of_what_is_not_certain_nothing_is_read(text: str) -> None:
    assert rest(text) is None
    assert len(places(text)) == 1


def test_a_long_file_is_read_a_few_times_however_many_mistakes_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_from = []
    parse = yaml.parse

    def counted(text: str, **options: Any) -> Any:
        read_from.append(text)
        return parse(text, **options)

    monkeypatch.setattr(yaml, "parse", counted)
    places(LIST + "  - a: @\n  - b: {\n  - *c\n" * 3000)
    assert 1 < len(read_from) <= 5 * source.MAX_MISTAKES
