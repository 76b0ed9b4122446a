"""Make the `Graph` from its drafts, and check it as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

from msgspec.structs import replace

from archspec.arguments import show
from archspec.errors import AtArgument, Diagnostic, Note, Refused, Span, did_you_mean, in_order
from archspec.expand.context import Context
from archspec.expand.drafts import Draft
from archspec.expand.expansion import Expansion, Failed
from archspec.expand.loops import report_mistakes
from archspec.expand.origins import Env, find_sources, names_of_formulas
from archspec.expand.scopes import Scope, snake_case
from archspec.expand.values import evaluate
from archspec.graph import Graph, Node, Region, RegionValue
from archspec.loading.files import Block, Spec
from archspec.recipe import SCALED_TWICE, find_misfit, find_scaled_twice, recipe_of
from archspec.recipe.datasets import is_missing, suggest_dataset
from archspec.recipe.of_graph import BY_OUTPUT
from archspec.syntax import formulas
from archspec.syntax.edits import translate
from archspec.syntax.formulas import NoValue, is_formula
from archspec.syntax.source import Value
from archspec.syntax.steps import BlockCall, LayerCall
from archspec.syntax.writer import write_value


def make_graph(out: Expansion) -> Graph:
    """Return the nodes so far as a graph without its recipe."""
    root, path = out.spec.root, out.spec.path
    given = [(key, root.get(key)) for key in ("name", "description")]
    words = {key: str(each.data) for key, each in given if each and not out.is_refused(each)}
    env = out.environments.get(out.spec.home, Env())
    extends = root.get("extends")
    regions: dict[Scope, tuple[Region, ...]] = {}
    return Graph(
        name=words.get("name", path.stem if path else "model"),
        description=words.get("description", ""),
        params={name: value for name, value in env.items() if not isinstance(value, NoValue)},
        nodes=tuple(_make_node(draft, regions, out) for draft in out.drafts),
        inputs=tuple(draft.name for draft in out.drafts if draft.op == "InputLayer"),
        outputs=tuple(draft.name for draft in out.outputs),
        train={},
        extends=None if extends is None else extends.span,
        values=tuple(
            RegionValue(name, entry.span, entry.scope.kind, entry.value.name)
            for name, entry in out.names
            if entry.scope is not None and isinstance(entry.value, Draft)
        ),
    )


def _make_node(draft: Draft, regions: dict[Scope, tuple[Region, ...]], out: Expansion) -> Node:
    """Return the node of a draft. regions: those around the scopes that have been met."""
    sound = draft.facts is not None and not draft.errors
    return Node(
        name=draft.name,
        op=draft.op,
        arguments=draft.arguments,
        inputs=tuple(each.name for each in draft.inputs),
        slots=draft.slots,
        call=draft.call,
        reuses=draft.owner.name if draft.owner is not None and sound else None,
        facts=draft.facts,
        regions=_find_regions(draft.scope, regions),
        span=draft.span,
        trail=draft.trail,
        errors=in_order(out.findings[number] for number in draft.errors),
        named=draft.named,
        iterations=draft.iterations,
        account=draft.account,
    )


def _find_regions(scope: Scope, known: dict[Scope, tuple[Region, ...]]) -> tuple[Region, ...]:
    """Return the groups and blocks that a scope is inside, itself the last."""
    if scope.parent is None:
        return ()
    if scope not in known:
        own = Region(scope.path, scope.title, scope.params, scope.kind, scope.is_named)
        known[scope] = (*_find_regions(scope.parent, known), own)
    return known[scope]


def _list_paths(scope: Scope | None) -> Iterator[str]:
    """Yield the paths of a scope and of those around it, but for that of the whole network."""
    while scope is not None and scope.parent is not None:
        yield scope.path
        scope = scope.parent


def make_remains(out: Expansion) -> Graph | None:
    """Return the graph of a broken spec as far as it was made; None if it has only inputs."""
    if all(draft.op == "InputLayer" for draft in out.drafts):
        return None
    # A picture has boxes for nodes and for the groups and blocks around them: names must differ.
    taken = {path for draft in out.drafts for path in _list_paths(draft.scope)}
    for draft in sorted(out.drafts, key=lambda draft: draft.facts is None):
        # A failed step may have no name yet, or the name of an input.
        base = draft.name or draft.scope.join(snake_case(draft.op) or "step")
        numbered = (f"{base}_{number}" for number in count(1))
        draft.name = next(name for name in chain([base], numbered) if name not in taken)
        taken.add(draft.name)
    # In the order of the file: jsonschema finds errors in an order that differs between processes.
    found = in_order(out.findings)
    errors = tuple(each for each in found if each.severity == "error")
    warnings = tuple(each for each in found if each.severity != "error")
    return replace(make_graph(out), errors=errors, warnings=warnings)


def check_any_layer(out: Expansion) -> None:
    """Report a network whose layers are all left out; one of empty groups has none to leave out."""
    steps = out.spec.body.walk() if out.spec.body is not None else ()
    meant = any(isinstance(step, LayerCall | BlockCall) for step in steps)
    if meant and all(draft.op == "InputLayer" for draft in out.drafts):
        message = "the spec has no layers: no step adds one"
        hint = "a step is left out if its `when` is false or its `repeat` is 0"
        out.error("layers", message, out.spec.root.key_span("layers"), hint)


def check_all_used(out: Expansion) -> None:
    """Report the inputs and steps whose value no step takes."""
    for draft in chain(*(draft.inputs for draft in out.drafts), out.outputs):
        draft.used = True
    for draft in out.drafts:
        if draft.used:
            continue
        if draft.op == "InputLayer":
            message = f"no step uses the input '{draft.name}'"
            error = out.error("unused-input", message, draft.span)
        else:
            message = f"no step uses the value of '{draft.name}'"
            hint = "give it to a later step by `from`, list it in `outputs`, or remove it"
            trail = (*draft.trail, *_notes_on_users(draft.name, out))
            error = out.error("unused-step", message, draft.span, hint, trail)
        draft.errors = (error,)


def _notes_on_users(name: str, out: Expansion) -> list[Note]:
    """Return a note on each edit of a step that used the value of another before it."""
    before = out.base.by_name if out.base is not None else {}
    users = [each.name for each in before.values() if name in each.inputs]
    edits = {
        each.edit.span: None
        for edits in out.edits.values()
        for each in edits
        if any(f"{user}.".startswith(f"{each.name}.") for user in users)
    }
    return [Note("its value was used where this edits", span) for span in edits]


def warn_of_unused_params(out: Expansion) -> None:
    """Warn of params of the file that no formula names, such as a misspelt one of its base."""
    root = out.spec.root
    hidden, named = _find_names(root)
    in_edits = {
        name
        for level in out.spec.levels
        for edit in level.edits
        for name in names_of_formulas(edit.written)
    }
    named |= in_edits - (out.hidden.keys() - out.shown)
    known = [name for name, _, _ in root.entries_of("params")]
    for name, span, _ in root.entries_of("params"):
        if name not in named and span.source is root.span.source:
            near = did_you_mean(name, [each for each in known if each in named])
            message = f"no formula names the param '{name}'"
            notes: tuple[Note, ...] = ()
            if name in out.hidden:
                message = f"'{name}' in an edit is what the edited step calls so, not this param"
                near = "rename it, or remove it"
                notes = (Note("the edit is written here", out.hidden[name].span),)
            elif name in hidden:
                message = (
                    f"'{name}' in the block '{hidden[name]}' is the block's own param, not this"
                )
                near = "rename one of them, or remove it"
            out.warn("unused-param", message, span, near or "remove it", notes)


def _find_names(root: Value) -> tuple[dict[str, str], set[str]]:
    """Return the names in formulas that are params of a block, with the block, and all others but
    those in edits.

    The defaults of a block's params see those of the file, so that their names count as others.
    """
    hidden: dict[str, str] = {}
    named: set[str] = set()
    for word, value in root.items():
        if word not in ("blocks", "edit"):
            named |= set(names_of_formulas(value))
    for label, _, block in root.entries_of("blocks"):
        own = {name for name, _, _ in block.entries_of("params")}
        for word, value in block.items():
            names = set(names_of_formulas(value))
            named |= names if word == "params" else names - own
            if word != "params":
                hidden |= dict.fromkeys(names & own, label)
    return hidden, named


def warn_of_broken_conditions(env: Env, out: Expansion) -> None:
    """Warn of the formulas under `require` that are false; `archspec check` takes it for an error.

    They are asked before the layers, which may refuse the same value in words that tell less.
    """
    for text, span, words in out.spec.root.entries_of("require"):
        if not is_formula(text) or out.is_refused(words):
            continue
        unquoted = span.end_column - span.column == len(text)
        condition = Value(text, span, is_plain=unquoted)
        try:
            truth = evaluate(condition, env, (), out)
        except Failed:
            continue
        origins = find_sources(condition, env)
        if not isinstance(truth, bool):
            message = f"a contract must be true or false, got {show(truth)}"
            out.error("contract", message, span, "compare it: =width >= 8", (), origins)
        elif not truth:
            out.warn("contract", str(words.data), span, None, (), origins)


def warn_of_bypassed_branches(out: Expansion) -> None:
    """Warn of shortcuts that are gone where their `when` is false, and seem meant as identities.

    So a branch seems meant that changes the shape where it is there, if the one branch that is left
    where it is not keeps the shape, so that its input could be added to it.
    """
    for span, trail in out.bypassed.items():
        if span in out.transforms:
            message = "where this `when` is false the branch is gone, and nothing is merged"
            hint = "for the identity, write `else: []` under it"
            out.warn("when-branches", message, span, hint, trail)


def warn_of_unused_blocks(out: Expansion) -> None:
    """Warn of blocks of the file that nobody calls, such as a misspelt one of its base.

    Silent where a step that is not there, or another block that nobody calls, could call it.
    """
    spec = out.spec
    own = spec.root.span.source
    if _is_edited_outside(spec):
        return
    inherited = [
        name
        for name, block in spec.home.blocks.items()
        if block.home is spec.home and block.span.source is not own
    ]
    for block in spec.home.blocks.values():
        if block.span in out.called or block.span.source is not own:
            continue
        if block.name in _list_unseen_labels(out, besides=block):
            continue
        hint = did_you_mean(block.name, inherited) or "call it in `layers`, or remove it"
        out.warn("unused-block", f"no step calls the block '{block.name}'", block.span, hint)


def _is_edited_outside(spec: Spec) -> bool:
    """Return whether an edit is given beside the file, which is not to be changed for it."""
    edits = spec.levels[-1].edits if spec.levels else ()
    return any(each.span.source not in spec.files for each in edits)


def warn_of_unused_defaults(out: Expansion) -> None:
    """Warn of arguments in `defaults` that no layer has, or that every layer gives itself.

    Silent where a step that is not there, or a block that nobody calls, could take it.
    """
    spec = out.spec
    if _is_edited_outside(spec):
        return
    homes = [spec.root, *(block.value for block in spec.home.blocks.values())]
    unseen = set(_list_unseen_labels(out))
    for root in homes:
        defaults = root.get("defaults")
        for op, layer in defaults.items() if defaults is not None else ():
            for name, value in layer.items() if isinstance(layer.data, dict) else ():
                in_file = value.span.source is spec.root.span.source
                if value.span in out.used_defaults or not in_file or op in unseen:
                    continue
                used = any(draft.op == op for draft in out.drafts)
                message = f"no {op} takes `{name}` from these defaults"
                hint = f"there is no {op} here: remove it"
                if used:
                    hint = f"every {op} here gives its own {name}: remove it from one of them"
                out.warn("unused-default", message, layer.key_span(name), hint)


def _list_unseen_labels(out: Expansion, besides: Block | None = None) -> Iterator[str]:
    """Yield the layers and blocks in steps that are not there and in blocks that nobody calls.

    besides: a block that is left out.
    """
    spec = out.spec
    never = [span for span in out.skipped if span not in out.included]
    bodies = [spec.body, *(block.body for block in spec.home.blocks.values())]
    for step in chain.from_iterable(body.walk() for body in bodies if body is not None):
        if any(span.holds(step.span) for span in never):
            yield step.label
    for block in spec.home.blocks.values():
        if block.span not in out.called and block.body is not None and block is not besides:
            yield from (step.label for step in block.body.walk())


def evaluate_train(context: Context, out: Expansion) -> Mapping[str, Any]:
    """Return the `train` mapping of the spec with its formulas evaluated, empty if one fails."""
    value = out.spec.root.get("train")
    if value is None:
        return {}
    try:
        if out.is_refused(value):
            raise Failed(*report_mistakes(value, context, out))
        # The steps of a schedule may be counted in epochs, of whose length nothing is known yet.
        env = {**dict.fromkeys(formulas.COUNTED, formulas.LATER), **context.env}
        train = _rename_outputs(dict(evaluate(value, env, (), out)), value, out)
        return _rename_frozen(train, value, out) if out.edits else train
    except Failed:
        return {}


def _rename_outputs(train: dict[str, Any], written: Value, out: Expansion) -> dict[str, Any]:
    """Return a recipe whose losses and metrics follow the outputs that an edit renames.

    written: where it is. Raises `Failed` if it names an output that an edit removes, one by the
    name that it had before an edit of the same file, or one twice.
    """
    for word in BY_OUTPUT if out.has_edits else ():
        given = train.get(word)
        if not isinstance(given, dict):
            continue
        renamed: dict[str, Any] = {}
        first: dict[str, str] = {}
        for name, each in given.items():
            span = written.data[word].key_span(name)
            try:
                found = _find_output(str(name), span, out)
            except Refused as refused:
                if refused.code == "edit-removed":
                    left = {key: value for key, value in given.items() if _is_left(key, span, out)}
                    refused.code = "edit-outputs"
                    shown = write_value({word: left or None})
                    refused.hint = f"write what is left: train: {shown}"
                raise Failed(out.refuse(refused, span, ())) from None
            if found in first and written.data[word].key_span(first[found]).source is span.source:
                message = f"'{first[found]}' and '{name}' are one output after the edits"
                note = Note("it has a value here", written.data[word].key_span(first[found]))
                raise out.fail("edit-outputs", message, span, "leave one of them out", (note,))
            first[found], renamed[found] = str(name), each
        train[word] = renamed
    return train


def _rename_frozen(train: dict[str, Any], written: Value, out: Expansion) -> dict[str, Any]:
    """Return a recipe whose names under `freeze` follow the steps that an edit renames.

    A name or pattern means the steps that its file knows, as those under `at` of an edit do.
    written: where the recipe is.
    """
    given = written.data.get("freeze")
    if given is None or not train.get("freeze"):
        return train
    names, kept = [name for name, _ in out.names], []
    for each in given.data if isinstance(given.data, tuple) else (given,):
        pattern = str(each.data)
        fits, before = translate(pattern).fullmatch, _list_names_before(each.span, out)
        meant = [name for name in names if fits(_find_name_before(name, before))]
        kept += meant if before and meant != [*filter(fits, names)] else [pattern]
    return {**train, "freeze": kept}


def _list_names_before(span: Span, out: Expansion) -> dict[str, str]:
    """Return the names that renamed steps have in the file where something is written, by those
    that they have after all edits."""
    order = {source: number for number, source in enumerate(reversed(out.spec.files))}
    top = len(order)  # above the files: edits and settings from outside
    own = order.get(span.source, top)
    now = {entry.place: name for name, entry in out.names}
    return {
        now[place]: renaming[0].name
        for place, edits in out.edits.items()
        if place in now
        and (
            renaming := [
                each
                for each in sorted(edits, key=lambda each: each.order)
                if each.edit.verb == "rename" and order.get(each.edit.span.source, top) > own
            ]
        )
    }


def _find_name_before(name: str, before: Mapping[str, str]) -> str:
    """Return the name that a step, or the innermost renamed group around it, gives it before."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if (old := before.get(".".join(parts[:end]))) is not None:
            return ".".join([old, *parts[end:]])
    return name


