"""Formulas: what they can say, which names they know, and that none of them hangs or runs code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from texts import PAIR, argument, here, names, net, refused, said, table

from archspec.errors import Refused
from archspec.expand import walk
from archspec.syntax.formulas import FUNCTIONS, MAX_ITEMS, MAX_LENGTH, evaluate, fill, is_unbalanced

# Functions called, those of C too: half a second of them on a slow machine.
AT_MOST = 2_000_000
KNOWN = {"width": 64, "depths": [2, 3, 4], "kind": "wide", "flag": True, "none": None, "half": 0.5}


@table(
    "formula, value",
    {
        "an integer": ("3", 3),
        "a number": ("1e-4", 1e-4),
        "text in single quotes": ("'same'", "same"),
        "text in double quotes": ('"same"', "same"),
        "true": ("true", True),
        "false": ("false", False),
        "null": ("null", None),
        "a list": ("[1, 'a', [true]]", [1, "a", [True]]),
        "an empty list": ("[]", []),
        "addition": ("1 + 2", 3),
        "subtraction and sign": ("-1 - +2", -3),
        "multiplication": ("3 * 4", 12),
        "division gives a number": ("8 / 4", 2.0),
        "whole division": ("7 // 2", 3),
        "remainder": ("7 % 4", 3),
        "powers": ("2 ** 10", 1024),
        "powers of one, however high": ("1 ** 1000 + (-1) ** 1001", 0),
        "precedence": ("1 + 2 * 3 ** 2", 19),
        "brackets": ("(1 + 2) * 3", 9),
        "text put together": ("'a' + 'b'", "ab"),
        "lists put together": ("[1] + [2]", [1, 2]),
        "a list repeated": ("[0] * 3", [0, 0, 0]),
        "a list repeated from the left": ("2 * [1, 2]", [1, 2, 1, 2]),
        "comparison": ("1 < 2", True),
        "comparison in a chain": ("1 < 3 < 2", False),
        "equality of text": ("kind == 'wide'", True),
        "inequality": ("kind != 'wide'", False),
        "membership": ("3 in depths", True),
        "absence": ("3 not in depths", False),
        "and": ("flag and width > 3", True),
        "or": ("width < 3 or flag", True),
        "not": ("not flag", False),
        "a if c else b": ("2 if flag else 1", 2),
        "a if c else b, the other way": ("2 if not flag else 1", 1),
        "a if c else b leaves the other alone": ("1 if flag else 1 / 0", 1),
        "and leaves what does not matter alone": ("false and 1 / 0 > 1", False),
        "an index": ("depths[1]", 3),
        "an index from the end": ("depths[-1]", 4),
        "an index that comes out whole": ("depths[4 / 4]", 3),
        "range to": ("range(3)", [0, 1, 2]),
        "range from, to": ("range(1, 3)", [1, 2]),
        "range from, to, by": ("range(6, 0, -2)", [6, 4, 2]),
        "range to a number that comes out whole": ("range(6 / 2)", [0, 1, 2]),
        "len": ("len(depths)", 3),
        "min": ("min(3, width)", 3),
        "min of a list": ("min(depths)", 2),
        "max": ("max(depths)", 4),
        "sum": ("sum(depths)", 9),
        "abs": ("abs(-3)", 3),
        "int": ("int(3.7)", 3),
        "round": ("round(3.7)", 4),
        "round to places": ("round(0.126, 2)", 0.13),
        "ceil": ("ceil(3.2)", 4),
        "floor": ("floor(3.8)", 3),
        "sqrt": ("sqrt(16)", 4.0),
        "log2": ("log2(8)", 3.0),
        "make_divisible up": ("make_divisible(30)", 32),
        "make_divisible never below 0.9": ("make_divisible(11)", 16),
        "make_divisible by another": ("make_divisible(30, 4)", 32),
        "a param": ("width", 64),
        "space around": ("  width * 2 ", 128),
    },
)
def test_a_formula_says(formula: str, value: Any) -> None:
    found = evaluate(formula, KNOWN)
    assert found == value
    assert type(found) is type(value)


def test_every_function_of_the_page_is_there_and_no_other() -> None:
    page = "range len min max sum abs int round ceil floor sqrt log2 make_divisible"
    assert list(FUNCTIONS) == page.split()


@table(
    "formula, words",
    {
        "nothing": ("", "no formula after"),
        "half a formula": ("1 +", "cannot be read"),
        "two formulas": ("1 2", "cannot be read"),
        "an unknown name": ("widht", "did you mean 'width'"),
        "unquoted text": ("same", "text needs quotes"),
        "a function without brackets": ("len", "write len(...)"),
        "an unknown function": ("flor(3)", "did you mean 'floor'"),
        "Python's True": ("True", "written true"),
        "Python's None": ("None", "null"),
        "an attribute of a param": ("width.real", "cannot stand in a formula"),
        "a method": ("kind.upper()", "cannot stand in a formula"),
        "a call of a call": ("len(depths)(3)", "cannot stand in a formula"),
        "a named argument": ("round(number=3)", "cannot stand in a formula"),
        "lambda": ("lambda: 1", "cannot stand in a formula"),
        "a comprehension": ("[x for x in depths]", "cannot stand in a formula"),
        "a slice by what is no integer": ("depths[0:0.5]", "a slice is made of integers"),
        "a slice of a number": ("width[0:2]", "only a list can be sliced"),
        "a slice of no step": ("depths[::0]", "a slice is made of integers"),
        "an attribute": ("width.real", "cannot stand in a formula"),
        "a shape of what is no step": ("(1).height", "stands after the name of a step"),
        "a mapping": ("{1: 2}", "cannot stand in a formula"),
        "an f-string": ("f'{width}'", "cannot stand in a formula"),
        "bytes": ("b'a'", "cannot stand in a formula"),
        "a complex number": ("1j", "cannot stand in a formula"),
        "an assignment": ("(x := 3)", "cannot stand in a formula"),
        "bits": ("1 << 3", "cannot stand in a formula"),
        "identity": ("width is null", "write =="),
        "import": ("__import__('os').system('true')", "cannot stand in a formula"),
        "a dunder": ("__builtins__", "no param or loop variable"),
        "text times a number": ("'a' * 3", "arithmetic expects numbers"),
        "text minus": ("'a' - 1", "arithmetic expects numbers"),
        "a list plus a number": ("depths + 1", "arithmetic expects numbers, got a list"),
        "null plus": ("none + 1", "arithmetic expects numbers, got null"),
        "a boolean is not an integer": ("true + 1", "arithmetic expects numbers, got true"),
        "a boolean does not count": ("range(true)", "expects integers, got true"),
        "a boolean is no index": ("depths[true]", "an index must be an integer"),
        "numbers compared with text": ("1 < 'a'", "cannot be compared"),
        "an index outside": ("depths[3]", "outside a list of 3"),
        "an index of a number": ("width[0]", "only a list can be indexed"),
        "an index in between": ("depths[0.5]", "an index must be an integer"),
        "range to a number in between": ("range(2.5)", "expects integers, got 2.5"),
        "range by nothing": ("range(1, 2, 0)", "range cannot take 1, 2, 0"),
        "division by zero": ("1 / 0", "division by zero"),
        "a root of a negative number": ("sqrt(-1)", "sqrt cannot take -1"),
        "a power that is a root of a negative number": ("(-8) ** 0.5", "root of a negative"),
        "len of a number": ("len(3)", "len cannot take 3"),
        "sum of text": ("sum(['a'])", "sum"),
        "sum of lists": ("sum([[1], [2]])", "sum adds up numbers"),
    },
)
def test_a_formula_cannot_say(formula: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        evaluate(formula, KNOWN)
    assert words in f"{caught.value.message} {caught.value.hint or ''}"


@pytest.mark.parametrize("formula", ["len(3)", "range('a')", "int([1])", "abs('x')", "min(3)"])
def test_no_python_type_is_named(formula: str) -> None:
    with pytest.raises(Refused) as caught:
        evaluate(formula, KNOWN)
    for word in ("object", "'int'", "'str'", "NoneType", "iterable", "argument must be"):
        assert word not in caught.value.message


@table(
    "formula",
    {
        "a tower of powers": "9**9**9",
        "a tower of powers of a number": "9.0**9**9",
        "a power of a power": "(10**40)**(10**40)",
        "a product": "10**30 * 10**30",
        "text without end": "'a' * 10**10",
        "a list without end": "[0] * 10**10",
        "a list from the left without end": "10**10 * [0]",
        "lists of lists": "[[[[0] * 100] * 100] * 100] * 100",
        "lists of long lists": "[" + ", ".join(["range(9999)"] * 9) + "]",
        "text put together without end": "+".join([f"'{'a' * 90}'"] * 10) + " * 10**9",
        "a range without end": "range(10**12)",
        "a range just over": f"range({MAX_ITEMS + 1})",
        "deep brackets": "(" * 400 + "1" + ")" * 400,
        "deep lists": "[" * 90 + "]" * 90,
        "deep signs": "-" * 900 + "1",
        "deep negation": "not " * 200 + "true",
        "deep indexing": "depths" + "[0]" * 300,
        "a long formula": "1" + " + 1" * MAX_LENGTH,
        "many digits": "9" * 50,
        "a number beyond all bounds": "1e308 * 10",
        "a literal beyond all bounds": "1e999",
        "text of many digits": "int('" + "9" * 900 + "')",
        "a ceiling of infinity": "ceil(1e308 * 1e308)",
    },
)
def test_no_formula_hangs_or_fills_the_memory(formula: str) -> None:
    with calls(at_most=AT_MOST), pytest.raises(Refused):
        evaluate(formula, KNOWN)


@contextmanager
def calls(at_most: int) -> Iterator[None]:
    """Fail where more functions are called within. A busy machine does not change the count."""
    made = 0

    def count(*event: object) -> None:
        nonlocal made
        made += 1
        if made > at_most:
            sys.setprofile(None)
            raise KeyboardInterrupt  # which nothing takes for an error of the spec

    sys.setprofile(count)
    try:
        yield
    except KeyboardInterrupt:
        pytest.fail(f"more than {at_most} calls")
    finally:
        sys.setprofile(None)


def test_too_many_calls_are_seen() -> None:
    with pytest.raises(pytest.fail.Exception), calls(at_most=100):
        sorted(range(200), key=lambda number: -number)


def test_bounds_allow_what_lies_within_them() -> None:
    assert len(evaluate(f"range({MAX_ITEMS})", {})) == MAX_ITEMS
    assert evaluate("2 ** 100", {}) == 2**100
    assert evaluate("(" * 40 + "1" + ")" * 40, {}) == 1


def test_params_made_of_params_cannot_explode() -> None:
    rows = [f"p{n}: =[{', '.join([f'p{n - 1}'] * 20)}]" for n in range(1, 12)]
    top = "input: [4]\nparams:\n  p0: 1\n  " + "\n  ".join(rows)
    with calls(at_most=AT_MOST):
        error = refused("- Dense: 3", top)
        assert "items" in error.message


@table(
    "text, filled",
    {
        "a loop variable": ("stage{stage}", "stage2"),
        "a formula": ("s{stage + 1}_{width // 2}", "s3_32"),
        "text": ("{kind}net", "widenet"),
        "a number that comes out whole": ("n{stage / 2}", "n1"),
        "nothing to fill": ("plain", "plain"),
    },
)
def test_braces_in_a_name_hold_a_formula(text: str, filled: str) -> None:
    assert fill(text, {"stage": 2, "width": 64, "kind": "wide"}) == filled


@pytest.mark.parametrize("text", ["n{0.5}", "n{true}", "n{[1]}", "n{null}", "n{}", "n{x}", "n{1+}"])
def test_braces_hold_an_integer_or_text_only(text: str) -> None:
    with pytest.raises(Refused):
        fill(text, {})


@table(
    "text, wrong",
    {
        "none": ("a + b", False),
        "a pair": ("min(a, b)", False),
        "nested": ("[f(a)[0], (b)]", False),
        "one left open": ("min(a", True),
        "one closed too many": ("b)", True),
        "crossed": ("(a]", True),
        "in quotes they do not count": ("'(' + a", False),
    },
)
def test_unbalanced_brackets_are_seen(text: str, wrong: bool) -> None:
    assert is_unbalanced(text) is wrong


# --- in a spec -----------------------------------------------------------------------------------

WIDE = "input: [8, 8, 4]\nparams: {width: 6, depths: [1, 2], twice: =width * 2, on: true}"


@table(
    "layers, units",
    {
        "a formula stands for a value": ("- Dense: =width", [6]),
        "a param's default may be a formula over earlier params": ("- Dense: =twice", [12]),
        "a formula may stand in quotes": ('- Dense: {units: "=min(3, width)"}', [3]),
        "a formula may stand on a line of its own": (
            "- Dense:\n    units: =max(depths[0], depths[1])",
            [2],
        ),
        "channels of the input of the whole spec": ("- Dense: =input.channels + 1", [5]),
        "channels of the step before": ("- Dense: 9\n- Dense: =2 * previous.channels", [9, 18]),
        "channels of a step by its name": (
            "- {Dense: 9, name: stem}\n- Dense: 2\n- Dense: =stem.channels + stem.shape[-1]",
            [9, 2, 18],
        ),
        "previous is the step before, beside from too": (
            "- {Dense: 9, name: stem}\n- {Dense: 2, name: low}\n"
            "- {Dense: =previous.channels, from: stem}\n- {Add: {}, from: [previous, low]}",
            [9, 2, 2],
        ),
        "a slice": ("- Dense: =sum(depths[1:]) + len(depths[:1])", [3]),
        "where an integer is wanted 4.0 is 4": ("- Dense: =8 / 2", [4]),
        "a 4.0 that is written is 4 too": ("- Dense: 4.0", [4]),
        "a quoted equals sign is a formula too": ("- Dense: '=width'", [6]),
    },
)
def test_formulas_in_a_spec(layers: str, units: list[int]) -> None:
    found = argument(net(layers, WIDE), "units")
    assert found == units
    assert all(type(each) is int for each in found)


def test_formulas_reach_into_lists_and_mappings() -> None:
    graph = net(
        """
        - Conv2D: {filters: =width, kernel_size: [=width // 2, 1], kernel_regularizer: {L2: =1/10}}
        """,
        WIDE,
    )
    assert argument(graph, "kernel_size") == [(3, 1)]
    assert argument(graph, "kernel_regularizer") == [{"L2": {"l2": 0.1}}]


def test_formulas_stand_in_the_input_and_the_recipe() -> None:
    graph = net("- Dense: 1", "params: {size: 5}\ninput: [=size, 1]\ntrain: {epochs: =size * 2}")
    assert graph.shape("input") == (None, 5, 1)
    assert graph.train["epochs"] == 10


@table(
    "layers, code, place",
    {
        "where an integer is wanted 4.5 is an error": ("- Dense: =9 / 2", "argument-value", None),
        "a boolean is not an integer": ("- Dense: true", "argument-value", "true"),
        "a boolean from a formula is not one either": ("- Dense: =on", "argument-value", None),
        "a name that nobody gave": ("- Dense: =wdith", "unknown-name", "wdith"),
        "the blamed part of a formula": ("- Dense: {units: =width + oops}", "unknown-name", "oops"),
        "a tower of powers, at its place": ("- Dense: =9**9**9", "formula", "9**9**9"),
        "text without end, at its place": ("- Dense: ='a' * 10**10", "formula", None),
    },
)
def test_a_wrong_formula_is_an_error_at_its_place(
    layers: str, code: str, place: str | None
) -> None:
    error = refused(layers, WIDE)
    assert error.code == code
    assert error.span.line == 5
    assert place is None or here(error) == place


def test_a_default_over_a_later_param_is_an_error() -> None:
    error = refused("- Dense: =a", "input: [4]\nparams: {a: =b, b: 1}")
    assert here(error) == "b"
    assert "further down" in said(error)


@pytest.mark.parametrize(
    "name", ["channels", "range", "true", "null", "not", "if", "my-width", "2nd", "a b"]
)
def test_a_param_has_a_name_that_formulas_can_say(name: str) -> None:
    error = refused("- Dense: 3", f"input: [4]\nparams: {{{name}: 1}}")
    assert error.code == "name"
    assert here(error) == name


def test_channels_needs_one_input_whose_channels_are_known() -> None:
    two = refused(
        "- {b: {}, from: [a, b]}",
        f"{PAIR}\nblocks: {{b: {{inputs: [x, y], layers: [{{Dense: =channels, from: x}}]}}}}",
    )
    assert "several" in two.message
    unknown = refused("- b", "input: [4, null]\nblocks: {b: {layers: [{Dense: =channels}]}}")
    assert "unknown" in unknown.message


def test_channels_stand_in_a_block() -> None:
    error = refused("- Dense: =channels", "input: [4]")
    assert (error.code, here(error)) == ("formula", "channels")
    assert "previous.channels" in str(error.hint)


AXES = "input: [5, 6, 7]"
FIRST = "\ndefaults: {Conv2D: {data_format: channels_first}}"


@table(
    "top, formula, units",
    {
        "channels are the last axis": (AXES, "input.channels", 7),
        "height and width": (AXES, "10 * input.height + input.width", 56),
        "a length": ("input: [5, 6]", "10 * input.length + input.channels", 56),
        "a depth": (
            "input: [2, 3, 4, 5]",
            "100 * input.depth + 10 * input.height + input.width",
            234,
        ),
        "a shape": (AXES, "input.shape[0] + len(input.shape)", 8),
        "a slice of a shape": (AXES, "sum(input.shape[:2])", 11),
        "axis 1 under a default of channels_first": (AXES + FIRST, "input.channels", 5),
        "height under it": (AXES + FIRST, "input.height", 6),
        "axis 1 under one that a param gives": (
            AXES + "\nparams: {form: channels_first}\ndefaults: {Conv2D: {data_format: =form}}",
            "input.channels",
            5,
        ),
        "a known axis beside an unknown one": ("input: [null, 6, 7]", "input.width", 6),
        "the number of axes, one of which is unknown": (
            "input: [null, 6, 7]",
            "len(input.shape)",
            3,
        ),
        "a known axis of a shape beside an unknown one": (
            "input: [null, 6, 7]",
            "input.shape[1]",
            6,
        ),
    },
)
def test_an_axis_is(top: str, formula: str, units: int) -> None:
    assert argument(net(f"- Dense: '={formula}'", top), "units") == [units]
    in_block = top + "\nblocks: {b: {layers: [Dense: '=" + formula + "']}}"
    assert argument(net("- b", in_block), "units") == [units]


@table(
    "layers, part, words",
    {
        "of no step": ("- Dense: =stem.height", "stem.height", "no step is called 'stem'"),
        "of a later step": (
            "- Dense: =stem.channels\n- {Dense: 3, name: stem}",
            "stem.channels",
            "no step is called 'stem'",
        ),
        "unknown": ("- Dense: =input.height", "input.height", "is unknown (null) here"),
        "unknown, of a shape": ("- Dense: =sum(input.shape)", "input.shape", "is unknown"),
        "that the value lacks": ("- Dense: =input.depth", "input.depth", "has no depth"),
        "of a name in braces": ("- Dense: '=m{0}.channels'", "m", "takes no {}"),
        "of what is no name": ("- Dense: =previous", "previous", "a formula takes its axes"),
    },
)
def test_there_is_no_axis(layers: str, part: str, words: str) -> None:
    error = refused(layers, "input: [null, 6, 7]")
    assert words in said(error), str(error)
    assert here(error).startswith(part) or part == "m", str(error)


def test_braces_in_a_from_are_a_formula_too() -> None:
    graph = net(
        """
        - Dense: 1
          for: {i: [0, 1, 2]}
          name: d{i}
        - Add:
          from: ["d{len(depths) - 1}", "d{len(depths)}"]
        """,
        WIDE,
    )
    assert graph["add"].inputs == ("d1", "d2")
    assert names(graph) == "d0 d1 d2 add"


@table(
    "layers",
    {
        "in a name": "- Dense: 1\n  name: d{oops}",
        "in a from": "- Dense: 1\n  from: d{oops}",
        "in a reuse": "- reuse: d{oops}",
    },
)
def test_a_wrong_formula_in_braces_is_an_error(layers: str) -> None:
    error = refused(layers)
    assert error.code in ("formula", "unknown-name")
    assert "oops" in said(error)


@table(
    "layers",
    {
        "a loop of 10^9 turns": "- ReLU:\n  for: {i: =range(10**9)}",
        "10^9 in a row": "- ReLU:\n  repeat: 1000000000",
        "loops in loops": "- repeat: 9000\n  layers:\n    - repeat: 9000\n      layers: [ReLU]",
        "empty loops in loops": "- repeat: 9000\n  layers:\n    - repeat: 9000\n      layers: []",
    },
)
def test_no_loop_hangs(layers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_STEPS", 500)
    with calls(at_most=AT_MOST):
        error = refused(layers)
        assert error.code in ("too-large", "formula")


@pytest.mark.parametrize("call", ["b{m}", "b{m}: {{}}"])
@pytest.mark.thorough
def test_blocks_that_call_blocks_cannot_explode(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_STEPS", 500)
    lines = [f"  b{n}: {{layers: [{', '.join([call.format(m=n + 1)] * 4)}]}}" for n in range(30)]
    top = "input: [4]\nblocks:\n" + "\n".join(lines) + "\n  b30: {layers: [ReLU]}"
    with calls(at_most=AT_MOST):
        assert refused("- b0", top).code == "too-large"
