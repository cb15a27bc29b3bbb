"""Whom a Cloud number writes to in these tests, what it sends, and what of it went out."""

from typing import Any

from hantar.gateways import port
from tests.contract import rig_cloud

ANN = "60121111111"
PNG = port.MediaBytes("image/png", b"\x89PNG\r\n\x1a\n" + b"x" * 500)
PDF = port.MediaBytes("application/pdf", b"%PDF-1.7 ...", "Prices 2026.pdf")
OFFER = {
    "id": "1",
    "name": "offer",
    "language": "ms",
    "status": "APPROVED",
    "category": "MARKETING",
    "parameter_format": "POSITIONAL",
    "components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hi {{1}}, {{2}} today, {{1}}!"}],
}


def sent(rig: rig_cloud.CloudRig) -> dict[str, Any]:
    """The body of the last message that went out."""
    return rig.cloud.ledger[-1].body


async def send(rig: rig_cloud.CloudRig, device: port.DeviceRef, content: port.Content, ref: str = "m1") -> port.Verdict:
    return await rig.driver.send(device, port.Address(ANN), content, ref=ref)
