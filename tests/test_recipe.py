"""The `train` mapping: what it may say, its defaults, and how it meets the graph's outputs."""

import copy
import subprocess
import sys
from typing import Any

import pytest
from mutants import ODDER, broken, places
from shrinking import few_or_many, try_out

import archspec
from archspec.errors import AtArgument, Refused, UserError
from archspec.graph import Graph
from archspec.recipe import (
    DATA,
    RECIPE,
    ended_early,
    gives_probabilities,
    recipe_of,
    settle_schedule,
    suggest_units,
)


def net(train: str = "{}", head: str = "Dense: {units: 10, activation: softmax}") -> Graph:
    return archspec.loads(
        f"archspec: 1\ninput: [8, 8, 1]\nlayers:\n  - Flatten\n  - {head}\n    name: head\n"
        f"train: {train}\n",
        "net.yaml",
    )


def two_heads(train: str = "{}") -> Graph:
    return archspec.loads(
        "archspec: 1\n"
        "input: [8, 8, 1]\n"
        "outputs: [main, side]\n"
        "blocks:\n"
        "  aux:\n"
        "    layers:\n"
        "      - Dense: 10\n"
        "layers:\n"
        "  - Flatten\n"
        "  - Dense: {units: 20, activation: relu}\n"
        "    name: trunk\n"
        "  - Dense: {units: 10, activation: softmax}\n"
        "    name: main\n"
        "  - aux:\n"
        "    from: trunk\n"
        "    name: side\n"
        f"train: {train}\n"
    )


