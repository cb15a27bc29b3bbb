"""Who may call: roles, scopes and the caller. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from hantar.kit import errors

UserId = NewType("UserId", str)
WorkspaceId = NewType("WorkspaceId", str)


class Role(StrEnum):
    """A member's role; each includes the weaker ones."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what the other may."""
        return RANKS[self] >= RANKS[other]


RANKS = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.OWNER: 2}

SCOPES = (
    "devices:read",
    "devices:write",
    "devices:control",
    "leads:read",
    "leads:write",
    "messages:send",
    "campaigns:read",
    "campaigns:manage",
    "campaigns:send",
    "analytics:read",
    "consent:read",
    "consent:write",
    "settings:write",
)
"""What an API key may be given (api.md 1.3); scopes of parts not built yet are not offered."""
ADMIN_SCOPES = ("metrics:read",)
"""What only an administrator may give to a key, and it serves only while they are one: figures of the whole installation."""


LEAST_ROLE = {scope: Role.VIEWER if scope.endswith(":read") else Role.OPERATOR for scope in SCOPES}
LEAST_ROLE["settings:write"] = Role.OWNER
"""The weakest role that may do what a scope names."""


class Registration(StrEnum):
    """Who may make an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account, seen in one workspace."""

    id: UserId
    email: str
    full_name: str
    role: Role
    is_admin: bool
    time_zone: str
    language: str
    theme: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace and its settings."""

    id: WorkspaceId
    name: str
    time_zone: str
    default_country: str | None
    device_limit: int


@dataclass(frozen=True, slots=True)
class Installation:
    """What holds for the whole installation."""

    setup_done_at: datetime | None
    terms_accepted_at: datetime | None
    registration: Registration | None
    has_admin: bool


@dataclass(frozen=True, slots=True)
class SignIn:
    """One browser that is signed in."""

    id: str
    agent: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it may be shown: never the key itself."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: a person with a sign-in, or a program with an API key (`scopes` set)."""

    user_id: UserId
    workspace_id: WorkspaceId
    role: Role
    is_admin: bool
    time_zone: str
    scopes: frozenset[str] | None = None
    key_id: str | None = None
    sign_in_id: str | None = None
    name: str = ""
    """How records name the caller: a person by their name, a program by its key and whose key it is."""

    def may(self, role: Role, scope: str | None) -> bool:
        """Whether the role and, for a key, the scope allow it."""
        return self.role.includes(role) and (self.scopes is None or scope is None or scope in self.scopes)

    @property
    def permissions(self) -> list[str]:
        """What the caller may do, in the words of scopes."""
        return [scope for scope in SCOPES if self.may(LEAST_ROLE[scope], scope)]

    @property
    def grants(self) -> tuple[str, ...]:
        """Scopes the caller may give to a key."""
        return SCOPES + (ADMIN_SCOPES if self.is_admin else ())


class Unauthenticated(errors.AppError):
    """Sign in first, or send an API key."""

    code = "unauthenticated"


class ScopeMissing(errors.Forbidden):
    """This API key does not have the scope for that."""

    code = "scope_missing"


class NotAllowed(errors.Forbidden):
    """Your role in this workspace does not allow that. Ask an owner."""

    code = "forbidden"


class PeopleOnly(errors.Forbidden):
    """Only a person who is signed in can do that, not an API key."""

    code = "forbidden"


class InvalidCredentials(Unauthenticated):
    """E-mail and password do not fit together."""

    code = "invalid_credentials"


class RegistrationClosed(errors.Forbidden):
    """Registration is closed here. Ask the administrator for an account."""

    code = "registration_closed"


class WeakPassword(errors.Invalid):
    """This password is too weak."""

    code = "weak_password"

    def __init__(self, message: str, field: str = "password") -> None:
        super().__init__(message, errors=[errors.FieldError(field, self.code, message)])


class EmailTaken(errors.Invalid):
    """There is already an account with this e-mail address."""

    code = "email_taken"

    def __init__(self) -> None:
        message = "There is already an account with this e-mail address. Sign in instead."
        super().__init__(message, errors=[errors.FieldError("email", self.code, message)])


class NoSuchSignIn(errors.NotFound):
    """There is no such sign-in."""


class NoSuchKey(errors.NotFound):
    """There is no such API key."""
