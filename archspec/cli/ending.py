"""How a training ends when a signal stops it: Ctrl-C, or another that is handled like one."""

from __future__ import annotations

import signal
import sys


class Ending:
    """End a training in good order when a signal stops it: its state is kept, and the run's folder
    says how far it came.

    number: of the signal.
    """

    number = signal.SIGINT.value

    def install(self) -> None:
        """Handle SIGTERM and SIGHUP like Ctrl-C, unless they are ignored, as under `nohup`."""
        for name in ("SIGTERM", "SIGHUP"):  # Windows lacks the second
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._interrupt)
        if hasattr(signal, "setitimer") and sys.unraisablehook is sys.__unraisablehook__:
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            sys.unraisablehook = self._raise_again

    def _interrupt(self, number: int, frame: object) -> None:
        self.number = number
        raise KeyboardInterrupt

    def _raise_again(self, caught: sys.UnraisableHookArgs) -> None:
        """Raise a Ctrl-C again, a little later, if it came where Python drops all errors: in a
        destructor, or in the callback of a weak reference."""
        if issubclass(caught.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            sys.__unraisablehook__(caught)

    @property
    def status(self) -> int:
        """The exit status that a shell gives to a command that a signal ends."""
        return 128 + self.number


ENDING = Ending()
