"""Join edits of the same kind in one row, as a table of differences has it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import zip_longest
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from archspec import notation
from archspec.differences.difference import Difference
from archspec.differences.edits import EditKind, GraphEdit, list_given
from archspec.differences.marks import freeze, is_any_order
from archspec.differences.patterns import Names, stem_of, write_names
from archspec.differences.values import find_effective, write_pair, write_value
from archspec.graph import Graph, Node, sum_or_none
from archspec.layers import LAYERS

FEW = 4  # layers of a group that are listed by class, and that others come after
NAMES = 6  # rows of names, beyond which they are counted
MOST = 4  # values of an argument that are listed
EVERY = 2  # patterns; where there are more, and all layers of a class are meant, it is said so;
# or values that these have in common, if all with these are meant

# Numbers within the names of Keras, with the letter of a block: `block7a_project_bn`.
COUNTED = re.compile(r"_?[0-9]+([a-z](?=_|$))?")

RowKind = EditKind | Literal["several", "follow"]


class Row(Struct, frozen=True, eq=False):
    """Edits that are one for a reader.

    kind: of the edits; `several` for those of a folded scope, `follow` for the layers that follow
    in shape. where: patterns of the names that are meant. what: the edit in words. times: how often
    it is made. params, macs: what all of them together add; macs None if unknown. edits: their
    places among the edits of the difference. there: patterns of the names that a Keras model has
    for what `where` says in a spec's.
    """

    kind: RowKind
    where: tuple[str, ...]
    what: str
    times: int
    params: int
    macs: int | None
    edits: tuple[int, ...] = ()
    there: tuple[str, ...] = ()


class _Unit(Struct, frozen=True, eq=False):
    """One or more edits that are always in one row: of a layer, or of a whole scope.

    key: equal for units of one row. name: of the layer or scope. write: the row's words, of all its
    units.
    """

    key: Hashable
    name: str
    edits: tuple[int, ...]
    write: Callable[[Sequence[_Unit]], str]


def make_rows(
    difference: Difference, depth: int | None = None, full: bool = False
) -> tuple[Row, ...]:
    """Return the rows of a difference in the order of the network, the costs of all of which add up
    to those of the whole.

    depth: edits in scopes that are nested deeper than this are one row by scope. full: whether each
    edit has a row of its own.
    """
    maker = _Maker(difference)
    if full:
        units = maker.list_single()
        rows = [maker.make_row([unit], full) for unit in units]
    elif depth is not None:
        rows = maker.fold(depth)
    else:
        rows = [maker.make_row(units) for units in _group(maker.list_units())]
    renamed = [row for row in rows if row.kind == "renamed"]
    rows = [row for row in rows if row.kind != "renamed"]
    rows += renamed if full or len(renamed) <= NAMES else [_sum_up(renamed)]
    follow = difference.follow
    if follow.names:
        count = len(follow.names)
        words = "1 layer follows in shape" if count == 1 else f"{count} layers follow in shape"
        rows.append(Row("follow", (), words, count, follow.params, follow.macs))
    return tuple(rows)


def _sum_up(renamed: Sequence[Row]) -> Row:
    """Return one row for names of which there are many."""
    count = sum(row.times for row in renamed)
    edits = tuple(sorted(index for row in renamed for index in row.edits))
    return Row("renamed", (), f"{count:,} layers and groups have other names", count, 0, 0, edits)


def _group(units: Iterable[_Unit]) -> list[list[_Unit]]:
    groups: dict[Hashable, list[_Unit]] = {}
    for unit in units:
        groups.setdefault(unit.key, []).append(unit)
    return sorted(groups.values(), key=lambda each: each[0].edits[0])


class _Maker:
    """Makes the rows of one difference."""

    def __init__(self, difference: Difference) -> None:
        self.difference = difference
        self.a, self.b = difference.a, difference.b
        self.names = {"a": Names.of(self.a), "b": Names.of(self.b)}
        self.there = set(difference.pairs.values())
        # Beside a spec, what a Keras model alone has is told by its place among the spec's names.
        self.model = ("a" if difference.models[0] else "b") if difference.is_across else None
        back = {y: x for x, y in difference.pairs.items()}
        self.spec_names = difference.pairs if self.model == "a" else back
        self.places: dict[str, Hashable] = {}
        self.numbers: dict[Hashable, int] = {}

    def make_row(self, units: Sequence[_Unit], full: bool = False) -> Row:
        indexes = tuple(sorted(index for unit in units for index in unit.edits))
        edits = [self.difference.edits[index] for index in indexes]
        kind = edits[0].kind
        names = [unit.name for unit in units if unit.name]
        there: list[str] = []
        if self.model and kind in ("changed", "replaced", "rewired"):
            written = {
                "a": write_names((each.a or "" for each in edits), self.names["a"]),
                "b": write_names((each.b or "" for each in edits), self.names["b"]),
            }
            there = written.pop(self.model)
            (where,) = written.values()
        else:
            where = write_names(names, self.names[_side(kind)], kind != "renamed")
        what = units[0].write(units)
        if self.is_of_model(kind) and kind in ("added", "removed"):
            what += self.write_place_of(edits)
        elif kind == "added":
            what += self.write_taken(units, full)
        if len(where) > EVERY and (every := self.find_every(edits)):
            where, there, what = [every], [], what.removeprefix(f"{edits[0].op[0]} ")
        return Row(
            kind,
            tuple(where),
            what,
            len(units),
            sum(each.params for each in edits),
            sum_or_none(each.macs for each in edits),
            indexes,
            tuple(there),
        )

    # --- a spec and a Keras model ----------------------------------------------------------------

    def is_of_model(self, kind: EditKind) -> bool:
        """Return whether edits of a kind are named as the Keras model beside a spec names them."""
        return self.model == _side(kind)

    def find_place(self, name: str) -> Hashable:
        """Return what is equal for layers of the Keras model at like places: the name of the spec
        without its numbers; for a layer that the spec lacks its class and what it takes, and behind
        other such layers its own name without numbers, and its arguments."""
        if name not in self.places:
            graph = self.a if self.model == "a" else self.b
            for node in graph:
                if node.name in self.spec_names:
                    self.places[node.name] = stem_of(self.spec_names[node.name])
                else:
                    place: Hashable = (node.op, *(self.places[each] for each in node.inputs))
                    if not any(each in self.spec_names for each in node.inputs):
                        arguments = freeze(graph.normal_arguments(node))
                        place = (node.op, COUNTED.sub("", node.name), arguments)
                    self.places[node.name] = self.numbers.setdefault(place, len(self.numbers))
        return self.places[name]

    def say(self, name: str) -> str:
        """Return a name of the second side; that of the spec for one of a Keras model."""
        return self.spec_names.get(name, name) if self.model == "b" else name

    def stems(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(stem_of(self.say(name)) for name in names)

    def write_place_of(self, edits: Sequence[GraphEdit]) -> str:
        """Return what layers that the Keras model alone has take, by the names of the spec: `,
        after stage*.unit*.conv2d`; nothing of those that take only what the spec lacks as well."""
        side, spec = (0, "b") if self.model == "a" else (1, "a")
        taken = [name for edit in edits for name in edit.inputs[side] if name in self.spec_names]
        found = write_names((self.spec_names[name] for name in taken), self.names[spec])
        return f", after {', '.join(found)}" if 0 < len(found) <= EVERY else ""

    def tell(self, names: Iterable[str]) -> list[str]:
        """Return patterns of names of the second side; those of a Keras model beside a spec by the
        names of the spec where it has them."""
        names = [*names]
        if self.model != "b":
            return write_names(names, self.names["b"])
        known = [self.spec_names[each] for each in names if each in self.spec_names]
        others = [each for each in names if each not in self.spec_names]
        return [*write_names(known, self.names["a"]), *write_names(others, self.names["b"])]

    def write_taken(self, units: Sequence[_Unit], full: bool) -> str:
        """Return what all of what is added takes: `, after conv0`, or ` of conv0 and add` for a
        merge; of several that take others, a few names in full.

        Nothing of layers that take only what has been added as well, as the rows of these say it,
        but for a merge where each edit has a row (`full`).
        """
        taken = [self.difference.edits[unit.edits[0]].inputs[1] for unit in units]
        is_merge = any(len(each) > 1 for each in taken)
        is_known = any(name in self.there for names in taken for name in names)
        if not (is_known or (is_merge and full)):
            return ""
        seen = {
            tuple(notation.name_from(unit.name, name) for name in names)
            for unit, names in zip(units, taken, strict=True)
        }
        if is_merge:
            is_one = len(seen) == 1 and all(len(unit.edits) == 1 for unit in units)
            return f" of {_join_and(*seen)}" if is_one else ""
        if len(seen) == 1:
            return f", after {seen.pop()[0]}"
        names = {name: None for each in taken for name in each}
        few = write_names(names, self.names["b"]) if len(names) <= FEW else []
        return f", after {', '.join(few)}" if few else ""

    def find_every(self, edits: Sequence[GraphEdit]) -> str | None:
        """Return `every Conv2D` if edits are for all layers of a class, `every Activation relu` if
        they are for all that have the values that change; None if they are for others."""
        kind, op = edits[0].kind, edits[0].op[0]
        if kind not in ("changed", "replaced") or any(each.op[0] != op for each in edits):
            return None
        met = {each.a for each in edits}
        others = [node for node in self.a if node.op == op and node.name not in met]
        if not others:
            return f"every {op}"
        old = {name: values[0] for name, values in edits[0].arguments.items()}
        is_one = all(each.arguments == edits[0].arguments for each in edits)
        if kind == "replaced" or not is_one or not 0 < len(old) <= EVERY:
            return None
        for node in others:
            arguments = self.a.normal_arguments(node)
            if all(arguments.get(name) == value for name, value in old.items()):
                return None
        words = [
            " ".join([*([name] if name != op.lower() else []), write_value(value, name)])
            for name, value in old.items()
        ]
        return f"every {op} {', '.join(words)}"

    # --- units -----------------------------------------------------------------------------------

    def list_single(self) -> list[_Unit]:
        """Return each edit as a unit of its own."""
        return [
            replace(self.make_unit(index, each), key=index)
            for index, each in enumerate(self.difference.edits)
        ]

    def list_units(self) -> list[_Unit]:
        """Return the edits as units; those of a scope that is on one side alone are one."""
        units = []
        whole = {
            **self.find_whole(self.b, "added"),
            **self.find_whole(self.a, "removed"),
        }
        scopes: dict[tuple[EditKind, str], list[int]] = {}
        for index, each in enumerate(self.difference.edits):
            path = whole.get((each.kind, _name(each)))
            if path is None:
                units.append(self.make_unit(index, each))
            else:
                scopes.setdefault((each.kind, path), []).append(index)
        for (kind, path), indexes in scopes.items():
            units.append(self.make_scope_unit(kind, path, tuple(indexes)))
        return units

    def find_whole(self, graph: Graph, kind: EditKind) -> dict[tuple[EditKind, str], str]:
        """Return the outermost scope around each layer of which all layers are added or removed."""
        names = {_name(each) for each in self.difference.edits if each.kind == kind}
        mixed = {region.path for node in graph if node.name not in names for region in node.regions}
        found = {}
        for name in names:
            path = next((r.path for r in graph[name].regions if r.path not in mixed), None)
            if path is not None:
                found[kind, name] = path
        return found

    def make_scope_unit(self, kind: EditKind, path: str, indexes: tuple[int, ...]) -> _Unit:
        graph = self.b if kind == "added" else self.a
        edits = [self.difference.edits[index] for index in indexes]
        nodes = [graph[_name(each)] for each in edits]
        title = next(r.title for r in nodes[0].regions if r.path == path)
        ops = tuple(node.op for node in nodes)
        is_listed = len(ops) <= FEW
        key = (kind, stem_of(path), title, ops if is_listed or not title else ())

        def write(units: Sequence[_Unit]) -> str:
            if is_listed:
                columns = zip(*map(self.list_nodes, units), strict=True)
                return ", ".join(_describe(column) for column in columns)
            counts = sorted({len(unit.edits) for unit in units})
            layers = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
            return f"{title}, {layers} layers" if title else f"{layers} layers"

        return _Unit(key, path, indexes, write)

    def list_nodes(self, unit: _Unit) -> list[Node]:
        """Return the layers that a unit adds or removes."""
        edits = self.edits_of([unit])
        return [(self.b if each.kind == "added" else self.a)[_name(each)] for each in edits]

    def make_unit(self, index: int, edit: GraphEdit) -> _Unit:
        """Return the unit of one edit."""
        name = _name(edit)
        key: tuple[Hashable, ...]
        write: Callable[[Sequence[_Unit]], str]
        if edit.kind in ("added", "removed"):
            place = self.find_place(name) if self.is_of_model(edit.kind) else stem_of(name)
            key = (edit.kind, place, edit.op)
            write = self.write_layers
        elif edit.kind in ("changed", "replaced"):
            key = (edit.kind, edit.op, _key_of(edit))
            write = self.write_changes
        elif edit.kind == "outputs":
            key, write = ("outputs",), lambda _: _write_outputs(edit)
        elif edit.kind == "rewired":
            order = tuple(self.stems(each) for each in self.find_order(edit) or ())
            rewired = order or tuple(self.stems(sorted(each)) for each in self.find_rewired(edit))
            key = (edit.kind, *self.stems([name]), edit.op, rewired)
            write = self.write_rewired
        else:
            assert edit.b is not None
            there = () if edit.kind == "moved" else stem_of(edit.b)
            key = (edit.kind, stem_of(name), there, edit.op)
            write = self.write_place
        return _Unit(key, name, (index,), write)

    def fold(self, depth: int) -> list[Row]:
        """Return a row for the edits of each scope at a depth, those of like scopes in one."""
        by_scope: dict[tuple[str, str], list[int]] = {}
        for index, each in enumerate(self.difference.edits):
            parts = _name(each).split(".")
            path = ".".join(parts[:depth]) if len(parts) > depth else ""
            by_scope.setdefault((path, "" if path else str(index)), []).append(index)
        rows = []
        alike: dict[tuple[str, str], list[tuple[str, list[int]]]] = {}
        single = []
        for (path, _), indexes in by_scope.items():
            if not path:
                single.append(indexes[0])
                continue
            words = self.count_edits(indexes)
            alike.setdefault((stem_of(path), words), []).append((path, indexes))
        for (_, words), scopes in alike.items():
            indexes = [index for _, each in scopes for index in each]
            edits = [self.difference.edits[index] for index in indexes]
            kinds = {each.kind for each in edits}
            side = "a" if kinds == {"removed"} else "b"
            where = write_names((path for path, _ in scopes), self.names[side])
            macs = sum_or_none(each.macs for each in edits)
            kind: RowKind = edits[0].kind if len(kinds) == 1 else "several"
            costs = (sum(each.params for each in edits), macs)
            rows.append(Row(kind, tuple(where), words, len(scopes), *costs, tuple(indexes)))
        kept = _group(self.make_unit(index, self.difference.edits[index]) for index in single)
        rows += [self.make_row(units) for units in kept]
        return sorted(rows, key=lambda row: row.edits[0])

    def count_edits(self, indexes: Sequence[int]) -> str:
        counts = Counter(self.difference.edits[index].kind for index in indexes)
        return ", ".join(f"{count} {kind}" for kind, count in counts.items())

    # --- words -----------------------------------------------------------------------------------

    def edits_of(self, units: Sequence[_Unit]) -> list[GraphEdit]:
        return [self.difference.edits[index] for unit in units for index in unit.edits]

    def write_layers(self, units: Sequence[_Unit]) -> str:
        """Return what layers are that are added or removed: `Dropout 0.5`."""
        return _describe([each for unit in units for each in self.list_nodes(unit)])

    def write_changes(self, units: Sequence[_Unit]) -> str:
        """Return what changes: `Conv2D use_bias false -> true`."""
        edits = self.edits_of(units)
        op, other = edits[0].op
        own = [] if op == other else [*self.a[edits[0].a or ""].arguments]
        words: list[str] = []
        new: list[str] = []
        for name in edits[0].arguments:
            is_new = op != other and name not in own  # of the new class alone
            pairs = dict.fromkeys(
                write_value(after, name) if is_new else " -> ".join(write_pair(before, after, name))
                for before, after in (self.find_values(each, name) for each in edits)
            )
            listed = ", ".join([*pairs][:MOST] + ["..."] * (len(pairs) > MOST))
            of_class = name == (other if is_new else op).lower()
            says_name = of_class or (name == "shape" and not edits[0].inputs[1])
            (new if is_new else words).append(listed if says_name else f"{name} {listed}")
        if op != other:
            return ", ".join([f"{op} -> {' '.join([other, ', '.join(new)]).strip()}", *words])
        return ", ".join(words) if self.is_called_so(edits) else f"{op} {', '.join(words)}"

    def find_values(self, edit: GraphEdit, name: str) -> tuple[Any, Any]:
        """Return the values of an argument on each side, as they take effect."""
        before, after = edit.arguments[name]
        nodes = self.a[edit.a or ""], self.b[edit.b or ""]
        return find_effective(name, before, nodes[0]), find_effective(name, after, nodes[1])

    def is_called_so(self, edits: Sequence[GraphEdit]) -> bool:
        """Return whether the names of layers say their class: names that Keras would give."""
        names, graph = (each.b for each in edits), self.b
        if self.model == "b":
            names, graph = (each.a for each in edits), self.a
        return not any(graph[name].named for name in names if name is not None)

    def find_rewired(self, edit: GraphEdit) -> tuple[list[str], list[str]]:
        """Return what a layer takes in place of what, by names of the second side where there."""
        pairs = self.difference.pairs
        ours = [pairs.get(each, each) for each in edit.inputs[0]]
        new, old = Counter(edit.inputs[1]) - Counter(ours), Counter(ours) - Counter(edit.inputs[1])
        return [*new], [*old]

    def find_order(self, edit: GraphEdit) -> tuple[list[str], list[str]] | None:
        """Return all that a merge takes and took, as `find_rewired`, where the order of its inputs
        means something and what stays among them is in another place."""
        pairs = self.difference.pairs
        ours, theirs = [pairs.get(each, each) for each in edit.inputs[0]], [*edit.inputs[1]]
        differing = [(x, y) for x, y in zip_longest(ours, theirs) if x != y]
        only_less = [each for each in ours if each in theirs] == theirs
        if only_less or is_any_order(self.b[edit.b or ""]):
            return None
        stays = {x for x, _ in differing if x is not None} & {y for _, y in differing}
        return (theirs, ours) if stays else None

    def write_rewired(self, units: Sequence[_Unit]) -> str:
        edits = self.edits_of(units)
        if self.find_order(edits[0]):
            seen = {
                tuple(
                    ", ".join(
                        notation.name_from(self.say(edit.b or ""), self.say(each)) for each in names
                    )
                    for names in self.find_order(edit) or ()
                )
                for edit in edits
            }
            new, old = seen.pop()
            return "takes its inputs in another order" if seen else f"takes {new} instead of {old}"
        found = [self.find_rewired(each) for each in edits]
        new, old = (
            ", ".join(self.tell(name for each in found for name in each[side])) for side in (0, 1)
        )
        if not new or not old:
            return f"takes {new}, too" if new else f"does not take {old}"
        return f"takes {new} instead of {old}"

    def write_place(self, units: Sequence[_Unit]) -> str:
        """Return where layers are now, or what they are called now."""
        edits = self.edits_of(units)
        names = [each.b for each in edits if each.b is not None]
        if edits[0].kind == "moved":
            there = ", ".join(write_names(names, self.names["b"]))
            return f"{edits[0].op[0]} is at {there} now"
        last = (each.rpartition(".")[2] for each in names)
        return f"is called {', '.join(write_names(last, self.names['b'], False))} now"


def _join_and(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _side(kind: EditKind) -> str:
    return "a" if kind in ("removed", "moved", "renamed") else "b"


def _name(edit: GraphEdit) -> str:
    """Return the name that a row has for an edit."""
    return (edit.a if _side(edit.kind) == "a" else edit.b) or ""


def _key_of(edit: GraphEdit) -> Hashable:
    """Return what is equal for changes of one row: what the arguments become, but for the first
    number among them, as filters are, and others that are the same number, as groups may be: they
    go with the width of a network."""
    is_new = edit.op[0] != edit.op[1]  # then an argument may be of the new class alone
    free = next(
        (
            values
            for values in edit.arguments.values()
            if _is_width(values[1]) and (_is_width(values[0]) or (is_new and values[0] is None))
        ),
        None,
    )
    return tuple(
        (name,) if values[1:] == (free and free[1:]) else (name, *map(freeze, values))
        for name, values in edit.arguments.items()
    )


def _is_width(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _write_outputs(edit: GraphEdit) -> str:
    return f"outputs {', '.join(edit.inputs[0])} -> {', '.join(edit.inputs[1])}"


def _describe(nodes: Sequence[Node]) -> str:
    """Return the class of layers and what they are: `Conv2D 1×1`, `some /2` where only some are.

    Numbers that differ are left out: they go with the width of a network."""
    details = [_list_details(node) for node in nodes]
    common = [each for each in details[0] if all(each in theirs for theirs in details)]
    others = dict.fromkeys(
        ", ".join(each for each in theirs if each not in common and not _is_number(each))
        for theirs in details
    )
    named = [each for each in others if each]
    if len(named) > MOST:
        named = [*named[:MOST], "..."]
    if len(named) > 1:
        words = {each.partition(" ")[0] for each in named if each != "..."}
        if len(words) == 1 and all(" " in each for each in named if each != "..."):
            named[1:] = [each.partition(" ")[2] or each for each in named[1:]]
    if named:
        *first, last = named
        listed = f"{', '.join(first)} or {last}" if first else last
        common.append(listed if "" not in others else f"some {listed}")
    return " ".join(filter(None, [nodes[0].op, ", ".join(common)]))


def _is_number(text: str) -> bool:
    return text.replace(",", "").isdigit()


def _list_details(node: Node) -> list[str]:
    """Return what pictures write beside a layer; of one that they write nothing of, the arguments
    that are not the default."""
    if not node.inputs and node.facts:  # an input
        return [notation.write_shape(node.facts.shape), str(node.arguments["dtype"])]
    details = notation.write_details(node)
    if activation := notation.write_activation(node):
        details.append(activation)
    if details or node.op not in LAYERS:
        return details
    return [f"{name} {write_value(value, name)}" for name, value in list_given(node).items()]
