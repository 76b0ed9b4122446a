"""From Python: every verb is a function, which gives what the command gives."""

from __future__ import annotations

import csv
import inspect
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import archspec
from archspec import cli
from archspec.error_formats import FORMS

BROKEN = "archspec: 1\ninput: [3]\nlayers:\n  - Dense: {unit: 3}\n  - Dense: 2\n"
WARNED = "archspec: 1\nparams: {spare: 3}\ninput: [3]\nlayers:\n  - Dense: 3\n"
TABLE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in row.split("|")[1:-1]]
    for row in re.findall(r"^\| [a-z]+ \| `.*$", TABLE, re.M)
]
# What is of graphs alone: steps of the way that the verbs go.
STEPS = {"custom_objects", "find", "load", "loads", "to_keras"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    (tmp_path / "warned.yaml").write_text(WARNED, encoding="utf-8")
    return tmp_path


def command(folder: Path, *words: str | Path, status: int = 0) -> str:
    """What a command prints on standard output, called in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder):
        assert cli.run(list(map(str, words)), out, err) == status, err.getvalue()
    return out.getvalue()


# --- each verb has its function ------------------------------------------------------------------


SERVES = {"lsp"}  # another program, for as long as that runs: there is nothing to call


def functions() -> dict[str, set[str]]:
    """The functions of each verb, as docs/python.md has them."""
    found: dict[str, set[str]] = {}
    for verb, _, call in ROWS:
        found.setdefault(verb, set()).update(re.findall(r"`archspec\.(\w+)\(", call))
    return found


def test_each_verb_has_a_function_in_the_table() -> None:
    assert set(functions()) == set(cli.verbs()) - SERVES
    for verb, names in functions().items():
        assert names, verb
        for name in names:
            assert inspect.isfunction(getattr(archspec, name))
            assert name in archspec.__all__


def test_each_function_is_one_of_a_verb() -> None:
    public = {name for name in archspec.__all__ if inspect.isfunction(getattr(archspec, name))}
    assert public - STEPS == set.union(*functions().values())


def test_a_function_is_called_as_its_verb_where_no_package_is() -> None:
    packages = {path.parent.name for path in ROOT.glob("archspec/*/__init__.py")}
    for verb, names in functions().items():
        assert (verb in names) != (verb in packages or iskeyword(verb)), verb


def test_the_table_shows_commands_that_are_there() -> None:
    for verb, shown, _ in ROWS:
        assert shown.startswith(f"`archspec {verb}")
        options = {each for param in cli.load(verb).params for each in param.opts}
        assert set(re.findall(r"--?[a-z][a-z-]*", shown)) <= options


# Options that a function has otherwise: the values of `load`, the way out, the method that has it.
OTHERWISE = {
    # Of `load`; error_formats; `advise`; the severities; `fix`.
    "check": {"settings", "edits", "form", "verbose", "advice", "strict", "fix"},
    # DifferenceReport.draw, with `fold`; Drawing.save; git alone calls it with --git
    "diff": {"form", "git", "output", "dpi", "side_by_side", "no_fold", "theme", "direction"},
    "show": {"settings", "edits", "form", "words"},  # *specs
    "draw": {"settings", "edits", "output", "dpi", "no_fold"},  # Drawing.save; fold
    "build": {"settings", "edits", "target", "flat"},  # path; resolve
    "train": {"settings", "edits", "resume"},
    "compare": {"arguments", "form", "jobs"},  # list_jobs
    "bench": {"settings", "edits", "form"},
    "predict": {"form"},
    "import": {"output", "names"},  # Imported.text and Imported.names
    "fold": {"output", "names"},  # Folded.text and Folded.renamed
    "layers": {"form"},
    "explain": {"form"},
    "studio": {"no_browser"},  # started
}


@pytest.mark.parametrize("verb", [each for each in cli.verbs() if each not in SERVES])
def test_options_are_arguments_of_the_same_name(verb: str) -> None:
    named = verb if verb in archspec.__all__ else next(iter(functions()[verb]))
    arguments = set(inspect.signature(getattr(archspec, named)).parameters)
    options = {str(param.name) for param in cli.load(verb).params} - {"spec", "specs", "help"}
    options -= {"layers"}  # `load` and `custom_objects` make a file of layers known to the process
    assert options - OTHERWISE.get(verb, set()) <= arguments
    assert OTHERWISE.get(verb, set()) & arguments == set()


def test_every_function_says_what_it_does_and_shows_an_example() -> None:
    for name in archspec.__all__:
        value = getattr(archspec, name)
        if inspect.isfunction(value):
            text = inspect.getdoc(value) or ""
            assert text.partition("\n")[0].endswith("."), name
            assert ">>> import archspec" in text, name


# --- nothing is imported before it is needed -----------------------------------------------------


def loaded(code: str) -> set[str]:
    """The modules that a fresh process has after some code."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


HEAVY = {"keras", "tensorflow", "numpy", "jax", "torch", "matplotlib", "sklearn", "filelock"}


@pytest.mark.thorough
def test_importing_archspec_imports_no_function_and_no_framework() -> None:
    alone = loaded("import archspec\nassert 'train' in dir(archspec)")
    assert not any(name.startswith("archspec.api") for name in alone)
    everything = loaded("from archspec import *\nassert train and Run and Evaluation and Bench")
    assert "archspec.api.train" in everything
    assert everything.isdisjoint(HEAVY)


def test_a_package_that_is_missing_is_named_with_what_installs_it() -> None:
    code = (
        "import sys, archspec\nsys.modules['filelock'] = sys.modules['numpy'] = None\n"
        "from archspec import cli\nassert cli.run(['compare', '--help'], sys.stderr) == 0\n"
        "assert cli.run(['compare', 'lenet5'], err=sys.stdout) == 1\n"
        "for call in (archspec.list_runs, lambda: archspec.compare('lenet5')):\n"
        "    try: call()\n"
        "    except archspec.UserError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    hint = "hint: pip install 'archspec-keras[run]'"
    *said, rest = done.stdout.split(f"\n{hint}\n")
    names = ("numpy", "filelock", "numpy")
    assert said == [f"error: this needs {name}, which is not installed" for name in names]
    assert rest == ""


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = archspec.trian


# --- the command and the function give the same --------------------------------------------------


def test_check_finds_what_the_command_prints(folder: Path) -> None:
    names = ["broken.yaml", "warned.yaml", "nowhere.yaml", "lenet5", "broken.yaml"]
    with chdir(folder):
        found = archspec.check(*names)
    assert len(found) == 3
    for form, write in FORMS.items():
        printed = command(folder, "check", *names, "--format", form, status=1)
        assert printed == f"{write(found)}\n"
    text = command(folder, "check", *names, status=1)
    assert text.startswith("\n".join(map(str, found)))
    assert archspec.check("lenet5", classes=30) == []
    with chdir(folder):
        assert [each.code for each in archspec.check("warned.yaml", spar=1)] == ["file"]


def test_check_of_a_broken_contract_is_an_error_as_for_the_command(folder: Path) -> None:
    text = "archspec: 1\ninput: [4]\nlayers: [Dense: 3]\nrequire: {params: <= 10}\n"
    (folder / "net.yaml").write_text(text, encoding="utf-8")
    (found,) = archspec.check(folder / "net.yaml")
    assert (found.code, found.severity) == ("contract", "error")


@pytest.mark.parametrize("specs", [("lenet5",), ("lenet5", "vgg11")])
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
@pytest.mark.thorough
def test_show_gives_what_the_command_prints(
    specs: tuple[str, ...], form: str, tmp_path: Path
) -> None:
    words = ["--depth", "1", "--batch-size", "8", "--precision", "mixed_float16"]
    report = archspec.show(*specs, depth=1, batch_size=8, precision="mixed_float16")
    assert report.to_text(form) == command(tmp_path, "show", *specs, *words, "--format", form)
    assert report.data == json.loads(report.to_text("json"))
    assert f"{report}\n" == report.to_text() == f"{report!r}\n"
    assert report._repr_markdown_() == report.to_text("markdown")


@pytest.mark.parametrize(
    ("suffix", "specs", "words", "options"),
    [
        ("svg", ["lenet5"], [], {}),
        ("dot", ["lenet5"], [], {}),
        ("png", ["lenet5"], [], {}),
        ("dot", ["lenet5", "vgg11"], ["--direction", "LR"], {"direction": "LR"}),
        ("dot", ["resnet18"], ["--depth", "1", "--heat", "macs"], {"depth": 1, "heat": "macs"}),
        ("dot", ["resnet18"], ["--blocks", "--theme", "dark"], {"blocks": True, "theme": "dark"}),
        ("dot", ["vgg11"], ["--no-fold"], {"fold": False}),
    ],
)
@pytest.mark.thorough
def test_draw_writes_what_the_command_writes(
    suffix: str, specs: list[str], words: list[str], options: dict[str, Any], tmp_path: Path
) -> None:
    more = {"dpi": 50} if suffix == "png" else {}
    dpi = ["--dpi", "50"] if more else []
    command(tmp_path, "draw", *specs, *words, *dpi, "-o", f"theirs.{suffix}")
    drawing = archspec.draw(*specs, **options)
    written = drawing.save(tmp_path / f"ours.{suffix}", **more)
    assert written.read_bytes() == (tmp_path / f"theirs.{suffix}").read_bytes()
    if suffix == "svg":
        assert drawing.svg == drawing._repr_svg_() == written.read_text(encoding="utf-8")


def test_what_is_left_of_a_broken_spec_is_drawn_from_its_error(folder: Path) -> None:
    command(folder, "draw", "broken.yaml", "-o", "theirs.svg", status=1)
    with chdir(folder), pytest.raises(archspec.SpecError) as caught:
        archspec.draw("broken.yaml")
    ours = archspec.draw(caught.value.graph).save(folder / "ours.svg")
    assert ours.read_bytes() == (folder / "theirs.svg").read_bytes()
    for function in (archspec.show, archspec.build, archspec.to_keras, archspec.train):
        with pytest.raises(archspec.SpecError):
            function(caught.value.graph)


@pytest.mark.parametrize("names", [(), ("Conv2D",), ("Conv2D", "Dense")])
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_layers_are_described_as_the_command_does(
    names: tuple[str, ...], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = command(tmp_path, "layers", *names, "--format", form)
    assert archspec.describe_layers(*names).to_text(form) == printed


def test_the_schema_is_the_one_that_the_command_prints(tmp_path: Path) -> None:
    assert archspec.json_schema() == json.loads(command(tmp_path, "schema"))


def test_new_writes_what_the_command_writes(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    source = ("--from", "resnet50_imagenet")
    for name, words in (("mine.yaml", source), ("whole.yaml", (*source, "--copy"))):
        printed = command(tmp_path / "theirs", "new", name, *words)
        with chdir(tmp_path / "ours"):
            written = archspec.new(name, "resnet50_imagenet", copy="--copy" in words)
            assert [f"wrote {path}" for path in written] == printed.splitlines()[:-1]
            for path in written:
                assert path.read_bytes() == (tmp_path / "theirs" / path).read_bytes()


@pytest.mark.keras
def test_build_gives_the_model_that_the_command_saves(tmp_path: Path) -> None:
    import keras
    import numpy as np

    model = archspec.build("lenet5", tmp_path / "ours.keras", seed=3)
    command(tmp_path, "build", "lenet5", "--seed", "3", "-o", "theirs.keras")
    ours, theirs = (
        keras.models.load_model(tmp_path / f"{name}.keras") for name in ("ours", "theirs")
    )
    assert ours.get_config() == theirs.get_config()
    for saved in (ours, theirs):
        pairs = zip(saved.get_weights(), model.get_weights(), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, archspec.Run]:
    """A folder with the run of a command, `theirs`, and that of the function, `ours`."""
    place = tmp_path_factory.mktemp("runs")
    words = ["--data", "digits", "--resize", "--limit", "96", "--epochs", "2", "--seed", "3"]
    command(place, "train", "lenet5_mnist", *words, "--run-dir", "theirs", "--quiet", "--weights")
    said: list[str] = []
    with chdir(place):
        run = archspec.train(
            "lenet5_mnist",
            data="digits",
            resize=True,
            limit=96,
            epochs=2,
            seed=3,
            run_dir="ours",
            weights=True,
            quiet=True,
            echo=said.append,
        )
    assert any("best epoch" in line for line in said)
    return place, run


def history(folder: Path) -> list[dict[str, str]]:
    """The rows of a history, without the times."""
    rows = list(csv.DictReader((folder / "history.csv").open(encoding="utf-8")))
    return [{key: each for key, each in row.items() if "second" not in key} for row in rows]


@pytest.mark.keras
def test_train_writes_the_run_that_the_command_writes(runs: tuple[Path, archspec.Run]) -> None:
    place, run = runs
    ours, theirs = place / "ours", place / "theirs"
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()}
    for name in ("spec.yaml", "resolved.yaml", "metrics.json", "weights.txt"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    assert history(ours) == history(theirs)
    assert run.folder == Path("ours")
    assert json.loads((theirs / "metrics.json").read_text())["test"] == run.metrics["test"]
    assert (len(run.history), run.interrupted) == (2, False)
    assert repr(run) == "<Run ours: finished, 2 epochs>"


@pytest.mark.keras
def test_a_run_is_evaluated_and_asked_as_by_the_command(
    runs: tuple[Path, archspec.Run],
) -> None:
    place, run = runs
    image = ROOT / "docs" / "digit.png"
    printed = command(place, "evaluate", "theirs", "--part", "validation")
    with chdir(place):
        found = archspec.evaluate(run, part="validation")
    assert printed == f"{found}\n\nwrote theirs/evaluation\n"
    for name in ("report.json", "confusion.csv"):
        both = [(place / run / "evaluation" / name).read_bytes() for run in ("ours", "theirs")]
        assert both[0] == both[1]
    printed = command(
        place, "predict", "theirs", image, "--resize", "--top", "3", "--format", "json"
    )
    with chdir(place):
        assert archspec.predict("ours", image, resize=True, top=3) == json.loads(printed)


@pytest.mark.keras
def test_a_run_goes_on_as_by_the_command(runs: tuple[Path, archspec.Run]) -> None:
    place, run = runs
    command(place, "train", "--resume", "theirs", "--epochs", "3", "--run-dir", "their-longer")
    with chdir(place):
        longer = archspec.resume(run, epochs=3, run_dir="our-longer", quiet=True)
        assert longer is not None
        assert archspec.resume(longer, quiet=True) is None
    assert history(place / "our-longer") == history(place / "their-longer")
    assert len(longer.history) == 3


@pytest.mark.keras
def test_runs_are_compared_and_listed_as_by_the_command(
    runs: tuple[Path, archspec.Run],
) -> None:
    place, run = runs
    printed = command(place, "compare", "theirs", "ours", "--dir", "c", "--format", "csv")
    said: list[str] = []
    with chdir(place):
        found = archspec.compare("theirs", run, dir="d", echo=said.append)
        assert found.to_text("csv") == printed
        assert f"{found}\n" == found.to_text()
        assert said == ["wrote d/comparison.md, d/comparison.csv, d/comparison.png"]
        for name in ("comparison.md", "comparison.csv"):
            assert Path("c", name).read_bytes() == Path("d", name).read_bytes()
        assert {path.name for path in Path("d").iterdir()} == {
            path.name for path in Path("c").iterdir()
        }
        listed = archspec.list_runs(".")
        assert {each.folder.name for each in listed.results} >= {"ours", "theirs"}
        assert listed.to_text("csv") == command(place, "compare", "--dir", ".", "--format", "csv")


@pytest.mark.slow
@pytest.mark.keras
def test_bench_measures_what_the_command_measures(tmp_path: Path) -> None:
    words = ["--batch-size", "2", "--burn-in", "1", "--runs", "2", "--seconds", "20"]
    printed = json.loads(command(tmp_path, "bench", "lenet5", *words, "--format", "json"))
    done = archspec.bench("lenet5", batch_size=2, burn_in=1, runs=2, seconds=20)
    ours = json.loads(done.to_text("json"))
    assert ours.keys() == printed.keys()
    same = ("network", "phase", "runs", "flops")
    assert [[row[key] for key in same] for row in ours["timings"]] == [
        [row[key] for key in same] for row in printed["timings"]
    ]
    assert str(done).startswith("network")


# --- a graph is as good as a file ----------------------------------------------------------------


@pytest.mark.keras
def test_a_graph_is_trained_by_a_recipe_of_its_own(folder: Path) -> None:
    graph = archspec.loads("archspec: 1\ninput: [8, 8, 1]\nlayers: [Flatten, Dense: 10]\n")
    recipe = {"data": "digits", "epochs": 1, "optimizer": "SGD", "batch_size": 64}
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    with chdir(folder):
        runs = [
            archspec.train(graph, recipe=each, limit=64, quiet=True, echo=lambda line: None)
            for each in (recipe, "recipe.yaml")
        ]
        texts = [(run.folder / "resolved.yaml").read_text() for run in runs]
        assert texts[0] == texts[1]
        assert "SGD" in texts[0]
        assert (runs[0].folder / "spec.yaml").read_text() == graph.text


def test_warnings_of_a_spec_are_python_warnings(folder: Path) -> None:
    path = folder / "warned.yaml"
    with pytest.warns(UserWarning, match="no formula names param 'spare'|spare"):
        archspec.show(path)
    assert len(archspec.load(path).warnings) == 1


@pytest.mark.keras
def test_a_device_works_with_the_defaults_of_keras_and_gives_back_those_of_the_process() -> None:
    import keras

    from archspec.backends import framework

    before = keras.config.epsilon()
    keras.config.set_epsilon(0.25)
    try:
        with framework.on("cpu"):
            assert keras.config.epsilon() == 1e-7
        assert keras.config.epsilon() == 0.25
    finally:
        keras.config.set_epsilon(before)


# --- what cannot be ------------------------------------------------------------------------------

GRAPH = archspec.loads("archspec: 1\ninput: [3]\nlayers: [Dense: 3]\n")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: archspec.load(3), "a spec is a file or a name, not int"),
        (lambda: archspec.loads(b"archspec: 1"), "loads() takes the text of a spec, not bytes"),
        (lambda: archspec.check(), "check() takes at least one spec"),
        (lambda: archspec.check(GRAPH), "check() takes files or names of specs, not Graph"),
        (lambda: archspec.show(), "show() takes at least one spec"),
        (lambda: archspec.show(["lenet5"]), "not list (give several one by one: f(*specs))"),
        (lambda: archspec.draw(None), "draw() takes specs: files, names or graphs, not NoneType"),
        (lambda: archspec.draw(GRAPH).save(3), "path must be a path, not int"),
        (lambda: archspec.draw(GRAPH).save(None), "path must be a path, not None"),
        (lambda: archspec.build(GRAPH, 3), "path must be a path, not int"),
        (lambda: archspec.to_keras("lenet5"), "to_keras() takes a Graph, not str"),
        (lambda: archspec.train(3), "train() takes specs"),
        (lambda: archspec.train(GRAPH, recipe=3), "recipe must be a path, not int"),
        (lambda: archspec.resume(3), "resume() takes a Run or its folder, not int"),
        (lambda: archspec.resume("x", settings="a=1"), "settings must be a list of texts"),
        (lambda: archspec.evaluate(3), "evaluate() takes a Run or its folder, not int"),
        (lambda: archspec.predict("x"), "predict() takes at least one image"),
        (lambda: archspec.predict("x", ["a.png"]), "predict() takes files of images, not list"),
        (lambda: archspec.compare(), "compare() takes at least one spec or run"),
        (lambda: archspec.compare(GRAPH), "compare() takes files, names of specs, and runs, not"),
        (lambda: archspec.bench(), "bench() takes at least one spec"),
        (lambda: archspec.describe_layers(3), "describe_layers() takes names of layers, not int"),
        (lambda: archspec.explain(3), "explain() takes codes of errors, not int"),
        (lambda: archspec.new(3), "file must be a path, not int"),
        (lambda: archspec.new("x.yaml", 3), "a spec is a file or a name, not int"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: archspec.load("lenet6"), "no shipped spec is called 'lenet6'"),
        (lambda: archspec.show("lenet5", depth=0), "depth must be a whole number of 1 or more"),
        (lambda: archspec.show("lenet5", batch_size=0), "batch_size"),
        (lambda: archspec.show("lenet5", precision="float7"), "precision"),
        (lambda: archspec.show("lenet5").to_text("html"), "form must be text, markdown or json"),
        (lambda: archspec.draw("lenet5", theme="pink"), "theme must be light, dark or print"),
        (lambda: archspec.draw("lenet5", heat="cost"), "heat must be params, macs or memory"),
        (lambda: archspec.draw("lenet5", direction="up"), "direction must be TB or LR"),
        (lambda: archspec.draw("lenet5", depth="2"), "depth must be a whole number"),
        (lambda: archspec.draw("a", "b", blocks=True), "blocks=True is for one spec"),
        (lambda: archspec.draw(GRAPH).save("x.jpg"), "its suffix must be"),
        (lambda: archspec.draw(GRAPH).save("x.svg", dpi=72), "only a .png has pixels"),
        (lambda: archspec.draw(GRAPH).save("x.png", dpi=9), "dpi must be a whole number of 36"),
        (lambda: archspec.draw(GRAPH).save("x.png", dpi=9999), "dpi must be 1200 at most"),
        (lambda: archspec.build(GRAPH, "x.h5"), "Keras models end in .keras"),
        (lambda: archspec.build(GRAPH, seed=-1), "seed"),
        (lambda: archspec.train(GRAPH, epochs=1, steps=1), "give epochs or steps, not both"),
        (lambda: archspec.train(GRAPH, epochs=0), "epochs"),
        (lambda: archspec.train(GRAPH, seed="x"), "seed"),
        (lambda: archspec.train(GRAPH, limit=0), "limit must be a whole number of 1 or more"),
        (lambda: archspec.train(GRAPH, recipe="nowhere.yaml"), "nowhere.yaml"),
        (lambda: archspec.train(GRAPH, recipe={"epoch": 3}), "train has no argument 'epoch'"),
        (lambda: archspec.resume("x", epochs=1, steps=1), "give epochs or steps, not both"),
        (lambda: archspec.resume("x", settings=["width"]), "a setting is NAME=VALUE"),
        pytest.param(
            lambda: archspec.resume("nowhere"),
            "there is no folder nowhere",
            marks=pytest.mark.keras,
        ),
        (lambda: archspec.evaluate("x", part="all"), "part must be test, validation or train"),
        (lambda: archspec.predict("x", "a.png", top=0), "top must be a whole number"),
        (lambda: archspec.compare("lenet5", seeds=0), "seeds must be a whole number"),
        pytest.param(
            lambda: archspec.compare("lenet5", output="x.bmp"),
            "the suffix of output must be .png",
            marks=pytest.mark.keras,
        ),
        (lambda: archspec.compare("x", epochs=1, steps=1), "give epochs or steps, not both"),
        pytest.param(
            lambda: archspec.list_runs("nowhere"),
            "there is no folder nowhere",
            marks=pytest.mark.keras,
        ),
        (lambda: archspec.bench("lenet5", runs=0), "runs must be a whole number of 1 or more"),
        (lambda: archspec.bench("lenet5", seconds=-1), "seconds must be a number of 0 or more"),
        (lambda: archspec.bench("lenet5", batch_size=0), "batch_size"),
        (lambda: archspec.describe_layers("Conv3"), "Conv3"),
        (lambda: archspec.explain("shap"), "did you mean 'shape'?"),
        (lambda: archspec.new("x.txt"), "a spec ends in .yaml"),
    ],
)
def test_a_value_that_cannot_be_is_a_user_error(
    call: Callable[[], object], message: str, tmp_path: Path
) -> None:
    with chdir(tmp_path), pytest.raises(archspec.UserError, match=re.escape(message)):
        call()
    assert list(tmp_path.iterdir()) == []


def test_both_errors_are_errors_of_archspec() -> None:
    for text in ("nowhere.yaml", "resnet19"):
        with pytest.raises(archspec.ArchspecError):
            archspec.load(text)
    with pytest.raises(archspec.ArchspecError):
        archspec.loads(BROKEN)
