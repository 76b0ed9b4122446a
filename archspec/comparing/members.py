"""Networks trained one after the other, each in a process of its own, and what came of them.

A member of a comparison is one network with one seed. It has a folder below the comparison's,
NAME-sSEED, and beside it NAME-sSEED.log with all that its training said. A process of its own makes
its peak memory its own, and what ends it, be it the lack of memory, ends no other member.

Nothing here imports Keras: everything that can be refused is, before the first training begins.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import archspec
from archspec.arguments import bind
from archspec.comparing.table import Comparison, Missing, compared
from archspec.data.preparation import refuse_other_targets
from archspec.errors import Diagnostic, Refused, Source, Span, SpecError, UserError
from archspec.expand import expand
from archspec.graph import Graph
from archspec.loading.files import open_spec, parse_setting
from archspec.reading import kind_of, path_of
from archspec.recipe import RECIPE, Recipe, given_in, recipe_of
from archspec.runs.folder import RUNS
from archspec.runs.job import flat_spec, located
from archspec.runs.results import Result, read
from archspec.syntax.source import read_file
from archspec.writing import writing

PLACE = RUNS / "compare"
PICTURES = (".png", ".svg", ".pdf")
# What a run has written before it is one that can be gone on with.
BEGINNING = {".lock", "error.txt", "run.json", "spec.yaml"}
OTHERWISE = "give another --dir, move the folder away, or say the options that it was made with"
Echo = Callable[[str], None]


class Terms:
    """How all members are trained, in the words of `archspec train`."""

    def __init__(
        self,
        *,
        settings: tuple[str, ...] = (),
        recipe: Path | None = None,
        data_dir: Path | None = None,
        limit: int | None = None,
        resize: bool = False,
        device: str | None = None,
        **changes: Any,
    ) -> None:
        """settings: as `--set` takes them. changes: keys of the recipe that replace those of each
        member's own; what is None is as its own recipe has it."""
        self.settings = settings
        self.recipe = recipe
        self.data_dir = data_dir
        self.limit = limit
        self.resize = resize
        self.device = device
        self.changes = changes

    @property
    def options(self) -> list[str]:
        """Return the options of a command line that say the same."""
        said = [part for each in self.settings for part in ("--set", each)]
        given = {
            "recipe": self.recipe,
            **self.changes,
            "data_dir": self.data_dir,
            "limit": self.limit,
            "device": self.device,
        }
        for name, value in given.items():
            if value is not None:
                said += [f"--{name.replace('_', '-')}", str(value)]
        return [*said, "--resize"] if self.resize else said


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A network with a seed. label: what it is called. spec: as it was given. recipe: with the
    seed. folder: where its run is, or will be."""

    label: str
    spec: str
    graph: Graph
    recipe: Recipe
    folder: Path

    @property
    def seed(self) -> int:
        return self.recipe.seed

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def missing(self, status: str, message: str = "") -> Missing:
        log = self.log if kind_of(self.log) == "file" else None
        return Missing(self.label, self.seed, self.graph, status, message, log)


def compare(
    arguments: Sequence[str],
    terms: Terms | None = None,
    *,
    seeds: int = 1,
    place: Path = PLACE,
    echo: Echo = print,
) -> Comparison:
    """Train what is not trained yet, and compare it all.

    arguments: specs, as files or by name, and folders of runs, which are only read. seeds: how
    many of each spec, from its recipe's on. place: the folder of the members' folders. echo: takes
    what is going on, line by line, what members say included.

    A member that is finished is taken as it is, one that was stopped is gone on with; one that
    fails is `missing` in the comparison. Ctrl-C is handed on to the member at work, and the
    comparison is then `stopped`. A damaged run among the arguments is said at once, and left out.

    Raises `SpecError` with everything that is wrong with specs, recipes and folders that are taken,
    before anything is trained; `UserError` where no run can be read and nothing is trained.
    """
    terms = terms or Terms()
    given = list(dict.fromkeys(arguments))
    members = planned([each for each in given if not is_run(each)], terms, seeds, place)
    runs: list[Result] = []
    damaged: list[UserError] = []
    for each in filter(is_run, given):
        try:
            runs.append(read(Path(each)))
        except UserError as error:
            damaged.append(error)
    if damaged and not runs and not members:
        raise damaged[0]
    left_out = [_first_line(error) for error in damaged]
    for line in left_out:
        echo(f"left out: {line}")
    found: list[Result | Missing] = []
    stopped = False
    for number, member in enumerate(members, 1):
        title = f"{member.label}, seed {member.seed} ({number} of {len(members)})"
        try:
            found.append(_as_it_is(member) if stopped else _trained(member, terms, title, echo))
        except KeyboardInterrupt:
            stopped = True
            found.append(_as_it_is(member))
    results = [each for each in found if isinstance(each, Result)]
    ours = {each.folder.resolve() for each in results}
    results += [each for each in runs if each.folder.resolve() not in ours]
    missing = [each for each in found if isinstance(each, Missing)]
    return replace(compared(results, missing, stopped), left_out=tuple(left_out))


def publish(comparison: Comparison, place: Path, picture: Path | None = None) -> list[Path]:
    """Write comparison.md, comparison.csv and, if a row has a value, comparison.png into a folder.

    picture: another file for the last, with a suffix of PICTURES. Returns what was written.
    """
    from archspec.comparing.charts import chart

    written = []
    for name, form in (("comparison.md", "markdown"), ("comparison.csv", "csv")):
        written.append(place / name)
        with writing(place / name, "name another folder with --dir") as path:
            path.write_text(comparison.to_text(form), encoding="utf-8")
    if any(row.value is not None for row in comparison.rows):
        written.append(picture or place / "comparison.png")
        with writing(written[-1]) as path:
            chart(comparison, path)
    return written


def is_run(argument: str) -> bool:
    """Whether an argument is the folder of a run, whatever is damaged in it, and not a spec."""
    return any(kind_of(Path(argument) / name) for name in ("resolved.yaml", "run.json"))


def _is_begun(folder: Path) -> bool:
    """Whether the training of a member can be gone on with."""
    return kind_of(folder / "resolved.yaml") == "file"


# --- before anything is trained ------------------------------------------------------------------


def planned(specs: Sequence[str], terms: Terms, seeds: int, place: Path) -> list[Member]:
    """The members: all networks with their first seed, then all with the next, so that one who
    stops has something to compare. Raises `SpecError` with all that stands against it."""
    given = given_in(terms.recipe) if terms.recipe else None
    wrong: list[Diagnostic] = []
    networks: dict[Path, tuple[str, Graph, Recipe]] = {}
    for spec in specs:
        with _collected(spec, wrong):
            networks[archspec.find(spec).resolve()] = (spec, *_network(spec, terms, given))
    labels = _labels({path: graph.name for path, (_, graph, _) in networks.items()})
    members = []
    for more in range(seeds):
        for path, (spec, graph, recipe) in networks.items():
            with _collected(spec, wrong):
                bind("train", {"seed": RECIPE["seed"]}, {"seed": recipe.seed + more})
            seeded = replace(recipe, seed=recipe.seed + more)
            folder = place / f"{labels[path]}-s{seeded.seed}"
            members.append(Member(labels[path], spec, graph, seeded, folder))
    for member in members:
        with _collected(str(member.folder), wrong):
            _refuse_another(member, terms)
    if wrong:  # what is wrong with an option is found with each spec
        raise SpecError({(str(each.span), each.message): each for each in wrong}.values())
    return members


@contextmanager
def _collected(name: str, wrong: list[Diagnostic]) -> Iterator[None]:
    """Add what is wrong to the list instead of raising it. name: of what it is wrong with."""
    nowhere = Span(Source(name, ()), 1, 1, 1, 1)
    try:
        yield
    except SpecError as error:
        wrong += error.diagnostics
    except Refused as refused:
        wrong.append(Diagnostic("train", refused.message, nowhere, refused.hint))
    except UserError as error:
        message = str(error.args[0]).removeprefix(f"{name}: ")
        wrong.append(Diagnostic("file", message, nowhere, error.hint))


def _network(spec: str, terms: Terms, given: Mapping[str, Any] | None) -> tuple[Graph, Recipe]:
    path = archspec.find(spec)
    document = read_file(path, archspec.displayed(spec, path))
    graph = expand(open_spec(document, dict(map(parse_setting, terms.settings))))
    try:
        recipe = recipe_of(
            graph,
            given,
            resize=terms.resize,
            **terms.changes,
        )
    except Refused as refused:
        if terms.recipe:
            refused.message = f"{terms.recipe}: {refused.message}"
        raise
    if recipe.data.name is None:
        raise UserError("nothing to train on", "give --data, or say `data` in its recipe")
    refuse_other_targets(recipe)
    return graph, located(recipe)


def _labels(names: Mapping[Path, str]) -> dict[Path, str]:
    """What each spec's network is called: its name, or where several share one, their files."""
    labels = {}
    for path, name in names.items():
        alike = [each for each in names if names[each] == name]
        if len(alike) == 1:
            labels[path] = name
        else:
            common = os.path.commonpath([each.parent for each in alike])
            labels[path] = "-".join(path.relative_to(common).with_suffix("").parts)
    return labels


