"""Blocks: their params, what their formulas see, and which defaults reach which layers."""

from pathlib import Path

import pytest
from texts import INPUT, argument, files, here, net, only_error, refused, said, table, wires

import archspec

pytestmark = pytest.mark.thorough


def units(blocks: str, layers: str, top: str = "input: [4]", **params: object) -> list[int]:
    return argument(net(layers, f"{top}\nblocks: {{{blocks}}}", **params), "units")


# --- params --------------------------------------------------------------------------------------


@table(
    "blocks, layers, found",
    {
        "a param is given by name": (
            "b: {params: {n: null}, layers: [{Dense: =n}]}",
            "- b: {n: 3}",
            [3],
        ),
        "a scalar is the first param": (
            "b: {params: {n: null, m: 1}, layers: [{Dense: =10 * n + m}]}",
            "- b: 3",
            [31],
        ),
        "a list is the first param": (
            "b: {params: {n: null}, layers: [{Dense: '=n[1]'}]}",
            "- b: [3, 5]",
            [5],
        ),
        "a default holds where nothing is given": (
            "b: {params: {n: 7}, layers: [{Dense: =n}]}",
            "- b\n- b:\n- b: {}\n- b: {n: 2}",
            [7, 7, 7, 2],
        ),
        "a default may be a formula over earlier params": (
            "b: {params: {n: null, m: =n * 2}, layers: [{Dense: =m}]}",
            "- b: 3\n- b: {n: 3, m: 1}",
            [6, 1],
        ),
        "and over the file's params": (
            "b: {params: {n: =width}, layers: [{Dense: =n}]}",
            "- b",
            [9],
        ),
        "a default may be channels": (
            "b: {params: {n: =channels + 1}, layers: [{Dense: =n}]}",
            "- b\n- b",
            [5, 6],
        ),
        "a block sees its file's params": ("b: {layers: [{Dense: =width}]}", "- b", [9]),
        "block params may hide file params": (
            "b: {params: {width: 2}, layers: [{Dense: =width}]}",
            "- b\n- Dense: =width",
            [2, 9],
        ),
        "a hidden file param may be the default of the one that hides it": (
            "b: {params: {width: =width + 1}, layers: [{Dense: =width}]}",
            "- b",
            [10],
        ),
        "arguments are evaluated where the call is written": (
            "b: {params: {width: null}, layers: [{Dense: =width}]}",
            "- b: =width * 2",
            [18],
        ),
        "arguments of a call within a block are evaluated there": (
            "a: {params: {n: null}, layers: [{Dense: =n}]}, "
            "b: {params: {n: null}, layers: [{a: =n + 1}]}",
            "- b: 3",
            [4],
        ),
        "loop variables reach a block as arguments": (
            "b: {params: {n: null}, layers: [{Dense: =n}]}",
            "- {for: {i: [3, 4]}, b: =i}",
            [3, 4],
        ),
        "null may be given": (
            "b: {params: {n: null}, layers: [{Dense: =5 if n == null else n}]}",
            "- b: {n: null}",
            [5],
        ),
        "channels is that of the block's own input": (
            "b: {layers: [{Dense: 7}, {Dense: =channels}]}",
            "- b\n- b",
            [7, 4, 7, 4],
        ),
        "channels in a group is that of the enclosing block": (
            "b: {layers: [{Dense: 7}, {name: g, layers: [{Dense: =channels}]}]}",
            "- Dense: 5\n- b",
            [5, 7, 5],
        ),
        "channels of the caller reaches a block as an argument": (
            "b: {params: {n: null}, layers: [{Dense: =n + channels}]}",
            "- Dense: 5\n- b: =input.channels",
            [5, 9],
        ),
        "a block that calls itself under a when ends where that is false": (
            "b: {params: {n: 3}, layers: [{Dense: =n}, {when: =n > 1, b: =n - 1}]}",
            "- b",
            [3, 2, 1],
        ),
        "== is the value of that name here": (
            "b: {params: {n: 3}, layers: [{Dense: =n}, {when: =n > 1, c: {n: ==, m: 1}}]},"
            "c: {params: {n: null, m: 2}, layers: [{Dense: =n + m}]}",
            "- b",
            [3, 4],
        ),
        "== of a block's param is the file's param of that name": (
            "b: {params: {width: ==}, layers: [{Dense: =width}]}",
            "- b",
            [9],
        ),
        "a block's params see the shape of its input": (
            "b: {params: {n: =2 * input.channels}, layers: [{Dense: =n}]}",
            "- Dense: 3\n- b",
            [3, 6],
        ),
        "blocks may be declared in any order": (
            "b: {layers: [a]}, a: {layers: [{Dense: 3}]}",
            "- b",
            [3],
        ),
        "a mapping may be given": (
            "b: {params: {rows: null}, layers: [{for: =rows, Dense: =n}]}",
            "- b: {rows: [{n: 3}, {n: 4}]}",
            [3, 4],
        ),
    },
)
def test_a_blocks_param(blocks: str, layers: str, found: list[int]) -> None:
    assert units(blocks, layers, "input: [4]\nparams: {width: 9}") == found


