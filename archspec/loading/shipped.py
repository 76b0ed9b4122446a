"""Find the specs and block libraries that come with archspec, by their bare names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from archspec.errors import did_you_mean, one_of
from archspec.reading import kind_of

MAX_SUGGESTED = 6
BARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


@cache
def shipped_folder() -> Path:
    """Return the folder of the specs that come with archspec."""
    package = Path(__file__).parent.parent
    installed = package / "specs"
    return installed if kind_of(installed) == "folder" else package.parent / "specs"


@cache
def list_shipped() -> Mapping[str, Path]:
    """Return the files of the shipped specs and block libraries by their names, in order."""
    files = {each.stem: each for each in shipped_folder().rglob("*.yaml")}
    return dict(sorted(files.items()))


def list_networks() -> list[str]:
    """Return the names of the shipped specs, without the block libraries."""
    return [name for name, path in list_shipped().items() if path.parent.name != "blocks"]


def list_libraries() -> list[str]:
    """Return the names of the shipped block libraries."""
    return [name for name, path in list_shipped().items() if path.parent.name == "blocks"]


def suggest_shipped(word: str, names: Iterable[str]) -> str | None:
    """Return a hint with the shipped names that a word begins, or else the closest; or None.

    `resnet50` begins `resnet50_imagenet`, and is spelt more like `resnext50`.
    """
    folded = {name: name.replace("_", "") for name in names}
    wanted = word.replace("_", "").replace("-", "").casefold()
    found = [name for name, text in folded.items() if text == wanted]
    begun = re.compile(re.escape(wanted) + (r"(?!\d)" if wanted[-1:].isdigit() else ""))
    found = found or [name for name, text in folded.items() if begun.match(text)]
    return one_of(found[:MAX_SUGGESTED]) if found else did_you_mean(word, folded)


def is_bare(name: str) -> bool:
    """Return whether a name is one that a shipped spec could have: no path and no suffix.

    >>> is_bare("resnet18"), is_bare("resnet18.yaml")
    (True, False)
    """
    return BARE.fullmatch(name) is not None
