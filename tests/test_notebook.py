"""In a notebook a graph shows its picture and its table, and an error its message."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import ROOT

import archspec
from archspec.backends.tables import to_text
from archspec.errors import SpecError, UserError

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
BROKEN = "archspec: 1\ninput: [3]\nlayers:\n  - Dense: {unit: 3}\n"


def test_a_graph_shows_its_picture() -> None:
    graph = archspec.load("lenet5")
    shown = graph._repr_mimebundle_()
    assert ElementTree.fromstring(shown["image/svg+xml"]).tag.endswith("svg")
    assert "lenet5" in shown["image/svg+xml"]
    assert shown["text/plain"] == repr(graph)
    assert len(repr(graph)) < 80
    assert f"{graph.total_params:,} parameters" in repr(graph)


def test_the_summary_is_what_show_prints(capsys: pytest.CaptureFixture[str]) -> None:
    graph = archspec.load("resnet18")
    graph.summary(depth=2)
    assert capsys.readouterr().out == to_text([graph], 2).rstrip("\n") + "\n"


def test_what_is_left_of_a_broken_spec_has_a_picture_and_no_summary() -> None:
    with pytest.raises(SpecError) as caught:
        archspec.loads(BROKEN)
    graph = caught.value.graph
    assert "<svg" in graph._repr_mimebundle_()["image/svg+xml"]
    assert repr(graph) == "<Graph model: 1 layer, 1 error>"
    with pytest.raises(SpecError, match="has no argument 'unit'"):
        graph.summary()


@pytest.mark.parametrize("error", [SpecError, UserError])
def test_an_error_shows_its_message_and_no_traceback(error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        archspec.loads(BROKEN) if error is SpecError else archspec.load("resnet19")
    assert "\n".join(caught.value._render_traceback_()) == str(caught.value)


def test_the_example_is_stored_without_what_it_shows() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not each.get("outputs") and not each.get("execution_count") for each in cells)


@pytest.fixture(scope="module")
def outputs() -> dict[str, dict[str, Any]]:
    """The one output of each cell of the example, as a front end gets it."""
    reason = "needs nbclient and ipykernel: pip install '.[notebook]'"
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {each.id: each.outputs[0] for each in notebook.cells if each.get("outputs")}


@pytest.mark.notebook
def test_the_example_runs_and_shows_pictures(outputs: dict[str, dict[str, Any]]) -> None:
    assert list(outputs) == ["picture", "table", "variant", "broken", "remains"]
    for name in ("picture", "variant", "remains"):
        assert "<svg" in outputs[name]["data"]["image/svg+xml"]
    assert "11,182,410" in outputs["table"]["text"]


@pytest.mark.notebook
def test_the_error_of_the_example_is_told_in_words(outputs: dict[str, dict[str, Any]]) -> None:
    shown = "\n".join(outputs["broken"]["traceback"])
    first, *_, caret = shown.splitlines()[:3]
    assert first.startswith("<text>:10:12: error: Add cannot merge")
    assert caret.endswith("^^^")
    assert "Traceback" not in shown
    assert "expand" not in shown  # no line of archspec's own
