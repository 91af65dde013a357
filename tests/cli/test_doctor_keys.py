"""`doctor` about keys: the vault's file, and what each venue says, each fault with its fix."""

import io
import socket
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tradewinds.cli import keys_venue, venue_probe
from tradewinds.cli.keys_venue import Survey
from tradewinds.gateways.key_client import ClockReading, KeyAccess
from tradewinds.gateways.permissions import Permissions, Unverified
from tradewinds.model.ids import Asset, Venue, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.vault.file import Place, place_of
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import create

PASSPHRASE = "correct horse battery staple"
INSTRUMENT = Instrument(
    id=instrument_id("BTC/USDT", "binance-spot"),
    symbol="BTC/USDT",
    venue=Venue("binance-spot"),
    kind=InstrumentKind.SPOT,
    base=Asset("BTC"),
    quote=Asset("USDT"),
    settle=Asset("USDT"),
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)
GOOD = Permissions(
    venue="binance-spot",
    can_read=True,
    can_trade=True,
    dangers=(),
    page="Binance > API Management",
    trading_right="x",
    ip_restricted=True,
)
ALL_WELL = Survey(
    clock=ClockReading(offset_ms=12.0, round_trip_ms=80.0),
    rights=GOOD,
    instruments=(INSTRUMENT,),
    fees=(0.00075, 0.00075),
)
Checks = dict[str, Any]


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TRADEWINDS__DASHBOARD__PORT", str(probe.getsockname()[1]))


@pytest.fixture
def vault(home: Path) -> Place:
    """One verified key."""
    home.mkdir(mode=0o700)
    place = place_of(home)
    create(place, Secret(PASSPHRASE)).put(key())
    return place


def key(**changes: Any) -> ApiKey:
    plain = ApiKey(
        name=parse_name("binance-spot:main"),
        environment=Environment.PRODUCTION,
        key=Secret("canary" + "k" * 58 + "1234"),
        secret=Secret("canary" + "s" * 58 + "5678"),
        standing=Standing.VERIFIED,
        checked_ns=1,
    )
    return structs.replace(plain, **changes)


@pytest.fixture
def told(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, Checks]]:
    """Exit code and checks by name, with the passphrase in the pipe and a venue that says this."""

    def call(*words: str, says: Survey = ALL_WELL, reached: str = "") -> tuple[int, Checks]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(PASSPHRASE + "\n"))
        monkeypatch.setattr(venue_probe, "reachable", lambda settings: reached)
        monkeypatch.setattr(keys_venue, "survey", lambda access, symbols: says)
        answer = cli("doctor", "--json", *words)
        assert "canary" not in answer.out + answer.err
        return answer.code, {check["name"]: check for check in answer.json["data"]}

    return call


def test_no_keys_is_a_note(told: Any) -> None:
    code, checks = told("--offline")
    assert code == 0
    assert checks["keys"]["verdict"] == "note"
    assert "paper" in checks["keys"]["found"]


def test_without_keys_the_venue_in_reach_tells_clock_filters_and_listed_fees(told: Any) -> None:
    public = structs.replace(ALL_WELL, rights=None, fees=None)
    code, checks = told(says=public, reached="binance")
    assert code == 0
    assert "round trip 80 ms" in checks["binance-spot clock"]["found"]
    assert "price in 0.01" in checks["binance-spot filters"]["found"]
    assert "list prices; not your own" in checks["binance-spot fees"]["found"]
    assert checks["binance-spot fees"]["verdict"] == "note", "nobody's own could be asked for"
    assert "binance-spot clock" not in told(says=public)[1]


def test_a_locked_vault_lists_names_and_says_how_to_look_further(told: Any, vault: Place) -> None:
    code, checks = told("--offline")
    assert code == 0
    assert "binance-spot:main (production)" in checks["keys"]["found"]
    assert "--unlock" in checks["key rights"]["fix"]


def test_offline_says_so_without_failing(told: Any, vault: Place) -> None:
    code, checks = told("--offline", "--unlock")
    assert code == 0
    assert "****1234" in checks["binance-spot:main stored"]["found"]
    assert "offline" in checks["binance-spot:main venue"]["found"]


def test_an_open_vault_has_every_key_checked(told: Any, vault: Place) -> None:
    code, checks = told("--unlock")
    assert code == 0
    assert checks["binance-spot:main rights"]["verdict"] == "ok"
    assert "+12 ms" in checks["binance-spot:main clock"]["found"]
    assert "at least 5 USDT" in checks["binance-spot:main filters"]["found"]
    assert "0.075 %" in checks["binance-spot:main fees"]["found"]
    assert "your account's" in checks["binance-spot:main fees"]["found"]


