"""The command line: one thin function a verb. What is heavy is imported inside the verb."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import archspec
from archspec import streams
from archspec.arguments import MAX_INTEGER, Argument
from archspec.backends.style import COSTS, DIRECTIONS, THEMES, Style
from archspec.errors import (
    Diagnostic,
    Refused,
    Source,
    Span,
    SpecError,
    Told,
    UserError,
    in_a_line,
    in_order,
)
from archspec.files import open_spec, setting
from archspec.reading import path_of, reason
from archspec.recipe import RECIPE
from archspec.reports import FORMS
from archspec.syntax.source import Document, read_file, read_input
from archspec.writing import writing

if TYPE_CHECKING:
    from archspec.graph import Graph
    from archspec.training.results import Result

BUILD = Path("build")
STDIN, STDIN_NAME = "-", "stdin"
TRACEBACK = "ARCHSPEC_TRACEBACK"  # in the environment: show that of an error nobody has foreseen


class _Path(click.Path):
    """A path, whose `~` is followed as the shell does where it sees one (not in `--dir=~/runs`).

    Raises `UserError` for what can be no path.
    """

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        path_of(value)
        return super().convert(Path(value).expanduser(), param, ctx)


def _files(context: click.Context, argument: click.Parameter, given: Any) -> Any:
    """Refuse standard input where a file is wanted."""
    if STDIN in ((given,) if isinstance(given, str) else given or ()):
        raise click.BadParameter(
            f"{context.command.name} needs a file; only check, show and draw read standard input"
        )
    return given


def _files_or_input(context: click.Context, argument: click.Parameter, given: Any) -> Any:
    if given.count(STDIN) > 1:
        raise click.BadParameter("'-' is standard input, which can be read once")
    return given


path_type = _Path(path_type=Path)
spec_argument = click.argument("spec", callback=_files)
run_argument = click.argument("run", type=path_type)
specs_argument = click.argument("specs", nargs=-1, required=True, callback=_files_or_input)
device_option = click.option(
    "--device", help="cpu, gpu or gpu:N; by default the first GPU, if there is one."
)
data_dir_option = click.option(
    "--data-dir", type=path_type, help="Where datasets are looked for first."
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda context, option, texts: _settings(texts),
    help="Set a param, or a dotted place such as train.batch_size. May be repeated.",
)


def _settings(texts: Sequence[str]) -> Sequence[str]:
    for text in texts:
        if not text.partition("=")[1] or not text.partition("=")[0].strip():
            raise click.BadParameter(f"'{text}' is not NAME=VALUE, such as width=32")
    return texts


def _range(argument: Argument) -> click.IntRange:
    """The bounds of an option that gives a number of the recipe."""
    schema = argument.type.schema
    bounds = schema.get("anyOf", [schema])[0]
    return click.IntRange(bounds["minimum"], argument.type.most)


SEED, BATCH_SIZE, EPOCHS, STEPS = (
    _range(RECIPE[name]) for name in ("seed", "batch_size", "epochs", "steps")
)
MANY = click.IntRange(1, MAX_INTEGER)


LENGTHS = ("epochs", "steps")


def _said_once(settings: Sequence[str], **options: Any) -> None:
    """See that a command line says each thing of a recipe once, so that nothing of it is dropped.

    options: what was given, by the words of the recipe, and `recipe` itself. Raises `UsageError`.
    """
    said = [name for name, value in options.items() if value is not None]
    if set(LENGTHS) <= set(said):
        raise click.UsageError("give --epochs or --steps, not both")
    for place in (text.partition("=")[0].strip() for text in settings):
        if place.partition(".")[0] != "train":
            continue
        if "recipe" in said:
            message = f"--set {place} changes the spec's recipe, and --recipe gives another"
            raise click.UsageError(f"{message}: change the file of --recipe")
        word = place.removeprefix("train.").removesuffix(".name")
        for name in LENGTHS if word in LENGTHS else (word,):
            if name in said:
                option = f"--{name.replace('_', '-')}"
                raise click.UsageError(f"give {option} or --set {place}, not both")


def recipe_options(verb: Callable[..., None]) -> Callable[..., None]:
    """The options that say how specs are trained."""
    for option in reversed(
        [
            set_option,
            click.option(
                "--data", help="A dataset by name, a folder of images by class, or an .npz file."
            ),
            data_dir_option,
            click.option("--epochs", type=EPOCHS),
            click.option("--steps", type=STEPS, help="Batches to train on, instead of --epochs."),
            click.option("--batch-size", type=BATCH_SIZE),
            click.option("--limit", type=MANY, help="Train on the first N images only."),
            click.option("--resize", is_flag=True, help="Adapt images to the spec's input."),
            click.option(
                "--recipe",
                type=path_type,
                help="A file that holds a `train` mapping alone.",
            ),
            device_option,
            click.option("--precision", help="float32, mixed_bfloat16, mixed_float16 or float64."),
        ]
    ):
        verb = option(verb)
    return verb


def output_option(what: str) -> Callable[[Any], Any]:
    return click.option("-o", "--output", type=path_type, help=what)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="archspec-keras", prog_name="archspec")
def main() -> None:
    """Networks as YAML: check, show, draw, build and train them.

    SPEC is a file, or the bare name of a spec that comes with archspec, such as resnet18; for
    check, show and draw `-` is standard input.
    """


@main.command()
@specs_argument
@set_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", *FORMS]),
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
    if form in FORMS:
        click.echo(FORMS[form](found), nl=bool(found) or form != "github")
    else:
        for each in found:
            click.echo(str(each))
        for summary in sound:
            click.echo(summary)
        errors = sum(each.severity == "error" for each in found)
        if errors:
            click.echo(f"{errors} error{'s' if errors > 1 else ''}")
    if any(each.severity == "error" for each in found):
        sys.exit(1)


def _checked(spec: str, settings: Sequence[str]) -> tuple[list[Diagnostic], str | None]:
    """What is wrong with a spec, and a line on it if nothing is."""
    named = STDIN_NAME if spec == STDIN else spec
    try:
        graph = _load(spec, settings)
    except SpecError as error:
        errors = [each for each in error.diagnostics if each.code != "library"]
        if not errors:
            return [], f"{named}: a block library, checked against the schema"
        return errors, None
    except UserError as error:  # the other specs are checked all the same
        nowhere = Span(Source(named, ()), 1, 1, 1, 1)
        message = str(error.args[0]).removeprefix(f"{named}: ")
        return [Diagnostic("file", message, nowhere, error.hint)], None
    found = [_as_error(each) if each.code == "contract" else each for each in graph.warnings]
    if any(each.severity == "error" for each in found):
        return list(in_order(found)), None
    layers = sum(node.op != "InputLayer" for node in graph)
    macs = "unknown" if graph.macs is None else f"{graph.macs:,}"
    summary = (
        f"{named}: sound: {layers} layer{'s' * (layers != 1)}, "
        f"{graph.total_params:,} parameters, {macs} MACs, fingerprint {graph.fingerprint}"
    )
    if graph.unchecked:
        own = _shown(spec)
        lines = ", ".join(
            dict.fromkeys(
                f"{span.line}" if span.source.name == own else f"{span.source.name}:{span.line}"
                for span in graph.unchecked
            )
        )
        summary += (
            f"\n{named}: steps under a false `when` and blocks nobody calls were checked "
            f"against the schema only: line {lines}"
        )
    return found, summary


def _as_error(diagnostic: Diagnostic) -> Diagnostic:
    from dataclasses import replace

    return replace(diagnostic, severity="error")


@main.command()
@specs_argument
@set_option
@click.option("--depth", type=MANY, help="Fold blocks nested deeper than this.")
@click.option("--batch-size", type=BATCH_SIZE, help="For the memory that training needs.")
@click.option("--precision", help="Likewise: float32, mixed_bfloat16, ...")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def show(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    depth: int | None,
    batch_size: int | None,
    precision: str | None,
    form: str,
) -> None:
    """Print each layer's shape and cost, and what the whole takes; several SPECs side by side."""
    from archspec.backends.text import to_text

    _said_once(settings, batch_size=batch_size, precision=precision)
    graphs = [_load(spec, settings) for spec in specs]
    for graph in graphs:
        _warn(graph)
    click.echo(to_text(graphs, depth, form, batch_size, precision).rstrip("\n"))


