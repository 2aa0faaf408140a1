"""`product.toml` of a new pack."""

import textwrap
from collections.abc import Iterator
from decimal import Decimal

from plimsoll.adapters.products.new_reasons import OF_PEOPLE
from plimsoll.adapters.products.toml import line, one_line, rule, said
from plimsoll.domain.lenders_file import own_product as assumed
from plimsoll.domain.lenders_file.columns import ColumnKind, Reading
from plimsoll.domain.lenders_file.headings import field_name
from plimsoll.domain.lenders_file.own_data import AMOUNT, OwnFeature, Part, Placed
from plimsoll.domain.lenders_file.own_product import Draft, typical
from plimsoll.domain.underwriting.product import Direction, FeatureKind

ALWAYS_PROTECTED = ("applicant.name", "applicant.date_of_birth", "age", "sex", "marital_status", "nationality")


def product_of(draft: Draft) -> str:
    parts = (_top, _fields, _features, _training, _risk, _offers, _review, _example)
    return "\n\n".join("\n".join(part(draft)) for part in parts) + "\n"


def _top(draft: Draft) -> Iterator[str]:
    yield f"# {draft.title}, made from {one_line(draft.came_from)} ({draft.own.rows:,} applications that have ended)."
    yield "# A first draft: read it from top to bottom. What is marked ASSUMED or SUGGESTION waits for your word."
    yield ""
    yield line("id", draft.id)
    yield line("version", "1")
    yield line("title", draft.title)
    yield line("line", "credit")
    yield line("jurisdiction", draft.jurisdiction, _given(draft, "jurisdiction", "whose law applies"))
    yield line("currency", draft.currency, _given(draft, "currency", "of every amount"))
    yield line("lane", "express", "`stepwise` shows every step as an activity of its own")
    yield line("model", draft.id)
    yield line("language", "en", "of the reasons in a score")
    yield line("sources", [], "nobody outside is asked; docs/products.md says how to add one")
    yield ""
    yield "# Read by no feature and no rule. The file's sensitive columns are here, so `product check` sees a slip."
    yield line("protected", _protected(draft))
    yield ""
    yield "[contract_age]"
    yield line("default", draft.contract_age, "ASSUMED; a jurisdiction with another age gets its own line")


def _given(draft: Draft, what: str, meaning: str) -> str:
    return f"ASSUMED: nobody said; {meaning}" if what in draft.assumed else meaning


def _protected(draft: Draft) -> list[str]:
    names = {feature.name for feature in draft.own.features}
    sensitive = [column for column in draft.own.placed if column.suspicion == "sensitive"]
    found = [*ALWAYS_PROTECTED, *(field_name(column.heading, ()) for column in sensitive)]
    return [name for name in dict.fromkeys(found) if name not in names]


def _fields(draft: Draft) -> Iterator[str]:
    yield rule("what the applicant declares")
    yield "# The common frame (amount, term, income, birth date ...) is not repeated here."
    for feature in draft.own.features:
        if not feature.in_frame:
            yield ""
            yield from _field(feature)


def _field(feature: OwnFeature) -> Iterator[str]:
    yield "[[fields]]"
    yield line("path", feature.path)
    if feature.kind is FeatureKind.NUMBER:
        yield line("kind", "number")
    else:
        yield line("kind", "choice")
        yield line("values", feature.values)
    if feature.reading.known == feature.reading.rows:
        yield line("required", True, "it is missing nowhere in the file")
    yield line("description", f"{feature.label}: {figures(feature.reading)}")
    yield line("example", typical(feature))


def figures(reading: Reading) -> str:
    """What a column holds, in a few words."""
    missing = f"; missing in {reading.missing_share:.0%} of the file" if reading.missing_share >= 0.005 else ""
    if reading.kind is ColumnKind.NUMBER:
        whole = "whole numbers" if reading.whole else "numbers"
        low, middle, high = (_plainly(value) for value in (reading.smallest, reading.median, reading.largest))
        return f"{whole} from {low} to {high}, median {middle}{missing}"
    rare = f", {reading.rare:,} rarer ones are `other`" if reading.rare else ""
    return f"{reading.distinct:,} values{rare}, mostly {one_line(reading.typical or '')!r}{missing}"


