"""What editors make of the schema: the YAML language server that VS Code and Neovim run, asked over
its protocol.

In the texts, `‸` is the cursor and `«...»` is what must be underlined, with nothing else.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from language_server import CURSOR, LanguageServer

from archspec.layers import LAYERS
from archspec.loading.copying import copy_spec
from archspec.objects import TABLES
from archspec.schema import read_shipped
from archspec.schema.validation import check
from archspec.syntax.edits import VERBS
from archspec.syntax.source import read_text

SERVER = os.environ.get("ARCHSPEC_YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")
pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(
        SERVER is None,
        reason="needs yaml-language-server from npm, on PATH or in ARCHSPEC_YAML_LANGUAGE_SERVER",
    ),
]
OFFLINE = {"schemaStore": {"enable": False}}  # as it is where there is no network
NET = "archspec: 1\ninput: [28, 28, 1]\nlayers:\n"
DERIVED = "archspec: 1\nextends: resnet18.yaml\n"
BLOCK = "archspec: 1\nblocks:\n  unit:\n    layers:\n"
TRAIN = "archspec: 1\ntrain:\n"


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    """A server in this repository, with its settings for VS Code."""
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    yaml = {key.removeprefix("yaml."): value for key, value in settings.items()}
    running = LanguageServer([str(SERVER), "--stdio"], ROOT, {"yaml": {**yaml, **OFFLINE}})
    yield running
    running.close()


@pytest.fixture(scope="module")
def fresh() -> Callable[[], Path]:
    """A name of a spec in this repository, each time another."""
    number = itertools.count()
    return lambda: ROOT / "specs" / f"text{next(number)}.yaml"


@pytest.fixture
def completions(server, fresh) -> Callable[[str], dict[str, dict[str, Any]]]:
    """What is offered at the cursor, by its label."""

    def offered(text: str) -> dict[str, dict[str, Any]]:
        items = server.at_cursor("completion", fresh(), text)["items"]
        labels = [item["label"] for item in items]
        assert len(labels) == len(set(labels)), f"offered twice: {labels}"
        return dict(zip(labels, items, strict=True))

    return offered


def accepted(text: str, item: dict[str, Any]) -> str:
    """A text with one of its completions inserted, the snippet's places still in it."""
    lines = text.replace(CURSOR, "").split("\n")
    span, inserted = item["textEdit"]["range"], item["textEdit"]["newText"]
    start, end = span["start"], span["end"]
    assert start["line"] == end["line"]
    line = lines[start["line"]]
    margin = re.match(" *", line)[0]  # which VS Code puts before each line of a snippet
    inserted = inserted.replace("\n", f"\n{margin}")
    lines[start["line"]] = line[: start["character"]] + inserted + line[end["character"] :]
    return "\n".join(lines)


def filled(snippet: str) -> str:
    """A snippet with its proposals accepted, and a formula where it has none."""
    return re.sub(r"\$(\d)", "=x", re.sub(r"\$\{\d:(.*?)\}", r"\1", snippet).replace("${1}", "$1"))


# --- completion ----------------------------------------------------------------------------------

