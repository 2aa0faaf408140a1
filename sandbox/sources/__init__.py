"""The endpoints of the sandbox's sources: which path belongs to which source, and what it answers."""

from sandbox.sources import bank, bureau, registry, telecom
from sandbox.sources.endpoint import Endpoint

SOURCES = ("bureau", "bank", "registry", "telecom")
ENDPOINTS: dict[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (*bureau.ENDPOINTS, *bank.ENDPOINTS, *registry.ENDPOINTS, *telecom.ENDPOINTS)
}
