"""The bodies of market stream frames, as the venue words them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from grinder.simulation.market import Level, Mark, Quote, Trade
from grinder.venues.sim.book import Numbered, PublicBook

USDT_MARGINED = 1

Frame = dict[str, Any]


def book_ticker(book: PublicBook, quote: Quote, update_id: int, now_ms: int) -> Frame:
    """Return a ``bookTicker`` frame."""
    return {
        "e": "bookTicker",
        "u": update_id,
        "s": quote.symbol,
        "ps": quote.symbol,
        "b": book.price(quote.bid_ticks),
        "B": book.qty(quote.bid_lots),
        "a": book.price(quote.ask_ticks),
        "A": book.qty(quote.ask_lots),
        "T": now_ms,
        "E": now_ms,
        "st": USDT_MARGINED,
    }


def trade(book: PublicBook, event: Trade, trade_id: int, now_ms: int) -> Frame:
    """Return a raw ``trade`` frame."""
    return {
        "e": "trade",
        "E": now_ms,
        "T": now_ms,
        "s": event.symbol,
        "t": trade_id,
        "p": book.price(event.price_ticks),
        "q": book.qty(event.lots),
        "X": "MARKET",
        "m": event.buyer_is_maker,
        "st": USDT_MARGINED,
    }


def agg_trade(
    book: PublicBook, event: Trade, *, agg_id: int, first: int, last: int, times: tuple[int, int]
) -> Frame:
    """Return an ``aggTrade`` frame; ``event.lots`` is the sum, ``times`` trade and event time."""
    quantity = book.qty(event.lots)
    return {
        "e": "aggTrade",
        "E": times[1],
        "s": event.symbol,
        "a": agg_id,
        "p": book.price(event.price_ticks),
        "q": quantity,
        "nq": quantity,
        "f": first,
        "l": last,
        "T": times[0],
        "m": event.buyer_is_maker,
        "st": USDT_MARGINED,
    }


def depth(
    book: PublicBook,
    ids: Numbered,
    bids: Iterable[Level],
    asks: Iterable[Level],
    now_ms: int,
) -> Frame:
    """Return a ``depthUpdate`` frame."""
    symbol = book.instrument.symbol
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": book.updated_ms,
        "s": symbol,
        "U": ids.first,
        "u": ids.last,
        "pu": ids.previous,
        "b": rows(book, bids),
        "a": rows(book, asks),
        "ps": symbol,
        "st": USDT_MARGINED,
    }


def rows(book: PublicBook, levels: Iterable[Level]) -> list[list[str]]:
    """Return levels as the venue's pairs of texts."""
    return [[book.price(price), book.qty(lots)] for price, lots in levels]


def mark_price(mark: Mark, now_ms: int) -> Frame:
    """Return a ``markPriceUpdate`` frame."""
    text = f"{mark.mark_price:.8f}"
    return {
        "e": "markPriceUpdate",
        "E": now_ms,
        "s": mark.symbol,
        "p": text,
        "ap": text,
        "P": text,
        "i": f"{mark.index_price:.8f}",
        "r": f"{mark.funding_rate:.8f}",
        "T": mark.next_funding_ms,
        "st": USDT_MARGINED,
    }


def contract_info(row: Mapping[str, Any], status: str, now_ms: int) -> Frame:
    """Return a ``contractInfo`` frame for a row of exchangeInfo."""
    return {
        "e": "contractInfo",
        "E": now_ms,
        "s": row["symbol"],
        "ct": row["contractType"],
        "dt": row["deliveryDate"],
        "ot": row["onboardDate"],
        "cs": status,
        "st": USDT_MARGINED,
    }


def force_order(symbol: str, *, side: str, price: str, qty: str, now_ms: int) -> Frame:
    """Return a ``forceOrder`` frame: somebody's position was closed by the venue."""
    return {
        "e": "forceOrder",
        "E": now_ms,
        "o": {
            "s": symbol,
            "S": side,
            "o": "LIMIT",
            "f": "IOC",
            "q": qty,
            "p": price,
            "ap": price,
            "X": "FILLED",
            "l": qty,
            "z": qty,
            "T": now_ms,
        },
        "ps": symbol,
        "st": USDT_MARGINED,
    }
