"""Outside sources of evidence, each an EvidenceSource: payload in, a summary in our words out.

A new source is a module here and a line in SOURCES. Retries, circuit breakers and limits are
not here: they must hold across processes, so the engine and Postgres keep them.
"""

from collections.abc import Mapping

from plimsoll.adapters.providers.bank import Bank
from plimsoll.adapters.providers.bureau import Bureau
from plimsoll.adapters.providers.http import SourceClient
from plimsoll.adapters.providers.registry import Registry
from plimsoll.adapters.providers.telecom import Telecom
from plimsoll.ports import EvidenceSource

SOURCES = {adapter.name: adapter for adapter in (Bureau, Bank, Registry, Telecom)}


def build_sources(base_url_of: Mapping[str, str], client: SourceClient) -> dict[str, EvidenceSource]:
    """An adapter for each source that has an address; all share one client."""
    return {name: adapter(base_url_of[name], client) for name, adapter in SOURCES.items() if name in base_url_of}
