"""Write the reference page of a layer: what it does, its arguments, its costs, an example.

    print(to_reference(["Conv2D"]))              one page or several, for a terminal
    print(to_reference([], form="markdown"))     every layer by family, with its sentence
    python -m archspec.backends.reference        writes docs/layers.md: all pages and objects

Everything on a page comes from the table of layers; the shape and costs of the example are computed
each time.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from archspec import notation
from archspec.arguments import REQUIRED, Argument, show
from archspec.errors import Refused, UserError
from archspec.expand import expand
from archspec.graph import Facts
from archspec.infer import find_layer, infer
from archspec.layers import (
    ALIASES,
    COMMON,
    FAMILIES,
    LAYERS,
    Layer,
)
from archspec.layers.docstrings import is_sentence, write_formula
from archspec.loading.files import open_spec
from archspec.objects import TABLES
from archspec.syntax.source import read_text, to_plain

INTRODUCTION = """\
Every layer that a spec may have, with the arguments and defaults of Keras's class of that name. The
value of the first argument may stand alone, `Dense: 10`, and a layer without arguments by itself,
`- Flatten`. Shapes leave the batch out. MACs are multiply-accumulates of one sample; a layer that
does not speak of them, or of parameters, has none. `archspec layers NAME` prints a page."""

# Words of a formula that are no argument -> their explanation.
LEGEND = {
    "channels": "channels is how many the input has",
    "length": "length is that of axis, or the product of several axes",
    "prod": "prod multiplies lengths",
}
SHAPES = ("input", "inputs", "output")
OBJECTS = """\
An object is written as a name, or as a name with those arguments that are not to be the defaults \
shown here: `kernel_initializer: {TruncatedNormal: {stddev: 0.02}}`. Names are taken in snake_case \
too: `he_normal`."""
SHARED = tuple(COMMON.values())
KINDS = {
    "activation": "Activations",
    "initializer": "Initializers",
    "regularizer": "Regularizers",
    "constraint": "Constraints",
}


def to_reference(names: Sequence[str], form: str = "text", width: int = 80) -> str:
    """Return the pages of the named layers, or, without names, a list of all layers.

    form: "text", wrapped to `width` columns, "markdown" or "json".
    Raises `UserError` for a name that the table of layers lacks.
    """
    if form == "json":
        data = [_to_data(make_page(find_named(name))) for name in names] or _list_as_data()
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if not names:
        return _list_as_text(width) if form == "text" else _list_as_markdown()
    pages = [make_page(find_named(name)) for name in names]
    if form == "markdown":
        return "\n".join(_write_markdown(each) for each in pages)
    return "\n\n".join(_write_text(each, width) for each in pages)


def find_named(name: str) -> Layer:
    """Return the layer of a name, or of another of Keras's names for it, such as MaxPool2D.

    Raises `UserError` for a name that the table of layers lacks.
    """
    try:
        return find_layer(ALIASES.get(name, name))
    except Refused as refused:
        raise UserError(refused.message, refused.hint) from None


# --- what is on a page ---------------------------------------------------------------------------


class Page(Struct, frozen=True):
    """The page of a layer.

    facts: those of its example. kinds: the kinds of object that its arguments take.
    """

    layer: Layer
    family: str
    facts: Facts
    kinds: tuple[str, ...]

    @property
    def own(self) -> list[Argument]:
        """Return the arguments that not every layer has."""
        return [each for name, each in self.layer.arguments.items() if name not in COMMON]

    @property
    def common(self) -> list[Argument]:
        """Return the layer's arguments that every layer has."""
        return [each for name, each in self.layer.arguments.items() if name in COMMON]

    @property
    def takes(self) -> str:
        """Return a sentence on the layer's inputs; "" where it takes one tensor."""
        layer = self.layer
        if layer.takes == "one":
            return ""
        if layer.takes == "list":
            return "Takes several inputs, as a list."
        given = [name for name in layer.takes if name not in layer.optional]
        perhaps = f", perhaps {_join_words(layer.optional)}" if layer.optional else ""
        return f"Takes {_join_words(given)}{perhaps}, by name."

    @property
    def legend(self) -> str:
        """Return a sentence that explains the words of the formulas that are no arguments."""
        used = {
            word
            for _, formula in self.layer.formulas.costs
            if not is_sentence(formula)
            for word in re.findall(r"\w+", formula)
        }
        notes = [LEGEND[word] for word in LEGEND if word in used - {*self.layer.arguments}]
        slots = self.layer.takes if isinstance(self.layer.takes, tuple) else ()
        shapes = [name for name in (*SHAPES, *slots) if name in used]
        if shapes == ["inputs"]:
            notes.append("inputs are their shapes without the batch")
        elif len(shapes) == 1:
            notes.append(f"{shapes[0]} is the {shapes[0]}'s shape without the batch")
        elif shapes:
            notes.append(f"{_join_words(shapes)} are shapes without the batch")
        return f"Here {'; '.join(notes)}." if notes else ""

    @property
    def result(self) -> str:
        """Return what the example gives: `28×28×1 -> 24×24×6, 156 parameters, 86,400 MACs`."""
        shapes = [
            notation.write_shape((None, *shape)) for shape in self.layer.example.named.values()
        ]
        weights = self.facts.num_params
        macs = f", {self.facts.macs:,} MACs" if self.facts.macs else ""
        shape = notation.write_shape(self.facts.shape)
        params = f"{weights:,}" if weights else "no"
        return f"{_join_words(shapes)} -> {shape}, {params} parameters{macs}"


