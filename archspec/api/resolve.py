"""Write a spec as one file that needs no other."""

from __future__ import annotations

from archspec.api.arguments import Spec, graph_of


def resolve(spec: Spec, *, flat: bool = False) -> str:
    """Return the resolved spec: the same network, as a file that needs no other.

    spec: a file, the bare name of a spec that comes with archspec, or a graph, as one that
        `archspec.load` has made with other params or with edits.
    flat: whether each layer is a step of its own, without blocks and loops.

    `extends`, `import`, edits and params are resolved, and formulas are evaluated, also those of
    the recipe. Every layer, input and output keeps its name, and the
    network its fingerprint. The contracts under `require` are not in it.

    Raises `SpecError` for a broken spec.

        >>> import archspec
        >>> print(archspec.resolve(archspec.load("lenet5", classes=7)).splitlines()[1])
        name: lenet5
    """
    from archspec.folding.resolved import write_resolved

    return write_resolved(graph_of(spec, "resolve"), flat)
