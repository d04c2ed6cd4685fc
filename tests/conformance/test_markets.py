"""The play on COIN-M and on spot, each step with each client."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from conformance.markets import CcxtCoin, CcxtSpot, PythonCoin, PythonSpot, Seat
from conformance.steps import refused
from conformance.trader import Frames, Row
from grinder.venues.sim.config import VenueConfig
from grinder.venues.sim.server import VenueServer

SEATS: dict[str, type[Seat]] = {
    "ccxt-coinm": CcxtCoin,
    "ccxt-spot": CcxtSpot,
    "python-binance-coinm": PythonCoin,
    "python-binance-spot": PythonSpot,
}
MARKETS = ("BTCUSDT", "BTCUSD_PERP", "ETHUSD_PERP", "spot:BTCUSDT", "spot:ETHUSDT")
COIN_PRICES = {"bid": "61700.0", "ask": "61700.1"}
SPOT_PRICES = {"bid": "61700.00", "ask": "61700.01"}


@pytest.fixture(scope="module")
def server() -> Iterator[VenueServer]:
    server = VenueServer(VenueConfig(symbols=MARKETS, paused=True))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module", params=SEATS)
def seated(request: pytest.FixtureRequest, server: VenueServer) -> Iterator[Seat]:
    seat = SEATS[request.param](server)
    yield seat
    seat.close()


@pytest.fixture
def seat(seated: Seat) -> Seat:
    """One client on its market, with a fresh account and a market that stands still."""
    server = seated.server
    server.control("reset")
    server.control("quote", symbol="BTCUSD_PERP", bid_qty=5_000, ask_qty=5_000, **COIN_PRICES)
    server.control("quote", symbol="spot:BTCUSDT", bid_qty=5, ask_qty=5, **SPOT_PRICES)
    return seated


def is_coin(seat: Seat) -> bool:
    return seat.symbol == "BTCUSD_PERP"


def limit(seat: Seat, price: float = 61_000.0, **more: Any) -> Row:
    """Return a buy: one contract, or a hundredth of a coin."""
    wanted = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": price}
    return wanted | {"quantity": 1 if is_coin(seat) else 0.01} | more


def market(seat: Seat, side: str) -> Row:
    """Return a market order of ten contracts, or of a hundredth of a coin."""
    return {"side": side, "type": "MARKET", "quantity": 10 if is_coin(seat) else 0.01}


def test_metadata_and_book_are_read(seat: Seat) -> None:
    rows = {row["symbol"]: row for row in seat.symbols()}
    filters = {row["filterType"]: row for row in rows[seat.symbol]["filters"]}

    assert Decimal(filters["PRICE_FILTER"]["tickSize"]) == Decimal(
        "0.1" if is_coin(seat) else "0.01"
    )
    assert len(rows) == 2
    assert [float(each) for each in seat.bids()[0]] == [61_700, 5_000 if is_coin(seat) else 5]
    if is_coin(seat):
        assert int(rows[seat.symbol]["contractSize"]) == 100


def test_an_order_is_placed_amended_and_canceled_once(seat: Seat) -> None:
    order_id = int(seat.place(**limit(seat))["orderId"])
    assert seat.order(order_id)["status"] == "NEW"

    amended = seat.amend(order_id, 2 if is_coin(seat) else 0.02, 61_001.0)
    standing = [int(row["orderId"]) for row in seat.open_orders()]

    assert standing == [int(amended["orderId"])]
    # Futures amend the order itself; spot replaces it by another.
    assert (standing == [order_id]) is is_coin(seat)
    assert Decimal(seat.order(standing[0])["price"]) == 61_001
    assert seat.cancel(standing[0])["status"] == "CANCELED"
    assert seat.order(standing[0])["status"] == "CANCELED"
    refused(-2011, seat.cancel, standing[0])
    assert seat.open_orders() == []


def test_a_post_only_order_rests_or_is_refused(seat: Seat) -> None:
    order_id = int(seat.place(**limit(seat, postOnly=True))["orderId"])

    found = seat.order(order_id)
    wanted = ("LIMIT", "GTX") if is_coin(seat) else ("LIMIT_MAKER", "GTC")
    assert (found["type"], found["timeInForce"]) == wanted
    crossing = limit(seat, 61_700.1 if is_coin(seat) else 61_700.01, postOnly=True)
    refused(-5022 if is_coin(seat) else -2010, seat.place, **crossing)
    assert len(seat.open_orders()) == 1


def test_what_can_not_be_paid_is_refused(seat: Seat) -> None:
    # 50,000 contracts are 81 BTC, of which a twentieth is margin; one BTC is there.
    huge = limit(seat, quantity=50_000 if is_coin(seat) else 0.2)

    refused(-2019 if is_coin(seat) else -2010, seat.place, **huge)


def test_filters_have_the_codes_of_their_market(seat: Seat) -> None:
    refused(-4005 if is_coin(seat) else -1013, seat.place, **limit(seat, quantity=2_000_000))


def test_a_round_trip_moves_the_wallets_to_the_last_digit(seat: Seat) -> None:
    before = seat.wallets()
    seat.place(**market(seat, "BUY"))
    seat.place(**market(seat, "SELL"))
    bought, sold = seat.trades()
    after = seat.wallets()

    changed = {asset: after[asset] - before[asset] for asset in before}
    if is_coin(seat):
        # 1000 / 61700.1 - 1000 / 61700, and 0.05 % of each, in coin.
        assert Decimal(sold["realizedPnl"]) == Decimal("-0.00000003")
        assert [Decimal(row["commission"]) for row in (bought, sold)] == [Decimal("0.00000811")] * 2
        assert changed.pop("BTC") == Decimal("-0.00001625")
    else:
        assert (bought["commissionAsset"], sold["commissionAsset"]) == ("BTC", "USDT")
        assert changed.pop("BTC") == Decimal("-0.00001")
        assert changed.pop("USDT") == Decimal("-0.6171")
    assert not any(changed.values())


def heard(seat: Seat) -> Frames:
    """Listen to user data until an order placed for the purpose is heard to end."""
    frames = seat.listen_user()
    asked: list[int] = []

    def ask() -> None:
        asked.append(int(seat.place(**limit(seat, 60_000.0))["orderId"]))
        seat.cancel(asked[-1])

    frames.until(lambda frame: is_order(frame, "CANCELED") in asked[-1:], ask)
    return frames


def is_order(frame: Row, execution: str) -> int:
    """Return the id of the order of which a frame says ``execution``, or 0."""
    order = frame if frame.get("e") == "executionReport" else frame.get("o", {})
    return int(order["i"]) if isinstance(order, dict) and order.get("x") == execution else 0


def said(frames: list[Row]) -> list[str]:
    """Return what was said of orders and money; the last balances of an earlier order are not."""
    words = []
    for frame in frames:
        kind = frame.get("e")
        if kind in ("executionReport", "ORDER_TRADE_UPDATE"):
            words.append((frame if kind == "executionReport" else frame["o"])["x"])
        elif words and kind in ("ACCOUNT_UPDATE", "outboundAccountPosition"):
            words.append(str(kind))
    return words


def test_user_data_tell_of_a_fill_in_the_markets_order(seat: Seat) -> None:
    frames = heard(seat)

    order_id = int(seat.place(**market(seat, "BUY"))["orderId"])
    last = "TRADE" if is_coin(seat) else "outboundAccountPosition"
    told = frames.until(lambda frame: is_order(frame, "TRADE") == order_id)
    if not is_coin(seat):
        told += frames.until(lambda frame: frame.get("e") == last)

    position = "outboundAccountPosition"
    assert said(told) == (
        ["NEW", "ACCOUNT_UPDATE", "TRADE"]
        if is_coin(seat)
        else ["NEW", position, "TRADE", position]
    )
    if is_coin(seat):
        update = next(frame for frame in told if frame["e"] == "ACCOUNT_UPDATE")["a"]
        assert (update["B"][0]["a"], update["B"][0]["wb"]) == ("BTC", "0.99999189")
        assert (update["P"][0]["pa"], update["P"][0]["ep"]) == ("10", "61700.10000000")
    else:
        rows = {row["a"]: (row["f"], row["l"]) for row in told[-1]["B"]}
        assert rows["BTC"] == ("1.00999000", "0.00000000")
        assert rows["USDT"] == ("9382.99990000", "0.00000000")


def test_the_other_markets_do_not_move(seat: Seat) -> None:
    seat.place(**market(seat, "BUY"))
    state = seat.server.control("state")

    assert state["accounts"]["sim-key"]["balance"] == "10000.00000000"
    assert state["failures"]["count"] == 0
    others = state["spot" if is_coin(seat) else "coinm"]["accounts"]["sim-key"]
    assert others["ledger"]["fills"] == 0
