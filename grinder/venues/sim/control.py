"""The control endpoint: what tests may order the venue to do. It is closed unless asked for.

Every call is ``POST /control/<name>`` with a JSON object and answers a JSON object; ``state`` and
``orders`` may also be read with GET.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs
import orjson
from aiohttp import web

from grinder.simulation.refusals import Refusal
from grinder.venues.sim.control_accounts import AccountControl
from grinder.venues.sim.control_faults import FaultControl
from grinder.venues.sim.control_market import MarketControl, Request, market_state
from grinder.venues.sim.control_values import whole
from grinder.venues.sim.feeder import Player
from grinder.venues.sim.plan import REFUSED
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.rendering import plain, read_order
from grinder.venues.sim.rest import body_of, reply
from grinder.venues.sim.venue import Venue


class Control:
    """Carries out the orders of a test; must be called on the venue's event loop."""

    def __init__(self, venue: Venue, players: Mapping[str, Player]) -> None:
        self._venue = venue
        self._players = players
        self._faults = FaultControl(venue)
        self._commands: Mapping[str, Callable[[Request], Any]] = {
            **MarketControl(venue, players).commands(),
            **self._faults.commands(),
            **AccountControl(venue).commands(),
            "state": self.state,
            "orders": self.orders,
            "reset": self.reset,
        }

    @property
    def names(self) -> Iterable[str]:
        """The commands that there are."""
        return self._commands.keys()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        body = await body_of(request)
        try:
            wanted = orjson.loads(body) if body else dict(request.query)
            if not isinstance(wanted, dict):
                raise TypeError("expected a JSON object")
            return reply(200, self.command(request.match_info["name"], wanted), {})
        except (ApiRefusal, Refusal) as refusal:
            return reply(400, {"error": str(refusal)}, {})
        except REFUSED as error:
            return reply(400, {"error": f"{type(error).__name__}: {error}"}, {})

    def command(self, name: str, wanted: Request) -> Any:
        """Carry out one command.

        Raises:
            KeyError: there is no such command or a field is missing.
            ValueError: a field has an impossible value.
        """
        return self._commands[name](wanted)

    def state(self, _: Request) -> Any:
        """Return accounts, markets, connections, counts, and errors that nobody ordered."""
        return {
            "now_ms": self._venue.clock.now_ms(),
            "connections": self._venue.hub.connections,
            "slow_disconnects": self._venue.hub.slow_disconnects,
            "failures": {
                "count": self._venue.failures.count,
                "newest": list(self._venue.failures.newest),
            },
            **self._faults.state(),
            "markets": {
                symbol: market_state(self._venue, self._players, symbol)
                for symbol in self._venue.books
            },
            "accounts": {seed.key: self._account(seed.key) for seed in self._venue.config.accounts},
        }

    def orders(self, wanted: Request) -> Any:
        """Return the order log's lines numbered above ``after``."""
        return {"orders": self._venue.log.lines(whole(wanted, "after", 0, least=0, most=2**62))}

    def reset(self, _: Request) -> Any:
        """Begin anew with fresh accounts; the market goes on."""
        self._venue.reset()
        self._venue.hub.chaos.clear()
        return {}

    def _account(self, account: str) -> Any:
        exchange = self._venue.exchange
        ledger = attrs.asdict(exchange.ledger(account))
        return {
            "ledger": {
                name: plain(value) if isinstance(value, Decimal) else value
                for name, value in ledger.items()
            },
            "balance": plain(exchange.balance(account).wallet),
            "positions": {
                each.symbol: plain(each.qty) for each in exchange.positions(account) if each.qty
            },
            "open_orders": [read_order(order) for order in exchange.open_orders(account)],
        }
