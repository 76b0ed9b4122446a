// The picture: boxes, frames and lines as SVG, and the camera that looks at them.

import { TITLE, arrange } from "./layout.js";

const SVG = "http://www.w3.org/2000/svg";
const READABLE = 1.15; // the scale at which a page opens,
const LEGIBLE = 0.85; // if it would have to be smaller than this to be seen as a whole
const BELOW = 40; // pixels of the legend
const [LEAST, MOST] = [0.02, 6]; // scales

/** Make an element of SVG. */
export function draw(name, attributes = {}, ...inside) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...inside);
  return element;
}

function write(text, attributes) {
  const element = draw("text", attributes);
  element.textContent = text;
  return element;
}

/** The picture of a network in an element of the page. */
export class Picture {
  /** host: the element. heat: a function from the place of a part to its colours, or null. */
  constructor(network, host) {
    this.network = network;
    this.host = host;
    this.heat = null;
    this.selected = 0;
    this.drawn = new Map(); // elements of boxes and frames, which are made once
    this.camera = { x: 0, y: 0, k: 1 };
    this.frames = draw("g");
    this.lines = draw("g");
    this.titles = draw("g");
    this.boxes = draw("g");
    this.world = draw("g", {}, this.frames, this.lines, this.titles, this.boxes);
    const arrow = draw("path", { d: "M0 0 6 3 0 6z" });
    const look = { viewBox: "0 0 6 6", refX: 6, refY: 3, orient: "auto" };
    const size = { markerWidth: 5, markerHeight: 5 };
    const markers = ["", "skip", "added", "removed"].map((kind) =>
      draw("marker", { id: `arrow-${kind}`, class: kind, ...look, ...size }, arrow.cloneNode()),
    );
    this.svg = draw("svg", { "aria-hidden": "true" }, draw("defs", {}, ...markers), this.world);
    host.replaceChildren(this.svg);
  }

  /** Draw what is seen. anchor: the part that stays where it is in the window. */
  redraw(anchor) {
    const before = this.places && this.spot(anchor);
    this.places = arrange(this.network);
    const { boxes, frames, lines } = this.places;
    const shown = (kind, spots) =>
      [...spots].map(([place, spot]) => {
        const key = `${kind}${place}`;
        let made = this.drawn.get(key);
        if (!made) this.drawn.set(key, (made = this[`make${kind}`](place, spot)));
        made.move(spot);
        return made;
      });
    const framed = shown("Frame", frames);
    const boxed = shown("Box", boxes);
    this.boxes.replaceChildren(...boxed.map((each) => each.element));
    this.frames.replaceChildren(...framed.map((each) => each.element));
    this.titles.replaceChildren(...framed.map((each) => each.title));
    this.lines.replaceChildren(...lines.flatMap(drawLine));
    this.paint();
    const now = this.spot(anchor);
    if (before && now) {
      const { camera } = this;
      camera.x += (before.x + before.w / 2 - now.x - now.w / 2) * camera.k;
      camera.y += (before.y - now.y) * camera.k;
    }
    this.look();
  }

  spot(place) {
    return this.places.boxes.get(place) ?? this.places.frames.get(place);
  }

  makeBox(place, { w, h }) {
    const { rows, look } = this.network.parts[place];
    const element = draw("g", { class: look, "data-place": place });
    const round = look.startsWith("end") ? h / 2 : look.startsWith("group") ? 5 : 2;
    element.append(draw("rect", { class: "ground", width: w, height: h, rx: round }));
    let y = 0;
    for (const [height, cells] of rows) {
      const weights = cells.map(([text]) => text.length + 2);
      const whole = weights.reduce((sum, each) => sum + each, 0);
      let x = 0;
      cells.forEach(([text, kind], index) => {
        const width = (w * weights[index]) / whole;
        const classes = kind.split(" ").filter(Boolean);
        if (classes.some((each) => !FACES.has(each))) {
          element.append(draw("rect", { class: `cell ${kind}`, x, y, width, height }));
        }
        const left = classes.includes("left");
        const at = { x: left ? x + 6 : x + width / 2, y: y + height / 2 };
        element.append(write(text, { ...at, class: `text ${kind}` }));
        x += width;
      });
      y += height;
    }
    element.append(draw("rect", { class: "border", width: w, height: h, rx: round }));
    const move = (spot) => element.setAttribute("transform", `translate(${spot.x} ${spot.y})`);
    return { element, move };
  }

