"""The table of kills: at which moments a run is stopped, and in which ways it is gone on from.

Each moment in each way ends in the files of the run that was never stopped, or in a refusal that
says why. tests/test_kills.py tries them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

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
FINISHED = "finished"  # of that training: it has them, and says so
FILES = (WHOLE, LONGER, SHORTER, CHANGED, FINISHED)
# ... or these words of a refusal.
NO_RUN = "is not the folder of a run"
DONE = "epochs already\nhint: give more than "
ANOTHER = "another length, batch size, patience or save_every only, but optimizer changed"
LOST = "is not a folder\nhint: --data-dir names one that holds datasets"
ELSE = "this run was made with other options: "


@dataclass(frozen=True)
class Way:
    """How a run is gone on from: by `archspec train --resume RUN`, and these words.

    ends: in what. asked: how many epochs it asks for, by training; if so many are done already, it
    is refused. anew: into a folder of its own. here: where the run was begun, and not in a copy of
    it, in another place. apart: the images are not any more where they were. again: it is stopped
    once more, as soon as it goes on. environment: is added to.
    """

    ends: str
    words: tuple[str, ...] = ()
    asked: Mapping[str, int] = field(default_factory=dict)
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
        ANOTHER, ("--set", "train.optimizer={SGD: {learning_rate: 0.02}}"), anew=True
    ),
    "another number of threads": Way(WHOLE, environment={"TF_NUM_INTRAOP_THREADS": THREADS}),
    "the images moved, as --data-dir says": Way(WHOLE, ("--data-dir", "moved"), apart=True),
    "the images moved, as --data says": Way(WHOLE, ("--data", "moved/mnist.npz"), apart=True),
    "the images moved, and nothing said": Way(LOST, apart=True),
}
# Where nothing is changed.
UNCHANGED = [name for name, way in WAYS.items() if way.ends in (WHOLE, LOST)]
# A comparison trains what it was asked for, and says of a folder that it is something else.
COMPARED = {
    "longer": f"{ELSE}epochs 5 instead of 7",
    "shorter": f"{ELSE}epochs 5 instead of 4",
    "another batch size": f"{ELSE}batch_size 32 instead of 64",
    "another patience": f"{ELSE}callbacks differs",
    "another learning rate": f"{ELSE}optimizer differs",
    "the images moved, as --data-dir says": f"{ELSE}data_dir ",
    "the images moved, as --data says": f"{ELSE}data differs",
}


@dataclass(frozen=True)
class Moment:
    """When a run is stopped.

    at: as `Ended` has it. dead, heard: the epoch of the newest state that there is then, where the
    signal kills and where it is heard as Ctrl-C is. said: what run.json says where it is heard.
    but: ways that end in something else, and in what. first: a moment at which it is killed before,
    and then gone on with; in another folder, if it is handed on. of: what gets the signal: a
    training, a comparison that trains it, or a training that is a member of one.
    """

    training: str
    at: tuple[str, object, int]
    dead: int
    heard: int
    said: str = "interrupted"
    but: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, object, int] | None = None
    handed: bool = False
    of: str = "training"


MOMENTS = {
    "before it is a run": Moment(
        "epochs", ("before", "resolved.yaml", 1), 0, 0, but=dict.fromkeys(WAYS, NO_RUN)
    ),
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
        but=dict.fromkeys(WAYS, NO_RUN),
        first=("after", "0004.npz", 1),
        handed=True,
    ),
    "when it is handed on": Moment(
        *("epochs", ("after", "resolved.yaml", 1), 4, 4),
        first=("after", "0004.npz", 1),
        handed=True,
    ),
    # Its member ends by itself, as soon as nobody hears it: after the epoch.
    "in a comparison": Moment("epochs", ("batch", 4, 4), 4, 3, but=COMPARED, of="comparison"),
    "in its member": Moment("epochs", ("batch", 4, 4), 3, 3, but=COMPARED, of="member"),
}
KILLING = (signal.SIGKILL, signal.SIGSTOP)  # the second is followed by the first
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Reference(NamedTuple):
    """A run that nobody has stopped. way, epochs: where it was changed so, after so many epochs."""

    training: str
    end: str
    way: str = ""
    epochs: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Cell:
    """A place in the table, and the signal that stops the run there."""

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
        """In what it ends: one of FILES, or a refusal."""
        moment, way = MOMENTS[self.moment], WAYS[self.way]
        if self.way in moment.but:
            return moment.but[self.way]
        asked = way.asked.get(moment.training)
        return DONE if asked is not None and asked <= self.whole else way.ends

    @property
    def reference(self) -> Reference | None:
        """The run that must have the same files."""
        training = MOMENTS[self.moment].training
        match self.ends:
            case "changed":
                return Reference(training, CHANGED, self.way, self.whole)
            case "finished":
                return Reference(training, WHOLE)
            case end:
                return Reference(training, end) if end in FILES else None
