"""Layers of one's own, from a file that the user names: what they can, and what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import ROOT, runner

import archspec
from archspec.cli import main, run
from archspec.errors import SpecError, UserError
from archspec.layers import FAMILIES, LAYERS
from archspec.layers.docstrings import is_sentence
from archspec.schema import read_shipped

FOLDER = ROOT / "examples" / "own_layers"
FILE = str(FOLDER / "my_layers.py")
SPEC = str(FOLDER / "convnext_v2_digits.yaml")
NET = """\
archspec: 1
input: [8, 8, 4]
layers:
  - GRN: {epsilon: 0.001}
    name: grn
  - SwiGLU
"""
MINIMAL = '''\
from typing import Annotated as A
from archspec.own_layers import NON_NEGATIVE, Facts, Refused, Shape, Traits, entry, sizes

def scale(x: Shape, *, start: A[float, NON_NEGATIVE, "Where it starts."] = 1.0) -> Facts:
    """gamma * x.

    Shape: that of the input.
    """
    return Facts(x, {"gamma": (x[-1],)})

def make_scale():
    import keras

    class Scale(keras.layers.Layer):
        def __init__(self, start, **common):
            super().__init__(**common)
            self.start = start

        def build(self, shape):
            self.gamma = self.add_weight((shape[-1],), "ones", name="gamma")

        def call(self, x):
            return self.gamma * x

        def get_config(self):
            return {**super().get_config(), "start": self.start}

    return Scale

FAMILY = (
    entry("Scale", scale, Traits(), "Scale.", "", (8, 4), keras_class=make_scale),
)
'''
SCALED = "archspec: 1\ninput: [8, 4]\nlayers:\n  - Scale\n"


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    """Leave the table of layers as it was: `archspec.load` changes it for the whole process."""
    before, families = dict(LAYERS), dict(FAMILIES)
    yield
    for kept, now in ((before, LAYERS), (families, FAMILIES)):
        now.clear()
        now.update(kept)  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a spec of each file, and the file of one layer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "scaled.yaml").write_text(SCALED)
    (tmp_path / "scale.py").write_text(MINIMAL)
    return tmp_path


def do(*words: str, status: int = 0) -> str:
    """Run a command; return what it says."""
    result = runner().invoke(main, words, catch_exceptions=True)
    said = result.stdout + result.stderr
    if isinstance(result.exception, SpecError | UserError):
        said, code = f"{said}{result.exception}\n", 1
    else:
        assert result.exception is None or isinstance(result.exception, SystemExit), said
        code = result.exit_code
    assert code == status, said
    return said


def change(old: str, new: str) -> str:
    assert old in MINIMAL
    return MINIMAL.replace(old, new)


# --- as a stock layer ----------------------------------------------------------------------------


def test_a_spec_with_the_file_is_sound_and_without_it_says_what_brings_it() -> None:
    assert "sound: 30 layers, 57,922 parameters" in do("check", SPEC, "--layers", FILE)
    said = do("check", SPEC, status=1)
    assert said.count("[unknown-layer]") == 2
    assert "no layer is called 'GRN'" in said
    assert said.count("`--layers FILE` adds your own layers") == 2
    assert "GRN" not in LAYERS, "a command leaves the table as it was"


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("GRN", True),
        ("LayerScale", False),  # which comes along as a block
        ("Dens", True),
        ("dense", False),
        ("Dense2d", True),
        ("DropPath", False),
        ("AvgPool2D", False),  # names that no layer of one's own may have
        ("LSTM", False),
        ("Lambda", False),
        ("residual", False),
    ],
)
def test_the_hint_is_for_names_that_a_layer_could_have(name: str, own: bool) -> None:
    with pytest.raises(SpecError) as error:
        archspec.loads(f"archspec: 1\ninput: [4]\nlayers: [{name}]\n")
    assert ("--layers FILE" in str(error.value)) == own


def test_in_augment_the_hint_is_said_too() -> None:
    with pytest.raises(SpecError, match="--layers FILE"):
        archspec.loads(f"{SCALED.replace('Scale', 'Flatten')}train: {{augment: [GRN]}}\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("- SwiGLU", "- SwiGlue", "did you mean 'SwiGLU'?"),
        ("epsilon", "epsilom", "did you mean 'epsilon'?"),
        ("0.001", "wide", "GRN argument 'epsilon' must be a number of at least 0, got 'wide'"),
        ("[8, 8, 4]", "[8, 8, 3]", "SwiGLU cannot halve 3 channels"),
        ("[8, 8, 4]", "[8, 4]", "GRN expects an input of 4 axes"),
        ("layers:", "defaults: {SwiGLU: {gate: 1}}\nlayers:", "SwiGLU has no argument 'gate'"),
    ],
)
def test_errors_and_hints_are_those_of_a_stock_layer(
    files: Path, old: str, new: str, said: str
) -> None:
    assert old in NET
    (files / "net.yaml").write_text(NET.replace(old, new, 1))
    assert said in do("check", "net.yaml", "--layers", FILE, status=1)


def test_shapes_and_counts_follow_from_the_rule() -> None:
    graph = archspec.loads(NET, layers=FILE)
    assert graph["grn"].facts.shape == (None, 8, 8, 4)
    assert graph["grn"].arguments["epsilon"] == 0.001
    assert graph["grn"].arguments["beta_initializer"] == "Zeros"
    assert graph["swi_glu"].facts.shape == (None, 8, 8, 2)
    assert (graph.total_params, graph.macs) == (8, 0)


def test_verbs_that_build_nothing_show_the_layer(files: Path) -> None:
    bring = ("--layers", FILE)
    assert "SwiGLU" in do("show", "net.yaml", *bring)
    do("draw", "net.yaml", *bring, "-o", "net.dot")
    assert "GRN" in (files / "net.dot").read_text()
    assert "layers of my_layers.py" in do("layers", *bring)
    page = do("layers", "GRN", *bring)
    assert "14×14×384 -> 14×14×384, 768 parameters" in page
    assert "epsilon: a number of at least 0; by default 1e-06" in page
    assert json.loads(do("layers", "SwiGLU", *bring, "--format", "json"))[0]["name"] == "SwiGLU"
    assert "no layer is called 'GRN'" in do("layers", "GRN", status=1)


def test_the_formulas_of_the_example_give_its_facts() -> None:
    archspec.loads(NET, layers=FILE)
    for name in ("GRN", "SwiGLU"):
        layer = LAYERS[name]
        (shape,) = layer.example.named.values()
        facts = layer.facts([(None, *shape)], {n: a.default for n, a in layer.arguments.items()})
        formula = layer.formulas.params
        assert not is_sentence(formula)
        (size,) = {sum(map(lambda each: each[0], facts.weights.values()))}
        assert eval(formula, {"channels": shape[-1]}) == size
        assert layer.formulas.shape.endswith(".")


@pytest.mark.thorough
def test_the_schema_has_the_layer_and_the_shipped_one_has_not() -> None:
    schema, shipped = json.loads(do("schema", "--layers", FILE)), read_shipped()
    assert do("schema") == shipped
    assert "GRN" not in shipped
    validator = jsonschema.Draft202012Validator(schema)
    old = json.loads(shipped)
    added = {name: it for name, it in schema["$defs"].items() if it != old["$defs"].get(name)}
    assert 0 < len(added) < len(schema["$defs"]) / 4
    validator.check_schema({"$defs": added})
    plain = yaml.safe_load(Path(SPEC).read_text())
    assert validator.is_valid(plain)
    assert not jsonschema.Draft202012Validator(old).is_valid(plain)
    assert added["GRN.arguments"]["properties"]["epsilon"]["default"] == 1e-6


@pytest.mark.thorough
def test_the_schema_of_the_api_is_that_of_the_command() -> None:
    text = do("schema", "--layers", FILE)
    archspec.load(SPEC, layers=FILE)
    assert archspec.json_schema() == json.loads(text)


def test_what_a_file_prints_is_no_part_of_the_output(files: Path) -> None:
    (files / "scale.py").write_text(f"print('read')\n{MINIMAL}")
    out, err = StringIO(), StringIO()
    assert run(["check", "scaled.yaml", "--layers", "scale.py"], out, err) == 0
    assert "read" in err.getvalue()
    assert "read" not in out.getvalue()


SEVERAL = '''\
from archspec.own_layers import Facts, Shape, Traits, entry

def gate(signal: Shape, control: Shape) -> Facts:
    """signal * sigmoid(control).

    Shape: that of signal.
    """
    return Facts(signal)

def biggest(xs: list[Shape]) -> Facts:
    """The largest of several inputs.

    Shape: that of each input.
    """
    return Facts(xs[0])

def make_gate():
    import keras

    class Gate(keras.layers.Layer):
        def call(self, signal, control):
            return signal * keras.ops.sigmoid(control)

    return Gate

def make_biggest():
    import keras

    class Biggest(keras.layers.Layer):
        def call(self, xs):
            return keras.ops.max(keras.ops.stack(xs), axis=0)

    return Biggest

FAMILY = (
    entry("Gate", gate, Traits(), "Gate.", "", {"signal": (4,), "control": (4,)},
          keras_class=make_gate),
    entry("Biggest", biggest, Traits(kind="merge"), "Take the largest.", "", [(4,), (4,)],
          keras_class=make_biggest),
)
'''


@pytest.mark.keras
def test_layers_may_take_several_inputs(files: Path) -> None:
    (files / "several.py").write_text(SEVERAL)
    assert "Takes signal and control, by name." in do("layers", "Gate", "--layers", "several.py")
    text = """
