"""Stream frames of Binance USDT-M futures to our messages.

Events that we have no use for, and symbols that we do not trade, come out as None. A frame that
ought to mean something and does not is a ValueError that says what was wrong with it. Fields that
we do not know are left alone: the venue adds some every few months.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from grinder.kernel.message import Message
from grinder.messages.market import (
    BookTicked,
    DepthChanged,
    LiquidationPrinted,
    MarkPriced,
    TradePrinted,
)
from grinder.messages.venue import AccountReported, ListenKeyExpired, OrderReported
from grinder.model.instrument import Instrument
from grinder.model.order import OrderStatus, OrderType, Side
from grinder.model.position import Position
from grinder.model.units import NS_PER_MS
from grinder.venues.fixed import money
from grinder.venues.legnames import LegNames, is_reducing, scales_of

ORDER_TYPES = {kind.value: kind for kind in OrderType}

Frame = dict[str, Any]


class FrameDecoder:
    """Turn frames into messages, with the filters of the instruments that are traded."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._scales = scales_of(instruments)
        self._legs = LegNames(instruments)
        self._decoders: dict[str, Callable[[Frame, int, int], Message | None]] = {
            "bookTicker": self._book_ticked,
            "aggTrade": self._trade_printed,
            "depthUpdate": self._depth_changed,
            "markPriceUpdate": self._mark_priced,
            "forceOrder": self._liquidation_printed,
            "ORDER_TRADE_UPDATE": self._order_reported,
            "ACCOUNT_UPDATE": self._account_reported,
            "listenKeyExpired": self._listen_key_expired,
        }

    def decode(self, frame: bytes, connection: int, received_ns: int) -> Message | None:
        """Return what ``frame`` says, None if it is nothing to us.

        Args:
            frame: one frame as received, bare or in the wrapper of a combined stream.
            connection: number of the connection that it came over.
            received_ns: when it came, nanoseconds since the epoch.

        Raises:
            ValueError: the frame is broken.
        """
        value = orjson.loads(frame)
        if type(value) is not dict:
            raise ValueError(f"expected an object, was {type(value).__name__}")
        if "data" in value:
            value = value["data"]
            if type(value) is not dict:
                raise ValueError(f"expected an object as data, was {type(value).__name__}")
        try:
            decoder = self._decoders.get(value.get("e", ""))
            return None if decoder is None else decoder(value, connection, received_ns)
        except KeyError as error:
            raise ValueError(f"field {error} is missing") from None
        except (TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(f"field of an unexpected type: {error}") from None

    def _book_ticked(self, frame: Frame, connection: int, received_ns: int) -> Message | None:
        scale = self._scales.get(frame["s"])
        if scale is None:
            return None
        return BookTicked(
            symbol=frame["s"],
            bid_ticks=scale.ticks(frame["b"]),
            bid_lots=scale.lots(frame["B"]),
            ask_ticks=scale.ticks(frame["a"]),
            ask_lots=scale.lots(frame["A"]),
            update_id=_whole(frame["u"]),
            event_ns=_whole(frame["E"]) * NS_PER_MS,
            received_ns=received_ns,
            connection=connection,
        )

    def _trade_printed(self, frame: Frame, connection: int, _received_ns: int) -> Message | None:
        scale = self._scales.get(frame["s"])
        if scale is None:
            return None
        return TradePrinted(
            symbol=frame["s"],
            price_ticks=scale.ticks(frame["p"]),
            qty_lots=scale.lots(frame["q"]),
            buyer_is_maker=frame["m"] is True,
            trade_id=_whole(frame["a"]),
            event_ns=_whole(frame["E"]) * NS_PER_MS,
            connection=connection,
        )

    def _depth_changed(self, frame: Frame, connection: int, _received_ns: int) -> Message | None:
        scale = self._scales.get(frame["s"])
        if scale is None:
            return None
        ticks, lots = scale.ticks, scale.lots
        return DepthChanged(
            symbol=frame["s"],
            first_id=_whole(frame["U"]),
            last_id=_whole(frame["u"]),
            previous_id=_whole(frame["pu"]),
            bids=tuple((ticks(price), lots(qty)) for price, qty in frame["b"]),
            asks=tuple((ticks(price), lots(qty)) for price, qty in frame["a"]),
            event_ns=_whole(frame["E"]) * NS_PER_MS,
            connection=connection,
        )

    def _mark_priced(self, frame: Frame, connection: int, _received_ns: int) -> Message | None:
        if frame["s"] not in self._scales:
            return None
        return MarkPriced(
            symbol=frame["s"],
            mark_price=money(frame["p"]),
            index_price=money(frame["i"]),
            # Delivery contracts have no funding and say so with an empty text.
            funding_rate=money(frame["r"] or "0"),
            next_funding_ns=_whole(frame["T"]) * NS_PER_MS,
            event_ns=_whole(frame["E"]) * NS_PER_MS,
            connection=connection,
        )

    def _liquidation_printed(
        self, frame: Frame, connection: int, _received_ns: int
    ) -> Message | None:
        order = frame["o"]
        scale = self._scales.get(order["s"])
        if scale is None:
            return None
        # Nothing has an average price before the first fill.
        ticks = scale.nearest_ticks(order["ap"]) or scale.ticks(order["p"])
        return LiquidationPrinted(
            symbol=order["s"],
            side=Side(order["S"]),
            price_ticks=ticks,
            qty_lots=scale.lots(order["z"]) or scale.lots(order["q"]),
            event_ns=_whole(frame["E"]) * NS_PER_MS,
            connection=connection,
        )

    def _order_reported(self, frame: Frame, connection: int, _received_ns: int) -> Message | None:
        order = frame["o"]
        scale = self._scales.get(order["s"])
        if scale is None:
            return None
        side, leg = Side(order["S"]), self._legs.name(order["s"], order.get("ps", "BOTH"))
        return OrderReported(
            connection=connection,
            symbol=leg,
            client_order_id=order["c"],
            order_id=_whole(order["i"]),
            side=side,
            order_type=ORDER_TYPES.get(order["o"]),
            execution=order["x"],
            status=OrderStatus(order["X"]),
            price_ticks=scale.ticks(order["p"]),
            qty_lots=scale.lots(order["q"]),
            filled_lots=scale.lots(order["z"]),
            last_price_ticks=scale.ticks(order["L"]),
            last_lots=scale.lots(order["l"]),
            trade_id=_whole(order["t"]),
            # The venue leaves both out of an event without a fill.
            fee=money(order.get("n") or "0"),
            fee_asset=order.get("N") or "",
            realized_pnl=money(order.get("rp") or "0"),
            is_maker=order["m"] is True,
            reduce_only=is_reducing(leg, side, is_flagged=order["R"] is True),
            expiry_reason=str(order.get("er", "0")),
            event_ns=_whole(order["T"]) * NS_PER_MS,
        )

    def _account_reported(self, frame: Frame, connection: int, _received_ns: int) -> Message:
        account = frame["a"]
        event_ns = _whole(frame["T"]) * NS_PER_MS
        return AccountReported(
            connection=connection,
            reason=account["m"],
            wallets=tuple(
                (row["a"], money(row["wb"]), money(row.get("bc") or "0"))
                for row in account.get("B", ())
            ),
            positions=tuple(
                self._position(row, name, event_ns)
                for row in account.get("P", ())
                if (name := self._legs.find(row["s"], row.get("ps", "BOTH")))
            ),
            event_ns=event_ns,
        )

    def _position(self, row: Frame, name: str, event_ns: int) -> Position:
        return Position(
            symbol=name,
            qty_lots=self._scales[row["s"]].lots(row["pa"]),
            entry_price=money(row["ep"]),
            unrealized_pnl=money(row.get("up") or "0"),
            updated_ns=event_ns,
        )

    def _listen_key_expired(self, _frame: Frame, connection: int, _received_ns: int) -> Message:
        return ListenKeyExpired(connection=connection)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"expected a whole number, was {value!r}")
    return value
