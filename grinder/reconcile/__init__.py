"""Do we and the venue agree."""
