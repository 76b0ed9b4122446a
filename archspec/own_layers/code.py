"""Read and run the text of a file of the user's own layers, with errors at their places."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from hashlib import sha256
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

from archspec.errors import Diagnostic, Source, Span, SpecError, UserError
from archspec.layers.layer import LayerFile
from archspec.reading import from_here, kind_of, path_of, read_bytes, readable, reading, reason

MOST = 2**20  # bytes of a file
FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")
INSIDE = "import it inside the function that makes the class: `check` and `draw` do without Keras"


class Code(Struct, frozen=True, eq=False):
    """A file of one's own layers as it was read, which is what is run and what the hash is of."""

    file: LayerFile
    source: Source
    tree: ast.Module

    def error(self, message: str, hint: str, at: ast.AST | int | None = None) -> SpecError:
        """Return the error of a part of the file, of a line of it, or of the whole."""
        return _error(self.source, message, hint, at)

    def find_entry(self, name: str) -> ast.AST | None:
        """Return the first text that is the name of an entry, for its place."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and first.value == name:
                    return first
        return None

    def find_function(self, function: Any) -> ast.FunctionDef | None:
        """Return the definition of a function, if it is in this file."""
        code = getattr(function, "__code__", None)
        if code is None or code.co_filename != str(self.file.path):
            return None
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                if first == code.co_firstlineno:
                    return node
        return None


def read_code(given: str | Path) -> Code:
    """Return the text of a file of one's own layers. Raises `UserError` for a file that cannot be
    read, and `SpecError` for one that is no Python."""
    path = path_of(given)
    shown = readable(from_here(path))
    kind = kind_of(path)
    if kind is None:
        raise UserError(f"{shown}: there is no such file", "--layers names a file of layers, a .py")
    if path.suffix != ".py":
        what = "a folder" if kind == "folder" else "no Python file"
        raise UserError(f"{shown}: this is {what}", "a file of your own layers ends in .py")
    with reading(path):
        content = read_bytes(path, MOST)
    file = LayerFile(path, sha256(content).hexdigest())
    empty = Source(shown, ())
    try:
        text = decode_source(content)
        source = Source(shown, tuple(text.split("\n")))
        return Code(file, source, ast.parse(text))
    except SyntaxError as error:
        lines = Source(shown, tuple(content.decode("utf-8", "replace").splitlines()))
        line, column = error.lineno or 1, error.offset or 1
        span = Span(lines, line, column, line, column + 1)
        message, hint = f"this is no Python: {error.msg}", f"`python {shown}` says more"
        raise SpecError([Diagnostic("own-layers", message, span, hint)]) from None
    except Exception as error:  # bytes that are no text, nesting that is too deep
        raise _error(empty, f"this is no Python: {reason(error)}", "mend the file") from None


def run(code: Code) -> ModuleType:
    """Run a file, and return its module. Raises `SpecError` for what it raises, and where it
    imports Keras."""
    for statement, name in _list_imports(code.tree):
        if name.partition(".")[0] in FRAMEWORKS:
            raise code.error(f"{name} is imported where the file is read", INSIDE, statement)
    path = code.file.path
    module = ModuleType(f"own_layers_{code.file.sha256[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses look for their module
    had_keras = "keras" in sys.modules
    try:
        with redirect_stdout(sys.stderr):  # standard output is the command's own
            exec(compile(code.tree, str(path), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        line = find_line(error, path)
        raise code.error(f"this raises {describe(error)}", "mend the file", line) from None
    if "keras" in sys.modules and not had_keras:
        raise code.error("a module that the file imports imports Keras", INSIDE)
    return module


def _list_imports(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each import that runs with the file, outside of functions, and what it imports."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            left += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from ((node, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""
        left += ast.iter_child_nodes(node)


# --- what code of the file raises ----------------------------------------------------------------


def find_line(error: BaseException, path: Path) -> int | None:
    """Return the last line of a file that an error came through."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def describe(error: BaseException) -> str:
    """Return an error in words: its class, and what it says."""
    name = type(error).__name__
    said = reason(error) if isinstance(error, Exception) else str(error)
    return name if said in (name, "") else f"{name}: {said}"


def find_place(error: BaseException, file: LayerFile) -> str:
    """Return where in a file an error came from, `my_layers.py:12`."""
    line = find_line(error, file.path)
    return f"{file.path.name}:{line}" if line else file.path.name


def _error(source: Source, message: str, hint: str, at: ast.AST | int | None = None) -> SpecError:
    if at is None:
        span = Span(Source(source.name, ()), 1, 1, 1, 1)
    elif isinstance(at, int):
        text = source.lines[at - 1]
        indent = len(text) - len(text.lstrip())
        span = Span(source, at, indent + 1, at, max(len(text.rstrip()), indent + 1) + 1)
    else:
        span = _find_span(source, at)
    return SpecError([Diagnostic("own-layers", message, span, hint)])


def _find_span(source: Source, node: Any) -> Span:
    """Return the place of a part of a tree; of a function, that of its first line."""
    line, end = node.lineno, node.end_lineno
    column = _count_characters(source.lines[line - 1], node.col_offset)
    if isinstance(node, ast.FunctionDef):
        end, last = line, len(source.lines[line - 1].rstrip())
    else:
        last = _count_characters(source.lines[end - 1], node.end_col_offset)
    return Span(source, line, column + 1, end, last + 1)


def _count_characters(text: str, bytes_: int) -> int:
    """Return how many characters the first bytes of a line are, which Python counts columns in."""
    return len(text.encode("utf-8")[:bytes_].decode("utf-8", "replace"))
