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

Activities = Sequence[Callable[..., Any]]


def activities_on(queue: str, ports: Any) -> Activities:
    """Which activities are hosted on which queue. `ports` is a `plimsoll.wiring.Ports` or a fake of it."""
    hosted = {"decisions": _decisions, "evidence": _evidence, "outreach": _outreach, "batch": _batch}
    return hosted[queue](ports) if queue in hosted else []


def _decisions(ports: Any) -> Activities:
    evidence = Evidence(ports.casework, ports.products, ports.sources, ports.gate)
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


def _evidence(ports: Any) -> Activities:
    return [Evidence(ports.casework, ports.products, ports.sources, ports.gate).pull]


def _outreach(ports: Any) -> Activities:
    outreach = Outreach(ports.outreach.contacts, ports.outreach.gateways.by_channel)
    interventions = Interventions(ports.outreach.episodes, ports.outreach.first_messages, outreach)
    return [
        interventions.begin,
        interventions.look,
        outreach.permit,
        outreach.send,
        outreach.ask_status,
        Feeds(ports.watch.feeds, ports.watch.log, ports.watch.rejected).fetch,
    ]


def _batch(ports: Any) -> Activities:
    return [
        Releases(ports.rollouts, ports.arms).look,
        *_training(ports),
        *_retraining(ports),
        *_monitoring(ports),
        *_sweeping(ports),
    ]


def _training(ports: Any) -> Activities:
    training = Training(ports.trainings, ports.workshop, ports.registry, ports.shelf, ports.mirror)
    return [training.fetch, training.take, training.register, training.give_up, training.mirror]


def _retraining(ports: Any) -> Activities:
    retraining = RetrainingSteps(
        ports.retrainings,
        ports.trainings,
        ports.contest,
        ports.registry,
        ports.shelf,
        ports.products,
        ports.performance,
    )
    return [
        retraining.ask_if_due,
        retraining.weigh,
        retraining.recalibrate,
        retraining.begin_training,
        retraining.compare,
        retraining.end,
    ]


def _monitoring(ports: Any) -> Activities:
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
    return [
        monitoring.check,
        monitoring.notify,
        monitoring.note_undelivered,
        monitoring.ask_for_retraining,
        monitoring.roll_back,
    ]


def _sweeping(ports: Any) -> Activities:
    sweeping = Sweeping(watch_of(ports), ports.outreach.sweeps)
    return [sweeping.plan, sweeping.sweep, sweeping.end]
