"""The fingerprint: the same for every way of writing one network, another for any other network."""

import random
import re
from pathlib import Path

import pytest
import yaml
from shipped import SPECS, most_slow, network
from texts import INPUT, PAIR, net, table, text

import archspec
from archspec.backends.spec_yaml import to_spec
from archspec.graph import Graph
from archspec.syntax.writer import write_yaml

# What a fingerprint stands for is what it stands for in a year: a change here breaks every
# fingerprint that somebody has noted down, and wants a new version of the language.
STORED = {
    "lenet5": "2a2bd5cc7fe67724",
    "resnet18": "56c85384130ad981",
    "googlenet": "8bc48ddf724239b4",
}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_fingerprint_holds(name: str) -> None:
    assert network(name).fingerprint == STORED[name]


def flat(graph: Graph) -> Graph:
    return archspec.loads(write_yaml(to_spec(graph)))


@pytest.mark.parametrize("name", most_slow(SPECS))
@pytest.mark.thorough
def test_a_flat_spec_is_the_same_network(name: str) -> None:
    graph = network(name)
    again = flat(graph)
    assert again.fingerprint == graph.fingerprint
    assert (again.total_params, again.trainable_params) == (
        graph.total_params,
        graph.trainable_params,
    )
    assert again.macs == graph.macs
    assert [node.name for node in again] == [node.name.replace(".", "-") for node in graph]


EVERYTHING = """
archspec: 1
inputs: {image: [8, 8, 4], ids: {shape: [5], dtype: int32}}
defaults: {Conv2D: {padding: same}}
blocks:
  tower:
    layers:
      - Conv2D: {filters: 4, kernel_size: [3, 1], kernel_initializer: he_normal}
      - Dropout: 0.5
        call: {training: true}
      - GlobalAveragePooling2D
outputs: [second, last]
layers:
  - {tower: {}, from: image, name: first}
  - {reuse: first, from: image, name: second}
  - {Embedding: {input_dim: 9, output_dim: 4}, from: ids, name: words}
  - Dense: {units: 4, kernel_regularizer: {L1L2: {l1: 0.1}}}
  - {MultiHeadAttention: {num_heads: 2, key_dim: 2}, from: {value: previous, query: words}}
  - {ZeroPadding1D: 1}
  - {ZeroPadding1D: [0, 1]}
  - {GlobalMaxPooling1D: {}, name: pooled}
  - branches: {1x1: [{from: first}], no: [{Dense: 4, from: pooled}]}
    merge: Add
  - {Reshape: [2, 2, 1]}
  - {ZeroPadding2D: [[1, 0], [0, 2]]}
  - {Softmax: {axis: [1, 2]}, name: last}
"""


def test_a_flat_spec_keeps_inputs_calls_sharing_lists_and_odd_names() -> None:
    graph = archspec.loads(EVERYTHING)
    again = flat(graph)
    assert again.fingerprint == graph.fingerprint
    assert again.inputs == graph.inputs
    assert again.outputs == ("second-global_average_pooling2d", "last")
    assert archspec.loads(yaml.safe_dump(to_spec(graph))).fingerprint == graph.fingerprint
    assert [dict(node.arguments) for node in again] == [dict(node.arguments) for node in graph]


# --- the same ------------------------------------------------------------------------------------

PLAIN = "- Conv2D: {filters: 8, kernel_size: 3}\n- ReLU\n- GlobalAveragePooling2D\n- Dense: 10"


