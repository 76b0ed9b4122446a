"""A report: what a verb prints, as text, as Markdown and as data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archspec.api.arguments import check_choice

FORMS = ("text", "markdown", "json")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """Tables or pages, which `print` shows as text, a notebook as Markdown, and `data` as values.

    write: gives the whole text in one of the forms "text", "markdown" and "json".

        >>> import archspec
        >>> archspec.show("lenet5").data["totals"]["params"]
        44426
    """

    write: Callable[[str], str]

    def to_text(self, form: str = "text") -> str:
        """Return the report as "text", "markdown" or "json".

        Raises `UserError` for another form.
        """
        check_choice("form", form, FORMS)
        return self.write(form).rstrip("\n") + "\n"

    @property
    def data(self) -> Any:
        """The report as dicts, lists and exact numbers."""
        return json.loads(self.write("json"))

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.to_text("markdown")
