"""What a password costs to guess: tests hash cheaply, the product must not."""

import argon2
import pytest

from hantar.accounts import passwords
from tests.conftest import DEAR


async def test_the_product_hashes_at_the_cost_of_rfc_9106(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with 64 MiB, three passes and four lanes (RFC 9106, section 4, second choice)."""
    monkeypatch.setattr(argon2, "PasswordHasher", DEAR)
    hashing = passwords.Passwords()
    stored = await hashing.hash("correct horse battery staple")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not hashing.is_outdated(stored)
    assert await hashing.matches(stored, "correct horse battery staple")


async def test_a_cheaper_hash_is_outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = await passwords.Passwords().hash("correct horse battery staple")
    monkeypatch.setattr(argon2, "PasswordHasher", DEAR)
    assert passwords.Passwords().is_outdated(cheap)
