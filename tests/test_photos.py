"""Photos: seen as they were taken, with the values that they hold, and nothing lost unsaid."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL
import pytest
from loaded import LoadedDataset, load_dataset
from PIL import Image, ImageOps

from archspec.data import images
from archspec.data.examples import Examples, hash_examples
from archspec.data.fitting import make_fitting
from archspec.data.images import read_files
from archspec.data.together import map_files
from archspec.errors import UserError

BYTES = (0.0, 255.0)
ORIENTATION = 0x0112


def classes(root: Path, **files: Image.Image | np.ndarray) -> Path:
    """The same files in the folders of two classes; `png_1` is 1.png."""
    for name in ("a", "b"):
        (root / name).mkdir(parents=True, exist_ok=True)
        for key, image in files.items():
            end, _, stem = key.partition("_")
            image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
            image.save(root / name / f"{stem or 1}.{end}")
    return root


def message(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return str(caught.value)


def load(root: Path, **options) -> LoadedDataset:
    return load_dataset(str(root), **options)


# --- orientation ---------------------------------------------------------------------------------

UPRIGHT = np.zeros((16, 8, 3), np.uint8)
UPRIGHT[:8, :, 0] = 250  # red above
UPRIGHT[:, :4, 2] = 250  # blue at the left
STORED = {  # how a camera that was held so stores it
    1: lambda it: it,
    2: lambda it: it[:, ::-1],
    3: lambda it: it[::-1, ::-1],
    4: lambda it: it[::-1],
    5: lambda it: it.transpose(1, 0, 2),
    6: lambda it: np.rot90(it, 1),
    7: lambda it: it[::-1, ::-1].transpose(1, 0, 2),
    8: lambda it: np.rot90(it, -1),
}


@pytest.mark.parametrize("end", ["jpg", "tif", "png", "webp", "avif", "mpo"])
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.thorough
def test_a_photo_is_seen_as_it_was_taken(orientation: int, end: str, tmp_path: Path) -> None:
    lossless = {"lossless": True} if end == "webp" else {}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        image = Image.fromarray(np.ascontiguousarray(STORED[orientation](UPRIGHT)))
        image.save(tmp_path / name / f"1.{end}", exif=exif, quality=95, **lossless)
    photos = load(tmp_path).train.images
    assert photos.find_shapes().keys() == {(16, 8, 3)}
    for image in photos:
        assert np.abs(image - UPRIGHT.astype(float)).mean() < 20
    assert make_fitting(photos, (16, 8, 3), BYTES, None, False, False)(photos).shape == (
        2,
        16,
        8,
        3,
    )


def test_a_png_may_say_its_orientation_behind_the_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    classes(tmp_path, png=np.ascontiguousarray(STORED[6](UPRIGHT)))
    said = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(said)) + b"eXIf" + said
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + said))
    for path in tmp_path.rglob("*.png"):
        content = path.read_bytes()
        path.write_bytes(content[:-12] + chunk + content[-12:])
    photos = load(tmp_path).train.images
    assert photos.find_shapes().keys() == {(16, 8, 3)}
    assert (next(iter(photos)) == UPRIGHT).all()


def test_a_photo_that_is_not_as_large_as_it_was_is_an_error(tmp_path: Path) -> None:
    photos = load(classes(tmp_path, png=UPRIGHT)).train.images
    fit = make_fitting(photos, (16, 8, 3), BYTES, None, False, False)
    Image.new("RGB", (16, 8)).save(tmp_path / "a/1.png")  # as many pixels
    assert "a/1.png is 8x16, but was 16x8" in message(fit, photos)


# --- sizes ---------------------------------------------------------------------------------------

SIZES = """
import sys
from pathlib import Path
from archspec.data.fitting import make_fitting
from archspec.data.images import read_folder
photos = read_folder(Path(sys.argv[1]))[0]
fit = make_fitting(photos, (8, 8, 1), (0.0, 255.0), None, True, True)
print(fit.size, fit(photos).shape)
"""


@pytest.mark.thorough
def test_photos_of_several_sizes_are_resized_whatever_the_hashes_are(tmp_path: Path) -> None:
    grey = np.zeros((8, 8), np.uint8)
    classes(tmp_path, png_1=grey, png_2=grey.repeat(2, 0), png_3=grey[:5], png_4=grey[:, :5])
    for seed in "0123":
        done = subprocess.run(
            [sys.executable, "-c", SIZES, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "(8, 8) (8, 8, 8, 1)\n"


# --- values --------------------------------------------------------------------------------------

DEEP = np.array([[0, 255, 256], [4095, 40_000, 65535]], np.uint16)


@pytest.mark.parametrize("end", ["png", "tif", "pgm", "jp2"])
def test_greys_of_16_bits_keep_their_values(end: str, tmp_path: Path) -> None:
    values = np.tile(DEEP, (8, 8))
    dataset = load(classes(tmp_path, **{end: values}))
    assert dataset.range == (0, 65535)
    for image in dataset.train.images:
        assert image.dtype == np.uint16
        assert (image == values).all()
    fit = make_fitting(dataset.train.images, (16, 24, 1), dataset.range, (0, 1), False, False)
    assert np.allclose(fit(dataset.train.images)[0, ..., 0], values / 65535)


def test_greys_of_16_bits_are_read_for_colours_when_asked_about(tmp_path: Path) -> None:
    classes(tmp_path, png=DEEP)
    grey, colour = read_files([tmp_path / "a/1.png"] * 1, True) + read_files(
        [tmp_path / "a/1.png"], False
    )
    assert grey.range == colour.range == (0, 65535)
    assert (next(iter(grey)) == DEEP).all()
    assert (next(iter(colour)) == DEEP[..., None]).all()


@pytest.mark.parametrize("values", [DEEP.astype(np.int32), DEEP.astype(np.float32)])
def test_pixels_without_a_white_are_refused(values: np.ndarray, tmp_path: Path) -> None:
    said = message(load, classes(tmp_path, png=DEEP.astype(np.uint8), tif=values))
    assert "a/1.tif and 1 more: pixels are" in said
    assert "in an .npz" in said


@pytest.mark.parametrize("other", [UPRIGHT, UPRIGHT[..., 0]])
def test_deep_and_other_images_are_not_mixed(other: np.ndarray, tmp_path: Path) -> None:
    assert "has 16 bits a pixel" in message(load, classes(tmp_path, png_1=DEEP, png_2=other))


def test_parts_are_as_deep(tmp_path: Path) -> None:
    classes(tmp_path / "train", png=UPRIGHT[..., 0])
    classes(tmp_path / "test", png=DEEP)
    said = message(load, tmp_path)
    assert "the images of test have 16 bits a pixel, those of train 8 bits a colour" in said


def test_the_fingerprint_knows_what_was_cut_once(tmp_path: Path) -> None:
    examples = load(classes(tmp_path, png=DEEP)).whole.parts["train"]
    ((name, photos),) = examples.inputs.items()
    shallow = {name: images.Photos(photos.paths, True)}
    cut = Examples(shallow, examples.targets)
    assert hash_examples({"train": examples}) != hash_examples({"train": cut})


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "PA"])
def test_every_mode_is_grey_or_colour(mode: str, tmp_path: Path) -> None:
    if mode == "YCbCr" and int(PIL.__version__.split(".")[0]) < 13:
        pytest.skip("Pillow reads the YCbCr of TIFF from version 13 on")
    image = Image.new("RGB", (4, 4), (255, 255, 255)).convert(mode)
    end = "tif" if mode in ("CMYK", "YCbCr") else "png"
    if mode == "PA":
        image = image.convert("RGBA")
    photos = load(classes(tmp_path, **{end: image})).train.images
    assert photos.grey == (mode in ("1", "L", "LA"))
    assert (next(iter(photos)) == 255).all()


def test_what_is_not_used_of_an_image_is_said(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    classes(tmp_path, png_1=Image.new("RGBA", (4, 4)), png_2=frames[0])
    palette = frames[0].convert("P")
    for name in ("a", "b"):
        frames[0].save(tmp_path / name / "3.gif", save_all=True, append_images=frames[1:])
        palette.save(tmp_path / name / "4.png", transparency=b"\0\x7f")
    # Pillow writes no colours of 16 bits: a PNG of one pixel.
    rows = zlib.compress(b"\0" + bytes(6))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    deep = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))
        for kind, held in chunks
    )
    (tmp_path / "a/5.png").write_bytes(deep)
    assert set(load(tmp_path).notes) == {
        "4 images have transparency, which is not used",
        "2 images have several frames, of which the first is used",
        "1 images have 16 bits a colour, of which 8 are used",
    }


# --- broken and hostile files --------------------------------------------------------------------

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\n(x) print\n%%EOF\n"


def test_nothing_is_given_to_ghostscript(tmp_path: Path) -> None:
    """Pillow has it run what an EPS says, whatever the file's suffix."""
    classes(tmp_path, png=UPRIGHT)
    (tmp_path / "a/2.png").write_bytes(EPS)
    assert "cannot read the image" in message(load, tmp_path)
    (tmp_path / "a/2.png").rename(tmp_path / "a/2.eps")
    assert load(tmp_path).notes == ("not used, because they are not images: 1 .eps",)


