"""Logging: configured once for the process, and one record for each fact that passes.

Our records and those of the libraries below us take the same way, so one stream has one format, and
nothing gets around the redaction. A thread of its own makes and writes their text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, cast

import attrs
import structlog

from grinder.console.logwriter import LogWriter, to_standard_error
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.kernel.signals import ActorFailed, ActorRestarted, ActorStarted, SupervisorGaveUp
from grinder.messages import (
    account,
    books,
    control,
    features,
    grid,
    journal,
    ledger,
    market,
    orders,
    risk,
    venue,
)
from grinder.model.instrument import Instrument
from grinder.model.legs import markets_of

LOGGER = "grinder"
HIDDEN = "[hidden]"
SECRET_KEYS = frozenset(
    ("api_key", "apikey", "api_secret", "secret", "signature", "listenkey", "x-mbx-apikey")
)
SECRET_TEXT = re.compile(
    r"(?i)\b(api_?key|api_?secret|secret|signature|listenKey|X-MBX-APIKEY)"
    r"(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;)}]+"
)


def configure(
    level: str, style: str, write: Callable[[str], object] = to_standard_error
) -> LogWriter:
    """Let every record of ``level`` and above be written, as ``text`` or ``json``, a line each.

    Calling again replaces what was configured. Libraries are heard from warning on. Records are
    written by the thread of what is returned, which has to be closed for the last ones.
    """
    shared: list[Callable[..., Any]] = [_add_fields, structlog.stdlib.add_log_level, _stamp]
    shared += [structlog.processors.format_exc_info, redact]
    renderer: Callable[..., Any] = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    writer = LogWriter(formatter, write)
    root = logging.getLogger()
    root.handlers[:] = [writer.hand]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(level.upper())
    return writer


def _add_fields(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record.update(getattr(record["_record"], "fields", {}))
    return record


def _stamp(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say when it was logged, which is earlier than when it is written."""
    at = datetime.fromtimestamp(record["_record"].created, UTC)
    record["timestamp"] = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return record


