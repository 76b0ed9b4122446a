"""Choose the threads that the backend splits an operation of the CPU into."""

from __future__ import annotations

import os
from contextlib import suppress

import keras

from archspec.graph import Graph, Node, fold
from archspec.runs.machine import count_cores

# The variable that each backend reads its number of threads from, when it begins to work.
THREADS = {"tensorflow": "TF_NUM_INTRAOP_THREADS", "jax": "NPROC", "torch": "OMP_NUM_THREADS"}
SMALL = 2e9  # multiply-accumulates of a batch
WIDE = 2.0


def choose_threads(graph: Graph, batch_size: int) -> int | None:
    """Return the number of CPU threads that TensorFlow best splits an operation into, to train a
    graph; None for as many as it takes by itself.

    Small operations that stand side by side, as the branches of an Inception do, gain more from
    running beside each other than from being split. This is measured for two cores
    (benchmarks/threads.py). What the environment says holds.
    """
    variable = THREADS["tensorflow"]
    if keras.backend.backend() != "tensorflow" or os.environ.get(variable) or count_cores() != 2:
        return None
    is_small = graph.macs is not None and graph.macs * batch_size < SMALL
    return 1 if is_small and _measure_width(graph) >= WIDE else None


def _measure_width(graph: Graph) -> float:
    """Return how many layers that multiply stand side by side, on the average."""

    def multiplies(node: Node) -> bool:
        return bool(node.facts and node.facts.macs)

    depths = fold(graph, lambda node, inputs: max(inputs, default=0) + multiplies(node))
    return sum(map(multiplies, graph)) / max(1, *depths.values())


def set_threads(wanted: int | None = None) -> int:
    """Set the number of CPU threads that the backend splits an operation into, and return it.

    wanted: by default as many as the backend takes by itself. The number returned may be another
    one: a backend that has begun to work keeps its own.

    How a sum is split decides its last digits: a resumed run uses as many threads as it began with.
    """
    backend = keras.backend.backend()
    value = os.environ.get(THREADS[backend], "")
    own = int(value) if value.isdecimal() and int(value) else count_cores()
    match backend:
        case "tensorflow":
            import tensorflow as tf

            own = tf.config.threading.get_intra_op_parallelism_threads() or own
            with suppress(RuntimeError):  # it has begun to work
                tf.config.threading.set_intra_op_parallelism_threads(wanted or own)
                own = wanted or own
        case "torch":
            import torch

            if wanted is not None:
                torch.set_num_threads(wanted)
            own = torch.get_num_threads()
    return own
