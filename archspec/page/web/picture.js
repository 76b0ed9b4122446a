// The picture: boxes, frames and lines as SVG, and the camera that looks at them.

import { TITLE, arrange } from "./layout.js";

const SVG = "http://www.w3.org/2000/svg";
const READABLE = 1.15; // the scale at which a page opens, or a smaller one for a wide picture,
const LEGIBLE = 0.8; // if it would have to be smaller than this to be seen as a whole
const FAR = 0.3; // the scale below which texts are not drawn, since nobody can read them
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
    this.meant = new Set();
    this.drawn = new Map(); // boxes and frames, and below lines, which are made once and moved
    this.drawnLines = new Map();
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
    // The size is read when it changes alone: to ask for it makes the browser lay out all at once.
    [this.width, this.height] = [host.clientWidth, host.clientHeight];
    this.watch = new ResizeObserver(() => {
      [this.width, this.height] = [host.clientWidth, host.clientHeight];
      if (this.places) this.fill();
    });
    this.watch.observe(host);
  }

  /** Lay out what is seen, and draw it. anchor: the part that stays where it is in the window. */
  redraw(anchor) {
    const before = this.places && this.spot(anchor);
    this.places = arrange(this.network);
    this.area = null;
    const now = this.spot(anchor);
    if (before && now) {
      const { camera } = this;
      camera.x += (before.x + before.w / 2 - now.x - now.w / 2) * camera.k;
      camera.y += (before.y - now.y) * camera.k;
    }
    this.look();
  }

  /** Draw what is near the window; of a thousand layers, few are. */
  fill() {
    const { x, y, k } = this.camera;
    const [left, top, w, h] = [-x / k, -y / k, this.width / k, this.height / k];
    const { area } = this;
    if (area && left > area.x && top > area.y && left + w < area.right && top + h < area.bottom) {
      return;
    }
    this.area = { x: left - w, y: top - h, right: left + 2 * w, bottom: top + 2 * h };
    const isNear = (each) =>
      each.x < this.area.right &&
      each.x + each.w > this.area.x &&
      each.y < this.area.bottom &&
      each.y + each.h > this.area.y;
    const show = (kind, spots) =>
      [...spots]
        .filter(([, spot]) => isNear(spot))
        .map(([place, spot]) => {
          const made = keep(this.drawn, `${kind}${place}`, () => this[`make${kind}`](place, spot));
          made.move(spot);
          this.dress(place, made.element);
          return made;
        });
    const framed = show("Frame", this.places.frames);
    fill(
      this.frames,
      framed.map((each) => each.element),
    );
    fill(
      this.titles,
      framed.map((each) => each.title),
    );
    fill(
      this.boxes,
      show("Box", this.places.boxes).map((each) => each.element),
    );
    const drawn = this.places.lines.filter(isNear).map((line) => {
      const key = `${line.connection} ${line.tail} ${line.head}`;
      const made = keep(this.drawnLines, key, () => makeLine(line));
      made.move(line);
      return made;
    });
    fill(
      this.lines,
      drawn.flatMap((each) => each.elements),
    );
  }

  /** Draw again what is on the screen, as after a change of colours. */
  refresh() {
    this.area = null;
    this.fill();
  }

  /** Draw no more: another picture takes the place of this one. */
  end() {
    this.watch.disconnect();
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
    const done = this.network.parts[place].look
      .replace(/^group/, "")
      .replace(/ (changed|same)/, "");
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

  /** Show whether a part is selected, and colour a box by its cost, or by its kinds of layers. */
  dress(place, element) {
    element.classList.toggle("selected", place === this.selected);
    element.classList.toggle("meant", this.meant.has(place));
    const colours = element.classList.contains("frame") ? null : this.heat?.(place);
    if (!colours && !element.classList.contains("hot")) return;
    element.classList.toggle("hot", Boolean(colours));
    element.classList.toggle("white", colours?.ink === "#FFFFFF");
    element.classList.toggle("black", colours?.ink === "#000000");
    if (colours) element.firstChild.setAttribute("fill", colours.fill);
    const foot = element.querySelector(".shape");
    if (foot) {
      const shape = this.network.parts[place].rows.at(-1)[1][0][0];
      foot.textContent = colours?.share ? `${shape} · ${colours.share}` : shape;
    }
  }

  /** Mark a part as selected, and those that something is about. */
  select(place, meant = []) {
    this.selected = place;
    this.meant = new Set(meant.map((each) => this.network.seenAs(each)));
    this.refresh();
  }

  // --- the camera

  look() {
    const { x, y, k } = this.camera;
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
    this.svg.classList.toggle("far", k < FAR);
    this.fill();
  }

  pan(x, y) {
    this.camera.x += x;
    this.camera.y += y;
    this.look();
  }

  /** Zoom around a point of the window, by default its middle. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const { camera } = this;
    const k = Math.min(MOST, Math.max(LEAST, camera.k * factor));
    camera.x = x - ((x - camera.x) * k) / camera.k;
    camera.y = y - ((y - camera.y) * k) / camera.k;
    camera.k = k;
    this.look();
  }

  /** Show the whole, or, if that would be too small to read, its beginning. */
  fit(readable = false) {
    const [w, h] = [this.width, this.height - BELOW];
    const { width, height } = this.places;
    const whole = Math.min(1.5, (w - 32) / width, (h - 16) / height);
    const across = Math.min(READABLE, Math.max(LEGIBLE, (w - 32) / width));
    const k = readable && whole < LEGIBLE ? across : whole;
    this.camera = { k, x: (w - width * k) / 2, y: Math.max(16, (h - height * k) / 2) };
    this.look();
  }

  /** Bring a part into the window, at a scale at which its text can be read. */
  read(place) {
    if (this.camera.k < LEGIBLE) this.zoom(READABLE / this.camera.k);
    this.show(place, true);
  }

  /** Bring a part into the window, in its middle or, with `near`, by the shortest way. */
  show(place, near = false) {
    const spot = this.spot(place);
    if (!spot) return;
    const { camera } = this;
    const left = spot.x * camera.k + camera.x;
    const top = spot.y * camera.k + camera.y;
    const [w, h] = [spot.w * camera.k, Math.min(spot.h * camera.k, this.height / 2)];
    const inside = left >= 0 && left + w <= this.width && top >= 0 && top + h <= this.height;
    if (near && inside) return;
    this.pan((this.width - w) / 2 - left, this.height / 3 - top);
  }
}

const FACES = new Set(["bold", "boldoblique", "oblique", "small", "left", "shape"]);

/** Return the value of a key, which is made if there is none yet. */
function keep(map, key, create) {
  if (!map.has(key)) map.set(key, create());
  return map.get(key);
}

/** Give an element these children; those that it has already are not touched, which is quick. */
function fill(parent, children) {
  const wanted = new Set(children);
  for (const each of [...parent.children]) if (!wanted.has(each)) each.remove();
  parent.append(...children.filter((each) => each.parentNode !== parent));
}

/** Make a line, with what is written beside it. */
function makeLine({ look, label, connection }) {
  const kind = look.split(" ").find((each) => each !== "left") ?? "";
  const line = draw("path", { class: `line ${look}`, "data-connection": connection });
  const text = label && write(label.text, { class: `beside small ${look}` });
  const move = (now) => {
    line.setAttribute("d", now.path);
    line.setAttribute("marker-end", now.arrow ? `url(#arrow-${kind})` : "none");
    text?.setAttribute("x", now.label.x);
    text?.setAttribute("y", now.label.y);
  };
  return { elements: text ? [line, text] : [line], move };
}
