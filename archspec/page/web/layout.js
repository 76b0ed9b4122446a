// Where everything is. Each group was laid out once, by Graphviz, with the groups in it closed. An
// open group stretches the rows and columns that it stands in, so that boxes never overlap and keep
// their order, and nothing is laid out here.

export const TITLE = 20; // points of the title of a group
const MARGIN = 10; // points between the border of a group and what is in it

/** Return the places of all that is seen: boxes and frames by part, lines, width and height. */
export function arrange(network) {
  const found = { boxes: new Map(), frames: new Map(), lines: [], width: 0, height: 0 };
  const whole = stretch(network, 0);
  put(network, whole, { x: 0, y: 0, w: whole.width, h: whole.height }, 0, 0, found);
  found.width = whole.width;
  found.height = whole.height;
  return found;
}

/** Return a group with the groups in it that are open, and maps from its layout's x and y. */
function stretch(network, place) {
  const group = network.parts[place];
  const layout = network.page.layouts[group.layout];
  const inner = new Map();
  const columns = [];
  const rows = [];
  group.parts.forEach((part, index) => {
    if (!network.isGroup(part) || !network.open.has(part)) return;
    const inside = stretch(network, part);
    const [x, y, w, h] = layout.parts[index];
    const width = Math.max(inside.width + 2 * MARGIN, network.parts[part].wide);
    const height = inside.height + 2 * MARGIN + TITLE;
    inner.set(index, { inside, width, height });
    columns.push([x - w / 2, x + w / 2, width]);
    rows.push([y - h / 2, y + h / 2, height]);
  });
  const mapX = makeMap(columns);
  const mapY = makeMap(rows);
  const size = { width: mapX(layout.width), height: mapY(layout.height) };
  return { place, group, layout, inner, mapX, mapY, ...size };
}

/**
 * Return a map of a line onto itself that only grows, and makes each span as long as it needs to be.
 * spans: start, end, and the length that is needed.
 */
function makeMap(spans) {
  if (!spans.length) return (value) => value;
  const cuts = [...new Set(spans.flatMap(([from, to]) => [from, to]))].sort((a, b) => a - b);
  const at = new Map(cuts.map((cut, index) => [cut, index]));
  const lengths = cuts.slice(1).map((cut, index) => cut - cuts[index]);
  for (const [from, to, needed] of spans.sort((a, b) => a[1] - b[1])) {
    let length = 0;
    for (let index = at.get(from); index < at.get(to); index++) length += lengths[index];
    if (length >= needed) continue;
    for (let index = at.get(from); index < at.get(to); index++) lengths[index] *= needed / length;
  }
  const ends = [cuts[0]];
  lengths.forEach((length, index) => ends.push(ends[index] + length));
  const last = cuts.length - 1;
  return (value) => {
    if (value <= cuts[0]) return value;
    if (value >= cuts[last]) return ends[last] + value - cuts[last];
    let low = 0;
    for (let high = last; high - low > 1;) {
      const middle = (low + high) >> 1;
      if (cuts[middle] <= value) low = middle;
      else high = middle;
    }
    return ends[low] + ((value - cuts[low]) * lengths[low]) / (cuts[low + 1] - cuts[low]);
  };
}

/** Put a stretched group into its frame; x, y: the corner of what is in it. Return its ports. */
function put(network, stretched, frame, x, y, found) {
  const { group, layout, inner, mapX, mapY } = stretched;
  const ports = new Map(); // of open groups, by their index in this one
  const spots = layout.parts.map(([cx, cy, w, h], index) => {
    const part = group.parts[index];
    const open = inner.get(index);
    const width = open?.width ?? w;
    const height = open?.height ?? h;
    const left = x + (mapX(cx - w / 2) + mapX(cx + w / 2) - width) / 2;
    const top = y + (mapY(cy - h / 2) + mapY(cy + h / 2) - height) / 2;
    const spot = { x: left, y: top, w: width, h: height };
    if (!open) {
      found.boxes.set(part, spot);
      return spot;
    }
    found.frames.set(part, spot);
    const corner = left + (width - open.inside.width) / 2;
    ports.set(index, put(network, open.inside, spot, corner, top + TITLE + MARGIN, found));
    return spot;
  });
  const inPorts = new Map(group.entering?.map((each, i) => [each, x + mapX(layout.entering[i])]));
  const outPorts = new Map(group.leaving?.map((each, i) => [each, x + mapX(layout.leaving[i])]));
  (group.lines ?? []).forEach((connection, index) => {
    const { value, look = "", label = "" } = network.connections[connection];
    const [tail, head] = layout.ends[index];
    const flat = layout.lines[index];
    const points = [];
    for (let each = 0; each < flat.length; each += 2) {
      points.push({ x: x + mapX(flat[each]), y: y + mapY(flat[each + 1]) });
    }
    const end = (which, from) => {
      const spot = spots[which];
      if (!spot) {
        return from ? { x: inPorts.get(value), y: frame.y } : port(outPorts, value, frame);
      }
      const [cx, cy, w, h] = layout.parts[which];
      const [px, py] = from ? flat : flat.slice(-2);
      const inside = ports.get(which)?.[from ? "leaving" : "entering"].get(value);
      return {
        x: inside ?? spot.x + spot.w / 2 + ((px - cx) * spot.w) / w,
        y: spot.y + spot.h / 2 + ((py - cy) * spot.h) / h,
      };
    };
    const text = layout.texts[index];
    if (!points.length) return;
    const [start, last] = [end(tail, true), end(head, false)];
    found.lines.push({
      ...bound([start, ...points, last]),
      connection,
      tail: tail < spots.length ? group.parts[tail] : -1,
      head: head < spots.length ? group.parts[head] : -1,
      path: trace(points, start, last),
      arrow: head < spots.length && !ports.has(head),
      look,
      label: text.length ? { text: label, x: x + mapX(text[0]), y: y + mapY(text[1]) } : null,
    });
  });
  return { entering: inPorts, leaving: outPorts };
}

/** Return the rectangle around points. */
function bound(points) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, w: right - left + 1, h: bottom - top + 1 };
}

function port(ports, value, frame) {
  return { x: ports.get(value), y: frame.y + frame.h };
}

/**
 * Return the path of a line from start to end. What its ends are moved by fades along it; beside an
 * open group it runs straight until the row ends, so that it cuts no corner of the group.
 */
function trace(points, start, end) {
  const last = points.length - 1;
  const shift = [start.x - points[0].x, end.x - points[last].x];
  const moved = points.map(({ x, y }, index) => ({
    x: x + shift[0] + ((shift[1] - shift[0]) * index) / last,
    y,
  }));
  moved[1].x = moved[0].x; // it leaves a box, and comes to the next, straight down
  moved[last - 1].x = moved[last].x;
  const write = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const join = (one, other) => (write(one) === write(other) ? "" : `L${write(other)}`);
  let path = `M${write(start)}${join(start, moved[0])}`;
  for (let index = 1; index + 2 <= last; index += 3) {
    path += `C${moved
      .slice(index, index + 3)
      .map(write)
      .join(" ")}`;
  }
  return path + join(moved[last], end);
}
