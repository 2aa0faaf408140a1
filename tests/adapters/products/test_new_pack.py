"""A pack made from a lender's own file: whole, readable, never over another, and training finds its rows."""

from pathlib import Path

import numpy as np
import pytest

from plimsoll.adapters.policies import ZenPolicyEngine
from plimsoll.adapters.products import ProductFolder
from plimsoll.domain.errors import Conflict, InvalidRequest
from plimsoll.domain.lenders_file.labels import TargetUnclear
from plimsoll.domain.lenders_file.own_data import Wishes
from plimsoll.domain.lenders_file.own_product import Draft
from plimsoll.domain.underwriting.application import read_body
from plimsoll.domain.underwriting.product import Direction, FeatureKind, FieldKind, KnownAt, Loader
from plimsoll.settings import Settings
from plimsoll.wiring.labelled import labelled_examples
from starter.models.own_data import Order, new_product, sample_rows
from tests.applicants import FIRST_OF_JUNE
from tests.lenders_files import BAD, a_lenders_file

ROWS = 600


def in_silence(text: str, done: int, of: int) -> None:
    pass


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_lenders_file(tmp_path_factory.mktemp("file"), ROWS)


@pytest.fixture(scope="module")
def made(settings: Settings, file: Path) -> tuple[Draft, Path]:
    return new_product(Order(name="kredit", file=file, target=f"Status={BAD}"), settings, in_silence)


@pytest.fixture(scope="module")
def packs(settings: Settings, made: tuple[Draft, Path]) -> ProductFolder:
    return ProductFolder(settings.own_products, settings.products_dir)


def test_the_pack_is_whole_its_rules_are_sound_and_its_cases_hold(packs, settings):
    engine, product = ZenPolicyEngine(settings.own_products), packs.get("kredit")
    assert packs.check("kredit") == []
    assert engine.check(product) == []
    assert [case for case in engine.run_cases(product) if not case.passed] == []


def test_it_stands_beside_the_shipped_ones(packs):
    assert {"kredit", "consumer-credit"} <= set(packs.names())


def test_the_file_was_understood(packs):
    terms = packs.get("kredit").training
    assert terms.loader is Loader.FILE
    assert (terms.separator, terms.decimal, terms.encoding) == (";", ",", "cp1252")
    assert (terms.target, terms.bad_values) == ("Status", (BAD,))
    assert (terms.reference, terms.applied_on) == ("Vertrags-Nr", "Antragsdatum")
    assert {group.name for group in terms.groups} == {"geschlecht", "alter"}


def test_its_cases_wait_in_a_queue_of_its_own(packs):
    """Not among those of the shipped product, of which a demo leaves fifty."""
    assert packs.get("kredit").review.queue == "kredit"


def test_leaks_private_things_and_free_text_are_no_features(packs):
    features = {feature.name for feature in packs.get("kredit").features}
    assert features == {
        "amount", "term_months", "monthly_income", "anzahl_verspatungen", "class_given", "n_1_quote", "zweck",
        "kontostand",
    }  # fmt: skip


def test_reasons_are_said_in_german_where_the_heading_is_known_and_named_as_they_are_elsewhere(packs):
    text = {reason.code: reason.text["de"] for reason in packs.get("kredit").reasons}
    assert text["kontostand"] == "Kontostand: {value}"
    assert text["class_given"].startswith("Angabe „")


def test_a_direction_is_suggested_with_its_figures_and_in_force_for_nobody(made, packs):
    text = (made[1] / "product.toml").read_text()
    assert "# SUGGESTION: bads" in text
    assert '# direction = "up"' in text
    assert {feature.direction for feature in packs.get("kredit").features} == {Direction.FREE}


def test_an_uncommented_suggestion_is_in_force(made, packs, tmp_path):
    text = (made[1] / "product.toml").read_text().replace("# direction =", "direction =")
    import shutil

    shutil.copytree(made[1], tmp_path / "kredit")
    (tmp_path / "kredit" / "product.toml").write_text(text)
    directed = {
        f.name: f.direction for f in ProductFolder(tmp_path).get("kredit").features if f.direction is not Direction.FREE
    }
    assert directed["anzahl_verspatungen"] is Direction.UP


def test_the_example_is_the_middle_and_nobodys_row(packs):
    product = packs.get("kredit")
    read_body(product, product.example)
    bodies = list(sample_rows_of(packs, ROWS))
    assert all(body["financial"] != product.example["financial"] for body in bodies)


def sample_rows_of(packs: ProductFolder, count: int):
    from plimsoll.adapters.datasets.lenders_file import LendersFile

    return LendersFile(packs.get("kredit"), packs.place_of("kredit")).applications(count)


def test_rows_of_the_file_are_applications_of_the_product(packs, settings):
    bodies = list(sample_rows("kredit", 25, 0, settings))
    product = packs.get("kredit")
    assert len(bodies) == 25
    assert len({body["external_id"] for body in bodies}) == 25
    for body in bodies:
        read_body(product, body)
    assert any("anzahl_verspatungen" not in body["financial"] for body in bodies)  # nobody knows it: it is not sent