archspec: 1
input: [4]
layers:
  - branches: [[Dense: 4], []]
    merge: Biggest
  - Gate:
    from: {signal: previous, control: input}
"""
    graph = archspec.loads(text, layers="several.py")
    assert archspec.to_keras(graph).output_shape == (None, 4)


def test_several_files_are_brought_together(files: Path) -> None:
    text = NET + "  - Flatten\n  - Scale\n"
    (files / "both.yaml").write_text(text)
    assert "sound" in do("check", "both.yaml", "--layers", FILE, "--layers", "scale.py")
    assert archspec.loads(text, layers=[FILE, "scale.py"]).total_params == 8 + 128


# --- what is refused -----------------------------------------------------------------------------

ENTRY = 'entry("Scale", scale, Traits(), "Scale.", "", (8, 4), keras_class=make_scale)'
START = 'start: A[float, NON_NEGATIVE, "Where it starts."] = 1.0'
WRONG = {
    "syntax": (change("def make_scale():", "def make_scale(:"), 11, "this is no Python"),
    "null byte": (MINIMAL + "\0", None, "this is no Python"),
    "empty": ("", None, "has no FAMILY of entries"),
    "no entry": (change(ENTRY, "scale"), None, "has no FAMILY of entries"),
    "no list": (change("FAMILY = (", "FAMILY = len("), 30, "TypeError"),
    "raises": (f"{MINIMAL}\n1 / 0\n", 34, "this raises ZeroDivisionError: division by zero"),
    "exits": (f"{MINIMAL}\nraise SystemExit(0)\n", 34, "this raises SystemExit"),
    "missing module": (f"import no_such_module\n{MINIMAL}", 1, "ModuleNotFoundError"),
    "imports Keras": (f"import keras\n{MINIMAL}", 1, "keras is imported where the file is read"),
    "imports a backend": (f"from jax import numpy\n{MINIMAL}", 1, "jax is imported where"),
    "no annotation": (change(START, "start=1.0"), 4, "'start' of Scale has no annotation"),
    "plain annotation": (change(START, "start: float = 1.0"), 4, "has no annotation that says"),
    "no sentence": (change(', "Where it starts."', ""), 4, "'start' of Scale has no sentence"),
    "unknown type": (
        change(START, 'start: "A[float, MISSING]" = 1.0'),
        4,
        "NameError: name 'MISSING' is not defined",
    ),
    "default": (change("] = 1.0", "] = -1.0"), 4, "the default of 'start' of Scale must be"),
    "default of another form": (
        change(START, 'start: A[int, sizes(2), "Sizes."] = 3'),
        4,
        "is 3, but 3 in a spec is (3, 3) for a rule",
    ),
    "argument of all": (change("start:", "trainable:"), 4, "cannot have an argument 'trainable'"),
    "argument name": (change("start:", "name:"), 4, "cannot have an argument 'name'"),
    "no input": (change("x: Shape, *, ", "*, "), 4, "the rule of Scale takes no input"),
    "any inputs": (change("x: Shape, *, ", "x: Shape, *xs, "), 4, "cannot have `*xs`"),
    "no docstring": (change("    Shape: that of the input.\n", ""), 4, "does not say the shape"),
    "no function": (change('"Scale", scale,', '"Scale", 3,'), 31, "is no function"),
    "no class": (change(", keras_class=make_scale", ""), 31, "nothing that makes its Keras class"),
    "no traits": (change("Traits(), ", "3, "), 31, "must be its Traits"),
    "unknown kind": (change("Traits()", 'Traits(kind="odd")'), 31, "must be its Traits"),
    "no words": (change('"Scale.", ""', '"", ""'), 31, "has no sentence"),
    "example": (change("(8, 4)", "8"), 31, "the example of Scale does not fit its inputs"),
    "twice": (change(ENTRY, f"{ENTRY}, {ENTRY}"), 31, "the layer Scale is in this file twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_one_error_with_its_place_and_a_remedy(files: Path, case: str) -> None:
    text, line, message = WRONG[case]
    (files / "scale.py").write_text(text)
    said = do("check", "scaled.yaml", "--layers", "scale.py", status=1)
    place = "scale.py" if line is None else f"scale.py:{line}:"
    assert said.startswith(place), said
    assert message in said
    assert said.count("error:") == 1
    assert said.count("\nhint: ") == 1
    assert "Traceback" not in said
    assert "Scale" not in LAYERS


@pytest.mark.parametrize(
    "name",
    [
        *("Conv2D", "Activation", "LSTM", "Lambda", "InputLayer", "AvgPool2D"),
        *("scale", "My_Scale", "9Scale", "Scale.Two", "", "None", "Null", "É"),
    ],
)
def test_a_name_that_is_taken_or_can_be_none_is_refused(files: Path, name: str) -> None:
    (files / "scale.py").write_text(change('entry("Scale"', f'entry("{name}"'))
    said = do("check", "scaled.yaml", "--layers", "scale.py", status=1)
    assert said.startswith("scale.py:31:11: error: ")
    taken = f"Keras has a layer {name}" in said
    assert taken or f"a layer cannot be called {name!r}" in said


@pytest.mark.parametrize("name", ["none.py", ".", "net.yaml", "\0", "big.py", "pipe.py"])
def test_a_file_that_cannot_be_read_is_named(files: Path, name: str) -> None:
    (files / "big.py").write_bytes(b"#" * 2**21)
    os.mkfifo(files / "pipe.py")
    said = do("check", "net.yaml", "--layers", name, status=1)
    assert said.startswith("error: ")


@pytest.mark.thorough
def test_a_module_beside_it_cannot_bring_keras_in(files: Path) -> None:
    """In a process that has no Keras yet: later commands rely on how it starts."""
    (files / "helper.py").write_text("import sys\nsys.modules['keras'] = sys\n")
    (files / "scale.py").write_text(f"import helper\n{MINIMAL}")
    code = "from archspec.cli import run; run(['check', 'scaled.yaml', '--layers', 'scale.py'])"
    assert "a module that the file imports imports Keras" in child(code, files)


def test_the_type_of_a_hint_may_be_imported_for_checkers_alone(files: Path) -> None:
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import keras\n"
    (files / "scale.py").write_text(types + MINIMAL)
    assert "sound" in do("check", "scaled.yaml", "--layers", "scale.py")


def test_postponed_annotations_are_read(files: Path) -> None:
    (files / "scale.py").write_text(f"from __future__ import annotations\n{MINIMAL}")
    assert "sound" in do("check", "scaled.yaml", "--layers", "scale.py")


RULES = {
    "raises": (
        "x[9]",
        "has a rule that raises IndexError: tuple index out of range, at scale.py:9",
    ),
    "refuses": ('(_ for _ in ()).throw(Refused("expects more"))', "Scale expects more"),
    "returns a shape": ("x", "returns tuple instead of Facts"),
    "a list": ("Facts([None, 4])", "`shape` cannot be [None, 4]"),
    "without a batch": ("Facts((4,))", "`shape` cannot be (4,)"),
    "no length": ("Facts((None, 2.0))", "`shape` cannot be (None, 2.0)"),
    "an empty axis": ("Facts((None, 0))", "`shape` cannot be (None, 0)"),
    "weights": ("Facts(x, {'gamma': 4})", "`weights` cannot be {'gamma': 4}"),
    "fixed": ("Facts(x, fixed=('beta',))", "`fixed` cannot be ('beta',)"),
    "MACs": ("Facts(x, macs=1.5)", "`macs` cannot be 1.5"),
    "window": ("Facts(x, window=3)", "`window` cannot be 3"),
}


@pytest.mark.parametrize("case", RULES)
def test_what_is_wrong_in_a_rule_is_said_at_the_step(files: Path, case: str) -> None:
    returned, message = RULES[case]
    (files / "scale.py").write_text(change('Facts(x, {"gamma": (x[-1],)})', returned))
    said = do("check", "scaled.yaml", "--layers", "scale.py", status=1)
    assert said.startswith("scaled.yaml:4:5: error: Scale ")
    assert message in said
    assert said.count("error:") == 1


def test_two_files_of_one_name_with_other_content_are_refused(files: Path) -> None:
    archspec.loads(SCALED, layers="scale.py")
    (files / "other").mkdir()
    (files / "other" / "scale.py").write_text(MINIMAL)
    archspec.loads(SCALED, layers="other/scale.py")  # is the same
    (files / "other" / "scale.py").write_text(MINIMAL.replace('"Scale"', '"Other"'))
    with pytest.raises(UserError, match=r"is not the scale\.py whose layers are in use"):
        archspec.loads(SCALED, layers="other/scale.py")


def test_two_layers_of_one_name_are_refused(files: Path) -> None:
    (files / "again.py").write_text(f"# again\n{MINIMAL}")
    with pytest.raises(SpecError, match=r"again.py:32:11: .* Scale is in .*scale.py too"):
        archspec.loads(SCALED, layers=["scale.py", "again.py"])
    assert "Scale" not in LAYERS, "all are brought, or none"


# --- from Python ---------------------------------------------------------------------------------


def test_a_process_knows_the_layers_from_then_on(files: Path) -> None:
    graph = archspec.load("net.yaml", layers=FILE)
    assert archspec.load("net.yaml").fingerprint == graph.fingerprint
    assert archspec.loads(NET, layers=Path(FILE)).fingerprint == graph.fingerprint


def test_what_is_no_file_is_refused() -> None:
    with pytest.raises(UserError, match="layers is a file of your own layers") as error:
        archspec.loads(NET, layers=3)  # type: ignore[arg-type]
    assert "**{'params.layers': ...}" in str(error.value)
    text = f"params: {{layers: 2}}\n{SCALED.replace('Scale', 'Dense: =layers')}"
    assert archspec.loads(text, **{"params.layers": 5}).total_params == 25


def page() -> str:
    """The file of layers that docs/own_layers.md shows."""
    text = (ROOT / "docs" / "own_layers.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)[0]


def test_the_file_of_the_page_is_a_file_of_layers(files: Path) -> None:
    (files / "layer_scale.py").write_text(page())
    text = (ROOT / "docs" / "own_layers.md").read_text(encoding="utf-8")
    (layers,) = re.findall(r"^```yaml\n(layers:.*?)^```", text, re.M | re.S)
    graph = archspec.loads(f"archspec: 1\ninput: [8, 8, 3]\n{layers}", layers="layer_scale.py")
    assert [node.arguments.get("start") for node in graph][2:] == [0.1, 1e-6]
    assert graph.total_params == 3 * 3 * 3 * 16 + 16 + 2 * 16


@pytest.mark.keras
def test_the_layer_of_the_page_is_built(files: Path) -> None:
    (files / "layer_scale.py").write_text(page())
    text = SCALED.replace("Scale", "LayerScale: 0.25")
    model = archspec.to_keras(archspec.loads(text, layers="layer_scale.py"))
    assert model.get_weights()[0].tolist() == [0.25] * 4


# --- nothing more than is needed -----------------------------------------------------------------


def child(code: str, folder: Path) -> str:
    """Run Python in a process of its own; return what it says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr + done.stdout


