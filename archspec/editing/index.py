"""Find the names in a spec and its files, by the scopes of the language.

First all files are walked, which gives each scope its names; then edits are matched with the steps
that they are for, and give these others; at last every reference is looked for in its scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.editing.names import Kind, NameTable, Occurrence, Template
from archspec.editing.parts import FormulaPart, find_parts, locate, split_path
from archspec.editing.scopes import (
    LAST,
    BlockNames,
    FileNames,
    Frame,
    PatternFit,
    Place,
    StepName,
    StepScope,
    list_scopes,
    look_up,
    select,
)
from archspec.errors import Span
from archspec.expand.defaults import CHANNELS
from archspec.expand.loops import INDEX
from archspec.expand.origins import SAME
from archspec.expand.scopes import snake_case
from archspec.layers import LAYERS
from archspec.loading.shipped import is_bare
from archspec.recipe.of_graph import BY_NAME, BY_OUTPUT
from archspec.syntax.edits import VERBS
from archspec.syntax.formulas import is_formula
from archspec.syntax.source import Document, Value
from archspec.syntax.words import BESIDE, RESERVED, WORDS

Find = Callable[[Value, Document], Document | None]
GIVEN = (CHANNELS, INDEX)  # names that the language gives
WATCHES = ("monitor", "best")  # the words of a recipe that name a measure of an output


class StepPath(Struct, frozen=True, eq=False):
    """A path to a step: its parts, each with its mark."""

    parts: tuple[Occurrence, ...]
    place: Place


class Index:
    """The names of a document, and of all files that it stands on.

    places: what is seen from each step, by its span. links: the files that words name. loops: the
    variables of each `for`, by the place of this word.
    """

    def __init__(self, document: Document, find: Find) -> None:
        self.document = document
        self.names = NameTable()
        self.places: list[tuple[Span, Place]] = []
        self.links: dict[Span, Document] = {}
        self.loops: dict[Span, Frame] = {}
        self._find = find
        self._families: dict[int, FileNames] = {}
        self._references: list[StepPath] = []
        self._count = count(1)
        self.home = self._read_family(document, ())
        for each in self._references:
            self._resolve(each)

    # --- files -----------------------------------------------------------------------------------

    def _read_family(self, document: Document, above: tuple[int, ...]) -> FileNames:
        """Return the names of a document and its bases. above: the files that lead to it."""
        known = self._families.get(id(document))
        if known is not None:
            return known
        home = self._families[id(document)] = FileNames()
        chain: list[Document] = []
        each: Document | None = document
        while each is not None and each not in chain and id(each) not in above:
            chain.append(each)
            each = self._follow(_root(each).get("extends"), each)
        above = (*above, *map(id, chain))
        for each in reversed(chain):
            self._declare(each, home, above)
        for each in reversed(chain):
            self._walk_file(_root(each), home)
        return home

    def _follow(self, value: Value | None, document: Document) -> Document | None:
        """Return the document that a word names, if it can be read."""
        if value is None or not isinstance(value.data, str):
            return None
        found = self._find(value, document)
        if found is not None:
            self.links[value.span] = found
        return found

    def _declare(self, document: Document, home: FileNames, above: tuple[int, ...]) -> None:
        """Enter the params and blocks of a file, and the blocks that it imports."""
        root = _root(document)
        for name, span, value in root.entries_of("params"):
            self._define("param", name, span, home.params)
            home.values[name] = value
        imports = root.get("import")
        for each in _items(imports):
            library = self._follow(each, document)
            if library is None or id(library) in above:
                continue
            blocks = self._read_family(library, above).blocks
            name = str(each.data)
            if not is_bare(name):
                home.blocks |= blocks
            elif name in blocks:
                home.blocks[name] = blocks[name]
                self._use("block", name, each.span, blocks[name].mark)
        for name, span, value in root.entries_of("blocks"):
            known = home.blocks.get(name)
            if value.data is None:
                if known is not None:
                    self._use("block", name, span, known.mark)
                    del home.blocks[name]
                continue
            mark = self._mark("block", name, span, defines=True)
            block = BlockNames(mark, home)
            if known is not None:
                self.names.tie(known.mark, mark)
                block.params |= known.params
                if not value.get("layers"):  # those of the block that it is laid over
                    block.scope = known.scope
            for param, at, _ in value.entries_of("params"):
                self._define("param", param, at, block.params)
            home.blocks[name] = block

    def _walk_file(self, root: Value, home: FileNames) -> None:
        """Walk what a file says with its names."""
        file = Place(home.inputs, home, (home.params,), order=LAST)
        if (layers := root.get("layers")) is not None:
            home.top = StepScope(home.inputs)
        top = replace(file, scope=home.top)
        for name, span, value in root.entries_of("inputs"):
            step = StepName(self._mark("step", name, span, defines=True), Template(name), file)
            for each in home.inputs.steps:
                if each.template.text == name:
                    self.names.tie(each.mark, step.mark)
            home.inputs.steps.append(step)
            self._formulas(value, file)
        for word in ("params", "input", "defaults"):
            if (value_ := root.get(word)) is not None:
                self._formulas(value_, file)
        for text, span, _ in root.entries_of("require"):
            self._formulas(Value(text, span), file)
        for name, _, value in root.entries_of("blocks"):
            if name in home.blocks and isinstance(value.data, dict):
                self._walk_block(value, home.blocks[name], home)
        if layers is not None:
            self._walk_body(layers, replace(top, order=0))
        for output in _items(root.get("outputs")):
            home.outputs.append(str(output.data))
            self._refer(output, top)
        for edit in _items(root.get("edit")):
            self._walk_edit(edit, top)
        self._walk_train(root.get("train"), top)

    def _walk_train(self, train: Value | None, top: Place) -> None:
        """Walk a recipe, whose losses and the like are given by the names of outputs."""
        if train is None:
            return
        self._formulas(train, top)
        for word, text in _iter_texts(train):
            if word in WATCHES:
                self._refer_measure(text, top)
        data = train.get("data")
        given = [train.get(word) for word in BY_OUTPUT]
        given += [data.get(word) for word in BY_NAME] if data is not None else []
        for each in given:
            for name, span, _ in each.entries() if each is not None else ():
                self._refer(Value(name, span), top, known_only=True)
        for pattern in _one_or_several(train.get("freeze")):
            self._match(pattern, top.scope)

    def _refer_measure(self, value: Value, top: Place) -> None:
        """Keep the output that a measure is of, as in `val_head_loss`."""
        text = str(value.data)
        start = len(text) - len(text.removeprefix("val_"))
        for name in sorted(top.home.outputs, key=len, reverse=True):
            if text.startswith(f"{name}_", start):
                part = self._part("step", name, text, value.span, start)
                self._references.append(StepPath((part,), top))
                return

    def _walk_block(self, block: Value, names: BlockNames, home: FileNames) -> None:
        file = Place(names.scope, home, (home.params,), order=LAST)
        own = block.get("params")
        params = {
            name: mark for name, mark in names.params.items() if own is None or name not in own.data
        }
        for name, span, default in block.entries_of("params"):
            # `==` is the file's param; a formula may name those before it.
            place = file if default.data == SAME else file.with_frame(params)
            self._formulas(default, place, (name, span))
            params = {**params, name: names.params[name]}
        inside = file.with_frame(names.params)
        for each in _items(block.get("inputs")):
            if isinstance(each.data, str):
                mark = self._mark("step", each.data, each.span, defines=True)
                names.scope.steps.append(StepName(mark, Template(each.data), inside))
        if (defaults := block.get("defaults")) is not None:
            self._formulas(defaults, inside)
        if (layers := block.get("layers")) is not None:
            self._walk_body(layers, replace(inside, order=0))

    # --- steps -----------------------------------------------------------------------------------

    def _walk_body(self, body: Value, place: Place) -> None:
        for each in _items(body):
            self._walk_step(each, place)

    def _walk_step(self, value: Value, place: Place) -> StepName | None:
        """Walk a step, and enter its name. Return it, if it has one."""
        place = replace(place, order=next(self._count))
        if isinstance(value.data, str):
            self.places.append((value.span, place))
            return self._walk_call(value.data, value.span, None, None, place, False)
        if not isinstance(value.data, dict):
            return None
        place, repeats = self._walk_loop(value, place)
        self.places.append((value.span, place))
        for word in ("when", "call"):
            if word in value.data:
                self._formulas(value.data[word], place)
        self._walk_sources(value, place)
        name = value.data.get("name")
        if name is not None:
            self._formulas(name, place)
        label = next((key for key in value.data if key not in BESIDE), None)
        if label is None:
            return self._enter(name, place, repeats)
        if label not in WORDS:
            span = value.key_span(label)
            return self._walk_call(label, span, value.data[label], name, place, repeats)
        step = self._enter(name, place, repeats, label)
        if label == "reuse":
            self._refer(value.data[label], place)
            if step is not None:
                step.held.append(lambda: self._scopes_of(value.data[label], place))
            return step
        inside = place
        if step is not None:
            scope = StepScope(place.scope)
            step.held.append(lambda: (scope,))
            inside = replace(place, scope=scope)
        if label == "layers":
            for key in ("layers", "else"):
                if key in value.data:
                    self._walk_body(value.data[key], inside)
        else:
            self._walk_branches(value.data[label], inside)
            if (merge := value.get("merge")) is not None:
                self._walk_step(merge, inside)
        return step

    def _walk_branches(self, branches: Value, place: Place) -> None:
        if isinstance(branches.data, dict):
            for key, span, each in branches.entries():
                self._walk_branch(Value(key, span), each, place)
        for each in branches.data if isinstance(branches.data, tuple) else ():
            self._walk_branch(None, each, place)

    def _walk_branch(self, key: Value | None, branch: Value, place: Place) -> None:
        place = replace(place, order=next(self._count))
        place, _ = self._walk_loop(branch, place)
        name = branch.get("name") or key
        for each in (key, branch.get("name")):
            if each is not None:
                self._formulas(each, place)
        step = self._enter(name, place, False)
        if step is not None:
            scope = StepScope(place.scope)
            step.held.append(lambda: (scope,))
            place = replace(place, scope=scope)
        self.places.append((branch.span, place))
        if (when := branch.get("when")) is not None:
            self._formulas(when, place)
        self._walk_sources(branch, place)
        if isinstance(branch.data, tuple):
            self._walk_body(branch, place)
        for word in ("layers", "else"):
            if (body := branch.get(word)) is not None:
                self._walk_body(body, place)

    def _walk_loop(self, step: Value, place: Place) -> tuple[Place, bool]:
        """Return what a step sees in its loop, and whether its name is numbered."""
        repeats = isinstance(step.data, dict) and "repeat" in step.data
        if repeats:
            self._formulas(step.data["repeat"], place)
        loop = step.get("for")
        if loop is not None:
            self._formulas(loop, place)
            frame = self.loops[step.key_span("for")] = self._find_variables(loop, place)
            place = place.with_frame(frame)
        if loop is not None or repeats:
            place = replace(place, loops=(*place.loops, next(self._count)))
        return place, repeats

    def _find_variables(self, loop: Value, place: Place) -> Frame:
        """Return the variables of a `for`; of a formula that names a table, those of the table."""
        frame: dict[str, Occurrence] = {}
        if isinstance(loop.data, str):
            parts = find_parts(loop.data)
            table = None
            if len(parts) == 1 and parts[0].end - parts[0].start == len(loop.data[1:].strip()):
                found = place.find(parts[0].text)
                if found is place.home.params.get(parts[0].text):
                    table = place.home.values.get(parts[0].text)
            loop = table if table is not None else loop
        for row in loop.data if isinstance(loop.data, tuple) else (loop,):
            for key, span, _ in row.entries():
                start = 0
                for name in key.split(","):
                    lead = len(name) - len(name.lstrip())
                    variable = name.strip()
                    at = locate(key, span, start + lead, start + lead + len(variable))
                    start += len(name) + 1
                    if variable:
                        self._define("variable", variable, at or span, frame, hidden=at is None)
        return frame

    def _walk_sources(self, step: Value, place: Place) -> None:
        sources = step.get("from")
        if sources is None:
            return
        if isinstance(sources.data, dict):
            word = next((key for key in step.data if key not in BESIDE), "")
            block = place.home.blocks.get(word)
            for slot, span, each in sources.entries():
                self._refer(each, place)
                if block is not None:  # a slot is an input of the block
                    inside = Place(block.scope, place.home, (), order=LAST)
                    self._refer(Value(slot, span), inside, known_only=True)
            return
        for each in _items(sources) if isinstance(sources.data, tuple) else (sources,):
            self._refer(each, place)

    def _walk_call(
        self,
        label: str,
        span: Span,
        under: Value | None,
        name: Value | None,
        place: Place,
        repeats: bool,
    ) -> StepName | None:
        """Walk the call of a layer or of a block, and enter its name."""
        block = place.home.blocks.get(label)
        called: Occurrence | None = None
        if block is not None:
            called = self._use("block", label, span, block.mark)
        elif label not in LAYERS and label[:1].islower():
            self.names.add(self._make("unknown", label, span))
        if under is not None:
            self._walk_arguments(under, block, place)
        if name is not None:
            step = self._enter(name, place, repeats, label)
        else:
            kind = label if block is not None else snake_case(label)
            mark = called or Occurrence("step", span, kind, "hidden", defines=True)
            if called is None:
                mark = self.names.add(mark)
            step = StepName(mark, Template(kind, "unnamed"), place, label)
            place.scope.steps.append(step)
        if block is not None and step is not None:
            step.held.append(lambda: (block.scope,))
        return step

    def _walk_arguments(self, under: Value, block: BlockNames | None, place: Place) -> None:
        self._formulas(under, place)
        for name, span, _ in under.entries() if block is not None else ():
            if block is not None and name in block.params:
                self._use("param", name, span, block.params[name])

    def _enter(
        self, name: Value | None, place: Place, repeats: bool, label: str = ""
    ) -> StepName | None:
        """Enter a step by the name that is written; None if none is."""
        if name is None or isinstance(name.data, dict | tuple) or name.data is None:
            return None
        text = str(name.data)
        mark = self._mark("step", text, name.span, defines=True)
        template = Template(text, "repeat" if repeats else "")
        step = StepName(mark, template, place, label)
        place.scope.steps.append(step)
        return step

    # --- edits -----------------------------------------------------------------------------------

    def _walk_edit(self, edit: Value, top: Place) -> None:
        """Walk an edit, which sees what the steps see that it is for."""
        if not isinstance(edit.data, dict):
            return
        file = replace(top, scope=top.scope)
        of = edit.get("of")
        label = ""
        if of is not None:
            only = next(iter(of.data), "") if isinstance(of.data, dict) else str(of.data)
            label = str(only)
            block = top.home.blocks.get(label)
            at = of.key_span(label) if isinstance(of.data, dict) else of.span
            if block is not None:
                self._use("block", label, at, block.mark)
            if isinstance(of.data, dict) and isinstance(of.data[label], Value):
                self._walk_arguments(of.data[label], block, file)
        patterns = edit.get("at")
        steps: list[StepName] = []
        for each in _one_or_several(patterns):
            steps += self._match(each, top.scope)
        if patterns is None:
            steps = [step for scope in list_scopes(top.scope) for step in scope.steps]
        steps = [each for each in dict.fromkeys(steps) if not label or each.label == label]
        verb = next((key for key in edit.data if key in VERBS), None)
        if verb is None:
            return
        under = edit.data[verb]
        for step in steps:
            frames = (*step.place.frames, *top.frames)
            place = replace(step.place, home=top.home, frames=frames)
            self._make_edit(verb, under, step, place)
        if not steps:
            self._formulas(under, file)

    def _make_edit(self, verb: str, under: Value, step: StepName, place: Place) -> None:
        """Enter what an edit makes of one of its steps."""
        if verb == "set":
            self._walk_arguments(under, step.block, place)
        elif verb == "rename":
            self._formulas(under, place)
            renamed = self._enter(under, place, False, step.label)
            if renamed is not None:
                renamed.held = step.held
        elif verb == "replace" and not isinstance(under.data, tuple):
            made = self._walk_step(under, place)
            if made is not None:
                step.held += made.held
        elif verb == "replace":
            scope = StepScope(place.scope)
            step.held.append(lambda: (scope,))
            self._walk_body(under, replace(place, scope=scope))
        elif verb.startswith("insert"):
            for each in _items(under) if isinstance(under.data, tuple) else (under,):
                self._walk_step(each, place)
        else:
            self._formulas(under, place)

    def _match(self, pattern: Value, top: StepScope) -> list[StepName]:
        """Return the steps that a pattern of an edit may fit, and tie its parts to their names."""
        text = str(pattern.data)
        parts = [
            self._part("step", part, text, pattern.span, start) for start, part in split_path(text)
        ]
        fitting = PatternFit([mark.text for mark in parts], top)
        for number, steps in fitting.steps.items():
            if parts[number].text != "**":  # which fits whatever there is
                self._tie_part(parts[number], list(steps.values()))
        return list(fitting.steps[len(parts) - 1].values())

    def _tie_part(self, part: Occurrence, steps: Sequence[StepName]) -> None:
        if "*" in part.text:
            self.names.patterns.append((part, tuple(step.mark for step in steps)))
            return
        part = self.names.add(part)
        for step in steps:
            self.names.tie(step.mark, part)

    # --- references ------------------------------------------------------------------------------

    def _refer(self, value: Value, place: Place, known_only: bool = False) -> None:
        """Keep a reference to a step, to be looked for when all steps are known.

        known_only: whether it may be something else, so that it is a mark only if it is found.
        """
        if value.data is None or isinstance(value.data, dict | tuple):
            return
        text = str(value.data)
        self._formulas(value, place)
        if text in RESERVED or is_formula(text):
            return
        parts = tuple(
            self._part("step", part, text, value.span, start) for start, part in split_path(text)
        )
        if not known_only:
            parts = tuple(
                part if "*" in part.text else self.names.add(replace(part, kind="unknown"))
                for part in parts
            )
        self._references.append(StepPath(parts, place))

    def _resolve(self, reference: StepPath) -> None:
        """Tie the parts of a reference to the steps that they mean."""
        place = reference.place
        first, *rest = reference.parts
        steps = look_up(first.text, place)
        for part in (first, *rest):
            if part is not first:
                scopes = [scope for step in steps for scope in step.scopes()]
                steps = select(part.text, [step for scope in scopes for step in scope.steps])
            if not steps:
                return
            self._tie_part(replace(part, kind="step"), steps)

    def _scopes_of(self, target: Value, place: Place) -> Iterator[StepScope]:
        """Yield the scopes inside the step that `reuse` names."""
        first, *rest = (part for _, part in split_path(str(target.data)))
        steps = [each for each in look_up(first, place) if each.place is not place]
        for part in rest:
            inside = (step for each in steps for scope in each.scopes() for step in scope.steps)
            steps = select(part, list(inside))
        for step in steps:
            yield from step.scopes()

    # --- formulas --------------------------------------------------------------------------------

    def _formulas(self, value: Value, place: Place, key: tuple[str, Span] | None = None) -> None:
        """Tie the names in the formulas of a value. key: that it stands at, for `==`."""
        if isinstance(value.data, dict):
            for name, span, each in value.entries():
                self._formulas(each, place, (name, span))
        elif isinstance(value.data, tuple):
            for each in value.data:
                self._formulas(each, place)
        elif value.data == SAME:
            found = place.find(key[0]) if key is not None else None
            if found is not None and key is not None:
                mark = self.names.add(Occurrence(found.kind, value.span, key[0], "same"))
                self.names.tie(found, mark)
                self.names.values[self._make("unknown", *key).key] = mark
        elif isinstance(value.data, str) and ("{" in value.data or is_formula(value.data)):
            self._walk_formula(value.data, value.span, place)

    def _walk_formula(self, text: str, span: Span, place: Place) -> None:
        path: list[Occurrence] = []
        for part in find_parts(text):
            if part.kind == "name":
                self._use_name(part, text, span, place)
            if part.kind == "step" and part.path == 0:
                self._refer_path(path, place)
                path = []
            if part.kind == "step":
                path.append(self._part("step", part.text, text, span, part.start))
        self._refer_path(path, place)

    def _refer_path(self, path: Sequence[Occurrence], place: Place) -> None:
        if path and path[0].text not in RESERVED:
            parts = (self.names.add(replace(part, kind="unknown")) for part in path)
            self._references.append(StepPath(tuple(parts), place))

    def _use_name(self, part: FormulaPart, text: str, span: Span, place: Place) -> None:
        mark = self._part("unknown", part.text, text, span, part.start)
        found = place.find(part.text)
        if found is None:
            if part.text not in GIVEN:
                self.names.add(mark)
        else:
            self.names.tie(found, self.names.add(replace(mark, kind=found.kind)))

    # --- marks -----------------------------------------------------------------------------------

    def _make(self, kind: Kind, text: str, span: Span, defines: bool = False) -> Occurrence:
        return replace(self._part(kind, text, text, span, 0), defines=defines)

    def _part(self, kind: Kind, part: str, text: str, span: Span, start: int) -> Occurrence:
        """Return the mark of a part of a scalar."""
        at = locate(text, span, start, start + len(part))
        return Occurrence(kind, at or span, part, "plain" if at is not None else "hidden")

    def _mark(self, kind: Kind, text: str, span: Span, defines: bool = False) -> Occurrence:
        return self.names.add(self._make(kind, text, span, defines))

    def _use(self, kind: Kind, text: str, span: Span, defined: Occurrence) -> Occurrence:
        mark = self._mark(kind, text, span)
        self.names.tie(defined, mark)
        return mark

    def _define(
        self, kind: Kind, text: str, span: Span, known: dict[str, Occurrence], hidden: bool = False
    ) -> None:
        """Enter a definition; one that is known is another of the same name."""
        mark = self._make(kind, text, span, defines=True)
        mark = self.names.add(replace(mark, form="hidden") if hidden else mark)
        if text in known:
            self.names.tie(known[text], mark)
        known[text] = mark


def _root(document: Document) -> Value:
    """Return what is readable of a document."""
    nothing = Span(document.source, 1, 1, 1, 1)
    return document.rest if document.rest is not None else Value({}, nothing)


def _iter_texts(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield every text in a value with the key that it stands at."""
    for key, each in value.items():
        if isinstance(each.data, str):
            yield key, each
        yield from _iter_texts(each)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from _iter_texts(each)


def _one_or_several(value: Value | None) -> Sequence[Value]:
    """Return the values of a list, or the one that stands in its place."""
    if value is None:
        return ()
    return value.data if isinstance(value.data, tuple) else (value,)


def _items(value: Value | None) -> Iterable[Value]:
    items: Any = value.data if value is not None and isinstance(value.data, tuple) else ()
    return items  # type: ignore[no-any-return]
