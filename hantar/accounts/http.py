"""Routes of accounts: signing in and out, one's own account, keys, members and the workspace's settings."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from hantar.accounts import access, http_models as models, identity, model, service, store
from hantar.accounts.model import Role

router = APIRouter(tags=["Account"])
keys = APIRouter(tags=["API keys"])
workspace = APIRouter(tags=["Workspace"])

Agent = Annotated[str | None, Header(alias="user-agent", include_in_schema=False)]


def _person(at: access.At) -> model.Caller:
    if at.caller.sign_in_id is None:
        raise model.PeopleOnly
    return at.caller


def _user(user: model.User) -> models.UserOut:
    return models.UserOut.model_validate(user, from_attributes=True)


def _place(request: Request, agent: str | None) -> service.From:
    return service.From(request.client.host if request.client else None, agent)


# ---------------------------------------------------------------- signing in and out
@router.post("/login", summary="Sign in")
async def login(
    body: models.LoginIn,
    request: Request,
    response: Response,
    agent: Agent = None,
    accounts: service.Accounts = access.part(service.Accounts),
) -> models.SignedInOut:
    """Sets the sign-in cookie. The answer to a wrong password and to an unknown address is the same."""
    signed_in = await accounts.sign_in(body.email, body.password, _place(request, agent))
    response.headers["Set-Cookie"] = identity.cookie(request, signed_in.token)
    return models.SignedInOut(user=_user(signed_in.user))


@router.post("/register", summary="Make an account", status_code=201)
async def register(
    body: models.RegisterIn,
    request: Request,
    response: Response,
    agent: Agent = None,
    accounts: service.Accounts = access.part(service.Accounts),
) -> models.SignedInOut:
    """Makes an account with an empty workspace of its own, and signs in."""
    made = await accounts.register(body.full_name, body.email, body.password, _place(request, agent))
    response.headers["Set-Cookie"] = identity.cookie(request, made.token)
    return models.SignedInOut(user=_user(made.user))


@router.post("/logout", summary="Sign out", status_code=204)
async def logout(
    request: Request,
    response: Response,
    at: access.At = access.need(Role.VIEWER, None),
    accounts: service.Accounts = access.part(service.Accounts),
) -> None:
    """Ends this sign-in; its cookie is dead at once."""
    await accounts.sign_out(_person(at))
    request.scope.pop("hantar.cookie", None)
    response.headers["Set-Cookie"] = identity.cookie(request, None)


# ---------------------------------------------------------------- one's own account
@router.get("/me", summary="Who am I")
async def get_me(at: access.At = access.need(Role.VIEWER, None)) -> models.MeOut:
    """The caller, the workspace, and what may be done in it."""
    async with at.db.door() as tx:
        return _me(at.caller, *await service.me(tx, at.caller))


def _me(caller: model.Caller, user: model.User, workspace: model.Workspace) -> models.MeOut:
    return models.MeOut(
        user=_user(user),
        roles=[user.role, *(["admin"] if caller.is_admin else [])],
        workspace=models.WorkspaceOut.model_validate(workspace, from_attributes=True),
        permissions=caller.permissions,
        limits=models.MyLimitsOut(devices=workspace.device_limit),
    )


@router.put("/me", summary="Change my account")
async def put_me(body: models.MeIn, at: access.At = access.need(Role.VIEWER, None)) -> models.MeOut:
    """Fields left out keep their value."""
    caller = _person(at)
    async with at.db.door() as tx:
        await service.change_me(tx, caller, body.model_dump(exclude_none=True))
        return _me(caller, *await service.me(tx, caller))


@router.post("/me/password", summary="Change my password", status_code=204)
async def change_password(
    body: models.PasswordIn,
    at: access.At = access.need(Role.VIEWER, None),
    accounts: service.Accounts = access.part(service.Accounts),
) -> None:
    """All other sign-ins of this account end."""
    await accounts.change_password(_person(at), body.current_password, body.new_password)


@router.get("/me/sign-ins", summary="Where I am signed in")
async def get_sign_ins(at: access.At = access.need(Role.VIEWER, None)) -> list[models.SignInOut]:
    """Every browser that is signed in as the caller, last used first."""
    caller = _person(at)
    async with at.db.door() as tx:
        found = await store.sign_ins(tx, caller.user_id, await tx.now())
    return [
        models.SignInOut(
            id=each.id,
            device=each.agent or "unknown",
            address=each.address,
            created_at=each.created_at,
            last_used_at=each.last_used_at,
            current=each.id == caller.sign_in_id,
        )
        for each in found
    ]


@router.delete("/me/sign-ins/{id}", summary="End one of my sign-ins", status_code=204)
async def delete_sign_in(
    id: str,
    at: access.At = access.need(Role.VIEWER, None),
    accounts: service.Accounts = access.part(service.Accounts),
) -> None:
    """Whoever uses it is signed out at once."""
    await accounts.end_sign_in(_person(at), id)


# ---------------------------------------------------------------- API keys
def _key(key: model.ApiKey) -> models.ApiKeyOut:
    return models.ApiKeyOut.model_validate(key, from_attributes=True)


@keys.get("/api-keys", summary="List API keys")
async def get_keys(at: access.At = access.need(Role.OWNER, None)) -> list[models.ApiKeyOut]:
    """The workspace's keys, newest first; never the keys themselves."""
    _person(at)
    async with at.db.door() as tx:
        return [_key(each) for each in await store.keys(tx, at.workspace_id)]


