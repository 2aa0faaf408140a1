"""One product's broken rules are nobody else's trouble."""

from types import SimpleNamespace
from typing import Any

import pytest

from plimsoll.domain.underwriting.policy import Policy, PolicyUnreadable
from plimsoll.domain.underwriting.product import Product
from starter.policies import PolicyDesk
from tests.applicants import the_policy, the_product

SOUND = the_product()
BROKEN = SOUND.model_copy(update={"id": "broken"})


class Rules:
    """The shipped rules for one product, none that can be read for the other."""

    def policy(self, product: Product) -> Policy:
        if product is BROKEN:
            raise PolicyUnreadable("broken/policy.json is not JSON.")
        return the_policy().policy(SOUND)

    def trial(self, product: Product) -> Any:
        return SimpleNamespace(policy=self.policy(product))


class Kept(list[str]):
    async def keep(self, product: str, policy: Policy, now: Any) -> None:
        self.append(product)


@pytest.fixture
def ports() -> Any:
    both = SimpleNamespace(all=lambda: [BROKEN, SOUND])
    return SimpleNamespace(products=both, policies=Rules(), policy_versions=Kept())


async def test_the_others_are_kept(ports: Any):
    await PolicyDesk(ports).keep_what_is_in_force()
    assert ports.policy_versions == [SOUND.id]


async def test_the_list_says_what_is_wrong_with_it_and_shows_the_others(ports: Any):
    broken, sound = await PolicyDesk(ports).listed()
    assert broken == {"product": "broken", "title": SOUND.title, "problem": "broken/policy.json is not JSON."}
    assert sound["rules"] == len(the_policy().policy(SOUND).rules)