def _plainly(number: float | None) -> str:
    """Never 1e+06."""
    return f"{number:,.0f}" if abs(number or 0) >= 100_000 else f"{number or 0:,.6g}"


def _features(draft: Draft) -> Iterator[str]:
    yield rule("what the model reads")
    yield "# A SUGGESTION is a direction that the file shows clearly; it binds nobody until its line is uncommented;"
    yield "# then the model must keep it (`up`: risk rises with the value)."
    for feature in draft.own.features:
        yield ""
        yield "[[features]]"
        yield line("name", feature.name)
        yield line("path", feature.path)
        yield line("kind", feature.kind.value, feature.note)
        if feature.values:
            yield line("values", feature.values)
        yield from _direction(feature)
        yield line("concept", feature.concept)


def _direction(feature: OwnFeature) -> Iterator[str]:
    seen = feature.trend
    if feature.kind is FeatureKind.CATEGORY:
        return
    if seen is None:
        yield "# Too few known values to suggest a direction."
    elif feature.path == AMOUNT and seen.direction is Direction.DOWN:
        yield f"# Not suggested: larger amounts went to better applicants ({seen.told()})."
        yield "# In force it would make asking for less look worse."
    elif seen.clear:
        yield f"# SUGGESTION: {seen.told()}"
        yield f"# direction = {said(seen.direction.value)}"
    else:
        yield f"# Not clear enough to suggest a direction: {seen.told()}"


def _training(draft: Draft) -> Iterator[str]:
    own, target = draft.own, draft.target
    yield rule("where the model learns")
    yield ""
    yield "[training]"
    yield line("loader", "file")
    yield line("file", draft.file, "from this folder, or a full path")
    yield line("encoding", draft.encoding)
    yield line("separator", draft.separator)
    yield line("decimal", draft.decimal)
    yield line("quote", draft.quote)
    yield line("target", target.column, "the column that says how it ended")
    yield line("bad_values", target.bad_values)
    yield line("good_values", target.good_values, "" if target.good_values else "empty: every other value is good")
    for name, part in (("reference", Part.REFERENCE), ("applied_on", Part.APPLIED_ON),
                       ("label_known_on", Part.LABEL_KNOWN_ON)):  # fmt: skip
        yield line(name, own.heading_of(part), "" if own.heading_of(part) else _NOT_FOUND[name])
    kept = {column.heading for column in own.placed if column.suspicion == "asked"}
    for feature in own.features:
        yield ""
        yield "[[training.columns]]"
        yield from _column(feature.name, feature.heading, feature.reading)
        if feature.heading in kept:
            yield line("known_at", "application", "you kept it, and vouch that it was known then")
        if feature.divide_by != 1:
            yield line("divide_by", feature.divide_by, feature.note)
    taken: list[str] = []
    for group in own.of(Part.GROUP):
        taken.append(field_name(group.heading, taken))
        yield from _group(group, taken[-1])


_NOT_FOUND = {
    "reference": "no column is plainly your own number; rows are counted",
    "applied_on": "name the column with the day of application, if there is one",
    "label_known_on": "name the column with the day the ending was known, if there is one",
}


def _column(name: str, heading: str, reading: Reading) -> Iterator[str]:
    yield line("name", name)
    yield line("column", heading)
    if reading.missing:
        codes = f"SUSPECTED codes: {', '.join(reading.suspected)}; remove what is a value" if reading.suspected else ""
        yield line("missing", reading.missing, codes or "read as nobody knows")


def _group(group: Placed, name: str) -> Iterator[str]:
    yield ""
    yield f"[[training.groups]]               # {one_line(group.why)}"
    yield from _column(name, group.heading, group.reading)
    yield line("kind", "number" if group.reading.kind is ColumnKind.NUMBER else "category")


