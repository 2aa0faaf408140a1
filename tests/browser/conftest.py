"""A live stack of its own with real referred applicants, and a real Chromium looking at it."""

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from plimsoll.adapters.datasets.south_german import SouthGerman
from plimsoll.local import stack as local_stack
from plimsoll.settings import Settings
from plimsoll.wiring import open_ports
from starter.models.training import ensure_released, ensure_trained
from ui.menu import MENU

# Pictures for people to look at cost a machine without a graphics card a second each: taken when asked for.
SHOTS = os.environ.get("PLIMSOLL_SHOTS")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUICK = {"families": ["logistic"], "ensemble": False, "trials": 1, "tuning_seconds": 1.0, "folds": 3, "repeats": 1,
         "floor": False, "members": 2}  # fmt: skip
PRODUCT = "consumer-credit"
ENOUGH = 120, 8  # applicants, and how many of them are to wait for a person; a module may say other `APPLICANTS`
PATIENCE = 120.0
TITLES = {f"/{page.path}": page.title for page in MENU if page.in_menu}
REFRESH = 3  # seconds; people have 30
expect.set_options(timeout=20_000)  # the stack decides applicants on the same few cores


@dataclass
class LiveStack:
    """Where a running stack answers, and its API as any role."""

    home: Path
    api: str
    console: str
    sandbox: str
    keys: dict[str, str] = field(default_factory=dict)

    def ask(self, role: str, method: str, path: str, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[role]}", **given.pop("headers", {})}
        answer = httpx.request(method, self.api + path, headers=headers, trust_env=False, timeout=30, **given)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def queue(self) -> list[dict[str, Any]]:
        return self.ask("reviewer", "GET", "/v1/reviews", params={"limit": 100})["data"]

    def free_case(self) -> dict[str, Any]:
        """A waiting case small enough for a reviewer alone, that is nobody's and waits on nobody else."""
        return next(
            task for task in self.queue()
            if task["claimed_by"] is None and float(task["amount"]) < 10_000
            and not task["for_seniors"] and not task["with_applicant"]
        )  # fmt: skip

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """The part hangs: it takes connections and answers nothing, until this ends."""
        pid = local_stack.describe(self.home)["pids"][part]
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    @contextmanager
    def source_down(self, source: str) -> Iterator[None]:
        """It answers with nothing but errors, until this ends."""
        faults = f"{self.sandbox}/_faults/{source}"
        with httpx.Client(trust_env=False, timeout=10) as switchboard:
            switchboard.put(faults, json={"kind": "500"}).raise_for_status()
            try:
                yield
            finally:
                switchboard.delete(faults).raise_for_status()

    def task_of(self, application: str) -> dict[str, Any]:
        case = self.ask("reviewer", "GET", f"/v1/applications/{application}/case")
        return self.ask("reviewer", "GET", f"/v1/reviews/{case['review']['id']}")

    def until(self, holds: Callable[[], Any], what: str) -> None:
        give_up_at = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < give_up_at, f"waited too long for {what}"
            time.sleep(0.5)

    def trained(self, plan: dict[str, Any]) -> str:
        """A new version of the model, trained by this plan; its id."""
        wanted = {"product": PRODUCT, "reason": "for the tour", "plan": plan}
        run = self.ask("model_owner", "POST", "/v1/trainings", json=wanted)
        give_up_at = time.monotonic() + 2 * PATIENCE
        while run["state"] == "running":
            assert time.monotonic() < give_up_at, f"the training took too long: {run['progress']}"
            time.sleep(0.5)
            run = self.ask("model_owner", "GET", f"/v1/trainings/{run['id']}")
        assert run["model"], run["error"]
        return run["model"]["id"]

    def drift_checked(self) -> str:
        """A drift check of the product, made now; its report's id."""
        begun = self.ask("model_owner", "POST", "/v1/drift-checks", json={"product": PRODUCT})["id"]
        give_up_at = time.monotonic() + 2 * PATIENCE
        while begun not in {each["id"] for each in self.ask("analyst", "GET", "/v1/drift-reports")["data"]}:
            assert time.monotonic() < give_up_at, f"the drift check {begun} took too long"
            time.sleep(0.5)
        return begun

    def customer(self, number: str) -> str:
        """Somebody whose salary comes as ever, of whom the stream asks nothing; their `per_…` once it was read."""
        today = datetime.now(UTC).date()
        lines = [
            {"transaction_id": f"{number}-{back}", "customer": number, "amount": "2100.00", "currency": "EUR",
             "occurred_at": f"{today - timedelta(days=30 * back)}", "direction": "credit", "category": "salary"}
            for back in range(6, -1, -1)
        ]  # fmt: skip
        self.ask("channel", "POST", "/v1/transactions", content="\n".join(map(json.dumps, lines)).encode())
        give_up_at = time.monotonic() + PATIENCE
        while True:
            try:
                found = self.ask("analyst", "GET", f"/v1/customers/{number}")
            except httpx.HTTPStatusError:  # nothing was read of them yet
                found = {"portrait": None}
            if found["portrait"]:
                return found["id"]
            assert time.monotonic() < give_up_at, "the stream was not read in time"
            time.sleep(0.5)

    def call_for(self, person: str) -> str:
        """The collectors' task about this customer, once the episode's run has asked for it."""
        give_up_at = time.monotonic() + PATIENCE
        while True:
            waiting = self.ask("collector", "GET", "/v1/collector-tasks", params={"limit": 100})["data"]
            mine = [task["id"] for task in waiting if task["person_id"] == person]
            if mine:
                return mine[0]
            assert time.monotonic() < give_up_at, "no call was asked for in time"
            time.sleep(0.5)

    def submit(self, body: dict[str, Any], wait: int = 0) -> dict[str, Any]:
        headers = {"Idempotency-Key": quote(body["external_id"]), **({"Prefer": f"wait={wait}"} if wait else {})}
        return self.ask("channel", "POST", "/v1/applications", json=body, headers=headers)


