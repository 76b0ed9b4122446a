"""Specs compared with Keras models: whether they are the same network, and where they are not."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from configs import call, functional, layer, save, sequential, start, tensor
from conftest import ROOT, command

import archspec
from archspec.differences.difference import compare_graphs
from archspec.differences.text import write_text, write_verdict
from archspec.errors import SpecError, UserError

PAGE = ROOT / "docs" / "diff.md"
TABLE = re.compile(r"(?<=\| what `diff` says first \|\n\|---\|---\|---\|\n)(?:\|.*\n)*")
NET = """archspec: 1
params: {units: 4}
input: [8]
layers:
  - name: body
    layers:
      - Dense: {units: =units, activation: relu}
        for: {i: =range(3)}
        name: unit{i}
  - {Dense: 3, name: head}
train: {data: digits}
"""


def model(units: int = 4, dropout: bool = False) -> dict[str, Any]:
    """The config of NET, with names of Keras, and a Dropout after each unit if asked for."""
    layers = [start(shape=(8,))]
    for i in range(3):
        dense = {"units": units, "activation": "relu"}
        taken = tensor(layers[-1]["config"]["name"], (None, 4))
        layers.append(layer("Dense", f"dense_{i}", dense, call(taken)))
        if dropout:
            taken = tensor(f"dense_{i}", (None, 4))
            layers.append(layer("Dropout", f"drop{'abc'[i]}", {"rate": 0.5}, call(taken)))
    taken = tensor(layers[-1]["config"]["name"], (None, 4))
    layers.append(layer("Dense", "logits", {"units": 3}, call(taken)))
    return functional(*layers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with net.yaml, the same as a .keras file and as JSON, a wider model, one with
    Dropouts, one that no spec can say, and a run."""
    (tmp_path / "net.yaml").write_text(NET, encoding="utf-8")
    shutil.move(save(tmp_path, model()), tmp_path / "same.keras")
    configs = {"same": model(), "wider": model(5), "drop": model(dropout=True)}
    configs["lambda"] = sequential(start(), layer("Lambda", "code", {}))
    for name, config in configs.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(config), encoding="utf-8")
    run = tmp_path / "runs" / "net-1"
    run.mkdir(parents=True)
    (run / "resolved.yaml").write_text(NET, encoding="utf-8")
    return tmp_path


def test_the_default_type_of_a_layer_is_told_from_none_by_specs_alone(folder: Path) -> None:
    """A recipe may have another precision, and a Keras model has no recipe."""
    spec = archspec.load(folder / "net.yaml")
    typed = archspec.load(folder / "net.yaml", edits=["at: head, set: {dtype: float32}"])
    for pair in ((typed, folder / "same.keras"), (folder / "same.keras", typed)):
        assert archspec.diff(*pair).is_same
    assert not archspec.diff(typed, spec).is_same


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("net.yaml same.keras", 0, "net -> same.keras: the same network\n"),
        ("same.json net.yaml", 0, "same.json -> net: the same network\n"),
        ("same.keras same.json", 0, "same.keras -> same.json: the same network\n"),
        ("runs/net-1 same.keras", 0, "runs/net-1 -> same.keras: the same network\n"),
        ("net.yaml same.json runs/net-1", 0, "the same network"),
        ("net.yaml wider.json", 1, "none of 4 layers are the same, 3 differ, 1 only in shape\n"),
        ("net.yaml wider.json --set units=5", 0, "net --set units=5 -> wider.json: the same"),
        ("wider.json net.yaml --set units=5", 0, "wider.json -> net --set units=5: the same"),
        ("same.json net.yaml wider.json --set units=5", 1, "~ units 4 -> 5, 3"),
        ("wider.json --set units=5", 2, "import wider.json -o wider.yaml` writes its spec, which"),
        ("same.json wider.json --set units=5", 2, "a Keras model cannot be changed by --set"),
        ("net.yaml same.json --recipe", 2, "same.json: a Keras model has no recipe to compare"),
        ("net.yaml lambda.json", 2, "lambda.json:config.layers[1]: error: the layer Lambda is"),
        ("net.yaml gone.keras", 2, "gone.keras: there is no such file"),
        ("net.yaml keras.applications.ResNet5", 2, "did you mean 'ResNet50'?"),
    ],
)
def test_a_keras_model_stands_where_a_spec_does(
    folder: Path, words: str, status: int, said: str
) -> None:
    done = command(folder, "diff", *words.split())
    assert done.returncode == status, done
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_layers_have_the_names_of_the_spec_and_those_of_keras_behind(folder: Path) -> None:
    for words, row in (
        ("net.yaml wider.json", "~ body.unit* (dense*) Dense units 4 -> 5 +29 +26 3 times"),
        ("net.yaml drop.json", "+ dropa, dropb, dropc Dropout 0.5, after body.unit* 3 times"),
        ("drop.json net.yaml", "- dropa, dropb, dropc Dropout 0.5, after body.unit* 3 times"),
    ):
        lines = command(folder, "diff", *words.split()).stdout.splitlines()
        assert row in [" ".join(line.split()) for line in lines]


