"""Files as a lender might bring them: made here, with a known structure, and no real person in them."""

import csv
from pathlib import Path

import numpy as np

GOOD, BAD = "zurückgezahlt", "ausgefallen"


def a_lenders_file(
    folder: Path,
    rows: int = 600,
    name: str = "kredite.csv",
    separator: str = ";",
    decimal: str = ",",
    encoding: str = "cp1252",
    seed: int = 7,
) -> Path:
    """Semicolons, decimal commas, an old encoding, words as target, gaps, odd headings, leaks and private things."""
    random = np.random.default_rng(seed)
    amount = np.round(random.lognormal(8.5, 0.6, rows), 2)
    term = random.choice([12, 24, 36, 48, 60], rows)
    income = np.round(random.lognormal(7.9, 0.4, rows), 2)
    late = random.poisson(0.6, rows)
    ratio = random.uniform(0, 1, rows)
    risk = -2.6 + 0.9 * late + 1.6 * ratio + 0.012 * term - 0.00015 * income
    bad = random.random(rows) < 1 / (1 + np.exp(-risk))
    columns = {
        "Vertrags-Nr": [f"K{100000 + row}" for row in range(rows)],
        "Kreditbetrag": _written(amount, decimal),
        "Laufzeit": term,
        "Nettoeinkommen": _written(income, decimal),
        "Anzahl Verspätungen": _with_gaps(late, random, 0.4, "unbekannt"),
        "class": random.choice(["A", "B", "C"], rows, p=[0.5, 0.3, 0.2]),
        "1. Quote": _written(np.round(ratio, 4), decimal),
        "Zweck": random.choice(["Auto", "Möbel", "Reise"], rows),
        "Kontostand": np.where(random.random(rows) < 0.1, 9999, random.integers(0, 300, rows)),
        "Geschlecht": random.choice(["m", "w"], rows),
        "Alter": random.integers(19, 75, rows),
        "PLZ": random.integers(10000, 99999, rows),
        "Antragsdatum": [f"{1 + row % 28:02d}.{1 + row % 12:02d}.2023" for row in range(rows)],
        "recoveries": _written(np.where(bad, np.round(amount * 0.3, 2), 0.0), decimal),
        "Bemerkung": [f"Gespräch Nummer {row} mit dem Kunden" for row in range(rows)],
        "Land": ["DE"] * rows,
        "Status": np.where(bad, BAD, GOOD),
    }
    path = folder / name
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def _written(numbers: np.ndarray, decimal: str) -> list[str]:
    return [str(number).replace(".", decimal) for number in numbers.tolist()]


def _with_gaps(values: np.ndarray, random: np.random.Generator, share: float, word: str) -> list[str]:
    gone = random.random(len(values)) < share
    return [word if absent else str(value) for value, absent in zip(values.tolist(), gone, strict=True)]
