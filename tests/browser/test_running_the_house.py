"""What everybody but reviewers does in the console, page by page in a real browser, checked through the API."""

import hashlib
import json
import re
import tomllib

import httpx
import pytest
from playwright.sync_api import expect

from plimsoll.settings import ROOT
from tests.applicants import PRODUCTS
from tests.browser.conftest import Visit
from tests.browser.steering import approved, begin_release, card, live, newest, say_why, styled

APPLICANTS = 60, 3  # fewer than reviewers need, and enough for drift to be judged
POLICY = (PRODUCTS / "consumer-credit" / "policy.json").read_text()
CARE = ("Customers", "Interventions", "Calls", "Messages", "Strategies", "Stream")


@pytest.mark.timeout(600)  # the first one waits for the stack
@pytest.mark.parametrize("visit", ["light", pytest.param("dark", marks=pytest.mark.long)], indirect=True)
def test_the_tour_of_all_pages(visit, request):
    """Every page opens, nothing is fetched from elsewhere, nothing fails in the browser's console."""
    scheme = request.node.callspec.params["visit"]
    visit.go("/")
    visit.shot(f"{scheme}-sign-in")
    visit.sign_in("senior_reviewer")
    expect(visit.page.get_by_role("heading", name="Queue")).to_be_visible()
    expect(visit.page.get_by_text("Refreshed")).to_be_visible()
    visit.shot(f"{scheme}-queue")
    for name in ("Overview", "Workflows"):
        visit.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        expect(visit.page.get_by_role("heading", name=name)).to_be_visible()
        expect(visit.page.get_by_text("Refreshed").first).to_be_visible()
        visit.shot(f"{scheme}-{name.lower()}")
    for name in ("Policies", "Models", "Performance", "Experiments", "Drift", *CARE, "Decision trace", "Schedules"):
        visit.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
        expect(visit.page.get_by_role("heading", name=name)).to_be_visible()
        visit.shot(f"{scheme}-{name.lower()}")
    visit.go(f"/case?id={visit.stack.free_case()['application_id']}")
    expect(visit.page.get_by_role("heading", name="Review")).to_be_visible()
    expect(visit.page.get_by_text("in Temporal").first).to_be_visible()
    visit.shot(f"{scheme}-case")
    assert visit.outside == []
    assert visit.errors == []


