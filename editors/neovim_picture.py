"""Draw docs/pictures/editor.svg: what a terminal shows of a spec in Neovim, with `archspec lsp`.

    pip install pyte
    python editors/neovim_picture.py [NVIM]

Neovim runs in a terminal of its own, with the lines of docs/editors.md; each letter is drawn where
the terminal has it, in its colour.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from fcntl import ioctl
from html import escape
from pathlib import Path
from termios import TIOCSWINSZ

import pyte

ROOT = Path(__file__).parent.parent
COLUMNS, ROWS = 112, 27
WIDTH, HEIGHT = 8.4, 18  # of a letter
LOOKS = """
vim.o.termguicolors = true
vim.o.number = true
vim.o.laststatus = 0
vim.o.cmdheight = 1
vim.o.shortmess = vim.o.shortmess .. "IF"
vim.cmd.colorscheme("default")
vim.o.background = "light"
vim.treesitter.start = function() end  -- its parsers are not everywhere
"""
NAMES = {"black": "#14161b", "brown": "#6b5300", "default": ""}


def record(nvim: str, spec: Path, keys: list[tuple[float, str]]) -> pyte.Screen:
    """Return the screen of a terminal after some keys, each after so many seconds."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    folder = Path(tempfile.mkdtemp())
    start, socket = folder / "init.lua", folder / "socket"
    start.write_text(re.findall(r"```lua\n(.*?)```", page, re.S)[0] + LOOKS)
    core = subprocess.Popen(
        [nvim, "--headless", "-n", "-u", start, "--listen", socket, spec.relative_to(ROOT)],
        cwd=ROOT,
    )
    while not socket.exists():
        time.sleep(0.1)
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        ioctl(0, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.environ["TERM"], os.environ["COLORTERM"] = "xterm-256color", "truecolor"
        os.execvp(nvim, [nvim, "--server", str(socket), "--remote-ui"])
    for seconds, typed in [*keys, (1.0, "")]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                stream.feed(os.read(terminal, 65536))
        os.write(terminal, typed.encode())
    core.kill()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return screen


def draw(screen: pyte.Screen) -> str:
    """Return a screen as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * WIDTH:.0f}" '
        f'height="{ROWS * HEIGHT}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
        'font-size="14">',
        '<rect width="100%" height="100%" fill="#e0e2ea"/>',
    ]
    for row in range(ROWS):
        cells = [screen.buffer[row][column] for column in range(COLUMNS)]
        start = 0
        while start < COLUMNS:
            end = start
            while end < COLUMNS and cells[end][1:] == cells[start][1:]:
                end += 1
            text = "".join(cell.data for cell in cells[start:end])
            parts += draw_run(text, cells[start], start, row)
            start = end
    return "\n".join([*parts, "</svg>"]) + "\n"


def draw_run(text: str, look: pyte.screens.Char, column: int, row: int) -> list[str]:
    """Return the elements of letters that look alike."""
    front, back = (colour(each) for each in (look.fg, look.bg))
    if look.reverse:
        front, back = back or "#e0e2ea", front or "#14161b"
    x, y, width = column * WIDTH, row * HEIGHT, len(text) * WIDTH
    parts = []
    if back:
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="18" fill="{back}"/>')
    if text.strip():
        lead = len(text) - len(text.lstrip())
        weight = ' font-weight="bold"' * look.bold + ' font-style="italic"' * look.italics
        weight += ' text-decoration="underline"' * look.underscore
        words = text.strip()
        parts.append(
            f'<text x="{x + lead * WIDTH:.1f}" y="{y + 13.5}" xml:space="preserve" '
            f'textLength="{len(words) * WIDTH:.1f}" fill="{front or "#14161b"}"{weight}>'
            f"{escape(words)}</text>"
        )
    return parts


def colour(name: str) -> str:
    return NAMES.get(name, f"#{name}" if re.fullmatch(r"[0-9a-f]{6}", name) else name)


def main() -> None:
    nvim = sys.argv[1] if len(sys.argv) > 1 else "nvim"
    spec = ROOT / "specs" / "resnet50v2.yaml"
    keys = [
        (4.0, ":42\r"),
        (0.3, "zt"),
        (0.2, "4k"),
        (0.3, "/Conv2D: {filters: ==, kernel_size: 3\r"),
        (0.3, ":nohlsearch\r"),
        (0.3, ":lua vim.lsp.buf.hover()\r"),
        (2.0, ""),
    ]
    screen = record(nvim, spec, keys)
    target = ROOT / "docs" / "pictures" / "editor.svg"
    target.write_text(draw(screen), encoding="utf-8")
    print("\n".join(screen.display))
    print(f"drew {target}")


if __name__ == "__main__":
    main()
