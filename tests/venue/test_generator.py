from __future__ import annotations

from itertools import islice
from random import Random

import pytest

from grinder.simulation.generator import GeneratorConfig, Regime, generated
from grinder.simulation.market import DepthDiff, MarketEvent, Quote, Trade
from grinder.venues.sim import catalog

INFO = catalog.exchange_info()
SYMBOLS = tuple(row["symbol"] for row in INFO["symbols"])
INSTRUMENTS = catalog.instruments(INFO, SYMBOLS)


def events(
    symbol: str = "ETHUSDT", seed: int = 1, count: int = 3000, regimes: tuple[Regime, ...] = ()
) -> list[MarketEvent]:
    instrument = INSTRUMENTS[symbol]
    config = GeneratorConfig(
        instrument=instrument,
        start_ticks=catalog.start_ticks(instrument),
        regimes=regimes or tuple(Regime),
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
            event for event in events(count=20_000, regimes=(regime,)) if isinstance(event, Quote)
        ]
        return quotes[-1].bid_ticks / quotes[0].bid_ticks - 1

    assert travelled(Regime.TREND_UP) > 0.005
    assert travelled(Regime.TREND_DOWN) < -0.005
    assert abs(travelled(Regime.RANGE)) < 0.002


def test_thin_market_has_less_size_and_fewer_trades() -> None:
    thin, normal = events(regimes=(Regime.THIN,)), events(regimes=(Regime.RANGE,))

    def trades(found: list[MarketEvent]) -> int:
        return sum(isinstance(event, Trade) for event in found)

    def size(found: list[MarketEvent]) -> int:
        return sum(event.bid_lots for event in found if isinstance(event, Quote))

    assert trades(thin) * 2 < trades(normal)
    assert size(thin) * 2 < size(normal)


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
