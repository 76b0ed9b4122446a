"""Define `archspec show`, which prints tables of layers, and explains single layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from archspec.api.explain_layers import explain_layers
from archspec.api.reports import Report
from archspec.api.show import show as make_report
from archspec.cli.options import (
    MANY,
    STDIN,
    check_given_once,
    edit_option,
    files_or_input,
    format_option,
    layers_option,
    recipe_option,
    set_option,
)
from archspec.cli.specs import load, warn
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.loading.shipped import is_bare, list_networks, list_shipped, suggest_shipped
from archspec.reading import from_here, kind_of


@click.command()
@click.argument(
    "words",
    nargs=-1,
    required=True,
    callback=files_or_input,
    metavar="SPEC [SPEC... | LAYER...]",
)
@set_option
@edit_option
@layers_option
@click.option("--depth", type=MANY, help="Fold blocks that are nested deeper than this.")
@click.option(
    "--inputs", is_flag=True, help="Print the inputs of each row that does not take the row above."
)
@recipe_option("batch_size", "Batch size for the memory of training.")
@recipe_option("precision", "Precision for it: float32, mixed_bfloat16, ...")
@click.option("--memory", metavar="SIZE", help="Print the largest batch that fits: 24GiB, 16GB.")
@format_option("json")
def show(
    words: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    form: str,
    **table: Any,
) -> None:
    """Print the layers of a SPEC and their cost, compare SPECs, or explain LAYERs of a SPEC.

    For one SPEC: the shape, the parameters and the work of each layer, and the totals. For several:
    a line for each. For a LAYER: the line that made it, why its arguments are what they are, and
    the arithmetic of its shape and its cost. LAYER is a name, or a pattern such as 'stage3.**';
    that of a block stands for the layers in it.
    """
    check_given_once(settings, batch_size=table["batch_size"], precision=table["precision"])
    first = load(words[0], settings, edits)
    patterns = _find_patterns(words[1:], first) if words[1:] else ()
    graphs = [first, *(load(word, settings, edits) for word in words[1:] if not patterns)]
    for graph in graphs:
        warn(graph)
    if not patterns:
        report = make_report(*graphs, **table)
    else:
        _check_no_table(table)
        report = _explain(first, patterns)
    click.echo(report.to_text(form), nl=False)


def _find_patterns(words: Sequence[str], graph: Graph) -> Sequence[str]:
    """Return the words after the first that are layers of its graph; () where they are specs.

    Raises `UsageError` for a word that could be both, and for specs and layers side by side.
    """
    from archspec.backends.layer_pages import fits_any

    specs = [word for word in words if _is_spec(word)]
    layers = [word for word in words if word not in specs]
    for word in specs:
        if fits_any(graph, word):
            shipped = list_shipped().get(word)
            path = f"./{word}" if shipped is None else from_here(shipped)
            raise click.UsageError(
                f"'{word}' is a spec, and a layer or block of {graph.name}: "
                f"write {path} for the spec, or '**.{word}' for the layer"
            )
    if specs and any(fits_any(graph, word) for word in layers):
        raise click.UsageError(f"layers are explained of one spec, and '{specs[0]}' is another")
    return () if specs else layers


def _is_spec(word: str) -> bool:
    """Return whether a word names a spec: a file, what looks like one, or one that is shipped."""
    path = Path(word)
    looks = word == STDIN or "/" in word or path.suffix in (".yaml", ".yml")
    return looks or word in list_networks() or kind_of(path) in ("file", "special")


def _suggest_spec(word: str) -> str | None:
    """Return the hint for a word that is the name of a file without its suffix, or nearly one of a
    shipped spec."""
    beside = f"{word}.yaml"
    if kind_of(Path(beside)) == "file":
        return f"write {beside} for the spec"
    return suggest_shipped(word, list_networks()) if is_bare(word) else None


def _check_no_table(table: dict[str, Any]) -> None:
    """Raise `UsageError` for an option of the table, which is not printed for a layer."""
    for name, value in table.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is for the table, and here a layer is explained")


def _explain(graph: Graph, patterns: Sequence[str]) -> Report:
    """Return the report of layers. Raises `UserError` for a word that is neither layer nor spec."""
    from archspec.backends.layer_pages import LISTED, fits_any, suggest_layer

    for word in patterns:
        if not fits_any(graph, word):
            message = f"'{word}' is neither a layer or block of {graph.name} nor a spec"
            raise UserError(message, suggest_layer(graph, word) or _suggest_spec(word) or LISTED)
    return explain_layers(graph, *patterns)
