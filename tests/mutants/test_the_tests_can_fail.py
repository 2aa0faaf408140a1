"""A test that cannot fail protects nothing. So known faults are put into a copy of the house, one at a time,
and the test that is there for it must notice.

A fault is one replacement in one file. Its text must be found exactly once: when the house has moved on, say
it anew here.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build", "node_modules", "screenshots")
PATIENCE = 240
SOME_FAILED = 1  # pytest's word for it; anything else means that the tests did not run

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


class Fault(NamedTuple):
    """`sound` in `file` becomes `faulty`, and `noticed_by` must fail."""

    file: str
    sound: str
    faulty: str
    noticed_by: str


FAULTS = {
    "what is not known is read as 0": Fault(
        "plimsoll/domain/models/features.py",
        'NOT_KNOWN = float("nan")',
        "NOT_KNOWN = 0.0",
        "tests/domain/test_features.py::test_what_is_not_known_is_never_zero",
    ),
    "money goes through a float": Fault(
        "plimsoll/domain/underwriting/pricing.py",
        "return amount.quantize(CENT, ROUND_HALF_UP)",
        "return Decimal(round(float(amount), 2))",
        "tests/domain/test_pricing.py::test_a_thousand_over_a_year_at_twelve_per_cent_is_the_textbook_payment",
    ),
    "the first of two verdicts wins": Fault(
        "plimsoll/domain/underwriting/review.py",
        "return first if second is None else max(",
        "return first if True else max(",
        "tests/domain/test_review_rules.py::test_two_who_disagree_settle_on_the_more_severe_word",
    ),
    "one pair of eyes is enough for any amount": Fault(
        "plimsoll/domain/underwriting/review.py",
        "return limit is not None and amount > limit and",
        "return False and",
        "tests/domain/test_review_rules.py::test_four_eyes_are_owed_for_a_yes_above_the_limit",
    ),
    "the least adverse reason comes first": Fault(
        "plimsoll/domain/underwriting/reasons.py",
        "key=lambda name: -adverse[name]",
        "key=lambda name: adverse[name]",
        "tests/domain/test_reasons.py::test_at_most_four_reasons_all_adverse_most_adverse_first",
    ),
    "the mildest rule wins": Fault(
        "plimsoll/domain/underwriting/deciding.py",
        "return max(effects,",
        "return min(effects,",
        "tests/domain/test_deciding.py::test_adding_a_rule_hit_never_softens_an_outcome",
    ),
    "somebody else's file is read": Fault(
        "plimsoll/domain/underwriting/facts.py",
        "if source not in mismatched and source not in",
        "if source not in",
        "tests/domain/test_facts.py::test_what_a_source_said_about_somebody_else_does_not_get_in",
    ),
    "the arm of a release comes from Python's salted hash": Fault(
        "plimsoll/domain/models/assignment.py",
        'digest = hashlib.sha256(f"{salt}/{person}".encode()).digest()',
        'digest = hash((salt, person)).to_bytes(8, "big", signed=True)',
        "tests/domain/test_assignment.py::test_a_position_can_be_worked_out_by_hand",
    ),
    "a model is taken back because the input moved": Fault(
        "plimsoll/domain/monitoring/alerts.py",
        "    if not moved:\n        return action",
        "    if True:\n        return action",
        "tests/domain/test_alerts.py::test_a_score_that_moved_with_its_input_asks_for_a_retrain_instead",
    ),
    "a number too large for any float is taken": Fault(
        "starter/intake.py",
        "if len(digits) > LONGEST_NUMBER or not math.isfinite(float(digits)):",
        "if False:",
        "tests/starter/test_strict_json.py::test_poison_is_refused_as_the_callers_mistake",
    ),
    "a pickle beside a model is overlooked": Fault(
        "plimsoll/adapters/models/folder.py",
        'REFUSED_SUFFIXES = (".pkl", ".pickle", ".joblib", ".dill")',
        "REFUSED_SUFFIXES = ()",
        "tests/adapters/models/test_catboost_models.py::test_a_pickle_beside_the_model_is_refused",
    ),
    "a run scores before the evidence is in": Fault(
        "workflows/underwrite_application.py",
        "await self._pull_all(progress.to_pull)\n            await self._do(Scoring.score)",
        "await self._do(Scoring.score)\n            await self._pull_all(progress.to_pull)",
        "tests/replay/test_replay.py::test_a_recorded_run_replays_on_todays_code",
    ),
    "a decision is remembered by applicant": Fault(
        "activities/express.py",
        "case = await self._policy.screen_case(case, product, step)",
        "case = globals().setdefault(case.subject.reference, await self._policy.screen_case(case, product, step))",
        "tests/activities/test_steps.py::test_a_second_application_of_the_same_person_gets_a_decision_of_its_own",
    ),
    "after a crash the bureau is simply asked again": Fault(
        "activities/evidence.py",
        "if terms.recovery is Recovery.QUERYABLE:",
        "if False:",
        "tests/activities/test_pulling_evidence.py"
        "::test_after_a_crash_a_queryable_source_is_asked_first_what_became_of_the_call",
    ),
    "the idempotency key is ignored": Fault(
        "plimsoll/adapters/postgres/underwriting/applications.py",
        "select %(actor)s, %(key)s, %(fingerprint)s, %(id)s from owner",
        "select %(actor)s, %(id)s, %(fingerprint)s, %(id)s from owner",
        "tests/adapters/postgres/test_accepting.py"
        "::test_fifty_at_once_under_one_key_make_one_application_and_get_one_answer",
    ),
    "an accepted application is owed to nobody": Fault(
        "plimsoll/adapters/postgres/underwriting/applications.py",
        "make_interval(secs => %(head_start)s) from claimed",
        "make_interval(secs => %(head_start)s) from claimed where false",
        "tests/adapters/postgres/test_accepting.py::test_an_acceptance_is_one_transaction_of_five_rows",
    ),
    "an acceptance leaves nothing in the ledger": Fault(
        "plimsoll/adapters/postgres/underwriting/applications.py",
        "%(entry_body)s, %(entry_digest)s from claimed",
        "%(entry_body)s, %(entry_digest)s from claimed where false",
        "tests/adapters/postgres/test_accepting.py::test_an_acceptance_is_one_transaction_of_five_rows",
    ),
    "what waited longest goes last": Fault(
        "plimsoll/adapters/postgres/engine/outbox.py",
        "order by o.id limit",
        "order by o.not_before limit",
        "tests/adapters/postgres/test_outbox.py"
        "::test_what_waits_longest_goes_first_however_often_it_was_tried_in_vain",
    ),
    "verify does not work the chain out again": Fault(
        "plimsoll/adapters/postgres/ledger/chain.py",
        'if link(expected_seq, row["entry_id"], last, bytes(row["digest"])) != bytes(row["hash"]):',
        "if False:",
        "tests/adapters/postgres/test_ledger_store.py::test_an_entry_edited_together_with_its_digest_is_named",
    ),
    "the ledger may be edited": Fault(
        "migrations/versions/0002_insert_only.py",
        'INSERT_ONLY = ("ledger_entry", "ledger_seal",',
        'INSERT_ONLY = ("ledger_seal",',
        "tests/adapters/postgres/test_ledger_store.py"
        "::test_even_a_superuser_in_replica_mode_cannot_change_the_record",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house without its history; Python looks here first when started here."""
    return shutil.copytree(ROOT, tmp_path_factory.mktemp("mutants") / "house", ignore=NOT_COPIED)


def test_without_a_fault_every_one_of_these_tests_passes(copy: Path):
    """Or their failing would say nothing."""
    ran = run_tests(copy, *{fault.noticed_by for fault in FAULTS.values()})
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_this_fault_is_noticed(copy: Path, fault: Fault):
    with put_in(copy, fault):
        ran = run_tests(copy, fault.noticed_by)
    assert ran.returncode == SOME_FAILED, ran.stdout
    assert f"FAILED {fault.noticed_by}" in ran.stdout, ran.stdout


@contextmanager
def put_in(copy: Path, fault: Fault) -> Iterator[None]:
    file = copy / fault.file
    text = file.read_text()
    found = text.count(fault.sound)
    assert found == 1, f"{fault.file} says {found} times, not once: {fault.sound}"
    rewrite(file, text.replace(fault.sound, fault.faulty))
    try:
        yield
    finally:
        rewrite(file, text)


def rewrite(file: Path, text: str) -> None:
    """With its bytecode, which would count as current when size and second of the change are the same."""
    file.write_text(text)
    Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)


def run_tests(copy: Path, *tests: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *sorted(tests)),
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(copy)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
    )
