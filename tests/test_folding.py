"""Flat networks are folded into specs that a person would write, and never into another network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from random_drawing import draw_masked
from random_graphs import Network, write
from shipped import FILES, ORIGINALS, most_slow, network
from shrinking import ALL, few_or_many, slow_but_first, try_out

import archspec
from archspec import folding
from archspec.backends.spec_yaml import to_spec
from archspec.errors import SpecError
from archspec.folding import fold_graph
from archspec.folding.alignment import align, compare, lay_side_by_side
from archspec.folding.conditions import MISSING, find_condition
from archspec.folding.items import (
    BranchesItem,
    Item,
    LayerItem,
    PathItem,
    completes,
    list_nodes,
)
from archspec.folding.naming import name_block
from archspec.folding.preactivation import hoist
from archspec.folding.tree import to_sequence
from archspec.folding.unfolding import UnifiedBody, is_right
from archspec.folding.unify import unify
from archspec.graph import Graph
from archspec.syntax.layout import lay_out, write_flow
from archspec.syntax.writer import write_yaml

FOLDED = {path.stem: path for path in sorted((Path(__file__).parent / "folded").glob("*.yaml"))}
HEAD = "archspec: 1\nname: drawn\n"


def flatten(graph: Graph) -> Graph:
    """The same network without blocks and loops, as `archspec import` has it."""
    return archspec.loads(write_yaml(to_spec(graph)), graph.name)


def fold_first(graph: Graph) -> str:
    """The first form of a flat network, which has to be the same network: no fallback."""
    text = next(folding._list_texts(graph))
    assert archspec.loads(text, graph.name).fingerprint == graph.fingerprint
    return text


def fold(text: str) -> str:
    return fold_first(flatten(archspec.loads(HEAD + text)))


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def dense(units: int, **more: Any) -> LayerItem:
    return LayerItem(op="Dense", arguments={"units": units, **more}, channels=16)


def conv(filters: int, kernel: int = 3, channels: int = 16, **more: Any) -> LayerItem:
    arguments = {"filters": filters, "kernel_size": kernel, **more}
    return LayerItem(op="Conv2D", arguments=arguments, channels=channels)


def plain(op: str, **arguments: Any) -> LayerItem:
    return LayerItem(op=op, arguments=arguments, channels=16)


def branches(*paths: tuple[Item, ...], merge: str = "Add", channels: int = 16) -> BranchesItem:
    items = tuple(PathItem(path) for path in paths)
    return BranchesItem(paths=items, merge=LayerItem(op=merge), channels=channels)


def show(body: UnifiedBody | None) -> list[tuple[str, dict[str, Any], Any]]:
    """The layers of a block that are in no branch, with their arguments and conditions."""
    assert body is not None
    return [
        (item.op, dict(item.arguments), item.when)
        for item in body.items
        if isinstance(item, LayerItem)
    ]


# --- laying runs side by side --------------------------------------------------------------------


def test_equal_runs_are_aligned_step_by_step() -> None:
    one = (conv(8), plain("ReLU"))
    assert align(one, (conv(16), plain("ReLU"))) == [(0, 0), (1, 1)]


def test_a_step_that_one_run_lacks_is_a_gap() -> None:
    one = (conv(8), plain("BatchNormalization"), plain("ReLU"))
    assert align(one, (conv(8), plain("ReLU"))) == [(0, 0), (1, None), (2, 1)]
    slots = lay_side_by_side([one, (conv(8), plain("ReLU"))])
    assert [sum(item is not None for item in slot.found) for slot in slots] == [2, 1, 2]


def test_a_kernel_of_the_same_size_is_the_better_match() -> None:
    assert compare(conv(8, 3), conv(16, 3)) > compare(conv(8, 3), conv(16, 1)) > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (conv(8), dense(8)),
        (conv(8), LayerItem(op="Conv2D", sources="stem")),
        (conv(8), LayerItem(op="Conv2D", reuses="stem")),
        (plain("Add"), LayerItem(op="Add", call={"training": True})),
        (branches((conv(8),), ()), branches((conv(8),), (), merge="Multiply")),
        (branches((conv(8),), ()), branches((conv(8),), (), ())),
        (branches((dense(8),), ()), branches((plain("MultiHeadAttention"),), ())),
    ],
    ids=["class", "from", "reuse", "call", "merge", "paths", "work"],
)
def test_what_is_no_variant_of_another_is_no_step_of_one_block(one: Item, other: Item) -> None:
    assert compare(one, other) == -1


# --- one block of several runs -------------------------------------------------------------------


def test_what_is_the_same_in_all_runs_is_no_param() -> None:
    body = unify([(conv(8), plain("ReLU"))] * 2)
    assert body is not None
    assert body.params == {}
    assert show(body) == [("Conv2D", {"filters": 8, "kernel_size": 3}, None), ("ReLU", {}, None)]


@pytest.mark.parametrize(
    ("inner", "formula"),
    [
        (lambda filters, channels: channels, "=channels"),
        (lambda filters, channels: filters * 4, "=4 * filters"),
        (lambda filters, channels: channels // 4, "=channels // 4"),
        (lambda filters, channels: channels * 6, "=6 * channels"),
    ],
)
def test_a_width_follows_from_another(inner: Callable[..., int], formula: str) -> None:
    runs = [
        (conv(inner(filters, channels), 1, channels), conv(filters, 3, 5))
        for filters, channels in ((24, 16), (56, 32), (88, 48), (40, 80))
    ]
    body = unify(runs)
    assert body is not None
    assert body.params == {"filters": [24, 56, 88, 40]}
    assert show(body)[0][1]["filters"] == formula


def test_an_expansion_that_varies_is_a_param() -> None:
    runs = [
        (conv(channels * factor, 1, channels), conv(filters, 3, 5))
        for filters, channels, factor in ((24, 16, 6), (40, 24, 4), (40, 40, 4), (80, 40, 6))
    ]
    body = unify(runs)
    assert body is not None
    assert body.params == {"filters": [24, 40, 40, 80], "expansion": [6, 4, 4, 6]}
    assert show(body)[0][1]["filters"] == "=channels * expansion"


def test_the_width_of_a_block_is_its_filters_and_no_expansion() -> None:
    runs = [
        (conv(filters, 3, channels), conv(filters, 3, filters))
        for filters, channels in ((64, 64), (128, 64), (128, 128), (256, 128), (256, 256))
    ]
    body = unify(runs)
    assert body is not None
    assert body.params == {"filters": [64, 128, 128, 256, 256]}


def test_padding_follows_from_strides() -> None:
    runs = [
        (conv(8, strides=2), conv(8, padding="valid")),
        (conv(8, strides=1), conv(8, padding="same")),
    ]
    body = unify(runs)
    assert show(body)[1][1]["padding"] == "='valid' if strides > 1 else 'same'"


def test_a_step_that_strides_alone_need_has_a_condition() -> None:
    pad = plain("ZeroPadding2D", padding=1)
    runs = [(pad, conv(8, strides=2)), (conv(8, strides=1),)]
    body = unify(runs)
    assert body is not None
    assert list(body.params) == ["strides"]
    assert show(body)[0] == ("ZeroPadding2D", {"padding": 1}, "=strides > 1")


def test_a_step_that_nothing_explains_is_a_param() -> None:
    runs = [(conv(8, strides=2), plain("Dropout", rate=0.5)), (conv(8, strides=1),)]
    body = unify(runs)
    assert body is not None
    assert body.params == {"strides": [2, 1], "drop": [True, False]}  # no coincidence of two


def test_a_shortcut_that_some_runs_lack_has_a_condition() -> None:
    runs = []
    for filters, channels in ((16, 16), (32, 16), (32, 32), (64, 32)):
        main = (conv(filters, 3, channels), plain("BatchNormalization"))
        runs.append((branches(main, (), channels=channels),) if filters == channels else main)
    body = unify(runs)
    assert body is not None
    only = body.items[0]
    assert isinstance(only, BranchesItem)
    assert [path.when for path in only.paths] == [None, "=channels == filters"]
    assert body.params == {"filters": [16, 32, 32, 64]}


def test_runs_with_a_name_inside_are_no_block() -> None:
    named = LayerItem(op="ReLU", name="tap")
    assert unify([(conv(8), named), (conv(8), plain("ReLU"))]) is None


def test_a_body_that_is_not_its_run_is_wrong() -> None:
    run = (conv(8), plain("ReLU"))
    body = unify([run, (conv(16), plain("ReLU"))])
    assert body is not None
    assert is_right(body, 0, run)
    assert not is_right(body, 1, run)
    assert not is_right(body, 0, run[:1])


def test_a_condition_is_the_plainest_that_fits() -> None:
    found = find_condition(
        [True, False, True, False],
        plain("ZeroPadding2D"),
        {"strides": [2, 1, 2, 1]},
        {"filters": [32, 16, 32, 16]},
        [16, 16, 16, 16],
    )
    assert found == "=strides > 1"


def test_no_condition_is_made_of_too_little() -> None:
    wanted = [True, False, MISSING]
    given = ({"strides": [2, 1, 1]}, {}, [8, 8, 8])
    assert find_condition(wanted, plain("Dropout"), *given) is None
    assert find_condition(wanted, plain("MaxPooling2D"), *given) == "=strides > 1"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "name"),
    [
        ((conv(8), plain("BatchNormalization"), plain("ReLU")), "conv_bn_relu"),
        ((branches((conv(8), conv(8)), ()),), "residual"),
        ((branches((dense(8), dense(8)), ()),), "feed_forward"),
        ((branches((plain("MultiHeadAttention"),), ()), dense(8)), "transformer_encoder"),
        ((branches((conv(8),), (), merge="Concatenate"),), "dense_layer"),
        ((branches((conv(8),), (conv(8), conv(8)), (), merge="Concatenate"),), "dense_layer"),
        ((branches(*[(conv(8),)] * 3, merge="Concatenate"),), "inception"),
        ((branches((conv(8), plain("DepthwiseConv2D")), ()),), "inverted_residual"),
        (
            (branches((plain("GlobalAveragePooling2D"), dense(8)), (), merge="Multiply"),),
            "squeeze_excite",
        ),
    ],
)
def test_a_block_is_named_by_what_it_is_made_of(items: tuple[Item, ...], name: str) -> None:
    assert name_block(items, []) == name
    assert name_block(items, [name]) == f"{name}_2"


def test_what_completes_a_layer_is_not_cut_from_it() -> None:
    bn, relu = plain("BatchNormalization"), plain("ReLU")
    assert completes(bn, conv(8))
    assert completes(relu, bn)
    assert completes(relu, branches((conv(8),), ()))
    assert not completes(bn, branches((conv(8),), ()))  # the next unit normalizes first
    assert not completes(conv(8), relu)


# --- whole networks ------------------------------------------------------------------------------

RESIDUAL = """
blocks:
  unit:
    params: {filters: null, strides: 1}
    layers:
      - branches:
          main:
            - Conv2D: {filters: ==, kernel_size: 3, strides: ==, padding: same}
            - BatchNormalization
            - ReLU
            - Conv2D: {filters: ==, kernel_size: 3, padding: same}
            - BatchNormalization
          shortcut:
            - when: =strides > 1
              layers: [Conv2D: {filters: ==, kernel_size: 1, strides: ==}]
        merge: Add
      - ReLU
