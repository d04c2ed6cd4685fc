"""Binance's SDK with an Ed25519 key: signed calls, over REST and over the WebSocket API."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_sdk_derivatives_trading_usds_futures import derivatives_trading_usds_futures as sdk
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from conformance.trader import Loop
from grinder.venues.sim.config import AccountSeed, VenueConfig
from grinder.venues.sim.server import VenueServer

KEY = "ed25519-key"


@pytest.fixture
def client() -> Iterator[Any]:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    secret = "ed25519=" + base64.b64encode(public).decode()
    server = VenueServer(VenueConfig(paused=True, accounts=(AccountSeed(key=KEY, secret=secret),)))
    rest_url, ws_url = server.start()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    yield sdk.DerivativesTradingUsdsFutures(
        ConfigurationRestAPI(KEY, private_key=pem, base_path=rest_url, retries=0),
        ConfigurationWebSocketAPI(KEY, private_key=pem, stream_url=ws_url + "/ws-fapi/v1"),
    )
    server.stop()


def test_rest_takes_an_ed25519_signature(client: Any) -> None:
    placed = client.rest_api.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.01).data()

    assert placed.symbol == "BTCUSDT"


def test_the_web_socket_api_takes_an_ed25519_signature(client: Any) -> None:
    loop, socket = Loop(), client.websocket_api
    loop.run(socket.create_connection())
    try:
        answer = loop.run(socket.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.01)).data()
    finally:
        loop.stop_after(lambda: socket.close_connection(close_session=True))

    assert answer.result.symbol == "BTCUSDT"


def test_a_session_logs_on_once_and_signs_no_more(client: Any) -> None:
    loop, socket = Loop(), client.websocket_api
    loop.run(socket.create_connection())
    logon = {"id": "logon-1", "method": "session.logon", "params": {}}
    try:
        began = loop.run(socket.send_signed_message(logon, socket.signer, session_logon=True))
        placed = loop.run(socket.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.01)).data()
    finally:
        loop.stop_after(lambda: socket.close_connection(close_session=True))

    assert began.data()["result"]["apiKey"] == KEY
    assert placed.result.symbol == "BTCUSDT"