def refusal(graph: Graph, given: dict[str, Any] | None = None, **overrides: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        recipe_of(graph, given, **overrides)
    return caught.value


SPARSE = "SparseCategoricalCrossentropy"
FROM_LOGITS = {SPARSE: {"from_logits": True}}
SCHEDULE = "{CosineDecay: {initial_learning_rate: 0.1, decay_steps: 9}}"


# --- defaults and overrides ----------------------------------------------------------------------


def test_a_spec_without_train_has_the_defaults():
    recipe = recipe_of(net())
    assert recipe.data.name is None
    assert (recipe.data.scale, recipe.data.validation, recipe.data.resize) == ((0, 1), 0.1, False)
    assert (recipe.batch_size, recipe.epochs, recipe.steps) == (32, 5, None)
    assert (recipe.optimizer, recipe.metrics) == ("Adam", {"head": ("accuracy",)})
    assert (recipe.precision, recipe.seed, recipe.warnings) == ("float32", 0, ())


def test_a_word_for_data_is_its_name():
    assert recipe_of(net("{data: mnist}")).data == recipe_of(net("{data: {name: mnist}}")).data


def test_the_command_line_comes_last():
    graph = net("{data: {name: mnist, scale: [-1, 1]}, epochs: 3, seed: 4}")
    recipe = recipe_of(graph, data="digits", epochs=20, batch_size=None, seed=7)
    assert (recipe.data.name, recipe.data.scale) == ("digits", (-1, 1))
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (20, 32, 7)


def test_resize_on_the_command_line_adapts_channels_too():
    assert recipe_of(net(), resize=True).data.channels
    data = recipe_of(net("{data: {resize: [8, 8]}}"), resize=True).data
    assert (data.resize, data.channels) == ((8, 8), True)


def test_epochs_and_steps_displace_each_other():
    assert recipe_of(net("{steps: 100}")).epochs is None
    assert recipe_of(net("{steps: 100}"), epochs=2).steps is None
    refused = refusal(net(), {"steps": 100, "epochs": 2})
    assert str(refused) == "train takes epochs or steps, not both"
    assert refused.at == AtArgument("steps")
    with pytest.raises(archspec.SpecError, match=r"net\.yaml:7:16: error: train takes epochs or"):
        net("{steps: 100, epochs: 2}")


@pytest.mark.parametrize(
    ("train", "length"),
    [("{epochs: 1}", "1 epoch"), ("{epochs: 2}", "2 epochs"), ("{steps: 1}", "1 step")],
)
def test_a_length_is_written_with_its_noun(train: str, length: str):
    assert recipe_of(net(train)).length == length


def test_a_recipe_given_stands_in_for_the_spec_s():
    assert recipe_of(net("{epochs: 2, batch_size: 8}"), {"epochs": 3}).batch_size == 32


@pytest.mark.parametrize(
    "graph",
    [
        net(),
        net("{steps: 9, loss: {CategoricalCrossentropy: {label_smoothing: 0.1}}}"),
        net("{data: {name: x.npz, scale: null, resize: [8, 8]}, metrics: [accuracy]}"),
        net(f"{{optimizer: {{SGD: {{learning_rate: {SCHEDULE}}}}}}}"),
        net("{augment: [{RandomFlip: horizontal}], callbacks: [{EarlyStopping: {patience: 2}}]}"),
        two_heads("{loss_weights: {side: 0.3}, metrics: {main: [accuracy]}}"),
    ],
)
def test_a_recipe_written_out_is_the_same_recipe(graph):
    recipe = recipe_of(graph)
    assert recipe_of(graph, recipe.mapping()) == recipe


def test_a_recipe_written_out_spells_arguments():
    mapping = recipe_of(net("{optimizer: {SGD: 0.5}}")).mapping()
    assert mapping["optimizer"]["SGD"]["learning_rate"] == 0.5
    assert mapping["optimizer"]["SGD"]["momentum"] == 0.0
    assert mapping["loss"][SPARSE]["from_logits"] is False
    assert set(mapping) < set(RECIPE)
    assert set(mapping["data"]) == set(DATA)


@pytest.mark.parametrize(
    ("data", "augment", "is_said"),
    [
        ("{name: digits, targets: [x0, y0]}", "[{RandomFlip: horizontal}]", True),
        ("{name: digits, targets: [box_left, box_top]}", "[{RandomRotation: 0.1}]", True),
        ("{name: digits, targets: [x0, y0]}", "[{RandomContrast: 0.2}]", False),
        ("{name: digits, targets: [age, height]}", "[{RandomFlip: horizontal}]", False),
        ("{name: digits, targets: [y]}", "[{RandomFlip: horizontal}]", False),
        ("digits", "[{RandomFlip: horizontal}]", False),
    ],
)
def test_places_that_augmentation_leaves_behind_are_warned_of(data, augment, is_said):
    train = f"{{data: {data}, augment: {augment}, loss: MeanSquaredError}}"
    warnings = recipe_of(net(train, "Dense: 2")).warnings
    assert any("numbers of 'head' stay as they are" in each for each in warnings) is is_said


def test_an_augmentation_that_takes_the_pixels_for_others_is_warned_of() -> None:
    def warnings(augment: str, data: str = "digits") -> tuple[str, ...]:
        return recipe_of(net(f"{{data: {data}, augment: {augment}}}")).warnings

    (warning,) = warnings("[{RandomFlip: horizontal}, {RandomContrast: 0.2}]")
    assert warning == (
        "train.augment: RandomContrast has the value_range [0, 255], but train.data.scale makes "
        "pixels of 0 to 1: say value_range: [0, 1]"
    )
    assert not warnings("[{RandomContrast: {factor: 0.2, value_range: [0, 1]}}]")
    assert not warnings("[RandomInvert]", "{name: digits, scale: [0, 255]}")
    assert warnings("[{RandomInvert: {value_range: [0, 1]}}]", "{name: digits, scale: [-1, 1]}")
    # Nothing is known of stored pixels, nor of what comes of layers that give them another range.
    assert not warnings("[RandomInvert]", "{name: digits, scale: null}")
    assert not warnings("[{Rescaling: 255}, RandomInvert]")
    assert not warnings("[UnitNormalization, RandomInvert]")


TO_UNIT = "Rescaling: =1 / 255"
TO_BOTH_SIDES = "Rescaling: {scale: =1 / 127.5, offset: -1}"
BY_STATISTICS = "Normalization: {mean: 123.7, variance: =58.4**2}"


@pytest.mark.parametrize("first", [TO_UNIT, TO_BOTH_SIDES, BY_STATISTICS])
def test_pixels_that_a_recipe_and_a_layer_both_scale_are_warned_of(first: str) -> None:
    def warnings(data: list[int] | None, layer: str = first) -> tuple[str, ...]:
        text = f"archspec: 1\ninput: [8, 8, 1]\nlayers: [{{{layer}}}, Flatten, Dense: 10]\n"
        return recipe_of(archspec.loads(text), {"data": {"scale": data}}).warnings

    (warning,) = warnings([0, 1])
    assert "scales pixels that `train.data.scale` has brought to 0 to 1" in warning
    assert warnings([-1, 1])
    assert not warnings([0, 255])
    assert not warnings(None)
    assert not warnings([0, 1], "Rescaling: {scale: 2, offset: -1}")
    assert not warnings([0, 1], "Dense: 3")


def test_a_spec_says_once_that_its_recipe_scales_pixels_twice() -> None:
    graph = archspec.loads(
        f"archspec: 1\ninput: [8, 8, 1]\nlayers: [{{{TO_UNIT}}}, Flatten, Dense: 10]\ntrain: {{}}\n"
    )
    assert [each.code for each in graph.warnings] == ["scaled-twice"]
    assert not recipe_of(graph).warnings


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "argument", "words"),
    [
        ({"epoch": 3}, "epoch", "train has no argument 'epoch'"),
        ({"epochs": 0}, "epochs", "must be a positive integer, got 0"),
        ({"epochs": True}, "epochs", "must be a positive integer, got true"),
        ({"data": {"nam": "mnist"}}, "data", "train.data has no argument 'nam'"),
        ({"data": {"scale": [1, 0]}}, "data", "low below high"),
        ({"data": {"validation": 1}}, "data", "below 1"),
        ({"data": {"resize": [8]}}, "data", "true, false, [height, width], or a mapping"),
        ({"data": 3}, "data", "the name of a dataset"),
        ({"optimizer": "Adan"}, "optimizer", "must be an optimizer, got 'Adan'"),
        ({"optimizer": {"Adam": {"lr": 1}}}, "optimizer", "Adam has no argument 'lr'"),
        ({"loss": {"Huberr": {}}}, "loss", "must be a loss, got 'Huberr'"),
        ({"metrics": ["accurracy"]}, "metrics", "must be a metric"),
        ({"metrics": {"head": {"x": {"y": 1}}}}, "metrics", "must be a metric, got 'x'"),
        ({"metrics": ["F1Score"]}, "metrics", "F1Score expects one-hot labels"),
        ({"callbacks": ["Lambda"]}, "callbacks", "must be a callback"),
        ({"callbacks": [None]}, "callbacks", "must be a callback, got null"),
        ({"metrics": ["accuracy", None]}, "metrics", "must be a metric, got null"),
        ({"precision": "int8"}, "precision", "mixed_bfloat16"),
        ({"augment": [{"RandomFlop": 1}]}, "augment", "there is no layer 'RandomFlop'"),
        ({"augment": ["Dense"]}, "augment", "Dense needs the argument 'units'"),
        ({"augment": [{"Dense": 1}]}, "augment", "cannot use Dense, which learns"),
        ({"augment": ["Add"]}, "augment", "cannot use Add, which merges"),
        ({"augment": ["Flatten"]}, "augment", "makes (None, 64) of images of (None, 8, 8, 1)"),
        ({"augment": [{"CenterCrop": [9, 9, 9]}]}, "augment", "CenterCrop"),
        ({"augment": "RandomFlip"}, "augment", "must be a list of layers"),
        ({"augment": [{"RandomFlip": {}, "name": "x"}]}, "augment", "layers without modifiers"),
    ],
)
def test_refusals_name_the_key_and_say_why(given, argument, words):
    refused = refusal(net(), given)
    assert isinstance(refused.at, AtArgument)
    assert refused.at.name == argument
    assert words in str(refused)


