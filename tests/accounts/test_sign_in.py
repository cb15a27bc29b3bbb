"""Signing in and out: cookies, limits, enumeration, foreign origins (F-21, F-27, F-28, F-29)."""

import hashlib

import pytest

from hantar.accounts import model, passwords, service
from hantar.settings import Credentials, Settings
from tests import cast

GOOD = {"full_name": "Carol", "email": "Carol@Example.com", "password": "gravel lantern ocean 7"}


async def register(http, **more):
    return await http(None).post("/register", json=GOOD | more)


async def test_registering_makes_an_account_with_a_workspace_of_its_own(http, alice):
    client = http(None)
    reply = await client.post("/api/register", json=GOOD)
    assert reply.status_code == 201
    assert reply.json()["user"]["role"] == "owner"
    assert reply.json()["user"]["is_admin"] is False
    me = (await client.get("/api/me")).json()
    assert me["user"]["email"] == "Carol@Example.com"
    assert me["workspace"]["id"] != alice.workspace_id
    assert "settings:write" in me["permissions"]
    assert me["limits"] == {"devices": 15}


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_signing_in_and_out_works_with_and_without_api(http, prefix):
    await register(http)
    client = http(None)
    reply = await client.post(f"{prefix}/login", json={"email": " carol@example.COM", "password": GOOD["password"]})
    assert reply.status_code == 200
    assert reply.json()["user"]["full_name"] == "Carol"
    assert (await client.get("/api/me")).status_code == 200
    stolen = dict(client.cookies)
    assert (await client.post(f"{prefix}/logout")).status_code == 204
    assert client.cookies.get("hantar") is None
    thief = http(None)
    thief.cookies.update(stolen)
    assert (await thief.get("/api/me")).status_code == 401


async def test_the_cookie_is_kept_from_scripts_and_stored_as_a_hash(http, database):
    reply = await register(http)
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    token = reply.cookies["hantar"]
    async with database.door() as tx:
        row = await tx.fetchrow("SELECT token_hash FROM sign_ins")
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()


