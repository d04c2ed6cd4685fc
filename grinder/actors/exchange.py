"""ExchangeActor: commands in, the life of our orders out."""

from __future__ import annotations

from grinder.execution.applied import Applied
from grinder.execution.book import OrderBook
from grinder.execution.dead_man import DeadMan
from grinder.execution.identity import IdentityScheme
from grinder.execution.private_line import PrivateLine
from grinder.execution.wind_down import Step, WindDown
from grinder.kernel.actor import Actor
from grinder.kernel.address import Address
from grinder.kernel.signals import TimerFired
from grinder.messages.account import (
    AccountSynced,
    BalanceChanged,
    FundingPaid,
    PositionChanged,
)
from grinder.messages.market import StreamClosed, StreamOpened
from grinder.messages.orders import (
    CancelOrder,
    OrderEnded,
    OrderRejected,
    OrdersRequested,
    PlaceOrder,
)
from grinder.messages.risk import PermitsRevoked, WindDownStarted
from grinder.messages.venue import (
    AccountRead,
    AccountReported,
    BudgetReported,
    CancelAnswered,
    ClockMeasured,
    CountdownAnswered,
    DropPlacements,
    FundingRead,
    KeepUserStream,
    ListenKeyExpired,
    OpenUserStream,
    OrderQueried,
    OrderReported,
    Outcome,
    PlaceAnswered,
    Quiesce,
    Quiesced,
    ReadAccount,
    ReadFailed,
    ReadFunding,
    TradesRead,
    UserStreamKept,
    VenueDenied,
    VenueThrottled,
)
from grinder.model.order import OrderType, Side, TimeInForce
from grinder.model.position import Position
from grinder.model.settings import StopSettings, VenueSettings
from grinder.model.units import NS_PER_MS, NS_PER_S

POLL_NS = 5 * NS_PER_S
"""Pause between account readings while the private stream is away."""
BACKFILL_NS = 900 * NS_PER_S
"""How far back a restarted actor looks for fills that its predecessor may have missed."""
PAYMENTS_MAX = 5_000
SWEEP_NS = 500 * NS_PER_MS
"""Pause between the rounds of a wind-down."""


