"""The table of tests/kills.py: runs are stopped and gone on from, and all ends as it says."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import signal
import sys
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from filelock import FileLock
from forks import Archspec, Ended, Job, together
from kills import (
    CHANGED,
    FILES,
    FINISHED,
    HEARD,
    LONGER,
    MOMENTS,
    NET,
    SHORTER,
    TRAININGS,
    WAYS,
    WHOLE,
    Cell,
    Reference,
)
from shrinking import ALL

pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc, and sends signals"),
]

spec = importlib.util.spec_from_file_location("resume", ROOT / "benchmarks" / "resume.py")
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)

PAGE = (ROOT / "docs" / "resuming.md").read_text(encoding="utf-8")
MEMBERS = ("net-s0", "net-s1")
ENDED = "ended"  # a run of so many epochs


# --- runs ----------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    """Its files, but for the lock, which says nothing."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def status_of(run: Path) -> str:
    return str(json.loads((run / "run.json").read_text())["status"])


def newest(run: Path) -> int:
    """The epoch of its newest state; 0 where there is none."""
    return max((int(path.stem) for path in run.glob("last/[0-9]*.npz")), default=0)


def compared(cell: Cell) -> bool:
    return MOMENTS[cell.moment].of != "training"


class Ground:
    """The place where runs are made, stopped and gone on from."""

    def __init__(self, place: Path) -> None:
        self.place, self.times, self.made = place, 0, set[Reference]()
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
            self.spec(name).write_text(NET + training.recipe)

    def spec(self, training: str) -> Path:
        return self.place / f"{training}.yaml"

    # --- commands --------------------------------------------------------------------------------

    def train(self, training: str, run: Path, words: Iterable[str], images: Path) -> list[str]:
        """The words of a command that begins a run."""
        images_said = ("--data-dir", str(images))
        return ["train", str(self.spec(training)), *images_said, *words, "--run-dir", str(run)]

    def resume(self, training: str, run: Path, words: Iterable[str], new: Path | None) -> list[str]:
        """Of one that goes on with it, in a new folder if one is given."""
        into = ("--run-dir", str(new)) if new else ()
        return ["train", "--resume", str(run), *self._said(training, words), *into]

    def compare(self, training: str, place: Path, words: Iterable[str], images: Path) -> list[str]:
        """Of one that begins a comparison, or goes on with it."""
        said = self._said(training, words)
        given = () if "--data-dir" in said else ("--data-dir", str(images))
        command = ["compare", str(self.spec(training)), "--seeds", "2", "--dir", str(place)]
        return [*command, *given, *said]

    def _said(self, training: str, words: Iterable[str]) -> list[str]:
        """The words of a way as they are for that training, and in this place."""
        said: list[str] = []
        for word in words:
            match word:
                case "longer" | "shorter":
                    said += getattr(TRAININGS[training], word)
                case "moved" | "moved/mnist.npz":
                    said.append(str(self.place / word))
                case _:
                    said.append(word)
        return said

    # --- runs that nobody stops ------------------------------------------------------------------

    def folder(self, reference: Reference) -> Path:
        return self.place / "-".join(map(str, reference))

    def make(self, wanted: Iterable[Reference]) -> None:
        """Train those that there are not yet, and first what they begin with."""
        wanted = set(wanted)
        begun = {Reference(each.training, ENDED, epochs=each.epochs) for each in wanted}
        for them in ({each for each in begun if each.epochs}, wanted):
            missing = sorted(them - self.made)
            together(map(self._made, missing))
            self.made.update(missing)

    def _made(self, wanted: Reference) -> Job[None]:
        run, of = self.folder(wanted), TRAININGS[wanted.training]
        changed = WAYS[wanted.way].words if wanted.way else ()
        if wanted.end == CHANGED and wanted.epochs:
            begun = self.folder(Reference(wanted.training, ENDED, epochs=wanted.epochs))
            words = self.resume(wanted.training, begun, (*of.length, *changed), run)
        else:
            options = {CHANGED: changed, LONGER: of.longer, SHORTER: of.shorter}
            options[ENDED] = of.ended(wanted.epochs)
            said = (*options.get(wanted.end, ()), "--seed", str(wanted.seed))
            words = self.train(wanted.training, run, said, self.images)
        log = run.with_name(f"{run.name}.log")
        assert (yield Archspec(words, log)) == 0, log.read_text()

    # --- runs that are stopped -------------------------------------------------------------------

    def _stopped(self, name: str, number: signal.Signals, home: Path) -> Job[None]:
        """In `home`, with the images and a copy of the run as it is then."""
        moment = MOMENTS[name]
        images, run, log = home / "images", home / "run", home / "log"
        shutil.copytree(self.images, images)
        training = moment.training
        if moment.of != "training":
            words = self.compare(training, run, (), images)
            status = yield Ended(words, number, moment.at, log, moment.of == "comparison")
        else:
            begun = home / "begun" if moment.handed else run
            words = self.train(training, begun, (), images)
            if moment.first is not None:
                yield Ended(words, signal.SIGKILL, moment.first)
                words = self.resume(training, begun, (), run if moment.handed else None)
            status = yield Ended(words, number, moment.at, log)
        self._check(name, number, status, run, log.read_text())
        shutil.copytree(run, home / "as it was")

    def _check(self, name: str, number: signal.Signals, status: int, run: Path, said: str) -> None:
        """Assert that a run was stopped as the table says."""
        moment, heard = MOMENTS[name], number in HEARD
        left = "running" if moment.said == "interrupted" else moment.said
        wanted = (128 + number, moment.said) if heard else (-signal.SIGKILL, left)
        words = ""
        if moment.of != "training":
            run = run / MEMBERS[0]
            wait_for(run)
        if moment.of == "comparison":
            wanted = wanted if heard else (-signal.SIGKILL, "failed")
            words = "interrupted: the same command continues" if heard else ""
        if moment.of == "member":
            wanted = 1, wanted[1]
            why = (
                "interrupted after 3 of 5 epochs: archspec train --resume" if heard else "ended by"
            )
            words = f"failed: net, seed 0: {why}"
        found = status, status_of(run), newest(run)
        assert found == (*wanted, moment.heard if heard else moment.dead), f"{name}: {said}"
        assert words in said, f"{name}: {said}"

    # --- runs that are gone on from --------------------------------------------------------------

    def tried(self, cells: Sequence[Cell]) -> list[str]:
        """What is wrong with what cells end in, in words."""
        self.times += 1
        homes = {
            (cell.moment, cell.number): self.place
            / f"{self.times} {cell.number.name} {cell.moment}"
            for cell in cells
        }
        together(self._stopped(*each, home) for each, home in homes.items())
        references = [cell.reference for cell in cells if cell.reference is not None]
        members = [cell.reference for cell in cells if cell.reference and compared(cell)]
        self.make([*references, *(each._replace(seed=1) for each in members)])
        found: list[str] = []
        for apart in (False, True):
            now = [cell for cell in cells if WAYS[cell.way].apart == apart]
            if apart:
                for home in homes.values():
                    shutil.rmtree(home / "images")
            jobs = [self._tried(cell, homes[cell.moment, cell.number]) for cell in now]
            for cell, wrong in zip(now, together(jobs), strict=True):
                found += [f"{cell}: {each}" for each in wrong]
        return found

    def _tried(self, cell: Cell, place: Path) -> Job[list[str]]:
        way, moment, ends = WAYS[cell.way], MOMENTS[cell.moment], cell.ends
        home = place / cell.way
        home.mkdir()
        run = place / "run" if way.here else home / "run"
        if not way.here:
            shutil.copytree(place / "as it was", run)
        new, log = home / "new" if way.anew else None, home / "log"
        begun = run
        if compared(cell):
            new = new if ends == WHOLE else None  # else it would be one of its own
            words = self.compare(moment.training, new or run, way.words, place / "images")
            begun = run / MEMBERS[0]
        else:
            words = self.resume(moment.training, run, way.words, new)
        if way.again and ends == WHOLE:
            again = ("before", "history.csv", 1)
            yield Ended(words, cell.number, again, home / "log before", moment.of == "comparison")
            if compared(cell):
                wait_for(begun)
        before = contents(begun)
        status = yield Archspec(words, log, way.environment)
        said, wrong = log.read_text(), []
        if new is not None or ends not in FILES or ends == FINISHED:
            wrong += [] if contents(begun) == before else ["the run was touched"]
        if ends not in FILES:
            refused = status == 1 and ends in said and "Traceback" not in said
            return wrong if refused else [*wrong, f"status {status}: {said}"]
        if status:
            return [*wrong, f"status {status}: {said}"]
        if ends == FINISHED:
            new, told = None, f"{run} is finished, after 5 epochs"
        elif way.again or (compared(cell) and new):
            told = ""
        else:
            epochs = cell.newest if ends == WHOLE else cell.whole
            told = f"resuming after epoch {epochs}" if epochs else "starting from the beginning"
        wrong += [] if told in said else [f"not {told}: {said}"]
        assert cell.reference is not None
        by_path = "moved/mnist.npz" in way.words
        if not compared(cell):
            return wrong + self._differences(cell.reference, new or run, by_path)
        for seed, name in enumerate(MEMBERS):
            if way.environment and not (place / "as it was" / name).exists():
                continue  # it has begun with it
            reference = cell.reference._replace(seed=seed)
            wrong += self._differences(reference, (new or run) / name, by_path)
        return wrong

    def _differences(self, reference: Reference, run: Path, by_path: bool) -> list[str]:
        """What is not as it is in the run that was never stopped."""
        whole = self.folder(reference)
        names = {path: set(contents(path)) - {"spec.yaml"} for path in (whole, run)}
        found = [f"{name} is in one of them only" for name in names[whole] ^ names[run]]
        found += bench.differences(whole, run, by_path)
        return found if status_of(run) == "finished" else [*found, f"it is {status_of(run)}"]


