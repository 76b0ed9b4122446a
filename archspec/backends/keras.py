"""Build a graph as a Keras functional model, on whatever backend Keras runs.

One generic step builds every layer from its table entry: `class_of(op)(**arguments)`.
Initializers and random layers get seeds of their own, made from the model's seed and the node's
place in the graph, so that the same graph and seed give the same weights however it was written.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from math import prod
from typing import Any

import keras

from archspec.backends.spec_yaml import flat_name, spell
from archspec.errors import ArchspecError, UserError
from archspec.graph import Graph, Node, canonical_order, fold
from archspec.layers import COMMON, LAYERS, Layer, list_own
from archspec.layers.equivalents import find_taken_names
from archspec.objects import ACTIVATION_LAYERS, TABLES, named

KINDS = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


class InternalError(Exception):
    """Keras disagrees with archspec about a node: a rule of archspec is wrong."""


def to_keras(graph: Graph, seed: int = 0) -> keras.Model:
    """Return the functional model of a graph, its layers named as the nodes with `-` for `.`.

    Every output shape and weight shape is compared with the graph's facts.
    Raises `InternalError` if one differs or Keras refuses a layer; `UserError` if it is one's own.
    """
    layers: dict[str, keras.layers.Layer] = {}
    places = {name: place for place, name in enumerate(canonical_order(graph))}

    def step(node: Node, inputs: list[Any]) -> Any:
        if node.op == "InputLayer":
            return keras.Input(
                node.arguments["shape"], dtype=node.arguments["dtype"], name=node.name
            )
        place = places[node.name]
        own = LAYERS[node.op].file is not None
        try:
            with _seeded(_derive_seed(seed, place, "own")):
                if node.reuses is None:
                    layers[node.name] = _make_layer(node, seed, place)
                layer = layers[node.name] if node.reuses is None else layers[node.reuses]
                output = _call(layer, node, inputs)
                if own and node.reuses is None:
                    _check_config(node, layer)
            for weight in () if layer.trainable else layer.weights:
                weight.trainable = False  # those of the layers within it, which Keras forgets
        except ArchspecError:
            raise
        except Exception as error:
            raise _refusal(node, error) from error
        _check_facts(node, layer, output)
        return output

    for name, count in find_taken_names(graph).items():
        for _ in range(count):
            keras.backend.get_uid(name)
    tensors = fold(graph, step)
    model = keras.Model(
        [tensors[name] for name in graph.inputs]
        if len(graph.inputs) > 1
        else tensors[graph.inputs[0]],
        [tensors[name] for name in graph.outputs]
        if len(graph.outputs) > 1
        else tensors[graph.outputs[0]],
        name=_make_keras_name(graph.name),
    )
    if model.count_params() != graph.total_params:
        raise InternalError(
            f"Keras counts {model.count_params():,} parameters in '{graph.name}', "
            f"archspec {graph.total_params:,}"
        )
    trained = sum(prod(weight.shape) for weight in model.trainable_weights)
    if trained != graph.trainable_params:
        raise InternalError(
            f"Keras trains {trained:,} parameters in '{graph.name}', "
            f"archspec {graph.trainable_params:,}"
        )
    return model


def _make_keras_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in name)


def _make_layer(node: Node, seed: int, place: int) -> keras.layers.Layer:
    entry = LAYERS[node.op]
    table = entry.arguments
    arguments: dict[str, Any] = {}
    for name, value in node.arguments.items():
        kind = table[name].type.kind
        own_seed = _derive_seed(seed, place, name)
        if name == "seed" and value is None:
            arguments[name] = own_seed
        elif kind == "activation":
            arguments[name] = make_activation(value)
        elif kind is not None:
            arguments[name] = _make_object(kind, value, own_seed)
        elif name == "data_format" or value != table[name].default or _is_own(entry, name):
            arguments[name] = spell(value)
    return class_of(node.op)(**arguments, name=flat_name(node.name))


def make_layer(op: str, given: Mapping[str, Any]) -> keras.layers.Layer:
    """The Keras layer of an entry, for augmentation: with those arguments that are no defaults."""
    entry = LAYERS[op]
    defaults = {
        name: each.default for name, each in entry.arguments.items() if _is_own(entry, name)
    }
    return class_of(op)(**{**defaults, **given})


def _derive_seed(seed: int, place: int, name: str) -> int:
    """Return the seed of one argument from the model's seed and the node's place in the graph."""
    digest = hashlib.sha256(f"{seed}/{place}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _make_object(kind: str, value: Any, seed: int) -> Any:
    if value is None:
        return None
    name, given = named(value)
    arguments = dict(given)
    if "seed" in TABLES[kind][name] and arguments.get("seed") is None:
        arguments["seed"] = seed
    return getattr(KINDS[kind], name)(**arguments)


def make_activation(value: Any) -> Any:
    """Return a Keras activation.

    One with arguments becomes the layer of that name, since Keras cannot save a function with its
    arguments.
    """
    if value is None:
        return None
    name, arguments = named(value)
    if not arguments:
        return keras.activations.get(name)
    return getattr(keras.layers, ACTIVATION_LAYERS[name])(**arguments)


def _call(layer: keras.layers.Layer, node: Node, inputs: list[Any]) -> Any:
    if node.slots:
        return layer(**dict(zip(node.slots, inputs, strict=True)), **node.call)
    if LAYERS[node.op].takes == "list":
        return layer(inputs, **node.call)
    return layer(inputs[0], **node.call)


def _refusal(node: Node, error: Exception) -> Exception:
    """The error of a layer that Keras, or the class of a layer of one's own, does not make."""
    file = LAYERS[node.op].file
    if file is None:
        message = f"{node.span}: Keras refuses {node.op} '{node.name}', which archspec allows"
        return InternalError(f"{message}: {error}")
    from archspec.own_layers.code import describe, find_place

    where = find_place(error, file)
    said = f"{where}: the class of {node.op} raises {describe(error)} for '{node.name}'"
    return UserError(f"{said} ({node.span})", OF_CLASS)


