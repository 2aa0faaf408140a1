"""What is wrong with data before anybody learns from it."""

from enum import StrEnum


class KnownAt(StrEnum):
    """When a column's value was first known, against the decision it is to inform."""

    APPLICATION = "application"
    DECISION = "decision"
    AFTER = "after_decision"
