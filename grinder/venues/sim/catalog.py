"""The contracts of the simulated venue: the shipped exchangeInfo and the instruments in it."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson

from grinder.errors import ConfigError
from grinder.model.instrument import Instrument
from grinder.simulation.recording import OpenLines, Recording
from grinder.simulation.sources import contracts, read
from grinder.venues.sim.config import BUNDLED

DATA = Path(__file__).parent / "data"
BUNDLED_RECORDING = DATA / "btcusdt-20240808.jsonl.gz"

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"

FALLBACK = "ETHUSDT"
"""Contract whose fields older descriptions get, and from which they take what they lack."""

FORMER_FILTER = "MAX_NUM_ALGO_ORDERS"
"""Gone since conditional orders are counted for the account, 200 of them."""

START_PRICES = {
    "BTCUSDT": Decimal("61800.0"),
    "ETHUSDT": Decimal("2680.00"),
    "XRPUSDT": Decimal("0.6100"),
    "LTCUSDT": Decimal("60.00"),
    "LINKUSDT": Decimal("10.50"),
    "ADAUSDT": Decimal("0.3400"),
    "BNBUSDT": Decimal("515.00"),
    "DOGEUSDT": Decimal("0.10500"),
    "SOLUSDT": Decimal("162.00"),
    "1000PEPEUSDT": Decimal("0.0082000"),
    "BTCUSDC": Decimal("61800.0"),
    "ETHUSDC": Decimal("2680.00"),
    "ETHBTC": Decimal("0.04337"),
    "BTCUSD_PERP": Decimal("61800.0"),
    "ETHUSD_PERP": Decimal("2680.00"),
    "BNBUSD_PERP": Decimal("515.00"),
}
"""First prices of generated markets, of the order they had on the day of the recording."""


def exchange_info(data: tuple[str, ...] = (), name: str = "exchange_info.json") -> dict[str, Any]:
    """Return a shipped exchangeInfo body, without server time and assets.

    Contracts whose market a recording in ``data`` holds, with their description of that time, stand
    in place of those shipped or beside them.

    Raises:
        ConfigError: a recording is missing or cannot be read.
    """
    body: dict[str, Any] = orjson.loads((DATA / name).read_bytes())
    rows = {row["symbol"]: row for row in body["symbols"]}
    rows |= _recorded_rows(data, rows.get(FALLBACK, {}))
    body["symbols"] = [row | {"filters": _filters(row)} for row in rows.values()]
    return body


def _filters(row: Mapping[str, Any]) -> list[Any]:
    """Return the filters that the venue still has; older descriptions have more."""
    return [each for each in row["filters"] if each["filterType"] != FORMER_FILTER]


def _recorded_rows(data: tuple[str, ...], newer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    paths = [_named(item)[1] for item in data if item != BUNDLED]
    return {
        symbol: {name: row.get(name, value) for name, value in newer.items()}
        for path in paths
        for symbol, row in contracts(str(path), opener(path)).items()
    }


def instruments(body: Mapping[str, Any], symbols: tuple[str, ...]) -> dict[str, Instrument]:
    """Return the instruments of ``symbols``.

    Raises:
        ConfigError: no symbol is named, or one is not in ``body``.
    """
    known = {row["symbol"]: row for row in body["symbols"]}
    unknown = tuple(symbol for symbol in symbols if symbol not in known)
    if unknown or not symbols:
        choice = ", ".join(known)
        raise ConfigError(f"unknown symbol {', '.join(unknown) or '(none)'}: choose from {choice}")
    return {symbol: instrument(known[symbol]) for symbol in symbols}


def instrument(row: Mapping[str, Any]) -> Instrument:
    """Return the instrument described by one exchangeInfo symbol."""
    filters = {each["filterType"]: each for each in row["filters"]}
    price, lots = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    tick, lot = Decimal(price["tickSize"]), Decimal(lots["stepSize"])
    bare = Instrument(symbol=row["symbol"], base_asset=row["baseAsset"], tick=tick, lot=lot)
    percent = filters.get("PERCENT_PRICE") or _of_buys(filters["PERCENT_PRICE_BY_SIDE"])
    orders = filters["MAX_NUM_ORDERS"]
    size = row.get("contractSize")
    return Instrument(
        symbol=row["symbol"],
        status=row.get("status") or row["contractStatus"],
        base_asset=row["baseAsset"],
        quote_asset=row["quoteAsset"],
        tick=tick,
        lot=lot,
        price_ticks_min=bare.ticks_up(Decimal(price["minPrice"])),
        price_ticks_max=bare.ticks_down(Decimal(price["maxPrice"])),
        qty_lots_min=bare.lots_down(Decimal(lots["minQty"])),
        qty_lots_max=bare.lots_down(Decimal(lots["maxQty"])),
        market_qty_lots_max=bare.lots_down(Decimal(filters["MARKET_LOT_SIZE"]["maxQty"])),
        notional_min=_notional_min(filters),
        multiplier_up=Decimal(percent["multiplierUp"]),
        multiplier_down=Decimal(percent["multiplierDown"]),
        is_banded="PERCENT_PRICE_BY_SIDE" in filters,
        trigger_protect=Decimal(row.get("triggerProtect", "0.05")),
        orders_max=int(orders.get("limit") or orders["maxNumOrders"]),
        contract_size=None if size is None else Decimal(size),
    )


def _of_buys(by_side: Mapping[str, Any]) -> Mapping[str, Any]:
    # Buys and sells have the same multipliers on every symbol that is shipped.
    return {
        "multiplierUp": by_side["bidMultiplierUp"],
        "multiplierDown": by_side["bidMultiplierDown"],
    }


def _notional_min(filters: Mapping[str, Mapping[str, Any]]) -> Decimal:
    if "NOTIONAL" in filters:
        return Decimal(filters["NOTIONAL"]["minNotional"])
    return Decimal(filters["MIN_NOTIONAL"]["notional"] if "MIN_NOTIONAL" in filters else 0)


def start_ticks(of: Instrument) -> int:
    """Return the first price of a generated market, inside the instrument's range."""
    price = START_PRICES.get(of.symbol, Decimal(100))
    return min(max(of.ticks_down(price), of.price_ticks_min, 1000), of.price_ticks_max)


