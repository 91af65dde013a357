"""What an answer, or the lack of one, says about a request: judged by code and body."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct


class Verdict(StrEnum):
    """REFUSED and NOT_SENT: nothing happened. UNKNOWN: something may have happened."""

    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class Cause(StrEnum):
    """Why, as far as it changes what we do next."""

    OTHER = "other"
    SILENCE = "silence"
    NONSENSE = "nonsense"
    OVERLOADED = "overloaded"
    CLOCK = "clock"
    KEY = "key"
    RATE = "rate"
    BANNED = "banned"
    BLOCKED = "blocked"
    REGION = "region"
    NOT_FOUND = "not_found"
    DUPLICATE = "duplicate"
    FILTER = "filter"
    FUNDS = "funds"
    FLAT = "flat"
    COVERED = "covered"
    WOULD_TRIGGER = "would_trigger"
    WOULD_TAKE = "would_take"
    MODE = "mode"
    LEVERAGE = "leverage"
    STOPS_FULL = "stops_full"
    STREAM_KEY = "stream_key"
    UNCHANGED = "unchanged"
    SUSPENDED = "suspended"
    UNSUPPORTED = "unsupported"


class Answer(Struct, frozen=True, kw_only=True):
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: str


class Trouble(Struct, frozen=True, kw_only=True):
    """A request that did not simply succeed. `code` and `text` are the venue's own."""

    verdict: Verdict
    cause: Cause
    code: str = ""
    text: str = ""
    status: int = 0
    retry_after_s: float = 0.0

    @property
    def reason(self) -> str:
        """For the journal: the venue's words, at most 200 characters."""
        told = f"{self.code} {self.text}".strip() or f"{self.verdict}: {self.cause}"
        if self.status in PLAINLY:
            told = f"{PLAINLY[self.status]}: {told}"
        return without_queries(told)[:200]


PLAINLY: Final[Mapping[int, str]] = {
    403: "HTTP 403, the venue's firewall blocks us",
    418: "HTTP 418, this address is banned for a while",
    451: "HTTP 451, the venue bars this place",
}
Meaning = tuple[Verdict, Cause]


class Wording(Struct, frozen=True, kw_only=True):
    """One venue's codes, and the words that say more than the code does.

    `words` are searched in order in the message, without regard to case, and win over the code.
    `server_errors` are bodies of a 5xx that are known to mean something.
    """

    codes: Mapping[str, Meaning]
    words: tuple[tuple[str, Meaning], ...] = ()
    server_errors: tuple[tuple[str, Meaning], ...] = ()


def without_queries(text: str) -> str:
    """Addresses carry signatures and listen keys in their queries: those stay out of logs."""
    return QUERY.sub("?...", text)


QUERY: Final = re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*")
BY_STATUS: Final[Mapping[int, Meaning]] = {
    401: (Verdict.REFUSED, Cause.KEY),
    403: (Verdict.REFUSED, Cause.BLOCKED),
    408: (Verdict.UNKNOWN, Cause.SILENCE),
    418: (Verdict.REFUSED, Cause.BANNED),
    429: (Verdict.REFUSED, Cause.RATE),
    451: (Verdict.REFUSED, Cause.REGION),
}
NEVER_EXECUTED: Final = frozenset({404, 405, 410, 413, 414})
"""Statuses of a request that no order engine has seen, whatever the body."""


def judge(answer: Answer, wording: Wording) -> Trouble | None:
    """None for a success. What is not known to be a no is unknown: a query will tell."""
    code, text = _told(answer.body)
    verdict, cause = _meaning(answer, code, text, wording)
    if verdict is None:
        return None
    return Trouble(
        verdict=verdict,
        cause=cause,
        code=code,
        text=text or answer.body[:120],
        status=answer.status,
        retry_after_s=_retry_after_s(answer.headers),
    )


def _meaning(
    answer: Answer, code: str, text: str, wording: Wording
) -> tuple[Verdict | None, Cause]:
    status = answer.status
    if status in (418, 429, 451):
        return BY_STATUS[status]
    known = _known(answer, code, text, wording)
    if known is not None:
        return known
    if status >= 400:
        return _by_status(status, coded=bool(code))
    if code:
        return Verdict.REFUSED, Cause.OTHER
    return (None, Cause.OTHER) if _is_json(answer.body) else (Verdict.UNKNOWN, Cause.NONSENSE)


def _known(answer: Answer, code: str, text: str, wording: Wording) -> Meaning | None:
    said = _spoken(answer.body, wording.server_errors) if answer.status >= 500 else None
    if said is None and code:
        said = _spoken(text, wording.words) or wording.codes.get(code)
    return said


def _by_status(status: int, *, coded: bool) -> Meaning:
    if status >= 500:
        return Verdict.UNKNOWN, Cause.SILENCE
    if status in BY_STATUS:
        return BY_STATUS[status]
    definite = coded or status in NEVER_EXECUTED
    return Verdict.REFUSED if definite else Verdict.UNKNOWN, Cause.OTHER


def _spoken(text: str, words: tuple[tuple[str, Meaning], ...]) -> Meaning | None:
    lowered = text.lower()
    for word, meaning in words:
        if word in lowered:
            return meaning
    return None


def _told(body: str) -> tuple[str, str]:
    """Code and message of an error body; ("", "") where it is none."""
    try:
        data: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", ""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        return "", ""
    return _code_of(data)


def _code_of(data: dict[str, Any]) -> tuple[str, str]:
    code = data.get("code")
    if isinstance(code, int) and code < 0:
        return str(code), str(data.get("msg", ""))
    refused = data.get("error_response")
    if data.get("success") is False:
        detail = refused if isinstance(refused, dict) else data
        return _coinbase_reason(detail), str(detail.get("message", ""))
    if isinstance(data.get("error"), str):
        return data["error"], str(data.get("message") or data.get("error_details") or "")
    return "", ""


def _coinbase_reason(detail: dict[str, Any]) -> str:
    """The most particular of the reasons it may give; "UNKNOWN_..." says nothing."""
    for name in ("preview_failure_reason", "new_order_failure_reason", "failure_reason", "error"):
        reason = detail.get(name)
        if isinstance(reason, str) and reason and not reason.startswith("UNKNOWN"):
            return reason
    return "refused"


def _is_json(body: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict | list)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


def _retry_after_s(headers: Mapping[str, str]) -> float:
    for name, value in headers.items():
        if name.lower() == "retry-after":
            return float(value) if value.isdigit() else 0.0
    return 0.0
