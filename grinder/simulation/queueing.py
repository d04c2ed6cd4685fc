"""The fill model of one price level: who stands before whom.

A level holds participants' orders in order of arrival. Each order carries ``ahead``, the external
lots believed to stand before it. ``ahead`` never grows and never decreases from one order to the
next, so the level is one line in which external lots and participants' orders alternate.
"""

from __future__ import annotations

from enum import StrEnum

import attrs

from grinder.simulation.orders import LiveOrder


class CancelShare(StrEnum):
    """Where in the queue external cancellations are assumed to happen."""

    PROPORTIONAL = "PROPORTIONAL"
    """Anywhere with the same chance: the part ahead shrinks in proportion, rounded down."""
    BEHIND = "BEHIND"
    """Behind us as long as that is possible: the pessimistic bound."""


@attrs.frozen(kw_only=True)
class QueueRules:
    """The assumptions of the fill model that a user may change."""

    cancel_share: CancelShare = CancelShare.PROPORTIONAL
    unknown_ahead_lots: int = 0
    """Lots assumed ahead when nothing is known about a price; 0 is optimistic."""


class Level:
    """Participants' orders at one price and the external quantity displayed there."""

    __slots__ = ("_rules", "displayed", "orders", "traded")

    def __init__(self, rules: QueueRules, displayed: int) -> None:
        self._rules = rules
        self.displayed = displayed
        """External lots as last displayed."""
        self.traded = 0
        """Lots printed at this price since the displayed quantity last changed."""
        self.orders: dict[int, LiveOrder] = {}
        """By order id, in order of arrival."""

    def join(self, order: LiveOrder, ahead: int) -> None:
        """Put ``order`` at the end, behind ``ahead`` external lots and everyone in line."""
        last = next(reversed(self.orders.values()), None)
        order.ahead = max(0 if last is None else last.ahead, ahead - self.traded)
        order.is_resting = True
        self.orders[order.order_id] = order

    def head(self) -> LiveOrder:
        """Return the order that is first in line; the level must not be empty."""
        return next(iter(self.orders.values()))

    def shorten(self, lots: int) -> None:
        """Take ``lots`` external lots from the front of the line."""
        if lots:
            for order in self.orders.values():
                order.ahead = max(0, order.ahead - lots)

    def clear_ahead(self) -> None:
        """Forget the external lots: the market has gone through this price."""
        for order in self.orders.values():
            order.ahead = 0

    def restate(self, lots: int) -> None:
        """Hear that the feed now displays ``lots`` external lots here.

        What prints explain has already been taken from the front; the rest of a reduction was
        cancelled somewhere in the line. An unchanged quantity says nothing.
        """
        gone = self.displayed - lots
        if gone == 0:
            return
        if gone > 0:
            explained = min(self.traded, gone)
            self._cancel(gone - explained, self.displayed - explained)
            for order in self.orders.values():
                order.ahead = min(order.ahead, lots)
        self.displayed = lots
        self.traded = 0

    def _cancel(self, lots: int, of_lots: int) -> None:
        """Spread what was cancelled of ``of_lots`` over the line, by the rules of the queue."""
        if not lots or self._rules.cancel_share is CancelShare.BEHIND:
            return
        for order in self.orders.values():
            if order.ahead:
                order.ahead = max(0, order.ahead - lots * order.ahead // of_lots)
