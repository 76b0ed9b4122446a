"""Choose the devices of a training: one, all GPUs of a machine, or those of several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras

from archspec.backends import framework
from archspec.errors import UserError
from archspec.runs.job import Job, RunOptions
from archspec.training.sharing import ALL, Sharing

if TYPE_CHECKING:
    from archspec.training.cluster import Team

FEW = 4  # names in a message


@contextmanager
def work_on(
    job: Job, options: RunOptions, team: Team | None
) -> Iterator[tuple[str, Sharing | None]]:
    """Work on the device of the options, or on several that share each batch.

    Gives its name, and how the work is shared. Raises `UserError` for what is not there, and for a
    training that several cannot share exactly; a warning says what they compute otherwise.
    """
    if team is not None:
        with framework.defaults(), team.on(options.device) as sharded:
            sharded.refuse(job.graph, job.recipe, len(job.parts["train"]))
            yield sharded.name, sharded
        return
    if (options.device or "").lower() != ALL:
        with framework.on(options.device) as device:
            yield device, None
        return
    with framework.defaults():
        sharing = _share_gpus()
        sharing.refuse(job.graph, job.recipe, len(job.parts["train"]))
        if unlike := sharing.find_unlike(job.graph, job.recipe):
            options.echo(
                f"warning: on TensorFlow each of {sharing.name} computes {_join_few(unlike)} from "
                "its own part of a batch: this is another training than on one; KERAS_BACKEND=jax, "
                "or `synchronized: true` of a BatchNormalization, makes it the same"
            )
        yield sharing.name, sharing


def _share_gpus() -> Sharing:
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
        from archspec.training.tensorflow_sharing import Mirrored

        return Mirrored(gpus)
    from archspec.training.jax_sharing import Sharded

    return Sharded(f"{ALL}:{len(gpus)}", gpus)


def count_devices(name: str) -> int:
    """Return how many devices a name in run.json means, such as `gpu:1` or `gpus:4`."""
    kind, _, number = name.partition(":")
    return int(number) if kind.endswith("s") else 1


def _join_few(names: Sequence[str]) -> str:
    """Return the first of some names in words, and how many more there are."""
    few, more = ", ".join(names[:FEW]), len(names) - FEW
    return f"{few} and {more} more" if more > 0 else few
