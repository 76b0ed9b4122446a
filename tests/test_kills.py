"""A run that is stopped, at any moment and by any signal, and gone on from, in any way.

It ends in the files of the run that was never stopped, or in a refusal that says why. MOMENTS and
WAYS say which of them, for each moment in each way.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from forks import Archspec, Ended, Job, together

pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc, and sends signals"),
]

# --- what is trained -----------------------------------------------------------------------------

NET = """\
archspec: 1
name: net
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3}
  - BatchNormalization
  - Dropout: 0.3
  - Flatten
  - Dense: {units: 10, activation: softmax}
train:
  data: mnist
"""
# The second epoch is the best: after its twenty steps the learning rate is far too high.
WORSENING = """\
  epochs: 5
  optimizer:
    SGD: {learning_rate: {PiecewiseConstantDecay: {boundaries: [20], values: [0.01, 0.5]}}}
  callbacks: [{EarlyStopping: {patience: %s, restore_best_weights: true}}]
"""
# Each epoch is better than the one before, also the third, of which there are six steps.
BETTERING = """\
  steps: 26
  optimizer: {Adam: 0.01}
  callbacks:
    - EarlyStopping: {patience: 9, restore_best_weights: true}
    - ReduceLROnPlateau: {monitor: loss, patience: 1, factor: 0.5, min_delta: 0.5}
