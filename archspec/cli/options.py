"""Define arguments and options of several verbs. Those of the recipe come from its record."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from archspec.arguments import MAX_INTEGER
from archspec.display import TABLE_STYLES
from archspec.reading import path_of
from archspec.recipe import DATA, RECIPE
from archspec.weights import PARTIAL

STDIN = "-"
LENGTHS = ("epochs", "steps")
CHANGES = [name for name, key in RECIPE.items() if key.option]  # keys that options replace

Verb = TypeVar("Verb", bound=Callable[..., Any])


class WholeNumber(click.IntRange):
    """A whole number from a least one on; `--help` does not print the largest."""

    name = "integer"

    def __init__(self, least: int = 0, most: int = MAX_INTEGER) -> None:
        super().__init__(least, most)

    def _describe_range(self) -> str:
        return f"{self.min} or more" if self.max == MAX_INTEGER else f"{self.min} to {self.max}"


MANY = WholeNumber(1)


class _Path(click.Path):
    """A path, whose `~` means the home folder, also where a shell leaves it: in `--dir=~/runs`.

    Raises `UserError` for a text that cannot be a path.
    """

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        path_of(value)
        return super().convert(Path(value).expanduser(), param, ctx)


def _settings(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> Any:
    for text in texts:
        if not text.partition("=")[1] or not text.partition("=")[0].strip():
            raise click.BadParameter(f"'{text}' is not NAME=VALUE, such as width=32")
    names = [text.partition("=")[0].strip() for text in texts]
    for name in names:
        if names.count(name) > 1:
            raise click.BadParameter(f"{name} is set {names.count(name)} times")
    return texts


def files_or_input(context: click.Context, argument: click.Parameter, given: Any) -> Any:
    """Refuse to read standard input twice; the callback of an argument."""
    if given.count(STDIN) > 1:
        raise click.BadParameter("'-' is standard input, which can be read once")
    return given


def files(context: click.Context, argument: click.Parameter, given: Any) -> Any:
    """Refuse standard input where a file is needed; the callback of an argument."""
    if STDIN in ((given,) if isinstance(given, str) else given or ()):
        raise click.BadParameter(
            f"{context.command.name} needs a file; "
            "only check, show, draw and diff read standard input"
        )
    return given


path_type = _Path(path_type=Path)
run_argument = click.argument("run", type=path_type)
specs_argument = click.argument("specs", nargs=-1, required=True, callback=files_or_input)
device_option = click.option(
    "--device", help="cpu, gpu or gpu:N; by default the first GPU, else the CPU."
)
shared_device_option = click.option(
    "--device",
    help="cpu, gpu, gpu:N, or gpus: all share each batch; by default the first GPU, else the CPU.",
)
data_dir_option = click.option(
    "--data-dir", type=path_type, help="The folder where datasets are looked for first."
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_settings,
    help="Set a param, or a value by its path, such as train.batch_size. May be repeated.",
)


edit_option = click.option(
    "--edit",
    "edits",
    multiple=True,
    metavar="EDIT",
    help="Change steps by name: 'at: stage3, remove: true'. May be repeated.",
)


def _register(context: click.Context, option: click.Parameter, files: Sequence[Path]) -> None:
    context.meta["archspec.layers"] = files  # for what a command advises to run next
    if files and not context.resilient_parsing:  # which completion asks for: it runs no file
        from archspec.own_layers.files import registered

        context.with_resource(registered(files))


layers_option = click.option(
    "--layers",
    multiple=True,
    type=path_type,
    metavar="FILE",
    callback=_register,
    expose_value=False,
    help="A Python file with your own layers; it is run. May be repeated.",
)


def format_option(*others: str) -> Callable[[Verb], Verb]:
    """Return `--format` for a table; others: what it can be written as besides."""
    choice = click.Choice([*TABLE_STYLES, *others])
    return click.option("--format", "form", type=choice, default="text")


def output_option(what: str) -> Callable[[Verb], Verb]:
    return click.option("-o", "--output", type=path_type, help=what)


def _expand(context: click.Context, option: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    path_of(text)
    return os.path.expanduser(text)


def target_option(what: str) -> Callable[[Verb], Verb]:
    """Return `-o` as a text, which may end in `/`."""
    return click.option("-o", "--output", "target", metavar="PATH", callback=_expand, help=what)


def init_options(verb: Verb) -> Verb:
    """Add the options for weights to begin with."""
    options: Sequence[Callable[[Verb], Verb]] = [
        click.option(
            "--init-from",
            metavar="WEIGHTS",
            help="Begin with the weights of a run, a .keras or .weights.h5 file, or "
            "keras.applications.NAME, where they fit.",
        ),
        click.option(
            "--init-spec", metavar="SPEC", help="The spec whose weights a .weights.h5 file has."
        ),
        click.option(
            "--init-partial",
            multiple=True,
            type=click.Choice(PARTIAL),
            help="Use weights of another shape in part. slice: what both have; mean: the mean "
            "over image channels; classes: the classes that both outputs have. May be repeated.",
        ),
    ]
    for option in reversed(options):
        verb = option(verb)
    return verb


def check_init(init_from: str | None, init_spec: str | None, init_partial: Any) -> None:
    """Raise `UsageError` for options about weights where none are named."""
    if init_from is None and (init_spec is not None or init_partial):
        option = "--init-spec" if init_spec is not None else "--init-partial"
        raise click.UsageError(f"{option} is for weights: --init-from names them")


# --- the recipe ----------------------------------------------------------------------------------


def recipe_option(name: str, help: str | None = None, **more: Any) -> Callable[[Verb], Verb]:
    """Return the option for a key of the recipe; its help is the key's sentence unless given."""
    return click.option(_option(name), type=_bounds(name), help=help or _sentence(name), **more)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _sentence(name: str) -> str:
    """Return the sentence of a key, with its choices where it has some."""
    argument = DATA["name"] if name == "data" else RECIPE[name]
    if "enum" not in argument.type.schema:
        return argument.doc
    *others, last = argument.type.schema["enum"]
    return f"{argument.doc.removesuffix('.')}: {', '.join(others)} or {last}."


