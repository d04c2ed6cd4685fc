"""Latches that outlive the process: kill switch, operator's hold, grids that are over."""
