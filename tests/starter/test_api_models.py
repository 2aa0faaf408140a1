"""Models over HTTP: proposed by one, approved by another, released; whatever is wrong changes nothing (F23)."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from plimsoll.adapters.models.folder import Manifest
from plimsoll.domain.access import Role
from tests.house import House, a_house, bearer, problem_of, the_api
from tests.stack_fixtures import Database
from tests.versions import a_models_folder, without_report

OWNER, APPROVER, ANALYST = Role.MODEL_OWNER, Role.MODEL_APPROVER, Role.ANALYST
WHY = {"reason": "better on the untouched part"}


@dataclass
class Office:
    """The API, with three trained versions on the shelf and none registered."""

    client: httpx.AsyncClient
    house: House
    keys: dict[Role, str]
    versions: list[Manifest]

    async def post(self, path: str, role: Role, body: dict) -> httpx.Response:
        return await self.client.post(f"/v1/models{path}", json=body, headers=bearer(self.keys[role]))

    async def get(self, path: str = "", role: Role = ANALYST) -> dict:
        return (await self.client.get(f"/v1/models{path}", headers=bearer(self.keys[role]))).json()

    async def registered(self, number: int = 0) -> dict:
        wanted = {"product": "consumer-credit", "version": self.versions[number].version}
        answer = await self.post("", OWNER, wanted)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def approved(self, number: int = 0) -> dict:
        model = await self.registered(number)
        await self.post(f"/{model['id']}/proposal", OWNER, WHY)
        answer = await self.post(f"/{model['id']}/approval", APPROVER, WHY)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def champion(self, number: int = 0) -> dict:
        model = await self.approved(number)
        answer = await self.post(f"/{model['id']}/role", OWNER, WHY | {"role": "champion"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def folder_of(self, model: dict):
        return self.house.settings.models / model["name"] / model["version"]


@pytest.fixture
async def office(database: Database, tmp_path) -> AsyncIterator[Office]:
    versions = a_models_folder(tmp_path / "models", versions=3)
    async with a_house(tmp_path, database) as house, the_api(house.settings) as client:
        keys = {role: await house.key_for(role) for role in (OWNER, APPROVER, ANALYST, Role.CHANNEL)}
        yield Office(client, house, keys, versions)
        await house.must_verify()


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The sentence, once it was refused as it should be."""
    problem = problem_of(answer)
    assert (answer.status_code, problem["code"]) == (status, code), problem
    return problem["detail"]


async def test_a_version_goes_from_the_shelf_to_champion_by_two_people(office: Office):
    model = await office.champion()
    shown = await office.get(f"/{model['id']}")
    assert (shown["state"], shown["role"], shown["version"]) == ("approved", "champion", office.versions[0].version)
    assert shown["approved_by"].startswith("model_approver")
    assert shown["proposed_by"].startswith("model_owner")
    assert {"auc", "auc_interval", "ks", "gini", "brier", "ece"} <= shown["metrics"].keys()
    assert {"digest", "rows", "target_rate"} <= shown["data"].keys()
    assert "amount" in shown["features"]


async def test_the_same_person_cannot_propose_and_approve_whatever_keys_they_hold(office: Office):
    both = await office.house.key_for(OWNER, APPROVER)
    model = await office.registered()
    await office.client.post(f"/v1/models/{model['id']}/proposal", json=WHY, headers=bearer(both))
    answer = await office.client.post(f"/v1/models/{model['id']}/approval", json=WHY, headers=bearer(both))
    assert "Four eyes" in refused(answer, 403, "self_approval")


async def test_nothing_goes_live_without_approval(office: Office):
    model = await office.registered()
    answer = await office.post(f"/{model['id']}/role", OWNER, WHY | {"role": "champion"})
    assert "not approved" in refused(answer, 409, "model_not_approved")
    assert (await office.get(f"/{model['id']}"))["role"] is None


async def test_the_roles_of_people_are_kept_apart(office: Office):
    model = await office.registered()
    for role, what in ((APPROVER, "proposal"), (OWNER, "approval"), (OWNER, "rejection"), (ANALYST, "role")):
        body = WHY | ({"role": "champion"} if what == "role" else {})
        refused(await office.post(f"/{model['id']}/{what}", role, body), 403, "not_allowed")
    refused(await office.client.get("/v1/models", headers=bearer(office.keys[Role.CHANNEL])), 403, "not_allowed")


@pytest.mark.parametrize("file", ["model.cbm", "calibration.json", "manifest.json", "report.json"])
async def test_a_file_that_was_tampered_with_is_refused_and_the_champion_keeps_serving(office: Office, file: str):
    live, new = await office.champion(0), await office.approved(1)
    place = office.folder_of(new) / file
    place.write_bytes(place.read_bytes().replace(b"1", b"2", 1) + b" ")
    answer = await office.post(f"/{new['id']}/role", OWNER, WHY | {"role": "champion"})
    refused(answer, 503, "model_refused")
    assert (await office.get("/consumer-credit"))["id"] == live["id"]


