"""Books kept beside the exchange, from what it reports and what the market was told alone.

Nothing here is computed by the exchange's own code: money is a fraction, rounded where the venue
rounds, and every report is checked against it on arrival.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import attrs

from grinder.model.fees import FeeRates
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, PositionSide, Side
from grinder.simulation.algo import AlgoStatus
from grinder.simulation.orders import ExpireReason, Order
from grinder.simulation.reports import (
    AccountReason,
    AccountReport,
    AlgoReport,
    Event,
    Execution,
    MarginCallReport,
    OrderReport,
    OwnTrade,
    PositionState,
)

FILLS = (Execution.TRADE, Execution.CALCULATED)
WAITING = (AlgoStatus.NEW, AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED)
Key = tuple[str, str, PositionSide]


def cents(value: Fraction, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a sum of money rounded to the venue's eight decimals."""
    whole = value * 10**8
    low = whole.numerator // whole.denominator
    rest = whole - low
    if rounding == ROUND_CEILING:
        up = rest > 0
    else:
        up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1)
    return Decimal(low + up).scaleb(-8)


@attrs.define
class Holding:
    """A position: signed lots, what they cost, and the commission of opening them."""

    lots: int = 0
    cost: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)


class Auditor:
    """Hears every event of an exchange; complains by AssertionError."""

    def __init__(
        self, instruments: Iterable[Instrument], accounts: Iterable[str], start: Decimal
    ) -> None:
        self.instruments = {each.symbol: each for each in instruments}
        self.wallets = dict.fromkeys(accounts, start)
        self.cash = dict.fromkeys(self.wallets, Fraction(0))
        """What fills brought in and cost, without commission."""
        self.apart = dict.fromkeys(self.wallets, Decimal(start))
        """Start less commission, plus funding and insurance: all that prices do not explain."""
        self.rates = dict.fromkeys(self.wallets, FeeRates())
        self.holdings: dict[Key, Holding] = {}
        self.marks: dict[str, Decimal] = {}
        self.live: dict[int, tuple[Order, int, str]] = {}
        """Open orders: as last reported, the place at which they joined, whose they are."""
        self.ended: set[int] = set()
        self.waiting: set[int] = set()
        self.done_algos: set[int] = set()
        self.funded: Counter[tuple[str, str, Decimal]] = Counter()
        self.counts: Counter[str] = Counter()
        self._told: dict[str, AccountReport] = {}
        self._newest: dict[tuple[str, str], int] = {}
        self._matched: dict[tuple[str, int], list[OrderReport]] = {}
        self._places = 0

    def hear(self, events: Iterable[Event]) -> None:
        """Check and book the events of one call."""
        self.funded.clear()
        self._matched.clear()
        was_forced = False
        for event in events:
            if isinstance(event, OrderReport):
                self._hear_order(event)
                was_forced = was_forced or event.execution is Execution.CALCULATED
            elif isinstance(event, AccountReport):
                assert event.reason is not AccountReason.INSURANCE_CLEAR or was_forced
                self._hear_account(event)
            elif isinstance(event, AlgoReport):
                self._hear_algo(event)
            elif isinstance(event, OwnTrade):
                self._hear_match(event)
            else:
                assert isinstance(event, MarginCallReport)
                self.counts["margin call"] += 1
        assert not self._told, "a wallet changed without the fill that changed it"

    def holding(self, account: str, symbol: str, side: PositionSide) -> Holding:
        """Return a position as it should be."""
        return self.holdings.setdefault((account, symbol, side), Holding())

    def payments(self, symbol: str, rate: Decimal) -> Counter[tuple[str, str, Decimal]]:
        """Return the funding that is due on a symbol now, by account."""
        due: Counter[tuple[str, str, Decimal]] = Counter()
        if symbol in self.marks:
            per_lot = rate * self.marks[symbol] * self.instruments[symbol].lot
            for (account, held, _), holding in self.holdings.items():
                if held == symbol and holding.lots:
                    due[account, symbol, -cents(Fraction(per_lot) * holding.lots)] += 1
        return due

    def _hear_account(self, report: AccountReport) -> None:
        (change,) = report.balances
        name = report.account
        if report.reason is AccountReason.ORDER:
            assert change.change == 0
            self._told[name] = report
            return
        self.counts[report.reason] += 1
        if report.reason is AccountReason.FUNDING_FEE:
            self.funded[name, self._funded_symbol(report), change.change] += 1
        else:
            assert change.change > 0
        self.wallets[name] += change.change
        self.apart[name] += change.change
        assert change.wallet == self.wallets[name]

    def _funded_symbol(self, report: AccountReport) -> str:
        # A crossed position is not told along with its funding; its symbol is not either.
        return report.positions[0].symbol if report.positions else "*"

    def _hear_order(self, report: OrderReport) -> None:
        order = report.order
        number = order.order_id
        assert number not in self.ended, "a closed order changed"
        assert (report.execution is Execution.NEW) is (number not in self.live)
        if number in self.live:
            assert self.live[number][2] == report.account
        else:
            assert order.status is OrderStatus.NEW
            assert order.filled_lots == 0
            self.counts[order.position_side] += 1
        if report.execution in FILLS:
            self._hear_fill(report)
        elif number in self.live:
            assert order.filled_lots == self.live[number][0].filled_lots
        self._keep(report)

    def _keep(self, report: OrderReport) -> None:
        order, number = report.order, report.order.order_id
        self.counts[report.execution] += 1
        if order.status is OrderStatus.EXPIRED_IN_MATCH:
            self.counts["self-trade"] += 1
        if order.status.is_terminal:
            del self.live[number]
            self.ended.add(number)
            return
        was_cut = order.expire_reason is ExpireReason.REDUCE_ONLY
        self.counts["reduce-only cut"] += was_cut
        keeps_place = report.execution in FILLS or (was_cut and number in self.live)
        if not keeps_place:
            self._places += 1
        place = self.live[number][1] if keeps_place else self._places
        self.live[number] = (order, place, report.account)

    def _hear_fill(self, report: OrderReport) -> None:
        order, name = report.order, report.account
        instrument = self.instruments[order.symbol]
        lots = instrument.lots_exact(report.last_qty)
        before = self.live[order.order_id][0]
        assert 0 < lots == order.filled_lots - before.filled_lots
        assert order.filled_lots <= order.qty_lots
        assert (order.status is OrderStatus.FILLED) is (order.filled_lots == order.qty_lots)
        assert order.price == 0 or (report.last_price - order.price) * order.side.sign <= 0
        newest = (name, order.symbol)
        assert report.trade_id > self._newest.get(newest, 0), "a trade id came again"
        self._newest[newest] = report.trade_id
        self._matched.setdefault((order.symbol, report.trade_id), []).append(report)
        if report.is_maker:
            self._check_priority(order)
        self._book(report, lots * order.side.sign)

    def _book(self, report: OrderReport, signed: int) -> None:
        order, name = report.order, report.account
        held = self.holding(name, order.symbol, order.position_side)
        lot = self.instruments[order.symbol].lot
        value = Fraction(report.last_price) * Fraction(lot) * signed
        rate = self.rates[name].maker if report.is_maker else self.rates[name].taker
        fee = cents(abs(value) * Fraction(rate), ROUND_CEILING)
        assert report.commission == fee, "the wrong commission"
        closed = min(abs(held.lots), abs(signed)) if held.lots * signed < 0 else 0
        if order.reduce_only:
            assert closed == abs(signed), "a reduce-only order opened"
        share = Fraction(closed, abs(held.lots)) if closed else Fraction(0)
        proceeds = -value * Fraction(closed, abs(signed))
        profit = cents(proceeds - held.cost * share)
        assert report.realised_profit == profit, "the wrong profit"
        held.cost += value + Fraction(profit)
        held.fees -= Fraction(cents(held.fees * share))
        held.fees += Fraction(cents(Fraction(fee) * Fraction(abs(signed) - closed, abs(signed))))
        held.lots += signed
        self.cash[name] -= value
        if closed == abs(held.lots - signed) and closed:
            self._forget_rest(name, order.symbol, held, value + proceeds)
        self.apart[name] -= fee
        self.wallets[name] += profit - fee
        told = self._told.pop(name)
        assert told.balances[0].wallet == self.wallets[name]
        (row,) = [each for each in told.positions if each.side is order.position_side]
        self._check_state(row, held)

    def _forget_rest(self, name: str, symbol: str, held: Holding, opened: Fraction) -> None:
        """A position that went through zero costs what it opened since, and nothing else.

        Only where tick x lot is finer than 1e-8 can rounding leave a rest, of at most half of it.
        """
        instrument = self.instruments[symbol]
        is_fine = cents(Fraction(instrument.tick * instrument.lot)) != (
            instrument.tick * instrument.lot
        )
        rest = held.cost - opened
        assert abs(rest) <= Fraction(is_fine, 2 * 10**8), "money was left behind"
        self.cash[name] += rest
        held.cost = opened

    def _check_state(self, row: PositionState, held: Holding) -> None:
        lot = Fraction(self.instruments[row.symbol].lot)
        assert row.qty_lots == held.lots
        if held.lots:
            assert row.entry_price == cents(held.cost / (lot * held.lots))
            assert row.break_even == cents((held.cost + held.fees) / (lot * held.lots))
        if row.symbol in self.marks:
            value = Fraction(self.marks[row.symbol]) * lot * held.lots
            assert row.unrealised == cents(value - held.cost)

    def _check_priority(self, order: Order) -> None:
        place = self.live[order.order_id][1]
        for other, other_place, _ in self.live.values():
            if (other.symbol, other.side) != (order.symbol, order.side) or other == order:
                continue
            if other.order_id == order.order_id:
                continue
            # Whoever rests on this side is a maker: better price first, then the earlier.
            better = (other.price_ticks - order.price_ticks) * order.side.sign
            assert better <= 0, "a worse price was filled first"
            assert better < 0 or other_place > place, "a later order was filled first"

    def _hear_match(self, trade: OwnTrade) -> None:
        self.counts["own match"] += 1
        maker, taker = self._matched[trade.symbol, trade.trade_id]
        assert (maker.is_maker, taker.is_maker) == (True, False)
        assert maker.order.side is taker.order.side.opposite
        assert maker.account != taker.account
        assert (maker.order.side is Side.BUY) is trade.buyer_is_maker
        for side in (maker, taker):
            assert (side.last_price, side.last_qty) == (trade.price, trade.qty)

    def _hear_algo(self, report: AlgoReport) -> None:
        algo = report.algo
        assert algo.algo_id not in self.done_algos, "an ended conditional order changed"
        if algo.status is AlgoStatus.NEW:
            self.waiting.add(algo.algo_id)
        else:
            self.waiting.discard(algo.algo_id)
        if algo.status not in WAITING:
            self.done_algos.add(algo.algo_id)
        self.counts[f"algo {algo.status}"] += 1
