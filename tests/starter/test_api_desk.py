"""The reviewer's desk over HTTP: notes, papers, offers worked out, handing up, the word before the score."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from plimsoll.adapters.products.folder import ProductFolder
from plimsoll.domain.access import Role
from tests.house import bearer
from tests.starter.conftest import Door
from tests.starter.test_api_people import A_YES, a_review, say

PDF = b"%PDF-1.7 payslip"


async def ask_for(door: Door, task: str, code: str = "payslips") -> httpx.Response:
    return await door.post(f"/v1/reviews/{task}/documents", Role.REVIEWER, {"code": code})


async def hand_in(
    door: Door, application: str, document: str, content: bytes = PDF, media_type: str = "application/pdf"
) -> httpx.Response:
    headers = bearer(door.keys[Role.CHANNEL]) | {"content-type": media_type}
    path = f"/v1/applications/{application}/documents/{document}"
    return await door.client.put(path, params={"name": "Lohn.pdf"}, content=content, headers=headers)


async def seen(door: Door, application: str, role: Role = Role.REVIEWER) -> dict[str, Any]:
    return (await door.get(f"/v1/applications/{application}/case", role)).json()


async def test_a_note_is_there_for_the_next_reviewer(door: Door):
    _, application = await a_review(door)
    path = f"/v1/applications/{application}/notes"
    assert (await door.post(path, Role.REVIEWER, {"text": "Called the employer."})).status_code == 204
    (note,) = (await seen(door, application, Role.SENIOR_REVIEWER))["notes"]
    assert note["text"] == "Called the employer."
    assert set(note) == {"id", "by", "written_at", "text"}
    assert (await door.post(path, Role.ANALYST, {"text": "?"})).status_code == 403


async def test_a_paper_is_asked_for_handed_in_and_opened(door: Door):
    task, application = await a_review(door)
    assert (await ask_for(door, task)).status_code == 204
    channel = (await door.get(f"/v1/applications/{application}", Role.CHANNEL)).json()
    (asked,) = channel["documents"]
    assert channel["status"] == "awaiting_applicant"
    assert (asked["name"], asked["received_at"]) == ("Payslips of the last three months", None)
    assert (await hand_in(door, application, asked["id"])).status_code == 204
    assert (await seen(door, application))["status"] == "review"
    paper = await door.get(f"/v1/applications/{application}/documents/{asked['id']}", Role.REVIEWER)
    assert (paper.content, paper.headers["content-type"]) == (PDF, "application/pdf")
    assert paper.headers["content-disposition"] == "attachment; filename*=UTF-8''Lohn.pdf"
    for role in (Role.ANALYST, Role.CHANNEL):
        assert (await door.get(f"/v1/applications/{application}/documents/{asked['id']}", role)).status_code == 403


@pytest.mark.parametrize(
    ("content", "media_type", "said"),
    [
        (PDF, "text/html", "not text/html"),
        (PDF + b" " * 3_000_000, "application/pdf", "larger than 2048 KiB"),
        (b"<script>", "application/pdf", "is no application/pdf"),
    ],
)
async def test_what_is_no_paper_is_refused_and_still_owed(door: Door, content: bytes, media_type: str, said: str):
    task, application = await a_review(door)
    await ask_for(door, task)
    (asked,) = (await seen(door, application))["documents"]
    refused = await hand_in(door, application, asked["id"], content, media_type)
    assert refused.status_code in (400, 413)
    assert said in refused.json()["detail"]
    assert (await seen(door, application))["status"] == "awaiting_applicant"


async def test_a_paper_nobody_lists_is_refused_with_those_there_are(door: Door):
    task, _ = await a_review(door)
    refused = await ask_for(door, task, "horoscope")
    assert refused.status_code == 422
    assert "there are payslips" in refused.json()["fields"][0]["problem"]


async def test_an_offer_is_priced_as_the_verdict_would_grant_it(door: Door):
    task, application = await a_review(door)
    offered = {"amount": "600.00", "term_months": 12}
    answer = await door.get(f"/v1/applications/{application}/offer", Role.REVIEWER, params=offered)
    told = answer.json()["terms"]
    assert (told["amount"], told["term_months"]) == ("600.00", 12)
    said = A_YES | {"outcome": "counter_offer", "reason": "smaller_amount"} | offered
    assert (await say(door, task, said, door.keys[Role.REVIEWER])).status_code == 200
    await door.house.until_closed(application)
    granted = (await door.get(f"/v1/applications/{application}")).json()["terms"]
    assert {name: told[name] for name in ("payment", "apr", "total_cost")} == {
        name: granted[name] for name in ("payment", "apr", "total_cost")
    }


async def test_an_offer_above_what_was_asked_for_is_refused(door: Door):
    _, application = await a_review(door)
    params = {"amount": "900000.00", "term_months": 12}
    refused = await door.get(f"/v1/applications/{application}/offer", Role.REVIEWER, params=params)
    assert refused.status_code == 422
    assert "asked for" in refused.json()["fields"][0]["problem"]


async def test_a_case_handed_up_is_for_seniors(door: Door):
    task, _ = await a_review(door)
    given = await door.post(f"/v1/reviews/{task}/hand-up", Role.REVIEWER, {"reason": "income from abroad"})
    assert given.status_code == 204
    assert (await door.post(f"/v1/reviews/{task}/claim", Role.REVIEWER)).status_code == 403
    assert (await door.post(f"/v1/reviews/{task}/claim", Role.SENIOR_REVIEWER)).status_code == 200


async def test_an_absence_gives_back_and_is_seen_by_colleagues(door: Door):
    task, _ = await a_review(door)
    await door.post(f"/v1/reviews/{task}/claim", Role.REVIEWER)
    headers = bearer(door.keys[Role.REVIEWER])
    until = datetime.now(UTC) + timedelta(days=2)
    left = await door.client.put("/v1/reviews/absence", json={"until": until.isoformat()}, headers=headers)
    assert left.json() == {"given_back": [task]}
    desk = (await door.get("/v1/reviews/summary", Role.SENIOR_REVIEWER)).json()
    assert [row["until"] for row in desk["away"]] == [until.isoformat().replace("+00:00", "Z")]
    assert (await door.client.delete("/v1/reviews/absence", headers=headers)).status_code == 204
    assert (await door.get("/v1/reviews/summary", Role.SENIOR_REVIEWER)).json()["away"] == []
    over = {"until": "2020-01-01T00:00:00Z"}
    refused = await door.client.put("/v1/reviews/absence", json=over, headers=headers)
    assert (refused.status_code, "2020-01-01" in refused.json()["detail"]) == (400, True)


@pytest.fixture
def word_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product as a risk team sets it up when reviewers are to judge by themselves."""
    packs = ProductFolder.get

    def get(self: ProductFolder, product: str):
        pack = packs(self, product)
        return pack.model_copy(update={"review": pack.review.model_copy(update={"score_after_verdict": True})})

    monkeypatch.setattr(ProductFolder, "get", get)


async def test_the_score_is_covered_until_the_reviewer_has_said_their_word(door: Door, word_first: None):
    task, application = await a_review(door)
    covered = await seen(door, application)
    assert covered["score_after_verdict"] is True
    assert {covered[name] for name in ("score", "probability_of_default", "score_details", "proposal")} == {None}
    listed = (await door.get("/v1/reviews", Role.REVIEWER)).json()["data"]
    assert {row["probability_of_default"] for row in listed} == {None}
    for path in ("offer?amount=500&term_months=12", "similar"):
        refused = await door.get(f"/v1/applications/{application}/{path}", Role.REVIEWER)
        assert (refused.status_code, "after it" in refused.json()["detail"]) == (403, True)
    assert (await seen(door, application, Role.ANALYST))["score"] is not None
    await say(door, task, A_YES, door.keys[Role.REVIEWER])
    assert (await seen(door, application))["score"] is not None