def test_training_reads_the_rows_as_an_application_would_send_them(packs, settings):
    product = packs.get("kredit")
    examples = labelled_examples(settings, product, FIRST_OF_JUNE)
    assert len(examples) == ROWS
    assert set(examples.columns) == {feature.name for feature in product.features}
    assert examples.columns["amount"].dtype == np.float64
    assert 0.3 < np.isnan(examples.columns["anzahl_verspatungen"]).mean() < 0.5
    assert np.isnan(examples.columns["kontostand"]).mean() > 0.05  # 9999 means nobody knows
    assert set(examples.columns["class_given"]) == {"A", "B", "C"}
    assert set(examples.groups["geschlecht"]) == {"m", "w"}
    assert set(examples.groups["alter"]) == {"up to 25", "up to 40", "up to 61", "over 61"}
    assert examples.applied_on is not None
    assert examples.applied_on.min() == np.datetime64("2023-01-01")
    assert examples.references is not None
    by_reference = dict(zip(examples.references, examples.columns["amount"], strict=True))
    body = next(iter(sample_rows("kredit", 1, 0, settings)))
    assert float(body["amount"]) == pytest.approx(by_reference[body["external_id"]])


def test_the_copied_file_is_for_its_owner_alone(made):
    copied = made[1] / "data" / "kredite.csv"
    assert copied.stat().st_mode & 0o077 == 0


def test_a_field_is_a_number_or_a_choice_and_says_what_the_file_holds(packs):
    fields = {field.path: field for field in packs.get("kredit").fields}
    assert fields["financial.n_1_quote"].kind is FieldKind.NUMBER
    assert fields["financial.class_given"].values == ("A", "B", "C")
    assert "missing in" in fields["financial.anzahl_verspatungen"].description
    assert not fields["financial.anzahl_verspatungen"].required
    assert fields["financial.zweck"].required


def test_whoever_keeps_a_suspected_column_vouches_for_it(tmp_path, file):
    settings = Settings(home=tmp_path)
    order = Order(name="kept", file=file, target=f"Status={BAD}", wishes=Wishes(keep=("recoveries",)))
    new_product(order, settings, in_silence)
    terms = ProductFolder(settings.own_products).get("kept").training
    assert terms.known_at == {"recoveries": KnownAt.APPLICATION}


def test_an_existing_pack_is_not_overwritten_and_force_keeps_the_old_one(settings, file, made):
    order = Order(name="kredit", file=file, target=f"Status={BAD}")
    with pytest.raises(Conflict, match="There is a product 'kredit' already"):
        new_product(order, settings, in_silence)
    import dataclasses

    (made[1] / "product.toml").write_text((made[1] / "product.toml").read_text() + "# mine\n")
    new_product(dataclasses.replace(order, force=True), settings, in_silence)
    assert "# mine" not in (made[1] / "product.toml").read_text()
    assert "# mine" in (made[1].with_name("kredit.before-1") / "product.toml").read_text()
    assert "kredit.before-1" not in ProductFolder(settings.own_products).names()


@pytest.mark.parametrize(
    ("order", "error", "told"),
    [
        ({"name": "consumer-credit"}, Conflict, "is shipped with Plimsoll; choose another name"),
        ({"name": "Two Words"}, InvalidRequest, "small letters, digits and dashes"),
        ({"target": "Statuss"}, TargetUnclear, "did you mean 'Status'"),
        ({"target": "Status"}, TargetUnclear, "say which of them is bad"),
        ({"target": "Status=gut"}, TargetUnclear, "'gut' is no value of 'Status'"),
        ({"target": "Land=DE"}, TargetUnclear, "every one of 600 applications ended badly"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_leaves_nothing(settings, file, order, error, told):
    with pytest.raises(error) as refused:
        new_product(Order(**{"name": "other", "file": file, "target": f"Status={BAD}", **order}), settings, in_silence)
    assert told in refused.value.message
    assert "\n" not in refused.value.message
    assert not (settings.own_products / "other").exists()
    assert not list(settings.own_products.glob(".making-*"))


def test_a_file_without_amount_term_or_income_still_makes_a_product(tmp_path):
    random = np.random.default_rng(1)
    score, bad = random.normal(size=400), random.random(400) < 0.3
    path = tmp_path / "plain.csv"
    path.write_text("x,y\n" + "".join(f"{value:.3f},{int(ended)}\n" for value, ended in zip(score, bad, strict=True)))
    settings = Settings(home=tmp_path / "home")
    new_product(Order(name="plain", file=path, target="y"), settings, in_silence)
    packs = ProductFolder(settings.own_products)
    assert packs.check("plain") == []
    assert [feature.kind for feature in packs.get("plain").features] == [FeatureKind.NUMBER]
