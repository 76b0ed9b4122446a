"""Masks keep the values that they store, and go with the image of the same name."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import archspec
from archspec.data.masks import Masks, check_sizes, find_values
from archspec.data.pairs import find_images, find_masks
from archspec.data.preparation import prepare
from archspec.errors import UserError
from archspec.recipe import recipe_of

VALUES = np.array([[0, 1, 2], [3, 200, 255]], np.uint8)
DEEP = np.array([[0, 1, 256], [4095, 40_000, 65535]], np.uint16)


def message(call, *arguments) -> str:
    """The error of a call, and its hint."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return f"{caught.value.args[0]} | {caught.value.hint}"


def masks_of(*paths: Path) -> Masks:
    array = np.empty(len(paths), dtype=object)
    array[:] = paths
    return Masks(array)


def read(folder: Path, image: Image.Image | np.ndarray | bytes, name: str = "m.png", **options):
    """The values of a mask that is saved."""
    path = folder / name
    if isinstance(image, bytes):
        path.write_bytes(image)
    else:
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(path, **options)
    (values,) = masks_of(path)
    return values


def palette(values: np.ndarray) -> Image.Image:
    image = Image.fromarray(values, "L").convert("P")
    image.putdata(values.ravel().tolist())
    image.putpalette([7, 100, 3, 128, 0, 0] + [9] * 762)
    return image


