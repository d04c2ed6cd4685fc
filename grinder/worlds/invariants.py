"""What must be true of every world, judged by the venue's own orders, fills and ledger.

Some of it is watched while the world runs, the rest is looked at when everything has come to rest.
Each invariant counts how often it was judged: one that never was is an error of the world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from grinder.actors.world import ACCOUNT
from grinder.execution.identity import decode
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.account import MismatchDetected
from grinder.messages.ledger import LedgerChanged
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.risk import KillSwitchTripped, ResetKillSwitch, RiskStateChanged
from grinder.messages.venue import QueryOrder
from grinder.model.order import Side
from grinder.model.permit import Permit

if TYPE_CHECKING:
    from grinder.simulation.orders import Order
    from grinder.worlds.world import FaultWorld

UNCOVERED_MAX_S: Final = 60
"""How long a position may be without an exit that covers it while things go wrong."""
ATTEMPTS_MAX: Final = 120
"""Cancels, or lookups, of one order."""
ORDERS_PER_MINUTE_MAX: Final = 600
CAP_SLACK: Final = Decimal("1.02")
"""Prices move between the judgement and the venue."""

WATCHED: Final = ("permits", "kill", "cap", "attempts", "churn", "names", "exits")
SETTLED: Final = ("picture", "owners", "books", "cover", "ladder")


class Watch(Observer):
    """Hears what is said and judges what must be true at every moment."""

    hears = (
        PlaceOrders,
        CancelOrder,
        QueryOrder,
        RiskStateChanged,
        KillSwitchTripped,
        ResetKillSwitch,
        MismatchDetected,
        LedgerChanged,
    )

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.judged: Counter[str] = Counter()
        self.ledgers: dict[str, LedgerChanged] = {}
        self.state = ""
        self._left_active_ns = 0
        self._killed_ns: int | None = None
        self._names: dict[str, Placement] = {}
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._uncovered_s: dict[str, int] = {}
        self._orders_before = 0

    @property
    def is_killed(self) -> bool:
        """True from the moment the kill switch has tripped."""
        return self._killed_ns is not None

    def begin_process(self) -> None:
        """Forget what was said of a process that is gone."""
        self.ledgers.clear()
        self._killed_ns = None
        self.state = ""

    def violate(self, name: str, text: str) -> None:
        """Note that an invariant does not hold."""
        self.violations.append(f"{name}: {text}")

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Judge one message."""
        if isinstance(body, PlaceOrders):
            if sender == "exchange":
                for order in body.orders:
                    self._judge_placement(order, body.permit, at_ns)
        elif isinstance(body, CancelOrder | QueryOrder):
            if sender == "exchange":
                self._judge_attempt(type(body).__name__, body.client_order_id)
        elif isinstance(body, RiskStateChanged):
            if self.state == "ACTIVE" and body.to_state != "ACTIVE":
                self._left_active_ns = at_ns
            self.state = body.to_state
        elif isinstance(body, KillSwitchTripped):
            self._killed_ns = at_ns
        elif isinstance(body, ResetKillSwitch):
            self._killed_ns = None
        elif isinstance(body, LedgerChanged):
            self.ledgers[body.symbol] = body

    def _judge_placement(self, place: Placement, permit: Permit | None, at_ns: int) -> None:
        name = place.client_order_id
        self.judged["names"] += 1
        if name in self._names:
            self.violate("names", f"{name} sent twice")
        self._names[name] = place
        if place.reduce_only:
            return
        self.judged["permits"] += 1
        self.judged["kill"] += 1
        if permit is None or permit.deadline_ns <= at_ns:
            self.violate("permits", f"{name} sent without a permit that holds")
        if self.state != "ACTIVE" and at_ns > self._left_active_ns:
            self.violate("permits", f"{name} sent in {self.state}")
        if self._killed_ns is not None and at_ns > self._killed_ns:
            self.violate("kill", f"{name} sent after the kill switch had tripped")

    def _judge_attempt(self, kind: str, name: str) -> None:
        self.judged["attempts"] += 1
        self._attempts[kind, name] += 1
        if self._attempts[kind, name] == ATTEMPTS_MAX + 1:
            self.violate("attempts", f"{kind} of {name} more than {ATTEMPTS_MAX} times")

    # Every second of the world.

    def look(self, world: FaultWorld) -> None:
        """Judge what the venue shows; called once a second of virtual time."""
        if len(self._attempts) > 50_000:
            self._attempts.clear()
        for symbol in world.instruments:
            self._judge_cap(world, symbol)
            self._judge_cover(world, symbol)

    def _judge_cap(self, world: FaultWorld, symbol: str) -> None:
        instrument = world.instruments[symbol]
        bid, _ = world.market.quotes[symbol]
        held = held_lots(world, symbol)
        pending = dict.fromkeys(Side, 0)
        for order in entries_of(world, symbol):
            pending[order.side] += order.qty_lots - order.filled_lots
        worst = max(abs(held + pending[Side.BUY]), abs(held - pending[Side.SELL]))
        # What somebody else trades is not ours to cap.
        worst -= world.hand_lots[symbol]
        notional = instrument.notional(bid, max(0, worst))
        self.judged["cap"] += 1
        cap = world.config.risk.position_notional_max
        if notional > cap * CAP_SLACK:
            self.violate("cap", f"{symbol}: {notional:f} at risk, cap {cap:f}")

    def _judge_cover(self, world: FaultWorld, symbol: str) -> None:
        self.judged["exits"] += 1
        if is_covered(world, symbol) or self.is_killed:
            self._uncovered_s[symbol] = 0
            return
        self._uncovered_s[symbol] = self._uncovered_s.get(symbol, 0) + 1
        if self._uncovered_s[symbol] == UNCOVERED_MAX_S + 1:
            held = held_lots(world, symbol)
            self.violate("exits", f"{symbol}: {held} lots without an exit for {UNCOVERED_MAX_S} s")

    def look_each_minute(self, world: FaultWorld) -> None:
        """Judge how much was done in the last minute."""
        orders = world.exchange.ledger(ACCOUNT).orders
        self.judged["churn"] += 1
        if orders - self._orders_before > ORDERS_PER_MINUTE_MAX:
            self.violate("churn", f"{orders - self._orders_before} orders in a minute")
        self._orders_before = orders


