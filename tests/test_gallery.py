"""The gallery has every network, as `examples/gallery.py` draws it."""

import subprocess
import sys
from pathlib import Path

from conftest import ROOT


def test_the_gallery_is_what_its_command_makes(tmp_path: Path) -> None:
    """All but the bytes of its pictures, which are those of the fonts of a machine."""
    command = [sys.executable, str(ROOT / "examples" / "gallery.py"), str(tmp_path)]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT)})
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    assert all((ROOT / path).exists() for path in made)
    shown = {path.relative_to(ROOT) for path in (ROOT / "docs/gallery").iterdir()}
    assert shown == {path for path in made if path.match("docs/gallery/*")}
    assert {path.stem for path in (ROOT / "specs").glob("*.yaml")} <= {path.stem for path in shown}
    text = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    assert text == (tmp_path / "docs/gallery.md").read_text(encoding="utf-8")


def test_readme_shows_six_pictures_that_the_command_makes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [part.partition('"')[0] for part in readme.split('<img src="')[1:]]
    assert len(shown) >= 6
    assert all((ROOT / path).exists() for path in shown)
    pictures = {f"docs/pictures/{path.name}" for path in (ROOT / "docs/pictures").iterdir()}
    assert pictures <= set(shown)
