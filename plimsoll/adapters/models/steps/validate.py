"""What is wrong with the data."""

from plimsoll.adapters.models.pieces import alive
from plimsoll.adapters.models.steps.work import AMOUNT, Said, Stop, TrainingWork
from plimsoll.domain.models import data_checks
from plimsoll.domain.underwriting.product import FeatureKind, Product


def validate(work: TrainingWork) -> Said:
    with alive(work.progress, "looking at the data", 0, 1):
        report = data_checks.check(
            work.examples,
            work.product.features,
            known_at=work.known_at,
            limits=_limits(work.product),
            asked_amount=next((spec.name for spec in work.product.features if spec.path == AMOUNT), None),
        )
    told = report.model_dump(mode="json")
    if report.stops:
        first = report.stops[0].sentence
        more = f" And {len(report.stops) - 1} more." if len(report.stops) > 1 else ""
        raise Stop(first + more, told)
    warnings = len(report.findings)
    sentence = f"{report.rows:,} applications, {report.target_rate:.1%} ended badly; {_remarks(warnings)}."
    return sentence, {"rows": report.rows, "target_rate": report.target_rate, "warnings": warnings}, told


def _remarks(count: int) -> str:
    if count < 2:
        return "1 remark, which stops nothing" if count else "no remarks"
    return f"{count} remarks, none that stops"


def _limits(product: Product) -> dict[str, tuple[float | None, float | None]]:
    declared = {spec.path: spec for spec in product.fields}
    limits = {}
    for feature in product.features:
        spec = declared.get(feature.path) or declared.get(feature.path.removeprefix("request."))
        if spec is not None and feature.kind is FeatureKind.NUMBER:
            low, high = (None if bound is None else float(bound) for bound in (spec.minimum, spec.maximum))
            limits[feature.name] = (low, high)
    return limits
