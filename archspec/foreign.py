"""Recognize words and files of other libraries, and say what to write in a spec instead.

The nearest word by its letters would lead astray, as from `GELU` to `ELU`. The words are in small
letters and without `_`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import PurePath


def _make_table(*rows: tuple[str, str]) -> dict[str, str]:
    """Return a hint for each word; a row is several words and the hint for all of them."""
    return {word: hint for words, hint in rows for word in words.split()}


def _import(call: str) -> str:
    """Return the hint for a word that a block which comes with archspec stands for."""
    return f"write `import: [{call.partition(':')[0]}]` at the top, and `{call}` here"


def without_import(hint: str | None) -> str | None:
    """Return a hint for a place that has the blocks which come with archspec without `import`.

    >>> without_import("write `import: [cbam]` at the top, and `cbam` here")
    'write `cbam`'
    """
    found = re.fullmatch(r"write `import: .*` at the top, and `(.*)` here", hint or "")
    return f"write `{found[1]}`" if found else hint


LAYERS: Mapping[str, str] = _make_table(
    ("linear fc fullyconnected mlp", "write `Dense: 10`, of 10 units"),
    ("conv convolution", "write `Conv2D: {filters: 64, kernel_size: 3}`"),
    ("depthwiseconv dwconv", "write `DepthwiseConv2D: 3`"),
    (
        "deconv deconv2d deconvolution transposedconv convtranspose convtranspose2d",
        "write `Conv2DTranspose: {filters: 64, kernel_size: 2, strides: 2}`",
    ),
    ("batchnorm batchnorm1d batchnorm2d batchnorm3d bn", "write `BatchNormalization`"),
    ("layernorm ln", "write `LayerNormalization`"),
    ("groupnorm gn", "write `GroupNormalization: 32`, of 32 groups"),
    (
        "instancenorm instancenorm2d instancenormalization",
        "write `GroupNormalization: -1`, with a group for each channel",
    ),
    ("rmsnorm", "write `RMSNormalization`"),
    (
        "localresponsenormalization localresponsenorm lrn crossmapnorm",
        "no layers of Keras compute it: networks since then have `BatchNormalization`; one of your "
        "own comes by `--layers FILE`",
    ),
    ("maxpool pool pooling", "write `MaxPooling2D: 2`"),
    ("avgpool averagepool meanpool", "write `AveragePooling2D: 2`"),
    (
        "globalpool globalpooling globalavgpool globalaveragepool globalaveragepooling gap "
        "adaptiveavgpool adaptiveavgpool2d",
        "write `GlobalAveragePooling2D` or `GlobalMaxPooling2D`",
    ),
    ("upsample upsampling interpolate", "write `UpSampling2D: 2`"),
    ("resize", "write `Resizing: {height: 64, width: 64}`"),
    ("dropout1d dropout2d dropout3d", "write `SpatialDropout2D: 0.5`"),
    ("concat cat", "write `merge: Concatenate` beside `branches`, or give it `from: [a, b]`"),
    ("sum plus", "write `merge: Add` beside `branches`, or give it `from: [a, b]`"),
    ("mul", "write `merge: Multiply` beside `branches`, or give it `from: [a, b]`"),
    ("view squeeze unsqueeze", "write `Reshape: [7, 7, 64]`"),
    ("transpose rearrange", "write `Permute: [2, 1]`"),
    ("pad padding zeropad2d", "write `ZeroPadding2D: 1`"),
    ("crop cropping", "write `Cropping2D: 1`"),
    ("relu6", "write `ReLU: 6`"),
    (
        "selfattention multiheadselfattention",
        "write `MultiHeadAttention: {num_heads: 8, key_dim: 64}`, from: {query: x, value: x}",
    ),
    ("sequential model functional", "its layers are the list under `layers`"),
    ("input", "inputs are declared under `input` or `inputs`"),
    (
        "mean reducemean",
        "write `GlobalAveragePooling2D`, over rows and columns, or `merge: Average` beside "
        "`branches`",
    ),
    (
        "reducemax",
        "write `GlobalMaxPooling2D`, over rows and columns, or `merge: Maximum` beside `branches`",
    ),
    (
        "residual residualblock resblock basicblock bottleneck bottleneckblock skipconnection",
        "write a block under `blocks`, in small letters as `residual`, with `merge: Add` beside "
        "`branches: [[...], []]`, where `[]` is the shortcut",
    ),
    ("blurpool blurpool2d antialiasing", _import("blur_pool")),
    ("cbam", _import("cbam")),
    ("channelshuffle shufflechannels", _import("channel_shuffle: 2")),
    ("channelsplit split chunk", _import("channel_split: 0")),
    ("classtoken clstoken", _import("class_token")),
    ("convbnact convnormact convbn", _import("conv_bn_act: 64")),
    ("convbnrelu", _import("conv_bn_relu: 64")),
    ("globalcontext globalcontextblock gcblock contextblock", _import("global_context")),
    ("invertedresidual mbconv mbconvblock", _import("inverted_residual: 64")),
    ("layerscale", _import("layer_scale")),
    ("pixelshuffle depthtospace subpixelconv", _import("pixel_shuffle: 2")),
    (
        "positionembedding positionalembedding posembed addpositionembedding",
        _import("position_embedding"),
    ),
    ("spatialpyramidpooling spp spplayer", _import("spatial_pyramid_pooling")),
    (
        "squeezeexcite squeezeexcitation squeezeandexcitation squeezeandexcite se seblock selayer "
        "semodule",
        _import("squeeze_excite"),
    ),
    ("droppath stochasticdepth", _import("stochastic_depth: 0.1")),
    (
        "transformerencoder transformerencoderlayer transformerblock encoderblock",
        _import("transformer_encoder"),
    ),
)
BLOCKS = re.findall(r"`import: \[(\w+)\]`", " ".join(LAYERS.values()))  # that words stand for

_WRITTEN = "leave it out: a run writes history.csv, curves.png and its best model anyway"
_WHICH = "say which: SparseCategoricalCrossentropy, CategoricalCrossentropy or BinaryCrossentropy"
_DECAY = "{CosineDecay: {initial_learning_rate: 0.1, decay_steps: 1000}}"

OBJECTS: Mapping[str, Mapping[str, str]] = {
    "initializer": _make_table(
        ("xavier xavieruniform", "write GlorotUniform"),
        ("xaviernormal", "write GlorotNormal"),
        ("kaiming kaimingnormal he msra", "write HeNormal"),
        ("kaiminguniform", "write HeUniform"),
        ("normal gaussian", "write RandomNormal"),
        ("uniform", "write RandomUniform"),
    ),
    "activation": _make_table(
        ("prelu", "it has weights, and is a layer: write `- PReLU` after this one"),
    ),
    "optimizer": _make_table(
        ("lossscaleoptimizer", "leave it out: `precision: mixed_float16` brings it"),
        ("adabelief radam", "the nearest that Keras has is AdamW"),
        ("lars", "the nearest that Keras has is Lamb"),
    ),
    "loss": _make_table(
        ("crossentropy ce crossentropyloss nll nllloss", _WHICH),
        ("bcewithlogitsloss", "write {BinaryCrossentropy: {from_logits: true}}"),
        ("l1 l1loss", "write MeanAbsoluteError"),
        ("l2 l2loss mseloss", "write MeanSquaredError"),
        ("smoothl1 smoothl1loss", "write Huber"),
        ("focal focalloss", "write CategoricalFocalCrossentropy"),
    ),
    "metric": _make_table(
        ("crossentropy ce", _WHICH),
        ("f1", "write {F1Score: {average: macro}}"),
        ("top5 top5accuracy topk", "write {SparseTopKCategoricalAccuracy: 5}"),
        ("iou", "write {MeanIoU: {num_classes: 10}}"),
        ("rmse", "write RootMeanSquaredError"),
        ("r2", "write R2Score"),
    ),
    "callback": _make_table(
        ("modelcheckpoint checkpoint csvlogger history tensorboard progbarlogger", _WRITTEN),
        ("backupandrestore", "leave it out: `archspec train --resume RUN` resumes after any stop"),
        ("learningratescheduler", f"give the optimizer a schedule as `learning_rate`: {_DECAY}"),
        ("lambdacallback", "it needs Python code, which a recipe cannot hold"),
        ("swapemaweights", "use the optimizer's `use_ema` and `ema_overwrite_frequency`"),
        ("remotemonitor", "it sends values elsewhere, and a run sends nothing"),
    ),
}

TRAIN: Mapping[str, str] = _make_table(
    (
        "classweight classweights",
        "write data: {class_weight: balanced}, or a number for each class",
    ),
    ("sampleweight sampleweights", "write data: {sample_weight: COLUMN}"),
    ("trainable frozen freezelayers", "write freeze: [NAME], with the names of layers or blocks"),
    ("initfrom initialweights pretrained checkpoint", "give --init-from to the command"),
    ("shuffle", "leave it out: images are shuffled anew in each epoch, by `seed`"),
    (
        "validation validationsplit validationdata valsplit split",
        "write data: {validation: 0.1}, or keep them in a folder validation/ beside train/",
    ),
    (
        "validationsteps validationfreq stepsperepoch initialepoch",
        "leave it out: an epoch is one pass over the training images, and then validation",
    ),
    ("validationbatchsize", "leave it out: it is `batch_size`"),
    (
        "lr learningrate baselr lr0",
        "it is an argument of the optimizer: optimizer: {Adam: {learning_rate: 0.001}}",
    ),
    (
        "scheduler lrscheduler schedule lrschedule warmup",
        f"give the optimizer a schedule: {{SGD: {{learning_rate: {_DECAY}}}}}",
    ),
    (
        "momentum weightdecay nesterov clipnorm clipvalue globalclipnorm gradclip decay useema "
        "gradientaccumulationsteps",
        "it is an argument of the optimizer: optimizer: {SGD: {...}}",
    ),
    ("verbose", "leave it out: `archspec train --quiet` goes without the progress"),
    ("numepochs nepochs maxepochs nbepoch", "write epochs"),
    ("numsteps maxsteps iterations maxiter", "write steps"),
    ("batch bs minibatch minibatchsize", "write batch_size"),
    (
        "jitcompile runeagerly stepsperexecution workers usemultiprocessing maxqueuesize "
        "autoscaleloss",
        "leave it out: archspec chooses what is fast on the device",
    ),
    ("device gpu gpus", "leave it out: `archspec train --device` chooses it"),
    ("weightedmetrics", "write metrics"),
    ("patience earlystopping earlystop", "write callbacks: [{EarlyStopping: {patience: 5}}]"),
    ("checkpoint checkpoints modelcheckpoint savebest logdir tensorboard", _WRITTEN),
    (
        "augmentation augmentations dataaugmentation transform transforms preprocessing",
        "write augment, with a list of layers",
    ),
    ("dataset datasets x path datadir", "write data"),
    ("amp fp16 bf16 mixedprecision half", "write precision: mixed_float16, or mixed_bfloat16"),
    ("dtype", "write precision"),
    ("randomseed randomstate manualseed", "write seed"),
    ("criterion objective", "write loss"),
    ("limit", "leave it out: `archspec train --limit 1000` takes so many images"),
    ("resize", "write data: {resize: true}"),
    ("scale", "write data: {scale: [0, 1]}"),
)

_INPUT = "the shape of the network's input stands once, at the top: input: [28, 28, 1]"

# Arguments of layers, of older Keras, of PyTorch and others.
ARGUMENTS: Mapping[str, str] = _make_table(
    ("inputshape inputdim batchinputshape inputsize inputlength", _INPUT),
    (
        "infeatures inchannels innodes numfeatures normalizedshape",
        "leave it out: it follows from what the layer takes",
    ),
    ("outfeatures outputdim", "write units"),
    ("outchannels nfilters numfilters nbfilter", "write filters"),
    ("ksize kernel nbrow nbcol filterlength", "write kernel_size"),
    ("kernelsize poollength", "write pool_size"),
    ("subsample subsamplelength", "write strides"),
    ("bordermode", "write padding"),
    ("dimordering", "write data_format"),
    ("inputs input", "its inputs are written beside it: `from: [a, b]`"),
    ("bias", "write use_bias: true or false"),
    ("act nonlinearity", "write activation"),
    ("alpha", "write negative_slope"),
    ("inplace fused startdim", "leave it out"),
    ("dilation atrousrate", "write dilation_rate"),
    ("affine", "write scale and center: true or false"),
    ("p keepprob prob", "write rate, the share that is dropped"),
    ("weightdecay", "write kernel_regularizer: {L2: 0.0001}"),
    ("init initializer weightinit", "write kernel_initializer"),
    ("regularizer wregularizer", "write kernel_regularizer"),
    ("bregularizer", "write bias_regularizer"),
    ("constraint wconstraint", "write kernel_constraint"),
    ("bconstraint", "write bias_constraint"),
    ("scalefactor", "write size"),
)

# Values of arguments.
VALUES: Mapping[str, str] = {
    "float": "float32",
    "int": "int32",
    "integer": "int32",
    "long": "int64",
    "nchw": "channels_first",
    "ncdhw": "channels_first",
    "ncl": "channels_first",
    "nhwc": "channels_last",
    "ndhwc": "channels_last",
    "nlc": "channels_last",
    "zeros": "same",
    "half": "same",
    "none": "valid",
}

# Words of the data in a recipe.
DATA: Mapping[str, str] = _make_table(
    ("split valsplit validationsplit", "write validation: 0.2, the share held out"),
)

# Arguments of optimizers, of older Keras, of PyTorch and of other optimizers.
OPTIMIZER_ARGUMENTS: Mapping[str, str] = _make_table(
    ("decay", "give it a schedule, as Keras has it now: learning_rate: {InverseTimeDecay: {...}}"),
    ("momentum", "write beta_1, which averages the gradients as momentum does"),
    ("alpha", "write rho"),
    ("wd l2", "write weight_decay"),
)

SHAPE_ABOVE = "write input: [28, 28, 1]"

# Words at the top of a file.
TOP: Mapping[str, str] = _make_table(
    ("inputshape inputsize shape inputdim imagesize", SHAPE_ABOVE),
    ("version spec format", "begin with `archspec: 1`"),
    ("model network architecture graph net", "the steps are a list under `layers`"),
    ("output head", "name steps in a list: outputs: [head]; by default it is the last step"),
    ("variables vars constants config hyperparameters hparams parameters", "write params"),
    ("functions macros templates definitions modules defs", "write blocks"),
    ("base parent inherits inherit", "write extends"),
    ("imports include includes", "write import, with a list of files"),
    ("title", "write name"),
    ("contracts asserts constraints budget", "write require"),
    ("training recipe fit compile", "write train"),
    ("nodes steps ops operations stages", "write layers"),
)

# Words beside a layer in its step.
STEP: Mapping[str, str] = _make_table(
    ("if condition unless onlyif enabled", "write when: =width > 3"),
    ("foreach each loop forall", "write for: {i: =range(3)}"),
    ("times count repeats n number depth", "write repeat: 3"),
    ("inputs bottom sources source parents", "write from: [a, b], or the name of one step"),
    ("id label key alias top", "write name"),
    (
        "args kwargs arguments params config attrs",
        "arguments stand under the layer: `- Dense: {units: 3}`",
    ),
)

# Contracts.
CONTRACTS: Mapping[str, str] = _make_table(
    ("flops flop gflops multadds madds", "write macs: a MAC is two FLOPs"),
    ("parameters weights size numparams modelsize", "write params"),
    ("memory ram vram", "write memory@32, with the batch size"),
    ("rf field", "write receptive_field"),
    ("outputshape shape", "write output"),
)

# Keys that other libraries have for the name of a layer.
KINDS = ("type", "layer", "class_name", "class", "op", "kind", "module", "layer_type")

PRECISIONS: Mapping[str, str] = _make_table(
    ("float16 fp16 half 16 16-mixed amp", "mixed_float16"),
    ("bfloat16 bf16 bf16-mixed", "mixed_bfloat16"),
    ("float fp32 single full 32 32-true", "float32"),
    ("double fp64 64 64-true", "float64"),
)

# --- files ---------------------------------------------------------------------------------------

_START = "archspec reads its own language: `archspec new FILE --from lenet5` starts a spec"
_DATA = "it is data: archspec train SPEC --data FILE"
_KERAS = "`archspec import {file} -o {spec}` writes its spec"
_HDF5 = (
    "in Python: keras.models.load_model({name!r}).save({again!r}); then "
    "`archspec import {keras} -o {spec}` writes its spec"
)
_JSON = "a Keras model as JSON"
APPLICATION = "keras.applications."  # before the name of a model that Keras brings

START = 4096  # bytes in which a JSON file says that it is a Keras model

# (position, bytes there, what the file is, hint)
BEGINNINGS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras's .h5 models are", _HDF5),
    (0, b"\x93NUMPY", "a NumPy array (.npy)", "save images and labels in one .npz for --data"),
    (0, b"\x89PNG", "a picture (PNG)", "a folder of pictures by class is given as --data"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", "a folder of pictures by class is given as --data"),
    (0, b"GIF8", "a picture (GIF)", "a folder of pictures by class is given as --data"),
    (8, b"WEBP", "a picture (WebP)", "a folder of pictures by class is given as --data"),
    (0, b"II*\0", "a picture (TIFF)", "a folder of pictures by class is given as --data"),
    (0, b"MM\0*", "a picture (TIFF)", "a folder of pictures by class is given as --data"),
    (0, b"%PDF", "a PDF", _START),
    (0, b"\x1f\x8b", "a compressed file (gzip)", "unpack it first"),
    (257, b"ustar", "an archive (tar)", "unpack it first"),
    (4, b"TFL3", "a model of TensorFlow Lite", _START),
    (0, b"GGUF", "a model of llama.cpp (GGUF)", _START),
    (8, b'{"', "weights of safetensors", _START),
    *((0, bytes((128, n)), "a pickle, as of PyTorch or scikit-learn", _START) for n in range(2, 6)),
)
# (end of the first member's name in a zip file, what the file is, hint)
ZIP_MEMBERS: tuple[tuple[str, str, str], ...] = (
    ("metadata.json", "a Keras model (.keras)", _KERAS),
    ("config.json", "a Keras model (.keras)", _KERAS),
    (".npy", "arrays of NumPy (.npz)", _DATA),
    ("data.pkl", "a model of PyTorch", _START),
    ("", "a zip file", "unpack it first"),
)
# (pattern of the beginning of a text without comments, what the text is)
TEXTS: tuple[tuple[str, str], ...] = (
    (r"\[(net|network)\]", "a network of Darknet (.cfg)"),
    (r"(name\s*:\s*\".*\"\s*|\w+\s*:.*\n\s*)*layers?\s*\{", "a network of Caffe (.prototxt)"),
    (r"(import\s+\w|from\s+[\w.]+\s+import\s|def\s+\w+\(|class\s+\w+[(:])", "a Python program"),
    (r"(strict\s+)?digraph\b", "a drawing for Graphviz"),
    (r"<(\?xml|svg|!doctype|html)", "an XML or HTML file"),
)
# (keys of a mapping, where `a|b` is either, what the mapping is)
MAPPINGS: tuple[tuple[str, str], ...] = (
    ("backbone head", "a model of Ultralytics (YOLO)"),
    ("names val|train nc|path|val", "a dataset of Ultralytics (YOLO)"),
    ("input_features|output_features", "a model of Ludwig"),
    ("class_name config", _JSON),
    ("modelTopology", "a model of TensorFlow.js"),
    (
        "architectures|model_type hidden_size|transformers_version|vocab_size",
        "a Hugging Face model",
    ),
    ("MODEL SOLVER|DATASETS|_BASE_", "a configuration of Detectron2"),
    ("trainer model", "a configuration of Lightning"),
    ("cells nbformat", "a Jupyter notebook"),
    ("images annotations", "annotations of COCO"),
    ("services", "a file of Docker Compose"),
    ("jobs on|steps", "a workflow of GitHub Actions"),
    ("repos", "a configuration of pre-commit"),
    ("apiVersion kind", "a manifest of Kubernetes"),
    ("channels dependencies", "an environment of conda"),
    ("openapi|swagger", "an API in OpenAPI"),
    ("$schema $defs|definitions|properties", "a JSON Schema"),
    ("fingerprint status", "the run.json of a run"),
    ("best_epoch test|validation", "the metrics.json of a run"),
    ("graph _name|inputs|outputs", "a model of narchi"),
)


def recognize_file(raw: bytes, name: str) -> tuple[str, str] | None:
    """Return what a file of another tool is, and a hint, from its first bytes; None for others.

    name: what the hint calls the file.
    """
    found = _recognize_bytes(raw)
    return found and (found[0], _name_file(found[1], name))


def _name_file(hint: str, name: str) -> str:
    """Return a hint with the name of the file that it is about, FILE for one that has none."""
    path = PurePath(name)
    file, stem = (name, path.stem) if path.suffix else ("FILE", "model")
    if hint not in (_KERAS, _HDF5):
        return hint
    return hint.format(
        name=path.name,
        again=f"{stem}.keras",
        file=shlex.quote(file),
        spec=shlex.quote(f"{stem}.yaml"),
        keras=shlex.quote(f"{stem}.keras"),
    )


def suggest_import(model: str) -> str:
    """Return the hint for a Keras model that is given where a spec is needed.

    >>> suggest_import("keras.applications.VGG16")
    '`archspec import keras.applications.VGG16 -o vgg16.yaml` writes its spec'
    """
    if not model.startswith(APPLICATION):
        return _name_file(_KERAS, model)
    stem = model.removeprefix(APPLICATION).lower() or "model"
    return _KERAS.format(file=shlex.quote(model), spec=shlex.quote(f"{stem}.yaml"))


def is_keras_model(raw: bytes) -> bool:
    """Return whether a file holds a Keras model, from its first bytes."""
    found = _recognize_bytes(raw)
    return found is not None and found[1] in (_KERAS, _HDF5)


def _recognize_bytes(raw: bytes) -> tuple[str, str] | None:
    for place, beginning, what, hint in BEGINNINGS:
        if raw[place : place + len(beginning)] == beginning:
            return what, hint
    start = raw[:START]
    if start.lstrip()[:1] == b"{" and b'"class_name"' in start and b'"archspec"' not in start:
        return _JSON, _KERAS  # seen at once, since YAML takes seconds to read a large one
    if raw[:4] == b"PK\x03\x04":
        length = int.from_bytes(raw[26:28], "little")
        member = raw[30 : 30 + length].decode(errors="replace")
        return next((what, hint) for end, what, hint in ZIP_MEMBERS if member.endswith(end))
    if raw[:1] == b"\x08" and raw[1:2] < b"\x20" and raw[2:3] in (b"\x12", b'"', b":", b"B"):
        return "a model of ONNX", _START
    return None


def recognize_text(text: str) -> tuple[str, str] | None:
    """Return what a text is that is no spec, and a hint; None for others.

    Some programs are valid YAML by chance.
    """
    if re.search(r"^archspec\s*:", text, re.MULTILINE):
        return None
    begins = re.sub(r"\A(\s|[#%;].*(\n|\Z)|//.*(\n|\Z))+", "", text[:10_000])
    for pattern, what in TEXTS:
        if re.match(pattern, begins, re.IGNORECASE):
            return what, _START
    return None


def recognize_mapping(data: Mapping[str, object], name: str) -> tuple[str, str] | None:
    """Return what a YAML or JSON mapping of another tool is, and a hint; None for others.

    name: what the hint calls the file.
    """
    if "archspec" in data:
        return None
    for words, what in MAPPINGS:
        if all(any(each in data for each in word.split("|")) for word in words.split()):
            return what, _name_file(_KERAS if what == _JSON else _START, name)
    return None
