"""`venue`: serves the real protocols on loopback until it is interrupted."""

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tradewinds.cli import venue
from tradewinds.cli.exits import CliError, Exit


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((venue.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_taken_port_is_refused_with_the_way_out() -> None:
    with socket.create_server((venue.HOST, 0)) as taken, pytest.raises(CliError) as refused:
        venue.require_free(taken.getsockname()[1])
    assert refused.value.code is Exit.IN_USE
    assert "--port" in refused.value.fix


@pytest.mark.serial
def test_it_answers_under_a_production_name_and_stops_on_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    port = free_port()
    command = [sys.executable, "-P", "-m", "tradewinds.cli", "--home", str(tmp_path), "venue"]
    serving = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    request.addfinalizer(serving.kill)
    assert serving.stdout is not None
    said = [serving.stdout.readline() for _ in range(7)]
    assert "SYNTHETIC" in said[0]
    found = re.search(r"trust: (.+)$", said[1])
    assert found is not None
    trusted = ssl.create_default_context(cafile=found.group(1))
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: resolve(venue.HOST, *rest, **more)
    )
    url = f"https://api.binance.com:{port}/api/v3/ticker/bookTicker?symbol=BTCUSDT"
    give_up = time.monotonic() + 10
    bid = ask = 0.0
    while not bid and time.monotonic() < give_up:
        # A market that has just opened has no quote yet.
        with urlopen(url, context=trusted, timeout=10) as answer:
            ticker = json.load(answer)
        bid, ask = float(ticker["bidPrice"]), float(ticker["askPrice"])
    assert 0 < bid < ask
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=10)
    assert serving.returncode == Exit.INTERRUPTED
