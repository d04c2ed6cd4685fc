"""The digest of a run: what was decided, and nothing else.

A projection names the fields of each class that count, so a field that is added to a message
changes no digest of yesterday. Whoever changes the projection raises its version, which is part
of every digest.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any, Final

from grinder.errors import InvariantError
from grinder.kernel.message import Message
from grinder.messages import account, grid, orders, risk

VERSION: Final = 3

PROJECTION: Final[dict[type[Message], tuple[str, ...]]] = {
    grid.IntentsProposed: ("symbol", "intents"),
    grid.IntentsApproved: ("symbol", "intents"),
    grid.IntentsDenied: ("symbol", "denials"),
    orders.PlaceOrders: ("symbol",),
    orders.CancelOrder: ("symbol", "client_order_id", "reason"),
    orders.OrderAccepted: ("symbol", "client_order_id", "price_ticks", "qty_lots"),
    orders.OrderRejected: ("symbol", "client_order_id", "code"),
    orders.OrderOutcomeUnknown: ("symbol", "client_order_id", "operation"),
    orders.OrderFilled: (
        "symbol",
        "client_order_id",
        "side",
        "price_ticks",
        "qty_lots",
        "fee",
        "realized_pnl",
    ),
    orders.OrderEnded: ("symbol", "client_order_id", "status", "filled_lots"),
    account.PositionChanged: ("symbol", "qty_lots", "entry_price"),
    account.FundingPaid: ("symbol", "amount"),
    risk.RiskStateChanged: ("from_state", "to_state", "reason"),
    risk.KillSwitchTripped: ("reason",),
    risk.WindDownCompleted: ("open_orders", "positions", "is_confirmed"),
}
"""What counts: the decisions, and what came of them. Parts are projected by ``PARTS``."""

EACH: Final[dict[type[Message], str]] = {orders.PlaceOrders: "orders"}
"""Of batches the field whose parts count, each as a decision of its own: how orders are batched on
their way is none."""

PARTS: Final[dict[type, tuple[str, ...]]] = {
    grid.Intent: (
        "action",
        "level",
        "side",
        "price_ticks",
        "qty_lots",
        "reduce_only",
        "client_order_id",
    ),
    grid.Denial: ("code", "level", "side", "action"),
    orders.Placement: (
        "client_order_id",
        "side",
        "order_type",
        "price_ticks",
        "qty_lots",
        "time_in_force",
        "reduce_only",
    ),
}


def _plain(value: Any) -> str:
    """Spell a value so that equal ones are spelled alike, whatever exponent a decimal has."""
    if isinstance(value, tuple):
        return "(" + ",".join(map(_plain, value)) + ")"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InvariantError(f"a decision holds {value} where a number belongs")
        return format(value.normalize(), "f") if value else "0"
    names = PARTS.get(value.__class__)
    if names is not None:
        return "(" + ",".join(_plain(getattr(value, name)) for name in names) + ")"
    return str(value)


class Digest:
    """SHA-256 over the decisions of a run, in the order in which they are told."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(f"digest {VERSION}\n".encode())
        self.decisions = 0

    def add(self, sender: str, body: Message) -> None:
        """Take ``body`` in, if it is a decision.

        Raises:
            InvariantError: it holds a NaN or an infinity.
        """
        names = PROJECTION.get(body.__class__)
        if names is None:
            return
        values = "|".join(_plain(getattr(body, name)) for name in names)
        line = f"{sender} {body.__class__.__name__} {values}"
        batch = EACH.get(body.__class__)
        if batch is None:
            self._count(line)
            return
        for part in getattr(body, batch):
            self._count(f"{line}|{_plain(part)}")

    def _count(self, line: str) -> None:
        self.decisions += 1
        self._hash.update(f"{line}\n".encode())

    def text(self) -> str:
        """Return the version of the projection and the first sixteen hexadecimal digits."""
        return f"{VERSION}:{self._hash.hexdigest()[:16]}"
