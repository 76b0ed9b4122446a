"""Flow: what each step takes, how branches part and meet, and where a model ends."""

import pytest
from texts import INPUT, PAIR, argument, here, names, net, refused, said, table, text, wires

import archspec

BLOCKS = (
    INPUT
    + """
params: {on: true, off: false}
blocks:
  unit: {params: {n: 4}, layers: [{Dense: =n}]}
  both: {inputs: [x, y], layers: [{Add: {}, from: [x, y]}]}
  empty: {layers: []}
"""
)


@table(
    "layers, meaning",
    {
        "each step takes the one before it": (
            "- Dense: 4\n- ReLU\n- Softmax",
            "dense(input) re_lu(dense) softmax(re_lu) -> softmax",
        ),
        "from names another step": (
            """
            - Dense: 4
              name: first
            - ReLU
            - Softmax:
              from: first
            - Add:
              from: [re_lu, previous]
            """,
            "first(input) re_lu(first) softmax(first) add(re_lu softmax) -> add",
        ),
        "from input takes the spec's input": (
            "- Dense: 4\n- Add:\n  from: [previous, input]",
            "dense(input) add(dense input) -> add",
        ),
        "input is the enclosing block's input, wherever it is written": (
            """
            - Dense: 4
            - name: g
              layers:
                - ReLU
                - branches:
                    a: [{Add: {}, from: [previous, input]}]
                    b:
                  merge: Add
            """,
            "dense(input) g.re_lu(dense) g.a.add(g.re_lu input) g.add(g.a.add g.re_lu) -> g.add",
        ),
        "previous is the value that the step would take anyway": (
            "- Dense: 4\n- ReLU:\n  from: previous",
            "dense(input) re_lu(dense) -> re_lu",
        ),
        "previous in a branch is the step before it there, or what all branches take": (
            """
            - Dense: 4
            - branches:
                a: [{ReLU: {}, from: previous}, {Add: {}, from: [previous, previous]}]
                b: [{Softmax: {}, from: previous}]
              merge: Add
            """,
            "dense(input) a.re_lu(dense) a.add(a.re_lu a.re_lu) b.softmax(dense) "
            "add(a.add b.softmax) -> add",
        ),
        "a list goes as a list to layers that take one": (
            "- Dense: 4\n- Concatenate:\n  from: [input, previous, input]",
            "dense(input) concatenate(input dense input) -> concatenate",
        ),
        "a list of one is a single value": (
            "- Dense: 4\n- ReLU:\n  from: [input]\n- Add:\n  from: [dense, re_lu]",
            "dense(input) re_lu(input) add(dense re_lu) -> add",
        ),
        "a bare from continues from there": (
            """
            - Dense: 4
            - ReLU:
              name: side
            - from: dense
            - Softmax
            - Add:
              from: [previous, side]
            """,
            "dense(input) side(dense) softmax(dense) add(softmax side) -> add",
        ),
        "a bare from that has a name can be referred to": (
            """
            - Dense: 4
            - from: input
              name: skip
            - Softmax
            - Add:
              from: [skip, previous, dense]
            """,
            "dense(input) softmax(input) add(input softmax dense) -> add",
        ),
        "from on a group feeds the group": (
            """
            - Dense: 4
            - from: input
              layers: [ReLU, Softmax]
            - Add:
              from: [dense, previous]
            """,
            "dense(input) re_lu(input) softmax(re_lu) add(dense softmax) -> add",
        ),
        "from on branches feeds them all": (
            """
            - Dense: 4
              name: d
            - ReLU
            - from: d
              branches: {a: [Softmax], b: []}
              merge: Add
            - Add:
              from: [previous, re_lu]
            """,
            "d(input) re_lu(d) a.softmax(d) add(a.softmax d) add_1(add re_lu) -> add_1",
        ),
        "from on a block feeds the block": (
            "- Dense: 4\n- unit:\n  from: input\n- Add:\n  from: [dense, unit]",
            "dense(input) unit.dense(input) add(dense unit.dense) -> add",
        ),
        "an unnamed group changes nothing": (
            "- Dense: 4\n- layers: [ReLU, {layers: [Softmax]}]\n- ReLU",
            "dense(input) re_lu(dense) softmax(re_lu) re_lu_1(softmax) -> re_lu_1",
        ),
        "an empty block is its input": (
            "- Dense: 4\n- empty\n- ReLU",
            "dense(input) re_lu(dense) -> re_lu",
        ),
        "a block takes a list if it declares inputs": (
            "- Dense: 4\n- both:\n  from: [previous, input]",
            "dense(input) both.add(dense input) -> both.add",
        ),
        "a block takes a mapping to its inputs, in any order": (
            "- Dense: 4\n- both:\n  from: {y: input, x: previous}",
            "dense(input) both.add(dense input) -> both.add",
        ),
    },
)
def test_a_step_takes(layers: str, meaning: str) -> None:
    assert wires(net(layers, BLOCKS)) == meaning


# --- branches ------------------------------------------------------------------------------------


