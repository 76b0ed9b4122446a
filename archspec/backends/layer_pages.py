"""Explain a layer: the line that made it, the sources of its arguments' values, its arithmetic.

    print(to_pages(load("resnet18"), ["stage3.unit0.main.conv2d"]))
    json.loads(to_pages(load("resnet18"), ["stage3.**"], form="json"))

The data of a page are made once; text and Markdown are laid out from them.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from archspec import notation
from archspec.analysis.arithmetic import Arithmetic, Calculation, Unread, find_arithmetic
from archspec.analysis.fields import Field, find_fields
from archspec.arguments import show
from archspec.errors import Span, UserError, did_you_mean, one_of
from archspec.expand.provenance import Given, find_edits, list_given, quote
from archspec.graph import Graph, Node, count_params, count_trainable_params
from archspec.layers import LAYERS
from archspec.syntax.edits import translate

WIDTH = 100  # columns of the text
MAX_FORMULA = 400  # letters, above which text has the numbers alone
MAX_QUOTE = 120  # letters of a formula that is quoted
BAR = "\\|"  # in a cell of Markdown
LISTED = "`archspec show SPEC` lists the layers"
COUNTED = "counted in convolutions, dense layers and attention alone"
SOURCES = {"step": "the step", "defaults": "`defaults`", "edit": "an edit"}


def to_pages(graph: Graph, patterns: Sequence[str], form: str = "text") -> str:
    """Return the pages of the layers that patterns fit.

    form: "text", "markdown" or "json". Raises `UserError` for a pattern that fits none.
    """
    nodes = find_layers(graph, patterns)
    fields, users = find_fields(graph), find_users(graph)
    pages = [make_page(graph, node, fields[node.name], users[node.name]) for node in nodes]
    if form == "json":
        return json.dumps(pages, indent=2, ensure_ascii=False) + "\n"
    write = _write_markdown if form == "markdown" else _write_text
    return "\n\n".join(map(write, pages)) + "\n"


def find_layers(graph: Graph, patterns: Iterable[str]) -> list[Node]:
    """Return the nodes that a pattern fits, as under `at` of an edit, in the order of the graph.

    A pattern that fits a group or a block stands for all layers in it. Raises `UserError` for one
    that fits nothing, with the closest name.
    """
    found: set[str] = set()
    for pattern in patterns:
        named = _find_named(graph, pattern)
        if not named:
            message = f"{graph.name} has no layer or block called '{pattern}'"
            raise UserError(message, suggest_layer(graph, pattern) or LISTED)
        found |= named
    return [node for node in graph if node.name in found]


def fits_any(graph: Graph, pattern: str) -> bool:
    """Return whether a pattern fits a layer or a block of a graph."""
    return bool(_find_named(graph, pattern))


def _find_named(graph: Graph, pattern: str) -> set[str]:
    """Return the names of the nodes that a pattern fits, or a region around them."""
    fits = translate(pattern).fullmatch
    return {
        node.name
        for node in graph
        if fits(node.name) or any(fits(region.path) for region in node.regions)
    }


def suggest_layer(graph: Graph, pattern: str) -> str | None:
    """Return the hint for a pattern that fits nothing: whole names that end so, or the closest."""
    names = [node.name for node in graph]
    names += dict.fromkeys(region.path for node in graph for region in node.regions)
    ending = [name for name in names if name.endswith(f".{pattern}")]
    if ending:
        return f"did you mean '**.{pattern}'?" if len(ending) > 3 else one_of(ending)
    return None if "*" in pattern else did_you_mean(pattern.replace("-", "."), names)


# --- the data ------------------------------------------------------------------------------------


def find_users(graph: Graph) -> dict[str, list[str]]:
    """Return the names of the layers that take the output of each, by its name."""
    users: dict[str, list[str]] = {node.name: [] for node in graph}
    for node in graph:
        for name in dict.fromkeys(node.inputs):
            users[name].append(node.name)
    return users


def make_page(
    graph: Graph, node: Node, field: Field | None, users: Sequence[str]
) -> dict[str, Any]:
    """Return what is known of a layer, as docs/checking.md describes it.

    field: its receptive field. users: the layers that take its output.
    """
    arithmetic = find_arithmetic(graph, node)
    owner = node if node.reuses is None else graph[node.reuses]
    slots = node.slots or (None,) * len(node.inputs)
    return {
        "name": node.name,
        "op": node.op,
        "sentence": LAYERS[node.op].doc if node.op in LAYERS else "An input of the network.",
        "step": {**_place(node.span), "text": _quote_step(node.span)},
        "file_is": _tell_file(graph, node),
        "loops": [{"values": _plain(each.values), **_place(each.loop)} for each in node.iterations],
        "inside": list(_list_regions(node)),
        "edits": [{"text": quote(span), **_place(span)} for span in find_edits(node)],
        "reuses": node.reuses,
        "arguments": [_argument(given) for given in list_given(owner)],
        "call": dict(node.call),
        "inputs": [
            {"name": name, "slot": slot, "shape": list(graph.shape(name)[1:])}
            for name, slot in zip(node.inputs, slots, strict=True)
        ],
        "shape": list(graph.shape(node.name)[1:]),
        "users": list(users),
        "is_output": node.name in graph.outputs,
        "axes": [_calculation(each) for each in arithmetic.axes],
        "unread": [_unread(each) for each in arithmetic.unread],
        "params": {
            **_calculation(arithmetic.params),
            "added": count_params(node),
            "trained": count_trainable_params(node),
            "weights": _list_weights(node, arithmetic),
        },
        "macs": _calculation(arithmetic.macs),
        "receptive_field": list(field.size) if field else None,
        "stride": [_number(each) for each in field.stride] if field else None,
    }


def _place(span: Span | None) -> dict[str, Any]:
    """Return the file and line of a place; a part of a command has itself for a file."""
    if span is None:
        return {"file": None, "line": None}
    return {"file": span.source.name, "line": span.line if span.source.file else None}


def _tell_file(graph: Graph, node: Node) -> str | None:
    """Return whether a step is in a file that is imported, or in one that is extended; None for the
    file of the spec itself, and for an edit on the command line."""
    if node.account is not None and node.account.imported:
        return "imported"
    source = node.span.source
    own = graph.text is None or not source.file or "\n".join(source.lines) == graph.text
    return None if own else "extended"


def _quote_step(span: Span) -> str:
    """Return the lines of a step, from the beginning of the first."""
    whole = Span(span.source, span.line, 1, span.end_line, span.end_column)
    if span.end_line == span.line:
        return span.source.lines[span.line - 1].strip() if span.source.lines else ""
    return quote(whole)


def _list_regions(node: Node) -> Iterator[dict[str, Any]]:
    """Yield the groups and blocks around a node, the outermost first, each block with its call."""
    calls = {note.text.rpartition(" ")[2]: note.span for note in node.trail}
    for region in node.regions:
        call = calls.get(region.path) if region.kind == "block" else None
        yield {
            "path": region.path,
            "kind": region.kind,
            "block": region.title or None,
            "params": _plain(region.params),
            **_place(call),
        }


def _argument(given: Given) -> dict[str, Any]:
    return {
        "name": given.name,
        "value": _plain(given.value),
        "source": given.source,
        "text": given.text,
        **_place(given.span),
        "names": [
            {"name": each.name, "value": _plain(each.value), "text": each.text, **_place(each.span)}
            for each in given.names
        ],
    }


def _calculation(each: Calculation) -> dict[str, Any]:
    return {
        "name": each.name,
        "formula": each.formula,
        "numbers": each.numbers,
        "value": each.value,
        "kept": each.kept,
    }


def _unread(each: Unread) -> dict[str, Any]:
    return {"axis": each.axis, "rows": each.rows, "of": each.out_of, "last": each.last}


def _list_weights(node: Node, arithmetic: Arithmetic) -> list[dict[str, Any]]:
    assert node.facts is not None
    return [
        {**_calculation(each), "shape": list(shape), "fixed": each.name in node.facts.fixed}
        for each, shape in zip(arithmetic.weights, node.facts.weights.values(), strict=True)
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is no value, such as that of another error, is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else None


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


# --- text ----------------------------------------------------------------------------------------


def _write_text(page: Mapping[str, Any]) -> str:
    """Return a page as text: a title, and under each heading its lines."""
    lines = [*textwrap.wrap(f"{page['name']}: {page['op']}. {page['sentence']}", WIDTH), ""]
    arguments = list(_arguments_in_text(page))
    sections = list_sections(page)
    first = arguments[0][0] if arguments else None
    width = max(len(heading) for heading, _ in sections) + 2
    for heading, written in sections:
        lines += [""] if heading == first else []
        wrapped = [part for line in written for part in _wrap(line, WIDTH - width)]
        for index, line in enumerate(wrapped):
            lines.append(f"{heading if not index else '':{width}}{line}".rstrip())
    return "\n".join(lines)


def _wrap(line: str, width: int) -> list[str]:
    """Return a line as lines that are not too wide; all but the first are indented by two more."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    wrapped = textwrap.wrap(
        line,
        max(width, 40),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return wrapped or [""]


