"""Keys come back as they went in, and a change is on the disk before it counts."""

import errno
import os
from pathlib import Path

import pytest

from tests.vault.conftest import api_key
from tradewinds.vault import durable, unlocked
from tradewinds.vault.errors import KeyRefused, VaultRefused
from tradewinds.vault.file import Place
from tradewinds.vault.keys import Environment, Standing
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import create, unlock


def test_a_key_comes_back_as_it_went_in(filled: Place, passphrase: Secret) -> None:
    vault = unlock(filled, passphrase)
    assert vault.get("binance-spot:main") == api_key()
    assert dict(vault.names) == {
        "binance-spot:main": Environment.PRODUCTION,
        "binance-usdm:main": Environment.PRODUCTION,
    }


def test_nothing_of_a_key_stands_in_the_file(filled: Place) -> None:
    everything = b"".join(path.read_bytes() for path in filled.file.parents[1].rglob("*.*"))
    for secret in (api_key().key, api_key().secret):
        assert secret.reveal().encode() not in everything
        assert secret.reveal()[-4:].encode() not in everything


def test_only_its_owner_can_read_it(filled: Place) -> None:
    assert filled.file.stat().st_mode & 0o777 == 0o600
    assert filled.witness.stat().st_mode & 0o777 == 0o600
    assert filled.file.parent.stat().st_mode & 0o777 == 0o700


def test_the_same_key_never_reads_the_same_twice(filled: Place, passphrase: Secret) -> None:
    before = filled.file.read_text()
    unlock(filled, passphrase).put(api_key())
    after = filled.file.read_text()
    sealed = [line for line in before.splitlines() if '"sealed"' in line]
    assert sealed[0] not in after
    assert sealed[1] in after


def test_a_removed_key_is_gone_and_the_others_stay(filled: Place, passphrase: Secret) -> None:
    unlock(filled, passphrase).remove("binance-spot:main")
    vault = unlock(filled, passphrase)
    assert list(vault.names) == ["binance-usdm:main"]
    with pytest.raises(KeyRefused, match="there are: binance-usdm:main"):
        vault.get("binance-spot:main")


def test_a_new_vault_is_not_written_before_its_first_key(place: Place, passphrase: Secret) -> None:
    create(place, passphrase)
    assert not place.file.exists()


def test_a_second_vault_is_not_written_over_the_first(place: Place, passphrase: Secret) -> None:
    first, second = create(place, passphrase), create(place, passphrase)
    first.put(api_key())
    with pytest.raises(VaultRefused, match="meanwhile"):
        second.put(api_key("coinbase:main"))
    with pytest.raises(VaultRefused, match="there already"):
        create(place, passphrase)


def test_a_change_by_another_process_is_not_lost(filled: Place, passphrase: Secret) -> None:
    mine, theirs = unlock(filled, passphrase), unlock(filled, passphrase)
    theirs.put(api_key("coinbase:main"))
    with pytest.raises(VaultRefused, match="meanwhile"):
        mine.remove("binance-spot:main")
    assert "coinbase:main" in unlock(filled, passphrase).names


def test_two_writers_at_once_are_one_after_the_other(filled: Place, passphrase: Secret) -> None:
    vault = unlock(filled, passphrase)
    with (
        durable.held(filled.lock),
        pytest.raises(VaultRefused, match="another process is changing"),
    ):
        vault.remove("binance-spot:main")
    vault.remove("binance-spot:main")


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(
    filled: Place, passphrase: Secret, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    vault = unlock(filled, passphrase)
    before = filled.file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(durable.tempfile, "mkstemp", full)
    with pytest.raises(OSError, match="No space"):
        vault.remove("binance-spot:main")
    monkeypatch.undo()
    assert filled.file.read_bytes() == before
    assert sorted(path.name for path in filled.file.parent.iterdir()) == [
        "vault.json",
        "vault.lock",
    ]
    assert len(unlock(filled, passphrase).names) == 2


def test_a_short_write_is_noticed_before_the_old_file_goes(
    filled: Place, passphrase: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = unlock(filled, passphrase)
    before = filled.file.read_bytes()
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"half")
    with pytest.raises(OSError, match="read back"):
        vault.remove("binance-spot:main")
    monkeypatch.undo()
    assert filled.file.read_bytes() == before


def test_the_new_file_is_synced_before_it_takes_the_old_ones_place(
    filled: Place, passphrase: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = unlock(filled, passphrase)
    order: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), sync(handle))[1])
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (order.append("rename"), replace(self, to))[1]
    )
    vault.remove("binance-spot:main")
    assert order[:3] == ["sync", "rename", "sync"]


def test_what_a_crash_left_beside_is_swept_by_the_next_write(
    filled: Place, passphrase: Secret
) -> None:
    left = filled.file.parent / ".vault.json.abc"
    left.write_text("half")
    unlock(filled, passphrase).remove("binance-spot:main")
    assert not left.exists()


def test_an_open_vault_shows_nothing(filled: Place, passphrase: Secret) -> None:
    vault = unlock(filled, passphrase)
    assert repr(vault) == "Unlocked(2 keys)"
    shown = repr(vault.get("binance-spot:main"))
    assert "kkkk" not in shown
    assert "1234" not in shown
    inside = unlocked._Contents(
        key="A", secret="KKKK", standing=Standing.VERIFIED, checked_ns=0, added_ns=0
    )
    assert "KKKK" not in repr(inside)
