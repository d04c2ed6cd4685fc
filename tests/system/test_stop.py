"""How a run ends: asked nicely, asked twice, and killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grinder.model.settings import StopSettings
from system.conftest import Site
from system.processes import FIXTURES, STOP_S, Run, settings
from system.recorded import FOLDER, turns
from system.waiting import until
from system.witness import accepted, books, doubles, venue_books

# Exits out of reach, and no entry on the other side: a position that has been opened stays.
# The time for a stop is what it is by default, not what other tests allow.
HOLDING = (
    *("--config", str(FIXTURES / "lively.toml")),
    *settings(policy__exit_spacing_bps=200, policy__direction="long"),
    *settings(stop__timeout_ms=StopSettings().timeout_ms),
)
ALLOWED_S = 10.0


@contextmanager
def holding_run(folder: Path, site: Site, **values: object) -> Iterator[Run]:
    """Run until orders rest and a position is open."""
    with Run(folder, *HOLDING, *settings(**values), *site.options) as run:
        until(lambda: site.witness.account()["positions"], "a position")
        until(lambda: site.witness.resting() > 5, "resting orders")
        yield run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_takes_every_order_off_the_book_and_keeps_the_position(
    tmp_path: Path, site: Site, number: signal.Signals
) -> None:
    with holding_run(tmp_path, site, stop__position="keep") as run:
        began_s = time.monotonic()
        report = run.stop(number)
        took_s = time.monotonic() - began_s

    assert site.witness.open_orders() == []
    assert report["open_orders_at_exit"] == 0
    assert took_s < ALLOWED_S
    assert site.witness.account()["positions"]
    assert report["stop"] == {"position": "keep", "confirmed": True, "detail": ""}
    assert "'position': 'keep'" in run.out
    assert books(report) == venue_books(site.witness)


def test_stopping_flat_leaves_neither_order_nor_position(tmp_path: Path, site: Site) -> None:
    with holding_run(tmp_path, site, stop__position="flatten") as run:
        began_s = time.monotonic()
        report = run.stop()
        took_s = time.monotonic() - began_s

    account = site.witness.account()
    assert account["open_orders"] == []
    assert account["positions"] == {}
    assert took_s < ALLOWED_S
    assert report["stop"] == {"position": "flatten", "confirmed": True, "detail": ""}
    assert books(report) == venue_books(site.witness)


def test_nothing_is_placed_after_the_signal(tmp_path: Path, site: Site) -> None:
    with holding_run(tmp_path, site, journal__directory=FOLDER) as run:
        run.stop()

    heard = False
    submitted: dict[bool, list[object]] = {False: [], True: []}
    for turn in turns(tmp_path, "exchange"):
        heard = heard or turn.handed[0] == "WindDownStarted"
        submitted[heard] += [row for row in turn.said if row[0] == "OrdersSubmitted"]
    assert heard
    assert submitted[False]
    assert submitted[True] == []
    assert not doubles(site.witness.log())


def test_a_second_interrupt_ends_at_once(tmp_path: Path, site: Site) -> None:
    # Nobody waits here for as long as the first interrupt may take.
    with holding_run(tmp_path, site, stop__timeout_ms=int(2_000 * STOP_S)) as run:
        # Replies so slow that the first interrupt is still at work long after the second one.
        site.server.control("delay", ms=600_000)
        run.send(signal.SIGINT)
        until(lambda: run.records("wind_down_started"), "the wind-down begins")
        run.send(signal.SIGINT)
        code = run.wait()

    assert code == 130


def test_orders_of_a_killed_run_vanish_with_its_countdown(tmp_path: Path, site: Site) -> None:
    with holding_run(tmp_path, site, venue__dead_man_ms=3_000) as run:
        mark = site.witness.last()
        run.send(signal.SIGKILL)
        run.wait()
        until(lambda: site.witness.resting() == 0, "no order rests")

    assert [line for line in site.witness.log(mark) if line["op"] == "canceled"]


def test_a_new_run_takes_over_what_a_killed_one_has_left(tmp_path: Path, site: Site) -> None:
    with holding_run(tmp_path, site) as first:
        first.send(signal.SIGKILL)
        first.wait()
    before, mark = site.witness.resting(), site.witness.last()
    with Run(tmp_path, *HOLDING, *site.options, name="second") as second:
        until(second.is_active, "the second run is active")
        until(
            lambda: any(order["reduceOnly"] for order in site.witness.open_orders()),
            "an exit for the position found",
        )
        until(lambda: accepted(site.witness.log(mark)), "orders of its own")
        report = second.stop()

    assert before > 0
    assert site.witness.open_orders() == []
    assert not doubles(site.witness.log())
    positions = site.witness.account()["positions"]
    assert {name: text for name, text in report["positions"].items() if text != "0"} == positions


def test_a_stop_right_after_the_start_leaves_nothing(tmp_path: Path, site: Site) -> None:
    with Run(tmp_path, *HOLDING, *site.options) as run:
        assert run.url
        report = run.stop()

    assert site.witness.open_orders() == []
    assert report["stop"]["confirmed"] is True


def test_a_stop_that_the_venue_cannot_confirm_says_so_and_ends(tmp_path: Path, site: Site) -> None:
    with holding_run(tmp_path, site) as run:
        site.server.stop()
        began_s = time.monotonic()
        run.send(signal.SIGTERM)
        code = run.wait()
        took_s = time.monotonic() - began_s

    assert code == 1
    assert took_s < ALLOWED_S + 1
    assert run.report()["stop"]["confirmed"] is False
    assert run.err.splitlines()[-1].startswith("error: ")
    assert "the venue did not confirm" in run.err.splitlines()[-1]
    assert "Traceback" not in run.err
