"""Build a graph as a Keras functional model, on whatever backend Keras runs.

One generic step builds every layer from its table entry: `getattr(keras.layers, op)(**arguments)`.
Initializers and random layers get seeds of their own, made from the model's seed and the node's
place in the graph, so that the same graph and seed give the same weights however it was written.
"""

from __future__ import annotations

import hashlib
from math import prod
from typing import Any

import keras

from archspec.backends.spec_yaml import flat_name, spell
from archspec.graph import Graph, Node, canonical_order, fold
from archspec.layers import LAYERS
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
    Raises `InternalError` if one differs or Keras refuses a layer.
    """
    layers: dict[str, keras.layers.Layer] = {}
    places = {name: place for place, name in enumerate(canonical_order(graph))}

    def step(node: Node, inputs: list[Any]) -> Any:
        if node.op == "InputLayer":
            return keras.Input(
                node.arguments["shape"], dtype=node.arguments["dtype"], name=node.name
            )
        try:
            if node.reuses is None:
                layers[node.name] = _make_layer(node, seed, places[node.name])
            layer = layers[node.name] if node.reuses is None else layers[node.reuses]
            output = _call(layer, node, inputs)
            for weight in () if layer.trainable else layer.weights:
                weight.trainable = False  # those of the layers within it, which Keras forgets
        except Exception as error:
            message = f"{node.span}: Keras refuses {node.op} '{node.name}', which archspec allows"
            raise InternalError(f"{message}: {error}") from error
        _check_facts(node, layer, output)
        return output

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
    table = LAYERS[node.op].arguments
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
        elif name == "data_format" or value != table[name].default:
            arguments[name] = spell(value)
    return getattr(keras.layers, node.op)(**arguments, name=flat_name(node.name))


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


def _check_facts(node: Node, layer: keras.layers.Layer, output: Any) -> None:
    """Raise `InternalError` unless Keras has the output shape and weights of the node's facts."""
    facts = node.facts
    assert facts is not None
    if tuple(output.shape) != facts.shape:
        raise InternalError(
            f"{node.span}: Keras gives {node.op} '{node.name}' the shape {tuple(output.shape)}, "
            f"archspec {facts.shape}"
        )
    built = [tuple(weight.shape) for weight in layer.weights]
    if sorted(built) != sorted(map(tuple, facts.weights.values())):
        raise InternalError(
            f"{node.span}: Keras gives {node.op} '{node.name}' weights of {built}, "
            f"archspec {dict(facts.weights)}"
        )