async def test_a_version_put_together_anew_with_fitting_digests_is_not_the_one_registered(office: Office):
    """Manifest and files agree with each other, and not with what Postgres knows."""
    model, other = await office.registered(0), office.versions[1]
    await office.post(f"/{model['id']}/proposal", OWNER, WHY)
    place = office.folder_of(model)
    shutil.rmtree(place)
    shutil.copytree(place.parent / other.version, place)
    answer = await office.post(f"/{model['id']}/approval", APPROVER, WHY)
    assert "not the one that was registered" in refused(answer, 503, "model_refused")


async def test_a_pickle_in_the_folder_is_refused(office: Office):
    model = await office.registered()
    (office.folder_of(model) / "extra.pkl").write_bytes(b"cos\nsystem\n")
    answer = await office.post(f"/{model['id']}/proposal", OWNER, WHY)
    assert "pickle" in refused(answer, 503, "model_refused")


async def test_a_version_that_is_gone_cannot_be_approved(office: Office):
    model = await office.registered()
    await office.post(f"/{model['id']}/proposal", OWNER, WHY)
    shutil.rmtree(office.folder_of(model))
    refused(await office.post(f"/{model['id']}/approval", APPROVER, WHY), 503, "model_unavailable")
    assert (await office.get(f"/{model['id']}"))["state"] == "proposed"


async def test_a_version_without_a_report_cannot_be_proposed(office: Office):
    office.versions[0] = without_report(office.house.settings.models, office.versions[0])
    model = await office.registered()
    answer = await office.post(f"/{model['id']}/proposal", OWNER, WHY)
    assert "no report" in refused(answer, 400, "model_without_report")


async def test_a_version_is_not_released_for_another_product(office: Office):
    model = await office.approved()
    for product, status, code in (("car-loans", 404, "not_found"),):
        wanted = WHY | {"role": "champion", "product": product}
        refused(await office.post(f"/{model['id']}/role", OWNER, wanted), status, code)


async def test_what_is_unknown_is_one_sentence(office: Office):
    answer = await office.client.get("/v1/models/mdl_nobody", headers=bearer(office.keys[ANALYST]))
    assert "There is no model mdl_nobody" in refused(answer, 404, "not_found")
    wanted = {"product": "consumer-credit", "version": "../../etc"}
    refused(await office.post("", OWNER, wanted), 503, "model_refused")
    wanted["version"] = "0123456789ab"
    refused(await office.post("", OWNER, wanted), 503, "model_unavailable")


async def test_the_list_goes_on_where_it_ended_and_can_be_narrowed(office: Office):
    for number in range(3):
        await office.registered(number)
    first = await office.get("?limit=2")
    rest = await office.get(f"?limit=2&after={first['after']}")
    assert [len(first["data"]), len(rest["data"]), rest["has_more"]] == [2, 1, False]
    assert await office.get("?state=approved") == {"data": [], "has_more": False, "after": None}


async def test_its_story_names_who_did_what_and_why(office: Office):
    model = await office.champion()
    told = await office.get(f"/{model['id']}/history")
    kinds = [entry["kind"] for entry in told["data"]]
    assert kinds == ["model.registered", "model.proposed", "model.approved", "model.role_changed"]
    assert told["data"][1]["reason"] == WHY["reason"]


async def test_a_challengers_role_can_be_left_empty_again(office: Office):
    await office.champion(0)
    new = await office.approved(1)
    given = await office.post(f"/{new['id']}/role", OWNER, WHY | {"role": "challenger", "share": 0.25})
    assert given.json()["roles"][0]["share"] == 0.25
    path = "/v1/models/consumer-credit/roles/challenger"
    for _ in range(2):
        answer = await office.client.delete(path, params=WHY, headers=bearer(office.keys[OWNER]))
        assert answer.status_code == 200
    assert (await office.get(f"/{new['id']}"))["roles"] == []


async def test_a_home_that_named_its_live_model_in_a_file_goes_on_with_it(database: Database, tmp_path):
    manifest = a_models_folder(tmp_path / "models")[0]
    file = tmp_path / "models" / manifest.name / "live.json"
    file.write_text(f'{{"version": "{manifest.version}"}}')
    async with a_house(tmp_path, database) as house, the_api(house.settings):
        from starter.models.adopting import adopt_what_was_live

        await adopt_what_was_live(house.ports)
        lineup = await house.ports.registry.lineup(manifest.name)
        assert lineup.champion is not None
        assert (lineup.champion.digest, file.exists()) == (manifest.digest, False)
        await house.must_verify()


async def test_two_versions_are_compared_on_rows_neither_has_learnt_from(office: Office):
    """The quick versions learnt from all there is, so there is none, and that is what is said."""
    one, other = await office.registered(0), await office.registered(1)
    found = await office.get(f"/{one['id']}/comparison?other={other['id']}")
    assert (found["rows"], found["difference"]) == (0, None)
    assert "no labelled row" in found["sentence"]
