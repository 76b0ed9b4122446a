"""Print errors and warnings on standard error, coloured on a terminal."""

from __future__ import annotations

import os

import click

from archspec.errors import ArchspecError, Diagnostic, in_a_line

COLOURS = {"error": "red", "warning": "yellow", "advice": "blue", "note": "cyan"}


def say(message: Diagnostic | ArchspecError, err: bool = True) -> None:
    """Print an error or a warning, with colours on a terminal alone."""
    click.echo(message.laid_out(paint), err=err)


def say_error(text: str, kind: str = "error") -> None:
    """Print an error that has no place in a file. kind: the word that it begins with."""
    click.echo(f"{paint(kind, 'error')}: {text}", err=True)


def say_note(text: str) -> None:
    """Print a remark that has no place in a file."""
    click.echo(f"{paint('note', 'note')}: {in_a_line(text)}", err=True)


def say_warning(message: Warning | str, *_: object) -> None:
    """Print the warning of a library as one line, without a line of its code."""
    click.echo(f"{paint('warning', 'warning')}: {in_a_line(str(message))}", err=True)


def paint(text: str, severity: str) -> str:
    """Colour a part of a message. `click.echo` removes the colour for files and pipes."""
    return tint(text, COLOURS[severity], bold=True)


def tint(text: str, colour: str, bold: bool = False) -> str:
    """Colour a text, unless the environment asks for none. `click.echo` removes the colour for
    files and pipes."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, fg=colour, bold=bold or None)
