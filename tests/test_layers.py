"""Every rule of the layer table says what Keras does: shapes, weights, arguments, refusals.

The cases of `layer_cases` run against numbers worked out by hand, without Keras, and against the
real layer. What a rule refuses, Keras refuses too, unless the case says why we go beyond it.
"""

import inspect
import re
from functools import wraps
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_cases import CASES, Case
from msgspec.structs import replace

import archspec
from archspec.arguments import REQUIRED, bind
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers import COMMON, LACKING, LAYERS, REFUSED, Layer
from archspec.objects import ACTIVATION_LAYERS, TABLES

CALLS = pytest.mark.parametrize("case", CASES, ids=str)


def inputs_of(case: Case) -> list[Shape] | dict[str, Shape]:
    """The inputs with the batch axis, as rules take them."""
    if isinstance(case.inputs, dict):
        return {name: (None, *shape) for name, shape in case.inputs.items()}
    shapes = case.inputs if isinstance(case.inputs, list) else [case.inputs]
    return [(None, *shape) for shape in shapes]


def infer(case: Case, layer: Layer | None = None) -> tuple[dict[str, Any], Facts]:
    layer = layer or LAYERS[case.layer]
    arguments = bind(case.layer, layer.arguments, case.arguments)
    return arguments, layer.facts(inputs_of(case), arguments, case.call)


# --- against the numbers -------------------------------------------------------------------------


def differences(case: Case, layer: Layer | None = None) -> list[str]:
    """How the facts of a call that must succeed differ from the case's numbers."""
    _, facts = infer(case, layer)
    found = {
        "shape": (facts.shape, (None, *case.shape)),
        "params": (sum(map(prod, facts.weights.values())), case.params),
        "macs": (facts.macs, case.macs),
    }
    if case.window != "unchecked":
        found["window"] = (facts.window, case.window)
    if case.weights is not None:
        found["weights"] = (list(facts.weights.items()), list(case.weights.items()))
    return [f"{name} is {is_}, not {want}" for name, (is_, want) in found.items() if is_ != want]


def mistakes(case: Case) -> list[str]:
    """What is otherwise than the case says."""
    if not case.refusal:
        return differences(case)
    try:
        infer(case)
    except Refused as refused:
        message, at = refused.message, refused.at
    else:
        return ["it is taken"]
    found = [] if case.refusal in message else [f"it is refused so: {message}"]
    if re.search(r"\b(tuple|dict|NoneType|int|float|str|class)\b", message):
        found.append(f"Python's words: {message}")
    known = {*LAYERS[case.layer].arguments, *case.arguments}
    if at is not None and not (isinstance(at, AtArgument) and at.name in known):
        found.append(f"it is refused at {at}")
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_the_numbers_are_those_of_the_cases(name: str) -> None:
    cases = [case for case in CASES if case.layer == name]
    assert {str(case): found for case in cases if (found := mistakes(case))} == {}


def test_a_wrong_case_is_caught() -> None:
    padded = {"filters": 2, "kernel_size": 3, "padding": "same"}
    assert mistakes(Case("Conv2D", padded, (8, 8, 1), refusal="no")) == ["it is taken"]
    (said,) = mistakes(Case("Conv2D", {**padded, "padding": "sam"}, (8, 8, 1), refusal="many"))
    assert said.startswith("it is refused so: ")


def test_a_wrong_rule_is_caught() -> None:
    conv = LAYERS["Conv2D"]

    @wraps(conv.rule)
    def wrong(x: Shape, **arguments: Any) -> Facts:
        facts = conv.rule(x, **arguments)
        return replace(facts, shape=(*facts.shape[:-1], 1), weights={})

    case = next(case for case in CASES if case.layer == "Conv2D")
    assert [line.split()[0] for line in differences(case, replace(conv, rule=wrong))] == [
        "shape",
        "params",
        "weights",
    ]


