"""The studio's server: who may ask, what it answers, and that nothing written is lost."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archspec import UserError
from archspec.api.studio import studio
from archspec.studio_server.answers import Studio
from archspec.studio_server.folder import SpecFolder, Watcher
from archspec.studio_server.server import StudioServer

SPEC = """archspec: 1
input: [8]
layers:
  - Dense: 4
  - Dense: 2
"""


class Served:
    """A studio, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = StudioServer(Studio(SpecFolder(folder)))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        to = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        to.request(method, path, body, given)
        answer = to.getresponse()
        data = answer.read()
        to.close()
        return answer, data

    def ask(self, question: str, **given: Any) -> dict[str, Any]:
        kind = {"Content_Type": "application/json", "X_Token": self.server.token}
        _, data = self.send("POST", f"/ask/{question}", json.dumps(given), **kind)
        found: dict[str, Any] = json.loads(data)
        return found

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "a.yaml").write_text(SPEC)
    made = Served(folder)
    yield made
    made.end()


# --- who may ask


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Token": ""},
        {"X_Token": "x" * 22},
        {"X_Token": "é"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_what_is_not_our_page_is_refused(served: Served, headers: dict[str, str]) -> None:
    given = {"Content_Type": "application/json", "X_Token": served.server.token, **headers}
    answer, _ = served.send("POST", "/ask/list", "{}", **given)
    assert answer.status == 403
    token = served.server.token
    if "X_Token" not in headers:
        for path in (f"/?token={token}", "/studio.js"):
            assert served.send("GET", path, **headers)[0].status == 403


def test_the_page_needs_the_token(served: Served) -> None:
    assert served.send("GET", "/")[0].status == 403
    assert served.send("GET", "/?token=wrong")[0].status == 403
    answer, page = served.send("GET", f"/?token={served.server.token}")
    assert answer.status == 200
    assert b"editor" in page


def test_every_answer_has_the_headers_of_a_page_that_nobody_may_hold(served: Served) -> None:
    answer, _ = served.send("GET", f"/?token={served.server.token}")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in ("/studio.js", "/page.css", "/none"):
        answer, _ = served.send("GET", path)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", ["/../server.py", "/a.yaml", "/codemirror/LICENSE", "/%2e%2e/x"])
def test_no_path_of_a_request_is_a_file(served: Served, path: str) -> None:
    assert served.send("GET", path)[0].status == 404


def test_it_listens_on_the_loopback_alone(served: Served) -> None:
    assert served.server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_unknown(served: Served, method: str) -> None:
    assert served.send(method, "/ask/save")[0].status == 501


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content_Length": "99999999999"}, None, 413),
        ({"Content_Length": "-1"}, None, 411),
        ({"Content_Type": "text/plain"}, "{}", 415),
        ({}, "[1]", 400),
        ({}, "{", 400),
        ({}, '{"path": "/etc/passwd"}', 400),
    ],
    ids=str,
)
def test_a_request_that_is_none(
    served: Served, headers: dict[str, str], body: str | None, status: int
) -> None:
    given = {"Content_Type": "application/json", "X_Token": served.server.token, **headers}
    assert served.send("POST", "/ask/read", body, **given)[0].status == status


@pytest.mark.parametrize("index", [-1, 1, True, "a.yaml", None, 0.0])
def test_a_file_is_one_of_the_list(served: Served, index: Any) -> None:
    assert "no such file" in served.ask("read", index=index)["error"]
    assert "no such file" in served.ask("save", index=index, text="x", mark="")["error"]


def test_what_leads_out_of_the_folder_is_not_read(served: Served) -> None:
    outside = served.folder.parent / "outside.yaml"
    outside.write_text("secret: 1\n")
    (served.folder / "link.yaml").symlink_to(outside)
    (served.folder / "notes.txt").write_text("secret")
    assert served.ask("list")["files"] == ["a.yaml"]
    text = SPEC + "import: [../outside.yaml]\n"
    found = served.ask("check", index=0, text=text)
    assert "below the folder" in json.dumps(found)
    assert "secret" not in json.dumps(found)
    mark = served.ask("read", index=0)["mark"]
    (served.folder / "a.yaml").unlink()  # and now it is a link to another file
    (served.folder / "a.yaml").symlink_to(outside)
    assert "leads out" in served.ask("read", index=0)["problem"]
    served.ask("save", index=0, text="x", mark=mark)
    served.ask("save", index=0, text="x", mark="")
    assert outside.read_text() == "secret: 1\n"


