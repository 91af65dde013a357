"""Who asked for real money, and when, is on record: no command line is taken at its word."""

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.test_going_live import (
    NOW,
    PASSPHRASE,
    api_key,
    case,
    checkup,
    confirmed,
    options,
    proof,
    settings,
    vault,
)
from tradewinds import clearance, going_live, venues
from tradewinds.clearance import NotCleared


def test_a_time_of_asking_counts_only_as_it_stands_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault(tmp_path, api_key())
    monkeypatch.setattr(going_live, "why_refused", no_reason)
    for row in (checkup(), proof(), confirmed()):
        clearance.append(clearance.path_of(tmp_path), row)

    def start(cleared_ns: int) -> str:
        told = msgspec.structs.replace(options(tmp_path), cleared_ns=cleared_ns)
        try:
            asyncio.run(going_live.reach_for(settings(), told, PASSPHRASE))
        except NotCleared as error:
            return str(error)
        return ""

    def note(now_ns: int, process: int = os.getppid(), **changes: Any) -> None:
        row = going_live.asked(case(now_ns=now_ns), process)
        row = msgspec.structs.replace(row, **changes)
        clearance.append(clearance.path_of(tmp_path), row)

    assert "no start by its owner is on record" in start(NOW), "nobody asked"
    note(NOW)
    assert start(NOW) == ""
    assert "on record" in start(NOW + 1), "another time than was asked at"
    note(NOW + 2, account="main-real-binance-spot-other")
    assert start(NOW) == "", "another account's start is not this one's"
    note(NOW + 3, process=1)
    assert "on record" in start(NOW + 3), "started by another process than the one that asked"
    assert "on record" in start(NOW), "a newer start takes its place"
    note(NOW + 4, key_print="of another key")
    assert "on record" in start(NOW + 4)
    note(NOW + 5)
    assert start(NOW + 5) == ""


async def no_reason(reach: venues.Reach) -> str:
    return ""
