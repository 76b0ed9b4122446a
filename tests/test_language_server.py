"""`archspec lsp` as an editor has it: the server in its own process, over the protocol."""

import asyncio
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from editing import NET, apply
from language_server import LanguageServer as YamlServer

pytest_lsp = pytest.importorskip("pytest_lsp", reason="needs the extra editor")
pytestmark = pytest.mark.editor

from lsprotocol import types as lsp  # noqa: E402
from pygls.exceptions import JsonRpcException  # noqa: E402
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities  # noqa: E402

from archspec.editing.diagnostics import list_findings  # noqa: E402
from archspec.editing.text import Position, Range  # noqa: E402
from archspec.editing.workspace import Workspace  # noqa: E402

SPEC = f"""{NET}params: {{width: 8}}
blocks:
  unit:
    params: {{filters: null}}
    layers:
      - Conv2D: {{filters: ==, kernel_size: 3}}
      - ReLU
layers:
  - unit: =width * i
    for: {{i: [1, 2]}}
    name: part{{i}}
  - Flatten
  - Dense: 10
    name: head
"""
SERVER = [sys.executable, "-m", "archspec", "lsp"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=SERVER, server_env=ENVIRONMENT),
    params=["visual-studio-code", "neovim"],
)
async def client(
    request: pytest.FixtureRequest, lsp_client: LanguageClient, tmp_path: Path
) -> AsyncIterator[None]:
    capabilities = client_capabilities(request.param)
    lsp_client.feature(lsp.WORKSPACE_INLAY_HINT_REFRESH)(lambda *_: None)
    await lsp_client.initialize_session(
        lsp.InitializeParams(
            capabilities=capabilities,
            workspace_folders=[lsp.WorkspaceFolder(tmp_path.as_uri(), "specs")],
        )
    )
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(config=ClientServerConfig(server_command=SERVER, server_env=ENVIRONMENT))
async def beside_yaml(lsp_client: LanguageClient) -> AsyncIterator[None]:
    """A client whose user has a YAML server, too, with the schema for the folder `specs`."""
    await lsp_client.initialize_session(
        lsp.InitializeParams(
            capabilities=client_capabilities("visual-studio-code"),
            initialization_options={"yaml": ["specs/**/*.yaml"]},
        )
    )
    yield
    await lsp_client.shutdown_session()


class Editor:
    """A file that is open in a client, or a text by a name of its own, which was never saved."""

    def __init__(self, client: LanguageClient, path: Path | str, text: str) -> None:
        self.client, self.text, self.version = client, text, 1
        self.uri = path if isinstance(path, str) else path.as_uri()
        if isinstance(path, Path):
            path.write_text(text, encoding="utf-8")
        item = lsp.TextDocumentItem(self.uri, "yaml", 1, text)
        client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    @property
    def document(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)

    def at(self, words: str, more: int = 0) -> lsp.Position:
        before = self.text[: self.text.index(words) + more].split("\n")
        return lsp.Position(len(before) - 1, len(before[-1]))

    def write(self, old: str, new: str) -> None:
        """Type new words over old ones, as an incremental change."""
        start, end = self.at(old), self.at(old, len(old))
        self.version += 1
        self.text = self.text.replace(old, new, 1)
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.version, self.uri),
                [lsp.TextDocumentContentChangePartial(lsp.Range(start, end), new)],
            )
        )

    async def said(self) -> list[lsp.Diagnostic]:
        method = lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS
        await asyncio.wait_for(self.client.wait_for_notification(method), 30)
        return list(self.client.diagnostics.get(self.uri, ()))


def read(place: lsp.Range) -> Range:
    return Range(
        Position(place.start.line, place.start.character),
        Position(place.end.line, place.end.character),
    )


def changed(text: str, edits: list[lsp.TextEdit]) -> str:
    return apply(text, [(read(each.range), each.new_text) for each in edits])


