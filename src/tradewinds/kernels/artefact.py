"""The committed module and the facts beside it: hashes, compiler, ABI."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds.kernels.machine import ABI

MODULE: Final = "tradewinds_kernels.wasm"
FACTS: Final = "tradewinds_kernels.json"


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Written by tools/build_wasm.py. `outputs_sha256` is what the self-test must come to."""

    abi: int
    wasm_sha256: str
    sources_sha256: str
    outputs_sha256: str
    rustc: str
    flags: tuple[str, ...]


@cache
def facts() -> Facts:
    """Of the module we were installed with."""
    text = files("tradewinds.kernels").joinpath(FACTS).read_bytes()
    return msgspec.json.decode(text, type=Facts)


def module_bytes() -> bytes | str:
    """The module, or why it must not be run."""
    try:
        wasm = files("tradewinds.kernels").joinpath(MODULE).read_bytes()
        known = facts()
    except (OSError, msgspec.DecodeError) as error:
        return f"the module cannot be read: {error}"
    return wasm if (fault := flaw(wasm, known)) is None else fault


def flaw(wasm: bytes, known: Facts) -> str | None:
    """What is wrong with it, if anything."""
    if hashlib.sha256(wasm).hexdigest() != known.wasm_sha256:
        return f"{MODULE} is not the one that {FACTS} names"
    if known.abi != ABI:
        return f"{MODULE} has ABI {known.abi}, this program speaks {ABI}"
    return None
