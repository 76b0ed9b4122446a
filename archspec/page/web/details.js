// The details of a part: its costs, the YAML that wrote it, and the arithmetic of its layers.

import { writeCount } from "./network.js";
import { make } from "./outline.js";

const BEFORE = 4; // lines of YAML above the one that is meant
const AFTER = 6; // and below it
const HINT = "Select a box for its lines of YAML and its arithmetic; a double click opens a block.";
const LINKED = new Set(["takes", "gives", "calls"]); // sections in which names of layers are

/** Write what share of a whole something is. */
export function writeShare(part, whole) {
  if (part === null || part === undefined || !whole) return "";
  const share = Math.round((100 * part) / whole);
  return share || !part ? `${share}%` : "<1%";
}

/**
 * Show a part. chosen: the layer of it that was asked for, or undefined for its first; turn: the
 * repetition that this is in. link: returns the address of a layer, of this network or another.
 */
export function showDetails(host, network, place, { chosen, turn, link, onTurn }) {
  const part = network.parts[place];
  const { lines } = network.page;
  const write = (index) => lines[index];
  const turns = part.nodes?.length ? Math.max(1, Math.floor(part.nodes.length / part.turn)) : 1;
  const nodes = (part.nodes ?? []).slice(turn * part.turn, (turn + 1) * part.turn);
  const layers = nodes.map((node) => network.nodes[node]);
  const first = layers.find((each) => each.name === chosen) ?? layers[0];
  const name = first?.name ?? part.name;
  const heading = make("h2", {}, make("a", { href: link(name), textContent: name }));
  const said = part.parts ? network.title(place) : part.said;
  const blocks = [heading, make("p", { className: "said", textContent: said ?? "" })];
  if (turns > 1) blocks.push(chooseTurn(network, part, turns, turn, onTurn));
  if (part.costs?.length) blocks.push(listCosts(network, listColumns(part, turns, layers, chosen)));
  if (first?.others) blocks.push(listOthers(network, first.others, link));
  const written = [first ?? part, ...layers].filter((each) => each.place);
  const quoted = quote(
    network,
    written.map((each) => each.place),
  );
  if (quoted) blocks.push(quoted);
  if (part.sections)
    blocks.push(
      listSections(
        network,
        part.sections.map((each) => each.map(write)),
        link,
      ),
    );
  layers.forEach((node) => {
    const inside = listSections(
      network,
      (node.sections ?? []).map((each) => each.map(write)),
      link,
    );
    const short = node.name === name ? node.op : `${node.op}  ${node.name.split(".").at(-1)}`;
    const summary = make("summary", { textContent: short });
    blocks.push(make("details", { open: node === first || layers.length < 4 }, summary, inside));
  });
  host.replaceChildren(...blocks);
}

/**
 * Show what a page tells before anything is selected: the network, what is wrong with it, and what
 * differs. onSelect: takes names of layers.
 */
export function showNetwork(host, network, onSelect) {
  const blocks = [make("h2", { textContent: network.name })];
  if (network.description) blocks.push(make("p", { textContent: network.description }));
  const table = make("table", { className: "costs" });
  for (const [title, text] of network.facts) {
    const row = make("tr", {}, make("th", { scope: "row", textContent: title }));
    row.append(make("td", { textContent: text }));
    table.append(row);
  }
  blocks.push(table);
  for (const note of network.notes ?? []) blocks.push(make("p", { textContent: note }));
  if (network.rows) blocks.push(listChanges(network.rows, onSelect));
  if (network.errors) {
    const list = make("ul", { className: "errors" });
    for (const { text, node } of network.errors) {
      // The lines of the spec keep their columns, to which the carets belong.
      const lines = text.split("\n").map((line) => {
        const className = line.startsWith(" ") ? "source" : "";
        return make("span", { className, textContent: `${line}\n` });
      });
      const item = make("li", {}, make("pre", {}, ...lines));
      if (node >= 0) {
        const { name } = network.nodes[node];
        const button = make("button", { type: "button", textContent: `Show ${name}` });
        button.onclick = () => onSelect([name]);
        item.append(button);
      }
      list.append(item);
    }
    const count = network.errors.length;
    blocks.push(make("h3", { textContent: `${count} error${count > 1 ? "s" : ""}` }), list);
  }
  blocks.push(make("p", { className: "said", textContent: HINT }));
  host.replaceChildren(...blocks);
}

/** List what differs; a button of a row selects the layers that it is about. */
function listChanges(rows, onSelect) {
  const list = make("ul", { className: "changes" });
  for (const { kind, where, what, cost, names } of rows) {
    const text = make("span", {}, make("b", { textContent: where }), " ", what);
    text.append(" ", make("i", { textContent: cost }));
    const item = make("li", { className: kind });
    if (!names.length) item.append(text);
    else {
      const button = make("button", { type: "button" }, text);
      button.onclick = () => onSelect(names);
      item.append(button);
    }
    list.append(item);
  }
  return list;
}

