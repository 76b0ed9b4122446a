"""Write the table of costs in the README.md beside this file.

python examples/ablations/table.py
"""

from __future__ import annotations

import re
from pathlib import Path

import archspec
from archspec.graph import Graph

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
HEAD = """\
| file | what changes | lines | parameters | MACs |
|---|---|---:|---:|---:|
"""


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(replace_table(text, make_table()), encoding="utf-8")


def replace_table(text: str, table: str) -> str:
    """Return a page with the lines of its table replaced."""
    return re.sub(r"(?:^\|.*\n)+", lambda _: table, text, count=1, flags=re.M)


def make_table() -> str:
    base = archspec.load("resnet18")
    rows = [f"| `resnet18` | | | {base.total_params:,} | {base.macs:,} |\n"]
    files = sorted(FOLDER.glob("*.yaml"), key=lambda path: (count_lines(path), path.stem))
    return HEAD + "".join(rows + [write_row(path, base) for path in files])


def write_row(path: Path, base: Graph) -> str:
    graph = archspec.load(path)
    params = write_change(graph.total_params, base.total_params)
    macs = write_change(graph.macs, base.macs)
    link = f"[`{path.stem}`]({path.name})"
    return f"| {link} | {graph.description} | {count_lines(path)} | {params} | {macs} |\n"


def count_lines(path: Path) -> int:
    """Return the number of lines of a file that are not comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(not line.startswith("#") for line in lines)


def write_change(value: int, before: int) -> str:
    """Return how a cost changes, as `+89,080` or `the same`."""
    return "the same" if value == before else f"{value - before:+,}"


if __name__ == "__main__":
    main()
