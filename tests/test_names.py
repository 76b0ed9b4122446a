"""Names: what every node is called, and which step a reference means."""

import pytest
from texts import INPUT, PAIR, argument, here, names, net, refused, said, table, wires

import archspec
from archspec.errors import SpecError

TOP = (
    INPUT
    + """
params: {on: true, off: false}
blocks:
  unit: {layers: [{Dense: 4}, {ReLU: {}, name: act}]}
  deep: {layers: [{unit: {}, name: u}, Softmax]}
  hook: {layers: []}
"""
)


@table(
    "layers, found",
    {
        "a layer is called as Keras would": (
            "- ReLU\n- BatchNormalization\n- PReLU\n- GlobalAveragePooling2D\n- RMSNormalization",
            "re_lu batch_normalization p_re_lu global_average_pooling2d rms_normalization",
        ),
        "numbered only when needed": (
            "- ReLU\n- Dense: 1\n- ReLU\n- ReLU",
            "re_lu dense re_lu_1 re_lu_2",
        ),
        "numbered within its scope": (
            "- ReLU\n- {name: g, layers: [ReLU, ReLU]}\n- ReLU",
            "re_lu g.re_lu g.re_lu_1 re_lu_1",
        ),
        "an explicit name is as it is written": ("- {ReLU: {}, name: Act-1_x}", "Act-1_x"),
        "a number steps aside for an explicit name": (
            "- ReLU\n- {Softmax: {}, name: re_lu_1}\n- ReLU",
            "re_lu re_lu_1 re_lu_2",
        ),
        "a later explicit name takes what Keras would call another": (
            "- ReLU\n- {Softmax: {}, name: re_lu}",
            "re_lu_1 re_lu",
        ),
        "groups, branches and blocks make paths": (
            """
            - name: stage1
              layers:
                - name: unit0
                  branches:
                    main: [unit]
                    side:
                  merge: Add
            """,
            "stage1.unit0.main.unit.dense stage1.unit0.main.unit.act stage1.unit0.add",
        ),
        "unnamed groups open no scope": ("- layers: [{layers: [ReLU]}]\n- ReLU", "re_lu re_lu_1"),
        "unnamed branches open no scope, their keys do": (
            "- branches: {a: [ReLU], b: [ReLU]}\n  merge: Add",
            "a.re_lu b.re_lu add",
        ),
        "branches in a list open none": (
            "- branches: [[ReLU], [ReLU]]\n  merge: Add",
            "re_lu re_lu_1 add",
        ),
        "named branches open one around their keys": (
            "- branches: {a: [ReLU], b: []}\n  merge: Add\n  name: fork",
            "fork.a.re_lu fork.add",
        ),
        "an unnamed block is called as the block, numbered when needed": (
            "- unit\n- unit\n- ReLU",
            "unit.dense unit.act unit_1.dense unit_1.act re_lu",
        ),
        "a named block is not": (
            "- {unit: {}, name: first}\n- unit",
            "first.dense first.act unit.dense unit.act",
        ),
        "blocks in blocks": ("- deep", "deep.u.dense deep.u.act deep.softmax"),
        "a skipped step takes no number": (
            "- ReLU\n- {ReLU: {}, when: =off}\n- ReLU",
            "re_lu re_lu_1",
        ),
        "two steps with opposite when may share a name": (
            "- {ReLU: {}, name: act, when: =on}\n- {Softmax: {}, name: act, when: =off}",
            "act",
        ),
        "whichever of the two is there": (
            "- {ReLU: {}, name: act, when: =off}\n- {Softmax: {}, name: act, when: =on}",
            "act",
        ),
        "a digit may come first": (
            "- branches: {1x1: [ReLU], 3x3: []}\n  merge: Add",
            "1x1.re_lu add",
        ),
        "the same name in two scopes": (
            "- {name: a, layers: [{ReLU: {}, name: x}]}\n"
            "- {name: b, layers: [{ReLU: {}, name: x}]}",
            "a.x b.x",
        ),
        "an inner name may be that of an outer one": (
            "- {ReLU: {}, name: x}\n- {name: g, layers: [{ReLU: {}, name: x}]}",
            "x g.x",
        ),
    },
)
def test_a_node_is_called(layers: str, found: str) -> None:
    assert names(net(layers, TOP)) == found


