"""Make .venv from the hash-locked requirements, whole or not at all. Used by the launcher."""

import fcntl
import os
import select
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import stamp
from progress import Progress
from stamp import Layout

EXIT_NO_PACKAGES, EXIT_NO_WRITE, EXIT_BAD_PYTHON = 69, 73, 78
# These would send packages elsewhere, or let them seem installed. Mirrors and proxies stay.
PIP_REDIRECTIONS = ("PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_USER")
PYTHON_REDIRECTIONS = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
LARGEST_SCRIPT = 1_000_000


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str, code: int) -> NoReturn:
    say(text)
    raise SystemExit(code)


def ensure(layout: Layout, dev: bool) -> None:
    """Make the environment fit. One start works; a second one waits and then finds it done."""
    with open(layout.flock, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is installing the packages; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        # An environment that had the test packages keeps them.
        dev = dev or "dev_lock" in stamp.read(layout)
        if not stamp.packages_fit(layout, dev):
            build(layout, dev)
        elif not stamp.is_ready(layout, dev):
            register_package(layout, layout.venv)
            stamp.write(layout, layout.venv, dev)


def build(layout: Layout, dev: bool) -> None:
    """Install beside .venv and swap at the end: an interruption leaves nothing half-made."""
    began = time.monotonic()
    require_venv_module()
    for leftover in (layout.building, layout.discarded, layout.log):
        discard(leftover)
    say("First start with these packages: making .venv and installing them into it.")
    run_logged([sys.executable, "-m", "venv", layout.building], layout)
    install(layout, layout.dev_lock if dev else layout.lock)
    register_package(layout, layout.building)
    compile_packages(layout)
    rewrite_paths(layout)
    stamp.write(layout, layout.building, dev)
    if os.path.lexists(layout.venv):
        os.rename(layout.venv, layout.discarded)
    os.rename(layout.building, layout.venv)
    discard(layout.discarded)
    discard(layout.log)
    say(f"Environment ready in {time.monotonic() - began:.0f} s.")


def discard(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)


def clean_environment() -> dict[str, str]:
    redirections = PIP_REDIRECTIONS + PYTHON_REDIRECTIONS
    kept = {key: value for key, value in os.environ.items() if key not in redirections}
    plain = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "LC_ALL": "C.UTF-8"}
    return kept | plain | {"PYTHONUNBUFFERED": "1"}


def run_logged(command: list[str], layout: Layout) -> None:
    with open(layout.log, "ab") as log:
        code = subprocess.call(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment()
        )
    if code:
        fail(f"This failed: {' '.join(command)}\nDetails: {layout.log}", EXIT_NO_WRITE)


def require_venv_module() -> None:
    """Debian ships Python without it: fetch it where that needs no question, else say how."""
    package = f"python3.{sys.version_info.minor}-venv"
    if has_ensurepip():
        return
    for command in apt_commands(package):
        say(f"Python's venv module is missing; running: {' '.join(command)}")
        if is_quiet_success(command) and has_ensurepip():
            return
    fail(
        "Python's venv module is missing. On Debian or Ubuntu run:\n"
        f"  sudo apt-get install -y {package}\n"
        "Elsewhere install a complete Python 3.11 or newer. Then start again.",
        EXIT_BAD_PYTHON,
    )


def has_ensurepip() -> bool:
    """Asked of a fresh interpreter: this one remembers what was missing."""
    return is_quiet_success([sys.executable, "-c", "import ensurepip, venv"])


def is_quiet_success(command: list[str]) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.call(command, stdin=quiet, stdout=quiet, stderr=quiet) == 0


def apt_commands(package: str) -> list[list[str]]:
    """What may run without a question: nothing unless we are root or sudo needs no password."""
    if not shutil.which("apt-get"):
        return []
    prefix: list[str] = []
    if os.geteuid() != 0:
        prefix = ["sudo", "-n"]
        if not shutil.which("sudo") or not is_quiet_success([*prefix, "true"]):
            return []
    get = [*prefix, "apt-get", "install", "-y", "--no-install-recommends", package]
    return [get, [*prefix, "apt-get", "update"], get]