@pytest.mark.thorough
def test_verbs_that_build_nothing_do_without_keras(files: Path) -> None:
    verbs = [["check", SPEC], ["show", SPEC], ["draw", SPEC, "-o", "x.svg"], ["layers", "GRN"]]
    code = f"""
import sys
from archspec.cli import run
for verb in {[*verbs, ["schema"]]}:
    assert run([*verb, "--layers", {FILE!r}]) == 0
print(sorted({{"keras", "tensorflow", "numpy", "jax", "torch"}} & set(sys.modules)))
"""
    assert child(code, files).endswith("\n[]\n")


def test_completion_runs_no_file(files: Path) -> None:
    (files / "mark.py").write_text("open('mark', 'w')\n")
    words = ["net.yaml", "--layers", "mark.py"]
    from archspec.cli import load

    load("check").make_context("check", [*words], resilient_parsing=True)
    assert not (files / "mark").exists()
    do("check", *words, status=1)
    assert (files / "mark").exists(), "the check can fail"


# --- with Keras ----------------------------------------------------------------------------------


@pytest.mark.keras
def test_the_layers_of_the_example_compute_what_their_papers_say() -> None:
    import keras
    import numpy as np

    text = NET.replace("epsilon: 0.001", "beta_initializer: {Constant: {value: 0.5}}")
    text = text.replace("{beta", "{gamma_initializer: {Constant: {value: 2}}, beta")
    graph = archspec.loads(f"{text}outputs: [grn, swi_glu]\n", layers=FILE)
    x = np.random.default_rng(1).normal(size=(3, 8, 8, 4)).astype("float32")
    grn, gated = map(keras.ops.convert_to_numpy, archspec.to_keras(graph)(x))
    norms = np.sqrt((x.astype("float64") ** 2).sum(axis=(1, 2), keepdims=True))
    share = norms / (norms.mean(axis=-1, keepdims=True) + 1e-6)
    expected = 2 * x * share + 0.5 + x
    np.testing.assert_allclose(grn, expected, rtol=1e-5, atol=1e-5)
    a, b = expected[..., :2], expected[..., 2:]
    np.testing.assert_allclose(gated, a / (1 + np.exp(-a)) * b, rtol=1e-4, atol=1e-5)


