"""The page has words for every code that a person can meet: ends, waits, pauses, and the steps of a story."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from hantar.campaigns.model import PauseCode
from hantar.campaigns.words import REASONS as LEFT_OUT
from hantar.gateways.port import Reason as Refused
from hantar.outbox import explain, words
from hantar.outbox.rules import Gate, Reason

PACKAGE = Path(__file__).parent.parent / "hantar"
PAGE = PACKAGE.parent / "frontend" / "src" / "words" / "en"


def table(file: str, name: str) -> set[str]:
    """The keys of one table of words: `name: { key: '…', … }`."""
    text = (PAGE / file).read_text(encoding="utf-8")
    found = re.search(rf"^ +{name}: {{\n(.*?)\n +}} as Record<string, string>", text, re.DOTALL | re.MULTILINE)
    assert found, f"{file} has no table {name}"
    return set(re.findall(r"^ +'?([a-z_]+)'?: ['\"]", found[1], re.MULTILINE))


CODES: dict[str, Iterable[str]] = {
    "the end of a message": {*words.REASONS, *Reason},
    "what a message waits for": {*words.WAITS, *Gate},
    "why a message is held": words.HELD,
    "whom a plan leaves out": LEFT_OUT,
    "why the rules paused a campaign": set(PauseCode),
    "what WhatsApp refuses": set(Refused),
}


@pytest.mark.parametrize("of", CODES)
def test_every_code_has_words(of: str) -> None:
    assert {str(code) for code in CODES[of]} - table("states.ts", "reason") == set()


def steps_told() -> set[str]:
    """The rule of every `Step(at, rule, …)` that `explain` writes with a fixed name."""
    tree = ast.parse(Path(explain.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Step"]
    return {
        call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str)
    }


def test_every_step_of_a_story_has_a_heading() -> None:
    told = steps_told()
    assert {"opt_out", "consent", "hold", "cap", "quiet_hours", "end"} <= told
    assert {*told, *words.WAITS} - table("consent.ts", "rules") == set()


def acts_recorded() -> set[str]:
    """Every action that is written into the audit trail under a fixed name: `audit.record(tx, workspace, who, "a.b", …)`."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "record" and len(node.args) > 4:
                found |= {each.value for each in ast.walk(node.args[3]) if isinstance(each, ast.Constant)}
    return {str(each) for each in found}


def test_every_act_in_the_audit_trail_is_a_sentence() -> None:
    recorded = acts_recorded()
    assert {"policy.changed", "hold.released", "person.erased"} <= recorded
    text = (PAGE / "settings.ts").read_text(encoding="utf-8")
    assert {each for each in recorded if f"'{each}': " not in text} == set()
