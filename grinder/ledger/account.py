"""What the run was worth, symbol by symbol, in quote units.

Realised profit is the venue's own statement of each fill, summed, so it is exact. The average price
is ours: a mean needs a division, done to 40 digits and rounded half to even. So is the profit by
that average, which is kept beside the venue's to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from grinder.ledger.holding import Holding
from grinder.messages.account import FundingPaid, PositionChanged
from grinder.messages.ledger import FeesPaid, LedgerChanged, PortfolioChanged
from grinder.messages.market import MarkPriced
from grinder.messages.orders import OrderFilled, OrdersSynced
from grinder.model.instrument import Instrument
from grinder.model.legs import by_market

REMEMBERED_MAX = 10_000
"""Trades, and funding payments, remembered for each symbol so that none counts twice."""
_ZERO = Decimal(0)


class _Seen:
    """The last keys seen; the oldest is forgotten first."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[object, None] = {}

    def add(self, key: object) -> bool:
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > REMEMBERED_MAX:
            del self._keys[next(iter(self._keys))]
        return True


class SymbolLedger:
    """Totals of one symbol."""

    def __init__(self, symbol: str, instrument: Instrument | None) -> None:
        self.symbol = symbol
        self._instrument = instrument
        self._trades = _Seen()
        self._payments = _Seen()
        self.fills = 0
        self.held = Holding()
        self.realized_pnl = _ZERO
        self.realized_by_average = _ZERO
        """What our own average price gives. The venue rounds at each fill; once flat they agree."""
        self.fees = _ZERO
        """Paid in the quote asset, positive."""
        self.fees_in_other_assets: dict[str, Decimal] = {}
        """Paid in anything else (a discount asset), by asset; not in ``fees``."""
        self.funding = _ZERO
        self.mark_price: Decimal | None = None
        self._stated_ns = 0
        self._settled_ns = 0
        # Venue times of the last position stated, and of the last one taken over: fills up to it
        # are in that position, whenever they are heard of.

    @property
    def position_lots(self) -> int:
        """What is held, signed."""
        return self.held.lots

    @property
    def average_price(self) -> Decimal:
        """What it cost on average; 0 when flat."""
        return self.held.average

    @property
    def settled_ns(self) -> int:
        """Venue time up to which fills are in the position that was taken over."""
        return self._settled_ns

    @property
    def stated_ns(self) -> int:
        """Venue time up to which fills are in the position last stated."""
        return self._stated_ns

    def fill(self, fill: OrderFilled) -> bool:
        """Book one fill; False when it is booked already."""
        if not self._trades.add(fill.trade_id):
            return False
        self.fills += 1
        self.realized_pnl += fill.realized_pnl
        instrument = self._instrument
        if instrument is None or fill.fee_asset == instrument.quote_asset:
            self.fees += fill.fee
        elif fill.fee:
            paid = self.fees_in_other_assets.get(fill.fee_asset, _ZERO)
            self.fees_in_other_assets[fill.fee_asset] = paid + fill.fee
        if instrument is not None and fill.event_ns > self._settled_ns:
            signed_lots = fill.side.sign * fill.qty_lots
            self.held, profit = self.held.traded(signed_lots, instrument.price(fill.price_ticks))
            self.realized_by_average += profit * instrument.lot
        return True

    def pay(self, payment: FundingPaid) -> bool:
        """Book one funding payment; False when it is booked already."""
        if not self._payments.add(payment.transaction_id):
            return False
        self.funding += payment.amount
        return True

    def state(self, event_ns: int) -> None:
        """Note that the venue stated a position of this time."""
        self._stated_ns = max(self._stated_ns, event_ns)

    def sync(self, position_lots: int, entry_price: Decimal) -> bool:
        """Take the venue's position where ours differs; False when it does not."""
        if position_lots == self.position_lots:
            return False
        self._settled_ns = self._stated_ns
        self.held = Holding(lots=position_lots, average=entry_price if position_lots else _ZERO)
        return True

    @property
    def unrealized_pnl(self) -> Decimal:
        """(mark - average) x signed quantity; 0 when flat or before the first mark price."""
        if self.mark_price is None or self._instrument is None or self.position_lots == 0:
            return _ZERO
        return (self.mark_price - self.average_price) * self._instrument.qty(self.position_lots)

    def said(self) -> LedgerChanged:
        """Return the totals as a message."""
        return LedgerChanged(
            symbol=self.symbol,
            fills=self.fills,
            position_lots=self.position_lots,
            average_price=self.average_price,
            realized_pnl=self.realized_pnl,
            fees=self.fees,
            funding=self.funding,
            unrealized_pnl=self.unrealized_pnl,
            other_fees=_by_asset(self.fees_in_other_assets),
        )


