"""Windows that fill, say when to come back, and empty by our clock."""

import pytest

from hantar.kit import quota

LIMIT = quota.per_minutes(3, 1, "test")


async def test_a_full_window_says_when_to_come_back(fake_clock):
    counting = quota.Quota(fake_clock)
    assert [counting.take(LIMIT, "a").remaining for _ in range(3)] == [2, 1, 0]
    await fake_clock.advance(15)
    with pytest.raises(quota.TooMany) as refused:
        counting.take(LIMIT, "a")
    assert refused.value.retry_after == 45
    assert counting.take(LIMIT, "b").remaining == 2
    await fake_clock.advance(45)
    assert counting.take(LIMIT, "a").remaining == 2


async def test_refused_hits_do_not_prolong_the_pause(fake_clock):
    counting = quota.Quota(fake_clock)
    for _ in range(3):
        counting.take(LIMIT, "a")
    for _ in range(50):
        await fake_clock.advance(1)
        with pytest.raises(quota.TooMany):
            counting.take(LIMIT, "a")
    await fake_clock.advance(10)
    assert counting.take(LIMIT, "a").remaining == 2


async def test_a_harmless_hit_is_given_back_and_a_name_forgotten(fake_clock):
    counting = quota.Quota(fake_clock)
    counting.take(LIMIT, "a")
    counting.give_back(LIMIT, "a")
    assert counting.standing(LIMIT, "a").remaining == 3
    counting.take(LIMIT, "a")
    counting.forget(LIMIT, "a")
    assert counting.standing(LIMIT, "a").remaining == 3


async def test_memory_stays_flat_when_strangers_try_many_names(fake_clock):
    counting = quota.Quota(fake_clock)
    for number in range(2 * quota.SWEEP_EVERY):
        counting.take(LIMIT, str(number))
        if number % 100 == 0:
            await fake_clock.advance(3)
    assert len(counting._storage._windows) < 2 * quota.SWEEP_EVERY // 2