def test_misspelt_words_get_a_hint():
    assert refusal(net(), {"epoch": 3}).hint == "did you mean 'epochs'?"
    assert refusal(net(), {"loss_weights": {"haed": 1}}).hint == "did you mean 'head'?"
    sparse = refusal(net(), {"metrics": ["TopKCategoricalAccuracy"]})
    assert sparse.hint == "use SparseTopKCategoricalAccuracy"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("F1Score", "average: macro"),
        ({"FBetaScore": {"beta": 2.0}}, "average: macro"),
        ({"R2Score": {"class_aggregation": None}}, "class_aggregation: uniform_average"),
        ({"Precision": {"thresholds": [0.2, 0.5]}}, "one threshold"),
    ],
)
def test_a_metric_is_one_number(metric, words):
    recipe = {"loss": "CategoricalCrossentropy", "metrics": [metric]}
    refused = refusal(net(), recipe)
    assert "must give one number" in str(refused)
    assert words in (refused.hint or "")
    sound = [{"F1Score": {"average": "macro"}}, {"Precision": {"thresholds": [0.2]}}, "R2Score"]
    assert recipe_of(net(), {**recipe, "metrics": sound}).metrics


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seed": 2**32}, "from 0 to 4,294,967,295"),
        ({"data": {"split_seed": 2**32}}, "from 0 to 4,294,967,295"),
        ({"batch_size": 10**20}, "at most 2,147,483,647"),
        ({"epochs": 2**31}, "at most 2,147,483,647"),
        ({"steps": 10**39}, "at most 2,147,483,647"),
        ({"steps": 1e30}, "at most 2,147,483,647"),
        ({"loss_weights": {"head": 1e300}}, "float32"),
        ({"optimizer": {"Adam": {"learning_rate": 1e39}}}, "float32"),
        ({"optimizer": {"Adam": {"ema_overwrite_frequency": 2**31}}}, "at most 2,147,483,647"),
        ({"callbacks": [{"EarlyStopping": {"min_delta": -1e39}}]}, "float32"),
        ({"metrics": [{"AUC": {"num_thresholds": 10**9}}]}, "10,000"),
        ({"augment": [{"RandomFlip": {"seed": 2**32}}]}, "from 0 to 4,294,967,295"),
    ],
)
def test_numbers_that_keras_cannot_hold_are_refused(given, words):
    assert words in str(refusal(net(), given))


