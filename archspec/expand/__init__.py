"""Expand a `Spec` into the `Graph` that it means.

Expansion walks the steps as they are written, adds one node after another and asks the layer table
for its facts at once, because formulas may name `channels`. A node whose facts failed is there all
the same, without facts: nothing is reported for what depends on it, so one mistake gives one error.

Each function takes what it works on, the context that it is written in, and `out`, the `Expansion`
that collects the nodes and the errors.

    walk        steps, one after another         context    what a step sees
    branches    groups, branches, bare `from`    drafts     nodes in the making
    blocks      block calls, `reuse`             expansion  nodes and errors so far
    layers      arguments, facts, nodes          values     formulas, params
    loops       `for`, `repeat`, `when`          scopes     names, and what they refer to
    references  the nodes that `from` names      names      the names that steps are given
    result      the graph, checked as a whole    origins    where a name was given its value
    edits       a step with its edits            edit_targets, edit_faults  the steps they are for
    provenance  where a node's arguments are from
    first_state constructs that changed          inputs_outputs, defaults, doubts, unnamed,
                                                 number_names
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec.structs import replace

from archspec.analysis.require import find_broken_contracts
from archspec.errors import SpecError
from archspec.expand.blocks import expand_block, expand_reuse
from archspec.expand.branches import expand_branches, expand_from, expand_group
from archspec.expand.context import Context
from archspec.expand.defaults import with_file_defaults
from archspec.expand.drafts import Previous
from archspec.expand.edit_faults import warn_of_kept_frozen, warn_of_numbers
from archspec.expand.edit_targets import check_all_met, count_met, match_edits, warn_of_unmet
from archspec.expand.expansion import Expansion, Failed, Halt, Handler, Matched
from archspec.expand.first_state import may_have_changed, note_changes
from archspec.expand.inputs_outputs import add_inputs, find_known_outputs, find_outputs
from archspec.expand.layers import expand_layer
from archspec.expand.names import check_keras_names, settle_names
from archspec.expand.number_names import warn_of_numbers_in_names
from archspec.expand.references import first_input
from archspec.expand.result import (
    check_all_used,
    check_any_layer,
    check_recipe,
    evaluate_train,
    list_unchecked,
    make_graph,
    make_remains,
    warn_of_broken_conditions,
    warn_of_bypassed_branches,
    warn_of_unknown_data,
    warn_of_unused_blocks,
    warn_of_unused_defaults,
    warn_of_unused_params,
)
from archspec.expand.unnamed import warn_of_unnamed_params, warn_of_unnamed_variables
from archspec.expand.values import find_params
from archspec.expand.walk import MAX_DEPTH, expand_body
from archspec.graph import EditCount, Graph
from archspec.loading.files import EditLevel, Spec
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
    """Return the graph of a spec, which is not changed.

    Raises `SpecError` with every error of the spec, and with the graph as far as it could be made.
    """
    out = Expansion(spec, KINDS, findings=list(spec.diagnostics))
    base: Graph | None = None
    counts: tuple[EditCount, ...] = ()
    with _deep_recursion():
        try:
            for number, level in enumerate(spec.levels, 1):
                _expand_below(level, out)
                if number > 1:
                    warn_of_unmet(spec.levels[number - 2], number - 1, out)
                counts += count_met(out)
                base = make_graph(out)
                edits = match_edits(level, number, out)
                if level.lacks:  # what follows is hardly a mistake of its own
                    raise Failed
                out = _add_edits(edits, base, out)
            graph = _expand_spec(out)
            graph = replace(graph, base=base, edits=(*counts, *count_met(out)))
            if may_have_changed(out):
                before = len(out.findings)
                note_changes(graph, _expand_first(out), out)
                graph = replace(graph, warnings=(*graph.warnings, *out.findings[before:]))
            return graph
        except (Failed, Halt):
            settle_names(out)
            raise SpecError(out.findings, make_remains(out)) from None


def expand_by(spec: Spec, kinds: Mapping[type[Step], Handler]) -> Expansion:
    """Return all that is known of a sound spec without edits once it is expanded.

    kinds: how a step of each type is expanded, as `KINDS` says, by functions that watch it.
    """
    out = Expansion(spec, kinds, findings=list(spec.diagnostics))
    with _deep_recursion():
        _expand_spec(out)
    return out


def _expand_below(level: EditLevel, out: Expansion) -> None:
    """Expand the network that the edits of a file change, as the files below mean it.

    Raises `Failed` if it is wrong itself.
    """
    context, last = _expand_steps(out)
    out.outputs = find_known_outputs(level.outputs, context, last)
    settle_names(out)
    check_all_met(out)
    if len(out.findings) > len(out.spec.diagnostics) and out.has_failed():
        raise Failed


def _add_edits(edits: Mapping[int, list[Matched]], base: Graph, out: Expansion) -> Expansion:
    """Return a new expansion of the same spec, with the edits of one file more.

    base: the graph before these edits.
    """
    merged = {place: list(each) for place, each in out.edits.items()}
    for place, more in edits.items():
        merged.setdefault(place, []).extend(more)
    unmet = (each for each in out.findings if each.code == "edit-unmet")
    return Expansion(
        out.spec,
        out.kinds,
        findings=[*out.spec.diagnostics, *unmet],
        places=out.places,
        marks=out.marks,
        known=frozenset(entry.place for _, entry in out.names),
        edits=merged,
        base=base,
    )


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let Python recurse as deep as steps may stand within steps, whatever calls us."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20 * MAX_DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _expand_first(out: Expansion) -> Graph | None:
    """Return the graph that a spec meant in the first state of the language; None if none."""
    try:
        return _expand_spec(Expansion(out.spec.before or out.spec, KINDS, is_first=True))
    except (Failed, Halt):
        return None


def _expand_steps(out: Expansion) -> tuple[Context, Previous]:
    """Expand all steps; return the context at the top of the file, and the last value.

    Raises `Failed` or `Halt`.
    """
    spec = out.spec
    env, _ = find_params(spec.home, out)
    warn_of_broken_conditions(env, out)
    inputs = add_inputs(env, out)
    context = with_file_defaults(Context(out.top, spec.home, env, (), inputs))
    if spec.body is None or not spec.body.steps:
        raise out.fail("layers", "the spec has no layers", spec.root.key_span("layers"))
    return context, expand_body(spec.body, context, first_input(inputs), out)


def _expand_spec(out: Expansion) -> Graph:
    """Return the whole graph. Raises `Failed` or `Halt` if an error has been reported."""
    spec = out.spec
    context, last = _expand_steps(out)
    out.outputs = find_outputs(replace(context, level=spec.outputs_level), last, out)
    settle_names(out)
    check_all_met(out)
    if out.edits and not out.has_failed():
        warn_of_unmet(spec.levels[-1], len(spec.levels), out)
    check_keras_names(out)
    if not out.has_failed():
        check_any_layer(out)
        check_all_used(out)
    train = evaluate_train(context, out)
    if out.has_failed():
        raise Failed
    warn_of_bypassed_branches(out)
    warn_of_unused_params(out)
    warn_of_unused_blocks(out)
    warn_of_unnamed_params(out)
    warn_of_unnamed_variables(out)
    warn_of_unused_defaults(out)
    warn_of_numbers_in_names(out)
    warn_of_numbers(out)
    warn_of_kept_frozen(out)
    warn_of_unknown_data(train, out)
    graph = replace(make_graph(out), train=train, unchecked=list_unchecked(out), origin=spec)
    misfit = check_recipe(graph, context, out)
    contracts = find_broken_contracts(graph, spec.root.get("require"))
    return replace(graph, warnings=(*out.findings, *contracts), misfit=misfit)
