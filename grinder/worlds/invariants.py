"""What must be true of what is said in a world at every moment.

Each invariant counts how often it was judged: one that never was is an error of the run.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from grinder.execution.book import UNKNOWN_ORDER
from grinder.execution.denials import DenialCode
from grinder.execution.identity import decode
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.grid import (
    IntentAction,
    IntentsApproved,
    IntentsDenied,
    IntentsProposed,
    SelectionRanked,
    SymbolSelected,
)
from grinder.messages.ledger import LedgerChanged
from grinder.messages.orders import (
    CancelOrder,
    CancelRejected,
    OrderRejected,
    Placement,
    PlaceOrders,
)
from grinder.messages.risk import (
    EntriesWithdrawn,
    KillSwitchTripped,
    LatchMoved,
    RiskStateChanged,
    SymbolBanned,
)
from grinder.messages.venue import CancelAnswered, QueryOrder
from grinder.model.legs import market_of, twin_of
from grinder.model.order import Side
from grinder.model.permit import Permit

if TYPE_CHECKING:
    from grinder.worlds.world import FaultWorld

ATTEMPTS_MAX: Final = 60
"""Cancels, or lookups, of one order."""
NAMES_MAX: Final = 50_000
TOLD_MAX: Final = {"writes": 300, "denials": 160, "refusals": 160, "withdrawals": 30}
"""Writes of a process, refusals of our own and of the venue, and entries told to go for a cap, each
in a minute.

