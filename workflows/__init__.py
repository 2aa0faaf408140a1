"""Workflows: they say when. One file each, `run` first."""

from collections.abc import Sequence

from workflows import names
from workflows.underwrite_application import UnderwriteApplication

_ON = {names.DECISIONS: [UnderwriteApplication]}


def workflows_on(queue: str) -> Sequence[type]:
    """Which workflow is hosted on which queue."""
    return _ON.get(queue, [])
