"""What one can do with accounts: sign in and out, register, change a password, make keys, finish the first start.

It opens its own transactions through the door, because who calls is not known yet or the tables belong to no workspace.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

import phonenumbers

from hantar.accounts import identity, model, passwords, store, tokens
from hantar.kit import errors, quota
from hantar.kit.clock import Clock
from hantar.kit.db import Database, Tx
from hantar.kit.ids import new_id
from hantar.settings import Settings

LOGIN_PER_ACCOUNT = quota.per_minutes(10, 5, "login account")
"""Wrong passwords for one account before a pause: 10 in 5 minutes is far more than a person needs (F-27)."""
LOGIN_PER_ADDRESS = quota.per_minutes(50, 5, "login address")
"""Wrong passwords from one address: an office shares one, a guessing program is slowed to 600 an hour."""
REGISTER_PER_ADDRESS = quota.per_minutes(60, 60, "register address")
"""New accounts from one address: enough for a class, too slow to fill a disk."""

SIGNED_OUT = "account.signed_out"
"""The fact that sign-ins or keys ended; `ids` names them. The socket closes what they had opened."""

ADMIN_EMAIL = "admin"
"""What the first administrator types into the e-mail field until they give an address."""
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
_ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Someone who has just signed in, and the token for their cookie."""

    user: model.User
    token: str


@dataclass(frozen=True, slots=True)
class From:
    """Where a sign-in comes from."""

    address: str | None
    agent: str | None


def check_email(email: str, field: str = "email") -> str:
    """The address without surrounding spaces; refuses what cannot be one."""
    email = email.strip()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise errors.invalid_field(field, "invalid_email", "Give an e-mail address such as name@example.com.")
    return email


def known_time_zones() -> frozenset[str]:
    """The names of all time zones we know."""
    return _ZONES


def check_time_zone(name: str, field: str = "time_zone") -> str:
    """The zone's name; refuses unknown ones."""
    if name not in _ZONES:
        message = "Give the name of a time zone such as Asia/Kuala_Lumpur."
        raise errors.invalid_field(field, "unknown_time_zone", message)
    return name


def check_country(code: str | None, field: str = "default_country") -> str | None:
    """The country's two letters in capitals (None: no default)."""
    if not code:
        return None
    if code.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise errors.invalid_field(field, "unknown_country", "Give a country by its two letters, such as MY.")
    return code.upper()


def check_name(name: str, field: str) -> str:
    """A name that is not blank."""
    if not name.strip():
        raise errors.invalid_field(field, "required", "This is required.")
    return name.strip()


