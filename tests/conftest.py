"""What all tests share."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archspec.backends import framework

ROOT = Path(__file__).parent.parent


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


def pytest_configure(config: pytest.Config) -> None:
    """Several processes take the files in the order below, not by how many tests are in one.

    Tests press Ctrl-C, which a shell has its background jobs, and what they start, not hear.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In several processes the files that need Keras come first, since some take minutes: so none
    of them is left to one process at the end."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("keras")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keras comes in with the first test that needs it, as it does with the commands: the static
    ones do without, and no search for garbage goes through what it brings."""
    if item.get_closest_marker("keras"):
        framework.start()


@pytest.fixture(autouse=True, scope="module")
def _fresh_keras() -> Iterator[None]:
    """Leave nothing of one module's Keras to the next: a global seed generator that was made
    inside a `StatelessScope` holds no value, and whoever draws from it draws garbage."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()
