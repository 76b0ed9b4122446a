"""Pictures are readable at the size of a page: nothing small, nothing over anything else, and no
page half empty; lines are straight where a person would draw them so."""

from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from layouts import Area, Layout, Line, Text, lay_out
from random_drawing import draw
from random_graphs import Network, write
from shipped import EXAMPLES, SPECS, most_slow_ways, network
from shrinking import few_or_many, try_out

import archspec
from archspec.graph import Graph
from archspec.pictures.boxes import View
from archspec.pictures.dot import to_blocks, to_dot
from archspec.pictures.style import Style

PAGE, INCH = 1200, 96  # pixels of a page's width, and of an inch
POINT = INCH / 72

WAYS: dict[str, Callable[[Graph], str]] = {
    "down": to_dot,
    "across": lambda graph: to_dot(graph, style=Style(direction="LR")),
    "blocks": to_blocks,
}
# Height by width: between a page that stands and a slide, and not far beyond either; many blocks
# go on below the page rather than shrink.
SHAPES = {"down": (0.75, 1.8), "across": (0.3, 0.75), "blocks": (0.75, 2.2)}


@cache
def layout_of(name: str, way: str = "down") -> Layout:
    return lay_out(WAYS[way](network(name)))


@pytest.mark.parametrize(
    ("name", "way"), most_slow_ways([*SPECS, *EXAMPLES], ["down", "blocks"], {})
)
@pytest.mark.thorough
def test_a_picture_can_be_read_on_a_page(name: str, way: str) -> None:
    layout = layout_of(name, way)
    assert layout.faults() == []
    shrunk = min(1, PAGE / (layout.width * POINT))
    assert min(text.size for text in layout.texts) * shrunk >= 9


@pytest.mark.parametrize(("name", "way"), most_slow_ways(SPECS, WAYS, {}))
@pytest.mark.thorough
def test_a_picture_has_the_shape_of_a_page_or_a_slide(name: str, way: str) -> None:
    layout = layout_of(name, way)
    low, high = SHAPES[way]
    assert low <= layout.height / layout.width <= high


@pytest.mark.parametrize(("name", "way"), most_slow_ways(SPECS, WAYS, {}))
def test_a_line_is_straight_where_nothing_else_leaves_or_enters(name: str, way: str) -> None:
    lines = layout_of(name, way).lines
    leaving = Counter(line.ends[0] for line in lines)
    entering = Counter(line.ends[1] for line in lines)
    alone = [line for line in lines if leaving[line.ends[0]] == entering[line.ends[1]] == 1]
    assert alone
    for line in alone:
        bends = [max(places) - min(places) for places in zip(*line.points, strict=True)]
        assert min(bends) < 1, line.ends  # up and down, or to the side


def test_a_chain_with_a_skip_around_it_is_straight() -> None:
    boxes = layout_of("resnet18").boxes
    names = [f"stage1.unit1.{layer}" for layer in ("main.conv2d", "main.conv2d_1", "add")]
    middles = [(boxes[name].left + boxes[name].right) / 2 for name in names]
    assert max(middles) - min(middles) < 1


@pytest.mark.parametrize("name", ["resnet18", "resnet18_imagenet"])
def test_a_skip_across_the_page_does_not_rise_before_it_falls(name: str) -> None:
    lines = layout_of(name, "across").lines
    falling = [line.points for line in lines if " past " in line.ends[0]]
    assert falling
    for points in falling:
        assert max(y for _, y in points) - points[0][1] < 4


def test_boxes_of_parallel_branches_stand_in_rows() -> None:
    boxes = layout_of("inception10").boxes
    for module in ("stage0.module0", "stage1.module1"):
        for row in (
            (
                *(f"{way}.conv_bn_relu.conv2d" for way in ("1x1", "3x3", "5x5")),
                "pool.max_pooling2d",
            ),
            ("3x3.conv_bn_relu_1.conv2d", "5x5.conv_bn_relu_1.conv2d", "pool.conv_bn_relu.conv2d"),
        ):
            areas = [boxes[f"{module}.{name}"] for name in row]
            middles = [(area.top + area.bottom) / 2 for area in areas]
            assert max(middles) - min(middles) < 1