def make_page(layer: Layer) -> Page:
    """Return the page of a layer, with the facts of its example."""
    family = next(name for name, layers in FAMILIES.items() if layer in layers)
    if layer.traits.augments_only:  # which no graph may have
        (step,) = to_plain(read_text(layer.step, layer.name).root)
        _, facts = infer(layer.name, step[layer.name], [(None, *layer.example.inputs)])
    else:
        node = expand(open_spec(read_text(write_example(layer), layer.name))).nodes[-1]
        assert node.facts is not None
        facts = node.facts
    used = {argument.type.kind for argument in layer.arguments.values()}
    return Page(layer, family, facts, tuple(kind for kind in KINDS if kind in used))


def write_example(layer: Layer) -> str:
    """Return a spec whose one step is the layer's example."""
    named = {name: [*shape] for name, shape in layer.example.named.items()}
    if len(named) == 1:
        inputs = f"input: {show(*named.values())}"
    else:
        inputs = "inputs: {" + ", ".join(f"{name}: {show(x)}" for name, x in named.items()) + "}"
    return f"archspec: 1\n{inputs}\nlayers:\n{layer.step}\n"


def write_default(argument: Argument) -> str:
    """Return the default as a spec would have it: 3 for (3, 3)."""
    value = argument.default
    if len({*_list_leaves(value)}) == 1 and value != (first := next(_list_leaves(value))):
        with suppress(Refused):
            value = first if argument.type.read(first) == value else value
    return show(value).strip("'")


def _list_leaves(value: Any) -> Iterator[Any]:
    """Yield the scalars of nested tuples."""
    if isinstance(value, tuple):
        for each in value:
            yield from _list_leaves(each)
    else:
        yield value


def group_objects(kind: str) -> dict[str, list[str]]:
    """Return the objects of a kind by their arguments, such as "{l2: 0.01}".

    Objects without arguments come first, under "".
    """
    alike: dict[str, list[str]] = {"": []}
    for name, arguments in TABLES[kind].items():
        given = ", ".join(f"{each.name}: {write_default(each)}" for each in arguments.values())
        alike.setdefault(f"{{{given}}}" if given else "", []).append(name)
    return {given: names for given, names in alike.items() if names}


