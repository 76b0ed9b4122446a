"""Random networks: drawn once, written as a spec, and built straight with Keras.

    network = draw(random.Random(7))
    text, lines = write(network)      # YAML in archspec's language, and where the fault stands
    records, model = build(network)   # what Keras makes of the same description, call by call

The two readings share nothing but the description. archspec's rules are asked while drawing, so
that most networks are sound and the others have one fault, at a known step; whether that is so is
then for Keras to say.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from archspec.errors import Refused
from archspec.graph import Shape
from archspec.infer import infer
from archspec.layers import LAYERS
from archspec.objects import ACTIVATION_LAYERS

Env = Mapping[str, int]


@dataclass(frozen=True)
class Formula:
    """A value that the spec states as a formula over params or loop variables."""

    text: str
    value: Callable[[Env], Any]


@dataclass(eq=False)
class Step:
    """One layer. source: None for the step before, or what `from` says."""

    op: str
    arguments: dict[str, Any] = field(default_factory=dict)
    source: Any = None
    name: str | None = None
    skipped: bool = False


@dataclass(eq=False)
class Reuse:
    """The layer of a named step, called again."""

    of: str


@dataclass(eq=False)
class Branches:
    keys: list[str] | None
    branches: "list[list[Item]]"
    merge: Step


@dataclass(eq=False)
class Loop:
    """`repeat: turns`, or `for: {variable: =range(turns)}`."""

    turns: int
    variable: str | None
    body: "list[Item]"


@dataclass(eq=False)
class Call:
    """A block that takes the param `n`."""

    block: str
    n: int


Item = Step | Reuse | Branches | Loop | Call


@dataclass
class Network:
    """fault: the step that cannot be, if there is one; kind: of the fault."""

    inputs: dict[str, tuple[tuple[int | None, ...], str]]
    params: dict[str, int] = field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    blocks: dict[str, list[Item]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    fault: Item | None = None
    kind: str = ""


def plain(value: Any, env: Env) -> Any:
    """An argument with its formulas worked out."""
    if isinstance(value, Formula):
        return value.value(env)
    if isinstance(value, dict):
        return {key: plain(each, env) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each, env) for each in value]
    return value


# --- writing -------------------------------------------------------------------------------------


def flow(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Formula):
        return value.text
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


class Writer:
    """A network as the lines of a spec; `places[id(step)]` are those of a step, counted from 1."""

    def __init__(self, network: Network) -> None:
        self.text: list[str] = []
        self.places: dict[int, range] = {}
        top: dict[str, Any] = {"archspec": 1, "name": "drawn", "params": network.params}
        if len(network.inputs) == 1:
            top["input"] = list(network.inputs["a"][0])
        else:
            top["inputs"] = {
                name: {"shape": list(shape), "dtype": dtype}
                for name, (shape, dtype) in network.inputs.items()
            }
        for key, value in (top | {"defaults": network.defaults}).items():
            if value:
                self.text.append(f"{key}: {flow(value)}")
        if network.blocks:
            self.text.append("blocks:")
        for name, body in network.blocks.items():
            self.text += [f"  {name}:", "    params: {n: null}", "    layers:"]
            self.items(body, 6)
        self.text.append("layers:")
        self.items(network.items, 2)
        if network.outputs:
            self.text.append(f"outputs: {flow(network.outputs)}")

    def items(self, items: list[Item], indent: int) -> None:
        for item in items:
            first = len(self.text) + 1
            self.item(item, " " * indent)
            self.places[id(item)] = range(first, len(self.text) + 1)

    def item(self, item: Item, pad: str) -> None:
        match item:
            case Step():
                self.step(item, pad)
            case Reuse(of):
                self.text.append(f"{pad}- reuse: {of}")
            case Call(block, n):
                self.text.append(f"{pad}- {block}: {n}" if n % 2 else f"{pad}- {block}: {{n: {n}}}")
            case Loop(turns, variable, body):
                head = f"for: {{{variable}: =range({turns})}}" if variable else f"repeat: {turns}"
                self.text += [f"{pad}- {head}", f"{pad}  layers:"]
                self.items(body, len(pad) + 4)
            case Branches(keys, branches, merge):
                self.text.append(f"{pad}- branches:")
                for place, branch in enumerate(branches):
                    head = f"{keys[place]}:" if keys else "-"
                    if not branch:
                        self.text.append(f"{pad}    {head} []")
                    elif keys:
                        self.text.append(f"{pad}    {head}")
                        self.items(branch, len(pad) + 6)
                    else:
                        self.text.append(f"{pad}    - layers:")
                        self.items(branch, len(pad) + 8)
                first = len(self.text) + 1
                arguments = merge.arguments
                what = flow({merge.op: arguments}) if arguments else merge.op
                self.text.append(f"{pad}  merge: {what}")
                self.places[id(merge)] = range(first, first + 1)

    def step(self, step: Step, pad: str) -> None:
        arguments = step.arguments
        first = [*LAYERS[step.op].arguments][:1] if step.op in LAYERS else []
        plain_one = bool(first) and list(arguments) == first
        modifiers = {"name": step.name, "from": step.source}
        given = {key: value for key, value in modifiers.items() if value is not None}
        if step.skipped:
            given["when"] = Formula("=1 > 2", lambda env: False)
        (value,) = arguments.values() if plain_one else (None,)
        if not arguments:
            self.text.append(f"{pad}- {step.op}" + (":" if given else ""))
        elif plain_one and not isinstance(value, dict):
            self.text.append(f"{pad}- {step.op}: {flow(value)}")
        elif len(arguments) == 2 and not given:  # both styles of YAML
            self.text.append(f"{pad}- {step.op}:")
            self.text += [f"{pad}    {key}: {flow(each)}" for key, each in arguments.items()]
        else:
            self.text.append(f"{pad}- {step.op}: {flow(arguments)}")
        self.text += [f"{pad}  {key}: {flow(each)}" for key, each in given.items()]


def write(network: Network) -> tuple[str, range]:
    """The spec of a network, and the lines of its fault."""
    writer = Writer(network)
    return "\n".join(writer.text) + "\n", writer.places.get(id(network.fault), range(0))


# --- building with Keras -------------------------------------------------------------------------


@dataclass
class Record:
    """One call: the layer, its output's shape, its weights, and which of them are trained."""

    op: str
    shape: Shape
    weights: list[tuple[str, tuple[int, ...]]]
    fixed: set[str]


