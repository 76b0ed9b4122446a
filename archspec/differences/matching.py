"""Pair the nodes of two graphs, those that are the same step of both.

Inputs that both have by one name are the same, as a model is fed by these names. Then come five
tiers, each on what is left by those before:

0. The same network: the order of its wiring pairs it whole.
1. By names, scope by scope. Names without numbers that the spec writes pair what they name; what
   else is in a scope is aligned in order by likeness, so that an inserted step shifts nobody.
2. A scope that one side alone has, around steps that the other has without it, is looked through.
3. By structure: what takes the same and does the same, from the inputs on, then from the outputs
   on. Where the names have little in common, this comes before the names.
4. Moved: the same layer with the same weights, elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from archspec.differences.aligning import align, find_equal
from archspec.differences.marks import Marks, is_any_order, mark_graphs
from archspec.differences.scopes import Kid, ScopeTree, is_anchor, is_named, last_part, read_scopes
from archspec.graph import Graph, Node, canonical_order
from archspec.layers import traits_of

KNOWN = 0.3  # the share of names that two graphs have in common, below which structure comes first
LOOSE = 0.6  # the share of a scope's steps that the other side has without it, to look through it
NOT_KIN = ("other", "merge")  # kinds whose layers have no more than that in common


class Matching(Struct, frozen=True, eq=False):
    """Which nodes and scopes of two graphs belong together.

    pairs: names of nodes of the first -> of the second. scopes: the same of groups and blocks.
    moved: the nodes of the first that are elsewhere in the second. looked_through: the paths of
    scopes that one side alone has, while the steps in them are paired, for both sides. is_whole:
    whether all is paired, and the two are the same network but for the order in which merges take
    their inputs.
    """

    pairs: Mapping[str, str]
    scopes: Mapping[str, str]
    moved: frozenset[str] = frozenset()
    looked_through: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    is_whole: bool = False


def match_graphs(a: Graph, b: Graph) -> Matching:
    """Return which nodes of two graphs belong together.

    What is paired does not depend on which of the two comes first.
    """
    marks = mark_graphs(a, b)
    for orders in ((canonical_order(a), canonical_order(b)), tuple(map(_order_alike, marks))):
        pairs = dict(zip(*orders, strict=False))
        if len(a.nodes) == len(b.nodes) == len(pairs) and is_same(a, b, pairs):
            return Matching(pairs, _pair_scopes(a, b, pairs), is_whole=True)
    if (b.fingerprint, len(b.nodes)) < (a.fingerprint, len(a.nodes)):
        return _turn_round(_Matcher(*reversed(marks)).match())
    return _Matcher(*marks).match()


def is_same(a: Graph, b: Graph, pairs: Mapping[str, str]) -> bool:
    """Return whether pairs of all nodes make one network of two, but for the order in which merges
    take their inputs; inputs of one name are the same."""
    if any(pairs[each] != each for each in a.inputs if each in b.inputs):
        return False
    if group_calls(a, pairs) != group_calls(b, {y: y for y in pairs.values()}):
        return False
    for node in a:
        other = b[pairs[node.name]]
        inputs = [pairs[each] for each in node.inputs]
        alike = inputs == list(other.inputs) or (
            is_any_order(node) and Counter(inputs) == Counter(other.inputs)
        )
        if (
            not alike
            or node.op != other.op
            or node.slots != other.slots
            or dict(node.call) != dict(other.call)
            or a.normal_arguments(node) != b.normal_arguments(other)
        ):
            return False
    return [pairs[each] for each in a.outputs] == list(b.outputs)


def group_calls(graph: Graph, known: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return for each known node the known ones that call the same layer, itself among them.

    known: the names of nodes -> the names to give.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for node in graph:
        if node.name in known:
            groups[node.reuses or node.name].add(known[node.name])
    whole = map(frozenset, groups.values())
    return {name: group for group in whole for name in group}


def _order_alike(marks: Marks) -> list[str]:
    """Return the order of the wiring, in which the inputs of merges stand by what leads to them."""

    def list_inputs(node: Node) -> Sequence[str]:
        return (
            sorted(node.inputs, key=marks.down.__getitem__) if is_any_order(node) else node.inputs
        )

    return canonical_order(marks.graph, list_inputs)


def _pair_scopes(a: Graph, b: Graph, pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the scopes around paired nodes that hold the same of them."""
    inside: list[dict[str, set[str]]] = []
    for graph in (a, b):
        found: dict[str, set[str]] = defaultdict(set)
        for node in graph:
            for region in node.regions:
                found[region.path].add(node.name)
        inside.append(found)
    there: dict[frozenset[str], list[str]] = defaultdict(list)
    for path, names in inside[1].items():
        there[frozenset(names)].append(path)
    scopes: dict[str, str] = {}
    for path, names in inside[0].items():
        others = there.get(frozenset(pairs[each] for each in names), [])
        if others:  # of several around the same, the outer with the outer
            scopes[path] = others.pop(0)
    return scopes


