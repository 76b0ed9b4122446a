"""Build the table: every layer that a spec may have, and those of Keras that it may not."""

from collections.abc import Mapping
from typing import Any

from archspec.graph import Node
from archspec.layers import (
    activations,
    attention,
    audio,
    convolution,
    dense,
    encoding,
    images,
    merging,
    noise,
    normalization,
    others,
    pixels,
    pooling,
    reshaping,
)
from archspec.layers.layer import Layer
from archspec.layers.traits import Traits
from archspec.objects import named

# What the layers are for -> those layers, in the order of the reference page.
FAMILIES: dict[str, tuple[Layer, ...]] = {
    "convolution": convolution.FAMILY,
    "dense layers": dense.FAMILY,
    "pooling": pooling.FAMILY,
    "normalisation": normalization.FAMILY,
    "activation layers": activations.FAMILY,
    "noise and penalties": noise.FAMILY,
    "shape": reshaping.FAMILY,
    "merging": merging.FAMILY,
    "attention layers": attention.FAMILY,
    "others": others.FAMILY,
    "images": images.FAMILY,
    "values of pixels": pixels.FAMILY,
    "encoding": encoding.FAMILY,
    "sound": audio.FAMILY,
}

LAYERS: dict[str, Layer] = {each.name: each for family in FAMILIES.values() for each in family}


def list_own() -> tuple[Layer, ...]:
    """Return the layers of one's own that the table has, from files that the user named."""
    return tuple(each for each in LAYERS.values() if each.file is not None)


_INPUT, _UNKNOWN = Traits(title="input", gradient_needs="nothing"), Traits()


def traits_of(op: str) -> Traits:
    """Return the traits of a layer, also of an input and of a layer that the table lacks."""
    if op in LAYERS:
        return LAYERS[op].traits
    return _INPUT if op == "InputLayer" else _UNKNOWN


def find_activation(node: Node) -> str | None:
    """Return the name of the activation that a node's output has passed, or None.

    It is the layer's `activation`, or the function that the layer itself is: "relu" for ReLU.
    """
    return name_activation(node.op, node.arguments)


def name_activation(op: str, arguments: Mapping[str, Any]) -> str | None:
    """Return the name of the activation that the output of a layer has passed, or None."""
    activation = traits_of(op).activation or arguments.get("activation")
    return None if activation is None else named(activation)[0]


# Keras's other names for layers -> the names that a spec has.
ALIASES: dict[str, str] = {
    name.replace("Pooling", "Pool").replace("Average", "Avg").replace("Conv", "Convolution"): name
    for name in LAYERS
    if name.startswith(("MaxP", "AverageP", "GlobalM", "GlobalA", "Conv", "SeparableConv"))
}

# Layers that Keras has and a spec cannot have, whatever is added to the table.
REFUSED: dict[str, str] = {
    "Lambda": "it carries Python code; write the steps with layers",
    "TorchModuleWrapper": "it carries a PyTorch module, which is code",
    "JaxLayer": "it carries JAX functions, which are code",
    "FlaxLayer": "it carries a Flax module, which is code",
    "TFSMLayer": "it runs a saved TensorFlow graph, whose layers nothing here can see",
    "InputLayer": "inputs are declared under `input` or `inputs`",
    "Layer": "it is the base of all layers and does nothing",
    "Wrapper": "it is the base of the layers that wrap another",
}

_RECURRENT = "recurrent layers are not described yet; attention and causal Conv1D are"
_CELL = "it is a part of a recurrent layer, and those are not described yet"
_WRAPPER = "it wraps a layer, and a spec cannot write a layer inside another's arguments yet"
_MIXING = "it mixes the labels with the images, and a layer of a spec never sees the labels"
_TENSORFLOW = "Keras computes it with TensorFlow outside the model, whatever the backend"
_STRINGS = "it takes text, and the tensors of a spec hold numbers"

# Layers that Keras has and the table does not, and why.
LACKING: dict[str, str] = {
    **dict.fromkeys(("RNN", "SimpleRNN", "LSTM", "GRU"), _RECURRENT),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
    **dict.fromkeys(("SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells"), _CELL),
    **dict.fromkeys(("Bidirectional", "SpectralNormalization"), _WRAPPER),
    "TimeDistributed": f"{_WRAPPER}; Dense and EinsumDense work at each step by themselves",
    "Pipeline": "it is a list of layers, which is what `layers` is",
    **dict.fromkeys(("MixUp", "CutMix"), _MIXING),
    "MaxNumBoundingBoxes": "it takes boxes, and a layer of a spec takes images alone",
    "RandomElasticTransform": "JAX cannot compile it: the size of its blur is a random number",
    **dict.fromkeys(("Hashing", "HashedCrossing", "IntegerLookup"), _TENSORFLOW),
    **dict.fromkeys(("StringLookup", "TextVectorization"), _STRINGS),
}
