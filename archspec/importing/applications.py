"""Get the config of a model of `keras.applications` from Keras, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from archspec.backends import framework
from archspec.errors import UserError, did_you_mean
from archspec.foreign import APPLICATION

# Families of the models, and the sizes that each has.
FAMILIES = {
    "ConvNeXt": "Base Large Small Tiny XLarge",
    "DenseNet": "121 169 201",
    "EfficientNet": "B0 B1 B2 B3 B4 B5 B6 B7 V2B0 V2B1 V2B2 V2B3 V2L V2M V2S",
    "Inception": "ResNetV2 V3",
    "MobileNet": " V2 V3Large V3Small",
    "NASNet": "Large Mobile",
    "ResNet": "50 50V2 101 101V2 152 152V2",
    "VGG": "16 19",
    "Xception": "",
}
APPLICATIONS = tuple(
    f"{family}{size}" for family, sizes in FAMILIES.items() for size in sizes.split(" ")
)
PROGRAM = """
import sys
sys.path.append(sys.argv[1])
from archspec.importing.applications import print_application
print_application(sys.argv[2])
"""


def read_application(name: str) -> bytes:
    """Return the config of a model of `keras.applications` as JSON.

    Raises `UserError` for a name that is none of them, and if Keras is not installed.
    """
    check_application(name)
    framework.chosen()  # which says at once what is not installed
    root = Path(__file__).parent.parent.parent
    # With -P nothing in the folder that the command works in is taken for a module.
    command = [sys.executable, "-P", "-c", PROGRAM, str(root), name]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"its process ended with {done.returncode}"
        raise UserError(f"Keras cannot make {APPLICATION}{name}: {why}")
    return done.stdout


def check_application(name: str) -> None:
    """Raise `UserError` for a name that is none of the models of `keras.applications`."""
    if name not in APPLICATIONS:
        hint = did_you_mean(name, APPLICATIONS) or f"there are {', '.join(APPLICATIONS)}"
        raise UserError(f"keras.applications has no model '{name}' that can be imported", hint)


def print_application(name: str) -> None:
    """Print the config of a model of `keras.applications`, made without memory for weights."""
    framework.own_process()
    framework.start()
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
        print(json.dumps(keras.saving.serialize_keras_object(model)))