def test_the_greatest_numbers_are_taken():
    recipe = recipe_of(net(), {"seed": 2**32 - 1, "batch_size": 2**31 - 1, "epochs": 2**31 - 1})
    assert (recipe.seed, recipe.batch_size, recipe.epochs) == (2**32 - 1, 2**31 - 1, 2**31 - 1)


def test_check_knows_the_bounds():
    with pytest.raises(archspec.SpecError, match=r"`train.seed` must be an integer from 0"):
        net("{seed: 4294967296}")


# --- what Keras refuses late ---------------------------------------------------------------------

DECAY = {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 9, "decay_rate": 0.9}}


@pytest.mark.parametrize(
    ("given", "words", "hint"),
    [
        (
            {"optimizer": {"SGD": {"learning_rate": DECAY}}, "callbacks": ["ReduceLROnPlateau"]},
            "cannot change the learning rate, which a schedule sets",
            "remove ReduceLROnPlateau",
        ),
        ({"callbacks": [{"EarlyStopping": {"monitor": "val_los"}}]}, "not measured", "val_loss"),
        (
            {
                "loss": "BinaryCrossentropy",
                "metrics": ["TruePositives"],
                "callbacks": [{"EarlyStopping": {"monitor": "val_true_positives"}}],
            },
            "better when high or low",
            "mode: max",
        ),
        ({"metrics": ["accuracy", {"SparseCategoricalAccuracy": "accuracy"}]}, "name of", "own"),
        ({"metrics": [{"SparseCategoricalAccuracy": "epoch"}]}, "name of", "own"),
        ({"metrics": [{"SparseCategoricalAccuracy": "val_loss"}]}, "name of", "own"),
        ({"loss": {"CosineSimilarity": {"axis": 2}}}, "along axis 2", "leave `axis` out"),
        ({"loss": {"CosineSimilarity": {"axis": 0}}}, "along axis 0", "leave `axis` out"),
        ({"loss": {SPARSE: {"axis": 0}}}, "along axis 0", "leave `axis` out"),
    ],
)
def test_what_keras_refuses_late_is_refused_before_it_begins(given, words, hint):
    refused = refusal(net(), given)
    assert words in str(refused)
    assert hint in (refused.hint or "")


