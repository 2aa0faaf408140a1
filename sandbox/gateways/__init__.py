"""Gateways that carry messages to people who are not there: SMS, e-mail, calls, the lender's app."""

CHANNELS = ("sms", "email", "voice", "push")
