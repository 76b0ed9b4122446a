"""Files: what `extends` lays over what, what `null` takes away, and what `import` brings in."""

from pathlib import Path
from typing import Any

import pytest
from texts import argument, files, here, names, only_error, said, table

import archspec
from archspec.graph import Graph

BASE = """
name: grand
description: The base.
params: {width: 4, classes: 10, wide: null}
input: [8, 8, 4]
defaults:
  Conv2D: {padding: same, use_bias: false}
  Dense: {activation: relu}
blocks:
  unit:
    params: {n: 2, m: 3}
    defaults: {ReLU: {max_value: 6}}
    layers: [{Conv2D: {filters: =n, kernel_size: =m}}, ReLU]
  idle: {layers: []}
layers:
  - unit
  - GlobalAveragePooling2D
  - {Dense: {units: =width, activation: null}, name: side}
  - {Dense: =classes, name: head}
outputs: [side, head]
require: {params: <= 1}
train:
  optimizer: {Adam: {learning_rate: 0.5}}
  batch_size: 8
  data: {name: digits, scale: [0, 1]}
"""


def load(folder: Path, main: str, base: str = BASE, **others: str) -> Graph:
    return archspec.load(files(folder, main=main, base=base, **others))


def conv(graph: Graph) -> dict[str, Any]:
    return dict(next(node.arguments for node in graph if node.op == "Conv2D"))


# --- extends -------------------------------------------------------------------------------------


@table(
    "main, key, value",
    {
        "params: one of them": ("params: {width: 5}", "width", 5),
        "params: the others stay": ("params: {width: 5}", "classes", 10),
        "params: a new one": ("params: {more: 1}", "more", 1),
        "params: a formula over the base's": ("params: {more: =width * 2}", "more", 8),
        "params: null is a value": ("params: {width: 1, classes: 3, wide: null}", "wide", None),
        "params: a value below replaces whole": ("params: {wide: [1, 2]}", "wide", [1, 2]),
    },
)
def test_extends_goes_key_by_key_through_params(
    main: str, key: str, value: Any, tmp_path: Path
) -> None:
    assert load(tmp_path, f"extends: base.yaml\n{main}").params[key] == value


def test_null_under_params_is_a_value_that_replaces_the_bases(tmp_path: Path) -> None:
    main = (
        "extends: base.yaml\nparams: {width: null}\nlayers: [{Dense: =5 if width == null else 6}]"
    )
    assert argument(load(tmp_path, main + "\noutputs: null"), "units") == [5]


@table(
    "main, key, value",
    {
        "defaults of a layer: one argument": ("{Conv2D: {padding: valid}}", "padding", "valid"),
        "defaults of a layer: the others stay": ("{Conv2D: {padding: valid}}", "use_bias", False),
        "defaults of a layer: a new one reaches the base's layers": (
            "{Conv2D: {strides: 2}}",
            "strides",
            (2, 2),
        ),
        "defaults of another layer": ("{Softmax: {axis: 1}}", "use_bias", False),
        "null removes those of a layer": ("{Conv2D: null}", "use_bias", True),
        "null removes all defaults": ("null", "use_bias", True),
    },
)
def test_extends_goes_key_by_key_through_defaults(
    main: str, key: str, value: Any, tmp_path: Path
) -> None:
    assert conv(load(tmp_path, f"extends: base.yaml\ndefaults: {main}"))[key] == value


def test_null_inside_layer_arguments_is_a_value(tmp_path: Path) -> None:
    graph = load(tmp_path, "extends: base.yaml\ndefaults: {Dense: {activation: null}}")
    assert argument(graph, "activation") == [None, None, None]