@pytest.mark.keras
def test_a_model_file_is_loaded_with_the_classes(files: Path) -> None:
    import keras
    import numpy as np

    do("build", "net.yaml", "--layers", FILE, "-o", "net.keras")
    with pytest.raises(TypeError, match="Could not locate class"):
        keras.saving.load_model("net.keras")
    classes = archspec.custom_objects(FILE)
    assert set(classes) == {"GRN", "SwiGLU"}
    again = keras.saving.load_model("net.keras", custom_objects=classes)
    model = archspec.to_keras(archspec.load("net.yaml"))
    assert again.get_layer("grn").get_config() == model.get_layer("grn").get_config()
    assert type(again.get_layer("grn")) is type(model.get_layer("grn"))
    x = np.random.default_rng(1).normal(size=(2, 8, 8, 4))
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


CLASSES = {
    "shape": ("return self.gamma * x", "return (self.gamma * x)[:, :4]", "has the shape (None, 4"),
    "weights": ("(shape[-1],)", "(1, shape[-1])", "has weights of [(1, 4)], and its rule says"),
    "trained": ('name="gamma"', 'trainable=False, name="gamma"', "trained parameters: 0"),
    "raises": ("return self.gamma * x", "return 1 // 0 * x", "scale.py:23: the class of Scale"),
    "arguments": ("(self, start, **", "(self, begin, **", "raises TypeError"),
    "no class": ("return Scale", "return 3", "what makes the class of Scale returns 3"),
    "no layer": ("return Scale", "return int", "what makes the class of Scale returns <class"),
    "another name": ("    return S", "    Scale.__name__ = 'Big'\n    return S", "is called Big"),
    "function raises": ("    return Scale", "    return Missing", "raises NameError"),
    "no config": (', "start": self.start}', "}", "cannot be saved: TypeError"),
    "config of another": ('"start": self', '"begin": self', "cannot be saved: TypeError"),
}


