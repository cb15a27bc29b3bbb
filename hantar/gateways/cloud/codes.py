"""What an error code of the Cloud API means: one table, asked for replies and for webhooks alike.

The code decides, never the HTTP status or the title. Codes and meanings are those of the service's own list; the waits are ours,
except 24 hours after 131049 (kept by the rules, not here) and 6 seconds after 131056. Waits grow: those of a message and of a
device by its dispatcher, which doubles them for each time in a row; those of a chat here, up to `LONGEST`, because nobody else
knows that two messages go to one chat; a number's rest after 131048 follows `RESTS`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from hantar.gateways.port import Reason, Scope

LONGEST = timedelta(minutes=30)
"""What the growing wait of a chat leads to at most."""
RESTS = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long a number rests that sent too much of what people did not want: the first time, the second, and from then on."""
RESTED = timedelta(days=7)
"""After so long without such a rest the next one is the first again: the service judges a number by its last seven days."""
BY_PROXY = timedelta(minutes=1)
"""Wait after a refusal that the service itself did not make, or by a code that nobody has told us about."""
AWAY = timedelta(seconds=5)
"""First wait while the service cannot be reached at all; it grows with each time in a row."""
INVALID = 100
"""The code of a request with something in it that is not there: a field, a file, a parameter."""


class Whose(Enum):
    """Whom the loss of a device concerns."""

    NUMBER = "number"
    TOKEN = "token"  # noqa: S105 a word, not a secret


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never as it is."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Wait:
    """Later, at least this long."""

    after: timedelta
    scope: Scope


@dataclass(frozen=True, slots=True)
class Lose:
    """The device, or every device of its token, cannot send until a person has done something."""

    why: str
    whose: Whose = Whose.NUMBER


@dataclass(frozen=True, slots=True)
class Rest:
    """The number sends nothing for a while, longer each time."""

    why: str


Meaning = Refuse | Wait | Lose | Rest

_TOKEN = Lose("token", Whose.TOKEN)
_UNDELIVERABLE = Refuse(Reason.UNDELIVERABLE)
_CONTENT = Refuse(Reason.INVALID_CONTENT)
_MISSING = Refuse(Reason.TEMPLATE_MISSING)
_PAUSED = Refuse(Reason.TEMPLATE_PAUSED)
_TROUBLE = Wait(timedelta(seconds=30), Scope.DEVICE)
_ODD = Wait(timedelta(seconds=30), Scope.MESSAGE)

MEANINGS: dict[int, Meaning] = {
    # the token
    0: _TOKEN,  # cannot be authenticated
    3: _TOKEN,  # method not permitted
    10: _TOKEN,  # permission missing or removed
    190: _TOKEN,  # expired
    131005: _TOKEN,  # access denied
    # the person
    131026: _UNDELIVERABLE,  # not on WhatsApp, terms not accepted, an app too old
    130472: _UNDELIVERABLE,  # in an experiment of the service
    131030: _UNDELIVERABLE,  # a test number writes to people of its list only
    131047: Refuse(Reason.NEEDS_TEMPLATE),  # over 24 hours since they last wrote
    131049: Refuse(Reason.CAPPED),  # had enough marketing from everybody
    131050: Refuse(Reason.OPTED_OUT),  # stopped our marketing
    131062: Refuse(Reason.UNSUPPORTED),  # a person without a number cannot get this kind of message
    # too much
    131056: Wait(timedelta(seconds=6), Scope.CHAT),  # to this person
    130429: Wait(timedelta(seconds=5), Scope.DEVICE),  # from this number
    4: Wait(timedelta(minutes=5), Scope.ACCOUNT),  # calls of the app
    80007: Wait(timedelta(minutes=5), Scope.ACCOUNT),  # calls of the account
    80008: Wait(timedelta(minutes=5), Scope.ACCOUNT),  # likewise, of its templates
    131048: Rest("spam_limit"),  # people blocked or reported it
    131064: Rest("template_limit"),  # templates against the rules
    # the number or its account
    33: Lose("number_gone"),
    131045: Lose("not_registered"),
    133010: Lose("not_registered"),
    368: Lose("policy"),
    131031: Lose("locked"),
    131042: Lose("payment"),
    # the message
    INVALID: _CONTENT,
    131008: _CONTENT,  # a parameter is missing
    131009: _CONTENT,  # a parameter has a bad value
    131021: _CONTENT,  # to our own number
    131051: _CONTENT,  # a kind of message that is not supported
    131053: _CONTENT,  # the file cannot be used
    130497: Refuse(Reason.COUNTRY_BLOCKED),
    # the template
    132000: _MISSING,  # another number of parameters
    132001: _MISSING,  # none of this name and language, or not approved
    132005: _MISSING,  # too long with its parameters
    132007: _MISSING,  # against the rules for templates
    132012: _MISSING,  # parameters of another form
    132015: _PAUSED,
    132016: _PAUSED,
    # the service; 1 and 131000 may lie in one message, so they do not hold the number
    1: _ODD,
    131000: _ODD,
    2: _TROUBLE,
    131016: _TROUBLE,
    131057: _TROUBLE,
}
"""Code → meaning. 200–299 are permissions of the token (`meaning`)."""


def meaning(code: int) -> Meaning | None:
    """What a code means; None for one that nobody has told us about."""
    if 200 <= code <= 299:
        return _TOKEN
    return MEANINGS.get(code)


def late_reason(code: int) -> Reason:
    """Why a message failed that was accepted first. It is over: nothing of it can be put off any more."""
    match meaning(code):
        case Refuse(reason=reason):
            return reason
        case Lose() | Rest():
            return Reason.ACCOUNT_REFUSED
        case _:
            return Reason.UNDELIVERABLE


def growing(first: timedelta, times: int) -> timedelta:
    """The wait of a chat after so many in a row before this one."""
    return min(first * (1 << min(times, 12)), max(first, LONGEST))
