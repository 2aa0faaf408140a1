"""Task queues and workflow ids: one place, so that API, CLI and people find a run without a stored handle."""

DECISIONS = "decisions"  # fast steps; hosted by the API (eager starts) and by workers
EVIDENCE = "evidence"  # slow or rate-limited sources
OUTREACH = "outreach"
BATCH = "batch"
QUEUES = (DECISIONS, EVIDENCE, OUTREACH, BATCH)


def underwriting_id(application: str, round_: int, suffix: int = 0) -> str:
    """`underwrite/app_…/1`; a suffix only when the engine holds a finished run of an older database."""
    return f"underwrite/{application}/{round_}" + (f"/r{suffix}" if suffix else "")


def rollout_id(rollout: str) -> str:
    """`rollout/rol_…`"""
    return f"rollout/{rollout}"


def training_id(training: str) -> str:
    """`training/trn_…`"""
    return f"training/{training}"


def retraining_id(retraining: str) -> str:
    """`retraining/rtr_…`"""
    return f"retraining/{retraining}"


def retraining_schedule_id(product: str) -> str:
    """`retrain/consumer-credit`: the schedule that asks whether one is due."""
    return f"retrain/{product}"


def drift_schedule_id(product: str) -> str:
    """`drift/consumer-credit`: the schedule, and the beginning of the ids of its runs."""
    return f"drift/{product}"


def drift_check_id(report: str) -> str:
    """`drift-check/drf_…`: one asked for by a person."""
    return f"drift-check/{report}"


def intervention_id(intervention: str) -> str:
    """`intervene/int_…`"""
    return f"intervene/{intervention}"


def sync_schedule_id(feed: str) -> str:
    """`sync/plaid-…`: the schedule, and the beginning of the ids of its runs."""
    return f"sync/{feed}"


SWEEP_SCHEDULE = "sweep/portfolio"  # and the beginning of the ids of its runs
