"""The house: imports point one way, nothing heavy is loaded before it is needed, nothing is run."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from archspec import cli
from archspec.layers import LAYERS
from archspec.notation import ACTIVATIONS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "archspec"

# A package may import those above it in this list, and no other; "" is archspec/__init__.py.
PARTS = [
    "errors",
    "foreign",
    "reading",
    "error_formats",
    "writing",
    "streams",
    "display",
    "graph",
    "silencing",
    "conforms",
    "arguments",
    "syntax",
    "objects",
    "layers",
    "own_layers",
    "notation",
    "infer",
    "recipe",
    "analysis",
    "advice",
    "schema",
    "loading",
    "expand",
    "pipeline",
    "differences",
    "pictures",
    "backends",
    "exporting",
    "folding",
    "source",
    "importing",
    "data",
    "runs",
    "weights",
    "training",
    "comparing",
    "page",
    "editing",
    "studio_server",
    "api",
    "language_server",
    "",
    "cli",
    "__main__",
]


@cache
def nodes(text: str) -> list[ast.AST]:
    """Return the nodes of a source text; those of the package are asked for again and again."""
    return list(ast.walk(ast.parse(text)))


def modules(package: Path) -> dict[str, Path]:
    """Return the file of each module, by its dotted name below the package, such as
    `expand.steps`; the package itself is ""."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(package: Path) -> dict[str, set[str]]:
    """Return the modules of the package that each of its modules imports, within functions too."""
    known = modules(package)
    found: dict[str, set[str]] = {name: set() for name in known}
    for name, path in known.items():
        for node in nodes(path.read_text(encoding="utf-8")):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports say the whole name"
                wanted = [f"{node.module}.{each.name}" for each in node.names]
            elif isinstance(node, ast.Import):
                wanted = [each.name for each in node.names]
            else:
                continue
            for each in wanted:
                head, _, rest = each.partition(".")
                if head != package.name:
                    continue
                while rest and rest not in known:
                    rest = rest.rpartition(".")[0]
                found[name].add(rest)
    return found


def upward(package: Path) -> list[str]:
    """Return every import from a package further down the list."""
    return [
        f"{name} imports {other}"
        for name, others in imports(package).items()
        for other in sorted(others)
        if PARTS.index(other.partition(".")[0]) > PARTS.index(name.partition(".")[0])
    ]


def circles(package: Path) -> list[str]:
    """Return every module that imports itself by way of others."""
    wanted = imports(package)
    found = []
    for name in wanted:
        reached: set[str] = set()
        left = [name]
        while left:
            new = wanted[left.pop()] - reached
            reached |= new
            left += new
        if name in reached:
            found.append(name)
    return found


def test_imports_run_one_way() -> None:
    assert upward(PACKAGE) == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles(PACKAGE) == []


SHOWN = {"scene", "boxes", "repeats", "cells", "style"}


def beyond(package: Path) -> list[str]:
    """Return what the modules of what a picture shows import from the rest of pictures/."""
    return [
        f"{name} imports {other}"
        for name, others in imports(package).items()
        for other in sorted(others)
        if name in {f"pictures.{each}" for each in SHOWN}
        if other.startswith("pictures.") and other.removeprefix("pictures.") not in SHOWN
    ]


def test_what_a_picture_shows_knows_neither_pages_nor_graphviz() -> None:
    assert {f"pictures.{each}" for each in SHOWN} <= modules(PACKAGE).keys()
    assert beyond(PACKAGE) == []


def test_the_check_of_what_a_picture_shows_can_fail(package: Path) -> None:
    pictures = package / "pictures"
    pictures.mkdir()
    (pictures / "pages.py").write_text("import archspec.pictures.scene", encoding="utf-8")
    (pictures / "scene.py").write_text("import archspec.graph", encoding="utf-8")
    assert beyond(package) == []
    (pictures / "scene.py").write_text("import archspec.pictures.pages", encoding="utf-8")
    assert beyond(package) == ["pictures.scene imports pictures.pages"]


