import csv
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from sandbox.generated import generate
from sandbox.people import SOUTH_GERMAN, People

NEW_YEAR = date(2026, 1, 1)


def test_the_sandbox_knows_the_same_people_when_the_labels_are_gone(tmp_path: Path):
    shutil.copy(SOUTH_GERMAN / "people.csv", tmp_path)
    with (SOUTH_GERMAN / "south_german_credit.csv").open(newline="") as labelled:
        rows = list(csv.DictReader(labelled))
    with (tmp_path / "south_german_credit.csv").open("w", newline="") as unlabelled:
        writer = csv.DictWriter(unlabelled, [column for column in rows[0] if column != "credit_risk"])
        writer.writeheader()
        writer.writerows({column: row[column] for column in writer.fieldnames} for row in rows)

    assert People(tmp_path).real() == People().real()


def test_everybody_is_as_old_on_new_years_day_as_their_row_says():
    with (SOUTH_GERMAN / "south_german_credit.csv").open(newline="") as table:
        ages = [int(row["age"]) for row in csv.DictReader(table)]

    assert [age_on(NEW_YEAR, person.date_of_birth) for person in People().real()] == ages


def test_the_shipped_people_are_those_the_script_makes(tmp_path: Path):
    for file in ("make_people.py", "south_german_credit.csv"):
        shutil.copy(SOUTH_GERMAN / file, tmp_path)
    subprocess.run([sys.executable, tmp_path / "make_people.py"], check=True)

    assert (tmp_path / "people.csv").read_bytes() == (SOUTH_GERMAN / "people.csv").read_bytes()


def test_no_two_real_people_share_a_name():
    assert len({person.name for person in People().real()}) == 1000


def test_no_real_person_has_a_score_a_telephone_or_a_mark_against_them():
    for person in People().real():
        assert (person.score, person.telephone, person.fraud_alert) == (None, None, None)
        assert (person.sanctions_hit, person.insolvent, person.deceased) == (False, False, False)


def test_a_reference_is_always_the_same_generated_person():
    assert generate("GEN-42") == generate("GEN-42")


def test_generated_people_look_like_the_real_set():
    overdrawn = sum(generate(f"GEN-{number}").checking_state == "overdrawn" for number in range(2000))

    assert 0.22 < overdrawn / 2000 < 0.32  # 26.9 % of the real ones


def test_the_readme_tells_of_every_persona():
    readme = (Path(__file__).parents[2] / "sandbox" / "README.md").read_text()

    assert [persona["reference"] for persona in People().personas() if persona["reference"] not in readme] == []


def age_on(day: date, born: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
