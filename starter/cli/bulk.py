"""Many applications from one file: each line stands alone, a bad one is named and the others go on."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

from plimsoll.domain.errors import FieldsInvalid, InvalidRequest, PlimsollError
from starter.cli.remote import ApiAway, Remote

AT_ONCE = 8


@dataclass
class Line:
    """One application of a file, or why its line is none."""

    number: int
    body: dict[str, Any] | None
    problem: PlimsollError | None = None


def read_applications(text: str, suffix: str, product: str | None, api: Remote) -> list[Line]:
    """Applications in a JSON object, JSON lines or CSV. Raises InvalidRequest for a file that holds none."""
    if not text.strip():
        raise InvalidRequest("There is no application in the file: it is empty.")
    if suffix.lower() == ".csv":
        lines = list(_csv_lines(text, product, api))
    elif (whole := _json_or_none(text)) is not None:
        bodies = whole if isinstance(whole, list) else [whole]
        lines = [_line(number, body) for number, body in enumerate(bodies, start=1)]
    else:
        lines = [_json_line(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
        _refuse_a_broken_whole(text, lines)
    for line in lines:
        if line.body is not None and product:
            line.body.setdefault("product", product)
    return lines


def send_all(
    api: Remote, lines: list[Line], wait: float, key: str | None
) -> Iterator[tuple[Line, dict[str, Any] | Exception]]:
    """Each line with its answer, in the order of the file, several under way at once.

    Raises ApiAway as soon as nobody answers: the lines behind it are not even tried.
    """
    away = Event()

    def send(line: Line) -> dict[str, Any] | Exception:
        if away.is_set():
            return ApiAway("")
        if line.body is None:
            return line.problem or InvalidRequest("This line holds no application.")
        headers = {"Idempotency-Key": key or _key_of(line.body)}
        if wait:
            headers["Prefer"] = f"wait={wait:.0f}"
        try:
            return api.post("/v1/applications", line.body, headers)[0]
        except ApiAway as error:
            away.set()
            return error
        except PlimsollError as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line, answer in zip(lines, pool.map(send, lines), strict=True):
            if isinstance(answer, PlimsollError) and len(lines) == 1:
                raise answer
            if isinstance(answer, ApiAway):
                raise ApiAway(
                    f"The API went away at line {line.number} of the file: send the whole file again when it is back, "
                    "what was taken in is found again. `plimsoll doctor` says more."
                )
            yield line, answer


def _key_of(body: dict[str, Any]) -> str:
    """The same content is the same application, however often the file is sent."""
    return "cli-" + hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:40]


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _refuse_a_broken_whole(text: str, lines: list[Line]) -> None:
    """A document over many lines with one slip in it is one mistake, and not as many as it has lines."""
    if any(line.body is not None for line in lines):
        return
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"This is not JSON: {error}.") from None


def _json_line(number: int, text: str) -> Line:
    try:
        return _line(number, json.loads(text))
    except ValueError as error:
        return Line(number, None, InvalidRequest(f"this is not JSON ({error})"))


def _line(number: int, body: Any) -> Line:
    if not isinstance(body, dict):
        return Line(number, None, InvalidRequest("an application is a JSON object"))
    return Line(number, body)


def _csv_lines(text: str, product: str | None, api: Remote) -> Iterator[Line]:
    """Columns are dotted paths (`applicant.name`); `consents.bank` holds the bank's token, or `yes`."""
    shown: dict[str, Any] = {}
    for row in csv.DictReader(io.StringIO(text)):
        # The line of the file, counting the heading: what an editor shows.
        number = 2 + len(shown.setdefault("rows", []))
        shown["rows"].append(None)
        name = row.get("product") or product
        if not name:
            yield Line(number, None, FieldsInvalid("no product: add a column `product`, or say --product"))
            continue
        if name not in shown:
            shown[name] = api.get(f"/v1/products/{name}")
        yield Line(number, _body(row | {"product": name}, shown[name]))


def _body(row: dict[str, str], product: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"type": product["type"]}
    consents = []
    purposes = {source["name"]: source["purpose"] for source in product["sources"]}
    for path, value in row.items():
        if value in (None, "") or path is None:
            continue
        if path.startswith("consents."):
            source = path.removeprefix("consents.")
            token = None if value.lower() in ("yes", "true", "1") else value
            consents.append({"source": source, "purpose": purposes.get(source, "unknown"), "reference": token})
        else:
            _put(body, path.split("."), _typed(path, value, product["schema"]))
    return body | {"consents": consents} if consents else body


def _put(body: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        body = body.setdefault(part, {})
    body[parts[-1]] = value


def _typed(path: str, value: str, schema: dict[str, Any]) -> Any:
    """Text as the schema wants it; what does not fit stays text, for the API to name."""
    kinds = _kinds(schema, path.split("."))
    if "integer" in kinds and value.lstrip("-").isdigit():
        return int(value)
    if "boolean" in kinds and value.lower() in ("true", "false", "yes", "no"):
        return value.lower() in ("true", "yes")
    if "number" in kinds and "string" not in kinds:  # money takes text as well, and is better off with it
        return _number_or_text(value)
    return value


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _kinds(schema: dict[str, Any], parts: list[str]) -> set[str]:
    found: dict[str, Any] = schema
    for part in parts:
        found = _resolved(schema, found).get("properties", {}).get(part, {})
    options = [_resolved(schema, option) for option in found.get("anyOf", [found])]
    return {str(option.get("type")) for option in options}


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    for option in [part, *part.get("anyOf", [])]:
        if "$ref" in option:
            return schema.get("$defs", {}).get(option["$ref"].rsplit("/", 1)[-1], {})
    return part
