"""Numbers, times and codes as people read them: amounts carry a currency, shares a %, times a zone."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

NOTHING = "–"
COUNTED = timedelta(days=90)
A_CODE = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9]+([_.][a-z0-9]+)+")

# Codes of the API in words. What is not here is said by `plain_code`.
WORDS: Mapping[str, str] = {
    "received": "Received",
    "screening": "Being screened",
    "waiting": "Waits on a source",
    "review": "With a person",
    "awaiting_applicant": "Waits on the applicant",
    "decided": "Decided",
    "withdrawn": "Withdrawn",
    "expired": "Expired",
    "failed": "Failed",
    "approve": "Approved",
    "decline": "Declined",
    "counter_offer": "Counter-offer",
    "refer": "Referred to a person",
    "open": "Nobody has it",
    "claimed": "Claimed",
    "second": "Second approval owed",
    "answered": "Answered",
    "closed": "Closed",
    "reserved": "Not asked yet",
    "sent": "Asked, no answer yet",
    "unknown": "Fate unknown",
    "given_up": "Given up",
    "mismatch": "About another person",
    "quiet": "Quiet",
    "look": "Look at it",
    "act": "Act on it",
    "too_small": "Too few rows to judge",
    "notify": "Tell people",
    "retrain": "Retrain",
    "roll_back": "Take the release back",
    "taken": "Done",
    "continues": "Told before, goes on",
    "looked_back": "Looked back: nothing done",
    "drift.notified": "People were told",
    "drift.retraining_asked": "A retraining was asked for",
    "drift.rolled_back": "The release was taken back",
    "no_webhook": "on record and here; no address is set",
    "delivered": "delivered",
    "not_delivered": "nobody took it for a day",
    "asked": "it runs",
    "under_way_already": "one was under way already",
    "nothing_under_way": "no release was under way",
    "schedule": "by schedule",
    "backfill": "looking back",
    "planned": "Planned",
    "running": "Running",
    "stopped": "Stopped",
    "experiment.planned": "Experiment planned",
    "experiment.started": "Experiment started",
    "experiment.looked": "Experiment looked at",
    "experiment.stopped": "Experiment stopped",
    "ripe": "Ripe",
    "partly_known": "Old enough, partly known",
    "young": "Too young to judge",
    "nothing_granted": "Nothing granted",
    "candidate": "Candidate",
    "proposed": "Waits for approval",
    "approved": "Approved for release",
    "rejected": "Rejected",
    "retired": "Retired",
    "rule": "by a rule",
    "model": "by the model",
    "person": "by a person",
    "bureau": "Credit bureau",
    "bank": "Bank",
    "registry": "Public registers",
    "telecom": "Telephone company",
    "breaker_open": "paused after repeated failures",
    "timeout": "did not answer in time",
    "refused": "refused the connection",
    "server_error": "answered with an error of its own",
    "garbage": "answered something unreadable",
    "too_large": "answered too much to read",
    "source_busy": "asked us to come back later",
    "review.opened": "Put before a person",
    "review.answered": "Verdict given",
    "review.first_answer": "First approval given",
    "case.noted": "Note written",
    "document.asked": "Document asked for",
    "document.received": "Document handed in",
    "document.opened": "Document opened",
    "review.handed_up": "Handed up to a senior reviewer",
    "review.escalated": "Escalated: nobody answered in time",
    "review.expired": "Review expired",
    "application.received": "Application received",
    "application.scored": "Scored",
    "application.withdrawn": "Withdrawn",
    "application.expired": "Expired",
    "application.copied": "Copy taken",
    "decision.made": "Decision made",
    "outcome.reported": "Outcome reported",
    "outcome.corrected": "Outcome corrected",
    "evidence.answered": "Evidence received",
    "evidence.given_up": "Evidence given up",
    "evidence.mismatch": "Evidence about another person",
    "evidence.unknown": "Evidence: fate unknown",
    "gate_pass": "Within",
    "gate_wait": "Not sure yet",
    "gate_breach": "Beyond the limit",
    "rolled_back": "Taken back",
    "promoted": "Given to everybody",
    "critical": "Critical",
    "treating": "Being helped",
    "promised": "Has promised",
    "watching": "Nothing more is done",
    "ended": "Ended",
    "hold_out": "Hold-out",
    "held_out": "Held out: left alone, and followed",
    "level_calls_for_nothing": "The level calls for nothing",
    "helped_lately": "Was helped lately",
    "flagged": "Flagged: a person's business",
    "person_erased": "Erased",
    "person_unknown": "Nobody we know",
    "answered_by_customer": "Says all is well",
    "kept": "Kept what was agreed",
    "promise_broken": "Broke promises",
    "helped": "Was given relief",
    "opted_out": "Wants no contact",
    "nobody_reached": "Could not be reached",
    "nobody_called": "None of us called",
    "email": "E-mail",
    "sms": "SMS",
    "voice": "Call",
    "call": "Call",
    "due": "Due",
    "out": "Out, no answer yet",
    "over": "Over",
    "paid": "Paid",
    "permitted": "Permitted, not sent yet",
    "live": "an event of the stream",
    "sweep": "the daily look at everybody",
    "promise": "Promises to pay",
    "tool": "Relief agreed",
    "paid_already": "Has paid already",
    "no_help_needed": "Needs no help",
    "no_answer": "No answer",
    "wrong_number": "Wrong number",
    "call_back": "Call back later",
    "no_more_contact": "Wants no more contact",
    "on_with_the_plan": "Looked at it: on with the plan",
    "due_date_change": "Other due date",
    "payment_plan": "Payment plan",
    "payment_holiday": "Payment holiday",
    "none_yet": "No verdict yet",
    "helps": "It helps",
    "harms": "It harms",
    "no_difference_seen": "No difference seen",
}

# What the same codes mean of a customer: how an episode ended, what came of a step or a call, what is waited for.
OF_CUSTOMERS: Mapping[str, str] = {
    "answered": "Says all is well",
    "refused": "Wants no help",
    "level_rose": "The risk rose: the next step came at once",
    "to_a_person": "Handed to a person",
    "silence": "No answer came",
    "barred": "Held back",
    "plan_over": "The plan is through",
    "nobody_took_the_task": "Nobody made the call",
    "sent_or_not_is_unknown": "Sent or not: nobody can tell",
    "reply:help": "They asked for help",
    "reply:other": "They wrote something that a person must read",
    "reply:fine": "They wrote that all is well",
    "reply:stop": "They wrote that they want no more",
}
WAITED_FOR: Mapping[str, str] = {
    "collector": "A collector",
    "promise": "The promised payment",
    "gateway": "The gateway",
    "hours_and_caps": "Hours and caps",
}
OF_MESSAGES: Mapping[str, str] = {
    "sending": "Being sent",
    "sent": "Sent, no receipt yet",
    "delivered": "Delivered",
    "bounced": "Came back",
    "refused": "Held back",
    "unknown": "Sent or not: nobody can tell",
}
SCRIPTS: Mapping[str, str] = {
    "call-offer-help": "Offer help",
    "call-answer-a-reply": "Answer what they wrote",
    "call-broken-promise": "After a promise that was not kept",
    "call-cannot-be-reached": "No way to reach them was open: look at it",
}
NO_RULES = ("call_back", "no_answer", "level_rose", "sent_or_not_is_unknown")  # stand where a step's rule stands
UNKNOWN_REGION = "region_unknown."

COLOURS: Mapping[str, str] = {
    "quiet": "green",
    "look": "orange",
    "act": "red",
    "approve": "green",
    "answered": "green",
    "approved": "green",
    "proposed": "orange",
    "rejected": "red",
    "counter_offer": "orange",
    "refer": "orange",
    "waiting": "orange",
    "second": "orange",
    "sent": "orange",
    "reserved": "orange",
    "decline": "red",
    "rolled_back": "red",
    "paused": "orange",
    "promoted": "green",
    "failed": "red",
    "expired": "red",
    "mismatch": "red",
    "given_up": "red",
    "unknown": "red",
    "review": "blue",
    "claimed": "blue",
    "open": "gray",
    "critical": "red",
    "high": "orange",
    "medium": "blue",
    "treating": "blue",
    "promised": "orange",
    "helps": "green",
    "harms": "red",
    "kept": "green",
    "paid": "green",
    "broken": "red",
}


def word(code: str | None) -> str:
    """The code in words; a capital first letter, no underscores."""
    if not code:
        return NOTHING
    return WORDS.get(code) or plain_code(code)


def of_customer(code: str | None) -> str:
    return OF_CUSTOMERS.get(code or "") or word(code)


def rule(code: str) -> str:
    """A rule of contact, within a sentence."""
    bare = code.removeprefix(UNKNOWN_REGION)
    said = OF_CUSTOMERS.get(bare) or plain_code(bare)
    said = said[:1].lower() + said[1:]
    return said if bare == code else f"region unknown, so the tightest rule holds: {said}"


def is_rule(code: str | None) -> bool:
    """Whether what stands beside a step held it back, or says only how it came to be."""
    return bool(code) and code not in NO_RULES and not str(code).startswith("reply:")


def script(template: str) -> str:
    return SCRIPTS.get(template) or plain_code(template.replace("-", " "))


def plain_code(code: str) -> str:
    words = code.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


def colour(code: str | None) -> str:
    return COLOURS.get(code or "", "gray")


def money(amount: Any, currency: str | None) -> str:
    try:
        return f"{Decimal(str(amount)):,.2f} {currency or ''}".strip()
    except InvalidOperation:
        return NOTHING


def share(value: Any, digits: int = 1) -> str:
    """A share in 0..1 as per cent."""
    return NOTHING if value is None else f"{float(value) * 100:.{digits}f} %"


def months(term: int | None) -> str:
    if not term:
        return NOTHING
    return "1 month" if term == 1 else f"{term} months"


def counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def value_in_words(value: Any) -> str:
    """A fact as it was declared or answered. Text of an applicant stays exactly as it is."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.4g}"
    if isinstance(value, list):
        return ", ".join(value_in_words(inner) for inner in value) or NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_in_words(inner)}" for name, inner in value.items()) or NOTHING
    return str(value)


