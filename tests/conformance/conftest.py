from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.ccxt_trader import CcxtProTrader, CcxtTrader
from conformance.python_binance_trader import PythonBinanceTrader
from conformance.sdk_trader import SdkSocketTrader, SdkTrader
from conformance.trader import Trader
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer

TRADERS: dict[str, type[Trader]] = {
    "ccxt": CcxtTrader,
    "ccxt-pro": CcxtProTrader,
    "python-binance": PythonBinanceTrader,
    "sdk": SdkTrader,
    "sdk-socket": SdkSocketTrader,
}


@pytest.fixture(scope="module", params=TRADERS)
def client(request: pytest.FixtureRequest) -> Iterator[Trader]:
    server = VenueServer(VenueConfig(paused=True))
    server.start()
    trader = TRADERS[request.param](server)
    yield trader
    trader.close()
    server.stop()


@pytest.fixture
def trader(client: Trader) -> Trader:
    """One client on a venue with a fresh account and a market that stands still."""
    client.server.control("clock", offset_ms=0)
    client.server.control("reset")
    stand(client.server)
    return client


def stand(server: VenueServer, bid: str = "61700.0", ask: str = "61700.1") -> None:
    """Let the market of BTCUSDT stand at this quote."""
    server.control("quote", symbol="BTCUSDT", bid=bid, ask=ask, bid_qty=5, ask_qty=5)
