"""Messages of a person who is merged with another entry, or erased."""

import asyncio
from typing import Any

import asyncpg
import pytest

from hantar.campaigns import planner
from hantar.kit import db, ids
from hantar.outbox import model, queue, service
from hantar.persons import service as persons
from tests.fleet import Fleet

GONE, KEPT = "60123450001", "60123450002"
PATHS = {
    "planned": [],
    "held": ["held"],
    "queued": ["queued"],
    "claimed": ["queued", "claimed"],
    "sent": ["queued", "claimed", "sent"],
    "delivered": ["queued", "claimed", "delivered"],
    "failed": ["queued", "claimed", "failed"],
    "unknown": ["queued", "claimed", "unknown"],
    "cancelled": ["cancelled"],
    "suppressed": ["suppressed"],
    "expired": ["expired"],
}
"""How a message comes from `planned` to where it stands."""


async def person(fleet: Fleet, phone: str) -> str:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await persons.at_phone(tx, fleet.workspace, phone)


async def put(fleet: Fleet, person_id: str, state: str, source: str, **columns: Any) -> str:
    """A message to a person, brought to a state by allowed moves."""
    message = ids.new_id()
    async with fleet.db.transaction(fleet.workspace) as tx:
        content = await queue.add_content(tx, fleet.workspace, "Hello", None)
        now = await tx.now()
        row = {
            **{"workspace_id": fleet.workspace, "id": message, "kind": "campaign", "source_id": source, "person_id": person_id},
            **{"device_id": fleet.devices[0], "content_id": content, "name": "Aisyah", "phone": "60123450001"},
            **{"state": "planned", "priority": 5, "not_before": now, "expires_at": now, "created_at": now, **columns},
        }
        await queue.insert_one(tx, row)
        for step in PATHS[state]:
            await tx.execute("UPDATE messages SET state = $2 WHERE id = $1", message, step)
    return message


async def merge(fleet: Fleet, gone: str, kept: str) -> list[db.Row]:
    async with fleet.db.transaction(fleet.workspace) as tx:
        await persons.lock(tx, [gone, kept])
        return await queue.move_person(tx, fleet.workspace, gone, kept)


def stands(row: Any) -> tuple[str, str | None]:
    return row["state"], row["reason"]


@pytest.fixture
async def two(fleet: Fleet) -> tuple[str, str]:
    """Two entries that turn out to be one person: the one that goes and the one that is kept."""
    await fleet.add_devices(1)
    return await person(fleet, GONE), await person(fleet, KEPT)


CANCELLED = ("cancelled", "duplicate_of")
FAR = [state for state in PATHS if state not in ("planned", "held", "queued")]


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("near", ["planned", "held", "queued"])
@pytest.mark.parametrize("is_gone_further", [True, False])
async def test_what_has_gone_further_stands_and_the_other_never_leaves(
    fleet: Fleet, two: tuple[str, str], far: str, near: str, is_gone_further: bool
) -> None:
    gone, kept = two
    source = ids.new_id()
    reasons = {far: "opted_out" if far in ("cancelled", "suppressed", "expired") else None, near: None}
    states = (far, near) if is_gone_further else (near, far)
    of_gone, of_kept = [
        await put(fleet, who, state, source, reason=reasons[state]) for who, state in zip(two, states, strict=True)
    ]
    cancelled = await merge(fleet, gone, kept)
    rows = {row["id"]: row for row in await fleet.rows()}
    ahead, behind = (of_gone, of_kept) if is_gone_further else (of_kept, of_gone)
    assert stands(rows[ahead]) == (far, reasons[far])
    assert stands(rows[behind]) == CANCELLED
    assert {row["person_id"] for row in rows.values()} == {kept}
    assert [row["id"] for row in cancelled] == [behind]
    assert rows[of_kept]["twin"] == 0
    assert rows[of_gone]["twin"] == 1


