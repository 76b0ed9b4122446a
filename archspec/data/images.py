"""Read folders of images.

`Photos` reads files as they are asked for; a numpy array of images has the same few operations
(`len`, `images[indices]`, iteration), so the rest of the runner does not tell them apart.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image, UnidentifiedImageError

from archspec.data import jpeg
from archspec.data.folders import find_classes, list_formats
from archspec.data.together import map_files
from archspec.errors import ArchspecError, UserError
from archspec.reading import kind_of, open_file, read_bytes, readable, reason

TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LYING = range(5, 9)  # orientations that swap height and width
LATE = (b"eXIf", b"Orientation", b"Raw profile type exif")  # chunks of a PNG with its orientation
PIXELS = 2**27  # the most in one image: some hundred bytes can unpack to any number
LEAVE = "remove or replace what is broken, or write `skip_broken: true` under train.data"
GREY = {"1", "L", "LA", "La"}
STILLS = {"GIF", "PNG", "TIFF", "WEBP", "AVIF"}  # formats that usually have one frame

Array = np.ndarray[Any, Any]
ONE_LARGE = Lock()

# What Pillow warns of is an error here, or a note.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class Photos(Struct, frozen=True, eq=False):
    """Image files, decoded when iterated: each a uint8 array, (h, w) if `grey`, else (h, w, 3).

    deep: whether they are greys of 16 bits, and the arrays uint16. fast: whether a JPEG that is
    made smaller is decoded at a half, a quarter or an eighth of its size, where that is enough.
    """

    paths: Array  # of Path
    grey: bool
    deep: bool = False
    fast: bool = False

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: Any) -> Photos:
        return Photos(self.paths[indices], self.grey, self.deep, self.fast)

    def __iter__(self) -> Iterator[Array]:
        return map(self.read, self.paths)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and highest value that a pixel can have."""
        return (0.0, 65535.0) if self.deep else (0.0, 255.0)

    def read(self, path: Path, size: tuple[int, int] | None = None) -> Array:
        """Decode one of the files. Raises `UserError` if it is broken.

        size: the height and width that it is resized to, bilinear and antialiased; of deep greys
        the caller does that.
        """
        least = (max(size), max(size)) if size and self.fast else None  # it may yet be turned
        pixels = None if self.deep else jpeg.decode(path, self.grey, least)
        if pixels is not None:
            is_right = size is None or pixels.shape[:2] == size
            return pixels if is_right else _resize(Image.fromarray(pixels), size)
        with open_image(path) as image:
            if size is None or self.deep:
                return _decode(image, self.grey, self.deep)
            if least is not None:
                image.draft(None, least)
            upright = _convert(image, self.grey)
            if (upright.height, upright.width) != size:
                return _resize(upright, size)
            return np.asarray(upright)

    def take_coloured(self) -> Photos:
        """Return the files that are in colour, which make the others such, too; all if none is."""
        kinds = map_files(lambda path: _inspect_file(path, decode=False), [*self.paths])
        at = [bool(each and each.kind == "colour") for each in kinds]
        return self[np.array(at, bool)] if any(at) else self

    def find_shapes(self) -> dict[tuple[int, ...], str]:
        """Return the shapes that occur, each with a file that has it; decode only where needed."""
        found: dict[tuple[int, ...], str] = {}
        sizes = map_files(find_size, [*self.paths])
        for path, (width, height) in zip(self.paths, sizes, strict=True):
            shape = (height, width) if self.grey else (height, width, 3)
            found.setdefault(shape, readable(path))
        return found


Images = Array | Photos


def _resize(image: Image.Image, size: Any) -> Array:
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))


# --- one file ------------------------------------------------------------------------------------


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """Open an image file of a format that is decoded here. Whatever fails is a `UserError`."""
    try:
        with open_file(path) as file, Image.open(file, formats=list_formats()) as image:
            pixels = image.width * image.height
            if pixels > PIXELS:
                raise ValueError(f"it has {pixels:,} pixels, and {PIXELS:,} are the limit")
            with ONE_LARGE if pixels > jpeg.LARGE else nullcontext():
                yield image
    except ArchspecError:
        raise
    except Exception as error:
        raise _make_unreadable([path], error) from None


def _find_orientation(image: Image.Image) -> Any:
    """Return the orientation in an image's EXIF data; 1 if there is none."""
    return image.getexif().get(jpeg.ORIENTATION, 1)


def turn_upright(image: Image.Image) -> Image.Image:
    """Return the decoded image in the orientation of its EXIF data."""
    image.load()  # Pillow turns a TIFF here, and drops its orientation
    turn = TRANSPOSES.get(_find_orientation(image))
    return image if turn is None else image.transpose(turn)


