"""What differs between two networks: what is paired, which edits are found, how they are told."""

import json
import random
from pathlib import Path

import pytest
from planted import planted
from random_drawing import draw
from random_graphs import Network, write
from shipped import ROOT, SPECS, network
from shrinking import few_or_many, try_out

import archspec
from archspec.backends.spec_yaml import to_spec
from archspec.differences.aligning import align
from archspec.differences.annotations import list_notes
from archspec.differences.data import to_data
from archspec.differences.difference import Difference, compare_graphs
from archspec.differences.flat import restore_scopes
from archspec.differences.patterns import Names, write_names
from archspec.differences.rows import make_rows
from archspec.differences.several import write_table
from archspec.differences.text import write_markdown, write_text, write_verdict
from archspec.graph import Graph, sum_or_none
from archspec.syntax.edits import translate
from archspec.syntax.writer import write_yaml

TURNED = {"added": "removed", "removed": "added"}


def compare(a: Graph, b: Graph) -> Difference:
    """The difference of two graphs, after asking of it what holds of each."""
    difference = compare_graphs(a, b)
    check_sums(difference)
    check_turned(difference, compare_graphs(b, a))
    if not difference.is_same:
        assert [each for each in difference.edits if each.kind != "renamed"], "nothing is said"
    is_one = a.fingerprint == b.fingerprint
    assert is_one == (difference.is_same and not difference.reordered)
    return difference


def check_sums(difference: Difference) -> None:
    """The rows add up to the whole, folded or not."""
    for options in ({}, {"depth": 1}, {"full": True}):
        rows = make_rows(difference, **options)
        assert sum(row.params for row in rows) == difference.params
        if difference.macs is not None:  # an unknown axis of an input hides it
            assert sum_or_none(row.macs for row in rows) == difference.macs
        indexes = sorted(index for row in rows for index in row.edits)
        assert indexes == list(range(len(difference.edits)))


def check_turned(difference: Difference, other: Difference) -> None:
    """The other way round, what was added is removed, and costs change their sign."""
    edits = [
        (each.kind, str(each.a), str(each.b), each.params, each.macs or 0)
        for each in difference.edits
    ]
    turned = [
        (
            TURNED.get(each.kind, each.kind),
            str(each.b),
            str(each.a),
            -each.params,
            -(each.macs or 0),
        )
        for each in other.edits
    ]
    assert sorted(edits) == sorted(turned)


# --- random networks -----------------------------------------------------------------------------


def changed_at_random(source: random.Random) -> tuple[Graph, Graph, int]:
    """A network, the same with edits planted in it, and how many these are."""
    graph = archspec.loads(write(draw(source))[0])
    return graph, *planted(source, graph)


@pytest.mark.parametrize("count", few_or_many(50, 1000))
@pytest.mark.thorough
def test_no_more_edits_are_found_than_were_planted(count: int) -> None:
    found = 0

    def check(each: tuple[Graph, Graph, int]) -> None:
        nonlocal found
        graph, changed, most = each
        edits = [edit for edit in compare(graph, changed).edits if edit.kind != "renamed"]
        assert len(edits) <= most
        found += len(edits)

    try_out(check, changed_at_random, count)
    assert found > count


@pytest.mark.parametrize("count", few_or_many(10, 300))
@pytest.mark.thorough
def test_a_network_is_the_same_as_itself_however_it_is_written(count: int) -> None:
    def check(each: Network) -> None:
        graph = archspec.loads(write(each)[0])
        assert compare(graph, graph).edits == ()
        assert compare(graph, archspec.loads(write_yaml(to_spec(graph)))).is_same

    try_out(check, draw, count)


# --- the pairs that were tried -------------------------------------------------------------------

VARIANTS = ROOT / "examples" / "identity_mappings"
ABLATIONS = ROOT / "examples" / "ablations"
RESNET18 = (ROOT / "specs" / "resnet18.yaml").read_text(encoding="utf-8")
BOTH = (
    "- BatchNormalization\n            - Activation: relu\n",
    "- BatchNormalization\n            - Dropout: 0.1\n            - Activation: gelu\n",
)


