"""Grinder: an adaptive grid for Binance USDT-M futures, made of supervised actors."""

__version__ = "0.1.0"
