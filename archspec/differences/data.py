"""Write the difference between two networks as data, for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archspec.differences.difference import Difference
from archspec.differences.edits import GraphEdit
from archspec.differences.rows import make_rows

SCHEMA = "archspec.diff/1"


def write_json(difference: Difference, depth: int | None = None, full: bool = False) -> str:
    """Return a difference as JSON text. depth, full: as `make_rows` takes them."""
    return json.dumps(to_data(difference, depth, full), indent=2, ensure_ascii=False) + "\n"


def to_data(difference: Difference, depth: int | None = None, full: bool = False) -> dict[str, Any]:
    """Return a difference as dicts, lists and exact numbers; docs/diff.md has the keys."""
    rows = make_rows(difference, depth, full)
    group_of = {index: number for number, row in enumerate(rows) for index in row.edits}
    pairs = difference.pairs.items()
    follow = difference.follow
    return {
        "schema": SCHEMA,
        "a": _describe(difference, 0),
        "b": _describe(difference, 1),
        "same": difference.is_same,
        "same_but_order": difference.is_same and bool(difference.reordered),
        "little_in_common": not (difference.is_same or difference.is_alike),
        "matched": len(pairs),
        "pairs": [[x, y] for x, y in pairs if full or x != y],
        "edits": [
            _edit_to_data(difference, edit, group_of[index])
            for index, edit in enumerate(difference.edits)
        ],
        "groups": [
            {
                "id": number,
                "kind": row.kind,
                "patterns": list(row.where),
                "keras_names": list(row.there),
                "text": row.what,
                "times": row.times,
                "params": row.params,
                "macs": row.macs,
            }
            for number, row in enumerate(rows)
        ],
        "follow": {"names": list(follow.names), "params": follow.params, "macs": follow.macs},
        "totals": {"params": difference.params, "macs": difference.macs},
        "reordered": list(difference.reordered),
        "inputs_reordered": difference.inputs_reordered,
        "looked_through": dict(
            zip(("a", "b"), map(list, difference.matching.looked_through), strict=True)
        ),
        "spec_params": _pairs_to_data(difference.spec_params),
        "recipe": _pairs_to_data(difference.recipe),
    }


def _describe(difference: Difference, side: int) -> dict[str, Any]:
    graph = (difference.a, difference.b)[side]
    return {
        "name": difference.names[side],
        "file": difference.files[side],
        "keras_model": difference.models[side],
        "fingerprint": graph.fingerprint,
        "params": graph.total_params,
        "macs": graph.macs,
        "outputs": {each: list(graph.shape(each)[1:]) for each in graph.outputs},
    }


def _edit_to_data(difference: Difference, edit: GraphEdit, group: int) -> dict[str, Any]:
    return {
        "kind": edit.kind,
        "a": edit.a,
        "b": edit.b,
        "op": [each or None for each in edit.op],
        "arguments": _pairs_to_data(edit.arguments),
        "inputs": [list(each) for each in edit.inputs],
        "params": edit.params,
        "macs": edit.macs,
        "spans": [_find_span(difference, edit, side) for side in (0, 1)],
        "group": group,
    }


def _find_span(difference: Difference, edit: GraphEdit, side: int) -> dict[str, Any] | None:
    """Return where a step is written; None for a name that is no layer's, and in a Keras model."""
    graph = (difference.a, difference.b)[side]
    node = graph.by_name.get((edit.a, edit.b)[side] or "")
    if node is None or difference.models[side]:
        return None
    span = node.span
    return {"file": span.source.name, "line": span.line, "column": span.column}


def _pairs_to_data(pairs: Mapping[str, tuple[Any, Any]]) -> dict[str, list[Any]]:
    return {name: [to_plain(each) for each in values] for name, values in pairs.items()}


def to_plain(value: Any) -> Any:
    """Return a value as dicts and lists."""
    if isinstance(value, Mapping):
        return {name: to_plain(each) for name, each in value.items()}
    return [to_plain(each) for each in value] if isinstance(value, tuple | list) else value