/** List the networks that have a layer as well, each with a way to it. */
function listOthers(network, others, link) {
  const list = make("ul", { className: "others" });
  for (const [index, name] of others) {
    const href = link(name, index);
    list.append(make("li", {}, make("a", { href }, network.page.networks[index].name)));
  }
  return list;
}

function chooseTurn(network, part, turns, turn, onTurn) {
  const choice = make("select");
  for (let each = 0; each < turns; each++) {
    const { name } = network.nodes[part.nodes[each * part.turn]];
    choice.append(make("option", { value: each, textContent: `${each + 1} of ${turns}: ${name}` }));
  }
  choice.value = turn;
  choice.onchange = () => onTurn(Number(choice.value));
  return make("label", { className: "turn" }, `Drawn once for ${turns} `, choice);
}

/**
 * Return whose costs are shown, with what they are called: those of a layer that was asked for by
 * its name, or of a turn of a repeat, before those of all that the box stands for.
 */
function listColumns(part, turns, layers, chosen) {
  const all = turns > 1 ? `all ${turns}` : "";
  const asked = layers.length > 1 && layers.find((each) => each.name === chosen);
  if (asked) {
    return [
      ["this layer", asked.costs],
      [["the box", all].filter(Boolean).join(", "), part.costs],
    ];
  }
  if (!all) return [[layers.length > 1 ? "the box" : "", part.costs]];
  const each = part.costs.map((_, index) => {
    const costs = layers.map((layer) => layer.costs[index]);
    return costs.includes(null) ? null : costs.reduce((sum, cost) => sum + cost, 0);
  });
  const isSame = each.every((cost, index) => cost === null || cost * turns === part.costs[index]);
  return [
    [isSame ? "each" : "this one", each],
    [all, part.costs],
  ];
}

/** List costs, each with its share of those of the network. */
function listCosts(network, columns) {
  const table = make("table", { className: "costs" });
  if (columns[0][0]) {
    const heads = columns.map(([head]) => make("th", { scope: "col", colSpan: 2 }, head));
    table.append(make("tr", {}, make("td"), ...heads));
  }
  network.page.costs.forEach(([, title, unit], index) => {
    const row = make("tr", {}, make("th", { scope: "row", textContent: title }));
    for (const [, costs] of columns) {
      const text = unit ? writeBytes(costs[index]) : writeCount(costs[index]);
      const share = writeShare(costs[index], network.parts[0].costs[index]);
      row.append(make("td", { textContent: text }), make("td", { textContent: share }));
    }
    table.append(row);
  });
  return table;
}

/** Write a number of bytes, as our tables do. */
export function writeBytes(bytes) {
  if (bytes === null || bytes === undefined) return "unknown";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${Number((bytes / 1024 ** step).toPrecision(3))} ${units[step]}`;
}

/** Quote the lines around those that are meant, of the first file that has some. */
function quote(network, places) {
  if (!places.length) return null;
  const [[file, start, end]] = places;
  const { name, text } = network.page.sources[file];
  const rows = text.split("\n");
  const meant = new Set();
  for (const [there, from, to] of places) {
    if (there === file && from >= start - BEFORE && from <= end + AFTER) {
      for (let line = from; line <= to; line++) meant.add(line);
    }
  }
  const last = Math.max(...meant);
  const code = make("code");
  for (
    let line = Math.max(1, start - BEFORE);
    line <= Math.min(rows.length, last + AFTER);
    line++
  ) {
    const row = make("span", { className: meant.has(line) ? "meant" : "" });
    const number = make("span", { className: "number", textContent: String(line).padStart(4) });
    row.append(number, ` ${rows[line - 1]}\n`);
    code.append(row);
  }
  const caption = make("figcaption", { textContent: `${name}:${start}` });
  return make("figure", {}, caption, make("pre", { tabIndex: 0 }, code));
}

function listSections(network, sections, link) {
  const list = make("dl");
  for (const [heading, ...rows] of sections) {
    const text = make("dd");
    const joined = rows.join("\n");
    if (!LINKED.has(heading)) text.textContent = joined;
    else {
      const at = joined.lastIndexOf(" to "); // of what it gives, which may be "that of its input"
      text.append(at < 0 ? "" : joined.slice(0, at));
      for (const word of joined.slice(Math.max(at, 0)).split(/([\s,]+)/)) {
        const known = network.partOf.has(word);
        text.append(known ? make("a", { href: link(word), textContent: word }) : word);
      }
    }
    list.append(make("dt", { textContent: heading }), text);
  }
  return list;
}