@table(
    "layers, top",
    {
        "comments": (PLAIN.replace("\n", "   # a comment\n"), INPUT + "   # and here"),
        "a description, a name, a recipe, a contract": (
            PLAIN,
            INPUT + "\ndescription: x\nname: other\ntrain: {epochs: 3}\nrequire: {params: <= 1M}",
        ),
        "the order of keys": (
            PLAIN.replace("filters: 8, kernel_size: 3", "kernel_size: 3, filters: 8"),
            INPUT,
        ),
        "a size for each axis": (PLAIN.replace("3}", "[3, 3]}"), INPUT),
        "a size that is a whole number": (PLAIN.replace("3}", "3.0}"), INPUT),
        "spelled-out defaults": (
            PLAIN.replace(
                "3}", "3, strides: 1, padding: valid, use_bias: true, dilation_rate: [1, 1]}"
            ),
            INPUT,
        ),
        "a default of an object": (
            PLAIN.replace("3}", "3, kernel_initializer: glorot_uniform}"),
            INPUT,
        ),
        "null where null is the default": (
            PLAIN.replace("3}", "3, kernel_regularizer: null}"),
            INPUT,
        ),
        "defaults of the file": (
            PLAIN.replace(", kernel_size: 3", ""),
            INPUT + "\ndefaults: {Conv2D: {kernel_size: 3}}",
        ),
        "params and formulas": (PLAIN.replace("8", "=width * 2"), INPUT + "\nparams: {width: 4}"),
        "names": (PLAIN + "\n  name: head", INPUT),
        "groups": (
            "- name: g\n  layers: [{Conv2D: {filters: 8, kernel_size: 3}}, ReLU]\n"
            "- layers: [GlobalAveragePooling2D, {Dense: 10}]",
            INPUT,
        ),
        "blocks": (
            "- unit: 8\n- GlobalAveragePooling2D\n- Dense: 10",
            INPUT + "\nblocks:\n  unit:\n    params: {n: 1}\n"
            "    layers: [{Conv2D: {filters: =n, kernel_size: 3}}, ReLU]",
        ),
        "blocks that nobody calls": (PLAIN, INPUT + "\nblocks: {b: {layers: [ReLU]}}"),
        "a step under a false when": (
            PLAIN.replace("- ReLU", "- ReLU\n- {ReLU: {}, when: false}"),
            INPUT,
        ),
        "a loop of one turn": (PLAIN.replace("- ReLU", "- {ReLU: {}, repeat: 1}"), INPUT),
        "a from that says what is so": (PLAIN + "\n  from: global_average_pooling2d", INPUT),
        "a shape and its dtype": (PLAIN, "input: {shape: [8, 8, 4], dtype: float32}"),
        "an input with a name": (PLAIN, "inputs: {image: [8, 8, 4]}"),
        "the last step as the output": (PLAIN, INPUT + "\noutputs: [dense]"),
        "another order of independent keys at the top": (PLAIN, "params: {}\n" + INPUT),
    },
)
def test_the_same_network(layers: str, top: str) -> None:
    assert net(layers, top).fingerprint == net(PLAIN).fingerprint


def same(*written: str, top: str = INPUT) -> bool:
    return len({net(each, top).fingerprint for each in written}) == 1


@table(
    "one, other",
    {
        "loops or unrolled": (
            "- {for: {n: [1, 2, 3]}, Dense: =n}",
            "- Dense: 1\n- Dense: 2\n- Dense: 3",
        ),
        "repeat or unrolled": ("- {repeat: 2, Dense: 4}", "- Dense: 4\n- Dense: 4"),
        "he_normal or HeNormal": (
            "- Dense: {units: 1, kernel_initializer: he_normal}",
            "- Dense: {units: 1, kernel_initializer: HeNormal}",
        ),
        "HeNormal without arguments": (
            "- Dense: {units: 1, kernel_initializer: HeNormal}",
            "- Dense: {units: 1, kernel_initializer: {HeNormal: {}}}",
        ),
        "HeNormal with its default": (
            "- Dense: {units: 1, kernel_initializer: HeNormal}",
            "- Dense: {units: 1, kernel_initializer: {HeNormal: {seed: null}}}",
        ),
        "a regularizer with its default": (
            "- Dense: {units: 1, kernel_regularizer: L2}",
            "- Dense: {units: 1, kernel_regularizer: {L2: {l2: 0.01}}}",
        ),
        "a regularizer with the value of its first argument": (
            "- Dense: {units: 1, kernel_regularizer: {L2: 0.5}}",
            "- Dense: {units: 1, kernel_regularizer: {L2: {l2: 0.5}}}",
        ),
        "a number that is whole": ("- {ReLU: {max_value: 6}}", "- {ReLU: {max_value: 6.0}}"),
        "branches or from": (
            "- branches: {a: [ReLU], b: []}\n  merge: Add",
            "- {ReLU: {}, name: r}\n- {Add: {}, from: [r, input]}",
        ),
        "a list of branches or a mapping": (
            "- branches: {a: [ReLU], b: []}\n  merge: Add",
            "- branches: [[ReLU], []]\n  merge: Add",
        ),
        "the order in which independent steps are written": (
            "- {ReLU: {}, name: r}\n- {Softmax: {}, from: input, name: s}\n"
            "- {Add: {}, from: [r, s]}",
            "- {Softmax: {}, name: s}\n- {ReLU: {}, from: input, name: r}\n"
            "- {Add: {}, from: [r, s]}",
        ),
        "which call of a shared layer is written first": (
            "- {Dense: 4, name: d}\n- {ReLU: {}, from: input}\n- {reuse: d, name: e}\n"
            "- {Concatenate: {}, from: [d, e]}",
            "- {ReLU: {}}\n- {Dense: 4, name: e}\n- {reuse: e, name: d, from: input}\n"
            "- {Concatenate: {}, from: [d, e]}",
        ),
        "the order of inputs by name": (
            "- Reshape: [64, 4]\n- {Dense: 4, name: k}\n"
            "- {MultiHeadAttention: {num_heads: 1, key_dim: 2}, from: {query: reshape, value: k}}",
            "- Reshape: [64, 4]\n- {Dense: 4, name: k}\n"
            "- {MultiHeadAttention: {num_heads: 1, key_dim: 2}, from: {value: k, query: reshape}}",
        ),
        "a block that is empty": ("- ReLU\n- hook", "- ReLU"),
        "a merge of one branch": ("- branches: [[ReLU]]\n  merge: Add", "- ReLU"),
        "a padding for all sides": ("- ZeroPadding2D: 1", "- ZeroPadding2D: [[1, 1], [1, 1]]"),
    },
)
def test_two_ways_of_writing_one_network(one: str, other: str) -> None:
    assert same(one, other, top=INPUT + "\nblocks: {hook: {layers: []}}")


