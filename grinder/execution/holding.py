"""What is held of one symbol, from positions stated by the venue and from fills since."""

from __future__ import annotations

from grinder.messages.account import PositionChanged
from grinder.messages.orders import OrderFilled
from grinder.model.trades import TradeLog


class Holding:
    """A position in lots, signed.

    A position stated by the venue is absolute and already holds every fill of its time or before;
    a later fill moves it until the next statement. A fill heard twice moves it once.
    """

    __slots__ = ("lots", "stated_ns", "trades")

    def __init__(self) -> None:
        self.lots = 0
        self.stated_ns = 0
        """Venue time of the last statement."""
        self.trades = TradeLog()

    def state(self, lots: int) -> None:
        """Take a position read from the venue, whose time is not known."""
        self.lots = lots

    def hear(self, message: PositionChanged) -> bool:
        """Take a statement; False when an older one comes late."""
        if message.event_ns < self.stated_ns:
            return False
        self.lots = message.qty_lots
        self.stated_ns = message.event_ns
        return True

    def fill(self, fill: OrderFilled) -> bool:
        """Take a fill; False when it is counted already."""
        if not self.trades.add(fill.trade_id) or fill.event_ns <= self.stated_ns:
            return False
        self.lots += fill.side.sign * fill.qty_lots
        return True
