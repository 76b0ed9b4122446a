"""Sound networks, drawn at random.

    network = draw(random.Random(7))

Items are drawn one after another and tried on the shapes that are there: what the rules of
archspec's layers refuse is drawn again. Whether they were right is for Keras to say.
"""

import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from random_graphs import (
    Bare,
    Block,
    Branches,
    Call,
    Formula,
    Group,
    Item,
    Layer,
    Network,
    Place,
    Reuse,
    Scope,
    Walk,
    Wrong,
    filled,
    plain,
    rows,
    write,
)
from random_layers import layer

import archspec
from archspec.errors import Refused, SpecError
from archspec.graph import Shape
from archspec.infer import infer
from archspec.layers import LAYERS

Draw = random.Random
Items = list[Item]

# --- shapes instead of tensors -------------------------------------------------------------------


@dataclass(eq=False)
class Value:
    """What a tensor is while a network is drawn."""

    shape: Shape
    dtype: str = "float32"


@dataclass(eq=False)
class Drawn:
    """What a layer is. tied: the weights of its first call, and its axes where they must stay.
    aligned: whether the inputs of its first call had different numbers of axes."""

    op: str
    arguments: dict[str, Any]
    tied: Any = None
    aligned: bool = False


class TooLarge(Exception):
    """A tensor that would take long to compute."""


class Shapes:
    """The engine of a walk that knows shapes alone. taken: the values that some layer took."""

    def __init__(self) -> None:
        self.taken: set[Value] = set()
        self.made: dict[Value, str] = {}

    def input(self, name: str, shape: tuple[int | None, ...], dtype: str) -> Value:
        value = Value((None, *shape), dtype)
        self.made[value] = "InputLayer"
        return value

    def make(self, op: str, arguments: dict[str, Any]) -> Drawn:
        return Drawn(op, arguments)

    def apply(self, layer: Drawn, inputs: Any, call: dict[str, bool]) -> Value:
        many = inputs if isinstance(inputs, list | dict) else [inputs]
        values = list(many.values() if isinstance(many, dict) else many)
        if not all(isinstance(each, Value) for each in values):
            raise Wrong("there is no value")
        shapes: Any = [each.shape for each in values]
        if isinstance(many, dict):
            shapes = dict(zip(many, shapes, strict=True))
        if call.get("use_causal_mask") and any(len(each.shape) != 3 for each in values):
            raise Refused("it has no length to look along", code="call")
        _, facts = infer(layer.op, layer.arguments, shapes)
        lengths = [n or 4 for n in facts.shape[1:]]
        if max(lengths, default=0) > 64 or prod(lengths) > 9000:
            raise TooLarge
        traits = LAYERS[layer.op].traits
        tied = (facts.weights, len(values[0].shape) if traits.fixed_rank else 0)
        if layer.tied not in (None, tied):
            raise Refused("its weights do not fit", code="reuse")
        aligned = len({len(each.shape) for each in values}) > 1
        if traits.aligns and layer.tied and aligned and not layer.aligned:
            raise Refused("it aligns no axes", code="reuse")
        layer.aligned = layer.aligned or (aligned and not layer.tied)
        layer.tied = tied
        self.taken.update(values)
        value = Value(facts.shape)
        self.made[value] = layer.op
        return value


REFUSALS = (Refused, Wrong, TooLarge)

# --- drawing -------------------------------------------------------------------------------------

ONE = [op for op, each in LAYERS.items() if each.takes == "one" and not each.traits.augments_only]
SEVERAL = [op for op, each in LAYERS.items() if each.takes != "one"]
CORE = [op for op in ONE if re.search("Conv|Pooling|Dense|Spectrogram", op)]
MERGES = ["Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate", "Dot"]
ATTENDING = [op for op in SEVERAL if op not in MERGES]
KEEPING = ["BatchNormalization", "ReLU", "Activation", "Dropout", "LayerNormalization", "Identity",
           "ELU", "GaussianNoise", "Rescaling", "Softmax", "PReLU", "LeakyReLU"]  # fmt: skip
