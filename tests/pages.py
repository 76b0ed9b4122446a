"""Pages of networks, as files and in a browser."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = os.environ.get("ARCHSPEC_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

HOSTILE = r"""
archspec: 1
description: '</script><script>alert(1)</script> "quoted" & <b>'
params: {text: "</script><img src=x onerror=alert(1)>"}
input: [8]
blocks:
  b:
    params: {label: "</SCRIPT>'\""}
    layers: [{Dense: 3}, {Dense: 4}]
layers:
  - b: {label: =text}
    name: it_s
  - Dense: 2
"""


def unpack(html: str, name: str = "data") -> str:
    """Return what is packed into a page under a name."""
    packed = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', html)
    assert packed
    return zlib.decompress(base64.b64decode(packed[1])).decode()


def read_data(html: str) -> dict[str, Any]:
    """Return what the script of a page reads."""
    data: dict[str, Any] = json.loads(unpack(html))
    return data


class Opened:
    """A page in a browser. said: all that the browser complained of; asked: what it asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.path = page, path
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def go(self, address: str = "") -> None:
        """Open the page, at an address in it."""
        url, now = self.path.as_uri(), self.page.url
        if address and now.partition("#")[0] == url and now != url + address:
            self.follow(lambda: self.page.evaluate("each => location.hash = each", address))
        else:
            self.page.goto(url + address)
        self.page.wait_for_selector("#picture[aria-busy=false]", state="attached", timeout=20_000)

    def follow(self, act: Callable[[], Any]) -> None:
        """Do what leads to another address in the page, which is followed a little later."""
        self.page.evaluate(
            "window.followed = false;"
            "addEventListener('hashchange', () => window.followed = true, {once: true});"
        )  # is called after what the page itself does then
        act()
        # A function: the page's policy lets no text be evaluated.
        self.page.wait_for_function("() => window.followed")

    def boxes(self) -> list[str]:
        """The titles of the boxes that are seen, as the picture has them."""
        return self.page.evaluate(
            "[...document.querySelectorAll('#picture g[data-place]')]"
            ".filter(each => each.querySelector('.ground'))"
            ".map(each => each.querySelector('text').textContent)"
        )

    def frames(self) -> list[str]:
        """The titles of the groups that are open."""
        texts = self.page.evaluate(
            "[...document.querySelectorAll('.heading text')].map(each => each.textContent)"
        )
        return [text.removeprefix("\u25be ") for text in texts]

    def fit(self) -> None:
        """Look at the whole: what is far from the window is not drawn."""
        self.page.click("#fit")
        self.page.evaluate("document.querySelector('#picture svg').classList.remove('far')")

    def camera(self) -> list[float]:
        """Where the picture is in its window, and its scale."""
        text = self.page.get_attribute("#picture svg > g", "transform")
        return [float(each) for each in re.findall(r"-?[\d.]+(?:e-\d+)?", text)]

    def details(self) -> str:
        return self.page.inner_text("#details")

    def status(self) -> str:
        return self.page.inner_text("#status")

    def box(self, title: str) -> Any:
        """A box or a frame's title in the picture, by the text in it."""
        return self.page.locator("#picture g[data-place]", has_text=title).first


@contextmanager
def start_browser() -> Iterator[Any]:
    """Start Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()
