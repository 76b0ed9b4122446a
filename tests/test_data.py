"""Datasets in the forms that people have them in, their splits, and how images are made to fit."""

import gzip
import io
import os
import pickle
import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from loaded import load_dataset, split
from PIL import Image

from archspec.data import datasets as data
from archspec.data.fitting import make_fitting
from archspec.data.images import Photos
from archspec.data.splits import order_evenly
from archspec.errors import UserError
from archspec.recipe.datasets import CLASSES

SHARED = Path(os.environ.get("ARCHSPEC_DATA", Path(__file__).parent.parent / "shared" / "data"))
RNG = np.random.default_rng(0)


def pixels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path_factory):
    """No dataset of this machine is found by accident, and none is fetched."""
    monkeypatch.delenv("ARCHSPEC_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
    monkeypatch.setattr(data, "DEBIAN", Path("/nonexistent"))

    def unreachable(name, data_dir):
        raise UserError(f"{name} would be downloaded")

    monkeypatch.setattr(data, "_download", unreachable)


@pytest.fixture
def npz(tmp_path):
    """30 training and 10 test images of 6x6, 10 classes."""
    path = tmp_path / "mnist.npz"
    train, test = np.arange(30) % 10, np.arange(10)
    np.savez(path, x_train=pixels(30, 6, 6), y_train=train, x_test=pixels(10, 6, 6), y_test=test)
    return path


def write_idx(folder: Path, zipped: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count in (("train", 20), ("t10k", 10)):
        for stem, array in (
            ("images-idx3", pixels(count, 5, 5)),
            ("labels-idx1", np.arange(count) % 10),
        ):
            content = idx(array)
            name = f"{prefix}-{stem}-ubyte"
            (folder / (name + ".gz" * zipped)).write_bytes(
                gzip.compress(content) if zipped else content
            )


def write_photos(folder: Path, classes=("cat", "dog"), count=5, size=(8, 6), mode="RGB", end="jpg"):
    """`count` photos of (width, height) for each class; the first class is the darker."""
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image = Image.new("RGB", size, (100 * place + i,) * 3).convert(mode)
            image.save(folder / name / f"{i:02}.{end}")
    return folder


# --- where datasets are found --------------------------------------------------------------------


def test_digits_needs_nothing_and_holds_a_fifth_out():
    digits = load_dataset("digits")
    assert (len(digits.train), len(digits.test), digits.range) == (1438, 359, (0.0, 16.0))
    again, other = load_dataset("digits"), load_dataset("digits", split_seed=1)
    assert np.array_equal(digits.test.images, again.test.images)
    assert not np.array_equal(digits.test.images, other.test.images)


@pytest.mark.thorough
def test_digits_are_those_of_scikit_learn(monkeypatch):
    from sklearn.datasets import load_digits

    digits, theirs = load_dataset("digits"), load_digits()
    shuffled = order_evenly(theirs.target, 0)
    parts = digits.test, digits.train
    images = np.concatenate([part.images for part in parts])
    assert np.array_equal(images, theirs.images[shuffled])
    assert np.array_equal(np.concatenate([part.labels for part in parts]), theirs.target[shuffled])
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    with pytest.raises(UserError, match="digits comes with scikit-learn, which is not installed"):
        load_dataset("digits")


def test_npz_in_the_data_dir(npz):
    mnist = load_dataset("mnist", npz.parent)
    assert (len(mnist.train), len(mnist.test), len(mnist.classes)) == (30, 10, 10)
    assert mnist.range == (0.0, 255.0)


@pytest.mark.parametrize("folder", ["fashion-mnist", "fashion_mnist", "."])
@pytest.mark.parametrize("zipped", [True, False])
def test_idx_in_the_data_dir_or_a_folder_in_it(tmp_path, folder, zipped):
    write_idx(tmp_path / folder, zipped)
    fashion = load_dataset("fashion_mnist", tmp_path)
    assert fashion.train.images.shape == (20, 5, 5)
    assert fashion.test.labels.tolist() == list(range(10))


def test_a_folder_named_after_another_dataset_is_not_this_one(tmp_path):
    write_idx(tmp_path / "fashion-mnist")
    with pytest.raises(UserError, match="mnist would be downloaded"):
        load_dataset("mnist", tmp_path / "fashion-mnist")


@pytest.mark.parametrize("place", ["environment", "keras", "debian"])
def test_places_beside_the_data_dir(place, tmp_path, monkeypatch):
    write_idx(tmp_path / "datasets" / "mnist")
    if place == "environment":
        monkeypatch.setenv("ARCHSPEC_DATA", str(tmp_path / "datasets"))
    elif place == "keras":
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    else:
        monkeypatch.setattr(data, "DEBIAN", tmp_path / "datasets")
    assert len(load_dataset("mnist").train) == 20


def cifar_batch(count: int, key: str) -> bytes:
    planes = np.zeros((count, 3072), np.uint8)
    planes[:, 1024:2048] = 7  # green
    return pickle.dumps({"data": planes, key: [i % 10 for i in range(count)]}, protocol=2)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_as_its_folder_or_its_archive(name, packed, tmp_path):
    cifar = data.CIFAR[name]
    files = {each: cifar_batch(4, cifar.key) for part in cifar.batches.values() for each in part}
    if packed:
        with tarfile.open(tmp_path / cifar.archives[0], "w:gz") as archive:
            for each, content in files.items():
                info = tarfile.TarInfo(f"{cifar.folder}/{each}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    else:
        (tmp_path / cifar.folder).mkdir()
        for each, content in files.items():
            (tmp_path / cifar.folder / each).write_bytes(content)
    found = load_dataset(name, tmp_path)
    assert found.train.images.shape == (4 * len(cifar.batches["train"]), 32, 32, 3)
    assert (found.test.images == [0, 7, 0]).all()
    assert found.classes == CLASSES[name]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("Digits", "did you mean 'digits'?"),
        ("MNIST", "did you mean 'mnist'?"),
        ("digitz", "did you mean 'digits'?"),
        ("photos", "known: digits, mnist"),
        ("photos/", "paths start from"),
        ("photos.npz", "paths start from"),
    ],
)
def test_a_word_that_names_no_dataset(word, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = (word,) if word.endswith("/") else (word, str(tmp_path / word))  # a run has its path
    for name in names:
        with pytest.raises(UserError, match="there is no") as told:
            load_dataset(name)
        assert told.value.hint.startswith(hint)


def test_a_pickle_may_call_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    (tmp_path / "cifar-100-python").mkdir()
    (tmp_path / "cifar-100-python" / "train").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError, match=r"cannot read .*-python/train: it asks for posix\.system"):
        load_dataset("cifar100", tmp_path)


def test_npz_with_the_names_of_medmnist(tmp_path):
    parts = {"train": 20, "val": 8, "test": 6}
    arrays = {f"{part}_images": pixels(n, 4, 4, 3) for part, n in parts.items()}
    arrays |= {f"{part}_labels": np.arange(n)[:, None] % 7 for part, n in parts.items()}
    np.savez(tmp_path / "derma.npz", **arrays)
    derma = load_dataset(str(tmp_path / "derma.npz"))
    assert derma.name == "derma"
    assert len(derma.classes) == 7
    parts = split(derma, 0.1, 0)
    assert {part: len(each) for part, each in parts.items()} == {
        "train": 20,
        "validation": 8,
        "test": 6,
    }


@pytest.mark.parametrize("end", ["jpg", "png", "bmp", "gif"])
def test_a_folder_of_images_per_class(tmp_path, end):
    photos = load_dataset(str(write_photos(tmp_path / "photos", end=end)))
    assert (photos.name, photos.classes, photos.test) == ("photos", ("cat", "dog"), None)
    assert photos.train.labels.tolist() == [0] * 5 + [1] * 5
    first = next(iter(photos.train.images))
    assert first.shape == (6, 8, 3)
    assert first.dtype == np.uint8


def test_a_folder_with_train_and_test(tmp_path):
    write_photos(tmp_path / "train", count=6)
    write_photos(tmp_path / "test", classes=("dog",), count=2)
    photos = load_dataset(str(tmp_path))
    assert (len(photos.train), len(photos.test)) == (12, 2)
    assert photos.test.labels.tolist() == [1, 1]


def test_grey_photos_are_grey_unless_one_is_in_colour(tmp_path):
    write_photos(tmp_path, mode="L", end="png")
    assert next(iter(load_dataset(str(tmp_path)).train.images)).shape == (6, 8)
    write_photos(tmp_path, classes=("cow",), count=1, mode="RGB", end="png")
    assert next(iter(load_dataset(str(tmp_path)).train.images)).shape == (6, 8, 3)


@pytest.mark.skipif(not SHARED.is_dir(), reason="ARCHSPEC_DATA names no folder with real datasets")
def test_the_real_ones():
    assert len(load_dataset("mnist", SHARED).train) == 60_000
    fashion = load_dataset("fashion_mnist", SHARED)
    assert Counter(fashion.test.labels.tolist()) == dict.fromkeys(range(10), 1000)


# --- what cannot be used -------------------------------------------------------------------------


def message(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return str(caught.value)


def test_names_that_are_nothing(tmp_path):
    assert "did you mean 'cifar10'?" in message(load_dataset, "cifar_10")
    assert "there is no photos/cats" in message(load_dataset, "photos/cats")
    assert f"{tmp_path / 'x'} is not a folder" in message(load_dataset, "mnist", tmp_path / "x")
    (tmp_path / "notes.md").write_text("hello")
    assert "is no dataset" in message(load_dataset, str(tmp_path / "notes.md"))


def test_folders_without_classes(tmp_path):
    assert "holds no images" in message(load_dataset, str(tmp_path))
    Image.new("L", (2, 2)).save(tmp_path / "1.png")
    assert "images but no folders of classes" in message(load_dataset, str(tmp_path))
    write_photos(tmp_path, classes=("cat",))
    assert "one class only, cat" in message(load_dataset, str(tmp_path))
    write_photos(tmp_path / "parts/train")
    write_photos(tmp_path / "parts/test", classes=("cow",))
    assert "cow is no class of the training set" in message(load_dataset, str(tmp_path / "parts"))


def test_broken_images_are_named(tmp_path):
    write_photos(tmp_path)
    broken = tmp_path / "cat" / "01.jpg"
    broken.write_bytes(b"no image")
    assert f"cannot read the image {broken}" in message(load_dataset, str(tmp_path))
    write_photos(tmp_path, size=(60, 60))
    broken.write_bytes(broken.read_bytes()[:-60])  # the header is whole
    images = load_dataset(str(tmp_path)).train.images
    assert f"{broken}: image file is truncated" in message(list, images)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x_train": pixels(4, 2, 2)}, "nothing says what it learns"),
        ({"x": pixels(4, 2, 2), "y": [0, 1, 0]}, "x has 4 samples, y 3"),
        ({"x": pixels(4, 2, 2), "y": [0, 1, 0, -1]}, "label -1 is out of range"),
        ({"x": pixels(4, 2, 2), "y": [0, 1, 0, 0.5]}, "labels must be one integer for each sample"),
        ({"x": pixels(4, 2, 2), "y": np.eye(4) * 2}, "labels must be one integer for each sample"),
        ({"images": pixels(4, 2, 2), "y_test": [1]}, "nothing says what it learns: d has the colu"),
        ({"x_test": pixels(4, 2, 2), "y_test": [1]}, "holds no training set: it has x_test, y_te"),
        ({"x": pixels(4, 2, 2), "y": [0, 0, 0, 0]}, "has one class only"),
        ({"x": np.full((4, 2, 2), np.nan), "y": [0, 1, 0, 1]}, "not a finite number"),
        ({"x": np.array(["a", "b"]), "y": [0, 1]}, "inputs must be numbers"),
        ({"x": np.array([None, 1]), "y": [0, 1]}, "cannot read"),
    ],
)
def test_npz_that_cannot_be_trained_on(tmp_path, arrays, complaint):
    np.savez(tmp_path / "d.npz", **arrays)
    said = message(load_dataset, str(tmp_path / "d.npz"))
    assert complaint in said
    assert "d.npz" in said or "d has" in said