@pytest.mark.thorough
def test_an_image_that_unpacks_to_more_than_the_memory_is_refused(tmp_path: Path) -> None:
    classes(tmp_path, png=UPRIGHT)
    content = bytearray((tmp_path / "a/1.png").read_bytes())
    Image.new("L", (4, 4)).save(tmp_path / "a/2.png")
    content[16:24] = struct.pack(">II", 12_000, 12_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a/1.png").write_bytes(content)
    assert "it has 144,000,000 pixels, and 134,217,728 are the limit" in message(load, tmp_path)
    assert printed(tmp_path, skip_broken=True) == "2\n"


def printed(root: Path, skip_broken: bool = False) -> str:
    """What a process of its own prints that counts the images."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from loaded import load_dataset\n"
        f"print(len(list(load_dataset(sys.argv[1], skip_broken={skip_broken}).train.images)))"
    )
    words = [sys.executable, "-W", "default", "-c", code, str(root)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


@pytest.mark.parametrize("skip", [False, True])
def test_a_pipe_is_no_image_and_not_waited_for(skip: bool, tmp_path: Path) -> None:
    classes(tmp_path, png=UPRIGHT)
    os.mkfifo(tmp_path / "a/2.png")
    if skip:
        assert load(tmp_path, skip_broken=True).skipped == (tmp_path / "a/2.png",)
    else:
        assert "a/2.png: it is a pipe or device, not a file" in message(load, tmp_path)
    assert "a pipe or device" in message(read_files, [tmp_path / "a/2.png"], True)


def test_a_class_of_broken_images_alone_is_named(tmp_path: Path) -> None:
    classes(tmp_path, png=UPRIGHT)
    (tmp_path / "b/1.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"all images of .*/b are broken"):
        load(tmp_path, skip_broken=True)


@pytest.mark.thorough
def test_pillow_prints_nothing(tmp_path: Path) -> None:
    """Its warnings of palettes, of large images and of EXIF that is damaged."""
    palette = Image.new("P", (4, 4))
    jpeg = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "text" * 9
    Image.new("RGB", (4, 4)).save(jpeg, "jpeg", exif=exif)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        palette.save(tmp_path / name / "1.png", transparency=b"\0\x7f")
        damaged = jpeg.getvalue().replace(b"II*\0", b"II*\0\xff\xff", 1)
        (tmp_path / name / "2.jpg").write_bytes(damaged)
    assert printed(tmp_path) == "4\n"


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("grey", [False, True])
def test_photos_are_resized_from_what_was_decoded(
    fast: bool, turn: int, grey: bool, tmp_path: Path
) -> None:
    """Bit for bit as in three plain steps; fast ones are nearly that, from fewer pixels."""
    smooth = np.add.outer(np.arange(120), np.arange(160)) % 256
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(np.stack([smooth.astype(np.uint8)] * 3, axis=-1)).save(
        tmp_path / "a.jpg", exif=exif, quality=95
    )
    photos = images.Photos(images.make_path_array([tmp_path / "a.jpg"] * 9), grey, fast=fast)
    fitted = make_fitting(photos, (12, 14, 1 if grey else 3), (0, 255), None, True, False)(photos)
    whole = ImageOps.exif_transpose(Image.open(tmp_path / "a.jpg")).convert("L" if grey else "RGB")
    plain = np.asarray(whole.resize((14, 12), Image.Resampling.BILINEAR), np.float32)
    difference = np.abs(fitted.reshape(9, *plain.shape) - plain)
    assert difference.max() == 0 if not fast else 0 < difference.mean() < 4


def test_files_are_read_in_their_order_and_the_first_error_is_raised() -> None:
    assert map_files(lambda n: 2 * n, range(100)) == [2 * n for n in range(100)]
    assert map_files(str, []) == []
    with pytest.raises(ZeroDivisionError) as caught:
        map_files(lambda n: [1 / (n % 40), n][1], [*range(1, 100)])
    assert caught.traceback
