"""The control endpoint of a venue with several markets: which of them a command is for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from aiohttp import web

from grinder.simulation.refusals import Refusal
from grinder.venues.sim.control import Control
from grinder.venues.sim.control_market import Request
from grinder.venues.sim.plan import REFUSED
from grinder.venues.sim.products import SPOT_PREFIX
from grinder.venues.sim.refusing import ApiRefusal
from grinder.venues.sim.rest import body_of, reply

ONCE = ("fault", "refuse", "orders", "clock", "key", "fees", "expire-listen-key")
"""Commands that are for the first market unless another is named; others are for all of them."""


class Controls:
    """Carries out the orders of a test; must be called on the venue's event loop.

    A command is for the market that its ``market`` names, else for that of its symbol
    (``spot:BTCUSDT`` is spot's) or of its path, else for the first market or for all.
    """

    def __init__(self, controls: Sequence[Control]) -> None:
        self.markets = {each.venue.product.name: each for each in controls}
        self.first = controls[0]

    @property
    def names(self) -> Iterable[str]:
        """The commands that there are."""
        return self.first.names

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
            KeyError: there is no such command or market, or a field is missing.
            ValueError: a field has an impossible value.
        """
        chosen = self._of(wanted)
        if chosen is not None:
            return chosen.command(name, _plain(wanted))
        first, *others = self.markets.values()
        answer = first.command(name, wanted)
        if name not in ONCE:
            for each in others:
                said = each.command(name, wanted)
                if name == "state":
                    answer[each.venue.product.name] = said
        return answer

    def _of(self, wanted: Request) -> Control | None:
        if "market" in wanted:
            return self.markets[str(wanted["market"])]
        trade = wanted.get("trade")
        symbol = wanted.get("symbol") or (trade.get("symbol") if isinstance(trade, dict) else "")
        symbol = str(symbol or "")
        if symbol.startswith(SPOT_PREFIX):
            return self.markets["spot"]
        if symbol:
            holders = [each for each in self.markets.values() if symbol in each.venue.books]
            return holders[0] if holders else self.first
        path = str(wanted.get("path", ""))
        for each in self.markets.values():
            if path.startswith(each.venue.product.rest):
                return each
        return None


def _plain(wanted: Request) -> Request:
    """Return a request whose symbols are named as their market names them."""
    found = {name: value for name, value in wanted.items() if name != "market"}
    if isinstance(found.get("symbol"), str):
        found["symbol"] = found["symbol"].removeprefix(SPOT_PREFIX)
    if isinstance(found.get("trade"), dict):
        found["trade"] = _plain(found["trade"])
    return found
