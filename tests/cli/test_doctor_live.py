"""`doctor --live`: a check-up is put on record when all of it is well, and only then."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.live_kit import LIVE_KEY, PASSPHRASE, TEST_KEY, stocked
from tradewinds import clearance, going_live
from tradewinds.clearance import DoctorPassed
from tradewinds.cli import keys_venue
from tradewinds.cli.exits import Exit
from tradewinds.cli.keys_venue import Survey
from tradewinds.gateways.key_client import ClockReading
from tradewinds.gateways.permissions import Permissions
from tradewinds.market.synthetic_spec import synthetic_instruments

Run = Callable[..., Any]


def survey(**changes: Any) -> Survey:
    rights = Permissions(
        venue="binance-spot",
        can_read=True,
        can_trade=True,
        dangers=(),
        page="",
        trading_right="",
        ip_restricted=True,
    )
    plain = Survey(
        clock=ClockReading(offset_ms=1.0, round_trip_ms=20.0),
        rights=rights,
        instruments=synthetic_instruments()[:1],
        fees=(0.001, 0.001),
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture
def doctor(cli: Run, monkeypatch: pytest.MonkeyPatch, home: Path) -> Run:
    stocked(home)

    def call(told: Survey, key: str = LIVE_KEY, *words: str, usdm: Survey | None = None) -> Any:
        def survey(access: Any, _: Any) -> Survey:
            return usdm if usdm is not None and access.venue == "binance-usdm" else told

        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n"))
        monkeypatch.setattr(keys_venue, "survey", survey)
        monkeypatch.setattr("tradewinds.cli.venue_probe.reachable", lambda _: "binance")
        monkeypatch.setattr("tradewinds.cli.doctor_machine.check_packages", _nothing_wrong)
        return cli("doctor", "--live", key, "--json", *words)

    return call


def _nothing_wrong() -> Any:
    from tradewinds.cli.checkup import fine

    return fine("packages", "ok")


def test_a_passed_checkup_is_put_on_record_for_this_key(doctor: Run, home: Path) -> None:
    answer = doctor(survey())
    assert answer.code == Exit.OK, answer.out
    (row,) = clearance.rows(clearance.path_of(home))
    assert isinstance(row, DoctorPassed)
    assert row.key == LIVE_KEY
    assert row.key_print == clearance.key_print("k" * 64)
    assert going_live.unwell(row.checks, LIVE_KEY) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": None, "trouble": "no answer"},
        {"clock": ClockReading(offset_ms=5_000.0, round_trip_ms=20.0)},
        {"rights": None},
        {"instruments": (), "trouble": "no answer"},
    ],
)
def test_a_checkup_with_a_hole_in_it_is_not_put_on_record(
    doctor: Run, home: Path, changes: dict[str, Any]
) -> None:
    assert doctor(survey(**changes)).code == Exit.FAILURE
    assert clearance.rows(clearance.path_of(home)) == ()


def test_a_checkup_of_both_products_is_on_record_for_each_or_for_none(
    doctor: Run, home: Path
) -> None:
    path = clearance.path_of(home)
    closed = survey(clock=None, trouble="no answer")
    answer = doctor(survey(), LIVE_KEY, "--perpetuals", usdm=closed)
    assert answer.code == Exit.FAILURE
    assert clearance.rows(path) == ()
    assert doctor(survey(), LIVE_KEY, "--perpetuals").code == Exit.OK
    rows = clearance.rows(path)
    names = [row.key for row in rows if isinstance(row, DoctorPassed)]
    assert names == [LIVE_KEY, f"{LIVE_KEY} as binance-usdm"]
    for row, name in zip(rows, names, strict=True):
        assert isinstance(row, DoctorPassed)
        assert going_live.unwell(row.checks, name) == ""


def test_only_a_key_for_real_money_is_checked_for_it(doctor: Run, home: Path) -> None:
    assert doctor(survey(), TEST_KEY).code == Exit.KEY_REFUSED
    assert clearance.rows(clearance.path_of(home)) == ()
