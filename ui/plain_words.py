"""What applicants read about their own application, in each language we speak: no scores, rules or names of staff."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from ui import words
from ui.backend import Json

GERMAN_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
                 "November", "Dezember")  # fmt: skip


@dataclass(frozen=True)
class Language:
    """Sentences with places for what is the applicant's own."""

    code: str
    title: str
    number: str
    headings: Mapping[str, str]  # decided, why, looked_at, rights
    asked: str
    undecided: str
    means: Mapping[str, str]  # by outcome
    how: Mapping[str, str]  # by who decided
    offer: str
    told: str
    answered: Mapping[str, str]  # by source; "" for one without a sentence of its own
    silent: Mapping[str, str]
    a_person: str
    rights: tuple[str, ...]
    foot: str

    def money(self, amount: Any, currency: str | None) -> str:
        return words.money(amount, currency)

    def months(self, term: int | None) -> str:
        return words.months(term)

    def moment(self, at: Any, zone: tzinfo) -> str:
        return words.moment(at, zone)

    def rate(self, rate: Any) -> str:
        return f"{float(rate) * 100:.2f} %"

    # What is said ----------------------------------------------------------------------------

    def decided(self, found: Json, zone: tzinfo) -> Iterator[str]:
        amount, months = self.money(found["amount"], found["currency"]), self.months(found["term_months"])
        yield self.asked.format(amount=amount, months=months, at=self.moment(found["timings"]["accepted_at"], zone))
        if not found["outcome"] or found["status"] != "decided":
            yield self.undecided
            return
        yield from filter(None, (self.means.get(found["outcome"]), self.how.get(found["outcome_source"])))
        if found["terms"]:
            yield self.offer.format(**self._terms(found["terms"]))

    def reasons(self, found: Json) -> Iterator[str]:
        if found["outcome"] in (None, "approve"):
            return
        plain = found.get("plain") or {}
        said = plain["reasons"] if plain.get("language") == self.code else [r["text"] for r in found["reasons"]]
        yield from (f"{rank}. {text}" for rank, text in enumerate(said, start=1))

    def looked_at(self, found: Json) -> Iterator[str]:
        yield self.told
        for record in found["evidence"]:
            said = self.answered if record["summary"] else self.silent
            source = record["source"]
            yield said.get(source, said[""]).format(source=words.word(source).lower())

    def may_ask_for(self, found: Json) -> Iterator[str]:
        if found["outcome"] and found["outcome_source"] in ("rule", "model"):
            yield self.a_person
        yield from self.rights

    def _terms(self, terms: Json) -> dict[str, str]:
        currency = terms["currency"]
        return {
            "amount": self.money(terms["amount"], currency), "months": self.months(terms["term_months"]),
            "payment": self.money(terms["payment"], currency), "apr": self.rate(terms["apr"]),
        }  # fmt: skip


class German(Language):
    def money(self, amount: Any, currency: str | None) -> str:
        swapped = str.maketrans({",": ".", ".": ","})
        return f"{Decimal(str(amount)):,.2f}".translate(swapped) + f" {currency or ''}".rstrip()

    def months(self, term: int | None) -> str:
        return words.NOTHING if not term else "1 Monat" if term == 1 else f"{term} Monate"

    def moment(self, at: Any, zone: tzinfo) -> str:
        found = words.as_time(at)
        if found is None:
            return words.NOTHING
        here = found.astimezone(zone)
        return f"{here.day}. {GERMAN_MONTHS[here.month - 1]} {here.year}, {here:%H:%M} Uhr"

    def rate(self, rate: Any) -> str:
        return super().rate(rate).replace(".", ",")


