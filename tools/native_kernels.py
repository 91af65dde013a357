"""The kernels as native code, to compare WebAssembly with: for parity check and benchmark."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

CRATE = Path(__file__).resolve().parent.parent / "kernels"
DEBIANS = "/usr/bin/rustc"
FLAGS = (
    "--crate-name=tradewinds_kernels",
    "--crate-type=cdylib",
    "--edition=2021",
    "-Copt-level=3",
    "-Ccodegen-units=1",
    "-Cpanic=abort",
)


class NativeMachine:
    """The crate as a shared library. Nothing guards its memory: for tests only."""

    def __init__(self, library: Path) -> None:
        self.name = f"native, {library.name}"
        self._library = ctypes.CDLL(str(library))

    def call(self, name: str, *arguments: int) -> int:
        """A handle or an address is 64 bits wide, everything else 32."""
        function: Any = getattr(self._library, name)
        wide = name.endswith(("_new", "_region"))
        function.restype = ctypes.c_void_p if wide else ctypes.c_uint32
        first_wide = not name.endswith("_new")
        function.argtypes = [
            ctypes.c_void_p if first_wide and place == 0 else ctypes.c_uint32
            for place in range(len(arguments))
        ]
        answer = function(*arguments)
        return int(answer or 0)

    def bind(self, name: str, handle: int) -> Callable[[int], int]:
        """As WebAssembly's; a function object of its own, so that its types are set once."""
        function: Any = self._library[name]
        function.restype = ctypes.c_uint32
        function.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        return lambda argument: int(function(handle, argument))

    def bytes_at(self, address: int, size: int) -> "memoryview[int]":
        """Of the process."""
        return memoryview((ctypes.c_char * size).from_address(address)).cast("B")

    def doubles_at(self, address: int, count: int) -> "memoryview[float]":
        """Of the process."""
        return self.bytes_at(address, 8 * count).cast("d")

    def forget(self, *views: "memoryview[int] | memoryview[float]") -> None:
        """They may not be used any more."""
        for view in views:
            view.release()

    def drop(self, name: str, handle: int) -> None:
        """An object."""
        self.call(name, handle)

    def close(self) -> None:
        """The library stays loaded."""


def compilers() -> list[str]:
    """Debian's, and what `rustc` is on the path."""
    found = [DEBIANS, shutil.which("rustc") or ""]
    return [path for path in dict.fromkeys(found) if path and os.access(path, os.X_OK)]


def library(compiler: str, folder: Path) -> Path:
    """Compiles the crate into `folder`."""
    target = folder / "libtradewinds_kernels.so"
    subprocess.run([compiler, *FLAGS, "src/lib.rs", "-o", target], cwd=CRATE, check=True)
    return target
