"""Pulling evidence: at most one fresh inquiry per application, round and source, whatever crashes."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from temporalio import activity

from activities.failures import reported_to_temporal
from activities.messages import Pull, Step
from plimsoll.domain.errors import OutcomeUnknown, SourceBusy, SourceUnavailable, WrongPerson
from plimsoll.domain.underwriting.case import Case, EvidenceRecord
from plimsoll.domain.underwriting.evidence import Answer, EvidenceState, Inquiry, Recovery
from plimsoll.domain.underwriting.product import Lane, Product, SourceTerms
from plimsoll.faultpoints import faultpoints
from plimsoll.ports import CaseworkStore, EvidenceSource, Products, SourceGatekeeper, StepRun


class Evidence:
    def __init__(
        self,
        casework: CaseworkStore,
        products: Products,
        sources: Mapping[str, EvidenceSource],
        gate: SourceGatekeeper,
    ) -> None:
        self._casework = casework
        self._products = products
        self._sources = sources
        self._gate = gate

    @activity.defn(name="pull")
    async def pull(self, pull: Pull) -> None:
        """One source, once more. Raises what time can heal, so that Temporal tries again while patience lasts."""
        with reported_to_temporal():
            case = await self._casework.load(pull.case.application)
            if not case.status.closed:
                terms = self._products.get(case.product).source(pull.source.name)
                await self.pull_one(case, terms, pull.now, pull.lane)

    @activity.defn(name="give_up")
    async def give_up(self, pull: Pull) -> None:
        """Patience with this source is over: the product's own rule takes it from here."""
        with reported_to_temporal():
            case = await self._casework.load(pull.case.application)
            terms = self._products.get(case.product).source(pull.source.name)
            await self._give_up(case, terms, "patience_over", pull.now, StepRun(step="give_up", lane=pull.lane))

    async def pull_all(self, case: Case, product: Product, step: Step) -> Case:
        """Every source of the product side by side; what was answered before is not asked again.

        Raises the first error only after all siblings have ended, so that no answer is lost.
        """
        missing = [terms for terms in product.sources if case.asked(terms.name) is None and case.may_ask(terms)]
        sent = await self._send(case, missing, step.now)
        results = await asyncio.gather(
            *(self.pull_one(case, terms, step.now, step.lane, sent.get(terms.name)) for terms in product.sources),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
            case = case.with_record(result)
        return case

    async def pull_one(
        self, case: Case, terms: SourceTerms, now: datetime, lane: Lane, sent: EvidenceRecord | None = None
    ) -> EvidenceRecord:
        """Brings one inquiry to its end, or raises what stands in the way.

        `sent` is a row this very call has just marked as sent; any other row found in that state
        belongs to a call whose fate nobody knows.
        """
        record = sent or case.asked(terms.name)
        if record is not None and record.state.settled:
            return record
        run = StepRun(step="pull", lane=lane)
        if record is None and not case.may_ask(terms):
            return await self._without_consent(case, terms, now, run)
        source, inquiry_of = self._sources[terms.name], self._inquiry(case, terms)
        if sent is not None:
            return await self._call(case, sent, source, inquiry_of(sent), terms.timeout, now, run)
        if record is not None and record.state is EvidenceState.SENT:
            return await self._recover(case, record, source, inquiry_of(record), terms, now, run)
        fresh = (await self._send(case, [terms], now)).get(terms.name)
        if fresh is None:  # another worker was faster: its row counts
            stored = (await self._casework.load(case.application)).asked(terms.name)
            if stored is not None and stored.state.settled:
                return stored
            raise SourceUnavailable(f"{terms.name} is being asked by another worker.", kind="in_flight")
        return await self._call(case, fresh, source, inquiry_of(fresh), terms.timeout, now, run)

    async def _without_consent(self, case: Case, terms: SourceTerms, now: datetime, run: StepRun) -> EvidenceRecord:
        """Nobody allowed this inquiry, so it is not made: the source counts as missing."""
        return await self._give_up(case, terms, "no_consent", now, run.ended("blocked", "no_consent"))

    async def _give_up(self, case: Case, terms: SourceTerms, why: str, now: datetime, run: StepRun) -> EvidenceRecord:
        record = case.asked(terms.name)
        if record is None:
            await self._casework.reserve(case, terms, now, why)
            record = (await self._casework.load(case.application)).asked(terms.name)
            assert record is not None
        if record.state.settled:
            return record
        return await self._casework.settle_without_answer(case, record, EvidenceState.GIVEN_UP, now, run)

    async def _send(self, case: Case, sources: Sequence[SourceTerms], now: datetime) -> dict[str, EvidenceRecord]:
        """Marks as sent, in one write, every source its gate lets through."""
        permitted = []
        for terms in sources:
            try:
                await self._gate.permit(terms.name, terms.rate_per_second)
                permitted.append(terms)
            except (SourceUnavailable, SourceBusy) as refusal:
                await self._casework.reserve(case, terms, now, refusal.code)
                if len(sources) == 1:
                    raise
        return await self._casework.send(case, permitted, now) if permitted else {}

    async def _recover(
        self,
        case: Case,
        record: EvidenceRecord,
        source: EvidenceSource,
        inquiry: Inquiry,
        terms: SourceTerms,
        now: datetime,
        run: StepRun,
    ) -> EvidenceRecord:
        """A call went out and nobody knows what became of it (crash, timeout)."""
        if terms.recovery is Recovery.NEITHER:
            return await self._casework.settle_without_answer(
                case, record, EvidenceState.UNKNOWN, now, run.ended("blocked", OutcomeUnknown.code)
            )
        await self._gate.permit(terms.name, terms.rate_per_second)
        if terms.recovery is Recovery.QUERYABLE:
            try:
                answer = await source.recall(inquiry)
            except (SourceUnavailable, SourceBusy) as failure:
                await self._blocked(case, record, failure, now, run)
                raise
            if answer is not None:
                await self._gate.succeeded(record.source)
                return await self._casework.answered(case, record, answer, now, run)
        await self._casework.resend(record, now)
        return await self._call(case, record, source, inquiry, terms.timeout, now, run)

    async def _call(
        self,
        case: Case,
        record: EvidenceRecord,
        source: EvidenceSource,
        inquiry: Inquiry,
        timeout: float,
        now: datetime,
        run: StepRun,
    ) -> EvidenceRecord:
        try:
            answer = await _within(timeout, source, inquiry)
        except WrongPerson as mistake:
            return await self._casework.settle_without_answer(
                case, record, EvidenceState.MISMATCH, now, run.ended("blocked", mistake.code)
            )
        except (SourceUnavailable, SourceBusy) as failure:
            await self._blocked(case, record, failure, now, run)
            raise
        await self._gate.succeeded(record.source)
        return await self._casework.answered(case, record, answer, now, run)

    async def _blocked(
        self,
        case: Case,
        record: EvidenceRecord,
        failure: SourceUnavailable | SourceBusy,
        now: datetime,
        run: StepRun,
    ) -> None:
        busy = isinstance(failure, SourceBusy)
        if not busy:
            await self._gate.failed(record.source)
        kind = str(failure.details.get("kind", failure.code))
        arrived = not busy and bool(failure.details.get("sent", True))
        await self._casework.blocked(case, record, kind, arrived, now, run.ended("blocked", kind))

    def _inquiry(self, case: Case, terms: SourceTerms):
        consent = case.consent_for(terms.name, terms.purpose)

        def inquiry(record: EvidenceRecord) -> Inquiry:
            return Inquiry(
                key=record.id,
                source=terms.name,
                purpose=terms.purpose,
                subject=case.subject,
                consent=consent.get("reference") if consent else None,
            )

        return inquiry


@faultpoints("ask")
async def _within(seconds: float, source: EvidenceSource, inquiry: Inquiry) -> Answer:
    """The source's answer inside the product's time limit for one call."""
    try:
        async with asyncio.timeout(seconds):
            return await source.pull(inquiry)
    except TimeoutError:
        raise SourceUnavailable(f"{source.name} did not answer within {seconds:g} s.", kind="timeout") from None