# --- another -------------------------------------------------------------------------------------


@table(
    "one, other",
    {
        "an argument": ("- Dense: 4", "- Dense: 5"),
        "a layer": ("- ReLU", "- Softmax"),
        "one layer more": ("- ReLU", "- ReLU\n- ReLU"),
        "an activation in a layer or after it": (
            "- Dense: {units: 4, activation: relu}",
            "- Dense: 4\n- Activation: relu",
        ),
        "an initializer": ("- Dense: 4", "- Dense: {units: 4, kernel_initializer: he_normal}"),
        "an argument of an initializer": (
            "- Dense: {units: 4, kernel_initializer: {HeNormal: {seed: 1}}}",
            "- Dense: {units: 4, kernel_initializer: {HeNormal: {seed: 2}}}",
        ),
        "trainable": ("- Dense: 4", "- Dense: {units: 4, trainable: false}"),
        "dtype": ("- Dense: 4", "- Dense: {units: 4, dtype: float16}"),
        "wiring": (
            "- {ReLU: {}, name: r}\n- {Softmax: {}, name: s}\n- {Add: {}, from: [s, r]}",
            "- {ReLU: {}, name: r}\n- {Softmax: {}, name: s}\n- {Add: {}, from: [s, input]}\n"
            "- {Add: {}, from: [previous, r]}",
        ),
        "where a step takes its value": (
            "- {Dense: 4, name: a}\n- Dense: 4\n- {Add: {}, from: [previous, a]}",
            "- {Dense: 4, name: a}\n- Dense: 4\n- {Add: {}, from: [previous, input]}",
        ),
        "the order of what is merged": (
            "- {ReLU: {}, name: r}\n- {Concatenate: {}, from: [r, input]}",
            "- {ReLU: {}, name: r}\n- {Concatenate: {}, from: [input, r]}",
        ),
        "sharing": (
            "- {Dense: 4, name: d}\n- {reuse: d}",
            "- {Dense: 4, name: d}\n- {Dense: 4}",
        ),
        "what is shared": (
            "- {Dense: 4, name: a}\n- {Dense: 4, name: b}\n- {reuse: a}",
            "- {Dense: 4, name: a}\n- {Dense: 4, name: b}\n- {reuse: b}",
        ),
        "a call argument": ("- Dropout: 0.5", "- {Dropout: 0.5, call: {training: true}}"),
        "which input is the query": (
            "- Reshape: [64, 4]\n- {Dense: 4, name: k}\n"
            "- {MultiHeadAttention: {num_heads: 1, key_dim: 2}, from: {query: reshape, value: k}}",
            "- Reshape: [64, 4]\n- {Dense: 4, name: k}\n"
            "- {MultiHeadAttention: {num_heads: 1, key_dim: 2}, from: {query: k, value: reshape}}",
        ),
    },
)
def test_another_network(one: str, other: str) -> None:
    assert not same(one, other)


