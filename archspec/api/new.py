"""Start a spec from another."""

from __future__ import annotations

from pathlib import Path

from archspec import pipeline
from archspec.api.arguments import path_or_none


def new(file: str | Path, source: str | Path = "lenet5", *, copy: bool = False) -> list[Path]:
    """Start a file that extends a spec, with the schema beside it.

    The file has the params of the spec as a comment, to change them.

    file: the .yaml file to write. No file is overwritten but an older schema of archspec.
    source: the spec to start from, a file or the bare name of one that comes with archspec.
    copy: copy the whole spec, and the files that it needs, instead of extending it.

    Returns the paths of what was written, `file` first.

    Raises `UserError` if there is such a file already, or no such source, and `SpecError` if the
    source cannot be read.

        >>> import archspec
        >>> archspec.new("mine.yaml", "resnet18")  # doctest: +SKIP
        [PosixPath('mine.yaml'), PosixPath('archspec.schema.json')]
    """
    from archspec.loading.copying import copy_spec, extend_spec

    target = path_or_none("file", file)
    if target is None:
        raise TypeError("file must be a path, not None")
    return (copy_spec if copy else extend_spec)(pipeline.find(source), target)
