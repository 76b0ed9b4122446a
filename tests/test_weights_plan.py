"""What becomes of each weight of a network that begins with those of another."""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec
from archspec.graph import Graph
from archspec.weights import PARTIAL
from archspec.weights.planning import WeightsPlan, plan_weights
from archspec.weights.reports import describe_plan, find_doubt, write_plan, write_sums

EXAMPLES = Path(__file__).parent.parent / "examples"


def base(**params) -> Graph:
    return archspec.load("resnet18", **params)


def counts(plan: WeightsPlan) -> tuple[int, int, int, int, int]:
    found = plan.counts
    assert sum(found[each] for each in ("copied", "sliced", "averaged", "new")) == (
        plan.network.total_params
    )
    return tuple(found.values())


def how(plan: WeightsPlan, layer: str, weight: str = "kernel") -> tuple[str, str]:
    (part,) = [each for each in plan.parts if (each.layer, each.weight) == (layer, weight)]
    return part.how, part.sizes or part.why


def small(layers: str, size: str = "[8, 8, 3]") -> Graph:
    return archspec.loads(f"archspec: 1\nname: small\ninput: {size}\nlayers:\n{layers}")


def test_a_network_takes_all_of_its_own() -> None:
    assert counts(plan_weights(base(), base())) == (11_182_410, 0, 0, 0, 0)


# The shares are those that a first trial of the rules found on these graphs.
@pytest.mark.parametrize(
    ("spec", "params", "partial", "copied"),
    [
        ("resnet18", {"classes": 100}, (), "99.54%"),
        ("resnet18", {"depths": [3, 4, 6, 3]}, (), "52.50%"),
        ("resnet18_cifar100", {}, (), "99.49%"),
        (EXAMPLES / "ablations" / "group_norm.yaml", {}, (), "100.00%"),
        (EXAMPLES / "ablations" / "gated.yaml", {}, (), "99.21%"),
        (EXAMPLES / "ablations" / "dilated.yaml", {}, (), "100.00%"),
    ],
    ids=str,
)
def test_a_variant_takes_what_it_shares(spec, params, partial, copied) -> None:
    plan = plan_weights(base(), archspec.load(spec, **params), partial)
    assert f"({copied}) copied" in write_sums(plan)
    assert find_doubt(plan) is None


def test_a_moved_normalization_keeps_its_weights() -> None:
    folder = EXAMPLES / "identity_mappings"
    first, second = (
        archspec.load(folder / f"{name}.yaml") for name in ("resnet110", "full_preactivation")
    )
    assert counts(plan_weights(first, second)) == (second.total_params, 0, 0, 0, 0)


def test_a_wider_network_is_sliced_where_that_is_asked_for() -> None:
    wide = base(width=96)
    plan = plan_weights(base(), wide)
    assert counts(plan)[:3] == (10, 0, 0)  # the bias of the head
    assert how(plan, "stem") == ("new", "96 in place of 64")
    assert find_doubt(plan) is not None
    plan = plan_weights(base(), wide, ["slice"])
    assert counts(plan)[:3] == (10, 11_182_400, 0)
    assert how(plan, "head") == ("sliced", "768 in place of 512")
    (part,) = [each for each in plan.parts if (each.layer, each.weight) == ("stem", "kernel")]
    assert (part.shape, part.there, part.values) == ((3, 3, 1, 96), (3, 3, 1, 64), 576)


def test_classes_are_sliced_only_where_that_is_asked_for_by_name() -> None:
    more = base(classes=100)
    for partial in ((), ("slice",), ("slice", "mean")):
        plan = plan_weights(base(), more, partial)
        assert how(plan, "head") == ("new", "100 classes in place of 10")
        assert plan.unused == {("head", "kernel"): (512, 10), ("head", "bias"): (10,)}
    assert counts(plan_weights(base(), more, ["classes"])) == (11_177_280, 5_130, 0, 46_170, 0)


def test_the_head_of_another_width_keeps_its_classes_together() -> None:
    plan = plan_weights(base(), base(classes=7, width=32), ["slice"])
    assert how(plan, "stem")[0] == "sliced"
    assert [how(plan, "head", each)[0] for each in ("kernel", "bias")] == ["new", "new"]
    plan = plan_weights(base(), base(classes=7, width=32), ["slice", "classes"])
    assert [how(plan, "head", each)[0] for each in ("kernel", "bias")] == ["sliced", "sliced"]


def test_the_channels_of_a_backbone_are_no_classes() -> None:
    """Nor are those of images."""
    layers = "  - {{Conv2D: {{filters: {}, kernel_size: 3}}, name: c}}\n{}"
    for rest in ("  - BatchNormalization\n", "  - ReLU\n  - GlobalAveragePooling2D\n"):
        plan = plan_weights(small(layers.format(8, rest)), small(layers.format(4, rest)), ["slice"])
        assert [how(plan, "c", each)[0] for each in ("kernel", "bias")] == ["sliced", "sliced"]
    plan = plan_weights(small(layers.format(3, "")), small(layers.format(1, "")))
    assert how(plan, "c") == ("new", "1 channels of the output in place of 3")


