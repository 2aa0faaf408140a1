"""A changed policy on cases of the past: what it would have said of each, beside the policy in force.

Both are asked anew, on the same facts and the same score, so that what differs comes of the change alone. A case that
the policy in force turned away on its declaration was never scored: where the changed one lets it through, nobody can
say how it would have ended.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from plimsoll.domain.underwriting.case import Case
from plimsoll.domain.underwriting.deciding import decide, screened
from plimsoll.domain.underwriting.decision import PolicyVerdict, Verdict
from plimsoll.domain.underwriting.evidence import EvidenceState
from plimsoll.domain.underwriting.facts import Facts, Stage, facts_of
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Value

Asked = Callable[[Stage, Facts], PolicyVerdict]
LET_THROUGH = "let_through"  # past the first rules, and not known further
MOST_SHOWN = 50


class Difference(Value):
    """One case of which the two say something else."""

    application: str
    was: str
    becomes: str
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]


class Move(Value):
    was: str
    becomes: str
    cases: int


class BackTest(Value):
    cases: int
    since: date | None
    until: date | None
    alike: int
    moves: tuple[Move, ...]  # the most frequent first
    differences: tuple[Difference, ...]  # the first fifty


def back_test(product: Product, cases: Sequence[Case], in_force: Asked, changed: Asked) -> BackTest:
    """Raises PolicyUnreadable when one of them cannot be asked."""
    found = [
        Difference(
            application=case.application,
            was=_outcome(before),
            becomes=_outcome(after),
            rules_before=_rules(before),
            rules_after=_rules(after),
        )
        for case in cases
        for before, after in [(said(product, case, in_force), said(product, case, changed))]
        if _outcome(before) != _outcome(after)
    ]
    days = sorted(case.accepted_at.date() for case in cases)
    moves = Counter((each.was, each.becomes) for each in found)
    return BackTest(
        cases=len(cases),
        since=days[0] if days else None,
        until=days[-1] if days else None,
        alike=len(cases) - len(found),
        moves=tuple(Move(was=was, becomes=becomes, cases=n) for (was, becomes), n in moves.most_common()),
        differences=tuple(found[:MOST_SHOWN]),
    )


def said(product: Product, case: Case, asked: Asked) -> Verdict | None:
    """What this policy says of the case; None when it lets through a case that was never scored."""
    day = case.accepted_at.date()
    declared = facts_of(product, case.body, as_of=day, stage=Stage.SCREEN)
    knocked_out = screened(product, asked(Stage.SCREEN, declared))
    if knocked_out is not None or case.score is None:
        return knocked_out
    facts = facts_of(
        product,
        case.body,
        case.summaries,
        missing=case.sources_in(EvidenceState.GIVEN_UP, EvidenceState.UNKNOWN),
        mismatched=case.sources_in(EvidenceState.MISMATCH),
        as_of=day,
        stage=Stage.DECIDE,
    )
    return decide(product, facts, case.score, partial(asked, Stage.DECIDE), case.accepted_at)


def _outcome(verdict: Verdict | None) -> str:
    return LET_THROUGH if verdict is None else verdict.outcome.value


def _rules(verdict: Verdict | None) -> tuple[str, ...]:
    return () if verdict is None else tuple(hit.id for hit in verdict.hits)
