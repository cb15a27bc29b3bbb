"""The routes of files: preview, import, its report, and export."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import IO, Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, Json

from hantar.accounts import access
from hantar.accounts.model import Role
from hantar.audit import service as audit
from hantar.consent import service as consents
from hantar.consent.model import ConsentSource, Given
from hantar.jobs import http as jobs_http, service as jobs
from hantar.kit import db, errors, ids, paging, phone
from hantar.leads import (
    columns,
    declaring,
    exporting,
    http as leads_http,
    http_consents,
    import_model as model,
    import_store,
    importing,
    sheet,
    store,
)
from hantar.leads.importer import Importer
from hantar.leads.model import DeviceId, ImportId, clean

router = APIRouter(tags=["Leads"])
READ, WRITE = access.need(Role.VIEWER, "leads:read"), access.need(Role.OPERATOR, "leads:write")
NAMED, AS_FILE = "Content-Disposition", 'attachment; filename="{}"'
BODY_LIMIT = model.LARGEST_FILE + 1_000_000
DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}

Upload = Annotated[UploadFile, File(description="A CSV file of up to 200 MB.")]
Encoding = Annotated[str | None, Form(description=f"One of {', '.join(sheet.ENCODINGS)}; found out when left out.")]
CONSENT = "JSON: what everybody in this file agreed to, and `declared: true`. One row of consent is written for each person."
Delimiter = Annotated[str | None, Form(description="`,`, `;` or a tab (also the word `tab`); found out when left out.")]


class PreviewOut(BaseModel):
    """The head of a file: how it is written, and what each column seems to be (null: nothing)."""

    encoding: str
    delimiter: str
    columns: list[str]
    mapping: dict[str, str | None]
    rows: list[list[str]]
    fields: list[str]


class RowErrorOut(BaseModel):
    """One thing wrong with one row (the header is row 1)."""

    row: int
    column: str | None
    code: str
    message: str


class ResultOut(BaseModel):
    """What a file brought. `success` = created + updated; `total` = success + skipped + failed."""

    import_id: str
    success: int
    failed: int
    created: int
    updated: int
    skipped: int
    total: int
    consented: int = Field(description="Consents written for the people of the file; in a dry run, that would be.")
    opted_out: int = Field(description="Lines of people who said stop. They are kept, and will not be written to.")
    errors: list[RowErrorOut]


class ImportJobOut(jobs_http.JobOut):
    """A large file's job; its `result` will be what a small file's reply is."""

    import_id: str


class CauseOut(BaseModel):
    """A cause and how many rows of the report have it."""

    outcome: str
    code: str
    count: int


class ImportConsentOut(BaseModel):
    """What was declared for a file: by whom (`actor_id`), what its people agreed to, how and when."""

    wording: str
    wording_version: str | None
    business_name: str
    source: ConsentSource
    given_at: datetime
    expires_at: datetime | None
    proof_media_id: str | None
    actor_id: str | None


class ImportOut(BaseModel):
    """A file that was read. `opted_out` and `replied` count its leads' people as they stand now."""

    id: str
    device_id: str | None
    job_id: str | None
    file_name: str
    is_dry_run: bool
    status: str
    success: int
    failed: int
    created: int
    updated: int
    skipped: int
    total: int
    consent: ImportConsentOut | None = Field(description="Null: nothing was declared for this file.")
    consented: int = Field(description="Consents written for its people; in a dry run, that would have been.")
    opted_out_lines: int = Field(description="Lines of people who were opted out when the file was read.")
    opted_out: int
    replied: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class ImportDetailOut(ImportOut):
    """A file that was read, and the causes in its report."""

    causes: list[CauseOut]


class ReportRowOut(RowErrorOut):
    """A row of the report."""

    outcome: Literal["failed", "skipped", "updated", "warning"]
    cell: str | None