def test_of_several_outputs_only_the_whole_loss_has_a_known_direction():
    watch = {"monitor": "val_main_accuracy"}
    refused = refusal(two_heads(), {"callbacks": [{"EarlyStopping": watch}]})
    assert "better when high or low" in str(refused)
    for sound in ({"mode": "max", **watch}, {"monitor": "loss"}):
        assert recipe_of(two_heads(), {"callbacks": [{"EarlyStopping": sound}]}).callbacks


@pytest.mark.parametrize(
    "rate",
    [
        {"PiecewiseConstantDecay": {"boundaries": [2, 1], "values": [0.1, 0.2, 0.3]}},
        {"PiecewiseConstantDecay": {"boundaries": [2, 2], "values": [0.1, 0.2, 0.3]}},
        {"CosineDecayRestarts": {"initial_learning_rate": 1, "first_decay_steps": 2, "t_mul": 0.5}},
        {"PolynomialDecay": {"initial_learning_rate": 1, "decay_steps": 2, "power": -1}},
    ],
)
def test_schedules_that_give_no_learning_rate_are_refused(rate):
    ((_, given),) = rate.items()
    blamed = next(each for each in ("boundaries", "t_mul", "power") if each in given)
    refused = refusal(net(), {"optimizer": {"SGD": {"learning_rate": rate}}})
    assert refused.at == AtArgument("optimizer", ("learning_rate", blamed))


def test_a_schedule_that_ends_before_the_first_epoch_is_a_warning_with_numbers():
    rate = {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 3}}
    recipe = recipe_of(net(), {"epochs": 3, "optimizer": {"SGD": {"learning_rate": rate}}})
    assert (ended_early(recipe, 5) or "").startswith(
        "train.optimizer: CosineDecay ends after 3 steps, and an epoch has 5: from then on, up to "
        "step 15, the learning rate is 0"
    )
    assert ended_early(recipe, 3) is None
    assert ended_early(recipe_of(net(), {"optimizer": {"SGD": {"learning_rate": 0.1}}}), 5) is None


# --- outputs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "probabilities"),
    [
        ("Dense: {units: 10, activation: softmax}", True),
        ("Dense: {units: 10, activation: sigmoid}", True),
        ("Dense: 10", False),
        ("Dense: {units: 10, activation: relu}", False),
        ("layers: [Dense: 10, Softmax]", True),
        ("layers: [Dense: 10, Activation: softmax]", True),
        ("layers: [Dense: 10, Softmax, Reshape: [5, 2], Flatten]", True),
        ("layers: [Dense: 10, Softmax, ActivityRegularization: {l1: 0.1}]", True),
        ("layers: [{Dense: {units: 10, activation: softmax}}, Rescaling: 2]", False),
    ],
)
def test_the_loss_by_default_is_from_what_the_output_gives(head, probabilities):
    graph = net(head=head)
    output = graph.outputs[0]
    assert gives_probabilities(graph, output) is probabilities
    assert recipe_of(graph).loss[output] == (SPARSE if probabilities else FROM_LOGITS)


@pytest.mark.parametrize(
    ("head", "loss"),
    [
        ("Dense: {units: 1, activation: sigmoid}", "BinaryCrossentropy"),
        ("layers: [Dense: 1, Activation: sigmoid]", "BinaryCrossentropy"),
        ("Dense: 1", {"BinaryCrossentropy": {"from_logits": True}}),
        ("layers: [Dense: 4, Reshape: [2, 2, 1], Activation: sigmoid]", "BinaryCrossentropy"),
        ("Dense: {units: 1, activation: softmax}", SPARSE),  # always 1: it tells nothing apart
        ("Dense: {units: 2, activation: sigmoid}", SPARSE),
    ],
)
def test_the_loss_of_one_unit_is_of_two_classes(head, loss):
    graph = net(head=head)
    assert recipe_of(graph).loss == {graph.outputs[0]: loss}
    assert not recipe_of(graph).warnings