def test_a_pair_that_shares_a_name_is_read_as_the_one_that_is_there() -> None:
    layers = """
    - {ReLU: {}, name: a, when: %s}
    - {Softmax: {}, name: a, when: %s}
    - {Add: {}, from: [a, input]}
    """
    assert net(layers % ("=on", "=off"), TOP)["a"].op == "ReLU"
    assert net(layers % ("=off", "=on"), TOP)["a"].op == "Softmax"
    assert refused(layers % ("=on", "=on"), TOP).code == "duplicate-name"


@table(
    "layers, meaning",
    {
        "an unnamed step by what Keras calls it, while it is alone": (
            "- Dense: 4\n- ReLU\n- {Add: {}, from: [previous, dense]}",
            "dense(input) re_lu(dense) add(re_lu dense) -> add",
        ),
        "in its own scope, others elsewhere do not count": (
            "- {name: g, layers: [Dense: 4]}\n- Dense: 4\n- ReLU\n"
            "- {Add: {}, from: [previous, dense]}",
            "g.dense(input) dense(g.dense) re_lu(dense) add(re_lu dense) -> add",
        ),
        "an unnamed block likewise": (
            "- unit\n- Softmax\n- {Add: {}, from: [previous, unit]}",
            "unit.dense(input) unit.act(unit.dense) softmax(unit.act) add(softmax unit.act) -> add",
        ),
        "an unnamed block by a path": (
            "- unit\n- {Add: {}, from: [previous, unit.dense]}",
            "unit.dense(input) unit.act(unit.dense) add(unit.act unit.dense) -> add",
        ),
        "a group is its last step's value": (
            "- {name: g, layers: [Dense: 4, ReLU]}\n- Softmax\n- {Add: {}, from: [previous, g]}",
            "g.dense(input) g.re_lu(g.dense) softmax(g.re_lu) add(softmax g.re_lu) -> add",
        ),
        "a named step in a group by its path": (
            "- {name: down2, layers: [{Dense: 4, name: skip}, ReLU]}\n"
            "- {Add: {}, from: [previous, down2.skip]}",
            "down2.skip(input) down2.re_lu(down2.skip) add(down2.re_lu down2.skip) -> add",
        ),
        "a loop turn is its last step's value": (
            "- {for: {i: [0, 1]}, name: 's{i}', layers: [Dense: 4, ReLU]}\n"
            "- {Add: {}, from: [s1, s0]}",
            "s0.dense(input) s0.re_lu(s0.dense) s1.dense(s0.re_lu) s1.re_lu(s1.dense) "
            "add(s1.re_lu s0.re_lu) -> add",
        ),
        "a branch is its last step's value": (
            "- branches: {a: [Dense: 4, ReLU], b: [Softmax]}\n- {Add: {}, from: [a, b]}",
            "a.dense(input) a.re_lu(a.dense) b.softmax(input) add(a.re_lu b.softmax) -> add",
        ),
        "an empty branch is what it takes": (
            "- Dense: 4\n- branches: {a: [ReLU], b: }\n- {Add: {}, from: [a, b]}",
            "dense(input) a.re_lu(dense) add(a.re_lu dense) -> add",
        ),
        "named branches are what merge gives": (
            "- {name: f, branches: {a: [ReLU], b: }, merge: Add}\n- Softmax\n"
            "- {Add: {}, from: [f, previous]}",
            "f.a.re_lu(input) f.add(f.a.re_lu input) softmax(f.add) add(f.add softmax) -> add",
        ),
        "a group that ends in a bare from is what it leads to": (
            "- {name: g, layers: [{Dense: 4, name: d}, ReLU, {from: d}]}\n"
            "- {Add: {}, from: [g, g.re_lu]}",
            "g.d(input) g.re_lu(g.d) add(g.d g.re_lu) -> add",
        ),
        "a named empty group is its input": (
            "- Dense: 4\n- {name: g, layers: []}\n- ReLU\n- {Add: {}, from: [g, previous]}",
            "dense(input) re_lu(dense) add(dense re_lu) -> add",
        ),
        "a named group with nothing left in it is its input": (
            "- Dense: 4\n- {name: g, layers: [{ReLU: {}, when: =off}]}\n- ReLU\n"
            "- {Add: {}, from: [g, previous]}",
            "dense(input) re_lu(dense) add(dense re_lu) -> add",
        ),
        "an empty block that has a name is its input": (
            "- Dense: 4\n- {hook: {}, name: h}\n- ReLU\n- {Add: {}, from: [h, previous]}",
            "dense(input) re_lu(dense) add(dense re_lu) -> add",
        ),
        "through several scopes": (
            """
            - name: a
              layers:
                - {name: b, layers: [deep]}
            - {Add: {}, from: [a.b.deep.u.dense, a.b]}
            """,
            "a.b.deep.u.dense(input) a.b.deep.u.act(a.b.deep.u.dense) "
            "a.b.deep.softmax(a.b.deep.u.act)"
            " add(a.b.deep.u.dense a.b.deep.softmax) -> add",
        ),
        "from the nearest scope out": (
            """
            - {Dense: 4, name: x}
            - {Softmax: {}, name: y}
            - name: g
              layers:
                - {ReLU: {}, name: x}
                - {Add: {}, from: [x, y]}
            """,
            "x(input) y(x) g.x(y) g.add(g.x y) -> g.add",
        ),
        "before a nearer step has the name, the outer one": (
            """
            - {Dense: 4, name: x}
            - name: g
              layers:
                - {ReLU: {}, from: x}
                - {Softmax: {}, name: x}
            """,
            "x(input) g.re_lu(x) g.x(g.re_lu) -> g.x",
        ),
        "the rest of a path is followed from there": (
            """
            - {name: a, layers: [{Dense: 4, name: x}]}
            - name: g
              layers:
                - {name: b, layers: [ReLU]}
                - {Add: {}, from: [a.x, b.re_lu]}
            """,
            "a.x(input) g.b.re_lu(a.x) g.add(a.x g.b.re_lu) -> g.add",
        ),
        "a step skipped nearer does not hide the outer one": (
            """
            - {Dense: 4, name: x}
            - name: g
              layers:
                - {ReLU: {}, name: x, when: =off}
                - {Add: {}, from: [previous, x]}
            """,
            "x(input) g.add(x x) -> g.add",
        ),
        "an explicit name before an unnamed step of that name": (
            "- {Softmax: {}, name: dense}\n- Dense: 4\n- {Add: {}, from: [previous, dense]}",
            "dense(input) dense_1(dense) add(dense_1 dense) -> add",
        ),
        "an explicit name that looks like a number": (
            "- {ReLU: {}, name: dense_1}\n- {Add: {}, from: [dense_1, input]}",
            "dense_1(input) add(dense_1 input) -> add",
        ),
        "a step within the group that it stands in": (
            "- {name: g, layers: [{Dense: 4, name: d}, ReLU, {Add: {}, from: [previous, d]}]}",
            "g.d(input) g.re_lu(g.d) g.add(g.re_lu g.d) -> g.add",
        ),
    },
)
def test_a_reference_means(layers: str, meaning: str) -> None:
    assert wires(net(layers, TOP)) == meaning


