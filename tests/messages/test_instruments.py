"""What an instrument keeps of itself changes neither what it is equal to nor its copies."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.messages.codec import CODEC
from grinder.messages.journal import RunDescribed
from grinder.model.instrument import Instrument
from grinder.model.order import PositionSide


@pytest.mark.parametrize(
    ("symbol", "market", "side"),
    [
        ("BTCUSDT", "BTCUSDT", PositionSide.BOTH),
        ("BTCUSDT:LONG", "BTCUSDT", PositionSide.LONG),
        ("BTCUSDT:SHORT", "BTCUSDT", PositionSide.SHORT),
        ("BTC:USDT", "BTC:USDT", PositionSide.BOTH),
    ],
)
def test_a_leg_asked_for_its_market_stays_the_instrument_it_was(
    symbol: str, market: str, side: PositionSide
) -> None:
    asked, unasked = _instrument(symbol), _instrument(symbol)
    assert [(asked.market, asked.position_side) for _ in range(2)] == [(market, side)] * 2
    assert asked == unasked
    assert hash(asked) == hash(unasked)
    assert repr(asked) == repr(unasked)
    assert attrs.asdict(asked) == attrs.asdict(unasked)
    data = CODEC.encode(_described(asked))
    assert data == CODEC.encode(_described(unasked))
    read = CODEC.decode(data)
    assert isinstance(read, RunDescribed)
    assert read.instruments == (unasked,)
    assert read.instruments[0].market == market


def test_a_copy_under_another_name_belongs_to_its_own_market() -> None:
    asked = _instrument("BTCUSDT:LONG")
    assert asked.market == "BTCUSDT"
    copy = attrs.evolve(asked, symbol="ETHUSDT:SHORT")
    assert (copy.market, copy.position_side) == ("ETHUSDT", PositionSide.SHORT)


def _instrument(symbol: str) -> Instrument:
    return Instrument(symbol=symbol, base_asset="X", tick=Decimal("0.1"), lot=Decimal("0.001"))


def _described(instrument: Instrument) -> RunDescribed:
    return RunDescribed(
        code="",
        schema="",
        config="",
        config_hash="",
        instance="",
        epoch=0,
        started_ns=0,
        instruments=(instrument,),
    )