def with_code(value: Any) -> str:
    """As `value_in_words`, and a code in words with the code behind, for whoever must find it again."""
    if isinstance(value, list):
        return ", ".join(with_code(inner) for inner in value) or NOTHING
    if isinstance(value, str) and A_CODE.fullmatch(value):
        return f"{word(value).lower()} ({value})"
    return value_in_words(value)


def plain_reason(reason: str) -> str:
    """A person's own words as they are; a code in words."""
    return word(reason) if A_CODE.fullmatch(reason) else reason


def chosen(said: Mapping[str, Any], sentence: str = "reason_text") -> str:
    """A listed reason as its reviewer read it, where the product still has it."""
    return said.get(sentence) or plain_code(said["reason"])


def chosen_with_code(said: Mapping[str, Any], sentence: str = "reason_text") -> str:
    """As `chosen`, with the code behind, for whoever must find it again."""
    return f"{said[sentence]} ({said['reason']})" if said.get(sentence) else with_code(said["reason"])


def fact_name(path: str) -> str:
    """`financial.monthly_income` as `Monthly income`."""
    section, _, name = path.rpartition(".")
    return plain_code(f"{section} id" if name == "id" and section else name)


def moment(at: Any, zone: tzinfo = UTC) -> str:
    """`21 Nov 2026, 14:05 CET`."""
    found = as_time(at)
    return NOTHING if found is None else f"{found.astimezone(zone):%-d %b %Y, %H:%M} {zone_name(found, zone)}"