@table(
    "blocks, layers, code, place, words",
    {
        "a param that the caller must give": (
            "b: {params: {n: null}, layers: [{Dense: =n}]}",
            "- b",
            "missing-argument",
            "b",
            "declared here, without a default",
        ),
        "a param that the block lacks": (
            "b: {params: {width: 3}, layers: [{Dense: =width}]}",
            "- b: {widht: 3}",
            "unknown-argument",
            "widht",
            "did you mean 'width'",
        ),
        "a value for a block without params": (
            "b: {layers: [ReLU]}",
            "- b: 3",
            "unknown-argument",
            "3",
            "has no params",
        ),
        "a modifier among the params": (
            "b: {params: {n: 1}, layers: [ReLU]}",
            "- b: {n: 1, name: x}",
            "unknown-argument",
            "name",
            "stands beside 'b'",
        ),
        "a name of the caller": (
            "b: {layers: [{Dense: =n}]}, a: {params: {n: 1}, layers: [b]}",
            "- a",
            "unknown-name",
            "n",
            "no param or loop variable",
        ),
        "a default over a later param": (
            "b: {params: {n: =m, m: 1}, layers: [{Dense: =n}]}",
            "- b",
            "unknown-name",
            "m",
            "no param or loop variable",
        ),
        "a loop variable that hides a block's param": (
            "b: {params: {n: 1}, layers: [{for: {n: [2]}, Dense: =n}]}",
            "- b",
            "name",
            "n",
            "hides",
        ),
        "a loop variable in a block that hides a file's param": (
            "b: {layers: [{for: {width: [2]}, Dense: =width}]}",
            "- b",
            "name",
            "width",
            "hides",
        ),
        "a param called channels": (
            "b: {params: {channels: 1}, layers: [ReLU]}",
            "- b",
            "name",
            "channels",
            "already means something",
        ),
        "a block that calls itself": (
            "b: {layers: [b]}",
            "- b",
            "recursive-block",
            "b",
            "without end: b -> b",
        ),
        "blocks that call each other": (
            "a: {layers: [b]}, b: {layers: [a]}",
            "- a",
            "recursive-block",
            "a",
            "a -> b -> a",
        ),
        "a block that nobody declared": ("b: {layers: [ReLU]}", "- c", "unknown-layer", "c", "'c'"),
        "a block that looks like a layer": ("B: {layers: []}", "- ReLU", "name", "B", "snake_case"),
        "a word that blocks lack": (
            "b: {layers: [], outputs: [x]}",
            "- b\n- ReLU",
            "unknown-word",
            "outputs",
            "'outputs'",
        ),
    },
)
def test_a_block_cannot(blocks: str, layers: str, code: str, place: str, words: str) -> None:
    error = refused(layers, f"input: [4]\nparams: {{width: 9}}\nblocks: {{{blocks}}}")
    assert (error.code, here(error), words in said(error)) == (code, place, True), str(error)


def test_a_missing_param_shows_the_call_and_the_declaration() -> None:
    error = refused("- b", "input: [4]\nblocks:\n  b: {params: {n: null}, layers: [{Dense: =n}]}")
    assert error.span.line == 6
    assert [note.span.line for note in error.notes] == [4]


