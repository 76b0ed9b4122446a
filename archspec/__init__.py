"""archspec: networks as YAML layer graphs, checked, shown, drawn, built and trained.

    text --source--> Document --files--> Spec --expand--> Graph --> to_keras, to_dot, tables, ...
                    (the schema checks each file)

Every verb of the command line is a function here; docs/python.md lists both. What a function needs
is imported when it is called, so that `import archspec` stays quick and Keras is imported only by
what builds or trains a model.

    >>> import archspec
    >>> graph = archspec.load("lenet5", classes=7)
    >>> graph.total_params
    44171
    >>> model = archspec.to_keras(graph)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from archspec.display import register
from archspec.errors import ArchspecError, Diagnostic, SpecError, UserError
from archspec.pipeline import find, load, loads

if TYPE_CHECKING:
    from archspec.api.bench import bench
    from archspec.api.build import build, custom_objects, to_keras
    from archspec.api.check import advise, check
    from archspec.api.compare import RunList, compare, list_jobs, list_runs
    from archspec.api.diff import DifferenceReport, diff
    from archspec.api.draw import Drawing, draw
    from archspec.api.edit import edit
    from archspec.api.explain import explain
    from archspec.api.explain_layers import explain_layers
    from archspec.api.fix import Fixed, fix
    from archspec.api.fold import fold
    from archspec.api.from_keras import from_keras
    from archspec.api.layers import describe_layers
    from archspec.api.new import new
    from archspec.api.reports import Report
    from archspec.api.resolve import resolve
    from archspec.api.schema import json_schema
    from archspec.api.show import show
    from archspec.api.source import to_source
    from archspec.api.studio import studio
    from archspec.api.train import resume, train
    from archspec.api.use import evaluate, predict
    from archspec.comparing.table import Comparison
    from archspec.comparing.timings import Bench
    from archspec.folding import Folded
    from archspec.graph import Facts, Graph, Node
    from archspec.importing.specs import Imported
    from archspec.runs.outcome import Evaluation, Run

__all__ = [
    "ArchspecError",
    "Bench",
    "Comparison",
    "Diagnostic",
    "DifferenceReport",
    "Drawing",
    "Evaluation",
    "Facts",
    "Fixed",
    "Folded",
    "Graph",
    "Imported",
    "Node",
    "Report",
    "Run",
    "RunList",
    "SpecError",
    "UserError",
    "advise",
    "bench",
    "build",
    "check",
    "compare",
    "custom_objects",
    "describe_layers",
    "diff",
    "draw",
    "edit",
    "evaluate",
    "explain",
    "explain_layers",
    "find",
    "fix",
    "fold",
    "from_keras",
    "json_schema",
    "list_jobs",
    "list_runs",
    "load",
    "loads",
    "new",
    "predict",
    "resolve",
    "resume",
    "show",
    "studio",
    "to_keras",
    "to_source",
    "train",
]

# Where the names above are found that are in no file of api/ of their own name.
_ELSEWHERE = {
    **dict.fromkeys(("Facts", "Graph", "Node"), "graph"),
    **dict.fromkeys(("Evaluation", "Run"), "runs.outcome"),
    **dict.fromkeys(("custom_objects", "to_keras"), "api.build"),
    **dict.fromkeys(("evaluate", "predict"), "api.use"),
    **dict.fromkeys(("list_jobs", "list_runs", "RunList"), "api.compare"),
    "Bench": "comparing.timings",
    "Comparison": "comparing.table",
    "DifferenceReport": "api.diff",
    "Drawing": "api.draw",
    "Fixed": "api.fix",
    "Folded": "folding",
    "Imported": "importing.specs",
    "Report": "api.reports",
    "advise": "api.check",
    "describe_layers": "api.layers",
    "json_schema": "api.schema",
    "resume": "api.train",
    "to_source": "api.source",
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'archspec' has no attribute '{name}'")
    module = import_module(f"archspec.{_ELSEWHERE.get(name, f'api.{name}')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    """Return the names that completion offers: all of the public ones, imported or not."""
    return sorted({*globals(), *__all__})


@register("picture")
def _draw(graph: Graph) -> str:
    """Draw a graph as an SVG element, for a notebook."""
    from archspec.pictures.render import to_svg

    return to_svg(graph)


@register("table")
def _tabulate(graph: Graph, depth: int | None) -> str:
    """Return the table that `archspec show` prints."""
    from archspec.backends.tables import to_text

    return to_text([graph], depth)
