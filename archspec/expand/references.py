"""Where a step's inputs come from: the nodes that `from` and other references name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archspec.errors import AtName, Note, Refused, Span
from archspec.expand.out import Expansion, Failed
from archspec.expand.place import Draft, Nothing, Place, Previous, Taken
from archspec.expand.values import fill, fill_quietly
from archspec.syntax.source import Value
from archspec.syntax.steps import Body, Sources, Step


def take(sources: Sources, place: Place, previous: Previous, out: Expansion) -> Taken:
    """Return what `from` names. Raises `Failed`, after reporting all that cannot be found."""
    found: list[Draft] = []
    errors: list[int] = []
    for each in sources.names:
        try:
            found.append(find_node(each, place, previous, out))
        except Failed as failed:
            errors += failed.errors
    if len(found) < len(sources.names):
        raise Failed(*errors)
    if sources.slots:
        return dict(zip(sources.slots, found, strict=True))
    return found[0] if sources.single else found


def find_node(value: Value, place: Place, previous: Previous, out: Expansion) -> Draft:
    """Return the node that a reference names. Raises `Failed`."""
    name = fill(value, place, out)
    try:
        found = _look_up(name, place, previous)
    except Refused as refused:
        told = tell_where(refused, place, out)
        raise Failed(out.refuse(told, value.span, place.trail)) from None
    return need_node(found, value.span, place, out)


def find_quietly(sources: Sources | None, place: Place, previous: Previous) -> list[Draft]:
    """Return the nodes that a step which failed takes, as far as they are there."""
    found = [previous] if sources is None else []
    for each in sources.names if sources is not None else ():
        name = fill_quietly(each, place.env)
        try:
            found += [] if name is None else [_look_up(name, place, previous)]
        except Refused:
            continue
    return [each for each in found if isinstance(each, Draft)]


def _look_up(name: str, place: Place, previous: Previous) -> Previous:
    """Return the value that a name stands for. Raises `Refused` if there is none, or several."""
    if name == "previous":
        return previous
    if name == "input" and len(place.inputs) == 1:
        return first_input(place.inputs)
    if name == "input":
        hint = f"name one: {', '.join(place.inputs)}"
        raise Refused("there are several inputs here", code="unknown-name", hint=hint)
    found: Previous | None = place.scope.find(name).value
    if found is None:
        message = f"'{name}' is the group this step stands in, which has no value yet"
        raise Refused(message, code="unknown-name")
    return found


def first_input(inputs: Mapping[str, Previous]) -> Previous:
    """Return what the first step of a file or block takes: its input, if there is only one."""
    if len(inputs) == 1:
        return next(iter(inputs.values()))
    return Nothing(
        "with several inputs the first step must say where it comes from",
        f"write from: {next(iter(inputs), 'NAME')}",
    )


def need_node(value: Previous, span: Span, place: Place, out: Expansion) -> Draft:
    """Return the node. Raises `Failed` if there is none to go on from."""
    if isinstance(value, Draft):
        return value
    raise out.fail("no-value", value.reason, span, value.hint, place.trail)


def need_one(value: Taken, step: Step, what: str, place: Place, out: Expansion) -> Previous:
    """Return the one value that a group, branches or a bare `from` goes on with.

    Raises `Failed` if there are several. what: what messages call the step.
    """
    if isinstance(value, list | dict):
        span = step.span if step.sources is None else step.sources.span
        raise out.fail("inputs", f"{what} takes one value", span, "name one step", place.trail)
    return value


def tell_where(refused: Refused, place: Place, out: Expansion) -> Refused:
    """Return the refusal of a name, saying so if it is written further down, or elsewhere."""
    if not isinstance(refused.at, AtName):
        return refused
    spec, first = out.spec, refused.at.name
    everywhere = [*(block.body for block in spec.home.blocks.values()), spec.body]
    written = _last_called(first, [place.calls[-1].body] if place.calls else everywhere)
    hint = "a step takes what was written before it; of a named group, by its path"
    if written is None:
        written = _last_called(first, everywhere)
        hint = "a block sees only its own steps: hand the value in by its `inputs`"
    if written is None:
        return refused
    note = Note(f"a step called '{first}' is written here, later or elsewhere", written.span)
    return Refused(refused.message, refused.at, refused.code, hint, (note,))


def _last_called(name: str, bodies: Iterable[Body | None]) -> Value | None:
    """Return the name of the last step in the bodies that is called so."""
    names = (each for body in bodies if body is not None for each in body.iter_names())
    found = [each for each in names if each.data == name]
    return found[-1] if found else None