def test_files_that_are_broken(tmp_path, npz):
    npz.write_bytes(npz.read_bytes()[:-300])
    assert f"cannot read {npz}" in message(load_dataset, "mnist", tmp_path)
    npz.unlink()
    write_idx(tmp_path)
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        whole = (tmp_path / name).read_bytes()
        for bad in (whole[:-20], b"no gzip", gzip.compress(b"no idx file")):
            (tmp_path / name).write_bytes(bad)
            assert f"cannot read {tmp_path / name}" in message(load_dataset, "mnist", tmp_path)
        (tmp_path / name).write_bytes(whole)


def test_a_named_dataset_has_its_classes(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=pixels(4, 2, 2), y_train=[0, 1, 2, 10])
    assert "mnist has 10 classes, but a label is 10" in message(load_dataset, "mnist", tmp_path)


# --- splits --------------------------------------------------------------------------------------


def test_every_stretch_of_the_order_is_fair():
    labels = np.repeat([0, 1, 2], [80, 40, 20])  # stored class by class
    order = order_evenly(labels, 0)
    assert sorted(order) == list(range(140))
    for stretch in np.split(labels[order], 20):
        assert np.bincount(stretch, minlength=3).tolist() == pytest.approx([4, 2, 1], abs=1)
    assert not np.array_equal(order, order_evenly(labels, 1))


