"""What all tests share."""

import gc
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import chdir
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest
from click.testing import CliRunner

from archspec import cli
from archspec.backends import framework
from archspec.loading import files, shipped

# Tests start hundreds of processes, each of which would compile the package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parent.parent
CORE_ALONE = find_spec("keras") is None
HAD_KERAS = "keras" in sys.modules
# The packages that train and read runs, and what the extra `run` brings for them.
RUNNER = re.compile(
    r"^(from|import) (archspec\.(comparing|data|runs|training)|"
    r"filelock|keras|matplotlib|numpy|PIL|sklearn|tqdm)\b",
    re.M,
)
HELPERS = re.compile(r"^(?:from|import) (\w+)", re.M)
# After how many new objects Python looks for garbage: seldom in static tests, which leave little,
# and as usual in those of Keras, whose models are garbage that fills the memory.
SELDOM, USUAL = (20_000, 10, 10), gc.get_threshold()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compare a text with the file of that name under tests/goldens, or rewrite the file."""

    def check(name: str, text: str) -> None:
        path = ROOT / "tests" / "goldens" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}: run pytest --update-golden and read it"
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture
def shipped_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Find the shipped specs in this folder, also where the package is installed elsewhere: for
    texts that name their files."""
    monkeypatch.chdir(ROOT)
    for module in (shipped, files):
        monkeypatch.setattr(module, "shipped_folder", lambda: ROOT / "specs")
    shipped.list_shipped.cache_clear()
    yield
    shipped.list_shipped.cache_clear()


def needs_runner(module: Path) -> bool:
    """Whether a module of the tests imports the runner, itself or by another module beside it."""
    text = module.read_text(encoding="utf-8")
    beside = (module.with_name(f"{name}.py") for name in HELPERS.findall(text))
    return bool(RUNNER.search(text)) or any(each.exists() and needs_runner(each) for each in beside)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Where the extra `run` is not installed, what imports the runner is no part of the suite."""
    is_module = collection_path.suffix == ".py"
    return True if CORE_ALONE and is_module and needs_runner(collection_path) else None


def pytest_report_header() -> str | None:
    if not CORE_ALONE:
        return None
    left_out = [each.name for each in sorted(ROOT.glob("tests/test_*.py")) if needs_runner(each)]
    return f"without Keras, and so without {', '.join(left_out)}"


def pytest_configure(config: pytest.Config) -> None:
    """Several processes take the files in the order below, not by how many tests are in one.

    Tests press Ctrl-C, which a shell has its background jobs, and what they start, not hear.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Look for no more garbage: with all that tests leave, it takes a process seconds to end."""
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In several processes the files that need Keras come first, since some take minutes: so none
    of them is left to one process at the end. No module of the tests may import Keras, which every
    process would pay for though it runs none of its tests."""
    if not HAD_KERAS and "keras" in sys.modules:
        raise pytest.UsageError("a module of the tests imports Keras: import it in the test")
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("keras")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keras comes in with the first test that needs it, as it does with the commands: the static
    ones do without, and no search for garbage goes through what it brings."""
    needs_keras = item.get_closest_marker("keras")
    gc.set_threshold(*(USUAL if needs_keras else SELDOM))
    if needs_keras:
        framework.own_process()
        framework.start()


@pytest.fixture(autouse=True, scope="module")
def _fresh_keras(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave nothing of one module's Keras to the next: a global seed generator that was made
    inside a `StatelessScope` holds no value, and whoever draws from it draws garbage."""
    yield
    if "keras" not in sys.modules:
        return
    here = (item for item in request.session.items if item.path == request.path)
    if any(item.get_closest_marker("keras") for item in here):
        sys.modules["keras"].utils.clear_session()


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Forget the models of a test when it ends: large ones of a whole file fill the memory."""
    yield
    sys.modules["keras"].utils.clear_session()


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def command(folder: Path, *words: str, terminal: TextIO | None = None, **environment: str) -> Done:
    """Run a command in this process, as if a folder were where it works.

    terminal: where both of its streams go; else it is said what they got.
    """
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        status = cli.run(words, terminal or out, terminal or err)
    return Done(status, out.getvalue(), err.getvalue())


def runner() -> CliRunner:
    """Run commands in this process, standard error apart, as click does unasked from 8.2 on."""
    asked = "mix_stderr" in signature(CliRunner).parameters
    return CliRunner(**({"mix_stderr": False} if asked else {}))
