"""Which symbols may have entries: hard gates, a ranking, and what keeps it from flickering.

Everything is judged on the last sample of each symbol, so at any time on its past alone. A symbol
that fails a gate is out at once; the ranking decides who of the others is in, and a symbol that
has come in stays for a while unless a gate turns it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from math import fsum, sqrt

import attrs

from grinder.messages.grid import SelectionRanked, SymbolSelected
from grinder.model.grid import ToxicityLevel
from grinder.model.strategy import SelectionSettings
from grinder.model.units import NS_PER_MS, NS_PER_S, utc_ns

RETURNS_MAX = 60
"""Mids kept for correlation, one a minute."""
RETURNS_MIN = 30
"""Fewer common returns say nothing about correlation."""
MINUTE_NS = 60 * NS_PER_S
STALE_NS = 30 * NS_PER_S
"""A sample older than this is no ground for being selected."""
TINY = 1e-10
FOR_EVER_NS = 2**63


@attrs.define(kw_only=True)
class Candidate:
    """What is known of one symbol, and how it stands."""

    symbol: str
    features: Mapping[str, float] = attrs.field(factory=dict)
    toxicity: ToxicityLevel = ToxicityLevel.LOW
    is_trading: bool = True
    sampled_ns: int = 0
    """When the last sample was heard; 0 before the first."""
    returns: deque[float] = attrs.field(factory=lambda: deque(maxlen=RETURNS_MAX))
    """Of the last minutes, one for each minute in which there was a sample."""
    minute_ns: int = 0
    failed: tuple[str, ...] = ()
    score: int = 0
    candidate_ns: int = 0
    """Since when it has been among the best; 0 when it is not."""
    selected_ns: int = 0
    """Since when it has been selected; 0 when it is not."""
    rank: int = 0


class Selection:
    """The ranking of all symbols. Pure: every method is told the time."""

    def __init__(
        self,
        settings: SelectionSettings,
        symbols: tuple[str, ...],
        bans: Mapping[str, int],
    ) -> None:
        """Begin without anybody selected; ``bans`` are times in ns by symbol."""
        self._settings = settings
        self._bans = dict(bans)
        self.banned: set[str] = set()
        """Symbols that an operator has banned while the run goes on."""
        self._sectors = dict(entry.split("=", 1) for entry in settings.sectors)
        self.must_dwell = True
        """False lets the first ranking select at once, as after a restart."""
        self._ranked_ns = 0
        self._told: dict[str, tuple[bool, int, tuple[str, ...]]] = {}
        self.candidates = {symbol: Candidate(symbol=symbol) for symbol in symbols}

    def hear(
        self, symbol: str, features: Mapping[str, float], toxicity: ToxicityLevel, now_ns: int
    ) -> None:
        """Take a sample."""
        one = self.candidates[symbol]
        one.features = features
        one.toxicity = toxicity
        one.sampled_ns = now_ns
        minute_ns = now_ns - now_ns % MINUTE_NS
        if minute_ns != one.minute_ns and "ret_1m" in features:
            one.minute_ns = minute_ns
            one.returns.append(features["ret_1m"])

    def look(self, now_ns: int) -> tuple[tuple[SymbolSelected, ...], SelectionRanked | None]:
        """Return who came in or went out, and the whole ranking when it was made anew."""
        for one in self.candidates.values():
            one.failed = self._failed(one, now_ns)
            if one.failed:
                one.candidate_ns = one.selected_ns = one.rank = 0
        ranked = None
        if not self._ranked_ns or now_ns - self._ranked_ns >= self._settings.rerank_ms * NS_PER_MS:
            if any(one.sampled_ns for one in self.candidates.values()):
                self._rank(now_ns)
                self._ranked_ns = now_ns
                ranked = self._picture()
        else:
            self._admit(now_ns)
        return self._news(), ranked

    # Gates.

    def _failed(self, one: Candidate, now_ns: int) -> tuple[str, ...]:
        """Return every gate that keeps ``one`` out, in the order in which they are asked."""
        settings = self._settings
        if one.symbol in self.banned or now_ns < self._bans.get(one.symbol, 0):
            return ("BLACKLISTED",)
        if not one.is_trading:
            return ("DELISTING",)
        if not one.sampled_ns or now_ns - one.sampled_ns > STALE_NS:
            return ("NO_SAMPLE",)
        known = one.features
        failed = []
        if known.get("spread_bps", 0.0) > settings.spread_max_bps:
            failed.append("SPREAD_TOO_HIGH")
        if known.get("volume_24h", 0.0) < settings.volume_24h_min:
            failed.append("VOL_24H_TOO_LOW")
        for name, least, reason in (
            ("volume_1h", float(settings.volume_1h_min), "VOL_1H_TOO_LOW"),
            ("trades_1m", settings.trades_1m_min, "ACTIVITY_TOO_LOW"),
            ("open_interest", float(settings.open_interest_min), "OI_TOO_LOW"),
            ("thin_l1_notional", float(settings.thin_notional_min), "THIN_BOOK"),
        ):
            if known.get(name, least) < least:
                failed.append(reason)
        if one.toxicity.is_harmful:
            failed.append("TOXICITY_BLOCKED")
        if known.get("warmup_bars", 0.0) < settings.warmup_bars_min:
            failed.append("WARMUP_INSUFFICIENT")
        return tuple(failed)

    # Ranking.

    def _rank(self, now_ns: int) -> None:
        passed = self._passed()
        score = {"range": range_scores, "volatility": volatility_scores, "in-play": in_play_scores}
        for one, points in zip(
            passed, score[self._settings.score](passed, self._settings), strict=True
        ):
            one.score = points
        best = self._best()
        limit = 2 * self._settings.top_k
        for place, one in enumerate(best):
            if place >= limit:
                one.candidate_ns = 0
            elif not one.candidate_ns:
                one.candidate_ns = now_ns
        self._retire(best, now_ns)
        self._admit(now_ns)
        self.must_dwell = True

    def _passed(self) -> list[Candidate]:
        return [one for one in self.candidates.values() if not one.failed]

    def _best(self) -> list[Candidate]:
        """Return whoever failed no gate, the highest score first."""
        return sorted(self._passed(), key=lambda one: (-one.score, one.symbol))

    def _retire(self, best: list[Candidate], now_ns: int) -> None:
        """Let go whoever is no longer among the best and has had its time."""
        hold_ns = self._settings.hold_ms * NS_PER_MS
        wanted = {one.symbol for one in self._diverse(best)}
        for one in best:
            if one.selected_ns and one.symbol not in wanted and now_ns - one.selected_ns >= hold_ns:
                one.selected_ns = one.rank = 0

    def _admit(self, now_ns: int) -> None:
        """Let in whoever is among the best, has been so for long enough, and finds room."""
        best = self._best()
        dwell_ns = self._settings.dwell_ms * NS_PER_MS if self.must_dwell else 0
        chosen = [one for one in best if one.selected_ns]
        for one in best:
            if len(chosen) >= self._settings.top_k:
                break
            is_ready = one.candidate_ns and now_ns - one.candidate_ns >= dwell_ns
            if not one.selected_ns and is_ready and self._fits(one, chosen):
                one.selected_ns = now_ns
                chosen.append(one)
        for rank, one in enumerate((one for one in best if one.selected_ns), 1):
            one.rank = rank

    def _diverse(self, best: list[Candidate]) -> list[Candidate]:
        chosen: list[Candidate] = []
        for one in best:
            if len(chosen) < self._settings.top_k and self._fits(one, chosen):
                chosen.append(one)
        return chosen

    def _fits(self, one: Candidate, chosen: list[Candidate]) -> bool:
        sector = self._sectors.get(one.symbol)
        peers = [other for other in chosen if sector and self._sectors.get(other.symbol) == sector]
        limit = self._settings.correlation_max
        return len(peers) < self._settings.sector_max and all(
            (correlation(one.returns, other.returns) or 0.0) <= limit for other in chosen
        )

    # What is said.

    def _news(self) -> tuple[SymbolSelected, ...]:
        if not self._ranked_ns:
            return ()
        news = []
        for one in self.candidates.values():
            standing = (one.selected_ns > 0, one.rank, one.failed)
            if self._told.get(one.symbol) != standing:
                self._told[one.symbol] = standing
                news.append(
                    SymbolSelected(
                        symbol=one.symbol,
                        is_selected=standing[0],
                        rank=one.rank,
                        score=one.score,
                        reasons=one.failed,
                    )
                )
        return tuple(news)

    def _picture(self) -> SelectionRanked:
        best = self._best()
        return SelectionRanked(
            selected=tuple(
                one.symbol for one in sorted(best, key=lambda one: one.rank) if one.rank
            ),
            scores=tuple((one.symbol, one.score) for one in best),
            excluded=tuple(
                (one.symbol, one.failed[0]) for one in self.candidates.values() if one.failed
            ),
        )


# Scores, whole numbers: the higher the better.


def range_scores(passed: list[Candidate], settings: SelectionSettings) -> list[int]:
    """Score what a grid lives on: a choppy price and a deep book, less the trend."""
    scores = []
    for one in passed:
        known = one.features
        score = int(known.get("range_score", 0.0)) * settings.range_weight // 100
        worth = int(known.get("thin_l1_notional", 0.0)) + 1
        magnitude = len(str(worth)) - 1
        score += magnitude * settings.liquidity_scale * settings.liquidity_weight // 100
        trend = int(abs(known.get("net_return_bps", 0.0)))
        scores.append(score - trend * settings.trend_weight // 100)
    return scores


def volatility_scores(passed: list[Candidate], settings: SelectionSettings) -> list[int]:
    """Score the sum of absolute returns of the last bars, in basis points."""
    del settings
    return [int(one.features.get("sum_abs_returns_bps", 0.0)) for one in passed]


def in_play_scores(passed: list[Candidate], settings: SelectionSettings) -> list[int]:
    """Score activity, volatility, cost and independence against the other symbols, x 1,000."""
    del settings

    def z(name: str) -> list[float]:
        return standardised([one.features.get(name, 0.0) for one in passed])

    residual = standardised([abs(one.features.get("residual_ret", 0.0)) for one in passed])
    rows = zip(
        z("trades_1m"), z("volume_ratio_1m"), z("natr_5m_bps"), z("natr_bps"),
        z("spread_bps"), z("microprice_dev_bps"), residual, strict=True,
    )  # fmt: skip
    return [
        round(
            1_000
            * (
                0.30 * (trades + volume) / 2
                + 0.25 * (slow + fast) / 2
                - 0.25 * (spread + lean) / 2
                + 0.20 * apart
            )
        )
        for trades, volume, slow, fast, spread, lean, apart in rows
    ]


def standardised(values: list[float]) -> list[float]:
    """Return z-scores within ``values``; zeros when they are all but equal."""
    if len(values) < 2:
        return [0.0] * len(values)
    mean = fsum(values) / len(values)
    deviation = sqrt(fsum((one - mean) ** 2 for one in values) / len(values))
    if deviation < TINY:
        return [0.0] * len(values)
    return [(one - mean) / deviation for one in values]


def correlation(one: deque[float], other: deque[float]) -> float | None:
    """Return Pearson's correlation of the last common returns; None when there are too few."""
    count = min(len(one), len(other))
    if count < RETURNS_MIN:
        return None
    x, y = standardised([*one][-count:]), standardised([*other][-count:])
    return fsum(a * b for a, b in zip(x, y, strict=True)) / count


def bans_of(settings: SelectionSettings) -> dict[str, int]:
    """Return the banned symbols and the time in ns until which they are.

    Raises:
        ValueError: a time is none.
    """
    bans = {}
    for entry in settings.bans:
        symbol, _, until = entry.partition("=")
        bans[symbol] = utc_ns(until) if until else FOR_EVER_NS
    return bans
