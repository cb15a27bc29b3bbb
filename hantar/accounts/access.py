"""The permission beside a route's path: `at: access.At = access.need(Role.OPERATOR, "devices:write")`.

A handler gets an `At`: who calls, and the door to a transaction in that caller's workspace.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from hantar.accounts import model
from hantar.kit.clock import Clock
from hantar.kit.db import Database, Tx

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class At:
    """Where a request stands: its caller, and the database and clock it may use."""

    caller: model.Caller
    db: Database
    clock: Clock
    parts: Mapping[type, object] = field(default_factory=dict)

    @property
    def workspace_id(self) -> model.WorkspaceId:
        """The caller's workspace."""
        return self.caller.workspace_id

    def tx(self) -> contextlib.AbstractAsyncContextManager[Tx]:
        """A transaction in the caller's workspace; commits when the block ends."""
        return self.db.transaction(self.caller.workspace_id)

    def part(self, kind: type[T]) -> T | None:
        """A long-lived part which app.py built, when there is one."""
        return cast(T | None, self.parts.get(kind))


Identify = Callable[[HTTPConnection], Awaitable[model.Caller]]


def need(role: model.Role, scope: str | None, *, admin: bool = False) -> Any:
    """A dependency that lets in only callers with this role (and scope, for keys); others get 401 or 403."""

    async def check(request: Request) -> At:
        identify = cast(Identify, request.app.state.identify)
        caller = await identify(request)
        if admin and not caller.is_admin:
            raise model.NotAllowed
        if not caller.role.includes(role):
            raise model.NotAllowed
        if not caller.may(role, scope) or (admin and caller.scopes is not None and "admin" not in caller.scopes):
            raise model.ScopeMissing(scope=scope or "admin")
        return At(caller, request.app.state.db, request.app.state.clock, request.app.state.parts)

    check.needed = (role, scope, admin)  # type: ignore[attr-defined] # read by the test that every route names its permission
    return Depends(check)


def part(kind: type[T]) -> Any:
    """A dependency that hands over a long-lived part which app.py built (`service: Devices = access.part(Devices)`)."""

    async def find(request: Request) -> T:
        return cast(T, request.app.state.parts[kind])

    return Depends(find)
