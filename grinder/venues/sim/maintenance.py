"""Symbols that do not trade as usual: what is refused while they do not.

The statuses are the venue's; POST_ONLY, CANCEL_ONLY and HALT are modes of matching that the venue
does not publish for futures, so exchangeInfo goes on saying TRADING in the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson

from grinder.simulation.refusals import Refusal, Rule
from grinder.venues.sim.refusing import ApiRefusal


class State(StrEnum):
    """What may be done with the orders of a symbol."""

    TRADING = "TRADING"
    POST_ONLY = "POST_ONLY"
    """New orders only as GTX; amendments of any order."""
    CANCEL_ONLY = "CANCEL_ONLY"
    """Cancelling only."""
    HALT = "HALT"
    """Nothing, not even cancelling."""
    PENDING_TRADING = "PENDING_TRADING"
    PRE_DELIVERING = "PRE_DELIVERING"
    DELIVERING = "DELIVERING"
    DELIVERED = "DELIVERED"
    PRE_SETTLE = "PRE_SETTLE"
    SETTLING = "SETTLING"
    CLOSE = "CLOSE"

    @property
    def published(self) -> str:
        """The status that exchangeInfo shows."""
        return _PUBLISHED.get(self, self.value)


_PUBLISHED = {
    State.POST_ONLY: "TRADING",
    State.CANCEL_ONLY: "PRE_SETTLE",
    State.HALT: "PRE_SETTLE",
}

_IMMOVABLE = (State.HALT, State.DELIVERED, State.CLOSE)


def check_state(states: Mapping[str, State], operation: str, params: Mapping[str, str]) -> None:
    """Check that ``operation`` (place, amend, cancel, or empty) is open for its symbol.

    A batch is refused whole when one of its symbols is not open for it.

    Raises:
        Refusal: -4140, a new order where none may be placed.
        ApiRefusal: -5024 for an amendment, -4108 for cancelling where even that is closed.
    """
    if not states or not operation:
        return
    for row in order_rows(params):
        symbol, time_in_force = _word(row, "symbol"), _word(row, "timeInForce")
        state = states.get(symbol, State.TRADING)
        if state is State.TRADING:
            continue
        if state is State.POST_ONLY and (operation != "place" or time_in_force == "GTX"):
            continue
        if operation == "place":
            raise Refusal(Rule.SYMBOL_STATUS)
        if operation == "amend":
            raise ApiRefusal(
                -5024, "Symbol is not in trading status. Order amendment is not permitted."
            )
        if state in _IMMOVABLE:
            raise ApiRefusal(-4108, "Symbol is not open for cancelling.")


def order_rows(params: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return what is asked of each order of a request: its elements for a batch, else itself."""
    if "batchOrders" not in params:
        return [params]
    try:
        found = orjson.loads(params["batchOrders"])
    except orjson.JSONDecodeError:
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def only_reduces(params: Mapping[str, str]) -> bool:
    """Tell whether every order of a request can only make a position smaller."""
    rows = order_rows(params)
    return bool(rows) and all(_reduces(row) for row in rows)


def _reduces(row: Mapping[str, Any]) -> bool:
    if any(str(row.get(name)).lower() == "true" for name in ("reduceOnly", "closePosition")):
        return True
    return (row.get("positionSide"), row.get("side")) in (("LONG", "SELL"), ("SHORT", "BUY"))


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, "")
    return value if isinstance(value, str) else ""