ARGUMENTS = set(LAYERS["Conv2D"].arguments)
STEP = {*LAYERS, "branches", "layers", "for", "when", "name", "from", "reuse", "repeat"}
MERGING = {"Add", "Concatenate", "Average", "Multiply"}


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (CURSOR, {"archspec", "extends", "blocks", "layers", "train"}),
        (f"archspec: 1\n{CURSOR}", {"extends", "import", "defaults", "require", "outputs"}),
        (f"archspec: 1\nla{CURSOR}\n", {"layers"}),
        (f"{NET}  - {CURSOR}\n", STEP),
        (f"{NET}  - Flatten\n  - {CURSOR}", STEP),
        (f"{NET}  - Con{CURSOR}\n  - Flatten\n", STEP),
        (f"{NET}  - Flatten\n  -{CURSOR}\n", STEP),
        (f"{NET}  - name: stem\n    {CURSOR}\n", STEP - {"name"}),
        (f"{NET}  - branches:\n      a: [Con{CURSOR}]\n", STEP),
        (f"{NET}  - branches:\n      a: [{{Con{CURSOR}}}]\n", STEP),
        (f"{NET}  - branches:\n      a:\n        - {CURSOR}\n    merge: Add\n", STEP),
        (f"{NET}  - for: {{i: =range(3)}}\n    layers:\n      - {CURSOR}\n", STEP),
        (f"{DERIVED}{CURSOR}", {"params", "defaults", "blocks", "layers", "train"}),
        (f"{DERIVED}layers:\n  - {CURSOR}\n", STEP),
        (f"{DERIVED}blocks:\n  unit:\n    {CURSOR}\n", {"params", "inputs", "layers"}),
        (f"{BLOCK}      - {CURSOR}\n", STEP),
        (f"{BLOCK}      - Conv2D: {{pad{CURSOR}}}\n", ARGUMENTS),
        (f"{TRAIN}  augment:\n    - {CURSOR}\n", {"RandomFlip", "RandomRotation"}),
        (f"archspec: 1\ndefaults:\n  {CURSOR}\n", set(LAYERS)),
        (f"archspec: 1\ndefaults: {{Conv2D: {{pad{CURSOR}}}}}\n", ARGUMENTS),
        (f"archspec: 1\ndefaults:\n  Conv2D:\n    {CURSOR}\n", ARGUMENTS),
        (f"{NET}  - Conv2D:\n      {CURSOR}\n", ARGUMENTS),
        (f"{NET}  - Conv2D:\n      filters: 3\n      {CURSOR}\n", ARGUMENTS - {"filters"}),
        (f"{NET}  - Conv2D: {{filters: 3, pad{CURSOR}}}\n", ARGUMENTS - {"filters"}),
        (f"{NET}  - Conv2D: {{padding: {CURSOR}}}\n", {"same", "valid"}),
        (f"{NET}  - Conv2D:\n      padding: {CURSOR}\n", {"same", "valid"}),
        (f"{NET}  - Conv2D: {{padding: s{CURSOR}}}\n", {"same", "valid"}),
        (f"{NET}  - Dense: {{use_bias: {CURSOR}}}\n", {"true", "false"}),
        (f"{NET}  - Dense: {{activation: re{CURSOR}}}\n", set(TABLES["activation"])),
        (f"{NET}  - Activation: {CURSOR}\n", set(TABLES["activation"])),
        (f"{NET}  - Activation: re{CURSOR}\n", set(TABLES["activation"])),
        (f"{NET}  - RandomFlip: {CURSOR}\n", {"horizontal", "vertical"}),
        (f"{NET}  - Dense: {{kernel_initializer: {CURSOR}}}\n", set(TABLES["initializer"])),
        (f"{NET}  - Dense: {{kernel_initializer: {{T{CURSOR}}}}}\n", set(TABLES["initializer"])),
        (
            f"{NET}  - Dense: {{kernel_initializer: {{HeNormal: {{s{CURSOR}}}}}}}\n",
            {"seed"},
        ),
        (f"{NET}  - Dense: {{kernel_regularizer: {CURSOR}}}\n", set(TABLES["regularizer"])),
        (f"{NET}  - branches:\n      a: [Flatten]\n    merge: {CURSOR}\n", MERGING),
        (f"{NET}  - branches:\n      a: [Flatten]\n    {CURSOR}\n", {"merge", "name"}),
        (f"{NET}  - Dense: 3\n    {CURSOR}\n", {"name", "from", "when", "for", "repeat", "call"}),
        (f"{NET}  - Dense: 3\n    when: {CURSOR}\n", {"true", "false"}),
        (f"{NET}  - Dense: 3\n    from: {CURSOR}\n", {"previous", "input"}),
        (f"{TRAIN}  {CURSOR}\n", {"data", "optimizer", "loss", "metrics", "epochs"}),
        (f"{TRAIN}  optimizer: {CURSOR}\n", set(TABLES["optimizer"])),
        (f"{TRAIN}  optimizer: {{A{CURSOR}}}\n", set(TABLES["optimizer"])),
        (f"{TRAIN}  optimizer: {{Adam: {{l{CURSOR}}}}}\n", {"learning_rate", "beta_1"}),
        (f"{TRAIN}  optimizer:\n    Adam:\n      {CURSOR}\n", {"learning_rate", "beta_1"}),
        (f"{TRAIN}  loss: {CURSOR}\n", set(TABLES["loss"])),
        (f"{TRAIN}  loss: {{Huber: {{d{CURSOR}}}}}\n", {"delta"}),
        (f"{TRAIN}  metrics: [{CURSOR}]\n", set(TABLES["metric"])),
        (f"{TRAIN}  metrics:\n    - {CURSOR}\n", set(TABLES["metric"])),
        (f"{TRAIN}  callbacks:\n    - EarlyStopping: {{p{CURSOR}}}\n", {"patience"}),
        (f"{TRAIN}  precision: {CURSOR}\n", {"float32", "mixed_float16"}),
        (f"{TRAIN}  data:\n    {CURSOR}\n", {"name", "scale", "resize"}),
        (f"{DERIVED}edit:\n  - {CURSOR}\n", {"at", "of", *VERBS}),
        (f"{DERIVED}edit:\n  - at: head\n    {CURSOR}\n", {"of", *VERBS}),
        (f"{DERIVED}edit:\n  - {{at: head, re{CURSOR}}}\n", {"replace", "remove", "rename"}),
        (f"{DERIVED}edit:\n  - of: {{Con{CURSOR}}}\n", set(LAYERS)),
        (f"{DERIVED}edit:\n  - of: Con{CURSOR}\n", set(LAYERS)),
        (f"{DERIVED}edit:\n  - at: head\n    of: {CURSOR}\n", set(LAYERS)),
        (f"{DERIVED}edit:\n  - {{of: Con{CURSOR}, remove: true}}\n", set(LAYERS)),
        (f"{DERIVED}edit:\n  - at: head\n    replace: Con{CURSOR}\n", set(LAYERS)),
        (f"{DERIVED}edit:\n  - at: head\n    insert_before: {CURSOR}\n", set(LAYERS)),
        (f"{DERIVED}edit:\n  - at: head\n    replace: {{Con{CURSOR}}}\n", STEP),
        (f"{DERIVED}edit:\n  - at: head\n    insert_after:\n      - {CURSOR}\n", STEP),
        (f"archspec: 1\nrequire:\n  {CURSOR}\n", {"params", "macs", "receptive_field"}),
        (f"archspec: 1\ninput: {{shape: [3], dtype: {CURSOR}}}\n", {"float32", "int8"}),
    ],
)
def test_what_may_stand_there_is_offered(completions, text: str, labels: set[str]):
    assert labels <= set(completions(text))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (f"{NET}  - Dense: 3\n    {CURSOR}\n", {"Conv2D", "Dense", "branch"}),
        (f"{NET}  - Conv2D:\n      filters: 3\n      {CURSOR}\n", {"filters", "units", "name"}),
        (f"{NET}  - Conv2D: {{padding: {CURSOR}}}\n", {"SAME", "null", "Default value"}),
        (f"{NET}  - Dense: {CURSOR}\n", {"null"}),
        (f"{NET}  - Dense: {{activation: {CURSOR}}}\n", {"Default value"}),
        (f"{NET}  - branches:\n      a: [Flatten]\n    merge: {CURSOR}\n", {"Conv2D"}),
        (f"{TRAIN}  optimizer: {CURSOR}\n", {"adam", "null", "Default value"}),
        (f"{TRAIN}  optimizer: {{A{CURSOR}}}\n", {"adam"}),
        (CURSOR, {"archspec 1"}),
    ],
)
def test_what_does_not_help_is_not_offered(completions, text: str, labels: set[str]):
    offered = set(completions(text))
    assert not labels & offered
    assert not [label for label in offered if label.startswith(("- (array item)", "object("))]