def test_validation_comes_from_the_training_set(npz):
    dataset = load_dataset("mnist", npz.parent)
    parts = split(dataset, 0.1, 0)
    assert {part: len(each) for part, each in parts.items()} == {
        "train": 27,
        "validation": 3,
        "test": 10,
    }
    seen = np.concatenate([parts["train"].images, parts["validation"].images])
    assert sorted(map(bytes, seen)) == sorted(map(bytes, dataset.train.images))
    assert "validation" not in split(dataset, 0.0, 0)


def test_limit_takes_the_first_after_the_split(npz):
    dataset = load_dataset("mnist", npz.parent)
    whole, few = split(dataset, 0.1, 0), split(dataset, 0.1, 0, limit=10)
    assert {part: len(each) for part, each in few.items()} == {
        "train": 10,
        "validation": 2,
        "test": 2,
    }
    assert np.array_equal(few["train"].images, whole["train"].images[:10])
    assert np.bincount(few["train"].labels).max() <= 2


# --- fitting -------------------------------------------------------------------------------------

BYTES = (0.0, 255.0)


def fitted(images, wanted, range_=BYTES, scale=(0.0, 1.0), resize=False, channels=False):
    return make_fitting(images, wanted, range_, scale, resize, channels)(images)


@pytest.mark.parametrize(
    ("scale", "low", "high"), [((0, 1), 0, 1), ((-1, 1), -1, 1), (None, 0, 255), ((0, 255), 0, 255)]
)
def test_scale_maps_from_the_data_s_range(scale, low, high):
    images = np.array([[[0, 255]]], np.uint8)
    batch = fitted(images, (1, 2, 1), scale=scale)
    assert batch.dtype == np.float32
    assert batch.ravel().tolist() == pytest.approx([low, high])


