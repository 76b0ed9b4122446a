"""Pages as files: whole in themselves, the same each time, small, safe whatever a spec says."""

import base64
import hashlib
import re
import runpy
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import command
from pages import HOSTILE, read_data, unpack
from shipped import FILES, ROOT, most_slow, network

import archspec
from archspec.errors import UserError
from archspec.page.details import hide_folder
from archspec.page.html import SCRIPTS, WEB
from archspec.page.layouts import Shape, lay_out
from archspec.pictures.boxes import View, build_open_scene

POLICY = re.compile(
    r"default-src 'none'; script-src '(sha256-[\w+/=]+)'; style-src '(sha256-[\w+/=]+)'; "
    r"img-src data:"
)


class Reader(HTMLParser):
    """The tags and attributes of a page, and what stands in its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": [], "title": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag = self.tags[-1][0] if self.tags else ""
        if tag in self.inside:
            self.inside[tag].append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def hash_of(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_a_page_runs_what_it_has_and_nothing_else() -> None:
    reader = read(archspec.draw("lenet5").html)
    (policy,) = (each["content"] for tag, each in reader.tags if "http-equiv" in each)
    found = POLICY.fullmatch(policy or "")
    assert found
    assert hash_of(reader.inside["style"][0]) == found[2]
    assert (
        hash_of(re.findall(r"<script>(.*?)</script>", archspec.draw("lenet5").html, re.S)[0])
        == (found[1])
    )
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert tag not in {"iframe", "object", "embed", "base"}
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))


def test_the_scripts_ask_for_nothing_and_write_no_markup() -> None:
    """Names are written as text, so that none of them can be markup."""
    words = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(|XMLHttp|import\("
    )
    for path in WEB.glob("*.js"):
        assert not re.findall(words, path.read_text(encoding="utf-8")), path.name


def test_all_scripts_are_in_the_page_each_after_those_that_it_imports() -> None:
    assert {path.stem for path in WEB.glob("*.js")} == {*SCRIPTS}
    for index, name in enumerate(SCRIPTS):
        text = (WEB / f"{name}.js").read_text(encoding="utf-8")
        wanted = re.findall(r'from "\./(\w+)\.js"', text)
        assert {*wanted} <= {*SCRIPTS[:index]}, name


def test_the_same_spec_gives_the_same_page() -> None:
    assert archspec.draw("resnet18").html == archspec.draw("resnet18").html


@pytest.mark.parametrize(("name", "most"), [("resnet50v2", 120_000), ("resnet1001", 400_000)])
@pytest.mark.thorough
def test_pages_can_be_mailed(name: str, most: int) -> None:
    assert len(archspec.draw(network(name)).html.encode()) <= most


@pytest.mark.slow
def test_a_page_with_each_turn_of_a_thousand_layers_can_be_mailed() -> None:
    drawing = archspec.draw(network("resnet1001"), fold=False)
    assert len(drawing.html.encode()) <= 400_000


# --- what is in it -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", most_slow(FILES))
def test_a_page_has_the_boxes_of_the_picture_and_every_layer(name: str) -> None:
    graph = network(name)
    (found,) = read_data(archspec.draw(graph).html)["networks"]
    scene, collapsed = build_open_scene(graph, View())
    parts = found["parts"]
    assert {part["name"] for part in parts if "rows" in part and "parts" not in part} == {
        part.name for part in (*scene.boxes, *scene.marks)
    }
    assert {parts[place]["name"] for place in found["closed"]} == collapsed
    assert [node["name"] for node in found["nodes"]] == [node.name for node in graph]
    held = [node for part in parts for node in part.get("nodes", []) if part["name"] in scene.parts]
    assert {*held} == {*range(len(graph.nodes))}
    for part in parts[1:]:
        assert parts.index(part) in parts[part["up"]]["parts"]


def test_every_line_of_a_group_has_its_ends_in_the_layout() -> None:
    data = read_data(archspec.draw("inception_v3").html)
    (found,) = data["networks"]
    for part in found["parts"]:
        if "parts" not in part:
            continue
        layout = data["layouts"][part["layout"]]
        assert len(layout["parts"]) == len(part["parts"])
        assert len(layout["lines"]) == len(layout["ends"]) == len(part.get("lines", []))
        assert len(layout["entering"]) == len(part.get("entering", []))
        assert len(layout["leaving"]) == len(part.get("leaving", []))
        for points, (tail, head) in zip(layout["lines"], layout["ends"], strict=True):
            if tail < len(layout["parts"]) > head:
                assert len(points) % 6 == 2  # a start, and three points a bend


@pytest.mark.thorough
def test_groups_of_one_shape_share_a_layout() -> None:
    drawing = archspec.draw(network("resnet1001"), fold=False)
    data = read_data(drawing.html)
    groups = [part for part in data["networks"][0]["parts"] if "parts" in part]
    assert len(groups) > 300
    assert len(data["layouts"]) < 30


def test_details_are_what_show_prints() -> None:
    """Each line of the page of a layer is in the details of the layer."""
    data = read_data(archspec.draw("resnet18").html)
    (found,) = data["networks"]
    name = "stage3.unit0.main.conv2d"
    (node,) = (each for each in found["nodes"] if each["name"] == name)
    page = hide_folder(archspec.explain_layers("resnet18", name).to_text())
    for heading, *lines in node["sections"]:
        assert re.search(rf"^{re.escape(data['lines'][heading])}\b", page, re.M)
        for line in lines:
            written = data["lines"][line]
            assert " ".join(written.split()) in " ".join(page.split())
    file, start, end = node["place"]
    lines = data["sources"][file]["text"].split("\n")
    assert "Conv2D: {filters: ==, kernel_size: 3, strides: ==}" in lines[start - 1]
    assert start == end


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_paper_gets_the_picture_of_draw(theme: str) -> None:
    html = archspec.draw("lenet5", theme=theme).html
    on_paper = archspec.draw("lenet5", theme="light" if theme == "dark" else theme)
    assert unpack(html, "print-picture") == on_paper.svg
    assert f'data-theme="{"dark" if theme == "dark" else "auto"}"' in html


def test_depth_and_heat_are_those_that_a_page_opens_with() -> None:
    data = read_data(archspec.draw("resnet18", depth=1, heat="macs").html)
    (found,) = data["networks"]
    assert data["heat"] == "macs"
    closed = [found["parts"][place]["name"] for place in found["closed"]]
    assert closed == ["stage0", "stage1", "stage2", "stage3"]


def test_several_networks_are_in_one_page() -> None:
    data = read_data(archspec.draw("lenet5", "resnet18").html)
    assert [each["name"] for each in data["networks"]] == ["lenet5", "resnet18"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"direction": "LR"}, "a page runs from top to bottom"),
        ({"blocks": True}, "a page has no 'blocks'"),
    ],
)
def test_what_a_page_does_not_have_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        archspec.draw("lenet5", **options).save("net.html")
    assert not Path("net.html").exists()


# --- whatever a spec says ------------------------------------------------------------------------


def test_what_a_spec_says_is_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(HOSTILE, encoding="utf-8")
    html = archspec.draw(archspec.load(path)).html
    tags = [tag for tag, _ in read(html).tags]
    assert tags == [tag for tag, _ in read(archspec.draw("lenet5").html).tags]
    assert "onerror" not in html
    (found,) = read_data(html)["networks"]
    assert found["description"].startswith("</script>")


def test_a_broken_spec_has_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    text = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: {unit: 3}\n  - Dense: 2\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(archspec.SpecError) as caught:
        archspec.draw(path)
    (found,) = read_data(archspec.draw(caught.value.graph).html)["networks"]
    (error,) = found["errors"]
    assert "Dense has no argument 'unit'" in error["text"]
    assert found["nodes"][error["node"]]["name"] == "dense"
    assert [part["look"] for part in found["parts"]] == [
        "group",
        "end",
        "box failed",
        "box following",
        "end",
    ]


# --- what differs --------------------------------------------------------------------------------


def test_the_page_of_a_difference_has_both_networks_and_what_changed() -> None:
    report = archspec.diff("vgg_a", "vgg_b")
    data = read_data(report.draw().html)
    merged, first, second = data["networks"]
    assert [first["name"], second["name"]] == ["vgg_a", "vgg_b"]
    (row,) = merged["rows"]
    assert row["names"] == ["stage0.conv1", "stage1.conv1"]
    assert row["where"] == "stage{0,1}.conv1 ×2"
    looks = {part["name"]: part["look"] for part in merged["parts"]}
    assert looks["stage0.conv1"] == "box added"
    assert looks["stage0.conv0"] == "box same"
    assert looks["stage0"] == "group changed"
    assert {part["name"]: part["look"] for part in second["parts"]}["stage0.conv1"] == "box added"
    assert "stage0.conv1" not in {node["name"] for node in first["nodes"]}


def test_what_is_gone_has_the_details_of_the_first_network() -> None:
    report = archspec.diff("lenet5", edits=["at: max_pooling2d, remove: true"])
    data = read_data(report.draw().html)
    (gone,) = (
        each for each in data["networks"][0]["nodes"] if each["name"] == "max_pooling2d (removed)"
    )
    assert data["lines"][gone["sections"][0][0]] == "removed"
    assert any("pool_size" in data["lines"][line] for each in gone["sections"] for line in each)


def test_a_layer_leads_to_itself_in_the_other_network() -> None:
    edits = ["at: max_pooling2d, remove: true", "at: head, insert_before: {Dropout: 0.5}"]
    data = read_data(archspec.diff("lenet5", edits=edits).draw().html)
    merged, first, second = (
        {node["name"]: node.get("others", []) for node in each["nodes"]}
        for each in data["networks"]
    )
    assert merged["conv2d"] == [[1, "conv2d"], [2, "conv2d"]]
    assert merged["max_pooling2d (removed)"] == [[1, "max_pooling2d"]]
    assert merged["dropout"] == [[2, "dropout"]]
    assert first["max_pooling2d"] == [[0, "max_pooling2d (removed)"]]
    assert first["max_pooling2d_1"] == [[0, "max_pooling2d_1"], [2, "max_pooling2d_1"]]
    assert second["dropout"] == [[0, "dropout"]]


def test_networks_with_little_in_common_have_no_signs() -> None:
    data = read_data(archspec.diff("lenet5", "vit_b16").draw().html)
    assert [each["name"] for each in data["networks"]] == ["lenet5", "vit_b16"]
    assert "little in common" in data["networks"][0]["notes"][0]
    looks = {part["look"] for each in data["networks"] for part in each["parts"]}
    assert looks <= {"box", "group", "end"}


def test_the_legend_counts_the_layers_that_the_verdict_does() -> None:
    """The input, which is another, is no layer: on paper as in the page."""
    html = archspec.diff("resnet18", "resnet18_cifar100").draw().html
    merged = read_data(html)["networks"][0]
    assert "21 differ, 32 only in shape, 3 are gone, 1 is added" in merged["notes"][0]
    kinds = [text for _, text in merged["kinds"]]
    assert kinds == ["+ 1 added", "\u2212 3 removed (dashed)", "~ 21 changed", "unchanged"]
    assert "~ 21 changed" in unpack(html, "print-picture")


def test_a_page_has_no_side_by_side() -> None:
    with pytest.raises(UserError, match="it has both networks"):
        archspec.diff("vgg_a", "vgg_b").draw(side_by_side=True).save("net.html")


# --- the examples --------------------------------------------------------------------------------

PAGES = ROOT / "docs" / "pages"


def test_the_examples_are_in_docs() -> None:
    made = runpy.run_path(str(ROOT / "examples" / "pages.py"))["SPECS"]
    shown = re.findall(r"\(pages/([\w-]+)\.html\)", (ROOT / "docs" / "page.md").read_text("utf-8"))
    assert {*shown} == {*made, "vgg_a-vgg_b"} == {path.stem for path in PAGES.iterdir()}


@pytest.mark.parametrize("name", ["lenet5", "unet"])
def test_an_example_shows_the_network_of_today(name: str) -> None:
    """If not, `python examples/pages.py` makes all of them anew."""
    ours, theirs = (
        read_data(html)["networks"][0]
        for html in (archspec.draw(name).html, (PAGES / f"{name}.html").read_text("utf-8"))
    )
    for key in ("description", "facts", "connections"):
        assert ours[key] == theirs[key]
    for part, other in zip(ours["parts"], theirs["parts"], strict=True):
        assert (part["name"], part.get("rows")) == (other["name"], other.get("rows"))


@pytest.mark.slow
def test_what_is_left_of_any_broken_spec_has_a_page() -> None:
    drawn = 0
    for path in sorted((ROOT / "tests" / "errors").glob("*.yaml")):
        try:
            graph = archspec.load(path)
        except archspec.SpecError as error:
            graph = error.graph
        except UserError:
            continue
        if graph is not None:
            assert read_data(archspec.draw(graph).html)["networks"]
            drawn += 1
    assert drawn > 100


def test_the_command_draws_a_page_of_a_broken_spec(tmp_path: Path) -> None:
    text = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: {unit: 3}\n"
    (tmp_path / "broken.yaml").write_text(text, encoding="utf-8")
    done = command(tmp_path, "draw", "broken.yaml", "-o", "net.html")
    assert done.returncode == 1
    assert "drew net.html: what failed is red" in done.stdout
    assert [path.name for path in tmp_path.glob("*.html")] == ["net.html"]
    assert read_data((tmp_path / "net.html").read_text("utf-8"))["networks"][0]["errors"]


def test_a_part_on_the_border_of_its_group_is_no_division_by_zero() -> None:
    """A line that bends above the first row, in a group that nothing enters."""
    part = (80, 34)
    lines = ((0, 1, 0, False), (1, 0, 0, True), (0, 2, 9, False), (1, 2, 9, False))
    layout = lay_out(Shape((part, part, part), 0, 0, lines))
    assert len(layout.parts) == 3
    assert all(line for line in layout.lines)


def test_letters_that_no_font_here_has_are_left_to_the_reader(tmp_path: Path) -> None:
    """This one, of private use, no font has; in the page as on its paper."""
    path = tmp_path / "w.yaml"
    path.write_text("archspec: 1\ndescription: \ue000\ninput: [8]\nlayers: [{Dense: 2}]\n", "utf-8")
    html = archspec.draw(path).html
    assert read_data(html)["networks"][0]["description"] == "\ue000"
    assert "\ue000" in unpack(html, "print-picture")


def test_what_was_given_beside_the_spec_is_told(tmp_path: Path) -> None:
    edit = "at: head, set: {units: 7}"
    options = ["--set", "width=8", "--edit", edit]
    done = command(tmp_path, "draw", "resnet18", *options, "-o", "net.html")
    assert done.returncode == 0
    (found,) = read_data((tmp_path / "net.html").read_text("utf-8"))["networks"]
    assert found["notes"] == [f"with --set width=8, --edit '{edit}'"]
    (found,) = read_data(archspec.draw(archspec.load("resnet18", width=8)).html)["networks"]
    assert found["notes"] == ["with width=8"]


def test_a_shipped_spec_has_no_path_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    html = archspec.draw("resnet18").html
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load("resnet18", width="wide")
    for text in (unpack(html), unpack(archspec.draw(caught.value.graph).html)):
        assert str(ROOT) not in text
        assert str(Path("specs", "resnet18.yaml")) in text
