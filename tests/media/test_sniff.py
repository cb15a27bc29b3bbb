"""What a file is by its content: good ones of every kind, hostile and broken ones, and rubbish without end."""

import io
import random

import pytest

from hantar.media import model, sniff
from tests.media import samples


@pytest.mark.parametrize("given", samples.GOOD)
def test_a_good_file_is_known_and_its_name_fits(given: str) -> None:
    data, kind, mime, name = samples.GOOD[given]
    file = io.BytesIO(data)
    found = sniff.judge(file)
    assert (found.kind, found.mime, model.named(given, found)) == (kind, mime, name)
    assert file.tell() == 0


@pytest.mark.parametrize(("data", "reason"), [(data, reason) for _, data, reason in samples.BAD], ids=[b[0] for b in samples.BAD])
def test_a_bad_file_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(sniff.Refused) as refused:
        sniff.judge(io.BytesIO(data))
    assert refused.value.reason == reason


def _judged(data: bytes) -> str:
    try:
        return sniff.judge(io.BytesIO(data)).kind
    except sniff.Refused as error:
        return error.reason


def test_broken_files_are_refused_or_known_and_nothing_else() -> None:
    chance, known = random.Random(5), {*model.MediaKind, *model.PROBLEMS}
    for data, *_ in samples.GOOD.values():
        for _ in range(60):
            broken = bytearray(data[: chance.randrange(1, len(data) + 1)])
            for _ in range(chance.randrange(6)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            assert _judged(bytes(broken)) in known


def test_a_directory_without_end_is_not_read() -> None:
    million = samples.mp4() + samples.box(b"free") * 30_000
    with pytest.raises(sniff.Refused):
        sniff.judge(io.BytesIO(million))


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("audio", "", None),
        ("audio", " \n", None),
        ("audio", "Listen", "no_caption"),
        ("image", "x" * 1024, None),
        ("document", "x" * 1025, "caption_too_long"),
        ("video", "Look", None),
    ],
)
def test_what_may_stand_under_a_file(kind: str, text: str, code: str | None) -> None:
    found = model.caption_problem(model.MediaKind(kind), text, "caption")
    assert (found.code if found else None) == code


def test_the_least_of_both_limits_holds() -> None:
    assert model.Limits().of(model.MediaKind.DOCUMENT) == 16_000_000
    large = model.Limits(100_000_000)
    assert (large.of(model.MediaKind.VIDEO), large.of(model.MediaKind.DOCUMENT)) == (16_000_000, 100_000_000)
