"""The Gate: nothing answers without a session, under another name, or to another site."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ui.backend import NotThere, SignedOut, Unreachable
from ui.gate import PAGES, Gate
from ui.settings import ConsoleSettings

HERE = "http://127.0.0.1:8501"
STREAM = "ws://127.0.0.1:8501/_stcore/stream"
OURS = {"origin": HERE}
KEY = "plk_1_secret"
A_REPORT = f"drf_{1:026}"
STREAMLIT_PATHS = (
    "/",
    "/queue",
    "/case",
    "/static/js/index.js",
    "/media/abc.csv",
    "/component/x/index.html",
    "/favicon.png",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/allowed-message-origins",
    "/_stcore/upload_file/s/f",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/_stcore/script-health-check",
    "/_stcore/health/",
    "/_stcore/health/../host-config",
    "//sign-in",
    "/sign-in/x",
)


class FakeSessions:
    """Sessions in memory; knows one key."""

    def __init__(self) -> None:
        self.open_ones: set[str] = set()
        self.problem: Exception | None = None
        self.checks = 0

    def open(self, key: str) -> str:
        if self.problem:
            raise self.problem
        if key != KEY:
            raise SignedOut("This API key is unknown.")
        token = f"pls_{len(self.open_ones)}"
        self.open_ones.add(token)
        return token

    def end(self, token: str) -> None:
        if self.problem:
            raise self.problem
        self.open_ones.discard(token)

    def drift_page(self, token: str, report: str) -> bytes:
        self.check(token)
        if report != A_REPORT:
            raise NotThere("This report has no page here.")
        return b"<!DOCTYPE html><script>draw()</script>"

    def check(self, token: str) -> dict:
        self.checks += 1
        if self.problem:
            raise self.problem
        if token not in self.open_ones:
            raise SignedOut("This session has ended.")
        return {}


@pytest.fixture
def sessions():
    return FakeSessions()


def behind_the_gate(sessions, **settings):
    async def inside(request):
        return PlainTextResponse("inside")

    async def stream(websocket):
        await websocket.accept()
        await websocket.send_text("inside")
        await websocket.close()

    app = Starlette(
        routes=[
            WebSocketRoute("/_stcore/stream", stream),
            Route("/{path:path}", inside, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
        ]
    )
    settings = ConsoleSettings(**({"console": HERE} | settings))
    return Gate(app, settings=settings, sessions=sessions)


@pytest.fixture
def browser(sessions):
    return TestClient(behind_the_gate(sessions), base_url=HERE, follow_redirects=False)


def sign_in(browser, **form):
    return browser.post("/sign-in", data={"key": KEY, **form}, headers=OURS)


# Without a session ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", STREAMLIT_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_no_path_answers_without_a_session(browser, method, path):
    """Whatever Streamlit serves, or will serve, stays inside."""
    answer = browser.request(method, path, headers=OURS)
    assert answer.status_code == 401
    assert "inside" not in answer.text


def test_a_person_is_led_to_the_sign_in_page_and_back(browser):
    """A link to a case survives signing in."""
    answer = browser.get("/case?id=app_1", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fcase%3Fid%3Dapp_1")
    assert sign_in(browser, next="/case?id=app_1").headers["location"] == "/case?id=app_1"


def test_health_is_open(browser):
    """The supervisor asks it without a key; it says nothing but "ok"."""
    assert browser.get("/_stcore/health").status_code == 200


def test_the_websocket_is_refused_without_a_session(browser):
    """The pages live in the websocket: it needs a session as well."""
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(STREAM, headers=OURS):
        pass


def test_a_made_up_cookie_opens_nothing(browser):
    """Only the API says which sessions exist."""
    browser.cookies.set("plimsoll_8501", "pls_guess")
    assert browser.get("/queue").status_code == 401
    browser.cookies.set("plimsoll_8501", "anything")
    assert browser.get("/queue").status_code == 401


def test_while_the_api_is_away_nobody_passes(browser, sessions):
    """Not knowing is not letting in; the sentence says what is down."""
    sign_in(browser)
    sessions.problem = Unreachable("The API does not answer.")
    answer = browser.get("/queue", headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert "The API does not answer." in answer.text


# With a session ---------------------------------------------------------------------------------


def test_a_session_opens_pages_and_websocket(browser):
    """Signed in, everything of Streamlit is reachable."""
    sign_in(browser)
    assert browser.get("/queue").text == "inside"
    with browser.websocket_connect(STREAM, headers=OURS) as stream:
        assert stream.receive_text() == "inside"


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(browser):
    """HttpOnly, SameSite=Strict, no domain."""
    cookie = sign_in(browser).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(sessions):
    """`__Host-` makes the browser refuse it from anywhere else."""
    site = "https://console.example"
    gate = behind_the_gate(sessions, console=site)
    answer = TestClient(gate, base_url=site, follow_redirects=False).post(
        "/sign-in", data={"key": KEY}, headers={"origin": site}
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-plimsoll=")
    assert "Secure" in cookie


def test_two_consoles_of_one_machine_do_not_share_a_cookie():
    """Browsers send cookies to every port of a host."""
    one, other = ConsoleSettings(console=HERE), ConsoleSettings(console="http://127.0.0.1:9999")
    assert one.cookie != other.cookie


def test_an_unknown_key_is_said_in_one_sentence(browser):
    """And opens nothing."""
    answer = browser.post("/sign-in", data={"key": "plk_9_wrong"}, headers=OURS)
    assert answer.status_code == 401
    assert "This key is not known here, or has been revoked." in answer.text
    assert "set-cookie" not in answer.headers


def test_something_that_is_no_key_is_not_sent_to_the_api(browser, sessions):
    """A password pasted by mistake stays here."""
    answer = browser.post("/sign-in", data={"key": "hunter2"}, headers=OURS)
    assert "it starts with plk_" in answer.text
    assert "hunter2" not in answer.text


def test_the_sign_in_page_says_where_the_local_keys_are(browser):
    """The first run leaves them in one file; in production the page is silent about it."""
    assert "secrets/keys.json" in browser.get("/sign-in").text
    gate = behind_the_gate(FakeSessions(), profile="production")
    assert "keys.json" not in TestClient(gate, base_url=HERE).get("/sign-in").text


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/unknown", "javascript:alert(1)", "", "/sign-out"],
)
def test_signing_in_never_leads_to_another_site(browser, wanted):
    """An open redirect would lend our name to somebody else's page."""
    assert sign_in(browser, next=wanted).headers["location"] == "/queue"


