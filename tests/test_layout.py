"""Pictures are readable at the size of a page: nothing small, nothing over anything else."""

from pathlib import Path

import pytest
from layouts import Area, Line, Text, lay_out

import archspec
from archspec.backends.dot import to_dot

ROOT = Path(__file__).parent.parent
PAGE, INCH = 1200, 96  # pixels of a page's width, and of an inch
POINT = INCH / 72
EXAMPLES = [ROOT / "examples/identity_mappings" / f"resnet{n}.yaml" for n in (164, 1001)]
SPECS = [
    *sorted((ROOT / "specs").glob("*.yaml")),
    *sorted((ROOT / "specs/families").glob("*.yaml")),
]


@pytest.mark.parametrize("spec", SPECS + EXAMPLES, ids=lambda path: path.stem)
def test_a_picture_can_be_read_on_a_page(spec: Path) -> None:
    layout = lay_out(to_dot(archspec.load(spec)))
    assert layout.faults() == []
    shrunk = min(1, PAGE / (layout.width * POINT))
    assert min(text.size for text in layout.texts) * shrunk >= 9


def test_the_check_of_layouts_can_fail() -> None:
    layout = lay_out(to_dot(archspec.load("lenet5")))
    first, second, *_ = layout.boxes
    layout.boxes[second] = layout.boxes[first]
    box = layout.boxes[first]
    middle = (box.left + box.right) / 2
    wide = Area(box.left - 9, box.bottom, box.right, box.top)
    layout.texts.append(Text("wide", 9, wide, first))
    layout.lines.append(Line(("a", "b"), ((middle, box.bottom - 9), (middle, box.top + 9))))
    found = "\n".join(layout.faults())
    assert f"{first} and {second} overlap" in found
    assert "'wide' is cut off" in found
    assert "the line from a to b runs through 'wide'" in found
