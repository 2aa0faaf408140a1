"""A source of evidence that lives in the test, keeps keys like a real one, and fails when told to."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.errors import OutcomeUnknown
from plimsoll.domain.underwriting.evidence import Answer, Inquiry, Recovery

AS_OF = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


class FakeEvidenceSource:
    """Answers `summary` to everybody, or what `answers` holds for a reference.

    `fail_with(error)` makes the next calls fail before anything is done; `lose_the_answer(error)`
    does the work, keeps the answer and then fails, as when a connection breaks on the way back.
    """

    def __init__(
        self,
        name: str = "bureau",
        recovery: Recovery = Recovery.QUERYABLE,
        summary: dict[str, Any] | None = None,
        answers: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.recovery = recovery
        self.pulled: list[Inquiry] = []
        self.fresh: Counter[str] = Counter()  # work done, by reference
        self._summary = summary if summary is not None else {"no_file": False}
        self._answers = answers or {}
        self._kept: dict[str, Answer] = {}
        self._failures: list[tuple[Exception, bool]] = []

    def fail_with(self, error: Exception, times: int = 1) -> None:
        self._failures += [(error, False)] * times

    def lose_the_answer(self, error: Exception, times: int = 1) -> None:
        self._failures += [(error, True)] * times

    async def pull(self, inquiry: Inquiry) -> Answer:
        self.pulled.append(inquiry)
        error, works = self._failures.pop(0) if self._failures else (None, True)
        answer = self._answer(inquiry) if works else None
        if error:
            raise error
        assert answer is not None
        return answer

    async def recall(self, inquiry: Inquiry) -> Answer | None:
        if self.recovery is not Recovery.QUERYABLE:
            raise OutcomeUnknown(f"{self.name} cannot be asked what became of a call", source=self.name)
        kept = self._kept.get(inquiry.key)
        return kept and kept.model_copy(update={"repeated": True})

    def _answer(self, inquiry: Inquiry) -> Answer:
        kept = self._kept.get(inquiry.key)
        if kept and self.recovery is not Recovery.NEITHER:
            return kept.model_copy(update={"repeated": True})
        self.fresh[inquiry.subject.reference] += 1
        answer = self._fresh_answer(inquiry)
        self._kept[inquiry.key] = answer
        return answer

    def _fresh_answer(self, inquiry: Inquiry) -> Answer:
        summary = self._answers.get(inquiry.subject.reference, self._summary)
        return Answer(source=self.name, raw=json.dumps(summary).encode(), summary=summary, as_of=AS_OF)
