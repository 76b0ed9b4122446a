"""Turn the config of a model into its layers in a row, each after its inputs.

Models within the model are flattened: their layers stand in the row as its own do, with the name of
the model before theirs. A model or a layer that is called several times keeps its weights: its
later calls refer to the first.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from archspec.arguments import show
from archspec.errors import Refused
from archspec.expand.scopes import snake_case
from archspec.importing.arguments import bind, count_seeds, read_arguments, read_dtype
from archspec.importing.classes import (
    INPUT,
    check_class,
    counts_itself,
    is_frozen,
    is_model,
    is_operation,
    is_private,
    is_sequential,
)
from archspec.importing.configs import (
    LayerConfig,
    LayerUse,
    Ref,
    flatten,
    get,
    read_ends,
    read_layer,
    read_shape,
)
from archspec.importing.files import Model
from archspec.importing.findings import Findings, Misread
from archspec.importing.steps import (
    GivenMask,
    ImportedStep,
    ImportedSteps,
    Operation,
    Output,
    Value,
    sort_by_depth,
)
from archspec.layers import LAYERS
from archspec.layers.equivalents import (
    BEFORE,
    FLOATS,
    Equivalent,
    Tensor,
    replace_operation,
    replace_private,
    trains_by_default,
)

MOST_CALLS = 20_000  # of layers, each inside each call of the models around it
SINGLE = ("inputs", "x", "input")  # what Keras's layers call the one tensor that they take
SCORES = "return_attention_scores"
SAID = "only Functional and Sequential models store how their layers are connected"


def to_steps(model: Model, findings: Findings) -> ImportedSteps:
    """Return the layers of a model as steps. Raises `SpecError` with all that is wrong."""
    wiring = ImportedSteps()
    reader = _ConfigReader(findings, wiring)
    try:
        outputs = reader.read_top(model.config)
    except Misread as error:
        findings.misread(error)
        outputs = []
    if None in outputs and not findings.found:
        findings.add("import-file", "the outputs of the model cannot be found", "config")
    findings.stop()
    wiring.outputs = [each.step for each in outputs if isinstance(each, Output)]
    if reader.seeds:
        some = "1 seed of random numbers is" if reader.seeds == 1 else f"{reader.seeds} seeds are"
        wiring.notes.append(f"{some} left out: random numbers follow from the run's seed")
    wiring.notes += reader.notes
    return sort_by_depth(wiring)


class _Place(Struct, frozen=True):
    """A model that is being read: its path in the config, and the names of the models around its
    layers. frozen: whether a model around it is not trained."""

    path: str
    names: tuple[str, ...]
    frozen: bool


class _ConfigReader(Struct):
    """Reads the config of a model, and keeps what it has read so far.

    owners: the step that a layer was first called in, by its names. calls: how many there were.
    """

    findings: Findings
    wiring: ImportedSteps
    owners: dict[tuple[str, ...], int] = field(default_factory=dict)
    calls: int = 0
    seeds: int = 0
    notes: dict[str, None] = field(default_factory=dict)

    # --- models ----------------------------------------------------------------------------------

    def read_top(self, raw: Mapping[str, Any]) -> list[Value]:
        """Return the outputs of the model."""
        entry = read_layer({"name": "model", **raw}, "")
        path = "config"
        if not is_model(entry):
            message = f"the model is a {entry.class_name}: {SAID}"
            hint = "write its layers as a Functional model: keras.Model(inputs, outputs)"
            self.findings.add("import-class", message, path, hint)
            return []
        config = entry.config
        frozen = config.get("trainable") is False
        place = _Place(path, (), frozen)
        if is_sequential(config):
            return self._read_sequential(config, place, None)
        return self._read_functional(config, place, None)

    def _read_layers(self, config: Mapping[str, Any], place: _Place) -> list[LayerConfig]:
        """Return the layers of a model, without those that cannot be read, which are noted."""
        layers = []
        for i, raw in enumerate(get(config, "layers", list, place.path)):
            try:
                layers.append(read_layer(raw, f"{place.path}.layers[{i}]"))
            except Misread as error:
                self.findings.misread(error)
        return layers

    def _read_sequential(
        self, config: Mapping[str, Any], place: _Place, feeds: Sequence[Value] | None
    ) -> list[Value]:
        layers = self._read_layers(config, place)
        value: Value = None
        if feeds is not None:
            value = feeds[0]
        elif layers and layers[0].class_name == INPUT:
            value = self._add_input(layers[0])
        elif layers and (shape := _find_first_shape(config, layers[0])):
            given = {"batch_shape": shape, "dtype": _find_input_type(layers[0])}
            entry = LayerConfig("input", INPUT, None, None, given, (), f"{place.path}.layers[0]")
            value = self._add_input(entry)
        else:
            message = "this Sequential model is not built: nothing says the shape of its input"
            hint = "begin it with keras.Input(shape), or call model.build(shape) before it is saved"
            self.findings.add("import-file", message, place.path, hint)
        for layer in layers:
            if layer.class_name != INPUT:
                call = LayerUse((Ref("", 0, 0),), {}, layer.path)
                (value,) = self._read_call(layer, call, lambda ref, now=value: now, place) or [None]
        return [value]

    def _read_functional(
        self, config: Mapping[str, Any], place: _Place, feeds: Sequence[Value] | None
    ) -> list[Value]:
        layers = self._read_layers(config, place)
        starts = [ref for _, ref in read_ends(config, "input_layers", place.path)]
        ends = read_ends(config, "output_layers", place.path)
        known = {layer.name: layer for layer in layers}
        if len(known) < len(layers):
            twice = next(each for each in layers if known[each.name] is not each)
            self.findings.add("import-file", f"two layers are called '{twice.name}'", twice.path)
            return [None]
        values: dict[tuple[str, int], list[Value]] = {}
        shifted = {layer.name for layer in layers if counts_itself(layer)}

        def locate(ref: Ref) -> tuple[str, int]:
            return ref.layer, ref.call - (ref.counts_itself and ref.layer in shifted)

        for ref, value in zip(starts, feeds or (), strict=feeds is not None):
            values[ref.layer, 0] = [value]
        for ref in starts:  # in the order of the model's inputs, whatever that of its layers is
            layer = known.get(ref.layer)
            if layer is not None and layer.class_name == INPUT and feeds is None:
                values[ref.layer, 0] = [self._add_input(layer)]

        def find(ref: Ref) -> Value:
            found = values.get(locate(ref), [None])
            if len(found) == 1 and found[0] is None:
                return None  # which has been noted
            if ref.output >= len(found) or ref.output < 0:
                raise Misread(f"'{ref.layer}' has no output {ref.output}", place.path)
            return found[ref.output]

        for layer, number in self._sort(layers, values, locate):
            call = layer.calls[number]
            values[layer.name, number] = self._read_call(layer, call, find, place)
        outputs = []
        for i, (name, ref) in enumerate(ends):
            at = f"{place.path}.output_layers[{i}]"
            if locate(ref) not in values:
                message = f"there is no call {ref.call} of a layer '{ref.layer}'"
                self.findings.add("import-file", message, at)
            outputs.append(self._take(find(ref)))
            value = outputs[-1]
            if name is not None and not place.names and isinstance(value, Output):
                self.wiring.steps[value.step].called = name
        if not ends:
            self.findings.add("import-file", "the model has no outputs", place.path)
        return outputs

    def _sort(
        self,
        layers: Sequence[LayerConfig],
        ready: Mapping[tuple[str, int], Any],
        locate: Callable[[Ref], tuple[str, int]],
    ) -> Iterator[tuple[LayerConfig, int]]:
        """Yield the calls of layers, each after those that it takes something of, and otherwise in
        the order of the config."""
        known = {layer.name for layer in layers}
        calls = [
            (layer, number)
            for layer in layers
            if layer.class_name != INPUT
            for number in range(len(layer.calls))
        ]
        numbers = {(layer.name, number): i for i, (layer, number) in enumerate(calls)}
        waiting: list[int] = []
        followers: dict[int, list[int]] = {}
        for i, (layer, number) in enumerate(calls):
            call = layer.calls[number]
            refs = [each for each in flatten([call.args, dict(call.kwargs)])]
            before = {locate(each) for each in refs if isinstance(each, Ref)}
            for name, count in sorted(before - numbers.keys() - ready.keys()):
                what = f"call {count} of '{name}'" if name in known else f"a layer '{name}'"
                message = f"{layer.title} takes the output of {what}, which is not there"
                self.findings.add("import-file", message, call.path)
            needed = [numbers[each] for each in before if each in numbers and each not in ready]
            waiting.append(len(needed))
            for each in needed:
                followers.setdefault(each, []).append(i)
        heap = [i for i, count in enumerate(waiting) if not count]
        done = 0
        while heap:
            i = heapq.heappop(heap)
            done += 1
            yield calls[i]
            for each in followers.get(i, ()):
                waiting[each] -= 1
                if not waiting[each]:
                    heapq.heappush(heap, each)
        if done < len(calls):
            layer, number = next(calls[i] for i, count in enumerate(waiting) if count)
            message = f"{layer.title} takes its own output, by way of other layers"
            self.findings.add("import-file", message, layer.calls[number].path)

    # --- layers ----------------------------------------------------------------------------------

    def _add_input(self, layer: LayerConfig) -> Value:
        """Add an input of the model."""
        try:
            shape, batch = read_shape(layer.config, f"{layer.path}.config")
        except Misread as error:
            self.findings.misread(error)
            return None
        for name in ("sparse", "ragged", "optional"):
            if layer.config.get(name):
                message = f"the input '{layer.name}' is {name}, and those of a spec are not"
                self.findings.add("import-argument", message, f"{layer.path}.config.{name}")
        if batch is not None:
            note = f"the input '{layer.name}' takes batches of {batch}, and here of any size"
            self.notes[note] = None
        arguments = {"shape": shape, "dtype": layer.config.get("dtype") or "float32"}
        step = ImportedStep(INPUT, (layer.name,), "input_layer", layer.path, arguments)
        return self._add(step)

    def _read_call(
        self, layer: LayerConfig, call: LayerUse, find: Any, place: _Place
    ) -> list[Value]:
        """Add a call of a layer, or of a model, and return its outputs.

        find: returns the value of a `Ref`.
        """
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise Misread(f"the model has more than {MOST_CALLS:,} calls", place.path, "too-large")
        names = (*place.names, layer.name)
        try:
            if is_model(layer):
                return self._call_model(layer, call, find, place)
            if is_operation(layer):
                return [self._call_operation(layer, call, find, names)]
            return [self._call_layer(layer, call, find, place)]
        except Misread as error:
            if error.code == "too-large":
                raise
            self.findings.misread(error)
        except Refused as refused:
            code = refused.code if refused.code.startswith("import-") else "import-argument"
            self.findings.refuse(refused, call.path, code)
        return [None]

    def _call_model(
        self, layer: LayerConfig, call: LayerUse, find: Any, place: _Place
    ) -> list[Value]:
        """Flatten a model within the model."""
        config, at = layer.config, f"{layer.path}.config"
        given = call.args or tuple(call.kwargs[key] for key in SINGLE if key in call.kwargs)
        for key, value in call.kwargs.items():
            if key not in ("mask", *SINGLE) and value not in (None, False):
                message = f"the model '{layer.name}' is called with {key}={show(value)}"
                hint = "fit and predict say themselves whether they train"
                raise Refused(message, code="import-argument", hint=hint)
        refs = [each for each in flatten(list(given)) if each is not None]
        feeds = [self._take(find(each)) if isinstance(each, Ref) else None for each in refs]
        self._read_masks(layer, call, find, SINGLE[:1], feeds)
        inner = _Place(at, (*place.names, layer.name), place.frozen or is_frozen(config))
        if is_sequential(config):
            if len(feeds) != 1:
                raise Refused(f"the model '{layer.name}' is called with {len(feeds)} values")
            self._check_feeds(layer, [None], refs)
            return self._read_sequential(config, inner, feeds)
        starts = read_ends(config, "input_layers", at)
        if isinstance(given[0] if given else None, dict) and starts and starts[0][0] is None:
            by_name = given[0]
            refs = [by_name.get(ref.layer) for _, ref in starts]
            feeds = [self._take(find(each)) if isinstance(each, Ref) else None for each in refs]
        if len(starts) != len(feeds):
            raise Refused(f"'{layer.name}' has {len(starts)} inputs, and {len(feeds)} are given")
        self._check_feeds(layer, [ref.layer for _, ref in starts], refs)
        return self._read_functional(config, inner, feeds)

    def _check_feeds(
        self, layer: LayerConfig, starts: Sequence[str | None], refs: Sequence[Any]
    ) -> None:
        """Refuse values that a model within the model casts, or gives other axes.

        starts: the names of its inputs; None for the only one of a Sequential model.
        """
        inside = [
            read_layer(each, layer.path)
            for each in get(layer.config, "layers", list, layer.path)
            if isinstance(each, dict) and each.get("class_name") == INPUT
        ]
        inputs = {each.name: each.config for each in inside}
        for start, ref in zip(starts, refs, strict=True):
            config = inputs.get(start) if start else next(iter(inputs.values()), None)
            if config is None or not isinstance(ref, Ref) or ref.shape is None:
                continue
            shape, _ = read_shape(config, layer.path)
            dtype = config.get("dtype")
            if len(shape) + 1 != len(ref.shape):
                message = f"the model '{layer.name}' gives a value of {ref.shape} another axis"
                raise Refused(message, code="import-argument", hint="add a Reshape before it")
            widens = dtype in FLOATS and ref.dtype in ("float16", "bfloat16")
            if ref.dtype is not None and dtype not in (None, ref.dtype) and not widens:
                message = f"the model '{layer.name}' casts a value of {ref.dtype} to {dtype}"
                hint = f"give its input the dtype {ref.dtype}"
                raise Refused(message, code="import-argument", hint=hint)

    def _call_operation(
        self, layer: LayerConfig, call: LayerUse, find: Any, names: tuple[str, ...]
    ) -> Value:
        """Add the layers that do what an operation does."""
        settings = {
            key: value for key, value in layer.config.items() if key not in ("name", "dtype")
        }
        given: list[Any] = list(call.args)
        for key, value in call.kwargs.items():
            if isinstance(value, Ref) or key in ("x1", "x2"):
                given.append(value)
            elif value is not None:
                settings[key] = value
        values: list[Value] = []

        def operand(value: Any) -> Any:
            if isinstance(value, list):
                return [operand(each) for each in value]
            if not isinstance(value, Ref):
                return value
            values.append(find(value))
            return Tensor(value.shape, value.dtype)

        operands = [operand(each) for each in given]
        if any(each is None for each in values):
            return None
        is_mask = layer.class_name == "ConvertToTensor" and layer.config.get("dtype") is None
        if is_mask and isinstance(values[0], Operation):
            return values[0]  # the mask of a query, which attention hands on so
        keys = [_key(each) for each in values]
        number = self._intern(make_key(layer.class_name, keys, operands, settings))
        try:
            found, note = replace_operation(layer.class_name, operands, settings)
        except Refused as refused:
            return Operation(number, refused, call.path)
        for each in values:
            if isinstance(each, Operation):  # such as a mask, or what no layer does
                return Operation(number, each.refused, each.path)
        if note is not None:
            self.notes[f"{'/'.join(names)}: {note}"] = None
        return self._add_equivalents(found, layer, values, names, True)

    def _call_layer(self, layer: LayerConfig, call: LayerUse, find: Any, place: _Place) -> Value:
        """Add a call of a layer."""
        names = (*place.names, layer.name)
        if is_private(layer):
            refs = [each for each in flatten(list(call.args)) if isinstance(each, Ref)]
            found = replace_private(layer.class_name, layer.config, [ref.shape for ref in refs])
            if found is not None:
                values = [self._take(find(ref)) for ref in refs]
                wanted = {each for layer_ in found[0] for each in layer_.inputs if each != BEFORE}
                if len(wanted) != len(values):
                    raise Refused(f"{layer.title} is called with {len(values)} values")
                return self._add_equivalents(found[0], layer, values, names, False, place.frozen)
        check_class(layer)
        op = layer.class_name
        slots, given = _sort_inputs(op, call)
        values = [self._take(find(ref)) for ref in given]
        constants = self._read_constants(layer, call, slots)
        self._read_masks(layer, call, find, slots or SINGLE[:1], values)
        config = layer.config
        if place.frozen and "trainable" in LAYERS[op].arguments:
            config = {**config, "trainable": False}
        rank = None if given[0].shape is None else len(given[0].shape)
        step = ImportedStep(op, names, snake_case(op), layer.path, slots=slots, call=constants)
        owner = self.owners.get(names)
        if owner is not None:
            step.reuses = owner
            if self.wiring.steps[owner].op != op:
                raise Refused(f"{layer.title} was a {self.wiring.steps[owner].op} before")
        else:
            arguments = read_arguments(op, config, rank, layer.path, self.findings)
            if arguments is None:
                return None
            self.seeds += count_seeds(config)
            step.arguments = arguments
        if None in values:
            return None
        step.inputs = tuple(each.step for each in values if isinstance(each, Output))
        value = self._add(step)
        self.owners.setdefault(names, value.step)
        return value

    def _read_constants(
        self, layer: LayerConfig, call: LayerUse, slots: Sequence[str]
    ) -> dict[str, bool]:
        """Return the constant arguments of a call. Raises `Refused` for one that a spec lacks."""
        entry = LAYERS[layer.class_name]
        constants: dict[str, bool] = {}
        for key, value in call.kwargs.items():
            if value is None or key in (slots or SINGLE) or _is_mask(key, value):
                continue
            if key == SCORES and value is False:
                continue
            if key == "training" and isinstance(value, bool):
                usual = trains_by_default(layer.class_name)  # which Keras writes by itself
                if value == usual or key not in entry.call:
                    continue
            if key not in entry.call or not isinstance(value, bool):
                raise _refuse_constant(layer, key, value)
            constants[key] = value
        return constants

    def _read_masks(
        self,
        layer: LayerConfig,
        call: LayerUse,
        find: Any,
        names: Sequence[str],
        values: Sequence[Value],
    ) -> None:
        """Note the masks that a call is given. names: those of the values."""
        for key, given in call.kwargs.items():
            if not _is_mask(key, given):
                continue
            slot = key[: -len("_mask")] if key != "mask" else names[0]
            if slot not in names:
                raise _refuse_constant(layer, key, given)
            of = values if key == "mask" else values[names.index(slot) :]
            for value, mask in zip(of, flatten([given]), strict=False):
                found = find(mask) if isinstance(mask, Ref) else None
                if isinstance(found, Output):  # of a layer or an input, which hands on no mask so
                    raise _refuse_constant(layer, key, given)
                if isinstance(value, Output) and found is not None:
                    given_mask = GivenMask(value.step, _key(found), layer.title, call.path)
                    self.wiring.masks.append(given_mask)

    def _add_equivalents(
        self,
        found: Sequence[Equivalent],
        layer: LayerConfig,
        values: Sequence[Value],
        names: tuple[str, ...],
        of_operation: bool,
        frozen: bool = False,
    ) -> Value:
        """Add the layers that take the place of another, and return the output of the last."""
        value: Value = None
        for each in found:
            inputs = [value if place == BEFORE else values[place] for place in each.inputs]
            old = (*names[:-1], f"{names[-1]}{each.suffix}")
            kept = {} if of_operation else read_dtype(layer.config.get("dtype"), True)
            if layer.config.get("trainable") is False or frozen:
                kept["trainable"] = False
            given = {**kept, **each.arguments}
            arguments = bind(each.op, given, layer.path, self.findings)
            if arguments is None or None in inputs:
                return None
            step = ImportedStep(each.op, old, snake_case(layer.class_name), layer.path, arguments)
            step.inputs = tuple(each.step for each in inputs if isinstance(each, Output))
            step.of_operation = of_operation
            step.reuses = self.owners.get(old)
            value = self._add(step)
            self.owners.setdefault(old, value.step)
        return value

    # --- values ----------------------------------------------------------------------------------

    def _add(self, step: ImportedStep) -> Output:
        self.wiring.steps.append(step)
        return Output(len(self.wiring.steps) - 1)

    def _intern(self, what: Any) -> int:
        return self.wiring.keys.setdefault(what, -1 - len(self.wiring.keys))

    def _take(self, value: Value) -> Value:
        """Return a value that a layer takes; None, after noting why, for one of an operation."""
        if not isinstance(value, Operation):
            return value
        hint = value.refused.hint or "build the model with layers, or a layer of your own"
        self.findings.add("import-operation", value.refused.message, value.path, hint)
        return None


def make_key(
    name: str, values: Sequence[int], operands: Sequence[Any], settings: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Return what a value of an operation is made of, which is equal for equal values.

    values: the numbers of the values that it takes: of steps, or of other operations.
    """
    constants = [each for each in flatten(list(operands)) if not isinstance(each, Tensor)]
    named = sorted((key, repr(value)) for key, value in settings.items())
    return (name, tuple(values), repr(constants), tuple(named))


