// The outline: the same parts as a tree, which screen readers read and the keyboard walks.

/** Make an element of HTML. */
export function make(name, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

/** The outline of a network in a list. */
export class Outline {
  /** onSelect, onToggle: called with the place of a part. */
  constructor(network, host, { onSelect, onToggle }) {
    Object.assign(this, { network, host, onSelect, onToggle });
    this.items = new Map(); // by place, made when they are first seen
    this.selected = 0;
    host.replaceChildren(...this.makeItems(0));
    host.setAttribute("aria-label", `Layers of ${network.name}`);
    host.onclick = (event) => this.click(event);
    host.onkeydown = (event) => this.press(event);
    this.update();
  }

  makeItems(group) {
    const { parts } = this.network.parts[group];
    return parts.map((place, index) => {
      const { title, name, said } = this.network.parts[place];
      const item = make("li", { id: `item-${place}`, tabIndex: -1 });
      item.dataset.place = place;
      item.setAttribute("role", "treeitem");
      item.setAttribute("aria-label", this.network.title(place));
      item.setAttribute("aria-level", this.network.around(place).length + 1);
      item.setAttribute("aria-setsize", parts.length);
      item.setAttribute("aria-posinset", index + 1);
      const row = make("span", { className: "row" });
      row.append(make("b", { textContent: title || name }), " ", make("i", { textContent: said }));
      item.append(row);
      this.items.set(place, item);
      return item;
    });
  }

  /** Show which groups are open. */
  update() {
    for (const [place, item] of this.items) {
      if (!this.network.isGroup(place)) continue;
      const open = this.network.open.has(place);
      if (item.getAttribute("aria-expanded") !== `${open}`)
        item.setAttribute("aria-expanded", open);
      if (open && !item.querySelector("ul")) {
        const inside = make("ul", {}, ...this.makeItems(place)); // which this loop comes to later
        inside.setAttribute("role", "group");
        item.append(inside);
      }
    }
    this.mark(this.network.seenAs(this.selected || this.network.parts[0].parts[0]));
  }

  mark(place) {
    for (const item of this.host.querySelectorAll("[tabindex='0']")) item.tabIndex = -1;
    this.host.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    const item = this.items.get(place);
    item.tabIndex = 0;
    if (place !== this.selected) return;
    item.setAttribute("aria-selected", true);
    requestAnimationFrame(() => item.firstChild.scrollIntoView({ block: "nearest" }));
  }

  select(place) {
    this.selected = place;
    this.mark(place);
  }

  focus() {
    this.host.querySelector("[tabindex='0']").focus();
  }

  click(event) {
    const item = event.target.closest("[data-place]");
    if (!item) return;
    const place = Number(item.dataset.place);
    const arrow = event.clientX < item.firstChild.getBoundingClientRect().left + 16;
    if (this.network.isGroup(place) && arrow) this.onToggle(place);
    this.onSelect(place);
    item.focus({ preventScroll: true });
  }

  press(event) {
    const item = event.target.closest("[data-place]");
    if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
    const place = Number(item.dataset.place);
    const { network } = this;
    const isGroup = network.isGroup(place);
    const isOpen = isGroup && network.open.has(place);
    const shown = this.listShown();
    const at = shown.indexOf(place);
    const go = (to) => to > 0 && (this.onSelect(to), this.items.get(to).focus());
    const keys = {
      ArrowDown: () => go(shown[at + 1]),
      ArrowUp: () => go(shown[at - 1]),
      Home: () => go(shown[0]),
      End: () => go(shown.at(-1)),
      ArrowRight: () => (isOpen ? go(network.parts[place].parts[0]) : isGroup && toggle()),
      ArrowLeft: () => (isOpen ? toggle() : go(network.parts[place].up)),
      Enter: () => (isGroup ? toggle() : this.onSelect(place)),
      " ": () => (isGroup ? toggle() : this.onSelect(place)),
    };
    const toggle = () => {
      this.onToggle(place);
      go(place);
    };
    const letter =
      event.key.length === 1 && event.key > " " && event.key !== "/" && event.key !== "?";
    if (letter) {
      const after = [...shown.slice(at + 1), ...shown.slice(0, at)];
      go(
        after.find((each) => network.title(each).toLowerCase().startsWith(event.key.toLowerCase())),
      );
    } else if (!keys[event.key]) return;
    else keys[event.key]();
    event.preventDefault();
  }

  /** The places of all items that are seen, from top to bottom. */
  listShown(group = 0) {
    return this.network.parts[group].parts.flatMap((place) => {
      const isOpen = this.network.isGroup(place) && this.network.open.has(place);
      return [place, ...(isOpen ? this.listShown(place) : [])];
    });
  }
}