@main.command()
@specs_argument
@set_option
@output_option("Where to; its suffix is the format: .svg, .png, .pdf or .dot.")
@click.option("--depth", type=MANY, help="Fold blocks so deep into a box each.")
@click.option("--no-fold", is_flag=True, help="Draw every turn of a repeat.")
@click.option("--blocks", is_flag=True, help="An overview, and each block drawn once beside it.")
@click.option("--heat", type=click.Choice(list(COSTS)), help="Shade boxes by what they cost.")
@click.option("--theme", type=click.Choice(list(THEMES)), default="light")
@click.option("--direction", type=click.Choice(DIRECTIONS), default="TB", help="Down, or across.")
@click.option("--dpi", type=click.IntRange(36, 1200), help="Pixels of an inch of a .png.")
def draw(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    output: Path | None,
    depth: int | None,
    no_fold: bool,
    blocks: bool,
    heat: str | None,
    theme: str,
    direction: str,
    dpi: int | None,
) -> None:
    """Draw SPEC, by default to build/NAME.svg; several SPECS in one picture, side by side.

    Of a broken one what is left is drawn, what failed in red and what follows in grey; the exit
    status is 1.
    """
    from archspec.backends.dot import side_by_side, to_blocks, to_dot
    from archspec.backends.render import render
    from archspec.backends.view import View

    if output is None and STDIN in specs:
        raise click.UsageError("a picture of standard input has no name of its own: give -o FILE")
    if blocks and (len(specs) > 1 or depth):
        raise click.UsageError("--blocks is of one SPEC, and folds as it needs")
    graphs = [_left(spec, settings) for spec in specs]
    path = output or BUILD / f"{'-'.join(graph.name for graph in graphs)}.svg"
    view, style = View(depth, not no_fold), Style(theme, direction, heat)
    if blocks:
        dot = to_blocks(graphs[0], view.fold, style)
    elif len(graphs) > 1:
        dot = side_by_side(graphs, view, style)
    else:
        dot = to_dot(graphs[0], view, style)
    render(dot, path, dpi)
    if any(graph.errors for graph in graphs):
        click.echo(f"drew {path}: what is sound, what failed in red, what follows from it in grey")
        sys.exit(1)
    click.echo(f"drew {path}")