def _key(value: Value) -> int:
    assert value is not None
    return value.step if isinstance(value, Output) else value.key


def _sort_inputs(op: str, call: LayerUse) -> tuple[tuple[str, ...], list[Ref]]:
    """Return the call arguments that the inputs of a layer are for, () if not by name, and these.

    Raises `Refused` for a call that the table cannot express.
    """
    takes = LAYERS[op].takes
    args = [each for each in call.args if each is not None]
    if isinstance(takes, tuple):
        given = dict(zip(takes, call.args, strict=False))
        given |= {key: value for key, value in call.kwargs.items() if key in takes}
        named = {key: given[key] for key in takes if given.get(key) is not None}
        extra = [each for each in call.args[len(takes) :] if each is not None]
        if extra or not named or not all(isinstance(each, Ref) for each in named.values()):
            raise Refused(f"{op} is called with {show_call(call)}", code="import-argument")
        return tuple(named), list(named.values())
    if not args:
        args = [call.kwargs[key] for key in SINGLE if call.kwargs.get(key) is not None]
    refs = args[0] if len(args) == 1 and isinstance(args[0], list) else args
    whole = takes == "list" or len(refs) == 1
    if len(args) != 1 or not refs or not whole or not all(isinstance(r, Ref) for r in refs):
        raise Refused(f"{op} is called with {show_call(call)}", code="import-argument")
    return (), list(refs)