def test_every_layer_has_its_cases() -> None:
    accepted = {case.layer for case in CASES if not case.refusal}
    first = {case.layer for case in CASES if not case.refusal and "data_format" in case.arguments}
    refused = {case.layer for case in CASES if case.refusal}
    assert accepted == set(LAYERS)
    assert first == {name for name, layer in LAYERS.items() if "data_format" in layer.arguments}
    assert set(LAYERS) - refused == {"Identity", "Flatten"}, "these alone take anything"


def test_every_argument_is_documented() -> None:
    assert all(layer.doc.endswith(".") for layer in LAYERS.values())
    layers = [(layer.name, layer.arguments) for layer in LAYERS.values()]
    objects = [each for table in TABLES.values() for each in table.items()]
    for owner, arguments in [*layers, *objects]:
        for name, argument in arguments.items():
            assert argument.doc.endswith("."), f"say beside its type what {owner}.{name} means"
            assert argument.doc.casefold().rstrip(".") != name.replace("_", " ")


def test_frozen_layers_keep_all_their_weights() -> None:
    conv = LAYERS["Conv2D"]
    given = {"filters": 2, "kernel_size": 1, "trainable": False}
    facts = conv.facts([(None, 4, 4, 3)], bind("Conv2D", conv.arguments, given))
    assert facts.fixed == ("kernel", "bias")


def test_a_layer_is_in_the_table_or_has_one_reason_to_be_left_out() -> None:
    assert not set(REFUSED) & set(LAYERS)
    assert not set(LACKING) & {*LAYERS, *REFUSED}


def test_a_layer_of_random_numbers_is_of_the_kind_of_noise() -> None:
    noise = {name for name, layer in LAYERS.items() if layer.traits.kind == "dropout, noise"}
    seeded = {name for name, layer in LAYERS.items() if "seed" in layer.arguments}
    assert noise == {name for name in seeded if LAYERS[name].traits.kind != "attention"}


def test_every_merge_takes_a_list_and_every_alignment_is_one() -> None:
    merges = {name for name, layer in LAYERS.items() if layer.traits.kind == "merge"}
    lists = {name for name, layer in LAYERS.items() if layer.takes == "list"}
    assert merges == {name for name in lists if LAYERS[name].traits.kind != "attention"}
    assert {name for name, layer in LAYERS.items() if layer.traits.aligns} < merges


# --- against Keras -------------------------------------------------------------------------------

# Arguments that the table leaves out, of every layer or of one, and why.
LEFT_OUT = {
    "name": "a step has a name of its own",
    "lora_rank": "how to fine-tune, which is not architecture",
    "lora_alpha": "how to fine-tune, which is not architecture",
    "quantization_config": "how to store weights, which is not architecture",
    "gptq_unpacked_column_size": "how to store weights, which is not architecture",
    "flash_attention": "which of two equal computations the machine runs",
    "sparse": "how the machine stores zeros, and not every layer or backend takes it",
    "Discretization.num_bins": "bins that come of data, which a spec does not hold",
    "Discretization.epsilon": "belongs to num_bins",
    "Embedding.weights": "values of weights, which a spec does not hold",
    "BatchNormalization.renorm": "an experiment of 2017 that Keras keeps for old models",
    "BatchNormalization.renorm_clipping": "belongs to renorm",
    "BatchNormalization.renorm_momentum": "belongs to renorm",
}


def keras_arguments(class_: type) -> dict[str, inspect.Parameter]:
    """The arguments of a Keras class but those that all layers have."""
    return {
        name: parameter
        for name, parameter in inspect.signature(class_.__init__).parameters.items()
        if name not in {"self", *COMMON} and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }


def as_yaml(value: Any) -> Any:
    return [as_yaml(each) for each in value] if isinstance(value, tuple) else value


