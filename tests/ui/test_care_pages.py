"""Customers, interventions, calls, strategies, the stream: what each answers, and what it says when it cannot."""

import pytest

from tests.ui.care import CareBackend, a_call, a_customer, a_risk, a_stream, an_effect, an_episode
from tests.ui.conftest import tables_on, words_on
from tests.ui.fake_session import at
from ui.backend import Forbidden, Unreachable

PAGES = {"customers": "stream", "interventions": "interventions", "collectors": "call_tasks",
         "strategies": "strategies", "stream": "stream"}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_an_api_that_is_away_or_refuses_is_one_sentence(open_page, page):
    """And nothing is shown as zero."""
    for problem in (Unreachable("The API does not answer."), Forbidden("You may not read this.")):
        app = open_page(page, CareBackend().failing(PAGES[page], problem))
        assert problem.sentence in words_on(app)
        assert not app.metric


@pytest.mark.parametrize(
    ("page", "sentence"),
    [("customers", "plimsoll transactions load"), ("interventions", "No episode fits"),
     ("collectors", "No call waits"), ("stream", "Nothing came in yet")],
)  # fmt: skip
def test_an_empty_page_says_what_to_do(open_page, page, sentence):
    """Of a house in which nothing happened yet."""
    backend = CareBackend()
    backend.stream_now = a_stream(newest=0, behind=0, levels={})
    assert sentence in words_on(open_page(page, backend))


def test_customers_are_listed_with_the_reasons_staff_may_say(open_page):
    """The rule's name stands in where no model had enough to read."""
    by_rule = a_customer(2, "medium") | {"risk": a_risk("medium", factors=[], probability=None, row="silent_salary")}
    said = words_on(open_page("customers", CareBackend().with_customer(a_customer(), by_rule)))
    assert "salary comes 6 days later than usual; 2 debits failed this month" in said
    assert "Silent salary" in said
    assert "31.0 %" in said


def test_a_customers_story_has_rhythm_trend_and_what_was_done(open_page):
    """Found by the lender's own number."""
    person = a_customer()
    backend = CareBackend().with_customer(person).with_episode(an_episode(person=person))
    app = open_page("customers", backend, id="C-1")
    said = words_on(app)
    assert "Every month, usually 2,100.00, expected 2026-11-15, 6 days late." in said
    assert "No rhythm found" in said
    assert "…0000001" in said
    assert len(app.get("vega_lite_chart")) == 5


def test_of_whom_nothing_is_heard_the_page_says_that_the_judgement_is_old(open_page):
    """In the list and in their story."""
    backend = CareBackend().with_customer(a_customer(silent=True))
    assert ", silent" in words_on(open_page("customers", backend))
    assert "Nothing was heard of them for long" in words_on(open_page("customers", backend, id="C-1"))


def test_who_has_no_profile_cannot_be_reached(open_page):
    """Said, and the rest of the story is there."""
    backend = CareBackend().with_customer(a_customer())
    backend.no_profile = True
    said = words_on(open_page("customers", backend, id="C-1"))
    assert "No address and no consent is known." in said
    assert "salary comes 6 days later" in said


def test_a_customer_nobody_knows_is_said_so(open_page):
    """With the way back."""
    assert "Nobody is watched under this id" in words_on(open_page("customers", CareBackend(), id="C-9"))


def test_a_customer_nothing_was_read_of_has_no_charts(open_page):
    """Known to the lender, not yet judged."""
    person = a_customer(risk=None, portrait=None, history=[])
    said = words_on(open_page("customers", CareBackend().with_customer(person), id="C-1"))
    assert "Not judged yet" in said
    assert "Nothing was read of this customer's accounts yet." in said


def test_interventions_say_what_each_waits_on_and_keep_the_books(open_page):
    """Triggers are episodes, updates and refusals by name."""
    backend = CareBackend("analyst").with_episode(an_episode(), an_episode(2, state="ended", ending="paid"))
    said = words_on(open_page("interventions", backend))
    assert "Reply, until" in said
    assert "Paid" in said
    assert "Refused: Held out: left alone, and followed: 2" in said