@main.command()
@spec_argument
@set_option
@output_option("Where to, a .keras file.")
@click.option("--seed", type=SEED, default=0, help="Of the initial weights.")
def build(spec: str, settings: tuple[str, ...], output: Path | None, seed: int) -> None:
    """Build SPEC as a Keras model, by default to build/NAME.keras."""
    from archspec.backends import framework
    from archspec.backends.text import to_text

    graph = _load(spec, settings)
    _warn(graph)
    path = output or BUILD / f"{graph.name}.keras"
    if path.suffix != ".keras":
        hint = f"write '{path.with_suffix('.keras')}'"
        raise UserError(f"cannot write '{path}': Keras models end in .keras", hint)
    click.echo(to_text([graph]))
    framework.start()
    model = archspec.to_keras(graph, seed)
    with writing(path) as temporary:
        model.save(temporary)
    click.echo(f"built {path}: {graph.total_params:,} parameters, fingerprint {graph.fingerprint}")


@main.command()
@click.argument("spec", required=False, callback=_files)
@click.option("--resume", type=path_type, help="Go on with the run in a folder.")
@recipe_options
@click.option("--seed", type=SEED)
@click.option("--run-dir", type=path_type, help="By default runs/NAME-N.")
@click.option("--weights", is_flag=True, help="Write every weight's values to weights.txt too.")
@click.option("--quiet", is_flag=True, help="Without the progress.")
def train(
    spec: str | None,
    settings: tuple[str, ...],
    resume: Path | None,
    data: str | None,
    data_dir: Path | None,
    epochs: int | None,
    steps: int | None,
    batch_size: int | None,
    seed: int | None,
    limit: int | None,
    resize: bool,
    recipe: Path | None,
    run_dir: Path | None,
    device: str | None,
    precision: str | None,
    weights: bool,
    quiet: bool,
) -> None:
    """Train SPEC by its recipe, into a folder that tells all of the run.

    With --resume, go on with a run that was stopped: exactly as if it had not been. Then --epochs,
    --steps and --batch-size change its length, in a new folder.
    """
    from archspec.backends import framework
    from archspec.recipe import given_in, recipe_of

    ENDING.heard()
    if (spec is None) == (resume is None):
        raise click.UsageError("give a SPEC to train, or --resume RUN to go on with a run")
    _said_once(
        settings,
        recipe=recipe,
        data=data,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        precision=precision,
    )
    if resume is not None:
        fixed = {
            "--seed": seed is not None,
            "--limit": limit,
            "--resize": resize,
            "--recipe": recipe,
            "--precision": precision,
        }
        if said := [name for name, value in fixed.items() if value]:
            raise click.UsageError(f"{said[0]} is of the run: it cannot be changed by --resume")
        framework.chosen()
        from archspec.training.job import Manner
        from archspec.training.resume import resume as go_on

        done = go_on(
            resume,
            dict(map(setting, settings)),
            Manner(device, quiet, weights, click.echo),
            data=data,
            data_dir=data_dir,
            epochs=epochs,
            steps=steps,
            batch_size=batch_size,
            run_dir=run_dir,
        )
        if done is not None and done.interrupted:
            sys.exit(ENDING.status)
        return
    assert spec is not None
    graph = _load(spec, settings)
    _warn(graph)
    given = given_in(recipe) if recipe else None
    try:
        wanted = recipe_of(
            graph,
            given,
            data=data,
            resize=resize,
            epochs=epochs,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            precision=precision,
        )
    except Refused as refused:
        where = f"{recipe}: " if recipe else ""
        raise UserError(where + refused.message, refused.hint) from None
    framework.chosen()
    from archspec.training.job import Manner
    from archspec.training.run import train as run

    path = archspec.find(spec)
    done = run(
        graph,
        wanted,
        Manner(device, quiet, weights, click.echo),
        run_dir=run_dir,
        data_dir=data_dir,
        limit=limit,
        text=path.read_text(encoding="utf-8-sig"),
    )
    if done.interrupted:
        sys.exit(ENDING.status)