@pytest.fixture(scope="module")
def live_stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    home = tmp_path_factory.mktemp("console-stack")
    version = ensure_trained(PRODUCT, Settings(home=home))[0]["version"]
    try:
        with pytest.MonkeyPatch.context() as changed:
            changed.setenv("PLIMSOLL_CONSOLE_REFRESH", str(REFRESH))
            for _ in local_stack.up(home, ports="auto"):
                pass
        found = local_stack.describe(home)
        keys = json.loads((home / "secrets" / "keys.json").read_text())
        stack = LiveStack(home, found["api"], found["console"], found["sandbox"], keys)
        # In a thread of its own: the tests here run a loop already.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, release(home, version)).result()
        bring_in_applicants(stack, *getattr(request.module, "APPLICANTS", ENOUGH))
        yield stack
    finally:
        local_stack.down(home)


@pytest.fixture(scope="module")
def another_version(live_stack: LiveStack) -> str:
    """A version beside the one that decides: trained, and so far nobody's word on it."""
    return live_stack.trained(QUICK)


async def release(home: Path, version: str) -> None:
    settings = Settings(home=home)
    async with open_ports(settings) as ports:
        await ensure_released(PRODUCT, version, ports, settings)


def bring_in_applicants(stack: LiveStack, applicants: int, referred: int) -> None:
    """Real people from the held-out part of the shipped set, until enough of them were referred."""
    held_out = SouthGerman(Settings().data_dir / "south_german").held_out()
    for applicant in held_out[:applicants]:
        stack.submit(applicant.body)
    give_up_at = time.monotonic() + PATIENCE
    while len(stack.queue()) < referred:
        assert time.monotonic() < give_up_at, "too few applicants were referred in time"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module only: while Playwright runs, no test in this thread can run a loop of its own."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person at one browser window."""

    page: Page
    stack: LiveStack
    outside: list[str]
    errors: list[str]
    role: str = ""  # of whoever came in last

    def come_in(self, role: str, then: str = "/") -> None:
        """With a session from the API, as whoever signed in before has one; `sign_in` goes through the door. Whoever
        is in already clicks on the menu: to load the console anew takes a browser two seconds of its processor."""
        if role == self.role and self._opened_from_the_menu(then):
            return
        self.role = role
        token = self.stack.ask(role, "POST", "/v1/sessions")["token"]
        port = urlsplit(self.stack.console).port
        self.page.context.add_cookies([{"name": f"plimsoll_{port}", "value": token, "url": self.stack.console}])
        self.go(then)

    def _opened_from_the_menu(self, path: str) -> bool:
        title = TITLES.get(path)
        link = self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
        if title is None or link.count() == 0:
            return False
        link.click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        return True

    def sign_in(self, role: str, then: str = "") -> None:
        """Through the door, whoever was in before."""
        self.page.context.clear_cookies()
        self.role = role
        self.page.goto(self.stack.console + (then or "/"))
        self.page.get_by_label("Your key").fill(self.stack.keys[role])
        self.page.get_by_role("button", name="Sign in").click()

    def go(self, path: str) -> None:
        self.page.goto(self.stack.console + path)

    def is_drawn(self) -> None:
        """The page has run to its end, so that whatever fails in it has failed."""
        expect(self.page.locator("[data-test-script-state=running]")).to_have_count(0)

    def shot(self, name: str) -> None:
        """Into the folder that PLIMSOLL_SHOTS names, if it names one."""
        self.is_drawn()
        if SHOTS:
            self.page.wait_for_timeout(700)  # charts draw after the text is there
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def window(live_stack: LiveStack, chromium: Browser) -> Iterator[list[Visit]]:
    """The one that is open, if any: kept from test to test, as people keep theirs from case to case."""
    kept: list[Visit] = []
    yield kept
    for visit in kept:
        visit.page.context.close()


@pytest.fixture
def visit(
    live_stack: LiveStack, chromium: Browser, window: list[Visit], request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """The module's window; a fresh one where `request.param` says "light" or "dark", and after a test that failed."""
    scheme = getattr(request, "param", None)
    if scheme or not window:
        window.append(a_window(live_stack, chromium, scheme or "light"))
    visit, failed = window[-1], request.session.testsfailed
    visit.outside.clear()
    visit.errors.clear()
    yield visit
    if scheme or request.session.testsfailed > failed:
        window.pop().page.context.close()


def a_window(stack: LiveStack, chromium: Browser, scheme: Literal["light", "dark"]) -> Visit:
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=scheme, timezone_id="Europe/Berlin",
        reduced_motion="reduce",  # what moves for the eye's sake is drawn by the processor here
    )  # fmt: skip
    context.set_default_timeout(20_000)
    # So that a test can cut the connection under a page, as a network does.
    context.add_init_script(
        "window.__sockets = []; const Plain = WebSocket;"
        "window.WebSocket = class extends Plain { constructor(...a) { super(...a); window.__sockets.push(this); } };"
    )
    visit = Visit(context.new_page(), stack, outside=[], errors=[])
    ours = (stack.console, stack.console.replace("http", "ws", 1), "data:", "blob:")
    visit.page.on("request", lambda sent: None if sent.url.startswith(ours) else visit.outside.append(sent.url))
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("console", lambda said: _note(visit, said))
    return visit


def _note(visit: Visit, said: Any) -> None:
    # Streamlit looks for its server below the page's own path first, and finds nothing there.
    if said.type == "error" and "404" not in said.text:
        visit.errors.append(said.text)
