"""`plimsoll policy backtest` against a served API: what a change would have said, and what a broken file is told."""

import json
from pathlib import Path

from plimsoll.domain.values import Outcome
from tests.applicants import the_policy, the_product
from tests.decided import decided
from tests.starter.serving import Served

LIVE = the_policy().policy(the_product()).content


async def test_a_stricter_policy_is_tried_on_decided_cases_and_decides_nothing(served: Served, tmp_path: Path, capsys):
    application = await decided(served.house, Outcome.APPROVE)
    stricter = tmp_path / "policy.json"
    stricter.write_text(LIVE.replace("> 20000", "> 100"))
    assert served.run("policy", "backtest", "consumer-credit", str(stricter)) == 1  # it breaks cases of the pack
    told = capsys.readouterr().out
    for sentence in (
        "R-AMOUNT-HIGH: request.amount was > 20000, becomes > 100.",
        "FAILED ",
        "1 decided cases",
        application,
    ):
        assert sentence in told
    assert (await served.house.row("select count(*) as n from decision"))["n"] == 1
    assert served.run("policy", "backtest", "consumer-credit", str(stricter), "--cases", "5", "--json") == 1
    past = json.loads(capsys.readouterr().out)["past"]
    assert [(each["application"], each["becomes"]) for each in past["differences"]] == [(application, "decline")]


async def test_what_is_in_force_changes_nothing(served: Served, tmp_path: Path, capsys):
    same = tmp_path / "policy.json"
    same.write_text(LIVE)
    assert served.run("policy", "backtest", "consumer-credit", str(same)) == 0
    told = capsys.readouterr()
    assert "No rule differs" in told.out
    assert "No case of this product is decided yet." in told.err


async def test_a_file_that_is_no_policy_is_said_in_one_sentence(served: Served, tmp_path: Path, capsys):
    for text, said in (("{", "policy.json is not JSON"), ("[]", "policy")):
        file = tmp_path / "policy.json"
        file.write_text(text)
        assert served.run("policy", "backtest", "consumer-credit", str(file)) == 1
        heard = capsys.readouterr().err
        assert said in heard
        assert "Traceback" not in heard
