"""`cases/` of a new pack: what the first policy must answer, so that a change of it is seen."""

from collections.abc import Iterator

from plimsoll.adapters.products.toml import line
from plimsoll.domain.lenders_file.own_data import AMOUNT
from plimsoll.domain.lenders_file.own_product import Draft

JUST_ABOVE = 1.0001


def cases_of(draft: Draft) -> dict[str, str]:
    return {
        "baseline.toml": _text(_baseline(draft)),
        "risk.toml": _text(_risk(draft)),
        "screen.toml": _text(_screen(draft)),
    }


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _baseline(draft: Draft) -> Iterator[str]:
    low = _good_risk(draft) / 2
    yield "# What every case starts from: the example application of product.toml and the score of a good risk."
    yield "# A case writes only what differs."
    yield ""
    yield "[score]"
    yield line("pd", low)
    yield line("sample_probability", low)
    yield line("interval_low", low / 2)
    yield line("interval_high", low * 2)
    yield line("near_cut", 0.0)
    yield line("novelty", 0.4)


def _good_risk(draft: Draft) -> float:
    """Of the best grade, and below all referrals."""
    return min(draft.grades[0].highest_pd, draft.cut.approve_up_to)


def _risk(draft: Draft) -> Iterator[str]:
    cut = draft.cut
    yield "# The cut-offs, from both sides."
    best = draft.grades[0].name
    yield from _case("a low risk has the best grade", f"score.pd = {_good_risk(draft):.10g}", "approve", grade=best)
    yield from _case("at the lower cut-off it is approved", f"score.pd = {cut.approve_up_to:.10g}", "approve")
    between = min(cut.approve_up_to * JUST_ABOVE, cut.decline_above)
    yield from _case("just above it a person looks", f"score.pd = {between:.10g}", "refer", "C-BETWEEN")
    yield from _case(
        "at the upper cut-off a person looks", f"score.pd = {cut.decline_above:.10g}", "refer", "C-BETWEEN"
    )
    yield from _case("above it is declined", f"score.pd = {cut.decline_above * JUST_ABOVE:.10g}", "decline", "K-SCORE")
    yield from _case(
        "what is unlike everything in training goes to a person", "score.novelty = 0.995", "refer", "D-NOVEL"
    )
    high = f"score = {{ pd = {cut.decline_above * JUST_ABOVE:.10g}, novelty = 0.995 }}"
    yield from _case("and is not declined on a score that knows nothing of it", high, "refer", "D-NOVEL")


def _screen(draft: Draft) -> Iterator[str]:
    yield "# Hard rules on what was declared."
    born = 'application.applicant.date_of_birth = "2015-01-01"'
    yield from _case("too young for a contract", born, "decline", "R-AGE", screen=True)
    yield from _case("the example may go on", 'application.priority = "normal"', "approve", screen=True)
    if draft.own.at(AMOUNT):
        above = f'application.amount = "{draft.largest_amount + 1}.00"'
        yield from _case("an amount the file never saw", above, "refer", "R-AMOUNT-HIGH", screen=True)


def _case(
    name: str, change: str, outcome: str, hit: str = "", *, grade: str = "", screen: bool = False
) -> Iterator[str]:
    yield ""
    yield "[[case]]"
    yield line("name", name)
    if screen:
        yield line("stage", "screen")
    yield change
    wanted = [f'outcome = "{outcome}"']
    wanted += [f'hits = ["{hit}"]'] if hit else []
    wanted += [f'grade = "{grade}"'] if grade else []
    yield f"expect = {{ {', '.join(wanted)} }}"
