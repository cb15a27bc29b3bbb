"""The first minute on an empty database, whatever the clocks say: by hand, and through the guided demo.

Every recipient's clock stands at three in the morning: their leads say so by a zone chosen for the hour of the test. The day
of the week cannot be chosen on a real server; so a closed day stands in for Sunday: the same campaign under a linked device's
hours, with today closed, would wait for all of them. `tests/demo/test_sunday.py` plays a real Sunday with a clock of its own.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.server import Server, wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

MINUTE = 60.0
NUMBERS = ("60123450001", "60123450002", "60123450003")


def night_zone(now: datetime) -> str:
    """A zone where it is between three and four in the morning."""
    ahead = (3 - now.hour) % 24
    hours = ahead if ahead <= 12 else ahead - 24
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/UTC"  # these names count westwards


def waiting(server: Server, body: dict[str, Any], zone: str) -> tuple[int, set[str]]:
    """How many would wait for their morning under a linked device's hours with today closed, and until when by their clocks."""
    today = datetime.now(ZoneInfo(zone)).isoweekday()
    strict = {"quiet_start": "08:00", "quiet_end": "21:00", "quiet_days": [today]}
    plan = server.call("POST", "/campaigns/plan", json={**body, "rules": strict})
    people = server.call("GET", f"/plans/{plan['plan_id']}/recipients", params={"limit": 200})["items"]
    moved = sum(each["count"] for each in plan["moved"] if each["cause"] == "quiet_hours")
    return moved, {each["local_time"] for each in people if each["moved_by"] == "quiet_hours"}


def delivered(server: Server, campaign: str) -> int:
    return int(server.call("GET", f"/campaigns/{campaign}")["counts"]["delivered"])


def test_a_campaign_made_by_hand_is_delivered_within_the_first_minute(server: Server) -> None:
    server.start()
    began = time.monotonic()
    zone = night_zone(datetime.now(UTC))
    server.sign_in()
    device = server.call("POST", "/devices", json={"name": "First", "driver": "simulator"})["id"]
    server.call("GET", f"/devices/{device}/qr", headers={"Accept": "application/json"})
    server.call("POST", f"/devices/{device}/simulate", json={"action": "scan"})
    for number in NUMBERS:
        lead = {"name": "Aisyah", "phone": f"+{number}", "device_id": device, "niche": "FIRST", "time_zone": zone}
        server.call("POST", "/leads", json=lead)
    body = {"title": "First", "niche": "FIRST", "target_status": "all", "message": "Hello {{ name }}!"}
    campaign = server.call("POST", "/campaigns", json=body)["id"]
    wait_for(lambda: delivered(server, campaign) >= 1, MINUTE)
    took = time.monotonic() - began
    assert datetime.now(ZoneInfo(zone)).hour in (3, 4), "their night is not over"
    moved, mornings = waiting(server, body, zone)
    tomorrow = (datetime.now(ZoneInfo(zone)) + timedelta(days=1)).date().isoformat()
    print(f"first delivered message {took:.1f} s after the first page; under stricter rules {moved} would wait until {mornings}")
    assert took <= MINUTE
    assert moved == len(NUMBERS), "so it was night and a closed day for every one of them"
    assert {each[:13] for each in mornings} == {f"{tomorrow}T08"}


def test_the_guided_demo_is_delivered_within_the_first_minute(server: Server) -> None:
    """Sign in, show me the demo, start, yes: four clicks."""
    server.start()
    began = time.monotonic()
    server.sign_in()
    job = server.call("POST", "/demo")
    job = wait_for(lambda: (j := server.call("GET", f"/jobs/{job['id']}"))["status"] not in ("queued", "running") and j, MINUTE)
    assert job["status"] == "done", job["error"]
    built = time.monotonic() - began
    shown = server.call("GET", "/demo")
    welcome = shown["campaign_id"]
    assert delivered(server, welcome) == 0
    server.call("POST", f"/campaigns/{welcome}/trigger")
    wait_for(lambda: delivered(server, welcome) >= 1, MINUTE)
    took = time.monotonic() - began
    print(f"demo built after {built:.1f} s, its first message delivered after {took:.1f} s")
    assert took <= MINUTE
    plan = server.call("POST", f"/campaigns/{shown['rules_campaign_id']}/plan")
    assert {"quiet_hours"} <= {each["cause"] for each in plan["moved"]}, "somewhere it is night, and Welcome went there too"
    asleep = waiting(server, {"title": "x", "niche": "WELCOME", "target_status": "all", "message": "x"}, "Etc/UTC")[0]
    assert asleep > 0
