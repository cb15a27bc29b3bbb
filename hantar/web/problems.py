"""Errors into answers (RFC 9457), in one table. Nothing of the request is echoed, and no trace leaves the server."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse

from hantar.accounts import model as accounts
from hantar.kit import db, errors, paging

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
KINDS: tuple[tuple[type[errors.AppError], int], ...] = (
    (accounts.Unauthenticated, 401),
    (errors.NotFound, 404),
    (errors.Invalid, 422),
    (errors.Conflict, 409),
    (errors.Forbidden, 403),
    (errors.LimitReached, 429),
    (errors.Unavailable, 503),
)
CODES = {
    "bad_request": 400,
    "gone": 410,
    "changed_meanwhile": 412,
    "too_large": 413,
    "unsupported_type": 415,
    "storage_full": 507,
}
"""Codes with a status of their own, whatever their kind (api.md 1.4)."""

BY_STATUS = {
    400: ("bad_request", "The request cannot be read"),
    404: ("not_found", "There is no such thing here"),
    405: ("method_not_allowed", "This address does not answer that method"),
    408: ("request_timeout", "The request stopped arriving"),
    413: ("too_large", "This is too large"),
    415: ("unsupported_type", "This type of content is not accepted"),
}
BUSY = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    *db.AWAY,
)
_ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)


def status_of(error: errors.AppError) -> int:
    """The HTTP status of an error."""
    if error.code in CODES:
        return CODES[error.code]
    return next((status for kind, status in KINDS if isinstance(error, kind)), 500)


def _title(error: errors.AppError) -> str:
    first = (type(error).__doc__ or "Something went wrong.").strip().splitlines()[0]
    return first.partition(". ")[0].rstrip(".")


def answer(connection: HTTPConnection, status: int, code: str, title: str, detail: str | None, **more: Any) -> JSONResponse:
    """A problem as a response."""
    body = {"type": f"/problems/{code}", "title": title, "status": status, "code": code, "detail": detail}
    body |= {"instance": connection.url.path, "request_id": connection.scope.get("hantar.request_id")}
    wait = more.pop("retry_after", None)
    headers = {"Retry-After": str(max(1, round(wait)))} if wait is not None else None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return JSONResponse(body | more, status, headers, MEDIA_TYPE)


def of_app_error(connection: HTTPConnection, error: errors.AppError) -> JSONResponse:
    """The answer to an error that a feature raised on purpose."""
    status = status_of(error)
    if status == 500:
        return of_unknown(connection, error)
    more: dict[str, Any] = {name: _plain(value) for name, value in error.details.items()}
    if isinstance(error, errors.Invalid) and error.errors:
        more["errors"] = [{"field": e.field, "code": e.code, "message": e.message} for e in error.errors]
    if isinstance(error, errors.LimitReached | errors.Unavailable):
        more["retry_after"] = error.retry_after
    return answer(connection, status, error.code, _title(error), error.message, **more)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def of_unknown(connection: HTTPConnection, error: Exception) -> JSONResponse:
    """The answer to what nobody expected; the log has the rest under the request's id."""
    log.error("http.failed", request_id=connection.scope.get("hantar.request_id"), exc_info=error)
    detail = "Something went wrong on the server. Its log knows more under this request_id."
    return answer(connection, 500, "internal", "Something went wrong", detail)


def of_any(connection: HTTPConnection, error: Exception) -> JSONResponse:
    """The answer to whatever was raised."""
    if isinstance(error, errors.AppError):
        return of_app_error(connection, error)
    if isinstance(error, RequestValidationError):
        return _of_validation(connection, error.errors())
    if isinstance(error, HTTPException):
        return _of_http(connection, error)
    if isinstance(error, asyncpg.DataError | UnicodeEncodeError | OverflowError):
        return _of_data(connection, error)
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        log.warning("http.constraint", request_id=connection.scope.get("hantar.request_id"), exc_info=error)
        return of_app_error(connection, errors.Conflict())
    if isinstance(error, BUSY):
        log.warning("http.busy", kind=type(error).__name__)
        return of_app_error(connection, db.DatabaseAway())
    return of_unknown(connection, error)


def _of_http(connection: HTTPConnection, error: HTTPException) -> JSONResponse:
    code, title = BY_STATUS.get(error.status_code, ("error", "Something went wrong"))
    response = answer(connection, error.status_code, code, title, f"{title}.")
    response.headers.update(error.headers or {})
    return response


def _of_data(connection: HTTPConnection, error: Exception) -> JSONResponse:
    """A value the database cannot hold: a malformed id in the path names nothing; else the value is at fault."""
    if any(name.endswith("id") and not _ID.fullmatch(str(v)) for name, v in connection.path_params.items()):
        return of_app_error(connection, errors.NotFound())
    if "cursor" in connection.query_params:
        return of_app_error(connection, paging.BadCursor())
    log.warning("http.value_refused", request_id=connection.scope.get("hantar.request_id"), exc_info=error)
    return of_app_error(connection, errors.Invalid("A value is out of range or has the wrong form."))


