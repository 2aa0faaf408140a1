"""The customers' side of the gateways: their mailbox to read and answer, and how the gateways behave."""

import html
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.gateways import CHANNELS
from sandbox.gateways.callbacks import Callbacks
from sandbox.gateways.desk import GatewayDesk
from sandbox.gateways.mailbox import Manners, Message, Status

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mailbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem; color: #1c2430;
       background: #fafbfc }}
article {{ border: 1px solid #c9d1da; border-radius: 8px; padding: 1rem; margin: 1rem 0; background: #fff }}
header {{ color: #4b5765; font-size: .875rem }} h2 {{ font-size: 1rem; margin: .5rem 0 0 }}
p.text {{ white-space: pre-wrap; margin: .5rem 0; overflow-wrap: anywhere }}
p.answer {{ margin: .25rem 0 .25rem 2rem; padding: .5rem .75rem; background: #e8f1ec; border-radius: 8px;
           white-space: pre-wrap; overflow-wrap: anywhere }}
form {{ display: flex; gap: .5rem; margin-top: .5rem; flex-wrap: wrap }}
input {{ flex: 1; min-width: 8rem; padding: .5rem; font: inherit; border: 1px solid #7a8794; border-radius: 6px }}
button {{ padding: .5rem .9rem; font: inherit; border: 1px solid #33526b; border-radius: 6px; background: #33526b;
         color: #fff; cursor: pointer }} button.plain {{ background: #fff; color: #33526b }}
</style></head><body><main><h1>Mailbox</h1>
<p>What the sandbox's gateways carried. Nobody here is real; answer as the customer would.</p>
<form method="get" action="/mailbox" role="search"><input name="to" aria-label="number or address" value="{to}"
placeholder="number or address, or part of it"><button>Show</button></form>{messages}</main></body></html>"""
ARTICLE = """<article><header>{channel} to <b>{to}</b> · {at} · {status}</header>{subject}
<p class="text" lang="{language}">{text}</p>{answers}
<form method="post" action="/_mailbox/{id}/reply?{back}"><input name="text" aria-label="answer to {id}"
placeholder="answer" maxlength="2000"><button>Answer</button>
<button class="plain" name="text" value="STOP">STOP</button></form></article>"""


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=2000)


class Receipt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: Status
    code: str = Field(default="", max_length=100)


def gateway_routes(desk: GatewayDesk, callbacks: Callbacks) -> APIRouter:
    router = APIRouter()

    @router.get("/_mailbox")
    async def mailbox(
        to: str | None = None, channel: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> list[Message]:
        """Messages to an address or a part of it, newest first, each with what was answered."""
        return desk.mailbox.read(to, channel, limit)

    @router.get("/mailbox", response_class=HTMLResponse)
    async def page(to: str = "") -> str:
        """The same, to read and to answer in a browser."""
        shown = "".join(_article(message, to) for message in desk.mailbox.read(to or None, limit=100))
        return PAGE.format(to=html.escape(to, quote=True), messages=shown or "<p>Nothing yet.</p>")

    @router.post("/_mailbox/{message}/reply")
    async def reply(message: str, request: Request, to: str = "") -> Response:
        """Answers as the customer: JSON `{"text": …}`, or a form."""
        found, body = _found(desk, message), await request.body()
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            _must_come_from_here(request)
            said = [text for text in parse_qs(body.decode("utf-8", "replace")).get("text", []) if text.strip()]
            if said:
                desk.answer(found, said[-1][:2000])
            return RedirectResponse(f"/mailbox?{urlencode({'to': to})}", status_code=303)
        return JSONResponse(desk.answer(found, Reply.model_validate_json(body).text).model_dump(), status_code=201)

    @router.post("/_mailbox/{message}/receipt", status_code=201)
    async def receipt(message: str, receipt: Receipt) -> dict[str, Any]:
        """Lets a message fare otherwise: bounced after all, or nobody answers the call."""
        return {"id": desk.report(_found(desk, message), receipt.status, code=receipt.code)}

    @router.get("/_callbacks")
    async def made() -> list[dict[str, Any]]:
        """Every callback made, in order, with the status it was `answered`; null: nobody did."""
        return callbacks.log

    @router.get("/_gateways")
    async def all_manners() -> dict[str, Manners]:
        return desk.manners

    @router.put("/_gateways/{channel}")
    async def set_manners(channel: str, manners: Manners) -> Manners:
        """How a gateway behaves after it took a message."""
        if channel not in CHANNELS:
            raise HTTPException(404, f"there is no gateway {channel!r}; there are {', '.join(CHANNELS)}")
        desk.manners[channel] = manners
        return manners

    @router.delete("/_gateways", status_code=204)
    async def good_manners() -> None:
        desk.manners.update({channel: Manners() for channel in CHANNELS})

    return router


def _found(desk: GatewayDesk, message: str) -> Message:
    found = desk.mailbox.get(message)
    if found is None:
        raise HTTPException(404, f"there is no message {message!r}")
    return found


def _must_come_from_here(request: Request) -> None:
    """A form on another page must not answer for a customer."""
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "this form belongs to another page")


def _article(message: Message, to: str) -> str:
    said = {name: html.escape(str(value), quote=True) for name, value in message.model_dump().items()}
    answers = "".join(f'<p class="answer">{html.escape(answer.text)}</p>' for answer in message.answers)
    subject = f"<h2>{said['subject']}</h2>" if message.subject else ""
    return ARTICLE.format(
        **said
        | {
            "at": f"{message.at[:10]} {message.at[11:16]} UTC",
            "answers": answers,
            "subject": subject,
            "back": urlencode({"to": to}),
        }
    )