def show_call(call: LayerUse) -> str:
    """Return the arguments of a call in words."""

    def said(value: Any) -> str:
        if isinstance(value, Ref):
            return f"the output of '{value.layer}'"
        if isinstance(value, list):
            return f"[{', '.join(map(said, value))}]"
        return show(value)

    return ", ".join(map(said, call.args)) or "nothing"


def _is_mask(key: str, value: Any) -> bool:
    return key.endswith("mask") and any(isinstance(each, Ref) for each in flatten([value]))


def _refuse_constant(layer: LayerConfig, key: str, value: Any) -> Refused:
    what = "a tensor" if any(isinstance(each, Ref) for each in flatten([value])) else show(value)
    hint = "a spec has only the masks that Keras propagates by itself" if "mask" in key else None
    message = f"{layer.title} is called with {key}={what}, which a spec cannot express"
    return Refused(message, code="import-argument", hint=hint)


def _find_first_shape(config: Mapping[str, Any], first: LayerConfig) -> list[Any] | None:
    """Return the input shape of a Sequential model without an InputLayer, if the config says it."""
    for holder, key in ((config, "build_input_shape"), (first.config, "batch_input_shape")):
        if isinstance(holder.get(key), list):
            return list(holder[key])
    return None


def _find_input_type(first: LayerConfig) -> Any:
    """Return the type of the input of a Sequential model without an InputLayer."""
    dtype = first.config.get("dtype")
    return dtype if isinstance(dtype, str) else "float32"
