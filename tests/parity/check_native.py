"""The crate compiled natively answers the bits of WebAssembly, with every Rust compiler here.

Not collected by `make test`, which needs no compiler: `make kernels-check` runs it. Several
compilers are what finds code that only one of them happens to compile as it was meant.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from native_kernels import CRATE, NativeMachine, compilers, library

from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.kernels import scenario
from tradewinds.kernels.artefact import facts
from tradewinds.kernels.fast import FastKernels

LARGER = scenario.Size(frames=300, quotes=1500, bars=1500, sets=40)


@pytest.fixture(scope="module", params=compilers())
def native(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NativeMachine:
    folder = tmp_path_factory.mktemp("native")
    return NativeMachine(library(request.param, folder))


def test_there_is_a_compiler() -> None:
    assert compilers(), "install one: apt-get install rustc"


def test_native_code_comes_to_the_committed_outcome(native: NativeMachine) -> None:
    assert scenario.digest(FastKernels(native)) == facts().outputs_sha256


def test_native_code_comes_to_the_outcome_of_plain_python(native: NativeMachine) -> None:
    expected = scenario.digest(PlainKernels(), LARGER)
    assert scenario.digest(FastKernels(native), LARGER) == expected


@pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")
@pytest.mark.parametrize(
    "command",
    [["test", "--quiet"], ["clippy", "--quiet", "--", "-Dwarnings"], ["fmt", "--check"]],
    ids=lambda command: str(command[0]),
)
def test_the_crate_passes(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["cargo", *command],
        cwd=CRATE,
        env=os.environ | {"CARGO_TARGET_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
