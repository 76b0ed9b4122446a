"""Runs side by side: what is read of them, which of them are alike, the tables and the picture.

The folders are written here, with the values that a test is about; tests/test_compare.py trains.
"""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from statistics import fmean, stdev

import pytest
from conftest import ROOT, command
from shrinking import slow_but_first

import archspec
from archspec.comparing.table import Comparison, build_comparison, list_runs
from archspec.errors import UserError
from archspec.recipe import recipe_of
from archspec.runs.job import format_resolved
from archspec.runs.results import Result, find_runs, read_result

NET = """\
archspec: 1
name: {name}
input: [8, 8, 1]
layers:
  - Flatten
  - Dense: {{units: {units}, activation: relu}}
  - Dense: {{units: 10, activation: softmax}}
train: {{data: digits, epochs: 2{train}}}
"""
HEADS = """\
archspec: 1
name: heads
input: [8, 8, 1]
outputs: [main, side]
layers:
  - Flatten:
    name: trunk
  - Dense: {units: 10, activation: softmax}
    name: main
  - Dense: {units: 10, activation: softmax}
    name: side
    from: trunk
train: {data: digits, metrics: {main: [AUC, accuracy], side: [accuracy]}}
"""
IMAGES = {"train": 300, "validation": 60, "test": 60}


