"""Write folded steps as a spec: plain data first, then YAML as a person lays it out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as SequenceOf
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from archspec.folding.arguments import read_argument
from archspec.folding.cells import list_inputs, name_wires
from archspec.folding.cost import is_table
from archspec.folding.items import (
    BranchesItem,
    CallItem,
    Formula,
    Item,
    LayerItem,
    LoopItem,
    Sequence,
    is_sum,
    walk_sequences,
)
from archspec.folding.loops import Looped
from archspec.folding.shipped import KNOWN, list_defaults
from archspec.folding.solving import find_param_defaults, list_calls
from archspec.folding.values import MISSING, holds_formula, is_equal
from archspec.layers import COMMON, LAYERS
from archspec.layers.table import traits_of
from archspec.syntax.layout import lay_out


def write_document(
    head: Mapping[str, Any],
    looped: Looped,
    outputs: list[str] | None,
    inputs: Mapping[str, SequenceOf[str]] | None = None,
) -> str:
    """Return a spec as YAML.

    head: what stands before the steps: the name, the inputs. outputs: the names of the steps that
    are outputs, if it is not the last one. inputs: those of each block that has several, where
    the steps keep the names that they have.
    """
    return _Document(looped, inputs).write(head, outputs)


class _Document:
    def __init__(self, looped: Looped, inputs: Mapping[str, SequenceOf[str]] | None = None) -> None:
        self.looped = looped
        self.inputs = inputs
        self.params = find_param_defaults(looped.main, looped.blocks)
        sequences = [looped.main, *(body.items for body in looped.blocks.values())]
        self.defaults = _find_defaults(sequences)

    def write(self, head: Mapping[str, Any], outputs: list[str] | None) -> str:
        data: dict[str, Any] = dict(head)
        if "inputs" in data:
            data["inputs"] = {name: _shorten_input(each) for name, each in data["inputs"].items()}
        inputs: dict[str, Any] = {
            word: data.pop(word) for word in ("input", "inputs") if word in data
        }
        if self.looped.depths:
            data["params"] = {"depths": list(self.looped.depths)}
        if shipped := self._list_shipped():
            data["import"] = shipped
        data |= inputs
        if self.defaults:
            data["defaults"] = {op: dict(values) for op, values in self.defaults.items()}
        if self.looped.blocks:
            data["blocks"] = {name: self._write_block(name) for name in self.looped.blocks}
        data["layers"] = self._write_steps(self.looped.main)
        if outputs is not None:
            data["outputs"] = outputs
        return lay_out(data)

    def _list_shipped(self) -> list[str]:
        """Return the blocks that come with archspec."""
        bodies = (body.items for body in self.looped.blocks.values())
        called = {call.block for items in (self.looped.main, *bodies) for call in list_calls(items)}
        return sorted(called - self.looped.blocks.keys())

    def _write_block(self, name: str) -> dict[str, Any]:
        body = self.looped.blocks[name]
        params = {param: self.params[name].get(param) for param in body.params}
        block: dict[str, Any] = {"params": params} if params else {}
        if self.inputs is not None:
            inputs = list(self.inputs.get(name, ()))
            items = body.items
        else:
            inputs = list_inputs(body.items)
            items = name_wires(body.items, inputs)
        if len(inputs) > 1:
            block = {"inputs": inputs, **block}
        return {**block, "layers": self._write_body(items)}

    def _write_body(self, items: Sequence) -> list[Any]:
        """Return the steps of a block, in which a shortcut from its input needs no branches."""
        first = items[0]
        if not isinstance(first, BranchesItem) or len(first.paths) != 2 or first.when is not None:
            return self._write_steps(items)
        if first.sources is not None:  # one of several inputs, of which none is called `input`
            return self._write_steps(items)
        empty = [place for place, path in enumerate(first.paths) if not path.items]
        if len(empty) != 1:
            return self._write_steps(items)
        main, shortcut = first.paths[1 - empty[0]], first.paths[empty[0]]
        if (
            main.key is not None
            or main.when is not None
            or any(isinstance(item, BranchesItem) for item in items[1:])
        ):
            return self._write_steps(items)
        sources = ["input", "previous"] if empty == [0] else ["previous", "input"]
        merge = replace(first.merge, sources=sources, when=shortcut.when)
        return self._write_steps((*main.items, merge, *items[1:]))

    def _write_steps(self, items: Sequence, is_scope: bool = True) -> list[Any]:
        """Return steps. is_scope: whether names in them are those of a scope of its own."""
        keyed = (
            self.inputs is None
            and is_scope
            and sum(isinstance(item, BranchesItem) for item in items) == 1
        )
        steps: list[Any] = []
        place = 0
        while place < len(items):
            end = place + 1
            when = items[place].when
            while when is not None and end < len(items) and items[end].when == when:
                end += 1
            alternative = items[end] if end < len(items) else None
            if when is not None and alternative is not None and _excludes(when, alternative.when):
                steps.append(
                    {
                        "when": when,
                        "layers": self._write_bare(items[place:end], keyed),
                        "else": self._write_bare((alternative,), keyed),
                    }
                )
                end += 1
            elif when is not None and end - place > 1:
                steps.append({"when": when, "layers": self._write_bare(items[place:end], keyed)})
            else:
                steps.append(self._write_step(items[place], keyed))
                end = place + 1
            place = end
        return steps

    def _write_bare(self, items: Sequence, keyed: bool) -> list[Any]:
        """Return steps without their conditions, which stand around them."""
        return [self._write_step(item, keyed, with_when=False) for item in items]

    def _write_step(self, item: Item, keyed: bool, with_when: bool = True) -> Any:
        """Return a step. keyed: whether branches may have names."""
        when = {"when": item.when} if with_when and item.when is not None else {}
        match item:
            case LayerItem(op="from"):
                source = "input" if self.inputs is None else item.sources
                return {"from": source, **({"name": item.name} if item.name else {}), **when}
            case LayerItem():
                op, arguments, words = self._write_layer(item)
                return _join_words(op, arguments, {**words, **when})
            case CallItem():
                words = {"from": item.sources} if item.sources is not None else {}
                words |= {"name": item.name} if item.name else {}
                return _join_words(item.block, self._write_call(item), {**words, **when})
            case BranchesItem():
                return {**self._write_branches(item, keyed), **when}
            case LoopItem():
                return {**self._write_loop(item), **when}
        raise AssertionError(f"{type(item).__name__} cannot be written")

    def _write_layer(self, layer: LayerItem) -> tuple[str, Any, dict[str, Any]]:
        """Return the layer's class, or `reuse`, its arguments, and the other words of its step."""
        words: dict[str, Any] = {}
        if layer.sources is not None:
            words["from"] = layer.sources
        if layer.name:
            words["name"] = layer.name
        if layer.call:
            words["call"] = dict(layer.call)
        if layer.reuses:
            return "reuse", layer.reuses, words
        own = self.defaults.get(layer.op, {})
        arguments = {
            name: value
            for name, value in layer.arguments.items()
            if not is_equal(own.get(name, MISSING), value)
        }
        for name in own:
            if name not in layer.arguments:
                arguments[name] = read_argument(layer, name)
        if arguments.get("activation", MISSING) is None:
            arguments["activation"] = "linear"
        arguments = {
            name: _write_number(_write_margins(name, value))
            for name, value in _sort_arguments(layer.op, arguments).items()
        }
        alone = next((name for name in LAYERS[layer.op].arguments if name not in COMMON), "")
        return layer.op, _shorten(arguments, alone), words

    def _write_call(self, call: CallItem) -> Any:
        own = call.block in self.looped.blocks
        defaults = self.params[call.block] if own else list_defaults(call.block)
        arguments = {
            name: value
            for name, value in call.arguments.items()
            if not is_equal(defaults.get(name, MISSING), value)
        }
        body = self.looped.blocks.get(call.block)
        params = KNOWN[call.block].params if body is None else body.params
        return _shorten(arguments, next(iter(params), ""))

    def _write_branches(self, item: BranchesItem, keyed: bool) -> dict[str, Any]:
        keys = _name_paths(item) if keyed else None
        if all(path.key for path in item.paths):
            keys = [str(path.key) for path in item.paths]
        paths: list[Any] = []
        for path in item.paths:
            steps = self._write_steps(path.items, keys is not None)
            paths.append(steps if path.when is None else {"when": path.when, "layers": steps})
        branches: Any = dict(zip(keys, paths, strict=True)) if keys else paths
        op, arguments, words = self._write_layer(item.merge)
        words.pop("from", None)
        merge = op if arguments is None and not words else {op: arguments, **words}
        sources = {"from": item.sources} if item.sources is not None else {}
        return {**sources, "branches": branches, "merge": merge}

    def _write_loop(self, loop: LoopItem) -> dict[str, Any]:
        words: dict[str, Any] = {}
        if loop.variables:
            words["for"] = _write_variables(loop.variables)
        elif loop.count is not None:
            words["repeat"] = loop.count
        if loop.name:
            words["name"] = loop.name
        is_group = loop.is_group or loop.count is None
        if is_group or len(loop.items) > 1 or isinstance(loop.items[0], LoopItem):
            return {**words, "layers": self._write_steps(loop.items, bool(loop.name))}
        step = self._write_step(loop.items[0], keyed=bool(loop.name))
        return {**(step if isinstance(step, dict) else {step: None}), **words}