def build(network: Network) -> tuple[list[Record], Any]:
    """Build a network with Keras alone: every call in order, and the model."""
    import keras

    records: list[Record] = []
    layers: dict[str, Any] = {}
    tensors: dict[str, Any] = {
        name: keras.Input(shape, dtype=dtype, name=name)
        for name, (shape, dtype) in network.inputs.items()
    }

    def object_(op: str, name: str, value: Any) -> Any:
        argument = LAYERS[op].arguments.get(name) if op in LAYERS else None
        if argument is None or argument.type.kind is None or not isinstance(value, dict):
            return value
        ((which, arguments),) = value.items()
        if argument.type.kind == "activation":
            return getattr(keras.layers, ACTIVATION_LAYERS[which])(**arguments)
        return getattr(getattr(keras, argument.type.kind + "s"), which)(**arguments)

    def call(op: str, layer: Any, inputs: Any) -> Any:
        out = layer(**inputs) if isinstance(inputs, dict) else layer(inputs)

        def short(variable: Any) -> str:
            return variable.path.removeprefix(f"{layer.name}/")

        records.append(
            Record(
                op,
                tuple(out.shape),
                [(short(each), tuple(each.shape)) for each in layer.weights],
                {short(each) for each in layer.non_trainable_weights},
            )
        )
        return out

    def find(source: Any, previous: Any) -> Any:
        if isinstance(source, list):
            return [find(each, previous) for each in source]
        if isinstance(source, dict):
            return {slot: find(each, previous) for slot, each in source.items()}
        return previous if source in (None, "previous") else tensors[source]

    def walk(items: list[Item], previous: Any, env: Env) -> Any:
        for item in items:
            match item:
                case Step(skipped=True):
                    pass
                case Step(op, arguments, source, name):
                    given = {**network.defaults.get(op, {}), **plain(arguments, env)}
                    made = {key: object_(op, key, value) for key, value in given.items()}
                    layer = getattr(keras.layers, op)(**made)
                    previous = call(op, layer, find(source, previous))
                    if name:
                        tensors[name], layers[name] = previous, layer
                case Reuse(of):
                    previous = call(type(layers[of]).__name__, layers[of], previous)
                case Loop(turns, variable, body):
                    for turn in range(turns):
                        inner = {**env, variable: turn} if variable else env
                        previous = walk(body, previous, inner)
                case Call(block, n):
                    previous = walk(network.blocks[block], previous, {**network.params, "n": n})
                case Branches(_, branches, merge):
                    ends = [walk(branch, previous, env) for branch in branches]
                    given = {**network.defaults.get(merge.op, {}), **merge.arguments}
                    previous = call(merge.op, getattr(keras.layers, merge.op)(**given), ends)
        return previous

    starts = list(tensors.values())
    last = walk(network.items, starts[0], network.params)
    outputs = [tensors[name] for name in network.outputs] or [last]
    return records, keras.Model(starts, outputs)


