"""The operator's password: made on first run, shown once, kept as an argon2id hash."""

import json
import os
import secrets
import tempfile
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tradewinds.model.errors import ConfigError

LENGTH_MIN = 12
LENGTH_MAX = 256
DISTINCT_MIN = 5
CONSONANTS = "bdfgklmnprstvz"
VOWELS = "aeiou"


def ensure_password(path: Path) -> str | None:
    """On first run make a password and return it, once, to be printed; afterwards None.

    Raises ConfigError when the file is there but cannot be used.
    """
    if path.exists():
        _read_hash(path)
        return None
    return reset_password(path)


def reset_password(path: Path) -> str:
    """Replace the password by a new random one: the way back in for whoever owns the machine."""
    password = _readable_password()
    _write_hash(path, password)
    return password


def verify_password(path: Path, password: str) -> bool:
    """Slow on purpose (tens of milliseconds): call it off the event loop."""
    if len(password) > LENGTH_MAX:
        return False
    try:
        return PasswordHasher().verify(_read_hash(path), password)
    except VerificationError:
        return False


def change_password(path: Path, old: str, new: str) -> str | None:
    """None when changed, else why not."""
    reason = weakness(new)
    if reason is not None:
        return reason
    if not verify_password(path, old):
        return "the current password is wrong"
    if old == new:
        return "the new password is the old one"
    _write_hash(path, new)
    return None


def weakness(password: str) -> str | None:
    """Why this password is not accepted, or None. Length matters, composition does not."""
    if len(password) < LENGTH_MIN:
        return f"too short: at least {LENGTH_MIN} characters"
    if len(password) > LENGTH_MAX:
        return f"too long: at most {LENGTH_MAX} characters"
    if len(set(password)) < DISTINCT_MIN:
        return f"too simple: at least {DISTINCT_MIN} different characters"
    return None


def _readable_password() -> str:
    # Twelve syllables of log2(14 * 5) = 6.1 bits each: 73 bits, typed without looking twice.
    groups = ("".join(_syllable() for _ in range(3)) for _ in range(4))
    return "-".join(groups)


def _syllable() -> str:
    return secrets.choice(CONSONANTS) + secrets.choice(VOWELS)


def _read_hash(path: Path) -> str:
    fix = f"delete {path} and start again: a new password is printed once"
    try:
        stored = json.loads(path.read_text("utf-8"))["argon2id"]
        PasswordHasher().check_needs_rehash(stored)
    except FileNotFoundError:
        raise ConfigError(f"no dashboard password at {path}; start with `run` once") from None
    except (ValueError, KeyError, TypeError, AttributeError, InvalidHashError):
        raise ConfigError(f"the dashboard password file is damaged; {fix}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    return str(stored)


def _write_hash(path: Path, password: str) -> None:
    text = json.dumps({"argon2id": PasswordHasher().hash(password)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp makes the file 0600; the rename makes the change all or nothing.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