def _arguments_in_text(page: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections on arguments: each that is given in a line, with those on its names."""
    given = list(_list_given(page))
    if given:
        width = max(len(name) for name, _, _ in given)
        lines = []
        for name, value, sources in given:
            lines.append(f"{name:{width}}  {value}: {sources[0]}")
            lines += [f"{'':{width}}    {each}" for each in sources[1:]]
        yield "given", lines
    if rest := _list_defaults(page):
        yield "by default", [", ".join(rest)]


def _write_markdown(page: Mapping[str, Any]) -> str:
    """Return a page as Markdown: a heading, a list, and a table of the arguments."""
    lines = [f"### `{page['name']}`: {page['op']}", "", page["sentence"], ""]
    for heading, written in _sections(page):
        joined = "<br>".join(f"`{re.sub(' {2,}', ', ', line.strip())}`" for line in written)
        lines.append(f"- {heading}: {joined}")
    if given := list(_list_given(page)):
        lines += ["", "| argument | value | from |", "|---|---|---|"]
        for name, value, sources in given:
            cells = (name, f"`{value}`", "<br>".join(sources))
            lines.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
    if rest := _list_defaults(page):
        lines += ["", f"Keras's defaults: {', '.join(f'`{each}`' for each in rest)}"]
    return "\n".join(lines)


def list_sections(page: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the headings of a page as text, each with its lines."""
    return [*_sections(page), *_arguments_in_text(page)]


def _sections(page: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the headings of a page, each with its lines; none without."""
    for heading, lines in (
        ("written", list(_write_step(page))),
        ("reached", list(_write_way(page))),
        ("edited", [_write_edit(each) for each in page["edits"]]),
        (
            "calls",
            [f"the layer {page['reuses']} again, with its weights"] if page["reuses"] else [],
        ),
        ("takes", list(_write_inputs(page))),
        ("gives", [_write_output(page)]),
        *((each["name"], [_write_sum(each)]) for each in page["axes"] if not _is_plain(page)),
        ("not read", [_write_unread(each) for each in page["unread"]]),
        ("params", list(_write_params(page))),
        ("MACs", [_write_macs(page)]),
        ("field", [_write_field(page)]),
    ):
        if lines:
            yield heading, lines


def _is_plain(page: Mapping[str, Any]) -> bool:
    """Return whether the shape needs no arithmetic: it is the input's, or declared."""
    return not page["inputs"] or all(each["kept"] for each in page["axes"])


def _write_place(data: Mapping[str, Any]) -> str:
    if data["file"] is None:
        return ""
    return data["file"] if data["line"] is None else f"{data['file']}:{data['line']}"


def _write_step(page: Mapping[str, Any]) -> Iterator[str]:
    file_is = f", which is {page['file_is']}" if page["file_is"] else ""
    yield f"{_write_place(page['step'])}{file_is}"
    yield from (f"  {line}" for line in page["step"]["text"].splitlines())


def _write_edit(edit: Mapping[str, Any]) -> str:
    """Return an edit and its place; one of a command line is its own place."""
    place = _write_place(edit)
    return place if edit["line"] is None else f"{' '.join(edit['text'].split())}, {place}"


def _write_way(page: Mapping[str, Any]) -> Iterator[str]:
    """Yield the loops, the block calls and the branches that expansion came through."""
    rows = [(f"for {_write_names(each['values'])}", _write_place(each)) for each in page["loops"]]
    for each in page["inside"]:
        if each["kind"] == "block":
            params = f" with {_write_names(each['params'])}" if each["params"] else ""
            rows.append((f"block {each['block']}{params}", _write_place(each)))
        elif each["kind"] == "branch":
            rows.append((f"branch {each['path'].rpartition('.')[2]}", ""))
    yield from _align(rows)


def _write_names(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={show(value)}" for name, value in values.items())


def _write_shape(shape: Sequence[int | None]) -> str:
    return notation.write_shape((None, *shape))


def _write_inputs(page: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        (f"{each['slot']}: " if each["slot"] else "", each["name"], _write_shape(each["shape"]))
        for each in page["inputs"]
    ]
    yield from _align([(slot + name, shape) for slot, name, shape in rows])


def _write_output(page: Mapping[str, Any]) -> str:
    users = [*page["users"], *(["the output of the network"] if page["is_output"] else [])]
    kept = ", the shape of its input" if page["inputs"] and _is_plain(page) else ""
    return f"{_write_shape(page['shape'])}{kept}, to {', '.join(users)}"


def _write_sum(each: Mapping[str, Any], unit: str = "") -> str:
    """Return a calculation: `floor((height - 7)/2) + 1 = floor((224 - 7)/2) + 1 = 109`."""
    if each["value"] is not None and each["kept"]:
        return f"{each['value']:,}, that of the input"
    if each["value"] is None:
        return "unknown, as an axis is unknown (null)"
    value = f"{each['value']:,}"
    parts = [each["formula"], each["numbers"], value]
    if len(each["formula"]) > MAX_FORMULA:
        parts = parts[1:]
    known = [part for index, part in enumerate(parts) if part not in parts[index + 1 :]]
    if len(known) > 1 and known[-2].isdigit():  # 1024 and then 1,024
        del known[-2]
    return " = ".join(known)


def _write_unread(each: Mapping[str, Any]) -> str:
    rows, last, axis, of = each["rows"], each["last"], each["axis"], each["of"]
    unit = {"width": "column", "length": "step", "depth": "slice"}.get(axis, "row")
    if rows == last:
        what = f"the last {unit}" if last == 1 else f"the last {last} {unit}s"
        return f"{what} of {of}: no window reaches {'it' if last == 1 else 'them'}"
    return f"{rows} of {of} {unit}s: no window reads them"


def _write_params(page: Mapping[str, Any]) -> Iterator[str]:
    params = page["params"]
    if page["reuses"]:
        yield f"none of its own: the {params['value']:,} of {page['reuses']} are used again"
        return
    fixed = params["added"] - params["trained"]
    what = f", {fixed:,} of them not trained" if fixed and fixed < params["added"] else ""
    what = ", not trained" if fixed and fixed == params["added"] else what
    sum_of_weights = {**params, "formula": params["numbers"]}
    several = len(params["weights"]) > 1
    yield f"{_write_sum(sum_of_weights if several else params)}{what}"
    if several:
        yield from _align(
            (f"  {each['name']}", _write_sum(each), "not trained" if each["fixed"] else "")
            for each in params["weights"]
        )


def _write_macs(page: Mapping[str, Any]) -> str:
    return f"0: {COUNTED}" if page["macs"]["value"] == 0 else _write_sum(page["macs"])


def _write_field(page: Mapping[str, Any]) -> str:
    size, stride = page["receptive_field"], page["stride"]
    if size is None:
        return "each value sees the whole input"
    if not size:
        return "each value sees one value of the input"
    by = notation.write_axes(tuple(f"{each:g}" for each in stride))
    axes = "×".join(map(str, size))
    return f"each value sees {axes} of the input, in steps of {by}"


def _list_given(page: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name and value of each argument that is given, and where it is from, a line each."""
    for each in page["arguments"]:
        if each["source"] != "default":
            yield each["name"], show(each["value"]), list(_write_source(each, page["loops"]))
    for name, value in page["call"].items():
        yield name, show(value), [f"`call` of {SOURCES['step']}"]


def _list_defaults(page: Mapping[str, Any]) -> list[str]:
    """Return the arguments that nobody gives, each with Keras's default."""
    return [
        f"{each['name']}: {show(each['value'])}"
        for each in page["arguments"]
        if each["source"] == "default"
    ]


def _write_source(each: Mapping[str, Any], loops: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield where an argument is from, and then where each name in its formula is."""
    quoted, source = _quote_formula(each), SOURCES[each["source"]]
    yield f"{f'{quoted} in ' if quoted else ''}{source}, {_write_place(each)}"
    for name in each["names"]:
        place = _write_place(name)
        if not place:
            at = next((loop for loop in loops if name["name"] in loop["values"]), None)
            place = f"the loop, {_write_place(at)}" if at else "the language"
        text = ", ".join(filter(None, (_quote_formula(name), place)))
        yield f"{name['name']} is {show(name['value'])}: {text}"


def _quote_formula(data: Mapping[str, Any]) -> str:
    """Return what is written, where that is a formula."""
    text = " ".join(data["text"].split())
    return f"`{text}`" if "=" in text and len(text) <= MAX_QUOTE else ""


def _align(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines, whose cells stand in columns."""
    listed = list(rows)
    if not listed:
        return []
    widths = [max(len(cell) for cell in column) for column in zip(*listed, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]
