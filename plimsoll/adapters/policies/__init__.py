"""Policies as decision tables (JDM), evaluated by zen-engine."""

from plimsoll.adapters.policies.zen import ZenPolicyEngine

__all__ = ["ZenPolicyEngine"]