@table(
    "layers, code, words",
    {
        "a step that is not there": ("- {ReLU: {}, from: nowhere}", "unknown-name", "'nowhere'"),
        "a misspelt one": (
            "- {Dense: 4, name: trunk}\n- ReLU\n- {Add: {}, from: [previous, trnk]}",
            "unknown-name",
            "did you mean 'trunk'",
        ),
        "a later one": (
            "- {ReLU: {}, from: later}\n- {Dense: 4, name: later}",
            "unknown-name",
            "written here, later",
        ),
        "itself": ("- {ReLU: {}, from: me, name: me}", "unknown-name", "'me'"),
        "the group that it stands in": (
            "- {name: g, layers: [{ReLU: {}, from: g}]}",
            "unknown-name",
            "no value yet",
        ),
        "one of two unnamed steps": (
            "- Dense: 4\n- Dense: 4\n- {Add: {}, from: [previous, dense]}",
            "ambiguous-name",
            "could be any of 2",
        ),
        "an unnamed step by its number": (
            "- Dense: 4\n- Dense: 4\n- {Add: {}, from: [previous, dense_1]}",
            "ambiguous-name",
            "number",
        ),
        "one of two unnamed blocks": (
            "- unit\n- unit\n- {Add: {}, from: [previous, unit]}",
            "ambiguous-name",
            "could be any of 2",
        ),
        "one of two unnamed steps by a path": (
            "- {name: g, layers: [Dense: 4, Dense: 4]}\n- {Add: {}, from: [previous, g.dense]}",
            "ambiguous-name",
            "could be any of 2",
        ),
        "a name whose when is false": (
            "- {Dense: 4, name: x, when: =off}\n- {ReLU: {}, from: x}",
            "skipped-name",
            "skipped here",
        ),
        "a name in a group whose when is false": (
            "- {name: g, layers: [{Dense: 4, name: x, when: =off}, ReLU]}\n- {ReLU: {}, from: g.x}",
            "skipped-name",
            "skipped here",
        ),
        "a branch whose when is false": (
            "- branches: {a: [ReLU], b: {when: =off, layers: []}}\n- {ReLU: {}, from: b}",
            "skipped-name",
            "skipped here",
        ),
        "a step in a layer": (
            "- {Dense: 4, name: x}\n- {ReLU: {}, from: x.y}",
            "unknown-name",
            "no steps inside",
        ),
        "a step that a group lacks": (
            "- {name: g, layers: [{Dense: 4, name: x}]}\n- {ReLU: {}, from: g.z}",
            "unknown-name",
            "holds no step 'z'",
        ),
        "a step inside a group, from outside, without its path": (
            "- {name: g, layers: [{Dense: 4, name: x}]}\n- {ReLU: {}, from: x}",
            "unknown-name",
            "'x'",
        ),
        "an outer step from within a block": (
            "- {Dense: 4, name: x}\n- peek",
            "unknown-name",
            "'x'",
        ),
        "an outer unnamed step from within a block": (
            "- Softmax\n- peek_softmax",
            "unknown-name",
            "'softmax'",
        ),
        "a path through input": ("- {ReLU: {}, from: input.x}", "unknown-name", "'input.x'"),
    },
)
def test_a_reference_cannot_mean(layers: str, code: str, words: str) -> None:
    blocks = """
  peek: {layers: [{ReLU: {}, from: x}]}
  peek_softmax: {layers: [{ReLU: {}, from: softmax}]}
"""
    error = refused(layers, TOP.rstrip() + blocks)
    assert (error.code, words in said(error)) == (code, True), str(error)


