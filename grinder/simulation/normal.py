"""Markets in one normalised form: what every recording and every made-up market can be turned into.

JSON lines. The first is the head, an object: format and version, the contracts with tick and lot,
when the market begins, where it comes from, under which licence. Each other line is one event, an
array that begins with its time in milliseconds since the beginning (it never decreases), its kind
and the number of its contract in the head:

- ``[at, "q", contract, bid, bid lots, ask, ask lots]``: the best bid and ask;
- ``[at, "d", contract, [[price, lots], ...], [[price, lots], ...]]``: changed bids and asks;
- ``[at, "t", contract, price, lots, 1 if the aggressor sold else 0]``: a trade;
- ``[at, "m", contract, mark, index, rate, next funding in ms since the epoch]``: mark and funding;
- ``[at, "s", contract, status]``: the trading status.

Prices are whole ticks and quantities whole lots; mark, index and rate are decimal texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs
import orjson

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.frames import PARSE_ERRORS, located
from grinder.simulation.market import DepthDiff, Level, Mark, MarketEvent, Quote, Status, Trade
from grinder.simulation.recording import OpenLines, Recording

FORMAT: Final = "grinder-market"
VERSION: Final = 1
FIRST_LINE: Final = re.compile(rb'\{"format": ?"grinder-market"')


@attrs.frozen(kw_only=True)
class Head:
    """What a file says of itself."""

    instruments: tuple[Instrument, ...]
    start_ms: int = 0
    """When the market begins, in milliseconds since the Unix epoch; 0 when nobody knows."""
    source: str
    """Where it comes from, and what was changed."""
    licence: str


def head_of(name: str, open_lines: OpenLines) -> Head:
    """Return the head of a file.

    Raises:
        ConfigError: it is damaged, or of another version.
    """
    line = next((line for line in open_lines() if line.strip()), b"")
    try:
        outer: dict[str, Any] = orjson.loads(line)
        if (outer["format"], outer["version"]) != (FORMAT, VERSION):
            raise ValueError(
                f"expected {FORMAT} of version {VERSION}, was {outer['format']} {outer['version']}"
            )
        instruments = tuple(_instrument(row) for row in outer["instruments"])
        if not instruments:
            raise ValueError("expected at least one contract, was none")
        return Head(
            instruments=instruments,
            start_ms=_count(outer["start_ms"]),
            source=str(outer["source"]),
            licence=str(outer["licence"]),
        )
    except PARSE_ERRORS as error:
        raise located(name, 1, error) from error


def written(head: Head, events: Iterable[MarketEvent]) -> Iterator[bytes]:
    """Yield the lines of a file that holds ``events``.

    Raises:
        KeyError: an event is of a symbol that the head does not name.
    """
    numbers = {one.symbol: number for number, one in enumerate(head.instruments)}
    yield _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "instruments": [_row(one) for one in head.instruments],
            "start_ms": head.start_ms,
            "source": head.source,
            "licence": head.licence,
        }
    )
    for event in events:
        yield _line([event.at_ms, *_cells(event, numbers[event.symbol])])


def events_of(name: str, open_lines: OpenLines, head: Head) -> Iterator[MarketEvent]:
    """Yield every event of a file, checked.

    Raises:
        ConfigError: a line is damaged; the message names it.
    """
    symbols = [one.symbol for one in head.instruments]
    at_ms = 0
    is_head = True
    for number, line in enumerate(open_lines(), start=1):
        if not line.strip():
            continue
        if is_head:
            is_head = False
            continue
        try:
            event = _event(orjson.loads(line), symbols)
            if event.at_ms < at_ms:
                raise ValueError(f"expected a time of {at_ms} ms or more, was {event.at_ms}")
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error
        at_ms = event.at_ms
        yield event


def normal(
    name: str, open_lines: OpenLines, instruments: Mapping[str, Instrument]
) -> list[Recording]:
    """Read and check a file; return a recording of each symbol in it that is traded.

    Raises:
        ConfigError: a line is damaged, a contract has another tick or lot here, or a symbol that is
            traded has no quote.
    """
    head = head_of(name, open_lines)
    _check_steps(name, head, instruments)
    tallies = {one.symbol: _Tally() for one in head.instruments if one.symbol in instruments}
    for event in events_of(name, open_lines, head):
        if event.symbol in tallies:
            tallies[event.symbol].add(event)
    silent = [symbol for symbol, tally in tallies.items() if tally.first is None]
    if silent or not tallies:
        raise ConfigError(
            f"recording {name}: expected a quote of {', '.join(silent) or 'what is traded'}"
        )

    return [
        _recording(name, open_lines, head, instruments[symbol], tally)
        for symbol, tally in tallies.items()
    ]


def _check_steps(name: str, head: Head, instruments: Mapping[str, Instrument]) -> None:
    for one in head.instruments:
        here = instruments.get(one.symbol, one)
        if (here.tick, here.lot) != (one.tick, one.lot):
            raise ConfigError(
                f"recording {name}: {one.symbol} has tick {one.tick} and lot {one.lot} there, "
                f"{here.tick} and {here.lot} here"
            )


def _recording(
    name: str, open_lines: OpenLines, head: Head, instrument: Instrument, tally: _Tally
) -> Recording:
    assert tally.first is not None
    assert tally.last is not None

    def play() -> Iterator[MarketEvent]:
        for event in events_of(name, open_lines, head):
            if event.symbol == instrument.symbol:
                yield attrs.evolve(event, at_ms=event.at_ms - tally.from_ms)

    return Recording(
        name=name,
        kind="normalised",
        instrument=instrument,
        play=play,
        start_ms=head.start_ms + tally.from_ms,
        events=tally.events,
        duration_ms=tally.until_ms - tally.from_ms,
        first=tally.first,
        last=tally.last,
        highest_ticks=tally.highest_ticks,
    )


@attrs.define
class _Tally:
    """What must be known of a symbol before it is played."""

    events: int = 0
    from_ms: int = 0
    until_ms: int = 0
    first: Quote | None = None
    last: Quote | None = None
    highest_ticks: int = 0

    def add(self, event: MarketEvent) -> None:
        if not self.events:
            self.from_ms = event.at_ms
        self.events += 1
        self.until_ms = event.at_ms
        if isinstance(event, Quote):
            self.first = self.first or event
            self.last = event
            self.highest_ticks = max(self.highest_ticks, event.ask_ticks)
        elif isinstance(event, Trade):
            self.highest_ticks = max(self.highest_ticks, event.price_ticks)


def contract(instrument: Instrument) -> dict[str, Any]:
    """Return a contract of a head as ``exchangeInfo`` would describe it."""
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "status": instrument.status,
        "baseAsset": instrument.base_asset,
        "quoteAsset": instrument.quote_asset,
        "marginAsset": instrument.quote_asset,
        "triggerProtect": str(instrument.trigger_protect),
        "filters": _filters(instrument),
    }


def _filters(one: Instrument) -> list[dict[str, Any]]:
    price_max = min(one.price_ticks_max, 10**9)
    lots_max = min(one.qty_lots_max, 10**9)
    market_lots_max = min(one.market_qty_lots_max, lots_max)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": str(one.price(one.price_ticks_min)),
            "maxPrice": str(one.price(price_max)),
            "tickSize": str(one.tick),
        },
        *(
            {
                "filterType": name,
                "minQty": str(one.qty(one.qty_lots_min)),
                "maxQty": str(one.qty(most)),
                "stepSize": str(one.lot),
            }
            for name, most in (("LOT_SIZE", lots_max), ("MARKET_LOT_SIZE", market_lots_max))
        ),
        {"filterType": "MAX_NUM_ORDERS", "limit": one.orders_max},
        {"filterType": "MIN_NOTIONAL", "notional": str(one.notional_min)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": str(one.multiplier_up),
            "multiplierDown": str(one.multiplier_down),
            "multiplierDecimal": "4",
        },
    ]


# One line.


def _line(value: Any) -> bytes:
    return orjson.dumps(value) + b"\n"


def _row(instrument: Instrument) -> dict[str, Any]:
    """Return what of an instrument is not said by default."""
    row: dict[str, Any] = {}
    for field in attrs.fields(Instrument):
        value = getattr(instrument, field.name)
        if value != field.default:
            row[field.name] = str(value) if isinstance(value, Decimal) else value
    return row


def _instrument(row: Mapping[str, Any]) -> Instrument:
    fields = attrs.fields_dict(Instrument)
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name not in fields:
            raise ValueError(f"unknown property {name} of a contract")
        values[name] = _decimal(value) if "Decimal" in str(fields[name].type) else value
    made = Instrument(**values)
    if not (made.tick > 0 and made.lot > 0):
        raise ValueError(f"expected a tick and a lot above 0, was {made.tick} and {made.lot}")
    return made


def _cells(event: MarketEvent, number: int) -> list[Any]:
    if isinstance(event, Quote):
        prices = (event.bid_ticks, event.bid_lots, event.ask_ticks, event.ask_lots)
        return ["q", number, *prices]
    if isinstance(event, Trade):
        return ["t", number, event.price_ticks, event.lots, int(event.buyer_is_maker)]
    if isinstance(event, DepthDiff):
        return ["d", number, event.bids, event.asks]
    if isinstance(event, Mark):
        texts = (str(event.mark_price), str(event.index_price), str(event.funding_rate))
        return ["m", number, *texts, event.next_funding_ms]
    return ["s", number, event.status]


def _quote(at_ms: int, symbol: str, numbers: Iterable[int]) -> Quote:
    bid, bid_lots, ask, ask_lots = numbers
    if not 0 < bid < ask:
        raise ValueError(f"expected 0 < bid < ask, was bid {bid} and ask {ask}")
    return Quote(
        at_ms=at_ms,
        symbol=symbol,
        bid_ticks=bid,
        bid_lots=bid_lots,
        ask_ticks=ask,
        ask_lots=ask_lots,
    )


def _trade(at_ms: int, symbol: str, numbers: Iterable[int]) -> Trade:
    price, lots, is_sold = numbers
    if not price or not lots or is_sold > 1:
        raise ValueError(
            f"expected price and lots above 0, and 0 or 1, was {price}, {lots} and {is_sold}"
        )
    return Trade(
        at_ms=at_ms, symbol=symbol, price_ticks=price, lots=lots, buyer_is_maker=bool(is_sold)
    )


def _event(cells: Any, symbols: list[str]) -> MarketEvent:
    at_ms, kind, number, *rest = cells
    at_ms = _count(at_ms)
    symbol = symbols[_count(number)]
    if kind == "q":
        return _quote(at_ms, symbol, map(_count, rest))
    if kind == "t":
        return _trade(at_ms, symbol, map(_count, rest))
    if kind == "d":
        bids, asks = rest
        return DepthDiff(at_ms=at_ms, symbol=symbol, bids=_levels(bids), asks=_levels(asks))
    if kind == "m":
        mark, index, rate, due_ms = rest
        return Mark(
            at_ms=at_ms,
            symbol=symbol,
            mark_price=_decimal(mark),
            index_price=_decimal(index),
            funding_rate=_decimal(rate),
            next_funding_ms=_count(due_ms),
        )
    if kind == "s":
        (status,) = rest
        return Status(at_ms=at_ms, symbol=symbol, status=str(status))
    raise ValueError(f"unknown kind of event {kind!r}")


def _levels(rows: Any) -> tuple[Level, ...]:
    return tuple((_count(price), _count(lots)) for price, lots in rows)


def _count(value: Any) -> int:
    if value.__class__ is not int or value < 0:
        raise ValueError(f"expected a whole number of 0 or more, was {value!r}")
    return int(value)


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str):
        raise TypeError(f"expected a decimal number as text, was {value!r}")
    try:
        found = Decimal(value)
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ValueError(f"expected a decimal number, was {value!r}")
    return found
