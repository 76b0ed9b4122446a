// What is shown where the mouse rests is Markdown: tables, `code` and *emphasis*, and no more.

/** Return the nodes of a text. Its words are written as text, never as markup. */
export function toNodes(text) {
  const nodes = [];
  for (const block of text.split(/\n{2,}/)) {
    const lines = block.split("\n").filter((line) => line !== "");
    if (lines.length && lines.every((line) => line.startsWith("|"))) nodes.push(toTable(lines));
    else nodes.push(fill("p", lines.join(" ")));
  }
  return nodes;
}

function toTable(lines) {
  const [head, rules, ...rows] = lines.map((line) =>
    line.slice(1, line.lastIndexOf("|")).split(" | "),
  );
  const table = document.createElement("table");
  const add = (part, kind, cells) => {
    const row = part.insertRow();
    cells.forEach((cell, column) => {
      const made = fill(kind, cell.trim());
      if (rules[column]?.trim().endsWith(":")) made.className = "number";
      row.append(made);
    });
  };
  add(table.createTHead(), "th", head);
  const body = table.createTBody();
  for (const row of rows) add(body, "td", row);
  return table;
}

function fill(kind, text) {
  const node = document.createElement(kind);
  for (const part of text.split(/(`[^`]+`|\*[^*]+\*)/)) {
    const tag = { "`": "code", "*": "em" }[part[0]];
    if (!tag || part.length < 3 || part.at(-1) !== part[0]) node.append(part);
    else {
      const marked = document.createElement(tag);
      marked.textContent = part.slice(1, -1);
      node.append(marked);
    }
  }
  return node;
}