class ExchangeActor(Actor):
    """Carry commands to the venue and know what became of them.

    Hears PlaceOrder, CancelOrder, PermitsRevoked, OrdersRequested, AccountSynced, WindDownStarted,
    and everything its two ports say. Says the order events, OrdersSynced, PositionChanged,
    BalanceChanged, FundingPaid, WindDownCompleted, and passes VenueThrottled and VenueDenied on.
    Restart: waits until the requests of the generation before have been answered, opens a new
    private stream, reads the account and adopts what rests.
    """

    def __init__(
        self,
        *,
        symbols: tuple[str, ...],
        identity: IdentityScheme,
        settings: VenueSettings,
        stop: StopSettings,
        started_ns: int,
        venue: Address,
        user: Address,
    ) -> None:
        self._symbols = symbols
        self._identity = identity
        self._settings = settings
        self._stop = stop
        self._started_ns = started_ns
        self._venue = venue
        self._user = user
        self._book = OrderBook(identity)
        self._dead_man = DeadMan(settings.dead_man_ms)
        self._wind_down = WindDown()
        self._positions = {symbol: Position(symbol=symbol) for symbol in symbols}
        self._levels: dict[tuple[str, str], str] = {}
        self._payments: dict[tuple[str, int], None] = {}
        self._revoked_below = 0
        self._is_quiesced = False
        self._is_synced = False
        self._token = 0
        self._flattenings = 0
        self._due_ns = 0

    def on_start(self) -> None:
        """Let the past settle, then listen, then read."""
        self._line = PrivateLine(self.generation << 24)
        self._token = self.generation << 32
        self.tell(self._venue, Quiesce(token=self.generation))
        self._open_stream()
        self.set_timer("tick", NS_PER_S)
        self.set_timer("keep", self._settings.listen_key_keepalive_ms * NS_PER_MS)
        self.set_timer("poll", POLL_NS)
        if self._dead_man.countdown_ms:
            self.set_timer("dead_man", self._dead_man.renew_ns)

    # Commands.

    def on_place_order(self, place: PlaceOrder) -> None:
        """Hand a placement to the port, unless its permit is void or its level has an order."""
        refusal = self._refusal(place)
        if refusal:
            self._apply(self._book.drop(place, refusal))
            return
        for command in self._dead_man.before_placing(place.symbol, self.now_ns):
            self.tell(self._venue, command)
        self._levels[(place.symbol, place.level)] = place.client_order_id
        self._apply(self._book.submit(place, self.now_ns))

    def _refusal(self, place: PlaceOrder) -> str:
        permit = place.permit
        if not self._is_synced:
            return "NOT_SYNCED"
        if not place.reduce_only:
            if self._wind_down.is_running:
                return "WINDING_DOWN"
            if permit is None or permit.serial < self._revoked_below:
                return "PERMIT_VOID"
            if permit.deadline_ns <= self.now_ns:
                return "PERMIT_EXPIRED"
        if (place.symbol, place.level) in self._levels:
            return "LEVEL_TAKEN"
        return ""

    def on_cancel_order(self, command: CancelOrder) -> None:
        """Hand a cancel to the port, at once or when the placement is answered."""
        self._apply(self._book.cancel(command, self.now_ns))

    def on_permits_revoked(self, revoked: PermitsRevoked) -> None:
        """Void what is still on its way."""
        self._revoked_below = max(self._revoked_below, revoked.serial)
        self.tell(self._venue, DropPlacements(serial=revoked.serial))

    def on_orders_requested(self, request: OrdersRequested) -> None:
        """Tell again what rests, if it is known."""
        if self._is_synced:
            self._say_synced(request.symbol)

    # Answers of the venue port.

    def on_place_answered(self, answer: PlaceAnswered) -> None:
        """Apply the answer to a placement."""
        record = self._book.find(answer.client_order_id)
        if answer.outcome is Outcome.DONE and record is not None and not record.is_accepted_said:
            self._line.accepted(answer.client_order_id, self.now_ns)
        self._apply(self._book.place_answered(answer, self.now_ns))

    def on_cancel_answered(self, answer: CancelAnswered) -> None:
        """Apply the answer to a cancel."""
        self._apply(self._book.cancel_answered(answer, self.now_ns))

    def on_order_queried(self, answer: OrderQueried) -> None:
        """Apply what the venue knows of an order."""
        self._apply(self._book.order_queried(answer, self.now_ns))

    def on_trades_read(self, answer: TradesRead) -> None:
        """Count what has not been counted."""
        self._apply(self._book.trades_read(answer, self.now_ns))
        self._settle(f"trades:{answer.symbol}")

    def on_funding_read(self, answer: FundingRead) -> None:
        """Say each payment once."""
        for symbol, transaction_id, amount, event_ns in answer.payments:
            key = (symbol, transaction_id)
            if key in self._payments or event_ns < self._started_ns:
                continue
            self._payments[key] = None
            if len(self._payments) > PAYMENTS_MAX:
                del self._payments[next(iter(self._payments))]
            self.say(
                FundingPaid(
                    symbol=symbol,
                    transaction_id=transaction_id,
                    amount=amount,
                    event_ns=event_ns,
                )
            )
        self._settle("funding")

    def on_countdown_answered(self, answer: CountdownAnswered) -> None:
        """Tell the countdown again soon if the venue did not take it."""
        if self._dead_man.answered(answer) and answer.countdown_ms:
            self.set_timer("dead_man", NS_PER_S)

    def on_read_failed(self, failed: ReadFailed) -> None:
        """Try the account again; lookups and trade lists are asked for again by the book."""
        if failed.request == "ReadAccount" and failed.token == self._token:
            self.set_timer("poll", NS_PER_S)

    def on_venue_news(
        self, news: VenueThrottled | VenueDenied | BudgetReported | ClockMeasured
    ) -> None:
        """Pass on what the port learned by the way."""
        self.say(news)

    def on_quiesced(self, quiesced: Quiesced) -> None:
        """Nothing of a former generation can come true any more: the account may be read."""
        if quiesced.token == self.generation:
            self._is_quiesced = True
            self._read_account()

    def on_account_read(self, read: AccountRead) -> None:
        """Take over what the venue shows, and say it."""
        if read.token != self._token:
            return
        self._apply(
            self._book.snapshot(read.open_orders, self._symbols, read.asked_ns, self.now_ns)
        )
        self._take_positions(read.positions, read.asked_ns)
        self._is_synced = self._is_quiesced
        for record in self._book.live():
            self._levels.setdefault((record.symbol, record.level), record.client_order_id)
        for symbol in self._symbols:
            self._say_synced(symbol)
        self._catch_up()
        if self._wind_down.is_running:
            self._go_on_winding_down(read)

    def _take_positions(self, positions: tuple[Position, ...], asked_ns: int) -> None:
        """Believe a snapshot where no later event has been heard; what it leaves out is flat."""
        shown = {one.symbol: one for one in positions}
        for symbol, known in self._positions.items():
            position = shown.get(symbol) or Position(symbol=symbol)
            if known.updated_ns <= max(position.updated_ns, asked_ns):
                self._set_position(position, max(position.updated_ns, known.updated_ns))

    def _set_position(self, position: Position, event_ns: int) -> None:
        known = self._positions.get(position.symbol)
        if known is None:
            return
        self._positions[position.symbol] = Position(
            symbol=position.symbol,
            qty_lots=position.qty_lots,
            entry_price=position.entry_price,
            unrealized_pnl=position.unrealized_pnl,
            updated_ns=event_ns,
        )
        if (known.qty_lots, known.entry_price) != (position.qty_lots, position.entry_price):
            self.say(
                PositionChanged(
                    symbol=position.symbol,
                    qty_lots=position.qty_lots,
                    entry_price=position.entry_price,
                    unrealized_pnl=position.unrealized_pnl,
                    event_ns=event_ns,
                )
            )

    def on_account_synced(self, synced: AccountSynced) -> None:
        """Let a periodic snapshot heal what the stream has missed."""
        if self._is_synced:
            self._apply(
                self._book.snapshot(synced.open_orders, self._symbols, synced.asked_ns, self.now_ns)
            )

    # The private stream.

    def on_stream_opened(self, opened: StreamOpened) -> None:
        """Read what happened while nobody listened."""
        if self._line.opened(opened.connection):
            self._read_account()

    def on_stream_closed(self, closed: StreamClosed) -> None:
        """Open another one after a pause."""
        if closed.connection == self._line.connection:
            self._lose_stream()

    def on_listen_key_expired(self, expired: ListenKeyExpired) -> None:
        """Open another one after a pause."""
        if expired.connection == self._line.connection:
            self._lose_stream()

    def on_user_stream_kept(self, kept: UserStreamKept) -> None:
        """Take a key that the venue does not know any more for a dead stream."""
        if kept.connection == self._line.connection and kept.outcome is Outcome.REFUSED:
            self._lose_stream()

    def _lose_stream(self) -> None:
        was_live = self._line.is_live
        self.set_timer("open", self._line.lost())
        if was_live and self._is_synced:
            for symbol in self._symbols:
                self._say_synced(symbol)

    def _open_stream(self) -> None:
        self.tell(self._user, OpenUserStream(connection=self._line.next_connection()))

    def on_order_reported(self, report: OrderReported) -> None:
        """Apply one report."""
        if report.connection == self._line.connection:
            self._line.heard(report.client_order_id)
            self._apply(self._book.order_reported(report, self.now_ns))

    def on_account_reported(self, report: AccountReported) -> None:
        """Say what changed of positions and balances; have funding looked up."""
        if report.connection != self._line.connection:
            return
        for position in report.positions:
            known = self._positions.get(position.symbol)
            if known is not None and known.updated_ns <= report.event_ns:
                self._set_position(position, report.event_ns)
        for asset, wallet, _ in report.wallets:
            self.say(BalanceChanged(asset=asset, wallet=wallet, event_ns=report.event_ns))
        if report.reason == "FUNDING_FEE":
            self._read_funding()

    # Time.

    def on_timer_fired(self, timer: TimerFired) -> None:
        """Do what is due."""
        if timer.key == "tick":
            self._tick()
        elif timer.key == "open":
            self._open_stream()
        elif timer.key == "keep":
            self.tell(self._user, KeepUserStream(connection=self._line.connection))
            self.set_timer("keep", self._settings.listen_key_keepalive_ms * NS_PER_MS)
        elif timer.key == "poll":
            if not (self._line.is_live and self._is_synced):
                self._read_account()
            self.set_timer("poll", POLL_NS)
        elif timer.key == "dead_man":
            self._renew_dead_man()
        elif timer.key == "sweep":
            self._sweep()
        elif timer.key == "due":
            self._due_ns = 0
            self._apply(self._book.due(self.now_ns))

    def _tick(self) -> None:
        if self._line.is_live and self._line.is_deaf(self.now_ns):
            self._lose_stream()
        self.set_timer("tick", NS_PER_S)

    def _renew_dead_man(self) -> None:
        resting = frozenset(record.symbol for record in self._book.live())
        for command in self._dead_man.renew(resting, self.now_ns):
            self.tell(self._venue, command)
        self.set_timer("dead_man", self._dead_man.renew_ns)

    def _read_account(self) -> None:
        if self._is_quiesced:
            self._token += 1
            self.tell(self._venue, ReadAccount(token=self._token))

    def _read_funding(self) -> None:
        self.tell(self._venue, ReadFunding(since_ns=self._started_ns))

    def _catch_up(self) -> None:
        since_ns = max(self._started_ns, self.now_ns - BACKFILL_NS)
        for symbol in self._symbols:
            self.tell(self._venue, self._book.resume_trades(symbol, since_ns))
        self._read_funding()

    def _say_synced(self, symbol: str) -> None:
        position = self._positions[symbol]
        self.say(
            self._book.synced(
                symbol,
                position.qty_lots,
                position.entry_price,
                is_stream_live=self._line.is_live,
            )
        )

    def _apply(self, applied: Applied) -> None:
        """Publish what the book says, hand on what it asks, and be woken when something is due."""
        for message in applied.messages:
            if isinstance(message, OrderEnded | OrderRejected):
                self._free_level(message.symbol, message.level, message.client_order_id)
            self.say(message)
        for request in applied.requests:
            self.tell(self._venue, request)
        if self._wind_down.step is Step.CLEARING and applied.messages and not self._book.live():
            self._read_account()
        due_ns = self._book.next_due_ns()
        if due_ns is not None and (self._due_ns == 0 or due_ns < self._due_ns):
            self._due_ns = due_ns
            self.set_timer("due", due_ns - self.now_ns)

    def _free_level(self, symbol: str, level: str, client_order_id: str) -> None:
        if self._levels.get((symbol, level)) == client_order_id:
            del self._levels[(symbol, level)]

    # The end of a run.

    def on_wind_down_started(self, started: WindDownStarted) -> None:
        """Take own orders off the book and make sure of it."""
        deadline_ns = self.now_ns + self._stop.timeout_ms * NS_PER_MS
        self._wind_down.start(started.position, deadline_ns)
        self._sweep()

    def _sweep(self) -> None:
        if self._wind_down.step is Step.DONE:
            return
        if self.now_ns >= self._wind_down.deadline_ns:
            self._complete(is_confirmed=False, detail="the venue did not confirm in time")
            return
        live = self._book.live()
        for record in live:
            if record.level.startswith("f"):
                continue
            self.on_cancel_order(
                CancelOrder(
                    symbol=record.symbol,
                    client_order_id=record.client_order_id,
                    reason="WIND_DOWN",
                )
            )
        if not live:
            self._read_account()
        self.set_timer("sweep", SWEEP_NS)

    def _go_on_winding_down(self, read: AccountRead) -> None:
        if self._wind_down.step in (Step.DONE, Step.CATCHING_UP):
            return
        own = tuple(one for one in read.open_orders if self._identity.is_own(one.client_order_id))
        to_close = self._wind_down.account_read(own, read.positions)
        for position in to_close:
            self._flatten(position)
        if self._wind_down.is_clear:
            self._wind_down.owe(
                frozenset({"funding", *(f"trades:{symbol}" for symbol in self._symbols)})
            )

    def _flatten(self, position: Position) -> None:
        side = Side.SELL if position.qty_lots > 0 else Side.BUY
        level = f"f{self._flattenings % 100}"
        self._flattenings += 1
        place = PlaceOrder(
            symbol=position.symbol,
            client_order_id=self._identity.name(
                position.symbol, level, 0, (self.generation << 24) + self._flattenings
            ),
            side=side,
            order_type=OrderType.MARKET,
            price_ticks=0,
            qty_lots=abs(position.qty_lots),
            time_in_force=TimeInForce.GTC,
            reduce_only=True,
            level=level,
            permit=None,
            reason="STOP_FLATTEN",
        )
        self._apply(self._book.submit(place, self.now_ns))

    def _settle(self, request: str) -> None:
        if self._wind_down.step is Step.CATCHING_UP and self._wind_down.settle(request):
            self._complete(is_confirmed=True, detail="")

    def _complete(self, *, is_confirmed: bool, detail: str) -> None:
        if self._wind_down.step is Step.DONE:
            return
        for command in self._dead_man.renew(frozenset(), self.now_ns) if is_confirmed else ():
            self.tell(self._venue, command)
        self.say(self._wind_down.complete(is_confirmed=is_confirmed, detail=detail))
        self.cancel_timer("sweep")