# --- drawing -------------------------------------------------------------------------------------

Draw = random.Random
SMALL = (1, 2, 3, 4, 6, 8)


def sizes(draw: Draw, rank: int, highest: int) -> Any:
    """One number for all axes, or one for each."""
    if draw.random() < 0.7:
        return draw.randint(1, highest)
    return [draw.randint(1, highest) for _ in range(rank)]


def margins(draw: Draw, rank: int) -> Any:
    if rank == 1 or draw.random() < 0.5:
        return draw.choice([1, 2] if rank == 1 else [1, 2, [1] * rank])
    return [[draw.randint(0, 2), draw.randint(0, 2)] for _ in range(rank)]


def maybe(draw: Draw, share: float, **arguments: Callable[[], Any]) -> dict[str, Any]:
    """Each argument with that probability."""
    return {name: make() for name, make in arguments.items() if draw.random() < share}


INITIALIZERS: list[Any] = [
    "he_normal",
    "Zeros",
    {"RandomNormal": {"stddev": 0.1}},
    {"Constant": {"value": 0.1}},
    {"VarianceScaling": {"mode": "fan_out"}},
]


def objects(draw: Draw, *parts: str) -> dict[str, Any]:
    """Now and then an initializer, a regularizer or a constraint."""
    made: dict[str, Any] = {}
    for part in parts:
        if draw.random() < 0.1:
            made[f"{part}_initializer"] = draw.choice(INITIALIZERS)
        if draw.random() < 0.1:
            made[f"{part}_regularizer"] = draw.choice(["l2", {"L1": {"l1": 0.1}}])
        if draw.random() < 0.05:
            made[f"{part}_constraint"] = draw.choice(["non_neg", {"MaxNorm": {"max_value": 3}}])
    return made


def activation(draw: Draw) -> Any:
    return draw.choice(["relu", "tanh", "gelu", "softmax", "swish", {"relu": {"max_value": 6}}])