def test_an_episode_shows_steps_contacts_and_the_rule_that_held_one_back(open_page):
    """And what was used of the caps."""
    episode = an_episode()
    app = open_page("interventions", CareBackend("analyst").with_episode(episode), id=episode["id"])
    assert "Caps used: calls in 7 days 2 of 7. They prefer SMS." in words_on(app)
    assert tables_on(app)[0]["Held back by"].tolist() == ["quiet hours"]
    assert not app.text_input(key="find").value
    assert "why-cancel" not in {field.key for field in app.text_input}


def test_stopping_an_episode_takes_a_reason(open_page):
    """Which goes on record."""
    episode = an_episode()
    backend = CareBackend().with_episode(episode)
    app = open_page("interventions", backend, id=episode["id"])
    stop = next(button for button in app.button if button.label == "Stop this episode")
    stop.click().run()
    assert "Say why in a few words" in words_on(app)
    app.text_input(key="why-cancel").input("paid at the counter")
    next(button for button in app.button if button.label == "Stop this episode").click().run()
    assert ("cancel_intervention", episode["id"], "paid at the counter") in backend.calls


def test_taking_the_next_call_opens_it(open_page):
    """With a lease."""
    backend = CareBackend().with_call(a_call())
    app = open_page("collectors", backend)
    app.button(key="take-next-call").click().run()
    assert "Yours until" in words_on(app)


def test_when_nobody_may_be_called_now_it_says_so(open_page):
    """By the rules of the contact governor, not for want of work."""
    backend = CareBackend().with_call(a_call())
    backend.barred = "quiet hours"
    app = open_page("collectors", backend)
    app.button(key="take-next-call").click().run()
    assert "No call can be made now" in words_on(app)


WROTE = {"channel": "email", "text": "I lost my job <b>", "received_at": at(hours=1), "meaning": "other"}


def test_what_a_customer_wrote_stands_before_who_calls_them(open_page):
    """Word for word, with what a machine made of it in words."""
    call = a_call(why=["reply:other"], script="call-answer-a-reply", replies=[WROTE])
    app = open_page("collectors", CareBackend().with_call(call), id=call["id"])
    said = words_on(app)
    assert "I lost my job <b>" in {text.value for text in app.text}
    assert "Answer what they wrote" in said
    assert "They wrote something that a person must read" in said


def test_an_episode_that_a_reply_led_to_a_person_is_not_called_held_back(open_page):
    """What stands beside its step is a reason and no rule."""
    episode = an_episode(waits_on="collector", step_by="call", step_rule="reply:help", replies=[WROTE])
    backend = CareBackend("analyst").with_episode(episode)
    assert "A collector (they asked for help), until" in words_on(open_page("interventions", backend))
    assert "I lost my job <b>" in words_on(open_page("interventions", backend, id=episode["id"]))


def test_a_rule_that_is_only_assumed_is_said_to_be(open_page):
    """The customer's region is unknown, and the tightest of all rules holds."""
    episode = an_episode(step_rule="region_unknown.calls_in_a_day_florida", step_by="call")
    said = words_on(open_page("interventions", CareBackend("analyst").with_episode(episode)))
    assert "held back: region unknown, so the tightest rule holds: calls in a day florida" in said


def test_an_answer_is_called_what_a_customer_means_by_it(open_page):
    """The same code says of a source that it refused the connection."""
    call = a_call(state="answered", answer="refused", answered_at=at(hours=1), said={})
    said = words_on(open_page("collectors", CareBackend().with_call(call), id=call["id"]))
    assert "Wants no help" in said
    assert "connection" not in said


