"""A `Document` -> what the schema says of it, in words, at the places where things were written.

Each error of the validator becomes one diagnostic: the schema's `x-archspec` says what the part is
that refuses the value, which chooses a handler; its `$comment` says in words what was wanted; the
path in the data finds the place, and the usual slips get a hint of their own, among them the traps
that YAML itself lays. The places of what is refused are kept, so that the later stages step
over it in silence and still find whatever else is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from archspec import foreign, recipe
from archspec.arguments import show
from archspec.conforms import Check, checker
from archspec.errors import MAX_ERRORS, Diagnostic, Note, Span, closest, did_you_mean, enough
from archspec.infer import CLOSED, known_to_keras
from archspec.layers import LAYERS
from archspec.objects import TABLES, meant
from archspec.schema import schema, shipped, spellings
from archspec.schema.values import ROLE
from archspec.syntax.formulas import is_formula, unbalanced
from archspec.syntax.source import FLOAT, INTEGER, Document, Value, plain
from archspec.syntax.steps import MODIFIERS, WORDS
from archspec.syntax.yaml_errors import QUOTE

BOOLEANS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
NEEDED = ("params", "input", "inputs", "blocks", "defaults", "import", "extends")
CODES = {  # of wrong values, by the word at the top of the file that they stand under
    "input": "input",
    "inputs": "input",
    "require": "contract",
    "train": "argument-value",
}

Path = list[Any]
Notes = tuple[Note, ...]


@cache
def _conforms() -> Check:
    return checker(json.loads(shipped()))


@cache
def _validator() -> Any:
    import jsonschema  # takes as long as all the rest of a check: only where something is wrong

    # Which keys stand beside a layer is said for editors; here the look for traps says it in words.
    extend: Any = jsonschema.validators.extend
    return extend(jsonschema.Draft202012Validator, {"propertyNames": lambda *_: ()})(schema())


@dataclass(slots=True)
class Checked:
    """What the schema says of a document.

    broken: the places of the values it refused. fatal: what is left means nothing as a whole.
    """

    root: Value
    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: set[Span] = field(default_factory=set)
    fatal: bool = False

    def error(
        self, code: str, message: str, span: Span, hint: str | None = None, notes: Notes = ()
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, hint, notes))

    def mark(self, path: Path) -> None:
        """Note what an error at a path breaks: the least that can be stepped over."""
        word = path[0] if path else None
        end = _step_on(path)
        if end is not None:
            broken = path[:end]
        elif word in ("train", "require", "name", "description", "outputs", "input"):
            broken = path[:1]
        elif "defaults" in path[:3]:  # defaults.Conv2D.padding, blocks.unit.defaults.Conv2D
            broken = path[: path.index("defaults") + 2]
        elif word in ("inputs", "blocks") and len(path) > 1:
            broken = path[:2]
        else:
            self.fatal = self.fatal or word not in (None, "blocks")
            return
        self.broken.add(_along(self.root, broken)[-1].span)

    def known_blocks(self) -> list[str]:
        return [name for name, _, _ in self.root.entries("blocks")]


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of the validator, and the value that it refuses.

    notes: where the value came in by aliases. root: the whole file.
    """

    error: Any
    path: Path
    value: Value
    notes: Notes
    root: Value

    @property
    def keyword(self) -> str:
        """The word of JSON Schema that the value breaks, such as `required`."""
        return str(self.error.validator)

    @property
    def wanted(self) -> Mapping[str, Any]:
        """The part of the schema that the value does not fit."""
        return self.error.schema  # type: ignore[no-any-return]

    @property
    def words(self) -> str:
        """What the value must be."""
        return str(self.wanted["$comment"])

    @property
    def role(self) -> str:
        """What this part of the schema is: a key of `HANDLERS`."""
        return str(self.wanted.get(ROLE, {}).get("is", ""))

    @property
    def owner(self) -> str:
        """Whose arguments, or which kind of object, this part of the schema is about."""
        return str(self.wanted[ROLE]["of"])

    @property
    def known(self) -> list[str]:
        """The keys that a mapping may have."""
        return list(self.wanted["properties"])

    def takes(self, value: Any) -> bool:
        """Whether another value would be right here."""
        return bool(_validator().evolve(schema=self.wanted).is_valid(value))

    def item(self) -> Fault | None:
        """The fault of the one item of a list that is to blame, or None."""
        if not isinstance(self.value.data, tuple):
            return None
        inner = {each.relative_path[0]: each for each in self.error.context if each.relative_path}
        if len(inner) != 1:
            return None
        ((number, error),) = inner.items()
        return replace(self, error=error, value=self.value.data[number])

    def unknown_keys(self) -> Iterator[str]:
        """The keys that a mapping may not have."""
        patterns = [re.compile(each) for each in self.wanted.get("patternProperties", {})]
        known = self.wanted.get("properties", {})
        for key in self.value.data:
            if key not in known and not any(pattern.search(key) for pattern in patterns):
                yield key


