"""Recordings of raw frames: hftbacktest's, and those of cryptofeed.

hftbacktest: one frame per line, ``<local receive time in ns> <JSON>``, where the JSON is a
combined-stream frame of Binance USDT-M futures (``bookTicker``, ``trade``, ``depthUpdate``) or one
REST ``/depth`` answer without a ``stream`` key. It holds one symbol.

cryptofeed, as text: ``<address> -> <seconds>: <REST body>``, ``<address> <-> <seconds>`` where it
connects, ``<seconds>: <combined-stream frame>``, in any order of its files; as JSON lines (its
version 3): ``{"t": "http" or "recv", "ts": seconds, "data": text}``. It may hold several symbols,
their REST books, and the venue's contracts as they were (``exchangeInfo``). Its ``aggTrade``
frames count as trades unless ``trade`` frames of the symbol are there too.

Other frames are skipped. This module reads no file: it is given a function that opens the lines.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import orjson

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.frames import (
    PARSE_ERRORS,
    Chain,
    Frame,
    check_market,
    located,
    parsed,
    recorded,
    snapshot,
)
from grinder.simulation.recording import OpenLines, Recording
from grinder.simulation.units import Units

HOSTS = ("fapi.binance.com", "fstream.binance.com", "fstream-auth.binance.com")
EXCHANGE = "BINANCE_FUTURES"
NS_PER_S = 1_000_000_000


class _OneSymbol:
    """The units of the one symbol that a recording may hold."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._units: Units | None = None

    def units(self, symbol: str | None = None) -> Units:
        """Fix the symbol of the recording, or check that it is still the same."""
        if self._units is None:
            if symbol is None:
                raise ValueError("expected a stream frame before the REST book, to know its symbol")
            instrument = self._instruments.get(symbol)
            if instrument is None:
                raise ValueError(f"unknown symbol {symbol}")
            self._units = Units(instrument)
        known = self._units.instrument.symbol
        if symbol not in (None, known):
            raise ValueError(f"expected one symbol, {known}, was also {symbol}")
        return self._units


def hftbacktest(
    name: str, open_lines: OpenLines, instruments: Mapping[str, Instrument]
) -> Recording:
    """Read every line of the recording and return what is needed to play it.

    Raises:
        ConfigError: a line cannot be parsed, the depth chain is broken, there is more than one
            symbol or an unknown one, prices do not fit the instrument's tick, or there is no
            quote; the message names the recording and the line.
    """
    one = _OneSymbol(instruments)
    return recorded(name, "hftbacktest", lambda: _raw_frames(name, open_lines, one), one.units)


def _raw_frames(name: str, open_lines: OpenLines, one: _OneSymbol) -> Iterator[Frame]:
    chain = Chain()
    for number, line in enumerate(open_lines(), start=1):
        if not line.strip():
            continue
        try:
            frame = _raw_frame(line, one)
            chain.check(frame)
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error
        if frame is not None:
            yield frame


def _raw_frame(line: bytes, one: _OneSymbol) -> Frame | None:
    stamp, _, text = line.partition(b" ")
    local_ns = int(stamp)
    outer: dict[str, Any] = orjson.loads(text)
    if "stream" not in outer:
        return snapshot(local_ns, outer, one.units()) if "lastUpdateId" in outer else None
    body = outer["data"]
    if not isinstance(body, dict):
        raise TypeError("expected data that are a JSON object")
    check_market(body)
    if body.get("e") not in ("depthUpdate", "bookTicker", "trade"):
        return None
    return parsed(local_ns, body, one.units(body["s"]))


@attrs.frozen(kw_only=True)
class Capture:
    """What stands in a cryptofeed recording besides its stream frames."""

    contracts: Mapping[str, Mapping[str, Any]]
    """Rows of ``exchangeInfo`` by symbol, as the venue told them then."""
    books: Mapping[str, tuple[tuple[int, Mapping[str, Any]], ...]]
    """REST books by symbol, each with its local time in ns."""
    kinds: Mapping[str, frozenset[str]]
    """Kinds of stream frames by symbol."""


@attrs.frozen(kw_only=True)
class _Entry:
    """One line of a cryptofeed recording; an empty address marks a stream frame."""

    local_ns: int
    address: str
    body: bytes


def scanned(name: str, open_lines: OpenLines) -> Capture:
    """Read a cryptofeed recording once and return what it holds.

    Raises:
        ConfigError: a line cannot be parsed, or it was recorded from another venue.
    """
    contracts: dict[str, Mapping[str, Any]] = {}
    books: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    kinds: dict[str, set[str]] = {}
    for number, entry in _entries(name, open_lines):
        try:
            body = orjson.loads(entry.body)
            if not entry.address:
                data = body.get("data")
                if isinstance(data, dict) and "s" in data:
                    check_market(data)
                    kinds.setdefault(data["s"], set()).add(data.get("e", ""))
                continue
            path, _, query = entry.address.partition("?")
            if path.endswith("/exchangeInfo"):
                contracts |= {row["symbol"]: row for row in body["symbols"]}
            elif path.endswith("/depth") and "lastUpdateId" in body:
                symbol = query.partition("symbol=")[2].partition("&")[0]
                books.setdefault(symbol, []).append((entry.local_ns, body))
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error
    return Capture(
        contracts=contracts,
        books={symbol: tuple(found) for symbol, found in books.items()},
        kinds={symbol: frozenset(found) for symbol, found in kinds.items()},
    )