@pytest.mark.asyncio
async def test_an_editor_is_answered(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "net.yaml", SPEC)
    assert await editor.said() == []
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
    hints = await client.text_document_inlay_hint_async(lsp.InlayHintParams(editor.document, whole))
    assert [each.label for each in hints][-3:] == ["→ 14×14×8 … 12×12×16  ×2", "→ 2304", "→ 10"]
    found = await client.text_document_hover_async(
        lsp.HoverParams(editor.document, editor.at("Conv2D"))
    )
    assert "| `part2.conv2d` | 12×12×16 | 1.17 K | 166 K | 5 |" in re.sub(
        " +", " ", found.contents.value
    )
    at = editor.at("=width", 1)
    places = await client.text_document_definition_async(lsp.DefinitionParams(editor.document, at))
    assert [each.range.start for each in places] == [editor.at("width")]
    places = await client.text_document_references_async(
        lsp.ReferenceParams(lsp.ReferenceContext(True), editor.document, at)
    )
    assert len(places) == 2
    marked = await client.text_document_document_highlight_async(
        lsp.DocumentHighlightParams(editor.document, at)
    )
    assert len(marked) == 2
    symbols = await client.text_document_document_symbol_async(
        lsp.DocumentSymbolParams(editor.document)
    )
    assert [each.name for each in symbols] == ["archspec", "input", "params", "blocks", "layers"]
    folds = await client.text_document_folding_range_async(lsp.FoldingRangeParams(editor.document))
    assert (folds[0].start_line, folds[0].end_line) == (3, 8)
    tokens = await client.text_document_semantic_tokens_full_async(
        lsp.SemanticTokensParams(editor.document)
    )
    assert tokens.data[:5] == (2, 9, 5, 0, 1)


@pytest.mark.asyncio
async def test_a_mistake_is_said_and_mended(client: LanguageClient, tmp_path: Path) -> None:
    editor = Editor(client, tmp_path / "net.yaml", SPEC)
    await editor.said()
    editor.write("kernel_size", "kernal_size")
    (found,) = await editor.said()
    assert found.message == "Conv2D has no argument 'kernal_size'\ndid you mean 'kernel_size'?"
    assert (found.code, found.source, found.severity) == ("unknown-argument", "archspec", 1)
    assert found.range.start == editor.at("kernal_size")
    actions = await client.text_document_code_action_async(
        lsp.CodeActionParams(editor.document, found.range, lsp.CodeActionContext([found]))
    )
    assert changed(editor.text, actions[0].edit.changes[editor.uri]) == SPEC
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
    hints = await client.text_document_inlay_hint_async(lsp.InlayHintParams(editor.document, whole))
    assert [each.label for each in hints][-1] == "(→ 10)"
    editor.write("kernal_size", "kernel_size")
    assert await editor.said() == []


@pytest.mark.asyncio
async def test_a_file_has_the_name_that_its_editor_has_for_it(
    client: LanguageClient, tmp_path: Path
) -> None:
    (folder := tmp_path / "my é").mkdir()
    editor = Editor(client, folder / "net.yaml", SPEC.replace("kernel_size", "kernal_size"))
    (found,) = await editor.said()
    assert found.code == "unknown-argument"


@pytest.mark.asyncio
async def test_a_name_is_changed_in_all_files(client: LanguageClient, tmp_path: Path) -> None:
    derived = "archspec: 1\nextends: net.yaml\nparams: {width: 4}\n"
    (tmp_path / "derived.yaml").write_text(derived)
    editor = Editor(client, tmp_path / "net.yaml", f"{SPEC}description: 𝄞\n")
    await editor.said()
    at = editor.at("=width", 2)
    ready = await client.text_document_prepare_rename_async(
        lsp.PrepareRenameParams(editor.document, at)
    )
    assert ready.placeholder == "width"
    found = await client.text_document_rename_async(
        lsp.RenameParams(text_document=editor.document, position=at, new_name="w")
    )
    assert changed(derived, found.changes[(tmp_path / "derived.yaml").as_uri()]) == derived.replace(
        "width", "w"
    )
    assert changed(editor.text, found.changes[editor.uri]) == editor.text.replace("width", "w")
    with pytest.raises(JsonRpcException, match="already means something"):
        await client.text_document_rename_async(
            lsp.RenameParams(text_document=editor.document, position=at, new_name="max")
        )


def test_a_refusal_is_no_fault_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    from pygls.protocol import json_rpc

    import archspec.language_server  # noqa: F401

    logged: list[type[BaseException]] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.exc_info[0])  # type: ignore[method-assign]
    monkeypatch.setattr(json_rpc.logger, "handlers", [handler])
    for error in (JsonRpcException("the name is taken"), ValueError("a mistake of ours")):
        try:
            raise error
        except Exception:
            json_rpc.logger.exception("what was asked has failed")
    assert logged == [ValueError]