def clock(at: Any, zone: tzinfo = UTC, seconds: bool = False) -> str:
    found = as_time(at)
    if found is None:
        return NOTHING
    return f"{found.astimezone(zone):{'%H:%M:%S' if seconds else '%H:%M'}} {zone_name(found, zone)}"


def soon(at: Any, now: datetime, zone: tzinfo = UTC) -> str:
    """The clock alone for a moment of today, the date with it otherwise."""
    found = as_time(at)
    today = found is not None and found.astimezone(zone).date() == now.astimezone(zone).date()
    return clock(at, zone) if today else moment(at, zone)


def zone_name(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).tzname() or "UTC"


def as_time(at: Any) -> datetime | None:
    if isinstance(at, datetime):
        return at
    if not isinstance(at, str):
        return None
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def lasted(span: timedelta) -> str:
    """A length of time in its two largest units."""
    total = int(abs(span.total_seconds()))
    days, hours, minutes = total // 86400, total % 86400 // 3600, total % 3600 // 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{total} s"


def ago(at: Any, now: datetime) -> str:
    """A day, when it is longer ago than anybody counts."""
    found = as_time(at)
    if found is None:
        return NOTHING
    return f"{lasted(now - found)} ago" if now - found < COUNTED else f"{found:%-d %b %Y}"


def time_left(due: Any, now: datetime) -> tuple[str, str]:
    """How long until a promise is due, and the colour that says how urgent that is."""
    found = as_time(due)
    if found is None:
        return NOTHING, "gray"
    left = found - now
    if left <= timedelta():
        return f"overdue by {lasted(left)}", "red"
    return f"{lasted(left)} left", "orange" if left < timedelta(hours=1) else "green"


def seconds(took: Any) -> str:
    """A time that may be milliseconds or days."""
    if took is None:
        return NOTHING
    return milliseconds(float(took) * 1000) if float(took) < 60 else lasted(timedelta(seconds=float(took)))


def milliseconds(ms: Any) -> str:
    if ms is None:
        return NOTHING
    return f"{float(ms) / 1000:.1f} s" if float(ms) >= 1000 else f"{float(ms):.0f} ms"
