"""`archspec predict`: the classes that the model of a run sees in images."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archspec.api.use import predict as predict_classes
from archspec.backends import framework
from archspec.cli.options import MANY, device_option, layers_option, path_type, run_argument


@click.command()
@run_argument
@click.argument("images", nargs=-1, required=True, type=path_type)
@layers_option
@click.option("--top", type=MANY, default=5, help="How many classes, the most probable first.")
@click.option("--resize", is_flag=True, help="Adapt images to the spec's input.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@device_option
def predict(
    run: Path, images: tuple[Path, ...], top: int, resize: bool, form: str, device: str | None
) -> None:
    """Predict the classes of IMAGES with the model of a RUN."""
    framework.own_process()
    found = predict_classes(run, *images, top=top, resize=resize, device=device)
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for each in found:
        classes = ", ".join(f"{name} {chance:.1%}" for name, chance in each["classes"].items())
        click.echo(f"{each['file']}: {classes}")
