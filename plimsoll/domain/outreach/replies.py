"""What a person answered. A "no" may be said in any reasonable way (47 CFR 64.1200(a)(10)): it is read generously."""

import re
from enum import StrEnum

from plimsoll.domain.outreach.rules import OptOut

QUOTED = re.compile(r"^(>|-{2,} ?original|on .{0,200} wrote:|am .{0,200} schrieb)", re.IGNORECASE)
POLITE = {"please", "pls", "thanks", "now", "bitte", "danke", "jetzt"}


class Meaning(StrEnum):
    OPT_OUT = "opt_out"
    HELP = "help"
    FINE = "fine"  # all is well, or paid
    OTHER = "other"  # a person reads it


def meaning_of(text: str, rules: OptOut) -> Meaning:
    own = _own_words(text)
    said, first_sentence = _plain(own), _plain(re.split(r"[.!?;\n]", own.strip(), maxsplit=1)[0])
    words = {_plain(word) for word in rules.words}
    if said in words or first_sentence in words:
        return Meaning.OPT_OUT
    if any(f"{said} ".startswith(f"{_plain(beginning)} ") for beginning in rules.beginnings):
        return Meaning.OPT_OUT
    if any(f" {_plain(phrase)} " in f" {said} " for phrase in rules.phrases):
        return Meaning.OPT_OUT
    for meaning, known in ((Meaning.HELP, rules.help_words), (Meaning.FINE, rules.fine_words)):
        if said in {_plain(word) for word in known}:
            return meaning
    return Meaning.OTHER


def _own_words(text: str) -> str:
    """Without what a mail program quotes below: our own opt-out line stands there."""
    own: list[str] = []
    for line in text.splitlines():
        if QUOTED.match(line.strip()):
            break
        own.append(line)
    return "\n".join(own)


def _plain(text: str) -> str:
    bare = re.sub(r"[^\w🛑]+", " ", re.sub(r"['’]", "", text.casefold()))
    return " ".join(word for word in bare.split() if word not in POLITE)
