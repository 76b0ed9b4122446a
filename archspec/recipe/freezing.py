"""Freeze layers by a recipe: which keep their weights, and from which epoch on they are trained."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from archspec.errors import AtArgument, Refused, did_you_mean
from archspec.graph import Graph, Node, count_trainable_params
from archspec.syntax.edits import translate

MOST = 8  # names in a hint


def find_frozen(graph: Graph, patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the layers with weights that patterns freeze, in the graph's order.

    A pattern is for a step of that name, and for all that is in a group or block of that name. A
    layer that is called again is one layer, whichever of its calls a pattern is for.

    Raises `Refused` for a pattern that is for no layer with weights.
    """
    frozen: set[str] = set()
    for pattern in patterns:
        fits = translate(pattern).fullmatch
        met = [
            node.reuses or node.name
            for node in graph
            if fits(node.name) or any(fits(each.path) for each in node.regions)
        ]
        weighted = {name for name in met if _weights_of(graph[name])}
        if not weighted:
            raise _report_nothing(graph, pattern, met)
        frozen |= weighted
    return tuple(node.name for node in graph if node.name in frozen)


def list_frozen(graph: Graph) -> tuple[str, ...]:
    """Return the layers that the `train` mapping of a graph's spec freezes, as `find_frozen`."""
    given = graph.train.get("freeze") or ()
    return find_frozen(graph, [given] if isinstance(given, str) else given)


def _report_nothing(graph: Graph, pattern: str, met: Collection[str]) -> Refused:
    at = AtArgument("freeze")
    if met:
        message = f"train.freeze: '{pattern}' is for no layer with weights"
        return Refused(message, at, "freeze-no-match", "leave it out")
    paths = {region.path for node in graph for region in node.regions}
    message = f"train.freeze: '{pattern}' is the name of no step"
    hint = did_you_mean(pattern, [*graph.by_name, *paths]) or _list_outermost(graph)
    return Refused(message, at, "freeze-no-match", hint)


def _list_outermost(graph: Graph) -> str:
    """Return a hint with the names that stand around the layers with weights, or are theirs."""
    names = list(dict.fromkeys(node.name.partition(".")[0] for node in graph if _weights_of(node)))
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"with weights: {', '.join(names[:MOST])}{more}; a pattern has `*` or `**`"


def check_freezing(
    graph: Graph, frozen: Collection[str], unfreeze: Mapping[str, Any] | None
) -> None:
    """Raise `Refused` where a recipe leaves nothing to train, or unfreezes what it does not freeze.

    frozen: as `find_frozen` returns them.
    """
    if unfreeze is not None and not frozen:
        hint = "add freeze: [NAME], or leave it out"
        message = "train.unfreeze: the recipe freezes nothing"
        raise Refused(message, AtArgument("unfreeze"), "train", hint)
    if frozen and not count_trained(graph, frozen):
        message = "train.freeze leaves no weight to train"
        raise Refused(message, AtArgument("freeze"), "train", "leave the last layers out of it")


def count_trained(graph: Graph, frozen: Collection[str] = ()) -> int:
    """Return how many parameters a training changes while these layers are frozen."""
    return sum(count_trainable_params(node) for node in graph if node.name not in frozen)


def _weights_of(node: Node) -> Mapping[str, Any]:
    return node.facts.weights if node.facts else {}
