"""What the market looks like: streaming arithmetic."""
