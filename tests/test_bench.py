"""`archspec bench`: what it tells of given times, what it refuses, small nets really measured."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

import pytest
from conftest import ROOT, Done, command

import archspec
from archspec.cli import main
from archspec.comparing.timings import (
    FORWARD,
    TRAINING,
    Bench,
    Plan,
    Product,
    Timing,
    Unmeasured,
    prepare_network,
)
from archspec.errors import UserError
from archspec.runs.failure import is_interrupt

HEADS = """\
archspec: 1
name: heads
input: [8, 8, 1]
outputs: [main, side]
layers:
  - Flatten
  - Dense: {units: 20, activation: relu}
    name: trunk
  - Dense: {units: 10, activation: softmax}
    name: main
  - Dense: 5
    from: trunk
    name: side
train: {loss: {main: CategoricalCrossentropy}, metrics: [accuracy], loss_weights: {side: 0.3}}
"""
TWO_INPUTS = """\
archspec: 1
name: two_inputs
inputs: {words: {shape: [6], dtype: int32}, numbers: [4]}
layers:
  - Embedding: {input_dim: 5, output_dim: 3}
    from: words
  - Flatten
  - Concatenate:
    from: [previous, numbers]
  - Dense: 3
"""
UNKNOWN_MACS = """\
archspec: 1
name: unknown_macs
input: [5, 4]
layers:
  - EinsumDense: {equation: "abc,cd->abd", output_shape: [null, 6]}
  - Dense: 3
  - GlobalAveragePooling1D
  - Dense: {units: 1, activation: sigmoid}
train: {loss: BinaryCrossentropy}
"""
# Its weights have four terabytes, which no machine that runs this has.
FAILING = """\
archspec: 1
name: failing
input: [1000000]
layers:
  - Dense: {units: 1000000, activation: softmax}
"""
PICTURES = """\
archspec: 1
name: pictures
params: {size: 16}
input: [=size, =size, 1]
layers:
  - Conv2D: {filters: 3, kernel_size: 3, padding: same}
