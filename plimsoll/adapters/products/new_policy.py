"""`policy.json` of a new pack: decision tables with a row on a line, as a person would write them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from plimsoll.domain.lenders_file.own_data import AMOUNT, TERM
from plimsoll.domain.lenders_file.own_product import BEARABLE, Draft

Row = tuple[str, dict[str, str], tuple[str, ...]]  # id, fact path -> cell, outputs
RULE_OUTPUTS = ("rule", "name", "effect", "reason")
NOVEL = 0.99


class Table(NamedTuple):
    id: str
    name: str
    place: tuple[int, int]
    inputs: dict[str, str]  # fact path -> what it is, for people
    outputs: Sequence[str]
    rows: Sequence[Row]
    first_only: bool = False


def policy_of(draft: Draft) -> str:
    tables = [_screen(draft), _doubts(), _cautions(draft), _declines(draft), _terms(draft)]
    nodes = [_facts(), _stage(), *(_node(table) for table in tables), _answer()]
    listed = ",\n  ".join(nodes)
    edges = ",\n  ".join(json.dumps(edge) for edge in _edges())
    return (
        f'{{\n "contentType": "application/vnd.gorules.decision",\n "version": "1",\n'
        f' "nodes": [\n  {listed}\n ],\n "edges": [\n  {edges}\n ]\n}}\n'
    )


def _screen(draft: Draft) -> Table:
    rows = [_rule("R-AGE", "Under the age of contract", "decline", "under_contract_age",
                  {"applicant.age": "< limits.contract_age"})]  # fmt: skip
    if draft.own.at(AMOUNT):
        largest, smallest = draft.largest_amount, draft.smallest_amount
        rows.append(_rule("R-AMOUNT-HIGH", "Amount above all in the file", "refer", "outside_experience",
                          {"request.amount": f"> {largest}"}))  # fmt: skip
        rows.append(_rule("R-AMOUNT-LOW", "Amount below all in the file", "refer", "outside_experience",
                          {"request.amount": f"< {smallest}"}))  # fmt: skip
    if draft.own.at(TERM):
        rows.append(_rule("R-TERM-LONG", "Term above all in the file", "refer", "outside_experience",
                          {"request.term_months": f"> {draft.longest_term}"}))  # fmt: skip
    inputs = {
        "applicant.age": "Age",
        "request.amount": "Amount asked",
        "request.term_months": "Term asked (months)",
    }
    return Table("screen", "Hard rules on what was declared", (560, 0), inputs, RULE_OUTPUTS, rows)


def _doubts() -> Table:
    rows = [_rule("D-NOVEL", "Unlike nearly everything in training", "refer", "unusual_application",
                  {"score.novelty": f"> {NOVEL}"})]  # fmt: skip
    return Table("doubts", "Doubts: what is in question", (560, 200), {"score.novelty": "Novelty"}, RULE_OUTPUTS, rows)


def _cautions(draft: Draft) -> Table:
    cut = draft.cut
    rows = [_rule("C-BETWEEN", "Between the cut-offs", "refer", "close_call",
                  {"score.pd": f"({cut.approve_up_to:.10g}..{cut.decline_above:.10g}]"})]  # fmt: skip
    inputs = {"score.pd": "Probability of default"}
    if draft.tests_payment:
        inputs["offer.payment_share"] = "Payment / income"
        rows.append(_rule("C-PAYMENT", "Payment above half of the income", "refer", "payment_against_income",
                          {"offer.payment_share": f"> {BEARABLE}"}))  # fmt: skip
    name = "Cautions: a person looks, unless it is declined anyway"
    return Table("cautions", name, (860, 200), inputs, RULE_OUTPUTS, rows)


def _declines(draft: Draft) -> Table:
    # No reason of its own: the score's reasons are given.
    rows = [_rule("K-SCORE", "Risk above the cut", "decline", None,
                  {"doubts": "len($) == 0", "score.pd": f"> {draft.cut.decline_above:.10g}"})]  # fmt: skip
    inputs = {"doubts": "Open doubts", "score.pd": "Probability of default"}
    return Table("declines", "Declines: only when nothing is in doubt", (1160, 200), inputs, RULE_OUTPUTS, rows)


def _terms(draft: Draft) -> Table:
    rows: list[Row] = [
        (
            f"grade-{grade.name.lower()}",
            {"score.pd": f"<= {grade.highest_pd:.10g}"},
            (json.dumps(grade.name), f"{grade.annual_rate:.10g}", f"{draft.largest_amount}", f"{draft.longest_term}"),
        )
        for grade in draft.grades
    ]
    outputs = ("grade", "annual_rate", "max_amount", "max_term_months")
    name = "Grades: price and limits by probability of default"
    return Table("terms", name, (1460, 200), {"score.pd": "Probability of default"}, outputs, rows, first_only=True)


def _rule(rule: str, name: str, effect: str, reason: str | None, cells: dict[str, str]) -> Row:
    return rule.lower(), cells, tuple(json.dumps(value) for value in (rule, name, effect, reason))


def _node(table: Table) -> str:
    inputs = [
        {"id": f"{table.id}-in-{place}", "name": name, "field": path}
        for place, (path, name) in enumerate(table.inputs.items())
    ]
    outputs = [
        {"id": f"{table.id}-out-{place}", "name": field, "field": field} for place, field in enumerate(table.outputs)
    ]
    rows = [_row(table, row) for row in table.rows]
    hit_policy = "first" if table.first_only else "collect"
    return (
        f'{{\n   "id": "{table.id}",\n   "name": {json.dumps(table.name)},\n   "type": "decisionTableNode",\n'
        f'   "position": {_position(table.place)},\n   "content": {{\n    "hitPolicy": "{hit_policy}",\n'
        f'    "passThrough": true,\n    "inputField": null,\n    "outputPath": "{table.id}",\n'
        f'    "executionMode": "single",\n    "inputs": [{_listed(inputs)}],\n    "outputs": [{_listed(outputs)}],\n'
        f'    "rules": [{_listed(rows)}]\n   }}\n  }}'
    )


def _row(table: Table, row: Row) -> dict[str, str]:
    row_id, cells, outputs = row
    written = {"_id": row_id}
    written |= {f"{table.id}-in-{place}": cells.get(path, "") for place, path in enumerate(table.inputs)}
    return written | {f"{table.id}-out-{place}": value for place, value in enumerate(outputs)}


def _listed(rows: Sequence[dict[str, Any]]) -> str:
    return "\n     " + ",\n     ".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n    "


def _position(place: tuple[int, int]) -> str:
    return json.dumps({"x": place[0], "y": place[1]})


def _facts() -> str:
    return json.dumps(
        {"id": "facts", "name": "Facts", "type": "inputNode", "position": {"x": 0, "y": 100}, "content": {}}
    )


def _stage() -> str:
    content = {
        "hitPolicy": "first",
        "statements": [
            {"id": "at-screen", "condition": "stage == 'screen'"},
            {"id": "at-decide", "condition": "stage == 'decide'"},
        ],
    }
    place = {"x": 280, "y": 100}
    return json.dumps({"id": "stage", "name": "Stage", "type": "switchNode", "position": place, "content": content})


def _answer() -> str:
    return json.dumps(
        {"id": "answer", "name": "Answer", "type": "outputNode", "position": {"x": 1760, "y": 100}, "content": {}}
    )


def _edges() -> list[dict[str, str]]:
    ways = [("facts", "stage", ""), ("stage", "screen", "at-screen"), ("stage", "doubts", "at-decide"),
            ("doubts", "cautions", ""), ("cautions", "declines", ""), ("declines", "terms", ""),
            ("screen", "answer", ""), ("terms", "answer", "")]  # fmt: skip
    return [
        {"id": f"{source}-to-{target}", "sourceId": source, "targetId": target, "type": "edge"}
        | ({"sourceHandle": handle} if handle else {})
        for source, target, handle in ways
    ]