def list_objects(kind: str) -> list[str]:
    """Return lines that name every object of a kind, with its arguments."""
    alike = group_objects(kind).items()
    return [", ".join(names) + (f": {given}" if given else "") for given, names in alike]


def _join_words(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


# --- text ----------------------------------------------------------------------------------------


def _write_text(page: Page, width: int) -> str:
    layer = page.layer
    blocks = [_wrap(f"{layer.name}: {layer.doc}", width, "", "  ")]
    blocks.append(_wrap(" ".join([layer.formulas.about, page.takes]).strip(), width, "  "))
    step = textwrap.indent(layer.step, "  ")
    blocks.append(f"Example\n{step}\n{_wrap(page.result, width, '  ')}")
    blocks.append(f"Shape\n{_wrap(layer.formulas.shape, width, '  ')}")
    for what, formula in layer.formulas.costs:
        blocks.append(f"{what}\n{_wrap(formula, width, '  ')}")
    if page.legend:
        blocks.append(_wrap(page.legend, width, "  "))
    if page.own:
        blocks.append("Arguments\n" + "\n".join(_write_argument(each, width) for each in page.own))
    for kind in page.kinds:
        lines = "\n".join(_wrap(each, width, "  ", "      ") for each in list_objects(kind))
        blocks.append(f"{KINDS[kind]}\n{lines}")
    if page.kinds:
        blocks.append(_wrap(OBJECTS, width, "  "))
    if layer.call:
        called = [f"  {name}\n{_wrap(doc, width, '      ')}" for name, doc in layer.call.items()]
        blocks.append("Arguments of the call, under `call:` beside the layer\n" + "\n".join(called))
    blocks.append(
        "Of every layer\n" + "\n".join(_write_argument(each, width) for each in page.common)
    )
    return "\n\n".join(blocks) + "\n"


def _write_argument(argument: Argument, width: int) -> str:
    is_ = "required" if argument.default is REQUIRED else f"by default {write_default(argument)}"
    head = _wrap(f"{argument.name}: {argument.type.words}; {is_}", width, "  ", "      ")
    return f"{head}\n{_wrap(argument.doc, width, '      ')}"


def _wrap(text: str, width: int, indent: str, then: str | None = None) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent if then is None else then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _list_as_text(width: int) -> str:
    blocks = []
    for family, layers in FAMILIES.items():
        lines = [f"{each.name:25} {each.doc}" for each in layers]
        blocks.append("\n".join([family, *(_wrap(each, width, "  ", " " * 28) for each in lines)]))
    return "\n\n".join(blocks) + "\n"


# --- Markdown ------------------------------------------------------------------------------------


def _write_markdown(page: Page, heading: str = "#", whole: bool = False) -> str:
    """Return a page under a heading. whole: leave out what all pages of the reference share."""
    layer = page.layer
    lines = [
        f"{heading} {layer.name}",
        "",
        f"**{layer.doc}** {layer.formulas.about} {page.takes}".rstrip(),
        "",
    ]
    lines += ["```yaml", layer.step, "```", "", page.result, ""]
    lines.append(f"- **Shape**: {layer.formulas.shape}")
    lines += [f"- **{what}**: {write_formula(formula)}" for what, formula in layer.formulas.costs]
    if page.legend:
        lines.append(f"- {page.legend}")
    rows = [*page.own, *(each for each in page.common if not whole or each not in SHARED)]
    if rows:
        lines += ["", *_write_rows(rows)]
    if layer.call:
        lines += ["", "Under `call:` beside the layer:", ""]
        lines += [f"- `{name}`: {doc}" for name, doc in layer.call.items()]
    for kind in () if whole else page.kinds:
        lines += [
            "",
            f"{heading}# {KINDS[kind]}",
            "",
            *(f"- `{each}`" for each in list_objects(kind)),
        ]
    if page.kinds and not whole:
        lines += ["", OBJECTS]
    return "\n".join(lines) + "\n"


def _write_rows(arguments: Iterable[Argument]) -> Iterator[str]:
    """Yield the lines of a table of arguments."""
    yield "| argument | value | default | |"
    yield "|---|---|---|---|"
    for each in arguments:
        yield _write_row(each)


def _write_row(argument: Argument) -> str:
    is_ = "required" if argument.default is REQUIRED else f"`{write_default(argument)}`"
    return f"| `{argument.name}` | {argument.type.words} | {is_} | {argument.doc} |"


def _write_object_rows(kind: str) -> Iterator[str]:
    """Yield the lines of a table of the objects of a kind, those without arguments first."""
    yield "| object | argument | value | default | |"
    yield "|---|---|---|---|---|"
    for names in group_objects(kind).values():
        named = ", ".join(f"`{name}`" for name in names)
        arguments = TABLES[kind][names[0]].values()
        for each in arguments:
            yield f"| {named} {_write_row(each)}"
        if not arguments:
            yield f"| {named} | | | | |"


def _list_as_markdown() -> str:
    lines = []
    for family, layers in FAMILIES.items():
        lines += [f"## {family}", "", "| layer | |", "|---|---|"]
        lines += [f"| `{each.name}` | {each.doc} |" for each in layers]
        lines.append("")
    return "\n".join(lines)


def write_reference() -> str:
    """Return the whole reference, as docs/layers.md has it."""
    frozen = [layer.name for layer in LAYERS.values() if "trainable" not in layer.arguments]
    lines = ["# The layers", "", INTRODUCTION, ""]
    for family, layers in FAMILIES.items():
        lines.append(
            f"- {_write_link(family)}: {', '.join(_write_link(each.name) for each in layers)}"
        )
    lines.append(f"- {_write_link('objects')}: {', '.join(map(_write_link, KINDS.values()))}")
    lines += ["", "Every layer takes these too:", ""]
    lines += _write_rows(SHARED)
    lines += ["", f"{_join_words(frozen)} have no `trainable`, as they have none in Keras.", ""]
    for family, layers in FAMILIES.items():
        lines += [f"## {family}", ""]
        lines += [_write_markdown(make_page(each), "###", whole=True) for each in layers]
    lines += ["## objects", "", OBJECTS, ""]
    for kind, heading in KINDS.items():
        lines += [f"### {heading}", "", *_write_object_rows(kind), ""]
    return "\n".join(lines)


def _write_link(heading: str) -> str:
    """Return a link to a heading, by the anchor that GitHub gives it."""
    return f"[{heading}](#{heading.lower().replace(' ', '-')})"


# --- data ----------------------------------------------------------------------------------------


def _to_data(page: Page) -> dict[str, Any]:
    layer = page.layer
    return {
        "name": layer.name,
        "family": page.family,
        "doc": layer.doc,
        "about": layer.formulas.about,
        "takes": layer.takes,
        "optional": layer.optional,
        "call": dict(layer.call),
        "shape": layer.formulas.shape,
        "params": layer.formulas.params,
        "macs": layer.formulas.macs,
        "arguments": [
            {
                "name": each.name,
                "value": each.type.words,
                "kind": each.type.kind,
                "required": each.default is REQUIRED,
                "default": None if each.default is REQUIRED else each.default,
                "doc": each.doc,
                "common": each.name in COMMON,
            }
            for each in (*page.own, *page.common)
        ],
        "objects": {
            kind: {
                name: {each.name: each.default for each in arguments.values()}
                for name, arguments in TABLES[kind].items()
            }
            for kind in page.kinds
        },
        "example": {
            "step": layer.step,
            "inputs": layer.example.named,
            "output": page.facts.shape[1:],
            "params": page.facts.num_params,
            "macs": page.facts.macs,
        },
    }


def _list_as_data() -> dict[str, dict[str, str]]:
    return {family: {each.name: each.doc for each in layers} for family, layers in FAMILIES.items()}


if __name__ == "__main__":
    from pathlib import Path

    Path("docs/layers.md").write_text(write_reference(), encoding="utf-8")