@pytest.mark.parametrize(
    ("of_gone", "of_kept", "gone_stands"),
    [
        ("queued", "planned", True),
        ("queued", "held", False),  # what waits for a person's word is the stricter
        ("held", "queued", True),
        ("queued", "queued", False),
        ("planned", "planned", False),
    ],
)
async def test_of_two_that_have_not_left_the_further_or_stricter_stands(
    fleet: Fleet, two: tuple[str, str], of_gone: str, of_kept: str, gone_stands: bool
) -> None:
    gone, kept = two
    source = ids.new_id()
    first, second = await put(fleet, gone, of_gone, source), await put(fleet, kept, of_kept, source)
    await merge(fleet, gone, kept)
    rows = {row["id"]: row for row in await fleet.rows()}
    assert stands(rows[first]) == ((of_gone, None) if gone_stands else CANCELLED)
    assert stands(rows[second]) == (CANCELLED if gone_stands else (of_kept, None))


async def test_both_that_left_count_for_the_one_who_is_kept(fleet: Fleet, two: tuple[str, str]) -> None:
    """Merging takes the higher counters: a cap must see both."""
    gone, kept = two
    source, other = ids.new_id(), ids.new_id()
    await put(fleet, gone, "sent", source)
    await put(fleet, kept, "delivered", source)
    await put(fleet, gone, "sent", other)
    assert await merge(fleet, gone, kept) == []
    rows = await fleet.rows()
    assert {row["person_id"] for row in rows} == {kept}
    assert sorted(row["state"] for row in rows) == ["delivered", "sent", "sent"]


async def test_three_entries_of_one_person_one_after_the_other(fleet: Fleet, two: tuple[str, str]) -> None:
    gone, kept = two
    third = await person(fleet, "60123450003")
    source, step = ids.new_id(), ids.new_id()
    for each in (gone, kept, third):
        await put(fleet, each, "queued", source)
        await put(fleet, each, "sent", source, step_id=step, kind="sequence")
    await merge(fleet, gone, third)
    await merge(fleet, third, kept)
    rows = await fleet.rows()
    assert {row["person_id"] for row in rows} == {kept}
    assert sorted(row["state"] for row in rows) == ["cancelled", "cancelled", "queued", "sent", "sent", "sent"]
    assert sorted(row["twin"] for row in rows) == [0, 0, 1, 1, 2, 2]


async def test_single_messages_and_other_people_are_left_alone(fleet: Fleet, two: tuple[str, str]) -> None:
    gone, kept = two
    async with fleet.db.transaction(fleet.workspace) as tx:
        for phone in (GONE, KEPT):
            await service.send(tx, fleet.workspace, service.Direct(fleet.devices[0], phone, "Hello"), None)
    other = await person(fleet, "60123450009")
    await put(fleet, other, "queued", ids.new_id())
    assert await merge(fleet, gone, kept) == []
    rows = await fleet.rows()
    assert [row["state"] for row in rows] == ["queued"] * 3
    assert {row["person_id"] for row in rows} == {kept, other}


async def test_a_campaign_still_writes_to_the_merged_person_once(fleet: Fleet, two: tuple[str, str]) -> None:
    """The planner meets the merged person again (another lead of theirs) and passes them over."""
    gone, kept = two
    await fleet.add_leads(fleet.devices[0], [GONE, KEPT])
    campaign = await fleet.launch()
    await merge(fleet, gone, kept)
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("DELETE FROM leads WHERE person_id = $1", gone)
        await tx.execute("UPDATE campaigns SET status = 'triggered', planner_cursor = NULL")
    await planner.Planner(fleet.db, fleet.bus, fleet.clock).look()
    assert sorted(row["state"] for row in await fleet.rows(campaign)) == ["cancelled", "queued"]


async def test_a_merge_waits_for_a_campaign_that_writes_at_this_moment(fleet: Fleet, two: tuple[str, str]) -> None:
    gone, kept = two
    source = ids.new_id()
    await put(fleet, gone, "queued", source)
    async with fleet.db.transaction(fleet.workspace) as writing:
        content = await queue.add_content(writing, fleet.workspace, "Hello", None)
        now = await writing.now()
        row = {
            **{"workspace_id": fleet.workspace, "id": ids.new_id(), "kind": "campaign", "source_id": source, "person_id": kept},
            **{"device_id": fleet.devices[0], "content_id": content, "phone": KEPT, "state": "queued", "priority": 5},
            **{"not_before": now, "expires_at": now, "created_at": now},
        }
        await queue.insert_one(writing, row)
        merging = asyncio.create_task(merge(fleet, gone, kept))
        async with fleet.db.system() as watch:  # until the merge stands in line behind the new row
            while not await watch.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0)
    assert len(await merging) == 1
    assert sorted(row["state"] for row in await fleet.rows()) == ["cancelled", "queued"]


