"""Resolved specs, `build -o FILE.yaml`, and flat specs that are folded, `fold`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, command
from random_drawing import draw
from random_graphs import Network, write
from shipped import FILES, most_slow
from shrinking import few_or_many, try_out

import archspec
from archspec.errors import SpecError
from archspec.folding.resolved import has_same_names
from archspec.graph import Graph, canonical_order
from archspec.recipe import recipe_of

OTHERS = {
    path.stem: path
    for folder in ("ablations", "variants")
    for path in sorted((ROOT / "examples" / folder).glob("*.yaml"))
}
EDITS = [
    "at: stage3, remove: true",
    "at: stage0.**, of: {Activation: relu}, set: {activation: gelu}",
    "at: head, insert_before: {Dropout: 0.5}",
    "at: stage1.unit0, replace: {Conv2D: {filters: 128, kernel_size: 3, strides: 2}}",
    "at: stage2.unit1.main, remove: true",
    "at: stem, replace: [Conv2D: {filters: 64, kernel_size: 3}, BatchNormalization]",
    "at: '**.main', insert_after: {Dropout: 0.1}",
    "at: stage1, freeze: true",
    "at: head, rename: classifier",
    "of: residual, insert_after: {squeeze_excite: {filters: 4}}",
    "at: stage0.unit0, insert_after: {Add: null, from: [previous, stem]}",
    "of: BatchNormalization, replace: {GroupNormalization: {groups: 4}}",
    "at: stage2.unit0.shortcut.conv2d, insert_before: {AveragePooling2D: 1}",
]


def run(folder: Path, *words: str, status: int = 0) -> str:
    """What a command prints, its errors after its output."""
    done = command(folder, *words)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def assert_same(text: str, graph: Graph) -> Graph:
    """A spec is a network, with its names."""
    again = archspec.loads(text, graph.name)
    assert again.fingerprint == graph.fingerprint
    assert canonical_order(again) == canonical_order(graph)
    assert {node.name for node in again} == {node.name for node in graph}
    assert (again.inputs, again.outputs) == (graph.inputs, graph.outputs)
    assert (again.name, again.description) == (graph.name, graph.description)
    assert again.train == graph.train
    return again


# --- names and fingerprints ----------------------------------------------------------------------


@pytest.mark.parametrize("name", most_slow(FILES))
@pytest.mark.thorough
def test_a_resolved_spec_is_the_network_with_its_names(name: str) -> None:
    graph = archspec.load(FILES[name])
    text = archspec.resolve(graph)
    assert_same(text, graph)
    words = {line.partition(":")[0] for line in text.splitlines()}
    assert not words & {"extends", "import", "edit", "params", "require"}
    flat = archspec.resolve(graph, flat=True)
    assert_same(flat, graph)
    assert "\nblocks:" not in flat
    assert not any(word in flat for word in ("for:", "repeat:"))
    again = archspec.resolve(archspec.loads(text))
    if name == "resnext50":
        # Calls that do not use a param lack it in the first text, and have its default, the value
        # of another call, from then on: the second text is another, and the last.
        assert_same(again, graph)
        assert archspec.resolve(archspec.loads(again)) == again
    else:
        assert again == text


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.thorough
def test_a_variant_resolved_is_the_network_with_its_names(name: str) -> None:
    graph = archspec.load(OTHERS[name])
    again = assert_same(archspec.resolve(graph), graph)
    if graph.train:
        assert recipe_of(again) == recipe_of(graph)


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.thorough
def test_an_edit_resolved_is_the_network_with_its_names(edit: str) -> None:
    graph = archspec.load("resnet18", edits=[edit], classes=7)
    assert graph.fingerprint != archspec.load("resnet18", classes=7).fingerprint or "rename" in edit
    assert_same(archspec.resolve(graph), graph)


@pytest.mark.parametrize("count", few_or_many(12, 500))
@pytest.mark.thorough
def test_random_networks_resolved_have_their_names(count: int) -> None:
    def check(network: Network) -> None:
        try:
            graph = archspec.loads(write(network)[0], "drawn.yaml")
        except SpecError:
            return
        assert_same(archspec.resolve(graph), graph)
        assert_same(archspec.resolve(graph, flat=True), graph)

    try_out(check, draw, count)


def test_another_name_or_output_is_noticed() -> None:
    text = "archspec: 1\nname: a\ninput: [4]\nlayers:\n- Dense: 3\n  name: b\n- Dense: 2\n"
    graph = archspec.loads(text)
    assert has_same_names(graph, text)
    assert not has_same_names(graph, text.replace("name: b", "name: c"))
    assert not has_same_names(graph, text.replace("Dense: 3", "Dense: 4"))
    assert not has_same_names(graph, f"{text}train: {{epochs: 3}}\n")
    assert not has_same_names(graph, "layers: [")


# --- how it reads --------------------------------------------------------------------------------


def test_edits_and_settings_are_worked_into_what_a_person_would_write() -> None:
    graph = archspec.load(
        "resnet18", edits=["at: stage3, remove: true", "at: head, rename: classifier"], classes=7
    )
    body = archspec.resolve(graph).partition("\nlayers:\n")[2].partition("\ntrain:")[0]
    assert (
        body
        == """\
  - Conv2D: {filters: 64, kernel_size: 3}
    name: stem
  - BatchNormalization
  - Activation: relu
  - for: {stage: =range(3)}
    name: stage{stage}
    layers:
      - residual: {filters: =64 * 2**stage, strides: =2 if stage and not unit else 1}
        for: {unit: =range(2)}
        name: unit{unit}
  - GlobalAveragePooling2D
  - Dense: {units: 7, activation: softmax, kernel_regularizer: L2}
    name: classifier