def convolution(draw: Draw, rank: int, wild: bool) -> Step:
    """A convolution of some family. wild: with arguments that often cannot be."""
    reach = 9 if wild else 3
    kernel = {"kernel_size": sizes(draw, rank, reach)}
    filters = {"filters": draw.choice(SMALL)}
    families = ["Conv", "Conv", "Transpose"] + (["Depthwise", "Separable"] if rank < 3 else [])
    family = draw.choice(families)
    paddings = ["same", "valid"] + (["causal"] if rank == 1 and family == "Conv" else [])
    more = maybe(
        draw,
        0.35,
        strides=lambda: sizes(draw, rank, 2),
        padding=lambda: draw.choice(paddings),
        use_bias=lambda: draw.choice([True, False]),
        activation=lambda: activation(draw),
    )
    if draw.random() < (0.5 if wild else 0.1):
        more["dilation_rate"] = draw.randint(1, 2)
    if draw.random() < 0.05:
        more["trainable"] = False
    if family == "Conv" and draw.random() < (0.6 if wild else 0.15):
        more["groups"] = draw.choice([1, 2, 3])
    if family == "Transpose" and draw.random() < 0.2:
        more["output_padding"] = draw.randint(1, 2)
    if family in ("Depthwise", "Separable") and draw.random() < 0.3:
        more["depth_multiplier"] = draw.randint(1, 2)
    names = {"Conv": ["kernel", "bias"], "Transpose": ["kernel"], "Depthwise": ["depthwise"]}
    more |= objects(draw, *names.get(family, ["depthwise", "pointwise"]))
    name = {"Conv": "Conv{}D", "Transpose": "Conv{}DTranspose"}.get(family, family + "Conv{}D")
    first = kernel if family == "Depthwise" else {**filters, **kernel}
    return Step(name.format(rank), {**first, **more})


def spatial(draw: Draw, rank: int, wild: bool) -> Step:
    """A layer that works on `rank` spatial axes."""
    kind = draw.choice(
        ["conv"] * 6
        + ["pool"] * 3
        + ["global", "pad", "crop", "up", "drop"]
        + (["resize"] if rank == 2 and not wild else [])
    )
    if kind == "conv":
        return convolution(draw, rank, wild)
    if kind == "pool":
        op = draw.choice([f"MaxPooling{rank}D", f"AveragePooling{rank}D"])
        more = maybe(
            draw,
            0.4,
            strides=lambda: sizes(draw, rank, 2),
            padding=lambda: draw.choice(["same", "valid"]),
        )
        if op.startswith("Average") or wild or draw.random() < 0.5:
            more = {"pool_size": sizes(draw, rank, 9 if wild else 3), **more}
        return Step(op, more)
    if kind == "global":
        op = draw.choice([f"GlobalMaxPooling{rank}D", f"GlobalAveragePooling{rank}D"])
        return Step(op, maybe(draw, 0.5, keepdims=lambda: draw.choice([True, False])))
    if kind == "pad":
        return Step(f"ZeroPadding{rank}D", maybe(draw, 0.7, padding=lambda: margins(draw, rank)))
    if kind == "crop":
        value = draw.randint(3, 9) if wild else margins(draw, rank)
        return Step(f"Cropping{rank}D", {"cropping": value})
    if kind == "up":
        size = sizes(draw, rank, 2) if rank > 1 else draw.randint(1, 3)
        more = {"interpolation": "bilinear"} if rank == 2 and draw.random() < 0.3 else {}
        return Step(f"UpSampling{rank}D", {"size": size, **more})
    if kind == "drop":
        return Step(f"SpatialDropout{rank}D", {"rate": 0.2})
    op = draw.choice(["Resizing", "CenterCrop"])
    return Step(op, {"height": draw.randint(2, 8), "width": draw.randint(2, 8)})


