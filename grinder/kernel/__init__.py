"""Actors without trading: mailboxes, supervision and two runtimes on pykka."""
