"""A picture of what differs between two networks: what is drawn, where, and with which signs."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import command
from layouts import lay_out
from planted import planted
from shipped import ROOT, network
from shrinking import few_or_many

import archspec
from archspec.cli import pictures as options
from archspec.differences.changes import Change, ChangedGraph
from archspec.differences.difference import Difference, compare_graphs
from archspec.differences.merged import merge_graphs
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.pictures.compared import draw_both, draw_merged
from archspec.pictures.dot import side_by_side, to_dot
from archspec.pictures.style import DIRECTIONS, SIGNS, THEMES, Style, measure_contrast

GONE = SIGNS["removed"]
ABLATIONS = {path.stem: path for path in sorted((ROOT / "examples/ablations").glob("*.yaml"))}

HEAD = "archspec: 1\ninput: [8]\nlayers:\n"
CHAIN = [
    "  - Dense: 8\n    name: a\n",
    "  - ReLU\n",
    "  - Dense: 8\n    name: b\n",
    "  - BatchNormalization\n",
    "  - Dense: 2\n    name: out\n",
]
BRANCHES = """\
  - Dense: 8
    name: a
  - branches:
      left:
        - Dense: 4
        - ReLU
      right:
        - Dense: 5
          name: wide
        - ReLU
      straight: []
    merge: Concatenate
  - Dense: 2
    name: out
"""
SKIP = """\
  - Dense: 8
    name: a
  - Dense: 8
    name: b
  - Dense: 8
    name: c
  - Add:
    from: [c, a]
  - Dense: 2
    name: out
"""
TWINS = """\
archspec: 1
inputs: {left: {shape: [8]}, right: {shape: [8]}}
layers:
  - Dense: 4
    name: twin
    from: left
  - Dropout: 0.1
    name: after
  - reuse: twin
    name: again
    from: right
  - Add:
    from: [after, again]
    name: out
"""
WITHOUT_RIGHT = """\
archspec: 1
inputs: {left: {shape: [8]}}
layers:
  - Dense: 4
    name: twin
    from: left
  - Dropout: 0.1
    name: after