def general(draw: Draw, x: Shape, wild: bool) -> Step:
    """A layer that takes any number of axes."""
    last = x[-1] or 4
    axis = draw.randint(len(x), 9) if wild else -1
    steps: list[Callable[[], Step]] = [
        lambda: Step(
            "Dense",
            {"units": draw.choice(SMALL)}
            | maybe(draw, 0.3, activation=lambda: activation(draw), use_bias=lambda: False)
            | objects(draw, "kernel", "bias"),
        ),
        lambda: Step(
            "BatchNormalization",
            {"axis": axis}
            if wild
            else maybe(draw, 0.3, momentum=lambda: 0.9, center=lambda: False, scale=lambda: False),
        ),
        lambda: Step(
            "LayerNormalization",
            {"axis": axis}
            if wild
            else maybe(
                draw, 0.3, axis=lambda: draw.choice([-1, 1, [len(x) - 1]]), center=lambda: False
            ),
        ),
        lambda: Step("GroupNormalization", {"groups": draw.choice([1, 2, -1, last])}),
        lambda: Step("RMSNormalization", maybe(draw, 0.3, epsilon=lambda: 0.001)),
        lambda: Step("UnitNormalization", {"axis": axis} if wild else {}),
        lambda: Step("Normalization", {"axis": axis} if wild else {}),
        lambda: Step("Activation", {"activation": activation(draw)}),
        lambda: Step("ReLU", maybe(draw, 0.3, max_value=lambda: 6, negative_slope=lambda: 0.1)),
        lambda: Step("LeakyReLU", {"negative_slope": 0.1}),
        lambda: Step("ELU"),
        lambda: Step(
            "PReLU",
            maybe(draw, 0.5, shared_axes=lambda: list(range(1, len(x) - 1))) if len(x) > 2 else {},
        ),
        lambda: Step("Softmax"),
        lambda: Step(
            "Dropout", {"rate": draw.choice([0, 0.1, 0.5])} | maybe(draw, 0.2, seed=lambda: 3)
        ),
        lambda: Step("GaussianNoise", {"stddev": 0.1}),
        lambda: Step("GaussianDropout", {"rate": 0.1}),
        lambda: Step("AlphaDropout", {"rate": 0.1}),
        lambda: Step("ActivityRegularization", {"l2": 0.1}),
        lambda: Step("Rescaling", {"scale": 0.5}),
        lambda: Step("Identity"),
        lambda: Step("Flatten"),
        lambda: Step("Reshape", {"target_shape": target(draw, x, wild)}),
        lambda: Step("Permute", {"dims": dims(draw, x, wild)}),
    ]
    return draw.choice(steps)()