def wait_for(member: Path) -> None:
    """Until the training in a folder has ended, whose comparison may have ended before."""
    with FileLock(member / ".lock", timeout=60):
        pass


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


# --- which are tried -----------------------------------------------------------------------------

# In the suite: each way once.
DIAGONAL = {
    "the same command": "after the last state",
    "the same command, stopped again": "before a state",
    "the run moved": "after the state of a partial epoch",
    "another folder": "before the best model of a partial epoch",
    "longer": "in a partial epoch",
    "shorter": "before the first state",
    "another batch size": "in an epoch",
    "another patience": "before the best model",
    "another learning rate": "after the metrics",
    "another number of threads": "after a state",
    "the images moved, as --data-dir says": "when it is handed on",
    "the images moved, as --data says": "before the best model is written again",
    "the images moved, and nothing said": "after the best model",
}
# Under the marker `slow`: each way at every other moment, by a signal that kills and by one that is
# heard in turn; where all is asked for, at each moment by both of them.
EACH = [
    [Cell(moment, way, number) for place, way in enumerate(WAYS) if ALL or (place + row) % 4 == 0]
    for shift, number in ((0, signal.SIGKILL), (2, signal.SIGTERM))
    for row, moment in enumerate(MOMENTS, shift)
]
# The others at each moment, the way another each time.
OTHERS = [
    [
        Cell(moment, list(WAYS)[(place + 4 * shift) % len(WAYS)], number)
        for place, moment in enumerate(MOMENTS)
        if ALL or place % 3 == shift
    ]
    for shift, number in enumerate((signal.SIGSTOP, signal.SIGINT, signal.SIGHUP))
]


