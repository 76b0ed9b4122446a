"""Write the page of an error: what it means, a spec that has it, and a sound one.

    print(to_explanations(["shape"]))              one page or several, for a terminal
    print(to_explanations([]))                     every code with its sentence
    python -m archspec.backends.explanations       writes docs/errors.md: all pages

The sentences are those of `error_formats.CODES`; what follows them is in archspec/explanations.md.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from archspec.error_formats import CODES
from archspec.errors import UserError, did_you_mean

TEXTS = Path(__file__).parent.parent / "explanations.md"
SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.M | re.S)
SPEC = re.compile(r"^```yaml( wrong)?\n(.*?)^```\n", re.M | re.S)
LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
INTRODUCTION = """\
Every error, warning and piece of advice by its code, which stands in brackets at the end of a
message: what it means, a spec that has it, and a sound one. `archspec explain CODE` prints a
page."""


class Explanation(Struct, frozen=True):
    """The page of a code.

    sentence: what is wrong. meaning: more on it, in Markdown. wrong: a spec that has this error and
    no other. right: the same, mended. Both are "" where an example would be too long.
    """

    code: str
    sentence: str
    meaning: str
    wrong: str
    right: str


@cache
def read_explanations() -> dict[str, Explanation]:
    """Return every page by its code, in their order."""
    found = {}
    for code, text in SECTION.findall(TEXTS.read_text(encoding="utf-8")):
        specs = {bool(wrong): spec for wrong, spec in SPEC.findall(text)}
        meaning = SPEC.sub("", text).strip()
        wrong, right = specs.get(True, ""), specs.get(False, "")
        found[code] = Explanation(code, CODES[code], meaning, wrong, right)
    return found


def to_explanations(codes: Sequence[str], form: str = "text", width: int = 80) -> str:
    """Return the pages of the codes, or, without codes, a list of all with their sentences.

    form: "text", wrapped to `width` columns, "markdown" or "json".
    Raises `UserError` for a code that no error has.
    """
    pages = [find_explanation(code) for code in codes]
    if form == "json":
        data = [asdict(page) for page in pages or read_explanations().values()]
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if form == "markdown":
        if not pages:
            return "".join(f"- `{code}`: {sentence}\n" for code, sentence in CODES.items())
        return "\n".join(_write_markdown(page) for page in pages)
    if not pages:
        return _list_as_text(width)
    return "\n\n".join(_write_text(page, width) for page in pages)


def find_explanation(code: str) -> Explanation:
    """Return the page of a code. Raises `UserError` for a code that no error has."""
    page = read_explanations().get(code)
    if page is None:
        hint = did_you_mean(code, CODES) or "`archspec explain` lists all codes"
        raise UserError(f"no error has the code '{code}'", hint)
    return page


def _list_as_text(width: int) -> str:
    column = max(map(len, CODES)) + 2
    lines = [
        textwrap.fill(
            sentence, width, initial_indent=code.ljust(column), subsequent_indent=" " * column
        )
        for code, sentence in CODES.items()
    ]
    return "\n".join(lines) + "\n"


def _write_text(page: Explanation, width: int) -> str:
    paragraph = LINK.sub(r"\1", f"{page.sentence} {page.meaning}".strip())
    parts = [page.code, textwrap.fill(paragraph, width)]
    for title, spec in (("Wrong:", page.wrong), ("Right:", page.right)):
        if spec:
            parts += [title, textwrap.indent(spec, "    ").rstrip()]
    return "\n\n".join(parts) + "\n"


def _write_markdown(page: Explanation) -> str:
    lines = [f"## {page.code}", page.sentence, page.meaning]
    if page.wrong:
        lines += ["Wrong:", f"```yaml wrong\n{page.wrong}```"]
        lines += ["Right:", f"```yaml\n{page.right}```"]
    return "\n\n".join(filter(None, lines)) + "\n"


def write_page() -> str:
    """Return docs/errors.md."""
    pages = "\n".join(_write_markdown(page) for page in read_explanations().values())
    return f"# Errors\n\n{INTRODUCTION}\n\n{pages}"


if __name__ == "__main__":
    target = Path(__file__).parent.parent.parent / "docs" / "errors.md"
    target.write_text(write_page(), encoding="utf-8")
    print(f"wrote {target}")
