"""Several orders in one request: how they are grouped, and what the answer says of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from grinder.errors import UnknownOutcomeError, VenueError
from grinder.kernel.message import Envelope
from grinder.messages.orders import CancelOrder, Placement
from grinder.venues.binance_bodies import BodyDecoder, OrderAnswer
from grinder.venues.binance_errors import error_in
from grinder.venues.http import Request
from grinder.venues.line import VenueLine

BATCH = 5
"""The most orders that the venue takes in one request.

Fewer are never sent so on purpose: whatever its size, such a request counts as five orders of the
ten-second window and weighs 5. With five each, an order costs no more than one by itself.
"""

CANCEL_BATCH = 10
"""The most cancels that the venue takes in one request; however many, it weighs 1 as one does."""

Group = tuple[Placement, ...]
Orders = Sequence[Placement] | Sequence[CancelOrder]
Said = OrderAnswer | VenueError
"""What the venue says of one order."""


@attrs.frozen(kw_only=True)
class Asking:
    """Ask the venue for something about orders, one of them or several, in one request."""

    line: VenueLine
    bodies: BodyDecoder

    def said(
        self,
        envelope: Envelope,
        request: Request,
        orders: Orders,
        *,
        timeout_ms: int,
        recv_window_ms: int,
    ) -> Sequence[Said]:
        """Send ``request``; return what the venue says of each order, in the order of ``orders``.

        What it says of the whole request, or fails to say, is said of each.
        """
        line, bodies = self.line, self.bodies
        try:
            body = line.call(
                envelope, request, timeout_ms=timeout_ms, recv_window_ms=recv_window_ms
            )
            if len(orders) == 1:
                return (bodies.order_answer(body),)
            said = said_of_each(body, orders, bodies, line.clock.venue_ms())
        except ValueError as error:
            return [UnknownOutcomeError(str(error))] * len(orders)
        except VenueError as error:
            return [error] * len(orders)
        for each in said:
            if isinstance(each, VenueError):
                line.heed(envelope, each)
        return said


def grouped(orders: Group, *, is_batched: bool) -> tuple[Group, ...]:
    """Return the requests that ``orders`` make: by fives, and what is left over one by one."""
    full = len(orders) - len(orders) % BATCH if is_batched else 0
    fives = [orders[at : at + BATCH] for at in range(0, full, BATCH)]
    return (*fives, *((order,) for order in orders[full:]))


def said_of_each(body: Any, orders: Orders, bodies: BodyDecoder, now_ms: int) -> tuple[Said, ...]:
    """Return what the answer to a batch says of each order, in the order of ``orders``.

    What can't be understood leaves its order unknown. ``now_ms`` is the venue's time.

    Raises:
        ValueError: it can't be told which part of the answer is of which order.
    """
    if not isinstance(body, list) or len(body) != len(orders):
        was = f"{len(body)}" if isinstance(body, list) else type(body).__name__
        raise ValueError(f"expected an array of {len(orders)} answers, was {was}")
    names = [order.client_order_id for order in orders]
    for element, name in zip(body, names, strict=True):
        # A refusal bears no name. If an order stands in another one's place, so may a refusal.
        if isinstance(element, dict) and element.get("clientOrderId", name) != name:
            raise ValueError("expected the answers in the order of the request")
    return tuple(_said(element, bodies, now_ms) for element in body)


def _said(element: Any, bodies: BodyDecoder, now_ms: int) -> Said:
    error = error_in(element, now_ms=now_ms)
    if error is not None:
        return error
    if isinstance(element, dict) and "clientOrderId" not in element:
        return UnknownOutcomeError("an answer names no order")
    try:
        return bodies.order_answer(element)
    except ValueError as reason:
        return UnknownOutcomeError(str(reason))