def _shorten_input(given: Any) -> Any:
    """Return the shape alone of an input of the usual type."""
    usual = isinstance(given, dict) and given == {"shape": given.get("shape"), "dtype": "float32"}
    return given["shape"] if usual else given


def _excludes(one: Formula, other: Formula | None) -> bool:
    """Return whether of two conditions on one param just one is true."""
    return other is not None and (other == f"=not {one[1:]}" or one == f"=not {other[1:]}")


def _write_margins(name: str, value: Any) -> Any:
    """Return one number for margins that are the same on every side."""
    if name not in ("padding", "cropping") or not isinstance(value, list):
        return value
    sides = [side for pair in value for side in (pair if isinstance(pair, list) else [pair])]
    if len(value) == 2 and not isinstance(value[0], list):
        return value  # of the two ends of a sequence
    return sides[0] if all(is_equal(side, sides[0]) for side in sides) else value


def _write_number(value: Any) -> Any:
    """Return a formula for a fraction or a square that fills a line with digits.

    >>> _write_number(1 / 3), _write_number(0.224**2), _write_number([0.1 + 0.2])
    ('=1 / 3', '=0.224**2', [0.30000000000000004])
    """
    if isinstance(value, dict):
        return {key: _write_number(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_write_number(each) for each in value]
    if not isinstance(value, float) or len(repr(value)) < 12:
        return value
    fraction = Fraction(value).limit_denominator(1000)
    if fraction.numerator / fraction.denominator == value:
        return Formula(f"={fraction.numerator} / {fraction.denominator}")
    root = round(abs(value) ** 0.5, 6)
    return Formula(f"={root}**2") if root**2 == value else value


def _join_words(op: str, arguments: Any, words: Mapping[str, Any]) -> Any:
    if arguments is None and not words:
        return op
    return {op: arguments, **words}


def _shorten(arguments: dict[str, Any], first: str) -> Any:
    """Return a single value for the first argument alone, and `==` for a name's own value."""
    if not arguments:
        return None
    if list(arguments) == [first] and not isinstance(arguments[first], dict | None):
        return arguments[first]  # a lone `==` would have no name
    return {
        name: "==" if isinstance(value, Formula) and value == f"={name}" else value
        for name, value in arguments.items()
    }


def _write_variables(variables: Mapping[str, Any]) -> Any:
    """Return what stands under `for`: lists side by side, or a table where there are several."""
    lists = {name: value for name, value in variables.items() if isinstance(value, list)}
    if not is_table(list(lists.values())):
        return dict(variables)
    count = len(next(iter(lists.values())))
    columns = dict(lists)
    stage = variables.get("stage")
    if isinstance(stage, Formula):
        first = int(stage.removeprefix("=range(").split(",")[0]) if "," in stage else 0
        columns = {"stage": list(range(first, first + count)), **columns}
    return {", ".join(columns): [list(row) for row in zip(*columns.values(), strict=True)]}


def _name_paths(item: BranchesItem) -> list[str] | None:
    """Return names for the two branches of a shortcut or a gate."""
    if len(item.paths) != 2:
        return None
    empty = [not path.items for path in item.paths]
    if is_sum(item.merge.op):
        sizes = [_count_layers(path.items) for path in item.paths]
        shortcut = 0 if sizes[0] < sizes[1] else 1
        return ["shortcut", "main"] if shortcut == 0 else ["main", "shortcut"]
    if traits_of(item.merge.op).scales and any(empty):
        return ["features", "gate"] if empty[0] else ["gate", "features"]
    return None


def _count_layers(items: Sequence) -> int:
    """Return about how many layers a branch has, where a block has several."""
    return sum(1 if isinstance(item, LayerItem) else 3 for item in items)


def _find_defaults(sequences: list[Sequence]) -> dict[str, dict[str, Any]]:
    """Return the arguments that most layers of a class share."""
    counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    values: dict[tuple[str, str], Any] = {}
    totals: Counter[str] = Counter()
    for layer in _list_layers(sequences):
        totals[layer.op] += 1
        for name, value in layer.arguments.items():
            if not holds_formula(value):
                counts[layer.op][name, repr(value)] += 1
                values[name, repr(value)] = value
    found: dict[str, dict[str, Any]] = {}
    for op, counter in counts.items():
        for (name, text), count in counter.items():
            if count > 1 and count > _least_share(name) * totals[op]:
                found.setdefault(op, {})[name] = values[name, text]
    # `Activation: relu` is as short as `Activation`, and says more.
    return {
        op: _sort_arguments(op, own)
        for op, own in found.items()
        if list(own) != [next(iter(LAYERS[op].arguments))]
    }


def _least_share(name: str) -> float:
    """Return the share of layers that have to agree before a value is a default: never a width,
    and most of them where a reader looks for the value beside the layer."""
    if name in ("filters", "units", "trainable", "input_dim", "output_dim", "target_shape"):
        return 1
    return 0.8 if name in ("kernel_size", "pool_size", "strides", "groups", "dims") else 0.6


def _sort_arguments(op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments in the order in which the layer has them."""
    order = list(LAYERS[op].arguments)
    return dict(sorted(arguments.items(), key=lambda each: order.index(each[0])))


def _list_layers(sequences: list[Sequence]) -> Iterator[LayerItem]:
    for whole in sequences:
        for sequence in walk_sequences(whole):
            for item in sequence:
                layer = item.merge if isinstance(item, BranchesItem) else item
                if isinstance(layer, LayerItem) and layer.op != "from" and not layer.reuses:
                    yield layer
