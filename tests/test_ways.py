"""A network that contracts and expands again is drawn as a U, whatever its names and layers are."""

import pytest
from layouts import Layout, lay_out
from shipped import SPECS, network

import archspec
from archspec.pictures.boxes import View, build_full_scene
from archspec.pictures.dot import side_by_side, to_blocks, to_dot
from archspec.pictures.style import Style
from archspec.pictures.ways import find_ways

HEAD = """
archspec: 1
input: [64, 64, 8]
defaults: {Conv2D: {kernel_size: 3, padding: same}, Conv2DTranspose: {kernel_size: 2, strides: 2}}
"""

UNET = """
params: {depth: 3}
layers:
  - for: {level: =range(depth)}
    name: a{level}
    layers:
      - Conv2D: =8 * 2**level
        name: out
      - MaxPooling2D: 2
  - Conv2D: 64
  - for: {level: "=range(depth - 1, -1, -1)"}
    name: b{level}
    layers:
      - Conv2DTranspose: =8 * 2**level
      - Concatenate:
        from: ["previous", "a{level}.out"]
        name: merge
      - Conv2D: =8 * 2**level
"""

GROUP = """\
        name: merge
      - name: group
        layers:
          - Conv2D: =8 * 2**level
            name: one
          - Dropout: 0.5
          - MaxPooling2D: 1"""

RESIDUAL = """
blocks:
  unit:
    params: {filters: null}
    layers:
      - branches:
          main: [Conv2D: {filters: ==}, BatchNormalization, Conv2D: {filters: ==}]
          short: [Conv2D: {filters: ==, kernel_size: 1}]
        merge: Add
layers:
  - for: {level: =range(2)}
    name: a{level}
    layers:
      - unit: =8 * 2**level
        name: out
      - Conv2D: {filters: =16 * 2**level, strides: 2}
  - unit: 32
  - for: {level: "=range(1, -1, -1)"}
    name: b{level}
    layers:
      - UpSampling2D: 2
      - Concatenate:
        from: ["previous", "a{level}.out"]
        name: merge
      - unit: =8 * 2**level
"""

PYRAMID = """
outputs: [b0.merge, b1.merge, top]
layers:
  - for: {level: =range(3)}
    name: a{level}
    layers:
      - Conv2D: {filters: =8 * 2**level, strides: 2}
        name: out
  - Conv2D: {filters: 8, kernel_size: 1}
    name: top
  - for: {level: "=range(1, -1, -1)"}
    name: b{level}
    layers:
      - branches:
          up: [UpSampling2D: 2]
          lateral:
            from: a{level}.out
            layers: [Conv2D: {filters: 8, kernel_size: 1}]
        merge: Add
        name: merge
"""

NETWORKS = {"unet": (UNET, 3), "residual": (RESIDUAL, 2), "pyramid": (PYRAMID, 2)}


def _is_level(layout: Layout, one: str, other: str) -> bool:
    """Whether a box stands in one row with another, on its left."""
    left, right = layout.boxes[one], layout.boxes[other]
    level = abs(left.top + left.bottom - right.top - right.bottom) < 1
    return level and left.right < right.left


def _end(level: int, name: str) -> str:
    return f"a{level}.out.add" if name == "residual" else f"a{level}.out"


def _merge(level: int, name: str) -> str:
    return f"b{level}.merge.add" if name == "pyramid" else f"b{level}.merge"


@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.thorough
def test_each_level_of_the_way_up_stands_beside_its_level_of_the_way_down(
    name: str, direction: str
) -> None:
    text, levels = NETWORKS[name]
    style = Style(direction=direction)
    layout = lay_out(to_dot(archspec.loads(HEAD + text), View(depth=9), style))
    assert layout.faults() == []
    for level in range(levels):
        assert _is_level(layout, _end(level, name), _merge(level, name))
    heights = [layout.boxes[_merge(level, name)].top for level in range(levels)]
    assert heights == sorted(heights, reverse=True)


def test_a_group_on_the_way_up_stands_behind_what_it_takes() -> None:
    text = UNET.replace("        name: merge\n      - Conv2D: =8 * 2**level", GROUP)
    layout = lay_out(to_dot(archspec.loads(HEAD + text), View(depth=9), Style(direction="LR")))
    assert layout.faults() == []
    assert layout.boxes["b0.group.one"].bottom > layout.boxes["b0.merge"].top


def test_a_unet_across_is_wider_than_high_and_down_it_is_not() -> None:
    graph = network("unet")
    down, across = (lay_out(to_dot(graph, style=Style(direction=way))) for way in ("TB", "LR"))
    assert down.height > down.width
    assert across.height < across.width


def test_a_deep_unet_is_no_strip_of_paper() -> None:
    layout = lay_out(to_dot(archspec.loads(HEAD + UNET, depth=6)))
    assert layout.height / layout.width < 2


def test_a_unet_stands_beside_another_network_and_has_its_blocks_beside_it() -> None:
    unet = archspec.loads(HEAD + UNET)
    both = lay_out(side_by_side([unet, network("resnet18")], View(depth=2)))
    assert _is_level(both, "1/a0.out", "1/b0.merge")
    layout = lay_out(to_blocks(network("unet")))
    assert _is_level(layout, "down0.convolutions", "up0.concatenate")


@pytest.mark.parametrize("name", sorted({*SPECS} - {"unet"}))
@pytest.mark.thorough
def test_excitations_shortcuts_and_side_heads_are_no_way_up(name: str) -> None:
    assert not find_ways(build_full_scene(network(name))).has_ways_up


SIDE_HEAD = """
archspec: 1
input: [8, 8, 4]
defaults: {Conv2D: {kernel_size: 3, padding: same}}
outputs: [main, side]
layers:
  - Conv2D: 4
    name: trunk
  - MaxPooling2D: 2
  - UpSampling2D: 2
  - Dense: 2
    name: main
  - Identity:
    from: trunk
  - for: {i: =range(40)}
    name: unit{i}
    layers:
      - branches: {long: [Conv2D: 4], short: []}
        merge: Add
  - Dense: 2
    name: side
"""


def test_a_side_head_of_many_units_is_looked_through_once() -> None:
    """It would never end, if the parts before a merge were put together twice."""
    scene = find_ways(build_full_scene(archspec.loads(SIDE_HEAD), fold=False))
    assert not scene.has_ways_up
