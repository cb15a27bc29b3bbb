"""What requests about rules hold and what replies say, exactly as the API promises."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from hantar.kit import inputs
from hantar.policy import catalogue, model, service, terms
from hantar.policy.model import Kind

Value = bool | int | float | str | list[int]
"""A switch, a number, a word or "HH:MM", or ISO weekdays."""
Origin = Literal["default", "environment", "administrator", "workspace"]
Narrowed = Literal["default", "environment", "administrator", "workspace", "device", "campaign"]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class RuleOut(BaseModel):
    """One number of one kind of device: what it is, where it comes from, and who may loosen it."""

    name: str
    label: str
    words: str = Field(description="One plain sentence: what it does.")
    group: catalogue.Group
    unit: catalogue.Unit = Field(description="`clock` is HH:MM, `seconds` a duration, `weekdays` ISO numbers (Monday is 1).")
    value: Value = Field(description="What applies. `off` and `by_age` stand for no number.")
    default: Value = Field(description="What the installation says; a null in a change goes back to it.")
    built_in: Value = Field(description="What Hantar comes with.")
    origin: Origin
    version: int | None = Field(description="The version of the last change; null when it never changed here.")
    at: datetime | None
    by: str | None
    reason: str | None
    declaration: str | None = Field(description="Where the consent is held, when somebody declared it.")
    who_may_loosen: catalogue.Who
    may_loosen: bool = Field(description="Whether you may.")
    choices: list[str] = Field(description="The words it may be, the strictest first.")
    none_word: str | None = Field(description="The word for no number: `off` or `by_age`.")
    stricter: Literal["less", "more"] | None = Field(description="Which way of a number is the stricter.")
    least: Value | None = Field(description="Nobody goes below.")
    most: Value | None = Field(description="Nobody goes beyond.")
    is_hard: bool = Field(description="Whether the database itself holds these bounds.")
    locked: bool = Field(description="The administrator locked it: workspaces may only tighten it.")
    is_ours: bool = Field(description="Our own number, not a limit that anybody published.")
    source: str


class KindOut(BaseModel):
    """All numbers for one kind of device."""

    kind: Kind
    label: str
    words: str
    rules: list[RuleOut]


class ConstantOut(BaseModel):
    """A rule that is always on."""

    name: str
    label: str
    words: str
    value: Literal["on"] = "on"
    who_may_loosen: Literal["nobody"] = "nobody"


class PolicyOut(BaseModel):
    """The rules of the workspace; `version` counts its own changes, 0 when there were none."""

    version: int
    kinds: list[KindOut]
    constants: list[ConstantOut]
    may_lock: bool = Field(description="Whether you may set and lock numbers for the whole installation.")


class PolicyIn(inputs.In):
    """Numbers to change."""

    kind: Kind
    values: dict[str, Value | None] = Field(min_length=1, max_length=60, description="A null goes back to the default.")
    reason: Reason
    declaration: Annotated[str | None, Field(max_length=2000)] = Field(
        default=None, description="Where the consent is held; needed to set `consent_mode` to `mark` for real devices."
    )
    version: int | None = Field(default=None, ge=0, description="The version you have seen; another one is refused.")


class LockIn(inputs.In):
    """A number for the whole installation."""

    kind: Kind
    name: Annotated[str, Field(max_length=100)]
    value: Value | None = Field(default=None, description="Null: the number as it is.")
    is_locked: bool
    reason: Reason


class ChangeOut(BaseModel):
    """One number before and after."""

    kind: str
    name: str
    label: str
    before: Value
    after: Value


class VersionOut(BaseModel):
    """One version of the workspace's rules."""

    version: int
    at: datetime
    by: str
    actor_id: str | None
    reason: str
    declaration: str | None
    changes: list[ChangeOut]


class RuleHereOut(BaseModel):
    """One number as it applies to a device."""

    name: str
    label: str
    unit: catalogue.Unit
    value: Value
    policy: Value = Field(description="What the rules say; the device or the campaign may be stricter.")
    origin: Narrowed = Field(description="Where the tightest number comes from.")
    who_may_loosen: catalogue.Who
    locked: bool


class EffectiveOut(BaseModel):
    """What applies to one device, or to one campaign on it; the tightest number binds."""

    device_id: str
    campaign_id: str | None
    kind: str
    version: int
    rules: list[RuleHereOut]


def policy_out(sheets: list[service.Sheet], by: service.By, *, may_lock: bool) -> PolicyOut:
    """The rules as the API shows them."""
    kinds = []
    for sheet in sheets:
        label, words = catalogue.KIND_WORDS[sheet.kind]
        rules = [_rule(sheet, term, by) for term in catalogue.TERMS]
        kinds.append(KindOut(kind=sheet.kind, label=label, words=words, rules=rules))
    constants = [ConstantOut(name=each.name, label=each.label, words=each.words) for each in catalogue.CONSTANTS]
    return PolicyOut(version=sheets[0].found.version, kinds=kinds, constants=constants, may_lock=may_lock)


def _rule(sheet: service.Sheet, term: catalogue.Term, by: service.By) -> RuleOut:
    name, last = term.name, sheet.last.get(term.name)
    least, most = terms.bounds(term, sheet.kind)
    return RuleOut(
        name=name,
        label=term.label,
        words=term.words,
        group=term.group,
        unit=term.unit,
        value=service.shown(name, getattr(sheet.found.rules, name)),
        default=service.shown(name, getattr(sheet.installed.rules, name)),
        built_in=service.shown(name, getattr(model.DEFAULTS[sheet.kind], name)),
        origin=sheet.found.origins[name],  # type: ignore[arg-type] # the words of service._installed
        version=last.version if last else None,
        at=last.at if last else None,
        by=last.by if last else None,
        reason=last.reason if last else None,
        declaration=last.declaration if last else None,
        who_may_loosen=term.who,
        may_loosen=service.may_loosen(by, term),
        choices=list(term.choices),
        none_word=term.none,
        stricter="less" if name in model.LESS else "more" if name in model.MORE else None,
        least=None if least is None else service.shown(name, least),
        most=None if most is None else service.shown(name, most),
        is_hard=name in model.HARD[sheet.kind],
        locked=name in sheet.found.locked,
        is_ours=term.is_ours_for(sheet.kind),
        source=term.source_of(sheet.kind),
    )


def effective_out(device_id: str, campaign_id: str | None, here: service.Here) -> EffectiveOut:
    """What applies to a device as the API shows it."""
    rules = [
        RuleHereOut(
            name=term.name,
            label=term.label,
            unit=term.unit,
            value=service.shown(term.name, getattr(here.rules, term.name)),
            policy=service.shown(term.name, getattr(here.policy, term.name)),
            origin=here.origins[term.name],  # type: ignore[arg-type] # the words of service.narrowed
            who_may_loosen=term.who,
            locked=term.name in here.locked,
        )
        for term in catalogue.TERMS
    ]
    return EffectiveOut(device_id=device_id, campaign_id=campaign_id, kind=here.kind, version=here.version, rules=rules)
