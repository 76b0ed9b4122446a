"""Serve what `editing/` finds over the Language Server Protocol, as `archspec lsp`.

Positions are in units of UTF-16, which every editor knows. A YAML file without `archspec:` is not a
spec, and gets no diagnostics.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from archspec.editing import (
    completion,
    diagnostics,
    hints,
    hover,
    lookups,
    outline,
    rename,
    tokens,
)
from archspec.editing.text import Position, Range
from archspec.editing.workspace import SpecView, Workspace
from archspec.error_formats import find_version
from archspec.errors import UserError
from archspec.reading import path_of
from archspec.syntax.damage import OURS

REST = 0.05  # seconds without a change before what is wrong is looked for
SOURCE = "archspec"
UNSAVED = "untitled:"  # what VS Code calls texts that were never saved
# An initialization option says that a YAML server runs, too: true, or the patterns of the files for
# which its settings have the schema. It has that of a spec that names it in a comment as well. What
# it says of these is not said twice.
YAML = "yaml"
NAMES_SCHEMA = re.compile(r"^#\s*yaml-language-server:\s*\$schema=", re.MULTILINE)
F = TypeVar("F", bound=Callable[..., Any])

SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "note": lsp.DiagnosticSeverity.Information,
    "advice": lsp.DiagnosticSeverity.Hint,
}
SYMBOLS = {
    "part": lsp.SymbolKind.Namespace,
    "param": lsp.SymbolKind.Variable,
    "input": lsp.SymbolKind.Interface,
    "block": lsp.SymbolKind.Class,
    "step": lsp.SymbolKind.Field,
    "branch": lsp.SymbolKind.Array,
}
COMPLETIONS = {
    "param": lsp.CompletionItemKind.Variable,
    "variable": lsp.CompletionItemKind.Variable,
    "block": lsp.CompletionItemKind.Class,
    "step": lsp.CompletionItemKind.Reference,
    "function": lsp.CompletionItemKind.Function,
    "word": lsp.CompletionItemKind.Keyword,
    "axis": lsp.CompletionItemKind.Property,
    "file": lsp.CompletionItemKind.File,
}
TOKENS = {  # what a word is -> the protocol's word for it, by which themes colour
    "param": "parameter",
    "variable": "variable",
    "block": "function",
    "step": "namespace",
    "layer": "class",
    "function": "method",
    "number": "number",
    "text": "string",
    "word": "keyword",
}
LEGEND = lsp.SemanticTokensLegend([*TOKENS.values()], ["declaration"])


def _is_fault(record: logging.LogRecord) -> bool:
    """Return whether what pygls logs is more than an answer in words, such as a refused rename."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_fault)


class _Protocol(LanguageServerProtocol):
    """The protocol with positions in units of UTF-16, whatever else a client can count in."""

    @lsp_method(lsp.INITIALIZE)
    def lsp_initialize(self, params: lsp.InitializeParams) -> Any:
        if params.capabilities.general is not None:
            params.capabilities.general.position_encodings = [lsp.PositionEncodingKind.Utf16]
        result = yield from super().lsp_initialize(params)
        return result


class SpecServer(LanguageServer):
    """A server and the specs that are open in its client.

    by_yaml: the patterns of the files of which a YAML server has the schema; None if none runs.
    """

    def __init__(self) -> None:
        super().__init__(SOURCE, find_version().get("version", "0"), protocol_cls=_Protocol)
        self.specs = Workspace()
        self.by_yaml: list[re.Pattern[str]] | None = None
        self.waiting: asyncio.TimerHandle | None = None
        self.published: dict[Path, SpecView] = {}

    def view_of(self, uri: str) -> SpecView | None:
        """Return the view of an open spec; None for a file that is none."""
        path = to_path(uri)
        if path is None or not OURS.search(self.specs.reader.open.get(path, "")):
            return None
        return self.specs.look(path)

    def has_schema(self, view: SpecView) -> bool:
        """Return whether a YAML server checks a spec by the schema."""
        if self.by_yaml is None:
            return False
        named = NAMES_SCHEMA.search(view.text.text) is not None
        return named or any(each.search(view.path.as_posix()) for each in self.by_yaml)

    def publish(self) -> None:
        """Say what is wrong with each open spec that is not as it was when it was said last."""
        self.waiting = None
        changed = False
        for path in self.specs.open:
            view = self.view_of(to_uri(path))
            if view is not self.published.get(path):
                changed = True
                self._say(path, view)
        client = self.client_capabilities.workspace
        hints = client.inlay_hint if client is not None else None
        if changed and hints is not None and hints.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    def _say(self, path: Path, view: SpecView | None) -> None:
        found: list[lsp.Diagnostic] = []
        if view is None:
            self.published.pop(path, None)
        else:
            self.published[path] = view
            findings = diagnostics.list_findings(view, by_schema=not self.has_schema(view))
            found = [write_diagnostic(each) for each in findings]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(to_uri(path), found))


