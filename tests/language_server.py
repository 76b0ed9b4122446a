"""A small client of a language server on stdio: what an editor asks, and what is answered."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CURSOR = "‸"  # stands in a text where the editor's cursor is
PATIENCE = 60.0  # seconds for an answer


class LanguageServer:
    """A running server. settings: its configuration by section, which it asks for."""

    def __init__(self, command: list[str], folder: Path, settings: Mapping[str, Any]):
        self.settings = settings
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._receive, daemon=True).start()
        self.asked = 0
        item = {"snippetSupport": True, "documentationFormat": ["markdown"]}
        abilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {
                "completion": {"completionItem": item},
                "hover": {"contentFormat": ["markdown"]},
            },
        }
        root = {"uri": folder.as_uri(), "name": folder.name}
        self.ask(
            "initialize",
            processId=None,
            rootUri=root["uri"],
            workspaceFolders=[root],
            capabilities=abilities,
        )
        self.tell("initialized")
        self.tell("workspace/didChangeConfiguration", settings=dict(settings))
        asked = (message.get("method") == "workspace/configuration" for message in self._messages())
        assert any(asked)

    def close(self) -> None:
        self.ask("shutdown")
        self.tell("exit")
        self.process.wait(PATIENCE)

    # --- what an editor does ---------------------------------------------------------------------

    def open(self, path: Path, text: str) -> dict[str, Any]:
        """Open a text as the file at `path`, which need not exist; what names it in questions."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        return {"textDocument": {"uri": path.as_uri()}}

    def diagnostics(self, path: Path, text: str) -> list[dict[str, Any]]:
        """What the server finds wrong in a text, opened as the file at `path`."""
        self.open(path, text)
        for message in self._messages():
            published = message.get("method") == "textDocument/publishDiagnostics"
            if published and message["params"]["uri"] == path.as_uri():
                return list(message["params"]["diagnostics"])
        raise AssertionError("unreachable")

    def at_cursor(self, method: str, path: Path, text: str) -> Any:
        """What a method answers at the cursor in a text, opened as the file at `path`."""
        before, after = text.split(CURSOR)
        document = self.open(path, before + after)
        lines = before.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        return self.ask(f"textDocument/{method}", **document, position=position)

    # --- the protocol ----------------------------------------------------------------------------

    def ask(self, method: str, **params: Any) -> Any:
        self.asked += 1
        self._send(id=self.asked, method=method, params=params)
        for message in self._messages():
            if message.get("id") == self.asked and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def tell(self, method: str, **params: Any) -> None:
        self._send(method=method, params=params)

    def _send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _messages(self) -> Iterator[dict[str, Any]]:
        """What the server says, its own questions answered on the way."""
        while True:
            message = self.inbox.get(timeout=PATIENCE)
            assert message is not None, "the server has ended"
            if "method" in message and "id" in message:
                result = None
                if message["method"] == "workspace/configuration":
                    sections = [item["section"] for item in message["params"]["items"]]
                    result = [self.settings.get(section, {}) for section in sections]
                self._send(id=message["id"], result=result)
            yield message

    def _receive(self) -> None:
        assert self.process.stdout
        stream = self.process.stdout
        while line := stream.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = stream.readline()
            self.inbox.put(json.loads(stream.read(length)))
        self.inbox.put(None)
