"""The commands, the code and the specs of README and docs/ run as they are written there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import conftest
import pytest
import yaml
from conftest import ROOT

from archspec.syntax.formulas import AXES, FUNCTIONS
from archspec.syntax.words import MODIFIERS, WORDS

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples" / "own_layers" / "README.md",
]
BLOCKS = [
    (page.name, language, text)
    for page in PAGES
    for language, text in re.findall(
        r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
    )
]
# Each once, where it stands first: a page goes on with what it has made itself.
COMMANDS = list(
    dict.fromkeys(
        command.split("  #")[0].strip()
        for _, language, text in BLOCKS
        if language == "sh"
        for line in text.splitlines()
        for command in line.split(" && ")
        if command.startswith(("archspec ", "python examples/"))
    )
)
README = PAGES[0].read_text(encoding="utf-8")
KERAS = tuple(
    f"archspec {verb}" for verb in ("build", "train", "evaluate", "predict", "compare", "bench")
)
USES_KERAS = re.compile(r"import keras|archspec\.(train|build|to_keras|from_keras|evaluate|bench)")


def marks(text: str) -> list[pytest.MarkDecorator]:
    """Those of a command or of Python code: with Keras, only README's are run every time."""
    resolves = re.fullmatch("archspec build .* -o .*yaml", text)
    # The data of the examples is made with scikit-learn, which comes with what trains.
    needs_keras = text.startswith(KERAS) or re.search("keras.applications.|build/tasks", text)
    if resolves or not (needs_keras or USES_KERAS.search(text)):
        return []
    return [pytest.mark.keras] if text in README else [pytest.mark.keras, pytest.mark.slow]


def list_needed(command: str, earlier: str) -> list[str]:
    """What another command makes and this one reads. A script makes the data of the specs beside
    it."""
    if earlier.startswith("python "):
        _, script, *made = earlier.split()
        return made if os.path.dirname(script) in command else [p for p in made if p in command]
    return [path for path in re.findall(r" (?:-o|--run-dir) (\S+)", earlier) if path in command]


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


def run_by_shell(command: str, folder: Path) -> None:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_there_are_commands_to_run():
    assert len(COMMANDS) > 8


def run(command: str, checkout: Path) -> None:
    """In this process, unless the shell has something of its own to do. What it reads and an
    earlier one makes is made first, where that one has not run."""
    for earlier in COMMANDS[: COMMANDS.index(command)]:
        if not all((checkout / path).exists() for path in list_needed(command, earlier)):
            run(earlier, checkout)
    if {*command} & {*"*>"} or command.startswith("python "):
        run_by_shell(re.sub("^python ", f"{sys.executable} ", command), checkout)
    else:
        done = conftest.command(checkout, *shlex.split(command)[1:])
        differs = command.startswith("archspec diff ") and done.returncode == 1
        assert differs or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("command", [pytest.param(each, marks=marks(each)) for each in COMMANDS])
@pytest.mark.thorough
def test_a_command_of_readme_and_docs_runs(command: str, checkout: Path):
    run(command, checkout)


@pytest.mark.parametrize(
    "code",
    [pytest.param(text, marks=marks(text)) for _, language, text in BLOCKS if language == "python"],
)
@pytest.mark.thorough
def test_the_python_of_readme_and_docs_runs(code: str, checkout: Path):
    (checkout / "example.py").write_text(code)
    run_by_shell(f"{sys.executable} example.py", checkout)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=f"{page}-{number}")
        for number, (page, language, text) in enumerate(BLOCKS)
        if language == "yaml" and text.startswith("archspec:")
    ],
)
def test_a_spec_of_readme_and_docs_is_sound(text: str):
    import archspec

    graph = archspec.loads(text)
    assert graph.total_params > 0
    assert not graph.warnings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)|src=\"([^\"]+)\"", text)
    for link in filter(None, (one or two for one, two in links)):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_the_first_spec_is_resnet18():
    import archspec

    text = next(text for _, language, text in BLOCKS if language == "yaml")
    assert archspec.loads(text).total_params == archspec.load("resnet18").total_params


LANGUAGE = [text for page, language, text in BLOCKS if (page, language) == ("language.md", "yaml")]


def words_of_steps(steps: Any) -> set[str]:
    """The words beside layers and blocks, in a value of JSON at any depth."""
    if isinstance(steps, list):
        return set().union(*map(words_of_steps, steps))
    if isinstance(steps, dict):
        return {*steps}.union(*map(words_of_steps, steps.values()))
    return set()


def test_the_page_of_the_language_shows_every_word():
    import archspec

    schema = archspec.json_schema()
    words = {*schema["properties"], *MODIFIERS, *WORDS, "else"}
    shown = words_of_steps([yaml.load(text, yaml.BaseLoader) for text in LANGUAGE])
    assert words <= shown, words - shown


def test_the_page_of_the_language_shows_every_function_and_axis():
    text = "\n".join(LANGUAGE)
    assert {name for name in FUNCTIONS if f"{name}(" not in text} == set()
    assert {name for name in AXES if f".{name}" not in text} == set()


def test_the_last_network_of_the_language_is_mobilenet():
    import archspec

    shipped = archspec.load("mobilenet_v2")
    assert archspec.loads(LANGUAGE[-1]).fingerprint == shipped.fingerprint


def test_the_error_shown_is_the_error_printed():
    import archspec

    shown = next(text for _, language, text in BLOCKS if language == "text" and "error:" in text)
    text = (ROOT / "specs" / "resnet18.yaml").read_text(encoding="utf-8")
    misspelt = text.replace("=width, kernel_size: 3", "=width, kernal_size: 3")
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(misspelt, "specs/resnet18.yaml")
    assert str(error.value) == shown.rstrip()
