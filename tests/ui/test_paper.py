"""What is printed: one page for an auditor whatever it holds, plain words for the applicant, in any script."""

import re
import zlib
from datetime import UTC, datetime

import pytest

from tests.ui.some_cases import a_case, a_decided_case
from ui import paper, plain_words, printing

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PROOF = {"ok": True, "problem": None, "rows": 5, "checked_at": NOW.isoformat(),
         "entries": [{"entry": 1, "seq": 1, "hash": "ab" * 32}]}  # fmt: skip


def auditors(case: dict, proof: dict | None = PROOF) -> paper.Sheet:
    return paper.for_an_auditor(case, proof, "Ada Auditor", NOW, UTC)


ROSAS_WORD = {"by": "Rosa", "reason": "risk_too_high", "text": "Risk too high on a full look"}


def words_of(sheet: paper.Sheet) -> str:
    said = [sheet.title, sheet.subtitle, sheet.foot]
    for section in sheet.sections:
        said += [section.title, *section.sentences, *(f"{name} {value}" for name, value in section.pairs)]
    return "\n".join(said)


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def test_an_auditors_sheet_names_versions_people_and_the_last_link():
    said = words_of(auditors(a_decided_case("decline", override=ROSAS_WORD)))
    for word in (
        "consumer-credit@1",
        "Rosa: Risk too high on a full look (risk_too_high)",
        "seq 1, hash abab",
        "Printed by Ada Auditor",
    ):
        assert word in said


def test_where_two_people_approved_both_are_named():
    """Four eyes are there to be seen at the head of the page, not only in the record below."""
    case = a_decided_case("approve", "person", override={"by": "Sven", "reason": "income_confirmed"})
    first = {"entry": 3, "seq": 3, "kind": "review.first_answer", "actor": "act_2", "actor_name": "Sonia"}
    case["ledger"].append(first | {"reason": "income_confirmed", "at": NOW.isoformat()})
    said = words_of(auditors(case))
    assert "First approval Sonia: income confirmed (income_confirmed)" in said
    assert "By a person Sven: income confirmed (income_confirmed)" in said


def test_an_auditor_reads_words_and_finds_the_code_behind_them():
    """What was declared, answered, given as a reason; a number is no code, and a text stays as it was written."""
    case = a_decided_case(
        declared={"applicant.job": "skilled_employee", "applicant.rate": "4.5", "applicant.said": "a_B"}
    )
    case["ledger"][-1] |= {"kind": "review.answered", "reason": "evidence_checked"}
    said = words_of(auditors(case))
    for line in (
        "Job skilled employee (skilled_employee)",
        "Rate 4.5",
        "Said a_B",
        "evidence checked (evidence_checked)",
    ):
        assert line in said
    assert re.search(r"1\. State of your checking account: overdrawn \([a-z_]+\)", said)


def test_what_was_not_verified_is_not_called_so():
    assert "Not checked when this was printed." in words_of(auditors(a_case(), None))
    assert "DOES NOT FIT: decision dec_1" in words_of(
        auditors(a_case(), PROOF | {"ok": False, "problem": "decision dec_1"})
    )


@pytest.mark.parametrize("facts", [3, 60, 4000])
def test_an_auditors_sheet_is_one_page_however_much_was_declared(facts):
    case = a_decided_case(declared={f"applicant.fact_{n}": "a word or two " * 3 for n in range(facts)})
    pdf = printing.one_page(auditors(case))
    assert pages_of(pdf) == 1
    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize("written", ["Μαρία", "Мария", "ماريا", "x" * 3000, "<b>a</b> \x07 😀", "=1+1", "a\nb"])
def test_whatever_somebody_wrote_can_be_printed(written):
    case = a_decided_case(external_id=written, declared={"applicant.note": written})
    assert pages_of(printing.one_page(auditors(case))) == 1
    assert pages_of(printing.as_letter(paper.for_the_applicant(case, UTC))) >= 1


def test_the_applicant_reads_what_was_decided_and_why():
    said = words_of(paper.for_the_applicant(a_decided_case("decline"), UTC))
    assert "We did not agree to lend you what you asked for." in said
    assert "A computer program decided" in said
    assert "That a person looks at it again" in said
    assert "1. State of your checking account: overdrawn" in said


def test_whoever_got_what_they_asked_for_is_told_no_reasons_against_them():
    said = words_of(paper.for_the_applicant(a_decided_case("approve"), UTC))
    assert "We agreed" in said
    assert "overdrawn" not in said


def test_before_a_decision_nothing_is_called_decided():
    said = words_of(paper.for_the_applicant(a_case(), UTC))
    assert "It is not decided yet." in said
    assert "We did not agree" not in said


def a_german_case(outcome: str = "decline", **changes):
    plain = {"language": "de", "reasons": ["Stand Ihres Girokontos: überzogen", "Die Laufzeit ist lang: 24 Monate"]}
    return a_decided_case(outcome, plain=plain, **changes)


def test_an_applicant_who_reads_german_is_written_to_in_german():
    """Numbers and days too; not a word of English is left."""
    case = a_german_case(amount="4800.00")
    case["timings"]["accepted_at"] = "2026-03-01T09:05:00+00:00"
    said = words_of(paper.for_the_applicant(case, UTC))
    assert "Sie haben am 1. März 2026, 09:05 Uhr 4.800,00 DEM beantragt, Laufzeit 24 Monate." in said
    assert "1. Stand Ihres Girokontos: überzogen" in said
    assert "Was Ihre Bank uns geantwortet hat." in said
    assert "Dass ein Mensch es noch einmal ansieht" in said
    assert not re.search(r"\b(you|your|the|and|what|bank|we)\b", said.replace("Ihre Bank", "").lower())


def test_an_offer_is_told_in_german_numbers():
    """A comma where a German expects one."""
    terms = {"amount": "3200.00", "currency": "DEM", "term_months": 12, "payment": "281.10", "apr": "0.0998"}
    said = words_of(paper.for_the_applicant(a_german_case(outcome="counter_offer", terms=terms), UTC))
    assert "Unser Angebot: 3.200,00 DEM, Laufzeit 12 Monate, 281,10 DEM im Monat, effektiver Jahreszins 9,98 %." in said


def test_a_language_we_do_not_speak_is_answered_in_english():
    """With the reasons as they were recorded."""
    case = a_decided_case("decline", plain={"language": "tr", "reasons": ["x"]})
    said = words_of(paper.for_the_applicant(case, UTC))
    assert "We did not agree" in said
    assert "1. State of your checking account: overdrawn" in said


def test_every_language_says_the_same_things():
    """No sentence is missing in one of them."""
    for language in plain_words.LANGUAGES.values():
        english = plain_words.ENGLISH
        assert language.headings.keys() == english.headings.keys()
        assert language.means.keys() == english.means.keys()
        assert language.how.keys() == english.how.keys()
        assert len(language.rights) == len(english.rights)
        assert {"", "bank"} <= language.answered.keys()
        assert "" in language.silent


def test_the_paper_says_what_the_sheet_says():
    """The text is really in the PDF, as glyphs of an embedded font."""
    pdf = printing.as_letter(paper.for_the_applicant(a_decided_case(), UTC))
    streams = [part.split(b"endstream")[0].strip(b"\r\n") for part in pdf.split(b"stream\n")[1::1]]
    drawn = [found for stream in streams if (found := _inflated(stream)) and b" Tj" in found]
    assert drawn
    assert b"/FontFile2" in pdf


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""