def _shown(found: model.Import, since: model.Since) -> dict[str, Any]:
    counts = found.counts
    declared = ImportConsentOut(**{n: found.consent[n] for n in ImportConsentOut.model_fields}) if found.consent else None
    return {
        "id": found.id,
        "device_id": found.device_id,
        "job_id": found.job_id,
        "file_name": found.file_name,
        "is_dry_run": found.is_dry_run,
        "status": found.status,
        "success": counts.success,
        "failed": counts.failed,
        "created": counts.created,
        "updated": counts.updated,
        "skipped": counts.skipped,
        "total": counts.total,
        "consent": declared,
        "consented": counts.consented,
        "opted_out_lines": counts.opted_out,
        "opted_out": since.opted_out,
        "replied": since.replied,
        "error": found.error,
        "created_at": found.created_at,
        "finished_at": found.finished_at,
    }


# ---------------------------------------------------------------- import
@router.post("/leads/import/preview", max_body_size=BODY_LIMIT)
async def preview_import(
    file: Upload, encoding: Encoding = None, delimiter: Delimiter = None, at: access.At = WRITE
) -> PreviewOut:
    """How a file is written and what its columns seem to be; its head is enough (send the first 256 kB)."""
    return await asyncio.to_thread(_preview, file.file, encoding or None, _separator(delimiter))


def _separator(given: str | None) -> str | None:
    return DELIMITER_WORDS.get(given.lower(), given) if given else None


def _preview(file: IO[bytes], encoding: str | None, delimiter: str | None) -> PreviewOut:
    form = sheet.detect(file, encoding, delimiter)
    head = [record.cells for record in itertools.islice(sheet.records(file, form), 6) if record.cells is not None]
    if not head:
        raise errors.invalid_field("file", "unreadable", "The first row of this file cannot be read.")
    names = [clean(name) for name in head[0]]
    mapping = dict(zip(names, columns.guess(names), strict=True))
    rows = [[cell[:200] for cell in row[: len(names)]] for row in head[1:]]
    fields = [*columns.FIELDS]
    return PreviewOut(encoding=form.encoding, delimiter=form.delimiter, columns=names, mapping=mapping, rows=rows, fields=fields)


@router.post(
    "/devices/{device_id}/leads/import",
    max_body_size=BODY_LIMIT,
    responses={202: {"model": ImportJobOut, "description": "More than 5,000 rows: a job with the same result"}},
)
async def import_leads(
    device_id: str,
    request: Request,
    file: Upload,
    mapping: Annotated[str | None, Form(description='JSON: {"column": "field"}; null leaves a column out.')] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    dry_run: Annotated[bool, Form(description="The same report, and nothing is stored.")] = False,
    on_duplicate: Annotated[model.OnDuplicate, Form(description="Rows whose person the device has.")] = (model.OnDuplicate.SKIP),
    default_country: Annotated[str | None, Form(description="Two letters; by default the workspace's.")] = None,
    consent: Annotated[Json[http_consents.DeclarationIn] | None, Form(description=CONSENT)] = None,
    at: access.At = WRITE,
    importer: Importer = access.part(Importer),
) -> ResultOut:
    """Read leads from a CSV file. Wrong rows are reported and never stop the good ones."""
    await leads_http.must_have_device(at, device_id)
    country = await _country(at, default_country)
    given = await _declared(at, consent, dry_run=dry_run) if consent else None
    form = sheet.Format("", "")
    wished = model.Options(DeviceId(device_id.lower()), form, _mapping(mapping), on_duplicate, country, dry_run, given)
    separator = _separator(delimiter)
    found = await asyncio.to_thread(importing.survey, file.file, wished, encoding or None, separator)
    name = clean((file.filename or "leads.csv").replace("\x00", ""))[:200]
    if not found.is_small:
        return await _queue(at, request, importer, file.file, found, name)  # type: ignore[return-value] # a response of its own
    async with at.tx() as tx:
        result = await importing.run_small(tx, at.workspace_id, file.file, found.options, name, at.caller.user_id)
        await _audit(tx, at, request, found, result.import_id)
    return ResultOut(**result.as_json())


