"""What a run ran on, for its run.json."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

# What each backend takes its number of threads from, when it begins to work.
THREADS = {"tensorflow": "TF_NUM_INTRAOP_THREADS", "jax": "NPROC", "torch": "OMP_NUM_THREADS"}
PACKAGES = ("archspec-keras", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy")


def surroundings() -> dict[str, Any]:
    """Backend, devices, machine, versions and the git commit."""
    return {
        "backend": keras.backend.backend(),
        "devices": devices(),
        "machine": {"cpu": processor(), "cores": cores(), "gpus": gpus()},
        "versions": {"python": platform.python_version(), **versions()},
        "git_commit": commit(),
    }


def processor() -> str:
    """What the CPU calls itself."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        text = ""
    said = [line.partition(":")[2] for line in text.splitlines() if line.startswith("model name")]
    return said[0].strip() if said else platform.processor() or platform.machine()


def cores() -> int:
    """How many this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def threads(wanted: int | None = None) -> int:
    """Let the backend share an operation out to so many threads of the CPU, by default to as many
    as it would by itself. Returns how many it takes: it may be at work with others already.

    How a sum is shared out decides its last digits: a run goes on with as many as it began with.
    """
    backend = keras.backend.backend()
    said = os.environ.get(THREADS[backend], "")
    own = int(said) if said.isdecimal() and int(said) else cores()
    match backend:
        case "tensorflow":
            import tensorflow as tf

            own = tf.config.threading.get_intra_op_parallelism_threads() or own
            with suppress(RuntimeError):  # it is at work
                tf.config.threading.set_intra_op_parallelism_threads(wanted or own)
                own = wanted or own
        case "torch":
            import torch

            if wanted is not None:
                torch.set_num_threads(wanted)
            own = torch.get_num_threads()
    return own


def gpus() -> list[str]:
    """What the GPUs that the backend sees call themselves."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            details = tf.config.experimental.get_device_details
            found = tf.config.list_physical_devices("GPU")
            return [str(details(each).get("device_name", "GPU")) for each in found]
        case "jax":
            import jax

            return [str(each.device_kind) for each in jax.devices() if each.platform == "gpu"]
        case _:
            import torch

            return [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]


def peak_memory(device: str) -> int | None:
    """The most bytes that were in use so far: of the GPU, or else by this process; None where
    neither can be asked."""
    if device.startswith("gpu"):
        return _peak_on(device)
    try:  # Linux gives getrusage the peak of the process that started this one, if it was greater
        said = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024 * int(said.partition("VmHWM:")[2].split()[0])
    except (OSError, LookupError, ValueError):
        pass
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