def find_size(path: Path) -> tuple[int, int]:
    """Return the width and height of an image as seen.

    A PNG that may store its orientation after the pixels, and a TIFF whose size Pillow may have
    swapped already, are decoded to find out.
    """
    if (header := jpeg.read_header(path)) is not None:
        return header.width, header.height
    with open_image(path) as image:
        if image.format == "PNG":
            content = read_bytes(path)
            decode = any(each in content for each in LATE)
            return turn_upright(image).size if decode else image.size
        lying = _find_orientation(image) in LYING
        if lying and image.format == "TIFF":
            return turn_upright(image).size
        return image.size[::-1] if lying else image.size


def _decode(image: Image.Image, grey: bool, deep: bool) -> Array:
    """Return the pixels of an image: uint8, or uint16 if deep."""
    if deep:
        image = turn_upright(image)
        values = np.asarray(image)
        if values.ndim != 2 or values.min() < 0 or values.max() > 65535:
            raise ValueError("its pixels are no greys of 16 bits")
        values = values.astype(np.uint16)
        return values if grey else np.repeat(values[..., None], 3, axis=-1)
    return np.asarray(_convert(image, grey))


def _convert(image: Image.Image, grey: bool) -> Image.Image:
    """Return an image upright, in 8 bits of grey or of each colour."""
    image = turn_upright(image)
    image.info.pop("transparency", None)  # colours stay as they are; Pillow warns otherwise
    mode = "L" if grey else "RGB"
    return image if image.mode == mode else image.convert(mode)


class _Inspection(NamedTuple):
    """The properties of an image file that must be known before it is read.

    kind: "grey", "colour", "deep" (grey of 16 bits), or "lost" if its values cannot be used. left:
    what of the image is not used, in words; for "lost" the type of its pixels.
    """

    kind: str
    left: tuple[str, ...] = ()


def _inspect_file(path: Path, decode: bool) -> _Inspection | None:
    """Return the inspection of a file, or None if it is broken.

    decode: whether its pixels are decoded, too.
    """
    if not decode and (header := jpeg.read_header(path)) is not None:
        return _Inspection("grey" if header.grey else "colour")
    try:
        with open_image(path) as image:
            inspection = _inspect(image)
            if decode:
                _decode(image, grey=False, deep=inspection.kind == "deep")
            return inspection
    except ArchspecError:
        return None


def _inspect(image: Image.Image) -> _Inspection:
    """Return the inspection of an open image."""
    mode = image.mode
    # Pillow has one mode for 16 bits in some formats and 32 in others; PNG and PPM have 16 at most.
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
        return _Inspection("deep")
    if mode in ("I", "F"):
        return _Inspection(
            "lost", ("32-bit integers" if mode == "I" else "floating-point numbers",)
        )
    left = []
    if ";16" in str(getattr(image, "tile", "")):
        left.append("have 16 bits a colour, of which 8 are used")
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        left.append("have transparency, which is not used")
    if image.format in STILLS and getattr(image, "n_frames", 1) > 1:
        left.append("have several frames, of which the first is used")
    return _Inspection("grey" if mode in GREY else "colour", tuple(left))


def _make_unreadable(
    paths: list[Path], error: Exception | None = None, hint: str = LEAVE
) -> UserError:
    """Return the error for files that cannot be read."""
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    names = ", ".join(readable(path) for path in paths[:3])
    known = error and not isinstance(error, UnidentifiedImageError)
    cause = f": {reason(error)}" if error and known else ""
    return UserError(
        f"cannot read {'these images' if len(paths) > 1 else 'the image'} {names}{more}{cause}",
        hint,
    )


# --- several files -------------------------------------------------------------------------------


class LabelledPhotos(NamedTuple):
    """The images of a folder and their labels (n,).

    skipped: files that are left out because they are broken. notes: lines about what else is not
    used.
    """

    photos: Photos
    labels: Array
    classes: list[str]
    skipped: list[Path]
    notes: list[str]


def read_folder(
    folder: Path, classes: tuple[str, ...] = (), skip_broken: bool = False
) -> LabelledPhotos:
    """Read a folder that has one sub-folder for each class.

    classes: their names in order, if they are known; alphabetical otherwise. skip_broken: decode
    every image and leave out those that are broken.

    Raises `UserError` if there are no classes, for a class without images, for broken images (by
    their headers; a file that is cut short is found when it is decoded), and for pixels that would
    lose values.
    """
    by_class, notes = find_classes(folder)
    if stray := sorted(set(by_class) - set(classes)) if classes else []:
        hint = f"the classes are {', '.join(classes[:10])}{', ...' if len(classes) > 10 else ''}"
        raise UserError(f"{readable(folder)}/{stray[0]} is no class of the training set", hint)
    names = list(classes) or list(by_class)
    labelled = [(path, at) for at, name in enumerate(names) for path in by_class.get(name, ())]
    found = read_photos([path for path, _ in labelled], skip_broken)
    labels = np.array([label for _, label in labelled], dtype=np.int64)[found.kept]
    if gone := sorted(set(by_class) - {names[label] for label in labels}):
        raise UserError(
            f"all images of {readable(folder)}/{gone[0]} are broken",
            "replace them, or remove the folder",
        )
    return LabelledPhotos(found.photos, labels, names, found.broken, notes + found.notes)


