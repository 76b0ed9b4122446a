"""How long `archspec lsp` takes to answer one change, in milliseconds of the processor.

    python benchmarks/lsp.py [CHANGES]

A change is a letter typed into a spec. What is wrong is all that the server says by itself; shapes
and colours are what an editor asks for after it; a hover, a completion and a renaming follow when
a user asks. Every figure is the median over changes; the last line is the process that serves, from
its start to its first answer.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from archspec.editing.completion import list_completions
from archspec.editing.diagnostics import list_findings
from archspec.editing.hints import list_hints
from archspec.editing.hover import find_hover
from archspec.editing.rename import rename
from archspec.editing.text import Position
from archspec.editing.tokens import list_tokens
from archspec.editing.workspace import Workspace

ROOT = Path(__file__).parent.parent
SPECS = (
    "specs/resnet18",
    "specs/resnet50v2",
    "specs/inception_v3",
    "examples/identity_mappings/resnet110",
)


def measure(path: Path, changes: int) -> dict[str, float]:
    """Return the median of each part of an answer."""
    whole = path.read_text(encoding="utf-8")
    workspace = Workspace()
    workspace.write(path, whole)
    workspace.look(path)
    row, line = next(
        (row, line) for row, line in enumerate(whole.split("\n")) if line.startswith("description:")
    )
    at = Position(row, len(line))
    step = next(
        Position(row, line.index("Conv2D"))
        for row, line in enumerate(whole.split("\n"))
        if "- Conv2D" in line
    )
    times: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.process_time()
        work()
        times.setdefault(name, []).append(1000 * (time.process_time() - start))

    for number in range(changes):
        text = whole.replace(line, f"{line}{'x' * (number + 1)}", 1)
        timed("wrong", lambda text=text: _say(workspace, path, text))
        view = workspace.look(path)
        timed("shapes", lambda view=view: list(list_hints(view)))
        timed("colours", lambda view=view: list_tokens(view))
        timed("hover", lambda view=view: find_hover(view, step))
        timed("completion", lambda view=view: list_completions(view, at))
    broken = whole.replace("Conv2D: {", "Conv2D: [{", 1)
    timed("no YAML", lambda: _say(workspace, path, broken))
    timed("mended", lambda: _say(workspace, path, whole))
    view = workspace.look(path)
    mark = next(each for each in view.index.names.ordered() if each.kind == "param")
    start = view.text.range(mark.span).start
    timed("renaming", lambda: rename(workspace, view, start, f"{mark.text}_"))
    return {name: statistics.median(values) for name, values in times.items()}


def _say(workspace: Workspace, path: Path, text: str) -> None:
    workspace.write(path, text)
    list(list_findings(workspace.look(path)))


def start_up() -> float:
    """Return the processor's milliseconds from the start of a server to its first answer."""
    params = {"processId": None, "rootUri": None, "capabilities": {}}
    messages = [
        {"id": 1, "method": "initialize", "params": params},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    bodies = [json.dumps({"jsonrpc": "2.0", **each}).encode() for each in messages]
    sent = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(each), each) for each in bodies)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "archspec", "lsp"]
    subprocess.run(command, input=sent, capture_output=True, check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    heading: list[str] = []
    for name in SPECS:
        found = measure(ROOT / f"{name}.yaml", changes)
        if not heading:
            heading = [*found]
            print("".join(f"{each:>12}" for each in ("", *heading)))
        row = "".join(f"{found[each]:12.1f}" for each in heading)
        print(f"{name.rpartition('/')[2]:>12}{row}")
    print(f"start: {start_up():.0f} ms")


if __name__ == "__main__":
    main()
