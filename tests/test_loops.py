"""Loops: `for` over lists and tables, `repeat`, what each turn takes, and what it is called."""

from texts import INPUT, argument, here, names, net, refused, said, table, wires

TOP = (
    INPUT
    + """
params:
  depths: [1, 2]
  rows: [{t: 1, c: 16}, {t: 6, c: 24}]
  none: []
  n: 2
blocks:
  unit: {params: {n: 4}, layers: [{Dense: =n}]}
  twice: {layers: [{for: {j: [3, 4]}, Dense: =j, name: "d{index}"}]}
  pair: {inputs: [x, y], layers: [{Add: {}, from: [x, y]}]}
"""
)


@table(
    "layers, units",
    {
        "a list": ("- {for: {i: [3, 1, 2]}, Dense: =i}", [3, 1, 2]),
        "lists together": (
            "- {for: {stage: =range(2), depth: =depths}, Dense: =10 * depth + stage}",
            [10, 21],
        ),
        "a table": ("- {for: [{t: 1, c: 16}, {t: 6, c: 24}], Dense: =t * c}", [16, 144]),
        "a table that a param holds": ("- {for: =rows, Dense: =t * c}", [16, 144]),
        "a table with formulas in it": ("- {for: [{a: =n}, {a: =n + 1}], Dense: =a}", [2, 3]),
        "lists of lists": ("- {for: {p: [[1, 2], [3, 4]]}, Dense: '=p[1]'}", [2, 4]),
        "a list of booleans": ("- {for: {big: [true, false]}, Dense: =9 if big else 1}", [9, 1]),
        "one turn": ("- {for: {i: [5]}, Dense: =i}", [5]),
        "no turn": ("- {for: {i: []}, Dense: =i}\n- Dense: 7", [7]),
        "no turn of a param": ("- {for: {i: =none}, Dense: =i}\n- Dense: 7", [7]),
        "no row": ("- {for: [], Dense: 1}\n- Dense: 7", [7]),
        "a count": ("- {repeat: 3, Dense: 5}", [5, 5, 5]),
        "a count by a formula": ("- {repeat: =n + 1, Dense: 5}", [5, 5, 5]),
        "a count that comes out whole": ("- {repeat: =n / 1, Dense: 5}", [5, 5]),
        "a count of 0": ("- {repeat: 0, Dense: 5}\n- Dense: 7", [7]),
        "loops in loops": (
            """
            - for: {i: [1, 2]}
              layers:
                - {for: {j: =range(i)}, Dense: =10 * i + j}
            """,
            [10, 20, 21],
        ),
        "a loop of block calls": ("- {for: {i: [3, 4]}, unit: =i}", [3, 4]),
        "a loop variable stays within its loop": (
            "- {for: {i: [1]}, Dense: =i}\n- {for: {i: [2]}, Dense: =i}",
            [1, 2],
        ),
        "when is asked in each turn": ("- {for: {i: [1, 2, 3]}, when: =i != 2, Dense: =i}", [1, 3]),
        "when on a repeat is asked in each turn": (
            "- {repeat: 2, when: false, Dense: 1}\n- ReLU",
            [],
        ),
    },
)
def test_a_loop_walks(layers: str, units: list[int]) -> None:
    assert argument(net(layers, TOP), "units") == units