def check(document: Document) -> Checked:
    """Every error that the schema, and a look for YAML's traps, can find in a document."""
    root = document.root
    checked = Checked(root)
    if not isinstance(root.data, dict):
        what = "a list" if isinstance(root.data, tuple) else show(root.data)
        hint = "begin with `archspec: 1` and give its layers under `layers:`"
        checked.error("schema", f"a spec is a mapping of words, got {what}", root.span, hint)
        checked.fatal = True
        return checked
    if other := foreign.mapping_of(root.data):
        what, hint = other
        checked.error("foreign", f"this is {what}, not a spec", _head(root), hint)
        checked.fatal = True
        return checked
    if root.get("input") is not None and root.get("inputs") is not None:
        message = "a spec has `input` or `inputs`, not both"
        note = Note("the other is given here", root.key("input"))
        checked.error("input", message, root.key("inputs"), "name them all in `inputs`", (note,))
        checked.fatal = True
    trapped = set(_traps(checked))
    data = plain(root)
    for error in () if _conforms()(data) else _validator().iter_errors(data):
        _report(error, checked, trapped)
        if len(checked.diagnostics) >= MAX_ERRORS:
            checked.diagnostics.append(enough(checked.diagnostics[-1].span))
            checked.fatal = True
            break
    return checked


# --- paths ---------------------------------------------------------------------------------------


def _along(root: Value, path: Iterable[Any]) -> list[Value]:
    """The values on a path from the root, the root first."""
    values = [root]
    for part in path:
        values.append(values[-1].data[part])
    return values


def _step_on(path: Path) -> int | None:
    """The length of the prefix of a path that ends at its innermost step, if it is in one."""
    if not path or path[0] not in ("layers", "blocks"):
        return None
    for end in range(len(path), 1, -1):
        part, before = path[end - 1], path[end - 2]
        if part == "merge" or _is_branch(path[:end]):
            return end
        in_branch = end > 2 and path[end - 3] == "branches"
        if isinstance(part, int) and (before == "layers" or in_branch):
            return end
    return None


def _is_step(path: Path) -> bool:
    return bool(path) and _step_on(path) == len(path) and not _is_branch(path)


def _is_branch(path: Path) -> bool:
    return len(path) > 1 and path[-2] == "branches" and path[0] in ("layers", "blocks")


def _head(value: Value) -> Span:
    """The first key of a mapping, or where it begins."""
    return next(iter(value.keys.values()), value.span.within(0, 1))


# --- the validator's errors ----------------------------------------------------------------------


def _report(error: Any, checked: Checked, trapped: set[Span]) -> None:
    path = list(error.absolute_path)
    values = _along(checked.root, path)
    checked.mark(path)
    if any(value.span in trapped for value in values):
        return
    notes = tuple(note for each in reversed(values) for note in each.notes())
    fault = Fault(error, path, values[-1], notes, checked.root)
    handler = HANDLERS[fault.role]
    if fault.keyword == "additionalProperties":
        for key in fault.unknown_keys():
            handler.unknown_key(key, fault, checked)
    else:
        handler.wrong_value(fault, checked)


