// The start of a page that is a file: its data stands in it.

import { Page } from "./main.js";
import { unpack } from "./network.js";

async function begin() {
  if (!window.DecompressionStream) {
    document.getElementById("status").textContent =
      "this browser is too old: it has no DecompressionStream";
    document.getElementById("status").className = "";
    return;
  }
  const data = JSON.parse(await unpack("data"));
  new Page(data);
  performance.mark("drawn");
  document.getElementById("picture").setAttribute("aria-busy", false);
  if (data.comparison) return; // which is printed as it is
  const picture = await unpack("print-picture");
  document.getElementById("print").src = `data:image/svg+xml,${encodeURIComponent(picture)}`;
}

begin();
