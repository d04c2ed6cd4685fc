"""Whether something may happen: facts in, verdicts out."""
