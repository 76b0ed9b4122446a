"""Turn the steps of a model into the text of a spec, and the graph that it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import yaml
from msgspec import Struct

from archspec import pipeline
from archspec.backends.spec_yaml import flat_step, input_of, spell_arguments
from archspec.errors import SpecError
from archspec.folding import fold_graph
from archspec.graph import Graph, canonical_order
from archspec.importing.classes import INPUT
from archspec.importing.files import Model
from archspec.importing.findings import Findings
from archspec.importing.masks import check_masks
from archspec.importing.statistics import write_statistics
from archspec.importing.steps import ImportedStep, ImportedSteps
from archspec.importing.wiring import to_steps
from archspec.layers import COMMON, LAYERS
from archspec.reading import readable
from archspec.syntax.layout import lay_out
from archspec.syntax.words import RESERVED

USUAL_MODEL = re.compile(r"(functional|sequential|model)(_\d+)?")
OF_VALUES = ("unknown-argument", "argument-value", "missing-argument", "unknown-object")


class Imported(Struct, frozen=True):
    """A spec that was made of a Keras model.

    text: the YAML of the spec. graph: what it means. names: from the name of each layer of the
    model, `encoder/dense` for one of a model within it, to the name of its node. notes: what of the
    model is not in the spec, and where the last bit of a number may differ.
    """

    text: str
    graph: Graph
    names: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def renamed(self) -> Mapping[str, str]:
        """Return the names that are others in the spec."""
        return {old: new for old, new in self.names.items() if old != new}


def to_imported(model: Model, flat: bool = False) -> Imported:
    """Return the spec of a model. Raises `SpecError` with all that cannot be in one.

    flat: whether each layer is a step of its own.
    """
    findings = Findings(model.source)
    wiring = to_steps(model, findings)
    write_statistics(model, wiring.steps, findings)
    if all(step.op == INPUT for step in wiring.steps):
        findings.add(
            "import-file", "the model has no layers: its outputs are its inputs", "",
            "a spec has at least one layer",
        )  # fmt: skip
    findings.stop()
    name = str(model.config["config"].get("name") or "")
    title = model.stem if USUAL_MODEL.fullmatch(name) or not name else name
    labels = _name_steps(wiring)
    spec = {"archspec": 1, "name": _clean(title)[:80], **_write(wiring, labels)}
    body = lay_out(spec)
    try:
        graph = pipeline.loads(body, model.source)
    except SpecError as error:
        _explain(error, body, wiring, findings)
        raise
    names_of_steps = [node.name for node in graph]
    check_masks(graph, wiring, findings)
    findings.stop()
    notes = [*wiring.notes, *_find_lost(model, graph)]
    lines = (f"Imported from {model.origin}.", *notes)
    head = "".join(f"# {readable(line)}\n" for line in lines)  # whatever a name has in it
    text = head + body
    final = {node.name: node.name for node in graph}
    if not flat:
        text = head + fold_graph(graph).text
        folded = pipeline.loads(text, model.source)
        # The order that the wiring alone gives is the same in both, which are the same network.
        final |= zip(canonical_order(graph), canonical_order(folded), strict=True)
        graph = folded
    names = {
        "/".join(step.old): final[name]
        for step, name in zip(wiring.steps, names_of_steps, strict=True)
        if step.reuses is None
    }
    return Imported(text, graph, names, tuple(notes))


def _find_lost(model: Model, graph: Graph) -> Iterator[str]:
    """Yield what the config of a model in memory does not say, if its weights show it."""
    if model.live is None:
        return
    trained = sum(prod(weight.shape) for weight in model.live.trainable_weights)
    if trained != graph.trainable_params:
        yield (
            f"the model trains {trained:,} parameters, and this spec {graph.trainable_params:,}: "
            "Keras does not save that two models within a model share a layer, nor that a layer is "
            "trained in one that is not"
        )


# --- names ---------------------------------------------------------------------------------------


def _name_steps(wiring: ImportedSteps) -> list[str | None]:
    """Return the name that each step has in the spec; None for one that Keras would name so.

    A layer keeps its name if something refers to it, or if it is another than Keras would give it.
    """
    steps, taken = wiring.steps, set(RESERVED)
    inputs = [step for step in steps if step.op == INPUT]
    needed = _find_needed(wiring)
    labels: list[str | None] = []
    for place, step in enumerate(steps):
        first = len(inputs) == 1 and step is inputs[0]
        if first and (_is_usual(step) or step.old[-1] == "input"):
            labels.append("input")
            continue
        is_kept = step.op == INPUT or place in needed or not _is_usual(step)
        if step.reuses is not None:
            is_kept = place in needed
        wanted = step.called or "-".join(step.old)
        labels.append(_make_unique(_clean(wanted), taken) if is_kept or step.called else None)
    return labels


def _find_needed(wiring: ImportedSteps) -> set[int]:
    """Return the places of the steps that need a name: something else than the next step takes
    them."""
    needed: set[int] = set()
    last = len(wiring.steps) - 1
    if wiring.outputs != [last]:
        needed |= {*wiring.outputs}
    for place, step in enumerate(wiring.steps):
        if step.reuses is not None:
            needed.add(step.reuses)
        if step.inputs != (place - 1,) or _takes_several(step):
            needed |= {*step.inputs}
    return needed


def _takes_several(step: ImportedStep) -> bool:
    return step.op != INPUT and LAYERS[step.op].takes != "one"


def _is_usual(step: ImportedStep) -> bool:
    """Return whether a layer is called as Keras calls it by itself."""
    if len(step.old) > 1:
        return False
    base = r"input(_layer)?" if step.op == INPUT else re.escape(step.usual)
    return re.fullmatch(rf"{base}(_\d+)?", step.old[-1]) is not None


def _clean(name: str) -> str:
    """Return a name with no other letters than names of a spec have."""
    clean = re.sub(r"[^A-Za-z0-9_-]+", "_", name).lstrip("-")[:180]
    return clean or "layer"


def _make_unique(name: str, taken: set[str]) -> str:
    unique, number = name, 0
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


# --- the text ------------------------------------------------------------------------------------


def _write(wiring: ImportedSteps, labels: Sequence[str | None]) -> dict[str, Any]:
    """Return the inputs, the layers and the outputs of the spec as plain data."""
    inputs = {
        str(label): step.arguments
        for step, label in zip(wiring.steps, labels, strict=True)
        if step.op == INPUT
    }
    spec = input_of(inputs)
    for name, given in spec.get("inputs", {}).items():
        if given["dtype"] == "float32":
            spec["inputs"][name] = given["shape"]
    steps = []
    for place, (step, label) in enumerate(zip(wiring.steps, labels, strict=True)):
        if step.op != INPUT:
            previous = place - 1 if place > len(inputs) or len(inputs) == 1 else None
            steps.append(_write_step(step, label, labels, previous))
    outputs = {} if wiring.outputs == [len(labels) - 1] else {"outputs": wiring.outputs}
    named = {key: [labels[each] for each in places] for key, places in outputs.items()}
    return {**spec, "layers": steps, **named}


def _write_step(
    step: ImportedStep, label: str | None, labels: Sequence[str | None], previous: int | None
) -> Any:
    """Return a step as plain data, without what goes without saying.

    previous: the place of the step before it; None for none.
    """
    follows = step.inputs == (previous,) and not _takes_several(step)
    written = flat_step(
        step.op,
        _shorten(step),
        label,
        None if follows else [labels[each] or "" for each in step.inputs],
        step.slots,
        step.call,
        None if step.reuses is None else labels[step.reuses],
    )
    return step.op if written == {step.op: None} else written


def _shorten(step: ImportedStep) -> Any:
    """Return the arguments of a step as a spec writes them in short: 3 for (3, 3), and the first
    argument alone without its name."""
    if step.reuses is not None:
        return None
    table = LAYERS[step.op].arguments
    written = spell_arguments(step.op, step.arguments)
    for name, value in written.items():
        while isinstance(value, list) and value and all(each == value[0] for each in value):
            value = value[0]
            try:
                same = table[name].type.read(value) == step.arguments[name]
            except Exception:
                same = False
            if not same:
                break
            written[name] = value
    for name, value in written.items():
        if value is None and table[name].type.kind == "activation":
            written[name] = "linear"  # the word for no activation
    if list(written) == [next(iter(table), None)] and not set(written) & set(COMMON):
        (first,) = written.values()
        if first is not None and not isinstance(first, dict | list):
            return first
    return written


# --- errors --------------------------------------------------------------------------------------


def _explain(error: SpecError, text: str, wiring: ImportedSteps, findings: Findings) -> None:
    """Raise the errors of a spec at the layers of the model that they are about."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines: dict[str, list[int]] = {}
    for key, value in getattr(root, "value", ()):
        inside = value.value if isinstance(value.value, list) else [value]
        lines[key.value] = [getattr(each, "start_mark", key.start_mark).line + 1 for each in inside]
    steps = [step for step in wiring.steps if step.op != INPUT]
    starts = lines.get("layers", [])
    for each in error.diagnostics:
        if each.severity != "error":
            continue
        number = sum(start <= each.span.line for start in starts) - 1
        is_step = number >= 0 and each.span.line < min(lines.get("outputs") or [10**9])
        path = steps[number].path if is_step else "config"
        code = "import-argument" if each.code in OF_VALUES else each.code
        findings.add(code, each.message, path, each.hint)
    findings.stop()
