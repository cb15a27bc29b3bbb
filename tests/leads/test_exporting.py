"""Whatever a lead holds, its row in a file reads back the same."""

import io

from hypothesis import given, settings, strategies as st

from hantar.leads import columns, exporting, model, sheet

DEVICE = "018f0000-0000-7000-8000-000000000000"
LETTERS = st.one_of(
    st.sampled_from("'\"=+-@,;\t\r\n ＝＋’𝓐é\u0301\u200b\u200f\ufeff🎉مab1"),
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"),
)
TEXTS = st.text(LETTERS, max_size=30).map(model.clean)
LISTS = st.lists(st.text(LETTERS, max_size=8), max_size=4).map(model.entries)
FIELDS = st.builds(
    model.Fields,
    name=TEXTS.filter(bool),
    phone=st.integers(0, 9_999_999).map(lambda number: f"6012{number:07d}"),
    niches=LISTS,
    target_status=st.sampled_from(list(model.TargetStatus)),
    additional_note=TEXTS.map(lambda text: text or None),
    triggers=LISTS,
)


def row(fields: model.Fields) -> tuple[str | None, ...]:
    lists = (",".join(fields.niches), ",".join(fields.triggers))
    return (fields.name, fields.phone, lists[0], fields.target_status, fields.additional_note, DEVICE, lists[1])


@given(st.lists(FIELDS, min_size=1, max_size=5), st.sampled_from([None, "MY"]))
@settings(max_examples=300, deadline=None)
def test_a_file_of_leads_reads_back_the_same(leads: list[model.Fields], country: str | None) -> None:
    text = "".join(exporting.line(each) for each in (columns.HEADER, *map(row, leads)))
    file = io.BytesIO(text.encode())
    form = sheet.detect(file)
    assert form == sheet.Format("utf-8", ",")
    header, *records = sheet.records(file, form)
    assert header.cells is not None
    plan = columns.plan(header.cells, None)
    drafts = [columns.read(record, plan, "other", country) for record in records]
    assert [problems for _, problems in drafts] == [[] for _ in leads]
    assert [draft.fields for draft, _ in drafts if draft] == leads
    assert {draft.device_id for draft, _ in drafts if draft} == {DEVICE}
