"""What a database says of a row that failed stays out of the logs: it quotes numbers and words of people."""

import asyncpg
import structlog

from hantar.kit import logs


def _written(info: object) -> str:
    event = logs.without_rows(None, "error", {"event": "it.failed", "exc_info": info})
    return str(structlog.processors.format_exc_info(None, "error", event)["exception"])


def test_the_detail_of_a_database_error_is_not_written() -> None:
    row = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
    row.detail = "Key (workspace_id, phone)=(x, 60123456789) already exists."
    assert "60123456789" in str(row)
    try:
        try:
            raise row
        except asyncpg.PostgresError as error:
            raise RuntimeError("given up") from error
    except RuntimeError as error:
        for info in (error, (type(error), error, error.__traceback__), True):
            row.detail = "Key (workspace_id, phone)=(x, 60123456789) already exists."
            written = _written(info)
            assert "60123456789" not in written
            assert "duplicate key" in written
            assert "given up" in written
