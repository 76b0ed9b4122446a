"""The folder of one run: made once, never over another's, each file whole or not there."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any

from archspec.errors import UserError
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
