"""How long `archspec draw` takes, against a Python script that builds the same and plots it.

    pip install pydot; python benchmarks/draw.py [RUNS]

Whole processes, as in check.py, from the text of a spec to a PNG on the disk. `plot_model` lays its
picture out by Graphviz's program `dot`; where that is missing the script stops at the DOT text, and
Keras is spared the layout. The second table is every network that comes with archspec, as SVG.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from check import ARCHSPEC, ROOT, SCRIPTS, compare, seconds

PLOT = "keras.utils.plot_model(model, {path!r}, show_shapes=True, show_layer_names=True)\n"
TEXT = "keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True).write({path!r})\n"


def against_keras(folder: Path, runs: int) -> None:
    plot = PLOT if shutil.which("dot") else TEXT
    if plot is TEXT:
        print("there is no program `dot`: Keras's time is without the layout")
    print(f"{'command':22} {'archspec':>9} {'Keras':>8} {'times faster':>13}   (min to max)")
    for spec, script in SCRIPTS.items():
        ours = [*ARCHSPEC, "draw", f"specs/{spec}.yaml", "-o", str(folder / "ours.png")]
        theirs = [sys.executable, "-c", script + plot.format(path=str(folder / "theirs.png"))]
        compare(f"draw {spec}", ours, theirs, runs)


def each_network(folder: Path, runs: int) -> None:
    print(f"\n{'network':34} {'draw':>8}   (min to max)")
    for path in sorted((ROOT / "specs").rglob("*.yaml")):
        if path.parent.name == "blocks":
            continue
        command = [*ARCHSPEC, "draw", str(path), "-o", str(folder / "ours.svg")]
        times = sorted(seconds(command) for _ in range(runs))
        name, median = path.relative_to(ROOT / "specs").with_suffix(""), statistics.median(times)
        print(f"{name!s:34} {median:6.2f} s   ({times[0]:.2f} to {times[-1]:.2f})")


if __name__ == "__main__":
    if importlib.util.find_spec("pydot") is None:
        sys.exit("Keras plots with pydot: pip install pydot")
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        against_keras(Path(folder), runs)
        each_network(Path(folder), runs)
