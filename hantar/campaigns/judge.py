"""When counts become a pause: samples of what was sent, the limits of the rules, and the words people read. No I/O.

A share is judged by the least that its sample proves (the lower Wilson bound), so that small numbers do not shout
(responsible-sending.md 9). Blocks and complaints are counted as they are: two of a hundred are too many.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from hantar.campaigns.model import Figures, PauseCause, PauseCode
from hantar.policy.model import NAMES, Rules, tightened

LAST = 200
"""How many of the newest sent messages are looked at (responsible-sending.md 9)."""
LAST_BLOCKS = 100
"""Blocks and complaints are counted in this many (`pause_blocks` "in 100")."""
MOST_IMPORTS = 3
"""Imports named in a sentence; more are only counted."""

Lower = Callable[[int, int], float]
"""The least share, in percent, that so many hits of so many prove (`consent.wilson.lower`)."""


@dataclass(frozen=True, slots=True)
class CampaignSample:
    """The newest messages of a campaign: how many were tried, how many can have arrived, and what became of them."""

    workspace_id: str
    campaign_id: str
    kinds: tuple[str, ...]
    rules: Mapping[str, Any]
    """The campaign's own, stricter numbers."""
    counted_from: datetime | None
    since: datetime
    tried: int
    arrived: int
    missing: int
    """Tried, and not on WhatsApp."""
    opted_out: int


@dataclass(frozen=True, slots=True)
class DeviceSample:
    """The newest messages of a device, and who of these people opted out, blocked it or complained."""

    workspace_id: str
    device_id: str
    kind: str
    sent: int
    opted_out: int
    recent: int
    blocked: int


@dataclass(frozen=True, slots=True)
class ImportShare:
    """How many of the numbers that are not on WhatsApp one import brought; `file_name` None: added in another way."""

    import_id: str | None
    file_name: str | None
    count: int


def strictest(rules: Sequence[Rules], own: Mapping[str, Any]) -> Rules:
    """The strictest of the rules of several kinds of device, tightened by a campaign's own numbers."""
    joined = reduce(lambda one, other: tightened(one, asdict(other)), rules)
    return tightened(joined, {name: value for name, value in own.items() if name in NAMES})


def share(hits: int, of: int, limit: float, rules: Rules, lower: Lower) -> Figures | None:
    """The figures, when so many hits of so many prove more than the limit; None when they do not, or are too few."""
    if not hits or of < rules.pause_min_sample:
        return None
    proven = lower(hits, of)
    return Figures(hits, of, round(proven, 2), limit) if proven > limit else None


def opt_outs(sample: CampaignSample, rules: Rules, lower: Lower) -> PauseCause | None:
    """Whether too many people of a campaign opted out."""
    found = share(sample.opted_out, sample.arrived, rules.pause_optout_campaign, rules, lower)
    if found is None:
        return None
    words = (
        f"{found.hits} of the last {found.of} people who got this campaign do not want to be written to any more. "
        f"{_proof(found)} Look at whom it reaches and what it says, then resume it with a reason."
    )
    return PauseCause(PauseCode.OPT_OUTS, words, figures=found)


def list_quality(sample: CampaignSample, rules: Rules, lower: Lower) -> Figures | None:
    """Whether too many numbers of a campaign are not on WhatsApp."""
    return share(sample.missing, sample.tried, rules.pause_failed, rules, lower)


def poor_list(found: Figures, brought: Sequence[ImportShare]) -> PauseCause:
    """The cause of a pause for list quality, with the imports that brought these numbers, the worst first."""
    words = (
        f"{found.hits} of the last {found.of} numbers are not on WhatsApp. {_proof(found)} "
        f"List quality: {_origin(brought)} Clean the list, then resume the campaign with a reason."
    )
    imports = tuple(each.import_id for each in brought if each.import_id is not None)
    return PauseCause(PauseCode.LIST_QUALITY, words, import_ids=imports, figures=found)


def _origin(brought: Sequence[ImportShare]) -> str:
    named = [each for each in brought if each.file_name is not None]
    if not named:
        return "they were not brought by an import."
    parts = [f"{each.count} came with the import “{each.file_name}”" for each in named[:MOST_IMPORTS]]
    if len(named) > MOST_IMPORTS:
        parts.append(f"{sum(each.count for each in named[MOST_IMPORTS:])} with {len(named) - MOST_IMPORTS} more imports")
    return ", ".join(parts) + "."


def _proof(found: Figures) -> str:
    return f"That is at least {found.lower_bound:.1f} %; the limit is {found.limit:g} %."


@dataclass(frozen=True, slots=True)
class DeviceCause:
    """Why the rules pause a device: a stable code, plain words, figures."""

    code: str
    words: str
    figures: Figures


def device(sample: DeviceSample, rules: Rules, lower: Lower) -> DeviceCause | None:
    """Whether too many people blocked a device or complained, or opted out after its messages."""
    if sample.recent >= rules.pause_min_sample and sample.blocked >= max(1.0, rules.pause_blocks):
        figures = Figures(sample.blocked, sample.recent, round(lower(sample.blocked, sample.recent), 2), rules.pause_blocks)
        words = (
            f"{sample.blocked} of the last {sample.recent} people blocked this number or complained; the limit is "
            f"{rules.pause_blocks:g} in {LAST_BLOCKS}. Find out why before it sends again."
        )
        return DeviceCause("blocks", words, figures)
    found = share(sample.opted_out, sample.sent, rules.pause_optout_device, rules, lower)
    if found is None:
        return None
    words = (
        f"{found.hits} of the last {found.of} people this number wrote to do not want to be written to any more. "
        f"{_proof(found)} Find out why before it sends again."
    )
    return DeviceCause("opt_outs", words, found)


RESTRICTIONS = {
    "restricted": PauseCode.DEVICE_RESTRICTED,
    "banned_until": PauseCode.DEVICE_BANNED,
    "refused": PauseCode.DEVICE_REFUSED,
}
"""The word for each state of a device that pauses the campaigns which use it (`devices.restrictions`)."""


def restricted(device_id: str, name: str, state: str, words: str) -> PauseCause:
    """The cause of a pause after WhatsApp restricted or banned a device; `words` say what it did."""
    text = (
        f"{name}: {words} The campaign stands still on all its devices, and nobody is moved to another one. "
        "Think about whom it reaches, then resume it with a reason."
    )
    return PauseCause(RESTRICTIONS[state], text, device_id=device_id)


RED = "red"
"""The service's worst judgement of a number."""


def rated_red(device_id: str, name: str, words: str) -> PauseCause:
    """The cause of a pause after WhatsApp began to judge a number red; `words` say what that means."""
    text = (
        f"{name}: WhatsApp judges this number red. {words} The campaign stands still on all its devices, and nobody is moved to "
        "another one. Think about whom it reaches and what it says, then resume it with a reason."
    )
    return PauseCause(PauseCode.DEVICE_QUALITY, text, device_id=device_id)