"""


@dataclass(frozen=True)
class Training:
    """recipe: what follows in the text of the spec. length: the options that say how long it is;
    longer, shorter: those of a longer and a shorter one. whole: epochs that it has in full."""

    recipe: str
    length: tuple[str, str]
    longer: tuple[str, str]
    shorter: tuple[str, str]
    whole: int

    def ended(self, epochs: int) -> tuple[str, str]:
        """The options for so many epochs."""
        option, _ = self.length
        return option, str(epochs if option == "--epochs" else 10 * epochs)


TRAININGS = {
    "epochs": Training(
        WORSENING % 9, ("--epochs", "5"), ("--epochs", "7"), ("--epochs", "4"), whole=5
    ),
    "steps": Training(BETTERING, ("--steps", "26"), ("--steps", "45"), ("--steps", "16"), whole=2),
    "early": Training(
        WORSENING % 1, ("--epochs", "5"), ("--epochs", "7"), ("--epochs", "2"), whole=3
    ),
}

# --- the table -----------------------------------------------------------------------------------

# What a run ends in that is gone on from: the files of one that was never stopped ...
WHOLE = "whole"  # of that training
LONGER, SHORTER = "longer", "shorter"  # of a training that was so long from the start
CHANGED = "changed"  # of one that ended with the epoch gone on from, and was then changed so
FINISHED = "finished"  # it has them, and says so
# ... or these words.
REFUSALS = {
    "no run": "is not the folder of a run",
    "done": "epochs already",
    "another": "a run can go on with another length, batch size or patience only, but optimizer",
    "lost": "is not a folder\nhint: --data-dir names one that holds datasets",
}


@dataclass(frozen=True)
class Way:
    """How a run is gone on from: by `archspec train --resume RUN`, and these words.

    ends: in what. needs: more epochs than this must be asked for than are done, by training;
    where it is not so, it is refused as `done`. anew: into a folder of its own. here: where the run
    was begun, and not in a copy of it, in another place. apart: the images are not where they were.
    again: it is stopped once more, as soon as it goes on. environment: is added to.
    """

    ends: str
    words: tuple[str, ...] = ()
    needs: Mapping[str, int] = field(default_factory=dict)
    anew: bool = False
    here: bool = False
    apart: bool = False
    again: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


THREADS = str(len(os.sched_getaffinity(0)) + 1)
LAST = {"epochs": 5, "steps": 3, "early": 5}
WAYS = {
    "the same command": Way(WHOLE, here=True),
    "the same command, stopped again": Way(WHOLE, again=True),
    "the run moved": Way(WHOLE),
    "another folder": Way(WHOLE, anew=True),
    "longer": Way(LONGER, ("longer",), anew=True),
    "shorter": Way(SHORTER, ("shorter",), {"epochs": 4, "steps": 2, "early": 2}, anew=True),
    "another batch size": Way(CHANGED, ("--batch-size", "64"), {**LAST, "steps": 6}, anew=True),
    "another patience": Way(
        CHANGED, ("--set", "train.callbacks.0.EarlyStopping.patience=2"), LAST, anew=True
    ),
    "another learning rate": Way(
        "another", ("--set", "train.optimizer={SGD: {learning_rate: 0.02}}"), anew=True
    ),
    "another number of threads": Way(WHOLE, environment={"TF_NUM_INTRAOP_THREADS": THREADS}),
    "the images moved, as --data-dir says": Way(WHOLE, ("--data-dir", "moved"), apart=True),
    "the images moved, as --data says": Way(WHOLE, ("--data", "moved/mnist.npz"), apart=True),
    "the images moved, and nothing said": Way("lost", apart=True),
}
# Where nothing is changed.
UNCHANGED = [name for name, way in WAYS.items() if way.ends in (WHOLE, "lost")]


@dataclass(frozen=True)
class Moment:
    """When a run is stopped.

    at: as `Ended` has it. dead, heard: the epoch of the newest state that there is then, where the
    signal kills and where it is heard as Ctrl-C is. said: what run.json says where it is heard.
    but: ways that end in something else, and in what. first: a moment at which it is killed before,
    and then gone on with; in another folder, if it is handed on.
    """

    training: str
    at: tuple[str, object, int]
    dead: int
    heard: int
    said: str = "interrupted"
    but: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, object, int] | None = None
    handed: bool = False


NO_RUN = dict.fromkeys(WAYS, "no run")
MOMENTS = {
    "before it is a run": Moment("epochs", ("before", "resolved.yaml", 1), 0, 0, but=NO_RUN),
    "before the first state": Moment("epochs", ("before", "0001.npz", 1), 0, 1),
    "before a state": Moment("epochs", ("before", "0003.npz", 1), 2, 3),
    "after a state": Moment("epochs", ("after", "0003.npz", 1), 3, 3),
    "before the best model": Moment("epochs", ("before", "best.keras", 2), 2, 2),
    "after the best model": Moment("epochs", ("after", "best.keras", 2), 2, 2),
    "in an epoch": Moment("epochs", ("batch", 5, 4), 4, 4),
    "where Python passes over errors": Moment("epochs", ("passed over", 4, 4), 3, 3),
    "before the last state": Moment("epochs", ("before", "0005.npz", 1), 4, 5),
    "after the last state": Moment("epochs", ("after", "0005.npz", 1), 5, 5),
    "before the metrics": Moment("epochs", ("before", "metrics.json", 1), 5, 5),
    "after the metrics": Moment("epochs", ("after", "metrics.json", 1), 5, 5),
    "when it is finished": Moment(
        *("epochs", ("after", "run.json", 3), 5, 5, "finished", dict.fromkeys(UNCHANGED, FINISHED))
    ),
    "in a partial epoch": Moment("steps", ("batch", 3, 2), 2, 2),
    "before the state of a partial epoch": Moment("steps", ("before", "0003.npz", 1), 2, 3),
    "after the state of a partial epoch": Moment("steps", ("after", "0003.npz", 1), 3, 3),
    "before the best model of a partial epoch": Moment("steps", ("before", "best.keras", 3), 3, 3),
    "after the best model of a partial epoch": Moment("steps", ("after", "best.keras", 3), 3, 3),
    "after the state at which it stops early": Moment("early", ("after", "0003.npz", 1), 3, 3),
    "before the best model is written again": Moment(
        "epochs", ("before", "best.keras", 1), 4, 4, first=("after", "0004.npz", 1)
    ),
    "before the folder that it is handed on to is a run": Moment(
        *("epochs", ("before", "resolved.yaml", 1), 4, 4),
        but=NO_RUN,
        first=("after", "0004.npz", 1),
        handed=True,
    ),
    "when it is handed on": Moment(
        *("epochs", ("after", "resolved.yaml", 1), 4, 4),
        first=("after", "0004.npz", 1),
        handed=True,
    ),
}
KILLING = (signal.SIGKILL, signal.SIGSTOP)  # which is followed by SIGKILL
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Cell:
    moment: str
    way: str
    number: signal.Signals

    def __str__(self) -> str:
        return f"{self.number.name} {self.moment}, {self.way}"

    @property
    def newest(self) -> int:
        """The epoch of the newest state that the signal leaves."""
        moment = MOMENTS[self.moment]
        return moment.dead if self.number in KILLING else moment.heard

    @property
    def whole(self) -> int:
        """How many epochs are done, without a partial one."""
        return min(self.newest, TRAININGS[MOMENTS[self.moment].training].whole)

    @property
    def ends(self) -> str:
        """In what it ends."""
        moment, way = MOMENTS[self.moment], WAYS[self.way]
        if self.way in moment.but:
            return moment.but[self.way]
        needed = way.needs.get(moment.training)
        return "done" if needed is not None and needed <= self.whole else way.ends

    @property
    def reference(self) -> tuple[str, str, str, int] | None:
        """Which run must have the same files: its training and end, and for a changed one the way
        and the epoch that it had ended with."""
        training = MOMENTS[self.moment].training
        match self.ends:
            case "changed":
                return training, CHANGED, self.way, self.whole
            case "whole" | "longer" | "shorter":
                return training, self.ends, "", 0
            case "finished":
                return training, WHOLE, "", 0
        return None


# --- runs ----------------------------------------------------------------------------------------

spec = importlib.util.spec_from_file_location("resume", ROOT / "benchmarks" / "resume.py")
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)


def contents(folder: Path) -> dict[str, bytes]:
    """Its files, but for the lock, which says nothing."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _status(run: Path) -> str:
    """What its run.json says."""
    return str(json.loads((run / "run.json").read_text())["status"])


