"""The edge of the world: bytes to messages, commands to requests."""
