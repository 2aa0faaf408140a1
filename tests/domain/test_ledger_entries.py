"""Entries hash the same in ten years: RFC 8785 for everything that is let in."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plimsoll.domain.ledger import FIRST_LINK, canonical, digest, entry, link

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

# RFC 8785 sections 3.2.2.2 (strings) and 3.2.3 (sorting), as far as strings and whole numbers go.
VECTORS = [
    ({"peach": "p", "péché": "q", "pêche": "r", "sin": "s"}, '{"peach":"p","péché":"q","pêche":"r","sin":"s"}'),
    ({"literals": [None, True, False]}, '{"literals":[null,true,false]}'),
    ({"b": 2, "a": 1, "": 0}, '{"":0,"a":1,"b":2}'),
    ({"1": "One", "\r": "CR", "\u0080": "Control", "ö": "o", "€": "Euro"},
     '{"\\r":"CR","1":"One","\u0080":"Control","ö":"o","€":"Euro"}'),
    ({"string": "€$\u000f\nA'B\"\\\\\"/"}, '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'),
    ({"tab": "\b\t\n\f\r"}, '{"tab":"\\b\\t\\n\\f\\r"}'),
    ({"del": "\x7f\u2028"}, '{"del":"\x7f\u2028"}'),
    ({"nested": {"z": [], "a": {}}}, '{"nested":{"a":{},"z":[]}}'),
    ({"astral": "😂"}, '{"astral":"😂"}'),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), VECTORS)
def test_the_canonical_form_is_that_of_rfc_8785(content, expected):
    assert canonical(content) == expected.encode()


@pytest.mark.parametrize("content", [{"pd": 0.1}, {"deep": [{"pd": 1.0}]}, {"t": (1, 2.5)}])
def test_a_float_is_refused_because_its_bytes_would_depend_on_the_writer(content):
    with pytest.raises(TypeError, match="as text"):
        canonical(content)


@pytest.mark.parametrize("content", [{"at": NOON}, {"raw": b"x"}, {"set": {1}}, {1: "a number for a key"}])
def test_what_json_does_not_have_is_refused(content):
    with pytest.raises(TypeError):
        canonical(content)


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**30])
def test_a_whole_number_that_a_reader_would_round_is_refused(number):
    """RFC 8785 builds on IEEE doubles: beyond 2**53 - 1 another implementation would write other bytes."""
    with pytest.raises(TypeError, match="as text"):
        canonical({"n": number})


def test_a_lone_surrogate_is_refused_because_it_has_no_bytes():
    with pytest.raises(UnicodeEncodeError):
        canonical({"reason": "\ud800"})


@given(some.dictionaries(some.text("\U0001f600\ufb01ab", max_size=3), some.integers(-9, 9), max_size=6))
def test_names_are_sorted_by_utf_16_units_as_the_rfc_asks(content):
    names = list(__import__("json").loads(canonical(content)))
    assert names == sorted(content, key=lambda name: name.encode("utf-16-be"))


def test_an_entry_says_who_why_when_and_under_which_request():
    made = entry("x.done", application="app_1", actor="act_1", reason="because", request="req_1", at=NOON, n=1)
    assert made.body == (
        b'{"actor":"act_1","application":"app_1","at":"2026-06-01T12:00:00+00:00","kind":"x.done",'
        b'"n":1,"reason":"because","request":"req_1","v":1}'
    )
    assert made.digest == digest(made.body)


def test_a_link_hashes_every_column_of_it():
    first = link(1, 7, FIRST_LINK, digest(b"a"))
    others = [
        link(2, 7, FIRST_LINK, digest(b"a")),
        link(1, 8, FIRST_LINK, digest(b"a")),
        link(1, 7, digest(b"z"), digest(b"a")),
        link(1, 7, FIRST_LINK, digest(b"b")),
    ]
    assert len({first, *others}) == 5
