"""`reuse`: the very layer or block again, with the same weights."""

import pytest
from texts import INPUT, here, net, refused, said, table, wires

import archspec

TOP = (
    "input: [4]"
    + """
params: {on: true, off: false}
blocks:
  tower: {params: {n: 4}, layers: [{Dense: =n, name: d}, ReLU, {Dense: 4}]}
  twice: {layers: [{Dense: 4, name: d}, {reuse: d}, {Dense: 4, name: e}]}
  outer: {layers: [{tower: 4, name: t}, {reuse: t, name: u}, {Dense: 4}]}
  wide: {layers: [{Dense: =channels}]}
  deep: {layers: [{when: =channels > 4, layers: [ReLU]}, {Dense: 4}]}
  pair: {inputs: [a, b], layers: [{Add: {}, from: [a, b]}, Dense: 4]}
"""
)


@table(
    "layers, meaning",
    {
        "a layer": (
            "- {Dense: 4, name: d}\n- {reuse: d, name: again}",
            "d(input) again=d(d) -> again",
        ),
        "an unnamed layer, while it is alone": (
            "- Dense: 4\n- reuse: dense",
            "dense(input) dense_1=dense(dense) -> dense_1",
        ),
        "a layer on another value": (
            "- {Dense: 4, name: d}\n- ReLU\n- {reuse: d, from: input}\n"
            "- {Add: {}, from: [d, re_lu, previous]}",
            "d(input) re_lu(d) dense=d(input) add(d re_lu dense) -> add",
        ),
        "a layer that is a reuse itself": (
            "- {Dense: 4, name: d}\n- {reuse: d, name: e}\n- {reuse: e, name: f}",
            "d(input) e=d(d) f=d(e) -> f",
        ),
        "a layer without weights": (
            "- {ReLU: {}, name: r}\n- {reuse: r, name: s}",
            "r(input) s=r(r) -> s",
        ),
        "a block, its inner names following the new name": (
            "- {tower: {}, name: left}\n- {reuse: left, name: right, from: input}\n"
            "- {Add: {}, from: [left, right]}",
            "left.d(input) left.re_lu(left.d) left.dense(left.re_lu) "
            "right.d=left.d(input) right.re_lu=left.re_lu(right.d) "
            "right.dense=left.dense(right.re_lu) "
            "add(left.dense right.dense) -> add",
        ),
        "an unnamed reuse of a block is called as the block": (
            "- tower\n- reuse: tower",
            "tower.d(input) tower.re_lu(tower.d) tower.dense(tower.re_lu) "
            "tower_1.d=tower.d(tower.dense) tower_1.re_lu=tower.re_lu(tower_1.d) "
            "tower_1.dense=tower.dense(tower_1.re_lu) -> tower_1.dense",
        ),
        "a layer in a block, by its path": (
            "- {tower: {}, name: t}\n- {reuse: t.d, name: again}",
            "t.d(input) t.re_lu(t.d) t.dense(t.re_lu) again=t.d(t.dense) -> again",
        ),
        "a block that reuses a layer of its own": (
            "- {twice: {}, name: a}\n- {reuse: a, name: b}",
            "a.d(input) a.dense=a.d(a.d) a.e(a.dense) "
            "b.d=a.d(a.e) b.dense=a.d(b.d) b.e=a.e(b.dense) -> b.e",
        ),
        "a block that reuses a block of its own": (
            "- {outer: {}, name: a}\n- {reuse: a, name: b}",
            "a.t.d(input) a.t.re_lu(a.t.d) a.t.dense(a.t.re_lu) "
            "a.u.d=a.t.d(a.t.dense) a.u.re_lu=a.t.re_lu(a.u.d) a.u.dense=a.t.dense(a.u.re_lu) "
            "a.dense(a.u.dense) "
            "b.t.d=a.t.d(a.dense) b.t.re_lu=a.t.re_lu(b.t.d) b.t.dense=a.t.dense(b.t.re_lu) "
            "b.u.d=a.t.d(b.t.dense) b.u.re_lu=a.t.re_lu(b.u.d) b.u.dense=a.t.dense(b.u.re_lu) "
            "b.dense=a.dense(b.u.dense) -> b.dense",
        ),
        "a reuse of a reuse of a block": (
            "- {wide: {}, name: a}\n- {reuse: a, name: b}\n- {reuse: b, name: c}",
            "a.dense(input) b.dense=a.dense(a.dense) c.dense=a.dense(b.dense) -> c.dense",
        ),
        "a turn of a loop that is a block": (
            "- {repeat: 2, wide: {}, name: w}\n- {reuse: w1, name: again}",
            "w0.dense(input) w1.dense(w0.dense) again.dense=w1.dense(w1.dense) -> again.dense",
        ),
        "in a loop": (
            "- {Dense: 4, name: d}\n- {reuse: d, repeat: 2, name: e}",
            "d(input) e0=d(d) e1=d(e0) -> e1",
        ),
        "a block with several inputs": (
            "- Dense: 4\n- {pair: {}, from: [input, dense], name: p}\n"
            "- {reuse: p, from: [p, input], name: q}",
            "dense(input) p.add(input dense) p.dense(p.add) q.add=p.add(p.dense input) "
            "q.dense=p.dense(q.add) -> q.dense",
        ),
        "as a merge": (
            "- {Dense: 4, name: d}\n- {Add: {}, from: [d, input], name: sum}\n"
            "- branches: [[ReLU], []]\n  merge: {reuse: sum, name: again}",
            "d(input) sum(d input) re_lu(sum) again=sum(re_lu sum) -> again",
        ),
        "under a false when it is not read": (
            "- Dense: 4\n- {reuse: nowhere, when: =off}\n- ReLU",
            "dense(input) re_lu(dense) -> re_lu",
        ),
    },
)
def test_reuse_applies(layers: str, meaning: str) -> None:
    assert wires(net(layers, TOP)) == meaning