@table(
    "layers, meaning",
    {
        "a list of branches, fed by the same value": (
            "- Dense: 4\n- branches: [[ReLU], [Softmax, ReLU]]\n  merge: Concatenate",
            "dense(input) re_lu(dense) softmax(dense) re_lu_1(softmax) "
            "concatenate(re_lu re_lu_1) -> concatenate",
        ),
        "a mapping of branches": (
            "- branches: {a: [ReLU], b: [Softmax]}\n  merge: Add",
            "a.re_lu(input) b.softmax(input) add(a.re_lu b.softmax) -> add",
        ),
        "a branch is a group": (
            "- branches: {a: {layers: [ReLU]}, b: {layers: [Softmax]}}\n  merge: Add",
            "a.re_lu(input) b.softmax(input) add(a.re_lu b.softmax) -> add",
        ),
        "a group in a list of branches may have a name": (
            "- branches: [{name: a, layers: [ReLU]}, [Softmax]]\n  merge: Add",
            "a.re_lu(input) softmax(input) add(a.re_lu softmax) -> add",
        ),
        "branches are merged in the order they are written": (
            "- branches: {z: [ReLU], a: [Softmax]}\n  merge: Concatenate",
            "z.re_lu(input) a.softmax(input) concatenate(z.re_lu a.softmax) -> concatenate",
        ),
        "an empty branch is the identity": (
            "- branches: {a: [ReLU], b: }\n  merge: Add",
            "a.re_lu(input) add(a.re_lu input) -> add",
        ),
        "an empty list is an empty branch": (
            "- branches: [[ReLU], []]\n  merge: Add",
            "re_lu(input) add(re_lu input) -> add",
        ),
        "an empty group is an empty branch": (
            "- branches: {a: [ReLU], b: {layers: []}}\n  merge: Add",
            "a.re_lu(input) add(a.re_lu input) -> add",
        ),
        "merge is a layer with arguments and a name": (
            "- branches: [[ReLU], []]\n  merge: {Concatenate: {axis: 1}, name: join}",
            "re_lu(input) join(re_lu input) -> join",
        ),
        "merge is a block": (
            "- branches: {a: [ReLU], b: [Softmax]}\n  merge: both",
            "a.re_lu(input) b.softmax(input) both.add(a.re_lu b.softmax) -> both.add",
        ),
        "merge is a block with a name": (
            "- branches: {a: [ReLU], b: [Softmax]}\n  merge: {both: {}, name: join}",
            "a.re_lu(input) b.softmax(input) join.add(a.re_lu b.softmax) -> join.add",
        ),
        "when on a branch removes it": (
            """
            - branches:
                a: [ReLU]
                b: {when: =off, layers: [Softmax]}
                c: [Softmax]
              merge: Add
            """,
            "a.re_lu(input) c.softmax(input) add(a.re_lu c.softmax) -> add",
        ),
        "with one branch left there is no merge": (
            "- branches: {a: [ReLU], b: {when: =off, layers: [Softmax]}}\n  merge: Add",
            "a.re_lu(input) -> a.re_lu",
        ),
        "with one branch written there is no merge": (
            "- branches: {a: [ReLU]}\n  merge: Concatenate",
            "a.re_lu(input) -> a.re_lu",
        ),
        "when on a branch keeps it": (
            "- branches: {a: [ReLU], b: {when: =on, layers: [Softmax]}}\n  merge: Add",
            "a.re_lu(input) b.softmax(input) add(a.re_lu b.softmax) -> add",
        ),
        "when on a step inside leaves the identity": (
            "- branches: {a: [ReLU], b: [{when: =off, Softmax: {}}]}\n  merge: Add",
            "a.re_lu(input) add(a.re_lu input) -> add",
        ),
        "when on a group inside leaves the identity": (
            "- branches: {a: [ReLU], b: [{when: =off, layers: [Softmax]}]}\n  merge: Add",
            "a.re_lu(input) add(a.re_lu input) -> add",
        ),
        "a branch that is a group may say from": (
            "- Dense: 4\n"
            "- branches: {a: [ReLU], b: {from: input, layers: [Softmax]}}\n  merge: Add",
            "dense(input) a.re_lu(dense) b.softmax(input) add(a.re_lu b.softmax) -> add",
        ),
        "a branch may be no more than a from": (
            "- Dense: 4\n- branches: {a: [ReLU], b: [{from: input}]}\n  merge: Add",
            "dense(input) a.re_lu(dense) add(a.re_lu input) -> add",
        ),
        "a branch that is a mapping may be no more than a from": (
            "- Dense: 4\n- branches: {a: [ReLU], b: {from: input}}\n  merge: Add",
            "dense(input) a.re_lu(dense) add(a.re_lu input) -> add",
        ),
        "a bare from leads out of a branch": (
            "- Dense: 4\n- branches: {a: [ReLU, {from: input}, Softmax], b: []}\n  merge: Add\n"
            "- Add:\n  from: [previous, a.re_lu]",
            "dense(input) a.re_lu(dense) a.softmax(input) add(a.softmax dense) "
            "add_1(add a.re_lu) -> add_1",
        ),
        "branches in branches": (
            """
            - branches:
                a:
                  - branches: {x: [ReLU], y: [Softmax]}
                    merge: Add
                b: []
              merge: Concatenate
            """,
            "a.x.re_lu(input) a.y.softmax(input) a.add(a.x.re_lu a.y.softmax) "
            "concatenate(a.add input) -> concatenate",
        ),
        "without merge, the next step says from": (
            """
            - branches: {a: [ReLU], b: [Softmax]}
            - Add:
              from: [b, a]
            """,
            "a.re_lu(input) b.softmax(input) add(b.softmax a.re_lu) -> add",
        ),
        "without merge, a group may leave from to its first step": (
            """
            - branches: {a: [ReLU], b: [Softmax]}
            - name: g
              layers:
                - Add:
                  from: [b, a]
            """,
            "a.re_lu(input) b.softmax(input) g.add(b.softmax a.re_lu) -> g.add",
        ),
        "without merge, outputs may name the branches": (
            "- branches: {a: [ReLU], b: [Softmax]}",
            "a.re_lu(input) b.softmax(input) -> b.softmax a.re_lu",
        ),
    },
)
def test_branches(layers: str, meaning: str) -> None:
    outputs = "\noutputs: [b, a]" if meaning.endswith("> b.softmax a.re_lu") else ""
    assert wires(net(layers, BLOCKS + outputs)) == meaning


