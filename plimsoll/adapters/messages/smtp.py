"""E-mail through a mail server of your own (RFC 5321), with the standard library in a thread.

A mail server neither knows our key nor tells what became of a message. So whatever breaks before
the text is handed over is simply tried again; whatever breaks after it is nobody's to know, and
waits for a person. Answers and bounces come to the sender's mailbox; docs/contact.md says how
they find their way back.
"""

import asyncio
import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Literal

from plimsoll.adapters.messages.telling import read_event
from plimsoll.connections import trusted_by_the_system
from plimsoll.domain.outreach.contact import (
    Channel,
    ContactState,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    Outgoing,
    Receipt,
)

SECONDS = 8.0


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None


class SmtpGateway:
    name = "smtp"
    channel = Channel.EMAIL
    dedupes = False
    tells = False

    def __init__(self, server: MailServer, secret: str | None = None) -> None:
        self._server = server
        self._secret = secret

    async def hand_over(self, message: Outgoing) -> Receipt:
        return await asyncio.to_thread(self._hand_over, message)

    async def status(self, message: Outgoing) -> Receipt | None:
        raise GatewayUnavailable("A mail server cannot be asked what became of a message.", kind="silent", sent=True)

    def read_callback(self, url: str, headers: Mapping[str, str], body: bytes, at: int) -> Sequence[GatewayEvent]:
        """From whoever reads the sender's mailbox: a mail server itself calls nobody back."""
        return [read_event(self._secret, headers, body, at)]

    def _hand_over(self, message: Outgoing) -> Receipt:
        mail = self._mail(message)
        try:
            server = self._connected()
        except (OSError, smtplib.SMTPException) as failure:
            raise self._not_sent(failure) from None
        try:
            self._address(server, message)
            return self._send(server, mail)
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        known, tls = self._server, trusted_by_the_system()
        if known.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(known.host, known.port, timeout=SECONDS, context=tls)
        else:
            server = smtplib.SMTP(known.host, known.port, timeout=SECONDS)
        if known.security == "starttls":
            server.starttls(context=tls)
        server.ehlo_or_helo_if_needed()
        if known.user and known.password:
            server.login(known.user, known.password)
        return server

    def _address(self, server: smtplib.SMTP, message: Outgoing) -> None:
        """Sender and receiver: until the text is sent nothing is."""
        try:
            for say, address in ((server.mail, self._server.sender), (server.rcpt, message.to)):
                code, _ = say(address)
                if 500 <= code < 600:
                    raise GatewayRefused("The mail server does not take this address.", reason=f"smtp_{code}")
                if code >= 400:
                    raise GatewayUnavailable("The mail server asks for patience.", kind=f"smtp_{code}", sent=False)
        except (OSError, smtplib.SMTPException) as failure:
            raise self._not_sent(failure) from None

    def _send(self, server: smtplib.SMTP, mail: EmailMessage) -> Receipt:
        try:
            code, _ = server.data(mail.as_bytes(policy=SMTP))
        except smtplib.SMTPDataError as no:  # it never asked for the text
            raise self._not_sent(no) from None
        except (OSError, smtplib.SMTPException) as failure:
            kind = type(failure).__name__
            raise GatewayUnavailable(f"The mail server fell silent ({kind}).", kind="timeout", sent=True) from None
        if 500 <= code < 600:
            raise GatewayRefused("The mail server does not take this message.", reason=f"smtp_{code}")
        if code >= 400:
            raise GatewayUnavailable("The mail server asks for patience.", kind=f"smtp_{code}", sent=False)
        return Receipt(state=ContactState.SENT, reference=str(mail["Message-ID"]))

    def _mail(self, message: Outgoing) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = self._server.sender, message.to, message.subject or ""
        mail["Date"] = format_datetime(message.began_at)
        mail["Message-ID"] = make_msgid(message.contact, self._server.sender.rpartition("@")[2].strip("> "))
        mail["Content-Language"] = message.language
        mail["Auto-Submitted"] = "auto-generated"
        mail["List-Unsubscribe"] = f"<mailto:{self._server.sender}?subject=STOP>"
        mail.set_content(message.text)
        return mail

    def _not_sent(self, failure: Exception) -> GatewayUnavailable:
        kind = type(failure).__name__
        return GatewayUnavailable(f"The mail server took nothing ({kind}).", kind="refused", sent=False)