def _version(fault: Fault, checked: Checked) -> None:
    value = fault.value
    if fault.keyword == "const":
        hint = "this archspec reads version 1: write `archspec: 1`"
        message = f"the version of the language must be 1, got {show(plain(value))}"
        checked.error("version", message, value.span, hint)
    elif not any(closest(key, ["archspec"]) for key in value.data):
        message = "the file does not say which version of the language it is written in"
        checked.error("version", message, _head(value), "begin with `archspec: 1`")


def _no_shape(fault: Fault, checked: Checked) -> None:
    message = f"{_subject(fault.path)} must say its shape"
    checked.error("input", message, _head(fault.value), "{shape: [28, 28, 1], dtype: float32}")


def _no_layers(fault: Fault, checked: Checked) -> None:
    checked.fatal = True
    if not any(closest(key, ("layers", "extends", "blocks")) for key in fault.unknown_keys()):
        message = "the file has neither `layers` nor `extends` nor `blocks`"
        hint = "a network has layers, a derived one extends, a library has blocks"
        checked.error("schema", message, _head(fault.value), hint)


def _no_step(fault: Fault, checked: Checked) -> None:
    value, notes = fault.value, fault.notes
    if value.data in (*MODIFIERS, *WORDS):
        message = f"`{value.data}` needs a value"
        checked.error("no-step", message, value.span, f"write `- {value.data}: ...`", notes)
    elif isinstance(value.data, str) and re.match(r"\w", value.data):
        _unknown_layer(value.data, value.span, notes, checked)
    elif value.data is None or value.data == "":
        checked.error("no-step", "this step is empty", value.span, "remove the '-'", notes)
    else:
        nested = isinstance(value.data, tuple)
        hint = "steps inside a step are a group: `- layers: [...]`" if nested else None
        message = f"a step must be {fault.words}, got {show(plain(value))}"
        checked.error("no-step", message, value.span, hint, notes)


def _no_branch(fault: Fault, checked: Checked) -> None:
    value = fault.value
    as_list = f"make it a list: [{value.data}]" if isinstance(value.data, str) else None
    message = f"a branch is {fault.words}, got {show(plain(value))}"
    checked.error("branch", message, value.span, as_list, fault.notes)


def _no_object(fault: Fault, checked: Checked) -> None:
    if fault.keyword not in ("minProperties", "maxProperties"):
        _refuse(fault, checked, _subject(fault.path), "unknown-object")
        return
    got = ", ".join(fault.value.data) or "none"
    message = f"{_subject(fault.path)} must be one name, {{Name: {{arguments}}}}, got {got}"
    checked.error("unknown-object", message, fault.value.span, None, fault.notes)


def _only_by_name(fault: Fault, checked: Checked) -> None:
    """Report a lone value for a layer that has no first argument: `Add: 3`."""
    value, got = fault.value, show(plain(fault.value))
    message = f"{fault.path[-1]} has no argument whose value could stand alone, got {got}"
    hint = "write its arguments by name"
    if isinstance(value.data, tuple) and all(isinstance(each.data, str) for each in value.data):
        hint = f"what it takes stands beside it: `from: {got}`".replace("'", "")
    checked.error("argument-value", message, value.span, hint, fault.notes)


def _no_arguments(fault: Fault, checked: Checked) -> None:
    """Report a value in place of a mapping of arguments: `defaults: {Dense: 3}`."""
    _refuse(fault, checked, f"`{fault.path[-1]}`", CODES.get(fault.path[0], "schema"))


def _no_blocks(fault: Fault, checked: Checked) -> None:
    checked.fatal = True
    _wrong_value(fault, checked)