@table(
    "layers, code, words",
    {
        "without merge there is no previous value": (
            "- branches: [[ReLU], [Softmax]]\n- Dense: 4",
            "no-value",
            "not merged",
        ),
        "without merge the model has no output": (
            "- branches: [[ReLU], [Softmax]]",
            "outputs",
            "not merged",
        ),
        "a branch that ends without a value cannot be merged": (
            "- branches: {a: [{branches: [[ReLU], [Softmax]]}], b: []}\n  merge: Add",
            "no-value",
            "not merged",
        ),
        "a branch is not a single step": (
            "- branches: {a: {Dense: 4}, b: []}\n  merge: Add",
            "branch",
            "- Dense: ...",
        ),
        "a branch in a list is not a single step": (
            "- branches: [{Dense: 4}, []]\n  merge: Add",
            "branch",
            "- Dense",
        ),
        "a branch is not a word": ("- branches: [ReLU, []]\n  merge: Add", "branch", "[ReLU]"),
        "a branch in a mapping is not a word": (
            "- branches: {a: ReLU, b: []}\n  merge: Add",
            "branch",
            "[ReLU]",
        ),
        "a branch takes no repeat": (
            "- branches: [{repeat: 2, layers: [ReLU]}, []]\n  merge: Add",
            "branch",
            "inside",
        ),
        "a branch under a key has no other name": (
            "- branches: {a: {name: b, layers: [ReLU]}, c: []}\n  merge: Add",
            "branch",
            "its key",
        ),
        "a branch takes one value": (
            "- branches: [{from: [input, input], layers: [ReLU]}, []]\n  merge: Add",
            "inputs",
            "one value",
        ),
        "merge stands beside branches": ("- Dense: 4\n  merge: Add", "merge", "branches"),
        "merge takes what the branches give": (
            "- branches: [[ReLU], []]\n  merge: {Add: {}, from: input}",
            "merge",
            "from",
        ),
        "merge is there or not with its branches": (
            "- branches: [[ReLU], []]\n  merge: {Add: {}, when: false}",
            "merge",
            "when",
        ),
        "merge happens once": (
            "- branches: [[ReLU], []]\n  merge: {Add: {}, repeat: 2}",
            "merge",
            "repeat",
        ),
        "merge names what to do": (
            "- branches: [[ReLU], []]\n  merge: {name: x}",
            "no-step",
            "names no layer",
        ),
        "merge is more than a from": (
            "- branches: [[ReLU], []]\n  merge: {from: input}",
            "merge",
            "values of the branches",
        ),
        "merge is no group": (
            "- branches: [[ReLU], []]\n  merge: {layers: [Add]}",
            "merge",
            "a layer or a block",
        ),
        "merge is no branches": (
            "- branches: [[ReLU], []]\n  merge: {branches: [[ReLU]]}",
            "merge",
            "a layer or a block",
        ),
        "a block that merges declares inputs": (
            "- branches: [[ReLU], []]\n  merge: unit",
            "inputs",
            "takes one value, got 2",
        ),
        "a block that merges declares as many inputs": (
            "- branches: [[ReLU], [], [Softmax]]\n  merge: both",
            "inputs",
            "takes 2 inputs",
        ),
        "when on every branch leaves nothing to merge": (
            "- branches: [{when: =off, layers: [ReLU]}]\n  merge: Add",
            "branches",
            "no branch is left",
        ),
    },
)
def test_branches_cannot(layers: str, code: str, words: str) -> None:
    error = refused(layers, BLOCKS)
    assert (error.code, words in said(error)) == (code, True), str(error)


# --- mappings and lists --------------------------------------------------------------------------

HEADS = "MultiHeadAttention: {num_heads: 2, key_dim: 4}"
SEQUENCE = "input: [10, 8]"


