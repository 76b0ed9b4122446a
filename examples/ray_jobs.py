"""Run commands as tasks of a Ray cluster: compare ... --jobs | python examples/ray_jobs.py"""

import subprocess
import sys

import ray

GPUS = 0  # of each training; 1 on a cluster of machines with GPUs

ray.init()  # the cluster that RAY_ADDRESS names, or one of this machine


@ray.remote(num_cpus=1, num_gpus=GPUS)
def run(line: str) -> int:
    return subprocess.run(line, shell=True, check=False).returncode


sys.exit(max(ray.get([run.remote(line) for line in sys.stdin]), default=0))