# --- what it answers


def test_a_text_is_checked_and_drawn_and_not_written(served: Served) -> None:
    served.ask("read", index=0)
    found = served.ask("check", index=0, text=SPEC.replace("Dense: 4", "Dense: 8"))
    assert found["findings"] == []
    assert found["page"]["networks"]
    assert found["delta"]["rows"][0] == ["params", "90", "+44"]
    assert (served.folder / "a.yaml").read_text() == SPEC


def test_an_error_has_its_place_and_no_picture(served: Served) -> None:
    found = served.ask("check", index=0, text=SPEC.replace("Dense: 4", "Dense: no"))
    assert "page" not in found
    assert found["findings"][0]["range"]["start"]["line"] == 3


def test_the_delta_is_against_the_save_before_or_the_pinned_base(served: Served) -> None:
    new = SPEC.replace("Dense: 4", "Dense: 8")
    mark = served.ask("read", index=0)["mark"]
    served.ask("save", index=0, text=new, mark=mark)
    assert served.ask("check", index=0, text=new)["delta"]["rows"][0][2] == "+44"
    served.ask("pin", index=0, text=new)
    delta = served.ask("check", index=0, text=new)["delta"]
    assert (delta["base"], delta["rows"][0][2]) == ("pinned", "")
    assert "errors" in served.ask("pin", index=0, text="archspec: 1")["error"]


def test_two_specs_are_compared(served: Served) -> None:
    (served.folder / "b.yaml").write_text(SPEC.replace("Dense: 4", "Dense: 8"))
    served.ask("list")
    found = served.ask("compare", index=0, text=SPEC, other=1)
    assert "Dense: 8" in found["text"]
    assert len(found["page"]["networks"]) == 3


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_a_picture_is_exported(served: Served, suffix: str) -> None:
    found = served.ask("export", index=0, text=SPEC, suffix=suffix)
    assert found["name"] == f"a{suffix}"
    assert "one of" in served.ask("export", index=0, text=SPEC, suffix="/../x.svg")["error"]


def test_completion_and_hover(served: Served) -> None:
    text = SPEC.replace("input", "params: {width: 4}\ninput").replace("Dense: 4", "Dense: =wi")
    items = served.ask("complete", index=0, text=text, line=4, character=14)["items"]
    assert "width" in [each["label"] for each in items]
    assert (
        "params"
        in served.ask("hover", index=0, text=SPEC, line=3, character=6)["hover"]["markdown"]
    )


# --- nothing is lost


def test_a_save_is_made_only_to_the_file_that_was_read(served: Served) -> None:
    path = served.folder / "a.yaml"
    mark = served.ask("read", index=0)["mark"]
    path.write_text("theirs: 1\n")
    found = served.ask("save", index=0, text="mine: 1\n", mark=mark)
    assert found["conflict"]
    assert found["text"] == path.read_text() == "theirs: 1\n"
    again = served.ask("save", index=0, text="mine: 1\n", mark=found["mark"])
    assert "conflict" not in again
    assert path.read_text() == "mine: 1\n"
    assert [each.name for each in served.folder.iterdir()] == ["a.yaml"]


def test_two_studios_on_one_file(served: Served) -> None:
    other = Served(served.folder)
    try:
        mark = other.ask("read", index=0)["mark"]
        assert "conflict" not in served.ask("save", index=0, text="first: 1\n", mark=mark)
        assert other.ask("save", index=0, text="second: 1\n", mark=mark)["conflict"]
    finally:
        other.end()
    assert (served.folder / "a.yaml").read_text() == "first: 1\n"


def test_a_file_that_is_gone_is_written_again_when_asked(served: Served) -> None:
    path = served.folder / "a.yaml"
    mark = served.ask("read", index=0)["mark"]
    path.unlink()
    found = served.ask("save", index=0, text=SPEC, mark=mark)
    assert found["conflict"]
    assert "no such file" in found["problem"]
    served.ask("save", index=0, text=SPEC, mark=found["mark"])
    assert path.read_text() == SPEC


