"""The digest is of decisions, field by field as the projection names them."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from grinder.errors import InvariantError
from grinder.kernel.message import Message
from grinder.messages.account import FundingPaid
from grinder.messages.orders import CancelOrder, Placement, PlaceOrders
from grinder.messages.risk import PermitsRevoked, RiskStateChanged
from grinder.model.order import Side
from grinder.model.permit import Permit
from grinder.replay.digest import EACH, PARTS, PROJECTION, Digest


def placement(number: int) -> Placement:
    return Placement(
        symbol="BTCUSDT",
        client_order_id=f"g-{number}",
        side=Side.BUY,
        price_ticks=600_000 - number,
        qty_lots=4,
        level=f"b{number}",
        reason="LEVEL_MISSING",
    )


PERMIT = Permit(serial=1, state="ACTIVE", epoch=1, deadline_ns=2)
BATCH = PlaceOrders(symbol="BTCUSDT", orders=(placement(1), placement(2)), permit=PERMIT, tick_ns=3)
CANCEL = CancelOrder(symbol="BTCUSDT", client_order_id="g-1", reason="MOVED")
CHANGED = RiskStateChanged(
    from_state="READY", to_state="ACTIVE", reason="FEEDS_READY", at_ns=1_700_000_000_000_000_000
)
PAID = FundingPaid(
    symbol="BTCUSDT", transaction_id=7, amount=Decimal("-0.1200"), event_ns=1_700_000_000
)


def digest(*said: tuple[str, Message]) -> str:
    made = Digest()
    for sender, body in said:
        made.add(sender, body)
    return made.text()


def test_the_digest_of_yesterday_is_the_digest_of_today() -> None:
    said = (("router", BATCH), ("router", CANCEL), ("risk", CHANGED), ("exchange", PAID))

    assert digest(*said) == "3:8b357bb927c61bee"


def test_every_field_that_counts_is_there() -> None:
    for cls, names in {**PROJECTION, **PARTS}.items():
        assert set(names) <= {field.name for field in attrs.fields(cls)}, cls
    for message, name in EACH.items():
        assert name in attrs.fields_dict(message)  # type: ignore[arg-type]


def test_fields_that_do_not_count_change_nothing() -> None:
    later = attrs.evolve(BATCH, permit=None, tick_ns=99)
    again = attrs.evolve(PAID, transaction_id=8, event_ns=5, amount=Decimal("-0.12"))

    assert digest(("router", later)) == digest(("router", BATCH))
    assert digest(("exchange", again)) == digest(("exchange", PAID))
    assert digest(("risk", PermitsRevoked(serial=5, reason="x"))) == digest()


def test_a_message_with_one_field_more_has_the_same_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @attrs.frozen(kw_only=True)
    class Wider(CancelOrder):
        urgency: int = 0

    wider = Wider(symbol="BTCUSDT", client_order_id="g-1", reason="MOVED", urgency=9)
    monkeypatch.setitem(PROJECTION, Wider, PROJECTION[CancelOrder])
    Wider.__name__ = "CancelOrder"

    assert digest(("router", wider)) == digest(("router", CANCEL))


def test_how_orders_are_batched_is_no_decision() -> None:
    one, two = (attrs.evolve(BATCH, orders=(each,)) for each in BATCH.orders)

    assert digest(("router", one), ("router", two)) == digest(("router", BATCH))
    assert digest(("router", two), ("router", one)) != digest(("router", BATCH))


def test_who_decides_what_in_which_order_counts() -> None:
    assert (
        len(
            {
                digest(("router", CANCEL), ("risk", CHANGED)),
                digest(("risk", CHANGED), ("router", CANCEL)),
                digest(("exchange", CANCEL), ("risk", CHANGED)),
                digest(("router", attrs.evolve(CANCEL, reason="GONE")), ("risk", CHANGED)),
            }
        )
        == 4
    )


@pytest.mark.parametrize("bad", ["NaN", "Infinity"])
def test_what_is_no_number_is_refused(bad: str) -> None:
    with pytest.raises(InvariantError, match=bad):
        digest(("exchange", attrs.evolve(PAID, amount=Decimal(bad))))
