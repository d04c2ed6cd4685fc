"""Measurements of the system itself, each in a process of its own."""
