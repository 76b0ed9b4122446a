"""The folder of one run: made once, never over another's, each file whole or not there."""

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
from typing import Any

from filelock import FileLock, Timeout

from archspec.errors import Refused, UserError
from archspec.expand import expand
from archspec.graph import Graph
from archspec.loading.files import open_spec
from archspec.reading import GIB, kind_of, open_file, read_bytes, reading
from archspec.recipe import Recipe, recipe_of
from archspec.runs.contents import MOST, RUN, bound, read_json, sound
from archspec.syntax.source import read_file
from archspec.writing import writing

RUNS = Path("runs")
BEST = "best.keras"
OF_EPOCH = re.compile(rb"epoch ([0-9]{1,9})")


class RunFolder:
    """A reader, or a run that is stopped, never leaves half of a file; what cannot be written is a
    `UserError` that names it."""

    def __init__(self, name: str, run_dir: Path | None = None) -> None:
        """`run_dir`, which may exist but must be empty; else the next free `runs/NAME-N`."""
        try:
            self.path = _fresh(name) if run_dir is None else run_dir
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
    def existing(cls, path: Path) -> RunFolder:
        """The folder of a run that was begun."""
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
            with sound(path / "resolved.yaml"):
                read_bytes(path / "resolved.yaml")  # which says what it is instead
        folder = cls.__new__(cls)
        folder.path = path
        return folder

    def facts(self) -> dict[str, Any]:
        """What run.json says. Raises `UserError` if it is not there in full."""
        facts: dict[str, Any] = read_json(self.path / "run.json", RUN)
        return facts

    def spec(
        self, settings: Mapping[str, Any] | None = None, **options: Any
    ) -> tuple[Graph, Recipe]:
        """The graph and the recipe of resolved.yaml. settings: as `expand` takes them; options: as
        `recipe_of` does. Raises `SpecError` and `UserError`."""
        path = self.path / "resolved.yaml"
        graph = expand(open_spec(read_file(path), settings))
        try:
            return graph, recipe_of(graph, **options)
        except Refused as refused:
            raise UserError(f"{path}: {refused}", refused.hint) from None

    def warn_of_another(self, graph: Graph, facts: Mapping[str, Any]) -> None:
        """Warn if the network of resolved.yaml is not the one that run.json says was trained."""
        if facts.get("fingerprint", graph.fingerprint) != graph.fingerprint:
            warnings.warn(
                f"{self.path / 'resolved.yaml'} is not the network that run.json tells of: it was "
                "edited, or written by another version of archspec",
                stacklevel=2,
            )

    def edited(self, facts: Mapping[str, Any]) -> bool:
        """Whether spec.yaml is another text than the one that the run began with."""
        path = self.path / "spec.yaml"
        if facts.get("spec") is None or kind_of(path) is None:
            return False
        with reading(path, "put it back, or remove it: the run goes on with its resolved.yaml"):
            return fingerprint(read_bytes(path, MOST)) != str(facts["spec"])

    @contextmanager
    def held(self) -> Iterator[None]:
        """While one process trains here, another that tries gets a `UserError`."""
        path = self.path / ".lock"
        if path.is_symlink() or kind_of(path) in ("folder", "special"):
            raise UserError(f"{path} is not the empty file that a training leaves", "remove it")
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
            for place in (self.path, self.path / "last"):
                for left in place.glob(".[0-9]*.*"):
                    left.unlink()  # what a process that was killed had begun to write
        except Timeout:
            raise UserError(f"{self.path} is in use by another process", "wait for it") from None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UserError(f"cannot write in {self.path}: {why}") from None
        try:
            yield
        finally:
            lock.release()

    def best_epoch(self, parameters: int | None = None) -> int | None:
        """Of which epoch best.keras is; None where an older run does not say so there.

        parameters: that it should have. Raises `UserError` where it is not there, not sound (Keras
        itself passes over the check sums of a zip archive) or not of such a size.
        """
        path = self.path / BEST
        with reading(path, self._again):
            with open_file(path, bound(parameters) if parameters is not None else 64 * GIB) as file:
                if os.fstat(file.fileno()).st_size < 4 * (parameters or 0):
                    raise ValueError(f"it is too small for {parameters:,} parameters")
                with zipfile.ZipFile(file) as archive:
                    if (bad := archive.testzip()) is not None:
                        raise ValueError(f"the check sum of {bad} is wrong")
                    said = OF_EPOCH.fullmatch(archive.comment)
            return int(said[1]) if said else None

    def take_best(self, model: Any) -> None:
        """Give a Keras model the weights of best.keras. Raises `UserError` as `best_epoch` does."""
        self.best_epoch(model.count_params())
        path = self.path / BEST
        with reading(path, self._again), warnings.catch_warnings():
            # What Keras skips has the weights that it began with: that is no warning.
            warnings.filterwarnings("error", "Skipping")
            model.load_weights(path)

    @property
    def _again(self) -> str:
        """What helps where best.keras is lost."""
        return f"archspec train --resume {self.path} writes it again, if its state is sound"

    def save_best(self, model: Any, epoch: int) -> None:
        """Write best.keras; the archive's comment says of which epoch it is."""
        with self.writing(BEST) as path:
            model.save(path)
            with zipfile.ZipFile(path, "a") as archive:
                archive.comment = f"epoch {epoch}".encode()

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """The temporary path to write `name` to; it gets its name if nothing goes wrong."""
        return writing(self.path / name, "is the disk full, or the folder gone?")

    def text(self, name: str, content: str) -> None:
        with self.writing(name) as path:
            path.write_text(content, encoding="utf-8")

    def json(self, name: str, content: Any) -> None:
        self.text(name, json.dumps(content, indent=2) + "\n")

    def csv(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        with self.writing(name) as path, path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def save(self, name: str, saver: Callable[[Path], Any]) -> None:
        """Let a library write the file."""
        with self.writing(name) as path:
            saver(path)


def fingerprint(content: bytes) -> str:
    """A word for a file's content."""
    return sha256(content).hexdigest()[:16]


def _fresh(name: str) -> Path:
    """Make and return the first `runs/NAME-N` that is free, also of runs started meanwhile."""
    for number in count(1):
        path = RUNS / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path
    raise AssertionError("count() ends never")
