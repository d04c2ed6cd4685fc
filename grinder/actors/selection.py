"""SelectionActor: samples of every symbol in, who may have entries out."""

from __future__ import annotations

from grinder.kernel.actor import Actor


class SelectionActor(Actor):
    """Rank symbols on what is known of each of them."""
