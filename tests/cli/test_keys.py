"""`keys`: secrets go in by keyboard or pipe, and only their last four characters come out."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewinds.cli import keys_venue
from tradewinds.gateways.permissions import Permissions, Unverified
from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.file import place_of
from tradewinds.vault.keys import ApiKey, Standing
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import unlock

PASSPHRASE = "correct horse battery staple"
KEY = "canarykey" + "A" * 51 + "1234"
SECRET = "canarysecret" + "B" * 48 + "5678"
NAME = "binance-spot:main"
Keys = Callable[..., Any]


def rights(**changes: Any) -> Permissions:
    plain: dict[str, Any] = {
        "venue": "binance-spot",
        "can_read": True,
        "can_trade": True,
        "dangers": (),
        "page": "Binance > API Management",
        "trading_right": "Enable Spot & Margin Trading",
        "ip_restricted": True,
    }
    return Permissions(**(plain | changes))


class FakeVenue:
    """What the venue says of any key; an exception is raised."""

    def __init__(self) -> None:
        self.says: Permissions | Unverified | KeyRefused = rights()
        self.asked: list[str] = []

    def rights_of(self, key: ApiKey) -> Permissions | Unverified:
        self.asked.append(key.secret.reveal())
        if isinstance(self.says, KeyRefused):
            raise self.says
        return self.says


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> FakeVenue:
    fake = FakeVenue()
    monkeypatch.setattr(keys_venue, "rights_of", fake.rights_of)
    return fake


@pytest.fixture
def keys(cli: Callable[..., Any], venue: FakeVenue, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """`keys WORDS` with these lines in the pipe; no answer ever holds a secret."""

    def call(*words: str, pipe: tuple[str, ...] = (PASSPHRASE,)) -> Any:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in pipe)))
        answer = cli("keys", *words)
        for text in (answer.out, answer.err):
            assert "canary" not in text
            assert PASSPHRASE not in text
        return answer

    return call


ALL = (PASSPHRASE, KEY, SECRET)


def stored(home: Path, name: str = NAME) -> ApiKey:
    return unlock(place_of(home), Secret(PASSPHRASE)).get(name)


def test_a_key_is_added_listed_tested_and_removed(keys: Keys, home: Path) -> None:
    added = keys("add", NAME, pipe=ALL)
    assert added.code == 0, added.err
    assert "****1234" in added.out
    assert "5678" not in added.out
    assert stored(home).secret.reveal() == SECRET
    row = keys("list", "--json").json["data"]["keys"][0]
    assert (row["name"], row["key"], row["standing"]) == (NAME, "****1234", "verified")
    assert row["checked_ns"] > 0
    assert keys("test", NAME).code == 0
    removed = keys("remove", NAME)
    assert removed.code == 0
    assert "at the venue" in removed.out
    assert keys("list", "--json").json["data"]["keys"] == []


@pytest.mark.parametrize("right", ["enableWithdrawals", "permitsUniversalTransfer"])
def test_a_key_that_can_move_money_is_not_stored(
    keys: Keys, venue: FakeVenue, home: Path, right: str
) -> None:
    venue.says = rights(dangers=(right,))
    answer = keys("add", NAME, "--json", pipe=ALL)
    assert answer.code == 10
    assert answer.json["error"]["code"] == "key_refused"
    assert right in answer.json["error"]["message"]
    assert "API Management" in answer.json["error"]["message"]
    assert not place_of(home).file.exists()


def test_a_stored_key_that_can_move_money_now_is_refused_from_then_on(
    keys: Keys, venue: FakeVenue, home: Path
) -> None:
    keys("add", NAME, pipe=ALL)
    venue.says = rights(dangers=("enableWithdrawals",))
    answer = keys("test", NAME)
    assert answer.code == 10
    assert "enableWithdrawals" in answer.err
    assert stored(home).standing is Standing.REFUSED
    assert stored(home).obstacle(live=True)
    venue.says = rights()
    assert keys("test", NAME).code == 0
    assert stored(home).obstacle(live=True) is None


def test_a_key_the_venue_does_not_take_is_not_stored(
    keys: Keys, venue: FakeVenue, home: Path
) -> None:
    venue.says = KeyRefused("binance-spot does not take this key: -2015")
    assert keys("add", NAME, pipe=ALL).code == 10
    assert not place_of(home).file.exists()


@pytest.mark.parametrize("words", [(), ("--offline",)])
def test_not_verified_is_stored_as_such_and_never_trades_live(
    keys: Keys, venue: FakeVenue, home: Path, words: tuple[str, ...]
) -> None:
    venue.says = Unverified(reason="the venue did not tell: no answer")
    answer = keys("add", NAME, *words, pipe=ALL)
    assert answer.code == 0
    assert "NOT CHECKED" in answer.out
    assert "cannot trade live" in answer.out
    assert bool(venue.asked) != bool(words)
    assert stored(home).standing is Standing.NOT_CHECKED
    assert stored(home).obstacle(live=True)
    asked = keys("test", NAME, "--json")
    assert asked.code == 10
    assert "not verified" in asked.json["error"]["message"]
    assert stored(home).standing is Standing.NOT_CHECKED


def test_a_venue_out_of_reach_does_not_undo_an_earlier_verification(
    keys: Keys, venue: FakeVenue, home: Path
) -> None:
    keys("add", NAME, pipe=ALL)
    venue.says = Unverified(reason="no answer")
    assert keys("test", NAME).code == 10
    assert stored(home).standing is Standing.VERIFIED


@pytest.mark.parametrize("playground", ["testnet", "demo"])
def test_a_playground_says_not_checked(
    cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch, playground: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(ALL)))
    answer = cli("keys", "add", NAME, f"--{playground}")
    assert answer.code == 0
    assert f"not checked: a {playground} does not tell" in " ".join(answer.out.split())
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSPHRASE))
    assert cli("keys", "test", NAME).code == 0
    assert stored(home).obstacle(live=True)
    assert stored(home).obstacle(live=False) is None


def test_advice_is_shown_and_stops_nothing(keys: Keys, venue: FakeVenue) -> None:
    venue.says = rights(ip_restricted=False, expires_ns=1_800_000_000_000_000_000)
    answer = keys("add", NAME, pipe=ALL)
    assert answer.code == 0
    assert "ADVICE" in answer.out
    assert "no IP restriction" in answer.out
    assert "2027-01-15" in answer.out
    assert keys("test", NAME, "--json").json["data"]["advice"]


@pytest.mark.parametrize("indent", [None, 2])
def test_coinbase_takes_the_portals_file_from_a_pipe(
    keys: Keys, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None
) -> None:
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    file = {"name": f"organizations/{uuid}/apiKeys/{uuid}", "privateKey": ec_pem()}
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE)
    path.chmod(0o600)
    monkeypatch.setenv("TRADEWINDS_PASSPHRASE_FILE", str(path))
    answer = keys("add", "coinbase:main", pipe=(json.dumps(file, indent=indent),))
    assert answer.code == 0, answer.err
    assert stored(home, "coinbase:main").secret.reveal() == ec_pem()
    assert keys("list", pipe=()).code == 0


def test_coinbase_refuses_ed25519_with_the_reason(keys: Keys, home: Path) -> None:
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    name = f"organizations/{uuid}/apiKeys/{uuid}"
    answer = keys("add", "coinbase:main", pipe=(PASSPHRASE, name, "QUFB" * 21 + "QQ=="))
    assert answer.code == 10
    assert "Ed25519" in answer.err
    assert "ECDSA" in answer.err


def ec_pem() -> str:
    """Always the same one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return (
        ec.derive_private_key(7, ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


@pytest.mark.parametrize("words", [("list",), ("test", NAME), ("remove", NAME), ("accept",)])
def test_a_wrong_passphrase_is_exit_11_and_changes_nothing(
    keys: Keys, home: Path, words: tuple[str, ...]
) -> None:
    keys("add", NAME, pipe=ALL)
    before = place_of(home).file.read_bytes()
    answer = keys(*words, "--json", pipe=("wrong horse battery staple",))
    assert answer.code == 11
    assert answer.json["error"]["code"] == "vault_refused"
    assert place_of(home).file.read_bytes() == before


def test_without_the_passphrase_the_list_has_names_only(keys: Keys) -> None:
    keys("add", NAME, pipe=ALL)
    answer = keys("list", "--json", pipe=())
    assert answer.code == 0
    data = answer.json["data"]
    assert data["locked"]
    assert data["keys"][0]["name"] == NAME
    assert data["keys"][0]["key"] == "-"


def test_no_vault_is_said(keys: Keys) -> None:
    assert "paper needs none" in keys("list").out
    for words in (("test", NAME), ("remove", NAME)):
        answer = keys(*words)
        assert answer.code == 11
        assert "keys add" in answer.err


def test_a_key_is_not_written_over(keys: Keys, home: Path) -> None:
    keys("add", NAME, pipe=ALL)
    answer = keys("add", NAME, "--testnet", pipe=(PASSPHRASE, "C" * 64, "D" * 64))
    assert answer.code == 10
    assert stored(home).secret.reveal() == SECRET


@pytest.mark.parametrize(
    ("words", "pipe", "code"),
    [
        (("add", "nosuch:main"), ALL, 10),
        (("add", "binance-spot"), ALL, 10),
        (("add", NAME, "--testnet", "--demo"), ALL, 2),
        (("add", "coinbase:x", "--testnet"), ALL, 10),
        (("add", NAME), (), 2),
        (("add", NAME), (PASSPHRASE,), 2),
        (("add", NAME), (PASSPHRASE, KEY), 2),
        (("add", NAME), (PASSPHRASE, KEY, "no secret!"), 10),
        (("add", NAME), ("short", KEY, SECRET), 11),
        (("add", NAME, SECRET), ALL, 2),
        (("add", SECRET), ALL, 10),
        (("add", f"{SECRET}:x"), ALL, 10),
        (("add", f"coinbase:{SECRET}"), ALL, 10),
        (("add", NAME, f"--secret={SECRET}"), ALL, 2),
    ],
    ids=str,
)
def test_what_cannot_be_stored_leaves_nothing_behind(
    cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch, words: Any, pipe: Any, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(pipe)))
    answer = cli("keys", *words, "--offline")
    assert answer.code == code, answer.err
    assert "canary" not in answer.err
    assert not place_of(home).file.exists()


def test_another_passphrase_opens_it_and_the_old_one_no_longer(
    keys: Keys, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys("add", NAME, pipe=ALL)
    assert keys("passphrase", pipe=(PASSPHRASE, "short")).code == 11
    assert keys("passphrase", pipe=(PASSPHRASE,)).code == 2
    assert keys("passphrase", pipe=("not the right one", "another horse battery")).code == 11
    assert stored(home).secret.reveal() == SECRET
    assert keys("passphrase", pipe=(PASSPHRASE, "another horse battery")).code == 0
    assert keys("list").code == 11
    found = unlock(place_of(home), Secret("another horse battery")).get(NAME)
    assert found.secret.reveal() == SECRET
    path = tmp_path / "passphrase"
    path.write_text("another horse battery")
    path.chmod(0o600)
    monkeypatch.setenv("TRADEWINDS_PASSPHRASE_FILE", str(path))
    assert keys("passphrase", pipe=(PASSPHRASE,)).code == 0
    assert stored(home).secret.reveal() == SECRET


def test_a_restored_vault_is_refused_until_it_is_accepted(keys: Keys, home: Path) -> None:
    keys("add", NAME, pipe=ALL)
    old = place_of(home).file.read_bytes()
    keys("add", "binance-usdm:main", pipe=(PASSPHRASE, "C" * 64, "D" * 64))
    place_of(home).file.write_bytes(old)
    refused = keys("list")
    assert refused.code == 11
    assert "older version" in refused.err
    assert "older version" in " ".join(keys("list", pipe=()).out.split())
    assert keys("accept").code == 0
    assert keys("list").code == 0
