"""The report that a run leaves behind."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from grinder.console.samples import percentiles_us
from grinder.console.views import StateView
from grinder.kernel.observer import ActorSnapshot


def build_report(
    view: StateView,
    actors: tuple[ActorSnapshot, ...],
    *,
    config_hash: str,
    version: str,
    stop_position: str,
    duration_s: float,
) -> dict[str, Any]:
    """Return what happened in a run, as values that JSON can say.

    ``stop_position`` is what was asked for (keep or flatten), used when the run ended before it
    wound down. Money and quantities are text in plain notation. What is left at the venue is what
    the venue confirmed; without a confirmation it is what we last knew.
    """
    seen = view.snapshot()
    stop = seen["stop"]
    return {
        "version": version,
        "config_hash": config_hash,
        "duration_s": round(duration_s, 3),
        "ticks": seen["ticks"],
        **_orders(seen),
        "fsm": seen["states"],
        "transitions": seen["transitions"],
        "kill_switch": seen["kill_switch"],
        "latches": seen["latches"],
        **_actors(actors),
        "failures": seen["failures"],
        "mismatches": seen["mismatch_count"],
        "journal": seen["journal"],
        "latency_us": _latencies(view),
        "realized_pnl": seen["pnl"]["grid"],
        "unrealized_pnl": seen["pnl"]["inventory"],
        "fees": seen["pnl"]["fees"],
        "funding": seen["pnl"]["funding"],
        "positions": _positions(seen),
        "stop": {
            "position": stop["position"] or stop_position,
            "confirmed": stop["confirmed"],
            "detail": stop["detail"],
        },
        "symbols": {symbol: _symbol(one) for symbol, one in seen["symbols"].items()},
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write ``report`` to ``path`` whole or not at all.

    Raises:
        OSError: the folder can't be written to.
    """
    text = json.dumps(report, indent=2) + "\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # The report holds no secrets; mkstemp made it private.
        partial.chmod(0o644)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _orders(seen: dict[str, Any]) -> dict[str, int]:
    counts, confirmed = seen["orders"], seen["stop"]["open_orders"]
    return {
        "orders_placed": counts["placed"],
        "orders_rejected": counts["rejected"],
        "orders_filled": counts["filled"],
        "fills": counts["fills"],
        "cancels": counts["cancelled"],
        "expired": counts["expired"],
        "open_orders_at_exit": counts["open"] if confirmed is None else confirmed,
    }


def _actors(actors: tuple[ActorSnapshot, ...]) -> dict[str, Any]:
    return {
        "restarts": sum(actor.restarts for actor in actors),
        "restarts_by_actor": {one.name: one.restarts for one in actors if one.restarts},
        "mailbox_dropped": sum(actor.dropped for actor in actors),
        "mailbox_conflated": sum(actor.conflated for actor in actors),
    }


def _latencies(view: StateView) -> dict[str, Any]:
    to_intent, to_wire = view.latencies_ns()
    return {
        "tick_to_intent": percentiles_us(to_intent),
        "tick_to_wire": percentiles_us(to_wire),
    }


def _positions(seen: dict[str, Any]) -> dict[str, str]:
    confirmed: dict[str, str] | None = seen["stop"]["positions"]
    if seen["stop"]["confirmed"] and confirmed is not None:
        # The venue names only what is not flat.
        return dict.fromkeys(seen["symbols"], "0") | confirmed
    return {symbol: one["position"] for symbol, one in seen["symbols"].items()}


def _symbol(one: dict[str, Any]) -> dict[str, Any]:
    keys = (
        "ticks",
        "orders_placed",
        "fills",
        "cancels",
        "cancels_per_fill",
        "ladder_moves",
        "denials",
        "position",
        "mid",
        "regime",
        "plan",
    )
    pnl = one["pnl"]
    return {key: one[key] for key in keys} | {
        "realized_pnl": pnl["grid"],
        "unrealized_pnl": pnl["inventory"],
        "fees": pnl["fees"],
        "funding": pnl["funding"],
    }
