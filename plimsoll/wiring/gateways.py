"""Settings → who carries messages of which channel: real ones where their keys are, else the sandbox in test mode."""

from dataclasses import dataclass

from plimsoll.adapters.messages.http import GatewayClient
from plimsoll.adapters.messages.sandbox_gateway import SandboxGateway
from plimsoll.adapters.messages.smtp import MailServer, SmtpGateway
from plimsoll.adapters.messages.twilio import TwilioGateway
from plimsoll.domain.errors import NotFound
from plimsoll.domain.outreach.contact import Channel
from plimsoll.settings import Settings

CarrierOfMessages = SandboxGateway | SmtpGateway | TwilioGateway


@dataclass(frozen=True)
class Gateways:
    by_channel: dict[Channel, CarrierOfMessages]
    client: GatewayClient

    def name_of(self, channel: Channel) -> str | None:
        found = self.by_channel.get(channel)
        return found.name if found else None

    def named(self, name: str) -> CarrierOfMessages:
        """Raises NotFound."""
        found = next((gateway for gateway in self.by_channel.values() if gateway.name == name), None)
        if found is None:
            raise NotFound(f"No gateway {name!r} carries messages here.")
        return found


def build_gateways(settings: Settings) -> Gateways:
    client, callbacks = GatewayClient(), settings.callback_url or settings.api
    made: dict[Channel, CarrierOfMessages] = {}
    secret = _secret(settings, "gateway_callbacks")
    if settings.mode == "test":
        made = {channel: SandboxGateway(channel, settings.sandbox, callbacks, secret, client) for channel in Channel}
    if mail := _mail_server(settings):
        made[Channel.EMAIL] = SmtpGateway(mail, secret)
    token = _secret(settings, "twilio_token")
    if settings.twilio_account and settings.twilio_sender and token:
        made[Channel.SMS] = TwilioGateway(
            settings.twilio_account, token, settings.twilio_sender, callbacks, settings.twilio_url, client
        )
    return Gateways(made, client)


def _mail_server(settings: Settings) -> MailServer | None:
    if not settings.smtp_host or not settings.smtp_sender:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_sender,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=_secret(settings, "smtp_password"),
    )


def _secret(settings: Settings, name: str) -> str | None:
    """A key file, where the operator keeps one."""
    place = settings.secrets / name
    return place.read_text(encoding="utf-8").strip() if place.is_file() else None
