"""Show specs: a table of the layers of one, or of several side by side."""

from __future__ import annotations

from archspec.api.arguments import Spec, check_count, check_recipe, graphs_of
from archspec.api.reports import Report


def show(
    *specs: Spec,
    depth: int | None = None,
    inputs: bool = False,
    batch_size: int | None = None,
    precision: str | None = None,
    memory: str | int | None = None,
) -> Report:
    """Return the table of a spec, layer by layer, or of several specs side by side.

    specs: files, bare names of specs that come with archspec, or graphs.
    depth: blocks that are nested deeper than this are folded into a row each; by default those that
        do not fit a page.
    inputs: whether the table of one spec shows the inputs of each row that does not take the row
        above it.
    batch_size, precision: for the memory that training needs; by default those of the recipe, or
        32 and float32 where several specs are compared.
    memory: a size such as "24GiB" or "16GB", or a number of bytes; the report then has the
        largest batch whose training fits in it.

    `print` shows the report as text, a notebook as a table, and `report.data` holds its numbers:
    sizes in bytes, MACs for one sample.

    Raises `SpecError` for a broken spec, `UserError` for a file that is not there and for a value
    that an argument cannot have.

        >>> import archspec
        >>> report = archspec.show("lenet5", "vgg16")
        >>> [network["totals"]["params"] for network in report.data]
        [44426, 15260874]
    """
    from archspec.analysis.batches import parse_size
    from archspec.backends.tables import to_text

    check_count("depth", depth)
    check_recipe(batch_size=batch_size, precision=precision)
    if not isinstance(memory, str):
        check_count("memory", memory)
    limit = parse_size(memory) if isinstance(memory, str) else memory
    graphs = graphs_of(specs, "show")
    return Report(lambda form: to_text(graphs, depth, form, batch_size, precision, inputs, limit))
