"""`archspec check`: everything that is wrong with specs, in words or as data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from archspec.api.check import Examination, add_advice, examine, merge
from archspec.cli.messages import say
from archspec.cli.options import STDIN, edit_option, layers_option, set_option, specs_argument
from archspec.cli.specs import STDIN_NAME, display_name, load
from archspec.errors import Diagnostic
from archspec.graph import Graph
from archspec.loading.shipped import list_shipped


@click.command()
@specs_argument
@set_option
@edit_option
@layers_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="github: annotations of a workflow; sarif: a log for code scanning.",
)
@click.option("--advice", is_flag=True, help="Say what could be done in a better way, too.")
@click.option("--strict", is_flag=True, help="Fail for warnings and advice as for errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say how many steps each edit met.")
def check(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    form: str,
    advice: bool,
    strict: bool,
    verbose: bool,
) -> None:
    """Check each SPEC, and print everything that is wrong with it.

    The exit status is 1 if anything is wrong; warnings and advice count with --strict alone.
    """
    checked = [
        examine(STDIN_NAME if spec == STDIN else spec, partial(load, spec, settings, edits))
        for spec in specs
    ]
    if advice:
        checked = [add_advice(each) for each in checked]
    found = merge(checked)
    if form == "text":
        summaries = [_summarize(*each) for each in zip(specs, checked, strict=True)]
        if verbose:
            summaries += [line for each in checked for line in _count_edits(each)]
        _print(found, summaries)
    else:
        from archspec.error_formats import FORMS

        click.echo(FORMS[form](found), nl=bool(found) or form != "github")
    if any(each.severity == "error" or (strict and each.severity != "note") for each in found):
        sys.exit(1)


def _print(found: Sequence[Diagnostic], summaries: Sequence[str]) -> None:
    for each in found:
        say(each, err=False)
    for summary in filter(None, summaries):
        click.echo(summary)
    codes = [each.code for each in found if each.severity == "error"]
    if codes:
        count = f"{len(codes)} error{'s' if len(codes) > 1 else ''}"
        click.echo(f"{count}; `archspec explain {codes[0]}` tells more")


def _summarize(spec: str, checked: Examination) -> str:
    """Return what is printed of a sound spec; nothing for a broken one."""
    if not checked.is_sound:
        return ""
    if checked.graph is None:
        return f"{checked.name}: a block library, checked against the schema"
    return _describe(checked.graph, checked.name, spec)


def _count_edits(checked: Examination) -> list[str]:
    """Return a line on each edit of a sound spec: how many steps it met."""
    edits = checked.graph.edits if checked.graph is not None else ()
    counts = [f"{each.count} step{'s' * (each.count != 1)}" for each in edits]
    return [f"{each.span}: edit: {count}" for each, count in zip(edits, counts, strict=True)]


def _describe(graph: Graph, named: str, spec: str) -> str:
    """Return a line on a sound spec, and a second line if some of it was not reached."""
    layers = sum(node.op != "InputLayer" for node in graph)
    macs = "unknown" if graph.macs is None else f"{graph.macs:,}"
    summary = (
        f"{named}: sound: {layers} layer{'s' * (layers != 1)}, "
        f"{graph.total_params:,} parameters, {macs} MACs, fingerprint {graph.fingerprint}"
    )
    own = display_name(spec)
    shipped = {path.resolve() for path in list_shipped().values()}
    unchecked = [
        span
        for span in graph.unchecked
        if span.source.name == own or Path(span.source.name).resolve() not in shipped
    ]
    if not unchecked:
        return summary
    lines = ", ".join(
        dict.fromkeys(
            f"{span.line}" if span.source.name == own else f"{span.source.name}:{span.line}"
            for span in unchecked
        )
    )
    return (
        f"{summary}\n{named}: steps under a false `when` and blocks nobody calls were checked "
        f"against the schema only: line {lines}"
    )
