"""User-data frames, and the order in which the venue sends those of one fill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grinder.model.order import OrderType
from grinder.simulation.reports import (
    AccountReport,
    AlgoReport,
    Execution,
    MarginCallReport,
    OrderReport,
    OwnReport,
)
from grinder.venues.sim.rendering import eight, maybe_plain, plain

Frame = dict[str, Any]


def ordered(reports: Iterable[OwnReport], now_ms: int) -> list[Frame]:
    """Return the frames of one account's reports, given in the order the exchange made them.

    TRADE_LITE comes before everything else of its fill: before the NEW of an order that takes, else
    before the ACCOUNT_UPDATE. That is how the venue was recorded.
    """
    found: list[Frame] = []
    new_at: dict[int, int] = {}
    fill_at = 0
    for report in reports:
        if isinstance(report, AccountReport):
            fill_at = len(found)
            found.append(account_update(report, now_ms))
            continue
        if isinstance(report, MarginCallReport):
            found.append(margin_call(report, now_ms))
            fill_at = len(found)
            continue
        if isinstance(report, AlgoReport):
            found.append(algo_update(report, now_ms))
            fill_at = len(found)
            continue
        order_id = report.order.order_id
        if report.execution is Execution.NEW:
            new_at[order_id] = len(found)
        elif report.execution in (Execution.TRADE, Execution.CALCULATED):
            found.insert(new_at.pop(order_id, fill_at), trade_lite(report, now_ms))
        found.append(order_update(report, now_ms))
        fill_at = len(found)
    return found


def trade_lite(report: OrderReport, now_ms: int) -> Frame:
    """Return the short early notice of a fill."""
    order = report.order
    return {
        "e": "TRADE_LITE",
        "E": now_ms,
        "T": report.ts_ms,
        "s": order.symbol,
        "q": plain(order.qty),
        "p": plain(order.price),
        "m": report.is_maker,
        "c": order.client_order_id,
        "S": order.side.value,
        "L": plain(report.last_price),
        "l": plain(report.last_qty),
        "t": report.trade_id,
        "i": order.order_id,
    }


def account_update(report: AccountReport, now_ms: int) -> Frame:
    """Return an ACCOUNT_UPDATE with only what changed."""
    asset = report.balances[0].asset if report.balances else "USDT"
    return {
        "e": "ACCOUNT_UPDATE",
        "T": report.ts_ms,
        "E": now_ms,
        "a": {
            "B": [
                {
                    "a": each.asset,
                    "wb": eight(each.wallet),
                    "cw": eight(each.cross_wallet),
                    "bc": plain(each.change) if each.change else "0",
                }
                for each in report.balances
            ],
            "P": [
                {
                    "s": each.symbol,
                    "pa": plain(each.qty) if each.qty else "0",
                    "ep": plain(each.entry_price) if each.qty else "0",
                    "cr": eight(each.realised) if each.realised else "0",
                    "up": eight(each.unrealised) if each.unrealised else "0",
                    "mt": "isolated" if each.is_isolated else "cross",
                    "iw": eight(each.isolated_wallet) if each.isolated_wallet else "0",
                    "ps": each.side.value,
                    "ma": asset,
                    "bep": plain(each.break_even) if each.qty else "0",
                }
                for each in report.positions
            ],
            "m": report.reason.value,
        },
    }


def order_update(report: OrderReport, now_ms: int) -> Frame:
    """Return an ORDER_TRADE_UPDATE."""
    order = report.order
    is_named = report.execution is Execution.AMENDMENT and order.modify_id is not None
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": report.ts_ms,
        "E": now_ms,
        "o": {
            "s": order.symbol,
            "c": order.client_order_id,
            "S": order.side.value,
            "o": order.type.value,
            "f": order.time_in_force.value,
            "q": plain(order.qty),
            "p": "0" if order.type is OrderType.MARKET else plain(order.price),
            "ap": plain(order.average_price) if order.filled_lots else "0",
            "sp": "0",
            "x": report.execution.value,
            "X": order.status.value,
            "i": order.order_id,
            **({"M": str(order.modify_id)} if is_named else {}),
            "l": plain(report.last_qty) if report.last_qty else "0",
            "z": plain(order.filled_qty) if order.filled_lots else "0",
            "L": plain(report.last_price) if report.last_price else "0",
            "n": eight(report.commission) if report.commission else "0",
            "N": report.commission_asset,
            "T": report.ts_ms,
            "t": report.trade_id,
            "b": plain(report.bid_notional) if report.bid_notional else "0",
            "a": plain(report.ask_notional) if report.ask_notional else "0",
            "m": report.is_maker,
            "R": order.reduce_only,
            "wt": "CONTRACT_PRICE",
            "ot": order.type.value,
            "ps": order.position_side.value,
            "cp": False,
            "rp": eight(report.realised_profit) if report.realised_profit else "0",
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": order.self_trade_prevention.value,
            "pm": order.price_match.value,
            "gtd": order.good_till_ms,
            "er": order.expire_reason.value,
        },
    }


def algo_update(report: AlgoReport, now_ms: int) -> Frame:
    """Return an ALGO_UPDATE; what came out of it shows once it has triggered."""
    algo, new, order = report.algo, report.algo.new, report.algo.order
    return {
        "e": "ALGO_UPDATE",
        "T": report.ts_ms,
        "E": now_ms,
        "o": {
            "caid": algo.client_algo_id,
            "aid": algo.algo_id,
            "at": "CONDITIONAL",
            "o": new.type.value,
            "s": new.symbol,
            "S": new.side.value,
            "ps": new.position_side.value,
            "f": new.time_in_force.value,
            "q": maybe_plain(new.qty, "0"),
            "X": algo.status.value,
            "ai": "" if order is None else str(order.order_id),
            "ap": "0" if order is None else plain(order.average_price),
            "aq": "0" if order is None else plain(order.filled_qty),
            "act": "0" if order is None else order.type.value,
            "tp": maybe_plain(new.trigger_price, "0"),
            "p": maybe_plain(new.price, "0"),
            "V": new.self_trade_prevention.value,
            "wt": new.working_type.value,
            "pm": new.price_match.value,
            "cp": new.close_position,
            "pP": new.price_protect,
            "R": new.reduce_only,
            "tt": algo.triggered_ms,
            "gtd": new.good_till_ms or 0,
            **({"rm": algo.refusal} if algo.refusal else {}),
        },
    }


def margin_call(report: MarginCallReport, now_ms: int) -> Frame:
    """Return a MARGIN_CALL; it bears the crossed wallet only for crossed positions."""
    wallet = report.cross_wallet
    return {
        "e": "MARGIN_CALL",
        "E": now_ms,
        **({} if wallet is None else {"cw": eight(wallet)}),
        "p": [
            {
                "s": each.state.symbol,
                "ps": each.state.side.value,
                "pa": plain(each.state.qty),
                "mt": "ISOLATED" if each.state.is_isolated else "CROSSED",
                "iw": eight(each.state.isolated_wallet) if each.state.is_isolated else "0",
                "mp": eight(each.mark_price),
                "up": eight(each.state.unrealised),
                "mm": eight(each.state.maintenance),
            }
            for each in report.positions
        ],
    }


def listen_key_expired(listen_key: str, now_ms: int) -> Frame:
    """Return the notice that a listen key is gone."""
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": listen_key}


def leverage_changed(symbol: str, leverage: int, now_ms: int) -> Frame:
    """Return the notice that a symbol's leverage was set."""
    return {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": now_ms,
        "T": now_ms,
        "ac": {"s": symbol, "l": leverage},
    }
