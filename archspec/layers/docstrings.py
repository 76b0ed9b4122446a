"""Read the docstring of a rule, for reference pages and editors.

>>> formulas = read_docstring("Multiplies.\\n\\nShape: (units).\\nParams: channels * units")
>>> formulas.about, formulas.shape, formulas.params, formulas.macs
('Multiplies.', '(units).', 'channels * units', '0')
"""

from __future__ import annotations

import inspect
import re

from msgspec import Struct


class Formulas(Struct, frozen=True):
    """The parts of a rule's docstring.

    about: what stands before the formulas: how the layer works, and what it is for.
    shape: how the output's shape follows from the input's, in words.
    params, macs: Python expressions, "0" if left out. They name the layer's arguments; `input` and
        `output`, shapes without the batch, `inputs`, a list of them, and the call arguments of a
        layer that has several; `channels` of the input; `length`, the product of the input's
        lengths along `axis`; `prod`. A part may have a name: `...; where size = ...; out = ...`.
    """

    about: str
    shape: str
    params: str
    macs: str

    @property
    def costs(self) -> list[tuple[str, str]]:
        """Return what each formula counts, and the formula, without those that give 0."""
        costs = [("Parameters", self.params), ("MACs", self.macs)]
        return [(what, formula) for what, formula in costs if formula != "0"]


def read_docstring(docstring: str | None) -> Formulas:
    """Return the parts of a docstring: a paragraph, and then a field a line, `Shape: ...`."""
    text = inspect.cleandoc(docstring or "")
    about, *rest = re.split("^(Shape|Params|MACs): ", text, flags=re.M)
    fields = dict(zip(rest[::2], rest[1::2], strict=True))
    parts = about, fields.get("Shape", ""), fields.get("Params", "0"), fields.get("MACs", "0")
    return Formulas(*(" ".join(part.split()) for part in parts))


def is_sentence(formula: str) -> bool:
    """Return whether a formula is given in words, since no short expression gives it."""
    return formula.endswith(".")


def write_formula(formula: str) -> str:
    """Return a formula in Markdown: as code, and its named parts too."""
    if is_sentence(formula):
        return formula
    expression, _, parts = formula.partition("; where ")
    where = ", ".join(f"`{part}`" for part in parts.split("; ") if part)
    return f"`{expression}`" + (f", where {where}" if where else "")
