"""A `Spec` -> the `Graph` that it means.

Expansion walks the steps as they are written, lays one node down after another and asks the layer
table for its facts at once, because formulas may say `channels`. A node whose facts failed is there
all the same, without facts: whatever follows from it stays silent, so one mistake gives one error.

    place     what a step sees          loops   for, repeat, when, name
    reports   formulas and errors       calls   from, arguments, layers
    steps     groups, branches, blocks, reuse
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, count
from typing import Any

from archspec.arguments import show
from archspec.contracts import broken_contracts
from archspec.errors import Note, Refused, Span, SpecError, did_you_mean
from archspec.expand.place import Draft, Flow, Halt, Nothing, Place, Silent
from archspec.expand.steps import Steps, call_note
from archspec.files import Spec
from archspec.graph import Facts, Graph, Node, Region
from archspec.infer import MAX_AXIS
from archspec.recipe import recipe_of
from archspec.scopes import Entry, Scope, snake_case
from archspec.syntax.formulas import names_in
from archspec.syntax.source import Value, plain, texts


def expand(spec: Spec) -> Graph:
    """The graph of a spec.

    Raises `SpecError` with everything that is wrong with it, and with what is left of the graph.
    """
    expansion = _Expansion(spec)
    try:
        return expansion.graph()
    except (Silent, Halt):
        expansion.settle()
        raise SpecError(expansion.diagnostics, expansion.remains()) from None


class _Expansion(Steps):
    """top: the scope of the model. ends: the nodes that are its outputs, once they are known."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.top = Scope()
        self.ends: list[Draft] = []

    def graph(self) -> Graph:
        """The whole graph. Raises `Silent` or `Halt` if anything has been reported."""
        root = self.spec.root
        home = self.spec.home
        home.env = self.params(home.params, {}, ())
        inputs = self.model_inputs(root, self.top, home.env)
        place = Place(self.top, home, home.env, (), inputs)
        place = self.entered(place, home.defaults, inputs)
        home.env = dict(place.env)  # with `channels`, for the file's defaults in its blocks
        body = self.spec.body
        if body is None or not body.steps:
            self.error("layers", "the spec has no layers", root.key("layers"))
            raise Silent
        last = self.sequence(body, place, self.first(inputs))
        self.ends = self.outputs(root, place, last)
        self.settle()
        self.keep_apart()
        if not self.failed():
            self.unused()
        train = self.train(root, place)
        if self.failed():
            raise Silent
        self.unused_params(root)
        graph = replace(self.laid(), train=train, unchecked=self.not_checked())
        self.recipe(graph, root.get("train"))
        contracts = tuple(broken_contracts(graph, root.get("require")))
        return replace(graph, warnings=(*self.diagnostics, *contracts))

    def remains(self) -> Graph | None:
        """What was laid down of a broken spec; None if that is no more than its inputs."""
        if all(draft.op == "InputLayer" for draft in self.drafts):
            return None
        taken: set[str] = set()
        for draft in sorted(self.drafts, key=lambda draft: draft.facts is None):
            # What failed may have no name yet, or that of an input.
            base = draft.name or draft.scope.join(snake_case(draft.op) or "step")
            numbered = (f"{base}_{number}" for number in count(1))
            draft.name = next(name for name in chain([base], numbered) if name not in taken)
            taken.add(draft.name)
        errors = tuple(each for each in self.diagnostics if each.severity == "error")
        warnings = tuple(each for each in self.diagnostics if each.severity != "error")
        return replace(self.laid(), errors=errors, warnings=warnings)

    def laid(self) -> Graph:
        """The nodes so far, as a graph without its recipe."""
        given = [(key, self.spec.root.get(key)) for key in ("name", "description")]
        said = {key: str(each.data) for key, each in given if each and not self.refused(each)}
        stem = self.spec.path.stem if self.spec.path else "model"
        env = self.spec.home.env or {}
        return Graph(
            name=said.get("name", stem),
            description=said.get("description", ""),
            params={k: v for k, v in env.items() if k != "channels" and not isinstance(v, Refused)},
            nodes=tuple(self.node(draft) for draft in self.drafts),
            inputs=tuple(draft.name for draft in self.drafts if draft.op == "InputLayer"),
            outputs=tuple(draft.name for draft in self.ends),
            train={},
        )

    def model_inputs(self, root: Value, top: Scope, env: Mapping[str, Any]) -> dict[str, Flow]:
        declared = root.get("inputs")
        single = root.get("input")
        if single is None and not (declared is not None and declared.data):
            self.error(
                "input", "the spec has no input", root.span.within(0, 1), "input: [28, 28, 1]"
            )
            raise Silent
        given = dict(declared.items()) if declared is not None else {"input": single}
        drafts: dict[str, Flow] = {}
        for name, value in given.items():
            assert value is not None
            self.fresh.clear()
            key = declared.key(name) if declared else root.key("input")
            dtype = "float32"
            facts = None
            size: tuple[int | None, ...] = ()
            try:
                if self.refused(value):
                    raise Silent
                shape = value
                if isinstance(value.data, dict):
                    shape = value.data["shape"]
                    dtype = str(plain(value.data["dtype"])) if "dtype" in value.data else dtype
                size = self.input_shape(shape, env)
                facts = Facts((None, *size))
            except Silent:
                pass
            arguments = {"shape": size, "dtype": dtype}
            draft = Draft("InputLayer", arguments, (), (), {}, None, facts, top, key, ())
            self.drafts.append(draft)
            drafts[name] = draft
            if len(given) > 1 or name != "input":
                self.enter(top, Entry(key, draft), name, "", key, ())
            draft.name = name
            draft.errors = self.blamed()
        return drafts

    def input_shape(self, value: Value, env: Mapping[str, Any]) -> tuple[int | None, ...]:
        axes = []
        data = self.evaluate(value, env, ())
        if not isinstance(data, list) or not data:
            self.error("input", "an input is a list of its axes, as [28, 28, 1]", value.span)
            raise Silent
        items = value.data if isinstance(value.data, tuple) else (value,) * len(data)
        for axis, each in zip(data, items, strict=True):
            if isinstance(axis, float) and axis.is_integer():
                axis = int(axis)
            if axis is not None and (
                isinstance(axis, bool) or not isinstance(axis, int) or axis < 1
            ):
                message = (
                    f"an axis of the input must be a positive integer or null, got {show(axis)}"
                )
                self.error("input", message, each.span)
                raise Silent
            if axis is not None and axis > MAX_AXIS:
                message = f"an axis of the input is {axis:,}, over the limit of {MAX_AXIS:,}"
                self.error("too-large", message, each.span)
                raise Silent
            axes.append(axis)
        return tuple(axes)

    def outputs(self, root: Value, place: Place, last: Flow) -> list[Draft]:
        declared = root.get("outputs")
        if declared is None:
            if isinstance(last, Nothing):
                message = f"the model has no output: {last.reason}"
                hint = "name the outputs: outputs: [NAME, ...]"
                self.fresh.clear()
                self.error("outputs", message, root.key("layers"), hint)
                errors, taken = self.blamed(), {each for d in self.drafts for each in d.inputs}
                for draft in self.drafts:
                    if draft not in taken:
                        draft.errors = (*draft.errors, *errors)
                raise Silent
            last.used = True
            return [last]
        unnamed = Nothing("`outputs` names steps, and 'previous' is no name", "name that step")
        drafts: dict[Draft, Value] = {}
        if self.refused(declared):
            return []
        for each in declared.data:
            try:
                draft = self.reference(str(each.data), each, place, unnamed)
            except Silent:
                continue
            if draft in drafts and draft.facts is not None:
                note = Note("first listed here", drafts[draft].span)
                message = f"the value of '{each.data}' is listed twice"
                self.fresh.clear()
                self.error("outputs", message, each.span, "remove one", (note,))
                draft.errors = (*draft.errors, *self.blamed())
            draft.used = True
            drafts.setdefault(draft, each)
        return list(drafts)

    def settle(self) -> None:
        """Give every node its final name, and what was said of block calls theirs."""
        for name, entry in self.top.settle():
            if isinstance(entry.value, Draft) and entry.scope is None:
                entry.value.name = name
        final = {id(note): call_note(scope, note.span) for note, scope in self.noted}

        def named(notes: tuple[Note, ...]) -> tuple[Note, ...]:
            return tuple(final.get(id(note), note) for note in notes)

        self.diagnostics = [replace(each, notes=named(each.notes)) for each in self.diagnostics]
        for draft in self.drafts:
            draft.trail = named(draft.trail)

    def keep_apart(self) -> None:
        """See that the nodes' names stay apart as Keras names."""
        seen: dict[str, Draft] = {}
        for draft in self.drafts:
            if draft.stand_in:
                continue
            other = seen.setdefault(draft.name.replace(".", "-"), draft)
            if other is not draft:
                self.fresh.clear()
                self.error(
                    "duplicate-name",
                    f"'{draft.name}' and '{other.name}' would be one Keras name, with '-' for '.'",
                    draft.span,
                    "rename one",
                )
                draft.errors = (*draft.errors, *self.blamed())

    def unused(self) -> None:
        for draft in chain(*(d.inputs for d in self.drafts), self.ends):
            draft.used = True
        self.fresh.clear()
        for draft in self.drafts:
            if draft.used:
                continue
            if draft.op == "InputLayer":
                self.error("unused-input", f"no step uses the input '{draft.name}'", draft.span)
            else:
                self.error(
                    "unused-step",
                    f"nobody uses the value of '{draft.name}'",
                    draft.span,
                    "give it to a later step by `from`, list it in `outputs`, or remove it",
                    draft.trail,
                )
            draft.errors = self.blamed()

    def unused_params(self, root: Value) -> None:
        """Warn of params that no formula of the file names, such as a misspelt one of its base."""
        named = {name for text in texts(root) for name in names_in(text)}
        known = [name for name, _, _ in root.entries("params")]
        for name, span, _ in root.entries("params"):
            if name not in named and span.source is root.span.source:
                hint = did_you_mean(name, [each for each in known if each in named])
                message = f"no formula names the param '{name}'"
                self.error("unused-param", message, span, hint or "remove it", (), "warning")

    def train(self, root: Value, place: Place) -> Mapping[str, Any]:
        value = root.get("train")
        if value is None:
            return {}
        if self.refused(value):
            self.look_at(value, place)
            return {}
        try:
            return dict(self.evaluate(value, place.env, ()))
        except Silent:
            return {}

    def recipe(self, graph: Graph, train: Value | None) -> None:
        """See that the recipe is one for this graph. Raises `Silent` after reporting."""
        if train is None:
            return
        try:
            recipe_of(graph)
        except Refused as refused:
            path = (refused.argument or "").split(".")
            span = train.inside(path).span if path[0] in train.data else train.span
            self.report(refused, span, ())
            raise Silent from None

    def not_checked(self) -> tuple[Span, ...]:
        """Steps under a false `when` and blocks nobody calls: only the schema has seen them."""
        blocks = self.spec.home.blocks.values()
        idle = [block.span for block in blocks if id(block.value) not in self.called]
        never = [span for step, span in self.left_out.items() if step not in self.let_in]
        return tuple(dict.fromkeys((*never, *idle)))

    def node(self, draft: Draft) -> Node:
        regions: list[Region] = []
        scope: Scope | None = draft.scope
        while scope is not None and scope.parent is not None:
            regions.append(Region(scope.path, scope.title, scope.params))
            scope = scope.parent
        return Node(
            name=draft.name,
            op=draft.op,
            arguments=draft.arguments,
            inputs=tuple(each.name for each in draft.inputs),
            slots=draft.slots,
            call=draft.call,
            reuses=draft.owner.name if draft.owner and draft.facts and not draft.errors else None,
            facts=draft.facts,
            regions=tuple(reversed(regions)),
            span=draft.span,
            trail=draft.trail,
            errors=tuple(self.diagnostics[number] for number in draft.errors),
        )