def _disagreement(node: Node, what: str, given: Any, said: Any) -> Exception:
    """The error of a layer that is another one in Keras than in the table."""
    file = LAYERS[node.op].file
    if file is None:
        message = f"{node.span}: Keras gives {node.op} '{node.name}' {what} {given}"
        return InternalError(f"{message}, archspec {said}")
    return UserError(
        f"{file.path.name}: the class of {node.op} has {what} {given}, and its rule says {said} "
        f"({node.span})",
        "mend the one that is wrong: shapes and counts are taken from the rule",
    )


def _check_facts(node: Node, layer: keras.layers.Layer, output: Any) -> None:
    """Raise `InternalError` unless Keras has the output shape and weights of the node's facts."""
    facts = node.facts
    assert facts is not None
    if tuple(output.shape) != facts.shape:
        raise _disagreement(node, "the shape", tuple(output.shape), facts.shape)
    built = [tuple(weight.shape) for weight in layer.weights]
    if sorted(built) != sorted(map(tuple, facts.weights.values())):
        raise _disagreement(node, "weights of", built, dict(facts.weights))
    trained = sum(prod(weight.shape) for weight in layer.trainable_weights)
    wanted = sum(prod(shape) for name, shape in facts.weights.items() if name not in facts.fixed)
    if trained != wanted:
        raise _disagreement(node, "trained parameters:", f"{trained:,}", f"{wanted:,}")


# --- layers of one's own -------------------------------------------------------------------------

OF_CLASS = "mend the class: Keras calls it with every argument of the rule by name, and `name`"


def class_of(op: str) -> Any:
    """The Keras class of a layer: Keras's own, or what its function in the user's file makes."""
    entry = LAYERS[op]
    return getattr(keras.layers, op) if entry.file is None else _make_class(entry)


def own_classes() -> dict[str, Any]:
    """The classes of all layers of one's own, as `custom_objects` of Keras takes them."""
    classes = [class_of(entry.name) for entry in list_own()]
    return {keras.saving.get_registered_name(each): each for each in classes}


@cache
def _make_class(entry: Layer) -> Any:
    """Make the class of a layer of one's own, once. Raises `UserError` for what is none."""
    from archspec.own_layers.code import describe, find_place

    assert entry.file is not None
    assert entry.keras_class is not None
    try:
        made = entry.keras_class()
    except Exception as error:
        where = find_place(error, entry.file)
        message = f"{where}: what makes the class of {entry.name} raises {describe(error)}"
        raise UserError(message, "mend the function") from error
    if not isinstance(made, type) or not issubclass(made, keras.layers.Layer):
        message = f"{entry.file.path.name}: what makes the class of {entry.name} returns {made!r}"
        raise UserError(message, "return the class itself, a keras.layers.Layer")
    if made.__name__ != entry.name:
        message = f"{entry.file.path.name}: the class of {entry.name} is called {made.__name__}"
        raise UserError(message, "give both one name: Keras finds a class by it in a saved model")
    return made


def _is_own(entry: Layer, argument: str) -> bool:
    """Whether an argument is given even where it has its default: the class may have another."""
    return entry.file is not None and argument not in COMMON


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let Keras take the seeds that a layer does not give, such as one of one's own, which it takes
    from Python's random numbers, from a seed, and leave those numbers as they were."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _check_config(node: Node, layer: keras.layers.Layer) -> None:
    """Refuse a layer of one's own that Keras would save as another one, or not at all."""
    entry = LAYERS[node.op]
    assert entry.file is not None
    hint = "write `get_config` in the class, with every argument of the rule"
    where = f"{entry.file.path.name}: a {node.op} cannot be saved"
    try:
        config = layer.get_config()
        type(layer).from_config(dict(config))
    except Exception as error:
        from archspec.own_layers.code import describe

        raise UserError(f"{where}: {describe(error)}", hint) from error
    missing = [name for name in entry.arguments if name not in (*COMMON, *config)]
    if missing:
        raise UserError(f"{where} in full: its config has no '{missing[0]}'", hint)
