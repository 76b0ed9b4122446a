"""Split samples in a way that depends only on the split seed."""

from __future__ import annotations

import numpy as np

from archspec.data.images import Array


def order_evenly(labels: Array, seed: int) -> Array:
    """Return a shuffled order in which every stretch has the classes in about their proportions.

    So the first tenth is a fair validation set, and the first N samples are a fair small training
    set, whatever order a dataset is stored in. labels: (n,), all the same where samples have no
    class.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    position = np.empty(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels[shuffled] == label)
        position[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return shuffled[np.argsort(position, kind="stable")]


def take_share(labels: Array, share: float, seed: int) -> tuple[Array, Array]:
    """Return the places of a share of the samples, and of the rest, both shuffled.

    The share has at least one sample if it is not 0.
    """
    shuffled = order_evenly(labels, seed)
    first = max(1, round(len(shuffled) * share)) if share else 0
    return shuffled[:first], shuffled[first:]
