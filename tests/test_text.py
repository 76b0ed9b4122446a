"""A table's numbers are right, add up, and stay exact in JSON."""

import json

import pytest
from shipped import SPECS, most_slow, network

import archspec
from archspec import notation
from archspec.analysis.fields import Field, find_fields, find_largest_field
from archspec.analysis.measures import LAYER_MEASURES, MEASURES, measure_depth
from archspec.analysis.memory import estimate_peak_memory
from archspec.analysis.summary import find_fitting_depth, summarize
from archspec.backends.tables import to_text
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.objects.optimizers import TABLE


def layers(text: str, size: str = "[64, 64, 3]") -> Graph:
    return archspec.loads(f"archspec: 1\nname: net\ninput: {size}\nlayers:\n{text}")


# --- what rows take ------------------------------------------------------------------------------


def test_a_row_names_what_it_takes_where_that_is_not_the_row_above() -> None:
    graph = layers(
        """
  - {Conv2D: {filters: 4, kernel_size: 1}, name: stem}
  - name: unit
    layers:
      - branches:
          main: [Conv2D: {filters: 4, kernel_size: 1}, ReLU]
          side: [Softmax]
        merge: Add
      - ReLU
"""
    )
    rows = to_text([graph], inputs=True).split("\n\n")[1].splitlines()
    taken = [row[rows[0].index("inputs") :].rstrip() for row in rows[2:9]]
    assert taken == ["", "", "", "", "stem", "main.re_lu, side.softmax", ""]
    folded = to_text([graph], depth=1, inputs=True)
    assert "main" not in folded
    assert "stem" not in folded.partition("unit")[2]


# --- receptive field -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "node", "size", "stride"),
    [
        # lenet5: 5; 5 + (2 - 1) 1 = 6; 6 + (5 - 1) 2 = 14; 14 + (2 - 1) 2 = 16
        ("lenet5", "conv2d_1", 14, 2),
        ("lenet5", "max_pooling2d_1", 16, 4),
        # Araujo et al., Computing Receptive Fields of Convolutional Neural Networks, 2019, table 1
        ("alexnet", "max_pooling2d_2", 195, 32),
        ("vgg16_imagenet", "stage4.conv2", 196, 16),
        ("vgg16_imagenet", "stage4.max_pooling2d", 212, 32),
        ("resnet50_imagenet", "stage3.unit2.add", 483, 32),
        ("resnet101_imagenet", "stage3.unit2.add", 1027, 32),
        ("resnet152_imagenet", "stage3.unit2.add", 1507, 32),
        ("inception_v3", "mixed7c.concatenate", 1311, 32),
    ],
)
def test_the_receptive_field_is_that_of_the_literature(spec, node, size, stride):
    assert find_fields(network(spec))[node] == Field((size, size), (stride, stride))


def test_the_field_is_the_largest_of_all_paths_on_each_axis():
    graph = layers(
        """
  - branches:
      - [Conv2D: {filters: 4, kernel_size: [1, 7], padding: same}]
      - [Conv2D: {filters: 4, kernel_size: 3, padding: same, dilation_rate: 2}]
      - []
    merge: Concatenate
"""
    )
    assert find_fields(graph)["concatenate"] == Field((5, 7), (1, 1))


def test_upsampling_halves_the_stride_and_sizes_are_whole():
    graph = layers(
        """
  - MaxPooling2D
  - UpSampling2D: 4
  - Conv2D: {filters: 4, kernel_size: 2}
"""
    )
    seen = find_fields(graph)
    assert seen["up_sampling2d"] == Field((2, 2), (0.5, 0.5))
    # the two rows of the kernel lie at most on two pooled rows, which are 2 + 2 rows of the input,
    # and 2 + 1/2 is what the arithmetic of strides gives
    assert seen["conv2d"] == Field((3, 3), (0.5, 0.5))


def test_what_sees_everything_has_no_field_and_neither_has_what_follows():
    seen = find_fields(network("lenet5"))
    assert seen["flatten"] is None
    assert seen["head"] is None
    assert find_largest_field(network("lenet5")) == (16, 16)
    assert find_largest_field(layers("  - Dense: 3\n", "[8]")) is None