async def _declared(at: access.At, consent: http_consents.DeclarationIn, *, dry_run: bool) -> Given:
    """What is declared for the file; raises `Invalid` when nobody stands behind it."""
    if not (consent.declared or dry_run):
        raise errors.invalid_field("consent.declared", "not_declared", http_consents.NOT_DECLARED)
    async with at.tx() as tx:
        given = await consent.given(tx, at, otherwise="import")
        return await consents.checked(tx, given, "consent.")


async def _audit(tx: db.Tx, at: access.At, request: Request, found: importing.Survey, import_id: ImportId) -> None:
    """Note a declaration that came with a file."""
    given = found.options.consent
    if given is not None and not found.options.is_dry_run:
        words = http_consents.audit_words(given) | {"rows": found.rows}
        thing = audit.Thing("import", import_id)
        await audit.record(tx, at.workspace_id, audit.by(at, request), "consent.declared", thing, after=words)


async def _queue(
    at: access.At, request: Request, importer: Importer, file: IO[bytes], found: importing.Survey, name: str
) -> Response:
    """Keep the file, then a job that reads it; without the job the file goes again."""
    import_id, job_id = ImportId(ids.new_id()), ids.new_id()
    by, spec = at.caller.user_id, {"import_id": import_id, "options": found.options.as_json()}
    await importer.keep(file, job_id)
    try:
        async with at.tx() as tx:
            job = await jobs.create(tx, at.workspace_id, importing.JOB, job_id=job_id, by=by, total=found.rows, **spec)
            await import_store.add(tx, at.workspace_id, import_id, job.id, name, found.options, by)
            await _audit(tx, at, request, found, import_id)
            now = await tx.now()
    except BaseException:
        await importer.drop(job_id)
        raise
    body = jobs_http.out(job, now).model_dump(mode="json") | {"import_id": import_id}
    return JSONResponse(body, 202, {"Location": f"/api/jobs/{job.id}"})


async def _country(at: access.At, given: str | None) -> str | None:
    if given:
        if not phone.is_country(given):
            raise errors.invalid_field("default_country", "unknown_country", "Give a country's two letters, such as MY.")
        return given.upper()
    async with at.tx() as tx:
        return await store.default_country(tx, at.workspace_id)


def _mapping(text: str | None) -> dict[str, str | None] | None:
    if not text:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str | None) for each in found.values()):
        raise errors.invalid_field("mapping", "invalid", 'Give JSON such as {"Full name": "name", "Age": null}.')
    return found


@router.get("/leads/import/sample.csv", response_class=Response)
async def sample_file(at: access.At = READ) -> Response:
    """A small file that shows how one should look."""
    return Response(
        exporting.sample(), headers={NAMED: AS_FILE.format("hantar-sample.csv")}, media_type="text/csv; charset=utf-8"
    )


# ---------------------------------------------------------------- reports
@router.get("/imports")
async def list_imports(
    page: paging.Paging,
    device_id: str | None = None,
    dry_run: Annotated[bool | None, Query(description="Only dry runs, or only real ones.")] = None,
    at: access.At = READ,
) -> paging.PageOut[ImportOut]:
    """Files that were read, newest first; dry runs too."""
    after = page.after(1)
    if device_id and not ids.is_id(device_id):
        raise errors.invalid_field("device_id", "invalid_id", "This is not an id.")
    if after and not ids.is_id(str(after[0])):
        raise paging.BadCursor
    async with at.tx() as tx:
        found = await import_store.newest(tx, device_id, dry_run, after[0] if after else None, page.limit + 1)
        total = await import_store.count(tx, device_id, dry_run) if page.with_total else None
        since = await declaring.since(tx, [each.id for each in found])
    kept, cursor = page.cut(found, lambda each: (each.id,))
    return paging.PageOut(items=[ImportOut(**_shown(each, since[each.id])) for each in kept], next_cursor=cursor, total=total)


