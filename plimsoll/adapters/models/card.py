"""The model card: what a report says, in words for the person who must approve it."""

from typing import Any

from plimsoll.domain.models.fairness import in_words

NOT_FOR = (
    "Deciding about anybody whom the training rows do not resemble; novelty says so case by case.",
    "Explaining why somebody will pay: what the model found are associations.",
    "Any purpose but the product it was made for.",
)


def card_of(report: dict[str, Any]) -> str:
    """Markdown, from `report.json` alone."""
    parts = [
        _head(report),
        _use(report),
        _data(report),
        _how_good(report),
        _compared(report),
        _features(report),
        _fair(report),
        _limits(report),
        _made(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: dict[str, Any]) -> str:
    lines = [f"# {report['name']}", "", f"{report['algorithm']}. For {report['product']['title']}."]
    if report["blockers"]:
        lines += ["", "**May not be released:**", *(f"- {sentence}" for sentence in report["blockers"])]
    return "\n".join(lines)


def _use(report: dict[str, Any]) -> str:
    title = report["product"]["title"]
    lines = [
        "## For what, and not for what",
        "",
        f"It gives the probability that an application to {title} ends badly, with an interval and with reasons. "
        "A policy and, where the policy says so, a person decide.",
        "",
        "Not for:",
    ]
    return "\n".join([*lines, *(f"- {sentence}" for sentence in NOT_FOR)])


def _data(report: dict[str, Any]) -> str:
    data, split = report["data"], report["data"]["split"]
    findings = data["checks"]["findings"]
    lines = [
        "## Data",
        "",
        f"{data['rows']:,} applications, {data['target_rate']:.1%} ended badly; {split['training']:,} learnt from, "
        f"{split['held_out']:,} held out ({split['kind'].replace('_', ' ')}). Digest of the rows learnt from: "
        f"`{data['digest'][:16]}…`.",
    ]
    if findings:
        lines += ["", "Remarks of the checks:", *(f"- {finding['sentence']}" for finding in findings[:20])]
    if data["checks"]["cannot_be_seen"]:
        lines += ["", data["checks"]["cannot_be_seen"]]
    return "\n".join(lines)


def _how_good(report: dict[str, Any]) -> str:
    told = report["metrics"]
    rows = [
        ("AUC", "auc"),
        ("Gini", "gini"),
        ("KS", "ks"),
        ("Brier", "brier"),
        ("Brier skill", "brier_skill"),
        ("average precision", "average_precision"),
        ("calibration slope", "calibration_slope"),
        ("calibration intercept", "calibration_intercept"),
    ]
    lines = ["## How good it is", "", f"On {told['rows']:,} rows held out, looked at once.", ""]
    lines += ["| figure | value | 95 % interval |", "|---|---|---|"]
    lines += [f"| {label} | {told[name]:.3f} | {_interval(told[f'{name}_interval'])} |" for label, name in rows]
    under = "under" if told["ece"] <= told["ece_perfect_model_95"] else "**over**"
    can = "can" if told["calibrated"] else "**cannot**"
    lines += [
        "",
        f"Calibration error {told['ece']:.4f}, {under} the {told['ece_perfect_model_95']:.4f} that a perfect model "
        f"stays under 19 times in 20. The probabilities {can} be believed as they are.",
        "",
        _table(
            ("riskiest tenths", "predicted", "seen", "lift", "bads caught so far"),
            [
                (row["tenth"], f"{row['predicted']:.1%}", f"{row['seen']:.1%}", row["lift"], f"{row['caught']:.0%}")
                for row in told["deciles"]
            ],
        ),
    ]
    for name, segments in told["segments"].items():
        lines += ["", f"By {name}:", "", _table(("", "rows", "predicted", "seen", "AUC"), _segments(segments))]
    return "\n".join(lines)


def _segments(segments: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (
            row["segment"],
            row["rows"],
            f"{row['predicted']:.1%}",
            f"{row['seen']:.1%} ({_interval(row['seen_interval'])})",
            f"{row['auc']:.3f} ({_interval(row['auc_interval'])})" if "auc" in row else row["too_few"],
        )
        for row in segments
    ]


def _compared(report: dict[str, Any]) -> str:
    told = report["comparison"]
    lines = [
        "## Against other candidates",
        "",
        f"{told['repeats']} × {told['folds']} folds on {told['rows']:,} training rows, the same for all. {told['why']}",
        "",
        _table(
            ("candidate", "AUC", "less CatBoost's own defaults", "keeps every direction"),
            [(row["name"], f"{row['auc']:.4f}", _against(row), _kept(row)) for row in told["candidates"]],
        ),
    ]
    cost = told["cost_of_directions"]
    if cost:
        lines += ["", f"What the directions cost: {_difference(cost)} of AUC."]
    floor = report["metrics"].get("against_floor")
    if floor:
        lines += ["", f"On the rows held out, against CatBoost's own defaults: {_difference(floor)} (DeLong, paired)."]
    return "\n".join(lines)


def _against(row: dict[str, Any]) -> str:
    return _difference(row["against_floor"]) if row.get("against_floor") else "–"


def _kept(row: dict[str, Any]) -> str:
    broken = row["broken_directions"]
    return "not asked to" if broken is None else "yes" if not broken else f"no: {', '.join(broken[:4])}"


def _features(report: dict[str, Any]) -> str:
    words = {"up": "rises", "down": "falls", "free": "free"}
    return "\n".join(
        [
            "## What it reads",
            "",
            _table(
                ("feature", "kind", "risk as it rises", "gives the reason of"),
                [(f["name"], f["kind"], words[f["direction"]], f["concept"]) for f in report["features"]],
            ),
            "",
            "A value that is not known is never read as nought: it has a place or a weight of its own, or the score is "
            "the mean over what training applicants held there.",
        ]
    )


def _fair(report: dict[str, Any]) -> str:
    told = report["fairness"]
    lines = ["## How groups fare", ""]
    if not told["attributes"]:
        return "\n".join([*lines, told["sentence"]])
    for attribute, said in told["attributes"].items():
        held_out, own = said["held_out"], said["out_of_fold"]
        lines += [f"### {attribute}", ""]
        for where, found in (("held out", held_out), ("training rows, out of fold", own)):
            at_the_cut = found["at_the_cut"]
            groups = at_the_cut["groups"] if at_the_cut else []
            if groups:
                lines += [
                    f"Approved at the product's cut, {where}:",
                    "",
                    _table(("group", "rows", "approved", "ratio", "p"), [_group(group) for group in groups]),
                    "",
                ]
            lines += [f"- {sentence}" for sentence in found["sentences"]]
            lines += [""] if found["sentences"] else []
        proxies = [row for row in own["proxies"] if row["proxy"] != "none"][:5]
        if proxies:
            named = ", ".join(f"{row['feature']} tells {row['group']} (AUC {row['auc']:.2f})" for row in proxies)
            lines += [f"Proxies: {named}.", ""]
        if own["all_features_tell"] is not None:
            lines += [f"All features together tell the largest group with AUC {own['all_features_tell']:.2f}.", ""]
        lines += [said["less_unequal"]["sentence"], ""]
    return "\n".join(lines).rstrip()


def _group(group: dict[str, Any]) -> tuple[Any, ...]:
    ratio = "highest" if group["ratio"] is None else f"{group['ratio']:.2f}"
    ratio = f"**{ratio}**" if group["below_four_fifths"] else ratio
    approved = f"{group['approved']:.1%} ({_interval(group['approved_interval'])})"
    return group["group"], group["rows"], approved, ratio, "" if group["p"] is None else in_words(group["p"])


def _limits(report: dict[str, Any]) -> str:
    lines = [
        "## Limits",
        "",
        "- It knows only those who were granted; nothing is inferred about those who were refused.",
        "- Its probabilities are on the scale of the rows learnt from until the product's base rates correct them.",
        "- Contributions compare with training applicants just below the cut; another reference gives other reasons.",
    ]
    if min(report["metrics"]["target_rate"], 1 - report["metrics"]["target_rate"]) * report["metrics"]["rows"] < 200:
        lines.append("- Fewer than 200 of the rarer ending were held out: read the intervals, not the figures.")
    return "\n".join(lines)


def _made(report: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in report["libraries"].items())
    return "\n".join(
        [
            "## How it was made",
            "",
            f"By {report['who']}, {report['created_at']}, in {report['seconds']:.0f} seconds. {libraries}.",
            "",
            *(f"- {step}: {sentence}" for step, sentence in report["steps"].items()),
        ]
    )


def _difference(found: dict[str, float]) -> str:
    return f"{found['difference']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})"


def _interval(bounds: list[float]) -> str:
    return f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)])


def recalibrated_card_of(report: dict[str, Any]) -> str:
    """Of a version that is another's model with its level set anew: what is the same, and what is not."""
    about, measured = report["recalibration"], report["metrics"]
    before, (low, high) = about["recalibrated"], measured["auc_interval"]
    error, most = measured["ece"], measured["ece_perfect_model_95"]
    parts = [
        f"# {report.get('name', 'A model')}, calibrated anew",
        f"The model of version {before}: it ranks as that one does, in the same directions. Its level was set anew by "
        f"{about['labels']:,} labels it had not learnt from; the reference for reasons follows.",
        f"On applications from {about['since']} on: AUC {measured['auc']:.3f} ({low:.3f} to {high:.3f}), calibration "
        f"error {error:.3f}; a perfect model stays under {most:.3f} 19 times in 20.",
        f"What it is for, what it reads and how groups fare stands in the card of {before}.",
    ]
    return "\n\n".join(parts) + "\n"
