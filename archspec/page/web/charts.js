// A comparison of trained networks: curves, Pareto fronts, and a table that can be sorted.

import { writeCount } from "./network.js";
import { make } from "./outline.js";
import { draw } from "./picture.js";

const [WIDTH, HEIGHT] = [400, 280];
const SPACE = { left: 52, right: 14, top: 12, bottom: 40 }; // around what a chart shows
// Marks that differ without colours, around 0, 0.
const MARKS = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-4-4H4V4H-4z", "M0-5 5 0 0 5-5 0z"];
MARKS.push("M0-5 5 4H-5z", "M0 5 5-4H-5z", "M-5 0H5M0-5V5");
const SERIES = 8; // colours

/** Show a comparison. link: returns the address of a network. */
export function showComparison(host, comparison, link) {
  const { rows, measured, curved, less } = comparison;
  const known = rows.filter((row) => row.value !== null);
  const charts = make("div", { className: "charts" });
  const epochs = Math.max(0, ...known.map((row) => row.curve.length));
  if (epochs) charts.append(drawCurves(known, epochs, curved));
  [
    ["training time in seconds", (value) => `${Number(value.toPrecision(3))}`],
    ["parameters", writeCount],
  ].forEach(([label, write], which) => {
    const points = known.filter((row) => row.costs[which] > 0);
    if (points.length) charts.append(drawCosts(points, which, label, write, measured));
  });
  const notes = make("ul", { className: "notes" });
  for (const note of comparison.notes) notes.append(make("li", { textContent: note }));
  host.replaceChildren(charts, listKeys(known, rows, less), makeTable(comparison, link), notes);
  host.addEventListener("pointerover", (event) => {
    const name = event.target.closest("[data-run]")?.dataset.run;
    for (const each of host.querySelectorAll("[data-run]")) {
      each.classList.toggle("faded", name !== undefined && each.dataset.run !== name);
    }
  });
}

function look(row) {
  return `series${row.network % SERIES}`;
}

function mark(row, at = {}) {
  return draw("path", { class: "mark", d: MARKS[row.network % MARKS.length], ...at });
}

// --- charts --------------------------------------------------------------------------------------

/** Return a figure, and functions from values to its x and y. */
function makeChart(label, title, [left, right], [low, high], isLog, write) {
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  const wide = WIDTH - SPACE.left - SPACE.right;
  const tall = HEIGHT - SPACE.top - SPACE.bottom;
  const scale = isLog ? Math.log10 : (value) => value;
  const [from, to] = [scale(left), scale(right)];
  const x = (value) => SPACE.left + ((scale(value) - from) / (to - from || 1)) * wide;
  const y = (value) => SPACE.top + (1 - (value - low) / (high - low || 1)) * tall;
  const text = (words, attributes) => {
    const element = draw("text", attributes);
    element.textContent = words;
    svg.append(element);
  };
  for (const value of isLog ? listLogTicks(left, right) : listTicks(left, right, 6)) {
    if (!isLog && !Number.isInteger(value)) continue; // an epoch is whole
    svg.append(draw("path", { class: "grid", d: `M${x(value)} ${SPACE.top}v${tall}` }));
    text(write(value), { x: x(value), y: HEIGHT - SPACE.bottom + 16, "text-anchor": "middle" });
  }
  for (const value of listTicks(low, high, 5)) {
    svg.append(draw("path", { class: "grid", d: `M${SPACE.left} ${y(value)}h${wide}` }));
    text(String(value), { x: SPACE.left - 6, y: y(value) + 4, "text-anchor": "end" });
  }
  text(label, { x: SPACE.left + wide / 2, y: HEIGHT - 6, "text-anchor": "middle" });
  const figure = make("figure", {}, make("figcaption", { textContent: title }), svg);
  return { figure, svg, x, y };
}

/** Return round numbers between two values. */
function listTicks(low, high, most) {
  const raw = (high - low || 1) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= raw);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + step / 1e6; at++) {
    found.push(Number((at * step).toPrecision(12)));
  }
  return found;
}

function listLogTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const each of high / low < 100 ? [1, 2, 5] : [1]) {
      const value = Number((each * 10 ** power).toPrecision(3));
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

/** Return the range of some values, with a margin. */
function spread(values, margin = 0.06) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const more = (high - low || Math.abs(high) || 1) * margin;
  return [low - more, high + more];
}