def _wrong_value(fault: Fault, checked: Checked) -> None:
    path = fault.path
    code = CODES.get(path[0], "schema")
    if _argument_at(path):
        code = "argument-value"
    elif code == "schema" and path[-1] == "name" and len(path) > 1:
        code = "name"
    _refuse(fault, checked, _subject(path), code)


def _refuse(fault: Fault, checked: Checked, subject: str, code: str) -> None:
    """Report what the value must be, in the schema's words, or what its one wrong item must be."""
    blamed = fault.item() or fault
    if blamed is not fault and "$comment" in blamed.wanted:
        subject, words, got = f"an item of {subject}", blamed.words, blamed.value
    else:
        words, got = fault.words, fault.value
    message = f"{subject} must be {words}, got {show(plain(got))}"
    hint = _remedy(blamed)
    if fault.role == "comparison" and hint is None:
        hint = "write <= 12M, >= 3 or 100; units: K, M, G, KiB, MiB, GiB"
    checked.error(code, message, blamed.value.span, hint, fault.notes)


def _subject(path: Path) -> str:
    """What a message calls the value at a path."""
    if argument := _argument_at(path):
        return argument
    words = [part for part in path if isinstance(part, str)]
    return f"`{'.'.join(words)}`" if words[0] in ("train", "require") else f"`{words[-1]}`"


def _argument_at(path: Path) -> str | None:
    """What a message calls an argument of a layer or an object, or None of other values.

    `Dense: wide` is the value of the first argument of `Dense`.
    """
    words = [part for part in path if isinstance(part, str)]
    # A block, or an output, may be called as an object is.
    if len(words) < 4 and (
        path[0] == "blocks" or path[:2] in (["train", "loss"], ["train", "metrics"])
    ):
        return None
    last, owner = words[-1], words[-2] if len(words) > 1 else ""
    if isinstance(path[-1], str) and (arguments := _arguments_of(last)):
        return f"{last} argument '{arguments[0]}'"
    return f"{owner} argument '{last}'" if owner and last in _arguments_of(owner) else None


def _arguments_of(owner: str) -> list[str]:
    """The arguments of a layer or an object by its name."""
    if owner in LAYERS:
        return list(LAYERS[owner].arguments)
    return next((list(table[owner]) for table in TABLES.values() if owner in table), [])


def _remedy(fault: Fault) -> str | None:
    """What the writer of a refused value most likely meant, where that would be valid."""
    path, value = fault.path, fault.value
    data = value.data
    if isinstance(data, dict) and path[-1] == "layers":
        slip = next((key for key in data if key.startswith("-")), None)
        return "a space is missing after the '-'" if slip else "each step begins with '- '"
    if isinstance(data, tuple) and len(data) == 1 and fault.takes(plain(data[0])):
        return "leave the brackets out"
    if isinstance(data, tuple) and (hint := _by_name([show(plain(v)) for v in data], path)):
        return hint
    if path[-1] == "for" and isinstance(data, int) and not isinstance(data, bool):
        return f"write repeat: {data}"
    if path == ["outputs"] and isinstance(data, dict):
        return f"make it a list: {show(list(plain(value).values()))}".replace("'", "")
    if path[-1] == "padding" and isinstance(data, int | tuple) and not isinstance(data, bool):
        return "`same` keeps the size; for other margins put a ZeroPadding layer before it"
    if not isinstance(data, str):
        return None
    if fault.takes([data]) and not fault.takes(data):
        return f"make it a list: [{data}]"
    word = data.strip()
    if word.casefold() == "none" and path[-1] not in LAYERS and fault.takes(None):
        return "write null"
    if word.casefold() in BOOLEANS and fault.takes(BOOLEANS[word.casefold()]):
        return f"write {show(BOOLEANS[word.casefold()])}"
    if re.fullmatch(r"[-+]?[0-9]{1,3}(,[0-9]{3})+", word):
        return f"numbers have no thousands separators: {word.replace(',', '')}"
    if not value.plain and (INTEGER.fullmatch(word) or FLOAT.fullmatch(word)):
        return "leave the quotes out"
    first = re.match(r"[A-Za-z_]\w*", word)
    if first and first[0] in _params(fault) and fault.takes("=x"):
        return f"a formula begins with '=': ={word}"
    if numbers := re.fullmatch(r"\(?\s*(-?\d+(\s*,\s*-?\d+)*)\s*,?\s*\)?", word):
        listed = [int(each) for each in numbers[1].split(",")]
        if fault.takes(listed):
            return f"a list has square brackets: {show(listed)}"
    if re.fullmatch(r"\d+(\.\d+)?\s*%", word) and fault.takes(float(word[:-1]) / 100):
        return f"write {float(word[:-1]) / 100:g}"
    if hint := _by_name([each.strip() for each in word.split(",")], path):
        return hint
    if path == ["train", "precision"] and (hint := recipe.precision_meant(word)):
        return hint
    choices = _choices(fault.wanted)
    close = did_you_mean(word, choices)
    if fault.role == "object" and choices:
        close = meant(fault.owner, word)
        choices += spellings(fault.owner)
    choices = list(dict.fromkeys(choices))
    choices = [each for each in choices if each[:1].isupper()] or choices  # without snake_case
    return close or (f"one of {', '.join(choices[:40])}" if len(choices) > 3 else None)


