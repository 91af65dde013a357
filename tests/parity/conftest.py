"""The compiled kernels and the plain ones, side by side."""

from collections.abc import Iterator

import pytest

from tradewinds.features.kernels.contract import Kernels
from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.kernels.fast import FastKernels
from tradewinds.kernels.wasm import WasmMachine, new_machine


@pytest.fixture
def machine() -> Iterator[WasmMachine]:
    """WebAssembly; a fallback here would hide what the tests are for."""
    machine = new_machine()
    assert not isinstance(machine, str), machine
    yield machine
    machine.close()


@pytest.fixture
def fast(machine: WasmMachine) -> Kernels:
    """The compiled kernels."""
    return FastKernels(machine)


@pytest.fixture
def plain() -> Kernels:
    """The reference."""
    return PlainKernels()
