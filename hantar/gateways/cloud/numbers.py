"""What the service says about a number and its business account, asked with the number's token."""

import re

from hantar.gateways.cloud import codes, service, templates, webhooks
from hantar.gateways.credentials import CheckedNumber, Credentials, CredentialsRefused, Quality, ServiceAway
from hantar.kit import upstream

_BASE = "display_phone_number,verified_name,quality_rating"
_FIELDS = (f"{_BASE},whatsapp_business_manager_messaging_limit", f"{_BASE},messaging_limit_tier", _BASE)
"""The limit has changed its name, and an unknown field is refused: asked by the newer one, by the older one, without."""

_WORDS = {
    "token": "WhatsApp's service does not accept this token, or it may not use this number.",
    "number_gone": "WhatsApp's service knows no number with this id, or the token may not use it.",
    "not_registered": "This number is not registered with the Cloud API yet.",
    "payment": "WhatsApp's service wants the payment of this account put in order first.",
    "policy": "WhatsApp has blocked this account for breaking a policy.",
    "locked": "WhatsApp has locked this account.",
}


class Lost(Exception):
    """The service does not let this number be used. `why` as in `Refused`; `field`: which of the credentials is wrong."""

    def __init__(self, why: str) -> None:
        self.why, self.words = why, _WORDS[why]
        self.field = "token" if why == "token" else "number_id"
        super().__init__(self.words)


async def ask(calls: service.Service, given: Credentials) -> CheckedNumber:
    """What the service says about the number; raises `Lost`, `ServiceAway`."""
    for fields in _FIELDS:
        try:
            reply = await calls.number(given.number_id, given.token, fields)
        except (upstream.NotSent, upstream.NoAnswer) as error:
            raise ServiceAway(f"WhatsApp's service cannot be reached ({error}).") from error
        if isinstance(reply, service.Taken):
            return _number(reply)
        if isinstance(reply, service.Odd):
            raise ServiceAway(f"Something before WhatsApp's service answered {reply.status}.")
        if reply.code != codes.INVALID:
            meant = codes.meaning(reply.code)
            raise Lost(meant.why) if isinstance(meant, codes.Lose) else ServiceAway(f"WhatsApp's service said {reply.words}")
    raise Lost("number_gone")


def _number(reply: service.Taken) -> CheckedNumber:
    data = reply.data
    digits = re.sub(r"\D", "", str(data.get("display_phone_number") or ""))
    if not 7 <= len(digits) <= 15:
        raise ServiceAway("WhatsApp's service did not say which number this is.")
    quality = str(data.get("quality_rating") or "").lower()
    limit = str(data.get("whatsapp_business_manager_messaging_limit") or data.get("messaging_limit_tier") or "")
    known = Quality(quality) if quality in tuple(Quality) else Quality.UNKNOWN
    return CheckedNumber(digits, str(data.get("verified_name") or ""), known, webhooks.tier_of(limit))


async def ask_business(calls: service.Service, given: Credentials) -> None:
    """Whether the token may read the business account; raises `CredentialsRefused`, `ServiceAway`."""
    await _page(calls, given, "")


async def ask_templates(calls: service.Service, given: Credentials) -> list[templates.Listed]:
    """All templates of the business account; raises `CredentialsRefused`, `ServiceAway`."""
    found: list[templates.Listed] = []
    after = ""
    while True:
        some, after = templates.page((await _page(calls, given, after)).data)
        found += some
        if not after or len(found) >= service.MOST_TEMPLATES:
            return found


async def _page(calls: service.Service, given: Credentials, after: str) -> service.Taken:
    try:
        reply = await calls.templates(given.business_id or "", given.token, after)
    except (upstream.NotSent, upstream.NoAnswer) as error:
        raise ServiceAway(f"WhatsApp's service cannot be reached ({error}).") from error
    if isinstance(reply, service.Taken):
        return reply
    if isinstance(reply, service.Refusal):
        meant = codes.meaning(reply.code)
        if reply.code == codes.INVALID or isinstance(meant, codes.Lose):
            raise CredentialsRefused(
                "The token may not read this business account, or there is none with this id.", "business_id"
            )
        raise ServiceAway(f"WhatsApp's service answered: {reply.words}")
    raise ServiceAway(f"Something before WhatsApp's service answered {reply.status}.")
