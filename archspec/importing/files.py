"""Find the config of a Keras model: in a .keras file, in a JSON file, or in memory.

A .keras file is a zip with a `config.json`. Nothing else of it is unpacked, no more than `MOST`
bytes of that, and nothing in it is run.
"""

from __future__ import annotations

import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from archspec.errors import UserError, did_you_mean
from archspec.foreign import APPLICATION, START, is_keras_model
from archspec.importing.applications import APPLICATIONS, read_application
from archspec.importing.findings import Findings
from archspec.loading.shipped import list_shipped
from archspec.reading import kind_of, open_file, path_of, readable, reason

MOST = 64 * 2**20  # bytes of a config; that of the largest model of keras.applications has 1.5 MiB
LARGEST = 2**40  # bytes of a .keras file, which holds weights of any size
MOST_NESTED = 200  # values within values
HDF5 = b"\x89HDF\r\n\x1a\n"
CONFIG = "config.json"
SAVED_MODEL = "saved_model.pb"
SUFFIXES = (".keras", ".h5", ".hdf5")
FOREIGN = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), "a file of PyTorch, or of weights alone"),
    ".safetensors": "a file of weights alone",
    ".onnx": "an ONNX file",
    ".tflite": "a TensorFlow Lite file",
    ".pb": "a compiled TensorFlow program",
}
OF_KERAS = "only models of Keras are read: model.save('model.keras') in Python"
RESAVE = "in Python: keras.models.load_model({!r}).save({!r})"


class Model(Struct, frozen=True):
    """The config of a model.

    source: what messages call it. stem: what the spec is called if the model has no name of its
    own. origin: where it is from, in words. weights: the .keras file that holds its weights, if
    there is one. live: the model itself, if it is in memory.
    """

    config: dict[str, Any]
    source: str
    stem: str
    origin: str
    weights: Path | None = None
    live: Any = None


def is_model(given: Any) -> bool:
    """Return whether a Keras model is given rather than a spec: one in memory, a name such as
    `keras.applications.ResNet50`, or a file, by its suffix or its first bytes."""
    if not isinstance(given, str | Path):
        keras = sys.modules.get("keras")
        return keras is not None and isinstance(given, keras.Model)
    path = Path(given)
    kind = kind_of(path)
    if kind is None and str(given).startswith(APPLICATION):
        return True
    if kind == "folder":
        return kind_of(path / SAVED_MODEL) == "file"
    if path.suffix in SUFFIXES:
        return True
    if kind != "file":
        return False
    try:
        with open_file(path, LARGEST) as file:
            return is_keras_model(file.read(START))
    except OSError:
        return False  # which whoever reads it says


def read_model(given: Any) -> Model:
    """Return the config of a model.

    given: a path, a text such as `keras.applications.ResNet50`, or a `keras.Model`.

    Raises `SpecError` for a file that holds no config, and `UserError` for one that is not there.
    """
    if not isinstance(given, str | Path):
        return _read_live(given)
    if isinstance(given, str) and given.startswith(APPLICATION) and kind_of(Path(given)) is None:
        name = given.removeprefix(APPLICATION)
        findings = Findings(given)
        config = _parse(read_application(name), findings)
        return Model(config, given, name.lower(), f"{given}, which has no weights here")
    return _read_file(Path(given).expanduser())


