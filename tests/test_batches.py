"""The largest batch that fits in a memory."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT, command
from shipped import network

import archspec
from archspec.analysis.batches import WORST, WORST_IN_16_BITS, find_largest_batch, parse_size
from archspec.analysis.memory import estimate_peak_memory
from archspec.errors import UserError


def test_sizes_have_exact_units() -> None:
    assert {text: parse_size(text) for text in ("24GiB", " 1.5 GB ", "1KiB", "1KB", "0.5TiB")} == {
        "24GiB": 24 * 2**30,
        " 1.5 GB ": 1_500_000_000,
        "1KiB": 1024,
        "1KB": 1000,
        "0.5TiB": 2**39,
    }


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("24G", "write 24GiB or 24GB: "),
        ("24gb", "write 24GiB or 24GB: "),
        ("24gib", "write 24GiB or 24GB: "),
        ("1.5m", "write 1.5MiB or 1.5MB: "),
        *((text, "") for text in ("24", "", "GiB", "-1GiB", "1e3GiB", "1,5GiB", "24 GiB free")),
        *((text, "") for text in ("24Gib", "∞GiB", "nanGiB", "24PiB", "1..5GiB", "٣GiB")),
    ],
)
def test_a_size_that_is_none_is_an_error(text: str, hint: str) -> None:
    with pytest.raises(UserError, match="a memory must be a size such as 24GiB, not ") as caught:
        parse_size(text)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["0.0KiB", "0.0001KB", "1001TiB", f"{'9' * 400}GB"])
def test_a_size_is_within_bounds(text: str) -> None:
    with pytest.raises(UserError, match="more than nothing and at most 1000TiB"):
        parse_size(text)


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "vgg16"])
@pytest.mark.parametrize(
    "training",
    [{}, {"precision": "mixed_float16"}, {"optimizer": {"SGD": {"momentum": 0.9}}}],
)
def test_one_more_sample_does_not_fit(name: str, training: dict[str, object]) -> None:
    graph = network(name)
    for limit in (2 * 10**9, 10**9 + 1, 3 * 2**30):
        fit = find_largest_batch(graph, limit, **training)
        assert fit.batch_size is not None
        takes = [
            estimate_peak_memory(graph, **{**training, "batch_size": fit.batch_size + more}).total
            for more in (0, 1)
        ]
        assert takes[0] <= limit < takes[1]
        assert fit.factor == (WORST_IN_16_BITS if "precision" in training else WORST)
        assert fit.cautious == pytest.approx(fit.batch_size / fit.factor, abs=1.5)


def test_what_never_fits_and_what_is_unknown() -> None:
    graph = network("resnet18")
    assert find_largest_batch(graph, 10**6).batch_size == 0
    text = "archspec: 1\ninput: [null, null, 3]\nlayers: [Conv2D: {filters: 4, kernel_size: 3}]\n"
    unknown = archspec.loads(text)
    assert find_largest_batch(unknown, 10**9).batch_size is None
    assert "largest batch    unknown, as an axis" in str(archspec.show(unknown, memory="1GiB"))
    assert "largest batch    none: the training of one" in str(archspec.show(graph, memory="1MiB"))
    assert " ? " in str(archspec.show(unknown, graph, memory="1GiB"))


def test_the_command_and_the_function_tell_it() -> None:
    done = command(ROOT, "show", "vit_b16", "--memory", "24GiB", "--set", "train.optimizer=SGD")
    fit = find_largest_batch(network("vit_b16"), 24 * 2**30, optimizer="SGD")
    assert f"largest batch    {fit.batch_size} in 24 GiB" in done.stdout
    assert f"; {fit.cautious} if" in done.stdout
    report = archspec.show("vit_b16", memory=24 * 2**30)
    assert report.data["totals"]["largest_batch"].keys() == {
        "limit",
        "batch_size",
        "cautious",
        "factor",
    }
    done = command(ROOT, "show", "vit_b16", "--format", "json")
    assert "largest_batch" not in json.loads(done.stdout)["totals"]
    beside = command(ROOT, "show", "resnet18", "vgg16", "--memory", "8GB", "--format", "markdown")
    assert " batch |" in beside.stdout
    assert "batch: the largest that fits in 8 GB" in beside.stdout
    wrong = command(ROOT, "show", "lenet5", "--memory", "24G")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith(
        "error: a memory must be a size such as 24GiB, not '24G'\nhint: "
    )
    for value in (0, -1, 2.5, True):
        with pytest.raises(UserError, match="memory must be a whole number"):
            archspec.show("lenet5", memory=value)  # type: ignore[arg-type]