@table(
    "layers, meaning",
    {
        "each turn takes the one before": (
            "- {repeat: 3, ReLU: {}}",
            "re_lu(input) re_lu_1(re_lu) re_lu_2(re_lu_1) -> re_lu_2",
        ),
        "from feeds the first turn, each later turn takes the one before": (
            "- Dense: 4\n- {repeat: 2, ReLU: {}, from: input}\n"
            "- {Add: {}, from: [previous, dense]}",
            "dense(input) re_lu(input) re_lu_1(re_lu) add(re_lu_1 dense) -> add",
        ),
        "from beside repeat feeds the first turn that is there": (
            """
            - Dense: 4
            - {repeat: 3, when: =index > 0, ReLU: {}, from: input, name: r}
            - {Add: {}, from: [previous, dense]}
            """,
            "dense(input) r1(input) r2(r1) add(r2 dense) -> add",
        ),
        "from that names the variable is read in every turn": (
            """
            - {repeat: 2, Dense: 4, name: d}
            - {for: {i: [0, 1]}, ReLU: {}, from: "d{i}", name: "r{i}"}
            - {Add: {}, from: [r0, r1]}
            """,
            "d0(input) d1(d0) r0(d0) r1(d1) add(r0 r1) -> add",
        ),
        "from that names index is read in every turn": (
            """
            - {repeat: 2, Dense: 4, name: d}
            - {repeat: 2, ReLU: {}, from: "d{index}", name: r}
            - {Add: {}, from: "r*"}
            """,
            "d0(input) d1(d0) r0(d0) r1(d1) add(r0 r1) -> add",
        ),
        "from that names an outer loop's variable feeds the first turn": (
            """
            - {repeat: 2, Dense: 4, name: d}
            - for: {i: [0, 1]}
              name: t{i}
              layers: [{ReLU: {}, from: "d{i}", repeat: 2, name: r}]
            - {Add: {}, from: [t0, t1]}
            """,
            "d0(input) d1(d0) t0.r0(d0) t0.r1(t0.r0) t1.r0(d1) t1.r1(t1.r0) add(t0.r1 t1.r1)"
            " -> add",
        ),
        "one turn that is fed by name is the previous value": (
            """
            - {Dense: 4, name: d0}
            - {for: {i: [0]}, ReLU: {}, from: "d{i}", name: "r{i}"}
            - Softmax
            """,
            "d0(input) r0(d0) softmax(r0) -> softmax",
        ),
        "a table names its columns": (
            """
            - for: {"size, kind": [[4, relu], [5, tanh]]}
              layers: [{Dense: {units: =size, activation: =kind}}]
            """,
            "dense(input) dense_1(dense) -> dense_1",
        ),
        "index is the turn, and those that are left out count": (
            """
            - {for: {size: [4, 5, 6]}, when: =size != 5, Dense: =size, name: "d{index}"}
            """,
            "d0(input) d2(d0) -> d2",
        ),
        "a variable called index hides it": (
            "- {for: {index: [7, 8]}, Dense: 4, name: 'd{index}'}",
            "d7(input) d8(d7) -> d8",
        ),
        "in a block index is that of its own loop": (
            """
            - {for: {i: [0, 1]}, twice: {}, name: "t{index}"}
            """,
            "t0.d0(input) t0.d1(t0.d0) t1.d0(t0.d1) t1.d1(t1.d0) -> t1.d1",
        ),
        "after no turn, the value that the first would have taken": (
            "- Dense: 4\n- {repeat: 0, ReLU: {}, from: input}\n"
            "- {Add: {}, from: [previous, dense]}",
            "dense(input) add(input dense) -> add",
        ),
        "and after turns that are left out": (
            "- Dense: 4\n- {repeat: 2, when: false, ReLU: {}, from: input}\n"
            "- {Add: {}, from: [previous, dense]}",
            "dense(input) add(input dense) -> add",
        ),
        "branches by a loop without a turn are no branches": (
            "- branches: [{for: {i: []}, name: 'b{i}', layers: [ReLU]}, [Softmax]]\n  merge: Add",
            "softmax(input) -> softmax",
        ),
        "and without a from, the value before the loop": (
            "- Dense: 4\n- {for: {i: []}, ReLU: {}}\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "from may hold a variable": (
            """
            - {for: {i: [0, 1]}, Dense: 4, name: "d{i}"}
            - for: {i: [0, 1]}
              name: g{i}
              layers:
                - {Add: {}, from: [previous, "d{i}"]}
            """,
            "d0(input) d1(d0) g0.add(d1 d0) g1.add(g0.add d1) -> g1.add",
        ),
        "a turn refers to an earlier one by its name": (
            """
            - {for: {i: [0, 1, 2]}, Dense: 4, name: "d{i}"}
            - {Add: {}, from: [d0, d1, d2]}
            """,
            "d0(input) d1(d0) d2(d1) add(d0 d1 d2) -> add",
        ),
        "a group in a loop": (
            "- {repeat: 2, layers: [ReLU, Softmax]}",
            "re_lu(input) softmax(re_lu) re_lu_1(softmax) softmax_1(re_lu_1) -> softmax_1",
        ),
        "branches in a loop": (
            """
            - for: {i: [0, 1]}
              name: b{i}
              branches: {a: [ReLU], s: }
              merge: Add
            """,
            "b0.a.re_lu(input) b0.add(b0.a.re_lu input) b1.a.re_lu(b0.add) "
            "b1.add(b1.a.re_lu b0.add) -> b1.add",
        ),
        "a list is read in every turn": (
            """
            - ReLU
            - {repeat: 2, Concatenate: {}, from: [previous, input]}
            """,
            "re_lu(input) concatenate(re_lu input) concatenate_1(concatenate input)"
            " -> concatenate_1",
        ),
        "a reuse in a loop": (
            "- {Dense: 4, name: d}\n- {reuse: d, repeat: 2}",
            "d(input) dense=d(d) dense_1=d(dense) -> dense_1",
        ),
        "a when that is false in every turn": (
            "- Dense: 4\n- {for: {i: [0, 1]}, when: =i > 5, ReLU: {}}\n- Softmax",
            "dense(input) softmax(dense) -> softmax",
        ),
        "a turn whose when is false is stepped over": (
            "- {for: {i: [0, 1, 2]}, when: =i != 1, name: 'r{i}', ReLU: {}}",
            "r0(input) r2(r0) -> r2",
        ),
    },
)
def test_in_a_loop(layers: str, meaning: str) -> None:
    assert wires(net(layers, TOP)) == meaning


