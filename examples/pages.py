"""Make the example pages of docs/page.md, in docs/pages: `python examples/pages.py [FOLDER]`."""

import sys
from pathlib import Path

import archspec

ROOT = Path(__file__).parent.parent
SPECS = ("lenet5", "resnet50v2", "inception_v3", "unet")


def main(folder: Path) -> None:
    for name in SPECS:
        archspec.draw(name).save(folder / f"{name}.html")
    archspec.diff("vgg_a", "vgg_b").draw().save(folder / "vgg_a-vgg_b.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pages")
