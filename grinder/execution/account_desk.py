"""The account desk: positions and funding, each change told once.

A position is believed from the stream or from a snapshot, whichever is later by the venue's own
time: a snapshot may be older than an event already heard.
"""

from __future__ import annotations

from grinder.kernel.message import Message
from grinder.messages.account import BalanceChanged, FundingPaid, PositionChanged
from grinder.messages.venue import AccountReported, FundingRead, ReadFunding
from grinder.model.position import Position
from grinder.model.units import NS_PER_S

STANDING = 3
"""Snapshots in a row that have to disagree with us before the stream is taken to have missed it."""
PAYMENTS_MAX = 5_000
"""Funding payments remembered, so that none is told twice."""
LATE_NS = 86_400 * NS_PER_S
"""A payment is looked for this long before the last one told: the venue may book it late."""


class AccountDesk:
    """What is held of each symbol, and which payments have been told."""

    def __init__(self, symbols: tuple[str, ...], started_ns: int) -> None:
        self.positions = {symbol: Position(symbol=symbol) for symbol in symbols}
        self._started_ns = started_ns
        self._payments: dict[tuple[str, int], None] = {}
        self._paid_ns = started_ns
        self._disagreed: dict[str, int] = {}

    def snapshot(self, positions: tuple[Position, ...], asked_ns: int) -> tuple[Message, ...]:
        """Believe a snapshot where nothing later has been heard; what it leaves out is flat."""
        shown = {one.symbol: one for one in positions}
        said: list[Message] = []
        for symbol, known in self.positions.items():
            position = shown.get(symbol) or Position(symbol=symbol)
            if known.updated_ns <= max(position.updated_ns, asked_ns):
                event_ns = max(position.updated_ns, known.updated_ns)
                said += self._take(position, event_ns)
        return tuple(said)

    def heal(self, positions: tuple[Position, ...], asked_ns: int) -> tuple[Message, ...]:
        """Believe a periodic snapshot where it has disagreed for long enough to be told of it."""
        shown = {one.symbol: one for one in positions}
        said: list[Message] = []
        for symbol, known in self.positions.items():
            position = shown.get(symbol) or Position(symbol=symbol)
            is_same = position.qty_lots == known.qty_lots or known.updated_ns > asked_ns
            self._disagreed[symbol] = 0 if is_same else self._disagreed.get(symbol, 0) + 1
            if self._disagreed[symbol] >= STANDING:
                self._disagreed[symbol] = 0
                said += self._take(position, max(position.updated_ns, known.updated_ns))
        return tuple(said)

    def reported(self, report: AccountReported) -> tuple[Message, ...]:
        """Take an account event of the private stream."""
        said: list[Message] = []
        for position in report.positions:
            known = self.positions.get(position.symbol)
            if known is not None and known.updated_ns <= report.event_ns:
                said += self._take(position, report.event_ns)
        said += [
            BalanceChanged(asset=asset, wallet=wallet, event_ns=report.event_ns)
            for asset, wallet, _ in report.wallets
        ]
        return tuple(said)

    def _take(self, position: Position, event_ns: int) -> list[Message]:
        known = self.positions[position.symbol]
        self.positions[position.symbol] = Position(
            symbol=position.symbol,
            qty_lots=position.qty_lots,
            entry_price=position.entry_price,
            unrealized_pnl=position.unrealized_pnl,
            updated_ns=event_ns,
        )
        if (known.qty_lots, known.entry_price) == (position.qty_lots, position.entry_price):
            return []
        return [
            PositionChanged(
                symbol=position.symbol,
                qty_lots=position.qty_lots,
                entry_price=position.entry_price,
                unrealized_pnl=position.unrealized_pnl,
                event_ns=event_ns,
            )
        ]

    def funding_question(self) -> ReadFunding:
        """Return the question for payments that may not have been told yet."""
        return ReadFunding(since_ns=max(self._started_ns, self._paid_ns - LATE_NS))

    def funding(self, answer: FundingRead) -> tuple[Message, ...]:
        """Return the payments of this run that have not been told."""
        said: list[Message] = []
        for symbol, transaction_id, amount, event_ns in answer.payments:
            key = (symbol, transaction_id)
            if key in self._payments or event_ns < self._started_ns:
                continue
            self._payments[key] = None
            self._paid_ns = max(self._paid_ns, event_ns)
            if len(self._payments) > PAYMENTS_MAX:
                del self._payments[next(iter(self._payments))]
            said.append(
                FundingPaid(
                    symbol=symbol,
                    transaction_id=transaction_id,
                    amount=amount,
                    event_ns=event_ns,
                )
            )
        return tuple(said)