def test_an_explicit_loss_that_takes_the_output_for_something_else_is_a_warning():
    (warning,) = recipe_of(net(f"{{loss: {SPARSE}}}", "Dense: 10")).warnings
    assert "expects probabilities, but output 'head' gives logits" in warning
    (warning,) = recipe_of(net(f"{{loss: {{{SPARSE}: {{from_logits: true}}}}}}")).warnings
    assert "expects logits, but output 'head' gives probabilities" in warning
    assert not recipe_of(net("{loss: mse}", "Dense: 10")).warnings
    head = "Dense: {units: 10, activation: relu}"
    (warning,) = recipe_of(net(f"{{loss: {SPARSE}}}", head)).warnings
    assert (
        "'head' ends in relu, which gives neither them nor logits; end it in a softmax" in warning
    )
    assert "from_logits" not in warning
    assert not recipe_of(net(f"{{loss: {SPARSE}}}", head.replace("relu", "sparsemax"))).warnings


def test_what_is_said_once_is_said_of_every_output():
    recipe = recipe_of(two_heads("{loss: {Huber: {delta: 2}}, metrics: mse}"))
    assert list(recipe.loss.values()) == [{"Huber": {"delta": 2.0}}] * 2
    assert recipe.metrics == dict.fromkeys(["main", "side.dense"], ("MeanSquaredError",))


@pytest.mark.parametrize(
    ("head", "classes", "hint"),
    [
        (
            "{units: 1, activation: softmax}",
            2,
            "2 units or `activation: sigmoid`: a softmax of one",
        ),
        ("{units: 1, activation: softmax}", 10, "give it 10 units: a softmax of one unit is alw"),
        ("1", 10, "10 units and a softmax: BinaryCrossentropy of one unit tells two classes apart"),
        ("{units: =heads}", 10, "--set heads=10 and a softmax: BinaryCrossentropy of one unit"),
        ("{units: =few - 1}", 10, "give it 10 units"),
        ("{units: =few}", 10, "--set few=10"),
    ],
)
def test_the_remedy_for_too_few_units_depends_on_the_loss(head: str, classes: int, hint: str):
    params = "{lone: 1, heads: 1, few: 3}"
    graph = archspec.loads(f"archspec: 1\nparams: {params}\ninput: [4]\nlayers: [Dense: {head}]")
    assert hint in suggest_units(graph, recipe_of(graph), graph.outputs[0], classes)


def test_outputs_are_named_as_in_the_spec_a_block_by_its_own_name():
    recipe = recipe_of(two_heads("{loss_weights: {side: 0.3}, metrics: {side: accuracy}}"))
    assert recipe.loss == {"main": SPARSE, "side.dense": FROM_LOGITS}
    assert recipe.loss_weights == {"main": 1.0, "side.dense": 0.3}
    assert recipe.metrics == {"main": (), "side.dense": ("accuracy",)}


def test_an_output_that_is_none_is_refused():
    refused = refusal(two_heads(), {"loss": {"sidee": SPARSE}})
    assert str(refused) == "train.loss names 'sidee', which is no output"
    hint = refusal(two_heads(), {"loss": {"x": SPARSE}}).hint
    assert hint == "outputs: main, side.dense; `train: {loss: null}` takes away what a base gives"


FROZEN = """\
archspec: 1
input: [8, 8, 3]
layers:
  - {name: base, layers: [Conv2D: {filters: 4, kernel_size: 3}, BatchNormalization, ReLU]}
  - {name: twice, Conv2D: {filters: 4, kernel_size: 1, padding: same}}
  - {name: again, reuse: twice}
  - GlobalAveragePooling2D
  - {name: head, Dense: 10}
"""


