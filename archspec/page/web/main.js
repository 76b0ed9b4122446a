// The page: what its controls, its keys and its address do.

import { showComparison } from "./charts.js";
import { showDetails, showNetwork, writeBytes, writeShare } from "./details.js";
import { Network, writeCount } from "./network.js";
import { Outline, make } from "./outline.js";
import { Picture } from "./picture.js";
import { setUpSearch } from "./search.js";

const $ = (id) => document.getElementById(id);
const THEMES = ["auto", "light", "dark"];
const STEP = 60; // pixels that an arrow key moves the picture by

/** The page, with the network that it shows. */
export class Page {
  constructor(data) {
    this.data = data;
    this.networks = data.networks.map((each) => new Network(each, data));
    this.heat = data.heat ?? "";
    this.setUpControls();
    this.setUpPointer();
    this.setUpKeys();
    if (data.comparison) {
      showComparison($("comparison"), data.comparison, (index) => `#${index + 1}/`);
    }
    this.follow();
    addEventListener("hashchange", () => this.follow());
  }

  /** Show what the address says. */
  follow() {
    const [index, name] = this.readAddress();
    this.compare(index < 0);
    if (index < 0) return;
    if (this.networks[index] !== this.network) this.show(index);
    if (name) this.goTo(name);
    else this.tell();
  }

  /** Take other data, and show nothing of it yet. */
  take(data) {
    this.data = data;
    this.networks = data.networks.map((each) => new Network(each, data));
    this.listNetworks();
  }

  /** Show one of the networks of other data, from its beginning. */
  restart(data, index) {
    this.take(data);
    this.show(index);
    this.note("");
  }

  /** Show other data where the reader is: the zoom, the place and the open groups stay. */
  replace(data) {
    const { network, picture, index } = this;
    this.take(data);
    const open = new Set([...network.open].map((place) => network.parts[place].name));
    const chosen = network.parts[this.selected]?.name;
    const now = this.networks[index] ?? this.networks[0];
    now.parts.forEach((part, place) => {
      if (!place || !part.parts || !network.partOf.has(part.name)) return;
      if (open.has(part.name)) now.open.add(place);
      else now.open.delete(place);
    });
    this.show(this.networks.indexOf(now));
    this.picture.camera = { ...picture.camera };
    this.picture.look();
    if (chosen && now.partOf.has(chosen)) {
      this.select(now.partOf.get(chosen));
      this.picture.camera = { ...picture.camera };
      this.picture.look();
    }
  }

  /** Show the comparison in the place of a network, or a network again. */
  compare(isShown) {
    document.body.classList.toggle("comparing", isShown);
    $("comparison").hidden = !isShown;
    if (!isShown) return;
    this.network = null;
    $("networks").value = -1;
    $("said").textContent = this.data.comparison.title;
  }

  /** Show one of the networks. */
  show(index) {
    this.index = index;
    this.network = this.networks[index];
    this.selected = 0;
    this.picture?.end();
    this.picture = new Picture(this.network, $("picture"));
    this.outline = new Outline(this.network, $("outline"), {
      onSelect: (place) => this.select(place),
      onToggle: (place) => this.toggle(place),
    });
    $("picture").setAttribute("aria-label", `Picture of ${this.network.name}`);
    $("said").textContent = this.network.said;
    $("networks").value = index;
    this.redraw();
    this.picture.fit(true);
    this.tell();
    if (!this.heat) this.showLegend();
  }

  /** Tell of the whole network, in the place of the details of a part. */
  tell() {
    showNetwork($("details"), this.network, (names) => {
      const places = names.map((name) => this.network.partOf.get(name));
      this.goTo(names[0]);
      this.picture.select(this.network.seenAs(places[0]), places);
      this.tell();
    });
  }

  redraw(anchor) {
    const start = performance.now();
    this.picture.heat = this.heat ? this.makeScale() : null;
    this.picture.selected = this.network.seenAs(this.selected);
    this.picture.redraw(anchor);
    this.outline.update();
    performance.measure("redraw", { start });
  }

