"""Define reports: what a verb prints, as text, as Markdown and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from archspec.api.arguments import check_choice
from archspec.display import TABLE_STYLES

FORMS = (*TABLE_STYLES, "json")


class Report:
    """Tables or pages, which `print` shows as text, a notebook as Markdown, and `data` as values.

    >>> import archspec
    >>> archspec.show("lenet5").data["totals"]["params"]
    44426
    """

    forms: tuple[str, ...] = FORMS

    def __init__(self, write: Callable[[str], str]) -> None:
        """write: returns the whole text in a form, "text", "markdown" or "json"."""
        self._write = write

    def to_text(self, form: str = "text") -> str:
        """Return the report as "text", "markdown" or "json", or in another of its `forms`.

        Raises `UserError` for any other.
        """
        check_choice("form", form, self.forms)
        return self._write(form).rstrip("\n") + "\n"

    @property
    def data(self) -> Any:
        """The report as dicts, lists and exact numbers."""
        return json.loads(self._write("json"))

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.to_text("markdown")
