"""The door reads JSON strictly: what another parser could read otherwise is refused (F18)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plimsoll.domain.errors import InvalidRequest
from starter.intake import LONGEST_KEY, checked_key, strict_json

# Not for an object of ours; each must end in one sentence.
POISON = {
    "empty": b"",
    "not json": b"amount=5",
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"5",
    "null": b"null",
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": Infinity}',
    "minus infinity": b'{"amount": -Infinity}',
    "a float beyond all floats": b'{"amount": 1e400}',
    "a number of 400 digits": b'{"amount": 1' + b"0" * 400 + b"}",
    "a number of 5000 digits": b'{"amount": ' + b"9" * 5000 + b"}",
    "a key twice": b'{"amount": 1, "amount": 2}',
    "a key twice, deep": b'{"applicant": {"id": "a", "id": "b"}}',
    "a key twice, escaped": b'{"amount": 1, "\\u0061mount": 2}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone surrogate in utf-16": '{"name": "\\ud800"}'.encode("utf-16-le"),
    "a lone surrogate as a name": b'{"\\udfff": 1}',
    "surrogates the wrong way round": b'{"name": "\\udc00\\ud800"}',
    "not utf-8": b'{"name": "\xff"}',
    "utf-8 that encodes a surrogate": b'{"name": "\xed\xa0\x80"}',
    "overlong utf-8": b'{"name": "\xc0\xaf"}',
    "nested 100000 deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects nested 40000 deep": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "a trailing comma": b'{"a": 1,}',
    "a comment": b'{"a": 1} // no',
    "two objects": b"{} {}",
    "a raw control character": b'{"name": "a\x01b"}',
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_poison_is_refused_as_the_callers_mistake(body: bytes):
    with pytest.raises(InvalidRequest) as refused:
        strict_json(body)
    assert "\n" not in refused.value.message


def test_an_ordinary_object_is_read_as_it_is():
    assert strict_json('{"name": "Überzogen 😂", "n": 2}'.encode()) == {"name": "Überzogen 😂", "n": 2}


@given(some.binary(max_size=200))
def test_any_bytes_are_an_object_or_the_callers_mistake(body: bytes):
    with contextlib.suppress(InvalidRequest):
        assert isinstance(strict_json(body), dict)


@pytest.mark.parametrize("key", [None, "", "   ", "\t"])
def test_a_missing_idempotency_key_says_what_to_send(key):
    with pytest.raises(InvalidRequest, match="Idempotency-Key is missing"):
        checked_key(key)


def test_a_key_has_a_longest_length():
    assert checked_key("k" * LONGEST_KEY)
    with pytest.raises(InvalidRequest, match="201 characters"):
        checked_key("k" * (LONGEST_KEY + 1))