"""
    )


def test_a_rate_that_grows_with_the_depth_is_a_formula() -> None:
    text = archspec.resolve("convnext_tiny")
    assert "drop_path: =0.1 * (before + unit) / 17" in text


def test_a_block_that_is_called_again_stays_one() -> None:
    text = archspec.resolve("siamese")
    assert "  - reuse: one\n    from: right\n    name: two\n" in text


def test_what_one_iteration_has_alone_is_a_condition_or_no_loop() -> None:
    text = archspec.resolve(
        archspec.load("resnet18", edits=["at: stage2, insert_before: {Dropout: 0.1}"])
    )
    assert text.count("- Dropout: 0.1") == 1
    assert text.count("residual:") <= 4


@pytest.mark.parametrize("name", most_slow(FILES))
@pytest.mark.thorough
def test_a_resolved_spec_is_not_much_longer_than_its_base(name: str) -> None:
    graph = archspec.load(FILES[name])
    lines = archspec.resolve(graph).count("\n")
    layers = sum(node.op != "InputLayer" for node in graph)
    assert lines < 60 + layers / 2


# --- the command ---------------------------------------------------------------------------------


def test_build_writes_a_resolved_spec(tmp_path: Path) -> None:
    said = run(tmp_path, "build", "lenet5", "--set", "classes=7", "-o", "sub/net.yaml")
    graph = archspec.load("lenet5", classes=7)
    text = (tmp_path / "sub" / "net.yaml").read_text("utf-8")
    assert text == archspec.resolve(graph)
    assert said.startswith("wrote sub/net.yaml: 8 layers in ")
    assert said.endswith(f"44,171 parameters, fingerprint {graph.fingerprint}\n")
    run(tmp_path, "build", "resnet18", "--flat", "-o", "flat.yml")
    assert (tmp_path / "flat.yml").read_text("utf-8") == archspec.resolve("resnet18", flat=True)


def test_build_writes_over_no_spec_and_takes_no_other_suffix(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("mine")
    said = run(tmp_path, "build", "lenet5", "-o", "net.yaml", status=1)
    assert said == "error: net.yaml: the file exists\nhint: choose another name\n"
    assert (tmp_path / "net.yaml").read_text() == "mine"
    said = run(tmp_path, "build", "lenet5", "-o", "net.h5", status=1)
    assert "a Keras model ends in .keras, a resolved spec in .yaml" in said
    assert "hint: write net.keras or net.yaml" in said
    assert "--flat is for" in run(tmp_path, "build", "lenet5", "--flat", status=2)
    options = ("--seed", "1", "-o", "other.yaml")
    assert "--seed is for" in run(tmp_path, "build", "lenet5", *options, status=2)
    assert not (tmp_path / "other.yaml").exists()


@pytest.mark.thorough
def test_a_resolved_spec_needs_no_framework(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom archspec import cli\n"
        f"assert cli.run(['build', 'lenet5', '-o', {str(tmp_path / 'net.yaml')!r}]) == 0\n"
        f"assert cli.run(['fold', {str(tmp_path / 'net.yaml')!r}]) == 0\n"
        "assert not {'keras', 'tensorflow', 'numpy', 'jax', 'torch'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)


def test_layers_of_ones_own_stay(tmp_path: Path) -> None:
    folder = ROOT / "examples" / "own_layers"
    own = ("--layers", str(folder / "my_layers.py"))
    run(tmp_path, "build", str(folder / "convnext_v2_digits.yaml"), *own, "-o", "net.yaml")
    assert "- GRN" in (tmp_path / "net.yaml").read_text("utf-8")
    run(tmp_path, "check", "net.yaml", *own)


# --- fold ----------------------------------------------------------------------------------------

FLAT = """archspec: 1
name: flat
input: [32, 32, 3]
layers:
  - {Conv2D: {filters: 8, kernel_size: 3, padding: same}, name: a_conv}
  - {BatchNormalization: , name: a_bn}
  - {ReLU: , name: a_relu}
  - {Conv2D: {filters: 16, kernel_size: 3, padding: same}, name: b_conv}
  - {BatchNormalization: , name: b_bn}
  - {ReLU: , name: b_relu}
  - {Conv2D: {filters: 32, kernel_size: 3, padding: same}, name: c_conv}
  - {BatchNormalization: , name: c_bn}
  - {ReLU: , name: c_relu}
  - {Conv2D: {filters: 64, kernel_size: 3, padding: same}, name: d_conv}
  - {BatchNormalization: , name: d_bn}
  - {ReLU: , name: d_relu}
  - GlobalAveragePooling2D
  - {Dense: {units: 10, activation: softmax}, name: topic}
  - {Dense: 1, from: d_relu, name: score}
