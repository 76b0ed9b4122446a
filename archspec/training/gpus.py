"""All GPUs of this process, which share each batch."""

from __future__ import annotations

import keras

from archspec.backends import framework
from archspec.errors import UserError
from archspec.training.sharing import ALL, Mirrored, Sharing


def share_gpus() -> Sharing:
    """Return the sharing among all GPUs of this process. Raises `UserError` where there is none."""
    backend, gpus = keras.backend.backend(), framework.list_gpus()
    if backend == "torch":
        raise UserError(
            f"--device {ALL}: Keras shares no batch among devices on torch",
            "KERAS_BACKEND=jax or KERAS_BACKEND=tensorflow in the environment chooses another one",
        )
    if len(gpus) < 2:
        has = f"{backend} sees one GPU" if gpus else f"{backend} sees no GPU"
        raise UserError(
            f"--device {ALL} shares each batch among several, and {has}",
            "--device gpu takes one" if gpus else "--device cpu does without",
        )
    if backend == "tensorflow":
        return Mirrored(gpus)
    from archspec.training.jax_sharing import Sharded

    return Sharded(f"{ALL}:{len(gpus)}", gpus)