def test_the_overview_keeps_what_is_chosen_when_it_refreshes(visit):
    """The filter stays in the address, and the figures are of what it lets through."""
    visit.come_in("analyst", "/overview")
    visit.page.get_by_role("combobox", name="Outcome").click()
    visit.page.get_by_role("option", name="Declined").click()
    visit.page.wait_for_url("**/overview?outcome=Declined")
    declined = visit.stack.ask("analyst", "GET", "/v1/portfolio", params={"outcome": "decline"})["applications"]
    shown = visit.page.get_by_test_id("stMetric").filter(has_text="Applications")
    expect(shown.get_by_test_id("stMetricValue")).to_have_text(f"{declined:,}")
    refreshed = visit.page.get_by_text("Refreshed")
    before = refreshed.inner_text()
    expect(refreshed).not_to_have_text(before)
    expect(visit.page.get_by_role("combobox", name="Outcome")).to_have_value("Declined")
    expect(visit.page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    assert visit.page.get_by_role("button", name=re.compile("Show data|Download as CSV")).count() == 0
    visit.shot("overview-declined")
    assert visit.errors == []


def test_a_stricter_policy_is_tried_on_the_decided_cases(visit: Visit, tmp_path):
    """The page says what the API says, and nothing is decided by it."""
    changed = tmp_path / "policy.json"
    changed.write_text(POLICY.replace("> 20000", "> 500"))
    before = visit.stack.ask("analyst", "GET", "/v1/portfolio")["by_outcome"]
    visit.come_in("analyst", "/policies")
    expect(visit.page.get_by_text("In force").first).to_be_visible()
    visit.shot("policies")
    visit.page.get_by_role("tab", name="Try a change").click()
    with visit.page.expect_response("**/upload_file/**"):  # its name is shown before the server has it
        visit.page.locator("input[type=file]").set_input_files(str(changed))
    expect(visit.page.get_by_text("policy.json").first).to_be_visible()
    visit.page.get_by_role("button", name="Try it").click()
    expect(visit.page.get_by_text("request.amount was > 20000, becomes > 500.")).to_be_visible()
    expect(visit.page.get_by_text("on the same facts and the same score")).to_be_visible()
    visit.shot("policies-trial")
    proposed = {"policy": json.loads(changed.read_text()), "cases": 200}
    past = visit.stack.ask("analyst", "POST", "/v1/policies/consumer-credit/trial", json=proposed)["past"]
    assert past["moves"]
    expect(visit.page.get_by_text(f"{past['alike']:,} would end alike")).to_be_visible()
    assert visit.stack.ask("analyst", "GET", "/v1/portfolio")["by_outcome"] == before
    assert visit.errors == []


def test_a_drift_check_is_drawn_and_its_page_opens_in_a_frame_that_reaches_nothing(visit):
    """Charts with their tables, and Evidently's report beside them, without a word to anybody outside."""
    visit.come_in("analyst", f"/drift?report={visit.stack.drift_checked()}")
    expect(visit.page.get_by_text("against 700 in training").first).to_be_visible()
    expect(visit.page.locator(".vega-embed, [data-testid='stVegaLiteChart']").nth(1)).to_be_visible()
    visit.shot("drift")
    visit.page.get_by_text("Show it").click()
    frame = visit.page.frame_locator("iframe[src*='drift-page']")
    expect(frame.get_by_text("Dataset Drift", exact=True)).to_be_visible()
    expect(frame.get_by_text("PSI, bins fixed in training").first).to_be_visible()
    visit.shot("drift-report")
    assert visit.outside == []
    assert visit.errors == []


def opens(visit, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{visit.stack.api}/v1/products", headers=headers, trust_env=False, timeout=20).status_code


def test_a_key_is_made_used_and_revoked(visit):
    """It opens the door once it is made, and never again when it is revoked."""
    visit.come_in("admin", "/keys")
    visit.page.get_by_text("Make a key").click()
    visit.page.get_by_role("textbox", name="Who holds it").fill("Nora New")
    visit.page.get_by_role("textbox", name="What it is for").fill("her first day")
    visit.page.get_by_role("combobox", name="Roles").click()
    visit.page.get_by_role("option", name="Analyst").click()
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("button", name="Make it").click()
    expect(visit.page.get_by_text("The key of Nora New.")).to_be_visible()
    key = visit.page.locator("code").first.inner_text().strip()
    assert opens(visit, key) == 200
    made = next(row for row in visit.stack.ask("admin", "GET", "/v1/keys")["data"] if row["actor"] == "Nora New")
    visit.page.locator(f".st-key-revoke-{made['id']} button").click()
    visit.page.get_by_role("button", name="Yes, revoke").click()
    expect(visit.page.get_by_text("Nora New")).to_have_count(0)
    assert opens(visit, key) == 401


SWEEP = "sweep/portfolio"


def test_a_schedule_is_run_now_paused_and_let_go_on(visit):
    """Who paused it and why stands beside it, for the next one to read."""

    def swept() -> dict:
        return visit.stack.ask("admin", "GET", f"/v1/schedules/{SWEEP}")

    runs = swept()["started"]
    visit.come_in("admin", "/schedules")
    this = card(visit, "schedule", "sweep-portfolio")
    this.get_by_role("button", name="Run now").click()
    expect(visit.page.get_by_text("It runs now.")).to_be_visible()
    visit.stack.until(lambda: swept()["started"] > runs, "the schedule to run")
    say_why(this, "Pause: why?", "stocktaking", "Pause")
    expect(this.get_by_text("local admin: stocktaking")).to_be_visible()
    assert (swept()["paused"], swept()["note"]) == (True, "local admin: stocktaking")
    visit.shot("schedules")
    say_why(this, "Resume: why?", "it is done", "Resume")
    expect(this.get_by_text("local admin: it is done")).to_be_visible()
    assert swept()["paused"] is False
    assert visit.errors == []


def test_while_the_engine_hangs_runs_are_listed_and_the_page_says_so(visit):
    """From Postgres; a case can still be read."""
    visit.come_in("admin", "/workflows")
    expect(visit.page.get_by_text("Refreshed").first).to_be_visible()
    with visit.stack.without("temporal"):
        expect(visit.page.get_by_text("The workflow engine (Temporal) is away").first).to_be_visible(timeout=60_000)
        expect(visit.page.get_by_text("With a person").first).to_be_visible()
        visit.shot("engine-away")
        visit.go(f"/case?id={visit.stack.free_case()['application_id']}")
        expect(visit.page.get_by_text("Engine away").first).to_be_visible(timeout=60_000)
        expect(visit.page.get_by_role("heading", name="Review")).to_be_visible()


def test_all_that_wait_on_a_source_are_tried_again_with_a_reason_that_an_auditor_reads(visit):
    """Nobody waits out the source's own patience once a person knows that it is back."""
    body = visit.stack.ask("channel", "GET", "/v1/products/consumer-credit")["example"]
    parked = {"status": "waiting", "waiting_on": "bureau"}
    visit.come_in("admin", "/workflows")
    with visit.stack.source_down("bureau"):
        application = visit.stack.submit(body | {"external_id": "WAITS-ON-BUREAU"})["id"]
        visit.stack.until(lambda: visit.stack.ask("admin", "GET", "/v1/workflows", params=parked)["data"], "the case")
        waits = visit.page.get_by_text(re.compile("cases? waits?, the longest"))
        expect(waits).to_be_visible(timeout=60_000)
        visit.shot("workflows-source")
        visit.page.get_by_role("button", name="Try again now").click()
        visit.page.get_by_role("button", name="Resume all that wait on it").click()
        expect(visit.page.get_by_text("Say why in a few words")).to_be_visible()
    say_why(visit.page, "Why", "the bureau says it is back", "Resume all that wait on it")
    expect(visit.page.get_by_text("again now.").first).to_be_visible()
    visit.stack.until(
        lambda: visit.stack.ask("admin", "GET", f"/v1/applications/{application}")["status"] in ("decided", "review"),
        "the case to go on",
    )
    visit.come_in("auditor", "/audit")
    expect(visit.page.get_by_role("cell", name="the bureau says it is back")).to_be_visible()
    assert visit.errors == []


def test_a_decision_is_traced_verified_and_printed(visit):
    """By the lender's own number; the page for an auditor is a PDF of this very case."""
    case = visit.stack.ask("auditor", "GET", "/v1/applications", params={"status": "decided", "limit": 1})["data"][0]
    visit.come_in("auditor", "/trace")
    number = visit.page.get_by_label("Number of a case, a decision, a review or an applicant")
    number.fill(case["external_id"])
    number.press("Enter")
    expect(visit.page.get_by_text(case["id"])).to_be_visible()
    visit.page.get_by_role("button", name="Verify this case").click()
    expect(visit.page.get_by_text("Verified", exact=True)).to_be_visible()
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name="For an auditor (PDF)").click()
    assert saved.value.suggested_filename == f"trace-{case['id']}.pdf"
    content = saved.value.path().read_bytes()
    assert content.startswith(b"%PDF-")
    taken = visit.stack.ask("auditor", "GET", f"/v1/applications/{case['id']}/trace")["ledger"][-1]
    assert (taken["kind"], taken["content"]) == ("application.copied", hashlib.sha256(content).hexdigest())
    visit.shot("trace")
    assert visit.errors == []


def test_a_customer_is_looked_at_helped_and_answered_for(visit):
    """Events come in, somebody begins an episode, and a collector looks at whom no message and no call may reach:
    so the hour of the day, at which nobody may be called, does not matter here."""
    person = visit.stack.customer("C-TOUR")
    visit.come_in("collector", "/customers?id=C-TOUR")
    expect(visit.page.get_by_text("Their own rhythm")).to_be_visible()
    visit.shot("customer")
    visit.stack.ask(
        "collector",
        "POST",
        "/v1/interventions",
        json={"person": person, "level": "medium", "asked_for_help": True, "reason": "asked at the desk"},
    )
    task = visit.stack.call_for(person)
    visit.go(f"/collectors?id={task}")
    visit.page.get_by_role("button", name="Take it").click()
    expect(visit.page.get_by_text("Yours until")).to_be_visible()
    visit.page.get_by_role("combobox", name="Answer").click()
    visit.page.get_by_role("option", name="Looked at it: on with the plan").click()
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text("What came of it")).to_be_visible()
    visit.shot("call")
    assert visit.stack.ask("collector", "GET", f"/v1/collector-tasks/{task}")["answer"] == "on_with_the_plan"
    assert visit.errors == []


