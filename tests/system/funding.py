"""Funding of a live run, waited for so that none is due while the run ends."""

from __future__ import annotations

from decimal import Decimal

from system.processes import Run
from system.waiting import until
from system.witness import Witness


def paid(witness: Witness) -> Decimal:
    """Return what the venue has paid, or charged as a negative amount."""
    return Decimal(witness.account()["ledger"]["funding"])


def until_funded(run: Run, witness: Witness) -> None:
    """Wait for the next payment, and until the run has booked it: then the one after it is far."""
    before = paid(witness)
    until(lambda: paid(witness) != before, "a funding payment")
    until(lambda: Decimal(run.state()["pnl"]["funding"]) == paid(witness), "the payment is booked")
