"""The hook for https://pre-commit.com: it runs `archspec check` on the specs of a repository only.

That pre-commit itself installs and runs it was tried by hand.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from archspec.cli import verbs

(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
SOUND = "archspec: 1\ninput: [3]\nlayers:\n  - Dense: 3\n"


def run(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """The hook's entry on some files, as pre-commit calls it."""
    program, *words = shlex.split(HOOK["entry"])
    assert program == "archspec"
    command = [sys.executable, "-m", program, *words, *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.thorough
def test_the_entry_passes_sound_specs_and_names_what_is_wrong_with_others(tmp_path: Path) -> None:
    for name, text in {"a": SOUND, "b": SOUND.replace("Dense", "Dens"), "c": SOUND}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert run(tmp_path, "a.yaml", "c.yaml").returncode == 0
    done = run(tmp_path, "a.yaml", "b.yaml", "c.yaml")
    assert done.returncode == 1
    assert "b.yaml:4:5: error: no layer is called 'Dens'" in done.stdout


def test_the_entry_is_installed_with_the_package() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert HOOK["language"] == "python"
    assert set(project["scripts"]) == {"archspec"}
    assert HOOK["entry"].split()[1] in verbs()


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        ("specs/lenet5.yaml", True),
        ("specs/families/vgg11.yaml", True),
        ("models/specs/net.yml", True),
        (".github/workflows/test.yaml", False),
        ("docker-compose.yaml", False),
        ("myspecs/openapi.yaml", False),
        (".pre-commit-config.yaml", False),
    ],
)
def test_it_leaves_other_yaml_alone(path: str, checked: bool) -> None:
    """pre-commit searches for the expression in the path from the root of the repository."""
    assert bool(re.search(HOOK["files"], path)) == checked
    assert HOOK["types"] == ["yaml"]


def test_it_has_what_pre_commit_asks_for() -> None:
    wanted: dict[str, Any] = {"id": "archspec-check", "language": "python"}
    assert wanted.items() <= HOOK.items()
    assert {"name", "entry"} <= set(HOOK)