@table(
    "layers, meaning, slots",
    {
        "a layer with named inputs takes a mapping": (
            f"- Dense: 8\n  name: k\n- {HEADS}\n  from: {{query: input, value: k}}",
            "k(input) multi_head_attention(input k) -> multi_head_attention",
            ("query", "value"),
        ),
        "in any order": (
            f"- Dense: 8\n  name: k\n- {HEADS}\n  from: {{value: k, query: input}}",
            "k(input) multi_head_attention(input k) -> multi_head_attention",
            ("query", "value"),
        ),
        "previous and input may be in it": (
            f"- Dense: 8\n- {HEADS}\n  from: {{query: previous, key: input, value: input}}",
            "dense(input) multi_head_attention(dense input input) -> multi_head_attention",
            ("query", "value", "key"),
        ),
    },
)
def test_named_inputs(layers: str, meaning: str, slots: tuple[str, ...]) -> None:
    graph = net(layers, SEQUENCE)
    assert wires(graph) == meaning
    assert graph[graph.outputs[0]].slots == slots


@table(
    "layers, words",
    {
        "a layer with named inputs takes no list": (
            f"- {HEADS}\n  from: [input, input]",
            "takes its inputs by name",
        ),
        "nor a single value": (f"- {HEADS}", "from: {query: previous, value: previous}"),
        "a name that it lacks": (
            f"- {HEADS}\n  from: {{query: input, value: input, keys: input}}",
            "did you mean 'key'",
        ),
        "a name that it needs": (
            f"- {HEADS}\n  from: {{query: input}}",
            "needs an input called 'value'",
        ),
        "a layer of one input takes no mapping": ("- Dense: 4\n  from: {x: input}", "by name"),
        "a layer of one input takes no list of two": (
            "- Dense: 4\n  from: [input, input]",
            "takes one input, got 2",
        ),
        "a layer of many inputs takes no mapping": ("- Add:\n  from: {a: input}", "by name"),
        "a group takes one value": ("- from: [input, input]\n  layers: [ReLU]", "one value"),
        "branches take one value": (
            "- from: [input, input]\n  branches: [[ReLU]]\n  merge: Add",
            "one value",
        ),
        "a bare from takes one value": ("- from: [input, input]\n- ReLU", "one value"),
        "a block without inputs takes no list": (
            "- unit:\n  from: [input, input]",
            "takes one value, got 2",
        ),
        "a block without inputs takes no mapping": (
            "- unit:\n  from: {input: input}",
            "takes one value",
        ),
        "a block with inputs takes as many": ("- both:\n  from: [input]", "takes 2 inputs: x, y"),
        "a block with inputs takes those that it declares": (
            "- both:\n  from: {x: input, z: input}",
            "takes 2 inputs: x, y",
        ),
        "a block with several inputs takes no single value": ("- both", "takes 2 inputs: x, y"),
    },
)
def test_a_step_cannot_take(layers: str, words: str) -> None:
    error = refused(layers, BLOCKS)
    assert (error.code, words in said(error)) == ("inputs", True), str(error)


# --- several inputs ------------------------------------------------------------------------------


@table(
    "layers, meaning",
    {
        "with several inputs the first step says from": (
            "- Dense: 3\n  from: b\n- Dense: 6\n- Add:\n  from: [previous, a]",
            "dense(b) dense_1(dense) add(dense_1 a) -> add",
        ),
        "a list of them": ("- Add:\n  from: [b, a]", "add(b a) -> add"),
        "the first step of the first group says it": (
            "- name: g\n  layers:\n    - Dense: 6\n      from: a\n- Add:\n  from: [previous, b]",
            "g.dense(a) add(g.dense b) -> add",
        ),
        "each of the first branches says it": (
            """
            - branches:
                left: {from: a, layers: [ReLU]}
                right: [{Softmax: {}, from: b}]
              merge: Concatenate
            """,
            "left.re_lu(a) right.softmax(b) concatenate(left.re_lu right.softmax) -> concatenate",
        ),
        "a bare from says it": (
            "- from: a\n- ReLU\n- Add:\n  from: [previous, b]",
            "re_lu(a) add(re_lu b) -> add",
        ),
        "inputs are seen inside groups": (
            "- name: g\n  layers: [{Add: {}, from: [a, b]}]",
            "g.add(a b) -> g.add",
        ),
    },
)
def test_several_inputs(layers: str, meaning: str) -> None:
    graph = net(layers, PAIR)
    assert wires(graph) == meaning
    assert graph.inputs == ("a", "b")


@table(
    "layers, code, words",
    {
        "a first step that does not say from": ("- Dense: 3", "no-value", "several inputs"),
        "a first block that does not say from": ("- unit", "no-value", "several inputs"),
        "a first group whose first step does not say it": (
            "- layers: [Dense: 3]",
            "no-value",
            "several inputs",
        ),
        "input, of which there are several": (
            "- Dense: 3\n  from: input",
            "unknown-name",
            "several inputs",
        ),
        "an input that nobody uses": ("- Dense: 3\n  from: a", "unused-input", "'b'"),
        "a step called as an input": (
            "- Add:\n  from: [a, b]\n- Dense: 3\n  name: a",
            "duplicate-name",
            "'a'",
        ),
    },
)
def test_several_inputs_cannot(layers: str, code: str, words: str) -> None:
    top = PAIR + "\nblocks: {unit: {layers: [ReLU]}}"
    error = refused(layers, top)
    assert (error.code, words in said(error)) == (code, True), str(error)


