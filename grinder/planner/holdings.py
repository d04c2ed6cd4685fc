"""What a policy knows to be resting at the venue: its orders, level by level.

Filled only by news of orders and by snapshots of the venue. One level carries one order; a level
also counts as taken from the moment a placement is proposed until its fate is known.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from grinder.messages.grid import Intent, IntentAction
from grinder.messages.orders import (
    OrderAccepted,
    OrderFilled,
    Placement,
)
from grinder.model.order import OpenOrder, Side, TimeInForce
from grinder.model.units import NS_PER_S

PROPOSAL_PATIENCE_NS = 5 * NS_PER_S
"""A proposal not heard of for so long is looked into: somebody died with it."""

REFUSALS_MAX = 3
"""The pause after a refused cancel doubles this many times."""


@attrs.define(kw_only=True)
class Holding:
    """One order of ours, resting or on its way."""

    client_order_id: str
    level: str
    side: Side
    price_ticks: int
    qty_lots: int
    """As it was placed."""
    remaining_lots: int
    reduce_only: bool
    is_taking: bool = False
    """True when it was sent to take what there is: it never rests, so it needs no cancel."""
    accepted_ns: int = 0
    """Since when it is known to rest; 0 while the venue has not said so."""
    is_condemned: bool = False
    """True when it has to go wherever it stands: the ladder is built anew."""
    cancelling_ns: int = 0
    """When a cancel was proposed whose answer has not been heard; 0 when none was."""
    refusals: int = 0
    """Cancels of it that were refused."""

    def is_cancelling(self, now_ns: int) -> bool:
        """Return whether a cancel is under way; one unheard of for too long died with somebody."""
        return self.cancelling_ns > 0 and now_ns - self.cancelling_ns <= PROPOSAL_PATIENCE_NS

    def cancelled(self, reason: str) -> Intent:
        """Return the intent to have it cancelled."""
        return Intent(
            action=IntentAction.CANCEL,
            level=self.level,
            side=self.side,
            client_order_id=self.client_order_id,
            reason=reason,
        )


class Holdings:
    """The orders of one symbol, by client order id and by level."""

    __slots__ = ("by_id", "by_level", "has_grown", "proposed")

    def __init__(self) -> None:
        self.by_id: dict[str, Holding] = {}
        self.by_level: dict[str, str] = {}
        self.proposed: dict[str, tuple[int, int]] = {}
        """Level to (time in ns, lots) of a placement proposed and not yet heard of."""
        self.has_grown = True
        """Set with every order that is taken in; for whoever looks through them to take back."""

    def is_taken(self, level: str) -> bool:
        """Return whether a level has an order, or is about to."""
        return level in self.by_level or level in self.proposed

    def propose(self, level: str, now_ns: int, lots: int) -> None:
        """Note that a placement has been asked for."""
        self.proposed[level] = (now_ns, lots)

    def withdraw(self, level: str) -> None:
        """Note that a placement will not happen."""
        self.proposed.pop(level, None)

    def add(self, order: Placement | OrderAccepted, accepted_ns: int = 0) -> None:
        """Take an order that has been sent or, at ``accepted_ns``, accepted."""
        self.proposed.pop(order.level, None)
        known = self.by_id.get(order.client_order_id)
        if known is not None:
            known.accepted_ns = known.accepted_ns or accepted_ns
            return
        self._put(
            Holding(
                client_order_id=order.client_order_id,
                level=order.level,
                side=order.side,
                price_ticks=order.price_ticks,
                qty_lots=order.qty_lots,
                remaining_lots=order.qty_lots,
                reduce_only=order.reduce_only,
                is_taking=isinstance(order, Placement)
                and order.time_in_force is not TimeInForce.GTX,
                accepted_ns=accepted_ns,
            )
        )

    def _put(self, holding: Holding) -> None:
        self.has_grown = True
        self.by_id[holding.client_order_id] = holding
        self.by_level.setdefault(holding.level, holding.client_order_id)

    def fill(self, fill: OrderFilled) -> None:
        """Take off what has been filled; an order filled whole is gone."""
        holding = self.by_id.get(fill.client_order_id)
        if holding is None:
            return
        holding.remaining_lots = fill.remaining_lots
        if fill.remaining_lots == 0:
            self.remove(fill.client_order_id)

    def remove(self, client_order_id: str) -> bool:
        """Forget an order that no longer rests; return whether it was known."""
        holding = self.by_id.pop(client_order_id, None)
        if holding is None:
            return False
        if self.by_level.get(holding.level) == client_order_id:
            del self.by_level[holding.level]
        return True

    def replace(self, orders: tuple[tuple[OpenOrder, str], ...], now_ns: int = 0) -> None:
        """Believe exactly ``orders``, each with its level, and nothing else."""
        before = dict(self.by_id)
        self.by_id.clear()
        self.by_level.clear()
        self.proposed.clear()
        for order, level in orders:
            known = before.get(order.client_order_id)
            self._put(
                Holding(
                    client_order_id=order.client_order_id,
                    level=level,
                    side=order.side,
                    price_ticks=order.price_ticks,
                    qty_lots=order.qty_lots,
                    remaining_lots=order.remaining_lots,
                    reduce_only=order.reduce_only,
                    is_taking=known.is_taking if known else False,
                    accepted_ns=(known.accepted_ns if known else 0) or now_ns,
                    is_condemned=known.is_condemned if known else False,
                    cancelling_ns=known.cancelling_ns if known else 0,
                )
            )

    def note_cancels(self, intents: tuple[Intent, ...], now_ns: int) -> None:
        """Remember which cancels have been asked for; they stand first."""
        for intent in intents:
            if intent.action is not IntentAction.CANCEL:
                break
            holding = self.by_id.get(intent.client_order_id)
            if holding is not None:
                holding.cancelling_ns = now_ns

    def withdraw_orders(self, names: Iterable[str], reason: str, now_ns: int) -> tuple[Intent, ...]:
        """Return cancels of the entries called so, but for those that have one under way.

        They count as asked for.
        """
        entries = (self.by_id.get(name) for name in names)
        cancels = tuple(
            one.cancelled(reason)
            for one in entries
            if one is not None and not one.reduce_only and not one.is_cancelling(now_ns)
        )
        self.note_cancels(cancels, now_ns)
        return cancels

    def postpone_cancel(self, client_order_id: str, pause_ns: int, now_ns: int) -> int:
        """Leave an order whose cancel was refused alone for a while; return for how long in ns.

        It is ``pause_ns`` after the first refusal and doubles a few times.
        """
        holding = self.by_id.get(client_order_id)
        if holding is not None:
            pause_ns <<= min(holding.refusals, REFUSALS_MAX)
            holding.refusals += 1
            holding.cancelling_ns = now_ns + pause_ns - PROPOSAL_PATIENCE_NS - 1
        return pause_ns

    def has_lost_one(self, now_ns: int) -> bool:
        """Return whether a placement or a cancel has gone unheard of for too long."""
        return any(
            now_ns - since_ns > PROPOSAL_PATIENCE_NS for since_ns, _ in self.proposed.values()
        ) or any(one.cancelling_ns and not one.is_cancelling(now_ns) for one in self.by_id.values())

    def condemn_entries(self) -> None:
        """Let no entry that rests now fit any ladder."""
        for one in self.by_id.values():
            one.is_condemned = not one.reduce_only

    def exits(self) -> list[Holding]:
        """Return the reduce-only orders."""
        return [one for one in self.by_id.values() if one.reduce_only]

    def exit_lots(self, side: Side) -> int:
        """Return what exits of one side cover, resting and proposed, in lots."""
        resting = sum(
            one.remaining_lots
            for one in self.by_id.values()
            if one.reduce_only and one.side is side
        )
        coming = sum(lots for level, (_, lots) in self.proposed.items() if level[0] == "x")
        return resting + coming