"""


def cli(*words: str, **environment: str) -> Done:
    return command(ROOT, "bench", *words, **environment)


# --- told ----------------------------------------------------------------------------------------


def told(*rows: Timing | Unmeasured, **changes) -> Bench:
    machine = {"cpu": "AMD EPYC", "cores": 8, "gpus": ["NVIDIA T4", "NVIDIA H200"]}
    facts = {"backend": "jax", "versions": {"jax": "0.10.2"}, "machine": machine}
    given = {
        "plan": Plan(runs=4),
        "device": "gpu:1",
        "product": Product(8192, 40e12, 50.04e12),
        "rows": rows,
        "interrupted": False,
        "facts": facts,
    }
    return Bench(**(given | changes))


ROWS = (
    Timing("resnet18", FORWARD, 32, 10**11, 3.04, 10, (0.02, 0.021, 0.019, 0.02)),
    Timing("resnet18", TRAINING, 32, 3 * 10**11, 12.6, 2, (1.25, 1.35)),
    Timing("unknown", FORWARD, 32, None, 0.105, 0, (0.000123,)),
    Unmeasured("unknown", TRAINING, "a recipe trains specs with one input, this has 2", False),
    Unmeasured("large", FORWARD, "it does not fit in memory; a smaller --batch-size may", True),
)


@pytest.mark.parametrize(("form", "suffix"), [("text", "txt"), ("markdown", "md")])
def test_the_table(golden, form: str, suffix: str):
    golden(f"bench/table.{suffix}", told(*ROWS).to_text(form))


def test_a_bench_that_was_interrupted_has_no_second_product():
    text = told(ROWS[0], product=Product(2048, 2e11, None), interrupted=True).to_text()
    assert "200 before\n" in text
    data = json.loads(told(ROWS[0], product=Product(2048, 2e11, None)).to_text("json"))
    assert data["matmul"]["flops_per_second_after"] is None
    assert data["timings"][0]["share_of_matmul"] == pytest.approx(1e11 / 0.02 / 2e11)


def test_the_data_are_exact():
    data = json.loads(told(*ROWS).to_text("json"))
    first, second, third, no_recipe, large = data["timings"]
    assert first["seconds"] == pytest.approx(
        {"mean": 0.02, "deviation": (2e-6 / 3) ** 0.5, "median": 0.02, "min": 0.019, "max": 0.021}
    )
    assert (first["runs"], first["burn_in"], second["runs"], second["burn_in"]) == (4, 10, 2, 2)
    assert second["flops_per_second"] == pytest.approx(3e11 / 1.3)
    assert second["share_of_matmul"] == pytest.approx(3e11 / 1.3 / 50.04e12)
    assert third["flops"] is third["flops_per_second"] is third["share_of_matmul"] is None
    assert third["seconds"]["deviation"] is None
    assert [no_recipe["failed"], large["failed"]] == [False, True]
    assert "one input" in no_recipe["why"]


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "inception_v3", "resnet50v2"])
def test_what_can_be_trained(name: str):
    assert prepare_network(archspec.load(name), Plan()).obstacle is None


def test_what_can_only_go_forward():
    two = prepare_network(archspec.loads(TWO_INPUTS), Plan())
    assert two.obstacle == "a recipe trains specs with one input, this has 2"
    assert (
        "'conv2d' has shape (None, 16, 16, 3)"
        in prepare_network(archspec.loads(PICTURES), Plan()).obstacle
    )


def test_what_cannot_be_measured():
    with pytest.raises(UserError, match=r"pictures: input 'input' is \?×\?×1"):
        prepare_network(archspec.loads(PICTURES, size=None), Plan())
    with pytest.raises(UserError, match=r"pictures: .*'float7'"):
        prepare_network(archspec.loads(PICTURES), Plan(precision="float7"))


def test_the_plan_stands_over_the_recipe():
    text = PICTURES + "train: {batch_size: 7, precision: float64, optimizer: SGD}\n"
    recipe = prepare_network(archspec.loads(text), Plan(batch_size=3)).recipe
    assert (recipe.batch_size, recipe.precision, recipe.optimizer) == (3, "float32", "SGD")


def test_every_spec_is_read_before_a_framework_is_started():
    none = {"KERAS_BACKEND": "nonesuch"}
    misspelt = cli("lenet5", "resnet18", "lenet6", **none)
    assert (misspelt.returncode, misspelt.stdout) == (1, "")
    assert "did you mean 'lenet5'?" in misspelt.stderr
    assert "nonesuch" not in misspelt.stderr
    sound = cli("lenet5", "resnet18", **none)
    assert sound.returncode == 1
    assert "nonesuch" in sound.stderr


@pytest.mark.parametrize(
    "words",
    [[], ["lenet5", "--runs", "0"], ["lenet5", "--seconds", "-1"], ["lenet5", "--format", "csv"]],
)
def test_wrong_usage_is_status_2(words: list[str]):
    assert cli(*words).returncode == 2


# --- measured ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A bench of nets, of which the second one fails."""
    folder = tmp_path_factory.mktemp("specs")
    paths = [folder / f"{number}.yaml" for number in range(4)]
    for path, text in zip(paths, (FAILING, HEADS, TWO_INPUTS, UNKNOWN_MACS), strict=True):
        path.write_text(text)
    counts = ["--runs", "3", "--burn-in", "2", "--batch-size", "4"]
    return cli("lenet5", *map(str, paths), *counts, "--format", "json")


@pytest.mark.slow
@pytest.mark.keras
def test_the_figures_agree_with_each_other(measured):
    data = json.loads(measured.stdout)
    found = {(row["network"], row["phase"]): row for row in data["timings"]}
    timed = {"lenet5": 2, "heads": 2, "two_inputs": 1, "unknown_macs": 2}
    for network, phases in timed.items():
        for phase in (FORWARD, TRAINING)[:phases]:
            row = found[network, phase]
            seconds = row["seconds"]
            assert (row["runs"], row["burn_in"]) == (3, 2)
            assert 0 < seconds["min"] <= seconds["median"] <= seconds["max"]
            assert row["images_per_second"] == pytest.approx(4 / seconds["mean"])
    macs = archspec.load("lenet5").macs
    best = max(data["matmul"]["flops_per_second_before"], data["matmul"]["flops_per_second_after"])
    for phase, operations in ((FORWARD, 2), (TRAINING, 6)):
        row = found["lenet5", phase]
        rate = 4 * operations * macs / row["seconds"]["mean"]
        assert row["flops_per_second"] == pytest.approx(rate)
        assert row["share_of_matmul"] == pytest.approx(rate / best)
    assert found["unknown_macs", TRAINING]["flops"] is None


@pytest.mark.keras
def test_a_network_that_fails_stops_no_other(measured):
    assert measured.returncode == 1
    without = [row for row in json.loads(measured.stdout)["timings"] if "why" in row]
    assert [(row["network"], row["phase"], row["failed"]) for row in without] == [
        ("failing", FORWARD, True),
        ("two_inputs", TRAINING, False),
    ]
    assert without[0]["why"]
    assert "\n" not in without[0]["why"]
    assert "Traceback" not in measured.stderr