def test_an_error_inside_a_block_says_who_called_it() -> None:
    top = "input: [4]\nblocks:\n  b: {params: {n: 1}, layers: [{Dense: =n}]}\n"
    error = refused("- b\n- b: 0", top)
    assert here(error) == "=n"
    notes = [(note.span.line, note.text) for note in error.notes]
    assert notes == [(7, "`n` is 0 here"), (7, "in block 'b', as b_1")]


# --- defaults ------------------------------------------------------------------------------------

DEFAULTS = """
params: {way: same}
defaults:
  Conv2D: {kernel_size: 3, padding: =way, use_bias: false}
"""


def convs(layers: str, top: str = DEFAULTS) -> list[tuple[object, ...]]:
    """Kernel size, padding, bias and filters of each convolution."""
    keys = ("kernel_size", "padding", "use_bias", "filters")
    graph = net(layers, INPUT + top)
    return [tuple(node.arguments[key] for key in keys) for node in graph if node.op == "Conv2D"]


THREE, ONE = (3, 3), (1, 1)


@table(
    "layers, found",
    {
        "defaults reach the layers of their file": (
            "- Conv2D: 8",
            [(THREE, "same", False, 8)],
        ),
        "a step's own argument replaces one": (
            "- Conv2D: {filters: 8, kernel_size: 1}",
            [(ONE, "same", False, 8)],
        ),
        "they reach into groups and branches": (
            "- layers: [{branches: [[{Conv2D: 8}], [{Conv2D: 4}]], merge: Concatenate}]",
            [(THREE, "same", False, 8), (THREE, "same", False, 4)],
        ),
        "they reach into the file's blocks": ("- plain", [(THREE, "same", False, 8)]),
        "a block's own are laid over the file's": ("- own", [(ONE, "same", False, 8)]),
        "a block's own are formulas over its params": ("- own: 5", [((5, 5), "same", False, 8)]),
        "a step in the block over both": ("- over", [(ONE, "valid", True, 8)]),
        "a block's defaults end with it": (
            "- own\n- Conv2D: 4",
            [(ONE, "same", False, 8), (THREE, "same", False, 4)],
        ),
        "they are lexical: a caller's do not reach the blocks that it calls": (
            "- caller",
            [(ONE, "same", False, 2), (THREE, "same", False, 8)],
        ),
    },
)
def test_defaults(layers: str, found: list[tuple[object, ...]]) -> None:
    blocks = """
blocks:
  plain: {layers: [{Conv2D: 8}]}
  own:
    params: {k: 1}
    defaults: {Conv2D: {kernel_size: =k}}
    layers: [{Conv2D: 8}]
  over:
    defaults: {Conv2D: {kernel_size: 7, padding: same}}
    layers: [{Conv2D: {filters: 8, kernel_size: 1, padding: valid, use_bias: true}}]
  caller:
    defaults: {Conv2D: {kernel_size: 1}}
    layers: [{Conv2D: 2}, plain]
"""
    assert convs(layers, DEFAULTS + blocks) == found


def test_a_value_replaces_and_nothing_merges_below_an_argument() -> None:
    top = "input: [4]\ndefaults: {Dense: {kernel_regularizer: {L1L2: {l1: 0.5, l2: 0.25}}}}"
    graph = net("- Dense: {units: 1, kernel_regularizer: {L1L2: {l1: 0.125}}}", top)
    assert argument(graph, "kernel_regularizer") == [{"L1L2": {"l1": 0.125}}]


def test_null_in_a_step_is_a_value_and_takes_no_default_back() -> None:
    top = "input: [4]\ndefaults: {Dense: {activation: relu}}"
    assert argument(net("- Dense: {units: 1, activation: null}", top), "activation") == [None]


@table(
    "layers, axes",
    {
        "merge steps": ("- branches: [[ReLU], []]\n  merge: Concatenate", [1]),
        "merge steps with arguments of their own": (
            "- branches: [[ReLU], []]\n  merge: {Concatenate: {axis: 2}}",
            [2],
        ),
        "merge steps in a block of the file": ("- b", [1]),
        "a block's own to its merge step": ("- own", [2]),
    },
)
def test_defaults_reach(layers: str, axes: list[int]) -> None:
    top = (
        INPUT
        + """
defaults: {Concatenate: {axis: 1}}
blocks:
  b: {layers: [{branches: [[ReLU], []], merge: Concatenate}]}
  own: {defaults: {Concatenate: {axis: 2}}, layers: [{branches: [[ReLU], []], merge: Concatenate}]}
"""
    )
    (node,) = (each for each in net(layers, top) if each.op == "Concatenate")
    assert [node.arguments["axis"]] == axes


