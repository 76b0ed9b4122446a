"""`edit`: a base and its edits are the network that is written out whole.

    BASE, with edits    # by `archspec.loads(text, edits=[...])`, or under `edit` of a file
    written(changes)    # the same text with parts of it replaced

Both have one fingerprint, and steps that no edit is for keep their names.
"""

import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, command
from random_drawing import draw
from random_graphs import write
from shrinking import few_or_many, try_out
from texts import argument, files, names, only_error, said, table, wires

import archspec
from archspec.backends.spec_yaml import flat_name, to_spec
from archspec.errors import SpecError, UserError
from archspec.graph import Graph, Node
from archspec.layers import LAYERS
from archspec.loading.settings import parse_edit
from archspec.recipe import recipe_of
from archspec.syntax.edits import translate
from archspec.syntax.source import read_text, to_plain
from archspec.syntax.writer import write_value, write_yaml

BASE = """\
archspec: 1
params: {width: 4, classes: 10}
input: [16, 16, 3]
defaults: {Conv2D: {padding: same}}
blocks:
  unit:
    params: {filters: null, strides: 1}
    layers:
      - branches:
          main:
            - Conv2D: {filters: ==, kernel_size: 3, strides: ==}
            - BatchNormalization
            - Activation: relu
            - Conv2D: {filters: ==, kernel_size: 3}
          shortcut:
            - when: =strides > 1
              layers:
                - Conv2D: {filters: ==, kernel_size: 1, strides: ==}
        merge: Add
      - Activation: relu
layers:
  - name: stem
    layers:
      - Conv2D: {filters: =width, kernel_size: 7, strides: 2}
      - MaxPooling2D: 2
  - for: {stage: =range(2)}
    name: stage{stage}
    layers:
      - unit: {filters: =width * 2**stage, strides: =1 + stage}
        repeat: 2
        name: unit
  - GlobalAveragePooling2D
  - Dense: =classes
    name: head
"""
STEM = "Conv2D: {filters: =width, kernel_size: 7, strides: 2}"
POOL = "MaxPooling2D: 2"
FIRST = "Conv2D: {filters: ==, kernel_size: 3, strides: ==}\n"
SECOND = "Conv2D: {filters: ==, kernel_size: 3}\n"
SHORT = "- Conv2D: {filters: ==, kernel_size: 1, strides: ==}\n"
PARAMS = "params: {filters: null, strides: 1}"
CALL = "unit: {filters: =width * 2**stage, strides: =1 + stage}"
HEAD = "- Dense: =classes\n    name: head\n"


def written(*changes: tuple[str, str]) -> Graph:
    """The base with some of its text replaced."""
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return archspec.loads(text)


def edited(*edits: str, **settings: Any) -> Graph:
    return archspec.loads(BASE, "base.yaml", edits=edits, **settings)


# --- the variants that papers try ----------------------------------------------------------------

VARIANTS: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "a gate at the end of each main branch": (
        ["at: '**.main', insert_after: {Conv2D: {filters: =filters, kernel_size: 1}}"],
        [(SECOND, SECOND + 12 * " " + "- Conv2D: {filters: =filters, kernel_size: 1}\n")],
    ),
    "another activation everywhere": (
        ["of: {Activation: relu}, set: {activation: gelu}"],
        [("Activation: relu", "Activation: gelu")],
    ),
    "another normalization": (
        ["of: BatchNormalization, replace: {GroupNormalization: {groups: 2}}"],
        [("BatchNormalization", "GroupNormalization: {groups: 2}")],
    ),
    "a pooled shortcut": (
        [
            "at: '**.shortcut.conv2d', insert_before: {AveragePooling2D: =strides}",
            "at: '**.shortcut.conv2d', set: {strides: 1}",
        ],
        [
            (
                SHORT,
                "- AveragePooling2D: =strides\n" + 16 * " " + SHORT.replace("strides: ==", ""),
            )
        ],
    ),
    "a stage less": (["at: stage1, remove: true"], [("range(2)", "range(1)")]),
    "dropout before the head": (
        ["at: head, insert_before: {Dropout: 0.5}"],
        [(HEAD, f"- Dropout: 0.5\n  {HEAD}")],
    ),
    "a stem of small kernels": (
        [
            "at: stem.conv2d, replace: [{Conv2D: {filters: =width, kernel_size: 3, strides: 2}}, "
            "{Conv2D: {filters: =width, kernel_size: 3}}]"
        ],
        [
            (
                STEM,
                STEM.replace("7", "3") + "\n      - Conv2D: {filters: =width, kernel_size: 3}",
            )
        ],
    ),
    "a dilated last stage": (
        [
            "at: stage1.**, of: Conv2D, set: {strides: 1}",
            "at: stage1.**, of: {Conv2D: {kernel_size: 3}}, set: {dilation_rate: 2}",
        ],
        [
            (PARAMS, "params: {filters: null, strides: 1, last: false}"),
            (FIRST, FIRST.replace("==}", "=1 if last else strides, dilation_rate: =1 + last}")),
            (SECOND, SECOND.replace("3}", "3, dilation_rate: =1 + last}")),
            (SHORT, SHORT.replace("strides: ==", "strides: =1 if last else strides")),
            (CALL, CALL.replace("stage}", "stage, last: =stage == 1}")),
            ("dilation_rate: =1 + last", "dilation_rate: =2 if last else 1"),
        ],
    ),
    "a pool of two steps": (
        ["at: stem.max_pooling2d, replace: [MaxPooling2D: 1, AveragePooling2D: 2]"],
        [(POOL, "MaxPooling2D: 1\n      - AveragePooling2D: 2")],
    ),
    "frozen first stages": (
        ["at: [stem, stage0], freeze: true"],
        [
            (STEM, STEM.replace("2}", "2, trainable: false}")),
            (POOL, "MaxPooling2D: {pool_size: 2, trainable: false}"),
            (PARAMS, "params: {filters: null, strides: 1, trainable: true}"),
            ("Activation: relu", "Activation: {activation: relu, trainable: ==}"),
            ("- BatchNormalization", "- BatchNormalization: {trainable: ==}"),
            ("merge: Add", "merge: {Add: {trainable: ==}}"),
            (FIRST, FIRST.replace("strides: ==", "strides: ==, trainable: ==")),
            (SECOND, SECOND.replace("3}", "3, trainable: ==}")),
            (CALL, CALL.replace("stage}", "stage, trainable: =stage > 0}")),
        ],
    ),
    "another shortcut": (
        [
            "at: stage1.unit*.shortcut, replace: [{Conv2D: {filters: =filters, kernel_size: 2, "
            "strides: =strides}}]"
        ],
        [("kernel_size: 1, strides: ==", "kernel_size: 2, strides: ==")],
    ),
    "another name for the head": (["at: head, rename: classifier"], []),
    "one call of a block": (
        ["at: 'stage1.*', set: {filters: =width * 3}"],
        [("=width * 2**stage", "=width * 2**stage if stage == 0 else width * 3")],
    ),
}


@pytest.mark.parametrize(("edits", "changes"), VARIANTS.values(), ids=VARIANTS)
@pytest.mark.thorough
def test_a_variant_is_the_network_written_out(
    edits: list[str], changes: list[tuple[str, str]]
) -> None:
    assert edited(*edits).fingerprint == written(*changes).fingerprint


@pytest.mark.parametrize("axis", ["3", "-1"])
@pytest.mark.parametrize("written", ["", "{axis: 3}", "{axis: -1}"])
def test_an_axis_is_the_same_from_the_first_and_from_the_last(axis: str, written: str) -> None:
    joined = f"{{branches: {{a: [ReLU], b: []}}, merge: {{Concatenate: {written}}}}}"
    graph = small(joined, f"of: {{Concatenate: {{axis: {axis}}}}}, replace: Add")
    assert [node.op for node in graph][-1] == "Add"


def test_two_heads_are_a_step_after_one_that_takes_another_value() -> None:
    fine = "{Dense: 3, name: coarse, from: global_average_pooling2d}"
    text = f"{BASE}outputs: [head, coarse]\nedit:\n  - {{at: head, insert_after: {fine}}}\n"
    whole = f"{BASE}  - {fine}\noutputs: [head, coarse]\n"
    assert archspec.loads(text).fingerprint == archspec.loads(whole).fingerprint


def test_the_block_of_an_import_is_inserted_and_edited() -> None:
    text = BASE.replace("archspec: 1\n", "archspec: 1\nimport: [squeeze_excite]\n")
    gate = "at: '**.main', insert_after: {squeeze_excite: {filters: 2}}"
    graph = archspec.loads(text, edits=[gate])
    whole = text.replace(SECOND, f"{SECOND}{12 * ' '}- squeeze_excite: {{filters: 2}}\n")
    assert graph.fingerprint == archspec.loads(whole).fingerprint
    inner = "of: {Conv2D: {activation: sigmoid}}, set: {activation: relu}"
    calls = "squeeze_excite: {filters: 2, gate: relu}"
    assert (
        archspec.loads(whole, edits=[inner]).fingerprint
        == archspec.loads(whole.replace("squeeze_excite: {filters: 2}", calls)).fingerprint
    )


