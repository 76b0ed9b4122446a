"""A signal that asks to stop is remembered until it is confirmed, also where Python drops it."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from archspec.runs.interrupt import Interrupt

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Interrupt]:
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    before = {each: signal.getsignal(each) for each in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    interrupt = Interrupt()
    interrupt.install()
    yield interrupt
    for each, handler in before.items():
        signal.signal(each, handler)


class Destroyed:
    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_a_destructor_is_raised_until_it_is_confirmed(
    interrupt: Interrupt, number: int
) -> None:
    interrupt.raise_if_lost()
    Destroyed(number)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            interrupt.raise_if_lost()
    interrupt.confirm()
    interrupt.raise_if_lost()
    assert interrupt.status == 128 + number


def test_what_is_ignored_stays_ignored(interrupt: Interrupt) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    interrupt.install()
    os.kill(os.getpid(), signal.SIGTERM)
    interrupt.raise_if_lost()