def recordings(
    data: tuple[str, ...], known: Mapping[str, Instrument], spread_ticks: int = 1
) -> dict[str, Recording]:
    """Read and check the recordings; return them by symbol.

    Args:
        data: paths, or SYMBOL=PATH, or the name of the bundled recording, which is left out when
            its symbol is not traded. Bars are of the symbol named, or else of that with which the
            name of the file begins, as in BTCUSDT-1m-2024-08-08.csv.
        known: what is traded, by symbol.
        spread_ticks: width of the quote that is made up for bars.

    Raises:
        ConfigError: a file is missing, is damaged, or two hold the same symbol.
    """
    found: dict[str, Recording] = {}
    for item in data:
        if item == BUNDLED and "BTCUSDT" not in known:
            continue
        symbol, path = _named(item)
        for recording in read(
            str(path),
            opener(path),
            known,
            symbol=symbol,
            guess=path.name.partition("-")[0].partition(".")[0].upper(),
            spread_ticks=spread_ticks,
        ):
            its = recording.instrument.symbol
            if its in found:
                raise ConfigError(f"recording {path}: {its} already has a recording")
            found[its] = recording
    return found


def _named(item: str) -> tuple[str, Path]:
    """Return symbol and path of SYMBOL=PATH; the symbol is empty when only a path is given.

    Raises:
        ConfigError: there is no such file.
    """
    symbol, equals, rest = item.partition("=")
    if not equals or not symbol.isalnum():
        symbol, rest = "", item
    path = BUNDLED_RECORDING if rest == BUNDLED else Path(rest)
    if not path.is_file():
        raise ConfigError(f"recording {path}: no such file")
    return symbol.upper(), path


def opener(path: Path) -> OpenLines:
    """Return a function that opens a recording and yields its lines; gzip and zip are unpacked.

    The iterator raises ConfigError, with file and line, when the compressed data are damaged.
    """

    def lines() -> Iterator[bytes]:
        number = 0
        try:
            with _opened(path) as file:
                for line in file:
                    number += 1
                    yield line
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise ConfigError(f"recording {path}, after line {number}: {error}") from error

    return lines


def _opened(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(GZIP):
        return gzip.open(path, "rb")
    if start == ZIP:
        return _only_member(path)
    return path.open("rb")


@contextmanager
def _only_member(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        if len(names) != 1:
            raise ConfigError(f"recording {path}: expected one file in it, were {len(names)}")
        with packed.open(names[0]) as file:
            yield file
