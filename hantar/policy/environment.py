"""Numbers that the environment sets for the whole installation: `HANTAR_` and the rule's name in capitals. Pure.

They hold for real devices, linked and Cloud alike; simulated ones keep theirs, so that trying things out stays quick.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hantar.policy import model, terms
from hantar.policy.catalogue import TERMS, Term
from hantar.policy.model import REAL


def variable(name: str) -> str:
    """The variable that sets a rule."""
    return f"HANTAR_{name.upper()}"


def _parser(term: Term) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = None
        try:
            for kind in REAL:
                value = terms.read_text(term, text, kind)
        except terms.Unfit as unfit:
            said = str(unfit).rstrip(".")
            raise ValueError(said[:1].lower() + said[1:]) from None
        if term.name == "consent_mode" and value != "strict":
            raise ValueError("must be strict: only a workspace's owner can loosen this, with a declaration")
        return value

    return parse


VARIABLES: Mapping[str, Callable[[str], Any]] = {variable(term.name): _parser(term) for term in TERMS}
"""Variable → how its text is read; a `ValueError` says what is wrong."""


ALIASES: Mapping[str, str] = {variable("number_check"): "WHATSAPP_ACCOUNT_VALIDATION"}
"""Names that some variables had elsewhere and that are taken too."""


def problems(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with numbers (by rule) that are fine one by one, one sentence each."""
    found = []
    for kind in REAL:
        rules = model.overridden(model.DEFAULTS[kind], values)
        if rules.quiet_start >= rules.quiet_end:
            found.append(f"{variable('quiet_start')} must lie before {variable('quiet_end')}.")
    return sorted(set(found))
