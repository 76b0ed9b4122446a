"""Write the resolved spec of a network: what it is after its bases, imports, edits and settings.

It is folded along the names of the network, and has all of them: a block call stays one, and what
was a loop is one again where its steps are still alike. Each spec is loaded again and compared with
the network. Where a name would change, it is folded less, in the end not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archspec.backends.spec_yaml import to_spec
from archspec.errors import ArchspecError
from archspec.folding.document import write_document
from archspec.folding.items import Sequence
from archspec.folding.loops import Looped
from archspec.folding.nesting import Nesting, finish
from archspec.folding.recipes import add_recipe
from archspec.folding.regions import Reader, Unfoldable, to_groups
from archspec.folding.scope_parts import ScopePart
from archspec.folding.unfolding import UnifiedBody
from archspec.folding.values import MISSING
from archspec.graph import Graph, canonical_order
from archspec.pipeline import loads


def write_resolved(graph: Graph, flat: bool = False) -> str:
    """Return the resolved spec of a graph as YAML.

    flat: whether each layer is a step, in groups alone.
    """
    for text in _list_texts(graph, flat):
        if has_same_names(graph, text):
            return text
    raise AssertionError(f"the resolved spec of {graph.name} is another network")


def has_same_names(graph: Graph, text: str) -> bool:
    """Return whether a spec is a network, with the names of its layers, inputs and outputs."""
    try:
        other = loads(text, graph.name)
    except ArchspecError:
        return False
    return (
        (other.fingerprint, other.inputs, other.outputs, other.name)
        == (graph.fingerprint, graph.inputs, graph.outputs, graph.name)
        and canonical_order(other) == canonical_order(graph)
        and other.train == graph.train
    )


def _list_texts(graph: Graph, flat: bool) -> Iterator[str]:
    """Yield specs of a network, the shortest first."""
    if not flat:
        yield from _try(graph, with_blocks=True, with_loops=True)
        yield from _try(graph, with_blocks=True, with_loops=False)
    yield from _try(graph, with_blocks=False, with_loops=False)
    if flat:  # in a group a name may hide another, which in a block is the input
        yield from _try(graph, with_blocks=True, with_loops=False)


def _try(graph: Graph, with_blocks: bool, with_loops: bool) -> Iterator[str]:
    """Yield the spec of a network if there is one that is folded so far."""
    reader = Reader(graph, with_blocks)
    while True:
        try:
            yield _Folding(reader, with_loops).write()
            return
        except Unfoldable as reason:
            if not reason.path or reason.path in reader.groups:
                return
            reader.groups.add(reason.path)
            reader.calls.clear()


class _Folding:
    def __init__(self, reader: Reader, with_loops: bool) -> None:
        self.reader = reader
        self.nesting = Nesting(with_loops)
        self.with_loops = with_loops
        self.bodies: dict[str, UnifiedBody] = {}
        self.inputs: dict[str, tuple[str, ...]] = {}

    def write(self) -> str:
        """Return the spec. Raises `Unfoldable`."""
        reader = self.reader
        graph = reader.graph
        for scope in reader.list_scopes():  # what is referred to has a written name
            reader.read(scope)
        for title, parts in reader.list_blocks().items():
            reader.find_names()
            self._make_block(title, parts)
        reader.find_names()
        is_last = graph.outputs == (reader.root.parts[-1].output,)
        outputs = [] if is_last else [reader.refer(each, reader.root) for each in graph.outputs]
        reader.find_names()
        main = to_groups(reader.read(reader.root))
        if self.with_loops:
            body = self.nesting.unify([main], [None])
            assert body is not None
            main = body.items
        looped = Looped(main, self.bodies)
        if self.with_loops:
            blocks = {
                name: UnifiedBody(finish(body.items, frozenset(body.params)), body.params)
                for name, body in self.bodies.items()
            }
            looped = Looped(finish(main, frozenset()), blocks)
        spec = to_spec(graph)
        head = {key: value for key, value in spec.items() if key not in ("layers", "outputs")}
        if "inputs" in head:
            head["inputs"] = {
                name: given["shape"] if given["dtype"] == "float32" else given
                for name, given in head["inputs"].items()
            }
        text = write_document(head, looped, None if is_last else outputs, self.inputs)
        return add_recipe(text, graph.train)

    def _make_block(self, title: str, parts: list[ScopePart]) -> None:
        """Make the calls of a block those of one body, or of several where one is not enough."""
        reader = self.reader
        runs = {part.path: reader.read(part) for part in parts}
        groups: list[list[ScopePart]] = [parts]
        known: list[UnifiedBody] = []
        if body := self._unify(parts, runs):
            known.append(body)
        else:
            groups.clear()
            for alike in self._find_alike(parts, runs):
                for place, group in enumerate(groups):
                    if body := self._unify([*group, *alike], runs):
                        group += alike
                        known[place] = body
                        break
                else:
                    body = self._unify(alike, runs)
                    if body is None:
                        raise Unfoldable(alike[0].path)
                    groups.append(alike)
                    known.append(body)
        for place, (group, body) in enumerate(zip(groups, known, strict=True)):
            name = title if place == 0 else f"{title}_{place + 1}"
            if len(group) == 1 < len(parts):
                raise Unfoldable(group[0].path)
            while name in self.bodies:
                name += "_"
            self.bodies[name] = body
            inputs = reader.list_inputs(group[0])
            if inputs:
                self.inputs[name] = inputs
            for at, part in enumerate(group):
                row = {param: values[at] for param, values in body.params.items()}
                arguments = {key: value for key, value in row.items() if value is not MISSING}
                reader.calls[part.path] = name, arguments

    def _find_alike(
        self, parts: list[ScopePart], runs: Mapping[str, Sequence]
    ) -> list[list[ScopePart]]:
        """Return the calls of a block in groups of the same steps."""
        found: dict[str, list[ScopePart]] = {}
        for part in parts:
            found.setdefault(repr((runs[part.path], self._count_channels(part))), []).append(part)
        return list(found.values())

    def _count_channels(self, part: ScopePart) -> int | None:
        """Return the channels of the input of a block; None if it has several."""
        sources = self.reader.list_sources(part)
        return self.reader.count_channels(sources[0]) if len(sources) == 1 else None

    def _unify(self, parts: list[ScopePart], runs: Mapping[str, Sequence]) -> UnifiedBody | None:
        if len({len(self.reader.list_sources(part)) for part in parts}) > 1:
            return None
        channels = [self._count_channels(part) for part in parts]
        params = [part.region.params for part in parts if part.region is not None]
        offered = {
            name: [own.get(name, MISSING) for own in params]
            for name in params[0]
            if not any(isinstance(own.get(name), Mapping) for own in params)
        }
        return self.nesting.unify([runs[part.path] for part in parts], channels, offered)
