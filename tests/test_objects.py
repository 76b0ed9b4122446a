"""The tables of objects are Keras's: names, arguments, defaults; and read() says what is wrong."""

import inspect
from typing import Any

import pytest

from archspec.arguments import REQUIRED, bind
from archspec.errors import Refused
from archspec.objects import ACTIVATION_LAYERS, KINDS, TABLES, read

# --- reading -------------------------------------------------------------------------------------

DECAY = {"initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.9}
# fmt: off
NORMAL: list[tuple[str, Any, Any]] = [
    ("initializer", None, None),
    ("initializer", "he_normal", "HeNormal"),
    ("initializer", "HeNormal", "HeNormal"),
    ("initializer", "uniform", "RandomUniform"),
    ("initializer", {"he_normal": None}, "HeNormal"),
    ("initializer", {"Constant": 0.1}, {"Constant": {"value": 0.1}}),
    ("initializer", {"TruncatedNormal": {"stddev": 0.05}}, "TruncatedNormal"),
    ("initializer", {"truncated_normal": {"stddev": 1}}, {"TruncatedNormal": {"stddev": 1.0}}),
    ("regularizer", "l2", "L2"),
    ("regularizer", {"L2": 0.01}, "L2"),
    ("regularizer", {"l1_l2": {"l1": 0.1}}, {"L1L2": {"l1": 0.1}}),
    ("constraint", {"max_norm": {"axis": [0, 1]}}, {"MaxNorm": {"axis": (0, 1)}}),
    ("activation", "linear", None),
    ("activation", {"linear": {}}, None),
    ("activation", "swish", "silu"),
    ("activation", {"relu": {"max_value": 6}}, {"relu": {"max_value": 6.0}}),
    ("optimizer", "adam", "Adam"),
    ("optimizer", {"SGD": {"learning_rate": 0.1}}, {"SGD": {"learning_rate": 0.1}}),
    ("optimizer", {"Adam": 0.1}, {"Adam": {"learning_rate": 0.1}}),
    ("optimizer", {"adam": {"learning_rate": {"exponential_decay": DECAY}}},
     {"Adam": {"learning_rate": {"ExponentialDecay": DECAY}}}),
    ("loss", "mse", "MeanSquaredError"),
    ("loss", "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
    ("loss", {"CategoricalCrossentropy": {"label_smoothing": 0.1, "axis": -1}},
     {"CategoricalCrossentropy": {"label_smoothing": 0.1}}),
    ("metric", "accuracy", "accuracy"),
    ("metric", "acc", "accuracy"),
    ("metric", "sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy"),
    ("metric", {"TopKCategoricalAccuracy": 3}, {"TopKCategoricalAccuracy": {"k": 3}}),
    ("callback", {"EarlyStopping": {"patience": 3}}, {"EarlyStopping": {"patience": 3}}),
]
REFUSALS: list[tuple[str, Any, str, str | None]] = [
    ("initializer", "he_norml", "must be an initializer, got 'he_norml'",
     "did you mean 'HeNormal'?"),
    ("initializer", 3, "must be an initializer, got 3", None),
    ("initializer", True, "must be an initializer, got true", None),
    ("regularizer", ["L1", "L2"], "must be a regularizer, got ['L1', 'L2']", None),
    ("regularizer", {"L1": 0.1, "L2": 0.1},
     "must be a regularizer, written as a name or as {Name: {arguments}}, got 2 keys: "
     "{L1: 0.1, L2: 0.1}", None),
    ("regularizer", {"L2": {"factor": 0.1}}, "L2 has no argument 'factor'", None),
    ("regularizer", {"L2": -1}, "L2 argument 'l2' must be a number of at least 0, got -1", None),
    ("regularizer", {"OrthogonalRegularizer": {"factor": -0.5}},
     "OrthogonalRegularizer argument 'factor' must be a number of at least 0, got -0.5", None),
    ("regularizer", {"L2": float("nan")},
     "L2 argument 'l2' must be a number of at least 0, got nan", None),
    ("initializer", {"Zeros": 3}, "Zeros takes no arguments, got 3", None),
    ("initializer", {"TruncatedNormal": {"stdev": 0.1}},
     "TruncatedNormal has no argument 'stdev'", "did you mean 'stddev'?"),
    ("activation", {"gelu": {"approximate": True}}, "gelu has no argument 'approximate'", None),
    ("loss", "mean_squared_eror", "must be a loss, got 'mean_squared_eror'",
     "did you mean 'MeanSquaredError'?"),
    ("optimizer", {"Adam": {"learning_rate": "fast"}},
     "Adam argument 'learning_rate' must be a schedule, got 'fast'", None),
    ("optimizer", {"Adam": {"learning_rate": -1}},
     "Adam argument 'learning_rate' must be a number of at least 0 or a schedule, got -1", None),
    ("optimizer", {"Adam": {"learning_rate": {"ExponentialDecay": {"decay_steps": 3}}}},
     "ExponentialDecay needs the arguments 'initial_learning_rate' and 'decay_rate'", None),
    ("optimizer", {"SGD": {"clipnorm": 1, "clipvalue": 1}},
     "SGD clips in one way, got clipnorm and clipvalue", None),
    ("schedule", {"PiecewiseConstantDecay": {"boundaries": [5], "values": [0.1, 0.1, 0.1]}},
     "PiecewiseConstantDecay expects one value more than boundaries, got 3 and 1", None),
    ("metric", {"AUC": {"num_labels": 3}}, "AUC takes num_labels with multi_label: true only",
     None),
]
# fmt: on


@pytest.mark.parametrize(("kind", "value", "normal"), NORMAL)
def test_normal_form(kind: str, value: Any, normal: Any) -> None:
    assert read(kind, value) == normal


@pytest.mark.parametrize(("kind", "value", "message", "hint"), REFUSALS)
def test_refusals(kind: str, value: Any, message: str, hint: str | None) -> None:
    with pytest.raises(Refused) as refused:
        read(kind, value)
    assert refused.value.message == message
    if hint:
        assert refused.value.hint == hint


def test_tables_are_consistent() -> None:
    for kind in KINDS.values():
        assert set(kind.aliases.values()) <= set(kind.table)
        assert len({kind.canonical(name) for name in kind.table}) == len(kind.table)
    assert set(ACTIVATION_LAYERS) == {n for n, args in TABLES["activation"].items() if args}


# --- against Keras -------------------------------------------------------------------------------

MODULES = {
    "initializer": "initializers",
    "regularizer": "regularizers",
    "constraint": "constraints",
    "activation": "activations",
    "optimizer": "optimizers",
    "schedule": "optimizers.schedules",
    "loss": "losses",
    "metric": "metrics",
    "callback": "callbacks",
}

# What the tables leave out, and why.
LEFT_OUT = {
    "initializer": {
        "STFT": "fills the kernel of one audio layer",
    },
    "activation": {
        "glu": "halves the axis, which no layer that takes it as an activation says",
        "threshold": "has arguments and no layer that Keras could save it as",
    },
    "optimizer": {
        "LossScaleOptimizer": "Keras wraps an optimizer in it when the precision asks for it",
        "MultiOptimizer": "assigns optimizers to layers by code",
        "OptimizerMap": "assigns optimizers to layers by code",
    },
    "metric": {
        "Accuracy": "counts exact equality; the name means Keras's `accuracy` here",
        "IoU": "MeanIoU covers it, and its classes are code's business",
        "OneHotIoU": "OneHotMeanIoU covers it",
        "Mean": "is of values and not of predictions",
        "Sum": "is of values and not of predictions",
        "MeanMetricWrapper": "carries code",
        "PrecisionAtRecall": "one point of a curve; AUC and thresholds cover it",
        "RecallAtPrecision": "one point of a curve; AUC and thresholds cover it",
        "SensitivityAtSpecificity": "one point of a curve; AUC and thresholds cover it",
        "SpecificityAtSensitivity": "one point of a curve; AUC and thresholds cover it",
    },
    "callback": {
        "BackupAndRestore": "the runner keeps its own checkpoints",
        "CSVLogger": "the runner keeps its own records",
        "CallbackList": "is a list of callbacks",
        "History": "the runner keeps its own records",
        "LambdaCallback": "carries code",
        "LearningRateScheduler": "carries code; a schedule is an optimizer's learning_rate",
        "ModelCheckpoint": "the runner keeps its own checkpoints",
        "OrbaxCheckpoint": "the runner keeps its own checkpoints",
        "ProgbarLogger": "the runner shows its own progress",
        "RemoteMonitor": "sends data elsewhere",
        "SwapEMAWeights": "needs the optimizer's averages, which the runner does not save",
    },
}
# Arguments that are left out, of every object or of one, and why.
ARGUMENTS_LEFT_OUT = {
    "profile_batch": "profiles Keras's own steps, of which the runner takes many at once",
    "embeddings_freq": "is for embeddings with files of metadata",
    "embeddings_metadata": "is for embeddings with files of metadata",
    "dtype": "follows the recipe's precision",
    "input_axes": "the layer says which axes go in",
    "output_axes": "the layer says which axes go out",
    "optimizer.name": "there is one",
    "loss.name": "losses are keyed by outputs",
    "schedule.name": "there is one",
    "exclude_layers": "names layers by regular expressions",
    "celu.alpha": "no layer that Keras could save it as",
    "gelu.approximate": "no layer that Keras could save it as",
    "hard_shrink.threshold": "no layer that Keras could save it as",
    "soft_shrink.threshold": "no layer that Keras could save it as",
    "log_softmax.axis": "no layer that Keras could save it as",
    "sparsemax.axis": "no layer that Keras could save it as",
    "squareplus.b": "no layer that Keras could save it as",
}
BASES = {"Initializer", "Regularizer", "Constraint", "Optimizer", "LearningRateSchedule", "Loss",
         "Metric", "Callback"}  # fmt: skip


def public(kind: str) -> dict[str, Any]:
    """Keras's objects of a kind, each under its own name."""
    import keras

    module: Any = keras
    for part in MODULES[kind].split("."):
        module = getattr(module, part)
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    if kind == "activation":
        found = {n: f for n, f in found.items() if inspect.isfunction(f) and f.__name__ == n}
        return {n: f for n, f in found.items() if n not in {"get", "serialize", "deserialize"}}
    return {
        name: each
        for name, each in found.items()
        if inspect.isclass(each) and each.__name__ == name and name not in BASES
    }


@pytest.mark.keras
@pytest.mark.parametrize("kind", TABLES)
def test_names_are_those_of_keras(kind: str) -> None:
    theirs = set(public(kind))
    ours = set(TABLES[kind]) - {"accuracy"}
    assert theirs - ours - set(LEFT_OUT.get(kind, ())) == set(), (
        "Keras has these: add them to the table in archspec/objects, or to LEFT_OUT"
    )
    assert ours - theirs == set(), "Keras has no such objects"
    assert set(LEFT_OUT.get(kind, ())) <= theirs - ours


def as_yaml(value: Any) -> Any:
    return [as_yaml(each) for each in value] if isinstance(value, tuple) else value


@pytest.mark.keras
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in TABLES for name in TABLES[kind]],
)
def test_arguments_and_defaults_are_those_of_keras(kind: str, name: str) -> None:
    if name in {"accuracy"}:
        return
    object_ = public(kind)[name]
    parameters = inspect.signature(
        object_.__init__ if inspect.isclass(object_) else object_
    ).parameters
    theirs = {
        key: parameter.default
        for key, parameter in parameters.items()
        if key not in {"self", "x"} and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }
    ours = TABLES[kind][name]
    for key in theirs:
        known = {key, f"{kind}.{key}", f"{name}.{key}"}
        assert key in ours or known & set(ARGUMENTS_LEFT_OUT), (
            f"Keras's {name} has the argument {key}: add it in archspec/objects, "
            "or to ARGUMENTS_LEFT_OUT with the reason"
        )
    assert set(ours) <= set(theirs), "Keras has no such argument"
    for key, argument in ours.items():
        default = theirs[key]
        if kind == "metric" and key == "name":
            continue  # Keras's default is a name made from the class
        if default is not inspect.Parameter.empty:
            assert argument.default == argument.type.read(as_yaml(default)), f"default of {key}"
        else:
            assert argument.default is REQUIRED


