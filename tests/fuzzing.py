"""Damaged files of every kind that a verb reads: each ends in data, or in a sentence.

    fuzz("npz", 50).faults      # [] where all is well

A kind is a function that writes sound files into an empty folder and returns the one to damage, and
those that read the folder as verbs do. Damage reaches what a zip, gzip or tar holds, too, since a
check sum stops most of what is done to the outside. All is read in a child process: what may kill
it is a fault like any other. So is a mutant that takes long or much memory, that prints anything,
or whose error is no text that a person can read.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import os
import re
import shutil
import signal
import tarfile
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from archspec.api.from_keras import from_keras
from archspec.comparing.compare import publish
from archspec.comparing.table import build_comparison, list_runs
from archspec.errors import ArchspecError, UserError
from archspec.runs import contents, results

SECONDS = 20  # for one mutant
MEMORY = 512 * 2**20  # bytes that the peak of resident memory may grow by, for all mutants
CEILING = 8 * 2**30  # bytes of data that the child may ask for: beyond, Python gets a MemoryError
KEPT = Path(tempfile.gettempdir()) / "archspec-fuzz"  # where mutants that failed are kept

NUMBERS = ["-1", "0", "1e300", "-1e999", "NaN", "null", "true", '"x"', "[]", "{}", "4294967296"]
NUMBERS += ["18446744073709551616", "1" * 5000, "0.5", "[[]]", "1000000000"]
EXTREMES = [b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"]
EXTREMES += [b"\xff\xff\xff\x7f", b"\xff" * 8, b"\0" * 7 + b"\x10", b"\x10" + b"\0" * 7]


@dataclass(frozen=True)
class Kind:
    """make: writes sound files into a folder, returns the one to damage. verbs: what they do with
    the folder; each returns or raises `ArchspecError`. run: whether the files are those of a run, a
    sound one of which is then beside the folder; they are read by a process that has Keras."""

    make: Callable[[Path, Random], Path]
    verbs: tuple[Callable[[Path], object], ...]
    run: bool = False


@dataclass(frozen=True)
class Fuzzed:
    """faults: what is wrong, in words; the files of each are kept. grown: by how many bytes the
    peak of resident memory grew."""

    faults: list[str]
    grown: int


# --- damage --------------------------------------------------------------------------------------


def damaged(content: bytes, random: Random) -> bytes:
    """The content with one to three faults, often in something that is packed in it."""
    if random.random() < 0.7:
        with contextlib.suppress(Exception):
            return _inside(content, random)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        text = content.isascii() and random.random() < 0.6
        content = _text(content, random) if text else _bytes(content, random)
    return content


def _inside(content: bytes, random: Random) -> bytes:
    """With a fault in a member of an archive, which is packed again. Raises anything for others."""
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(damaged(gzip.decompress(content), random), 1)
    packed = io.BytesIO()
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as old:
            members = [(each, old.read(each)) for each in old.infolist()]
        chosen = random.randrange(len(members))
        with zipfile.ZipFile(packed, "w") as new:
            for place, (info, held) in enumerate(members):
                new.writestr(info, damaged(held, random) if place == chosen else held)
        return packed.getvalue()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
        files = [(each, tar.extractfile(each).read()) for each in tar if each.isfile()]
    chosen = random.randrange(len(files))
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for place, (member, held) in enumerate(files):
            held = damaged(held, random) if place == chosen else held
            member.size = len(held)
            tar.addfile(member, io.BytesIO(held))
    return packed.getvalue()


def _bytes(content: bytes, random: Random) -> bytes:
    size = len(content)
    # The beginning of a file says what the rest is: half of the damage is done there.
    at = random.randrange(min(size, 256) if random.random() < 0.5 else size) if size else 0
    end = min(size, at + random.choice([1, 2, 4, 16, 256]))
    match random.randrange(8):
        case 0 | 1:
            flipped = bytes([content[at] ^ 1 << random.randrange(8)]) if size else b"\0"
            return content[:at] + flipped + content[at + 1 :]
        case 2 | 3:
            extreme = random.choice(EXTREMES)
            return content[:at] + extreme + content[at + len(extreme) :]
        case 4:
            return content[:at]
        case 5:
            return content[:at] + content[end:]
        case 6:
            return content[:at] + content[at:end] * random.choice([2, 3, 1000]) + content[end:]
        case _:
            return content[:at] + random.randbytes(end - at) + content[end:]


def _text(content: bytes, random: Random) -> bytes:
    """Another value where one stands, or a word or a line dropped or doubled."""
    text = content.decode("ascii")
    words = list(re.finditer(r"\"[^\"\n]*\"|'[^'\n]*'|[-+.\w]+", text))
    lines = text.splitlines(keepends=True)
    if not words or random.random() < 0.2:
        at = random.randrange(len(lines) or 1)
        lines[at : at + 1] *= random.choice([0, 2])
        return "".join(lines).encode()
    numbers = [each for each in words if each[0][0] not in "\"'"]
    word = random.choice(numbers if numbers and random.random() < 0.7 else words)
    put = random.choice([*NUMBERS, "", random.choice(words)[0], word[0] * 2])
    return (text[: word.start()] + put + text[word.end() :]).encode()


# --- reading mutants -----------------------------------------------------------------------------


def fuzz(name: str, count: int, seed: int = 0) -> Fuzzed:
    """Read the first `count` mutants of a kind."""
    context: Any = get_context("spawn")
    start, grown, faults = 0, 0, []
    with tempfile.TemporaryDirectory() as place:
        if KINDS[name].run:
            from forks import CONTEXT as context

            shutil.copytree(sound_run(), Path(place) / "run")
        log = Path(place) / "log"
        while start < count:
            child = context.Process(target=_work, args=(name, start, count, seed, place))
            child.start()
            while child.is_alive():
                before = log.stat().st_mtime if log.exists() else 0
                child.join(3 * SECONDS)
                if child.is_alive() and log.exists() and log.stat().st_mtime == before:
                    child.kill()
                    child.join()
            lines = log.read_text().splitlines() if log.exists() else []
            log.unlink(missing_ok=True)
            said = [json.loads(line) for line in lines]
            faults += [each for each in said if isinstance(each, str)]
            reached = [each for each in said if isinstance(each, list)]
            grown = max([grown, *(each for _, each in reached)])
            if child.exitcode == 0:
                break
            last = reached[-1][0] if reached else start
            tail = (Path(place) / "printed").read_bytes()[-500:]
            faults.append(
                f"{_kept(name, last, place)}: the process ended with {child.exitcode}: {tail!r}"
            )
            if not reached:
                break  # the sound files were not read
            start = last + 1
    return Fuzzed(faults, grown)


def _work(name: str, start: int, stop: int, seed: int, place: str) -> None:
    kind, folder = KINDS[name], Path(place) / "files"
    printed = os.open(Path(place) / "printed", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    signal.signal(signal.SIGALRM, _late)
    logging.getLogger("tensorflow").setLevel("ERROR")  # it warns of many models in one process
    for right in (".* is not the network that run.json tells of", "pictures have empty boxes"):
        warnings.filterwarnings("ignore", right)
    with (Path(place) / "log").open("w", buffering=1) as log:
        _made(kind, folder, Random(0))
        for verb in kind.verbs:
            verb(folder)  # sound files, so that what is imported and cached is there
        _limit()
        sound = peak = _peak()
        for number in range(start, stop):
            log.write(f"{json.dumps([number, _peak() - sound])}\n")
            random = Random(f"{name} {seed} {number}")
            target = _made(kind, folder, random)
            target.write_bytes(damaged(target.read_bytes(), random))
            os.lseek(printed, 0, os.SEEK_SET)
            os.ftruncate(printed, 0)
            wrong = [fault for verb in kind.verbs if (fault := _read(verb, folder))]
            if text := os.pread(printed, 1000, 0):
                wrong.append(f"printed {text!r}")
            if (grown := _peak() - peak) > MEMORY:
                peak += grown
                wrong.append(f"takes {grown / 2**20:.0f} MiB")
            for each in wrong:
                log.write(json.dumps(f"{_kept(name, number, place)}: {each}") + "\n")
        log.write(f"{json.dumps([stop, _peak() - sound])}\n")


def _made(kind: Kind, folder: Path, random: Random) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return kind.make(folder, random)


def _read(verb: Callable[[Path], object], folder: Path) -> str | None:
    signal.alarm(SECONDS)
    try:
        verb(folder)
    except ArchspecError as told:
        said = str(told)
        if len(said) > 3000 or not said.replace("\n", "").isprintable():
            return f"no text to read: {said!r}"
    except BaseException as error:  # whatever is no sentence is a fault, SystemExit too
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:200]} at {place.filename}:{place.lineno}"
    finally:
        signal.alarm(0)
    return None


def _late(signal: int, frame: Any) -> None:
    raise BaseException(f"takes longer than {SECONDS} seconds")


def _limit() -> None:
    """Protect the machine: what a fault may ask for ends before its memory does."""
    import resource

    most = 1024 * int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0])
    resource.setrlimit(resource.RLIMIT_DATA, (most + CEILING, most + CEILING))


def _peak() -> int:
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def _kept(name: str, number: int, place: str) -> Path:
    """Where the files of a mutant that failed are now."""
    to = KEPT / f"{name}-{number}"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(Path(place) / "files", to, symlinks=True)
    return to


# --- datasets ------------------------------------------------------------------------------------


def _pixels(random: Random, *shape: int) -> Any:
    import numpy as np

    return np.random.default_rng(random.randrange(2**32)).integers(0, 256, shape, np.uint8)


def _fed(name: str, data_dir: Path | None = None) -> None:
    """Load a dataset, and every image of it, as training does."""
    from loaded import load_dataset, split

    from archspec.data.fitting import make_fitting

    dataset = load_dataset(name, data_dir)
    for part in split(dataset, 0.1, 0).values():
        make_fitting(part.images, (8, 8, 3), dataset.range, (0.0, 1.0), True, True)(part.images)


def _make_npz(folder: Path, random: Random) -> Path:
    import numpy as np

    dtype = random.choice(["u1", "u1", "<f4", ">f8", "<u2", "f2"])
    names = random.choice(
        [("x_train", "y_train", "x_test", "y_test"), ("x", "y", "x_val", "y_val")]
    )
    images = (_pixels(random, 12, 6, 5, 3).astype(dtype), _pixels(random, 4, 6, 5, 3).astype(dtype))
    labels = (np.arange(12) % 3, np.arange(4) % 3)
    arrays = dict(zip(names, (images[0], labels[0], images[1], labels[1]), strict=True))
    path = folder / "data.npz"
    random.choice([np.savez, np.savez_compressed])(path, **arrays)
    return path


def _make_idx(folder: Path, random: Random) -> Path:
    import numpy as np

    written = []
    for prefix, count in (("train", 20), ("t10k", 10)):
        for stem, array in (
            ("images-idx3", _pixels(random, count, 5, 5)),
            ("labels-idx1", np.arange(count, dtype=np.uint8) % 10),
        ):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            content, zipped = head + array.tobytes(), random.random() < 0.5
            path = folder / f"{prefix}-{stem}-ubyte{'.gz' * zipped}"
            path.write_bytes(gzip.compress(content, 1) if zipped else content)
            written.append(path)
    return random.choice(written)


def _make_cifar(folder: Path, random: Random) -> Path:
    """Batches as Python 2 and as every protocol of Python 3 writes them."""
    import pickle

    batches, protocol = {}, random.randrange(6)
    names = ["test_batch", *(f"data_batch_{i}" for i in range(1, 6))]
    for name in names:
        held = {b"data": _pixels(random, 2, 3072), b"labels": [1, 2], b"filenames": [b"a", b"b"]}
        batches[name] = pickle.dumps(held, protocol)
    if random.random() < 0.5:
        packed = folder / "cifar-10-python.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=1) as tar:
            for name, content in batches.items():
                member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return packed
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    for name, content in batches.items():
        (place / name).write_bytes(content)
    return place / random.choice(names)


ENDS = ["png", "png", "png", "jpg", "jpg", "tif", "tif", "gif", "webp", "bmp", "ppm", "avif"]
ENDS += ["tga", "jp2", "pcx", "qoi", "ico"]


def _make_config(folder: Path, random: Random) -> Path:
    """A .keras file, or the JSON in it, of a model within a model."""
    from configs import call, dense, functional, inside, operation, save, sequential, start, tensor

    inner = sequential(start(), dense(units=4), name="inner")
    doubled = operation("Multiply", "multiply", tensor("inner"), 2)
    model = functional(start(), inside(inner, call(tensor("input_layer"))), doubled)
    return save(folder, model, random.choice(["model.keras", "model.json"]))


def _import(folder: Path) -> None:
    for path in folder.iterdir():
        from_keras(path)


def _make_images(folder: Path, random: Random) -> Path:
    from PIL import Image

    end = random.choice(ENDS)
    exif = Image.Exif()
    exif[0x0112] = random.randrange(1, 9)
    turned = {"exif": exif} if end in ("png", "jpg", "tif", "webp") else {}
    several = random.random() < 0.2 and end in ("gif", "tif", "webp", "png")
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        for place in range(3):
            image = Image.fromarray(_pixels(random, 24, 32, 3))
            if end in ("png", "gif", "tif", "bmp"):
                image = image.convert(random.choice(["RGB", "L", "P", "1"]))
            frames = {"save_all": True, "append_images": [image, image]} if several else {}
            image.save(folder / name / f"{place}.{end}", **turned, **frames)
    return folder / "cat" / f"0.{end}"


def _read_images(folder: Path) -> None:
    from archspec.data.images import read_files

    _fed(str(folder))
    for path in sorted(folder.rglob("*.*")):
        read_files([path], grey=False)


def _make_table(folder: Path, random: Random) -> Path:
    """A table of every kind of column, with the files that it names, as programs save it."""
    end = random.choice([",", ";", "\t"])
    rows = [["path", "kind", "age", "tags", "part"]]
    for at in range(6):
        tags = random.choice(['"a|b"', "a|b", "b", ""])
        rows.append([f"{at}.png", "cat", f"{at}.5", tags, random.choice(["train", "val"])])
        (folder / f"{at}.png").touch()
    rows[1][-1] = "train"
    text = random.choice(["\n", "\r\n"]).join(map(end.join, rows))
    path = folder / random.choice(["data.csv", "data.tsv", "data.txt"])
    path.write_bytes(text.encode(random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))
    return path


def _columns(folder: Path) -> dict[str, Any]:
    from archspec.data.tables import read_table

    (path,) = (each for each in folder.iterdir() if each.suffix != ".png")
    return read_table(path)[0]


def _list_columns(folder: Path) -> None:
    from archspec.data import tables

    for cells in _columns(folder).values():
        tables.find_path_columns({cells.name: cells})
        tables.is_numeric(cells)
        tables.describe_cell(cells, -1)
        tables.split_labels(cells, tables.find_separator([cells]))


def _read_column(name: str, verb: str, folder: Path) -> None:
    from archspec.data import tables

    if cells := _columns(folder).get(name):
        getattr(tables, verb)(cells)


def _make_masks(folder: Path, random: Random) -> Path:
    from PIL import Image

    end = random.choice(["png", "png", "png", "tif", "gif", "bmp", "pgm", "tga"])
    for name in ("images", "masks"):
        (folder / name).mkdir()
        for at in range(3):
            values = _pixels(random, 24, 32) % 4
            image = Image.fromarray(values)
            if end in ("png", "tif"):
                mode = random.choice(["L", "P", "1", "RGB", "I;16"])
                image = Image.fromarray(values.astype("u2")) if mode == "I;16" else image
                image = image.convert(mode)
            image.save(folder / name / f"{at}.{end}")
    return folder / "masks" / f"0.{end}"


def _read_masks(folder: Path) -> None:
    import numpy as np

    from archspec.data.masks import Masks, check_sizes, find_values
    from archspec.data.pairs import find_masks

    images, masks = (np.array(each, object) for each in find_masks(folder)[0]["train"])
    check_sizes(images, Masks(masks))
    find_values(Masks(masks))


# --- runs ----------------------------------------------------------------------------------------

# The first epoch is the best, so that a state is beside the newest two.
SPEC = """\
archspec: 1
name: net
input: [8, 8, 1]
layers: [Flatten, Dense: {units: 10, activation: softmax}]
train:
  data: digits
  epochs: 3
  callbacks:
    - EarlyStopping: {monitor: loss, mode: max, patience: 9, restore_best_weights: true}
    - ReduceLROnPlateau: {patience: 9}