def test_every_package_is_in_the_list() -> None:
    found = {name.partition(".")[0] for name in modules(PACKAGE)}
    assert found == set(PARTS)


def test_every_package_is_in_the_architecture_of_the_readme() -> None:
    rows = (ROOT / "README.md").read_text(encoding="utf-8").partition("| package |")[2]
    first_column = "".join(re.findall(r"(?m)^\| (`.*?) \|", rows))
    told = re.findall(r"`(\w+)(?:/|\.py)`", first_column)
    assert sorted(told) == sorted(each for each in PARTS if each.strip("_") not in ("", "main"))


def bare_folders(package: Path) -> list[str]:
    """Return every folder of modules without an `__init__.py`: no wheel and no checker takes it for
    a part of the package."""
    places = {path.parent for path in package.rglob("*.py")}
    return sorted(place.name for place in places if not (place / "__init__.py").exists())


def test_every_folder_of_modules_is_a_package() -> None:
    assert bare_folders(PACKAGE) == []


def test_the_check_of_folders_can_fail(package: Path) -> None:
    assert bare_folders(package) == ["backends", "layers"]
    for name in ("backends", "layers"):
        (package / name / "__init__.py").touch()
    assert bare_folders(package) == []


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package whose imports run one way."""
    for name, text in {
        "__init__.py": "def to_keras():\n    from archspec.backends.keras import to_keras",
        "graph.py": "",
        "cli.py": "import archspec",
        "expand/__init__.py": "from archspec.graph import Graph",
        "backends/keras.py": "from archspec.graph import Graph",
        "layers/a.py": "",
        "layers/b.py": "from archspec.layers.a import x",
    }.items():
        path = tmp_path / "archspec" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "archspec"


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        ("graph.py", "from archspec.expand import expand", "graph imports expand"),
        ("graph.py", "def late():\n    import archspec.cli", "graph imports cli"),
        ("graph.py", "import archspec.backends.keras", "graph imports backends.keras"),
        ("graph.py", "if TYPE_CHECKING:\n    import archspec", "graph imports "),
        ("backends/keras.py", "import archspec", "backends.keras imports "),
    ],
)
def test_the_check_of_imports_can_fail(package: Path, path: str, line: str, said: str) -> None:
    assert upward(package) == []
    (package / path).write_text(line, encoding="utf-8")
    assert upward(package) == [said]


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("layers/a.py", "from archspec.layers.b import x", ["layers.a", "layers.b"]),
        ("layers/a.py", "def late():\n    import archspec.layers.b", ["layers.a", "layers.b"]),
        ("graph.py", "import archspec", ["", "backends.keras", "graph"]),
        ("graph.py", "import archspec.graph", ["graph"]),
    ],
)
def test_the_check_of_circles_can_fail(
    package: Path, path: str, line: str, found: list[str]
) -> None:
    assert circles(package) == []
    (package / path).write_text(line, encoding="utf-8")
    assert circles(package) == found


# --- what a layer is like stands on its entry ----------------------------------------------------

# Layers are named in layers/; objects/ has names of its own that are those of layers, too.
NAMING = ("layers", "objects")


def named_layers(package: Path) -> list[str]:
    """Return every name of a layer in the other packages, as a text of its own.

    Activation may be named: it is called by its function. So may ReLU and ELU, the functions.
    """
    return [
        f"{name} names {node.value}"
        for name, path in modules(package).items()
        if name.partition(".")[0] not in NAMING
        for node in nodes(path.read_text(encoding="utf-8"))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value in LAYERS.keys() - {"Activation", *ACTIVATIONS.values()}
    ]


def test_no_package_but_layers_asks_for_a_layer_by_name() -> None:
    assert named_layers(PACKAGE) == [], "make it a trait, in archspec/layers/traits.py"


def test_the_check_of_names_can_fail(package: Path) -> None:
    assert named_layers(package) == []
    (package / "graph.py").write_text("FREE = ('Dropout', 'dense')", encoding="utf-8")
    assert named_layers(package) == ["graph names Dropout"]


# --- a name means one class ----------------------------------------------------------------------


def shared_names(package: Path) -> list[str]:
    """Return every class that has the name of another, wherever in the package the two stand."""
    found: dict[str, list[str]] = {}
    for module, path in modules(package).items():
        for node in nodes(path.read_text(encoding="utf-8")):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(module)
    return [
        f"{name} is in {', '.join(places)}" for name, places in found.items() if len(places) > 1
    ]


def test_no_two_classes_share_a_name() -> None:
    assert shared_names(PACKAGE) == []


def test_the_check_of_shared_names_can_fail(package: Path) -> None:
    (package / "graph.py").write_text("class Row: ...", encoding="utf-8")
    (package / "layers" / "a.py").write_text("class Rows: ...", encoding="utf-8")
    assert shared_names(package) == []
    late = "def late():\n    class Row: ..."
    (package / "layers" / "b.py").write_text(late, encoding="utf-8")
    assert shared_names(package) == ["Row is in graph, layers.b"]


# --- nothing heavy before it is needed -----------------------------------------------------------

HEAVY = "keras tensorflow numpy jax torch matplotlib sklearn PIL"
VERBS = [
    "check {spec}",
    "check {spec} --format sarif",
    "show {spec}",
    "show {spec} {spec}",
    "diff {spec} {spec}",
    "diff {spec} resnet18 --format json",
    "draw {spec} -o {folder}/net.svg",
    "draw {spec} -o {folder}/net.dot",
    "draw {spec} -o {folder}/net.html",
    "layers",
    "layers Conv2D --format markdown",
    "explain",
    "explain shape",
    "schema",
    "new {folder}/new.yaml --from lenet5",
    "--help",
]
LOADED = """
import sys
{code}
loaded = [name for name in {names!r}.split() if name in sys.modules]
if loaded:
    sys.exit("loaded: " + " ".join(loaded))
