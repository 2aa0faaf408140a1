"""Activities: they do it. Each class is handed the ports it needs; `activities_on` builds them."""

from collections.abc import Callable, Sequence
from typing import Any

from activities.decisions import Decisions
from activities.evidence import Evidence
from activities.express import Express
from activities.feeds import Feeds
from activities.interventions import Interventions
from activities.monitoring import Monitoring
from activities.outreach import Outreach
from activities.policy import Policy
from activities.releases import Releases
from activities.retraining import RetrainingSteps
from activities.reviews import Reviews
from activities.scoring import Scoring
from activities.sweeping import Sweeping
from activities.training import Training
from activities.watching import watch_of


def activities_on(queue: str, ports: Any) -> Sequence[Callable[..., Any]]:
    """Which activities are hosted on which queue. `ports` is a `plimsoll.wiring.Ports` or a fake of it."""
    if queue == "batch":
        training = Training(ports.trainings, ports.workshop, ports.registry, ports.shelf, ports.mirror)
        monitoring = Monitoring(
            ports.products,
            ports.live,
            ports.drift_references,
            ports.live_windows,
            ports.drift_reports,
            ports.report_pages,
            ports.retrainings,
            ports.rollouts,
            ports.alert_webhook,
        )
        retraining = RetrainingSteps(
            ports.retrainings,
            ports.trainings,
            ports.contest,
            ports.registry,
            ports.shelf,
            ports.products,
            ports.performance,
        )
        sweeping = Sweeping(watch_of(ports), ports.outreach.sweeps)
        return [
            Releases(ports.rollouts, ports.arms).look,
            training.fetch,
            training.take,
            training.register,
            training.give_up,
            training.mirror,
            retraining.ask_if_due,
            retraining.weigh,
            retraining.recalibrate,
            retraining.begin_training,
            retraining.compare,
            retraining.end,
            monitoring.check,
            monitoring.notify,
            monitoring.note_undelivered,
            monitoring.ask_for_retraining,
            monitoring.roll_back,
            sweeping.plan,
            sweeping.sweep,
            sweeping.end,
        ]
    if queue == "outreach":
        outreach = Outreach(ports.outreach.contacts, ports.outreach.gateways.by_channel)
        feeds = Feeds(ports.watch.feeds, ports.watch.log, ports.watch.rejected)
        interventions = Interventions(ports.outreach.episodes, ports.outreach.contacts, outreach)
        return [
            interventions.begin,
            interventions.look,
            outreach.permit,
            outreach.send,
            outreach.ask_status,
            feeds.fetch,
        ]
    if queue not in ("decisions", "evidence"):
        return []
    evidence = Evidence(ports.casework, ports.products, ports.sources, ports.gate)
    if queue == "evidence":
        return [evidence.pull]
    policy = Policy(ports.casework, ports.products, ports.policies, ports.live)
    scoring = Scoring(ports.casework, ports.products, ports.scorer, ports.live)
    decisions = Decisions(ports.casework, ports.reviews, ports.products, ports.policies, ports.bell)
    reviews = Reviews(ports.casework, ports.reviews, ports.products, ports.bell)
    express = Express(ports.casework, ports.products, policy, evidence, scoring, decisions)
    return [
        express.decide_at_once,
        policy.screen,
        policy.decide,
        scoring.score,
        evidence.give_up,
        reviews.open,
        reviews.look,
        decisions.record,
    ]
