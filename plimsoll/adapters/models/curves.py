"""What of an evaluation goes into a manifest, and what a page draws of it."""

from typing import Any


def figures_of(evaluated: dict[str, Any], measured_on: str) -> dict[str, Any]:
    """One line each, no curves."""
    kept = {name: value for name, value in evaluated.items() if not isinstance(value, dict)}
    for name in ("reliability", "deciles", "cost_curve", "roc_curve", "broken_directions"):
        kept.pop(name, None)
    return kept | {"measured_on": measured_on}


def curves_of(evaluated: dict[str, Any]) -> dict[str, Any]:
    tenths = evaluated["deciles"]
    return {
        "roc": [{"false_positive": goods, "true_positive": bads} for goods, bads in evaluated["roc_curve"]],
        "calibration": [
            {
                "predicted": row["predicted"],
                "seen": row["seen"],
                "low": row["seen_interval"][0],
                "high": row["seen_interval"][1],
                "n": row["rows"],
            }
            for row in evaluated["reliability"]
        ],
        "gains": [
            {"share": 0.0, "bads": 0.0},
            *({"share": round(row["tenth"] / len(tenths), 3), "bads": row["caught"]} for row in tenths),
        ],
        "cost": evaluated["cost_curve"],
    }
