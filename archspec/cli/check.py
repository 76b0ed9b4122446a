"""`archspec check`: everything that is wrong with specs, in words or as data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from archspec.cli.messages import say
from archspec.cli.options import STDIN, set_option, specs_argument
from archspec.cli.specs import STDIN_NAME, display_name, load
from archspec.errors import Diagnostic, Source, Span, SpecError, UserError, in_order
from archspec.graph import Graph


@click.command()
@specs_argument
@set_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="github: annotations of a workflow; sarif: a log for code scanning.",
)
def check(specs: tuple[str, ...], settings: tuple[str, ...], form: str) -> None:
    """Say everything that is wrong with each SPEC; exit status 1 if anything is."""
    found: list[Diagnostic] = []
    sound: list[str] = []
    for spec in specs:
        said, summary = _checked(spec, settings)
        found += said
        if summary:
            sound.append(summary)
    once: dict[object, Diagnostic] = {}
    for each in found:  # what is wrong with a library is found with each spec that imports it
        once.setdefault((str(each.span), each.code, each.message), each)
    found = list(once.values())
    if form == "text":
        _say(found, sound)
    else:
        from archspec.error_formats import FORMS

        click.echo(FORMS[form](found), nl=bool(found) or form != "github")
    if any(each.severity == "error" for each in found):
        sys.exit(1)


def _say(found: Sequence[Diagnostic], sound: Sequence[str]) -> None:
    for each in found:
        say(each, err=False)
    for summary in sound:
        click.echo(summary)
    errors = sum(each.severity == "error" for each in found)
    if errors:
        click.echo(f"{errors} error{'s' if errors > 1 else ''}")


def _checked(spec: str, settings: Sequence[str]) -> tuple[list[Diagnostic], str | None]:
    """Return what is wrong with a spec, and a line on it if nothing is."""
    named = STDIN_NAME if spec == STDIN else spec
    try:
        graph = load(spec, settings)
    except SpecError as error:
        errors = [each for each in error.diagnostics if each.code != "library"]
        if not errors:
            return [], f"{named}: a block library, checked against the schema"
        return errors, None
    except UserError as error:  # the other specs are checked all the same
        nowhere = Span(Source(named, ()), 1, 1, 1, 1)
        message = str(error.args[0]).removeprefix(f"{named}: ")
        return [Diagnostic("file", message, nowhere, error.hint)], None
    found = [
        replace(each, severity="error") if each.code == "contract" else each
        for each in graph.warnings
    ]
    if any(each.severity == "error" for each in found):
        return list(in_order(found)), None
    return found, _summary(graph, named, spec)


def _summary(graph: Graph, named: str, spec: str) -> str:
    """Return the line on a sound spec, and another where some of it was not reached."""
    layers = sum(node.op != "InputLayer" for node in graph)
    macs = "unknown" if graph.macs is None else f"{graph.macs:,}"
    summary = (
        f"{named}: sound: {layers} layer{'s' * (layers != 1)}, "
        f"{graph.total_params:,} parameters, {macs} MACs, fingerprint {graph.fingerprint}"
    )
    if not graph.unchecked:
        return summary
    own = display_name(spec)
    lines = ", ".join(
        dict.fromkeys(
            f"{span.line}" if span.source.name == own else f"{span.source.name}:{span.line}"
            for span in graph.unchecked
        )
    )
    return (
        f"{summary}\n{named}: steps under a false `when` and blocks nobody calls were checked "
        f"against the schema only: line {lines}"
    )
