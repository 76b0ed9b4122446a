"""Arrays and labels as people save them: taken as they are meant, or a sentence with the remedy."""

import gzip
import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loaded import load_dataset

from archspec.data import arrays
from archspec.data.formats import CIFAR, read_cifar, read_idx
from archspec.errors import UserError

IMAGES = np.arange(8 * 6 * 5 * 3, dtype=np.uint8).reshape(8, 6, 5, 3)
LABELS = np.arange(8) % 2


def saved(folder: Path, **arrays: Any) -> str:
    np.savez(folder / "d.npz", **{"x_train": IMAGES, "y_train": LABELS, **arrays})
    return str(folder / "d.npz")


def message(call: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert str(caught.value).replace("\n", "").isprintable()
    return str(caught.value)


# --- labels --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        LABELS.astype(bool),
        LABELS.astype(np.float16),
        LABELS.astype(">i8"),
        LABELS.astype(np.uint64),
        LABELS[:, None],
    ],
)
def test_whole_numbers_from_0_are_labels_whatever_their_type(labels: Any, tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, y_train=labels))
    assert dataset.train.labels.tolist() == LABELS.tolist()
    assert dataset.train.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "found", "remedy"),
    [
        (LABELS + 1, "the labels go from 1 to 2, and nothing is of class 0", "from 0: y - 1"),
        (LABELS - 1, "label -1 is out of range", "number the classes from 0"),
        (
            LABELS + 0.5,
            "got float64, not all of them whole",
            "for a network that learns numbers write `loss: Mean",
        ),
        (
            LABELS * np.nan,
            "got float64, not all of them whole",
            "for a network that learns numbers write `loss: Mean",
        ),
        (LABELS * 1e300, "label 1e+300 is out of range", "number the classes from 0"),
        (
            LABELS.astype(np.uint64) * np.uint64(2**64 - 1),
            "label 18446744073709551615 is out",
            "number the classes",
        ),
        (LABELS * 10**9, "a label is 1,000,000,000, but there are 8 samples", "without gaps"),
        (LABELS * 1j, "got complex128 of shape (8,)", "number the classes from 0"),
        (LABELS.astype("M8[s]"), "got datetime64[s] of shape (8,)", "number the classes from 0"),
        (np.zeros(8, [("a", "i4"), ("b", "f4")]), "got [('a', '<i4'), ('b', '<f4')]", "number the"),
        (np.array([[1], [1, 2]] * 4, object), "y_train holds Python objects", "save numbers"),
        (np.zeros((8, 4)), "got float64 of shape (8, 4)", "for several labels of a sample"),
        (np.array(3), "y_train 0", "a value for each sample"),
        (np.array([], int), "x_train has 8 samples, y_train 0", "a value for each sample"),
    ],
)
def test_labels_that_are_no_classes_are_refused_with_a_remedy(
    labels: Any, found: str, remedy: str, tmp_path: Path
) -> None:
    said = message(load_dataset, saved(tmp_path, y_train=labels))
    assert found in said
    assert remedy in said


def test_a_class_that_no_training_image_has_is_named(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, y_train=[0, 1, 3, 0, 1, 3, 0, 5]))
    assert dataset.notes == ("no training image is of class 2, 4",)
    assert len(dataset.classes) == 6


# --- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_a_validation_set_has_any_of_its_names(name: str, tmp_path: Path) -> None:
    arrays = {f"x_{name}": IMAGES[:4], f"y_{name}": LABELS[:4]}
    dataset = load_dataset(saved(tmp_path, **arrays))
    assert len(dataset.validation) == 4
    assert dataset.notes == ()


def test_arrays_that_are_not_used_are_named(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, box_train=np.zeros((8, 4)), x_val=IMAGES, notes="hello"))
    (note,) = dataset.notes
    assert note == "not used: box_train, notes, x_val (there is no y of validation)"


@pytest.mark.parametrize("dtype", [">f4", "<u2", "f2", "f8", "?", "i1", ">u2"])
def test_the_range_of_pixels_that_are_no_bytes_is_said(dtype: str, tmp_path: Path) -> None:
    images = (IMAGES % 100).astype(dtype)
    dataset = load_dataset(saved(tmp_path, x_train=images))
    low, high = float(images.min()), float(images.max())
    assert dataset.range == (low, high)
    name = np.dtype(dtype).name
    assert dataset.notes == (f"pixels are {name} from {low:g} to {high:g}",)


