"""One typed tree of settings, read once."""
