"""Collect the faults of a Keras model, each at its place in the config."""

from __future__ import annotations

from msgspec import Struct, field

from archspec.errors import MAX_ERRORS, Diagnostic, Refused, Source, Span, SpecError, enough


class Misread(Exception):
    """A part of a config is missing or of another kind than Keras writes.

    path: its place, such as `config.layers[12].name`.
    """

    def __init__(self, message: str, path: str, code: str = "import-file") -> None:
        super().__init__(message)
        self.message, self.path, self.code = message, path, code


class Findings(Struct):
    """The faults of one model. source: what messages call it."""

    source: str
    found: list[Diagnostic] = field(default_factory=list)

    def add(self, code: str, message: str, path: str = "", hint: str | None = None) -> None:
        """Note a fault at a place in the config; "" is the whole file."""
        if len(self.found) > MAX_ERRORS:
            return
        span = place(self.source, path)
        fault = Diagnostic(code, message, span, hint)
        if any(str(each) == str(fault) for each in self.found):
            return  # of a value that several layers take
        self.found.append(fault if len(self.found) < MAX_ERRORS else enough(span))

    def refuse(self, refused: Refused, path: str, code: str | None = None) -> None:
        """Note what a rule refuses. code: instead of the rule's own."""
        self.add(code or refused.code, refused.message, path, refused.hint)

    def misread(self, error: Misread) -> None:
        """Note a part of the config that cannot be read."""
        self.add(error.code, error.message, error.path)

    def stop(self) -> None:
        """Raise `SpecError` if anything was found."""
        if self.found:
            raise SpecError(self.found)


def place(source: str, path: str = "") -> Span:
    """Return the span of a place in a config, which has no lines."""
    return Span(Source(f"{source}:{path}" if path else source, (), file=False), 1, 1, 1, 1)
