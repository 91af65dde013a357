"""The launcher: an environment whole or not at all, and nothing in the way after that."""

import ast
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import environment
import progress
import pytest
import stamp

REPOSITORY = Path(__file__).parent.parent
CLI = """
import importlib.metadata, json, sys
entries = importlib.metadata.entry_points(group="tradewinds.strategies")
report = {
    "arguments": sys.argv[1:],
    "strategies": sorted(entry.name for entry in entries),
    "version": importlib.metadata.version("tradewinds"),
    "prefix": sys.prefix,
}
import tinything
print(json.dumps(report))
sys.exit(7 if "fail" in sys.argv else 0)
"""


def load_launcher() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("launcher", str(REPOSITORY / "trading-cli"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Checkout:
    """A copy of the launcher with one tiny locked package, which pip finds without a network."""

    root: Path
    wheels: Path

    def environ(self, **changes: str) -> dict[str, str]:
        ours = ("PIP_", "TRADEWINDS_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return kept | {"PIP_CONFIG_FILE": os.devnull} | (changes or offline)

    def start(
        self, *arguments: str, program: Path | None = None, **changes: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(program or self.root / "trading-cli"), *arguments],
            cwd=self.wheels,
            env=self.environ(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A test run in the background may have been told to ignore interrupts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )

    def run(
        self, *arguments: str, program: Path | None = None, **changes: str
    ) -> tuple[int, str, str]:
        process = self.start(*arguments, program=program, **changes)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def with_other_lock(self) -> str:
        """Ask for something else; gives what was asked for before."""
        lock = self.root / "requirements.lock"
        before = lock.read_text()
        lock.write_text("otherthing==1.0 --hash=sha256:" + "0" * 64 + "\n")
        return before


def make_wheel(folder: Path) -> str:
    """A wheel of one module; gives its line for a lock file."""
    path = folder / "tinything-1.0-py3-none-any.whl"
    info = "tinything-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tinything.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return f"tinything==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A path with spaces, what a killed install leaves behind, and no environment."""
    root = tmp_path_factory.mktemp("a b") / "check out"
    wheels = tmp_path_factory.mktemp("wheels")
    (root / "src" / "tradewinds").mkdir(parents=True)
    (root / "src" / "tradewinds" / "__init__.py").write_text("")
    (root / "src" / "tradewinds" / "cli.py").write_text(CLI)
    (root / "requirements.lock").write_text(make_wheel(wheels))
    shutil.copytree(REPOSITORY / "tools", root / "tools")
    for name in ("trading-cli", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, root / name)
    for half_made in (".venv", ".venv.building"):
        (root / half_made / "bin").mkdir(parents=True)
        (root / half_made / "bin" / "python").write_text("not a python")
    # Someone's file in the directory the user happens to be in must not be imported.
    (wheels / "json.py").write_text("raise RuntimeError('wrong json')")
    return Checkout(root=root, wheels=wheels)


@pytest.fixture(scope="module")
def first_starts(fresh: Checkout) -> list[tuple[int, str, str]]:
    """Two first starts at the same time."""
    processes = [fresh.start("status", "--json"), fresh.start("report")]
    outputs = [process.communicate(timeout=120) for process in processes]
    return [
        (process.returncode, *output) for process, output in zip(processes, outputs, strict=True)
    ]


@pytest.fixture(scope="module")
def installed(fresh: Checkout, first_starts: list[tuple[int, str, str]]) -> Checkout:
    assert [code for code, _, _ in first_starts] == [0, 0], first_starts
    return fresh


def test_two_first_starts_install_once_and_both_run(
    fresh: Checkout, first_starts: list[tuple[int, str, str]]
) -> None:
    reports = [json.loads(out) for _, out, _ in first_starts]
    assert [report["arguments"] for report in reports] == [["status", "--json"], ["report"]]
    assert {report["prefix"] for report in reports} == {str(fresh.root / ".venv")}
    assert reports[0]["strategies"] == ["momentum", "scalping", "triangular"]
    told = "".join(err for _, _, err in first_starts)
    assert told.count("making .venv") == 1
    assert "1 of 1 packages in place" in told
    left = {path.name for path in fresh.root.glob(".venv*")}
    assert left == {".venv", ".venv.lock"}


def test_the_next_start_says_nothing_and_passes_the_exit_code_on(installed: Checkout) -> None:
    code, out, err = installed.run("fail", "with spaces")
    assert (code, err) == (7, "")
    assert json.loads(out)["arguments"] == ["fail", "with spaces"]


def test_it_starts_through_a_symlink(installed: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "trading-cli"
    link.symlink_to(installed.root / "trading-cli")
    code, out, err = installed.run(program=link)
    assert (code, err) == (0, "")
    assert json.loads(out)["prefix"] == str(installed.root / ".venv")


def test_scripts_name_the_directory_they_live_in(installed: Checkout) -> None:
    pip = (installed.root / ".venv" / "bin" / "pip").read_text()
    assert str(installed.root / ".venv") in pip
    assert ".building" not in pip


def test_a_start_adds_less_than_60_ms(installed: Checkout) -> None:
    def fastest(command: list[str]) -> float:
        return min(timed(command, installed) for _ in range(7))

    bare = fastest([sys.executable, "-c", "pass"])
    ready = fastest([sys.executable, str(installed.root / "trading-cli")])
    assert ready - bare < 0.060


def timed(command: list[str], checkout: Checkout) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, env=checkout.environ(TRADEWINDS_ENV_ONLY="1"))
    return time.perf_counter() - began


def test_a_changed_pyproject_renews_the_metadata_without_pip(installed: Checkout) -> None:
    path = installed.root / "pyproject.toml"
    path.write_text(path.read_text().replace('version = "', 'version = "9.', 1))
    code, out, err = installed.run(PIP_NO_INDEX="1")
    assert (code, err) == (0, "")
    assert json.loads(out)["version"].startswith("9.")


def test_a_failed_install_says_what_to_do_and_keeps_what_was_there(installed: Checkout) -> None:
    before = installed.with_other_lock()
    code, out, err = installed.run(PIP_NO_INDEX="1")
    assert (code, out) == (69, "")
    assert "otherthing" in err
    assert "online" in err
    assert str(installed.root / ".venv.log") in err
    (installed.root / "requirements.lock").write_text(before)
    assert installed.run()[0] == 0


def test_an_interrupted_install_is_redone_not_half_used(installed: Checkout) -> None:
    before = installed.with_other_lock()
    with socket.create_server(("127.0.0.1", 0)) as silent_index:
        port = silent_index.getsockname()[1]
        process = installed.start(PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple")
        silent_index.settimeout(60)
        connection, _ = silent_index.accept()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        connection.close()
    assert process.returncode == 130
    assert "begins the install again" in err
    assert installed.run(PIP_NO_INDEX="1")[0] == 69
    (installed.root / "requirements.lock").write_text(before)
    assert installed.run()[0] == 0


def test_a_place_that_cannot_be_written_is_named(installed: Checkout) -> None:
    before = installed.with_other_lock()
    flock = installed.root / ".venv.lock"
    flock.unlink()
    flock.mkdir()
    code, _, err = installed.run()
    flock.rmdir()
    (installed.root / "requirements.lock").write_text(before)
    assert code == 73
    assert ".venv.lock" in err


def test_an_old_python_can_read_the_launcher() -> None:
    ast.parse((REPOSITORY / "trading-cli").read_text(), feature_version=(3, 6))


def test_an_old_python_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    launcher = load_launcher()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "3.11 or newer; this is 3.9" in launcher.python_complaint((3, 9, 2), "posix")
    assert "Install a newer one" in launcher.python_complaint((3, 9, 2), "posix")
    newer = tmp_path / "python3.12"
    newer.write_text("")
    newer.chmod(0o755)
    assert str(newer) in launcher.python_complaint((3, 9, 2), "posix")
    monkeypatch.setattr(launcher, "OLDEST", (3, 99))
    assert launcher.main() == 78
    assert "3.11 or newer" in capsys.readouterr().err


def test_another_system_is_told_what_to_do() -> None:
    launcher = load_launcher()
    assert "WSL" in launcher.python_complaint((3, 11, 0), "nt")
    assert launcher.python_complaint((3, 11, 0), "posix") == ""


def test_without_venv_and_without_rights_the_command_to_run_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "has_ensurepip", lambda: False)
    monkeypatch.setattr(environment, "apt_commands", lambda package: [])
    with pytest.raises(SystemExit) as stopped:
        environment.require_venv_module()
    assert stopped.value.code == 78
    expected = f"sudo apt-get install -y python3.{sys.version_info.minor}-venv"
    assert expected in capsys.readouterr().err


def test_debian_packages_are_fetched_only_without_a_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    get, update, again = environment.apt_commands("python3.11-venv")
    assert get[:3] == ["apt-get", "install", "-y"] == again[:3]
    assert update == ["apt-get", "update"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(environment, "is_quiet_success", lambda command: False)
    assert environment.apt_commands("python3.11-venv") == []
    monkeypatch.setattr(environment, "is_quiet_success", lambda command: True)
    assert environment.apt_commands("python3.11-venv")[0][:2] == ["sudo", "-n"]


@pytest.fixture
def layout(tmp_path: Path) -> stamp.Layout:
    """An environment in name only, stamped as complete."""
    made = stamp.Layout(str(tmp_path))
    Path(made.python).parent.mkdir(parents=True)
    Path(made.python).symlink_to(sys.executable)
    for path in (made.lock, made.dev_lock, made.pyproject):
        Path(path).write_text("one")
    stamp.write(made, made.venv, dev=False)
    return made


def test_a_stamped_environment_is_ready(layout: stamp.Layout) -> None:
    assert stamp.is_ready(layout, dev=False)
    assert not stamp.is_ready(layout, dev=True)
    stamp.write(layout, layout.venv, dev=True)
    assert stamp.is_ready(layout, dev=False)
    assert stamp.is_ready(layout, dev=True)


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_makes_it_unready(layout: stamp.Layout, name: str) -> None:
    Path(layout.root, name).write_text("two")
    assert not stamp.is_ready(layout, dev=False)


def test_a_moved_checkout_is_unready(layout: stamp.Layout, tmp_path: Path) -> None:
    Path(tmp_path, ".venv").rename(tmp_path / "kept")
    moved = tmp_path / "moved"
    shutil.copytree(tmp_path, moved, symlinks=True, ignore=shutil.ignore_patterns("moved"))
    (moved / "kept").rename(moved / ".venv")
    assert not stamp.is_ready(stamp.Layout(str(moved)), dev=False)


def test_another_interpreter_makes_it_unready(layout: stamp.Layout) -> None:
    Path(layout.python).unlink()
    assert not stamp.is_ready(layout, dev=False)
    Path(layout.python).write_text("upgraded")
    assert not stamp.is_ready(layout, dev=False)


@pytest.mark.parametrize("content", [b"", b"root", b"\xff\xfe\x00=1\n"])
def test_a_damaged_stamp_is_no_stamp(layout: stamp.Layout, content: bytes) -> None:
    Path(layout.venv, "tradewinds.stamp").write_bytes(content)
    assert not stamp.is_ready(layout, dev=False)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()])
def test_progress_counts_packages_and_bytes(out: io.StringIO, tmp_path: Path) -> None:
    shown = progress.Progress(out, tmp_path)
    shown.read("Collecting ccxt==4.5.90 (from -r requirements.lock (line 3))")
    shown.read("  Downloading ccxt-4.5.90-py2.py3-none-any.whl (5.5 MB)")
    shown.read("  Using cached pyyaml-6.whl (500 kB)")
    assert "1 packages fetched (6 MB)" in shown.text()
    shown.read("Installing collected packages: pyyaml, ccxt")
    (tmp_path / "lib" / "python3.11" / "site-packages" / "ccxt-4.5.90.dist-info").mkdir(
        parents=True
    )
    shown.close()
    assert "1 of 2 packages in place (6 MB)" in out.getvalue()
    assert out.getvalue().startswith("\r") == out.isatty()
    assert out.getvalue().endswith("\n")