@table(
    "main, found",
    {
        "its params, whole": ("{unit: {params: {n: 7, m: 1}}}", (7, (1, 1), 6.0)),
        "its layers, and the rest stays": (
            "{unit: {layers: [{Conv2D: {filters: =10 * n, kernel_size: =m}}, ReLU]}}",
            (20, (3, 3), 6.0),
        ),
        "its defaults, whole": ("{unit: {defaults: {ReLU: {max_value: 5}}}}", (2, (3, 3), 5.0)),
        "null removes its defaults": ("{unit: {defaults: null}}", (2, (3, 3), None)),
        "another block": ("{other: {layers: []}}", (2, (3, 3), 6.0)),
    },
)
def test_extends_goes_key_by_key_through_a_block(
    main: str, found: tuple[Any, ...], tmp_path: Path
) -> None:
    graph = load(tmp_path, f"extends: base.yaml\nblocks: {main}")
    arguments = conv(graph)
    cap = argument(graph, "max_value")
    assert (arguments["filters"], arguments["kernel_size"], cap[0]) == found


def test_a_blocks_params_are_laid_over_its_bases_by_name(tmp_path: Path) -> None:
    main = "extends: base.yaml\nblocks: {unit: {params: {n: 7}}}"
    graph = load(tmp_path, main)
    assert all(region.params["n"] == 7 for node in graph for region in node.regions)
    assert any("m" in region.params for node in graph for region in node.regions)


@table(
    "blank",
    {
        **{word: f"{word}:" for word in ("params", "input", "inputs", "outputs", "layers")},
        **{word: f"{word}:" for word in ("defaults", "blocks", "train", "description")},
        "a param": "params: {width: }",
        "a param without a colon": "params: {width}",
        "the defaults of a layer": "defaults:\n  Conv2D:",
        "a block": "blocks:\n  unit:",
        "the params of a block": "blocks:\n  unit:\n    params:",
        "the layers of a block": "blocks:\n  unit: {layers: }",
        "a key of train": "train:\n  batch_size:",
    },
)
@pytest.mark.thorough
def test_a_word_with_nothing_after_it_changes_nothing(blank: str, tmp_path: Path) -> None:
    graph, base = (load(tmp_path, f"extends: base.yaml\n{each}\n") for each in (blank, ""))
    assert (graph.fingerprint, graph.train) == (base.fingerprint, base.train)
    assert (graph.description, graph.params) == (base.description, base.params)


def test_null_removes_a_block(tmp_path: Path) -> None:
    error = only_error(lambda: load(tmp_path, "extends: base.yaml\nblocks: {unit: null}"))
    assert (error.code, here(error)) == ("unknown-layer", "unit")
    assert error.notes[0].text == "'unit' is taken away here"
    unused = load(tmp_path, "extends: base.yaml\nblocks: {idle: null}")
    assert unused.unchecked == ()
    assert len(load(tmp_path, "extends: base.yaml").unchecked) == 1


@table(
    "main, key, value",
    {
        "one key": ("{batch_size: 16}", "batch_size", 16),
        "the others stay": ("{batch_size: 16}", "data", {"name": "digits", "scale": [0, 1]}),
        "a new key": ("{epochs: 2}", "epochs", 2),
        "a value below replaces whole": (
            "{optimizer: {SGD: {momentum: 0.5}}}",
            "optimizer",
            {"SGD": {"momentum": 0.5}},
        ),
        "a mapping below replaces whole too": ("{data: {name: mnist}}", "data", {"name": "mnist"}),
        "null removes a key": ("{batch_size: null}", "batch_size", "gone"),
        "null removes all": ("null", "optimizer", "gone"),
    },
)
def test_extends_goes_key_by_key_through_train(
    main: str, key: str, value: Any, tmp_path: Path
) -> None:
    assert load(tmp_path, f"extends: base.yaml\ntrain: {main}").train.get(key, "gone") == value