def _bounds(name: str) -> WholeNumber | None:
    """Return the type of a key that is an integer, with its bounds."""
    wanted = RECIPE[name].type
    schema = wanted.schema.get("anyOf", [wanted.schema])[0]  # the other one is null
    if schema.get("type") != "integer":
        return None
    return WholeNumber(schema["minimum"], wanted.most)


def recipe_options(verb: Verb) -> Verb:
    """Add the options of a training to a verb."""
    options: Sequence[Callable[[Verb], Verb]] = [
        set_option,
        edit_option,
        *map(recipe_option, CHANGES),
        data_dir_option,
        click.option("--limit", type=MANY, help="Train on the first N images only."),
        click.option(
            "--resize", is_flag=True, help="Adapt size and channels of images to the spec's input."
        ),
        click.option(
            "--recipe",
            type=path_type,
            help="A file with a `train` mapping alone, instead of the spec's.",
        ),
        shared_device_option,
    ]
    for option in reversed(options):
        verb = option(verb)
    return verb


def check_given_once(settings: Sequence[str], **options: Any) -> None:
    """Raise `UsageError` if a command line gives a key of the recipe twice, so that no value is
    dropped without a word.

    options: the values of the options by their names; None where an option is not given. Those that
    are neither `recipe` nor a key of it are passed over.
    """
    given = [
        name
        for name, value in options.items()
        if value is not None and (name in RECIPE or name == "recipe")
    ]
    if set(LENGTHS) <= set(given):
        raise click.UsageError("give --epochs or --steps, not both")
    for place in (text.partition("=")[0].strip() for text in settings):
        if place.partition(".")[0] != "train":
            continue
        if "recipe" in given:
            message = f"--set {place} changes the spec's own recipe, and --recipe replaces that"
            raise click.UsageError(f"{message}: change the --recipe file instead")
        word = place.removeprefix("train.").removesuffix(".name")
        for name in LENGTHS if word in LENGTHS else (word,):
            if name in given:
                raise click.UsageError(f"give {_option(name)} or --set {place}, not both")