def _by_name(values: list[str], path: Path) -> str | None:
    """A hint for several values where a layer or an object takes one, the first argument."""
    names = _arguments_of(path[-1]) if isinstance(path[-1], str) else []
    if not 1 < len(values) <= len(names) or not all(values):
        return None
    pairs = zip(names, values, strict=False)
    said = ", ".join(f"{name}: {each.strip(chr(39))}" for name, each in pairs)
    return f"arguments have names: {path[-1]}: {{{said}}}"


def _params(fault: Fault) -> set[str]:
    """The params that formulas in the refused value may name."""
    above = fault.root
    block = _along(above, fault.path[:2])[-1] if fault.path[0] == "blocks" else above
    return {name for each in (above, block) for name, _, _ in each.entries("params")}


def _choices(schema: Any) -> list[str]:
    """The words that the failed schema allows."""
    found: list[str] = []
    stack = [schema]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            found += [str(v) for v in each.get("enum", ()) if isinstance(v, str)]
            stack += [v for k, v in each.items() if k in ("anyOf", "else", "then")]
        elif isinstance(each, list):
            stack += each
    return found


# --- unknown words -------------------------------------------------------------------------------


def _unknown_object(key: str, fault: Fault, checked: Checked) -> None:
    if len(fault.value.data) > 1:  # that it must be one name is said already
        return
    kind = fault.owner
    message = f"{_subject(fault.path)} must be {fault.words}, got '{key}'"
    hint = meant(kind, key) or f"one of {', '.join(sorted(TABLES[kind]))}"
    checked.error("unknown-object", message, fault.value.key(key), hint, fault.notes)


def _unknown_in_defaults(key: str, fault: Fault, checked: Checked) -> None:
    span = fault.value.key(key)
    if key in checked.known_blocks():
        message = f"`defaults` are for layers, and '{key}' is a block"
        hint = "give its params default values"
        checked.error("unknown-layer", message, span, hint, fault.notes)
    else:
        _unknown_layer(key, span, fault.notes, checked)


def _wrong_block_name(key: str, fault: Fault, checked: Checked) -> None:
    message = f"the block name '{key}' is not possible"
    hint = "blocks are called in snake_case, so that they never look like a layer"
    checked.error("name", message, fault.value.key(key), hint, fault.notes)


def _unknown_contract(key: str, fault: Fault, checked: Checked) -> None:
    message, known = f"`require` has no contract '{key}'", fault.known
    near = foreign.CONTRACTS.get(key.replace("_", "").casefold()) or did_you_mean(key, known)
    hint = near or f"contracts: {', '.join(known)}, memory@BATCH_SIZE"
    checked.error("unknown-word", message, fault.value.key(key), hint, fault.notes)


