"""Models as their users write them in Keras are folded into what a person would write.

The texts are under tests/folded, to be read: `pytest --update-golden` writes them anew. Without
Keras, tests/test_folding.py folds each of them once more.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from shrinking import slow_but_first
from unseen_models import MODELS

from archspec.importing.files import Model
from archspec.importing.specs import Imported, to_imported

pytestmark = [pytest.mark.keras, pytest.mark.filterwarnings("ignore::UserWarning")]


def import_model(make: Callable[[], Any], flat: bool) -> Imported:
    """Import a model of which no weight has memory, with names that Keras counts from the first."""
    import keras

    keras.backend.clear_session()
    with keras.StatelessScope(initialize_variables=False):
        config = json.loads(make().to_json())
    return to_imported(Model(config, "model", "model", "a test"), flat)


@pytest.mark.parametrize("make", slow_but_first(MODELS, 10), ids=lambda make: make.__name__)
def test_a_model_is_folded_as_a_person_would_write_it(
    make: Callable[[], Any], golden: Callable[..., None]
) -> None:
    imported = import_model(make, flat=False)
    golden(f"../folded/{make.__name__}.yaml", imported.text)
    assert imported.graph.fingerprint == import_model(make, flat=True).graph.fingerprint
