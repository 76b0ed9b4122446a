"""`archspec` with several devices of the CPU in the place of GPUs: `python devices.py N train ...`.

In the environment, KILLED_AT, such as `1 8`, is the epoch and the step at which the process gets
the signal KILLED_BY, by default SIGKILL; SILENCE, JOIN, GRACE and TOGETHER are seconds that it
waits for others. WORDS are more words of the command; BUDGET is that of `feed.py`.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    count = int(sys.argv[1])
    sys.argv = ["archspec", *sys.argv[2:], *os.environ.get("WORDS", "").split()]
    if os.environ["KERAS_BACKEND"] == "jax":
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
        # XLA has a thread for each core or device of a process. With several devices, programs that
        # wait for the one before could hold all of them, and a sum over the devices never end.
        os.environ["PJRT_NPROC"] = "16"
    else:
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        devices = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, devices)

    from archspec.backends import framework
    from archspec.cli import run
    from archspec.runs import machine
    from archspec.training import peers

    framework.list_gpus = lambda: [f"cpu:{number}" for number in range(count)]
    if "BUDGET" in os.environ:
        framework.start()
        from archspec.training import feed

        feed.BUDGET = int(os.environ["BUDGET"])
    machine._measure_peak_of_gpu = lambda gpu: None
    for name in ("SILENCE", "GRACE", "TOGETHER"):
        setattr(peers, name, float(os.environ.get(name, getattr(peers, name))))
    if "JOIN" in os.environ:
        framework.start()
        from archspec.training import cluster

        cluster.JOIN = float(os.environ["JOIN"])
    if at := os.environ.get("KILLED_AT"):
        kill(*map(int, at.split()))
    return run()


def kill(epoch: int, step: int) -> None:
    """Have this process get its signal at a step."""
    from archspec.backends import framework

    framework.start()
    from archspec.training.recorder import Keeper

    number = getattr(signal, os.environ.get("KILLED_BY", "SIGKILL"))
    seen = Keeper.on_train_batch_end

    def on_train_batch_end(keeper: Keeper, batch: int, logs: object = None) -> None:
        seen(keeper, batch, logs)
        if (keeper.feed.epoch, batch + 1) == (epoch, step):
            keeper.writer.wait()
            os.kill(os.getpid(), number)

    Keeper.on_train_batch_end = on_train_batch_end  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
