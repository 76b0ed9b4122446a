"""Pages in Chromium: every control, by the pointer and by the keyboard alone."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pages import BROWSER, HOSTILE, Opened, start_browser
from random_drawing import draw
from random_graphs import write
from shipped import FILES, network

import archspec

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium, on PATH or in ARCHSPEC_CHROMIUM"),
]
Open = Callable[..., Opened]
NODE = "stage3.unit0.main.conv2d"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright")
    with start_browser() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def open_page(browser: Any, folder: Path) -> Iterator[Open]:
    """Open the page of specs, which must ask for nothing, nor be complained of."""
    opened: list[Opened] = []

    def go(
        *specs: Any, address: str = "", look: dict[str, Any] | None = None, **given: Any
    ) -> Opened:
        name = "-".join(each if isinstance(each, str) else each.name for each in specs)
        options = "".join(f"-{key}-{value}" for key, value in given.items())
        path = folder / f"{re.sub(r'[^a-z0-9-]', '_', name)}{options}.html"
        if not path.exists():
            archspec.draw(*specs, **given).save(path)
        view = {"viewport": {"width": 1300, "height": 800}, **(look or {})}
        page = Opened(browser.new_page(**view), path)
        opened.append(page)
        page.go(address)
        return page

    yield go
    for each in opened:
        assert each.said == []
        assert {url.partition("#")[0] for url in each.asked} <= {each.path.as_uri()} | {
            url for url in each.asked if url.startswith("data:")
        }
        each.page.close()


# --- the pointer ---------------------------------------------------------------------------------


def test_blocks_open_and_close(open_page: Open) -> None:
    shown = open_page("resnet50v2")
    assert "unit0: bottleneck" not in shown.frames()
    box = shown.box("▸ unit0: bottleneck")
    top = box.bounding_box()["y"]
    box.dblclick()
    assert "unit0: bottleneck" in shown.frames()
    assert "conv 1×1, 64" in shown.boxes()
    title = shown.box("▾ unit0: bottleneck")
    assert abs(title.bounding_box()["y"] - top) < 20  # it stays where it was
    title.click()
    assert "unit0: bottleneck" not in shown.frames()
    assert "▸ unit0: bottleneck" in shown.boxes()


def test_all_blocks_open_and_close(open_page: Open) -> None:
    shown = open_page("resnet18")
    shown.page.click("#close")
    assert shown.frames() == []
    assert "▸ stage0" in shown.boxes()
    shown.page.click("#open")
    shown.fit()
    assert {"stage0", "stage3", "unit1: residual"} <= {*shown.frames()}
    assert not [title for title in shown.boxes() if title.startswith("▸ ")]


def test_the_picture_moves_and_zooms(open_page: Open) -> None:
    page = (shown := open_page("resnet18")).page
    x, y, scale = shown.camera()
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 120)
    assert shown.camera() == pytest.approx([x, y - 120, scale])
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    assert shown.camera()[2] > scale
    page.click("#in")
    page.click("#out")
    before = shown.camera()
    page.mouse.move(560, 700)
    page.mouse.down()
    page.mouse.move(600, 650, steps=4)
    page.mouse.up()
    assert shown.camera()[:2] == pytest.approx([before[0] + 40, before[1] - 50], abs=1)
    page.click("#fit")
    height = page.evaluate(
        "document.querySelector('#picture svg > g').getBoundingClientRect().height"
    )
    assert height < 800


def test_details_have_the_yaml_and_the_arithmetic(open_page: Open) -> None:
    shown = open_page("resnet18", address=f"#{NODE}")
    said = shown.details()
    assert "Conv2D: {filters: ==, kernel_size: 3, strides: ==}" in said
    assert "height/strides) = ceil(7/2) = 4" in said
    assert "3*3*256*512 = 1,179,648" in said
    marked = shown.page.inner_text("#details .meant")
    assert marked.split()[:2] == ["17", "-"]
    shown.page.click("#details dd a >> nth=0")
    assert "stage2.unit1.activation_1" in shown.page.url or "stage2" in shown.page.url


def test_the_turns_of_a_repeat_can_be_told_apart(open_page: Open) -> None:
    shown = open_page("resnet18")
    shown.box("conv 3×3, 64").nth(0)
    shown.go("#stage0.unit1.main.conv2d")
    choice = shown.page.locator(".turn select")
    assert "2 of 2: stage0.unit1.main.conv2d" in choice.inner_text()
    assert choice.input_value() == "1"
    choice.select_option("0")
    assert shown.page.url.endswith("#stage0.unit0.main.conv2d")


def test_costs_say_whose_they_are(open_page: Open) -> None:
    def costs() -> list[list[str]]:
        rows = [row.split() for row in shown.page.inner_text("#details .costs").split("\n")]
        return [" ".join(rows[0]), rows[1]]

    shown = open_page("resnet18", address="#stage0.unit1.main.batch_normalization")
    assert costs() == ["this layer the box, all 2", ["params", "256", "<1%", "74.2", "K", "1%"]]
    shown.page.locator("#picture .selected").click()  # a box, and no layer of it
    assert costs() == ["each all 2", ["params", "37.1", "K", "<1%", "74.2", "K", "1%"]]
    shown.page.locator("#outline b >> text=stem").click()
    assert costs() == ["the box", ["params", "832", "<1%"]]
    shown.go("#head")
    assert costs()[0].startswith("params 5.13 K")


def test_heat_colours_boxes_by_their_cost(open_page: Open) -> None:
    shown = open_page("vgg16_imagenet")
    ground = shown.box("dense 4096").locator(".ground")
    plain = ground.evaluate("each => getComputedStyle(each).fill")
    for cost in ("params", "macs", "memory"):
        shown.page.select_option("#heat", cost)
        assert "of a box" in shown.page.inner_text("#legend")
        assert ground.evaluate("each => getComputedStyle(each).fill") != plain
    shown.page.select_option("#heat", "params")
    assert ground.evaluate("each => getComputedStyle(each).fill") == "rgb(102, 37, 6)"
    assert re.search(r"4096 · \d\d%", shown.box("dense 4096").text_content() or "")
    shown.page.select_option("#heat", "")
    assert ground.evaluate("each => getComputedStyle(each).fill") == plain
    assert "convolution" in shown.page.inner_text("#legend")


def test_heat_of_what_is_unknown_or_small_says_so(open_page: Open) -> None:
    text = "archspec: 1\ninput: [{}]\nlayers: [ReLU, Flatten]\n"
    shown = open_page(archspec.loads(text.format("null, 4"), name="unknown"), heat="memory")
    assert shown.page.inner_text("#legend") == "activation of a box: unknown"
    assert "4 · unknown" in " ".join(shown.page.locator("#picture .box text").all_text_contents())
    shown = open_page(archspec.loads(text.format("1"), name="small"), heat="params")
    assert shown.page.inner_text("#legend").split("\n") == ["params of a box", "0"]
    shown = open_page(archspec.loads(text.format("null, 4"), name="unknown"), heat="params")
    assert shown.page.inner_text("#legend").split("\n") == ["params of a box", "0"]


def test_the_outline_is_the_picture(open_page: Open) -> None:
    page = (shown := open_page("resnet18")).page
    item = page.locator("[role=treeitem][aria-label^='stage1']")
    item.locator(".row").first.click()
    assert page.locator(".frame.selected").count() == 1
    assert "stage1" in page.url
    box = item.locator(".row").first.bounding_box()
    page.mouse.click(box["x"] + 6, box["y"] + 6)
    assert item.get_attribute("aria-expanded") == "false"
    assert "▸ stage1" in shown.boxes()


def test_several_networks_are_chosen_from(open_page: Open) -> None:
    page = (shown := open_page("lenet5", "resnet18")).page
    assert "conv 5×5, 6" in shown.boxes()
    shown.follow(lambda: page.select_option("#networks", label="resnet18"))
    assert "stage0" in shown.frames()
    shown.go("#2/stage1.unit0.add")
    assert page.input_value("#networks") == "1"
    assert "stage1.unit0.add" in shown.details()


# --- the keyboard alone --------------------------------------------------------------------------


def press(shown: Opened, *keys: str) -> None:
    for key in keys:
        shown.page.keyboard.press(key)


def test_the_search_is_done_by_the_keyboard(open_page: Open) -> None:
    shown = open_page("resnet50v2")
    press(shown, "/")
    shown.page.keyboard.type("stage2.unit3 conv2d main")
    assert shown.status().endswith("found")
    assert shown.page.get_attribute("#search", "aria-expanded") == "true"
    press(shown, "ArrowDown", "ArrowDown", "Enter")
    active = shown.page.evaluate("document.activeElement.id")
    assert active == "picture"
    assert "stage2.unit3.main.conv2d" in shown.page.url
    assert "unit1-4 ×4: bottleneck" in shown.frames()
    press(shown, "/", "Escape", "Escape")
    assert shown.page.input_value("#search") == ""


def test_the_search_finds_blocks_and_what_boxes_say(open_page: Open) -> None:
    shown = open_page("resnet18_cifar100")

    def search(text: str) -> list[str]:
        shown.page.fill("#search", text)
        return shown.page.locator("#results b").all_inner_texts()

    assert search("resnet") == []  # the network is no layer
    assert search("stage1.unit1")[0] == "stage1.unit1"
    assert search("64 BN ReLU") == ["stem.conv2d", *(f"stage0.unit{i}.main.conv2d" for i in (0, 1))]


def test_an_address_of_a_block_leads_to_the_box_that_shows_it(
    open_page: Open, tmp_path: Path
) -> None:
    text = """
        archspec: 1
        input: [8, 8, 3]
        blocks: {b: {layers: [{Conv2D: {filters: 3, kernel_size: 3}}, ReLU]}}
        layers: [{b: {}, name: script}]
    """
    path = tmp_path / "one_box.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    shown = open_page(archspec.load(path), address="#script")
    assert shown.page.text_content(".box.selected") == "conv 3×3, 3ReLU6×6×3"
    assert shown.page.url.endswith("#script")
    shown = open_page("resnet18", address="#stage0.unit1")
    assert shown.page.inner_text("#details h2") == "stage0.unit0"
    assert shown.page.locator(".frame.selected").count() == 1


def test_the_picture_is_walked_by_the_keyboard(open_page: Open) -> None:
    shown = open_page("resnet50v2")
    shown.page.focus("#picture")
    press(shown, "Home")
    assert shown.page.url.endswith("#input")
    press(shown, "ArrowDown", "ArrowDown", "ArrowDown")
    assert shown.page.url.endswith("#stage0.unit0")
    press(shown, "Enter", "ArrowUp", "ArrowDown")
    assert "unit0: bottleneck" in shown.frames()
    press(shown, "Escape")
    assert "unit0: bottleneck" not in shown.frames()
    scale = shown.camera()[2]
    press(shown, "Shift+ArrowDown", "+")
    assert shown.camera()[2] > scale
    press(shown, "0", "End")
    assert shown.page.url.endswith("#head")


def test_the_outline_is_walked_by_the_keyboard(open_page: Open) -> None:
    shown = open_page("resnet18")
    for _ in range(30):
        press(shown, "Tab")
        if shown.page.evaluate("document.activeElement.closest('#outline') !== null"):
            break
    press(shown, "ArrowDown", "ArrowDown")
    assert shown.page.url.endswith("#stage0")
    press(shown, "ArrowLeft")
    assert "▸ stage0" in shown.boxes()
    press(shown, "ArrowRight", "ArrowRight", "ArrowRight")
    assert shown.page.url.endswith("#stage0.unit0.main.conv2d")
    press(shown, "ArrowLeft")
    assert shown.page.url.endswith("#stage0.unit0")
    press(shown, "End")
    assert "output" in shown.page.evaluate("document.activeElement.getAttribute('aria-label')")
    press(shown, "Home", "h")
    assert shown.page.url.endswith("#head")


def test_every_control_is_reached_by_tab_and_has_a_name(open_page: Open) -> None:
    shown = open_page("lenet5", "resnet18")
    reached = set()
    for _ in range(30):
        press(shown, "Tab")
        reached.add(shown.page.evaluate("document.activeElement.id"))
    wanted = {"networks", "search", "heat", "open", "close", "fit", "in", "out", "theme", "help"}
    assert wanted | {"picture", "details"} <= reached
    shown.page.focus("#picture")
    press(shown, "?")
    assert shown.page.locator("dialog[open]").count() == 1
    press(shown, "Escape")
    assert shown.page.locator("dialog[open]").count() == 0


def test_screen_readers_have_the_network_as_a_tree(open_page: Open) -> None:
    shown = open_page("resnet18")
    session = shown.page.context.new_cdp_session(shown.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    seen = [
        (
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            {each["name"]: each["value"].get("value") for each in node.get("properties", [])},
        )
        for node in nodes
        if not node.get("ignored")
    ]
    items = {name: facts for role, name, facts in seen if role == "treeitem"}
    assert items["stage0: 14 layers"]["expanded"] is True
    assert items["stage0: 14 layers"]["level"] == 1
    assert items["unit0-1 ×2: residual, 14 layers"]["level"] == 2
    assert items["add: + · ReLU"]["level"] == 3
    roles = {role: name for role, name, _ in seen}
    assert roles["tree"] == "Layers of resnet18"
    assert roles["application"] == "Picture of resnet18"
    assert not roles.keys() & {"img", "image"}  # one of all texts run together
    for role, name, _ in seen:
        if role in {"button", "combobox", "searchbox", "tree", "treeitem", "navigation"}:
            assert name, role


# --- dark, links, paper --------------------------------------------------------------------------


def background(shown: Opened) -> str:
    return shown.page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_a_page_is_dark_where_the_reader_is(open_page: Open) -> None:
    light, dark = "rgb(255, 255, 255)", "rgb(22, 25, 29)"
    shown = open_page("lenet5")
    assert background(shown) == light
    shown.page.click("#theme")
    shown.page.click("#theme")
    assert background(shown) == dark
    shown = open_page("lenet5", look={"color_scheme": "dark"})
    assert background(shown) == dark
    shown.page.click("#theme")
    assert background(shown) == light
    assert background(open_page("lenet5", theme="dark")) == dark


def test_an_address_leads_to_a_layer(open_page: Open) -> None:
    shown = open_page("inception_v3", address="#mixed7b.3x3.split.1x3.conv.conv2d")
    assert "split" in " ".join(shown.frames())
    box = shown.page.locator(".selected .ground").bounding_box()
    assert box["height"] > 30  # it can be read
    assert 300 < box["x"] < 1000
    assert 0 < box["y"] < 800
    shown.page.evaluate("location.hash = '#stem'")
    shown.page.wait_for_function(
        "() => document.querySelector('#details h2').textContent === 'stem'"
    )
    shown.page.evaluate("location.hash = '#%E0%A4%A'")
    shown.page.evaluate("location.hash = '#nothing'")
    shown.page.wait_for_function(
        "() => document.querySelector('#status').textContent.includes('nothing')"
    )
    said = shown.page.locator("#status").bounding_box()
    assert said["width"] > 150  # to be read by all
    assert 270 < said["x"] < 900


def test_paper_has_the_whole_picture(open_page: Open) -> None:
    shown = open_page("resnet50v2", look={"color_scheme": "dark"})
    shown.page.wait_for_function("() => document.querySelector('#print').src !== ''")
    paper = shown.page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    assert b"/Font" in paper  # letters, not pixels
    shown.page.emulate_media(media="print", color_scheme="dark")
    assert shown.page.locator("#print").bounding_box()["height"] > 400
    assert not shown.page.locator("#picture").is_visible()
    assert background(shown) == "rgb(255, 255, 255)"


# --- large, hostile, broken ----------------------------------------------------------------------


def test_a_thousand_layers_are_opened_whole(open_page: Open) -> None:
    shown = open_page(network("resnet1001"), fold=False)
    shown.page.click("#open")
    few = len(shown.boxes())
    assert few < 60  # those that are near the window
    shown.fit()
    assert len(shown.boxes()) > 1600
    shown.go("#stage1.unit77.join.add")
    assert "stage1.unit77.join.add" in shown.details()


def test_whatever_a_spec_says_is_text(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(HOSTILE, encoding="utf-8")
    shown = open_page(archspec.load(path), depth=1)
    shown.page.on("dialog", lambda dialog: shown.said.append("a dialog"))
    assert shown.page.title() == "w"
    assert "</script><script>alert(1)</script>" in shown.details()
    shown.page.click("#close")
    shown.box("it_s").click()
    assert "</script><img src=x onerror=alert(1)>" in shown.details()
    assert shown.page.locator("img").count() == 1


def test_carets_stand_below_what_they_mark(open_page: Open, tmp_path: Path) -> None:
    """Also where the line is longer than its column is wide, and where both would fit into one."""
    (tmp_path / "long.yaml").write_text(
        "archspec: 1\ninput: [8, 8, 3]\nlayers:\n"
        "  - {Conv2D: {filters: 8, kernel_size: 3, padding: same, kernal_size: 3}, name: first}\n"
        "  - Dens: 2\n"
    )
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load(tmp_path / "long.yaml")
    opened = open_page(caught.value.graph)
    line, carets, short, below = opened.page.locator(".errors .source").all()
    assert line.bounding_box()["height"] == carets.bounding_box()["height"]
    assert carets.text_content().index("^") == line.text_content().index("kernal_size")
    first, second = short.bounding_box(), below.bounding_box()
    assert (second["x"], second["y"]) == (first["x"], first["y"] + first["height"])


def test_a_broken_spec_shows_its_errors(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    text = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: {unit: 3}\n  - Dense: 2\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load(path)
    shown = open_page(caught.value.graph)
    assert "did you mean 'units'?" in shown.details()
    shown.page.click("text=Show dense")
    assert "has no argument 'unit'" in shown.details()
    assert shown.page.locator(".failed.selected").count() == 1
    shown.page.locator(".failed").click()
    costs = shown.page.inner_text("#details .costs").split()
    assert costs == ["params", "unknown", "MACs", "unknown", "activation", "unknown"]
    border = shown.page.locator(".failed .border").bounding_box()
    text = shown.page.locator(".failed text").last.bounding_box()
    assert text["y"] + text["height"] < border["y"] + border["height"] - 2
    item = shown.page.locator("[role=treeitem]", has_text="dense Dense has no argument 'unit'")
    assert item.count() == 1


OVERLAPS = """
() => {
  const boxes = [...document.querySelectorAll('#picture .ground')].map(each => each.getBBox())
  const at = [...document.querySelectorAll('#picture .ground')].map(each => {
    const [, x, y] = /translate\\((\\S+) (\\S+)\\)/.exec(each.parentNode.getAttribute('transform'))
    const {width, height} = each.getBBox()
    return [Number(x), Number(y), width, height]
  })
  let found = 0
  at.forEach(([x, y, w, h], index) => at.slice(0, index).forEach(([a, b, c, d]) => {
    if (x < a + c - 1 && a < x + w - 1 && y < b + d - 1 && b < y + h - 1) found += 1
  }))
  return found
}
"""
NARROW = """
() => [...document.querySelectorAll('#picture g[data-place]')].filter(each => {
  const ground = each.querySelector('.ground')
  if (!ground) return false
  const width = ground.getBBox().width
  return [...each.querySelectorAll('text')].some(text => text.getBBox().width > width + 1)
}).map(each => each.textContent)
"""


@pytest.mark.parametrize("name", FILES)
def test_every_network_opens_and_no_box_covers_another(name: str, open_page: Open) -> None:
    shown = open_page(network(name))
    shown.fit()
    assert shown.page.evaluate(OVERLAPS) == 0
    shown.page.click("#open")
    shown.fit()
    assert shown.page.evaluate(OVERLAPS) == 0
    assert shown.page.evaluate(NARROW) == []
    assert shown.page.evaluate("document.querySelectorAll('[style]').length") == 0


@pytest.mark.parametrize("seed", range(12))
def test_networks_drawn_at_random_have_pages(seed: int, open_page: Open) -> None:
    graph = archspec.loads(write(draw(random.Random(seed)))[0])
    shown = open_page(replace(graph, name=f"random{seed}"), fold=bool(seed % 3))
    shown.page.click("#open")
    shown.fit()
    assert shown.page.evaluate(OVERLAPS) == 0
    assert shown.page.evaluate(NARROW) == []
    lines = shown.page.locator("#picture .line")
    assert not re.search(
        "NaN|undefined",
        " ".join(
            each or ""
            for each in lines.evaluate_all("lines => lines.map(each => each.getAttribute('d'))")
        ),
    )


def test_a_difference_leads_to_what_changed(open_page: Open, folder: Path, browser: Any) -> None:
    path = folder / "vgg.html"
    archspec.diff("vgg_a", "vgg_b").draw().save(path)
    shown = Opened(browser.new_page(), path)
    shown.go()
    assert "2 are added" in shown.details()
    assert shown.page.locator("#picture .box.added").count() == 2
    shown.page.click(".changes button")
    assert shown.page.locator("#picture .meant").count() == 2
    assert shown.page.locator("#picture .selected.added").count() == 1
    assert "2 are added" in shown.details()  # for the next row
    shown.go("#1/stage0.conv0")
    shown.follow(lambda: shown.page.click(".others a >> nth=1"))
    assert shown.page.url.endswith("#3/stage0.conv0")
    assert shown.page.input_value("#networks") == "2"
    shown.follow(lambda: shown.page.select_option("#networks", label="vgg_a"))
    assert shown.page.locator("#picture .box.added").count() == 0
    assert shown.said == []
    shown.page.close()


def test_the_whole_network_is_told_again(open_page: Open) -> None:
    shown = open_page("resnet18", address="#stem")
    shown.page.mouse.click(300, 700)
    assert "receptive field" in shown.details()
    shown.go("#stem")
    shown.page.click("h1 a")
    shown.page.wait_for_selector("text=receptive field")
