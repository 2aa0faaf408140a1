"""What must hold when all is over, whatever was killed meanwhile: every run of faults and load ends here.

Nothing accepted is lost (I1), nothing is decided or asked twice (I2), the ledger is whole (I5). The
sources' own journal is the witness for inquiries: our tables cannot be their own.
"""

from collections import Counter
from typing import Any

from plimsoll.wiring import Ports
from tests.house import House

Accepted = list[tuple[str, dict[str, Any]]]  # id and body of everything a caller was promised

ENDED = {"decided", "withdrawn", "expired"}
WAITING_SOMEWHERE = {"review", "waiting"}  # a task in a queue; a row that names its source


async def account_for(house: House, accepted: Accepted, patience: float = 120) -> None:
    """Everything accepted is decided once, with one inquiry per source, and the ledger is whole."""
    for application, body in accepted:
        await house.until_closed(application, patience)
        (decision,) = await house.decisions(application)
        assert (await house.run_of(application).result()).outcome == decision["outcome"]
        inquiries = house.fresh_inquiries(body)
        assert set(inquiries.values()) == {1}, (application, inquiries)
    await house.must_verify()


async def books_must_balance(ports: Ports, journal: list[dict[str, Any]], accepted: int) -> Counter[str]:
    """The whole record of a house with sources of its own. Returns how many applications stand where."""
    standing = Counter[str]()
    for row in await ports.database.rows("select status, count(*) as n from application group by status", {}):
        standing[row["status"]] = row["n"]
    assert standing.total() == accepted
    assert set(standing) <= ENDED | WAITING_SOMEWHERE, standing
    await _must_be_one_each(ports, "decision", "true", standing["decided"])
    await _must_be_one_each(ports, "review_task", "state in ('open', 'claimed', 'second')", standing["review"])
    await _inquiries_must_match(ports, journal)
    await ports.sealer.seal_once()
    found = await ports.verifier.verify()
    assert found.ok, found
    return standing


async def _must_be_one_each(ports: Ports, table: str, which: str, expected: int) -> None:
    counted = await ports.database.row(
        f"select count(*) as n, count(distinct application_id) as cases from {table} where {which}", {}
    )
    assert counted is not None
    assert (counted["n"], counted["cases"]) == (expected, expected), table


async def _inquiries_must_match(ports: Ports, journal: list[dict[str, Any]]) -> None:
    """By their keys: each pull on record was made once, and no other ever was."""
    made = Counter(entry["key"] for entry in journal if entry["served"] == "fresh")
    pulls = await ports.database.rows("select id from evidence_request where state = 'answered'", {})
    assert made == Counter(row["id"] for row in pulls)
