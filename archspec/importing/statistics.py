"""Read means and variances that a model's layers have from `adapt`; Keras keeps them as weights.

In a spec they are arguments: such a layer is of no use without them. Nothing else is read of the
weights, and of their file, which a stranger may have made, only small arrays that lie in it itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.errors import Refused, UserError
from archspec.importing.arguments import bind, shorten
from archspec.importing.files import Model
from archspec.importing.findings import Findings
from archspec.importing.steps import ImportedStep
from archspec.importing.weights import WrongWeight, find_array, list_groups, open_weights
from archspec.layers import traits_of

MOST = 64  # numbers that are written as arguments
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
    return _check(_read_arrays(model, step.old))


def _check(arrays: Sequence[Any]) -> Moments | None:
    """Return the mean and the variance in two arrays; None for those that change nothing."""
    mean, variance = arrays
    if mean.ndim > 1 or mean.shape != variance.shape:
        raise Refused(
            f"has means of shape {mean.shape} in its weights", None, "import-weights", hint=BY_HAND
        )
    _check_size(mean)
    both = [list(map(float, each.reshape(-1))) for each in (mean, variance)]
    is_new = not any(both[0]) and set(both[1]) == {1.0}
    return None if is_new else (both[0], both[1])


def _check_size(mean: Any) -> None:
    """Refuse more numbers than a spec should have as arguments."""
    if mean.size > MOST:
        message = f"has {mean.size:,} means in its weights, and {MOST} are the limit for a spec"
        raise Refused(
            message, None, "import-weights", hint="adapt the built model again, in Python"
        )


def _convert(weight: Any) -> Any:
    import keras  # which the model in memory is of

    return keras.ops.convert_to_numpy(weight)


def _read_arrays(model: Model, names: Sequence[str]) -> list[Any]:
    """Return the two arrays of a layer. names: its own, after those of the models around it.

    Raises `Refused` for what cannot be read safely.
    """
    assert model.weights is not None
    group = list_groups(model.config)[tuple(names)]
    try:
        with open_weights(model.weights) as weights:
            arrays = [find_array(weights, group, "mean", number) for number in (0, 1)]
            for each in arrays:
                _check_size(each)
            return [each[()].reshape(each.shape) for each in arrays]
    except WrongWeight as wrong:
        message = f"has a mean or a variance that {wrong}"
    except UserError as error:
        message = f"may have its mean in its weights: {error.args[0]}"
    raise Refused(message, None, "import-weights", hint=BY_HAND) from None