@pytest.mark.keras
def test_an_error_comes_down_to_a_line():
    from archspec.backends import framework

    framework.start()
    import keras
    import numpy as np

    from archspec.runs.failure import describe_cause

    class Odd(keras.layers.Layer):
        def call(self, x):
            raise ValueError("is odd\nand more")

    with pytest.raises(ValueError, match="Exception encountered when calling") as odd:
        Odd()(np.ones((2, 3)))
    assert describe_cause(odd.value) == "is odd"
    assert describe_cause(ZeroDivisionError()) == "ZeroDivisionError"
    with pytest.raises(MemoryError) as error:
        np.ones((10**8, 10**8))  # more bytes than can be addressed
    for said in (
        error.value,
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4000000000000 bytes."),
        RuntimeError("{{function_node __wrapped__AddV2}} failed to allocate memory [Op:AddV2]"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    ):
        assert describe_cause(said) == "it does not fit in memory; a smaller --batch-size may"


@pytest.mark.slow
@pytest.mark.keras
def test_without_time_one_run_is_timed():
    from archspec.backends import framework

    framework.start()
    from archspec.comparing.bench import measure_networks

    plan = Plan(seconds=0)
    with framework.on("cpu") as device:
        done = measure_networks([prepare_network(archspec.load("lenet5"), plan)], plan, device)
    assert [(len(row.times), row.burn_in) for row in done.rows] == [(1, 0)] * 2
    assert not done.failed
    assert not done.interrupted
    assert "1 of 100" in done.to_text()


@pytest.mark.keras
def test_the_steps_are_those_of_predict_and_fit():
    from archspec.backends import framework

    framework.start()
    import keras
    import numpy as np

    from archspec.comparing import bench
    from archspec.training.compiling import compile_trainer

    it = prepare_network(archspec.loads(HEADS), Plan(batch_size=16))
    with framework.on("cpu") as device:
        model = archspec.to_keras(it.graph)
        trainer = compile_trainer(model, it.graph, it.recipe, 1, device)
        images = bench._make_images(it.graph, 16)
        outputs = bench._start_forward(trainer, images)()
        wanted = model.predict(keras.ops.convert_to_numpy(images), verbose=0)
        for name, values in zip(it.graph.outputs, wanted, strict=True):
            assert np.allclose(keras.ops.convert_to_numpy(outputs[name]), values, atol=1e-5)
        labels = bench._make_targets(it.graph, it.recipe)
        assert [tuple(labels[name].shape) for name in it.graph.outputs] == [(16, 10), (16,)]
        step = bench._start_training(trainer, images, labels)
        losses = [float(keras.ops.convert_to_numpy(step()["loss"])) for _ in range(300)]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.slow
@pytest.mark.keras
def test_sixteen_bits_and_markdown(capsys):
    options = ["--precision", "mixed_bfloat16", "--runs", "2", "--format", "markdown"]
    main(["bench", "lenet5", *options], standalone_mode=False)
    said = capsys.readouterr().out
    assert said.count("\n| lenet5 ") == 2
    assert "- batch: 32 samples, mixed_bfloat16\n" in said


@pytest.mark.slow
@pytest.mark.keras
def test_ctrl_c_leaves_what_there_is():
    """On a terminal, where progress tells when the first phase is through."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "archspec", "bench", "lenet5", "--runs", "1000000"]
    process = subprocess.Popen(
        [*command, "--seconds", "3", "--format", "json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while b"lenet5, training" not in said:
            said += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        data = json.loads(process.communicate()[0])
    finally:
        process.kill()
        os.close(ours)
    assert process.returncode == 130
    assert data["interrupted"]
    assert [(row["network"], row["phase"]) for row in data["timings"]] == [("lenet5", FORWARD)]


def test_what_a_framework_makes_of_ctrl_c_is_known():
    def chained(outer: Exception, inner: BaseException) -> Exception:
        try:
            try:
                raise inner
            except BaseException:
                raise outer from None
        except Exception as error:
            return error

    assert is_interrupt(chained(RuntimeError("a callback failed"), KeyboardInterrupt()))
    assert is_interrupt(RuntimeError("InternalError: KeyboardInterrupt: in a function"))
    assert not is_interrupt(chained(RuntimeError("a callback failed"), ValueError("no shape")))
    assert not is_interrupt(chained(UserError("cannot write best.keras"), KeyboardInterrupt()))