CONV = "  - Conv2D: {filters: 4, kernel_size: 3, padding: same}\n"
MOVED = {
    "channels are shuffled": ("[64, 64, 2, 2]", "[1, 2, 4, 3]", "[64, 64, 4]", (5, 5)),
    "rows and columns change places": ("[64, 64, 4]", "[2, 1, 3]", "[64, 64, 4]", (5, 5)),
    "columns become channels": ("[64, 64, 4]", "[1, 3, 2]", "[64, 64, 4]", None),
    "rows are cut": ("[128, 32, 4]", "[1, 2, 3]", "[64, 64, 4]", None),
}


@pytest.mark.parametrize("what", MOVED)
def test_axes_are_followed_as_long_as_places_stay_apart(what: str) -> None:
    first, order, second, size = MOVED[what]
    moves = f"  - Reshape: {first}\n  - Permute: {order}\n  - Reshape: {second}\n"
    seen = find_fields(layers(CONV + moves + CONV))["conv2d_1"]
    assert (seen and seen.size) == size


def test_each_axis_keeps_its_own_field_when_axes_change_places() -> None:
    conv = "  - Conv2D: {filters: 4, kernel_size: [1, 5], padding: same}\n"
    seen = find_fields(layers(f"{conv}  - Permute: [2, 1, 3]\n{conv}"))
    assert (seen["permute"].size, seen["conv2d_1"].size) == ((5, 1), (5, 5))


GATE = """
  - branches:
      features: []
      gate:
        - GlobalAveragePooling2D: {keepdims: true}
        - Conv2D: {filters: 4, kernel_size: 1}
        - Conv2D: {filters: 4, kernel_size: 1}
    merge: MERGE
"""


def test_gates_are_left_out_of_field_and_depth() -> None:
    def measure(middle: str) -> tuple[object, int]:
        graph = layers(CONV + middle + CONV)
        return find_largest_field(graph), measure_depth(graph)

    assert measure("") == ((5, 5), 2)
    assert measure(GATE.replace("MERGE", "Multiply")) == ((5, 5), 2)
    assert measure("  - GroupNormalization: {groups: 2}\n") == ((5, 5), 2)
    assert measure(GATE.replace("MERGE", "Add")) == ((3, 3), 4)  # no gate: it adds what it saw
    assert "gates            1, which" in to_text(
        [layers(CONV + GATE.replace("MERGE", "Multiply"))]
    )
    assert "gates" not in to_text([layers(CONV)])


def test_depth_counts_kernels_on_the_longest_path():
    names = {"lenet5": 5, "alexnet": 8, "vgg16": 16, "inception10": 10, "resnet18": 18}
    names |= {"googlenet": 22, "inception_v3": 48, "resnet50v2": 50, "se_resnet50": 50}
    assert {name: measure_depth(network(name)) for name in names} == names


# --- memory --------------------------------------------------------------------------------------

BLOCK = """
  - Conv2D: {filters: 8, kernel_size: 3, padding: same, use_bias: false}
  - BatchNormalization
  - ReLU
  - Flatten
  - Dense: 10
"""


