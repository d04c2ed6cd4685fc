"""Answers to writes, as every port of a Binance venue gives them."""

from __future__ import annotations

from grinder.messages.orders import CancelOrder, Placement
from grinder.messages.venue import (
    CancelAnswered,
    CountdownAnswered,
    Outcome,
    PlaceAnswered,
    SetCountdown,
)


def place_refused(
    order: Placement, code: int, text: str, *, tick_ns: int, sent_ns: int = 0
) -> PlaceAnswered:
    """Return that a placement did nothing at the venue; ``sent_ns`` is 0 if it never left."""
    return PlaceAnswered(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        outcome=Outcome.REFUSED,
        code=code,
        text=text,
        sent_ns=sent_ns,
        tick_ns=tick_ns,
    )


def place_unknown(
    order: Placement, text: str, *, tick_ns: int, sent_ns: int, decided_ns: int
) -> PlaceAnswered:
    """Return that a placement may have happened, to be decided from ``decided_ns`` on."""
    return PlaceAnswered(
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        outcome=Outcome.UNKNOWN,
        text=text,
        sent_ns=sent_ns,
        tick_ns=tick_ns,
        decided_ns=decided_ns,
    )


def cancel_refused(cancel: CancelOrder, code: int, text: str) -> CancelAnswered:
    """Return that a cancel did nothing at the venue."""
    return CancelAnswered(
        symbol=cancel.symbol,
        client_order_id=cancel.client_order_id,
        outcome=Outcome.REFUSED,
        code=code,
        text=text,
    )


def cancel_unknown(cancel: CancelOrder, text: str) -> CancelAnswered:
    """Return that a cancel may have happened."""
    return CancelAnswered(
        symbol=cancel.symbol,
        client_order_id=cancel.client_order_id,
        outcome=Outcome.UNKNOWN,
        text=text,
    )


def countdown_answer(
    command: SetCountdown, outcome: Outcome, code: int, text: str
) -> CountdownAnswered:
    """Return what became of a countdown."""
    return CountdownAnswered(
        symbol=command.symbol,
        countdown_ms=command.countdown_ms,
        outcome=outcome,
        code=code,
        text=text,
    )
