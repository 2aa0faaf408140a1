"""Pictures of the console's main pages in `docs/screens/`, taken of the stack that runs: `make demo` first.

Small on purpose: a palette is enough for a page of a console, and pictures stay in the repository for good.
`python docs/make_screenshots.py case queue` takes these alone.
"""

import io
import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from plimsoll.local import stack
from plimsoll.settings import Settings, load_settings

SCREENS = Path(__file__).resolve().parent / "screens"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SIZE = {"width": 1280, "height": 800}
COLOURS = 96
PATIENCE = 60_000

# What is taken: name, who looks, which page, what must be there before.
SHOTS = (
    ("overview", "analyst", "/overview", "Applications"),
    ("queue", "senior_reviewer", "/queue", "First answer due"),
    ("case", "reviewer", "/case?id={mine}", "Save verdict"),
    ("trace", "auditor", "/trace?id={decided}", "Proof"),
    ("workflows", "admin", "/workflows?status=Decided", "Waits on"),
    ("policies", "analyst", "/policies", "Price and limits"),
    ("models", "model_owner", "/models", "Champion"),
    ("customers", "collector", "/customers", "Why"),
    ("customer", "collector", "/customers?id={customer}", "Their own rhythm"),
    ("interventions", "collector", "/interventions", "Triggers"),
    ("audit", "auditor", "/audit", "looked at"),
)
DARK = ("overview", "audit")


def main(only: Sequence[str] = ()) -> int:
    settings = load_settings()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("No chromium here: apt-get install chromium.", file=sys.stderr)
        return 5
    try:
        found = stack.describe(settings.home_dir)
        keys = json.loads((settings.secrets / "keys.json").read_text())
        known = _known(settings, keys)
    except (OSError, httpx.HTTPError, LookupError):
        print("No stack with a demo runs under PLIMSOLL_HOME: `make demo` first.", file=sys.stderr)
        return 5
    SCREENS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, role, path, sign in (shot for shot in SHOTS if not only or shot[0] in only):
            for scheme in ("light", "dark") if name in DARK else ("light",):
                _taken(browser, found["console"], keys[role], path.format(**known), sign, name, scheme)
        browser.close()
    return 0


def _known(settings: Settings, keys: dict[str, str]) -> dict[str, str]:
    """A case the reviewer holds, one that is decided, and the customer at the highest risk. Raises LookupError."""
    with httpx.Client(base_url=settings.api, trust_env=False) as api:
        as_role = {role: {"Authorization": f"Bearer {key}"} for role, key in keys.items()}

        def first(path: str, role: str = "analyst", **asked: Any) -> dict[str, Any]:
            answer = api.get(path, params={"limit": 1, **asked}, headers=as_role[role])
            return answer.raise_for_status().json()["data"][0]

        def in_hand() -> dict[str, Any]:
            """As it is while somebody works on it; what they hold already, when this is done twice."""
            for whose in ("mine", "free"):
                with suppress(LookupError):
                    task = first("/v1/reviews", "reviewer", held=whose)
                    api.post(f"/v1/reviews/{task['id']}/claim", headers=as_role["reviewer"]).raise_for_status()
                    return task
            raise LookupError("no case waits")

        return {
            "mine": in_hand()["application_id"],
            "decided": first("/v1/applications", outcome="decline")["id"],
            "customer": first("/v1/customers")["id"],
        }


def _taken(browser: Browser, console: str, key: str, path: str, sign: str, name: str, scheme: str) -> None:
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, timezone_id="Europe/Berlin")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(console + path)
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(sign).first).to_be_visible(timeout=PATIENCE)
    _settled(page)
    place = SCREENS / f"{name}{'-dark' if scheme == 'dark' else ''}.png"
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(place, optimize=True)
    print(f"{place.relative_to(SCREENS.parent.parent)}  {place.stat().st_size // 1024} KiB")
    context.close()


def _settled(page: Page) -> None:
    """The script ran to its end and every chart is drawn."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
