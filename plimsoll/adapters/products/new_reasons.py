"""`reasons.toml` of a new pack: one reason per concept, and those of its rules."""

from collections.abc import Iterator

from plimsoll.adapters.products.toml import line, rule, said
from plimsoll.domain.lenders_file.german_headings import in_german
from plimsoll.domain.lenders_file.headings import label
from plimsoll.domain.lenders_file.own_data import OwnFeature
from plimsoll.domain.lenders_file.own_product import Draft

OF_RULES = {
    "under_contract_age": (
        "You have not reached the age at which a contract may be made",
        "Sie haben das Alter für einen Vertragsschluss noch nicht erreicht",
    ),
    "outside_experience": (
        "The request lies outside what we have experience with",
        "Die Anfrage liegt außerhalb dessen, womit wir Erfahrung haben",
    ),
    "unusual_application": (
        "Unlike the applications we have experience with",
        "Anders als die Anträge, mit denen wir Erfahrung haben",
    ),
    "close_call": (
        "Too close to the limit to be settled without a person",
        "Zu nahe an der Grenze, um ohne einen Menschen entschieden zu werden",
    ),
    "payment_against_income": (
        "The payment is high against the income declared",
        "Die Rate ist hoch gemessen am angegebenen Einkommen",
    ),
    "amount_above_limit": (
        "The amount asked for is above the limit that your record allows",
        "Der gewünschte Betrag übersteigt die Grenze, die Ihre Angaben zulassen",
    ),
    "term_above_limit": (
        "The term asked for is above the limit that your record allows",
        "Die gewünschte Laufzeit übersteigt die Grenze, die Ihre Angaben zulassen",
    ),
}

OF_PEOPLE = {  # as reviewers read them, and as an applicant does
    "evidence_checked": (
        "Checked what was declared",
        "What we found when we checked what you told us",
        "Was sich bei der Prüfung Ihrer Angaben ergab",
    ),
    "income_confirmed": (
        "Income confirmed by documents",
        "The income that your documents show",
        "Das Einkommen, das Ihre Unterlagen ausweisen",
    ),
    "obligations_too_high": (
        "Obligations too high for the income",
        "What you owe each month is high against your income",
        "Ihre monatlichen Verpflichtungen sind hoch gemessen an Ihrem Einkommen",
    ),
    "unable_to_verify": (
        "Could not verify what was declared",
        "We could not verify what you told us",
        "Wir konnten Ihre Angaben nicht prüfen",
    ),
    "risk_too_high": (
        "Risk too high on a full look",
        "Your finances and your credit record, looked at together, do not carry the loan you asked for",
        "Ihre Finanzen und Ihre Kreditgeschichte tragen zusammen den gewünschten Kredit nicht",
    ),
    "smaller_amount": (
        "A smaller amount is affordable",
        "The payment is affordable for a smaller amount only",
        "Die Rate ist nur für einen kleineren Betrag tragbar",
    ),
}

GERMAN = {  # of what every application has
    "amount": "Beantragter Betrag: {value}",
    "term_months": "Laufzeit in Monaten: {value}",
    "monthly_income": "Monatliches Einkommen: {value}",
}


def reasons_of(draft: Draft) -> str:
    return "\n".join(_lines(draft)) + "\n"


def reason_code(concept: str) -> str:
    """A concept called like a rule's or a reviewer's reason gets another code."""
    return f"{concept}_value" if concept in OF_RULES or concept in OF_PEOPLE else concept


def _lines(draft: Draft) -> Iterator[str]:
    yield "# Reason codes and their sentences. `{value}` is the person's own value, said with `words`."
    yield "# They were made of the file's headings: put them into words an applicant understands, and translate them."
    yield ""
    yield rule("from the score")
    for concept, features in _concepts(draft).items():
        yield ""
        yield from _of_concept(concept, features)
    yield ""
    yield rule("from rules")
    for code, (english, german) in OF_RULES.items():
        yield from _of_code(code, english, german)
    yield ""
    yield rule("from people")
    for code, (_, english, german) in OF_PEOPLE.items():
        yield from _of_code(code, english, german)


def _of_code(code: str, english: str, german: str) -> Iterator[str]:
    yield ""
    yield "[[reasons]]"
    yield line("code", code)
    yield line("text.en", english)
    yield line("text.de", german)


def _concepts(draft: Draft) -> dict[str, list[OwnFeature]]:
    found: dict[str, list[OwnFeature]] = {}
    for feature in draft.own.features:
        found.setdefault(feature.concept, []).append(feature)
    return found


def _of_concept(concept: str, features: list[OwnFeature]) -> Iterator[str]:
    name = (features[0].label if len(features) == 1 else label(concept)).replace("{", "(").replace("}", ")")
    yield "[[reasons]]"
    yield line("code", reason_code(concept))
    yield line("concepts", [concept])
    yield line("text.en", f"{name}: {{value}}")
    german = in_german(name)
    yield line("text.de", GERMAN.get(concept) or (f"{german}: {{value}}" if german else f"Angabe „{name}“: {{value}}"))
    if any(feature.reading.known < feature.reading.rows and not feature.in_frame for feature in features):
        yield line("adverse_when_missing.en", f"{name}: not stated")
        yield line("adverse_when_missing.de", f"{german or f'Angabe „{name}“'}: fehlt")
    words = {value: _in_words(value) for feature in features for value in feature.values}
    changed = {value: word for value, word in words.items() if word != value}
    if changed:
        yield "[reasons.words.en]"
        for value, word in changed.items():
            yield f"{said(value)} = {said(word)}"


def _in_words(value: str) -> str:
    """debt_consolidation → debt consolidation; what has spaces already is left alone."""
    return value.replace("_", " ").strip() if "_" in value and " " not in value else value
