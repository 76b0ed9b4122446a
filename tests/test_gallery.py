"""The gallery has every network, as `examples/gallery.py` draws it."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from shipped import FEW, SPECS, network

GALLERY = ROOT / "examples" / "gallery.py"


def test_every_network_has_its_picture_and_its_section() -> None:
    text = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    assert {path.stem for path in (ROOT / "docs/gallery").iterdir()} == set(SPECS)
    assert all(f'<img src="gallery/{name}.svg"' in text for name in SPECS)
    section = runpy.run_path(str(GALLERY))["section"]
    for name in FEW & SPECS.keys():
        assert section(network(name), SPECS[name].relative_to(ROOT)) in text


@pytest.mark.slow
def test_the_gallery_is_what_its_command_makes(tmp_path: Path) -> None:
    """All but the bytes of its pictures, which are those of the fonts of a machine."""
    command = [sys.executable, str(GALLERY), str(tmp_path)]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT)})
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    assert all((ROOT / path).exists() for path in made)
    shown = {path.relative_to(ROOT) for path in (ROOT / "docs/gallery").iterdir()}
    assert shown == {path for path in made if path.match("docs/gallery/*")}
    text = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    assert text == (tmp_path / "docs/gallery.md").read_text(encoding="utf-8")


def test_the_pages_show_what_the_command_makes() -> None:
    shown = set()
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        found = re.findall(r'<img src="([^"]+)"|!\[[^]]*\]\(([^)]+)\)', text)
        shown |= {(page.parent / (html or markdown)).resolve() for html, markdown in found}
    assert len(shown) >= 6
    assert all(path.exists() for path in shown)
    assert set((ROOT / "docs/pictures").iterdir()) <= shown
