"""Copy what makes the Keras classes of layers of one's own from the file that the user named.

The file itself imports archspec, for the rules of its layers; the function that makes a class need
not. It is copied with what it uses of its file, if nothing of that is archspec's.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator

from archspec.errors import UserError
from archspec.graph import Graph
from archspec.layers import LAYERS, Layer
from archspec.own_layers.code import Code, read_code
from archspec.source.file import OwnClasses

HINT = "write what the class needs into the function that makes it, and import it there"


def copy_classes(graph: Graph) -> OwnClasses:
    """Return what makes the classes of the layers of one's own in a graph.

    Raises `UserError` for what cannot be copied.
    """
    found = OwnClasses()
    used = dict.fromkeys(node.op for node in graph if node.op != "InputLayer")
    for op in used:
        entry = LAYERS[op]
        if entry.file is not None:
            _copy(entry, found)
    return found


def _copy(entry: Layer, found: OwnClasses) -> None:
    assert entry.file is not None
    code = read_code(entry.file.path)
    name = entry.file.path.name
    if code.file.sha256 != entry.file.sha256:
        raise UserError(f"{name} is another file than the one that was read", "start again")
    maker = code.find_function(entry.keras_class)
    if maker is None or maker not in code.tree.body:
        message = f"{name}: what makes the class of {entry.name} is no function of this file"
        raise UserError(message, "let the entry name a function that begins with `def`")
    copied: dict[ast.stmt, None] = {}
    left: list[ast.stmt] = [maker]
    while left:
        statement = left.pop()
        if statement in copied:
            continue
        copied[statement] = None
        for word in _list_globals(statement, code):
            left.append(_find(word, statement, code, name))
    for statement in sorted(copied, key=lambda each: each.lineno):
        text = _text_of(statement, code)
        kept = found.imports if isinstance(statement, ast.Import | ast.ImportFrom) else found.texts
        if text not in kept:
            kept.append(text)
    found.makers[entry.name] = maker.name


def _list_globals(statement: ast.stmt, code: Code) -> Iterator[str]:
    """Yield the names of its file that a statement uses."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return
    table = symtable.symtable(ast.unparse(statement), code.file.path.name, "exec")
    own = {each.get_name() for each in table.get_symbols() if each.is_assigned()}
    names = dict.fromkeys(_list_used(table))
    yield from (each for each in names if each not in own and not hasattr(builtins, each))


def _list_used(table: symtable.SymbolTable) -> Iterator[str]:
    for each in table.get_symbols():
        if each.is_referenced() and (each.is_global() or table.get_type() == "module"):
            yield each.get_name()
    for inner in table.get_children():
        yield from _list_used(inner)


def _find(word: str, at: ast.stmt, code: Code, file: str) -> ast.stmt:
    """Return the statement of a file that gives a name. Raises `UserError` if it is archspec's."""
    for statement in code.tree.body:
        if word in _list_given(statement):
            module = statement.module if isinstance(statement, ast.ImportFrom) else word
            names = [module or ""]
            if isinstance(statement, ast.Import):
                names = [each.name for each in statement.names]
            relative = isinstance(statement, ast.ImportFrom) and statement.level > 0
            if relative or any(each.partition(".")[0] == "archspec" for each in names):
                message = f"{file}:{at.lineno}: what makes a class uses '{word}' of archspec"
                raise UserError(f"{message}, which the source is to do without", HINT)
            return statement
    message = f"{file}:{at.lineno}: what makes a class uses '{word}', which cannot be copied"
    raise UserError(message, HINT)


def _list_given(statement: ast.stmt) -> Iterable[str]:
    """Return the names that a statement of a file gives."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(each.asname or each.name).partition(".")[0] for each in names]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _text_of(statement: ast.stmt, code: Code) -> str:
    """Return a statement as the user wrote it, with its decorators."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(each.lineno for each in decorators)])
    return "\n".join(code.source.lines[first - 1 : statement.end_lineno])