def _turn_round(matching: Matching) -> Matching:
    pairs = {b: a for a, b in matching.pairs.items()}
    scopes = {b: a for a, b in matching.scopes.items()}
    moved = frozenset(matching.pairs[each] for each in matching.moved)
    first, second = matching.looked_through
    return Matching(pairs, scopes, moved, (second, first))


class _Matcher:
    """Pairs the nodes of two graphs that are not the same network."""

    def __init__(self, a: Marks, b: Marks) -> None:
        self.a, self.b = a, b
        self.pairs: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self.scopes: dict[str, str] = {}
        self.scope_back: dict[str, str] = {}
        self.moved: set[str] = set()
        self.looked_through: tuple[list[str], list[str]] = ([], [])
        self.contents: dict[int, int] = {}
        self.numbers: dict[tuple[int, ...], int] = {}
        self.shares: dict[tuple[int, int], float] = {}
        self.ops: dict[int, Counter[str]] = {}
        self.kinds: dict[int, Counter[str]] = {}
        self.likeness: dict[tuple[int, int, int, int], float] = {}

    def match(self) -> Matching:
        a, b = self.a.graph, self.b.graph
        common = a.by_name.keys() & b.by_name.keys()
        for name in common.intersection(a.inputs).intersection(b.inputs):
            self.pair(a[name], b[name])
        tops = read_scopes(a), read_scopes(b)
        if len(common) < KNOWN * min(len(a.nodes), len(b.nodes)):
            self.follow_structure()
        self.match_scope(*tops)
        self.follow_structure()
        self.part_strangers()
        self.exchange(self.a.graph, self.b.graph, self.pairs, self.back)
        self.exchange(self.b.graph, self.a.graph, self.back, self.pairs)
        self.follow_lone()
        self.find_moved()
        return Matching(
            self.pairs,
            self.scopes,
            frozenset(self.moved),
            (
                _list_held(self.looked_through[0], a, self.pairs),
                _list_held(self.looked_through[1], b, self.back),
            ),
        )

    def pair(self, x: Node, y: Node) -> None:
        self.pairs[x.name] = y.name
        self.back[y.name] = x.name

    # --- tiers 1 and 2: names, scope by scope ----------------------------------------------------

    def match_scope(self, x: ScopeTree, y: ScopeTree) -> None:
        """Pair what is in two scopes that belong together."""
        self.scopes[x.path] = y.path
        self.scope_back[y.path] = x.path
        mine, theirs = self.list_open(x.kids, self.pairs), self.list_open(y.kids, self.back)
        mine, theirs = (
            self.look_through(mine, theirs, 0),
            self.look_through(theirs, mine, 1),
        )
        mine, theirs = self.match_anchors(mine, theirs)
        marks = [[self.mark(each, side) for each in kids]
                 for side, kids in enumerate((mine, theirs))]  # fmt: skip
        start = (0, 0)
        for i, j in [*find_equal(*marks), (len(mine), len(theirs))]:
            self.align_kids(mine[start[0] : i], theirs[start[1] : j])
            if i < len(mine):
                self.match_kids(mine[i], theirs[j])
            start = (i + 1, j + 1)

    def align_kids(self, mine: Sequence[Kid], theirs: Sequence[Kid]) -> None:
        found = align(len(mine), len(theirs), lambda i, j: self.compare(mine[i], theirs[j]))
        for i, j in found:
            self.match_kids(mine[i], theirs[j])

    def match_kids(self, x: Kid, y: Kid) -> None:
        if isinstance(x, ScopeTree) and isinstance(y, ScopeTree):
            self.match_scope(x, y)
        elif isinstance(x, Node) and isinstance(y, Node):
            self.pair(x, y)

    def list_open(self, kids: Iterable[Kid], paired: Mapping[str, str]) -> list[Kid]:
        """Return what is not paired yet."""
        return [
            kid
            for kid in kids
            if (isinstance(kid, Node) and kid.name not in paired)
            or (isinstance(kid, ScopeTree) and any(each.name not in paired for each in kid.nodes))
        ]

    def look_through(self, mine: list[Kid], theirs: list[Kid], side: int) -> list[Kid]:
        """Return the kids with what is in a scope in its place, where the other side has no such
        scope and most of what is in it."""
        found: list[Kid] = []
        loose: Counter[str] | None = None
        for kid in mine:
            if isinstance(kid, ScopeTree) and not self.has_counterpart(kid, theirs, side):
                if loose is None:
                    loose = Counter(each.op for each in theirs if isinstance(each, Node))
                inside = self.count_ops(kid)
                names = {last_part(y) for y in theirs if isinstance(y, Node) and y.op in inside}
                is_there = last_part(kid) in names
                if is_there or sum((inside & loose).values()) >= LOOSE * len(kid.nodes):
                    self.looked_through[side].append(kid.path)
                    kids = self.list_open(kid.kids, self.back if side else self.pairs)
                    found += self.look_through(kids, theirs, side)
                    continue
            found.append(kid)
        return found

    def has_counterpart(self, scope: ScopeTree, theirs: Sequence[Kid], side: int) -> bool:
        """Return whether the other side may have a scope for this one."""
        name, title = last_part(scope), scope.region.title if scope.region else ""
        for each in theirs:
            if isinstance(each, ScopeTree):
                same_title = title and each.region is not None and each.region.title == title
                two = (each, scope) if side else (scope, each)
                if last_part(each) == name or same_title or self.compare_scopes(*two):
                    return True
        return False

    def match_anchors(
        self, mine: Sequence[Kid], theirs: Sequence[Kid]
    ) -> tuple[list[Kid], list[Kid]]:
        """Pair what has the same written name, wherever it stands; return the rest."""
        named = {(last_part(each), type(each)): each for each in theirs if is_anchor(each)}
        left: list[Kid] = []
        gone: set[int] = set()
        for kid in mine:
            other = named.get((last_part(kid), type(kid))) if is_anchor(kid) else None
            if other is None or (isinstance(kid, Node) and not self.compare(kid, other)):
                left.append(kid)
                continue
            self.match_kids(kid, other)
            gone.add(id(other))
        return left, [each for each in theirs if id(each) not in gone]

    # --- how alike two steps are -----------------------------------------------------------------

    def mark(self, kid: Kid, side: int) -> tuple[object, ...]:
        """Return what must be equal for two kids to belong together without a doubt."""
        name = last_part(kid) if is_named(kid) or isinstance(kid, ScopeTree) else ""
        return (name, type(kid), self.content(kid, side))

    def content(self, kid: Kid, side: int) -> int:
        """Return a number that is equal for kids with the same in them, but for names."""
        key = id(kid)
        if key not in self.contents:
            own = (self.a, self.b)[side].own
            nodes = kid.nodes if isinstance(kid, ScopeTree) else [kid]
            inside = tuple(own[each.name] for each in nodes)
            self.contents[key] = self.numbers.setdefault(inside, len(self.numbers))
        return self.contents[key]

    def count_ops(self, scope: ScopeTree) -> Counter[str]:
        key = id(scope)
        if key not in self.ops:
            self.ops[key] = Counter(each.op for each in scope.nodes)
        return self.ops[key]

    def count_kinds(self, scope: ScopeTree) -> Counter[str]:
        key = id(scope)
        if key not in self.kinds:
            self.kinds[key] = Counter(traits_of(each.op).kind for each in scope.nodes)
        return self.kinds[key]

    def compare(self, x: Kid, y: Kid) -> float:
        """Return how alike two kids are, from 0, for what cannot belong together, to about 5."""
        if isinstance(x, ScopeTree):
            return self.compare_scopes(x, y) if isinstance(y, ScopeTree) else 0.0
        if isinstance(y, ScopeTree):
            return 0.0
        marks, others = self.a, self.b
        own, other = marks.own[x.name], others.own[y.name]
        key = (own, other, marks.weights[x.name], others.weights[y.name])
        found = self.likeness.get(key)
        if found is None:
            found = self.likeness[key] = self.compare_nodes(x, y)
        if not found:
            return 0.0
        context = 0.3 * (marks.below[x.name] == others.below[y.name])
        context += 0.3 * (marks.above[x.name] == others.above[y.name])
        context += 0.1 * (marks.near[x.name] == others.near[y.name])
        if last_part(x) == last_part(y):
            written = is_named(x) and is_named(y)
            context += 1.5 if is_anchor(x) and is_anchor(y) else 0.6 if written else 0.05
        return found + context * _weigh(x)

    def compare_nodes(self, x: Node, y: Node) -> float:
        """Return how alike two nodes are, without their names and places."""
        if x.op == y.op:
            ours = self.a.graph.normal_arguments(x)
            theirs = self.b.graph.normal_arguments(y)
            same = sum(theirs.get(name) == value for name, value in ours.items())
            value = 1 + 0.6 * (same / len(ours) if ours else 1)
            value += 0.5 * (self.a.own[x.name] == self.b.own[y.name])
            if x.facts and y.facts:
                value += 0.2 * (dict(x.facts.weights) == dict(y.facts.weights))
                value += 0.2 * (x.facts.shape == y.facts.shape)
        elif _are_kin(x, y):
            value = 0.55
        else:
            return 0.0
        return value * _weigh(x)

    def compare_scopes(self, x: ScopeTree, y: ScopeTree) -> float:
        """Return how alike two scopes are; 0 for what has little in common."""
        contents = self.content(x, 0), self.content(y, 1)
        if contents[0] == contents[1]:
            value = 2.0
        elif contents in self.shares:
            value = self.shares[contents]
        else:
            value = _share(self.count_ops(x), self.count_ops(y))
            value += 0.6 * _share(self.count_kinds(x), self.count_kinds(y))
            self.shares[contents] = value
        if last_part(x) == last_part(y):
            value += 1.5 if is_anchor(x) and is_anchor(y) else 0.4
        title = x.region.title if x.region else ""
        if title and y.region is not None and y.region.title == title:
            value += 0.1
        return value if value >= 0.5 else 0.0

    # --- tier 3: structure -----------------------------------------------------------------------

    def follow_structure(self) -> None:
        """Pair what takes the same and does the same, then what has the same weights, then what is
        between the same neighbours."""
        for marks in ("own", "weights"):
            self.follow_inputs(marks)
            self.follow_outputs(marks)
        self.follow_neighbours()

    def follow_inputs(self, mark: str) -> None:
        """Pair nodes with equal marks whose inputs are paired, from the inputs on."""
        ours, theirs = getattr(self.a, mark), getattr(self.b, mark)
        places: dict[tuple[object, ...], list[Node]] = defaultdict(list)
        for y in self.b.graph:
            if y.name not in self.back:
                places[theirs[y.name], _list_inputs(y, y.inputs)].append(y)
        for x in self.a.graph:
            if x.name in self.pairs or any(each not in self.pairs for each in x.inputs):
                continue
            inputs = [self.pairs[each] for each in x.inputs]
            found = places.get((ours[x.name], _list_inputs(x, inputs)), [])
            may = [each for each in found if self.may_meet(x, each)]
            if may:
                best = min(may, key=lambda y: last_part(y) != last_part(x))
                self.pair(x, best)
                found.remove(best)

    def follow_outputs(self, mark: str) -> None:
        """Pair nodes with equal marks that paired nodes take, from the outputs on."""
        ours, theirs = getattr(self.a, mark), getattr(self.b, mark)
        a, b = self.a.graph, self.b.graph
        for mine, other in zip(a.outputs, b.outputs, strict=False):
            if ours[mine] == theirs[other]:
                self.pair_if_free(a[mine], b[other])
        for x in reversed(a.nodes):
            y = b.by_name.get(self.pairs.get(x.name, ""))
            if y is None or len(x.inputs) != len(y.inputs):
                continue
            if not is_any_order(x):
                for mine, other in zip(x.inputs, y.inputs, strict=True):
                    if ours[mine] == theirs[other]:
                        self.pair_if_free(a[mine], b[other])
                continue
            free: dict[int, list[str]] = defaultdict(list)
            for other in y.inputs:
                if other not in self.back:
                    free[theirs[other]].append(other)
            for mine in x.inputs:
                if mine not in self.pairs and free[ours[mine]]:
                    self.pair_if_free(a[mine], b[free[ours[mine]].pop(0)])

    def pair_if_free(self, x: Node, y: Node) -> None:
        if x.name not in self.pairs and y.name not in self.back and self.may_meet(x, y):
            self.pair(x, y)

    def may_meet(self, x: Node, y: Node) -> bool:
        """Return whether the innermost scopes around two nodes that belong to any belong together:
        what is elsewhere has moved."""
        here, there = _find_home(x, self.scopes), _find_home(y, self.scope_back)
        return self.scopes.get(here, "") == there

    def follow_neighbours(self) -> None:
        """Pair layers of one class, then layers that are kin, whose inputs are paired, and one of
        those that take them."""
        for is_alike in (_have_one_op, _are_kin):
            places: dict[tuple[str, ...], list[Node]] = defaultdict(list)
            for y in self.b.graph:
                if y.name not in self.back:
                    places[_list_inputs(y, y.inputs)].append(y)
            for x in self.a.graph:
                if x.name in self.pairs or any(each not in self.pairs for each in x.inputs):
                    continue
                inputs = [self.pairs[each] for each in x.inputs]
                found = places.get(_list_inputs(x, inputs), [])
                other = next((y for y in found if is_alike(x, y) and self.is_between(x, y)), None)
                if other is not None:
                    self.pair(x, other)
                    found.remove(other)

    def follow_lone(self) -> None:
        """Pair two layers of one class that are each the only one left of it to take the same."""
        places: list[dict[tuple[str, ...], list[Node]]] = []
        for graph, paired, names in (
            (self.a.graph, self.pairs, self.pairs),
            (self.b.graph, self.back, {each: each for each in self.back}),
        ):
            found: dict[tuple[str, ...], list[Node]] = defaultdict(list)
            for node in graph:
                if node.name not in paired and all(each in names for each in node.inputs):
                    inputs = _list_inputs(node, [names[each] for each in node.inputs])
                    found[node.op, *inputs].append(node)
            places.append(found)
        for place, ours in places[0].items():
            theirs = places[1].get(place, [])
            if len(ours) == len(theirs) == 1 and ours[0].inputs:
                self.pair_if_free(ours[0], theirs[0])

    def is_between(self, x: Node, y: Node) -> bool:
        """Return whether a paired node takes both, or none takes either."""
        users = {self.pairs.get(each) for each in self.a.users.get(x.name, ())}
        others = set(self.b.users.get(y.name, ()))
        return bool(users & others or not (users or others)) and self.may_meet(x, y)

    def exchange(
        self, ours: Graph, theirs: Graph, pairs: dict[str, str], back: dict[str, str]
    ) -> None:
        """Give a node that is left the partner that takes the same, in place of one that takes
        something else that is paired too.

        ours, theirs: the graphs of `pairs`, either of the two first. back: the pairs turned round.
        """
        places: dict[tuple[str, ...], list[Node]] = defaultdict(list)
        for y in theirs:
            partner = ours.by_name.get(back.get(y.name, ""))
            if partner is not None and all(each in back for each in y.inputs):
                inputs = [pairs.get(each, "") for each in partner.inputs]
                if "" not in inputs and _list_inputs(y, inputs) != _list_inputs(y, y.inputs):
                    places[_list_inputs(y, y.inputs)].append(y)
        for x in ours:
            if x.name in pairs or not all(each in pairs for each in x.inputs):
                continue
            inputs = [pairs[each] for each in x.inputs]
            for y in places.get(_list_inputs(x, inputs), ()):
                if _have_one_op(x, y) or _are_kin(x, y):
                    del pairs[back.pop(y.name)]
                    pairs[x.name], back[y.name] = y.name, x.name
                    places[_list_inputs(x, inputs)].remove(y)
                    break

    def part_strangers(self) -> None:
        """Undo pairs of other layers, or of layers without weights with other arguments, that have
        no neighbour in common, where all that they take is paired: one is gone, and one is new."""
        for name, other in list(self.pairs.items()):
            x, y = self.a.graph[name], self.b.graph[other]
            has_weights = bool(x.facts and x.facts.weights)
            if not x.inputs or (x.op == y.op and has_weights):
                continue
            known = all(each in self.pairs for each in x.inputs)
            known = known and all(each in self.back for each in y.inputs)
            if not known or self.a.own[name] == self.b.own[other]:
                continue
            inputs = {self.pairs.get(each) for each in x.inputs}
            users = {self.pairs.get(each) for each in self.a.users.get(name, ())}
            if not inputs & {*y.inputs} and not users & {*self.b.users.get(other, ())}:
                del self.pairs[name], self.back[other]

    # --- tier 4 ----------------------------------------------------------------------------------

    def find_moved(self) -> None:
        """Pair layers with the same arguments and weights that are left on both sides.

        Only those with weights: else every ReLU would be found elsewhere.
        """
        left: dict[tuple[int, int], list[Node]] = defaultdict(list)
        place = {
            each.name: index / len(graph.nodes)
            for graph in (self.b.graph,)
            for index, each in enumerate(graph)
        }
        for y in self.b.graph:
            if y.name not in self.back and y.facts and y.facts.weights:
                left[self.b.own[y.name], self.b.weights[y.name]].append(y)
        for index, x in enumerate(self.a.graph):
            found = left.get((self.a.own[x.name], self.a.weights[x.name]))
            if x.name in self.pairs or not found:
                continue
            at = index / len(self.a.graph.nodes)
            best = min(
                found, key=lambda y: (last_part(x) != last_part(y), abs(place[y.name] - at), y.name)
            )
            found.remove(best)
            self.pair(x, best)
            self.moved.add(x.name)


