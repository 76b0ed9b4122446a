"""Augmentation that moves pixels moves those of masks and of other target images, too."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archspec

NET = """
archspec: 1
input: [8, 8, 1]
layers: [{layers}]
train: {{data: {data}, batch_size: 8, epochs: 2, augment: {augment}{more}}}
"""
MAP = "Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: sigmoid}"
MAP_OF_TWO = "Conv2D: {filters: 2, kernel_size: 3, padding: same, activation: softmax}"
NEAREST = "fill_mode: constant, interpolation: nearest"
MOVES = (
    f"[RandomFlip, {{RandomRotation: {{factor: 0.3, {NEAREST}}}}}, "
    f"{{RandomTranslation: {{height_factor: 0.3, width_factor: 0.3, {NEAREST}}}}}]"
)


def net(layers: str, data: Path | str, augment: str, more: str = "") -> Any:
    return archspec.loads(NET.format(layers=layers, data=data, augment=augment, more=more))


@pytest.fixture
def blots(tmp_path: Path) -> Path:
    """Images that are their own masks."""
    images = np.random.default_rng(0).integers(0, 2, (24, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "blots.npz", x=images * 255, y=images, z=images[..., None] * 255)
    return tmp_path / "blots.npz"


@pytest.mark.keras
@pytest.mark.parametrize(
    ("layers", "more"),
    [
        (MAP, ""),
        (MAP_OF_TWO, ""),
        (MAP_OF_TWO, ", loss: CategoricalCrossentropy"),
        (MAP, ", loss: MeanSquaredError"),
    ],
)
def test_a_target_follows_its_image(layers: str, more: str, blots: Path) -> None:
    from archspec.data.preparation import prepare
    from archspec.recipe import recipe_of
    from archspec.recipe.tasks import IMAGE, MASK
    from archspec.training.augmenting import JointAugmentation
    from archspec.training.feed import Feed

    learnt = f"{{name: {blots}, targets: {'z' if 'Mean' in more else 'y'}}}"
    graph = net(layers, learnt, MOVES, more)
    recipe = recipe_of(graph)
    part = prepare(graph, recipe)[1]["train"]
    task = IMAGE if "Mean" in more else MASK
    feed = Feed(part, 8, 0, 3, JointAugmentation(recipe.augment, {graph.outputs[0]: task}, 0))
    seen = []
    for epoch in (0, 1, 0):
        feed.epoch = epoch
        batches = [feed.x[place] for place in range(3)]
        for x, y in batches:
            mask = y.argmax(axis=-1)[..., None] if y.shape[-1] == 2 else y.reshape(x.shape)
            inside = x.reshape(len(x), -1).any(axis=1)  # one-hot rows of the outside are of class 0
            assert np.allclose(mask[inside], x[inside], atol=1e-6)
        seen.append(np.concatenate([x for x, _ in batches]))
    assert np.array_equal(seen[0], seen[2])  # a function of seed and epoch
    assert not np.array_equal(seen[0], seen[1])
    still = np.concatenate([each for each in part.make_batch(part.examples)[:1]])
    assert sorted(map(bytes, seen[0])) != sorted(map(bytes, still))


@pytest.mark.keras
def test_a_run_with_moving_masks_goes_on_as_it_would_have(blots: Path, tmp_path: Path) -> None:
    graph = net(MAP, f"{{name: {blots}, targets: y}}", f"{MOVES[:-1]}, {{GaussianNoise: 0.1}}]")
    quiet = {"quiet": True, "echo": lambda line: None}
    whole = archspec.train(graph, run_dir=tmp_path / "whole", **quiet)
    archspec.train(graph, epochs=1, run_dir=tmp_path / "half", **quiet)
    rest = archspec.resume(tmp_path / "half", epochs=2, run_dir=tmp_path / "rest", **quiet)
    assert rest is not None
    assert [row["loss"] for row in rest.history] == [row["loss"] for row in whole.history]


@pytest.mark.parametrize(
    ("layers", "augment", "complaint"),
    [
        (MAP, "[{GaussianNoise: 0.1}, RandomFlip]", "put RandomFlip first"),
        ("Conv2D: {filters: 1, kernel_size: 3, activation: sigmoid}", "[RandomFlip]", "cannot fol"),
    ],
)
def test_what_a_target_cannot_follow_is_refused(
    layers: str, augment: str, complaint: str, blots: Path
) -> None:
    with pytest.raises(archspec.SpecError, match=complaint):
        net(layers, f"{{name: {blots}, targets: y}}", augment)


def test_an_autoencoder_and_colours_are_free(blots: Path) -> None:
    for augment in ("[{GaussianNoise: 0.1}, RandomFlip]", "[RandomInvert, {GaussianNoise: 0.2}]"):
        net(MAP, f"{{name: {blots}, targets: input}}", augment, ", loss: MeanSquaredError")
    net(MAP, f"{{name: {blots}, targets: y}}", "[RandomInvert, {GaussianNoise: 0.2}]")
