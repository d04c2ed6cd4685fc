"""The control endpoint: what tests may order the venue to do. It is closed unless asked for.

Every call is ``POST /control/<name>`` with a JSON object and answers a JSON object; ``state`` and
``orders`` may also be read with GET.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from grinder.model.legs import leg_name
from grinder.venues.sim.control_accounts import AccountControl
from grinder.venues.sim.control_faults import FaultControl
from grinder.venues.sim.control_market import MarketControl, Request, market_state
from grinder.venues.sim.control_values import whole
from grinder.venues.sim.feeder import Player
from grinder.venues.sim.rendering import plain, read_order
from grinder.venues.sim.venue import Venue


class Control:
    """Carries out the orders of a test; must be called on the venue's event loop."""

    def __init__(self, venue: Venue, players: Mapping[str, Player]) -> None:
        self.venue = venue
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
            "now_ms": self.venue.clock.now_ms(),
            "connections": self.venue.hub.connections,
            "slow_disconnects": self.venue.hub.slow_disconnects,
            "failures": {
                "count": self.venue.failures.count,
                "newest": list(self.venue.failures.newest),
            },
            **self._faults.state(),
            "markets": {
                symbol: market_state(self.venue, self._players, symbol)
                for symbol in self.venue.books
            },
            "accounts": {seed.key: self._account(seed.key) for seed in self.venue.config.accounts},
        }

    def orders(self, wanted: Request) -> Any:
        """Return the order log's lines numbered above ``after``."""
        return {"orders": self.venue.log.lines(whole(wanted, "after", 0, least=0, most=2**62))}

    def reset(self, _: Request) -> Any:
        """Begin anew with fresh accounts; the market goes on."""
        self.venue.reset()
        self.venue.hub.chaos.clear()
        return {}

    def _account(self, account: str) -> Any:
        exchange = self.venue.exchange
        ledger = attrs.asdict(exchange.ledger(account))
        return {
            "ledger": {
                name: plain(value) if isinstance(value, Decimal) else value
                for name, value in ledger.items()
            },
            "balance": plain(exchange.balance(account).wallet),
            "positions": {
                leg_name(each.symbol, each.side): plain(each.qty)
                for each in exchange.positions(account)
                if each.qty
            },
            "open_orders": [read_order(order) for order in exchange.open_orders(account)],
        }
