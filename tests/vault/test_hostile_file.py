"""F9: whatever was done to the file, it is refused, in words that help, and left as it is."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.vault.conftest import api_key
from tradewinds.vault import file as vault_file
from tradewinds.vault.envelope import Sealer
from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.file import Place, VaultFile, encode, read
from tradewinds.vault.keys import Environment
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import NOT_OPENED, accept, create, sealed_file, unlock

Change = Callable[[VaultFile], VaultFile]


def rewritten(place: Place, change: Change) -> None:
    """As someone without the passphrase can: a well-formed file with a checksum that fits."""
    found = read(place)
    assert found is not None
    changed = change(found)
    place.file.write_bytes(encode(structs.replace(changed, checksum=changed.sum())))


def refused(place: Place, passphrase: Secret) -> str:
    """The message; the file is as it was."""
    before = place.file.read_bytes()
    with pytest.raises(VaultRefused) as caught:
        unlock(place, passphrase)
    assert place.file.read_bytes() == before
    return str(caught.value)


def test_a_wrong_passphrase_is_refused(filled: Place) -> None:
    assert refused(filled, Secret("correct horse battery stapler")) == NOT_OPENED


def test_every_flipped_bit_is_damage_found_without_the_passphrase(filled: Place) -> None:
    whole = filled.file.read_bytes()
    for index in range(len(whole)):
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            damaged = bytearray(whole)
            damaged[index] ^= bit
            filled.file.write_bytes(damaged)
            with pytest.raises(VaultRefused, match=r"damaged|format"):
                read(filled)


def test_every_truncation_is_damage_and_says_what_to_do(filled: Place, passphrase: Secret) -> None:
    whole = filled.file.read_bytes()
    for length in range(len(whole)):
        filled.file.write_bytes(whole[:length])
        with pytest.raises(VaultRefused, match="damaged"):
            read(filled)
    assert "backup" in refused(filled, passphrase)


def swap_contents(file: VaultFile) -> VaultFile:
    first, second = file.keys
    return structs.replace(
        file,
        keys=(
            structs.replace(first, nonce=second.nonce, sealed=second.sealed),
            structs.replace(second, nonce=first.nonce, sealed=first.sealed),
        ),
    )


def as_testnet(file: VaultFile) -> VaultFile:
    first, *rest = file.keys
    return structs.replace(
        file, keys=(structs.replace(first, environment=Environment.TESTNET), *rest)
    )


def flip(raw: bytes) -> bytes:
    return bytes([raw[0] ^ 1]) + raw[1:]


FORGERIES: dict[str, Change] = {
    "entries swapped": swap_contents,
    "order changed": lambda file: structs.replace(file, keys=file.keys[::-1]),
    "entry left out": lambda file: structs.replace(file, keys=file.keys[1:]),
    "entry twice": lambda file: structs.replace(file, keys=(*file.keys, file.keys[0])),
    "environment changed": as_testnet,
    "count raised": lambda file: structs.replace(file, change=file.change + 1),
    "other vault id": lambda file: structs.replace(file, vault_id=flip(file.vault_id)),
    "other salt": lambda file: structs.replace(
        file, terms=structs.replace(file.terms, salt=flip(file.terms.salt))
    ),
    "more passes": lambda file: structs.replace(file, terms=structs.replace(file.terms, passes=4)),
    "other nonce": lambda file: structs.replace(file, nonce=flip(file.nonce)),
    "other seal": lambda file: structs.replace(file, seal=flip(file.seal)),
    "short seal": lambda file: structs.replace(file, seal=file.seal[:4]),
    "no seal": lambda file: structs.replace(file, seal=b""),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_file_gives_the_message_of_a_wrong_passphrase(
    filled: Place, passphrase: Secret, change: Change
) -> None:
    rewritten(filled, change)
    assert refused(filled, passphrase) == NOT_OPENED


def test_entries_swapped_under_a_valid_seal_do_not_open_either(
    filled: Place, passphrase: Secret
) -> None:
    found = read(filled)
    assert found is not None
    sealer = Sealer(passphrase, found.terms)
    filled.file.write_bytes(encode(sealed_file(swap_contents(found), sealer)))
    vault = accept(filled, passphrase)
    with pytest.raises(VaultRefused):
        vault.get("binance-spot:main")


@pytest.mark.parametrize("terms", [{"memory_kib": 1_024}, {"passes": 1}, {"memory_kib": 10**9}])
def test_weaker_or_absurd_parameters_are_not_even_tried(
    filled: Place, passphrase: Secret, terms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(
        filled, lambda file: structs.replace(file, terms=structs.replace(file.terms, **terms))
    )
    monkeypatch.setattr("tradewinds.vault.unlocked.Sealer", None)
    assert "damaged" in refused(filled, passphrase)


def test_an_older_version_put_back_is_refused(
    filled: Place, passphrase: Secret, tmp_path: Path
) -> None:
    kept = shutil.copy(filled.file, tmp_path / "kept")
    unlock(filled, passphrase).remove("binance-spot:main")
    shutil.copy(kept, filled.file)
    filled.file.chmod(0o600)
    message = refused(filled, passphrase)
    assert "older version (change 2, already seen 3)" in message
    assert "keys accept" in message


def test_an_older_version_is_no_oracle_for_a_wrong_passphrase(
    filled: Place, passphrase: Secret, tmp_path: Path
) -> None:
    kept = filled.file.read_bytes()
    unlock(filled, passphrase).remove("binance-spot:main")
    filled.file.write_bytes(kept)
    assert refused(filled, Secret("something else entirely")) == NOT_OPENED


def test_another_version_with_the_same_count_is_refused(filled: Place, passphrase: Secret) -> None:
    kept = filled.file.read_bytes()
    unlock(filled, passphrase).put(api_key("coinbase:a"))
    note = filled.witness.read_bytes()
    filled.file.write_bytes(kept)
    accept(filled, passphrase).put(api_key("coinbase:b"))
    filled.witness.write_bytes(note)
    assert "is not the change 3" in refused(filled, passphrase)


def test_a_missing_or_damaged_note_vouches_for_nothing(filled: Place, passphrase: Secret) -> None:
    filled.witness.write_text("{")
    assert "vouches" in refused(filled, passphrase)
    filled.witness.unlink()
    assert "vouches" in refused(filled, passphrase)
    assert len(accept(filled, passphrase).names) == 2
    assert len(unlock(filled, passphrase).names) == 2


def test_another_vault_is_noticed(filled: Place, passphrase: Secret, tmp_path: Path) -> None:
    other = vault_file.place_of(tmp_path / "other")
    create(other, passphrase).put(api_key())
    shutil.copy(other.file, filled.file)
    assert "another vault" in refused(filled, passphrase)


def test_a_crash_between_the_vault_and_its_note_is_no_rollback(
    filled: Place, passphrase: Secret
) -> None:
    note = filled.witness.read_bytes()
    unlock(filled, passphrase).remove("binance-spot:main")
    newer = filled.witness.read_bytes()
    filled.witness.write_bytes(note)
    assert len(unlock(filled, passphrase).names) == 1
    assert filled.witness.read_bytes() == newer


def test_a_crash_right_after_the_first_write_is_no_rollback(
    place: Place, passphrase: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[object] = []

    def once(where: Place, note: Any) -> None:
        if notes:
            raise KeyboardInterrupt
        notes.append(note)
        real(where, note)

    real = vault_note()
    monkeypatch.setattr("tradewinds.vault.unlocked.write_note", once)
    with pytest.raises(KeyboardInterrupt):
        create(place, passphrase).put(api_key())
    monkeypatch.undo()
    assert len(unlock(place, passphrase).names) == 1


def vault_note() -> Callable[[Place, Any], None]:
    from tradewinds.vault.witness import write_note

    return write_note


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_touch_is_refused_with_the_fix(
    filled: Place, passphrase: Secret, mode: int
) -> None:
    filled.file.chmod(mode)
    assert f"chmod 600 {filled.file}" in refused(filled, passphrase)


def test_a_folder_that_others_may_write_is_refused_with_the_fix(
    filled: Place, passphrase: Secret
) -> None:
    filled.file.parent.chmod(0o777)
    assert f"chmod 700 {filled.file.parent}" in refused(filled, passphrase)


def test_a_link_is_not_followed(filled: Place, passphrase: Secret, tmp_path: Path) -> None:
    real = filled.file.rename(tmp_path / "elsewhere")
    filled.file.symlink_to(real)
    assert "link" in refused(filled, passphrase)


def test_a_pipe_in_its_place_does_not_hang(filled: Place, passphrase: Secret) -> None:
    filled.file.unlink()
    os.mkfifo(filled.file, 0o600)
    with pytest.raises(VaultRefused, match="not a plain file"):
        unlock(filled, passphrase)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(filled: Place, passphrase: Secret) -> None:
    os.chown(filled.file, 12_345, 12_345)
    assert "another user" in refused(filled, passphrase)


def test_a_later_format_is_named(filled: Place, passphrase: Secret) -> None:
    text = filled.file.read_text().replace('"format": 1', '"format": 2')
    filled.file.write_text(text)
    assert "format 2" in refused(filled, passphrase)


def test_a_huge_file_is_not_read(filled: Place, passphrase: Secret) -> None:
    filled.file.write_bytes(b" " * 1_100_000)
    assert "too large" in refused(filled, passphrase)


def test_no_vault_is_said_with_the_way_to_one(place: Place, passphrase: Secret) -> None:
    with pytest.raises(VaultRefused, match="keys add"):
        unlock(place, passphrase)
