from __future__ import annotations

from itertools import product

import pytest

from grinder.errors import InvariantError
from grinder.execution.lifecycle import TRANSITIONS, OrderEvent, OrderState, next_state

PAIRS = tuple(product(OrderState, OrderEvent))
TERMINAL = tuple(state for state in OrderState if not state.is_live)
LIVE = tuple(state for state in OrderState if state.is_live)


def test_every_pair_is_decided() -> None:
    assert set(TRANSITIONS) == set(PAIRS)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_moves_or_stays_or_is_our_bug(state: OrderState, event: OrderEvent) -> None:
    may_cancel = state in (OrderState.OPEN, OrderState.PARTIALLY_FILLED)
    if event is OrderEvent.CANCEL_SENT and not may_cancel:
        with pytest.raises(InvariantError):
            next_state(state, event, has_fills=False)
        return

    step = next_state(state, event, has_fills=False)

    assert step.state in OrderState
    assert not (step.is_contradiction and step.state is not state)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_hearing_it_again_changes_nothing(state: OrderState, event: OrderEvent) -> None:
    if TRANSITIONS[state, event] == "!" or event is OrderEvent.CANCEL_SENT:
        return
    has_fills = event in (OrderEvent.TRADE, OrderEvent.FILL)
    once = next_state(state, event, has_fills=has_fills).state

    assert next_state(once, event, has_fills=has_fills).state is once


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize(
    ("event", "end"),
    [
        (OrderEvent.FILL, OrderState.FILLED),
        (OrderEvent.FOUND_FILLED, OrderState.FILLED),
        (OrderEvent.CANCELED, OrderState.CANCELED),
        (OrderEvent.FOUND_CANCELED, OrderState.CANCELED),
        (OrderEvent.CANCEL_DONE, OrderState.CANCELED),
        (OrderEvent.EXPIRED, OrderState.EXPIRED),
        (OrderEvent.FOUND_EXPIRED, OrderState.EXPIRED),
    ],
)
def test_an_end_ends_every_live_order(
    state: OrderState, event: OrderEvent, end: OrderState
) -> None:
    assert next_state(state, event, has_fills=False).state is end


@pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED])
def test_a_late_fill_outweighs_another_end(state: OrderState) -> None:
    assert next_state(state, OrderEvent.FILL, has_fills=True).state is OrderState.FILLED


@pytest.mark.parametrize("event", [e for e in OrderEvent if e is not OrderEvent.CANCEL_SENT])
def test_nothing_moves_a_filled_order(event: OrderEvent) -> None:
    step = next_state(OrderState.FILLED, event, has_fills=True)

    assert step == (OrderState.FILLED, False)


@pytest.mark.parametrize("state", [OrderState.CANCELED, OrderState.EXPIRED])
@pytest.mark.parametrize("event", [OrderEvent.NEW, OrderEvent.TRADE, OrderEvent.FOUND_OPEN])
def test_late_news_does_not_revive(state: OrderState, event: OrderEvent) -> None:
    assert next_state(state, event, has_fills=True).state is state


def test_a_fill_before_the_answer_is_legal() -> None:
    first = next_state(OrderState.PENDING_NEW, OrderEvent.TRADE, has_fills=True).state

    assert first is OrderState.PARTIALLY_FILLED
    assert next_state(first, OrderEvent.PLACE_DONE, has_fills=True).state is first


def test_an_order_taken_for_rejected_may_turn_out_to_rest() -> None:
    assert next_state(OrderState.REJECTED, OrderEvent.NEW, has_fills=False).state is OrderState.OPEN


def test_an_unknown_placement_not_found_is_rejected() -> None:
    step = next_state(OrderState.UNKNOWN, OrderEvent.NOT_FOUND, has_fills=False)

    assert step.state is OrderState.REJECTED


def test_a_refused_cancel_leaves_the_order_resting() -> None:
    step = next_state(OrderState.PENDING_CANCEL, OrderEvent.CANCEL_REFUSED, has_fills=True)

    assert step.state is OrderState.PARTIALLY_FILLED


def test_a_cancel_of_nothing_has_the_order_looked_up() -> None:
    step = next_state(OrderState.PENDING_CANCEL, OrderEvent.CANCEL_GONE, has_fills=False)

    assert step.state is OrderState.CANCEL_UNKNOWN


def test_a_refusal_of_an_order_seen_resting_is_a_contradiction() -> None:
    step = next_state(OrderState.OPEN, OrderEvent.PLACE_REFUSED, has_fills=False)

    assert step == (OrderState.OPEN, True)
