"""Lets a signed request through, or says in Binance's words why not."""

from collections.abc import Mapping
from enum import StrEnum

from tradewinds.practice.accounts import ApiKey, Keyring
from tradewinds.practice.binance import signing
from tradewinds.practice.binance.refusals import ApiError, missing
from tradewinds.practice.clock import VenueClock

AHEAD_MS = 1_000
DEFAULT_WINDOW_MS = 5_000
LARGEST_WINDOW_MS = 60_000
MICROSECONDS_FROM = 10**15


class Security(StrEnum):
    """What a request must prove."""

    NONE = "NONE"
    KEY = "KEY"
    USER_DATA = "USER_DATA"
    TRADE = "TRADE"
    TRADE_FUTURES = "TRADE_FUTURES"


class Guard:
    """Keys, permissions, time windows and signatures."""

    def __init__(self, keyring: Keyring, clock: VenueClock) -> None:
        self._keyring = keyring
        self._clock = clock

    def key(self, text: str | None, security: Security) -> ApiKey:
        """The key, if it may do this. Raises ApiError -2014 or -2015."""
        if not text or not text.isascii() or not text.isalnum():
            raise ApiError(-2014, "API-key format invalid.", 401)
        key = self._keyring.find(text)
        if key is None or key.revoked or not _may(key, security):
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        key.used = True
        return key

    def rest(self, key: ApiKey, query: str, body: str, params: Mapping[str, str]) -> None:
        """Raises ApiError -1021, -1022 or -1102."""
        payload, signature = signing.rest_payload(query, body)
        self._in_time(params)
        if signature is None:
            raise missing(signing.SIGNATURE)
        if not payload.isascii() or not signing.is_good(payload, signature, key):
            raise bad_signature()

    def socket(self, key: ApiKey, params: Mapping[str, str]) -> None:
        """The same for a request of the WebSocket API."""
        self._in_time(params)
        signature = params.get(signing.SIGNATURE)
        if signature is None:
            raise missing(signing.SIGNATURE)
        if not signing.is_good(signing.socket_payload(params), signature, key):
            raise bad_signature()

    def in_time(self, params: Mapping[str, str]) -> None:
        """For a session that is logged on: only the time window counts."""
        self._in_time(params)

    def _in_time(self, params: Mapping[str, str]) -> None:
        sent = params.get("timestamp", "")
        if not sent.isdigit():
            raise missing("timestamp")
        sent_ms = int(sent) / 1_000 if int(sent) >= MICROSECONDS_FROM else float(sent)
        window = _window(params.get("recvWindow"))
        now_ms = self._clock.now_ms()
        if sent_ms >= now_ms + AHEAD_MS:
            raise ApiError(
                -1021, "Timestamp for this request was 1000ms ahead of the server's time."
            )
        if now_ms - sent_ms > window:
            raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def bad_signature() -> ApiError:
    """Over something else, or with something else."""
    return ApiError(-1022, "Signature for this request is not valid.")


def _window(text: str | None) -> float:
    if not text:
        return DEFAULT_WINDOW_MS
    try:
        window = float(text)
    except ValueError as error:
        raise missing("recvWindow") from error
    if not 0 <= window <= LARGEST_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000.")
    return window


def _may(key: ApiKey, security: Security) -> bool:
    match security:
        case Security.TRADE:
            return key.can_trade
        case Security.TRADE_FUTURES:
            return key.can_trade_futures
        case Security.USER_DATA:
            return key.can_read
    return True