"""
RUN = "from archspec.cli import run\nrun({!r})\n"
EXPLAINING = "jsonschema difflib traceback archspec.error_formats archspec.layers.docstrings"
EVERY_VERB = " ".join(f"archspec.cli.{verb}" for verb in cli.verbs())
# What a command does without, since importing it takes longer than the command's own work.
WITHOUT = {
    "--help": f"{EXPLAINING} {EVERY_VERB} yaml archspec.graph archspec.layers archspec.recipe",
    "check resnet18 lenet5": f"{EXPLAINING} tabulate graphviz archspec.backends archspec.pictures"
    " archspec.own_layers",
    "show resnet18": f"{EXPLAINING} graphviz archspec.pictures.dot archspec.pictures.style",
    "diff resnet18 resnet18_cifar100": f"{EXPLAINING} tabulate graphviz archspec.pictures",
    "draw lenet5 -o {folder}/net.dot": "jsonschema archspec.error_formats"
    " archspec.layers.docstrings",
}


def loads(code: str, *paths: Path, names: str = HEAVY) -> str:
    """What a fresh process that runs the code, and finds no other program, loads of some modules;
    "" for nothing."""
    script = LOADED.format(code=code, names=names)
    path = os.pathsep.join(map(str, (*paths, ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "PATH": ""},
        check=False,
    )
    assert done.returncode == 0 or done.stderr.startswith("loaded: "), done.stderr
    return done.stderr.removeprefix("loaded: ").strip() if done.returncode else ""


@pytest.mark.thorough
def test_importing_archspec_loads_nothing_heavy() -> None:
    assert loads("import archspec, archspec.cli\narchspec.load('resnet18').fingerprint") == ""


@pytest.mark.thorough
def test_the_verbs_that_build_nothing_load_nothing_heavy(tmp_path: Path) -> None:
    """All in one process: what one of them loads is still there at its end."""
    words = [verb.format(spec="lenet5", folder=tmp_path).split() for verb in VERBS]
    assert loads("".join(map(RUN.format, words))) == ""
    written = {"archspec.schema.json", "net.dot", "net.html", "net.svg", "new.yaml"}
    assert {path.name for path in tmp_path.iterdir()} == written


@pytest.mark.parametrize("command", WITHOUT)
@pytest.mark.thorough
def test_a_command_loads_no_more_than_it_needs(command: str, tmp_path: Path) -> None:
    """Of a sound spec a quick check says yes: jsonschema takes as long as all the rest."""
    words = command.format(folder=tmp_path).split()
    assert loads(RUN.format(words), names=WITHOUT[command]) == ""


@pytest.mark.thorough
def test_the_check_of_what_a_command_loads_can_fail(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("archspec: 1\nlayer: 3\n", encoding="utf-8")
    check = RUN.format(["check", str(broken)])
    sarif = RUN.format(["check", str(broken), "--format", "sarif"])
    assert loads(check, names=EXPLAINING).split()[:2] == ["jsonschema", "difflib"]
    assert "archspec.error_formats" in loads(sarif, names=EXPLAINING)
    late = set(loads(check, names=WITHOUT["--help"]).split())
    assert {"yaml", "archspec.layers", "archspec.recipe", "archspec.cli.check"} <= late
    assert "archspec.cli.draw" not in late


def test_the_check_of_what_is_loaded_can_fail(tmp_path: Path) -> None:
    (tmp_path / "keras.py").touch()
    (tmp_path / "jax.py").touch()
    assert loads("import archspec", tmp_path) == ""
    assert loads("import archspec, keras", tmp_path) == "keras"
    assert loads("import keras, jax", tmp_path) == "keras jax"


@pytest.mark.slow
@pytest.mark.keras
def test_of_keras_the_commands_load_what_they_need() -> None:
    """From Python all of it is loaded, and what was left aside can be loaded later."""
    start = "from archspec.backends import framework\nframework.own_process()\nframework.start()\n"
    later = "import sklearn.metrics, matplotlib.pyplot"
    assert "sklearn" in loads(f"{start}assert 'sklearn' not in sys.modules\n{later}").split()
    build = "import archspec\narchspec.to_keras(archspec.load('lenet5'))\n"
    assert "sklearn" in loads(f"{build}import keras\nkeras.wrappers.SKLearnClassifier").split()


# --- nothing is run ------------------------------------------------------------------------------


def runs(text: str) -> list[str]:
    """Calls in a source text that could run what a spec says."""
    calls = [node.func for node in nodes(text) if isinstance(node, ast.Call)]
    names = [each.id for each in calls if isinstance(each, ast.Name)]
    spelled = [ast.unparse(each) for each in calls if isinstance(each, ast.Attribute)]
    forbidden = {"eval", "exec", "compile", "__import__"}
    loading = {"yaml.load", "yaml.unsafe_load", "pickle.load", "pickle.loads", "os.system"}
    return [*(n for n in names if n in forbidden), *(n for n in spelled if n in loading)]


def test_nothing_that_is_read_can_be_run() -> None:
    assert len(modules(PACKAGE)) > 100
    running = {
        name for name, path in modules(PACKAGE).items() if runs(path.read_text(encoding="utf-8"))
    }
    assert running == {"own_layers.code"}, "which runs what the user names on the command line"


@pytest.mark.parametrize("line", ["eval('1')", "x = yaml.load(text)", "print(__import__('os'))"])
def test_the_check_of_what_is_run_can_fail(line: str) -> None:
    assert len(runs(line)) == 1
    assert runs("re.compile('a'), yaml.safe_load(x), evaluate(x)") == []