@table(
    "base, main, inputs",
    {
        "one input's shape": ("input: [4]", "input: [5]", {"input": (None, 5)}),
        "one of several": (
            "inputs: {a: [4], b: [4]}",
            "inputs: {b: [5]}",
            {"a": (None, 4), "b": (None, 5)},
        ),
        "one more": (
            "inputs: {a: [4]}",
            "inputs: {b: [5]}",
            {"a": (None, 4), "b": (None, 5)},
        ),
        "null removes one": ("inputs: {a: [4], b: [4]}", "inputs: {a: null}", {"b": (None, 4)}),
        "inputs displace input": ("input: [4]", "inputs: {b: [5]}", {"b": (None, 5)}),
        "input displaces inputs": ("inputs: {a: [4], b: [4]}", "input: [5]", {"input": (None, 5)}),
        "a null beside them changes nothing": (
            "input: [4]",
            "inputs: {b: [5]}\ninput: null",
            {"b": (None, 5)},
        ),
        "null for one that the base lacks changes nothing": (
            "input: [4]",
            "inputs: null",
            {"input": (None, 4)},
        ),
        "a mapping below replaces whole": (
            "inputs: {a: {shape: [4], dtype: int32}}",
            "inputs: {a: {shape: [5]}}",
            {"a": (None, 5)},
        ),
    },
)
def test_extends_and_inputs(base: str, main: str, inputs: dict[str, Any], tmp_path: Path) -> None:
    layers = f"layers:\n  - {{Concatenate: {{axis: -1}}, from: [{', '.join(inputs)}]}}\n"
    graph = load(tmp_path, f"extends: base.yaml\n{main}\n{layers}", base + "\nlayers: [ReLU]\n")
    assert {name: graph.shape(name) for name in graph.inputs} == inputs
    assert all(graph[name].arguments["dtype"] == "float32" for name in graph.inputs)


def test_layers_replace_whole(tmp_path: Path) -> None:
    main = "extends: base.yaml\nlayers: [unit, Flatten]\noutputs: null"
    assert names(load(tmp_path, main)) == "unit.conv2d unit.re_lu flatten"


@table(
    "main, outputs",
    {
        "stay": ("params: {width: 1}", ("side", "head")),
        "are replaced whole": ("outputs: [head, side]", ("head", "side")),
        "null removes them": (
            "outputs: null\nlayers: [ReLU, {Softmax: {}, name: last}]",
            ("last",),
        ),
    },
)
def test_outputs(main: str, outputs: tuple[str, ...], tmp_path: Path) -> None:
    assert load(tmp_path, f"extends: base.yaml\n{main}").outputs == outputs


def test_name_and_require_are_not_inherited_but_the_description_is(tmp_path: Path) -> None:
    graph = load(tmp_path, "extends: base.yaml")
    assert graph.name == "main"
    assert graph.warnings == ()
    assert graph.description == "The base."
    base = archspec.load(tmp_path / "base.yaml")
    assert base.name == "grand"
    assert "contract" in [each.code for each in base.warnings]


def test_name_defaults_to_the_files_stem(tmp_path: Path) -> None:
    assert load(tmp_path, "input: [4]\nlayers: [ReLU]").name == "main"
    assert load(tmp_path, "name: other\ninput: [4]\nlayers: [ReLU]").name == "other"
    assert load(tmp_path, "name: other\nextends: base.yaml").name == "other"


def test_a_base_that_changes_nothing_is_the_same_network(tmp_path: Path) -> None:
    graph = load(tmp_path, "extends: base.yaml")
    assert graph.fingerprint == archspec.load(tmp_path / "base.yaml").fingerprint


def test_chains_of_extends(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        "extends: mid/one.yaml\nparams: {classes: 3}",
        mid__one="extends: ../mid/two.yaml\nparams: {width: 6}\ndefaults: {Conv2D: {strides: 2}}",
        mid__two="extends: ../base.yaml\nparams: {width: 5, classes: 5}",
    )
    assert argument(graph, "units") == [6, 3]
    assert argument(graph, "strides") == [(2, 2)]
    assert argument(graph, "padding") == ["same"]


