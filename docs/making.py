"""Pages whose middle is made from the code: the text around the marks is written by hand and kept."""

import sys
from collections.abc import Callable
from pathlib import Path

BEGIN, END = "<!-- made from the code, from here -->", "<!-- to here -->"


def filled(page: Path, content: str) -> str:
    """The page with this content between its marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{content.strip()}\n\n{END}{after}"


def write_or_check(page: Path, content: Callable[[], str]) -> int:
    """Writes the page; with `--check` only says whether it is current."""
    wanted = filled(page, content())
    if "--check" not in sys.argv:
        page.write_text(wanted)
        return 0
    if page.read_text() == wanted:
        return 0
    print(f"{page.name} is not current: run `.venv/bin/python docs/make_{page.stem}.py`.", file=sys.stderr)
    return 1


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
