"""Ids sort by birth, tell their kind, and never meet."""

import re

from plimsoll.domain.ids import ALPHABET, APPLICATION, base32, new_id


def test_an_id_names_its_kind_and_is_26_crockford_characters():
    assert re.fullmatch(rf"app_[{ALPHABET}]{{26}}", new_id(APPLICATION))


def test_ids_made_in_different_milliseconds_sort_by_time_of_birth(monkeypatch):
    ids = []
    for millis in (1, 2, 1_700_000_000_000, 1_700_000_000_001):
        monkeypatch.setattr("time.time_ns", lambda at=millis: at * 1_000_000)
        ids.append(new_id(APPLICATION))
    assert ids == sorted(ids)


def test_an_id_is_a_uuid_of_version_7():
    number = 0
    for character in new_id(APPLICATION).removeprefix("app_"):
        number = number << 5 | ALPHABET.index(character)
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0b11 == 0b10


def test_ten_thousand_ids_made_at_once_are_all_different():
    assert len({new_id(APPLICATION) for _ in range(10_000)}) == 10_000


def test_base32_writes_every_bit_of_128():
    assert base32(0) == "0" * 26
    assert base32((1 << 128) - 1) == "7" + "z" * 25
