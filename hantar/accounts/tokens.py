"""Random words that open doors, and what we keep of them: a hash, never the word."""

import hashlib
import secrets

KEY_MARK = "hk_"
"""How every API key begins, so that people and scanners of leaked secrets recognise it."""


def new_token() -> str:
    """32 random bytes as text."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """A new API key."""
    return KEY_MARK + new_token()


def digest(token: str) -> bytes:
    """What is stored of a token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def readable_password() -> str:
    """A password to type once: 24 letters and digits that nobody confuses, about 118 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(6)) for _ in range(4))
