"""Facts: the flat, typed view of one application that rules and models may read.

Protected fields (names, birth dates, sex, marital status…) never get in here; age appears
only where contract capacity is judged.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from plimsoll.domain.values import Value


class Stage(StrEnum):
    SCREEN = "screen"  # only what the applicant declared
    DECIDE = "decide"  # with evidence and score


class Ask(Value):
    """What is asked for: an amount and a term."""

    amount: Decimal
    term_months: int


class Facts(Value):
    """One application as of one moment. `values` is nested: request, applicant, financial, evidence…

    Numbers are int or float (rules and models compare them); money stays Decimal elsewhere.
    """

    values: dict[str, Any]

    def read(self, path: str) -> Any:
        """The value at a dotted path, None when any part of it is absent."""
        found: Any = self.values
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                return None
            found = found[part]
        return found

    def with_values(self, **sections: dict[str, Any]) -> "Facts":
        return Facts(values={**self.values, **sections})