@table(
    "one, other",
    {
        "the input's shape": ("input: [4]", "input: [5]"),
        "an unknown axis": ("input: [4, 4]", "input: [null, 4]"),
        "the input's dtype": ("input: [4]", "input: {shape: [4], dtype: float16}"),
    },
)
def test_another_input(one: str, other: str) -> None:
    assert net("- ReLU", one).fingerprint != net("- ReLU", other).fingerprint


def test_the_order_of_outputs_counts_and_that_of_inputs_is_an_order_of_keys() -> None:
    layers = "- {Dense: 1, from: a, name: x}\n- {Dense: 2, from: b, name: y}"
    first = net(layers, PAIR + "\noutputs: [x, y]").fingerprint
    assert net(layers, PAIR + "\noutputs: [y, x]").fingerprint != first
    assert net(layers, "inputs: {b: [6], a: [6]}\noutputs: [x, y]").fingerprint == first
    assert net(layers, "inputs: {b: [6], a: [7]}\noutputs: [x, y]").fingerprint != first


def test_an_output_more_counts() -> None:
    layers = "- {Dense: 1, name: x}\n- {Dense: 2, name: y}"
    assert net(layers, INPUT + "\noutputs: [x, y]").fingerprint != net(layers).fingerprint


def test_it_is_16_hex_digits() -> None:
    assert re.fullmatch("[0-9a-f]{16}", net("- Dense: 4").fingerprint)


def test_every_argument_of_a_network_counts() -> None:
    """Change one value anywhere in a written-out network: the fingerprint is another."""
    graph = archspec.load("lenet5")
    spec = to_spec(graph)
    before = graph.fingerprint
    chosen = random.Random(0)
    for step in spec["layers"]:
        for op, arguments in step.items():
            if op in ("name", "from") or not isinstance(arguments, dict):
                continue
            key = chosen.choice(sorted(arguments))
            kept = arguments[key]
            arguments[key] = changed(kept)
            assert archspec.loads(yaml.safe_dump(spec)).fingerprint != before, (op, key)
            arguments[key] = kept
    assert archspec.loads(yaml.safe_dump(spec)).fingerprint == before


def changed(value: object) -> object:
    if isinstance(value, list):
        return [changed(value[0]), *value[1:]]
    if isinstance(value, int):
        return value - 1 if value > 1 else value + 1
    return {"sigmoid": "relu", "softmax": "sigmoid", "valid": "same", "same": "valid"}[str(value)]


def test_a_text_loads_as_the_same_network_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text(PLAIN), encoding="utf-8")
    assert archspec.load(path).fingerprint == net(PLAIN).fingerprint


@pytest.mark.parametrize("name", ["1e5", "0o17", "012", "no"])
def test_a_name_that_looks_like_a_number_survives(name: str) -> None:
    graph = archspec.loads(f"archspec: 1\ninput: [4]\nlayers:\n  - Dense: 4\n    name: '{name}'\n")
    assert [node.name for node in flat(graph)] == ["input", name]


@pytest.mark.parametrize("spelled", ["2", "{pool_size: 2, strides: 2}", "{strides: [2, 2]}"])
def test_a_stride_spelled_out_that_is_the_window_is_the_default(spelled: str) -> None:
    bare = net("- MaxPooling2D")
    assert net(f"- MaxPooling2D: {spelled}").fingerprint == bare.fingerprint
    assert net("- MaxPooling2D: {strides: 1}").fingerprint != bare.fingerprint


# --- axes ----------------------------------------------------------------------------------------

AXES = """
- BatchNormalization: {axis: CHANNELS}
- LayerNormalization: {axis: [WIDTH, CHANNELS]}
- Concatenate: {axis: WIDTH}
  from: [previous, previous]
- Softmax: {axis: CHANNELS}
"""


def test_an_axis_is_the_same_counted_from_either_end() -> None:
    first = net(AXES.replace("WIDTH", "2").replace("CHANNELS", "3"))
    last = net(AXES.replace("WIDTH", "-2").replace("CHANNELS", "-1"))
    other = net(AXES.replace("WIDTH", "-3").replace("CHANNELS", "-1"))
    assert first.fingerprint == last.fingerprint != other.fingerprint
    assert first.older_fingerprint != last.older_fingerprint == last.fingerprint