  // --- groups

  toggle(place) {
    if (!this.network.isGroup(place)) return;
    const { open } = this.network;
    if (!open.delete(place)) open.add(place);
    this.redraw(place);
    this.say(`${open.has(place) ? "opened" : "closed"} ${this.network.title(place)}`);
  }

  /** Open or close all groups. */
  toggleAll(isOpen) {
    const { network } = this;
    network.open.clear();
    network.open.add(0);
    if (isOpen) network.parts.forEach((part, place) => part.parts && network.open.add(place));
    this.redraw();
    this.picture.fit(true);
    if (this.selected) this.picture.show(network.seenAs(this.selected));
    this.say(isOpen ? "opened all" : "closed all");
  }

  // --- what is selected

  /** Select a part, and tell all about it. chosen: the layer of it that is meant. */
  select(place, turn = 0, chosen) {
    const { network } = this;
    this.selected = place;
    const seen = network.seenAs(place);
    this.picture.select(seen);
    this.picture.show(seen, true);
    this.outline.select(place);
    const part = network.parts[place];
    const node = part.nodes?.[turn * part.turn];
    const name = chosen ?? (node === undefined ? part.name : network.nodes[node].name);
    this.note(name);
    showDetails($("details"), network, place, {
      chosen,
      turn,
      link: (each, index) => this.link(each, index),
      onTurn: (wanted) => this.select(place, wanted),
    });
    $("details").scrollTop = 0;
    this.say(`${name}: ${network.title(place)}`);
  }

  /** Select nothing, and tell of the whole network again. */
  leave() {
    this.selected = 0;
    this.picture.select(0);
    this.note("");
    this.say("");
    this.tell();
  }

  /** Open what is around a layer or a group, and select it. */
  goTo(name) {
    const { network } = this;
    const block = network.partOf.has(name) ? undefined : network.blocks.get(name);
    const place = block?.place ?? network.partOf.get(name);
    if (place === undefined) return this.say(`there is no layer called ${name}`);
    if (network.reveal(place)) this.redraw();
    const turn = network.turnOf.get(block?.layer ?? name);
    this.select(place, turn, block || turn === undefined ? undefined : name);
    if (block) this.note(name);
    this.picture.read(place);
  }

  // --- the address

  link(name, index = this.index) {
    const path = encodeURIComponent(name);
    const several = this.networks.length > 1 || this.data.comparison;
    return several ? `#${index + 1}/${path}` : `#${path}`;
  }

  /** Write into the address what is selected. */
  note(name) {
    try {
      history.replaceState(null, "", this.link(name));
    } catch {
      // a browser may refuse it when an arrow key is held down
    }
  }

  /**
   * Return the network and the layer of the address: `#2/head`, or `#head` for an only one; -1 for
   * the comparison.
   */
  readAddress() {
    const [, number, path] = /^#(?:(\d+)\/)?(.*)$/s.exec(location.hash) ?? [null, "", ""];
    let name = path;
    try {
      name = decodeURIComponent(path);
    } catch {
      // an address that nobody has made here
    }
    const index = Number(number ?? 0) - 1;
    return [this.networks[index] ? index : this.data.comparison ? -1 : 0, name];
  }

  // --- heat

  /** Return what colours a part by its cost, from nothing to that of the most costly box. */
  makeScale() {
    const { costs, palette } = this.data;
    const which = costs.findIndex(([name]) => name === this.heat);
    const cost = (place) => this.network.parts[place].costs?.[which];
    const shown = this.network.parts
      .map((_, place) => place)
      .filter((place) => place && this.isSeen(place));
    const known = shown.map(cost).filter((each) => each !== null && each !== undefined);
    const largest = Math.max(0, ...known);
    const whole = cost(0);
    this.showLegend(known.length ? largest : null, costs[which]);
    return (place) => {
      const here = cost(place);
      if (here === undefined) return null; // an output of the network
      const step = here ? Math.round((here / largest) * (palette.length - 1)) : 0;
      const [fill, ink] = here === null ? ["#ffffff", "#000000"] : palette[step];
      return { fill, ink, share: here === null ? "unknown" : writeShare(here, whole) };
    };
  }

