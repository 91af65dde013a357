"""The research verbs on the command line: answers, pages, progress and refusals."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_past import BARS, bars

__all__ = ["BARS", "bars"]
Cli = Callable[..., Any]
SHORT = ("--train-days", "3", "--test-days", "2", "--purge-days", "0", "--candidates", "1")


def test_a_backtest_says_what_it_was_made_under_and_counts_itself(cli: Cli, bars: Path) -> None:
    first = cli("backtest", str(bars), "--strategy", "momentum", "--json").json["data"]
    again = cli("backtest", str(bars), "--strategy", "momentum", "--json").json["data"]
    assert (first["conditions"]["trials"], first["conditions"]["evaluations"]) == (1, 1)
    assert (again["conditions"]["trials"], again["conditions"]["evaluations"]) == (1, 2)
    assert "10 bps maker" in first["conditions"]["fees"]
    text = cli("backtest", str(bars), "--strategy", "momentum").out
    for words in ("Fees", "Spread and slippage", "Funding", "Survivorship", "Trials made",
                  "Time in the market", "Market change (buy and hold)", "By regime"):  # fmt: skip
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_backtest_page_stands_alone(cli: Cli, bars: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert cli("backtest", str(bars), "--html", str(page)).code == 0
    text = page.read_text("utf-8")
    assert not re.search(r"https?://|<link|<img|src=", text)
    for words in ("Equity", "Drawdown", "By month", "By regime", "Under these conditions",
                  "Trials made", "Against buy and hold", "<svg"):  # fmt: skip
        assert words in text


def test_a_walk_forward_answers_in_json_and_as_a_page(cli: Cli, bars: Path, tmp_path: Path) -> None:
    page = tmp_path / "walk.html"
    words = ("walk-forward", str(bars), "--strategy", "momentum", *SHORT, "--html", str(page))
    found = cli(*words, "--json").json["data"]
    assert len(found["windows"]) >= 2
    assert found["trials"] >= len(found["windows"])
    assert {"chosen", "benched", "shipped"} <= set(found)
    assert "<svg" in page.read_text("utf-8")
    answer = cli(*words)
    assert "window 1 of" in answer.err
    assert "out of sample, after all costs" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 100


def test_a_search_goes_on_and_prints_what_to_paste(cli: Cli, bars: Path, home: Path) -> None:
    words = ("optimize", str(bars), "--strategy", "triangular", "--workers", "1")
    first = cli(*words, "--trials", "1", "--json").json["data"]
    again = cli(*words, "--trials", "2", "--json").json["data"]
    assert (first["found"]["trials"], again["found"]["trials"]) == (1, 2)
    assert again["evaluations"] > first["evaluations"]
    assert (home / "studies.db").exists()
    assert "Nothing did better" in cli(*words, "--trials", "2").out


def test_a_verdict_on_luck_names_the_strategy(cli: Cli, bars: Path) -> None:
    words = ("significance", str(bars), "--strategy", "triangular", "--candidates", "1")
    answer = cli(*words, "--json")
    assert answer.code == 0
    assert answer.json["data"]["verdict"].startswith("triangular on REPLAY bars.parquet")
    assert answer.json["data"]["undecided"]
    assert "too little to tell" in cli(*words).out


def test_a_clean_strategy_passes_the_probes(cli: Cli, bars: Path) -> None:
    answer = cli("lookahead", str(bars), "--strategy", "triangular", "--cuts", "1")
    assert answer.code == 0
    assert "made no signal at all" in " ".join(answer.out.split())


def test_a_paper_run_is_compared_with_its_own_backtest(cli: Cli, bars: Path) -> None:
    command = [sys.executable, "-m", "tradewinds.cli", "run", "--replay", str(bars)]
    done = subprocess.run(
        [*command, "--speed", "max", "--no-dashboard"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = cli("divergence", "--json").json["data"]
    amounts = [float(row["amount"]) for row in found["bridge"]]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=1e-9)
    assert found["missed"] == []
    assert "backtest, net" in cli("divergence", "--data", str(bars)).out


def test_results_are_written_and_gone_on_with(cli: Cli, bars: Path, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "results.md"
    words = ("results", str(bars.parent), "--tiers", "triangular", "--out", str(page))
    stopped = cli(*words, "--minutes", "0", "--workers", "1", "--json")
    assert stopped.json["data"]["finished"] is False
    finished = cli(*words, "--workers", "1", "--json").json["data"]
    assert finished["finished"] is True
    assert "# Results" in page.read_text("utf-8")
    assert json.loads(json.dumps(finished))["cells"][0]["windows"] >= 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["walk-forward", "--synthetic-days", "3"], 2),
        (["optimize", "nowhere.parquet"], 6),
        (["significance"], 2),
        (["lookahead", "nowhere.parquet"], 6),
        (["divergence"], 1),
        (["results", "nowhere", "--tiers", "nothing"], 2),
        (["results", "nowhere"], 6),
    ],
    ids=str,
)
def test_what_cannot_be_says_why(cli: Cli, words: list[str], code: int) -> None:
    answer = cli(*words, "--json")
    assert answer.code == code
    assert answer.json["error"]["message"]


def test_data_too_short_for_a_window_says_what_it_takes(cli: Cli, bars: Path) -> None:
    answer = cli("walk-forward", str(bars), "--strategy", "triangular", "--json")
    assert answer.code == 2
    assert "one window takes 122" in answer.json["error"]["message"]