@pytest.mark.asyncio
async def test_names_are_completed_in_a_line_that_is_no_yaml_yet(
    client: LanguageClient, tmp_path: Path
) -> None:
    editor = Editor(client, tmp_path / "net.yaml", SPEC)
    await editor.said()
    editor.write("- Flatten", "- Flatten\n  - Dense: {units: =wi")
    found = await client.text_document_completion_async(
        lsp.CompletionParams(editor.document, editor.at("{units: =wi", 11))
    )
    item = next(each for each in found.items if each.label == "width")
    assert changed(editor.text, [item.text_edit]).count("{units: =width\n") == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["Untitled-1", "{folder}/new%20net.yaml"])
async def test_a_text_that_was_never_saved_is_a_spec_of_the_folder(
    client: LanguageClient, tmp_path: Path, name: str
) -> None:
    """The second is what VS Code calls the text of a file that it was asked to open and is not."""
    (tmp_path / "base.yaml").write_text(SPEC)
    uri = f"untitled:{name.format(folder=tmp_path)}"
    editor = Editor(client, uri, "archspec: 1\nextends: base.yaml\nparams: {width: 4}\n")
    assert await editor.said() == []
    editor.write("width", "widht")
    (found,) = await editor.said()
    assert "did you mean 'width'?" in found.message
    actions = await client.text_document_code_action_async(
        lsp.CodeActionParams(editor.document, found.range, lsp.CodeActionContext([found]))
    )
    mended = changed(editor.text, actions[0].edit.changes[editor.uri])
    assert mended == editor.text.replace("widht", "width")
    closed = lsp.DidCloseTextDocumentParams(editor.document)
    client.text_document_did_close(closed)
    assert await editor.said() == []
    assert [each.name for each in tmp_path.iterdir()] == ["base.yaml"]


@pytest.mark.asyncio
async def test_other_files_are_left_alone_and_open_ones_seen(
    client: LanguageClient, tmp_path: Path
) -> None:
    other = Editor(client, tmp_path / "compose.yaml", "services: [\n")
    assert (
        await client.text_document_hover_async(lsp.HoverParams(other.document, lsp.Position(0, 2)))
        is None
    )
    base = Editor(client, tmp_path / "base.yaml", SPEC)
    derived = Editor(client, tmp_path / "derived.yaml", "archspec: 1\nextends: base.yaml\n")
    while derived.uri not in client.diagnostics:
        await derived.said()
    base.write("Flatten", "Flaten")
    while not client.diagnostics[derived.uri]:
        await derived.said()
    assert (
        "base.yaml:14:5: no layer is called 'Flaten'" in client.diagnostics[derived.uri][0].message
    )
    assert other.uri not in client.diagnostics


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "head", "is_said"),
    [
        ("net.yaml", "", True),
        ("net.yaml", "# yaml-language-server: $schema=archspec.schema.json\n", False),
        ("specs/net.yaml", "", False),
    ],
)
async def test_what_a_yaml_server_says_is_not_said_again(
    beside_yaml: LanguageClient, tmp_path: Path, name: str, head: str, is_said: bool
) -> None:
    (tmp_path / "specs").mkdir()
    text = head + SPEC.replace("kernel_size", "kernal_size")
    editor = Editor(beside_yaml, tmp_path / name, text)
    found = await editor.said()
    assert [each.code for each in found] == ["unknown-argument"] * is_said
    at = editor.at("kernal")
    actions = await beside_yaml.text_document_code_action_async(
        lsp.CodeActionParams(editor.document, lsp.Range(at, at), lsp.CodeActionContext([]))
    )
    assert len(actions) == 1


# --- editors themselves --------------------------------------------------------------------------

NEOVIM = os.environ.get("ARCHSPEC_NEOVIM") or shutil.which("nvim")
MODULES = os.environ.get("ARCHSPEC_VSCODE_MODULES")  # of editors/vscode, after `npm install`
YAML_SERVER = os.environ.get("ARCHSPEC_YAML_LANGUAGE_SERVER") or shutil.which(
    "yaml-language-server"
)


@pytest.fixture
def on_path(tmp_path: Path) -> dict[str, str]:
    """An environment in which `archspec` is this checkout's."""
    command = tmp_path / "bin" / "archspec"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m archspec "$@"\n')
    command.chmod(0o755)
    return {**ENVIRONMENT, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}


