"""Define the formats by the end of a file's name, and write and compare one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from archspec.errors import ArchspecError, UserError
from archspec.graph import Graph
from archspec.layers.equivalents import trains_by_default
from archspec.reading import kind_of, reason
from archspec.writing import writing

if TYPE_CHECKING:
    import keras

FOLDER = "/"
COLOURS = re.compile("\x1b\\[[0-9;]*m")


class Format(Struct, frozen=True):
    """A kind of file.

    words: its name in messages. module: of this package; its `write(model, graph, path)` writes
    the file, and its `run(path, graph, inputs)` runs it, if there is something to compare.
    packages: what it needs besides Keras. extra: the extra of archspec that installs them.
    has_weights: whether the weights of the model are in it.
    """

    words: str
    module: str
    packages: tuple[str, ...] = ()
    extra: str = ""
    has_weights: bool = True

    @property
    def code(self) -> Any:
        return import_module(f"archspec.exporting.{self.module}")


FORMATS: Mapping[str, Format] = {
    ".weights.h5": Format("the weights alone", "weights"),
    ".json": Format("the architecture as Keras writes it", "config", has_weights=False),
    ".onnx": Format(
        "an ONNX model", "onnx_model", ("tensorflow", "tf2onnx", "onnx", "onnxruntime"), "onnx"
    ),
    ".tflite": Format("a LiteRT model", "litert", ("tensorflow", "ai_edge_litert"), "litert"),
    FOLDER: Format("a TensorFlow SavedModel", "saved_model", ("tensorflow",), "tensorflow"),
}


def find_format(path: str) -> Format | None:
    """Return the format that a path names by its end, a folder by `/`; None for another one."""
    return next((form for end, form in FORMATS.items() if path.lower().endswith(end)), None)


def check_export(path: str) -> None:
    """Raise `UserError` if a file of a format cannot be written: what it needs is not installed, or
    something is there."""
    form = find_format(path)
    assert form is not None
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        needed = ["tensorflow"] if "tensorflow" in missing else []
        extras = dict.fromkeys([*needed, form.extra])
        raise UserError(
            f"{path}: {form.words} needs what is not installed: {', '.join(missing)}",
            f"pip install 'archspec-keras[{','.join(extras)}]'",
        )
    place = Path(path)
    kind = kind_of(place)
    is_empty = path.endswith(FOLDER) and kind == "folder" and not os.listdir(place)
    if kind is not None and not is_empty:
        there = "the folder is not empty" if kind == "folder" else "the file exists"
        raise UserError(f"{path}: {there}", "choose another name")


def export(model: keras.Model, graph: Graph, path: str, is_compared: bool = True) -> float | None:
    """Write a model, and return the largest difference between its outputs for two random inputs
    and Keras's; None where nothing is compared.

    path: ends as in `FORMATS`. Raises `UserError` for what cannot be written, and if the difference
    is more than 1e-4; the file stays then.
    """
    import keras

    from archspec.exporting.comparison import make_inputs, measure_difference

    check_export(path)
    form = find_format(path)
    assert form is not None
    if form.packages and keras.backend.backend() != "tensorflow":
        raise UserError(
            f"{path}: {form.words} is written on TensorFlow, and Keras runs on "
            f"{keras.backend.backend()}",
            "KERAS_BACKEND=tensorflow in the environment chooses it",
        )
    run: Callable[..., Any] | None = getattr(form.code, "run", None)
    if form.packages and any(trains_by_default(node.op) for node in graph):
        model = _at_inference(model)
    inputs = make_inputs(graph) if form.packages else []
    wanted = (
        model(inputs if len(inputs) > 1 else inputs[0]) if inputs else None
    )  # Keras asks for it
    with writing(Path(path)) as temporary, _naming(f"{path} cannot be written"):
        form.code.write(model, graph, temporary)
    if run is None or not is_compared:
        return None
    with _naming(f"{path} is written, and cannot be run"):
        found = run(Path(path), graph, inputs)
    return measure_difference(path, wanted, found)


def _at_inference(model: keras.Model) -> keras.Model:
    """Return a model in which layers that augment, such as RandomFlip, do nothing: Keras has them
    do so where `training` is not said, and an exported model says nothing."""
    import keras

    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    return keras.Model(inputs, model(inputs, training=False), name=model.name)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Turn what a library raises into a `UserError`."""
    try:
        yield
    except (ArchspecError, OSError):
        raise
    except Exception as error:
        said = COLOURS.sub("", str(error)).strip().partition("\n")[0]
        raise UserError(f"{what}: {said or reason(error)}", "write another format") from error
