"""`watch/signals.toml`: which events matter, from what on a customer is at risk, and how that is said."""

from pathlib import Path

from plimsoll.adapters.watch_files.reading import WatchFile
from plimsoll.domain.watching.policy import WatchPolicy

NAME = "signals.toml"


def signals_file(*folders: Path) -> WatchFile[WatchPolicy]:
    """The first of these folders that has one: a lender's own comes before the shipped."""
    return WatchFile(WatchPolicy, NAME, *folders)
