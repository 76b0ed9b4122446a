"""Define the steps of a flat spec that a Keras model becomes, and sort them for writing."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from archspec.errors import Refused
from archspec.importing.classes import INPUT


class Output(Struct, frozen=True):
    """A value that is there in the spec. step: the place of the step whose output it is."""

    step: int


class Operation(Struct, frozen=True):
    """A value of an operation that no layer replaces: a mask that Keras works out, or a fault.

    key: which value it is. refused: the error if a layer takes it. path: of its call.
    """

    key: int
    refused: Refused
    path: str


Value = Output | Operation | None  # None: what is wrong with it has been noted


class ImportedStep(Struct):
    """A step of the flat spec, or an input of it.

    old: the name of the Keras layer, after those of the models around it: ("encoder", "dense").
    usual: what Keras would call a layer of this class. inputs: places of the steps whose outputs it
    takes. reuses: the place of the step whose layer it calls again. of_operation: whether it
    replaces an operation, which ends a mask. called: the key of an output of the model in the
    mapping that it gives.
    """

    op: str
    old: tuple[str, ...]
    usual: str
    path: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[int, ...] = ()
    slots: tuple[str, ...] = ()
    call: dict[str, bool] = field(default_factory=dict)
    reuses: int | None = None
    of_operation: bool = False
    called: str | None = None


class GivenMask(Struct, frozen=True):
    """A mask that the config says a call is given beside a value.

    step: of the value. key: of the mask. layer: what is called, in words. path: of the call.
    """

    step: int
    key: int
    layer: str
    path: str


class ImportedSteps(Struct):
    """The steps of a flat spec, its outputs as places of steps, and remarks on what was left out.

    keys: from what a value of an operation is made of to the number that it has, below 0. masks:
    those that the config says.
    """

    steps: list[ImportedStep] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    keys: dict[Any, int] = field(default_factory=dict)
    masks: list[GivenMask] = field(default_factory=list)


def sort_by_depth(wiring: ImportedSteps) -> ImportedSteps:
    """Return the same steps depth first from the outputs, so that each branch stands in one piece.

    Keras writes the layers of parallel branches in turn. Inputs come first, in the model's order.
    """
    steps = wiring.steps
    order = {place: None for place, step in enumerate(steps) if step.op == INPUT}
    stack = [(place, False) for place in reversed([*wiring.outputs, *range(len(steps))])]
    while stack:
        place, is_ready = stack.pop()
        if place in order:
            continue
        if is_ready:
            order[place] = None
            continue
        stack.append((place, True))
        stack += [(each, False) for each in reversed(steps[place].inputs)]
    new = {old: place for place, old in enumerate(order)}

    def move(key: int) -> int:
        return new[key] if key >= 0 else key

    owners: dict[int, int] = {}  # of the calls of one layer the one that now stands first
    moved = []
    for old in order:
        step = steps[old]
        first = old if step.reuses is None else step.reuses
        owner = owners.setdefault(first, new[old])
        arguments = steps[first].arguments if owner == new[old] else {}
        inputs = tuple(map(move, step.inputs))
        reuses = None if owner == new[old] else owner
        moved.append(replace(step, arguments=arguments, inputs=inputs, reuses=reuses))
    keys = {
        (name, tuple(map(move, values)), *rest): key
        for (name, values, *rest), key in wiring.keys.items()
    }
    masks = [replace(each, step=move(each.step), key=move(each.key)) for each in wiring.masks]
    return ImportedSteps(moved, list(map(move, wiring.outputs)), wiring.notes, keys, masks)
