"""Write the source of a network in plain Keras."""

from __future__ import annotations

from archspec.api.arguments import Spec, graph_of


def to_source(spec: Spec, *, flat: bool = False) -> str:
    """Return source code in plain Keras that makes the network and needs no archspec.

    spec: a file, the bare name of a spec that comes with archspec, or a graph, as one that
        `archspec.load` has made with other params or with edits.
    flat: whether each layer is a statement of its own, without functions and loops.

    The text defines a function without arguments, named as the spec, which returns the model. Its
    layers have the names, the arguments and the order of those of `archspec.to_keras`; their
    initial weights are drawn anew each time. Params are constants, blocks are functions, loops and
    conditions are Python's. With edits it is the source of the resolved spec.

    Raises `SpecError` for a broken spec, and `UserError` for a layer of one's own whose class needs
    archspec.

        >>> import archspec
        >>> text = archspec.to_source("lenet5")
        >>> print(text.splitlines()[-1].strip())
        return keras.Model(inputs, x, name="lenet5")
    """
    from archspec.source.writing import write_source

    return write_source(graph_of(spec, "to_source"), flat)