def test_peak_memory_is_what_a_hand_counts():
    memory = estimate_peak_memory(layers(BLOCK), batch_size=2)
    kernels, norms, head = 3 * 3 * 3 * 8, 4 * 8, 64 * 64 * 8 * 10 + 10
    trained = kernels + norms // 2 + head
    assert memory.weights == 4 * (kernels + norms + head)
    assert memory.gradients == 4 * trained
    assert memory.optimizer_state == 2 * 4 * trained
    # normalisation keeps its input, ReLU its output, which Flatten lends to Dense
    assert memory.activations == 2 * 4 * 2 * (64 * 64 * 8)
    assert memory.inputs == 2 * 4 * (64 * 64 * 3)
    parts = [memory.weights, memory.gradients, memory.optimizer_state, memory.activations]
    assert memory.backward == 2 * 2 * 4 * (64 * 64 * 8)
    assert memory.total == sum(parts) + memory.backward + memory.inputs


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        *((f"{name}: 0.1", 1) for name in ("Dropout", "SpatialDropout2D", "AlphaDropout")),
        *((f"{name}: 0.1", 1) for name in ("GaussianDropout", "GaussianNoise")),
        *((name, 1) for name in ("Identity", "ReLU", "ELU", "Softmax", "Masking")),
        *((f"Activation: {name}", 1) for name in ("relu", "tanh")),
        *((f"Activation: {name}", 2) for name in ("leaky_relu", "silu", "log_sigmoid")),
        *((name, 2) for name in ("LeakyReLU", "PReLU", "BatchNormalization")),
        ("Activation: linear", 1),
        ("Activation: gelu", 4),
        ("Activation: mish", 3),
        *((name, 3) for name in ("LayerNormalization", "RMSNormalization")),
        ("MaxPooling2D: {pool_size: 3, strides: 1, padding: same}", 2),
        ("SeparableConv2D: {filters: 8, kernel_size: 3, padding: same}", 3),
        ("Dense: {units: 8, activation: gelu}", 5),
        ("Dense: {units: 8, activation: relu}", 2),
        ("Normalization: {mean: 1, variance: 2}", 1),
        ("Rescaling: 2", 1),
        ("AdaptiveAveragePooling2D: 64", 1),
        ("AdaptiveMaxPooling2D: 64", 2),
        ("Resizing: {height: 64, width: 64}", 1),
    ],
)
def test_a_layer_keeps_what_its_gradient_reads(step, kept):
    """Between two convolutions: the second keeps its input, and the layer perhaps its own."""
    conv = "  - Conv2D: {filters: 8, kernel_size: 3, padding: same}\n"
    memory = estimate_peak_memory(layers(f"{conv}  - {step}\n{conv}"), batch_size=1)
    assert memory.activations == kept * 4 * (64 * 64 * 8)


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        # the input, the last layer's too; query, key, value and what the heads give; the scores
        ("MultiHeadAttention: {num_heads: 4, key_dim: 3}", 2 * 80 + 4 * 120 + 4 * 10 * 10),
        ("MultiHeadAttention: {num_heads: 4, key_dim: 3, dropout: 0.5}", 640 + 2 * 4 * 10 * 10),
        (
            "GroupQueryAttention: {head_dim: 3, num_query_heads: 4, num_key_value_heads: 2}",
            2 * 80 + 4 * 120 + 4 * 10 * 10,
        ),
    ],
)
def test_attention_keeps_its_scores(step, kept):
    steps = (
        f"  - Dense: 8\n  - {step}\n    from: {{query: previous, value: previous}}\n  - Dense: 2\n"
    )
    memory = estimate_peak_memory(layers(steps, "[10, 8]"), batch_size=1)
    assert memory.activations == 4 * kept


def test_half_precision_halves_activations_and_adds_a_copy_of_the_weights():
    full, mixed = (
        estimate_peak_memory(layers(BLOCK), 4, precision)
        for precision in ("float32", "mixed_float16")
    )
    assert mixed.activations * 2 == full.activations
    assert mixed.weights * 2 == full.weights * 3
    assert mixed.optimizer_state == full.optimizer_state
    with pytest.raises(UserError, match="no precision 'float8'"):
        estimate_peak_memory(layers(BLOCK), 4, "float8")


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        ("SGD", 0),
        ({"SGD": {"momentum": 0.9}}, 1),
        ("adam", 2),
        ({"Adam": {"amsgrad": True, "use_ema": True}}, 4),
        ({"RMSprop": {"centered": True, "momentum": 0.9}}, 3),
        ("Muon", 1),
    ],
)
def test_an_optimizer_keeps_its_slots(optimizer, slots):
    memory = estimate_peak_memory(layers(BLOCK), optimizer=optimizer)
    assert memory.slots == slots
    assert memory.optimizer_state == slots * memory.gradients


@pytest.mark.keras
@pytest.mark.parametrize("name", TABLE)
def test_keras_makes_that_many_slots(name):
    import keras

    kernel = keras.Variable(keras.random.normal((64, 48)))
    optimizer = getattr(keras.optimizers, name)()
    optimizer.build([kernel])
    slots = [each for each in optimizer.variables if tuple(each.shape) == tuple(kernel.shape)]
    assert len(slots) == TABLE[name].slots


def test_what_is_frozen_needs_no_gradients_and_keeps_nothing_behind_it():
    frozen = BLOCK.replace("use_bias: false", "use_bias: false, trainable: false")
    frozen = frozen.replace("- BatchNormalization", "- BatchNormalization: {trainable: false}")
    memory = estimate_peak_memory(layers(frozen), batch_size=2)
    assert memory.gradients == 4 * (64 * 64 * 8 * 10 + 10)
    assert memory.activations == 2 * 4 * (64 * 64 * 8)  # the input of Dense


