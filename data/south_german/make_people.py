"""Write `people.csv`: a made-up name and date of birth for each row of the South German set.

    python data/south_german/make_people.py

No clock and no randomness: the same rows give the same people. The age on 1 January 2026
equals the row's `age`, because everybody's birthday falls between 2 January and 31 December.
"""

import csv
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
AGES_HOLD_ON = date(2026, 1, 1)
BIRTHDAYS = 364  # 2 January to 31 December of a common year

# fmt: off
GIVEN_NAMES = (
    "Anneliese", "Jürgen", "Käthe", "Günther", "Zeynep", "Björn", "Wolfgang", "Ayşe", "Dörte", "Matthäus",
    "Ilse", "Jörg", "Magdalena", "Dragan", "Brünhilde", "Ömer", "Hannelore", "Søren", "Ursula", "Götz",
    "Amélie", "Rüdiger", "Fatima", "Veit", "Änne", "Klaus", "Giovanna", "Lothar", "Elżbieta", "Tünde",
    "Heinrich", "Mirjana", "Xaver", "Renate", "Nguyen", "Ottilie", "Ekaterina", "Volker", "Sabine",
    "Detlef", "Lucía",
)
FAMILY_NAMES = (
    "Müller", "Schäfer", "Größ", "Özdemir", "Kowalczyk", "Weiß", "Bäumler", "Jäger", "Nováková", "Köhler",
    "Lindqvist", "Rößler", "Haberl", "Yıldız", "Vögele", "Petrović", "Strauß", "Zöllner", "Brandstätter",
    "Papadopoulos", "Dürr", "Ahmadi", "Fürst", "Hölderle", "Santos", "Krämer", "Nußbaum", "Ivanova", "Böhm",
    "Süßmilch", "Aigner", "Tran", "Wörner", "Lang", "Überall", "Okafor", "Schönfeld", "Maier", "Hübner",
    "Eßer", "Rossi", "Gänslmaier", "Vogt",
)
# fmt: on


def make_people() -> list[dict[str, str]]:
    with (HERE / "south_german_credit.csv").open(newline="") as table:
        ages = [int(row["age"]) for row in csv.DictReader(table)]
    return [person(number, age) for number, age in enumerate(ages, start=1)]


def person(number: int, age: int) -> dict[str, str]:
    return {
        "reference": f"SGC-{number:04d}",
        "name": name_of(number),
        "date_of_birth": date_of_birth(number, age).isoformat(),
    }


def name_of(number: int) -> str:
    """The two lists have 41 and 43 entries, so the first 1,763 full names are all different."""
    return f"{GIVEN_NAMES[number % len(GIVEN_NAMES)]} {FAMILY_NAMES[number % len(FAMILY_NAMES)]}"


def date_of_birth(number: int, age: int) -> date:
    """Turned `age` in the course of the year before; steps of 149 days spread the birthdays over it."""
    second_of_january = date(AGES_HOLD_ON.year - 1 - age, 1, 2)
    return second_of_january + timedelta(days=number * 149 % BIRTHDAYS)


def main() -> None:
    with (HERE / "people.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["reference", "name", "date_of_birth"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(make_people())


if __name__ == "__main__":
    main()
