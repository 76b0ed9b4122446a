"""A `Spec` -> the `Graph` that it means.

Expansion walks the steps as they are written, lays one node down after another and asks the layer
table for its facts at once, because formulas may say `channels`. A node whose facts failed is there
all the same, without facts: whatever follows from it stays silent, so one mistake gives one error.

Each function takes what it works on, the place that it stands in, and `out`, where it leaves nodes
and findings.

    walk        steps, one after another         place    what a step sees
    branches    groups, branches, bare `from`    out      nodes and findings so far
    blocks      block calls, `reuse`             values   formulas, params
    layers      arguments, facts, nodes          loops    `for`, `repeat`, `when`
    ends        inputs and outputs               names    what steps are called
    result      the graph, checked as a whole    references, defaults
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archspec.analysis.require import broken_contracts
from archspec.errors import SpecError
from archspec.expand.blocks import expand_block, expand_reuse
from archspec.expand.branches import expand_branches, expand_from, expand_group
from archspec.expand.defaults import with_defaults
from archspec.expand.ends import find_outputs, lay_inputs
from archspec.expand.layers import expand_layer
from archspec.expand.names import check_keras_names, settle_names
from archspec.expand.out import Expansion, Failed, Halt, Handler
from archspec.expand.place import Place
from archspec.expand.references import first_input
from archspec.expand.result import (
    check_all_used,
    check_recipe,
    evaluate_train,
    list_unchecked,
    make_graph,
    make_remains,
    warn_of_unused_params,
)
from archspec.expand.values import params_of
from archspec.expand.walk import expand_body
from archspec.graph import Graph
from archspec.loading.files import Spec
from archspec.syntax.steps import BlockCall, Branches, From, Group, LayerCall, Reuse, Step

KINDS: Mapping[type[Step], Handler] = {
    LayerCall: expand_layer,
    BlockCall: expand_block,
    Group: expand_group,
    Branches: expand_branches,
    Reuse: expand_reuse,
    From: expand_from,
}


def expand(spec: Spec) -> Graph:
    """Return the graph of a spec, which is left as it is.

    Raises `SpecError` with everything that is wrong with it, and with what is left of the graph.
    """
    out = Expansion(spec, KINDS, findings=list(spec.diagnostics))
    try:
        return _expand_spec(out)
    except (Failed, Halt):
        settle_names(out)
        raise SpecError(out.findings, make_remains(out)) from None


def _expand_spec(out: Expansion) -> Graph:
    """Return the whole graph. Raises `Failed` or `Halt` if anything has been reported."""
    spec = out.spec
    env, _ = params_of(spec.home, out)
    inputs = lay_inputs(env, out)
    outside = Place(out.top, spec.home, env, (), inputs)
    place = with_defaults(outside, spec.home.defaults, inputs)
    # With `channels`, which the file's defaults may name in its blocks too.
    out.environments[spec.home] = dict(place.env)
    if spec.body is None or not spec.body.steps:
        raise out.fail("layers", "the spec has no layers", spec.root.key_span("layers"))
    last = expand_body(spec.body, place, first_input(inputs), out)
    out.ends = find_outputs(place, last, out)
    settle_names(out)
    check_keras_names(out)
    if not out.has_failed():
        check_all_used(out)
    train = evaluate_train(place, out)
    if out.has_failed():
        raise Failed
    warn_of_unused_params(out)
    graph = replace(make_graph(out), train=train, unchecked=list_unchecked(out))
    check_recipe(graph, out)
    contracts = broken_contracts(graph, spec.root.get("require"))
    return replace(graph, warnings=(*out.findings, *contracts))