@pytest.mark.keras
@pytest.mark.parametrize("name", LAYERS)
def test_arguments_and_defaults_are_those_of_keras(name: str) -> None:
    import keras

    layer = LAYERS[name]
    theirs = keras_arguments(getattr(keras.layers, name))
    ours = {key: value for key, value in layer.arguments.items() if key not in COMMON}
    for key in theirs:
        assert key in ours or key in LEFT_OUT or f"{name}.{key}" in LEFT_OUT, (
            f"Keras's {name} has the argument {key}: add it to the rule, "
            "or to LEFT_OUT with the reason"
        )
    assert set(ours) <= set(theirs), "Keras has no such argument"
    assert next(iter(ours), None) == next((key for key in theirs if key in ours), None)
    for key, argument in ours.items():
        default = theirs[key].default
        if default is not inspect.Parameter.empty:
            default = argument.type.read(as_yaml(default))
        assert argument.default == default, f"the default of {key}"
        if argument.default is not REQUIRED:
            again = argument.type.read(as_yaml(argument.default))
            assert again == argument.default, f"the default of {key} is not in normal form"


@pytest.mark.keras
def test_left_out_arguments_exist() -> None:
    import keras

    known = {
        key
        for name in LAYERS
        for argument in keras_arguments(getattr(keras.layers, name))
        for key in (argument, f"{name}.{argument}")
    }
    assert set(LEFT_OUT) <= known


@pytest.mark.keras
@pytest.mark.parametrize("name", [name for name in LAYERS if LAYERS[name].call])
def test_call_arguments_are_those_of_keras(name: str) -> None:
    import keras

    call = inspect.signature(getattr(keras.layers, name).call).parameters
    assert set(LAYERS[name].call) <= set(call)


@pytest.mark.keras
def test_every_keras_layer_has_an_entry_or_is_known_to_have_none() -> None:
    import keras

    classes = [each for each in vars(keras.layers).values() if inspect.isclass(each)]
    public = {
        name
        for each in classes
        if issubclass(each, keras.layers.Layer)
        for name in [name for name in vars(keras.layers) if getattr(keras.layers, name) is each]
        if each.__name__ in (name, "GroupedQueryAttention")  # exported as GroupQueryAttention
    }
    known = {*LAYERS, *REFUSED, *LACKING}
    assert public <= known, "add an entry to the table of archspec/layers, or a reason to LACKING"
    assert known <= public, "Keras has no such layers"


def to_keras(argument: str, layer: Layer, value: Any) -> Any:
    """An argument as the Keras layer takes it: objects with arguments are made."""
    import keras

    kind = layer.arguments[argument].type.kind if argument in layer.arguments else None
    if kind is None or not isinstance(value, dict):
        return value
    ((name, arguments),) = value.items()
    if kind == "activation":
        return getattr(keras.layers, ACTIVATION_LAYERS[name])(**arguments)
    return getattr(getattr(keras, f"{kind}s"), name)(**arguments)


# Layers that take integers; the others take numbers.
OF_INTEGERS = {"Embedding", "ReversibleEmbedding", "CategoryEncoding"}


def call_keras(
    case: Case, arguments: dict[str, Any], *, run: bool, masked: bool = False, **more: bool
) -> tuple[Any, Any]:
    """The Keras layer and what it returns for symbolic tensors, or for ones when it is run.

    masked: whether each input has a mask.
    """
    import keras
    import numpy as np

    layer = LAYERS[case.layer]
    made = getattr(keras.layers, case.layer)(
        **{name: to_keras(name, layer, value) for name, value in arguments.items()}
    )
    call = {**case.call, **more}
    dtype = "int32" if case.layer in OF_INTEGERS and not case.call else "float32"

    def tensor(shape: Shape) -> Any:
        made: Any = keras.Input(shape[1:], dtype=dtype)
        if run:
            batch = 7 if masked else 4  # of no other axis' length: masks must not fit by chance
            made = np.ones(
                [batch, *(4 if length is None else length for length in shape[1:])], dtype
            )
        return keras.layers.Masking(dtype=dtype)(made) if masked else made

    inputs = inputs_of(case)
    if isinstance(inputs, dict):
        return made, made(**{name: tensor(shape) for name, shape in inputs.items()}, **call)
    if layer.takes == "list":
        return made, made([tensor(shape) for shape in inputs], **call)
    return made, made(tensor(inputs[0]), **call)


