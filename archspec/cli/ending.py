"""How a training ends that is told to end: by Ctrl-C, or in the same way by another signal."""

from __future__ import annotations

import signal
import sys


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
        if hasattr(signal, "setitimer") and sys.unraisablehook is sys.__unraisablehook__:
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            sys.unraisablehook = self._passed_over

    def _end(self, number: int, frame: object) -> None:
        self.number = number
        raise KeyboardInterrupt

    def _passed_over(self, said: sys.UnraisableHookArgs) -> None:
        """Raise a Ctrl-C again, a little later, that came where Python passes over all errors: in
        a destructor, or when an object that is referred to weakly goes."""
        if issubclass(said.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            sys.__unraisablehook__(said)

    @property
    def status(self) -> int:
        """The exit status, as a shell has it for a command that a signal ends."""
        return 128 + self.number


ENDING = Ending()