@pytest.mark.parametrize(
    ("text", "label", "result"),
    [
        (f"{NET}  - Con{CURSOR}\n", "Conv2D", "  - Conv2D: {filters: $1, kernel_size: $2}\n"),
        (f"{NET}  - {CURSOR}\n", "Dense", "  - Dense: \n"),
        (f"{NET}  -{CURSOR}\n", "BatchNormalization", "  - BatchNormalization\n"),
        (f"{NET}  - Max{CURSOR}\n", "MaxPooling2D", "  - MaxPooling2D\n"),
        (f"{NET}  - bra{CURSOR}\n", "branches", "  - branches:\n      \n"),
        (
            f"{NET}  - Conv2D: {CURSOR}\n",
            "{filters, kernel_size}",
            "{filters: $1, kernel_size: $2}\n",
        ),
        (f"{NET}  - Conv2D:\n      pad{CURSOR}\n", "padding", "      padding: ${1:valid}\n"),
        (f"{NET}  - Conv2D:\n      str{CURSOR}\n", "strides", "      strides: ${1:1}\n"),
        (f"{NET}  - Dense:\n      kernel_reg{CURSOR}\n", "kernel_regularizer", "regularizer: \n"),
        (f"{NET}  - Conv2D: {{pad{CURSOR}}}\n", "padding", "{padding}\n"),
        (f"{NET}  - Conv2D: {{padding: s{CURSOR}}}\n", "same", "{padding: same}\n"),
        (f"{NET}  - Dense: 3\n    na{CURSOR}\n", "name", "    name: \n"),
        (f"archspec: 1\nla{CURSOR}\n", "layers", "layers:\n  - \n"),
        (f"arch{CURSOR}\n", "archspec", "archspec: 1\n"),
        (f"{TRAIN}  opt{CURSOR}\n", "optimizer", "  optimizer: ${1:Adam}\n"),
        (f"{TRAIN}  optimizer: A{CURSOR}\n", "AdamW", "  optimizer: AdamW\n"),
        (f"{TRAIN}  metrics:\n    - acc{CURSOR}\n", "accuracy", "    - accuracy\n"),
    ],
)
def test_what_is_inserted_is_what_one_would_write(completions, text: str, label: str, result: str):
    assert accepted(text, completions(text)[label]).endswith(result)


