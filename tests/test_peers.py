"""The connections between the processes of a training, here all in one process."""

from __future__ import annotations

import threading
import time

import pytest

from archspec.training import peers
from archspec.training.peers import Peers


@pytest.fixture
def connected(monkeypatch):
    """Connect so many peers; return them and what each is told of a loss."""
    monkeypatch.setattr(peers, "BEAT", 0.05)
    monkeypatch.setattr(peers, "TOGETHER", 0.3)

    def connect(count: int) -> tuple[list[Peers], list[list[str]]]:
        all_of_them = [Peers(rank, count) for rank in range(count)]
        port, secret = all_of_them[0].listen()
        accepting = threading.Thread(target=all_of_them[0].accept)
        accepting.start()
        for each in all_of_them[1:]:
            each.connect("127.0.0.1", port, secret)
        accepting.join()
        told: list[list[str]] = [[] for _ in range(count)]
        for each, sentences in zip(all_of_them, told, strict=True):
            each.watch(sentences.append)
        return all_of_them, told

    return connect


def close(peer: Peers) -> None:
    """Have the connections of a peer end, as when its process does."""
    for connection in peer.connections.values():
        connection.shutdown(2)


def wait_for(condition) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_knows_when_all_have_left(connected):
    several, told = connected(3)
    several[0].leave("the loss became nan")
    assert not several[0].have_left()
    several[1].leave("the loss became nan")
    several[2].leave("")
    assert all(each.have_left() for each in several)
    close(several[0])
    time.sleep(0.1)
    assert told == [[], [], []]


def test_one_that_leaves_for_a_reason_is_followed(connected, monkeypatch):
    monkeypatch.setattr(peers, "GRACE", 0.1)
    several, told = connected(3)
    several[1].leave("its disk is full")
    wait_for(lambda: told[0] and told[2])
    for rank in (0, 2):
        assert set(told[rank]) == {"process 1 of 3 has stopped: its disk is full"}


def test_the_first_one_is_followed_as_soon_as_it_is_gone(connected):
    """JAX aborts the others then."""
    several, told = connected(2)
    several[0].leave("it was interrupted")
    time.sleep(0.1)
    assert told[1] == []
    close(several[0])
    wait_for(lambda: told[1])
    assert told[1] == ["process 0 of 2 has stopped: it was interrupted"]


def test_one_that_is_gone_without_a_word_is_lost(connected):
    several, told = connected(2)
    close(several[1])
    wait_for(lambda: told[0])
    assert told[0][0] == "process 1 of 2 has ended"
