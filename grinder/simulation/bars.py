"""Bars (open, high, low, close, volume) turned into ticks that could have made them.

A bar says nothing about the way inside it. This is what is made up, the same each time:

- **The path.** One step a second, at least four. The price goes in straight lines from the open to
  the nearer end first: open, low, high, close in a bar that rose or stayed, open, high, low, close
  in one that fell. All four prices are traded, unless the volume has fewer lots than corners.
- **Trades.** The volume is spread evenly over the steps in whole lots and adds up exactly; no trade
  is outside low and high. Takers buy while the price rises and sell while it falls.
- **The quote.** ``spread_ticks`` wide, stated at each step; the trade's price is its near side. Bid
  and ask are inside low and high too, unless the bar is narrower than two spreads.
- **The book.** LEVELS levels on each side, a tick apart, each with a tenth of the bar's volume.

The file is CSV: with a header that names its columns, or without one in the order of the venue's
klines (open time, open, high, low, close, volume, close time, ...). Times are seconds, milli-,
micro- or nanoseconds since the Unix epoch, or ISO texts in UTC; prices and volumes must fit tick
and lot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import attrs

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.frames import PARSE_ERRORS, located
from grinder.simulation.market import DepthDiff, Level, Levels, MarketEvent, Quote, Trade
from grinder.simulation.recording import OpenLines, Recording
from grinder.simulation.units import Units

STEP_MS = 1000
STEPS_MIN = 4
LEVELS = 20
"""Book levels on each side."""
SPAN_MS = 60_000
"""Length of a bar when there is only one and nothing says how long it is."""

ORDER = ("open_time", "open", "high", "low", "close", "volume")
NAMES = {
    "open_time": ("open_time", "time_ms", "timestamp", "time", "date", "datetime"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume",),
}
"""Names of columns in headers, in lower case."""


@attrs.frozen(kw_only=True)
class Bar:
    """Prices in ticks, volume in lots."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """The four prices in the order in which they are reached."""
        if self.close >= self.open:
            return self.open, self.low, self.high, self.close
        return self.open, self.high, self.low, self.close


@attrs.frozen(kw_only=True)
class Style:
    """How ticks are made out of bars."""

    instrument: Instrument
    span_ms: int
    """Length of a bar, above 0."""
    spread_ticks: int = 1
    """Width of the quote, above 0."""


@attrs.frozen(kw_only=True)
class _Step:
    """One step: the price at which is traded, by whom, and how much."""

    at_ms: int
    price: int
    is_buy: bool
    lots: int


def is_bars(line: bytes) -> bool:
    """Tell whether a first line may be that of a CSV of bars."""
    cells = _cells(line)
    try:
        _columns(cells)
    except ValueError:
        return False
    return True


def bars(
    name: str, open_lines: OpenLines, instrument: Instrument, *, spread_ticks: int = 1
) -> Recording:
    """Read every bar and return what is needed to play them.

    Raises:
        ConfigError: a line cannot be parsed, bars are not in order of time, a price is outside its
            bar, prices or volumes do not fit the instrument, or there is no bar.
        ValueError: the spread is below 1 tick.
    """
    if spread_ticks < 1:
        raise ValueError(f"expected a spread of 1 tick or more, was {spread_ticks}")
    units = Units(instrument)
    first_bar: Bar | None = None
    bar: Bar | None = None
    count = highest = 0
    span_ms = 0
    for following in _bars(name, open_lines, units):
        if bar is not None:
            gap_ms = following.open_ms - bar.open_ms
            span_ms = min(span_ms or gap_ms, gap_ms)
        bar = following
        first_bar = first_bar or bar
        count += 1
        highest = max(highest, bar.high)
    if bar is None or first_bar is None:
        raise ConfigError(f"recording {name}: expected at least one bar, was none")
    style = Style(instrument=instrument, span_ms=span_ms or SPAN_MS, spread_ticks=spread_ticks)
    return Recording(
        name=name,
        kind="bars",
        instrument=instrument,
        play=lambda: ticks(_bars(name, open_lines, units), style),
        start_ms=first_bar.open_ms,
        events=count,
        duration_ms=bar.open_ms - first_bar.open_ms + style.span_ms,
        first=_quotes(first_bar, style)[0],
        last=_quotes(bar, style)[-1],
        highest_ticks=highest + spread_ticks,
    )


def ticks(found: Iterable[Bar], style: Style) -> Iterator[MarketEvent]:
    """Yield what could have made the bars, timed from 0: diffs, quotes and trades."""
    instrument = style.instrument
    book = Levels()
    start_ms: int | None = None
    for bar in found:
        start_ms = bar.open_ms if start_ms is None else start_ms
        depth = max(instrument.qty_lots_min, bar.lots // 10, 1)
        for step in _steps(bar, style):
            at_ms = bar.open_ms - start_ms + step.at_ms
            bid = step.price - style.spread_ticks if step.is_buy else step.price
            touch = (bid, bid + style.spread_ticks)
            ladder = _ladder(at_ms, instrument.symbol, touch, depth)
            diff = _changes(book, ladder)
            if diff.bids or diff.asks:
                book.apply(diff)
                yield diff
            yield _quote(at_ms, instrument.symbol, touch, depth)
            if step.lots:
                yield Trade(
                    at_ms=at_ms,
                    symbol=instrument.symbol,
                    price_ticks=step.price,
                    lots=step.lots,
                    buyer_is_maker=not step.is_buy,
                )


def _quotes(bar: Bar, style: Style) -> list[Quote]:
    return [event for event in ticks((bar,), style) if isinstance(event, Quote)]


def _steps(bar: Bar, style: Style) -> Iterator[_Step]:
    count = max(STEPS_MIN, style.span_ms // STEP_MS)
    corners = bar.corners
    # Corners stand at the beginning, after each third and at the end.
    at = [leg * (count - 1) // 3 for leg in range(4)]
    first = at[: min(bar.lots, len(at))]
    rest = bar.lots - len(first)
    for number in range(count):
        leg = (number > at[1]) + (number > at[2])
        begin, end = corners[leg], corners[leg + 1]
        price = begin + (end - begin) * (number - at[leg]) // (at[leg + 1] - at[leg])
        lots = rest * (number + 1) // count - rest * number // count + (number in first)
        yield _Step(
            at_ms=style.span_ms * number // count,
            price=price,
            is_buy=_is_buy(bar, price, style.spread_ticks, is_rising=end >= begin),
            lots=lots,
        )


def _is_buy(bar: Bar, price: int, spread_ticks: int, *, is_rising: bool) -> bool:
    """Buy while the price rises, unless the quote fits into the bar only the other way round."""
    buy_fits, sell_fits = price - spread_ticks >= bar.low, price + spread_ticks <= bar.high
    if buy_fits != sell_fits:
        return buy_fits
    return is_rising


def _ladder(at_ms: int, symbol: str, touch: tuple[int, int], lots: int) -> DepthDiff:
    bid, ask = touch
    return DepthDiff(
        at_ms=at_ms,
        symbol=symbol,
        bids=tuple((bid - step, lots) for step in range(LEVELS) if bid - step > 0),
        asks=tuple((ask + step, lots) for step in range(LEVELS)),
    )


def _quote(at_ms: int, symbol: str, touch: tuple[int, int], lots: int) -> Quote:
    bid, ask = touch
    return Quote(
        at_ms=at_ms, symbol=symbol, bid_ticks=bid, bid_lots=lots, ask_ticks=ask, ask_lots=lots
    )


def _changes(book: Levels, wanted: DepthDiff) -> DepthDiff:
    whole = book.turned_into(wanted)
    return attrs.evolve(
        whole, bids=_changed(book.bids, whole.bids), asks=_changed(book.asks, whole.asks)
    )


def _changed(side: Mapping[int, int], levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple((price, lots) for price, lots in levels if side.get(price, 0) != lots)


def _bars(name: str, open_lines: OpenLines, units: Units) -> Iterator[Bar]:
    columns: Mapping[str, int] | None = None
    before_ms = -1
    for number, line in enumerate(open_lines(), start=1):
        cells = _cells(line)
        if cells == [""]:
            continue
        try:
            if columns is None:
                columns = _columns(cells)
                if not _is_time(cells[columns["open_time"]]):
                    continue
            bar = _bar(cells, columns, units)
            if bar.open_ms <= before_ms:
                raise ValueError("expected bars in order of time, each once")
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error
        before_ms = bar.open_ms
        yield bar


def _cells(line: bytes) -> list[str]:
    return [cell.strip().strip('"') for cell in line.decode("utf-8-sig", "replace").split(",")]


def _columns(cells: list[str]) -> Mapping[str, int]:
    """Return where each column stands: as the header says, or in the venue's order."""
    if len(cells) >= len(ORDER) and _is_time(cells[0]) and _is_number(cells[4]):
        return {name: place for place, name in enumerate(ORDER)}
    places = {cell.lower().replace(" ", "_"): place for place, cell in enumerate(cells)}
    found: dict[str, int] = {}
    for name, aliases in NAMES.items():
        place = next((places[alias] for alias in aliases if alias in places), None)
        if place is None:
            raise ValueError(f"expected a column {name}, was {', '.join(cells)[:200]}")
        found[name] = place
    return found


def _bar(cells: list[str], columns: Mapping[str, int], units: Units) -> Bar:
    def ticks_of(name: str) -> int:
        return units.ticks(cells[columns[name]])

    volume = cells[columns["volume"]]
    bar = Bar(
        open_ms=_time_ms(cells[columns["open_time"]]),
        open=ticks_of("open"),
        high=ticks_of("high"),
        low=ticks_of("low"),
        close=ticks_of("close"),
        lots=units.lots(volume) if volume else 0,
    )
    if not 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise ValueError("expected 0 < low <= open, close <= high")
    return bar


def _is_number(cell: str) -> bool:
    return bool(cell) and cell.replace(".", "", 1).isdecimal()


def _is_time(cell: str) -> bool:
    return _is_number(cell) or (cell[:4].isdecimal() and "-" in cell)


def _time_ms(cell: str) -> int:
    if not cell.isdecimal():
        when = datetime.fromisoformat(cell)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return round(when.timestamp() * 1000)
    value = int(cell)
    for bound, times, by in ((10**11, 1000, 1), (10**14, 1, 1), (10**17, 1, 1000)):
        if value < bound:
            return value * times // by
    return value // 1_000_000
