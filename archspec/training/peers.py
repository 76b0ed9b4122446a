"""Watch the processes of one training on several machines: each learns at once that another is
lost.

The others cannot continue without it. JAX finds out after 100 seconds that a peer is silent, and
aborts the process. Here every process sends a line each second: to the first one, which has a
connection to each, and the first one to all. A connection that ends, or is silent for `SILENCE`
seconds, is a peer that is lost; the first process tells the others which one it was.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

BEAT = 1.0  # seconds between two lines
SILENCE = 30.0  # seconds after which a peer that says nothing is lost
GRACE = 10.0  # seconds that others have to end by themselves after one has left with a reason
TOGETHER = 3.0  # seconds within which all end that end for the same reason

Lost = Callable[[str], None]


class Peers:
    """The connections of one process to the others.

    rank: the number of this process, from 0. count: how many there are.

        peers = Peers(0, 2)         # the first process
        where = peers.listen()
        peers = Peers(1, 2)         # another one
        peers.connect("host", *where)
        peers.watch(print)          # each of them
        peers.leave("")
    """

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count
        self.connections: dict[int, socket.socket] = {}
        self.left: dict[int, str] = {}  # who has said that it ends, and why
        self.leaving = False  # this process ends by itself: who else ends is of no interest
        self.sending = threading.Lock()

    def listen(self) -> tuple[int, int]:
        """Wait for the others, and return the port and the secret that they need."""
        self.server = socket.create_server(("", 0), backlog=self.count)
        self.secret = secrets.randbits(31)
        return self.server.getsockname()[1], self.secret

    def connect(self, host: str, port: int, secret: int) -> None:
        """Connect to the first process. Raises `OSError` where that is impossible."""
        connection = socket.create_connection((host, port), SILENCE)
        connection.sendall(_line({"secret": secret, "rank": self.rank, "host": _host()}))
        self.connections[0] = connection

    def accept(self) -> None:
        """Take the connections of all others. Raises `OSError` where one does not come."""
        self.server.settimeout(SILENCE)
        while len(self.connections) < self.count - 1:
            connection, _ = self.server.accept()
            connection.settimeout(SILENCE)
            with suppress(ValueError, KeyError, TypeError):  # of whoever else has found the port
                said = json.loads(connection.makefile("rb").readline(1000))
                if said["secret"] == self.secret and 0 < said["rank"] < self.count:
                    self.connections[said["rank"]] = connection
                    continue
            connection.close()
        self.server.close()

    def watch(self, lost: Lost) -> None:
        """Send and hear lines from now on. lost: is called, in a thread, when a peer is lost, with
        a sentence that says which one and how."""
        self.lost = lost
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        for rank, connection in self.connections.items():
            work = threading.Thread(
                target=self._hear, args=(rank, connection), name=f"peer {rank}", daemon=True
            )
            work.start()

    def leave(self, why: str) -> None:
        """Tell the others that this process ends by itself: why, or "" if all is done."""
        if not self.leaving:
            self.leaving = True
            self._send({"left": self.rank, "why": why})

    def have_left(self) -> bool:
        """Return whether all others end by themselves, too, now or within `TOGETHER` seconds."""
        end = time.monotonic() + TOGETHER
        while (missing := len({*self.left, self.rank}) < self.count) and time.monotonic() < end:
            time.sleep(0.05)
        return not missing

    def wait_for_loss(self) -> None:
        """Wait as long as it may take until a peer that is gone is known to be lost."""
        time.sleep(SILENCE + 2 * BEAT)

    def _beat(self) -> None:
        while True:
            self._send({})
            time.sleep(BEAT)

    def _send(self, said: dict[str, object]) -> None:
        with self.sending:
            for connection in self.connections.values():
                with suppress(OSError):  # whoever hears it finds out
                    connection.sendall(_line(said))

    def _hear(self, rank: int, connection: socket.socket) -> None:
        """Hear a peer until it leaves or is lost."""
        connection.settimeout(SILENCE)
        who = f"process {rank} of {self.count}"
        try:
            for line in connection.makefile("rb"):
                said = json.loads(line)
                if "lost" in said:
                    self._lose(said["lost"])
                    return
                if "left" in said:
                    self._take_leave(said["left"], said["why"])
            how = "has ended"
        except TimeoutError:
            how = f"has not answered for {SILENCE:.0f} s"
        except (OSError, ValueError):
            how = "has ended"
        if rank not in self.left:
            self._lose(f"{who} {how}")
        elif self.rank:  # at once: JAX aborts a process whose first one is gone
            self._follow(rank)

    def _take_leave(self, rank: int, why: str) -> None:
        """Take note that a peer leaves, and follow it where it leaves for a reason."""
        if self.rank == 0:
            self._send({"left": rank, "why": why})
        self.left[rank] = why
        if why:  # it may be one of this process, too, which then says it
            waiting = threading.Timer(GRACE, self._follow, [rank])
            waiting.daemon = True
            waiting.start()

    def _follow(self, rank: int) -> None:
        if why := self.left[rank]:
            self._lose(f"process {rank} of {self.count} has stopped: {why}")

    def _lose(self, how: str) -> None:
        if not self.leaving:
            if self.rank == 0:
                self._send({"lost": how})
            self.lost(how)


def _line(said: dict[str, object]) -> bytes:
    return json.dumps(said).encode() + b"\n"


def _host() -> str:
    return socket.gethostname()