server = SpecServer()


def answer(method: str, options: Any = None) -> Callable[[F], F]:
    """Take a function of an open spec for the answer to a question about a document.

    A question about another file has no answer; an error of the user is one in words.
    """

    def decorate(function: F) -> F:
        @server.feature(method, options)
        @wraps(function)
        def answered(params: Any) -> Any:
            view = server.view_of(params.text_document.uri)
            if view is None:
                return None
            try:
                return function(view, params)
            except UserError as error:
                raise JsonRpcException(_in_words(error), lsp.LSPErrorCodes.RequestFailed) from None

        return answered  # type: ignore[return-value]

    return decorate


def _in_words(error: UserError) -> str:
    return f"{error.args[0]}{f': {error.hint}' if error.hint else ''}"


# --- the state of the client ---------------------------------------------------------------------


@server.feature(lsp.INITIALIZE)
def start(params: lsp.InitializeParams) -> None:
    folders = [each.uri for each in params.workspace_folders or ()]
    folders = folders or ([params.root_uri] if params.root_uri else [])
    server.specs.folders = tuple(path for uri in folders if (path := to_path(uri)) is not None)
    options = params.initialization_options
    given = options.get(YAML) if isinstance(options, dict) else None
    patterns = given if isinstance(given, list) else []
    server.by_yaml = [diagnostics.read_glob(str(each)) for each in patterns] if given else None


@server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
@server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
def take_text(params: lsp.DidOpenTextDocumentParams | lsp.DidChangeTextDocumentParams) -> None:
    uri = params.text_document.uri
    path = to_path(uri)
    if path is not None:
        server.specs.write(path, server.workspace.get_text_document(uri).source)
        _publish_soon()


@server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
def forget_text(params: lsp.DidCloseTextDocumentParams) -> None:
    path = to_path(params.text_document.uri)
    if path is not None:
        server.specs.close(path)
        server.published.pop(path, None)
        closed = lsp.PublishDiagnosticsParams(params.text_document.uri, [])
        server.text_document_publish_diagnostics(closed)
        _publish_soon()


@server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
@server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def look_again(params: Any) -> None:
    """Look at the open specs again: files that they stand on may have changed."""
    _publish_soon()


def _publish_soon() -> None:
    """Say what is wrong when nobody has written for a moment."""
    if server.waiting is not None:
        server.waiting.cancel()
    server.waiting = asyncio.get_running_loop().call_later(REST, server.publish)


# --- questions -----------------------------------------------------------------------------------


@answer(lsp.TEXT_DOCUMENT_HOVER)
def show_hover(view: SpecView, params: lsp.HoverParams) -> lsp.Hover | None:
    found = hover.find_hover(view, read_position(params.position))
    if found is None:
        return None
    text = lsp.MarkupContent(lsp.MarkupKind.Markdown, found.markdown)
    return lsp.Hover(text, write_range(found.range))


