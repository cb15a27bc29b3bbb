"""Every rule in words: what it is called, what it does, its unit, who may loosen it, what values it takes, where it comes from.

Order is the order of pages. `terms.py` reads and writes the values; `model.py` knows which way is stricter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hantar.policy.model import STRICTEST_FIRST, Kind

Who = Literal["operator", "owner", "nobody"]
Unit = Literal["on_off", "choice", "clock", "weekdays", "seconds", "percent", "messages", "chats", "people", "days"]
Group = Literal["consent", "hours", "person", "device", "pause", "campaign"]

OURS = "Our own number: courtesy and load control, not a limit that anybody published."
CHOICE = "Our own choice of how the engine behaves."
META = "Meta's documents for the Cloud API (2025-26); they change, so compare before you rely on them."


@dataclass(frozen=True, slots=True)
class Term:
    """One rule. `least` and `most` bound what is sensible for any kind; hard limits by kind are in `model.HARD`."""

    name: str
    label: str
    words: str
    group: Group
    unit: Unit
    who: Who
    least: float | None = None
    most: float | None = None
    none: str | None = None
    """The word for "no number" (`off`, `by_age`), where there is one."""
    source: str = OURS
    is_ours: bool = True
    sources: tuple[tuple[Kind, str], ...] = ()
    """Kinds whose number was published by somebody, and where."""

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.unit != "percent" and self.name != "device_gap"

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it may be, the strictest first; empty for what is no choice."""
        return tuple(str(each) for each in STRICTEST_FIRST[self.name]) if self.unit == "choice" else ()

    def source_of(self, kind: str) -> str:
        """Where this kind's number comes from."""
        return dict(self.sources).get(kind, self.source)  # type: ignore[call-overload, no-any-return]

    def is_ours_for(self, kind: str) -> bool:
        """Whether this kind's number is our own and not a published limit."""
        return self.is_ours and kind not in dict(self.sources)


@dataclass(frozen=True, slots=True)
class Constant:
    """A rule that is on everywhere and that nobody may switch off."""

    name: str
    label: str
    words: str


