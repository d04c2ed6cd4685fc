"""One market as it is served: its venue, its players, its doors."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from aiohttp import web

from grinder.venues.sim import (
    products,
    rest_account,
    rest_candles,
    rest_coinm,
    rest_market,
    rest_more,
    rest_spot,
    rest_spot_account,
    rest_spot_market,
    rest_trade,
)
from grinder.venues.sim.allmarket import AllMarket
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.doors import add_streams
from grinder.venues.sim.feeder import mark_regularly, players, tick_regularly
from grinder.venues.sim.rest import Gateway, Table
from grinder.venues.sim.streams import Route
from grinder.venues.sim.venue import Venue
from grinder.venues.sim.wsapi import WsApi

TABLES: Mapping[str, Table] = {
    "usdm": {
        **rest_candles.TABLE,
        **rest_more.TABLE,
        **rest_market.TABLE,
        **rest_trade.TABLE,
        **rest_account.TABLE,
    },
    "coinm": rest_coinm.TABLE,
    "spot": {**rest_spot_market.TABLE, **rest_spot.TABLE, **rest_spot_account.TABLE},
}


class Site:
    """A market, served."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.players = players(venue)
        for player in self.players.values():
            player.prime()
        table = TABLES[venue.product.name]
        self.gateway = Gateway(venue, table)
        self._api = WsApi(venue, table)

    def add_to(self, rest: web.Application, streams: web.Application) -> None:
        """Add the market's addresses to the doors; they may be one."""
        product = self.venue.product
        add_streams(streams, self.venue.hub, product.streams)
        streams.router.add_get(product.api, self._api.serve)
        rest.router.add_route("*", product.rest + "{path:.*}", self.gateway.handle)

    def works(self) -> list[Awaitable[None]]:
        """Return what goes on for ever while the market is served."""
        return [
            *(player.play() for player in self.players.values()),
            mark_regularly(self.venue),
            tick_regularly(self.venue),
            self.venue.hub.keep_alive(),
            self._api.keep_alive(),
            AllMarket(self.venue).work(),
        ]

    def close(self) -> None:
        """Release what the venue holds and hang up."""
        self.venue.close()
        self.venue.hub.drop(Route)
        self._api.drop()


def sites(config: VenueConfig) -> list[Site]:
    """Return the markets that a configuration names, beside each other.

    Raises:
        ConfigError: symbols, recordings or keys are not usable.
    """
    found: list[Site] = []
    for product, part in products.split(config):
        found.append(Site(Venue(part, product, found[0].venue if found else None)))
    return found