# --- the rules, one by one -----------------------------------------------------------------------


def small(layers: str, *edits: str, top: str = "input: [8, 8, 4]", below: str = "") -> Graph:
    """A network of steps in one line, with edits."""
    return archspec.loads(f"archspec: 1\n{top}\nlayers: [{layers}]\n{below}\n", edits=edits)


CONV = "{Conv2D: {filters: 4, kernel_size: 1}}"
TWICE = f"{CONV}, {{Conv2D: {{filters: 5, kernel_size: 1}}}}, ReLU"
SIDE = "{branches: {a: [ReLU], b: [Softmax], c: []}, merge: Add}"


@table(
    "layers, edits, wired",
    {
        "what is inserted is numbered after the rest": (
            TWICE,
            [f"at: conv2d, insert_before: {CONV}"],
            "conv2d_2(input) conv2d(conv2d_2) conv2d_1(conv2d) re_lu(conv2d_1) -> re_lu",
        ),
        "what is removed leaves its number": (
            TWICE,
            ["at: conv2d, remove: true"],
            "conv2d_1(input) re_lu(conv2d_1) -> re_lu",
        ),
        "a step of another class has a name of its class": (
            TWICE,
            ["at: conv2d, replace: Softmax"],
            "softmax(input) conv2d_1(softmax) re_lu(conv2d_1) -> re_lu",
        ),
        "a step of the same class keeps the number": (
            TWICE,
            [f"of: {{Conv2D: 5}}, replace: {CONV}"],
            "conv2d(input) conv2d_1(conv2d) re_lu(conv2d_1) -> re_lu",
        ),
        "a list is a group of the old name": (
            TWICE,
            ["at: conv2d, replace: [Softmax, Softmax]"],
            "conv2d.softmax(input) conv2d.softmax_1(conv2d.softmax) conv2d_1(conv2d.softmax_1) "
            "re_lu(conv2d_1) -> re_lu",
        ),
        "several insertions are in the order written": (
            "{ReLU: {}, name: x}",
            [
                "at: x, insert_after: Softmax",
                "at: x, insert_before: [Dropout: 0.1, Softmax]",
                "at: x, insert_after: Flatten",
            ],
            "dropout(input) softmax(dropout) x(softmax) softmax_1(x) flatten(softmax_1) -> flatten",
        ),
        "a name stands for what is inserted after it": (
            "{ReLU: {}, name: x}, Softmax, {Add: null, from: [previous, x]}",
            ["at: x, insert_after: {Dropout: 0.1}"],
            "x(input) dropout(x) softmax(dropout) add(softmax dropout) -> add",
        ),
        "in the inserted steps it stands for the step": (
            "{ReLU: {}, name: x}, Softmax",
            ["at: x, insert_after: [Dropout: 0.1, {Add: null, from: [previous, x]}]"],
            "x(input) dropout(x) add(dropout x) softmax(add) -> softmax",
        ),
        "a step with a `from` may be inserted before": (
            "{ReLU: {}, name: x}, Softmax, {ReLU: {}, from: x, name: y}, "
            "{Add: null, from: [y, softmax]}",
            ["at: y, insert_before: {Dropout: 0.1}"],
            "x(input) softmax(x) dropout(x) y(dropout) add(y softmax) -> add",
        ),
        "a step with a `from` may replace one": (
            "{ReLU: {}, name: x}, {Softmax: {}, name: y}, {Add: null, name: z, from: [x, y]}",
            ["at: z, replace: {Subtract: null, from: [y, x]}"],
            "x(input) y(x) z(y x) -> z",
        ),
        "a loop in place of a step is a group": (
            "{ReLU: {}, name: x}, Softmax",
            ["at: x, replace: {ReLU: {}, repeat: 2}"],
            "x.re_lu(input) x.re_lu_1(x.re_lu) softmax(x.re_lu_1) -> softmax",
        ),
        "a merge may be replaced": (
            SIDE,
            ["at: add, replace: {Multiply: null, name: gate}"],
            "a.re_lu(input) b.softmax(input) gate(a.re_lu b.softmax input) -> gate",
        ),
        "a branch may be removed": (
            SIDE,
            ["at: b, remove: true"],
            "a.re_lu(input) add(a.re_lu input) -> add",
        ),
        "a branch may be filled, extended and renamed": (
            SIDE,
            [
                "at: c, insert_after: Softmax",
                "at: a, insert_before: {Dropout: 0.1}",
                "at: b, rename: d",
            ],
            "a.dropout(input) a.re_lu(a.dropout) d.softmax(input) c.softmax(input) "
            "add(a.re_lu d.softmax c.softmax) -> add",
        ),
        "an empty list in place of a branch is the identity": (
            SIDE,
            ["at: b, replace: []"],
            "a.re_lu(input) add(a.re_lu input input) -> add",
        ),
        "a branch of a loop has the loop's variable": (
            "{branches: {'p{i}': {for: {i: [1, 2]}, layers: [ReLU]}}, merge: Add}",
            ["at: 'p*', rename: 'path{i}'"],
            "path1.re_lu(input) path2.re_lu(input) add(path1.re_lu path2.re_lu) -> add",
        ),
        "a pattern finds what a rename of a higher file renames": (
            "{ReLU: {}, repeat: 2, name: x}, {Add: null, from: 'x*'}",
            ["at: x0, rename: z"],
            "z(input) x1(z) add(z x1) -> add",
        ),
        "it does not find what such a file inserts": (
            "{ReLU: {}, repeat: 2, name: x}, {Add: null, from: 'x*'}",
            ["at: x0, insert_before: {Softmax: {}, name: x9}"],
            "x9(input) x0(x9) x1(x0) add(x0 x1) -> add",
        ),
        "a call by `reuse` follows the step that it calls": (
            "{Dense: 4, name: x}, {reuse: x, name: y}",
            ["at: x, rename: z", "at: x, insert_after: ReLU"],
            "z(input) re_lu(z) y=z(re_lu) -> y",
        ),
        "steps may stand before and after a call by `reuse`": (
            "{Dense: 4, name: x}, {reuse: x, name: y}",
            ["at: y, insert_before: ReLU", "at: y, insert_after: Softmax"],
            "x(input) re_lu(x) y=x(re_lu) softmax(y) -> softmax",
        ),
        "a step may be removed together with what it takes": (
            "{ReLU: {}, name: x}, {Softmax: {}, name: y}, {ReLU: {}, from: x, name: z}, "
            "{Flatten: {}, from: y}",
            ["at: [x, z], remove: true"],
            "y(input) flatten(y) -> flatten",
        ),
        "removing what is around and what is in it is one removal": (
            "{name: g, layers: [ReLU, {name: h, layers: [Softmax]}]}, Flatten",
            ["at: [g, g.**], remove: true"],
            "flatten(input) -> flatten",
        ),
        "the step under `else` is the one that is there": (
            "{name: g, when: =1 > 2, layers: [ReLU], else: [Softmax]}",
            ["at: g.softmax, replace: {Dropout: 0.1}"],
            "g.dropout(input) -> g.dropout",
        ),
    },
)
def test_an_edit_wires_and_names(layers: str, edits: list[str], wired: str) -> None:
    assert wires(small(layers, *edits)) == wired


@table(
    "pattern, fitting",
    {
        "a name": ("a.b", "a.b"),
        "the letters of one part": ("a*", "a ab"),
        "several in one part": ("*a*b*", "ab"),
        "all that is in a step": ("a.**", "a.b a.b.c a.c"),
        "a name at any depth": ("**.c", "a.b.c a.c"),
        "any parts between": ("a.**.c", "a.b.c a.c"),
        "everything": ("**.**", "a ab a.b a.b.c a.c"),
    },
)
def test_a_pattern_fits(pattern: str, fitting: str) -> None:
    known = ["a", "ab", "a.b", "a.b.c", "a.c"]
    fits = translate(pattern).fullmatch
    assert [name for name in known if fits(name)] == fitting.split()


@pytest.mark.parametrize("pattern", ["a*" * 90 + "b", "**.a." * 40 + "b"])
def test_no_pattern_takes_long(pattern: str) -> None:
    assert not translate(pattern).fullmatch("a" * 200)
    assert not translate(pattern).fullmatch(".".join("a" * 200))