@pytest.mark.keras
@pytest.mark.parametrize("case", CLASSES)
def test_what_is_wrong_in_a_class_is_said_when_it_is_built(files: Path, case: str) -> None:
    old, new, message = CLASSES[case]
    (files / "scale.py").write_text(change(old, new))
    said = do("build", "scaled.yaml", "--layers", "scale.py", "-o", "x.keras", status=1)
    said = said[said.index("error:") :]
    assert said.startswith("error: scale.py:"), said
    assert message in said
    assert "\nhint: " in said
    assert not (files / "x.keras").exists()


@pytest.mark.keras
def test_a_config_that_lacks_an_argument_is_refused(files: Path) -> None:
    """Keras would build a layer with the class's own default from it."""
    text = change("(self, start, **", "(self, start=3, **").replace(', "start": self.start}', "}")
    (files / "scale.py").write_text(text)
    said = do("build", "scaled.yaml", "--layers", "scale.py", "-o", "x.keras", status=1)
    assert "cannot be saved in full: its config has no 'start'" in said


@pytest.mark.keras
def test_defaults_of_the_rule_are_told_to_the_class(files: Path) -> None:
    (files / "scale.py").write_text(change("(self, start, **", "(self, start=3, **"))
    model = archspec.to_keras(archspec.loads(SCALED, layers="scale.py"))
    assert model.layers[-1].start == 1.0


