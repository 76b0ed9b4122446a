// What Python has put into the page, and which groups of a network are open.

/** Unpack a text that stands in the page, deflated and in base64. */
export async function unpack(id) {
  const packed = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/** A network: its parts in the order of the graph, of which the first is the whole. */
export class Network {
  constructor(data, page) {
    Object.assign(this, data); // name, said, errors, parts, connections, nodes, closed
    this.page = page;
    this.open = new Set([0]);
    this.partOf = new Map(); // by name, of groups, boxes and layers
    this.turnOf = new Map(); // by the name of a layer: which repetition it is in
    this.parts.forEach((part, place) => {
      for (const [index, node] of (part.nodes ?? []).entries()) {
        const { name } = this.nodes[node];
        if (this.partOf.has(name)) continue; // an output comes after the box of its layer
        this.partOf.set(name, place);
        this.turnOf.set(name, Math.floor(index / part.turn));
      }
    });
    this.parts.forEach((part, place) => place && this.partOf.set(part.name, place));
    const closed = new Set(this.closed);
    this.parts.forEach((part, place) => {
      if (part.parts && !closed.has(place)) this.open.add(place);
    });
  }

  /**
   * The blocks that no part is called after, each with its first layer and the smallest part that
   * holds it: they are drawn as one box, or are a later turn of a repeat.
   */
  get blocks() {
    if (this.found) return this.found;
    this.found = new Map();
    for (const { name } of this.nodes) {
      const box = this.partOf.get(name);
      for (let end = name.lastIndexOf("."); end > 0; end = name.lastIndexOf(".", end - 1)) {
        const block = name.slice(0, end);
        if (this.partOf.has(block)) continue;
        const found = this.found.get(block);
        if (!found) this.found.set(block, { place: box, layer: name });
        else if (found.place !== box) found.place = this.join(found.place, box);
      }
    }
    return this.found;
  }

  /** The smallest part that two parts are in; the first of them if that is the whole. */
  join(one, other) {
    const there = [other, ...this.around(other)];
    return [one, ...this.around(one)].find((each) => there.includes(each)) ?? one;
  }

  /** What can be searched for: groups, blocks and layers, each with what is said of it. */
  get names() {
    if (this.listed) return this.listed;
    const boxes = new Map(); // what a box says, by its first layer in each turn
    for (const { nodes = [], turn, said } of this.parts) {
      nodes.forEach((node, index) => {
        if (index % turn === 0 && said && !boxes.has(node)) boxes.set(node, `: ${said}`);
      });
    }
    this.listed = [
      ...this.parts
        .filter((part, place) => place && part.parts)
        .map((part) => [part.name, part.said ?? ""]),
      ...[...this.blocks].map(([name, { place }]) => [name, `in ${this.title(place)}`]),
      ...this.nodes.map(({ name, op }, node) => [name, op + (boxes.get(node) ?? "")]),
    ];
    return this.listed;
  }

  isGroup(place) {
    return Boolean(this.parts[place].parts);
  }

  /** The places of the groups around a part, the innermost first, without the whole. */
  around(place) {
    const found = [];
    for (let up = this.parts[place].up; up > 0; up = this.parts[up].up) found.push(up);
    return found;
  }

  /** The part that a part is seen as: itself, or the outermost closed group around it. */
  seenAs(place) {
    const closed = this.around(place).filter((each) => !this.open.has(each));
    return closed.length ? closed.at(-1) : place;
  }

  /** Open all groups around a part. */
  reveal(place) {
    const closed = this.around(place).filter((each) => !this.open.has(each));
    for (const each of closed) this.open.add(each);
    return closed.length > 0;
  }

  /** The places of the boxes in a part. */
  boxesIn(place) {
    const { parts } = this.parts[place];
    return parts ? parts.flatMap((each) => this.boxesIn(each)) : [place];
  }

  /** What a part is called where there is only a line for it. */
  title(place) {
    const { title, name, said } = this.parts[place];
    return [title || name, said].filter(Boolean).join(": ");
  }

  /** The parts that are seen before (-1) or after (1) a part, along its connections. */
  beside(place, step) {
    const inside = new Set(this.boxesIn(place));
    const found = new Set();
    for (const { tail, head } of this.connections) {
      const [here, there] = step > 0 ? [tail, head] : [head, tail];
      if (inside.has(here) && !inside.has(there)) found.add(this.seenAs(there));
    }
    return [...found];
  }
}

/** Write a count in three digits, as our tables do: 25.6 M. */
export function writeCount(count) {
  if (count === null || count === undefined) return "unknown";
  for (const [unit, letter] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "K"],
  ]) {
    if (count >= unit) return `${Number((count / unit).toPrecision(3))} ${letter}`;
  }
  return String(count);
}