"""
PARAMETERS = 650
PLACE = tempfile.TemporaryDirectory()  # for as long as this process lasts


@cache
def sound_run() -> Path:
    """The folder of a run that is finished. Beside it is an image, `0.png`."""
    from forks import Archspec
    from PIL import Image

    place = Path(PLACE.name)
    (place / "net.yaml").write_text(SPEC)
    words = ["train", str(place / "net.yaml"), "--limit", "60", "--quiet"]
    if Archspec([*words, "--run-dir", str(place / "run")]).wait():
        raise RuntimeError("a sound run was not trained")
    Image.new("L", (8, 8)).save(place / "run" / "0.png")
    return place / "run"


def _make_run(names: list[str], folder: Path, random: Random) -> Path:
    shutil.copytree(folder.parent / "run", folder, dirs_exist_ok=True)
    shutil.rmtree(folder.parent / "longer", ignore_errors=True)
    return folder / random.choice(names)


def _make_facts(folder: Path, random: Random) -> Path:
    """Lay the facts of a state beside it."""
    path = _make_run(["last/facts.json"], folder, random)
    path.write_bytes(_facts(folder.parent / "run", 3))
    return path


def _facts(run: Path, epoch: int) -> bytes:
    import numpy as np

    with np.load(run / "last" / f"{epoch:04}.npz") as held:
        return bytes(held["facts"])


def _compared(folder: Path) -> None:
    """As `compare` does, with a sound run and in the list of runs."""
    found = [results.read_result(each) for each in (folder, folder.parent / "run")]
    publish(build_comparison(found), folder.parent / "compared")
    for form in ("text", "markdown", "csv"):
        list_runs(found[:1], form)


def _evaluated(folder: Path) -> None:
    from archspec.training.evaluating import evaluate

    str(evaluate(folder))


def _predicted(folder: Path) -> None:
    from archspec.training.predicting import predict

    predict(folder, [folder.parent / "run" / "0.png"])


def _resumed(folder: Path) -> None:
    """As far as training."""
    with patch("archspec.training.resume.start_training"):
        _gone_on(folder)


def _gone_on(folder: Path) -> list[str]:
    import keras

    from archspec.runs.job import RunOptions
    from archspec.training.resume import resume

    said: list[str] = []
    longer = folder.parent / "longer"
    try:
        resume(folder, options=RunOptions(quiet=True, echo=said.append), epochs=4, run_dir=longer)
    except ArchspecError:
        if (longer / "error.txt").exists():  # has a traceback
            raise AssertionError((longer / "error.txt").read_text()[-500:]) from None
        raise
    finally:
        keras.utils.clear_session()
    return said


def _taken(folder: Path) -> None:
    """Take a state. One that says something else than what was written is trained from."""
    import numpy as np

    from archspec.training.state import load_state

    said: list[str] = []
    max_bytes = contents.limit_size(PARAMETERS)
    state = load_state(folder, said.append, max_bytes=max_bytes)
    if state is None:
        raise UserError("\n".join(said))
    for epoch, arrays in ((state.epochs, state.arrays), (state.best_epoch, state.best)):
        sound = np.load(folder.parent / "run" / "last" / f"{epoch:04}.npz") if epoch else {}
        for name, array in (arrays or {}).items():
            if array.tobytes() != sound[name].tobytes():
                raise AssertionError(f"{name} of epoch {epoch} was read, and is another")
    facts = json.loads(_facts(folder.parent / "run", state.epochs))
    if any(getattr(state, key) != facts[key] for key in facts if key not in ("version", "sums")):
        said = _gone_on(folder)
    if said:
        raise UserError("\n".join(said))


def _taken_with_facts(folder: Path) -> None:
    """Take a state that was written with other facts."""
    import numpy as np

    path = folder / "last" / "0003.npz"
    with zipfile.ZipFile(path) as old:
        members = {each.filename: old.read(each) for each in old.infolist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, held in members.items():
            if name != "facts.npy":
                new.writestr(name, held)
        with new.open("facts.npy", "w") as member:
            said = np.frombuffer((folder / "last" / "facts.json").read_bytes(), np.uint8)
            np.lib.format.write_array(member, said)
    _taken(folder)


def _loaded(folder: Path) -> None:
    """Load a model. Weights that a check sum protects are those that were written."""
    import numpy as np

    from archspec.training.trained import load_trained

    it, name = load_trained(folder), "model.weights.h5"
    weights = it.model.get_weights()
    sound = [
        zipfile.ZipFile(each / "best.keras").read(name) for each in (folder, folder.parent / "run")
    ]
    if sound[0] == sound[1]:
        for one, other in zip(
            weights, load_trained(folder.parent / "run").model.get_weights(), strict=True
        ):
            if one.tobytes() != other.tobytes():
                raise AssertionError("weights were read, and are others")
    else:
        it.compute_probabilities(it.model.predict(np.zeros((1, 8, 8, 1)), verbose=0))


BEGUN = """\
archspec: 1
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3}
  - BatchNormalization
  - Flatten
  - Dense: 10
