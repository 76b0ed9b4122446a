"""The examples in the package's docstrings run, and give what they say."""

import doctest
import importlib
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from conftest import RUNNER

ROOT = Path(__file__).parent.parent
EXAMPLE = re.compile(r"^ *>>> ", re.M)


def list_modules() -> list[object]:
    """Return the names of the modules that have examples, marked where one needs Keras."""
    found: list[object] = []
    for path in sorted((ROOT / "archspec").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not EXAMPLE.search(text):
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        needs_keras = RUNNER.search(text) or re.search(r">>> .*to_keras\(", text)
        found.append(pytest.param(name, marks=pytest.mark.keras if needs_keras else ()))
    return found


def find_wrong(module: ModuleType) -> str:
    """Return doctest's report of the examples of a module that are wrong; "" where none is."""
    report: list[str] = []
    run = doctest.DocTestRunner(verbose=False)
    tests = doctest.DocTestFinder().find(module)
    for test in tests:
        run.run(test, out=report.append)
    assert module.__file__ is not None
    written = len(EXAMPLE.findall(Path(module.__file__).read_text(encoding="utf-8")))
    found = sum(len(test.examples) for test in tests)
    if found != written:
        report.append(f"{written} examples are written, and doctest finds {found}")
    return "".join(report)


@pytest.mark.parametrize("name", list_modules())
@pytest.mark.thorough
def test_the_examples_of_a_module_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # for paths such as specs/lenet5.yaml
    wrong = find_wrong(importlib.import_module(name))
    assert not wrong, wrong


RIGHT = '''
def double(x):
    """Return twice x.

    >>> double(2)
    4
    """
    return 2 * x
'''


def load(path: Path, text: str) -> ModuleType:
    """Write a module and return it."""
    path.write_text(text, encoding="utf-8")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    4\n", "    5\n", "Expected:\n    5\nGot:\n    4"),
        ("    4\n", "", "Expected nothing\nGot:\n    4"),
        (">>> double(2)", ">>> dobule(2)", "NameError: name 'dobule' is not defined"),
        ("return 2 * x", "return 3 * x", "Got:\n    6"),
        ("def double(x):", "def double(x):\n    x", "1 examples are written, and doctest finds 0"),
    ],
)
def test_the_check_of_examples_can_fail(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert find_wrong(load(tmp_path / "right.py", RIGHT)) == ""
    assert words in find_wrong(load(tmp_path / "wrong.py", RIGHT.replace(old, new)))