def _unknown_word(key: str, fault: Fault, checked: Checked) -> None:
    hint = did_you_mean(key, fault.known) or f"the words here: {', '.join(fault.known)}"
    _no_such_word(key, f" in `{fault.path[-1]}`", hint, fault, checked)


def _unknown_at_the_top(key: str, fault: Fault, checked: Checked) -> None:
    if closest(key, fault.known) in NEEDED:
        checked.fatal = True  # without that word, nothing below would be found
    hint = did_you_mean(key, fault.known) or f"the words here: {', '.join(fault.known)}"
    hint = _at_the_top(key) or hint
    if key == "edit":
        hint = "override a param, a block or `layers` instead"
    _no_such_word(key, "", hint, fault, checked)


def _no_such_word(key: str, where: str, hint: str, fault: Fault, checked: Checked) -> None:
    if key in LAYERS:
        hint = f"a layer is a step of a list: `- {key}: ...` under `layers`"
    message = f"there is no word '{key}'{where}"
    checked.error("unknown-word", message, fault.value.key(key), hint, fault.notes)


def _at_the_top(key: str) -> str | None:
    """A hint for a word at the top of a file that others have there."""
    folded = key.replace("_", "").casefold()
    if key in recipe.RECIPE or folded in foreign.TRAIN:
        return f"what a training is told stands under `train`: train: {{{key}: ...}}"
    return foreign.TOP.get(folded)


def _unknown_argument(key: str, fault: Fault, checked: Checked) -> None:
    owner, known, value = fault.owner, fault.known, fault.value
    hint = did_you_mean(key, known) or (f"it has {', '.join(known)}" if known else "it takes none")
    written = re.fullmatch(r"(\w+)(\s+|:|\s*=\s*)(\S.*)", key)  # `units 3`, `units:3`, `units=3`
    if key in MODIFIERS and owner in LAYERS:
        hint = f"'{key}' stands beside '{owner}', not inside it"
    elif written and written[1] in known:
        what = "space is missing after the colon" if written[2] == ":" else "colon is missing"
        hint = f"a {what}: {written[1]}: {written[3]}"
    elif re.fullmatch(r"[0-9]{3}", key) and value.data[key].data is None:
        hint = "numbers have no thousands separators"
    if owner == "train":
        hint = recipe.meant(key) or hint
    elif owner in LAYERS:
        hint = foreign.ARGUMENTS.get(key.replace("_", "").casefold()) or hint
    elif owner in TABLES["optimizer"]:
        hint = foreign.OPTIMIZER_ARGUMENTS.get(key) or hint
    code, noun = "unknown-argument", "argument"
    if owner in ("train", "data"):
        code, noun, owner = "unknown-word", "word", "train.data" if owner == "data" else owner
    checked.error(code, f"{owner} has no {noun} '{key}'", value.key(key), hint, fault.notes)


def _unknown_in_step(key: str, fault: Fault, checked: Checked) -> None:
    span, word = fault.value.key(key), did_you_mean(key, (*MODIFIERS, *WORDS))
    if key[:1].isupper() or not word:
        _unknown_layer(key, span, fault.notes, checked)
    else:
        checked.error("unknown-word", f"a step has no word '{key}'", span, word, fault.notes)


def _unknown_in_branch(key: str, fault: Fault, checked: Checked) -> None:
    message = f"a branch has no `{key}`"
    hint = f"a branch is {fault.words}"
    if key == "name":
        hint = f"the branch is called by its key, '{fault.path[-1]}'"
    elif key in ("for", "repeat"):
        hint = "put the loop on a step inside the branch"
    elif key not in MODIFIERS:
        message = f"a branch is {fault.words}, not a single step"
        hint = f"make it a list: [{key}: ...], or `- {key}: ...` on a line of its own"
    checked.error("branch", message, fault.value.key(key), hint, fault.notes)


