"""A workspace's own words: added by its owner, never taken away, tried out before."""

import asyncio

import pytest
from fastapi import FastAPI

from hantar.accounts.model import Caller
from hantar.consent import http_keywords, keywords, words
from hantar.kit import clock, cluster, db
from tests import cast


@pytest.fixture
def app(database: db.Database, fake_clock: clock.FakeClock, bus: cluster.LocalBus) -> FastAPI:
    return cast.make_app(database, fake_clock, bus, routers=[http_keywords.router])


def body(word: str, kind: str = "stop", language: str = "ms") -> dict[str, str]:
    return {"word": word, "kind": kind, "language": language}


async def test_ours_are_listed_with_their_review(http: cast.Http, bob: Caller) -> None:
    reply = await http(bob).get("/api/keywords")
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert found["version"] == words.VERSION
    assert found["own"] == []
    by_code = {each["code"]: each for each in found["languages"]}
    assert len(by_code) == 9
    assert by_code["en"]["stop"]["verified"] is True
    assert "stop" in by_code["en"]["stop"]["words"]
    assert by_code["ms"]["stop"] == {
        "words": ["berhenti", "henti", "batal", "tak nak", "tidak mahu", "jangan hantar", "keluar"],
        "verified": False,
        "note": "draft, awaiting a native speaker",
    }
    assert not any(each["start"]["verified"] for each in by_code.values())


async def test_an_added_word_counts_at_once_and_is_audited(
    http: cast.Http, alice: Caller, bob: Caller, database: db.Database
) -> None:
    tried = {"text": "  CUKUPLAH!! "}
    assert (await http(bob).post("/api/keywords/test", json=tried)).json()["meaning"] == "none"
    reply = await http(alice).post("/api/keywords", json=body(" Cukuplah! "))
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert (made["word"], made["folded"], made["kind"], made["language"]) == ("Cukuplah!", "cukuplah", "stop", "ms")
    assert made["created_by"] == alice.user_id
    assert (await http(bob).get("/api/keywords")).json()["own"] == [made]
    told = (await http(bob).post("/api/keywords/test", json=tried)).json()
    assert told == {"meaning": "stop", "word": "cukuplah", "language": None, "folded": "cukuplah"}
    async with database.transaction(alice.workspace_id) as tx:
        assert await keywords.own(tx) == {"cukuplah": "stop"}
        entry = await tx.fetchrow("SELECT * FROM audit")
    assert entry is not None
    assert (entry["action"], entry["object_kind"], entry["object_id"]) == ("keyword.added", "keyword", made["id"])
    assert entry["after"] == {"language": "ms", "word": "Cukuplah!", "kind": "stop"}


@pytest.mark.parametrize(
    ("text", "meaning", "word", "language"),
    [
        ("STOP!!🙏", "stop", "stop", "en"),
        ("Arrêt", "stop", "arret", "fr"),
        ("mula", "start", "mula", "ms"),
        ("please stop", "intent", None, None),
        ("berapa harga?", "question", None, None),
        ("Cancel my order", "none", None, None),
        ("", "none", None, None),
    ],
)
async def test_trying_a_message(
    http: cast.Http, bob: Caller, text: str, meaning: str, word: str | None, language: str | None
) -> None:
    told = (await http(bob).post("/api/keywords/test", json={"text": text})).json()
    assert (told["meaning"], told["word"], told["language"]) == (meaning, word, language)
    assert told["folded"] == words.fold(text)


@pytest.mark.parametrize(
    ("word", "kind", "status", "code"),
    [
        ("🙏!!", "stop", 422, "empty_word"),
        ("\u200b.", "stop", 422, "empty_word"),
        ("x" * 61, "stop", 422, "too_long"),
        ("x", "stop", 422, "too_common"),
        ("X.", "start", 422, "too_common"),
        ("1", "stop", 422, "too_common"),
        ("12", "start", 422, "too_common"),
        ("Ok!", "start", 422, "too_common"),
        ("Terima kasih", "stop", 422, "too_common"),
        ("谢谢", "start", 422, "too_common"),
        ("stop", "start", 409, "keyword_conflict"),
        ("ＳＴＯＰ！", "start", 409, "keyword_conflict"),
        ("Arrêt", "stop", 409, "keyword_exists"),
        ("Start", "stop", 409, "keyword_conflict"),
        ("please stop", "start", 409, "keyword_conflict"),
    ],
)
async def test_words_that_are_refused(http: cast.Http, alice: Caller, word: str, kind: str, status: int, code: str) -> None:
    reply = await http(alice).post("/api/keywords", json=body(word, kind))
    assert reply.status_code == status, reply.text
    problem = reply.json()
    assert code in (problem["code"], *(each["code"] for each in problem.get("errors", ())))
    assert (await http(alice).get("/api/keywords")).json()["own"] == []


