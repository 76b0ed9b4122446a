"""`archspec check --advice`: what is advised, of what it is silent, and how it is asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import ROOT, command
from shipped import FEW, FILES, network

import archspec
from archspec.advice import RULES, advise
from archspec.error_formats import to_github, to_sarif

PAGE = ROOT / "docs" / "advice.md"
VARIANTS = {path.stem: path for path in sorted((ROOT / "examples").glob("[av]*/*.yaml"))}
TABLE = re.compile(r"(?<=\| network \| advice \|\n\|---\|---\|\n)(\|.*\n)+")


def advised(steps: str, more: str = "", size: str = "[32, 32, 16]") -> list[str]:
    """The codes of what is advised of a list of steps."""
    graph = archspec.loads(f"archspec: 1\ninput: {size}\n{more}\nlayers: [{steps}]\n")
    return [each.code for each in advise(graph)]


HEAD = "GlobalAveragePooling2D, Dense: 4"
WIDE = "{Conv2D: {filters: 16, kernel_size: 32, padding: same, activation: relu}}"
CONV = "{filters: 16, kernel_size: 3, padding: same"
CHAINS: dict[str, tuple[str, list[str]]] = {
    "a bias before a normalization": (
        f"Conv2D: {CONV}}}, BatchNormalization, ReLU",
        ["useless-bias"],
    ),
    "no bias": (f"Conv2D: {CONV}, use_bias: false}}, BatchNormalization, ReLU", []),
    "a bias before another normalization": (f"Conv2D: {CONV}}}, LayerNormalization, ReLU", []),
    "a bias before a frozen normalization": (
        f"Conv2D: {CONV}}}, BatchNormalization: {{trainable: false}}, ReLU",
        [],
    ),
    "a normalization along another axis": (
        f"Conv2D: {CONV}}}, BatchNormalization: {{axis: 1}}, ReLU",
        [],
    ),
    "an activation between bias and normalization": (
        f"Conv2D: {CONV}, activation: relu}}, BatchNormalization",
        [],
    ),
    "two convolutions": (f"Conv2D: {CONV}}}, Conv2D: {CONV}}}, ReLU", ["no-activation"]),
    "two convolutions with a dropout and a linear activation between": (
        f"Conv2D: {CONV}, activation: linear}}, Dropout: 0.5, Conv2D: {CONV}}}, ReLU",
        ["no-activation"],
    ),
    "a normalization that is not linear": (
        f"Conv2D: {CONV}}}, LayerNormalization, Conv2D: {CONV}}}, ReLU",
        [],
    ),
    "a maximum": (f"Conv2D: {CONV}}}, MaxPooling2D: 2, Conv2D: {CONV}}}, ReLU", []),
    "a learnt activation": (f"Conv2D: {CONV}}}, PReLU, Conv2D: {CONV}}}, ReLU", []),
    "depthwise and pointwise": (
        "DepthwiseConv2D: {kernel_size: 3, padding: same}, "
        "Conv2D: {filters: 16, kernel_size: 1}, ReLU",
        [],
    ),
    "grouped and pointwise": (
        f"Conv2D: {CONV}, groups: 4}}, Conv2D: {{filters: 16, kernel_size: 1}}, ReLU",
        [],
    ),
    "a row and a column": (
        "Conv2D: {filters: 16, kernel_size: [1, 3], padding: same}, "
        "Conv2D: {filters: 16, kernel_size: [3, 1], padding: same}, ReLU",
        [],
    ),
    "a linear bottleneck": (
        "Conv2D: {filters: 8, kernel_size: 1}, Conv2D: {filters: 64, kernel_size: 1}, ReLU",
        [],
    ),
    "a bottleneck that keeps the width": (
        "Conv2D: {filters: 16, kernel_size: 1}, Conv2D: {filters: 64, kernel_size: 1}, ReLU",
        [],
    ),
    "what enlarges": (
        f"Conv2DTranspose: {{filters: 16, kernel_size: 2, strides: 2}}, Conv2D: {CONV}}}, ReLU",
        [],
    ),
    "a shortcut besides": (
        f"{{Conv2D: {CONV}}}}}, {{branches: {{main: [Conv2D: {CONV}}}], shortcut: []}}, "
        "merge: Add}, ReLU",
        [],
    ),
    "two convolutions with what is linear between": (
        f"Conv2D: {CONV}}}, Activation: linear, AveragePooling2D: 2, Rescaling: 2.0, "
        f"LeakyReLU: {{negative_slope: 1}}, Conv2D: {CONV}}}, ReLU",
        ["no-activation"],
    ),
    "a pooling of means before a dense layer": (
        f"Conv2D: {CONV}}}, GlobalAveragePooling2D, Dense: 16, ReLU, Reshape: [1, 1, 16]",
        ["no-activation"],
    ),
    "a rectifier behind others": (
        f"Conv2D: {CONV}, activation: relu}}, MaxPooling2D: 2, Dropout: 0.2, ReLU",
        ["activation-twice"],
    ),
    "another activation behind a pooling": (
        f"Conv2D: {CONV}, activation: relu}}, MaxPooling2D: 2, Activation: gelu",
        [],
    ),
    "a rectifier behind noise": (
        f"Conv2D: {CONV}, activation: relu}}, GaussianNoise: 0.2, ReLU",
        [],
    ),
    "a rectifier that is not idempotent": (
        f"Conv2D: {CONV}, activation: relu}}, MaxPooling2D: 2, ReLU: {{threshold: 1}}",
        [],
    ),
    "a bias before poolings and a normalization": (
        f"Conv2D: {CONV}}}, MaxPooling2D: 2, AveragePooling2D: {{pool_size: 3, padding: same}}, "
        "BatchNormalization, ReLU",
        ["useless-bias"],
    ),
    "a bias before a pooling that another layer takes as well": (
        f"{{Conv2D: {CONV}}}}}, {{branches: {{a: [BatchNormalization], b: [ReLU]}}, merge: Add}}",
        [],
    ),
    "an activation twice": (f"Conv2D: {CONV}, activation: relu}}, ReLU", ["activation-twice"]),
    "an activation twice, with another shape between": (
        "Conv2D: {filters: 16, kernel_size: 32, activation: relu}, Flatten, "
        "Activation: gelu, Reshape: [1, 1, 16]",
        ["activation-twice"],
    ),
    "a linear activation after another": (
        f"Conv2D: {CONV}, activation: relu}}, Activation: linear",
        [],
    ),
    "a dropout before a normalization": (
        f"Dropout: 0.5, Conv2D: {CONV}, use_bias: false}}, BatchNormalization, ReLU",
        ["dropout-before-normalization"],
    ),
    "a softmax within": (
        f"Conv2D: {CONV}, activation: softmax}}, MaxPooling2D: 2, Conv2D: {CONV}}}, ReLU",
        ["softmax-inside"],
    ),
    "a softmax step within": (
        f"Conv2D: {CONV}}}, Activation: softmax, Conv2D: {CONV}}}, ReLU",
        ["softmax-inside"],
    ),
    "a softmax over places": (
        f"Conv2D: {CONV}}}, Softmax: {{axis: [1, 2]}}, Conv2D: {CONV}}}, ReLU",
        [],
    ),
    "a softmax that weighs": (
        f"{{branches: {{a: [Conv2D: {CONV}, activation: softmax}}], b: []}}, merge: Multiply}}, "
        f"Conv2D: {CONV}}}, ReLU",
        [],
    ),
    "two normalizations": ("BatchNormalization, BatchNormalization", ["normalization-twice"]),
    "two normalizations, the first of which is a shortcut, too": (
        "BatchNormalization, {branches: {a: [BatchNormalization], b: []}, merge: Add}",
        [],
    ),
    "two dropouts": ("Dropout: 0.5, Dropout: 0.5", ["dropout-twice"]),
    "a dropout of values and one of channels": ("Dropout: 0.5, SpatialDropout2D: 0.5", []),
    "a dropout of nothing": (
        f"Dropout: 0, Conv2D: {CONV}, use_bias: false}}, BatchNormalization, ReLU",
        [],
    ),
    "a dropout two convolutions before": (
        f"Dropout: 0.5, Conv2D: {CONV}, activation: relu}}, "
        f"Conv2D: {CONV}, use_bias: false}}, BatchNormalization, ReLU",
        [],
    ),
    "rows that are left over": ("MaxPooling2D: 3", ["dropped-rows"]),
    "no rows that are left over": ("MaxPooling2D: 4", []),
    "rows of padding that are left over": (
        "ZeroPadding2D: 1, MaxPooling2D: {pool_size: 3, strides: 2}",
        [],
    ),
    "rows that a stride skips": (
        "Conv2D: {filters: 16, kernel_size: 1, strides: 2, activation: relu}",
        [],
    ),
    "rows of maps whose channels come first": (
        "Conv2D: {filters: 5, kernel_size: 2, strides: 2, data_format: channels_first, "
        "activation: relu}, Permute: [2, 3, 1]",
        [],
    ),
}


@pytest.mark.parametrize(("steps", "codes"), CHAINS.values(), ids=CHAINS)
def test_what_is_advised_of_a_chain(steps: str, codes: list[str]) -> None:
    """What comes before and after it sees everything, so that nothing else is advised."""
    assert advised(f"{WIDE}, {steps}, {HEAD}") == codes


def test_a_dense_layer_is_heavy_after_a_map_alone() -> None:
    dense = "Dense: {units: 512, activation: relu}, Dense: 4"
    assert advised(f"Flatten, {dense}") == ["heavy-dense"]
    assert advised(dense.replace("512", "4096"), size="[2048]") == []
    assert advised("Flatten, Dense: {units: 16, activation: relu}, Dense: 4") == []
    assert advised(f"Flatten, {dense}", size="[1, 1, 16384]") == []


def test_what_a_global_pooling_sees() -> None:
    conv = "{{Conv2D: {{filters: 16, kernel_size: {}, padding: same, activation: relu}}}}"
    assert advised(f"{conv.format(31)}, {HEAD}") == ["small-field"]
    assert advised(f"{conv.format(32)}, {HEAD}") == []
    gate = "branches: {map: [], gate: [GlobalAveragePooling2D: {keepdims: true}]}"
    assert advised(f"{{{gate}, merge: Multiply}}, {conv.format(32)}, {HEAD}") == []
    assert advised(f"{conv.format(3)}, Flatten, Dense: 4") == []
    assert advised(f"{conv.format(1)}, {HEAD}") == [], "as in PointNet"
    assert advised(f"{conv.format(3)}, {HEAD}", size="[null, null, 16]") == []


@pytest.mark.parametrize(
    ("precision", "codes"), [("mixed_float16", ["odd-channels"]), ("float32", [])]
)
def test_channels_are_counted_in_mixed_precision(precision: str, codes: list[str]) -> None:
    train = f"train: {{precision: {precision}}}"
    steps = "Flatten, Dense: {units: 30, activation: relu}, Dense: 10, Softmax"
    assert advised(steps, train, "[4, 4, 3]") == codes


@pytest.mark.parametrize(
    ("train", "codes"),
    [
        ("{epochs: 2}", ["relu-head"]),
        ("{loss: mse}", []),
        ("{loss: {SparseCategoricalCrossentropy: {from_logits: false}}}", []),  # a warning
    ],
)
def test_a_relu_at_the_end_is_advised_where_logits_are_wanted(train: str, codes: list[str]) -> None:
    assert advised("Dense: 4, ReLU", f"train: {train}", "[8]") == codes
    assert advised("Dense: 4, ReLU", size="[8]") == [], "others may train it"


def test_what_is_shared_or_an_output_keeps_its_bias() -> None:
    text = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: 8\n    name: a\n  - BatchNormalization:\n"
    assert [each.code for each in advise(archspec.loads(text))] == ["useless-bias"]
    ends = f"{text}    name: b\noutputs: [a, b]\n"
    assert advise(archspec.loads(ends)) == ()
    again = f"{text}  - ReLU\n  - reuse: a\n"
    assert advise(archspec.loads(again)) == ()


def test_a_step_is_advised_once_however_many_layers_it_makes() -> None:
    text = (
        "archspec: 1\ninput: [8]\nlayers:\n  - repeat: 3\n    layers:\n      - Dense: 8\n"
        "      - BatchNormalization\n      - ReLU\n  - Dense: 2\n"
    )
    (found,) = advise(archspec.loads(text))
    assert found.message.endswith("takes its bias away, and so in 2 other layers of this step")
    assert (found.span.line, found.severity) == (6, "advice")
    assert str(found).startswith("<text>:6:9: advice: the BatchNormalization")


# --- the command ---------------------------------------------------------------------------------

ADVISED = "archspec: 1\ninput: [8]\nlayers:\n  - Dense: 8\n  - Dense: 2\n"
WARNED = "archspec: 1\nparams: {spare: 3}\ninput: [8]\nlayers: [Dense: 2]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"advised": ADVISED, "warned": WARNED}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("advised.yaml", 0, ""),
        ("advised.yaml --strict", 0, ""),
        ("advised.yaml --advice", 0, "advice: nothing non-linear"),
        ("advised.yaml --advice --strict", 1, "advice: nothing non-linear"),
        ("warned.yaml --advice", 0, "warning: no formula"),
        ("warned.yaml --strict", 1, "warning: no formula"),
        ("warned.yaml --strict --format json", 1, '"warning"'),
    ],
)
def test_advice_is_given_on_demand_and_fails_with_strict(
    words: str, status: int, said: str, folder: Path
) -> None:
    done = command(folder, "check", *words.split())
    assert done.returncode == status, done
    assert said in done.stdout
    assert ("advice:" in done.stdout) == said.startswith("advice")


def test_other_programs_are_told_in_their_words(folder: Path) -> None:
    found = archspec.advise(folder / "advised.yaml")
    assert to_github(found).startswith("::notice file=")
    assert '"level": "note"' in to_sarif(found)


@pytest.mark.parametrize(
    ("comment", "silent"),
    [
        ("# archspec: ignore no-activation", True),
        ("#archspec:ignore no-activation", True),
        ("# why # archspec: ignore unused-step , no-activation", True),
        ("# archspec: ignore no-activation # why", True),
        ("# archspec: ignore", False),
        ("# archspec: ignore activation", False),
        ("# ignore no-activation", False),
    ],
)
def test_a_comment_silences_what_its_line_is_about(comment: str, silent: bool) -> None:
    text = ADVISED.replace("Dense: 8", f"Dense: 8  {comment}")
    codes = {each.code for each in advise(archspec.loads(text))}
    assert ("no-activation" not in codes) == silent


@pytest.mark.parametrize(
    ("comment", "slips"),
    [
        ("# archspec: ingore no-activation", 1),
        ("# archspec: ignored no-activation", 1),
        ("# archspec: disable no-activation", 1),
        ("# arcspec: ignore no-activation", 1),
        ("# archspec-ignore no-activation", 1),
        ("# archspec: ignore no-activation,", 1),
        ("# what archspec ignores", 0),
        ("# archspec: 1", 0),
        ("# see archspec: a compiler", 0),
    ],
)
def test_what_is_nearly_a_comment_that_silences(comment: str, slips: int) -> None:
    text = ADVISED.replace("Dense: 8", f"Dense: 8  {comment}")
    found = archspec.loads(text).warnings
    assert [each.code for each in found] == ["ignore"] * slips


def test_other_params_have_other_warnings() -> None:
    text = ADVISED.replace("Dense: 8", "Dense: =n  # archspec: ignore no-activation, softmax")
    text = text.replace("input:", "params: {n: 8}\ninput:")
    assert [each.code for each in archspec.loads(text).warnings] == ["ignore"]
    assert archspec.loads(text, n=9).warnings == ()


def test_a_warning_is_silenced_for_every_verb() -> None:
    text = WARNED.replace("3}", "3}  # archspec: ignore unused-param")
    assert len(archspec.loads(WARNED).warnings) == 1
    assert archspec.loads(text).warnings == ()


def test_advice_on_a_base_is_silenced_where_the_base_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("archspec: 1\nextends: vgg16_imagenet\n", encoding="utf-8")
    (found,) = archspec.advise(file)
    assert [(note.text, note.span.line) for note in found.notes][-1] == ("extended here", 2)
    with file.open("a", encoding="utf-8") as more:
        more.write("# archspec: ignore heavy-dense\n")
    codes = [each.code for each in archspec.advise(file)]
    assert codes == ["ignore", "heavy-dense"], "a line of its own is no step's"
    text = file.read_text(encoding="utf-8").replace("imagenet\n#", "imagenet  #")
    file.write_text(text, encoding="utf-8")
    assert archspec.advise(file) == []


# --- what is said of what is shipped -------------------------------------------------------------


def row(name: str) -> str | None:
    """The row of a network in the table of docs/advice.md; None if nothing is advised of it."""
    graph = network(name) if name in FILES else archspec.load(VARIANTS[name])
    counts = Counter(each.code for each in advise(graph))
    codes = (f"`{code}`{f' {counts[code]}' * (counts[code] > 1)}" for code in sorted(counts))
    return f"| `{name}` | {', '.join(codes)} |\n" if counts else None


def read_rows(names: Iterable[str]) -> list[str]:
    """The rows of these networks as the page has them."""
    table = TABLE.search(PAGE.read_text(encoding="utf-8"))
    rows = table[0].splitlines(keepends=True) if table else []
    return [each for each in rows if each.split("`")[1] in set(names)]


@pytest.mark.thorough
def test_the_page_says_what_is_advised_of_a_few_networks() -> None:
    names = [name for name in FILES if name in FEW]
    assert read_rows(names) == [each for each in map(row, names) if each]


@pytest.mark.slow
def test_the_page_says_what_is_advised_of_every_network(request: pytest.FixtureRequest) -> None:
    names = [*FILES, *VARIANTS]
    rows = [each for each in map(row, names) if each]
    if request.config.getoption("--update-golden"):
        text = TABLE.sub(lambda _: "".join(rows), PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(text, encoding="utf-8")
    assert read_rows(names) == rows, "run pytest --update-golden -m slow tests/test_advice.py"


def test_the_page_and_the_explanations_have_every_rule() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \| (?:a|an|two|in) ", text, re.M) == list(RULES)


def test_a_code_with_an_underscore_is_a_slip_of_one_with_a_hyphen() -> None:
    comment = "# archspec: ignore useless_bias, fed_twice"
    spec = f"archspec: 1\ninput: [8]\nlayers:\n  - Dense: 2  {comment}\n"
    first, second = archspec.loads(spec).warnings
    assert first.message == "no message has the code 'useless_bias'"
    assert first.hint == "did you mean 'useless-bias'?"
    assert second.message == "no message has the code 'fed_twice'"
