"""Sheets as PDF. A sheet for the record is one page: what does not fit is set smaller, and last, cut with a word."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ui.paper import Section, Sheet

SIZES = (9.0, 8.0, 7.0, 6.0)  # points; the last one still reads on paper
MARGIN = 15
LABEL_WIDTH = 38  # millimetres
CUT = "More is in the trace on screen: it did not fit on one page."


def one_page(sheet: Sheet) -> bytes:
    """In the largest type that fits."""
    for size in SIZES:
        made = _set(sheet, size)
        if made.page_no() == 1:
            return bytes(made.output())
    return bytes(_cut(sheet, SIZES[-1]).output())


def as_letter(sheet: Sheet) -> bytes:
    """In type for everybody, on as many pages as it takes."""
    return bytes(_set(sheet, 12.0).output())


def _set(sheet: Sheet, size: float, most: int | None = None) -> Any:
    page = _paper(sheet, size)
    page.set_font("sans", "B", size * 1.6)
    page.multi_cell(0, size * 0.75, sheet.title, new_x="LMARGIN", new_y="NEXT")
    page.set_font("sans", "", size)
    page.multi_cell(0, size * 0.5, sheet.subtitle, new_x="LMARGIN", new_y="NEXT")
    left = most
    for section in sheet.sections:
        left = _section(page, section, size, left)
        if left == 0:
            page.multi_cell(0, size * 0.5, CUT, new_x="LMARGIN", new_y="NEXT")
            break
    return page


def _section(page: Any, section: Section, size: float, left: int | None) -> int | None:
    page.ln(size * 0.22)
    page.set_font("sans", "B", size * 1.1)
    page.cell(0, size * 0.55, section.title, new_x="LMARGIN", new_y="NEXT")
    page.set_font("sans", "", size)
    lines = [*section.pairs, *((None, sentence) for sentence in section.sentences)]
    for label, text in lines[:left]:
        if label is not None:
            page.set_text_color(80)
            page.cell(LABEL_WIDTH, size * 0.47, _short(label))
            page.set_text_color(0)
        page.multi_cell(0, size * 0.47, text, new_x="LMARGIN", new_y="NEXT", align="L")
    return None if left is None else max(0, left - len(lines))


def _cut(sheet: Sheet, size: float) -> Any:
    """As many lines as one page takes."""
    fits, too_many = 0, sum(len(s.pairs) + len(s.sentences) for s in sheet.sections)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _set(sheet, size, middle).page_no() == 1:
            fits = middle
        else:
            too_many = middle
    return _set(sheet, size, max(fits, 1))


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
