"""The folder of one run: made once, never over another's, each file whole or not there."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from filelock import FileLock, Timeout

from archspec.errors import UserError
from archspec.reading import kind_of
from archspec.writing import writing

RUNS = Path("runs")


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
        if kind_of(path / "resolved.yaml") != "file":
            inside = sorted(each.parent for each in path.glob("*/resolved.yaml"))
            hint = (
                f"it holds runs: give one, as {inside[0]}" if inside else "it has no resolved.yaml"
            )
            raise UserError(f"{path} is not the folder of a run", hint)
        folder = cls.__new__(cls)
        folder.path = path
        return folder

    def facts(self) -> dict[str, Any]:
        """What run.json says. Raises `UserError` if it is not there in full."""
        try:
            facts: dict[str, Any] = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            facts["data"]["fingerprint"], facts["status"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            said = f"{self.path / 'run.json'} is missing or damaged: {error}"
            raise UserError(said, "train the spec anew") from None
        return facts

    def edited(self, facts: Mapping[str, Any]) -> bool:
        """Whether spec.yaml is another text than the one that the run began with."""
        path = self.path / "spec.yaml"
        if facts.get("spec") is None or not path.exists():
            return False
        return fingerprint(path.read_bytes()) != str(facts["spec"])

    @contextmanager
    def held(self) -> Iterator[None]:
        """While one process trains here, another that tries gets a `UserError`."""
        lock = FileLock(self.path / ".lock", timeout=0)
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

    def take_best(self, model: Any) -> None:
        """Give a Keras model the weights of best.keras."""
        path = self.path / "best.keras"
        try:
            model.load_weights(path)
        except (OSError, ValueError, LookupError, BadZipFile) as error:
            raise UserError(f"cannot read {path}: {error}", "train the spec anew") from None

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
