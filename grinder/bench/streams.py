"""Quotes of ten symbols to ten stream clients: how many a second, and whether all of them arrive.

The venue, in a process of its own, plays a recording for each symbol that holds nothing but quotes
at a fixed pace. So update ids rise by one, and every client can count what it missed. The pace is a
tenth above the target, so that the edges of a round do not decide.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import orjson

from grinder.bench.figures import Result, percentile, spread, target
from grinder.bench.heard import Heard
from grinder.bench.venue_child import VenueChild
from grinder.model.instrument import Instrument
from grinder.venues.sim import catalog

SYMBOLS = (
    "BTCUSDT",
    "ETHUSDT",
    "XRPUSDT",
    "LTCUSDT",
    "LINKUSDT",
    "ADAUSDT",
    "BNBUSDT",
    "DOGEUSDT",
    "SOLUSDT",
    "1000PEPEUSDT",
)
CLIENTS = 10
QUOTES_TARGET = 100
QUOTES_PER_S = 110
MARGIN_S = 20
"""How much longer a recording is than all rounds: its end would break the chain of ids."""
NS_PER_S = 1_000_000_000
START_NS = 1_700_000_000 * NS_PER_S
"""When the recordings say they were made."""


def streams(*, is_short: bool) -> Result:
    """Measure frames a second at all clients together, their age, and what was lost."""
    rounds, round_s = (2, 0.5) if is_short else (5, 5.0)
    with TemporaryDirectory() as folder:
        paths = recorded(Path(folder), round(rounds * round_s) + MARGIN_S)
        with VenueChild(SYMBOLS, paths) as venue:
            return asyncio.run(_measured(venue, rounds, round_s))


def recorded(folder: Path, seconds: int) -> list[str]:
    """Write a recording of quotes for each symbol and return the paths."""
    paths = []
    for instrument in catalog.instruments(catalog.exchange_info(), SYMBOLS).values():
        path = folder / f"{instrument.symbol}.jsonl"
        path.write_bytes(b"\n".join(_lines(instrument, seconds * QUOTES_PER_S)))
        paths.append(str(path))
    return paths


def _lines(instrument: Instrument, count: int) -> Iterator[bytes]:
    symbol, home = instrument.symbol, catalog.start_ticks(instrument)
    for number in range(count):
        bid = home + number % 7
        body = {
            "e": "bookTicker",
            "s": symbol,
            "b": format(instrument.price(bid), "f"),
            "B": format(instrument.qty(1_000 + number), "f"),
            "a": format(instrument.price(bid + 1), "f"),
            "A": format(instrument.qty(2_000 + number), "f"),
        }
        frame = {"stream": f"{symbol.lower()}@bookTicker", "data": body}
        at_ns = START_NS + number * NS_PER_S // QUOTES_PER_S
        yield b"%d %b" % (at_ns, orjson.dumps(frame))


class Client:
    """One stream client that hears every symbol.

    Raises:
        RuntimeError: the venue ended the connection, as it does to a client that is too slow.
    """

    def __init__(self) -> None:
        self.heard = Heard()
        self.age_ms: list[int] = []

    async def listen(self, session: aiohttp.ClientSession, ws_url: str) -> None:
        """Hear until cancelled."""
        names = "/".join(f"{symbol.lower()}@bookTicker" for symbol in SYMBOLS)
        async with session.ws_connect(f"{ws_url}/public/stream?streams={names}") as socket:
            async for message in socket:
                body: dict[str, Any] = orjson.loads(message.data)["data"]
                self.heard.hear(body["s"], body["u"])
                self.age_ms.append(time.time_ns() // 1_000_000 - body["E"])
        raise RuntimeError("the venue ended a connection")


async def _measured(venue: VenueChild, rounds: int, round_s: float) -> Result:
    clients = [Client() for _ in range(CLIENTS)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        listening = [asyncio.create_task(each.listen(session, venue.ws_url)) for each in clients]
        try:
            await _listened(1.0, listening)
            speeds, shares = [], []
            for _ in range(rounds):
                before = await asyncio.to_thread(venue.usage)
                # What piled up while the venue collected its garbage is in no figure.
                await _listened(round_s / 10, listening)
                began, began_s = _frames(clients), time.perf_counter()
                await _listened(round_s, listening)
                speeds.append((_frames(clients) - began) / (time.perf_counter() - began_s))
                shares.append((await asyncio.to_thread(venue.usage)).cpu_share(before))
        finally:
            for each in listening:
                each.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
    return _found(clients, speeds, shares, round_s)


async def _listened(seconds: float, listening: list[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(listening, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


def _frames(clients: list[Client]) -> int:
    return sum(each.heard.frames for each in clients)


def _found(
    clients: list[Client], speeds: list[float], shares: list[float], round_s: float
) -> Result:
    ages = [age for each in clients for age in each.age_ms]
    return {
        "rounds": len(speeds),
        "round_s": round_s,
        "clients": len(clients),
        "frames_heard": _frames(clients),
        "frames_per_s": spread(speeds),
        "age_ms": {"p50": percentile(ages, 0.5), "p99": percentile(ages, 0.99), "max": max(ages)},
        "venue_cpu_share": spread(shares),
        "targets": _targets([each.heard for each in clients], median(speeds)),
    }


def _targets(heard: list[Heard], per_s: float) -> list[Result]:
    wanted = CLIENTS * len(SYMBOLS) * QUOTES_TARGET
    symbols = min(len(each.chains) for each in heard)
    lost = sum(each.lost for each in heard)
    disordered = sum(each.disordered for each in heard)
    return [
        target("frames a second", round(per_s), wanted, at_least=True),
        target("symbols heard by every client", symbols, len(SYMBOLS), at_least=True),
        target("frames lost", lost, 0, at_least=False),
        target("frames repeated or disordered", disordered, 0, at_least=False),
    ]