def test_a_default_of_a_file_sees_no_channels() -> None:
    top = "input: [4]\ndefaults: {Dense: {units: =channels}}\nblocks: {b: {layers: [Dense]}}"
    for layers in ("- Dense", "- b"):
        error = refused(layers, top)
        assert (error.code, here(error)) == ("formula", "channels")
        assert "where the layer is" in str(error.hint)


def test_a_default_of_a_block_sees_its_input() -> None:
    top = """
        input: [4]
        blocks: {b: {defaults: {Dense: {units: =channels + input.channels}}, layers: [Dense]}}
    """
    assert argument(net("- Dense: 7\n- b", top), "units") == [7, 14]


def test_a_default_that_is_overridden_is_not_evaluated() -> None:
    top = "input: [4]\ndefaults: {Dense: {units: =oops}}"
    assert argument(net("- Dense: 7", top), "units") == [7]
    assert here(refused("- Dense", top)) == "oops"


@table(
    "defaults, code, place",
    {
        "a layer that the table lacks": ("{Conv: {padding: same}}", "unknown-layer", "Conv"),
        "an argument that the layer lacks": (
            "{Dense: {unit: 3}}",
            "unknown-argument",
            "unit",
        ),
        "a value of another type": ("{Dense: {units: many}}", "argument-value", "many"),
        "a block": ("{b: {n: 3}}", "unknown-layer", "b"),
        "a scalar": ("{Dense: 3}", "schema", "3"),
        "a value that only the layer can refuse": ("{Dense: {units: =0}}", "argument-value", "=0"),
    },
)
def test_a_wrong_default_is_said_there(defaults: str, code: str, place: str) -> None:
    top = f"input: [4]\ndefaults: {defaults}\nblocks: {{b: {{params: {{n: 1}}, layers: [ReLU]}}}}"
    error = refused("- Dense\n- Dense", top)
    assert (error.code, here(error)) == (code, place), str(error)


def test_a_wrong_default_is_said_once_with_its_first_use() -> None:
    error = refused("- Dense\n- Dense\n- Dense", "input: [4]\ndefaults: {Dense: {units: =0}}")
    assert (error.span.line, [note.span.line for note in error.notes]) == (3, [5])


# --- blocks of other files -----------------------------------------------------------------------

LIBRARY = """
params: {k: 1}
defaults: {Conv2D: {kernel_size: =k}}
blocks:
  conv: {params: {n: null}, layers: [{Conv2D: =n}, inner]}
  inner: {layers: [{Activation: relu}]}
"""


def load(folder: Path, main: str, **others: str) -> archspec.Graph:
    return archspec.load(files(folder, main=main, **others))


def test_an_imported_block_keeps_its_own_files_params_defaults_and_blocks(tmp_path: Path) -> None:
    main = """
    import: [lib.yaml]
    input: [8, 8, 4]
    params: {k: 3}
    defaults: {Conv2D: {kernel_size: =k, padding: same}}
    blocks: {outer: {layers: [{conv: 5}]}}
    layers: [{conv: 2}, {Conv2D: 7}, outer]
    """
    graph = load(tmp_path, main, lib=LIBRARY)
    assert argument(graph, "kernel_size") == [ONE, THREE, ONE]
    assert argument(graph, "padding") == ["valid", "same", "valid"]
    assert [node.name for node in graph if node.op == "Activation"] == [
        "conv.inner.activation",
        "outer.conv.inner.activation",
    ]


@table(
    "body, code, place",
    {
        "a param of the file that imports it": ("{Dense: =width}", "unknown-name", "width"),
        "a block of the file that imports it": ("local", "unknown-layer", "local"),
    },
)
def test_an_imported_block_does_not_see(body: str, code: str, place: str, tmp_path: Path) -> None:
    main = files(
        tmp_path,
        main="""
        import: [lib.yaml]
        input: [4]
        params: {width: 3}
        blocks: {local: {layers: [ReLU]}}
        layers: [b, {Dense: =width}, local]
        """,
        lib=f"blocks: {{b: {{layers: [{body}]}}}}",
    )
    error = only_error(lambda: archspec.load(main))
    assert (error.code, here(error)) == (code, place)
    assert error.span.source.name.endswith("lib.yaml")
    assert any(note.span.source.name.endswith("main.yaml") for note in error.notes)