@table(
    "layers, found",
    {
        "a name holds the variable": ("- {for: {i: [0, 1]}, ReLU: {}, name: 'r{i}'}", "r0 r1"),
        "or a formula over it": ("- {for: {i: [0, 1]}, ReLU: {}, name: 'r{i + 1}'}", "r1 r2"),
        "or several variables": (
            "- {for: {i: [0, 1], k: [a, b]}, ReLU: {}, name: '{k}{i}'}",
            "a0 b1",
        ),
        "the loop is named, and the steps in it need no variable": (
            "- {for: {i: [0, 1]}, name: 's{i}', layers: [{ReLU: {}, name: r}]}",
            "s0.r s1.r",
        ),
        "a repeat that is named counts its turns": (
            "- {repeat: 2, ReLU: {}, name: unit}",
            "unit0 unit1",
        ),
        "a repeat of a group that is named": (
            "- {repeat: 2, name: unit, layers: [{ReLU: {}, name: r}]}",
            "unit0.r unit1.r",
        ),
        "loops in loops": (
            """
            - for: {stage: [0, 1]}
              name: stage{stage}
              layers:
                - {for: {unit: =range(stage + 1)}, unit: 4, name: "unit{unit}"}
            """,
            "stage0.unit0.dense stage1.unit0.dense stage1.unit1.dense",
        ),
        "loops in loops without scopes hold both variables": (
            """
            - for: {i: [0, 1]}
              layers:
                - {for: {j: [0, 1]}, ReLU: {}, name: "r{i}_{j}"}
            """,
            "r0_0 r0_1 r1_0 r1_1",
        ),
        "unnamed loops number their steps": (
            "- {for: {i: [0, 1]}, layers: [ReLU, Dense: 4]}",
            "re_lu dense re_lu_1 dense_1",
        ),
    },
)
def test_names_in_a_loop(layers: str, found: str) -> None:
    assert names(net(layers, TOP)) == found