def held_lots(world: FaultWorld, symbol: str) -> int:
    """Return the position that the venue shows, in lots."""
    return world.exchange.position(ACCOUNT, symbol).qty_lots


def entries_of(world: FaultWorld, symbol: str) -> tuple[Order, ...]:
    """Return our open orders that may add risk, as the venue shows them."""
    return tuple(
        one
        for one in world.exchange.open_orders(ACCOUNT, symbol)
        if not one.reduce_only and decode(one.client_order_id) is not None
    )


def is_covered(world: FaultWorld, symbol: str) -> bool:
    """Return whether reduce-only orders cover the position."""
    held = held_lots(world, symbol)
    side = Side.SELL if held > 0 else Side.BUY
    lots = sum(
        one.qty_lots - one.filled_lots
        for one in world.exchange.open_orders(ACCOUNT, symbol)
        if one.reduce_only and one.side is side
    )
    return lots >= abs(held)


# At rest.


def at_rest(world: FaultWorld, watch: Watch) -> Iterator[str]:
    """Yield what is not as it has to be once nothing goes wrong any more; empty means converged."""
    yield from _picture(world)
    yield from _owners(world)
    yield from _books(world, watch)
    yield from _cover(world)
    if watch.is_killed:
        if any(entries_of(world, symbol) for symbol in world.instruments):
            yield "ladder: entries rest although the kill switch has tripped"
    elif watch.state != "ACTIVE":
        yield f"ladder: the lifecycle is {watch.state}"
    else:
        yield from _ladder(world)