def write_run(
    folder: Path,
    text: str,
    accuracy: float | None = None,
    *,
    seed: int = 0,
    test: dict[str, float] | None = None,
    images: dict[str, int] = IMAGES,
    recipe: dict[str, object] | None = None,
    **facts: object,
) -> Path:
    """A run's folder with that accuracy, or these metrics; recipe, facts: what is not as usual."""
    folder.mkdir(parents=True)
    graph = archspec.loads(text)
    (folder / "resolved.yaml").write_text(
        format_resolved(graph, recipe_of(graph, seed=seed, **(recipe or {})))
    )
    test = test or {"accuracy": accuracy or 0.0, "loss": 1.0}
    usual = {
        "name": graph.name,
        "data": {"name": "digits", "images": images, "fingerprint": "f1", "limit": None},
        "device": "cpu:0",
        "started": "2026-11-22T04:46:35+00:00",
        "status": "finished",
        "training_seconds": 2.0,
        "images_per_second": 1000.0,
        "peak_memory": 2**20,
    }
    (folder / "run.json").write_text(json.dumps(usual | facts))
    metrics = {part: test if part in images else None for part in ("test", "validation")}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    keys = [f"val_{key}" for key in test] if "validation" in images else list(test)
    rows = [["epoch", *keys], *([n, *(each * n / 2 for each in test.values())] for n in (1, 2))]
    with (folder / "history.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def net(name: str = "net", units: int = 20, train: str = "") -> str:
    return NET.format(name=name, units=units, train=f", {train}" if train else "")


def several(tmp_path: Path, *runs: tuple[str, float, dict[str, object]]) -> list[Result]:
    """Runs of (text, accuracy, more)."""
    return [
        read_result(write_run(tmp_path / f"run{number}", text, accuracy, **more))
        for number, (text, accuracy, more) in enumerate(runs)
    ]


# --- one run -------------------------------------------------------------------------------------


def test_runs_that_began_with_other_weights_are_no_seeds_of_one_training(tmp_path):
    init = {"from": "runs/base", "fingerprint": "0123456789abcdef", "partial": ["slice"]}
    init |= {"sha256": "f" * 64, "parameters": {"copied": 1}}
    anew, begun, again = several(
        tmp_path,
        (net(), 0.5, {"seed": 1}),
        (net(), 0.9, {"seed": 2, "init": init}),
        (net(), 0.8, {"seed": 3, "init": init}),
    )
    assert begun.is_same_but_for_the_seed(again)
    comparison = build_comparison([anew, begun, again])
    assert sorted(len(row.results) for row in comparison.rows) == [1, 2]
    said = comparison.to_text()
    assert "the weights of runs/base (slice, ffffffff)" in said
    assert "instead of new weights" in said


def test_a_run_is_read(tmp_path):
    it = read_result(write_run(tmp_path / "run", net(), 0.75, seed=3))
    assert (it.label, it.value, it.part, it.measure) == ("net", 0.75, "test", "accuracy")
    assert (it.recipe.seed, it.status, it.length) == (3, "finished", "2 epochs")
    assert it.curve == (0.375, 0.75)
    assert it.graph.macs == 64 * 20 + 20 * 10
    assert it.graph.fingerprint == archspec.loads(net()).fingerprint


def test_without_test_images_validation_is_compared_and_said(tmp_path):
    it = read_result(
        write_run(tmp_path / "run", net(), 0.75, images={"train": 300, "validation": 60})
    )
    assert (it.value, it.conditions["measured"]) == (0.75, "validation accuracy")
    assert "0.7500 (validation)" in list_runs([it], "text")


def test_without_validation_images_the_curve_is_of_training(tmp_path):
    it = read_result(write_run(tmp_path / "run", net(), 0.75, images={"train": 300, "test": 60}))
    assert it.curve == (0.375, 0.75)


@pytest.mark.parametrize(
    ("text", "test", "measure"),
    [
        (net(train="metrics: [AUC, accuracy]"), {"AUC": 0.9, "accuracy": 0.5}, "accuracy"),
        (
            net(train="metrics: [{SparseTopKCategoricalAccuracy: 3}]"),
            {"sparse_top_k_categorical_accuracy": 0.5},
            "sparse_top_k_categorical_accuracy",
        ),
        (
            net(train="metrics: [{SparseTopKCategoricalAccuracy: {k: 3, name: top3}}]"),
            {"top3": 0.5, "loss": 1.0},
            "top3",
        ),
        (HEADS, {"loss": 2.0, "main_accuracy": 0.5, "side_accuracy": 0.9}, "main_accuracy"),
    ],
)
def test_what_is_compared_is_the_accuracy_of_the_first_output(tmp_path, text, test, measure):
    it = read_result(write_run(tmp_path / "run", text.replace("AUC, ", ""), test=test))
    assert (it.measure, it.value) == (measure, 0.5)
    assert it.curve == (0.25, 0.5)


def test_of_numbers_less_error_is_better(tmp_path):
    text = net(train="loss: MeanSquaredError").replace("softmax", "linear")
    runs = [
        read_result(
            write_run(
                tmp_path / f"run{error}",
                text.replace("name: net", f"name: n{error}"),
                test={"mean_absolute_error": error, "loss": 1.0},
            )
        )
        for error in (3.0, 1.0, 2.0)
    ]  # fmt: skip
    assert {(each.measure, each.is_loss) for each in runs} == {("mean_absolute_error", True)}
    comparison = build_comparison(runs)
    assert [row.value for row in comparison.rows] == [1.0, 2.0, 3.0]
    assert comparison.measured == "test mean_absolute_error"
    (_, *lines) = list_runs(runs, "csv").splitlines()
    assert [float(line.split(",")[2]) for line in lines] == [1.0, 2.0, 3.0]


def test_a_loss_is_no_ground_to_rank_on(tmp_path):
    text = net(train="metrics: [sparse_categorical_crossentropy]").replace(
        "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"
    )
    it = read_result(
        write_run(tmp_path / "run", text, test={"sparse_categorical_crossentropy": 0.5})
    )
    assert it.value is None


@pytest.mark.parametrize("name", ["run.json", "resolved.yaml", "metrics.json", "history.csv"])
def test_a_damaged_run_is_an_error_that_names_it(tmp_path, name):
    folder = write_run(tmp_path / "run", net(), 0.75)
    (folder / name).write_text("epoch,val_accuracy\n1,x\n")
    with pytest.raises(UserError) as error:
        read_result(folder)
    assert str(folder) in str(error.value)


# --- rows ----------------------------------------------------------------------------------------


def test_seeds_of_a_network_are_one_row_and_the_best_comes_first(tmp_path):
    values = [0.8, 0.9, 0.85]
    runs = [(net(), value, {"seed": seed}) for seed, value in enumerate(values)]
    it = build_comparison(several(tmp_path, *runs, (net("better"), 0.95, {})))
    better, row = it.rows
    assert (better.name, better.value, better.deviation) == ("better", 0.95, None)
    assert len(row.results) == 3
    assert row.value == pytest.approx(fmean(values))
    assert row.deviation == pytest.approx(stdev(values))
    assert f"{fmean(values):.4f} ± {stdev(values):.4f}" in it.to_text("text")


@pytest.mark.parametrize(
    "more",
    [
        {"recipe": {"batch_size": 64}},
        {"recipe": {"epochs": 3}},
        {"device": "gpu:0"},
        {"data": {"name": "digits", "images": IMAGES, "fingerprint": "f2", "limit": None}},
    ],
)
def test_runs_that_differ_in_more_than_the_seed_are_rows_of_their_own(tmp_path, more):
    one, two = build_comparison(
        several(tmp_path, (net(), 0.9, {}), (net(), 0.8, {"seed": 1, **more}))
    ).rows
    assert (one.name, two.name) == (f"net ({tmp_path / 'run0'})", f"net ({tmp_path / 'run1'})")


def test_networks_of_one_name_are_rows_of_their_own(tmp_path):
    rows = build_comparison(several(tmp_path, (net(), 0.9, {}), (net(units=30), 0.8, {}))).rows
    assert [row.graph.total_params for row in rows] == [1510, 2260]


def test_other_conditions_are_told(tmp_path):
    other = {"train": 100, "test": 60}
    machine = {"cpu": "slow", "cores": 1, "gpus": []}
    usual = [(net(name), 0.5, {}) for name in "abc"]
    it = build_comparison(
        several(
            tmp_path,
            (net("early"), 0.9, {"recipe": {"epochs": 1}}),
            (net("few"), 0.8, {"images": other}),
            (net("elsewhere"), 0.7, {"device": "gpu:0", "machine": machine}),
            *usual,
        )
    )
    told = {row.name: row.differs for row in it.rows}
    counts = "300 to train on, 60 for validation, 60 for test"
    assert told.pop("early") == ("1 epoch instead of 2 epochs",)
    assert told.pop("few") == (f"100 to train on, 60 for test instead of {counts}",)
    assert told.pop("elsewhere") == ("gpu:0 instead of cpu:0",)
    assert set(told.values()) == {()}
    assert "early *" in it.to_text("text")
    assert "not the same conditions (*): early (1 epoch instead of 2 epochs)" in it.to_text("text")


def test_other_images_of_the_same_name_and_number_are_told(tmp_path):
    data = {"name": "digits", "images": IMAGES, "fingerprint": "f2", "limit": None}
    usual = [(net(name), 0.5, {}) for name in "ab"]
    rows = build_comparison(several(tmp_path, *usual, (net("c"), 0.4, {"data": data}))).rows
    assert [row.differs for row in rows] == [(), (), ("other images in digits",)]


def test_a_run_that_is_not_finished_has_no_value(tmp_path):
    runs = [(net("a"), 0.9, {}), (net("b"), 0.99, {"status": "interrupted"})]
    it = build_comparison(several(tmp_path, *runs))
    assert [row.value for row in it.rows] == [0.9, None]
    assert "interrupted: b, seed 0" in it.to_text("text")


# --- tables --------------------------------------------------------------------------------------


def test_what_older_runs_lack_is_a_dash(tmp_path):
    older = {"training_seconds": None, "images_per_second": None, "peak_memory": None}
    it = build_comparison(several(tmp_path, (net("old"), 0.9, older), (net("new"), 0.8, {})))
    old, new = it.to_text("markdown").splitlines()[2:4]
    assert [cell.strip() for cell in old.split("|")[3:5]] == ["-", "-"]
    assert "1.00 MiB" in new
    assert "1.00 MiB" not in old


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"training_seconds": -1.0}, "training_seconds must be a number of at least 0 and at most"),
        ({"images_per_second": 1e290}, "images_per_second must be a number of at least 0 and at"),
        ({"peak_memory": "much"}, "peak_memory must be an integer of at least 0 or null"),
    ],
)
def test_facts_that_cannot_be_are_told(tmp_path, facts, said):
    write_run(tmp_path / "run", net(), 0.5, **facts)
    with pytest.raises(UserError, match=f"run.json is missing or damaged: {said}"):
        read_result(tmp_path / "run")