def test_number_and_script_appear_at_a_click_that_counts(open_page):
    """Not before: showing them is a call."""
    call = a_call(state="claimed", claimed_by_name="Carla Collector", lease_until=at(minutes=-20), version=2)
    backend = CareBackend().with_call(call)
    app = open_page("collectors", backend, id=call["id"])
    assert "+49 30 1234" not in words_on(app)
    app.button(key="dial").click().run()
    assert "+49 30 1234" in words_on(app)
    assert ("move_call", call["id"], "call") in backend.calls


def test_a_promise_without_its_amount_is_refused_with_the_field(open_page):
    """The API's own words, and nothing is saved."""
    call = a_call(state="claimed", claimed_by_name="Carla Collector", lease_until=at(minutes=-20), version=2)
    app = open_page("collectors", CareBackend().with_call(call), id=call["id"])
    app.selectbox(key=f"answer-{call['id']}").select("promise").run()
    app.button(key=f"save-{call['id']}").click().run()
    assert "Amount: a promise to pay names its amount" in words_on(app)


def test_an_answer_is_saved_with_what_was_agreed(open_page):
    """Under the version that was shown."""
    call = a_call(state="claimed", claimed_by_name="Carla Collector", lease_until=at(minutes=-20), version=2)
    backend = CareBackend().with_call(call)
    app = open_page("collectors", backend, id=call["id"])
    app.selectbox(key=f"answer-{call['id']}").select("promise").run()
    app.number_input(key=f"amount-{call['id']}").set_value(120.0)
    app.text_input(key=f"currency-{call['id']}").input("eur")
    app.text_area(key=f"note-{call['id']}").input("will pay on Friday").run()
    app.button(key=f"save-{call['id']}").click().run()
    said = backend.reported
    assert (said["version"], said["amount"], said["currency"]) == (2, "120.00", "EUR")
    assert said["note"] == "will pay on Friday"


def test_somebody_elses_call_can_be_seen_and_not_answered(open_page):
    """With who holds it."""
    call = a_call(state="claimed", claimed_by_name="Otto", lease_until=at(minutes=-20))
    app = open_page("collectors", CareBackend().with_call(call), id=call["id"])
    assert "Otto holds it until" in words_on(app)
    app.button(key="claim-call").click().run()
    assert "Otto holds this task" in words_on(app)


def test_an_analyst_looks_on(open_page):
    """No button takes a call."""
    app = open_page("collectors", CareBackend("analyst").with_call(a_call()))
    assert "take-next-call" not in {button.key for button in app.button}


def test_strategies_show_the_effect_with_its_interval(open_page):
    """As difference in points, with what the plan says."""
    app = open_page("strategies", CareBackend("analyst"))
    assert "It takes 2,400 episodes" in words_on(app)
    assert tables_on(app)[0]["Difference"].tolist() == ["-5.0 points"]
    assert "SMS “options”, then wait 48 h" in words_on(app)


def test_before_maturity_no_effect_is_shown(open_page):
    """Only what it will take."""
    backend = CareBackend("analyst")
    backend.effect_now = an_effect(ripe=False)
    app = open_page("strategies", backend)
    assert "No episode is old enough yet" in words_on(app)
    assert not app.get("vega_lite_chart")


def test_a_stream_that_stands_still_is_said_in_red(open_page):
    """Events wait and nothing moves."""
    backend = CareBackend("analyst")
    backend.stream_now = a_stream(moved_at=at(minutes=9))
    assert "none was read since 9 min ago" in words_on(open_page("stream", backend))


def test_rejected_lines_are_named_with_what_is_wrong(open_page):
    """Where they stood, and who sent them."""
    backend = CareBackend("analyst")
    backend.rejected = [{"id": 1, "at": at(), "feed": "transactions", "source": "june.csv", "line": 7,
                         "problem": "`amount` is -3: write how much, not which way", "sent_by": "channel"}]  # fmt: skip
    app = open_page("stream", backend)
    assert tables_on(app)[0]["Line"].tolist() == ["7"]