@table(
    "layers, code, words",
    {
        "a name that another step has": (
            "- {ReLU: {}, name: x}\n- {Dense: 4, name: x}",
            "duplicate-name",
            "first used here",
        ),
        "a name that a group has": (
            "- {layers: [ReLU], name: x}\n- {Dense: 4, name: x}",
            "duplicate-name",
            "first used here",
        ),
        "a name that a branch has": (
            "- branches: {x: [ReLU], b: []}\n  merge: Add\n- {Dense: 4, name: x}",
            "duplicate-name",
            "first used here",
        ),
        "a name within an unnamed group that a step outside has": (
            "- {ReLU: {}, name: x}\n- layers: [{Dense: 4, name: x}]",
            "duplicate-name",
            "first used here",
        ),
        "a key that branches before it have": (
            "- branches: {a: [ReLU], b: []}\n  merge: Add\n- branches: {a: [ReLU], c: []}\n"
            "  merge: Add",
            "duplicate-name",
            "first used here",
        ),
        "the reserved input": ("- {ReLU: {}, name: input}", "name", "reserved"),
        "the reserved previous": ("- {ReLU: {}, name: previous}", "name", "reserved"),
        "a branch called previous": (
            "- branches: {previous: [ReLU], b: []}\n  merge: Add",
            "name",
            "reserved",
        ),
        "dots": ("- {ReLU: {}, name: a.b}", "name", "letters, digits"),
        "slashes": ("- {ReLU: {}, name: a/b}", "name", "letters, digits"),
        "spaces": ("- {ReLU: {}, name: a b}", "name", "letters, digits"),
        "a dash first": ("- {ReLU: {}, name: -a}", "name", "not possible"),
        "a branch with a dot": (
            "- branches: {a.b: [ReLU], c: []}\n  merge: Add",
            "name",
            "not possible",
        ),
        "a name that a formula makes impossible": (
            "- {for: {k: ['a.b']}, ReLU: {}, name: 'x{k}'}",
            "name",
            "not possible",
        ),
        "a name that is one Keras name with a path": (
            "- {name: a, layers: [{ReLU: {}, name: b}]}\n- {Dense: 4, name: a-b}",
            "duplicate-name",
            "one Keras name",
        ),
    },
)
def test_a_name_cannot_be(layers: str, code: str, words: str) -> None:
    error = refused(layers, TOP)
    assert (error.code, words in said(error)) == (code, True), str(error)