def test_a_block_overridden_in_the_middle_is_what_the_last_one_sees(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        "extends: one.yaml\ndefaults: {ReLU: {max_value: 3}}\nparams: {width: 9}",
        one="extends: base.yaml\nblocks: {unit: {params: null, defaults: null, "
        "layers: [ReLU, {Conv2D: {filters: =width, kernel_size: 1}}]}}",
    )
    assert names(graph).startswith("unit.re_lu unit.conv2d")
    assert conv(graph)["filters"] == 9
    assert argument(graph, "max_value") == [3.0]


@table(
    "params, words, hint",
    {
        "a word of Python": ("{class: 3}", "'class' already means something", "'classes'"),
        "a variable of the base's loop": ("{depth: 3}", "a loop variable of the base", "'depths'"),
        "itself": ("{classes: =classes * 2}", "'classes' is this param itself", "its value"),
    },
)
def test_a_param_that_cannot_be_added_is_said_where_it_is_given(
    params: str, words: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "main.yaml"
    path.write_text(f"archspec: 1\nextends: resnet18\nparams: {params}\n")
    error = only_error(lambda: archspec.load(path))
    assert words in error.message
    assert hint in str(error.hint)
    assert (error.span.source.name, error.span.line) == (str(path), 3)


def test_an_error_in_the_base_is_said_in_the_base(tmp_path: Path) -> None:
    main = "extends: base.yaml\nparams: {width: 1}"
    error = only_error(lambda: load(tmp_path, main, BASE.replace("=width", "=2 - 2 * width")))
    assert error.span.source.name.endswith("main.yaml")  # where the value is that is refused
    error = only_error(lambda: load(tmp_path, main, BASE.replace("=width", "-1")))
    assert error.span.source.name.endswith("base.yaml")
    assert here(error) == "-1"


def test_both_files_are_checked_by_the_schema(tmp_path: Path) -> None:
    error = only_error(lambda: load(tmp_path, "extends: base.yaml", "input: [4]\nlayer: [ReLU]"))
    assert error.span.source.name.endswith("base.yaml")
    error = only_error(lambda: load(tmp_path, "extends: base.yaml\nparam: {width: 1}"))
    assert error.span.source.name.endswith("main.yaml")


# --- names of files ------------------------------------------------------------------------------


def test_files_are_named_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    main = files(
        tmp_path,
        a__b__main="extends: ../../c/base.yaml",
        c__base="import: [blocks/lib.yaml]\ninput: [4]\nlayers: [b]",
        c__blocks__lib="import: [../../d/deep.yaml]\nblocks: {b: {layers: [deep]}}",
        d__deep="blocks: {deep: {layers: [{Dense: 3}]}}",
    ).parent
    assert argument(archspec.load(main / "a" / "b" / "main.yaml"), "units") == [3]


@table(
    "main, place, words",
    {
        "an absolute path": ("extends: /etc/base.yaml", "/etc/base.yaml", "absolute path"),
        "an absolute path of a library": ("import: [/lib.yaml]", "/lib.yaml", "absolute path"),
        "a file that is not there": ("extends: bsae.yaml", "bsae.yaml", "did you mean 'base.yaml'"),
        "a library that is not there": ("import: [none.yaml]", "none.yaml", "no file 'none.yaml'"),
        "a folder": ("extends: ..", "..", "is a folder"),
        "itself": ("extends: main.yaml", "main.yaml", "circle: main.yaml -> main.yaml"),
        "a file that names this one": ("extends: round.yaml", "main.yaml", "circle"),
        "a library that names this one": ("import: [round.yaml]", "main.yaml", "circle"),
    },
)
def test_a_spec_cannot_name(main: str, place: str, words: str, tmp_path: Path) -> None:
    path = files(
        tmp_path,
        main=f"{main}\ninput: [4]\nlayers: [ReLU]",
        base=BASE,
        round="extends: main.yaml",
    )
    error = only_error(lambda: archspec.load(path))
    assert (error.code, here(error), words in said(error)) == ("file", place, True), str(error)


def test_a_spec_given_as_text_cannot_name_other_files() -> None:
    error = only_error(lambda: archspec.loads("archspec: 1\nextends: base.yaml\n"))
    assert (error.code, here(error)) == ("file", "base.yaml")


def test_an_extended_file_that_is_no_yaml_is_said_at_its_place(tmp_path: Path) -> None:
    path = files(tmp_path, main="extends: base.yaml", base="input: [4\n")
    error = only_error(lambda: archspec.load(path))
    assert error.span.source.name.endswith("base.yaml")


# --- import --------------------------------------------------------------------------------------

SPEC = "input: [4]\nlayers: [b]\n"
LIB = "blocks: {b: {layers: [{Dense: 3}]}}"


@table(
    "main, others, units",
    {
        "the blocks of another file": ("import: [lib.yaml]\n" + SPEC, {"lib": LIB}, [3]),
        "those that the other file imports": (
            "import: [over.yaml]\n" + SPEC,
            {"lib": LIB, "over": "import: [lib.yaml]\nblocks: {}"},
            [3],
        ),
        "those of a whole network": (
            "import: [net.yaml]\n" + SPEC,
            {"net": LIB + "\ninput: [9]\nlayers: [b]"},
            [3],
        ),
        "one block by two ways": (
            "import: [lib.yaml, over.yaml]\n" + SPEC,
            {"lib": LIB, "over": "import: [lib.yaml]\nblocks: {}"},
            [3],
        ),
        "one file twice": ("import: [lib.yaml, ./lib.yaml]\n" + SPEC, {"lib": LIB}, [3]),
        "those that the base imports": (
            "extends: base.yaml",
            {"lib": LIB, "base": "import: [lib.yaml]\n" + SPEC},
            [3],
        ),
        "those that the base imports too": (
            "extends: base.yaml\nimport: [lib.yaml]",
            {"lib": LIB, "base": "import: [lib.yaml]\n" + SPEC},
            [3],
        ),
        "a derived file may override a block that its base imports": (
            "extends: base.yaml\nblocks: {b: {layers: [{Dense: 5}]}}",
            {"lib": LIB, "base": "import: [lib.yaml]\n" + SPEC},
            [5],
        ),
        "one in the place of a block that null removes": (
            "extends: base.yaml\nimport: [lib.yaml]\nblocks: {b: null}",
            {"lib": LIB, "base": "blocks: {b: {layers: [{Dense: 5}]}}\n" + SPEC},
            [3],
        ),
        "one of a library that extends another": (
            "import: [more.yaml]\n" + SPEC,
            {
                "lib": "params: {n: 3}\nblocks: {b: {layers: [{Dense: =n}]}}",
                "more": "extends: lib.yaml\nparams: {n: 4}",
            },
            [4],
        ),
    },
)
def test_import_brings_in(
    main: str, others: dict[str, str], units: list[int], tmp_path: Path
) -> None:
    assert argument(archspec.load(files(tmp_path, main=main, **others)), "units") == units


@table(
    "main, others, code, place",
    {
        "the same block name in an import and the file": (
            f"import: [lib.yaml]\n{SPEC}blocks: {{b: {{layers: []}}}}",
            {"lib": LIB},
            "duplicate-block",
            "b",
        ),
        "the same block name in two imports": (
            f"import: [lib.yaml, two.yaml]\n{SPEC}",
            {"lib": LIB, "two": LIB},
            "duplicate-block",
            "two.yaml",
        ),
        "the same block name in an import and the base": (
            "extends: base.yaml\nimport: [lib.yaml]",
            {"lib": LIB, "base": f"{SPEC}blocks: {{b: {{layers: []}}}}"},
            "duplicate-block",
            "lib.yaml",
        ),
        "the same block name in an import and an import of the base": (
            "extends: base.yaml\nimport: [lib.yaml]",
            {"lib": LIB, "two": LIB, "base": f"import: [two.yaml]\n{SPEC}"},
            "duplicate-block",
            "lib.yaml",
        ),
        "a block that null removes": (
            "extends: base.yaml\nblocks: {b: null}",
            {"lib": LIB, "base": f"import: [lib.yaml]\n{SPEC}"},
            "unknown-layer",
            "b",
        ),
        "a library called as a network": (LIB, {}, "library", "blocks"),
        "a library that is no YAML": (
            "import: [lib.yaml]\n" + SPEC,
            {"lib": "a: [\n"},
            "yaml",
            None,
        ),
        "a library with an unknown word": (
            "import: [lib.yaml]\n" + SPEC,
            {"lib": LIB + "\nbloks: {}"},
            "unknown-word",
            "bloks",
        ),
    },
)
def test_import_cannot_bring(
    main: str, others: dict[str, str], code: str, place: str | None, tmp_path: Path
) -> None:
    error = only_error(lambda: archspec.load(files(tmp_path, main=main, **others)))
    assert error.code == code
    assert place is None or here(error) == place


def test_a_duplicate_block_shows_both_places(tmp_path: Path) -> None:
    main = f"import: [lib.yaml]\n{SPEC}blocks: {{b: {{layers: []}}}}"
    error = only_error(lambda: archspec.load(files(tmp_path, main=main, lib=LIB)))
    assert [here_of(note.span) for note in error.notes] == ["lib.yaml"]


def here_of(span: Any) -> str:
    return span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]


