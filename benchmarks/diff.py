"""How long `archspec diff` takes, against a text diff of what `archspec show` prints of both.

    python benchmarks/diff.py [RUNS]

The first table is whole processes, from the shell's start to their end, in turn, so that a busy
machine slows both. The second is the comparison alone, of networks that are loaded: flat lists of
layers with no name in common, and networks of thousands of layers with one edit.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

import archspec
from archspec.differences.difference import compare_graphs
from archspec.differences.text import write_text
from archspec.graph import Graph

ROOT = Path(__file__).parent.parent
ARCHSPEC = f"{sys.executable} -c 'import sys; from archspec.cli import run; sys.exit(run())'"
PAIRS = [
    ("resnet18", "resnet18_cifar100"),
    ("resnet50_imagenet", "resnet101_imagenet"),
    ("efficientnet_b0", "efficientnet_b7"),
]


def seconds(command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, shell=True, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start


def compare_processes(runs: int) -> None:
    print("specs                                   diff    show, show, diff")
    with tempfile.TemporaryDirectory() as folder:
        for a, b in PAIRS:
            shown = [f"{ARCHSPEC} show {each} --inputs > {folder}/{each}" for each in (a, b)]
            texts = f"{' && '.join(shown)} && diff -u {folder}/{a} {folder}/{b}"
            pairs = [(seconds(f"{ARCHSPEC} diff {a} {b}"), seconds(texts)) for _ in range(runs)]
            ours, theirs = map(statistics.median, zip(*pairs, strict=True))
            print(f"{a + ' ' + b:38} {ours:5.2f} s   {theirs:5.2f} s")


def flat(graph: Graph, prefix: str) -> Graph:
    """The same network, with no groups and other names: a prefix and a number."""
    names = {node.name: f"{prefix}{number}" for number, node in enumerate(graph)}
    nodes = tuple(
        replace(
            node,
            name=names[node.name],
            inputs=tuple(names[each] for each in node.inputs),
            regions=(),
            named=True,
        )
        for node in graph
    )
    ends = (tuple(names[each] for each in end) for end in (graph.inputs, graph.outputs))
    inputs, outputs = ends
    return replace(graph, nodes=nodes, inputs=inputs, outputs=outputs)


def compare_loaded(runs: int) -> None:
    deep = ROOT / "examples" / "identity_mappings" / "resnet1001.yaml"
    edits = ["at: stage1.unit7, remove: true", "of: {Activation: relu}, set: {activation: gelu}"]
    cases = {
        "flat, nothing in common": (
            flat(archspec.load("resnet152v2", depths=[3, 8, 52, 3]), "a"),
            flat(archspec.load("efficientnet_b7", depth=4.5), "b"),
        ),
        "flat, deeper": (
            flat(archspec.load("resnet152v2"), "a"),
            flat(archspec.load("resnet152v2", depths=[3, 8, 62, 3]), "b"),
        ),
        "resnet1001, a unit less": (archspec.load(deep), archspec.load(deep, edits=edits[:1])),
        "resnet1001, another activation": (
            archspec.load(deep),
            archspec.load(deep, edits=edits[1:]),
        ),
        "resnet1001 and itself": (archspec.load(deep), archspec.load(deep)),
    }
    print("\nloaded networks                   layers         compared   told")
    for name, (a, b) in cases.items():
        compared, told = [], []
        for _ in range(runs):
            start = time.perf_counter()
            difference = compare_graphs(a, b)
            middle = time.perf_counter()
            write_text(difference)
            compared.append(middle - start)
            told.append(time.perf_counter() - middle)
        layers = f"{len(a.nodes):,} and {len(b.nodes):,}"
        medians = statistics.median(compared), statistics.median(told)
        print(f"{name:32}  {layers:14} {medians[0]:6.2f} s  {medians[1]:5.2f} s")


if __name__ == "__main__":
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    compare_processes(runs)
    compare_loaded(runs)