def test_every_layer_is_inserted_validly(completions):
    text = f"{NET}  - {CURSOR}\n"
    offered = completions(text)
    for name in LAYERS:
        done = filled(accepted(text, offered[name]))
        assert check(read_text(done, f"{name}.yaml")).diagnostics == [], done
    assert LAYERS["Conv2D"].doc in offered["Conv2D"]["documentation"]["value"]


@pytest.mark.parametrize("name", LAYERS)
def test_every_argument_is_inserted_validly(completions, name: str):
    text = f"{NET}  - {name}:\n      {CURSOR}\n"
    offered = completions(text)
    for argument in LAYERS[name].arguments:
        done = filled(accepted(text, offered[argument]))
        done = re.sub(r": *$", ": =x", done.rstrip()) + "\n"  # where a value is to be typed
        assert check(read_text(done, f"{name}.yaml")).diagnostics == [], done


# --- hover ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{NET}  - Con{CURSOR}v2D: {{filters: 3, kernel_size: 3}}\n", [LAYERS["Conv2D"].doc]),
        (f"{NET}  - Den{CURSOR}se: 10\n", [LAYERS["Dense"].doc]),
        (f"{NET}  - Flat{CURSOR}ten\n", [LAYERS["Flatten"].doc]),
        (f"{NET}  - Flat{CURSOR}ten:\n    name: flat\n", [LAYERS["Flatten"].doc]),
        (f"{BLOCK}      - Flat{CURSOR}ten\n", [LAYERS["Flatten"].doc]),
        (f"{DERIVED}defaults: {{De{CURSOR}nse: {{}}}}\n", [LAYERS["Dense"].doc]),
        (f"{NET}  - Conv2D: {{str{CURSOR}ides: 3}}\n", ["Takes a positive integer or a list of 2"]),
        (
            f"{NET}  - Conv2D: {{str{CURSOR}ides: =s}}\n",
            ["Takes a positive integer", "by default 1"],
        ),
        (f"{NET}  - Conv2D: {{pad{CURSOR}ding: same}}\n", ["by default 'valid'", "* `same`"]),
        (f"{NET}  - Conv2D: {{padding: sa{CURSOR}me}}\n", ["by default 'valid'", "* `valid`"]),
        (f"{NET}  - Dense: 3\n    na{CURSOR}me: head\n", ["What this step is called"]),
        (
            f"{NET}  - Flatten:\n    fr{CURSOR}om: input\n",
            ["instead of the value of the step before"],
        ),
        (f"{TRAIN}  opti{CURSOR}mizer: Adam\n", ["How the weights follow", "* `SGD`"]),
        (f"{TRAIN}  optimizer: {{Adam: {{learn{CURSOR}ing_rate: 1}}}}\n", ["by default 0.001"]),
        (f"archspec: 1\nextends: a.yaml\ntr{CURSOR}ain: {{}}\n", ["archspec train"]),
        (f"archspec: 1\nla{CURSOR}yers: []\n", ["each taking the one before it"]),
        (f"{DERIVED}ed{CURSOR}it: []\n", ["Changes of single steps"]),
        (f"{DERIVED}edit: [{{a{CURSOR}t: head, remove: true}}]\n", ["any letters of a part"]),
        (
            f"{DERIVED}edit: [{{o{CURSOR}f: {{ReLU: 6}}, remove: true}}]\n",
            ["layer or block that they are"],
        ),
        (
            f"{DERIVED}edit: [{{at: a, se{CURSOR}t: {{units: 3}}}}]\n",
            ["Other values for arguments"],
        ),
        (f"{DERIVED}edit: [{{at: a, insert_af{CURSOR}ter: [ReLU]}}]\n", ["put after each"]),
    ],
)
def test_what_a_word_means_is_shown(server, fresh, text: str, said: list[str]):
    contents = server.at_cursor("hover", fresh(), text)["contents"]["value"].replace("\\", "")
    for each in said:
        assert each in contents
    assert "* `Conv2D`" not in contents  # not the whole table of layers


