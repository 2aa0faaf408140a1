"""A process is ready when its first case would wait for nothing."""

from plimsoll.domain.access import Role
from tests.builders import a_sound_application
from tests.house import House, bearer, the_api
from tests.starter.conftest import Door


async def test_who_is_ready_has_read_model_and_policy_before_anybody_applied(running_house: House):
    async with the_api(running_house.settings) as api:
        ports = api.app.state.running.ports  # type: ignore[attr-defined]
        product = ports.products.get("consumer-credit")
        champion = (await ports.live.lineup(product.model)).must_have_champion()
        assert champion.digest in ports.scorer._loaded
        assert ports.policies.pin(product).digest in ports.policies._compiled
        assert (await api.get("/readyz")).status_code == 200


async def test_a_process_that_warms_up_says_so_and_accepts_meanwhile(door: Door):
    rehearsed = door.client.app.state.running.rehearsed  # type: ignore[attr-defined]
    rehearsed.clear()
    not_ready = await door.client.get("/readyz")
    assert (not_ready.status_code, not_ready.json()["parts"]["decider"]) == (503, "warming up")
    assert (await door.apply(a_sound_application())).status_code in (201, 202)
    rehearsed.set()
    assert "decider" not in (await door.client.get("/readyz")).json()["parts"]


async def test_without_a_hot_worker_there_is_nothing_to_warm(running_house: House):
    async with the_api(running_house.settings.model_copy(update={"hot_worker": False})) as api:
        assert (await api.get("/readyz")).status_code == 200
        assert api.app.state.running.ports.scorer._loaded == {}  # type: ignore[attr-defined]


async def test_without_any_model_it_is_ready_all_the_same(running_house: House, tmp_path):
    settings = running_house.settings.model_copy(update={"models_dir": tmp_path})
    key = await running_house.key_for(Role.CHANNEL)
    async with the_api(settings) as api:
        assert (await api.get("/readyz")).status_code == 200
        assert (await api.get("/v1/products", headers=bearer(key))).status_code == 200
