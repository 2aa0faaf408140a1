"""What goes on paper: all that was weighed, for an auditor; what it means, in plain words, for the applicant.

Sheets are titles and lines of text, without a thought about fonts: `ui/printing.py` sets them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from ui import words
from ui.backend import Json
from ui.plain_words import language_of

MOST_ENTRIES = 14


@dataclass(frozen=True)
class Section:
    title: str
    pairs: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    foot: str = ""
    language: str = "en"


# For an auditor ---------------------------------------------------------------------------------


def for_an_auditor(found: Json, proof: Json | None, who: str, now: datetime, zone: tzinfo) -> Sheet:
    """Inputs, versions, scores, hits, who and when, and where the record stands in the chain."""
    sections = (
        Section("Decision", decision_facts(found, zone)),
        Section("Versions", versions(found)),
        Section("Declared", tuple(_declared(found))),
        Section("Evidence", tuple(_evidence(found, zone))),
        Section("Score", score_facts(found)),
        Section("Rules that fired", sentences=tuple(rule_line(hit) for hit in found["rule_hits"]) or ("None.",)),
        Section("Reasons given", sentences=tuple(map(reason_line, found["reasons"])) or ("None.",)),
        Section("Who and when", tuple(_record(found, zone))),
        Section("Proof", proof_facts(proof, zone)),
    )
    return Sheet(
        title=f"Decision trace {found['id']}",
        subtitle=f"{_asked(found)}, {_product(found)}, your number {found['external_id'] or words.NOTHING}",
        sections=sections,
        foot=f"Printed by {who}, {words.moment(now, zone)}. Holds personal data: keep it as you keep the record.",
    )


def decision_facts(found: Json, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    outcome = (
        f"{words.word(found['outcome'])} {words.word(found['outcome_source'])}" if found["outcome"] else "None yet"
    )
    pairs = [
        ("Status", words.word(found["status"])),
        ("Outcome", outcome),
        ("Decision id", found.get("decision_id") or words.NOTHING),
        ("Accepted", words.moment(found["timings"]["accepted_at"], zone)),
        ("Decided", words.moment(found["timings"]["decided_at"], zone)),
    ]
    for entry in found["ledger"]:
        if entry["kind"] == "review.first_answer":
            pairs.append(("First approval", f"{_who(entry)}: {words.chosen_with_code(entry)}"))
    if found["override"]:
        said = words.chosen_with_code(found["override"], "text")
        pairs.append(("By a person", f"{found['override']['by']}: {said}"))
    if found["terms"]:
        pairs.append(("Offer", offer(found["terms"])))
    if found["missing_sources"]:
        pairs.append(("Without", ", ".join(words.word(name) for name in found["missing_sources"])))
    return tuple(pairs)


def offer(terms: Json) -> str:
    currency = terms["currency"]
    return (
        f"{words.money(terms['amount'], currency)} over {words.months(terms['term_months'])}, "
        f"{words.money(terms['payment'], currency)} a month, {float(terms['apr']) * 100:.2f} % APR"
    )


def versions(found: Json) -> tuple[tuple[str, str], ...]:
    """What decided, each by its digest: the same bytes can be found again."""
    policy = found["policy"] or (found["proposal"] or {}).get("policy") or {}
    model = (found["score_details"] or {}).get("model") or {}
    return (
        ("Product", f"{found['product']}@{found.get('product_version') or words.NOTHING}"),
        ("Policy", _pinned(policy, policy.get("id"))),
        ("Model", _pinned(model, model.get("name"))),
        ("Arm", words.word(model.get("arm") or model.get("role"))),
    )


def score_facts(found: Json) -> tuple[tuple[str, str], ...]:
    details = found["score_details"]
    if not details:
        return (("Score", "Not scored: a rule settled it first, or evidence is missing."),)
    low, high = (words.share(bound, 2) for bound in details["interval"])
    driven = sorted(details["contributions"].items(), key=lambda each: -abs(each[1]))[:5]
    return (
        (
            "Risk of default",
            f"{words.share(details['probability_of_default'], 2)}, 90 %: {low} to {high}",
        ),
        ("Score", f"{found['score']} of 1000"),
        ("Moved most by", ", ".join(f"{words.fact_name(name).lower()} {by:+.2f}" for name, by in driven)),
        ("Near the cut, novelty", f"{words.share(details['near_cut'])}, {words.share(details['novelty'])}"),
    )


def reason_line(reason: Json) -> str:
    return f"{reason['rank']}. {reason['text']} ({reason['code']})"


def rule_line(hit: Json) -> str:
    read = ", ".join(f"{words.fact_name(k).lower()} = {words.with_code(v)}" for k, v in hit["values_read"].items())
    effect = words.word(hit["effect"]) if hit["effect"] else "Remark"
    return f"{hit['id']} {hit['name']} ({effect.lower()}){': ' + read if read else ''}"


def proof_facts(proof: Json | None, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    if proof is None:
        return (("Record", "Not checked when this was printed."),)
    sealed = [entry for entry in proof["entries"] if entry["seq"]]
    last = sealed[-1] if sealed else None
    said = "Every entry and row fits" if proof["ok"] else f"DOES NOT FIT: {proof['problem']}"
    return (
        ("Checked", f"{said}, {words.moment(proof['checked_at'], zone)}"),
        ("Entries, rows", f"{len(proof['entries'])} entries, {len(sealed)} of them sealed; {proof['rows']} rows"),
        ("Last link", f"seq {last['seq']}, hash {last['hash']}" if last else "Not sealed yet"),
    )


def _declared(found: Json) -> Iterator[tuple[str, str]]:
    for path, value in found["declared"].items():
        yield words.fact_name(path), words.with_code(value)


def _evidence(found: Json, zone: tzinfo) -> Iterator[tuple[str, str]]:
    for record in found["evidence"]:
        if record["summary"]:
            said = ", ".join(f"{words.fact_name(k).lower()} {words.with_code(v)}" for k, v in record["summary"].items())
            yield words.word(record["source"]), f"{said} (as of {words.moment(record['as_of'], zone)})"
        else:
            yield words.word(record["source"]), words.word(record["state"])


def _record(found: Json, zone: tzinfo) -> Iterator[tuple[str, str]]:
    for entry in found["ledger"][-MOST_ENTRIES:]:
        who = _who(entry)
        where = f"seq {entry['seq']}" if entry["seq"] else "not sealed yet"
        why = "" if entry["reason"] == entry["kind"] else f": {words.chosen_with_code(entry)}"
        yield words.moment(entry["at"], zone), f"{words.word(entry['kind'])}, {who}{why} ({where})"


def _who(entry: Json) -> str:
    return str(entry.get("actor_name") or entry["actor"])


def _pinned(pin: Json, name: str | None) -> str:
    if not name:
        return words.NOTHING
    return f"{name}@{pin.get('version')}, digest {pin.get('digest') or words.NOTHING}"


def _asked(found: Json) -> str:
    return f"{words.money(found['amount'], found['currency'])} over {words.months(found['term_months'])}"


def _product(found: Json) -> str:
    return words.plain_code(found["product"].replace("-", " ")).lower()


# For the applicant ------------------------------------------------------------------------------


def for_the_applicant(found: Json, zone: tzinfo) -> Sheet:
    """In the applicant's own language when we speak it: what was decided, why, from what, and what one may ask for."""
    speaking = language_of(found)
    said = {
        "decided": speaking.decided(found, zone),
        "why": speaking.reasons(found),
        "looked_at": speaking.looked_at(found),
        "rights": speaking.may_ask_for(found),
    }
    sections = (Section(speaking.headings[name], sentences=tuple(each)) for name, each in said.items())
    return Sheet(
        title=speaking.title,
        subtitle=speaking.number.format(number=found["external_id"] or found["id"]),
        sections=tuple(section for section in sections if section.sentences),
        foot=speaking.foot.format(number=found.get("decision_id") or found["id"]),
        language=speaking.code,
    )
