"""An import: what was asked, how far it is, what became of its rows. No I/O."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from hantar.consent.model import Given
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


class ImportRunning(errors.Conflict):
    """This file is still being read. Declare consent for it when it is done."""

    code = "import_running"


class NothingImported(errors.Conflict):
    """This was a dry run: it stored nobody, so there is nobody to declare consent for."""

    code = "nothing_imported"


class TakenOver(errors.Conflict):
    """Another worker went on with this import."""


def given_json(given: Given) -> dict[str, Any]:
    """A declared consent as a job or an import keeps it; instants as ISO 8601."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(given).items()}


def given_from(kept: Mapping[str, Any]) -> Given:
    """The consent that `given_json` wrote."""
    ends = kept["expires_at"]
    times = {"given_at": datetime.fromisoformat(kept["given_at"]), "expires_at": datetime.fromisoformat(ends) if ends else None}
    return Given(**{**kept, **times})


@dataclass(frozen=True, slots=True)
class Options:
    """How a file becomes leads."""

    device_id: DeviceId
    format: Format
    mapping: Mapping[str, str | None] | None = None
    on_duplicate: OnDuplicate = OnDuplicate.SKIP
    country: str | None = None
    is_dry_run: bool = False
    consent: Given | None = None
    """What was declared for every person of the file."""

    def as_json(self) -> dict[str, Any]:
        """These options as a job keeps them."""
        return asdict(replace(self, consent=None)) | {"consent": given_json(self.consent) if self.consent else None}

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
            given_from(kept["consent"]) if kept.get("consent") else None,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what became of them; together they are all rows read so far."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    consented: int = 0
    """Consents written for people of these rows; in a dry run, that would be."""
    opted_out: int = 0
    """Rows of people who are opted out: kept, and not written to."""

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
            self.consented + other.consented,
            self.opted_out + other.opted_out,
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
    consent: Mapping[str, Any] | None
    """What was declared for the file (`given_json`), if anything."""


@dataclass(frozen=True, slots=True)
class Since:
    """What became of an import's people: how many are opted out now, and how many have written to us."""

    opted_out: int = 0
    replied: int = 0


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
            "consented": counts.consented,
            "opted_out": counts.opted_out,
            "errors": [
                {"row": each.row, "column": each.column, "code": each.code, "message": each.message} for each in self.errors
            ],
        }
