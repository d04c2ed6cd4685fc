"""Snapshots of the best prices, and of books, as JSON lines: an older form of markets.

A ``SNAPSHOT`` states the best bid and ask, and a last trade that may be none: one that is not on
the tick was made up from the mid and is left out. An ``l2_snapshot`` states a whole book. Prices
and quantities are texts. Events are played in the order of their time, ``ts`` or ``ts_ms``; equal
times keep the order of the file. Times too small for an epoch count from the market's beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from grinder.model.instrument import Instrument
from grinder.simulation.frames import PARSE_ERRORS, located
from grinder.simulation.market import DepthDiff, Levels, MarketEvent, Quote, Trade
from grinder.simulation.recording import OpenLines
from grinder.simulation.units import Units

FIRST_LINE: Final = re.compile(rb'\{"ts(_ms)?": ?\d+, ?"type": ?"|\{"type": ?"(SNAPSHOT|l2_snap)')
EPOCH_MS: Final = 10**11
"""Times below this are no milliseconds since the Unix epoch, but since a beginning."""
L1: Final = "SNAPSHOT"
L2: Final = "l2_snapshot"

Row = dict[str, Any]


def snapshots(
    name: str, open_lines: OpenLines, known: Mapping[str, Instrument]
) -> tuple[dict[str, Instrument], list[MarketEvent]]:
    """Read every line; return the contracts that occur and the events from the first on.

    A contract that is not known gets tick and lot from the decimals of what is quoted.

    Raises:
        ConfigError: a line is damaged, of another kind, or shows a book that can't be.
    """
    rows = sorted(_rows(name, open_lines), key=lambda each: each[0])
    instruments = _instruments((row for _, _, row in rows), known)
    units = {symbol: Units(one) for symbol, one in instruments.items()}
    books = {symbol: Levels() for symbol in instruments}
    found: list[MarketEvent] = []
    start_ms = _start_ms(at_ms for at_ms, _, _ in rows[:1])
    for at_ms, number, row in rows:
        symbol = row["symbol"]
        try:
            if row["type"] == L1:
                found += _quoted(at_ms - start_ms, row, units[symbol])
            else:
                found.append(_book(at_ms - start_ms, row, units[symbol], books[symbol]))
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error
    return instruments, found


def start_ms_of(open_lines: OpenLines) -> int:
    """Return when the market of a file that ``snapshots`` has read begins; 0: nobody knows."""
    return _start_ms(_at_ms(orjson.loads(line)) for line in open_lines() if line.strip())


def _start_ms(times: Iterable[int]) -> int:
    first_ms = min(times, default=0)
    return first_ms if first_ms >= EPOCH_MS else 0


def _at_ms(row: Row) -> int:
    value = row["ts_ms"] if row["type"] == L2 else row["ts"]
    if value.__class__ is not int or value < 0:
        raise ValueError(f"expected a time in whole milliseconds, was {value!r}")
    return int(value)


def _rows(name: str, open_lines: OpenLines) -> Iterator[tuple[int, int, Row]]:
    """Yield (time in ms, number of the line, its content)."""
    for number, line in enumerate(open_lines(), start=1):
        if not line.strip():
            continue
        try:
            row: Row = orjson.loads(line)
            if row["type"] not in (L1, L2):
                raise ValueError(f"expected {L1} or {L2}, was {row['type']}")
            yield _at_ms(row), number, row
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error


def _instruments(rows: Iterable[Row], known: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """Return the contracts; one that is not known has the finest step that occurs."""
    finest: dict[str, tuple[int, int]] = {}
    for row in rows:
        texts = _texts(row)
        before = finest.get(row["symbol"], (0, 0))
        finest[row["symbol"]] = (
            max(before[0], *map(_decimals, texts[0])),
            max(before[1], *map(_decimals, texts[1])),
        )
    return {
        symbol: known.get(symbol) or _guessed(symbol, *decimals)
        for symbol, decimals in finest.items()
    }


def _texts(row: Row) -> tuple[list[str], list[str]]:
    """Return the prices and the quantities that a row quotes."""
    if row["type"] == L1:
        return [row["bid_price"], row["ask_price"]], [row["bid_qty"], row["ask_qty"]]
    levels = [*row["bids"], *row["asks"]]
    return [price for price, _ in levels], [lots for _, lots in levels]


def _guessed(symbol: str, price_decimals: int, qty_decimals: int) -> Instrument:
    return Instrument(
        symbol=symbol,
        base_asset=symbol.removesuffix("USDT") or symbol,
        tick=Decimal(1).scaleb(-price_decimals),
        lot=Decimal(1).scaleb(-qty_decimals),
        notional_min=Decimal(5),
        multiplier_up=Decimal("1.1"),
        multiplier_down=Decimal("0.9"),
    )


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _quoted(at_ms: int, row: Row, units: Units) -> Iterator[MarketEvent]:
    symbol = units.instrument.symbol
    quote = Quote(
        at_ms=at_ms,
        symbol=symbol,
        bid_ticks=units.ticks(row["bid_price"]),
        bid_lots=units.lots(row["bid_qty"]),
        ask_ticks=units.ticks(row["ask_price"]),
        ask_lots=units.lots(row["ask_qty"]),
    )
    if not 0 < quote.bid_ticks < quote.ask_ticks:
        raise ValueError(f"expected 0 < bid < ask, was {row['bid_price']} and {row['ask_price']}")
    yield quote
    last, lots = Decimal(row["last_price"]), units.lots(row["last_qty"])
    if lots and last % units.instrument.tick == 0:
        ticks = units.ticks(row["last_price"])
        is_sold = 2 * ticks <= quote.bid_ticks + quote.ask_ticks
        yield Trade(
            at_ms=at_ms, symbol=symbol, price_ticks=ticks, lots=lots, buyer_is_maker=is_sold
        )


def _book(at_ms: int, row: Row, units: Units, levels: Levels) -> DepthDiff:
    bids, asks = units.levels(row["bids"]), units.levels(row["asks"])
    prices = [price for price, _ in reversed(bids)], [price for price, _ in asks]
    if any(side != sorted(set(side)) for side in prices):
        raise ValueError("expected bids that fall and asks that rise")
    if len(bids) != row["depth"] or len(asks) != row["depth"] or not bids:
        raise ValueError(f"expected {row['depth']} levels, were {len(bids)} and {len(asks)}")
    if any(lots <= 0 for _, lots in (*bids, *asks)) or bids[0][0] >= asks[0][0]:
        raise ValueError("expected quantities above 0, and a bid below the ask")
    stated = DepthDiff(at_ms=at_ms, symbol=units.instrument.symbol, bids=bids, asks=asks)
    diff = levels.turned_into(stated)
    levels.apply(diff)
    return diff
