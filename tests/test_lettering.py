"""Names of classes and networks in pictures are drawn as they are written."""

import warnings
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.keras

IMAGES = np.zeros((2, 8, 8))


@pytest.mark.parametrize("name", ["$x", "cost $5$", r"$\nothing$", "a_b^c"])
def test_a_dollar_begins_no_formula(name: str, tmp_path: Path) -> None:
    from archspec.training import figures as pictures

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures.draw_samples(IMAGES, [name, "b"], {name: 1, "b": 1}, name, tmp_path / "a.png")
        pictures.draw_confusion(np.eye(2, dtype=int), [name, "b"], name, tmp_path / "b.png")
        rows = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]
        pictures.draw_curves(rows, name, ["main"], tmp_path / "c.png")
    assert len(list(tmp_path.iterdir())) == 3


def test_letters_that_no_font_has_are_one_warning(tmp_path: Path) -> None:
    from archspec.training import figures as pictures

    with pytest.warns(UserWarning, match="empty boxes") as caught:
        pictures.draw_samples(IMAGES, ["猫", "道"], {"猫": 1, "道": 1}, "猫", tmp_path / "a.png")
    (said,) = {str(each.message) for each in caught}
    assert "pictures have empty boxes for letters that Matplotlib's font lacks: 猫道" in said


def test_other_warnings_pass(tmp_path: Path) -> None:
    from archspec.training.lettering import as_written

    with pytest.warns(RuntimeWarning, match="of another kind"):
        as_written(lambda: warnings.warn("of another kind", RuntimeWarning, stacklevel=1))()
