"""Who may call: roles, scopes and the caller. No I/O."""

from dataclasses import dataclass
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
    "settings:write",
)
"""What an API key may be given (api.md 1.3); scopes of parts not built yet are not offered."""


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

    def may(self, role: Role, scope: str | None) -> bool:
        """Whether the role and, for a key, the scope allow it."""
        return self.role.includes(role) and (self.scopes is None or scope is None or scope in self.scopes)


class Unauthenticated(errors.AppError):
    """Sign in first, or send an API key."""

    code = "unauthenticated"


class ScopeMissing(errors.Forbidden):
    """This API key does not have the scope for that."""

    code = "scope_missing"


class NotAllowed(errors.Forbidden):
    """Your role in this workspace does not allow that. Ask an owner."""

    code = "forbidden"