def test_edits_of_one_file_see_the_names_before_them() -> None:
    edits = ["at: x, rename: y", "at: y, rename: x"]
    assert names(small("{ReLU: {}, name: x}, {Softmax: {}, name: y}", *edits)) == "y x"


@table(
    "edits, name, values",
    {
        "the later of two values": (
            ["at: x, set: {units: 5, use_bias: false}", "at: x, set: {units: 6}"],
            "units",
            [6, 8],
        ),
        "over the defaults of the file": (
            ["of: Dense, set: {use_bias: true}"],
            "use_bias",
            2 * [True],
        ),
        "null, which is a value": (
            ["at: x, set: {activation: null}"],
            "activation",
            [None, "relu"],
        ),
        "a formula over the params of the file": (
            ["of: Dense, set: {units: =n + 1}"],
            "units",
            [4, 4],
        ),
        "a formula over shapes": (["of: Dense, set: {units: =previous.channels}"], "units", [4, 4]),
        "the name that it stands at": (["at: x, set: {units: ==}"], "units", [7, 8]),
    },
)
def test_set_gives_an_argument(edits: list[str], name: str, values: list[Any]) -> None:
    top = "params: {n: 3, units: 7}\ndefaults: {Dense: {use_bias: false, activation: relu}}"
    graph = small("{Dense: 8, name: x}, Dense: 8", *edits, top=f"{top}\ninput: [4]")
    assert argument(graph, name) == values


def test_a_loop_variable_outside_the_block_is_told_with_what_to_do() -> None:
    edit = "at: '**.main', insert_after: {Dropout: =0.1 * (stage + 1)}"
    error = only_error(lambda: edited(edit))
    assert error.message.startswith("the loop variable 'stage' is outside the block")
    assert error.hint == "give the block a param, set it at the calls by an edit, and name it here"
    again = "at: '**.main', insert_after: {ReLU: , for: {stage: [1, 2]}, name: 'r{stage}'}"
    assert "stage0.unit0.main.r2" in names(edited(again))


def test_formulas_see_the_step_first_and_then_the_file_with_the_edit() -> None:
    block = "blocks: {b: {params: {n: 2}, layers: [Dense: =n]}}\ninput: [4]"
    top = f"params: {{n: 9, m: 5}}\n{block}"
    graph = small("b, b: 3", "of: Dense, set: {units: =n * 10 + m}", top=top)
    assert argument(graph, "units") == [25, 35]
    loop = "{for: {i: [1, 2]}, name: 'g{i}', layers: [Dense: 1]}"
    assert argument(small(loop, "of: Dense, set: {units: =i * 3}", top="input: [4]"), "units") == [
        3,
        6,
    ]


def test_steps_that_an_edit_writes_have_the_defaults_of_its_file_and_not_of_the_block() -> None:
    top = "defaults: {Dense: {use_bias: false}}\ninput: [4]\nblocks: {b: {defaults: {Dense: "
    top += "{activation: relu}}, layers: [{Dense: 4, name: x}]}}"
    graph = small("b", "at: b.x, insert_after: {Dense: 3}", top=top)
    assert argument(graph, "use_bias") == [False, False]
    assert argument(graph, "activation") == ["relu", None]


def test_params_of_a_block_decide_what_is_in_it() -> None:
    assert (
        edited("at: 'stage0.*', set: {strides: 2}").fingerprint
        == written(("=1 + stage", "2")).fingerprint
    )


FRACTAL = """\
archspec: 1
input: [8, 8, 4]
blocks:
  fractal:
    params: {columns: null}
    layers:
      - branches:
          short: [Conv2D: {filters: 4, kernel_size: 1}]
          long: {when: =columns > 1, layers: [{fractal: =columns - 1, repeat: 2}]}
        merge: Average
layers:
  - fractal: 3
    name: f
"""


def test_calls_of_a_block_in_itself_are_edited_one_by_one() -> None:
    def kernels(edit: str) -> list[int]:
        graph = archspec.loads(FRACTAL, edits=[edit])
        return [each[0] for each in argument(graph, "kernel_size")]

    assert kernels("at: f.short.conv2d, set: {kernel_size: 1}") == [1] * 7
    assert kernels("at: f.long.*.short.conv2d, set: {kernel_size: 3, padding: same}").count(3) == 2
    leaves = "of: {fractal: 1}, insert_after: ReLU"
    assert sum(node.op == "ReLU" for node in archspec.loads(FRACTAL, edits=[leaves])) == 4
    shorter = archspec.loads(FRACTAL.replace("fractal: 3", "fractal: 2"))
    assert (
        archspec.loads(FRACTAL, edits=["at: f, set: {columns: 2}"]).fingerprint
        == shorter.fingerprint
    )


def test_a_block_that_is_called_again_has_the_edits_of_its_first_call() -> None:
    text = f"{FRACTAL}  - reuse: f\n    name: g\n"
    graph = archspec.loads(text, edits=["at: f.**.short.conv2d, set: {use_bias: false}"])
    assert [node.arguments["use_bias"] for node in graph if node.op == "Conv2D"] == [False] * 14


# --- files over files ----------------------------------------------------------------------------

LEVELS = {
    "base": """\
        params: {classes: 10}
        input: [8]
        layers: [{Dense: 8, name: hidden}, {Dense: =classes, name: head}]
        outputs: [head]
        train: {data: mnist, loss: {head: mse}}
        """,
    "middle": """\
        extends: base.yaml
        params: {width: 6}
        edit:
          - {at: head, insert_before: [Dense: =width, ReLU]}
          - {at: head, rename: classifier}
        """,
}


def test_an_edited_base_is_edited_by_the_names_that_it_has(tmp_path: Path) -> None:
    top = """\
        extends: middle.yaml
        params: {width: 7}
        edit:
          - {at: dense, set: {activation: tanh}}
          - {of: ReLU, replace: Softmax}
          - {at: classifier, rename: last}
          - {at: hidden, remove: true}
        """
    path = files(tmp_path, **LEVELS, main=top)
    graph = archspec.load(path)
    assert wires(graph) == "dense(input) softmax(dense) last(softmax) -> last"
    assert argument(graph, "units") == [7, 10]
    assert argument(graph, "activation") == ["tanh", None]
    assert graph.train["loss"] == {"last": "mse"}
    assert graph.base is not None
    assert names(graph.base) == "hidden dense re_lu classifier"
    files_of = [Path(each.span.source.name).stem for each in graph.edits]
    assert files_of == 2 * ["middle"] + 4 * ["main"]
    assert not graph.warnings
    more = archspec.load(path, edits=["at: last, set: {units: 3}"], **{"softmax.axis": 1})
    assert argument(more, "units") == [7, 3]


def test_outputs_have_the_names_of_their_own_file(tmp_path: Path) -> None:
    for outputs in ("classifier", "[classifier, dense]"):
        main = f"extends: middle.yaml\noutputs: [{outputs.strip('[]')}]\n"
        assert "classifier" in archspec.load(files(tmp_path, **LEVELS, main=main)).outputs
    main = files(tmp_path, **LEVELS, main="extends: middle.yaml\noutputs: [head]\n")
    error = only_error(lambda: archspec.load(main))
    assert "it is called 'classifier'" in said(error)


def test_what_a_lower_file_removes_is_said_to_be_removed(tmp_path: Path) -> None:
    middle = "extends: base.yaml\nedit: [{at: hidden, remove: true}]\n"
    main = "extends: middle.yaml\nedit: [{at: hidden, set: {units: 3}}]\n"
    path = files(tmp_path, base=LEVELS["base"], middle=middle, main=main)
    assert "'hidden' is not there: this removes it" in said(only_error(lambda: archspec.load(path)))


def test_a_base_whose_edit_meets_nothing_is_shown_the_param_that_is_given(tmp_path: Path) -> None:
    base = """
        params: {count: 2, units: 8}
        input: [8]
        layers:
          - {Dense: =units, name: part, repeat: =count}
        edit: [{at: part1, freeze: true}]
    """
    path = files(tmp_path, base=base, main="extends: base.yaml\nparams: {count: 1}\n")
    error = only_error(lambda: archspec.load(path))
    assert error.code == "edit-no-match"
    given = [note.span for note in error.notes if note.text == "'count' is given here"]
    assert [(Path(span.source.name).name, span.line) for span in given] == [("main.yaml", 3)]
    assert "units" not in said(error)


def test_a_pattern_for_what_is_in_a_step_that_a_condition_leaves_out_is_told() -> None:
    layers = "[{name: a, layers: [{when: =on, name: se, layers: [Dense: 3]}, Dense: 2]}]"
    text = f"archspec: 1\nparams: {{on: false}}\ninput: [4]\nlayers: {layers}\n"
    for at in ("**.se.**", "a.se.dense", "*.se.dense"):
        edits = [f"at: '{at}', freeze: true"]
        error = only_error(lambda edits=edits: archspec.loads(text, edits=edits))  # type: ignore[misc]
        assert error.notes[0].text == "'a.se' is not there: this is false"


