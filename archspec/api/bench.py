"""Time networks on this machine."""

from __future__ import annotations

from archspec.api.arguments import Spec, check_count, graphs_of, needs_run_extra
from archspec.backends import framework
from archspec.comparing.timings import Bench, Plan, prepare_network
from archspec.errors import UserError


@needs_run_extra
def bench(
    *specs: Spec,
    batch_size: int = 32,
    precision: str = "float32",
    burn_in: int = 10,
    runs: int = 100,
    seconds: float = 60.0,
    device: str | None = None,
) -> Bench:
    """Time networks, forward and in training, and the machine's matrix products beside them.

    specs: files, bare names of specs that come with archspec, or graphs.
    batch_size: samples in a batch. precision: "float32", "mixed_bfloat16", ...
    burn_in: batches that are run first, and not timed.
    runs: batches that are timed.
    seconds: the longest that forward, or training, of one network may take.
    device: "cpu", "gpu" or "gpu:1"; by default the first GPU, or the CPU where there is none.

    A network that fails is a row with its reason, and `Bench.failed` is true. After Ctrl-C
    `Bench.interrupted` is true. Progress is shown where standard error is a terminal.

    Raises `SpecError` for a broken spec, `UserError` for one whose input has no fixed size.

        >>> import archspec
        >>> print(archspec.bench("lenet5", "vgg11", batch_size=64))  # doctest: +SKIP
    """
    check_count("burn_in", burn_in, 0)
    check_count("runs", runs)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds >= 0:
        raise UserError(f"seconds must be a number of 0 or more, not {seconds!r}")
    plan = Plan(batch_size, precision, burn_in, runs, seconds)
    networks = [prepare_network(graph, plan) for graph in graphs_of(specs, "bench")]
    framework.start()
    from archspec.comparing.bench import measure_networks

    with framework.on(device) as name:
        return measure_networks(networks, plan, name)
