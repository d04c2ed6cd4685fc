"""REST answers of Binance USDT-M futures to values of ours.

Each function raises ValueError when an answer is not what it has to be. Rows of symbols that we
do not trade are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from grinder.messages.venue import DepthRead, FundingRead, MarketStatsRead
from grinder.model.instrument import Instrument
from grinder.model.order import OpenOrder, OrderStatus, Side, Trade
from grinder.model.position import Position
from grinder.model.units import NS_PER_MS
from grinder.venues.binance_requests import ROWS_MAX
from grinder.venues.fixed import money
from grinder.venues.legnames import LegNames, is_reducing, scales_of

T = TypeVar("T")
Row = dict[str, Any]


@attrs.frozen(kw_only=True)
class OrderAnswer:
    """What the answer to a placement or a cancel says of the order."""

    order_id: int
    status: OrderStatus
    filled_lots: int


class BodyDecoder:
    """Turn answers into values, with the filters of the instruments that are traded."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._scales = scales_of(instruments)
        self._legs = LegNames(instruments)
        self._symbols = tuple(instruments)
        self._quote_assets = frozenset(each.quote_asset for each in instruments.values())

    def order_answer(self, body: Any) -> OrderAnswer:
        """Return the answer to a placement or a cancel.

        Since 2026-06 these carry neither an average price nor a quote sum: none is needed here.
        """
        return _checked(body, self._order_answer)

    def order(self, body: Any) -> OpenOrder:
        """Return one order that was looked up."""
        return _checked(body, self._order)

    def orders(self, body: Any) -> tuple[OpenOrder, ...]:
        """Return open orders."""
        return _each(self._of_ours(body), self._order)

    def positions(self, body: Any) -> tuple[Position, ...]:
        """Return one position for each traded leg, flat for those the answer leaves out.

        Raises:
            ValueError: a position is of no leg: the account is in another position mode.
        """
        found = {row.symbol: row for row in _each(self._of_ours(body), self._position) if row}
        return tuple(found.get(symbol) or Position(symbol=symbol) for symbol in self._symbols)

    def wallet(self, body: Any) -> tuple[Decimal, Decimal]:
        """Return wallet balance and unrealised profit of the assets that our symbols quote in.

        Source: ``assets`` of ``/fapi/v3/account``; the totals beside them mix other assets in.
        """
        return _checked(body, self._wallet)

    def trades(self, body: Any) -> tuple[Trade, ...]:
        """Return own trades of all legs, ascending by id."""
        return tuple(
            sorted(_each(self._of_ours(body), self._trade), key=lambda each: each.trade_id)
        )

    def funding(self, body: Any) -> FundingRead:
        """Return a page of funding payments: (symbol, transaction id, amount, time in ns)."""
        payments = tuple(sorted(_each(self._of_ours(body), _payment), key=lambda each: each[3]))
        # A page is full of rows of every symbol that the account trades.
        times_ms = _each(body, lambda row: int(row["time"]))
        next_ns = max(times_ms) * NS_PER_MS if len(times_ms) >= ROWS_MAX else 0
        return FundingRead(payments=payments, next_ns=next_ns)

    def depth(self, body: Any, symbol: str, token: int) -> DepthRead:
        """Return a snapshot of the book."""
        scale = self._scales[symbol]
        ticks, lots = scale.ticks, scale.lots

        def read(row: Row) -> DepthRead:
            return DepthRead(
                symbol=symbol,
                token=token,
                last_id=int(row["lastUpdateId"]),
                bids=tuple((ticks(price), lots(qty)) for price, qty in row["bids"]),
                asks=tuple((ticks(price), lots(qty)) for price, qty in row["asks"]),
                event_ns=int(row["E"]) * NS_PER_MS,
            )

        return _checked(body, read)

    def market_stats(self, day: Any, held: Any, symbol: str, token: int) -> MarketStatsRead:
        """Return the day's figures with the open interest, worth what the last trade paid."""

        def read(row: Row) -> MarketStatsRead:
            return MarketStatsRead(
                symbol=symbol,
                token=token,
                volume_24h=money(row["quoteVolume"]),
                trades_24h=int(row["count"]),
                open_interest=_checked(held, _held) * money(row["lastPrice"]),
                event_ns=int(row["closeTime"]) * NS_PER_MS,
            )

        return _checked(day, read)

    def _of_ours(self, body: Any) -> Iterable[Row]:
        if not isinstance(body, list):
            raise ValueError(f"expected an array, was {type(body).__name__}")
        return (row for row in body if isinstance(row, dict) and row.get("symbol") in self._scales)

    def _leg(self, row: Row) -> str:
        return self._legs.name(row["symbol"], row.get("positionSide", "BOTH"))

    def _order_answer(self, row: Row) -> OrderAnswer:
        return OrderAnswer(
            order_id=int(row["orderId"]),
            status=OrderStatus(row["status"]),
            filled_lots=self._scales[row["symbol"]].lots(row["executedQty"]),
        )

    def _order(self, row: Row) -> OpenOrder:
        scale, side, leg = self._scales[row["symbol"]], Side(row["side"]), self._leg(row)
        return OpenOrder(
            symbol=leg,
            client_order_id=row["clientOrderId"],
            order_id=int(row["orderId"]),
            side=side,
            price_ticks=scale.ticks(row["price"]),
            qty_lots=scale.lots(row["origQty"]),
            filled_lots=scale.lots(row["executedQty"]),
            reduce_only=is_reducing(leg, side, is_flagged=row.get("reduceOnly") is True),
            status=OrderStatus(row["status"]),
            updated_ns=int(row["updateTime"]) * NS_PER_MS,
        )

    def _position(self, row: Row) -> Position | None:
        lots = self._scales[row["symbol"]].lots(row["positionAmt"])
        side = row.get("positionSide", "BOTH")
        if not lots and not self._legs.find(row["symbol"], side):
            return None
        return Position(
            symbol=self._legs.held(row["symbol"], side),
            qty_lots=lots,
            entry_price=money(row["entryPrice"]),
            unrealized_pnl=money(row["unRealizedProfit"]),
            updated_ns=int(row["updateTime"]) * NS_PER_MS,
        )

    def _wallet(self, row: Row) -> tuple[Decimal, Decimal]:
        held = [each for each in row["assets"] if each["asset"] in self._quote_assets]
        return (
            sum((money(each["walletBalance"]) for each in held), Decimal(0)),
            sum((money(each["unrealizedProfit"]) for each in held), Decimal(0)),
        )

    def _trade(self, row: Row) -> Trade:
        scale = self._scales[row["symbol"]]
        return Trade(
            symbol=self._leg(row),
            trade_id=int(row["id"]),
            order_id=int(row["orderId"]),
            side=Side(row["side"]),
            price_ticks=scale.ticks(row["price"]),
            qty_lots=scale.lots(row["qty"]),
            fee=money(row["commission"]),
            fee_asset=row["commissionAsset"],
            realized_pnl=money(row["realizedPnl"]),
            is_maker=row["maker"] is True,
            ts_ns=int(row["time"]) * NS_PER_MS,
        )


def _payment(row: Row) -> tuple[str, int, Decimal, int]:
    return (row["symbol"], int(row["tranId"]), money(row["income"]), int(row["time"]) * NS_PER_MS)


def _held(row: Row) -> Decimal:
    return money(row["openInterest"])


def _each(rows: Iterable[Row], decode: Callable[[Row], T]) -> tuple[T, ...]:
    return tuple(_checked(row, decode) for row in rows)


def _checked(body: Any, decode: Callable[[Row], T]) -> T:
    if not isinstance(body, dict):
        raise ValueError(f"expected an object, was {type(body).__name__}")
    try:
        return decode(body)
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from None
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"field of an unexpected type: {error}") from None