SHAPES: list[tuple[int | None, ...]] = [
    (8, 8, 3), (12, 12, 3), (7, 9, 2), (None, None, 3), (8, None, 4), (16, 4), (10, 6), (None, 5),
    (9,), (6,), (1,), (6, 5, 4, 2), (5, 5, 5, 1), (None, 4, 4, 3),
]  # fmt: skip
DEFAULTS: list[dict[str, dict[str, Any]]] = [
    {"Conv2D": {"padding": "same", "use_bias": False}},
    {"Conv1D": {"padding": "same"}, "Dense": {"activation": "relu"}},
    {"Dense": {"kernel_initializer": "he_normal"}, "Dropout": {"seed": 3}},
    {"BatchNormalization": {"momentum": 0.9}, "Activation": {"activation": "relu"}},
    {"Concatenate": {"axis": 1}, "Conv3D": {"padding": "same"}},
]


@dataclass(frozen=True)
class Spot:
    """Where an item is drawn. depth: how deep in containers. suffix: what a name must hold for each
    turn to have its own; None where no name is possible."""

    place: Place
    depth: int = 0
    suffix: str | None = ""


@dataclass
class Drawing:
    """One network in the making."""

    draw: Draw
    network: Network = field(default_factory=lambda: Network({}))
    count: int = 0

    def __post_init__(self) -> None:
        self.engine = Shapes()
        self.walk = Walk(self.network, self.engine)

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def tried(self, items: Items, x: Any, place: Place) -> Any:
        """What the items make of `x`; the scope is as before, and REFUSALS raised, if they fail."""
        before = place.scope.copy()
        try:
            out = self.walk.items(items, x, place)
            if not isinstance(out, Value):
                raise Wrong("branches were not merged")
            return out
        except REFUSALS:
            place.scope.become(before)
            raise

    def rehearsed(self, make: Callable[[], Any], place: Place) -> Any:
        """What `make` draws, the scope being as before afterwards."""
        before = place.scope.copy()
        try:
            return make()
        finally:
            place.scope.become(before)

    # --- lists of items

    def items(self, x: Any, spot: Spot, count: int) -> tuple[Items, Any]:
        made: Items = []
        for _ in range(count):
            more, x = self.one(x, spot)
            made += more
        return made, x

    def one(self, x: Any, spot: Spot) -> tuple[Items, Any]:
        """A step that can follow `x` (with unmerged branches, the one that must follow)."""
        kinds: list[tuple[float, Callable[[Any, Spot], Items]]] = [
            (0.2, self.join),
            (0.06, self.reuse),
            (0.02, self.leave),
        ]
        if spot.depth < 3:
            kinds += [(0.13, self.branches), (0.05, self.group), (0.05, self.loop)]
        if self.network.blocks and spot.depth < 4:
            kinds.append((0.12, self.call))
        kinds.append((0.42, self.plain))  # the simplest comes last, which shrinking wants
        while True:
            (kind,) = self.draw.choices([k for _, k in kinds], [share for share, _ in kinds])
            for _ in range(30 if kind == self.plain else 5):
                try:
                    items = kind(x, spot)
                    return items, self.tried(items, x, spot.place)
                except REFUSALS:
                    continue

    # --- parts of an item

    def name(self, spot: Spot, stem: str = "s", share: float = 0.5) -> str | None:
        if spot.suffix is None or not self.chance(share):
            return None
        return self.fresh(stem) + spot.suffix

    def modifiers(self, spot: Spot, source: Any = None) -> dict[str, Any]:
        """A name, and a condition that is true, now and then.

        None beside a `from`: in a call where it is false, the step would pass on what that names.
        """
        given: dict[str, Any] = {"name": self.name(spot)}
        if self.chance(0.05) and source is None:
            given["when"] = self.condition(spot.place.env, True)
        return given

    def condition(self, env: Mapping[str, Any], wanted: bool) -> Any:
        numbers = [name for name, value in env.items() if isinstance(value, int)]
        while True:
            left = self.draw.choice([*numbers, "2", "len([1, 2])"])
            text = f"{left} {self.draw.choice(['<', '>', '==', '!=', '<=', '>='])} "
            text += f"{self.draw.randint(0, 3)}{self.draw.choice(['', ' or false', ' and true'])}"
            for formula in (Formula(text), Formula(f"not ({text})")):
                if plain(formula, env) is wanted:
                    return formula

    def formula(self, value: int, env: Mapping[str, Any]) -> Formula:
        """A formula that gives a small positive number, over what is in scope."""
        names = [name for name, each in env.items() if type(each) is int]
        name = self.draw.choice([*names, *names, str(value)])
        lists = [name for name, each in env.items() if isinstance(each, list)]
        texts = [
            f"{name} * {value} + 1",
            f"{name} + {value}",
            f"max({name}, {value})",
            f"{value} if {name} > 1 else {value + 1}",
            f"abs({name} - {value}) + 1",
            f"2 ** ({name} % 3)",
            f"ceil({name} / 2) + 1",
            f"min([{name}, {value}]) + 1",
            f"floor(log2({name} + 1)) + {value}",
            f"sum(range({value})) + round({name} / 2) + 1",
            f"int(sqrt({name} * {name})) + 1",
            *(f"{each}[{name} % len({each})]" for each in lists),
        ]
        return Formula(self.draw.choice(texts))

    def visible(self, spot: Spot) -> list[tuple[str, Any]]:
        """The steps that may be referred to, each as its reference might be written."""
        place = spot.place
        found = []
        for path, value in place.scope.values.items():
            if not isinstance(value, Value) or value.dtype != "float32":
                continue
            found.append((self.reference(path, place), value))
        return found

    def reference(self, path: str, place: Place) -> str:
        """A path as it may be written here: whole or without what is common, and with the variables
        of its loop where they have the same values."""
        *groups, last = path.split(".")
        written = place.scope.written.get(path, last)
        with suppress(Wrong):
            if filled(written, place.env) == last and self.chance(0.7):
                last = written
        common = 0
        for ours, theirs in zip(groups, place.prefix, strict=False):
            if ours != theirs:
                break
            common += 1
        return ".".join((*groups[self.draw.choice([0, common]) :], last))

    # --- kinds of items

    def arguments(self, op: str, spot: Spot, given: dict[str, Any]) -> dict[str, Any]:
        """The same, some numbers as formulas, and channels first where the network expects it."""
        known = LAYERS[op].arguments
        if self.network.channels_first and "data_format" in known:
            given["data_format"] = "channels_first"
        for key in ("filters", "units", "size", "n", "key_dim"):
            if type(given.get(key)) is int and self.chance(0.3):
                given[key] = self.formula(given[key], spot.place.env)
        return given

    def plain(self, x: Any, spot: Spot) -> Items:
        """A layer, perhaps in a loop of its own, or skipped."""
        if not isinstance(x, Value):
            raise Wrong("there is nothing to follow")
        source = None
        if self.chance(0.08):
            source, x = self.elsewhere(x, spot)
        ops = self.draw.choices([ONE, CORE, KEEPING], [0.5, 0.3, 0.2])[0]
        op, given = layer(self.draw, ops, [x.shape])
        given = self.arguments(op, spot, given)
        item = Layer(op, given, **self.modifiers(spot, source), source=source)
        known = LAYERS[op].call
        if known and self.chance(0.2):
            item.call = {"training": self.chance(0.5)} if "training" in known else {}
        if source is not None:
            pass
        elif self.chance(0.04) and self.fits(item, [x.shape], spot):
            item.when, item.name = self.condition(spot.place.env, False), None
        elif self.chance(0.06) and spot.suffix is not None:
            item.loop, inner = self.turns(spot)
            item.name = self.name(inner)
        elif self.chance(0.03):
            item.source = "previous"
        return [item]

    def join(self, x: Any, spot: Spot) -> Items:
        return [self.merge(x, spot)]

    def merge(self, x: Any, spot: Spot) -> Layer:
        """A layer of several inputs: the step before and others."""
        known = [("previous", x), *self.visible(spot)]
        if len(spot.place.inputs) == 1:
            (start,) = spot.place.inputs.values()
            if start.dtype == "float32":
                known.append(("input", start))
        op = self.draw.choice(MERGES if self.chance(0.75) else ATTENDING)
        takes = LAYERS[op].takes
        same = [each for each in known if each[1].shape == x.shape]
        pool = same if self.chance(0.7) else known
        pool = [each for each in pool if each[1] is not x] or pool
        number = 2 if op in ("Subtract", "Dot") else self.draw.choice([2, 2, 3])
        others = [self.draw.choice(pool) for _ in range(number - 1)]
        chosen = [("previous", x), *others]
        source: Any
        if isinstance(takes, tuple):
            slots = [slot for slot in takes if slot not in LAYERS[op].optional or self.chance(0.4)]
            chosen = [chosen[min(place, len(chosen) - 1)] for place in range(len(slots))]
            source = {slot: text for slot, (text, _) in zip(slots, chosen, strict=True)}
        else:
            self.draw.shuffle(chosen)
            source = [text for text, _ in chosen]
        shapes = [each.shape for _, each in chosen]
        op, given = layer(self.draw, [op], shapes)
        item = Layer(
            op, self.arguments(op, spot, given), **self.modifiers(spot, source), source=source
        )
        attending = "use_causal_mask" in LAYERS[op].call and len(x.shape) == 3
        if attending and self.chance(0.3):
            item.call = {"use_causal_mask": self.chance(0.5)}
        return item

    def reuse(self, x: Any, spot: Spot) -> Items:
        """A layer or block that is there already, on this value."""
        layers = list(spot.place.scope.layers)
        if not layers:
            raise Wrong("nothing to reuse")
        path = self.draw.choice(layers)
        record = spot.place.scope.layers[path]
        item = Reuse(self.reference(path, spot.place), **self.modifiers(spot))
        several = len(record[0].inputs) if isinstance(record, tuple) else 0
        takes = "" if isinstance(record, tuple) else LAYERS[record.op].takes
        if several > 1 or takes == "list":
            known = [("previous", x), *self.visible(spot)]
            others = [self.draw.choice(known)[0] for _ in range(max(several, 2) - 1)]
            item.source = ["previous", *others]
        elif isinstance(takes, tuple):
            item.source = {
                slot: "previous" for slot in takes if slot not in LAYERS[record.op].optional
            }
        return [item]

    def elsewhere(self, x: Any, spot: Spot) -> tuple[str | None, Any]:
        """Another step to go on from, if what this one gives can be found again or is taken."""
        known = [each for each in self.visible(spot) if each[1] is not x]
        named = any(value is x for value in spot.place.scope.values.values())
        if not known or not (named or x in self.engine.taken):
            return None, x
        return self.draw.choice(known)

    def leave(self, x: Any, spot: Spot) -> Items:
        """Only go on from another step."""
        source, _ = self.elsewhere(x, spot)
        if source is None:
            raise Wrong("nothing to go on from")
        return [Bare(source=source, name=self.name(spot))]

    def group(self, x: Any, spot: Spot) -> Items:
        item = Group([], **self.modifiers(spot))
        if self.chance(0.2):
            item.source, x = self.elsewhere(x, spot)
            item.when = None if item.source is not None else item.when
        place = spot.place.inside(item.name and filled(item.name, spot.place.env))
        inner = replace(spot, place=place, depth=spot.depth + 1)
        if item.name:
            inner = replace(inner, suffix="")
        number = self.draw.randint(0, 3)
        item.items, _ = self.rehearsed(lambda: self.items(x, inner, number), place)
        if item.items and item.source is None and self.chance(0.15):
            item.when, item.name = self.condition(place.env, False), None
        return [item]

    def turns(self, spot: Spot) -> tuple[dict[str, Any], Spot]:
        """A loop, and the spot inside its first turn."""
        count = self.draw.randint(1, 3)
        if self.chance(0.3):
            repeated = self.formula(1, spot.place.env) if self.chance(0.3) else count
            if plain(repeated, spot.place.env) > 4:
                repeated = count
            return {"repeat": repeated}, replace(spot, suffix=spot.suffix)
        i, w = self.fresh("i"), self.fresh("w")
        widths = [self.draw.choice([1, 2, 3, 4]) for _ in range(count)]
        loop: Any = self.draw.choice(
            [
                {i: Formula(f"range({count})")},
                {i: list(range(count))},
                {i: Formula(f"range({count})"), w: widths},
                [{i: turn, w: width} for turn, width in enumerate(widths)],
            ]
        )
        place = replace(spot.place, env={**spot.place.env, **rows({"for": loop}, {})[0]})
        suffix = None if spot.suffix is None else f"{spot.suffix}_{{{i}}}"
        return {"for": loop}, Spot(place, spot.depth + 1, suffix)

    def loop(self, x: Any, spot: Spot) -> Items:
        """A group that is gone through several times, each time perhaps under a name."""
        loop, inner = self.turns(spot)
        item = Group([], loop=loop)
        item.name = self.name(inner, "g")
        if item.name:
            turn = item.name + ("0" if "repeat" in loop else "")
            turn = filled(turn, inner.place.env)
            inner = Spot(inner.place.inside(turn), spot.depth + 1, "")
        elif "repeat" in loop:
            inner = replace(inner, suffix=None, depth=spot.depth + 1)
        number = self.draw.randint(1, 3)
        item.items, _ = self.rehearsed(lambda: self.items(x, inner, number), inner.place)
        variables = [name for name in inner.place.env if name not in spot.place.env]
        if variables and self.chance(0.2):
            some = self.draw.choice(item.items)
            # One with a `from` would pass on what that names, and leave others unused.
            if some.when is None and some.name is None and some.source is None:
                some.when = Formula(f"{variables[0]} > 0")
        return [item]

    def branches(self, x: Any, spot: Spot) -> Items:
        """Branches and a merge that can join them."""
        number = self.draw.choice([2, 2, 2, 3])
        named = spot.suffix is not None
        name = self.name(spot, "fork", 0.3)
        place = spot.place.inside(name and filled(name, spot.place.env))
        keys = None
        if named and (name or not spot.suffix) and self.chance(0.6):
            keys = [self.fresh("way") for _ in range(number)]
        suffix = "" if name else spot.suffix

        def body(key: str | None) -> tuple[Group, Any]:
            group = Group([])
            if keys is None and suffix == "" and self.chance(0.2):
                group.name = key = self.fresh("way")
            start = x
            if self.chance(0.15):
                here = self.visible(replace(spot, place=place))
                group.source, start = self.draw.choice([("previous", x), *here])
            inner = Spot(place.inside(key), spot.depth + 1, "" if key else suffix)
            group.items, end = self.items(start, inner, self.draw.choice([0, 1, 1, 2]))
            return group, end

        bodies = self.rehearsed(lambda: [body(key) for key in keys or [None] * number], place)
        item = Branches(keys, [group for group, _ in bodies], None, name=name)
        merge = self.joining([end.shape for _, end in bodies], spot)
        if keys and self.chance(0.12):  # not merged: the next step names the ends
            prefix = [name] if name else []
            merge.source = [".".join((*prefix, key)) for key in keys]
            return [item, merge]
        if self.chance(0.3) and suffix == "":
            merge.name = self.fresh("s")
        item.merge = merge
        if self.chance(0.1):
            branch = self.draw.choice(item.branches)
            branch.when = self.condition(place.env, self.chance(0.5))
        return [item]

    def joining(self, shapes: list[Shape], spot: Spot) -> Layer:
        """A merge of values of such shapes."""
        for _ in range(12):
            op, given = layer(self.draw, MERGES, shapes)
            merge = Layer(op, self.arguments(op, spot, given))
            if self.fits(merge, shapes, spot):
                return merge
        raise Wrong("no merge fits")

    def fits(self, item: Layer, shapes: list[Shape], spot: Spot) -> bool:
        given: dict[str, Any] = {}
        for defaults, env in spot.place.defaults:
            given |= plain(defaults.get(item.op, {}), env)
        try:
            infer(item.op, given | plain(item.arguments, spot.place.env), list(shapes))
        except Refused:
            return False
        return True

    # --- blocks

    def block(self, shape: Shape) -> None:
        """A block that was sound for inputs of one shape, at least."""
        several = self.chance(0.35)
        params: dict[str, Any] = {"n": self.draw.choice([None, 2, 3])}
        if self.chance(0.5):
            params["deep"] = self.draw.choice([1, 2, Formula("n + 1")])
        block = Block(params, ["left", "right"] if several else [], [])
        if self.chance(0.2):
            block.defaults = self.draw.choice(DEFAULTS)
        inputs = {name: Value(shape) for name in block.inputs or ["input"]}
        env = {**self.walk.own, **self.walk.channels(inputs)}
        for key, default in params.items():
            env[key] = 2 if default is None else plain(default, env)
        defaults = ((self.network.defaults, self.walk.own), (block.defaults, env))
        place = Place(env, Scope(dict(inputs) if several else {}), inputs, defaults)
        spot = Spot(place, 2)
        x: Any = inputs.get("input")
        if several:
            while x is None:
                merge = self.merge(inputs["left"], spot)
                source = merge.source
                names = self.draw.sample(["left", "right"], 2)
                if isinstance(source, dict):
                    merge.source = {slot: names[k % 2] for k, slot in enumerate(source)}
                else:
                    merge.source = names
                try:
                    x = self.tried([merge], None, place)
                    block.items.append(merge)
                except REFUSALS:
                    continue
        more, _ = self.items(x, spot, self.draw.randint(1, 3))
        block.items += more
        self.network.blocks[self.fresh("unit_")] = block

    def call(self, x: Any, spot: Spot) -> Items:
        name, block = self.draw.choice(list(self.network.blocks.items()))
        item = Call(name, **self.modifiers(spot))
        if block.params["n"] is None or self.chance(0.5):
            value = self.draw.randint(1, 3)
            formula = self.chance(0.4)
            item.arguments["n"] = self.formula(value, spot.place.env) if formula else value
        if "deep" in block.params and self.chance(0.3):
            item.arguments["deep"] = self.draw.randint(1, 2)
        if len(block.inputs) > 1:
            known = [("previous", x), *self.visible(spot)]
            texts = ["previous", self.draw.choice(known)[0]]
            self.draw.shuffle(texts)
            item.source = texts
            if self.chance(0.4):
                item.source = dict(zip(block.inputs, texts, strict=True))
        elif self.chance(0.15) and spot.suffix is not None:
            item.loop, inner = self.turns(spot)
            item.name = self.name(inner)
        return [item]

    # --- the whole

    def whole(self) -> Network:
        draw, network = self.draw, self.network
        if self.chance(0.6):
            network.params = {"width": draw.randint(1, 4), "deep": draw.randint(1, 2)}
            if self.chance(0.5):
                network.params["widths"] = [draw.randint(1, 4) for _ in range(draw.randint(1, 3))]
        network.channels_first = self.chance(0.08)
        if network.channels_first:
            ops = [op for op in ONE if "data_format" in LAYERS[op].arguments]
            network.defaults = {op: {"data_format": "channels_first"} for op in draw.sample(ops, 3)}
        elif self.chance(0.4):
            network.defaults = draw.choice(DEFAULTS)
        shape = draw.choice(SHAPES)
        if network.channels_first:
            shape = (shape[-1], *shape[:-1])
        number = draw.choice([1, 1, 1, 2, 3])
        names = ["input"] if number == 1 and self.chance(0.8) else ["a", "b", "c"][:number]
        for name in names:
            network.inputs[name] = (shape if self.chance(0.5) else draw.choice(SHAPES), "float32")
        if number > 1 and self.chance(0.3):
            network.inputs[names[-1]] = ((draw.randint(3, 6),), "int32")
        place = self.walk.start()
        sizes = [value.shape for value in place.inputs.values() if value.dtype == "float32"]
        for _ in range(draw.choice([0, 1, 1, 2])):
            self.block(draw.choice(sizes))
        spot = Spot(place)
        x: Any = None
        for name in reversed(place.inputs):
            x = self.tower(name, x, spot, last=name == names[0])
        target = draw.randint(1, 12)
        while len(network.items) < target:
            more, x = self.one(x, spot)
            network.items += more
        self.ended(x)
        return network

    def tower(self, name: str, x: Any, spot: Spot, last: bool) -> Any:
        """The first steps that an input takes, the last of them named for those that join it."""
        value = spot.place.inputs[name]
        single = len(spot.place.inputs) == 1
        if single:
            return value
        while True:
            if value.dtype == "int32":
                given = {"input_dim": 20, "output_dim": self.draw.randint(2, 5)}
                first = Layer("Embedding", given, source=name)
            else:
                op, given = layer(self.draw, ONE, [value.shape])
                first = Layer(op, self.arguments(op, spot, given), source=name)
            first.name = self.fresh("s")
            try:
                x = self.tried([first], x, spot.place)
                break
            except REFUSALS:
                continue
        self.network.items.append(first)
        more, x = self.items(x, spot, 0 if last else self.draw.randint(0, 2))
        if not last:
            end = Layer("Activation", {"activation": "tanh"}, name=self.fresh("s"))
            more.append(end)
            x = self.tried([end], x, spot.place)
        self.network.items += more
        return x

    def ended(self, x: Any) -> None:
        """What nobody took becomes an output."""
        network, draw = self.network, self.draw
        walk = Walk(network, Shapes())
        place = walk.start()
        first = next(iter(place.inputs.values())) if len(place.inputs) == 1 else None
        last = walk.items(network.items, first, place)
        engine = walk.engine
        assert isinstance(engine, Shapes)
        paths = {value: path for path, value in place.scope.values.items()}
        spare = [each for each in engine.made if each not in engine.taken and each is not last]
        if engine.made[last] == "InputLayer" or any(each not in paths for each in spare):
            raise Wrong("a value that nobody takes cannot be an output")
        heads = [paths[each] for each in spare]
        others = [path for value, path in paths.items()
                  if isinstance(value, Value) and engine.made[value] != "InputLayer"
                  and value is not last and value not in spare]  # fmt: skip
        if others and draw.random() < 0.2:
            heads.append(draw.choice(others))
        if not heads:
            return
        if last not in paths:
            end = Layer("Identity", name="end")
            network.items.append(end)
            heads.append("end")
        else:
            heads.append(paths[last])
        draw.shuffle(heads)
        network.outputs = heads


def draw(random_: Draw) -> Network:
    """A sound network."""
    while True:
        network = draw_masked(random_)
        try:
            archspec.loads(write(network)[0])
        except SpecError as error:
            if not any(each.code == "mask" for each in error.diagnostics):
                return network
        else:
            return network


def draw_masked(random_: Draw) -> Network:
    """A network that is sound, but perhaps for a mask, which stops Keras only when it runs."""
    while True:
        try:
            return Drawing(random_).whole()
        except Wrong:
            continue