class FoundPhotos(NamedTuple):
    """The sound ones of some image files.

    kept: the places of these among all (n,). broken: the others. notes: lines about what of them is
    not used.
    """

    photos: Photos
    kept: Array
    broken: list[Path]
    notes: list[str]


def read_photos(paths: Sequence[Path], skip_broken: bool = False) -> FoundPhotos:
    """Inspect image files, and return them as photos of one kind: grey, in colour, or deep.

    skip_broken: decode every image and leave out those that are broken.

    Raises `UserError` for broken images (by their headers; a file that is cut short is found when
    it is decoded), and for pixels that would lose values.
    """
    inspections = map_files(lambda path: _inspect_file(path, decode=skip_broken), paths)
    both = list(zip(paths, inspections, strict=True))
    broken = [path for path, inspection in both if inspection is None]
    if broken and (not skip_broken or len(broken) == len(paths)):
        raise _explain_broken(broken)
    kept = [(path, inspection) for path, inspection in both if inspection is not None]
    kinds = {inspection.kind: path for path, inspection in reversed(kept)}
    _refuse_lossy(kept, kinds)
    counts = Counter(words for _, inspection in kept for words in inspection.left)
    notes = [f"{count:,} images {words}" for words, count in counts.items()]
    # One photo in colour makes all of them colour photos: a grey one among them is RGB too.
    photos = Photos(
        make_path_array([path for path, _ in kept]), "colour" not in kinds, "deep" in kinds
    )
    places = np.array([at for at, each in enumerate(inspections) if each is not None], np.int64)
    return FoundPhotos(photos, places, broken, notes)


def match_photos(parts: Mapping[str, Photos]) -> dict[str, Photos]:
    """Return the photos of each part as ones of the same kind: in colour where one part is.

    Raises `UserError` where those of one part have 16 bits and those of another 8.
    """
    grey = all(each.grey for each in parts.values())
    if len({each.deep for each in parts.values()}) > 1:
        deep, other = sorted(parts, key=lambda part: not parts[part].deep)[:2]
        raise UserError(
            f"the images of {deep} have 16 bits a pixel, those of {other} 8 bits a colour",
            "save all images with as many bits",
        )
    return {part: replace(each, grey=grey) for part, each in parts.items()}


def _explain_broken(broken: list[Path]) -> UserError:
    """Return the error for broken files, with the reason if there is one file."""
    if len(broken) == 1:
        try:
            with open_image(broken[0]) as image:
                _inspect(image)
        except UserError as error:
            return error
    return _make_unreadable(broken)


def _refuse_lossy(kept: list[tuple[Path, _Inspection]], kinds: dict[str, Path]) -> None:
    """Raise `UserError` if pixels cannot keep their values."""
    if lost := [(path, inspection) for path, inspection in kept if inspection.kind == "lost"]:
        (path, inspection), more = lost[0], f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise UserError(
            f"{readable(path)}{more}: pixels are {inspection.left[0]}, of which the value for "
            "white is unknown",
            "save images of 8 or 16 bits, or all of them as arrays in an .npz",
        )
    if "deep" in kinds and len(kinds) > 1:
        other = next(kinds[kind] for kind in ("grey", "colour") if kind in kinds)
        raise UserError(
            f"{readable(kinds['deep'])} has 16 bits a pixel, {readable(other)} 8 bits a colour",
            "save all images with as many bits",
        )


def make_path_array(paths: Sequence[Path]) -> Array:
    array = np.empty(len(paths), dtype=object)
    array[:] = paths
    return array


def read_files(files: Sequence[Path], grey: bool) -> list[Photos]:
    """Read the user's own images, each by itself.

    Raises `UserError` for a file that is no image.
    """
    hint, found = "give images, such as PNG or JPEG files", []
    for path in files:
        if kind_of(path) is None:
            raise UserError(f"there is no image {readable(path)}")
        try:
            with open_image(path) as image:
                inspection = _inspect(image)
                _refuse_lossy([(path, inspection)], {inspection.kind: path})
                _decode(image, grey, inspection.kind == "deep")
        except UserError as error:
            raise UserError(str(error.args[0]), hint) from None
        found.append(Photos(make_path_array([path]), grey, inspection.kind == "deep"))
    return found
