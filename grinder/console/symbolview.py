"""What is known of one symbol, and how it reads in JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from grinder.messages.features import FeaturesComputed
from grinder.messages.grid import (
    CloseProgressed,
    CloseStage,
    Denial,
    LadderPlanned,
    PlanChosen,
)
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import BookTicked
from grinder.messages.risk import SymbolBanned
from grinder.model.instrument import Instrument
from grinder.model.legs import by_market, markets_of
from grinder.model.trades import TradeLog

DENIALS_MAX = 64
"""Codes counted for each symbol; there are fewer in the code."""


def plain(value: Decimal) -> str:
    """Return ``value`` in plain notation, exact, without an exponent."""
    return format(value, "f")


class SymbolView:
    """The latest of one symbol. Not safe for threads by itself."""

    def __init__(self, symbol: str, instruments: Mapping[str, Instrument]) -> None:
        self.symbol = symbol
        self._instruments = instruments
        self.ticks = 0
        self.book: BookTicked | None = None
        self.features: FeaturesComputed | None = None
        self.ladder: LadderPlanned | None = None
        self.ladder_moves = 0
        """How often the anchor of the ladder was seen at another place than before."""
        self.plan: PlanChosen | None = None
        self.close: CloseProgressed | None = None
        """How it goes with a position that has to go; None while none has."""
        self.is_overdue = False
        self.regime = ""
        self.toxicity = ""
        self.is_selected: bool | None = None
        """None as long as nobody selects symbols."""
        self.ban: SymbolBanned | None = None
        self.ledger: LedgerChanged | None = None
        self.position_lots = 0
        self.entry_price = Decimal(0)
        self.denials: dict[str, int] = {}
        self.last_denials: tuple[Denial, ...] = ()
        self.placed = 0
        self.fills = 0
        self.trades = TradeLog()
        self.cancelled = 0

    @property
    def instrument(self) -> Instrument | None:
        """The instrument once it is known."""
        return self._instruments.get(self.symbol)

    def tick(self, body: BookTicked) -> bool:
        """Take a book change; return False for one that is known already.

        The stream port says it to FeedActor and FeedActor to everyone else: an equal or older
        update id on the same connection is the same news again.
        """
        last = self.book
        if (
            last is not None
            and body.update_id <= last.update_id
            and body.connection <= last.connection
        ):
            return False
        self.book = body
        self.ticks += 1
        return True

    def planned(self, body: LadderPlanned) -> None:
        """Take a picture of the ladder."""
        before = self.ladder
        if before is not None and before.anchor_ticks2 not in (0, body.anchor_ticks2):
            self.ladder_moves += 1
        self.ladder = body

    def closed(self, body: CloseProgressed) -> None:
        """Take how it goes with a close; what is over needs no showing."""
        self.is_overdue = body.stage is CloseStage.OVERDUE
        if self.is_overdue and self.close is not None:
            body = attrs.evolve(body, stage=self.close.stage)
        self.close = None if body.stage is CloseStage.OVER else body

    def deny(self, denials: tuple[Denial, ...]) -> None:
        """Count refusals by code."""
        self.last_denials = denials[:DENIALS_MAX]
        for denial in denials:
            code = denial.code
            if code not in self.denials and len(self.denials) >= DENIALS_MAX:
                code = "other"
            self.denials[code] = self.denials.get(code, 0) + 1

    def qty(self, lots: int) -> str:
        """Return ``lots`` as a quantity in base units, or as ``N lots`` without an instrument."""
        instrument = self.instrument
        return f"{lots} lots" if instrument is None else plain(instrument.qty(lots))

    def price(self, ticks: int) -> str:
        """Return ``ticks`` as a price, or as ``N ticks`` without an instrument."""
        instrument = self.instrument
        return f"{ticks} ticks" if instrument is None else plain(instrument.price(ticks))

    def to_json(self) -> dict[str, Any]:
        """Return everything, money as text."""
        return {
            "ticks": self.ticks,
            **self._market(),
            "regime": self.regime,
            "toxicity": self.toxicity,
            "is_selected": self.is_selected,
            "ban": self._ban(),
            "plan": self._plan(),
            "ladder": self._ladder(),
            "ladder_moves": self.ladder_moves,
            "close": self._close(),
            "position": self.qty(self.position_lots),
            "entry_price": plain(self.entry_price),
            "pnl": self._pnl(),
            "orders_placed": self.placed,
            "fills": self.fills,
            "cancels": self.cancelled,
            "cancels_per_fill": round(self.cancelled / self.fills, 2) if self.fills else None,
            "denials": dict(self.denials),
            "last_denials": [
                {"code": one.code, "level": one.level, "side": str(one.side), "detail": one.detail}
                for one in self.last_denials
            ],
        }

    def _ban(self) -> dict[str, Any] | None:
        ban = self.ban
        if ban is None:
            return None
        until_ns = None if ban.until_ns == 2**63 - 1 else ban.until_ns
        return {"until_ns": until_ns, "reason": ban.reason, "operator": ban.operator}

    def _market(self) -> dict[str, Any]:
        book, features = self.book, self.features
        mid = spread = None
        if book is not None and (instrument := self.instrument) is not None:
            # Exact: the sum of two prices has one decimal more when halved.
            mid = plain(instrument.price(book.bid_ticks + book.ask_ticks) / 2)
        if book is not None:
            spread = self.price(book.ask_ticks - book.bid_ticks)
        return {
            "bid": self.price(book.bid_ticks) if book is not None else None,
            "ask": self.price(book.ask_ticks) if book is not None else None,
            "mid": mid,
            "spread": spread,
            "spread_bps": features.spread_bps if features is not None else None,
            "imbalance_bps": features.imbalance_bps if features is not None else None,
            "natr_bps": features.natr_bps if features is not None else None,
            "bars": features.bars if features is not None else 0,
            "is_warm": features.is_warm if features is not None else False,
        }

    def _ladder(self) -> dict[str, Any] | None:
        ladder = self.ladder
        if ladder is None:
            return None
        return {
            "step": self.price(ladder.step_ticks),
            "bids": [self.price(ticks) for ticks in ladder.bids],
            "asks": [self.price(ticks) for ticks in ladder.asks],
            "exits": [self.price(ticks) for ticks in ladder.exits],
            "reason": ladder.reason,
        }

    def _close(self) -> dict[str, Any] | None:
        close = self.close
        if close is None:
            return None
        return {
            "stage": str(close.stage),
            "reason": close.reason,
            "is_overdue": self.is_overdue,
            "age_ms": close.age_ms,
            "attempts": close.attempts,
        }

    def _plan(self) -> dict[str, Any] | None:
        if self.plan is None:
            return None
        plan = self.plan.plan
        return {
            "policy": self.plan.policy,
            "mode": str(plan.mode),
            "spacing_bps": plan.spacing_bps,
            "width_bps": plan.width_bps,
            "skew_bps": plan.skew_bps,
            "levels_up": plan.levels_up,
            "levels_down": plan.levels_down,
            "reset": str(plan.reset_action),
            "reasons": list(plan.reason_codes),
        }

    def _pnl(self) -> dict[str, str]:
        ledger = self.ledger
        nothing = Decimal(0)
        return {
            "grid": plain(ledger.realized_pnl if ledger else nothing),
            "inventory": plain(ledger.unrealized_pnl if ledger else nothing),
            "fees": plain(ledger.fees if ledger else nothing),
            "funding": plain(ledger.funding if ledger else nothing),
        }


def symbol_views(
    kept: dict[str, SymbolView], instruments: Mapping[str, Instrument], most: int
) -> tuple[Callable[[str], SymbolView], Callable[[str], list[SymbolView]]]:
    """Return what gives the view of a symbol, and what gives those of all legs of a market.

    Those made are put into ``kept``, at most so many: the traded symbols come first and stay;
    strangers beyond the bound are not kept.
    """
    legs = by_market(instruments)
    # Funding of hedge mode is told by market.
    known = {**markets_of(instruments), **instruments}

    def of(symbol: str) -> SymbolView:
        view = kept.get(symbol)
        if view is None:
            view = SymbolView(symbol, known)
            if len(kept) < most:
                kept[symbol] = view
        return view

    def of_market(market: str) -> list[SymbolView]:
        return [of(leg) for leg in legs.get(market, (market,))]

    return of, of_market
