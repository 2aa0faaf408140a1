"""What leaves the console as a file: marked with a number of its own, and on record before it is handed out."""

import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from ui import paper, printing
from ui.backend import Backend, Json
from ui.paper import Sheet

COPY = {"en": "Copy", "de": "Kopie"}


def for_an_auditor(backend: Backend, found: Json, proof: Json | None, who: str, zone: tzinfo) -> bytes:
    """Raises Problem when it cannot be put on record: then nobody gets it."""
    mark = new_mark()
    sheet = marked(paper.for_an_auditor(found, proof, who, datetime.now(UTC), zone), mark)
    return _noted(backend, found, "auditor", mark, printing.one_page(sheet))


def for_the_applicant(backend: Backend, found: Json, zone: tzinfo) -> bytes:
    """Raises Problem, likewise."""
    mark = new_mark()
    return _noted(
        backend, found, "applicant", mark, printing.as_letter(marked(paper.for_the_applicant(found, zone), mark))
    )


def new_mark() -> str:
    """Short enough to be read out on the phone."""
    drawn = secrets.token_hex(5).upper()
    return f"{drawn[:5]}-{drawn[5:]}"


def marked(sheet: Sheet, mark: str) -> Sheet:
    return replace(sheet, foot=f"{sheet.foot} {COPY[sheet.language]} {mark}.")


def _noted(backend: Backend, found: Json, form: str, mark: str, content: bytes) -> bytes:
    backend.note_copy(found["id"], form, mark, hashlib.sha256(content).hexdigest())
    return content
