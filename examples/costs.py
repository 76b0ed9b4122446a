"""Write the tables of costs in the README.md of `ablations` and of `variants`.

python examples/costs.py
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import archspec
from archspec.graph import Graph

FOLDERS = [Path(__file__).parent / name for name in ("ablations", "variants")]
HEAD = """\
| file | what changes | lines | parameters | MACs |
|---|---|---:|---:|---:|
"""


def main() -> None:
    for folder in FOLDERS:
        page = folder / "README.md"
        text = page.read_text(encoding="utf-8")
        page.write_text(replace_table(text, make_table(folder)), encoding="utf-8")


def replace_table(text: str, table: str) -> str:
    """Return a page with the lines of its table replaced."""
    return re.sub(r"(?:^\|.*\n)+", lambda _: table, text, count=1, flags=re.M)


def make_table(folder: Path) -> str:
    """Return the costs of each base in a folder, and how those of its variants differ."""
    rows = []
    files = sorted(
        folder.glob("*.yaml"), key=lambda path: (find_base(path), count_lines(path), path.stem)
    )
    for name, variants in groupby(files, find_base):
        base = archspec.load(name)
        rows.append(f"| `{name}` | | | {base.total_params:,} | {base.macs:,} |\n")
        rows += [write_row(path, base) for path in variants]
    return HEAD + "".join(rows)


def find_base(path: Path) -> str:
    """Return the name of the spec that a file extends."""
    return path.read_text(encoding="utf-8").partition("\nextends: ")[2].split()[0]


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


def write_change(value: int | None, before: int | None) -> str:
    """Return how a cost changes, as `+89,080` or `the same`."""
    assert value is not None
    assert before is not None
    return "the same" if value == before else f"{value - before:+,}"


if __name__ == "__main__":
    main()
