"""Networks with one fault, of a kind that is drawn.

    kind = spoil(random.Random(7), network)    # now network.fault says which item is wrong

What is wrong for Keras too (SHARED) is tried on shapes first, so that it is wrong where it should
be: the step that the walk stops at is the fault. What is wrong in the language alone (LANGUAGE) has
no meaning that Keras could judge.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

from random_drawing import MERGES, ONE, REFUSALS, SEVERAL, Shapes, Value
from random_graphs import (
    Bare,
    Branches,
    Call,
    Formula,
    Group,
    Item,
    Layer,
    Network,
    Place,
    Reuse,
    Walk,
)
from random_layers import layer

from archspec.arguments import REQUIRED
from archspec.errors import Refused
from archspec.layers import LAYERS

Draw = random.Random
Ran = tuple[Item, Place, Any]


class Spoiling:
    """A sound network and its steps as they ran, for a fault to be put among them."""

    def __init__(self, draw: Draw, network: Network) -> None:
        self.draw = draw
        self.network = network
        walk = Walk(network, Shapes())
        walk.outputs()
        self.ran: list[Ran] = walk.ran
        seen = {id(item) for item, _, _ in walk.ran}
        self.lists = [items for items in _lists(network) if any(id(each) in seen for each in items)]
        self.steps = [(items, at) for items in self.lists
                      for at, each in enumerate(items) if id(each) in seen]  # fmt: skip

    def layer(self, fit: Callable[[Layer], bool] = lambda item: True) -> Ran:
        """A layer that ran, merges of branches too. Raises LookupError if none fits."""
        fitting = [each for each in self.ran if isinstance(each[0], Layer) and fit(each[0])]
        if not fitting:
            raise LookupError
        return self.draw.choice(fitting)

    def step(self, fit: Callable[[Item], bool] = lambda item: True) -> tuple[list[Item], int]:
        """A step of some list that ran."""
        fitting = [(items, at) for items, at in self.steps if fit(items[at])]
        if not fitting:
            raise LookupError
        return self.draw.choice(fitting)

    def stops_at(self) -> Item | None:
        """The step that the rules refuse; None if all are sound, or none is to blame."""
        walk = Walk(self.network, Shapes())
        try:
            walk.outputs()
        except Refused:
            return walk.ran[-1][0]
        except REFUSALS:
            return None
        return None

    def changed(self, item: Layer, op: str, arguments: dict[str, Any], source: Any) -> bool:
        """Make another layer of an item; False, and nothing changed, if it is still sound."""
        before = (item.op, item.arguments, item.source, item.call)
        item.op, item.arguments, item.source, item.call = op, arguments, source, {}
        if self.stops_at() is item:
            return True
        item.op, item.arguments, item.source, item.call = before
        return False

    # --- faults that Keras sees too: each returns the item to blame

    def shape(self) -> Any:
        """A layer that cannot follow."""
        for _ in range(40):
            item, _, x = self.layer()
            assert isinstance(item, Layer)
            if isinstance(x, Value):
                op, given = layer(self.draw, ONE, [x.shape])
                if self.draw.random() < 0.5 and "kernel_size" in given:
                    given["kernel_size"] = self.draw.choice([9, 20])
            elif isinstance(x, list):
                op, given = layer(self.draw, MERGES, [each.shape for each in x])
            else:
                op, given = layer(self.draw, SEVERAL, [each.shape for each in x.values()])
            if self.changed(item, op, given, item.source):
                return item
        raise LookupError

    def merge(self) -> Any:
        """A merge with a step that does not fit."""
        for _ in range(40):
            item, place, _ = self.layer(lambda e: isinstance(e.source, list) and not e.loop)
            assert isinstance(item, Layer)
            before = [
                path for path, value in place.scope.values.items() if isinstance(value, Value)
            ]
            if not before:
                raise LookupError
            other = self.draw.choice(before)
            sources = [other, *item.source[1:]]
            self.draw.shuffle(sources)
            if self.changed(item, item.op, item.arguments, sources):
                return item
        raise LookupError

    def ripple(self) -> Any:
        """A layer that is sound itself, and another that cannot follow it any more."""
        for _ in range(40):
            item, _, x = self.layer()
            assert isinstance(item, Layer)
            if not isinstance(x, Value):
                continue
            before = (item.op, item.arguments, item.call)
            item.op, item.arguments = layer(self.draw, ONE, [x.shape])
            item.call = {}
            blamed = self.stops_at()
            if blamed not in (None, item):
                return blamed
            item.op, item.arguments, item.call = before
        raise LookupError

    def reuse(self) -> Any:
        """A layer or block called again on what its weights do not fit."""
        for _ in range(40):
            items, at = self.step(lambda each: not isinstance(each, Reuse))
            old = items[at]
            place = next(place for item, place, _ in self.ran if item is old)
            if not place.scope.layers or old.source is not None:
                continue
            path = self.draw.choice(list(place.scope.layers))
            new = items[at] = Reuse(path, name=old.name, when=old.when, loop=old.loop)
            blamed = self.stops_at()
            if blamed is not None:
                inside = blamed is not new and not isinstance(place.scope.layers[path], tuple)
                if not inside:
                    return blamed
            items[at] = old
        raise LookupError

    def count(self) -> Any:
        """Too many inputs, or too few."""
        for _ in range(40):
            item, _, x = self.layer(lambda each: each.source is not None or each.op in WEIGHTED)
            assert isinstance(item, Layer)
            if isinstance(x, Value):
                source: Any = self.draw.choice([["previous"] * 2, {"query": "previous"}])
            elif isinstance(x, list):
                if item.source is None:
                    continue
                source = [*item.source, item.source[0], item.source[0]]
            else:
                source = dict(list(item.source.items())[:1])
            if self.changed(item, item.op, item.arguments, source):
                return item
        raise LookupError

    def spelling(self) -> Any:
        item, _, _ = self.layer(lambda each: bool(LAYERS[each.op].arguments))
        assert isinstance(item, Layer)
        known = [*LAYERS[item.op].arguments]
        word = self.draw.choice([*item.arguments, *known])
        at = self.draw.randrange(len(word))
        wrong = self.draw.choice([word[:at] + word[at + 1 :], word[:at] + "q" + word[at:],
                                  word[:at] + word[at] + word[at:], word + "s"])  # fmt: skip
        if wrong in (*known, "name", "activity_regularizer", "seed", ""):
            raise LookupError
        value = item.arguments.pop(word, 2)
        item.arguments = {**item.arguments, wrong: value}
        return item

    def misspelt_layer(self) -> Any:
        item, _, _ = self.layer()
        assert isinstance(item, Layer)
        op = item.op
        wrong = self.draw.choice([op + "s", op[:-1], op.lower() + "_", f"{op[:2]}q{op[2:]}"])
        if wrong in LAYERS:
            raise LookupError
        item.op = wrong
        return item

    def missing(self) -> Any:
        """A layer without an argument that it needs."""
        item, place, _ = self.layer(lambda each: bool(_needed(each.op)))
        assert isinstance(item, Layer)
        gone = self.draw.choice(_needed(item.op))
        if any(gone in defaults.get(item.op, {}) for defaults, _ in place.defaults):
            raise LookupError
        item.arguments.pop(gone, None)
        return item

    def value(self) -> Any:
        """A value that Keras refuses as well."""
        item, _, _ = self.layer(lambda each: each.op in {op for op, _, _ in VALUES})
        assert isinstance(item, Layer)
        of_it = [(name, value) for op, name, value in VALUES if op == item.op]
        item.arguments = {**item.arguments, **dict([self.draw.choice(of_it)])}
        return item

    # --- faults in the language alone

    def illegal(self) -> Any:
        """A value that the argument's type has no place for."""
        item, _, _ = self.layer(lambda each: bool(LAYERS[each.op].arguments))
        assert isinstance(item, Layer)
        argument = self.draw.choice([*LAYERS[item.op].arguments.values()])
        value = self.draw.choice(["wrong", -7.5, [[[1]]], {"a": 1}, [], [1] * 9, "1", 10**7])
        try:
            argument.type.read(value)
        except Refused:
            item.arguments[argument.name] = value
            return item
        raise LookupError

    def unknown_from(self) -> Any:
        item, _, _ = self.layer(lambda each: each.source is not None)
        wrong = self.draw.choice(["nowhere", "s0", "stem.conv", "input_9"])
        if isinstance(item.source, list):
            item.source = [wrong, *item.source[1:]]
        elif isinstance(item.source, dict):
            item.source = {**item.source, next(iter(item.source)): wrong}
        else:
            item.source = wrong
        return item

    def later_from(self) -> Any:
        """A step that takes one which is written further down."""
        items = self.network.items
        places = [(a, b) for a, first in enumerate(items) for b in range(a + 1, len(items))
                  if (items, a) in self.steps and isinstance(first, Layer) and items[b].name
                  and not items[b].loop and isinstance(first.source, list)]  # fmt: skip
        if not places:
            raise LookupError
        a, b = self.draw.choice(places)
        items[a].source = [items[b].name, *items[a].source[1:]]
        return items[a]

    def duplicate_name(self) -> Any:
        items, at = self.step(lambda each: each.name is None and not each.loop)
        names = [each.name for each in items[:at]
                 if each.name and each.when is None and not each.loop]  # fmt: skip
        if not names or items[at].when is not None:
            raise LookupError
        items[at].name = self.draw.choice(names)
        return items[at]

    def unused(self) -> Any:
        """A step that the next one leaves, though nobody can take it later."""
        items, at = self.step(lambda each: bool(each.name) and not each.loop)
        if items[at].when is not None:
            raise LookupError
        new = Layer("Identity")
        items[at + 1 : at + 1] = [new, Bare(source=items[at].name)]
        return new

    def formula(self) -> Any:
        """A formula that has no value, or none of use."""

        def numbers(each: Layer) -> list[str]:
            return [key for key, value in each.arguments.items() if type(value) is int]

        item, _, _ = self.layer(lambda each: bool(numbers(each)))
        assert isinstance(item, Layer)
        text = self.draw.choice(FORMULAS)
        item.arguments[self.draw.choice(numbers(item))] = Formula(text)
        return item

    def block_argument(self) -> Any:
        call = self.draw.choice(self.calls())
        wrong = self.draw.choice(["m", "filters", "nn", "name"])
        call.arguments = {**call.arguments, wrong: 2}
        return call

    def missing_block_argument(self) -> Any:
        """Of a block whose param has no default."""
        calls = [each for each in self.calls()
                 if self.network.blocks[each.block].params["n"] is None]  # fmt: skip
        if not calls:
            raise LookupError
        call = self.draw.choice(calls)
        call.arguments.pop("n", None)
        return call

    def unknown_block(self) -> Any:
        call = self.draw.choice(self.calls())
        call.block = self.draw.choice([call.block + "0", "uni", "residual"])
        return call

    def calls(self) -> list[Call]:
        """The calls of blocks that ran."""
        calls = [each for items in self.lists for each in items
                 if isinstance(each, Call) and each.when is None]  # fmt: skip
        if not calls:
            raise LookupError
        return calls

    def outputs(self) -> Any:
        wrong = self.draw.choice(["nowhere", "previous", "s0"])
        self.network.outputs = [*self.network.outputs, wrong]
        return self.network.outputs

    def loop(self) -> Any:
        items, at = self.step(lambda each: not each.loop and each.name is None)
        item = items[at]
        wrong = [{"repeat": -1}, {"repeat": 1.5}, {"repeat": Formula("'a'")}, {"for": {"k": 3}},
                 {"for": {"k": [1, 2], "m": [1]}}, {"for": [{"k": 1}, {"m": 2}]},
                 {"for": {"k": Formula("range(10 ** 9)")}},
                 {"for": {"channels": [1]}}]  # fmt: skip
        item.loop = self.draw.choice(wrong)
        return item

    def when(self) -> Any:
        items, at = self.step(lambda each: each.when is None)
        items[at].when = Formula(self.draw.choice(["'yes'", "nowhere > 1", "1 / 0", "1 < 'a'"]))
        return items[at]

    def unknown_reuse(self) -> Any:
        items, at = self.step(lambda each: isinstance(each, Reuse) or each.source is None)
        old = items[at]
        new = Reuse(self.draw.choice(["nowhere", "input", "previous", "s0.dense"]),
                    name=old.name, when=old.when, loop=old.loop, source=old.source)  # fmt: skip
        items[at] = new
        return new

    def name(self) -> Any:
        items, at = self.step(lambda each: each.name is None and not each.loop)
        wrong = ["a.b", "a/b", "input", "previous", "a b", "x" * 300, "s{nowhere}", "s{1 / 0}"]
        items[at].name = self.draw.choice(wrong)
        return items[at]

    def call(self) -> Any:
        """A call argument that the layer lacks, or that is no truth."""
        item, _, _ = self.layer()
        assert isinstance(item, Layer)
        known = LAYERS[item.op].call
        item.call = {"mask": True} if not known or self.draw.random() < 0.5 else {known[0]: 3}  # type: ignore[dict-item]
        return item

    def modifier(self) -> Any:
        """A modifier among the arguments, or a word that is none beside the step."""
        item, _, _ = self.layer()
        assert isinstance(item, Layer)
        if self.draw.random() < 0.5:
            item.arguments = {**item.arguments, self.draw.choice(["name", "from", "when"]): "s1"}
        else:
            item.extra = {self.draw.choice(["form", "units", "inputs"]): "previous"}
        return item

    def input(self) -> Any:
        network = self.network
        name = self.draw.choice([*network.inputs])
        shape: Any = self.draw.choice([(0, 3), (-1,), (2.5, 3), ("x", 3), (8, 10**12), ()])
        network.inputs = {**network.inputs, name: (shape, network.inputs[name][1])}
        return network.inputs

    def defaults(self) -> Any:
        wrong = self.draw.choice(
            [{"Dens": {"units": 3}}, {"Dense": {"unit": 3}}, {"Dense": {"units": "many"}},
             {"Conv2D": {"padding": "sam"}}, {"ReLU": {"name": "r"}}]
        )  # fmt: skip
        self.network.defaults = {**self.network.defaults, **wrong}
        return self.network.defaults

    def params(self) -> Any:
        wrong = self.draw.choice(
            [{"bad": Formula("nowhere")}, {"bad": Formula("worse"), "worse": 1},
             {"channels": 3}, {"range": 3}, {"bad": Formula("1 / 0")}]
        )  # fmt: skip
        self.network.params = {**self.network.params, **wrong}
        return self.network.params