# ---------------------------------------------------------------- erased
async def test_an_erased_person_leaves_counts_and_nothing_else(fleet: Fleet, two: tuple[str, str]) -> None:
    _, kept = two
    source = ids.new_id()
    states = ["queued", "claimed", "sent", "failed", "suppressed"]
    for state in states:
        await put(fleet, kept, state, source, step_id=ids.new_id(), phone=KEPT, text=f"Dear Aisyah {KEPT}", error=KEPT)
    async with fleet.db.transaction(fleet.workspace) as tx:
        asked = service.Direct(fleet.devices[0], KEPT, f"Only for Aisyah at {KEPT}", client_ref=f"ref-{KEPT}")
        direct = await service.send(tx, fleet.workspace, asked, None)
        sql = """INSERT INTO message_events (workspace_id, message_id, id, at, kind, cause, detail)
                 VALUES ($1, $2, $3, now(), 'wait', 'quiet_hours', $4)"""
        await tx.execute(sql, fleet.workspace, direct["id"], ids.new_id(), KEPT)
        # the person's row and names are not the outbox's; they go here so that only messages are looked at
        await tx.execute("DELETE FROM person_aliases WHERE person_id = $1", kept)
        await tx.execute("UPDATE persons SET phone = NULL WHERE id = $1", kept)
        erased = await queue.erase_person(tx, fleet.workspace, kept)
    assert len(erased.cancelled) == 2
    rows = await fleet.rows()
    assert sorted(row["state"] for row in rows) == ["cancelled", "cancelled", "claimed", "failed", "sent", "suppressed"]
    connection = await asyncpg.connect(fleet.db.dsn)
    for table in ("messages", "contents", "message_events"):
        text = await connection.fetchval(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM {table} t")
        assert "Aisyah" not in text, table
        assert KEPT not in text, table
    await connection.close()


async def test_what_comes_back_after_the_erasure_is_not_sent(fleet: Fleet, two: tuple[str, str]) -> None:
    """A message on its way at that moment is put back by the gateway; nobody without an alias is written to."""
    _, kept = two
    message = await put(fleet, kept, "claimed", ids.new_id())
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute("DELETE FROM person_aliases WHERE person_id = $1", kept)
        assert (await queue.erase_person(tx, fleet.workspace, kept)).cancelled == []
        await tx.execute(
            "UPDATE messages SET state = 'queued', expires_at = not_before + interval '1 hour' WHERE id = $1", message
        )
    await fleet.run(30)
    assert list(fleet.book.lines()) == [] or all(line["effect"] != "sent" for line in fleet.book.lines())
    assert (await fleet.states()) == {"queued": 1}


async def test_a_picture_for_this_person_alone_is_named(fleet: Fleet, two: tuple[str, str]) -> None:
    _, kept = two
    media = ids.new_id()
    async with fleet.db.transaction(fleet.workspace) as tx:
        await tx.execute(
            """INSERT INTO media (workspace_id, id, mime, size, original_size, sha256, bytes, created_at)
               VALUES ($1, $2, 'image/png', 1, 1, 'x', 'x', now())""",
            fleet.workspace,
            media,
        )
        await service.send(tx, fleet.workspace, service.Direct(fleet.devices[0], KEPT, "Your bill", media), None)
        assert (await queue.erase_person(tx, fleet.workspace, kept)).media_ids == [media]
        assert await tx.execute("DELETE FROM media WHERE id = $1", media) == 1


async def test_a_content_is_blanked_or_left_but_never_changed(fleet: Fleet) -> None:
    async with fleet.db.transaction(fleet.workspace) as tx:
        content = await queue.add_content(tx, fleet.workspace, "Hello", None)
    for sql in ("UPDATE contents SET text = 'Goodbye'", "UPDATE contents SET media_id = id, text = ''"):
        with pytest.raises(asyncpg.CheckViolationError, match="blanked"):
            async with fleet.db.transaction(fleet.workspace) as tx:
                await tx.execute(sql)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with fleet.db.transaction(fleet.workspace) as tx:
            await tx.execute("UPDATE contents SET kind = 'image' WHERE id = $1", content)


def test_every_state_is_tried() -> None:
    assert set(PATHS) == {state.value for state in model.S} - {"read"}