@keys.post("/api-keys", summary="Make an API key", status_code=201)
async def post_key(body: models.ApiKeyIn, request: Request, at: access.At = access.need(Role.OWNER, None)) -> models.NewApiKeyOut:
    """The key is in this answer and nowhere else; only its hash is stored."""
    caller = _person(at)
    request.scope["hantar.secret"] = True  # an answer with a secret is not kept for a replay
    async with at.db.door() as tx:
        made, key = await service.make_key(tx, caller, body.name, body.scopes, body.expires_at)
    return models.NewApiKeyOut(**_key(made).model_dump(), key=key)


@keys.delete("/api-keys/{id}", summary="Revoke an API key", status_code=204)
async def delete_key(id: str, at: access.At = access.need(Role.OWNER, None)) -> None:
    """The next call with this key is refused."""
    caller = _person(at)
    async with at.db.door() as tx:
        await service.revoke_key(tx, caller, id)


# ---------------------------------------------------------------- the workspace
@workspace.get("/members", summary="List members")
async def get_members(at: access.At = access.need(Role.OWNER, None)) -> list[models.MemberOut]:
    """Everyone in the workspace and what they may do."""
    async with at.db.door() as tx:
        found = await store.members(tx, at.workspace_id)
    return [models.MemberOut.model_validate(each, from_attributes=True) for each in found]


@workspace.get("/settings", summary="Read the workspace's settings")
async def get_settings(at: access.At = access.need(Role.OWNER, None)) -> models.SettingsOut:
    """Name, time zone and the country of local phone numbers."""
    async with at.tx() as tx:
        found = await service.workspace(tx, at.workspace_id)
    return models.SettingsOut.model_validate(found, from_attributes=True)


@workspace.put("/settings", summary="Change the workspace's settings")
async def put_settings(body: models.SettingsIn, at: access.At = access.need(Role.OWNER, "settings:write")) -> models.SettingsOut:
    """Fields left out keep their value; a country of null means none."""
    async with at.tx() as tx:
        country = body.default_country
        if "default_country" not in body.model_fields_set:
            country = (await service.workspace(tx, at.workspace_id)).default_country
        changed = await service.change_workspace(tx, at.workspace_id, body.name, body.time_zone, country)
    return models.SettingsOut.model_validate(changed, from_attributes=True)
