"""Where the grid goes."""
