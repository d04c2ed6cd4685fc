"""Metrics: all there from the first scrape, moved by messages, labelled within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from console import said
from console.said import NOW, S
from console.scraped import Scraped
from grinder.console.metrics import LIFECYCLE_STATES
from grinder.messages.account import (
    AccountSynced,
    AccountSyncFailed,
    MismatchDetected,
    ReconcileRan,
)
from grinder.messages.control import LeadershipGained, LeadershipLost, LeaseRefused
from grinder.messages.grid import (
    IntentsApproved,
    IntentsDenied,
)
from grinder.messages.journal import JournalHealthChanged, JournalReported
from grinder.messages.market import (
    FeedHealthChanged,
    FeedReported,
    StreamClosed,
    StreamKind,
    StreamOpened,
)
from grinder.messages.orders import OrderOutcomeUnknown
from grinder.messages.risk import KillSwitchTripped, ResetKillSwitch
from grinder.messages.venue import (
    BudgetReported,
    CancelAnswered,
    ListenKeyExpired,
    OrderQueried,
    Outcome,
    ReadFailed,
)
from grinder.model.order import Side

FORBIDDEN = {"symbol", "order_id", "client_id", "client_order_id", "key", "idempotency_key"}


def test_every_family_has_a_sample_in_the_first_scrape(scraped: Scraped) -> None:
    families = scraped.families()

    assert len(families) > 50
    assert [family.name for family in families if not family.samples] == []
    assert all(family.name.startswith("grinder_") for family in families)


def test_the_page_names_every_family_and_no_other(scraped: Scraped) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    table = page.partition("## Metrics")[2].partition("## Logs")[0]

    named = set(re.findall(r"grinder_[a-z_]+", table))
    families = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in scraped.families()
        if not family.name.endswith("_created")
    }

    assert named == families


def test_no_label_is_unbounded(scraped: Scraped) -> None:
    scraped.hear(said.filled(), said.ledger(), said.ticked() and said.submitted())

    labels = {label for f in scraped.families() for sample in f.samples for label in sample.labels}

    assert labels.isdisjoint(FORBIDDEN)


def test_invented_label_values_are_folded_into_other(scraped: Scraped) -> None:
    for number in range(200):
        scraped.hear(IntentsDenied(symbol="BTCUSDT", denials=(said.denial(f"CODE{number}"),)))

    name = "grinder_gating_blocked_total"
    assert scraped.value(name, gate="risk", reason="other") == 200 - 64


def test_system_metrics_say_what_runs(scraped: Scraped) -> None:
    scraped.clock.ns += 5 * S
    scraped.is_ready = True

    assert scraped.value("grinder_up") == 1
    assert scraped.value("grinder_uptime_seconds") == 5
    assert scraped.value("grinder_readyz_ready") == 1
    labels = {"hash": "0123456789abcdef", "version": "1.2.3"}
    assert scraped.value("grinder_config_info", **labels) == 1


def test_lifecycle_state_is_one_hot_and_transitions_count(scraped: Scraped) -> None:
    scraped.hear(said.moved("INIT", "INIT", "RESTARTED"), said.moved("INIT", "READY", "HEALTH_OK"))
    scraped.clock.ns += 3 * S

    values = {s: scraped.value("grinder_fsm_current_state", state=s) for s in LIFECYCLE_STATES}
    assert values == {state: float(state == "READY") for state in LIFECYCLE_STATES}
    assert scraped.value("grinder_fsm_state_duration_seconds") == 3
    labels = {"from_state": "INIT", "to_state": "READY", "reason": "HEALTH_OK"}
    assert scraped.value("grinder_fsm_transitions_total", **labels) == 1


def test_kill_switch_moves_up_and_down(scraped: Scraped) -> None:
    scraped.hear(KillSwitchTripped(reason="DRAWDOWN_LIMIT", detail=""))
    assert scraped.value("grinder_kill_switch_triggered") == 1
    assert scraped.value("grinder_kill_switch_trips_total", reason="DRAWDOWN_LIMIT") == 1

    scraped.hear(ResetKillSwitch(operator="ada"))
    assert scraped.value("grinder_kill_switch_triggered") == 0


def test_role_follows_leadership(scraped: Scraped) -> None:
    role: Callable[[str], float] = lambda name: scraped.value("grinder_ha_role", role=name)  # noqa: E731
    assert role("unknown") == 1

    scraped.hear(LeadershipGained(epoch=4, deadline_ns=NOW + S))
    scraped.hear(LeaseRefused(holder="other", reason="late renewal"))
    assert (role("unknown"), role("standby"), role("active")) == (0, 0, 1)
    assert scraped.value("grinder_ha_is_leader") == 1

    scraped.hear(LeadershipLost(epoch=4, reason="deadline"))
    assert (role("standby"), role("active")) == (1, 0)
    assert scraped.value("grinder_ha_is_leader") == 0


def test_gates_count_intents_by_the_one_who_spoke(scraped: Scraped) -> None:
    proposed = said.proposed()
    approved = IntentsApproved(
        symbol="BTCUSDT", intents=proposed.intents, permit=None, mid_ticks2=2, tick_ns=0
    )
    scraped.hear(approved)
    scraped.hear(
        IntentsDenied(symbol="BTCUSDT", denials=(said.denial(), said.denial())), sender="router"
    )

    assert scraped.value("grinder_gating_allowed_total", gate="risk") == 1
    blocked = {"gate": "router", "reason": "MAX_POSITION"}
    assert scraped.value("grinder_gating_blocked_total", **blocked) == 2


def test_streams_connect_and_reconnect_with_a_reason(scraped: Scraped) -> None:
    opened = StreamOpened(stream="private", connection=1)
    closed = StreamClosed(stream="private", connection=1, reason="reset")
    scraped.hear(opened, closed)
    assert scraped.value("grinder_ws_connected", connector="private") == 0

    scraped.hear(opened, ListenKeyExpired(connection=2), closed, opened)

    name = "grinder_ws_reconnect_total"
    assert scraped.value("grinder_ws_connected", connector="private") == 1
    assert scraped.value(name, connector="private", reason="closed") == 1
    assert scraped.value(name, connector="private", reason="listen_key_expired") == 1


def test_feed_counters_go_on_over_a_restart_of_the_feed(scraped: Scraped) -> None:
    for frames in (10, 25, 4):
        scraped.hear(
            FeedReported(
                stream="public",
                is_connected=True,
                frames=frames,
                late=frames // 2,
                gaps=1,
                rejected=0,
                reconnects=0,
                last_event_ns=NOW,
            )
        )

    assert scraped.value("grinder_ticks_received_total", connector="public") == 29
    assert scraped.value("grinder_frames_late_total", connector="public") == 14
    assert scraped.value("grinder_data_gap_total", stream="public", bucket="sequence") == 1
    assert scraped.value("grinder_last_tick_ts", connector="public") == NOW // 1_000_000


def test_stale_streams_count_and_recover(scraped: Scraped) -> None:
    stale = FeedHealthChanged(
        symbol="BTCUSDT", stream=StreamKind.DEPTH, is_stale=True, age_ns=1_900_000_000
    )
    scraped.hear(stale)
    assert scraped.value("grinder_data_stale_symbols", stream="depth") == 1
    assert scraped.value("grinder_data_stale_total", stream="depth") == 1

    scraped.hear(
        FeedHealthChanged(symbol="BTCUSDT", stream=StreamKind.DEPTH, is_stale=False, age_ns=0)
    )
    assert scraped.value("grinder_data_stale_symbols", stream="depth") == 0


def test_orders_and_fills_count(scraped: Scraped) -> None:
    scraped.hear(
        said.submitted(),
        said.filled(),
        said.filled(trade_id=6, is_maker=False, fee=Decimal("-1")),
        said.ended(),
        said.ended(status="FILLED"),
        said.ended(status="EXPIRED"),
        OrderOutcomeUnknown(
            symbol="BTCUSDT", client_order_id="o1", side=Side.BUY, level="b1", operation="place"
        ),
    )

    for name in ("placed", "cancelled", "filled", "expired"):
        assert scraped.value(f"grinder_orders_{name}_total") == 1
    assert scraped.value("grinder_orders_unknown_total", op="place") == 1
    scraped.hear(said.submitted("o2", "o3"))
    assert scraped.value("grinder_orders_placed_total") == 3
    maker = {"source": "venue", "side": "BUY", "liquidity": "maker"}
    assert scraped.value("grinder_fills_total", **maker) == 1
    assert scraped.value("grinder_fill_notional_total", **maker) == pytest.approx(59.9)
    assert scraped.value("grinder_fill_fees_total", **maker) == pytest.approx(0.01198)
    assert scraped.value("grinder_fill_fees_total", **(maker | {"liquidity": "taker"})) == 0


def test_a_fill_that_is_told_again_counts_once(scraped: Scraped) -> None:
    scraped.hear(said.filled(), said.filled())

    maker = {"source": "venue", "side": "BUY", "liquidity": "maker"}
    assert scraped.value("grinder_fills_total", **maker) == 1
    assert scraped.value("grinder_fill_fees_total", **maker) == pytest.approx(0.01198)


def test_requests_count_by_outcome(scraped: Scraped) -> None:
    cancel = CancelAnswered(symbol="BTCUSDT", client_order_id="o1", outcome=Outcome.REFUSED)
    failed = ReadFailed(
        request="ReadAccount", symbol="", client_order_id="", token=1, code=0, text="timeout"
    )
    scraped.hear(
        said.answered(NOW + S),
        said.answered(0),
        cancel,
        OrderQueried(symbol="BTCUSDT", client_order_id="o1", order=None),
        failed,
    )

    name = "grinder_http_requests_total"
    assert scraped.value(name, op="place", status_class="2xx") == 1
    assert scraped.value(name, op="cancel", status_class="4xx") == 1
    assert scraped.value(name, op="query_order", status_class="2xx") == 1
    assert scraped.value(name, op="read_account", status_class="unknown") == 1
    attempts = "grinder_port_order_attempts_total"
    assert scraped.value(attempts, port="futures", op="place") == 1


def test_latencies_are_measured_from_the_tick(scraped: Scraped) -> None:
    scraped.hear(said.proposed(NOW), at_ns=NOW + 150_000)
    scraped.hear(said.proposed(0), said.proposed(NOW + S))
    scraped.hear(said.answered(NOW + 1_500_000), said.answered(NOW - 1))

    assert scraped.value("grinder_tick_to_intent_seconds_count") == 1
    assert scraped.value("grinder_tick_to_intent_seconds_bucket", le="0.0002") == 1
    assert scraped.value("grinder_tick_to_intent_seconds_bucket", le="0.0001") == 0
    assert scraped.value("grinder_tick_to_wire_seconds_count") == 1
    assert scraped.value("grinder_tick_to_wire_seconds_sum") == pytest.approx(0.0015)


def test_account_and_reconciliation_are_watched(scraped: Scraped) -> None:
    synced = AccountSynced(
        wallet=Decimal(1),
        unrealized_pnl=Decimal(0),
        positions=(),
        open_orders=(),
        asked_ns=NOW,
        answered_ns=NOW,
    )
    mismatch = MismatchDetected(
        kind="POSITION_MISMATCH", symbol="BTCUSDT", client_order_id="", expected="1", observed="0"
    )
    scraped.hear(
        synced,
        AccountSyncFailed(reason="timeout after 5 s", failures_in_row=1, is_unknown=False),
        ReconcileRan(mismatches=0, orders_compared=3, snapshot_age_ns=S // 2),
        ReconcileRan(mismatches=1, orders_compared=3, snapshot_age_ns=S // 2),
        mismatch,
        BudgetReported(scope="account", used_weight_1m=40, orders_10s=3, orders_1m=9),
    )
    scraped.clock.ns += 2 * S

    assert scraped.value("grinder_account_sync_age_seconds") == 2
    assert scraped.value("grinder_account_sync_errors_total", reason="read_failed") == 1
    assert scraped.value("grinder_reconcile_runs_total") == 2
    assert scraped.value("grinder_reconcile_runs_with_mismatch_total") == 1
    assert scraped.value("grinder_reconcile_mismatch_total", type="POSITION_MISMATCH") == 1
    assert scraped.value("grinder_reconcile_last_snapshot_age_seconds") == 0.5
    assert scraped.value("grinder_venue_budget_used", limit="weight_1m") == 40


def test_pnl_is_summed_over_symbols(scraped: Scraped) -> None:
    scraped.hear(said.ledger(), said.ledger(symbol="ETHUSDT"), said.ledger())

    assert scraped.value("grinder_pnl_usd", part="grid") == 3
    assert scraped.value("grinder_pnl_usd", part="funding") == -0.5


def test_actors_are_read_at_each_scrape(scraped: Scraped) -> None:
    assert scraped.value("grinder_actor_up", actor="none") == 0

    scraped.actors = (said.actor(restarts=2, dropped=1), said.actor("feed", state="down"))

    assert scraped.value("grinder_actor_up", actor="risk") == 1
    assert scraped.value("grinder_actor_up", actor="feed") == 0
    assert scraped.value("grinder_actor_restarts_total", actor="risk") == 2
    assert scraped.value("grinder_actor_mailbox_depth", actor="risk") == 3
    assert scraped.value("grinder_actor_mailbox_dropped_total", actor="risk") == 1
    assert scraped.value("grinder_actor_mailbox_conflated_total", actor="risk") == 5


def journal_reported(records: int, lost: int = 0, pending: int = 0) -> JournalReported:
    return JournalReported(
        is_written=not lost,
        pending=pending,
        lag_ns=pending * S,
        records=records,
        bytes=100 * records,
        lost=lost,
        detail="",
    )


def test_a_journal_is_counted_and_its_health_shown(scraped: Scraped) -> None:
    assert scraped.value("grinder_journal_healthy") == 0

    scraped.hear(journal_reported(40), JournalHealthChanged(is_healthy=True, detail=""))
    scraped.hear(journal_reported(90, lost=3, pending=2))

    assert scraped.value("grinder_journal_healthy") == 1
    assert scraped.value("grinder_journal_records_total") == 90
    assert scraped.value("grinder_journal_bytes_total") == 9_000
    assert scraped.value("grinder_journal_lost_total") == 3
    assert scraped.value("grinder_journal_pending_records") == 2
    assert scraped.value("grinder_journal_lag_seconds") == 2

    scraped.hear(JournalHealthChanged(is_healthy=False, detail="3 records lost"))

    assert scraped.value("grinder_journal_healthy") == 0
