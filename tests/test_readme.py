"""README's commands and code run as they are written there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
COMMANDS = [
    line.split("  #")[0].strip()
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.startswith("archspec ")
]
NEEDS_KERAS = tuple(
    f"archspec {verb}" for verb in ("build", "train", "evaluate", "predict", "compare", "bench")
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has: the specs and examples, and an `archspec` command on the path."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("specs", "examples", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    command = folder / "bin" / "archspec"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archspec "$@"\n')
    command.chmod(0o755)
    return folder


def run(command: str, folder: Path) -> None:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_there_are_commands_to_run():
    assert len(COMMANDS) > 8


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(each, marks=[pytest.mark.keras] if each.startswith(NEEDS_KERAS) else [])
        for each in COMMANDS
    ],
)
def test_a_command_of_the_readme_runs(command: str, checkout: Path):
    run(command, checkout)


@pytest.mark.keras
def test_the_python_of_the_readme_runs(checkout: Path):
    (code,) = (text for language, text in BLOCKS if language == "python")
    (checkout / "readme.py").write_text(code)
    run(f"{sys.executable} readme.py", checkout)


def test_the_first_spec_is_resnet18():
    import archspec

    text = next(text for language, text in BLOCKS if language == "yaml")
    assert archspec.loads(text).total_params == archspec.load("resnet18").total_params


def test_the_error_shown_is_the_error_printed():
    import archspec

    shown = next(text for language, text in BLOCKS if language == "text" and "error:" in text)
    text = (ROOT / "specs" / "resnet18.yaml").read_text(encoding="utf-8")
    misspelt = text.replace("=width, kernel_size: 3", "=width, kernal_size: 3")
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(misspelt, "specs/resnet18.yaml")
    assert str(error.value) == shown.rstrip()
