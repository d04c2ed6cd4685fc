"""ExchangeActor: commands in, the life of our orders out."""

from __future__ import annotations

from collections.abc import Mapping

from grinder.actors.order_entry import OrderEntry
from grinder.execution.account_desk import AccountDesk
from grinder.execution.catch_up import CatchUp
from grinder.execution.identity import IdentityScheme
from grinder.execution.wind_down import FLATTEN_LEVEL, Step, WindDown
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.messages.account import AccountSynced
from grinder.messages.orders import OrdersRequested
from grinder.messages.risk import WindDownStarted
from grinder.messages.venue import (
    AccountRead,
    AccountReported,
    BudgetReported,
    ClockMeasured,
    FundingRead,
    Quiesce,
    Quiesced,
    ReadAccount,
    ReadFailed,
    ReadFunding,
    ReadTrades,
    TradesRead,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.instrument import Instrument
from grinder.model.settings import StopSettings, VenueSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

POLL_NS = 5 * NS_PER_S
"""Pause between account readings while the private stream is away."""
FUNDING_NS = 60 * NS_PER_S
"""Pause between looks for funding that the private stream may have failed to tell of."""
SWEEP_NS = 500 * NS_PER_MS
"""Pause between the rounds of a wind-down."""


class ExchangeActor(OrderEntry):
    """Carry commands to the venue and know what became of them.

    Hears PlaceOrders, CancelOrder, PermitsRevoked, OrdersRequested, AccountSynced, WindDownStarted,
    and everything its two ports say. Says the order events, OrdersSynced, PositionChanged,
    BalanceChanged, FundingPaid, WindDownCompleted, and passes on what its port learns by the way.
    Restart: waits until the requests of the generation before have been answered, opens a new
    private stream, reads the account and adopts what rests.
    """

    def __init__(
        self,
        *,
        instruments: Mapping[str, Instrument],
        identity: IdentityScheme,
        settings: VenueSettings,
        stop: StopSettings,
        started_ns: int,
        venue: Address,
        user: Address,
    ) -> None:
        super().__init__(
            instruments=instruments,
            identity=identity,
            settings=settings,
            started_ns=started_ns,
            venue=venue,
            user=user,
        )
        self._symbols = tuple(instruments)
        self._stop_settings = stop
        self._started_ns = started_ns
        self._account = AccountDesk(self._symbols, started_ns)
        self._catch_up = CatchUp(self._desk.book, self._symbols, started_ns)
        self._wind_down = WindDown(identity, instruments)
        self._is_quiesced = False
        self._is_reading_owed = False
        self._token = 0

    def on_start(self) -> None:
        """Let the past settle, then listen, then read."""
        self._token = self.generation << 32
        self._wind_down.sequence = self.generation << 24
        self._catch_up.begin(self.now_ns)
        self.tell(self._venue, Quiesce(token=self.generation))
        self.start_stream()
        self.start_entry()
        self.set_timer("poll", POLL_NS)
        self.set_timer("funding", FUNDING_NS)

    def on_orders_requested(self, request: OrdersRequested) -> None:
        """Tell again what rests, if it is known."""
        if self._is_synced:
            self._say_synced(request.symbol)

    # What the venue port says.

    def on_books_read(self, answer: TradesRead | FundingRead) -> None:
        """Count fills and payments that have not been counted."""
        rest: ReadTrades | ReadFunding | None
        if isinstance(answer, TradesRead):
            applied = self._desk.hear(answer, self.now_ns)
            self._apply(applied)
            if applied.messages and self._is_synced:
                # Late fills: whoever heard the position before them may have added them to it.
                self._say_synced(answer.symbol)
            request, rest = answer.symbol, self._catch_up.heard(answer)
        else:
            for message in self._account.funding(answer):
                self.say(message)
            request = "funding"
            rest = ReadFunding(since_ns=answer.next_ns) if answer.next_ns else None
        if rest is not None:
            self.tell(self._venue, rest)
        elif self._wind_down.settle(request):
            self._complete(is_confirmed=True, detail="")

    def on_read_failed(self, failed: ReadFailed) -> None:
        """Try the account again, or the trades of a gap; the book asks for the rest again."""
        is_account = failed.request == "ReadAccount" and failed.token == self._token
        if is_account or (failed.request == "ReadTrades" and self._catch_up.failed(failed.symbol)):
            self._is_reading_owed = True
            self.set_timer("poll", NS_PER_S)

    def on_venue_news(
        self, news: VenueThrottled | VenueDenied | BudgetReported | ClockMeasured
    ) -> None:
        """Pass on what the port learned by the way."""
        self.say(news)

    def on_quiesced(self, quiesced: Quiesced) -> None:
        """Read the account: nothing of a former generation can come true any more."""
        if quiesced.token == self.generation:
            self._is_quiesced = True
            self._read_account()

    def on_account_read(self, read: AccountRead) -> None:
        """Take over what the venue shows, and say it."""
        if read.token != self._token:
            return
        self._apply(self._desk.snapshot(read.open_orders, read.asked_ns, self.now_ns))
        for message in self._account.snapshot(read.positions, read.asked_ns):
            self.say(message)
        self._is_synced = self._is_quiesced
        for symbol in self._symbols:
            self._say_synced(symbol)
        if self._wind_down.is_reading:
            for place in self._wind_down.account_read(read.open_orders, read.positions):
                self._apply(self._desk.place(place, self.now_ns, is_closing=True))
        self._ask_for_missed()

    def on_account_synced(self, synced: AccountSynced) -> None:
        """Let a periodic snapshot heal what the stream has missed."""
        if self._is_synced:
            self._apply(self._desk.snapshot(synced.open_orders, synced.asked_ns, self.now_ns))
            for message in self._account.heal(synced.positions, synced.asked_ns):
                self.say(message)

    # What the private stream says.

    def stream_opened(self) -> None:
        """Read what happened while nobody listened."""
        self._read_account()

    def orders_changed(self) -> None:
        """Tell what rests if the venue cut an order; make sure as soon as the book is cleared."""
        if self._desk.book.amended:
            for symbol in self._desk.take_amended():
                if self._is_synced:
                    self._say_synced(symbol)
        if self._wind_down.step is Step.CLEARING and not self._desk.book.live_count:
            self._read_account()

    def stream_lost(self) -> None:
        """Say that changes are not heard for now."""
        self._catch_up.begin(self.now_ns)
        if self._is_synced:
            for symbol in self._symbols:
                self._say_synced(symbol)

    def on_account_reported(self, report: AccountReported) -> None:
        """Say what changed of positions and balances; have funding looked up."""
        if report.connection != self._line.connection:
            return
        for message in self._account.reported(report):
            self.say(message)
        if report.reason == "FUNDING_FEE":
            self.tell(self._venue, self._account.funding_question())

    # Time.

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Do what is due."""
        if self.stream_timer(timer.key) or self.entry_timer(timer.key):
            return
        if timer.key == "poll":
            if self._is_reading_owed or not (self._line.is_live and self._is_synced):
                self._is_reading_owed = False
                self._read_account()
            self.set_timer("poll", POLL_NS)
        elif timer.key == "funding":
            if self._is_synced:
                self.tell(self._venue, self._account.funding_question())
            self.set_timer("funding", FUNDING_NS)
        elif timer.key == "sweep":
            self._sweep()

    def _read_account(self) -> None:
        if self._is_quiesced:
            self._token += 1
            self.tell(self._venue, ReadAccount(token=self._token))

    def _ask_for_missed(self) -> None:
        for question in self._catch_up.questions(self.now_ns):
            self.tell(self._venue, question)
        self.tell(self._venue, self._account.funding_question())

    def _say_synced(self, symbol: str) -> None:
        position = self._account.positions[symbol]
        self.say(
            self._desk.book.synced(
                symbol, position.qty_lots, position.entry_price, is_stream_live=self._line.is_live
            )
        )

    # The end of a run.

    def on_wind_down_started(self, started: WindDownStarted) -> None:
        """Take own orders off the book and make sure of it."""
        deadline_ns = self.now_ns + self._stop_settings.timeout_ms * NS_PER_MS
        self._wind_down.start(started.position, deadline_ns)
        self._desk.is_winding_down = True
        self._sweep()

    def _sweep(self) -> None:
        if self._wind_down.step is Step.DONE:
            return
        if self.now_ns >= self._wind_down.deadline_ns:
            self._complete(is_confirmed=False, detail="the venue did not confirm in time")
            return
        for applied in self._desk.cancel_all("WIND_DOWN", self.now_ns, spared=FLATTEN_LEVEL):
            self._apply(applied)
        if not self._desk.book.live_count:
            self._read_account()
        self.set_timer("sweep", SWEEP_NS)

    def _complete(self, *, is_confirmed: bool, detail: str) -> None:
        if is_confirmed:
            for command in self._desk.dead_man.renew(frozenset()):
                self.tell(self._venue, command)
        self.say(self._wind_down.complete(is_confirmed=is_confirmed, detail=detail))
        self.cancel_timer("sweep")