def test_list_prices_are_no_pass_for_a_key(told: Any, vault: Place) -> None:
    code, checks = told("--unlock", says=structs.replace(ALL_WELL, fees=None))
    assert code == 0
    fees = checks["binance-spot:main fees"]
    assert fees["verdict"] == "warning"
    assert "list prices; not your own" in fees["found"]
    assert fees["fix"]


def test_the_passphrase_file_opens_it_without_asking(
    told: Any, vault: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE)
    path.chmod(0o600)
    monkeypatch.setenv("TRADEWINDS_PASSPHRASE_FILE", str(path))
    assert told()[1]["binance-spot:main rights"]["verdict"] == "ok"
    path.chmod(0o644)
    code, checks = told()
    assert code == 1
    assert "chmod 600" in checks["vault"]["found"]


@pytest.mark.parametrize(
    ("rights", "word"),
    [
        (structs.replace(GOOD, dangers=("enableWithdrawals",)), "enableWithdrawals"),
        (structs.replace(GOOD, can_trade=False), "cannot trade"),
        (Unverified(reason="no answer"), "no answer"),
    ],
)
def test_a_key_that_must_not_trade_is_a_fault(
    told: Any, vault: Place, rights: Permissions | Unverified, word: str
) -> None:
    code, checks = told("--unlock", says=structs.replace(ALL_WELL, rights=rights))
    assert code == 1
    assert word in checks["binance-spot:main rights"]["found"]
    assert checks["binance-spot:main rights"]["fix"]


def test_no_passphrase_after_all_is_a_fault_and_the_rest_is_still_checked(
    cli: Callable[..., Any], vault: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    answer = cli("doctor", "--offline", "--unlock", "--json")
    assert answer.code == 1
    checks = {check["name"]: check["verdict"] for check in answer.json["data"]}
    assert (checks["vault"], checks["python"]) == ("failed", "ok")


def test_no_ip_limit_is_a_warning(told: Any, vault: Place) -> None:
    open_key = structs.replace(ALL_WELL, rights=structs.replace(GOOD, ip_restricted=False))
    code, checks = told("--unlock", says=open_key)
    assert code == 0
    assert checks["binance-spot:main rights"]["verdict"] == "warning"
    assert "IP" in checks["binance-spot:main rights"]["fix"]


@pytest.mark.parametrize(
    ("offset_ms", "verdict"),
    [(12.0, "ok"), (-530.0, "ok"), (-700.0, "warning"), (1_030.0, "warning"), (-9_000.0, "failed")],
)
def test_the_clock_is_judged_by_what_is_certain(
    told: Any, vault: Place, offset_ms: float, verdict: str
) -> None:
    clock = ClockReading(offset_ms=offset_ms, round_trip_ms=80.0)
    check = told("--unlock", says=structs.replace(ALL_WELL, clock=clock))[1]
    assert check["binance-spot:main clock"]["verdict"] == verdict


def test_a_venue_out_of_reach_is_a_warning(told: Any, vault: Place) -> None:
    code, checks = told("--unlock", says=Survey(trouble="no answer (ExchangeNotAvailable)"))
    assert code == 0
    assert checks["binance-spot:main venue"]["verdict"] == "warning"


def test_a_key_never_verified_is_a_warning_with_its_command(told: Any, vault: Place) -> None:
    vault.file.unlink()
    vault.witness.unlink()
    create(vault, Secret(PASSPHRASE)).put(key(standing=Standing.NOT_CHECKED))
    check = told("--unlock", "--offline")[1]["binance-spot:main stored"]
    assert check["verdict"] == "warning"
    assert "keys test binance-spot:main" in check["fix"]


@pytest.mark.parametrize(
    ("harm", "name", "word"),
    [
        (lambda place: place.file.chmod(0o644), "keys", "chmod 600"),
        (lambda place: place.file.write_bytes(place.file.read_bytes()[:99]), "keys", "damaged"),
        (lambda place: place.witness.unlink(), "keys", "vouches"),
    ],
)
def test_a_vault_that_is_refused_is_a_fault(
    told: Any, vault: Place, harm: Callable[[Place], Any], name: str, word: str
) -> None:
    harm(vault)
    code, checks = told("--offline")
    assert code == 1
    assert word in checks[name]["found"]


def test_a_folder_that_others_can_list_is_a_warning(told: Any, vault: Place) -> None:
    vault.file.parent.chmod(0o755)
    assert "chmod 700" in told("--offline")[1]["vault"]["fix"]


def test_a_survey_survives_a_venue_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    found = keys_venue.survey(KeyAccess(venue="binance-spot"), ("BTC/USDT",))
    assert found.clock is None
    assert "no answer" in found.trouble
