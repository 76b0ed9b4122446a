"""Processes that train together, without any training: who is lost, and who learns of it how."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from archspec.training import peers
from archspec.training.peers import Peers


class Team:
    """Three processes, as threads. lost: what each was told, by its rank."""

    def __init__(self) -> None:
        self.all = [Peers(rank, 3) for rank in range(3)]
        self.lost: dict[int, str] = {}
        port, secret = self.all[0].listen()
        stranger = socket.create_connection(("127.0.0.1", port))
        stranger.sendall(b'{"secret": 1, "rank": 1}\n')
        for each in self.all[1:]:
            each.connect("127.0.0.1", port, secret)
        self.all[0].accept()
        for each in self.all:
            each.watch(lambda how, rank=each.rank: self.told(rank, how))

    def told(self, rank: int, how: str) -> None:
        self.lost.setdefault(rank, how)
        self.all[rank].leaving = True

    def wait(self, count: int) -> dict[int, str]:
        end = time.monotonic() + 5
        while len(self.lost) < count and time.monotonic() < end:
            time.sleep(0.005)
        return self.lost


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    monkeypatch.setattr(peers, "BEAT", 0.02)
    monkeypatch.setattr(peers, "SILENCE", 0.3)
    monkeypatch.setattr(peers, "GRACE", 0.05)
    threads = threading.active_count()
    made = Team()
    yield made
    for each in made.all:
        each.leaving = True
        for connection in each.connections.values():
            connection.close()
    assert threading.active_count() < threads + 20


def end(team: Team, rank: int) -> None:
    """Close the connections of a process, as the system does when it is killed."""
    team.all[rank].leaving = True
    for connection in team.all[rank].connections.values():
        connection.shutdown(socket.SHUT_RDWR)


def test_peers_that_live_are_left_alone(team):
    time.sleep(0.5)
    assert team.lost == {}


def test_a_peer_that_ends_is_lost_to_all(team):
    end(team, 2)
    assert team.wait(2) == dict.fromkeys((0, 1), "process 2 of 3 has ended")


def test_the_first_one_is_lost_to_all(team):
    end(team, 0)
    assert team.wait(2) == dict.fromkeys((1, 2), "process 0 of 3 has ended")


def test_a_peer_that_is_silent_is_lost_to_all(team, monkeypatch):
    monkeypatch.setattr(team.all[1], "_send", lambda said: None)  # as if it were stopped
    told = team.wait(3)
    assert told[0] == told[2] == "process 1 of 3 has not answered for 0 s"


def test_all_leave_together(team):
    for each in reversed(team.all):
        each.leave("")
    time.sleep(0.4)
    assert team.lost == {}


def test_one_that_leaves_with_a_reason_is_followed(team):
    team.all[1].leave("its own output says why")
    assert team.wait(2) == dict.fromkeys(
        (0, 2), "process 1 of 3 has stopped: its own output says why"
    )


def test_one_that_has_done_may_end_before_the_others(team):
    team.all[2].leave("")
    end(team, 2)
    time.sleep(0.4)
    assert team.lost == {}


def test_each_knows_when_all_leave_for_the_same_reason(team, monkeypatch):
    monkeypatch.setattr(peers, "TOGETHER", 0.2)
    monkeypatch.setattr(peers, "GRACE", 5)
    team.all[0].leave("the loss became nan")
    assert not team.all[0].have_left()
    for each in team.all[1:]:
        each.leave("the loss became nan")
    assert all(each.have_left() for each in team.all)
    end(team, 0)
    time.sleep(0.1)
    assert team.lost == {}


def test_the_first_one_is_followed_as_soon_as_it_is_gone(team, monkeypatch):
    """JAX aborts the others then."""
    monkeypatch.setattr(peers, "GRACE", 5)
    team.all[0].leave("it was interrupted")
    time.sleep(0.1)
    assert team.lost == {}
    end(team, 0)
    assert team.wait(2) == dict.fromkeys((1, 2), "process 0 of 3 has stopped: it was interrupted")