def test_boxes_beside_each_other_take_two_lines_as_soon_as_one_does() -> None:
    boxes = layout_of("googlenet", "blocks").boxes
    names = ("3x3.conv2d_1", "5x5.conv2d_1", "pool.conv2d")
    areas = [boxes[f"inception/inception3a.{name}"] for name in names]
    heights = [area.top - area.bottom for area in areas]
    assert max(heights) - min(heights) < 1


def test_the_default_picture_of_a_deep_network_is_smaller_than_one_without_folds() -> None:
    folded = layout_of("resnet18")
    unfolded = lay_out(to_dot(network("resnet18"), View(99, fold=False)))
    assert folded.width * folded.height < unfolded.width * unfolded.height


def test_a_title_in_a_narrow_frame_takes_one_line_if_it_is_short() -> None:
    texts = layout_of("resnet18").texts
    said = [text.said for text in texts if text.owner == "cluster stage1.unit0"]
    assert said == ["unit0: residual"]


SMALL = """
archspec: 1
input: [8]
layers:
  - Dense: 8
  - name: GROUP
    layers: [ReLU, Flatten]
  - Dense: 2
"""


@pytest.mark.parametrize("name", ["a", "group", "group12", "a_group_of_a_long_name"])
def test_a_line_into_a_small_box_is_clear_of_the_title_above_it(name: str) -> None:
    layout = lay_out(to_dot(archspec.loads(SMALL.replace("GROUP", name))))
    assert any(text.said == name for text in layout.texts)
    assert layout.faults() == []


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "resnet50v2"])
def test_the_legend_is_one_line_in_the_order_of_the_layers(name: str) -> None:
    heading = [text for text in layout_of(name).texts if not text.owner]
    legend = heading[3:]
    assert [text.said for text in legend][:1] == ["convolution"]
    assert len(legend) >= 6
    assert len({(text.area.bottom, text.area.top) for text in legend}) == 1
    assert [text.area.left for text in legend] == sorted(text.area.left for text in legend)


SIDE = """
archspec: 1
input: [32, 32, 3]
defaults: {Conv2D: {kernel_size: 3, padding: same}}
outputs: [main, side]
layers:
STEPS
  - GlobalAveragePooling2D
  - Dense: 10
    name: main
  - GlobalAveragePooling2D:
    from: half
  - Dense: 10
    name: side
"""


def test_a_side_head_that_is_written_last_is_in_no_cuts_way() -> None:
    steps = [f"  - Conv2D: {filters}" for filters in range(8, 44)]
    steps[1] += "\n    name: half"
    layout = lay_out(to_dot(archspec.loads(SIDE.replace("STEPS", "\n".join(steps)))))
    assert layout.height / layout.width < 2.5
    assert layout.boxes["side"].bottom > layout.boxes["half"].bottom - 200


@pytest.mark.parametrize("count", few_or_many(4, 200))
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.thorough
def test_whatever_a_network_is_its_boxes_and_texts_do_not_overlap(way: str, count: int) -> None:
    def check(network: Network) -> None:
        faults = lay_out(WAYS[way](archspec.loads(write(network)[0]))).faults()
        assert not [each for each in faults if "overlap" in each or "cut off" in each]

    try_out(check, draw, count)


def test_the_check_of_layouts_can_fail() -> None:
    layout = lay_out(to_dot(network("lenet5")))
    first, second, third, fourth, *_ = layout.boxes
    layout.boxes[second] = layout.boxes[first]
    box = layout.boxes[first]
    middle = (box.left + box.right) / 2
    wide = Area(box.left - 9, box.bottom, box.right, box.top)
    layout.texts.append(Text("wide", 9, wide, first))
    layout.lines.append(Line((third, fourth), ((middle, box.bottom - 9), (middle, box.top + 9))))
    layout.frames["frame"] = Area(-9, -9, layout.width, box.bottom - 1)  # around third and fourth
    found = "\n".join(layout.faults())
    assert f"{first} and {second} overlap" in found
    assert "'wide' is cut off" in found
    assert f"the line from {third} to {fourth} runs through 'wide'" in found
    assert f"the line from {third} to {fourth} leaves frame" in found
