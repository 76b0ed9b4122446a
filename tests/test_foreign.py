"""Words of other libraries lead to what a Keras user would write, not to the nearest letters."""

import re

import pytest
from texts import refused

import archspec
from archspec import foreign
from archspec.errors import Refused, SpecError, did_you_mean
from archspec.layers import LAYERS
from archspec.objects import TABLES, meant, read
from archspec.recipe import RECIPE, recipe_of
from archspec.recipe import meant as meant_in_train


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("GELU", "write `Activation: gelu`"),
        ("gelu", "write `Activation: gelu`"),
        ("Swish", "write `Activation: silu`"),
        ("Sigmoid", "write `Activation: sigmoid`"),
        ("ReLU6", "write `ReLU: 6`"),
        ("Linear", "write `Dense: 10`, of 10 units"),
        ("Upsample", "write `UpSampling2D: 2`"),
        ("BatchNorm2d", "write `BatchNormalization`"),
        ("GlobalPool", "write `GlobalAveragePooling2D` or `GlobalMaxPooling2D`"),
        ("Conv2d", "did you mean 'Conv2D'?"),
        ("relu", "did you mean 'ReLU'?"),
    ],
)
def test_a_layer_by_another_name(word: str, hint: str) -> None:
    found = refused(f"- {word}")
    assert (found.code, found.hint) == ("unknown-layer", hint)


def test_an_own_block_misspelt_comes_before_the_words_of_others() -> None:
    found = refused("- cnov", "input: [8, 8, 4]\nblocks: {conv: {layers: [Flatten]}}")
    assert found.hint == "did you mean 'conv'?"


@pytest.mark.parametrize("hint", sorted(set(foreign.LAYERS.values())))
def test_what_a_hint_writes_is_sound(hint: str) -> None:
    """Each layer between backticks, on an input that it can take."""
    for step in re.findall(r"`([^`]+)`", hint):
        layer = step.partition(":")[0]
        if layer not in LAYERS:
            continue  # a word of the language
        more = "\n    from: {query: input, value: input}" if "Attention" in layer else ""
        shape = {"Reshape": [7, 7, 64], "Permute": [8, 64]}.get(layer, [8, 8, 64])
        archspec.loads(f"archspec: 1\ninput: {shape}\nlayers:\n  - {step}{more}\n")


@pytest.mark.parametrize("kind", foreign.OBJECTS)
def test_what_a_hint_says_of_objects_is_there(kind: str) -> None:
    for word, hint in foreign.OBJECTS[kind].items():
        assert meant(kind, word) == hint
        for name in re.findall(r"^write \{?([A-Z]\w+)", hint):
            assert name in TABLES[kind]


def test_train_words_of_keras_and_others_are_none_of_ours() -> None:
    assert not {word for word in RECIPE if word.replace("_", "") in foreign.TRAIN}
    assert set(foreign.PRECISIONS.values()) <= set(RECIPE["precision"].type.schema["enum"])


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("class_weight", "a recipe cannot weigh classes or samples yet"),
        ("shuffle", "leave it out: images are shuffled anew"),
        ("validation_split", "write data: {validation: 0.1}"),
        ("lr", "it is an argument of the optimizer"),
        ("learning_rate", "it is an argument of the optimizer"),
        ("optimiser", "did you mean 'optimizer'?"),
        ("verbose", "`archspec train --quiet`"),
        ("num_epochs", "write epochs"),
        ("batchsize", "did you mean 'batch_size'?"),
        ("jit_compile", "leave it out"),
    ],
)
def test_a_word_of_fit_and_compile(word: str, hint: str) -> None:
    assert hint in (meant_in_train(word) or "")
    found = refused("- Dense: 3", f"input: [8]\ntrain: {{{word}: 1}}")
    assert found.message == f"train has no word '{word}'"
    assert hint in (found.hint or "")
    with pytest.raises(Refused) as caught:  # as in a file of --recipe
        recipe_of(archspec.loads("archspec: 1\ninput: [8]\nlayers: [Dense: 3]"), {word: 1})
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("precision: bfloat16", "write mixed_bfloat16"),
        ("precision: float16", "write mixed_float16"),
        ("precision: fp32", "write float32"),
        ("callbacks: [ModelCheckpoint]", "leave it out"),
        ("callbacks: [{LearningRateScheduler: {schedule: x}}]", "CosineDecay"),
        ("loss: crossentropy", "say which"),
        ("metrics: [f1]", "write {F1Score: {average: macro}}"),
        ("optimizer: AdmaW", "did you mean 'AdamW'?"),
    ],
)
def test_values_of_others(given: str, hint: str) -> None:
    found = refused("- Dense: 3", f"input: [8]\ntrain: {{{given}}}")
    assert hint in (found.hint or "")


def test_a_part_counts_more_than_letters_that_are_alike() -> None:
    known = ["float32", "mixed_bfloat16", "mixed_float16", "float64"]
    assert did_you_mean("bfloat16", known) == "did you mean 'mixed_bfloat16'?"
    assert did_you_mean("BatchNorm", ["BatchNormalization", "Dense"]) == (
        "did you mean 'BatchNormalization'?"
    )


def test_objects_refused_by_name_have_the_same_hint() -> None:
    with pytest.raises(Refused) as caught:
        read("callback", "ModelCheckpoint")
    assert caught.value.hint == foreign.OBJECTS["callback"]["modelcheckpoint"]
    with pytest.raises(SpecError):
        archspec.loads("archspec: 1\ninput: [8]\nlayers: [GELU]")
