"""What a message must and must not say."""

from typing import Any

import pytest

from plimsoll.adapters.watch_files.templates import TemplateFolder
from plimsoll.domain.outreach.contact import Channel
from plimsoll.domain.outreach.replies import Meaning, meaning_of
from plimsoll.domain.outreach.templates import Template, Text, filled_in, problems_of
from tests.contact_rules import WATCH, the_rules

RULES = the_rules()


def a_template(text: str = "{lender}: Hello. {opt_out}", subject: str | None = None, **changed: Any) -> Template:
    said = Text(subject=subject, text=text)
    given = {
        "name": "sms-test",
        "version": 1,
        "channel": "sms",
        "purpose": "reminder",
        "texts": {"en": said, "de": said},
    }
    return Template.model_validate(given | changed)


def problem(template: Template) -> str:
    return "; ".join(problems_of(template, RULES))


@pytest.mark.parametrize("name", TemplateFolder(WATCH).names())
def test_every_shipped_template_may_be_approved(name: str):
    assert problems_of(TemplateFolder(WATCH).get(name), RULES) == []


def test_a_message_without_a_way_out_is_refused():
    assert "{opt_out}" in problem(a_template("Hello."))
    assert not problem(a_template("You are out.", purpose="confirmation"))


@pytest.mark.parametrize("amount", ["€ 20", "120 EUR", "$5", "19,99 €", "300 dollars"])
def test_no_amount_shows_on_a_locked_screen(amount: str):
    assert "locked screen" in problem(a_template(f"You owe {amount}. {{opt_out}}"))
    mail = {"channel": "email", "name": "email-test"}
    assert "locked screen" in problem(a_template("Hello. {opt_out}", subject=f"Your {amount}", **mail))
    below = (
        "Hello.\n" + "We are here to help you whatever happens this month. " * 3 + f"\nOffer: {amount}.\n{{opt_out}}"
    )
    assert not problem(a_template(below, subject="Help", **mail))


@pytest.mark.parametrize(
    "threat", ["legal action", "Foreclosure", "a COURT", "Lohnpfändung", "das Amtsgericht", "Inkassobüro"]
)
def test_nobody_is_threatened_before_a_default(threat: str):
    assert "threatens" in problem(a_template(f"Pay, or {threat}. {{opt_out}}"))


def test_words_that_only_look_like_threats_pass():
    assert not problem(a_template("With courtesy, pursued by nobody. {opt_out}"))


def test_after_a_default_the_law_may_be_named():
    assert not problem(a_template("This may go to court. {opt_out}", stage="after_default"))


def test_placeholders_that_nobody_fills_are_named():
    assert "{amount}" in problem(a_template("{amount} {opt_out}"))
    assert "brace" in problem(a_template("{name {opt_out}"))


def test_every_language_is_needed():
    assert "[texts.de]" in problem(a_template(texts={"en": Text(text="{opt_out}")}))


def test_an_sms_has_an_end():
    assert "at most" in problem(a_template("x" * 400 + "{opt_out}"))


def test_a_name_cannot_bring_a_placeholder_or_a_header_with_it():
    mail = a_template("Hello {name}. {opt_out}", subject="For {name}", channel="email", name="email-test")
    said = filled_in(mail, "en", {"name": "{phone}\r\nBcc: all@example.org", "phone": "1", "opt_out": "STOP"})
    assert said.subject == "For {phone} Bcc: all@example.org"
    assert "Hello {phone}" in said.text


def test_another_word_or_version_is_another_digest():
    digests = {a_template().digest, a_template("{lender} {opt_out}").digest, a_template(version=2).digest}
    assert len(digests) == 3


@pytest.mark.parametrize(("channel", "subject"), [(Channel.SMS, "x"), (Channel.EMAIL, None), (Channel.PUSH, None)])
def test_only_mail_and_push_have_a_subject(channel: Channel, subject: str | None):
    with pytest.raises(ValueError, match="subject"):
        a_template(subject=subject, channel=channel)


@pytest.mark.parametrize(
    "said",
    ["STOP", "stop.", "Stop please", "STOPP", "Bitte abmelden", "Unsubscribe me", "end", "Quit!", "opt out", "🛑",
     "please don't text me again", "Lassen Sie mich in Ruhe!!", "I said no more messages, thanks", "Revoke",
     "Cancel. Now!", "stop\n> Reply STOP to this e-mail"],
)  # fmt: skip
def test_a_no_in_any_reasonable_way_is_a_no(said: str):
    assert meaning_of(said, RULES.opt_out) is Meaning.OPT_OUT


@pytest.mark.parametrize(
    "said",
    [
        "Call me on Monday",
        "Ende des Monats kann ich zahlen",
        "I can pay at the end of the week",
        "Can I cancel the plan?",
        "",
        "yes\nOn Monday you wrote:\n> Reply STOP to end",
        "I will not stop trying",
    ],
)
def test_whoever_says_something_else_is_not_shut_off(said: str):
    assert meaning_of(said, RULES.opt_out) is Meaning.OTHER


@pytest.mark.parametrize("said", ["HELP", "Hilfe bitte", "info", "2"])
def test_who_asks_for_help_is_heard(said: str):
    assert meaning_of(said, RULES.opt_out) is Meaning.HELP


@pytest.mark.parametrize("said", ["OK", "Paid!", "ist bezahlt, danke", "all good"])
def test_who_is_fine_is_left_alone(said: str):
    assert meaning_of(said, RULES.opt_out) is Meaning.FINE
