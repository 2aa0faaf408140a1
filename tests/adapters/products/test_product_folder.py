"""Product packs: read, refused in one sentence, checked for wholeness."""

import shutil
from pathlib import Path

import pytest

from plimsoll.adapters.products import ProductFolder
from plimsoll.adapters.products.folder import ProductUnreadable
from plimsoll.domain.errors import NotFound
from tests.applicants import PRODUCTS

PACK = "consumer-credit"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(PRODUCTS / PACK, tmp_path / PACK)
    return tmp_path


def edit(folder: Path, file: str, old: str, new: str) -> ProductFolder:
    path = folder / PACK / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return ProductFolder(folder)


def test_the_shipped_packs_are_whole():
    shipped = ProductFolder(PRODUCTS)
    assert PACK in shipped.names()
    assert {name: shipped.check(name) for name in shipped.names()} == {name: [] for name in shipped.names()}


def test_a_pack_in_an_earlier_folder_hides_the_shipped_one_and_others_stay(folder):
    (folder / PACK / "product.toml").write_text(
        (PRODUCTS / PACK / "product.toml").read_text().replace('title = "Consumer credit"', 'title = "Ours"')
    )
    products = ProductFolder(folder, PRODUCTS)
    assert products.get(PACK).title == "Ours"
    assert products.place_of(PACK) == folder / PACK
    assert ProductFolder(folder / "nowhere", PRODUCTS).get(PACK).title == "Consumer credit"


def test_a_pack_that_appears_is_found_without_a_restart(folder, tmp_path):
    products = ProductFolder(tmp_path / "own", PRODUCTS, looks_every=60)
    assert "mine" not in products.names()
    shutil.copytree(PRODUCTS / PACK, tmp_path / "own" / "mine")
    pack = tmp_path / "own" / "mine" / "product.toml"
    pack.write_text(pack.read_text().replace(f'id = "{PACK}"', 'id = "mine"'))
    assert products.get("mine").id == "mine"


def test_one_broken_pack_does_not_hide_the_others(folder):
    shutil.copytree(PRODUCTS / PACK, folder / "broken")
    (folder / "broken" / "product.toml").write_text("[[[")
    assert [product.id for product in ProductFolder(folder).all()] == [PACK]


def test_an_unknown_product_names_the_known_ones():
    with pytest.raises(NotFound, match="consumer-credit"):
        ProductFolder(PRODUCTS).get("mortgage")


@pytest.mark.parametrize("name", ["..", "../consumer-credit", "consumer-credit/cases", ""])
def test_a_product_id_is_no_path(name):
    with pytest.raises(NotFound):
        ProductFolder(PRODUCTS).get(name)


def test_a_changed_file_gives_another_digest_without_a_restart(folder):
    products = ProductFolder(folder)
    before = products.get(PACK).digest
    policy = folder / PACK / "policy.json"
    policy.write_text(policy.read_text() + "\n")
    assert products.get(PACK).digest != before


def test_broken_toml_is_said_in_one_sentence(folder):
    with pytest.raises(ProductUnreadable, match=r"consumer-credit/product\.toml is not TOML: .* line 1"):
        edit(folder, "product.toml", "# Consumer credit on", "[[[").get(PACK)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("product.toml", 'lane = "express"', 'lane = "rocket"', "product.toml: `lane`"),
        ("product.toml", "loss_given_default = 0.45", 'loss_given_default = "much"', "`risk.loss_given_default`"),
        ("product.toml", 'title = "Consumer credit"', 'titel = "Consumer credit"', "`title`"),
        ("product.toml", 'id = "consumer-credit"', 'id = "another"', "the folder's name"),
        ("reasons.toml", 'code = "savings"', 'kode = "savings"', "reasons.toml: `reasons"),
        (
            "product.toml",
            "[offers]",
            '[[monitoring.rules]]\nname = "x"\nmeasure = "psi"\nabove = 0.1\naction = "roll_back"\n[offers]',
            "the old model sees the same input",
        ),
    ],
)
def test_a_wrong_key_is_named_with_its_file(folder, file, old, new, told):
    with pytest.raises(ProductUnreadable) as refused:
        edit(folder, file, old, new).get(PACK)
    assert told in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("reasons.toml", 'concepts = ["savings"]', "concepts = []", "no reason speaks for 'savings'"),
        ("product.toml", 'path = "request.amount"', 'path = "applicant.date_of_birth"', "which is protected"),
        ("product.toml", 'path = "request.amount"', 'path = "request.wish"', "no field and no source declares"),
        ("product.toml", 'evidence = ["checking_state", "savings_band"]', 'evidence = ["savings_band"]', "no source"),
        ("product.toml", 'path = "bureau.bureau_score"', 'path = "bureau.rating"', "which no [[evidence]] describes"),
        ("policy.json", '"field": "request.purpose"', '"field": "applicant.sex"', "applicant.sex, which is protected"),
        ("reasons.toml", 'code = "wrong_product"', 'code = "other"', "wrong_product, which reviewers may choose"),
        ("reasons.toml", 'code = "insolvency"', 'code = "bankruptcy"', "K-INSOLVENT gives the reason 'insolvency'"),
        ("reasons.toml", 'text.de = "Ersparnisse: {value}"', "", "savings has no sentence in 'de'"),
        ("product.toml", 'purpose = "furniture"', 'purpose = "world tour"', "example.purpose"),
    ],
)
def test_a_pack_that_is_not_whole_says_what_to_do(folder, file, old, new, told):
    problems = edit(folder, file, old, new).check(PACK)
    assert any(told in problem for problem in problems), problems


def test_a_pack_that_cannot_be_read_is_one_problem(folder):
    assert len(edit(folder, "product.toml", 'lane = "express"', "lane = 7").check(PACK)) == 1
