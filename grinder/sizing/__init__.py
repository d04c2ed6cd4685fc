"""How much: capital to symbols, and a symbol's share to the levels of its ladder."""