"""

SEPARABLE = """
blocks:
  unit:
    params: {filters: null, strides: 1}
    layers:
      - DepthwiseConv2D: {kernel_size: 3, strides: ==, padding: same}
      - BatchNormalization
      - ReLU
      - Conv2D: {filters: ==, kernel_size: 1}
      - LayerNormalization
"""


@pytest.mark.thorough
def test_stages_whose_first_unit_strides() -> None:
    text = fold(
        "input: [32, 32, 16]"
        + RESIDUAL
        + "layers:\n"
        + "".join(
            f"  - unit: {{filters: {16 * 2**stage}, strides: {2 if stage and not unit else 1}}}\n"
            for stage in range(3)
            for unit in range(3 + stage)
        )
        + "  - GlobalAveragePooling2D\n"
    )
    lines = lines_of(text)
    assert "- for: {stage: =range(3), depth: [3, 4, 5]}" in lines
    assert (
        "- residual: {filters: =16 * 2**stage, strides: =2 if stage and not unit else 1}" in lines
    )
    assert "for: {unit: =range(depth)}" in lines


@pytest.mark.thorough
def test_stages_whose_last_unit_strides() -> None:
    text = fold(
        "input: [64, 64, 3]"
        + SEPARABLE
        + "layers:\n"
        + "".join(
            f"  - unit: {{filters: {width}, strides: {2 if unit == 3 else 1}}}\n"
            for width in (16, 24, 40)
            for unit in range(4)
        )
        + "  - GlobalAveragePooling2D\n"
    )
    assert "strides: =2 if unit == 3 else 1" in text
    assert "filters: [16, 24, 40]" in text


def test_calls_without_stages_are_a_table() -> None:
    rows = [(3, 8, 1), (5, 24, 2), (3, 16, 1), (5, 40, 2), (7, 16, 1)]
    steps = "".join(
        f"  - Conv2D: {{filters: {filters}, kernel_size: {kernel}, strides: {strides}, "
        "padding: same}\n  - BatchNormalization\n  - ReLU\n"
        for kernel, filters, strides in rows
    )
    text = fold(f"input: [64, 64, 3]\nlayers:\n{steps}")
    lines = lines_of(text)
    assert "stage, filters, kernel_size, strides:" in lines
    assert "- [1, 24, 5, 2]" in lines
    assert text.count("BatchNormalization") == 1


@pytest.mark.thorough
def test_a_rate_that_grows_is_a_formula() -> None:
    text = fold_first(flatten(network("efficientnet_b0")))
    assert "params: {depths: [1, 2, 2, 3, 3, 4, 1]}" in text
    assert "drop_path: =0.2 * (sum(depths[:stage]) + unit) / sum(depths)" in text


def test_steps_that_come_again_are_a_loop() -> None:
    steps = "".join(
        f"  - Conv2D: {{filters: {8 * 2**stage}, kernel_size: 3}}\n  - ReLU\n  - MaxPooling2D\n"
        for stage in range(4)
    )
    lines = lines_of(fold(f"input: [128, 128, 3]\nlayers:\n{steps}"))
    assert "- for: {stage: =range(4)}" in lines
    assert "- Conv2D: {filters: =8 * 2**stage, kernel_size: 3}" in lines


def test_a_loop_that_needs_no_stage_is_a_repeat() -> None:
    steps = "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n  - ReLU\n" * 6
    text = fold(f"input: [32, 32, 8]\nlayers:\n{steps}")
    assert "repeat: 6" in text
    assert "stage" not in text


def test_a_loop_begins_with_a_convolution_and_not_after_it() -> None:
    steps = "".join(
        f"  - Conv2D: {{filters: {filters}, kernel_size: {kernel}, strides: 2, padding: same}}\n"
        "  - BatchNormalization\n  - LeakyReLU: 0.2\n"
        for filters, kernel in ((32, 7), (64, 3), (128, 3), (256, 3), (512, 3))
    )
    text = fold(f"input: [64, 64, 3]\nlayers:\n{steps}")
    assert "- Conv2D: {filters: 32, kernel_size: 7" in text  # the stem, which only looks like one
    assert "filters: =64 * 2**stage" in text
    assert "when" not in text


@pytest.mark.slow
def test_a_transition_halves_what_comes_in() -> None:
    text = fold_first(flatten(archspec.load(FILES["densenet169"])))
    assert "filters: =previous.channels // 2" in text


def test_a_squeeze_and_excitation_is_a_block_of_that_name() -> None:
    def gate(width: int) -> str:
        return f"""
  - branches:
      - []
      - - GlobalAveragePooling2D: {{keepdims: true}}
        - Conv2D: {{filters: {width // 4}, kernel_size: 1, activation: relu}}
        - Conv2D: {{filters: {width}, kernel_size: 1, activation: sigmoid}}
    merge: Multiply"""

    steps = "".join(
        f"\n  - Conv2D: {{filters: {width}, kernel_size: 3}}{gate(width)}" for width in (16, 24, 40)
    )
    text = fold(f"input: [32, 32, 3]\nlayers:{steps}\n")
    assert "squeeze_excite" in text


@pytest.mark.thorough
def test_units_that_activate_first_are_written_in_one_way() -> None:
    main, _ = to_sequence(flatten(network("resnet50v2")))
    hoisted = hoist(main)
    assert hoisted is not None
    assert {n for i in hoisted for n in list_nodes(i)} == {n for i in main for n in list_nodes(i)}
    text = fold_first(flatten(network("resnet50v2")))
    assert text.count("merge: Add") + text.count("- Add:") == 1  # one block for all units


def test_a_network_without_such_units_is_left_alone() -> None:
    main, _ = to_sequence(flatten(network("resnet18")))
    assert hoist(main) is None


# --- what must not be joined ---------------------------------------------------------------------


def test_a_step_that_is_referred_to_stays_one() -> None:
    text = fold(
        "input: [32, 32, 8]\nlayers:\n"
        + "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n  - ReLU\n" * 2
        + "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n    name: tap\n"
        + "  - MaxPooling2D\n"
        + "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n  - ReLU\n" * 2
        + "  - UpSampling2D\n  - Concatenate:\n    from: [previous, tap]\n"
    )
    assert "name: tap" in text
    assert "from: [previous, tap]" in text


def test_outputs_keep_their_names() -> None:
    text = fold(
        "input: [16]\noutputs: [one, two]\nlayers:\n"
        "  - Dense: 8\n    name: one\n  - Dense: 8\n    name: two\n"
    )
    assert "outputs: [one, two]" in text


def test_a_layer_that_is_called_again_is_no_part_of_a_block() -> None:
    text = fold(
        "input: [16]\nlayers:\n"
        "  - Dense: 16\n    name: shared\n  - ReLU\n  - Dense: 16\n  - ReLU\n"
        "  - reuse: shared\n  - ReLU\n  - Dense: 16\n  - ReLU\n"
    )
    assert "reuse: shared" in text


def test_runs_of_other_wiring_are_no_block() -> None:
    text = fold(
        "input: [16]\nlayers:\n"
        + "".join(
            f"  - Dense: 16\n    name: {one}\n  - Dense: 16\n    name: {two}\n"
            f"  - Dense: 16\n  - Add:\n    from: [{taken}, previous]\n"
            for one, two, taken in (("a", "b", "a"), ("c", "d", "d"))
        )
    )
    assert "blocks" not in text
    assert text.count("merge: Add") == 2


# --- never another network -----------------------------------------------------------------------


@pytest.mark.thorough
def test_a_wrong_block_never_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a fold writes is loaded again; here each block has one filter too many."""
    from archspec.folding import solving

    right = solving.unify

    def unify_wrongly(runs: Any) -> UnifiedBody | None:
        body = right(runs)
        if body is None:
            return None
        params = {
            name: [v + 1 if name == "filters" and isinstance(v, int) else v for v in values]
            for name, values in body.params.items()
        }
        return UnifiedBody(body.items, params)

    graph = flatten(network("resnet18"))
    good = fold_graph(graph)
    monkeypatch.setattr(solving, "unify", unify_wrongly)
    folded = fold_graph(graph)
    assert folded.graph.fingerprint == graph.fingerprint
    assert folded.text.count("\n") > good.text.count("\n")
    assert "blocks:" not in folded.text


def test_a_text_that_is_no_spec_never_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = flatten(network("lenet5"))
    texts = ["archspec: 1\n", *folding._list_texts(graph)]
    monkeypatch.setattr(folding, "_list_texts", lambda graph: iter(texts))
    assert fold_graph(graph).text == texts[1]


@pytest.mark.parametrize("name", most_slow(FILES if ALL else ORIGINALS))
@pytest.mark.thorough
def test_shipped_networks_are_the_same_in_their_first_form(name: str) -> None:
    fold_first(flatten(network(name)))


@pytest.mark.parametrize("count", few_or_many(10, 300))
@pytest.mark.thorough
def test_drawn_networks_are_the_same_in_their_first_form(count: int) -> None:
    folded = 0

    def check(drawn: Network) -> None:
        nonlocal folded
        try:
            graph = archspec.loads(write(drawn)[0])
        except SpecError:
            return  # of a mask that a layer cannot take
        fold_first(flatten(graph))
        folded += 1

    try_out(check, draw_masked, count)
    assert folded > count // 2


@pytest.mark.parametrize(
    "name", slow_but_first(sorted(FOLDED, key=lambda name: FOLDED[name].stat().st_size), 10)
)
@pytest.mark.thorough
def test_what_is_folded_is_folded_as_short_again(name: str) -> None:
    """Each is the fold of a model that its users wrote (tests/unseen_models.py)."""
    text = FOLDED[name].read_text(encoding="utf-8")
    again = fold_first(flatten(archspec.loads(text)))
    assert again.count("\n") <= text.count("\n") + AGAIN


AGAIN = 6  # lines that the other names of its flat form may cost

# The lines of a fold, at most. Lower them when folds get shorter.
MOST_LINES = {
    "vgg16": 31,
    "resnet18": 40,
    "resnet110": 47,
    "resnet50v2": 49,
    "inception10": 53,
    "lenet5": 19,
    "mobilenet_v2": 51,
    "densenet121": 42,
    "vit_b16": 53,
    "efficientnet_b0": 76,
}


@pytest.mark.parametrize("name", most_slow(MOST_LINES))
@pytest.mark.thorough
def test_folds_are_short(name: str) -> None:
    assert fold_first(flatten(network(name))).count("\n") <= MOST_LINES[name]


# --- layout --------------------------------------------------------------------------------------


def test_large_parts_have_an_empty_line_before_them() -> None:
    data = {"archspec": 1, "input": [8], "layers": ["Flatten", {"Dense": 10}]}
    assert lay_out(data) == "archspec: 1\ninput: [8]\n\nlayers:\n  - Flatten\n  - Dense: 10\n"


def test_arguments_stand_beside_their_layer_while_they_fit() -> None:
    step = {"Conv2D": {"filters": 8, "kernel_size": 3}, "name": "stem"}
    text = lay_out({"layers": [step]})
    assert text == "layers:\n  - Conv2D: {filters: 8, kernel_size: 3}\n    name: stem\n"
    long = {"Conv2D": {f"argument_{n}": "x" * 20 for n in range(4)}}
    assert lay_out({"layers": [long]}).count("\n") == 6


def test_a_table_has_a_row_on_each_line() -> None:
    loop = {"for": {"filters, strides": [[8, 1], [16, 2]]}, "layers": ["ReLU"]}
    text = "\n".join(lines_of(lay_out({"layers": [loop]})))
    assert "filters, strides:\n- [8, 1]\n- [16, 2]\n" in text


def test_short_branches_stand_on_one_line() -> None:
    step = {"branches": [[], ["ReLU", {"Dense": 8}]], "merge": "Add"}
    lines = lay_out({"layers": [step]}).splitlines()
    assert lines == [
        "layers:",
        "  - branches:",
        "      - []",
        "      - [ReLU, Dense: 8]",
        "    merge: Add",
    ]


def test_what_yaml_would_read_as_something_else_is_quoted() -> None:
    assert write_flow({"name": "true", "of": "1e3", "f": "=max(a, b)"}) == (
        '{name: "true", of: "1e3", f: "=max(a, b)"}'
    )
