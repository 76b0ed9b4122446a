"""Files that a verb may be given: specs broken in a place or two, and YAML of other tools.

    python tests/mutants.py 2000          so many of each kind through every verb, by hand

Every verb must end in its result or in a `SpecError` or `UserError`, and say what `check` says.
"""

from __future__ import annotations

import copy
import json
import random
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from conftest import runner
from shrinking import try_out

import archspec
from archspec.cli import main
from archspec.error_formats import as_data
from archspec.errors import MAX_MESSAGE, SpecError, UserError, in_a_line
from archspec.graph import Graph
from archspec.pictures.dot import to_dot
from archspec.syntax.source import read_text, to_plain

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
MARKUP = "</TD> & <b>\"'|`{}[]\\N\\n # %% $x ${{ a }} größe 日本 \u202e"
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    3,
    2.5,
    1e30,
    10**30,
    "",
    "x",
    "=",
    "=oops",
    "=range(3)",
    "={}",
    "{i}",
    "*",
    "a.b",
    "input",
    "previous",
    "größe",
    "x" * 300,
    "a\nb",
    [],
    [None],
    [[]],
    [1, "a", {}],
    {},
    {"a": 1},
    {"a": {"b": [None]}},
    {"Dense": 3},
    {"layers": []},
    {"name": "x", "from": "y"},
]
ODDER: list[Any] = [*ODD, MARKUP, 2**31, 2**32, -(2**40), 1e-40, "=1/0", "=2**40", [None, None, 3]]

# Small networks with every word of the language, so that a fault meets each of them.
SPECS = [
    """
archspec: 1
name: plain
description: Convolutions and a head.
params: {width: 4, classes: 3}
input: [8, 8, 1]
defaults: {Conv2D: {padding: same, activation: relu}}
layers:
  - Conv2D: {filters: =width, kernel_size: 3}
    name: stem
  - for: {i: "=range(2)"}
    name: stage{i}
    layers:
      - Conv2D: {filters: =width * 2**i, kernel_size: 3}
      - BatchNormalization
      - MaxPooling2D
  - Dropout: 0.1
    when: =width > 2
  - GlobalAveragePooling2D
  - Dense: {units: =classes, activation: softmax}
    name: head
require: {params: <= 12M, macs: <= 1G, output: [3]}
train:
  data: {name: digits, scale: [0, 1]}
  optimizer: {Adam: {learning_rate: 0.01}}
  callbacks: [{EarlyStopping: {patience: 2}}]
  epochs: 2
  batch_size: 16
""",
    """
archspec: 1
name: blocks
input: [null, null, 3]
blocks:
  residual:
    params: {filters: 4, strides: 1}
    layers:
      - branches:
          main:
            - Conv2D: {filters: =filters, kernel_size: 3, strides: =strides, padding: same}
            - ReLU
          shortcut: [Conv2D: {filters: =filters, kernel_size: 1, strides: =strides}]
        merge: Add
layers:
  - residual: 4
    repeat: 2
    name: unit
  - residual: {filters: 8, strides: 2}
  - GlobalMaxPooling2D
  - Dense: 2
""",
    """
archspec: 1
name: several
inputs: {left: [6], right: {shape: [6], dtype: float32}}
layers:
  - Dense: {units: 4, kernel_regularizer: {L2: 0.01}, kernel_initializer: he_normal}
    from: left
    name: shared
  - reuse: shared
    from: right
    name: again
  - Concatenate
    from: [shared, again]
    name: both
  - Dense: {units: 2, activation: softmax}
    name: a
  - Dense: 1
    from: both
    name: b
outputs: [a, b]
""".replace("  - Concatenate\n", "  - Concatenate: {axis: -1}\n"),
    """
archspec: 1
name: attention
input: [5, 8]
layers:
  - MultiHeadAttention: {num_heads: 2, key_dim: 4}
    from: {query: input, value: input}
    name: look
  - Add: {}
    from: [look, input]
  - LayerNormalization
  - Flatten
  - Dense: 3
""",
]

