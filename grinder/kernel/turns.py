"""Ports that work by turns: on a thread of their own, or in virtual time without one."""

from __future__ import annotations

import threading
from abc import abstractmethod

from grinder.kernel.port import Outlet, Port
from grinder.kernel.stepped import SteppedOutlet


class TurningPort(Port):
    """A port whose thread takes a turn every ``pause_ns``, sooner when woken, and one at the end.

    ``step_ns`` is the pause between two turns in virtual time, where nobody is woken.
    """

    def __init__(self, name: str, *, pause_ns: int, step_ns: int) -> None:
        self._pause_s = pause_ns / 1e9
        self._step_ns = step_ns
        self._wake = threading.Event()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def open(self, outlet: Outlet) -> None:
        """Begin to take turns."""
        self._outlet = outlet
        self._begin()

    def close(self, timeout_s: float) -> None:
        """Do what is left, and let go of everything."""
        self._is_closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @abstractmethod
    def _turn(self) -> None:
        """Do all that can be done now."""

    @abstractmethod
    def _finish(self) -> None:
        """Let go of everything, after the last turn."""

    def _has_more(self) -> bool:
        """Return whether another turn is wanted after what should have been the last."""
        return False

    def _begin(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while True:
            is_last = self._is_closed
            self._turn()
            if is_last and not self._has_more():
                break
            self._wake.wait(self._pause_s)
            self._wake.clear()
        self._finish()


class SteppedTurningPort(TurningPort):
    """The same in virtual time: the first turn is taken when the port is opened."""

    def close(self, timeout_s: float) -> None:
        """Do what is left, and let go of everything."""
        if not self._is_closed:
            self._is_closed = True
            self._turn()
            self._finish()

    def _begin(self) -> None:
        self._again()

    def _again(self) -> None:
        if self._is_closed:
            return
        self._turn()
        outlet = self._outlet
        assert isinstance(outlet, SteppedOutlet)
        outlet.call_at(outlet.now_ns() + self._step_ns, self._again)
