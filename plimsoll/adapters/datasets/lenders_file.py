"""A lender's own table as labelled examples and as applications, read as the pack's `[training]` says."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll.adapters.datasets.tables import Form, Table, TableUnreadable, read_table
from plimsoll.domain.lenders_file import columns
from plimsoll.domain.lenders_file.labels import BAD, NOT_YET, Target, endings
from plimsoll.domain.models.examples import Column, Examples
from plimsoll.domain.underwriting.product import FeatureKind, FeatureSpec, FieldKind, FileColumn, Product

CENT = Decimal("0.01")
YOUNGEST, OLDEST = 15, 115
AGES = (25, 40, 61)  # 62 and older: Reg B 1002.2(o)


class LendersFile:
    """`pack` is the product's folder: a file that is named without a full path lies there."""

    def __init__(self, product: Product, pack: Path) -> None:
        self._product, self._terms = product, product.training
        self._path = pack / self._terms.file
        self._specs = {spec.name: spec for spec in product.features}

    def examples(self) -> Examples:
        """Every row that has ended. Raises TableUnreadable when the file is gone or has other columns."""
        table = self._table()
        ended = self._endings(table)
        rows = np.flatnonzero(ended != NOT_YET)
        read = {column.name: self._feature(table, column)[rows] for column in self._terms.columns}
        return Examples(
            columns={name: read[name] for name in self._specs if name in read},
            bad=ended[rows] == BAD,
            applied_on=self._days(table, self._terms.applied_on, rows),
            label_known_on=self._days(table, self._terms.label_known_on, rows),
            groups={column.name: self._group(table, column)[rows] for column in self._terms.groups},
            references=self._references(table)[rows],
        )

    def applications(self, sample: int, seed: int = 0) -> Iterator[dict[str, Any]]:
        """Some rows as `POST /v1/applications` takes them, but for those that lack what every application needs."""
        table = self._table()
        read = {column.name: self._feature(table, column) for column in self._terms.columns}
        references = self._references(table)
        given = 0
        for row in np.random.default_rng(seed).permutation(len(table)):
            body = self._body(str(references[row]), {name: values[row] for name, values in read.items()})
            if body is not None:
                yield body
                given += 1
            if given == sample:
                return

    def _table(self) -> Table:
        terms = self._terms
        if not terms.target:
            raise TableUnreadable(f"{self._product.id}: `[training]` names no `target`; name the column.")
        form = Form(encoding=terms.encoding, separator=terms.separator, quote=terms.quote)
        wanted = {terms.target, terms.reference, terms.applied_on, terms.label_known_on}
        wanted |= {column.column for column in (*terms.columns, *terms.groups)}
        return read_table(self._path, form, wanted - {""})

    def _endings(self, table: Table) -> Any:
        terms = self._terms
        target = Target(column=terms.target, bad_values=terms.bad_values, good_values=terms.good_values)
        return endings(table.column(terms.target), target)

    def _feature(self, table: Table, column: FileColumn) -> Column:
        spec = self._specs.get(column.name)
        if spec is None:
            raise TableUnreadable(
                f"{self._product.id}: `[training]` reads {column.column!r} as {column.name!r}, which is no feature; "
                "remove the entry or add the feature."
            )
        return self._values(table, column, spec.kind, spec.values)

    def _group(self, table: Table, column: FileColumn) -> Column:
        text = table.column(column.column)
        if column.kind is FeatureKind.NUMBER:
            return in_bands(self._values(table, column, FeatureKind.NUMBER, ()))
        return columns.in_values(text, tuple(text.words), column.missing)

    def _values(self, table: Table, column: FileColumn, kind: FeatureKind, allowed: tuple[str, ...]) -> Column:
        text = table.column(column.column)
        if kind is not FeatureKind.NUMBER:
            return columns.in_values(text, allowed, column.missing)
        values = columns.numbers(text.words, self._terms.decimal, column.missing)
        return text.spread(values / column.divide_by, np.nan)

    def _days(self, table: Table, heading: str, rows: Any) -> Column | None:
        if not heading:
            return None
        text = table.column(heading)
        return text.spread(columns.days(text.words), np.datetime64("NaT"))[rows]

    def _references(self, table: Table) -> Column:
        """The lender's own numbers, or the row's place in the file: the same in every run."""
        if self._terms.reference:
            text = table.column(self._terms.reference)
            return text.spread(np.array([*text.words, ""], dtype=object)[:-1], "")
        return np.array([f"ROW-{row:07d}" for row in range(1, len(table) + 1)], dtype=object)

    def _body(self, reference: str, values: dict[str, Any]) -> dict[str, Any] | None:
        """The example application with this row's values in place of its own."""
        body = without_features(self._product)
        body["external_id"] = body["applicant"]["id"] = reference[:80] or "ROW"
        body["applicant"]["name"] = f"Applicant {reference[:80]}"
        kinds = {field.path: field.kind for field in self._product.fields}
        for name, value in values.items():
            if not _is_known(value):
                continue
            path = self._specs[name].path.removeprefix("request.")
            _put(body, path, _as_sent(self._specs[name], kinds.get(path, FieldKind.DECIMAL), value))
        return body if _can_be_sent(self._product, body) else None


def in_bands(numbers: Column) -> Column:
    """A report on groups needs groups: ages by the limits that law and practice know, other numbers by quarters."""
    known = numbers[~np.isnan(numbers)]
    looks_like_age = len(known) > 0 and known.min() >= YOUNGEST and known.max() <= OLDEST
    edges: Any = (
        np.array(AGES) if looks_like_age else np.unique(np.quantile(known, (0.25, 0.5, 0.75))) if len(known) else []
    )
    names = [f"up to {edge:g}" for edge in edges] + ([f"over {edges[-1]:g}"] if len(edges) else ["any"])
    places = np.searchsorted(edges, numbers, side="left")
    return np.array([None if number != number else names[place] for number, place in zip(numbers, places, strict=True)])


def without_features(product: Product) -> dict[str, Any]:
    """The example application, but for what the model would read in it: the frame stays whole."""
    body = {key: dict(value) if isinstance(value, dict) else value for key, value in product.example.items()}
    for field in product.fields:
        section, _, name = field.path.rpartition(".")
        (body.get(section, {}) if section else body).pop(name, None)
    return body


def _is_known(value: Any) -> bool:
    return value is not None and value == value  # NaN is the one value unlike itself


def _as_sent(spec: FeatureSpec, kind: FieldKind, value: Any) -> Any:
    if spec.path == "request.term_months":
        return int(value)
    if kind is FieldKind.DECIMAL:
        return str(Decimal(str(float(value))).quantize(CENT, ROUND_HALF_UP))
    if kind is FieldKind.NUMBER:
        return int(value) if float(value).is_integer() else float(value)
    return value


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    section, _, name = path.rpartition(".")
    (body.setdefault(section, {}) if section else body)[name] = value


def _can_be_sent(product: Product, body: dict[str, Any]) -> bool:
    from plimsoll.domain.errors import FieldsInvalid
    from plimsoll.domain.underwriting.application import read_body

    try:
        read_body(product, body)
    except FieldsInvalid:
        return False
    return True
