"""What the README tells programs to do, done as it stands there, against a real server."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.acceptance import fleet
from tests.acceptance.server import Server, wait_for

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]
README = Path(__file__).parents[2] / "README.md"


def test_the_commands_of_the_readme_work(server: Server, tmp_path: Path) -> None:
    server.start()
    server.sign_in()
    scopes = ["devices:read", "devices:write", "devices:control", "leads:read", "leads:write"]
    scopes += ["campaigns:read", "campaigns:manage", "campaigns:send", "messages:send"]
    key = server.call("POST", "/api-keys", json={"name": "README", "scopes": scopes})["key"]
    (script,) = re.findall(r"```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    environ = {**os.environ, "HANTAR": f"http://127.0.0.1:{server.port}", "KEY": key}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Aisyah" in done.stdout
    assert (tmp_path / "qr.png").read_bytes().startswith(b"\x89PNG")
    assert not re.search(r'"failed_send":[1-9]', done.stdout)


def test_an_ordinary_stop_and_start_finds_everything(server: Server) -> None:
    server.start()
    server.sign_in()
    made = server.call("POST", "/devices", json={"name": "Stays", "driver": "simulator"})
    assert server.stop() == 0
    server.start()
    assert server.call("GET", f"/devices/{made['id']}")["name"] == "Stays"  # the sign-in stays too
    assert server.stop() == 0


def test_a_clean_stop_in_mid_send_leaves_nothing_unknown(server: Server) -> None:
    """F-39: stop claiming, let what is in flight end, give the leases back."""
    server.start()
    server.sign_in()
    devices = fleet.add_devices(server, 4)
    fleet.import_leads(server, devices, 20)
    campaign = fleet.launch(server, 0.1, 0.2)
    wait_for(lambda: server.call("GET", f"/campaigns/{campaign}")["counts"]["sent"] >= 8, 30)
    assert server.stop() == 0
    server.start()
    wait_for(lambda: "leases.taken" in server.log.rsplit("Hantar is ready", 1)[1], 20)
    assert '"rescued": 0' in server.log.rsplit("Hantar is ready", 1)[1], "a clean stop left something claimed"
    counts = wait_for(
        lambda: (c := server.call("GET", f"/campaigns/{campaign}"))["status"] == "finished" and c["counts"], 60, every=0.3
    )
    assert counts["unconfirmed"] == 0
    assert counts["sent"] + counts["failed"] + counts["skipped"] == 80, "those who are not on WhatsApp are skipped"
