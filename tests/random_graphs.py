"""A network as a description: its meaning, step by step, and its text in the spec language.

    walk = Walk(network, engine)    # what the language means, in a hundred lines; engine: Keras,
    outputs = walk.outputs()        # or shapes alone
    text, lines = write(network)    # the same in YAML, and on which lines the fault stands

The walk shares nothing with archspec's expansion: it goes through the items as a Python script
would and calls the engine for each layer. Formulas are worked out by Python's own `eval`.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from archspec.layers import COMMON, LAYERS

Env = Mapping[str, Any]


class Wrong(Exception):
    """The network has no meaning: a name is unknown, or a value is not there."""


@dataclass(frozen=True)
class Formula:
    """A value that the spec states as a formula; text: without the `=`."""

    text: str


NAMES = {"true": True, "false": False, "null": None, "ceil": math.ceil, "floor": math.floor}
FUNCTIONS = {each.__name__: each for each in (len, min, max, sum, abs, int, round)}
FUNCTIONS |= {"sqrt": math.sqrt, "log2": math.log2, "range": lambda *n: list(range(*n))}


def plain(value: Any, env: Env) -> Any:
    """A value with its formulas worked out."""
    if isinstance(value, Formula):
        try:
            return eval(value.text, {"__builtins__": {}}, {**NAMES, **FUNCTIONS, **env})
        except NameError as error:
            raise Wrong(str(error)) from None
    if isinstance(value, dict):
        return {key: plain(each, env) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, env) for each in value]
    return value


def filled(text: str, env: Env) -> str:
    """A name or reference with its `{...}` worked out."""
    return re.sub(r"\{(.*?)\}", lambda match: str(plain(Formula(match[1]), env)), text)


# --- what a network is made of -----------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class Item:
    """A step, with its modifiers. source: what `from` says; loop: `{"for": ...}` or `{"repeat":
    ...}`; extra: keys that no step has."""

    name: str | None = None
    source: Any = None
    when: Any = None
    loop: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Layer(Item):
    op: str
    arguments: dict[str, Any] = field(default_factory=dict)
    call: dict[str, bool] = field(default_factory=dict)


@dataclass(eq=False)
class Call(Item):
    """Of a block."""

    block: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Group(Item):
    items: list[Item]


@dataclass(eq=False)
class Branches(Item):
    """keys: of a mapping; None for a list."""

    keys: list[str] | None
    branches: list[Group]
    merge: Item | None


@dataclass(eq=False)
class Reuse(Item):
    of: str


@dataclass(eq=False)
class Bare(Item):
    """A step that is only a `from`."""


@dataclass(eq=False)
class Block:
    """inputs: the names of several; [] for one without a name."""

    params: dict[str, Any]
    inputs: list[str]
    items: list[Item]
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(eq=False)
class Network:
    """fault: the item, block or part that is wrong, if something is; kind: of the fault."""

    inputs: dict[str, tuple[tuple[int | None, ...], str]]
    params: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    channels_first: bool = False
    fault: Any = None
    kind: str = ""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Have Hypothesis show the text."""
        printer.text(f"\n{write(self)[0]}")


def rows(loop: Mapping[str, Any], env: Env) -> list[dict[str, Any]]:
    """The variables of each turn of a loop; one turn without any where there is no loop."""
    if "repeat" in loop:
        return [{} for _ in range(plain(loop["repeat"], env))]
    data = plain(loop.get("for", [{}]), env)
    if isinstance(data, list):
        return data
    return [dict(zip(data, turn, strict=True)) for turn in zip(*data.values(), strict=True)]


# --- what it means -------------------------------------------------------------------------------


class Engine(Protocol):
    """What layers are to a walk: Keras's, or shapes and rules."""

    def input(self, name: str, shape: tuple[int | None, ...], dtype: str) -> Any: ...

    def make(self, op: str, arguments: dict[str, Any]) -> Any: ...

    def apply(self, layer: Any, inputs: Any, call: dict[str, bool]) -> Any: ...