  isSeen(place) {
    const isClosed = !this.network.isGroup(place) || !this.network.open.has(place);
    return isClosed && this.network.seenAs(place) === place;
  }

  setHeat(heat) {
    this.heat = heat;
    $("heat").value = heat;
    this.redraw();
    if (!heat) this.showLegend();
  }

  /** Show what colours mean: kinds of layers, or a scale up to the largest cost, if it is known. */
  showLegend(largest, [, title, unit] = []) {
    const swatch = (text, look) => {
      const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      mark.setAttribute("aria-hidden", "true"); // the text beside it says it
      mark.append(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
      for (const key in look) mark.firstChild.setAttribute(key, look[key]);
      return make("li", {}, mark, text);
    };
    let items = this.network.kinds.map(([kind, text]) => swatch(text, { class: `cell ${kind}` }));
    if (title) {
      const { palette } = this.data;
      const write = unit ? writeBytes : writeCount;
      const steps = new Map(); // by what is written: of a small scale, some are the same
      for (const part of largest === null ? [] : [0, 0.25, 0.5, 0.75, 1]) {
        const cost = Math.round(largest * part);
        const step = largest ? Math.round((cost / largest) * (palette.length - 1)) : 0;
        steps.set(write(cost), palette[step][0]);
      }
      items = [...steps].map(([text, fill]) => swatch(text, { fill }));
      const textContent = `${title} of a box${largest === null ? ": unknown" : ""}`;
      items.unshift(make("li", { textContent }));
    }
    $("legend").replaceChildren(...items);
  }

  // --- controls

  say(text) {
    $("status").textContent = text;
  }

  setUpControls() {
    const { data } = this;
    for (const [name, title] of data.costs)
      $("heat").append(make("option", { value: name }, title));
    $("heat").value = this.heat;
    $("heat").onchange = () => this.setHeat($("heat").value);
    this.listNetworks();
    $("networks").onchange = () => {
      const index = Number($("networks").value);
      location.hash = index < 0 ? "" : `${index + 1}/`; // which is followed
    };
    $("open").onclick = () => this.toggleAll(true);
    $("close").onclick = () => this.toggleAll(false);
    $("fit").onclick = () => this.picture.fit();
    $("in").onclick = () => this.picture.zoom(1.25);
    $("out").onclick = () => this.picture.zoom(0.8);
    $("help").onclick = () => $("keys").showModal();
    $("theme").onclick = () => {
      const { dataset } = document.documentElement;
      dataset.theme = THEMES[(THEMES.indexOf(dataset.theme) + 1) % THEMES.length];
      this.nameTheme();
    };
    this.nameTheme();
    setUpSearch(
      $("search"),
      $("results"),
      () => this.network.names,
      (name) => {
        this.goTo(name);
        $("picture").focus();
      },
      (text) => this.say(text),
    );
  }

  listNetworks() {
    const { networks, comparison } = this.data;
    $("networks").replaceChildren();
    if (comparison) $("networks").append(make("option", { value: -1 }, "Comparison"));
    networks.forEach(({ name }, index) => {
      $("networks").append(make("option", { value: index, textContent: name }));
    });
    $("networks").hidden = networks.length < 2 && !comparison;
  }

  nameTheme() {
    $("theme").textContent = `Colours: ${document.documentElement.dataset.theme}`;
  }

  setUpPointer() {
    const host = $("picture");
    const pointers = new Map();
    let moved = 0;
    host.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const { left, top } = host.getBoundingClientRect();
        const lines = event.deltaMode === 1 ? 20 : 1;
        if (event.ctrlKey || event.metaKey) {
          const factor = Math.exp(-event.deltaY * lines * 0.005);
          this.picture.zoom(factor, event.clientX - left, event.clientY - top);
        } else if (event.shiftKey && !event.deltaX) this.picture.pan(-event.deltaY * lines, 0);
        else this.picture.pan(-event.deltaX * lines, -event.deltaY * lines);
      },
      { passive: false },
    );
    host.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      moved = pointers.size ? Infinity : 0;
      pointers.set(event.pointerId, event);
    });
    addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
      const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
      if (other) this.pinch(before, event, other);
      else if (moved > 4) {
        this.picture.pan(event.clientX - before.clientX, event.clientY - before.clientY);
      }
      if (other || moved > 4) pointers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      addEventListener(name, (event) => pointers.delete(event.pointerId));
    }
    const hit = (event) => Number(event.target.closest("[data-place]")?.dataset.place ?? 0);
    host.addEventListener("click", (event) => {
      const place = hit(event);
      if (moved > 4) return;
      if (!place) return this.leave();
      // A click on the title of a group closes it, and one on the plus of a box opens it.
      const isTitle = event.target.closest(".heading");
      if (isTitle) this.toggle(place);
      this.select(place);
    });
    host.addEventListener("dblclick", (event) => {
      const place = hit(event);
      if (place && !event.target.closest(".heading")) this.toggle(place);
    });
  }

  /** Zoom with two fingers: one goes from a point to the next, the other stays. */
  pinch(before, now, other) {
    const { left, top } = $("picture").getBoundingClientRect();
    const away = ({ clientX, clientY }) =>
      Math.hypot(clientX - other.clientX, clientY - other.clientY);
    const factor = away(now) / Math.max(away(before), 1);
    this.picture.zoom(factor, other.clientX - left, other.clientY - top);
  }

  setUpKeys() {
    $("picture").addEventListener("keydown", (event) => this.press(event));
    addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, dialog");
      if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "/") $("search").focus();
      else if (event.key === "?") $("keys").showModal();
      else return;
      event.preventDefault();
    });
  }

  /** Do what a key means in the picture. */
  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { network, picture } = this;
    const seen = this.selected ? network.seenAs(this.selected) : 0;
    const arrows = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] };
    if (event.shiftKey && arrows[event.key]) {
      picture.pan(...arrows[event.key].map((way) => way * STEP));
      return event.preventDefault();
    }
    const boxes = [...picture.places.boxes.keys()].sort((one, other) => one - other);
    const go = (place) => place && this.select(place);
    const keys = {
      ArrowDown: () => go(seen ? network.beside(seen, 1)[0] : boxes[0]),
      ArrowUp: () => go(seen ? network.beside(seen, -1)[0] : boxes[0]),
      ArrowLeft: () => go(seen && this.findLevel(seen, -1)),
      ArrowRight: () => go(seen && this.findLevel(seen, 1)),
      Home: () => go(boxes[0]),
      End: () => go(boxes.at(-1)),
      Enter: () => seen && this.toggle(seen),
      " ": () => seen && this.toggle(seen),
      Escape: () => {
        const [around] = network.around(seen);
        if (!around) return this.leave();
        this.toggle(around);
        this.select(around);
      },
      "+": () => picture.zoom(1.25),
      "=": () => picture.zoom(1.25),
      "-": () => picture.zoom(0.8),
      0: () => picture.fit(),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  }

  /** Return the nearest box to the left (-1) or to the right (1) of a part, at its height. */
  findLevel(place, way) {
    const here = this.picture.spot(place);
    let found = 0;
    let least = Infinity;
    for (const [other, spot] of this.picture.places.boxes) {
      const away = way > 0 ? spot.x - here.x - here.w : here.x - spot.x - spot.w;
      const isLevel = spot.y < here.y + here.h && spot.y + spot.h > here.y;
      if (other !== place && isLevel && away >= -1 && away < least) [found, least] = [other, away];
    }
    return found;
  }
}
