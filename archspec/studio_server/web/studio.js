// The studio: an editor, and the page of what is written in it. Only Ctrl-S writes a file.

import { Page } from "./main.js";
import { toNodes } from "./markdown.js";
import * as cm from "./codemirror.js";

const $ = (id) => document.getElementById(id);
const TOKEN = new URLSearchParams(location.search).get("token");
const NONCE = document.querySelector("meta[name=nonce]").content;
const REST = 150; // milliseconds without a key before a text is looked at
const AGAIN = 1000; // milliseconds until a studio that does not answer is asked again
const EXPORTS = ["svg", "png", "pdf", "dot", "html"];
const SEVERITIES = { error: "error", warning: "warning", note: "info", advice: "hint" };

async function ask(question, given = {}) {
  const answer = await fetch(`/ask/${question}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Token": TOKEN },
    body: JSON.stringify(given),
  });
  const told = await answer.json().catch(() => ({ error: `the studio answers ${answer.status}` }));
  if (told.error) throw new Error(told.error);
  return told;
}

// The colours of the page, which follow the reader's system and the button of the page.
const LOOK = [
  cm.EditorView.cspNonce.of(NONCE),
  cm.EditorView.theme({
    "&": { color: "var(--ink)", fontSize: "13px" },
    ".cm-content": { caretColor: "var(--ink)" },
    ".cm-cursor": { borderLeftColor: "var(--ink)" },
    ".cm-gutters": { backgroundColor: "var(--frame1)", color: "var(--quiet)", border: "none" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--frame1)" },
    ".cm-tooltip": { backgroundColor: "var(--plain)", color: "var(--ink)" },
  }),
  cm.syntaxHighlighting(
    cm.HighlightStyle.define([
      {
        tag: [cm.tags.propertyName, cm.tags.definition(cm.tags.propertyName)],
        color: "var(--skip)",
      },
      { tag: cm.tags.comment, color: "var(--quiet)" },
    ]),
  ),
];

/** Return a text with the line ends that the editor has. */
const asEdited = (text) => text.replace(/\r\n?/g, "\n");

const READ_ONLY = [cm.yaml(), LOOK, cm.EditorState.readOnly.of(true)];

class Studio {
  constructor() {
    this.index = -1;
    this.mark = ""; // of the file as it was read
    this.saved = ""; // the text that it held
    this.isGone = false; // or cannot be read any longer: the text is here alone
    this.isReadable = true;
    this.saving = Promise.resolve(); // one save after the other
    this.said = {}; // of the studio, the file, the text
    this.asked = 0;
    this.seen = [0, 0]; // changes of files, and of which there are
    this.editor = new cm.EditorView({ parent: $("editor"), state: this.begin("") });
    this.view = this.editor; // the one that is written in, which is another where two are shown
    $("files").onchange = () => this.choose(Number($("files").value));
    $("save").onclick = () => this.save();
    $("pin").onclick = () => this.pin();
    $("keep").onclick = () => this.keep();
    $("take").onclick = () => this.take();
    $("beside").onchange = () => this.check();
    for (const each of EXPORTS) $("export").append(new Option(each, `.${each}`));
    $("export").onchange = () => this.export();
    addEventListener("beforeunload", (event) => this.isChanged && event.preventDefault());
    addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key !== "s") return;
      event.preventDefault();
      if (!event.repeat) this.save();
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  get isChanged() {
    return this.isGone || this.text !== this.saved;
  }

  begin(text) {
    return cm.EditorState.create({ doc: text, extensions: this.makeExtensions() });
  }

  makeExtensions() {
    return [
      LOOK,
      cm.keymap.of([cm.indentWithTab]),
      cm.basicSetup,
      cm.yaml(),
      cm.lintGutter(),
      cm.autocompletion({ override: [(context) => this.complete(context)] }),
      cm.hoverTooltip((view, place) => this.hover(place)),
      cm.EditorState.readOnly.of(!this.isReadable),
      cm.EditorView.contentAttributes.of({ "aria-label": "Spec. Escape, then Tab, leaves it" }),
      cm.EditorView.updateListener.of((update) => update.docChanged && this.rest()),
    ];
  }

  /** Say something of the studio, the file or the text, until there is other news of it. */
  say(about, text) {
    this.said[about] = text;
    $("message").textContent = this.said.studio || this.said.file || this.said.text || "";
  }

  async try(about, work) {
    try {
      await work();
      this.say("studio", "");
    } catch (error) {
      const gone = error instanceof TypeError;
      if (gone) this.say("studio", "the studio has ended; the text is still here: copy it");
      else this.say(about, error.message);
    }
  }

  async start() {
    await this.list();
    await this.choose(this.first);
    this.watch();
  }

  /** Offer the files that there are, and those that are chosen, though they may be gone. */
  async list() {
    const { files, gone, first } = await ask("list");
    this.first = first;
    this.files = files;
    const fill = (select, ...others) => {
      const chosen = select.value;
      const offered = files.map((name, index) => new Option(name, index));
      const kept = offered.filter(({ value }) => value === chosen || !gone.includes(Number(value)));
      select.replaceChildren(...others, ...kept);
      select.value = chosen;
    };
    fill($("files"));
    fill($("beside"), new Option("none", ""));
  }

  async choose(index) {
    await this.try("file", async () => {
      try {
        const read = await ask("read", { index });
        await this.settle();
        const words = "What is not saved is lost. Open the other file?";
        if (!this.isChanged || confirm(words)) this.open(index, read);
      } finally {
        $("files").value = this.index;
      }
    });
    await this.check();
  }

  open(index, read) {
    this.endBoth();
    this.endTwo();
    this.index = index;
    this.isReadable = !(read.problem && read.mark);
    this.view.setState(this.begin(read.text));
    this.setRead(read);
    this.shown = null;
    $("shown").classList.add("empty");
    $("delta").replaceChildren();
    this.say("text", "");
    this.say("file", read.problem);
  }

  setRead({ text, mark }) {
    this.mark = mark;
    this.saved = asEdited(text);
    this.isGone = false;
    this.markChanged();
  }

  markChanged() {
    document.title = `${this.isChanged ? "• " : ""}${this.files?.[this.index] ?? ""} – archspec`;
    $("save").disabled = !this.isChanged && this.mark !== "";
  }

  rest() {
    this.markChanged();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), REST);
  }

  /** Look at the text: an answer that comes after a later question is not shown. */
  check() {
    const turn = ++this.asked;
    return this.try("text", async () => {
      if (!this.isReadable) return;
      const found = await ask("check", { index: this.index, text: this.text });
      if (turn !== this.asked) return;
      this.underline(found.findings);
      const wrong = found.findings.find(({ severity }) => severity === "error");
      const nothing = found.library ? "blocks for other specs, and no network to draw" : "";
      this.say("text", wrong ? wrong.message : nothing);
      $("shown").classList.toggle("stale", !found.page);
      if (found.page) {
        const shown = await this.compare(found.page);
        if (turn !== this.asked) return;
        this.draw(shown);
        this.tell(found.delta);
      }
      document.body.dataset.checked = turn;
    });
  }

  underline(findings) {
    const { doc } = this.view.state;
    const offset = ({ line, character }) => {
      if (line >= doc.lines) return doc.length;
      const { from, to } = doc.line(line + 1);
      return Math.min(from + character, to);
    };
    const marks = findings.map(({ range, severity, message }) => ({
      from: offset(range.start),
      to: offset(range.end),
      severity: SEVERITIES[severity],
      message,
    }));
    this.view.dispatch(cm.setDiagnostics(this.view.state, marks));
  }

  /** Draw the network where the reader is, or from its beginning where it is another one. */
  draw(data) {
    const what = `${this.index} ${this.two ? $("beside").value : ""}`;
    if (!this.page) this.page = new Page(data);
    else if (what === this.shown) this.page.replace(data);
    else {
      // Two that have little in common have no picture of both: the first is that of the other file.
      this.page.restart(data, this.two && data.networks.length === 2 ? 1 : 0);
    }
    this.shown = what;
    $("shown").classList.remove("empty");
    $("picture").setAttribute("aria-busy", false);
    performance.mark("drawn");
  }

  tell({ base, rows }) {
    const words = rows.flatMap(([name, now, change], place) => {
      const bold = document.createElement("b");
      bold.textContent = change ? ` (${change})` : "";
      return [place ? " · " : "", `${name} ${now}`, bold];
    });
    $("delta").replaceChildren(...words, base === "pinned" ? " · since the pinned base" : "");
    $("pin").setAttribute("aria-pressed", base === "pinned");
    $("pin").textContent = base === "pinned" ? "Unpin" : "Pin as base";
  }

  pin() {
    const isPinned = $("pin").getAttribute("aria-pressed") === "true";
    return this.try("text", async () => {
      await ask("pin", { index: this.index, text: isPinned ? null : this.text });
      await this.check();
    });
  }

  // --- files

  save() {
    this.saving = this.saving.then(() => this.try("file", () => this.write()));
    return this.saving;
  }

  /** Wait until nothing is being saved. */
  async settle() {
    for (let saving; saving !== this.saving;) await (saving = this.saving);
  }

  async write() {
    if (this.both || (!this.isChanged && this.mark)) return;
    const { index, text, mark } = this;
    const answer = await ask("save", { index, text, mark });
    if (answer.conflict && answer.problem && answer.mark)
      throw new Error(`${answer.problem}\nit is not written over; the text is still here: copy it`);
    if (answer.conflict) return this.showBoth(answer);
    this.setRead({ text, mark: answer.mark });
    this.say("file", "");
    this.check();
  }

  /** Show what is written here beside what the file holds: the reader decides. */
  showBoth(theirs) {
    this.endTwo();
    this.theirs = theirs;
    this.both?.destroy();
    $("take").hidden = Boolean(theirs.problem); // there is nothing to take
    $("conflict-why").textContent =
      theirs.problem || "The file was changed by another program. Right: the file.";
    $("conflict").hidden = false;
    $("editor").hidden = true;
    this.both = new cm.MergeView({
      a: { doc: this.text, extensions: READ_ONLY },
      b: { doc: theirs.text, extensions: READ_ONLY },
      parent: $("both"),
    });
  }

  endBoth() {
    this.both?.destroy();
    this.both = null;
    $("conflict").hidden = true;
    $("editor").hidden = false;
  }

  keep() {
    this.endBoth();
    this.mark = this.theirs.mark;
    return this.save();
  }

  take() {
    this.endBoth();
    this.setText(this.theirs.text);
    this.setRead(this.theirs);
    return this.check();
  }

  setText(text) {
    const { length } = this.view.state.doc;
    this.view.dispatch({ changes: { from: 0, to: length, insert: text } });
  }

  /** Wait for saves of other programs, again and again. */
  async watch() {
    for (;;) {
      try {
        const [files, list] = this.seen;
        this.seen = (await ask("wait", { seen: this.seen })).seen;
        this.say("studio", "");
        if (this.seen[1] !== list) await this.list();
        if (this.seen[0] !== files) await this.readAgain();
      } catch {
        this.say("studio", "the studio does not answer; the text is still here: copy it");
        await new Promise((done) => setTimeout(done, AGAIN));
      }
    }
  }

  async readAgain() {
    const { saving } = this;
    await saving;
    const { index } = this;
    const read = await ask("read", { index });
    if (saving !== this.saving) return this.readAgain();
    if (index !== this.index) return undefined;
    // What was typed meanwhile counts, too: nothing below waits before it is looked at.
    this.isGone = Boolean(read.problem) && this.isReadable;
    if (read.mark !== this.mark && !this.isReadable) this.open(index, read);
    else if (this.isGone) {
      this.markChanged();
      this.say("file", `${read.problem}\nthe text is still here`);
    } else if (read.mark === this.mark || asEdited(read.text) === this.text) {
      this.endBoth(); // another file has changed, or the conflict is over
      this.setRead(read);
      this.say("file", read.problem);
    } else if (this.isChanged) return this.showBoth(read);
    else {
      this.endBoth();
      this.setText(read.text);
      this.setRead(read);
      this.say("file", "");
    }
    clearTimeout(this.timer);
    return this.check();
  }

  // --- completion, hover

  at(place) {
    const line = this.view.state.doc.lineAt(place);
    const where = { line: line.number - 1, character: place - line.from };
    return { index: this.index, text: this.text, ...where };
  }

  async complete(context) {
    const { items } = await ask("complete", this.at(context.pos));
    if (!items.length) return null;
    const line = context.state.doc.lineAt(context.pos);
    const from = line.from + items[0].range.start.character;
    if (from === context.pos && !context.explicit) return null;
    return {
      from,
      options: items.map(({ label, write, detail }) => ({ label, apply: write, detail })),
    };
  }

  async hover(place) {
    const { hover } = await ask("hover", this.at(place));
    if (!hover) return null;
    return {
      pos: place,
      create: () => {
        const dom = document.createElement("div");
        dom.className = "told";
        dom.append(...toNodes(hover.markdown));
        return { dom };
      },
    };
  }

  // --- two specs, export

  /** Return the page of this network, or of what differs from the one that is chosen beside it. */
  async compare(page) {
    if ($("beside").value === "") this.endTwo();
    if ($("beside").value === "" || this.both) return page;
    const other = Number($("beside").value);
    try {
      const answer = await ask("compare", { index: this.index, text: this.text, other });
      if (other === Number($("beside").value) && !this.both) this.showTwo(other, answer.text);
      return answer.page;
    } catch (error) {
      this.endTwo();
      this.say("text", error.message);
      return page;
    }
  }

  /** Write in the left one of two texts; the right one is that of another file. */
  showTwo(other, text) {
    const what = `Right: ${this.files[other]}`;
    if (this.two && $("two-what").textContent === what) {
      const { doc } = this.two.b.state;
      const changes = { from: 0, to: doc.length, insert: text };
      if (doc.toString() !== asEdited(text)) this.two.b.dispatch({ changes });
      return;
    }
    this.endTwo();
    const wasWritten = this.editor.hasFocus;
    $("two-what").textContent = what;
    $("two").hidden = false;
    $("editor").hidden = true;
    this.two = new cm.MergeView({
      a: { doc: this.text, extensions: this.makeExtensions() },
      b: { doc: text, extensions: READ_ONLY },
      parent: $("two-texts"),
    });
    this.view = this.two.a;
    this.view.dispatch({ selection: { anchor: this.editor.state.selection.main.head } });
    if (wasWritten) this.view.focus();
  }

  endTwo() {
    if (!this.two) return;
    const { text } = this;
    this.view = this.editor;
    if (this.text !== text) this.setText(text);
    this.two.destroy();
    this.two = null;
    $("two").hidden = true;
    $("editor").hidden = false;
  }

  export() {
    return this.try("text", async () => {
      const suffix = $("export").value;
      $("export").value = "";
      if (!suffix) return;
      const given = { index: this.index, text: this.text, suffix };
      const { name, data } = await ask("export", given);
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes]));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), AGAIN);
    });
  }
}

const studio = new Studio();
studio.try("studio", () => studio.start());
