"""Folders of images as people have them: parts, classes, what is no data and what is left out."""

import os
from pathlib import Path

import pytest
from loaded import LoadedDataset, load_dataset
from PIL import Image

from archspec.data.examples import hash_examples
from archspec.errors import UserError


def folder(root: Path, *paths: str) -> Path:
    """Small images at these paths; `x/3` is three of them in a folder x, other suffixes a text."""
    for path in paths:
        place, _, name = path.rpartition("/")
        (root / place).mkdir(parents=True, exist_ok=True)
        names = [f"{i}.png" for i in range(int(name))] if name.isdigit() else [name]
        for each in names:
            if each.endswith(".png"):
                Image.new("RGB", (4, 4)).save(root / place / each)
            elif each:
                (root / place / each).write_bytes(b"text")
    return root


def load(root: Path, *paths: str) -> LoadedDataset:
    return load_dataset(str(folder(root, *paths)))


def message(root: Path, *paths: str) -> str:
    with pytest.raises(UserError) as caught:
        load(root, *paths)
    return str(caught.value)


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "validation", "test"),
        ("Training", "Valid", "Testing"),
        ("TRAIN", "VAL", "TEST"),
        ("seg_train/seg_train", "seg_dev", "seg_test/seg_test"),
        ("train_images", "val_images", "test_images"),
        ("TrainSet", "ValSet", "TestSet"),
        ("training_set/training_set", "validation set", "test_set/test_set"),
        ("train2017", "val2017", "test2017"),
        ("fruits-train", "fruits-dev", "fruits-test"),
        ("train/Train", "dev", "evaluation"),
    ],
)
@pytest.mark.thorough
def test_parts_are_known_in_any_spelling(
    train: str, validation: str, test: str, tmp_path: Path
) -> None:
    parts = {train: 3, validation: 2, test: 1}
    paths = [f"{part}/{name}/{n}" for part, n in parts.items() for name in ("cat", "dog")]
    dataset = load(tmp_path, *paths)
    assert dataset.classes == ("cat", "dog")
    assert dataset.validation is not None
    assert dataset.test is not None
    assert [len(each) for each in (dataset.train, dataset.validation, dataset.test)] == [6, 4, 2]
    assert dataset.notes == ()


@pytest.mark.parametrize("test", ["test/3", "test/test/3", "Testing/3", "seg_pred/seg_pred/3"])
def test_images_without_classes_are_left_aside_and_said(test: str, tmp_path: Path) -> None:
    dataset = load(tmp_path, "train/cat/2", "train/dog/2", test)
    assert (len(dataset.train), dataset.test) == (4, None)
    (note,) = dataset.notes
    assert note.startswith("not used, because no folders give their classes: 3 images in ")
    assert note.endswith(test.split("/")[0])


@pytest.mark.parametrize(
    ("paths", "words", "hint"),
    [
        (["train/cat/1", "train/dog/1", "bus/1"], "bus a class, or one more part", "move one"),
        (
            ["cat/1", "dog/1", "test/1"],
            "test a class, or a set of images without classes",
            "rename it",
        ),
        (
            ["Testing/a/1", "Val/a/1"],
            "holds Testing, Val, but no folder 'train'",
            "call the folder",
        ),
        (["train/1", "test/1"], "holds images but no folders of classes", "FOLDER/cat/1.jpg"),
        (["train/a/1", "train/b/1", "val/a/1", "dev/a/1"], "dev and val, each of which", "all but"),
        (["train/a/1", "train/b/1", "Train/a/1"], "Train and train, each of which", "all but one"),
        (["cat/train/1", "cat/test/1", "dog/train/1"], "cat holds parts of a", "FOLDER/train/cat"),
        (["x/train/a/1", "x/train/b/1", "x/test/a/1"], "x holds parts of a dataset", "x as --data"),
        (["x/cat/1", "x/dog/1"], "has one class only, x", "x as --data"),
        (["x/y/cat/1", "x/y/dog/1"], "has one class only, x", "x/y as --data"),
        (
            ["fold1/a/1", "fold1/b/1", "fold2/a/1", "fold2/b/1"],
            "the same folders: a, b",
            "fold1, or",
        ),
        (["train/images/a/1", "train/images/b/1"], "has one class only, images", "train/images as"),
        (["images/1", "labels.csv"], "labels.csv has the names of columns, and no rows", "add"),
        (["1.png", "labels.csv"], "labels.csv has the names of columns, and no rows", "add"),
        (["train/1", "test/1", "a.csv", "b.csv"], "test holds images but no", "a.csv as --data"),
        (["a/1", "a.csv", "b.csv"], "has one class only", "if a.csv says the classes, give"),
        (["train/Cat/1", "train/Dog/1", "test/cat/1"], "cat is no class of the", "are Cat, Dog"),
    ],
)
def test_what_is_unclear_is_asked(paths: list[str], words: str, hint: str, tmp_path: Path) -> None:
    said, _, remedy = message(tmp_path, *paths).partition("hint: ")
    assert words in said
    assert hint in remedy


