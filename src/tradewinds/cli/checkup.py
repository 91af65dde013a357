"""What a check of `doctor` answers."""

from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """Only FAILED makes the exit code 1. NOTE is worth knowing and needs nothing."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"


class Check(Struct, frozen=True, kw_only=True):
    """One thing looked at: what was found, and what to do where it is not ok."""

    name: str
    verdict: Verdict
    found: str
    fix: str = ""


def fine(name: str, found: str) -> Check:
    """Nothing to do."""
    return Check(name=name, verdict=Verdict.OK, found=found)


def note(name: str, found: str, fix: str = "") -> Check:
    """Worth knowing."""
    return Check(name=name, verdict=Verdict.NOTE, found=found, fix=fix)


def warning(name: str, found: str, fix: str) -> Check:
    """It works, but should be changed."""
    return Check(name=name, verdict=Verdict.WARNING, found=found, fix=fix)


def failed(name: str, found: str, fix: str) -> Check:
    """It will not work."""
    return Check(name=name, verdict=Verdict.FAILED, found=found, fix=fix)
