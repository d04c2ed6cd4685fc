"""What if a setting had been another one: the recorded market again, twice, in the stepped runtime.

Both systems begin at the same message of the journal, with the position that was held then, on the
simulated venue; one has the recorded settings, the other the changed ones. What differs between
the two is due to the settings; what differs from the recorded run is due to the venue's fill model
as well, so the first of the two is the one to compare with.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import attrs

from grinder.actors.world import ACCOUNT, World
from grinder.config.load import from_toml
from grinder.errors import JournalError
from grinder.journal.reading import JournalReader
from grinder.journal.records import Record
from grinder.kernel.message import Message
from grinder.kernel.observer import Observer
from grinder.messages.codec import CODEC
from grinder.messages.ledger import LedgerChanged
from grinder.messages.market import BookTicked, MarkPriced, TradePrinted
from grinder.messages.orders import OrderAccepted, OrderEnded, OrderFilled, OrderRejected
from grinder.model.instrument import Instrument
from grinder.model.legs import market_of
from grinder.model.order import OrderType, PositionSide, Side
from grinder.model.settings import Config
from grinder.model.units import NS_PER_MS, NS_PER_S
from grinder.simulation.market import Mark, MarketEvent, Quote, Trade
from grinder.simulation.orders import NewOrder

MARKET = frozenset(one.__name__ for one in (BookTicked, MarkPriced, TradePrinted))
SETTLE_NS = NS_PER_S
"""Virtual time after the last event, for what is still on its way."""


@attrs.define(kw_only=True)
class Result:
    """What one of the two systems has done."""

    orders: int = 0
    cancels: int = 0
    rejected: int = 0
    fills: int = 0
    realized_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    unrealized_pnl: Decimal = Decimal(0)
    positions: dict[str, int] = attrs.field(factory=dict)
    """Lots by symbol."""

    @property
    def net_pnl(self) -> Decimal:
        """What is left of it all, in quote units."""
        return self.realized_pnl + self.unrealized_pnl + self.funding - self.fees


@attrs.frozen(kw_only=True)
class WhatIf:
    """The two results and what they are of."""

    from_seq: int
    seconds: float
    events: int
    recorded: Result
    changed: Result


class _Tally(Observer):
    hears = (OrderAccepted, OrderEnded, OrderFilled, OrderRejected, LedgerChanged)

    def __init__(self) -> None:
        self.result = Result()
        self._ledgers: dict[str, LedgerChanged] = {}

    def observe(self, sender: str, at_ns: int, body: Message) -> None:
        result = self.result
        if isinstance(body, OrderAccepted):
            result.orders += 1
        elif isinstance(body, OrderRejected):
            result.rejected += 1
        elif isinstance(body, OrderFilled):
            result.fills += 1
        elif isinstance(body, OrderEnded):
            result.cancels += body.status == "CANCELED"
        elif isinstance(body, LedgerChanged):
            self._ledgers[body.symbol] = body

    def finish(self) -> Result:
        """Sum the ledgers of all symbols up."""
        result = self.result
        for symbol, one in self._ledgers.items():
            result.realized_pnl += one.realized_pnl
            result.fees += one.fees
            result.funding += one.funding
            result.unrealized_pnl += one.unrealized_pnl
            result.positions[symbol] = one.position_lots
        return result


@attrs.frozen(kw_only=True)
class _Past:
    """What a journal says of the market from one message on."""

    start_ns: int
    events: tuple[MarketEvent, ...]
    positions: dict[str, int]
    """Lots held at the start, by symbol."""


def what_if(directory: Path, run: int | None, from_seq: int, overrides: tuple[str, ...]) -> WhatIf:
    """Play the market of a recorded run, from message ``from_seq`` on, to both systems.

    Raises:
        JournalError: damage, or there is no market after ``from_seq``.
        ConfigError: an override that is none.
    """
    reader = JournalReader(directory, run)
    described = reader.described(CODEC)
    instruments = {one.symbol: one for one in described.instruments}
    changed = from_toml(described.config, overrides)
    past = _past(reader, from_seq)
    if not past.events:
        raise JournalError(f"{directory}: there is no market after message {from_seq}")
    results = [
        _run(_unrecorded(config), instruments, past)
        for config in (from_toml(described.config), changed)
    ]
    return WhatIf(
        from_seq=from_seq,
        seconds=past.events[-1].at_ms / 1_000,
        events=len(past.events),
        recorded=results[0],
        changed=results[1],
    )


def _unrecorded(config: Config) -> Config:
    return attrs.evolve(
        config,
        journal=attrs.evolve(config.journal, directory=""),
        run=attrs.evolve(config.run, venue="sim"),
    )


def _past(reader: JournalReader, from_seq: int) -> _Past:
    positions: dict[str, int] = {}
    events: list[MarketEvent] = []
    start_ns = 0
    for record in reader.records():
        if record[0] == "t":
            if record[1] <= from_seq:
                _note_positions(record, positions)
            continue
        if record[0] != "o" or record[1] < from_seq or record[6][0] not in MARKET:
            continue
        body = CODEC.from_row(record[6])
        start_ns = start_ns or record[4]
        events.append(_event(body, (record[4] - start_ns) // NS_PER_MS))
    # Two streams may be written out of order by a hair; a source's times never decrease.
    events.sort(key=lambda one: one.at_ms)
    return _Past(start_ns=start_ns, events=tuple(events), positions=positions)


def _note_positions(record: Record, positions: dict[str, int]) -> None:
    for _, _, row in record[6]:
        if row is not None and row[0] == LedgerChanged.__name__:
            ledger = CODEC.from_row(row)
            assert isinstance(ledger, LedgerChanged)
            positions[ledger.symbol] = ledger.position_lots


def _event(body: Message, at_ms: int) -> MarketEvent:
    if isinstance(body, BookTicked):
        return Quote(
            at_ms=at_ms,
            symbol=body.symbol,
            bid_ticks=body.bid_ticks,
            bid_lots=body.bid_lots,
            ask_ticks=body.ask_ticks,
            ask_lots=body.ask_lots,
        )
    if isinstance(body, TradePrinted):
        return Trade(
            at_ms=at_ms,
            symbol=body.symbol,
            price_ticks=body.price_ticks,
            lots=body.qty_lots,
            buyer_is_maker=body.buyer_is_maker,
        )
    assert isinstance(body, MarkPriced)
    return Mark(
        at_ms=at_ms,
        symbol=body.symbol,
        mark_price=body.mark_price,
        index_price=body.index_price,
        funding_rate=body.funding_rate,
        next_funding_ms=body.next_funding_ns // NS_PER_MS,
    )


def _run(config: Config, instruments: dict[str, Instrument], past: _Past) -> Result:
    world = World(config, instruments, iter(past.events), start_ns=past.start_ns)
    tally = _Tally()
    world.runtime.observe(tally)
    _open_positions(world, past)
    world.start()
    world.run_for(past.events[-1].at_ms * NS_PER_MS + SETTLE_NS)
    world.runtime.stop()
    return tally.finish()


def _open_positions(world: World, past: _Past) -> None:
    """Let the account hold what was held, bought at the first quote before the run begins."""
    now_ms = past.start_ns // NS_PER_MS
    is_hedged = world.exchange.is_hedged(ACCOUNT)
    for name, lots in past.positions.items():
        market = market_of(name)
        quote = next(
            (one for one in past.events if isinstance(one, Quote) and one.symbol == market), None
        )
        if not lots or quote is None:
            continue
        depth = 2 * abs(lots)
        world.exchange.quote(market, quote.bid_ticks, depth, quote.ask_ticks, depth, now_ms)
        leg = PositionSide.LONG if lots > 0 else PositionSide.SHORT
        world.exchange.place(
            ACCOUNT,
            NewOrder(
                symbol=market,
                side=Side.BUY if lots > 0 else Side.SELL,
                type=OrderType.MARKET,
                qty=world.venue.markets[market].qty(abs(lots)),
                # What was held in one mode is held in the other one, too, as far as it can be.
                position_side=leg if is_hedged else PositionSide.BOTH,
            ),
            now_ms,
        )
