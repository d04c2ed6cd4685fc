"""What an operator sees: metrics, HTTP, terminal, report."""
