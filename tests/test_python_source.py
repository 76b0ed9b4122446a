"""Source code in plain Keras, `build -o FILE.py`: what it looks like, and what it makes."""

from __future__ import annotations

import ast
import inspect
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, command
from random_checks import batch_for, drawn, read, run
from random_graphs import Network, write
from shipped import FEW, FILES, ORIGINALS, most_slow
from shrinking import ALL, few_or_many, try_out

import archspec
from archspec.arguments import REQUIRED
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.layers import LAYERS
from archspec.own_layers.files import registered
from archspec.source.flat import identifier
from archspec.source.layout import write_body
from archspec.source.replay import Mismatch, follow
from archspec.source.statements import Assign, Loop
from archspec.source.values import PLAIN
from archspec.source.writing import keras_name

OTHERS = {
    f"{path.parent.name}/{path.stem}": path
    for folder in ("ablations", "variants", "tasks")
    for path in sorted((ROOT / "examples" / folder).glob("*.yaml"))
}
EVERY = {**FILES, **OTHERS}
OWN = ROOT / "examples" / "own_layers"


def code(text: str) -> str:
    """A text without its first line, which says where it is from."""
    return text.partition("\n")[2]


def assert_makes(text: str, graph: Graph) -> None:
    """A text makes a graph, is laid out as it should be, and names archspec once."""
    follow(text, identifier(graph.name), graph, keras_name(graph))
    assert "archspec" not in code(text).lower()
    assert all(len(line) <= 100 for line in text.split("\n") if 'name="' not in line)
    assert "Written out" not in text or "layer by layer: " in text


# --- what it looks like --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "inception10", "googlenet", "vgg_a", "mobilenet_v2"])
def test_source_is_what_a_person_would_write(name: str, golden) -> None:
    golden(f"source/{name}.py", archspec.to_source(name))


def test_source_of_an_edited_spec_is_that_of_the_resolved_one(golden) -> None:
    graph = archspec.load("resnet18", edits=["at: stage3, remove: true"])
    golden("source/three_stages.py", archspec.to_source(graph))


def test_flat_source_has_a_statement_for_each_layer() -> None:
    graph = archspec.load("resnet18")
    text = archspec.to_source(graph, flat=True)
    assert_makes(text, graph)
    (function,) = [each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)]
    assert len(function.body) == len(graph.nodes) + 2  # the docstring and the return
    assert not [each for each in ast.walk(function) if isinstance(each, ast.For | ast.If)]


def test_params_of_load_are_in_the_constants() -> None:
    text = archspec.to_source(archspec.load("resnet18", width=32, classes=7))
    assert "WIDTH = 32\n" in text
    assert "CLASSES = 7\n" in text


def source_of(layers: str, head: str = "input: [16, 16, 4]") -> str:
    graph = archspec.loads(f"archspec: 1\nname: net\n{head}\nlayers:\n{layers}", "net")
    text = archspec.to_source(graph)
    assert_makes(text, graph)
    return text


