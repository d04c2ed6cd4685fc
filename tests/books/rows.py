"""Rows to keep, as LedgerActor would tell them."""

from __future__ import annotations

from decimal import Decimal

from grinder.ledger.days import nothing_of, with_equity
from grinder.ledger.trips import TripFill, traded
from grinder.messages.books import BookFill, BookFunding, RestoreBooks
from grinder.messages.ledger import DayChanged
from grinder.model.order import Side
from grinder.model.trip import TripState

DAY_NS = 1_700_006_400_000_000_000
"""Midnight of 2023-11-15, UTC."""


def flat(symbol: str = "BTCUSDT") -> TripState:
    return TripState(symbol=symbol)


def booked(state: TripState, trade_id: int, qty: str, price: str, fee: str = "0.01") -> BookFill:
    """Return the row of a fill that follows ``state``; ``qty`` is signed."""
    signed = Decimal(qty)
    event_ns = DAY_NS + trade_id * 1_000_000_000
    fill = TripFill(
        sign=1 if signed > 0 else -1,
        price=Decimal(price),
        qty=abs(signed),
        fee=Decimal(fee),
        event_ns=event_ns,
    )
    after, trip = traded(state, fill, "paper")
    return BookFill(
        symbol=state.symbol,
        trade_id=trade_id,
        order_id=trade_id * 10,
        client_order_id=f"g-{trade_id}",
        level="b1",
        side=Side.BUY if signed > 0 else Side.SELL,
        price=Decimal(price),
        qty=abs(signed),
        fee=Decimal(fee),
        fee_asset="USDT",
        realized_pnl=Decimal("0.25"),
        is_maker=True,
        event_ns=event_ns,
        state=after,
        trips=() if trip is None else (trip,),
    )


def paid(transaction_id: int, amount: str, symbol: str = "BTCUSDT") -> BookFunding:
    return BookFunding(
        symbol=symbol,
        transaction_id=transaction_id,
        amount=Decimal(amount),
        event_ns=DAY_NS + transaction_id * 1_000_000_000,
    )


def seen(*equities: str) -> DayChanged:
    day = nothing_of("2023-11-15")
    for one in equities:
        day = with_equity(day, Decimal(one))
    return day


def asked(*symbols: str, token: int = 1, started_ns: int = DAY_NS) -> RestoreBooks:
    return RestoreBooks(
        token=token,
        started_ns=started_ns,
        symbols=symbols or ("BTCUSDT", "ETHUSDT"),
        quote_asset="USDT",
    )
