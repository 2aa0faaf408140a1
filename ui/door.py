"""The pages outside: sign-in, sign-out, and what is shown while the API is away. Plain HTML, no script."""

from html import escape
from string import Template

MARK = (
    '<svg viewBox="0 0 48 48" width="40" height="40" role="img" aria-label="Plimsoll">'
    '<circle cx="24" cy="24" r="13" fill="none" stroke="currentColor" stroke-width="4"/>'
    '<path d="M2 24h44" stroke="currentColor" stroke-width="4"/></svg>'
)

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48'%3E%3Ccircle cx='24' cy='24' "
    "r='13' fill='none' stroke='%230b5c7a' stroke-width='5'/%3E%3Cpath d='M2 24h44' stroke='%230b5c7a' "
    "stroke-width='5'/%3E%3C/svg%3E"
)

# Run by a page of the console when its session has ended; its digest is in the content policy.
GO_TO_THE_DOOR = (
    'window.location.assign("/sign-in?because=ended&next=" '
    "+ encodeURIComponent(window.location.pathname + window.location.search));"
)

REASONS = {
    "ended": "Your session has ended: sign in to go on. What you had typed is kept.",
    "left": "You are signed out.",
}

PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · Plimsoll</title><link rel="icon" href="$icon">
<style>
:root { color-scheme: light dark; --ground: #f4f7f8; --card: #ffffff; --ink: #14222b; --soft: #4a5a64;
  --line: #c9d4da; --accent: #0b5c7a; --accent-ink: #ffffff; --wrong: #9b1c1c; --wrong-ground: #fdecec; }
@media (prefers-color-scheme: dark) { :root { --ground: #10181d; --card: #18232a; --ink: #e8eef1; --soft: #a9b8c0;
  --line: #34444d; --accent: #7cc4de; --accent-ink: #06222e; --wrong: #ffb4ab; --wrong-ground: #41201d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { width: min(26rem, calc(100vw - 2rem)); background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; padding: 2rem; }
header { display: flex; align-items: center; gap: .75rem; color: var(--accent); margin-bottom: 1.25rem; }
h1 { font-size: 1.35rem; margin: 0; color: var(--ink); font-weight: 650; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input { width: 100%; font: inherit; padding: .6rem .7rem; border: 1px solid var(--soft); border-radius: 8px;
  background: var(--ground); color: var(--ink); }
button { margin-top: 1rem; width: 100%; font: inherit; font-weight: 600; padding: .6rem; border: 0; border-radius: 8px;
  background: var(--accent); color: var(--accent-ink); cursor: pointer; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
p { margin: 0 0 1rem; } .soft { color: var(--soft); font-size: .9rem; margin: 1rem 0 0; }
.said { background: var(--ground); border-radius: 8px; padding: .6rem .75rem; }
.wrong { color: var(--wrong); background: var(--wrong-ground); }
code { font: .85em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
a { color: var(--accent); }
</style></head><body><main><header>$mark<h1>$title</h1></header>
$body</main></body></html>
""")


def sign_in_page(wanted: str, said: str | None, keys: str | None) -> str:
    kind = 'class="said" role="status"' if said in REASONS.values() else 'class="said wrong" role="alert"'
    note = f"<p {kind}>{escape(said)}</p>" if said else ""
    where = (
        f'<p class="soft">The keys of this machine, one per role, are in<br><code>{escape(keys)}</code></p>'
        if keys
        else '<p class="soft">No key? An admin makes one with <code>plimsoll key create</code>.</p>'
    )
    body = f"""{note}<form method="post" action="/sign-in">
<label for="key">Your key</label>
<input id="key" name="key" type="password" autocomplete="current-password" spellcheck="false" required autofocus
 placeholder="plk_…">
<input type="hidden" name="next" value="{escape(wanted)}">
<button type="submit">Sign in</button></form>{where}"""
    return _page("Sign in to Plimsoll", body)


def sign_out_page() -> str:
    body = """<p>This ends your session on every tab.</p>
<form method="post" action="/sign-out"><button type="submit" autofocus>Sign out</button></form>
<p class="soft"><a href="/queue">Stay signed in</a></p>"""
    return _page("Sign out", body)


def away_page(sentence: str) -> str:
    body = f"""<p class="said wrong" role="alert">{escape(sentence)}</p>
<p class="soft"><a href="">Try again</a></p>"""
    return _page("The console cannot work now", body)


def _page(title: str, body: str) -> str:
    return PAGE.substitute(title=title, icon=ICON, mark=MARK, body=body)