@table(
    "top, shape, dtype",
    {
        "a shape without the batch axis": ("input: [28, 28, 1]", (None, 28, 28, 1), "float32"),
        "null is an unknown axis": ("input: [null, null, 3]", (None, None, None, 3), "float32"),
        "a mapping with a dtype": ("input: {shape: [9], dtype: int32}", (None, 9), "int32"),
        "a mapping without one": ("input: {shape: [9]}", (None, 9), "float32"),
        "formulas": ("params: {n: 3}\ninput: [=n * 2, =n / 1]", (None, 6, 3), "float32"),
        "a formula for the whole": ("params: {s: [4, 5]}\ninput: =s", (None, 4, 5), "float32"),
        "a name of its own": ("inputs: {image: [4]}", (None, 4), "float32"),
    },
)
def test_an_input_is(top: str, shape: tuple[int | None, ...], dtype: str) -> None:
    graph = net("- Dropout: 0.5", top)
    (name,) = graph.inputs
    assert graph.shape(name) == shape
    assert graph[name].arguments["dtype"] == dtype
    assert name == ("image" if "image" in top else "input")


def test_one_input_with_a_name_of_its_own_is_the_input_all_the_same() -> None:
    graph = net(
        "- Dense: =input.channels\n- Add:\n  from: [previous, image, input]", "inputs: {image: [4]}"
    )
    assert wires(graph) == "dense(image) add(dense image image) -> add"
    assert argument(graph, "units") == [4]


@table(
    "top, code",
    {
        "nothing": ("params: {a: 1}", "input"),
        "no axes": ("input: []", "input"),
        "no list": ("input: 28", "input"),
        "an axis of 0": ("input: [0]", "input"),
        "a negative axis": ("input: [-1]", "input"),
        "an axis between integers": ("params: {n: 3}\ninput: [=n / 2]", "input"),
        "a boolean axis": ("params: {n: true}\ninput: [=n]", "input"),
        "a word": ("input: [wide]", "input"),
        "an unknown dtype": ("input: {shape: [9], dtype: float23}", "input"),
        "both input and inputs": ("input: [4]\ninputs: {a: [4]}", "input"),
        "an input called previous": ("inputs: {previous: [4], b: [4]}", "name"),
        "an input called input among several": ("inputs: {input: [4], b: [4]}", "name"),
        "an input with a dot in its name": ("inputs: {a.b: [4], b: [4]}", "name"),
    },
)
def test_an_input_is_not(top: str, code: str) -> None:
    step = "- Dropout: 0.5" if "b: [4]" not in top else "- Dropout: 0.5\n  from: b"
    assert refused(step, top).code == code


def test_blocks_with_inputs() -> None:
    top = (
        INPUT
        + """
blocks:
  gate:
    inputs: [signal, mask]
    layers:
      - Dense: 4
        from: mask
      - name: inner
        layers: [{Multiply: {}, from: [signal, previous]}]
"""
    )
    graph = net("- ReLU\n- gate:\n  from: [input, previous]", top)
    assert wires(graph) == (
        "re_lu(input) gate.dense(re_lu) gate.inner.multiply(input gate.dense) "
        "-> gate.inner.multiply"
    )


@table(
    "block, code, words",
    {
        "its first step does not say from": (
            "{inputs: [x, y], layers: [ReLU]}",
            "no-value",
            "several inputs",
        ),
        "input, of which there are several": (
            "{inputs: [x, y], layers: [{ReLU: {}, from: input}]}",
            "unknown-name",
            "several inputs",
        ),
        "an input of the spec": (
            "{inputs: [x, y], layers: [{Add: {}, from: [x, a]}]}",
            "unknown-name",
            "'a'",
        ),
        "two inputs of one name": (
            "{inputs: [x, x], layers: [{ReLU: {}, from: x}]}",
            "duplicate-name",
            "'x'",
        ),
        "a step called as one of its inputs": (
            "{inputs: [x, y], layers: [{Add: {}, from: [x, y], name: x}]}",
            "duplicate-name",
            "'x'",
        ),
        "a reserved name": (
            "{inputs: [x, previous], layers: [{ReLU: {}, from: x}]}",
            "name",
            "reserved",
        ),
        "nothing in it": ("{inputs: [x, y], layers: []}", "no-value", "several inputs"),
    },
)
def test_blocks_with_inputs_cannot(block: str, code: str, words: str) -> None:
    error = refused("- two:\n  from: [a, b]", f"{PAIR}\nblocks: {{two: {block}}}")
    assert (error.code, words in said(error)) == (code, True), str(error)


def test_a_block_with_one_declared_input_takes_a_single_value() -> None:
    top = INPUT + "\nblocks: {one: {inputs: [x], layers: [ReLU, {Add: {}, from: [previous, x]}]}}"
    assert wires(net("- one", top)) == "one.re_lu(input) one.add(one.re_lu input) -> one.add"


