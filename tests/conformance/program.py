"""A random program for two clients of two venues: what is called, and how the market moves."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from conformance.trader import Row
from grinder.venues.sim.server import VenueServer

SYMBOL = "BTCUSDT"
COUNTDOWN_MS = 20 * 60_000
"""So long that none ends by itself between the same call of two clients."""
HOUR_MS = 3_600_000
FUNDING_AFTER_MS = 45 * 60_000
REUSED_EVERY = 25
"""Every so many names one is used again, to be refused while its order lives."""


@attrs.frozen(kw_only=True)
class Step:
    """One call of the program, for the clients or for the market."""

    call: str
    wanted: tuple[Any, ...] = ()
    named: Row = attrs.field(factory=dict)
    is_market: bool = False


class Program:
    """The steps, drawn from a seed: the same seed gives the same program."""

    def __init__(self, seed: int, *, is_hedged: bool) -> None:
        self._random = random.Random(seed)
        self._is_hedged = is_hedged
        self._mid = 617_000
        self._number = 0
        self._fundings = 0
        self._placed: list[Row] = []
        self._withdrawn: set[str] = set()
        self._choices: list[tuple[Callable[[], Step], int]] = [
            (lambda: Step(call="place", named=self._remembered(self._limit())), 430),
            (lambda: Step(call="place", named=self._remembered(self._taker())), 110),
            (lambda: Step(call="place", named=self._invalid()), 25),
            (self._batch, 30),
            (self._amend, 120),
            (self._cancel, 130),
            (self._cancel_several, 40),
            (lambda: Step(call="query", wanted=(self._known()["newClientOrderId"],)), 40),
            (self._cancel_all, 12),
            (lambda: Step(call="leverage", wanted=(self._random.randint(5, 25),)), 8),
            (self._countdown, 12),
            (self._move, 120),
            (self._shift, 20),
            (self._trade, 90),
            (lambda: self._later("expire", COUNTDOWN_MS + 1_000), 8),
            (self._fund, 8),
        ]

    def steps(self, operations: int) -> Iterator[Step]:
        """Yield steps until the clients were called ``operations`` times."""
        yield Step(call="place", named=self._remembered(self._limit()))
        count = 1
        kinds, weights = zip(*self._choices, strict=True)
        while count < operations:
            step: Step = self._random.choices(kinds, weights)[0]()
            count += not step.is_market
            yield step

    def _limit(self) -> Row:
        return {
            "side": self._side(),
            "type": "LIMIT",
            "timeInForce": self._random.choice(("GTC", "GTC", "GTX", "IOC", "FOK")),
            "quantity": self._quantity(),
            "price": self._price(),
            **self._more(),
        }

    def _taker(self) -> Row:
        quantity = self._quantity()
        return {"side": self._side(), "type": "MARKET", "quantity": quantity, **self._more()}

    def _invalid(self) -> Row:
        order = self._limit()
        wrong: Row = self._random.choice(
            (
                {"price": order["price"] * 2 // 1},
                {"price": order["price"] // 2},
                {"quantity": 2_000.0},
                {"quantity": 0.001, "price": 50_000.0},
                {"newClientOrderId": "no such name!"},
            )
        )
        return order | wrong

    def _batch(self) -> Step:
        orders = [self._limit() for _ in range(self._random.randint(2, 5))]
        return Step(call="batch", wanted=([self._remembered(each) for each in orders],))

    def _more(self) -> Row:
        self._number += 1
        name = f"differential-{self._number}"
        if self._number % REUSED_EVERY == 0:
            before = self._placed[-1]["newClientOrderId"]
            # Our port never sends a name again that it was told to cancel.
            name = name if before in self._withdrawn else before
        more: Row = {"newClientOrderId": name}
        if self._is_hedged:
            more["positionSide"] = self._random.choice(("LONG", "SHORT"))
        if self._random.random() < (0.02 if self._is_hedged else 0.15):
            more["reduceOnly"] = "true"
        return more

    def _remembered(self, order: Row) -> Row:
        self._placed.append(order)
        return order

    def _known(self) -> Row:
        return self._random.choice(self._placed[-15:])

    def _cancel(self) -> Step:
        name = self._known()["newClientOrderId"]
        self._withdrawn.add(name)
        return Step(call="cancel", wanted=(name,))

    def _cancel_several(self) -> Step:
        known = [order["newClientOrderId"] for order in self._placed[-20:]]
        names = list(dict.fromkeys(known))
        wanted = self._random.sample(names, min(len(names), self._random.randint(2, 10)))
        self._withdrawn.update(wanted)
        return Step(call="cancel_several", wanted=(wanted,))

    def _cancel_all(self) -> Step:
        self._withdrawn.update(each["newClientOrderId"] for each in self._placed)
        return Step(call="cancel_all")

    def _amend(self) -> Step:
        rests = [each for each in self._placed if each.get("timeInForce") in ("GTC", "GTX")]
        known = self._random.choice(rests[-8:] or self._placed)
        wanted = (known["newClientOrderId"], known["side"], self._quantity(), self._price())
        return Step(call="amend", wanted=wanted)

    def _countdown(self) -> Step:
        return Step(call="countdown", wanted=(self._random.choice((0, COUNTDOWN_MS)),))

    def _move(self) -> Step:
        self._mid += self._random.randint(-200, 200)
        return Step(call="quote", named=self._quote(), is_market=True)

    def _shift(self) -> Step:
        self._mid += self._random.randint(-400, 400)
        named = {"symbol": SYMBOL, "price": f"{self._mid / 10:.1f}"}
        return Step(call="price", named=named, is_market=True)

    def _trade(self) -> Step:
        is_sell = self._random.random() < 0.5
        named = {
            "symbol": SYMBOL,
            "price": f"{(self._mid + (0 if is_sell else 1)) / 10:.1f}",
            "qty": self._quantity(),
            "buyer_is_maker": is_sell,
        }
        return Step(call="trade", named=named, is_market=True)

    def _fund(self) -> Step:
        # Each time of funding is charged once: the next is an hour later.
        later_ms = FUNDING_AFTER_MS + 60_000 + self._fundings * (HOUR_MS + 60_000)
        self._fundings += 1
        return self._later("fund", later_ms)

    def _later(self, call: str, later_ms: int) -> Step:
        return Step(call=call, wanted=(later_ms,), named=self._quote(), is_market=True)

    def _quote(self) -> Row:
        return {
            "symbol": SYMBOL,
            "bid": f"{self._mid / 10:.1f}",
            "ask": f"{self._mid / 10 + 0.1:.1f}",
            "bid_qty": self._quantity(),
            "ask_qty": self._quantity(),
        }

    def _side(self) -> str:
        return self._random.choice(("BUY", "SELL"))

    def _quantity(self) -> float:
        return self._random.choice((1, 2, 5, 10, 20, 100, 5_000)) / 1_000

    def _price(self) -> float:
        return (self._mid + self._random.randint(-300, 300)) / 10


def move_market(server: VenueServer, step: Step) -> None:
    """Let the market of a venue make a step; a step to a later time comes back to the present."""
    if step.call in ("expire", "fund"):
        server.control("clock", offset_ms=step.wanted[0])
        server.control("quote", **step.named)
        server.control("clock", offset_ms=0)
        server.control("quote", **step.named)
    else:
        server.control(step.call, **step.named)


def funding_interval_ms() -> int:
    """Return about an hour, with no full multiple of it in the next half hour.

    A funding that came by itself would come between the same call of two clients.
    """
    now_ms = time.time_ns() // 1_000_000
    return (now_ms + FUNDING_AFTER_MS) // (now_ms // HOUR_MS)