"""


@cache
def _saved(suffix: str) -> bytes:
    """The content of a file of weights."""
    import archspec

    with tempfile.TemporaryDirectory() as place:
        archspec.build(archspec.loads(BEGUN), Path(place) / f"x{suffix}")
        return (Path(place) / f"x{suffix}").read_bytes()


def _make_weights(folder: Path, random: Random) -> Path:
    """A file of weights to begin with, with and without the network that they are of."""
    path = folder / f"x{random.choice(['.keras', '.weights.h5'])}"
    path.write_bytes(_saved("".join(path.suffixes)))
    return path


def _begun(folder: Path) -> None:
    """Read all weights that a network begins with."""
    import archspec
    from archspec.weights.initial import open_initial
    from archspec.weights.sources import reading_weights

    (path,) = folder.iterdir()
    initial = open_initial(archspec.loads(BEGUN), path)
    with reading_weights(initial.source) as read:
        for part in initial.plan.parts:
            if part.source is not None:
                values = read(initial.plan.source[part.source], part.weight)
                assert values.shape == tuple(part.there)


def _run(names: str, *verbs: Callable[[Path], object]) -> Kind:
    return Kind(partial(_make_run, names.split()), verbs, run=True)


KINDS = {
    "npz": Kind(_make_npz, (lambda folder: _fed(str(folder / "data.npz")),)),
    "idx": Kind(_make_idx, (lambda folder: _fed("mnist", folder),)),
    "cifar": Kind(_make_cifar, (lambda folder: _fed("cifar10", folder),)),
    "images": Kind(_make_images, (_read_images,)),
    "table": Kind(
        _make_table,
        (
            _list_columns,
            partial(_read_column, "age", "to_numbers"),
            partial(_read_column, "path", "to_files"),
            partial(_read_column, "part", "split_parts"),
        ),
    ),
    "masks": Kind(_make_masks, (_read_masks,)),
    "config.json": Kind(_make_config, (_import,)),
    "run.json": _run("run.json", _compared, _resumed, _predicted, _evaluated),
    "resolved.yaml": _run("resolved.yaml", _compared, _resumed, _predicted, _evaluated),
    "spec.yaml": _run("spec.yaml", _resumed),
    "metrics.json": _run("metrics.json", _compared),
    "history.csv": _run("history.csv", _compared),
    "state": _run("last/0001.npz last/0003.npz last/0003.npz", _taken),
    "facts of a state": Kind(_make_facts, (_taken_with_facts,), run=True),
    "best.keras": _run("best.keras", _loaded),
    "weights": Kind(_make_weights, (_begun,), run=True),
}
