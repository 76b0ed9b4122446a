"""Train in several processes together, mostly on several machines, on JAX.

Every process reads the same spec and data, and takes its part of each batch. The first process
alone writes. Where one is lost, all others end, and the run is resumed from its state.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from msgspec.structs import replace

from archspec.errors import UserError
from archspec.runs.folder import Nowhere, RunFolder
from archspec.runs.job import Cluster, Job, RunOptions, format_resolved
from archspec.runs.machine import list_versions
from archspec.training.jax_sharing import Sharded
from archspec.training.peers import Peers
from archspec.training.sharing import ALL
from archspec.training.state import State

JOIN = 300.0  # seconds that a process waits for the others to come
LATE = "did all start, with the same --coordinator and --processes? does a firewall part them?"

PROCESSES_ON_MACHINE = ("SLURM_STEP_TASKS_PER_NODE", "OMPI_COMM_WORLD_LOCAL_SIZE")


class Team:
    """The processes of a training, seen from one of them.

    rank: the number of this one. count: how many there are.
    """

    folder: RunFolder | None = None  # of the run, which the first process marks
    looked = False  # for a loss: once is enough

    def __init__(self) -> None:
        """Connect to the others, who have joined."""
        self.rank, self.count = jax.process_index(), jax.process_count()
        self.peers = Peers(self.rank, self.count)
        where = self.peers.listen() if self.rank == 0 else (0, 0)
        port, secret = (int(each) for each in multihost_utils.broadcast_one_to_all(np.array(where)))
        if self.rank == 0:
            self.peers.accept()
        else:
            self.peers.connect(_find_coordinator(), port, secret)
        self.peers.watch(self.give_up)

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.rank == 0)

    @contextmanager
    def on(self, device: str | None) -> Iterator[Sharded]:
        """Work on the devices of all processes: those of `--device`, by default GPUs if there are
        any. Raises `UserError` where the processes have different numbers of them."""
        named = device.lower() if device else None
        kind = "gpu" if named == ALL else named
        try:
            devices, local = jax.devices(kind), jax.local_devices(backend=kind)
        except RuntimeError:
            raise UserError(f"there is no device '{device}'", "JAX sees no GPU here") from None
        kind = local[0].platform
        if len(local) * self.count != len(devices):
            raise UserError(
                f"process {self.rank} has {len(local)} of {len(devices)} devices, and a batch is "
                f"shared evenly among {self.count} processes",
                "give each process as many; CUDA_VISIBLE_DEVICES says which it sees",
            )
        devices = sorted(devices, key=lambda each: (each.process_index, each.id))
        with keras.device(local[0]):
            yield Sharded(f"{kind}s:{len(devices)}", devices)

    def begin(self, job: Job, state: State | None) -> None:
        """See that all processes begin with the same, before anything of it is changed."""
        if self.leads:
            self.folder = job.folder
        arrays = state.arrays if state else {}
        sums = {name: zlib.crc32(each.tobytes()) for name, each in arrays.items()}
        self.agree(
            {
                "the network or its recipe": format_resolved(job.graph, job.recipe),
                "the data": str(job.facts["data"]["fingerprint"]),
                "a layer of your own": str(job.facts.get("own_layers")),
                "the weights to begin with": str(job.facts.get("init")),
                "the state to resume from": f"{state and (state.epochs, state.step)} {sums}",
                "the software": str(list_versions()),
            }
        )

    def agree(self, facts: Mapping[str, str]) -> None:
        """Raise `UserError`, in each process, where one has other facts than the first."""
        digests = [sha256(each.encode()).digest()[:8] for each in facts.values()]
        mine = np.frombuffer(b"".join(digests), np.uint32)
        all_of_them = multihost_utils.process_allgather(mine).reshape(self.count, len(facts), 2)
        for at, name in enumerate(facts):
            for rank in range(1, self.count):
                if (all_of_them[rank, at] != all_of_them[0, at]).any():
                    raise UserError(
                        f"{name} of process {rank} differs from that of process 0",
                        "start all processes with the same command, files and versions",
                    )

    def give_up(self, how: str) -> None:
        """End this process, since another is lost: mark the run, say so, and do no more."""
        hint = "start all processes again"
        if self.folder is not None:
            with suppress(Exception):
                facts = self.folder.read_facts()
                if facts["status"] != "finished":
                    self.folder.write_json("run.json", {**facts, "status": "interrupted"})
            hint = f"start all processes again, with --resume {self.folder.path}"
        _end(f"error: {how}, and no other can continue without it\nhint: {hint}")

    def look_for_loss(self, error: BaseException) -> None:
        """End this process if an error of the engine came of a peer that is lost."""
        cause = error.__cause__ or error  # which `record_failure` has made a message of
        if isinstance(cause, Exception) and not isinstance(cause, UserError) and not self.looked:
            self.looked = True
            self.peers.wait_for_loss()


TEAM: list[Team] = []  # of this process, which can be of one only


def end(status: int) -> None:
    """End this process at once if it belongs to a team that has not finished together: JAX would
    wait for the others, and abort."""
    if TEAM:
        sys.stdout.flush()
        sys.stderr.flush()
        _leave(status)


def _end(message: str) -> None:
    with suppress(Exception):
        print(message, file=sys.stderr, flush=True)
    _leave(1)


def _leave(status: int) -> None:
    for folder in Nowhere.all:
        with suppress(OSError):
            folder.temporary.cleanup()
    os._exit(status)


@contextmanager
def join(options: RunOptions) -> Iterator[tuple[Team, RunOptions]]:
    """Join the other processes of a training.

    Gives the team, and the options as this process takes them: the first alone says something.

    Raises `UserError` where nobody says who the others are. Where they do not come in `JOIN`
    seconds, the process ends; so it does where one of them is lost.
    """
    assert options.cluster is not None
    if (options.device or ALL).lower() not in (ALL, "cpu"):
        raise UserError(
            f"--distribute takes all GPUs that a process sees, and not --device {options.device}",
            f"give --device {ALL}, cpu or none; CUDA_VISIBLE_DEVICES says which a process sees",
        )
    team = _join(options.cluster)
    TEAM.append(team)
    if team.leads:
        options.echo(f"{team.count} processes train together")
    else:
        options = replace(options, quiet=True, weights=False, echo=lambda said: None)
    try:
        yield team, options
    except BaseException as error:
        team.look_for_loss(error)
        team.peers.leave("its own output says why")
        raise
    finally:
        was_stopped = team.peers.leaving  # by an error, or by a signal
        team.peers.leave("")
        # It waits for the others, and aborts the process where one does not come.
        if not was_stopped or team.peers.have_left():
            jax.distributed.shutdown()
            TEAM.clear()


def _join(cluster: Cluster) -> Team:
    """Connect this process to the others. Raises `UserError` as `join` does."""
    waiting = threading.Timer(
        JOIN, _end, [f"error: not all processes have come within {JOIN:.0f} s\nhint: {LATE}"]
    )
    waiting.daemon = True
    waiting.start()
    # It would take SIGTERM, and do nothing at it that is of use here.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(
            cluster.coordinator,
            cluster.processes,
            cluster.process,
            local_device_ids=_choose_gpus(os.environ),
            initialization_timeout=int(JOIN) + 60,  # the timer above says it better, and before
            shutdown_timeout_seconds=600,  # the first process may have large files to write
        )
    except ValueError as error:
        raise UserError(
            f"--distribute: no launcher says which processes there are ({error})",
            "start it by SLURM, Open MPI or Kubernetes, or give --coordinator HOST:PORT, "
            "--processes N and --process I",
        ) from None
    except RuntimeError as error:
        if "must be called before" in str(error):
            raise UserError(
                "--distribute: JAX has worked in this process already, and joins no others then",
                "let this training be the first thing that a program does with JAX or Keras",
            ) from None
        raise UserError(f"--distribute: JAX cannot begin: {error}", LATE) from None
    try:
        return Team()
    finally:
        waiting.cancel()


def _choose_gpus(environment: Mapping[str, str]) -> Sequence[int] | None:
    """Return [] for all GPUs that this process sees, and None for what JAX chooses.

    Under a launcher JAX gives the GPU of number I to the process of number I on its machine. That
    is right where several of them see the same GPUs; else it would be one of all, or one that is
    not there.
    """
    on_machine = next(filter(None, map(environment.get, PROCESSES_ON_MACHINE)), "1")
    alone = re.fullmatch(r"1(\(x\d+\))?", on_machine)
    bound = "SLURM_GPUS_PER_TASK" in environment
    single = re.fullmatch("[^,]+", environment.get("CUDA_VISIBLE_DEVICES", ""))
    return [] if (alone or bound or single) and "JAX_LOCAL_DEVICE_IDS" not in environment else None


def _find_coordinator() -> str:
    """Return the host of the first process, as JAX has found it."""
    from jax._src.distributed import global_state  # it is told nowhere else

    return str(global_state.coordinator_address).rpartition(":")[0].strip("[]")
