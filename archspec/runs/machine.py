"""Describe the machine, versions and git commit of a run, for its run.json."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

PACKAGES = ("archspec-keras", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy")


def describe_environment() -> dict[str, Any]:
    """Return the keys of run.json about backend, devices, machine, versions and git commit."""
    return {
        "backend": keras.backend.backend(),
        "devices": list_devices(),
        "machine": {"cpu": find_processor(), "cores": count_cores(), "gpus": list_gpus()},
        "versions": {"python": platform.python_version(), **list_versions()},
        "git_commit": find_commit(),
    }


def find_processor() -> str:
    """Return the name of the CPU, such as `AMD EPYC 7B13`."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        text = ""
    names = [line.partition(":")[2] for line in text.splitlines() if line.startswith("model name")]
    return names[0].strip() if names else platform.processor() or platform.machine()


def count_cores() -> int:
    """Return how many cores of the CPU this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def list_gpus() -> list[str]:
    """Return the names of the GPUs that the backend sees."""
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


def measure_peak_memory(device: str) -> int | None:
    """Return the most bytes that were in use so far: of a GPU, or by this process on the CPU.

    None where the system does not tell.
    """
    if device.startswith("gpu"):
        return _measure_peak_of_gpu(device)
    try:  # Linux gives getrusage the peak of the process that started this one, if it was greater
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, LookupError, ValueError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def _measure_peak_of_gpu(gpu: str) -> int | None:
    """Return the peak of a GPU, `gpu:1`, or the greatest of all, `gpus:4`."""
    kind, _, text = gpu.partition(":")
    if kind == "gpus":
        peaks = [_measure_peak_of_gpu(f"gpu:{each}") for each in range(int(text))]
        return max((each for each in peaks if each is not None), default=None)
    number = int(text)
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return int(tf.config.experimental.get_memory_info(gpu.upper())["peak"])
        case "jax":
            import jax

            stats = jax.devices("gpu")[number].memory_stats() or {}
            return stats.get("peak_bytes_in_use")
        case _:
            import torch

            return int(torch.cuda.max_memory_allocated(number))


def list_versions() -> dict[str, str]:
    """Return the versions of archspec and of the packages that decide what a run learns."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def list_devices() -> list[str]:
    """Return the devices of the backend, as Keras names them."""
    try:
        return [str(each) for each in keras.distribution.list_devices()]
    except (AttributeError, NotImplementedError):  # a backend that does not list them
        return ["unknown"]


def find_commit() -> str | None:
    """Return the git commit of the working folder, with `-dirty` where it has changes.

    None where the folder is in no repository, or git is not there.
    """
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
