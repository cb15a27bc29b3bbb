"""*Rules at work*, played from the first message to the device that WhatsApp restricts."""

import asyncio

from hantar.accounts.model import Caller
from hantar.campaigns import plan, service as campaigns
from hantar.demo import director, people, scenes
from hantar.kit import cluster
from tests.demo.theatre import Theatre


async def test_its_plan_has_an_example_of_every_reason(theatre: Theatre, alice: Caller) -> None:
    """Each named person is left out for the reason they stand for, and some wait for their morning or the young device."""
    await theatre.build(alice.user_id)
    async with theatre.db.transaction(theatre.workspace) as tx:
        campaign = await campaigns.find(tx, theatre.workspace, theatre.rules)
        made = await plan.make(tx, theatre.workspace, campaign.draft, theatre.rules)
    assert {each.reason: each.count for each in made.shares.exclusions} == {part.value: 1 for part in people.EXAMPLES}
    assert {each.cause for each in made.moved} == {"quiet_hours", "device_limit"}
    assert made.shares.will_send == made.shares.matched - len(people.EXAMPLES)
    assert made.line.is_present


async def test_every_scene_shows(theatre: Theatre, alice: Caller) -> None:
    await theatre.build(alice.user_id)
    await theatre.begin(theatre.rules)
    await theatre.play_all()
    assert await theatre.played() == [scene.value for scene in scenes.Scene]
    (stop,) = await theatre.sql("SELECT * FROM inbound_messages WHERE meaning = 'stop'")
    (who,) = await theatre.sql("SELECT phone FROM persons WHERE id = $1", stop["person_id"])
    assert who["phone"] is None, "only an opaque id is known"
    assert await theatre.sql("SELECT 1 FROM suppressions WHERE person_id = $1 AND released_at IS NULL", stop["person_id"])
    (please,) = await theatre.sql("SELECT * FROM inbound_messages WHERE meaning = 'intent'")
    (held,) = await theatre.sql("SELECT * FROM holds WHERE inbound_id = $1", please["id"])
    assert held["ended_at"] is None
    (waits,) = await theatre.sql(
        "SELECT state FROM messages WHERE source_id = $1 AND person_id = $2", theatre.rules, please["person_id"]
    )
    assert waits["state"] == "queued"
    assert (await theatre.states(theatre.rules))["unknown"] == 1, "the lost answer"
    absent = "SELECT name, state FROM messages WHERE source_id = $1 AND reason = 'not_on_whatsapp'"
    assert [tuple(row) for row in await theatre.sql(absent, theatre.rules)] == [("Nobody Here", "suppressed")]
    waiting = {row["waiting_for"] for row in await theatre.sql("SELECT waiting_for FROM messages WHERE state = 'queued'")}
    assert "device_limit" in waiting, "the young device"
    (campaign,) = await theatre.sql("SELECT * FROM campaigns WHERE id = $1", theatre.rules)
    assert (campaign["status"], campaign["status_reason"]) == ("paused", "device_restricted")
    (locked,) = await theatre.sql("SELECT id, name FROM devices WHERE state = 'restricted'")
    assert campaign["pause_cause"]["device_id"] == locked["id"]
    assert campaign["pause_cause"]["words"].startswith(f"{locked['name']}: WhatsApp lets this number start no new chats")
    assert locked["name"] != "Demo: Sales", "the young device has its own story"
    queued = await theatre.sql("SELECT DISTINCT device_id FROM messages WHERE source_id = $1 AND state = 'queued'", theatre.rules)
    assert locked["id"] in {row["device_id"] for row in queued}, "its people wait where they are"


async def test_a_restart_repeats_no_scene(theatre: Theatre, alice: Caller) -> None:
    await theatre.build(alice.user_id)
    await theatre.begin(theatre.rules)
    while len(await theatre.played()) < 2:
        await theatre.play(1)
    theatre.director = director.Director(theatre.db, cluster.LocalBus(), theatre.clock, theatre.keeper)
    await theatre.play_all()
    assert await theatre.played() == [scene.value for scene in scenes.Scene]
    assert len(await theatre.sql("SELECT 1 FROM inbound_messages WHERE meaning = 'stop'")) == 1
    assert len(await theatre.sql("SELECT 1 FROM jobs WHERE kind = $1", director.JOB)) == 1


async def test_two_directors_play_each_scene_once(theatre: Theatre, alice: Caller) -> None:
    await theatre.build(alice.user_id)
    await theatre.begin(theatre.rules)
    other = director.Director(theatre.db, theatre.bus, theatre.clock, theatre.keeper)
    await theatre.wait(asyncio.gather(theatre.director.look(), other.look()))
    assert len(await theatre.sql("SELECT 1 FROM jobs WHERE kind = $1", director.JOB)) == 1
    assert (await theatre.played()).count(scenes.Scene.LOST_ANSWER.value) == 1


async def test_a_play_that_somebody_ends_is_over(theatre: Theatre, alice: Caller) -> None:
    """Cancelled, or removed with the demo: its job ends, and none is begun for what is gone."""
    await theatre.build(alice.user_id)
    await theatre.begin(theatre.rules)
    await theatre.play(2)
    assert await theatre.played()
    await theatre.wait(theatre.demo.remove(theatre.workspace))
    await theatre.wait(theatre.director._play(theatre.workspace, theatre.rules))
    await theatre.director.look()
    (job,) = await theatre.sql("SELECT status FROM jobs WHERE kind = $1", director.JOB)
    assert job["status"] == "cancelled"


async def test_welcome_has_no_scenes(theatre: Theatre, alice: Caller) -> None:
    await theatre.build(alice.user_id)
    await theatre.begin(theatre.welcome)
    await theatre.play(10)
    assert await theatre.sql("SELECT 1 FROM jobs WHERE kind = $1", director.JOB) == []
    counts = await theatre.states(theatre.welcome)
    assert sum(counts.values()) == people.WELCOMED
    assert counts.get("delivered", 0) + counts.get("read", 0) > 0
