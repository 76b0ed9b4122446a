"""`require`: contracts that a spec makes about itself."""

from pathlib import Path

import pytest
from conftest import runner
from texts import INPUT, PAIR, files, here, net, refused, said, table

import archspec
from archspec.analysis.measures import CONTRACTS
from archspec.cli import main

# 8x8x4 -> convolution 3x3 to 2: 3*3*4*2 + 2 = 74 parameters, 6*6*72 = 2592 MACs -> 2 -> dense 10
LAYERS = "- Conv2D: {filters: 2, kernel_size: 3}\n- GlobalAveragePooling2D\n- Dense: 10"
PARAMS, MACS = 74 + 30, 2592 + 20


def broken(require: str, layers: str = LAYERS, top: str = INPUT) -> list[str]:
    """The text of each contract that the network breaks."""
    graph = net(layers, f"{top}\nrequire: {{{require}}}")
    assert all(each.code == "contract" for each in graph.warnings)
    assert all(each.severity == "warning" for each in graph.warnings)
    return [here(each) for each in graph.warnings]


def test_the_numbers_above_are_so() -> None:
    graph = net(LAYERS)
    assert (graph.total_params, graph.macs) == (PARAMS, MACS)


@table(
    "kept, not_kept",
    {
        "at most": (f"params: <= {PARAMS}", f"params: <= {PARAMS - 1}"),
        "at least": (f"params: '>= {PARAMS}'", f"params: '>= {PARAMS + 1}'"),
        "below": (f"params: < {PARAMS + 1}", f"params: < {PARAMS}"),
        "above": (f"params: '> {PARAMS - 1}'", f"params: '> {PARAMS}'"),
        "a bare number for equal": (f"params: {PARAMS}", f"params: {PARAMS + 1}"),
        "equal in signs": (f"params: == {PARAMS}", f"params: == {PARAMS - 1}"),
        "without a space": (f"params: <={PARAMS}", f"params: <={PARAMS - 1}"),
        "in quotes": (f"params: '<= {PARAMS}'", f"params: '<= {PARAMS - 1}'"),
        "K is 1000": ("params: <= 0.104K", "params: <= 0.103K"),
        "M is 1000 K": ("macs: <= 0.002612M", "macs: <= 0.002611M"),
        "G is 1000 M": ("macs: <= 1G", "macs: '>= 1G'"),
        "a number with an exponent": ("macs: <= 3e3", "macs: <= 2e3"),
        "a long number in groups": ("macs: <= 2_612", "macs: <= 2_611"),
        "trainable parameters": (f"trainable_params: {PARAMS}", "trainable_params: 0"),
        "MACs": (f"macs: {MACS}", f"macs: {MACS + 1}"),
        "the receptive field": ("receptive_field: 3", "receptive_field: '>= 4'"),
        "the output's shape": ("output: [10]", "output: [11]"),
        "memory with a batch size": ("memory@4: <= 1GiB", "memory@4: <= 1K"),
        "KiB is 1024": ("memory@4: '>= 1KiB'", "memory@4: <= 1KiB"),
        "MiB is 1024 KiB": ("memory@4: <= 1MiB", "memory@4: '>= 1MiB'"),
    },
)
def test_a_contract_says(kept: str, not_kept: str) -> None:
    assert broken(kept) == []
    assert len(broken(not_kept)) == 1


def test_a_decimal_bound_is_exact() -> None:
    """In floating point 2.01 * 10**6 is a little less than 2,010,000."""
    layer = "- {Dense: {units: 2010000, use_bias: false}}"
    assert broken("params: 2.01M", layer, "input: [1]") == []
    assert broken("params: <= 2.01M", layer, "input: [1]") == []
    assert broken("params: <= 2.009999M", layer, "input: [1]") == ["<= 2.009999M"]


def test_memory_grows_with_the_batch() -> None:
    graph = net(LAYERS, INPUT + "\nrequire: {memory@1: 1, memory@64: 1}")
    small, large = (
        int(each.message.split("it is ")[1].split()[0].replace(",", "")) for each in graph.warnings
    )
    assert small < large


def test_each_broken_contract_is_one_warning_at_its_place() -> None:
    found = broken("params: <= 1, macs: <= 9M, output: [3]")
    assert found == ["<= 1", "[3]"]


def test_a_broken_contract_says_what_is_so() -> None:
    (warning,) = net(LAYERS, INPUT + "\nrequire: {params: <= 100}").warnings
    assert "104" in said(warning)
    (warning,) = net(LAYERS, INPUT + "\nrequire: {output: [3]}").warnings
    assert "[10]" in said(warning)


