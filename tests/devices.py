"""`archspec` with several devices of the CPU in the place of GPUs: `python devices.py N train ...`.

KILLED_AT in the environment, such as `1 8`, is the epoch and the step that it is killed at.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    count = int(sys.argv[1])
    sys.argv = ["archspec", *sys.argv[2:]]
    if os.environ["KERAS_BACKEND"] == "jax":
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    else:
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        devices = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, devices)

    from archspec.backends import framework
    from archspec.cli import run
    from archspec.runs import machine

    framework.list_gpus = lambda: [f"cpu:{number}" for number in range(count)]
    machine._measure_peak_of_gpu = lambda gpu: None
    if at := os.environ.get("KILLED_AT"):
        from archspec.backends.framework import start

        start()
        from archspec.training.recorder import Keeper

        seen = Keeper.on_train_batch_end

        def on_train_batch_end(keeper: Keeper, batch: int, logs: object = None) -> None:
            seen(keeper, batch, logs)
            if [keeper.feed.epoch, batch + 1] == [*map(int, at.split())]:
                keeper.writer.wait()
                os.kill(os.getpid(), signal.SIGKILL)

        Keeper.on_train_batch_end = on_train_batch_end
    return run()


if __name__ == "__main__":
    sys.exit(main())
