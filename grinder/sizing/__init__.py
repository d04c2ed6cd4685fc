"""How much: a budget to symbols, and a symbol's share to the levels of its ladder."""