def test_data_and_annotations_point_at_the_lines_of_the_spec_alone(folder: Path) -> None:
    data = archspec.diff(folder / "net.yaml", folder / "wider.json").data
    assert (data["a"]["keras_model"], data["b"]["keras_model"]) == (False, True)
    assert data["groups"][0]["patterns"] == ["body.unit*"]
    assert data["groups"][0]["keras_names"] == ["dense*"]
    first = data["edits"][0]
    assert first["spans"][0]["line"] == 7
    assert first["spans"][1] is None
    said = command(folder, "diff", "net.yaml", "wider.json", "--format", "github").stdout
    assert set(re.findall(r"file=([^,]*)", said)) == {"net.yaml"}


def test_a_scope_that_is_looked_through_pairs_no_layer_twice() -> None:
    """Its convolution is paired by what it takes, and the second of the flat network is another."""
    scoped = archspec.loads(
        "archspec: 1\ninput: [32, 32, 3]\nlayers:\n"
        "  - name: stage0\n    layers:\n"
        "      - Conv2D: {filters: 8, kernel_size: 4, strides: 4}\n"
        "      - LayerNormalization\n      - DepthwiseConv2D: {kernel_size: 7, padding: same}\n"
        "      - Dense: 32\n"
    )
    flat = archspec.loads(
        "archspec: 1\ninput: [32, 32, 3]\nlayers:\n"
        "  - {Conv2D: {filters: 8, kernel_size: 4, strides: 4}, name: stem}\n"
        "  - {LayerNormalization: {}, name: norm}\n"
        "  - {Conv2D: {filters: 8, kernel_size: 7, padding: same, groups: 8}, name: depth}\n"
        "  - {Dense: {units: 32, activation: gelu}, name: point}\n"
    )
    for a, b in ((scoped, flat), (flat, scoped)):
        pairs = compare_graphs(a, b).pairs
        assert len({*pairs.values()}) == len(pairs)
        assert {("stage0.conv2d", "stem"), ("stem", "stage0.conv2d")} & {*pairs.items()}


@pytest.mark.parametrize("verb", ["show", "draw", "check", "build", "train"])
@pytest.mark.parametrize("name", ["same.keras", "same.json"])
def test_other_verbs_say_how_a_model_is_imported(folder: Path, verb: str, name: str) -> None:
    done = command(folder, verb, name)
    assert done.returncode == 1
    assert f"`archspec import {name} -o same.yaml` writes its spec" in done.stdout + done.stderr


def test_other_verbs_say_how_a_model_of_applications_is_imported(folder: Path) -> None:
    done = command(folder, "show", "keras.applications.VGG16")
    assert done.returncode == 1
    assert "`archspec import keras.applications.VGG16 -o vgg16.yaml` writes its spec" in done.stderr


