"""The endpoints of the sandbox's sources: which path belongs to which source, and what it answers.

A new source is a module here and its place in MODULES; it names itself in its endpoints.
"""

from sandbox.sources import bank, bureau, registry, telecom
from sandbox.sources.endpoint import Endpoint

MODULES = (bureau, bank, registry, telecom)
ENDPOINTS: dict[str, Endpoint] = {endpoint.path: endpoint for module in MODULES for endpoint in module.ENDPOINTS}
SOURCES = tuple(dict.fromkeys(endpoint.source for endpoint in ENDPOINTS.values()))
