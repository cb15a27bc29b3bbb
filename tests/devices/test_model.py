"""The table of moves: what each event makes of each state, who may send, and words for everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hantar.devices import model, words
from hantar.gateways import port
from hantar.gateways.port import DeviceState as S

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def device(state: S, **more: Any) -> model.Device:
    is_linked = state not in (S.NEW, S.PAIRING, S.LOGGED_OUT)
    made = model.Device(
        id=model.DeviceId("d"),
        workspace_id="w",
        name="Shop",
        phone="60111111111" if is_linked else None,
        jid="60111111111:1@s.whatsapp.net" if is_linked else None,
        driver="simulator",
        wanted=model.Wanted.CONNECTED,
        is_linked=is_linked,
        state=state,
        state_reason=None,
        state_since=NOW - timedelta(hours=1),
        hold_until=None,
        last_seen_at=None,
        sending_paused=False,
        limits=model.DEFAULT_LIMITS,
        min_delay_seconds=0,
        max_delay_seconds=0,
        is_demo=False,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **more)


def event(kind: type[port.Event], **more: Any) -> port.Event:
    filled: dict[type[port.Event], dict[str, Any]] = {
        port.QrCode: {"code": "2@x", "expires_at": NOW, "attempt": 1},
        port.PairCode: {"code": "ABCDEFGH", "expires_at": NOW},
        port.PairSucceeded: {"phone": "60111111111", "jid": "60111111111:2@s.whatsapp.net"},
        port.PairFailed: {"why": "expired"},
        port.Disconnected: {"why": "no_network", "will_retry": True},
        port.LoggedOut: {"why": "phone"},
        port.TemporaryBan: {"until": NOW + timedelta(hours=2), "code": 101},
        port.Refused: {"why": "banned"},
        port.ReachOutLocked: {"until": NOW + timedelta(hours=5)},
    }
    return kind(device_id="d", event_id="e", at=NOW, **(filled.get(kind, {}) | more))


def after(before: model.Device, what: port.Event, **more: Any) -> model.Device:
    change = model.after(before, what, NOW, **more)
    return before if change is None else change.device


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("kind", list(model.MOVES))
def test_an_event_that_is_not_listed_for_a_state_changes_nothing(state: S, kind: type[port.Event]) -> None:
    before = device(state)
    moved = after(before, event(kind))
    if state not in model.MOVES[kind][0]:
        assert moved == before
    else:
        assert moved.state in {model.MOVES[kind][1], S.LOGGED_OUT}


@pytest.mark.parametrize("state", list(S))
def test_every_state_has_words_and_advice(state: S) -> None:
    assert words.of(state, None)
    assert words.of(state, "a reason nobody knows") == words.of(state, None)
    assert words.advice(state)


@pytest.mark.parametrize("state", list(S))
def test_only_an_online_device_sends_to_strangers(state: S) -> None:
    assert model.may_send(state) == (state is S.ONLINE)
    assert model.may_send(state, is_warm=True) == (state in (S.ONLINE, S.RESTRICTED))


def test_the_linked_number_counts_and_the_words_say_so() -> None:
    change = model.after(device(S.PAIRING, phone="60122222222"), event(port.PairSucceeded), NOW)
    assert change is not None
    assert change.device.phone == "60111111111"
    assert "another number" in change.words


def test_a_logout_keeps_the_number_and_wants_nothing_more() -> None:
    out = after(device(S.ONLINE), event(port.LoggedOut))
    assert (out.state, out.phone, out.is_linked, out.wanted) == (S.LOGGED_OUT, "60111111111", False, "stopped")
    assert out.jid


def test_a_ban_says_why_and_until_when() -> None:
    banned = after(device(S.ONLINE), event(port.TemporaryBan, code=104))
    assert banned.hold_until == NOW + timedelta(hours=2)
    assert "same text" in words.of(banned.state, banned.state_reason)


def test_a_reach_out_lock_outlives_a_lost_line() -> None:
    locked = after(device(S.ONLINE), event(port.ReachOutLocked))
    away = after(locked, event(port.Disconnected))
    assert away.state is S.OFFLINE
    back = after(away, event(port.Connected))
    assert (back.state, back.hold_until) == (S.RESTRICTED, locked.hold_until)
    free = model.after(back, event(port.Connected), NOW + timedelta(hours=6))
    assert free is not None
    assert free.device.state is S.ONLINE


TABLE: list[tuple[S, str | None, tuple[str, ...]]] = [
    (
        S.RESTRICTED,
        "reach_out_lock",
        ("no new chats until 2 December 2026, 02:00 UTC", "People who wrote to you can be answered"),
    ),
    (S.RESTRICTED, "reach_out_lock_open_end", ("no new chats", "does not say until when", "can be answered")),
    (S.RESTRICTED, "reach_out_lock_person", ("no new chats", "does not try by itself any more")),
    (S.BANNED_UNTIL, "ban_101", ("until 2 December 2026, 02:00 UTC", "do not have it saved", "campaigns that use it pause")),
    (S.BANNED_UNTIL, "ban_102", ("many people blocked it",)),
    (S.BANNED_UNTIL, "ban_103", ("groups",)),
    (S.BANNED_UNTIL, "ban_104", ("same text to too many",)),
    (S.BANNED_UNTIL, "ban_106", ("broadcast lists",)),
    (S.BANNED_UNTIL, "ban_999", ("banned this number until 2 December 2026, 02:00 UTC.",)),
    (S.REFUSED, "banned", ("for good", "until they expire")),
    (S.LOGGED_OUT, "phone", ("removed this device",)),
    (S.REPLACED, None, ("opened for this device elsewhere", "does not fight")),
    (S.OUTDATED, None, ("newer client", "all devices of this kind")),
    (S.OFFLINE, "no_network", ("cannot be reached", "tries again by itself")),
    (S.OFFLINE, "no_room", ("no room for another linked device", "its messages wait")),
]
"""responsible-sending.md 10: each row of the table of restrictions, and what its sentence must say."""


@pytest.mark.parametrize(("state", "reason", "parts"), TABLE)
def test_every_restriction_says_what_happened_and_that_nothing_was_moved(
    state: S, reason: str | None, parts: tuple[str, ...]
) -> None:
    said = words.of(state, reason, NOW + timedelta(days=1))
    for part in (*parts, "Nothing was moved"):
        assert part in said
    assert "{" not in words.of(state, reason)
    assert len(words.advice(state, reason)) > 10
    assert words.advice(state, reason) != words.advice(S.ONLINE)


def test_each_ban_code_has_its_own_advice() -> None:
    said = {words.advice(S.BANNED_UNTIL, f"ban_{code}") for code in words.BANS}
    assert len(said) == len(words.BANS) == 5
    assert "resumes" in words.advice(S.BANNED_UNTIL, "ban_104")


def test_nothing_tells_a_restricted_user_to_try_another_number_or_to_go_round_it() -> None:
    """The audience is held, never moved; a permanent ban offers to cancel or to plan anew, no replacement."""
    for state, reason, _ in TABLE:
        text = f"{words.of(state, reason)} {words.advice(state, reason)}".lower()
        assert not any(word in text for word in ("replace the", "move ", "retry", "proxy", "switch to"))


@pytest.mark.parametrize("kind", [port.Connected, port.PairSucceeded])
def test_a_line_that_holds_ends_the_careful_tries(kind: type[port.Event]) -> None:
    banned = after(device(S.ONLINE), event(port.TemporaryBan))
    assert banned.probe_at == NOW
    assert after(replace(banned, state=S.CONNECTING), event(kind)).probe_at is None


@pytest.mark.parametrize(
    ("jid", "linked", "is_kept"),
    [
        ("60111111111:1@s.whatsapp.net", "60111111111", True),
        ("60111111111@s.whatsapp.net", "60111111111", True),
        ("5215512345678:3@s.whatsapp.net", "525512345678", True),
        ("60122222222:1@s.whatsapp.net", "60111111111", False),
        (None, "60111111111", False),
    ],
)
def test_the_age_belongs_to_the_number(jid: str | None, linked: str, is_kept: bool) -> None:
    long_ago = NOW - timedelta(days=40)
    before = device(S.PAIRING, jid=jid, phone=linked, linked_at=long_ago)
    paired = after(before, event(port.PairSucceeded, phone=linked, jid=f"{linked}:9@s.whatsapp.net"))
    assert paired.linked_at == (long_ago if is_kept else NOW)


def test_a_link_of_unknown_age_counts_as_new() -> None:
    paired = after(device(S.PAIRING, jid="60111111111:1@s.whatsapp.net"), event(port.PairSucceeded))
    assert paired.linked_at == NOW


@pytest.mark.parametrize(("before", "hours"), [(0, 24), (1, 48), (2, 96), (3, None)])
def test_a_lock_without_an_end_doubles_and_then_asks_a_person(before: int, hours: int | None) -> None:
    locked = after(device(S.ONLINE), event(port.ReachOutLocked, until=None), unknown_locks=before)
    assert locked.hold_until == (NOW + timedelta(hours=hours) if hours else None)


@pytest.mark.parametrize("kind", [port.StreamReplaced, port.Refused, port.LoggedOut])
def test_what_needs_a_person_is_not_wanted_any_more(kind: type[port.Event]) -> None:
    assert after(device(S.ONLINE), event(kind)).wanted == "stopped"


def test_a_late_answer_does_not_connect_a_stopped_device() -> None:
    for state, kind in ((S.CONNECTING, port.Connected), (S.NEW, port.QrCode)):
        assert model.after(device(state, wanted=model.Wanted.STOPPED), event(kind), NOW) is None


def test_a_code_for_a_linked_device_means_that_the_link_is_lost() -> None:
    lost = after(device(S.CONNECTING), event(port.QrCode))
    assert (lost.state, lost.state_reason, lost.is_linked) == (S.LOGGED_OUT, "link_lost", False)


def test_a_pairing_that_ran_out_goes_back_to_where_it_began() -> None:
    assert after(device(S.PAIRING), event(port.PairFailed)).state is S.NEW
    assert after(device(S.PAIRING, jid="x"), event(port.PairFailed)).state is S.LOGGED_OUT


def test_the_same_event_again_is_no_news() -> None:
    offline = after(device(S.ONLINE), event(port.Disconnected))
    change = model.after(offline, event(port.Disconnected), NOW)
    assert change is None or change.words == ""
