"""Message templates: versioned texts, checked for what they must and must not say, filled in at the last moment."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache

from pydantic import Field, model_validator

from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.rules import ContactRules
from plimsoll.domain.values import Value

# Everything a text may leave open, and where it comes from.
PLACEHOLDERS = {
    "name": "how the person wants to be called",
    "lender": "contact_rules.toml",
    "phone": "contact_rules.toml",
    "due_on": "the day the step names, in the words of the language",
    "opt_out": "contact_rules.toml, by language and channel",
}
A_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
AN_AMOUNT = re.compile(
    r"[€$£₹]\s*\d|\d[\d.,]*\s*(€|\$|£|₹|eur\b|euros?\b|usd\b|dollars?\b|gbp\b|pounds?\b|inr\b|rupees?\b)", re.IGNORECASE
)
MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
           "November", "Dezember"),
}  # fmt: skip
UNSEEN_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class Purpose(StrEnum):
    REMINDER = "reminder"
    OFFER = "offer"  # of help
    CALL = "call"  # what a caller says
    CONFIRMATION = "confirmation"  # of an opt-out: no line to opt out, nothing else in it
    NOTICE = "notice"


class Stage(StrEnum):
    BEFORE_DEFAULT = "before_default"
    AFTER_DEFAULT = "after_default"


class Text(Value):
    subject: str | None = None
    text: str = Field(min_length=1)


class Template(Value):
    name: str = Field(pattern=NAME, max_length=60)
    version: int = Field(ge=1)
    channel: Channel
    purpose: Purpose
    stage: Stage = Stage.BEFORE_DEFAULT
    texts: dict[str, Text] = Field(min_length=1)

    @model_validator(mode="after")
    def subjects(self) -> "Template":
        needed = self.channel in (Channel.EMAIL, Channel.PUSH)
        for language, text in self.texts.items():
            if needed != (text.subject is not None):
                raise ValueError(f"[texts.{language}] {'needs a' if needed else 'has a'} subject: {self.channel}")
        return self

    @property
    def digest(self) -> str:
        """Of everything that is said: who approves it approves these bytes."""
        content = self.model_dump(mode="json")
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def speaking(self, language: str) -> str:
        """This language, or the first it has."""
        return language if language in self.texts else next(iter(self.texts))


def problems_of(template: Template, rules: ContactRules) -> list[str]:
    """Everything that stands against approving it, in sentences."""
    found = [
        f"it does not speak {language}: add [texts.{language}]"
        for language in rules.languages
        if language not in template.texts
    ]
    for language, text in template.texts.items():
        found += [f"{language}: {problem}" for problem in _of_text(template, language, text, rules)]
    return found


def _of_text(template: Template, language: str, text: Text, rules: ContactRules) -> Iterator[str]:
    whole = f"{text.subject or ''}\n{text.text}"
    for placeholder in A_PLACEHOLDER.findall(whole):
        if placeholder not in PLACEHOLDERS:
            yield f"unknown placeholder {{{placeholder}}}; there are {', '.join(PLACEHOLDERS)}"
    if "{" in A_PLACEHOLDER.sub("", whole) or "}" in A_PLACEHOLDER.sub("", whole):
        yield "a brace without its partner"
    if found := AN_AMOUNT.search(on_the_lock_screen(template.channel, text)):
        yield f"an amount ({found[0]}) would show on a locked screen"
    if template.channel.written and template.purpose is not Purpose.CONFIRMATION and "{opt_out}" not in text.text:
        yield "no way out: put {opt_out} into the text"
    if template.stage is Stage.BEFORE_DEFAULT:
        yield from (f"it threatens ({threat!r}) before any default" for threat in _threats(whole, language, rules))
    if template.channel is Channel.SMS and len(text.text) > rules.sms_at_most:
        yield f"{len(text.text)} characters; an SMS has at most {rules.sms_at_most}"


def on_the_lock_screen(channel: Channel, text: Text) -> str:
    """What anybody who sees the telephone can read."""
    if channel is Channel.EMAIL:
        first_lines = " ".join(line for line in text.text.splitlines() if line.strip())[:120]
        return f"{text.subject}\n{first_lines}"
    return f"{text.subject or ''}\n{text.text}"


def _threats(whole: str, language: str, rules: ContactRules) -> list[str]:
    known = rules.words[language].threats if language in rules.words else ()
    return [threat for threat in known if _as_pattern(threat).search(whole)]


@lru_cache(maxsize=512)
def _as_pattern(word: str) -> re.Pattern[str]:
    """`*` at either end stands for the rest of a word."""
    inside = re.escape(word.strip("*"))
    before, behind = ("" if word.startswith("*") else r"\b"), ("" if word.endswith("*") else r"\b")
    return re.compile(f"{before}{inside}{behind}", re.IGNORECASE)


def filled_in(template: Template, language: str, values: Mapping[str, str]) -> Text:
    """The message itself. Values are set in once and not read again, so nobody's name can hold a placeholder."""
    text = template.texts[template.speaking(language)]

    def fill(written: str) -> str:
        return A_PLACEHOLDER.sub(lambda found: UNSEEN_CHARACTERS.sub("", values.get(found[1], "")), written)

    return Text(subject=" ".join(fill(text.subject).split()) if text.subject else None, text=fill(text.text))


def placeholders_in(template: Template, language: str) -> set[str]:
    text = template.texts[template.speaking(language)]
    return set(A_PLACEHOLDER.findall(f"{text.subject or ''}\n{text.text}"))


def in_words(day: date, language: str) -> str:
    """`3 March 2027`, `3. März 2027`; as ISO writes it in a language we have no months of."""
    if language not in MONTHS:
        return day.isoformat()
    return f"{day.day}{'.' if language == 'de' else ''} {MONTHS[language][day.month - 1]} {day.year}"
