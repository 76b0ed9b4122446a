"""Describe the weights that a network begins with: their source, and the plan for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from archspec.errors import UserError
from archspec.graph import Graph
from archspec.weights.planning import WeightsPlan, plan_weights
from archspec.weights.reports import find_doubt, write_plan
from archspec.weights.sources import WeightSource, open_source, reading_weights


class Initial(Struct, frozen=True, eq=False):
    """Weights to begin with. partial: which of other shapes are taken, too."""

    source: WeightSource
    plan: WeightsPlan
    partial: Sequence[str]

    def to_text(self) -> str:
        """Return the plan as a table, and a warning where most of the network begins anew."""
        note = f": {self.source.note}" if self.source.note else ""
        text = f"weights of {self.source.name}{note}\n\n{write_plan(self.plan)}"
        doubt = find_doubt(self.plan)
        return f"{text}\nwarning: {doubt}" if doubt else text

    def to_facts(self) -> dict[str, Any]:
        """Return the entry `init` of run.json."""
        facts = {**self.source.describe(), "partial": list(self.partial)}
        return {**facts, "parameters": self.plan.counts}


def open_initial(
    network: Graph, given: str | Path, spec: Graph | None = None, partial: Sequence[str] = ()
) -> Initial:
    """Return the weights that a network begins with. given, spec: as `open_source` takes them.
    partial: as `plan_weights` takes it.

    Raises `UserError` where no weight fits, or no kernel of any layer, and as `open_source` does.
    """
    source = open_source(given, spec, network)
    plan = plan_weights(source.graph, network, partial)
    initial = Initial(source, plan, tuple(dict.fromkeys(partial)))
    taken = [part for part in plan.parts if part.source is not None]
    has_kernels = any(len(part.shape) > 1 for part in plan.parts)
    if not taken or (has_kernels and all(len(part.shape) < 2 for part in taken)):
        but = f", but for {len(taken)} without a kernel, such as a bias" if taken else ""
        raise UserError(
            f"no weight of {source.name} fits {network.name}{but}",
            "`archspec diff` shows what the two networks have in common",
        )
    with reading_weights(source) as read:  # what is not as it must be is said before a run begins
        for part in plan.parts:
            if part.source is not None:
                read(source.graph[part.source], part.weight)
    return initial
