"""Damaged files of every kind that a verb reads, as many as you like.

    python benchmarks/fuzz_files.py npz cifar --count 2000 --seed 7

Without a kind, all are tried. Prints what is no data and no sentence, and where its files are kept;
the exit status is 1 if there is any. They are the mutants of tests/test_fuzzing.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # as `archspec` has it
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fuzzing import KINDS, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    wrong = 0
    for name in said.kinds or KINDS:
        start = time.perf_counter()
        found = fuzz(name, said.count, said.seed)
        wrong += len(found.faults)
        print(
            f"{name}: {said.count:,} mutants, {len(found.faults)} faults, "
            f"{found.grown / 2**20:,.0f} MiB more memory, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        for fault in found.faults:
            print(f"  {fault}")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