def redact(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose key, or whose own text, says that they are secret."""
    for key, value in record.items():
        if key.lower() in SECRET_KEYS:
            record[key] = HIDDEN
        elif isinstance(value, str):
            record[key] = SECRET_TEXT.sub(rf"\1\2{HIDDEN}", value)
    return record


LEVELS: dict[type[Message], int] = {
    risk.RiskStateChanged: logging.INFO,
    risk.KillSwitchTripped: logging.CRITICAL,
    risk.LatchMoved: logging.WARNING,
    risk.LatchesReported: logging.CRITICAL,
    risk.TripKillSwitch: logging.WARNING,
    risk.ResetKillSwitch: logging.WARNING,
    risk.OverrideLifecycle: logging.WARNING,
    risk.SymbolBanned: logging.WARNING,
    risk.EntriesWithdrawn: logging.WARNING,
    risk.StopTrading: logging.INFO,
    risk.WindDownStarted: logging.INFO,
    risk.WindDownCompleted: logging.INFO,
    control.LeadershipLost: logging.WARNING,
    orders.OrdersSubmitted: logging.INFO,
    orders.OrderAccepted: logging.INFO,
    orders.OrderRejected: logging.WARNING,
    orders.OrderFilled: logging.INFO,
    orders.OrderEnded: logging.INFO,
    orders.OrderOutcomeUnknown: logging.WARNING,
    orders.CancelRejected: logging.INFO,
    orders.OrdersSynced: logging.INFO,
    account.PositionChanged: logging.INFO,
    account.FundingPaid: logging.INFO,
    account.AccountSyncFailed: logging.WARNING,
    account.MismatchDetected: logging.WARNING,
    ledger.RoundTripCompleted: logging.INFO,
    books.BooksDoubted: logging.WARNING,
    market.StreamOpened: logging.INFO,
    market.StreamClosed: logging.WARNING,
    market.FrameRejected: logging.WARNING,
    market.FeedHealthChanged: logging.WARNING,
    grid.RegimeChanged: logging.INFO,
    grid.PolicySwitched: logging.INFO,
    grid.CloseProgressed: logging.WARNING,
    grid.SymbolSelected: logging.INFO,
    journal.JournalHealthChanged: logging.ERROR,
    venue.ListenKeyExpired: logging.WARNING,
    venue.VenueThrottled: logging.WARNING,
    venue.VenueDenied: logging.CRITICAL,
    ActorStarted: logging.INFO,
    ActorFailed: logging.ERROR,
    ActorRestarted: logging.WARNING,
    SupervisorGaveUp: logging.CRITICAL,
}
"""What is logged whatever the level is set to, and how loud."""

DEBUG: tuple[type[Message], ...] = (
    market.BookTicked,
    market.MarkPriced,
    market.FeedReported,
    features.FeaturesComputed,
    grid.PlanChosen,
    grid.IntentsProposed,
    grid.IntentsApproved,
    grid.IntentsDenied,
    grid.LadderPlanned,
    ledger.LedgerChanged,
    ledger.PortfolioChanged,
    ledger.DayChanged,
    books.BooksReported,
    account.AccountSynced,
    account.ReconcileRan,
    account.BalanceChanged,
    control.LeadershipGained,
    control.LeaseRefused,
    risk.PermitsRevoked,
    venue.PlaceAnswered,
    venue.CancelAnswered,
    journal.JournalReported,
    venue.BudgetReported,
    venue.ClockMeasured,
)
"""What is shown to DebugObserver besides."""


class LogObserver(Observer):
    """Logs one record for each fact that a person may want to read."""

    hears = tuple(LEVELS)

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = {**markets_of(instruments), **instruments}
        self._log = logging.getLogger(LOGGER)

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Log ``body`` under its name in snake case."""
        level = LEVELS.get(type(body), logging.DEBUG)
        if _is_good_news(body):
            level = logging.INFO
        elif isinstance(body, grid.CloseProgressed) and body.stage is grid.CloseStage.OVERDUE:
            level = logging.ERROR
        self._log.log(level, Fact(sender, at_ns, body, self._instruments))


@attrs.frozen
class Fact:
    """What a message says, for people; becomes text where it is written."""

    sender: str
    at_ns: int
    body: Message
    instruments: Mapping[str, Instrument]

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield name and fields of what is logged."""
        said = {"sender": self.sender, "at_ns": self.at_ns}
        if isinstance(self.body, orders.OrdersSubmitted):
            # One record for each order, as for everything else that happens to it.
            for order in self.body.orders:
                yield "order_submitted", said | self._of(order)
            return
        yield event_name(type(self.body)), said | self._of(self.body)

    def _of(self, body: Message | orders.Placement) -> dict[str, Any]:
        instrument = self.instruments.get(getattr(body, "symbol", ""))
        shown: dict[str, Any] = {}
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(body))):
            name, value = _in_money(field.name, getattr(body, field.name), instrument)
            shown[_KEYWORDS.get(name, name)] = _shown(value)
        return shown


class DebugObserver(LogObserver):
    """Logs ticks and plans, too; for a level of debug only."""

    hears = (*LEVELS, *DEBUG)


def observer_for(level: str, instruments: Mapping[str, Instrument]) -> LogObserver:
    """Return the observer that hears no more than ``level`` lets through."""
    return DebugObserver(instruments) if level == "debug" else LogObserver(instruments)


def _is_good_news(body: Message) -> bool:
    if isinstance(body, market.FeedHealthChanged):
        return not body.is_stale
    if isinstance(body, risk.LatchesReported):
        return body.is_written
    if isinstance(body, grid.CloseProgressed):
        return body.stage is grid.CloseStage.OVER
    return isinstance(body, journal.JournalHealthChanged) and body.is_healthy


def event_name(message: type[Message]) -> str:
    """Return the name of a message class in snake case: ``order_filled``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", message.__name__).lower()


_KEYWORDS = {"event": "event_text", "level": "grid_level", "sender": "sender_name"}
"""Field names that a log record uses for something else."""


def _in_money(name: str, value: Any, instrument: Instrument | None) -> tuple[str, Any]:
    # Ticks and lots mean nothing to a reader without the instrument at hand.
    if instrument is not None and isinstance(value, int):
        for unit, money, convert in (
            ("_ticks", "price", instrument.price),
            ("_lots", "qty", instrument.qty),
        ):
            if name.endswith(unit):
                stem = name.removesuffix(unit)
                return stem if stem.endswith(money) else f"{stem}_{money}", convert(value)
    return name, value


def _shown(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        codes = [one.code for one in value if isinstance(one, grid.Denial)]
        return ",".join(codes) if codes else len(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    return repr(value)
