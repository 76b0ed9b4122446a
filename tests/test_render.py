"""Pictures as files: the same each time, read aloud, in every theme legible, or an error."""

import os
import string
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from layouts import lay_out

import archspec
from archspec import notation
from archspec.errors import UserError
from archspec.pictures.boxes import View, build_scene
from archspec.pictures.dot import to_blocks, to_dot
from archspec.pictures.render import FORMATS, draw_svg, render
from archspec.pictures.style import (
    COSTS,
    HEAT,
    THEMES,
    Heat,
    Style,
    choose_ink,
    measure_contrast,
    measure_luminance,
    read_rgb,
    sum_cost,
)

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"

# --- the same bytes ------------------------------------------------------------------------------

DRAW = """
import sys, archspec
from pathlib import Path
from archspec.pictures.dot import to_blocks, to_dot
from archspec.pictures.render import render
graph = archspec.load("inception_v3")
for suffix in ("dot", "svg", "png"):
    render(to_dot(graph), Path(sys.argv[1], "net." + suffix))
"""


@pytest.mark.thorough
def test_the_same_spec_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    for seed in "12":
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", DRAW, str(folder)], env=environment, check=True)
    for suffix in ("dot", "svg", "png"):
        first, second = ((tmp_path / seed / f"net.{suffix}").read_bytes() for seed in "12")
        assert first == second, suffix


# --- readers -------------------------------------------------------------------------------------


def svg(tmp_path: Path, spec: str, **params: object) -> ElementTree.Element:
    render(to_dot(archspec.load(spec, **params)), tmp_path / "net.svg")
    return ElementTree.parse(tmp_path / "net.svg").getroot()


@pytest.mark.thorough
def test_a_box_has_its_facts_as_title(tmp_path: Path) -> None:
    root = svg(tmp_path, "resnet50v2")
    groups = {group.get("id"): group for group in root.iter(f"{SVG}g")}
    pool = "global_average_pooling2d"
    said = f"{pool}, GlobalAveragePooling2D, 2048, takes activation, resnet50v2.yaml:68"
    titles = {name: group.findtext(f"{SVG}title", "") for name, group in groups.items()}
    assert titles[pool] == said
    assert groups[pool].get("role") == "graphics-symbol"
    said = "unit1-4 ×4: bottleneck, 44 layers, each 14×14×1024 → 14×14×1024, 4,485,120 parameters"
    assert titles["stage2.unit1"].startswith(said)
    assert titles["frame-stage2"] == "stage2"


def test_lines_are_not_read_aloud_and_nothing_is_a_link(tmp_path: Path) -> None:
    root = svg(tmp_path, "lenet5")
    assert root.get("role") == "graphics-document"
    assert not list(root.iter(f"{SVG}a"))
    edges = [group for group in root.iter(f"{SVG}g") if group.get("class") == "edge"]
    assert edges
    assert all(group.get("aria-hidden") == "true" for group in edges)
    said = "".join(root.itertext())
    assert "conv 5×5, 16" in said
    assert "->" not in said


def test_ids_are_unique_and_come_from_names(tmp_path: Path) -> None:
    for spec in ("resnet18", "googlenet"):
        ids = [each.get("id") for each in svg(tmp_path, spec).iter(f"{SVG}g") if each.get("id")]
        assert len(ids) == len(set(ids))
    assert "inception3a" in ids


# --- texts ---------------------------------------------------------------------------------------


def cells(root: ElementTree.Element) -> list[tuple[float, float, ElementTree.Element]]:
    """Of each text in a filled cell of a box: where the cell begins and ends."""
    found = []
    for group in root.iter(f"{SVG}g"):
        left = right = 0.0
        for each in group:
            if each.tag == f"{SVG}polygon" and each.get("fill") != "none":
                across = [float(point.split(",")[0]) for point in each.get("points", "").split()]
                left, right = min(across), max(across)
            elif each.tag == f"{SVG}text" and group.get("class") == "node" and right:
                found.append((left, right, each))
    return found


