"""Fault worlds: the whole system, its venue and its market in virtual time, and what goes wrong."""