EXAMPLES = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 9},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 9},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 9, "decay_rate": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 9, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [5], "values": [0.1, 0.01]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 9},
    "MeanIoU": {"num_classes": 3},
    "OneHotMeanIoU": {"num_classes": 3},
}


@pytest.mark.keras
@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind != "activation"])
def test_keras_makes_every_object(kind: str) -> None:
    for name, arguments in TABLES[kind].items():
        if name not in {"accuracy"}:
            normal = bind(name, arguments, EXAMPLES.get(name, {}))
            public(kind)[name](**normal)


@pytest.mark.keras
def test_aliases_mean_in_keras_what_they_mean_here() -> None:
    import keras

    for kind in ("initializer", "loss", "metric", "activation"):
        module = getattr(keras, MODULES[kind])
        for alias, name in KINDS[kind].aliases.items():
            if name in {"accuracy"} or alias.endswith("_initializer"):
                continue  # compile reads the first, and older files hold the second
            if kind == "activation":
                assert module.get(alias) is module.get(name)
            elif kind == "loss":  # Keras reads short names as functions and long ones as classes
                assert KINDS["loss"].canonical(module.get(alias).__name__) == name
            else:
                assert type(module.get(alias)).__name__ == name


@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("relu", {"max_value": 6.0, "negative_slope": 0.1, "threshold": 0.5}),
        ("leaky_relu", {"negative_slope": 0.1}),
        ("elu", {"alpha": 0.7}),
        ("softmax", {"axis": 1}),
    ],
)
def test_activations_with_arguments_are_layers_that_keras_saves(
    name: str, arguments: dict[str, Any]
) -> None:
    import keras
    import numpy as np

    x = np.linspace(-3, 9, 24, dtype="float32").reshape(2, 3, 4)
    layer = getattr(keras.layers, ACTIVATION_LAYERS[name])(**arguments)
    dense = keras.layers.Dense(4, activation=layer, kernel_initializer="identity")
    loaded = keras.layers.Dense.from_config(dense.get_config())
    expected = getattr(keras.activations, name)(x, **arguments)
    np.testing.assert_allclose(dense(x), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-6, atol=1e-6)
