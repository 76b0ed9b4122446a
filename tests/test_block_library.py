"""Each shipped block computes what its paper defines, and its page says what its file says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import ROOT

import archspec

Array = np.ndarray[Any, np.dtype[Any]]
Weights = dict[str, list[Array]]
Definition = Callable[[Array, Weights], Array]

RANDOM = np.random.default_rng(0)


def spec(call: str, shape: list[int]) -> str:
    """A network of nothing but a shipped block."""
    block = call.partition(":")[0]
    return f"archspec: 1\ninput: {shape}\nimport: [{block}]\nlayers:\n  - {call}\n"


# --- definitions, in numpy -----------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def relu6(x: Array) -> Array:
    return np.clip(x, 0, 6)


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def softmax(x: Array, axis: int) -> Array:
    grown = np.exp(x - x.max(axis, keepdims=True))
    return grown / grown.sum(axis, keepdims=True)


def layer_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * gamma + beta


def batch_norm(x: Array, weights: list[Array]) -> Array:
    gamma, beta, mean, variance = weights
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def windows(x: Array, size: int, strides: int, dilation: int = 1) -> Array:
    """Return what a kernel sees at each place, as (batch, rows, columns, size, size, channels).

    Zeros are put around as `padding: same` does.
    """
    reach = (size - 1) * dilation + 1
    pads = []
    for length in x.shape[1:3]:
        total = max(0, (-(-length // strides) - 1) * strides + reach - length)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, [(0, 0), *pads, (0, 0)])
    seen = np.lib.stride_tricks.sliding_window_view(padded, (reach, reach), (1, 2))
    seen = seen[:, ::strides, ::strides, :, ::dilation, ::dilation]
    return seen.transpose(0, 1, 2, 4, 5, 3)


def convolve(x: Array, kernel: Array, strides: int = 1, dilation: int = 1) -> Array:
    seen = windows(x, kernel.shape[0], strides, dilation)
    return np.einsum("nhwijc,ijcd->nhwd", seen, kernel)


def convolve_each_channel(x: Array, kernel: Array, strides: int) -> Array:
    return np.einsum("nhwijc,ijc->nhwc", windows(x, kernel.shape[0], strides), kernel[..., 0])


def squeeze_excite(
    x: Array,
    weights: Weights,
    at: str = "squeeze_excite",
    activation: Callable[[Array], Array] = relu,
) -> Array:
    (first, first_bias), (second, second_bias) = (
        weights[f"{at}-gate-{name}"] for name in ("conv2d", "conv2d_1")
    )
    narrow = activation(x.mean((1, 2)) @ first[0, 0] + first_bias)
    return x * sigmoid(narrow @ second[0, 0] + second_bias)[:, None, None]


def cbam(x: Array, weights: Weights) -> Array:
    (first, first_bias), (second, second_bias) = (
        weights[f"cbam-channel-gate-mean-{name}"] for name in ("narrow", "wide")
    )

    def mlp(pooled: Array) -> Array:
        return relu(pooled @ first[0, 0] + first_bias) @ second[0, 0] + second_bias

    x = x * sigmoid(mlp(x.mean((1, 2))) + mlp(x.max((1, 2))))[:, None, None]
    (kernel,) = weights["cbam-position-gate-conv2d"]
    return x * sigmoid(convolve(np.stack([x.mean(-1), x.max(-1)], -1), kernel))


def layer_scale(x: Array, weights: Weights) -> Array:
    ((gamma,),) = (value for value in weights.values() if value)
    return x * gamma.reshape(-1)


def shuffle_channels(groups: int) -> Definition:
    def shuffled(x: Array, _: Weights) -> Array:
        each = x.shape[-1] // groups
        return x[..., [group * each + i for i in range(each) for group in range(groups)]]

    return shuffled


def shuffle_pixels(size: int) -> Definition:
    def shuffled(x: Array, _: Weights) -> Array:
        batch, height, width, channels = x.shape
        left = channels // size**2
        result = np.empty((batch, height * size, width * size, left), x.dtype)
        for row, column in np.ndindex(height * size, width * size):
            first = left * size * (row % size) + left * (column % size)
            place = x[:, row // size, column // size]
            result[:, row, column] = place[:, first : first + left]
        return result

    return shuffled


def blur(kernel: list[int], strides: int = 2) -> Definition:
    def blurred(x: Array, _: Weights) -> Array:
        line = np.array(kernel) / sum(kernel)
        pad = ((len(kernel) - 1) // 2, len(kernel) // 2)
        padded = np.pad(x, [(0, 0), pad, pad, (0, 0)], mode="reflect")
        seen = np.lib.stride_tricks.sliding_window_view(padded, (len(kernel),) * 2, (1, 2))
        return np.einsum("nhwcij,i,j->nhwc", seen[:, ::strides, ::strides], line, line)

    return blurred


def class_token(x: Array, weights: Weights) -> Array:
    (token,) = weights["class_token-token-einsum_dense"]
    return np.concatenate([np.tile(token, (len(x), 1, 1)), x], 1)


def position_embedding(x: Array, weights: Weights) -> Array:
    (vectors,) = weights["position_embedding-table-einsum_dense"]
    return x + vectors


def global_context(x: Array, weights: Weights) -> Array:
    at = "global_context-context"
    kernel, bias = weights[f"{at}-weights-conv2d"]
    shares = softmax((x @ kernel[0, 0] + bias).reshape(len(x), -1), 1)
    context = np.einsum("np,npc->nc", shares, x.reshape(len(x), -1, x.shape[-1]))
    (first, first_bias), (second, second_bias) = (
        weights[f"{at}-{name}"] for name in ("conv2d", "conv2d_1")
    )
    narrow = context @ first[0, 0] + first_bias
    narrow = relu(layer_norm(narrow, *weights[f"{at}-layer_normalization"], 1e-5))
    return x + (narrow @ second[0, 0] + second_bias)[:, None, None]


def pool_pyramid(levels: list[int]) -> Definition:
    """The bins of the paper's appendix: of n, bin i is from floor((i - 1) h / n) to ceil(i h / n),
    i from 1."""

    def part(length: int, n: int, i: int) -> slice:
        return slice(i * length // n, -(-(i + 1) * length // n))

    def pooled(x: Array, _: Weights) -> Array:
        height, width = x.shape[1:3]
        bins = [
            x[:, part(height, n, i), part(width, n, j)].max((1, 2))
            for n in levels
            for i, j in np.ndindex(n, n)
        ]
        return np.concatenate(bins, 1)

    return pooled


def conv_bn_act(
    activation: Callable[[Array], Array], strides: int = 1, dilation: int = 1, groups: int = 1
) -> Definition:
    def applied(x: Array, weights: Weights) -> Array:
        (kernel,) = weights["conv_bn_act-conv2d"]
        parts = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
        x = np.concatenate([convolve(*each, strides, dilation) for each in parts], -1)
        return activation(batch_norm(x, weights["conv_bn_act-batch_normalization"]))

    return applied


def conv_bn_relu(x: Array, weights: Weights) -> Array:
    kernel, bias = weights["conv_bn_relu-conv2d"]
    x = convolve(x, kernel) + bias
    return relu(batch_norm(x, weights["conv_bn_relu-batch_normalization"]))


def inverted_residual(
    strides: int = 1,
    expanded: bool = True,
    shortcut: bool = True,
    squeezed: bool = False,
    activation: Callable[[Array], Array] = relu6,
) -> Definition:
    def applied(x: Array, weights: Weights) -> Array:
        at = "inverted_residual-main"
        norms = [value for name, value in weights.items() if "batch_norm" in name]
        convs = [value for name, value in weights.items() if name.startswith(f"{at}-conv2d")]
        hidden = x
        if expanded:
            hidden = activation(batch_norm(convolve(hidden, convs[0][0]), norms[0]))
        (kernel,) = weights[f"{at}-depthwise_conv2d"]
        hidden = convolve_each_channel(hidden, kernel, strides)
        hidden = activation(batch_norm(hidden, norms[-2]))
        if squeezed:
            hidden = squeeze_excite(hidden, weights, f"{at}-squeeze_excite", activation)
        hidden = batch_norm(convolve(hidden, convs[-1][0]), norms[-1])
        return x + hidden if shortcut else hidden

    return applied


def attend(x: Array, weights: list[Array]) -> Array:
    query, key, value = (
        np.einsum("nlc,chk->nhlk", x, weights[i]) + weights[i + 1][:, None] for i in (0, 2, 4)
    )
    shares = softmax(query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1]), -1)
    return np.einsum("nhlk,hkc->nlc", shares @ value, weights[6]) + weights[7]


def transformer_encoder(norm_first: bool) -> Definition:
    def applied(x: Array, weights: Weights) -> Array:
        at = "transformer_encoder"
        (first, first_bias), (second, second_bias) = (
            weights[f"{at}-dense-main-{name}"] for name in ("dense", "dense_1")
        )
        halves: dict[str, Callable[[Array], Array]] = {
            "attention": lambda x: attend(x, weights[f"{at}-attention-main-multi_head_attention"]),
            "dense": lambda x: relu(x @ first + first_bias) @ second + second_bias,
        }
        for name, half in halves.items():
            inside = "-main" if norm_first else ""
            norm = weights[f"{at}-{name}{inside}-layer_normalization"]
            if norm_first:
                x = x + half(layer_norm(x, *norm, 1e-6))
            else:
                x = layer_norm(x + half(x), *norm, 1e-6)
        return x

    return applied


IMAGE, SEQUENCE = [9, 12, 32], [7, 16]
# A call, its input, its definition, and its parameters counted by hand.
CASES: list[tuple[str, list[int], Definition, int]] = [
    ("squeeze_excite", IMAGE, squeeze_excite, 32 * 2 + 2 + 2 * 32 + 32),
    ("squeeze_excite: 5", IMAGE, squeeze_excite, 32 * 5 + 5 + 5 * 32 + 32),
    ("cbam", IMAGE, cbam, 32 * 2 + 2 + 2 * 32 + 32 + 7 * 7 * 2),
    ("cbam: {filters: 5, kernel_size: 3}", IMAGE, cbam, 32 * 5 + 5 + 5 * 32 + 32 + 3 * 3 * 2),
    ("layer_scale", IMAGE, layer_scale, 32),
    ("layer_scale: 0.1", SEQUENCE, layer_scale, 16),
    ("layer_scale", [16], layer_scale, 16),
    ("layer_scale", [4, 6, 5, 3], layer_scale, 3),
    ("channel_shuffle: 2", IMAGE, shuffle_channels(2), 0),
    ("channel_shuffle: 8", IMAGE, shuffle_channels(8), 0),
    ("channel_split: 0", IMAGE, lambda x, _: x[..., :16], 0),
    ("channel_split: 1", IMAGE, lambda x, _: x[..., 16:], 0),
    ("channel_split: {part: 1, parts: 4}", IMAGE, lambda x, _: x[..., 8:16], 0),
    ("pixel_shuffle", IMAGE, shuffle_pixels(2), 0),
    ("pixel_shuffle: 3", [4, 5, 18], shuffle_pixels(3), 0),
    ("blur_pool", IMAGE, blur([1, 2, 1]), 0),
    ("blur_pool: 2", IMAGE, blur([1, 1]), 0),
    ("blur_pool: {kernel_size: 4, strides: 3}", IMAGE, blur([1, 3, 3, 1], 3), 0),
    ("blur_pool: {kernel_size: 5, strides: 1}", IMAGE, blur([1, 4, 6, 4, 1], 1), 0),
    ("class_token", SEQUENCE, class_token, 16),
    ("position_embedding", SEQUENCE, position_embedding, 7 * 16),
    ("global_context", IMAGE, global_context, 32 + 1 + 32 * 2 + 2 + 2 * 2 + 2 * 32 + 32),
    ("global_context: 8", IMAGE, global_context, 32 + 1 + 32 * 8 + 8 + 2 * 8 + 8 * 32 + 32),
    ("spatial_pyramid_pooling", [13, 17, 3], pool_pyramid([6, 3, 2, 1]), 0),
    ("spatial_pyramid_pooling: [1, 4]", IMAGE, pool_pyramid([1, 4]), 0),
    ("conv_bn_act: 6", IMAGE, conv_bn_act(relu), 3 * 3 * 32 * 6 + 4 * 6),
    (
        "conv_bn_act: {filters: 6, strides: 2, activation: linear}",
        IMAGE,
        conv_bn_act(lambda x: x, strides=2),
        3 * 3 * 32 * 6 + 4 * 6,
    ),
    (
        "conv_bn_act: {filters: 6, kernel_size: 5, dilation_rate: 2, activation: silu}",
        IMAGE,
        conv_bn_act(silu, dilation=2),
        5 * 5 * 32 * 6 + 4 * 6,
    ),
    (
        "conv_bn_act: {filters: 6, groups: 2}",
        IMAGE,
        conv_bn_act(relu, groups=2),
        3 * 3 * 16 * 6 + 4 * 6,
    ),
    ("conv_bn_relu: 6", IMAGE, conv_bn_relu, 3 * 3 * 32 * 6 + 6 + 4 * 6),
    (
        "inverted_residual: 32",
        IMAGE,
        inverted_residual(),
        32 * 192 + 4 * 192 + 9 * 192 + 4 * 192 + 192 * 32 + 4 * 32,
    ),
    (
        "inverted_residual: {filters: 32, strides: 2, kernel_size: 5}",
        IMAGE,
        inverted_residual(strides=2, shortcut=False),
        32 * 192 + 4 * 192 + 25 * 192 + 4 * 192 + 192 * 32 + 4 * 32,
    ),
    (
        "inverted_residual: {filters: 24, expansion: 1}",
        IMAGE,
        inverted_residual(expanded=False, shortcut=False),
        9 * 32 + 4 * 32 + 32 * 24 + 4 * 24,
    ),
    (
        "inverted_residual: {filters: 32, expansion: 4, squeeze: 8, activation: silu}",
        IMAGE,
        inverted_residual(squeezed=True, activation=silu),
        (32 * 128 + 4 * 128 + 9 * 128 + 4 * 128 + 128 * 32 + 4 * 32)
        + (128 * 8 + 8 + 8 * 128 + 128),
    ),
    (
        "transformer_encoder",
        SEQUENCE,
        transformer_encoder(norm_first=False),
        4 * (16 * 16 + 16) + 2 * 2 * 16 + 16 * 64 + 64 + 64 * 16 + 16,
    ),
    (
        "transformer_encoder: {num_heads: 2, units: 24, norm_first: true}",
        SEQUENCE,
        transformer_encoder(norm_first=True),
        4 * (16 * 16 + 16) + 2 * 2 * 16 + 16 * 24 + 24 + 24 * 16 + 16,
    ),
]


def build(text: str) -> tuple[Any, Weights]:
    """Build a network, give it random weights, none of them 0, and return both."""
    model = archspec.to_keras(archspec.loads(text), seed=1)
    weights: Weights = {}
    for layer in model.layers:
        held = [RANDOM.normal(0, 0.5, each.shape).astype("float32") for each in layer.weights]
        if "batch_normalization" in layer.name:
            held[3] = np.abs(held[3]) + 0.5  # the variance
        layer.set_weights(held)
        weights[layer.name] = held
    return model, weights


def sample(shape: list[int], count: int = 3) -> Array:
    return RANDOM.normal(0, 1, (count, *shape)).astype("float32")


@pytest.mark.keras
@pytest.mark.parametrize(
    ("call", "shape", "definition", "count"), CASES, ids=[str(case[:2]) for case in CASES]
)
def test_a_block_computes_its_definition(
    call: str, shape: list[int], definition: Definition, count: int
) -> None:
    model, weights = build(spec(call, shape))
    x = sample(shape)
    expected = definition(x.astype("float64"), weights)
    found = np.asarray(model.predict(x, verbose=0))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)
    assert archspec.loads(spec(call, shape)).total_params == model.count_params() == count


@pytest.mark.keras
@pytest.mark.parametrize("shape", [IMAGE, SEQUENCE, [5]], ids=str)
def test_stochastic_depth_drops_whole_samples(shape: list[int]) -> None:
    model = archspec.to_keras(archspec.loads(spec("stochastic_depth: 0.25", shape)), seed=1)
    assert model.count_params() == 0
    x = sample(shape, 64)
    np.testing.assert_array_equal(np.asarray(model.predict(x, verbose=0)), x)
    import keras

    found = keras.ops.convert_to_numpy(model(x, training=True))
    dropped = np.array([not each.any() for each in found])
    assert 0 < dropped.sum() < 64
    np.testing.assert_allclose(found[~dropped], x[~dropped] / 0.75, rtol=1e-6)


@pytest.mark.keras
@pytest.mark.parametrize("block", ["class_token", "position_embedding"])
def test_a_learnt_vector_is_trained_as_a_weight_is(block: str) -> None:
    """By a step of gradient descent on the mean of the squares of the output."""
    import keras

    model, weights = build(spec(block, SEQUENCE))
    (kernel,) = next(value for value in weights.values() if value)
    x = sample(SEQUENCE)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, np.zeros(model.compute_output_shape(x.shape), "float32"))
    count = SEQUENCE[1] * model.output_shape[1]
    values = kernel if block == "class_token" else x.mean(0) + kernel
    (found,) = (each for each in model.get_weights())
    np.testing.assert_allclose(found, kernel - 2 * values / count, rtol=1e-4, atol=1e-6)


@pytest.mark.keras
@pytest.mark.parametrize(
    ("block", "changed"), [("layer_scale: 0.1", 0.1), ("global_context", 1), ("class_token", 1)]
)
def test_what_a_block_does_before_training(block: str, changed: float) -> None:
    shape = SEQUENCE if block == "class_token" else IMAGE
    model = archspec.to_keras(archspec.loads(spec(block, shape)), seed=1)
    x = sample(shape)
    found = np.asarray(model.predict(x, verbose=0))
    if block == "class_token":
        assert not found[:, 0].any()
        found = found[:, 1:]
    np.testing.assert_allclose(found, x * np.float32(changed), rtol=1e-6)


# --- their files and their page ------------------------------------------------------------------

FILES = sorted((ROOT / "specs" / "blocks").glob("*.yaml"), key=lambda path: path.stem)
PAGE = (ROOT / "docs" / "blocks.md").read_text(encoding="utf-8")


def written(value: object) -> str:
    text = str(value).replace("'", "")
    return text.lower() if isinstance(value, bool) else text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_one_block_with_its_source(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    source = re.match(r"# Source: (?:.*\n# )?.*\b20\d\d,(?: |\n# )arXiv (\d{4}\.\d{4,5})", text)
    assert source, "the first line is its source: `# Source: NAMES, TITLE, YEAR, arXiv NUMBER`"
    assert list(read["blocks"]) == [path.stem]
    assert read["description"].endswith(".")
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| [`{path.stem}`]"))
    assert f"https://arxiv.org/abs/{source[1]}" in row
    params = read["blocks"][path.stem].get("params", {})
    said = [
        name if value is None else f"{name}: {written(value)}" for name, value in params.items()
    ]
    assert re.findall(r"`([^`]+)`", row.split(" | ")[2]) == said


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_imports_the_block_by_its_name(path: Path) -> None:
    section = re.search(rf"^## {path.stem}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert section
    (example,) = re.findall(r"^```yaml\n(.*?)^```", section[1], re.M | re.S)
    assert len(example.splitlines()) <= 6
    graph = archspec.loads(example)
    assert not graph.warnings
    assert any(path.stem in str(node.name) for node in graph)
