"""Write a variant of a spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archspec import pipeline
from archspec.api.arguments import path_or_none


def edit(spec: str | Path, edits: Sequence[str], output: str | Path) -> list[Path]:
    """Write a file that extends a spec and changes single steps of it.

    spec: a file, or the bare name of a spec that comes with archspec.
    edits: what `archspec.load` takes under that name.
    output: the .yaml file to write. No file is overwritten but an older schema of archspec.

    Returns the paths of what was written, `output` first.

    Raises `SpecError` if the spec is not sound with these edits, and `UserError` if there is such a
    file already, or no such spec.

        >>> import archspec
        >>> archspec.edit("resnet18", ["at: stage3, remove: true"], "v.yaml")  # doctest: +SKIP
        [PosixPath('v.yaml'), PosixPath('archspec.schema.json')]
    """
    from archspec.loading.copying import extend_spec

    target = path_or_none("output", output)
    if target is None:
        raise TypeError("output must be a path, not None")
    if isinstance(edits, str) or not edits:
        raise TypeError("edits must be a list of texts such as 'at: head, remove: true'")
    pipeline.load(spec, edits=edits)
    return extend_spec(pipeline.find(spec), target, edits)
