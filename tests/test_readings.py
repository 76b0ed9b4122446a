"""What could be read in two ways, and is right in the one that it has.

Of each case, the sound spec that a warning would fire on wrongly is here as well.
"""

import pytest
from texts import argument, net, refused, said, wires

from archspec.data.preparation import prepare
from archspec.errors import UserError
from archspec.recipe import recipe_of

BLOCK = "input: [8, 8, 4]\nblocks: {gate: {layers: [Dense: 9, Dense: =FORMULA]}}"


def test_channels_in_the_middle_of_a_block_are_those_of_its_input() -> None:
    """A gate ends with the channels that its block began with, so `=channels` says so anywhere in
    it, and `previous.channels` is the other number: no warning where both differ."""
    for formula, units in {"6 * channels": 24, "6 * previous.channels": 54}.items():
        graph = net("- gate", BLOCK.replace("FORMULA", formula))
        assert argument(graph, "units") == [9, units]
        assert graph.warnings == ()


def test_a_pattern_takes_what_is_before_it_and_nothing_written_later() -> None:
    """So does every reference. In dense connections each step takes all those before it, and the
    names after it fit as well: no warning of these."""
    graph = net("""
        - {Dense: 4, name: a0}
        - {Concatenate: , from: ["a*", input], name: a1}
        - {Concatenate: , from: "a*", name: a2}
    """)
    assert wires(graph) == "a0(input) a1(a0 input) a2(a0 a1) -> a2"
    assert graph.warnings == ()


IN_EACH = """
    - {Dense: 4, name: stem}
    - for: {i: [0, 1]}
      name: path{i}
      layers:
        - {Dense: 4, from: stem}
        - ReLU
"""


def test_a_group_whose_first_step_says_from_takes_that_in_each_iteration() -> None:
    """That is what stands there, and what `loop-from` proposes. Who means one after the other is
    told that all but the last are unused."""
    graph = net(f"{IN_EACH}\n    - {{Add: , from: 'path*'}}\n")
    assert wires(graph).startswith("stem(input) path0.dense(stem) path0.re_lu(path0.dense) path1.")
    assert "path1.dense(stem)" in wires(graph)
    assert "no step uses the value of 'path0.re_lu'" in said(refused(IN_EACH))


def test_a_softmax_over_a_map_is_sound_and_is_trained_on_no_classes_of_images() -> None:
    """A network that labels each pixel has one. The runner, whose data has a class for each image,
    refuses it before the first step."""
    graph = net("- Dense: {units: 10, activation: softmax}", "input: [8, 8, 1]")
    assert graph.warnings == ()
    with pytest.raises(
        UserError, match=r"it takes a class for each place of the sample, and"
    ) as caught:
        prepare(graph, recipe_of(graph, data="digits"), None, None)
    assert str(caught.value.hint).startswith("to classify, flatten or pool before the last Dense")