@pytest.mark.parametrize(
    ("given", "frozen"),
    [
        ("base", ["base.conv2d", "base.batch_normalization"]),
        (["head", "**.conv2d"], ["base.conv2d", "head"]),
        ("again", ["twice"]),
        ("*", ["base.conv2d", "base.batch_normalization", "twice", "head"]),
        ([], []),
    ],
)
def test_what_is_in_a_block_is_frozen_with_it(given, frozen: list[str]):
    graph = archspec.loads(FROZEN)
    if given == "*":
        assert "no weight to train" in str(refusal(graph, {"freeze": given}))
        return
    recipe = recipe_of(graph, {"freeze": given})
    assert recipe.freeze == tuple(frozen)
    again = recipe_of(graph, recipe.mapping())
    assert again == recipe


RENAMED = """\
archspec: 1
extends: base.yaml
edit:
  - {at: c1, rename: stem}
  - {at: head, rename: c1}
  - {at: body, rename: trunk}
"""


@pytest.mark.parametrize(
    ("edits", "frozen"),
    [
        ([], ("stem", "trunk.c2", "trunk.batch_normalization")),
        (
            ["at: stem, rename: first", "at: trunk, rename: middle"],
            ("first", "middle.c2", "middle.batch_normalization"),
        ),
    ],
)
def test_frozen_layers_stay_frozen_when_they_are_renamed(edits, frozen, tmp_path):
    """And those that take their names are not frozen."""
    base = """\
archspec: 1
input: [8, 8, 3]
layers:
  - {name: c1, Conv2D: {filters: 4, kernel_size: 3}}
  - {name: body, layers: [{name: c2, Conv2D: {filters: 4, kernel_size: 1}}, BatchNormalization]}
  - Flatten
  - {name: head, Dense: 10}
train: {freeze: ["c*", body]}
"""
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "variant.yaml").write_text(RENAMED)
    graph = archspec.load(tmp_path / "variant.yaml", edits=edits)
    assert recipe_of(graph).freeze == frozen


def test_show_says_what_the_recipe_freezes():
    text = archspec.show(archspec.loads(f"{FROZEN}train: {{freeze: base}}")).to_text()
    assert "frozen           120 of them, by train.freeze" in text
    assert "frozen  " not in archspec.show(archspec.loads(FROZEN)).to_text()


def test_layers_that_never_learn_again_are_warned_of():
    given = {"freeze": "base", "unfreeze": {"epoch": 6, "learning_rate": 1e-3}}
    (warning,) = recipe_of(archspec.loads(FROZEN), given).warnings
    assert warning == "train.unfreeze: epoch 6 is after the last, 5: what is frozen stays so"
    assert recipe_of(archspec.loads(FROZEN), given, epochs=6).warnings == ()


def decay(steps: str, more: str = "") -> Graph:
    schedule = f"{{CosineDecay: {{initial_learning_rate: 0.1, decay_steps: {steps}{more}}}}}"
    return net(f"{{epochs: 6, optimizer: {{SGD: {{learning_rate: {schedule}}}}}}}")


@pytest.mark.parametrize(
    ("steps", "settled"),
    [
        ("=epochs * steps_per_epoch", 600),
        ("=steps_per_epoch // 3", 33),
        ("=round(0.5 * steps_per_epoch * epochs)", 300),
        ('"=max(steps_per_epoch, 500)"', 500),
        ("400", 400),
    ],
)
def test_the_steps_of_a_schedule_are_counted_in_epochs(steps: str, settled: int):
    recipe = recipe_of(decay(steps))
    assert recipe_of(net(), recipe.mapping()).optimizer == recipe.optimizer
    (schedule,) = settle_schedule(recipe, 100).optimizer["SGD"]["learning_rate"].values()
    assert schedule["decay_steps"] == settled
    shorter = settle_schedule(recipe_of(decay(steps), steps=250), 100)
    (schedule,) = shorter.optimizer["SGD"]["learning_rate"].values()
    assert schedule["decay_steps"] == settled // 2 or "epochs" not in steps


