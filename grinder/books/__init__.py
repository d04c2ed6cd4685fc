"""What outlives a run, in a database."""