# --- inserting a layer never changes what another one reads ---------------------------------------

READING = """
- Dense: 4
- name: g
  layers:
    - ReLU
    - {Concatenate: {}, from: [previous, dense]}
"""


def reads(layers: str) -> str:
    """What the Concatenate of `READING` takes, by the units of the Dense that it is."""
    graph = net(layers, TOP)
    (merge,) = (node for node in graph if node.op == "Concatenate")
    return str(graph[merge.inputs[1]].arguments.get("units"))


@pytest.mark.parametrize(
    ("inserted", "line"),
    [
        ("- Dense: 9", 0),
        ("- {name: h, layers: [Dense: 9]}", 0),
        ("- {name: dense_1, layers: [ReLU]}", 0),
        ("- Dense: 9", 1),
        ("- {Dense: 9, when: =off}", 1),
        ("    - Dense: 9", 3),
        ("    - Dense: 9", 4),
        ("    - {Dense: 9, when: =off}", 4),
        ("    - layers: [Dense: 9]", 4),
        ("    - {name: h, layers: [Dense: 9]}", 4),
        ("    - Dense: 9", 5),
        ("- Dense: 9", 5),
    ],
)
def test_inserting_a_layer_never_changes_what_another_one_reads(inserted: str, line: int) -> None:
    lines = READING.strip().splitlines()
    lines.insert(line, inserted)
    try:
        found = reads("\n".join(lines))
    except SpecError as error:
        found = " ".join(each.code for each in error.diagnostics)
    assert found in ("4", "ambiguous-name")


def test_the_test_above_can_fail() -> None:
    assert reads(READING) == "4"
    assert reads(READING.replace("- ReLU", "- {Dense: 9, name: dense}")) == "9"


def test_an_ambiguous_name_shows_whom_it_could_mean() -> None:
    error = refused("- Dense: 4\n- Dense: 5\n- {Add: {}, from: [previous, dense]}")
    assert here(error) == "dense"
    assert [note.span.line for note in error.notes] == [4, 5]


def test_several_inputs_are_names_like_others() -> None:
    graph = net("- {name: g, layers: [{Add: {}, from: [a, b]}]}", PAIR)
    assert wires(graph) == "g.add(a b) -> g.add"
    assert argument(graph, "shape") == [(6,), (6,)]


