"""Suggest what the writer of a wrong value most likely meant.

A rule looks for one slip and returns its hint, or None where the slip is another. A hint is given
only where what it proposes would be valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from archspec import foreign, recipe
from archspec.arguments import bind, show
from archspec.errors import Refused, Suggestion, did_you_mean
from archspec.layers import LAYERS
from archspec.objects import KINDS
from archspec.schema.check_result import find_values
from archspec.schema.validator import Fault, find_arguments
from archspec.syntax.formulas import lacks_sign
from archspec.syntax.source import FLOAT, to_plain

BOOLEANS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
MAX_LISTED = 40  # words that are valid, in a hint


def find_remedy(fault: Fault) -> str | None:
    """Return the hint for a wrong value from the first rule that knows the slip, or None."""
    return next(filter(None, (rule(fault) for rule in REMEDIES)), None)


def _steps_as_mapping(fault: Fault) -> str | None:
    """Catch `layers: {Dense: 3}`."""
    if not (isinstance(fault.value.data, dict) and fault.path[-1] == "layers"):
        return None
    slip = next((key for key in fault.value.data if re.match("-[A-Za-z]", key)), None)
    if slip is None:
        return "each step begins with '- '"
    return Suggestion("a space is missing after the '-'", slip, f"- {slip[1:]}")


def _steps_as_text(fault: Fault) -> str | None:
    """Catch `layers:` with `-Flatten` under it."""
    slip = re.match(r"-([A-Za-z]\w*)", fault.text)
    if slip is None or fault.path[-1] != "layers":
        return None
    hint = f"a space is missing after the '-': write `- {slip[1]}`"
    return Suggestion(hint, slip[0], f"- {slip[1]}")


def _edits_as_mapping(fault: Fault) -> str | None:
    """Catch `edit: {at: head, remove: true}`."""
    alone = isinstance(fault.value.data, dict) and fault.path == ["edit"]
    return "each edit begins with '- '" if alone else None


def _one_in_brackets(fault: Fault) -> str | None:
    """Catch `filters: [3]`."""
    data = fault.value.data
    alone = isinstance(data, tuple) and len(data) == 1 and fault.takes(to_plain(data[0]))
    return "leave the brackets out" if alone else None


def _mapping_as_list(fault: Fault) -> str | None:
    """Catch `params:` with `- width: 3` under it."""
    items = fault.value.data
    if not (isinstance(items, tuple) and items and all(isinstance(i.data, dict) for i in items)):
        return None
    merged = {key: to_plain(value) for each in items for key, value in each.items()}
    span = fault.value.span
    dashed = span.source.lines[span.line - 1][span.column - 1 : span.column] == "-"
    return "leave the '- ' out" if dashed and fault.takes(merged) else None


def _number_of_turns(fault: Fault) -> str | None:
    """Catch `for: 3`."""
    data = fault.value.data
    counted = isinstance(data, int) and not isinstance(data, bool)
    return f"write repeat: {data}" if fault.path[-1] == "for" and counted else None


def _input_for_inputs(fault: Fault) -> str | None:
    """Catch `inputs: [28, 28, 1]`."""
    if not (isinstance(fault.value.data, tuple) and fault.path == ["inputs"]):
        return None
    return f"a single input is `input: {show(to_plain(fault.value))}`"


def _outputs_by_name(fault: Fault) -> str | None:
    """Catch `outputs: {digit: head}`."""
    if not (isinstance(fault.value.data, dict) and fault.path == ["outputs"]):
        return None
    return f"make it a list: {show(list(to_plain(fault.value).values()))}".replace("'", "")


def _margins(fault: Fault) -> str | None:
    """Catch `padding: 1`."""
    data = fault.value.data
    if fault.path[-1] != "padding" or isinstance(data, bool) or not isinstance(data, int | tuple):
        return None
    return "`same` keeps the size; for other margins put a ZeroPadding layer before it"


def _one_for_a_list(fault: Fault) -> str | None:
    """Catch `outputs: head` and `input: 784`."""
    data = fault.value.data
    is_shape = fault.path[0] in ("input", "inputs", "require")
    alone = bool(fault.text) or (is_shape and type(data) is int)
    one = alone and fault.takes([data]) and not fault.takes(data)
    return f"make it a list: [{data}]" if one else None


def _unknown_length(fault: Fault) -> str | None:
    """Catch `input: [-1, 3]`."""
    unknown = fault.value.data == -1 and fault.path[0] in ("input", "inputs")
    return "an axis of unknown length is null" if unknown and fault.takes(None) else None


def _none(fault: Fault) -> str | None:
    """Catch `activation: None`."""
    none = fault.text.casefold() == "none" and fault.path[-1] not in LAYERS
    return Suggestion("write null", fault.text, "null") if none and fault.takes(None) else None


def _yes_or_no(fault: Fault) -> str | None:
    """Catch `use_bias: yes` and `use_bias: flase`."""
    boolean = BOOLEANS.get(fault.text.casefold())
    if boolean is not None and fault.takes(boolean):
        return Suggestion(f"write {show(boolean)}", fault.text, show(boolean))
    words = [show(each) for each in (True, False) if fault.takes(each)]
    return did_you_mean(fault.text, words) if fault.text and fault.value.is_plain else None


def _thousands(fault: Fault) -> str | None:
    """Catch `units: 10,000`."""
    number = fault.text.replace(",", "")
    separated = re.fullmatch(r"[-+]?[0-9]{1,3}(,[0-9]{3})+", fault.text)
    if separated and fault.takes(float(number)):
        return Suggestion(f"numbers have no thousands separators: {number}", fault.text, number)
    return None


def _decimal_comma(fault: Fault) -> str | None:
    """Catch `rate: 0,5`."""
    number = fault.text.replace(",", ".")
    decimal = re.fullmatch(r"[-+]?[0-9]{1,9},[0-9]{1,9}", fault.text)
    if decimal and fault.takes(float(number)):
        return Suggestion(f"numbers have a decimal point: {number}", fault.text, number)
    return None


def _quoted_number(fault: Fault) -> str | None:
    """Catch `units: "3"`."""
    quoted = FLOAT.fullmatch(fault.text) and not fault.value.is_plain
    if quoted and fault.takes(float(fault.text)):
        span = fault.value.span
        written = span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]
        return Suggestion("leave the quotes out", written, fault.text)
    return None


def _formula_without_sign(fault: Fault) -> str | None:
    """Catch `units: width * 2`, where `width` is a param, and `scale: 1/255`."""
    name = re.match(r"[A-Za-z_]\w*", fault.text)
    params = _params(fault)
    meant = (name and name[0] in params) or lacks_sign(fault.text, params)
    if not (meant and fault.takes("=x")):
        return None
    formula = f"={fault.text}"
    return Suggestion(f"a formula begins with '=': {formula}", fault.text, formula)


def _number_with_signs(fault: Fault) -> str | None:
    """Catch `units: 10,` and `(10)`, `1_000`, `32#comment` and `10 // head`."""
    number = r"([-+]?\d{1,9}(?:_\d{3})*(?:\.\d+)?)"
    given = re.fullmatch(rf"\(?\s*{number}\s*\)?\s*[,;]?\s*((//|#|--).*)?", fault.text)
    if given is None or not fault.takes(float(given[1].replace("_", ""))):
        return None
    written = given[1].replace("_", "")
    if given[2]:
        return f"write {written}; a comment begins with a space and #"
    return Suggestion(f"write {written}", fault.text, written)


def _list_without_brackets(fault: Fault) -> str | None:
    """Catch `kernel_size: 3, 3`, `kernel_size: (3, 3)` and `kernel_size: 3x3`."""
    text = re.sub(r"(?<=\d)\s*[x\N{MULTIPLICATION SIGN}]\s*(?=\d)", ",", fault.text)
    numbers = re.fullmatch(r"\(?\s*(-?\d{1,9}(\s*,\s*-?\d{1,9})*)\s*,?\s*\)?", text)
    listed = [int(each) for each in numbers[1].split(",")] if numbers else []
    if listed and fault.takes(listed):
        written = show(listed)
        return Suggestion(f"a list has square brackets: {written}", fault.text, written)
    return None


def _percentage(fault: Fault) -> str | None:
    """Catch `rate: 50%` and `rate: 50`; 1.5 is no share at all."""
    number = fault.value.data
    if re.fullmatch(r"\d{1,9}(\.\d+)?\s*%", fault.text):
        share = float(fault.text[:-1]) / 100
    elif isinstance(number, int | float) and 2 < number <= 100 and not fault.takes(2):
        share = number / 100
    else:
        return None
    if not fault.takes(share):
        return None
    hint = f"write {share:g}"  # of a number without its sign it is not sure
    return Suggestion(hint, fault.text, f"{share:g}") if fault.text else hint


def _arguments_without_names(fault: Fault) -> str | None:
    """Catch `Conv2D: [64, 3]` and `Conv2D: (64, 3)`, where they would be right by their names."""
    data, owner = fault.value.data, fault.path[-1]
    if isinstance(data, tuple):
        values = [to_plain(each) for each in data]
    else:
        parts = fault.text.removeprefix("(").removesuffix(")").split(",")
        values = [_number_or_text(each.strip()) for each in parts]
    arguments = find_arguments(owner) if isinstance(owner, str) else {}
    if not 1 < len(values) <= len(arguments):
        return None
    pairs = dict(zip(arguments, values, strict=False))
    try:
        bind(str(owner), arguments, pairs)
    except Refused:
        return None
    written = ", ".join(f"{name}: {show(each)}" for name, each in pairs.items()).replace("'", "")
    return f"arguments have names: {owner}: {{{written}}}"


def _inputs_as_argument(fault: Fault) -> str | None:
    """Catch `Concatenate: [previous, input]`."""
    data, owner = fault.value.data, fault.path[-1]
    takes_list = owner in LAYERS and LAYERS[owner].takes == "list"
    if not (takes_list and isinstance(data, tuple)):
        return None
    if not all(isinstance(each.data, str) for each in data):
        return None
    names = ", ".join(each.data for each in data)
    return f"its inputs are written beside it: `from: [{names}]`"


def _recipe_word(fault: Fault) -> str | None:
    """Catch `precision: fp16`."""
    key = recipe.RECIPE.get(str(fault.path[-1])) if fault.path[:-1] == ["train"] else None
    return key.type.meant(fault.text) if key else None


def _object_as_call(fault: Fault) -> str | None:
    """Catch `kernel_regularizer: l2(0.01)`."""
    call = re.fullmatch(r"(?:\w+\.)*(\w+)\(([^()]+)\)", fault.text[:200])
    name = KINDS[fault.owner].canonical(call[1]) if call and fault.role == "object" else None
    if call is None or name is None:
        return None
    named = re.fullmatch(r"\s*\w+\s*=[^=]+(,\s*\w+\s*=[^=]+)*", call[2])
    inside = re.sub(r"\s*=\s*", ": ", call[2].strip())
    written = f"{{{name}: {f'{{{inside}}}' if named else inside}}}"
    return Suggestion(f"write {written}", fault.text, written)


def _misspelt_word(fault: Fault) -> str | None:
    """Catch `padding: sme`."""
    if not (isinstance(fault.value.data, str) and (choices := _choices(fault.wanted))):
        return None
    if fault.role == "object":
        own_name = fault.text.removesuffix("()").rpartition(".")[2]  # of `tf.nn.relu`
        kind = KINDS[fault.owner]
        known = kind.canonical(own_name)
        if known:
            return Suggestion(f"write {known}", fault.text, known)
        return kind.suggest(fault.text) or kind.suggest(own_name)
    ours = foreign.VALUES.get(fault.text.casefold())
    if ours in choices:
        return Suggestion(f"write {ours}", fault.text, ours)
    return did_you_mean(fault.text, choices)


def _unknown_word(fault: Fault) -> str | None:
    """Catch `activation: gleu1`, which is like nothing that is valid."""
    choices = _choices(fault.wanted) if isinstance(fault.value.data, str) else []
    if fault.role == "object" and choices:
        choices += KINDS[fault.owner].spellings
    choices = list(dict.fromkeys(choices))
    choices = [each for each in choices if each[:1].isupper()] or choices  # without snake_case
    return f"one of {', '.join(choices[:MAX_LISTED])}" if len(choices) > 3 else None


def _names_of_a_table(fault: Fault) -> str | None:
    """Catch `for: {t, c: [[1, 16]]}`, which YAML reads as two keys, the first without a value."""
    loop = fault.value.data
    if fault.path[-1] != "for" or not isinstance(loop, dict):
        return None
    rows = [to_plain(each) for each in loop.values() if each.data is not None]
    if len(rows) != 1 or len(loop) == 1:
        return None
    return f"quote the names of a table: {{'{', '.join(loop)}': {show(rows[0])}}}"


def _comparison(fault: Fault) -> str | None:
    """Catch `params: about 12M`."""
    if fault.role != "comparison":
        return None
    return "write <= 12M, >= 3 or 100; units: K, M, G, KiB, MiB, GiB"


# If several rules know a slip, the first one is used: values that lack only a sign come before
# words that are guessed by their letters, and lists of all valid words come last.
REMEDIES: tuple[Callable[[Fault], str | None], ...] = (
    _steps_as_mapping,
    _steps_as_text,
    _edits_as_mapping,
    _mapping_as_list,
    _one_in_brackets,
    _number_of_turns,
    _input_for_inputs,
    _outputs_by_name,
    _margins,
    _one_for_a_list,
    _unknown_length,
    _none,
    _yes_or_no,
    _thousands,
    _decimal_comma,
    _quoted_number,
    _formula_without_sign,
    _number_with_signs,
    _list_without_brackets,
    _percentage,
    _arguments_without_names,
    _inputs_as_argument,
    _recipe_word,
    _object_as_call,
    _misspelt_word,
    _unknown_word,
    _names_of_a_table,
    _comparison,
)


def _number_or_text(text: str) -> Any:
    """Return the number that a text is, or the text."""
    return (float if "." in text else int)(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else text


def _params(fault: Fault) -> set[str]:
    """Return the params that formulas in the refused value may name."""
    root = fault.root
    block = find_values(root, fault.path[:2])[-1] if fault.path[0] == "blocks" else root
    return {name for each in (root, block) for name, _, _ in each.entries_of("params")}


def _choices(schema: Any) -> list[str]:
    """Return the words that a part of the schema lists as valid."""
    found: list[str] = []
    stack = [schema]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            found += [word for word in each.get("enum", ()) if isinstance(word, str)]
            stack += [inner for key, inner in each.items() if key in ("anyOf", "else", "then")]
        elif isinstance(each, list):
            stack += each
    return found