def _risk(draft: Draft) -> Iterator[str]:
    cut = draft.cut
    assumption = "given when it was made" if draft.portfolio_is_given else "ASSUMED: the same as in the file"
    yield rule("risk and price")
    yield from _how_the_cuts_were_found(draft)
    yield "# Train, look at the curve of the real model, and set them anew."
    yield ""
    yield "[risk]"
    yield line("sample_bad_rate", round(draft.sample_bad_rate, 6), "counted in the file")
    yield line(
        "portfolio_bad_rate", round(draft.portfolio_bad_rate, 6), f"{assumption}; probabilities are corrected to it"
    )
    yield line("loss_given_default", assumed.LOSS_GIVEN_DEFAULT, "ASSUMED")
    yield line("decline_above", cut.decline_above, "policy.json repeats it (checked)")
    yield line("funding_rate", assumed.FUNDING, "ASSUMED, per year, as the next two")
    yield line("operating_cost_rate", assumed.OPERATING)
    yield line("margin_rate", assumed.MARGIN)
    yield line("stress_rate", assumed.STRESS_RATE, "ASSUMED: the payment is tested against income at this nominal rate")
    yield "# apr_cap = 0.30                 # no offer above this yearly rate; set what your law allows"
    yield line("cost_of_bad", cut.cost_of_bad, "ASSUMED: good ones turned away that one bad one is worth")
    yield line("cost_of_good_declined", 1)


def _how_the_cuts_were_found(draft: Draft) -> Iterator[str]:
    cut, (low, high) = draft.cut, draft.auc_interval
    story = (
        f"The cut-offs come from a quick model, out of fold on {draft.looked_at:,} rows "
        f"(AUC {draft.auc:.3f}, {low:.3f} to {high:.3f}). "
        f"ASSUMED: a bad one costs as much as {cut.cost_of_bad:g} good ones turned away, and people can look at "
        f"{cut.refer_share:.0%}. The cheapest cut is {cut.best:g}; with the referrals around it {cut.approved:.0%} are "
        f"approved ({cut.bad_among_approved:.1%} bad among them), {cut.referred:.0%} referred, {cut.declined:.0%} "
        f"declined. Cost per applicant {cut.cost:.3f}; approving all {cut.cost_of_approving_all:.3f}, declining all "
        f"{cut.cost_of_declining_all:.3f}."
    )
    for told in textwrap.wrap(story, 116):
        yield f"# {told}"


def _offers(draft: Draft) -> Iterator[str]:
    yield "[offers]"
    yield "# No counter-offers yet: they need a model in which asking for less is never worse. Give the amount the"
    yield '# direction "up" above, train, and then allow steps such as [0.9, 0.8, 0.7, 0.6, 0.5].'
    yield line("amount_steps", [1.0])
    yield line("term_steps", [1.0])
    yield line("highest_pd_asked", draft.cut.decline_above)
    yield line("minimum_amount", draft.smallest_amount)
    yield line("valid_days", 30)


def _review(draft: Draft) -> Iterator[str]:
    yield "[review]"
    yield line("queue", draft.id, "its own; with another product's queue its cases come among those")
    yield line("first_answer_hours", 4, "ASSUMED, as all of this")
    yield line("lease_minutes", 30)
    yield line("patience_days", 14)
    yield line("when_over", "expire")
    yield line("four_eyes_above", draft.largest_amount)
    yield ""
    yield "[review.reasons]"
    for code, (listed, *_) in OF_PEOPLE.items():
        yield line(code, listed)
    yield ""
    yield "[review.documents]"
    yield line("payslips", "Payslips of the last three months")
    yield line("bank_statements", "Bank statements of the last three months")
    yield line("identity", "Copy of an identity document")
    yield ""
    yield "[review.authority]"
    yield line("reviewer", draft.largest_amount)
    yield line("senior_reviewer", 2 * draft.largest_amount)


def _example(draft: Draft) -> Iterator[str]:
    yield rule("one valid application")
    yield "# Nobody's: the middle of each number and the most frequent of each word."
    yield ""
    yield "[example]"
    yield line("product", draft.id)
    yield line("type", "credit")
    yield line("external_id", "EXAMPLE-1")
    yield line("amount", _money(draft.typical_amount))
    yield line("currency", draft.currency)
    yield line("term_months", draft.typical_term)
    yield line("jurisdiction", draft.jurisdiction)
    yield ""
    yield "[example.applicant]"
    yield line("id", "EXAMPLE")
    yield line("name", "Example Applicant")
    yield line("date_of_birth", "1985-07-01")
    yield line("employment_status", "employed")
    yield ""
    yield "[example.financial]"
    yield line("monthly_income", _money(draft.typical_income))
    for feature in draft.own.features:
        if not feature.in_frame:
            yield line(feature.name, typical(feature))


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
