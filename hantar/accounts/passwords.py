"""Passwords: argon2id in a thread, so that the event loop goes on; and what we call too weak."""

import asyncio

import argon2

from hantar.accounts import model

SHORTEST, LONGEST = 12, 256
AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB, so a flood of sign-ins must not take all memory."""

_COMMON = ("password", "123456", "qwerty", "letmein", "iloveyou", "whatsapp", "hantar", "welcome", "admin", "changeme")


def check_strength(password: str, *about: str, field: str = "password") -> None:
    """Refuse a password that a stranger would try; `about` are words such as the person's e-mail address."""
    if len(password) < SHORTEST:
        raise model.WeakPassword(f"Use at least {SHORTEST} characters.", field)
    if len(password) > LONGEST:
        raise model.WeakPassword(f"Use at most {LONGEST} characters.", field)
    lower = password.lower()
    rest = lower
    for word in (*_COMMON, *(word for each in about for word in each.lower().split("@") if len(word) > 2)):
        rest = rest.replace(word, "")
    if len(set(lower)) < 5 or len(rest) < 6:
        raise model.WeakPassword("This password is easy to guess. Take a few words that do not belong together.", field)


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is right. Without a stored hash it takes as long, and is never right (F-27)."""
        if self._dummy is None:
            self._dummy = await self.hash("nobody has this password")
        async with self._turns:
            return await asyncio.to_thread(self.verify, stored or self._dummy, password) and stored is not None

    def verify(self, stored: str, password: str) -> bool:
        """Whether the password fits the hash; takes its time, so it runs in a thread."""
        try:
            return self._hasher.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)
