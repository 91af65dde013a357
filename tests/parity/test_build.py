"""The committed module, its facts and its sources belong together. No compiler is needed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import build_wasm
import pytest

from tradewinds.kernels.artefact import facts
from tradewinds.kernels.machine import ABI


def test_module_facts_and_sources_belong_together() -> None:
    assert build_wasm.hash_faults() == []


def test_the_tool_says_so_without_a_package_or_a_compiler() -> None:
    tool = Path(build_wasm.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(tool), "--hash-only"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "belong together" in done.stdout


def test_one_changed_character_of_the_sources_is_found(tmp_path: Path) -> None:
    crate = tmp_path / "kernels"
    shutil.copytree(build_wasm.CRATE, crate)
    assert build_wasm.hash_faults(crate=crate) == []
    source = crate / "src" / "triangles.rs"
    source.write_text(source.read_text("utf-8").replace("> threshold", ">= threshold"), "utf-8")
    (fault,) = build_wasm.hash_faults(crate=crate)
    assert fault.startswith("sources_sha256 is ")


def test_a_changed_module_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.wasm"
    module.write_bytes(build_wasm.MODULE.read_bytes() + b"\0")
    (fault,) = build_wasm.hash_faults(module=module)
    assert fault.startswith("wasm_sha256 is ")


@pytest.mark.parametrize("name", ["flags", "rustc"])
def test_a_changed_fact_is_found(tmp_path: Path, name: str) -> None:
    known = json.loads(build_wasm.FACTS.read_bytes())
    changed = tmp_path / "facts.json"
    changed.write_text(json.dumps(known | {name: "other"}), "utf-8")
    (fault,) = build_wasm.hash_faults(facts=changed)
    assert fault.startswith(f"{name} is ")


def test_crate_module_and_program_speak_one_abi() -> None:
    source = (build_wasm.CRATE / "src" / "abi.rs").read_text("utf-8")
    assert f"const ABI: u32 = {ABI};" in source
    assert facts().abi == ABI


def test_the_crate_has_no_dependency_and_one_unsafe_file() -> None:
    manifest = (build_wasm.CRATE / "Cargo.toml").read_text("utf-8")
    assert manifest.partition("[dependencies]")[2].partition("[profile")[0].strip() == ""
    unsafe = {
        path.name
        for path in (build_wasm.CRATE / "src").glob("*.rs")
        if "unsafe {" in path.read_text("utf-8") or "unsafe fn" in path.read_text("utf-8")
    }
    assert unsafe == {"abi.rs"}
