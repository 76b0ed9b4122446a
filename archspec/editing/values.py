"""Look through the values of a document."""

from __future__ import annotations

from collections.abc import Iterator

from archspec.syntax.source import Value


def iter_texts(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield every text in a value with the key that it stands at."""
    for key, each in value.items():
        if isinstance(each.data, str):
            yield key, each
        yield from iter_texts(each)
    for each in value.data if isinstance(value.data, tuple) else ():
        yield from iter_texts(each)


def one_or_several(value: Value | None) -> tuple[Value, ...]:
    """Return the values of a list, or the one that stands in its place."""
    if value is None:
        return ()
    return value.data if isinstance(value.data, tuple) else (value,)


def items_of(value: Value | None) -> tuple[Value, ...]:
    """Return the values of a list; of anything else, none."""
    return value.data if value is not None and isinstance(value.data, tuple) else ()
