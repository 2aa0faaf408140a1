"""The messages page answers: what do we write to customers, and who stands behind each text?"""

import pytest

from tests.ui.care import CareBackend, a_text
from tests.ui.conftest import words_on
from tests.ui.fake_session import at
from ui.backend import Conflict, Forbidden, Unreachable

SENT = a_text(state="approved", approved_by="Nora Notary", approved_at=at(days=3), proposed_by="Somebody Else")


def press(app, label: str):
    next(button for button in app.button if button.label == label).click().run()
    return app


def test_what_waits_is_said_first_and_read_beside_what_is_sent_now(open_page):
    """Both wordings, every language."""
    backend = CareBackend("compliance", "Nora Notary").with_text(SENT, a_text(version=2))
    said = words_on(open_page("messages", backend))
    assert "email-help-offer@2, proposed by Carla Collector" in said
    assert "Hello {name}, version 2." in said
    assert "Version 1, sent now" in said
    assert "Hallo {name}." in said


def test_another_person_approves_with_a_reason(open_page):
    """What was read is what is approved."""
    backend = CareBackend("compliance", "Nora Notary").with_text(a_text(version=2))
    app = open_page("messages", backend)
    app.text_input(key="reason-email-help-offer@2").input("read both languages")
    press(app, "Approve")
    assert ("move_template", "email-help-offer", "2", "approve", "read both languages") in backend.calls
    assert "proposed by Carla Collector" not in words_on(app).splitlines()[0]
    assert backend.texts[0]["state"] == "approved"


def test_approving_without_a_reason_is_not_sent(open_page):
    """It goes on record, so it must say something."""
    backend = CareBackend("compliance", "Nora Notary").with_text(a_text())
    app = press(open_page("messages", backend), "Approve")
    assert "Say why in a few words" in words_on(app)
    assert not [call for call in backend.calls if call[0] == "move_template"]


def test_who_proposed_it_is_told_to_leave_it_to_another(open_page):
    """Four eyes, said before the button rather than after it."""
    backend = CareBackend("compliance", "Carla Collector").with_text(a_text())
    app = open_page("messages", backend)
    assert "somebody else approves it" in words_on(app)
    assert "Approve" not in {button.label for button in app.button}


def test_words_that_changed_meanwhile_are_not_approved(open_page):
    """The digest of what was read goes along."""
    backend = CareBackend("compliance", "Nora Notary").with_text(a_text())
    app = open_page("messages", backend)
    backend.failing("move_template", Conflict("It says something else than what you have read."))
    app.text_input(key="reason-email-help-offer@1").input("read it")
    assert "something else than what you have read" in words_on(press(app, "Approve"))


def test_other_words_are_the_next_version_and_wait(open_page):
    """Above the newest there is, whichever is being read."""
    backend = CareBackend().with_text(SENT, a_text(version=2))
    app = open_page("messages", backend, id="email-help-offer@1")
    app.text_area(key="text-email-help-offer@1-en").input("Hello {name}, shorter.")
    app.text_input(key="why-email-help-offer@1").input("shorter is read")
    press(app, "Propose")
    assert ("propose_template", "email-help-offer", "3", "shorter is read") in backend.calls
    assert backend.texts[-1]["content"]["texts"]["en"] == {"subject": "Help", "text": "Hello {name}, shorter."}
    assert backend.texts[-1]["content"]["texts"]["de"]["text"] == "Hallo {name}."


def test_what_must_not_be_written_is_refused_in_the_apis_words(open_page):
    """And the words typed stay."""
    backend = CareBackend().with_text(SENT)
    app = open_page("messages", backend)
    app.text_area(key="text-email-help-offer@1-en").input("a threat")
    app.text_input(key="why-email-help-offer@1").input("to try")
    press(app, "Propose")
    assert "cannot be proposed" in words_on(app)
    assert app.text_area(key="text-email-help-offer@1-en").value == "a threat"


def test_who_may_only_read_is_offered_nothing(open_page):
    """An analyst sees the words and no button."""
    app = open_page("messages", CareBackend("analyst", "Anna").with_text(a_text()))
    assert {button.label for button in app.button} == set()
    assert not app.text_area


def test_no_text_on_record_says_what_to_do(open_page):
    """Nobody is written to then, which must not surprise."""
    assert "plimsoll template propose" in words_on(open_page("messages", CareBackend()))


@pytest.mark.parametrize("problem", [Unreachable("The API does not answer."), Forbidden("You may not read texts.")])
def test_an_api_that_is_away_or_refuses_is_one_sentence(open_page, problem):
    """Not an empty list."""
    assert problem.sentence in words_on(open_page("messages", CareBackend().failing("templates", problem)))


def test_markup_in_a_text_is_shown_as_text(open_page):
    """Whoever proposes a text must not draw on the page of who approves it."""
    nasty = {"en": {"subject": "x", "text": "<img src=x onerror=alert(1)> [a](https://evil.example)"}}
    text = a_text()
    app = open_page(
        "messages", CareBackend("compliance", "N").with_text(text | {"content": text["content"] | {"texts": nasty}})
    )
    assert nasty["en"]["text"] in [element.value for element in app.text]
    assert not [m for m in app.markdown if "evil" in m.value]