def test_a_text_stands_in_the_middle_of_its_cell_in_any_font(tmp_path: Path) -> None:
    found = cells(svg(tmp_path, "inception10"))
    assert found
    for left, right, text in found:
        assert text.get("text-anchor") == "middle"
        assert float(text.get("x", 0)) == pytest.approx((left + right) / 2, abs=1)


def test_words_in_two_fonts_meet_at_one_place_in_any_font(tmp_path: Path) -> None:
    groups = {group.get("id"): group for group in svg(tmp_path, "lenet5").iter(f"{SVG}g")}
    for name, shape in (("input", "28×28×1"), ("head-output", "10")):
        bold, plain = groups[name].iter(f"{SVG}text")
        assert (bold.text, bold.get("text-anchor")) == (name.partition("-")[0], "end")
        assert ("".join(plain.itertext()), plain.get("text-anchor")) == (
            f"\u00a0\u00a0{shape}",
            None,
        )
        assert float(bold.get("x", 0)) == pytest.approx(float(plain.get("x", 0)), abs=1)


def test_the_number_of_a_link_stands_in_the_middle_of_its_circle(tmp_path: Path) -> None:
    circles = [
        (each, group.find(f"{SVG}text"))
        for group in svg(tmp_path, "resnet18").iter(f"{SVG}g")
        for each in group.findall(f"{SVG}ellipse")
    ]
    assert len(circles) == 2
    for circle, text in circles:
        assert text is not None
        assert text.get("text-anchor") == "middle"
        assert float(text.get("x", 0)) == pytest.approx(float(circle.get("cx", 0)), abs=0.1)


def test_words_in_several_fonts_keep_the_spaces_between_them(tmp_path: Path) -> None:
    render(to_blocks(archspec.load("resnet18")), tmp_path / "net.svg")
    groups = {group.get("id"): group for group in ElementTree.parse(tmp_path / "net.svg").iter()}
    texts = groups["residual-A/stage0.unit0.main.conv2d"].iter(f"{SVG}text")
    said = "".join("".join(text.itertext()) for text in texts)
    assert said.startswith("conv\u00a03×3,\u00a0filters")


def test_the_title_of_a_frame_begins_at_its_left(tmp_path: Path) -> None:
    groups = svg(tmp_path, "resnet18").iter(f"{SVG}g")
    frames = [group for group in groups if (group.get("id") or "").startswith("frame-")]
    assert frames
    anchors = [text.get("text-anchor") for frame in frames for text in frame.iter(f"{SVG}text")]
    assert set(anchors) == {None}


NARROWED = """<fontconfig><include>{}</include><match target="font">
<edit name="matrix" mode="assign"><matrix><double>{}</double><double>0</double><double>0</double>
<double>1</double></matrix></edit></match></fontconfig>"""


