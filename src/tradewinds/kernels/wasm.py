"""The binder: calls into WebAssembly at a small part of what wasmtime's own Python call costs.

wasmtime-py reads a function's type and wraps every value at each call. The C function below it
takes a raw buffer instead, which is made once and used again. Only that buffer, the handle of a
store and that of a function come from private attributes; a wrong guess about them is found by
the self-test before anything is decided by an answer.
"""

import atexit
import ctypes
import weakref
from collections.abc import Callable
from functools import cache
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from tradewinds.kernels.artefact import module_bytes
from tradewinds.kernels.machine import ABI
from tradewinds.model.errors import InvariantBroken

if TYPE_CHECKING:
    from tradewinds.kernels.machine import Bytes, Doubles

try:
    import wasmtime
    from wasmtime import _ffi as ffi
except (ImportError, RuntimeError, OSError) as error:  # no wheel, no such platform, no library
    WASMTIME_FAULT = f"wasmtime cannot be used: {error}"
else:
    WASMTIME_FAULT = ""

SLOTS: Final = 2
"""A raw value is 16 bytes, room for a vector: two of ctypes' 64-bit integers."""
UNSIGNED: Final = 0xFFFFFFFF
NOBODY: Final = 0


def new_machine() -> "WasmMachine | str":
    """A machine of the calling thread, or why there is none."""
    if WASMTIME_FAULT:
        return WASMTIME_FAULT
    compiled = _compiled()
    if isinstance(compiled, str):
        return compiled
    try:
        machine = WasmMachine(*compiled)
        abi = machine.call("tw_abi")
    except (wasmtime.WasmtimeError, InvariantBroken, AttributeError, OSError) as error:
        return f"wasmtime {version()} does not do: {error}"
    if abi != ABI:
        machine.close()
        return f"the module answers ABI {abi}, this program speaks {ABI}"
    return machine


def version() -> str:
    """Of wasmtime."""
    from importlib.metadata import version as of

    return of("wasmtime")


@cache
def _compiled() -> "tuple[Any, Any] | str":
    """Engine and module, once a process; every thread's store shares them."""
    wasm = module_bytes()
    return wasm if isinstance(wasm, str) else compiled_module(wasm)


def compiled_module(wasm: bytes) -> "tuple[Any, Any] | str":
    """Engine and module, or why they cannot be: a module that imports is refused."""
    config = wasmtime.Config()
    # A pool of compiler threads does not survive a fork, and would wait for ever in the child.
    config.parallel_compilation = False
    if hasattr(config, "memory_may_move"):
        config.memory_may_move = False
    engine = wasmtime.Engine(config)
    try:
        module = wasmtime.Module(engine, wasm)
    except wasmtime.WasmtimeError as error:
        engine.close()
        return f"the module does not compile: {error}"
    imports = [f"{each.module}.{each.name}" for each in module.imports]
    if imports:
        module.close()
        engine.close()
        return f"the module asks for {', '.join(imports)}; it may ask for nothing"
    atexit.register(_close_in_order, module, engine)
    return engine, module


def _close_in_order(*owned: Any) -> None:
    """wasmtime's own finalisers come too late at an exit, and complain."""
    for machine in list(ALIVE):
        machine.close()
    for each in owned:
        each.close()