def _unknown_in_merge(key: str, fault: Fault, checked: Checked) -> None:
    span = fault.value.key(key)
    if key not in MODIFIERS and key not in WORDS:
        _unknown_layer(key, span, fault.notes, checked)
        return
    message, hint = f"`merge` has no `{key}`", "it stands beside `branches`, for all of the step"
    if key in WORDS:
        message, hint = f"`merge` is a layer or a block, not `{key}`", "make them a block"
    elif key == "from":
        hint = "it takes the values of the branches, in their order"
    checked.error("merge", message, span, hint, fault.notes)


def _unknown_layer(word: str, span: Span, notes: Notes, checked: Checked) -> None:
    blocks = checked.known_blocks()
    if word in blocks:  # its name has been refused where it is declared
        return
    glued = re.match(r"([A-Za-z]\w*)(:|\s*[ ({])(.*)", word, re.DOTALL)
    if own := did_you_mean(word, blocks):
        checked.error("unknown-layer", f"no layer is called {show(word)}", span, own, notes)
        return
    if loop := re.match(r"for\s+(\w+)\s+in\s+([^:]+)", word):
        hint = f"write `for: {{{loop[1]}: ={loop[2].strip()}}}` beside the layer"
        checked.error("unknown-layer", f"{show(word)} is no layer", span, hint, notes)
        return
    if refused := known_to_keras(word):
        checked.error(refused.code, refused.message, span, refused.hint, notes)
        return
    message = f"no layer is called {show(word)}"
    hint = did_you_mean(word, [*LAYERS, *WORDS, *blocks]) or CLOSED
    if glued and glued[1] in (*LAYERS, *blocks):
        message = f"{show(word)} is no layer"
        what = "a space is missing after the colon" if glued[2] == ":" else "a colon is missing"
        hint = f"{what}: write `- {glued[1]}: ...`"
    checked.error("unknown-layer", message, span, hint, notes)


# --- what an error says, by what the schema calls its part ---------------------------------------


@dataclass(frozen=True, slots=True)
class Handler:
    """What is reported of a key that a part of the schema does not know, and of a wrong value."""

    unknown_key: Callable[[str, Fault, Checked], None] = _unknown_word
    wrong_value: Callable[[Fault, Checked], None] = _wrong_value


HANDLERS: Mapping[str, Handler] = {
    "": Handler(),
    "arguments": Handler(_unknown_argument, _no_arguments),
    "blocks": Handler(_wrong_block_name, _no_blocks),
    "branch": Handler(_unknown_in_branch, _no_branch),
    "call": Handler(wrong_value=_only_by_name),
    "comparison": Handler(),
    "contracts": Handler(_unknown_contract),
    "defaults": Handler(_unknown_in_defaults),
    "file": Handler(_unknown_at_the_top, _no_layers),
    "input": Handler(wrong_value=_no_shape),
    "merge": Handler(_unknown_in_merge),
    "object": Handler(_unknown_object, _no_object),
    "step": Handler(_unknown_in_step, _no_step),
    "version": Handler(wrong_value=_version),
}


# --- YAML's traps --------------------------------------------------------------------------------


def _traps(checked: Checked) -> Iterator[Span]:
    """What parses, into something nobody meant. Yields the places of values so explained."""
    stack: list[tuple[Value, Path]] = [(checked.root, [])]
    while stack:
        value, path = stack.pop()
        inside: list[tuple[Any, Value]] = []
        if isinstance(value.data, dict):
            inside = list(value.data.items())
        elif isinstance(value.data, tuple):
            inside = list(enumerate(value.data))
        torn = next((each for _, each in inside if _is_torn(each)), None)
        if torn is not None and not is_formula(torn.data):
            message = f"the tuple '{torn.data}' ends at its comma"
            hint = "a list has square brackets: [3, 3]"
            checked.error("yaml", message, torn.span, hint)
        elif torn is not None:
            message = f"the formula '{torn.data}' ends inside a bracket: YAML cut it at a comma"
            checked.error("torn-formula", message, torn.span, QUOTE)
        else:
            stack += [(each, [*path, key]) for key, each in inside]
            if not (isinstance(value.data, dict) and _is_step(path)) or _one_step(value, checked):
                continue
        checked.mark(path)
        yield value.span


