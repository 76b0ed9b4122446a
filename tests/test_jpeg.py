"""JPEG files decoded quickly have the pixels that Pillow gives, or are left to it."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shrinking import few_or_many

from archspec.data import jpeg
from archspec.data.images import Photos, make_path_array, open_image

SIZES = ((500, 400), (33, 17), (64, 65), (1, 1), (7, 9))
WANTED = (None, (32, 32), (128, 96), (50, 200))


def draw(size: tuple[int, int], mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Draw smooth colours, as photos have."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size).convert(mode)


def by_both(
    monkeypatch: pytest.MonkeyPatch, photos: Photos, size: tuple[int, int] | None
) -> list[np.ndarray | str]:
    """What the photo is, or the error, as it is read and as Pillow alone reads it."""
    found: list[np.ndarray | str] = []
    for read in (jpeg.decode, lambda *_: None):
        with monkeypatch.context() as patch:
            patch.setattr(jpeg, "decode", read)
            try:
                found.append(photos.read(photos.paths[0], size))
            except Exception as error:
                found.append(str(error))
    return found


def is_same(one: np.ndarray | str, other: np.ndarray | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and one == other
    return one.dtype == other.dtype and np.array_equal(one, other)


@pytest.mark.thorough
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_are_those_of_pillow(mode, subsampling, progressive, tmp_path, monkeypatch):
    path = tmp_path / "x.JPG"
    for quality in (40, 95):
        for size in SIZES:
            options = {"subsampling": subsampling, "progressive": progressive}
            draw(size, mode).save(path, "JPEG", quality=quality, **options)
            for grey in (False, True):
                assert (jpeg.decode(path, grey) is None) == (mode == "CMYK")
                header = jpeg.read_header(path)
                assert header == (None if mode == "CMYK" else (mode == "L", *size))
                for wanted in WANTED:
                    for fast in (False, True):
                        photos = Photos(make_path_array([path]), grey, fast=fast)
                        assert is_same(*by_both(monkeypatch, photos, wanted))


@pytest.mark.thorough
@pytest.mark.parametrize("count", few_or_many(300, 6000))
def test_a_damaged_file_is_read_or_refused_as_by_pillow(count, tmp_path, monkeypatch):
    sound = []
    for options in ({}, {"restart_marker_rows": 1}, {"progressive": True}):
        held = io.BytesIO()
        draw((60, 50)).save(held, "JPEG", quality=90, **options)
        sound.append(held.getvalue())
    source, path, outcomes = random.Random(0), tmp_path / "x.jpg", set()
    for number in range(count):
        content = bytearray(source.choice(sound))
        if number % 3 == 0:
            del content[source.randrange(1, len(content)) :]
        else:
            for _ in range(source.randint(1, 3)):
                content[source.randrange(2, len(content))] = source.randrange(256)
        path.write_bytes(content)
        if (header := jpeg.read_header(path)) is not None:
            with open_image(path) as image:  # which raises if Pillow does not read the header
                assert (header.grey, header.width, header.height) == (
                    image.mode == "L",
                    *image.size,
                )
        one, other = by_both(monkeypatch, Photos(make_path_array([path]), False), (32, 32))
        assert is_same(one, other)
        outcomes.add(type(other))
    assert len(outcomes) == 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_data_says(orientation, tmp_path, monkeypatch):
    path = tmp_path / "x.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    draw((40, 20)).save(path, exif=exif)
    assert (jpeg.decode(path, False) is None) == (orientation != 1)
    (one, other) = by_both(monkeypatch, Photos(make_path_array([path]), False), None)
    assert is_same(one, other)
    assert one.shape == ((40, 20, 3) if orientation > 4 else (20, 40, 3))


def test_other_files_are_left_to_pillow(tmp_path):
    for name in ("x.png", "x.jpg.png"):
        draw((4, 4)).save(tmp_path / name)
        assert jpeg.decode(tmp_path / name, False) is None
        assert jpeg.read_header(tmp_path / name) is None
    (tmp_path / "x.png").rename(tmp_path / "png.jpg")
    assert jpeg.decode(tmp_path / "png.jpg", False) is None
    assert jpeg.decode(tmp_path / "missing.jpg", False) is None


def test_where_simplejpeg_is_missing_pillow_reads_all(tmp_path, monkeypatch):
    path = Path(tmp_path / "x.jpg")
    draw((4, 4)).save(path)
    monkeypatch.setattr(jpeg, "_load", lambda: __import__("no_such_module"))
    assert jpeg.decode(path, False) is None
    assert Photos(make_path_array([path]), False).read(path).shape == (4, 4, 3)
