"""Define `archspec check`, which reports everything that is wrong with specs."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from archspec.api.check import Examination, add_advice, examine, merge, try_data
from archspec.cli.messages import paint, say
from archspec.cli.options import (
    STDIN,
    data_dir_option,
    edit_option,
    layers_option,
    set_option,
    specs_argument,
)
from archspec.cli.specs import STDIN_NAME, display_name, load
from archspec.errors import ArchspecError, Diagnostic, in_order
from archspec.graph import Graph
from archspec.loading.settings import parse_setting
from archspec.loading.shipped import list_shipped
from archspec.syntax.source import MAX_BYTES, decode


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
@click.option(
    "--fix",
    is_flag=True,
    help="Write what is certain to be meant into the file, or print it for -.",
)
@click.option("--data", help="Also check that this data fits, as `train` takes it.")
@data_dir_option
@click.option("--resize", is_flag=True, help="Adapt images of --data to the spec's input.")
@click.option("-v", "--verbose", is_flag=True, help="Print how many steps each edit changed.")
def check(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    edits: tuple[str, ...],
    form: str,
    advice: bool,
    strict: bool,
    fix: bool,
    data: str | None,
    data_dir: Path | None,
    resize: bool,
    verbose: bool,
) -> None:
    """Check each SPEC, and print everything that is wrong with it.

    The exit status is 1 if anything is wrong; warnings and advice count with --strict alone.
    """
    is_printed = fix and STDIN in specs  # then messages are no part of standard output
    if is_printed and (len(specs) > 1 or form != "text"):
        raise click.UsageError("--fix prints what it makes of '-': give it alone, without --format")
    if fix:
        checked = [_fix(spec, settings, edits, is_printed or form != "text") for spec in specs]
    else:
        checked = [
            examine(STDIN_NAME if spec == STDIN else spec, partial(load, spec, settings, edits))
            for spec in specs
        ]
    if data is None and (resize or data_dir is not None):
        raise click.UsageError("--resize and --data-dir belong to --data")
    lines = [""] * len(checked)
    if data is not None:
        tried = [try_data(each, data, data_dir, resize) for each in checked]
        checked = [each.examination for each in tried]
        lines = [each.lines for each in tried]
    if advice:
        checked = [add_advice(each) for each in checked]
    found = merge(checked)
    if form == "text":
        summaries = [_summarize(*each) for each in zip(specs, checked, strict=True)]
        summaries = [line for pair in zip(summaries, lines, strict=True) for line in pair]
        if verbose:
            summaries += [line for each in checked for line in _count_edits(each)]
        _print(found, summaries, is_printed)
    else:
        from archspec.error_formats import FORMS

        click.echo(FORMS[form](found), nl=bool(found) or form != "github")
    if any(each.severity == "error" or (strict and each.severity != "note") for each in found):
        sys.exit(1)


def _fix(spec: str, settings: Sequence[str], edits: Sequence[str], err: bool) -> Examination:
    """Fix a spec, say what was fixed, and return what is left; print the text of standard input.

    err: whether messages go to standard error.
    """
    from archspec.api.fix import fix_file, fix_text

    try:
        params = dict(map(parse_setting, settings))
        if spec == STDIN:
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
            fixed = fix_text(decode(raw, STDIN_NAME), STDIN_NAME, Path(STDIN_NAME), params, edits)
            click.echo("\ufeff" * raw.startswith(BOM_UTF8) + fixed.text, nl=False)
        else:
            fixed = fix_file(spec, params, edits)
    except ArchspecError as error:
        return examine(STDIN_NAME if spec == STDIN else spec, partial(_raise, error))
    for each in in_order(fixed.fixed):
        if each.fix is not None:
            change = f"'{each.fix.replaced}' is now '{each.fix.text}'"
            click.echo(
                f"{each.fix.span}: {paint('fixed', 'note')}: {change} [{each.code}]", err=err
            )
    return fixed.checked


def _raise(error: ArchspecError) -> Graph:
    raise error


def _print(found: Sequence[Diagnostic], summaries: Sequence[str], err: bool = False) -> None:
    for each in found:
        say(each, err=err)
    for summary in filter(None, summaries):
        click.echo(summary, err=err)
    codes = [each.code for each in found if each.severity == "error"]
    if codes:
        count = f"{len(codes)} error{'s' if len(codes) > 1 else ''}"
        click.echo(f"{count}; `archspec explain {codes[0]}` explains it", err=err)


def _summarize(spec: str, checked: Examination) -> str:
    """Return what is printed of a sound spec; nothing for a broken one."""
    if not checked.is_sound:
        return ""
    if checked.graph is None:
        return f"{checked.name}: a block library, checked against the schema"
    return _describe(checked.graph, checked.name, spec)


def _count_edits(checked: Examination) -> list[str]:
    """Return a line on each edit of a sound spec: how many steps it changed."""
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
