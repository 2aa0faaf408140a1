"""The tables, one class each. Changed through Alembic only; read and written by the stores
beside this folder in plain SQL (docs/decisions/0003).

Bytes named `…_sealed` hold personal data under the person's own key (AES-256-GCM); destroying
that key erases the person without touching the ledger.
"""

from plimsoll.adapters.postgres.tables import (
    contacts,
    customers,
    interventions,
    models,
    reviews,
    transactions,
    underwriting,
)

__all__ = ["contacts", "customers", "interventions", "models", "reviews", "transactions", "underwriting"]