def test_an_unknown_axis_leaves_activations_unknown_and_not_zero():
    graph = layers("  - Conv2D: {filters: 4, kernel_size: 3}\n  - ReLU\n", "[null, null, 3]")
    memory = estimate_peak_memory(graph)
    assert memory.activations is memory.total is None
    assert memory.weights == 4 * (3 * 3 * 3 * 4 + 4)
    assert "?" in to_text([graph])


# --- tables --------------------------------------------------------------------------------------


def test_the_table_is_the_golden_one(golden):
    golden("text/lenet5.txt", to_text([network("lenet5")]))
    golden("text/lenet5.md", to_text([network("lenet5")], form="markdown"))
    golden("text/resnet18.txt", to_text([network("resnet18")]))
    several = [network(name) for name in ("lenet5", "inception10", "resnet18")]
    golden("text/several.txt", to_text(several))


@pytest.mark.parametrize("spec", most_slow(SPECS))
@pytest.mark.parametrize("depth", [None, 1, 2])
@pytest.mark.thorough
def test_rows_add_up_to_the_totals_at_any_depth(spec, depth):
    graph = network(spec)
    it = summarize(graph, depth)
    total = it.totals.values
    assert sum(row.layers for row in it.rows) == len(graph.nodes)
    for measure in LAYER_MEASURES:
        assert sum(row.costs[measure.name] for row in it.rows) == total[measure.name]
    assert (total["params"], total["macs"]) == (graph.total_params, graph.macs)
    assert total["trainable_params"] == graph.trainable_params


def test_a_folded_block_stands_for_its_layers():
    rows = {row.name: row for row in summarize(network("resnet18"), 1).rows}
    block = rows["stage1"]
    assert (block.op, block.layers, block.shape) == ("", 16, (None, 14, 14, 128))
    assert block.inputs == ("stage0.unit1.activation",)
    assert block.field == Field((25, 25), (2, 2))
    assert "stage1.unit0" in {row.name for row in summarize(network("resnet18"), 2).rows}


def test_a_long_table_is_folded_unless_a_depth_is_asked_for():
    assert find_fitting_depth(network("lenet5")) is None
    assert "Blocks are folded to depth 2." in to_text([network("resnet18")])
    assert "stage0.unit0.main.conv2d " in to_text([network("resnet18")], depth=4)


def test_json_is_exact_and_whole():
    graph = network("resnet18")
    data = json.loads(to_text([graph], form="json"))
    assert data["name"] == "resnet18"
    assert data["fingerprint"] == graph.fingerprint
    totals = data["totals"]
    assert totals["params"] == 11_182_410
    assert totals["trainable_params"] + totals["non_trainable_params"] == totals["params"]
    assert totals["macs"] == 455_800_832
    assert totals["receptive_field"] == [109, 109]
    assert totals["training_bytes"] == estimate_peak_memory(graph).total
    assert [row["name"] for row in data["layers"]] == [node.name for node in graph]
    stem = data["layers"][1]
    assert stem == {
        "name": "stem",
        "op": "Conv2D",
        "shape": [28, 28, 64],
        "params": 576,
        "trainable_params": 576,
        "non_trainable_params": 0,
        "macs": 451_584,
        "activation_bytes": 4 * 28 * 28 * 64,
        "receptive_field": [3, 3],
        "stride": [1, 1],
        "inputs": ["input"],
        "reuses": None,
        "layers": 1,
    }
    assert data["layers"][-1]["receptive_field"] is None
    for row, written in zip(summarize(graph).rows, data["layers"], strict=True):
        assert {name: written[name] for name in row.costs} == dict(row.costs)
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert totals.keys() == {measure.name for measure in MEASURES} | {"training_memory"}
    several = json.loads(to_text([graph, network("lenet5")], form="json"))
    assert [each["name"] for each in several] == ["resnet18", "lenet5"]


def test_a_batch_and_a_precision_can_be_asked_for():
    text = to_text([network("lenet5")], batch_size=64, precision="mixed_bfloat16")
    assert "at batch 64, mixed_bfloat16, Adam" in text
    assert "and its 16-bit copy" in text
    assert "at batch 8, float32" in to_text([network("lenet5")] * 2, batch_size=8)