@main.command()
@click.argument("arguments", nargs=-1, metavar="[SPEC | RUN]...", callback=_files)
@recipe_options
@click.option("--seeds", type=click.IntRange(1, 1000), default=1, help="So many of each SPEC.")
@click.option(
    "--dir",
    "place",
    type=path_type,
    help="The folder of the runs: by default runs/compare, or runs for the list.",
)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "csv"]), default="text")
@output_option("The picture, a .png; by default comparison.png in --dir.")
@click.option("--quiet", is_flag=True, help="Without what the trainings say.")
def compare(
    arguments: tuple[str, ...],
    place: Path | None,
    seeds: int,
    form: str,
    output: Path | None,
    quiet: bool,
    **terms: Any,
) -> None:
    """Train each SPEC that is not trained yet, and compare; a RUN is the folder of one that is.

    Interrupted, the same command goes on; a training that fails stops no other. Without arguments,
    list the runs in --dir.
    """
    from archspec.training import compare as comparing
    from archspec.training.comparison import listing
    from archspec.training.folder import RUNS

    said = comparing.Terms(**terms)
    _said_once(**terms)
    if all(map(comparing.is_run, arguments)) and (said.options or seeds > 1):
        option = next(iter(said.options), "--seeds")
        raise click.UsageError(f"{option} is of a training: give a SPEC to train")
    if output is not None and (not arguments or output.suffix not in comparing.PICTURES):
        raise click.UsageError(
            f"the picture is of SPECs or RUNs, and ends in {' or '.join(comparing.PICTURES)}"
        )
    if not arguments:
        click.echo(listing(_readable(place or RUNS), form), nl=False)
        return
    ENDING.heard()
    place = place or comparing.PLACE
    found = comparing.compare(
        arguments,
        said,
        seeds=seeds,
        place=place,
        echo=(lambda said: None) if quiet else partial(click.echo, err=True),
    )
    written = comparing.publish(found, place, output)
    click.echo(found.to_text(form), nl=False)
    click.echo(f"wrote {', '.join(map(str, written))}", err=True)
    if found.stopped:
        click.echo("interrupted: the same command goes on", err=True)
        sys.exit(ENDING.status)
    if found.missing:
        sys.exit(1)