def rewritten(old: str, new: str) -> Graph:
    assert old in RESNET18
    return archspec.loads(RESNET18.replace(old, new, 1), "resnet18")


PAIRS = {
    "deeper": lambda: (network("resnet18"), archspec.load("resnet18", depths=[3, 4, 6, 3])),
    "narrower": lambda: (network("resnet18"), archspec.load("resnet18", width=32)),
    "dropout_and_gelu": lambda: (network("resnet18"), rewritten(*BOTH)),
    "cifar100": lambda: (network("resnet18"), network("resnet18_cifar100")),
    "kernel_behind": lambda: (network("vgg_a"), network("vgg_b")),
    "kernel_before": lambda: (
        network("vgg_a"),
        archspec.load("vgg_b", kernels=[[1, 3], [3, 3], [3, 3], [3, 3], [3, 3]]),
    ),
    "without_4c": lambda: (
        network("googlenet"),
        archspec.load("googlenet", edits=["at: inception4c, remove: true"]),
    ),
    "thinner_4b": lambda: (
        network("googlenet"),
        archspec.load(
            "googlenet",
            edits=["at: inception4b, set: {r3: 96}", "at: dropout, set: {rate: 0.5}"],
        ),
    ),
    "preactivation": lambda: (network("resnet50_imagenet"), network("resnet50v2")),
    "units_renamed": lambda: (network("resnet18"), rewritten("name: unit{unit}", "name: b{unit}")),
    "stages_from_1": lambda: (
        network("resnet18"),
        rewritten("name: stage{stage}", "name: stage{stage + 1}"),
    ),
    "efficientnets": lambda: (network("efficientnet_b0"), network("efficientnet_b1")),
    "resnets": lambda: (network("resnet50_imagenet"), network("resnet101_imagenet")),
    "little_in_common": lambda: (network("googlenet"), network("inception10")),
    "one_layer_for_three": lambda: (network("vgg16"), network("vgg16_imagenet")),
    "a_unit_first": lambda: (
        network("resnet18"),
        archspec.load("resnet18", edits=["at: stage0, insert_before: {residual: 64}"]),
    ),
    **{
        name: lambda name=name: (
            archspec.load(VARIANTS / "resnet110.yaml"),
            archspec.load(VARIANTS / f"{name}.yaml"),
        )
        for name in (
            "full_preactivation",
            "constant_scaling",
            "conv_shortcut",
            "dropout_shortcut",
            "exclusive_gating",
            "shortcut_only_gating",
            "bn_after_addition",
            "relu_before_addition",
        )
    },
    **{
        name: lambda name=name: (network("resnet18"), archspec.load(ABLATIONS / f"{name}.yaml"))
        for name in ("anti_aliased", "deep_stem", "gated", "gelu", "group_norm", "resnet_d",
                     "three_stages", "two_heads")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.thorough
def test_a_pair_is_told_so_that_a_reader_sees_it(name: str, golden) -> None:
    difference = compare(*PAIRS[name]())
    golden(f"diff/{name}.txt", write_text(difference))


@pytest.mark.usefixtures("shipped_here")
def test_a_variant_is_told_for_pages_and_programs(golden) -> None:
    network.cache_clear()  # whose files another test may have found elsewhere
    difference = compare(*PAIRS["cifar100"]())
    golden("diff/cifar100.md", write_markdown(difference))
    golden("diff/vgg.json", json.dumps(to_data(compare(*PAIRS["kernel_behind"]())), indent=1))
    golden("diff/cifar100_depth.txt", write_text(difference, depth=1))
    golden("diff/vgg_full.txt", write_text(compare(*PAIRS["kernel_behind"]()), full=True))


@pytest.mark.slow
def test_what_holds_of_each_difference_holds_of_all_shipped_networks() -> None:
    names = [*SPECS]
    for first, second in zip(names, [*names[1:], names[0]], strict=True):
        compare(network(first), network(second))


# --- single rules --------------------------------------------------------------------------------


def load(layers: str, **params: object) -> Graph:
    return archspec.loads(f"archspec: 1\ninput: [8, 8, 4]\nlayers:\n{layers}", **params)


def kinds(a: Graph, b: Graph) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.a, each.b) for each in compare(a, b).edits]


