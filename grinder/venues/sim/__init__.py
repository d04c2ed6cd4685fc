"""The simulated venue: Binance USDT-M futures over HTTP and WebSocket, on this machine."""
