"""Who signs how: the payload, and whether the signature over it is good."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tradewinds.practice.accounts import ApiKey

SIGNATURE = "signature"


def rest_payload(query: str, body: str) -> tuple[str, str | None]:
    """What a REST signature covers (query, then body, as sent) and the signature itself.

    A signature in the query counts before one in the body.
    """
    kept_query, in_query = _without_signature(query)
    kept_body, in_body = _without_signature(body)
    return kept_query + kept_body, in_query or in_body


def socket_payload(params: Mapping[str, str]) -> str:
    """What a WebSocket API signature covers: all parameters but it, by name."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != SIGNATURE)


def is_good(payload: str, signature: str, key: ApiKey) -> bool:
    """HMAC-SHA256 in hex, case ignored, or Ed25519 in base64."""
    if key.public_pem:
        return _is_good_ed25519(payload, signature, key.public_pem)
    made = hmac.new(key.secret.encode(), payload.encode("utf-8", "surrogateescape"), hashlib.sha256)
    return hmac.compare_digest(
        made.hexdigest(), signature.lower().encode().decode("ascii", "replace")
    )


def _is_good_ed25519(payload: str, signature: str, public_pem: str) -> bool:
    public = load_pem_public_key(public_pem.encode())
    assert isinstance(public, Ed25519PublicKey)
    try:
        raw = base64.b64decode(unquote(signature), validate=True)
        public.verify(raw, payload.encode("utf-8", "surrogateescape"))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _without_signature(encoded: str) -> tuple[str, str | None]:
    parts = encoded.split("&") if encoded else []
    found = [part for part in parts if part.startswith(f"{SIGNATURE}=")]
    kept = "&".join(part for part in parts if part not in found)
    return kept, unquote(found[0].partition("=")[2]) if found else None