def _read_live(model: Any) -> Model:
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        raise TypeError(
            f"from_keras() takes a path, a name or a keras.Model, not {type(model).__name__}"
        )
    name = str(model.name)
    findings = Findings(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what cannot be read is an error here
            text = json.dumps(keras.saving.serialize_keras_object(model))
    except Exception as error:
        said = f"Keras gives no config of the model: {type(error).__name__}: {reason(error)}"
        findings.add("import-class", said, "", "only Functional and Sequential models say it")
        findings.stop()
        raise
    config = _parse(text.encode(), findings)
    return Model(config, name, "model", f"the Keras model {name}", live=model)


# --- files ---------------------------------------------------------------------------------------


def _read_file(path: Path) -> Model:
    source = readable(path)
    findings = Findings(source)
    match kind_of(path_of(path)):
        case None:
            if path.is_symlink():
                raise UserError(f"{source}: this link leads to no file", "mend the link")
            raise UserError(f"{source}: there is no such file", _suggest(path))
        case "folder":
            _refuse_folder(path, findings)
        case "special":
            raise UserError(f"{source}: this is a pipe or device, not a file")
    if path.suffix.lower() in FOREIGN:
        findings.add("import-file", f"this is {FOREIGN[path.suffix.lower()]}", "", OF_KERAS)
        findings.stop()
    if path.suffix.lower() in (".yaml", ".yml"):
        hint = (
            f"archspec build {source} -o FILE.yaml and archspec fold {source} write another of it"
        )
        findings.add("import-file", "this is a spec already, or no model", "", hint)
        findings.stop()
    text, weights = b"", False
    try:
        with open_file(path, LARGEST) as file:
            start = file.read(len(HDF5))
            file.seek(0)
            if start == HDF5:
                _refuse_hdf5(path, findings)
            elif start[:2] == b"PK" or path.suffix == ".keras":
                text, weights = _unpack(file, findings)
            else:
                text = _limit(file.read(MOST + 1), source, findings)
    except OSError as error:
        raise UserError(f"cannot read {source}: {reason(error)}") from None
    findings.stop()
    config = _parse(text, findings)
    stem = path.parent.name if path.name == CONFIG else path.stem
    return Model(config, source, stem, readable(path.name), path if weights else None)


def _suggest_application(text: str) -> str:
    """Return the hint for a text that is no file."""
    name = text.rpartition(".")[2]
    if name in APPLICATIONS:
        return f"did you mean '{APPLICATION}{name}'?"
    return (
        f"MODEL is a .keras file, a config.json or {APPLICATION}NAME, such as {APPLICATION}ResNet50"
    )


def _suggest(path: Path) -> str:
    """Return a hint for a word that is neither a file nor a model of Keras."""
    word = str(path)
    if ":/" in word:
        return "a model is a file on this machine: download it first"
    if "(" in word:
        return (
            "the command takes no arguments of a model; in Python, "
            "archspec.from_keras(keras.applications.ResNet50(include_top=False)) does"
        )
    if word in list_shipped():
        return f"{word} is a spec already: archspec build {word} -o FILE.yaml writes it out"
    near = [each.name for each in path.parent.glob("*.keras")]
    return did_you_mean(path.name, near) or _suggest_application(word)


def _refuse_folder(path: Path, findings: Findings) -> None:
    if kind_of(path / SAVED_MODEL) == "file":
        message = "this is a SavedModel: it holds a compiled program, which does not say its layers"
        hint = "save the model from the Python that made it: model.save('model.keras')"
    else:
        message = "this is a folder, not the file of a model"
        inside = kind_of(path / CONFIG) == "file"
        hint = f"name {path / CONFIG}" if inside else "name a .keras file or a config.json"
    findings.add("import-file", message, "", hint)
    findings.stop()


def _refuse_hdf5(path: Path, findings: Findings) -> None:
    if path.name.endswith(".weights.h5"):
        message = "this is a file of weights, which does not say how the layers are connected"
        hint = "save the whole model: model.save('model.keras')"
    else:
        message = "this is an HDF5 file, which Keras wrote models to before it had .keras files"
        whole = path.with_suffix(".keras")
        if whole == path:  # Keras reads it by its suffix, and refuses it under this one
            hint = f"rename it to {path.with_suffix('.h5').name}, then "
            hint += RESAVE.format(path.with_suffix(".h5").name, path.name)
        else:
            hint = RESAVE.format(path.name, whole.name)
    findings.add("import-file", message, "", hint)


def _unpack(file: BinaryIO, findings: Findings) -> tuple[bytes, bool]:
    """Return the text of the config in a zip, and whether weights are in it, too."""
    hint = "a .keras file is what model.save('model.keras') writes; is it cut off?"
    try:
        with zipfile.ZipFile(file) as packed:
            names = packed.namelist()
            if CONFIG not in names:
                findings.add("import-file", f"the file holds no {CONFIG}", "", hint)
                return b"", False
            with packed.open(CONFIG) as member:  # what the zip says of its size is not believed
                text = _limit(member.read(MOST + 1), CONFIG, findings)
            return text, "model.weights.h5" in names
    except Exception as error:  # zipfile and zlib raise many kinds for a damaged file
        findings.add("import-file", f"the file is no sound zip: {reason(error)}", "", hint)
        return b"", False


def _limit(text: bytes, what: str, findings: Findings) -> bytes:
    if len(text) > MOST:
        message = f"{what} is over the limit of {MOST // 2**20} MiB for the config of a model"
        findings.add("import-file", message)
    return text


def _parse(text: bytes, findings: Findings) -> dict[str, Any]:
    """Return the config in a JSON text. Raises `SpecError` for any other."""
    hint = "model.to_json() and model.save('model.keras') write what can be read"
    config: Any = None
    try:
        config = json.loads(text)
    except RecursionError:
        findings.add("too-deep", "the config is nested too deep")
    except ValueError as error:  # of UTF-8 and of long numbers, too
        findings.add("import-file", f"the config is no JSON: {reason(error)}", "", hint)
    findings.stop()
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        findings.add("import-file", "this JSON is not the config of a Keras model", "", hint)
    elif not _is_shallow(config):
        findings.add("too-deep", f"the config is nested more than {MOST_NESTED} deep")
    findings.stop()
    assert isinstance(config, dict)
    return config


def _is_shallow(value: Any) -> bool:
    """Return whether a value has few enough values within values to be walked recursively."""
    level = [value]
    for _ in range(MOST_NESTED):
        inside: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inside += each.values()
            elif isinstance(each, list):
                inside += each
        if not inside:
            return True
        level = inside
    return False
