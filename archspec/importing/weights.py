"""Read single weights of a file that Keras wrote, and that a stranger may have made.

Keras numbers layers by class in each model, `layers/conv2d_1/vars/0`, and keeps no names. Only
numbers that lie in the file itself are read: no link that leads out of it or in circles, no virtual
or external data, and no filter but Keras's own compression.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import Any

from archspec.errors import ArchspecError, UserError
from archspec.expand.scopes import snake_case
from archspec.reading import open_file, readable, reason

WEIGHTS = "model.weights.h5"  # in a .keras file
LARGEST = 2**40  # bytes of a file
FREE = 2**26  # bytes that an array may have, however small it is packed
RATIO = 100  # how many times larger than in the file other arrays may be: trained ones gain little
PACKED = (1, 2)  # the numbers that HDF5 has for the filters deflate and shuffle
# Keras's attribute for a layer within an attention is not its name.
INSIDE = {"attention_output": "output"}
# Keras exports a class under another name than it has, and writes its weights under the latter.
EXPORTED = {"group_query_attention": "grouped_query_attention"}


class WrongWeight(Exception):
    """A weight that is missing or wrong in a file; the message continues a sentence that begins
    with its name.
    """


class UnreadWeight(WrongWeight):
    """A weight that is in a file in a way in which it is not read."""


def list_groups(config: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return where Keras writes the weights of each layer: by classes, numbered in each model.

    config: of the model. A layer is named after the models around it: `("encoder", "dense")`.
    """
    groups: dict[tuple[str, ...], tuple[str, ...]] = {}
    left: list[tuple[Any, tuple[str, ...], tuple[str, ...]]] = [(config["config"], (), ())]
    while left:
        model, around, path = left.pop()
        counts: Counter[str] = Counter()
        for entry in model["layers"]:
            if "ops" in str(entry.get("module")).split("."):
                continue  # an operation is no layer, and has no weights
            kind = snake_case(str(entry["class_name"]))
            kind = EXPORTED.get(kind, kind)
            names, group = (*around, _name_layer(entry)), (*path, "layers", number(kind, counts))
            groups[names] = group
            if isinstance(entry["config"].get("layers"), list):
                left.append((entry["config"], names, group))
    return groups


def number(kind: str, counts: Counter[str]) -> str:
    """Return the name of a layer's group, and count it. kind: its class, `batch_normalization`.
    counts: of the layers before it."""
    counts[kind] += 1
    return f"{kind}_{counts[kind] - 1}" if counts[kind] > 1 else kind


def _name_layer(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    named = config.get("name") if isinstance(config, Mapping) else None
    return str(entry.get("name") or named)


@contextmanager
def open_weights(path: Path) -> Iterator[Any]:
    """Open the weights of a .keras or .weights.h5 file.

    Raises `UserError` for a file that is none, whatever goes wrong while it is open.
    """
    source = readable(path)
    try:
        import h5py
    except ModuleNotFoundError:
        message = f"{source}: nothing here reads weights"
        raise UserError(message, "pip install h5py, which Keras brings") from None
    try:
        with open_file(path, LARGEST) as file:
            if path.suffix == ".keras":
                with (
                    zipfile.ZipFile(file) as packed,
                    packed.open(WEIGHTS) as member,
                    h5py.File(member) as weights,
                ):
                    yield weights
            else:
                with h5py.File(file) as weights:
                    yield weights
    except (ArchspecError, WrongWeight):
        raise
    except Exception as error:  # h5py raises many kinds for a damaged file
        said = f"its weights cannot be read: {reason(error)}"
        raise UserError(f"{source}: {said}", "save the model again, in Python") from None


def find_array(weights: Any, group: Sequence[str], name: str, number: int) -> Any:
    """Return the data set of a weight, of which nothing is read yet.

    weights: an open file. group: that of its layer. name: of the weight, `query/kernel` in a layer
    within. number: its place among the weights of that layer.

    Raises `WrongWeight` where there is none, or none that is safe to read.
    """
    import h5py

    found = weights
    for part in group:
        found = _open(found, part)
    for part in name.split("/")[:-1]:
        found = _open(found, _find_inside(found, part))
    found = _open(_open(found, "vars"), str(number))
    if not isinstance(found, h5py.Dataset):
        raise WrongWeight("is not in the file")
    if found.is_virtual or found.external:
        raise UnreadWeight("lies in another file, which is not read")
    kinds = "iu" if name == "count" else "f"  # of the samples that a layer was adapted to
    if found.dtype.kind not in kinds:
        is_bfloat16 = found.dtype.kind == "V" and found.dtype.itemsize == 2
        stored = "bfloat16" if is_bfloat16 else str(found.dtype)
        raise UnreadWeight(f"is stored as {stored}: float32, float16 and float64 are read")
    plist = found.id.get_create_plist()
    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    if any(each not in PACKED for each in filters) or prod(found.chunks or ()) > found.size:
        raise UnreadWeight("is compressed otherwise than Keras does")
    if found.nbytes > max(FREE, RATIO * found.id.get_storage_size()):
        raise UnreadWeight(f"has {found.nbytes:,} bytes, packed into hardly any")
    return found


def _open(group: Any, name: str) -> Any:
    """Return what a group holds under a name. Raises `WrongWeight` where that is nothing, or is a
    link, which may lead out of the file, or in circles."""
    import h5py

    link = group.get(name, getlink=True) if isinstance(group, h5py.Group) else None
    if link is None:
        raise WrongWeight("is not in the file")
    if not isinstance(link, h5py.HardLink):
        raise UnreadWeight("is a link in the file, and links are not followed")
    return group[name]


def list_named(weights: Any) -> dict[str, tuple[str, ...]]:
    """Return the groups of layers by the names that Keras 3.15 notes in them. weights: an open
    file."""
    found: dict[str, tuple[str, ...]] = {}
    with suppress(WrongWeight):
        layers = _open(weights, "layers")
        for group in layers:
            with suppress(WrongWeight):
                name = _open(_open(layers, group), "vars").attrs.get("name")
                if isinstance(name, str):
                    found[name] = ("layers", group)
    return found


def count_arrays(weights: Any) -> int:
    """Return how many arrays of numbers with a point an open file has for layers."""
    import h5py

    found = 0

    def count(name: str, value: Any) -> None:
        nonlocal found
        is_of_layer = name.startswith("layers/") and isinstance(value, h5py.Dataset)
        found += is_of_layer and value.dtype.kind == "f"

    weights.visititems(count)  # which follows no other links than hard ones
    return found


def _find_inside(group: Any, name: str) -> str:
    """Return the group of a layer within a layer: `query` is `query_dense` or `_query_dense`."""
    usual = f"{INSIDE.get(name, name)}_dense"
    return f"_{usual}" if f"_{usual}" in group else usual
