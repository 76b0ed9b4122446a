// The search: layers and groups by name or kind, in a list that the arrow keys walk.

import { make } from "./outline.js";

const LISTED = 50; // results that are listed

/** Make an input and a list a search. list: returns [name, words] of what can be found. */
export function setUpSearch(input, results, list, onChoose, say) {
  let active = -1;
  const close = () => {
    results.hidden = true;
    input.setAttribute("aria-expanded", false);
    input.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const mark = (index) => {
    results.children[active]?.removeAttribute("aria-selected");
    active = (index + results.children.length) % results.children.length;
    const item = results.children[active];
    item.setAttribute("aria-selected", true);
    item.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", item.id);
  };
  const choose = (item) => {
    close();
    onChoose(item.dataset.name);
  };
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return close();
    const found = list().filter(([name, said]) => {
      const text = `${name} ${said}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    results.replaceChildren(
      ...found.slice(0, LISTED).map(([name, said], index) => {
        const item = make("li", { id: `result-${index}` }, make("b", { textContent: name }));
        item.append(" ", make("i", { textContent: said }));
        item.setAttribute("role", "option");
        item.dataset.name = name;
        return item;
      }),
    );
    active = -1;
    results.hidden = !found.length;
    input.setAttribute("aria-expanded", Boolean(found.length));
    input.removeAttribute("aria-activedescendant");
    const more = found.length > LISTED ? `, the first ${LISTED} are listed` : "";
    say(`${found.length} found${more}`);
  });
  input.addEventListener("keydown", (event) => {
    const { length } = results.children;
    if (event.key === "Escape") {
      if (results.hidden) input.value = "";
      close();
    } else if (results.hidden || !length) return;
    else if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active < 0 ? length - 1 : active - 1);
    else if (event.key === "Enter") choose(results.children[Math.max(active, 0)]);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(close, 150)); // a click on a result comes first
  results.addEventListener("pointerdown", (event) => event.preventDefault());
  results.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) choose(item);
  });
}