def test_no_cell_is_left_out() -> None:
    tried = [(cell.moment, cell.way) for cells in EACH for cell in cells]
    if ALL:
        assert sorted(tried) == sorted([*product(MOMENTS, WAYS)] * 2)
        for cells in OTHERS:
            assert {cell.moment for cell in cells} == set(MOMENTS)
            assert {cell.way for cell in cells} == set(WAYS)
    assert len(tried) == len(set(tried)) * (2 if ALL else 1)
    assert {moment for moment, _ in tried} == set(MOMENTS)
    assert {way for _, way in tried} == set(WAYS)
    assert {cell.moment for cells in OTHERS for cell in cells} == set(MOMENTS)
    assert set(DIAGONAL) == set(WAYS)
    for moment in MOMENTS.values():
        assert moment.but.keys() <= WAYS.keys()


def test_the_page_says_what_is_tried() -> None:
    """The tests that it names, how many cells there are, and the keys of run.json."""
    for file, name in re.findall(r"`(test_\w+\.py)::(\w+)`", PAGE):
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), name
    counts = [len(DIAGONAL), sum(map(len, EACH)), sum(map(len, OTHERS))]
    assert ALL or [int(count) for count in re.findall(r"(\d+) cells \|", PAGE)] == counts


def test_the_page_has_the_keys_of_run_json(ground: Ground) -> None:
    ground.make([Reference("epochs", WHOLE)])
    facts = json.loads((ground.folder(Reference("epochs", WHOLE)) / "run.json").read_text())
    table = PAGE.partition("## The keys of run.json")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    said = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    sometimes = ("given", "init", "own_layers", "resumed_from")
    assert sorted(said) == sorted([*facts, *sometimes])


def test_a_run_that_is_killed_ends_as_if_it_had_not_been(ground: Ground) -> None:
    cells = [Cell(moment, way, signal.SIGKILL) for way, moment in DIAGONAL.items()]
    wrong = ground.tried(cells)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cells", EACH, ids=lambda cells: f"{cells[0].number.name} {cells[0].moment}"
)
def test_at_each_moment_in_each_way(ground: Ground, cells: Sequence[Cell]) -> None:
    wrong = ground.tried(cells)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("cells", OTHERS, ids=lambda cells: cells[0].number.name)
def test_by_each_signal(ground: Ground, cells: Sequence[Cell]) -> None:
    wrong = ground.tried(cells)
    assert not wrong, "\n".join(wrong)