@pytest.mark.keras
def test_what_a_class_draws_without_a_seed_follows_from_the_seed(files: Path) -> None:
    import random

    import numpy as np

    (files / "scale.py").write_text(change('"ones"', '"random_normal"'))
    graph = archspec.loads(SCALED, layers="scale.py")
    random.seed(5)
    first, again, other = (archspec.to_keras(graph, seed).get_weights()[0] for seed in (1, 1, 2))
    drawn = random.random()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    random.seed(5)
    assert random.random() == drawn, "the numbers of others are left alone"


@pytest.mark.keras
def test_a_layer_may_be_used_again_and_frozen() -> None:
    text = NET + "  - Concatenate\n    from: [swi_glu, swi_glu]\n  - reuse: grn\n"
    text = text.replace("  - Concatenate\n    from", "  - Concatenate:\n    from")
    text = text.replace("epsilon: 0.001", "trainable: false")
    graph = archspec.loads(text, layers=FILE)
    model = archspec.to_keras(graph)
    assert (model.count_params(), len(model.trainable_weights)) == (8, 0)


@pytest.mark.keras
def test_augmentation_may_use_one(files: Path) -> None:
    text = change('{"gamma": (x[-1],)}', "{}")
    text = re.sub(r"        def build.*?\n\n", "", text, flags=re.S).replace("self.gamma * x", "-x")
    (files / "scale.py").write_text(text)
    (files / "aug.yaml").write_text(
        "archspec: 1\ninput: [8, 8, 1]\nlayers:\n  - Flatten\n"
        "  - Dense: {units: 10, activation: softmax}\n"
        "train: {data: digits, epochs: 1, augment: [Scale]}\n"
    )
    words = ("train", "aug.yaml", "--quiet", "--run-dir", "run", "--limit", "100")
    do(*words, "--layers", "scale.py")
    assert json.loads((files / "run" / "run.json").read_text())["own_layers"][0]["layers"] == [
        "Scale"
    ]
    assert "was trained with Scale" in do("evaluate", "run", status=1)


