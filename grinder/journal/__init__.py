"""The journal: everything that was said and heard, on disk, in an order that can be replayed."""