def target(draw: Draw, x: Shape, wild: bool) -> list[int]:
    if wild or None in x[1:]:
        return [draw.choice([-1, 5, 7, 11]) for _ in range(draw.randint(1, 3))]
    whole = prod(n for n in x[1:] if n is not None)
    factor = draw.choice([n for n in (1, 2, 3, 4, 6, 8) if whole % n == 0])
    return draw.choice([[-1, factor], [factor, whole // factor], [1, -1, factor], [-1]])


def dims(draw: Draw, x: Shape, wild: bool) -> list[int]:
    axes = list(range(1, len(x) + (draw.choice([-1, 1]) if wild else 0)))
    draw.shuffle(axes)
    return axes or [1]


def layer(draw: Draw, x: Shape, wild: bool = False) -> Step:
    """A layer that may follow a tensor of shape `x`."""
    rank = len(x) - 2
    if wild and draw.random() < 0.15:
        rank = draw.randint(1, 3)
    if len(x) == 3 and draw.random() < 0.15:
        if draw.random() < 0.5:
            source = {"query": "previous", "value": "previous"}
            more = maybe(draw, 0.3, value_dim=lambda: 2, use_bias=lambda: False,
                         output_shape=lambda: 5, dropout=lambda: 0.1)  # fmt: skip
            heads = {"num_heads": draw.randint(1, 3), "key_dim": draw.randint(1, 4)}
            return Step("MultiHeadAttention", heads | more, source)
        op = draw.choice(["Attention", "AdditiveAttention"])
        return Step(op, maybe(draw, 0.5, use_scale=lambda: True), ["previous", "previous"])
    if rank == 0 and draw.random() < 0.15:
        return Step("RepeatVector", {"n": draw.randint(1, 4)})
    if 1 <= rank <= 3 and draw.random() < 0.6:
        return spatial(draw, rank, wild)
    return general(draw, x, wild)


TOO_LARGE = "grows too large"
ELEMENTWISE = ("Add", "Multiply", "Average", "Maximum", "Minimum")


class Drawing:
    """Draws one network; `kind` is the fault that it shall have, or None."""

    def __init__(self, draw: Draw, kind: str | None) -> None:
        self.draw = draw
        self.kind = kind
        self.network = Network({})
        self.named: dict[str, Shape] = {}
        self.budget = draw.randint(3, 14)
        self.fault_at = draw.randint(0, self.budget - 1) if kind else -1
        self.made = 0
        self.before: dict[str, Shape] = {}  # what each named step takes

    def shape(self, step: Step, x: Shape, env: Env) -> Shape:
        """The shape that a step makes; `Refused` if it cannot be."""

        def find(source: Any) -> Any:
            if isinstance(source, list):
                return [find(each) for each in source]
            if isinstance(source, dict):
                return {slot: find(each) for slot, each in source.items()}
            return x if source in (None, "previous") else self.named[source]

        inputs = find(step.source)
        arguments = {**self.network.defaults.get(step.op, {}), **plain(step.arguments, env)}
        inputs = inputs if isinstance(inputs, list | dict) else [inputs]
        _, facts = infer(step.op, arguments, inputs)
        lengths = [n or 4 for n in facts.shape[1:]]
        if max(lengths, default=0) > 64 or prod(lengths) > 9000:
            raise Refused(TOO_LARGE)
        return facts.shape

    def sound(self, x: Shape, env: Env) -> tuple[Step, Shape]:
        """A step that can follow `x`."""
        while True:
            step = layer(self.draw, x)
            self.with_formulas(step, env)
            try:
                return step, self.shape(step, x, env)
            except Refused:
                continue

    def with_formulas(self, step: Step, env: Env) -> None:
        """State some numbers as formulas over what is in scope."""
        for key in ("filters", "units"):
            value = step.arguments.get(key)
            if value is None or self.draw.random() > 0.4:
                continue
            names = sorted(env)
            if names and self.draw.random() < 0.7:
                name = self.draw.choice(names)
                step.arguments[key] = Formula(
                    f"={name} * {value} + 1", lambda e, n=name, v=value: e[n] * v + 1
                )
            else:
                step.arguments[key] = Formula(f"={value} * 2", lambda e, v=value: v * 2)

    def faulty(self, x: Shape, env: Env) -> Step:
        """A step with the fault that was asked for, following `x`."""
        draw = self.draw
        if self.kind == "shape":
            for _ in range(200):
                step = layer(draw, x, wild=True)
                if draw.random() < 0.2 and self.named:
                    other = draw.choice(sorted(self.named))
                    op = draw.choice([*ELEMENTWISE, "Concatenate", "Subtract"])
                    step = Step(op, {}, ["previous", other])
                try:
                    self.shape(step, x, env)
                except Refused as refused:
                    if refused.message != TOO_LARGE:
                        return step
            return Step("Conv3D", {"filters": 2, "kernel_size": 50}, ["previous", "previous"])
        step, _ = self.sound(x, env)
        if self.kind == "count":
            return Step("Dense", {"units": 3}, ["previous", "previous"])
        if self.kind == "wiring":
            return Step("Add", {}, ["previous", "nowhere"])
        if self.kind == "layer":
            step.op = draw.choice([step.op + "s", step.op.lower() + "_", step.op[:-1] + "q"])
            return step
        if self.kind == "missing":
            op, given = draw.choice([("Dense", {}), ("Conv2D", {"filters": 3}), ("Dropout", {}),
                                     ("Reshape", {}), ("Activation", {})])  # fmt: skip
            return Step(op, given)
        if self.kind == "spelling":
            step.arguments[draw.choice(["filter", "kernel", "unit", "dropout_rate", "pad"])] = 2
            return step
        op, given = draw.choice(VALUES)
        return Step(op, dict(given))

    def items(self, x: Shape, env: Env, depth: int, count: int) -> tuple[list[Item], Shape]:
        """Steps that follow `x`, and what they make of it."""
        made: list[Item] = []
        for _ in range(count):
            if self.network.fault is not None:
                made.append(Step("Activation", {"activation": "relu"}))
                continue
            item, x = self.one(x, env, depth)
            made.append(item)
        return made, x

    def one(self, x: Shape, env: Env, depth: int) -> tuple[Item, Shape]:
        draw = self.draw
        self.made += 1
        if self.kind and self.made > self.fault_at:
            step = self.faulty(x, env)
            self.network.fault, self.network.kind = step, self.kind
            return step, x
        choice = draw.random()
        if depth < 2 and choice < 0.12:
            return self.branches(x, env, depth)
        if depth < 2 and choice < 0.18:
            return self.loop(x, env, depth)
        if depth == 0 and choice < 0.24 and self.network.blocks:
            called = self.call(x)
            if called:
                return called
        if depth == 0 and choice < 0.32 and self.named:
            joined = self.join(x)
            if joined:
                return joined
        if depth == 0 and choice < 0.37:
            reused = self.reuse(x)
            if reused:
                return reused
        if choice < 0.41:
            skipped, _ = self.sound(x, env)
            skipped.skipped = True
            if skipped.source is None:
                return skipped, x
        step, out = self.sound(x, env)
        if depth == 0 and draw.random() < 0.4:
            step.name = f"s{self.made}"
            self.named[step.name] = out
        return step, out

    def branches(self, x: Shape, env: Env, depth: int) -> tuple[Item, Shape]:
        """Branches that a merge can join: drawn until it can."""
        draw = self.draw
        for _ in range(20):
            number = draw.randint(2, 3)
            drawn = [self.items(x, env, depth + 1, draw.randint(0, 2)) for _ in range(number)]
            names = [f"{side}{self.made}" for side in ("left", "right", "middle")]
            keys = draw.choice([None, names[:number]])
            ops = [*ELEMENTWISE, "Concatenate"] + (["Subtract"] if number == 2 else [])
            merge = Step(draw.choice(ops))
            if merge.op == "Concatenate" and draw.random() < 0.5:
                merge.arguments["axis"] = draw.choice([-1, 1])
            item = Branches(keys, [each for each, _ in drawn], merge)
            if self.network.fault is not None:
                return item, x
            sources = [shape for _, shape in drawn]
            try:
                _, facts = infer(merge.op, merge.arguments, sources)
            except Refused:
                continue
            return item, facts.shape
        return self.sound(x, env)

    def loop(self, x: Shape, env: Env, depth: int) -> tuple[Item, Shape]:
        draw = self.draw
        variable = draw.choice([None, "i", "j"])
        if variable in env:
            variable = None
        turns = draw.randint(1, 3)
        for _ in range(20):
            inner = {**env, variable: 0} if variable else env
            body, out = self.items(x, inner, 2, draw.randint(1, 2))
            item = Loop(turns, variable, body)
            if self.network.fault is not None:
                return item, x
            try:
                for turn in range(1, turns):
                    out = self.follow(body, out, {**inner, variable: turn} if variable else inner)
            except Refused:
                continue
            return item, out
        return self.sound(x, env)

    def follow(self, items: list[Item], x: Shape, env: Env) -> Shape:
        """The shape that plain steps make of `x`."""
        for item in items:
            assert isinstance(item, Step)
            if not item.skipped:
                x = self.shape(item, x, env)
        return x

    def call(self, x: Shape) -> tuple[Item, Shape] | None:
        block = self.draw.choice(sorted(self.network.blocks))
        n = self.draw.randint(1, 4)
        try:
            env = {**self.network.params, "n": n}
            return Call(block, n), self.follow(self.network.blocks[block], x, env)
        except Refused:
            return None

    def join(self, x: Shape) -> tuple[Item, Shape] | None:
        """A merge of the step before with a named one."""
        names = sorted(self.named)
        self.draw.shuffle(names)
        for name in names:
            op = self.draw.choice([*ELEMENTWISE, "Concatenate", "Concatenate", "Subtract"])
            step = Step(op, {}, ["previous", name])
            try:
                return step, self.shape(step, x, {})
            except Refused:
                continue
        return None

    def reuse(self, x: Shape) -> tuple[Item, Shape] | None:
        """A named step of one input whose layer takes `x` as well."""
        for item in self.network.items:
            if not isinstance(item, Step) or item.name is None or item.source is not None:
                continue
            taken = self.before.get(item.name)
            if taken is not None and taken == x and LAYERS[item.op].takes == "one":
                return Reuse(item.name), self.shape(item, x, self.network.params)
        return None

    def whole(self) -> Network:
        draw, network = self.draw, self.network
        if draw.random() < 0.5:
            network.params = {"width": draw.randint(1, 4), "deep": draw.randint(1, 2)}
        if draw.random() < 0.3:
            network.defaults = draw.choice(
                [{"Conv2D": {"padding": "same"}}, {"Conv2D": {"use_bias": False}},
                 {"Dense": {"activation": "relu"}}, {"BatchNormalization": {"momentum": 0.9}}]
            )  # fmt: skip
        shape = draw.choice(
            [(8, 8, 3), (12, 12, 3), (7, 9, 2), (None, None, 3), (16, 4), (10, 6), (None, 5), (9,),
             (6, 5, 4, 2)]
        )  # fmt: skip
        network.inputs["a"] = (shape, "float32")
        x: Shape = (None, *shape)
        if draw.random() < 0.35:
            asked, self.kind = self.kind, None  # blocks are sound, and may be called or not
            body, _ = self.items(x, {**network.params, "n": 2}, 2, draw.randint(1, 3))
            network.blocks["unit"] = body
            self.kind = asked
            self.made = 0
        if draw.random() < 0.15:
            network.inputs["b"] = ((draw.randint(3, 6),), "int32")
            first = Step("Embedding", {"input_dim": 20, "output_dim": 4}, "b", "tokens")
            self.named["tokens"] = self.shape_of_tokens(first)
            network.items.append(first)
            start = Step("Identity", {}, "a")
            network.items.append(start)
        while self.made < self.budget:
            item, out = self.one(x, network.params, 0)
            network.items.append(item)
            if isinstance(item, Step) and item.name:
                self.before[item.name] = x
            x = out
            if network.fault is not None:
                more, _ = self.items(x, network.params, 0, draw.randint(0, 2))
                network.items += more
                break
        return self.ended(x)

    def shape_of_tokens(self, step: Step) -> Shape:
        shape, _ = self.network.inputs["b"]
        _, facts = infer(step.op, step.arguments, [(None, *shape)])
        return facts.shape

    def ended(self, x: Shape) -> Network:
        """Use what is still unused: the tokens, and some heads, become outputs."""
        network, draw = self.network, self.draw
        heads = ["tokens"] if "b" in network.inputs else []
        if heads or (self.named and draw.random() < 0.2):
            network.items.append(Step("Identity", {}, None, "end"))
            others = [name for name in sorted(self.named) if name not in heads]
            if others and draw.random() < 0.5:
                heads.append(draw.choice(others))
            network.outputs = [*heads, "end"]
        return network


VALUES: list[tuple[str, dict[str, Any]]] = [
    ("Conv2D", {"filters": 0, "kernel_size": 1}),
    ("Conv2D", {"filters": -2, "kernel_size": 1}),
    ("Conv2D", {"filters": "many", "kernel_size": 1}),
    ("Conv2D", {"filters": 2, "kernel_size": [1, 1, 1]}),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "padding": "sam"}),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "strides": 0}),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "activation": "rellu"}),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "kernel_initializer": "he_norml"}),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "kernel_regularizer": {"L2": {"factor": 1}}}),
    ("Dense", {"units": -1}),
    ("Dense", {"units": "ten"}),
    ("Dropout", {"rate": 1.5}),
    ("MaxPooling2D", {"pool_size": 0}),
    ("Reshape", {"target_shape": [-1, -1]}),
    ("ReLU", {"max_value": -6}),
    ("GroupNormalization", {"groups": 0}),
    ("RepeatVector", {"n": 0}),
    ("Permute", {"dims": [0, 1]}),
]
KINDS = ("shape", "shape", "shape", "spelling", "value", "layer", "missing", "wiring", "count")


def draw(random_: Draw) -> Network:
    """One network; three in ten have a fault."""
    kind = random_.choice(KINDS) if random_.random() < 0.3 else None
    return Drawing(random_, kind).whole()
