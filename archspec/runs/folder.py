"""Define the folder of one run: never made over another; each file in it is whole or missing."""

from __future__ import annotations

import csv
import json
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from filelock import FileLock, Timeout

from archspec.errors import Refused, UserError
from archspec.expand import expand
from archspec.graph import Graph
from archspec.loading.files import open_spec
from archspec.reading import GIB, kind_of, open_file, read_bytes, reading
from archspec.recipe import Recipe, recipe_of
from archspec.runs.contents import MOST, RUN, limit_size, read_json, report_damage
from archspec.runs.own_layers import refuse_others, require_files
from archspec.syntax.source import read_file
from archspec.writing import writing

RUNS = Path("runs")
BEST = "best.keras"
OF_EPOCH = re.compile(rb"epoch ([0-9]{1,9})")


class RunFolder:
    """The folder of a run, its files to read and to write.

    A file appears when it is whole: a reader, or a run that is killed, never meets half of one.
    What cannot be written raises a `UserError` that names the file.

        folder = RunFolder("lenet5")        # runs/lenet5-1, made now
        folder = RunFolder.open(Path("runs/lenet5-1"))
    """

    def __init__(self, name: str, run_dir: Path | None = None) -> None:
        """Make the folder `run_dir`, by default the next free `runs/NAME-N`.

        Raises `UserError` where it cannot be made, or is there and not empty.
        """
        try:
            self.path = _make_next(name) if run_dir is None else run_dir
            self.path.mkdir(parents=True, exist_ok=True)
            taken = any(self.path.iterdir())
        except OSError as error:
            where = run_dir or RUNS
            raise UserError(
                f"cannot make the run's folder {where}: {str(error.strerror).lower()}"
            ) from None
        if taken:
            raise UserError(f"{self.path} is not empty", "give --run-dir a new or empty folder")

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the folder of a run that was begun: it has a resolved.yaml.

        Raises `UserError` for any other path, with what it is instead.
        """
        kind = kind_of(path)
        if kind == "file":
            own = kind_of(path.parent / "resolved.yaml") == "file"
            hint = (
                f"give its folder: {path.parent}" if own else "`archspec train` makes one of a spec"
            )
            raise UserError(f"{path} is a file, not the folder of a run", hint)
        if kind != "folder":
            raise UserError(f"there is no folder {path}", "runs are in runs/, or in --run-dir")
        kind = kind_of(path / "resolved.yaml")
        if kind is None:
            inside = sorted(each.parent for each in path.glob("*/resolved.yaml"))
            hint = (
                f"it holds runs: give one, as {inside[0]}" if inside else "it has no resolved.yaml"
            )
            raise UserError(f"{path} is not the folder of a run", hint)
        if kind != "file":
            with report_damage(path / "resolved.yaml"):
                read_bytes(path / "resolved.yaml")  # which raises, with what it is instead
        folder = cls.__new__(cls)
        folder.path = path
        return folder

    def read_facts(self) -> dict[str, Any]:
        """Return the mapping of run.json. Raises `UserError` where it is missing or damaged."""
        facts: dict[str, Any] = read_json(self.path / "run.json", RUN)
        return facts

    def read_spec(
        self, settings: Mapping[str, Any] | None = None, **options: Any
    ) -> tuple[Graph, Recipe]:
        """Return the graph and the recipe of resolved.yaml.

        settings: as `--set`, by dotted key. options: as `recipe_of` takes them.
        Raises `SpecError` for a damaged spec; `UserError` for a recipe that does not fit, and where
        a file of one's own layers that run.json names is not given.
        """
        path, facts = self.path / "resolved.yaml", self.read_facts()
        require_files(self.path, facts)
        graph = expand(open_spec(read_file(path), settings))
        try:
            recipe = recipe_of(graph, **options)
        except Refused as refused:
            raise UserError(f"{path}: {refused}", refused.hint) from None
        refuse_others(self.path, facts, graph, recipe)
        return graph, recipe

    def warn_of_other_network(self, graph: Graph, facts: Mapping[str, Any]) -> None:
        """Warn where the network of resolved.yaml is not the one that run.json says was trained."""
        known = (None, graph.fingerprint, graph.older_fingerprint)
        if facts.get("fingerprint") not in known:
            warnings.warn(
                f"{self.path / 'resolved.yaml'} is not the network that run.json tells of: it was "
                "edited, or written by another version of archspec",
                stacklevel=2,
            )

    def is_spec_edited(self, facts: Mapping[str, Any]) -> bool:
        """Return whether spec.yaml has another text than when the run began.

        False where there is none. Raises `UserError` where it cannot be read.
        """
        path = self.path / "spec.yaml"
        if facts.get("spec") is None or kind_of(path) is None:
            return False
        with reading(path, "put it back, or remove it: the run is resumed from its resolved.yaml"):
            return hash_content(read_bytes(path, MOST)) != str(facts["spec"])

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training in this folder, and delete what a killed one began.

        Raises `UserError` where another process trains here, or where nothing can be written.
        """
        path = self.path / ".lock"
        if path.is_symlink() or kind_of(path) in ("folder", "special"):
            raise UserError(f"{path} is not the empty file that a training leaves", "remove it")
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
            for place in (self.path, self.path / "last"):
                for left in place.glob(".[0-9]*.*"):
                    left.unlink()  # a killed process had begun to write it
        except Timeout:
            raise UserError(f"{self.path} is in use by another process", "wait for it") from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UserError(f"cannot write in {self.path}: {why}") from None
        try:
            yield
        finally:
            lock.release()

    def read_best_epoch(self, parameters: int | None = None) -> int | None:
        """Return the number of the epoch that best.keras is of, from 1; None for an older run.

        parameters: how many the model has, to check the size of the file.
        Raises `UserError` where the file is missing, is damaged (Keras itself ignores the check
        sums of a zip archive) or has another size.
        """
        path = self.path / BEST
        with reading(path, self._again):
            with open_file(
                path, limit_size(parameters) if parameters is not None else 64 * GIB
            ) as file:
                if os.fstat(file.fileno()).st_size < 4 * (parameters or 0):
                    raise ValueError(f"it is too small for {parameters:,} parameters")
                with zipfile.ZipFile(file) as archive:
                    if (bad := archive.testzip()) is not None:
                        raise ValueError(f"the check sum of {bad} is wrong")
                    comment = OF_EPOCH.fullmatch(archive.comment)
            return int(comment[1]) if comment else None

    def load_best(self, model: Any) -> None:
        """Load the weights of best.keras into a Keras model.

        Raises `UserError` as `read_best_epoch` does, and for weights of another network.
        """
        self.read_best_epoch(model.count_params())
        path = self.path / BEST
        with reading(path, self._again), warnings.catch_warnings():
            # A layer that Keras skips keeps its initial weights: more than a warning.
            warnings.filterwarnings("error", "Skipping")
            model.load_weights(path)

    @property
    def _again(self) -> str:
        """The hint where best.keras is lost."""
        return f"archspec train --resume {self.path} writes it again, if its state is sound"

    def save_best(self, model: Any, epoch: int) -> None:
        """Write a Keras model as best.keras, with the number of its epoch as zip comment."""
        with self.create(BEST) as path:
            model.save(path)
            with zipfile.ZipFile(path, "a") as archive:
                archive.comment = f"epoch {epoch}".encode()

    def create(self, name: str) -> AbstractContextManager[Path]:
        """Return a context that gives a temporary path to write a file to.

        The file gets its name at the end, unless an error was raised.
        """
        return writing(self.path / name, "is the disk full, or the folder gone?")

    def write_text(self, name: str, content: str) -> None:
        """Write a text file."""
        with self.create(name) as path:
            path.write_text(content, encoding="utf-8")

    def write_json(self, name: str, content: Any) -> None:
        """Write a value as JSON."""
        self.write_text(name, json.dumps(content, indent=2) + "\n")

    def write_csv(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write a table, at least one row; the columns are the keys of the first."""
        with self.create(name) as path, path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def write(self, name: str, save: Callable[[Path], Any]) -> None:
        """Write a file by a function that takes its path."""
        with self.create(name) as path:
            save(path)


class Nowhere(RunFolder):
    """The folder of a process that writes nothing, since another one of its training does.

    path: a temporary folder, for what a callback writes by itself. all: each that was made, for a
    process that ends at once, without Python's own clearing away.
    """

    all: ClassVar[list[Nowhere]] = []

    def __init__(self, source: RunFolder | None = None) -> None:
        """source: the folder of the run that is resumed."""
        self.temporary = TemporaryDirectory(prefix="archspec-")
        self.path, self.source = Path(self.temporary.name), source
        self.all.append(self)

    @contextmanager
    def lock(self) -> Iterator[None]:
        yield

    def load_best(self, model: Any) -> None:
        assert self.source is not None
        self.source.load_best(model)

    def save_best(self, model: Any, epoch: int) -> None:
        """Write nothing."""

    def write(self, name: str, save: Callable[[Path], Any]) -> None:
        """Write nothing."""

    def write_text(self, name: str, content: str) -> None:
        """Write nothing."""

    def write_csv(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write nothing."""


def hash_content(content: bytes) -> str:
    """Return 16 hexadecimal digits that tell a file's content from another."""
    return sha256(content).hexdigest()[:16]


def _make_next(name: str) -> Path:
    """Make and return the first free `runs/NAME-N`, also where other processes make theirs."""
    for number in count(1):
        path = RUNS / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise AssertionError("count() never ends")
