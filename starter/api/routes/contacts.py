"""How customers may be reached: addresses, consent, flags; and contacts whose fate a person has to find out."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.access import Actor, Permission
from plimsoll.domain.outreach.contact import ContactState
from plimsoll.domain.outreach.profile import Profile, ProfileChange
from starter.api.auth import Needs
from starter.api.routes.applications import answer_json
from starter.api.running import Running, running

router = APIRouter(prefix="/v1", tags=["contacts"])
House = Annotated[Running, Depends(running)]
Reader = Annotated[Actor, Depends(Needs(Permission.READ_CUSTOMERS))]
Keeper = Annotated[Actor, Depends(Needs(Permission.MANAGE_CONTACTS))]
MOST_AT_ONCE = 200


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500)


class FoundOut(Because):
    arrived: bool = Field(description="whether the message reached the customer")


class OfCustomer(ProfileChange):
    customer: str = Field(min_length=1, max_length=200, description="the lender's own id")


class Many(BaseModel):
    model_config = ConfigDict(extra="forbid")
    contacts: list[OfCustomer] = Field(min_length=1, max_length=MOST_AT_ONCE)


@router.get(
    "/customers/{customer}/contact", summary="How one customer may be reached, and what is used up of every cap"
)
async def show(customer: str, actor: Reader, house: House) -> JSONResponse:
    """`customer` is the lender's own id, or `per_…`. Addresses are masked; `permitted_now` is the governor's word at
    this moment and binds nobody."""
    profiles = house.ports.outreach.profiles
    return answer_json(shown(await profiles.show(await profiles.find(customer), datetime.now(UTC))))


@router.put("/customers/{customer}/contact", summary="Change addresses, consent, flags, zone or wishes")
async def change(
    customer: str,
    change: ProfileChange,
    request: Request,
    actor: Keeper,
    house: House,
    new: Annotated[bool, Query(description="somebody nobody knew yet is made, instead of not found")] = False,
) -> JSONResponse:
    """What is not named stays; an address of null is forgotten. An id that nobody has is not found, unless `new`."""
    profiles, now = house.ports.outreach.profiles, datetime.now(UTC)
    changed = await profiles.change(customer, change, by=actor, request=request.state.request_id, now=now, new=new)
    return answer_json(shown(changed))


@router.post("/customers/{customer}/contact/opt-out", summary="The customer wants no more messages or calls")
async def opt_out(customer: str, because: Because, request: Request, actor: Keeper, house: House) -> JSONResponse:
    profiles, now = house.ports.outreach.profiles, datetime.now(UTC)
    changed = await profiles.opt_out(
        customer, by=actor, reason=because.reason, request=request.state.request_id, now=now
    )
    return answer_json(shown(changed))


@router.post("/contacts", summary="The same for many customers at once")
async def change_many(many: Many, request: Request, actor: Keeper, house: House) -> JSONResponse:
    """Up to 200, new ones among them, in order; the first that cannot be written stops it, those before it kept."""
    profiles, now = house.ports.outreach.profiles, datetime.now(UTC)
    for each in many.contacts:
        fields = {name: getattr(each, name) for name in each.model_fields_set - {"customer"}}
        change = ProfileChange.model_validate(fields)
        await profiles.write(each.customer, change, by=actor, request=request.state.request_id, now=now)
    return answer_json({"written": len(many.contacts)})


@router.get("/contacts", summary="Contacts, newest first")
async def list_contacts(
    actor: Reader,
    house: House,
    state: ContactState | None = None,
    intervention: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JSONResponse:
    """`state=unknown` are those whose fate a person has to find out."""
    rows = await house.ports.outreach.contacts.listed(state, intervention, limit + 1)
    return answer_json({"data": rows[:limit], "has_more": len(rows) > limit})


@router.post("/contacts/{contact}/settle", summary="Say what became of a message whose fate nobody could tell")
async def settle(contact: str, found: FoundOut, request: Request, actor: Keeper, house: House) -> JSONResponse:
    state: Literal[ContactState.SENT, ContactState.FAILED] = ContactState.SENT if found.arrived else ContactState.FAILED
    settled = await house.ports.outreach.contacts.settle(
        contact, state, by=actor, reason=found.reason, request=request.state.request_id, now=datetime.now(UTC)
    )
    return answer_json(settled.model_dump(mode="json"))


def shown(profile: Profile) -> dict[str, Any]:
    said = profile.model_dump(mode="json")
    said["permitted_now"] = {
        channel: ruling.model_dump(mode="json") | {"permitted": ruling.permitted}
        for channel, ruling in profile.permitted_now.items()
    }
    return said
