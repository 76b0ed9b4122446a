"""What differs between the uses of a block stands by names, and each use says its values."""

import re

import pytest
from layouts import lay_out
from shipped import FILES, most_slow, network

import archspec
from archspec.pictures.blocks import DistinctBlock, find_blocks
from archspec.pictures.boxes import build_full_scene
from archspec.pictures.dot import to_blocks


def found(graph: archspec.Graph) -> dict[str, DistinctBlock]:
    return {block.title: block for block in find_blocks(build_full_scene(graph))}


def ends(block: DistinctBlock) -> list[str]:
    return [mark.text for mark in block.scene.marks]


@pytest.mark.parametrize("name", most_slow(FILES))
def test_the_values_of_a_use_give_the_arguments_that_it_has(name: str) -> None:
    graph = network(name)
    for block in found(graph).values():
        first, *_ = block.uses
        for layer, symbols in block.symbols.items():
            for path, use in block.uses.items():
                repeat = block.scene.repeats.get(path)
                ends = [path, repeat.last] if repeat else [path]
                nodes = [graph[end + layer.removeprefix(first)] for end in ends]
                for argument, symbol in symbols.items():
                    values = list(dict.fromkeys(plain(node.arguments[argument]) for node in nodes))
                    digits = "g" if len(values) == 1 else ".4g"
                    each = [f"{v:{digits}}" if isinstance(v, float) else str(v) for v in values]
                    assert meaning(symbol, use) == " to ".join(each), f"{path}: {symbol}"


def plain(value: object) -> object:
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def meaning(symbol: str, use: dict[str, str]) -> str:
    if symbol in use:
        return use[symbol]
    times, name, over = re.fullmatch(r"(?:(\d+)·)?(\w+)(?:/(\d+))?", symbol).groups()
    return str(int(use[name]) * int(times or 1) // int(over or 1))


@pytest.mark.parametrize("name", most_slow(FILES))
def test_all_uses_say_the_same_names_and_not_all_the_same_values(name: str) -> None:
    for block in found(network(name)).values():
        names, *others = map(list, block.uses.values())
        assert all(names == each for each in others)
        for each in names:
            assert len({use[each] for use in block.uses.values()}) > 1


def test_the_names_are_those_of_the_blocks_params() -> None:
    inception = found(network("googlenet"))["inception"]
    assert inception.uses["inception4d"] == {  # as in table 1 of the paper
        "c1": "112", "r3": "144", "c3": "288", "r5": "32", "c5": "64", "pool": "64"
    }  # fmt: skip
    assert ends(inception) == ["input h × w × c", "output h × w × c1+c3+c5+pool"]
    bottleneck = found(network("resnet50v2"))["bottleneck C"]
    assert [use["filters"] for use in bottleneck.uses.values()] == ["64", "128", "256"]
    said = {symbol for symbols in bottleneck.symbols.values() for symbol in symbols.values()}
    assert said == {"filters", "4·filters"}
    assert ends(bottleneck)[-1] == "output h/2 × w/2 × 4·filters"


GROUPS = """
archspec: 1
input: [12, 12, 4]
defaults: {Conv2D: {kernel_size: 3, padding: same}}
layers:
  - for: {i: [0, 1]}
    name: one{i}
    layers:
      - Conv2D: {filters: =4 + i, activation: "=['relu', 'gelu'][i]"}
      - Conv2D: {filters: =6 - i}
      - Conv2D: {filters: =8 + 2 * i, kernel_size: "=[1, 3 + 2 * i]", dilation_rate: =1 + i}
      - Dropout: =0.25 * (1 + i)
  - Conv2D: 3
"""


def test_of_a_group_the_names_are_those_of_arguments() -> None:
    (block,) = found(archspec.loads(GROUPS)).values()
    assert [*block.symbols.values()] == [
        {"filters": "filters", "activation": "activation"},
        {"filters": "filters_1"},
        {"kernel_size": "kernel_size", "filters": "2·filters", "dilation_rate": "dilation_rate"},
        {"rate": "rate"},
    ]
    assert [*block.uses.values()] == [
        {"filters": "4", "activation": "relu", "filters_1": "6", "kernel_size": "1×3",
         "dilation_rate": "1", "rate": "0.25"},
        {"filters": "5", "activation": "gelu", "filters_1": "5", "kernel_size": "1×5",
         "dilation_rate": "2", "rate": "0.5"},
    ]  # fmt: skip
    assert ends(block) == ["input 12 × 12 × c", "output 12 × 12 × 2·filters"]
    said = " ".join(text.said for text in lay_out(to_blocks(archspec.loads(GROUPS))).texts)
    for text in ("filters_1=5", "dilation dilation_rate", "activation=gelu"):
        assert text in said


LISTS = """
archspec: 1
input: [16, 16, 4]
blocks:
  pair:
    params: {widths: null, strides: 1, twice: true}
    layers:
      - Conv2D: {filters: "=widths[0]", kernel_size: 1}
      - Conv2D: {filters: "=widths[1]", kernel_size: 3, strides: =strides, padding: same}
layers:
  - pair: {widths: [8, 6]}
  - pair: {widths: [4, 12], strides: 2}
"""


def test_a_param_may_be_a_list() -> None:
    (block,) = found(archspec.loads(LISTS)).values()
    assert [*block.symbols.values()] == [
        {"filters": "widths[0]"},
        {"filters": "widths[1]", "strides": "strides"},
    ]
    assert block.uses["pair_1"] == {"widths": "[4, 12]", "strides": "2"}
    assert ends(block) == ["input 16 × 16 × c", "output 16/strides × 16/strides × widths[1]"]


def test_a_block_that_is_used_once_says_its_numbers() -> None:
    stem = found(network("resnet50v2"))["stem"]
    assert (stem.symbols, stem.uses) == ({}, {"stem": {}})
    assert ends(stem) == ["input 224×224×3", "output 56×56×64"]


def test_an_axis_may_be_unknown() -> None:
    (block,) = found(archspec.loads(GROUPS.replace("12, 12", "null, 12"))).values()
    assert ends(block) == ["input ? × 12 × c", "output ? × 12 × 2·filters"]


OBJECTS = """
archspec: 1
input: [16, 16, 4]
blocks:
  unit:
    params: {filters: null, padding: null}
    layers:
      - Conv2D: {filters: "=4 if filters == 4 else 8", kernel_size: 1}
      - MaxPooling2D
layers:
  - unit: {filters: 4, padding: {a: 1}}
  - unit: {filters: [[8], 9], padding: same}
"""


def test_a_param_may_be_anything() -> None:
    (block,) = found(archspec.loads(OBJECTS)).values()
    assert [*block.symbols.values()] == [{"filters": "filters_1"}]
    assert [use["filters_1"] for use in block.uses.values()] == ["4", "8"]
