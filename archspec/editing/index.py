"""Find the names in a spec and its files, by the scopes of the language.

First all files are walked, which gives each scope its names; then edits are matched with the steps
that they are for, and give these others; at last every reference is looked for in its scope.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from archspec.editing.edit_walker import EditWalker
from archspec.editing.marks import MarkMaker
from archspec.editing.names import Template
from archspec.editing.references import References
from archspec.editing.scopes import LAST, BlockNames, FileNames, Place, StepName, StepScope
from archspec.editing.step_walker import StepWalker
from archspec.editing.values import items_of, iter_texts, one_or_several
from archspec.errors import Span
from archspec.expand.origins import SAME
from archspec.loading.shipped import is_bare
from archspec.recipe.of_graph import BY_NAME, BY_OUTPUT
from archspec.syntax.source import Document, Value

Find = Callable[[Value, Document], Document | None]
WATCHES = ("monitor", "best")  # the words of a recipe that name a measure of an output


class Index:
    """The names of a document, and of all files that it stands on.

    places: what is seen from each step, by its span. links: the files that words name. loops: the
    variables of each `for`, by the place of this word.
    """

    def __init__(self, document: Document, find: Find) -> None:
        self.document = document
        self._marks = MarkMaker()
        self._references = References(self._marks)
        self._steps = StepWalker(self._marks, self._references)
        self._edits = EditWalker(self._steps)
        self.names = self._marks.names
        self.places, self.loops = self._steps.places, self._steps.loops
        self.links: dict[Span, Document] = {}
        self._find = find
        self._families: dict[int, FileNames] = {}
        self.home = self._read_family(document, ())
        self._references.resolve_all()

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
            self._marks.define("param", name, span, home.params)
            home.values[name] = value
        imports = root.get("import")
        for each in items_of(imports):
            library = self._follow(each, document)
            if library is None or id(library) in above:
                continue
            blocks = self._read_family(library, above).blocks
            name = str(each.data)
            if not is_bare(name):
                home.blocks |= blocks
            elif name in blocks:
                home.blocks[name] = blocks[name]
                self._marks.use("block", name, each.span, blocks[name].mark)
        for name, span, value in root.entries_of("blocks"):
            known = home.blocks.get(name)
            if value.data is None:
                if known is not None:
                    self._marks.use("block", name, span, known.mark)
                    del home.blocks[name]
                continue
            mark = self._marks.mark("block", name, span, defines=True)
            block = BlockNames(mark, home)
            if known is not None:
                self.names.tie(known.mark, mark)
                block.params |= known.params
                if not value.get("layers"):  # those of the block that it is laid over
                    block.scope = known.scope
            for param, at, _ in value.entries_of("params"):
                self._marks.define("param", param, at, block.params)
            home.blocks[name] = block

    def _walk_file(self, root: Value, home: FileNames) -> None:
        """Walk what a file says with its names."""
        file = Place(home.inputs, home, (home.params,), order=LAST)
        if (layers := root.get("layers")) is not None:
            home.top = StepScope(home.inputs)
        top = replace(file, scope=home.top)
        for name, span, value in root.entries_of("inputs"):
            step = StepName(
                self._marks.mark("step", name, span, defines=True), Template(name), file
            )
            for each in home.inputs.steps:
                if each.template.text == name:
                    self.names.tie(each.mark, step.mark)
            home.inputs.steps.append(step)
            self._references.tie_names(value, file)
        for word in ("params", "input", "defaults"):
            if (value_ := root.get(word)) is not None:
                self._references.tie_names(value_, file)
        for text, span, _ in root.entries_of("require"):
            self._references.tie_names(Value(text, span), file)
        for name, _, value in root.entries_of("blocks"):
            if name in home.blocks and isinstance(value.data, dict):
                self._walk_block(value, home.blocks[name], home)
        if layers is not None:
            self._steps.walk_body(layers, replace(top, order=0))
        for output in items_of(root.get("outputs")):
            home.outputs.append(str(output.data))
            self._references.refer(output, top)
        for edit in items_of(root.get("edit")):
            self._edits.walk_edit(edit, top)
        self._walk_train(root.get("train"), top)

    def _walk_train(self, train: Value | None, top: Place) -> None:
        """Walk a recipe, whose losses and the like are given by the names of outputs."""
        if train is None:
            return
        self._references.tie_names(train, top)
        for word, text in iter_texts(train):
            if word in WATCHES:
                self._references.refer_measure(text, top)
        data = train.get("data")
        given = [train.get(word) for word in BY_OUTPUT]
        given += [data.get(word) for word in BY_NAME] if data is not None else []
        for each in given:
            for name, span, _ in each.entries() if each is not None else ():
                self._references.refer(Value(name, span), top, known_only=True)
        for pattern in one_or_several(train.get("freeze")):
            self._edits.match(pattern, top.scope)

    def _walk_block(self, block: Value, names: BlockNames, home: FileNames) -> None:
        file = Place(names.scope, home, (home.params,), order=LAST)
        own = block.get("params")
        params = {
            name: mark for name, mark in names.params.items() if own is None or name not in own.data
        }
        for name, span, default in block.entries_of("params"):
            # `==` is the file's param; a formula may name those before it.
            place = file if default.data == SAME else file.with_frame(params)
            self._references.tie_names(default, place, (name, span))
            params = {**params, name: names.params[name]}
        inside = file.with_frame(names.params)
        for each in items_of(block.get("inputs")):
            if isinstance(each.data, str):
                mark = self._marks.mark("step", each.data, each.span, defines=True)
                names.scope.steps.append(StepName(mark, Template(each.data), inside))
        if (defaults := block.get("defaults")) is not None:
            self._references.tie_names(defaults, inside)
        if (layers := block.get("layers")) is not None:
            self._steps.walk_body(layers, replace(inside, order=0))


def _root(document: Document) -> Value:
    """Return what is readable of a document."""
    nothing = Span(document.source, 1, 1, 1, 1)
    return document.rest if document.rest is not None else Value({}, nothing)
