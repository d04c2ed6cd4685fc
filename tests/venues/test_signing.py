from __future__ import annotations

import pytest

from grinder.venues.signing import Credentials, encoded, redacted, sign, signed

SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
PARAMETERS = (
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("quantity", "1"),
    ("price", "9000"),
    ("timeInForce", "GTC"),
    ("recvWindow", "5000"),
    ("timestamp", "1591702613943"),
)


def test_the_documented_query_has_the_documented_signature() -> None:
    assert signed(SECRET, PARAMETERS) == encoded(PARAMETERS) + (
        "&signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
    )


def test_query_and_body_are_signed_without_anything_between_them() -> None:
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
    body = "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943"

    assert sign(SECRET, query + body) == (
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4"
    )


def test_values_are_percent_encoded_before_they_are_signed() -> None:
    assert encoded((("origClientOrderId", "g:1/2.a_b-c"),)) == "origClientOrderId=g%3A1%2F2.a_b-c"


def test_credentials_show_neither_key_nor_secret() -> None:
    credentials = Credentials(key="the-key", secret="the-secret")

    for shown in (repr(credentials), str(credentials), f"{credentials}", f"{(credentials,)}"):
        assert "the-key" not in shown
        assert "the-secret" not in shown


def test_an_empty_secret_redacts_nothing() -> None:
    assert redacted("a b c", "", "b") == "a *** c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"e":"listenKeyExpired","listenKey":"0a1b2c', '{"e":"listenKeyExpired","listenKey":"***'),
        ("POST /order?a=1&signature=0aFf&b=2", "POST /order?a=1&signature=***&b=2"),
        ("wss://host/private/ws?listenKey=0aFf/x", "wss://host/private/ws?listenKey=***/x"),
        ("{'X-MBX-APIKEY': 'abc'}", "{'X-MBX-APIKEY': '***'}"),
        ("Signature for this request is not valid.",) * 2,
    ],
)
def test_what_a_name_gives_away_is_hidden_even_if_it_was_cut(text: str, shown: str) -> None:
    assert redacted(text) == shown