@pytest.mark.parametrize(
    ("layers", "head", "wanted"),
    [
        ("  - Conv2D: {filters: =6 / 2, kernel_size: 1}", None, "layers.Conv2D(int(6 / 2), 1,"),
        ("  - ReLU: 6", None, "layers.ReLU(max_value=6,"),
        ("  - Conv2D: {filters: 4, kernel_size: [1, 3]}", None, "layers.Conv2D(4, (1, 3),"),
        (
            "  - Dense: {units: 4, kernel_regularizer: {L2: 0.5}}",
            None,
            "kernel_regularizer=keras.regularizers.L2(0.5)",
        ),
        (
            "  - Dense: {units: 4, kernel_initializer: HeNormal}",
            None,
            'kernel_initializer="he_normal"',
        ),
        (
            "  - Dense: {units: 4, activation: {relu: {max_value: 6}}}",
            None,
            "activation=layers.ReLU(max_value=6)",
        ),
        ("  - Dense: =make_divisible(33, 8)", None, "layers.Dense(make_divisible(33, 8),"),
        (
            "  - Dense: =n",
            "params: {n: =make_divisible(33)}\ninput: [4]",
            "rounded\n\n\nN = make_divisible(33)",
        ),
        (
            "  - {Dense: 4, name: dense}\n  - {Dense: 4, from: input}\n"
            "  - {Add: , from: [dense, previous]}",
            None,
            "([dense, x])",
        ),
        ("  - {Dropout: 0.5, when: =true}", None, 'layers.Dropout(0.5, name="dropout")'),
        ("  - {Dense: 4, repeat: 2}", None, 'suffix = f"_{i}" if i else ""'),
        ("  - {Dense: 4, repeat: 2, name: unit}", None, 'name=f"unit{i}"'),
        (
            "  - {Dense: =i, for: {i: [3, 4]}, name: 'd{i}'}",
            None,
            'for i in [3, 4]:\n        x = layers.Dense(i, name=f"d{i}")(x)',
        ),
        (
            "  - {Dense: =w, for: {i: [0, 1], w: =ws}, name: 'd{i}'}",
            "params: {ws: [3, 4]}\ninput: [4]",
            "for i, w in zip([0, 1], WS, strict=True):",
        ),
        (
            "  - {Dense: =w, for: {i: =range(len(ws)), w: =ws}, name: 'd{i}'}",
            "params: {ws: [3, 4]}\ninput: [4]",
            "for i, w in enumerate(WS):",
        ),
        (
            "  - Reshape: [=previous.height * previous.width, =input.channels]",
            None,
            "layers.Reshape((inputs.shape[1] * inputs.shape[2], inputs.shape[-1]),",
        ),
        (
            "  - {branches: [[Dense: 4], []], merge: Add}",
            None,
            "[branch, inputs]",
        ),
        (
            "  - {Dense: 4, repeat: 3, name: level}\n  - {Concatenate: , from: 'level*'}",
            None,
            'layers.Concatenate(name="concatenate")(levels)',
        ),
        (
            "  - {Dense: 4, name: a}\n  - {reuse: a, name: b}",
            None,
            "a_layer(x)",
        ),
        (
            "  - MultiHeadAttention: {num_heads: 2, key_dim: 4}\n"
            "    from: {query: input, value: input}",
            "input: [8, 4]",
            "(query=inputs, value=inputs)",
        ),
    ],
)
def test_a_construct_is_written_as_python_has_it(
    layers: str, head: str | None, wanted: str
) -> None:
    text = source_of(layers, head or "input: [16, 16, 4]")
    assert wanted in text
    assert "Written out" not in text


def test_branches_that_may_be_missing_are_collected() -> None:
    text = source_of(
        "  - unit: true\n  - unit: false\n",
        "input: [8]\nblocks:\n  unit:\n    params: {both: null}\n    layers:\n"
        "      - branches:\n"
        "          one: {when: =both, layers: [Dense: 8]}\n"
        "          two: [ReLU]\n"
        "          three: {when: =both, layers: []}\n"
        "        merge: Add\n",
    )
    assert 'layers.Add(name=f"{name}-add")(paths) if len(paths) > 1 else paths[0]' in text


def test_a_number_that_a_condition_moves_follows_it() -> None:
    text = source_of(
        "  - unit: true\n  - unit: false\n",
        "input: [8]\nblocks:\n  unit:\n    params: {wide: null}\n    layers:\n"
        "      - {Dense: 8, when: =wide}\n      - Dense: 8\n      - Dense: 8\n",
    )
    assert 'suffix = "_1" if wide else ""' in text
    assert 'name=f"{name}-dense_{2 if wide else 1}"' in text


def test_a_block_that_is_called_again_is_a_list_of_layers() -> None:
    text = archspec.to_source("siamese")
    assert '    one_layers = tower_layers(name="one")\n    one = left\n' in text
    assert "    for layer in one_layers:\n        two = layer(two)\n" in text


def test_what_cannot_be_a_function_is_written_out_with_the_reason() -> None:
    graph = archspec.loads(
        "archspec: 1\nname: net\ninput: [8]\n"
        "blocks:\n  unit:\n    layers: [{Dense: 8, name: a}, Dense: 8]\n"
        "layers:\n  - {unit: , name: one}\n  - {Add: , from: [previous, one.a]}\n",
        "net",
    )
    text = archspec.to_source(graph)
    assert_makes(text, graph)
    assert "# Written out layer by layer: a step inside a block is named from outside." in text


