"""Where the socket is: the path asked for, or a short stand-in that both sides find alike."""

import hashlib
import os
import stat
from pathlib import Path

from tradewinds.model.errors import BusUnavailable

# sun_path holds 104 bytes on macOS, 108 on Linux, its closing NUL included.
PATH_BYTES_MAX = 103
SHORT_ROOT = Path("/tmp")  # noqa: S108


def socket_path(wanted: Path) -> Path:
    """`wanted`, or when that is too long for a socket, a path made from its hash.

    The stand-in lies in a folder that must belong to us alone. Raises BusUnavailable.
    """
    full = Path(os.path.abspath(wanted))  # noqa: PTH100
    encoded = os.fsencode(full)
    if len(encoded) <= PATH_BYTES_MAX:
        return full
    folder = SHORT_ROOT / f"tradewinds-{os.getuid()}"
    _require_private(folder)
    return folder / f"{hashlib.sha256(encoded).hexdigest()[:24]}.sock"


def _require_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BusUnavailable(f"cannot use {folder} for the socket: {error.strerror}") from error
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not private or found.st_mode & 0o077:
        raise BusUnavailable(
            f"{folder} does not belong to us alone; remove it, or choose a data directory with a "
            f"path shorter than {PATH_BYTES_MAX} bytes"
        )
