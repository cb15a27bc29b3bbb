"""Settles, before anything is sent, that this server has the key the database's opt-outs were stored under."""

from pathlib import Path

import asyncpg

from hantar.kit import errors, keyed


class WrongKey(errors.Unavailable):
    """This is not the key that the opt-outs in this database were stored under. Put the right key file back."""


async def settle_key(dsn: str, data_dir: Path) -> bytes:
    """The installation's key: the one kept, or a new one for a database that has none yet.

    Raises `WrongKey` when the database knows another key, or the file is gone: sending with a new key would forget every
    opt-out (responsible-sending.md 5).
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction():
            known = await connection.fetchval("SELECT key_check FROM installation FOR UPDATE")
            try:
                key = keyed.load(data_dir)
            except keyed.KeyUnreadable as error:
                raise WrongKey(str(error)) from error
            if known is None:
                key = key or keyed.make(data_dir)
                await connection.execute("UPDATE installation SET key_check = $1", keyed.check(key))
            elif key is None or keyed.check(key) != known:
                what = "is missing" if key is None else "is not the right one"
                raise WrongKey(
                    f"{data_dir / keyed.FILE} {what}: the opt-outs in this database were stored under another key. "
                    "Put the right key file back from your copy; without it nobody's opt-out could be recognised."
                )
    finally:
        await connection.close()
    return key