def _refuse_another(member: Member, terms: Terms) -> None:
    """Raise `UserError` if the folder of a member has something else in it."""
    folder = member.folder
    if kind_of(folder) is None:
        return
    if not _is_begun(folder):
        if not _only_begun(folder):
            raise UserError("this is in the way, and no run", OTHERWISE)
        return
    run = read(folder)
    facts = run.facts
    there = _compared(run.graph, run.recipe)
    here = _compared(member.graph, member.recipe)
    there |= {key: facts["data"].get(key) for key in ("limit", "data_dir")}
    data_dir = str(path_of(terms.data_dir)) if terms.data_dir else None
    here |= {"limit": terms.limit, "data_dir": data_dir}
    if terms.device and "device" in facts:
        there["device"] = facts["device"]
        named = terms.device.lower()
        here["device"] = named if ":" in named else f"{named}:0"
    differing = [key for key in here | there if here.get(key) != there.get(key)]
    if differing:
        raise UserError(
            "this run was made by something else: "
            + ", ".join(_difference(key, there.get(key), here.get(key)) for key in differing),
            OTHERWISE,
        )


def _compared(graph: Graph, recipe: Recipe) -> dict[str, Any]:
    """Return what is compared of a run: the network, and each key of the recipe."""
    spec = flat_spec(graph, recipe)
    train = spec.pop("train")
    spec.pop("description", None)
    return {"network": spec, **train}


