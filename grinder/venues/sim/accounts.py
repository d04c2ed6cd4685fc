"""API keys, listen keys and what an account has set up; money and orders are the exchange's."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import attrs

from grinder.venues.sim.auth import Credential, made_credential
from grinder.venues.sim.config import AccountSeed
from grinder.venues.sim.refusing import ApiRefusal

CROSSED = "CROSSED"
ISOLATED = "ISOLATED"
KEYS_MAX = 1000


@attrs.define
class ListenKey:
    """The one listen key of an account."""

    text: str
    expires_ms: int


def credentials(seeds: Iterable[AccountSeed]) -> dict[str, Credential]:
    """Return the credentials of accounts, by API key.

    Raises:
        ConfigError: a public key can not be read.
    """
    return {seed.key: made_credential(seed.key, seed.secret, seed.key) for seed in seeds}


class Accounts:
    """Who may ask, and each account's listen key and margin types."""

    def __init__(self, keys: dict[str, Credential], listen_key_ms: int) -> None:
        self.keys = keys
        """By API key; the venues of several markets share them."""
        self._listen_key_ms = listen_key_ms
        self._listen_keys: dict[str, ListenKey] = {}

    def add_key(self, key: str, secret: str, account: str) -> None:
        """Let another API key open ``account``; replaces a key of the same name.

        Raises:
            ValueError: there is no such account, or there are too many keys.
            ConfigError: the secret names a public key that can not be read.
        """
        if account not in {each.account for each in self.keys.values()}:
            raise ValueError(f"no account {account}")
        if len(self.keys) >= KEYS_MAX:
            raise ValueError(f"expected at most {KEYS_MAX} keys")
        self.keys[key] = made_credential(key, secret, account)

    def listen(self, account: str, now_ms: int) -> str:
        """Return the living listen key of ``account``, extended, or a new one."""
        held = self._living(account, now_ms)
        if held is None:
            held = self._listen_keys[account] = ListenKey(secrets.token_hex(32), 0)
        held.expires_ms = now_ms + self._listen_key_ms
        return held.text

    def keep_listening(self, account: str, now_ms: int) -> str:
        """Extend the listen key and return it.

        Raises:
            ApiRefusal: there is none (-1125).
        """
        if self._living(account, now_ms) is None:
            raise ApiRefusal(
                -1125,
                "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to "
                "recreate `listenKey`",
            )
        return self.listen(account, now_ms)

    def stop_listening(self, account: str) -> str | None:
        """Close the listen key; return what it was."""
        held = self._listen_keys.pop(account, None)
        return held.text if held else None

    def expired(self, now_ms: int) -> list[str]:
        """Close the listen keys whose hour is over and return them."""
        gone = {
            account: held
            for account, held in self._listen_keys.items()
            if held.expires_ms <= now_ms
        }
        for account in gone:
            del self._listen_keys[account]
        return [held.text for held in gone.values()]

    def listen_key_of(self, account: str) -> str | None:
        """Return the listen key of ``account``, if it has one."""
        held = self._listen_keys.get(account)
        return held.text if held else None

    def _living(self, account: str, now_ms: int) -> ListenKey | None:
        held = self._listen_keys.get(account)
        return held if held is not None and held.expires_ms > now_ms else None
