"""Describe the layers that a spec may have."""

from __future__ import annotations

from archspec.api.reports import Report


def describe_layers(*names: str, width: int = 80) -> Report:
    """Describe layers by their reference pages, or, without names, list every layer.

    names: of Keras classes, such as "Conv2D".
    width: columns of the text.

    `print` shows the report as text, a notebook as Markdown, and `report.data` holds arguments,
    defaults and formulas. The function has another name than the verb `layers`, because
    `archspec.layers` is the package with the layers' code.

    Raises `UserError` for a name that no layer has, with the closest one.

        >>> import archspec
        >>> [page["name"] for page in archspec.describe_layers("Conv2D", "Dense").data]
        ['Conv2D', 'Dense']
    """
    from archspec.backends.reference import find_named, to_reference

    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"describe_layers() takes names of layers, not {type(name).__name__}")
        find_named(name)
    return Report(lambda form: to_reference(names, form, width))