class WasmMachine:
    """One store. A kernel that stops leaves its memory in doubt, so nothing is called after it."""

    def __init__(self, engine: Any, module: Any) -> None:
        self.name = f"WebAssembly, wasmtime {version()}, ABI {ABI}"
        self._owner = get_ident()
        self._end = ""
        self._store = wasmtime.Store(engine)
        exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self._memory: Any = exports["memory"]
        self._functions = {
            name: each._func for name, each in exports.items() if isinstance(each, wasmtime.Func)
        }
        self._trap = ctypes.c_void_p()
        self._views: list[Bytes | Doubles] = []
        self._base = self._address_now()
        self._invoke = _invoker()
        self._context = ctypes.cast(self._store._context(), ctypes.c_void_p)
        ALIVE.add(self)

    def call(self, name: str, *arguments: int) -> int:
        """See `machine.Machine`."""
        if get_ident() != self._owner:
            raise self._misuse()
        count = max(len(arguments), 1)
        raw = (ctypes.c_int64 * (SLOTS * count))()
        for place, argument in enumerate(arguments):
            raw[SLOTS * place] = argument
        error = self._invoke(
            self._context,
            ctypes.addressof(self._functions[name]),
            raw,
            count,
            ctypes.addressof(self._trap),
        )
        if error is not None or self._trap.value is not None:
            raise self._stopped(name, error)
        self._check_base()
        return raw[0] & UNSIGNED

    def bind(self, name: str, handle: int) -> Callable[[int], int]:
        """See `machine.Machine`."""
        raw = (ctypes.c_int64 * (SLOTS * 2))()
        invoke, trap = self._invoke, self._trap
        context = self._context
        function = ctypes.c_void_p(ctypes.addressof(self._functions[name]))
        values = ctypes.c_void_p(ctypes.addressof(raw))
        trapped = ctypes.c_void_p(ctypes.addressof(trap))

        def call(argument: int) -> int:
            if get_ident() != self._owner:
                raise self._misuse()
            raw[0] = handle
            raw[SLOTS] = argument
            error = invoke(context, function, values, 2, trapped)
            if error is not None or trap.value is not None:
                raise self._stopped(name, error)
            return raw[0] & UNSIGNED

        return call

    def bytes_at(self, address: int, size: int) -> "Bytes":
        """See `machine.Machine`."""
        view = self._at(address, size)
        self._views.append(view)
        return view

    def doubles_at(self, address: int, count: int) -> "Doubles":
        """See `machine.Machine`."""
        view = self._at(address, 8 * count).cast("d")
        self._views.append(view)
        return view

    def _at(self, address: int, size: int) -> "Bytes":
        """Raises InvariantBroken for an address outside the memory."""
        if get_ident() != self._owner:
            raise self._misuse()
        if not 0 <= address <= address + size <= self._memory.data_len(self._store):
            raise InvariantBroken(f"kernel memory has no {size} bytes at {address}")
        return memoryview((ctypes.c_char * size).from_address(self._base + address)).cast("B")

    def forget(self, *views: "Bytes | Doubles") -> None:
        """See `machine.Machine`."""
        for view in views:
            view.release()
        self._views = [view for view in self._views if _usable(view)]

    def drop(self, name: str, handle: int) -> None:
        """See `machine.Machine`."""
        if not self._end:
            self.call(name, handle)

    def close(self) -> None:
        """See `machine.Machine`."""
        self._owner, self._end = NOBODY, self._end or "it was closed"
        self.forget(*self._views)
        self._store.close()

    def _address_now(self) -> int:
        return ctypes.addressof(self._memory.data_ptr(self._store).contents)

    def _check_base(self) -> None:
        """Views would dangle if growing moved the memory; wasmtime is told not to."""
        if self._address_now() != self._base:
            self._owner, self._end = NOBODY, "its memory moved"
            raise InvariantBroken("wasmtime moved the kernels' memory: report this version of it")

    def _misuse(self) -> InvariantBroken:
        reason = self._end or "it belongs to another thread; each opens its own"
        return InvariantBroken(f"these kernels cannot be called: {reason}")

    def _stopped(self, name: str, error: int | None) -> InvariantBroken:
        """A trap: the kernel met its own assertion. Its memory can be trusted no more."""
        why = _message_of(error, self._trap)
        self._owner, self._end = NOBODY, f"{name} stopped"
        return InvariantBroken(f"kernel {name} stopped: {why}; open new kernels, or go without")


ALIVE: "weakref.WeakSet[WasmMachine]" = weakref.WeakSet()
"""To be closed at the exit."""


def _usable(view: "Bytes | Doubles") -> bool:
    try:
        return view.nbytes >= 0
    except ValueError:
        return False


@cache
def _invoker() -> Callable[..., int | None]:
    """`wasmtime_func_call_unchecked` with arguments as plain as ctypes takes them."""
    pointer = ctypes.c_void_p
    prototype = ctypes.CFUNCTYPE(pointer, pointer, pointer, pointer, ctypes.c_size_t, pointer)
    library = ctypes.CDLL(str(ffi.filename))
    return prototype(("wasmtime_func_call_unchecked", library))


def _message_of(error: int | None, trap: ctypes.c_void_p) -> str:
    """What wasmtime says, without the addresses; frees it."""
    text = ffi.wasm_byte_vec_t()
    failure: Any
    if error is not None:
        failure = ctypes.cast(error, ctypes.POINTER(ffi.wasmtime_error_t))
        ffi.wasmtime_error_message(failure, ctypes.byref(text))
        ffi.wasmtime_error_delete(failure)
    else:
        failure = ctypes.cast(trap, ctypes.POINTER(ffi.wasm_trap_t))
        ffi.wasm_trap_message(failure, ctypes.byref(text))
        ffi.wasm_trap_delete(failure)
    trap.value = None
    lines = ffi.to_str(text).rstrip("\0").splitlines()
    ffi.wasm_byte_vec_delete(ctypes.byref(text))
    told = next((line for line in lines if "wasm trap" in line), lines[0] if lines else "no reason")
    return told.strip()