def cryptofeed(
    name: str, open_lines: OpenLines, instruments: Mapping[str, Instrument]
) -> list[Recording]:
    """Read a cryptofeed recording and return one recording for each known symbol in it.

    Raises:
        ConfigError: a line cannot be parsed, a depth chain is broken, prices do not fit the
            instrument's tick, a symbol has no quote, or no symbol in it is known; the message
            names the recording and, where there is one, the line.
    """
    capture = scanned(name, open_lines)
    wanted = [symbol for symbol in capture.kinds if symbol in instruments]
    if not wanted:
        held = ", ".join(sorted(capture.kinds)) or "no market data"
        traded = ", ".join(instruments)
        raise ConfigError(f"recording {name}: holds {held}, but traded is {traded}")
    return [_of_symbol(name, open_lines, capture, instruments[symbol]) for symbol in wanted]


def _of_symbol(
    name: str, open_lines: OpenLines, capture: Capture, instrument: Instrument
) -> Recording:
    units = Units(instrument, skips_odd_levels=True)
    symbol = instrument.symbol
    left_out = "aggTrade" if "trade" in capture.kinds[symbol] else ""

    def books() -> Iterator[Frame]:
        for local_ns, body in capture.books.get(symbol, ()):
            try:
                yield snapshot(local_ns, body, units)
            except PARSE_ERRORS as error:
                raise ConfigError(f"recording {name}, REST book of {symbol}: {error}") from error

    def streamed() -> Iterator[Frame]:
        chain = Chain()
        needle = f'"{symbol}"'.encode()
        for number, entry in _entries(name, open_lines):
            # Most lines are of other symbols: parsing JSON only to see that takes too long.
            if entry.address or needle not in entry.body:
                continue
            try:
                frame = _streamed_frame(entry, units, left_out)
                chain.check(frame)
            except PARSE_ERRORS as error:
                raise located(name, number, error) from error
            if frame is not None:
                yield frame

    def frames() -> Iterator[Frame]:
        return heapq.merge(books(), streamed(), key=lambda frame: frame.local_ns)

    return recorded(name, "cryptofeed", frames, lambda: units)


def _streamed_frame(entry: _Entry, units: Units, left_out: str) -> Frame | None:
    body = orjson.loads(entry.body).get("data")
    if not isinstance(body, dict) or body.get("s") != units.instrument.symbol:
        return None
    if body.get("e") == left_out:
        return None
    frame = parsed(entry.local_ns, body, units)
    if frame is not None and body["e"] == "bookTicker":
        # The recorder asks for REST books while frames wait, so older quotes come after the book.
        return attrs.evolve(frame, last_update_id=int(body["u"]))
    return frame


def _entries(name: str, open_lines: OpenLines) -> Iterator[tuple[int, _Entry]]:
    for number, line in enumerate(open_lines(), start=1):
        if not line.strip():
            continue
        try:
            entry = _json_entry(line) if line.startswith(b"{") else _text_entry(line)
        except PARSE_ERRORS as error:
            raise located(name, number, error) from error
        if entry is not None:
            yield number, entry


def _text_entry(line: bytes) -> _Entry | None:
    if line.startswith(b"configuration:"):
        return None
    address = b""
    if line.startswith((b"http", b"ws")):
        address, _, line = line.partition(b" ")
        _check_host(address.decode())
        arrow, _, line = line.partition(b" ")
        if arrow != b"->":
            return None
    stamp, _, body = line.partition(b": ")
    return _Entry(local_ns=_ns(float(stamp)), address=address.decode(), body=body)


def _json_entry(line: bytes) -> _Entry | None:
    outer: dict[str, Any] = orjson.loads(line)
    kind = outer["t"]
    if kind == "header" and outer["exchange"] != EXCHANGE:
        raise ValueError(f"recorded from {outer['exchange']}: only {EXCHANGE} is played")
    if kind not in ("http", "recv"):
        return None
    address = outer["url"] if kind == "http" else ""
    if address:
        _check_host(address)
    return _Entry(local_ns=_ns(outer["ts"]), address=address, body=outer["data"].encode())


def _check_host(address: str) -> None:
    host = address.partition("//")[2].partition("/")[0]
    if host not in HOSTS:
        raise ValueError(f"recorded from {host}: only Binance USDT-M futures are played")


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_S)
