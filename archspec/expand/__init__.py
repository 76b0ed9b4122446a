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
from itertools import chain
from typing import Any

from archspec.arguments import show
from archspec.contracts import broken_contracts
from archspec.errors import Note, Refused, Span, SpecError, did_you_mean
from archspec.expand.place import Draft, Flow, Halt, Nothing, Place, Silent
from archspec.expand.steps import Steps
from archspec.files import Spec
from archspec.formulas import names_in
from archspec.graph import Facts, Graph, Node
from archspec.infer import MAX_AXIS
from archspec.recipe import recipe_of
from archspec.scopes import Entry, Scope
from archspec.source import Value, plain, texts


def expand(spec: Spec) -> Graph:
    """The graph of a spec. Raises `SpecError` with everything that is wrong with it."""
    expansion = _Expansion(spec)
    try:
        return expansion.graph()
    except Halt:
        raise SpecError(expansion.diagnostics) from None


class _Expansion(Steps):
    def graph(self) -> Graph:
        root = self.spec.root
        home = self.spec.home
        top = Scope()
        try:
            home.env = self.params(home.params, {}, ())
            inputs = self.model_inputs(root, top, home.env)
            place = Place(top, home, home.env, (), inputs)
            place = self.entered(place, home.defaults, inputs)
            home.env = dict(place.env)  # with `channels`, for the file's defaults in its blocks
            layers = root.get("layers")
            if layers is None or not layers.data:
                self.error("layers", "the spec has no layers", root.key("layers"))
                raise Silent
            last = self.sequence(layers, place, self.first(inputs))
            outputs = self.outputs(root, place, last)
        except Silent:
            raise SpecError(self.diagnostics) from None
        self.settle(top)
        if not self.failed():
            self.unused(outputs, inputs)
        train = self.train(root, home.env)
        if self.failed():
            raise SpecError(self.diagnostics)
        self.unused_params(root)
        stem = self.spec.path.stem if self.spec.path else "model"
        text = {key: root.get(key) for key in ("name", "description")}
        graph = Graph(
            name=str(text["name"].data) if text["name"] else stem,
            description=str(text["description"].data) if text["description"] else "",
            params={k: v for k, v in home.env.items() if k != "channels"},
            nodes=tuple(self.node(draft) for draft in self.drafts),
            inputs=tuple(draft.name for draft in inputs.values() if isinstance(draft, Draft)),
            outputs=tuple(draft.name for draft in outputs),
            train=train,
            warnings=tuple(self.diagnostics),
            unchecked=self.not_checked(),
        )
        self.recipe(graph, root.get("train"))
        contracts = tuple(broken_contracts(graph, root.get("require")))
        return replace(graph, warnings=(*graph.warnings, *contracts))

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
            key = declared.key(name) if declared else root.key("input")
            dtype = "float32"
            facts = None
            size: tuple[int | None, ...] = ()
            try:
                if value.span in self.spec.broken:
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
        return drafts

    def input_shape(self, value: Value, env: Mapping[str, Any]) -> tuple[int | None, ...]:
        axes = []
        data = self.evaluate(value, env, ())
        items = value.data if isinstance(value.data, tuple) else (value,) * len(data or ())
        if not isinstance(data, list) or not data:
            self.error("input", "an input is a list of its axes, as [28, 28, 1]", value.span)
            raise Silent
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
                self.error("outputs", message, root.key("layers"), hint)
                raise Silent
            last.used = True
            return [last]
        unnamed = Nothing("`outputs` names steps, and 'previous' is no name", "name that step")
        drafts: dict[Draft, Value] = {}
        if declared.span in self.spec.broken:
            return []
        for each in declared.data:
            try:
                draft = self.reference(str(each.data), each, place, unnamed)
            except Silent:
                continue
            if draft in drafts and draft.facts is not None:
                note = Note("first listed here", drafts[draft].span)
                message = f"the value of '{each.data}' is listed twice"
                self.error("outputs", message, each.span, "remove one", (note,))
            draft.used = True
            drafts.setdefault(draft, each)
        return list(drafts)

    def settle(self, top: Scope) -> None:
        """Give every node its final name, and see that they stay apart as Keras names."""
        for name, entry in top.settle():
            if isinstance(entry.value, Draft) and entry.scope is None:
                entry.value.name = name
        seen: dict[str, Draft] = {}
        for draft in self.drafts:
            if draft.op == "?":  # reported already
                continue
            other = seen.setdefault(draft.name.replace(".", "-"), draft)
            if other is not draft:
                self.error(
                    "duplicate-name",
                    f"'{draft.name}' and '{other.name}' would be one Keras name, with '-' for '.'",
                    draft.span,
                    "rename one",
                )

    def unused(self, outputs: list[Draft], inputs: Mapping[str, Flow]) -> None:
        for draft in chain(*(d.inputs for d in self.drafts), outputs):
            draft.used = True
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

    def unused_params(self, root: Value) -> None:
        """Warn of params that no formula of the file names, such as a misspelt one of its base."""
        named = {name for text in texts(root) for name in names_in(text)}
        known = [name for name, _, _ in root.entries("params")]
        for name, span, _ in root.entries("params"):
            if name not in named and span.source is root.span.source:
                hint = did_you_mean(name, [each for each in known if each in named])
                message = f"no formula names the param '{name}'"
                self.error("unused-param", message, span, hint or "remove it", (), "warning")

    def train(self, root: Value, env: Mapping[str, Any]) -> Mapping[str, Any]:
        value = root.get("train")
        if value is None or value.span in self.spec.broken:
            return {}
        try:
            return dict(self.evaluate(value, env, ()))
        except Silent:
            return {}

    def recipe(self, graph: Graph, train: Value | None) -> None:
        """See that the recipe is one for this graph. Raises `SpecError`."""
        if train is None:
            return
        try:
            recipe_of(graph)
        except Refused as refused:
            path = (refused.argument or "").split(".")
            span = train.inside(path).span if path[0] in train.data else train.span
            self.report(refused, span, ())
            raise SpecError(self.diagnostics) from None

    def not_checked(self) -> tuple[Span, ...]:
        """Steps under a false `when` and blocks nobody calls: only the schema has seen them."""
        blocks = self.spec.home.blocks.values()
        idle = [block.span for block in blocks if id(block.value) not in self.called]
        never = [span for step, span in self.left_out.items() if step not in self.let_in]
        return tuple(dict.fromkeys((*never, *idle)))

    def node(self, draft: Draft) -> Node:
        scopes: list[tuple[str, str]] = []
        scope: Scope | None = draft.scope
        while scope is not None and scope.parent is not None:
            scopes.append((scope.path, scope.title))
            scope = scope.parent
        return Node(
            name=draft.name,
            op=draft.op,
            arguments=draft.arguments,
            inputs=tuple(each.name for each in draft.inputs),
            slots=draft.slots,
            call=draft.call,
            reuses=draft.owner.name if draft.owner else None,
            facts=draft.facts,
            scopes=tuple(reversed(scopes)),
            span=draft.span,
            trail=draft.trail,
        )