def test_what_no_spec_says_of_a_model_is_noted(folder: Path) -> None:
    config = model(dropout=True)
    config["config"]["layers"][2]["config"]["seed"] = 7
    save(folder, config, "seeded.json")
    done = command(folder, "diff", "drop.json", "seeded.json")
    assert done.stdout == "drop.json -> seeded.json: the same network\n"
    assert done.stderr.startswith("note: seeded.json: 1 seed of random numbers is left out")
    assert archspec.diff(folder / "drop.json", folder / "seeded.json").notes


def test_a_function_takes_no_changes_for_models_alone(folder: Path) -> None:
    with pytest.raises(UserError, match="a Keras model cannot be changed"):
        archspec.diff(folder / "same.json", settings=["units=5"])
    with pytest.raises(SpecError):
        archspec.diff(folder / "net.yaml", folder / "lambda.json")


# --- keras.applications --------------------------------------------------------------------------

# (spec, its settings, the name in keras.applications)
TWINS = [
    *((f"resnet{n}_imagenet", "", f"ResNet{n}") for n in (50, 101, 152)),
    *((f"resnet{n}v2", "epsilon=1.001e-5", f"ResNet{n}V2") for n in (50, 101, 152)),
    *((f"densenet{n}", "", f"DenseNet{n}") for n in (121, 169, 201)),
    ("xception", "", "Xception"),
    ("vgg_d", "", "VGG16"),
    ("vgg16_imagenet", "classes=1000", "VGG16"),
    ("vgg_e", "", "VGG19"),
    ("mobilenet_v2", "", "MobileNetV2"),
    ("mobilenet_v3", "", "MobileNetV3Large"),
    ("mobilenet_v3_small", "", "MobileNetV3Small"),
    *((f"efficientnet_b{n}", "", f"EfficientNetB{n}") for n in range(8)),
    *((f"convnext_{n}", "", f"ConvNeXt{n.title()}") for n in ("tiny", "small", "base")),
    ("inception_v3", "", "InceptionV3"),
]
LONGEST = 60  # lines of a difference, which has a row for each of at most some twenty edits


def difference_of(spec: str, setting: str, name: str) -> Any:
    """The difference of a shipped spec and a model; MobileNetV3 gets the size of the spec."""
    import keras

    sized = {"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}
    with keras.StatelessScope(initialize_variables=False):
        made = getattr(keras.applications, name)(weights=None, **sized)
    settings = [setting] if setting else []
    (difference,) = archspec.diff(spec, made, settings=settings).differences
    return difference


@pytest.mark.keras
def test_a_model_in_memory_is_compared() -> None:
    import keras

    made = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3, name="head")])
    same = archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dense: 3]\n")
    assert archspec.diff(same, made).is_same
    assert archspec.diff(made, made, same).is_same
    said = str(archspec.diff(made, archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dense: 4]\n")))
    assert "dense (head)  units 3 -> 4" in said


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.usefixtures("forgotten")
def test_the_page_says_which_specs_are_which_models(request: pytest.FixtureRequest) -> None:
    rows = []
    for spec, setting, name in TWINS:
        difference = difference_of(spec, setting, name)
        assert len(write_text(difference).splitlines()) <= LONGEST, spec
        ours = f"`{spec} --set {setting}`" if setting else f"`{spec}`"
        sized = ", of 224×224×3" if name.startswith("MobileNetV3") else ""
        rows.append(f"| {ours} | `{name}`{sized} | {write_verdict(difference)} |\n")
    if request.config.getoption("--update-golden"):
        text = TABLE.sub(lambda _: "".join(rows), PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(text, encoding="utf-8")
    found = TABLE.search(PAGE.read_text(encoding="utf-8"))
    message = "run pytest --update-golden -m slow tests/test_diff_models.py"
    assert found is not None
    assert found[0] == "".join(rows), message


@pytest.mark.keras
@pytest.mark.slow
def test_the_page_shows_what_is_printed_of_one() -> None:
    done = command(ROOT, "diff", "mobilenet_v2", "keras.applications.MobileNetV2")
    assert done.stdout in PAGE.read_text(encoding="utf-8")
