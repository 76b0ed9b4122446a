"""Random networks: archspec's word against Keras's, on as many as you like.

    python benchmarks/random_graphs.py --count 10000 --seed 7 [--jobs 2] [--deep 10]

Prints what was drawn, how fast, and each disagreement with its YAML; the exit status is 1 if there
is any. It is the same draw as in tests/test_random_graphs.py, which says what is compared.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

LOT = 100


def lot(bounds: tuple[str, int, int, int]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """What the networks of a seed from one place to another hold, counted, and the disagreements on
    them."""
    import keras
    from random_checks import Verdict, drawn, judged, read
    from random_graphs import write

    from archspec.graph import Graph

    seed, start, stop, deep = bounds
    warnings.simplefilter("ignore")
    keras.utils.clear_session()
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for place in range(start, stop):
        network = drawn(Random(f"{seed}/{place}"))
        text, _ = write(network)
        if network.kind:
            counts["fault", network.kind] += 1
        else:
            counts["all", "sound"] += 1
            graph = read(text)
            nodes = (
                [node for node in graph if node.op != "InputLayer"]
                if isinstance(graph, Graph)
                else []
            )
            counts.update(("layer", node.op) for node in nodes)
            counts["all", "layers"] += len(nodes)
            counts["all", "merges"] += sum(len(node.inputs) > 1 for node in nodes)
            counts["all", "reuses"] += sum(node.reuses is not None for node in nodes)
            counts["all", "several inputs"] += len(network.inputs) > 1
            counts["all", "several outputs"] += len(network.outputs) > 1
        try:
            verdict = judged(network, deep=bool(deep) and place % deep == 0)
        except Exception as error:
            verdict = Verdict([f"{type(error).__name__}: {error}"])
        counts["all", "run and compared"] += verdict.ran
        if verdict.found:
            what = f"{seed}/{place} {network.kind or 'sound'}"
            found.append("\n".join([f"--- {what}", *verdict.found, text]))
    return counts, found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="networks to draw")
    parser.add_argument("--seed", default="1", help="of the draw")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--deep", type=int, default=10, help="every which one to build and run; 0: none"
    )
    options = parser.parse_args()
    lots = [(options.seed, start, min(start + LOT, options.count), options.deep)
            for start in range(0, options.count, LOT)]  # fmt: skip
    begun = time.monotonic()
    counts: Counter[tuple[str, str]] = Counter()
    found: list[str] = []
    with get_context("spawn").Pool(options.jobs, maxtasksperchild=20) as pool:
        for number, (more, said) in enumerate(pool.imap(lot, lots), 1):
            counts += more
            found += said
            print(f"{number} of {len(lots)} lots", file=sys.stderr)
            for each in said:
                print(each, flush=True)
    seconds = time.monotonic() - begun
    total = counts["all", "layers"]
    print(f"{options.count:,} networks in {seconds:.0f} s, {options.count / seconds:.0f} a second")
    for (group, what), number in counts.items():
        if group == "all":
            share = f", {number / total:.0%} of the layers" if what in ("merges", "reuses") else ""
            print(f"  {number:>8,} {what}{share}")
    for title, group in (("faults", "fault"), ("layers", "layer")):
        those = {what: number for (which, what), number in counts.most_common() if which == group}
        print(f"{title}, {len(those)} kinds: " + ", ".join(f"{k} {n}" for k, n in those.items()))
    print(f"disagreements: {len(found)}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