outputs: [topic, score]
train:
  loss: {topic: SparseCategoricalCrossentropy, score: MeanSquaredError}
"""


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    text = FLAT.replace("{Dense: 1, from: d_relu", "{Flatten: , from: d_relu}\n  - {Dense: 1")
    (tmp_path / "flat.yaml").write_text(text, "utf-8")
    return tmp_path / "flat.yaml"


def test_a_flat_spec_is_folded_with_its_recipe(flat: Path) -> None:
    graph = archspec.load(flat)
    folded = archspec.fold(flat)
    assert folded.graph.fingerprint == graph.fingerprint
    assert folded.text.count("\n") < archspec.resolve(graph, flat=True).count("\n")
    assert "  - for:" in folded.text
    assert folded.renamed["b_conv"] in folded.graph.by_name
    assert folded.graph.train == graph.train
    again = archspec.loads(folded.text, graph.name)
    assert recipe_of(again).loss == recipe_of(graph).loss


@pytest.mark.parametrize("patterns", [["b_*"], ["b_conv", "c_conv"], ["b_conv", "d_*"]])
def test_frozen_layers_of_a_folded_spec_are_those_of_the_flat_one(flat: Path, patterns) -> None:
    flat.write_text(f"{flat.read_text('utf-8')}  freeze: {patterns}\n", "utf-8")
    graph, folded = archspec.load(flat), archspec.fold(flat)
    frozen = [folded.renamed.get(name, name) for name in recipe_of(graph).freeze]
    assert sorted(recipe_of(folded.graph).freeze) == sorted(frozen)
    assert folded.renamed


@pytest.mark.thorough
def test_names_that_show_the_structure_are_kept(tmp_path: Path) -> None:
    (tmp_path / "flat.yaml").write_text(archspec.resolve("vgg16", flat=True), "utf-8")
    folded = archspec.fold(tmp_path / "flat.yaml")
    assert folded.renamed == {}
    assert "for:" in folded.text


@pytest.mark.thorough
def test_fold_prints_or_writes_and_says_how_many_names_changed(flat: Path) -> None:
    folder, folded = flat.parent, archspec.fold(flat)
    note = f"note: {len(folded.renamed)} names of layers changed; "
    said = run(folder, "fold", "flat.yaml")
    assert said.startswith(folded.text)
    assert note in said
    said = run(folder, "fold", "flat.yaml", "-o", "short.yaml", "--names", "names.json")
    assert said.startswith("wrote short.yaml: 16 layers in ")
    assert (folder / "short.yaml").read_text("utf-8") == folded.text
    assert json.loads((folder / "names.json").read_text("utf-8")) == dict(folded.renamed)
    for options in (("-o", "short.yaml"), ("--names", "names.json"), ("-o", "short.txt")):
        said = run(folder, "fold", "flat.yaml", *options, status=1)
        assert said.startswith(f"error: {options[1]}: ")


def test_a_broken_spec_is_neither_resolved_nor_folded(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("archspec: 1\ninput: [4]\nlayers: [Dens: 3]\n")
    for words in (("build", "broken.yaml", "-o", "net.yaml"), ("fold", "broken.yaml")):
        assert "[unknown-layer]" in run(tmp_path, *words, status=1)
    assert not (tmp_path / "net.yaml").exists()