class Ledger:
    """Every symbol's ledger.

    In hedge mode the venue says of funding which market it is of, and not which leg: it is booked
    under the market's name, beside the legs. Funding of an unnamed symbol is booked under the empty
    one.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = dict(instruments)
        self._legs = by_market(instruments)
        self._symbols: dict[str, SymbolLedger] = {}

    def filled(self, fill: OrderFilled) -> LedgerChanged | None:
        """Book a fill; None when it is booked already."""
        symbol = self.of(fill.symbol)
        return symbol.said() if symbol.fill(fill) else None

    def funded(self, payment: FundingPaid) -> LedgerChanged | None:
        """Book a funding payment; None when it is booked already."""
        symbol = self.of(payment.symbol)
        return symbol.said() if symbol.pay(payment) else None

    def stated(self, position: PositionChanged) -> None:
        """Note how far the positions that will be synced reach."""
        self.of(position.symbol).state(position.event_ns)

    def synced(self, sync: OrdersSynced) -> LedgerChanged | None:
        """Take the venue's position; None when it is ours already."""
        return self.taken_over(sync.symbol, sync.position_lots, sync.entry_price)

    def taken_over(self, symbol: str, lots: int, entry_price: Decimal) -> LedgerChanged | None:
        """Take a position for ours; None when it is already."""
        ledger = self.of(symbol)
        return ledger.said() if ledger.sync(lots, entry_price) else None

    def marked(self, mark: MarkPriced) -> tuple[LedgerChanged, ...]:
        """Take the mark price of a market; return what is held at it, leg by leg."""
        legs = [self.of(leg) for leg in self._legs.get(mark.symbol, (mark.symbol,))]
        for leg in legs:
            leg.mark_price = mark.mark_price
        return tuple(leg.said() for leg in legs if leg.position_lots)

    def of(self, symbol: str) -> SymbolLedger:
        """Return the ledger of one symbol. Read only."""
        ledger = self._symbols.get(symbol)
        if ledger is None:
            ledger = SymbolLedger(symbol, self._instruments.get(symbol))
            self._symbols[symbol] = ledger
        return ledger

    def total(self) -> PortfolioChanged:
        """Return the totals of all symbols as a message."""
        ledgers = self._symbols.values()
        other: dict[str, Decimal] = {}
        for one in ledgers:
            for asset, amount in one.fees_in_other_assets.items():
                other[asset] = other.get(asset, _ZERO) + amount
        realized = sum((one.realized_pnl for one in ledgers), _ZERO)
        fees = sum((one.fees for one in ledgers), _ZERO)
        funding = sum((one.funding for one in ledgers), _ZERO)
        unrealized = sum((one.unrealized_pnl for one in ledgers), _ZERO)
        return PortfolioChanged(
            fills=sum(one.fills for one in ledgers),
            realized_pnl=realized,
            fees=fees,
            other_fees=_by_asset(other),
            funding=funding,
            unrealized_pnl=unrealized,
            net_pnl=realized + unrealized + funding - fees,
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that anything was booked for."""
        return tuple(self._symbols)


def _by_asset(paid: Mapping[str, Decimal]) -> tuple[FeesPaid, ...]:
    return tuple(FeesPaid(asset=asset, amount=paid[asset]) for asset in sorted(paid))
