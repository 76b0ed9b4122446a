"""In which order the devices of JAX add up the parts of a sum: of one process, and of several.

    python benchmarks/sums.py [--count 4]

Four devices each have a row of known float32 numbers, and their sum is compared, bit for bit, with
every order in which four numbers can be added. The table says which orders give the numbers of
which places. Two devices have only one order, so that all of them agree.
"""

from __future__ import annotations

import argparse
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import numpy as np

SIZE = 1000  # numbers of a row


def list_orders(rows: tuple[int, ...]) -> Iterator[tuple[str, object]]:
    """Give each way to add up rows, as text, and as the rows or pairs that are added."""
    if len(rows) == 1:
        yield str(rows[0]), rows[0]
        return
    first, *others = rows
    for count in range(len(others)):
        for more in itertools.combinations(others, count):
            rest = tuple(each for each in others if each not in more)
            ways = itertools.product(list_orders((first, *more)), list_orders(rest))
            for (left, some), (right, other) in ways:
                yield f"({left} + {right})", (some, other)


def add(values: np.ndarray, order: object) -> np.ndarray:
    if isinstance(order, int):
        return np.asarray(values[order])
    left, right = order  # type: ignore[misc]
    return np.asarray(add(values, left) + add(values, right))


def work(rank: int, processes: int, count: int, port: int) -> None:
    """Sum as one of the processes; the first one prints the table."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count // processes}"
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    if processes > 1:
        jax.distributed.initialize(f"127.0.0.1:{port}", processes, rank)
    devices = sorted(jax.devices(), key=lambda each: (each.process_index, each.id))
    mesh = Mesh(np.array(devices), ("rows",))
    values = np.random.default_rng(0).normal(size=(count, SIZE)).astype(np.float32)
    here = len(jax.local_devices())
    parts = jax.make_array_from_process_local_data(
        NamedSharding(mesh, PartitionSpec("rows")), values[rank * here : (rank + 1) * here]
    )
    add_up = jax.jit(lambda each: each.sum(0), out_shardings=NamedSharding(mesh, PartitionSpec()))
    summed = np.asarray(add_up(parts).addressable_data(0))
    if rank == 0:
        print(f"processes: {processes}, devices of each: {here}")
        fits = {name: add(values, order) == summed for name, order in list_orders((*range(count),))}
        start = 0
        while start < SIZE:
            ends = {
                name: start + int(np.argmin([*same[start:], False])) for name, same in fits.items()
            }
            end = max(ends.values())
            names = [name for name, each in ends.items() if each == end]
            print(f"  {start:4} to {end - 1:4}: {', '.join(names) if end > start else 'none'}")
            start = max(end, start + 1)
    if processes > 1:
        jax.distributed.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4, help="devices")
    parser.add_argument("--work", type=int, nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    for processes in (1, 2, options.count):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        several = []
        for rank in range(processes):
            words = [str(each) for each in (rank, processes, options.count, port)]
            program = [sys.executable, __file__, "--work", *words]
            several.append(subprocess.Popen(program, env={**os.environ, "JAX_PLATFORMS": "cpu"}))
        for each in several:
            each.wait()


if __name__ == "__main__":
    main()
