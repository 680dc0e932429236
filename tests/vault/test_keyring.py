"""What is sealed opens only with its key, and only where it was sealed."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.vault import Keyring, VaultError, open_keyring


def ring(*names: str) -> Keyring:
    return Keyring({name: name.encode().ljust(32, b".")[:32] for name in names}, "signing")


@given(st.binary(max_size=500))
def test_what_is_sealed_opens_again(plaintext: bytes):
    assert ring("k1").open(ring("k1").seal(plaintext, "t.c"), "t.c") == plaintext


def test_the_same_value_never_looks_the_same_twice():
    assert ring("k1").seal(b"13800005678", "t.c") != ring("k1").seal(b"13800005678", "t.c")


def test_a_value_moved_to_another_column_does_not_open():
    with pytest.raises(VaultError):
        ring("k1").open(ring("k1").seal(b"secret", "account.token"), "account.name")


def test_a_changed_value_does_not_open():
    sealed = bytearray(ring("k1").seal(b"secret", "t.c"))
    sealed[-1] ^= 1
    with pytest.raises(VaultError, match="authenticate"):
        ring("k1").open(bytes(sealed), "t.c")


def test_older_values_open_after_a_new_key_was_put_first():
    sealed = ring("k1").seal(b"secret", "t.c")
    assert ring("k2", "k1").open(sealed, "t.c") == b"secret"


def test_a_missing_key_is_named():
    with pytest.raises(VaultError, match="k1"):
        ring("k2").open(ring("k1").seal(b"secret", "t.c"), "t.c")


def test_fingerprints_stay_the_same_when_a_new_key_is_put_first():
    assert ring("k2", "k1").fingerprint("138", "phone") == ring("k1").fingerprint("138", "phone")
    assert ring("k1").fingerprint("138", "phone") != ring("k1").fingerprint("138", "openid")


def test_a_keyring_is_made_once_and_readable_by_its_owner_only(tmp_path: Path):
    first, second = open_keyring(tmp_path), open_keyring(tmp_path)
    assert first == second
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_the_environments_keyring_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    key = base64.b64encode(b"x" * 32).decode()
    monkeypatch.setenv("KESU_KEYS", json.dumps({"keys": {"fleet": key}, "signing_key": "s"}))
    assert list(open_keyring(tmp_path).keys) == ["fleet"]
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize(
    "text", ["{", "{}", "[]", '{"keys": {}, "signing_key": "s"}', '{"keys": {"k": "eA=="}, "signing_key": "s"}']
)
def test_something_that_is_no_keyring_is_refused(tmp_path: Path, text: str):
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(VaultError, match="keyring"):
        open_keyring(tmp_path)
