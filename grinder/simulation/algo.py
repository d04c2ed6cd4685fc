"""Conditional orders of the simulated venue: as asked for, as they wait, as they are shown."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import attrs

from grinder.model.order import OrderType, PositionSide, Side, TimeInForce
from grinder.simulation.account import Desk
from grinder.simulation.external import FAR
from grinder.simulation.orders import LiveOrder, NewOrder, Order, PriceMatch, SelfTradePrevention


class AlgoType(StrEnum):
    """What a conditional order waits for and becomes."""

    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_limit(self) -> bool:
        """Whether a limit order comes out of it; else a market order."""
        return self in (AlgoType.STOP, AlgoType.TAKE_PROFIT)

    @property
    def is_take_profit(self) -> bool:
        """Whether it waits for the price to become better for its side's position."""
        return self in (AlgoType.TAKE_PROFIT, AlgoType.TAKE_PROFIT_MARKET)


class WorkingType(StrEnum):
    """The price that triggers."""

    CONTRACT_PRICE = "CONTRACT_PRICE"
    MARK_PRICE = "MARK_PRICE"


class AlgoStatus(StrEnum):
    """The state of a conditional order."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    """The order that came out of it has ended."""
    REJECTED = "REJECTED"
    """The order that should have come out of it was refused."""
    EXPIRED = "EXPIRED"
    """It was to close a position that was not there, or its price protection forbade it."""


@attrs.frozen(kw_only=True)
class NewAlgo:
    """A conditional order as a participant asks for it."""

    symbol: str
    side: Side
    type: AlgoType
    qty: Decimal | None = None
    """Base units; None with ``close_position``."""
    trigger_price: Decimal | None = None
    """None for a trailing stop."""
    price: Decimal | None = None
    """Limit price; None for what becomes a market order."""
    price_match: PriceMatch = PriceMatch.NONE
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    close_position: bool = False
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False
    """Do not trigger while last price and mark price are too far apart."""
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER
    activate_price: Decimal | None = None
    """From which price a trailing stop follows; None for at once."""
    callback_rate: Decimal | None = None
    """Per cent that the price must turn back for a trailing stop to trigger."""
    client_algo_id: str | None = None

    @property
    def triggers_above(self) -> bool:
        """Whether a rising price triggers it; else a falling one."""
        return (self.side is Side.BUY) is not self.type.is_take_profit


@attrs.frozen(kw_only=True)
class Algo:
    """A conditional order as the venue shows it at one moment."""

    algo_id: int
    client_algo_id: str
    new: NewAlgo
    status: AlgoStatus
    created_ms: int
    updated_ms: int
    triggered_ms: int
    """0 before it triggers."""
    order: Order | None
    """What came out of it."""
    refusal: str = ""
    """Why the order that should have come out of it was refused, as the venue words it."""


@attrs.define(kw_only=True, eq=False)
class LiveAlgo:
    """The venue's own record of a conditional order."""

    desk: Desk
    algo_id: int
    client_algo_id: str
    new: NewAlgo
    created_ms: int
    updated_ms: int
    status: AlgoStatus = AlgoStatus.NEW
    triggered_ms: int = 0
    order: LiveOrder | None = None
    refusal: str = ""
    extreme: Decimal | None = None
    """Best price seen since a trailing stop became active; None before."""

    def reached(self, price: Decimal) -> bool:
        """Hear the price that counts; say whether it triggers."""
        new = self.new
        if new.type is AlgoType.TRAILING_STOP_MARKET:
            return self._turned_back(price)
        assert new.trigger_price is not None, "checked when it was placed"
        return price >= new.trigger_price if new.triggers_above else price <= new.trigger_price

    def watch_keys(self) -> tuple[int, int]:
        """Return the keys of bids and asks at which a quote may trigger it; FAR for none."""
        if self.new.working_type is WorkingType.MARK_PRICE:
            return FAR, FAR
        if self.new.trigger_price is None:
            return -FAR, -FAR
        ticks = int(self.new.trigger_price / self.desk.instrument.tick)
        return (FAR, ticks) if self.new.triggers_above else (-ticks, FAR)

    def becomes(self) -> NewOrder:
        """Return the ordinary order that it turns into; one that closes takes what is there."""
        new, instrument = self.new, self.desk.instrument
        qty = new.qty
        if new.close_position:
            qty = instrument.qty(self.desk.legs[new.position_side].reducible(new.side))
        assert qty is not None, "checked when it was placed"
        is_one_way = new.position_side is PositionSide.BOTH
        return NewOrder(
            symbol=new.symbol,
            side=new.side,
            type=OrderType.LIMIT if new.type.is_limit else OrderType.MARKET,
            price=new.price,
            qty=qty,
            time_in_force=new.time_in_force if new.type.is_limit else TimeInForce.GTC,
            reduce_only=new.reduce_only or (new.close_position and is_one_way),
            client_order_id=(
                None if self.client_algo_id in self.desk.open_ids else self.client_algo_id
            ),
            good_till_ms=new.good_till_ms,
            self_trade_prevention=new.self_trade_prevention,
            position_side=new.position_side,
            price_match=new.price_match,
        )

    def snapshot(self) -> Algo:
        """Return the conditional order as the venue shows it now."""
        return Algo(
            algo_id=self.algo_id,
            client_algo_id=self.client_algo_id,
            new=self.new,
            status=self.status,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
            triggered_ms=self.triggered_ms,
            order=None if self.order is None else self.order.snapshot(),
            refusal=self.refusal,
        )

    def _turned_back(self, price: Decimal) -> bool:
        new, is_sell = self.new, self.new.side is Side.SELL
        assert new.callback_rate is not None, "checked when it was placed"
        if self.extreme is None:
            start = new.activate_price
            if start is not None and (price < start if is_sell else price > start):
                return False
            self.extreme = price
        share = new.callback_rate / 100
        if is_sell:
            self.extreme = max(self.extreme, price)
            return price <= self.extreme * (1 - share)
        self.extreme = min(self.extreme, price)
        return price >= self.extreme * (1 + share)
