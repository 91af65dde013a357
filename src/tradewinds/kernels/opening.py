"""Chooses: the compiled kernels if they pass their self-test, else the plain ones."""

from tradewinds.features.kernels.contract import Kernels
from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.kernels.artefact import facts
from tradewinds.kernels.fast import FastKernels
from tradewinds.kernels.scenario import digest
from tradewinds.kernels.wasm import new_machine
from tradewinds.model.errors import InvariantBroken


def open_kernels() -> Kernels:
    """Kernels of the calling thread; its `name` says which. About 100 ms the first time.

    Plain Python answers the same bits, only later, so a missing or failing wasmtime costs time
    and nothing else. Close them when the thread ends.
    """
    machine = new_machine()
    if isinstance(machine, str):
        return PlainKernels(machine)
    kernels = FastKernels(machine)
    fault = self_test(kernels)
    if fault is None:
        return kernels
    machine.close()
    return PlainKernels(f"self-test of {kernels.name} failed: {fault}")


def self_test(kernels: Kernels) -> str | None:
    """Why these kernels must not be used, if so: a small run of each against the known outcome."""
    try:
        outcome = digest(kernels)
    except (InvariantBroken, ValueError) as error:
        return str(error)
    known = facts().outputs_sha256
    return None if outcome == known else f"outcome {outcome[:12]}, expected {known[:12]}"
