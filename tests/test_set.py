"""`--set` and `load(path, **params)`: one place of a spec set, the value read as our YAML."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from texts import argument, here, only_error, said, table

import archspec
from archspec.cli import main
from archspec.errors import Diagnostic, UserError
from archspec.expand import expand
from archspec.graph import Graph
from archspec.loading.files import open_spec
from archspec.loading.settings import parse_setting
from archspec.syntax.source import read_text, to_plain

SPEC = """\
archspec: 1
params: {width: 4, depths: [1, 2], kind: relu, twice: =width * 2}
input: [8, 8, 4]
defaults:
  Conv2D: {padding: same}
blocks:
  unit: {params: {n: 3}, layers: [{Conv2D: {filters: =n, kernel_size: 1}}]}
layers:
  - unit
  - Dense: =width
  - Dense: {units: =twice, activation: =kind}
  - {repeat: '=depths[1]', ReLU: {}}
"""


def with_settings(*settings: str) -> Graph:
    """The graph of the spec as the command line sets it."""
    return expand(open_spec(read_text(SPEC, "spec.yaml"), dict(map(parse_setting, settings))))


def refused(*settings: str) -> Diagnostic:
    return only_error(lambda: with_settings(*settings))


# --- places --------------------------------------------------------------------------------------


@table(
    "settings, name, values",
    {
        "a param": (["width=6"], "units", [6, 12]),
        "a param by its dotted place": (["params.width=6"], "units", [6, 12]),
        "several": (["width=6", "twice=5"], "units", [6, 5]),
        "the later of two for one place": (["width=6", "width=7"], "units", [7, 14]),
        "an item of a param": (["params.depths.1=1"], "units", [4, 8]),
        "text": (["kind=tanh"], "activation", [None, None, "tanh"]),
        "a formula over earlier params": (["twice==width * 3"], "units", [4, 12]),
        "a default": (["defaults.Conv2D.padding=valid"], "padding", ["valid"]),
        "a default that was not there": (
            ["defaults.Dense.use_bias=false"],
            "use_bias",
            [True, False, False],
        ),
        "a block's param": (["blocks.unit.params.n=7"], "filters", [7]),
        "a step by its place in the list": (["layers.2.Dense.units=9"], "units", [4, 9]),
        "an argument of a step that was a scalar": (
            ["layers.1.Dense.units=9"],
            "units",
            [9, 8],
        ),
        "an argument of a step that had none": (
            ["layers.0=ReLU", "layers.0.ReLU.max_value=6"],
            "max_value",
            [6.0, None, None],
        ),
    },
)
def test_a_setting_changes(settings: list[str], name: str, values: list[Any]) -> None:
    assert argument(with_settings(*settings), name) == values


def test_a_list_is_set_as_a_whole_or_by_its_items() -> None:
    assert len(with_settings("depths=[1, 5]").nodes) - len(with_settings().nodes) == 3
    assert len(with_settings("params.depths.1=5").nodes) - len(with_settings().nodes) == 3


def test_the_input_may_be_set_by_its_axes() -> None:
    assert with_settings("input.0=16").shape("input") == (None, 16, 8, 4)


@table(
    "settings, train",
    {
        "a recipe that was not there": (["train.batch_size=64"], {"batch_size": 64}),
        "a deep place": (
            ["train.optimizer.Adam.learning_rate=1e-4"],
            {"optimizer": {"Adam": {"learning_rate": 1e-4}}},
        ),
        "a formula over params": (["train.epochs==width"], {"epochs": 4}),
    },
)
def test_the_recipe_is_set(settings: list[str], train: dict[str, Any]) -> None:
    assert with_settings(*settings).train == train


@table(
    "setting_, message",
    {
        "a param that the spec lacks": ("widht=3", "did you mean 'width'"),
        "a param that it lacks, by its dotted place": ("params.widht=3", "did you mean 'width'"),
        "a word that this spec lacks": ("require.params=3", "no 'require'"),
        "an item that the list lacks": ("layers.9=ReLU", "no item '9'"),
        "an item that is no number": ("layers.first=ReLU", "no item 'first'"),
        "no value": ("width", "a setting is NAME=VALUE"),
        "no name": ("=3", "a setting is NAME=VALUE"),
    },
)
def test_a_setting_cannot_name(setting_: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        with_settings(setting_)
    assert message in str(caught.value)


@table(
    "setting_, code, place",
    {
        "a word that the place lacks": ("train.epoch=3", "unknown-word", None),
        "an argument that the layer lacks": (
            "layers.2.Dense.unit=3",
            "unknown-argument",
            None,
        ),
        "a layer that the table lacks": ("layers.0=Relu", "unknown-layer", "Relu"),
        "a value of another type": ("layers.2.Dense.units=many", "argument-value", "many"),
        "a value that does not fit where a formula uses it": ("twice=0", "argument-value", None),
        "text where a number is wanted": ("twice=many", "argument-value", None),
        "what is no YAML": ("depths=[1, 2", "yaml", None),
        "a formula with an unknown name": ("width==oops", "unknown-name", "oops"),
        "a word in a block that blocks lack": ("blocks.unit.layer=[]", "unknown-word", None),
        "a default of a layer that the table lacks": (
            "defaults.Conv.padding=same",
            "unknown-layer",
            None,
        ),
    },
)
def test_a_setting_cannot_be(setting_: str, code: str, place: str | None) -> None:
    error = refused(setting_)
    assert error.code == code, str(error)
    assert place is None or here(error) == place


def test_an_error_in_a_setting_is_said_at_the_setting() -> None:
    error = refused("layers.2.Dense.units=many")
    assert error.span.source.name == "--set layers.2.Dense.units=many"
    assert here(error) == "many"


# --- values --------------------------------------------------------------------------------------


@table(
    "text, value",
    {
        "an integer": ("x=32", 32),
        "a number": ("x=1e-4", 1e-4),
        "a boolean": ("x=false", False),
        "no, which is text": ("x=no", "no"),
        "012, which is decimal": ("x=012", 12),
        "null": ("x=null", None),
        "nothing, which is null": ("x=", None),
        "a list": ("x=[2, 3, 4]", [2, 3, 4]),
        "a mapping": ("x={SGD: {momentum: 0.9}}", {"SGD": {"momentum": 0.9}}),
        "quoted text": ("x='32'", "32"),
        "quoted nothing": ("x=''", ""),
        "a formula": ("x==width * 2", "=width * 2"),
        "text with spaces": ("x=a b", "a b"),
        "space around": (" x = 3 ", 3),
    },
)
def test_a_value_is_read_as_our_yaml(text: str, value: Any) -> None:
    place, found = parse_setting(text)
    assert place == "x"
    assert to_plain(found) == value
    assert type(to_plain(found)) is type(value)


# --- from Python ---------------------------------------------------------------------------------


def test_load_takes_params_as_set_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    assert argument(archspec.load(path, width=6), "units") == [6, 12]
    assert argument(archspec.load(path, **{"defaults.Conv2D.padding": "valid"}), "padding") == [
        "valid"
    ]
    assert argument(archspec.loads(SPEC, twice="=width * 5"), "units") == [4, 20]
    assert len(archspec.load(path, depths=(1, 3)).nodes) == 7
    assert archspec.load(path, width=6).fingerprint == with_settings("width=6").fingerprint


@table(
    "value",
    {
        "a function": len,
        "a set": {1, 2},
        "bytes": b"a",
        "no number": float("nan"),
        "infinity": float("inf"),
    },
)
def test_a_param_from_python_is_plain_data(value: Any) -> None:
    with pytest.raises(UserError, match="a param must be"):
        archspec.loads(SPEC, width=value)


def test_an_error_in_a_param_from_python_is_said_there() -> None:
    error = only_error(lambda: archspec.loads(SPEC, width="=oops"))
    assert "width" in error.span.source.name
    assert "oops" in said(error)


# --- on the command line -------------------------------------------------------------------------


def test_set_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    run = CliRunner().invoke
    plain_ = run(main, ["check", str(path)])
    wide = run(main, ["check", str(path), "--set", "width=6", "--set", "depths=[1, 5]"])
    assert (plain_.exit_code, wide.exit_code) == (0, 0)
    assert "5 layers" in plain_.output
    assert "8 layers" in wide.output
    wrong = run(main, ["check", str(path), "--set", "layers.2.Dense.units=many"])
    assert wrong.exit_code == 1
    assert "--set layers.2.Dense.units=many:1:" in wrong.output
    unknown = run(main, ["check", str(path), "--set", "widht=6"])
    assert unknown.exit_code == 1
    assert "the spec has no param 'widht'" in unknown.output


def test_one_setting_reaches_a_base_and_its_blocks(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(SPEC, encoding="utf-8")
    path = tmp_path / "net.yaml"
    path.write_text("archspec: 1\nextends: base.yaml\nparams: {width: 5}\n", encoding="utf-8")
    assert argument(archspec.load(path, width=6), "units") == [6, 12]
    assert argument(archspec.load(path, **{"blocks.unit.params.n": 9}), "filters") == [9]
