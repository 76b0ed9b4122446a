"""Read the user's own layers from a file that the user names, check them, and add them to the
table.

A file is never named by a spec, an environment variable or an installed package, and nothing of it
is read until it is named. Its layers are in the table of the process from then on (`register`), or
for the time of a command (`registered`). The table knows a file by its content: two files of one
name with other content, or two layers of one name, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, get_annotations, signature
from keyword import iskeyword
from numbers import Rational
from pathlib import Path
from types import FunctionType
from typing import Any

from msgspec.structs import replace

from archspec.arguments import REQUIRED, Argument, Included, Type, show
from archspec.errors import Refused, UserError
from archspec.graph import Facts
from archspec.layers.layer import COMMON, Layer, LayerFile
from archspec.layers.shapes import Rule
from archspec.layers.table import ALIASES, FAMILIES, LACKING, LAYERS, REFUSED, list_own
from archspec.layers.traits import KINDS, Traits
from archspec.own_layers.code import Code, describe, find_place, read_code, run
from archspec.reading import readable
from archspec.syntax.source import WORDS

NAME = re.compile("[A-Z][A-Za-z0-9]{0,79}")
ANNOTATION = 'write `{}: A[float, NON_NEGATIVE, "What it is for."]`, as in docs/own_layers.md'
Files = str | Path | Sequence[str | Path]


def register(files: Files) -> tuple[Layer, ...]:
    """Put the layers of files into the table, for the rest of the process; return those added.

    A file that was put there before is passed over. Raises `SpecError` for what is wrong in a file,
    at its place, and `UserError` for one that cannot be read or whose name is taken.
    """
    added: list[Layer] = []
    for each in _list_files(files):
        code = read_code(each)
        if not _is_known(code.file, added):
            added += _read_layers(code, added)
    for layer in added:
        LAYERS[layer.name] = layer
        family = _name_family(layer)
        FAMILIES[family] = (*FAMILIES.get(family, ()), layer)
    return tuple(added)


@contextmanager
def registered(files: Files) -> Iterator[None]:
    """Have the layers of files in the table for a while; raises as `register` does."""
    added = register(files)
    try:
        yield
    finally:
        for layer in added:
            del LAYERS[layer.name]
            FAMILIES.pop(_name_family(layer), None)


def _list_files(files: Files) -> Sequence[str | Path]:
    """Return the files that were given. Raises `UserError` for another value."""
    given = [files] if isinstance(files, str | Path) else files
    if isinstance(given, list | tuple) and all(isinstance(each, str | Path) for each in given):
        return given
    hint = "a param of the spec that is called `layers` is set by **{'params.layers': ...}"
    raise UserError(f"layers is a file of your own layers, or a list of them, got {files!r}", hint)


def _name_family(layer: Layer) -> str:
    """Return what the reference calls the layers of a file."""
    assert layer.file is not None
    return f"layers of {readable(layer.file.path.name)}"


def _is_known(file: LayerFile, added: Sequence[Layer]) -> bool:
    """Return whether a file of this content is in the table; refuse another one of its name."""
    others = {each.file for each in (*list_own(), *added) if each.file is not None}
    for other in others:
        if other.sha256 == file.sha256:
            return True
        if other.path.name == file.path.name:
            raise UserError(
                f"{readable(file.path)} is not the {other.path.name} whose layers are in use: "
                f"its SHA-256 is {file.sha256[:16]}..., that of the other {other.sha256[:16]}...",
                "give one of them another name; after a change, start a new Python process",
            )
    return False


# --- the entries of a file -----------------------------------------------------------------------


def _read_layers(code: Code, before: Sequence[Layer]) -> list[Layer]:
    """Return the layers of a file. before: those of files that are read with it."""
    family = getattr(run(code), "FAMILY", None)
    entries = family if isinstance(family, list | tuple) else ()
    if not entries or not all(isinstance(each, Layer) for each in entries):
        raise code.error(
            "the file has no FAMILY of entries, which say what layers it has",
            "end it with FAMILY = (entry(...),), as in docs/own_layers.md",
        )
    layers: list[Layer] = []
    for each in entries:
        _check_name(code, each, (*before, *layers))
        _check_entry(code, each)
        layers.append(replace(each, rule=_guard(code.file, each.rule), file=code.file))
    return layers


def _check_name(code: Code, layer: Layer, others: Sequence[Layer]) -> None:
    """Refuse a name that a spec could not have, or that is taken."""
    name, at = layer.name, code.find_entry(layer.name)
    if not isinstance(name, str) or not NAME.fullmatch(name) or iskeyword(name) or name in WORDS:
        message = f"a layer cannot be called {name!r}"
        raise code.error(message, "write the name of its class in CamelCase, as Keras does", at)
    rename = "give the layer, and its class, another name"
    taken = {each.name: each for each in (*list_own(), *others)}
    if name in taken:
        file = taken[name].file
        where = "this file twice" if file in (None, code.file) else f"{file and file.path} too"
        raise code.error(f"the layer {name} is in {where}", rename, at)
    if name in LAYERS or name in ALIASES:
        raise code.error(f"Keras has a layer {name} already, and so has archspec", rename, at)
    if name in REFUSED or name in LACKING:
        raise code.error(f"Keras has a layer {name}, which no other may be taken for", rename, at)


def _check_entry(code: Code, layer: Layer) -> None:
    """Refuse an entry that a verb could not work with."""
    name, at = layer.name, code.find_entry(layer.name)
    if not callable(layer.keras_class):
        hint = "write entry(..., keras_class=make_it), a function that returns the class"
        raise code.error(f"the entry of {name} has nothing that makes its Keras class", hint, at)
    if not isinstance(layer.traits, Traits) or layer.traits.kind not in KINDS:
        hint = f"write Traits() or Traits(kind=...): {', '.join(KINDS)}"
        raise code.error(f"the third value of {name}'s entry must be its Traits", hint, at)
    if not isinstance(layer.doc, str) or not layer.doc.strip():
        hint = "write what the layer does, for `archspec layers` and editors"
        raise code.error(f"the entry of {name} has no sentence", hint, at)
    _check_rule(code, layer)
    unknown = [each for each in layer.traits.follows if each not in layer.arguments]
    if unknown:
        raise code.error(f"`follows` names {unknown[0]}, no argument of {name}", "mend it", at)
    try:
        shapes = [axis for shape in layer.example.named.values() for axis in shape]
        if not all(isinstance(axis, int) for axis in shapes):
            raise TypeError("an axis of the example is no integer")
        layer.hover  # noqa: B018  what editors show, which is made of the entry
    except Exception:
        message = f"the example of {name} does not fit its inputs"
        hint = 'after its sentence, write its arguments as YAML, "{units: 8}", and a shape, (28, 8)'
        raise code.error(message, f"{hint}; several inputs are a list of shapes", at) from None


def _check_rule(code: Code, layer: Layer) -> None:
    """Refuse a rule whose signature is no contract."""
    name, rule = layer.name, layer.rule
    if not isinstance(rule, FunctionType):
        hint = "the second value of its entry is a function that returns Facts"
        raise code.error(f"the rule of {name} is no function", hint, code.find_entry(name))
    at = code.find_function(rule)
    try:
        hints = get_annotations(rule, eval_str=True)
    except Exception as error:
        message = f"the annotations of {name}'s rule cannot be read: {describe(error)}"
        raise code.error(message, "import what they name", at) from None
    inputs = 0
    parts = {} if at is None else {each.arg: each for each in _list_parameters(at)}
    for parameter in signature(rule).parameters.values():
        place = parts.get(parameter.name, at)
        annotation: Any = hints.get(parameter.name)
        metadata: tuple[Any, ...] = getattr(annotation, "__metadata__", ())
        if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
            inputs += parameter.name not in layer.call
        elif parameter.kind is Parameter.KEYWORD_ONLY:
            _check_annotation(code, name, parameter, metadata, place)
        elif parameter.kind is Parameter.VAR_KEYWORD and metadata:
            if not isinstance(metadata[0], Included):
                raise code.error(f"`**{parameter.name}` is for `weights(...)`", "mend it", place)
        else:
            message = f"the rule of {name} cannot have `{parameter}`"
            raise code.error(message, "name each input and each argument", place)
    if not inputs:
        message = f"the rule of {name} takes no input"
        raise code.error(message, "begin it with `x: Shape`, and write `*` after it", at)
    _check_arguments(code, layer, parts, at)
    if not layer.formulas.shape:
        message = f"the docstring of {name}'s rule does not say the shape that comes out"
        hint = "write how the layer works, and a line such as `Shape: that of the input.`"
        raise code.error(message, hint, at)


def _list_parameters(function: Any) -> Iterator[Any]:
    """Yield the parameters in the tree of a function."""
    arguments = function.args
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from filter(None, (arguments.vararg, arguments.kwarg))


def _check_annotation(
    code: Code, name: str, parameter: Parameter, metadata: Sequence[Any], at: Any
) -> None:
    """Refuse an argument whose annotation has no type of archspec, or no sentence."""
    hint = ANNOTATION.format(parameter.name)
    if not metadata or not isinstance(metadata[0], Type):
        message = f"the argument '{parameter.name}' of {name} has no annotation that says its type"
        raise code.error(message, hint, at)
    if not any(isinstance(each, str) and each.strip() for each in metadata[1:]):
        message = f"the argument '{parameter.name}' of {name} has no sentence"
        raise code.error(message, hint, at)


def _check_arguments(code: Code, layer: Layer, parts: Mapping[str, Any], at: Any) -> None:
    """Refuse arguments that every layer has, and defaults that no spec could write."""
    name = layer.name
    own = replace(layer, common={}).arguments
    for argument in own.values():
        place = parts.get(argument.name, at)
        if argument.name in (*COMMON, "name"):
            message = f"{name} cannot have an argument '{argument.name}' of its own"
            raise code.error(message, "every layer has one of that name: leave it out", place)
        if argument.default is not REQUIRED:
            _check_default(code, name, argument, place)


def _check_default(code: Code, name: str, argument: Argument, at: Any) -> None:
    """Refuse a default that is not what its type makes of it, which is what a rule sees."""
    default = argument.default
    subject = f"the default of '{argument.name}' of {name}"
    try:
        normal = argument.type.read(default)
    except Exception as error:
        said = str(error) if isinstance(error, Refused) else describe(error)
        raise code.error(f"{subject} {said}", "mend the default or the type", at) from None
    if normal != default or isinstance(default, list | dict | set):
        message = (
            f"{subject} is {default!r}, but {show(default)} in a spec is {normal!r} for a rule"
        )
        raise code.error(message, f"write {normal!r}", at)


# --- what a rule returns -------------------------------------------------------------------------


def _guard(file: LayerFile, rule: Rule) -> Rule:
    """Return a rule that refuses whatever another one's code raises, and facts that cannot be."""
    hint = f"mend the rule in {file.path.name}: raise Refused for what the layer cannot take"

    @wraps(rule)
    def guarded(*inputs: Any, **arguments: Any) -> Facts:
        try:
            facts = rule(*inputs, **arguments)
        except Refused:
            raise
        except Exception as error:
            message = f"has a rule that raises {describe(error)}, at {find_place(error, file)}"
            raise Refused(message, code="own-layers", hint=hint) from None
        if mistake := _find_mistake(facts):
            raise Refused(f"has a rule that returns {mistake}", code="own-layers", hint=hint)
        return facts

    return guarded