@router.get("/imports/{import_id}")
async def get_import(import_id: str, at: access.At = READ) -> ImportDetailOut:
    """One file that was read, how far it is, and what is wrong with it by cause."""
    async with at.tx() as tx:
        found = await importing.find(tx, ImportId(import_id))
        causes = await import_store.report_causes(tx, found.id)
        since = await declaring.since(tx, [found.id])
    shown = [CauseOut(outcome=outcome, code=code, count=count) for outcome, code, count in causes]
    return ImportDetailOut(**_shown(found, since[found.id]), causes=shown)


@router.get("/imports/{import_id}/rows")
async def list_import_rows(
    import_id: str,
    page: paging.Paging,
    outcome: Annotated[Literal["failed", "skipped", "updated", "warning"] | None, Query()] = None,
    code: Annotated[str | None, Query(max_length=50)] = None,
    at: access.At = READ,
) -> paging.PageOut[ReportRowOut]:
    """The report row by row, in the order of the file; rows that simply became leads are not in it."""
    after = page.after(2)
    if after is not None and not (isinstance(after[0], int) and abs(after[0]) < 2**31 and isinstance(after[1], str)):
        raise paging.BadCursor
    async with at.tx() as tx:
        await importing.find(tx, ImportId(import_id))
        found = await import_store.report(tx, ImportId(import_id), outcome, code, after, page.limit + 1)
        total = await _total(tx, ImportId(import_id), outcome, code) if page.with_total else None
    kept, cursor = page.cut(found, lambda each: (each.problem.row, each.problem.code))
    items = [ReportRowOut(outcome=each.outcome, **_problem(each.problem)) for each in kept]  # type: ignore[arg-type] # the table's check
    return paging.PageOut(items=items, next_cursor=cursor, total=total)


def _problem(found: columns.RowProblem) -> dict[str, Any]:
    return {"row": found.row, "column": found.column, "code": found.code, "message": found.message, "cell": found.cell}


async def _total(tx: db.Tx, import_id: ImportId, outcome: str | None, code: str | None) -> int:
    causes = await import_store.report_causes(tx, import_id)
    return sum(count for of, why, count in causes if outcome in (None, of) and code in (None, why))


@router.get("/imports/{import_id}/errors.csv", response_class=StreamingResponse)
async def errors_file(import_id: str, request: Request, at: access.At = READ) -> StreamingResponse:
    """All failed rows of a file."""
    async with at.tx() as tx:
        await importing.find(tx, ImportId(import_id))
    await audit.exported(at, request, "import", import_id)
    return _stream(at, f"import-{import_id[:8]}-errors.csv", lambda tx: exporting.failed_rows(tx, ImportId(import_id)))


# ---------------------------------------------------------------- export
@router.get("/leads/export", response_class=StreamingResponse)
async def export_leads(asked: leads_http.Asked, request: Request, at: access.At = READ) -> StreamingResponse:
    """The leads of the list's filters as CSV; the file can be imported again without change. Written into the audit trail."""
    filters = {each.name: getattr(asked, each.name) for each in fields(asked) if each.name != "ids"}
    await audit.exported(at, request, "leads", **filters, chosen=len(asked.ids) if asked.ids is not None else None)
    return _stream(at, "leads.csv", lambda tx: exporting.leads(tx, asked))


@router.get("/devices/{device_id}/leads/export", response_class=StreamingResponse)
async def export_leads_of_device(
    device_id: str, within: leads_http.Within, request: Request, at: access.At = READ
) -> StreamingResponse:
    """One device's leads as CSV."""
    await leads_http.must_have_device(at, device_id)
    return await export_leads(replace(within, device_id=DeviceId(device_id)), request, at)


def _stream(at: access.At, name: str, pieces: Callable[[db.Tx], AsyncIterator[str]]) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        async with at.tx() as tx:
            async for piece in pieces(tx):
                yield piece.encode()

    return StreamingResponse(body(), headers={NAMED: AS_FILE.format(name)}, media_type="text/csv; charset=utf-8")