def run(*words: str | Path, environment: dict[str, str]) -> Any:
    """Return what a program prints as JSON."""
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    return json.loads(done.stdout)


def is_known(nvim: str | None) -> bool:
    """Whether Neovim is there, of a version that has the words of the docs."""
    if nvim is None:
        return False
    said = subprocess.run([nvim, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= (0, 11)


@pytest.mark.skipif(not is_known(NEOVIM), reason="needs Neovim 0.11, or in ARCHSPEC_NEOVIM")
def test_neovim_shows_it_by_the_lines_of_the_docs(tmp_path: Path, on_path: dict[str, str]) -> None:
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    lines = re.findall(r"```lua\n(.*?)```", page, re.S)[0]
    start, spec = tmp_path / "init.lua", tmp_path / "net.yaml"
    start.write_text(lines)
    spec.write_text(SPEC)
    script = ROOT / "tests" / "neovim.lua"
    said = run(NEOVIM, "--headless", "-n", "-u", start, spec, "-S", script, environment=on_path)
    assert said["hints"] == 6
    assert "`part2.conv2d`" in said["hover"]
    assert f"{said['renamed']}\n" == SPEC.replace("width", "w")
    assert said["wrong"] == ["Conv2D has no argument 'kernal_size'\ndid you mean 'kernel_size'?"]


@pytest.mark.skipif(MODULES is None, reason="needs ARCHSPEC_VSCODE_MODULES, from npm")
def test_the_extension_answers_vs_codes_own_client_library(
    tmp_path: Path, on_path: dict[str, str]
) -> None:
    """The library asks for what the server can do, and gives its answers to VS Code, for which
    `vscode_client.cjs` stands."""
    assert MODULES is not None
    folder, bundle = ROOT / "editors" / "vscode", tmp_path / "extension.js"
    script = json.loads((folder / "package.json").read_text())["scripts"]["vscode:prepublish"]
    words = script.replace("out/extension.js", str(bundle)).split()
    subprocess.run(
        [f"{MODULES}/.bin/{words[0]}", *words[1:]],
        cwd=folder,
        env={**os.environ, "NODE_PATH": MODULES},
        capture_output=True,
        check=True,
    )
    spec = tmp_path / "net.yaml"
    spec.write_text(SPEC)
    client = ROOT / "tests" / "vscode_client.cjs"
    said = run("node", client, bundle, spec, "archspec", "lsp", environment=on_path)
    assert len(said.pop("providers")) == 11
    assert said == {
        "diagnostics": 0,
        "hints": 6,
        "hover": True,
        "symbols": 5,
        "folds": 6,
        "tokens": True,
    }


# What both say, in other words, and what the YAML server does not say where the schema refuses it.
BOTH = {"inputs_as_input", "trap_number", "trap_text_goes_on"}
NEITHER = {"loops_unclear", "trap_alias_inside"}


@pytest.mark.skipif(YAML_SERVER is None, reason="needs yaml-language-server from npm")
def test_beside_a_yaml_server_nothing_is_said_twice() -> None:
    """Of all broken specs of the tests. What is no YAML it may say some lines further down."""
    schema = {str(ROOT / "archspec" / "schema.json"): ["*.yaml"]}
    settings = {"yaml": {"schemas": schema, "schemaStore": {"enable": False}}}
    other = YamlServer([str(YAML_SERVER), "--stdio"], ROOT, settings)
    twice, nowhere = set(), set()
    for path in sorted((ROOT / "tests" / "errors").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        found = other.diagnostics(ROOT / "specs" / path.name, text)
        theirs = [(each["range"]["start"], each["range"]["end"]) for each in found]
        workspace = Workspace()
        workspace.write(path, text)
        view = workspace.look(path)
        kept = list(list_findings(view, by_schema=False))
        for each in list_findings(view):
            if each.severity != "error":
                continue
            start = (each.range.start.line, each.range.start.character)
            end = (each.range.end.line, each.range.end.character)
            if each in kept:
                if any(
                    (a["line"], a["character"]) <= end and start <= (b["line"], b["character"])
                    for a, b in theirs
                    if b["line"] - a["line"] < 2
                ):
                    twice.add(path.stem)
            elif not any(start[0] - 3 <= a["line"] <= end[0] + 3 for a, _ in theirs):
                nowhere.add(path.stem)
    other.close()
    assert (twice, nowhere) == (BOTH, NEITHER)