@pytest.mark.parametrize(
    ("merge", "orders"), [("Add", True), ("Maximum", True), ("Concatenate", False)]
)
def test_the_order_of_inputs_counts_where_it_means_something(merge: str, orders: bool) -> None:
    sides = [
        load(
            "  - {Conv2D: {filters: 4, kernel_size: 3, padding: same}, name: first}\n"
            f"  - {merge}: {{}}\n    from: {each}\n"
        )
        for each in ("[first, input]", "[input, first]")
    ]
    difference = compare(*sides)
    assert difference.is_same == orders
    assert bool(difference.reordered) == orders
    if orders:
        assert "the order in which a merge takes its inputs" in write_text(difference)
    else:
        assert [each.kind for each in difference.edits] == ["rewired"]


CHAIN = "  - {Dense: 4, name: a}\n  - {Dense: 5, name: b}\n  - {Dense: 6, name: c}\n"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("name: b", "name: other", [("renamed", "b", "other")]),
        ("Dense: 5", "Dense: 7", [("changed", "b", "b")]),
        ("  - {Dense: 5, name: b}\n", "", [("removed", "b", None)]),
        ("  - {Dense: 6, name: c}\n", "", [("removed", "c", None)]),
        ("{Dense: 5, name: b}", "{Conv2D: [5, 1], name: b}", [("removed", "b", None)]),
    ],
)
def test_an_edit_of_each_kind_is_found(old: str, new: str, found: list[object]) -> None:
    changed = CHAIN.replace(old, new.replace("[5, 1]", "{filters: 5, kernel_size: 1}"))
    expected = [*found, ("added", None, "b")] if "Conv2D" in new else found
    assert sorted(kinds(load(CHAIN), load(changed)), key=str) == sorted(expected, key=str)


FED = """archspec: 1
inputs: {img: [16], aux: [16]}
layers:
  - {Dense: 4, name: first, from: img}
  - {Dense: 4, name: second, from: aux}
  - {MERGE: {}, from: [first, second]}
"""


@pytest.mark.parametrize("merge", ["Add", "Concatenate"])
def test_an_input_is_the_one_of_its_name(merge: str) -> None:
    text = FED.replace("MERGE", merge)
    a = archspec.loads(text)
    swapped = text.replace("from: img", "from: X").replace("from: aux", "from: img")
    swapped = swapped.replace("from: X", "from: aux")
    difference = compare_graphs(a, archspec.loads(swapped))
    assert {each: difference.pairs[each] for each in a.inputs} == {"img": "img", "aux": "aux"}
    if merge == "Add":  # the same network, whose layers have each other's names
        assert difference.is_same
        assert difference.pairs["first"] == "second"
    else:
        rewired = [(each.kind, each.b, each.inputs) for each in difference.edits]
        assert rewired == [
            ("rewired", "first", (("img",), ("aux",))),
            ("rewired", "second", (("aux",), ("img",))),
        ]
    turned = compare_graphs(
        a, archspec.loads(text.replace("{img: [16], aux: [16]}", "{aux: [16], img: [16]}"))
    )
    assert turned.is_same
    assert to_data(turned)["inputs_reordered"]
    written = write_text(turned)
    assert "order of the inputs: img, aux -> aux, img\n" in written
    assert "the same network, but for the order of its inputs\n" in written


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{MaxPooling2D: 2}", "{MaxPooling2D: {pool_size: 2, strides: 1}}", "strides 2 -> 1"),
        ("{LayerNormalization: {axis: -1}}", "{LayerNormalization: {axis: [-2, -1]}}",
         "axis -1 -> [-2, -1]"),
        ("{Conv2D: {filters: 4, kernel_size: 3}}", "{Conv2D: {filters: 4, kernel_size: [3, 1]}}",
         "kernel_size 3 -> 3×1"),
        ("{Rescaling: {scale: 1000000.0}}", "{Rescaling: {scale: 1000001.0}}",
         "scale 1000000 -> 1000001"),
        ("{Rescaling: {scale: 0.1}}", "{Rescaling: {scale: 0.25}}", "scale 0.1 -> 0.25"),
        ("{Reshape: [16, 16]}", "{Reshape: [4, 64]}", "target_shape 16×16 -> 4×64"),
    ],
)  # fmt: skip
def test_a_value_is_told_so_that_it_can_be_told_apart(old: str, new: str, said: str) -> None:
    difference = compare(*(load(f"  - {each}\n  - {{Dense: 4}}\n") for each in (old, new)))
    (row,) = [each for each in make_rows(difference) if each.kind == "changed"]
    assert row.what == said