@pytest.mark.slow
@pytest.mark.keras
def test_a_run_is_used_with_its_own_file_alone(files: Path) -> None:
    """The example: trained for an epoch, judged, gone on with."""
    import hashlib

    bring, short = ("--layers", FILE), ("--quiet", "--limit", "200")
    do("train", SPEC, *bring, *short, "--epochs", "1", "--run-dir", "run")
    (said,) = json.loads((files / "run" / "run.json").read_text())["own_layers"]
    digest = hashlib.sha256(Path(FILE).read_bytes()).hexdigest()
    assert said == {"file": "my_layers.py", "sha256": digest, "layers": ["GRN", "SwiGLU"]}

    (files / "my_layers.py").write_text(f"# changed\n{Path(FILE).read_text()}")
    other = hashlib.sha256((files / "my_layers.py").read_bytes()).hexdigest()
    longer = ("train", "--resume", "run", "--epochs", "2", "--run-dir", "longer", "--quiet")
    for verb in (("evaluate", "run"), ("predict", "run", "x.png"), longer):
        missing = do(*verb, status=1)
        assert "run was trained with GRN, a layer of your own, from my_layers.py" in missing
        assert f"--layers my_layers.py (its SHA-256 is {digest})" in missing
        another = do(*verb, "--layers", "my_layers.py", status=1)
        assert f"was {digest}, that of my_layers.py is {other}" in another
    assert not (files / "longer").exists()

    assert "accuracy" in do("evaluate", "run", *bring)
    do(*longer, *bring)
    do("train", SPEC, *bring, *short, "--epochs", "2", "--run-dir", "whole")
    facts = json.loads((files / "longer" / "run.json").read_text())
    assert (facts["status"], facts["own_layers"]) == ("finished", [said])
    assert weights(files / "longer") == weights(files / "whole"), "as if it had not been stopped"


def weights(run: Path) -> list[bytes]:
    import numpy as np

    with np.load(run / "last" / "0002.npz", allow_pickle=False) as held:
        return [held[name].tobytes() for name in sorted(held.files) if name != "facts"]


@pytest.mark.slow
@pytest.mark.keras
def test_a_run_that_does_not_say_its_file_is_refused(files: Path) -> None:
    do("train", SPEC, "--layers", FILE, "--quiet", "--limit", "50", "--epochs", "1",
       "--run-dir", "run")  # fmt: skip
    path = files / "run" / "run.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "own_layers": []}))
    said = do("evaluate", "run", "--layers", FILE, status=1)
    assert "run/run.json does not say which file GRN is from" in said
    path.write_text(json.dumps({**facts, "own_layers": [{"file": 3}]}))
    assert "run/run.json is missing or damaged" in do("evaluate", "run", status=1)


