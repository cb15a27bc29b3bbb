"""The one confirmation after an opt-out or opt-in: same device, plain words, within minutes or never."""

from datetime import datetime

from hantar.inbox import model, store
from hantar.inbox.model import Place
from hantar.kit import db, ids
from hantar.outbox import model as outbox_model, queue
from hantar.persons.model import PersonId

DUTY = {"stopped": "optout_confirmation", "restored": "optin_confirmation", "lifted": "optin_confirmation"}
"""These alone pass every rule of the claim, so nothing but the fixed texts may carry one."""


async def confirm(
    tx: db.Tx,
    place: Place,
    person_id: PersonId,
    told: model.Told,
    language: str | None,
    *,
    because: str,
    number: str | None = None,
) -> str:
    """Queue a confirmation; `because` is the row it confirms, and there is one for each such row. Returns the message's id.

    `number`: the digits they wrote from; without it the last number used, and without any the opaque id at the claim.
    """
    now = await tx.now()
    text = model.confirmation(told, language)
    content_id = await queue.add_content(tx, place.workspace_id, text, None)
    await queue.open_lanes(tx, place.workspace_id, [place.device_id])
    phone = number or await store.number_of(tx, person_id)
    row = _row(place, person_id, content_id, because, phone, now) | {"duty": DUTY[told], "text": text}
    await queue.insert_one(tx, row)
    tx.tell("outbox.queued", place.workspace_id)
    return str(row["id"])


def _row(place: Place, person_id: PersonId, content_id: str, because: str, phone: str, now: datetime) -> dict[str, object]:
    kind = outbox_model.MessageKind.AUTO_REPLY
    return {
        "workspace_id": place.workspace_id,
        "id": ids.new_id(),
        "kind": kind.value,
        "source_id": because,
        "person_id": person_id,
        "device_id": place.device_id,
        "content_id": content_id,
        "phone": phone,
        "state": outbox_model.MessageState.QUEUED.value,
        "priority": outbox_model.PRIORITY[kind],
        "not_before": now,
        "expires_at": now + model.CONFIRM_WITHIN,
        "created_at": now,
    }