@answer(lsp.TEXT_DOCUMENT_INLAY_HINT)
def show_hints(view: SpecView, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
    return [
        lsp.InlayHint(
            write_position(each.position), each.label, padding_left=True, tooltip=each.tooltip
        )
        for each in hints.list_hints(view, read_range(params.range))
    ]


@answer(lsp.TEXT_DOCUMENT_DEFINITION)
def show_definition(view: SpecView, params: lsp.DefinitionParams) -> list[lsp.Location]:
    at = read_position(params.position)
    return write_locations(lookups.find_definitions(server.specs, view, at))


@answer(lsp.TEXT_DOCUMENT_REFERENCES)
def show_references(view: SpecView, params: lsp.ReferenceParams) -> list[lsp.Location]:
    at, declared = read_position(params.position), params.context.include_declaration
    return write_locations(lookups.find_references(server.specs, view, at, declared))


@answer(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
def show_highlights(
    view: SpecView, params: lsp.DocumentHighlightParams
) -> list[lsp.DocumentHighlight]:
    kinds = (lsp.DocumentHighlightKind.Read, lsp.DocumentHighlightKind.Write)
    return [
        lsp.DocumentHighlight(write_range(place), kinds[defines])
        for place, defines in lookups.find_in_file(view, read_position(params.position))
    ]


@answer(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
def prepare_rename(view: SpecView, params: lsp.PrepareRenameParams) -> Any:
    found = rename.find_renamable(view, read_position(params.position))
    return lsp.PrepareRenamePlaceholder(write_range(found.range), found.text)


@answer(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
def write_rename(view: SpecView, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    at = read_position(params.position)
    found = rename.rename(server.specs, view, at, params.new_name)
    return lsp.WorkspaceEdit(
        {
            to_uri(path): [lsp.TextEdit(write_range(place), text) for place, text in edits]
            for path, edits in found.items()
        }
    )


@answer(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(["=", ".", "{", "[", " "]))
def show_completions(view: SpecView, params: lsp.CompletionParams) -> lsp.CompletionList:
    found = completion.list_completions(view, read_position(params.position))
    items = [
        lsp.CompletionItem(
            each.label,
            kind=COMPLETIONS[each.kind],
            detail=each.detail or None,
            sort_text=f"{number:04}",
            filter_text=each.label,
            text_edit=lsp.TextEdit(write_range(each.range), each.written),
        )
        for number, each in enumerate(found)
    ]
    return lsp.CompletionList(is_incomplete=False, items=items)


@answer(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
def show_symbols(view: SpecView, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    return [_write_symbol(each) for each in outline.list_symbols(view)]


def _write_symbol(item: outline.OutlineItem) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(
        item.name,
        SYMBOLS[item.kind],
        write_range(item.range),
        write_range(item.place),
        detail=item.detail or None,
        children=[_write_symbol(each) for each in item.inside],
    )


@answer(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
def show_folds(view: SpecView, params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
    comment = lsp.FoldingRangeKind.Comment
    return [
        lsp.FoldingRange(each.first, each.last, kind=comment if each.is_comment else None)
        for each in outline.list_folds(view)
    ]


@answer(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, LEGEND)
def show_tokens(view: SpecView, params: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
    return lsp.SemanticTokens(list(_write_tokens(tokens.list_tokens(view))))


def _write_tokens(found: Iterable[tokens.Token]) -> Iterator[int]:
    """Yield five numbers for each token: its place from the one before it, and what it is."""
    kinds = list(TOKENS)
    line = character = 0
    for each in found:
        at = each.position
        yield at.line - line
        yield at.character - (character if at.line == line else 0)
        yield from (each.length, kinds.index(each.kind), int(each.defines))
        line, character = at.line, at.character


@answer(
    lsp.TEXT_DOCUMENT_CODE_ACTION,
    lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
)
def show_actions(view: SpecView, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    uri = params.text_document.uri
    return [
        lsp.CodeAction(
            each.title,
            kind=lsp.CodeActionKind.QuickFix,
            diagnostics=[write_diagnostic(each.finding)],
            is_preferred=True,
            edit=lsp.WorkspaceEdit({uri: [lsp.TextEdit(write_range(each.range), each.text)]}),
        )
        for each in diagnostics.list_actions(view, read_range(params.range))
    ]


# --- the protocol's records ----------------------------------------------------------------------


def write_diagnostic(found: diagnostics.Finding) -> lsp.Diagnostic:
    """Return what is wrong at a place, with its hint in a second line."""
    return lsp.Diagnostic(
        write_range(found.range),
        f"{found.message}\n{found.hint}" if found.hint else found.message,
        SEVERITIES[found.severity],
        found.code,
        source=SOURCE,
        tags=[lsp.DiagnosticTag.Unnecessary] if found.is_unused else None,
        related_information=[
            lsp.DiagnosticRelatedInformation(
                lsp.Location(to_uri(each.path), write_range(each.range)), each.text
            )
            for each in found.related
        ],
    )


def write_locations(found: Iterable[lookups.Location]) -> list[lsp.Location]:
    return [lsp.Location(to_uri(each.path), write_range(each.range)) for each in found]


def write_position(position: Position) -> lsp.Position:
    return lsp.Position(position.line, position.character)


def write_range(place: Range) -> lsp.Range:
    return lsp.Range(write_position(place.start), write_position(place.end))


def read_position(position: lsp.Position) -> Position:
    return Position(position.line, position.character)


def read_range(place: lsp.Range) -> Range:
    return Range(read_position(place.start), read_position(place.end))


def to_path(uri: str) -> Path | None:
    """Return the resolved path of a document; None for one that is no text of a file.

    A text that was never saved has the path that it would have in the folder that is open.
    """
    if uri.startswith(UNSAVED):
        folder = next(iter(server.specs.folders), Path.cwd())
        return path_of(folder / unquote(uri.removeprefix(UNSAVED)))
    text = to_fs_path(uri) if uri.startswith("file:") else None
    return None if text is None else path_of(text)


def to_uri(path: Path) -> str:
    """Return the name of a file for the client: the one that it has opened it by, if it has."""
    opened = (each.uri for each in server.workspace.text_documents.values())  # keys are unquoted
    return next((uri for uri in opened if to_path(uri) == path), path.as_uri())