function drawCurves(rows, epochs, title) {
  const ends = rows.flatMap((row) => row.curve.flatMap(([mean, by]) => [mean - by, mean + by]));
  const range = [1, Math.max(2, epochs)];
  const { figure, svg, x, y } = makeChart("epoch", title, range, spread(ends), false, String);
  for (const row of rows) {
    const group = draw("g", { class: look(row), "data-run": row.network });
    const path = (points) => points.map(([epoch, value]) => `${x(epoch)} ${y(value)}`).join("L");
    if (row.curve.some(([, by]) => by)) {
      const upper = row.curve.map(([mean, by], index) => [index + 1, mean + by]);
      const lower = row.curve.map(([mean, by], index) => [index + 1, mean - by]).reverse();
      group.append(draw("path", { class: "band", d: `M${path([...upper, ...lower])}z` }));
    }
    const line = row.curve.map(([mean], index) => [index + 1, mean]);
    if (line.length) group.append(draw("path", { class: "curve", d: `M${path(line)}` }));
    if (line.length < 25) {
      for (const [epoch, value] of line) {
        group.append(mark(row, { transform: `translate(${x(epoch)} ${y(value)}) scale(0.7)` }));
      }
    }
    svg.append(group);
  }
  return figure;
}

/** Draw the measure against a cost, with the front of those that no other improves on. */
function drawCosts(rows, which, label, write, measured) {
  const costs = rows.map((row) => row.costs[which]);
  const range = [Math.min(...costs) / 1.6, Math.max(...costs) * 1.6];
  const ends = rows.flatMap(({ value, deviation }) => [value - deviation, value + deviation]);
  const title = `${measured} by ${label}`;
  const { figure, svg, x, y } = makeChart(label, title, range, spread(ends, 0.12), true, write);
  const front = rows.filter((row) => row.front[which]);
  front.sort((one, other) => one.costs[which] - other.costs[which]);
  if (front.length) {
    let path = "";
    for (const row of front) {
      const [at, height] = [x(row.costs[which]), y(row.value)];
      path += path ? `H${at}V${height}` : `M${at} ${height}`;
    }
    svg.append(draw("path", { class: "front", d: `${path}H${WIDTH - SPACE.right}` }));
  }
  for (const row of rows) {
    const [at, height] = [x(row.costs[which]), y(row.value)];
    const group = draw("g", { class: look(row), "data-run": row.network });
    if (row.deviation) {
      const [top, bottom] = [y(row.value + row.deviation), y(row.value - row.deviation)];
      group.append(draw("path", { class: "curve", d: `M${at} ${top}V${bottom}` }));
    }
    const kind = row.front[which] ? "mark on-front" : "mark";
    group.append(mark(row, { class: kind, transform: `translate(${at} ${height}) scale(1.3)` }));
    const tip = draw("title");
    tip.textContent = `${row.name}: ${row.value.toFixed(4)}, ${write(row.costs[which])}`;
    group.append(tip);
    svg.append(group);
  }
  return figure;
}

function listKeys(known, rows, less) {
  const list = make("ul", { className: "keys" });
  for (const row of known) {
    const svg = draw("svg", { class: look(row), viewBox: "-6 -6 12 12", "aria-hidden": "true" });
    svg.append(mark(row));
    const item = make("li", {}, svg, row.alike ? row.name : `${row.name} *`);
    item.dataset.run = row.network;
    list.append(item);
  }
  if (rows.some((row) => row.front.some(Boolean))) {
    const dashed = draw("path", { class: "front", d: "M-6 0H30" });
    const sample = draw("svg", { class: "sample", viewBox: "-6 -6 36 12", "aria-hidden": "true" });
    sample.append(dashed);
    const words = less ? "less is better" : "more is better";
    list.append(make("li", {}, sample, `Pareto front, its members outlined; ${words}`));
  }
  if (rows.some((row) => !row.alike)) list.append(make("li", {}, "* not the same conditions"));
  return list;
}

// --- the table -----------------------------------------------------------------------------------

function makeTable({ columns, rows }, link) {
  const body = make("tbody");
  const fill = (sorted) => body.replaceChildren(...sorted.map((row) => makeRow(row, link)));
  const heads = columns.map((title, index) => {
    const button = make("button", { type: "button", textContent: title });
    const head = make("th", { scope: "col" }, button);
    button.onclick = () => {
      const isUp = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", isUp ? "descending" : "ascending");
      fill(sortRows(rows, index, isUp ? -1 : 1));
    };
    return head;
  });
  fill(rows);
  const table = make("table", { className: "runs" }, make("thead", {}, make("tr", {}, ...heads)));
  table.append(body);
  return make("div", { className: "scrolls" }, table);
}

/** Return the rows by a column, those without a number last. */
function sortRows(rows, column, way) {
  const key = (row) => row.keys[column];
  const numbers = rows.some((row) => key(row) !== null);
  return [...rows].sort((one, other) => {
    if (!numbers) return way * one.cells[column].localeCompare(other.cells[column]);
    if (key(one) === null || key(other) === null)
      return (key(one) === null) - (key(other) === null);
    return way * (key(one) - key(other));
  });
}

function makeRow(row, link) {
  const [name, ...cells] = row.cells;
  const head = make("th", { scope: "row" });
  head.append(make("a", { href: link(row.network), textContent: name }));
  const made = make("tr", {}, head, ...cells.map((text) => make("td", { textContent: text })));
  made.dataset.run = row.network;
  return made;
}