def test_every_means_every_layer_that_has_the_old_values() -> None:
    layers = "".join(f"  - {{Activation: relu, name: {each}}}\n" for each in ("p", "q", "r"))
    tanh = "  - {Activation: tanh, name: s}\n"

    def tell(text: str, new: str) -> tuple[tuple[str, ...], str]:
        (row,) = make_rows(compare(load(text), load(new)))
        return row.where, row.what

    gelu = layers.replace("relu", "gelu")
    assert tell(layers, gelu) == (("every Activation",), "relu -> gelu")
    assert tell(layers + tanh, gelu + tanh) == (("every Activation relu",), "relu -> gelu")
    more = tanh.replace("tanh", "relu")
    assert tell(layers + more, gelu + more)[0] == ("p", "q", "r")
    stays = "".join(f"  - {{Dense: {{units: 4, use_bias: false}}, name: d{x}}}\n" for x in "xyz")
    others = "  - {Dense: 4, name: last}\n"
    assert tell(stays + others, stays.replace("false", "true") + others) == (
        ("every Dense use_bias false",),
        "use_bias false -> true",
    )


def test_the_inputs_of_a_merge_are_told_in_their_orders() -> None:
    layers = "  - {Dense: 4, name: a}\n  - {Dense: 4, name: c, from: input}\n"

    def tell(old: str, new: str, merge: str = "Concatenate") -> str:
        text = f"{layers}  - {merge}: {{}}\n    from: "
        rest = "\n    name: m\n  - {Add: {}, from: [m, m]}\noutputs: [a, c, add]\n"
        rows = make_rows(compare(load(text + old + rest), load(text + new + rest)))
        (row,) = [each for each in rows if each.kind == "rewired"]
        return row.what

    assert tell("[c, a]", "[a, c]") == "takes a, c instead of c, a"
    assert tell("[c, a, input]", "[c, input, a]") == "takes c, input, a instead of c, a, input"
    assert tell("[c, a]", "[c, input]") == "takes input instead of a"
    assert tell("[c, a]", "[c, a, input]") == "takes input, too"
    assert tell("[c, a, input]", "[a, input]") == "does not take c"
    assert tell("[c, a]", "[input, c, a]") == "takes input, c, a instead of c, a"
    assert tell("[c, a, input]", "[a, input]", "Add") == "does not take c"


def test_an_added_input_has_its_shape_and_dtype() -> None:
    text = "archspec: 1\ninputs: {x: [4]}\nlayers: [{Concatenate: {}, from: [x, x], name: m}]\n"
    new = text.replace("x: [4]", "x: [4], y: {shape: [5], dtype: float16}").replace("x, x", "x, y")
    rows = make_rows(compare(archspec.loads(text), archspec.loads(new)))
    assert [row.what for row in rows if row.kind == "added"] == ["InputLayer 5, float16"]


def test_a_table_of_several_says_what_differs_all_the_same() -> None:
    first = load("  - {Dense: 4, name: a}\n")
    renamed = compare(first, load("  - {Dense: 4, name: other}\n"))
    assert "the same network, but for" in write_table([renamed, renamed])
    said = write_verdict(compare(first, load("  - {Dense: 5, name: a}\n")))
    assert said == "none of 1 layer is the same, 1 differs"