def test_an_episode_is_stopped_with_a_reason_and_the_stream_is_counted(visit):
    """Nothing more is done from that moment; what came in of the customer stands on the page of the stream."""
    wanted = {"person": visit.stack.customer("C-STOP"), "level": "medium", "asked_for_help": True}
    episode = visit.stack.ask("collector", "POST", "/v1/interventions", json=wanted | {"reason": "asked at the desk"})
    visit.come_in("collector", f"/interventions?id={episode['id']}")
    say_why(visit.page, "Stop helping: why?", "wants to be left alone", "Stop this episode")
    expect(visit.page.get_by_label("Stop helping: why?")).to_have_count(0)
    assert visit.stack.ask("analyst", "GET", f"/v1/interventions/{episode['id']}")["ending"] == "cancelled"
    visit.go("/stream")
    stored = visit.page.get_by_test_id("stMetric").filter(has_text="Events stored").get_by_test_id("stMetricValue")
    expect(stored).to_have_text(f"{visit.stack.ask('analyst', 'GET', '/v1/customers/stream')['newest']:,}")
    assert visit.errors == []


def test_a_text_is_proposed_by_one_and_approved_by_another(visit: Visit):
    """Both on the page; the API says who stands behind it."""
    name = "email-help-offer"
    draft = visit.stack.ask("compliance", "GET", "/v1/message-templates")["data"]
    assert draft == [] or {text["name"] for text in draft} >= {name}
    if not draft:
        visit.stack.ask("collector", "POST", "/v1/message-templates", json=a_first(name))
    visit.come_in("collector", f"/messages?id={name}@1")
    visit.page.get_by_text("Propose other words").click()
    words = visit.page.get_by_role("textbox", name="English", exact=True)
    expect(words).to_have_value(re.compile("Before it becomes a problem"))
    words.fill(words.input_value().replace("Before it becomes a problem", "Before it is a problem"))
    visit.page.get_by_label("Why").fill("shorter")
    visit.page.get_by_role("button", name="Propose", exact=True).click()
    expect(visit.page.get_by_text(f"{name}@2, proposed by")).to_be_visible()
    visit.come_in("compliance", f"/messages?id={name}@2")
    expect(visit.page.get_by_text("Before it is a problem").first).to_be_visible()
    visit.shot("messages")
    visit.page.get_by_label("Reason").fill("read in both languages")
    visit.page.get_by_role("button", name="Approve").click()
    expect(visit.page.get_by_text(f"{name}@2, proposed by")).to_have_count(0)
    texts = visit.stack.ask("analyst", "GET", "/v1/message-templates")["data"]
    approved = next(text for text in texts if (text["name"], text["version"]) == (name, 2))
    assert (approved["state"], approved["proposed_by"] != approved["approved_by"]) == ("approved", True)
    assert visit.errors == []


