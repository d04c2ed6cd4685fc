"""Expected against observed, with patience.

News and snapshots travel different ways, so one snapshot that disagrees proves nothing. A
difference counts once it stands in two snapshots in a row and nothing has been heard of its subject
for ``missing_after``; whatever was heard of after the snapshot was asked for is not compared with
it. Each difference is told once, and again only after it has gone away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from grinder.kernel.message import Message
from grinder.messages.account import AccountSynced, MismatchDetected, ReconcileRan
from grinder.model.order import OpenOrder
from grinder.model.settings import SyncSettings
from grinder.model.units import NS_PER_MS
from grinder.reconcile.expected import Expected, ExpectedOrder


class MismatchKind(StrEnum):
    """How we and the venue can disagree."""

    ORDER_EXISTS_UNEXPECTED = "ORDER_EXISTS_UNEXPECTED"
    ORDER_MISSING_ON_EXCHANGE = "ORDER_MISSING_ON_EXCHANGE"
    ORDER_STATUS_DIVERGENCE = "ORDER_STATUS_DIVERGENCE"
    POSITION_MISMATCH = "POSITION_MISMATCH"


class _Subject(NamedTuple):
    kind: MismatchKind
    symbol: str
    client_order_id: str


class _Difference(NamedTuple):
    expected: str
    observed: str
    since_ns: int
    """When its subject was last heard of; 0 when it never was."""


class _Standing:
    __slots__ = ("first_ns", "is_told")

    def __init__(self, first_ns: int) -> None:
        self.first_ns = first_ns
        self.is_told = False


class Reconciler:
    """The comparison of one account. Bounded by the expected picture and the snapshot."""

    def __init__(
        self, symbols: tuple[str, ...], is_own: Callable[[str], bool], settings: SyncSettings
    ) -> None:
        """Prepare.

        Args:
            symbols: those compared; others in a snapshot are somebody else's.
            is_own: whether a client order id is ours.
            settings: patience.
        """
        self._symbols = frozenset(symbols)
        self._is_own = is_own
        self._missing_after_ns = settings.missing_after_ms * NS_PER_MS
        self._standing: dict[_Subject, _Standing] = {}
        self._asked_ns = -1
        self.expected = Expected()

    def apply(self, message: Message, now_ns: int) -> bool:
        """Take an order or position event; False for any other message."""
        return self.expected.apply(message, now_ns)

    def compare(self, snapshot: AccountSynced, now_ns: int) -> tuple[Message, ...]:
        """Return MismatchDetected for each new difference, then ReconcileRan.

        A snapshot asked for no later than the one before is left out: ().
        """
        if snapshot.asked_ns <= self._asked_ns:
            return ()
        self._asked_ns = snapshot.asked_ns
        self.expected.read()
        differences = dict(self._differences(snapshot))
        standing: dict[_Subject, _Standing] = {}
        said: list[Message] = []
        told = 0
        for subject, difference in differences.items():
            before = self._standing.get(subject)
            entry = standing[subject] = before or _Standing(now_ns)
            if before is not None and not entry.is_told:
                age_ns = now_ns - (difference.since_ns or entry.first_ns)
                if age_ns >= self._missing_after_ns:
                    entry.is_told = True
                    said.append(_mismatch(subject, difference))
            told += entry.is_told
        self._standing = standing
        said.append(
            ReconcileRan(
                mismatches=told,
                orders_compared=len(self.expected.orders),
                snapshot_age_ns=max(0, now_ns - snapshot.asked_ns),
            )
        )
        return tuple(said)

    def _differences(self, snapshot: AccountSynced) -> Iterator[tuple[_Subject, _Difference]]:
        symbols = self._symbols & self.expected.synced
        shown = {
            order.client_order_id: order
            for order in snapshot.open_orders
            if order.symbol in symbols and self._is_own(order.client_order_id)
        }
        for name, order in shown.items():
            expected = self.expected.orders.get(name)
            if expected is None:
                yield from self._unexpected(order, snapshot.asked_ns)
            elif expected.changed_ns < snapshot.asked_ns:
                yield from _diverged(name, expected, order)
        for name, expected in self.expected.orders.items():
            is_compared = expected.symbol in symbols and expected.changed_ns < snapshot.asked_ns
            if is_compared and name not in shown:
                subject = _Subject(MismatchKind.ORDER_MISSING_ON_EXCHANGE, expected.symbol, name)
                yield subject, _Difference(_picture(expected), "", expected.changed_ns)
        yield from self._positions(snapshot, sorted(symbols))

    def _unexpected(
        self, order: OpenOrder, asked_ns: int
    ) -> Iterator[tuple[_Subject, _Difference]]:
        ended_ns = self.expected.ended.get(order.client_order_id, 0)
        if ended_ns < asked_ns:
            subject = _Subject(
                MismatchKind.ORDER_EXISTS_UNEXPECTED, order.symbol, order.client_order_id
            )
            yield subject, _Difference("", _picture(order), ended_ns)

    def _positions(
        self, snapshot: AccountSynced, symbols: list[str]
    ) -> Iterator[tuple[_Subject, _Difference]]:
        observed = {position.symbol: position.qty_lots for position in snapshot.positions}
        for symbol in symbols:
            expected = self.expected.holdings[symbol]
            lots = observed.get(symbol, 0)
            if expected.changed_ns < snapshot.asked_ns and expected.holding.lots != lots:
                subject = _Subject(MismatchKind.POSITION_MISMATCH, symbol, "")
                yield (
                    subject,
                    _Difference(
                        f"qty_lots={expected.holding.lots}",
                        f"qty_lots={lots}",
                        expected.changed_ns,
                    ),
                )


def _diverged(
    name: str, expected: ExpectedOrder, order: OpenOrder
) -> Iterator[tuple[_Subject, _Difference]]:
    is_same = (
        expected.price_ticks == order.price_ticks
        and expected.qty_lots == order.qty_lots
        and expected.filled_lots == order.filled_lots
    )
    if not is_same:
        subject = _Subject(MismatchKind.ORDER_STATUS_DIVERGENCE, order.symbol, name)
        yield subject, _Difference(_picture(expected), _picture(order), expected.changed_ns)


def _picture(order: ExpectedOrder | OpenOrder) -> str:
    return (
        f"price_ticks={order.price_ticks} qty_lots={order.qty_lots} filled_lots={order.filled_lots}"
    )


def _mismatch(subject: _Subject, difference: _Difference) -> MismatchDetected:
    return MismatchDetected(
        kind=str(subject.kind),
        symbol=subject.symbol,
        client_order_id=subject.client_order_id,
        expected=difference.expected,
        observed=difference.observed,
    )