def png(bits: int, kind: int, row: bytes, width: int) -> bytes:
    """A PNG of one row, as Pillow writes none."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" + row)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(held)) + name + held + struct.pack(">I", zlib.crc32(name + held))
        for name, held in chunks
    )


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.gif", "m.bmp"])
def test_the_indices_of_a_palette_are_the_values(name: str, tmp_path: Path) -> None:
    options = {"optimize": False} if name == "m.gif" else {}  # Pillow would number them anew
    values = read(tmp_path, palette(VALUES), name, **options)
    assert values.dtype == np.uint8
    assert (values == VALUES).all()


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.pgm", "m.bmp"])
def test_greys_are_the_values(name: str, tmp_path: Path) -> None:
    assert (read(tmp_path, VALUES, name) == VALUES).all()


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.pgm"])
def test_greys_of_16_bits_are_the_values(name: str, tmp_path: Path) -> None:
    values = read(tmp_path, DEEP, name)
    assert values.dtype == np.uint16
    assert (values == DEEP).all()


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.pbm"])
def test_values_of_one_bit_are_0_and_1(name: str, tmp_path: Path) -> None:
    assert (read(tmp_path, VALUES > 1, name) == (VALUES > 1)).all()


def test_values_of_few_bits_are_not_stretched(tmp_path: Path) -> None:
    assert read(tmp_path, png(4, 0, b"\x01\x2f", 4)).tolist() == [[0, 1, 2, 15]]
    assert read(tmp_path, png(2, 0, b"\x1b", 4)).tolist() == [[0, 1, 2, 3]]
    assert read(tmp_path, png(1, 0, b"\x40", 4)).tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "PA"])
def test_colours_that_are_greys_are_the_values(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(VALUES).convert("RGBA" if mode == "PA" else mode)
    assert (read(tmp_path, image) == VALUES).all()


def test_a_mask_is_turned_as_its_image_is(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for image in (palette(VALUES), Image.fromarray(VALUES)):
        assert (read(tmp_path, image, exif=exif) == np.rot90(VALUES, -1)).all()
    assert masks_of(tmp_path / "m.png").find_shapes() == {(3, 2): str(tmp_path / "m.png")}


@pytest.mark.parametrize(
    ("name", "image", "said"),
    [
        ("m.png", np.stack([VALUES, VALUES, VALUES * 0], -1), "has colours or transparency"),
        ("m.png", np.stack([VALUES] * 4, -1), "has colours or transparency"),
        ("m.tif", Image.new("CMYK", (2, 2)), "has colours or transparency"),
        ("m.jpg", VALUES, "is a JPEG, which changes the values of pixels | save it as a PNG"),
        ("m.webp", VALUES, "is a WEBP, which changes"),
        ("m.tif", VALUES.astype(np.float32), "holds floating-point numbers"),
        ("m.tif", VALUES.astype(np.int32), "holds integers of 32 bits"),
        ("m.png", png(16, 2, bytes(6), 1), "has 16 bits a colour"),
        ("m.png", png(16, 4, bytes(4), 1), "has 16 bits a colour"),
        ("m.pgm", b"P5 2 1 3\n\x01\x03", "is a PGM with a largest value other than 255"),
        ("m.pgm", b"P2 2 1 3\n1 3\n", "is a PGM with a largest value other than 255"),
    ],
)
def test_values_that_are_lost_are_refused(
    name: str, image: Image.Image | np.ndarray | bytes, said: str, tmp_path: Path
) -> None:
    assert f"m.{name[2:]} {said}" in message(read, tmp_path, image, name)


def test_a_broken_mask_is_named(tmp_path: Path) -> None:
    assert f"cannot read the image {tmp_path}/m.png" in message(read, tmp_path, b"no image")


def test_a_mask_has_one_frame(tmp_path: Path) -> None:
    frames = {"save_all": True, "append_images": [Image.fromarray(VALUES + 1)]}
    with pytest.raises(UserError, match="has several frames"):
        read(tmp_path, Image.fromarray(VALUES), "m.tif", **frames)


def test_the_remedy_for_a_jpeg_gives_a_mask(tmp_path: Path) -> None:
    values = np.kron([[0, 255], [255, 0]], np.ones((8, 8))).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "1.jpg")
    said = message(masks_of(tmp_path / "1.jpg").read, tmp_path / "1.jpg")
    assert 'Image.open("1.jpg").convert("1", dither=0).save("1.png")' in said
    Image.open(tmp_path / "1.jpg").convert("1", dither=0).save(tmp_path / "1.png")
    assert (masks_of().read(tmp_path / "1.png") == values // 255).all()


def test_each_value_is_found_with_its_first_file(tmp_path: Path) -> None:
    paths = [tmp_path / f"{at}.png" for at in range(3)]
    for path, values in zip(paths, ([[0, 0]], [[0, 3]], [[3, 300]]), strict=True):
        Image.fromarray(np.array(values, np.uint16)).save(path)
    found = find_values(masks_of(*paths))
    assert found == {0: str(paths[0]), 3: str(paths[1]), 300: str(paths[2])}
    assert find_values(masks_of(*paths)[[0]]) == {0: str(paths[0])}


def test_a_mask_is_as_large_as_its_image(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "1.jpg")
    for name, size in (("a", (3, 2)), ("b", (3, 4))):
        Image.new("L", size).save(tmp_path / f"{name}.png")
    check_sizes([tmp_path / "1.jpg"], masks_of(tmp_path / "a.png"))
    said = message(check_sizes, [tmp_path / "1.jpg"], masks_of(tmp_path / "b.png"))
    assert f"the mask {tmp_path}/b.png is 4x3, its image {tmp_path}/1.jpg 2x3" in said


# --- pairs ---------------------------------------------------------------------------------------


def folder(root: Path, *paths: str) -> Path:
    """Empty files; `a/1+2.png` is a/1.png and a/2.png."""
    for each in paths:
        place, _, name = each.rpartition("/")
        stems, _, suffix = name.rpartition(".")
        for stem in stems.split("+"):
            (root / place).mkdir(parents=True, exist_ok=True)
            (root / place / f"{stem}.{suffix}").touch()
    return root


def pairs(root: Path, *paths: str) -> dict[str, list[tuple[str, str]]]:
    """What goes with what; no note is made."""
    parts, notes = find_masks(folder(root, *paths))
    assert notes == []
    names = {part: [[str(path.relative_to(root)) for path in each] for each in both]
             for part, both in parts.items()}  # fmt: skip
    return {part: list(zip(*both, strict=True)) for part, both in names.items()}


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images/{}.jpg", "masks/{}.png"),
        ("Image/{}.jpg", "Mask/{}.png"),
        ("img/{}.jpg", "gt/{}_gt.png"),
        ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
        ("images/{}.jpg", "annotations/trimaps/{}.png"),
        ("photos/{}.jpg", "ground_truth/{}.png"),
        ("inputs/{}.jpg", "targets/{}.png"),
        ("x/{}.jpg", "y/{}.png"),
        ("data/images/a/{}.jpg", "data/labels/a/{}-mask.png"),
        ("{}.jpg", "{}_mask.png"),
        ("a/{}.jpg", "a/{}-seg.png"),
        ("{}.jpg", "masks/{}.png"),
        ("{}_image.png", "{}_label.png"),
        ("images/{}_mask.jpg", "masks/{}_mask.png"),
        ("images1/{}.jpg", "masks1/{}.png"),
        ("{}/image.png", "{}/mask.png"),
        ("images/img_{}.png", "masks/mask_{}.png"),
        ("images/{}.png", "masks/gt-{}.png"),
        ("img_1{}.png", "mask_1{}.png"),
        ("image1{}.png", "label1{}.png"),
        ("images/img_{}.png", "masks/img_{}.png"),
    ],
)
def test_a_mask_goes_with_the_image_of_its_name(images: str, masks: str, tmp_path: Path) -> None:
    both = [(images.format(name), masks.format(name)) for name in ("cat", "dog")]
    assert pairs(tmp_path, *both[0], *both[1]) == {"train": both}


def test_names_are_as_long_as_they_must_be(tmp_path: Path) -> None:
    both = [
        *(("images/1.jpg", "masks/1.png"), ("images/1_mask.jpg", "masks/1_mask.png")),
        *(("images/img_1.jpg", "masks/img_1.png"), ("images/mask_1.jpg", "masks/mask_1.png")),
        *(("images1/1.jpg", "masks1/1.png"), ("images2/1.jpg", "masks2/1.png")),
    ]
    assert pairs(tmp_path, *(path for each in both for path in each)) == {"train": both}


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("{}/images/1.jpg", "{}/masks/1.png"),
        ("images/{}/1.jpg", "masks/{}/1.png"),
        ("{}_images/1.jpg", "{}_masks/1.png"),
        ("{}/1.jpg", "{}_masks/1_mask.gif"),
        ("x_{}/1.jpg", "y_{}/1.png"),
        ("{}/1.jpg", "{}/1_mask.png"),
        ("images/{}2017/1.jpg", "annotations/{}2017/1.png"),
        ("{}/{}/1.jpg", "{}/masks/1.png"),
    ],
)
@pytest.mark.parametrize("names", ["train validation test", "Training val Testing"])
def test_parts_are_wherever_they_are(images: str, masks: str, names: str, tmp_path: Path) -> None:
    both = [(images.replace("{}", name), masks.replace("{}", name)) for name in names.split()]
    found = pairs(tmp_path, *(path for each in both for path in each))
    assert list(found.items()) == [
        (part, [each]) for part, each in zip(("train", "validation", "test"), both, strict=True)
    ]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["images/1+2+3.jpg", "masks/1+4.png"], "2 images have no mask, such as 2.jpg and 3.jpg; "
         "1 mask has no image, such as 4.png | a mask has the name of its image"),
        (["train/images/1+2.jpg", "train/masks/1.png", "val/images/1.jpg", "val/masks/1.png"],
         ", train: 1 image has no mask, such as 2.jpg"),
        (["images/1.jpg", "masks/1.png", "masks/1_mask.png"], "are two masks of one name"),
        (["images/1.jpg", "images/1.png", "masks/1.png"], "are two images of one name"),
        (["1+2.jpg"], "holds 2 images, and no masks | a mask has the name of its image"),
        (["test/images/1.jpg", "test/masks/1.png"], "images for test, but no folder 'train'"),
        (["train/images/1.jpg", "val/images/1.jpg", "val/masks/1.png"],
         "train: 1 image has no mask"),
        (["images/img_1+img_2.jpg", "masks/mask_1+3.png"], "2 images have no mask"),
        (["images/a/1.jpg", "masks/b/1.png"], "1 image has no mask"),
        (["masks/1.png"], "1 mask has no image"),
        (["1.txt"], "holds no images, only 1 .txt"),
    ],
)  # fmt: skip
def test_what_has_no_partner_is_named(paths: list[str], said: str, tmp_path: Path) -> None:
    assert said in message(find_masks, folder(tmp_path, *paths))


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    parts, notes = find_masks(
        folder(
            tmp_path,
            "train/images/1.jpg",
            "train/masks/1.png",
            "train/edges/1+2.png",
            "test/images/1+2+3.jpg",
            "__MACOSX/train/images/._1.jpg",
            "annotations/1+2.xml",
        )
    )
    assert list(parts) == ["train"]
    assert notes == [
        "not used, because they are not images: 2 .xml",
        f"not used, because test has no masks: 3 images, such as {tmp_path}/test/images/1.jpg",
        "not used, because their folders say neither images nor masks: 2 images, such as "
        f"{tmp_path}/train/edges/1.png",
    ]


# --- images alone --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "found", "said"),
    [
        (["1+2.jpg", "a/b/1.png"], {"train": 3}, []),
        (["train/a/1.jpg", "val/1+2.jpg", "test/1.png"],
         {"train": 1, "validation": 2, "test": 1}, []),
        (["images/train/1.jpg", "images/test/1.jpg"], {"train": 1, "test": 1}, []),
        (["1+2.jpg", "test/1.png"], {"train": 2, "test": 1}, []),
        (["train/a/1.jpg", "train/test/1.jpg"], {"train": 2}, []),
        (["test_tube/1.jpg", "glass/1.jpg"], {"train": 2}, []),
        (["images/1.jpg", "masks/1.png"], {"train": 1}, ["they are masks: 1 image"]),
        (["masks/1.png"], {"train": 1}, []),
        (["train/1.jpg", "more/1.jpg", "2.txt"], {"train": 1},
         ["they are not images: 1 .txt", "they are in no part: 1 image"]),
    ],
)  # fmt: skip
def test_images_alone_are_found(
    paths: list[str], found: dict[str, int], said: list[str], tmp_path: Path
) -> None:
    parts, notes = find_images(folder(tmp_path, *paths))
    assert {part: len(several) for part, several in parts.items()} == found
    assert len(notes) == len(said)
    for note, words in zip(notes, said, strict=True):
        assert note.startswith(f"not used, because {words}")


def test_images_alone_have_a_training_set(tmp_path: Path) -> None:
    said = message(find_images, folder(tmp_path, "val/1.jpg", "test/1.jpg"))
    assert "images for test and validation, but no folder 'train'" in said


# --- as a network takes them ---------------------------------------------------------------------

MAP = """
archspec: 1
input: [4, 4, 1]
layers: [Conv2D: {filters: 2, kernel_size: 1, activation: softmax}]
train: {data: {skip_broken: true}}
"""


@pytest.mark.parametrize("name", ["", "t.csv"])
def test_a_mask_of_another_size_is_refused_however_it_is_named(name: str, tmp_path: Path) -> None:
    folder(tmp_path, "images/1+2.png", "masks/1+2.png")
    rows = [f"images/{at}.png,masks/{at}.png" for at in (1, 2)]
    if name:
        (tmp_path / name).write_text("\n".join(["image,mask", *rows]))
    for path in tmp_path.rglob("*.png"):
        Image.new("L", (4, 5 if path.match("masks/2.png") else 4)).save(path)
    targets = "data: {targets: mask}"
    graph = archspec.loads(MAP.replace("data: {skip_broken: true}", targets))
    said = message(lambda: prepare(graph, recipe_of(graph, data=str(tmp_path / name))))
    assert "masks/2.png is 5x4, its image" in said


def test_the_mask_of_a_broken_image_is_left_out_with_it(tmp_path: Path) -> None:
    folder(tmp_path, "images/0+1+2+3+4.png", "masks/0+1+2+3+4.png")
    for at in range(5):
        Image.new("L", (4, 4), at).save(tmp_path / f"images/{at}.png")
        Image.new("L", (4, 4), at % 2).save(tmp_path / f"masks/{at}.png")
    (tmp_path / "images/2.png").write_bytes(b"no image")
    graph = archspec.loads(MAP)
    dataset, parts = prepare(graph, recipe_of(graph, data=str(tmp_path)))
    assert dataset.skipped == (tmp_path / "images/2.png",)
    seen = []
    for part in parts.values():
        (images,), (masks,) = part.examples.inputs.values(), part.examples.targets.values()
        assert [path.name for path in images.paths] == [path.name for path in masks.paths]
        seen += [path.stem for path in masks.paths]
    assert sorted(seen) == ["0", "1", "3", "4"]
