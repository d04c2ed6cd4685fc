"""The end of a run: own orders off the book, confirmed by the venue; positions kept or closed.

Steps: cancel what is known to rest, read the account, cancel what the reading still shows, and so
on until nothing of ours rests; then, if asked, close positions at the market and read again; then
catch up with trades and funding so that the books are whole. Bounded by a deadline.
"""

from __future__ import annotations

from enum import StrEnum

from grinder.messages.risk import StopPosition, WindDownCompleted
from grinder.model.order import OpenOrder
from grinder.model.position import Position


class Step(StrEnum):
    """Where a wind-down stands."""

    IDLE = "idle"
    CLEARING = "clearing"
    FLATTENING = "flattening"
    CATCHING_UP = "catching_up"
    DONE = "done"


class WindDown:
    """One wind-down."""

    def __init__(self) -> None:
        self.step = Step.IDLE
        self.deadline_ns = 0
        self._position = StopPosition.KEEP
        self._owed: set[str] = set()
        self._open_orders = 0
        self._positions: tuple[Position, ...] = ()

    @property
    def is_running(self) -> bool:
        """True from the start to the end, the end included."""
        return self.step is not Step.IDLE

    @property
    def is_clear(self) -> bool:
        """True when nothing is left but to catch up with the books."""
        return self.step is Step.CATCHING_UP

    def start(self, position: StopPosition, deadline_ns: int) -> None:
        """Begin; a second start changes nothing."""
        if self.step is Step.IDLE:
            self.step = Step.CLEARING
            self._position = position
            self.deadline_ns = deadline_ns

    def account_read(
        self, own_orders: tuple[OpenOrder, ...], positions: tuple[Position, ...]
    ) -> tuple[Position, ...]:
        """Take a reading; return the positions to close at the market now, if any."""
        self._open_orders = len(own_orders)
        self._positions = tuple(one for one in positions if one.qty_lots)
        if self._open_orders:
            self.step = Step.CLEARING
            return ()
        if self._position is StopPosition.FLATTEN and self._positions:
            self.step = Step.FLATTENING
            return self._positions
        self.step = Step.CATCHING_UP
        return ()

    def owe(self, requests: frozenset[str]) -> None:
        """Name the readings that must be answered before the end."""
        self._owed = set(requests)

    def settle(self, request: str) -> bool:
        """Take the answer to one of them; return whether all are answered."""
        self._owed.discard(request)
        return self.step is Step.CATCHING_UP and not self._owed

    def complete(self, *, is_confirmed: bool, detail: str) -> WindDownCompleted:
        """End, and return what is left."""
        self.step = Step.DONE
        return WindDownCompleted(
            open_orders=self._open_orders,
            positions=tuple((one.symbol, str(one.qty_lots)) for one in self._positions),
            is_confirmed=is_confirmed,
            detail=detail,
        )
