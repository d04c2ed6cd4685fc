"""A venue and a market as state machines."""
