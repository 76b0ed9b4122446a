"""Define the keys of the `train` mapping of a spec: a record, with each key stated once.

A key is a field of `Train` or `Data`: its type, its sentence and its default, and `OPTION` where
the command line has it as an option, too. From the fields come the JSON Schema, the check of a
value, the options, and the mapping that resolved.yaml has. To add a key, add a field.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated as A
from typing import Any

from msgspec import Struct

from archspec import foreign
from archspec.arguments import (
    BOOLEAN,
    OPTION,
    POSITIVE,
    RUN_SEED,
    TEXT,
    Contract,
    Sizes,
    Type,
    bind,
    choice,
    optional,
)
from archspec.errors import UserError, did_you_mean
from archspec.objects import Object
from archspec.recipe.types import (
    AUGMENT,
    BEST,
    CALLBACKS,
    CLASS_WEIGHT,
    COLUMNS,
    LOSSES,
    METRICS,
    OPTIMIZER,
    PATTERNS,
    PRECISION,
    RESIZE,
    SAVE_EVERY,
    SCALE,
    SHARE,
    UNFREEZE,
    WEIGHTS,
)
from archspec.syntax.source import read_file, to_plain


class Data(Struct, frozen=True, kw_only=True):
    """The `train.data` of a spec: the data, what of it is learnt, and how images are prepared."""

    name: A[
        str | None,
        optional(TEXT),
        "A dataset, a folder of images, a table (.csv), or arrays (.npz, or a folder of .npy).",
    ] = None
    inputs: A[
        Any, COLUMNS, "The columns that the inputs take, where their names do not say it."
    ] = None
    targets: A[
        Any,
        COLUMNS,
        "The columns that the outputs learn, or the word input: what the network is given.",
    ] = None
    part: A[
        str | None,
        optional(TEXT),
        "The column that says of each sample whether it is train, validation or test.",
    ] = None
    sample_weight: A[
        str | None, optional(TEXT), "The column with the weight of each sample in the loss."
    ] = None
    class_weight: A[
        Any,
        CLASS_WEIGHT,
        "How much the samples of each class count; balanced: rare ones count more.",
    ] = None
    scale: A[
        tuple[float, float] | None,
        optional(SCALE),
        "Range that the data's own is mapped to; null leaves pixels as they are stored.",
    ] = (0.0, 1.0)
    resize: A[
        bool | Sizes | Mapping[str, Any],
        RESIZE,
        "true: to the size of the spec's input; [height, width]: to that size; "
        "{to: input, keep_aspect: pad or crop}: without distortion.",
    ] = False
    channels: A[bool, BOOLEAN, "Whether images are made grey or RGB, as the spec's input is."] = (
        False
    )
    validation: A[float, SHARE, "Share of the training set that is held out."] = 0.1
    split_seed: A[int, RUN_SEED, "Which images are held out."] = 0
    decode: A[
        str,
        choice("exact", "fast"),
        "fast: a JPEG that is made smaller is decoded at a half, a quarter or an eighth of its "
        "size, which gives slightly other pixels.",
    ] = "exact"
    skip_broken: A[
        bool,
        BOOLEAN,
        "Whether to leave out image files that cannot be read, instead of refusing them.",
    ] = False


DATA = Contract(Data)


def _read_data(value: Any) -> Data:
    given = {"name": value} if isinstance(value, str) else value
    return Data(**bind("train.data", DATA, given))


DATASET = Type(
    "the name of a dataset, a folder, an .npz file, or a mapping",
    {"type": ["string", "object"]},
    _read_data,
    "data",
    write=lambda data: {name: getattr(data, name) for name in DATA},
)


class Train(Struct, frozen=True, kw_only=True):
    """The `train` mapping of a spec, whose keys are those of Keras's compile and fit.

    A spec has epochs or steps, not both.
    """

    data: A[Data | None, DATASET, "What to train on.", OPTION] = None
    augment: A[
        tuple[Object, ...], AUGMENT, "Layers that change each training image at random."
    ] = ()
    batch_size: A[int, POSITIVE, "Samples in one training step.", OPTION] = 32
    epochs: A[int | None, POSITIVE, "Passes over the training set.", OPTION] = 5
    steps: A[int | None, optional(POSITIVE), "Training steps, instead of epochs.", OPTION] = None
    optimizer: A[Object, OPTIMIZER, "How the weights follow the gradients."] = "Adam"
    loss: A[
        Object | Mapping[str, Object] | None,
        LOSSES,
        "What training makes small; null is sparse categorical cross-entropy, of one unit binary "
        "cross-entropy, from probabilities or logits as the output gives.",
    ] = None
    metrics: A[
        tuple[Object, ...] | Mapping[str, tuple[Object, ...]] | None,
        METRICS,
        "What is measured besides the loss; null is accuracy for classes, BinaryAccuracy for "
        "several labels, MeanAbsoluteError for numbers, nothing for images.",
    ] = None
    loss_weights: A[
        Mapping[str, float] | None, WEIGHTS, "How much the loss of each output counts."
    ] = None
    freeze: A[
        tuple[str, ...],
        PATTERNS,
        "Names of layers, blocks or groups whose weights stay as they are, or patterns of them.",
    ] = ()
    unfreeze: A[
        Mapping[str, Any] | None,
        UNFREEZE,
        "The epoch, from 1, with which frozen layers begin to learn, and the learning rate then.",
    ] = None
    callbacks: A[
        tuple[Object, ...],
        CALLBACKS,
        "What watches over the training, such as EarlyStopping.",
    ] = ()
    best: A[
        Any,
        BEST,
        "What the epoch whose model is kept is judged by; null is the least validation loss, or "
        "what an EarlyStopping that restores the best weights watches.",
    ] = None
    save_every: A[
        Mapping[str, float] | None,
        SAVE_EVERY,
        "How often the state is saved within an epoch: {steps: N} or {minutes: M}; it always is at "
        "the end of one.",
    ] = None
    precision: A[str, PRECISION, "Type that layers compute in.", OPTION] = "float32"
    seed: A[
        int,
        RUN_SEED,
        "Start of all random numbers: weights, order of the data, dropout.",
    ] = 0


RECIPE = Contract(Train)


def suggest_key(word: str) -> str | None:
    """Return a hint for a key that `train` lacks: what others mean by it, or one like it."""
    return foreign.TRAIN.get(word.replace("_", "").casefold()) or did_you_mean(word, RECIPE)


def given_in(file: Path) -> dict[str, Any]:
    """Return the `train` mapping of a file that holds nothing else.

    Raises `UserError` for a file with other content.
    """
    given = to_plain(read_file(file).root)
    if not isinstance(given, dict):
        raise UserError(f"{file}: a recipe is a mapping, as under `train:` in a spec")
    if "archspec" in given or "layers" in given:
        hint = "a recipe's file holds what stands under `train:`, without that word"
        raise UserError(f"{file}: this is a whole spec, not a recipe", hint)
    if list(given) == ["train"] and isinstance(given["train"], dict):
        raise UserError(f"{file}: a recipe is what stands under `train:`", "leave that word out")
    if other := foreign.recognize_mapping(given, str(file)):
        raise UserError(f"{file}: this is {other[0]}, not a recipe", other[1])
    return given