def test_an_added_merge_says_what_it_takes() -> None:
    added = "  - {Add: {}, name: skip, from: [c, a]}\n"
    layers = "  - {Dense: 4, name: a}\n  - {Dense: 4, name: c}\n"
    rest = "  - {Dense: 2, name: head}\n"
    (row,) = make_rows(compare(load(layers + rest), load(layers + added + rest)))
    assert (row.where, row.what) == (("skip",), "Add of c and a")
    both = "  - {ReLU: {}, name: x}\n  - {ELU: {}, name: y, from: c}\n"
    both += added.replace("[c, a]", "[x, y]")
    difference = compare(load(layers + rest), load(layers + both + rest))
    assert [each.what for each in make_rows(difference)] == ["ReLU, after c", "ELU, after c", "Add"]
    assert make_rows(difference, full=True)[2].what == "Add of x and y"


def test_what_is_added_says_where_in_each_place() -> None:
    told = []
    for places in ("[stage0, stage1]", "[stage2, stage3]"):
        edit = f"at: {places}, insert_after: {{Dropout: 0.5}}"
        changed = archspec.load("resnet18", edits=[edit])
        (row,) = make_rows(compare(network("resnet18"), changed))
        told.append(row.what)
    assert told[0] == "Dropout 0.5, after stage{0,1}.unit1.activation"
    assert told[1] == "Dropout 0.5, after stage{2,3}.unit1.activation"


@pytest.mark.parametrize(
    ("old", "new", "said", "arguments"),
    [
        ("BatchNormalization", "{GroupNormalization: {groups: 4}}",
         "BatchNormalization -> GroupNormalization groups 4", {"groups": [None, 4]}),
        ("BatchNormalization", "{GroupNormalization: {groups: 2, scale: false}}",
         "BatchNormalization -> GroupNormalization groups 2, scale true -> false",
         {"groups": [None, 2], "scale": [True, False]}),
        ("ReLU", "{Activation: tanh}", "ReLU -> Activation tanh", {"activation": [None, "tanh"]}),
        ("ReLU", "ELU", "ReLU -> ELU", {}),
    ],
)  # fmt: skip
def test_another_class_is_told_with_its_arguments(
    old: str, new: str, said: str, arguments: dict[str, list[object]]
) -> None:
    text = "  - {Dense: 4}\n  - LAYER\n  - {Dense: 5}\n"
    difference = compare(load(text.replace("LAYER", old)), load(text.replace("LAYER", new)))
    (row,) = [each for each in make_rows(difference) if each.kind == "replaced"]
    assert row.what == said
    (edit,) = [each for each in to_data(difference)["edits"] if each["kind"] == "replaced"]
    assert edit["arguments"] == arguments


def test_a_layer_that_is_shared_is_another_network() -> None:
    own = load("  - {Dense: 4, name: a}\n  - {Dense: 4, name: b}\n")
    shared = load("  - {Dense: 4, name: a}\n  - {reuse: a, name: b}\n")
    difference = compare(own, shared)
    assert not difference.is_same
    assert [(each.kind, each.arguments) for each in difference.edits] == [
        ("changed", {"reuse": (None, "a")})
    ]
    assert difference.edits[0].params == -20


def test_which_call_of_a_shared_layer_is_written_first_means_nothing() -> None:
    text = """archspec: 1
inputs: {a: [4], b: [4]}
layers:
  - {Dense: 3, name: NAME, from: FIRST}
  - {reuse: NAME, name: OTHER, from: SECOND}
  - {Subtract: {}, from: [x, y]}
"""
    names = [("NAME", "FIRST", "OTHER", "SECOND"), ("x", "a", "y", "b"), ("y", "b", "x", "a")]
    graphs = []
    for order in names[1:]:
        changed = text
        for old, new in zip(names[0], order, strict=True):
            changed = changed.replace(old, new)
        graphs.append(archspec.loads(changed))
    assert compare(*graphs).edits == ()
    assert compare(*graphs).is_same


