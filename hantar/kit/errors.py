"""The kinds of error every feature raises. Features know no HTTP status; `web` turns kinds into answers."""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that needs attention: its path (`steps[2].delay`), a stable code, and a sentence for the user."""

    field: str
    code: str
    message: str


class AppError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "Something went wrong.").strip().splitlines()[0]
        self.details = details
        super().__init__(self.message)


class NotFound(AppError):
    """There is no such thing here."""

    code = "not_found"


class Invalid(AppError):
    """Some fields are not valid."""

    code = "validation"

    def __init__(self, message: str | None = None, *, errors: list[FieldError] | None = None, **details: Any) -> None:
        self.errors = errors or []
        if message is None and self.errors:
            message = "1 field needs attention." if len(self.errors) == 1 else f"{len(self.errors)} fields need attention."
        super().__init__(message, **details)


class Conflict(AppError):
    """The state of things does not allow this."""

    code = "conflict"


class Forbidden(AppError):
    """You may not do this."""

    code = "forbidden"


class LimitReached(AppError):
    """Too many at once. Try again later."""

    code = "rate_limited"

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0, **details: Any) -> None:
        self.retry_after = retry_after
        super().__init__(message, **details)


class Unavailable(AppError):
    """This is not available just now. Try again in a moment."""

    code = "unavailable"

    def __init__(self, message: str | None = None, *, retry_after: float = 2.0, **details: Any) -> None:
        self.retry_after = retry_after
        super().__init__(message, **details)


def invalid_field(field: str, code: str, message: str) -> Invalid:
    """An `Invalid` about a single field."""
    return Invalid(errors=[FieldError(field, code, message)])
