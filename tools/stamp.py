"""What .venv was made from. The launcher's fast path: no import it can do without."""

import os


class Layout:
    """Where things are, for a checkout at `root`."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.venv = os.path.join(root, ".venv")
        self.python = os.path.join(self.venv, "bin", "python")
        self.building = os.path.join(root, ".venv.building")
        self.discarded = os.path.join(root, ".venv.discarded")
        self.flock = os.path.join(root, ".venv.lock")
        self.log = os.path.join(root, ".venv.log")
        self.lock = os.path.join(root, "requirements.lock")
        self.dev_lock = os.path.join(root, "requirements-dev.lock")
        self.pyproject = os.path.join(root, "pyproject.toml")


def digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def packages_wanted(layout: Layout, venv: str, dev: bool) -> dict[str, str]:
    """The locked packages, installed for this path and for the interpreter found there."""
    wanted = {
        "root": layout.root,
        "python": os.path.realpath(os.path.join(venv, "bin", "python")),
        "lock": digest(layout.lock),
    }
    if dev:
        wanted["dev_lock"] = digest(layout.dev_lock)
    return wanted


def metadata_wanted(layout: Layout) -> dict[str, str]:
    return {"pyproject": digest(layout.pyproject)}


def read(layout: Layout) -> dict[str, str]:
    """The stamp's lines; empty when there is no complete environment."""
    try:
        with open(os.path.join(layout.venv, "tradewinds.stamp"), encoding="utf-8") as file:
            return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    except (OSError, UnicodeDecodeError):
        return {}


def packages_fit(layout: Layout, dev: bool) -> bool:
    wanted = packages_wanted(layout, layout.venv, dev)
    return os.path.exists(layout.python) and wanted.items() <= read(layout).items()


def is_ready(layout: Layout, dev: bool) -> bool:
    return packages_fit(layout, dev) and metadata_wanted(layout).items() <= read(layout).items()


def write(layout: Layout, venv: str, dev: bool) -> None:
    """The last thing an install writes: no stamp, no environment."""
    lines = packages_wanted(layout, venv, dev) | metadata_wanted(layout)
    path = os.path.join(venv, "tradewinds.stamp")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write("".join(f"{key}={value}\n" for key, value in lines.items()))
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
