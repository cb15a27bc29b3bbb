"""The line that says how to stop: found in nine languages, proposed in the text's own, required on devices that reach people."""

from typing import Any

import pytest

from hantar.campaigns import model, optout_line, plan, service
from hantar.consent import words
from hantar.consent.model import Meaning
from tests.campaigns import crowd
from tests.fleet import Fleet

PHONES = [f"6012345{n:04d}" for n in range(20)]
LANGUAGES = ("en", "ms", "id", "zh", "es", "pt", "ar", "hi", "fr")
TEXTS = {
    "en": "Hello {{ name }}, the new menu is here and you get 10 % off with this message today.",
    "ms": "Hai {{ name }}, menu baru kami sudah ada dan anda boleh dapat diskaun percuma dengan mesej ini hari ini sahaja.",
    "id": "Halo {{ name }}, menu baru kami sudah ada dan kamu bisa dapat diskon dengan pesan ini hari ini saja, gratis.",
    "zh": "您好 {{ name }}，本店新菜单已上线，今天出示此消息可享九折。",
    "es": "Hola {{ name }}, nuestra nueva carta ya está aquí y con este mensaje tienes un 10 % de descuento para hoy.",
    "pt": "Olá {{ name }}, o nosso novo cardápio chegou e você ganha 10 % de desconto com esta mensagem hoje.",
    "ar": "مرحبا {{ name }}، قائمتنا الجديدة متوفرة الآن مع خصم عشرة بالمئة اليوم.",
    "hi": "नमस्ते {{ name }}, हमारा नया मेनू आ गया है और आज आपको दस प्रतिशत की छूट मिलेगी।",
    "fr": "Bonjour {{ name }}, notre nouvelle carte est là et vous avez 10 % de remise avec ce message.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_proposal_is_in_the_language_of_the_text_and_names_a_word_that_works(language: str) -> None:
    text = TEXTS[language]
    assert not optout_line.says(text)
    assert optout_line.language_of(text, None) == language
    line = optout_line.line_in(language)
    assert optout_line.says(f"{text}\n{line}")
    named = [word for word in words.STOP if word in words.fold(line)]
    assert any(words.read(word, {}).meaning is Meaning.STOP for word in named)


@pytest.mark.parametrize("language", words.LANGUAGES, ids=lambda language: language.code)
def test_each_of_our_words_in_capitals_or_quotes_is_seen(language: words.Language) -> None:
    for word in language.stop:
        assert optout_line.says(f"Hello. “{word}”"), word
        assert optout_line.says(f"Bla bla: {word}"), word
        if word.upper() != word:
            assert optout_line.says(f"Hello {word.upper()} hello"), word


@pytest.mark.parametrize(
    "text",
    [
        "Reply STOP to opt out",
        "reply stop to hear no more",
        "Send “end” when you have enough",
        "You may unsubscribe at any time",
        "Balas batal jika tidak mahu",
        "Responda baja y no le escribimos más",
        "回复取消，不再打扰",
        "*STOP*",
        "ＳＴＯＰ",
    ],
)
def test_a_line_is_seen_as_people_write_it(text: str) -> None:
    assert optout_line.says(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello {{ name }}",
        "Hello {{ stop }}",
        "Non-stop music until the end of June",
        "Sale ends Sunday. Do not cancel your plans!",
        "Temporada baja: hoteles desde 30 euros",
        "Pare, olhe e escute nossa nova música",
        "Jualan murah sehingga kedai tutup",
        "您可以随时取消订单",
        "बंद दुकानें",
    ],
)
def test_ordinary_words_are_no_line(text: str) -> None:
    assert not optout_line.says(text)


def test_a_workspaces_own_word_counts() -> None:
    assert optout_line.says("Schreiben Sie AUFHÖREN, wenn es genug ist", [words.fold("Aufhören")])
    assert not optout_line.says("Schreiben Sie AUFHÖREN, wenn es genug ist")


@pytest.mark.parametrize(("country", "language"), [("MY", "ms"), ("ID", "id"), ("BR", "pt"), ("US", "en"), (None, "en")])
def test_a_text_without_words_goes_by_the_country(country: str | None, language: str) -> None:
    assert optout_line.language_of("{{ name }} 🎉", country) == language


async def look(fleet: Fleet, **more: Any) -> Any:
    async with fleet.db.transaction(fleet.workspace) as tx:
        return await plan.make(tx, fleet.workspace, fleet.draft(**more), None)


async def real(fleet: Fleet) -> str:
    """A device that reaches people, with one lead who agreed."""
    (device,) = await fleet.add_devices(1, **crowd.REAL)
    await fleet.add_leads(device, PHONES[:1])
    await crowd.agree(fleet, PHONES[0])
    return device


async def test_the_simulator_only_warns(fleet: Fleet) -> None:
    (device,) = await fleet.add_devices(1)
    await fleet.add_leads(device, PHONES[:1])
    made = await look(fleet)
    assert (made.line.is_present, made.line.is_required) == (False, False)
    assert made.line.proposal
    assert "opt_out_line_missing" in [each.code for each in made.warnings]
    assert "opt_out_line_missing" not in [each.code for each in (await look(fleet, text=crowd.STOP)).warnings]
    assert len(await fleet.rows(await fleet.launch())) == 1


async def test_a_device_that_reaches_people_does_not_start_without_it(fleet: Fleet) -> None:
    """By any way to start: now, at a time, by hand, by an edit, by a resume. Stored and held it may wait for its line."""
    await real(fleet)
    assert (await look(fleet)).line.is_required
    async with fleet.db.transaction(fleet.workspace) as tx:
        with pytest.raises(model.OptOutLineMissing) as refused:
            await service.create(tx, fleet.workspace, fleet.draft())
        assert refused.value.details["proposal"] in {optout_line.line_in(each) for each in LANGUAGES}
        waiting = (await service.create(tx, fleet.workspace, fleet.draft(), hold=True)).campaign.id
        for act in (service.start, service.resume):
            with pytest.raises(model.OptOutLineMissing):
                await act(tx, fleet.workspace, waiting)
        ready = (await service.create(tx, fleet.workspace, fleet.draft(text=crowd.STOP))).campaign.id
        with pytest.raises(model.OptOutLineMissing):
            await service.edit(tx, fleet.workspace, ready, fleet.draft())
        await service.edit(tx, fleet.workspace, waiting, fleet.draft(text=crowd.STOP))
        assert (await service.start(tx, fleet.workspace, waiting)).status == "pending"


async def test_the_owner_may_turn_it_into_a_warning(fleet: Fleet) -> None:
    await real(fleet)
    await crowd.set_policy(fleet, linked={"optout_line": "warn"})
    assert not (await look(fleet)).line.is_required
    async with fleet.db.transaction(fleet.workspace) as tx:
        assert (await service.create(tx, fleet.workspace, fleet.draft())).campaign.status == "pending"


async def test_only_the_first_message_to_a_person_needs_it(fleet: Fleet) -> None:
    """A simulated message was none to a real person."""
    device = await real(fleet)
    (toy,) = await fleet.add_devices(1)
    now = fleet.clock.now()
    await crowd.wrote_to(fleet, toy, PHONES[0], now)
    assert (await look(fleet)).line.is_required
    await crowd.wrote_to(fleet, device, PHONES[0], now)
    made = await look(fleet)
    assert (made.line.is_first, made.line.is_required, made.line.proposal) == (False, False, None)
    await fleet.add_leads(device, PHONES[1:2])
    await crowd.agree(fleet, PHONES[1])
    assert (await look(fleet)).line.is_required
