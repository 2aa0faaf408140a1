"""Training on the data shipped with the product, and what is live now."""

from datetime import UTC, datetime
from typing import Any

from plimsoll.domain.errors import Unavailable
from plimsoll.settings import Settings, load_settings
from plimsoll.wiring import live_model, product_packs, train_on_shipped


def train_shipped(product: str, settings: Settings | None = None) -> dict[str, Any]:
    """Trains on the applicants set aside for training and makes the version live. Raises NotFound."""
    settings = settings or load_settings()
    pack = product_packs(settings).get(product)
    return describe(train_on_shipped(settings, pack, created_at=datetime.now(UTC).isoformat()))


def describe_live(product: str, settings: Settings | None = None) -> dict[str, Any]:
    settings = settings or load_settings()
    return describe(live_model(settings, product_packs(settings).get(product)))


def ensure_trained(product: str, settings: Settings) -> tuple[dict[str, Any], bool]:
    """What is live, trained now when nothing was; and whether it was trained now."""
    try:
        return describe_live(product, settings), False
    except Unavailable:
        return train_shipped(product, settings), True


def describe(manifest: Any) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "product": manifest.product,
        "algorithm": manifest.algorithm,
        "role": "champion",
        "approved_by": None,
        "metrics": manifest.metrics,
        "data": manifest.data,
        "features": [feature.name for feature in manifest.features],
    }