def a_first(name: str) -> dict:
    template = tomllib.loads((ROOT / f"watch/templates/{name}.toml").read_text())
    return {"template": template, "reason": "for the tour"}


def test_a_trained_version_is_looked_at_proposed_by_one_and_approved_by_another(visit, another_version):
    """Its curves are drawn, and each word is given on the page with its reason."""
    model = another_version
    visit.come_in("model_owner", f"/models?id={model}")
    expect(visit.page.get_by_role("heading", name="Models")).to_be_visible()
    expect(visit.page.locator(".vega-embed, [data-testid='stVegaLiteChart']").nth(3)).to_be_visible()
    visit.shot("models-version")
    visit.page.get_by_placeholder("Goes on record").fill("better on the untouched part")
    visit.page.get_by_placeholder("Goes on record").press("Tab")
    visit.page.get_by_role("button", name="Propose").click()
    expect(visit.page.get_by_text("Waits for approval").first).to_be_visible()
    visit.come_in("model_approver", "/models")
    visit.page.get_by_placeholder("Goes on record").fill("read the report")
    visit.page.get_by_placeholder("Goes on record").press("Tab")
    visit.page.get_by_role("button", name="Approve").click()
    expect(visit.page.get_by_text("Waits for approval")).to_have_count(0)
    assert visit.stack.ask("analyst", "GET", f"/v1/models/{model}")["state"] == "approved"
    assert visit.errors == []