def test_pixels_beyond_those_of_the_training_set_are_said(tmp_path: Path) -> None:
    arrays = {"x_train": IMAGES / 255, "x_test": IMAGES / 100, "y_test": LABELS}
    dataset = load_dataset(saved(tmp_path, **arrays))
    assert "pixels of test go from 0 to 2.55, those of train" in dataset.notes[0]
    arrays |= {"x_train": IMAGES.astype(float), "x_test": IMAGES / 255}
    dataset = load_dataset(saved(tmp_path, **arrays))
    assert "pixels of test go from 0 to 1, those of train" in dataset.notes[0]
    arrays |= {"x_test": IMAGES / 2}
    assert len(load_dataset(saved(tmp_path, **arrays)).notes) == 1


def test_bytes_that_are_hardly_pixels_are_said(tmp_path: Path) -> None:
    dataset = load_dataset(saved(tmp_path, x_train=IMAGES // 255))
    (note,) = dataset.notes
    assert note.startswith("bytes from 0 to 1 are scaled as if 255 were white")


def test_parts_are_of_one_kind_of_pixels(tmp_path: Path) -> None:
    path = saved(tmp_path, x_test=IMAGES / 255, y_test=LABELS)
    assert "the pixels of test are float64, those of train uint8" in message(load_dataset, path)


@pytest.mark.parametrize(
    ("images", "complaint"),
    [
        (IMAGES * 1j, "inputs must be numbers"),
        (IMAGES.astype("M8[s]"), "inputs must be numbers"),
        (np.zeros(8, [("a", "i4")]), "inputs must be numbers"),
        (np.array(3), "x_train has 0 samples"),
        (np.zeros((8, 0, 5)), "inputs must be numbers, (n, height, width) or more axes"),
        (IMAGES * 1e300, "row 0 holds 1e+300, which is not a finite number"),
        (np.array([None] * 8), "x_train holds Python objects"),
    ],
)
def test_arrays_that_are_no_images_are_refused(images: Any, complaint: str, tmp_path: Path) -> None:
    assert complaint in message(load_dataset, saved(tmp_path, x_train=images))


def test_one_array_in_an_npy_is_told_how_to_be_several(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    assert "give its folder, if that holds x_train.npy and y_train.npy" in message(
        load_dataset, str(tmp_path / "x.npy")
    )


# --- damaged and hostile files -------------------------------------------------------------------


def npy(shape: str, content: bytes = b"", descr: str = "'|u1'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"hello", "its member 'x_train' is no array"),
        (b"", "its member 'x_train' is no array"),
        (npy("(1000000, 1000000, 1000)"), "of shape (1000000, 1000000, 1000), which it does not"),
        (npy("(8, 2, 2)", bytes(31)), "which it does not hold"),
        (npy("(8, 2, 2)", bytes(33)), "which it does not hold"),
        (npy("(-8, 2, -2)", bytes(32)), "which it does not hold"),
        (npy("(8, 2, 2", bytes(32)), "its member 'x_train' is no array"),
        (npy("(" * 9000), "its member 'x_train' is no array"),
        (npy("(8,)", bytes(64), "'|O'"), "x_train holds Python objects"),
        (npy("(8, 2)", b"", "'|V0'"), "itemsize cannot be zero"),
    ],
)
def test_a_member_is_an_array_of_its_size(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = Path(saved(tmp_path))
    with zipfile.ZipFile(path) as old:
        labels = old.read("y_train.npy")
    with zipfile.ZipFile(path, "w") as new:
        new.writestr("x_train.npy", content)
        new.writestr("y_train.npy", labels)
    said = message(load_dataset, str(path))
    assert complaint in said
    assert "d.npz" in said


def test_an_array_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(arrays, "_find_memory", lambda: 100)
    assert "x_train needs 0 GiB of memory" in message(load_dataset, saved(tmp_path))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = Path(saved(tmp_path))
    content = bytearray(path.read_bytes())
    for start, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(start)
        content[place + at] |= 1
    path.write_bytes(content)
    assert "encrypted" in message(load_dataset, str(path))


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_is_packed_as_numpy_does_it(how: int, tmp_path: Path) -> None:
    path = Path(saved(tmp_path))
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", how) as new:
        for name, content in members.items():
            new.writestr(name, content)
    assert "packed in a way that numpy.savez does not know" in message(load_dataset, str(path))


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = Path(saved(tmp_path))
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32" in message(load_dataset, str(path))


@pytest.mark.parametrize("name", ["mnist.npz", "train-images-idx3-ubyte.gz"])
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    for other in ("train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{other}-ubyte").write_bytes(b"")
    os.mkfifo(tmp_path / name)
    assert "a pipe or device, not a file" in message(load_dataset, "mnist", tmp_path)
    os.mkfifo(tmp_path / "own.npz")
    assert "a pipe or device, not a file" in message(load_dataset, str(tmp_path / "own.npz"))


def idx(shape: tuple[int, ...], content: bytes) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes() + content


def zipped(content: bytes) -> bytes:
    """Compress without the time of day, which would give a case another name in each process."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (idx((2, 3, 3), bytes(17)), "it holds fewer than the 18 values"),
        (idx((2, 3, 3), bytes(19)), "it holds more than the 18 values"),
        (idx((2**32 - 1,) * 3, b""), "it holds more than 1,073,741,824 bytes"),
        (b"\0\0\x08\x03\0\0", "it is no IDX file of bytes"),
        (b"\0\0\x0d\x01\0\0\0\x01" + bytes(4), "it is no IDX file of bytes"),
        (zipped(idx((2, 3, 3), bytes(18)))[:-9], "end-of-stream marker"),
        (zipped(idx((2, 3, 3), bytes(2**24))), "it holds more than the 18 values"),
        (zipped(idx((2, 3, 3), bytes(18))) + b"more", "not a gzipped file"),
        (b"", "it is no IDX file of bytes"),
    ],
)
def test_idx_files_hold_what_they_speak_of(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    said = message(read_idx, {"train": (path, path)})
    assert complaint.lower() in said.lower()
    assert str(path) in said


def batch(**held: Any) -> bytes:
    whole = {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2], **held}
    return pickle.dumps({key: each for key, each in whole.items() if each is not None}, 4)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (batch(data=None), "it holds no 'data' of bytes"),
        (batch(data=[1, 2]), "it holds no 'data' of bytes"),
        (batch(data=np.zeros((2, 3072))), "it holds no 'data' of bytes"),
        (batch(data=np.zeros((2, 32, 32, 3), np.uint8)), "has the shape (2, 32, 32, 3)"),
        (batch(data=np.array(1, np.uint8)), "has the shape ()"),
        (batch(labels=None), "'labels' must be a list of a number for each of 2 images"),
        (batch(labels=[1]), "'labels' must be a list of a number for each of 2 images"),
        (batch(labels=[[1], [2]]), "'labels' must be a list of a number for each of 2 images"),
        (batch(labels=[1, 2**70]), "too large"),
        (pickle.dumps([1, 2]), "it has a list where a dict is needed"),
        (b"", "cannot read"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_batches_hold_images_and_labels(
    content: bytes, complaint: str, packed: bool, tmp_path: Path
) -> None:
    cifar = CIFAR["cifar10"]
    names = [name for several in cifar.batches.values() for name in several]
    if packed:
        place = tmp_path / cifar.archives[0]
        write_tar(place, {f"{cifar.folder}/{name}": content for name in names})
    else:
        place = tmp_path / cifar.folder
        place.mkdir()
        for name in names:
            (place / name).write_bytes(content)
    said = message(read_cifar, cifar, place)
    assert complaint in said
    assert str(place) in said


def write_tar(path: Path, files: dict[str, bytes | tarfile.TarInfo]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            member = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                archive.fileobj.write(member.tobuf())
                archive.offset += 512


def member(name: str, **said: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in said.items():
        setattr(info, key, value)
    return info


TRAIN = "cifar-100-python/train"


@pytest.mark.parametrize(
    "first",
    [
        member(TRAIN, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member(TRAIN, type=tarfile.SYMTYPE, linkname="train"),
        member(TRAIN, type=tarfile.LNKTYPE, linkname=TRAIN),
        member(TRAIN, type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        member(TRAIN, type=tarfile.FIFOTYPE),
        member(TRAIN, type=tarfile.DIRTYPE),
        member(TRAIN, size=8 * 2**30),
        member("other", size=8 * 2**30),
        member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=4 * 2**30),
        member("pax", type=tarfile.XHDTYPE, size=4 * 2**30),
    ],
)
def test_an_archive_holds_its_batches_as_files(first: tarfile.TarInfo, tmp_path: Path) -> None:
    place = tmp_path / "cifar-100-python.tar.gz"
    write_tar(place, {"first": first, "cifar-100-python/test": batch()})
    assert f"cannot read {place}: " in message(read_cifar, CIFAR["cifar100"], place)


def test_names_are_read_as_bytes_or_as_text(tmp_path: Path) -> None:
    npz = Path(saved(tmp_path, **{"a\n\x1b[31mb": LABELS}))
    assert r"not used: a\n\x1b[31mb" in load_dataset(str(npz)).notes
