"""How fast the runner trains, against what the tutorials do by hand.

    python benchmarks/train.py [--rounds 3] [--data-dir FOLDER] [--photos FOLDER] [CONTEST ...]

Each contest trains one network in this process in two ways: the same images, batch size, number of
updates and maths. The ways are

    runner    archspec's, with all it does beside: history, best model, state after every epoch
    bare      the runner's own call of `fit` and nothing beside: no callbacks, nothing saved
    fit       `model.fit` on numpy arrays with a ModelCheckpoint, as the first tutorial has it
    tape      a loop over a GradientTape, step by step, as the fourth has it
    folder    `image_dataset_from_directory`, cached, shuffled and prefetched, as the third has it

The two ways of a contest take turns, an epoch each, and an epoch lasts until the next begins, so
what callbacks do counts, and validation. "steady" is the ratio of images per second, epoch by
epoch, without the first: median, least and most. "fastest" is that of the fastest epoch of each: on
a machine that others slow down now and then it says most. "all" is the ratio of whole trainings:
reading the images, building, compiling. Where epochs take now once, now twice as long, as on small
virtual machines, that is the scheduler: `chrt -f 5 python benchmarks/train.py` ends it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

import archspec
from archspec.backends import framework
from archspec.data.preparation import prepare
from archspec.recipe import recipe_of
from archspec.runs.job import RunOptions
from archspec.training.compiling import compile_trainer, use_precision
from archspec.training.feed import Feed
from archspec.training.run import train


@dataclass(frozen=True)
class Contest:
    """ways: the runner's, and what it is compared with. wanted: the least ratio of their speeds."""

    name: str
    spec: str
    ways: tuple[str, str]
    wanted: float
    images: int
    epochs: int = 8
    data: str = "fashion_mnist"
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    precision: str = "float32"  # of the runner


CONTESTS = (
    Contest("lenet5 at 32", "lenet5", ("runner", "fit"), 1.5, 20_000),
    Contest("lenet5 at 128", "lenet5", ("runner", "fit"), 1.0, 20_000, options={"batch_size": 128}),
    Contest("lenet5, tape", "lenet5", ("runner", "tape"), 12.0, 10_000, epochs=5),
    Contest("lenet5, overhead", "lenet5", ("runner", "bare"), 1 / 1.1, 20_000),
    Contest("inception10", "inception10", ("runner", "fit"), 1.1, 3_000),
    Contest("inception10, overhead", "inception10", ("runner", "bare"), 1 / 1.1, 3_000),
    Contest("resnet18", "resnet18", ("runner", "fit"), 1.0, 640, epochs=5),
    Contest(
        "resnet18, bfloat16",
        "resnet18",
        ("runner", "fit"),
        1.4,
        640,
        epochs=5,
        precision="mixed_bfloat16",
    ),
    Contest(
        "photos",
        "resnet50v2",
        ("runner", "folder"),
        0.97,
        320,
        epochs=5,
        data="photos",
        settings={"size": 64, "classes": 10},
    ),
    Contest(
        "photos at 224",
        "resnet50v2",
        ("runner", "folder"),
        0.97,
        96,
        epochs=3,
        data="photos",
        settings={"size": 224, "classes": 10},
    ),
)


class Turn(keras.callbacks.Callback):  # type: ignore[misc]
    """One of several trainings that go on in turn, an epoch each: a busy moment slows all alike.

    Every one has a thread, but only that whose turn it is runs. seconds: what each epoch took, the
    first with all that came before it.
    """

    def __init__(self, work: Callable[[Turn], None]) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.next = self
        self.failure: BaseException | None = None
        self.done = False
        self.go = threading.Semaphore(0)
        self.begun = 0.0
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work: Callable[[Turn], None]) -> None:
        self.go.acquire()
        self.begun = time.perf_counter()
        try:
            work(self)
        except BaseException as error:
            self.failure = error
        self.done = True
        self._pass_on()

    def _pass_on(self) -> None:
        following = self.next
        while following.done and following is not self:
            following = following.next
        following.go.release()

    def _stop(self) -> None:
        self.seconds.append(time.perf_counter() - self.begun)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._stop()
        self._pass_on()
        self.go.acquire()
        self.begun = time.perf_counter() - (self.seconds.pop() if epoch == 0 else 0)

    def on_train_end(self, logs: Any = None) -> None:
        self._stop()


