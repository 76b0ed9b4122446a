"""Read the parts of a model's config, each with its type checked, at its path.

Keras 2 wrote the wiring in another way than Keras 3; both are read as `LayerUse`s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from archspec.arguments import show
from archspec.graph import Shape
from archspec.importing.findings import Misread

KINDS = {dict: "a mapping", list: "a list", str: "text", int: "an integer", bool: "true or false"}
T = TypeVar("T")


class Ref(Struct, frozen=True):
    """The output of a layer's call that something takes: the layer, the call, the place in it.

    counts_itself: whether the calls of a model within the model are counted from 1, since Keras
    counts the making of it as the first one: at the ends of a model, and everywhere in Keras 2.
    """

    layer: str
    call: int
    output: int
    shape: Shape | None = None
    dtype: str | None = None
    counts_itself: bool = True


class LayerUse(Struct, frozen=True):
    """A call of a layer. args, kwargs: with a `Ref` for each tensor."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    path: str


class LayerConfig(Struct, frozen=True):
    """A layer of a model, or a model within it.

    module: None in what Keras 2 wrote. calls: empty in a Sequential model.
    """

    name: str
    class_name: str
    module: str | None
    registered_name: str | None
    config: Mapping[str, Any]
    calls: tuple[LayerUse, ...]
    path: str

    @property
    def title(self) -> str:
        """The layer's name in messages."""
        return f"{self.class_name} '{self.name}'"


def get(mapping: Mapping[str, Any], key: str, kind: type[T], path: str) -> T:
    """Return a value of a mapping. Raises `Misread` if it is not there, or of another kind."""
    if key not in mapping:
        raise Misread(f"'{key}' is missing", path)
    return check(mapping[key], kind, f"{path}.{key}")


def check(value: Any, kind: type[T], path: str) -> T:
    """Return a value. Raises `Misread` if it is of another kind."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Misread(f"this must be {KINDS[kind]}, got {show(value)}", path)
    return value


def read_layer(raw: Any, path: str) -> LayerConfig:
    """Return a layer as it stands in `layers`. Raises `Misread`."""
    entry = check(raw, dict, path)
    config = get(entry, "config", dict, path)
    name = entry.get("name") or config.get("name")
    module, registered = entry.get("module"), entry.get("registered_name")
    nodes = check(entry.get("inbound_nodes") or [], list, f"{path}.inbound_nodes")
    return LayerConfig(
        check(name, str, f"{path}.name"),
        get(entry, "class_name", str, path),
        None if module is None else check(module, str, f"{path}.module"),
        None if registered is None else check(registered, str, f"{path}.registered_name"),
        config,
        tuple(_read_call(each, f"{path}.inbound_nodes[{i}]") for i, each in enumerate(nodes)),
        path,
    )


def _read_call(raw: Any, path: str) -> LayerUse:
    if isinstance(raw, list):
        return _read_old_call(raw, path)
    node = check(raw, dict, path)
    args, kwargs = get(node, "args", list, path), get(node, "kwargs", dict, path)
    return LayerUse(
        tuple(_read_value(each, f"{path}.args[{i}]") for i, each in enumerate(args)),
        {key: _read_value(each, f"{path}.kwargs.{key}") for key, each in kwargs.items()},
        path,
    )


def _read_value(raw: Any, path: str) -> Any:
    """Return an argument of a call, with a `Ref` for each tensor in it."""
    if isinstance(raw, list):
        return [_read_value(each, f"{path}[{i}]") for i, each in enumerate(raw)]
    if not isinstance(raw, dict):
        return raw
    if raw.get("class_name") != "__keras_tensor__":
        return {key: _read_value(each, f"{path}.{key}") for key, each in raw.items()}
    config = get(raw, "config", dict, path)
    ref = read_ref(get(config, "keras_history", list, f"{path}.config"), f"{path}.config")
    shape, dtype = config.get("shape"), config.get("dtype")
    sound = isinstance(shape, list) and all(axis is None or type(axis) is int for axis in shape)
    return Ref(
        *(ref.layer, ref.call, ref.output),
        tuple(shape) if sound and shape else None,
        dtype if isinstance(dtype, str) else None,
        counts_itself=False,
    )


def read_ref(raw: Any, path: str) -> Ref:
    """Return a reference as Keras writes it, `["dense", 0, 0]`. Raises `Misread` for another."""
    if not is_ref(raw):
        raise Misread(f"this must be [name, call, output], got {show(raw)}", path)
    return Ref(*raw[:3])


def is_ref(raw: Any) -> bool:
    """Return whether a value is a reference as Keras writes it."""
    return isinstance(raw, list) and [type(each) for each in raw[:3]] == [str, int, int]


def _read_old_call(raw: Sequence[Any], path: str) -> LayerUse:
    """Return a call as Keras 2 wrote it: a list of [name, call, output, other arguments]."""
    tensors: list[Any] = []
    kwargs: dict[str, Any] = {}
    for i, each in enumerate(raw):
        tensors.append(read_ref(each, f"{path}[{i}]"))
        if len(each) > 3:
            kwargs |= check(each[3], dict, f"{path}[{i}][3]")
    read = {
        key: read_ref(value, f"{path}.{key}") if is_ref(value) else value
        for key, value in kwargs.items()
    }
    return LayerUse((tensors[0] if len(tensors) == 1 else tensors,) if tensors else (), read, path)


def flatten(value: Any) -> Iterator[Any]:
    """Yield what is in nested lists and mappings, in the order in which Keras counts it."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from flatten(each)
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from flatten(value[key])
    else:
        yield value


def read_ends(config: Mapping[str, Any], key: str, path: str) -> list[tuple[str | None, Ref]]:
    """Return the tensors of `input_layers` or `output_layers`, each with its key in a mapping."""
    found: list[tuple[str | None, Ref]] = []

    def walk(value: Any, name: str | None, at: str) -> None:
        if is_ref(value):
            found.append((name, read_ref(value, at)))
        elif isinstance(value, list):
            for i, each in enumerate(value):
                walk(each, name, f"{at}[{i}]")
        elif isinstance(value, dict):
            for each in sorted(value):
                walk(value[each], each, f"{at}.{each}")
        else:
            raise Misread(f"this must be [name, call, output], got {show(value)}", at)

    if key not in config:
        raise Misread(f"'{key}' is missing", path)
    walk(config[key], None, f"{path}.{key}")
    return found


def read_shape(config: Mapping[str, Any], path: str) -> tuple[list[int | None], int | None]:
    """Return the shape of an InputLayer without the batch axis, and the batch axis."""
    key = "batch_input_shape" if "batch_input_shape" in config else "batch_shape"
    shape = get(config, key, list, path)
    for i, axis in enumerate(shape):
        if axis is not None:
            check(axis, int, f"{path}.{key}[{i}]")
    if len(shape) < 2:
        raise Misread(f"an input needs an axis besides the batch, got {show(shape)}", path)
    return shape[1:], shape[0]
