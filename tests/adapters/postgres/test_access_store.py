"""Keys are kept as hashes, end when revoked, and take their sessions with them."""

import json
import stat

import pytest

from plimsoll.adapters.postgres.access import hash_of, make_first_keys, split_key
from plimsoll.domain.access import Role
from plimsoll.domain.errors import NotFound, NotSignedIn
from tests.house import House


async def test_a_key_names_its_actor_and_the_roles_it_grants(house: House):
    ada = await house.staff(Role.REVIEWER, name="Ada")
    assert (ada.name, ada.roles) == ("Ada", (Role.REVIEWER,))


async def test_of_a_key_only_the_hash_is_kept(house: House):
    key = await house.key_for(Role.ADMIN)
    _, secret = split_key(key)
    stored = await house.rows("select * from api_key")
    assert secret not in str(stored)
    assert hash_of(secret) in [bytes(row["secret_hash"]) for row in stored]


@pytest.mark.parametrize("key", ["", "x", "plk_", "plk_a", "plk__", "plk_unknown_secret", "pls_x_y"])
async def test_a_string_that_is_no_key_signs_nobody_in(house: House, key: str):
    with pytest.raises(NotSignedIn):
        await house.ports.access.actor_of_key(key)


async def test_a_key_with_another_secret_signs_nobody_in(house: House):
    key = await house.key_for(Role.ADMIN)
    with pytest.raises(NotSignedIn):
        await house.ports.access.actor_of_key(key[:-1] + ("a" if key[-1] != "a" else "b"))


async def test_two_keys_of_one_person_are_one_actor(house: House):
    assert (await house.staff(Role.ANALYST, name="Ada")).id == (await house.staff(Role.REVIEWER, name="Ada")).id


async def test_a_revoked_key_signs_nobody_in_any_more(house: House):
    key, admin = await house.key_for(Role.ANALYST), await house.staff(Role.ADMIN)
    await house.ports.access.revoke_key("key_" + key.split("_")[1], by=admin, request="req_1")
    with pytest.raises(NotSignedIn, match="revoked"):
        await house.ports.access.actor_of_key(key)


async def test_a_key_is_revoked_once(house: House):
    ada, admin = await house.staff(Role.ANALYST), await house.staff(Role.ADMIN)
    await house.ports.access.revoke_key(ada.credential, by=admin, request="req_1")
    with pytest.raises(NotFound):
        await house.ports.access.revoke_key(ada.credential, by=admin, request="req_2")


@pytest.mark.parametrize(
    "end",
    [
        "update api_key set revoked_at = now() where id = %(key)s",
        "update api_key set expires_at = now() - interval '1 second' where id = %(key)s",
        "update actor set disabled_at = now() where id = %(actor)s",
        "update session set expires_at = now() - interval '1 second'",
        "update session set active_at = now() - interval '16 minutes'",
        "update session set ended_at = now()",
    ],
)
async def test_a_session_ends_with_its_key_its_person_its_time_or_by_idling(house: House, end: str):
    ada = await house.staff(Role.ANALYST)
    token, _ = await house.ports.access.open_session(ada)
    assert (await house.ports.access.actor_of_session(token, by_a_person=True)).id == ada.id
    await house.ports.database.run(end, {"key": ada.credential, "actor": ada.id})
    with pytest.raises(NotSignedIn, match="sign in again"):
        await house.ports.access.actor_of_session(token, by_a_person=True)


@pytest.mark.parametrize(("by_a_person", "kept"), [(True, True), (False, False)])
async def test_only_a_persons_own_act_keeps_a_session_alive(house: House, by_a_person: bool, kept: bool):
    ada = await house.staff(Role.ANALYST)
    token, _ = await house.ports.access.open_session(ada)
    await house.ports.database.run("update session set active_at = now() - interval '10 minutes'")
    await house.ports.access.actor_of_session(token, by_a_person=by_a_person)
    fresh = await house.row("select active_at > now() - interval '1 minute' as fresh from session")
    assert fresh["fresh"] is kept


async def test_of_a_session_only_the_hash_is_kept(house: House):
    token, _ = await house.ports.access.open_session(await house.staff(Role.ANALYST))
    assert token.removeprefix("pls_") not in str(await house.rows("select * from session"))


async def test_an_ended_session_stays_ended(house: House):
    token, _ = await house.ports.access.open_session(await house.staff(Role.ANALYST))
    await house.ports.access.end_session(token)
    await house.ports.access.end_session(token)
    with pytest.raises(NotSignedIn):
        await house.ports.access.actor_of_session(token, by_a_person=True)


async def test_making_and_revoking_a_key_go_on_record_without_the_secret(house: House):
    key, admin = await house.key_for(Role.ANALYST, name="Ada"), await house.staff(Role.ADMIN)
    await house.ports.access.revoke_key("key_" + key.split("_")[1], by=admin, request="req_1")
    bodies = [json.loads(bytes(row["body"])) for row in await house.rows("select body from ledger_entry order by id")]
    assert [body["kind"] for body in bodies] == ["key.created", "key.created", "key.revoked"]
    assert bodies[2]["actor"] == admin.id
    assert split_key(key)[1] not in str(bodies)


async def test_the_first_run_makes_a_working_key_per_role_and_the_second_none(house: House, tmp_path):
    url, folder = house.database.app_url, tmp_path / "first"
    await make_first_keys(url, folder)
    first = json.loads((folder / "keys.json").read_text())
    assert set(first) == set(Role)
    assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600
    await make_first_keys(url, folder)
    assert json.loads((folder / "keys.json").read_text()) == first
    assert (await house.ports.access.actor_of_key(first[Role.REVIEWER])).roles == (Role.REVIEWER,)


async def test_first_keys_of_a_lost_database_are_made_anew(house: House, tmp_path):
    folder = tmp_path / "first"
    await make_first_keys(house.database.app_url, folder)
    await house.ports.database.run("update api_key set revoked_at = now()")
    await make_first_keys(house.database.app_url, folder)
    keys = json.loads((folder / "keys.json").read_text())
    assert (await house.ports.access.actor_of_key(keys[Role.ADMIN])).roles == (Role.ADMIN,)
