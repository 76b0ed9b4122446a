// The extension for VS Code, with VS Code's own client library, without VS Code.
//
//   node vscode_client.cjs EXTENSION.js FILE COMMAND...
//
// What the library registers is kept in place of VS Code, and then asked as VS Code asks it. Prints
// what is answered as JSON.

const Module = require("module");
const fs = require("fs");
const path = require("path");

const [extension, file, ...command] = process.argv.slice(2);
const providers = {};
const listeners = {};
const published = [];

class Position {
  constructor(line, character) { Object.assign(this, { line, character }); }
}
class Range {
  constructor(a, b, c, d) {
    this.start = a instanceof Position ? a : new Position(a, b);
    this.end = a instanceof Position ? b : new Position(c, d);
  }
}
class Uri {
  constructor(text) { Object.assign(this, { scheme: "file", fsPath: text, path: text }); }
  static parse(text) { return new Uri(decodeURIComponent(text.replace("file://", ""))); }
  static file(text) { return new Uri(text); }
  toString() { return `file://${encodeURI(this.fsPath)}`; }
}
class Disposable {
  constructor(stop) { this.stop = stop; }
  dispose() { this.stop?.(); }
}
class CancellationTokenSource {
  constructor() { this.token = { isCancellationRequested: false, onCancellationRequested: () => new Disposable() }; }
  cancel() {}
  dispose() {}
}
class EventEmitter {
  constructor() { this.heard = []; this.event = (listener) => (this.heard.push(listener), new Disposable()); }
  fire(value) { this.heard.forEach((listener) => listener(value)); }
  dispose() {}
}
class Bag { constructor(...values) { this.values = values; } }
const enums = new Proxy({}, { get: (_, name) => name });

function listen(name) {
  return (listener, self) => {
    (listeners[name] ??= []).push(listener.bind(self));
    return new Disposable();
  };
}

const document = {
  uri: Uri.file(file), languageId: "yaml", version: 1, isClosed: false, fileName: file,
  text: fs.readFileSync(file, "utf8"), getText() { return this.text; },
};

// Whatever the library asks for and is not here is a class, an enumeration or a function.
function lenient(own, name) {
  return new Proxy(own, {
    get(target, key) {
      if (key in target || typeof key === "symbol") return target[key];
      if (String(key).startsWith("register")) {
        return (...given) => {
          (providers[key] ??= []).push(given.find((each) => each && Object.keys(each).some((k) => /^(provide|resolve|prepare)/.test(k))) ?? given[1]);
          return new Disposable();
        };
      }
      if (/^on(Did|Will)/.test(String(key))) return listen(key);
      if (/(Kind|Severity|Tag|Type|Reason|Column|Mode|ProgressLocation)$/.test(String(key))) return enums;
      if (/^[A-Z]/.test(String(key))) return class extends Bag {};
      return () => new Disposable();
    },
  });
}

const settings = { command, validate: true, schemas: {} };
const vscode = lenient({
  Position, Range, Uri, Disposable, CancellationTokenSource, EventEmitter, version: "1.91.0",
  workspace: lenient({
    getConfiguration: () => ({ get: (name, usual) => settings[name] ?? usual }),
    textDocuments: [document], notebookDocuments: [], workspaceFolders: [{ uri: Uri.file(path.dirname(file)), name: "specs", index: 0 }],
    createFileSystemWatcher: () => ({ onDidCreate: listen("w"), onDidChange: listen("w"), onDidDelete: listen("w"), dispose() {} }),
    fs: {}, isTrusted: true,
  }),
  languages: lenient({
    match: () => 10,
    createDiagnosticCollection: () => ({ set: (uri, found) => published.push(found), delete() {}, clear() {}, dispose() {} }),
  }),
  window: lenient({
    createOutputChannel: () => new Proxy({}, {
      get: (_, name) => (name === "logLevel" ? 3 : /^on/.test(String(name)) ? listen("log") : /error|appendLine/.test(String(name)) ? (text) => process.stderr.write(`${text}\n`) : () => {}),
    }),
    showErrorMessage: async (text) => { process.stderr.write(`${text}\n`); },
    showInformationMessage: async () => {}, showWarningMessage: async () => {},
    visibleTextEditors: [], tabGroups: { all: [], onDidChangeTabs: listen("t"), onDidChangeTabGroups: listen("t") },
  }),
  extensions: lenient({ getExtension: () => undefined }),
  env: { appName: "test", language: "en", machineId: "", sessionId: "", isTelemetryEnabled: false, onDidChangeTelemetryEnabled: listen("e") },
  commands: lenient({}),
  l10n: { t: (text) => text },
}, "vscode");

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));

async function main() {
  const { activate, deactivate } = require(path.resolve(extension));
  await activate({ subscriptions: [] });
  for (let tries = 0; !published.length && tries < 200; tries += 1) await new Promise((done) => setTimeout(done, 50));
  const token = new CancellationTokenSource().token;
  const rows = document.text.split("\n");
  const row = rows.findIndex((line) => line.includes("- Conv2D"));
  const at = new Position(row, rows[row].indexOf("Conv2D"));
  const whole = new Range(0, 0, rows.length, 0);
  const ask = async (name, method, ...given) => {
    const provider = providers[name]?.find((each) => each && each[method]);
    return provider ? provider[method](document, ...given, token) : `no ${name}`;
  };
  const said = {
    providers: Object.keys(providers).sort(),
    diagnostics: published[0]?.length,
    hints: (await ask("registerInlayHintsProvider", "provideInlayHints", whole))?.length,
    hover: JSON.stringify((await ask("registerHoverProvider", "provideHover", at)) ?? null).includes("params"),
    symbols: (await ask("registerDocumentSymbolProvider", "provideDocumentSymbols"))?.length,
    folds: (await ask("registerFoldingRangeProvider", "provideFoldingRanges", {}))?.length,
    tokens: ((await ask("registerDocumentSemanticTokensProvider", "provideDocumentSemanticTokens")) ?? {}) !== null,
  };
  console.log(JSON.stringify(said));
  await deactivate();
}

main().catch((error) => { console.error(error); process.exit(1); });