def test_a_step_nearer_than_an_input_of_the_block_is_the_one_meant() -> None:
    """A reference is sought from the nearest scope, and inputs stand in the outermost."""
    layers = """
    - Add:
      from: [a, b]
    - name: g
      layers:
        - ReLU:
          name: a
        - Softmax
        - Add:
          from: [previous, a]
    """
    assert net(layers, PAIR)["g.add"].inputs == ("g.softmax", "g.a")


# --- where a model ends --------------------------------------------------------------------------

SIDE = """
- Dense: 4
  name: trunk
- Dense: 2
  name: side
- from: trunk
- Dense: 3
  name: main
"""


@table(
    "outputs, meaning",
    {
        "in the order of outputs": ("[main, side]", "main side"),
        "in the other order": ("[side, main]", "side main"),
        "an output may go on": ("[trunk, main, side]", "trunk main side"),
    },
)
def test_a_side_head_is_a_step_that_the_main_line_leaves(outputs: str, meaning: str) -> None:
    graph = net(SIDE, f"{INPUT}\noutputs: {outputs}")
    assert " ".join(graph.outputs) == meaning


def test_the_default_output_is_the_last_step() -> None:
    assert net("- Dense: 4\n- ReLU").outputs == ("re_lu",)


@table(
    "layers, outputs, code, place",
    {
        "a side head that is no output": (SIDE, "[main]", "unused-step", "Dense: 2"),
        "a side head without outputs": (SIDE, None, "unused-step", "Dense: 2"),
        "an output that is not there": (SIDE, "[main, sied]", "unknown-name", "sied"),
        "an output twice": (SIDE, "[main, side, main]", "outputs", "main"),
        "previous": ("- Dense: 4", "[previous]", "no-value", "previous"),
        "an output by one of its numbers": (
            "- Dense: 4\n- Dense: 4",
            "[dense_1]",
            "ambiguous-name",
            "dense_1",
        ),
        "a last step that is no output": (
            "- Dense: 4\n  name: d\n- ReLU",
            "[d]",
            "unused-step",
            "ReLU",
        ),
    },
)
def test_outputs_cannot(layers: str, outputs: str | None, code: str, place: str) -> None:
    error = refused(layers, INPUT + (f"\noutputs: {outputs}" if outputs else ""))
    assert error.code == code
    assert here(error) == place


def test_outputs_reach_into_groups_and_blocks() -> None:
    layers = "- name: g\n  layers: [{Dense: 4, name: d}, ReLU]\n- unit:\n  name: u"
    graph = net(layers, BLOCKS + "\noutputs: [u, g.d, g]")
    assert graph.outputs == ("u.dense", "g.d", "g.re_lu")


def test_a_spec_without_layers_is_an_error() -> None:
    assert refused("[]").code in ("layers", "schema")


# --- modifiers -----------------------------------------------------------------------------------


def test_call_gives_call_arguments() -> None:
    graph = net("- Dropout: 0.5\n  call: {training: true}")
    assert dict(graph["dropout"].call) == {"training": True}


@table(
    "layers, code, words",
    {
        "an argument that the layer's call lacks": (
            "- Dense: 4\n  call: {training: true}",
            "unknown-argument",
            "'training'",
        ),
        "a misspelt one": (
            "- Dropout: 0.5\n  call: {trainig: true}",
            "unknown-argument",
            "did you mean 'training'",
        ),
        "what is no boolean": (
            "- Dropout: 0.5\n  call: {training: 1}",
            "argument-value",
            "true or false",
        ),
        "a group": ("- layers: [ReLU]\n  call: {training: true}", "call", "a layer"),
        "branches": (
            "- branches: [[ReLU]]\n  merge: Add\n  call: {training: true}",
            "call",
            "a layer",
        ),
        "a block": ("- unit:\n  call: {training: true}", "call", "a layer"),
        "a bare from": ("- from: input\n  call: {training: true}\n- ReLU", "call", "a layer"),
        "the reuse of a block": (
            "- unit\n- reuse: unit\n  call: {training: true}",
            "call",
            "a layer",
        ),
    },
)
def test_call_cannot_go_with(layers: str, code: str, words: str) -> None:
    error = refused(layers, BLOCKS)
    assert (error.code, words in said(error)) == (code, True), str(error)


@table(
    "layer, hint",
    {
        "training false on a BatchNormalization": (
            "BatchNormalization: {}, call: {training: false}",
            "trainable: false",
        ),
        "training true on one": (
            "BatchNormalization: {}, call: {training: true}",
            "fit and predict",
        ),
        "training on a Dropout": ("Dropout: 0.5, call: {training: true}", "fit and predict"),
        "trainable false on a BatchNormalization": ("BatchNormalization: {trainable: false}", None),
    },
)
def test_a_warning_that_keras_ignores(layer: str, hint: str | None) -> None:
    graph = net(f"- {{{layer}}}")
    assert [each.code for each in graph.warnings] == ["training-ignored"] * (hint is not None)
    assert all(hint in said(each) for each in graph.warnings)


