"""The OpenAPI file: the routes as they are, with every problem a route may answer and how to sign in."""

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import hantar
from hantar.kit import errors

ABOUT = """Everything the pages can do, programs can do too.

**Signing in.** Make an API key on the settings page and send it as `Authorization: Bearer hk_…` (or `X-Api-Key`).
Browsers use the cookie that `POST /api/login` sets.

**Errors** are `application/problem+json` (RFC 9457); `code` is stable, `errors` names fields.
**Lists** answer `{items, next_cursor}`; send `cursor` to go on. **Retries:** send an `Idempotency-Key` with any changing
request; the first result is kept for 24 hours. `PATCH` does the same as `PUT`. **Live:** the WebSocket at `/ws`.
"""
TAGS = {
    "Account": "Signing in and out, and one's own account.",
    "Set-up": "The first start of an installation.",
    "Devices": "The phones that send: linking, state, limits.",
    "Leads": "The people to write to: lists, import, export.",
    "Media": "Pictures for messages.",
    "Campaigns": "One message to many people, once.",
    "Messages": "Single messages and what became of them.",
    "Consent": "May we write to this person: what they agreed to, opt-outs, holds, the words that count.",
    "Persons": "A person as a whole: every name, why not, merge, copy, erase.",
    "Rules": "The numbers of responsible sending, where each comes from and who may change it.",
    "Audit": "What people decided, in order, with reasons.",
    "Reports": "Figures over what was sent.",
    "Workers": "How each device gets on with what it has to send; stopping and starting them.",
    "Demo": "A workspace full of made-up people, to look around.",
    "Jobs": "Long work in the background.",
    "API keys": "Keys for programs.",
    "Workspace": "Members and settings of the workspace.",
    "Hooks": "Where WhatsApp's Cloud API reports what became of messages and what people write.",
    "Health": "For supervisors and load balancers.",
}
PROBLEMS = {
    "400": "`bad_request`: JSON, file or cursor cannot be read",
    "401": "`unauthenticated`: no sign-in or key, or a dead one",
    "403": "`forbidden`, `scope_missing`, `csrf`: known, but not allowed",
    "404": "`not_found`: missing, or not yours",
    "409": "A rule or state stands in the way; `code` says which",
    "413": "`too_large`",
    "415": "`unsupported_type`",
    "422": "`validation` and more precise codes: `errors` names the fields",
    "429": "`rate_limited`: come back after `Retry-After` seconds",
    "503": "`unavailable`: come back after `Retry-After` seconds",
}
FRAMEWORK_CODES = {
    "bad_request",
    "request_timeout",
    "not_found",
    "method_not_allowed",
    "too_large",
    "unsupported_type",
    "internal",
}
"""Codes that no feature raises."""

PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/validation"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": ["string", "null"], "description": "Plain English."},
        "instance": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}


def codes_of(kind: type[errors.AppError]) -> set[str]:
    """The codes of a kind of error and of all errors made from it, except the bare beginning of the tree."""
    own = {kind.code} - {"error"}
    return own.union(*(codes_of(each) for each in kind.__subclasses__()))


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, made once."""
    made: dict[str, Any] = get_openapi(
        title="Hantar",
        version=hantar.__version__,
        openapi_version="3.1.0",
        summary="Self-hosted WhatsApp campaigns",
        description=ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    codes = ", ".join(f"`{code}`" for code in sorted(codes_of(errors.AppError) | FRAMEWORK_CODES))
    code = {"type": "string", "description": f"Stable. One of {codes}.", "examples": ["validation"]}
    schemas["Problem"] = {**PROBLEM, "properties": {**PROBLEM["properties"], "code": code}}
    made["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: `hk_…`"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "hantar"},
    }
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _finish(path, method, operation, getattr(app.state, "needs", {}).get((method.upper(), path)))
    made["paths"] = dict(sorted(_plain_ids(made["paths"]).items()))
    return _short_names(made)


def _plain_ids(paths: dict[str, Any]) -> dict[str, Any]:
    """`/devices/{device_id}` is written `/devices/{id}`, as in the API's reference: the first id is the thing's own."""
    changed: dict[str, Any] = {}
    for path, operations in paths.items():
        if "put" in operations:
            operations.pop("patch", None)  # it does the same; said once, at the top
        first = re.search(r"\{(\w+_id)\}", path)
        if first is None or "{id}" in path:
            changed.setdefault(path, {}).update(operations)
            continue
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] == first[1]:
                    parameter["name"] = "id"
        changed.setdefault(path.replace(first[0], "{id}"), {}).update(operations)
    return changed


def _finish(path: str, method: str, operation: dict[str, Any], need: tuple[Any, Any, bool] | None) -> None:
    """The answers every route has, and what it needs."""
    answers = operation["responses"]
    statuses = {"429", "503", *(("401", "403") if need else ())}
    statuses |= {"404"} if "{" in path else set()
    statuses |= {"400", "409", "413", "415", "422"} if "requestBody" in operation else set()
    statuses |= {"422", "400"} if operation.get("parameters") and method == "get" else set()
    answers.pop("422", None)
    for status in sorted(statuses - {"503"} if path.startswith("/health") else statuses):
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers.setdefault(status, {"description": PROBLEMS[status], "content": content})
    if need:
        role, scope, admin = need
        operation["security"] = [{"key": []}, {"cookie": []}]
        words = "the administrator" if admin else f"role **{role}** or stronger"
        words += f"; a key with scope `{scope}`" if scope else ""
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds {words}.".strip()
    else:
        operation["security"] = []


def _short_names(made: dict[str, Any]) -> dict[str, Any]:
    """`DeviceOut` is called `Device`, a page of them `DevicePage`: names that generated clients show to people."""
    names: dict[str, str] = {}
    for name in made["components"]["schemas"]:
        short = _short_name(name)
        if short != name and short not in made["components"]["schemas"] and short not in names.values():
            names[name] = short
    return _renamed(made, names)  # type: ignore[no-any-return] # the same shape comes back


def _short_name(name: str) -> str:
    if page := re.fullmatch(r"PageOut_(\w+?)(?:Out)?_", name):
        return f"{page[1]}Page"
    if form := re.fullmatch(r"Body_(\w+?)_api_\w+", name):
        return "".join(word.capitalize() for word in form[1].split("_")) + "Form"
    if double := re.fullmatch(r"hantar__([a-z]+)__\w+?__([A-Z]\w*)", name):
        return double[1].capitalize() + double[2].removesuffix("Out")
    return name.removesuffix("Out")


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    prefix = "#/components/schemas/"
    changed: dict[str, Any] = {}
    for key, each in value.items():
        if key == "$ref" and isinstance(each, str):
            name = each.removeprefix(prefix)
            changed[key] = prefix + names.get(name, name)
        elif key == "schemas":
            changed[key] = {
                names.get(name, name): _renamed({**schema, "title": names.get(name, name)}, names)
                for name, schema in each.items()
            }
        else:
            changed[key] = _renamed(each, names)
    return changed
