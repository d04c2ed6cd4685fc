"""The order log: one JSON line for everything that was asked of or happened to an order.

It is the witness of tests: it is written by the venue, not by the system under test.
"""

from __future__ import annotations

from collections import deque
from io import BufferedWriter
from pathlib import Path
from typing import Any

import orjson

from grinder.errors import ConfigError
from grinder.model.order import PositionSide
from grinder.simulation.reports import Execution, OrderReport
from grinder.venues.sim.rendering import plain

RING_MAX = 20_000


OPERATIONS = {
    Execution.NEW: "accepted",
    Execution.AMENDMENT: "amended",
    Execution.CANCELED: "canceled",
    Execution.EXPIRED: "expired",
    Execution.TRADE: "fill",
    Execution.CALCULATED: "fill",
}
"""The order log's word for what happened to an order."""


class OrderLog:
    """Append to a file, if one is named, and keep the newest lines in memory."""

    def __init__(self, path: Path | None) -> None:
        self._ring: deque[dict[str, Any]] = deque(maxlen=RING_MAX)
        self._file: BufferedWriter | None = None
        self._number = 0
        if path is not None:
            try:
                self._file = path.open("ab")
            except OSError as error:
                raise ConfigError(f"order log {path}: {error.strerror}") from error

    def append(self, ts: int, account: str, op: str, **fields: Any) -> None:
        """Record one operation: place, amend, cancel, fill, expire or a refusal of one of them.

        Args:
            ts: venue time in ms.
            account: whose order.
            op: what happened.
            fields: client id, order id, side, price, qty, reduceOnly, status, code and the like.
        """
        self._number += 1
        line = {"n": self._number, "ts": ts, "account": account, "op": op, **fields}
        self._ring.append(line)
        if self._file is not None:
            self._file.write(orjson.dumps(line) + b"\n")
            self._file.flush()

    def lines(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the remembered lines numbered above ``after``."""
        return [line for line in self._ring if line["n"] > after]

    def clear(self) -> None:
        """Forget the remembered lines; the file stays."""
        self._ring.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def note(log: OrderLog, report: OrderReport) -> None:
    """Write what happened to an order."""
    order = report.order
    fields: dict[str, Any] = {
        "symbol": order.symbol,
        "client_id": order.client_order_id,
        "order_id": order.order_id,
        "side": order.side.value,
        "type": order.type.value,
        "price": plain(order.price),
        "qty": plain(order.qty),
        "filled_qty": plain(order.filled_qty),
        "reduce_only": order.reduce_only,
        "status": order.status.value,
    }
    if order.position_side is not PositionSide.BOTH:
        fields["position_side"] = order.position_side.value
    if report.execution is Execution.AMENDMENT and order.modify_id is not None:
        fields["modify_id"] = order.modify_id
    if report.execution in (Execution.TRADE, Execution.CALCULATED):
        fields |= {
            "trade_id": report.trade_id,
            "last_price": plain(report.last_price),
            "last_qty": plain(report.last_qty),
            "is_maker": report.is_maker,
            "commission": plain(report.commission),
            "realised": plain(report.realised_profit),
        }
    log.append(report.ts_ms, report.account, OPERATIONS[report.execution], **fields)
