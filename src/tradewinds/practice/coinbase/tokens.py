"""The signed tokens that speak for a key: ES256, two minutes at most, bound to one request."""

import base64
import binascii
import hashlib
from collections import OrderedDict
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from tradewinds.practice.accounts import Account, ApiKey, Keyring
from tradewinds.practice.clock import NS_PER_S, VenueClock
from tradewinds.practice.coinbase.figures import uuid_of

LIFE_S = 120
AHEAD_S = 60
HALF = 32
NONCES_KEPT = 10_000
ISSUERS = frozenset({"cdp", "coinbase-cloud"})
CURVE = ec.SECP256R1()
LARGEST = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550
"""The greatest secret number of the curve."""


class Refusal(Exception):
    """The token does not speak for anybody; `str` says why, to the log and not to the client."""


class Tokens:
    """Checks tokens against the keys and the venue's own clock."""

    def __init__(self, keyring: Keyring, clock: VenueClock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self.refused: list[str] = []

    def of_request(self, token: str, method: str, host: str, path: str) -> ApiKey:
        """The key that signed this very request. Raises Refusal."""
        return self._noting(token, f"{method} {host}{path}")

    def of_message(self, token: str) -> ApiKey:
        """The key that signed a subscription: bound to nothing, and good for several. Raises
        Refusal."""
        return self._noting(token, None)

    def _noting(self, token: str, uri: str | None) -> ApiKey:
        try:
            return self._check(token, uri)
        except Refusal as refusal:
            self.refused.append(str(refusal))
            raise

    def _check(self, token: str, uri: str | None) -> ApiKey:
        head, claims, signature, signed = _parts(token)
        key = self._keyring.find(str(head.get("kid")))
        if key is None or key.revoked or not key.public_pem:
            raise Refusal("no such key")
        if head.get("alg") != "ES256" or not _is_good(signed, signature, key.public_pem):
            raise Refusal("the signature is wrong")
        if claims.get("sub") != key.key or claims.get("iss") not in ISSUERS:
            raise Refusal("subject or issuer is wrong")
        self._in_time(claims)
        nonce = str(head.get("nonce") or "")
        if not nonce:
            raise Refusal("no nonce")
        if uri is not None:
            self._bound(claims, uri, nonce)
        key.used = True
        return key

    def _in_time(self, claims: dict[str, Any]) -> None:
        begins, ends = claims.get("nbf"), claims.get("exp")
        if not isinstance(begins, int) or not isinstance(ends, int):
            raise Refusal("no life time")
        now_s = self._clock.now_ns() // NS_PER_S
        if ends - begins > LIFE_S:
            raise Refusal("it lives too long")
        if now_s > ends:
            raise Refusal(f"it expired {now_s - ends} s ago")
        if begins > now_s + AHEAD_S:
            raise Refusal("it begins in the future")

    def _bound(self, claims: dict[str, Any], uri: str, nonce: str) -> None:
        if claims.get("uri") != uri:
            raise Refusal(f"made for {claims.get('uri')!r}, not for {uri!r}")
        if nonce in self._nonces:
            raise Refusal("used before")
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_KEPT:
            self._nonces.popitem(last=False)


def issue(keyring: Keyring, account: Account, purpose: str) -> ApiKey:
    """A key of the ECDSA kind, the same for the same purpose."""
    number = int.from_bytes(hashlib.sha256(purpose.encode()).digest(), "big") % LARGEST + 1
    return _admit(keyring, account, ec.derive_private_key(number, CURVE), purpose)


def issue_throwaway(keyring: Keyring, account: Account) -> ApiKey:
    """One that nobody could know beforehand."""
    return _admit(keyring, account, ec.generate_private_key(CURVE), account.name)


def _admit(
    keyring: Keyring, account: Account, private: ec.EllipticCurvePrivateKey, purpose: str
) -> ApiKey:
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    organisation, name = uuid_of("organisation"), uuid_of(f"key {purpose}")
    key = ApiKey(
        key=f"organizations/{organisation}/apiKeys/{name}",
        secret=pem.decode(),
        public_pem=public.decode(),
        account=account,
    )
    return keyring.admit(key)


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    pieces = token.split(".")
    if len(pieces) != 3:
        raise Refusal("not a token")
    try:
        head, claims = (msgspec.json.decode(_raw(piece)) for piece in pieces[:2])
        signature = _raw(pieces[2])
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise Refusal("not a token") from error
    if not isinstance(head, dict) or not isinstance(claims, dict):
        raise Refusal("not a token")
    return head, claims, signature, f"{pieces[0]}.{pieces[1]}".encode()


def _raw(piece: str) -> bytes:
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def _is_good(signed: bytes, signature: bytes, public_pem: str) -> bool:
    public = load_pem_public_key(public_pem.encode())
    if len(signature) != 2 * HALF or not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    halves = (signature[:HALF], signature[HALF:])
    first, second = (int.from_bytes(half, "big") for half in halves)
    try:
        public.verify(encode_dss_signature(first, second), signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