def _find_mistake(facts: Any) -> str | None:
    """Return what is wrong with the facts that a rule returned, in words, or None."""
    if not isinstance(facts, Facts):
        return f"{type(facts).__name__} instead of Facts"
    checks: Sequence[tuple[str, Callable[[Any], bool]]] = (
        ("shape", lambda it: isinstance(it, tuple) and it[:1] == (None,) and _are_axes(it)),
        ("weights", _are_weights),
        ("fixed", lambda it: isinstance(it, tuple) and set(it) <= set(facts.weights)),
        ("macs", lambda it: it is None or (_is_integer(it) and it >= 0)),
        ("window", _is_window),
    )
    for field, is_right in checks:
        value = getattr(facts, field)
        if not is_right(value):
            return f"Facts whose `{field}` cannot be {value!r}"[:300]
    return None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_axes(value: tuple[Any, ...]) -> bool:
    return all(axis is None or (_is_integer(axis) and axis > 0) for axis in value)


def _are_weights(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str)
        and isinstance(shape, tuple)
        and all(_is_integer(axis) and axis > 0 for axis in shape)
        for name, shape in value.items()
    )


def _is_window(value: Any) -> bool:
    return value is None or (
        isinstance(value, tuple)
        and all(
            isinstance(pair, tuple)
            and len(pair) == 2
            and _is_integer(pair[0])
            and isinstance(pair[1], Rational)
            for pair in value
        )
    )
