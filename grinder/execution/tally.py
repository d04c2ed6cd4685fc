"""Count fills once, whoever tells of them first, and notice those that nobody told."""

from __future__ import annotations

from grinder.execution.applied import Said
from grinder.execution.mover import say_accepted
from grinder.execution.record import (
    OrderRecord,
    fill_of_report,
    fill_of_trade,
    filled,
    filled_by_others,
)
from grinder.execution.table import OrderTable
from grinder.messages.venue import OrderReported, ReadTrades
from grinder.model.order import Trade
from grinder.model.trades import TradeLog
from grinder.model.units import NS_PER_MS, NS_PER_S

BACKFILL_DELAY_NS = 500 * NS_PER_MS
"""The stream usually brings a fill this soon after an answer that mentions it."""
BACKFILL_RETRY_NS = 2 * NS_PER_S
"""Pause before trades still missing are asked for again; doubles."""
BACKFILL_RETRY_NS_MAX = 60 * NS_PER_S
BACKFILLS_MAX = 8
"""Backfills for one order; beyond, only the comparison of positions can tell."""
CLOCK_MARGIN_NS = 10 * NS_PER_S
"""The venue's clock may be behind ours when trades are asked for by time."""


class Tally:
    """Trades counted by (symbol, trade id), and the gaps to fill."""

    def __init__(self, table: OrderTable) -> None:
        self._table = table
        self._logs: dict[str, TradeLog] = {}
        self._wanted: dict[str, dict[str, OrderRecord]] = {}
        self._at_ns: dict[str, int] = {}
        self._deferred: dict[str, int] = {}
        self._deferrals: dict[str, int] = {}

    def log(self, symbol: str) -> TradeLog:
        """Return the trades counted of ``symbol``."""
        log = self._logs.get(symbol)
        if log is None:
            log = self._logs[symbol] = TradeLog()
        return log

    def hear_filled(self, record: OrderRecord, lots: int, now_ns: int) -> None:
        """Take note of a cumulative quantity that the venue stated."""
        record.hear_filled(lots)
        if record.is_short_of_trades:
            self._want(record, now_ns + BACKFILL_DELAY_NS)

    def count_report(
        self, record: OrderRecord, report: OrderReported, now_ns: int, said: Said
    ) -> None:
        """Count the fill that a report of our order carries, if any."""
        record.hear_filled(report.filled_lots)
        if (
            report.last_lots > 0
            and report.trade_id > 0
            and self.log(report.symbol).add(report.trade_id)
        ):
            say_accepted(record, said)
            record.count_stated(report.trade_id, report.last_lots)
            said.say(filled(record, fill_of_report(report)))
        if record.is_short_of_trades:
            self._want(record, now_ns + BACKFILL_DELAY_NS)

    def count_foreign(self, report: OrderReported, said: Said) -> None:
        """Count the fill of an order that is not ours, if the report carries one."""
        if report.last_lots <= 0 or report.trade_id <= 0:
            return
        if self.log(report.symbol).add(report.trade_id):
            said.say(
                filled_by_others(
                    report.symbol,
                    fill_of_report(report),
                    filled_lots=report.filled_lots,
                    remaining_lots=max(0, report.qty_lots - report.filled_lots),
                    reduce_only=report.reduce_only,
                )
            )

    def count_trade(self, trade: Trade, now_ns: int, said: Said) -> OrderRecord | None:
        """Count one row of a trade list; return the order it belongs to if it was news.

        A trade whose order is not known by number waits while an order of ours has no number
        yet: it may be that one's.
        """
        if self.log(trade.symbol).knows(trade.trade_id):
            return None
        record = self._table.find_by_order_id(trade.symbol, trade.order_id)
        if record is None and self._table.has_nameless(trade.symbol):
            first = self._deferred.get(trade.symbol, trade.trade_id)
            self._deferred[trade.symbol] = min(first, trade.trade_id)
            self._at_ns.setdefault(trade.symbol, now_ns + BACKFILL_RETRY_NS)
            return None
        self.log(trade.symbol).add(trade.trade_id)
        fill = fill_of_trade(trade)
        if record is None:
            said.say(
                filled_by_others(
                    trade.symbol,
                    fill,
                    filled_lots=trade.qty_lots,
                    remaining_lots=0,
                    reduce_only=False,
                )
            )
            return None
        say_accepted(record, said)
        record.count_listed(trade.trade_id, trade.qty_lots, trade.ts_ns)
        said.say(filled(record, fill))
        return record

    def needs_backfill(self, symbol: str) -> bool:
        """Return whether trades of ``symbol`` are known to be missing."""
        if symbol in self._deferred:
            return True
        return any(r.is_short_of_trades for r in self._wanted.get(symbol, {}).values())

    def due(self, now_ns: int) -> tuple[ReadTrades, ...]:
        """Return the questions whose time has come, at most one for a symbol."""
        requests: list[ReadTrades] = []
        for symbol in [s for s, at_ns in self._at_ns.items() if at_ns <= now_ns]:
            records = self._still_short(symbol)
            if not records and symbol not in self._deferred:
                del self._at_ns[symbol]
                continue
            asked = 1
            if symbol in self._deferred:
                asked = self._deferrals[symbol] = self._deferrals.get(symbol, 0) + 1
            for record in records:
                record.backfills += 1
                asked = max(asked, record.backfills)
            pause_ns = min(BACKFILL_RETRY_NS << min(asked - 1, 8), BACKFILL_RETRY_NS_MAX)
            self._at_ns[symbol] = now_ns + pause_ns
            requests.append(self._question(symbol, records, now_ns))
        return tuple(requests)

    def answered(self, symbol: str, now_ns: int) -> None:
        """Take note that a trade list has been read."""
        first = self._deferred.get(symbol)
        if first is None:
            return
        if self.log(symbol).knows(first):
            del self._deferred[symbol]
            self._deferrals.pop(symbol, None)
        elif not self._table.has_nameless(symbol):
            # One more reading, now that every order has its number.
            self._at_ns[symbol] = now_ns

    def next_due_ns(self) -> int | None:
        """Return when the next question is due."""
        return min(self._at_ns.values(), default=None)

    def resume(self, symbol: str, since_ns: int) -> ReadTrades:
        """Return the question for everything after the last trade counted."""
        last_id = self.log(symbol).last_id
        from_id = last_id + 1 if last_id else 0
        return ReadTrades(symbol=symbol, from_id=from_id, since_ns=since_ns)

    def _want(self, record: OrderRecord, at_ns: int) -> None:
        wanted = self._wanted.setdefault(record.symbol, {})
        if record.client_order_id not in wanted:
            wanted[record.client_order_id] = record
            record.backfills = 0
            self._at_ns[record.symbol] = min(at_ns, self._at_ns.get(record.symbol, at_ns))

    def _still_short(self, symbol: str) -> tuple[OrderRecord, ...]:
        wanted = self._wanted.pop(symbol, {})
        kept = {
            name: record
            for name, record in wanted.items()
            if record.is_short_of_trades and record.backfills < BACKFILLS_MAX
        }
        if kept:
            self._wanted[symbol] = kept
        return tuple(kept.values())

    def _question(self, symbol: str, records: tuple[OrderRecord, ...], now_ns: int) -> ReadTrades:
        # By id only when every gap follows a trade that we know; an id could skip the others.
        ids = [record.last_trade_id + 1 if record.last_trade_id else 0 for record in records]
        if symbol in self._deferred:
            ids.append(self._deferred[symbol])
        since_ns = min((record.created_ns for record in records), default=now_ns)
        return ReadTrades(
            symbol=symbol, from_id=min(ids), since_ns=max(0, since_ns - CLOCK_MARGIN_NS)
        )
