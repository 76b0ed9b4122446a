"""The means and variances that a model's layers have from `adapt`, which Keras keeps as weights.

In a spec they are arguments: such a layer is of no use without them. Nothing else is read of the
weights, and of their file, which a stranger may have made, only small arrays that lie in it itself.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from archspec.errors import Refused
from archspec.expand.scopes import snake_case
from archspec.importing.arguments import bind, shorten
from archspec.importing.files import Model
from archspec.importing.findings import Findings
from archspec.importing.wiring import ImportedStep
from archspec.layers import traits_of
from archspec.reading import open_file, reason

MOST = 64  # numbers that are written as arguments
WEIGHTS = "model.weights.h5"
INDEX = re.compile(r"layers\[(\d+)\]")
BY_HAND = "give mean and variance to the layer itself in Python, and save the model again"
Moments = tuple[list[float], list[float]]


def write_statistics(model: Model, steps: Sequence[ImportedStep], findings: Findings) -> None:
    """Give each layer that was adapted to data its mean and variance as arguments.

    Those that were not, and those of a config without weights, stay as they are.
    """
    for step in steps:
        learnt = traits_of(step.op).adapted
        if not learnt or step.reuses is not None or step.arguments.get(learnt, 0) is not None:
            continue
        title = f"{step.op} '{'/'.join(step.old)}'"
        try:
            moments = _find_moments(model, step)
        except Refused as refused:
            refused.message = f"{title} {refused.message}"
            findings.refuse(refused, step.path)
            continue
        if moments is not None:
            given = {name: value for name, value in step.arguments.items() if value is not None}
            for name, numbers in zip(("mean", "variance"), moments, strict=True):
                short = [shorten(each) for each in numbers]
                given[name] = short if step.arguments.get("axis") is not None else short[0]
            step.arguments = bind(step.op, given, step.path, findings) or step.arguments


def _find_moments(model: Model, step: ImportedStep) -> Moments | None:
    """Return the mean and the variance of a layer; None if it has none of its own."""
    if model.live is not None:
        layer = model.live
        for name in step.old:
            layer = layer.get_layer(name)
        weights = getattr(layer, "adapt_mean", None), getattr(layer, "adapt_variance", None)
        if any(each is None for each in weights):
            return None
        return _check([_convert(each) for each in weights])
    if model.weights is None:
        return None
    return _check(_read_arrays(model, _find_group(model.config, step.path)))


def _check(arrays: Sequence[Any]) -> Moments | None:
    """Return the mean and the variance in two arrays; None for those that change nothing."""
    mean, variance = arrays
    if mean.ndim > 1 or mean.shape != variance.shape:
        raise Refused(
            f"has means of shape {mean.shape} in its weights", None, "import-weights", hint=BY_HAND
        )
    if mean.size > MOST:
        message = f"has {mean.size:,} means in its weights, and {MOST} are the limit for a spec"
        raise Refused(
            message, None, "import-weights", hint="adapt the built model again, in Python"
        )
    both = [list(map(float, each.reshape(-1))) for each in (mean, variance)]
    is_new = not any(both[0]) and set(both[1]) == {1.0}
    return None if is_new else (both[0], both[1])


def _convert(weight: Any) -> Any:
    import keras  # which the model in memory is of

    return keras.ops.convert_to_numpy(weight)


# --- the file of weights -------------------------------------------------------------------------


def _find_group(config: Mapping[str, Any], path: str) -> list[str]:
    """Return where Keras writes the weights of a layer: by classes, numbered in each model."""
    names: list[str] = []
    model: Any = config["config"]
    for index in map(int, INDEX.findall(path)):
        entries = model["layers"]
        # Operations are no layers, and have no weights.
        before = [_name_class(each) for each in entries[:index] if "ops" not in _modules(each)]
        base = _name_class(entries[index])
        count = before.count(base)
        names += ["layers", f"{base}_{count}" if count else base]
        model = entries[index]["config"]
    return names


def _modules(entry: Mapping[str, Any]) -> list[str]:
    return str(entry.get("module")).split(".")


def _name_class(entry: Mapping[str, Any]) -> str:
    return snake_case(str(entry["class_name"]))


def _read_arrays(model: Model, names: Sequence[str]) -> list[Any]:
    """Return the two arrays of a layer. Raises `Refused` for what cannot be read safely."""
    try:
        import h5py
    except ModuleNotFoundError:
        message = "may have its mean in its weights, and nothing here reads them"
        raise Refused(
            message, None, "import-weights", hint="pip install h5py, which Keras brings"
        ) from None
    assert model.weights is not None
    try:
        with (
            open_file(model.weights, 2**40) as file,
            zipfile.ZipFile(file) as packed,
            packed.open(WEIGHTS) as member,
            h5py.File(member) as weights,
        ):
            arrays = []
            for number in ("0", "1"):
                group = weights
                for name in (*names, "vars", number):
                    # Other links lead out of the file, or in circles.
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise Refused(
                            "has no mean in the weights of the file",
                            None,
                            "import-weights",
                            hint=BY_HAND,
                        )
                    group = group[name]
                is_plain = isinstance(group, h5py.Dataset) and not (
                    group.is_virtual or group.external
                )
                if not is_plain or group.dtype.kind != "f":
                    raise Refused(
                        "has no numbers in its weights", None, "import-weights", hint=BY_HAND
                    )
                if group.size > MOST:
                    message = f"has {group.size:,} means in its weights, and {MOST} are the limit"
                    raise Refused(
                        message,
                        None,
                        "import-weights",
                        hint="adapt the built model again, in Python",
                    )
                arrays.append(group[()].reshape(group.shape))
            return arrays
    except Refused:
        raise
    except Exception as error:  # h5py raises many kinds for a damaged file
        message = f"has weights that cannot be read: {reason(error)}"
        raise Refused(message, None, "import-weights", hint=BY_HAND) from None
