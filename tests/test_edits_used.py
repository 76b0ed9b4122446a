"""Edits as real networks use them: the short file of a variant is the network written out."""

from __future__ import annotations

from texts import INPUT, net, refused

PAIR = """
- branches:
    left: [Conv2D: {filters: 4, kernel_size: 1}]
    right: []
  merge: {Add: {}, name: joined}
- ReLU
"""


def test_a_step_of_several_inputs_is_replaced_by_one_that_names_its_own() -> None:
    edit = "edit: [{at: joined, replace: {from: left}}]"
    written = "- Conv2D: {filters: 4, kernel_size: 1}\n- ReLU"
    assert net(PAIR, f"{INPUT}\n{edit}").fingerprint == net(written).fingerprint


def test_what_replaces_a_step_of_several_inputs_can_take_the_step_before_it() -> None:
    steps = """
    - Conv2D: {filters: 4, kernel_size: 1}
    - Add:
      from: [input, previous]
    """
    edit = "edit: [{of: Add, replace: {from: previous}}]"
    written = "- Conv2D: {filters: 4, kernel_size: 1}"
    assert net(steps, f"{INPUT}\n{edit}").fingerprint == net(written).fingerprint


def test_what_replaces_a_merge_has_no_previous_value() -> None:
    edit = "edit: [{at: joined, replace: {Concatenate: , from: [previous, right]}}]"
    found = refused(PAIR, f"{INPUT}\n{edit}")
    assert found.message == "a `merge` joins several values, so none is the previous one"
