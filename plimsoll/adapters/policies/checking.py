"""What `plimsoll policy check` looks at. Each check gives sentences: what, where, what to do."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from plimsoll.domain.underwriting.facts import Stage, fact_paths, is_protected
from plimsoll.domain.underwriting.policy import Policy, Rule
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.values import Outcome

SCREEN_TABLE = "screen"


def problems(product: Product, policy: Policy) -> list[str]:
    return [
        *_unknown_reasons(product, policy),
        *_repeated_ids(policy),
        *unreadable_cells(policy),
        *_empty_rows(policy),
        *_unknown_facts(product, policy),
        *_uneven_grades(policy),
        *_cut_elsewhere(product, policy),
    ]


def _unknown_reasons(product: Product, policy: Policy) -> Iterator[str]:
    known = {spec.code for spec in product.reasons}
    for rule in policy.rules:
        if rule.reason and rule.reason not in known:
            yield f"{rule.id}: reason {rule.reason!r} is not in reasons.toml; add its sentences."
        if not rule.reason and rule.effect is not None and not _stands_for_the_score(rule):
            yield f"{rule.id}: it can {rule.effect} and gives no reason; name one."


def _stands_for_the_score(rule: Rule) -> bool:
    """A row that declines on the score alone may leave the reasons to the score."""
    return rule.effect is Outcome.DECLINE and "score.pd" in rule.conditions


def _repeated_ids(policy: Policy) -> Iterator[str]:
    for rule_id, times in Counter(rule.id for rule in policy.rules).items():
        if times > 1:
            yield f"{rule_id}: {times} rows have this id; a hit must name one rule."


def unreadable_cells(policy: Policy) -> Iterator[str]:
    """The engine reads a cell it cannot parse as one that never matches: a knock-out with a
    slip of the pen would be silent for ever. So every cell is compiled before a policy counts."""
    import zen

    for rule in policy.rules:
        for path, cell in rule.conditions.items():
            try:
                zen.compile_unary_expression(cell)
            except RuntimeError as error:
                yield f"{rule.id}: the cell for {path} ({cell}) cannot be read: {first_line(error)}"


def first_line(error: RuntimeError) -> str:
    """What the engine says, without the machine's stack it may append."""
    return str(error).split("\n")[0]


def _empty_rows(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        if not rule.conditions:
            yield f"{rule.id}: no cell has a condition, so it fires always; add one."


def _unknown_facts(product: Product, policy: Policy) -> Iterator[str]:
    tables = {rule.table for rule in policy.rules}
    for rule in policy.rules:
        stage = Stage.SCREEN if rule.table == SCREEN_TABLE else Stage.DECIDE
        for path in rule.conditions.keys() - fact_paths(product, stage) - tables:
            if is_protected(product, path):
                yield f"{rule.id}: {path} is protected and may not be read."
            else:
                yield f"{rule.id}: there is no fact {path} at stage {stage}; declare it in product.toml or correct it."


def _uneven_grades(policy: Policy) -> Iterator[str]:
    for better, worse in pairwise(policy.grades):
        if better.highest_pd is None or worse.highest_pd is None:
            yield f"Grade {worse.grade}: write its bound as `<= number` on score.pd."
        elif better.highest_pd >= worse.highest_pd:
            yield f"Grade {worse.grade}: its bound must be above that of grade {better.grade}."
        if worse.annual_rate < better.annual_rate:
            yield f"Grade {worse.grade}: more risk must not cost less than grade {better.grade}."
        if worse.max_amount > better.max_amount or worse.max_term_months > better.max_term_months:
            yield f"Grade {worse.grade}: more risk must not have higher limits than grade {better.grade}."


def _cut_elsewhere(product: Product, policy: Policy) -> Iterator[str]:
    """The cut stands in three places that must agree: product.toml, the declining row, the last grade."""
    cut = product.risk.decline_above
    for rule in policy.rules:
        bound = re.fullmatch(r">\s*([0-9.]+)", rule.conditions.get("score.pd", ""))
        if _stands_for_the_score(rule) and (bound is None or float(bound[1]) != cut):
            yield f"{rule.id}: it must decline above {cut:g}, the product's decline_above."
    if policy.grades and policy.grades[-1].highest_pd != cut:
        yield f"Grade {policy.grades[-1].grade}: its bound must be {cut:g}, the product's decline_above."
