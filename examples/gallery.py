"""Draw every network of specs/ for docs/gallery.md, and the pictures of README and docs/drawing.md.

    python examples/gallery.py [FOLDER]

FOLDER is where README.md is: by default this repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

import archspec
from archspec import notation
from archspec.graph import Graph
from archspec.pictures.boxes import View
from archspec.pictures.dot import side_by_side, to_blocks, to_dot
from archspec.pictures.render import render
from archspec.pictures.style import Style

ROOT = Path(__file__).parent.parent


def main(folder: Path) -> None:
    pictures = folder / "docs"
    specs = sorted((ROOT / "specs").glob("*.yaml")) + sorted(
        (ROOT / "specs/families").glob("*.yaml")
    )
    sections = []
    for path in specs:
        graph = archspec.load(path)
        render(to_dot(graph), pictures / "gallery" / f"{graph.name}.svg")
        sections.append(section(graph, path.relative_to(ROOT)))
    for name, dot in readme().items():
        render(dot, pictures / "pictures" / f"{name}.svg")
    (pictures / "gallery.md").write_text(gallery(sections), encoding="utf-8")


def gallery(sections: list[str]) -> str:
    head = (
        "# The networks of specs/, drawn\n\nMade by `python examples/gallery.py`; each picture is"
    )
    return f"{head}\nwhat `archspec draw NAME` gives.\n\n" + "\n".join(sections)


def section(graph: Graph, path: Path) -> str:
    """Heading, description, totals and picture of a network."""
    weights, macs = map(notation.write_count, (graph.total_params, graph.macs))
    totals = f"{weights} parameters, {macs} MACs"
    return (
        f"## {graph.name}\n\n{graph.description} {totals}. [{path}](../{path})\n\n"
        f'<img src="gallery/{graph.name}.svg" alt="{graph.name}, drawn">\n'
    )


def readme() -> dict[str, str]:
    """The DOT text of the other pictures of the pages, by the names of their files."""
    load = archspec.load
    return {
        "blocks": to_blocks(load("googlenet")),
        "heat": to_dot(load("vgg16"), style=Style(heat="params")),
        "across": to_dot(load("lenet5"), style=Style(direction="LR")),
        "difference": archspec.diff("vit_b16", ROOT / "examples/variants/vit_pooled.yaml")
        .draw()
        .dot,
        "side_by_side": side_by_side(
            [load("resnet18"), load("resnet18_cifar100")], View(depth=1), Style("dark")
        ),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