def _states(run: Path) -> list[int]:
    """The epochs whose states it has."""
    return [int(path.stem) for path in run.glob("last/[0-9]*.npz")]


class Ground:
    """Where runs are made: the ones that were never stopped once, the stopped ones for all ways."""

    def __init__(self, place: Path) -> None:
        self.place, self.made = place, set()
        self.stopped: dict[tuple[str, signal.Signals], Path] = {}
        rng = np.random.default_rng(0)
        shades, arrays = rng.integers(0, 256, (10, 8, 8)), {}
        for part, count in (("train", 356), ("test", 60)):
            labels = np.arange(count) % 10
            images = 0.4 * shades[labels] + 0.6 * rng.integers(0, 256, (count, 8, 8))
            arrays |= {f"x_{part}": images.astype(np.uint8), f"y_{part}": labels}
        self.images = place / "moved"
        self.images.mkdir()
        np.savez(self.images / "mnist.npz", **arrays)
        for name, training in TRAININGS.items():
            (place / f"{name}.yaml").write_text(NET + training.recipe)

    def begun(self, training: str, run: Path, *words: str, images: Path | None = None) -> list[str]:
        """The words of a command that trains into a folder."""
        spec = str(self.place / f"{training}.yaml")
        return ["train", spec, "--data-dir", str(images or self.images), *words, *self._into(run)]

    def gone_on(
        self, training: str, run: Path, words: Iterable[str], new: Path | None
    ) -> list[str]:
        """The words of a command that goes on with a run."""
        said: list[str] = []
        for word in words:
            match word:
                case "longer" | "shorter":
                    said += getattr(TRAININGS[training], word)
                case "moved" | "moved/mnist.npz":
                    said.append(str(self.place / word))
                case _:
                    said.append(word)
        return ["train", "--resume", str(run), *said, *(self._into(new) if new else ["--quiet"])]

    def _into(self, run: Path) -> list[str]:
        return ["--run-dir", str(run), "--quiet"]

    # --- that nobody stops -----------------------------------------------------------------------

    def reference(self, training: str, end: str, way: str, epochs: int) -> Path:
        return self.place / "-".join((training, end, way, str(epochs)))

    def make(self, wanted: Iterable[tuple[str, str, str, int]]) -> None:
        """Train those that there are not yet, and first what they begin with."""
        wanted = set(wanted)
        bases = {(training, "ended", "", epochs) for training, _, _, epochs in wanted if epochs}
        for keys in (bases, wanted):
            missing = sorted(keys - self.made)
            together(self._made(*key) for key in missing)
            self.made.update(missing)

    def _made(self, training: str, end: str, way: str, epochs: int) -> Job[None]:
        run, of = self.reference(training, end, way, epochs), TRAININGS[training]
        if end == CHANGED and epochs:
            base = self.reference(training, "ended", "", epochs)
            words = self.gone_on(training, base, (*of.length, *WAYS[way].words), run)
        else:
            more = {CHANGED: WAYS[way].words if way else (), "ended": of.ended(epochs)}
            more |= {LONGER: of.longer, SHORTER: of.shorter}
            words = self.begun(training, run, *more.get(end, ()))
        log = run.with_name(f"{run.name}.log")
        assert (yield Archspec(words, log)) == 0, log.read_text()

    # --- that are stopped ------------------------------------------------------------------------

    def stop(self, wanted: Iterable[tuple[str, signal.Signals]]) -> None:
        """Stop runs at their moments by their signals, those that were not yet."""
        missing = [each for each in dict.fromkeys(wanted) if each not in self.stopped]
        homes = together(self._stopped(*each) for each in missing)
        self.stopped.update(zip(missing, homes, strict=True))

    def _stopped(self, name: str, number: signal.Signals) -> Job[Path]:
        moment, home = MOMENTS[name], self.place / f"{number.name} {name}"
        images, run, log = home / "images", home / "run", home / "log"
        shutil.copytree(self.images, images)
        first = home / "first" if moment.handed else run
        words = self.begun(moment.training, first, images=images)
        if moment.first is not None:
            yield Ended(words, signal.SIGKILL, moment.first)
            words = self.gone_on(moment.training, first, (), run if moment.handed else None)
        status = yield Ended(words, number, moment.at, log)
        found = status, _status(run), max(_states(run), default=0)
        if number in HEARD:
            wanted = 128 + number, moment.said, moment.heard
        else:
            left = "finished" if moment.said == "finished" else "running"
            wanted = -signal.SIGKILL, left, moment.dead
        assert found == wanted, f"{name}: {found} and not {wanted}: {log.read_text()}"
        shutil.copytree(run, home / "as it was")
        return home

    # --- that are gone on from -------------------------------------------------------------------

    def tried(self, cells: Sequence[Cell]) -> list[str]:
        """What is wrong with what cells end in, in words."""
        self.stop((cell.moment, cell.number) for cell in cells)
        self.make(cell.reference for cell in cells if cell.reference)
        found = together(self._tried(cell) for cell in cells if not WAYS[cell.way].apart)
        apart = [cell for cell in cells if WAYS[cell.way].apart]
        for home in {self.stopped[cell.moment, cell.number] for cell in apart}:
            shutil.rmtree(home / "images")
        found += together(self._tried(cell) for cell in apart)
        return [f"{cell}: {each}" for cell, wrong in found for each in wrong]

    def _tried(self, cell: Cell) -> Job[tuple[Cell, list[str]]]:
        way, training = WAYS[cell.way], MOMENTS[cell.moment].training
        place = self.stopped[cell.moment, cell.number]
        home = place / cell.way
        home.mkdir()
        run, log = home / "run", home / "log"
        if way.here:
            run = place / "run"
        else:
            shutil.copytree(place / "as it was", run)
        new = home / "new" if way.anew else None
        words = self.gone_on(training, run, way.words, new)
        before = contents(run)
        if way.again and cell.ends == WHOLE:
            yield Ended(words, cell.number, ("before", "history.csv", 1), home / "first log")
            before = contents(run)
        status = yield Archspec(words, log, way.environment)
        said = log.read_text()
        ends, wrong = cell.ends, []
        if ends == FINISHED:
            wrong += [] if f"{run} is finished, after 5 epochs" in said else ["it does not say so"]
            new = None
        if ends in REFUSALS or ends == FINISHED or new is not None:
            wrong += [] if contents(run) == before else ["the run was touched"]
        if ends in REFUSALS:
            words_said = said.partition("error: ")[2]
            wrong += [] if status == 1 and REFUSALS[ends] in words_said else [f"it says: {said}"]
            return cell, wrong
        if status:
            return cell, [*wrong, f"exit status {status}: {said}"]
        if ends != FINISHED:
            epochs = cell.newest if ends == WHOLE else cell.whole
            told = f"going on after epoch {epochs}" if epochs else "starting from the beginning"
            wrong += [] if told in said or way.again else [f"not {told}: {said}"]
        return cell, wrong + self._differences(cell, new or run)

    def _differences(self, cell: Cell, run: Path) -> list[str]:
        """What is not as it is in the run that was never stopped."""
        assert cell.reference is not None
        reference = self.reference(*cell.reference)
        by_path = "moved/mnist.npz" in WAYS[cell.way].words
        found = bench.differences(reference, run, by_path)
        names = {each: set(contents(each)) for each in (reference, run)}
        found += [f"{name} is in one of them only" for name in names[reference] ^ names[run]]
        return found if _status(run) == "finished" else [*found, f"it is {_status(run)}"]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


# --- tests ---------------------------------------------------------------------------------------

DIAGONAL = [
    Cell(moment, list(WAYS)[number % len(WAYS)], signal.SIGKILL)
    for number, moment in enumerate(MOMENTS)
]


def test_a_run_that_is_killed_ends_as_if_it_had_not_been(ground: Ground) -> None:
    wrong = ground.tried(DIAGONAL)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_in_every_way(ground: Ground, moment: str) -> None:
    wrong = ground.tried([Cell(moment, way, signal.SIGKILL) for way in WAYS])
    assert not wrong, "\n".join(wrong)
