"""Find Keras and its backend: which one runs, whether it is installed, and a quiet start."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from archspec.errors import UserError
from archspec.reading import reason
from archspec.streams import held_back, show

BACKENDS = ("tensorflow", "jax", "torch")
# What Keras imports, where it is there, for its wrappers of scikit-learn and its galleries alone.
ASIDE = ("sklearn", "matplotlib.pyplot")

_is_own_process = False


def is_own_process() -> bool:
    """Return whether this process belongs to the command line."""
    return _is_own_process


def own_process() -> None:
    """Let Keras start quickly from now on, because this process belongs to the command line.

    Keras then comes without the parts that serve other libraries, which take as long as half of
    the rest, and with the settings that it has without its settings file.
    """
    global _is_own_process
    _is_own_process = True


def start() -> None:
    """Import Keras. Raises `UserError` with the line that installs what is missing."""
    backend = chosen()
    if "keras" in sys.modules:
        return
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    quiet = _quiet() if backend == "tensorflow" else nullcontext()
    try:
        with quiet, _without(ASIDE if _is_own_process else ()):
            importlib.import_module("keras")
    except Exception as error:  # a broken installation, or Keras's own file of settings
        said = f"Keras cannot start on {backend}: {type(error).__name__}: {reason(error)}"
        raise UserError(said, f"does `python -c 'import keras, {backend}'` work?") from error
    if _is_own_process:
        _configure(DEFAULTS)
        gc.freeze()  # what was imported stays: to look through it again and again takes a second


# What Keras uses without a settings file: a run is what its recipe says, on every machine.
DEFAULTS = "float32", 1e-7, "channels_last"


def _configure(settings: tuple[str, float, str]) -> None:
    """Set the type of Keras's numbers, its epsilon and the order of the axes of images."""
    import keras

    floatx, epsilon, image_data_format = settings
    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_image_data_format(image_data_format)


@contextmanager
def defaults() -> Iterator[None]:
    """Work with Keras's default settings; those of the process are put back in the end."""
    import keras

    before = (
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.image_data_format(),
    )
    _configure(DEFAULTS)
    try:
        yield
    finally:
        _configure(before)


def chosen() -> str:
    """Return the backend that Keras is to run on, without importing it.

    It is the one that KERAS_BACKEND names; else the one in Keras's settings file, which Keras
    writes by itself, if that is installed; else the first of `BACKENDS` that is installed.
    Raises `UserError` if Keras or the backend is not installed.
    """
    backend = os.environ.get("KERAS_BACKEND") or next(
        filter(_installed, (*_settled(), *BACKENDS)), BACKENDS[0]
    )
    missing = [module for module in ("keras", backend) if not _installed(module)]
    if missing:
        extra = backend if backend in BACKENDS else BACKENDS[0]
        raise UserError(
            f"this needs {' and '.join(missing)}, which is not installed",
            f"pip install 'archspec-keras[{extra}]'",
        )
    return backend


@contextmanager
def on(device: str | None) -> Iterator[str]:
    """Work on a device, `cpu`, `gpu` or `gpu:1`; by default the first GPU, or the CPU where there
    is none, with Keras's default settings. Gives its name in full. Raises `UserError` for one that
    is not there.

    TensorFlow takes a GPU's memory as it needs it, so that others may use the rest.
    """
    import keras

    gpus = count_gpus()
    wanted = (device or ("gpu" if gpus else "cpu")).lower()
    if wanted == "gpus":
        raise UserError("only `train` shares its work among all GPUs", "--device gpu takes one")
    name = wanted if ":" in wanted else f"{wanted}:0"
    known = ["cpu:0", *list_gpus()]
    if name not in known:
        raise UserError(
            f"there is no device '{device}'",
            f"{keras.backend.backend()} has {', '.join(known)}",
        )
    # With a number, PyTorch would take weights out of their parameters when it moves them there.
    with defaults(), keras.device("cpu" if wanted.startswith("cpu") else name):
        yield name


@contextmanager
def on_host() -> Iterator[None]:
    """Work on the CPU of this process: a GPU's memory is for the model."""
    import keras

    if keras.backend.backend() == "jax":  # "cpu" would be that of the first of several processes
        import jax

        (cpu, *_) = jax.local_devices(backend="cpu")
    else:
        cpu = "cpu"
    with keras.device(cpu):
        yield


def list_gpus() -> list[str]:
    """Return the names of the GPUs that Keras's backend sees."""
    return [f"gpu:{number}" for number in range(count_gpus())]


def count_gpus() -> int:
    """Return the number of GPUs that Keras's backend sees."""
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            found = tf.config.list_physical_devices("GPU")
            for each in found:
                with suppress(RuntimeError):  # in use already, by other code of this process
                    tf.config.experimental.set_memory_growth(each, True)
            return len(found)
        case "jax":
            import jax

            return sum(each.platform == "gpu" for each in jax.devices())
        case _:
            import torch

            return int(torch.cuda.device_count())


def _settled() -> list[str]:
    """Return the backend in Keras's settings file as a list of one, or an empty list."""
    try:
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        settings = json.loads((home / "keras.json").read_text(encoding="utf-8"))
        return [str(settings["backend"])]
    except (OSError, ValueError, LookupError, TypeError, RuntimeError):  # of who has no home
        return []


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@contextmanager
def _without(modules: Sequence[str]) -> Iterator[None]:
    """Import as if these modules were not installed, and without garbage collection.

    An import makes thousands of objects, none of which is garbage.
    """
    absent = [name for name in modules if name not in sys.modules]
    collecting = gc.isenabled()
    gc.disable()
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # which stops its import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        if collecting:
            gc.enable()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what TensorFlow's C++ prints on standard error while it starts.

    No setting stops it. All of it is printed if the start fails.
    """
    said: list[bytes] = []
    try:
        with held_back(said):
            yield
    except BaseException:
        show(said)
        raise
