"""Versions of models as pages name them, and those that a release or an experiment may begin with."""

from ui import session
from ui.backend import Json

FEWEST_LETTERS = 3  # of a reason
NONE_READY = "No approved version waits to be tried: one is proposed and approved on the page Models."


def called(model: Json) -> str:
    return f"{model['name']}@{model['version']}"


def approved() -> list[Json]:
    """Approved by somebody, and not the one that decides already. The newest first."""
    found = session.backend().models()["data"]
    return [model for model in found if model["state"] == "approved" and model["role"] != "champion"]