@pytest.mark.slow
@pytest.mark.keras
def test_a_comparison_brings_the_file_to_each_training(files: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["compare", SPEC, "--layers", FILE, "--limit", "100", "--epochs", "1", "--dir", "all"]
    done = subprocess.run(
        [sys.executable, "-m", "archspec", *words],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "convnext_v2_digits" in done.stdout
    run = "all/convnext_v2_digits-s0"
    assert "was trained with GRN" in do("compare", run, status=1)


# --- nothing that a spec, a run or a model names is run ------------------------------------------

# What a spec names in every place that takes text: a module on the path, and a file beside it.
HOSTILE = """\
archspec: 1
name: evil_layers
description: evil_layers.py
params: {layers: evil_layers.py, module: evil_layers}
input: [8, 8, 1]
blocks:
  evil_layers: {description: ./evil_layers.py, layers: [Flatten]}
layers:
  - evil_layers
  - Dense: {units: 10, activation: softmax}
    name: evil_layers-head
  - Activation: {activation: linear, dtype: null}
    name: evil_layers-py
  - Identity:
    name: '{module}'
train: {data: digits, epochs: 1}
"""
WATCHED = """
import json, sys, zipfile
from pathlib import Path

seen = []
def hook(event, given):
    if event in ("import", "exec", "compile", "open"):
        said = [getattr(each, "co_filename", each) for each in given]
        if any("evil" in str(each) for each in said):
            seen.append((event, *map(str, said)))
sys.addaudithook(hook)
from archspec.cli import run

def do(*words):
    return run([*words])

bring = sys.argv[1:]
"""
WALK = """
for spec in ("spec.yaml", "named.yaml", "module.yaml"):
    do("check", spec), do("show", spec), do("draw", spec, "-o", "out.svg")
do("build", "spec.yaml", "-o", "out.keras")
assert do("train", "spec.yaml", "--run-dir", "run", "--limit", "60", "--quiet") == 0
facts = json.loads(Path("run/run.json").read_text())
facts |= dict.fromkeys(("git_commit", "backend"), "evil_layers")
facts |= {"versions": {"evil_layers": "evil_layers.py"}, "params": {"module": "evil_layers"}}
Path("run/run.json").write_text(json.dumps(facts))
best = Path("run/best.keras")
with zipfile.ZipFile(best) as old:
    held, comment = {name: old.read(name) for name in old.namelist()}, old.comment
said = json.loads(held["config.json"])
for layer in [said, *said["config"]["layers"]]:
    layer |= {"module": "evil_layers", "registered_name": "evil_layers>Evil", "class_name": "Evil"}
held["config.json"] = json.dumps(said).encode()
held["metadata.json"] = json.dumps({"keras_version": "evil_layers.py"}).encode()
with zipfile.ZipFile(best, "w") as new:
    for name, content in held.items():
        new.writestr(name, content)
    new.comment = comment
assert do("evaluate", "run") == 0
assert do("train", "--resume", "run", "--epochs", "2", "--run-dir", "more", "--quiet") == 0
facts["own_layers"] = [{"file": "evil_layers.py", "sha256": "0", "layers": ["Evil"]}]
Path("run/run.json").write_text(json.dumps(facts))
assert do("evaluate", "run") == do("train", "--resume", "run") == 1
print("seen", seen)
"""
MARK = "open('mark', 'w').close()\n"


@pytest.mark.slow
@pytest.mark.keras
def test_nothing_that_a_spec_a_run_or_a_model_names_is_run(files: Path) -> None:
    (files / "evil_layers.py").write_text(MARK + MINIMAL.replace('"Scale"', '"Evil"'))
    (files / "spec.yaml").write_text(HOSTILE)
    (files / "named.yaml").write_text(f"layers_file: evil_layers.py\n{HOSTILE}")
    (files / "module.yaml").write_text(HOSTILE.replace("- Identity", "- evil_layers.Evil"))
    said = child(WATCHED + WALK, files)
    assert said.splitlines()[-1] == "seen []", said
    assert not (files / "mark").exists()


@pytest.mark.thorough
def test_the_watch_over_what_is_run_can_fail(files: Path) -> None:
    (files / "evil_layers.py").write_text(MARK + MINIMAL)
    brought = 'do("check", "scaled.yaml", "--layers", "evil_layers.py")\nprint("seen", seen)\n'
    said = child(WATCHED + brought, files).splitlines()[-1]
    assert "('open', " in said
    assert "('exec', " in said
    assert (files / "mark").exists()
    imported = child(f"{WATCHED}import evil_layers\nprint('seen', seen)\n", files)
    for event in ("open", "import", "compile", "exec"):
        assert f"('{event}', " in imported.splitlines()[-1]