ENGLISH = Language(
    code="en",
    title="About your application",
    number="Your number {number}",
    headings={"decided": "What was decided", "why": "Why", "looked_at": "What we looked at",
              "rights": "What you may ask for"},
    asked="You asked for {amount} over {months}, on {at}.",
    undecided="It is not decided yet.",
    means={
        "approve": "We agreed to lend you what you asked for.",
        "decline": "We did not agree to lend you what you asked for.",
        "counter_offer": "We did not agree to all you asked for, and made you another offer.",
    },
    how={
        "rule": "A fixed rule of ours settled it. No person and no forecast was needed.",
        "model": "A computer program decided, from a forecast of whether a loan like this is repaid and from fixed "
                 "rules.",
        "person": "A person of ours looked at your application and decided.",
    },
    offer="Our offer: {amount} over {months}, {payment} a month, {apr} APR.",
    told="What you told us in the application.",
    answered={"bank": "What your bank answered us.", "": "What the {source} answered us."},
    silent={"": "We asked the {source} and had no answer we could use."},
    a_person="That a person looks at it again, and hears you first.",
    rights=(
        "That we correct what is wrong. Tell us which answer is wrong, and show us what is right.",
        "A copy of everything we hold about you.",
    ),
    foot="Number of the decision: {number}",
)  # fmt: skip

GERMAN = German(
    code="de",
    title="Zu Ihrem Antrag",
    number="Ihre Nummer {number}",
    headings={"decided": "Was entschieden wurde", "why": "Warum", "looked_at": "Was wir uns angesehen haben",
              "rights": "Was Sie verlangen können"},
    asked="Sie haben am {at} {amount} beantragt, Laufzeit {months}.",
    undecided="Es ist noch nichts entschieden.",
    means={
        "approve": "Wir haben zugesagt, was Sie beantragt haben.",
        "decline": "Wir haben nicht zugesagt, was Sie beantragt haben.",
        "counter_offer": "Wir haben nicht alles zugesagt, was Sie beantragt haben. Sie bekommen ein anderes Angebot.",
    },
    how={
        "rule": "Eine feste Regel von uns hat es entschieden. Es brauchte weder einen Menschen noch eine Vorhersage.",
        "model": "Ein Computerprogramm hat entschieden: nach einer Vorhersage, ob ein Kredit wie dieser zurückgezahlt "
                 "wird, und nach festen Regeln.",
        "person": "Ein Mensch hat sich bei uns Ihren Antrag angesehen und entschieden.",
    },
    offer="Unser Angebot: {amount}, Laufzeit {months}, {payment} im Monat, effektiver Jahreszins {apr}.",
    told="Was Sie uns im Antrag gesagt haben.",
    answered={"bank": "Was Ihre Bank uns geantwortet hat.", "bureau": "Was die Auskunftei uns geantwortet hat.",
              "registry": "Was die öffentlichen Register uns geantwortet haben.",
              "telecom": "Was Ihr Telefonanbieter uns geantwortet hat.", "": "Was uns geantwortet wurde ({source})."},
    silent={"bank": "Wir haben Ihre Bank gefragt und keine brauchbare Antwort bekommen.",
            "bureau": "Wir haben die Auskunftei gefragt und keine brauchbare Antwort bekommen.",
            "registry": "Wir haben die öffentlichen Register gefragt und keine brauchbare Antwort bekommen.",
            "telecom": "Wir haben Ihren Telefonanbieter gefragt und keine brauchbare Antwort bekommen.",
            "": "Wir haben gefragt ({source}) und keine brauchbare Antwort bekommen."},
    a_person="Dass ein Mensch es noch einmal ansieht und vorher Sie anhört.",
    rights=(
        "Dass wir berichtigen, was falsch ist. Sagen Sie uns, welche Angabe falsch ist, und was stattdessen stimmt.",
        "Eine Kopie von allem, was wir über Sie gespeichert haben.",
    ),
    foot="Nummer der Entscheidung: {number}",
)  # fmt: skip

LANGUAGES: Mapping[str, Language] = {"en": ENGLISH, "de": GERMAN}


def language_of(found: Json) -> Language:
    """The applicant's own, when we speak it; English otherwise."""
    return LANGUAGES.get((found.get("plain") or {}).get("language") or "", ENGLISH)
