"""Which steps a customer's episode takes: the ladder of the level, beginning with the least intrusive that works."""

from plimsoll.domain.outreach.strategy import By, Step, Strategy
from plimsoll.domain.values import RiskLevel


def plan_of(strategy: Strategy, level: RiskLevel, worked: By | None = None) -> tuple[Step, ...]:
    """`worked`: what moved this customer to answer or pay the last time.

    The level says where to begin. Whoever a gentler step moved before is met with that one first,
    except at the highest level, where no time is left to try.
    """
    ladder = strategy.ladder(level)
    if not ladder or worked is None or not strategy.begins_with_what_worked or level is RiskLevel.CRITICAL:
        return ladder
    if worked.intrusion >= ladder[0].by.intrusion:
        return ladder
    gentler = next((step for other in RiskLevel for step in strategy.ladder(other) if step.by is worked), None)
    return ladder if gentler is None else (gentler, *ladder)


def plan_after(strategy: Strategy, level: RiskLevel, plan: tuple[Step, ...], taken: int) -> tuple[Step, ...]:
    """A level that rose during an episode: what was taken stays, the rest is the new ladder from its first
    step that is not gentler than the last one taken."""
    done = plan[:taken]
    last = done[-1].by.intrusion if done else -1
    rest = strategy.ladder(level)
    while len(rest) > 1 and rest[0].by.intrusion < last:
        rest = rest[1:]
    return (*done, *rest)
