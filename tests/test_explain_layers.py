"""A layer is explained: its line, where its arguments are from, how its numbers follow."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, command
from layer_cases import CASES, Case
from msgspec.structs import replace
from shipped import FILES, most_slow, network

import archspec
from archspec.analysis.arithmetic import Arithmetic, Calculation, Unread, calculate, find_unread
from archspec.analysis.traced import term_of, trace, write_term
from archspec.backends.layer_pages import find_users, make_page, to_pages
from archspec.errors import Source, Span, UserError
from archspec.graph import Graph, Node, Shape
from archspec.infer import infer
from archspec.layers import LAYERS

pytestmark = pytest.mark.thorough

Golden = Callable[[str, str], None]
NOWHERE = Span(Source("a.yaml", ()), 1, 1, 1, 1)

# --- the arithmetic ------------------------------------------------------------------------------


def node_of(case: Case) -> tuple[Node, list[Shape]]:
    """The node of a case, and the shapes that it takes."""
    by_name = case.inputs if isinstance(case.inputs, dict) else {}
    listed = case.inputs if isinstance(case.inputs, list) else [case.inputs]
    shapes: list[Shape] = [(None, *shape) for shape in by_name.values() or listed]
    fed = dict(zip(by_name, shapes, strict=True)) if by_name else shapes
    bound, facts = infer(case.layer, case.arguments, fed, case.call)
    inputs = tuple(f"from{number}" for number in range(len(shapes)))
    slots = tuple(by_name)
    return Node("it", case.layer, bound, inputs, slots, case.call, None, facts, (), NOWHERE), shapes


def evaluated(calculation: Calculation) -> float | None:
    """The number that the printed arithmetic gives."""
    if calculation.value is None:
        return None
    number: float = eval(calculation.numbers, {"__builtins__": {}}, {"floor": floor, "ceil": ceil})
    return number


def numbers_of(arithmetic: Arithmetic) -> Iterator[Calculation]:
    yield from (*arithmetic.axes, *arithmetic.weights, arithmetic.params, arithmetic.macs)


def disagreements(case: Case) -> list[str]:
    """What the printed arithmetic of a case gives otherwise than the facts, or the case, have."""
    node, shapes = node_of(case)
    arithmetic = calculate(node, shapes, node.slots or node.inputs)
    wanted = [*case.shape, case.params, case.macs]
    sums = [*arithmetic.axes, arithmetic.params, arithmetic.macs]
    pairs = [(each, want) for each, want in zip(sums, wanted, strict=True)]
    weights = sum(each.value or 0 for each in arithmetic.weights)
    wrong = [f"{each} is not {want}" for each, want in pairs if evaluated(each) != want]
    wrong += [f"{each}" for each in numbers_of(arithmetic) if evaluated(each) != each.value]
    return [*wrong, *(["the weights"] if weights != case.params else [])]


@pytest.mark.parametrize("name", LAYERS)
def test_the_arithmetic_gives_the_numbers_of_the_cases(name: str) -> None:
    cases = [case for case in CASES if case.layer == name and not case.refusal]
    assert {str(case): found for case in cases if (found := disagreements(case))} == {}


def test_a_wrong_number_is_caught() -> None:
    case = next(case for case in CASES if case.layer == "Conv2D")
    assert disagreements(dataclasses.replace(case, macs=1, params=2))[0].endswith("is not 2")
    node, shapes = node_of(case)
    assert node.facts is not None
    wrong = replace(node, facts=replace(node.facts, macs=1))
    with pytest.raises(AssertionError, match="gives other facts"):
        calculate(wrong, shapes)


@pytest.mark.parametrize(
    ("step", "inputs", "what", "formula", "numbers"),
    [
        (
            "Conv2D: {filters: 64, kernel_size: 7, strides: 2}",
            "[230, 230, 3]",
            "height",
            "floor((height - kernel_size)/strides) + 1",
            "floor((230 - 7)/2) + 1",
        ),
        (
            "Conv2D: {filters: 64, kernel_size: 7, strides: 2, padding: same}",
            "[224, 225, 3]",
            "width",
            "ceil(width/strides)",
            "ceil(225/2)",
        ),
        (
            "Conv2D: {filters: 64, kernel_size: [1, 7], groups: 3}",
            "[224, 224, 6]".replace("64", "6"),
            "params",
            "kernel_size[0]*kernel_size[1]*channels/groups*filters + filters",
            "1*7*6/3*63 + 63",
        ),
        (
            "DepthwiseConv2D: {kernel_size: 3, dilation_rate: 2}",
            "[9, 9, 4]",
            "height",
            "height - ((kernel_size - 1)*dilation_rate + 1) + 1",
            "9 - ((3 - 1)*2 + 1) + 1",
        ),
        ("ZeroPadding2D: [[0, 1], 2]", "[9, 9, 4]", "height", "height + padding[0][1]", "9 + 1"),
        ("Cropping1D: 2", "[9, 4]", "length", "length - cropping - cropping", "9 - 2 - 2"),
        ("Flatten", "[5, 4, 3]", "features", "height*width*channels", "5*4*3"),
        ("Dense: 7", "[5, 4]", "MACs", "length*features*units", "5*4*7"),
        (
            "Conv2D: {filters: 8, kernel_size: 3}",
            "[9, 8, 1]",
            "MACs",
            "output.height*output.width*kernel_size*kernel_size*channels*filters",
            "7*6*3*3*1*8",
        ),
    ],
)
def test_the_arithmetic_says_what_each_number_is(
    step: str, inputs: str, what: str, formula: str, numbers: str
) -> None:
    step = step.replace("filters: 64, kernel_size: [1, 7]", "filters: 63, kernel_size: [1, 7]")
    graph = archspec.loads(
        f"archspec: 1\ninput: {inputs}\nlayers: [{{{step}}}]\n".replace("{Flatten}", "Flatten")
    )
    page = page_of(graph, graph.outputs[0])
    found = {each["name"]: each for each in (*page["axes"], page["params"], page["macs"])}[what]
    assert (found["formula"], found["numbers"]) == (formula, numbers)


def test_integers_remember_how_they_were_computed() -> None:
    n, k, one = trace(7, "n"), trace(3, "k"), trace(1, "stride", neutral=True)
    texts = {
        "n - k + 1": (n - k) // one + 1,
        "k": (k - 1) * one + 1,
        "n*(k - 1)": n * (k - 1),
        "n - (k - 1)": n - (k - 1),
        "floor(n*k/k)": n * k // k,
        "n % k": n % k,
        "n - k": n + -k,
        "5 - n": 5 - n,
        "2*k": 2 * k,
        "floor(9/k)": 9 // k,
    }
    assert {
        write_term(number): write_term(number) for number in texts.values()
    }.keys() == texts.keys()
    for number in texts.values():
        assert eval(write_term(number, numbers=True), {"floor": floor}) == number
    assert write_term(n * k // k, exact=True) == "n*k/k"
    assert term_of(5).label == ""
    assert n * 0.5 == 3.5
    assert (n < k, n == 7, [*range(10)][n]) == (False, True, 7)


# --- what no window reads ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "shape", "unread"),
    [
        ("MaxPooling2D: 2", "[7, 8, 1]", [("height", 1, 7, 1)]),
        ("MaxPooling2D: {pool_size: 2, padding: same}", "[7, 7, 1]", []),
        ("Conv2D: {filters: 1, kernel_size: 3, strides: 4}", "[9, 10, 1]", [
            ("height", 3, 9, 2), ("width", 4, 10, 3)]),
        ("Conv2D: {filters: 1, kernel_size: 1, strides: 2, padding: same}", "[8, 7, 1]", [
            ("height", 4, 8, 1), ("width", 3, 7, 0)]),
        ("Conv2D: {filters: 1, kernel_size: 3, dilation_rate: 2}", "[9, 9, 1]", []),
        ("DepthwiseConv2D: {kernel_size: 2, strides: 2, dilation_rate: 2}", "[7, 7, 1]", [
            ("height", 3, 7, 0), ("width", 3, 7, 0)]),
        ("Conv1D: {filters: 1, kernel_size: 2, strides: 3, padding: causal}", "[9, 1]", [
            ("length", 4, 9, 2)]),
        ("MaxPooling1D: {pool_size: 1, strides: 3, data_format: channels_first}", "[2, 8]", [
            ("length", 5, 8, 1)]),
        ("Conv2DTranspose: {filters: 1, kernel_size: 2, strides: 3}", "[8, 8, 1]", []),
        ("MaxPooling2D: 2", "[null, 7, 1]", [("width", 1, 7, 1)]),
        ("Dense: 3", "[7, 7, 1]", []),
    ],
)  # fmt: skip
def test_rows_that_no_window_reads_are_told(
    step: str, shape: str, unread: list[tuple[str, int, int, int]]
) -> None:
    graph = archspec.loads(f"archspec: 1\ninput: {shape}\nlayers: [{{{step}}}]\n")
    node = graph[graph.outputs[0]]
    assert find_unread(node, graph.shape("input")) == tuple(Unread(*each) for each in unread)


@pytest.mark.keras
def test_a_gradient_reaches_the_rows_that_are_read_and_no_others() -> None:
    import keras
    import numpy as np

    from archspec.backends.keras import to_keras

    for size in range(5, 12):
        for arguments in (
            "kernel_size: 3, strides: 2",
            "kernel_size: 1, strides: 3",
            "kernel_size: 2, strides: 3, padding: same",
            "kernel_size: 2, strides: 4, padding: causal",
            "kernel_size: 2, dilation_rate: 2, padding: same",
        ):
            step = f"Conv1D: {{filters: 1, {arguments}, kernel_initializer: ones}}"
            graph = archspec.loads(f"archspec: 1\ninput: [{size}, 1]\nlayers: [{{{step}}}]\n")
            model = to_keras(graph, 1)
            ones = np.eye(size, dtype="float32")[..., None]  # one row of each sample is 1
            reached = np.abs(keras.ops.convert_to_numpy(model(ones))).sum(axis=(1, 2)) > 0
            told = find_unread(graph["conv1d"], graph.shape("input"))
            assert size - reached.sum() == sum(each.rows for each in told), (size, arguments)


# --- where arguments are from --------------------------------------------------------------------


def page_of(graph: Graph, name: str) -> dict[str, Any]:
    return make_page(graph, graph[name], None, find_users(graph)[name])


def sources(graph: Graph, name: str) -> dict[str, tuple[str, str, int | None]]:
    """Where each argument that is given is from: the kind of place, its text, its line."""
    return {
        each["name"]: (each["source"], each["text"], each["line"])
        for each in page_of(graph, name)["arguments"]
        if each["source"] != "default"
    }


SPEC = """archspec: 1
params: {width: 4}
input: [8, 8, 3]
defaults:
  Conv2D: {padding: same, strides: =width // 4}
blocks:
  unit:
    params: {filters: null, size: 3}
    defaults: {Conv2D: {use_bias: false}}
    layers:
      - Conv2D: {filters: ==, kernel_size: =size}
      - Activation: relu
layers:
  - for: {stage: =range(2)}
    name: s{stage}
    layers:
      - unit: =width * 2**stage
        name: u
  - Flatten
  - Dense: 10
    name: head
"""


def test_each_argument_has_its_place() -> None:
    graph = archspec.loads(SPEC)
    assert sources(graph, "s1.u.conv2d") == {
        "filters": ("step", "==", 11),
        "kernel_size": ("step", "=size", 11),
        "padding": ("defaults", "same", 5),
        "strides": ("defaults", "=width // 4", 5),
        "use_bias": ("defaults", "false", 9),
    }
    assert sources(graph, "head") == {"units": ("step", "10", 20)}
    page = page_of(graph, "s1.u.conv2d")
    filters, size = (page["arguments"][number]["names"] for number in (0, 1))
    assert [(each["name"], each["value"], each["line"]) for each in filters] == [
        ("filters", 8, 17),
        ("width", 4, 2),
        ("stage", 1, None),
    ]
    assert [(each["name"], each["value"], each["line"]) for each in size] == [("size", 3, 8)]
    assert page["loops"] == [{"values": {"stage": 1}, "file": "<text>", "line": 14}]
    assert [(each["path"], each["block"], each["line"]) for each in page["inside"]] == [
        ("s1", None, None),
        ("s1.u", "unit", 17),
    ]


@pytest.mark.parametrize(
    ("edit", "name", "expected"),
    [
        ("at: head, set: {units: 7}", "head", {"units": ("edit", "7", None)}),
        ("at: head, replace: {Dense: 5}", "head", {"units": ("edit", "5", None)}),
        ("at: head, freeze: true", "head", {"units": ("step", "10", 20), "trainable": ("edit",)}),
        ("at: head, insert_before: {Dense: 3}", "dense", {"units": ("edit", "3", None)}),
        ("of: {Activation: relu}, set: {activation: gelu}", "s0.u.activation", {
            "activation": ("edit", "gelu", None)}),
    ],
)  # fmt: skip
def test_an_edit_is_named(edit: str, name: str, expected: dict[str, tuple[Any, ...]]) -> None:
    graph = archspec.loads(SPEC, edits=[edit])
    found = sources(graph, name)
    assert found.keys() == expected.keys()
    assert all(found[key][: len(want)] == want for key, want in expected.items())
    (told,) = page_of(graph, name)["edits"]
    assert edit in told["text"]


def test_a_setting_is_named() -> None:
    graph = archspec.loads(SPEC, width=8, **{"head.units": 3})
    assert sources(graph, "head")["units"][:2] == ("edit", "3")
    (width,) = [
        each for each in page_of(graph, "s0.u.conv2d")["arguments"][0]["names"]
        if each["name"] == "width"
    ]  # fmt: skip
    assert width["value"] == 8
    assert "width=8" in width["file"]


def test_files_that_a_step_is_from_are_told(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    text = "archspec: 1\nextends: net.yaml\nimport: [squeeze_excite]\nedit:\n"
    text += "  - {at: s1, insert_after: {squeeze_excite: 2}}\n"
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    graph = archspec.load(path)
    told = {name: page_of(graph, name)["file_is"] for name in graph.by_name}
    assert told["s0.u.conv2d"] == told["input"] == "extended"
    (gate,) = [name for name in told if name.endswith(".multiply")]
    assert told[gate] == "imported"
    assert page_of(archspec.load(tmp_path / "net.yaml"), "head")["file_is"] is None


def test_an_input_is_explained() -> None:
    graph = archspec.loads(SPEC.replace("input: [8, 8, 3]", "inputs: {x: {shape: [8, 8, 3]}}"))
    assert sources(graph, "x") == {"shape": ("step", "[8, 8, 3]", 3)}
    text = to_pages(graph, ["x"])
    assert "given       shape  [8, 8, 3]: the step, <text>:3" in text
    assert "by default  dtype: 'float32'" in text


# --- the pages -----------------------------------------------------------------------------------

REUSED = """archspec: 1
name: reused
inputs: {a: [31, 33, 3], b: [31, 33, 3]}
layers:
  - Conv2D: {filters: 8, kernel_size: 3, strides: 2}
    name: stem
    from: a
  - reuse: stem
    name: again
    from: b
  - Concatenate:
    from: [stem, again]
  - MaxPooling2D: 2
  - Dropout: 0.5
    call: {training: true}
  - Flatten
  - Dense: 10
"""
PAGES = (
    ("resnet18", "stage3.unit0.main.conv2d"),
    ("resnet18", "batch_normalization"),
    ("resnet18", "stage0.unit0.add"),
    ("googlenet", "inception3a.3x3.*"),
    ("mobilenet_v2", "stage1.unit0.depthwise_conv2d"),
    ("se_resnet50", "stage0.unit0.**.multiply"),
    ("vit_b16", "encoder0.multi_head_attention"),
)


@pytest.mark.usefixtures("shipped_here")
@pytest.mark.parametrize(("form", "suffix"), [("text", "txt"), ("markdown", "md")])
def test_pages_are_as_they_were_read(golden: Golden, form: str, suffix: str) -> None:
    pages = [to_pages(archspec.load(name), [pattern], form) for name, pattern in PAGES]
    pages.append(to_pages(archspec.loads(REUSED), ["**"], form))
    golden(f"layers/explained.{suffix}", "\n".join(pages))


@pytest.mark.parametrize("name", most_slow(FILES))
def test_every_layer_of_the_shipped_networks_is_explained(name: str) -> None:
    """The whole of the text of each, and its arithmetic."""
    graph = network(name)
    pages = json.loads(to_pages(graph, ["**"], "json"))
    assert [page["name"] for page in pages] == [node.name for node in graph]
    assert to_pages(graph, ["**"]).count("\nwritten") == len(pages)
    for page in pages:
        sums = [*page["axes"], page["params"], page["macs"], *page["params"]["weights"]]
        known = [each for each in sums if each["value"] is not None]
        values = [eval(each["numbers"], {"floor": floor, "ceil": ceil}) for each in known]
        assert values == [each["value"] for each in known], page["name"]
        assert page["users"] or page["is_output"]


def test_docs_list_the_keys_of_a_page() -> None:
    text = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8")
    table = text.partition("| key of a layer |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| ([^|]+)", table, re.M))))
    assert told == page_of(network("lenet5"), "conv2d").keys()


@pytest.mark.usefixtures("shipped_here")
def test_docs_show_what_the_command_prints() -> None:
    text = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8")
    shown = text.partition("```text\nstage3.unit0.main.conv2d: ")[2].partition("```")[0]
    done = command(ROOT, "show", "resnet18", "stage3.unit0.main.conv2d")
    assert shown.count("\n") > 20
    assert done.stdout.startswith(f"stage3.unit0.main.conv2d: {shown}")


# --- the command ---------------------------------------------------------------------------------


def test_a_pattern_stands_for_layers_and_a_block_for_those_in_it() -> None:
    def names(*patterns: str) -> list[str]:
        return [page["name"] for page in archspec.explain_layers("resnet18", *patterns).data]

    inside = [node.name for node in network("resnet18") if node.name.startswith("stage3.unit1.")]
    assert names("stage3.unit1") == names("stage3.unit1.**") == inside
    assert names("head", "stem") == ["stem", "head"]
    assert names("stage*.unit0.shortcut.conv2d") == [
        f"stage{stage}.unit0.shortcut.conv2d" for stage in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("stage3.unit0.main.conv2", "did you mean 'stage3.unit0.main.conv2d'?"),
        ("conv2d", "did you mean '**.conv2d'?"),
        ("stage3-unit0-main-conv2d", "did you mean 'stage3.unit0.main.conv2d'?"),
        ("stage7.**", "`archspec show SPEC` lists the layers"),
        ("resnet19", "did you mean 'resnet18'?"),
        ("squeeze_excite", "`archspec show SPEC` lists the layers"),  # a block library
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest(words: str, hint: str) -> None:
    done = command(ROOT, "show", "resnet18", words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: '{words}' is neither a layer or block of resnet18 nor a spec\nhint: {hint}\n"
    )


def test_the_function_says_so_too() -> None:
    with pytest.raises(UserError, match="resnet18 has no layer or block called 'stam'") as caught:
        archspec.explain_layers("resnet18", "stam")
    assert caught.value.hint == "did you mean 'stem'?"
    with pytest.raises(TypeError, match="at least one name"):
        archspec.explain_layers("resnet18")
    with pytest.raises(TypeError, match="names of layers, not int"):
        archspec.explain_layers("resnet18", 3)  # type: ignore[arg-type]


def test_the_command_prints_the_report() -> None:
    done = command(ROOT, "show", "resnet18", "stem", "head", "--set", "width=32")
    report = archspec.explain_layers(archspec.load("resnet18", width=32), "stem", "head")
    assert done.stdout.replace("--set width=32", "width=32") == report.to_text()
    assert "params      kernel_size*kernel_size*channels*filters = 3*3*1*32 = 288" in done.stdout
    done = command(ROOT, "show", "resnet18", "head", "--format", "json")
    assert [page["name"] for page in json.loads(done.stdout)] == ["head"]


def test_a_word_that_could_be_both_is_refused(tmp_path: Path) -> None:
    text = "archspec: 1\ninput: [4]\nlayers: [{Dense: 3, name: vgg16}, {Dense: 3, name: own}]\n"
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "own").write_text(text, encoding="utf-8")
    for word in ("vgg16", "own"):
        done = command(tmp_path, "show", "net.yaml", word)
        assert done.returncode == 2
        assert f"'{word}' is a spec, and a layer or block of net" in done.stderr
        assert f"'**.{word}' for the layer" in done.stderr
    assert "vgg16: Dense" in command(tmp_path, "show", "net.yaml", "**.vgg16").stdout
    assert "network" in command(tmp_path, "show", "net.yaml", "./own").stdout
    assert "network" in command(tmp_path, "show", "net.yaml", "lenet5").stdout


OWN = """
from archspec.own_layers import Facts, Traits, entry

def plain(x):
    \'\'\'It doubles.

    Shape: twice as long.
    \'\'\'
    assert type(x[1]) is int
    return Facts((None, x[1] * 2))

def make():
    raise NotImplementedError

FAMILY = (entry("Plain", plain, Traits(), "Double.", "", (4,), keras_class=make),)
"""


def test_layers_of_ones_own_are_explained(tmp_path: Path) -> None:
    """Also one whose rule takes plain integers alone: without the way to its numbers."""
    folder = ROOT / "examples" / "own_layers"
    words = ["convnext_v2_digits.yaml", "stage0.convnext.main.grn", "--layers", "my_layers.py"]
    assert "params      96 + 96 = 192\n" in command(folder, "show", *words).stdout
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    text = "archspec: 1\ninput: [4]\nlayers: [Plain]\n"
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    done = command(tmp_path, "show", "net.yaml", "plain", "--layers", "own.py")
    assert "features    8\n" in done.stdout, done.stderr


def test_a_file_without_its_suffix_is_found(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SPEC, encoding="utf-8")
    said = command(tmp_path, "show", "lenet5", "mine").stderr
    assert said.endswith("hint: write mine.yaml for the spec\n")


def test_layers_are_of_one_spec_and_have_no_table() -> None:
    for words, said in {
        "resnet18 vgg16 stem": "layers are explained of one spec, and 'vgg16' is another",
        "resnet18 stem --depth 1": "--depth is for the table",
        "resnet18 stem --memory 24GiB": "--memory is for the table",
    }.items():
        done = command(ROOT, "show", *words.split())
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    assert (
        "no shipped spec is called 'stam'"
        in command(ROOT, "show", "vgg16", "lenet5", "stam").stderr
    )