def test_an_import_brings_in_blocks_only(tmp_path: Path) -> None:
    lib = LIB + "\nparams: {n: 3}\ndefaults: {Dense: {units: 7}}\nrequire: {params: 1}"
    error = only_error(
        lambda: load(tmp_path, "import: [lib.yaml]\ninput: [4]\nlayers: [{Dense: =n}]", lib=lib)
    )
    assert (error.code, here(error)) == ("unknown-name", "n")
    graph = load(tmp_path, "import: [lib.yaml]\ninput: [4]\nlayers: [{Dense: 2}, b]", lib=lib)
    assert argument(graph, "units") == [2, 3]
    assert graph.warnings == ()


# --- shipped specs -------------------------------------------------------------------------------


def test_a_bare_name_is_a_shipped_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert archspec.load("lenet5").total_params == 44_426
    with pytest.raises(archspec.UserError, match="did you mean 'lenet5'"):
        archspec.load("lenet")


@table(
    "name, words",
    {
        "a file that is not there": ("main.yml", "did you mean 'main.yaml'"),
        "a folder": (".", "this is a folder"),
    },
)
def test_what_is_no_spec(name: str, words: str, tmp_path: Path) -> None:
    files(tmp_path, main=SPEC)
    with pytest.raises(archspec.UserError) as caught:
        archspec.load(tmp_path / name)
    assert words in str(caught.value)


def test_a_file_that_has_a_shipped_name_cannot_extend_it_by_that_name(tmp_path: Path) -> None:
    path = tmp_path / "lenet5.yaml"
    path.write_text("archspec: 1\nextends: lenet5\n", encoding="utf-8")
    error = only_error(lambda: archspec.load(path))
    assert said(error).endswith("this file has it as well | rename this file")


def test_a_shipped_spec_with_a_suffix_is_told_its_name(tmp_path: Path) -> None:
    error = only_error(lambda: archspec.load(files(tmp_path, main="extends: lenet5.yaml\n")))
    assert said(error).endswith("the one that comes with archspec is called lenet5")
    other = only_error(lambda: archspec.load(files(tmp_path, main="extends: lenet55.yaml\n")))
    assert "comes with archspec" not in said(other)