def font_scaled(folder: Path, across: float) -> dict[str, str]:
    """An environment whose letters are so much wider."""
    config = folder / "fonts.conf"
    own = os.environ.get("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
    config.write_text(NARROWED.format(own, across))
    return {**os.environ, "FONTCONFIG_FILE": str(config), "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(("across", "held"), [(0.8, True), (2, False)])
@pytest.mark.thorough
def test_texts_of_a_narrow_font_stay_in_their_boxes_in_a_wider_one(
    tmp_path: Path, across: float, held: bool
) -> None:
    path, environment = tmp_path / "net.svg", font_scaled(tmp_path, across)
    command = [sys.executable, "-m", "archspec", "draw", "lenet5", "-o", str(path)]
    subprocess.run(command, env=environment, check=True)
    found = cells(ElementTree.parse(path).getroot())
    assert found
    for left, right, text in found:
        assert ("textLength" in text.attrib) == held
        assert float(text.get("textLength", 0)) < right - left


# --- resolution ----------------------------------------------------------------------------------


def width(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:20], "big")


@pytest.mark.thorough
def test_the_resolution_of_a_png_can_be_chosen(tmp_path: Path) -> None:
    dot = to_dot(archspec.load("lenet5"))
    for dpi in (72, 288):
        render(dot, tmp_path / f"{dpi}.png", dpi)
    assert width(tmp_path / "288.png") == pytest.approx(4 * width(tmp_path / "72.png"), abs=8)


@pytest.mark.parametrize("suffix", [each for each in FORMATS if each != ".png"])
def test_what_has_no_pixels_has_no_resolution(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UserError, match=r"only a \.png has pixels"):
        render("digraph {}", tmp_path / f"net{suffix}", 72)
    assert not list(tmp_path.iterdir())


# --- fonts ---------------------------------------------------------------------------------------


def draw_without_fonts(tmp_path: Path, suffix: str) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><cachedir>{tmp_path}</cachedir></fontconfig>")
    environment = {**os.environ, "FONTCONFIG_FILE": str(config), "PYTHONPATH": str(ROOT)}
    path = tmp_path / f"net{suffix}"
    command = [sys.executable, "-m", "archspec", "draw", "lenet5", "-o", str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "suffix", [".svg", *(pytest.param(each, marks=pytest.mark.slow) for each in (".png", ".pdf"))]
)
@pytest.mark.thorough
def test_a_machine_without_fonts_gets_an_error(tmp_path: Path, suffix: str) -> None:
    done = draw_without_fonts(tmp_path, suffix)
    assert done.returncode == 1
    assert done.stderr == (
        "error: no font on this machine has any letters\n"
        "hint: install one, such as DejaVu Sans, or write a .dot file\n"
    )
    assert not (tmp_path / f"net{suffix}").exists()


@pytest.mark.thorough
def test_text_needs_no_font(tmp_path: Path) -> None:
    assert draw_without_fonts(tmp_path, ".dot").returncode == 0


def test_letters_that_no_font_has_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no font here has \ue000") as caught:  # for private use
        render('digraph {a [label="b\ue000"]}', tmp_path / "net.png")
    assert caught.value.hint == "install a font with them, such as Noto Sans, or write a .svg file"
    with pytest.raises(UserError, match="no font here has \ufaff") as caught:
        render('digraph {a [label="b\ufaff"]}', tmp_path / "net.pdf")
    assert "Noto Sans CJK" in caught.value.hint


def test_letters_that_no_font_has_are_left_to_the_readers_of_an_svg(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """They have the room of squares. These are no letters yet: one of East Asia, one private."""
    look = "node [fontname=Helvetica fontsize=10 shape=box margin=0]"
    wide, other = 20 * "\ufaff", 20 * "\ue000"
    svg = draw_svg(f'digraph {{{look} a [label="{wide}"] b [label="{other}"]}}')
    boxes = ElementTree.fromstring(svg).findall(f".//{SVG}polygon[@stroke='black']")
    assert len(boxes) == 2
    for box in boxes:
        xs = [float(point.split(",")[0]) for point in box.attrib["points"].split()]
        assert max(xs) - min(xs) >= 20 * 10
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("across", [1.2, 1.25])
@pytest.mark.thorough
def test_letters_as_wide_as_an_empty_box_are_not_missing(tmp_path: Path, across: float) -> None:
    path, environment = tmp_path / "net.dot", font_scaled(tmp_path, across)
    path.write_text(f'digraph {{a [label="{string.printable[:62]}×→·"]}}', encoding="utf-8")
    program = (
        "import sys; from pathlib import Path; from archspec.pictures.render import render; "
        "render(Path(sys.argv[1]).read_text(encoding='utf-8'), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(path), str(path.with_suffix(".svg"))]
    subprocess.run(command, env=environment, check=True)


# --- colours -------------------------------------------------------------------------------------

TEXT = 4.5  # the contrast that WCAG asks of text


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_is_legible_in_every_theme(theme) -> None:
    fills = [*theme.fills.values(), theme.page, theme.plain, *theme.frames]
    assert all(measure_contrast(theme.ink, fill) >= TEXT for fill in fills)
    assert all(measure_contrast(choose_ink(fill), fill) >= TEXT for fill in theme.blocks)
    around = [theme.page, *theme.frames]
    assert all(measure_contrast(theme.quiet, fill) >= TEXT for fill in around)


def test_text_is_legible_on_heat() -> None:
    heat = Heat("params", 1000)
    fills = [heat.choose_colour(value) for value in range(0, 1001, 10)]
    assert all(measure_contrast(choose_ink(fill), fill) >= TEXT for fill in fills)


def test_heat_is_darker_for_more_in_grey_too() -> None:
    heat = Heat("params", 100)
    greys = [measure_contrast("#000000", heat.choose_colour(value)) for value in range(101)]
    assert greys == sorted(greys, reverse=True)
    assert (heat.choose_colour(0), heat.choose_colour(100)) == (HEAT[0], HEAT[-1])


# Machado et al., 2009, severity 1: linear RGB as a protanope, deuteranope and tritanope sees it.
BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


@pytest.mark.parametrize("sight", BLIND)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_kinds_and_blocks_are_apart_for_the_colour_blind(theme: str, sight: str) -> None:
    fills = {kind: lab(fill, BLIND[sight]) for kind, fill in THEMES[theme].fills.items()}
    blocks = {fill: lab(fill, BLIND[sight]) for fill in THEMES[theme].blocks}
    for one, other in combinations(colours := {**fills, **blocks}, 2):
        apart = sum((a - b) ** 2 for a, b in zip(colours[one], colours[other], strict=True)) ** 0.5
        assert apart > 10, f"{one} and {other}: {apart:.1f}"  # 2.3 can just be told apart


def test_blocks_are_dark_in_print_where_kinds_are_light() -> None:
    theme = THEMES["print"]
    assert max(map(measure_luminance, theme.blocks)) < 0.5 * min(
        map(measure_luminance, theme.fills.values())
    )


def lab(colour: str, seen: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """CIELAB of a colour as it is seen."""
    parts = [value / 255 for value in read_rgb(colour)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    r, g, b = (min(max(sum(k * v for k, v in zip(row, linear, strict=True)), 0), 1) for row in seen)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


# --- heat ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", COSTS)
def test_the_costs_of_boxes_are_those_of_the_network(what: str) -> None:
    graph = archspec.load("resnet50v2")
    boxes = [sum_cost(what, box.represented) for box in build_scene(graph, View()).boxes]
    assert None not in boxes
    assert sum(boxes) == sum_cost(what, graph.nodes)
    assert sum_cost("params", graph.nodes) == graph.total_params
    assert sum_cost("macs", graph.nodes) == graph.macs


@pytest.mark.parametrize("what", COSTS)
def test_a_picture_of_heat_has_a_scale_to_its_most_costly_box(what: str) -> None:
    graph = archspec.load("lenet5")
    text = to_dot(graph, style=Style(heat=what))
    most = max(sum_cost(what, box.represented) for box in build_scene(graph, View()).boxes)
    assert COSTS[what].unit.write(most) in text
    assert HEAT[-1] in text


@pytest.mark.parametrize("what", ["params", "macs"])
def test_a_folded_block_says_its_share_of_what_the_heat_shows(what: str) -> None:
    graph = archspec.load("resnet50v2")
    text = to_dot(graph, View(depth=1), Style(heat=what))
    for box in build_scene(graph, View(depth=1)).boxes:
        if box.block:
            share = sum_cost(what, box.represented) / sum_cost(what, graph.nodes)
            assert f">{share:.0%} of {what}<" in text


def test_an_unknown_cost_is_said_to_be_unknown() -> None:
    graph = archspec.loads("archspec: 1\ninput: [null, 3]\nlayers:\n  - Dense: 4\n")
    assert notation.UNKNOWN in to_dot(graph, style=Style(heat="memory"))


# --- directions ----------------------------------------------------------------------------------


def test_a_picture_across_the_page_runs_from_left_to_right() -> None:
    boxes = lay_out(to_dot(archspec.load("lenet5"), style=Style(direction="LR"))).boxes
    rows = [("input", "conv2d", "max_pooling2d"), ("conv2d_1", "max_pooling2d_1", "flatten")]
    chains = [[boxes[name] for name in row] for row in rows]
    for chain in chains:
        assert all(one.right < other.left for one, other in pairwise(chain))
        assert len({one.bottom + one.top for one in chain}) == 1
    assert chains[1][0].top < chains[0][0].bottom