def _picture(world: FaultWorld) -> Iterator[str]:
    exchange = world.process.actor("exchange")
    risk = world.process.actor("risk")
    if exchange is None or risk is None:
        yield "picture: an actor is down"
        return
    believed = {
        one.client_order_id: (one.symbol, one.side, one.price_ticks, one.filled_lots)
        for one in exchange._desk.book.live()
    }
    shown = {
        one.client_order_id: (one.symbol, one.side, one.price_ticks, one.filled_lots)
        for one in world.exchange.open_orders(ACCOUNT)
        if decode(one.client_order_id) is not None
    }
    if believed != shown:
        missing = sorted(shown.keys() - believed.keys())
        ghosts = sorted(believed.keys() - shown.keys())
        yield f"picture: unknown to us {missing}, gone at the venue {ghosts}"
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        held = held_lots(world, symbol)
        ours = risk._facts.exposure.of(symbol)
        lots = None if policy is None else policy._planner.position_lots
        if (lots, ours.position_lots) != (held, held):
            yield f"picture: {symbol}: {lots} and {ours.position_lots} lots believed, {held} held"
        pending = dict.fromkeys(Side, 0)
        for order in entries_of(world, symbol):
            pending[order.side] += order.qty_lots - order.filled_lots
        if (ours.buy_lots, ours.sell_lots) != (pending[Side.BUY], pending[Side.SELL]):
            yield (
                f"picture: {symbol}: pending {ours.buy_lots} and {ours.sell_lots} believed, "
                f"{pending[Side.BUY]} and {pending[Side.SELL]} at the venue"
            )


def _owners(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        if policy is None:
            yield f"owners: policy.{symbol} is down"
            continue
        owned = set(policy._planner.holdings.by_id)
        resting = {
            one.client_order_id
            for one in world.exchange.open_orders(ACCOUNT, symbol)
            if decode(one.client_order_id) is not None
        }
        if owned != resting:
            yield f"owners: {symbol}: {sorted(resting ^ owned)} on one side only"
        levels = Counter(
            identity.level for name in resting if (identity := decode(name)) is not None
        )
        doubles = [level for level, count in levels.items() if count > 1]
        if doubles:
            yield f"owners: {symbol}: more than one order at {sorted(doubles)}"


def _books(world: FaultWorld, watch: Watch) -> Iterator[str]:
    venue = world.exchange.ledger(ACCOUNT)
    start = world.process.books_at_start
    theirs = {
        "realised": venue.realised - start.realised,
        "commission": venue.commission - start.commission,
        "funding": venue.funding - start.funding,
        "fills": venue.fills - start.fills,
    }
    ledgers = watch.ledgers.values()
    ours = {
        "realised": sum((one.realized_pnl for one in ledgers), Decimal(0)),
        "commission": sum((one.fees for one in ledgers), Decimal(0)),
        "funding": sum((one.funding for one in ledgers), Decimal(0)),
        "fills": sum(one.fills for one in ledgers),
    }
    for name, value in theirs.items():
        if ours[name] != value:
            yield f"books: {name} {ours[name]}, the venue {value}"
    for symbol, one in watch.ledgers.items():
        held = held_lots(world, symbol)
        if one.position_lots != held:
            yield f"books: {symbol}: {one.position_lots} lots on the books, {held} held"


def _cover(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        if not is_covered(world, symbol):
            yield f"cover: {symbol}: {held_lots(world, symbol)} lots without an exit"


def _ladder(world: FaultWorld) -> Iterator[str]:
    for symbol in world.instruments:
        policy = world.process.actor(f"policy.{symbol}")
        if policy is None:
            yield f"ladder: policy.{symbol} is down"
            continue
        shown = {
            identity.level: (one.side, one.price_ticks)
            for one in entries_of(world, symbol)
            if (identity := decode(one.client_order_id)) is not None
        }
        wanted = {
            level: (one.side, one.price_ticks) for level, one in policy._planner._wanted().items()
        }
        bid, ask = world.market.quotes[symbol]
        due = {
            level: (side, ticks)
            for level, (side, ticks) in wanted.items()
            if (ticks < ask if side is Side.BUY else ticks > bid)
        }
        if not due.items() <= shown.items() <= wanted.items():
            off = sorted({level for level, _ in due.items() ^ shown.items()})
            yield f"ladder: {symbol}: not as wanted at {off}"