# ---------------------------------------------------------------- field errors
MESSAGES = {
    "missing": ("required", "This is required."),
    "bool_parsing": ("invalid", "Answer with true or false."),
    "bool_type": ("invalid", "Answer with true or false."),
    "string_type": ("invalid", "This must be text."),
    "int_parsing": ("invalid", "This must be a whole number."),
    "int_type": ("invalid", "This must be a whole number."),
    "int_from_float": ("invalid", "This must be a whole number."),
    "float_parsing": ("invalid", "This must be a number."),
    "float_type": ("invalid", "This must be a number."),
    "finite_number": ("invalid", "This must be a number."),
    "list_type": ("invalid", "This must be a list."),
    "dict_type": ("invalid", "This must be an object."),
    "model_attributes_type": ("invalid", "This must be a JSON object."),
    "model_type": ("invalid", "This must be a JSON object."),
    "uuid_parsing": ("invalid_id", "This is not an id."),
    "uuid_type": ("invalid_id", "This is not an id."),
    "date_from_datetime_parsing": ("invalid_date", "Give the date as YYYY-MM-DD."),
    "date_parsing": ("invalid_date", "Give the date as YYYY-MM-DD."),
    "date_type": ("invalid_date", "Give the date as YYYY-MM-DD."),
    "time_parsing": ("invalid_time", "Give the time as HH:MM."),
    "time_type": ("invalid_time", "Give the time as HH:MM."),
    "datetime_parsing": ("invalid_instant", "Give the instant as 2026-12-01T02:00:00Z."),
    "datetime_from_date_parsing": ("invalid_instant", "Give the instant as 2026-12-01T02:00:00Z."),
    "datetime_type": ("invalid_instant", "Give the instant as 2026-12-01T02:00:00Z."),
    "timezone_aware": ("invalid_instant", "Give the instant with its zone: 2026-12-01T02:00:00Z."),
}
BOUNDS = {
    "string_too_short": ("too_short", "This needs at least {min_length} characters."),
    "string_too_long": ("too_long", "This may have at most {max_length} characters."),
    "too_short": ("too_short", "This needs at least {min_length} entries."),
    "too_long": ("too_long", "This may have at most {max_length} entries."),
    "greater_than_equal": ("too_small", "This must be at least {ge}."),
    "greater_than": ("too_small", "This must be more than {gt}."),
    "less_than_equal": ("too_large", "This must be at most {le}."),
    "less_than": ("too_large", "This must be less than {lt}."),
    "enum": ("not_one_of", "This must be {expected}."),
    "literal_error": ("not_one_of", "This must be {expected}."),
}


def field_path(location: Sequence[Any]) -> str:
    """`('body', 'steps', 2, 'next_trigger')` as `steps[2].next_trigger`."""
    path = ""
    for part in location[1:]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "body"


def _field_error(error: dict[str, Any]) -> errors.FieldError:
    kind, context = error["type"], error.get("ctx") or {}
    if kind in MESSAGES:
        code, message = MESSAGES[kind]
    elif kind == "string_too_short" and context["min_length"] == 1:
        code, message = MESSAGES["missing"]
    elif kind in BOUNDS:
        code, form = BOUNDS[kind]
        message = form.format_map(context)
    elif kind == "value_error":
        code, message = "invalid", str(error["msg"]).removeprefix("Value error, ")
    else:
        code, message = kind, str(error["msg"])
    return errors.FieldError(field_path(error["loc"]), code, message)


def _of_validation(connection: HTTPConnection, found: Iterable[Any]) -> JSONResponse:
    found = list(found)
    if any(e["type"] == "json_invalid" for e in found):
        return answer(connection, 400, "bad_request", "The request cannot be read", "The body is not valid JSON.")
    if any(e["loc"][:1] == ("path",) for e in found):
        return of_app_error(connection, errors.NotFound())
    if any(e["loc"] == ("body",) and isinstance(e.get("input"), bytes) for e in found):
        detail = "Send the body as JSON with the header Content-Type: application/json."
        return answer(connection, 415, "unsupported_type", "This type of content is not accepted", detail)
    return of_app_error(connection, errors.Invalid(errors=[_field_error(e) for e in found]))


def install(app: FastAPI) -> None:
    """Let the app answer every expected error as a problem; unexpected ones end in `edge`."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        return of_any(request, error)

    kinds = (errors.AppError, RequestValidationError, HTTPException, asyncpg.PostgresError, UnicodeEncodeError, OverflowError)
    for kind in (*kinds, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, handle)
