"""Explain errors by their codes."""

from __future__ import annotations

from archspec.api.reports import Report


def explain(*codes: str, width: int = 80) -> Report:
    """Explain errors by their pages, or, without codes, list every code with its sentence.

    codes: as a `Diagnostic` has them, such as "shape".
    width: columns of the text.

    `print` shows the report as text, a notebook as Markdown, and `report.data` holds what an error
    means, a spec that has it, and a sound one.

    Raises `UserError` for a code that no error has, with the closest one.

        >>> import archspec
        >>> archspec.explain("when").data[0]["sentence"]
        'A condition is neither true nor false.'
    """
    from archspec.backends.explanations import find_explanation, to_explanations

    for code in codes:
        if not isinstance(code, str):
            raise TypeError(f"explain() takes codes of errors, not {type(code).__name__}")
        find_explanation(code)
    return Report(lambda form: to_explanations(codes, form, width))