@pytest.mark.parametrize("name", ["train", "test tube", "training shoes", "validator", "sunset"])
def test_a_class_may_be_called_nearly_as_a_part(name: str, tmp_path: Path) -> None:
    assert load(tmp_path, "bus/1", "car/1", f"{name}/1").classes == tuple(
        sorted(["bus", "car", name])
    )


def test_images_of_a_class_may_lie_deeper(tmp_path: Path) -> None:
    assert len(load(tmp_path, "cat/2019/2", "cat/2020/more/2", "dog/1", "dog/new/1").train) == 6


# --- what is no data, what is left out -----------------------------------------------------------


def test_what_systems_leave_is_no_data(tmp_path: Path) -> None:
    left = [".git", "@eaDir", "__MACOSX", "$RECYCLE.BIN", "#recycle"]
    inside = [f"cat/{name}/2" for name in left] + [f"cat/2019/{name}/2" for name in left]
    files = [".DS_Store", "Thumbs.db", "desktop.ini", "._0.png"]
    inside += [f"{place}/{name}" for place in ("cat", "cat/2019", ".") for name in files]
    dataset = load(tmp_path, *(f"{name}/2" for name in left), *inside, "cat/2", "dog/2")
    assert (dataset.classes, len(dataset.train), dataset.notes) == (("cat", "dog"), 4, ())


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    paths = ["cat/2", "dog/2", "cat/a.txt", "cat/x/B.TXT", "dog/README", "dog/v.mp4", "l.csv"]
    assert load(tmp_path, *paths, "1.png", "b.eps").notes == (
        "not used, because they are in no class's folder: 1 images",
        "not used, because they are not images: 1 .csv, 1 .eps, 1 .mp4, 2 .txt, 1 without a suffix",
    )


def test_what_is_left_out_of_a_part_is_counted_with_it(tmp_path: Path) -> None:
    paths = ["train/cat/1", "train/dog/1", "test/cat/1", "test/cat/a.txt", "notes/a.csv", "b.csv"]
    assert load(tmp_path, *paths).notes == (
        "not used, because they are not images: 2 .csv",
        "test: not used, because they are not images: 1 .txt",
    )


@pytest.mark.parametrize("held", ["", "a.txt", "@eaDir/2", "deeper/x.eps"])
def test_a_class_without_images_is_an_error(held: str, tmp_path: Path) -> None:
    said = message(tmp_path, "cat/2", "dog/2", f"emu/{held}")
    assert f"{tmp_path}/emu holds no images" in said
    assert "remove its folder" in said
    assert ("1 .txt" in said) == (held == "a.txt")


@pytest.mark.parametrize(
    "end", ["jfif", "avif", "webp", "JPG", "tiff", "jp2", "tga", "apng", "mpo"]
)
def test_every_suffix_that_pillow_decodes_is_read(end: str, tmp_path: Path) -> None:
    folder(tmp_path, "cat/1", "dog/1")
    kind = {"JPG": "jpeg", "jfif": "jpeg", "apng": "png"}.get(end)
    Image.new("RGB", (4, 4)).save(tmp_path / f"dog/x.{end}", kind)
    dataset = load_dataset(str(tmp_path))
    assert len(dataset.train) == 3
    assert [each.shape for each in dataset.train.images] == [(4, 4, 3)] * 3


# --- names and links -----------------------------------------------------------------------------


