"""How orders live."""