# --- diagnostics ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    sorted(
        [*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("examples/identity_mappings/*.yaml")]
    ),  # those of examples/own_layers need a schema with their layers
    ids=lambda path: path.stem,
)
def test_nothing_is_underlined_in_a_valid_file(server, path: Path):
    assert server.diagnostics(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{NET}  - Dense: {{units: 1e1, kernel_regularizer: {{L2: 1e-4}}}}\n",
        f"{NET}  - Dense: =3 if a else 4\n    when: =x > 1\n    name: on\n",
        f"{NET}  - Conv2D: {{filters: =n, kernel_size: [=k, 3], strides: '=min(a, b)'}}\n",
        f"{NET}  - for: {{i: =range(3)}}\n    name: unit{{i}}\n    layers: [unit: {{k: =i}}]\n",
        f"{NET}  - branches: {{a: [], b: [Flatten, Dense: 3], c: }}\n    merge: Concatenate\n",
        f"{NET}  - branches: [[Flatten], {{name: b, layers: [unit]}}]\n    merge: {{Add: }}\n",
        f"{NET}  - {{Dropout: 0.5, when: false}}\n  - BatchNormalization:\n    name: norm\n",
        f"{NET}  - unit\nrequire: {{params: <= 12M, memory@32: < 2GiB, macs: 3, output: [10]}}\n",
        f"{DERIVED}require:\noutputs: null\ntrain: {{optimizer: null, loss: mse, epochs: null}}\n",
        f"{TRAIN}  loss: {{a: mse, b: {{Huber: 2}}}}\nblocks: {{}}\n",
        f"{TRAIN}  metrics: {{a: [acc], b: mae}}\nblocks: {{}}\n",
        f"{NET}  - Dense: &d {{units: 3, kernel_initializer: he_normal}}\n  - Dense: *d\n",
        f"{NET}  - Dense: &d {{units: 3}}\n  - Dense: {{<<: *d, use_bias: false}}\n",
        f"{DERIVED}edit: [{{of: {{unit: {{k: =n}}}}, at: [a.**, b], replace: [ReLU, unit: 3]}}]\n",
        f"{DERIVED}edit: [{{at: a, set: {{k: null}}}}, {{at: 'a*', rename: 'b{{i}}'}}]\n",
    ],
)
def test_nothing_is_underlined_in_what_the_language_allows(server, fresh, text: str):
    assert check(read_text(text, "text.yaml")).diagnostics == []
    assert server.diagnostics(fresh(), text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{NET}  - Conv2D: {{filters: 3, «kernal_size»: 3}}\n", "kernal_size is not allowed"),
        (f"{NET}  - Conv2D:\n      «kernal_size»: 3\n", "kernal_size is not allowed"),
        (f"{NET}  - «Conv2d»: {{filters: 3, kernel_size: 3}}\n", "Conv2d is not allowed"),
        (f"{NET}  - «Flaten»\n", "no such layer"),
        (f"{BLOCK}      - «Flaten»\n", "no such layer"),
        (f"{DERIVED}layers: [«Flaten»]\n", "no such layer"),
        (f"{NET}  - branches: {{a: [Dense: 3, «Flaten»]}}\n    merge: Add\n", "no such layer"),
        (f"{NET}  - branches: {{a: [Flatten]}}\n    merge: «Ad»\n", "no such layer"),
        (f"{NET}  - branches: {{a: «Flatten»}}\n    merge: Add\n", "A branch is a list of steps"),
        (f"{NET}  - Dense: 3\n    «nam»: a\n", "Beside a layer stand name, from"),
        (f"{NET}  - Dense:\n    «units»: 3\n", "Beside a layer stand name, from"),
        (f"{NET}  - Dense: 3\n    name: «a b»\n", "A name has letters"),
        (f"{NET}  - Conv2D: {{filters: «abc», kernel_size: 3}}\n", 'Expected "integer"'),
        (f"{NET}  - Conv2D: {{filters: 3, kernel_size: [3, «a»]}}\n", 'Expected "integer"'),
        (f"{NET}  - Conv2D: {{filters: «true», kernel_size: 3}}\n", 'Expected "integer'),
        (f"{NET}  - Conv2D: {{filters: «-1», kernel_size: 3}}\n", "below the minimum of 1"),
        (f"{NET}  - Conv2D: {{filters: 3, padding: «sme»}}\n", 'Valid values: "valid", "same".'),
        (f"{NET}  - Dense: «wide»\n", 'Expected "integer'),
        (f"{NET}  - Activation: «rellu»\n", '"relu"'),
        (f"{NET}  - Dense: {{units: 3, activation: «rellu»}}\n", '"relu"'),
        (
            f"{NET}  - Dense: {{units: 3, kernel_initializer: {{«He»: {{}}}}}}\n",
            "He is not allowed",
        ),
        (f"{NET}  - Dropout: «1.5»\n", "above the maximum of 1"),
        (f"{NET}  - Flatten\ndefaults: {{Dense: {{«unit»: 3}}}}\n", "unit is not allowed"),
        (f"{NET}  - Flatten\ntrain: {{optimizer: «Adm»}}\n", '"Adam"'),
        (f"{NET}  - Flatten\ntrain: {{optimizer: {{Adam: {{«lr»: 1}}}}}}\n", "lr is not allowed"),
        (f"{NET}  - Flatten\ntrain: {{metrics: [«acuracy»]}}\n", '"accuracy"'),
        (f"{NET}  - Flatten\ntrain: {{epochs: «many»}}\n", 'Expected "integer"'),
        (f"{NET}  - Flatten\nrequire: {{params: «~ 12M»}}\n", "such as <= 12M"),
        (f"{NET}  - Flatten\n«layer»: 3\n", "layer is not allowed"),
        (f"{DERIVED}edit: [{{at: a, «delete»: true}}]\n", "delete is not allowed"),
        (f"{DERIVED}edit: [{{at: a, remove: «false»}}]\n", "must be true"),
        (f"{DERIVED}edit: [{{of: «Flaten», remove: true}}]\n", "no such layer"),
        (f"{DERIVED}edit: [{{at: a, replace: [«Flaten»]}}]\n", "no such layer"),
        ("archspec: «2»\nlayers: []\n", "must be 1"),
        ("«a»rchspec: 1\n", "A network has layers, a derived one extends, a library has blocks."),
        ("«l»ayers: []\n", '"archspec"'),
        ("archspec: 1\nlayers: «Flatten»\n", "Expected one of array"),
    ],
)
def test_a_mistake_alone_is_underlined(server, fresh, text: str, message: str):
    before, marked, after = re.split("[«»]", text)
    (found,) = server.diagnostics(fresh(), before + marked + after)
    line, column = before.count("\n"), len(before.rpartition("\n")[2])
    assert found["range"] == {
        "start": {"line": line, "character": column},
        "end": {"line": line, "character": column + len(marked)},
    }
    assert message in found["message"]


