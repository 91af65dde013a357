"""The binder: what it refuses, what it survives, and what it falls back to."""

import subprocess
import sys
import threading
from array import array

import msgspec
import pytest
import wasmtime

from tradewinds.features.kernels.contract import BookSettings, Kernels, Lengths, SweepMarket
from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.kernels import artefact, opening, scenario, wasm
from tradewinds.kernels.fast import FastKernels
from tradewinds.kernels.wasm import WasmMachine
from tradewinds.model.errors import InvariantBroken

ASKS_FOR_A_CLOCK = '(module (import "env" "now" (func (result i64))) (memory (export "memory") 1))'


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_the_compiled_kernels_are_in_use_here() -> None:
    kernels = opening.open_kernels()
    assert kernels.name.startswith("WebAssembly, wasmtime ")
    kernels.close()


def test_a_module_that_asks_for_something_is_refused() -> None:
    answer = wasm.compiled_module(bytes(wasmtime.wat2wasm(ASKS_FOR_A_CLOCK)))
    assert answer == "the module asks for env.now; it may ask for nothing"


def test_bytes_that_are_no_module_are_refused() -> None:
    answer = wasm.compiled_module(b"\0asm\1\0\0\0 and more")
    assert isinstance(answer, str)
    assert answer.startswith("the module does not compile")


def test_a_module_with_another_hash_is_refused() -> None:
    module = artefact.module_bytes()
    assert isinstance(module, bytes)
    known = artefact.facts()
    assert artefact.flaw(module, known) is None
    assert "is not the one" in str(artefact.flaw(module[:-1] + b"\1", known))


def test_a_module_with_another_abi_is_refused() -> None:
    module = artefact.module_bytes()
    assert isinstance(module, bytes)
    older = msgspec.structs.replace(artefact.facts(), abi=0)
    assert (
        artefact.flaw(module, older) == "tradewinds_kernels.wasm has ABI 0, this program speaks 1"
    )


def test_without_wasmtime_plain_python_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasm, "WASMTIME_FAULT", "wasmtime cannot be used: No module")
    kernels = opening.open_kernels()
    assert isinstance(kernels, PlainKernels)
    assert kernels.name == "plain Python (wasmtime cannot be used: No module)"


def test_a_process_without_wasmtime_says_so_and_goes_on() -> None:
    done = run_python(
        "import sys; sys.modules['wasmtime'] = None\n"
        "from tradewinds.kernels.opening import open_kernels\n"
        "print(open_kernels().name)"
    )
    assert done.stdout.startswith("plain Python (wasmtime cannot be used: ")
    assert done.returncode == 0


def test_kernels_that_answer_something_else_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    other = msgspec.structs.replace(artefact.facts(), outputs_sha256="0" * 64)
    monkeypatch.setattr(opening, "facts", lambda: other)
    kernels = opening.open_kernels()
    assert isinstance(kernels, PlainKernels)
    assert "self-test of WebAssembly" in kernels.name
    assert "expected 000000000000" in kernels.name


def test_a_wrong_guess_about_private_attributes_is_survived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(wasmtime.Store, "_context")
    kernels = opening.open_kernels()
    assert isinstance(kernels, PlainKernels)
    assert "_context" in kernels.name


def test_a_kernel_that_stops_is_an_error_and_the_end_of_its_machine(machine: WasmMachine) -> None:
    book = FastKernels(machine).book(BookSettings(frame_bytes=64))
    with pytest.raises(InvariantBroken, match=r"kernel tw_book_frame stopped: .*unreachable"):
        book._call(65)
    with pytest.raises(InvariantBroken, match="cannot be called: tw_book_frame stopped"):
        book.frame(b"{}")
    book.close()


def test_a_wild_handle_traps_instead_of_crashing(machine: WasmMachine) -> None:
    with pytest.raises(InvariantBroken, match="out of bounds"):
        machine.call("tw_book_frame", 0x7FFFFFF0, 1)


def test_a_trap_stays_an_error_when_faulthandler_came_first() -> None:
    """Enabled after wasmtime's engine, faulthandler takes the signal and the process dies."""
    done = run_python(
        "import faulthandler; faulthandler.enable()\n"
        "from tradewinds.kernels.wasm import new_machine\n"
        "from tradewinds.model.errors import InvariantBroken\n"
        "machine = new_machine()\n"
        "try:\n    machine.call('tw_book_frame', 0x7FFFFFF0, 1)\n"
        "except InvariantBroken:\n    print('alive')"
    )
    assert done.stdout == "alive\n"
    assert done.returncode == 0


def test_another_thread_is_refused_and_opens_its_own(fast: Kernels) -> None:
    book = fast.book(BookSettings())
    told: list[str] = []

    def elsewhere() -> None:
        try:
            book.frame(b"{}")
        except InvariantBroken as error:
            told.append(str(error))
        own = opening.open_kernels()
        told.append(scenario.digest(own))
        own.close()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "belongs to another thread" in told[0]
    assert told[1] == artefact.facts().outputs_sha256


def test_after_close_nothing_dangles(machine: WasmMachine) -> None:
    kernels = FastKernels(machine)
    book, features = kernels.book(BookSettings()), kernels.features(1, Lengths())
    scan_rows = array("d", [0.0] * 6)
    kernels.close()
    with pytest.raises(ValueError, match="released"):
        book.row()
    with pytest.raises((ValueError, InvariantBroken)):
        features.update(scan_rows)
    with pytest.raises(InvariantBroken, match="it was closed"):
        kernels.features(1, Lengths())


def test_what_is_closed_gives_its_memory_back(machine: WasmMachine) -> None:
    kernels = FastKernels(machine)
    bars = scenario.bars(2000)
    kernels.sweep(bars, SweepMarket()).close()
    before = machine._memory.data_len(machine._store)
    for _ in range(50):
        kernels.sweep(bars, SweepMarket()).close()
    assert machine._memory.data_len(machine._store) == before


def test_an_early_exit_leaves_no_complaint() -> None:
    done = run_python(
        "from tradewinds.kernels.opening import open_kernels\n"
        "kept = [open_kernels(), open_kernels()]\nprint(kept[0].name[:11])"
    )
    assert done.stdout == "WebAssembly\n"
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_forked_child_can_open_and_use_its_own() -> None:
    done = run_python(
        "import os, sys\n"
        "from tradewinds.kernels.opening import open_kernels\n"
        "fork_first = os.fork()\n"
        "name = open_kernels().name[:11]\n"
        "if fork_first == 0:\n    os._exit(0 if name == 'WebAssembly' else 1)\n"
        "assert os.waitpid(fork_first, 0)[1] == 0\n"
        "child = os.fork()\n"
        "if child == 0:\n    os._exit(0 if open_kernels().name[:11] == 'WebAssembly' else 1)\n"
        "sys.exit(os.waitpid(child, 0)[1])"
    )
    assert done.returncode == 0, done.stderr
