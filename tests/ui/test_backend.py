"""The only way out: what is sent to the API, and how its answers become one sentence."""

import inspect

import httpx
import pytest

from tests.ui.care import CareBackend
from tests.ui.test_house_pages import HouseBackend
from ui import backend as module
from ui.backend import Backend, Conflict, Forbidden, NotThere, Refused, SignedOut, Unreachable

APPLICATION = "app_01m7yh1f2cen394r07hnhpvtx7"


@pytest.fixture
def api(monkeypatch):
    """An API that answers what the test says, and remembers what it was asked."""
    answers: list = []
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    client = httpx.Client(base_url="http://api", transport=httpx.MockTransport(answer))
    monkeypatch.setattr(module, "_client", lambda _: client)
    return answers, asked


def test_calls_carry_the_persons_own_token(api):
    """The console has no rights of its own."""
    answers, asked = api
    answers.append(httpx.Response(200, json={"name": "Rosa"}))
    Backend("http://api", "pls_token").who_am_i()
    assert asked[0].headers["authorization"] == "Bearer pls_token"
    assert "x-plimsoll-refresh" not in asked[0].headers


def test_a_page_refreshing_itself_says_so(api):
    """So that an abandoned screen does not keep its session alive."""
    answers, asked = api
    answers.append(httpx.Response(200, json={"data": []}))
    Backend("http://api", "pls_token").refreshing().queue()
    assert asked[0].headers["x-plimsoll-refresh"] == "automatic"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, SignedOut), (403, Forbidden), (404, NotThere), (409, Conflict), (422, Refused), (429, Unreachable),
     (500, Unreachable), (503, Unreachable)],
)  # fmt: skip
def test_problems_of_the_api_keep_their_sentence(api, status, kind):
    """What the API says is what the reader sees."""
    answers, _ = api
    answers.append(httpx.Response(status, json={"detail": "One sentence.", "code": "x"}))
    with pytest.raises(kind) as raised:
        Backend("http://api", "t").portfolio()
    assert raised.value.sentence == "One sentence."


@pytest.mark.parametrize("body", [b"<html>bad gateway</html>", b"", b"[1]"])
def test_an_answer_nobody_can_read_is_a_sentence_too(api, body):
    """A proxy's error page must not become a stack trace."""
    answers, _ = api
    answers.append(httpx.Response(502, content=body))
    with pytest.raises(Unreachable, match="answered 502"):
        Backend("http://api", "t").portfolio()


def test_an_api_that_is_away_is_named_with_what_to_do(api):
    """The reader learns which part, and which command says more."""
    answers, _ = api
    answers.append(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable, match="plimsoll doctor"):
        Backend("http://api", "t").portfolio()


def test_an_answer_that_never_came_is_not_a_failure_known(api):
    """After a read timeout nobody knows whether the verdict arrived."""
    answers, _ = api
    answers.append(httpx.ReadTimeout("slow"))
    with pytest.raises(Unreachable, match="look again before you repeat"):
        Backend("http://api", "t").decide("rev_1", {})


def test_what_is_no_id_is_not_sent(api):
    """The id comes from the address bar: it must not become another path."""
    _, asked = api
    for given in ("../keys", "app_1/../../keys", "app_x y", "", "app_ä"):
        with pytest.raises(NotThere):
            Backend("http://api", "t").case(given)
    assert not asked


def test_runs_of_several_statuses_are_one_question(api):
    """So that no more rows come than are shown."""
    answers, asked = api
    answers.append(httpx.Response(200, json={"data": [{"id": "app_3"}], "has_more": False, "after": None}))
    found = Backend("http://api", "t").runs(("waiting", "review"), after="app_4")
    assert [run["id"] for run in found["data"]] == ["app_3"]
    assert asked[0].url.params.get_list("status") == ["waiting", "review"]
    assert asked[0].url.params["after"] == "app_4"


class WholeBackend(CareBackend, HouseBackend):
    """What the fakes of all pages can do."""


def test_the_fakes_have_every_method_of_the_real_one():
    """A fake that lags behind proves nothing."""
    for name, method in inspect.getmembers(Backend, inspect.isfunction):
        if name.startswith("_"):
            continue
        assert (
            inspect.signature(method).parameters.keys()
            == inspect.signature(getattr(WholeBackend, name)).parameters.keys()
        ), name


def test_what_was_wrong_with_a_request_is_in_the_sentence(api):
    """A page shows no `fields` beside it."""
    answers, _ = api
    fields = [{"field": "texts.en.text", "problem": "should have at least 1 character"}]
    answers.append(httpx.Response(422, json={"detail": "The request does not fit: see `fields`.", "fields": fields}))
    with pytest.raises(
        Refused, match=r"^The request does not fit: texts\.en\.text should have at least 1 character\.$"
    ):
        Backend("http://api", "pls_token").who_am_i()
