"""Fixtures of these tests."""

from simulated.recorded import record_world

__all__ = ["record_world"]
