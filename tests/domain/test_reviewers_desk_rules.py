"""What counts as a paper, when an answer is owed again, and who judges without the score."""

from datetime import timedelta

import pytest

from plimsoll.domain.errors import FieldsInvalid, InvalidRequest
from plimsoll.domain.underwriting.desk import (
    LARGEST_PAPER,
    check_document_code,
    checked_paper,
    due_after_papers,
    due_while_waiting,
    judges_unswayed,
)
from tests.applicants import the_product
from tests.builders import NOW

TERMS = the_product().review
PDF = b"%PDF-1.4 payslip"


def test_a_paper_keeps_its_name_and_its_kind():
    paper = checked_paper("Lohn.pdf", "Application/PDF; charset=binary", PDF)
    assert (paper.name, paper.media_type, paper.content) == ("Lohn.pdf", "application/pdf", PDF)


@pytest.mark.parametrize(
    ("media_type", "content", "said"),
    [
        ("", PDF, "of no type"),
        ("application/pdf", PDF + b" " * LARGEST_PAPER, "scan it smaller"),
        ("image/png", PDF, "is no image/png"),
        ("text/html", b"<script>", "not text/html"),
    ],
)
def test_what_is_no_paper_gets_one_sentence(media_type: str, content: bytes, said: str):
    with pytest.raises(InvalidRequest, match=said):
        checked_paper("", media_type, content)


def test_only_papers_of_the_products_list_are_asked_for():
    check_document_code(TERMS, "payslips")
    with pytest.raises(FieldsInvalid) as refused:
        check_document_code(TERMS, "horoscope")
    assert "'horoscope' is not a document of this product; there are payslips" in str(refused.value.details)


def test_an_answer_is_owed_after_the_applicants_time_and_never_after_the_case_ends():
    due, deadline = NOW + timedelta(hours=4), NOW + timedelta(days=14)
    assert due_while_waiting(TERMS, due, deadline, NOW) == NOW + timedelta(days=7)
    assert due_while_waiting(TERMS, due, deadline, NOW + timedelta(days=10)) == deadline
    assert due_after_papers(TERMS, deadline, NOW) == due
    assert due_after_papers(TERMS, deadline, deadline) == deadline


@pytest.mark.parametrize(
    ("wanted", "waiting", "answered", "unswayed"),
    [
        (False, True, False, False),
        (True, False, False, False),
        (True, True, False, True),
        (True, True, True, False),
    ],
)
def test_the_score_is_covered_only_until_the_reviewer_has_said_their_word(
    wanted: bool, waiting: bool, answered: bool, unswayed: bool
):
    terms = TERMS.model_copy(update={"score_after_verdict": wanted})
    assert judges_unswayed(terms, waiting, answered) is unswayed
