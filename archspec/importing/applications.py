"""The models of `keras.applications`, whose config Keras makes in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from archspec.backends import framework
from archspec.errors import UserError, did_you_mean

PREFIX = "keras.applications."
APPLICATIONS = tuple(
    "ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge DenseNet121 DenseNet169 "
    "DenseNet201 EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 "
    "EfficientNetB5 EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 "
    "EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S "
    "InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 MobileNetV3Large MobileNetV3Small "
    "NASNetLarge NASNetMobile ResNet50 ResNet50V2 ResNet101 ResNet101V2 ResNet152 ResNet152V2 "
    "VGG16 VGG19 Xception".split()
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
    if name not in APPLICATIONS:
        hint = did_you_mean(name, APPLICATIONS) or f"there are {', '.join(APPLICATIONS)}"
        raise UserError(f"keras.applications has no model '{name}' that can be imported", hint)
    framework.chosen()  # which says at once what is not installed
    root = Path(__file__).parent.parent.parent
    # With -P nothing in the folder that the command works in is taken for a module.
    command = [sys.executable, "-P", "-c", PROGRAM, str(root), name]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else f"its process ended with {done.returncode}"
        raise UserError(f"Keras cannot make {PREFIX}{name}: {why}")
    return done.stdout


def print_application(name: str) -> None:
    """Print the config of a model of `keras.applications`; it is made without memory for weights."""
    framework.own_process()
    framework.start()
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
        print(json.dumps(keras.saving.serialize_keras_object(model)))

