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


def streams(*, is_short: bool) -> Result:
    """Measure frames a second at all clients together, their age, and what was lost."""
    rounds, round_s = (2, 0.5) if is_short else (5, 6.0)
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
        yield b"%d %b" % (number * NS_PER_S // QUOTES_PER_S, orjson.dumps(frame))


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
                began, before = sum(each.heard.frames for each in clients), venue.usage()
                await _listened(round_s, listening)
                now = venue.usage()
                frames = sum(each.heard.frames for each in clients) - began
                speeds.append(frames / (now.at_s - before.at_s))
                shares.append(now.cpu_share(before))
        finally:
            for each in listening:
                each.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
    return _found(clients, speeds, shares, round_s)


async def _listened(seconds: float, listening: list[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(listening, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


def _found(
    clients: list[Client], speeds: list[float], shares: list[float], round_s: float
) -> Result:
    ages = [age for each in clients for age in each.age_ms]
    per_s = spread(speeds)
    lost = sum(each.heard.lost for each in clients)
    disordered = sum(each.heard.disordered for each in clients)
    chains = {len(each.heard.chains) for each in clients}
    wanted = CLIENTS * len(SYMBOLS) * QUOTES_TARGET
    return {
        "rounds": len(speeds),
        "round_s": round_s,
        "clients": len(clients),
        "symbols_heard": min(chains),
        "frames_heard": sum(each.heard.frames for each in clients),
        "frames_per_s": per_s,
        "age_ms": {
            "p50": percentile(ages, 0.5),
            "p99": percentile(ages, 0.99),
            "max": max(ages),
        },
        "venue_cpu_share": spread(shares),
        "targets": [
            target("frames a second", per_s["median"], wanted, at_least=True),
            target("symbols heard by every client", min(chains), len(SYMBOLS), at_least=True),
            target("frames lost", lost, 0, at_least=False),
            target("frames repeated or disordered", disordered, 0, at_least=False),
        ],
    }