def _list_held(paths: Iterable[str], graph: Graph, paired: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths of scopes that hold a paired node."""
    held = {region.path for node in graph if node.name in paired for region in node.regions}
    return tuple(path for path in paths if path in held)


def _list_inputs(node: Node, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of a node's inputs, in an order that means nothing sorted."""
    return tuple(sorted(names) if is_any_order(node) else names)


def _find_home(node: Node, paired: Mapping[str, str]) -> str:
    """Return the path of the innermost paired scope around a node; "" for the whole network."""
    return next((each.path for each in reversed(node.regions) if each.path in paired), "")


def _share(ours: Counter[str], theirs: Counter[str]) -> float:
    """Return the share of what two counts have in common."""
    return sum((ours & theirs).values()) / sum((ours | theirs).values())


def _have_one_op(x: Node, y: Node) -> bool:
    return x.op == y.op


def _are_kin(x: Node, y: Node) -> bool:
    """Return whether one layer may stand in for the other, as one normalization for another."""
    kind = traits_of(x.op).kind
    return kind == traits_of(y.op).kind and kind not in NOT_KIN and bool(x.inputs and y.inputs)


def _weigh(node: Node) -> float:
    """Return how much it matters that a node is paired: merges most, then what has a kernel."""
    if is_weighty(node):
        return 1.5 if len(node.inputs) > 1 else 1.3
    return 1.0 if node.facts and node.facts.weights else 0.6


def is_weighty(node: Node) -> bool:
    """Return whether a node is a merge or has a kernel: what makes a network the one it is."""
    weights = node.facts.weights if node.facts else ()
    return len(node.inputs) > 1 or any("kernel" in name for name in weights)
