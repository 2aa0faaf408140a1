"""`watch/contact_rules.toml`: when, how often and on which channel people may be reached."""

from pathlib import Path

from plimsoll.adapters.watch_files.reading import WatchFile
from plimsoll.domain.outreach.rules import ContactRules


def contact_rules(*folders: Path) -> WatchFile[ContactRules]:
    return WatchFile(ContactRules, "contact_rules.toml", *folders)
