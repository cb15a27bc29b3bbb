"""What the routes of accounts take and answer."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from hantar.accounts import model
from hantar.kit.inputs import In


class LoginIn(In):
    email: str = Field(max_length=1000, description="The e-mail address, or the name from APP_BASIC_AUTH.")
    password: str = Field(max_length=1000)


class RegisterIn(In):
    full_name: str = Field(min_length=1, max_length=100)
    email: str = Field(max_length=1000)
    password: str = Field(max_length=1000, description="At least 12 characters.")


class UserOut(BaseModel):
    id: str
    email: str
    full_name: str
    role: model.Role
    is_admin: bool
    time_zone: str
    language: str
    theme: str


class SignedInOut(BaseModel):
    user: UserOut


class WorkspaceOut(BaseModel):
    id: str
    name: str
    time_zone: str
    default_country: str | None


class MyLimitsOut(BaseModel):
    devices: int


class MeOut(BaseModel):
    user: UserOut
    roles: list[str]
    workspace: WorkspaceOut
    permissions: list[str]
    limits: MyLimitsOut


class MeIn(In):
    full_name: str | None = Field(default=None, min_length=1, max_length=100)
    time_zone: str | None = Field(default=None, max_length=64)
    language: Literal["en"] | None = None
    theme: Literal["light", "dark", "system"] | None = None


class PasswordIn(In):
    current_password: str = Field(max_length=1000)
    new_password: str = Field(max_length=1000)


class SignInOut(BaseModel):
    id: str
    device: str = Field(description="What the browser says of itself.")
    address: str | None
    created_at: datetime
    last_used_at: datetime
    current: bool


class CheckOut(BaseModel):
    name: str
    ok: bool
    hint: str | None


class SetupOut(BaseModel):
    first_start: bool
    registration_open: bool
    registration: model.Registration | None = Field(description="Who may register; told to the administrator only.")
    checks: list[CheckOut] = Field(description="How the installation stands; told to the administrator only.")


class SetupIn(In):
    full_name: str = Field(min_length=1, max_length=100)
    email: str | None = Field(default=None, max_length=1000)
    time_zone: str = Field(max_length=64)
    default_country: str | None = Field(default=None, max_length=2)
    registration: model.Registration = model.Registration.INVITE
    accept_terms: bool


class SettingsOut(BaseModel):
    name: str
    time_zone: str
    default_country: str | None


class SettingsIn(In):
    name: str | None = Field(default=None, min_length=1, max_length=100)
    time_zone: str | None = Field(default=None, max_length=64)
    default_country: str | None = Field(default=None, max_length=2)


class ApiKeyIn(In):
    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(max_length=50)
    expires_at: AwareDatetime | None = None


class ApiKeyOut(BaseModel):
    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class NewApiKeyOut(ApiKeyOut):
    key: str = Field(description="The key itself; it is shown this once.")


class MemberOut(BaseModel):
    id: str
    email: str
    full_name: str
    role: model.Role
