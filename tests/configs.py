"""Configs of Keras models, as `model.to_json()` writes them, made without Keras."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Config = dict[str, Any]


def tensor(name: str, shape: Sequence[int | None] = (None, 4), *place: int, **more: Any) -> Config:
    """The output of a layer, as a call takes it.

    place: the call, and the output; 0, 0 if not given. more: the dtype, if it is not float32.
    """
    call, output = (*place, 0, 0)[:2]
    history = [name, call, output]
    config = {"shape": list(shape), "dtype": "float32", "keras_history": history, **more}
    return {"class_name": "__keras_tensor__", "config": config}


def call(*args: Any, **kwargs: Any) -> Config:
    return {"args": list(args), "kwargs": kwargs}


def layer(class_name: str, name: str, config: Config, *calls: Config, **more: Any) -> Config:
    """more: other words of the entry, such as `module`."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": list(calls),
        **more,
    }


def start(name: str = "input_layer", shape: Sequence[int | None] = (4,), **more: Any) -> Config:
    config = {"batch_shape": [None, *shape], "dtype": "float32", "sparse": False, **more}
    return layer("InputLayer", name, config)


def dense(name: str = "dense", units: int = 3, taken: str = "input_layer") -> Config:
    return layer("Dense", name, {"units": units}, call(tensor(taken)))


def operation(class_name: str, name: str, *args: Any, **config: Any) -> Config:
    entry = layer(class_name, name, {}, call(*args), module="keras.src.ops.numpy")
    entry["config"] = {"name": name, **config}
    return entry


def sequential(*layers: Config, name: str = "sequential") -> Config:
    config = {"name": name, "trainable": True, "layers": list(layers)}
    return {"module": "keras", "class_name": "Sequential", "config": config}


def functional(*layers: Config, outputs: Any = None, inputs: Any = None, name: str = "functional"):
    """A model whose inputs are its InputLayers, and its output the last layer, unless given."""
    starts = [[each["name"], 0, 0] for each in layers if each["class_name"] == "InputLayer"]
    config = {
        "name": name,
        "trainable": True,
        "layers": list(layers),
        "input_layers": starts if inputs is None else inputs,
        "output_layers": outputs or [[layers[-1]["name"], 0, 0]],
    }
    module = "keras.src.models.functional"
    return {"module": module, "class_name": "Functional", "config": config}


def inside(model: Config, *calls: Config) -> Config:
    """A model as a layer of another."""
    name = model["config"]["name"]
    return {**model, "name": name, "registered_name": None, "inbound_nodes": list(calls)}


def save(folder: Path, config: Any, name: str = "model.keras") -> Path:
    """Write a config as a .keras file, or as JSON if the name says so."""
    path = folder / name
    text = json.dumps(config)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("config.json", text)
    else:
        path.write_text(text, encoding="utf-8")
    return path