def test_a_file_that_cannot_be_read_is_not_written(served: Served) -> None:
    path = served.folder / "a.yaml"
    path.write_bytes(b"\xff\xfe\xff")
    found = served.ask("read", index=0)
    assert found["problem"]
    served.ask("save", index=0, text="x", mark=found["mark"])
    assert path.read_bytes() == b"\xff\xfe\xff"


def test_a_folder_in_the_place_of_the_file(served: Served) -> None:
    path = served.folder / "a.yaml"
    path.unlink()
    path.mkdir()
    assert "folder" in served.ask("read", index=0)["problem"]
    assert "cannot write" in served.ask("save", index=0, text="x", mark="")["error"]


def test_line_ends_mode_and_mark_stay(served: Served) -> None:
    path = served.folder / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    path.chmod(0o640)
    mark = served.ask("read", index=0)["mark"]
    served.ask("save", index=0, text="a: 1\nb: 3\n", mark=mark)
    assert path.read_bytes() == b"\xef\xbb\xbfa: 1\r\nb: 3\r\n"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("raw", [b"a: 1\r\nb: 2\n", b"a: 1\rb: 2\n"])
def test_line_ends_of_two_kinds_are_not_made_one(raw: bytes, served: Served) -> None:
    path = served.folder / "a.yaml"
    path.write_bytes(raw)
    mark = served.ask("read", index=0)["mark"]
    said = served.ask("save", index=0, text="a: 1\nb: 3\n", mark=mark)
    assert "end in different ways" in said["error"]
    assert path.read_bytes() == raw


def test_two_mib_of_text(served: Served) -> None:
    text = "# " + "é" * (1024 * 1024 - 1)
    mark = served.ask("read", index=0)["mark"]
    assert "findings" in served.ask("check", index=0, text=text)
    assert "conflict" not in served.ask("save", index=0, text=text, mark=mark)
    mark = served.ask("read", index=0)["mark"]
    assert "over the limit" in served.ask("save", index=0, text=text + "é", mark=mark)["error"]
    assert (served.folder / "a.yaml").read_text() == text


# --- the watcher, the start


@pytest.mark.parametrize("how", ["write", "replace", "delete"])
def test_a_change_is_seen_once_it_is_whole(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    watcher = Watcher(0.01)
    watcher.watch({path})
    time.sleep(0.03)
    if how == "write":
        path.write_text("")
        path.write_text("a: 12\n")
    elif how == "replace":
        (tmp_path / "new").write_text("a: 3\n")
        (tmp_path / "new").replace(path)
    else:
        path.unlink()
    assert watcher.wait((0, 0), 5) == (1, 0)
    watcher.end()


def test_an_empty_file_is_about_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    watcher = Watcher(0.01)
    watcher.watch({path})
    path.write_text("")
    assert watcher.wait((0, 0), 0.2) == (0, 0)
    os.utime(path, (0, 0))  # it was emptied long ago
    assert watcher.wait((0, 0), 5) == (1, 0)
    watcher.end()


def test_files_that_come_and_go_are_listed(served: Served) -> None:
    assert served.ask("list")["files"] == ["a.yaml"]
    seen = [0, 0]
    (served.folder / "more").mkdir()
    for name in ("b.yaml", "more/c.yaml"):
        (served.folder / name).write_text(SPEC)
        seen = served.ask("wait", seen=seen)["seen"]
        assert seen[1] > 0
        served.ask("list")  # watches the new folder, too
    (served.folder / "b.yaml").rename(served.folder / "d.yaml")
    assert served.ask("wait", seen=seen)["seen"] != seen
    found = served.ask("list")
    assert found["files"] == ["a.yaml", "b.yaml", "more/c.yaml", "d.yaml"]
    assert found["gone"] == [1]


def test_a_port_that_is_taken(served: Served) -> None:
    with pytest.raises(UserError, match="cannot listen on port"):
        studio(served.folder, port=served.server.server_port)


def test_what_is_no_spec(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \.yaml file"):
        studio(tmp_path)
    with pytest.raises(UserError, match="no such file or folder"):
        studio(tmp_path / "none")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(UserError, match=r"opens \.yaml files"):
        studio(tmp_path / "a.txt")