@table(
    "kept, not_kept",
    {
        "a shape for each output": ("output: [[1], [2]]", "output: [[2], [1]]"),
        "all of them": ("output: [[1], [2]]", "output: [1]"),
    },
)
def test_several_outputs(kept: str, not_kept: str) -> None:
    top = PAIR + "\noutputs: [x, y]"
    layers = "- {Dense: 1, from: a, name: x}\n- {Dense: 2, from: b, name: y}"
    assert broken(kept, layers, top) == []
    assert len(broken(not_kept, layers, top)) == 1


def test_an_unknown_axis_is_null() -> None:
    assert broken("output: [null, 8, 4]", "- ReLU", "input: [null, 8, 4]") == []
    assert broken("output: [8, 8, 4]", "- ReLU", "input: [null, 8, 4]") == ["[8, 8, 4]"]


def test_what_is_unknown_breaks_its_contract() -> None:
    """Unknown is never taken as fine."""
    layers = "- Conv2D: {filters: 2, kernel_size: 3}"
    assert broken("macs: '>= 0'", layers, "input: [null, null, 4]") == ["'>= 0'"]
    (warning,) = net(layers, "input: [null, null, 4]\nrequire: {macs: <= 1}").warnings
    assert "unknown" in said(warning)


@table(
    "require, code, words",
    {
        "a contract that there is none of": ("sparsity: 3", "unknown-word", "contracts: params"),
        "a misspelt one": ("parms: 3", "unknown-word", "did you mean 'params'"),
        "a word for a number": ("params: small", "contract", "a comparison"),
        "an unknown unit": ("params: <= 12T", "contract", "a comparison"),
        "a unit in small letters": ("params: <= 12m", "contract", "a comparison"),
        "a comparison turned around": ("params: =< 12", "contract", "a comparison"),
        "a boolean": ("params: true", "contract", "a comparison"),
        "memory without a batch size": ("memory: <= 1GiB", "unknown-word", "memory@"),
        "an output that is no shape": ("output: 10", "contract", "a shape"),
    },
)
def test_a_contract_cannot_say(require: str, code: str, words: str) -> None:
    error = refused(LAYERS, f"{INPUT}\nrequire: {{{require}}}")
    assert (error.code, words in said(error)) == (code, True), str(error)


def test_a_broken_contract_fails_check_and_is_a_warning_elsewhere(tmp_path: Path) -> None:
    path = files(tmp_path, main="input: [4]\nlayers: [{Dense: 10}]\nrequire: {params: <= 1}")
    run = runner().invoke
    check = run(main, ["check", str(path)])
    assert check.exit_code == 1
    assert "error: the contract params <= 1 is broken: it is 50 [contract]" in check.output
    assert "sound" not in check.output
    show = run(main, ["show", str(path)])
    assert show.exit_code == 0
    assert "warning: the contract params <= 1 is broken" in show.stderr
    kept = files(tmp_path, main="input: [4]\nlayers: [{Dense: 10}]\nrequire: {params: <= 50}")
    assert run(main, ["check", str(kept)]).exit_code == 0


def test_the_documentation_has_each_contract() -> None:
    text = (Path(__file__).parent.parent / "docs/checking.md").read_text(encoding="utf-8")
    rows = "".join(line for line in text.splitlines() if line.startswith("| `"))
    for name, measure in CONTRACTS.items():
        assert (f"`{name}@" if measure.per_batch else f"`{name}`") in rows


def test_a_formula_over_params_is_a_contract_of_those_who_extend_too(tmp_path: Path) -> None:
    base = "params: {w: 8}\ninput: [4]\nlayers: [Dense: =w]\nrequire: {=w % 2 == 0: even}"
    even, odd = "extends: base.yaml\nparams: {w: 6}", "extends: base.yaml\nparams: {w: 7}"
    assert archspec.load(files(tmp_path, main=even, base=base)).warnings == ()
    (broken,) = archspec.load(files(tmp_path, main=odd, base=base)).warnings
    assert (broken.code, broken.message, here(broken)) == ("contract", "even", "7")
    assert archspec.load(tmp_path / "base.yaml").warnings == ()


def test_a_broken_formula_is_told_beside_what_a_layer_says() -> None:
    with pytest.raises(archspec.SpecError) as caught:
        net("- Dense: =w", f"params: {{w: 0}}\n{INPUT}\nrequire: {{=w > 0: w is a width}}")
    assert [each.code for each in caught.value.diagnostics] == ["contract", "argument-value"]


def test_limits_are_not_inherited(tmp_path: Path) -> None:
    base = "input: [4]\nlayers: [{Dense: 10}]\nrequire: {params: <= 1}"
    path = files(tmp_path, main="extends: base.yaml", base=base)
    assert archspec.load(path).warnings == ()
    assert len(archspec.load(tmp_path / "base.yaml").warnings) == 1
    path = files(tmp_path, main="extends: base.yaml\nrequire: {macs: 0}", base=base)
    assert [here(each) for each in archspec.load(path).warnings] == ["0"]
