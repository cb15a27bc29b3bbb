"""Jobs: one life, told as it goes on, stopped when asked."""

import pytest

from hantar.jobs import model, service


@pytest.fixture
async def job(database, alice):
    async with database.transaction(alice.workspace_id) as tx:
        return await service.create(tx, alice.workspace_id, "leads.import", by=alice.user_id, total=100, path="x")


async def test_a_job_goes_on_and_is_told(database, alice, bus, http, job, fake_clock):
    told = []
    bus.subscribe("job.progress", told.append)
    async with database.transaction(alice.workspace_id) as tx:
        assert await service.start(tx, alice.workspace_id, job.id)
        assert not await service.start(tx, alice.workspace_id, job.id)
    await fake_clock.advance(10)
    async with database.transaction(alice.workspace_id) as tx:
        await service.progress(tx, alice.workspace_id, job.id, done=50)
    reply = (await http(alice).get(f"/api/jobs/{job.id}")).json()
    assert (reply["status"], reply["done"], reply["total"]) == ("running", 50, 100)
    assert reply["eta_at"] == "2026-12-01T02:00:20Z"
    async with database.transaction(alice.workspace_id) as tx:
        await service.finish(tx, alice.workspace_id, job.id, result={"created": 100})
        await service.finish(tx, alice.workspace_id, job.id, error="late")
    reply = (await http(alice).get(f"/api/jobs/{job.id}")).json()
    assert (reply["status"], reply["result"], reply["error"]) == ("done", {"created": 100}, None)
    assert [fact.data["status"] for fact in told] == ["running", "running", "done"]
    assert set(told[0].data) == {"job_id", "id", "kind", "status", "done", "total", "eta_at", "result", "error"}


async def test_a_queued_job_is_cancelled_at_once(database, alice, http, job):
    assert (await http(alice).post(f"/api/jobs/{job.id}/cancel")).json()["status"] == "cancelled"
    async with database.transaction(alice.workspace_id) as tx:
        assert not await service.start(tx, alice.workspace_id, job.id)
    again = await http(alice).post(f"/api/jobs/{job.id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")


async def test_a_running_job_is_asked_to_stop(database, alice, bob, http, job):
    async with database.transaction(alice.workspace_id) as tx:
        await service.start(tx, alice.workspace_id, job.id)
        assert not await service.cancel_asked(tx, alice.workspace_id, job.id)
    assert (await http(bob).post(f"/api/jobs/{job.id}/cancel")).json()["status"] == "running"
    async with database.transaction(alice.workspace_id) as tx:
        assert await service.cancel_asked(tx, alice.workspace_id, job.id)
        await service.finish(tx, alice.workspace_id, job.id, cancelled=True)
        assert (await service.get(tx, alice.workspace_id, job.id)).status is model.JobStatus.CANCELLED


async def test_jobs_are_listed_in_pages(database, alice, mallory, http):
    async with database.transaction(alice.workspace_id) as tx:
        made = [(await service.create(tx, alice.workspace_id, f"kind {n}")).id for n in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await http(alice).get("/api/jobs", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        assert "total" not in page
    assert (seen, cursor) == (made[::-1], None)
    assert (await http(alice).get("/api/jobs?with_total=true&limit=1")).json()["total"] == 5
    assert (await http(mallory).get("/api/jobs?with_total=true")).json() == {"items": [], "next_cursor": None, "total": 0}


@pytest.mark.parametrize("cursor", ["x", "W10", "e30", "WyJ4Il0", "%00"])
async def test_a_bad_cursor_is_refused(http, alice, cursor):
    assert (await http(alice).get(f"/api/jobs?cursor={cursor}")).status_code == 400


async def test_a_stranger_s_job_is_not_there(http, mallory, vera, job):
    assert (await http(mallory).get(f"/api/jobs/{job.id}")).status_code == 404
    assert (await http(mallory).post(f"/api/jobs/{job.id}/cancel")).status_code == 404
    assert (await http(vera).post(f"/api/jobs/{job.id}/cancel")).status_code == 403
