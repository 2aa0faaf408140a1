"""What is printed: one page for an auditor whatever it holds, plain words for the applicant, in any script."""

import re
import zlib
from datetime import UTC, datetime

import pytest

from tests.ui.fake_backend import a_case, a_decided_case
from ui import paper, printing

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PROOF = {"ok": True, "problem": None, "rows": 5, "checked_at": NOW.isoformat(),
         "entries": [{"entry": 1, "seq": 1, "hash": "ab" * 32}]}  # fmt: skip


def auditors(case: dict, proof: dict | None = PROOF) -> paper.Sheet:
    return paper.for_an_auditor(case, proof, "Ada Auditor", NOW, UTC)


def words_of(sheet: paper.Sheet) -> str:
    said = [sheet.title, sheet.subtitle, sheet.foot]
    for section in sheet.sections:
        said += [section.title, *section.sentences, *(f"{name} {value}" for name, value in section.pairs)]
    return "\n".join(said)


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def test_an_auditors_sheet_names_versions_people_and_the_last_link():
    said = words_of(auditors(a_decided_case("decline", override={"by": "Rosa", "reason": "risk_too_high"})))
    for word in ("consumer-credit@1", "Rosa: risk too high", "seq 1, hash abab", "Printed by Ada Auditor"):
        assert word in said


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
