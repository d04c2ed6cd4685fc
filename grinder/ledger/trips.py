"""Round trips: fills in, completed positions out.

A fill closes an opposite position first; what is left of it opens one on its own side. A position
that was there before the first known fill has no known entry: what it ends in is no round trip.
Source of the record: the fill-outcome data set, version 1, of 21 fields.
"""

from __future__ import annotations

import hashlib
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

import attrs

from grinder.messages.ledger import RoundTrip
from grinder.model.trip import LONG, SHORT, OpenTrip, TripState
from grinder.model.units import NS_PER_MS

DATASET_VERSION: Final = "v1"
FEE_DIGITS: Final = 8
"""Places at which the fee of a fill that turns a position is split, unless it has more itself."""
BPS: Final = 10_000
_EXACT = Context(prec=60)
"""Sums and products of prices and quantities have fewer digits than this."""
_MEAN = Context(prec=28, rounding=ROUND_HALF_EVEN)
_ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class TripFill:
    """What counts of a fill here."""

    sign: int
    """+1 bought, -1 sold."""
    price: Decimal
    qty: Decimal
    """Positive."""
    fee: Decimal
    """In the quote asset; 0 when it was paid in another one."""
    event_ns: int


def traded(state: TripState, fill: TripFill, source: str) -> tuple[TripState, RoundTrip | None]:
    """Return the state after ``fill``, and the round trip that it completed, if any.

    ``source`` is paper or live.
    """
    held = state.qty
    closing = min(fill.qty, abs(held)) if held * fill.sign < 0 else _ZERO
    if not closing:
        return _entered(state, fill), None
    rest = fill.qty - closing
    fee = fill.fee if not rest else fee_share(fill.fee, closing, fill.qty)
    state, trip = _left(state, attrs.evolve(fill, qty=closing, fee=fee), source)
    if rest:
        state = _entered(state, attrs.evolve(fill, qty=rest, fee=fill.fee - fee))
    return state, trip


def fee_share(fee: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return what ``part`` of ``whole`` bears of ``fee``; the rest is borne by the rest.

    Cut towards zero at the last digit of the fee, or at FEE_DIGITS: both shares add up exactly.
    """
    exponent = fee.as_tuple().exponent
    assert isinstance(exponent, int)
    quantum = Decimal(1).scaleb(min(exponent, -FEE_DIGITS))
    share = _EXACT.divide(_EXACT.multiply(fee, part), whole)
    return share.quantize(quantum, rounding=ROUND_DOWN, context=_EXACT)


def _entered(state: TripState, fill: TripFill) -> TripState:
    """Open or add."""
    trip = state.open
    if trip is None and state.untracked_qty:
        return attrs.evolve(state, untracked_qty=state.untracked_qty + fill.qty * fill.sign)
    cost = _EXACT.multiply(fill.price, fill.qty)
    if trip is None:
        trip = OpenTrip(
            direction=LONG if fill.sign > 0 else SHORT,
            entry_ns=fill.event_ns,
            entry_qty=fill.qty,
            entry_cost=cost,
            entry_fee=fill.fee,
            entry_fills=1,
        )
        return attrs.evolve(state, open=trip)
    trip = attrs.evolve(
        trip,
        entry_qty=trip.entry_qty + fill.qty,
        entry_cost=_EXACT.add(trip.entry_cost, cost),
        entry_fee=_EXACT.add(trip.entry_fee, fill.fee),
        entry_fills=trip.entry_fills + 1,
    )
    return attrs.evolve(state, open=trip)


def _left(state: TripState, fill: TripFill, source: str) -> tuple[TripState, RoundTrip | None]:
    """Reduce or close; ``fill`` is no larger than what is held."""
    trip = state.open
    if trip is None:
        return attrs.evolve(state, untracked_qty=state.untracked_qty + fill.qty * fill.sign), None
    cost = _EXACT.add(trip.exit_cost, _EXACT.multiply(fill.price, fill.qty))
    fee = _EXACT.add(trip.exit_fee, fill.fee)
    qty = trip.exit_qty + fill.qty
    if qty == trip.entry_qty:
        done = attrs.evolve(fill, fee=fee)
        return attrs.evolve(state, open=None), _completed(state.symbol, trip, done, cost, source)
    trip = attrs.evolve(
        trip,
        exit_ns=fill.event_ns,
        exit_qty=qty,
        exit_cost=cost,
        exit_fee=fee,
        exit_fills=trip.exit_fills + 1,
    )
    return attrs.evolve(state, open=trip), None


def _completed(
    symbol: str, trip: OpenTrip, last: TripFill, exit_cost: Decimal, source: str
) -> RoundTrip:
    """Return the record; ``last`` carries the time of the exit and the fees of all its fills."""
    exit_fee = last.fee
    realized = _EXACT.subtract(exit_cost, trip.entry_cost) * trip.sign
    net = _EXACT.subtract(realized, _EXACT.add(trip.entry_fee, exit_fee))
    entry_price = _MEAN.divide(trip.entry_cost, trip.entry_qty)
    exit_price = _MEAN.divide(exit_cost, trip.entry_qty)
    entry_ts, exit_ts = trip.entry_ns // NS_PER_MS, last.event_ns // NS_PER_MS
    return RoundTrip(
        row_id=row_id(
            (symbol, trip.direction, entry_ts, exit_ts, entry_price, exit_price, trip.entry_qty)
        ),
        symbol=symbol,
        direction=trip.direction,
        entry_ts=entry_ts,
        entry_price=entry_price,
        entry_qty=trip.entry_qty,
        entry_fee=trip.entry_fee,
        entry_fill_count=trip.entry_fills,
        exit_ts=exit_ts,
        exit_price=exit_price,
        exit_qty=trip.entry_qty,
        exit_fee=exit_fee,
        exit_fill_count=trip.exit_fills + 1,
        realized_pnl=realized,
        net_pnl=net,
        pnl_bps=bps(net, trip.entry_cost),
        holding_time_ms=exit_ts - entry_ts,
        notional=trip.entry_cost,
        outcome="win" if net > 0 else "loss" if net < 0 else "breakeven",
        source=source,
        dataset_version=DATASET_VERSION,
    )


def bps(amount: Decimal, notional: Decimal) -> int:
    """Return ``amount`` in basis points of ``notional``, half to even; 0 of nothing."""
    return round(Fraction(amount) * BPS / Fraction(notional)) if notional else 0


def row_id(parts: tuple[str | int | Decimal, ...]) -> str:
    """Return the SHA-1 of ``parts`` joined by bars; equal numbers are spelled alike."""
    return hashlib.sha1("|".join(map(_plain, parts)).encode(), usedforsecurity=False).hexdigest()


def _plain(part: str | int | Decimal) -> str:
    if not isinstance(part, Decimal):
        return str(part)
    text = format(part, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
