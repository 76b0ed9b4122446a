"""The JSON Schema of a spec, generated from the tables, and validation with it.

One schema (draft 2020-12) covers the three kinds of file: a network, a derived network and a block
library. Dispatch is by key, never by trying alternatives, so an error names the one key that is
wrong. `check` says what jsonschema found in words, at the place where it was written, and looks for
the traps that YAML itself lays. What a schema cannot say (names, shapes, formulas) comes later.

In the schema, `$comment` completes the sentence "... must be ..." for the value it stands at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonschema

from archspec.arguments import REQUIRED, Argument, Type, show
from archspec.errors import MAX_ERRORS, Diagnostic, Note, Span, did_you_mean, enough
from archspec.formulas import is_formula, unbalanced
from archspec.layers import DOCS, LAYERS, REFUSED
from archspec.objects import ALIASES, TABLES
from archspec.objects import WORDS as OBJECT_WORDS
from archspec.recipe import DATA, RECIPE
from archspec.source import QUOTE, Document, Value, plain

URL = "https://json-schema.org/draft/2020-12/schema"
MODIFIERS = ("name", "from", "when", "for", "repeat", "call", "merge")
BRANCH = "a list of steps, or a group of `layers`"
WORDS = ("branches", "layers", "reuse")  # the steps that are neither a layer nor a block call
BLOCK = "^[a-z][a-z0-9_]*$"
DTYPES = (
    *("float32", "float16", "float64", "bfloat16", "bool"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)

# --- the schema ----------------------------------------------------------------------------------


def _leaf(words: str, schema: Mapping[str, Any], doc: str = "") -> dict[str, Any]:
    described = {"description": doc} if doc else {}
    return {"$comment": words, **described, **schema}


FORMULA = {"type": "string", "pattern": "^="}
NAME = _leaf(
    "a name of letters, digits, '_' and '-'; `{...}` may hold a formula",
    {"type": "string", "pattern": r"^([A-Za-z0-9_-]|\{[^{}]*\})+$"},
    "What this step is called; in a loop it holds the loop variable, `unit{unit}`.",
)
REFERENCE = _leaf("the name of a step", {"type": "string", "minLength": 1})


def _or_formula(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that also takes a formula wherever it takes a value."""
    inner: dict[str, Any] = dict(schema)
    if "items" in inner:
        inner["items"] = _or_formula(inner["items"])
    if "anyOf" in inner:
        return {"anyOf": [*(_or_formula(each) for each in inner["anyOf"]), FORMULA]}
    if inner == FORMULA or inner.get("type") in ("string", "object"):
        return inner
    return {"anyOf": [inner, FORMULA]}


def _argument(argument: Argument, doc: str) -> dict[str, Any]:
    words = argument.type.words
    default = {} if argument.default is REQUIRED else {"default": _json(argument.default)}
    return {**_leaf(words, _of_type(argument.type), doc), **default}