@pytest.mark.thorough
def test_values_that_are_no_numbers_are_shown_as_such_and_last(tmp_path):
    from archspec.comparing.charts import write_chart

    nan = float("nan")
    runs = [
        *(
            (net("a"), 0.5, {"test": {"accuracy": value}, "seed": seed})
            for seed, value in ((0, nan), (1, 0.5))
        ),
        *((net("b", 30), 0.4, {"seed": seed}) for seed in (0, 1)),
        (net("c", 40), 0.3, {"training_seconds": nan}),
        (net("d", 50), 0.2, {"training_seconds": 0.0}),
    ]
    it = build_comparison(several(tmp_path, *runs))
    assert [row.name for row in it.rows] == ["b", "c", "d", "a"]
    assert "nan ± nan" in it.to_text("text")
    write_chart(it, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_csv_has_the_numbers_in_full(tmp_path):
    it = build_comparison(several(tmp_path, (net("a"), 0.912345, {}), (net("b", 30), 0.8, {})))
    rows = list(csv.DictReader(io.StringIO(it.to_text("csv"))))
    assert [row["network"] for row in rows] == ["a", "b"]
    assert float(rows[0]["mean"]) == 0.912345
    assert [int(row["parameters"]) for row in rows] == [1510, 2260]
    assert {row["peak_memory"] for row in rows} == {str(2**20)}


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_table_with_its_notes(tmp_path, golden, form):
    machine = {"cpu": "Abacus", "cores": 2, "gpus": []}
    facts = {"machine": machine, "versions": {"keras": "3.15.1"}, "git_commit": "c0ffee"}
    runs = [
        *((net("small", 5), 0.8 + seed / 100, {"seed": seed, **facts}) for seed in (0, 1)),
        (net("large", 500), 0.9, facts),
        (net("short", 50), 0.7, {"recipe": {"steps": 9}, **facts}),
        (net("stopped", 50), 0.0, {"status": "interrupted", **facts}),
    ]
    suffix = {"text": "txt", "markdown": "md"}[form]
    golden(f"comparison/table.{suffix}", build_comparison(several(tmp_path, *runs)).to_text(form))


def test_the_list_of_runs(tmp_path):
    runs = several(
        tmp_path, (net("a"), 0.5, {}), (net("b"), 0.9, {}), (net("c"), 0.0, {"status": "running"})
    )
    lines = list_runs(runs, "text").splitlines()[2:]
    assert [line.split()[1] for line in lines] == ["b", "a", "c"]
    assert "not finished" in lines[2]
    assert len(list(csv.DictReader(io.StringIO(list_runs(runs, "csv"))))) == 3


def test_the_runs_of_a_folder_are_listed_and_the_damaged_named(tmp_path):
    write_run(tmp_path / "runs" / "deep" / "one", net("one"), 0.9)
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    done = command(tmp_path, "compare")
    assert done.returncode == 0, done.stderr
    assert "runs/deep/one" in done.stdout
    assert done.stderr == "left out: runs/broken is not the folder of a run\n"
    assert [str(each.relative_to(tmp_path)) for each in find_runs(tmp_path)] == [
        "runs/broken",
        "runs/deep/one",
    ]


@pytest.mark.thorough
def test_runs_are_compared_without_keras(tmp_path):
    for name in "ab":
        write_run(tmp_path / name, net(name), 0.9)
    code = (
        "import sys\nfrom archspec.cli import run\nsys.argv[0] = 'archspec'\n"
        "status = run()\nassert 'keras' not in sys.modules, 'Keras is loaded'\nsys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *["compare", "a", "b", "--dir", "out", "-o", "here.svg"]],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (
        0,
        "wrote out/comparison.md, out/comparison.csv, here.svg\n",
    )
    assert (tmp_path / "here.svg").read_text().startswith("<?xml")
    assert done.stdout.startswith("network ")


@pytest.mark.thorough
def test_damaged_runs_among_others_are_named_and_left_out(tmp_path):
    damaged = {"c": "run.json", "d": "resolved.yaml", "e": "metrics.json", "f": "history.csv"}
    for run in "acbdef":
        write_run(tmp_path / run, net(run), 0.9)
    for run, name in damaged.items():
        (tmp_path / run / name).write_text("{")
        alone = command(tmp_path, "compare", run, "--dir", "out")
        assert (alone.returncode, alone.stdout) == (1, "")
        assert alone.stderr.startswith(f"error: {run}/{name} is ")
    done = command(tmp_path, "compare", *"acbdef", "--dir", "out")
    assert done.returncode == 1
    table = (tmp_path / "out" / "comparison.md").read_text()
    for run, name in damaged.items():
        assert f"left out: {run}/{name} is " in done.stderr
        assert f"left out: {run}/{name} is " in table
    assert [line.split()[0] for line in done.stdout.splitlines()[2:4]] == ["a", "b"]


@pytest.mark.parametrize("name", ["resolved.yaml", "run.json"])
def test_a_run_that_lacks_a_file_is_no_spec(tmp_path, name):
    write_run(tmp_path / "a", net("a"), 0.9)
    (tmp_path / "a" / name).unlink()
    done = command(tmp_path, "compare", "a")
    assert done.returncode == 1
    assert name in done.stderr
    assert "not a spec" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "--epochs", "3"], "--epochs is for training: give a SPEC to train"),
        (["--seeds", "3"], "--seeds is for training"),
        (["-o", "x.png"], "--output needs SPECs or RUNs"),
        (["a", "-o", "x.bmp"], "ends in .png or .svg or .pdf"),
    ],
)
def test_wrong_usage_is_said(tmp_path, words, said):
    write_run(tmp_path / "a", net("a"), 0.9)
    done = command(tmp_path, "compare", *words)
    assert done.returncode == 2
    assert said in done.stderr


