"""Say which constructs made another network in the first state of the language.

Version 1 was in use before it was settled. A spec that was sound then and is sound now, and is
another network, is read both ways; where both agree, and in a spec with words that came later,
nothing is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archspec.errors import Diagnostic
from archspec.expand.expansion import Expansion
from archspec.graph import Graph
from archspec.loading.shipped import is_bare
from archspec.syntax.formulas import is_formula, words_in
from archspec.syntax.source import Value

LATER = re.compile(r"\.(channels|height|width|depth|length|shape)\b|\[[^\]]*:")  # in formulas
CHANGED = "the first state of the language built another network of this: "


def may_have_changed(out: Expansion) -> bool:
    """Return whether a spec has a construct that was read in another way, and no later word."""
    if not (out.changed or out.spec.before) or out.spec.levels:
        return False
    blocks = out.spec.home.blocks.values()
    calls_itself = any(
        step.label == block.name for block in blocks if block.body for step in block.body.walk()
    )
    values = (out.spec.root, *(block.value for block in blocks))
    return not calls_itself and not any(_has_later_word(value) for value in values)


def note_changes(graph: Graph, before: Graph | None, out: Expansion) -> None:
    """Add a note at each construct that was read in another way, if this made another network.

    before: the network that the spec meant, None if it was not sound.
    """
    if before is None or before.fingerprint == graph.fingerprint:
        return
    changed = [(span, f"{CHANGED}{text}", hint) for span, (text, hint) in out.changed.items()]
    if out.spec.before is not None:
        text = f"{CHANGED}the params of the block that this one replaces were not laid under these"
        hint = "give each param by its name where the block is called"
        changed += [(span, text, hint) for span in out.spec.before.merged]
    for span, message, hint in changed:
        out.add(Diagnostic("changed-meaning", message, span, hint, (), "note"))


def _has_later_word(value: Value) -> bool:
    """Return whether a spec or block has a word that the first state of the language lacked."""
    keys = set(_list_keys(value))
    for key, text in _list_texts(value, ""):
        later = text == "==" or (key == "from" and "*" in text)
        later = later or (key in ("extends", "import") and is_bare(text))
        later = later or ("index" in words_in(text) and "index" not in keys)
        if later or (is_formula(text) and LATER.search(text)):
            return True
    return "else" in keys or any("," in key for key in keys) or "branches.for" in keys


def _list_keys(value: Value, above: str = "") -> Iterator[str]:
    """Yield all keys in a value; `branches.for` for a loop on a branch."""
    for key, each in value.items():
        yield key
        if above == "branches" and each.get("for") is not None:
            yield "branches.for"
        yield from _list_keys(each, key)
    for each in value.data if isinstance(value.data, tuple) else ():
        if above == "branches" and each.get("for") is not None:
            yield "branches.for"
        yield from _list_keys(each)


def _list_texts(value: Value, key: str) -> Iterator[tuple[str, str]]:
    """Yield all texts in a value, keys among them, each with the key that it stands under."""
    if isinstance(value.data, str):
        yield key, value.data
    for name, each in value.items():
        yield "", name
        yield from _list_texts(each, name)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _list_texts(each, key)