def _is_torn(value: Value) -> bool:
    """Whether a formula, or a tuple, was written in a flow value and cut at its own comma."""
    if not (value.plain and isinstance(value.data, str) and value.data[:1] in ("=", "(")):
        return False
    if not unbalanced(value.data):
        return False
    span = value.span
    return span.source.lines[span.end_line - 1][span.end_column - 1 :].lstrip()[:1] == ","


def _one_step(value: Value, checked: Checked) -> bool:
    """Whether a mapping is one step; reports it if there is nothing to do in it, or several."""
    ops = [key for key in value.data if key not in MODIFIERS]
    if len(ops) > 1:
        _several_steps(ops, value, checked)
    elif "merge" in value.data and "branches" not in value.data:
        message = "`merge` joins `branches`, and there are none here"
        hint = "write it beside `branches`"
        if "from" in value.data and isinstance(value.data["merge"].data, str):
            hint = f"write `- {value.data['merge'].data}:` with that `from`"
        checked.error("merge", message, value.key("merge"), hint)
    elif not ops and "from" not in value.data:
        message = "this step names no layer, block, branches, layers, reuse or from"
        checked.error("no-step", message, _head(value))
    elif "for" in value.data and "repeat" in value.data:
        message = "a step takes `for` or `repeat`, not both"
        note = Note("the other is given here", value.key("for"))
        checked.error("loop", message, value.key("repeat"), None, (note,))
    else:
        return True
    return False


def _several_steps(ops: list[str], value: Value, checked: Checked) -> None:
    """Two things to do in one step: arguments that are not indented, a misspelt word, two steps."""
    kind = next((key for key in ops if key in foreign.KINDS), None)
    if kind is not None and isinstance(value.data[kind].data, str):
        layer = value.data[kind].data
        hint = f"a step begins with its layer: `- {layer}: {{...}}`"
        checked.error("unknown-word", f"a step has no word '{kind}'", value.key(kind), hint)
        return
    first = next((key for key in ops if key in LAYERS or key in WORDS), ops[0])
    arguments = LAYERS[first].arguments if first in LAYERS else {}
    others = [key for key in ops if key != first]
    outside = [key for key in others if key in arguments]
    if outside:  # misspelt ones among them are meant likewise
        outside = [key for key in others if key in arguments or did_you_mean(key, arguments)]
        listed = " and ".join(map(repr, outside))
        are = "is an argument" if len(outside) == 1 else "are arguments"
        message = f"{listed} {are} of {first}, not of a step"
        hint = f"indent {'it' if len(outside) == 1 else 'them'} under '{first}:'"
        checked.error("indent", message, value.key(outside[0]), hint)
    for key in others:
        if key in outside:
            continue
        argument = did_you_mean(key, arguments) if value.data[first].data is None else None
        if argument and key not in checked.known_blocks():  # `Dense:` and `unit: 3` under it
            message = f"a step has no word '{key}'"
            hint = f"indent it under '{first}:'; {argument}"
            checked.error("indent", message, value.key(key), hint)
        elif word := foreign.STEP.get(key.replace("_", "").casefold()) or did_you_mean(
            key, MODIFIERS
        ):
            message = f"a step has no word '{key}'"
            checked.error("unknown-word", message, value.key(key), word)
        else:
            message = f"a step holds one layer or block, and here are '{first}' and '{key}'"
            hint = f"start a new line with `- {key}:`"
            checked.error("several-steps", message, value.key(key), hint)