class Accounts:
    """Sign-ins, people and keys."""

    def __init__(self, db: Database, clock: Clock, settings: Settings, hashing: passwords.Passwords | None = None) -> None:
        self._db, self._settings = db, settings
        self._quota = quota.Quota(clock)
        self._passwords = hashing or passwords.Passwords()

    # ------------------------------------------------------------ signing in
    async def sign_in(self, email: str, password: str, place: From) -> SignedIn:
        """Sign someone in; raises `InvalidCredentials` (the same for an unknown address) or `TooMany`."""
        email = email.strip()[:254]
        account, address = email.lower(), place.address or ""
        self._quota.take(LOGIN_PER_ADDRESS, address)
        self._quota.take(LOGIN_PER_ACCOUNT, account)
        async with self._db.door() as tx:
            found = await store.by_email(tx, email)
        if not await self._passwords.matches(found[2] if found else None, password[:1000]) or found is None:
            raise model.InvalidCredentials
        self._quota.forget(LOGIN_PER_ACCOUNT, account)
        self._quota.give_back(LOGIN_PER_ADDRESS, address)
        user, workspace, stored = found
        better = await self._passwords.hash(password) if self._passwords.is_outdated(stored) else None
        async with self._db.door() as tx:
            if better:
                await store.set_password(tx, user.id, better, await tx.now())
            return SignedIn(user, await _new_sign_in(tx, workspace, user.id, place))

    async def register(self, full_name: str, email: str, password: str, place: From) -> SignedIn:
        """Make an account with a workspace of its own, never an administrator's; signed in at once."""
        self._quota.take(REGISTER_PER_ADDRESS, place.address or "")
        if await self.registration() is not model.Registration.OPEN:
            raise model.RegistrationClosed
        full_name, email = check_name(full_name, "full_name"), check_email(email)
        passwords.check_strength(password, email, full_name)
        hashed = await self._passwords.hash(password)
        async with self._db.door() as tx:
            user, workspace = await self._add(tx, email, full_name, hashed, is_admin=False)
            return SignedIn(user, await _new_sign_in(tx, workspace, user.id, place))

    async def _add(
        self, tx: Tx, email: str, full_name: str, hashed: str, *, is_admin: bool
    ) -> tuple[model.User, model.WorkspaceId]:
        """A person and the workspace they own."""
        user_id, workspace = model.UserId(new_id()), model.WorkspaceId(new_id())
        now, zone = await tx.now(), self._settings.time_zone
        if not await store.add_user(tx, user_id, email, full_name, hashed, is_admin, zone, now):
            raise model.EmailTaken
        await store.add_workspace(tx, workspace, full_name, zone, user_id, now)
        user = await store.user(tx, workspace, user_id)
        assert user is not None  # noqa: S101 added two lines above
        return user, workspace

    async def sign_out(self, caller: model.Caller) -> None:
        """End the caller's sign-in; its cookie is dead at once."""
        await self.end_sign_in(caller, caller.sign_in_id or "")

    async def end_sign_in(self, caller: model.Caller, sign_in_id: str) -> None:
        """End one of the caller's own sign-ins; raises `NoSuchSignIn`."""
        async with self._db.door() as tx:
            ended = await store.end_sign_ins(tx, caller.user_id, only=sign_in_id)
            if not ended:
                raise model.NoSuchSignIn
            tx.tell(SIGNED_OUT, None, ids=ended)

    async def change_password(self, caller: model.Caller, current: str, new: str) -> None:
        """Set a new password; the caller's other sign-ins end."""
        self._quota.take(LOGIN_PER_ACCOUNT, caller.user_id)
        async with self._db.door() as tx:
            stored = await store.password_hash(tx, caller.user_id)
            user = await store.user(tx, caller.workspace_id, caller.user_id)
        if user is None or not await self._passwords.matches(stored, current[:1000]):
            raise errors.invalid_field("current_password", "invalid_credentials", "This is not your present password.")
        self._quota.forget(LOGIN_PER_ACCOUNT, caller.user_id)
        passwords.check_strength(new, user.email, user.full_name, field="new_password")
        hashed = await self._passwords.hash(new)
        async with self._db.door() as tx:
            await store.set_password(tx, caller.user_id, hashed, await tx.now())
            tx.tell(SIGNED_OUT, None, ids=await store.end_sign_ins(tx, caller.user_id, but=caller.sign_in_id))

    # ------------------------------------------------------------ the installation
    async def registration(self) -> model.Registration:
        """Who may make an account: as set up, else by the setting."""
        async with self._db.door() as tx:
            return self.registration_of(await store.installation(tx))

    def registration_of(self, installation: model.Installation) -> model.Registration:
        """Who may make an account, once the installation is read."""
        return installation.registration or model.Registration(self._settings.registration)

    async def ensure_admin(self) -> str | None:
        """Make the first administrator if there is none; returns the password to print once, if we made one up."""
        async with self._db.door() as tx:
            if (await store.installation(tx)).has_admin:
                return None
        given = self._settings.basic_auth
        password = given.password if given else tokens.readable_password()
        hashed = await self._passwords.hash(password)
        async with self._db.door() as tx:
            await store.alone(tx)
            if (await store.installation(tx)).has_admin:
                return None
            name = given.name if given else ADMIN_EMAIL
            await self._add(tx, name, "Administrator", hashed, is_admin=True)
        return None if given else password


async def _new_sign_in(tx: Tx, workspace: model.WorkspaceId, user_id: model.UserId, place: From) -> str:
    token, now = tokens.new_token(), await tx.now()
    agent = (place.agent or "")[:300] or None
    await store.add_sign_in(
        tx, workspace, user_id, new_id(), tokens.digest(token), place.address, agent, now, now + identity.LIFETIME
    )
    return token


