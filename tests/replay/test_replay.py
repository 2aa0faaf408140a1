"""Recorded runs replay on today's workflow code (F20): what is under way today must survive tomorrow's release.

No server is needed. A red test here means that a run under way would break. Never re-record to
make it pass: keep the old order behind `workflow.patched("what-changed")`, record the new way
under a new name (`python -m tests.replay.record NAME`), and keep the old history.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from activities.messages import CaseRef, Ending, Progress
from activities.policy import Policy
from activities.scoring import Scoring
from workflows import names, workflows_on
from workflows.underwrite_application import UnderwriteApplication

HERE = Path(__file__).parent
RECORDED = sorted((HERE / "histories").glob("*.json"))
FINGERPRINTS = HERE / "fingerprints.txt"
HOW_TO_PATCH = (
    "The commands of a recorded run changed, so runs under way would break. Put the old order in the else-branch of "
    '`if workflow.patched("what-changed")`, record the new way under a new name with '
    "`python -m tests.replay.record NAME`, and add its line to fingerprints.txt. Never re-record an old history."
)


def the_history(name: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(name, (HERE / "histories" / f"{name}.json").read_text())


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_a_recorded_run_replays_on_todays_code(file: Path):
    every = [kind for queue in names.QUEUES for kind in workflows_on(queue)]
    replayer = Replayer(workflows=every, data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(the_history(file.stem), raise_on_replay_failure=False)
    assert result.replay_failure is None, f"{HOW_TO_PATCH}\n{result.replay_failure}"


def test_the_commands_of_each_recorded_run_are_the_committed_ones():
    found = "".join(f"{line}\n" for file in RECORDED for line in fingerprint(file.stem))
    assert found == FINGERPRINTS.read_text(), HOW_TO_PATCH


@pytest.mark.parametrize(
    "kind",
    [
        "express", "stepwise", "review_answered", "review_expired", "withdrawn_in_review",
        "rollout_promoted", "rollout_rolled_back", "rollout_paused_and_resumed",
        "training_done", "training_stopped", "training_given_up",
        "intervention_in_silence", "intervention_answered", "intervention_level_rose", "intervention_promise_broken",
        "intervention_barred", "intervention_gateway_down", "intervention_held_out", "sweep",
        "retraining_challenger", "retraining_rejected", "retraining_without_hold_out", "retraining_stopped",
        "retraining_asked_for", "feed_synced", "drift_quiet", "drift_told_in_the_morning", "drift_told_to_nobody",
    ],
)  # fmt: skip
def test_every_way_a_run_can_go_has_a_recording(kind: str):
    assert kind in {file.stem for file in RECORDED}


@workflow.defn(name="UnderwriteApplication")
class Reordered(UnderwriteApplication):
    """What a careless change looks like: the score before the evidence."""

    @workflow.init
    def __init__(self, case: CaseRef) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: CaseRef) -> Ending:
        return await super().run(case)

    async def _step_by_step(self) -> Progress:
        progress = await self._do(Policy.screen)
        await self._do(Scoring.score)
        await self._pull_all(progress.to_pull)
        return progress


@workflow.defn(name="UnderwriteApplication")
class Hasty(UnderwriteApplication):
    """Another: nobody is asked any more."""

    @workflow.init
    def __init__(self, case: CaseRef) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: CaseRef) -> Ending:
        return await super().run(case)

    async def _ask_a_person(self) -> Progress:
        return Progress(closed=True)


@pytest.mark.parametrize(
    ("careless", "name"), [(Reordered, "stepwise"), (Reordered, "stepwise_source_down"), (Hasty, "review_answered")]
)
async def test_a_reordered_step_is_caught(careless: type, name: str):
    replayer = Replayer(
        workflows=[careless], data_converter=pydantic_data_converter, workflow_runner=UnsandboxedWorkflowRunner()
    )
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(the_history(name))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_history_holds_ids_and_codes_and_nothing_of_the_applicant(file: Path):
    """Payloads are looked at decoded: base64 would hide a name."""
    said = " ".join(decoded(json.loads(file.read_text())))
    for word in ("date_of_birth", "monthly_income", "Muster", "Beispiel", "SOUND-", 'reference"', "amount"):
        assert word not in said


def decoded(node: Any) -> Iterator[str]:
    import base64

    if isinstance(node, dict):
        for name, value in node.items():
            if name == "data" and isinstance(value, str):
                yield base64.b64decode(value).decode("utf-8", "replace")
            else:
                yield from decoded(value)
    elif isinstance(node, list):
        for value in node:
            yield from decoded(value)
    else:
        yield str(node)


def fingerprint(name: str) -> Iterator[str]:
    """`express: 3 a command and what it is about`, in the order the run issued them."""
    for event in the_history(name).events:
        kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        if kind in COMMANDS:
            yield f"{name}: {kind.lower()} {COMMANDS[kind](MessageToDict(event))}".rstrip()


COMMANDS: dict[str, Any] = {
    "ACTIVITY_TASK_SCHEDULED": lambda event: event["activityTaskScheduledEventAttributes"]["activityType"]["name"],
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED": lambda event: event[
        "startChildWorkflowExecutionInitiatedEventAttributes"
    ]["workflowType"]["name"],
    "ACTIVITY_TASK_CANCEL_REQUESTED": lambda event: "",
    "TIMER_STARTED": lambda event: (event.get("userMetadata") and "review deadline") or "",
    "TIMER_CANCELED": lambda event: "",
    "MARKER_RECORDED": lambda event: event["markerRecordedEventAttributes"]["markerName"],
    "WORKFLOW_EXECUTION_COMPLETED": lambda event: "",
    "WORKFLOW_EXECUTION_FAILED": lambda event: "",
    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": lambda event: "",
}
