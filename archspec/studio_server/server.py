"""Serve HTTP on the loopback, for the page of the studio alone."""

from __future__ import annotations

import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from archspec.errors import ArchspecError, UserError
from archspec.page import html
from archspec.reading import reason
from archspec.studio_server.answers import Studio

WEB = Path(__file__).parent / "web"
MAX_BODY = 16 * 1024 * 1024  # a text of 2 MiB, each letter of which may be written as six
SAFE = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TYPES = {".js": "text/javascript", ".css": "text/css"}
FILES = {
    **{f"/{path.name}": path for path in html.WEB.iterdir() if path.suffix == ".js"},
    **{f"/{path.name}": path for path in WEB.iterdir() if path.suffix in TYPES},
}


class StudioServer(ThreadingHTTPServer):
    """Serves one studio. address: what the browser opens, with the token that it must show."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, studio: Studio, port: int = 0) -> None:
        self.studio = studio
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            hint = "leave the port out, and a free one is taken"
            raise UserError(f"cannot listen on port {port}: {reason(error)}", hint) from None
        self.token = secrets.token_urlsafe(16)
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/?token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a page that was closed while it waited for an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        self.studio.watcher.end()
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: StudioServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "archspec", ""
    disable_nagle_algorithm = True  # a body waits for nothing after its headers
    timeout = 30  # seconds for a request that is begun and not ended

    def is_ours(self, token: str | None) -> bool:
        """Return whether a request is that of our own page, on this machine."""
        origins = {f"http://{host}" for host in self.server.hosts}
        headers = self.headers
        return (
            headers.get_all("Host", []) in [[host] for host in self.server.hosts]
            and headers.get("Origin", next(iter(origins))) in origins
            and headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
            and (
                token is None or secrets.compare_digest(token.encode(), self.server.token.encode())
            )
        )

    def has_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.server.token.encode())

    def do_GET(self) -> None:
        """Send the page, which needs the token, or a script of it, which holds no secret."""
        parts = urlsplit(self.path)
        if parts.path == "/":
            if not self.is_ours(parse_qs(parts.query).get("token", [""])[0]):
                return self.refuse()
            nonce = secrets.token_urlsafe(16)
            page = (WEB / "studio.html").read_text(encoding="utf-8")
            policy = (
                f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
                "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'"
            )
            text = page.replace("@PAGE@", html.write_body("")).replace("@NONCE@", nonce)
            return self.send(200, text.encode(), "text/html", {"Content-Security-Policy": policy})
        if not self.is_ours(None):
            return self.refuse()
        if parts.path == "/page.css":
            return self.send(200, html.write_style("light").encode(), TYPES[".css"])
        path = FILES.get(parts.path)
        if path is None:
            return self.send(404, b"there is nothing here", "text/plain")
        return self.send(200, path.read_bytes(), TYPES[path.suffix])

    def do_POST(self) -> None:
        """Answer a question of the page: JSON under its name."""
        if not self.is_ours(self.headers.get("X-Token", "")):
            return self.refuse()
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            return self.refuse(411, "say how long the text is")
        if len(length) > 9 or int(length) > MAX_BODY:
            return self.refuse(413, "this is too long")
        if self.headers.get_content_type() != "application/json":
            return self.refuse(415, "this is no JSON")
        question = self.path.removeprefix("/ask/")
        try:
            given = msgspec.json.decode(self.rfile.read(int(length)), type=dict[str, Any])
            if question not in self.server.studio.questions:
                return self.send(404, b"there is nothing here", "text/plain")
            answer = self.server.studio.answer(question, given)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError) as error:
            return self.say(400, f"this cannot be asked: {reason(error)}")
        except ArchspecError as error:
            hint = getattr(error, "hint", None)
            return self.say(409, ". ".join(filter(None, [str(error.args[0]), hint])))
        except Exception as error:  # the studio continues, and the text is still in the editor
            return self.say(500, f"{type(error).__name__}: {reason(error)}")
        return self.send(200, msgspec.json.encode(answer), "application/json")

    def say(self, status: int, message: str) -> None:
        self.send(status, msgspec.json.encode({"error": message}), "application/json")

    def refuse(
        self, status: int = 403, why: str = "open the address that archspec has printed"
    ) -> None:
        self.close_connection = True  # what follows in it is not read
        self.send(status, why.encode(), "text/plain", {"Connection": "close"})

    def send(self, status: int, data: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        given = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(data))}
        for name, value in {**SAFE, **given, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: an address has the token in it."""
