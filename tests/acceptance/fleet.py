"""Fills a real server through its API: devices linked at the simulator, leads by CSV, a campaign."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.acceptance.server import Server, wait_for

FAST = {"per_minute": 600, "per_hour": 20_000, "per_day": 100_000}


async def lift_quota(server: Server, devices: int) -> None:
    """Let the workspace have that many devices (an administrator's act)."""
    await server.sql("UPDATE workspaces SET device_limit = $1", devices)


def loosen(server: Server) -> None:
    """Let simulated devices be as fast as `FAST`: a change of the rules, as the workspace's owner makes it."""
    values = {f"device_{name}": most for name, most in FAST.items()}
    body = {"kind": "simulator", "values": values, "reason": "A load test among simulated people."}
    shown = server.call("PUT", "/policy", json=body)
    [found] = [each for each in shown["kinds"] if each["kind"] == "simulator"]
    assert {rule["name"]: rule["value"] for rule in found["rules"] if rule["name"] in values} == values


def add_devices(server: Server, count: int) -> list[str]:
    """Linked devices that are online, each as fast as its own limits say."""
    loosen(server)

    def one(number: int) -> str:
        made = server.call("POST", "/devices", json={"name": f"Device {number}", "driver": "simulator", "limits": FAST})
        server.call("POST", f"/devices/{made['id']}/connect")
        server.call("GET", f"/devices/{made['id']}/qr", headers={"Accept": "application/json"})
        server.call("POST", f"/devices/{made['id']}/simulate", json={"action": "scan", "phone": f"6011{10_000_000 + number}"})
        return str(made["id"])

    with ThreadPoolExecutor(8) as crowd:
        ids = list(crowd.map(one, range(count)))
    wait_for(lambda: online(server) == count, 60)
    return ids


def online(server: Server) -> int:
    """How many devices are online."""
    listed, cursor = 0, None
    while True:
        query = {"limit": 200, "state": "online"} | ({"cursor": cursor} if cursor else {})
        page = server.call("GET", "/devices", params=query)
        listed += len(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return listed


def import_leads(server: Server, devices: list[str], each: int) -> dict[str, Any]:
    """So many leads for each device, in one file."""
    text = io.StringIO()
    text.write("name,phone,niche,device_id\n")
    number = 0
    for _ in range(each):
        for device in devices:
            text.write(f"Lead {number},6012{3_000_000 + number},CRASH,{device}\n")
            number += 1
    files = {"file": ("leads.csv", text.getvalue().encode(), "text/csv")}
    return dict(server.call("POST", f"/devices/{devices[0]}/leads/import", files=files))


def launch(server: Server, least: float, most: float) -> str:
    """A campaign to all of them, now."""
    body = {
        "title": "Crash loop",
        "niche": "CRASH",
        "target_status": "all",
        "message": "Hello {{ name }}",
        "min_delay_seconds": least,
        "max_delay_seconds": most,
    }
    return str(server.call("POST", "/campaigns", json=body)["id"])
