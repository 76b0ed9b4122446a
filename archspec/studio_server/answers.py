"""Answer the studio's requests: the picture of a text, its errors, and what changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from archspec.analysis.measures import MEASURES
from archspec.differences.difference import compare_graphs
from archspec.editing.completion import list_completions
from archspec.editing.diagnostics import list_findings
from archspec.editing.hover import find_hover
from archspec.editing.reader import SpecReader
from archspec.editing.text import Position
from archspec.editing.vocabulary import list_words
from archspec.editing.workspace import SpecView, Workspace
from archspec.errors import UserError
from archspec.graph import Graph
from archspec.loading.shipped import list_shipped
from archspec.page.drawing import gather_difference, write_page
from archspec.page.networks import Collector
from archspec.pictures.boxes import View
from archspec.pictures.dot import to_dot
from archspec.pictures.render import draw_svg, render
from archspec.pictures.style import SIGNS
from archspec.reading import path_of
from archspec.studio_server.folder import SavedText, SpecFolder, Watcher
from archspec.syntax.source import Document

DELTA = {"params": "params", "macs": "MACs", "training_bytes": "memory"}
EXPORTS = (".svg", ".png", ".pdf", ".dot", ".html")
MAX_FOLDERS = 1000  # which are watched for new files
WAIT = 20.0  # seconds that a question for news may wait


class _FolderReader(SpecReader):
    """Reads what is below the folder, and what comes with archspec."""

    def __init__(self, folder: SpecFolder) -> None:
        super().__init__()
        self.folder = folder
        self.shipped = frozenset(map(path_of, list_shipped().values()))

    def read(self, path: Path, name: str | None = None) -> Document:
        if path_of(path) not in self.shipped and not self.folder.has(path):
            raise UserError(
                f"{name or path}: it is no .yaml file below the folder of the studio",
                "start the studio on a folder that holds both",
            )
        return super().read(path, name)


class Studio:
    """Answers the questions of the page. One at a time: Graphviz has no threads."""

    def __init__(self, folder: SpecFolder, first: int = 0) -> None:
        self.folder, self.first = folder, first
        self.watcher = Watcher()
        self.lock = threading.Lock()
        self.specs = Workspace((folder.root,))
        self.specs.reader = _FolderReader(folder)
        self.pinned: dict[int, str] = {}
        self.saved: dict[int, list[str]] = {}  # the last two texts of each file
        self.known: dict[tuple[int, str], Graph] = {}  # of the last texts, for the delta
        self.questions: dict[str, Callable[..., dict[str, Any]]] = {
            "list": self.list_files,
            "read": self.read,
            "check": self.check,
            "save": self.save,
            "complete": self.complete,
            "hover": self.hover,
            "pin": self.pin,
            "compare": self.compare,
            "export": self.export,
            "wait": self.wait,
        }

    def answer(self, question: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return an answer. Raises `UserError` for what cannot be asked, with a reason."""
        if question == "wait":  # which holds nobody up
            return self.wait(**given)
        with self.lock:
            index = given.get("index", 0)
            if type(index) is not int or not 0 <= index < len(self.folder.paths):
                raise UserError("there is no such file in the list")
            return self.questions[question](**given)

    # --- files

    def list_files(self) -> dict[str, Any]:
        """Return the names of the specs, and which of them are there no longer."""
        gone, folders = self.folder.list_again()
        while self.watcher.watch({*sorted(folders)[:MAX_FOLDERS]}):
            gone, folders = self.folder.list_again()  # what came before a new one was watched
        names = [self.folder.name(index) for index in range(len(self.folder.paths))]
        return {"files": names, "gone": gone, "first": self.first}

    def read(self, index: int) -> dict[str, Any]:
        """Return what a file holds."""
        return self._tell(index, self.folder.read(index))

    def save(self, index: int, text: str, mark: str) -> dict[str, Any]:
        """Write a text to a file that is still as it was read, or return what it holds now."""
        written = self.folder.write(index, text, mark)
        if written is None:
            return {"conflict": True, **self._tell(index, self.folder.read(index))}
        return self._tell(index, written)

    def wait(self, seen: list[int]) -> dict[str, Any]:
        """Return how many changes there were, once there is another one."""
        files, lists = seen
        return {"seen": self.watcher.wait((files, lists), WAIT)}

    def _tell(self, index: int, saved: SavedText) -> dict[str, Any]:
        self.watcher.watch({self.folder.paths[index]})
        texts = self.saved.setdefault(index, [])
        if saved.mark and not saved.problem and texts[-1:] != [saved.text]:
            texts.append(saved.text)
            del texts[:-2]
        return {"text": saved.text, "mark": saved.mark, "problem": saved.problem}

    # --- a text that is being written

    def _look(self, index: int, text: str) -> SpecView:
        path = path_of(self.folder.paths[index])
        self.specs.write(path, text)
        try:
            view = self.specs.look(path)
        finally:
            self.specs.reader.open.pop(path, None)  # others import what is in the file
        self.watcher.watch(set(view.files))
        return view

    def check(self, index: int, text: str) -> dict[str, Any]:
        """Return what is wrong with a text, and its picture if nothing is."""
        view = self._look(index, text)
        found = [
            {
                "range": each.range,
                "severity": each.severity,
                "code": each.code,
                "message": "\n".join(filter(None, [each.message, each.hint])),
            }
            for each in list_findings(view)
        ]
        answer: dict[str, Any] = {"findings": found, "library": view.is_library}
        if view.is_sound and view.graph is not None:
            page = Collector(View())
            page.add(view.graph)
            answer["page"] = page.gather()
            answer["delta"] = self._compute_delta(index, text, view.graph)
        return answer

    def _compute_delta(self, index: int, text: str, graph: Graph) -> dict[str, Any]:
        """Return the costs of a network beside those of the pinned base, or of the last save."""
        saved = self.saved.get(index) or [text]
        base_text = self.pinned.get(index, saved[0] if saved[-1] == text else saved[-1])
        base = self.known.get((index, base_text))
        if base is None:
            base = graph if base_text == text else self._look(index, base_text).graph
        self.known = {} if base is None else {(index, base_text): base}
        self.known[index, text] = graph
        rows = []
        for measure in MEASURES:
            if measure.name not in DELTA:
                continue
            value = measure.compute(graph)
            then = None if base is None or base.errors else measure.compute(base)
            written = measure.unit.if_none if value is None else measure.unit.write(value)
            change = ""
            if value is not None and then is not None and value != then:
                sign = "+" if value > then else SIGNS["removed"]
                change = f"{sign}{measure.unit.write(abs(value - then))}"
            rows.append([DELTA[measure.name], written, change])
        return {"base": "pinned" if index in self.pinned else "saved", "rows": rows}

    def complete(self, index: int, text: str, line: int, character: int) -> dict[str, Any]:
        """Return what may be written at a position."""
        view, position = self._look(index, text), Position(line, character)
        names, words = list_completions(view, position), list_words(view, position)
        ranges = [each.range for each in names[:1] + words[:1]]
        found = [each for each in names + words if each.range == ranges[0]]
        return {"items": [{"write": each.written, **msgspec.to_builtins(each)} for each in found]}

    def hover(self, index: int, text: str, line: int, character: int) -> dict[str, Any]:
        """Return what there is to say at a position."""
        found = find_hover(self._look(index, text), Position(line, character))
        return {"hover": found}

    def pin(self, index: int, text: str | None) -> dict[str, Any]:
        """Take a text for the base of the delta; None for the last save again."""
        self.pinned.pop(index, None)
        if text is not None:
            self._whole(index, text)
            self.pinned[index] = text
        return {}

    def _whole(self, index: int, text: str) -> Graph:
        view = self._look(index, text)
        if not view.is_sound or view.graph is None:
            name = self.folder.name(index)
            raise UserError(f"{name}: it has no picture while it has errors", "mend them first")
        return view.graph

    def compare(self, index: int, text: str, other: int) -> dict[str, Any]:
        """Return the page of what differs between a text and another file, and that file's text."""
        if type(other) is not int or not 0 <= other < len(self.folder.paths):
            raise UserError("there is no such file in the list")
        saved = self.folder.read(other)
        if saved.problem:
            raise UserError(saved.problem)
        theirs, ours = self._whole(other, saved.text), self._whole(index, text)
        names = self.folder.name(other), self.folder.name(index)
        difference = compare_graphs(theirs, ours, names)
        return {"text": saved.text, "page": gather_difference(difference, View())}

    def export(self, index: int, text: str, suffix: str) -> dict[str, Any]:
        """Return a picture or a page of a text, as bytes."""
        if suffix not in EXPORTS:
            raise UserError(f"a picture is one of {', '.join(EXPORTS)}")
        graph = self._whole(index, text)
        dot = to_dot(graph)
        name = f"{self.folder.paths[index].stem}{suffix}"
        if suffix == ".html":
            data = write_page([graph], View(), draw_svg(dot)).encode()
        else:
            with TemporaryDirectory() as place:
                render(dot, Path(place, name))
                data = Path(place, name).read_bytes()
        return {"name": name, "data": data}