def test_params_count_once_and_macs_at_each_call() -> None:
    once = net("- {Dense: 4, name: d}", TOP)
    again = net("- {Dense: 4, name: d}\n- {repeat: 2, reuse: d}", TOP)
    apart = net("- {repeat: 3, Dense: 4}", TOP)
    assert (once.total_params, again.total_params, apart.total_params) == (20, 20, 60)
    assert (once.macs, again.macs, apart.macs) == (16, 48, 48)
    assert again.trainable_params == 20


def test_a_block_counts_once_too() -> None:
    again = net("- {tower: {}, name: a}\n- {reuse: a, name: b}", TOP)
    apart = net("- {tower: {}, name: a}\n- {tower: {}, name: b}", TOP)
    assert (again.total_params, apart.total_params) == (40, 80)
    assert again.macs == apart.macs == 64


def test_a_reused_layer_keeps_its_arguments_and_the_defaults_of_its_place() -> None:
    top = "input: [4]\ndefaults: {Dense: {use_bias: false}}"
    graph = net("- {Dense: {units: 4, activation: relu}, name: d}\n- {reuse: d, name: e}", top)
    assert graph["e"].arguments == graph["d"].arguments
    assert graph["e"].arguments["use_bias"] is False


def test_a_reuse_gives_its_own_call_arguments() -> None:
    graph = net("- {Dropout: 0.5, name: d}\n- {reuse: d, name: e, call: {training: true}}", TOP)
    assert (dict(graph["d"].call), dict(graph["e"].call)) == ({}, {"training": True})


def test_another_size_is_no_matter_where_the_weights_fit() -> None:
    layers = """
    - {Conv2D: {filters: 4, kernel_size: 3}, name: c}
    - MaxPooling2D
    - {reuse: c, name: again}
    """
    graph = net(layers, INPUT)
    assert (graph.shape("c"), graph.shape("again")) == ((None, 6, 6, 4), (None, 1, 1, 4))


