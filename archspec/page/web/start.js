// The start of a page that is a file: its data stands in it.

import { Page } from "./main.js";
import { unpack } from "./network.js";

async function begin() {
  if (!window.DecompressionStream) {
    document.getElementById("status").textContent =
      "this browser is too old: it has no DecompressionStream";
    return;
  }
  const data = JSON.parse(await unpack("data"));
  const page = new Page(data);
  performance.mark("drawn");
  document.getElementById("picture").setAttribute("aria-busy", false);
  const pictures = (await unpack("print-picture")).split("\0"); // of all networks, or of each
  const setPrinted = () => {
    const picture = pictures[page.index] ?? pictures[0];
    document.getElementById("print").src = `data:image/svg+xml,${encodeURIComponent(picture)}`;
  };
  setPrinted();
  addEventListener("hashchange", setPrinted); // once the page has followed it
}

begin();