# --- a folder of one's own -----------------------------------------------------------------------


@pytest.fixture
def underlined(tmp_path: Path) -> Callable[[str, dict[str, Any]], list[str]]:
    """What is underlined in a text in a folder of its own, with these settings and a schema."""

    def messages(text: str, settings: dict[str, Any]) -> list[str]:
        server = LanguageServer([str(SERVER), "--stdio"], tmp_path, {"yaml": settings})
        try:
            return [
                each["message"]
                for each in server.diagnostics(tmp_path / "specs" / "net.yaml", text)
            ]
        finally:
            server.close()

    return messages


def test_a_new_spec_names_the_schema_beside_it(tmp_path: Path, underlined):
    copy_spec(ROOT / "specs" / "lenet5.yaml", tmp_path / "made" / "net.yaml")
    text = (tmp_path / "made" / "net.yaml").read_text(encoding="utf-8")
    (tmp_path / "made").rename(tmp_path / "specs")
    assert underlined(text, OFFLINE) == []
    assert underlined(text.replace("units:", "unit:"), OFFLINE) == ["Property unit is not allowed."]


def test_the_settings_of_the_docs_serve_specs_that_name_none(tmp_path: Path, underlined):
    page = (ROOT / "docs/editors.md").read_text(encoding="utf-8")
    settings = json.loads(re.search(r"```json\n(\{\"yaml.*?)```", page, re.S)[1])
    (tmp_path / "archspec.schema.json").write_text(read_shipped(), encoding="utf-8")
    yaml = {"schemas": settings["yaml.schemas"], **OFFLINE}
    assert underlined(f"{NET}  - Dense: {{unit: 3}}\n", yaml) == ["Property unit is not allowed."]
    assert underlined(f"{NET}  - Dense: {{unit: 3}}\n", OFFLINE) == []
