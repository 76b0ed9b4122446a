"""What a run ran on, for its run.json."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import keras

PACKAGES = ("archspec-keras", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy")


def surroundings() -> dict[str, Any]:
    """Backend, devices, versions and the git commit."""
    return {
        "backend": keras.backend.backend(),
        "devices": devices(),
        "versions": {"python": platform.python_version(), **versions()},
        "git_commit": commit(),
    }


def peak_memory(device: str) -> int | None:
    """The most bytes that were in use so far: of the GPU, or else by this process; None where
    neither can be asked."""
    if device.startswith("gpu"):
        return _peak_on(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def _peak_on(gpu: str) -> int | None:
    number = int(gpu.partition(":")[2])
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return int(tf.config.experimental.get_memory_info(gpu.upper())["peak"])
        case "jax":
            import jax

            said = jax.devices("gpu")[number].memory_stats() or {}
            return said.get("peak_bytes_in_use")
        case _:
            import torch

            return int(torch.cuda.max_memory_allocated(number))


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def devices() -> list[str]:
    try:
        return [str(each) for each in keras.distribution.list_devices()]
    except (AttributeError, NotImplementedError):  # a backend that cannot say
        return ["unknown"]


def commit() -> str | None:
    """The git commit of the folder that the run starts in, `-dirty` if it has changes, or None."""
    asking = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        asked = subprocess.run(asking, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()
