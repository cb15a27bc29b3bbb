"""What drivers keep about devices, sealed before it reaches the database: a pairing's session, a number's token.

Sealed by AES-256-GCM under a key of this purpose alone (HKDF-SHA256, RFC 5869, of the installation's key). Device and driver are
the associated data: a row copied to another device, or read by another driver, does not open. Who has the database without the
key file beside it can read none of this; who loses the key file pairs the devices again.
"""

import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hantar.gateways import keeping
from hantar.kit import db, ids

PURPOSE = b"hantar: what drivers keep about devices, 1"
VERSION = b"\x01"
"""First byte of every sealed value, so that another way of sealing can live beside this one."""
NONCE = 12
"""Bytes of the random nonce (NIST SP 800-38D, 8.2.1: 96 bits; one key may seal 2³² values with random ones)."""
MOST = 64 * 1024 * 1024
"""Bytes of one secret at most. A session's file is a few megabytes; a row of PostgreSQL ends at 1 GB."""


class Seal:
    """Seals and opens under a key derived from the installation's. It shows no key and no content in any text."""

    def __init__(self, key: bytes) -> None:
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE).derive(key)
        self._cipher = AESGCM(derived)

    def close(self, data: bytes, device_id: str, driver: str) -> bytes:
        """The sealed value: version, nonce, content with its tag."""
        nonce = os.urandom(NONCE)
        return VERSION + nonce + self._cipher.encrypt(nonce, data, _bound_to(device_id, driver))

    def open(self, sealed: bytes, device_id: str, driver: str) -> bytes:
        """The content; raises `keeping.Unreadable` when anything about it is not as it was sealed."""
        if sealed[:1] != VERSION:
            raise keeping.Unreadable("what is kept about this device was sealed in a way unknown here")
        nonce, content = sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
        try:
            return self._cipher.decrypt(nonce, content, _bound_to(device_id, driver))
        except (InvalidTag, ValueError):
            raise keeping.Unreadable("what is kept about this device does not open: another key, or it was changed") from None


def _bound_to(device_id: str, driver: str) -> bytes:
    """Lengths first, so that no two pairs read the same."""
    return f"{len(driver)}:{driver}:{device_id}".encode()


class Secrets:
    """One driver's `keeping.Keeps` over the table `device_secrets`, for the devices of all workspaces."""

    def __init__(self, database: db.Database, seal: Seal, driver: str) -> None:
        self._db, self._seal, self._driver = database, seal, driver

    async def load(self, device_id: str) -> bytes | None:
        """What was kept last; None: nothing, or the device is unknown. Raises `keeping.Unreadable`."""
        if not ids.is_id(device_id):
            return None
        async with self._db.system() as tx:
            sql = "SELECT sealed FROM device_secrets WHERE device_id = $1 AND driver = $2"
            sealed: bytes | None = await tx.fetchval(sql, device_id, self._driver)
        return None if sealed is None else self._seal.open(sealed, device_id, self._driver)

    async def save(self, device_id: str, data: bytes) -> None:
        """Keep this instead; committed when it returns. A device that is gone, or another driver's, keeps nothing."""
        if len(data) > MOST:
            raise ValueError(f"{len(data)} bytes are too many to keep about one device")
        if not ids.is_id(device_id):
            return
        sealed = self._seal.close(data, device_id, self._driver)
        sql = (
            "INSERT INTO device_secrets AS s (workspace_id, device_id, driver, sealed, updated_at)"
            " SELECT workspace_id, id, driver, $3, $4 FROM devices WHERE id = $1 AND driver = $2 FOR KEY SHARE"
            " ON CONFLICT (workspace_id, device_id)"
            " DO UPDATE SET driver = excluded.driver, sealed = excluded.sealed, updated_at = excluded.updated_at"
        )
        async with self._db.system() as tx:
            await tx.execute(sql, device_id, self._driver, sealed, await tx.now())

    async def drop(self, device_id: str) -> None:
        """Keep nothing any more; committed when it returns."""
        if not ids.is_id(device_id):
            return
        async with self._db.system() as tx:
            await tx.execute("DELETE FROM device_secrets WHERE device_id = $1 AND driver = $2", device_id, self._driver)


def of(database: db.Database, key: bytes) -> Callable[[str], keeping.Keeps]:
    """Where each driver keeps what it must, by the driver's name; `key`: the installation's."""
    seal = Seal(key)
    return lambda driver: Secrets(database, seal, driver)