def _find_output(name: str, span: Span, out: Expansion) -> str:
    """Return the output that a name under `train` stands for; the name if there is none.

    span: where it is written, on which it depends whether it is a name before an edit. Raises
    `Refused` for an output that an edit removes or renames.
    """
    outputs = [draft.name for draft in out.outputs]
    order = {source: number for number, source in enumerate(reversed(out.spec.files))}
    top = len(order)  # above the files: edits and settings from outside
    own = order.get(span.source, top)
    sources = [each.edits[0].span.source for each in out.spec.levels if each.edits]
    level = sum(order.get(source, top) <= own for source in sources)
    if level == len(sources) and name in outputs:
        return name
    try:
        draft = out.top.find(name, level).output
    except Refused as refused:
        is_stale = name.partition(".")[0] in out.top.renamed and refused.code == "unknown-name"
        if refused.code == "edit-removed" or is_stale:
            raise
        return name
    return draft.name if isinstance(draft, Draft) and draft.name in outputs else name


def _is_left(name: str, span: Span, out: Expansion) -> bool:
    """Return whether an output is not removed."""
    try:
        _find_output(name, span, out)
    except Refused as refused:
        return refused.code != "edit-removed"
    return True


def check_recipe(graph: Graph, context: Context, out: Expansion) -> Diagnostic | None:
    """Check that the recipe fits the graph, and warn of what in it hardly does. Return why the
    dataset that it names does not fit, if so. Raises `Failed`."""
    train = out.spec.root.get("train")
    if train is None:
        return None
    try:
        recipe = recipe_of(graph)
    except Refused as refused:
        value = _find_refused(refused, train)
        origins = find_sources(value, context.env) if value is not train else ()
        raise Failed(out.refuse(refused, value.span, (), origins=origins)) from None
    scaled = find_scaled_twice(graph, recipe.data.scale, recipe.augment)
    for message in recipe.warnings:  # each begins with the key that it is about: `train.loss: ...`
        key = message.partition(":")[0].removeprefix("train.")
        if scaled is None or not message.startswith(scaled[1]):  # said at the layer
            out.warn("train", message, train.find([key]).span)
    if scaled is not None:
        node, message = scaled
        out.warn("scaled-twice", message, node.span, SCALED_TWICE, node.trail)
    misfit = find_misfit(graph, recipe)
    if misfit is None:
        return None
    span = _find_refused(misfit, train).span
    return out.place(Diagnostic(misfit.code, misfit.message, span, misfit.hint, (), "warning"))[0]


def _find_refused(refused: Refused, train: Value) -> Value:
    """Return the part of the recipe that is refused."""
    at = refused.at
    return train.find(at.path) if isinstance(at, AtArgument) and at.name in train.data else train


def warn_of_unknown_data(train: Mapping[str, Any], out: Expansion) -> None:
    """Warn of a dataset that nothing is called by, and that is no folder here."""
    data = train.get("data")
    name = data.get("name") if isinstance(data, Mapping) else data
    if isinstance(name, str) and is_missing(name):
        message = f"there is no dataset '{name}', and no folder of that name here"
        span = out.spec.root.data["train"].find(["data", "name"]).span
        out.warn("unknown-data", message, span, suggest_dataset(name))


def list_unchecked(out: Expansion) -> tuple[Span, ...]:
    """Return the places of steps that were never included, and of blocks that were never called.

    Only the schema has checked these.
    """
    blocks = out.spec.home.blocks.values()
    idle = [block.span for block in blocks if block.span not in out.called]
    never = [span for span in out.skipped if span not in out.included]
    return tuple(dict.fromkeys((*never, *idle)))
