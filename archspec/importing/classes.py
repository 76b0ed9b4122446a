"""Tell what the class of a layer in a config is: a layer of the table, a model, an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.errors import Refused, Suggestion
from archspec.importing.configs import LayerConfig
from archspec.infer import OWN, find_layer
from archspec.layers import LAYERS

MODELS = ("Functional", "Model", "Sequential")
INPUT = "InputLayer"


def is_model(layer: LayerConfig) -> bool:
    """Return whether a layer is a model within the model."""
    own = layer.registered_name not in (None, layer.class_name)
    return layer.class_name in MODELS and is_of_keras(layer.module) and not own


def is_of_keras(module: str | None) -> bool:
    """Return whether a module is one of Keras; a config of Keras 2 names none."""
    return module is None or module == "keras" or module.startswith("keras.")


def is_operation(layer: LayerConfig) -> bool:
    """Return whether a layer is a function of Keras that was called on tensors."""
    parts = ("keras.ops", "keras.src.ops", "keras.src.activations", "keras.activations")
    return layer.module is not None and layer.module.startswith(parts)


def is_private(layer: LayerConfig) -> bool:
    """Return whether a layer is one that keras.applications keeps for itself."""
    return layer.module is not None and layer.module.startswith("keras.src.applications")


def is_sequential(config: Mapping[str, Any]) -> bool:
    """Return whether the config of a model is that of a Sequential one."""
    return "input_layers" not in config


def counts_itself(layer: LayerConfig) -> bool:
    """Return whether Keras counts the making of a model as its first call."""
    if not is_model(layer) or not is_sequential(layer.config):
        return is_model(layer)
    inside = layer.config.get("layers")  # Keras 2, in which a Sequential model is a Functional one
    first = inside[0] if isinstance(inside, list) and inside else None
    is_input = isinstance(first, dict) and first.get("class_name") == INPUT
    return layer.module is None and is_input


def is_frozen(config: Mapping[str, Any]) -> bool:
    """Return whether a layer or model is not trained."""
    return config.get("trainable") is False


def check_class(layer: LayerConfig) -> None:
    """Raise `Refused` unless a layer is one of the table."""
    name = layer.class_name
    entry = LAYERS.get(name)
    of_keras = is_of_keras(layer.module) and layer.registered_name in (None, name)
    if entry is not None and (of_keras or entry.file is not None):
        return
    if of_keras and entry is None:
        try:
            find_layer(name)
        except Refused as refused:
            refused.code = "import-class"
            if isinstance(refused.hint, Suggestion):
                refused.hint = None  # a config has no slips of the pen
            raise
    where = f" of {layer.module}" if layer.module else ""
    hint = f"{OWN}, which is run (docs/own_layers.md)"
    raise Refused(f"{layer.title}{where} is no layer of Keras", code="import-class", hint=hint)