def test_the_head_may_end_in_a_layer_without_weights() -> None:
    layers = "  - Flatten\n  - {{name: head, Dense: {}}}\n  - Softmax\n"
    plan = plan_weights(small(layers.format(3)), small(layers.format(5)), ["slice"])
    assert how(plan, "head") == ("new", "5 classes in place of 3")


def test_images_with_other_channels_take_the_mean() -> None:
    grey, colour = base(), archspec.load("resnet18_cifar100")
    assert how(plan_weights(grey, colour), "stem.conv2d") == ("new", "3 in place of 1")
    assert how(plan_weights(grey, colour, ["mean"]), "stem.conv2d")[0] == "averaged"
    assert how(plan_weights(colour, grey, ["mean", "slice"]), "stem")[0] == "averaged"
    assert how(plan_weights(colour, grey, ["slice"]), "stem")[0] == "sliced"


def test_what_a_flatten_or_a_concatenate_mixes_is_not_sliced() -> None:
    flat = "  - Conv2D: {{filters: {}, kernel_size: 3}}\n  - Flatten\n  - Dense: 4\n  - Dense: 2\n"
    plan = plan_weights(small(flat.format(3)), small(flat.format(5)), ["slice"])
    assert how(plan, "conv2d")[0] == "sliced"
    assert how(plan, "dense")[0] == "new"
    assert "a Flatten before it" in write_plan(plan)
    both = (
        "  - branches: [[Conv2D: {{filters: {0}, kernel_size: 1}}],"
        " [Conv2D: {{filters: {0}, kernel_size: 1}}]]\n    merge: Concatenate\n"
        "  - BatchNormalization\n  - Conv2D: {{filters: 4, kernel_size: 1}}\n  - Flatten\n"
        "  - Dense: 2\n"
    )
    plan = plan_weights(small(both.format(3)), small(both.format(5)), ["slice"])
    assert how(plan, "batch_normalization", "gamma")[0] == "new"
    assert how(plan, "conv2d_2")[0] == "new"
    assert "a Concatenate before it" in write_plan(plan)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("Conv2D: {filters: 6, kernel_size: 3}", "Conv2D: {filters: 6, kernel_size: 5}", "5×5"),
        (
            "Conv2D: {filters: 6, kernel_size: 3}",
            "Conv2D: {filters: 6, kernel_size: 3, groups: 3}",
            "groups",
        ),
        (
            "Conv2D: {filters: 3, kernel_size: 3}",
            "Conv2DTranspose: {filters: 3, kernel_size: 3}",
            "a Conv2D",
        ),
    ],
)
def test_what_only_looks_alike_begins_anew(before: str, after: str, why: str) -> None:
    layers = "  - {}\n  - GlobalAveragePooling2D\n  - {{name: head, Dense: 2}}\n"
    plan = plan_weights(small(layers.format(before)), small(layers.format(after)), PARTIAL)
    kernels = [each for each in plan.parts if each.layer != "head" and each.weight == "kernel"]
    assert [each.how for each in kernels] == ["new"]
    assert why in write_plan(plan) or "added" in write_plan(plan)


def test_a_changed_argument_is_said() -> None:
    plan = plan_weights(base(), archspec.load(EXAMPLES / "ablations" / "dilated.yaml"))
    assert "dilation_rate [2, 2] in place of [1, 1]" in write_plan(plan)
    plan = plan_weights(base(), archspec.load(EXAMPLES / "ablations" / "group_norm.yaml"))
    assert "a GroupNormalization in place of a BatchNormalization" in write_plan(plan)


def test_a_shared_layer_has_its_weights_once() -> None:
    siamese = archspec.load("siamese")
    assert counts(plan_weights(siamese, siamese))[0] == siamese.total_params


def test_equal_rows_of_a_table_are_one() -> None:
    deep = archspec.load("densenet121")
    text = write_plan(plan_weights(deep, archspec.load("densenet121", growth=24), ["slice"]))
    assert len(text.splitlines()) < 12


def test_a_row_of_the_table_says_which_weights_it_has() -> None:
    text = write_plan(plan_weights(base(), base(width=96), ["slice"]))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "copied head (bias) 10" in lines
    assert "new 41 layers 13,959,328 beyond the slices" in lines
    text = write_plan(plan_weights(base(), base(classes=7)))
    assert " head  " in text  # both of its weights


def test_each_weight_stands_in_the_data_once() -> None:
    plan = plan_weights(base(), archspec.load("resnet18", classes=7))
    data = describe_plan(plan)
    assert data["parameters"] == plan.counts
    keys = [(each["layer"], each["weight"]) for each in data["weights"]]
    assert (
        len(keys)
        == len(set(keys))
        == sum(len(node.facts.weights) for node in plan.network if not node.reuses)
    )
    assert {each["how"] for each in data["weights"]} == {"copied", "new"}


