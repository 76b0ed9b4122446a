"""How a training ends that is told to end: by Ctrl-C, or in the same way by another signal."""

from __future__ import annotations

import signal


class Ending:
    """How a training ends that is told to: its state is kept, and the run's folder tells the truth.

    number: of the signal that told it.
    """

    number = signal.SIGINT.value

    def heard(self) -> None:
        """Take signals that would kill the process for a Ctrl-C, but for those that are ignored,
        as `nohup` has it."""
        for name in ("SIGTERM", "SIGHUP"):  # Windows lacks the second
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._end)

    def _end(self, number: int, frame: object) -> None:
        self.number = number
        raise KeyboardInterrupt

    @property
    def status(self) -> int:
        """The exit status, as a shell has it for a command that a signal ends."""
        return 128 + self.number


ENDING = Ending()
