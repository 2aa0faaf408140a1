"""How the sandbox tests ask a source: plain HTTP, as a stranger would."""

from typing import Any
from uuid import uuid4

import httpx

from tests.sandbox_process import SandboxProcess


def question(reference: str = "SGC-0001", **changes: Any) -> dict[str, Any]:
    about = {"reference": reference, "name": "N. N.", "date_of_birth": "1980-02-29", "country": "DE"}
    return {**about, "purpose": "credit_application", **changes}


def ask_bureau(
    sandbox: SandboxProcess, reference: str = "SGC-0001", key: str | None = None, **changes: Any
) -> httpx.Response:
    headers = {"Idempotency-Key": key or a_key()}
    return sandbox.switchboard.post("/bureau/reports", json=question(reference, **changes), headers=headers)


def ask_registry(sandbox: SandboxProcess, reference: str = "SGC-0001") -> httpx.Response:
    return sandbox.switchboard.post("/registry/searches", json=question(reference))


def ask_telecom(sandbox: SandboxProcess, reference: str, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or a_key()}
    return sandbox.switchboard.post("/telecom/profiles", json=question(reference), headers=headers)


def ask_bank(sandbox: SandboxProcess, path: str, **body: Any) -> dict[str, Any]:
    return sandbox.switchboard.post(f"/bank/{path}", json=body).raise_for_status().json()


def a_key() -> str:
    return f"key-{uuid4()}"