async def ensure_admin(db: Database, settings: Settings) -> str | None:
    """Make the first administrator if there is none; returns the password to print once, if we made one up."""
    return await Accounts(db, db.clock, settings).ensure_admin()


# ---------------------------------------------------------------- people and their workspace
async def me(tx: Tx, caller: model.Caller) -> tuple[model.User, model.Workspace]:
    """The caller and the workspace they are in."""
    user = await store.user(tx, caller.workspace_id, caller.user_id)
    workspace = await store.workspace(tx, caller.workspace_id)
    if user is None or workspace is None:
        raise model.Unauthenticated
    return user, workspace


async def change_me(tx: Tx, caller: model.Caller, changes: dict[str, str]) -> None:
    """Change the caller's own name, zone, language or theme."""
    if "time_zone" in changes:
        check_time_zone(changes["time_zone"])
    if "full_name" in changes:
        changes["full_name"] = check_name(changes["full_name"], "full_name")
    await store.update_user(tx, caller.user_id, changes)


async def finish_setup(
    tx: Tx, caller: model.Caller, registration: model.Registration, default_country: str | None, **changes: str
) -> None:
    """Finish the first start: the administrator's own details, the workspace's zone, who may register, the terms."""
    if "email" in changes:
        changes["email"] = check_email(changes["email"])
        if await store.is_taken(tx, changes["email"], caller.user_id):
            raise model.EmailTaken
    await change_me(tx, caller, changes)
    await change_workspace(tx, caller.workspace_id, changes.get("full_name"), changes.get("time_zone"), default_country)
    await store.finish_setup(tx, registration, await tx.now())


async def change_workspace(
    tx: Tx, workspace_id: model.WorkspaceId, name: str | None, time_zone: str | None, default_country: str | None
) -> model.Workspace:
    """Change a workspace's settings; a name or zone of None keeps what is there."""
    workspace = await store.workspace(tx, workspace_id)
    if workspace is None:
        raise model.Unauthenticated
    name = check_name(name, "name") if name is not None else workspace.name
    time_zone = check_time_zone(time_zone) if time_zone is not None else workspace.time_zone
    country = check_country(default_country)
    await store.update_workspace(tx, workspace_id, name, time_zone, country)
    return model.Workspace(workspace_id, name, time_zone, country, workspace.device_limit)


async def workspace(tx: Tx, workspace_id: model.WorkspaceId) -> model.Workspace:
    """A workspace's settings and limits; works in the workspace's own transaction. Raises `NotFound`."""
    found = await store.workspace(tx, workspace_id)
    if found is None:
        raise errors.NotFound
    return found


# ---------------------------------------------------------------- API keys
async def make_key(
    tx: Tx, caller: model.Caller, name: str, scopes: Collection[str], expires_at: datetime | None
) -> tuple[model.ApiKey, str]:
    """Make a key; the second value is the key itself, which nobody can read again."""
    now = await tx.now()
    if expires_at is not None and expires_at <= now:
        raise errors.invalid_field("expires_at", "in_the_past", "This is in the past.")
    strange = sorted(set(scopes) - set(caller.grants))
    if strange or not scopes:
        message = f"There is no scope {strange[0][:40]}." if strange else "Choose at least one scope."
        raise errors.invalid_field("scopes", "unknown_scope" if strange else "required", message)
    key = tokens.new_key()
    kept = [scope for scope in caller.grants if scope in scopes]
    made = await store.add_key(
        tx,
        caller.workspace_id,
        new_id(),
        check_name(name, "name"),
        key[: len(tokens.KEY_MARK) + 6],
        tokens.digest(key),
        kept,
        caller.user_id,
        now,
        expires_at,
    )
    return made, key


async def is_admin(tx: Tx, user_id: model.UserId) -> bool:
    """Whether this person is an administrator today."""
    return await store.is_admin(tx, user_id)


async def revoke_key(tx: Tx, caller: model.Caller, key_id: str) -> None:
    """End a key at once; raises `NoSuchKey`."""
    if not await store.revoke_key(tx, caller.workspace_id, key_id, await tx.now()):
        raise model.NoSuchKey
    tx.tell(SIGNED_OUT, None, ids=[key_id])
