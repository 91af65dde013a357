"""Compile kernels/ to the committed WebAssembly module, or check that the two belong together.

    build_wasm.py              compile, and write the module and the facts beside it
    build_wasm.py --check      compile again elsewhere and compare byte for byte
    build_wasm.py --hash-only  compare hashes; needs no compiler and no package

The bytes depend on the compiler, so it is one that anybody can have again: Debian 12's, by path
(apt-get install rustc libstd-rust-dev-wasm32 lld). A newer one gives other bytes, same answers.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
CRATE = REPOSITORY / "kernels"
HOME = REPOSITORY / "src" / "tradewinds" / "kernels"
MODULE = HOME / "tradewinds_kernels.wasm"
FACTS = HOME / "tradewinds_kernels.json"
RUSTC = Path("/usr/bin/rustc")
VERSION = "rustc 1.63.0"
FLAGS = (
    "--crate-name=tradewinds_kernels",
    "--crate-type=cdylib",
    "--edition=2021",
    "--target=wasm32-unknown-unknown",
    "-Copt-level=3",
    "-Clto=fat",
    "-Ccodegen-units=1",
    "-Cpanic=abort",
    "-Cstrip=symbols",
    "-Ctarget-feature=+bulk-memory",
    "-Clinker=rust-lld",
    "-Clink-arg=--stack-first",
)


def main(arguments: list[str]) -> int:
    """0 when done or equal, 1 when not, 2 when it cannot be tried here."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true")
    only.add_argument("--hash-only", action="store_true")
    wish = parser.parse_args(arguments)
    if wish.hash_only:
        return told(hash_faults())
    missing = compiler_fault()
    if missing:
        print(missing, file=sys.stderr)
        return 2
    if wish.check:
        return told(hash_faults() or rebuild_faults())
    write()
    return told(hash_faults())


def told(faults: list[str]) -> int:
    """What is wrong, or that nothing is."""
    print("\n".join(faults) or "The kernels' module, facts and sources belong together.")
    return 1 if faults else 0


def hash_faults(crate: Path = CRATE, module: Path = MODULE, facts: Path = FACTS) -> list[str]:
    """What does not belong together, by the hashes alone."""
    known = json.loads(facts.read_bytes())
    found = {
        "wasm_sha256": sha256(module.read_bytes()),
        "sources_sha256": sources_hash(crate),
        "flags": list(FLAGS),
        "rustc": VERSION,
    }
    return [
        f"{name} is {value}, but {facts.name} says {known.get(name)}: run tools/build_wasm.py"
        for name, value in found.items()
        if known.get(name) != value
    ]


def rebuild_faults() -> list[str]:
    """The committed module against one compiled now, in another folder."""
    with tempfile.TemporaryDirectory() as folder:
        built = compiled(Path(folder))
    committed = MODULE.read_bytes()
    if built == committed:
        return []
    return [f"compiled {len(built)} bytes, sha256 {sha256(built)}; committed {sha256(committed)}"]


def compiler_fault() -> str:
    """Why it cannot be compiled here, if so."""
    if not RUSTC.exists():
        return f"{RUSTC} is missing. On Debian 12: apt-get install rustc libstd-rust-dev-wasm32 lld"
    found = subprocess.run([RUSTC, "--version"], capture_output=True, text=True, check=True)
    version = " ".join(found.stdout.split()[:2])
    if version != VERSION:
        return f"{RUSTC} is {version}; the module is made by {VERSION}, Debian 12's"
    return ""


def compiled(folder: Path) -> bytes:
    """The module. Paths in it are relative, so where the sources lie does not matter."""
    target = folder / "module.wasm"
    subprocess.run([RUSTC, *FLAGS, "src/lib.rs", "-o", target], cwd=CRATE, check=True)
    return target.read_bytes()


def sources_hash(crate: Path = CRATE) -> str:
    """Of everything that is compiled, names included, in order."""
    sha = hashlib.sha256()
    for path in [crate / "Cargo.toml", *sorted((crate / "src").rglob("*.rs"))]:
        sha.update(f"{path.relative_to(crate).as_posix()}\0{sha256(path.read_bytes())}\n".encode())
    return sha.hexdigest()


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def write() -> None:
    """Compile, and note what was compiled and what the plain Python answers."""
    from tradewinds.features.kernels.plain import PlainKernels
    from tradewinds.kernels.machine import ABI
    from tradewinds.kernels.scenario import digest

    with tempfile.TemporaryDirectory() as folder:
        wasm = compiled(Path(folder))
    facts: dict[str, Any] = {
        "abi": ABI,
        "wasm_sha256": sha256(wasm),
        "sources_sha256": sources_hash(),
        "outputs_sha256": digest(PlainKernels()),
        "rustc": VERSION,
        "flags": FLAGS,
    }
    MODULE.write_bytes(wasm)
    FACTS.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