def _readable(place: Path) -> list[Result]:
    """The runs in a folder; those that are damaged are named."""
    from archspec.training.results import folders, read

    found = []
    for folder in folders(place):
        try:
            found.append(read(folder))
        except UserError as error:
            click.echo(f"left out: {error.args[0]}", err=True)
    if not found:
        raise UserError(f"there are no runs in {place}", "name the folder of your runs with --dir")
    return found


@main.command()
@run_argument
@click.option("--part", type=click.Choice(["test", "validation", "train"]), help="By default test.")
@click.option("--data", help="Other images of the same classes, as `train` takes them.")
@data_dir_option
@device_option
def evaluate(
    run: Path, part: str | None, data: str | None, data_dir: Path | None, device: str | None
) -> None:
    """Judge the model of a RUN: loss, metrics, each class; pictures land in RUN/evaluation."""
    from archspec.backends import framework

    framework.start()
    from archspec.training.use import evaluate as judge

    click.echo(str(judge(run, part=part, data=data, data_dir=data_dir, device=device)))
    click.echo(f"\nwrote {run / 'evaluation'}")


@main.command()
@run_argument
@click.argument("images", nargs=-1, required=True, type=path_type)
@click.option("--top", type=MANY, default=5, help="So many of the likeliest classes.")
@click.option("--resize", is_flag=True, help="Adapt images to the spec's input.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@device_option
def predict(
    run: Path, images: tuple[Path, ...], top: int, resize: bool, form: str, device: str | None
) -> None:
    """Say what the model of a RUN takes IMAGES for."""
    from archspec.backends import framework

    framework.start()
    from archspec.training.use import predict as ask

    found = ask(run, images, top, resize, device)
    if form == "json":
        import json

        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for each in found:
        chances = ", ".join(f"{name} {chance:.1%}" for name, chance in each["classes"].items())
        click.echo(f"{each['file']}: {chances}")


@main.command()
@click.argument("specs", nargs=-1, required=True, callback=_files)
@set_option
@click.option("--batch-size", type=BATCH_SIZE, default=32, show_default=True)
@click.option(
    "--precision", default="float32", show_default=True, help="As of train; for every network."
)
@click.option(
    "--burn-in",
    type=click.IntRange(0, MAX_INTEGER),
    default=10,
    show_default=True,
    help="Runs not counted.",
)
@click.option("--runs", type=MANY, default=100, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="At most, for the runs of one phase of one network.",
)
@device_option
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def bench(
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    batch_size: int,
    precision: str,
    burn_in: int,
    runs: int,
    seconds: float,
    device: str | None,
    form: str,
) -> None:
    """Time each SPEC, forward and in training, beside the machine's matrix products.

    The exit status is 1 if a network fails; the others are measured all the same.
    """
    from archspec.backends import framework
    from archspec.training.timings import Plan, member, to_text

    plan = Plan(batch_size, precision, burn_in, runs, seconds)
    members = [member(_load(spec, settings), plan) for spec in specs]
    for each in members:
        _warn(each.graph)
    framework.start()
    from archspec.training.bench import bench as measure

    with framework.on(device) as name:
        done = measure(members, plan, name)
    click.echo(to_text(done, form).rstrip("\n"))
    if done.interrupted:
        click.echo("interrupted: what was measured so far is above", err=True)
        sys.exit(130)
    if done.failed:
        sys.exit(1)


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text")
def layers(names: tuple[str, ...], form: str) -> None:
    """List the layers that a spec may have, or print the page of each NAME, such as Conv2D."""
    from archspec.backends.reference import to_reference

    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 100))
    click.echo(to_reference(names, form, width).rstrip("\n"))


