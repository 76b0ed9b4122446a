"""How large pages of networks are, and how long they take to appear, to fold and to open whole.

    pip install '.[browser]'; python benchmarks/page.py [RUNS]

In the Chromium of this machine, without a window. "made" is from a loaded graph to the text of the
page. "first" is from the navigation to the picture; "refold" is to close and to open a block again;
"all" is to open every block of the page: of each the script's own time, and behind it the time
until the browser has painted. resnet1001 is measured with each turn of its loops as boxes, too.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from pages import Opened, start_browser  # noqa: E402

import archspec  # noqa: E402

RESNET1001 = ROOT / "examples" / "identity_mappings" / "resnet1001.yaml"
NETWORKS: list[tuple[str, Path | str, bool]] = [
    ("resnet50v2", "resnet50v2", True),
    ("inception_v3", "inception_v3", True),
    ("resnet1001", RESNET1001, True),
    ("resnet1001, each turn", RESNET1001, False),
]
# Do something, and return the times of the script and until the next frame is painted.
TIME = """
async (what) => {
  performance.clearMeasures()
  const start = performance.now()
  if (what === 'all') document.getElementById('open').click()
  else {
    const key = (key) => new KeyboardEvent('keydown', { key, bubbles: true })
    document.getElementById('picture').dispatchEvent(key('Enter'))
  }
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
  const painted = performance.now() - start
  const spent = performance.getEntriesByName('redraw').map((each) => each.duration)
  return [spent.reduce((sum, each) => sum + each, 0), painted]
}
"""


def measure(browser: Any, path: Path, block: str) -> dict[str, float]:
    """Return the times of one page, opened afresh, in milliseconds."""
    shown = Opened(browser.new_page(viewport={"width": 1440, "height": 900}), path)
    shown.go()
    first = shown.page.evaluate("performance.getEntriesByName('drawn')[0].startTime")
    shown.page.evaluate(f"location.hash = '#{block}'")
    shown.page.wait_for_function("() => document.querySelector('.selected')")
    folds = [shown.page.evaluate(TIME, "fold") for _ in range(6)]
    whole = shown.page.evaluate(TIME, "all")
    assert not shown.said, shown.said
    shown.page.close()
    return {
        "first": first,
        "refold": statistics.median(spent for spent, _ in folds),
        "refold, painted": statistics.median(painted for _, painted in folds),
        "all": whole[0],
        "all, painted": whole[1],
    }


def main(runs: int) -> None:
    blocks = {"inception_v3": "mixed6a"}
    with tempfile.TemporaryDirectory() as folder, start_browser() as browser:
        print(f"{'page':22} {'KB':>5} {'made':>6} {'first':>6} {'refold':>12} {'all':>12}   ms")
        for name, spec, fold in NETWORKS:
            graph = archspec.load(spec)
            path = Path(folder) / "net.html"
            start = time.perf_counter()
            archspec.draw(graph, fold=fold).save(path)
            made = 1000 * (time.perf_counter() - start)
            found = [measure(browser, path, blocks.get(name, "stage1")) for _ in range(runs)]
            median = {key: statistics.median(each[key] for each in found) for key in found[0]}
            print(
                f"{name:22} {path.stat().st_size / 1000:5.0f} {made:6.0f} {median['first']:6.0f} "
                f"{median['refold']:5.1f} {median['refold, painted']:6.0f} "
                f"{median['all']:5.0f} {median['all, painted']:6.0f}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