async def test_one_chinese_character_is_a_word(http: cast.Http, alice: Caller) -> None:
    reply = await http(alice).post("/api/keywords", json=body("退", language="zh"))
    assert reply.status_code == 201, reply.text


async def test_a_word_counts_once(http: cast.Http, alice: Caller) -> None:
    client = http(alice)
    assert (await client.post("/api/keywords", json=body("cukuplah"))).status_code == 201
    assert (await client.post("/api/keywords", json=body("CUKUPLAH"))).json()["code"] == "keyword_exists"
    assert (await client.post("/api/keywords", json=body("cukuplah", "start"))).json()["code"] == "keyword_conflict"


async def test_two_at_once_add_it_once(database: db.Database, alice: Caller) -> None:
    async def add() -> bool:
        try:
            async with database.transaction(alice.workspace_id) as tx:
                await keywords.add(tx, alice.workspace_id, "stop", "cukuplah", "ms", alice.user_id)
        except keywords.KeywordExists:
            return False
        return True

    assert sorted(await asyncio.gather(*(add() for _ in range(4)))) == [False, False, False, True]


async def test_no_more_than_a_list_holds(http: cast.Http, alice: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keywords, "MOST", 1)
    assert (await http(alice).post("/api/keywords", json=body("cukuplah"))).status_code == 201
    assert (await http(alice).post("/api/keywords", json=body("sudahlah"))).json()["code"] == "too_many_keywords"


async def test_who_may(http: cast.Http, database: db.Database, alice: Caller, bob: Caller, vera: Caller) -> None:
    assert (await http(bob).post("/api/keywords", json=body("cukuplah"))).status_code == 403
    assert (await http(vera).get("/api/keywords")).status_code == 403
    assert (await http(vera).post("/api/keywords/test", json={"text": "x"})).status_code == 403
    assert (await http(None).get("/api/keywords")).status_code == 401
    reading = {"Authorization": f"Bearer {await cast.add_key(database, alice, 'consent:read')}"}
    assert (await http(None).get("/api/keywords", headers=reading)).status_code == 200
    refused = await http(None).post("/api/keywords", json=body("cukuplah"), headers=reading)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    writing = {"Authorization": f"Bearer {await cast.add_key(database, alice, 'consent:write')}"}
    assert (await http(None).post("/api/keywords", json=body("cukuplah"), headers=writing)).status_code == 201


async def test_mallory_sees_and_hears_nothing(http: cast.Http, alice: Caller, mallory: Caller) -> None:
    await http(alice).post("/api/keywords", json=body("cukuplah"))
    assert (await http(mallory).get("/api/keywords")).json()["own"] == []
    assert (await http(mallory).post("/api/keywords/test", json={"text": "cukuplah"})).json()["meaning"] == "none"
    assert (await http(mallory).post("/api/keywords", json=body("cukuplah", "start"))).status_code == 201
    assert (await http(alice).post("/api/keywords/test", json={"text": "cukuplah"})).json()["meaning"] == "stop"


async def test_nothing_takes_a_word_away(app: FastAPI, database: db.Database, alice: Caller) -> None:
    methods = {method for route in app.state.routes if "keywords" in route.path for method in route.methods}
    assert methods == {"GET", "POST"}
    async with database.transaction(alice.workspace_id) as tx:
        rights = await tx.fetch(
            """SELECT privilege_type AS right FROM information_schema.table_privileges
               WHERE table_name = 'keywords' AND grantee = 'hantar_app'"""
        )
    assert {row["right"] for row in rights} == {"SELECT", "INSERT"}
