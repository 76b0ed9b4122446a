"""List, read and write the specs below a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from pathlib import Path

from msgspec import Struct

from archspec.errors import UserError
from archspec.reading import open_file, reason
from archspec.syntax.source import MAX_BYTES, decode
from archspec.writing import writing

BOM = b"\xef\xbb\xbf"
SETTLED = 0.02  # seconds in which a file that is being written still changes
EMPTIED = 1.0  # seconds in which a file that is empty is being written


class SavedText(Struct, frozen=True):
    """The content of a file. mark: a hash of its bytes; "" if there is no file. problem: why it
    cannot be read.
    """

    text: str = ""
    mark: str = ""
    problem: str = ""


class SpecFolder:
    """The specs below a folder. A file is known by its place in `paths`, which only grows."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.paths: list[Path] = []
        self.lock = threading.Lock()
        self.list_again()

    def list_again(self) -> tuple[list[int], set[Path]]:
        """Look which specs there are. What leads out of the folder, by a link, is none of them.

        Return the places of those that are there no longer, and the folders where others may come.
        """
        found, inside = set(), set()
        for folder, folders, names in os.walk(self.root):
            folders[:] = [each for each in folders if not each.startswith(".")]
            inside.add(Path(folder))
            shown = (Path(folder, name) for name in names if not name.startswith("."))
            found |= {path for path in shown if path.suffix == ".yaml" and self.has(path)}
        self.paths.extend(sorted(found - set(self.paths)))
        gone = [place for place, path in enumerate(self.paths) if path not in found]
        return gone, inside

    def has(self, path: Path) -> bool:
        """Return whether a path leads to a file of this kind below the folder."""
        target = path.resolve()
        return target.suffix == ".yaml" and target.is_relative_to(self.root)

    def name(self, index: int) -> str:
        return self.paths[index].relative_to(self.root).as_posix()

    def read(self, index: int) -> SavedText:
        """Return what a file holds now."""
        path = self.paths[index]
        if not self.has(path):
            return SavedText(problem=f"{path.name}: it leads out of the folder")
        try:
            with open_file(path) as file:
                raw = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return SavedText(problem=f"{path.name}: there is no such file")
        except (OSError, ValueError) as error:
            return SavedText(problem=f"{path.name}: cannot read the file: {reason(error)}")
        mark = hashlib.sha256(raw).hexdigest()
        try:
            return SavedText(decode(raw, path.name) if raw else "", mark)
        except UserError as error:
            return SavedText(mark=mark, problem=str(error.args[0]))

    def write(self, index: int, text: str, mark: str) -> SavedText | None:
        """Write a text if the file is still the one of the mark; return what it holds then.

        None if the file is another one by now. Line ends and the mark of UTF-8 stay as they were.
        Raises `UserError` for what cannot be written.
        """
        path = self.paths[index].resolve()
        with self.lock:
            before = self.read(index)
            if before.mark != mark or (before.problem and before.mark):
                return None
            if not self.has(path):
                raise UserError(f"{path.name}: it leads out of the folder")
            raw = self._encode(path, text) if mark else text.encode()
            if len(raw) > MAX_BYTES:
                raise UserError(f"{path.name}: over the limit of {MAX_BYTES:,} bytes")
            with writing(path, "the text is still in the editor: copy it from there") as temporary:
                temporary.write_bytes(raw)
                if mark:
                    shutil.copymode(path, temporary)
                if self.read(index).mark != mark:  # an editor was quicker
                    return None
            return self.read(index)

    def _encode(self, path: Path, text: str) -> bytes:
        raw = path.read_bytes()
        lines, pairs = raw.count(b"\n"), raw.count(b"\r\n")
        if 0 < pairs < lines or raw.count(b"\r") > pairs:  # an editor in a browser has one kind
            raise UserError(
                f"{path.name}: its lines end in different ways, which writing it would change",
                "give all of them one end in another editor; the text is still in this one",
            )
        if pairs:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return BOM * raw.startswith(BOM) + text.encode()


Stamp = tuple[int, int, int]  # inode, size, time


class Watcher:
    """Looks at files and folders, and counts the changes of either: `wait` returns when there is
    one."""

    def __init__(self, pause: float = 0.05) -> None:
        self.pause = pause
        self.paths: set[Path] = set()
        self.changes = 0, 0
        self.changed = threading.Condition()
        self.ended = False
        self._stamps: dict[Path, Stamp | None] = {}
        threading.Thread(target=self._look, daemon=True).start()

    def watch(self, paths: set[Path]) -> bool:
        """Watch these files and folders too; return whether there are new ones among them."""
        with self.changed:
            new = paths - self.paths
            for path in new:
                self._stamps[path] = stamp(path)
            self.paths |= new
            return bool(new)

    def wait(self, seen: tuple[int, int], seconds: float) -> tuple[int, int]:
        """Wait for a change after those that were seen, and return how many there were: of files,
        and of folders."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or self.changes != seen, seconds)
            return self.changes

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _look(self) -> None:
        while not self.ended:
            time.sleep(self.pause)
            with self.changed:
                paths = [*self.paths]
            new = {path: now for path in paths if (now := stamp(path)) != self._stamps.get(path)}
            if not new:
                continue
            time.sleep(SETTLED)
            # Between the two steps of a save a file is empty, or not there.
            settled = {
                path: now for path, now in new.items() if stamp(path) == now and not is_emptied(now)
            }
            folders = {path for path in settled if path.is_dir()}
            with self.changed:
                self._stamps.update(settled)
                files, lists = self.changes
                self.changes = files + bool(settled.keys() - folders), lists + bool(folders)
                self.changed.notify_all()


def is_emptied(stamp: Stamp | None) -> bool:
    """Return whether a file was emptied a moment ago: who empties it is about to write it."""
    return stamp is not None and stamp[1] == 0 and 0 <= time.time() - stamp[2] / 1e9 < EMPTIED


def stamp(path: Path) -> Stamp | None:
    """Return what changes with a file; None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