def _of_type(type_: Type) -> dict[str, Any]:
    if type_.kind is None:
        return _or_formula(type_.schema)
    if type_.kind == "schedule":
        number = type_.schema["anyOf"][0]
        return {
            "if": {"type": "object"},
            "then": {"$ref": "#/$defs/schedule"},
            "else": _or_formula(number),
        }
    return {"$ref": f"#/$defs/{type_.kind}"}


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _object(properties: Mapping[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    """A mapping that takes these keys only. kind: what messages call a key."""
    return {
        "type": "object",
        "$comment": kind,
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def _arguments(owner: str, arguments: Mapping[str, Argument]) -> dict[str, Any]:
    properties = {
        name: _argument(argument, DOCS.get(f"{owner}.{name}") or DOCS.get(name, ""))
        for name, argument in arguments.items()
    }
    return _object(properties, f"{owner} arguments")


def _called(owner: str, arguments: Mapping[str, Argument], doc: str = "") -> dict[str, Any]:
    """`Owner: {arguments}`, or the value of its first argument, or nothing.

    owner: also the name of the definition that holds its arguments.
    """
    described = {"description": doc} if doc else {}
    first = next(iter(arguments), None)
    scalar: dict[str, Any] = {"type": "null", "$comment": "its arguments as a mapping"}
    if first is not None:
        value = {"$ref": f"#/$defs/{owner}.arguments/properties/{first}"}
        scalar = {"if": {"type": "null"}, "else": value}
    return {
        **described,
        "if": {"type": "object"},
        "then": {"$ref": f"#/$defs/{owner}.arguments"},
        "else": scalar,
    }


def _kinds() -> dict[str, Any]:
    """Initializers, optimizers and the like: a name, or {Name: {arguments}}."""
    defs: dict[str, Any] = {}
    for kind, table in TABLES.items():
        for name, arguments in table.items():
            defs[f"{kind}.{name}"] = _called(f"{kind}.{name}", arguments)
            defs[f"{kind}.{name}.arguments"] = _arguments(name, arguments)
        names = {name: name for name in table} | dict(ALIASES.get(kind, {}))
        spelled = names | {_snake(name): entry for name, entry in names.items()}
        words = OBJECT_WORDS[kind]
        objects = {name: {"$ref": f"#/$defs/{kind}.{entry}"} for name, entry in spelled.items()}
        defs[kind] = {
            "$comment": words,
            "if": {"type": "object"},
            "then": _object(objects, f"{kind} names", minProperties=1, maxProperties=1),
            "else": {
                "$comment": words,
                "anyOf": [{"enum": [*spelled, None]}, FORMULA],
            },
        }
    return defs


def _snake(name: str) -> str:
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", spaced).lower()


def _several(kind: str, words: str) -> dict[str, Any]:
    """One object, a list of them, or either for each output by its name."""
    one = {"$ref": f"#/$defs/{kind}"}
    return {"$comment": words, "if": {"type": "array"}, "then": {"type": "array", "items": one}}


def _recipe() -> dict[str, Any]:
    return {
        "data": {
            "if": {"type": "object"},
            "then": _arguments("data", DATA),
            "else": _leaf(
                "the name of a dataset, a folder, an .npz file, or a mapping", {"type": "string"}
            ),
        },
        "augment": {
            "$comment": "a list of layers",
            "type": "array",
            "items": {"$ref": "#/$defs/step"},
        },
        "losses": _leaf("a loss, or a loss for each output", {"type": ["string", "object"]}),
        "metrics": _several("metric", "a list of metrics, or such a list for each output"),
        "callbacks": _several("callback", "a list of callbacks"),
        "train": _arguments("train", RECIPE),
    }


CONDITION = _leaf("true, false or a formula", {"anyOf": [{"type": "boolean"}, FORMULA]})
LOOP = _leaf(
    "lists by variable, {i: =range(3)}, or a list of mappings",
    {
        "anyOf": [
            {"type": "object", "minProperties": 1},
            {"type": "array", "items": {"type": "object"}},
            FORMULA,
        ]
    },
    "Walk lists together, or the rows of a table; the step is written once for each.",
)
FROM = _leaf(
    "the name of a step, a list of names, or call arguments to names",
    {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        ]
    },
    "What the step takes, instead of the value of the step before it.",
)
AXIS = {"anyOf": [{"type": ["integer", "null"]}, FORMULA]}
SHAPE = _leaf(
    "a list of axes without the batch, such as [28, 28, 1]",
    {"anyOf": [{"type": "array", "items": AXIS, "minItems": 1}, FORMULA]},
)
COMPARISON = _leaf(
    "a comparison such as '<= 12M', or a number",
    {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(<=|>=|<|>|==|=)?\s*[0-9]"}]},
)


def _words() -> dict[str, Any]:
    """Every word above the steps."""
    steps = {"$ref": "#/$defs/steps"}
    shape = {
        "if": {"type": "object"},
        "then": _object(
            {"shape": SHAPE, "dtype": _leaf(f"one of {', '.join(DTYPES)}", {"enum": list(DTYPES)})},
            "words",
            required=["shape"],
        ),
        "else": SHAPE,
    }
    layer_defaults = {name: {"$ref": f"#/$defs/{name}.arguments"} for name in LAYERS}
    nulls = {name: {"if": {"type": "null"}, "else": each} for name, each in layer_defaults.items()}
    defaults = {
        **_object(nulls, "layer names"),
        "description": "Arguments that every layer of a name starts from.",
    }
    params = {
        "$comment": "names with default values",
        "type": "object",
        "description": "Names for formulas, with their default values.",
    }
    block = {
        "if": {"type": "null"},
        "else": {
            **_object(
                {
                    "description": _leaf("text", {"type": "string"}),
                    "params": params,
                    "inputs": _leaf(
                        "a list of names", {"type": "array", "items": NAME, "minItems": 1}
                    ),
                    "defaults": defaults,
                    "layers": steps,
                },
                "words",
            ),
        },
    }
    numbers = ("params", "trainable_params", "macs", "receptive_field")
    contracts = _object(
        {
            **{name: COMPARISON for name in numbers},
            "output": {"type": "array", "$comment": "a shape"},
        },
        "contracts",
        patternProperties={"^memory@[0-9]+$": COMPARISON},
    )
    files = {"type": "array", "items": {"type": "string"}, "$comment": "a list of files"}
    described = {
        "archspec": _leaf("1", {"const": 1}, "Version of the language."),
        "name": _leaf("text", {"type": "string"}, "By default the file's stem."),
        "description": _leaf("text", {"type": "string"}, "One line on what this network is."),
        "extends": _leaf(
            "the name of a file", {"type": "string"}, "The spec that this one changes."
        ),
        "import": {**files, "description": "Block libraries whose blocks are brought in."},
        "params": params,
        "input": {**shape, "description": "Shape of the input without the batch axis."},
        "inputs": {
            "$comment": "names with their shapes",
            "type": "object",
            "additionalProperties": shape,
            "description": "Several inputs, by name.",
        },
        "defaults": defaults,
        "blocks": {
            "$comment": "block names",
            "type": "object",
            "patternProperties": {BLOCK: block},
            "additionalProperties": False,
            "description": "Reusable sub-graphs, called like a layer.",
        },
        "layers": {**steps, "description": "The steps, each taking the one before it."},
        "outputs": _leaf(
            "a list of step names",
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "The model's outputs; by default the last step.",
        ),
        "require": {
            **contracts,
            "description": "Contracts that `archspec check` holds the spec to.",
        },
        "train": {"$ref": "#/$defs/train", "description": "The recipe of `archspec train`."},
    }
    nullable = {"name", "archspec"}
    return {
        key: value if key in nullable else {"if": {"type": "null"}, "else": value}
        for key, value in described.items()
    }


def _steps() -> dict[str, Any]:
    calls = {name: _called(name, layer.arguments, layer.doc) for name, layer in LAYERS.items()}
    group = {
        "layers": {
            "if": {"type": "null"},
            "else": {"$ref": "#/$defs/steps"},
            "description": "A group of steps.",
        },
        "from": FROM,
        "when": {**CONDITION, "description": "Whether the step is there at all."},
    }
    call = _leaf("call arguments", {"type": "object"}, "Constant call arguments.")
    reuse = {**REFERENCE, "description": "Call that layer or block again, with its weights."}
    step = {
        **calls,
        **group,
        "branches": {
            "$comment": "a list or a mapping of branches",
            "type": ["array", "object"],
            "minItems": 1,
            "minProperties": 1,
            "items": _branch({**group, "name": NAME}),
            "additionalProperties": _branch(group),
            "description": "Branches that all take the same value, joined by `merge`.",
        },
        "merge": {"$ref": "#/$defs/merge", "description": "The step that joins the branches."},
        "reuse": reuse,
        "name": NAME,
        "for": LOOP,
        "repeat": _leaf(
            "a number of turns",
            {"anyOf": [{"type": "integer", "minimum": 0}, FORMULA]},
            "How many times in a row; names get the turn's number.",
        ),
        "call": call,
    }
    merge = {**calls, "reuse": reuse, "name": NAME, "call": call}
    not_merge = "|".join(word for word in step if word not in merge)
    bare = {"type": "string", "anyOf": [{"enum": list(LAYERS)}, {"pattern": BLOCK}]}
    return {
        "steps": {
            "$comment": "a list of steps",
            "type": "array",
            "items": {"$ref": "#/$defs/step"},
        },
        "step": {
            "if": {"type": "object"},
            "then": _object(step, "step", patternProperties={BLOCK: True}, minProperties=1),
            "else": {"$comment": "a layer, a block or a mapping that holds one", **bare},
        },
        "merge": {
            "if": {"type": "object"},
            "then": _object(
                merge, "merge", patternProperties={f"^(?!({not_merge})$){BLOCK[1:]}": True}
            ),
            "else": {"$comment": "a layer, a block or a mapping that holds one", **bare},
        },
        **{
            f"{name}.arguments": _arguments(name, layer.arguments) for name, layer in LAYERS.items()
        },
    }


def _branch(group: Mapping[str, Any]) -> dict[str, Any]:
    """A list of steps, nothing, or a group; under a key it has no other name."""
    return {
        "if": {"type": ["array", "null"]},
        "then": {"if": {"type": "array"}, "then": {"$ref": "#/$defs/steps"}},
        "else": _object(group, BRANCH),
    }


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of every file that archspec reads."""
    return {
        "$schema": URL,
        "title": "archspec 1",
        "description": "A network as a graph of layers: the spec language of archspec.",
        **_object(
            _words(),
            "words",
            required=["archspec"],
            anyOf=[{"required": [word]} for word in ("layers", "extends", "blocks")],
        ),
        "$defs": {"formula": FORMULA, **_recipe(), **_steps(), **_kinds()},
    }


@cache
def _validator() -> Any:
    return jsonschema.Draft202012Validator(schema())


# --- checking a document -------------------------------------------------------------------------


@dataclass(slots=True)
class Checked:
    """What the schema says of a document.

    broken: the identities of the steps it refused. fatal: something outside the steps is wrong, so
    that the document means nothing as a whole.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    fatal: bool = False

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        hint: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, hint, notes))


def check(document: Document) -> Checked:
    """Every error that the schema, and a look for YAML's traps, can find in a document."""
    checked = Checked()
    root = document.root
    if not isinstance(root.data, dict):
        what = "a list" if isinstance(root.data, tuple) else show(root.data)
        hint = "begin with `archspec: 1` and give its layers under `layers:`"
        checked.error("schema", f"a spec is a mapping of words, got {what}", root.span, hint)
        checked.fatal = True
        return checked
    if root.get("input") is not None and root.get("inputs") is not None:
        message = "a spec has `input` or `inputs`, not both"
        note = Note("the other is given here", root.key("input"))
        checked.error("input", message, root.key("inputs"), "name them all in `inputs`", (note,))
        checked.fatal = True
    trapped = dict(_traps(root, checked))
    for error in _validator().iter_errors(plain(root)):
        _report(error, root, checked, trapped)
        if len(checked.diagnostics) >= MAX_ERRORS:
            checked.diagnostics.append(enough(checked.diagnostics[-1].span))
            checked.fatal = True
            break
    return checked


def _along(root: Value, path: list[Any]) -> list[Value]:
    """The values on a path from the root, the root first."""
    values = [root]
    for part in path:
        values.append(values[-1].data[part])
    return values


def _step_on(path: list[Any]) -> int | None:
    """The length of the prefix of a path that ends at its innermost step, if it is in one."""
    for end in range(len(path), 0, -1):
        part, before = path[end - 1], path[end - 2] if end > 1 else None
        if part == "merge" and path[0] in ("layers", "blocks"):
            return end
        in_branch = end > 2 and path[end - 3] == "branches"
        in_list = before in ("layers", "branches") or in_branch
        if isinstance(part, int) and in_list and path[0] in ("layers", "blocks"):
            return end
        if isinstance(part, str) and _is_branch(path[:end]):
            return end
    return None


def _is_branch(path: list[Any]) -> bool:
    return len(path) > 1 and path[-2] == "branches" and path[0] in ("layers", "blocks")


def _mark(root: Value, path: list[Any], checked: Checked) -> None:
    """Note which step is broken, or that the whole document is."""
    end = _step_on(path)
    if end is None:  # what the recipe or contracts say changes no step
        checked.fatal = checked.fatal or path[:1] not in (["train"], ["require"])
    else:
        checked.broken.add(id(_along(root, path[:end])[-1]))


def _trail(values: list[Value]) -> tuple[Note, ...]:
    return tuple(note for value in reversed(values) for note in value.notes())


def _report(error: Any, root: Value, checked: Checked, trapped: Mapping[int, bool]) -> None:
    path = list(error.absolute_path)
    values = _along(root, path)
    _mark(root, path, checked)
    if any(id(value) in trapped for value in values):
        return
    value, notes = values[-1], _trail(values)
    said = str(error.schema.get("$comment", "")) if isinstance(error.schema, dict) else ""
    if error.validator == "additionalProperties":
        patterns = [re.compile(each) for each in error.schema.get("patternProperties", {})]
        known = error.schema.get("properties", {})
        for key in value.data:
            if key not in known and not any(p.search(key) for p in patterns):
                _unknown_key(key, value, path, said, list(known), notes, checked)
    elif error.validator == "required":
        missing = [word for word in error.validator_value if word not in value.data]
        _missing(missing[0], value, checked)
    elif error.validator == "anyOf" and not path:
        hint = "a network has layers, a derived one extends, a library has blocks"
        checked.error(
            "schema", "the file has neither `layers` nor `extends` nor `blocks`", _head(root), hint
        )
    elif error.validator == "const" and path == ["archspec"]:
        hint = "this archspec reads version 1: write `archspec: 1`"
        message = f"the version of the language must be 1, got {show(plain(value))}"
        checked.error("version", message, value.span, hint)
    elif error.validator in ("maxProperties", "minProperties"):
        checked.error("schema", _count(path, value, said), value.span, None, notes)
    else:
        _wrong_value(error, said, path, values, notes, checked)


def _head(root: Value) -> Span:
    first = next(iter(root.keys.values()), root.span)
    return first


def _missing(word: str, value: Value, checked: Checked) -> None:
    if word == "archspec":
        message = "the file does not say which version of the language it is written in"
        checked.error("version", message, _head(value), "begin with `archspec: 1`")
    else:
        checked.error("schema", f"`{word}` is missing here", value.span)


def _count(path: list[Any], value: Value, said: str) -> str:
    if said.endswith(" names"):
        keys = list(value.data)
        return f"give one name here, {{Name: {{arguments}}}}, got {len(keys)}: {', '.join(keys)}"
    return "a step names a layer, a block or one of branches, layers, reuse, from"


def _wrong_value(
    error: Any,
    said: str,
    path: list[Any],
    values: list[Value],
    notes: tuple[Note, ...],
    checked: Checked,
) -> None:
    value = values[-1]
    got = show(plain(value))
    if said == BRANCH:
        as_list = f"make it a list: [{value.data}]" if isinstance(value.data, str) else None
        checked.error("branch", f"a branch is {BRANCH}, got {got}", value.span, as_list, notes)
        return
    if isinstance(value.data, str) and _step_value(path) and not is_formula(value.data):
        word = value.data
        if word[:1].isupper() or " " in word:
            _unknown_layer(word, value, notes, checked)
            return
    if said.endswith(" arguments"):
        message = f"`{path[-1]}` must be a mapping of its arguments, got {got}"
        checked.error("schema", message, value.span, None, notes)
        return
    subject = _subject(path)
    hint = None
    if isinstance(value.data, str):
        choices = _choices(error)
        hint = did_you_mean(value.data, choices)
        if hint is None and choices and len(choices) > 3:
            hint = f"one of {', '.join(choices[:40])}"
        if re.fullmatch(r"[-+]?[0-9]+(,[0-9]+)+", value.data):
            hint = "numbers have no thousands separators"
    code = "argument-value" if "argument" in subject else "schema"
    if said.split(" ")[0] in ("an", "a") and any(w in said for w in OBJECT_WORDS.values()):
        code = "unknown-object"
    words = said or _schema_words(error)
    checked.error(code, f"{subject} must be {words}, got {got}", value.span, hint, notes)


def _schema_words(error: Any) -> str:
    kind = error.schema.get("type") if isinstance(error.schema, dict) else None
    return {"string": "text", "array": "a list", "object": "a mapping"}.get(
        str(kind), "something else"
    )


def _choices(error: Any) -> list[str]:
    """The words that an enum in the failed schema allows."""
    found: list[str] = []
    stack = [error.schema]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            found += [str(v) for v in each.get("enum", ()) if isinstance(v, str)]
            stack += [v for k, v in each.items() if k in ("anyOf", "else", "then")]
        elif isinstance(each, list):
            stack += each
    return found


def _step_value(path: list[Any]) -> bool:
    return bool(path) and _step_on(path) == len(path)


def _subject(path: list[Any]) -> str:
    """What a message calls the value at a path."""
    words = [part for part in path if isinstance(part, str)]
    if not words:
        return "a step"
    last = words[-1]
    owner = words[-2] if len(words) > 1 else ""
    if last in LAYERS and _names_layer(path):
        return f"{last} argument '{next(iter(LAYERS[last].arguments))}'"
    if owner in LAYERS or any(owner in table for table in TABLES.values()):
        return f"{owner} argument '{last}'"
    if isinstance(path[-1], int) and last == "layers":
        return "a step"
    if words[0] == "train" and len(words) > 1:
        return f"`{'.'.join(words)}`"
    return f"`{last}`"


def _names_layer(path: list[Any]) -> bool:
    return isinstance(path[-1], str)


def _unknown_key(
    key: str,
    value: Value,
    path: list[Any],
    said: str,
    known: list[str],
    notes: tuple[Note, ...],
    checked: Checked,
) -> None:
    span = value.key(key)
    if said == "step":
        _unknown_step_key(key, value, notes, checked)
    elif said == BRANCH:
        _unknown_branch_key(key, value, path, notes, checked)
    elif said == "merge":
        _unknown_merge_key(key, value, notes, checked)
    elif said.endswith(" arguments"):
        owner = said.removesuffix(" arguments")
        hint = did_you_mean(key, known)
        if key in MODIFIERS and owner in LAYERS:
            hint = f"'{key}' stands beside '{owner}', not inside it"
        elif re.search(r"\s", key.strip()) and key.split()[0].rstrip(":") in known:
            hint = f"a colon is missing: {key.split()[0]}: {' '.join(key.split()[1:])}"
        noun = "word" if owner in ("train", "data") else "argument"
        owner = "train.data" if owner == "data" else owner
        message = f"{owner} has no {noun} '{key}'"
        code = "unknown-word" if noun == "word" else "unknown-argument"
        fallback = f"it has {', '.join(known)}" if known else "it takes none"
        checked.error(code, message, span, hint or fallback, notes)
    elif said.endswith(" names") and said != "layer names" and said != "block names":
        kind = said.removesuffix(" names")
        message = f"`{path[-1]}` must be {OBJECT_WORDS[kind]}, got '{key}'"
        hint = did_you_mean(key, known) or f"one of {', '.join(sorted(TABLES[kind]))}"
        checked.error("unknown-object", message, span, hint, notes)
    elif said == "layer names":
        _unknown_layer(key, Value(key, span), notes, checked)
    elif said == "block names":
        message = f"the block name '{key}' is not possible"
        hint = "blocks are called in snake_case, so that they never look like a layer"
        checked.error("name", message, span, hint, notes)
    elif said == "contracts":
        hint = did_you_mean(key, known) or f"contracts: {', '.join(known)}, memory@BATCH_SIZE"
        checked.error("unknown-word", f"`require` has no contract '{key}'", span, hint, notes)
    else:
        where = f" in `{path[-1]}`" if path else ""
        hint = did_you_mean(key, known) or f"the words here: {', '.join(known)}"
        if key == "edit" and not path:
            hint = "override a param, a block or `layers` instead"
        if key in LAYERS:
            hint = f"a layer is a step of a list: `- {key}: ...` under `layers`"
        checked.error("unknown-word", f"there is no word '{key}'{where}", span, hint, notes)


def _unknown_step_key(key: str, value: Value, notes: tuple[Note, ...], checked: Checked) -> None:
    span = value.key(key)
    for op in value.data:
        if op in LAYERS and op != key and key in LAYERS[op].arguments:
            message = f"'{key}' is an argument of {op}, not a word of a step"
            hint = f"indent it under '{op}:'"
            checked.error("indent", message, span, hint, notes)
            return
    modifier = did_you_mean(key, (*MODIFIERS, *WORDS))
    if key[:1].isupper() or not modifier:
        _unknown_layer(key, Value(key, span), notes, checked)
    else:
        checked.error("unknown-word", f"a step has no word '{key}'", span, modifier, notes)


def _unknown_branch_key(
    key: str, value: Value, path: list[Any], notes: tuple[Note, ...], checked: Checked
) -> None:
    message = f"a branch has no `{key}`"
    hint = f"a branch is {BRANCH}"
    if key == "name":
        hint = f"the branch is called by its key, '{path[-1]}'"
    elif key in ("for", "repeat"):
        hint = "put the loop on a step inside the branch"
    elif key not in MODIFIERS:
        message = f"a branch is {BRANCH}, not a single step"
        hint = f"make it a list: [{key}: ...], or `- {key}: ...` on a line of its own"
    checked.error("branch", message, value.key(key), hint, notes)


def _unknown_merge_key(key: str, value: Value, notes: tuple[Note, ...], checked: Checked) -> None:
    if key not in MODIFIERS and key not in WORDS:
        _unknown_layer(key, Value(key, value.key(key)), notes, checked)
        return
    message, hint = f"`merge` has no `{key}`", "it stands beside `branches`, for all of the step"
    if key in WORDS:
        message, hint = f"`merge` is a layer or a block, not `{key}`", "make them a block"
    elif key == "from":
        hint = "it takes the values of the branches, in their order"
    checked.error("merge", message, value.key(key), hint, notes)


def _unknown_layer(word: str, value: Value, notes: tuple[Note, ...], checked: Checked) -> None:
    bare = re.match(r"([A-Za-z]\w*)\s*[ :({]", word)
    if word in REFUSED:
        message = f"the layer {word} is refused: {REFUSED[word]}"
        checked.error("refused-layer", message, value.span, None, notes)
    elif bare and bare[1] in LAYERS:
        message = f"'{word}' is no layer"
        hint = f"a colon is missing: write `- {bare[1]}:`"
        checked.error("unknown-layer", message, value.span, hint, notes)
    else:
        closed = "the table of layers is closed: an entry in archspec/layers adds one"
        close = did_you_mean(word, [*LAYERS, *WORDS])
        checked.error(
            "unknown-layer", f"no layer is called '{word}'", value.span, close or closed, notes
        )


# --- YAML's traps --------------------------------------------------------------------------------


def _traps(root: Value, checked: Checked) -> Iterator[tuple[int, bool]]:
    """What parses, into something nobody meant. Yields the identities of values so explained."""
    stack: list[tuple[Value, list[Any]]] = [(root, [])]
    while stack:
        value, path = stack.pop()
        if isinstance(value.data, tuple):
            stack += [(each, [*path, n]) for n, each in enumerate(value.data)]
        if not isinstance(value.data, dict):
            continue
        for key, each in value.items():
            torn = each.plain and is_formula(each.data) and unbalanced(each.data[1:])
            if torn:
                message = f"the formula '{each.data}' ends inside a bracket: YAML cut it at a comma"
                checked.error("torn-formula", message, each.span, QUOTE)
                _mark(root, [*path, key], checked)
                yield id(value), True
                break
            stack.append((each, [*path, key]))
        else:
            if _step_on(path) == len(path) and path and not _is_branch(path):
                wrong = _not_one_step(value, checked)
                if wrong:
                    _mark(root, path, checked)
                    yield id(value), True


def _not_one_step(value: Value, checked: Checked) -> bool:
    """Whether a mapping is not one step: nothing to do in it, or several things."""
    ops = [key for key in value.data if key not in MODIFIERS]
    known = [key for key in ops if key in LAYERS or key in WORDS]
    if len(ops) > 1 and known:
        first = known[0]
        for key in ops:
            if key == first:
                continue
            if first in LAYERS and key in LAYERS[first].arguments:
                message = f"'{key}' is an argument of {first}, not a word of a step"
                checked.error("indent", message, value.key(key), f"indent it under '{first}:'")
            elif hint := did_you_mean(key, MODIFIERS):
                checked.error("unknown-word", f"a step has no word '{key}'", value.key(key), hint)
            else:
                message = f"a step holds one layer or block, and here are '{first}' and '{key}'"
                hint = f"start a new line with `- {key}:`"
                checked.error("several-steps", message, value.key(key), hint)
        return True
    if len(ops) > 1:
        message = f"a step holds one layer or block, and here are {' and '.join(map(repr, ops))}"
        checked.error("several-steps", message, value.key(ops[1]), "start a new line for each")
        return True
    if not ops and "from" not in value.data:
        message = "this step names no layer, block, branches, layers, reuse or from"
        checked.error(
            "no-step", message, value.span.within(0, 1) if value.keys == {} else _head(value)
        )
        return True
    if "merge" in value.data and "branches" not in value.data:
        checked.error("schema", "`merge` joins `branches`, and there are none", value.key("merge"))
        return True
    if "for" in value.data and "repeat" in value.data:
        checked.error("loop", "a step takes `for` or `repeat`, not both", value.key("repeat"))
        return True
    return False


def shipped() -> str:
    """The text of `archspec/schema.json`, which editors read."""
    return json.dumps(schema(), separators=(",", ":"), ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name("schema.json").write_text(shipped(), encoding="utf-8")