async def test_under_https_the_cookie_is_secure_and_bound_to_the_host(database, fake_clock, bus):
    app = cast.make_app(database, fake_clock, bus, settings=Settings(public_url="https://hantar.example.com"))
    async with cast.client(app, None) as client:
        reply = await client.post("/api/register", json=GOOD)
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-hantar=")
        assert "; Secure" in cookie
        assert "Path=/" in cookie
        assert "strict-transport-security" in reply.headers
        token = cookie.partition("=")[2].partition(";")[0]
        plain = await client.get("/api/me", headers={"cookie": f"hantar={token}"})
        assert plain.status_code == 401
        assert (await client.get("/api/me", headers={"cookie": f"__Host-hantar={token}"})).status_code == 200


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(http):
    await register(http)
    wrong = await http(None).post("/login", json={"email": GOOD["email"], "password": "x"})
    unknown = await http(None).post("/login", json={"email": "nobody@example.com", "password": "x"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == unknown.json()["code"] == "invalid_credentials"
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert "set-cookie" not in wrong.headers


async def test_an_unknown_address_costs_a_hash_too(database, fake_clock):
    """A stop-watch would make this test lie now and then, so it counts the hashes that are computed (F-27)."""
    checked = []

    class Counting(passwords.Passwords):
        def verify(self, stored, password):
            checked.append(password)
            return super().verify(stored, password)

    accounts = service.Accounts(database, fake_clock, Settings(), Counting())
    for email in ("nobody@example.com", "nobody.else@example.com"):
        with pytest.raises(model.InvalidCredentials):
            await accounts.sign_in(email, "x", service.From("1.2.3.4", None))
    assert checked == ["x", "x"]


async def test_guessing_is_slowed_per_account_and_never_locked_for_good(http, fake_clock):
    await register(http)
    client = http(None)
    for _ in range(10):
        assert (await client.post("/login", json={"email": GOOD["email"], "password": "x"})).status_code == 401
    refused = await client.post("/login", json={"email": GOOD["email"].upper(), "password": GOOD["password"]})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 300
    await fake_clock.advance(300)
    right = {"email": GOOD["email"], "password": GOOD["password"]}
    assert (await client.post("/login", json=right)).status_code == 200


@pytest.mark.slow
async def test_guessing_many_accounts_from_one_address_is_slowed(database, fake_clock):
    accounts = service.Accounts(database, fake_clock, Settings())
    codes = []
    for number in range(55):
        try:
            await accounts.sign_in(f"a{number}@example.com", "x", service.From("1.2.3.4", None))
        except Exception as error:
            codes.append(type(error).__name__)
    assert codes == ["InvalidCredentials"] * 50 + ["TooMany"] * 5


async def test_a_sign_in_slides_and_ends_after_a_day_without_use(http, alice, fake_clock, database):
    client = http(alice)

    async def used_at():
        async with database.door() as tx:
            return await tx.fetchval("SELECT last_used_at FROM sign_ins")

    first = await used_at()
    await fake_clock.advance(59)
    reply = await client.get("/api/me")
    assert (await used_at(), "set-cookie" in reply.headers) == (first, False)
    await fake_clock.advance(20 * 3600)
    reply = await client.get("/api/me")
    assert (await used_at(), "set-cookie" in reply.headers) == (fake_clock.now(), True)
    await fake_clock.advance(20 * 3600)
    assert (await client.get("/api/me")).status_code == 200
    await fake_clock.advance(24 * 3600 + 1)
    assert (await client.get("/api/me")).status_code == 401


async def test_changing_the_password_ends_all_other_sign_ins(http, bus):
    told = []
    bus.subscribe(service.SIGNED_OUT, told.append)
    first, second = http(None), http(None)
    await first.post("/api/register", json=GOOD)
    await second.post("/api/login", json={"email": GOOD["email"], "password": GOOD["password"]})
    wrong = await first.post("/api/me/password", json={"current_password": "x", "new_password": "gravel lantern sea 8"})
    assert wrong.json()["errors"][0]["field"] == "current_password"
    body = {"current_password": GOOD["password"], "new_password": "another gravel lantern 8"}
    assert (await first.post("/api/me/password", json=body)).status_code == 204
    assert (await first.get("/api/me")).status_code == 200
    assert (await second.get("/api/me")).status_code == 401
    assert len(told[0].data["ids"]) == 1
    old = await http(None).post("/login", json={"email": GOOD["email"], "password": GOOD["password"]})
    assert old.status_code == 401


async def test_sign_ins_are_listed_and_ended_one_by_one(http, alice, mallory):
    mine = (await http(alice).get("/api/me/sign-ins")).json()
    assert [(each["id"], each["current"]) for each in mine] == [(alice.sign_in_id, True)]
    assert (await http(mallory).delete(f"/api/me/sign-ins/{alice.sign_in_id}")).status_code == 404
    assert (await http(alice).get("/api/me")).status_code == 200
    assert (await http(alice).delete(f"/api/me/sign-ins/{alice.sign_in_id}")).status_code == 204
    assert (await http(alice).get("/api/me")).status_code == 401


@pytest.mark.parametrize(
    "password", ["short", "a" * 12, "password1234", "123456123456", "carol@example.com", "Carol Carol Carol", "x" * 300]
)
async def test_a_weak_password_is_refused(http, password):
    reply = await register(http, password=password)
    assert (reply.status_code, reply.json()["code"]) == (422, "weak_password")
    assert reply.json()["errors"][0]["field"] == "password"


async def test_an_address_has_one_account_whatever_its_case(http):
    await register(http)
    reply = await register(http, email="carol@EXAMPLE.com")
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (422, "email_taken")


@pytest.mark.parametrize("email", ["", "x", "a@b", "a b@c.de", "@c.de", "a@" + "b" * 300 + ".de", "a@b.de\x00"])
async def test_what_cannot_be_an_address_is_refused(http, email):
    assert (await register(http, email=email)).status_code == 422


@pytest.mark.parametrize("word", ["invite", "closed"])
async def test_closed_registration_is_closed(database, fake_clock, bus, word):
    app = cast.make_app(database, fake_clock, bus, settings=Settings(registration=word))
    async with cast.client(app, None) as client:
        reply = await client.post("/register", json=GOOD)
        assert (reply.status_code, reply.json()["code"]) == (403, "registration_closed")
        assert (await client.get("/api/setup")).json()["registration_open"] is False


HOSTILE = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://hantar.test.evil.example"},
    {"origin": "http://hantar.test:81"},
    {"sec-fetch-site": "cross-site"},
    {"origin": "http://hantar.test", "sec-fetch-site": "cross-site"},
]


@pytest.mark.parametrize("headers", HOSTILE)
async def test_a_changing_request_from_a_foreign_page_is_refused(http, alice, headers):
    reply = await http(alice).put("/api/me", json={"full_name": "Evil"}, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (403, "csrf")
    assert (await http(None).post("/login", json={"email": "a", "password": "b"}, headers=headers)).status_code == 403
    assert (await http(alice).get("/api/me", headers=headers)).json()["user"]["full_name"] == "Alice"


async def test_our_own_pages_may_change_things(http, alice):
    own = {"origin": "http://hantar.test", "sec-fetch-site": "same-origin"}
    assert (await http(alice).patch("/api/me", json={"full_name": "Al"}, headers=own)).json()["user"]["full_name"] == "Al"


async def test_nobody_else_s_page_may_read_an_answer(http, alice):
    reply = await http(alice).get("/api/me", headers={"origin": "null"})
    assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_an_inactive_account_is_out(http, alice, database):
    async with database.door() as tx:
        await tx.execute("UPDATE users SET is_active = false WHERE id = $1", alice.user_id)
    assert (await http(alice).get("/api/me")).status_code == 401


# ---------------------------------------------------------------- the first start
async def test_the_first_administrator_gets_a_password_that_is_shown_once(database, http):
    password = await service.ensure_admin(database, Settings())
    assert password
    assert len(password) >= 24
    assert await service.ensure_admin(database, Settings()) is None
    reply = await http(None).post("/login", json={"email": "admin", "password": password})
    assert reply.json()["user"]["is_admin"] is True


async def test_the_first_administrator_may_come_from_the_environment(database, http):
    settings = Settings(basic_auth=Credentials("root", "a given pass"))
    assert await service.ensure_admin(database, settings) is None
    assert (await http(None).post("/login", json={"email": "root", "password": "a given pass"})).status_code == 200
    assert await service.ensure_admin(database, Settings()) is None
    assert (await http(None).post("/login", json={"email": "admin", "password": "admin"})).status_code == 401


async def test_the_first_start_is_finished_by_the_administrator_alone(database, http, alice, tmp_path):
    password = await service.ensure_admin(database, Settings())
    public = (await http(None).get("/api/setup")).json()
    assert public == {"first_start": True, "registration_open": True, "registration": None, "checks": []}
    body = {
        "full_name": "Aisha", "email": "aisha@example.com", "time_zone": "Asia/Singapore", "default_country": "sg",
        "registration": "closed", "accept_terms": True,
    }  # fmt: skip
    assert (await http(None).post("/api/setup", json=body)).status_code == 401
    assert (await http(alice).post("/api/setup", json=body)).status_code == 403
    admin = http(None)
    await admin.post("/login", json={"email": "admin", "password": password})
    assert {c["name"] for c in (await admin.get("/api/setup")).json()["checks"]} == {"database", "time_zone", "storage"}
    refused = await admin.post("/api/setup", json=body | {"accept_terms": False})
    assert refused.json()["errors"][0]["field"] == "accept_terms"
    wrong = await admin.post("/api/setup", json=body | {"time_zone": "Mars/Olympus"})
    assert wrong.json()["errors"][0]["code"] == "unknown_time_zone"
    done = (await admin.post("/api/setup", json=body)).json()
    assert (done["first_start"], done["registration"]) == (False, "closed")
    settings = (await admin.get("/api/settings")).json()
    assert settings == {"name": "Aisha", "time_zone": "Asia/Singapore", "default_country": "SG"}
    assert (await admin.get("/api/me")).json()["user"]["email"] == "aisha@example.com"
    assert (await register(http)).status_code == 403
