"""The account page: books, orders, fills and balances, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from aiohttp import web

from grinder.model.legs import leg_name
from grinder.venues.sim.book import PublicBook
from grinder.venues.sim.rendering import plain
from grinder.venues.sim.venue import Venue

REFRESH_S = 2
LEVELS = 5
FILLS = 20
ORDERS_MAX = 200
KEY_SHOWN = 8
"""Letters of an API key that are shown; the rest is nobody's business."""

HEAD = f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="refresh" content="{REFRESH_S}"><title>Simulated venue</title><style>
body{{font:14px system-ui,sans-serif;margin:1.5em;color:#222}}
table{{border-collapse:collapse;margin:.3em 0 1em}}
th,td{{padding:.15em .7em;text-align:right;border-bottom:1px solid #ddd}}
caption{{text-align:left;font-weight:600;padding:.3em 0}}
section{{display:flex;flex-wrap:wrap;gap:2em}}</style></head><body>
<h1>Simulated venue</h1>
"""


class Page:
    """Renders the page of a venue with its markets."""

    def __init__(self, venues: Sequence[Venue]) -> None:
        self._venues = venues

    async def handle(self, _: web.Request) -> web.Response:
        """Answer with the page as things stand."""
        return web.Response(
            text=self.text(),
            content_type="text/html",
            headers={"Cache-Control": "no-store", "Content-Security-Policy": POLICY},
        )

    def text(self) -> str:
        """Return the page."""
        connections = sum(venue.hub.connections for venue in self._venues)
        now_ms = self._venues[0].clock.now_ms()
        about = f"venue time {now_ms} ms, {connections} stream connections"
        markets = "".join(_Market(venue).text() for venue in self._venues)
        return f"{HEAD}<p>{about}</p>{markets}</body></html>"


class _Market:
    """Renders one market."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def text(self) -> str:
        venue = self._venue
        books = "".join(_book(book) for book in venue.books.values())
        accounts = "".join(self._account(seed.key) for seed in venue.config.accounts)
        return f"<h2>{venue.product.name}</h2><section>{books}</section>{accounts}"

    def _account(self, account: str) -> str:
        exchange = self._venue.exchange
        name = account if len(account) <= KEY_SHOWN else account[:KEY_SHOWN] + "…"
        money = _table(
            "balance",
            ("asset", "wallet", "unrealised", "position margin", "bound by orders", "available"),
            [
                (
                    balance.asset,
                    plain(balance.wallet),
                    plain(balance.unrealised),
                    plain(balance.position_margin),
                    plain(balance.order_margin + balance.locked),
                    plain(balance.available),
                )
                for balance in exchange.balances(account)
            ],
        )
        positions = _table(
            "positions",
            ("symbol", "quantity", "entry", "unrealised"),
            [
                (
                    leg_name(each.symbol, each.side),
                    plain(each.qty),
                    plain(each.entry_price),
                    plain(each.unrealised),
                )
                for each in exchange.positions(account)
                if each.qty
            ],
        )
        return (
            f"<h3>{escape(name)}</h3><section>{money}{positions}</section>"
            f"<section>{self._orders(account)}{self._fills(account)}</section>"
        )

    def _orders(self, account: str) -> str:
        return _table(
            "open orders",
            ("symbol", "side", "price", "quantity", "filled", "time in force", "client id"),
            [
                (
                    order.symbol,
                    order.side.value,
                    plain(order.price),
                    plain(order.qty),
                    plain(order.filled_qty),
                    order.time_in_force.value,
                    order.client_order_id,
                )
                for order in self._venue.exchange.open_orders(account)[:ORDERS_MAX]
            ],
        )

    def _fills(self, account: str) -> str:
        exchange, venue = self._venue.exchange, self._venue
        fills = [row for name in venue.books for row in exchange.trades(account, name, limit=FILLS)]
        fills.sort(key=lambda row: (row.ts_ms, row.trade_id), reverse=True)
        return _table(
            "newest fills",
            ("time", "symbol", "side", "price", "quantity", "profit", "commission", ""),
            [
                (
                    str(row.ts_ms),
                    row.symbol,
                    row.side.value,
                    plain(row.price),
                    plain(row.qty),
                    plain(row.realised_profit),
                    plain(row.commission),
                    "maker" if row.is_maker else "taker",
                )
                for row in fills[:FILLS]
            ],
        )


POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def _book(book: PublicBook) -> str:
    asks = [("", book.price(price), book.qty(lots)) for price, lots in book.best_asks(LEVELS)]
    bids = [(book.qty(lots), book.price(price), "") for price, lots in book.best_bids(LEVELS)]
    mark = f", mark {plain(book.mark.mark_price)}" if book.mark else ""
    heads = ("bid", "price", "ask")
    return _table(book.instrument.symbol + mark, heads, [*reversed(asks), *bids])


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"
