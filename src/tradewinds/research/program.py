"""Which program decides: its version, and a hash of the sources that a decision can come from."""

import functools
import hashlib
from pathlib import Path
from typing import Final

import tradewinds

DECIDING: Final = (
    "engine",
    "execution",
    "features",
    "kernels",
    "ledger",
    "model",
    "risk",
    "strategies",
)
DIGITS: Final = 12


@functools.cache
def program() -> str:
    """`0.1.0 3f9ac01b77de`: the same program decides the same on the same inputs."""
    return f"{tradewinds.__version__} {digest_of(Path(tradewinds.__file__).parent)}"


def digest_of(package: Path) -> str:
    """Of the names and contents of what decides, wherever the package lies."""
    digest = hashlib.sha256()
    for folder in DECIDING:
        for path in sorted((package / folder).rglob("*")):
            if path.suffix in (".py", ".wasm"):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:DIGITS]
