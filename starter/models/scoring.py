"""Scores asked for without a case: checked, gathered into small batches, scored, logged, answered.

A model costs little more for thirty rows than for one, and a commit costs the same, so whoever
asks while a batch is under way goes with the next one: in quiet times that is nobody, and the
busier it gets the less each question costs. Nobody is answered before the log has it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.models.asking import Answered, Asked, misfits, must_fit, refuse, warnings_about
from plimsoll.domain.models.calibration import corrected
from plimsoll.domain.models.features import columns_of
from plimsoll.domain.models.scoring import ModelPin
from plimsoll.domain.underwriting.product import Product
from plimsoll.domain.underwriting.reasons import score_reasons
from plimsoll.ports import ColumnScorer, LiveModels, PredictionAsked, PredictionLog, Products

MOST_AT_ONCE = 256  # questions in one batch
MOST_NAMED = 500  # problems of a table that are told at once


@dataclass(frozen=True)
class Question:
    """One question with the model that answers it."""

    logged: PredictionAsked
    pin: ModelPin
    product: Product

    @property
    def asked(self) -> Asked:
        return self.logged.asked


class ScoringDesk:
    """Raises FieldsInvalid, NotFound (product), ModelUnavailable; Unavailable when the log cannot have it."""

    def __init__(self, products: Products, live: LiveModels, scorer: ColumnScorer, log: PredictionLog) -> None:
        self._products = products
        self._live = live
        self._scorer = scorer
        self._log = log
        self._waiting: list[tuple[Question, asyncio.Future[Answered]]] = []
        self._driver: asyncio.Task[None] | None = None

    async def score(self, asked: Asked, actor: str, request: str) -> Answered:
        question = await self._question(asked, "api", actor, request)
        must_fit(self._scorer.features(question.pin), asked.features)
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        return await answer

    async def score_rows(self, rows: Sequence[Asked], actor: str, request: str) -> list[Answered]:
        """A table of questions; rows that do not fit refuse them all, each named."""
        questions = [await self._question(row, "batch", actor, request) for row in rows]
        refuse(
            [
                problem
                for place, question in enumerate(questions)
                for problem in misfits(
                    self._scorer.features(question.pin), question.asked.features, f"rows[{place}].features"
                )
            ][:MOST_NAMED]
        )
        return await self._answer(questions)

    async def _question(self, asked: Asked, kind: str, actor: str, request: str) -> Question:
        product = self._products.get(asked.product)
        lineup = await self._live.lineup(product.model)
        pin = lineup.must_have_champion() if asked.subject is None else lineup.assigned(asked.subject)
        logged = PredictionAsked(asked=asked, kind=kind, actor=actor, request=request)
        return Question(logged=logged, pin=pin, product=product)

    async def _drive(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            try:
                answers = await self._answer([question for question, _ in batch])
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # whoever asked may have hung up
                    future.set_result(answer)

    async def _answer(self, questions: Sequence[Question]) -> list[Answered]:
        began = time.perf_counter()
        answers = await asyncio.to_thread(self._scored, questions)
        took = (time.perf_counter() - began) * 1000
        await self._log.log([question.logged for question in questions], answers, took, datetime.now(UTC))
        return answers

    def _scored(self, questions: Sequence[Question]) -> list[Answered]:
        """Each model once, over all its rows; answers in the order of the questions."""
        answers: dict[int, Answered] = {}
        for digest in dict.fromkeys(question.pin.digest for question in questions):
            places = [place for place, question in enumerate(questions) if question.pin.digest == digest]
            scored = self._scored_by_one([questions[place] for place in places])
            answers.update(zip(places, scored, strict=True))
        return [answers[place] for place in range(len(questions))]

    def _scored_by_one(self, questions: Sequence[Question]) -> list[Answered]:
        pin = questions[0].pin
        features, ranges = self._scorer.features(pin), self._scorer.ranges(pin)
        columns = columns_of(features, (question.asked.features for question in questions))
        probabilities = self._scorer.probabilities(pin, columns)
        wanted = [place for place, question in enumerate(questions) if question.asked.reasons]
        shares = self._contributions(pin, columns, wanted)
        return [
            _answered(
                question,
                float(probabilities[place]),
                shares.get(place),
                warnings_about(features, question.asked.features, ranges),
            )
            for place, question in enumerate(questions)
        ]

    def _contributions(self, pin: ModelPin, columns: dict[str, Any], wanted: list[int]) -> dict[int, dict[str, float]]:
        if not wanted:
            return {}
        names = [spec.name for spec in self._scorer.features(pin)]
        rows = self._scorer.contributions(pin, {name: values[wanted] for name, values in columns.items()})
        return {place: dict(zip(names, map(float, row), strict=True)) for place, row in zip(wanted, rows, strict=True)}


def _answered(
    question: Question, sample: float, contributions: dict[str, float] | None, warnings: tuple[str, ...]
) -> Answered:
    risk, given = question.product.risk, question.asked.features
    return Answered(
        model=question.pin,
        sample_probability=sample,
        probability_of_default=corrected(sample, risk.sample_bad_rate, risk.portfolio_bad_rate),
        reasons=() if contributions is None else score_reasons(question.product, contributions, given),
        warnings=warnings,
    )
