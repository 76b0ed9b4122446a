"""Give a file or block its defaults, and the name `channels` for its input."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from archspec.expand.context import Context, Defaults
from archspec.expand.drafts import Draft, Previous
from archspec.expand.origins import Env
from archspec.expand.references import find_input_axes, is_channels_first
from archspec.loading.files import Home
from archspec.syntax import formulas
from archspec.syntax.source import Value

CHANNELS = "channels"
OUTSIDE = formulas.NoValue(
    "`channels` are those of a block's input, and this stands in no block",
    hint="write previous.channels, the channels of the step before, or input.channels",
)
IN_DEFAULTS = formulas.NoValue(
    "`channels` are those of a block's input, and the defaults of a file stand in no block",
    hint="write it where the layer is: previous.channels, or `channels` in a block",
)


def with_channels(context: Context, inputs: Mapping[str, Previous]) -> Context:
    """Return the context inside a block with `channels`, those of its only input."""
    return context.with_names({CHANNELS: _channels(context, inputs)})


def with_file_defaults(context: Context) -> Context:
    """Return the context at the top of a file, with the file's defaults, where no block is."""
    context = context.with_names({CHANNELS: OUTSIDE})
    defaults = file_defaults(context.home, context.env)
    return replace(context, defaults=(*context.defaults, *defaults)) if defaults else context


def file_defaults(home: Home, env: Env) -> tuple[Defaults, ...]:
    """Return the defaults of a file. env: the values of its params."""
    if home.defaults is None:
        return ()
    return (Defaults(home.defaults, env.extended({CHANNELS: IN_DEFAULTS})),)


def with_block_defaults(
    context: Context, value: Value | None, inputs: Mapping[str, Previous]
) -> Context:
    """Return the context inside a block, with its inputs, defaults and `channels`."""
    context = replace(context, inputs=inputs)
    if value is None:
        return with_channels(context, inputs)
    # Whether channels are the first axis may be said by these defaults themselves.
    added = replace(context, defaults=(*context.defaults, Defaults(value, context.env)))
    inside = with_channels(added, inputs)
    defaults = Defaults(value, inside.env, partial(find_input_axes, inside))
    return replace(inside, defaults=(*context.defaults, defaults))


def _channels(context: Context, inputs: Mapping[str, Previous]) -> Any:
    """Return the value of `channels`, or the reason why it has none."""
    if len(inputs) != 1:
        return formulas.NoValue("`channels` needs one input, and here there are several")
    (value,) = inputs.values()
    if not isinstance(value, Draft) or value.facts is None:
        return formulas.REPORTED
    axis = value.shape[1 if is_channels_first(context) else -1]
    return formulas.NoValue("`channels` is unknown (null) here") if axis is None else axis
