"""Whom our connections trust. Reading the certificates of the world takes a tenth of a second: once a process."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """Of sources, gateways and receivers of events: the authorities httpx brings along, no other by environment."""
    return httpx.create_ssl_context(trust_env=False)


@cache
def trusted_by_the_system() -> ssl.SSLContext:
    """Of mail servers, whose certificate is often a house's own."""
    return ssl.create_default_context()
