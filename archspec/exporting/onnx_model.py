"""Write and run ONNX, which many runtimes and Netron read.

tf2onnx keeps TensorFlow's name for what it cannot translate, and no runtime loads the file. Two
such operations are written in others here; any other one is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archspec.backends.spec_yaml import flat_name
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.streams import held_back


def write(model: Any, graph: Graph, path: Path) -> None:
    """Raises `UserError` for an operation that ONNX has not."""
    import onnx

    with held_back([]), warnings.catch_warnings(), _plain_statistics(model):
        warnings.simplefilter("ignore")  # of NumPy, about names that Keras puts back
        model.export(path, format="onnx", verbose=False)
    written = onnx.load(path)
    _translate(written.graph)
    _name_outputs(written.graph, [flat_name(name) for name in graph.outputs])
    _refuse_unknown(written)
    onnx.checker.check_model(written)
    onnx.save(written, path)


@contextmanager
def _plain_statistics(model: Any) -> Iterator[None]:
    """Let each Normalization hold its mean and variance as plain arrays: tf2onnx makes inputs of
    the model of TensorFlow's."""
    import keras

    found = [each for each in _list_layers(model) if isinstance(each, keras.layers.Normalization)]
    before = [(each.mean, each.variance) for each in found]
    for each in found:
        each.mean, each.variance = map(keras.ops.convert_to_numpy, (each.mean, each.variance))
    try:
        yield
    finally:
        for each, (mean, variance) in zip(found, before, strict=True):
            each.mean, each.variance = mean, variance


def _list_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        yield from _list_layers(layer) if hasattr(layer, "layers") else ()


def run(path: Path, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs for some inputs, in the model's order."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    by_name = dict(zip(graph.inputs, inputs, strict=True))
    given = {name: by_name.get(name, inputs[place]) for place, name in enumerate(names)}
    found = session.run([flat_name(name) for name in graph.outputs], given)
    return list(found)


def _translate(graph: Any) -> None:
    """Write Erfc(x), of an exact GELU, as 1 - Erf(x), and Expm1(x), of a CELU, as Exp(x) - 1."""
    from onnx import TensorProto, helper

    others = {"Erfc": ("Erf", True), "Expm1": ("Exp", False)}
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type not in others:
            nodes.append(node)
            continue
        (given,), (result,) = node.input, node.output
        op, is_turned = others[node.op_type]
        kind = _find_type(graph, given) or TensorProto.FLOAT
        one, inner = f"{result}/one", f"{result}/{op}"
        terms = [one, inner] if is_turned else [inner, one]
        nodes += [
            helper.make_node("Constant", [], [one], value=helper.make_tensor("one", kind, [], [1])),
            helper.make_node(op, [given], [inner]),
            helper.make_node("Sub", terms, [result]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)


def _find_type(graph: Any, name: str) -> int | None:
    for each in (*graph.value_info, *graph.input, *graph.output):
        if each.name == name:
            return int(each.type.tensor_type.elem_type)
    return None


def _name_outputs(graph: Any, names: Sequence[str]) -> None:
    """Call the outputs, which are in the model's order, as the spec does."""
    taken = {each.name for each in graph.input}
    for node in graph.node:
        taken |= {*node.input, *node.output}
    for output, name in zip(graph.output, names, strict=True):
        if output.name == name or name in taken:
            continue
        for node in graph.node:
            node.output[:] = [name if each == output.name else each for each in node.output]
            node.input[:] = [name if each == output.name else each for each in node.input]
        output.name = name


def _refuse_unknown(model: Any) -> None:
    from onnx import defs

    versions = {each.domain: each.version for each in model.opset_import}
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx"):
            try:
                defs.get_schema(node.op_type, versions.get(node.domain, 1), node.domain)
            except defs.SchemaError:
                raise UserError(
                    f"ONNX has no operation {node.op_type}, which '{node.name}' needs",
                    "use another layer or activation there, or write a folder/",
                ) from None