def keras_refuses(case: Case, arguments: dict[str, Any]) -> bool:
    try:
        call_keras(case, arguments, run=False)
        made, _ = call_keras(case, arguments, run=True)
        _ = made.losses  # where a regularizer refuses
    except Exception:  # Keras raises many kinds
        return True
    return False


def other_backends(case: Case) -> bool:
    """Whether Keras can do it on other backends than the one that is here."""
    import keras

    return bool(case.backends) and keras.backend.backend() not in case.backends


@pytest.mark.keras
@CALLS
def test_keras_says_the_same(case: Case) -> None:
    """Shape, weights and trainability on symbolic tensors; Keras refuses what we refuse."""
    if case.refusal:
        try:
            arguments = bind(case.layer, LAYERS[case.layer].arguments, case.arguments)
        except Refused:
            arguments = case.arguments
        if case.beyond:
            call_keras(case, arguments, run=False)
        else:
            assert keras_refuses(case, arguments)
        return
    arguments, facts = infer(case)
    if other_backends(case):
        assert keras_refuses(case, arguments)
        return
    made, out = call_keras(case, arguments, run=False)
    assert tuple(out.shape) == facts.shape

    def short(variable: Any) -> str:
        return variable.path.partition("/")[2]

    assert [(short(each), tuple(each.shape)) for each in made.weights] == list(
        facts.weights.items()
    )
    assert {short(each) for each in made.non_trainable_weights} == set(facts.fixed)


ACCEPTED = [case for case in CASES if not case.refusal]
ANYWHERE = [case for case in ACCEPTED if not LAYERS[case.layer].traits.augments_only]


def runs_here(case: Case) -> bool:
    """TensorFlow on a CPU knows no channels_first in most layers; other backends do."""
    import keras

    first = case.arguments.get("data_format") == "channels_first"
    return keras.backend.backend() != "tensorflow" or not first


@pytest.mark.keras
@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_what_we_accept_runs(case: Case) -> None:
    """On a batch of ones, in training, at inference and as Keras does unasked."""
    if not runs_here(case):
        pytest.skip("TensorFlow on a CPU has no channels_first")
    if other_backends(case):
        return  # the test above has seen it fail
    arguments, facts = infer(case)
    modes: list[dict[str, bool]] = [{}]
    if "training" in LAYERS[case.layer].call:
        modes.append({"training": True})
        if case in ANYWHERE:
            modes.append({"training": False})
    for mode in modes:
        made, out = call_keras(case, arguments, run=True, **mode)
        _ = made.losses
        assert len(out.shape) == len(facts.shape)
        for got, said in zip(out.shape[1:], facts.shape[1:], strict=True):
            assert said in (got, None)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning")
@pytest.mark.parametrize("case", ANYWHERE, ids=str)
def test_a_mask_is_made_carried_ended_or_refused_as_by_keras(case: Case) -> None:
    if other_backends(case):
        return
    arguments, _ = infer(case)
    inputs = inputs_of(case)
    shapes = list(inputs.values()) if isinstance(inputs, dict) else inputs
    rule = LAYERS[case.layer].traits.mask
    try:
        ours = rule({**arguments, **case.call}, shapes, [len(shape) - 1 for shape in shapes])
    except Refused:
        with pytest.raises(Exception, match=r"mask|broadcast|shapes"):
            call_keras(case, arguments, run=True, masked=True)
        return
    _, out = call_keras(case, arguments, run=False, masked=True)
    mask = getattr(out, "_keras_mask", None)
    if mask is None and case.layer == "ReversibleEmbedding":  # it makes one only as it runs
        mask = getattr(call_keras(case, arguments, run=True)[1], "_keras_mask", None)
    assert ours == (None if mask is None else len(mask.shape))


