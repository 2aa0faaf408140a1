"""The pages of drift reports as files: drawn in a process of their own, the newest of each product kept."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from plimsoll.domain.errors import NotFound, Unavailable
from plimsoll.domain.monitoring.drift import Drift

KEPT = 100  # of each product; a page is a megabyte, the figures in Postgres stay
PATIENCE = 300.0  # seconds
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}/drf_[0-9a-z]{26}\.html\.gz")


class PageNotDrawn(Unavailable):
    code = "page_not_drawn"


class PageFolder:
    """`<home>/reports/drift/<product>/<report>.html.gz`"""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draw(self, report: str, product: str, drift: Drift, title: str, remarks: Sequence[str]) -> tuple[str, str]:
        """Name and digest of the page. Raises PageNotDrawn.

        In a process of its own: Evidently needs seconds of CPU and 300 MiB, which a worker that
        decides applications must not owe, and a library that breaks must not cost the check.
        """
        asked = json.dumps({"drift": drift.model_dump(mode="json"), "title": title, "remarks": list(remarks)})
        return self.keep(report, product, _drawn_apart(asked))

    def keep(self, report: str, product: str, page: bytes) -> tuple[str, str]:
        name = f"{product}/{report}.html.gz"
        packed = gzip.compress(page, mtime=0)
        place = self._folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", delete=False) as beside:
            beside.write(packed)
        os.replace(beside.name, place)
        for old in sorted(place.parent.glob("drf_*.html.gz"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return name, hashlib.sha256(packed).hexdigest()

    def read(self, name: str | None, digest: str | None) -> bytes:
        """Raises NotFound when there is none (any more), Unavailable when it is not what was drawn."""
        if not name or not NAME.fullmatch(name) or not (self._folder / name).is_file():
            raise NotFound("This report has no page here: only the newest are kept. Its figures are in the report.")
        packed = (self._folder / name).read_bytes()
        if hashlib.sha256(packed).hexdigest() != digest:
            raise Unavailable("The page of this report was changed after it was drawn: it is not shown.")
        return gzip.decompress(packed)


def _drawn_apart(asked: str) -> bytes:
    environment = {**os.environ, "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            ["nice", "-n", "10", sys.executable, "-m", "plimsoll.adapters.reports.evidently"],
            input=asked.encode(), capture_output=True, timeout=PATIENCE, env=environment, check=True,
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        raise PageNotDrawn(f"The page of this report could not be drawn ({type(error).__name__}).") from error
    return done.stdout