@dataclass
class Scope:
    """The steps of the file or of one call of a block, by dotted path.

    values: what each gives. layers: what `reuse` calls again: a layer, or (block, its arguments,
    the layers it called, in order). written: the last name of a path as the spec has it, with the
    variables of its loop.
    """

    values: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, Any] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Scope":
        return Scope(dict(self.values), dict(self.layers), dict(self.written))

    def become(self, other: "Scope") -> None:
        self.values, self.layers, self.written = other.values, other.layers, other.written


@dataclass(frozen=True)
class Place:
    """Where a step stands. called: the layers that the enclosing block has called; again: those
    that it shall call, when it is called again."""

    env: Env
    scope: Scope
    inputs: dict[str, Any]
    defaults: tuple[tuple[Mapping[str, dict[str, Any]], Env], ...] = ()
    prefix: tuple[str, ...] = ()
    called: tuple[list[Any], ...] = ()
    again: Iterator[Any] | None = None

    def inside(self, name: str | None) -> "Place":
        return self if name is None else replace(self, prefix=(*self.prefix, name))

    def path(self, name: str) -> str:
        return ".".join((*self.prefix, name))

    def enter(self, name: str, value: Any, written: str) -> None:
        path = self.path(name)
        if path in self.scope.values:
            raise Wrong(f"two steps are called {path}")
        self.scope.values[path], self.scope.written[path] = value, written


JOINING = ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


def listed(source: Any) -> list[str]:
    """The references of a `from`."""
    if isinstance(source, dict):
        return list(source.values())
    return list(source) if isinstance(source, list) else [source]


def is_read_in_every_turn(item: Item, turns: list[dict[str, Any]]) -> bool:
    """Whether each turn of a loop reads `from`; else the first does, in `repeat` alone."""
    if isinstance(item.source, list | dict):
        return True
    names = {name for turn in turns for name in turn}
    if any(re.search(rf"\{{[^}}]*\b{name}\b", item.source) for name in names):
        return True
    if "repeat" not in item.loop and item.source != "previous":
        raise Wrong("it could feed every turn, or the first")
    return False


