"""The lower Wilson bound: what share a sample proves at the least, so that small numbers do not shout. Pure.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

A rule that looks after each message sent looks often, and each look can be wrong. With 1.96 throughout, the rule
"opt-outs over 2 %, 50 sent at least" misses a true rate of 5 % within 200 messages in 13.6 % of cases, and no constant
meets both bars (1.28 pauses 5.05 % at a true 1 % and finds 93.8 %). So the proof asked for falls with the sample, as in
O'Brien and Fleming, "A multiple testing procedure for clinical trials", Biometrics 35 (1979): 1.96 standard deviations
at 50 messages, 0.98 at 200. Computed exactly: 4.1 % paused at a true 1 %, 95.2 % found at a true 5 %.

The bars are for the first 200 messages. A longer campaign is looked at more often: at a true 1 % about 4 of 10 are paused
once within 2,000 messages, at a true 0.5 % 3 of 100.
"""

from math import sqrt

FIRST = 50
"""The smallest sample that is judged (`pause_min_sample`)."""
WHOLE = 200
"""The largest: the last 200 messages."""
STRICTEST = 1.96
"""Standard deviations asked for at the smallest sample: 2.5 % on one side."""


def z_of(n: int) -> float:
    """Standard deviations of proof asked of a sample of `n`: many looks come later, so each may ask for less."""
    return STRICTEST * sqrt(FIRST / min(max(n, FIRST), WHOLE))


def lower(hits: int, n: int, z: float | None = None) -> float:
    """The least share, in percent, that `hits` of `n` prove at `z` standard deviations (None: `z_of`); 0 for an empty sample."""
    if n <= 0 or hits <= 0:
        return 0.0
    z = z_of(n) if z is None else z
    share, square = hits / n, z * z
    middle = share + square / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, 100 * (middle - spread) / (1 + square / n))
