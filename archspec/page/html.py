"""Put a page into one file of HTML, which asks for nothing and runs nothing but what is in it."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

from archspec.differences.changes import ChangeKind
from archspec.layers import KINDS
from archspec.page.parts import write_class
from archspec.pictures.changes import LINES
from archspec.pictures.style import THEMES, Theme

WEB = Path(__file__).parent / "web"
# Each after those that it imports: in the page they are one script.
SCRIPTS = (
    "network",
    "layout",
    "picture",
    "outline",
    "details",
    "search",
    "charts",
    "main",
    "start",
)
IMPORT = re.compile(r'^import [^;]* from "\./\w+\.js";\n', re.MULTILINE)
COMMENT = re.compile(r"^(\s*//[^\n]*\n|\s*/\*\*.*?\*/\n|\s+)", re.MULTILINE | re.DOTALL)
KEYS = {
    "/": "search",
    "Tab": "to the next control: search, outline, picture, details",
    "↓ ↑": "along the connections; in the outline, to the next line",
    "← →": "to the box beside; in the outline, close and open",
    "Enter": "open or close a group",
    "Escape": "close the group around",
    "Shift ↓ ↑ ← →": "move the picture",
    "+ - 0": "zoom, and fit the whole",
}


def write_html(title: str, data: bytes, *pictures: str, theme: str = "light") -> str:
    """Return a page. data: what its script reads, JSON. pictures: the SVG that is printed, or one
    for each network. theme: that of the page, of which "light" is the one of the reader's
    system."""
    script, style = _join_scripts(), write_style(theme)
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:"
    )
    start = "dark" if theme == "dark" else "auto"
    name = escape(title)
    return "".join(
        [
            f'<!doctype html>\n<html lang="en" data-theme="{start}">\n<head>\n',
            '<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f'<title>{name}</title>\n<link rel="icon" href="data:,">\n',
            f"<style>{style}</style>\n</head>\n<body>\n",
            write_body(name),
            _pack("data", data),
            _pack("print-picture", "\0".join(pictures).encode()),
            f"<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def write_body(title: str) -> str:
    """Return what a page shows, without data. title: with its signs escaped."""
    return _read("page.html").replace("@TITLE@", title).replace("@KEYS@", _write_keys())


def write_style(theme: str) -> str:
    """Return the look of a page."""
    return _write_colours(theme) + _read("page.css")


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


@cache
def _join_scripts() -> str:
    """Return the modules as one script: what they export of each other is there by its name."""
    parts = [_read(f"{name}.js") for name in SCRIPTS]
    joined = "\n".join(IMPORT.sub("", part).replace("\nexport ", "\n") for part in parts)
    short = COMMENT.sub("", joined)  # a quarter of the text are comments and indentation
    return f'"use strict";\n(() => {{\n{short}}})();\n'


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _pack(name: str, data: bytes) -> str:
    """Return data in a page: deflated, and in letters that mean nothing in HTML."""
    packed = base64.b64encode(zlib.compress(data, 9)).decode()
    return f'<script type="text/plain" id="{name}">{packed}</script>\n'


def _write_keys() -> str:
    rows = [
        f"<tr><td>{' '.join(f'<kbd>{key}</kbd>' for key in keys.split())}</td><td>{said}</td></tr>"
        for keys, said in KEYS.items()
    ]
    return "\n".join(rows)


def _write_colours(theme: str) -> str:
    """Return the colours of our pictures as variables, and a rule for each kind of layer."""
    light = _list_variables(THEMES["print" if theme == "print" else "light"])
    dark = _list_variables(THEMES["dark"])
    rules = [
        f":root {{ {light} }}",
        f'@media screen {{ :root[data-theme="dark"] {{ {dark} }} }}',
        "@media screen and (prefers-color-scheme: dark) "
        f'{{ :root[data-theme="auto"] {{ {dark} }} }}',
        *(rule for kind in LINES if kind for rule in _write_change(kind)),
        *(f":not(.hot) > .{kind} {{ fill: var(--{kind}); }}" for kind in map(write_class, KINDS)),
    ]
    return "\n".join(["", *rules, ""])


def _write_change(kind: ChangeKind) -> Iterator[str]:
    """Yield the rules of what is done to a layer, to a group and to a connection."""
    width, style = LINES[kind]
    fill, line = f"var(--{kind}-fill)", f"var(--{kind}-line)"
    dash = {"dashed": "5 3", "dotted": "1.5 2.5"}.get(style, "none")
    stroke = f"stroke: {line}; stroke-width: {width}; stroke-dasharray: {dash};"
    yield f".{kind}:not(.hot) > .ground, :not(.hot) > .cell.{kind} {{ fill: {fill}; }}"
    yield f".{kind} > .border, .frame.{kind} > rect {{ {stroke} }}"
    yield f".line.{kind} {{ {stroke} }} marker.{kind} {{ fill: {line}; }}"
    yield f".changes .{kind} {{ border-color: {line}; }}"


def _list_variables(theme: Theme) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in _name_colours(theme))


def _name_colours(theme: Theme) -> Iterator[tuple[str, str]]:
    for name in ("page", "ink", "quiet", "skip", "wrong", "failed", "idle", "plain"):
        yield name, getattr(theme, name)
    yield "frame-line", theme.frame_line
    yield from ((f"frame{depth}", colour) for depth, colour in enumerate(theme.frames, 1))
    yield from ((write_class(kind), colour) for kind, colour in theme.fills.items())
    for kind, (fill, line) in theme.changes.items():
        yield from ((f"{kind}-fill", fill), (f"{kind}-line", line))