def test_what_was_asked_for_is_escaped_on_the_page(browser):
    """The page repeats nothing as HTML."""
    assert "<script>" not in browser.get("/sign-in", params={"next": '/case?id="><script>'}).text


# Signing out ------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_at_the_api(browser, sessions):
    """A cookie replayed afterwards opens nothing."""
    sign_in(browser)
    assert browser.get("/queue").status_code == 200
    cookie = browser.cookies["plimsoll_8501"]
    browser.post("/sign-out", headers=OURS)
    browser.cookies.set("plimsoll_8501", cookie)
    assert not sessions.open_ones
    assert browser.get("/queue").status_code == 401


def test_a_link_cannot_sign_out(browser, sessions):
    """GET only asks."""
    sign_in(browser)
    assert "This ends your session" in browser.get("/sign-out").text
    assert sessions.open_ones


def test_signing_out_while_the_api_is_away_does_not_pretend(browser, sessions):
    """The session still lives there: the cookie stays and the page says so."""
    sign_in(browser)
    sessions.problem = Unreachable("The API does not answer.")
    answer = browser.post("/sign-out", headers=OURS)
    assert "You are not signed out yet." in answer.text
    assert "set-cookie" not in answer.headers


def test_a_session_revoked_elsewhere_ends_here(browser, sessions):
    """Page loads trust a session for seconds only; a websocket is asked for anew each time."""
    sign_in(browser)
    browser.get("/queue")
    sessions.open_ones.clear()
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(STREAM, headers=OURS):
        pass
    assert browser.get("/queue").status_code == 401


# Names and origins ------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "127.0.0.2"])
def test_another_name_is_refused(browser, host):
    """DNS rebinding: a foreign name pointed at this machine."""
    sign_in(browser)
    assert browser.get("/sign-in", headers={"host": host}).status_code == 421
    assert browser.get("/_stcore/health", headers={"host": host}).status_code == 421
    headers = {"host": host, "origin": f"http://{host}"}
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(STREAM, headers=headers):
        pass


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost", None])
def test_another_origin_is_refused(browser, origin):
    """Cross-site forms and websockets; no origin at all is no proof."""
    sign_in(browser)
    headers = {"origin": origin} if origin else {}
    assert browser.post("/sign-in", data={"key": KEY}, headers=headers).status_code == 403
    assert browser.post("/sign-out", headers=headers).status_code == 403
    assert browser.put("/_stcore/upload_file/s/f", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(STREAM, headers=headers):
        pass


def test_a_configured_name_is_ours(sessions):
    """A deployment's own names are added to those of the loopback."""
    gate = behind_the_gate(sessions, console_hosts=("console.internal",))
    browser = TestClient(gate, base_url="http://console.internal:8501")
    assert browser.get("/sign-in").status_code == 200


def test_every_page_forbids_outside_content_and_frames(browser):
    """Fonts, scripts and frames from elsewhere are stopped by the browser itself."""
    policy = browser.get("/sign-in").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'unsafe-eval' 'sha256-" in policy
    assert browser.get("/sign-in").headers["cache-control"] == "no-store"


def test_every_page_of_the_menu_has_its_file_and_no_file_is_without_a_page():
    """A page the gate does not know sends people to the queue instead of where they wanted to go."""
    folder = Path(__file__).resolve().parent.parent.parent / "ui" / "app_pages"
    assert {f"/{file.stem}" for file in folder.glob("*.py")} == set(PAGES)


# The page of a drift report ---------------------------------------------------------------------


def test_a_drift_report_is_framed_by_us_alone_and_may_reach_nothing(browser, sessions):
    """Evidently's scripts run there, of no origin, with nothing to load and nobody to call."""
    sign_in(browser)
    answer = browser.get("/drift-page", params={"report": A_REPORT})
    policy = answer.headers["content-security-policy"]
    assert answer.text.endswith("<script>draw()</script>")
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "frame-ancestors 'self'" in policy
    assert "allow-same-origin" not in policy


def test_a_drift_report_needs_a_session_like_everything_else(browser, sessions):
    """And says nothing about which reports there are."""
    assert browser.get("/drift-page", params={"report": A_REPORT}).status_code == 401
    sign_in(browser)
    for asked in ("", "drf_2", f"drf_{2:026}", "../keys"):
        assert browser.get("/drift-page", params={"report": asked}).status_code == 404, asked
