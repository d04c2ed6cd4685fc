"""Measurements of the system itself, each in a process of its own."""

from grinder.bench.command import main

__all__ = ["main"]