class Walk:
    """One reading of a network. ran: each layer that was called: (item, place, inputs)."""

    def __init__(self, network: Network, engine: Engine) -> None:
        self.network = network
        self.engine = engine
        self.ran: list[tuple[Item, Place, Any]] = []
        self.own: Env = {}  # the file's params

    def start(self) -> Place:
        """The file's own place, its inputs made."""
        network = self.network
        env: dict[str, Any] = {}
        for name, value in network.params.items():
            env[name] = plain(value, env)
        inputs = {name: self.engine.input(name, *each) for name, each in network.inputs.items()}
        scope = Scope()
        if len(inputs) > 1:
            scope.values |= inputs
        self.own = env
        return Place(env, scope, inputs, ((network.defaults, env),))

    def outputs(self) -> list[Any]:
        place = self.start()
        first = next(iter(place.inputs.values())) if len(place.inputs) == 1 else None
        last = self.items(self.network.items, first, place)
        return [self.find(name, None, place) for name in self.network.outputs] or [last]

    def channels(self, inputs: Mapping[str, Any]) -> dict[str, int]:
        """`channels` as a formula sees it, where there is one input and its channels are known."""
        if len(inputs) != 1:
            return {}
        (value,) = inputs.values()
        if value is None:
            raise Wrong("there is no value")
        length = value.shape[1 if self.network.channels_first else -1]
        return {} if length is None else {"channels": length}

    def items(self, items: list[Item], x: Any, place: Place) -> Any:
        for item in items:
            x = self.item(item, x, place)
        return x

    def item(self, item: Item, x: Any, place: Place) -> Any:
        """All turns of a step; what the next one takes."""
        source = item.source
        turns = list(rows(item.loop, place.env))
        every = source is not None and bool(item.loop) and is_read_in_every_turn(item, turns)
        for number, row in enumerate(turns):
            there = replace(place, env={**place.env, **row})
            if item.when is not None and not plain(item.when, there.env):
                continue
            fed = x if source is None else self.find(source, x, there)
            source = source if every else None
            name = None if item.name is None else filled(item.name, there.env)
            if name is not None and "repeat" in item.loop:
                name += str(number)
            x = self.turn(item, name, fed, there)
            if name is not None:
                repeated = "repeat" in item.loop
                place.enter(name, x, name if repeated else item.name or "")
        several = source is item.source and every and len(turns) > 1
        return None if several and "previous" not in listed(source) else x

    def turn(self, item: Item, name: str | None, x: Any, place: Place) -> Any:
        match item:
            case Layer():
                return self.layer(item, name, x, place)
            case Group():
                return self.items(item.items, x, place.inside(name))
            case Bare():
                return x
            case Branches():
                return self.branches(item, x, place.inside(name))
            case Reuse():
                return self.reuse(item, name, x, place)
            case Call():
                block = self.network.blocks[item.block]
                given = plain(item.arguments, place.env)
                return self.call(block, given, name, x, place, None)
        raise NotImplementedError(item)

    def layer(self, item: Layer, name: str | None, x: Any, place: Place) -> Any:
        self.ran.append((item, place, x))
        arguments: dict[str, Any] = {}
        for defaults, env in place.defaults:
            arguments |= plain(defaults.get(item.op, {}), env)
        arguments |= plain(item.arguments, place.env)
        layer = self.engine.make(item.op, arguments)
        if place.again is not None:
            first = next(place.again, None)
            if first is None or (first.op, first.arguments) != (item.op, arguments):
                raise Wrong("the block has other layers here")
            layer = first
        return self.applied(layer, name, x, item.call, place)

    def applied(self, layer: Any, name: str | None, x: Any, call: Any, place: Place) -> Any:
        out = self.engine.apply(layer, x, call)
        for called in place.called:
            called.append(layer)
        if name is not None:
            place.scope.layers[place.path(name)] = layer
        return out

    def branches(self, item: Branches, x: Any, place: Place) -> Any:
        ends = []
        for number, branch in enumerate(item.branches):
            if branch.when is not None and not plain(branch.when, place.env):
                continue
            key = item.keys[number] if item.keys else branch.name
            fed = x if branch.source is None else self.find(branch.source, x, place)
            end = self.items(branch.items, fed, place.inside(key))
            if key is not None:
                place.enter(key, end, key)
            ends.append(end)
        if item.merge is None:
            return None
        if len(ends) == 1 and getattr(item.merge, "op", None) not in JOINING:
            raise Wrong("the merge has nothing to join")
        return ends[0] if len(ends) == 1 else self.item(item.merge, ends, place)

    def reuse(self, item: Reuse, name: str | None, x: Any, place: Place) -> Any:
        layer = self.find(item.of, None, place, "layers")
        if isinstance(layer, tuple):
            block, given, called = layer
            return self.call(block, given, name, x, place, iter(called))
        self.ran.append((item, place, x))
        if place.again is not None:
            next(place.again)
        return self.applied(layer, name, x, {}, place)

    def call(
        self, block: Block, given: Any, name: str | None, x: Any, place: Place, again: Any
    ) -> Any:
        if not block.inputs:
            inputs = {"input": x}
        else:
            many = x if isinstance(x, list | dict) else [x]
            if len(many) != len(block.inputs):
                raise Wrong("a block takes as many values as it has inputs")
            inputs = many if isinstance(many, dict) else dict(zip(block.inputs, many, strict=True))
            inputs = {key: inputs[key] for key in block.inputs}
        env = {**self.own, **self.channels(inputs)}
        for key, default in block.params.items():
            env[key] = given[key] if key in given else plain(default, env)
        scope = Scope(dict(inputs) if block.inputs else {})
        called: list[Any] = []
        inside = Place(
            env,
            scope,
            inputs,
            ((self.network.defaults, self.own), (block.defaults, env)),
            (),
            (*place.called, called),
            place.again if place.again is not None else again,
        )
        first = next(iter(inputs.values())) if len(inputs) == 1 else None
        last = self.items(block.items, first, inside)
        if name is not None:
            path = place.path(name)
            place.scope.layers[path] = (block, given, called)
            for inner, outer in ((scope.values, place.scope.values),
                                 (scope.layers, place.scope.layers)):  # fmt: skip
                outer |= {f"{path}.{each}": value for each, value in inner.items()}
        return last

    def find(self, source: Any, previous: Any, place: Place, what: str = "values") -> Any:
        """The value that a `from` means, or what else is kept of a step."""
        if isinstance(source, list):
            return [self.find(each, previous, place) for each in source]
        if isinstance(source, dict):
            return {slot: self.find(each, previous, place) for slot, each in source.items()}
        if source == "previous":
            return previous
        if source == "input" and len(place.inputs) == 1:
            return next(iter(place.inputs.values()))
        text = filled(source, place.env)
        known = getattr(place.scope, what)
        for length in range(len(place.prefix), -1, -1):
            path = ".".join((*place.prefix[:length], text))
            if path in known:
                return known[path]
        raise Wrong(f"no step is called {text}")