OTHERS: list[Any] = [
    {
        "name": "CI",
        "on": {"push": {"branches": ["main"]}, "pull_request": None},
        "jobs": {"test": {"runs-on": "ubuntu", "steps": [{"uses": "actions/checkout@v4"}]}},
    },
    {
        "version": "3.9",
        "services": {"web": {"image": "nginx", "ports": ["80:80"], "depends_on": ["db"]}, "db": {}},
        "volumes": {"data": None},
    },
    {
        "nc": 80,
        "scales": {"n": [0.33, 0.25, 1024]},
        "backbone": [[-1, 1, "Conv", [64, 3, 2]], [-1, 3, "C2f", [128, True]]],
        "head": [[-1, 1, "nn.Upsample", [None, 2, "nearest"]], [[-1, 6], 1, "Concat", [1]]],
    },
    {"path": "coco8", "train": "images/train", "val": "images/val", "names": {0: "cat", 1: "dog"}},
    {
        "input_features": [{"name": "image", "type": "image", "encoder": {"type": "stacked_cnn"}}],
        "output_features": [{"name": "class", "type": "category"}],
        "trainer": {"epochs": 10, "optimizer": {"type": "adam", "lr": 0.001}},
    },
    {"repos": [{"repo": "https://a", "rev": "v1", "hooks": [{"id": "check-yaml"}]}]},
    {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "b"}]}},
    {"model": {"layers": [{"type": "conv", "filters": 3}, {"type": "dense", "units": 2}]}},
    {"layers": [{"class_name": "Dense", "config": {"units": 3}}], "input": [8]},
    {"channels": ["conda-forge"], "dependencies": ["python=3.12", {"pip": ["keras"]}]},
    {"site_name": "Docs", "nav": [{"Home": "index.md"}], "theme": {"name": "material"}},
    {"cells": [{"cell_type": "code", "source": ["print(1)"]}], "metadata": {}, "nbformat": 4},
    [{"hosts": "all", "tasks": [{"name": "a", "apt": {"name": "b", "state": "present"}}]}],
]

