"""The last resort: take our orders off the book without any actor.

For the one case in which the tree of actors has given up: what can still be done is done by plain
blocking calls, bounded in number and time. The venue's dead-man switch stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable

from grinder.errors import VenueError
from grinder.messages.orders import CancelOrder
from grinder.model.settings import VenueSettings
from grinder.venues import binance_requests as requests
from grinder.venues.clock import VenueClock
from grinder.venues.http import VenueHttp
from grinder.venues.signing import Credentials

ROUNDS = 3


def cancel_own(
    rest_url: str,
    credentials: Credentials,
    clock: VenueClock,
    symbols: tuple[str, ...],
    settings: VenueSettings,
    *,
    is_own: Callable[[str], bool],
) -> int | None:
    """Cancel every open order of ours and look again.

    Returns:
        How many are left; None when the venue could not be asked.
    """
    http = VenueHttp(
        rest_url,
        credentials,
        clock,
        connect_timeout_ms=settings.cancel_timeout_ms,
        read_timeout_ms=settings.cancel_timeout_ms,
    )
    left: int | None = None
    try:
        for _ in range(ROUNDS):
            found = [(symbol, name) for symbol in symbols for name in _own(http, symbol, is_own)]
            left = len(found)
            if not found:
                break
            for symbol, name in found:
                _cancel(http, symbol, name)
    except VenueError:
        return None
    finally:
        http.release()
    return left


def _own(http: VenueHttp, symbol: str, is_own: Callable[[str], bool]) -> list[str]:
    answer = http.call(requests.open_orders(symbol))
    names = [str(row.get("clientOrderId", "")) for row in answer if isinstance(row, dict)]
    return [name for name in names if is_own(name)]


def _cancel(http: VenueHttp, symbol: str, name: str) -> bool:
    """Cancel one; a refusal means that it is gone, and the next look decides."""
    command = CancelOrder(symbol=symbol, client_order_id=name, reason="LAST_RESORT")
    try:
        http.call(requests.cancellation(command))
    except VenueError:
        return False
    return True