BRANCHES = """\
archspec: 1
name: branches
input: [8, 8, 2]
layers:
  - {name: stem, Conv2D: {filters: 3, kernel_size: 1}}
  - {name: p, Conv2D: {filters: 4, kernel_size: 3}}
  - {name: q, from: stem, Conv2D: {filters: 3, kernel_size: 3}}
  - {name: cat, from: [p, q], Concatenate: }
  - {name: bn, BatchNormalization: }
  - {name: last, Conv2D: {filters: 2, kernel_size: 1}}
"""


def test_a_concatenate_in_another_order_is_no_copy() -> None:
    """Though the shapes are the same."""
    before = archspec.loads(BRANCHES)
    swapped = archspec.loads(BRANCHES.replace("[p, q]", "[q, p]"))
    plan = plan_weights(before, swapped)
    why = "a Concatenate before it has its inputs in another order"
    assert how(plan, "last") == ("new", why)
    assert how(plan, "bn", "gamma") == ("new", why)
    assert how(plan, "last", "bias")[0] == "copied"
    more = archspec.loads(BRANCHES, edits=["at: q, insert_after: ReLU"])
    assert counts(plan_weights(before, more))[0] == before.total_params


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("filters: 4, strides: 2", "filters: 16, strides: 4"),  # flattened, as many numbers
        ("filters: 4, padding: valid", "filters: 4, padding: valid, dilation_rate: 1"),
    ],
)
def test_a_flatten_of_another_shape_is_no_copy(before: str, after: str) -> None:
    layers = "  - Conv2D: {{kernel_size: 1, {}}}\n  - Flatten\n  - {{Dense: 4, name: d}}\n"
    plan = plan_weights(small(layers.format(before)), small(layers.format(after)))
    is_same = "dilation_rate" in after
    why = "a Flatten before it puts them in another order"
    assert how(plan, "d") == (("copied", "") if is_same else ("new", why))


def test_a_shuffle_of_other_groups_is_no_copy() -> None:
    layers = (
        "  - Conv2D: {{filters: 8, kernel_size: 3, padding: same}}\n"
        "  - Reshape: [8, 8, {0}, {1}]\n  - Permute: [1, 2, 4, 3]\n  - Reshape: [8, 8, 8]\n"
        "  - {{Conv2D: {{filters: 4, kernel_size: 1}}, name: last}}\n"
    )
    plan = plan_weights(small(layers.format(2, 4)), small(layers.format(4, 2)))
    assert how(plan, "last") == ("new", "a Reshape before it puts them in another order")
    assert counts(plan_weights(small(layers.format(2, 4)), small(layers.format(2, 4))))[3] == 0


def test_another_depth_multiplier_is_not_sliced() -> None:
    layers = (
        "  - Conv2D: {{filters: 8, kernel_size: 3}}\n"
        "  - {{SeparableConv2D: {{filters: 6, kernel_size: 3, depth_multiplier: {0}}}, name: s}}\n"
        "  - {{DepthwiseConv2D: {{kernel_size: 3, depth_multiplier: {0}}}, name: d}}\n"
        "  - {{Conv2D: {{filters: 4, kernel_size: 1}}, name: last}}\n"
    )
    plan = plan_weights(small(layers.format(1)), small(layers.format(2)), ["slice"])
    for layer, weight in (("s", "depthwise_kernel"), ("s", "pointwise_kernel"), ("d", "kernel")):
        (part,) = [each for each in plan.parts if (each.layer, each.weight) == (layer, weight)]
        assert (part.how, part.why) == ("new", "another depth_multiplier")
    assert how(plan, "last")[0] == "new"


def test_the_order_is_followed_through_a_depthwise_convolution() -> None:
    through = BRANCHES.replace("{name: bn, BatchNormalization: }", "{name: bn, DepthwiseConv2D: 3}")
    plan = plan_weights(
        archspec.loads(through), archspec.loads(through.replace("[p, q]", "[q, p]"))
    )
    why = "a Concatenate before it has its inputs in another order"
    assert how(plan, "bn") == how(plan, "bn", "bias") == how(plan, "last") == ("new", why)
    other = through.replace("p, Conv2D: {filters: 4", "p, Conv2D: {filters: 2")
    other = other.replace(
        "stem, Conv2D: {filters: 3, kernel_size: 3", "stem, Conv2D: {filters: 5, kernel_size: 3"
    )
    plan = plan_weights(archspec.loads(through), archspec.loads(other))
    assert how(plan, "last") == ("new", "a Concatenate before it puts them in another order")


def test_a_bias_is_sliced_whatever_its_layer_takes() -> None:
    flat = "  - Conv2D: {{filters: 3, kernel_size: 3}}\n  - Flatten\n  - Dense: {}\n  - Dense: 2\n"
    plan = plan_weights(small(flat.format(4)), small(flat.format(6)), ["slice"])
    assert [how(plan, "dense", each)[0] for each in ("kernel", "bias")] == ["sliced"] * 2
    flat = flat.replace("filters: 3", "filters: {}")
    plan = plan_weights(small(flat.format(3, 4)), small(flat.format(5, 6)), ["slice"])
    assert [how(plan, "dense", each)[0] for each in ("kernel", "bias")] == ["new", "sliced"]
