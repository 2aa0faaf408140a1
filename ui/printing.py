"""Sheets as PDF. A sheet for the record is one page: what does not fit is set smaller, and last, cut with a word."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ui.paper import Sheet

SIZES = (9.0, 8.0, 7.0, 6.0)  # points; the last one still reads on paper
MARGIN = 15
LABEL_WIDTH = 38  # millimetres
CUT = "More is in the trace on screen: it did not fit on one page."


def one_page(sheet: Sheet) -> bytes:
    """In the largest type that fits; at worst so many lines as one page takes."""
    for size in SIZES:
        page, lines = _set(sheet, size, pages=1)
        if page.page_no() == 1:
            return bytes(page.output())
    while page.page_no() > 1 and lines:
        page, lines = _set(sheet, SIZES[-1], pages=1, most=lines - 1)
    return bytes(page.output())


def as_letter(sheet: Sheet) -> bytes:
    """In type for everybody, on as many pages as it takes."""
    return bytes(_set(sheet, 12.0)[0].output())


def _set(sheet: Sheet, size: float, pages: int | None = None, most: int | None = None) -> tuple[Any, int]:
    """The paper and how many lines are on it; no more than `most`, and none once so many pages are full."""
    page, lines = _paper(sheet, size), 0
    page.set_font("sans", "B", size * 1.6)
    page.multi_cell(0, size * 0.75, sheet.title, new_x="LMARGIN", new_y="NEXT")
    page.set_font("sans", "", size)
    page.multi_cell(0, size * 0.5, sheet.subtitle, new_x="LMARGIN", new_y="NEXT")
    for section in sheet.sections:
        _heading(page, section.title, size)
        for label, text in (*section.pairs, *((None, sentence) for sentence in section.sentences)):
            if lines == most:
                page.multi_cell(0, size * 0.5, CUT, new_x="LMARGIN", new_y="NEXT")
                return page, lines
            if pages and page.page_no() > pages:
                return page, lines
            _line(page, label, text, size)
            lines += 1
    return page, lines


def _heading(page: Any, title: str, size: float) -> None:
    page.ln(size * 0.22)
    page.set_font("sans", "B", size * 1.1)
    page.cell(0, size * 0.55, title, new_x="LMARGIN", new_y="NEXT")
    page.set_font("sans", "", size)


def _line(page: Any, label: str | None, text: str, size: float) -> None:
    if label is not None:
        page.set_text_color(80)
        page.cell(LABEL_WIDTH, size * 0.47, _short(label))
        page.set_text_color(0)
    page.multi_cell(0, size * 0.47, text, new_x="LMARGIN", new_y="NEXT", align="L")


def _paper(sheet: Sheet, size: float) -> Any:
    from fpdf import FPDF  # slow to import, and needed by nobody who prints nothing

    class Paper(FPDF):
        def footer(self) -> None:
            self.set_y(-MARGIN + 2)
            self.set_font("sans", "", 7)
            self.set_text_color(80)
            self.cell(0, 5, sheet.foot)

    page = Paper(format="A4")
    page.set_title(sheet.title)
    page.set_creator("Plimsoll")
    page.set_lang(sheet.language)
    page.set_margin(MARGIN)
    page.set_auto_page_break(True, MARGIN)
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        page.add_font("sans", style, _fonts() / name)
    page.add_page()
    return page


def _fonts() -> Path:
    """The fonts matplotlib brings: they know most scripts, where a PDF's own know Western Europe's alone."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _short(label: str) -> str:
    return label if len(label) <= 24 else label[:23] + "…"
