"""Control commands that move the market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grinder.simulation.generator import regimes
from grinder.simulation.market import Quote, Trade
from grinder.venues.sim.control_values import amount, text, whole
from grinder.venues.sim.feeder import Player
from grinder.venues.sim.rendering import plain
from grinder.venues.sim.venue import Venue

Request = Mapping[str, Any]

BURST_MAX = 10_000
DURATION_MAX_MS = 10 * 365 * 24 * 3600 * 1000


class MarketControl:
    """Moves, states, prints, stops and starts the market of a symbol."""

    def __init__(self, venue: Venue, players: Mapping[str, Player]) -> None:
        self._venue = venue
        self._players = players

    def commands(self) -> dict[str, Callable[[Request], Any]]:
        """Return the commands by name."""
        return {
            "price": self.price,
            "quote": self.quote,
            "trade": self.trade,
            "burst": self.burst,
            "pause": self.pause,
            "resume": self.resume,
            "regime": self.regime,
        }

    def price(self, wanted: Request) -> Any:
        """Move a symbol's whole market so that its best bid is ``price``; it goes on from there."""
        book = self._venue.book(wanted["symbol"])
        ticks = book.instrument.ticks_exact(amount(wanted, "price"))
        self._players[wanted["symbol"]].move_to(ticks)
        return self._state(wanted["symbol"])

    def quote(self, wanted: Request) -> Any:
        """State a best bid and ask until the market's next event; pause it to keep them."""
        symbol = wanted["symbol"]
        instrument = self._venue.book(symbol).instrument
        quote = Quote(
            at_ms=0,
            symbol=symbol,
            bid_ticks=instrument.ticks_exact(amount(wanted, "bid")),
            bid_lots=instrument.lots_exact(amount(wanted, "bid_qty", 1, may_be_zero=True)),
            ask_ticks=instrument.ticks_exact(amount(wanted, "ask")),
            ask_lots=instrument.lots_exact(amount(wanted, "ask_qty", 1, may_be_zero=True)),
        )
        if not 0 < quote.bid_ticks < quote.ask_ticks:
            raise ValueError("expected 0 < bid < ask")
        self._players[symbol].state(quote)
        return self._state(symbol)

    def trade(self, wanted: Request) -> Any:
        """Print a public trade."""
        symbol = wanted["symbol"]
        instrument = self._venue.book(symbol).instrument
        self._venue.apply(
            Trade(
                at_ms=0,
                symbol=symbol,
                price_ticks=instrument.ticks_exact(amount(wanted, "price")),
                lots=instrument.lots_exact(amount(wanted, "qty")),
                buyer_is_maker=bool(wanted.get("buyer_is_maker", False)),
            )
        )
        return self._state(symbol)

    def burst(self, wanted: Request) -> Any:
        """Print the same ``trade`` ``times`` times at once, faster than any client reads."""
        times, trade = whole(wanted, "times", least=1, most=BURST_MAX), wanted["trade"]
        for _ in range(times):
            self.trade(trade)
        return {}

    def pause(self, wanted: Request) -> Any:
        """Stop the market of one symbol or of all."""
        for player in self._chosen(wanted):
            player.pause()
        return {}

    def resume(self, wanted: Request) -> Any:
        """Let the market of one symbol or of all go on."""
        for player in self._chosen(wanted):
            player.resume()
        return {}

    def regime(self, wanted: Request) -> Any:
        """Play ``regime`` on one symbol or on all, for ``ms`` of market time or until told again.

        Without a regime the symbol's own market returns, from the price where it stands.
        """
        name, chosen = wanted.get("regime"), self._chosen(wanted)
        if name is None:
            for player in chosen:
                player.end_order()
            return {}
        (regime,) = regimes((text(wanted, "regime"),))
        has_end = wanted.get("ms") is not None
        duration_ms = whole(wanted, "ms", least=1, most=DURATION_MAX_MS) if has_end else None
        for player in chosen:
            player.order(regime, duration_ms)
        return {}

    def _chosen(self, wanted: Request) -> list[Player]:
        symbol = wanted.get("symbol")
        return [self._players[symbol]] if symbol else list(self._players.values())

    def _state(self, symbol: str) -> Any:
        return market_state(self._venue, self._players, symbol)


def market_state(venue: Venue, players: Mapping[str, Player], symbol: str) -> Any:
    """Return where the market of a symbol stands."""
    book = venue.book(symbol)
    quote = book.quote
    return {
        "paused": players[symbol].is_paused,
        "source": players[symbol].kind,
        "bid": book.price(quote.bid_ticks) if quote else None,
        "ask": book.price(quote.ask_ticks) if quote else None,
        "mark": plain(book.mark.mark_price) if book.mark else None,
        "update_id": book.update_id,
    }
