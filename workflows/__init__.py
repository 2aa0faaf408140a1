"""Workflows: they say when. One file each, `run` first."""

from collections.abc import Sequence

from workflows import names
from workflows.ask_for_retraining import AskForRetraining
from workflows.check_drift import CheckDrift
from workflows.intervene_with_customer import InterveneWithCustomer
from workflows.retrain_model import RetrainModel
from workflows.roll_out_model import RollOutModel
from workflows.sweep_portfolio import SweepPortfolio
from workflows.sync_transactions import SyncTransactions
from workflows.train_model import TrainModel
from workflows.underwrite_application import UnderwriteApplication

_ON: dict[str, list[type]] = {
    names.DECISIONS: [UnderwriteApplication],
    names.OUTREACH: [InterveneWithCustomer, SyncTransactions],
    names.BATCH: [AskForRetraining, CheckDrift, RetrainModel, RollOutModel, SweepPortfolio, TrainModel],
}


def workflows_on(queue: str) -> Sequence[type]:
    """Which workflow is hosted on which queue."""
    return _ON.get(queue, [])