def in_turn(works: Sequence[Callable[[Turn], None]]) -> list[list[float]]:
    """What each epoch of each took."""
    keras.backend.clear_session()
    turns = [Turn(work) for work in works]
    for one, following in zip(turns, [*turns[1:], turns[0]], strict=True):
        one.next = following
    turns[0].go.release()
    for each in turns:
        each.thread.join()
    for each in turns:
        if each.failure is not None:
            raise each.failure
    return [each.seconds for each in turns]


# --- the ways ------------------------------------------------------------------------------------


@dataclass
class Race:
    """A contest with its data in place."""

    contest: Contest
    data: str
    data_dir: Path | None

    def __post_init__(self) -> None:
        it = self.contest
        self.graph = archspec.load(it.spec, **it.settings)
        self.recipe = recipe_of(
            self.graph, data=self.data, epochs=it.epochs, resize=it.data == "photos", **it.options
        )

    def runner(self, turn: Turn, folder: Path) -> None:
        recipe = recipe_of(
            self.graph,
            self.recipe.mapping(lambda name: name),
            data=self.data,
            precision=self.contest.precision,
        )
        run_options = RunOptions(quiet=True, echo=lambda said: None)
        options = {"data_dir": self.data_dir, "limit": self.contest.images}
        with timed(turn):
            train(self.graph, recipe, run_options, run_dir=folder / "run", **options)

    def _arrays(self) -> dict[str, tuple[Any, Any]]:
        _, parts = prepare(self.graph, self.recipe, self.data_dir, self.contest.images)
        return {name: part.make_batch(part.examples) for name, part in parts.items()}

    def bare(self, turn: Turn, folder: Path) -> None:
        _, parts = prepare(self.graph, self.recipe, self.data_dir, self.contest.images)
        recipe, feeds = self.recipe, {}
        per_epoch = -(-len(parts["train"]) // recipe.batch_size)
        with use_precision(recipe.precision):
            model = archspec.to_keras(self.graph, seed=recipe.seed)
            trainer = compile_trainer(model, self.graph, recipe, per_epoch, "cpu:0")
        for name in ("train", "validation"):
            seed = recipe.seed if name == "train" else None
            steps = trainer.steps_per_execution
            feeds[name] = Feed(parts[name], recipe.batch_size, seed, steps)
        trainer.fit(
            feeds["train"].x,
            steps_per_epoch=feeds["train"].steps,
            epochs=recipe.epochs,
            verbose=0,
            shuffle=False,
            validation_data=feeds["validation"].pair,
            validation_batch_size=recipe.batch_size,
            callbacks=[turn],
        )

    def fit(self, turn: Turn, folder: Path) -> None:
        arrays = self._arrays()
        model = archspec.to_keras(self.graph, seed=self.recipe.seed)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        kept = keras.callbacks.ModelCheckpoint(
            folder / "best.weights.h5", save_weights_only=True, save_best_only=True
        )
        model.fit(
            *arrays["train"],
            batch_size=self.recipe.batch_size,
            epochs=self.recipe.epochs,
            validation_data=arrays["validation"],
            validation_freq=1,
            callbacks=[kept, turn],
        )

    def tape(self, turn: Turn, folder: Path) -> None:
        import tensorflow as tf

        (images, labels), batch = self._arrays()["train"], self.recipe.batch_size
        model = archspec.to_keras(self.graph, seed=self.recipe.seed)
        optimizer = keras.optimizers.Adam()
        loss_of = keras.losses.SparseCategoricalCrossentropy()
        batches = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(1000).batch(batch)

        for epoch in range(self.recipe.epochs or 1):
            turn.on_epoch_begin(epoch)
            for x, y in batches:
                with tf.GradientTape() as tape:
                    loss = loss_of(y, model(x, training=True))
                gradients = tape.gradient(loss, model.trainable_variables)
                optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        turn.on_train_end()

    def folder(self, turn: Turn, folder: Path) -> None:
        batch, (height, width) = self.recipe.batch_size, self.graph.shape(self.graph.inputs[0])[1:3]
        root = Path(self.data)
        root = root / "train" if (root / "train").is_dir() else root
        parts = [
            keras.utils.image_dataset_from_directory(
                root,
                validation_split=0.1,
                subset=subset,
                seed=123,
                image_size=(height, width),
                batch_size=batch,
                verbose=False,
            )
            for subset in ("training", "validation")
        ]
        sizes = (self.contest.images, self.contest.images // 5)  # as `limit` has it
        first, second = (
            each.take(-(-size // batch)).cache() for each, size in zip(parts, sizes, strict=True)
        )
        model = archspec.to_keras(self.graph, seed=self.recipe.seed)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(
            first.shuffle(1000).prefetch(-1),
            validation_data=second.prefetch(-1),
            epochs=self.recipe.epochs,
            callbacks=[turn],
        )


# --- the table -----------------------------------------------------------------------------------


@contextmanager
def timed(turn: Turn) -> Iterator[None]:
    """Inside, the `fit` of a model takes turns."""
    fit = keras.Model.fit

    def in_turn(model: keras.Model, *args: Any, callbacks: Any = (), **more: Any) -> Any:
        keras.Model.fit = fit
        if isinstance(callbacks, keras.callbacks.CallbackList):  # the runner's own
            turn.set_model(model)
            callbacks.callbacks.append(turn)
            return fit(model, *args, callbacks=callbacks, **more)
        return fit(model, *args, callbacks=[*callbacks, turn], **more)

    keras.Model.fit = in_turn
    try:
        yield
    finally:  # of use where the training failed before its `fit`
        keras.Model.fit = fit


def spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def row(contest: Contest, epochs: Sequence[Sequence[Sequence[float]]]) -> str:
    """A line of the table. epochs: by round, way and epoch."""
    images = contest.images
    steady = [b / a for ours, theirs in epochs for a, b in zip(ours[1:], theirs[1:], strict=True)]
    whole = [sum(theirs) / sum(ours) for ours, theirs in epochs]
    least = [min(epoch for each in epochs for epoch in each[way][1:]) for way in (0, 1)]
    return (
        f"| {contest.name} | {images / least[0]:,.0f} | {contest.ways[1]} "
        f"| {images / least[1]:,.0f} | {least[1] / least[0]:.2f} | {spread(steady)} "
        f"| {spread(whole)} | {contest.wanted:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("contests", nargs="*", help=", ".join(each.name for each in CONTESTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--photos", help="a folder of photos by class; left out without it")
    parser.add_argument("--images", type=int, help="instead of each contest's own number")
    given = parser.parse_args()
    framework.own_process()
    framework.start()
    print("| contest | images/s | against | theirs | fastest | steady | all | wanted |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for contest in CONTESTS:
        if given.contests and contest.name not in given.contests:
            continue
        if contest.data == "photos" and not given.photos:
            continue
        if given.images:
            contest = replace(contest, images=given.images)
        data = given.photos if contest.data == "photos" else contest.data
        race = Race(contest, data, given.data_dir)
        epochs = []
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
                ways = [partial(getattr(race, way), folder=Path(folder)) for way in contest.ways]
                epochs.append(in_turn(ways))
        print(row(contest, epochs), flush=True)


if __name__ == "__main__":
    main()
