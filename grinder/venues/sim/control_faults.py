"""Control commands that let things go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grinder.model.order import Side
from grinder.venues.sim import auth, frames
from grinder.venues.sim.chaos import StreamFault
from grinder.venues.sim.control_market import Request
from grinder.venues.sim.control_values import amount, text, whole
from grinder.venues.sim.delays import (
    DELAY_MAX_MS,
    Chances,
    Delay,
    DelayRule,
    Distribution,
    Way,
)
from grinder.venues.sim.faults import Fault
from grinder.venues.sim.feeder import chance
from grinder.venues.sim.liquidations import tell_liquidation
from grinder.venues.sim.maintenance import State
from grinder.venues.sim.ordered import OPERATIONS, RefusalRule
from grinder.venues.sim.streams import Route
from grinder.venues.sim.venue import Venue

TIMES_MAX = 1_000_000_000
BAN_MAX_MS = 10 * 365 * 24 * 3600 * 1000
OFFSET_MAX_MS = 10**12
"""How far venue time may be set off: some thirty years."""
DRIFT_MAX_PPM = 10**12
SEED_MAX = 2**62
CODE_LEAST = -99_999


class FaultControl:
    """Plans and ends faults of REST, of streams, of symbols and of the clock."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def commands(self) -> dict[str, Callable[[Request], Any]]:
        """Return the commands by name."""
        return {
            "stall": self.stall,
            "drop": self.drop,
            "fault": self.fault,
            "refuse": self.refuse,
            "stream-fault": self.stream_fault,
            "reply-order": self.reply_order,
            "delay": self.delay,
            "queue": self.queue,
            "status": self.status,
            "liquidation": self.liquidation,
            "ban": self.ban,
            "clear-faults": self.clear_faults,
            "expire-listen-key": self.expire_listen_key,
            "clock": self.clock,
            "key": self.key,
        }

    def state(self) -> dict[str, Any]:
        """Return faults that wait, the newest delays drawn, and how many frames went wrong."""
        counts = self._venue.hub.chaos.counts
        return {
            "planned_faults": self._venue.faults.waiting,
            "delays": [list(drawn) for drawn in self._venue.faults.delays.newest],
            "stream_faults": {fault.value: count for fault, count in counts.items()},
        }

    def stall(self, wanted: Request) -> Any:
        """Send nothing on ``routes``, sockets stay open; an empty list ends it."""
        self._venue.hub.stall(_routes(wanted))
        return {}

    def drop(self, wanted: Request) -> Any:
        """Break the stream connections of ``routes``."""
        return {"dropped": self._venue.hub.drop(_routes(wanted))}

    def fault(self, wanted: Request) -> Any:
        """Plan a fault for the next ``times`` matching requests; method WS is the WebSocket API."""
        self._venue.faults.plan(
            Fault(wanted["fault"]),
            method=text(wanted, "method", ""),
            path=text(wanted, "path", ""),
            times=whole(wanted, "times", 1, least=1, most=TIMES_MAX),
        )
        return {}

    def refuse(self, wanted: Request) -> Any:
        """Refuse the next orders that match with ``code`` and ``msg``, also within a batch."""
        operation = text(wanted, "operation", "place")
        if operation not in OPERATIONS:
            raise ValueError(f"operation: expected one of {', '.join(OPERATIONS)}")
        self._venue.faults.refusals.plan(
            RefusalRule(
                operation=operation,
                symbol=text(wanted, "symbol", ""),
                client_id=text(wanted, "client_id", "*"),
                skip=whole(wanted, "skip", 0, least=0, most=TIMES_MAX),
                times=whole(wanted, "times", 1, least=1, most=TIMES_MAX),
                code=whole(wanted, "code", least=CODE_LEAST, most=-1),
                msg=text(wanted, "msg", "Ordered by a test."),
            )
        )
        return {}

    def stream_fault(self, wanted: Request) -> Any:
        """Let frames of the streams that match ``pattern`` go wrong."""
        times = wanted.get("times")
        fault, pattern = StreamFault(wanted["fault"]), text(wanted, "pattern", "*")
        self._venue.hub.chaos.plan(
            fault,
            pattern=pattern,
            rate=float(wanted.get("rate", 1)),
            times=None if times is None else whole(wanted, "times", least=1, most=TIMES_MAX),
            delay=_delay(wanted, 100),
            chances=self._chances(wanted, f"{fault}:{pattern}"),
        )
        return {}

    def reply_order(self, wanted: Request) -> Any:
        """Send the reply of a request before its user-data frames, or after (the default)."""
        first = wanted["first"]
        if first not in ("reply", "event"):
            raise ValueError("first: expected reply or event")
        self._venue.faults.is_reply_first = first == "reply"
        return {}

    def delay(self, wanted: Request) -> Any:
        """Delay replies (``way`` out), or requests (in), that match ``method`` and ``path``.

        The delays of each endpoint are a sequence of their own; 0 ms ends what was ordered.
        """
        way = Way(wanted.get("way", Way.OUT))
        method, path = text(wanted, "method", "").upper(), text(wanted, "path", "*")
        self._venue.faults.delays.plan(
            DelayRule(
                way=way,
                method=method,
                path=path,
                delay=_delay(wanted),
                chances=self._chances(wanted, f"delay:{way}:{method}:{path}"),
            )
        )
        return {}

    def _chances(self, wanted: Request, purpose: str) -> Chances:
        seed = whole(wanted, "seed", self._venue.config.seed, least=-SEED_MAX, most=SEED_MAX)
        return Chances(lambda name: chance(seed, f"{purpose}:{name}"))

    def queue(self, wanted: Request) -> Any:
        """Let order operations wait ``ms`` in front of the matching engine."""
        self._venue.faults.queue_ms = whole(wanted, "ms", least=0, most=DELAY_MAX_MS)
        return {}

    def status(self, wanted: Request) -> Any:
        """Set the trading status of ``symbol`` and tell the listeners of contract news."""
        state = State(wanted["status"])
        self._venue.set_state(self._venue.book(wanted["symbol"]).instrument.symbol, state)
        return {"status": state.published}

    def liquidation(self, wanted: Request) -> Any:
        """Publish that somebody's position was liquidated: ``side``, ``price``, ``qty``."""
        book = self._venue.book(wanted["symbol"])
        instrument = book.instrument
        frame = frames.force_order(
            instrument.symbol,
            side=Side(wanted["side"]).value,
            price=book.price(instrument.ticks_exact(amount(wanted, "price"))),
            qty=book.qty(instrument.lots_exact(amount(wanted, "qty"))),
            now_ms=self._venue.clock.now_ms(),
        )
        tell_liquidation(self._venue.publisher, frame)
        return {}

    def ban(self, wanted: Request) -> Any:
        """Answer 418 to everything for ``ms``; 0 ends a ban."""
        until_ms = self._venue.clock.now_ms() + whole(wanted, "ms", least=0, most=BAN_MAX_MS)
        self._venue.counters.ban(until_ms)
        return {"until_ms": until_ms}

    def clear_faults(self, _: Request) -> Any:
        """Forget planned faults, stream faults, delay, stalls, statuses and a ban."""
        self._venue.faults.clear()
        self._venue.hub.chaos.clear()
        self._venue.hub.stall(())
        self._venue.counters.ban(0)
        return {}

    def expire_listen_key(self, wanted: Request) -> Any:
        """Expire the listen key of ``account`` now; ``silent`` tells nobody."""
        account = text(wanted, "account", self._venue.config.accounts[0].key)
        listen_key = self._venue.accounts.stop_listening(account)
        if listen_key is not None and not wanted.get("silent", False):
            self._venue.expire(listen_key)
        return {"expired": listen_key is not None}

    def clock(self, wanted: Request) -> Any:
        """Set the offset of venue time, and how fast it drifts, in parts per million."""
        clock = self._venue.clock
        offset_ms = whole(
            wanted, "offset_ms", clock.offset_ms, least=-OFFSET_MAX_MS, most=OFFSET_MAX_MS
        )
        drift_ppm = whole(wanted, "drift_ppm", 0, least=-DRIFT_MAX_PPM, most=DRIFT_MAX_PPM)
        clock.offset_ms = offset_ms
        clock.drift(drift_ppm)
        return {"now_ms": self._venue.clock.now_ms()}

    def key(self, wanted: Request) -> Any:
        """Let another API key open ``account``: by ``secret`` or by an ``ed25519`` public key."""
        secret = text(wanted, "secret", "") or auth.ED25519 + text(wanted, "ed25519")
        account = text(wanted, "account", self._venue.config.accounts[0].key)
        self._venue.accounts.add_key(text(wanted, "key"), secret, account)
        return {}


def _delay(wanted: Request, default_ms: int | None = None) -> Delay:
    """Read a distribution: constant unless ``ms_max`` or ``distribution`` says another."""
    default = {} if default_ms is None else {"default": default_ms}
    ms = whole(wanted, "ms", least=0, most=DELAY_MAX_MS, **default)
    usual = Distribution.UNIFORM if "ms_max" in wanted else Distribution.CONSTANT
    distribution = Distribution(wanted.get("distribution", usual))
    is_tailed = distribution in (Distribution.EXPONENTIAL, Distribution.LOGNORMAL)
    most = DELAY_MAX_MS if is_tailed else ms
    return Delay(
        distribution=distribution,
        ms=ms,
        ms_max=whole(wanted, "ms_max", most, least=0, most=DELAY_MAX_MS),
        sigma=float(wanted.get("sigma", 0.5)),
    )


def _routes(wanted: Mapping[str, Any]) -> list[Route]:
    names = wanted.get("routes", [route.value for route in Route])
    return [Route("" if name == "bare" else name) for name in names]
