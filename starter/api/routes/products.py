"""Products: what may be applied for, and how an application looks."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.underwriting.application import body_model
from starter.api.auth import Needs
from starter.api.running import Running, running

router = APIRouter(prefix="/v1/products", tags=["products"])
House = Annotated[Running, Depends(running)]
Anyone = Annotated[Actor, Depends(Needs(Permission.READ_PRODUCTS))]


@router.get("", summary="List products, those that may be applied for first")
async def list_products(actor: Anyone, house: House) -> dict[str, Any]:
    shown = [
        {"id": p.id, "version": p.version, "title": p.title, "type": p.line, "jurisdiction": p.jurisdiction,
         "currency": p.currency}
        for p in sorted(house.ports.products.all(), key=lambda each: each.watches)
    ]  # fmt: skip
    return {"data": shown, "has_more": False, "after": None}


@router.get("/{product}", summary="One product: JSON Schema of its application, sources, versions, an example")
async def show(product: str, actor: Anyone, house: House) -> dict[str, Any]:
    found = house.ports.products.get(product)
    policy = house.ports.policies.pin(found)
    return {
        "id": found.id,
        "version": found.version,
        "digest": found.digest,
        "title": found.title,
        "type": found.line,
        "jurisdiction": found.jurisdiction,
        "currency": found.currency,
        "schema": body_model(found).model_json_schema(),
        "sources": [
            {"name": s.name, "purpose": s.purpose, "consent_required": s.consent_required,
             "patience_seconds": s.patience.total_seconds(), "when_patience_is_over": s.when_over}
            for s in found.sources
        ],
        "features": [
            {"name": f.name, "kind": f.kind, "values": list(f.values), "direction": f.direction, "concept": f.concept}
            for f in found.features
        ],
        "policy": policy.model_dump(),
        "model": found.model,
        "review_reasons": found.review.reasons,
        "review_documents": found.review.documents,
        "review_authority": found.review.authority,
        "four_eyes_above": found.review.four_eyes_above,
        "example": found.example,
    }  # fmt: skip