def test_params_of_the_spec_stand_in_such_a_formula():
    text = (
        "archspec: 1\nparams: {warm: 2}\ninput: [4]\nlayers: [Dense: 2]\n"
        "train: {optimizer: {SGD: {learning_rate: {PiecewiseConstantDecay: "
        "{boundaries: [=warm * steps_per_epoch, =epochs * steps_per_epoch // 2], "
        "values: [0.1, 0.2, 0.3]}}}}, epochs: 8}\n"
    )
    recipe = recipe_of(archspec.loads(text))
    (schedule,) = settle_schedule(recipe, 10).optimizer["SGD"]["learning_rate"].values()
    assert schedule["boundaries"] == (20, 40)
    with pytest.raises(UserError, match="expects ascending boundaries, and has 20, 10"):
        settle_schedule(recipe_of(archspec.loads(text), epochs=2), 10)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("=epochs * steps_per_epok", "no param or loop variable is called 'steps_per_epok'"),
        ("=steps_per_epoch > 3", "must be a number of steps"),
        ("epochs", "must be a positive integer, or a formula with epochs and steps_per_epoch"),
        ("0", "must be a positive integer, or a formula"),
        ("=steps_per_epoch / 0", "division by zero"),
    ],
)
def test_a_formula_that_gives_no_steps_is_refused(steps: str, said: str):
    with pytest.raises(archspec.SpecError) as caught:
        decay(steps)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("val_accuracy", {"monitor": "val_accuracy", "mode": "max"}),
        ({"monitor": "loss"}, {"monitor": "loss", "mode": "min"}),
        ({"monitor": "val_accuracy", "mode": "min"}, {"monitor": "val_accuracy", "mode": "min"}),
        (None, None),
    ],
)
def test_the_best_epoch_is_judged_by_what_the_recipe_says(given: Any, found: Any):
    recipe = recipe_of(net(), {"best": given})
    assert recipe.best == found
    assert recipe_of(net(), recipe.mapping()) == recipe


STOPPING = {"EarlyStopping": {"monitor": "val_loss", "restore_best_weights": True}}


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ({"best": "val_acuracy"}, "'val_acuracy' is not measured", "did you mean 'val_accuracy'"),
        ({"best": "val_accuracy", "callbacks": [STOPPING]}, "watches val_loss", "the same monitor"),
        (
            {"best": {"monitor": "val_mean", "mode": "max"}},
            "'val_mean' is not measured",
            "`monitor",
        ),
        (
            {"best": "x", "metrics": [{"SparseCategoricalAccuracy": {"name": "y"}}]},
            "'x' is not measured",
            "`monitor` takes loss, y, val_loss, val_y",
        ),
    ],
)
def test_a_judge_of_the_best_epoch_that_cannot_be_is_refused(given: Any, said: str, hint: str):
    refused = refusal(net(), given)
    assert said in str(refused)
    assert hint in str(refused.hint)


# --- walls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("module", "loads"), [("recipe", False), ("data.images", True)])
@pytest.mark.thorough
def test_a_recipe_is_read_without_keras(module, loads):
    """The second case shows that the first can fail."""
    code = (
        f"import archspec.{module}, sys; sys.exit('keras' in sys.modules or 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == loads, done.stderr.decode()


# --- broken recipes ------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "data": {"name": "digits", "scale": [0, 1], "resize": [8, 8]},
    "epochs": 2,
    "optimizer": {"SGD": {"learning_rate": {"CosineDecay": {"decay_steps": 9, "alpha": 0.1}}}},
    "loss": {"CategoricalCrossentropy": {"label_smoothing": 0.1}},
    "metrics": ["CategoricalAccuracy", {"AUC": {"num_thresholds": 10}}],
    "callbacks": [{"EarlyStopping": {"patience": 3}}],
    "augment": ["RandomFlip", {"RandomRotation": 0.1}],
}


@pytest.mark.parametrize("count", few_or_many(20, 1000))
@pytest.mark.thorough
def test_a_recipe_that_is_broken_in_a_place_or_two_is_refused_or_sound(count):
    words = sorted({*RECIPE, *DATA, *(str(path[-1]) for path in places(WHOLE))})
    refused = 0

    def mutant(source):
        given = copy.deepcopy(WHOLE)
        for _ in range(source.choice([1, 1, 2])):
            broken(source, given, words, ODDER)
        return given

    def check(given):
        nonlocal refused
        try:
            recipe_of(net(), given)
        except Refused:
            refused += 1

    try_out(check, mutant, count)
    assert refused
