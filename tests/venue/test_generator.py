from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from grinder.simulation.generator import (
    USUAL,
    GeneratorConfig,
    Regime,
    generated,
    halted,
    regimes,
)
from grinder.simulation.market import DepthDiff, MarketEvent, Quote, Status, Trade
from grinder.venues.sim import catalog

INFO = catalog.exchange_info()
SYMBOLS = tuple(row["symbol"] for row in INFO["symbols"])
INSTRUMENTS = catalog.instruments(INFO, SYMBOLS)


def events(
    symbol: str = "ETHUSDT", seed: int = 1, count: int = 3000, wanted: tuple[Regime, ...] = ()
) -> list[MarketEvent]:
    instrument = INSTRUMENTS[symbol]
    config = GeneratorConfig(
        instrument=instrument,
        start_ticks=catalog.start_ticks(instrument),
        regimes=wanted or USUAL,
    )
    return list(islice(generated(config, Random(seed)), count))


def test_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    assert events(seed=3) == events(seed=3)
    assert events(seed=3) != events(seed=4)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_contract_gets_a_plausible_market(symbol: str) -> None:
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    found = events(symbol, count=1500)
    for event in found:
        if isinstance(event, DepthDiff):
            for side, levels in ((bids, event.bids), (asks, event.asks)):
                side.update(levels)
                for price, lots in levels:
                    if not lots:
                        del side[price]
        elif isinstance(event, Quote):
            assert 0 < event.bid_ticks < event.ask_ticks
            assert (max(bids), min(asks)) == (event.bid_ticks, event.ask_ticks)
            assert bids[event.bid_ticks] == event.bid_lots > 0
        elif isinstance(event, Trade):
            assert event.lots > 0
            assert event.price_ticks == (max(bids) if event.buyer_is_maker else min(asks))
    assert {type(event) for event in found} == {Quote, DepthDiff, Trade}
    assert [event.at_ms for event in found] == sorted(event.at_ms for event in found)


def test_trends_go_their_way_and_a_range_stays() -> None:
    def travelled(regime: Regime) -> float:
        quotes = [
            event for event in events(count=20_000, wanted=(regime,)) if isinstance(event, Quote)
        ]
        return quotes[-1].bid_ticks / quotes[0].bid_ticks - 1

    assert travelled(Regime.TREND_UP) > 0.005
    assert travelled(Regime.TREND_DOWN) < -0.005
    assert abs(travelled(Regime.RANGE)) < 0.002


def test_thin_market_has_less_size_and_fewer_trades() -> None:
    thin, normal = events(wanted=(Regime.THIN,)), events(wanted=(Regime.RANGE,))

    def trades(found: list[MarketEvent]) -> int:
        return sum(isinstance(event, Trade) for event in found)

    def size(found: list[MarketEvent]) -> int:
        return sum(event.bid_lots for event in found if isinstance(event, Quote))

    assert trades(thin) * 2 < trades(normal)
    assert size(thin) * 2 < size(normal)


def mids(found: list[MarketEvent], until_ms: int) -> list[tuple[int, float]]:
    return [
        (event.at_ms, (event.bid_ticks + event.ask_ticks) / 2)
        for event in found
        if isinstance(event, Quote) and event.at_ms <= until_ms
    ]


@pytest.mark.parametrize("seed", range(1, 9))
def test_crash_falls_in_seconds_in_a_thin_book_and_wins_back_a_part(seed: int) -> None:
    crash = events(seed=seed, wanted=(Regime.CRASH,))
    calm = events(seed=seed, wanted=(Regime.RANGE,))
    start = mids(crash, 0)[0][1]
    low_ms, low = min(mids(crash, 20_000), key=lambda each: each[1])
    recovered = mids(crash, 20_000)[-1][1]

    def size(found: list[MarketEvent], until_ms: int) -> float:
        lots = [e.bid_lots for e in found if isinstance(e, Quote) and e.at_ms <= until_ms]
        return sum(lots) / len(lots)

    sold = [event.buyer_is_maker for event in crash if isinstance(event, Trade)]
    assert 0.05 < 1 - low / start < 0.15
    assert low_ms < 8_000
    assert 0.1 < (recovered - low) / (start - low) < 0.9
    assert size(crash, low_ms) * 4 < size(calm, low_ms)
    assert sum(sold[:50]) > 35


def test_crash_and_halt_come_only_when_asked_for() -> None:
    found = events(count=60_000, seed=5)

    assert not any(isinstance(event, Status) for event in found)
    assert {Regime.CRASH, Regime.HALT}.isdisjoint(USUAL)
    assert regimes(()) == USUAL
    assert regimes(("crash", "range")) == (Regime.CRASH, Regime.RANGE)
    with pytest.raises(ValueError, match=r"unknown regime 'boom': choose from range, .*, halt"):
        regimes(("boom",))


def test_halted_market_says_only_that_it_is_halted() -> None:
    first, quote, *silent = events(count=200, wanted=(Regime.HALT,))

    assert (type(first), type(quote)) == (DepthDiff, Quote)
    assert {type(event) for event in silent} == {Status}
    assert {event.status for event in silent if isinstance(event, Status)} == {"HALT"}
    assert [event.at_ms for event in islice(halted("ETHUSDT"), 3)] == [0, 100, 200]


def test_market_goes_on_after_a_halt_where_it_was() -> None:
    found = events(count=20_000, seed=2, wanted=(Regime.HALT, Regime.THIN))
    resumed = [
        index
        for index, event in enumerate(found)
        if isinstance(event, Status) and event.status == "TRADING"
    ]

    assert resumed
    for index in resumed:
        before = next(e for e in reversed(found[:index]) if isinstance(e, Quote))
        after = next(e for e in found[index:] if isinstance(e, Quote))
        assert abs(after.bid_ticks - before.bid_ticks) < before.bid_ticks * 0.002


def test_impossible_configurations_are_refused() -> None:
    instrument = INSTRUMENTS["ETHUSDT"]

    with pytest.raises(ValueError, match="expected at least one regime"):
        next(
            generated(
                GeneratorConfig(instrument=instrument, start_ticks=268_000, regimes=()), Random(1)
            )
        )
    with pytest.raises(ValueError, match="expected a first price"):
        next(generated(GeneratorConfig(instrument=instrument, start_ticks=0), Random(1)))
