"""The schema of the books, version by version."""
