"""Orders fill while the private stream is away: nothing is lost, nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from system.conftest import Site
from system.processes import FIXTURES, Run, settings
from system.waiting import until
from system.witness import accepted, books, doubles, fills, venue_books
from venue.clients import Rest

pytestmark = pytest.mark.unmeasured

# Exits out of reach: what was filled is still held at the end.
RESTLESS = (
    *("--config", str(FIXTURES / "restless.toml")),
    *settings(policy__exit_spacing_bps=200),
)
# Orders that stay where they are: none is under way whose echo could be lost.
STILL = (
    *RESTLESS,
    *settings(policy__spacing_bps=200, policy__recentre_bps=150, sync__interval_ms=1_000),
)
SYMBOL = "BTCUSDT"
LADDER = 2 * 5


def fall(site: Site) -> None:
    """Let the market fall through our highest bid, if there is one at that moment."""
    prices = [
        Decimal(order["price"])
        for order in site.witness.open_orders()
        if order["symbol"] == SYMBOL and order["side"] == "BUY"
    ]
    if prices:
        site.server.control("price", symbol=SYMBOL, price=str(max(prices) - 1))


def fill_an_order(site: Site) -> None:
    """Let the market fall through our highest bid and come back."""
    control, before = site.server.control, len(fills(site.witness.log()))
    was = control("state")["markets"][SYMBOL]["bid"]

    def has_filled() -> bool:
        # An order that was taken off just before it could fill may be back at another price.
        fall(site)
        return len(fills(site.witness.log())) > before

    until(has_filled, "the bid fills")
    control("price", symbol=SYMBOL, price=str(was))


def private_streams(run: Run) -> int:
    """Return how many private streams the log has told of so far."""
    return sum(one["stream"] == "private" for one in run.records("stream_opened"))


def drop(site: Site) -> None:
    site.server.control("drop", routes=["private"])


def expire(site: Site) -> None:
    site.server.control("expire-listen-key")


@pytest.mark.parametrize("lose", [drop, expire])
def test_it_comes_back_after_the_loss(
    tmp_path: Path, site: Site, lose: Callable[[Site], None]
) -> None:
    with Run(tmp_path, *RESTLESS, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        before = until(lambda: private_streams(run), "the private stream is told of")
        lose(site)
        fill_an_order(site)
        until(lambda: private_streams(run) > before, "a new stream")
        until(lambda: len(run.records("order_filled")) > 0, "the fill is heard of")
        mark = site.witness.last()
        until(lambda: accepted(site.witness.log(mark)), "orders again")
        report = run.stop()

    assert report["restarts"] == 0
    assert report["mismatches"] == 0
    assert not doubles(site.witness.log())
    assert books(report) == venue_books(site.witness)


def test_fills_of_a_silent_stream_are_counted_once(tmp_path: Path, site: Site) -> None:
    with Run(tmp_path, *RESTLESS, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        site.server.control("stall", routes=["private"])
        fill_an_order(site)
        site.server.control("stall", routes=[])
        drop(site)
        until(lambda: len(run.records("order_filled")) > 0, "the fill is heard of")
        until(
            lambda: any(order["reduceOnly"] for order in site.witness.open_orders()),
            "an exit for what was filled",
        )
        report = run.stop()

    assert site.witness.account()["positions"]
    assert not doubles(site.witness.log())
    assert books(report) == venue_books(site.witness)


def test_a_trade_by_hand_that_an_open_stream_never_told_of_is_booked(
    tmp_path: Path, site: Site
) -> None:
    control = site.server.control
    with Run(tmp_path, *STILL, *site.options) as run:
        until(lambda: site.witness.entries() == 2 * LADDER, "both ladders")
        streams = until(lambda: private_streams(run), "the private stream is told of")
        control("stream-fault", fault="drop", pattern="user:*")
        Rest(site.server.rest_url).market("BUY")
        until(lambda: control("state")["stream_faults"].get("drop", 0) >= 2, "its events are lost")
        control("clear-faults")
        fees = Decimal(site.witness.account()["ledger"]["commission"])
        until(lambda: Decimal(run.state()["pnl"]["fees"]) == fees, "the trade is booked")
        assert fees
        assert private_streams(run) == streams
        report = run.stop()

    assert books(report) == venue_books(site.witness)
