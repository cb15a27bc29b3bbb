"""The judge at the end of every crash test; `hantar bench` uses the same one."""

from hantar.bench.checker import TOLERANCE as TOLERANCE, Verdict as Verdict, check as check
