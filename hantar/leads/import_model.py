"""An import: what was asked, how far it is, what became of its rows. No I/O."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hantar.kit import errors
from hantar.leads.columns import RowProblem
from hantar.leads.model import DeviceId, ImportId
from hantar.leads.sheet import Format

BATCH = 5_000
"""Rows merged in one transaction, and the most that a request waits for."""
MOST_ERRORS = 1_000
"""Errors in a reply; the errors file has all."""
LARGEST_FILE = 200_000_000


class OnDuplicate(StrEnum):
    """What a row does whose person the device already has."""

    SKIP = "skip"
    UPDATE = "update"
    FAIL = "fail"


class ImportNotFound(errors.NotFound):
    """There is no such import here."""


class TakenOver(errors.Conflict):
    """Another worker went on with this import."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a file becomes leads."""

    device_id: DeviceId
    format: Format
    mapping: Mapping[str, str | None] | None = None
    on_duplicate: OnDuplicate = OnDuplicate.SKIP
    country: str | None = None
    is_dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        """These options as a job keeps them."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Options":
        """The options that `as_json` wrote."""
        return cls(
            DeviceId(kept["device_id"]),
            Format(**kept["format"]),
            kept["mapping"],
            OnDuplicate(kept["on_duplicate"]),
            kept["country"],
            kept["is_dry_run"],
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what became of them; together they are all rows read so far."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """Rows read: success, skipped and failed."""
        return self.created + self.updated + self.skipped + self.failed

    @property
    def success(self) -> int:
        """Rows that made or changed a lead."""
        return self.created + self.updated

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.created + other.created,
            self.updated + other.updated,
            self.skipped + other.skipped,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class Import:
    """One file that was read."""

    id: ImportId
    device_id: DeviceId | None
    job_id: str | None
    file_name: str
    is_dry_run: bool
    status: str
    counts: Counts
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row of the report and its outcome: failed, skipped, updated or warning."""

    outcome: str
    problem: RowProblem


@dataclass(frozen=True, slots=True)
class Result:
    """What a file brought; `errors` are the first of the failed rows."""

    import_id: ImportId
    counts: Counts
    errors: tuple[RowProblem, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The result as replies and jobs show it."""
        counts = self.counts
        return {
            "import_id": self.import_id,
            "success": counts.success,
            "failed": counts.failed,
            "created": counts.created,
            "updated": counts.updated,
            "skipped": counts.skipped,
            "total": counts.total,
            "errors": [
                {"row": each.row, "column": each.column, "code": each.code, "message": each.message} for each in self.errors
            ],
        }
