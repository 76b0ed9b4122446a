"""Define `archspec predict`, which runs the model of a run on images, tables and arrays."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from archspec.api.use import predict as predict_samples
from archspec.backends import framework
from archspec.cli.options import MANY, device_option, layers_option, path_type, run_argument


@click.command()
@run_argument
@click.argument("images", nargs=-1, required=True, type=path_type)
@layers_option
@click.option("--top", type=MANY, default=5, help="How many classes, the most probable first.")
@click.option("--resize", is_flag=True, help="Adapt images to the spec's input.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text")
@click.option("-o", "--output", type=path_type, help="A folder for predicted masks and images.")
@device_option
def predict(
    run: Path,
    images: tuple[Path, ...],
    top: int,
    resize: bool,
    form: str,
    output: Path | None,
    device: str | None,
) -> None:
    """Run the model of a RUN on IMAGES, and print its predictions.

    IMAGES are files, folders of images, tables (.csv) or arrays (.npz). Classes and labels are
    printed with their probabilities, and masks as the share of each class.
    """
    framework.own_process()
    found = predict_samples(run, *images, top=top, resize=resize, output=output, device=device)
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif form == "csv":
        click.echo(_write_csv(found), nl=False)
    else:
        for each in found:
            click.echo(f"{each['file']}: {_write_sample(each)}")


def _write_sample(found: Mapping[str, Any]) -> str:
    """Return what is predicted of a sample as a line."""
    if "classes" in found:
        return _write_output(found)
    outputs = found["outputs"]
    if len(outputs) == 1:
        return _write_output(next(iter(outputs.values())))
    return "; ".join(f"{name} {_write_output(each)}" for name, each in outputs.items())


def _write_output(found: Mapping[str, Any]) -> str:
    kind, values = next((key, each) for key, each in found.items() if key != "file")
    form = "{} {:.1%}" if kind in ("classes", "labels", "mask") else "{} {:.6g}"
    line = ", ".join(form.format(name, value) for name, value in values.items())
    return f"{line}, in {found['file']}" if kind in ("mask", "image") and "file" in found else line


def _write_csv(found: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a line for each sample, and a column for each value of each output."""
    rows = []
    for each in found:
        outputs = each.get("outputs", {"": each})
        row = {"file": each["file"]}
        for name, several in outputs.items():
            prefix = f"{name}." if len(outputs) > 1 else ""
            kind, values = next((k, v) for k, v in several.items() if k != "file")
            if kind == "classes":
                row[f"{prefix}class"] = next(iter(values))
                row[f"{prefix}probability"] = next(iter(values.values()))
            else:
                row |= {f"{prefix}{key}": value for key, value in values.items()}
        rows.append(row)
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