def test_an_experiment_is_planned_begun_and_ended(visit, another_version):
    """What it takes is said before anybody is dealt out; whoever may hold a release may end it."""
    version = approved(visit.stack, another_version)
    visit.come_in("model_owner", "/experiments")
    visit.page.get_by_text("Plan an experiment").click()
    expect(visit.page.get_by_role("combobox", name="Challenger")).to_have_value(version)
    visit.page.get_by_role("button", name="Say what it takes").click()
    expect(visit.page.get_by_text("To find a difference of 0.02")).to_be_visible()
    planned = newest(visit.stack, "/v1/experiments")
    assert (planned["state"], planned["challenger"]["id"]) == ("planned", another_version)
    say_why(card(visit, "experiment", planned["id"]), "Reason", "it looks better", "Start")
    expect(card(visit, "experiment", planned["id"]).get_by_text("Running")).to_be_visible()
    assert newest(visit.stack, "/v1/experiments")["state"] == "running"
    visit.shot("experiments")
    visit.come_in("model_approver", "/experiments")
    say_why(card(visit, "experiment", planned["id"]), "Reason", "a release comes first", "Stop")
    expect(card(visit, "experiment", planned["id"]).get_by_text("Stopped")).to_be_visible()
    assert newest(visit.stack, "/v1/experiments")["state"] == "stopped"
    assert visit.errors == []


def test_a_release_is_begun_held_let_go_on_given_everybody_and_taken_back(visit, another_version):
    """Each with its reason, and each true for the API at once; the old version decides in the end."""
    before = live(visit.stack)
    begun = begin_release(visit, approved(visit.stack, another_version), "better on the hold-out")
    assert (begun["state"], begun["share"], begun["model"]["id"]) == ("running", 0.0, another_version)
    this = card(visit, "rollout", begun["id"])
    for button, badge, state in (("Pause", "Paused", "paused"), ("Go on", "Running", "running")):
        say_why(this, "Reason", f"{button}, says the tour", button)
        expect(this.get_by_text(badge, exact=True)).to_be_visible()
        found = newest(visit.stack, "/v1/rollouts")
        assert (found["state"], found["reason"]) == (state, f"{button}, says the tour")
    visit.shot("releases")
    assert styled(visit)
    say_why(this, "Reason", "nothing speaks against it", "Give it everybody")
    expect(this.get_by_text("Given to everybody", exact=True)).to_be_visible()
    assert newest(visit.stack, "/v1/rollouts")["state"] == "promoted"
    assert live(visit.stack) == another_version
    say_why(this, "Reason", "complaints", "Roll back")
    expect(visit.page.get_by_role("cell", name="complaints")).to_be_visible()
    assert newest(visit.stack, "/v1/rollouts")["state"] == "rolled_back"
    assert live(visit.stack) == before
    assert visit.errors == []
