"""The end of a run: own orders off the book, confirmed by the venue; positions kept or closed.

Steps: cancel what is known to rest, read the account, cancel what the reading still shows, and so
on until nothing of ours rests; then, if asked, close positions at the market and read again; then
catch up with trades and funding so that the books are whole. Bounded by a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from grinder.execution.filters import PARTS_MAX, parts_of
from grinder.execution.identity import IdentityScheme
from grinder.messages.orders import Placement, PlaceOrders
from grinder.messages.risk import StopPosition, WindDownCompleted
from grinder.model.instrument import Instrument
from grinder.model.order import OpenOrder, OrderType, Side, TimeInForce
from grinder.model.position import Position

FLATTEN_LEVEL = "f"
"""First letter of the level of an order that closes a position."""


class Step(StrEnum):
    """Where a wind-down stands."""

    IDLE = "idle"
    CLEARING = "clearing"
    FLATTENING = "flattening"
    CATCHING_UP = "catching_up"
    DONE = "done"


class WindDown:
    """One wind-down. ``sequence`` is where the names of its closing orders begin."""

    def __init__(self, identity: IdentityScheme, instruments: Mapping[str, Instrument]) -> None:
        self.step = Step.IDLE
        self.deadline_ns = 0
        self.sequence = 0
        self._identity = identity
        self._instruments = instruments
        self._position = StopPosition.KEEP
        self._owed: set[str] = set()
        self._open_orders = 0
        self._positions: tuple[Position, ...] = ()

    @property
    def is_reading(self) -> bool:
        """True while the next reading of the account decides how to go on."""
        return self.step in (Step.CLEARING, Step.FLATTENING)

    def start(self, position: StopPosition, deadline_ns: int) -> None:
        """Begin; a second start changes nothing."""
        if self.step is Step.IDLE:
            self.step = Step.CLEARING
            self._position = position
            self.deadline_ns = deadline_ns

    def account_read(
        self, open_orders: tuple[OpenOrder, ...], positions: tuple[Position, ...]
    ) -> tuple[PlaceOrders, ...]:
        """Take a reading; return the market orders that close what is to be closed."""
        own = [one for one in open_orders if self._identity.is_own(one.client_order_id)]
        self._open_orders = len(own)
        self._positions = tuple(
            one for one in positions if one.qty_lots and one.symbol in self._instruments
        )
        if own:
            self.step = Step.CLEARING
            return ()
        if self._position is StopPosition.FLATTEN and self._positions:
            self.step = Step.FLATTENING
            return tuple(map(self._closing, self._positions))
        self.step = Step.CATCHING_UP
        self._owed = {"funding", *self._instruments}
        return ()

    def _closing(self, position: Position) -> PlaceOrders:
        """Return market orders for all of it, none larger than the venue takes."""
        instrument = self._instruments[position.symbol]
        most = min(instrument.qty_lots_max, instrument.market_qty_lots_max)
        parts = parts_of(abs(position.qty_lots), most, instrument.qty_lots_min)[:PARTS_MAX]
        orders = tuple(self._closing_part(position, lots) for lots in parts)
        return PlaceOrders(symbol=position.symbol, orders=orders, permit=None)

    def _closing_part(self, position: Position, lots: int) -> Placement:
        self.sequence += 1
        level = f"{FLATTEN_LEVEL}{self.sequence % 100}"
        return Placement(
            symbol=position.symbol,
            client_order_id=self._identity.name(position.symbol, level, 0, self.sequence),
            side=Side.SELL if position.qty_lots > 0 else Side.BUY,
            order_type=OrderType.MARKET,
            price_ticks=0,
            qty_lots=lots,
            time_in_force=TimeInForce.GTC,
            reduce_only=True,
            level=level,
            reason="STOP_FLATTEN",
        )

    def settle(self, request: str) -> bool:
        """Take the answer to one catching-up request; return whether all are answered now."""
        if self.step is not Step.CATCHING_UP:
            return False
        self._owed.discard(request)
        return not self._owed

    def complete(self, *, is_confirmed: bool, detail: str) -> WindDownCompleted:
        """End, and return what is left."""
        self.step = Step.DONE
        return WindDownCompleted(
            open_orders=self._open_orders,
            positions=tuple(
                (one.symbol, f"{self._instruments[one.symbol].qty(one.qty_lots):f}")
                for one in self._positions
            ),
            is_confirmed=is_confirmed,
            detail=detail,
        )
