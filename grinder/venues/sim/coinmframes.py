"""Frames of COIN-M: those of USDT-M with the pair, the other settlement and a few words less."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grinder.simulation.reports import OwnReport
from grinder.venues.sim import userframes

COIN_MARGINED = 2

Frame = dict[str, Any]


def pair_of(symbol: str) -> str:
    """Return the pair of a contract."""
    return symbol.partition("_")[0]


def public_frame(_: str, frame: Frame) -> Frame:
    """Return a market frame as COIN-M words it."""
    if frame["e"] == "aggTrade":
        del frame["nq"]
    if "ps" in frame:
        symbol = frame["o"]["s"] if "o" in frame and "s" not in frame else frame["s"]
        frame["ps"] = pair_of(symbol)
    return frame | {"st": COIN_MARGINED}


def user_frames(reports: Iterable[OwnReport], now_ms: int) -> list[Frame]:
    """Return the user-data frames of one account; COIN-M has no TRADE_LITE."""
    frames = [frame for frame in userframes.ordered(reports, now_ms) if frame["e"] != "TRADE_LITE"]
    for frame in frames:
        if frame["e"] == "ORDER_TRADE_UPDATE":
            order = frame["o"]
            order["ma"] = order["N"]
            order["st"] = COIN_MARGINED
    return frames
