"""Run the command line. Each verb is a file here, loaded when it is called: `check` is in check.py.

A new verb is a file with a `click.command` of its name; a word of Python gets a `_`: `import` is in
import_.py. What the extra `run` installs is imported when a verb is at work, so that its help does
without.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import TextIO

import click

from archspec import streams
from archspec.cli.messages import say, say_error, say_warning
from archspec.errors import ArchspecError, name_missing
from archspec.reading import reason

TRACEBACK = "ARCHSPEC_TRACEBACK"  # in the environment: show that of an error nobody has foreseen

# These verbs take a tenth of a second. Python collects garbage after every 700 new objects, which
# would take a tenth of that time and find none. After every 100,000, only many specs or a large one
# come to it.
SHORT = frozenset(["check", "diff", "show", "layers", "explain", "schema"])
OBJECTS = 100_000

STATUS_OF_ERRORS = {"diff": 2}  # whose 1 says that two networks differ; of all others it is 1


@cache
def verbs() -> dict[str, str]:
    """Return the help of each verb by its name.

    A verb is a file here with a `click.command`. Its text is read: to import all of them takes
    longer than most verbs do.
    """
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "\n@click.command()\n" in text:
            help_text = text.partition(f"\ndef {path.stem}(")[2].split('"""')[1]
            found[path.stem.removesuffix("_")] = help_text
    return found


class _Verbs(click.Group):
    """List each verb with a line of help, and load the verb when it is called.

    error_status: the exit status for an error of the verb that was called last.
    """

    error_status = 1

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return click.Command(cmd_name, help=verbs()[cmd_name]) if cmd_name in verbs() else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        self.error_status = STATUS_OF_ERRORS.get(str(name), 1)
        if name in SHORT:
            usual = gc.get_threshold()
            gc.set_threshold(OBJECTS)
            ctx.call_on_close(lambda: gc.set_threshold(*usual))
        verb = command and load(str(name))
        if verb is not None:
            _refuse_repeated(verb, rest)
        return name, verb, rest


def _refuse_repeated(verb: click.Command, words: Sequence[str]) -> None:
    """Raise `UsageError` for an option that is given twice, of which Click takes the last."""
    context = click.Context(verb, info_name=verb.name)
    try:
        _, _, given = verb.make_parser(context).parse_args(list(words))
    except click.UsageError:
        return  # which Click says with the whole context
    for option, times in Counter(given).items():
        once = isinstance(option, click.Option) and not (option.multiple or option.is_flag)
        if once and times > 1:
            raise click.UsageError(f"{option.opts[-1]} is given {times} times", context)


def load(name: str) -> click.Command:
    """Return a verb by its name."""
    name = f"{name}_" if iskeyword(name) else name
    verb: click.Command = getattr(import_module(f"archspec.cli.{name}"), name)
    return verb


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="archspec-keras", prog_name="archspec")
def main() -> None:
    """Networks as YAML: check, show, draw, build and train them.

    SPEC is a file, or the bare name of a spec that comes with archspec, such as resnet18. RUN is
    the folder of a training. check, show, draw and diff read standard input where SPEC is `-`.
    """


def run(
    argv: Sequence[str] | None = None, out: TextIO | None = None, err: TextIO | None = None
) -> int:
    """Run the `archspec` command, and return its exit status; errors go to standard error.

    1: something is wrong with the spec, a file or the machine. 2: wrong usage. 3: a fault of
    archspec itself. 130: interrupted. Of `diff`, 1 says that networks differ, and 2 is any error.

    argv: the words after `archspec`; by default those of this process. out, err: the streams to
    write to; by default those of this process. If all three are left out, the process belongs to
    the command, which prepares its streams.

        >>> import io
        >>> run(["check", "lenet5"], io.StringIO())
        0
    """
    if argv is None and out is None and err is None:
        return _process()
    with (
        redirect_stdout(out or sys.stdout),
        redirect_stderr(err or sys.stderr),
        warnings.catch_warnings(),
    ):
        warnings.showwarning = say_warning  # type: ignore[assignment]
        try:
            return _status(argv)
        except Exception as error:
            return _explain(error)


def _process() -> int:
    """Run the command of this process, with streams that are open and know when they fail."""
    output = streams.prepare()
    warnings.showwarning = say_warning  # type: ignore[assignment]
    if not os.path.isabs(os.path.expanduser("~")):  # the system does not know its user
        os.environ["HOME"] = os.sep  # else Keras makes a folder called ~ where it works
    unforeseen: Exception | None = None
    try:
        status = _status()
    except Exception as error:
        unforeseen, status = error, main.error_status
    lost = streams.lost(output)
    if lost is not None:  # whatever else was raised follows from this
        if lost.errno != errno.EPIPE:  # a reader such as `head` has what it wanted
            say_error(f"cannot write to standard output: {reason(lost)}")
        status = main.error_status
    elif unforeseen is not None:
        status = _explain(unforeseen)
    if "archspec.training.cluster" in sys.modules:
        sys.modules["archspec.training.cluster"].end(status)
    gc.freeze()  # what is left ends with the process: no need to look for garbage in it first
    return status


def _status(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status. Raises errors that nobody has foreseen."""
    name = None if argv is None else "archspec"
    try:
        main.main(argv, name, standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    except click.exceptions.Abort:  # what click makes of Ctrl-C
        return _interrupted()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ArchspecError as error:
        say(error)
        return main.error_status
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        return _interrupted()
    return 0


def _interrupted() -> int:
    from archspec.runs.interrupt import INTERRUPT

    return INTERRUPT.status


def _explain(error: Exception) -> int:
    """Print an error that nobody has foreseen in a line, and return the exit status."""
    if os.environ.get(TRACEBACK):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, OSError) and error.strerror:  # a full disk, a folder that is closed to us
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        say_error(f"{where}{reason(error)}")
        return main.error_status
    if isinstance(error, ModuleNotFoundError) and (missing := name_missing(error)):
        say(missing)
        return main.error_status
    if isinstance(error, MemoryError):
        say_error("there is not enough memory for this")
        return main.error_status
    hint = f"please report this, with the traceback that {TRACEBACK}=1 in the environment shows"
    name, why = type(error).__name__, reason(error)
    say_error(f"{name}{f': {why}' * (why != name)}\nhint: {hint}", "internal error")
    return 3