@table(
    "step, units",
    {
        "a layer with its own argument names": ("Dense: {units: 7}", 7),
        "the value of the first argument": ("Dense: 7", 7),
        "with a colon when modifiers follow": ("Dense: 7\n  name: d", 7),
    },
)
def test_a_layer_is(step: str, units: int) -> None:
    assert argument(net(f"- {step}"), "units") == [units]


def test_the_value_of_the_first_argument_may_be_a_list() -> None:
    assert argument(net("- Reshape: [64, 4]"), "target_shape") == [(64, 4)]


def test_a_name_alone_is_all_defaults() -> None:
    alone, colon, braces = (net(f"- {each}") for each in ("ReLU", "ReLU:", "ReLU: {}"))
    assert alone.fingerprint == colon.fingerprint == braces.fingerprint


@table(
    "step, code",
    {
        "two layers": ("{Dense: 4, ReLU: {}}", "several-steps"),
        "two blocks": ("{unit: 4, empty: {}}", "several-steps"),
        "a layer and a group": ("{Dense: 4, layers: [ReLU]}", "several-steps"),
        "nothing": ("{}", "no-step"),
        "only modifiers": ("{name: a, when: true}", "no-step"),
        "for and repeat": ("{ReLU: {}, repeat: 2, for: {i: [1]}}", "loop"),
        "a layer that the table lacks": ("Conv2d: 4", "unknown-layer"),
        "a block that nobody declared": ("residual", "unknown-layer"),
        "a layer that carries code": ("Lambda: {function: x}", "refused-layer"),
        "a number": ("3", "no-step"),
    },
)
def test_a_step_is_not(step: str, code: str) -> None:
    assert refused(f"- {step}\n- Dense: 1", BLOCKS).code == code


@table(
    "layers, meaning",
    {
        "a step whose when is false is as if it were not written": (
            "- Dense: 4\n- ReLU:\n  when: =off\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "a step passes on what it would have taken": (
            "- Dense: 4\n- ReLU:\n  when: =off\n  from: input\n- Add:\n  from: [previous, dense]",
            "dense(input) add(input dense) -> add",
        ),
        "and so does a group": (
            "- Dense: 4\n- layers: [ReLU]\n  when: =off\n  from: input\n"
            "- Add:\n  from: [previous, dense]",
            "dense(input) add(input dense) -> add",
        ),
        "and a block": (
            "- Dense: 4\n- unit: 4\n  when: =off\n  from: input\n- Add:\n  from: [previous, dense]",
            "dense(input) add(input dense) -> add",
        ),
        "and branches": (
            "- Dense: 4\n- {branches: [[ReLU], []], merge: Add, when: =off, from: input}\n"
            "- Add:\n  from: [previous, dense]",
            "dense(input) add(input dense) -> add",
        ),
        "of several values it passes on the previous one": (
            "- Dense: 4\n- Add:\n  when: =off\n  from: [input, previous]\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "a lone from only takes": (
            "- Dense: 4\n- from: input\n  when: =off\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "its arguments are not read": (
            "- Dense: 4\n- Dense: =nothing\n  when: =off\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "nor the formula in its name": (
            "- Dense: 4\n- ReLU:\n  when: =off\n  name: a{nothing}\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "a group, whatever is in it": (
            "- Dense: 4\n- when: =off\n  layers: [{Dense: =nothing}]\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "a when that is true changes nothing": (
            "- Dense: 4\n- ReLU:\n  when: =on\n- Softmax",
            "dense(input) re_lu(dense) softmax(re_lu) -> softmax",
        ),
        "a number counts as true unless it is 0": (
            "- Dense: 4\n- ReLU:\n  when: =1 - 1\n- Softmax:\n  when: =2",
            "dense(input) softmax(dense) -> softmax",
        ),
        "when is true or false in words too": (
            "- Dense: 4\n- ReLU:\n  when: false\n- Softmax:\n  when: true",
            "dense(input) softmax(dense) -> softmax",
        ),
    },
)
def test_when(layers: str, meaning: str) -> None:
    assert wires(net(layers, BLOCKS)) == meaning


@table(
    "when, code",
    {
        "text": ("='yes'", "when"),
        "a word": ("yes", "schema"),
        "a name that nobody gave": ("=nothing", "unknown-name"),
    },
)
def test_when_is_not(when: str, code: str) -> None:
    assert refused(f"- ReLU:\n  when: {when}\n- Dense: 4").code == code


@table(
    "sources",
    {
        "several values without the previous": "[input, dense]",
        "values by name": "{query: input, value: dense}",
        "a pattern": "'den*'",
        "nothing": "nowhere",
    },
)
def test_a_step_that_is_left_out_passes_on_no_value_that_cannot_be_told(sources: str) -> None:
    start = "- {Dense: 4, name: dense}\n- Dense: 3\n- Add:\n  when: false\n"
    error = refused(f"{start}  from: {sources}\n- Softmax")
    assert (error.code, here(error)) == ("no-value", "Softmax")
    assert "left out" in error.message
    assert "else: [from: NAME]" in str(error.hint)