# --- the picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_better_than_a_member_of_the_front(seed):
    from archspec.comparing.fronts import find_front

    draw = random.Random(seed)
    points = [(draw.randint(1, 9) / 4, draw.randint(1, 9) / 4) for _ in range(30)]

    def beaten(cost: float, value: float) -> bool:
        return any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in points)

    assert find_front(points) == sorted({each for each in points if not beaten(*each)})


def many(tmp_path: Path, count: int) -> Comparison:
    """Networks that lie close together, each with two seeds."""
    draw = random.Random(count)
    runs = []
    for number in range(count):
        text = net(f"network_{number}", draw.randint(20, 40))
        seconds = draw.uniform(5, 9)
        runs += [
            (text, draw.uniform(0.85, 0.9), {"seed": seed, "training_seconds": seconds})
            for seed in (0, 1)
        ]
    return build_comparison(several(tmp_path, *runs))


@pytest.mark.parametrize("count", slow_but_first([8, 5, 2]))
@pytest.mark.thorough
def test_no_name_in_the_picture_hides_another_or_leaves_its_panel(tmp_path, count):
    from matplotlib.text import Annotation, Text

    from archspec.comparing.charts import draw_chart

    figure = draw_chart(many(tmp_path, count))
    figure.canvas.draw()
    assert len(figure.axes) == 3
    for axes in figure.axes[1:]:
        notes = [each for each in axes.get_children() if isinstance(each, Annotation)]
        assert len(notes) == count
        boxes = [Text.get_window_extent(each) for each in notes]
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
        frame = axes.get_window_extent()
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


@pytest.mark.thorough
def test_a_network_under_other_conditions_is_of_no_front(tmp_path):
    from archspec.comparing.charts import draw_chart

    runs = [(net(name), 0.5, {}) for name in "ab"]
    best = (net("best"), 0.9, {"recipe": {"epochs": 1}})
    for more, highest in (((), 0.5), ((best,), 0.5), (((net("c"), 0.9, {}),), 0.9)):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        figure = draw_chart(build_comparison(several(folder, *runs, *more)))
        (line,) = (each for each in figure.axes[1].lines if "Pareto" in str(each.get_label()))
        assert max(line.get_ydata()) == highest


def test_a_comparison_without_a_value_has_no_picture(tmp_path):
    from archspec.comparing.compare import publish

    it = build_comparison(several(tmp_path, (net(), 0.0, {"status": "failed"})))
    assert {path.name for path in publish(it, tmp_path / "out")} == {
        "comparison.md",
        "comparison.csv",
    }
