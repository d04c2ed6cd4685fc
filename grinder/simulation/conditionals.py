"""Conditional orders: placing, cancelling, reading and triggering them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from grinder.model.order import Side
from grinder.simulation.account import Account, Desk
from grinder.simulation.algo import Algo, AlgoStatus, AlgoType, LiveAlgo, NewAlgo, WorkingType
from grinder.simulation.book import Book
from grinder.simulation.entry import CLIENT_ID, check_good_till, check_position_side
from grinder.simulation.external import FAR
from grinder.simulation.filters import check_price, check_qty
from grinder.simulation.memory import is_forgotten
from grinder.simulation.numbering import LastIds
from grinder.simulation.orders import PriceMatch
from grinder.simulation.refusals import Refusal, Rule
from grinder.simulation.reports import AlgoReport
from grinder.simulation.settings import Settings

CONDITIONALS_MAX = 200
"""Conditional orders that an account may have waiting."""

CALLBACK_MIN, CALLBACK_MAX = Decimal("0.1"), Decimal(20)
"""Per cent, what a trailing stop may turn back."""


class Conditionals(Settings):
    """The part of the exchange that keeps orders until a price is reached.

    No margin is checked before that. Whoever triggers is placed in the order of the ids, each with
    the whole effect of those before it.
    """

    _algo_id = 0

    def _count_from(self, ids: LastIds) -> None:
        """Give out ids above ``ids``."""
        self._order_id, self._algo_id = ids.order, ids.algo
        self._income_id = ids.income
        for book in self._books.values():
            book.trade_id = ids.trade

    def place_algo(self, account: str, new: NewAlgo, now_ms: int) -> Algo:
        """Keep a conditional order.

        Raises:
            Refusal: a rule was broken and nothing happened.
        """
        self._catch_up(now_ms)
        desk = self._desk(account, new.symbol)
        desk.book.heed_quote()
        _check_algo(desk, new, now_ms)
        self._algo_id += 1
        algo = LiveAlgo(
            desk=desk,
            algo_id=self._algo_id,
            client_algo_id=new.client_algo_id or f"algo-{self._algo_id}",
            new=new,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        desk.account.algos[algo.algo_id] = algo
        desk.book.watches[algo.algo_id] = algo
        self._tell(algo, AlgoStatus.NEW, now_ms)
        # A trailing stop begins to follow the price that stands now.
        self._look(desk.book, now_ms)
        return algo.snapshot()

    def cancel_algo(
        self,
        account: str,
        *,
        algo_id: int | None = None,
        client_algo_id: str | None = None,
        now_ms: int,
    ) -> Algo:
        """Cancel a conditional order that waits; the algo id wins over the client's.

        Raises:
            Refusal: -1102 without an id, -2011 when it is unknown or does not wait.
        """
        self._catch_up(now_ms)
        waiting = self._account(account).algos.values()
        algo = _found(waiting, algo_id, client_algo_id)
        if algo is None:
            raise Refusal(Rule.UNKNOWN_ON_CANCEL)
        self._end_algo(algo, AlgoStatus.CANCELED, now_ms)
        return algo.snapshot()

    def cancel_algos(self, account: str, symbol: str, now_ms: int) -> int:
        """Cancel the waiting conditional orders of a symbol; return how many there were."""
        self._catch_up(now_ms)
        desk = self._desk(account, symbol)
        wanted = [algo for algo in desk.account.algos.values() if algo.desk is desk]
        for algo in wanted:
            self._end_algo(algo, AlgoStatus.CANCELED, now_ms)
        return len(wanted)

    def algo(
        self,
        account: str,
        *,
        algo_id: int | None = None,
        client_algo_id: str | None = None,
        now_ms: int | None = None,
    ) -> Algo:
        """Return a conditional order, waiting or not; of several with one client id the newest.

        Raises:
            Refusal: -1102 without an id; -2013 when it is unknown, or forgotten at ``now_ms``.
        """
        found = self._account(account)
        every = (*found.algos.values(), *reversed(found.algos_done))
        algo = _found(every, algo_id, client_algo_id)
        if algo is None or _is_forgotten(algo, now_ms):
            raise Refusal(Rule.UNKNOWN_ON_QUERY)
        return algo.snapshot()

    def open_algos(self, account: str, symbol: str | None = None) -> tuple[Algo, ...]:
        """Return the conditional orders that wait, by id."""
        if symbol is not None:
            self._book(symbol)
        return tuple(
            algo.snapshot()
            for algo in self._account(account).algos.values()
            if symbol is None or algo.new.symbol == symbol
        )

    def algos(self, account: str, symbol: str, now_ms: int | None = None) -> tuple[Algo, ...]:
        """Return the conditional orders of a symbol in every state, by id.

        Told ``now_ms``, it leaves out what is forgotten (``memory``).
        """
        self._book(symbol)
        found = self._account(account)
        every = (*found.algos_done, *found.algos.values())
        wanted = [
            algo.snapshot()
            for algo in every
            if algo.new.symbol == symbol and not _is_forgotten(algo, now_ms)
        ]
        return tuple(sorted(wanted, key=_algo_id))

    def _look(self, book: Book, now_ms: int) -> None:
        """Trigger what the prices reach, until nothing more happens by it."""
        if not book.watches:
            return
        while (algo := _reached(book)) is not None:
            self._trigger(algo, now_ms)
        _watch(book)

    def _trigger(self, algo: LiveAlgo, now_ms: int) -> None:
        self._forget(algo)
        algo.triggered_ms = now_ms
        self._tell(algo, AlgoStatus.TRIGGERING, now_ms)
        desk = algo.desk
        if algo.new.price_protect and _are_apart(desk.book):
            self._tell(algo, AlgoStatus.EXPIRED, now_ms)
            return
        if algo.new.close_position and not desk.legs[algo.new.position_side].reducible(
            algo.new.side
        ):
            self._tell(algo, AlgoStatus.EXPIRED, now_ms)
            return
        try:
            order = self._accept(desk, algo.becomes(), now_ms)
        except Refusal as refusal:
            # Nobody waits for an answer: the venue tells it by the state and its reason.
            algo.refusal = refusal.msg
            self._tell(algo, AlgoStatus.REJECTED, now_ms)
            return
        algo.order = order
        self._tell(algo, AlgoStatus.TRIGGERED, now_ms)
        if order.status.is_terminal:
            self._tell(algo, AlgoStatus.FINISHED, now_ms)
        else:
            order.algo = algo

    def _end_algo(self, algo: LiveAlgo, status: AlgoStatus, now_ms: int) -> None:
        self._forget(algo)
        _watch(algo.desk.book)
        self._tell(algo, status, now_ms)

    def _forget(self, algo: LiveAlgo) -> None:
        account = algo.desk.account
        del account.algos[algo.algo_id]
        del algo.desk.book.watches[algo.algo_id]
        account.algos_done.append(algo)

    def _tell(self, algo: LiveAlgo, status: AlgoStatus, now_ms: int) -> None:
        algo.status, algo.updated_ms = status, now_ms
        report = AlgoReport(account=algo.desk.account.name, ts_ms=now_ms, algo=algo.snapshot())
        self._clearing.emit(report)


def _is_forgotten(algo: LiveAlgo, now_ms: int | None) -> bool:
    if now_ms is None or algo.algo_id in algo.desk.account.algos:
        return False
    order = algo.order
    if order is not None and not order.status.is_terminal:
        return False
    is_filled = order is not None and order.filled > 0
    return is_forgotten(algo.created_ms, now_ms, is_filled=is_filled)


def _algo_id(algo: Algo) -> int:
    return algo.algo_id


def _found(
    algos: Iterable[LiveAlgo], algo_id: int | None, client_algo_id: str | None
) -> LiveAlgo | None:
    if algo_id is None and client_algo_id is None:
        raise Refusal(Rule.NO_ALGO_KEY)
    for algo in algos:
        if (
            algo.algo_id == algo_id
            if algo_id is not None
            else algo.client_algo_id == client_algo_id
        ):
            return algo
    return None


def _price_that_counts(book: Book, working_type: WorkingType) -> Decimal | None:
    if working_type is WorkingType.MARK_PRICE:
        return book.mark_price
    return book.contract_price()


def _are_apart(book: Book) -> bool:
    """Say whether last price and mark price differ by more than price protection allows."""
    last, mark = book.contract_price(), book.mark_price
    if last is None or mark is None:
        return False
    return abs(last - mark) > mark * book.instrument.trigger_protect


def _reached(book: Book) -> LiveAlgo | None:
    for algo in book.watches.values():
        price = _price_that_counts(book, algo.new.working_type)
        if price is not None and algo.reached(price):
            return algo
    return None


def _watch(book: Book) -> None:
    keys = [algo.watch_keys() for algo in book.watches.values()]
    book.bids.set_watch(min((bid for bid, _ in keys), default=FAR))
    book.asks.set_watch(min((ask for _, ask in keys), default=FAR))


def _check_client_id(account: Account, client_algo_id: str | None) -> None:
    if client_algo_id is None:
        return
    if not CLIENT_ID.fullmatch(client_algo_id):
        raise Refusal(Rule.CLIENT_ID)
    if any(algo.client_algo_id == client_algo_id for algo in account.algos.values()):
        raise Refusal(Rule.CLIENT_ID_IN_USE)


def _check_algo(desk: Desk, new: NewAlgo, now_ms: int) -> None:
    account = desk.account
    check_position_side(desk, new.position_side, reduce_only=new.reduce_only)
    _check_words(new)
    check_good_till(new.time_in_force, new.good_till_ms, now_ms)
    _check_client_id(account, new.client_algo_id)
    for price in (new.trigger_price, new.price, new.activate_price):
        if price is not None:
            check_price(desk.instrument, price)
    if new.qty is not None:
        check_qty(desk.instrument, new.qty, is_market=not new.type.is_limit)
    if len(account.algos) >= CONDITIONALS_MAX:
        raise Refusal(Rule.CONDITIONALS_MAX)
    if new.close_position and _has_twin(account, new):
        raise Refusal(Rule.CLOSE_POSITION_EXISTS)
    _check_trigger(desk.book, new)


def _check_words(new: NewAlgo) -> None:
    if new.close_position and new.qty:
        raise Refusal(Rule.CLOSE_POSITION_QTY)
    is_trailing = new.type is AlgoType.TRAILING_STOP_MARKET
    is_matched = new.price_match is not PriceMatch.NONE
    for name, is_sent, is_wanted in (
        ("triggerPrice", new.trigger_price is not None, not is_trailing),
        ("callbackRate", new.callback_rate is not None, is_trailing),
        ("price", new.price is not None, new.type.is_limit and not is_matched),
        ("quantity", new.qty is not None, not new.close_position),
    ):
        if is_sent is not is_wanted:
            rule = Rule.UNWANTED_PARAMETER if is_sent else Rule.BAD_PARAMETER
            raise Refusal(rule, name=name)
    if is_matched and not new.type.is_limit:
        raise Refusal(Rule.PRICE_MATCH_TYPE)
    if new.activate_price is not None and not is_trailing:
        raise Refusal(Rule.UNWANTED_PARAMETER, name="activatePrice")
    if new.callback_rate is not None and not CALLBACK_MIN <= new.callback_rate <= CALLBACK_MAX:
        raise Refusal(Rule.BAD_PARAMETER, name="callbackRate")
    if new.close_position:
        if new.type.is_limit or is_trailing:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="closePosition")
        if new.reduce_only:
            raise Refusal(Rule.UNWANTED_PARAMETER, name="reduceonly")


def _has_twin(account: Account, new: NewAlgo) -> bool:
    return any(
        other.new.close_position
        and (other.new.symbol, other.new.side, other.new.position_side)
        == (new.symbol, new.side, new.position_side)
        and other.new.type.is_take_profit is new.type.is_take_profit
        for other in account.algos.values()
    )


def _check_trigger(book: Book, new: NewAlgo) -> None:
    price = _price_that_counts(book, new.working_type)
    if price is None:
        return
    if new.trigger_price is not None:
        reached = price >= new.trigger_price if new.triggers_above else price <= new.trigger_price
        if reached:
            raise Refusal(Rule.WOULD_TRIGGER)
    elif new.activate_price is not None:
        is_past = price > new.activate_price
        if is_past if new.side is Side.SELL else price < new.activate_price:
            raise Refusal(Rule.WOULD_TRIGGER)
