"""What the CLI prints for people."""

from starter.cli.printing import decision


def test_what_a_case_waits_on_is_said_with_moments_one_can_read(capsys):
    waiting = {"what": ["bureau"], "since": "2026-11-21T07:46:10.776304+00:00",
               "until": "2026-11-23T07:46:10.772737+00:00"}  # fmt: skip
    decision({"application_id": "app_1", "outcome": None, "status": "waiting", "waiting_on": waiting})
    assert capsys.readouterr().out == (
        "app_1: waiting  (app_1)\n"
        "  waits on bureau since 2026-11-21 07:46:10 UTC, until 2026-11-23 07:46:10 at the latest\n"
    )