@pytest.mark.keras
@pytest.mark.parametrize("case", ANYWHERE, ids=str)
def test_what_we_accept_makes_a_model_that_can_be_loaded(case: Case) -> None:
    import keras

    if other_backends(case):
        return  # a test above has seen it fail
    arguments, facts = infer(case)
    made, out = call_keras(case, arguments, run=False)
    model = keras.Model(made.input, out)
    loaded = keras.Model.from_config(model.get_config())
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert made.name in [layer.name for layer in model.layers]
    assert loaded.output_shape == facts.shape
    assert [tuple(each.shape) for each in loaded.weights] == [*facts.weights.values()]


@pytest.mark.keras
@pytest.mark.parametrize("case", ANYWHERE, ids=str)
def test_weights_are_found_in_a_file_without_keras(case: Case, tmp_path: Path) -> None:
    """For `--init-from`, which builds no class of a stranger's config."""
    import keras

    from archspec.importing.files import read_model
    from archspec.importing.weights import find_array, list_groups, open_weights
    from archspec.weights.sources import place_weight

    arguments, facts = infer(case)
    if other_backends(case) or not facts.weights:
        return
    made, out = call_keras(case, arguments, run=False)
    keras.Model(made.input, out).save(tmp_path / "x.keras")
    groups = list_groups(read_model(tmp_path / "x.keras").config)
    with open_weights(tmp_path / "x.keras") as held:
        for name, variable in zip(facts.weights, made.weights, strict=True):
            found = find_array(held, groups[made.name,], name, place_weight(facts, name))
            np.testing.assert_array_equal(found[()], variable)


@pytest.mark.keras
def test_an_embedding_in_reverse_scores_by_its_own_vectors() -> None:
    import numpy as np

    from archspec.backends.keras import to_keras as build

    graph = archspec.loads(
        "archspec: 1\ninputs: {words: {shape: [3], dtype: int32}}\nlayers:\n"
        "  - ReversibleEmbedding: {input_dim: 7, output_dim: 4}\n    from: words\n    name: table\n"
        "  - {reuse: table, call: {reverse: true}}\n"
    )
    assert graph.total_params == 7 * 4
    assert graph.shape(graph.outputs[0]) == (None, 3, 7)
    model = build(graph, seed=1)
    (vectors,) = model.get_weights()
    scores = model.predict(np.array([[0, 6, 2]]), verbose=0)
    np.testing.assert_allclose(scores[0], vectors[[0, 6, 2]] @ vectors.T, rtol=1e-5, atol=1e-6)


# --- against the networks that Keras ships -------------------------------------------------------

APPLICATIONS = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50V2",
    "VGG16",
    "Xception",
]
# What those networks hold besides layers of the table: parts of their own, and bare operations.
OTHERS = {"InputLayer", "Sequential", "LayerScale", "CustomScaleLayer"}


def from_config(layer: Layer, config: dict[str, Any]) -> dict[str, Any]:
    """A Keras layer's configuration as a spec would state it."""
    given = {}
    for name, value in config.items():
        if name not in layer.arguments or name == "dtype":
            continue
        if isinstance(value, dict) and "class_name" in value:
            known = TABLES[layer.arguments[name].type.kind or ""][value["class_name"]]
            arguments = {key: each for key, each in value["config"].items() if key in known}
            value = {value["class_name"]: arguments}
        given[name] = as_yaml(value)
    return given


@pytest.mark.keras
@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_layer_of_a_shipped_network(name: str) -> None:
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
    tabled = 0
    for made in model.layers:
        op = type(made).__name__
        if op in OTHERS or not isinstance(made, keras.layers.Layer):
            continue
        layer = LAYERS[op]
        tabled += 1
        arguments = bind(op, layer.arguments, from_config(layer, made.get_config()))
        inputs = made.input if isinstance(made.input, list) else [made.input]
        facts = layer.facts([tuple(each.shape) for each in inputs], arguments)
        assert facts.shape == tuple(made.output.shape)
        weights = [(each.path.rpartition("/")[2], tuple(each.shape)) for each in made.weights]
        assert list(facts.weights.items()) == weights
    assert tabled > 15