# --- its text ------------------------------------------------------------------------------------

BARE = re.compile(r"[A-Za-z_][\w.-]*(?: [\w.*+/-]+)*")
WORDS = {"null", "true", "false", "y", "n", "yes", "no", "on", "off"}


def flow(value: Any) -> str:
    """A value in YAML's flow style."""
    match value:
        case Formula():
            bare = not re.search(r"[,\[\]{}:#'\"]", value.text)
            return f"={value.text}" if bare else json.dumps(f"={value.text}")
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str() if not BARE.fullmatch(value) or value.lower() in WORDS:
            return json.dumps(value)
    return str(value)


class Writer:
    """A network as the lines of a spec; `places[id(part)]` are a part's own, counted from 1."""

    def __init__(self, network: Network) -> None:
        self.text: list[str] = []
        self.places: dict[int, list[int]] = {}
        self.blocks = network.blocks
        self.line("archspec: 1")
        self.line("name: drawn")
        if network.params:
            self.line(f"params: {flow(network.params)}", network.params)
        if list(network.inputs) == ["input"] and network.inputs["input"][1] == "float32":
            self.line(f"input: {flow(network.inputs['input'][0])}", network.inputs)
        else:
            self.line("inputs:", network.inputs)
            for name, (shape, dtype) in network.inputs.items():
                whole = flow(shape if dtype == "float32" else {"shape": shape, "dtype": dtype})
                self.line(f"  {name}: {whole}", network.inputs)
        if network.defaults:
            self.line("defaults:")
            for op, arguments in network.defaults.items():
                self.line(f"  {op}: {flow(arguments)}", network.defaults)
        if network.blocks:
            self.line("blocks:")
        for name, block in network.blocks.items():
            self.line(f"  {name}:", block)
            for key in ("params", "inputs", "defaults"):
                if getattr(block, key):
                    self.line(f"    {key}: {flow(getattr(block, key))}", block)
            self.steps("layers", block.items, "    ")
        self.steps("layers", network.items, "")
        if network.outputs:
            self.line(f"outputs: {flow(network.outputs)}", network.outputs)

    def line(self, text: str, part: Any = None) -> None:
        self.text.append(text)
        self.places.setdefault(id(part), []).append(len(self.text))

    def steps(self, key: str, items: list[Item], pad: str) -> None:
        self.line(f"{pad}{key}:" if items else f"{pad}{key}: []")
        for item in items:
            self.item(item, f"{pad}  - ", f"{pad}    ")

    def item(self, item: Item, first: str, pad: str) -> None:
        """A step, its first line after `first` and the others after `pad`."""
        modifiers = {"name": item.name, "from": item.source, "when": item.when, **item.loop}
        modifiers = {key: each for key, each in modifiers.items() if each is not None}
        modifiers |= item.extra
        lines: list[str] = []
        match item:
            case Layer():
                if item.call:
                    modifiers["call"] = item.call
                if not item.arguments and not modifiers:
                    return self.line(f"{first}{item.op}", item)
                known = _own(item.op)
                self.called(item.op, item.arguments, known, lines)
            case Call():
                if not item.arguments and not modifiers:
                    return self.line(f"{first}{item.block}", item)
                known = [*self.blocks[item.block].params] if item.block in self.blocks else []
                self.called(item.block, item.arguments, known, lines)
            case Reuse():
                lines.append(f"reuse: {flow(item.of)}")
        lines += [f"{key}: {flow(each)}" for key, each in modifiers.items()]
        for text in lines:
            self.line(first + text, item)
            first = pad
        match item:
            case Group():
                start = len(self.text)
                self.steps("layers", item.items, pad)
                if not lines:
                    self.text[start] = first + self.text[start].removeprefix(pad)
            case Branches():
                self.line(f"{first}branches:", item)
                for number, branch in enumerate(item.branches):
                    self.branch(branch, item.keys[number] if item.keys else None, f"{pad}  ")
                if item.merge is not None:
                    self.merge(item.merge, pad)

    def called(self, op: str, given: dict[str, Any], known: list[str], lines: list[str]) -> None:
        """A layer or block with its arguments; the first alone stands without its name."""
        if given and list(given) == known[:1] and not isinstance(given[known[0]], dict | None):
            lines.append(f"{op}: {flow(given[known[0]])}")
        elif len(given) == 2:  # both styles of YAML
            lines.append(f"{op}:")
            lines += [f"  {key}: {flow(each)}" for key, each in given.items()]
        else:
            lines.append(f"{op}: {flow(given)}" if given else f"{op}:")

    def branch(self, branch: Group, key: str | None, pad: str) -> None:
        modifiers = {"name": branch.name, "from": branch.source, "when": branch.when}
        given = {name: each for name, each in modifiers.items() if each is not None}
        if key is not None:
            self.line(f"{pad}{key}:", branch)
            if not given:
                self.text[-1] += "" if branch.items else " []"
                for item in branch.items:
                    self.item(item, f"{pad}  - ", f"{pad}    ")
                return
            pad, first = f"{pad}  ", f"{pad}  "
        else:
            first, pad = f"{pad}- ", f"{pad}  "
        start = len(self.text)
        for name, each in given.items():
            self.line(f"{pad}{name}: {flow(each)}", branch)
        self.steps("layers", branch.items, pad)
        self.text[start] = first + self.text[start].removeprefix(pad)

    def merge(self, merge: Item, pad: str) -> None:
        start = len(self.text)
        self.item(merge, f"{pad}  ", f"{pad}  ")
        if len(self.text) == start + 1:  # on the line of `merge` itself
            text = self.text[start].strip()
            if text.endswith(":") or ": " not in text:
                self.text[start] = f"{pad}merge: {text.removesuffix(':')}"
            else:
                self.text[start] = f"{pad}merge: {{{text}}}"
            return
        body = self.text[start:]
        del self.text[start:]
        self.line(f"{pad}merge:", merge)
        self.text += body
        self.places[id(merge)] = list(range(start + 1, len(self.text) + 1))


def _own(op: str) -> list[str]:
    """The arguments of a layer but those that every layer has, none of which may stand alone."""
    known = [*LAYERS[op].arguments] if op in LAYERS else []
    return [name for name in known if name not in COMMON]


def write(network: Network) -> tuple[str, list[int]]:
    """The spec of a network, and the lines of its fault."""
    writer = Writer(network)
    return "\n".join(writer.text) + "\n", writer.places.get(id(network.fault), [])
