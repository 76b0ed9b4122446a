"""The networks of the tutorials side by side: five on Fashion-MNIST, trained alike.

    python examples/fashion_five.py --limit 10000 --epochs 3 [--data-dir FOLDER] [--dir FOLDER]

Fashion-MNIST is read from --data-dir (or $ARCHSPEC_DATA, or downloaded). Prints the table in
Markdown; the runs, the table and the picture are in --dir. After Ctrl-C, the same command
continues.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from archspec.comparing.compare import compare, publish
from archspec.comparing.members import Terms

NETWORKS = ("lenet5", "alexnet8", "vgg16", "inception10", "resnet18")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="where fashion_mnist is")
    parser.add_argument("--limit", type=int, help="train on so many images only")
    parser.add_argument("--epochs", type=int, help="by default those of each recipe")
    parser.add_argument("--dir", type=Path, default=Path("runs/fashion_five"), help="of the runs")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=NETWORKS, metavar="NAME")
    given = parser.parse_args()
    terms = Terms(
        data="fashion_mnist", data_dir=given.data_dir, limit=given.limit, epochs=given.epochs
    )
    found = compare(given.only, terms, folder=given.dir, echo=partial(print, file=sys.stderr))
    publish(found, given.dir)
    print(found.to_text("markdown"))
    return 130 if found.stopped else bool(found.missing)


if __name__ == "__main__":
    sys.exit(main())
