"""Know the datasets by name, and suggest one for a word that names none."""

from __future__ import annotations

import os
from pathlib import Path

from archspec.errors import did_you_mean
from archspec.reading import kind_of

DIGITS = tuple(map(str, range(10)))
# The datasets with known names, and the names of their classes.
CLASSES: dict[str, tuple[str, ...]] = {
    "digits": DIGITS,
    "mnist": DIGITS,
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": tuple(
        "airplane automobile bird cat deer dog frog horse ship truck".split()  # noqa: SIM905
    ),
    "cifar100": tuple(
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
        butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
        crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
        keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain
        mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain
        plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
        skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
        television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
        """.split()  # noqa: SIM905
    ),
}


def suggest_dataset(word: str) -> str:
    """Return a hint for a word that is no dataset and no folder."""
    known = f"known: {', '.join(CLASSES)}; a folder or an .npz file"
    return did_you_mean(word, CLASSES) or known


def is_path(name: str) -> bool:
    """Return whether the name of a dataset is plainly a path: it has a slash or a suffix."""
    return "/" in name or os.sep in name or Path(name).suffix != ""


def is_missing(name: str) -> bool:
    """Return whether a word is neither a dataset nor something in the working folder."""
    return name not in CLASSES and not is_path(name) and kind_of(Path(name)) is None
