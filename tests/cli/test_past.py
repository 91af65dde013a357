"""`backtest`, `data`, and a whole run over recorded bars: from `run` to `report` and `replay`."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds import clearance
from tradewinds.clearance import Promoted
from tradewinds.cli.exits import Exit

MINUTE_MS = 60_000
MONDAY_MS = 19_723 * 86_400_000
BARS = 3_000


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    """Two instruments of five-minute bars with trends; the second has a hole of ten bars."""
    rows: dict[str, list[Any]] = {
        name: [] for name in ("symbol", "ts", "open", "high", "low", "close", "volume")
    }
    for symbol, price in (("BTCUSDT", 40_000.0), ("ETHUSDT", 2_500.0)):
        last = price
        for index in range(BARS):
            if symbol == "ETHUSDT" and 100 <= index < 110:
                continue
            swing = 1 + 0.06 * math.sin(index / 300) + 0.002 * math.sin(index * 1.7)
            close = price * swing
            rows["symbol"].append(symbol)
            rows["ts"].append(MONDAY_MS + index * 5 * MINUTE_MS)
            rows["open"].append(last)
            rows["close"].append(close)
            rows["high"].append(max(last, close) * 1.0005)
            rows["low"].append(min(last, close) * 0.9995)
            rows["volume"].append(500.0)
            last = close
    path = tmp_path / "bars.parquet"
    table = pa.table(rows)
    stamps = table["ts"].cast(pa.timestamp("ms", "UTC"))
    pq.write_table(table.set_column(1, "ts", stamps), path)
    return path


def test_a_backtest_is_labelled_and_complete(
    cli: Callable[..., Any], bars: Path, tmp_path: Path
) -> None:
    export = tmp_path / "result.json"
    answer = cli("backtest", str(bars), "--export", str(export), "--json")
    assert answer.code == 0
    found = answer.json["data"]
    assert found["sheet"]["feed"]["label"].startswith("REPLAY bars.parquet")
    assert found["sheet"]["performance"]["starting_balance"] == "1000"
    assert set(found["strategies"]) == {"momentum", "scalping", "triangular"}
    assert json.loads(export.read_text()) == found


def test_a_backtest_reads_well_and_warns(cli: Callable[..., Any], bars: Path) -> None:
    text = cli("backtest", str(bars), "--strategy", "momentum", "--symbols", "BTCUSDT").out
    assert text.startswith("REPLAY")
    for words in ("Total profit %", "Slippage", "buy and hold", "By strategy", "! REPLAY"):
        assert words in text
    assert "ETH/USDT" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["nowhere.parquet"], 6),
        (["--synthetic-days", "1", "nowhere.parquet"], 2),
        (["--synthetic-days", "0"], 2),
        (["--start", "soon", "."], 2),
    ],
    ids=str,
)
def test_a_backtest_that_cannot_be_says_why(
    cli: Callable[..., Any], words: list[str], code: int
) -> None:
    answer = cli("backtest", *words, "--json")
    assert answer.code == code
    assert answer.json["error"]["message"]
    assert answer.json["error"]["fix"]


def test_an_unknown_strategy_is_refused_with_the_known_ones(
    cli: Callable[..., Any], bars: Path
) -> None:
    answer = cli("backtest", str(bars), "--strategy", "momentun", "--json")
    assert answer.code == 2
    assert "momentum" in answer.json["error"]["message"] + answer.json["error"]["fix"]


def test_data_list_counts_rows_and_holes(cli: Callable[..., Any], bars: Path) -> None:
    answer = cli("data", "list", str(bars), "--json")
    rows = {row["symbol"]: row for row in answer.json["data"]["series"]}
    assert rows["BTCUSDT"]["rows"] == BARS
    assert rows["BTCUSDT"]["gaps"] == 0
    assert (rows["ETHUSDT"]["rows"], rows["ETHUSDT"]["gaps"]) == (BARS - 10, 1)
    assert rows["ETHUSDT"]["missing"] == rows["ETHUSDT"]["longest_gap_bars"] == 10
    assert rows["BTCUSDT"]["timeframe"] == "5m"
    assert rows["BTCUSDT"]["first_ns"] == MONDAY_MS * 1_000_000
    assert cli("data", "check", str(bars.parent)).code == 0


def test_data_check_fails_on_rows_that_cannot_be_used(cli: Callable[..., Any], bars: Path) -> None:
    table = pq.read_table(bars)
    closes = table["close"].to_pylist()
    closes[5], closes[6] = float("nan"), -1.0
    spoiled = table.set_column(table.schema.get_field_index("close"), "close", pa.array(closes))
    pq.write_table(spoiled, bars)
    answer = cli("data", "check", str(bars), "--json")
    assert answer.code == 6
    assert sum(answer.json["data"]["dropped"].values()) == 2
    assert cli("data", "list", str(bars)).code == 0


@pytest.mark.parametrize("content", [None, b"", b"not parquet"])
def test_data_that_is_none_is_a_data_error(
    cli: Callable[..., Any], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "x.parquet"
    if content is not None:
        path.write_bytes(content)
    answer = cli("data", "list", str(path), "--json")
    assert answer.code == 6
    assert "x.parquet" in answer.json["error"]["message"]


def audits_what_allows_real_money(cli: Callable[..., Any], home: Path) -> None:
    record = clearance.path_of(home)
    for name in ("one", "two"):
        row = Promoted(strategy=name, params_hash="h", evidence={"trades": "1"}, time_ns=1)
        clearance.append(record, row)
    assert "clearance.jsonl: intact" in cli("audit").out
    record.write_bytes(record.read_bytes().splitlines(keepends=True)[0])
    cut = cli("audit", "--json")
    assert cut.code == Exit.AUDIT_FAILED
    assert "2 rows were written and 1 are there" in cut.json["error"]["message"]


def test_a_run_over_recorded_bars_ends_in_a_report_an_audit_and_an_equal_replay(
    cli: Callable[..., Any], bars: Path, home: Path
) -> None:
    command = [sys.executable, "-m", "tradewinds.cli", "run", "--replay", str(bars)]
    done = subprocess.run(
        [*command, "--speed", "max", "--no-dashboard"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = cli("report", "--json").json["data"]
    assert found["account"].startswith("paper-replay")
    assert found["sheet"]["feed"]["label"].startswith("REPLAY")
    assert cli("audit").code == 0
    audits_what_allows_real_money(cli, home)
    answer = cli("replay", "--json")
    assert answer.code == 0
    assert answer.json["data"]["events"] > 2 * BARS - 10
    assert cli("status", "--json").json["data"]["snapshot"]["finished"] is True