Where the cap is too small for the ladder, its levels are tried again about once a second for each
symbol: the pause grows only while nothing gets through."""
EXIT_MAY_GO: Final = frozenset({"TP_MERGE", "WIND_DOWN"})
"""The only reasons for which an exit is ever taken off the book where it does not expire."""
RENEWAL: Final = "TP_RENEW"
"""The reason for which one goes that has expired."""
EXIT_MAY_WAIT: Final = frozenset(
    {
        DenialCode.NOT_ARMED,
        DenialCode.NOT_LEADER,
        DenialCode.MAX_OPEN_ORDERS,
        *(one for one in DenialCode if one.startswith("FILTER_")),
    }
)
"""The only reasons of our own for which an exit is ever refused."""
SURPLUS: Final = (-2022, -4118)
"""Venue codes: exits would close more than is held."""

SAID: Final = (
    "cap-let", "permits", "kill", "banned", "names", "attempts", "exit-kept", "opposite",
)  # fmt: skip
"""Judged in every world of a minute or more."""
SELDOM: Final = ("exit-let", "gone", "surplus")
"""Judged only where it comes to that."""


class Watch(Observer):
    """Hears what is said and judges what must be true at every moment."""

    hears = (
        IntentsProposed,
        IntentsApproved,
        IntentsDenied,
        PlaceOrders,
        CancelOrder,
        CancelAnswered,
        CancelRejected,
        OrderRejected,
        QueryOrder,
        RiskStateChanged,
        KillSwitchTripped,
        LatchMoved,
        SymbolBanned,
        EntriesWithdrawn,
        LedgerChanged,
        SelectionRanked,
        SymbolSelected,
    )

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.judged: Counter[str] = Counter()
        self.ledgers: dict[str, LedgerChanged] = {}
        self.told: Counter[str] = Counter()
        """Writes, denials and refusals since somebody last looked."""
        self.selected: set[str] = set()
        """Symbols that may have entries, where they are selected."""
        self.state = ""
        self.world: FaultWorld | None = None
        self.unfinished = 0
        """Messages in whose judgement we failed ourselves; the kernel swallows that."""
        self.banned_ns: dict[str, int] = {}
        """Since when a market is banned, by symbol."""
        self.withdrawn_ns: dict[str, int] = {}
        """When entries were last told to go because of a cap, by market."""
        self._left_active_ns = 0
        self._killed_ns: int | None = None
        self._orders: dict[str, Placement] = {}
        self._closing: set[str] = set()
        """Exits of a position that has to go: they follow the market."""
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._judges: dict[type[Message], Any] = {
            IntentsProposed: self._judge_proposal,
            IntentsApproved: self._judge_approval,
            IntentsDenied: self._judge_denials,
            PlaceOrders: self._judge_placements,
            CancelOrder: self._judge_cancel,
            CancelAnswered: self._judge_answer,
            CancelRejected: self._judge_refused_cancel,
            OrderRejected: self._judge_refusal,
            QueryOrder: self._judge_lookup,
            RiskStateChanged: self._note_state,
            KillSwitchTripped: self._note_switch,
            LatchMoved: self._note_switch,
            SymbolBanned: lambda _, at_ns, news: _ban(self.banned_ns, at_ns, news),
            EntriesWithdrawn: lambda _, at_ns, news: _withdraw(self, at_ns, news),
            LedgerChanged: self._note_ledger,
            SelectionRanked: lambda _, __, news: _select(self.selected, news),
            SymbolSelected: lambda _, __, news: _select(self.selected, news),
        }

    @property
    def is_killed(self) -> bool:
        """True from the moment the kill switch has tripped."""
        return self._killed_ns is not None

    def begin_process(self) -> None:
        """Forget what was said of a process that is gone."""
        self.ledgers.clear()
        self.selected.clear()
        self.banned_ns.clear()
        self._killed_ns = None
        self.state = ""

    def violate(self, name: str, text: str) -> None:
        """Note that an invariant does not hold."""
        self.violations.append(f"{name}: {text}")

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        """Judge one message."""
        self.unfinished += 1
        self._judges[body.__class__](sender, at_ns, body)
        self.unfinished -= 1

    # What is planned.

    def _judge_proposal(self, sender: str, _: int, proposed: IntentsProposed) -> None:
        """Hold what a policy wants against what it believes to hold."""
        policy = None if self.world is None else self.world.process.actor(sender)
        if policy is None:
            return
        held = policy._planner.position_lots
        towards = Side.BUY if held > 0 else Side.SELL
        for intent in proposed.intents:
            self.judged["opposite"] += 1
            is_other = held and intent.adds_risk and intent.side is not towards
            if is_other and policy._planner.settings.opposite != "keep":
                self.violate("opposite", f"{sender}: {intent.level} at {held} lots adds risk")
            if intent.action is IntentAction.CANCEL and intent.level.startswith("x"):
                if policy._planner.why_closing():
                    self._closing.add(intent.client_order_id)
                self._judge_exit_cancel(intent.client_order_id, intent.reason)

    def _judge_approval(self, sender: str, _: int, approved: IntentsApproved) -> None:
        """Hold what risk lets through against what it believes to be held and pending."""
        risk = None if self.world is None else self.world.process.actor(sender)
        entries = [one for one in approved.intents if one.adds_risk]
        if self.world is None or risk is None or not entries:
            return
        self.judged["cap-let"] += 1
        symbol = approved.symbol
        lots = dict.fromkeys(Side, 0)
        for one in entries:
            lots[one.side] += one.qty_lots
        exposure = risk._facts.exposure.of(symbol)
        worst = exposure.worst_lots(lots[Side.BUY], lots[Side.SELL])
        if twin := twin_of(symbol):
            worst += risk._facts.exposure.of(twin).worst_lots()
        notional = self.world.instruments[symbol].notional(approved.mid_ticks2, worst) / 2
        cap = self.world.config.risk.position_notional_max
        if notional > cap:
            self.violate("cap-let", f"{symbol}: {notional:f} let through, cap {cap:f}")

    def _judge_denials(self, _: str, at_ns: int, denied: IntentsDenied) -> None:
        self.told["denials"] += 1
        for one in denied.denials:
            self.judged["exit-let"] += 1
            may_be_denied = one.action is IntentAction.PLACE and not one.level.startswith("x")
            if not may_be_denied and one.code not in EXIT_MAY_WAIT:
                self.violate("exit-let", f"{one.action} of {one.level} denied: {one.detail}")

    def _judge_exit_cancel(self, name: str, reason: str) -> None:
        grid = self.world.config.policy if self.world is not None else None
        is_due = reason == RENEWAL and grid is not None and grid.exit_ttl_ms > 0
        if not is_due and reason not in EXIT_MAY_GO and name not in self._closing:
            self.violate("exit-kept", f"{name} is to be cancelled for {reason}")

    # What is sent.

    def _judge_placements(self, sender: str, at_ns: int, batch: PlaceOrders) -> None:
        if sender != "exchange":
            return
        for order in batch.orders:
            self.told["writes"] += 1
            self._judge_placement(order, batch.permit, at_ns)

    def _judge_placement(self, place: Placement, permit: Permit | None, at_ns: int) -> None:
        name = place.client_order_id
        self.judged["names"] += 1
        if name in self._orders:
            self.violate("names", f"{name} sent twice")
        self._orders[name] = place
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
        self.judged["banned"] += 1
        market = market_of(place.symbol)
        if at_ns > self.banned_ns.get(market, at_ns):
            self.violate("banned", f"{name} sent although {market} was banned")

    def _judge_cancel(self, sender: str, _: int, cancel: CancelOrder) -> None:
        if sender != "exchange":
            return
        self.told["writes"] += 1
        self._judge_attempt("cancel", cancel.client_order_id)
        identity = decode(cancel.client_order_id)
        self.judged["exit-kept"] += 1
        if identity is not None and identity.level.startswith("x"):
            self._judge_exit_cancel(cancel.client_order_id, cancel.reason)

    def _judge_lookup(self, sender: str, _: int, query: QueryOrder) -> None:
        if sender == "exchange":
            self._judge_attempt("lookup", query.client_order_id)

    def _judge_attempt(self, kind: str, name: str) -> None:
        self.judged["attempts"] += 1
        self._attempts[kind, name] += 1
        if self._attempts[kind, name] == ATTEMPTS_MAX + 1:
            self.violate("attempts", f"{kind} of {name} more than {ATTEMPTS_MAX} times")

    # What the venue refuses.

    def _judge_answer(self, _: str, __: int, answer: CancelAnswered) -> None:
        if answer.code == UNKNOWN_ORDER:
            self.judged["gone"] += 1

    def _judge_refused_cancel(self, _: str, __: int, refused: CancelRejected) -> None:
        self.told["refusals"] += 1
        if refused.code == UNKNOWN_ORDER:
            self.violate("gone", f"{refused.client_order_id} is gone, and that is told as an error")

    def _judge_refusal(self, _: str, __: int, refused: OrderRejected) -> None:
        self.told["refusals"] += 1
        if refused.code in SURPLUS:
            self.judged["surplus"] += 1
            self.told["surplus"] += 1

    # What is noted.

    def _note_state(self, _: str, at_ns: int, changed: RiskStateChanged) -> None:
        if self.state == "ACTIVE" and changed.to_state != "ACTIVE":
            self._left_active_ns = at_ns
        self.state = changed.to_state

    def _note_switch(self, _: str, at_ns: int, news: KillSwitchTripped | LatchMoved) -> None:
        if isinstance(news, KillSwitchTripped):
            self._killed_ns = at_ns
        elif news.latch == "kill_switch" and not news.reason:
            self._killed_ns = None

    def _note_ledger(self, _: str, __: int, ledger: LedgerChanged) -> None:
        self.ledgers[ledger.symbol] = ledger


def _ban(banned_ns: dict[str, int], at_ns: int, news: SymbolBanned) -> None:
    """Keep in ``banned_ns`` since when a symbol is banned."""
    if news.is_banned:
        banned_ns.setdefault(news.symbol, at_ns)
    else:
        banned_ns.pop(news.symbol, None)


def _withdraw(watch: Watch, at_ns: int, news: EntriesWithdrawn) -> None:
    """Keep when entries were last told to go because of a cap, and how many."""
    watch.told["withdrawals"] += len(news.orders)
    watch.withdrawn_ns[market_of(news.symbol)] = at_ns


def _select(selected: set[str], news: SymbolSelected | SelectionRanked) -> None:
    """Keep in ``selected`` the symbols that may have entries."""
    if isinstance(news, SelectionRanked):
        selected.clear()
        selected.update(news.selected)
    elif news.is_selected:
        selected.add(news.symbol)
    else:
        selected.discard(news.symbol)