@table(
    "layers, code, words",
    {
        "lists of different lengths": (
            "- {for: {a: [1, 2], b: [1]}, Dense: =a}",
            "loop",
            "a has 2, b has 1",
        ),
        "a number": ("- {for: {i: 3}, Dense: =i}", "loop", "=range(3)"),
        "a number by a formula": ("- {for: {i: =n}, Dense: =i}", "loop", "needs a list"),
        "text": ("- {for: {i: abc}, Dense: 1}", "loop", "needs a list"),
        "a formula that is no table": ("- {for: =n, Dense: 1}", "loop", "a table"),
        "a formula that is a list of numbers": ("- {for: =depths, Dense: 1}", "loop", "a table"),
        "rows of different forms": ("- {for: [{a: 1}, {b: 2}], Dense: 1}", "loop", "row 1 b"),
        "nothing to walk": ("- {for: {}, Dense: 1}", "schema", "for"),
        "for and repeat": ("- {for: {i: [1]}, repeat: 2, Dense: 1}", "loop", "not both"),
        "a count below 0": ("- {repeat: -1, Dense: 1}", "schema", "repeat"),
        "a count below 0 by a formula": ("- {repeat: =n - 3, Dense: 1}", "loop", "got -1"),
        "a count in between": ("- {repeat: =n / 4, Dense: 1}", "loop", "got 0.5"),
        "a count that is a boolean": ("- {repeat: true, Dense: 1}", "schema", "repeat"),
        "a count that is a boolean by a formula": (
            "- {repeat: =n == 2, Dense: 1}",
            "loop",
            "got true",
        ),
        "a variable that hides a param": ("- {for: {n: [1]}, Dense: =n}", "name", "hides"),
        "a variable of a table that hides a param": (
            "- {for: [{n: 1}], Dense: =n}",
            "name",
            "hides",
        ),
        "a variable that hides another": (
            "- {for: {i: [1]}, layers: [{for: {i: [2]}, Dense: =i}]}",
            "name",
            "hides",
        ),
        "a variable called as a function": (
            "- {for: {len: [1]}, Dense: 1}",
            "name",
            "already means",
        ),
        "a variable called channels": (
            "- {for: {channels: [1]}, Dense: 1}",
            "name",
            "already means",
        ),
        "a variable after its loop": (
            "- {for: {i: [1]}, Dense: =i}\n- Dense: =i",
            "unknown-name",
            "'i'",
        ),
        "a name without the variable": (
            "- {for: {i: [0, 1]}, ReLU: {}, name: r}",
            "name",
            "r{i}",
        ),
        "a name without the variable, whatever the number of turns": (
            "- {for: {i: []}, ReLU: {}, name: r}\n- Dense: 1",
            "name",
            "r{i}",
        ),
        "a name with another variable": (
            "- {for: {i: [0]}, layers: [{for: {j: [0, 1]}, ReLU: {}, name: 'r{i}'}]}",
            "duplicate-name",
            "holds the loop variable",
        ),
        "a name within an unnamed loop": (
            "- {for: {i: [0, 1]}, layers: [{ReLU: {}, name: r}]}",
            "duplicate-name",
            "or the loop is named",
        ),
        "a branch's key within an unnamed loop": (
            "- {for: {i: [0, 1]}, branches: {a: [ReLU]}, merge: Add}",
            "duplicate-name",
            "or the loop is named",
        ),
    },
)
def test_a_loop_cannot(layers: str, code: str, words: str) -> None:
    error = refused(layers, TOP)
    assert (error.code, words in said(error)) == (code, True), str(error)


def test_an_error_in_a_turn_says_which_turn_it_was() -> None:
    error = refused("- {for: {i: [3, 0]}, Dense: =i}")
    assert here(error) == "=i"
    assert "i=0" in said(error)
    assert "i=3" not in said(error)


def test_a_mistake_in_every_turn_is_one_error() -> None:
    assert here(refused("- {for: {i: [1, 2, 3]}, Dense: {units: =i, unts: 3}}")) == "unts"
    assert here(refused("- {for: {i: [1, 2, 3]}, Dense: =oops}")) == "oops"


def test_a_block_does_not_see_the_variables_of_its_caller() -> None:
    top = INPUT + "\nblocks: {leak: {layers: [{Dense: =i}]}}"
    error = refused("- {for: {i: [1]}, leak: {}}", top)
    assert (error.code, here(error)) == ("unknown-name", "i")


def test_a_table_of_one_row_is_a_list_in_a_list() -> None:
    table = "- for: {'n, rate': [3, 0.5]}\n  layers: [Dense: =n, Dropout: =rate]"
    assert refused(table).hint == "one row is a list in the list: [[3, 0.5]]"
    assert argument(net(table.replace("[3, 0.5]", "[[3, 0.5]]")), "units") == [3]
