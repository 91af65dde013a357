"""Other people's programs, asked in an environment of their own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

REPOSITORY = Path(__file__).parents[2]
ORACLES = REPOSITORY / ".venv.oracles" / "bin" / "python"
SCRIPT = Path(__file__).with_name("answer.py")
sys.path.insert(0, str(REPOSITORY))

PATIENCE_S = 180
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """`ask("indicators", close=[...])`: what the others say. One process for all questions."""
    if not ORACLES.exists():
        reason = "no .venv.oracles: run `make oracles`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    words = tmp_path_factory.mktemp("oracles") / "words"
    command = [str(ORACLES), str(SCRIPT)]
    pipe = subprocess.PIPE
    with (
        words.open("wb") as said,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True) as oracle,
    ):
        assert oracle.stdin is not None
        assert oracle.stdout is not None
        questions, answers = oracle.stdin, oracle.stdout

        def call(about: str, **question: Any) -> dict[str, Any]:
            patience = threading.Timer(PATIENCE_S, oracle.kill)
            patience.start()
            questions.write(json.dumps({"about": about, **question}) + "\n")
            questions.flush()
            answer = answers.readline()
            patience.cancel()
            assert answer, words.read_text("utf-8")[-2_000:]
            return dict(json.loads(answer))

        yield call
        questions.close()


@pytest.fixture(scope="session")
def hours(recorded: Path) -> Callable[..., dict[str, list[Any]]]:
    """Real hourly bars of one symbol as columns; `ts` in nanoseconds."""

    def read(symbol: str, name: str, first: int, count: int, **where: str) -> dict[str, list[Any]]:
        table = pq.read_table(recorded / name)
        for column, value in {"symbol": symbol, **where}.items():
            table = table.filter(pc.equal(table[column], value))
        table = table.sort_by("ts").slice(first, count)
        columns = {key: table[key].to_pylist() for key in ("open", "high", "low", "close")}
        stamps = table["ts"].cast(pa.timestamp("ns", "UTC")).cast("int64").to_pylist()
        return {"ts": stamps, **columns, "volume": table["volume"].to_pylist()}

    return read
