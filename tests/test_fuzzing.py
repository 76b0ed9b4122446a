"""No damaged file ends in anything but data or a sentence."""

import sys

import pytest
from fuzzing import KINDS, fuzz
from shrinking import ALL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")

# What is read by several verbs, each of which builds the model, is tried less often.
FEWER = {"run.json": 6, "resolved.yaml": 8, "metrics.json": 10, "history.csv": 10}
FEWER |= {"spec.yaml": 12, "facts of a state": 12, "best.keras": 12}
EACH = [
    pytest.param(name, marks=[pytest.mark.keras] if kind.run else [])
    for name, kind in KINDS.items()
]


@pytest.mark.parametrize("name", EACH)
@pytest.mark.thorough
def test_a_damaged_file_ends_in_data_or_a_sentence(name: str) -> None:
    assert fuzz(name, FEWER.get(name, 20)).faults == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_more_damaged_files_end_so_too(name: str) -> None:
    assert fuzz(name, 200 if ALL else 40, seed=1).faults == []