def test_digits_are_scaled_from_16():
    digits = load_dataset("digits")
    batch = fitted(digits.train.images, (8, 8, 1), digits.range, (-1, 1))
    assert (batch.min(), batch.max()) == (-1, 1)


def test_grey_images_fit_with_and_without_an_axis_of_channels():
    grey = pixels(3, 4, 5)
    assert fitted(grey, (4, 5, 1)).shape == (3, 4, 5, 1)
    assert fitted(grey, (4, 5)).shape == (3, 4, 5)
    assert fitted(grey[..., None], (4, 5)).shape == (3, 4, 5)
    assert fitted(grey, (None, None, 1)).shape == (3, 4, 5, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("stored", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_resizing_keeps_a_constant(dtype, stored):
    images = np.full((2, *stored), 51, dtype)
    wanted = (9, 3, *(stored[2:] or (1,)))
    assert np.allclose(fitted(images, wanted, resize=True), 0.2)


def test_resizing_is_bilinear():
    ramp = np.tile(np.arange(0, 8, dtype=np.float32), (8, 1))[None]
    row = fitted(ramp, (8, 16, 1), scale=None, resize=True)[0, 0, :, 0]
    assert np.diff(row)[2:-2].tolist() == pytest.approx([0.5] * 11)


def test_channels():
    grey = pixels(2, 3, 3)
    colour = fitted(grey, (3, 3, 3), scale=None, channels=True)
    assert (colour == grey[..., None]).all()
    back = fitted(colour, (3, 3, 1), scale=None, channels=True)
    assert np.allclose(back[..., 0], grey, atol=0.01)


@pytest.mark.parametrize(
    ("stored", "wanted", "flag"),
    [
        ((8, 8), (9, 9, 1), "resize: true"),
        ((8, 8), (8, 8, 3), "channels: true"),
        ((8, 8, 3), (8, 8, 1), "channels: true"),
        ((8, 8, 3), (9, 9, 1), "resize: true"),
    ],
)
def test_what_does_not_fit_names_the_flag(stored, wanted, flag):
    said = message(fitted, pixels(2, *stored), wanted)
    assert "--resize" in said
    assert flag in said
    assert fitted(pixels(2, *stored), wanted, resize=True, channels=True).shape == (2, *wanted)


def test_features_must_match_exactly():
    assert fitted(pixels(4, 20), (20,)).shape == (4, 20)
    assert "an image is 20, the spec's input 21" in message(fitted, pixels(4, 20), (21,))
    assert "28x28" in message(fitted, pixels(4, 28, 28), (784,))


def test_photos_of_several_sizes_want_resizing(tmp_path):
    write_photos(tmp_path, size=(8, 6))
    write_photos(tmp_path, classes=("cow",), size=(5, 5))
    photos = load_dataset(str(tmp_path)).train.images
    assert isinstance(photos, Photos)
    assert "images differ in size" in message(fitted, photos, (None, None, 3))
    assert "no size to resize to" in message(fitted, photos, (None, None, 3), BYTES, None, True)
    assert fitted(photos, (None, None, 3), resize=(4, 7)).shape == (15, 4, 7, 3)
    assert "00.jpg is 5x5x3, the spec's input 6x8x3" in message(fitted, photos, (6, 8, 3))


def test_broken_images_can_be_left_out(tmp_path):
    write_photos(tmp_path)
    broken = [tmp_path / "cat" / "00.jpg", tmp_path / "dog" / "03.jpg"]
    broken[0].write_bytes(b"no image")
    broken[1].write_bytes(broken[1].read_bytes()[:-40])
    found = load_dataset(str(tmp_path), skip_broken=True)
    assert found.skipped == tuple(broken)
    assert len(found.train) == 8
    assert not set(broken) & set(found.train.images.paths)
    said = message(load_dataset, str(tmp_path))
    assert str(broken[0]) in said
    assert "write `skip_broken: true` under train.data" in said


def test_images_that_are_all_broken_are_named(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"no image")
    assert "cannot read these images" in message(load_dataset, str(tmp_path), None, 0, True)


@pytest.mark.parametrize(
    ("shape", "aspect", "rows", "columns"),
    [
        ((4, 8), "pad", slice(2, 6), slice(0, 8)),
        ((8, 4), "pad", slice(0, 8), slice(2, 6)),
        ((2, 2, 3), "pad", slice(0, 8), slice(0, 8)),
    ],
)
def test_images_that_keep_their_proportions_are_padded(shape, aspect, rows, columns):
    image = np.full((1, *shape), 255, np.uint8)
    wanted = (8, 8, 3 if len(shape) == 3 else 1)
    batch = fitted(image, wanted, resize={"to": "input", "keep_aspect": aspect})
    whole = np.zeros(wanted)
    whole[rows, columns] = 1
    assert np.allclose(batch[0], whole)


def test_images_that_keep_their_proportions_are_cropped():
    image = np.repeat(np.arange(8, dtype=np.uint8)[None, None] * 10, 4, axis=1)  # 4x8, by columns
    batch = fitted(image, (4, 4, 1), scale=None, resize={"to": (4, 4), "keep_aspect": "crop"})
    assert batch[0, 0, :, 0].tolist() == [20, 30, 40, 50]