  makeFrame(place) {
    const { heading } = this.network.parts[place];
    const depth = Math.min(this.network.around(place).length, 2);
    const rect = draw("rect", { rx: 6 });
    const done = this.network.parts[place].look.replace(/^group/, "").replace(/ (changed|same)/, "");
    const element = draw("g", { class: `frame depth${depth}${done}`, "data-place": place }, rect);
    const text = write(`\u25be ${heading}`, { class: "small" });
    const title = draw("g", { class: `heading depth${depth}`, "data-place": place }, text);
    const move = ({ x, y, w, h }) => {
      for (const [name, value] of Object.entries({ x, y, width: w, height: h })) {
        rect.setAttribute(name, value);
      }
      text.setAttribute("x", x + 8);
      text.setAttribute("y", y + TITLE / 2 + 1);
    };
    return { element, title, move };
  }

  /** Colour the boxes by their cost, or by the kinds of their layers. */
  paint() {
    for (const place of this.places.boxes.keys()) {
      const { element } = this.drawn.get(`Box${place}`);
      const colours = this.heat?.(place);
      if (!colours && !element.classList.contains("hot")) continue;
      element.classList.toggle("hot", Boolean(colours));
      element.classList.toggle("white", colours?.ink === "#FFFFFF");
      element.classList.toggle("black", colours?.ink === "#000000");
      if (colours) element.firstChild.setAttribute("fill", colours.fill);
      const foot = element.querySelector(".shape");
      if (foot) {
        const shape = this.network.parts[place].rows.at(-1)[1][0][0];
        foot.textContent = colours ? `${shape} · ${colours.share}` : shape;
      }
    }
  }

  /** Mark a part; it is brought into the window if it is not there. */
  select(place) {
    for (const on of [false, true]) {
      for (const kind of ["Box", "Frame"]) {
        this.drawn.get(`${kind}${this.selected}`)?.element.classList.toggle("selected", on);
      }
      this.selected = place;
    }
  }

  /** Mark all parts that something is about. */
  mean(places) {
    const seen = new Set(places.map((place) => this.network.seenAs(place)));
    for (const [key, { element }] of this.drawn) {
      element.classList.toggle("meant", seen.has(Number(key.replace(/\D+/, ""))));
    }
  }

  // --- the camera

  look() {
    const { x, y, k } = this.camera;
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
  }

  pan(x, y) {
    this.camera.x += x;
    this.camera.y += y;
    this.look();
  }

  /** Zoom around a point of the window, by default its middle. */
  zoom(factor, x = this.host.clientWidth / 2, y = this.host.clientHeight / 2) {
    const { camera } = this;
    const k = Math.min(MOST, Math.max(LEAST, camera.k * factor));
    camera.x = x - ((x - camera.x) * k) / camera.k;
    camera.y = y - ((y - camera.y) * k) / camera.k;
    camera.k = k;
    this.look();
  }

  /** Show the whole, or, if that would be too small to read, its beginning. */
  fit(readable = false) {
    const [w, h] = [this.host.clientWidth, this.host.clientHeight - BELOW];
    const { width, height } = this.places;
    const whole = Math.min(1.5, (w - 32) / width, (h - 16) / height);
    const k = readable && whole < LEGIBLE ? READABLE : whole;
    this.camera = { k, x: (w - width * k) / 2, y: Math.max(16, (h - height * k) / 2) };
    this.look();
  }

  /** Bring a part into the window, in its middle or, with `near`, by the shortest way. */
  show(place, near = false) {
    const spot = this.spot(place);
    if (!spot) return;
    const { camera } = this;
    const { clientWidth, clientHeight } = this.host;
    const left = spot.x * camera.k + camera.x;
    const top = spot.y * camera.k + camera.y;
    const [w, h] = [spot.w * camera.k, Math.min(spot.h * camera.k, clientHeight / 2)];
    const inside =
      left >= 0 && left + w <= clientWidth && top >= 0 && top + h <= clientHeight;
    if (near && inside) return;
    this.pan((clientWidth - w) / 2 - left, clientHeight / 3 - top);
  }
}

const FACES = new Set(["bold", "boldoblique", "oblique", "small", "left", "shape"]);

/** Draw a line, with what is written beside it. */
function drawLine({ path, look, arrow, label, connection }) {
  const kind = look.split(" ").find((each) => each !== "left") ?? "";
  const line = draw("path", { class: `line ${look}`, d: path, "data-connection": connection });
  if (arrow) line.setAttribute("marker-end", `url(#arrow-${kind})`);
  if (!label) return [line];
  return [line, write(label.text, { class: `beside small ${look}`, x: label.x, y: label.y })];
}
