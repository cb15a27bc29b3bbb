"""Logs are events with fields, never prose; no message bodies and no full phone numbers are given to them."""

import logging
import sys
from collections.abc import Iterator

import structlog


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def without_rows(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Take the detail out of database errors before they are written: it quotes the row, with numbers and words of people."""
    info = event.get("exc_info")
    if info:
        found = info if isinstance(info, BaseException) else info[1] if isinstance(info, tuple) else sys.exc_info()[1]
        for error in _chain(found):
            if getattr(error, "sqlstate", None) and getattr(error, "detail", None):
                error.detail = None  # type: ignore[attr-defined]
    return event


def configure(*, debug: bool) -> None:
    """One line per event on standard error; coloured where a person watches, JSON where a program does."""
    level = logging.DEBUG if debug else logging.INFO
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_rows,
    ]
    if not sys.stderr.isatty():
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)