"""


def compare(a: str, b: str) -> Difference:
    return compare_graphs(*(archspec.loads(text) for text in (a, b)))


def without(*places: int) -> str:
    return HEAD + "".join(step for place, step in enumerate(CHAIN) if place not in places)


def told(merged: ChangedGraph) -> dict[str, str]:
    """What is done to each node, and to each connection by both of its ends."""
    found = {}
    for node in merged.graph:
        change = merged.changes.get(node.name, Change())
        found |= {node.name: change.kind} if change.kind else {}
        for tail, way in zip(node.inputs, change.ways, strict=False):
            found |= {f"{tail} -> {node.name}": way} if way else {}
    return found | {f"{name} ->": way for name, way in merged.outputs.items()}


CASES = {
    "a layer put into a connection leaves it": (without(1), without(), {"re_lu": "added"}),
    "a layer taken out leaves the connection": (
        without(),
        without(3),
        {"batch_normalization (removed)": "removed"},
    ),
    "neighbours that are taken out are one chain": (
        without(),
        without(1, 2, 3),
        {
            "re_lu (removed)": "removed",
            "b (removed)": "removed",
            "batch_normalization (removed)": "removed",
        },
    ),
    "what is put behind the end leaves the output": (
        without(),
        without() + "  - Softmax\n",
        {"softmax": "added"},
    ),
    "what is taken off the end leaves the output": (
        without() + "  - Softmax\n",
        without(),
        {"softmax (removed)": "removed"},
    ),
    "a branch goes with its connections": (
        HEAD + BRANCHES,
        HEAD
        + BRANCHES.replace(BRANCHES[BRANCHES.index("      right") :], "").rstrip("\n")
        + "\n      straight: []\n    merge: Concatenate\n  - Dense: 2\n    name: out\n",
        {
            "right.wide (removed)": "removed",
            "right.re_lu (removed)": "removed",
            "a -> right.wide (removed)": "removed",
            "right.wide (removed) -> right.re_lu (removed)": "removed",
            "right.re_lu (removed) -> concatenate": "removed",
        },
    ),
    "another connection is added and removed": (
        HEAD + SKIP,
        HEAD + SKIP.replace("[c, a]", "[c, b]"),
        {"a -> add": "removed", "b -> add": "added"},
    ),
    "an input goes with all that took it alone": (
        TWINS,
        WITHOUT_RIGHT,
        {
            "right (removed)": "removed",
            "again (removed)": "removed",
            "out (removed)": "removed",
            "right (removed) -> again (removed)": "removed",
            "again (removed) -> out (removed)": "removed",
        },
    ),
    "another size of the input": (
        without(),
        without().replace("[8]", "[9]"),
        {"input": "changed"},
    ),
    "an own output is added with its connections": (
        HEAD + SKIP,
        HEAD.replace("layers", "outputs: [out, side]\nlayers")
        + SKIP
        + "  - Dense: 3\n    name: side\n    from: b\n",
        {"side": "added", "b -> side": "added", "side ->": "added"},
    ),
    "the same network": (without(), without(), {}),
    "other names": (without(), without().replace("name: b", "name: other"), {}),
}


@pytest.mark.parametrize("case", CASES)
def test_two_graphs_are_one(case: str) -> None:
    a, b, expected = CASES[case]
    assert told(merge_graphs(compare(a, b))) == expected


def check_merged(difference: Difference) -> ChangedGraph:
    """Nothing of both networks is lost in the merged graph."""
    merged = merge_graphs(difference)
    pairs = difference.pairs
    gone = [node for node in merged.graph if node.name not in difference.b.by_name]
    stayed = [x for x in pairs if x not in difference.matching.moved]
    assert len(gone) == len(difference.a.nodes) - len(stayed)
    assert [node.name for node in merged.graph if node not in gone] == [*difference.b.by_name]
    names = {x: pairs[x] for x in stayed}
    left = [node for node in difference.a if node.name not in names]
    kinds = {node.name: merged.changes[node.name].kind for node in gone}
    assert set(kinds.values()) <= {"removed", "left"}
    assert Counter(node.op for node in left) == Counter(node.op for node in gone)
    drawn = {(tail, node.name) for node in merged.graph for tail in node.inputs}
    between = {node.name for node in gone} | {
        name for name, each in merged.changes.items() if each.kind in ("added", "moved")
    }

    def leads(tail: str, head: str) -> bool:
        """Whether a connection is drawn, or a way by what is put in or taken out."""
        if (tail, head) in drawn:
            return True
        return any(leads(tail, each) for each in merged.graph[head].inputs if each in between)

    assert all(leads(tail, node.name) for node in difference.b for tail in node.inputs)
    kept = [(names[i], names[x]) for x in names for i in difference.a[x].inputs if i in names]
    assert sum(not leads(*each) for each in kept) <= merged.lost
    assert {name for name in merged.graph.outputs} >= {
        name for name in difference.b.outputs if name not in between
    } - {tail for node in gone for tail in node.inputs}
    return merged


FROM = ("lenet5", "resnet18", "unet", "googlenet", "siamese", "vit_b16")


@pytest.mark.parametrize("count", few_or_many(12, 300))
@pytest.mark.thorough
def test_whatever_differs_is_in_the_picture_and_can_be_read(count: int) -> None:
    for seed in range(count):
        source = random.Random(seed)
        graph = network(source.choice(FROM))
        changed, _ = planted(source, graph, 8)
        difference = compare_graphs(*source.choice([(graph, changed), (changed, graph)]))
        merged = check_merged(difference)
        kinds = {SIGNS[each.kind] for each in merged.changes.values() if each.kind}
        style = Style(direction=source.choice(DIRECTIONS))
        for dot in (draw_merged(difference, style=style), draw_both(difference, style=style)):
            layout = lay_out(dot)
            faults = layout.faults()
            assert not [each for each in faults if "overlap" in each or "cut off" in each], seed
            assert kinds <= {text.said[0] for text in layout.texts}, seed


PAIRS = {
    **{name: ("resnet18", path) for name, path in ABLATIONS.items()},
    "deeper": ("resnet18_imagenet", "resnet34_imagenet"),
    "vgg": ("vgg_a", "vgg_b"),
    "pre-activated": ("resnet110", "full_preactivation"),
    "gated shortcuts": ("resnet110", "exclusive_gating"),
    "another token": ("vit_b16", ROOT / "examples/variants/vit_pooled.yaml"),
}
QUICK = {"anti_aliased", "three_stages", "two_heads", "deeper", "another token"}


def load(spec: str | Path) -> Graph:
    return network(spec) if isinstance(spec, str) else archspec.load(spec)


def difference_of(pair: str) -> Difference:
    a, b = PAIRS[pair]
    return compare_graphs(load(a), load(b))


@pytest.mark.parametrize(
    "pair", [pytest.param(each, marks=[] if each in QUICK else pytest.mark.slow) for each in PAIRS]
)
@pytest.mark.thorough
def test_a_picture_of_a_variant_can_be_read(pair: str) -> None:
    difference = difference_of(pair)
    check_merged(difference)
    check_merged(compare_graphs(difference.b, difference.a))
    for direction in DIRECTIONS:
        dot = draw_merged(difference, style=Style(direction=direction))
        layout = lay_out(dot)
        faults = layout.faults()
        assert not [each for each in faults if "overlap" in each or "cut off" in each]
        assert min(text.size for text in layout.texts) >= 9
        assert dot == draw_merged(difference_of(pair), style=Style(direction=direction))


def words(dot: str, name: str) -> list[str]:
    """What a box says."""
    return [text.said for text in lay_out(dot).texts if text.owner == name]


def test_what_was_and_is_stands_in_one_box() -> None:
    edits = ["at: conv2d, set: {filters: 8, use_bias: false, activation: relu}"]
    dot = archspec.diff("lenet5", edits=edits).draw().dot
    assert words(dot, "conv2d") == ["~ conv 5×5, 6 → 8, sigmoid → ReLU", "use_bias true → false"]


@pytest.mark.parametrize(
    ("edit", "name", "said"),
    [
        ("at: max_pooling2d, replace: {AveragePooling2D: 2}", "average_pooling2d",
         "~ max pool 2×2, /2 → avg pool 2×2, /2"),
        ("at: conv2d, set: {strides: 2}", "conv2d", "~ conv 5×5, 6, /1 → 2"),
        ("at: conv2d, set: {kernel_size: [3, 1]}", "conv2d", "~ conv 5×5 → 3×1, 6"),
        ("at: head, set: {activation: null}", "head", "~ dense 10, softmax → linear"),
        ("at: max_pooling2d, remove: true", "max_pooling2d (removed)", f"{GONE} max pool 2×2, /2"),
        ("at: head, insert_before: {Dropout: 0.5}", "dropout", "+ dropout 0.5"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_the_words_of_pictures(edit: str, name: str, said: str) -> None:
    dot = archspec.diff("lenet5", edits=[edit]).draw().dot
    found = [text.said for text in lay_out(dot).texts]
    assert said in found, found


def test_a_further_call_of_a_layer_has_a_box_of_its_own() -> None:
    call = "  - reuse: twin\n    name: more\n    from: third\n  - Add"
    more = TWINS.replace("right: {", "third: {shape: [8]}, right: {").replace("  - Add", call)
    more = more.replace("[after, again]", "[after, again, more]")
    dot = draw_merged(compare(TWINS, more))
    assert words(dot, "more") == ["+ dense 4", "shares twin"]
    assert words(dot, "third") == ["+ third", "  8"]
    assert words(draw_merged(compare(more, TWINS)), "more (removed)")[0] == f"{GONE} dense 4"


@pytest.mark.thorough
def test_repeats_with_the_same_edit_are_drawn_once() -> None:
    dot = draw_merged(difference_of("gated"))
    assert words(dot, "cluster stage0.unit0")[0] == "unit0-1 ×2"
    boxes = lay_out(dot).boxes
    assert "stage0.unit0.main.squeeze_excite" in boxes
    assert "stage0.unit1.main.squeeze_excite" not in boxes
    added = archspec.diff("resnet18", settings=["depths=[2,2,5,2]"]).draw().dot
    assert words(added, "cluster stage2.unit2") == ["+ unit2-4 ×3", "residual"]
    assert words(added, "stage2.unit0")[0] == "unit0: residual"  # which is the same, and folded


def test_a_repeat_is_not_drawn_once_where_one_turn_differs() -> None:
    edits = ["at: stage0.unit1.main.conv2d, set: {use_bias: true}"]
    dot = archspec.diff("resnet18", edits=edits).draw().dot
    assert words(dot, "stage0.unit0")[0] == "unit0: residual"
    assert "~ conv 3×3, 64" in words(dot, "stage0.unit1.main.conv2d")


def test_a_block_in_which_nothing_differs_is_folded() -> None:
    dot = draw_merged(difference_of("dropout"))
    boxes = lay_out(dot).boxes
    assert {"stage0", "stage1", "stage2", "stage3"} < set(boxes)
    assert "stage0.unit0.main.conv2d" in lay_out(draw_merged(difference_of("gelu"))).boxes


@pytest.mark.thorough
def test_a_depth_and_no_fold_are_those_of_draw() -> None:
    folded = archspec.diff("resnet18", ABLATIONS["gated"], depth=1).draw().dot
    assert words(folded, "stage0") == ["~ stage0", "28×28×64 → 28×28×64", "+ 8  of 22 layers"]
    whole = archspec.diff("resnet18", ABLATIONS["gated"]).draw(fold=False).dot
    assert any(each.startswith("stage0.unit1.main.squeeze_excite") for each in lay_out(whole).boxes)


def test_every_sign_has_its_line_and_its_colour() -> None:
    """So it is read without colours, and without signs."""
    dot = draw_merged(difference_of("another token"))
    nodes = dict(re.findall(r'^\s*"?([^"\n]*?)"? \[label=<(.*?)> id=', dot, re.M))
    for name, kind, style in [
        ("class_token.token.rescaling (removed)", "removed", "dashed"),
        ("global_average_pooling1d", "added", ""),
        ("position_embedding.table.einsum_dense", "changed", ""),
    ]:
        fill, line = THEMES["light"].changes[kind]
        label = nodes[name]
        assert f'COLOR="{line}"' in label
        assert f'BGCOLOR="{fill}"' in label
        assert ('STYLE="dashed"' in label) == (style == "dashed")
        assert f">{SIGNS[kind]} " in label
    widths = [
        re.findall(r'BORDER="(\d)"', nodes[name])
        for name in ("global_average_pooling1d", "position_embedding.table.einsum_dense")
    ]
    assert widths[0] != widths[1]
    edges = [line for line in dot.split("\n") if "->" in line]
    red, green = (THEMES["light"].changes[kind][1] for kind in ("removed", "added"))
    assert all("style=dashed" in edge for edge in edges if red in edge)
    assert any(red in edge for edge in edges)
    assert any(green in edge for edge in edges)


@pytest.mark.parametrize("theme", THEMES)
def test_the_colours_of_changes_are_legible(theme: str) -> None:
    colours = THEMES[theme]
    for fill, line in colours.changes.values():
        assert measure_contrast(colours.ink, fill) >= 4.5
        assert measure_contrast(line, colours.page) >= 4.5


@pytest.mark.thorough
def test_a_broken_line_is_around_a_box_not_a_cell() -> None:
    """What Graphviz draws after such a cell reads freed memory, and may end the process."""
    for pair in ("three_stages", "another token", "pre-activated"):
        assert not re.search(r'<TD[^>]*STYLE="d', draw_merged(difference_of(pair)))


def test_the_golden_picture(golden) -> None:
    edits = [
        "at: max_pooling2d, remove: true",
        "at: conv2d, set: {filters: 8}",
        "at: head, insert_before: {Dropout: 0.5}",
    ]
    golden("diff/lenet5.dot", archspec.diff("lenet5", edits=edits).draw().dot)


# --- side by side --------------------------------------------------------------------------------


def test_each_side_has_its_signs() -> None:
    dot = archspec.diff("vgg_b", "vgg_a").draw(side_by_side=True).dot
    said = [text.said for text in lay_out(dot).texts if text.owner.startswith(("1/", "2/"))]
    assert [each for each in said if each[0] in SIGNS.values()] == [
        f"{GONE} conv 3×3, 64",
        f"{GONE} conv 3×3, 128",
    ]
    dot = draw_both(difference_of("another token"))
    assert words(dot, "1/position_embedding.table.einsum_dense")[0] == "~ einsum dense"
    assert words(dot, "2/position_embedding.table.einsum_dense")[0] == "~ einsum dense"


def marked(dot: str) -> set[str]:
    """The boxes with a thick frame."""
    found = re.findall(r'^\s*"?([^"\n]*?)"? \[label=<<TABLE BORDER="3"', dot, re.M)
    return {each.strip() for each in found}


def test_draw_marks_what_differs_as_diff_pairs_it() -> None:
    """An inserted layer shifts no other, and what stands for it on the other side is marked."""
    deeper = archspec.load("resnet18", depths=[2, 3, 2, 2])
    dot = side_by_side([network("resnet18"), deeper])
    assert marked(dot) == {"1/stage1.unit1", "2/stage1.unit1"}
    renamed = archspec.loads(without().replace("name: b", "name: other"))
    assert marked(side_by_side([archspec.loads(without()), renamed])) == set()
    strangers = side_by_side([network("lenet5"), network("unet")])
    assert marked(strangers) == set()


def test_networks_with_little_in_common_are_drawn_side_by_side() -> None:
    difference = compare_graphs(network("lenet5"), network("unet"))
    assert not difference.is_alike
    dot = draw_merged(difference)
    assert dot == draw_both(difference)
    assert "network-2" in dot
    assert marked(dot) == set()


def test_the_same_network_is_said_to_be_so() -> None:
    texts = [text.said for text in lay_out(archspec.diff("lenet5", "lenet5").draw().dot).texts]
    assert "the same network" in texts
    assert "unchanged" not in texts


def test_lengths_that_are_unknown_are_drawn() -> None:
    text = (
        "archspec: 1\ninput: [null, null, 3]\nlayers:\n  - Conv2D: {filters: 4, kernel_size: 3}\n"
    )
    difference = compare(text, text + "  - GlobalAveragePooling2D\n")
    texts = [text.said for text in lay_out(draw_merged(difference)).texts]
    assert "+ global avg pool" in texts


# --- the command and the method ------------------------------------------------------------------


def test_the_options_are_those_of_pictures() -> None:
    assert tuple(THEMES) == options.THEMES
    assert DIRECTIONS == options.DIRECTIONS


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".dot"])
@pytest.mark.thorough
def test_the_command_draws_and_says_so(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"new/difference{suffix}"
    done = command(tmp_path, "diff", "vgg_a", "vgg_b", "-o", str(path))
    assert done.returncode == 1
    assert done.stderr == f"drew {path}\n"
    assert "2 times" in done.stdout
    assert path.stat().st_size > 1000


def test_the_command_has_the_options_of_draw(tmp_path: Path) -> None:
    path = tmp_path / "difference.dot"
    words = ["--theme", "dark", "--direction", "LR", "--no-fold", "--side-by-side", "--depth", "1"]
    done = command(tmp_path, "diff", "vgg_a", "vgg_b", "-o", str(path), *words)
    assert done.returncode == 1
    report = archspec.diff("vgg_a", "vgg_b", depth=1)
    drawn = report.draw(side_by_side=True, fold=False, theme="dark", direction="LR")
    assert path.read_text(encoding="utf-8") == drawn.dot


def test_the_command_says_why_there_are_two_pictures(tmp_path: Path) -> None:
    path = tmp_path / "difference.dot"
    done = command(tmp_path, "diff", "lenet5", "unet", "-o", str(path))
    assert done.stderr == f"drew {path}: side by side, since they have little in common\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vgg_a", "vgg_b", "--dpi", "99"], "--dpi is about a picture: give -o FILE"),
        (["vgg_a", "vgg_b", "--side-by-side"], "--side-by-side is about a picture"),
        (["vgg_a", "vgg_b", "--theme", "dark"], "--theme is about a picture"),
        (["vgg_a", "vgg_b", "vgg_c", "-o", "{}.svg"], "-o draws what differs between two specs"),
        (["vgg_a", "vgg_b", "-o", "{}.svg", "--dpi", "99"], "only a .png has pixels"),
        (["vgg_a", "vgg_b", "-o", "{}.bmp"], "its suffix must be"),
        (["vgg_a", "{}.yaml", "-o", "{}.svg"], "unknown-layer"),
    ],
)
def test_what_cannot_be_drawn_is_an_error_and_no_file(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    broken = "archspec: 1\ninput: [8]\nlayers: [Dens: 3]\n"
    (tmp_path / "net.yaml").write_text(broken, encoding="utf-8")
    done = command(tmp_path, "diff", *(each.format("net") for each in arguments))
    assert done.returncode == 2
    assert said in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"net.yaml"}


def test_a_report_of_three_has_no_picture() -> None:
    with pytest.raises(UserError, match="of two networks, not 3"):
        archspec.diff("vgg_a", "vgg_b", "vgg_c").draw()
    with pytest.raises(UserError, match="theme"):
        archspec.diff("vgg_a", "vgg_b").draw(theme="pink")


def test_a_picture_of_one_network_has_no_signs() -> None:
    assert "add" not in words(to_dot(network("resnet18")), "stage0.unit0.add")


def test_a_folded_block_has_the_shapes_of_the_second_network() -> None:
    shorter = archspec.load("resnet18", edits=["at: stage1, remove: true"])
    text = draw_merged(compare_graphs(network("resnet18"), shorter))
    shapes = re.findall(r"(?:[0-9]+×){2}[0-9]+ → (?:[0-9]+×){2}[0-9]+", text)
    assert "28×28×64 → 14×14×256" in shapes
    assert "14×14×128 → 14×14×256" not in shapes


TWO = """archspec: 1
input: {shape: [8], dtype: float32}
layers:
  - {Dense: 4, name: one}
  - {Dense: 4, name: two, from: input}
  - {Concatenate: {}, from: [one, two], name: both}
outputs: [one, both]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("outputs: [one, both]", "outputs: [both, one]", "outputs one, both → both, one"),
        ("from: [one, two]", "from: [two, one]", "both takes two, one instead of one, two"),
        ("dtype: float32", "dtype: float16", "8, float32 → float16"),
    ],
)
@pytest.mark.parametrize("draw", [draw_merged, draw_both])
def test_what_has_no_sign_is_said_in_the_heading(draw, old: str, new: str, said: str) -> None:
    graphs = archspec.loads(TWO), archspec.loads(TWO.replace(old, new))
    difference = compare_graphs(*graphs)
    assert not difference.is_same
    assert said in draw(difference)
    assert said not in draw(compare_graphs(graphs[0], graphs[0]))