TERMS: tuple[Term, ...] = (
    Term(
        "consent_mode",
        "Consent",
        "Strict: marketing goes only to people with a consent on record. Mark: it goes to others too, and says so everywhere.",
        "consent",
        "choice",
        "owner",
        source="Opt-in before a business writes first is a rule of WhatsApp and of many laws.",
        is_ours=False,
    ),
    Term(
        "optout_line",
        "Opt-out line",
        "Whether the first campaign message to a person must say how to stop, or only a warning is shown without it.",
        "consent",
        "choice",
        "owner",
        source="WhatsApp asks businesses for a clear way to opt out.",
        is_ours=False,
    ),
    Term(
        "conversation_guard",
        "Conversation first",
        "A person who is talking with one of you, or asked something, gets nothing automatic until the talk is closed.",
        "consent",
        "on_off",
        "operator",
        source=CHOICE,
        is_ours=False,
    ),
    Term(
        "quiet_start",
        "Messages from",
        "Nothing leaves before this time of the recipient's day.",
        "hours",
        "clock",
        "owner",
        0,
        1439,
    ),
    Term(
        "quiet_end",
        "Messages until",
        "Nothing leaves from this time of the recipient's day on; 24:00 is midnight.",
        "hours",
        "clock",
        "owner",
        1,
        1440,
    ),
    Term("quiet_days", "Quiet days", "Nothing leaves on these days of the recipient's week.", "hours", "weekdays", "owner"),
    Term(
        "quiet_overflow",
        "Outside these hours",
        "A message either waits for the next time it may leave, or is left out.",
        "hours",
        "choice",
        "operator",
        source=CHOICE,
        is_ours=False,
    ),
    Term(
        "quiet_unknown_zone",
        "Unknown time zone",
        "Somebody whose time zone nobody knows is either held back, or written to by your own clock.",
        "hours",
        "choice",
        "operator",
        source=CHOICE,
        is_ours=False,
    ),
    Term(
        "person_cap_day",
        "Per person in 24 hours",
        "Most campaign messages one person gets in 24 hours, over all campaigns and devices.",
        "person",
        "messages",
        "owner",
        1,
        1000,
    ),
    Term(
        "person_cap_week",
        "Per person in 7 days",
        "Most campaign messages one person gets in 7 days, over all campaigns and devices.",
        "person",
        "messages",
        "owner",
        1,
        7000,
    ),
    Term(
        "sequence_cap_day",
        "Sequence messages in 24 hours",
        "Most messages of sequences one person gets in 24 hours, counted apart from campaigns.",
        "person",
        "messages",
        "owner",
        1,
        1000,
    ),
    Term(
        "unanswered_max",
        "Unanswered messages",
        "After so many campaign messages without any answer, the person is left in peace for a while.",
        "person",
        "messages",
        "operator",
        1,
        1000,
        none="off",
    ),
    Term(
        "unanswered_rest",
        "Peace after unanswered messages",
        "For how many days such a person gets no campaign message.",
        "person",
        "days",
        "operator",
        1,
        3650,
    ),
    Term(
        "number_check",
        "Number check",
        "A number is looked up on WhatsApp once before its first message, and remembered for 30 days; one that is not there gets "
        "nothing. The Cloud API has no such question.",
        "person",
        "on_off",
        "owner",
    ),
    Term(
        "device_gap",
        "Gap between messages",
        "A device rests at least this long after each message; a campaign's own delay lies above it.",
        "device",
        "seconds",
        "owner",
        0,
        86_400,
    ),
    Term("device_per_minute", "Per minute", "Most messages a device sends in a minute.", "device", "messages", "owner", 1, 6000),
    Term("device_per_hour", "Per hour", "Most messages a device sends in an hour.", "device", "messages", "owner", 1, 200_000),
    Term("device_per_day", "Per day", "Most messages a device sends in 24 hours.", "device", "messages", "owner", 1, 2_000_000),
    Term(
        "device_new_chats",
        "New conversations per day",
        "How many people a device may write to first in 24 hours. By age: 20, 50, 100, 200, then 250 a day, by the days since "
        "it was linked. Answers do not count.",
        "device",
        "chats",
        "owner",
        0,
        1_000_000,
        none="by_age",
        sources=(("cloud", META),),
    ),
    Term(
        "canary_size",
        "People to begin with",
        "A large campaign first goes to so many people, then waits; the editor proposes it from 200 people on.",
        "campaign",
        "people",
        "operator",
        1,
        10_000,
        none="off",
    ),
    Term(
        "canary_wait",
        "Pause after the first people",
        "After so much time without trouble the rest of a large campaign follows by itself.",
        "campaign",
        "seconds",
        "operator",
        60,
        604_800,
    ),
    Term(
        "pause_optout_campaign",
        "Opt-outs pause a campaign",
        "A campaign pauses when clearly more than this share of people opt out.",
        "pause",
        "percent",
        "owner",
        0.1,
        100,
    ),
    Term(
        "pause_optout_device",
        "Opt-outs pause a device",
        "A device pauses when clearly more than this share of people opt out.",
        "pause",
        "percent",
        "owner",
        0.1,
        100,
    ),
    Term(
        "pause_failed",
        "Numbers not on WhatsApp",
        "A campaign pauses when clearly more than this share of its numbers is not on WhatsApp.",
        "pause",
        "percent",
        "owner",
        0.1,
        100,
    ),
    Term(
        "pause_blocks",
        "Blocks and complaints",
        "A device pauses when this share of people block it or complain.",
        "pause",
        "percent",
        "owner",
        0.1,
        100,
    ),
    Term(
        "pause_min_sample",
        "Smallest sample",
        "Shares are judged once so many messages were sent.",
        "pause",
        "messages",
        "owner",
        10,
        200,
    ),
    Term(
        "pause_cooldown",
        "Rest after a ban signal",
        "After a ban or a restriction nothing is resumed before this time is over.",
        "pause",
        "seconds",
        "nobody",
        60,
        2_592_000,
    ),
    Term(
        "late_policy",
        "A start that was missed",
        "A campaign whose start was missed asks a person, runs at once, or is skipped.",
        "campaign",
        "choice",
        "operator",
        source=CHOICE,
        is_ours=False,
    ),
    Term(
        "late_start_after",
        "Missed means later than",
        "A start counts as missed when it is late by more than this.",
        "campaign",
        "seconds",
        "operator",
        60,
        604_800,
    ),
    Term(
        "expires_after",
        "Messages expire after",
        "A message that could not leave so long after its planned time is dropped and shown as skipped.",
        "campaign",
        "seconds",
        "operator",
        300,
        2_592_000,
    ),
)
BY_NAME: Mapping[str, Term] = {term.name: term for term in TERMS}

CONSTANTS: tuple[Constant, ...] = (
    Constant(
        "optout_keywords", "Opt-out by word", "Somebody who answers with a word such as STOP gets nothing more, from any device."
    ),
    Constant("optout_confirm", "Opt-out is confirmed", "They get one confirmation, within five minutes, and nothing else."),
    Constant(
        "intent_hold", "Hold on doubt", "Somebody who seems to ask you to stop gets nothing automatic until a person decides."
    ),
)

KIND_WORDS: Mapping[Kind, tuple[str, str]] = {
    "linked": (
        "Linked phones",
        "Phones linked as a companion device. Unofficial: WhatsApp does not allow bulk messaging through them.",
    ),
    "cloud": ("Cloud API", "WhatsApp's supported route for businesses."),
    "simulator": ("Simulated devices", "Nobody real is written to, so nothing stands in the way."),
    "demo": ("Demo devices", "Simulated devices of the guided demo: fast enough to end within a minute."),
}
