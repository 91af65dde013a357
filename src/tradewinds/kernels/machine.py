"""What runs the compiled kernels: WebAssembly here, a native library in the parity tests."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    Bytes = memoryview[int]
    Doubles = memoryview[float]

ABI = 1
"""Of `kernels/src/abi.rs`."""


class Machine(Protocol):
    """Functions of the crate by name, and its memory. Of one thread."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def call(self, name: str, *arguments: int) -> int:
        """A call now and then. Raises InvariantBroken when the kernel stops."""
        ...

    def bind(self, name: str, handle: int) -> Callable[[int], int]:
        """`name(handle, x)` as a function of x, as fast as calls get."""
        ...

    def bytes_at(self, address: int, size: int) -> "Bytes":
        """`size` bytes of its memory. Released, not dangling, after `forget` or `close`."""
        ...

    def doubles_at(self, address: int, count: int) -> "Doubles":
        """`count` float64 of its memory, likewise."""
        ...

    def forget(self, *views: "Bytes | Doubles") -> None:
        """What they show is gone."""
        ...

    def drop(self, name: str, handle: int) -> None:
        """Give an object up. On a machine that has ended there is nothing left to do."""
        ...

    def close(self) -> None:
        """Free everything; nothing can be called any more."""
        ...