def test_a_name_that_is_not_utf_8_is_given_by_its_bytes(tmp_path: Path) -> None:
    folder(tmp_path, "cat/1", "dog/1")
    strange = os.fsdecode(b"d\xff\n")
    (tmp_path / "dog").rename(tmp_path / strange)
    (tmp_path / strange / "0.png").rename(tmp_path / strange / os.fsdecode(b"\xfe.png"))
    dataset = load_dataset(str(tmp_path))
    assert dataset.classes == ("cat", r"d\xff\n")
    assert len(list(dataset.train.images)) == 2
    assert len(hash_examples({"train": dataset.whole.parts["train"]})) == 16
    (tmp_path / strange / os.fsdecode(b"\xfd.png")).write_bytes(b"no image")
    assert r"d\xff\n/\xfd.png" in message(tmp_path)


def test_a_folder_whose_name_no_file_can_hold_is_refused(tmp_path: Path) -> None:
    said = message(tmp_path / os.fsdecode(b"\xff"), "cat/1", "dog/1")
    assert r"\xff has a name that no file of the run can hold" in said


@pytest.mark.parametrize("link", ["cat/up", "cat/deeper/up"])
@pytest.mark.parametrize("to", ["cat", "."])
def test_a_circle_of_links_is_an_error(link: str, to: str, tmp_path: Path) -> None:
    folder(tmp_path, "cat/1", "cat/deeper/1", "dog/1")
    (tmp_path / link).symlink_to(tmp_path / to)
    assert "a second time" in message(tmp_path)


def test_links_to_folders_and_files_are_followed_and_broken_ones_are_said(tmp_path: Path) -> None:
    folder(tmp_path, "data/cat/1", "elsewhere/2")
    (tmp_path / "data/dog").symlink_to(tmp_path / "elsewhere")
    assert len(load_dataset(str(tmp_path / "data")).train) == 3
    (tmp_path / "data/cat/x.png").symlink_to("gone.png")
    (tmp_path / "data/cat/y.png").symlink_to("y.png")
    assert "x.png, " in message(tmp_path / "data")
    assert len(load_dataset(str(tmp_path / "data"), skip_broken=True).skipped) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root looks into every folder")
def test_a_folder_that_cannot_be_looked_into_is_an_error(tmp_path: Path) -> None:
    folder(tmp_path, "cat/1", "dog/1")
    (tmp_path / "dog").chmod(0)
    try:
        assert "dog: permission denied" in message(tmp_path)
    finally:
        (tmp_path / "dog").chmod(0o700)


@pytest.mark.parametrize("name", ["~nosuchuser/x", "a\0b", "circle/x", "x" * 300, "x" * 300 + "/y"])
def test_a_path_that_cannot_be_is_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("circle").symlink_to("circle")
    for arguments in ((name,), ("mnist", Path(name))):
        with pytest.raises(UserError) as caught:
            load_dataset(*arguments)
        assert str(caught.value).replace("\n", "").isprintable()


def test_a_working_folder_that_is_gone_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for name in ("./x", "mnist.npz", "nothing"):
        with pytest.raises(UserError):
            load_dataset(name)


def test_images_and_masks_are_no_classes(tmp_path: Path) -> None:
    said = message(tmp_path, "train/images/3", "train/masks/3", "test/images/1", "test/masks/1")
    assert "train holds images and masks, and no folders of classes" in said
    for name in ("cat", "dog"):  # two classes that are named alike are such
        folder(tmp_path / "b", f"{name}/1.png", f"{name}/1_mask.png", f"{name}/gas_mask.png")
    notes = load(tmp_path / "b").notes
    assert [each for each in notes if each.startswith("2 images are named as masks of others")]


def test_folders_of_arrays_or_sounds_are_to_be_saved_as_arrays(tmp_path: Path) -> None:
    said = message(tmp_path, "a/1.npy", "a/2.npy", "b/1.npy")
    assert f"{tmp_path} holds no images, only 3 .npy" in said
    assert "save them as arrays: x_train.npy" in said


def test_the_table_of_the_training_set_is_proposed(tmp_path: Path) -> None:
    said = message(tmp_path, "a.png", "sample_submission.csv", "train.csv")
    assert f"give {tmp_path}/train.csv as --data" in said
