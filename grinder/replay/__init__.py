"""Replay: the same actors, handed what the journal says they were handed, must say the same."""