Draw = random.Random


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a spec."""
    if path:
        yield path
    if isinstance(data, dict | list):
        for key in list(data) if isinstance(data, dict) else range(len(data)):
            yield from places(data[key], (*path, key))


def broken(random_: Draw, data: Any, words: list[str], odd: list[Any] = ODD) -> str:
    """Break one place of `data`; returns what was done."""
    *above, key = random_.choice(list(places(data)))
    inside = data
    for part in above:
        inside = inside[part]
    value = copy.deepcopy(random_.choice(odd))
    ways: list[Callable[[], Any]] = [
        lambda: inside.__delitem__(key),
        lambda: inside.__setitem__(key, value),
        lambda: inside.__setitem__(key, random_.choice(words)),
        lambda: inside.__setitem__(key, [inside[key]]),
        lambda: inside.__setitem__(key, {random_.choice(words): inside[key]}),
    ]
    if isinstance(inside, dict):
        ways += [
            lambda: inside.__setitem__(misspelt(random_, str(key)), inside.pop(key)),
            lambda: inside.__setitem__(random_.choice(words), inside.pop(key)),
            lambda: inside.__setitem__(random_.choice(words), value),
        ]
    else:
        other = random_.randrange(len(inside))
        ways += [
            lambda: inside.insert(key, copy.deepcopy(inside[key])),
            lambda: inside.__setitem__(slice(None), inside[:key]),
            lambda: inside.insert(other, inside.pop(key)),
        ]
    way = random_.randrange(len(ways))
    ways[way]()
    return f"way {way} at {'.'.join(map(str, [*above, key]))}"


def misspelt(random_: Draw, word: str) -> str:
    place = random_.randrange(len(word)) if word else 0
    return word[:place] + random_.choice(["", "x", word[place : place + 1] * 2]) + word[place + 1 :]


def dumped(data: Any) -> str:
    return yaml.dump(data, Dumper=DUMPER, sort_keys=False, allow_unicode=True)


def mutant(random_: Draw) -> str:
    """The text of a spec that is broken in one place or two; one in ten is sound."""
    originals = [to_plain(read_text(text, "spec").root) for text in SPECS]
    words = sorted({str(p[-1]) for data in originals for p in places(data)} - {"0", "1", "2"})
    data = copy.deepcopy(random_.choice(originals))
    for _ in range(random_.choice([0, *[1] * 6, *[2] * 3])):
        if isinstance(data, dict) and data:
            broken(random_, data, words, ODDER)
    return dumped(data)


def other(random_: Draw) -> str:
    """The text of a file of another tool, some of them broken, or with words of a spec among it."""
    words = sorted({str(p[-1]) for data in OTHERS for p in places(data)} - {"0", "1", "2"})
    data = copy.deepcopy(random_.choice(OTHERS))
    for _ in range(random_.randrange(3)):
        if data and list(places(data)):
            broken(random_, data, words, ODDER)
    if isinstance(data, dict) and random_.random() < 0.4:
        spec = to_plain(read_text(random_.choice(SPECS), "spec").root)
        for key in random_.sample(list(spec), random_.randrange(1, len(spec))):
            data[key] = spec[key]
    return json.dumps(data, default=str) if random_.random() < 0.2 else dumped(data)


# --- what the verbs say --------------------------------------------------------------------------


# What Python would say of its own, and a reader of specs has never heard of.
FOREIGN = re.compile(
    r"\b(NoneType|dict|tuple|KeyError|TypeError|AttributeError|Traceback)\b|<class|object at 0x"
    r"|\b(None|True|False)\b(?!, )"
)


class Odd(AssertionError):
    """A verb that ended in another way than it may."""


def through(text: str, path: Path, build: bool = False) -> str:
    """Give a text to every verb; the code of its first error, or "sound". Raises `Odd`."""
    path.write_text(text, encoding="utf-8")
    try:
        archspec.load(path)
        said: SpecError | UserError | None = None
    except (SpecError, UserError) as error:
        said = error
        if isinstance(error, SpecError):
            assert_in_words(error)
            assert_drawable(error)
    except Exception as error:
        raise Odd(f"load: {error!r}\n{text}") from error
    checked = _run("check", path, text)
    broken_ = any(": error: " in line for line in checked.output.splitlines())
    library = said is not None and "[library]" in str(said)
    if (said is not None and not library) and checked.exit_code != 1:
        raise Odd(f"check: {checked.output}\n{text}")
    for options in ([], ["--format", "markdown", "--depth", "1"], ["--format", "json"]):
        shown = _run("show", path, text, *options, *(["--batch-size", "7"] if options else []))
        _agree("show", said, shown, text)
    for options in (["x.dot"], ["x.svg", "--heat", "macs", "--depth", "1"]):
        picture = path.with_name(options[0])
        picture.unlink(missing_ok=True)
        drawn = _run("draw", path, text, "-o", str(picture), *options[1:])
        if isinstance(said, SpecError) and drawn.exception is not None:
            _same("draw", drawn.stderr, said, text)
        elif said is None and not drawn.exception:
            if picture.suffix == ".svg":
                ET.parse(picture)
        elif not isinstance(drawn.exception, UserError):
            raise Odd(f"draw: {drawn.exception!r}, but load {said!r}\n{text}")
    if build:
        made = _run("build", path, text, "-o", str(path.with_name("x.keras")))
        _agree("build", said, made, text)
    if said is None:
        return "broken contract" if broken_ else "sound"
    return said.diagnostics[0].code if isinstance(said, SpecError) else "file"


def assert_drawable(error: SpecError) -> None:
    """What is left is a graph, with no error that was not said; its marks are of errors."""
    graph = error.graph
    if graph is None:
        return
    assert isinstance(graph, Graph)
    assert {each for node in graph for each in node.errors} <= set(graph.errors)
    assert set(graph.errors) <= set(error.diagnostics)
    assert to_dot(graph)
    unknown = {node.name for node in graph if node.facts is None}
    assert all(node.name in unknown for node in graph if unknown & set(node.inputs))


def assert_in_words(error: SpecError) -> None:
    assert any(each.severity == "error" for each in error.diagnostics)
    for each in error.diagnostics:
        said = f"{each.message} {each.hint or ''}"
        quoted = re.sub(r"'[^']*'|\([^()]*\)|\[.*\]", "", said)  # shapes, and what was written
        assert not FOREIGN.search(quoted), said
        assert each.message
        assert len(as_data(each)["message"]) <= MAX_MESSAGE
        assert 1 <= each.span.line <= len(each.span.source.lines)


def _run(verb: str, path: Path, text: str, *options: str) -> Any:
    done = runner().invoke(main, [verb, str(path), *options])
    if not isinstance(done.exception, SpecError | UserError | SystemExit | None):
        raise Odd(f"{verb} {options}: {done.exception!r}\n{text}") from done.exception
    return done


def _agree(verb: str, said: Any, done: Any, text: str) -> None:
    """A verb says all that loading says, or both say nothing."""
    if said is None and not isinstance(done.exception, SpecError | None):
        raise Odd(f"{verb}: {done.exception!r}, and the spec is sound\n{text}")
    if said is not None:
        _same(verb, str(done.exception), said, text)


def _same(verb: str, found: str, said: SpecError | UserError, text: str) -> None:
    lines = [str(said.args[0])]
    if isinstance(said, SpecError):
        lines = [in_a_line(each.message) for each in said.diagnostics]
    missing = [line for line in lines if line not in found]
    if missing:
        raise Odd(f"{verb} says {found}\nand not {missing}\n{text}")


def walk(kind: Callable[[Draw], str], count: int, build: bool = False) -> Counter[str]:
    """So many texts of a kind through all verbs; the codes that they ended in."""
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.yaml"
        try_out(lambda text: ends.update([through(text, path, build)]), kind, count)
    return ends


if __name__ == "__main__":
    from archspec.backends import framework

    framework.start()
    for each in (mutant, other):
        print(each.__name__, walk(each, int(sys.argv[1]), each is mutant))