def test_a_name_before_a_rename_of_a_lower_file_is_told_with_that_edit(tmp_path: Path) -> None:
    base = "input: [4]\nlayers: [{name: a, layers: [Dense: 3]}, {Dense: 2, name: head}]\n"
    low = "extends: base.yaml\nedit: [{at: a, rename: deep}]\n"
    mid = "extends: low.yaml\nedit: [{at: head, freeze: true}]\n"
    main = "extends: mid.yaml\nedit: [{at: a.dense, remove: true}]\n"
    path = files(tmp_path, base=base, low=low, mid=mid, main=main)
    error = only_error(lambda: archspec.load(path))
    (note,) = error.notes
    assert (note.text, error.hint) == ("renamed here", "did you mean 'deep.dense'?")
    assert note.span.source.name.endswith("low.yaml")


def test_layers_of_ones_own_leave_the_edits_of_the_base_behind(tmp_path: Path) -> None:
    main = """\
        extends: middle.yaml
        layers: [{Dense: 3, name: head}]
        edit: [{at: head, set: {use_bias: false}}]
        """
    graph = archspec.load(files(tmp_path, **LEVELS, main=main))
    assert names(graph) == "head"
    assert argument(graph, "use_bias") == [False]


def test_null_takes_the_edits_of_the_base_away(tmp_path: Path) -> None:
    path = files(tmp_path, **LEVELS, main="extends: middle.yaml\nedit: null\n")
    assert names(archspec.load(path)) == "hidden head"


def test_edits_of_an_imported_file_are_for_its_own_layers(tmp_path: Path) -> None:
    other = (
        "input: [8]\nblocks: {b: {layers: [ReLU]}}\nlayers: [b]\nedit: [{at: b, remove: true}]\n"
    )
    main = "import: [other.yaml]\ninput: [8]\nlayers: [b]\n"
    assert names(archspec.load(files(tmp_path, other=other, main=main))) == "b.re_lu"


def test_the_number_of_a_step_is_doubtful_among_ones_own_steps(tmp_path: Path) -> None:
    base = "input: [8]\nlayers: [{name: part, layers: [Dense: 3, Dense: 3]}]\n"
    main = "extends: base.yaml\nedit: [{at: '**.dense_1', freeze: true}]\n"
    (warning,) = archspec.load(files(tmp_path, base=base, main=main)).warnings
    assert (warning.code, warning.notes[0].text) == ("edit-numbered", "the step is written here")
    for first in ("part.dense", "**.dense"):
        (warning,) = archspec.load(
            files(tmp_path, base=base, main=main.replace("**.dense_1", first))
        ).warnings
        assert "'dense' is the first of several" in said(warning)
    alone = base.replace(", Dense: 3]", ", {Dense: 3, name: dense_1}]")
    assert not archspec.load(
        files(tmp_path, base=alone, main=main.replace("dense_1", "dense"))
    ).warnings
    wider = main.replace("dense_1", "dense*")
    assert not archspec.load(files(tmp_path, base=base, main=wider)).warnings
    shipped = main.replace("base.yaml", "resnet18").replace("dense_1", "conv2d_1")
    assert not archspec.load(files(tmp_path, main=shipped)).warnings
    whole = shipped.replace("**", "stage0.unit0.main")
    error = only_error(lambda: archspec.load(files(tmp_path, main=whole)))
    assert (error.code, error.hint) == ("edit-numbered", "say by `of` which layer is meant")


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        ("o.inner_1.dense", "error"),
        ("'*.inner_1.dense'", "warning"),
        ("'**.inner_1.**'", "warning"),
        ("o.inner.dense", "warning"),
        ("o.inner*.dense", None),
        ("'*.*.dense'", None),
    ],
)
def test_a_number_within_a_name_is_doubtful_as_at_its_end(
    at: str, kind: str | None, tmp_path: Path
) -> None:
    inner = "blocks: {inner: {layers: [Dense: 3]}}"
    text = f"{inner}\ninput: [8]\nlayers: [{{name: o, layers: [inner, inner]}}]"
    path = files(tmp_path, main=f"{text}\nedit: [{{at: {at}, freeze: true}}]\n")
    try:
        found = archspec.load(path).warnings
    except SpecError as error:
        found = error.diagnostics
    assert [(each.code, each.severity) for each in found] == [("edit-numbered", kind)] * bool(kind)


# --- what check, --edit, --set and `edit` say and write -------------------------------------------