def _difference(key: str, there: Any, here: Any) -> str:
    if isinstance(there, dict | list) or isinstance(here, dict | list):
        return f"{key} differs"
    return f"{key} {there} instead of {here}"


def _only_begun(folder: Path) -> bool:
    """Whether a training was killed there before it left anything to go on with."""
    if kind_of(folder) != "folder":
        return False
    names = [each.name for each in folder.iterdir() if not each.match(".[0-9]*.*")]
    return BEGINNING.issuperset(names)


# --- training ------------------------------------------------------------------------------------


def _trained(member: Member, terms: Terms, title: str, echo: Echo) -> Result | Missing:
    """Train a member, from the beginning or from where it was stopped, if it is not finished."""
    if isinstance(done := _as_it_is(member), Result):
        echo(f"{title}: trained already")
        return done
    echo(title)
    code, said = _run(_command(member, terms), member.log, echo)
    done = _as_it_is(member)
    if isinstance(done, Result):
        return done
    return member.missing("failed", _why(code, said))


def _as_it_is(member: Member) -> Result | Missing:
    """What there is of a member."""
    if not _is_begun(member.folder):
        return member.missing("not trained")
    try:
        result = read(member.folder, member.label)
    except UserError as error:
        return member.missing("failed", _first_line(error))
    return result if result.status == "finished" else member.missing(result.status)


def _first_line(error: UserError) -> str:
    """What is wrong, without the lines of a file that an error may go on with."""
    return str(error.args[0]).partition("\n")[0].removesuffix(":")


def _command(member: Member, terms: Terms) -> list[str]:
    # Found as we were: with `-P` no file of the folder that we are in is taken for a module.
    safe = [] if str(Path.cwd()) in sys.path else ["-P"]
    train = [sys.executable, *safe, "-m", "archspec", "train"]
    if _is_begun(member.folder):
        device = ["--device", terms.device] if terms.device else []
        return [*train, "--resume", str(member.folder), *device]
    if _only_begun(member.folder):
        shutil.rmtree(member.folder)
    seeded = ["--seed", str(member.seed), "--run-dir", str(member.folder)]
    return [*train, member.spec, *terms.options, *seeded]


def _run(command: Sequence[str], log: Path, echo: Echo) -> tuple[int, list[str]]:
    """Run a command, which tells the log and `echo` what it says: its status and its last lines.

    Ctrl-C reaches it through us alone, once, so that it ends in its own way; the second kills it.
    """
    said: deque[str] = deque(maxlen=100)
    with (
        _appending(log) as kept,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):

        def listen() -> None:
            for line in process.stdout or ():
                kept.write(line)
                kept.flush()
                said.append(line.rstrip())
                echo(said[-1])
            process.wait()

        try:
            listen()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            listen()
            raise
        finally:
            if process.poll() is None:
                process.kill()
    return process.returncode, list(said)


@contextmanager
def _appending(log: Path) -> Iterator[IO[str]]:
    """The log of a member, to write on. Raises `UserError` for what the file system refuses."""
    if kind_of(log) not in (None, "file"):  # a pipe would wait for a reader
        raise UserError(f"cannot write {log}: it is no file", "move it away")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"cannot write {log}: {why}", "name another folder with --dir") from None


def _why(code: int, said: Sequence[str]) -> str:
    """Why a training failed, in a line."""
    if code < 0:
        name = signal.Signals(-code).name
        return f"ended by {name}" + (", as for want of memory" if name == "SIGKILL" else "")
    for start in ("error: ", "internal error: "):
        for line in reversed(said):
            if line.startswith(start):
                return line.removeprefix("error: ")
    return next((line for line in reversed(said) if line), f"exit status {code}")
