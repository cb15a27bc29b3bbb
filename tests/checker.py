"""The judge at the end of every crash test; `hantar bench` uses the same one."""

from hantar.bench.checker import TOLERANCE as TOLERANCE
from hantar.bench.checker import Verdict as Verdict
from hantar.bench.checker import check as check
