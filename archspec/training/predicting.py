"""Predict with the model of a run, from image files, tables and arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from PIL import Image

from archspec.backends import framework
from archspec.data.arrays import holds_arrays
from archspec.data.binding import read_inputs
from archspec.data.columns import DataSource
from archspec.data.datasets import read_samples
from archspec.data.fitting import make_fitting
from archspec.data.folders import is_image, iter_files
from archspec.data.images import Array, Images, read_files
from archspec.data.tables import SUFFIXES
from archspec.errors import UserError
from archspec.reading import kind_of, readable
from archspec.recipe.tasks import CLASSES, IMAGE, INPUT, LABELS, MASK
from archspec.training.trained import TrainedRun, load_trained
from archspec.writing import writing

TABLES = {*SUFFIXES, ".npz", ".npy"}
AT_ONCE = 32


class _Sample(Struct):
    """A batch of one or more samples: what they are called, and the values of each input."""

    names: list[str]
    inputs: dict[str, Array]


def predict(
    run: Path,
    files: Sequence[Path],
    top: int = 5,
    resize: bool = False,
    device: str | None = None,
    output: Path | None = None,
) -> list[dict[str, Any]]:
    """Return what the model of a run predicts of each sample, in their order.

        >>> predict(Path("runs/lenet5-1"), [Path("seven.png")], top=2)  # doctest: +SKIP
        [{"file": "seven.png", "classes": {"7": 0.98, "9": 0.01}}]

    files: images, folders of images, tables and `.npz` files with the columns that the run was
    trained on; all are prepared as in training. top: how many classes. resize: adapt size and
    channels, too, where training did not. output: a folder for the masks and images that the model
    makes, which are written there as PNG. device: as `framework.on` takes it.

    A model with one output of classes gives {"file", "classes"}, name -> probability, the likeliest
    first. Others give {"file", "outputs"}: for each output "classes", "labels" (name ->
    probability), "numbers" (column -> value), or of a mask the share of each class and the file.

    Raises `UserError` for a run without a model, for samples that are missing, broken or of another
    size, and for a picture that is there already.
    """
    with framework.on(device):
        trained = load_trained(run)
        found = []
        for batch in _iter_batches(trained, files, resize):
            x = batch.inputs if len(batch.inputs) > 1 else next(iter(batch.inputs.values()))
            outputs = trained.name_outputs(trained.model.predict(_order(trained, x), verbose=0))
            for place, name in enumerate(batch.names):
                values = {each: outputs[each][place : place + 1] for each in outputs}
                found.append(_describe(trained, name, values, top, output))
        return found


def _order(trained: TrainedRun, x: Any) -> Any:
    """Return the inputs in the order in which the model takes them."""
    return [x[name] for name in trained.graph.inputs] if isinstance(x, dict) else x


# --- what is predicted on ------------------------------------------------------------------------


def _iter_batches(trained: TrainedRun, files: Sequence[Path], resize: bool) -> Iterator[_Sample]:
    for is_source, paths in groupby(files, _is_source):
        if is_source:
            for path in paths:
                yield from _read_source(trained, path, resize)
        else:
            yield from _read_images(trained, [*chain(*map(_list_images, paths))], resize)


def _is_source(path: Path) -> bool:
    """Whether a file or a folder holds columns, and is not one image or several."""
    if kind_of(path) == "folder":
        return holds_arrays(path)
    return path.suffix.lower() in TABLES


def _list_images(path: Path) -> list[Path]:
    if kind_of(path) != "folder":
        return [path]
    images = sorted(filter(is_image, iter_files(path)))
    if not images:
        raise UserError(f"{readable(path)} holds no images")
    return images


def _read_images(trained: TrainedRun, files: Sequence[Path], resize: bool) -> Iterator[_Sample]:
    """Yield image files, each of which is adapted by itself: they may differ in size and depth."""
    graph, data = trained.graph, trained.facts["data"]
    if len(graph.inputs) != 1:
        raise UserError(
            f"{graph.name} has {len(graph.inputs)} inputs, and an image is one",
            "give a table or an .npz with a column for each",
        )
    (name,) = graph.inputs
    photos = (_fit(trained, name, each, resize) for each in read_files(files, data["grey"]))
    named = zip(map(str, files), photos, strict=True)
    for _, alike in groupby(named, key=lambda each: each[1].shape):  # a size may be free
        while batch := list(islice(alike, AT_ONCE)):
            names, images = zip(*batch, strict=True)
            yield _Sample([*names], {name: np.concatenate(images)})


def _read_source(trained: TrainedRun, path: Path, resize: bool) -> Iterator[_Sample]:
    """Yield the samples of a table or of arrays."""
    source = read_samples(path)
    columns = {name: each["column"] for name, each in trained.facts["data"]["inputs"].items()}
    inputs = read_inputs(trained.graph, trained.recipe, source, columns)
    count = len(next(iter(inputs.values())))
    names = _name_samples(source, inputs, path, count)
    for start in range(0, count, AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, count))
        yield _Sample(
            [names[place] for place in places],
            {name: _fit(trained, name, each[places], resize) for name, each in inputs.items()},
        )


def _name_samples(
    source: DataSource, inputs: dict[str, Images], path: Path, count: int
) -> list[str]:
    """Return what each sample is called: its only image, or its row in the file."""
    paths = [each.paths for each in inputs.values() if not isinstance(each, np.ndarray)]
    if len(paths) == 1:
        return [str(each) for each in paths[0]]
    return [f"{path}#{row}" for row in range(count)]


def _fit(trained: TrainedRun, name: str, images: Images, resize: bool) -> Array:
    data, ours = trained.facts["data"], trained.recipe.data
    taken = data.get("inputs", {}).get(name, {"range": data["range"], "scaled": True})
    # A file of an image has its own range, whatever the data had.
    range_ = tuple(taken["range"]) if isinstance(images, np.ndarray) else images.range
    if isinstance(images, np.ndarray) and taken["scaled"] and ours.scale:
        _check_range(images, range_, name)
    scale = (ours.scale or tuple(taken["range"])) if taken["scaled"] else None
    shape = trained.graph.shape(name)[1:]
    adapt = ours.resize or resize, ours.channels or resize
    return make_fitting(images, shape, range_, scale, *adapt)(images)


def _check_range(values: Array, trained: tuple[float, float], name: str) -> None:
    """Refuse bytes where the training had a smaller range, and shares where it had bytes."""
    least, most = float(values.min()), float(values.max())
    are_bytes, had_bytes = values.dtype == np.uint8, trained == (0.0, 255.0)
    are_shares = least >= 0 and most <= 1 and bool(((values > 0) & (values < 1)).any())
    if (are_bytes and not had_bytes and most > trained[1]) or (had_bytes and are_shares):
        raise UserError(
            f"input '{name}' is given {values.dtype.name} from {least:g} to {most:g}, and learnt "
            f"from {trained[0]:g} to {trained[1]:g}",
            "save the values as those of the training",
        )


# --- what is predicted ---------------------------------------------------------------------------


def _describe(
    trained: TrainedRun, name: str, values: dict[str, Array], top: int, folder: Path | None
) -> dict[str, Any]:
    outputs = {
        output: _describe_output(trained, output, name, each, top, folder)
        for output, each in values.items()
    }
    (first, *others) = outputs.values()
    if "classes" in first and (not others or "outputs" not in trained.facts["data"]):
        return {"file": name, **first}
    return {"file": name, "outputs": outputs}


def _describe_output(
    trained: TrainedRun, output: str, name: str, values: Array, top: int, folder: Path | None
) -> dict[str, Any]:
    learnt = trained.outputs[output]
    if learnt.task == CLASSES:
        chances = trained.compute_probabilities(values, output)[0]
        order = np.argsort(-chances, kind="stable")[:top]
        return {"classes": {learnt.classes[i]: _round(chances[i]) for i in order}}
    if learnt.task == LABELS:
        chances = trained.compute_chances(values, output)[0]
        return {"labels": dict(zip(learnt.classes, map(_round, chances), strict=True))}
    if learnt.task == MASK:
        single = values.shape[-1] == 1
        mask = values.argmax(axis=-1)[0]
        if single:
            mask = (trained.compute_chances(values, output)[0, ..., 0] >= 0.5).astype(int)
        shares = np.bincount(mask.reshape(-1), minlength=len(learnt.classes)) / mask.size
        found: dict[str, Any] = {
            "mask": dict(zip(learnt.classes, map(_round, shares), strict=True))
        }
        if folder is not None:
            path = _name_picture(trained, folder, name, output, "mask")
            _write_picture(path, mask.astype(np.uint8) * (255 if single else 1))
            found["file"] = str(path)
        return found
    if learnt.task == IMAGE and values.ndim == 4 and values.shape[-1] in (1, 3):
        found = {"image": {"from": _round(values.min()), "to": _round(values.max())}}
        if folder is not None:
            low, high = trained.recipe.data.scale or trained.facts["data"]["range"]
            bytes_ = np.clip((values[0] - low) / (high - low), 0, 1) * 255
            path = _name_picture(trained, folder, name, output, "output")
            _write_picture(path, bytes_.round().astype(np.uint8))
            found["file"] = str(path)
        return found
    flat = values.reshape(-1)
    names = learnt.column.split(", ")
    if len(names) != len(flat) or learnt.column == INPUT:
        names = [learnt.column] if len(flat) == 1 else [str(at) for at in range(len(flat))]
    return {"numbers": dict(zip(names, map(_round, flat), strict=True))}


def _round(value: Any) -> float:
    return float(f"{float(value):.6g}")


def _name_picture(trained: TrainedRun, folder: Path, name: str, output: str, what: str) -> Path:
    """Return the file of a picture. Raises `UserError` if it is there already."""
    several = f".{output}" if len(trained.graph.outputs) > 1 else ""
    path = folder / f"{Path(name).stem.replace('#', '-')}{several}.{what}.png"
    if kind_of(path) is not None:
        raise UserError(f"{readable(path)} is there already", "name a new folder with -o")
    return path


def _write_picture(path: Path, values: Array) -> None:
    image = Image.fromarray(values.squeeze(-1) if values.shape[-1] == 1 else values)
    with writing(path, "name another folder with -o") as temporary:
        image.save(temporary, format="PNG")
