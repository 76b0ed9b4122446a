"""Handle the signal that stops a training, a comparison or a measurement: Ctrl-C, or a similar one.

Python raises `KeyboardInterrupt` for it, but drops that in a destructor or in the callback of a
weak reference; frameworks drop it in places of their own. So what takes long asks now and then
whether one was lost:

    INTERRUPT.install()
    try:
        for step in steps:
            INTERRUPT.raise_if_lost()
            step()
    except KeyboardInterrupt:
        INTERRUPT.confirm()
"""

from __future__ import annotations

import signal


class Interrupt:
    """Remember the signal that asked this process to stop.

    number: of the signal. pending: whether nobody has confirmed yet that it has come.
    """

    number: int = signal.SIGINT
    pending = False

    def install(self) -> None:
        """Handle SIGTERM and SIGHUP like Ctrl-C, and remember each of them; not what is ignored,
        as under `nohup`."""
        self.pending = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows lacks the last
            number = getattr(signal, name, None)
            usual = (signal.SIG_DFL, signal.default_int_handler)
            if number is not None and signal.getsignal(number) in usual:
                signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, frame: object) -> None:
        self.number, self.pending = number, True
        raise KeyboardInterrupt

    def raise_if_lost(self) -> None:
        """Raise `KeyboardInterrupt` if a signal has come and nobody has confirmed it."""
        if self.pending:
            raise KeyboardInterrupt

    def confirm(self) -> None:
        """Say that the signal has come: what it was for has stopped."""
        self.pending = False

    @property
    def status(self) -> int:
        """The exit status that a shell gives to a command that a signal ends."""
        return 128 + self.number


INTERRUPT = Interrupt()