def test_steps_under_a_false_when_and_idle_blocks_are_said_to_be_unchecked() -> None:
    graph = net("- Dense: 4\n- ReLU:\n  when: false\n- Softmax", BLOCKS)
    assert sorted(span.line for span in graph.unchecked) == [5, 6, 7, 10]
    assert net("- Dense: 4").unchecked == ()


def test_a_step_under_a_false_when_is_checked_by_the_schema_all_the_same() -> None:
    error = refused("- Dense: {unit: 4}\n  when: false\n- ReLU")
    assert (error.code, here(error)) == ("unknown-argument", "unit")


def test_nothing_in_a_spec_is_imported_or_run() -> None:
    for layer in ("os.system: ls", "keras.layers.Dense: 4", "__import__: os"):
        assert refused(f"- {layer}").code in ("unknown-layer", "schema")


def test_a_text_loads_and_names_the_steps() -> None:
    """The helpers of these tests say what they should."""
    assert names(archspec.loads(text("- Dense: 4\n- ReLU"))) == "dense re_lu"
    with pytest.raises(AssertionError, match="several"):
        refused("- Dense: x\n- Dense: y")


# --- aliases -------------------------------------------------------------------------------------


def test_a_step_may_be_an_alias_of_another() -> None:
    graph = net(
        "- &conv {Conv2D: {filters: 4, kernel_size: 3}}\n- *conv\n- Dense: &n 5\n- Dense: *n"
    )
    assert names(graph) == "conv2d conv2d_1 dense dense_1"
    assert argument(graph, "units") == [5, 5]


def test_merge_keys_reach_into_arguments() -> None:
    graph = net(
        "- Conv2D: &same {filters: 4, kernel_size: 3, padding: same}\n"
        "- Conv2D: {<<: *same, filters: 2}"
    )
    assert argument(graph, "filters") == [4, 2]
    assert argument(graph, "padding") == ["same", "same"]


@table(
    "layers",
    {
        "a step": "- &conv {Conv2D: {filters: 4, kernel_size: 5}}\n- *conv",
        "a list of steps": "- layers: &a [{Conv2D: {filters: 4, kernel_size: 5}}]\n- layers: *a",
        "arguments": "- Conv2D: &five {filters: 4, kernel_size: 5}\n- Conv2D: *five",
    },
)
def test_an_error_in_an_alias_shows_the_anchor_and_the_use(layers: str) -> None:
    error = refused(layers, "input: [6, 6, 1]")
    assert error.code == "shape"
    lines = {error.span.line, *(note.span.line for note in error.notes)}
    assert lines == {4, 5}


RESIDUAL = """
input: [8, 8, 4]
blocks:
  residual:
    params: {filters: null, strides: 1}
    layers:
      - branches:
          main: [Conv2D: {filters: ==, kernel_size: 3, strides: ==, padding: same}]
          shortcut:
            BRANCH
        merge: MERGE
"""
PROJECTED = "[Conv2D: {filters: ==, kernel_size: 1, strides: ==, padding: same}]"
GUARD = f"{{when: =strides > 1, layers: {PROJECTED}}}"


def residual(branch: str, merge: str = "Add") -> str:
    return RESIDUAL.replace("BRANCH", branch).replace("MERGE", merge)


@table(
    "branch, merge, units, is_warned",
    {
        "a shortcut that projects or is gone": (GUARD, "Add", "4; 8, strides: 2", True),
        "in the other order": (GUARD, "Add", "8, strides: 2; 8", True),
        "that is never there": (GUARD, "Add", "4; 4", False),
        "that is always there": (GUARD, "Add", "8, strides: 2; 8, strides: 2", False),
        "the identity where it does not project": (
            GUARD.removesuffix("}") + ", else: []}",
            "Add",
            "4; 8, strides: 2",
            False,
        ),
        "an identity where the shape stays": (
            "{when: =strides == 1 and channels == filters}",
            "Add",
            "4; 8, strides: 2",
            False,
        ),
        "a normalized identity where the shape stays": (
            "{when: =strides == 1 and channels == filters, layers: [BatchNormalization]}",
            "Add",
            "4; 8, strides: 2",
            False,
        ),
        "a branch that keeps the shape in some of the units": (
            "{when: =filters == 4, layers: [ReLU]}",
            "Add",
            "4; 8",
            False,
        ),
        "channels put side by side": (GUARD, "Concatenate", "4; 8, strides: 2", False),
    },
)
def test_a_shortcut_that_vanishes_where_it_could_be_the_identity_is_doubtful(
    branch: str, merge: str, units: str, is_warned: bool
) -> None:
    calls = "\n".join(f"- residual: {{filters: {each}}}" for each in units.split("; "))
    graph = net(calls, residual(branch, merge))
    warnings = [each for each in graph.warnings if each.code == "when-branches"]
    assert len(warnings) == is_warned
    for each in warnings:
        assert here(each) == "=strides > 1"
        assert "`else: []`" in said(each)


def test_the_remedy_for_a_shortcut_that_vanishes_adds_the_input() -> None:
    branch = GUARD.removesuffix("}") + ", else: []}"
    graph = net("- residual: 4", residual(branch))
    assert wires(graph).endswith("residual.add(residual.main.conv2d input) -> residual.add")