def test_another_output_is_said() -> None:
    a = load(CHAIN.replace("  - {Dense: 6, name: c}\n", "") + "outputs: [a, b]\n")
    b = load(CHAIN.replace("  - {Dense: 6, name: c}\n", "") + "outputs: [b, a]\n")
    assert kinds(a, b) == [("outputs", None, None)]
    assert "\n  > outputs a, b -> b, a\n" in write_text(compare(a, b))


def test_a_flat_spec_has_its_groups_back() -> None:
    graph = archspec.load("resnet18", depths=[2, 3, 2, 2])
    flat = restore_scopes(archspec.loads(write_yaml(to_spec(graph))))
    (row,) = make_rows(compare(network("resnet18"), flat))
    assert (row.where, row.what) == (("stage1.unit2",), "7 layers, after unit1.activation")


def test_an_axis_is_the_same_counted_from_either_end() -> None:
    first, last = (load(f"  - BatchNormalization: {{axis: {each}}}\n") for each in (3, -1))
    assert compare(first, last).is_same


def test_the_annotations_are_at_the_lines_that_are_changed() -> None:
    a, b = network("resnet18"), rewritten(*BOTH)
    whole, added, changed = list_notes(compare_graphs(a, b))
    assert "59 of 67 layers are the same" in whole.message
    lines = RESNET18.replace(*BOTH, 1).splitlines()
    assert "Dropout" in lines[added.span.line - 1]
    assert "gelu" in lines[changed.span.line - 1]
    what = "Dropout 0.1, after batch_normalization, 8 times"
    assert added.message == f"stage*.unit*.main.dropout: added: {what}"


# --- patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("want", "said"),
    [
        (lambda name: name.endswith(".add"), ["stage*.unit*.add"]),
        (lambda name: "main.conv2d" in name, ["stage*.unit*.main.conv2d*"]),
        (lambda name: name.endswith("main.conv2d"), ["stage*.unit*.main.conv2d"]),
        (lambda name: name.startswith("stage3.unit1.main.conv2d"), ["stage3.unit1.main.conv2d*"]),
        (lambda name: name == "stage3.unit1.add", ["stage3.unit1.add"]),
        (
            lambda name: name.endswith(".add") and name[5] != "0",
            ["stage{1..3}.unit*.add"],
        ),
        (
            lambda name: name.endswith("unit0.shortcut.conv2d"),
            ["stage*.unit0.shortcut.conv2d"],
        ),
    ],
)
def test_names_are_written_as_patterns(want, said: list[str]) -> None:
    graph = network("resnet18")
    assert write_names([each.name for each in graph if want(each.name)], Names.of(graph)) == said


@pytest.mark.parametrize("count", few_or_many(30, 500))
@pytest.mark.thorough
def test_a_pattern_means_what_it_means_to_an_edit(count: int) -> None:
    """Any names: the patterns with stars and without braces fit these names and no others."""
    graph = archspec.load("resnet18", depths=[3, 4, 6, 3])
    all_names = [*graph.by_name]

    def check(names: list[str]) -> None:
        for pattern in write_names(names, Names.of(graph)):
            if "{" not in pattern:
                met = {each for each in all_names if translate(pattern).fullmatch(each)}
                assert met
                assert met <= {*names}

    try_out(check, lambda source: source.sample(all_names, source.randint(1, 60)), count)


# --- long sequences ------------------------------------------------------------------------------


def test_long_sequences_are_aligned_near_the_diagonal() -> None:
    a = [str(number) for number in range(600)]
    b = [*a[:250], *"xyz", *a[280:]]
    pairs = align(len(a), len(b), lambda i, j: float(a[i] == b[j]))
    assert pairs == [(i, i if i < 250 else i - 27) for i in range(600) if not 250 <= i < 280]


def test_the_files_of_the_pairs_are_there() -> None:
    found = {path.stem for path in (Path(__file__).parent / "goldens" / "diff").glob("*.txt")}
    assert found == {*PAIRS, "cifar100_depth", "vgg_full"}
