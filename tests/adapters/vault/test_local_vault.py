"""Personal data at rest: one key per person, each sealed value bound to its place."""

import os

import pytest

from plimsoll.adapters.vault import LocalVault
from plimsoll.domain.errors import NotFound, Unavailable

KEK = bytes(32)


@pytest.fixture
def vault() -> LocalVault:
    return LocalVault(KEK)


def test_what_was_sealed_opens_in_its_place(vault: LocalVault):
    key = vault.new_key()
    assert vault.open(key, vault.seal(key, b"Gudrun", "application/app_1"), "application/app_1") == b"Gudrun"


def test_a_ciphertext_moved_to_another_row_does_not_open(vault: LocalVault):
    key = vault.new_key()
    sealed = vault.seal(key, b"Gudrun", "application/app_1")
    with pytest.raises(Unavailable, match="does not open"):
        vault.open(key, sealed, "application/app_2")


def test_one_persons_key_opens_nothing_of_another(vault: LocalVault):
    hers, his = vault.new_key(), vault.new_key()
    with pytest.raises(Unavailable):
        vault.open(his, vault.seal(hers, b"Gudrun", "c"), "c")


@pytest.mark.parametrize("place", [0, 5, 12, -1])
def test_a_single_flipped_bit_is_noticed(vault: LocalVault, place: int):
    key = vault.new_key()
    sealed = bytearray(vault.seal(key, b"Gudrun", "c"))
    sealed[place] ^= 1
    with pytest.raises(Unavailable):
        vault.open(key, bytes(sealed), "c")


def test_a_torn_value_is_noticed_too(vault: LocalVault):
    key = vault.new_key()
    for length in (0, 3, 12, 20):
        with pytest.raises(Unavailable):
            vault.open(key, vault.seal(key, b"Gudrun", "c")[:length], "c")


def test_an_erased_person_stays_erased(vault: LocalVault):
    with pytest.raises(NotFound, match="erased"):
        vault.open(None, vault.seal(vault.new_key(), b"Gudrun", "c"), "c")


def test_another_key_file_opens_nothing(vault: LocalVault):
    key = vault.new_key()
    with pytest.raises(Unavailable, match="key file"):
        LocalVault(os.urandom(32)).open(key, vault.seal(key, b"Gudrun", "c"), "c")


def test_sealing_the_same_twice_shows_nothing_in_common(vault: LocalVault):
    key = vault.new_key()
    assert vault.seal(key, b"Gudrun", "c") != vault.seal(key, b"Gudrun", "c")


def test_a_fingerprint_finds_the_same_content_again_and_only_under_the_same_key(vault: LocalVault):
    assert vault.fingerprint(b"Gudrun") == LocalVault(KEK).fingerprint(b"Gudrun")
    assert vault.fingerprint(b"Gudrun") != vault.fingerprint(b"Bodo")
    assert vault.fingerprint(b"Gudrun") != LocalVault(os.urandom(32)).fingerprint(b"Gudrun")


@pytest.mark.parametrize("content", ["", "not hex", "ab"])
def test_a_key_file_that_holds_no_key_is_refused_in_one_sentence(tmp_path, content: str):
    (tmp_path / "kek").write_text(content)
    with pytest.raises(Unavailable, match="key file"):
        LocalVault.from_file(tmp_path / "kek")


def test_a_missing_key_file_says_what_to_do(tmp_path):
    with pytest.raises(Unavailable, match="plimsoll up"):
        LocalVault.from_file(tmp_path / "kek")
