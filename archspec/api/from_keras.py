"""Read a Keras model into a spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archspec.importing.specs import Imported
from archspec.pipeline import register_layers

if TYPE_CHECKING:
    import keras

    from archspec.own_layers.files import Files


def from_keras(
    model: str | Path | keras.Model, *, flat: bool = False, layers: Files | None = None
) -> Imported:
    """Return the spec of a Keras model.

    model: a .keras file, a JSON file with a model's config, `keras.applications.NAME`, or a
        `keras.Model` in memory. Of a file only the config is read, as data, and nothing of it is
        run; only `keras.applications.NAME` starts Keras, in a process of its own.
    flat: whether each layer is a step of its own, without blocks and loops.
    layers: files with layers of one's own, as `archspec.load` takes them.

    The result has the YAML as `text`, the `graph` that it means, `names` from those of the model's
    layers to those of the graph's nodes, and `notes` on what of the model is not in the spec. The
    weights are not.

    Raises `SpecError` with all that no spec can say, each at its place in the config
    (docs/importing.md), and `UserError` for a file that is not there, a name that
    keras.applications does not have, and where that is asked for and Keras is not installed.

        >>> import archspec
        >>> imported = archspec.from_keras("keras.applications.VGG16")  # doctest: +SKIP
        >>> imported.graph, imported.names["block1_conv1"]  # doctest: +SKIP
        (<Graph vgg16: 22 layers, 138,357,544 parameters>, 'block1_conv1')
    """
    from archspec.importing.files import read_model
    from archspec.importing.specs import to_imported

    register_layers(layers)
    return to_imported(read_model(model), flat)