def test_a_shared_layer_is_said_and_counted_once():
    graph = layers("  - Dense: 8\n    name: a\n  - Dense: 8\n    name: b\n  - reuse: b\n", "[8]")
    rows = summarize(graph).rows
    assert [row.costs["params"] for row in rows] == [0, 72, 72, 0]
    assert [row.costs["macs"] for row in rows] == [0, 64, 64, 64]
    assert "(shared: b)" in to_text([graph])


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "count", "size"),
    [
        (0, "0", "0 B"),
        (999, "999", "999 B"),
        (1000, "1.00 K", "1000 B"),
        (1023, "1.02 K", "1023 B"),
        (1024, "1.02 K", "1.00 KiB"),
        (999_499, "999 K", "976 KiB"),
        (999_500, "1.00 M", "976 KiB"),
        (11_182_410, "11.2 M", "10.7 MiB"),
        (1_820_000_000, "1.82 G", "1.70 GiB"),
        (10**18, "1000000 T", "909495 TiB"),
        (None, "?", "?"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(number, count, size):
    assert notation.write_count(number) == count
    assert notation.write_size(number) == size


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("Conv2D: {filters: 64, kernel_size: 3, strides: 2}", "conv 3×3, 64, /2"),
        ("Conv2D: {filters: 64, kernel_size: [1, 7]}", "conv 1×7, 64"),
        (
            "Conv2D: {filters: 6, kernel_size: 3, groups: 3, strides: [2, 1]}",
            "conv 3×3, 6, /2×1, 3 groups",
        ),
        ("Conv2D: {filters: 6, kernel_size: 3, dilation_rate: 2}", "conv 3×3, 6, dilation 2"),
        ("Conv2DTranspose: {filters: 6, kernel_size: 2, strides: 2}", "conv transpose 2×2, 6, ×2"),
        ("DepthwiseConv2D: {kernel_size: 3, depth_multiplier: 2}", "depthwise conv 3×3, ×2"),
        ("MaxPooling2D", "max pool 2×2, /2"),
        ("AveragePooling2D: {pool_size: 3, strides: 1}", "avg pool 3×3"),
        ("ZeroPadding2D: 3", "zero pad 3"),
        ("ZeroPadding2D: {padding: [[1, 2], [0, 0]]}", "zero pad 1,2 0,0"),
        ("UpSampling2D: 2", "upsample ×2"),
        ("Dense: 10", "dense 10"),
        ("Dropout: 0.5", "dropout 0.5"),
        ("Activation: relu", "ReLU"),
        ("ReLU: {max_value: 6}", "ReLU6"),
        ("BatchNormalization", "BN"),
        ("GlobalAveragePooling2D", "global avg pool"),
    ],
)
def test_a_layer_is_said_as_a_table_of_a_paper_does(step, said):
    node = layers(f"  - {step}\n").nodes[1]
    details = ", ".join(notation.write_details(node, titled=True))
    assert f"{notation.write_title(node)} {details}".strip() == said


# --- unknown axes --------------------------------------------------------------------------------

UNKNOWN = """
  - Conv2D: {filters: 8, kernel_size: 3}
  - GlobalMaxPooling2D
  - Dense: 2
"""


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
@pytest.mark.parametrize("depth", [None, 1])
def test_a_network_with_unknown_axes_has_a_table_of_what_is_known(form, depth):
    graph = layers(UNKNOWN, "[null, null, 3]")
    alone = to_text([graph], depth, form, batch_size=2)
    beside = to_text([graph, network("lenet5")], depth, form)
    if form == "json":
        total = json.loads(alone)["totals"]
        assert (total["params"], total["macs"], total["depth"]) == (242, None, 2)
        return
    assert "MACs" in alone
    assert "unknown" in alone
    assert "2 layers with kernels" in alone
    assert "?×?×8" in alone
    assert "92.6" in alone
    assert "242" in beside
    assert "?" in beside


def test_what_cannot_be_measured_breaks_a_contract_and_says_why():
    text = "archspec: 1\ninput: [null, null, 3]\nrequire: {macs: <= 5M, params: 242}\nlayers:"
    (warning,) = archspec.loads(text + UNKNOWN).warnings
    assert warning.message == (
        "the contract macs <= 5M cannot be checked: it is unknown, as an axis is unknown (null)"
    )