def test_two_params_of_one_name_are_two_constants(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(
        "archspec: 1\nparams: {width: 3}\nblocks:\n  gate: {layers: [Dense: =width]}\n"
    )
    (tmp_path / "net.yaml").write_text(
        "archspec: 1\nparams: {width: 4}\nimport: [gate.yaml]\ninput: [8]\n"
        "layers: [Dense: =width, gate]\n"
    )
    text = archspec.to_source(tmp_path / "net.yaml")
    assert "WIDTH = 4\n" in text
    assert "GATE_WIDTH = 3\n" in text


def test_names_of_python_are_left_alone() -> None:
    text = source_of(
        "  - {keras: 3, name: layers}\n  - {Dense: =l, for: {l: [2, 3]}, name: 'x{l}'}\n",
        "input: [8]\nblocks:\n  keras:\n    params: {name: 1, x: 2}\n"
        "    layers: [Dense: =name + x]\n",
    )
    assert "import keras\n" in text
    compile(text, "net.py", "exec")


def test_what_is_never_there_cannot_bring_code_in() -> None:
    graph = archspec.loads(
        "archspec: 1\ninput: [8]\nlayers:\n"
        "  - Dense: =8 if true else __import__('os').system('false')\n"
        "  - {Dense: =open('x'), when: =false}\n",
        "net",
    )
    text = archspec.to_source(graph)
    assert "os" not in code(text).replace("copies", "")
    assert "open" not in text


def test_a_text_that_is_another_network_is_caught() -> None:
    graph = archspec.load("lenet5")
    text = archspec.to_source(graph)
    for old, new in {
        "layers.Conv2D(6": "layers.Conv2D(7",
        'name="head"': 'name="tail"',
        "(x)\n    x = layers.Flatten": "(inputs)\n    x = layers.Flatten",
        "CLASSES = 10": "CLASSES = 10.0",
        "inputs, x": "inputs, inputs",
        "sigmoid": "tanh",
    }.items():
        assert old in text
        with pytest.raises(Mismatch):
            follow(text.replace(old, new), "lenet5", graph, "lenet5")


def test_following_a_text_runs_nothing(tmp_path: Path) -> None:
    graph = archspec.load("lenet5")
    text = archspec.to_source(graph)
    mark = tmp_path / "mark"
    for line in (f"open({str(mark)!r}, 'w')", "import os", "().__class__", "while True: pass"):
        with pytest.raises(Mismatch):
            follow(text.replace("\n\n\ndef", f"\n{line}\n\n\ndef", 1), "lenet5", graph, "lenet5")
    assert not mark.exists()


# --- every network -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", most_slow(EVERY))
def test_the_source_of_a_network_makes_it(name: str) -> None:
    graph = archspec.load(EVERY[name])
    for flat in (False, True):
        assert_makes(archspec.to_source(graph, flat=flat), graph)


@pytest.mark.thorough
def test_no_shipped_network_is_written_out() -> None:
    for name in ("resnet110", "inception_v3", "efficientnet_b0", "unet", "vit_b16", "siamese"):
        assert "Written out" not in archspec.to_source(FILES[name])


def sound(network: Network) -> Graph | None:
    graph = read(write(network)[0])
    return graph if isinstance(graph, Graph) else None


@pytest.mark.thorough
@pytest.mark.parametrize("count", few_or_many(20, 200))
def test_the_source_of_a_random_network_makes_it(count: int) -> None:
    def check(network: Network) -> None:
        graph = sound(network)
        if graph is not None:
            for flat in (False, True):
                assert_makes(archspec.to_source(graph, flat=flat), graph)

    try_out(check, drawn, count)


def keep(folder: Path, name: str, text: str) -> None:
    (folder / f"{identifier(name)}.py").write_text(text, encoding="utf-8")


def assert_ruff_is_silent(folder: Path, *rules: str) -> None:
    """Ruff would change nothing. rules: others than its own to check."""
    options = ["--isolated", "--line-length", "100"]
    for words in (["check", *options, *rules], ["format", "--check", *options]):
        done = subprocess.run(
            ["ruff", *words, str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("ruff") is None, reason="needs ruff")
@pytest.mark.parametrize("name", most_slow(EVERY))
def test_ruff_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    for flat in (False, True):
        keep(tmp_path, f"{name}_{flat}", archspec.to_source(EVERY[name], flat=flat))
    assert_ruff_is_silent(tmp_path)
    # Nor by most of our own rules; a name may be a line long.
    assert_ruff_is_silent(tmp_path, "--select", "E,F,I,UP,B,SIM,PT", "--ignore", "E501")


@pytest.mark.thorough
@pytest.mark.skipif(shutil.which("ruff") is None, reason="needs ruff")
@pytest.mark.parametrize("count", few_or_many(20, 200))
def test_ruff_has_nothing_to_say_of_random_networks(count: int, tmp_path: Path) -> None:
    graphs = [sound(drawn(random.Random(number))) for number in range(count)]
    for number, graph in enumerate(graphs):
        if graph is not None:
            keep(tmp_path, f"net_{number}", archspec.to_source(graph))
    assert_ruff_is_silent(tmp_path)


# --- against Keras -------------------------------------------------------------------------------


def make(text: str, graph: Graph) -> Any:
    """The model that a text makes."""
    names: dict[str, Any] = {}
    exec(compile(text, "net.py", "exec"), names)
    return names[identifier(graph.name)]()


def config_of(layer: Any) -> Any:
    """The configuration of a layer, without the seeds, which differ between any two models, and
    without the names that Keras gives to activations that are layers."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            inner = value.get("module") == "keras.layers"
            return {
                key: clean(each)
                for key, each in value.items()
                if key != "seed" and not (inner and key == "name")
            }
        return [*map(clean, value)] if isinstance(value, list | tuple) else value

    found = clean(layer.get_config())
    for value in found.values():
        if isinstance(value, dict) and value.get("module") == "keras.layers":
            value["config"].pop("name")
    return found


def assert_same_model(text: str, graph: Graph, runs: bool = True) -> None:
    """A text makes the model of `to_keras`: names, configurations, parameters, outputs."""
    import keras

    keras.utils.clear_session(free_memory=False)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)  # Keras goes as deep as a network
    try:
        ours, wanted = make(text, graph), archspec.to_keras(graph)
    finally:
        sys.setrecursionlimit(limit)
    assert [each.name for each in ours.layers] == [each.name for each in wanted.layers]
    for one, other in zip(ours.layers, wanted.layers, strict=True):
        assert type(one).__name__ == type(other).__name__
        assert config_of(one) == config_of(other)
    assert (ours.name, ours.count_params()) == (wanted.name, wanted.count_params())
    for part in ("weights", "trainable_weights"):
        shapes = [[tuple(each.shape) for each in getattr(m, part)] for m in (ours, wanted)]
        assert shapes[0] == shapes[1]
    if not runs:
        return
    ours.set_weights(wanted.get_weights())
    batch = batch_for(wanted)
    one, other = run(ours, batch), run(wanted, batch)
    if isinstance(other, str):  # a length of an unknown axis that does not fit
        assert isinstance(one, str)
        return
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


IS_SMALL = 10**9  # multiply-accumulates of one sample


# The source of a member of a family is that of another one, with other constants.
MODELS = EVERY if ALL else [*ORIGINALS, *OTHERS]


@pytest.mark.keras
@pytest.mark.parametrize("name", most_slow(MODELS))
def test_the_model_of_the_source_is_that_of_to_keras(name: str) -> None:
    graph = archspec.load(EVERY[name])
    runs = graph.macs is not None and graph.macs < IS_SMALL and len(graph.nodes) < 400
    assert_same_model(archspec.to_source(graph), graph, runs)
    if name in FEW:
        assert_same_model(archspec.to_source(graph, flat=True), graph, runs)


@pytest.mark.keras
@pytest.mark.parametrize("edit", ["at: stage1, freeze: true", "at: stage3, remove: true"])
def test_the_model_of_an_edited_network_is_that_of_to_keras(edit: str) -> None:
    graph = archspec.load("resnet18", edits=[edit])
    assert_same_model(archspec.to_source(graph), graph)


@pytest.mark.keras
@pytest.mark.parametrize("flat", [False, True])
def test_what_is_frozen_is_frozen_in_layers_within_it(flat: bool) -> None:
    graph = archspec.loads(
        "archspec: 1\nname: net\ninput: [8, 4]\nlayers:\n"
        "  - MultiHeadAttention: {num_heads: 2, key_dim: 4, trainable: false}\n"
        "    from: {query: input, value: input}\n  - Dense: 2\n",
        "net",
    )
    text = archspec.to_source(graph, flat=flat)
    assert ".trainable = False" in text
    assert_same_model(text, graph)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("count", few_or_many(8, 200))
def test_the_model_of_a_random_network_is_that_of_to_keras(count: int) -> None:
    def check(network: Network) -> None:
        graph = sound(network)
        if graph is not None:
            for flat in (False, True):
                assert_same_model(archspec.to_source(graph, flat=flat), graph)

    try_out(check, drawn, count)


@pytest.mark.keras
def test_what_stands_without_its_name_is_where_keras_has_it() -> None:
    import keras

    for name, layer in LAYERS.items():
        parameters = inspect.signature(getattr(keras.layers, name).__init__).parameters
        leading = [key for key in parameters if key != "self"]
        for place, (key, argument) in enumerate(layer.arguments.items()):
            if argument.default is not REQUIRED and (place or key not in PLAIN):
                break
            assert leading[place] == key, f"{name}: {key}"


@pytest.mark.keras
def test_the_source_of_layers_of_ones_own_makes_them(tmp_path: Path) -> None:
    with registered(OWN / "my_layers.py"):
        graph = archspec.load(OWN / "convnext_v2_digits.yaml")
        assert_same_model(archspec.to_source(graph), graph)


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_the_source(tmp_path: Path) -> None:
    done = command(tmp_path, "build", "lenet5", "-o", "net.py")
    assert done.returncode == 0
    assert "lenet5() returns the model" in done.stdout
    assert (tmp_path / "net.py").read_text() == archspec.to_source("lenet5")
    assert [each.name for each in tmp_path.iterdir()] == ["net.py"]


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("mine")
    done = command(tmp_path, "build", "lenet5", "-o", "net.py")
    assert done.returncode == 1
    assert "net.py: the file exists" in done.stderr
    assert "hint:" in done.stderr
    assert (tmp_path / "net.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-o", "net.py", "--seed", "1"], 2, "source code draws them anew"),
        (["-o", "net.txt"], 1, "source code in .py"),
        (["--flat"], 2, "--flat is for a resolved spec or source code"),
    ],
)
def test_wrong_use_is_refused(tmp_path: Path, words: list[str], status: int, said: str) -> None:
    done = command(tmp_path, "build", "lenet5", *words)
    assert (done.returncode, list(tmp_path.iterdir())) == (status, [])
    assert said in done.stderr


def test_build_in_python_points_to_the_function() -> None:
    with pytest.raises(UserError, match=r"archspec.to_source\(spec\) returns source code"):
        archspec.build("lenet5", "net.py")


@pytest.mark.thorough
def test_writing_source_needs_no_keras() -> None:
    script = (
        "import sys\nsys.modules['keras'] = None\nimport archspec\n"
        "print(archspec.to_source('resnet18')[:9])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "# Written\n", done.stderr


# --- layers of one's own -------------------------------------------------------------------------


def test_classes_of_ones_own_are_copied() -> None:
    with registered(OWN / "my_layers.py"):
        text = archspec.to_source(OWN / "convnext_v2_digits.yaml")
    assert "class GRN(keras.layers.Layer):" in text
    assert "GRN = make_grn()" in text
    assert "archspec" not in code(text)


OWN_LAYERS = '''
from archspec.own_layers import Facts, Shape, Traits, entry, {import_}
from math import pi as HALF_TURN

SIZE = 3


def same(x: Shape) -> Facts:
    """x.

    Shape: that of the input.
    """
    return Facts(x)


def make():
    import keras

    class {op}(keras.layers.Layer):
        def call(self, x):
            return x + {used}

    return {op}


FAMILY = (entry("{op}", same, Traits(), "Keep it.", "", (4,), keras_class={maker}),)
'''


@pytest.mark.parametrize(
    ("op", "used", "import_", "maker", "said"),
    [
        ("KeptA", "0 * SIZE * HALF_TURN", "NUMBER", "make", None),
        ("KeptB", "len(NUMBER)", "NUMBER", "make", "uses 'NUMBER' of archspec"),
        ("KeptC", "0", "NUMBER", "lambda: make()", "is no function of this file"),
        ("KeptD", "unknown", "NUMBER", "make", "uses 'unknown', which cannot be copied"),
    ],
)
def test_a_class_is_copied_only_if_it_can_stand_alone(
    tmp_path: Path, op: str, used: str, import_: str, maker: str, said: str | None
) -> None:
    path = tmp_path / f"layers_{op}.py"
    path.write_text(OWN_LAYERS.format(op=op, used=used, import_=import_, maker=maker))
    with registered(path):
        graph = archspec.loads(f"archspec: 1\ninput: [4]\nlayers: [{op}]\n", "net")
        if said is None:
            text = archspec.to_source(graph)
            assert "from math import pi as HALF_TURN\n" in text
            assert "SIZE = 3\n" in text
        else:
            with pytest.raises(UserError, match=said) as refused:
                archspec.to_source(graph)
            assert refused.value.hint


# --- layout --------------------------------------------------------------------------------------


def test_lines_are_broken_as_ruff_breaks_them() -> None:
    long = ast.parse("f(" + ", ".join(f"argument_{n}={n}" for n in range(9)) + ")(x)", mode="eval")
    statement = Assign(ast.Name("x"), long.body)
    lines = list(write_body([Loop(ast.Name("i"), ast.Name("rows"), [statement])]))
    assert lines[:3] == ["for i in rows:", "    x = f(", "        argument_0=0,"]
    assert lines[-2:] == ["        argument_8=8,", "    )(x)"]