def install(layout: Layout, lock: str) -> None:
    """Run pip. Hashes are required, so nothing but the locked files gets in."""
    options = "--require-hashes --no-deps --only-binary=:all: --no-compile --progress-bar off"
    process = subprocess.Popen(
        [built_python(layout), "-m", "pip", "install", *options.split(), "-r", lock],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment(),
        cwd=layout.root,
    )
    progress = Progress(sys.stderr, Path(layout.building))
    try:
        with open(layout.log, "ab") as log:
            follow(process, progress, log)
    finally:
        process.kill()
        progress.close()
    # pip has closed its output by now, so an interrupted one is the only one that was killed.
    if process.wait() != 0:
        fail(install_failure(layout), EXIT_NO_PACKAGES)


def built_python(layout: Layout) -> str:
    return os.path.join(layout.building, "bin", "python")


def follow(process: subprocess.Popen[bytes], progress: Progress, log: BinaryIO) -> None:
    """Copy pip's output to the log, and keep the progress line moving while pip is silent."""
    assert process.stdout is not None
    out = process.stdout.fileno()
    rest = b""
    while True:
        if select.select([out], [], [], 0.5)[0]:
            chunk = os.read(out, 65536)
            if not chunk:
                process.wait()
                return
            log.write(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                progress.read(line.decode("utf-8", "replace"))
        progress.show()


def install_failure(layout: Layout) -> str:
    text = Path(layout.log).read_text(encoding="utf-8", errors="replace")
    complaints = [line for line in text.splitlines() if line.startswith("ERROR")]
    reasons = "\n  ".join(complaints[-3:]) or "pip gave no reason"
    return (
        f"The packages could not be installed:\n  {reasons}\n"
        "Check that this machine is online (or that pip knows your mirror: `pip config list`)\n"
        f"and start again; what was there before is untouched. pip's full output: {layout.log}"
    )


def register_package(layout: Layout, venv: str) -> None:
    """Make `tradewinds` importable from src/ and known to importlib.metadata, without a build."""
    project = tomllib.loads(Path(layout.pyproject).read_text(encoding="utf-8"))["project"]
    (site,) = Path(venv, "lib").glob("python3.*/site-packages")
    for old in site.glob("tradewinds-*.dist-info"):
        shutil.rmtree(old)
    info = f"tradewinds-{project['version']}.dist-info"
    files = {
        # Relative to site-packages, so that no path of this machine is written down.
        "tradewinds.pth": "../../../../src\n",
        f"{info}/METADATA": metadata_text(project),
        f"{info}/entry_points.txt": entry_points_text(project),
        f"{info}/INSTALLER": "trading-cli\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    (site / info).mkdir()
    for name, text in files.items():
        (site / name).write_text(text, encoding="utf-8")


def metadata_text(project: dict[str, Any]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines.append(f"Requires-Python: {project['requires-python']}")
    lines += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    return "\n".join(lines) + "\n"


def entry_points_text(project: dict[str, Any]) -> str:
    lines: list[str] = []
    for group, entries in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    return "\n".join(lines) + "\n"


def compile_packages(layout: Layout) -> None:
    """On all cores, and once: pip uses one, and later starts may not be allowed to write."""
    paths = ["-x", "/tests?/", "-s", layout.building, "-p", layout.venv]
    paths.append(os.path.join(layout.building, "lib"))
    # A package may ship files for another Python; that they do not compile here is no failure.
    is_quiet_success([built_python(layout), "-m", "compileall", "-q", "-j", "0", *paths])


def rewrite_paths(layout: Layout) -> None:
    """Scripts name the directory they were made in; make them name the one they will live in."""
    old, new = os.fsencode(layout.building), os.fsencode(layout.venv)
    building = Path(layout.building)
    for path in [*(building / "bin").iterdir(), building / "pyvenv.cfg"]:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_SCRIPT:
            continue
        content = path.read_bytes()
        if old in content and b"\0" not in content:
            path.write_bytes(content.replace(old, new))