def _lists(network: Network) -> Iterator[list[Item]]:
    """Every list of items, those of blocks and branches too."""
    stack = [network.items, *(block.items for block in network.blocks.values())]
    while stack:
        items = stack.pop()
        yield items
        for item in items:
            if isinstance(item, Group):
                stack.append(item.items)
            elif isinstance(item, Branches):
                stack += [branch.items for branch in item.branches]


def _needed(op: str) -> list[str]:
    return [name for name, each in LAYERS[op].arguments.items() if each.default is REQUIRED]


# Layers that Keras gives one tensor only.
WEIGHTED = ("Dense", "Conv1D", "Conv2D", "Conv3D", "BatchNormalization", "EinsumDense")
FORMULAS = [
    "1 / 0", "nowhere + 1", "[1][5]", "'a' + 1", "1 +", "2 ** 10 ** 9", "len(3)", "sqrt(-1)",
    "'a' * 10 ** 9", "sum(range(10 ** 8))", "open('x')", "(1).real", "lambda: 1",
]  # fmt: skip
# Values that Keras refuses: (layer, argument, value).
VALUES: list[tuple[str, str, Any]] = [
    *((f"Conv{n}D", name, value) for n in (1, 2, 3) for name, value in [
        ("filters", 0), ("filters", -2), ("filters", "many"), ("kernel_size", [1] * 4),
        ("padding", "sam"), ("strides", 0), ("activation", "rellu"), ("groups", 0),
        ("kernel_initializer", "he_norml"), ("kernel_regularizer", {"L2": {"factor": 1}})]),
    *((f"{which}Pooling{n}D", "pool_size", 0) for n in (1, 2, 3) for which in ("Max", "Average")),
    ("Dense", "units", -1),
    ("Dense", "units", "ten"),
    ("Dropout", "rate", 1.5),
    ("GaussianNoise", "stddev", -1),
    ("Reshape", "target_shape", [-1, -1]),
    ("ReLU", "max_value", -6),
    ("LeakyReLU", "negative_slope", -1),
    ("GroupNormalization", "groups", 0),
    ("RepeatVector", "n", 0),
    ("Permute", "dims", [0, 1]),
    ("Activation", "activation", "rellu"),
    ("Activation", "activation", {"relu": {"slope": 1}}),
    ("BatchNormalization", "axis", 9),
    ("LayerNormalization", "gamma_initializer", "onez"),
    ("Concatenate", "axis", 9),
]  # fmt: skip
SHARED = ["shape", "shape", "merge", "ripple", "reuse", "count", "spelling", "misspelt_layer",
          "missing", "value"]  # fmt: skip
LANGUAGE = ["illegal", "unknown_from", "later_from", "duplicate_name", "unused", "formula",
            "block_argument", "missing_block_argument", "unknown_block", "outputs", "loop", "when",
            "unknown_reuse", "name", "call", "modifier", "input", "defaults", "params"]  # fmt: skip


BLOCKS = ["block_argument", "missing_block_argument", "unknown_block"]


def spoil(draw: Draw, network: Network) -> None:
    """Put one fault into a sound network."""
    kinds = [*SHARED, *draw.sample(LANGUAGE, 8), *(BLOCKS if network.blocks else ())]
    while not network.kind:
        kind = draw.choice(kinds)
        try:
            network.fault = getattr(Spoiling(draw, network), kind)()
        except LookupError:
            continue
        network.kind = kind