def test_check_says_how_many_steps_each_edit_met(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(BASE + "edit:\n  - {of: Conv2D, set: {use_bias: false}}\n")
    done = command(tmp_path, "check", "-v", "net.yaml", "--edit", "at: 'stage*', freeze: true")
    assert done.returncode == 0
    assert done.stdout.endswith("--edit 'at: 'stage*', freeze: true':1:1: edit: 2 steps\n")
    done = command(tmp_path, "check", "-v", "net.yaml")
    assert done.stdout.endswith("net.yaml:36:5: edit: 11 steps\n")


def test_a_setting_with_dots_sets_an_argument_of_a_step() -> None:
    setting = edited(
        **{"stage1.unit0.filters": 9, "stage1.unit1.filters": 9, "head.use_bias": False}
    )
    edit = edited("at: 'stage1.*', set: {filters: 9}", "at: head, set: {use_bias: false}")
    assert setting.fingerprint == edit.fingerprint


def test_of_a_setting_and_an_edit_the_setting_wins() -> None:
    graph = edited("at: head, set: {units: 7, use_bias: false}", **{"head.units": 100})
    assert graph["head"].arguments["units"] == 100
    assert graph["head"].arguments["use_bias"] is False


def test_a_setting_is_for_one_step() -> None:
    with pytest.raises(UserError, match="is a pattern") as caught:
        edited(**{"stage*.unit0.strides": 1})
    assert (
        caught.value.hint == "of several steps: --edit 'at: \"stage*.unit0\", set: {strides: ...}'"
    )


@table(
    "setting, message",
    {
        "a step that is not there": ("hed.units", "did you mean 'head'?"),
        "a word that is misspelt": ("trian.epochs", "did you mean 'train'?"),
        "an argument that it lacks": ("head.unit", "did you mean 'units'?"),
        "an argument of a group": ("stem.filters", "is a group of steps"),
        "a whole argument": ("head.kernel_regularizer.L2", "an argument is set whole"),
        "a step or a place": ("zzz.units", "its steps: stem, stage0, stage1, head, global_"),
        "or a place": ("zzz.units", "; places: params, train, archspec"),
    },
)
def test_such_a_setting_must_name(setting: str, message: str) -> None:
    assert message in said(only_error(lambda: edited(**{setting: 3})))


def test_the_verb_writes_a_file_that_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(BASE)
    words = ["of: Dense, # all\n  set: {units: '=max(classes, 3) + 1'}", "at: head, rename: last"]
    options = [part for each in words for part in ("--edit", each)]
    done = command(tmp_path, "edit", "net.yaml", *options, "-o", "sub/variant.yaml")
    assert done.returncode == 0, done.stderr
    assert archspec.load(tmp_path / "sub/variant.yaml").fingerprint == edited(*words).fingerprint
    again = command(tmp_path, "edit", "net.yaml", *options, "-o", "sub/variant.yaml")
    assert "the file exists" in again.stderr


@pytest.mark.parametrize("edits", [edits for edits, _ in VARIANTS.values()], ids=VARIANTS)
@pytest.mark.thorough
def test_edits_are_written_as_they_are_meant(edits: list[str], tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(BASE)
    archspec.edit(tmp_path / "net.yaml", edits, tmp_path / "variant.yaml")
    text = (tmp_path / "variant.yaml").read_text()
    items = read_text(text, "variant.yaml").root.data["edit"].data
    assert list(map(to_plain, items)) == [to_plain(parse_edit(each)) for each in edits]


def test_an_edit_from_outside_calls_a_shipped_block_without_an_import(tmp_path: Path) -> None:
    spec = "input: [8, 8, 4]\nlayers: [Flatten, {Dense: 2, name: head}]"
    base = files(tmp_path, main=f"{spec}\n")
    inserted = "at: head, insert_before: {layer_scale: 0.1}"
    written, *_ = archspec.edit(base, [inserted], tmp_path / "mine.yaml")
    assert "import: [layer_scale]" in written.read_text(encoding="utf-8")
    assert archspec.load(written).fingerprint == archspec.load(base, edits=[inserted]).fingerprint


def test_a_block_of_the_file_is_called_before_a_shipped_one() -> None:
    own = "blocks: {layer_scale: {layers: [Softmax]}}"
    graph = small("layer_scale, {ReLU: {}, name: x}", "at: x, replace: layer_scale", below=own)
    assert [node.op for node in graph.nodes] == ["InputLayer", "Softmax", "Softmax"]


def test_the_verb_writes_nothing_for_an_edit_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(BASE)
    for words, said_ in (
        (["--edit", "at: hed, remove: true"], "did you mean 'head'?"),
        (["--edit", " "], "the edit is empty"),
        ([], "give an edit"),
    ):
        done = command(tmp_path, "edit", "net.yaml", *words, "-o", "variant.yaml")
        assert done.returncode
        assert said_ in done.stderr
    assert not (tmp_path / "variant.yaml").exists()


def test_a_run_keeps_the_edited_network_and_no_other_edit(tmp_path: Path) -> None:
    done = command(tmp_path, "train", "--resume", "run", "--edit", "at: head, remove: true")
    assert done.returncode == 2
    assert "cannot change a run's network" in done.stderr


# --- what no edit may do -------------------------------------------------------------------------


@table(
    "layers, edit, code, message",
    {
        "a merge by a list": (
            SIDE,
            "at: add, replace: [Add, ReLU]",
            "edit-inputs",
            "one step alone",
        ),
        "all branches": (SIDE, "at: [a, b, c], remove: true", "branches", "it was found here"),
        "a merge of one branch": (
            "{branches: {a: [ReLU], b: []}, merge: Subtract}",
            "at: b, remove: true",
            "merge-one",
            "it was found here",
        ),
        "branches without a merge, in the middle": (
            "{ReLU: {}, name: x}, Softmax",
            "at: x, insert_after: {branches: {a: [ReLU], b: []}}",
            "no-value",
            "`merge`",
        ),
        "a value that nothing takes any more": (
            "{ReLU: {}, name: x}, {Softmax: {}, name: y}, ReLU",
            "at: y, replace: {Softmax: {}, from: input}",
            "unused-step",
            "it was found here",
        ),
        "a rename to the name of another": (
            "{ReLU: {}, name: x}, {Softmax: {}, name: y}",
            "at: y, rename: x",
            "duplicate-name",
            "first used here",
        ),
        "a rename to a word of references": (
            "{ReLU: {}, name: x}",
            "at: x, rename: input",
            "name",
            "reserved",
        ),
        "a rename by a variable that is not there": (
            "{ReLU: {}, name: x}",
            "at: x, rename: 'x{i}'",
            "unknown-name",
            "'i'",
        ),
        "the group of a step that is reused": (
            "{Dense: 4, name: x}, {reuse: x, name: y}",
            "at: x, replace: [Dense: 4]",
            "reuse",
            "replace it by one layer or block",
        ),
        "an input": (
            "ReLU",
            "at: input, remove: true",
            "edit-no-match",
            "edit the steps that take it",
        ),
        "one name of steps that are numbered": (
            "{ReLU: {}, name: act, repeat: 2}",
            "at: act, remove: true",
            "edit-no-match",
            "did you mean 'act*'?",
        ),
        "a numbered group around a name": (
            "{name: part, repeat: 2, layers: [{ReLU: {}, name: act}]}",
            "at: part.act, remove: true",
            "edit-no-match",
            "did you mean 'part*.act'?",
        ),
        "a misspelt end of a pattern": (
            "{name: part, repeat: 2, layers: [{ReLU: {}, name: middle}]}",
            "at: part*.midle, remove: true",
            "edit-no-match",
            "did you mean 'part*.middle'?",
        ),
        "a misspelt end at any depth": (
            "{name: part, repeat: 2, layers: [{ReLU: {}, name: middle}]}",
            "at: '**.midle', remove: true",
            "edit-no-match",
            "did you mean '**.middle'?",
        ),
        "a pattern for what is not there": (
            "{name: part, repeat: 2, layers: [{ReLU: {}, name: act}, Softmax]}",
            "at: part*.head, remove: true",
            "edit-no-match",
            "in 'part*' there are act, softmax",
        ),
        "an argument under `of` with another value": (
            "{Dense: 4}",
            "of: {Dense: 5}, remove: true",
            "edit-no-match",
            "there are units: 4",
        ),
        "a misspelt argument under `of`": (
            "{Dense: 4}",
            "of: {Dense: {unit: 4}}, remove: true",
            "unknown-argument",
            "units",
        ),
        "a word for another step under `of`": (
            "ReLU",
            "of: {reuse: x}, remove: true",
            "schema",
            "one layer or block",
        ),
        "a layer of one input for one of inputs by name": (
            "{Reshape: [64, 4], name: x}, {MultiHeadAttention: {num_heads: 1, key_dim: 4}, "
            "name: y, from: {query: x, value: x}}",
            "at: y, replace: {Dense: 4}",
            "inputs",
            "write `from: previous` beside it, or the name of a step | it keeps this `from`",
        ),
        "an axis that there is not": (
            SIDE.replace("Add", "Concatenate"),
            "of: {Concatenate: {axis: 9}}, replace: Add",
            "edit-no-match",
            "there are axis: -1",
        ),
        "nothing to insert": (
            "{ReLU: {}, name: x}",
            "at: x, insert_after: []",
            "schema",
            "no steps",
        ),
    },
)
def test_no_edit_may_leave(layers: str, edit: str, code: str, message: str) -> None:
    error = only_error(lambda: small(layers, edit))
    assert error.code == code
    assert message in said(error)


@table(
    "edit, hint",
    {
        "a normalization": ("of: BN, freeze: true", "'BatchNormalization'"),
        "an activation": ("of: relu, freeze: true", "`of: {Activation: relu}`"),
        "another activation": ("of: gelu, freeze: true", "`of: {Activation: gelu}`"),
        "a layer in small letters": ("of: dense, freeze: true", "`of: Dense`"),
        "a shipped block": ("of: SE, freeze: true", "'squeeze_excite'"),
        "a kind for a name": ("at: GAP, freeze: true", "`of: GlobalAveragePooling2D`"),
        "a kind in a group": ("at: stem.Conv, freeze: true", "`at: stem.**, of: Conv2D`"),
        "a kind at any depth": ("at: '**.relu', freeze: true", "`of: {Activation: relu}`"),
        "a block to insert": ("at: head, insert_before: SE", "write `squeeze_excite`"),
        "one in small letters": ("at: head, insert_before: se", "'squeeze_excite'"),
        "one that is misspelt": ("at: head, insert_before: layer_scal", "'layer_scale'"),
        "a layer to insert": ("at: head, insert_before: ReLU6", "write `ReLU: 6`"),
    },
)
@pytest.mark.thorough
def test_what_people_call_a_layer_is_understood(edit: str, hint: str) -> None:
    found = only_error(lambda: edited(edit)).hint or ""
    assert hint in found
    assert "import" not in found


def test_a_param_of_the_file_is_made_one_of_a_block_to_be_set_at_a_call() -> None:
    edit = "at: 'dense3.unit*', set: {growth: 48}"
    error = only_error(lambda: archspec.load("densenet121", edits=[edit]))
    assert "`blocks: {unit: {params: {growth: ==}}}`" in said(error)
    own = "blocks: {unit: {params: {growth: ==}}}"
    graph = archspec.loads(f"archspec: 1\nextends: densenet121\n{own}\n", edits=[edit])
    grown = [node for node in graph if node.arguments.get("kernel_size") == (3, 3)]
    assert [node.arguments["filters"] for node in grown] == 42 * [32] + 16 * [48]


def test_a_misspelt_param_of_a_block_under_of_is_named() -> None:
    error = only_error(lambda: edited("of: {unit: {stride: 2}}, freeze: true"))
    assert "did you mean 'strides'?" in said(error)


@pytest.mark.parametrize(
    "text", ["at: x, set: {units: 2", "}", "[1]", "at: *a", "at: x\nremove: true"]
)
def test_an_edit_that_is_no_yaml_is_said_at_its_place(text: str) -> None:
    error = only_error(lambda: small("ReLU", text))
    assert error.span.source.name.startswith("--edit")


def test_an_edit_with_a_dash_or_on_lines_of_its_own_is_told_what_it_is() -> None:
    with pytest.raises(UserError, match="an item of a list") as dashed:
        parse_edit("- {at: head, remove: true}")
    assert dashed.value.hint == "leave the dash out: --edit '{at: head, remove: true}'"
    with pytest.raises(SpecError) as several:
        parse_edit("at: head\nset: {units: 3}")
    (found,) = several.value.diagnostics
    assert not found.notes
    assert str(found.hint).startswith("TEXT is what stands between the braces of one edit")


def test_the_outer_braces_of_an_edit_may_stand() -> None:
    bare = edited("at: head, set: {units: 3}")
    assert edited(" {at: head, set: {units: 3}}").fingerprint == bare.fingerprint


def test_a_library_has_no_steps_to_edit(tmp_path: Path) -> None:
    lib = "blocks: {b: {layers: [ReLU]}}\nedit: [{at: x, remove: true}]\n"
    main = "import: [lib.yaml]\ninput: [8]\nlayers: [b]\n"
    path = files(tmp_path, lib=lib, main=main)
    assert "neither `layers` nor a base" in said(only_error(lambda: archspec.load(path)))


def test_edits_are_given_as_a_list() -> None:
    with pytest.raises(TypeError, match="edits must be a list"):
        archspec.loads(BASE, edits="at: head, remove: true")
    with pytest.raises(UserError, match="the edit is empty"):
        archspec.loads(BASE, edits=[""])


# --- any network and any edit --------------------------------------------------------------------


def with_all_arguments(op: str, **given: Any) -> dict[str, Any]:
    """A step with each of its arguments, so that the defaults of a file are none of its own."""
    return {op: {name: each.default for name, each in LAYERS[op].arguments.items()} | given}


NEW = {**with_all_arguments("Dropout", rate=0.25), "name": "edited"}
WHAT: dict[str, Any] = {
    "insert_after": NEW,
    "insert_before": NEW,
    "replace": with_all_arguments("Softmax"),
    "remove": True,
    "set": {"trainable": False},
    "freeze": True,
    "rename": "edited",
}


def with_sources(step: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """A flat step that takes one step where it took another."""
    feed = step["from"]
    if isinstance(feed, dict):
        feed = {slot: new if each == old else each for slot, each in feed.items()}
    elif isinstance(feed, list):
        feed = [new if each == old else each for each in feed]
    return {**step, "from": new if feed == old else feed}


def change_flat(spec: dict[str, Any], verb: str, name: str, op: str) -> None:
    """Make the change of an edit in a flat spec, by hand."""
    layers = spec["layers"]
    at = next(n for n, each in enumerate(layers) if each["name"] == name)
    feed = layers[at]["from"]
    if verb in ("insert_after", "remove"):
        instead = "edited" if verb == "insert_after" else feed
        layers[at + 1 :] = [with_sources(each, name, instead) for each in layers[at + 1 :]]
        spec["outputs"] = [instead if each == name else each for each in spec["outputs"]]
    if verb == "insert_after":
        layers.insert(at + 1, {**NEW, "from": name})
    elif verb == "insert_before":
        layers[at] = with_sources(layers[at], feed, "edited")
        layers.insert(at, {**NEW, "from": feed})
    elif verb == "replace":
        layers[at] = {**WHAT["replace"], "name": name, "from": feed}
    elif verb == "remove":
        del layers[at]
    elif verb in ("set", "freeze"):
        layers[at][op] = {**(layers[at][op] or {}), "trainable": False}


def may_be_edited(graph: Graph, node: Node, verb: str) -> bool:
    """Whether an edit of the node alone is the same change of the flat spec."""
    shared = {each.reuses for each in graph} | {each.name for each in graph if each.reuses}
    if node.op == "InputLayer" or node.slots or LAYERS[node.op].takes == "list":
        return False
    if node.name in shared or re.search(r"_\d+$", node.name):
        return False
    (taken,) = node.inputs
    same = graph[taken].facts.shape == node.facts.shape and node.name not in graph.outputs
    return verb not in ("replace", "remove") or same


def loaded(text: str, *edits: str) -> Graph | set[str]:
    """The graph of a spec, or the codes of its errors."""
    try:
        return archspec.loads(text, edits=edits)
    except SpecError as error:
        return {each.code for each in error.diagnostics if each.severity == "error"}


@pytest.mark.parametrize("count", few_or_many(4, 150))
@pytest.mark.parametrize("verb", WHAT)
@pytest.mark.thorough
def test_an_edit_of_any_network_is_the_same_change_of_its_flat_spec(verb: str, count: int) -> None:
    met = 0

    def make(source: random.Random) -> tuple[str, float]:
        return write(draw(source))[0], source.random()

    def check(drawn: tuple[str, float]) -> None:
        nonlocal met
        text, where = drawn
        graph = archspec.loads(text)
        nodes = [node for node in graph if may_be_edited(graph, node, verb)]
        if not nodes or (verb == "remove" and "*" in text):  # patterns leave out what is removed
            return
        node = nodes[int(where * len(nodes))]
        spec = to_spec(graph)
        change_flat(spec, verb, flat_name(node.name), node.op)
        whole = loaded(write_yaml(spec))
        new = loaded(text, f"at: '{node.name}', {verb}: {write_value(WHAT[verb])}")
        if isinstance(new, set):
            assert isinstance(whole, set) or new <= {"edit-removed"}
            return
        assert isinstance(whole, Graph)
        assert new.fingerprint == whole.fingerprint
        kept = {each.name for each in graph if each is not node}
        assert kept <= {each.name for each in new}
        met += 1

    try_out(check, make, count)
    assert met > count // 10


@pytest.mark.parametrize("words", ["of: {Activation: relu}", 'at: "**.activation"'])
def test_what_another_edit_takes_away_is_not_met_by_a_pattern(words: str) -> None:
    edits = [f"{words}, set: {{activation: gelu}}", "at: stage3, remove: true"]
    both = archspec.load("resnet18", edits=edits)
    met = [each.count for each in archspec.load("resnet18", edits=edits[:1]).edits]
    left = [each.count for each in both.edits]
    assert left == [met[0] - 4, 1]
    alone = archspec.load("resnet18", edits=edits[1:])
    assert len(both.nodes) == len(alone.nodes)


def test_an_edit_of_nothing_but_what_another_takes_away_is_a_conflict() -> None:
    edits = ["at: stage3.**, of: Conv2D, freeze: true", "at: stage3, remove: true"]
    error = only_error(lambda: archspec.load("resnet18", edits=edits))
    assert error.code == "edit-conflict"


def trained(*edits: str) -> set[str]:
    """The parts of ResNet-18 that have weights which are trained."""
    graph = archspec.load("resnet18", edits=edits)
    nodes = [node for node in graph if node.facts.weights and node.arguments["trainable"]]
    return {node.name.split(".")[0] for node in nodes}


@table(
    "edits, left",
    {
        "all": (['at: "**", freeze: true'], set()),
        "all but a layer": (
            ['at: "**", freeze: true', "at: head, set: {trainable: true}"],
            {"head"},
        ),
        "all but a group": (['at: "**", freeze: true', "at: stage3, freeze: false"], {"stage3"}),
        "the later wins": (["at: stage3, freeze: false", 'at: "**", freeze: true'], set()),
        "the later wins over an argument": (
            [
                "of: Dense, set: {units: 3, trainable: false}",
                'at: "**", freeze: true',
                "at: head, freeze: false",
            ],
            {"head"},
        ),
        "but what replaces a layer": (
            [
                'at: "**", freeze: true',
                "at: head, insert_after: {Dense: {units: 8, trainable: true}}",
            ],
            {"dense"},
        ),
        "but what is put beside": (
            ["at: stem, freeze: true", "at: '**', freeze: true", "at: stem, insert_after: CONV"],
            {"conv2d"},
        ),
        "whatever the order": (
            ["at: stage3, insert_before: CONV", "at: '**', freeze: true"],
            {"conv2d"},
        ),
        "with what is put into it": (
            ["at: '*', freeze: true", "at: stage3.unit0, insert_after: CONV"],
            set(),
        ),
    },
)
@pytest.mark.thorough
def test_what_is_frozen(edits: list[str], left: set[str]) -> None:
    conv = "{Conv2D: {filters: =previous.channels, kernel_size: 1}}"
    assert trained(*(each.replace("CONV", conv) for each in edits)) == left


def test_a_layer_that_says_itself_that_it_is_not_trained_is_left_so_with_a_word() -> None:
    fixed = "{Dense: {units: 4, trainable: =off}, name: NAME}"
    layers = ", ".join(fixed.replace("NAME", name) for name in ("a", "b"))
    text = f"archspec: 1\nparams: {{off: false}}\ninput: [4]\nlayers: [{layers}, Dense: 2]\n"
    (warning,) = archspec.loads(text, edits=["at: '**', freeze: false"]).warnings
    assert said(warning).startswith("'a' and 1 more say `trainable: false` themselves")
    again = ["at: '**', freeze: false", "at: a, set: {trainable: true}", "at: b, freeze: true"]
    graph = archspec.loads(text, edits=again)
    assert not graph.warnings
    assert [node.arguments["trainable"] for node in graph if node.op == "Dense"] == [
        *(True, False, True)
    ]
    error = only_error(lambda: archspec.loads(text, edits=["at: a, freeze: false"]))
    assert (error.code, error.hint) == ("edit-set", "write `set: {trainable: true}`")


@table(
    "base, variant, left",
    {
        "beside a step of a lower file": (
            "at: body, freeze: true",
            "at: body, insert_after: {Dense: 3}",
            {"dense", "head"},
        ),
        "in the place of one": (
            "at: body, freeze: true",
            "at: body, replace: {Dense: 3}",
            {"body", "head"},
        ),
        "in one": (
            "at: body, freeze: true",
            "at: body.dense, insert_after: {Dense: 3}",
            {"head"},
        ),
        "a step that a lower file has replaced": (
            "at: body, replace: {Dense: 3}",
            "at: body, freeze: true",
            {"head"},
        ),
        "a part of what a lower file has put in its place": (
            "at: body, replace: [{branches: {a: [Dense: 4], b: []}, merge: Add}]",
            "at: body.a, freeze: true",
            {"head"},
        ),
        "a branch, with what is put into it": (
            "at: body, replace: [{branches: {a: [Dense: 4], b: []}, merge: Add}]",
            "at: body.a, freeze: true}, {at: body.a, insert_before: {Dense: 4}",
            {"head"},
        ),
    },
)
def test_what_is_frozen_across_files(
    base: str, variant: str, left: set[str], tmp_path: Path
) -> None:
    layers = "layers: [{name: body, layers: [Dense: 4]}, {Dense: 2, name: head}]"
    files(tmp_path, base=f"input: [4]\n{layers}\nedit: [{{{base}}}]\n")
    path = files(tmp_path, main=f"extends: base.yaml\nedit: [{{{variant}}}]\n")
    graph = archspec.load(path)
    weighted = [node for node in graph if node.facts is not None and node.facts.weights]
    assert {node.name for node in weighted if node.arguments["trainable"]} == left


@pytest.mark.parametrize(
    "edit",
    ["at: auxiliary4a, rename: side", "at: head, insert_after: Identity", "at: head, rename: last"],
)
def test_losses_follow_the_outputs_that_an_edit_names_anew(edit: str) -> None:
    graph = archspec.load("googlenet", edits=[edit])
    assert set(graph.train["loss_weights"].values()) == {1, 0.3}
    assert recipe_of(graph).loss_weights.keys() == set(graph.outputs)


def test_an_edit_that_names_a_param_of_a_block_uses_it() -> None:
    spec = """
archspec: 1
extends: resnet18
blocks: {residual: {params: {rate: 0}}}
edit:
  - {of: residual, set: {rate: =0.1 * stage}}
  - {at: "**.main", insert_after: {Dropout: =rate}}
"""
    assert archspec.loads(spec).warnings == ()


def test_an_error_after_edits_names_them() -> None:
    error = only_error(lambda: archspec.load("resnet18", edits=["at: stem, set: {filters: 128}"]))
    assert error.span.source.name.startswith("--edit")
    assert "it was found here" in [note.text for note in error.notes]


def test_an_error_after_an_edit_by_kind_names_the_step_that_brings_it_about() -> None:
    """One that the user hardly thought of: a block that is imported has a layer of the kind."""
    edits = ["of: DepthwiseConv2D, set: {kernel_size: 3}"]
    error = only_error(lambda: archspec.load("convnext_tiny", edits=edits))
    assert "'stage0.unit0.layer_scale.depthwise_conv2d' is written here" in said(error)


def test_an_error_after_a_removal_names_it_and_no_other_edit(tmp_path: Path) -> None:
    main = """\
        extends: unet
        edit:
          - {at: down0.convolutions, freeze: true}
          - {at: head, rename: classes}
          - {at: [down3, up3], remove: true}
        """
    error = only_error(lambda: archspec.load(files(tmp_path, main=main)))
    assert (error.code, error.span.line) == ("shape", 6)
    assert "'up3' is written here" in said(error)


def test_an_edit_from_outside_asks_for_no_change_of_the_file() -> None:
    text = "defaults: {Dense: {use_bias: false}}\nblocks: {b: {layers: [Dense: 4]}}\ninput: [4]"
    graph = small("{b: , name: x}, ReLU", "at: x, remove: true", top=text)
    assert not graph.warnings


def test_what_another_edit_takes_away_by_a_condition_is_not_met_either() -> None:
    edits = ["of: bottleneck, set: {squeeze: false}", "of: Conv2D, set: {use_bias: true}"]
    graph = archspec.load("mobilenet_v3", edits=edits)
    assert [each.count for each in graph.edits] == [15, sum(n.op == "Conv2D" for n in graph)]
    inside = [edits[0], "of: squeeze_excite, freeze: true"]
    error = only_error(lambda: archspec.load("mobilenet_v3", edits=inside))
    assert error.code == "edit-conflict"


def test_outputs_that_an_edit_adds_are_named_in_a_file() -> None:
    with pytest.raises(UserError) as caught:
        edited(outputs=["head"])
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("write `outputs` in the file")


@table(
    "edits, names",
    {
        "freeze all, new head": (
            ['at: "*", freeze: true', "at: head, replace: {Dense: 5}"],
            {"head"},
        ),
        "in the other order": (
            ["at: head, replace: {Dense: 5}", 'at: "**", freeze: true'],
            {"head"},
        ),
        "all but one": (
            ["of: Dense, replace: {Dense: 5}", "at: head, replace: {Dense: 7}"],
            {"body.dense", "head"},
        ),
    },
)
def test_a_pattern_leaves_out_what_another_edit_replaces(edits: list[str], names: set[str]) -> None:
    layers = "{name: body, layers: [Dense: 4]}, {Dense: 3, name: head}"
    graph = small(layers, *edits)
    dense = [node for node in graph if node.op == "Dense"]
    assert {node.name for node in dense if node.arguments["trainable"]} == names


@pytest.mark.parametrize(
    "edits",
    [
        ["of: Dense, replace: {Dense: 5}", "at: '**.dense', replace: {Dense: 7}"],
        ["at: head, freeze: true", "at: head, replace: {Dense: 5}"],
        ["at: 'hea*', freeze: true", "at: head, replace: {Dense: 5}"],
        ["of: Dense, insert_before: {Dropout: 0.1}", "at: head, replace: {Dense: 5}"],
    ],
)
def test_what_is_replaced_has_no_other_edit_for_it_alone(edits: list[str]) -> None:
    layers = "{name: body, layers: [Dense: 4]}, {Dense: 3, name: head}"
    assert only_error(lambda: small(layers, *edits)).code == "edit-conflict"


STRIDES = "at: stage0.unit0, set: {strides: 2}"
NORMALIZED = "of: BatchNormalization, replace: {GroupNormalization: {groups: 8}}"


@table(
    "edits, first",
    {
        "by `of`": ([STRIDES, NORMALIZED], "'stage0.unit0.shortcut.batch_normalization' is"),
        "by a pattern": (
            ["at: '**.shortcut.*', insert_after: {Dropout: 0.1}", STRIDES],
            "'stage0.unit0.shortcut.conv2d' and 1 more are",
        ),
        "what is frozen around it": ([STRIDES, "at: '**', freeze: true"], None),
        "what an edit writes": (
            ["of: Dense, set: {use_bias: false}", "at: head, insert_before: {Dense: 3}"],
            None,
        ),
        "what has moved": (["at: stage0, remove: true", NORMALIZED], None),
    },
)
def test_a_step_that_another_edit_brings_into_being_is_not_met(
    edits: list[str], first: str | None
) -> None:
    warnings = archspec.load("resnet18", edits=edits).warnings
    assert [each.code for each in warnings] == ["edit-unmet"] * (first is not None)
    for warning in warnings:
        assert warning.message.startswith(str(first))
        assert [note.text for note in warning.notes] == ["this edits 'stage0.unit0'"]


def test_a_second_file_meets_what_the_first_brings_into_being(tmp_path: Path) -> None:
    first = f"extends: resnet18\nedit: [{{{STRIDES}}}]\n"
    both = f"extends: resnet18\nedit: [{{{STRIDES}}}, {{{NORMALIZED}}}]\n"
    second = f"extends: first.yaml\nedit: [{{{NORMALIZED}}}]\n"
    assert not archspec.load(files(tmp_path, first=first, main=second)).warnings
    (warning,) = archspec.load(files(tmp_path, main=both)).warnings
    assert warning.hint == "write this edit into a second file, which extends this one"
    third = "extends: first.yaml\nedit: [{at: head, freeze: true}]\n"
    (warning,) = archspec.load(files(tmp_path, first=both, main=third)).warnings
    assert (warning.code, warning.span.source.name) == ("edit-unmet", str(tmp_path / "first.yaml"))


@table(
    "edits, warned",
    {
        "hidden": ("{at: '**.main', insert_after: {SpatialDropout2D: =filters / 1000}}", True),
        "by `==`": ("{at: '**.main.conv2d', set: {filters: ==}}", True),
        "shown at another step": (
            "{at: '**.main', insert_after: {SpatialDropout2D: =filters / 1000}}, "
            "{at: head, insert_before: {Dense: =filters}}",
            False,
        ),
    },
)
def test_a_param_that_the_edited_step_hides_is_unused(edits: str, warned: bool) -> None:
    params = "params: {filters: 7}"
    graph = archspec.loads(f"archspec: 1\nextends: resnet18\n{params}\nedit: [{edits}]\n")
    assert [each.code for each in graph.warnings] == ["unused-param"] * warned
    for warning in graph.warnings:
        assert "'filters' in an edit is what the edited step calls so" in said(warning)


RENAMED = "extends: googlenet\nedit: [{at: auxiliary4a, rename: side}]\n"


@table(
    "weights, found",
    {
        "the name after the edits": ("{side: 0.5}", {"side.head": 0.5}),
        "that before them": ("{auxiliary4a: 0.5}", "it is called 'side'"),
        "both": ("{auxiliary4a: 0.5, side: 0.7}", "it is called 'side'"),
        "a block and its last step": (
            "{side: 0.5, side.head: 0.7}",
            "'side' and 'side.head' are one output",
        ),
    },
)
@pytest.mark.thorough
def test_a_recipe_has_the_names_after_the_edits_of_its_file(
    weights: str, found: dict[str, float] | str, tmp_path: Path
) -> None:
    path = files(tmp_path, main=f"{RENAMED}train: {{loss_weights: {weights}}}\n")
    if isinstance(found, str):
        assert found in said(only_error(lambda: archspec.load(path)))
    else:
        assert archspec.load(path).train["loss_weights"] == found


def test_a_setting_of_a_recipe_has_the_name_after_the_edits(tmp_path: Path) -> None:
    path = files(tmp_path, main=RENAMED)
    graph = archspec.load(path, **{"train.loss_weights.side": 0.7})
    assert graph.train["loss_weights"]["side.head"] == 0.7


def test_losses_follow_two_outputs_that_change_their_names(tmp_path: Path) -> None:
    heads = "{Dense: 2, name: a}, {Dense: 3, name: b, from: input}"
    base = f"input: [4]\nlayers: [{heads}]\noutputs: [a, b]\n"
    base += "train: {loss_weights: {a: 1, b: 2}}\n"
    main = "extends: base.yaml\nedit: [{at: a, rename: b}, {at: b, rename: a}]\n"
    graph = archspec.load(files(tmp_path, base=base, main=main))
    assert [graph[name].arguments["units"] for name in graph.outputs] == [2, 3]
    assert (graph.outputs, graph.train["loss_weights"]) == (("b", "a"), {"b": 1, "a": 2})


def test_a_recipe_without_what_an_edit_removes_is_shown(tmp_path: Path) -> None:
    main = "extends: googlenet\noutputs: [head]\nedit: [{at: 'auxiliary*', remove: true}]\n"
    error = only_error(lambda: archspec.load(files(tmp_path, main=main)))
    assert error.hint == "write what is left: train: {loss_weights: {head: 1}}"


def test_the_verb_shows_the_layers_to_check_the_file_with(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples/own_layers/my_layers.py", tmp_path / "own.py")
    words = ["edit", "lenet5", "--edit", "of: Dense, freeze: true", "--layers", "own.py"]
    done = command(tmp_path, *words, "-o", "ed.yaml")
    assert "check it: archspec check -v ed.yaml --layers own.py" in done.stdout, done.stderr


def test_a_file_that_cannot_be_written_is_shown_every_end(tmp_path: Path) -> None:
    done = command(tmp_path, "build", "lenet5", "-o", "x.h5")
    assert "others in .weights.h5, .json, .onnx, .tflite" in done.stderr


def test_the_verb_names_no_option_of_another(tmp_path: Path) -> None:
    words = ["edit", "lenet5", "--edit", "of: Dense, freeze: true", "-o", "lenet5.yaml"]
    done = command(tmp_path, *words)
    assert done.returncode == 1
    assert "hint: choose another name\n" in done.stderr


def test_a_momentum_of_a_half_is_the_same_in_pytorch() -> None:
    assert not archspec.load("resnet18", **{"batch_normalization.momentum": 0.5}).warnings
    assert archspec.load("resnet18", **{"batch_normalization.momentum": 0.4}).warnings


def test_an_error_in_what_is_put_beside_a_step_names_no_edit_beside_it() -> None:
    edits = [f"at: head, insert_after: {{Dense: {units}}}" for units in (3, 4)]
    edits += ["at: head, insert_after: {MaxPooling2D: 2}", "at: head, set: {units: 7}"]
    notes = only_error(lambda: archspec.load("resnet18", edits=edits)).notes
    found = [note.span.source.name for note in notes if note.text == "edited here"]
    assert found == [f"--edit '{edits[2]}'", f"--edit '{edits[3]}'"]


def test_one_name_beside_two_groups_is_not_told_of_a_loop() -> None:
    groups = ", ".join(f"{{name: down{each}, layers: [Dense: 3]}}" for each in (1, 2))
    text = f"archspec: 1\ninput: [4]\nlayers: [{groups}, Dense: 2]\n"
    edits = ["at: 'down*', insert_after: {Dense: 3, name: extra}"]
    error = only_error(lambda: archspec.loads(text, edits=edits))
    assert error.hint == "names are unique in a group: write an edit for each, by `at` or `of`"


def test_one_name_in_a_repeat_is_told_apart_by_the_index() -> None:
    layers = "{Dense: 4, repeat: 3}, {Dense: 2, name: head}"
    edit = "of: {Dense: 4}, rename: x"
    assert "{index}" in said(only_error(lambda: small(layers, edit)))
    graph = small(layers, edit.replace("x", "'x{index}'"))
    assert [node.name for node in graph][1:] == ["x0", "x1", "x2", "head"]


@table(
    "edits, hint",
    {
        "a list for a merge": (
            ["at: stage0.unit0.add, replace: [Add, ReLU]"],
            "is `insert_before` at the step that takes it, or `insert_after` in a second file",
        ),
        "weights of a block": (
            ["at: stage0.unit0, set: {trainable: false}"],
            "write `freeze: true` in place of `set`",
        ),
        "weights of a group": (
            ["at: stage0, set: {trainable: true}"],
            "write `freeze: false` in place of `set`",
        ),
        "a verb under `set`": (
            ["at: head, set: {insert_after: {Dense: 3}}"],
            "write `insert_after: {Dense: 3}` in place of `set`",
        ),
        "no step": (
            ["at: head, replace: null"],
            "write a step, `replace: ReLU`, or `remove: true`",
        ),
        "no step beside": (["at: head, insert_after: ''"], "write a step, `insert_after: ReLU`"),
        "no kind": (["of: null, remove: true"], "or leave it out"),
        "one name in a loop": (["at: stage*, rename: foo"], "the loop variable, {stage}"),
        "one name in a loop of units": (
            ["at: stage3.unit*, rename: 'u{stage}'"],
            "the loop variable, {unit}",
        ),
        "one name of several steps": (
            ["of: Conv2D, rename: foo"],
            "write an edit for each, by `at` or `of`",
        ),
        "three stars": (["at: '***', freeze: true"], "within a part write one `*`"),
        "two stars in a part": (["at: [head, st**], freeze: true"], "within a part write one `*`"),
    },
)
@pytest.mark.thorough
def test_a_hint_can_be_followed(edits: list[str], hint: str) -> None:
    assert hint in (only_error(lambda: archspec.load("resnet18", edits=edits)).hint or "")


@table(
    "setting, value, edit",
    {
        "freeze": ("stem.freeze", True, "at: stem, freeze: true"),
        "remove": ("stage3.remove", True, "at: stage3, remove: true"),
        "name": ("stage0.unit0.name", "x", "at: stage0.unit0, rename: x"),
        "trainable": ("stage3.trainable", False, "at: stage3, freeze: true"),
    },
)
def test_a_setting_that_is_no_argument_is_shown_as_an_edit(
    setting: str, value: object, edit: str
) -> None:
    error = only_error(lambda: archspec.load("resnet18", **{setting: value}))
    assert error.hint == f"give it as an edit: --edit '{edit}'"
    assert archspec.load("resnet18", edits=[edit]).nodes


def test_a_broken_file_is_not_said_to_have_no_steps() -> None:
    with pytest.raises(SpecError) as caught:
        archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dens: 3]\n", **{"foo.units": 3})
    found = str(caught.value)
    assert "places: params" in found
    assert "its steps" not in found
