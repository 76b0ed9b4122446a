"""Build a spec as a Keras model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.api.arguments import (
    Spec,
    TrainedRun,
    check_recipe,
    graph_of,
    initial_of,
    path_or_none,
)
from archspec.errors import SpecError, UserError
from archspec.exporting import FORMATS, check_export, export, find_format
from archspec.graph import Graph
from archspec.pipeline import register_layers
from archspec.reading import suggest_path
from archspec.writing import writing

if TYPE_CHECKING:
    import keras

    from archspec.own_layers.files import Files
    from archspec.weights.initial import Initial


def build(
    spec: Spec,
    path: str | Path | None = None,
    *,
    seed: int = 0,
    init_from: TrainedRun | None = None,
    init_spec: Spec | None = None,
    init_partial: Sequence[str] = (),
    verify: bool = True,
    echo: Callable[[str], None] = print,
) -> keras.Model:
    """Build a spec as a Keras model, and save it if a path is given.

    spec: a file, the bare name of a spec that comes with archspec, or a graph.
    path: a .keras file to write; or one of another program (docs/exporting.md), which overwrites
        nothing: .onnx, .tflite, a text that ends in / for a SavedModel, .weights.h5 or .json.
    seed: of the initial weights; the same graph and seed give the same weights.
    init_from, init_spec, init_partial: weights to take where they fit, as `archspec.train` does.
    verify: whether a file for another program is run and compared with Keras.
    echo: takes the report on the weights of init_from; `print` by default.

    Raises `SpecError` for a broken spec; `UserError` if Keras or its backend is not installed, or
    what the file needs, with the line that installs it, for a file that cannot be written, and for
    one that computes something else than Keras.

        >>> import archspec
        >>> model = archspec.build("lenet5", "build/lenet5.keras")  # doctest: +SKIP
    """
    target = path_or_none("path", path)
    form = None if path is None else find_format(str(path))
    if form is not None:
        if init_from is not None and not form.has_weights:
            raise UserError(f"{path}: {form.words} has no weights", "leave init_from out")
        check_export(str(path))
    elif target is not None and target.suffix != ".keras":
        hint = f"write '{suggest_path(target, '.keras')}'"
        if target.suffix in (".yaml", ".yml"):
            hint += "; archspec.resolve(spec) returns a resolved spec"
        if target.suffix == ".py":
            hint += "; archspec.to_source(spec) returns source code"
        others = ", ".join(FORMATS)
        message = f"cannot write '{target}': Keras models end in .keras, others in {others}"
        raise UserError(message, hint)
    graph = graph_of(spec, "build")
    initial = initial_of(graph, init_from, init_spec, init_partial, "build")
    model = begin(graph, seed, initial, echo)
    if form is not None:
        export(model, graph, str(path), verify)
    elif target is not None:
        with writing(target) as temporary:
            model.save(temporary)
    return model


def begin(
    graph: Graph, seed: int, initial: Initial | None, echo: Callable[[str], None]
) -> keras.Model:
    """Return the Keras model of a graph, with pretrained weights where some are given."""
    model = to_keras(graph, seed)
    if initial is not None:
        from archspec.weights.assigning import assign

        assign(model, initial.plan, initial.source)
        echo(initial.to_text())
    return model


def custom_objects(layers: Files | None = None) -> dict[str, Any]:
    """Return the Keras classes of all layers of one's own that this process knows, by name.

    layers: files to make known first, as `archspec.load` takes them; raises as it does.

        >>> import archspec
        >>> classes = archspec.custom_objects("my_layers.py")  # doctest: +SKIP
        >>> model = keras.saving.load_model("x.keras", custom_objects=classes)  # doctest: +SKIP
    """
    from archspec.backends import framework

    register_layers(layers)
    framework.start()
    from archspec.backends.keras import own_classes

    return own_classes()


def to_keras(graph: Graph, seed: int = 0) -> keras.Model:
    """Return the Keras functional model of a graph.

    seed: of the initial weights; the same graph and seed give the same weights.

    Raises `UserError` if Keras or its backend is not installed, with the line that installs it, and
    `SpecError` if the graph is what is left of a broken spec.

        >>> import archspec
        >>> model = archspec.to_keras(archspec.load("lenet5"), seed=1)  # doctest: +SKIP
    """
    from archspec.backends import framework

    if not isinstance(graph, Graph):
        raise TypeError(f"to_keras() takes a Graph, not {type(graph).__name__}")
    if graph.errors:
        raise SpecError(graph.errors, graph)
    check_recipe(seed=seed)
    framework.start()
    from archspec.backends.keras import to_keras as build_model

    return build_model(graph, seed)
