"""How long it takes from a save of resnet50v2 to its picture in the studio.

    pip install '.[browser]'; python benchmarks/studio.py [SAVES]

In the Chromium of this machine, without a window; the studio is a process of its own.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from pages import start_browser  # noqa: E402

import archspec  # noqa: E402

DRAWN = """new Promise((done) => {
  const look = () => performance.getEntriesByName("drawn").length ? done() : setTimeout(look, 5);
  look();
})"""


def main() -> None:
    saves = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder, start_browser() as browser:
        path = Path(folder, "resnet50v2.yaml")
        shutil.copy(archspec.find("resnet50v2"), path)
        command = [sys.executable, "-m", "archspec", "studio", "--no-browser", str(path)]
        studio = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert studio.stdout is not None
            page = browser.new_page(viewport={"width": 1500, "height": 850})
            page.goto(studio.stdout.readline().split()[-1])
            page.wait_for_selector("#picture[aria-busy=false]", state="attached")
            text, times = path.read_text(encoding="utf-8"), []
            for number in range(saves):
                time.sleep(0.5)
                page.evaluate("performance.clearMarks()")
                start = time.perf_counter()
                path.write_text(f"{text}# {number}\n", encoding="utf-8")
                page.evaluate(DRAWN)
                times.append(1000 * (time.perf_counter() - start))
        finally:
            studio.terminate()
            studio.communicate()
    print(f"median {statistics.median(times):.0f} ms, {min(times):.0f} to {max(times):.0f}")


if __name__ == "__main__":
    main()