@table(
    "layers",
    {
        "a layer": "- {Dense: {unts: 4}, name: x}\n- {ReLU: {}, from: x}",
        "a step inside a failed group": "- {name: x, layers: 3}\n- {ReLU: {}, from: x.y}",
        "a step inside a failed block": "- {unit: {n: 4}, name: x}\n- {ReLU: {}, from: x.act}",
        "an unnamed failed block": "- unit: {n: 4}\n- {ReLU: {}, from: unit}",
        "an unnamed failed layer": "- Dense: =oops\n- ReLU\n- {Add: {}, from: [previous, dense]}",
        "the reuse of a failed layer": "- {Dense: {unts: 4}, name: x}\n- reuse: x",
        "the reuse of a failed block": "- {unit: {n: 4}, name: x}\n- reuse: x",
        "a failed branch": "- branches: {a: [{Dense: =oops}], b: []}\n- {Add: {}, from: [a, b]}",
        "a turn of a failed loop": "- {Dense: -1, for: {i: [0, 1]}, name: 'x{i}'}\n- reuse: x1",
        "a turn whose loop fails": "- {Dense: 1, for: {i: 3}, name: 'x{i}'}\n- reuse: x1",
        "a failed turn that is numbered": (
            "- {unit: {n: 4}, repeat: 2, name: x}\n- {ReLU: {}, from: x1.act}"
        ),
        "a step whose `when` fails": "- {ReLU: {}, when: ='a', name: x}\n- {ReLU: {}, from: x}",
        "a branch whose `when` fails": (
            "- branches: {a: {when: =1 / 0, layers: [{ReLU: {}, name: y}]}, b: []}\n  merge: Add\n"
            "- {Add: {}, from: [a, a.y]}"
        ),
        "outputs in a misspelt block": "- {unti: 4, name: x}\noutputs: [x, x.act]",
        "a step outside that a failed one may be called like": (
            "- {ReLU: {}, name: x1}\n"
            "- {name: g, layers: [{ReLU: {}, name: 'x{oops}'}, {Add: {}, from: [x1, input]}]}"
        ),
        "a failed merge": (
            "- branches: [[ReLU], []]\n  merge: {Add: {}, name: x, units: 3}\n- {ReLU: {}, from: x}"
        ),
        "a merge that reuses nothing": (
            "- branches: [[ReLU], []]\n  merge: {reuse: y, name: x}\n- {ReLU: {}, from: x}"
        ),
        "a step inside a misspelt block": "- {unti: 4, name: x}\n- {ReLU: {}, from: x.act}",
    },
)
def test_one_mistake_is_one_error_for_those_who_refer_to(layers: str) -> None:
    refused(layers, TOP)


@table(
    "layers, found",
    {
        "the Keras layer is called the same with - for .": (
            "- {name: a, layers: [{ReLU: {}, name: b}]}",
            "a-b",
        ),
    },
)
def test_keras_names(layers: str, found: str) -> None:
    from archspec.backends.spec_yaml import flat_name

    assert [flat_name(node.name) for node in net(layers) if node.op != "InputLayer"] == [found]


@pytest.mark.parametrize(
    "failing",
    [
        "- {from: nosuch, layers: [{Dense: 9, name: a}]}",
        "- {from: nosuch, layers: [{layers: [{layers: [{Dense: 9, name: a}]}]}]}",
        "- {branches: [{from: nosuch, layers: [{Dense: 9, name: a}]}, []], merge: Add}",
        "- {branches: [{from: nosuch, layers: [{branches: {a: [], b: []}, merge: Add}]}]}",
        "- {from: nosuch, layers: [{Dense: 9, name: 'a{i}', for: {i: [1, 2]}}]}",
    ],
)
def test_a_name_inside_a_step_that_failed_is_no_other_mistake(failing):
    name = "a1" if "a{i}" in failing else "a"
    text = f"archspec: 1\ninput: [9]\nlayers:\n  {failing}\n  - {{Dense: 9, from: {name}}}\n"
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(text)
    assert [each.message for each in caught.value.diagnostics if each.severity == "error"] == [
        "no step is called 'nosuch' up to here"
    ]
