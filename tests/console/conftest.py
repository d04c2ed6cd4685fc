"""Fixtures of these tests."""

from console.scraped import scraped

__all__ = ["scraped"]
