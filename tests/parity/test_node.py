"""Node runs the same module to the same hash. Under CI=true it must be there."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.kernels import scenario
from tradewinds.kernels.artefact import facts
from tradewinds.kernels.machine import ABI

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "src" / "tradewinds" / "kernels" / "tradewinds_kernels.wasm"


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed; on Debian or Ubuntu: apt-get install nodejs")
    return found


def inputs(size: scenario.Size) -> dict[str, Any]:
    """The scenario as plain values, in the order in which the digest is made."""
    book = scenario.BOOK
    return {
        "abi": ABI,
        "book": {
            "symbol": book.symbol,
            "capacity": book.capacity,
            "frameBytes": book.frame_bytes,
            "imbalanceLevels": book.imbalance_levels,
            "quantity": book.quantity,
            "frames": [frame.decode() for frame in scenario.frames(size.frames)],
        },
        "triangles": {
            "keeps": [scenario.KEEP] * (2 * scenario.INSTRUMENTS),
            "cycles": scenario.cycles(),
            "threshold": scenario.THRESHOLD,
            "rowsMax": size.quotes,
            "hitsMax": 8 * size.quotes,
            "quotes": scenario.quotes(size.quotes).tolist(),
        },
        "features": {
            "symbols": scenario.SYMBOLS,
            "lengths": structs.astuple(scenario.LENGTHS),
            "bars": scenario.symbol_bars(size.bars).tolist(),
        },
        "sweep": {
            "bars": scenario.bars(size.bars).tolist(),
            "market": scenario.MARKET.row(),
            "rules": [rules.row() for rules in scenario.rules(size.sets)],
            "details": 2,
        },
    }


def in_node(node: str, size: scenario.Size) -> str:
    given = json.dumps({"module": str(MODULE), **inputs(size)})
    done = subprocess.run(
        [node, str(HERE / "drive.mjs")], input=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_node_comes_to_the_committed_outcome(node: str) -> None:
    assert in_node(node, scenario.Size()) == facts().outputs_sha256


def test_node_comes_to_the_outcome_of_plain_python(node: str) -> None:
    size = scenario.Size(frames=300, quotes=1500, bars=1500, sets=40)
    assert in_node(node, size) == scenario.digest(PlainKernels(), size)
