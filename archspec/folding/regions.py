"""Turn a graph into sequences along its groups, blocks and branches, and keep every name.

The names of a graph say how its spec was written: `stage1.unit0.main.conv2d` is a layer in a
branch, in a block call, in a group. Each of them is a scope, whose steps are those of the spec.
What the wiring alone shows, as branches without names, is found within each scope.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from archspec.expand.scopes import snake_case
from archspec.folding.arguments import read_arguments
from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Item,
    LayerItem,
    LoopItem,
    PathItem,
    Sequence,
)
from archspec.folding.scope_parts import ScopePart, read_parts
from archspec.graph import Graph, Node
from archspec.layers import LAYERS

INPUTS = ("x", "y", "z")  # of a block that has several, whose names no graph knows
ONLY = "only"  # the merge of a branch that is the only one left, which is none


class Unfoldable(Exception):
    """A call cannot be one of a block that others call.

    path: of the call, which must be a group.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Reader:
    """Makes sequences of the parts of a graph.

    groups: the paths of block calls that are written as groups. blocks: the name of the block that
    each call is of, and its arguments, once they are known; [] for none.
    """

    def __init__(self, graph: Graph, with_blocks: bool = True) -> None:
        self.graph = graph
        self.root = read_parts(graph)
        self.reused = {node.reuses for node in graph}
        self.groups: set[str] = set()
        self.calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.names: set[str] = set()  # paths of parts whose names are written
        self.parts = {part.path: part for part in self.root.walk()}
        self.producer = {part.node.name: part for part in self.root.walk() if part.node}
        self.sources: dict[str, tuple[str, ...]] = {}
        self.again: dict[str, str] = {}  # other names of values, by the path of the part
        self.empty: dict[tuple[str, int], tuple[ScopePart, str]] = {}
        for part in self.root.walk():
            if part.kind == "block" and not with_blocks:
                self.groups.add(part.path)
        self._inside = {
            part.path: {node.name for node in part.list_nodes()}
            for part in self.root.walk()
            if part.node is None
        }

    # --- what is known of parts ---

    def is_block(self, part: ScopePart) -> bool:
        """Return whether a part is written as the call of a block."""
        return part.kind == "block" and part.path not in self.groups

    def list_sources(self, part: ScopePart) -> tuple[str, ...]:
        """Return the values that a part takes from outside of it, in the order of their use."""
        if part.path not in self.sources:
            inside = self._inside.get(part.path, set())
            found = (name for node in part.list_nodes() for name in node.inputs)
            self.sources[part.path] = tuple(dict.fromkeys(n for n in found if n not in inside))
        return self.sources[part.path]

    def list_scopes(self) -> list[ScopePart]:
        """Return all that holds steps, but for the calls of blocks whose layers are those of
        others."""
        return [part for part in self._walk_scopes(self.root) if part.node is None]

    def _walk_scopes(self, part: ScopePart) -> Iterator[ScopePart]:
        yield part
        for inner in part.parts:
            if not (self.is_block(inner) and self.is_reused(inner)):
                yield from self._walk_scopes(inner)

    def list_blocks(self) -> dict[str, list[ScopePart]]:
        """Return the calls of each block by its name, those inside others first."""
        found: dict[str, list[ScopePart]] = defaultdict(list)
        for part in self.list_scopes():
            if self.is_block(part) and part.region is not None:
                found[part.region.title].append(part)
        inner = {
            title: {
                each.region.title
                for part in parts
                for each in part.walk()
                if each is not part and each.region is not None and self.is_block(each)
            }
            for title, parts in found.items()
        }
        ordered: dict[str, list[ScopePart]] = {}
        while len(ordered) < len(found):
            ready = [t for t in found if t not in ordered and inner[t] <= ordered.keys()]
            if not ready:  # blocks that call themselves
                for title in found.keys() - ordered.keys():
                    self.groups |= {part.path for part in found.pop(title)}
                continue
            ordered |= {title: found[title] for title in ready}
        return ordered

    def list_inputs(self, part: ScopePart) -> tuple[str, ...]:
        """Return the names of the inputs of a block; () for the one input."""
        count = len(self.list_sources(part))
        return INPUTS[:count] if count > 1 else ()

    # --- names ---

    def refer(self, value: str, scope: ScopePart) -> str:
        """Return what a step in a scope calls a value. Raises `Unfoldable` if it cannot see it."""
        around: ScopePart | None = scope
        while around is not None:
            if self.is_block(around):
                sources = self.list_sources(around)
                if value in sources:
                    return (self.list_inputs(around) or ("input",))[sources.index(value)]
            if value in self.producer and self.producer[value].is_inside(around):
                return self._write_path(self.producer[value], around, scope)
            if self.is_block(around):
                raise Unfoldable(around.path)
            around = around.parent
        return value  # an input of the network

    def _write_path(self, part: ScopePart, around: ScopePart, scope: ScopePart) -> str:
        way = [part]
        while way[0].parent is not around:
            assert way[0].parent is not None
            way.insert(0, way[0].parent)
        # The name of a group or block stands for its last value.
        for place, each in enumerate(way[:-1]):
            if each.output == part.output and not scope.is_inside(each):
                way = way[: place + 1]
                break
        self.names |= {each.path for each in way}
        if len(way) == 1 and self._is_hidden(part=way[0], scope=scope):
            return self._name_again(way[0])
        return ".".join(each.name for each in way)

    def _is_hidden(self, part: ScopePart, scope: ScopePart) -> bool:
        """Return whether another step of the name of a part is nearer to a scope."""
        around: ScopePart | None = scope
        while around is not None and not part.is_inside(around):
            if any(each.name == part.name for each in around.parts):
                return True
            around = around.parent
        return False

    def _name_again(self, part: ScopePart) -> str:
        """Return another name for the value of a part, which no step has."""
        if part.path not in self.again:
            taken = {each.name for each in self.parts.values()} | {*self.again.values()}
            name = f"{part.name}_value"
            while name in taken:
                name += "_"
            self.again[part.path] = name
        return self.again[part.path]

    def find_names(self) -> None:
        """Find the names that must be written, since no step would be called so by itself.

        What has a written name in one call of a block has it in all of them.
        """
        self._find_own_names()
        roles: dict[tuple[str, ...], list[ScopePart]] = defaultdict(list)
        for scope in self.list_scopes():
            for part in scope.parts:
                roles[self._find_role(part)].append(part)
        for parts in roles.values():
            if any(part.path in self.names for part in parts):
                self.names |= {part.path for part in parts}
        self._find_own_names()

    def _find_role(self, part: ScopePart) -> tuple[str, ...]:
        """Return what a part is, in all calls of its block and all iterations of a loop."""
        role = [part.name]
        around = part.parent
        while around is not None and not self.is_block(around):
            role.append(around.name.rstrip("0123456789"))
            around = around.parent
        title = "" if around is None or around.region is None else around.region.title
        return (title, *role)

    def _find_own_names(self) -> None:
        for scope in self.list_scopes():
            for part in scope.parts:
                named = part.node.named if part.node else part.region and part.region.named
                if named or not (part.node or self.is_block(part)) or self.is_reused(part):
                    self.names.add(part.path)
            changed = True
            while changed:
                changed = False
                taken = {part.name for part in scope.parts if part.path in self.names}
                numbers: dict[str, int] = defaultdict(int)
                for part in scope.parts:
                    if part.path in self.names:
                        continue
                    base = self._name_itself(part)
                    while (name := f"{base}_{numbers[base]}".removesuffix("_0")) in taken:
                        numbers[base] += 1
                    numbers[base] += 1
                    if name != part.name:
                        self.names.add(part.path)
                        changed = True

    def _name_itself(self, part: ScopePart) -> str:
        if part.node is not None:
            return snake_case(part.node.op)
        assert part.region is not None
        return self.calls.get(part.path, (part.region.title, {}))[0]

    def is_reused(self, part: ScopePart) -> bool:
        """Return whether the layers of a part are all those of others."""
        return all(node.reuses for node in part.list_nodes())

    def _name(self, part: ScopePart) -> str | None:
        return part.name if part.path in self.names else None

    # --- sequences ---

    def read(self, scope: ScopePart) -> Sequence:
        """Return the steps of a scope. Raises `Unfoldable` where a block cannot be one."""
        while True:
            known = len(self.names) + len(self.again)
            items = self._read_scope(scope)
            if len(self.names) + len(self.again) == known:
                return items  # else a step has got a name that another refers to

    def _read_scope(self, scope: ScopePart) -> Sequence:
        last: str | None = None
        if scope is self.root:
            last = self.graph.inputs[0] if len(self.graph.inputs) == 1 else None
        else:
            sources = self.list_sources(scope)
            last = sources[0] if len(sources) == 1 else None
        return self._read_parts(scope, scope.parts, last)

    def _read_parts(self, scope: ScopePart, parts: list[ScopePart], last: str | None) -> Sequence:
        spans = [
            (place, *found)
            for place in range(len(parts))
            if (found := self._find_branches(scope, parts, place, last))
        ]
        outer = {}
        end = len(parts)
        for place, start, value, paths in reversed(spans):
            if place < end:
                outer[start] = place, value, paths
                end = start
        items: list[Item] = []
        place = 0
        while place < len(parts):
            if place in outer:
                merge, value, paths = outer[place]
                items.append(self._read_branches(scope, parts[merge], value, paths, last))
                place = merge
            else:
                items += self._read_part(scope, parts[place], last)
            if name := self.again.get(parts[place].path):
                items.append(LayerItem(op="from", sources="previous", name=name))
            last = parts[place].output
            place += 1
        return tuple(items)

    def _takes_other(self, part: ScopePart, last: str | None) -> bool:
        """Return whether the first step of a group takes one value, and not the one before it."""
        first = part.parts[0]
        while first.parts and not self.is_block(first):
            if first.kind == "branch":
                return False
            first = first.parts[0]
        node = part.first
        only = len(node.inputs) == 1 and not node.slots and LAYERS[node.op].takes != "list"
        return only and node.inputs[0] != last

    def _read_part(self, scope: ScopePart, part: ScopePart, last: str | None) -> list[Item]:
        if part.node is not None:
            return [self._read_layer(scope, part, part.node, last)]
        if self.is_block(part):
            return [self._read_call(scope, part, last)]
        before: list[Item] = []
        if self._takes_other(part, last):
            last = part.first.inputs[0]
            if last not in self._inside[part.path]:
                before = [LayerItem(op="from", sources=self.refer(last, scope))]
        items = self._read_parts(part, part.parts, last)
        if part.kind == "branch" and not before:
            merge = LayerItem(op=ONLY)
            return [BranchesItem(paths=(PathItem(items, key=part.name),), merge=merge)]
        return [*before, LoopItem(items=items, count=None, name=part.name)]

    def _read_layer(
        self, scope: ScopePart, part: ScopePart, node: Node, last: str | None
    ) -> LayerItem:
        sources: Any = None
        names = [self._refer_from(scope, value, last) for value in node.inputs]
        if node.slots:
            sources = dict(zip(node.slots, names, strict=True))
        elif LAYERS[node.op].takes == "list":
            sources = names
        elif names != ["previous"]:
            sources = names[0]
        return LayerItem(
            op=node.op,
            arguments={}
            if node.reuses
            else read_arguments(self.graph, node, node.name in self.reused),
            call=dict(node.call),
            sources=sources,
            reuses=self._refer_owner(self.producer[node.reuses], scope) if node.reuses else None,
            name=self._name(part),
        )

    def _refer_owner(self, part: ScopePart, scope: ScopePart) -> str:
        """Return what a scope calls the layer or block that it calls again."""
        around: ScopePart = scope
        while not part.is_inside(around):
            if self.is_block(around) or around.parent is None:
                raise Unfoldable(around.path)
            around = around.parent
        way = [part]
        while way[0].parent is not around:
            assert way[0].parent is not None
            way.insert(0, way[0].parent)
        self.names |= {each.path for each in way}
        return ".".join(each.name for each in way)

    def _refer_from(self, scope: ScopePart, value: str, last: str | None) -> str:
        return "previous" if value == last else self.refer(value, scope)

    def count_channels(self, name: str) -> int | None:
        shape = self.graph.shape(name)
        return shape[-1] if len(shape) > 1 else None

    def _read_call(self, scope: ScopePart, part: ScopePart, last: str | None) -> Item:
        sources = self.list_sources(part)
        if len(sources) not in (1, 2, 3):
            raise Unfoldable(part.path)
        names: Any = [self._refer_from(scope, value, last) for value in sources]
        written = names if len(names) > 1 else None if names == ["previous"] else names[0]
        if part.region is not None and self.is_reused(part):
            owner = self._find_owner(part)
            return LayerItem(
                op=part.parts[-1].list_nodes()[-1].op,
                sources=written,
                reuses=self._refer_owner(owner, scope),
                name=part.name,
            )
        assert part.region is not None
        block, arguments = self.calls.get(part.path, (part.region.title, {}))
        return CallItem(
            block=block,
            arguments=arguments,
            sources=written,
            name=self._name(part),
        )

    def _find_owner(self, part: ScopePart) -> ScopePart:
        """Return the block call whose layers another call has again."""
        node = part.first
        assert node.reuses is not None
        suffix = node.name.removeprefix(part.path)
        owner = self.parts.get(node.reuses.removesuffix(suffix))
        same = owner is not None and [
            f"{owner.path}{each.name.removeprefix(part.path)}" for each in part.list_nodes()
        ] == [each.reuses for each in part.list_nodes()]
        if owner is None or not same or not self.is_block(owner):
            raise Unfoldable(part.path)
        return owner

    # --- branches ---

    def _find_branches(
        self, scope: ScopePart, parts: list[ScopePart], place: int, last: str | None
    ) -> Any:
        """Return where branches begin that a layer joins, the value that they take, and the parts
        of each, with its name; None if it joins none."""
        node = parts[place].node
        if node is None or len({*node.inputs}) < 2 or node.slots or node.reuses or node.call:
            return None
        if LAYERS[node.op].takes != "list":
            return None
        return self._find_named(parts, place, node, last) or self._find_unnamed(
            scope, parts, place, node
        )

    def _find_named(self, parts: list[ScopePart], place: int, node: Node, last: str | None) -> Any:
        start = place
        while start > 0 and parts[start - 1].kind == "branch":
            start -= 1
        while start < place:
            branches = list(parts[start:place])
            takes = [branch.first.inputs[0] for branch in branches]
            before = parts[start - 1].output if start else last
            value = before if before in takes else takes[0]
            found: list[Any] = []
            inside = {name for each in branches for name in self._inside[each.path]}
            for name in node.inputs:
                if branches and branches[0].output == name:
                    found.append((branches[0].name, [branches.pop(0)], None))
                elif name not in inside:
                    found.append(("", [], None if name == value else name))
            if not branches and len(found) == len(node.inputs):
                return start, value, found
            start += 1
        return None

    def _find_unnamed(
        self, scope: ScopePart, parts: list[ScopePart], place: int, node: Node
    ) -> Any:
        end = place - 1
        # Each value that the last branch may take is tried as that of all.
        for start in range(end, -1, -1):
            sources = self._list_outer(parts[start : end + 1])
            if len(sources) == 1 and (found := self._cut(parts, place, node, next(iter(sources)))):
                first, paths = found
                full = [path for path in paths if path[1]]
                if len(full) < 2 and self._has_name(next(iter(sources)), scope):
                    return None
                return first, next(iter(sources)), paths
        return None

    def _has_name(self, value: str, scope: ScopePart) -> bool:
        """Return whether a scope sees a value under a name that is written anyway, as that of a
        block's input."""
        if value in self.graph.inputs:
            return True
        around: ScopePart | None = scope
        while around is not None and not self.is_block(around):
            around = around.parent
        if around is not None and value in self.list_sources(around):
            return True
        part = self.producer[value]
        while part.parent is not None and part.parent.output == value:
            if scope.is_inside(part.parent):
                break
            part = part.parent
        return part.path in self.names and not self._is_hidden(part, scope)

    def _list_outer(self, parts: list[ScopePart]) -> set[str]:
        """Return the values that parts take from before them."""
        inside = {node.name for part in parts for node in part.list_nodes()}
        return {name for part in parts for name in self.list_sources(part)} - inside

    def _cut(self, parts: list[ScopePart], place: int, node: Node, value: str) -> Any:
        """Return the start and the parts of branches that take a value; None if they do not."""
        paths: list[Any] = []
        end = place
        for name in reversed(node.inputs):
            if name == value:
                paths.insert(0, ("", [], None))
                continue
            if end == 0 or parts[end - 1].output != name:
                return None
            start = end - 1
            while start > 0 and self._list_outer(parts[start:end]) != {value}:
                start -= 1
            if self._list_outer(parts[start:end]) != {value}:
                return None
            paths.insert(0, ("", parts[start:end], None))
            end = start
        return (end, paths) if end < place else None

    def _read_branches(
        self, scope: ScopePart, merge: ScopePart, value: str, paths: Any, last: str | None
    ) -> BranchesItem:
        assert merge.node is not None
        is_named = any(key for key, _, _ in paths)
        written = []
        for place, (key, parts, other) in enumerate(paths):
            if not parts:
                key = self._name_empty(scope, merge, place)
                items: Sequence = ()
                if other is not None:
                    items = (LayerItem(op="from", sources=self.refer(other, scope)),)
            elif is_named:
                items = self._read_branch(scope, parts[0], value)
            else:
                items = self._read_parts(scope, parts, value)
            written.append(PathItem(items, key=key if is_named else None))
        layer = LayerItem(
            op=merge.node.op,
            arguments=read_arguments(self.graph, merge.node, merge.node.name in self.reused),
            name=self._name(merge),
        )
        return BranchesItem(
            paths=tuple(written),
            merge=layer,
            sources=None if value == last else self.refer(value, scope),
        )

    def _name_empty(self, scope: ScopePart, merge: ScopePart, place: int) -> str:
        """Return the name of a branch without steps, which no layer has in its own."""
        what = (merge.path, place)
        if what not in self.empty:
            taken = {part.name for part in scope.parts}
            taken |= {name for around, name in self.empty.values() if around is scope}
            names = (f"shortcut{number or ''}" for number in (0, *range(2, len(taken) + 3)))
            self.empty[what] = scope, next(name for name in names if name not in taken)
        return self.empty[what][1]

    def _read_branch(self, scope: ScopePart, part: ScopePart, value: str) -> Sequence:
        if not self._takes_other(part, value):
            return self._read_parts(part, part.parts, value)
        other = part.first.inputs[0]
        back = LayerItem(op="from", sources=self.refer(other, scope))
        return (back, *self._read_parts(part, part.parts, other))


def to_groups(items: Sequence) -> Sequence:
    """Return steps in which a branch that is the only one left is a group."""
    result: list[Item] = []
    for item in items:
        if isinstance(item, BranchesItem):
            paths = tuple(replace(path, items=to_groups(path.items)) for path in item.paths)
            if item.merge.op == ONLY:
                result.append(LoopItem(items=paths[0].items, count=None, name=paths[0].key))
                continue
            item = replace(item, paths=paths)
        elif isinstance(item, LoopItem):
            item = replace(item, items=to_groups(item.items))
        result.append(item)
    return tuple(result)
