"""Import and export as Alice uses them, and what Mallory gets."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from hantar.accounts.model import Caller
from hantar.kit import db
from tests import cast
from tests.leads.conftest import AddDevice, AddLead

NOBODY = "018f0000-0000-7000-8000-000000000000"
Send = Callable[..., Awaitable[httpx.Response]]

SHEET = """\ufeffname,phone,niche,status,additional_note,extra
Ann,60123456789,"EXSTART,ITADRESS",Customer,'=SUM(A1),x
Ben 🎉,012-999 9999,,,"two
lines",
,60121111111,,,,
Cem,6.01E+10,,,,
Dee,abc,,friend,,
Eve,+60 12 345 6789,,,,

Fay,60123334444,,,,,too many
Gus,60125556666
"""


@pytest.fixture
def send(http: cast.Http) -> Send:
    """`await send(alice, device, text, dry_run="true")`: a file to the import."""

    async def post(caller: Caller, device_id: str, data: str | bytes, **form: Any) -> httpx.Response:
        content = data.encode() if isinstance(data, str) else data
        files = {"file": ("leads.csv", content, "text/csv")}
        return await http(caller).post(f"/api/devices/{device_id}/leads/import", files=files, data=form)

    return post


async def imported(send: Send, caller: Caller, device_id: str, data: str | bytes, **form: Any) -> dict[str, Any]:
    reply = await send(caller, device_id, data, **form)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def total(http: cast.Http, caller: Caller) -> int:
    return int((await http(caller).get("/api/leads?with_total=true")).json()["total"])


async def test_a_file_becomes_leads_and_wrong_rows_are_told(
    http: cast.Http, alice: Caller, add_device: AddDevice, send: Send
) -> None:
    device = await add_device(alice)
    result = await imported(send, alice, device, SHEET)
    assert {name: result[name] for name in ("success", "created", "updated", "skipped", "failed", "total")} == {
        "success": 3,
        "created": 3,
        "updated": 0,
        "skipped": 1,
        "failed": 4,
        "total": 8,
    }
    assert [(each["row"], each["column"], each["code"]) for each in result["errors"]] == [
        (4, "name", "required"),
        (5, "phone", "invalid_phone"),
        (6, "phone", "invalid_phone"),
        (6, "status", "not_one_of"),
        (9, None, "ragged"),
    ]
    leads = (await http(alice).get("/api/leads?sort=name")).json()["items"]
    assert [each["name"] for each in leads] == ["Ann", "Ben 🎉", "Gus"]
    assert leads[0]["niches"] == ["EXSTART", "ITADRESS"]
    assert leads[0]["target_status"] == "customer"
    assert leads[0]["additional_note"] == "=SUM(A1)"
    assert leads[0]["attributes"] == {}, "columns that nobody mapped are left alone"
    assert leads[0]["import_id"] == result["import_id"]
    assert leads[1]["additional_note"] == "two\nlines"
    assert leads[1]["phone"] == "60129999999"
    rows = (await http(alice).get(f"/api/imports/{result['import_id']}/rows?outcome=skipped")).json()["items"]
    assert rows[0]["row"] == 7
    assert (rows[0]["code"], rows[0]["message"]) == ("same_person_in_file", "Same person as line 2.")


async def test_a_dry_run_reports_the_same_and_stores_no_lead(
    http: cast.Http, alice: Caller, add_device: AddDevice, send: Send, database: db.Database
) -> None:
    device = await add_device(alice)
    dry = await imported(send, alice, device, SHEET, dry_run="true")
    assert await total(http, alice) == 0
    wet = await imported(send, alice, device, SHEET)
    assert {**dry, "import_id": ""} == {**wet, "import_id": ""}
    for query, made in (("dry_run=true", [dry]), ("dry_run=false", [wet]), (f"device_id={device}", [wet, dry])):
        found = (await http(alice).get(f"/api/imports?with_total=true&{query}")).json()
        assert [each["id"] for each in found["items"]] == [each["import_id"] for each in made]
        assert found["total"] == len(made)
    async with database.transaction(alice.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM import_lines") == 0


@pytest.mark.parametrize(
    ("on_duplicate", "counts"),
    [
        ("skip", {"created": 1, "updated": 0, "skipped": 2, "failed": 0}),
        ("update", {"created": 1, "updated": 1, "skipped": 1, "failed": 0}),
        ("fail", {"created": 1, "updated": 0, "skipped": 0, "failed": 2}),
    ],
)
async def test_people_the_device_has_are_treated_as_asked(
    http: cast.Http,
    alice: Caller,
    add_device: AddDevice,
    add_lead: AddLead,
    send: Send,
    on_duplicate: str,
    counts: dict[str, int],
) -> None:
    device = await add_device(alice)
    ann = await add_lead(alice, device, niche="A", additional_note="keep", attributes={"city": "Ipoh"})
    await add_lead(alice, device, name="Ben", phone="525512345678")
    data = "name,phone,niche,additional_note\nAnn B,60123456789,,\nBen,5215512345678,,\nCem,60129999999,x,\n"
    dry = await imported(send, alice, device, data, on_duplicate=on_duplicate, dry_run="true")
    result = await imported(send, alice, device, data, on_duplicate=on_duplicate)
    assert {name: result[name] for name in counts} == counts == {name: dry[name] for name in counts}
    now = (await http(alice).get(f"/api/leads/{ann['id']}")).json()
    assert now["name"] == ("Ann B" if on_duplicate == "update" else "Ann")
    assert (now["niche"], now["additional_note"], now["attributes"]) == ("A", "keep", {"city": "Ipoh"})


async def test_columns_are_mapped(http: cast.Http, alice: Caller, add_device: AddDevice, send: Send) -> None:
    device = await add_device(alice)
    data = "Kunde;Handy;Stadt;niche\nAnn;60123456789;Ipoh;X\n"
    mapping = {"kunde": "name", "Handy": "phone", "Stadt": "attributes.city", "niche": None}
    await imported(send, alice, device, data, mapping=json.dumps(mapping))
    lead = (await http(alice).get("/api/leads")).json()["items"][0]
    assert (lead["name"], lead["attributes"], lead["niche"]) == ("Ann", {"city": "Ipoh"}, "")


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        ({"mapping": "nonsense"}, "mapping", "invalid"),
        ({"mapping": "[1]"}, "mapping", "invalid"),
        ({"mapping": '{"nowhere": "name"}'}, "mapping", "unknown_column"),
        ({"mapping": '{"name": "password"}'}, "mapping", "unknown_field"),
        ({"mapping": '{"name": "attributes.bad name"}'}, "mapping", "unknown_field"),
        ({"mapping": '{"name": "phone", "phone": "phone"}'}, "mapping", "doubled_field"),
        ({"mapping": '{"name": null}'}, "mapping", "missing_column"),
        ({"delimiter": "|"}, "delimiter", "not_one_of"),
        ({"encoding": "klingon"}, "encoding", "not_one_of"),
        ({"default_country": "XX"}, "default_country", "unknown_country"),
        ({"on_duplicate": "explode"}, "on_duplicate", "not_one_of"),
        ({"dry_run": "perhaps"}, "dry_run", "invalid"),
    ],
)
async def test_a_bad_wish_is_refused_on_its_field(
    http: cast.Http, alice: Caller, add_device: AddDevice, send: Send, form: dict[str, str], field: str, code: str
) -> None:
    reply = await send(alice, await add_device(alice), "name,phone\nAnn,60123456789\n", **form)
    assert reply.status_code == 422, reply.text
    assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [(field, code)]
    assert await total(http, alice) == 0


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        (b"", "file", "empty"),
        (b"name,telefon\nAnn,1\n", "file", "missing_column"),
        (b"PK\x03\x04", "file", "not_csv"),
        (b"name,phone\nJos\xe9,60123456789\n", "encoding", "unknown_encoding"),
        (b'"name,phone\n', "file", "open_quote"),
        (b"na\x00me,phone\n", "file", "nul_byte"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    http: cast.Http, alice: Caller, add_device: AddDevice, send: Send, data: bytes, field: str, code: str
) -> None:
    reply = await send(alice, await add_device(alice), data)
    assert reply.status_code == 422, reply.text
    assert [(each["field"], each["code"]) for each in reply.json()["errors"]] == [(field, code)]
    assert (await http(alice).get("/api/imports")).json()["items"] == []


async def test_broken_rows_are_reported_and_the_others_stored(alice: Caller, add_device: AddDevice, send: Send) -> None:
    data = b"name,phone\nA\x00nn,60123456789\n" + b"x" * 140_000 + b",1\n" + b'"open,60121111111\nBen,60122222222\n'
    result = await imported(send, alice, await add_device(alice), data)
    assert [(each["row"], each["code"]) for each in result["errors"]] == [
        (2, "nul_byte"),
        (3, "cell_too_long"),
        (4, "open_quote"),
    ]
    assert (result["created"], result["failed"], result["total"]) == (1, 3, 4)


async def test_rows_may_name_another_own_device(
    http: cast.Http, alice: Caller, mallory: Caller, add_device: AddDevice, send: Send
) -> None:
    one, two, foreign = await add_device(alice), await add_device(alice, "Two"), await add_device(mallory)
    data = (
        "name,phone,device_id\nAnn,60123456789,\nBen,60123456789," + two + "\n"
        f"Cem,60121111111,{foreign}\nDee,60122222222,nonsense\n"
    )
    result = await imported(send, alice, one, data)
    assert (result["created"], result["failed"]) == (2, 2)
    assert {each["code"] for each in result["errors"]} == {"unknown_device"}
    assert await total(http, mallory) == 0


async def test_the_same_person_elsewhere_is_a_warning(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead, send: Send
) -> None:
    await add_lead(alice, await add_device(alice))
    result = await imported(send, alice, await add_device(alice, "Two"), "name,phone\nAnn,60123456789\n")
    assert result["created"] == 1
    detail = (await http(alice).get(f"/api/imports/{result['import_id']}")).json()
    assert detail["causes"] == [{"outcome": "warning", "code": "same_person", "count": 1}]
    assert (detail["status"], detail["success"]) == ("done", 1)


async def test_the_report_is_paged_and_filtered(http: cast.Http, alice: Caller, add_device: AddDevice, send: Send) -> None:
    data = "name,phone\n" + "".join(f"N{i},{'x' if i % 2 else '601234500' + f'{i:02d}'}\n" for i in range(20))
    result = await imported(send, alice, await add_device(alice), data)
    path = f"/api/imports/{result['import_id']}/rows"
    first = (await http(alice).get(f"{path}?limit=6&with_total=true")).json()
    second = (await http(alice).get(f"{path}?limit=6&cursor={first['next_cursor']}")).json()
    assert first["total"] == 10
    assert [each["row"] for each in first["items"] + second["items"]] == [i + 2 for i in range(20) if i % 2]
    assert second["next_cursor"] is None
    assert (await http(alice).get(f"{path}?outcome=warning&with_total=true")).json()["total"] == 0
    assert (await http(alice).get(f"{path}?code=invalid_phone&with_total=true")).json()["total"] == 10
    assert (await http(alice).get(f"{path}?cursor=WyJ4IiwxXQ")).status_code == 400
    errors = await http(alice).get(f"/api/imports/{result['import_id']}/errors.csv")
    assert errors.headers["content-type"].startswith("text/csv")
    assert len(errors.text.splitlines()) == 11
    assert errors.text.splitlines()[1].startswith("3,phone,invalid_phone,")


async def test_a_preview_reads_only_the_head(http: cast.Http, alice: Caller) -> None:
    data = "Full Name;Mobile;Status;Other\n" + "Ann;60123456789;prospect;x\n" * 50
    reply = await http(alice).post("/api/leads/import/preview", files={"file": ("x.csv", data.encode())})
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert (found["delimiter"], found["encoding"], len(found["rows"])) == (";", "utf-8", 5)
    assert found["mapping"] == {"Full Name": "name", "Mobile": "phone", "Status": "target_status", "Other": None}
    refused = await http(alice).post("/api/leads/import/preview", files={"file": ("x.csv", b"\xff\xfa\xe9")})
    assert refused.json()["errors"][0]["code"] == "unknown_encoding"


async def test_the_sample_can_be_imported(http: cast.Http, alice: Caller, add_device: AddDevice, send: Send) -> None:
    sample = await http(alice).get("/api/leads/import/sample.csv")
    result = await imported(send, alice, await add_device(alice), sample.content)
    assert (result["created"], result["failed"]) == (3, 0)


# ---------------------------------------------------------------- export
NASTY = [
    {"name": "=1+1", "niche": "+x,@y", "additional_note": 'a,b\r\n"c"\t;\''},
    {"name": "'=quoted", "trigger": "day1,=day2", "target_status": "customer"},
    {"name": "''－2", "additional_note": "＝SUM(A1)"},
    {"name": "مرحبا 🎉", "additional_note": "\u200f x"},
    {"name": '"', "additional_note": "a\rb"},
]


async def test_what_is_exported_comes_back_the_same(
    http: cast.Http, alice: Caller, mallory: Caller, add_device: AddDevice, add_lead: AddLead, send: Send
) -> None:
    device = await add_device(alice)
    for number, fields in enumerate(NASTY):
        await add_lead(alice, device, phone=f"6012345{number:04d}", **fields)
    exported = await http(alice).get(f"/api/devices/{device}/leads/export")
    assert exported.text.splitlines()[0] == "name,phone,niche,target_status,additional_note,device_id,trigger"
    unchanged = await imported(send, alice, device, exported.content, on_duplicate="update")
    assert (unchanged["updated"], unchanged["skipped"], unchanged["failed"]) == (0, 5, 0)
    elsewhere = await add_device(mallory)
    data = exported.content.replace(device.encode(), elsewhere.encode())
    assert (await imported(send, mallory, elsewhere, data))["created"] == 5
    again = await http(mallory).get("/api/leads/export")
    assert again.content == data


async def test_an_export_has_the_filters_of_the_list(
    http: cast.Http, alice: Caller, add_device: AddDevice, add_lead: AddLead
) -> None:
    device = await add_device(alice)
    await add_lead(alice, device, niche="FIT")
    await add_lead(alice, device, phone="60129999999", niche="OUTFIT")
    rows = (await http(alice).get("/api/leads/export?niche=fit")).text.splitlines()
    assert rows[1:] == [f"Ann,60123456789,FIT,prospect,,{device},"]


# ---------------------------------------------------------------- walls
async def test_mallory_gets_nothing(
    http: cast.Http, alice: Caller, mallory: Caller, add_device: AddDevice, add_lead: AddLead, send: Send
) -> None:
    device = await add_device(alice)
    await add_lead(alice, device)
    done = await imported(send, alice, device, "name,phone\nBen,x\n")
    hers = http(mallory)
    assert (await send(mallory, device, "name,phone\nAnn,60123456789\n")).status_code == 404
    assert (await hers.get(f"/api/devices/{device}/leads/export")).status_code == 404
    assert len((await hers.get("/api/leads/export")).text.splitlines()) == 1
    assert (await hers.get("/api/imports")).json()["items"] == []
    for path in ("", "/rows", "/errors.csv"):
        assert (await hers.get(f"/api/imports/{done['import_id']}{path}")).status_code == 404, path


async def test_a_viewer_exports_and_does_not_import(
    http: cast.Http, alice: Caller, vera: Caller, add_device: AddDevice, send: Send
) -> None:
    device = await add_device(alice)
    assert (await send(vera, device, "name,phone\n")).status_code == 403
    assert (await http(vera).post("/api/leads/import/preview", files={"file": b"x"})).status_code == 403
    assert (await http(vera).get("/api/leads/export")).status_code == 200
    assert (await http(None).get("/api/leads/export")).status_code == 401
    assert (await http(alice).get("/api/imports/nonsense")).status_code == 404
    assert (await http(alice).get(f"/api/devices/{NOBODY}/leads/export")).status_code == 404