@table(
    "layers, code, place, words",
    {
        "weights that do not fit": (
            "- {Dense: 5, name: d}\n- {reuse: d}",
            "reuse",
            "{reuse: d}",
            "needs kernel (5, 5), bias (5,), it has kernel (4, 5)",
        ),
        "weights that fit, in a layer tied to its number of axes": (
            "- {BatchNormalization: {}, name: b}\n- Reshape: [1, 1, 4]\n- {reuse: b}",
            "reuse",
            "{reuse: b}",
            "tied to the 2 axes of its first input, this one has 4",
        ),
        "a merge that has no axes to align at first": (
            "- {Add: {}, from: [input, input], name: s}\n- {Reshape: [1, 4], name: r}\n"
            "- {reuse: s, from: [r, s]}",
            "reuse",
            "{reuse: s, from: [r, s]}",
            "aligns no others",
        ),
        "weights in a block that do not fit": (
            "- {tower: 5, name: t}\n- Dense: 3\n- {reuse: t}",
            "reuse",
            "Dense",
            "needs kernel (3, 5)",
        ),
        "arguments that follow other channels": (
            "- {wide: {}, name: w}\n- Dense: 3\n- {reuse: w}",
            "reuse",
            "Dense",
            "other arguments",
        ),
        "layers that follow other channels": (
            "- {deep: {}, name: w}\n- Dense: 5\n- {reuse: w}",
            "reuse",
            "ReLU",
            "reused as ReLU, but it was Dense",
        ),
        "a name that is not there": ("- Dense: 4\n- reuse: d", "unknown-name", "d", "'d'"),
        "one of several unnamed layers": (
            "- Dense: 4\n- Dense: 4\n- reuse: dense",
            "ambiguous-name",
            "dense",
            "could be any of 2",
        ),
        "a group": (
            "- {name: g, layers: [Dense: 4]}\n- reuse: g",
            "reuse",
            "g",
            "neither a layer nor a block",
        ),
        "branches": (
            "- {name: g, branches: [[Dense: 4]], merge: Add}\n- reuse: g",
            "reuse",
            "g",
            "neither a layer nor a block",
        ),
        "a bare from": (
            "- {name: g, from: input}\n- Dense: 4\n- reuse: g",
            "reuse",
            "g",
            "neither a layer nor a block",
        ),
        "the input": ("- Dense: 4\n- reuse: input", "reuse", "input", "'input'"),
        "the previous step": (
            "- Dense: 4\n- reuse: previous",
            "reuse",
            "previous",
            "'previous'",
        ),
        "a layer outside the block": (
            "- {Dense: 4, name: d}\n- leak",
            "unknown-name",
            "d",
            "'d'",
        ),
        "arguments": (
            "- {Dense: 4, name: d}\n- {reuse: d, Dense: 4}",
            "several-steps",
            "Dense",
            "one layer or block",
        ),
        "arguments under the name": (
            "- {Dense: 4, name: d}\n- {reuse: {d: 4}}",
            "schema",
            "{d: 4}",
            "the name of a step",
        ),
        "a skipped layer": (
            "- {Dense: 4, name: d, when: =off}\n- reuse: d",
            "skipped-name",
            "d",
            "skipped here",
        ),
    },
)
def test_reuse_cannot(layers: str, code: str, place: str, words: str) -> None:
    top = TOP.rstrip() + "\n  leak: {layers: [{reuse: d}]}\n"
    error = refused(layers, top)
    assert (error.code, here(error), words in said(error)) == (code, place, True), str(error)


def test_a_mismatch_shows_the_first_call() -> None:
    error = refused("- {Dense: 5, name: d}\n- {reuse: d}", "input: [4]")
    assert [note.span.line for note in error.notes] == [4]


def test_the_reuse_of_a_block_in_which_a_step_failed_is_no_second_error() -> None:
    top = TOP.rstrip() + "\n  lame: {layers: [{layers: [ReLU], from: nowhere}, ELU, ReLU]}\n"
    assert refused("- {lame: {}, name: x}\n- {reuse: x}", top).code == "unknown-name"


def test_an_input_is_not_reused() -> None:
    error = refused("- {Add: {}, from: [a, b]}\n- {reuse: a}", "inputs: {a: [4], b: [4]}")
    assert error.code == "reuse"


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_a_turn_may_reuse_what_came_before_it(gap: int) -> None:
    layers = f"- {{Dense: 4, name: d}}\n- {{repeat: {gap}, ReLU: {{}}}}\n- {{reuse: d, name: e}}"
    assert net(layers, TOP)["e"].reuses == "d"


def test_a_reuse_of_a_reuse_is_compared_with_the_first_call():
    """The first call aligns its axes, the second has none to align, the third has again."""
    graph = archspec.loads(
        "archspec: 1\ninput: [4]\nlayers:\n- {Reshape: [1, 4], name: r}\n"
        "- {Add: {}, from: [r, input], name: s}\n- {reuse: s, from: [s, r], name: t}\n"
        "- {reuse: t, from: [t, input], name: u}\n"
    )
    assert [graph["t"].reuses, graph["u"].reuses] == ["s", "s"]
    assert graph.shape("u") == (None, 1, 4)