# --- hooks ---------------------------------------------------------------------------------------

BASE = """
input: [8, 8, 4]
blocks:
  shortcut: {layers: []}
  unit:
    layers:
      - branches: {main: [ReLU], side: [shortcut]}
        merge: Add
layers: [unit, unit]
"""


def test_an_empty_block_is_a_hook_that_a_variant_overrides(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        base=BASE,
        main="extends: base.yaml\nblocks:\n  shortcut:\n    layers: [Dropout: 0.5]\n",
    )
    base = archspec.load(path.with_name("base.yaml"))
    assert [node.op for node in base] == ["InputLayer", "ReLU", "Add", "ReLU", "Add"]
    graph = archspec.load(path)
    assert wires(graph).startswith(
        "unit.main.re_lu(input) unit.side.shortcut.dropout(input) "
        "unit.add(unit.main.re_lu unit.side.shortcut.dropout)"
    )
    assert [node.op for node in graph].count("Dropout") == 2


def test_a_hook_may_take_params_and_inputs(tmp_path: Path) -> None:
    base = """
    input: [4]
    blocks:
      join: {params: {n: 1}, inputs: [a, b], layers: [{Add: {}, from: [a, b]}]}
    layers:
      - Dense: 4
      - {join: 2, from: [previous, input]}
    """
    main = """
    extends: base.yaml
    blocks:
      join: {layers: [{Concatenate: {}, from: [b, a]}, {Dense: =n}]}
    """
    graph = load(tmp_path, main, base=base)
    assert wires(graph) == (
        "dense(input) join.concatenate(input dense) join.dense(join.concatenate) -> join.dense"
    )
    assert argument(graph, "units") == [4, 2]


@pytest.mark.parametrize("call", ["b", "b:", "b: {}", "b: {n: 4}", "b: 4"])
def test_a_block_is_called_like_a_layer(call: str) -> None:
    assert units("b: {params: {n: 4}, layers: [{Dense: =n}]}", f"- {call}") == [4]


def test_a_block_has_a_description() -> None:
    assert units("b: {description: A block., layers: [{Dense: 1}]}", "- b") == [1]


def test_a_block_that_nobody_calls_is_checked_by_the_schema_only() -> None:
    idle = "input: [4]\nblocks: {b: {layers: [{Dense: =oops}, {ReLU: {}, from: nowhere}]}}"
    graph = net("- ReLU", idle)
    assert [span.line for span in graph.unchecked] == [3]
    error = refused("- ReLU", "input: [4]\nblocks: {b: {layers: [{Dense: {unts: 3}}]}}")
    assert (error.code, here(error)) == ("unknown-argument", "unts")


HIDING = "params: {n: 2}\nblocks: {b: {params: {n: OWN}, layers: [{Dense: FORMULA}]}}"


@table(
    "own, formula, warnings",
    {
        "the block's own is named": ("1", "=n", ["'n' in the block 'b' is the block's own param"]),
        "so in arguments": ("1", "{units: =2 * n}", ["'n' in the block 'b' is the block's own"]),
        "its default takes the file's": ("==", "=n", []),
        "nobody names it": (
            "1",
            "3",
            ["no formula names the param 'n'", "the block 'b' names its param 'n'"],
        ),
    },
)
def test_a_param_that_every_formula_finds_hidden_is_unused(
    own: str, formula: str, warnings: list[str]
) -> None:
    graph = net("- b", f"{INPUT}\n{HIDING}".replace("OWN", own).replace("FORMULA", formula))
    found = [said(each) for each in graph.warnings if each.code == "unused-param"]
    assert len(found) == len(warnings)
    assert all(words in each for each, words in zip(found, warnings, strict=True))


def test_a_param_that_a_block_hides_may_be_used_elsewhere() -> None:
    top = f"{INPUT}\n{HIDING}".replace("OWN", "1").replace("FORMULA", "=n")
    assert not net("- b\n- Dense: =n", top).warnings