@main.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors and other tools."""
    from archspec.schema import shipped

    click.echo(shipped(), nl=False)


@main.command()
@click.argument("file", type=path_type)
@click.option("--from", "source", default="lenet5", help="The spec to start from.")
def new(file: Path, source: str) -> None:
    """Start FILE as a copy of a spec, with the files that it needs and the schema beside it."""
    from archspec.copying import copy

    for path in copy(archspec.find(source), file):
        click.echo(f"wrote {path}")
    click.echo(f"check it: archspec check {file}")


# --- shared --------------------------------------------------------------------------------------


def _load(spec: str, settings: Sequence[str]) -> Graph:
    from archspec.expand import expand

    return expand(open_spec(_document(spec), dict(map(setting, settings))))


def _document(spec: str) -> Document:
    if spec == STDIN:
        return read_input(sys.stdin.buffer, STDIN_NAME)
    return read_file(archspec.find(spec), _shown(spec))


def _shown(spec: str) -> str:
    """What messages call a spec."""
    return STDIN_NAME if spec == STDIN else archspec.displayed(spec, archspec.find(spec))


class Ending:
    """How a training ends that is told to: by Ctrl-C, or by another signal in the same way, with
    its state kept and the run's folder telling the truth."""

    number = signal.SIGINT.value

    def heard(self) -> None:
        """Take signals that would kill the process for a Ctrl-C, but for those that are ignored,
        as `nohup` has it."""
        for name in ("SIGTERM", "SIGHUP"):  # Windows lacks the second
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._end)

    def _end(self, number: int, frame: object) -> None:
        self.number = number
        raise KeyboardInterrupt

    @property
    def status(self) -> int:
        """The exit status, as a shell has it for a command that a signal ends."""
        return 128 + self.number


ENDING = Ending()


def _left(spec: str, settings: Sequence[str]) -> Graph:
    """The graph of a spec, or what is left of a broken one; what is wrong is said."""
    try:
        graph = _load(spec, settings)
    except SpecError as error:
        click.echo(str(error), err=True)
        if error.graph is None:
            click.echo("nothing is drawn: no layer could be reached", err=True)
            sys.exit(1)
        graph = error.graph
    else:
        _warn(graph)
    return graph


def _warn(graph: Graph) -> None:
    for each in graph.warnings:
        click.echo(str(each), err=True)


def run() -> None:
    """The `archspec` command: errors in words on standard error, and an exit status.

    1: something is wrong with the spec, a file or the machine. 2: wrong usage. 3: a fault of
    archspec's own. 130: interrupted.
    """
    output = streams.prepare()
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    if not os.path.isabs(os.path.expanduser("~")):  # the system does not know its user
        os.environ["HOME"] = os.sep  # else Keras makes a folder called ~ where it works
    unforeseen: Exception | None = None
    try:
        status = _status()
    except Exception as error:
        unforeseen, status = error, 1
    lost = streams.lost(output)
    if lost is not None:  # whatever else was raised is of this
        if lost.errno != errno.EPIPE:  # a reader such as `head` has what it wanted
            click.echo(f"error: cannot write to standard output: {reason(lost)}", err=True)
        status = 1
    elif unforeseen is not None:
        status = _explain(unforeseen)
    sys.exit(status)


def _status() -> int:
    """Run the command; its exit status. Raises what nobody has foreseen."""
    try:
        main.main(standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    except click.exceptions.Abort:  # what click makes of Ctrl-C
        return ENDING.status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Told as error:
        click.echo(str(error), err=True)
        return 1
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        return ENDING.status
    return 0


def _explain(error: Exception) -> int:
    """Say what nobody has foreseen in a line, without a traceback; the exit status."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.strerror:  # a full disk, a folder that is closed to us
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        click.echo(f"error: {where}{reason(error)}", err=True)
        return 1
    if isinstance(error, MemoryError):
        click.echo("error: there is not enough memory for this", err=True)
        return 1
    hint = f"please report this, with the traceback that {TRACEBACK}=1 in the environment shows"
    name, said = type(error).__name__, reason(error)
    click.echo(f"internal error: {name}{f': {said}' * (said != name)}\nhint: {hint}", err=True)
    return 3


def _show_warning(message: Warning | str, *_: Any) -> None:
    """Print a library's warning as a line of ours, not as a line of its code."""
    click.echo(f"warning: {in_a_line(str(message))}", err=True)
